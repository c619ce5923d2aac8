//! Server-sent events: the board again whenever it looks different, and a beat that proves that it
//! is live.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::Event;
use futures::{Stream, stream};
use tokio::sync::watch;

use super::{Page, layout, viewer};
use crate::board::Board;
use crate::clock;

/// The script calls the page dead after a few of these without a beat.
const BEAT: Duration = Duration::from_secs(10);
/// Shortest time between two boards: a burst of readings is one change.
const PAUSE: Duration = Duration::from_millis(250);
/// After so many beats the board is sent again, because ages and silences grow by themselves.
const BEATS_OF_A_BOARD: u8 = 3;

struct Watcher {
    page: Page,
    viewer: Option<String>,
    board: watch::Receiver<Arc<Board>>,
    shutdown: watch::Receiver<bool>,
    n_beats: u8,
    /// The board that the browser shows.
    shown: String,
}

/// The stream of one browser; it ends when the station does.
pub(super) async fn events(
    State(page): State<Page>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut board = page.board.clone();
    board.mark_changed();
    let watcher = Watcher {
        viewer: viewer::remembered(&headers),
        board,
        shutdown: page.shutdown.clone(),
        page,
        n_beats: 0,
        shown: String::new(),
    };
    Sse::new(stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((Ok(event), watcher))
    }))
}

impl Watcher {
    async fn next(&mut self) -> Option<Event> {
        let has_changed = tokio::select! {
            biased;
            _told = self.shutdown.wait_for(|it| *it) => return None,
            changed = self.board.changed() => changed.is_ok(),
            () = tokio::time::sleep(BEAT) => false,
        };
        if has_changed {
            tokio::time::sleep(PAUSE).await;
        } else {
            self.n_beats = self.n_beats.saturating_add(1);
            if self.n_beats < BEATS_OF_A_BOARD {
                return Some(beat());
            }
        }
        self.n_beats = 0;
        let board = Arc::clone(&self.board.borrow_and_update());
        let viewer = self.viewer.as_deref();
        let fragment = layout::fragment(&self.page.config, &board, viewer, clock::now());
        let news = news(&mut self.shown, fragment.into_string());
        Some(news.map_or_else(beat, |board| Event::default().event("board").data(board)))
    }
}

/// The board as it looks now, where it does not look like the one that the browser shows.
fn news(shown: &mut String, board: String) -> Option<&str> {
    if *shown == board {
        return None;
    }
    *shown = board;
    Some(shown)
}

fn beat() -> Event {
    Event::default().event("beat").data("alive")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_that_looks_the_same_is_not_sent_again() {
        let mut shown = String::new();
        let mut look = |board: &str| news(&mut shown, board.to_owned()).map(str::to_owned);
        assert_eq!(look("calm"), Some("calm".to_owned()));
        assert_eq!(look("calm"), None);
        assert_eq!(look("alert"), Some("alert".to_owned()));
        assert_eq!(look("calm"), Some("calm".to_owned()));
    }
}
