//! Cases: short conversations with an API server, written as YAML, a file a topic.
//!
//! ```yaml
//! definitions: [{schema: {spec: {type: object}}}]   # kinds that all cases of the topic may use
//! cases:
//!   a taken name is refused:                        # each has its own namespace
//!   - POST {things}: !Thing {metadata: {name: a}}
//!     code: 201
//!   - POST {things}: !Thing {metadata: {name: a}}
//!     code: 409
//!     has: {reason: AlreadyExists}
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_yaml::Value as Yaml;

/// All topics, by the names of their files.
pub const TOPICS: &[(&str, &str)] = &[
    ("create", include_str!("cases/create.yaml")),
    ("update", include_str!("cases/update.yaml")),
    ("patches", include_str!("cases/patches.yaml")),
    ("apply", include_str!("cases/apply.yaml")),
    ("owners", include_str!("cases/owners.yaml")),
    ("validation", include_str!("cases/validation.yaml")),
    ("defaults", include_str!("cases/defaults.yaml")),
    ("fields", include_str!("cases/fields.yaml")),
    ("status", include_str!("cases/status.yaml")),
    ("deletion", include_str!("cases/deletion.yaml")),
    ("lists", include_str!("cases/lists.yaml")),
    ("watch", include_str!("cases/watch.yaml")),
    ("tables", include_str!("cases/tables.yaml")),
    ("errors", include_str!("cases/errors.yaml")),
    ("discovery", include_str!("cases/discovery.yaml")),
    ("cost", include_str!("cases/cost.yaml")),
];

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Custom resources that all its cases use, in the words of [`crate::words::definition`].
    #[serde(default)]
    pub definitions: Vec<Yaml>,
    #[serde(deserialize_with = "in_order")]
    pub cases: Vec<Case>,
}

/// A conversation.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub steps: Vec<Step>,
}

/// A request and what its answer has to be.
#[derive(Debug, Clone)]
pub struct Step {
    /// An HTTP method, or the kind of a patch: `MERGE`, `JSON`, `STRATEGIC`, `APPLY`; `WATCH` is a GET that is read in frames.
    pub verb: String,
    /// With parameters; words in braces stand for values, see [`crate::words`].
    pub path: String,
    /// Text is sent as it is, anything else as JSON.
    pub body: Yaml,
    pub expected: Expected,
}

/// What the answer has to be, and how it is compared.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The status.
    pub code: u16,
    /// What the body contains, see [`crate::expect`].
    #[serde(default)]
    pub has: Yaml,
    /// The texts of all `Warning` headers.
    #[serde(default)]
    pub warns: Vec<String>,
    /// What the frames of a watch contain; as many are read.
    pub frames: Option<Vec<Yaml>>,
    /// What the body says as text, for answers that are no JSON.
    pub text: Option<String>,
    /// Later steps may use `{NAME.metadata.uid}` and its like.
    #[serde(rename = "as")]
    pub label: Option<String>,
    /// Headers of the request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The parts that are compared, where a real server serves more: `resources[name=configmaps]`.
    #[serde(default)]
    pub only: Vec<String>,
    /// Asks again until the answer is as expected: a real server does this in the background.
    #[serde(default)]
    pub eventually: bool,
    /// The answers differ, for this reason: a key of `differences.yaml`.
    pub differs: Option<String>,
}

/// Reads every topic.
pub fn topics() -> Vec<(&'static str, Topic)> {
    let read = |(name, text): &(&'static str, &str)| {
        let topic = serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{name}.yaml: {error}"));
        (*name, topic)
    };
    TOPICS.iter().map(read).collect()
}

fn in_order<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Case>, D::Error> {
    let cases = serde_yaml::Mapping::deserialize(deserializer)?;
    let read = |(name, steps): (Yaml, Yaml)| -> Result<Case, String> {
        let name = name.as_str().ok_or("the name of a case is text")?.to_owned();
        let steps = steps.as_sequence().ok_or_else(|| format!("{name}: a case is a list of requests"))?;
        let steps = steps.iter().map(|step| read_step(step).map_err(|why| format!("{name}: {why}")));
        Ok(Case { steps: steps.collect::<Result<_, _>>()?, name })
    };
    cases.into_iter().map(read).collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}

/// The first entry of a step is the request and its body, the others are what is expected.
fn read_step(step: &Yaml) -> Result<Step, String> {
    let mut entries = step.as_mapping().ok_or("a step is a map")?.clone();
    let (request, body) = entries.iter().next().ok_or("a step begins with its request")?;
    let (request, body) = (request.clone(), body.clone());
    entries.remove(&request);
    let request = request.as_str().unwrap_or_default();
    let (verb, path) = request.split_once(' ').ok_or_else(|| format!("{request:?} is no METHOD and path"))?;
    let expected = serde_yaml::from_value(Yaml::Mapping(entries)).map_err(|error| format!("{request}: {error}"))?;
    Ok(Step { verb: verb.to_owned(), path: path.trim().to_owned(), body, expected })
}
