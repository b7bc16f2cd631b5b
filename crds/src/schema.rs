//! Schema fragments that derive macros cannot express. Everything is bounded: the API server refuses CEL rules over
//! unbounded lists, maps and strings.

use schemars::{Schema, SchemaGenerator, json_schema};

/// A free-form object whose fields a plugin's schema defines.
pub(crate) fn free_form(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "maxProperties": 128, "x-kubernetes-preserve-unknown-fields": true})
}

/// Any JSON value.
pub(crate) fn any_value(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-preserve-unknown-fields": true})
}

/// Short texts by key.
pub(crate) fn attributes(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": {"type": "string", "maxLength": 256},
    })
}

/// Names of packages by UID.
pub(crate) fn promises(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": crate::Promises::MOST_OPEN,
        "additionalProperties": {"type": "string", "maxLength": 253},
    })
}

/// The standard conditions, merged by type.
pub(crate) fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "description": "One aspect of the state, in the standard form of Kubernetes conditions.",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {"type": "string", "maxLength": 316, "description": "Which aspect."},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"], "description": "Whether it holds."},
                "observedGeneration": {
                    "type": "integer", "format": "int64", "minimum": 0,
                    "description": "The generation of the spec that this speaks of.",
                },
                "lastTransitionTime": {
                    "type": "string", "format": "date-time", "description": "When the status changed last.",
                },
                "reason": {
                    "type": "string", "minLength": 1, "maxLength": 1024,
                    "description": "Why, in one word for programs; docs/reasons.md explains each.",
                },
                "message": {"type": "string", "maxLength": 32768, "description": "Why, in words for people."},
            },
        },
    })
}

/// A label selector, bounded.
pub(crate) fn label_selector(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "matchLabels": {
                "type": "object", "maxProperties": 32,
                "description": "Labels that must have exactly these values.",
                "additionalProperties": {"type": "string", "maxLength": 63},
            },
            "matchExpressions": {
                "type": "array", "maxItems": 32, "x-kubernetes-list-type": "atomic",
                "description": "Requirements on labels, all of which must hold.",
                "items": {
                    "type": "object",
                    "description": "A requirement on one label.",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": {"type": "string", "maxLength": 317, "description": "The label."},
                        "operator": {
                            "type": "string", "enum": ["In", "NotIn", "Exists", "DoesNotExist"],
                            "description": "How it is compared.",
                        },
                        "values": {
                            "type": "array", "maxItems": 64, "x-kubernetes-list-type": "atomic",
                            "description": "The values for In and NotIn.",
                            "items": {"type": "string", "maxLength": 63},
                        },
                    },
                },
            },
        },
    })
}
