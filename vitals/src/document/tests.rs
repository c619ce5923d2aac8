use super::*;
use crate::HubId;

const PORT: Need = Need::Required("the port of the broker");

fn reader(root: &Section<'_>) -> Option<(HubId, u16)> {
    let hub = root.section("hub");
    let id = hub.text("id", Need::Required("the name that the agency gave this hub"));
    hub.refuse_the_rest();
    let broker = root.section("broker");
    let port = broker.integer("port", 1..=65_535, PORT);
    broker.boolean("tls", Need::Optional);
    broker.list::<HubId>("others", Need::Optional);
    broker.refuse_the_rest();
    for device in root.sections("device") {
        device.text::<HubId>("id", Need::Required("a name for this device"));
        device.refuse_the_rest();
    }
    Some((id?, port?))
}

#[track_caller]
fn check(text: &str, problems: &[&str]) {
    let found = read(text, reader).unwrap_err();
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), problems);
}

#[test]
fn a_good_document_reads() {
    let text = "[hub]\nid = 'hub-1'\n[broker]\nport = 1_883\n[[device]]\nid = 'a'\n";
    let (hub, port) = read(text, reader).unwrap();
    assert_eq!((hub.as_str(), port), ("hub-1", 1883));
}

#[test]
fn every_problem_is_reported_at_once_in_the_order_of_lines() {
    check(
        "[hub]\nid = 'Hub 1'\ncolour = 'red'\n[broker]\nport = 70000\ntls = 'yes'\n",
        &[
            "line 2: hub.id: character 'H' is not allowed, use lower-case letters, digits and \
             inner hyphens",
            "line 3: hub.colour: unknown key; known here: id",
            "line 5: broker.port: 70000 is not in 1 to 65535",
            "line 6: broker.tls: expected true or false, found string",
        ],
    );
}

#[test]
fn missing_keys_and_tables_say_what_to_write() {
    check(
        "[broker]\n",
        &[
            "line 1: hub.id: missing: the name that the agency gave this hub",
            "line 1: broker.port: missing: the port of the broker",
        ],
    );
}

#[test]
fn items_of_lists_are_numbered_from_one() {
    check(
        "[hub]\nid = 'hub-1'\n[broker]\nport = 1\nothers = ['a', 'B']\n[[device]]\nid = 'a'\n[[device]]\n",
        &[
            "line 5: broker.others: character 'B' is not allowed, use lower-case letters, digits \
             and inner hyphens",
            "line 8: device[2].id: missing: a name for this device",
        ],
    );
}

#[test]
fn items_of_lists_go_by_their_id() {
    check(
        "[hub]\nid = 'hub-1'\n[broker]\nport = 1\n[[device]]\nid = 'cuff'\ncolour = 'red'\n\
         [[device]]\nid = 'A B'\n",
        &[
            "line 7: device[cuff].colour: unknown key; known here: id",
            "line 9: device[2].id: character 'A' is not allowed, use lower-case letters, digits \
             and inner hyphens",
        ],
    );
}

#[test]
fn a_document_that_is_not_toml_names_every_place() {
    let problems = read("[hub]\nid = \n[broker]\nport = 1\nport = 2\n", reader).unwrap_err();
    let places: Vec<_> = problems.iter().map(|it| (it.line, it.key.as_str())).collect();
    assert_eq!(places, [(2, ""), (5, "")]);
    assert_eq!(problems.iter().last().unwrap().text, "not TOML: duplicate key");
}

#[test]
fn numbers_are_read_in_every_notation_of_toml() {
    let port =
        |text: &str| read(&format!("port = {text}"), |it| it.integer::<u16>("port", 1..=9, PORT));
    for text in ["8", "+8", "0x8", "0o10", "0b1_000"] {
        assert_eq!(port(text), Ok(8), "{text}");
    }
    for (text, problem) in [
        ("0xA", "line 1: port: 0xA is not in 1 to 9"),
        ("-1", "line 1: port: -1 is not in 1 to 9"),
        ("8.0", "line 1: port: expected a whole number, found float"),
    ] {
        assert_eq!(port(text).unwrap_err().to_string(), problem);
    }
}

#[test]
fn an_example_is_shown_where_the_key_or_its_text_is_missing() {
    let name = |text| read(text, |it| it.text::<HubId>("name", Need::Example("\"hub-1\"")));
    assert_eq!(
        name("").unwrap_err().to_string(),
        "line 1: name: missing: add it, as in name = \"hub-1\""
    );
    assert_eq!(
        name("name = 3").unwrap_err().to_string(),
        "line 1: name: expected a text in quotes as in name = \"hub-1\", found integer"
    );
}

#[test]
fn a_list_that_must_have_a_table_says_so() {
    let n_rules = |text| {
        read(text, |it| {
            let rules = it.required_sections("rule", "add a [[rule]]");
            Some(rules.iter().inspect(|rule| rule.refuse_the_rest()).count())
        })
    };
    assert_eq!(n_rules("[[rule]]\n[[rule]]\n"), Ok(2));
    for (text, problem) in [
        ("", "line 1: rule: missing: add a [[rule]]"),
        ("rule = []", "line 1: rule: missing: add a [[rule]]"),
        ("[rule]", "line 1: rule: expected a list of tables, each headed [[rule]], found table"),
        (
            "rule = [3]",
            "line 1: rule: expected a list of tables, each headed [[rule]], found integer",
        ),
    ] {
        assert_eq!(n_rules(text).unwrap_err().to_string(), problem);
    }
}

#[test]
fn a_key_that_the_reader_looks_for_is_known() {
    let both = read("a = 1\nb = 2\n", |it| {
        it.integer::<u8>("a", 0..=9, Need::Optional)?;
        it.has("b").then(|| (it.line_of("b"), it.line_of("c")))
    });
    assert_eq!(both, Ok((2, 1)));
}

#[test]
fn a_value_of_the_wrong_type_says_what_was_expected() {
    check(
        "hub = 1\n[broker]\nport = '1'\n",
        &[
            "line 1: hub: expected a table, found integer",
            "line 3: broker.port: expected a whole number, found string",
        ],
    );
}
