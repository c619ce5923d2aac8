//! Ledgers that were restored from an older copy, and ledgers with damaged open alerts.

use alerting::Condition;
use rusqlite::Connection;
use vitals::{Epoch, Priority, Sequence};

use super::*;
use crate::store::{ALERT_LOST, LEDGER_RESTORED, LedgerKey, RECORD_DAMAGED, STORAGE_FAILED};

impl Home {
    /// The hub goes on from a copy of its ledger that was made now, after `meanwhile`, of which the
    /// copy knows nothing.
    fn restore_copy_from_before(&mut self, meanwhile: impl FnOnce(&mut Self)) {
        self.stop();
        let copy = std::fs::read(&self.path).unwrap();
        self.start();
        meanwhile(self);
        self.stop();
        std::fs::write(&self.path, copy).unwrap();
        self.start();
    }

    /// Lets go of the ledger, so that all of it is in its file.
    fn stop(&mut self) {
        let elsewhere = Store::open(&self.path.with_file_name("elsewhere.db")).unwrap();
        self.hub = Hub::new(settings(), elsewhere, stamp(self.seconds)).unwrap();
    }

    fn start(&mut self) {
        let store = Store::open(&self.path).unwrap();
        self.hub = Hub::new(settings(), store, stamp(self.seconds)).unwrap();
        self.step(Event::Started);
    }

    fn receipt_of(&self, epoch: Epoch, high_water: Sequence) -> Receipt {
        let Event::Receipt(payload) = self.receipt(high_water, vec![]) else { unreachable!() };
        let epoch = Bytes(epoch.0.to_vec());
        Receipt { epoch, ..canonical::decode(&payload).unwrap() }
    }

    fn take(&mut self, receipt: &Receipt) {
        self.step(Event::Receipt(canonical::encode(receipt).unwrap()));
    }

    /// Keys of what waits, alerts first.
    fn waiting(&self) -> Vec<LedgerKey> {
        let all = Lane::ALL.into_iter().flat_map(|lane| self.pending(lane));
        all.map(|seq| self.hub.store.key(seq)).collect()
    }

    fn technical(&self) -> Vec<String> {
        let raised = self.alerts().into_iter().filter(|it| it.category == "technical");
        raised.map(|it| it.rule).collect()
    }

    fn crc_at(&self, seq: Sequence) -> u32 {
        crc32fast::hash(&self.hub.store.record(seq).unwrap().unwrap().payload)
    }
}

fn later() -> Condition {
    let why = "Something else is wrong too.".to_owned();
    Condition { rule: "later", priority: Priority::Low, why }
}

fn in_epoch(epoch: Epoch, numbers: &[Sequence]) -> Vec<LedgerKey> {
    numbers.iter().map(|&number| LedgerKey { epoch, number }).collect()
}

#[test]
fn a_receipt_for_more_than_this_copy_ever_had_begins_a_new_epoch() {
    let mut home = Home::new();
    let old = home.hub.store.epoch();
    home.start_anew();
    home.take(&Receipt { checksum: Some(home.crc_at(1)), ..home.receipt_of(old, 1) });
    home.indicate(NORMAL);
    home.restore_copy_from_before(|home| (0..5).for_each(|_| home.restart_with_event()));
    home.indicate(CRISIS);
    // Number 2 was there when the copy was made; 3 to 5 are the start, a reading and its alert.
    assert_eq!(home.waiting(), in_epoch(old, &[5, 2, 4, 3]));
    home.take(&home.receipt_of(old, 8));
    let new = home.hub.store.epoch();
    assert_ne!(new, old);
    assert_eq!(home.technical(), [LEDGER_RESTORED]);
    // What the copy had keeps its number, under which the agency holds it.
    assert_eq!(home.waiting(), in_epoch(new, &[3, 4, 2, 1]));
    let (alert, reading) = (&home.alerts()[0], &home.readings()[1]);
    assert_eq!(alert.alert_id, format!("{new}-3"));
    assert_eq!((&reading.id, &alert.readings), (&format!("{new}-2"), &vec![format!("{new}-2")]));
    home.restart();
    let open: Vec<_> = home.hub.engine.open().map(|it| it.id.to_string()).collect();
    assert_eq!(open, [format!("{new}-3"), format!("{new}-4")]);
    home.step(home.acknowledge("c-1", "Nurse N."));
    assert_eq!(home.alerts().last().unwrap().standing, "acknowledged");
    // The reading is known by its content.
    home.indicate(CRISIS);
    assert_eq!(home.readings().len(), 2);
}

#[test]
fn another_record_at_the_high_water_mark_shows_the_copy_too() {
    let mut home = Home::new();
    let old = home.hub.store.epoch();
    home.restore_copy_from_before(|home| home.restart_with_event());
    home.restart_with_event();
    home.restart_with_event();
    assert_eq!(home.hub.store.last_number(), 3);
    let ours = home.crc_at(2);
    home.take(&Receipt { checksum: Some(!ours), ..home.receipt_of(old, 2) });
    let new = home.hub.store.epoch();
    assert_ne!(new, old);
    // The starts have new numbers, also that of an earlier run of the copy.
    assert_eq!(home.waiting(), in_epoch(new, &[4, 1, 2, 3]));
}

#[test]
fn a_receipt_that_fits_proves_the_ledger_and_later_nonsense_is_refused() {
    let mut home = Home::new();
    let epoch = home.hub.store.epoch();
    home.start_anew();
    home.indicate(NORMAL);
    home.take(&Receipt { checksum: Some(home.crc_at(2)), ..home.receipt_of(epoch, 2) });
    assert_eq!(home.hub.store.unproven(), None);
    home.indicate(CRISIS);
    home.take(&home.receipt_of(epoch, Sequence::MAX));
    assert_eq!(home.hub.store.epoch(), epoch);
    assert_eq!(home.waiting(), in_epoch(epoch, &[4, 3]));
    home.take(&home.receipt_of(epoch, 4));
    assert!(home.waiting().is_empty());
}

#[test]
fn what_is_contested_is_written_again_and_never_taken_for_delivered() {
    let mut home = Home::new();
    let old = home.hub.store.epoch();
    home.start_anew();
    home.take(&Receipt { checksum: Some(home.crc_at(1)), ..home.receipt_of(old, 1) });
    home.indicate(NORMAL);
    home.indicate(CRISIS);
    let contested = vec![(1, 2)];
    home.take(&Receipt { missing: contested.clone(), contested, ..home.receipt_of(old, 4) });
    let new = home.hub.store.epoch();
    // Number 1 was delivered before; 2 was not, 3 and 4 were.
    assert_ne!(new, old);
    assert_eq!(home.waiting(), in_epoch(new, &[2, 1]));
    assert_eq!(home.readings().iter().map(|it| it.seq).collect::<Vec<_>>(), [3, 1]);
    // The same receipt again changes nothing.
    let contested = vec![(1, 2)];
    home.take(&Receipt { missing: contested.clone(), contested, ..home.receipt_of(old, 4) });
    assert_eq!(home.hub.store.epoch(), new);
    assert_eq!(home.waiting(), in_epoch(new, &[2, 1]));
}

#[test]
fn receipts_of_an_earlier_epoch_settle_what_is_left_of_it() {
    let mut home = Home::new();
    let old = home.hub.store.epoch();
    home.indicate(NORMAL);
    home.restart_with_event();
    home.take(&home.receipt_of(old, 9));
    let new = home.hub.store.epoch();
    assert_eq!(home.waiting(), in_epoch(new, &[3, 1, 2]));
    home.restore_from_damage();
    let newest = home.hub.store.epoch();
    assert_ne!(newest, new);
    let of_new: Vec<_> = home.waiting().into_iter().filter(|it| it.epoch == new).collect();
    assert_eq!(of_new, in_epoch(new, &[3, 1, 2]));
    home.take(&home.receipt_of(new, 2));
    let of_new: Vec<_> = home.waiting().into_iter().filter(|it| it.epoch == new).collect();
    assert_eq!(of_new, in_epoch(new, &[3]));
    let instruction = Instruction::Resend { epoch: new, ranges: vec![(1, 1)] };
    home.step(home.command("c-1", instruction, &key()));
    assert!(home.waiting().contains(&LedgerKey { epoch: new, number: 1 }));
    let health: v1::Health = canonical::decode(&home.hub.health(stamp(9)).unwrap()).unwrap();
    assert_eq!(health.last_seq, home.hub.store.last_number());
}

#[test]
fn a_damaged_open_alert_is_found_among_the_records() {
    let mut home = Home::new();
    home.indicate(CRISIS);
    home.damage("UPDATE open_alert SET payload = x'00'");
    home.start();
    assert_eq!(home.hub.engine.open().count(), 1);
    assert!(home.technical().is_empty());
}

#[test]
fn an_open_alert_that_is_lost_is_told_once_and_does_not_stop_the_start() {
    let mut home = Home::new();
    home.indicate(CRISIS);
    let lost = home.hub.store.last_number();
    // It is not the last of its lane, which would be a reason for a new ledger.
    home.hub.raise(stamp(9), &later()).unwrap();
    home.step(home.receipt(2, vec![]));
    home.damage(&format!(
        "UPDATE open_alert SET payload = x'00' WHERE number = {lost}; \
         UPDATE alert SET payload = x'00' WHERE seq = {lost}"
    ));
    for _ in 0..2 {
        home.start();
        let open: Vec<_> = home.hub.engine.open().map(|it| it.rule.as_str()).collect();
        assert_eq!(open, ["later", ALERT_LOST, RECORD_DAMAGED]);
        home.stop();
    }
    home.start();
    assert_eq!(home.technical(), ["later", ALERT_LOST, RECORD_DAMAGED]);
}

#[test]
fn a_record_that_turns_out_to_be_damaged_is_told_as_an_alert() {
    let mut home = Home::new();
    home.indicate(NORMAL);
    let beside = Connection::open(&home.path).unwrap();
    beside.execute("UPDATE reading SET payload = x'00'", ()).unwrap();
    assert!(home.pending(Lane::Reading).is_empty());
    assert_eq!(home.hub.next_wait(stamp(home.seconds)), Some(Duration::ZERO));
    home.step(Event::Deadline);
    assert_eq!(home.technical(), [RECORD_DAMAGED]);
    assert_ne!(home.hub.next_wait(stamp(home.seconds)), Some(Duration::ZERO));
}

#[test]
fn after_a_failed_write_the_file_is_opened_again_and_nothing_is_lost() {
    let mut home = Home::new();
    home.indicate(NORMAL);
    home.hub.store.fail_writes();
    home.indicate(CRISIS);
    assert_eq!((home.readings().len(), home.alerts().len()), (2, 1));
    let refused = Store::open(&home.path).err().map(|it| it.to_string());
    assert!(refused.is_some_and(|it| it.contains("cannot own")), "it still has one owner");
    home.step(Event::Deadline);
    assert_eq!(home.technical(), [STORAGE_FAILED]);
    home.restart();
    assert_eq!((home.readings().len(), home.hub.engine.open().count()), (2, 2));
}

impl Home {
    fn restart_with_event(&mut self) {
        self.stop();
        self.start();
    }

    fn start_anew(&mut self) {
        self.step(Event::Started);
    }

    fn damage(&mut self, sql: &str) {
        self.stop();
        let file = Connection::open(&self.path).unwrap();
        file.execute_batch(sql).unwrap();
    }

    /// The head of the file claims a version that is not there.
    fn restore_from_damage(&mut self) {
        self.stop();
        let file = Connection::open(&self.path).unwrap();
        file.pragma_update(None, "user_version", 7).unwrap();
        drop(file);
        self.start();
    }
}
