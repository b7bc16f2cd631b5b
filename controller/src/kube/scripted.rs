//! A few lines of API server for the tests of this folder: versions, UIDs, and answers that go wrong on cue.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use kube::Client;
use serde_json::{Value, json};

/// What goes wrong with a request.
pub enum Trouble {
    /// Refused with this code; nothing is stored.
    Refuse(u16),
    /// Never answered; nothing is stored.
    Hang,
    /// Stored, but answered with this code.
    LoseAnswer(u16),
    /// Something else happens first.
    Before(Box<dyn FnOnce(&mut Objects) + Send>),
}

/// Objects by the path of their URL.
#[derive(Default)]
pub struct Objects {
    pub by_path: BTreeMap<String, Value>,
    version: u64,
}

#[derive(Clone, Default)]
pub struct Scripted(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    objects: Objects,
    trouble: Vec<(Method, Trouble)>,
    requests: Vec<(Method, Uri, Value)>,
}

impl Scripted {
    pub fn client(&self) -> Client {
        Client::new(Router::new().fallback(serve).with_state(self.clone()), "default")
    }

    /// Stores an object as it is, under a new version.
    pub fn put(&self, path: &str, object: Value) -> Value {
        self.0.lock().unwrap().objects.store(path, object)
    }

    pub fn get(&self, path: &str) -> Option<Value> {
        self.0.lock().unwrap().objects.by_path.get(path).cloned()
    }

    pub fn delete(&self, path: &str) {
        self.0.lock().unwrap().objects.by_path.remove(path);
    }

    /// The next requests of this method meet trouble, in this order.
    pub fn trouble(&self, method: &Method, trouble: impl IntoIterator<Item = Trouble>) {
        let trouble = trouble.into_iter().map(|trouble| (method.clone(), trouble));
        self.0.lock().unwrap().trouble.extend(trouble);
    }

    /// Everything that was asked with this method.
    pub fn requests(&self, method: &Method) -> Vec<(Uri, Value)> {
        let requests = &self.0.lock().unwrap().requests;
        requests
            .iter()
            .filter(|(known, ..)| known == method)
            .map(|(_, uri, body)| (uri.clone(), body.clone()))
            .collect()
    }
}

impl Objects {
    pub fn store(&mut self, path: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = json!(format!("uid-{}", self.version));
        }
        let gone = !object["metadata"]["deletionTimestamp"].is_null() && object["metadata"]["finalizers"] == json!([]);
        if gone {
            self.by_path.remove(path);
        } else {
            self.by_path.insert(path.to_owned(), object.clone());
        }
        object
    }

    fn answer(&mut self, method: &Method, uri: &Uri, body: Value) -> Result<Value, u16> {
        let path = uri.path().trim_end_matches("/status");
        if *method == Method::POST {
            let path = format!("{path}/{}", body["metadata"]["name"].as_str().unwrap());
            return if self.by_path.contains_key(&path) { Err(409) } else { Ok(self.store(&path, body)) };
        }
        let stored = self.by_path.get(path).ok_or(404_u16)?.clone();
        if *method == Method::GET {
            return Ok(stored);
        }
        for fence in ["uid", "resourceVersion"] {
            let expected = &body["metadata"][fence];
            if !expected.is_null() && *expected != stored["metadata"][fence] {
                return Err(409);
            }
        }
        let mut next = stored.clone();
        if *method == Method::PATCH {
            merge(&mut next, body);
        } else {
            next = body;
        }
        if uri.path().ends_with("/status") {
            next = stored.as_object().cloned().map(|kept| merged(kept, "status", &next)).unwrap();
        }
        Ok(self.store(path, next))
    }
}

fn merged(mut object: serde_json::Map<String, Value>, key: &str, from: &Value) -> Value {
    object.insert(key.to_owned(), from[key].clone());
    Value::Object(object)
}

/// RFC 7396.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(&key);
        } else {
            merge(&mut target[key], value);
        }
    }
}

async fn serve(State(server): State<Scripted>, method: Method, uri: Uri, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let trouble = {
        let mut script = server.0.lock().unwrap();
        script.requests.push((method.clone(), uri.clone(), body.clone()));
        let next = script.trouble.iter().position(|(known, _)| *known == method);
        next.map(|next| script.trouble.remove(next).1)
    };
    let mut code = None;
    match trouble {
        Some(Trouble::Refuse(refused)) => return failure(refused),
        Some(Trouble::Hang) => return std::future::pending().await,
        Some(Trouble::LoseAnswer(lost)) => code = Some(lost),
        Some(Trouble::Before(happening)) => happening(&mut server.0.lock().unwrap().objects),
        None => {}
    }
    let answer = server.0.lock().unwrap().objects.answer(&method, &uri, body);
    match (code, answer) {
        (Some(code), _) | (None, Err(code)) => failure(code),
        (None, Ok(object)) => object.to_string().into_response(),
    }
}

fn failure(code: u16) -> Response {
    let reason = if code == 404 { "NotFound" } else { "Scripted" };
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "code": code, "reason": reason, "message": format!("answered {code}")});
    (StatusCode::from_u16(code).unwrap(), status.to_string()).into_response()
}
