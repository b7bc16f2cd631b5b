//! `hostwright status`: how a service is, and what to do, in a few lines.

use clap::Args;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::Format;
use super::describe::advice::{Advice, UNSEEN};
use super::describe::service::{remote, suspended_by};
use super::describe::{Fact, lines};
use super::failure::Failure;
use super::output::{Output, Tone, age};
use super::service::{Named, Service};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    service: Named,
    /// For programs
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

/// The exit code is part of the answer: 0 where it is ready, 1 where it is not.
pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let service = arguments.service.read().await?;
    if arguments.output.is_some() {
        output.json(&summary(&service))?;
    } else {
        show(&service, output)?;
    }
    if is_ready(&service) { Ok(()) } else { Err(Failure::said()) }
}

/// Ready, and that was said of what stands in the spec now.
fn is_ready(service: &Service) -> bool {
    service.is_seen() && service.ready().is_some_and(|ready| ready["status"] == "True")
}

fn show(service: &Service, output: &Output) -> Result<(), Failure> {
    let tone = if is_ready(service) { Tone::Good } else { Tone::Bad };
    let (verdict, words) = verdict(service);
    output.spans(&[
        (Tone::Strong, service.title()),
        (tone, format!(" {verdict}")),
        (Tone::Plain, format!(": {words}")),
    ])?;
    lines(&facts(service, Timestamp::now()), output)
}

fn verdict(service: &Service) -> (String, String) {
    let Some(ready) = service.ready() else { return ("is not ready".to_owned(), UNSEEN.to_owned()) };
    if !service.is_seen() {
        return ("is not ready".to_owned(), "it was changed, and no controller has looked at it since".to_owned());
    }
    let text = |key: &str| ready[key].as_str().unwrap_or_default();
    let negation = if is_ready(service) { "" } else { "not " };
    (format!("is {negation}ready, {}", text("reason")), text("message").to_owned())
}

fn facts(service: &Service, now: Timestamp) -> Vec<Fact> {
    let advice = Advice::of(&service.object);
    let with_distance = |pointer: &str| service.time(pointer).map(|at| dated(at, now)).unwrap_or_default();
    vec![
        ("Wanted", service.text("/status/target").to_owned()),
        ("Phase", service.text("/status/phase").to_owned()),
        ("Suspended by", suspended_by(&service.object)),
        ("Remote", remote(service.at("/status/remote"))),
        ("Instance", service.text("/status/providerInstance").to_owned()),
        ("Paid until", with_distance("/spec/renewal/paidUntil")),
        ("Next", next(service, now)),
        ("Running", operation(service, now)),
        ("Who acts", advice.as_ref().map(|advice| advice.who_acts().to_owned()).unwrap_or_default()),
        ("Try", advice.and_then(|advice| advice.command).unwrap_or_default()),
    ]
}

fn next(service: &Service, now: Timestamp) -> String {
    let text = |key: &str| service.text(&format!("/status/nextTransition/{key}"));
    match service.time("/status/nextTransition/at") {
        Some(at) => format!("{} at {}: {}", text("verb"), dated(at, now), text("because")),
        None => String::new(),
    }
}

fn operation(service: &Service, now: Timestamp) -> String {
    let operation = service.at("/status/operation");
    let Some(verb) = operation["verb"].as_str() else { return String::new() };
    let outcome = operation["outcome"].as_str().unwrap_or_default();
    let attempt = format!("{verb}, attempt {}, {outcome}", operation["attempt"].as_i64().unwrap_or_default());
    match service.time("/status/operation/nextAttemptAt") {
        Some(at) => format!("{attempt}; next attempt at {}", dated(at, now)),
        None => attempt,
    }
}

/// A time, with how far away it is.
fn dated(at: Timestamp, now: Timestamp) -> String {
    if at > now { format!("{at} (in {})", age(at, now)) } else { format!("{at} ({} ago)", age(now, at)) }
}

fn summary(service: &Service) -> Value {
    let ready = service.ready().unwrap_or(&Value::Null);
    let advice = Advice::of(&service.object);
    json!({
        "namespace": service.namespace(), "name": service.object.metadata.name,
        "ready": is_ready(service), "seen": service.is_seen(),
        "reason": ready["reason"], "message": ready["message"],
        "target": service.at("/status/target"), "phase": service.at("/status/phase"),
        "suspendedBy": service.at("/status/suspendedBy"), "providerInstance": service.at("/status/providerInstance"),
        "remote": service.at("/status/remote"), "paidUntil": service.at("/spec/renewal/paidUntil"),
        "nextTransition": service.at("/status/nextTransition"), "operation": service.at("/status/operation"),
        "advice": advice.map(|advice| json!({
            "reason": advice.text("reason"), "message": advice.text("message"), "meaning": advice.meaning(),
            "whoActs": advice.who_acts(), "command": advice.command,
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::super::service::fixture::{alice, cluster};
    use super::*;

    async fn told(status: Value) -> Service {
        alice(&cluster().await, |order| order["spec"]["renewal"] = json!({"paidUntil": "2027-01-01T00:00:00Z"}), status)
            .await
    }

    fn ready(status: &str, reason: &str) -> Value {
        json!([{"type": "Ready", "status": status, "reason": reason, "message": "in words",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}])
    }

    fn said(service: &Service, label: &str) -> String {
        let now = "2026-12-31T00:00:00Z".parse().unwrap();
        let fact = facts(service, now).into_iter().find(|(known, _)| *known == label);
        fact.map(|(_, text)| text).unwrap_or_default()
    }

    #[tokio::test]
    async fn ready_means_ready_for_what_stands_in_the_spec_now() {
        let service = told(json!({"observedGeneration": 1, "conditions": ready("True", "UpToDate")})).await;
        assert_eq!((is_ready(&service), verdict(&service).0.as_str()), (true, "is ready, UpToDate"));
        let edited = kube::api::Patch::Merge(json!({"spec": {"desiredStatus": "Suspended"}}));
        service.api.patch("alice", &kube::api::PatchParams::default(), &edited).await.unwrap();
        let edited = service.again().await;
        assert!(
            !is_ready(&edited) && verdict(&edited).1.contains("no controller has looked"),
            "{:?}",
            verdict(&edited)
        );
        assert_eq!(summary(&edited)["ready"], false);
    }

    #[tokio::test]
    async fn one_that_nobody_looked_at_is_not_ready_and_says_why() {
        let service = told(json!({})).await;
        assert!(!is_ready(&service) && verdict(&service).1.contains("Is one running?"));
    }

    #[tokio::test]
    async fn what_is_going_on_and_what_comes_is_said_with_how_far_away_it_is() {
        let service = told(json!({
            "observedGeneration": 1, "conditions": ready("False", "NoCapacity"),
            "operation": {"verb": "Create", "attempt": 3, "outcome": "Refused", "nextAttemptAt": "2026-12-31T00:00:20Z"},
            "nextTransition": {"verb": "Suspend", "at": "2027-01-01T00:00:00Z", "because": "Overdue"},
        }))
        .await;
        assert_eq!(
            said(&service, "Running"),
            "Create, attempt 3, Refused; next attempt at 2026-12-31T00:00:20Z (in 20s)"
        );
        assert_eq!(said(&service, "Next"), "Suspend at 2027-01-01T00:00:00Z (in 24h): Overdue");
        assert_eq!(said(&service, "Paid until"), "2027-01-01T00:00:00Z (in 24h)");
        assert_eq!(said(&service, "Try"), "hostwright reconcile -n customers alice");
        assert_eq!(summary(&service)["advice"]["command"], "hostwright reconcile -n customers alice");
    }
}
