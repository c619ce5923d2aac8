use super::*;

const FRAME: [u8; 4] = [0x01, 0x02, 0x03, 0x04];

fn spoiler(fault: ByteFault, extent: Extent) -> Spoiler {
    let mut spoiler = Spoiler::new(1, "cuff");
    spoiler.add(fault, extent);
    spoiler
}

fn one_in(chance: u32) -> Extent {
    Extent::OneIn(chance.try_into().unwrap())
}

#[test]
fn without_a_fault_values_are_as_they_are() {
    let mut spoiler = Spoiler::new(1, "cuff");
    assert_eq!(spoiler.spoil(FRAME.to_vec()), [FRAME]);
    assert!(!spoiler.reorders());
    assert_eq!(spoiler.n_spoiled, 0);
}

#[test]
fn a_dropped_value_is_not_sent() {
    let mut spoiler = spoiler(ByteFault::Drop, Extent::Next(1));
    assert!(spoiler.spoil(FRAME.to_vec()).is_empty());
    assert_eq!(spoiler.spoil(FRAME.to_vec()), [FRAME]);
    assert_eq!(spoiler.n_spoiled, 1);
}

#[test]
fn a_duplicated_value_is_sent_twice() {
    let mut spoiler = spoiler(ByteFault::Duplicate, Extent::Next(2));
    assert_eq!(spoiler.spoil(FRAME.to_vec()), [FRAME, FRAME]);
    assert_eq!(spoiler.spoil(FRAME.to_vec()), [FRAME, FRAME]);
    assert_eq!(spoiler.spoil(FRAME.to_vec()), [FRAME]);
}

#[test]
fn a_truncated_value_is_a_shorter_beginning_of_itself() {
    let mut spoiler = spoiler(ByteFault::Truncate, Extent::Next(50));
    for _ in 0..50 {
        let cut = spoiler.spoil(FRAME.to_vec()).remove(0);
        assert!(cut.len() < FRAME.len() && FRAME.starts_with(&cut), "{cut:?}");
    }
    assert_eq!(spoiler.spoil(Vec::new()), [Vec::<u8>::new()]);
}

#[test]
fn a_flipped_bit_is_exactly_one() {
    let mut spoiler = spoiler(ByteFault::BitFlip, Extent::Next(50));
    for _ in 0..50 {
        let flipped = spoiler.spoil(FRAME.to_vec()).remove(0);
        let n_bits: u32 = FRAME.iter().zip(&flipped).map(|(was, is)| (was ^ is).count_ones()).sum();
        assert_eq!((flipped.len(), n_bits), (FRAME.len(), 1));
    }
}

#[test]
fn two_values_change_places_and_nothing_else() {
    let mut spoiler = spoiler(ByteFault::Reorder, Extent::Next(1));
    assert_eq!(spoiler.spoil(FRAME.to_vec()), [FRAME]);
    assert!(spoiler.reorders());
    assert!(!spoiler.reorders());
}

#[test]
fn one_in_ten_is_about_one_in_ten() {
    let mut spoiler = spoiler(ByteFault::Drop, one_in(10));
    let n_lost = (0..1000).filter(|_| spoiler.spoil(FRAME.to_vec()).is_empty()).count();
    assert!((60..=140).contains(&n_lost), "{n_lost}");
}

#[test]
fn a_seed_repeats_itself_for_a_device_and_not_for_another() {
    let lost = |seed, device| {
        let mut spoiler = Spoiler::new(seed, device);
        spoiler.add(ByteFault::Drop, one_in(3));
        (0..64).map(|_| spoiler.spoil(FRAME.to_vec()).is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(lost(1, "cuff"), lost(1, "cuff"));
    assert_ne!(lost(1, "cuff"), lost(1, "scale"));
    assert_ne!(lost(1, "cuff"), lost(2, "cuff"));
}

#[test]
fn faults_add_up_until_they_heal() {
    let mut spoiler = spoiler(ByteFault::Duplicate, one_in(1));
    spoiler.add(ByteFault::Truncate, one_in(1));
    let frames = spoiler.spoil(FRAME.to_vec());
    assert_eq!(frames.len(), 2);
    assert!(frames.iter().all(|frame| frame.len() < FRAME.len()));
    spoiler.heal();
    assert_eq!(spoiler.spoil(FRAME.to_vec()), [FRAME]);
}

#[test]
fn a_flood_has_its_rate() {
    let times: Vec<_> = flood_times(200.try_into().unwrap(), Duration::from_millis(20)).collect();
    assert_eq!(times, [0, 5, 10, 15].map(Duration::from_millis));
}
