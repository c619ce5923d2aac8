//! Listening to a serial line.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;
use tokio_serial::{DataBits, FlowControl, Parity, SerialPortBuilderExt as _, StopBits};

use super::{Origin, Utterance};
use crate::clock::Clock;

/// Quiet time after which the next byte begins a line of its own: a character at 1200 baud takes
/// 8 ms.
const GAP: Duration = Duration::from_millis(25);
/// Most bytes in one line: a stream without gaps is cut.
const PIECE_LEN_BYTES_MAX: usize = 256;

/// Speed and shape of the characters of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSettings {
    data_bits: DataBits,
    parity: Parity,
    stop_bits: StopBits,
}

impl FromStr for LineSettings {
    type Err = anyhow::Error;

    /// Reads settings like `8N1`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<char> = text.chars().collect();
        let [data, parity, stop] = parts.as_slice() else {
            bail!("{text:?} is not like 8N1");
        };
        let unknown = |what: &str| anyhow!("{what} of {text:?}");
        Ok(Self {
            data_bits: match data {
                '7' => DataBits::Seven,
                '8' => DataBits::Eight,
                _ => return Err(unknown("7 or 8 data bits, and not those")),
            },
            parity: match parity.to_ascii_uppercase() {
                'N' => Parity::None,
                'E' => Parity::Even,
                'O' => Parity::Odd,
                _ => return Err(unknown("parity N, E or O, and not that")),
            },
            stop_bits: match stop {
                '1' => StopBits::One,
                '2' => StopBits::Two,
                _ => return Err(unknown("1 or 2 stop bits, and not those")),
            },
        })
    }
}

/// Listens to the line at `path` for `duration` and hands on what comes, piece by piece.
///
/// # Errors
///
/// Fails where the line cannot be opened, and where it is unplugged.
pub async fn listen_to_line(
    path: &Path,
    baud: u32,
    (settings, text): (LineSettings, &str),
    duration: Duration,
    mut take: impl FnMut(Utterance),
) -> anyhow::Result<()> {
    let clock = Clock::start()?;
    let LineSettings { data_bits, parity, stop_bits } = settings;
    let mut stream = tokio_serial::new(path.to_string_lossy(), baud)
        .data_bits(data_bits)
        .parity(parity)
        .stop_bits(stop_bits)
        .flow_control(FlowControl::None)
        .open_native_async()
        .with_context(|| format!("failed to open {}", path.display()))?;
    let begun = clock.now().since_boot;
    let after = || clock.now().since_boot.saturating_sub(begun);
    let origin = Origin::Line(format!("{baud} {text}"));
    let mut piece: Option<Utterance> = None;
    let mut buffer = [0; PIECE_LEN_BYTES_MAX];
    loop {
        let left = duration.saturating_sub(after());
        let wait = if piece.is_some() { GAP.min(left) } else { left };
        match timeout(wait, stream.read(&mut buffer)).await {
            Ok(Ok(0)) => bail!("the line was unplugged"),
            Ok(Ok(len_bytes)) => {
                let new = buffer.get(..len_bytes).unwrap_or_default();
                let begun_piece = piece.get_or_insert_with(|| Utterance {
                    origin: origin.clone(),
                    bytes: Vec::new(),
                    after: after(),
                });
                begun_piece.bytes.extend_from_slice(new);
                if PIECE_LEN_BYTES_MAX <= begun_piece.bytes.len() {
                    piece.take().into_iter().for_each(&mut take);
                }
            }
            Ok(Err(error)) => return Err(error).context("the line cannot be read"),
            Err(_elapsed) => {
                piece.take().into_iter().for_each(&mut take);
                if left <= wait {
                    return Ok(());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_written_as_usual() {
        let read = |text: &str| text.parse::<LineSettings>();
        let usual = read("8N1").unwrap();
        assert_eq!((usual.data_bits, usual.parity), (DataBits::Eight, Parity::None));
        assert_eq!(read("7e1").unwrap().parity, Parity::Even);
        for wrong in ["", "8N", "9N1", "8X1", "8N3", "8N11"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
