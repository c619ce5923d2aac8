//! Rows of `command`: the orders of the nurses. An order about a reading has its key in the place of
//! the alert's.

use rusqlite::{Connection, Row, params};
use vitals::wire::topic::Channel;

use super::record::{self, COLUMNS, TABLES};
use super::{Store, StoreError};
use crate::inbound::{self, Body};
use crate::order::{Order, Progress};

impl Store {
    /// Keeps a new order; only after that it may be sent.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] when it was not kept.
    pub fn keep(&mut self, order: &Order) -> Result<(), StoreError> {
        let insert = || {
            self.connection
                .prepare_cached(
                    "INSERT INTO command (id, hub, alert, seen_rev, issued_ms, progress, payload,
                     sealed, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute(params![
                    order.id,
                    order.wish.hub.as_str(),
                    order.wish.about(),
                    order.seen_rev,
                    order.issued_at.as_millisecond(),
                    order.progress.as_str(),
                    order.payload,
                    order.sealed,
                    checksum(&order.payload, &order.sealed),
                ])
        };
        insert().map_err(StoreError::failed("keep an order")).map(|_one| ())
    }

    /// Notes how far orders are.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] when nothing was noted.
    pub fn note_progress(
        &mut self,
        orders: &[String],
        progress: Progress,
    ) -> Result<(), StoreError> {
        let mut update = || {
            let transaction = self.connection.transaction()?;
            for id in orders {
                transaction
                    .prepare_cached("UPDATE command SET progress = ?2 WHERE id = ?1")?
                    .execute(params![id, progress.as_str()])?;
            }
            transaction.commit()
        };
        update().map_err(StoreError::failed("note the progress of an order"))
    }

    /// Orders that are on their way, and the latest one of each alert that is open.
    pub(super) fn orders(&self) -> rusqlite::Result<(Vec<Order>, u64)> {
        let mut statement = self.connection.prepare(
            "SELECT payload, sealed, seen_rev, progress, checksum FROM command
             WHERE progress = 'on-its-way' OR id IN (
                 SELECT command.id FROM command JOIN hub ON hub.name = command.hub
                 JOIN alert ON alert.hub_id = hub.id AND alert.alert = command.alert
                 WHERE alert.is_open = 1
             ) ORDER BY issued_ms",
        )?;
        let rows = statement.query_map([], order)?.collect::<rusqlite::Result<Vec<_>>>()?;
        let n_rows = rows.len();
        let mut orders: Vec<_> = rows.into_iter().flatten().collect();
        note_refusals(&self.connection, &mut orders)?;
        let n_damaged = u64::try_from(n_rows.saturating_sub(orders.len())).unwrap_or(u64::MAX);
        Ok((orders, n_damaged))
    }
}

/// Notes which of `orders` their homes refused, and why: the events say it that came since.
fn note_refusals(connection: &Connection, orders: &mut [Order]) -> rusqlite::Result<()> {
    let may_be = |it: &&Order| matches!(it.progress, Progress::OnItsWay | Progress::Refused);
    let Some(since) = orders.iter().filter(may_be).map(|it| it.issued_at).min() else {
        return Ok(());
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE record.kind = 3 AND record.refusal IS NULL
         ORDER BY record.id DESC"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    for row in statement.query_map([], record::read)? {
        // Damaged ones are counted where all records are read.
        let Ok(record) = row? else { continue };
        if record.received_at < since {
            break;
        }
        let Body::Event(event) = inbound::body(Channel::Event, &record.payload) else { continue };
        let is_it = |it: &&mut Order| {
            event.command_id.as_ref() == Some(&it.id) && it.wish.hub == record.hub
        };
        orders.iter_mut().filter(is_it).for_each(|it| it.refuse(&event.text));
    }
    Ok(())
}

/// The order of a row, or `None` where the row is damaged.
fn order(row: &Row<'_>) -> rusqlite::Result<Option<Order>> {
    let payload: Vec<u8> = row.get(0)?;
    let sealed: Vec<u8> = row.get(1)?;
    let seen_rev = row.get(2)?;
    let progress: String = row.get(3)?;
    let sound = row.get::<_, u32>(4)? == checksum(&payload, &sealed);
    let restored = || Order::restore(payload, sealed, seen_rev, progress.parse().ok()?).ok();
    Ok(Some(()).filter(|()| sound).and_then(|()| restored()))
}

fn checksum(payload: &[u8], sealed: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(payload);
    hasher.update(sealed);
    hasher.finalize()
}
