//! The nurses' page: rendered on the server, kept live by server-sent events.
//!
//! ```text
//! GET  /                                  the board
//! GET  /events                            the board again whenever it changes, and a beat
//! GET  /board.css  /board.js              style and the few lines that swap the board in
//! POST /name                              who sits at this browser
//! POST /alerts/{hub}/{alert}/acknowledge  by, note
//! POST /alerts/{hub}/{alert}/snooze       by, note, hours
//! POST /alerts/{hub}/{alert}/close        by, note, disposition
//! POST /readings/{hub}/{reading}/assign   by, note, to
//! POST /oversights/{id}/seen              by, note
//! GET  /api/readings  /api/alerts  /api/alarms  /api/oversights  /api/hubs   JSON for scripts
//! ```
//!
//! The page asks nobody to log in: it listens on this machine, and whoever reaches it may read it.

mod alarms;
mod answer;
mod api;
mod charts;
mod claim;
mod format;
mod guard;
mod homes;
mod layout;
mod oversights;
mod shape;
mod stream;
mod viewer;
mod wish;
mod worklist;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use vitals::{HubId, SubjectId};

use crate::board::Board;
use crate::config::Config;
use crate::desk::Asked;
use crate::store::Archive;

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct Page {
    config: Arc<Config>,
    board: watch::Receiver<Arc<Board>>,
    wishes: mpsc::Sender<Asked>,
    archive: Arc<Archive>,
    shutdown: watch::Receiver<bool>,
}

impl Page {
    /// A page that shows `board` and hands wishes on.
    #[must_use]
    pub fn new(
        config: Config,
        board: watch::Receiver<Arc<Board>>,
        wishes: mpsc::Sender<Asked>,
        archive: Arc<Archive>,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        Self { config: Arc::new(config), board, wishes, archive, shutdown }
    }

    fn board(&self) -> Arc<Board> {
        Arc::clone(&self.board.borrow())
    }
}

/// Serves the page until told to end.
///
/// # Errors
///
/// Fails where the listener does.
pub async fn serve(
    listener: TcpListener,
    page: Page,
    mut shutdown: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let told = async move {
        drop(shutdown.wait_for(|it| *it).await);
    };
    axum::serve(listener, router(page)).with_graceful_shutdown(told).await?;
    Ok(())
}

/// The routes, behind the guard.
pub fn router(page: Page) -> Router {
    Router::new()
        .route("/", get(layout::page))
        .route("/events", get(stream::events))
        .route("/board.css", get(style))
        .route("/board.js", get(script))
        .route("/icon.svg", get(icon))
        .route("/name", post(viewer::name))
        .route("/alerts/{hub}/{alert}/{deed}", post(wish::ask))
        .route("/readings/{hub}/{reading}/assign", post(wish::assign))
        .route("/oversights/{id}/seen", post(wish::see_to))
        .route("/api/readings", get(api::readings))
        .route("/api/alerts", get(api::alerts))
        .route("/api/alarms", get(alarms::list))
        .route("/api/oversights", get(oversights::list))
        .route("/api/hubs", get(api::hubs))
        .layer(axum::middleware::from_fn_with_state(page.clone(), guard::guard))
        .with_state(page)
}

async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("page/board.css")).into_response()
}

async fn script() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, include_str!("page/board.js")).into_response()
}

async fn icon() -> Response {
    let kind = [(header::CONTENT_TYPE, "image/svg+xml")];
    (kind, include_str!("page/icon.svg")).into_response()
}

/// What people call a client; its subject where nobody gave it a name here.
fn client_name<'c>(config: &'c Config, subject: &'c SubjectId) -> &'c str {
    config.clients.get(subject).map_or(subject.as_str(), String::as_str)
}

/// What people call a hub; its id where nobody gave it a name here.
fn hub_name<'c>(config: &'c Config, hub: &'c HubId) -> &'c str {
    config.hubs.get(hub).map_or(hub.as_str(), String::as_str)
}

#[cfg(test)]
mod tests;
