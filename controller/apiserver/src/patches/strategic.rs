//! Strategic merge patches: like a JSON merge patch, but some lists are merged item by item, and the patch may say in which
//! order they end up (`k8s.io/apimachinery/pkg/util/strategicpatch`).

use serde_json::{Map, Value};

use crate::object::as_map;
use crate::schema::Schema;
use crate::status::ApiError;

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const SET_ORDER: &str = "$setElementOrder/";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";

/// Applies a strategic merge patch.
pub(crate) fn merge(old: &Value, patch: &Map<String, Value>, schema: &Schema) -> Result<Value, ApiError> {
    let mut new = old.clone();
    merge_map(&mut new, patch.clone(), Some(schema), "")?;
    Ok(new)
}

/// How the lists at a place are merged.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Lists {
    /// A list takes the place of the other.
    Replace,
    /// Texts are added that are not there yet.
    Union,
    /// Items with the same value under this key are one item.
    ByKey(String),
}

/// Metadata is part of every kind; of the rest the schema tells.
fn lists_at(place: &str, schema: Option<&Schema>) -> Lists {
    match place {
        ".metadata.ownerReferences" => Lists::ByKey("uid".to_owned()),
        ".metadata.finalizers" => Lists::Union,
        _ => schema.and_then(|schema| schema.patch_merge_key.clone()).map_or(Lists::Replace, Lists::ByKey),
    }
}

fn bad_format(of: &str) -> ApiError {
    ApiError::bad_request(format!("invalid patch format of {of}"))
}

fn plain(message: String) -> ApiError {
    ApiError::new(500, "", message)
}

fn merge_map(
    target: &mut Value,
    mut patch: Map<String, Value>,
    schema: Option<&Schema>,
    place: &str,
) -> Result<(), ApiError> {
    if let Some(directive) = patch.remove(DIRECTIVE) {
        match directive.as_str() {
            Some("replace") => *target = Value::Object(patch),
            Some("delete") => *target = Value::Object(Map::new()),
            _ => {
                let shown = directive.as_str().unwrap_or_default();
                return Err(plain(format!("unknown patch type: {shown} in map: map[$patch:{shown}]")));
            }
        }
        return Ok(());
    }
    let map = as_map(target);
    retain_keys(map, &mut patch)?;
    let orders: Vec<String> = patch.keys().filter_map(|name| name.strip_prefix(SET_ORDER)).map(str::to_owned).collect();
    for name in orders {
        let field = schema.and_then(|schema| schema.field(&name));
        order_list(map, &mut patch, &name, field, &format!("{place}.{name}"))?;
    }
    for (name, change) in patch {
        if let Some(name) = name.strip_prefix(DELETE_FROM) {
            let gone = change.as_array().ok_or_else(|| bad_format("primitive list"))?;
            if let Some(list) = map.get_mut(name).and_then(Value::as_array_mut) {
                check_length(list, gone)?;
                list.retain(|item| !gone.contains(item));
            }
            continue;
        }
        let place = format!("{place}.{name}");
        let field = schema.and_then(|schema| schema.field(&name));
        match (map.get_mut(&name), change) {
            (_, Value::Null) => {
                map.remove(&name);
            }
            (Some(old @ Value::Object(_)), Value::Object(change)) => merge_map(old, change, field, &place)?,
            (Some(Value::Array(list)), Value::Array(change)) => {
                *list = merge_lists(list, change, field, &place)?;
            }
            (_, change) => {
                if let Some(value) = without_directives(change) {
                    map.insert(name, value);
                } else {
                    map.remove(&name);
                }
            }
        }
    }
    Ok(())
}

fn retain_keys(map: &mut Map<String, Value>, patch: &mut Map<String, Value>) -> Result<(), ApiError> {
    let Some(kept) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let kept = kept.as_array().ok_or_else(|| bad_format("retainKeys"))?;
    let is_kept = |name: &String| kept.iter().any(|one| one == name);
    let is_directive = |name: &str| name.starts_with(SET_ORDER) || name.starts_with(DELETE_FROM);
    if patch.iter().any(|(name, value)| !value.is_null() && !is_directive(name) && !is_kept(name)) {
        return Err(bad_format("retainKeys"));
    }
    map.retain(|name, _| is_kept(name));
    Ok(())
}

/// What is new, without the items that only say what to remove.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(DIRECTIVE) => None,
        Value::Object(map) => {
            let kept = map.into_iter().filter(|(_, value)| !value.is_null());
            Some(Value::Object(kept.filter_map(|(name, value)| Some((name, without_directives(value)?))).collect()))
        }
        Value::Array(list) => Some(list.into_iter().filter_map(without_directives).collect()),
        other => Some(other),
    }
}

/// Merges a list together with the order the patch asks for.
fn order_list(
    map: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    name: &str,
    schema: Option<&Schema>,
    place: &str,
) -> Result<(), ApiError> {
    let order = patch.remove(&format!("{SET_ORDER}{name}")).unwrap_or_default();
    let order = order.as_array().ok_or_else(|| bad_format("setElementOrder list"))?;
    let as_list = |value: &Value| value.as_array().cloned().ok_or_else(|| bad_format("setElementOrder list"));
    let old = map.get(name).map(as_list).transpose()?;
    let change = patch.remove(name).as_ref().map(as_list).transpose()?;
    let kind = lists_at(place, schema);
    check_order(change.as_deref().unwrap_or_default(), order, &kind)?;
    let merged = match (&old, change) {
        (None, None) => return Ok(()),
        (Some(old), None) => old.clone(),
        (None, Some(change)) => change.into_iter().filter_map(without_directives).collect(),
        (Some(old), Some(change)) => merge_lists(old, change, schema, place)?,
    };
    let ordered = in_order(merged, order, &old.unwrap_or_default(), &kind);
    map.insert(name.to_owned(), Value::Array(ordered));
    Ok(())
}

/// The patch may not contradict the order it asks for.
fn check_order(change: &[Value], order: &[Value], kind: &Lists) -> Result<(), ApiError> {
    if order.is_empty() {
        return Ok(());
    }
    let mut rest = order.iter();
    let stays = change.iter().filter(|item| item.get(DIRECTIVE).is_none());
    for item in stays {
        if !rest.any(|one| is_same(one, item, kind)) {
            let shown = |list: &[Value]| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            let (change, order) = (shown(change), shown(order));
            return Err(plain(format!(
                "The order in patch list:\n[{change}]\n doesn't match $setElementOrder list:\n[{order}]\n"
            )));
        }
    }
    Ok(())
}

fn is_same(a: &Value, b: &Value, kind: &Lists) -> bool {
    match kind {
        Lists::ByKey(key) => a.get(key).is_some() && a.get(key) == b.get(key),
        _ => a == b,
    }
}

/// Each item is compared with every other: lists of core kinds are short, and much longer ones would take very long.
const MAX_ITEMS: usize = 1_000;

fn check_length(old: &[Value], change: &[Value]) -> Result<(), ApiError> {
    let longest = old.len().max(change.len());
    if longest <= MAX_ITEMS {
        return Ok(());
    }
    let why = format!("a list of {longest} items is too long for a strategic merge patch: the limit is {MAX_ITEMS}");
    Err(ApiError::bad_request(format!("{why}; use a JSON merge patch, which replaces the list")))
}

fn merge_lists(
    old: &[Value],
    change: Vec<Value>,
    schema: Option<&Schema>,
    place: &str,
) -> Result<Vec<Value>, ApiError> {
    let kind = lists_at(place, schema);
    if !matches!(kind, Lists::Replace) {
        check_length(old, &change)?;
    }
    let mut merged = old.to_vec();
    let order: Vec<Value> = match &kind {
        Lists::Replace => return Ok(change),
        Lists::Union => {
            for item in &change {
                if !merged.contains(item) {
                    merged.push(item.clone());
                }
            }
            change
        }
        Lists::ByKey(key) => {
            let has_key = |item: &Value| item.get(key).is_some();
            if let Some(item) =
                change.iter().find(|item| !has_key(item) && item.get(DIRECTIVE) != Some(&"replace".into()))
            {
                return Err(plain(format!("map: {} does not contain declared merge key: {key}", printed(item))));
            }
            let (special, plain): (Vec<Value>, Vec<Value>) =
                change.into_iter().partition(|item| item.get(DIRECTIVE).is_some());
            if special.iter().any(|item| item[DIRECTIVE] == "replace") {
                return Ok(plain);
            }
            let is_gone = |item: &Value, gone: &Value| gone[DIRECTIVE] == "delete" && is_same(item, gone, &kind);
            merged.retain(|item| !special.iter().any(|gone| is_gone(item, gone)));
            merge_items(&mut merged, &plain, schema, &kind, place)?;
            plain
        }
    };
    Ok(in_order(merged, &order, old, &kind))
}

fn merge_items(
    merged: &mut Vec<Value>,
    change: &[Value],
    schema: Option<&Schema>,
    kind: &Lists,
    place: &str,
) -> Result<(), ApiError> {
    let items = schema.and_then(|schema| schema.items.as_deref());
    for item in change {
        match (merged.iter_mut().find(|old| is_same(old, item, kind)), item) {
            (Some(old), Value::Object(fields)) => merge_map(old, fields.clone(), items, place)?,
            _ => merged.push(item.clone()),
        }
    }
    Ok(())
}

/// The items of the patch in its order, the others in the order they had; between the two kinds the old order decides where
/// it can.
fn in_order(merged: Vec<Value>, order: &[Value], old: &[Value], kind: &Lists) -> Vec<Value> {
    let place = |list: &[Value], item: &Value| list.iter().position(|one| is_same(one, item, kind));
    let (mut named, mut others): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|item| place(order, item).is_some());
    named.sort_by_key(|item| place(order, item));
    others.sort_by_key(|item| place(old, item));
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    let mut all = Vec::new();
    while let (Some(one), Some(other)) = (named.peek(), others.peek()) {
        let other_first = matches!((place(old, other), place(old, one)), (Some(other), Some(one)) if other < one);
        all.extend(if other_first { others.next() } else { named.next() });
    }
    all.extend(named);
    all.extend(others);
    all
}

fn printed(item: &Value) -> String {
    let fields = item.as_object().into_iter().flatten();
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let entries: Vec<String> = fields.map(|(name, value)| format!("{name}:{}", plain(value))).collect();
    format!("map[{}]", entries.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(old: &Value, patch: &Value) -> Value {
        let schema = Schema::parse(&json!({
            "type": "object",
            "properties": {
                "conditions": { "type": "array", "x-kubernetes-patch-merge-key": "type", "items": { "type": "object" } },
                "plain": { "type": "array", "items": { "type": "string" } },
            },
        }));
        merge(old, patch.as_object().unwrap(), &schema).unwrap()
    }

    #[test]
    fn keyed_lists_are_merged_and_others_replaced() {
        let old = json!({ "conditions": [{ "type": "A", "x": 1 }, { "type": "B" }], "plain": ["a"] });
        let patch =
            json!({ "conditions": [{ "type": "A", "y": 2 }, { "type": "B", "$patch": "delete" }], "plain": ["b"] });
        assert_eq!(merged(&old, &patch), json!({ "conditions": [{ "type": "A", "x": 1, "y": 2 }], "plain": ["b"] }));
    }

    #[test]
    fn finalizers_are_added_to_and_taken_from_a_set() {
        let old = json!({ "metadata": { "finalizers": ["a", "b"] } });
        let patch = json!({ "metadata": { "finalizers": ["c"] } });
        assert_eq!(merged(&old, &patch), json!({ "metadata": { "finalizers": ["c", "a", "b"] } }));
        let patch = json!({ "metadata": { "$deleteFromPrimitiveList/finalizers": ["a"] } });
        assert_eq!(merged(&old, &patch), json!({ "metadata": { "finalizers": ["b"] } }));
    }

    #[test]
    fn a_patch_says_in_which_order_items_end_up() {
        let old = json!({ "conditions": [{ "type": "A" }, { "type": "B" }, { "type": "C" }] });
        let patch = json!({
            "conditions": [{ "type": "N" }],
            "$setElementOrder/conditions": [{ "type": "C" }, { "type": "N" }, { "type": "A" }],
        });
        let expected = json!({ "conditions": [{ "type": "B" }, { "type": "C" }, { "type": "N" }, { "type": "A" }] });
        assert_eq!(merged(&old, &patch), expected);
    }

    #[test]
    fn a_map_can_be_replaced_and_emptied() {
        let old = json!({ "data": { "a": "1" } });
        assert_eq!(
            merged(&old, &json!({ "data": { "$patch": "replace", "b": "2" } })),
            json!({ "data": { "b": "2" } })
        );
        assert_eq!(merged(&old, &json!({ "data": { "$patch": "delete" } })), json!({ "data": {} }));
        assert_eq!(merged(&json!({}), &json!({ "data": { "$patch": "delete" } })), json!({}));
    }
}
