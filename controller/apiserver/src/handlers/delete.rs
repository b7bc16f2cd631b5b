//! `delete` and `deletecollection`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Call;
use crate::builtin::{DEFINITIONS, NAMESPACES};
use crate::decode;
use crate::field::FieldError;
use crate::garbage::{self, Deletion, Propagation};
use crate::namespace;
use crate::object;
use crate::query::Selection;
use crate::request::check_dry_run;
use crate::response::{Answer, Content};
use crate::state::State;
use crate::status::ApiError;
use crate::store::{Key, Stored};

struct Options {
    dry_run: bool,
    propagation: Propagation,
    uid: Option<String>,
    resource_version: Option<String>,
}

pub(super) fn delete(call: &Call) -> Result<Answer, ApiError> {
    let options = options(call)?;
    let mut state = call.write()?;
    let key = call.key();
    let Some(stored) = state.store.value(&call.resource.table, &key) else {
        return Err(call.not_found());
    };
    if call.resource.table == NAMESPACES {
        namespace::may_delete(call.name())?;
    }
    check_preconditions(call, &stored, &options)?;
    if options.dry_run {
        let now = call.shared.clock.seconds();
        let marked = garbage::marked(&stored, &call.resource.table, options.propagation, &now);
        return Ok(Answer::ok(marked.unwrap_or_else(|| success(call, &stored))));
    }
    Ok(Answer::ok(delete_one(call, &mut state, &key, &stored, &options)))
}

fn delete_one(call: &Call, state: &mut State, key: &Key, stored: &Value, options: &Options) -> Content {
    let now = call.shared.clock.seconds();
    let table = &call.resource.table;
    let deletion = garbage::delete(state, table, key, options.propagation, &now);
    let answer = match deletion {
        Some(Deletion::Marked(marked)) => marked.into(),
        _ => success(call, stored).into(),
    };
    garbage::settle(state, &now);
    if table == DEFINITIONS {
        garbage::remove_definition_if_empty(state, &key.1);
        garbage::settle(state, &now);
    }
    answer
}

pub(super) fn delete_collection(call: &Call) -> Result<Answer, ApiError> {
    let options = options(call)?;
    let selection = Selection::parse(&call.resource, call.path.namespace.as_deref(), None, &call.parameters)?;
    let mut state = call.write()?;
    let objects = state.store.objects(&call.resource.table).map(|(_, stored)| stored);
    let chosen: Vec<Arc<Stored>> =
        objects.filter(|stored| selection.selects(&call.resource, stored)).cloned().collect();
    for stored in chosen.iter().filter(|_| !options.dry_run) {
        if call.resource.table == NAMESPACES && namespace::may_delete(&stored.key().1).is_err() {
            continue;
        }
        delete_one(call, &mut state, stored.key(), &stored.value(), &options);
    }
    let mut metadata = json!({ "resourceVersion": state.store.revision().to_string() });
    if call.resource.is_custom() {
        metadata["continue"] = json!("");
    }
    Ok(Answer::ok(Content::List(metadata, chosen)))
}

fn success(call: &Call, stored: &Value) -> Value {
    let mut details = call.resource.subject().details(object::name(stored));
    details["uid"] = object::meta(stored, "uid").clone();
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}

/// Options come in the body or, where there is none, as parameters.
fn options(call: &Call) -> Result<Options, ApiError> {
    let given = if call.body.is_empty() { from_parameters(call) } else { from_body(call)? };
    let text = |name: &str| given[name].as_str().map(ToOwned::to_owned);
    let (policy, orphan) = (text("propagationPolicy"), given["orphanDependents"].as_bool());
    let mut errors = Vec::new();
    if let (Some(policy), Some(_)) = (&policy, orphan) {
        let detail = "orphanDependents and deletionPropagation cannot be both set";
        errors.push(FieldError::invalid("propagationPolicy", &json!(policy), detail));
    }
    let propagation = match policy.as_deref() {
        None if orphan == Some(true) => Propagation::Orphan,
        None if orphan == Some(false) => Propagation::Foreground,
        None | Some("Background") => Propagation::Background,
        Some("Foreground") => Propagation::Foreground,
        Some("Orphan") => Propagation::Orphan,
        Some(other) => {
            let supported = ["Foreground".into(), "Background".into(), "Orphan".into(), "nil".into()];
            errors.push(FieldError::not_supported("propagationPolicy", &other.into(), &supported));
            Propagation::Background
        }
    };
    let dry_run: Vec<&str> = given["dryRun"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    errors.extend(check_dry_run(&dry_run));
    if !errors.is_empty() {
        return Err(ApiError::invalid_options("DeleteOptions", &errors));
    }
    let condition = |name: &str| given["preconditions"][name].as_str().map(ToOwned::to_owned);
    let dry_run = !dry_run.is_empty();
    Ok(Options { dry_run, propagation, uid: condition("uid"), resource_version: condition("resourceVersion") })
}

fn from_parameters(call: &Call) -> Value {
    let mut options = json!({ "dryRun": call.parameters.all("dryRun") });
    if let Some(policy) = call.parameters.get("propagationPolicy") {
        options["propagationPolicy"] = json!(policy);
    }
    if call.parameters.get("orphanDependents").is_some() {
        options["orphanDependents"] = json!(call.parameters.flag("orphanDependents"));
    }
    options
}

fn from_body(call: &Call) -> Result<Value, ApiError> {
    let body = decode::body(&call.body, decode::media(&call.content_type)?).map_err(|error| {
        ApiError::bad_request(format!("couldn't get version/kind; json parse error: {}", error.message))
    })?;
    let text = |name: &str| body.value.get(name).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    if !matches!(kind, "" | "DeleteOptions") {
        let scheme = "pkg/runtime/scheme.go:111";
        let message = format!("no kind {kind:?} is registered for version {version:?} in scheme {scheme:?}");
        return Err(ApiError::bad_request(message));
    }
    Ok(body.value)
}

fn check_preconditions(call: &Call, stored: &Value, options: &Options) -> Result<(), ApiError> {
    let refused = |why: String| Err(ApiError::conflict(call.resource.kind_subject(), call.name(), &why));
    let found = object::meta_str(stored, "uid");
    if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != found) {
        return refused(format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({found}). The object might have been deleted \
             and then recreated"
        ));
    }
    let found = object::meta_str(stored, "resourceVersion");
    if let Some(version) = options.resource_version.as_deref().filter(|version| *version != found) {
        return refused(format!(
            "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({found}). The \
             object might have been modified"
        ));
    }
    Ok(())
}
