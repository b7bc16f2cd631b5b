//! Reading the protobuf bodies that kubectl sends for kinds it has compiled in (`kubectl create secret`, `auth can-i`).
//!
//! Answers are always JSON, which every such client accepts. Field numbers are those of the `generated.proto` files in
//! `k8s.io/api` and `k8s.io/apimachinery`; fields that are not listed are ignored, as protobuf asks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::status::ApiError;

pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// What every body begins with.
const MAGIC: &[u8] = b"k8s\0";
/// More nesting than any message has.
const MAX_DEPTH: usize = 16;

enum Type {
    Text,
    Bytes,
    Bool,
    Number,
    Time,
    Texts,
    TextMap,
    ByteMap,
    Message(&'static [Field]),
    Messages(&'static [Field]),
}

/// Number, name and type.
type Field = (u64, &'static str, Type);

use Type::{Bool, ByteMap, Bytes, Message, Messages, Number, Text, TextMap, Texts, Time};

const OWNER: &[Field] = &[
    (1, "kind", Text),
    (3, "name", Text),
    (4, "uid", Text),
    (5, "apiVersion", Text),
    (6, "controller", Bool),
    (7, "blockOwnerDeletion", Bool),
];
const METADATA: &[Field] = &[
    (1, "name", Text),
    (2, "generateName", Text),
    (3, "namespace", Text),
    (5, "uid", Text),
    (6, "resourceVersion", Text),
    (7, "generation", Number),
    (8, "creationTimestamp", Time),
    (11, "labels", TextMap),
    (12, "annotations", TextMap),
    (13, "ownerReferences", Messages(OWNER)),
    (14, "finalizers", Texts),
];
const SECRET: &[Field] = &[
    (1, "metadata", Message(METADATA)),
    (2, "data", ByteMap),
    (3, "type", Text),
    (4, "stringData", TextMap),
    (5, "immutable", Bool),
];
const CONFIG_MAP: &[Field] =
    &[(1, "metadata", Message(METADATA)), (2, "data", TextMap), (3, "binaryData", ByteMap), (4, "immutable", Bool)];
const NAMESPACE: &[Field] = &[(1, "metadata", Message(METADATA)), (2, "spec", Message(&[(1, "finalizers", Texts)]))];
const LEASE_SPEC: &[Field] = &[
    (1, "holderIdentity", Text),
    (2, "leaseDurationSeconds", Number),
    (3, "acquireTime", Time),
    (4, "renewTime", Time),
    (5, "leaseTransitions", Number),
    (6, "strategy", Text),
    (7, "preferredHolder", Text),
];
const LEASE: &[Field] = &[(1, "metadata", Message(METADATA)), (2, "spec", Message(LEASE_SPEC))];
const REFERENCE: &[Field] = &[
    (1, "kind", Text),
    (2, "namespace", Text),
    (3, "name", Text),
    (4, "uid", Text),
    (5, "apiVersion", Text),
    (6, "resourceVersion", Text),
    (7, "fieldPath", Text),
];
const EVENT: &[Field] = &[
    (1, "metadata", Message(METADATA)),
    (2, "involvedObject", Message(REFERENCE)),
    (3, "reason", Text),
    (4, "message", Text),
    (5, "source", Message(&[(1, "component", Text), (2, "host", Text)])),
    (6, "firstTimestamp", Time),
    (7, "lastTimestamp", Time),
    (8, "count", Number),
    (9, "type", Text),
    (10, "eventTime", Time),
    (11, "series", Message(&[(1, "count", Number), (2, "lastObservedTime", Time)])),
    (12, "action", Text),
    (13, "related", Message(REFERENCE)),
    (14, "reportingComponent", Text),
    (15, "reportingInstance", Text),
];
const ATTRIBUTES: &[Field] = &[
    (1, "namespace", Text),
    (2, "verb", Text),
    (3, "group", Text),
    (4, "version", Text),
    (5, "resource", Text),
    (6, "subresource", Text),
    (7, "name", Text),
];
const REVIEW: &[Field] = &[
    (1, "metadata", Message(METADATA)),
    (
        2,
        "spec",
        Message(&[
            (1, "resourceAttributes", Message(ATTRIBUTES)),
            (2, "nonResourceAttributes", Message(&[(1, "path", Text), (2, "verb", Text)])),
        ]),
    ),
];
const DELETE_OPTIONS: &[Field] = &[
    (1, "gracePeriodSeconds", Number),
    (2, "preconditions", Message(&[(1, "uid", Text), (2, "resourceVersion", Text)])),
    (3, "orphanDependents", Bool),
    (4, "propagationPolicy", Text),
    (5, "dryRun", Texts),
];
const ENVELOPE: &[Field] =
    &[(1, "typeMeta", Message(&[(1, "apiVersion", Text), (2, "kind", Text)])), (2, "raw", Bytes)];

fn message_of(api_version: &str, kind: &str) -> Option<&'static [Field]> {
    Some(match (api_version, kind) {
        ("v1", "Secret") => SECRET,
        ("v1", "ConfigMap") => CONFIG_MAP,
        ("v1", "Namespace") => NAMESPACE,
        ("v1", "Event") => EVENT,
        ("coordination.k8s.io/v1", "Lease") => LEASE,
        ("authorization.k8s.io/v1", "SelfSubjectAccessReview") => REVIEW,
        (_, "DeleteOptions") => DELETE_OPTIONS,
        _ => return None,
    })
}

/// The object in the JSON form of its kind.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value, ApiError> {
    let broken = || ApiError::bad_request("the body is not a valid protobuf object");
    let envelope = bytes.strip_prefix(MAGIC).ok_or_else(broken)?;
    let envelope = Value::Object(message(envelope, ENVELOPE, 0).ok_or_else(broken)?);
    let text = |field: &str| envelope["typeMeta"][field].as_str().unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let fields = message_of(api_version, kind).ok_or_else(|| {
        let message = format!("{kind} in {api_version} is not accepted as protobuf; send application/json");
        ApiError::new(415, "UnsupportedMediaType", message)
    })?;
    let raw = STANDARD.decode(envelope["raw"].as_str().unwrap_or_default()).map_err(|_| broken())?;
    let mut object = message(&raw, fields, 0).ok_or_else(broken)?;
    object.insert("apiVersion".to_owned(), json!(api_version));
    object.insert("kind".to_owned(), json!(kind));
    Ok(Value::Object(object))
}

/// One value on the wire.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Skipped,
}

fn message(mut bytes: &[u8], fields: &[Field], depth: usize) -> Option<Map<String, Value>> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut map = Map::new();
    while !bytes.is_empty() {
        let (number, wire) = next(&mut bytes)?;
        if let Some((_, name, type_)) = fields.iter().find(|(known, ..)| *known == number) {
            put(&mut map, name, type_, &wire, depth)?;
        }
    }
    Some(map)
}

fn put(map: &mut Map<String, Value>, name: &str, type_: &Type, wire: &Wire, depth: usize) -> Option<()> {
    let value = match (type_, wire) {
        (Bool, Wire::Number(number)) => json!(*number != 0),
        // Negative numbers come as the two's complement of 64 bits.
        (Number, Wire::Number(number)) => json!(number.cast_signed()),
        (Text, Wire::Bytes(bytes)) => json!(std::str::from_utf8(bytes).ok()?),
        (Bytes, Wire::Bytes(bytes)) => json!(STANDARD.encode(bytes)),
        (Time, Wire::Bytes(bytes)) => time(bytes)?,
        (Message(fields), Wire::Bytes(bytes)) => Value::Object(message(bytes, fields, depth + 1)?),
        (Texts, Wire::Bytes(bytes)) => return append(map, name, json!(std::str::from_utf8(bytes).ok()?)),
        (Messages(fields), Wire::Bytes(bytes)) => {
            return append(map, name, Value::Object(message(bytes, fields, depth + 1)?));
        }
        (TextMap, Wire::Bytes(bytes)) => return insert(map, name, bytes, &[(1, "key", Text), (2, "value", Text)]),
        (ByteMap, Wire::Bytes(bytes)) => return insert(map, name, bytes, &[(1, "key", Text), (2, "value", Bytes)]),
        _ => return None,
    };
    // Go writes what is unset as empty; JSON leaves it out.
    if value != json!("") && !value.is_null() {
        map.insert(name.to_owned(), value);
    }
    Some(())
}

fn append(map: &mut Map<String, Value>, name: &str, value: Value) -> Option<()> {
    map.entry(name).or_insert_with(|| json!([])).as_array_mut()?.push(value);
    Some(())
}

fn insert(map: &mut Map<String, Value>, name: &str, bytes: &[u8], entry: &[Field]) -> Option<()> {
    let mut pair = message(bytes, entry, 0)?;
    let key = pair.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
    let value = pair.remove("value").unwrap_or_else(|| json!(""));
    map.entry(name).or_insert_with(|| json!({})).as_object_mut()?.insert(key, value);
    Some(())
}

/// Seconds and nanoseconds; an empty message is no time.
fn time(bytes: &[u8]) -> Option<Value> {
    let parts = Value::Object(message(bytes, &[(1, "seconds", Number), (2, "nanos", Number)], 0)?);
    let Some(seconds) = parts["seconds"].as_i64() else {
        return Some(Value::Null);
    };
    let nanos = i32::try_from(parts["nanos"].as_i64().unwrap_or(0)).ok()?;
    let time = jiff::Timestamp::new(seconds, nanos).ok()?;
    Some(json!(time.strftime(if nanos == 0 { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S.%6fZ" }).to_string()))
}

fn next<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Wire<'a>)> {
    let tag = varint(bytes)?;
    let wire = match tag & 7 {
        0 => Wire::Number(varint(bytes)?),
        1 => skip(bytes, 8)?,
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            let (content, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Wire::Bytes(content)
        }
        5 => skip(bytes, 4)?,
        _ => return None,
    };
    Some((tag >> 3, wire))
}

fn skip<'a>(bytes: &mut &'a [u8], length: usize) -> Option<Wire<'a>> {
    *bytes = bytes.split_at_checked(length)?.1;
    Some(Wire::Skipped)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        bytes.extend_from_slice(content);
        bytes
    }

    #[test]
    fn a_secret_comes_out_as_json() {
        let metadata = field(1, &[field(1, b"s"), field(2, b"")].concat());
        let data = field(2, &[field(1, b"key"), field(2, b"value")].concat());
        let kind = field(1, &[field(1, b"v1"), field(2, b"Secret")].concat());
        let body = [MAGIC.to_vec(), kind, field(2, &[metadata, data].concat())].concat();
        let expected = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" }, "data": { "key": "dmFsdWU=" },
        });
        assert_eq!(decode(&body).unwrap(), expected);
    }

    #[test]
    fn cut_off_and_foreign_bodies_are_refused() {
        for body in [&b"{}"[..], b"k8s\0\x0a\xff", b"k8s\0\x0a\x7fabc", b"k8s\0"] {
            assert!(decode(body).is_err(), "{body:?}");
        }
    }
}
