//! What Kubernetes tools make of our statuses. The published algorithm, kstatus, that Flux, Helm and others share is asked about
//! objects of every state of a life; docs/status.md says what a person would answer, and is compared row by row.
#![allow(clippy::unwrap_used, reason = "a test that fails does so by a panic")]

mod platform;
mod program;
mod services;
mod states;

use std::path::Path;

use program::Kstatus;
use states::States;

#[tokio::test(start_paused = true)]
async fn tools_say_of_every_state_what_a_person_would() {
    let Some(kstatus) = Kstatus::find() else { return };
    let mut states = States::default();
    services::in_order(&mut states).await;
    services::waiting(&mut states).await;
    services::stalled(&mut states).await;
    services::ending(&mut states).await;
    platform::instances(&mut states).await;
    platform::packages(&mut states).await;
    platform::plugins(&mut states).await;

    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/status.md")).unwrap();
    let (_, tables) = page.split_once("\n## ").unwrap();
    let documented: Vec<&str> = tables.lines().filter(|line| line.starts_with("| ") && !is_head(line)).collect();
    let verdicts = kstatus.verdicts(states.objects());
    let found = states.rows(&verdicts);
    assert!(documented == found, "docs/status.md says otherwise; found:\n{}", found.join("\n"));
    states.have_words(&verdicts);
}

fn is_head(line: &str) -> bool {
    line.starts_with("| state ")
}
