use vitals::wire::canonical;

use super::*;

const NOW: Duration = Duration::from_secs(1000);

fn record(lane: Lane, seq: Sequence) -> Record {
    Record { seq, lane, payload: vec![1] }
}

fn page(lane: Lane, seqs: impl IntoIterator<Item = Sequence>) -> Vec<Record> {
    seqs.into_iter().map(|seq| record(lane, seq)).collect()
}

fn drain(window: &mut Window) -> Vec<Sequence> {
    std::iter::from_fn(|| window.next_record(NOW)).map(|it| it.seq).collect()
}

fn held(upto: Sequence) -> SequenceRanges {
    let mut held = SequenceRanges::new();
    held.insert(1..=upto);
    held
}

#[test]
fn alerts_are_asked_for_and_sent_first() {
    let mut window = Window::default();
    assert_eq!(window.wanted_page(9), Some((Lane::Alert, 0)));
    window.take_page(Lane::Alert, 0, page(Lane::Alert, [4]), 9);
    assert_eq!(window.wanted_page(9), Some((Lane::Reading, 0)));
    window.take_page(Lane::Reading, 0, page(Lane::Reading, [1, 2, 3]), 9);
    window.take_page(Lane::Event, 0, vec![], 9);
    assert_eq!(window.wanted_page(9), None);
    assert_eq!(drain(&mut window), [4, 1, 2, 3]);
}

#[test]
fn an_alert_overtakes_readings_that_were_fetched_before_it() {
    let mut window = Window::default();
    window.take_page(Lane::Alert, 0, vec![], 500);
    window.take_page(Lane::Reading, 0, page(Lane::Reading, 1..=256), 500);
    assert_eq!(window.next_record(NOW).map(|it| it.seq), Some(1));
    assert_eq!(window.wanted_page(501), Some((Lane::Alert, 500)));
    window.take_page(Lane::Alert, 0, page(Lane::Alert, [501]), 501);
    assert_eq!(window.next_record(NOW).map(|it| it.seq), Some(501));
}

#[test]
fn a_full_page_is_continued_where_it_ended() {
    let mut window = Window::default();
    window.take_page(Lane::Alert, 0, vec![], 9999);
    window.take_page(Lane::Reading, 0, page(Lane::Reading, 1..=256), 9999);
    window.take_page(Lane::Event, 0, vec![], 9999);
    while window.next_record(NOW).is_some() {
        window.acknowledged();
    }
    assert_eq!(window.wanted_page(9999), Some((Lane::Reading, 256)));
}

#[test]
fn the_window_closes_and_opens_with_acknowledgements() {
    let mut window = Window::default();
    window.take_page(Lane::Reading, 0, page(Lane::Reading, 1..=200), 200);
    assert_eq!(drain(&mut window).len(), IN_FLIGHT_MAX);
    window.acknowledged();
    assert_eq!(drain(&mut window).len(), 1);
}

#[test]
fn without_receipts_sending_stops_for_readings_but_not_for_alerts() {
    let mut window = Window::default();
    window.take_page(Lane::Reading, 0, page(Lane::Reading, 1..=2000), 2000);
    let mut sent = 0;
    while window.next_record(NOW).is_some() {
        window.acknowledged();
        sent += 1;
    }
    assert_eq!(sent, UNCONFIRMED_MAX);
    window.take_page(Lane::Alert, 0, page(Lane::Alert, [2001]), 2001);
    assert_eq!(window.next_record(NOW).map(|it| it.seq), Some(2001));
    window.receipt(&held(10));
    assert_eq!(window.next_record(NOW).map(|it| it.seq), Some(769));
}

/// Sends `seqs` as readings, one after another.
fn sent(window: &mut Window, seqs: std::ops::RangeInclusive<Sequence>) {
    let last = *seqs.end();
    window.take_page(Lane::Reading, seqs.start() - 1, page(Lane::Reading, seqs), last);
    while window.next_record(NOW).is_some() {
        window.acknowledged();
    }
}

fn only(seqs: impl IntoIterator<Item = Sequence>) -> SequenceRanges {
    let mut held = SequenceRanges::new();
    seqs.into_iter().for_each(|it| held.insert(it..=it));
    held
}

#[test]
fn a_record_without_a_receipt_is_sent_again_with_growing_patience() {
    let mut window = Window::default();
    window.take_page(Lane::Reading, 0, page(Lane::Reading, [1]), 1);
    window.next_record(NOW);
    window.acknowledged();
    assert_eq!(window.next_overdue(), Some(NOW + PATIENCE));
    assert_eq!(window.overdue(NOW + PATIENCE - Duration::from_millis(1)), None);
    assert_eq!(window.overdue(NOW + PATIENCE), Some(1));
    let second = window.next_overdue().unwrap();
    assert!(NOW + PATIENCE * 3 <= second && second <= NOW + PATIENCE + PATIENCE * 5 / 2);
    window.take_again(page(Lane::Reading, [1]));
    assert_eq!(window.next_record(NOW + PATIENCE).map(|it| it.seq), Some(1));
    window.receipt(&held(1));
    assert_eq!(window.next_overdue(), None);
}

#[test]
fn patience_ends_at_five_minutes_and_a_quarter_more() {
    let mut window = Window::default();
    window.take_page(Lane::Reading, 0, page(Lane::Reading, [1]), 1);
    window.next_record(NOW);
    let mut now = NOW;
    for _ in 0..40 {
        now = window.next_overdue().unwrap();
        assert_eq!(window.overdue(now), Some(1));
    }
    let wait = window.next_overdue().unwrap() - now;
    assert!(PATIENCE_MAX <= wait && wait <= PATIENCE_MAX * 5 / 4, "{wait:?}");
}

#[test]
fn an_agency_that_is_away_is_asked_by_one_record_and_the_rest_follows_its_answer() {
    let mut window = Window::default();
    sent(&mut window, 1..=700);
    for _ in 0..20 {
        let now = window.next_overdue().unwrap();
        assert_eq!(window.overdue(now), Some(1));
        window.take_again(page(Lane::Reading, [1]));
        assert_eq!(window.next_record(now).map(|it| it.seq), Some(1));
        assert_eq!(window.next_record(now), None);
        window.acknowledged();
    }
    assert!(window.receipt(&only([1])));
    assert_eq!(window.missing(), Vec::from_iter(2..=700));
}

#[test]
fn an_agency_that_comes_back_is_asked_at_once() {
    let mut window = Window::default();
    sent(&mut window, 1..=3);
    let away = NOW + Duration::from_secs(3);
    window.heard(away);
    assert_eq!(window.overdue(away), None);
    assert_eq!(window.next_overdue(), Some(away + ANSWER_MAX));
    assert_eq!(window.overdue(away + ANSWER_MAX), Some(1));
    assert!(away + PATIENCE < window.next_overdue().unwrap());
    // One that answers is not asked.
    window.heard(away + 2 * ANSWER_MAX);
    assert!(window.receipt(&only([3])));
    assert!(away + PATIENCE < window.next_overdue().unwrap());
}

#[test]
fn an_alert_is_what_asks_for_receipts() {
    let mut window = Window::default();
    sent(&mut window, 1..=3);
    window.take_page(Lane::Alert, 0, page(Lane::Alert, [4]), 4);
    window.next_record(NOW);
    assert_eq!(window.overdue(window.next_overdue().unwrap()), Some(4));
}

#[test]
fn what_something_later_of_its_lane_has_overtaken_is_sent_again_at_once() {
    let mut window = Window::default();
    sent(&mut window, 1..=4);
    window.take_page(Lane::Alert, 0, page(Lane::Alert, [5]), 5);
    window.next_record(NOW);
    // Another lane is another topic, which brokers do not keep in step.
    assert!(window.receipt(&only([5])));
    assert_eq!(window.missing(), Vec::<Sequence>::new());
    assert!(window.receipt(&only([1, 3, 5])));
    assert_eq!(window.missing(), [2]);
    assert_eq!(window.missing(), Vec::<Sequence>::new());
}

#[test]
fn what_never_arrives_is_not_sent_at_every_receipt() {
    let mut window = Window::default();
    sent(&mut window, 1..=1);
    let mut n_again = 0;
    for seq in 2..100 {
        sent(&mut window, seq..=seq);
        window.receipt(&only(2..=seq));
        for missing in window.missing() {
            n_again += 1;
            window.take_again(page(Lane::Reading, [missing]));
            window.next_record(NOW);
            window.acknowledged();
        }
    }
    assert_eq!(n_again, OVERTAKEN_MAX);
    assert_eq!(window.overdue(window.next_overdue().unwrap()), Some(1));
}

#[test]
fn one_stuck_record_costs_no_memory() {
    let mut window = Window::default();
    sent(&mut window, 1..=1);
    for seq in 2..20_000 {
        sent(&mut window, seq..=seq);
        let mut held = held(seq);
        held.remove(1..=1);
        window.receipt(&held);
    }
    assert!(window.sent_in_order.len() <= SENT_IN_ORDER_MAX + 1);
    assert_eq!(window.next_overdue(), Some(NOW + PATIENCE));
}

fn alert(seq: Sequence, priority: &str) -> Record {
    let message = BTreeMap::from([("priority", priority)]);
    Record { seq, lane: Lane::Alert, payload: canonical::encode(&message).unwrap() }
}

#[test]
fn alerts_of_high_priority_go_before_others() {
    let mut window = Window::default();
    let alerts = vec![alert(1, "low"), alert(2, "high"), alert(3, "medium"), alert(4, "high")];
    window.take_page(Lane::Alert, 0, alerts, 5);
    window.take_page(Lane::Reading, 0, page(Lane::Reading, [5]), 5);
    assert_eq!(drain(&mut window), [2, 4, 1, 3, 5]);
}

#[test]
fn a_reading_of_now_goes_before_three_weeks_of_backlog() {
    let last = 10_000;
    let mut window = Window::new(SequenceRanges::new(), last, Rng::with_seed(1));
    let mut asked = Vec::new();
    while let Some((lane, after)) = window.wanted_page(last) {
        asked.push((lane, after));
        let seqs = after + 1..=after + 256;
        let found = if lane == Lane::Reading { page(lane, seqs) } else { vec![] };
        window.take_page(lane, after, found, last);
    }
    let fresh = last - 256;
    let readings: Vec<_> = asked.iter().filter(|it| it.0 == Lane::Reading).collect();
    assert_eq!(readings, [&(Lane::Reading, fresh), &(Lane::Reading, 0)]);
    assert_eq!(window.next_record(NOW).map(|it| it.seq), Some(fresh + 1));
    for _ in 0..300 {
        window.acknowledged();
        window.next_record(NOW);
    }
    let mut found = page(Lane::Reading, [last + 1]);
    while let Some((lane, after)) = window.wanted_page(last + 1) {
        let found = if lane == Lane::Reading { std::mem::take(&mut found) } else { vec![] };
        window.take_page(lane, after, found, last + 1);
    }
    let mut next = std::iter::repeat_with(|| {
        window.acknowledged();
        window.next_record(NOW).map(|it| it.seq)
    });
    assert!(next.by_ref().take(2).any(|it| it == Some(last + 1)));
    assert!(next.take(5).all(|it| it.is_some_and(|it| it <= fresh)));
}

#[test]
fn no_stream_waits_for_ever() {
    let mut window = Window::new(SequenceRanges::new(), 1256, Rng::with_seed(1));
    window.take_page(Lane::Reading, 0, page(Lane::Reading, 1..=10), 1256);
    window.take_page(Lane::Event, 1000, page(Lane::Event, [1001]), 1256);
    let mut seen = Vec::new();
    // Alerts and fresh readings without a pause.
    for seq in (2000..).step_by(2).take(usize::try_from(FAIR_EVERY * 6).unwrap()) {
        window.take_page(Lane::Alert, seq, page(Lane::Alert, [seq]), seq);
        window.take_page(Lane::Reading, seq, page(Lane::Reading, [seq + 1]), seq + 1);
        seen.extend(window.next_record(NOW).map(|it| it.seq));
        window.acknowledged();
    }
    assert!(seen.contains(&1) && seen.contains(&1001), "{seen:?}");
    assert!(seen.iter().any(|it| 2000 < *it && it % 2 == 1), "{seen:?}");
}

#[test]
fn what_the_agency_holds_is_not_sent() {
    let mut window = Window::default();
    window.take_page(Lane::Reading, 0, page(Lane::Reading, 1..=5), 5);
    window.take_again(page(Lane::Reading, [1, 2]));
    window.receipt(&held(3));
    assert_eq!(drain(&mut window), [4, 5]);
}

#[test]
fn what_the_first_receipt_of_a_connection_no_longer_covers_is_asked_for() {
    let mut window = Window::new(held(3), 3, Rng::with_seed(1));
    for lane in Lane::ALL {
        window.take_page(lane, 0, vec![], 3);
    }
    assert_eq!(window.wanted_page(3), None);
    let mut less = held(3);
    less.remove(2..=2);
    window.receipt(&less);
    assert_eq!(window.wanted_page(3), Some((Lane::Alert, 0)));
    assert_eq!(window.held(), &less);
}

#[test]
fn what_is_fetched_again_after_the_agency_lost_it_is_sent_again_once() {
    let mut window = Window::default();
    window.take_page(Lane::Alert, 0, vec![], 3);
    window.take_page(Lane::Reading, 0, page(Lane::Reading, [3]), 3);
    window.take_page(Lane::Event, 0, vec![], 3);
    window.receipt(&held(2));
    assert_eq!(drain(&mut window), [3]);
    assert_eq!(window.wanted_page(3), None);
    window.receipt(&held(0));
    assert_eq!(window.wanted_page(3), Some((Lane::Alert, 0)));
    window.take_page(Lane::Reading, 0, page(Lane::Reading, [1, 2, 3]), 3);
    assert_eq!(drain(&mut window), [1, 2]);
}
