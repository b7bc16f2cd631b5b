//! The words of a case: what stands in braces, and short forms of objects.
//!
//! | word | stands for |
//! |---|---|
//! | `{ns}` | the namespace of this case |
//! | `{group}`, `{own}` | the API group of the topic, and one that only this case uses |
//! | `{things}`, `{configmaps}`, … | the path of a collection in this case's namespace |
//! | `{NAME.metadata.uid}` | a value of the answer that an earlier step called NAME |
//!
//! `!Thing {…}` is an object of this kind, its version filled in; `!Definition {schema: {…}}` a definition of a kind;
//! `!repeat [x, 300]` a long text.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};
use serde_yaml::Value as Yaml;

static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{([a-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+)*)\}").unwrap());

/// Collections that are always there: the word, and the path with and without a namespace.
const COLLECTIONS: &[(&str, &str)] = &[
    ("configmaps", "/api/v1/namespaces/{ns}/configmaps"),
    ("secrets", "/api/v1/namespaces/{ns}/secrets"),
    ("events", "/api/v1/namespaces/{ns}/events"),
    ("newevents", "/apis/events.k8s.io/v1/namespaces/{ns}/events"),
    ("leases", "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases"),
    ("namespaces", "/api/v1/namespaces"),
    ("definitions", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
];

/// What words mean within one case on one server.
#[derive(Debug, Clone)]
pub struct Words {
    values: HashMap<String, String>,
    answers: HashMap<String, Value>,
}

impl Words {
    /// The words of a case. `run` is different each time, so that a server can be used more than once.
    pub fn new(run: &str, topic: &str, number: usize) -> Self {
        let mut words = Self { values: HashMap::new(), answers: HashMap::new() };
        words.set("run", run);
        words.set("ns", &format!("{topic}-{number}-{run}"));
        words.set("group", &format!("{topic}.{run}.example.dev"));
        words.set("own", &format!("c{number}.{topic}.{run}.example.dev"));
        for (word, path) in COLLECTIONS {
            let path = words.text(path);
            words.set(word, &path);
        }
        words
    }

    pub fn set(&mut self, word: &str, value: &str) {
        self.values.insert(word.to_owned(), value.to_owned());
    }

    pub fn get(&self, word: &str) -> &str {
        &self.values[word]
    }

    /// Makes an answer available to later steps.
    pub fn remember(&mut self, name: &str, answer: Value) {
        self.answers.insert(name.to_owned(), answer);
    }

    /// The collection of a kind that the topic defines.
    pub fn add_collection(&mut self, definition: &Value) {
        let spec = &definition["spec"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
        let version = text(&spec["versions"][0]["name"]);
        let place = match spec["scope"].as_str() {
            Some("Cluster") => String::new(),
            _ => format!("/namespaces/{}", self.get("ns")),
        };
        self.set(&plural, &format!("/apis/{group}/{version}{place}/{plural}"));
    }

    /// The text with every word replaced.
    pub fn text(&self, text: &str) -> String {
        WORD.replace_all(text, |found: &regex::Captures<'_>| self.meaning(&found[1])).into_owned()
    }

    fn meaning(&self, word: &str) -> String {
        if let Some(value) = self.values.get(word) {
            return value.clone();
        }
        let (name, path) = word.split_once('.').unwrap_or((word, ""));
        let answer = self.answers.get(name).unwrap_or_else(|| panic!("no word {{{word}}}"));
        match answer.pointer(&format!("/{}", path.replace('.', "/"))) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => panic!("{{{word}}} is not in {answer}"),
        }
    }

    /// A body, its words replaced and its short forms written out.
    pub fn value(&self, yaml: &Yaml) -> Value {
        match yaml {
            Yaml::Null => Value::Null,
            Yaml::Bool(value) => json!(value),
            Yaml::Number(number) => serde_json::to_value(number).unwrap(),
            Yaml::String(text) => json!(self.text(text)),
            Yaml::Sequence(list) => list.iter().map(|item| self.value(item)).collect(),
            Yaml::Mapping(map) => {
                let entry = |(key, value): (&Yaml, &Yaml)| (self.text(key.as_str().unwrap()), self.value(value));
                Value::Object(map.iter().map(entry).collect())
            }
            Yaml::Tagged(tagged) => self.written_out(&tagged.tag.to_string(), self.value(&tagged.value)),
        }
    }

    fn written_out(&self, tag: &str, value: Value) -> Value {
        match tag {
            "!repeat" => {
                let times = usize::try_from(value[1].as_u64().unwrap()).unwrap();
                json!(value[0].as_str().unwrap().repeat(times))
            }
            "!Definition" => definition(self.get("own"), &value),
            kind => {
                let kind = kind.trim_start_matches('!');
                let version = match kind {
                    "ConfigMap" | "Secret" | "Namespace" | "Event" => "v1".to_owned(),
                    "Lease" => "coordination.k8s.io/v1".to_owned(),
                    "CustomResourceDefinition" => "apiextensions.k8s.io/v1".to_owned(),
                    _ => format!("{}/v1", self.get("group")),
                };
                let mut object = json!({ "apiVersion": version, "kind": kind });
                merge(&mut object, value);
                object
            }
        }
    }
}

/// A definition in short. `schema` are the properties of the object, `version` what else the version `v1` says, `spec` and
/// `metadata` what else the definition says; `kind` is `Thing`, `group` the case's own where nothing is said.
pub fn definition(group: &str, short: &Value) -> Value {
    let kind = short["kind"].as_str().unwrap_or("Thing");
    let group = short["group"].as_str().unwrap_or(group);
    let plural = format!("{}s", kind.to_lowercase());
    let mut version = json!({
        "name": "v1", "served": true, "storage": true,
        "schema": { "openAPIV3Schema": { "type": "object", "properties": short["schema"] } },
    });
    merge(&mut version, short["version"].clone());
    let mut definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group, "scope": "Namespaced", "names": { "plural": plural, "kind": kind }, "versions": [version],
        },
    });
    merge(&mut definition, json!({ "metadata": short["metadata"], "spec": short["spec"] }));
    definition
}

/// Puts what `more` says into `value`, map by map; a null says nothing.
fn merge(value: &mut Value, more: Value) {
    match (value, more) {
        (_, Value::Null) => {}
        (Value::Object(map), Value::Object(more)) => {
            for (name, more) in more {
                merge(map.entry(name).or_insert(Value::Null), more);
            }
        }
        (value, more) => *value = more,
    }
}

/// The definitions of a topic, in whose group all its cases are.
pub fn definitions(words: &Words, short: &[Yaml]) -> Vec<Value> {
    short.iter().map(|short| definition(words.get("group"), &words.value(short))).collect()
}
