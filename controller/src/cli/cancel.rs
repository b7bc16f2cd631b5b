//! `hostwright cancel`: the end that a customer asked for, or the withdrawal of it.

use clap::Args;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::agreement;
use super::failure::Failure;
use super::output::Output;
use super::patch::Change;
use super::service::{Named, Service};

const MANAGER: &str = "hostwright-cancel";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    service: Named,
    /// When it ends, such as 2027-02-01T00:00:00Z; absent: at once
    #[arg(long, value_name = "TIME", conflicts_with = "withdraw", value_parser = time)]
    at: Option<Timestamp>,
    /// Why, in words; the history repeats it
    #[arg(long, value_name = "TEXT", required_unless_present = "withdraw", conflicts_with = "withdraw")]
    reason: Option<String>,
    /// Who asked for it, as billing knows them; the history repeats it
    #[arg(long, value_name = "ID", required_unless_present = "withdraw", conflicts_with = "withdraw")]
    requested_by: Option<String>,
    /// Take the cancellation back, which works until it has ended
    #[arg(long)]
    withdraw: bool,
    /// Change nothing, and print the kubectl command that would
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before it ends at once
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "expected a date with time and zone, such as 2027-02-01T00:00:00Z".to_owned())
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let service = arguments.service.read().await?;
    if let Some(ended) = service.ended() {
        return Err(Failure::failed(format!(
            "{} ended at {ended}, which is final, and nothing was changed; for a new, empty one: {}",
            service.title(),
            service.command("recreate")
        )));
    }
    if arguments.withdraw {
        withdraw(&service, &arguments, output).await
    } else {
        cancel(&service, &arguments, output).await
    }
}

async fn cancel(service: &Service, arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let patch = json!({"spec": {"cancellation": cancellation(service, arguments)}});
    let later = arguments.at.filter(|at| *at > Timestamp::now());
    if let (None, false) = (later, arguments.dry_run) {
        let warning = format!(
            "{} ends at once and for ever, with everything on it. To end it on a date, and be able to withdraw that until \
             then: --at TIME.",
            service.title()
        );
        agreement::ask(&warning, arguments.yes, output).await?;
    }
    let done = match later {
        Some(at) => format!("ends at {at}"),
        None => "ends now".to_owned(),
    };
    Change::of(service, MANAGER, patch).carry_out(arguments.dry_run, &done, output).await?;
    if *service.at("/spec/terminationProtection") == true {
        output.remark("terminationProtection is on, and holds the end until it is false.");
    }
    if later.is_some() && !arguments.dry_run {
        output.remark(&format!("To take it back until then: {} --withdraw", service.command("cancel")));
    }
    Ok(())
}

/// All that a cancellation holds: nothing of an earlier one stays.
fn cancellation(service: &Service, arguments: &Arguments) -> Value {
    let mut cancellation = json!({"reason": arguments.reason, "requestedBy": arguments.requested_by});
    if let Some(at) = arguments.at {
        cancellation["at"] = json!(at.to_string());
    } else if !service.at("/spec/cancellation/at").is_null() {
        cancellation["at"] = Value::Null;
    }
    cancellation
}

async fn withdraw(service: &Service, arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    if service.at("/spec/cancellation").is_null() {
        let hint = if service.text("/spec/desiredStatus") == "Terminated" {
            "; it is desiredStatus Terminated that ends it"
        } else {
            ""
        };
        return Err(Failure::failed(format!("{} is not cancelled{hint}. Nothing was changed", service.title())));
    }
    let change = Change::of(service, MANAGER, json!({"spec": {"cancellation": Value::Null}}));
    change.carry_out(arguments.dry_run, "no longer cancelled", output).await
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::service::fixture::{alice, cluster};
    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn typed(words: &str) -> Result<Arguments, clap::Error> {
        Line::try_parse_from(["cancel", "alice"].into_iter().chain(words.split(' '))).map(|line| line.arguments)
    }

    #[tokio::test]
    async fn a_cancellation_replaces_all_of_an_earlier_one() {
        let client = cluster().await;
        let earlier = json!({"at": "2099-01-01T00:00:00Z", "reason": "moving", "requestedBy": "cust-1"});
        let service = alice(&client, |order| order["spec"]["cancellation"] = earlier, json!({})).await;
        let now = typed("--reason fraud --requested-by desk").unwrap();
        assert_eq!(
            cancellation(&service, &now),
            json!({"at": null, "reason": "fraud", "requestedBy": "desk"}),
            "at once, and not on the date of before"
        );
        let later = typed("--at 2098-01-01T01:00:00+01:00 --reason fraud --requested-by desk").unwrap();
        assert_eq!(cancellation(&service, &later)["at"], "2098-01-01T00:00:00Z");
    }

    #[test]
    fn who_asked_and_why_are_not_left_out_and_a_withdrawal_has_neither() {
        for wrong in
            ["--reason moving", "--requested-by cust-1", "--withdraw --reason moving", "--at tomorrow --withdraw"]
        {
            assert!(typed(wrong).is_err(), "{wrong}");
        }
        let said = typed("--at 2027-02-01 --reason a --requested-by b").unwrap_err().to_string();
        assert!(said.contains("such as 2027-02-01T00:00:00Z"), "{said}");
        assert!(typed("--withdraw").is_ok());
    }
}
