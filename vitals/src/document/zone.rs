//! A time zone, as a file names it.

use std::str::FromStr;

use jiff::tz::TimeZone;
use thiserror::Error;

/// A time zone of the IANA database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(pub TimeZone);

/// A name that no time zone has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no time zone; write one like \"Europe/Berlin\" or \"America/New_York\"")]
pub struct ZoneError(String);

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        TimeZone::get(text).map(Self).map_err(|_unknown| ZoneError(text.to_owned()))
    }
}
