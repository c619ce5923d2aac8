//! The demo for a person: it runs until Ctrl-C.

use anyhow::Context as _;
use harness::story::{CLIENT_NAME, Story};
use tokio::signal::unix::{SignalKind, signal};

use crate::stage;

/// Starts everything, says what to watch, and ends all of it on Ctrl-C.
pub(crate) fn show() -> anyhow::Result<()> {
    let (mut story, scenario) = stage::build()?;
    story.agency.start_station()?;
    story.home.start_hub()?;
    introduce(&story)?;
    story.home.tell(scenario, |event| println(&[&event.to_string()]));
    wait_for_ctrl_c()?;
    println(&["", "Ending …"]);
    story.home.stop_hub()?;
    story.agency.stop_station()?;
    println(&["Hub and station said goodbye; nothing is left behind."]);
    Ok(())
}

fn introduce(story: &Story) -> anyhow::Result<()> {
    let page = story.agency.url("/")?;
    println(&[
        "Vitalgate: one home and one agency on this machine.",
        "",
        &format!("    The nurse's page: {page}"),
        "",
        "What to watch there:",
        &format!(
            "  - after about 10 s {CLIENT_NAME}'s cuff says 184/121: two alerts of high priority."
        ),
        "  - type your name and acknowledge one: the hub at home confirms it, and the page says so.",
        "  - later readings come back inside the limits, and what was acknowledged clears.",
        "",
        &format!("Everything is kept in {} until the end.", story.directory().display()),
        "Ctrl-C ends all of it. What the devices do:",
        "",
    ]);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the demo speaks to a person")]
fn println(lines: &[&str]) {
    for line in lines {
        println!("{line}");
    }
}

fn wait_for_ctrl_c() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).context("no SIGINT")?;
        let mut terminate = signal(SignalKind::terminate()).context("no SIGTERM")?;
        tokio::select! {
            _signal = interrupt.recv() => {}
            _signal = terminate.recv() => {}
        }
        Ok(())
    })
}
