//! The `scale` subresource: a view on two numbers of an object.

use serde_json::{Value, json};

use crate::field::FieldError;
use crate::managed::printed;
use crate::object;

/// Where the numbers are.
#[derive(Debug, Clone)]
pub(crate) struct Scale {
    pub(crate) spec_replicas: String,
    pub(crate) status_replicas: String,
    pub(crate) label_selector: Option<String>,
}

/// A value of another type than expected: what it is, and what was expected.
struct Mismatch(String);

impl Scale {
    /// The object of `autoscaling/v1` that stands for the object.
    pub(crate) fn of(&self, object: &Value) -> Value {
        let mut metadata = json!({});
        for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            object::set_field(&mut metadata, field, object["metadata"].get(field).cloned());
        }
        let replicas = |path: &str| object::at_path(object, path).and_then(Value::as_i64).unwrap_or(0);
        let mut status = json!({ "replicas": replicas(&self.status_replicas) });
        let selector = self.label_selector.as_deref().and_then(|path| object::at_path(object, path));
        if let Some(selector) = selector.filter(|selector| selector.is_string()) {
            status["selector"] = selector.clone();
        }
        json!({
            "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
            "spec": { "replicas": replicas(&self.spec_replicas) }, "status": status,
        })
    }

    pub(crate) fn spec_problems(&self, object: &Value) -> Option<FieldError> {
        number_problem(object, &self.spec_replicas)
    }

    pub(crate) fn status_problems(&self, object: &Value) -> Vec<FieldError> {
        let mut errors: Vec<FieldError> = number_problem(object, &self.status_replicas).into_iter().collect();
        if let Some(path) = &self.label_selector
            && let Err(Mismatch(why)) = nested(object, path, "string")
        {
            errors.push(FieldError::invalid(path, &json!(""), &why));
        }
        errors
    }
}

fn number_problem(object: &Value, path: &str) -> Option<FieldError> {
    let found = match nested(object, path, "int64") {
        Err(Mismatch(why)) => return Some(FieldError::invalid(path, &json!(0), &why)),
        Ok(found) => found?.as_i64()?,
    };
    let detail = match found {
        ..0 => "should be a non-negative integer".to_owned(),
        0..=0x7fff_ffff => return None,
        _ => format!("should be less than or equal to {}", i32::MAX),
    };
    Some(FieldError::invalid(path, &json!(found), &detail))
}

/// The value at a path, which has to be of this type, below maps.
fn nested<'a>(object: &'a Value, path: &str, wanted: &str) -> Result<Option<&'a Value>, Mismatch> {
    let mut at = object;
    let mut seen = String::new();
    let mismatch = |seen: &str, found: &Value, wanted: &str| {
        Mismatch(format!(
            "{seen} accessor error: {} is of the type {}, expected {wanted}",
            printed(found),
            go_type(found)
        ))
    };
    for part in path.split('.').filter(|part| !part.is_empty()) {
        if at.is_null() {
            return Ok(None);
        }
        let Some(map) = at.as_object() else {
            return Err(mismatch(path, at, "map[string]interface{}"));
        };
        let Some(next) = map.get(part) else { return Ok(None) };
        seen = format!("{seen}.{part}");
        at = next;
    }
    let fits = if wanted == "int64" { at.is_i64() } else { at.is_string() };
    if fits { Ok(Some(at)) } else { Err(mismatch(&seen, at, wanted)) }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}
