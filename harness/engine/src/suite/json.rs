//! Pieces of JSON schemas.

use serde_json::{Value, json};

/// A map of known keys.
pub(super) fn object(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// A map with exactly one of the keys.
pub(super) fn one_key(properties: Value) -> Value {
    let mut one = object(&[], properties);
    one["minProperties"] = json!(1);
    one["maxProperties"] = json!(1);
    one
}

pub(super) fn list(items: Value, at_least: u32) -> Value {
    json!({ "type": "array", "items": items, "minItems": at_least })
}

pub(super) fn one_of(words: &[&str]) -> Value {
    json!({ "enum": words })
}

pub(super) fn on_off() -> Value {
    one_of(&["on", "off"])
}

pub(super) fn text() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// The same with what it is.
pub(super) fn described(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}
