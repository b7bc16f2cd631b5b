//! `hostwright describe`: what an object is, what is wrong with it, what to do about that, and what happened.

pub(super) mod advice;
mod events;
pub(super) mod service;

use clap::Args;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DynamicObject, ListParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Map, Value};

use super::cluster::{Target, answer};
use super::failure::Failure;
use super::get::missing;
use super::kinds::{Kind, Kinds};
use super::output::{Output, Span, Tone, age};
use super::selection::{Selection, select};

/// Annotations that only programs read.
const FOR_PROGRAMS: [&str; 2] =
    ["kubectl.kubernetes.io/last-applied-configuration", hostwright_crds::annotation::IDENTITY];

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// TYPE, TYPE NAME… or TYPE/NAME…; absent: hsvc, the services
    #[arg(value_name = "TYPE [NAME]")]
    words: Vec<String>,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let Arguments { words, target } = arguments;
    let (client, namespace) = target.connect().await?;
    let kinds = Kinds::of(&client).await?;
    let (mut first, mut failed) = (true, false);
    for Selection { kind, names } in select(&kinds, &words)? {
        let api = kind.api(&client, &namespace);
        let mut objects = Vec::new();
        for name in &names {
            match answer(api.get(name)).await {
                Ok(object) => objects.push(object),
                Err(refusal) => {
                    failed = true;
                    output.problem(&missing(kind, name, Some(&namespace), &refusal));
                }
            }
        }
        if names.is_empty() {
            objects = answer(api.list(&ListParams::default())).await?.items;
        }
        for object in &objects {
            if !first {
                output.line("\n")?;
            }
            first = false;
            describe(&client, kind, object, output).await?;
        }
    }
    if first && !failed {
        output.remark(&format!("No resources found in {namespace} namespace."));
    }
    if failed { Err(Failure::said()) } else { Ok(()) }
}

async fn describe(client: &Client, kind: &Kind, object: &DynamicObject, output: &Output) -> Result<(), Failure> {
    let now = Timestamp::now();
    output.spans(&[(Tone::Strong, kind.object(&object.name_any()))])?;
    let is_service = kind.is_ours("HostingService");
    let mut facts = general(object, now);
    if is_service {
        facts.extend(service::facts(object));
    }
    lines(&facts, output)?;
    advice::show(kind, object, output)?;
    conditions(object, now, output)?;
    if is_service {
        service::show(object, now, output)?;
    } else {
        contents(kind, object, output)?;
    }
    events::show(client, object, now, output).await
}

/// A label and what it says, one a line.
pub(super) type Fact = (&'static str, String);

/// What every object has.
fn general(object: &DynamicObject, now: Timestamp) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(namespace) = object.namespace() {
        facts.push(("Namespace", namespace));
    }
    if let Some(created) = object.creation_timestamp() {
        facts.push(("Created", format!("{} ({} ago)", created.0, age(now, created.0))));
    }
    if let Some(deleted) = &object.metadata.deletion_timestamp {
        let holds = object.finalizers().join(", ");
        facts.push(("Deleted", format!("{} ({} ago); waits for {holds}", deleted.0, age(now, deleted.0))));
    }
    let pairs = |map: &std::collections::BTreeMap<String, String>| {
        let shown = map.iter().filter(|(key, _)| !FOR_PROGRAMS.contains(&key.as_str()));
        shown.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
    };
    facts.push(("Labels", pairs(object.labels())));
    facts.push(("Annotations", pairs(object.annotations())));
    facts
}

/// Facts below each other; those that say nothing are left out.
pub(super) fn lines(facts: &[Fact], output: &Output) -> Result<(), Failure> {
    let width = facts.iter().map(|(label, _)| label.len()).max().unwrap_or_default() + 1;
    for (label, text) in facts.iter().filter(|(_, text)| !text.is_empty()) {
        output.line(&format!("{:width$}  {text}", format!("{label}:")))?;
    }
    Ok(())
}

/// The heading of a section.
fn heading(text: &str, output: &Output) -> Result<(), Failure> {
    output.line("")?;
    output.spans(&[(Tone::Strong, text.to_owned())])
}

fn conditions(object: &DynamicObject, now: Timestamp, output: &Output) -> Result<(), Failure> {
    let Some(conditions) = object.data["status"]["conditions"].as_array().filter(|all| !all.is_empty()) else {
        return Ok(());
    };
    heading("Conditions", output)?;
    let row = |condition: &Value| -> Vec<Span> {
        let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
        let tone = match (text("type").as_str(), text("status").as_str()) {
            ("Ready", "True") => Tone::Good,
            ("Ready", "False") | ("Stalled", "True") => Tone::Bad,
            _ => Tone::Plain,
        };
        let plain = |text| (Tone::Plain, text);
        let since = since(&condition["lastTransitionTime"], now);
        vec![plain(text("type")), (tone, text("status")), (tone, text("reason")), plain(since), plain(text("message"))]
    };
    output.table(&["TYPE", "STATUS", "REASON", "SINCE", "MESSAGE"], conditions.iter().map(row).collect())
}

/// How long ago a time was.
fn since(time: &Value, now: Timestamp) -> String {
    let read = time.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    read.map(|at| age(now, at)).unwrap_or_default()
}

/// Everything but metadata and conditions, as YAML. Values of a Secret are not shown.
fn contents(kind: &Kind, object: &DynamicObject, output: &Output) -> Result<(), Failure> {
    let Some(parts) = object.data.as_object() else { return Ok(()) };
    for (name, part) in parts {
        let mut part = part.clone();
        if kind.resource.kind == "Secret" && matches!(name.as_str(), "data" | "stringData") {
            part.as_object_mut().into_iter().flatten().for_each(|(_, value)| *value = sized(value));
        }
        if name == "status" {
            part.as_object_mut().map(|status| status.remove("conditions"));
        }
        if kind.is_ours("Plugin") {
            // Hundreds of lines, which `hostwright plugins NAME` shows as tables.
            part.as_object_mut().map(|status| status.remove("schemas"));
        }
        if is_empty(&part) {
            continue;
        }
        let mut title = name.clone();
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        heading(&title, output)?;
        output.yaml(&part)?;
    }
    Ok(())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// How long a value is, in place of the value.
fn sized(value: &Value) -> Value {
    // Base64 in blocks of four letters for three bytes.
    let text = value.as_str().unwrap_or_default();
    let bytes = text.len() / 4 * 3 - text.bytes().rev().take_while(|byte| *byte == b'=').count();
    Value::from(format!("{bytes} bytes"))
}

/// Settings as `memory=4096, disk=10000`.
fn settings(map: &Map<String, Value>) -> String {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    map.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect::<Vec<_>>().join(", ")
}
