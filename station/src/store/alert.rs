//! Rows of `alert` and `transition`: the highest revision of each alert is how it stands.

use rusqlite::{Transaction, params};

/// Files where revision `rev` of an alert stands. The first record of a revision stays, and a lower
/// revision that comes late never becomes how the alert stands. Says whether this one now is.
pub(super) fn index(
    transaction: &Transaction<'_>,
    hub_id: i64,
    alert: &str,
    rev: u32,
    (is_open, is_test): (bool, bool),
    now_ms: i64,
    position: i64,
) -> rusqlite::Result<bool> {
    transaction
        .prepare_cached(
            "INSERT INTO transition (hub_id, alert, rev, record_id) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![hub_id, alert, rev, position])?;
    let n_changed = transaction
        .prepare_cached(
            "INSERT INTO alert (hub_id, alert, rev, is_open, changed_ms, is_test)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (hub_id, alert) DO UPDATE SET rev = excluded.rev,
             is_open = excluded.is_open, changed_ms = excluded.changed_ms
             WHERE alert.rev < excluded.rev",
        )?
        .execute(params![hub_id, alert, rev, is_open, now_ms, is_test])?;
    Ok(n_changed != 0)
}
