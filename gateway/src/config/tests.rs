use super::*;
use crate::hub::Owner;
use crate::store::{KEEP_DAYS, MAX_MIB, SCRUB_DAYS};

fn example() -> Config {
    Config::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/gateway.toml")).unwrap()
}

#[test]
fn the_example_reads_and_leaves_the_defaults() {
    let config = example();
    assert_eq!(config.broker.port, 1883);
    assert_eq!(config.broker.keep_alive, Duration::from_secs(KEEP_ALIVE_S));
    assert!(config.broker.tls.is_none() && config.broker.credentials.is_none());
    assert_eq!(config.topics.to_string(), "vitalgate/v1/north-home-care");
    assert_eq!(config.upkeep, Upkeep::default());
    assert_eq!(config.devices.len(), 3);
    assert_eq!(config.serial.len(), 1);
    assert_eq!(config.plans.len(), 1);
}

/// Every key that the example shows commented out is understood, with the default as its value.
#[test]
fn the_defaults_that_the_example_shows_are_the_defaults() {
    let text = include_str!("../../../config/gateway.toml");
    for (shown, default) in [
        ("# port = 1883", "1883".to_owned()),
        ("# keep_alive_s = 15", KEEP_ALIVE_S.to_string()),
        ("# interval_s = 15", STREAM_INTERVAL_S.to_string()),
        ("# keep_days = 90", KEEP_DAYS.to_string()),
        ("# max_mib = 1024", MAX_MIB.to_string()),
        ("# scrub_days = 7", SCRUB_DAYS.to_string()),
        ("# heartbeat_s = 30", Watch::default().heartbeat.as_secs().to_string()),
        (
            "# agency_silence_limit_s = 90",
            Watch::default().agency_silence_limit.as_secs().to_string(),
        ),
        ("# silence_limit_min = 30", SILENCE_LIMIT_MIN.to_string()),
        ("# test_alarm_hour = 10", Watch::default().test_alarm_hour.to_string()),
        ("# test_alarm_after_s = 300", Watch::default().test_alarm_after.as_secs().to_string()),
        ("# topic_root = \"vitalgate/v1\"", format!("\"{}\"", vitals::wire::topic::ROOT)),
    ] {
        assert!(text.lines().any(|line| line == shown), "{shown}");
        assert!(shown.ends_with(&format!("= {default}")), "{shown} is not {default}");
    }
}

#[test]
fn a_shared_device_knows_its_users() {
    let config = example();
    let scale = config.devices.iter().find(|it| it.id.as_str() == "scale").unwrap();
    assert!(matches!(&scale.owner, Owner::Shared(users) if users.len() == 2));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load(Path::new("nowhere/gateway.toml")).unwrap_err();
    assert!(error.to_string().starts_with("cannot read nowhere/gateway.toml: "), "{error}");
}

#[test]
fn a_password_is_never_shown() {
    let credentials =
        crate::uplink::Credentials { username: "hub-1".to_owned(), password: "secret".to_owned() };
    assert!(!format!("{credentials:?}").contains("secret"));
}
