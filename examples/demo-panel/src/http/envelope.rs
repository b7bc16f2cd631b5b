//! The envelope around every resource.

use serde_json::{Map, Value, json};

/// One resource, with its embedded relationships if there are any.
pub(crate) fn item(object: &str, mut attributes: Value, relationships: Map<String, Value>) -> Value {
    if !relationships.is_empty()
        && let Value::Object(members) = &mut attributes
    {
        members.insert("relationships".to_owned(), Value::Object(relationships));
    }
    json!({ "object": object, "attributes": attributes })
}

/// A list that is not paginated.
pub(crate) fn list(data: impl IntoIterator<Item = Value>) -> Value {
    json!({ "object": "list", "data": data.into_iter().collect::<Vec<_>>() })
}

/// What stands for a related resource that does not exist or may not be read.
pub(crate) fn null_resource() -> Value {
    json!({ "object": "null_resource", "attributes": null })
}

/// Adds `meta.resource`, the address of a new object.
pub(crate) fn with_resource_link(mut body: Value, link: &str) -> Value {
    if let Value::Object(members) = &mut body {
        members.insert("meta".to_owned(), json!({ "resource": link }));
    }
    body
}
