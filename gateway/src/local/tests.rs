use vitals::{Unit, Vital};

use super::*;
use crate::hub::inbox::Request;
use crate::hub::{NotDone, Sight};

/// A socket behind which `answer` stands in the place of the hub's thread.
fn ask_one(
    question: impl FnOnce(&Path) -> anyhow::Result<Kept> + Send + 'static,
    answer: impl FnOnce(Request) + Send + 'static,
    check: impl FnOnce(anyhow::Result<Kept>),
) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hub.sock");
    let silent = Live { sight: Sight::NotYet, in_memory_since: None, exercising: Vec::new() };
    let (_sender, live) = watch::channel(silent);
    let (inbox, mut requests) = Inbox::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = listen(&path).unwrap();
        let client = tokio::task::spawn_blocking(move || question(&path));
        let hub = async move {
            answer(requests.recv().await.unwrap());
            future::pending::<()>().await;
        };
        let (quiet_until, _radio) = watch::channel(Duration::ZERO);
        let (_links, history) = watch::channel(History::default());
        let (_link, remedies) = watch::channel(Remedies::default());
        let (zone, clock) = (TimeZone::UTC, Clock::start().unwrap());
        let daemon = Daemon { live, inbox, quiet_until, history, remedies, zone, clock };
        tokio::select! {
            said = client => check(said.unwrap()),
            end = super::answer(&listener, &daemon) => panic!("{end:?}"),
            () = hub => panic!("the hub has ended"),
        }
    });
}

#[test]
fn an_answer_of_the_home_reaches_the_hub_and_comes_back() {
    let alert: AlertId = "0102030405060708-7".parse().unwrap();
    ask_one(
        move |path| acknowledge(path, alert, "Ada", Some("is with her")),
        move |request| {
            let Request::Acknowledge { alert: asked, by, note, reply } = request else {
                panic!("another question")
            };
            assert_eq!((asked, by.as_str(), note.as_deref()), (alert, "Ada", Some("is with her")));
            reply.send(Ok(Kept::OnDisk)).unwrap();
        },
        |kept| assert_eq!(kept.unwrap(), Kept::OnDisk),
    );
}

#[test]
fn who_says_whose_a_reading_is_reaches_the_hub() {
    let reading: ReadingId = "0102030405060708-7".parse().unwrap();
    ask_one(
        move |path| assign(path, reading, None, "Ada", Some("a guest")),
        move |request| {
            let Request::Assign { reading: asked, to, by, note, reply } = request else {
                panic!("another question")
            };
            assert_eq!((asked, to, by.as_str()), (reading, None, "Ada"));
            assert_eq!(note.as_deref(), Some("a guest"));
            reply.send(Ok(Kept::OnDisk)).unwrap();
        },
        |kept| assert_eq!(kept.unwrap(), Kept::OnDisk),
    );
}

#[test]
fn an_exercise_that_begins_reaches_the_hub() {
    ask_one(
        |path| exercise(path, &"client-1".parse().unwrap(), true),
        |request| {
            let Request::Exercise { subject, begins, reply } = request else {
                panic!("another question")
            };
            assert_eq!((subject.as_str(), begins), ("client-1", true));
            reply.send(Err(NotDone::Exercises)).unwrap();
        },
        |refused| assert_eq!(refused.unwrap_err().to_string(), "this client exercises already"),
    );
}

#[test]
fn an_observation_arrives_exactly_as_it_was_typed() {
    let quantity = Quantity::new("18.0".parse().unwrap(), Unit::PerMinute).unwrap();
    let values = vec![Measurement { vital: Vital::RespiratoryRate, quantity }];
    ask_one(
        move |path| observe(path, &"client-1".parse().unwrap(), &values),
        move |request| {
            let Request::Observe { subject, values, reply } = request else {
                panic!("another question")
            };
            assert_eq!(subject.as_str(), "client-1");
            let texts: Vec<_> = values.iter().map(|it| it.quantity.to_string()).collect();
            assert_eq!(texts, ["18.0 /min"]);
            reply.send(Ok(Kept::InMemory)).unwrap();
        },
        |kept| assert_eq!(kept.unwrap(), Kept::InMemory),
    );
}

#[test]
fn a_refusal_says_why() {
    ask_one(
        |path| observe(path, &"client-2".parse().unwrap(), &[]),
        |request| {
            let Request::Observe { reply, .. } = request else { panic!("another question") };
            reply.send(Err(NotDone::UnknownClient)).unwrap();
        },
        |refused| {
            let said = refused.unwrap_err().to_string();
            assert_eq!(said, "no device and no care plan of this home is for that client");
        },
    );
}

#[test]
fn where_no_daemon_runs_nothing_is_claimed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hub.sock");
    assert!(state(&path).unwrap().is_none());
    let alert: AlertId = "0102030405060708-7".parse().unwrap();
    let said = acknowledge(&path, alert, "Ada", None).unwrap_err().to_string();
    assert_eq!(said, "the daemon does not run: nothing was recorded");
}
