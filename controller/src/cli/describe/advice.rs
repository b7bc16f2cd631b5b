//! What is wrong with an object, and what to do: the paragraph of the reason that its Ready condition has.

use hostwright_crds::{GROUP, condition, reason};
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use serde_json::Value;

use super::super::failure::Failure;
use super::super::kinds::Kind;
use super::super::output::{Output, Tone};
use super::{heading, lines};

pub(super) fn show(kind: &Kind, object: &DynamicObject, output: &Output) -> Result<(), Failure> {
    if kind.resource.group != GROUP {
        return Ok(());
    }
    let conditions = object.data["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(ready) = conditions.iter().find(|condition| condition["type"] == "Ready") else {
        return output
            .line("\nNo controller has looked at it yet. Is one running? hostwright run, or hostwright standalone");
    };
    let Some((title, trouble)) = trouble(ready, conditions) else { return Ok(()) };
    let text = |key: &str| trouble[key].as_str().unwrap_or_default().to_owned();
    heading(&format!("{title}: {}", text("reason")), output)?;
    output.spans(&[(Tone::Bad, text("message"))])?;
    let Some(known) = reason::find(&text("reason")) else { return Ok(()) };
    let command = command(known.command, object).unwrap_or_default();
    lines(&[("Meaning", known.meaning.to_owned()), ("Who acts", known.who_acts.to_owned()), ("Try", command)], output)
}

/// What to read first, where anything is wrong: Ready repeats the condition that explains it.
fn trouble<'a>(ready: &'a Value, conditions: &'a [Value]) -> Option<(&'static str, &'a Value)> {
    if ready["status"] != "True" {
        return Some(("Why it is not ready", ready));
    }
    let is = |kind: &str, status: &str| {
        conditions.iter().find(|condition| condition["type"] == kind && condition["status"] == status)
    };
    let held = is(condition::ENDINGS_HELD, "True").map(|held| ("Nothing on it is ended", held));
    held.or_else(|| is(condition::SYNCED, "False").map(|synced| ("It is ready, but differs from its order", synced)))
}

/// The command of a reason, about this object. None where it is the very one that was typed.
fn command(command: &str, object: &DynamicObject) -> Option<String> {
    let text = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let (name, namespace) = (object.name_any(), object.namespace());
    let mine = |kind: &str| object.types.as_ref().is_some_and(|types| types.kind == kind);
    let mut words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    let named = |kind: &str| match kind {
        "hinst" if !mine("ProviderInstance") => text("/status/providerInstance"),
        "hpkg" if !mine("Package") => text("/spec/packageRef/name"),
        "hsvc" | "hinst" | "hpkg" => Some(name.clone()),
        _ => None,
    };
    for index in 1..words.len() {
        if words[index] == "NAME"
            && let Some(name) = named(&words[index - 1])
        {
            words[index] = name;
        }
    }
    let verb = words.get(1).map(String::as_str).unwrap_or_default();
    if verb == "describe" && words.contains(&name) && !command.contains("NAMESPACE") {
        return None;
    }
    if words[0] == "kubectl" && ["get", "describe", "delete"].contains(&verb) && !command.contains("&&") {
        "hostwright".clone_into(&mut words[0]);
    }
    if let Some(namespace) =
        namespace.filter(|_| words.contains(&"hsvc".to_owned()) && !words.contains(&"-A".to_owned()))
    {
        words.splice(2..2, ["-n".to_owned(), namespace]);
    }
    Some(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(given: &str) -> Option<String> {
        let object = serde_json::json!({
            "apiVersion": "hostwright.dev/v1alpha1", "kind": "HostingService",
            "metadata": {"name": "alice", "namespace": "customers"},
            "spec": {"packageRef": {"name": "small"}}, "status": {"providerInstance": "panel-eu"},
        });
        command(given, &serde_json::from_value(object).unwrap())
    }

    #[test]
    fn the_command_of_a_reason_names_the_objects_it_is_about() {
        let said = |given| about(given).unwrap();
        assert_eq!(said("kubectl get hsvc NAME -w"), "hostwright get -n customers hsvc alice -w");
        assert_eq!(said("kubectl describe hinst NAME"), "hostwright describe hinst panel-eu");
        assert_eq!(said("kubectl get hpkg NAME -o yaml"), "hostwright get hpkg small -o yaml");
        assert_eq!(said("kubectl edit hsvc NAME"), "kubectl edit -n customers hsvc alice");
        assert_eq!(said("kubectl get hsvc -A -o wide"), "hostwright get hsvc -A -o wide");
        assert_eq!(about("kubectl describe hsvc NAME"), None, "which is what shows this");
    }

    #[test]
    fn every_reason_has_a_command_without_a_blank_to_fill_in_but_for_what_only_a_person_knows() {
        for reason in reason::ALL {
            let left = about(reason.command).unwrap_or_default();
            let blank = left.split(' ').any(|word| word == "NAME");
            assert!(!blank || left.contains("secret"), "{}: {left}", reason.name);
        }
    }
}
