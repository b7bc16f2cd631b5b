//! `hostwright suspend`: one holder's reason to suspend a service.

use clap::Args;
use k8s_openapi::jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use super::failure::Failure;
use super::holder;
use super::output::Output;
use super::patch::Change;
use super::service::{Named, Service};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    service: Named,
    /// Who suspends it, such as billing or abuse-desk: only the same holder lifts it again
    #[arg(long, value_name = "HOLDER")]
    holder: Option<String>,
    /// Why, in one word that programs and conditions repeat, such as TermsOfService
    #[arg(long, value_name = "WORD")]
    reason: Option<String>,
    /// Why, in words for people
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Change nothing, and print the kubectl command that would
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let Arguments { service, holder, reason, message, dry_run } = arguments;
    let holder = holder::parse(holder.as_deref())?;
    let Some(reason) = reason else {
        return Err(Failure::usage(
            "say why: --reason WORD, one word that programs and conditions repeat, such as TermsOfService or Overdue; words \
             for people go into --message",
        ));
    };
    let service = service.read().await?;
    let suspension = suspension(&service, holder, &reason, message.as_deref(), Timestamp::now());
    let change = Change::of(&service, "hostwright-suspend", json!({"spec": {"suspensions": {holder: suspension}}}));
    change.carry_out(dry_run, &format!("suspended by {holder}: {reason}"), output).await
}

/// The holder's key. One that suspends already keeps the time since when it does.
fn suspension(service: &Service, holder: &str, reason: &str, message: Option<&str>, now: Timestamp) -> Value {
    let held = &service.at("/spec/suspensions")[holder];
    let mut suspension = json!({"reason": reason});
    if message.is_some() || !held["message"].is_null() {
        suspension["message"] = json!(message);
    }
    if held.is_null() {
        suspension["since"] = json!(now.round(Unit::Second).unwrap_or(now).to_string());
    }
    suspension
}

#[cfg(test)]
mod tests {
    use super::super::service::fixture::{alice, cluster};
    use super::*;

    #[tokio::test]
    async fn a_holder_that_suspends_already_keeps_its_time_and_no_word_of_before() {
        let client = cluster().await;
        let billing = json!({"reason": "Overdue", "message": "invoice 4711", "since": "2026-01-01T00:00:00Z"});
        let service =
            alice(&client, |order| order["spec"]["suspensions"] = json!({"billing": billing}), json!({})).await;
        let now: Timestamp = "2026-11-20T09:00:00.4Z".parse().unwrap();
        assert_eq!(
            suspension(&service, "billing", "Fraud", None, now),
            json!({"reason": "Fraud", "message": null}),
            "the words of before explain another reason"
        );
        assert_eq!(
            suspension(&service, "abuse-desk", "TermsOfService", Some("mail flood"), now),
            json!({"reason": "TermsOfService", "message": "mail flood", "since": "2026-11-20T09:00:00Z"})
        );
        assert_eq!(suspension(&service, "abuse-desk", "Spam", None, now)["message"], Value::Null);
    }
}
