use super::*;

fn problems(text: &str) -> Vec<String> {
    match Config::parse(text, Path::new("dir/station.toml")) {
        Ok(_config) => Vec::new(),
        Err(ConfigError::Problems { problems, .. }) => {
            problems.iter().map(ToString::to_string).collect()
        }
        Err(ConfigError::Read { .. }) => panic!("nothing is read here"),
    }
}

#[test]
fn every_problem_is_named_with_its_line_and_key() {
    let found = problems(
        "[agency]\nid = \"North\"\n[broker]\nport = 70000\nhots = \"b\"\nusername = \"u\"\n\
         [page]\nlisten = \"here\"\nstale_after_h = \"24\"\n[[client]]\nsubject = \"s-1\"\n\
         [pages]\n",
    );
    assert_eq!(
        found,
        [
            "line 2: agency.id: character 'N' is not allowed, use lower-case letters, digits and \
             inner hyphens",
            "line 3: broker.password_file: missing: a user name needs the file with its password",
            "line 4: broker.port: 70000 is not in 1 to 65535",
            "line 5: broker.hots: unknown key; known here: host, port, client_id, username, \
             password_file, ca_file, client_certificate_file, client_key_file, keep_alive_s, \
             topic_root",
            "line 8: page.listen: \"here\" is no address, write it as \"127.0.0.1:8080\"",
            "line 9: page.stale_after_h: expected a whole number, found string",
            "line 10: client[1].name: missing: write what people say",
            "line 12: pages: unknown key; known here: agency, broker, store, page, watch, \
             command, client, hub, plans",
        ]
    );
}

#[test]
fn text_that_is_no_toml_is_a_problem_with_a_line() {
    let found = problems("[agency]\nid = \n");
    assert!(
        found.iter().all(|it| it.starts_with("line 2: not TOML")) && !found.is_empty(),
        "{found:?}"
    );
}

#[test]
fn an_empty_file_misses_the_agency() {
    let found = problems("");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("line 1: agency.id: missing"), "{found:?}");
}

#[test]
fn a_page_for_other_machines_must_be_wanted() {
    let text = "[agency]\nid = \"north\"\n[page]\nlisten = \"0.0.0.0:80\"\n";
    assert!(problems(text)[0].contains("allow_remote = true"));
    assert_eq!(problems(&format!("{text}allow_remote = true\n")), [] as [&str; 0]);
}

#[test]
fn a_client_certificate_needs_its_key_and_an_authority() {
    let found =
        problems("[agency]\nid = \"a\"\n[broker]\nclient_certificate_file = \"station.pem\"\n");
    assert_eq!(found.len(), 2);
    assert!(found.iter().any(|it| it.contains("broker.ca_file: missing")), "{found:?}");
    assert!(found.iter().any(|it| it.contains("broker.client_key_file: missing")), "{found:?}");
}

#[test]
fn relative_paths_start_at_the_file() {
    let text = "[agency]\nid = \"a\"\nsigning_key_file = \"a.key\"\n[store]\npath = \"/s.db\"\n";
    let config = Config::parse(text, Path::new("dir/station.toml")).unwrap();
    assert_eq!(config.agency.signing_key_file, Path::new("dir/a.key"));
    assert_eq!(config.store.path, Path::new("/s.db"));
}

#[test]
fn a_hub_is_named_once() {
    let entry = "[[hub]]\nid = \"hub-1\"\nname = \"Mill Lane 3\"\n";
    let found = problems(&format!("[agency]\nid = \"a\"\n{entry}{entry}"));
    assert_eq!(found, ["line 7: hub[hub-1].id: it has an entry above already, keep one"]);
}

#[test]
fn the_shipped_file_shows_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/station.toml");
    let shipped = Config::load(&path).unwrap();
    let id = format!("[agency]\nid = \"{}\"\n", shipped.agency.id);
    let defaults = Config::parse(&id, &path).unwrap();
    assert_eq!(shipped, defaults);
}

#[test]
fn every_line_that_the_shipped_file_comments_out_is_understood() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/station.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let is_setting = |line: &&str| {
        line.starts_with('[')
            || line.starts_with("#[")
            || line.trim_start_matches('#').split_once(" = ").is_some_and(|(key, _value)| {
                key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
            })
    };
    let lines: Vec<_> = text.lines().filter(is_setting).collect();
    let uncommented: Vec<_> = lines.iter().map(|line| line.trim_start_matches('#')).collect();
    let config = Config::parse(&uncommented.join("\n"), &path).unwrap();
    assert!(config.broker.tls.is_some_and(|it| it.client_certificate.is_some()));
    assert!(config.broker.login.is_some());
    assert_eq!((config.clients.len(), config.hubs.len()), (1, 1));
}
