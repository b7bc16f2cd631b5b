//! What the API itself says: the objects are put to one in memory, which only this process sees.

use std::collections::BTreeSet;

use hostwright_apiserver::{Config, Server};
use hostwright_crds::manifests;
use kube::Client;
use serde_json::{Value, json};

use super::super::cluster::{Refusal, answer};
use super::super::failure::Failure;
use super::super::manifests::faults;
use super::super::standalone;
use super::finding::Finding;
use super::object::{GROUP, Object};

const JSON: &str = "application/json";
const APPLY: &str = "application/apply-patch+yaml";

/// An API that knows the kinds.
pub(in super::super) struct Api {
    client: Client,
    definitions: Vec<Value>,
    /// Those that are there.
    namespaces: BTreeSet<String>,
}

impl Api {
    pub(in super::super) async fn start() -> Result<Self, Failure> {
        let client = Client::new(Server::new(Config::default()).router(), "default");
        standalone::lay(&client).await?;
        let definitions = manifests::all().into_iter().map(|definition| json!(definition)).collect();
        Ok(Self { client, definitions, namespaces: BTreeSet::from(["default".to_owned()]) })
    }

    /// What is wrong with an object, by the schema and the rules of its kind.
    pub(super) async fn check(&mut self, object: &Object) -> Result<Vec<Finding>, Failure> {
        let definition = match self.definition(object) {
            Ok(definition) => definition.clone(),
            Err(finding) => return Ok(vec![finding]),
        };
        let path = match self.path(&definition, object).await? {
            Ok(path) => path,
            Err(finding) => return Ok(vec![finding]),
        };
        // A strict reading ends at unknown fields, and another one does not see them.
        let mut found = Vec::new();
        for validation in ["Strict", "Ignore"] {
            let uri = format!("{path}?dryRun=All&fieldValidation={validation}");
            let Err(refusal) = self.post(&uri, &object.value).await? else { continue };
            for finding in explained(object, &definition, &refusal) {
                if !found.contains(&finding) {
                    found.push(finding);
                }
            }
        }
        Ok(found)
    }

    /// The object as it would be once it is applied over the one that is there, and everything that is wrong with that.
    pub(in super::super) async fn applied(
        &mut self,
        there: Option<&Value>,
        object: &Object,
    ) -> Result<Result<Value, Vec<String>>, Failure> {
        let definition = match self.definition(object) {
            Ok(definition) => definition.clone(),
            Err(finding) => return Ok(Err(vec![finding.to_string()])),
        };
        let path = match self.path(&definition, object).await? {
            Ok(path) => path,
            Err(finding) => return Ok(Err(vec![finding.to_string()])),
        };
        if let Some(there) = there {
            let metadata =
                ["name", "namespace", "labels", "annotations"].map(|key| (key, there["metadata"][key].clone()));
            let metadata: Value = metadata.into_iter().filter(|(_, value)| !value.is_null()).collect();
            let copy = json!({"apiVersion": there["apiVersion"], "kind": there["kind"], "metadata": metadata, "spec": there["spec"]});
            match self.send("POST", &path, JSON, &copy).await? {
                // An earlier file applied it already.
                Err(Refusal::Answered(status)) if status.code == 409 => {}
                Err(refusal) => {
                    let subject = object.subject();
                    return Ok(Err(vec![format!("{subject} in the cluster does not fit this release: {refusal}")]));
                }
                Ok(_) => {}
            }
        }
        let uri = format!("{path}/{}?fieldManager=hostwright&force=true&fieldValidation=Strict", object.name());
        let applied = self.send("PATCH", &uri, APPLY, &object.value).await?;
        let told = |refusal| explained(object, &definition, &refusal).iter().map(ToString::to_string).collect();
        Ok(applied.map_err(told))
    }

    fn definition(&self, object: &Object) -> Result<&Value, Finding> {
        let kind = object.kind();
        let versions: Vec<&str> = self.definitions.iter().flat_map(versions).filter_map(name).collect();
        let version = object.text("/apiVersion").rsplit('/').next().unwrap_or_default();
        if !versions.contains(&version) {
            let expected = versions.first().copied().unwrap_or_default();
            let message = format!("found {GROUP}/{version}, expected {GROUP}/{expected}");
            return Err(object.error("apiVersion", message));
        }
        let kinds: Vec<&str> = self.definitions.iter().filter_map(|it| it["spec"]["names"]["kind"].as_str()).collect();
        self.definitions.iter().find(|definition| definition["spec"]["names"]["kind"] == kind).ok_or_else(|| {
            let meant = did_you_mean(kind, kinds.iter().copied());
            object.error("kind", format!("found {kind}{meant}; {GROUP} has {}", kinds.join(", ")))
        })
    }

    /// Where the object would be created; its namespace is made.
    async fn path(&mut self, definition: &Value, object: &Object) -> Result<Result<String, Finding>, Failure> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let plural = text(&definition["spec"]["names"]["plural"]);
        let base = format!("/apis/{}", object.text("/apiVersion"));
        if definition["spec"]["scope"] != "Namespaced" {
            if !object.namespace().is_empty() {
                let message =
                    format!("found {}; a {} has no namespace, leave it out", object.namespace(), object.kind());
                return Ok(Err(object.error("metadata.namespace", message)));
            }
            return Ok(Ok(format!("{base}/{plural}")));
        }
        let namespace = if object.namespace().is_empty() { "default" } else { object.namespace() };
        if !self.namespaces.contains(namespace) {
            let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            match self.post("/api/v1/namespaces", &body).await? {
                Err(Refusal::Answered(status)) if status.code != 409 => {
                    return Ok(Err(object.error("metadata.namespace", status.message)));
                }
                _ => drop(self.namespaces.insert(namespace.to_owned())),
            }
        }
        Ok(Ok(format!("{base}/namespaces/{namespace}/{plural}")))
    }

    async fn post(&self, uri: &str, body: &Value) -> Result<Result<(), Refusal>, Failure> {
        Ok(self.send("POST", uri, JSON, body).await?.map(drop))
    }

    async fn send(&self, method: &str, uri: &str, form: &str, body: &Value) -> Result<Result<Value, Refusal>, Failure> {
        let request = http::Request::builder().method(method).uri(uri).header(http::header::CONTENT_TYPE, form);
        let request = request.body(body.to_string().into_bytes());
        let request = request.map_err(|error| Failure::failed(format!("cannot ask the embedded API: {error}")))?;
        match answer(self.client.request::<Value>(request)).await {
            Ok(object) => Ok(Ok(object)),
            Err(refusal @ Refusal::Answered(_)) => Ok(Err(refusal)),
            Err(Refusal::Unanswered(problem)) => Err(Failure::failed(format!("the embedded API failed: {problem}"))),
        }
    }
}

fn versions(definition: &Value) -> impl Iterator<Item = &Value> {
    definition["spec"]["versions"].as_array().into_iter().flatten()
}

fn name(version: &Value) -> Option<&str> {
    version["name"].as_str()
}

fn explained(object: &Object, definition: &Value, refusal: &Refusal) -> Vec<Finding> {
    let faults = faults::of(refusal);
    if faults.is_empty() {
        return vec![object.error("", refusal.to_string())];
    }
    let finding = |(field, what): &(String, String)| {
        if what == "unknown field" {
            return object.error_at_name(field, format!("unknown field{}", expected(definition, field)));
        }
        object.error(field, what)
    };
    faults.iter().map(finding).collect()
}

/// What could stand instead of an unknown field.
fn expected(definition: &Value, field: &str) -> String {
    let (parent, own) = field.rsplit_once('.').unwrap_or(("", field));
    let mut schema = versions(definition).next().map(|version| &version["schema"]["openAPIV3Schema"]);
    for part in parent.split('.').filter(|part| !part.is_empty()) {
        let (part, is_item) = part.split_once('[').map_or((part, false), |(part, _)| (part, true));
        schema = schema.map(|schema| match &schema["properties"][part] {
            Value::Null => &schema["additionalProperties"],
            found => found,
        });
        schema = schema.map(|schema| if is_item { &schema["items"] } else { schema });
    }
    let known: Vec<&str> = schema
        .and_then(|schema| schema["properties"].as_object())
        .into_iter()
        .flat_map(|properties| properties.keys().map(String::as_str))
        .collect();
    match did_you_mean(own, known.iter().copied()) {
        meant if !meant.is_empty() => meant,
        _ if known.is_empty() => "; leave it out".to_owned(),
        _ => format!("; expected one of {}", known.join(", ")),
    }
}

/// `, did you mean kind?` where a name is close, nothing otherwise: a typing error in four characters.
pub(super) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let distance = |other: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase());
    let near = known.map(|known| (distance(known), known)).min();
    let near = near.filter(|(distance, _)| *distance <= name.chars().count().div_ceil(4).max(1));
    near.map(|(_, known)| format!(", did you mean {known}?")).unwrap_or_default()
}
