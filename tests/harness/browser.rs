//! A nurse's browser: headless Chromium, led by WebDriver (W3C).

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::process::Process;
use crate::tool;

/// How long the driver may take to listen.
const START_MAX: Duration = Duration::from_secs(30);

/// How long the page may take to show what a story waits for, in milliseconds.
const SHOW_MAX_MS: u32 = 30_000;

/// What Chromium needs to run without a screen, and to leave the network alone.
const ARGUMENTS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// Error of the standard for an element that is no longer on the page.
const REPLACED: [&str; 2] = ["stale element reference", "element not interactable"];

/// How often an element may be replaced before something is wrong with the page.
const REPLACED_MAX: u32 = 20;

/// Key of an element's reference, fixed by the WebDriver standard.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// An open browser window.
#[derive(Debug)]
pub struct Browser {
    session: String,
    agent: ureq::Agent,
    /// Ends with the window.
    _driver: Process,
}

impl Browser {
    /// Opens a window; `None` where no browser is installed, which the story says.
    ///
    /// # Errors
    ///
    /// Fails where the browser does not start.
    pub fn open(directory: &Path) -> anyhow::Result<Option<Self>> {
        let Some(chromium) = tool::find_or_skip("chromium") else { return Ok(None) };
        let Some(driver) = tool::find_or_skip("chromedriver") else { return Ok(None) };
        let mut command = Command::new(driver);
        let process = Process::start("chromedriver", command.arg("--port=0"))?;
        let line = process.wait_for_line("started successfully on port", START_MAX)?;
        let port = line.trim_end_matches('.').rsplit(' ').next().context("no port")?.to_owned();
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent: ureq::Agent = config.build().into();
        let profile = format!("--user-data-dir={}", directory.join("browser").display());
        let arguments: Vec<_> = ARGUMENTS.into_iter().chain([profile.as_str()]).collect();
        let options = json!({ "binary": chromium, "args": arguments });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": options,
            "timeouts": { "script": SHOW_MAX_MS },
        } } });
        let driver_url = format!("http://127.0.0.1:{port}/session");
        let answer = post(&agent, &driver_url, &wanted)?;
        let id = answer["sessionId"].as_str().context("the browser has no session")?;
        let session = format!("{driver_url}/{id}");
        Ok(Some(Self { session, agent, _driver: process }))
    }

    /// Goes to a page and waits until it is loaded.
    ///
    /// # Errors
    ///
    /// Fails where the page cannot be loaded.
    pub fn go(&self, url: &str) -> anyhow::Result<()> {
        self.ask("url", &json!({ "url": url })).map(drop)
    }

    /// Waits until the page's text contains `text`: what a person sees, not what the source says.
    ///
    /// # Errors
    ///
    /// Fails with the page's text where it does not in time.
    pub fn wait_for_text(&self, text: &str) -> anyhow::Result<()> {
        let script = "const [text, done] = arguments; const look = () => \
                      document.body.innerText.includes(text) ? done(true) : setTimeout(look, 50); \
                      look();";
        match self.ask("execute/async", &json!({ "script": script, "args": [text] })) {
            Ok(_seen) => Ok(()),
            Err(error) => {
                let script = json!({ "script": "return document.body.innerText", "args": [] });
                let seen = self.ask("execute/sync", &script)?;
                bail!("{error:#}; no {text:?} on the page: {seen}")
            }
        }
    }

    /// Types into the first element that a CSS selector finds.
    ///
    /// # Errors
    ///
    /// Fails where there is none.
    pub fn fill(&self, selector: &str, text: &str) -> anyhow::Result<()> {
        self.act(selector, "value", &json!({ "text": text }))
    }

    /// Clicks the first element that a CSS selector finds.
    ///
    /// # Errors
    ///
    /// Fails where there is none.
    pub fn click(&self, selector: &str) -> anyhow::Result<()> {
        self.act(selector, "click", &json!({}))
    }

    /// Does something with an element, and again with its successor where the live page has just
    /// replaced it: a person does not notice, and a reference to it does.
    fn act(&self, selector: &str, deed: &str, body: &Value) -> anyhow::Result<()> {
        let mut n_left = REPLACED_MAX;
        loop {
            let element = self.find(selector)?;
            match self.ask(&format!("element/{element}/{deed}"), body) {
                Ok(_done) => return Ok(()),
                Err(error) if 0 < n_left && is_of_replaced(&error) => n_left -= 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn find(&self, selector: &str) -> anyhow::Result<String> {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.ask("element", &wanted)?;
        Ok(found[ELEMENT].as_str().with_context(|| format!("no {selector}"))?.to_owned())
    }

    fn ask(&self, command: &str, body: &Value) -> anyhow::Result<Value> {
        post(&self.agent, &format!("{}/{command}", self.session), body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closes the windows; the driver is killed after that in any case.
        drop(self.agent.delete(&self.session).call());
    }
}

fn is_of_replaced(error: &anyhow::Error) -> bool {
    REPLACED.iter().any(|it| error.to_string().starts_with(it))
}

fn post(agent: &ureq::Agent, url: &str, body: &Value) -> anyhow::Result<Value> {
    let request = agent.post(url).header("Content-Type", "application/json");
    let mut response = request.send(body.to_string()).with_context(|| format!("POST {url}"))?;
    let text = response.body_mut().read_to_string().context("no text")?;
    let mut answer: Value =
        serde_json::from_str(&text).with_context(|| format!("no JSON: {text}"))?;
    let value = answer["value"].take();
    match value["error"].as_str() {
        Some(error) => bail!("{error}: {}", value["message"]),
        None => Ok(value),
    }
}
