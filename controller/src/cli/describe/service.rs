//! What a person wants to know of a HostingService.

use k8s_openapi::jiff::Timestamp;
use kube::api::DynamicObject;
use serde_json::{Map, Value};

use super::super::failure::Failure;
use super::super::output::{Output, Tone};
use super::{Fact, heading, lines, settings, since};

/// What it is: whose, of which package, on which panel.
pub(super) fn facts(service: &DynamicObject) -> Vec<Fact> {
    let at = |pointer: &str| service.data.pointer(pointer).unwrap_or(&Value::Null);
    let text = |pointer: &str| at(pointer).as_str().unwrap_or_default();
    let mut wanted = text("/spec/desiredStatus").to_owned();
    if !text("/status/target").is_empty() && text("/status/target") != wanted {
        wanted = format!("{} (desiredStatus {wanted})", text("/status/target"));
    }
    let owner = format!("{}: {} <{}>", text("/spec/owner/id"), text("/spec/owner/name"), text("/spec/owner/email"));
    vec![
        ("Wanted", wanted),
        ("Phase", text("/status/phase").to_owned()),
        ("Suspended by", suspended_by(service)),
        ("Owner", owner),
        ("Package", text("/spec/packageRef/name").to_owned()),
        ("Instance", text("/status/providerInstance").to_owned()),
        ("Remote", remote(at("/status/remote"))),
        ("Credentials", credentials(at("/status/credentials"))),
        ("External id", text("/status/externalId").to_owned()),
        ("When deleted", on_deletion(at("/spec"))),
    ]
}

pub(in super::super) fn suspended_by(service: &DynamicObject) -> String {
    let holders = service.data["status"]["suspendedBy"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let told = holders.map(|holder| {
        let why = &service.data["spec"]["suspensions"][holder];
        let text = |key: &str| why[key].as_str().unwrap_or_default();
        match (text("reason"), text("message")) {
            ("", _) => holder.to_owned(),
            (reason, "") => format!("{holder} ({reason})"),
            (reason, message) => format!("{holder} ({reason}: {message})"),
        }
    });
    told.collect::<Vec<_>>().join(", ")
}

pub(in super::super) fn remote(remote: &Value) -> String {
    let text = |key: &str| remote[key].as_str().unwrap_or_default();
    if text("id").is_empty() {
        return "none".to_owned();
    }
    let url = Some(text("url")).filter(|url| !url.is_empty()).map(|url| format!(", {url}")).unwrap_or_default();
    let attributes = remote["attributes"].as_object().map(settings).filter(|all| !all.is_empty());
    let attributes = attributes.map(|all| format!(" ({all})")).unwrap_or_default();
    format!("{}, {}{url}{attributes}", text("id"), text("state"))
}

/// Where they are, never what they are.
fn credentials(credentials: &Value) -> String {
    let Some(secret) = credentials["secretName"].as_str() else { return String::new() };
    let keys: Vec<&str> = credentials["keys"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let lost = if credentials["lost"] == true { "; out of date" } else { "" };
    format!("Secret {secret} ({}){lost}", keys.join(", "))
}

fn on_deletion(spec: &Value) -> String {
    let policy = match spec["deletionPolicy"].as_str() {
        Some("Retain") => "the remote stays (deletionPolicy Retain)",
        _ => "the remote is ended with everything on it (deletionPolicy Terminate)",
    };
    let protected = spec["terminationProtection"] == true;
    format!("{policy}{}", if protected { "; held by terminationProtection" } else { "" })
}

/// What was ordered, what is going on, and what happened.
pub(super) fn show(service: &DynamicObject, now: Timestamp, output: &Output) -> Result<(), Failure> {
    let (spec, status) = (&service.data["spec"], &service.data["status"]);
    let map = |value: &Value| value.as_object().map(settings).unwrap_or_default();
    let applied = &status["lastApplied"];
    let order = [
        ("Selections", map(&spec["selections"])),
        ("Checkout", map(&spec["checkout"])),
        ("Applied", map(&applied["config"])),
        ("Applied at", applied["at"].as_str().unwrap_or_default().to_owned()),
    ];
    if order.iter().any(|(_, text)| !text.is_empty()) {
        heading("Order", output)?;
        lines(&order, output)?;
    }
    if let Some(operation) = status["operation"].as_object() {
        heading("Operation", output)?;
        lines(&operation_facts(operation, now), output)?;
    }
    let history = status["history"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !history.is_empty() {
        heading("History", output)?;
        let row = |entry: &Value| {
            let text = |key: &str| (Tone::Plain, entry[key].as_str().unwrap_or_default().to_owned());
            vec![(Tone::Plain, since(&entry["at"], now)), text("what"), text("message")]
        };
        output.table(&["AGO", "WHAT", "MESSAGE"], history.iter().map(row).collect())?;
    }
    Ok(())
}

fn operation_facts(operation: &Map<String, Value>, now: Timestamp) -> Vec<Fact> {
    let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let error = operation.get("lastError").unwrap_or(&Value::Null);
    let said = |key: &str| error[key].as_str().unwrap_or_default();
    let started = operation.get("startedAt").map(|at| since(at, now)).filter(|ago| !ago.is_empty());
    let attempt = operation.get("attempt").map(ToString::to_string).unwrap_or_default();
    vec![
        ("Verb", text("verb")),
        ("Attempt", format!("{attempt}, {}", text("outcome"))),
        ("Started", started.map(|ago| format!("{ago} ago")).unwrap_or_default()),
        ("Next attempt", text("nextAttemptAt")),
        (
            "Last error",
            if error.is_null() {
                String::new()
            } else {
                format!("{} {}: {}", said("class"), said("code"), said("message"))
            },
        ),
    ]
}
