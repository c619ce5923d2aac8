use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use vitals::wire::v1::{self, Instruction};
use vitals::{Epoch, Sequence, SequenceRanges};

use super::*;
use crate::hub::Event;
use crate::hub::tests::{CRISIS, Home, NORMAL, key, stamp};
use crate::store::{Lane, MEMORY_MAX_BYTES, READINGS_LOST, Store, Upkeep};

impl Home {
    /// The names of what belongs to the file, here and away.
    fn parts(&self) -> [(PathBuf, PathBuf); 3] {
        ["", "-wal", "-shm"].map(|suffix| {
            let name = |stem: &str| self.path.with_file_name(format!("{stem}{suffix}"));
            (name("ledger.db"), name("ledger.away"))
        })
    }

    /// The file cannot be written, opened or read any more.
    fn break_file(&mut self) {
        self.hub.store.fail_writes();
        self.take_file_away();
    }

    fn take_file_away(&self) {
        for (here, away) in self.parts() {
            assert!(fs::rename(&here, away).is_ok() || here != self.path);
        }
        fs::create_dir(&self.path).unwrap();
    }

    fn mend_file(&self) {
        fs::remove_dir(&self.path).unwrap();
        for (here, away) in self.parts() {
            assert!(fs::rename(away, &here).is_ok() || here != self.path);
        }
    }

    /// The `n`th blood pressure that the cuff measured.
    fn measure(&mut self, systolic: u8, n: u64) {
        let (minute, second) = (n / 60 % 60, n % 60);
        let hour = n / 3600;
        self.indicate(&format!(
            "16{systolic:02x}0050006600e1070110{hour:02x}{minute:02x}{second:02x}40000000"
        ));
    }

    /// Lets the time pass in which the file is tried again.
    fn wait_for_file(&mut self) {
        self.let_pass(200);
    }

    /// Lets time pass, with as many slices at each deadline as the hub wants.
    fn let_pass(&mut self, seconds: u64) {
        let end = self.seconds + seconds;
        while let Some(wait) = self.hub.next_wait(stamp(self.seconds))
            && self.seconds + wait.as_secs() <= end
        {
            self.seconds += wait.as_secs();
            self.hub.step(stamp(self.seconds), Event::Deadline).unwrap();
        }
        self.seconds = end;
    }

    fn is_in_memory(&self) -> bool {
        self.hub.store.is_in_memory()
    }

    fn standing_of(&self, rule: &str) -> Vec<String> {
        let of_rule = self.alerts().into_iter().filter(|it| it.rule == rule);
        of_rule.map(|it| it.state).collect()
    }

    /// Systolic pressures that the file has, oldest first.
    fn in_file(&self) -> Vec<String> {
        let store = Store::open_read_only(&self.path).unwrap();
        let nothing = SequenceRanges::new();
        let records = store.pending(Lane::Reading, 0, &nothing, 100_000).unwrap();
        let systolic = |payload: &[u8]| {
            let reading: v1::Reading = canonical::decode(payload).unwrap();
            reading.values[0].value.0.to_string()
        };
        records.iter().map(|it| systolic(&it.payload)).collect()
    }

    fn receipt_for_all(&mut self) {
        let high_water = self.hub.store.last_number();
        let event = self.receipt(high_water, vec![]);
        self.step(event);
    }

    fn key_of_last(&self) -> LedgerKey {
        self.hub.store.key(self.hub.store.last_seq())
    }
}

fn in_memory_of(home: &Home) -> Option<String> {
    let health: v1::Health = canonical::decode(&home.hub.health(stamp(9)).unwrap()).unwrap();
    let since = health.storage.and_then(|it| it.memory_only_since);
    since.map(|it| it.0.to_string())
}

#[test]
fn where_the_file_cannot_be_written_the_hub_judges_sends_and_answers_from_memory() {
    let mut home = Home::with_memory(MEMORY_MAX_BYTES);
    home.indicate(NORMAL);
    let of_file = home.hub.store.epoch();
    assert_eq!((home.hub.in_memory_since(), in_memory_of(&home)), (None, None));
    home.break_file();
    home.indicate(CRISIS);
    let epoch = home.hub.store.epoch();
    assert_ne!(epoch, of_file);
    assert_eq!(home.hub.in_memory_since(), Some(LocalInstant::utc(stamp(2).wall)));
    assert_eq!(in_memory_of(&home), Some(LocalInstant::utc(stamp(2).wall).to_string()));
    // The reading and its alert wait to be sent, in the epoch of memory, from number 1.
    assert_eq!(home.alert_id().to_string(), format!("{epoch}-2"));
    assert_eq!(home.pending(Lane::Reading), [2]);
    assert_eq!(home.readings().last().unwrap().id, format!("{epoch}-1"));
    home.step(Event::Deadline);
    assert_eq!(home.standing_of(STORAGE_VOLATILE), ["raised"]);
    home.step(home.acknowledge("c-1", "Nurse N."));
    assert_eq!(home.standing_of("systolic-crisis"), ["raised", "acknowledged"]);
    // A replay is known, and a receipt covers what it says.
    home.indicate(CRISIS);
    home.receipt_for_all();
    assert!(Lane::ALL.iter().all(|it| home.pending(*it).is_empty()));

    home.mend_file();
    home.wait_for_file();
    assert!(!home.is_in_memory());
    assert_eq!(home.standing_of(STORAGE_VOLATILE), ["raised", "cleared"]);
    assert_eq!(home.in_file(), ["125", "184"]);
    assert_eq!((home.hub.store.epoch(), home.hub.store.stretch(of_file).max()), (epoch, Some(1)));
    let last = home.key_of_last();
    home.restart();
    assert_eq!(home.key_of_last(), last);
    let open: Vec<_> = home.hub.engine.open().map(|it| (it.rule.clone(), it.by.clone())).collect();
    let by = Some("Nurse N.".to_owned());
    assert_eq!(open, [("systolic-crisis".to_owned(), by), (STORAGE_VOLATILE.to_owned(), None)]);
    // What was answered in memory is answered.
    home.step(home.acknowledge("c-1", "Somebody else"));
    home.indicate(CRISIS);
    assert_eq!(home.key_of_last(), last);
}

#[test]
fn open_alerts_keep_their_name_and_state_in_memory_and_back() {
    let mut home = Home::with_memory(MEMORY_MAX_BYTES);
    home.indicate(CRISIS);
    let alert = home.alert_id();
    home.step(home.acknowledge("c-1", "Nurse N."));
    home.break_file();
    home.measure(190, 1);
    let open: Vec<_> = home.hub.engine.open().cloned().collect();
    let [repeated] = open.as_slice() else { panic!("{open:?}") };
    assert_eq!((repeated.id, repeated.count, repeated.by.as_deref()), (alert, 2, Some("Nurse N.")));
    let close = Instruction::Close {
        alert,
        by: "Nurse N.".to_owned(),
        disposition: "true-actioned".to_owned(),
        note: None,
    };
    home.step(home.command("c-2", close, &key()));
    home.mend_file();
    home.wait_for_file();
    home.restart();
    let open: Vec<_> = home.hub.engine.open().map(|it| it.rule.as_str()).collect();
    assert_eq!(open, [STORAGE_VOLATILE]);
}

#[test]
fn a_hub_that_loses_power_goes_on_with_its_file_as_it_was() {
    let mut home = Home::with_memory(MEMORY_MAX_BYTES);
    home.indicate(NORMAL);
    let (of_file, last) = (home.hub.store.epoch(), home.hub.store.last_seq());
    home.break_file();
    home.indicate(CRISIS);
    let of_memory = home.hub.store.epoch();
    home.mend_file();
    home.start_with_memory(MEMORY_MAX_BYTES);
    assert_eq!(home.hub.store.epoch(), of_file);
    assert_eq!(home.hub.store.stretch(of_memory), SequenceRanges::new());
    // Its number was never given to another record.
    assert_eq!(home.key_of_last(), LedgerKey { epoch: of_file, number: last + 1 });
    // What the agency asks for is nowhere, and a receipt for it hides nothing.
    let instruction = Instruction::Resend { epoch: of_memory, ranges: vec![(1, 9)] };
    home.step(home.command("c-1", instruction, &key()));
    assert_eq!(home.pending(Lane::Reading), [1]);
    // The device still has the reading, and it is new here.
    home.indicate(CRISIS);
    assert_eq!(home.readings().len(), 2);
}

#[test]
fn every_kind_of_write_goes_on_in_memory() {
    let resend = |home: &Home| {
        let instruction =
            Instruction::Resend { epoch: home.hub.store.epoch(), ranges: vec![(1, 1)] };
        home.command("c-1", instruction, &key())
    };
    let condition = |home: &mut Home| {
        let why = "It is so.".to_owned();
        let condition = Condition { rule: "rule", priority: Priority::Low, why };
        home.hub.raise(stamp(50), &condition).unwrap();
    };
    type Write<'a> = &'a dyn Fn(&mut Home);
    let writes: [(&str, Write<'_>); 6] = [
        ("receipt", &|home| home.receipt_for_all()),
        ("resend", &|home| home.step(resend(home))),
        ("answer", &|home| home.step(home.acknowledge("c-2", "Nurse N."))),
        ("start", &|home| home.step(Event::Started)),
        ("condition", &condition),
        ("purge", &|home| home.let_pass(3 * 3600)),
    ];
    for (name, write) in writes {
        let mut home = Home::with_memory(MEMORY_MAX_BYTES);
        home.indicate(CRISIS);
        if name == "purge" {
            home.receipt_for_all();
            home.measure(120, 1);
            home.receipt_for_all();
            home.seconds += 200 * 24 * 3600;
        }
        home.break_file();
        write(&mut home);
        assert!(home.is_in_memory(), "{name}");
        assert_eq!(home.hub.engine.open().filter(|it| it.rule == "systolic-crisis").count(), 1);
        home.mend_file();
        home.wait_for_file();
        assert!(!home.is_in_memory(), "{name}");
        assert_eq!(home.in_file().first().map(String::as_str), Some("184"), "{name}");
    }
}

#[test]
fn a_ledger_that_cannot_be_read_does_not_stop_the_hub() {
    let mut home = Home::with_memory(MEMORY_MAX_BYTES);
    home.indicate(CRISIS);
    home.take_file_away();
    let held = SequenceRanges::new();
    let question = |hub: &Hub| hub.pending(Lane::Reading, 0, &held, 10);
    assert_eq!(home.hub.ask(stamp(5), question).unwrap().len(), 1);
}

/// A hub with the smallest budget, filled by readings that the agency does not hold.
fn full_home() -> (Home, u64) {
    let mut home = Home::with_memory(MEMORY_MAX_BYTES);
    home.hub.store.keep_within(SMALL).unwrap();
    let mut n = 0;
    while !home.is_in_memory() {
        home.measure(120, n);
        n += 1;
    }
    (home, n)
}

const SMALL: Upkeep = Upkeep {
    keep: jiff::SignedDuration::from_hours(90 * 24),
    max_bytes: 256 * 1024,
    scrub_every: jiff::SignedDuration::from_hours(7 * 24),
};

#[test]
fn a_full_ledger_goes_on_in_memory_until_receipts_make_room() {
    let (mut home, n) = full_home();
    assert!(100 < n, "{n}");
    home.measure(184, n);
    home.step(Event::Deadline);
    assert_eq!(home.standing_of("systolic-crisis"), ["raised"]);
    // All that waited in the file waits in memory, and nothing gets back without a receipt.
    let (n_file, of_memory) = (home.in_file().len() as u64, home.hub.store.epoch());
    assert_eq!(home.readings().len() as u64, n + 1);
    home.wait_for_file();
    assert!(home.is_in_memory());
    // The agency has what was in the file, and says so.
    let of_file = Store::open_read_only(&home.path).unwrap().epoch();
    let receipt = receipt_of(&home, of_file, n_file);
    home.step(receipt);
    home.wait_for_file();
    assert!(!home.is_in_memory());
    assert_eq!(home.hub.store.epoch(), of_memory);
    assert_eq!(home.in_file().last().map(String::as_str), Some("184"));
    home.measure(120, n + 1);
    assert!(!home.is_in_memory());
    assert_eq!(home.in_file().last().map(String::as_str), Some("120"));
}

fn receipt_of(home: &Home, epoch: Epoch, high_water: Sequence) -> Event {
    let Event::Receipt(payload) = home.receipt(high_water, vec![]) else { unreachable!() };
    let receipt: v1::Receipt = canonical::decode(&payload).unwrap();
    let epoch = vitals::wire::primitive::Bytes(epoch.0.to_vec());
    Event::Receipt(canonical::encode(&v1::Receipt { epoch, ..receipt }).unwrap())
}

#[test]
fn a_hub_starts_with_a_full_ledger() {
    let (mut home, n) = full_home();
    home.start_with_memory(MEMORY_MAX_BYTES);
    home.hub.store.keep_within(SMALL).unwrap();
    home.measure(184, n + 1);
    home.measure(120, n + 2);
    home.measure(120, n + 3);
    assert!(home.is_in_memory());
    assert_eq!(home.standing_of("systolic-crisis").first().unwrap(), "raised");
}

#[test]
fn a_hub_starts_where_no_lock_can_be_made_with_what_it_can_read() {
    let mut home = Home::with_memory(MEMORY_MAX_BYTES);
    home.indicate(NORMAL);
    home.receipt_for_all();
    home.indicate(CRISIS);
    let (alert, last) = (home.alert_id(), home.hub.store.last_seq());
    home.hub = elsewhere(&home);
    let lock = home.path.with_extension("lock");
    fs::remove_file(&lock).unwrap();
    symlink(home.path.with_file_name("nowhere").join("lock"), &lock).unwrap();
    home.start_with_memory(MEMORY_MAX_BYTES);
    assert!(home.is_in_memory());
    let mut open: Vec<_> = home.hub.engine.open().map(|it| it.rule.as_str()).collect();
    open.sort_unstable();
    assert_eq!(open, [STORAGE_VOLATILE, "systolic-crisis"]);
    assert_eq!(home.pending(Lane::Reading), [2]);
    home.step(home.command("c-1", acknowledge(alert), &key()));
    home.measure(120, 5);
    home.indicate(CRISIS);
    fs::remove_file(&lock).unwrap();
    home.wait_for_file();
    assert!(!home.is_in_memory());
    assert_eq!(home.in_file(), ["125", "184", "120"]);
    assert!(last < home.hub.store.last_seq());
    assert!(home.hub.engine.open().any(|it| it.id == alert && it.by.is_some()));
    let refused = Store::open(&home.path).err().map(|it| it.to_string());
    assert!(refused.is_some_and(|it| it.contains("cannot own")), "it has an owner again");
}

fn elsewhere(home: &Home) -> Hub {
    let store = Store::open(&home.path.with_file_name("aside.db")).unwrap();
    Hub::new(crate::hub::tests::settings(), store, stamp(home.seconds)).unwrap()
}

fn acknowledge(alert: vitals::AlertId) -> Instruction {
    Instruction::Acknowledge { alert, by: "Nurse N.".to_owned(), note: None, until: None }
}

#[test]
fn a_hub_starts_where_nothing_can_be_read_and_follows_behind_the_file_later() {
    let mut home = Home::with_memory(MEMORY_MAX_BYTES);
    home.indicate(NORMAL);
    home.indicate(CRISIS);
    let (of_file, last, alert) =
        (home.hub.store.epoch(), home.hub.store.last_seq(), home.alert_id());
    home.hub = elsewhere(&home);
    home.take_file_away();
    home.start_with_memory(MEMORY_MAX_BYTES);
    home.measure(130, 7);
    assert_eq!(home.readings().len(), 1);
    let (of_memory, n) = (home.hub.store.epoch(), home.hub.store.last_number());
    home.mend_file();
    home.wait_for_file();
    assert_eq!(home.in_file(), ["125", "184", "130"]);
    assert_eq!(home.hub.store.stretch(of_file).max(), Some(last));
    assert!(n < home.hub.store.last_number());
    let first = LedgerKey { epoch: of_memory, number: 1 };
    assert_eq!(home.hub.store.place(first), Some(last + 1));
    // The alert of the file is open, and every record waits for the agency.
    assert!(home.hub.engine.open().any(|it| it.id == alert));
    assert_eq!(home.pending(Lane::Reading), [1, 2, last + 3]);
    home.receipt_for_all();
    assert_eq!(home.pending(Lane::Reading), [1, 2]);
}

#[test]
fn what_a_failed_commit_left_is_not_there_twice() {
    let mut home = Home::with_memory(MEMORY_MAX_BYTES);
    home.indicate(NORMAL);
    let of_file = home.hub.store.epoch();
    home.break_file();
    home.indicate(CRISIS);
    home.mend_file();
    // The flush failed, and the reading with its alert had reached the file.
    home.hub.store.forget_lock();
    let mut other = Home::with_memory(MEMORY_MAX_BYTES);
    let store = Store::open(&home.path).unwrap();
    other.hub = Hub::new(crate::hub::tests::settings(), store, stamp(1)).unwrap();
    other.indicate(CRISIS);
    drop(other);
    assert_eq!(home.in_file(), ["125", "184"]);
    home.wait_for_file();
    assert!(!home.is_in_memory());
    assert_eq!(home.in_file(), ["125", "184"]);
    assert_eq!(home.hub.store.stretch(of_file).max(), Some(1));
    assert_eq!(home.standing_of("systolic-crisis"), ["raised"]);
    let open: Vec<_> = home.hub.engine.open().map(|it| it.rule.as_str()).collect();
    assert_eq!(open, ["systolic-crisis", STORAGE_VOLATILE]);
}

#[test]
fn another_ledger_in_the_place_of_the_file_is_left_alone() {
    let mut home = Home::with_memory(MEMORY_MAX_BYTES);
    home.indicate(NORMAL);
    home.break_file();
    home.indicate(CRISIS);
    let mut other = Home::with_memory(MEMORY_MAX_BYTES);
    other.measure(111, 1);
    other.hub = elsewhere(&other);
    fs::remove_dir(&home.path).unwrap();
    fs::copy(&other.path, &home.path).unwrap();
    home.wait_for_file();
    assert!(home.is_in_memory());
    assert_eq!(home.in_file(), ["111"]);
    for (here, _away) in home.parts() {
        assert!(fs::remove_file(&here).is_ok() || here != home.path);
    }
    fs::create_dir(&home.path).unwrap();
    home.mend_file();
    home.wait_for_file();
    assert_eq!(home.in_file(), ["125", "184"]);
}

#[test]
fn an_older_copy_or_an_empty_disk_takes_what_there_is_and_the_rest_is_told() {
    for is_empty in [false, true] {
        let mut home = Home::with_memory(MEMORY_MAX_BYTES);
        home.measure(111, 1);
        home.receipt_for_all();
        home.hub = elsewhere(&home);
        let copy = fs::read(&home.path).unwrap();
        home.start_with_memory(MEMORY_MAX_BYTES);
        home.measure(112, 2);
        let of_file = home.hub.store.key(home.hub.store.last_seq());
        home.break_file();
        home.measure(184, 3);
        let last = home.hub.store.last_seq();
        fs::remove_dir(&home.path).unwrap();
        if !is_empty {
            fs::write(&home.path, &copy).unwrap();
        }
        home.wait_for_file();
        assert!(!home.is_in_memory());
        let expected: &[&str] = if is_empty { &["184"] } else { &["111", "184"] };
        assert_eq!(home.in_file(), expected);
        // The reading that only the other file had, and the event of the start before it.
        assert_eq!(home.standing_of(READINGS_LOST), ["raised"]);
        assert!(home.hub.store.absent().contains(last - 2));
        assert_eq!(
            home.hub.store.place(of_file),
            Some(last - 2),
            "its number is never given again"
        );
        assert_eq!(home.pending(Lane::Reading), [last - 1]);
    }
}

#[test]
fn when_memory_is_used_up_the_oldest_readings_go_and_alerts_stay() {
    let mut home = Home::with_memory(128 * 1024);
    home.measure(184, 0);
    home.break_file();
    home.measure(120, 1);
    home.measure(184, 2);
    home.step(Event::Deadline);
    for n in 3..500 {
        home.measure(120, n);
    }
    let usage = home.hub.store.usage().unwrap();
    assert!(usage.used_bytes <= usage.max_bytes && usage.max_bytes == 128 * 1024, "{usage:?}");
    let told = home.alerts().into_iter().rfind(|it| it.rule == STORAGE_VOLATILE).unwrap();
    assert!(told.why.contains("its memory is used up"), "{told:?}");
    assert_eq!(home.standing_of(STORAGE_VOLATILE), ["raised", "repeated"]);
    assert!(home.standing_of("systolic-crisis").len() >= 2);
    let n_left = home.readings().len();
    assert!((50..400).contains(&n_left), "{n_left}");
    assert_eq!(home.hub.n_unconfirmed(), n_left as u64 + home.alerts().len() as u64);
    let of_memory = home.hub.store.epoch();
    home.mend_file();
    home.wait_for_file();
    assert_eq!(home.in_file().len(), n_left + 1);
    assert_eq!(home.standing_of(READINGS_LOST), ["raised"]);
    // Nobody asks for the lost ones: another epoch is the newest.
    assert_ne!(home.hub.store.epoch(), of_memory);
    let last = home.key_of_last();
    home.restart();
    assert_eq!(home.key_of_last(), last);
}

#[test]
fn attempts_to_get_back_become_rarer() {
    let mut home = Home::with_memory(MEMORY_MAX_BYTES);
    home.break_file();
    home.indicate(CRISIS);
    home.step(Event::Deadline);
    let mut attempts = Vec::new();
    while home.seconds < 3600 {
        let retry_at = home.hub.exile.unwrap().retry_at.as_secs();
        attempts.push(retry_at);
        home.let_pass(retry_at - home.seconds);
    }
    let waits: Vec<_> = attempts.windows(2).map(|it| it[1] - it[0]).collect();
    assert_eq!(waits[..8], [10, 20, 40, 80, 160, 300, 300, 300]);
}
