//! `hostwright history`: what was done about a service, newest first.

use clap::Args;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::Format;
use super::failure::Failure;
use super::output::{Output, Tone, age};
use super::service::Named;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    service: Named,
    /// For programs
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let service = arguments.service.read().await?;
    let entries = service.at("/status/history").as_array().map(Vec::as_slice).unwrap_or_default();
    if arguments.output.is_some() {
        return output.json(&json!(entries));
    }
    if entries.is_empty() {
        output.remark(&format!("Nothing was done about {} yet.", service.title()));
        return Ok(());
    }
    let now = Timestamp::now();
    let row = |entry: &Value| {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let ago = text("at").parse().map(|at| age(now, at)).unwrap_or_default();
        [text("at"), ago, text("what"), text("message")].into_iter().map(|cell| (Tone::Plain, cell)).collect()
    };
    output.table(&["AT", "AGO", "WHAT", "MESSAGE"], entries.iter().map(row).collect())
}
