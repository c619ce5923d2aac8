//! The Bluetooth link loses no reading, whatever radio, daemon, bus and devices do.
//!
//! Unmodified btleplug in a child process, a simulated `org.bluez` on a private bus; every story on
//! every broker that can run here.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![expect(clippy::panic, reason = "helpers of tests")]

#[path = "link/child.rs"]
mod child;
#[path = "link/home.rs"]
mod home;
#[path = "link/load.rs"]
mod load;

use std::time::Duration;

use firmware_sim::bluez::{Failure, LinkFault};
use firmware_sim::device::{Device, Timing, Wake};
use firmware_sim::gatt::{Address, Characteristic, Content, short};
use firmware_sim::simulator::{Options, Simulator};

use self::child::{DeviceSettings, Link, Settings, Told};
use self::home::{
    BATTERY, CUFF, Home, MEASUREMENT, OTHER, bonded_cuff, brokers, cuff_settings, one_cuff,
    open_cuff, pressure, until, with_radio,
};

/// Runs the link when a story started this program again; else it has nothing to do.
#[tokio::test]
async fn the_link_of_a_story() {
    child::serve().await;
}

#[tokio::test]
async fn each_stored_record_is_delivered_once_over_reconnects() {
    for broker in brokers() {
        let mut home = Home::start(broker, vec![open_cuff("cuff", CUFF)], one_cuff()).await;
        let cuff = home.device("cuff");
        for cycle in 1..=5_u8 {
            cuff.measure(pressure(100 + cycle)).await.unwrap();
            cuff.measure(pressure(110 + cycle)).await.unwrap();
            assert_eq!(home.systolic("cuff").await, 100 + cycle);
            assert_eq!(home.systolic("cuff").await, 110 + cycle);
            assert_eq!(home.link.ended("cuff").await, "device");
        }
        assert_eq!(home.systolics("cuff").len(), 10);
        assert_eq!(cuff.counters().records_pending, 0);
        assert_eq!(cuff.counters().connections, 5);
    }
}

#[tokio::test]
async fn a_bonded_cuff_is_heard_though_it_indicates_before_the_hub_listens() {
    for broker in brokers() {
        let mut home = Home::start(broker, vec![bonded_cuff("cuff", CUFF)], one_cuff()).await;
        let cuff = home.device("cuff");
        for cycle in 1..=6_u8 {
            home.reading_arrives("cuff", 140 + cycle).await;
            assert_eq!(home.link.ended("cuff").await, "device");
        }
        assert_eq!(cuff.counters().early_indications, 6);
        assert_eq!(home.systolics("cuff").len(), 6);
    }
}

#[tokio::test]
async fn a_cuff_is_heard_whose_link_drops_before_its_services_are_known() {
    for broker in brokers() {
        // A cuff with a bond says what it has to say before the link drops; one without does not.
        let devices = vec![bonded_cuff("bonded", CUFF), open_cuff("open", OTHER)];
        let settings = Settings {
            devices: vec![cuff_settings("bonded", CUFF), cuff_settings("open", OTHER)],
            ..Settings::default()
        };
        let mut home = Home::start(broker, devices, settings).await;
        let drop_early = LinkFault::DroppedBeforeResolved(Duration::from_millis(3));

        home.device("bonded").fail_next_link(drop_early.clone()).await.unwrap();
        home.reading_arrives("bonded", 131).await;
        assert_eq!(home.link.ended("bonded").await, "device");

        home.device("open").fail_next_link(drop_early.clone()).await.unwrap();
        home.device("open").fail_next_link(drop_early).await.unwrap();
        home.device("open").measure(pressure(132)).await.unwrap();
        // On a busy machine the link is gone before it was seen to be up, which is told as such.
        for _early in 0..2 {
            let why = home.link.ended("open").await;
            assert!(why.starts_with("the device hung up before "), "{why}");
        }
        assert_eq!(home.systolic("open").await, 132);
        assert_eq!(home.link.ended("open").await, "device");
        assert_eq!((home.systolics("bonded").len(), home.systolics("open").len()), (1, 1));
    }
}

#[tokio::test]
async fn what_a_cuff_said_whose_services_could_not_be_read_comes_with_its_next_session() {
    for broker in brokers() {
        let settings = Settings { resolve_ms: Some(300), ..one_cuff() };
        let mut home = Home::start(broker, vec![bonded_cuff("cuff", CUFF)], settings).await;
        home.scanning().await;
        // Once while the cuff is there, and once when it has hung up.
        for _answer in 0..2 {
            home.bluez().hang_next("Introspect").await.unwrap();
        }
        home.device("cuff").measure(pressure(131)).await.unwrap();
        let why = "the device hung up before its services were read";
        assert_eq!(home.link.ended("cuff").await, why);
        assert_eq!(home.device("cuff").counters().records_pending, 0, "it will not say it again");
        home.device("cuff").measure(pressure(132)).await.unwrap();
        assert_eq!(home.systolic("cuff").await, 131);
        assert_eq!(home.systolic("cuff").await, 132);
        assert_eq!(home.systolics("cuff"), [131, 132]);
    }
}

#[tokio::test]
async fn a_link_that_drops_in_mid_transfer_costs_no_record() {
    for broker in brokers() {
        let mut home = Home::start(broker, vec![bonded_cuff("cuff", CUFF)], one_cuff()).await;
        let cuff = home.device("cuff");
        cuff.fail_next_link(LinkFault::DroppedAfter { n_values: 2 }).await.unwrap();
        cuff.replay((1..=5).map(|record| vec![0x16, record]).collect()).await.unwrap();
        for record in 1..=5 {
            assert_eq!(home.systolic("cuff").await, record);
        }
        assert_eq!(home.link.ended("cuff").await, "device");
        assert_eq!(cuff.counters().connections, 2);
        assert_eq!(home.systolics("cuff").len(), 5);
    }
}

#[tokio::test]
async fn services_that_never_resolve_cost_one_time_out_and_no_reading() {
    for broker in brokers() {
        let settings = Settings { resolve_ms: Some(300), ..one_cuff() };
        let mut home = Home::start(broker, vec![open_cuff("cuff", CUFF)], settings).await;
        let cuff = home.device("cuff");
        cuff.fail_next_link(LinkFault::NeverResolved).await.unwrap();
        cuff.measure(pressure(121)).await.unwrap();
        let why = "the time ran out before its services were known";
        assert_eq!(home.link.ended("cuff").await, why);
        assert_eq!(home.systolic("cuff").await, 121);
        assert_eq!(home.link.ended("cuff").await, "device");
    }
}

#[tokio::test]
async fn no_refused_or_unanswered_call_keeps_a_reading_back() {
    for broker in brokers() {
        let settings = Settings { connect_ms: Some(300), call_ms: Some(300), ..one_cuff() };
        let mut home = Home::start(broker, vec![bonded_cuff("cuff", CUFF)], settings).await;
        let bluez = home.bluez();
        let cuff = home.device("cuff");
        for text in ["br-connection-canceled", "le-connection-abort-by-local"] {
            bluez.fail_next("Connect", Failure::failed(text)).await.unwrap();
        }
        bluez.hang_next("Connect").await.unwrap();
        cuff.measure(pressure(101)).await.unwrap();
        for _ in 0..2 {
            let why = home.link.ended("cuff").await;
            assert!(why.starts_with("failed before it was connected: "), "{why}");
        }
        let why = home.link.ended("cuff").await;
        assert!(why.starts_with("the time ran out before it was connected"), "{why}");
        assert!(why.contains("pair it again"), "{why}");
        assert_eq!(home.systolic("cuff").await, 101);
        assert_eq!(home.link.ended("cuff").await, "device");

        for (systolic, call) in [(102, "StopDiscovery"), (103, "StartNotify"), (104, "WriteValue")]
        {
            bluez.fail_next(call, Failure::failed("Operation failed")).await.unwrap();
            home.reading_arrives("cuff", systolic).await;
            home.link.ended("cuff").await;
        }
        for (systolic, call) in [(112, "StopDiscovery"), (113, "StartNotify"), (114, "WriteValue")]
        {
            bluez.hang_next(call).await.unwrap();
            home.reading_arrives("cuff", systolic).await;
            home.link.ended("cuff").await;
        }
        assert_eq!(home.systolics("cuff"), [101, 102, 103, 104, 112, 113, 114]);
    }
}

#[tokio::test]
async fn a_lingering_device_is_let_go_and_left_in_peace() {
    for broker in brokers() {
        let mut cuff = cuff_settings("cuff", CUFF);
        cuff.quiet_ms = 200;
        let settings = Settings { devices: vec![cuff], ..Settings::default() };
        let mut home = Home::start(broker, vec![open_cuff("cuff", CUFF)], settings).await;
        home.device("cuff").fail_next_link(LinkFault::Lingers).await.unwrap();
        home.reading_arrives("cuff", 117).await;
        assert_eq!(home.link.ended("cuff").await, "hub");
        until(&home.device("cuff"), |seen| !seen.connected).await;
        home.reading_arrives("cuff", 118).await;
    }
}

#[tokio::test]
async fn readings_arrive_again_after_the_daemon_restarts() {
    for broker in brokers() {
        let mut home = Home::start(broker, vec![bonded_cuff("cuff", CUFF)], one_cuff()).await;
        for cycle in 1..=3_u8 {
            home.reading_arrives("cuff", 120 + cycle).await;
            home.link.ended("cuff").await;
            home.scanning().await;
            home.bluez().exit().await.unwrap();
            assert_eq!(home.link.lost().await, "the Bluetooth daemon is gone");
            home.bluez().start().await.unwrap();
            home.link.up().await;
        }
        home.reading_arrives("cuff", 130).await;
        assert_eq!(home.systolics("cuff"), [121, 122, 123, 130]);
    }
}

#[tokio::test]
async fn a_daemon_that_dies_in_a_session_costs_no_reading_that_was_not_sent() {
    for broker in brokers() {
        let mut home = Home::start(broker, vec![open_cuff("cuff", CUFF)], one_cuff()).await;
        let cuff = home.device("cuff");
        cuff.fail_next_link(LinkFault::NeverResolved).await.unwrap();
        cuff.measure(pressure(125)).await.unwrap();
        until(&cuff, |seen| seen.connected).await;
        home.bluez().exit().await.unwrap();
        let why = home.link.ended("cuff").await;
        assert!(why.starts_with("the Bluetooth daemon is gone"), "{why}");
        home.bluez().start().await.unwrap();
        home.link.up().await;
        cuff.wake().await.unwrap();
        assert_eq!(home.systolic("cuff").await, 125);
    }
}

#[tokio::test]
async fn readings_arrive_again_after_the_bus_died_and_came_back() {
    for broker in brokers() {
        let mut home = Home::start(broker, vec![bonded_cuff("cuff", CUFF)], one_cuff()).await;
        let before = load::Load::of(&home.link, &home.bus.address()).await;
        for cycle in 1..=3_u8 {
            home.reading_arrives("cuff", 120 + cycle).await;
            home.link.ended("cuff").await;
            home.scanning().await;
            home.bluez().exit().await.unwrap();
            home.bus.kill().await;
            home.link.lost().await;
            home.bus.restart().await.unwrap();
            home.bluez().start().await.unwrap();
            home.link.up().await;
        }
        home.reading_arrives("cuff", 130).await;
        assert_eq!(home.systolics("cuff"), [121, 122, 123, 130]);
        home.link.ended("cuff").await;
        assert_eq!(home.link.complaints(), "", "no task panicked");
        let after = load::Load::of(&home.link, &home.bus.address()).await;
        assert_eq!(after.n_fds, before.n_fds, "{before:?} {after:?}");
        assert_eq!(after.n_connections, before.n_connections, "{before:?} {after:?}");
    }
}

#[tokio::test]
async fn readings_arrive_again_after_the_adapter_was_unplugged() {
    for broker in brokers() {
        let mut home = Home::start(broker, vec![bonded_cuff("cuff", CUFF)], one_cuff()).await;
        for cycle in 1..=3_u8 {
            home.reading_arrives("cuff", 120 + cycle).await;
            home.link.ended("cuff").await;
            home.scanning().await;
            home.bluez().unplug_adapter().await.unwrap();
            assert_eq!(home.link.lost().await, "the adapter hci0 was unplugged");
            home.bluez().plug_adapter().await.unwrap();
            home.link.up().await;
        }
        home.reading_arrives("cuff", 130).await;
        assert_eq!(home.systolics("cuff"), [121, 122, 123, 130]);
    }
}

#[tokio::test]
async fn an_adapter_that_was_switched_off_is_switched_on_again() {
    for broker in brokers() {
        let mut home = Home::start(broker, vec![open_cuff("cuff", CUFF)], one_cuff()).await;
        home.reading_arrives("cuff", 121).await;
        home.link.ended("cuff").await;
        home.scanning().await;
        home.bluez().set_powered(false).await.unwrap();
        assert_eq!(home.link.lost().await, "the adapter hci0 was switched off");
        home.link.up().await;
        home.reading_arrives("cuff", 122).await;
    }
}

#[tokio::test]
async fn a_device_that_fails_for_ever_does_not_keep_another_from_being_heard() {
    for broker in brokers() {
        let broken = with_radio(open_cuff("broken", OTHER), |radio| radio.wake = Wake::Always);
        let devices = vec![open_cuff("cuff", CUFF), broken];
        let settings = Settings {
            devices: vec![cuff_settings("cuff", CUFF), cuff_settings("broken", OTHER)],
            resolve_ms: Some(100),
            ..Settings::default()
        };
        let mut home = Home::start(broker, devices, settings).await;
        for _ in 0..100 {
            home.device("broken").fail_next_link(LinkFault::NeverResolved).await.unwrap();
        }
        home.link.ended("broken").await;
        for cycle in 1..=10_u8 {
            home.reading_arrives("cuff", 120 + cycle).await;
            assert_eq!(home.link.ended("cuff").await, "device");
        }
        assert!(home.systolics("broken").is_empty());
        assert_eq!(home.systolics("cuff").len(), 10);
    }
}

/// A finger clip that is worn and talks all the time.
fn oximeter() -> (Device, DeviceSettings) {
    let (service, stream) = (short(0x1822), short(0x2A5F));
    let device = Device::replay("oximeter", OTHER, service, stream, false).timing(Timing::brisk());
    let settings = DeviceSettings {
        services: vec![service],
        subscriptions: vec![stream],
        reads: vec![],
        clock: None,
        quiet_ms: 10_000,
        ..cuff_settings("oximeter", OTHER)
    };
    (with_radio(device, |radio| radio.wake = Wake::Always), settings)
}

#[tokio::test]
async fn a_worn_oximeter_stays_connected_while_a_cuff_delivers() {
    for broker in brokers() {
        let (device, settings) = oximeter();
        let settings = Settings {
            devices: vec![cuff_settings("cuff", CUFF), settings],
            ..Settings::default()
        };
        let devices = vec![open_cuff("cuff", CUFF), device];
        let mut home = Home::start(broker, devices, settings).await;
        let oximeter = home.device("oximeter");
        until(&oximeter, |seen| seen.subscribed).await;
        for cycle in 1..=3_u8 {
            oximeter.replay(vec![vec![0x00, 97 - cycle]]).await.unwrap();
            assert_eq!(home.frame("oximeter", short(0x2A5F)).await, [0x00, 97 - cycle]);
            home.reading_arrives("cuff", 120 + cycle).await;
            assert_eq!(home.link.ended("cuff").await, "device");
        }
        oximeter.replay(vec![vec![0x00, 99]]).await.unwrap();
        assert_eq!(home.frame("oximeter", short(0x2A5F)).await, [0x00, 99]);
        assert_eq!(oximeter.counters().connections, 1);
    }
}

#[tokio::test]
async fn a_restarted_hub_takes_over_a_link_that_is_up() {
    for broker in brokers() {
        let (device, settings) = oximeter();
        let settings = Settings { devices: vec![settings], ..Settings::default() };
        let mut home = Home::start(broker, vec![device], settings.clone()).await;
        let oximeter = home.device("oximeter");
        until(&oximeter, |seen| seen.subscribed).await;
        home.link.kill().await;
        until(&oximeter, |seen| !seen.subscribed).await;
        home.link = Link::start("the_link_of_a_story", &settings, Some(&home.bus.address()));
        until(&oximeter, |seen| seen.subscribed).await;
        oximeter.replay(vec![vec![0x00, 96]]).await.unwrap();
        assert_eq!(home.frame("oximeter", short(0x2A5F)).await, [0x00, 96]);
        assert_eq!(oximeter.counters().connections, 1);
    }
}

#[tokio::test]
async fn the_battery_is_told_and_the_clock_is_set() {
    for broker in brokers() {
        // As real cuffs, it waits a moment after its last record.
        let patient = Timing { hang_up: Duration::from_secs(2), ..Timing::brisk() };
        let device = open_cuff("cuff", CUFF).timing(patient);
        let mut home = Home::start(broker, vec![device], one_cuff()).await;
        let cuff = home.device("cuff");
        cuff.set_clock_error(jiff::SignedDuration::from_hours(-26_000)).await.unwrap();
        cuff.set_battery(40).await.unwrap();
        cuff.measure(pressure(121)).await.unwrap();
        assert_eq!(home.link.ended("cuff").await, "device");
        assert_eq!(home.frames("cuff", BATTERY), [[40]]);
        assert_eq!(cuff.counters().writes, 1);

        home.reading_arrives("cuff", 122).await;
        let told = home.frames("cuff", MEASUREMENT);
        // Year of Date Time, little-endian, behind flags and three SFLOATs.
        let years: Vec<u16> =
            told.iter().map(|bytes| u16::from_le_bytes([bytes[7], bytes[8]])).collect();
        assert!(years[0] + 2 <= years[1], "the clock was wrong and is right: {years:?}");
    }
}

#[tokio::test]
async fn a_value_that_the_hub_reads_does_not_come_twice() {
    for broker in brokers() {
        let (level, model) = (short(0x2A5F), short(0x2A24));
        let (device, mut settings) = oximeter();
        let device = with_radio(device, |radio| {
            radio.services[0].characteristics.push(Characteristic {
                uuid: level,
                flags: vec!["read", "notify"],
                content: Content::BatteryLevel,
            });
            radio.services[0].characteristics.remove(0);
        });
        settings.subscriptions = vec![level];
        settings.reads = vec![level, model];
        settings.first_value_ms = 300;
        let settings = Settings { devices: vec![settings], ..Settings::default() };
        let mut home = Home::start(broker, vec![device], settings).await;
        assert_eq!(home.link.ended("oximeter").await, "hub");
        assert_eq!(home.frames("oximeter", level), [[100]]);
        assert_eq!(home.frames("oximeter", model), [b"oximeter"]);
    }
}

#[tokio::test]
async fn a_radio_that_hears_nothing_is_restarted_and_then_told() {
    for broker in brokers() {
        let settings = Settings { radio_silence_ms: Some(250), ..one_cuff() };
        let mut home = Home::start(broker, vec![open_cuff("cuff", CUFF)], settings).await;
        assert_eq!(home.link.lost().await, "the radio hears nothing at all");
        assert!(3 <= home.bluez().counters().discoveries, "{:?}", home.bluez().counters());
        home.device("cuff").measure(pressure(121)).await.unwrap();
        home.link.up().await;
        assert_eq!(home.systolic("cuff").await, 121);
    }
}

#[tokio::test]
async fn a_bus_without_room_for_match_rules_ends_the_link_with_an_error() {
    // Only the reference broker has such a limit: one rule fewer than six devices need.
    let Some(bus) = load::TightBus::start(5).await else {
        return;
    };
    let cuff = |number: u8| (format!("cuff-{number}"), Address([0x00, 0x09, 0x1F, 0, 0, number]));
    let settings = Settings {
        devices: (1..=6).map(cuff).map(|(name, at)| cuff_settings(&name, at)).collect(),
        retry_longest_ms: Some(100),
        ..Settings::default()
    };
    let devices = (1..=6).map(cuff).map(|(name, at)| bonded_cuff(&name, at)).collect();
    let ports = tempfile::tempdir().unwrap();
    let options = Options::new(ports.path()).on_bus(bus.address());
    let _sim = Simulator::start(options, devices).await.unwrap();
    let mut link = Link::start("the_link_of_a_story", &settings, Some(&bus.address()));
    let why = link.lost().await;
    assert!(why.contains("match rules"), "{why}");
    let over = link.until(|told| matches!(told, Told::Over { .. })).await;
    let error = Some("the system bus refused match rules 8 times".to_owned());
    assert_eq!(over, Told::Over { error });
}

#[tokio::test]
async fn fifteen_hundred_connections_leave_nothing_behind() {
    let asked = std::env::var("LINK_N_CONNECTIONS").ok().map(|text| text.parse().unwrap());
    for (place, broker) in brokers().into_iter().enumerate() {
        // The limits that once ran out are those of the first broker.
        let n_cycles: u32 = asked.unwrap_or(if place == 0 { 1_500 } else { 150 });
        let mut cuff = cuff_settings("cuff", CUFF);
        cuff.reads.clear();
        let settings = Settings { devices: vec![cuff], ..Settings::default() };
        let quick = Timing { hang_up: Duration::from_millis(5), ..Timing::brisk() };
        let device = bonded_cuff("cuff", CUFF).timing(quick);
        let mut home = Home::start(broker, vec![device], settings).await;
        let mut before = None;

        let clock = gateway::clock::Clock::start().unwrap();
        let begun = clock.now().since_boot;
        for cycle in 0..n_cycles {
            let systolic = 100 + u8::try_from(cycle % 100).unwrap();
            home.reading_arrives("cuff", systolic).await;
            home.link.ended("cuff").await;
            if cycle == n_cycles / 10 {
                before = Some(load::Load::of(&home.link, &home.bus.address()).await);
            }
        }
        let took = clock.now().since_boot - begun;
        let before = before.unwrap();
        let after = load::Load::of(&home.link, &home.bus.address()).await;
        println!("{broker:?}: {n_cycles} connections in {took:?}\n{before:?}\n{after:?}");
        let n_frames = home.frames("cuff", MEASUREMENT).len();
        assert_eq!(u32::try_from(n_frames).unwrap(), n_cycles);
        let failed = |told: &&Told| matches!(told, Told::Ended { failed: Some(_), .. });
        assert_eq!(home.link.told.iter().find(failed), None);
        assert_eq!(after.n_fds, before.n_fds);
        assert_eq!(after.n_connections, before.n_connections);
        assert_eq!(after.n_match_rules, before.n_match_rules);
        assert_eq!(home.link.complaints(), "", "no task panicked");
        assert!(after.resident_kib < before.resident_kib + 2_048, "{before:?} {after:?}");
    }
}
