//! Which definitions are refused.

use serde_json::{Value, json};

use crate::field::FieldError;
use crate::metadata::names::{dns_1035_label, dns_subdomain};
use crate::object;
use crate::schema::pattern::Pattern;
use crate::schema::{Schema, Type, cel, validate as validate_value};

pub(crate) fn validate(definition: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    check_names(definition, &mut errors);
    check_versions(definition, &mut errors);
    if let Some(old) = old {
        check_update(definition, old, &mut errors);
    }
    errors
}

fn check_names(definition: &Value, errors: &mut Vec<FieldError>) {
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, plural, kind) = (text(&spec["group"]), text(&spec["names"]["plural"]), text(&spec["names"]["kind"]));
    let expected = format!("{plural}.{group}");
    if object::name(definition) != expected {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid("metadata.name", object::meta(definition, "name"), detail));
    }
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if let [detail, ..] = dns_subdomain(&group).as_slice() {
        errors.push(FieldError::invalid("spec.group", &json!(group), detail));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid("spec.group", &json!(group), "should be a domain with at least one dot"));
    }
    let scope = &spec["scope"];
    if scope.is_null() {
        errors.push(FieldError::required("spec.scope", ""));
    } else if *scope != json!("Cluster") && *scope != json!("Namespaced") {
        let supported = [json!("Cluster"), json!("Namespaced")];
        errors.push(FieldError::not_supported("spec.scope", scope, &supported));
    }
    for (field, value) in [("plural", &plural), ("kind", &kind)] {
        let path = format!("spec.names.{field}");
        if value.is_empty() {
            errors.push(FieldError::required(&path, ""));
        } else {
            let problems = dns_1035_label(&value.to_lowercase());
            errors.extend(problems.iter().map(|problem| FieldError::invalid(&path, &json!(value), problem)));
        }
    }
    if text(&spec["names"]["listKind"]) == kind && !kind.is_empty() {
        errors.push(FieldError::invalid("spec.names.listKind", &json!(kind), "kind and listKind may not be the same"));
    }
    if spec["conversion"]["strategy"] != json!("None") {
        let supported = [json!("None")];
        errors.push(FieldError::not_supported("spec.conversion.strategy", &spec["conversion"]["strategy"], &supported));
    }
    if spec["preserveUnknownFields"] == json!(true) {
        let detail = "must be false in order to use defaults in the schema";
        errors.push(FieldError::invalid("spec.preserveUnknownFields", &json!(true), detail));
    }
}

fn check_versions(definition: &Value, errors: &mut Vec<FieldError>) {
    let versions = definition["spec"]["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    if versions.is_empty() {
        errors.push(FieldError::required("spec.versions", ""));
        return;
    }
    let storage = versions.iter().filter(|version| version["storage"] == json!(true)).count();
    if storage != 1 {
        let detail = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid("spec.versions", &json!(versions), detail));
    }
    for (index, version) in versions.iter().enumerate() {
        let path = format!("spec.versions[{index}]");
        let name = version["name"].as_str().unwrap_or_default();
        let problems = dns_1035_label(name);
        errors.extend(
            problems.iter().map(|problem| FieldError::invalid(&format!("{path}.name"), &version["name"], problem)),
        );
        if versions[..index].iter().any(|other| other["name"] == version["name"]) {
            errors.push(FieldError::invalid(&format!("{path}.name"), &version["name"], "must be unique"));
        }
        let schema_path = format!("{path}.schema.openAPIV3Schema");
        match version["schema"].get("openAPIV3Schema") {
            Some(schema @ Value::Object(_)) => check_schema(schema, &schema_path, errors),
            _ => errors.push(FieldError::required(&schema_path, "schemas are required")),
        }
        check_subresources(version, &path, errors);
    }
}

fn check_subresources(version: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(scale) = version["subresources"].get("scale") else {
        return;
    };
    for (field, prefix) in [("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")] {
        let path = format!("{path}.subresources.scale.{field}");
        match scale[field].as_str().filter(|value| !value.is_empty()) {
            None => errors.push(FieldError::required(&path, "")),
            Some(value) if !value.starts_with(prefix) => {
                let detail = format!("should be a json path under {}", prefix.trim_end_matches('.'));
                errors.push(FieldError::invalid(&path, &json!(value), &detail));
            }
            Some(_) => {}
        }
    }
}

fn check_schema(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if schema["type"] != json!("object") {
        errors.push(FieldError::invalid(&format!("{path}.type"), &schema["type"], "must be object at the root"));
    }
    let metadata = &schema["properties"]["metadata"];
    if !metadata.is_null() {
        let allowed = |name: &String| matches!(name.as_str(), "name" | "generateName");
        let others = metadata["properties"].as_object().is_some_and(|fields| !fields.keys().all(allowed));
        if others {
            let detail =
                "must not specify anything other than name and generateName, but metadata is implicitly specified";
            errors.push(FieldError::forbidden(&format!("{path}.properties[metadata]"), detail));
        }
    }
    let patterns = count_patterns(schema);
    if patterns > MAX_PATTERNS {
        errors.push(FieldError::too_many(&format!("{path}.pattern"), patterns, MAX_PATTERNS as u64));
        return;
    }
    let before = errors.len();
    check_node(schema, path, true, errors);
    if errors.len() == before {
        errors.extend(cel::compile_errors(schema, path));
    }
}

/// The rules of structural schemas, for one node and all below it.
fn check_node(node: &Value, path: &str, root: bool, errors: &mut Vec<FieldError>) {
    let at = |field: &str| format!("{path}.{field}");
    let flag = |field: &str| node[field] == json!(true);
    let open = flag("x-kubernetes-int-or-string") || flag("x-kubernetes-preserve-unknown-fields");
    match node.get("type").and_then(Value::as_str).filter(|name| !name.is_empty()) {
        None if !open => {
            errors.push(FieldError::required(&at("type"), "must not be empty for specified object fields"));
        }
        Some(name) if Type::parse(name).is_none() => {
            let supported = ["array", "boolean", "integer", "number", "object", "string"].map(|name| json!(name));
            errors.push(FieldError::not_supported(&at("type"), &node["type"], &supported));
        }
        Some("array") if !node["items"].is_object() => {
            errors.push(FieldError::required(&at("items"), "must be specified"));
        }
        _ => {}
    }
    if node.get("$ref").is_some_and(|reference| !reference.is_null()) {
        errors.push(FieldError::forbidden(&at("$ref"), "$ref is not supported"));
    }
    if flag("uniqueItems") {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.push(FieldError::forbidden(&at("uniqueItems"), detail));
    }
    if node["additionalProperties"] == json!(false) {
        errors.push(FieldError::forbidden(&at("additionalProperties"), "additionalProperties cannot be set to false"));
    }
    if !node["additionalProperties"].is_null() && node["properties"].as_object().is_some_and(|all| !all.is_empty()) {
        errors.push(FieldError::forbidden(&at("additionalProperties"), "must not be used together with properties"));
    }
    check_pattern(node, path, errors);
    check_list(node, path, errors);
    check_default(node, path, root, errors);
    for (name, child) in node["properties"].as_object().into_iter().flatten() {
        // Metadata is checked by the server itself, and its schema may stay empty.
        if !(root && matches!(name.as_str(), "metadata" | "apiVersion" | "kind")) {
            check_node(child, &format!("{path}.properties[{name}]"), false, errors);
        }
    }
    for field in ["items", "additionalProperties"] {
        if node[field].is_object() {
            check_node(&node[field], &at(field), false, errors);
        }
    }
    for field in ["allOf", "anyOf", "oneOf"] {
        for (index, child) in node[field].as_array().into_iter().flatten().enumerate() {
            check_value_validation(
                child,
                &format!("{path}.{field}[{index}]"),
                flag("x-kubernetes-int-or-string"),
                errors,
            );
        }
    }
    if node["not"].is_object() {
        check_value_validation(&node["not"], &at("not"), flag("x-kubernetes-int-or-string"), errors);
    }
}

/// Inside of `allOf` and its like a structural schema only validates; it does not say what exists.
fn check_value_validation(node: &Value, path: &str, int_or_string: bool, errors: &mut Vec<FieldError>) {
    for field in ["type", "default", "additionalProperties", "nullable", "title", "description"] {
        let allowed = field == "type" && int_or_string;
        if node.get(field).is_some_and(|value| !value.is_null()) && !allowed {
            let detail = "must be empty to be structural";
            errors.push(FieldError::forbidden(&format!("{path}.{field}"), detail));
        }
    }
    check_pattern(node, path, errors);
    for (name, child) in node["properties"].as_object().into_iter().flatten() {
        check_value_validation(child, &format!("{path}.properties[{name}]"), int_or_string, errors);
    }
    for field in ["items", "not"] {
        if node[field].is_object() {
            check_value_validation(&node[field], &format!("{path}.{field}"), int_or_string, errors);
        }
    }
    for field in ["allOf", "anyOf", "oneOf"] {
        for (index, child) in node[field].as_array().into_iter().flatten().enumerate() {
            check_value_validation(child, &format!("{path}.{field}[{index}]"), int_or_string, errors);
        }
    }
}

/// Each pattern takes memory when it is compiled, far more than it has letters.
const MAX_PATTERNS: usize = 500;

fn count_patterns(node: &Value) -> usize {
    match node {
        Value::Object(map) => {
            let own = usize::from(map.get("pattern").is_some_and(Value::is_string));
            own + map.values().map(count_patterns).sum::<usize>()
        }
        Value::Array(list) => list.iter().map(count_patterns).sum(),
        _ => 0,
    }
}

fn check_pattern(node: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(pattern) = node["pattern"].as_str() else {
        return;
    };
    if let Err(error) = Pattern::parse(pattern) {
        let why = error.to_string();
        let detail =
            format!("must be a valid regular expression, but isn't: {}", why.lines().last().unwrap_or_default());
        errors.push(FieldError::invalid(&format!("{path}.pattern"), &node["pattern"], &detail));
    }
}

fn check_list(node: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let list_type = node["x-kubernetes-list-type"].as_str();
    let keys = node["x-kubernetes-list-map-keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let keys_path = format!("{path}.x-kubernetes-list-map-keys");
    match list_type {
        Some("map") if keys.is_empty() => {
            let detail = "must not be empty if x-kubernetes-list-type is map";
            errors.push(FieldError::required(&keys_path, detail));
        }
        Some("map") => {
            let required = node["items"]["required"].as_array().map(Vec::as_slice).unwrap_or_default();
            for key in keys {
                let field = &node["items"]["properties"][key.as_str().unwrap_or_default()];
                if field.is_null() {
                    let detail = "entries must all be names of item properties";
                    errors.push(FieldError::invalid(&keys_path, key, detail));
                } else if field.get("default").is_none() && !required.contains(key) {
                    let path = format!("{path}.items.properties[{}].default", key.as_str().unwrap_or_default());
                    let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required \
                                  property";
                    errors.push(FieldError::required(&path, detail));
                }
            }
        }
        _ if !keys.is_empty() => {
            errors.push(FieldError::forbidden(&keys_path, "must be empty if x-kubernetes-list-type is not map"));
        }
        Some("atomic" | "set") | None => {}
        Some(_) => {
            let supported = ["atomic", "map", "set"].map(|name| json!(name));
            let value = &node["x-kubernetes-list-type"];
            errors.push(FieldError::not_supported(&format!("{path}.x-kubernetes-list-type"), value, &supported));
        }
    }
    if list_type.is_some() && node["type"] != json!("array") {
        let detail = "must be array if x-kubernetes-list-type is specified";
        errors.push(FieldError::invalid(&format!("{path}.type"), &node["type"], detail));
    }
}

fn check_default(node: &Value, path: &str, root: bool, errors: &mut Vec<FieldError>) {
    let Some(default) = node.get("default").filter(|value| !value.is_null()) else {
        return;
    };
    let path = format!("{path}.default");
    if root {
        errors.push(FieldError::forbidden(&path, "must not be set at the root"));
        return;
    }
    let schema = Schema::parse(node);
    let mut pruned = default.clone();
    let mut unknown = Vec::new();
    crate::schema::prune(&mut pruned, &schema, "", false, &mut unknown);
    if !unknown.is_empty() {
        errors.push(FieldError::invalid(&path, default, "must not have unknown fields"));
    }
    crate::schema::apply_defaults(&mut pruned, &schema);
    for problem in validate_value(&pruned, None, &schema, "") {
        errors.push(FieldError::invalid(&path, default, &format!("must validate: {problem}")));
    }
}

fn check_update(definition: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    for field in ["group", "scope", "names.plural", "names.kind"] {
        let path = format!("spec.{field}");
        let (before, after) = (object::at_path(old, &path), object::at_path(definition, &path));
        if before != after {
            errors.push(FieldError::invalid(&path, after.unwrap_or(&Value::Null), "field is immutable"));
        }
    }
    let versions = definition["spec"]["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let stored = definition["status"]["storedVersions"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, stored) in stored.iter().enumerate() {
        if !versions.iter().any(|version| version["name"] == *stored) {
            let name = stored.as_str().unwrap_or_default();
            let detail = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until a \
                 storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
            );
            errors.push(FieldError::invalid(&format!("status.storedVersions[{index}]"), stored, &detail));
        }
    }
}
