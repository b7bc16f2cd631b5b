//! Waiting until deleted objects are gone, and saying what holds them.

use std::time::Duration;

use hostwright_crds::{FINALIZER, IN_USE};
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use serde_json::Value;
use tokio::time::Instant;

use super::super::cluster::{Refusal, answer};
use super::super::failure::Failure;
use super::super::output::{Output, Tone};
use super::super::program;
use super::Doomed;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// An object that is gone by then was never waited for.
const QUIET: Duration = Duration::from_secs(2);

/// Waits until none of them exists any more.
pub(in super::super) async fn until_gone(
    deleted: Vec<Doomed>,
    timeout: Duration,
    output: &Output,
) -> Result<(), Failure> {
    let start = Instant::now();
    let mut left: Vec<(Doomed, String)> = deleted.into_iter().map(|doomed| (doomed, String::new())).collect();
    loop {
        let mut still = Vec::new();
        for (doomed, told) in left {
            let Some(object) = look(&doomed).await? else { continue };
            let holds = holds(&object);
            if holds != told && start.elapsed() >= QUIET {
                output.spans(&[(Tone::Quiet, format!("  {} waits: ", doomed.name())), (Tone::Plain, holds.clone())])?;
                still.push((doomed, holds));
            } else {
                still.push((doomed, told));
            }
        }
        left = still;
        if left.is_empty() {
            return Ok(());
        }
        if start.elapsed() >= timeout {
            return Err(Failure::failed(overdue(&left, timeout)));
        }
        tokio::time::sleep(LOOK_EVERY.min(timeout.saturating_sub(start.elapsed()))).await;
    }
}

/// The object while it is still there. One made anew under its name is another.
async fn look(doomed: &Doomed) -> Result<Option<DynamicObject>, Failure> {
    match answer(doomed.api.get(&doomed.object.name_any())).await {
        Ok(object) => Ok(Some(object).filter(|object| object.uid() == doomed.object.uid())),
        Err(refusal) if refusal.is_absent() => Ok(None),
        // With the definition of a kind its path goes too; with a connection nothing is known.
        Err(Refusal::Answered(status)) => Err(Failure::failed(format!("{}: {}", doomed.name(), status.message))),
        Err(refusal) => Err(Failure::failed(format!(
            "{} was deleted, and nobody knows whether it is gone: {refusal}",
            doomed.name()
        ))),
    }
}

/// What an object waits for, in its own words where it has any.
fn holds(object: &DynamicObject) -> String {
    let conditions = object.data["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let words = |kind: &str| {
        let condition =
            conditions.iter().find(|condition| condition["type"] == kind && condition["status"] != "Unknown")?;
        let text = |key: &str| condition[key].as_str().unwrap_or_default();
        Some(format!("{}: {}", text("reason"), text("message")))
    };
    let observed = object.data["status"]["observedGeneration"]
        .as_i64()
        .is_some_and(|seen| Some(seen) == object.metadata.generation);
    // Words from before the deletion say nothing of it.
    if let Some(words) = words("Ready").filter(|_| observed) {
        return words;
    }
    let namespace = ["NamespaceFinalizersRemaining", "NamespaceContentRemaining"];
    let remaining = conditions
        .iter()
        .filter(|condition| namespace.iter().any(|kind| condition["type"] == **kind) && condition["status"] == "True");
    let remaining: Vec<&str> = remaining.filter_map(|condition| condition["message"].as_str()).collect();
    if !remaining.is_empty() {
        return remaining.join("; ");
    }
    match object.finalizers() {
        [] => "what is in it goes first".to_owned(),
        [one] if one == IN_USE => "it stays until no service and no instance needs it any more".to_owned(),
        [one] if one == FINALIZER => "it stays until the controller has seen that nothing depends on it".to_owned(),
        finalizers => format!("held by {}; whoever put that there has to let go", finalizers.join(", ")),
    }
}

fn overdue(left: &[(Doomed, String)], timeout: Duration) -> String {
    let names: Vec<String> = left.iter().map(|(doomed, _)| doomed.name()).collect();
    let looked = left.iter().any(|(doomed, _)| doomed.object.data["status"] != Value::Null);
    let program = program::name();
    let hint = if looked {
        format!("{program} describe says what each waits for")
    } else {
        "is a controller running?".to_owned()
    };
    format!(
        "not gone within {}: {}. They are deleted all the same and go when what holds them is done; {hint}. To let a service \
         go and keep its server: set its deletionPolicy Retain. Where no controller runs any more: {program} release",
        hostwright_crds::Duration::seconds(timeout.as_secs()),
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(object: &Value) -> String {
        holds(&serde_json::from_value(object.clone()).unwrap())
    }

    #[test]
    fn an_object_says_itself_what_it_waits_for() {
        let ready = |message: &str| json!({"type": "Ready", "status": "False", "reason": "TerminationHeld", "message": message});
        let mut service = json!({
            "metadata": {"name": "alice", "generation": 2, "finalizers": ["hostwright.dev/finalizer"]},
            "status": {"observedGeneration": 2, "conditions": [ready("20 ended in the last hour")]},
        });
        assert_eq!(said(&service), "TerminationHeld: 20 ended in the last hour");
        service["status"]["observedGeneration"] = json!(1);
        assert_eq!(said(&service), "it stays until the controller has seen that nothing depends on it");
        let namespace = json!({"metadata": {"name": "customers"}, "status": {"conditions": [
            {"type": "NamespaceContentRemaining", "status": "True", "message": "Some resources are remaining: hostingservices has 2"},
            {"type": "NamespaceFinalizersRemaining", "status": "False", "message": "none"},
        ]}});
        assert_eq!(said(&namespace), "Some resources are remaining: hostingservices has 2");
    }
}
