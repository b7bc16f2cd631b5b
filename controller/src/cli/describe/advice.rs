//! What is wrong with an object, and what to do: the paragraph of the reason that its Ready condition has.

use hostwright_crds::reason::Reason;
use hostwright_crds::{GROUP, condition, reason};
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use serde_json::Value;

use super::super::failure::Failure;
use super::super::kinds::Kind;
use super::super::output::{Output, Tone};
use super::super::program;
use super::{heading, lines};

/// What is said of an object without conditions.
pub(in super::super) const UNSEEN: &str =
    "No controller has looked at it yet. Is one running? hostwright run, or hostwright standalone";

/// What is wrong with an object, and what helps.
pub(in super::super) struct Advice<'a> {
    title: &'static str,
    trouble: &'a Value,
    known: Option<&'static Reason>,
    /// A command that helps, with the names filled in; none where it is the one that was typed.
    pub(in super::super) command: Option<String>,
}

impl<'a> Advice<'a> {
    /// None where nothing is wrong, or nobody has looked yet.
    pub(in super::super) fn of(object: &'a DynamicObject) -> Option<Self> {
        let conditions = object.data["status"]["conditions"].as_array()?;
        let ready = conditions.iter().find(|condition| condition["type"] == "Ready")?;
        let (title, trouble) = trouble(ready, conditions)?;
        let known = trouble["reason"].as_str().and_then(reason::find);
        let command = known.and_then(|known| shorter(known, object).or_else(|| command(known.command, object)));
        Some(Self { title, trouble, known, command })
    }

    pub(in super::super) fn text(&self, key: &str) -> &'a str {
        self.trouble[key].as_str().unwrap_or_default()
    }

    pub(in super::super) fn meaning(&self) -> &'static str {
        self.known.map(|known| known.meaning).unwrap_or_default()
    }

    pub(in super::super) fn who_acts(&self) -> &'static str {
        self.known.map(|known| known.who_acts).unwrap_or_default()
    }
}

pub(super) fn show(kind: &Kind, object: &DynamicObject, output: &Output) -> Result<(), Failure> {
    if kind.resource.group != GROUP {
        return Ok(());
    }
    let conditions = object.data["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !conditions.iter().any(|condition| condition["type"] == "Ready") {
        return output.line(&format!("\n{UNSEEN}"));
    }
    let Some(advice) = Advice::of(object) else { return Ok(()) };
    heading(&format!("{}: {}", advice.title, advice.text("reason")), output)?;
    output.spans(&[(Tone::Bad, advice.text("message").to_owned())])?;
    let (meaning, who) = (advice.meaning().to_owned(), advice.who_acts().to_owned());
    lines(&[("Meaning", meaning), ("Who acts", who), ("Try", advice.command.unwrap_or_default())], output)
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

/// The command of ours that does what a reason advises, where there is one.
fn shorter(known: &Reason, object: &DynamicObject) -> Option<String> {
    let verb = match known.name {
        reason::NO_CAPACITY => "reconcile",
        reason::REMOTE_MISSING | reason::ALREADY_TERMINATED => "recreate",
        _ => return None,
    };
    let is_service = object.types.as_ref().is_some_and(|types| types.kind == "HostingService");
    let namespace = object.namespace().filter(|_| is_service)?;
    Some(format!("{} {verb} -n {namespace} {}", program::name(), object.name_any()))
}

/// The command of a reason, about this object. None where it is the very one that was typed.
fn command(command: &str, object: &DynamicObject) -> Option<String> {
    let text = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let (name, namespace) = (object.name_any(), object.namespace());
    let mine = |kind: &str| object.types.as_ref().is_some_and(|types| types.kind == kind);
    // The package that it has, where another one is ordered.
    let had = text("/status/lastApplied/package").unwrap_or_else(|| "OLD".to_owned());
    let mut words: Vec<String> = command.replace("OLD", &had).split(' ').map(str::to_owned).collect();
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
    if words[0] == "hostwright" {
        program::name().clone_into(&mut words[0]);
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
            "spec": {"packageRef": {"name": "small"}},
            "status": {"providerInstance": "panel-eu", "lastApplied": {"package": "large"}},
        });
        command(given, &serde_json::from_value(object).unwrap())
    }

    #[test]
    fn the_command_of_a_reason_names_the_objects_it_is_about() {
        let said = |given| about(given).unwrap();
        assert_eq!(said("kubectl get hsvc NAME -w"), "hostwright get -n customers hsvc alice -w");
        assert_eq!(said("kubectl describe hinst NAME"), "hostwright describe hinst panel-eu");
        assert_eq!(said("kubectl get hpkg NAME -o yaml"), "hostwright get hpkg small -o yaml");
        assert_eq!(
            said("kubectl patch hsvc NAME -p '{\"OLD\"}'"),
            "kubectl patch -n customers hsvc alice -p '{\"large\"}'"
        );
        assert_eq!(said("kubectl edit hsvc NAME"), "kubectl edit -n customers hsvc alice");
        assert_eq!(said("kubectl get hsvc -A -o wide"), "hostwright get hsvc -A -o wide");
        assert_eq!(about("kubectl describe hsvc NAME"), None, "which is what shows this");
    }

    #[test]
    fn what_a_command_of_ours_does_is_advised_instead_of_a_patch() {
        let missing = |kind: &str| {
            let ready =
                serde_json::json!({"type": "Ready", "status": "False", "reason": "RemoteMissing", "message": "gone"});
            let object = serde_json::from_value(serde_json::json!({
                "apiVersion": "hostwright.dev/v1alpha1", "kind": kind,
                "metadata": {"name": "alice", "namespace": "customers"}, "status": {"conditions": [ready]},
            }));
            Advice::of(&object.unwrap()).and_then(|advice| advice.command).unwrap_or_default()
        };
        assert_eq!(missing("HostingService"), "hostwright recreate -n customers alice");
        assert!(missing("Package").starts_with("kubectl patch"));
    }

    #[test]
    fn every_reason_has_a_command_without_a_blank_to_fill_in_but_for_what_only_a_person_knows() {
        for reason in reason::ALL {
            let left = about(reason.command).unwrap_or_default();
            let blank = left.contains("OLD") || left.split(' ').any(|word| word == "NAME");
            assert!(!blank || left.contains("secret"), "{}: {left}", reason.name);
        }
    }
}
