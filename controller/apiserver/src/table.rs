//! The forms in which objects are shown: as they are, as a table, or only their metadata.

use axum::body::Body;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::handlers::Call;
use crate::object;
use crate::request::Parameters;
use crate::resource::Resource;
use crate::response::Content;
use crate::status::ApiError;

/// How much of an object a table row carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Include {
    Nothing,
    Metadata,
    Object,
}

#[derive(Debug, Clone)]
enum Form {
    Plain,
    Metadata,
    Table { include: Include, headless: bool },
}

/// The form a client asked for in its `Accept` header.
#[derive(Debug, Clone)]
pub(crate) struct View {
    form: Form,
    version: String,
}

impl View {
    /// The first form in the header that is on offer.
    pub(crate) fn negotiate(call: &Call) -> Result<Self, ApiError> {
        Self::parse(&call.accept, &call.parameters)
    }

    fn parse(accept: &str, parameters: &Parameters) -> Result<Self, ApiError> {
        let include = match parameters.get("includeObject") {
            None | Some("Metadata") => Include::Metadata,
            Some("None") => Include::Nothing,
            Some("Object") => Include::Object,
            Some(other) => {
                return Err(ApiError::bad_request(format!(
                    "Unable to convert to Table as requested: includeObject: Invalid value: \"{other}\": must be 'Metadata', 'Object', 'None', or empty"
                )));
            }
        };
        for range in accept.split(',').map(str::trim).filter(|range| !range.is_empty()) {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            if !matches!(media, "application/json" | "application/*" | "*/*") {
                continue;
            }
            let mut form = Some(Form::Plain);
            let mut version = "v1".to_owned();
            for (name, value) in parts.filter_map(|part| part.split_once('=')) {
                match (name, value) {
                    ("as", "Table") => {
                        form = Some(Form::Table { include, headless: false });
                    }
                    ("as", "PartialObjectMetadata" | "PartialObjectMetadataList") => form = Some(Form::Metadata),
                    ("as", _) => form = None,
                    ("v", value) => value.clone_into(&mut version),
                    _ => {}
                }
            }
            if let Some(form) = form {
                return Ok(Self { form, version });
            }
        }
        if accept.trim().is_empty() {
            return Ok(Self { form: Form::Plain, version: String::new() });
        }
        let message = "only the following media types are accepted: application/json";
        Err(ApiError::new(406, "NotAcceptable", message))
    }

    /// Whether objects are shown as they are.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.form, Form::Plain)
    }

    /// An object of a watch. Only the first table of a watch names its columns.
    pub(crate) fn of_event(&mut self, resource: &Resource, value: Value, now: Timestamp) -> Value {
        let shown = self.apply(resource, value, now);
        if let Form::Table { headless, .. } = &mut self.form {
            *headless = true;
        }
        shown
    }

    fn apply(&self, resource: &Resource, value: Value, now: Timestamp) -> Value {
        match &self.form {
            Form::Plain => value,
            Form::Metadata => match value.get("items") {
                Some(items) => {
                    let items: Vec<Value> =
                        items.as_array().into_iter().flatten().map(|item| self.partial(item)).collect();
                    json!({
                        "kind": "PartialObjectMetadataList", "apiVersion": self.api_version(),
                        // Go writes a list that was never added to as null.
                        "metadata": metadata_of_list(&value), "items": if items.is_empty() { Value::Null } else { json!(items) },
                    })
                }
                None => self.partial(&value),
            },
            Form::Table { include, headless } => self.table(resource, &value, *include, *headless, now),
        }
    }

    fn api_version(&self) -> String {
        format!("meta.k8s.io/{}", self.version)
    }

    fn partial(&self, object: &Value) -> Value {
        json!({ "kind": "PartialObjectMetadata", "apiVersion": self.api_version(), "metadata": object["metadata"] })
    }

    fn table(&self, resource: &Resource, value: &Value, include: Include, headless: bool, now: Timestamp) -> Value {
        let row = |object: &Value| {
            let cells: Vec<Value> = resource.columns.iter().map(|column| column.cell(object, now)).collect();
            let mut row = json!({ "cells": cells });
            match include {
                Include::Nothing => row["object"] = Value::Null,
                Include::Metadata => row["object"] = self.partial(object),
                Include::Object => {
                    row["object"] = object.clone();
                    row["object"]["kind"] = json!(resource.kind);
                    row["object"]["apiVersion"] = json!(resource.api_version());
                }
            }
            row
        };
        let (rows, metadata): (Vec<Value>, Value) = match value.get("items").and_then(Value::as_array) {
            Some(items) if value["kind"] == json!(resource.list_kind) => {
                (items.iter().map(row).collect(), metadata_of_list(value))
            }
            _ => (vec![row(value)], json!({ "resourceVersion": object::meta(value, "resourceVersion") })),
        };
        let columns: Vec<Value> = resource.columns.iter().map(crate::column::Column::definition).collect();
        json!({
            "kind": "Table", "apiVersion": self.api_version(), "metadata": metadata,
            "columnDefinitions": if headless { json!([]) } else { json!(columns) }, "rows": rows,
        })
    }
}

/// Go leaves out the token of a last page here, and not in a list of custom resources.
fn metadata_of_list(list: &Value) -> Value {
    let mut metadata = list["metadata"].clone();
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.retain(|_, value| value != "");
    }
    metadata
}

/// A successful answer in the form the client asked for. A `Status` or a `Scale` has only one form.
pub(crate) fn negotiate(call: &Call, content: Content) -> Result<Body, ApiError> {
    let view = View::negotiate(call)?;
    if view.is_plain() {
        return Ok(content.into_body(&call.resource));
    }
    let mut body = content.into_value(&call.resource);
    let kind = body["kind"].as_str().unwrap_or_default();
    if kind == call.resource.kind || kind == call.resource.list_kind {
        body = view.apply(&call.resource, body, call.shared.clock.now());
    }
    Ok(Body::from(body.to_string()))
}

/// A bookmark in the form of the watch.
pub(crate) fn bookmark(view: &View, object: Value) -> Value {
    match &view.form {
        Form::Plain => object,
        Form::Metadata => view.partial(&object),
        Form::Table { .. } => json!({
            "kind": "Table", "apiVersion": view.api_version(), "columnDefinitions": [],
            "metadata": { "resourceVersion": object["metadata"]["resourceVersion"] },
            "rows": [{ "cells": [], "object": view.partial(&object) }],
        }),
    }
}
