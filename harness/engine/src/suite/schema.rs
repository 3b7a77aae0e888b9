//! JSON schema of suite files, for editors. It is made from the tables that the reader uses; what a schema cannot
//! say (waits that are never reached, marks that nobody sets) the reader alone refuses.

use judge::catalogue::CATALOGUE;
use judge::thresholds::Thresholds;
use proto::channel::{Channel, Kind};
use proto::fault::FaultKind;
use proto::quantity::{Amps, Micros, Percent, Volts, Watts};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::condition::BATTERY;
use super::read::channel_names;
use crate::bench::Capability;

/// JSON schema (draft 2020-12) of suite files.
#[must_use]
pub fn schema() -> Value {
    let name = json!({ "type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 64 });
    let needs = list(one_of(&Capability::NAMES.map(|(name, _)| name)), 0);
    let spec =
        json!({ "type": "string", "pattern": "^[PD] [0-9]", "description": "a section such as `P 1.5.3.1`" });
    let suite = object(
        &["suite", "title", "spec", "cases"],
        json!({
            "suite": name,
            "title": text("one line for reports"),
            "spec": spec,
            "needs": needs,
            "cases": list(reference("case"), 1),
        }),
    );
    let case = object(
        &["case", "title", "requirements", "start", "steps"],
        json!({
            "case": name,
            "title": text("one line for reports"),
            "spec": spec,
            "needs": needs,
            "requirements": list(reference("requirement"), 1),
            "start": start(),
            "steps": list(reference("step"), 1),
            "limits": limits(),
            "trace": object(&["snapshot"], json!({ "snapshot": list(one_of(&channel_names()), 1), "from": name })),
        }),
    );
    let requirements = CATALOGUE
        .iter()
        .map(|r| json!({ "const": r.id, "description": format!("{} ({})", r.title, r.section) }));
    let mut root = suite.as_object().cloned().unwrap_or_default();
    root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("title".to_owned(), json!("Busbar suite"));
    root.insert(
        "$defs".to_owned(),
        json!({
            "case": case,
            "step": one_key(steps(&name)),
            "condition": one_key(conditions()),
            "requirement": { "oneOf": requirements.collect::<Vec<_>>() },
            "time": quantity::<Micros>(),
            "patience": text("a time such as `3 h`, or one that grows with the capacity: `3 h per 280 Ah`"),
            "voltage": quantity::<Volts>(),
            "current": quantity::<Amps>(),
            "power": quantity::<Watts>(),
            "share": quantity::<Percent>(),
        }),
    );
    Value::Object(root)
}

fn start() -> Value {
    object(
        &["soc", "grid", "feed-in", "pv", "ac-load"],
        json!({
            "soc": reference("share"),
            "grid": on_off(),
            "feed-in": on_off(),
            "pv": off_or("power"),
            "ac-pv": off_or("power"),
            "ac-load": off_or("power"),
            "imbalance": reference("share"),
            "input-current-limit": reference("current"),
        }),
    )
}

/// The verbs, in the order of [`super::step::VERBS`].
fn steps(name: &Value) -> Value {
    let id = |most: u32| json!({ "type": ["integer", "string"], "minimum": 0, "maximum": most });
    let ramp = object(&["power"], json!({ "power": off_or("power"), "over": reference("time") }));
    json!({
        "pv": { "anyOf": [off_or("power"), ramp] },
        "ac-pv": off_or("power"),
        "ac-load": off_or("power"),
        "grid": on_off(),
        "feed-in": on_off(),
        "input-current-limit": reference("current"),
        "hold": reference("time"),
        "wait": object(
            &["until", "timeout"],
            json!({ "until": reference("condition"), "for": reference("time"), "timeout": reference("patience") }),
        ),
        "expect": object(
            &["that", "within", "requirement"],
            json!({
                "that": reference("condition"),
                "for": reference("time"),
                "within": reference("patience"),
                "requirement": reference("requirement"),
            }),
        ),
        "mark": name,
        "repeat": object(
            &["times", "steps"],
            json!({
                "times": { "type": "integer", "minimum": 1, "maximum": 1000 },
                "steps": list(reference("step"), 1),
            }),
        ),
        "silence": object(&["id", "for"], json!({ "id": id(0x7FF), "for": reference("time") })),
        "inject": faults(),
        "imbalance": reference("share"),
        "discharge": object(
            &["power", "until", "timeout"],
            json!({ "power": reference("power"), "until": reference("condition"), "timeout": reference("patience") }),
        ),
        "gx-write": object(&["register", "value"], json!({ "register": id(0xFFFF), "value": id(0xFFFF) })),
        "prompt": { "anyOf": [
            text("what the operator is asked to do"),
            object(&["text"], json!({ "text": text("what to do"), "timeout": reference("time") })),
        ] },
    })
}

fn faults() -> Value {
    let known = FaultKind::ALL.iter().map(|entry| {
        let mut required = vec!["for"];
        let mut properties = Map::new();
        for argument in entry.arguments {
            if !argument.optional {
                required.push(argument.name);
            }
            let (low, high) = argument.bounds;
            let description = format!("{}; {low} to {high}", argument.expected);
            // YAML reads `0x351` as an integer.
            let kinds = if argument.name == "id" { json!(["integer", "string"]) } else { json!("string") };
            properties.insert(argument.name.to_owned(), json!({ "type": kinds, "description": description }));
        }
        properties.insert("for".to_owned(), reference("time"));
        let mut fault = object(&required, Value::Object(properties));
        fault["description"] = entry.meaning.trim().into();
        (entry.name.to_owned(), fault)
    });
    one_key(Value::Object(known.collect()))
}

/// How a quantity with this unit is called under `$defs`.
fn defined(unit: &str) -> &'static str {
    let known =
        [(Volts::UNIT, "voltage"), (Amps::UNIT, "current"), (Watts::UNIT, "power"), (Percent::UNIT, "share")];
    known.into_iter().find(|(of, _)| *of == unit).map_or("", |(_, name)| name)
}

fn conditions() -> Value {
    let mut known = Map::new();
    for row in Channel::asked() {
        let Some(asked) = row.asked else { continue };
        let mut value = match row.kind {
            Kind::Number { dimension, .. } => {
                let bound = reference(defined(dimension.unit));
                let mut bounds = object(&[], json!({ "at-least": bound, "at-most": bound }));
                bounds["minProperties"] = json!(1);
                bounds
            }
            _ => on_off(),
        };
        if row.channel == Channel::Cvl {
            value =
                json!({ "anyOf": [{ "const": "lowered", "description": "0.2 V below its highest" }, value] });
        }
        value["description"] = row.meaning.trim().into();
        known.insert(row.key.to_owned(), value.clone());
        known.insert(asked.name.to_owned(), value);
    }
    known.insert("battery".to_owned(), one_of(&BATTERY.each_ref().map(|(word, _)| *word)));
    known.insert("any".to_owned(), list(reference("condition"), 1));
    known.insert("all".to_owned(), list(reference("condition"), 1));
    Value::Object(known)
}

fn limits() -> Value {
    let known = Thresholds::NAMES.iter().map(|name| {
        let value = json!({ "type": "string", "description": format!("{}: {}", name.metric, name.expected) });
        let justified = object(
            &["value", "because"],
            json!({ "value": value, "because": text("why the default does not fit") }),
        );
        (name.name.to_owned(), json!({ "anyOf": [value, justified] }))
    });
    object(&[], Value::Object(known.collect()))
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// A map with exactly one of the keys.
fn one_key(properties: Value) -> Value {
    let mut one = object(&[], properties);
    one["minProperties"] = json!(1);
    one["maxProperties"] = json!(1);
    one
}

fn list(items: Value, at_least: u32) -> Value {
    json!({ "type": "array", "items": items, "minItems": at_least })
}

fn one_of(words: &[&str]) -> Value {
    json!({ "enum": words })
}

fn on_off() -> Value {
    one_of(&["on", "off"])
}

fn off_or(kind: &str) -> Value {
    json!({ "anyOf": [{ "const": "off" }, reference(kind)] })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "description": description })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn quantity<T: JsonSchema>() -> Value {
    T::json_schema(&mut SchemaGenerator::default()).to_value()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::suite::step::VERBS;

    const EVERYTHING: &str = include_str!("every-verb.yaml");

    /// As much of a validator as the schema uses, without patterns.
    fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
        let each = |key: &str| schema.get(key).and_then(Value::as_array);
        let limit = |key: &str| schema.get(key).and_then(Value::as_u64);
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let target = name.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
            return fits(root, target.unwrap_or_else(|| panic!("{name} leads nowhere")), value);
        }
        let kind = match value {
            Value::Object(_) => "object",
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Number(_) => "integer",
            Value::Bool(_) => "boolean",
            Value::Null => "null",
        };
        let kinds_fit = match schema.get("type") {
            None => true,
            Some(Value::Array(kinds)) => kinds.iter().any(|k| k == kind),
            Some(one) => one == kind,
        };
        let object_fits = value.as_object().is_none_or(|map| {
            let known = schema.get("properties").and_then(Value::as_object);
            let closed = schema.get("additionalProperties") == Some(&json!(false));
            let count = map.len() as u64;
            each("required")
                .is_none_or(|keys| keys.iter().all(|k| map.contains_key(k.as_str().unwrap_or(""))))
                && limit("minProperties").is_none_or(|least| count >= least)
                && limit("maxProperties").is_none_or(|most| count <= most)
                && map.iter().all(|(key, value)| match known.and_then(|k| k.get(key)) {
                    Some(schema) => fits(root, schema, value),
                    None => !closed,
                })
        });
        let list_fits = value.as_array().is_none_or(|items| {
            limit("minItems").is_none_or(|least| items.len() as u64 >= least)
                && schema.get("items").is_none_or(|s| items.iter().all(|item| fits(root, s, item)))
        });
        kinds_fit
            && object_fits
            && list_fits
            && schema.get("const").is_none_or(|constant| constant == value)
            && each("enum").is_none_or(|values| values.contains(value))
            && each("anyOf").is_none_or(|any| any.iter().any(|s| fits(root, s, value)))
            && each("oneOf").is_none_or(|one| one.iter().filter(|s| fits(root, s, value)).count() == 1)
            && limit("maximum").is_none_or(|most| value.as_u64().is_none_or(|v| v <= most))
            && limit("minimum").is_none_or(|least| value.as_u64().is_none_or(|v| v >= least))
    }

    fn accepts(text: &str) -> bool {
        let options = serde_yaml::options! { strict_booleans: true };
        let value: Value = serde_yaml::from_str_with_options(text, options).expect("YAML");
        let schema = schema();
        fits(&schema, &schema, &value)
    }

    #[test]
    fn the_example_of_every_verb_fits() {
        assert!(accepts(EVERYTHING));
    }

    #[rstest]
    #[case("- hold: 60 min", "- holt: 60 min")]
    #[case("- hold: 60 min", "- { hold: 60 min, mark: x }")]
    #[case("- grid: off", "- grid: maybe")]
    #[case("cvl: lowered", "cvl: raised")]
    #[case("requirement: BEH-BO", "requirement: BEH-XX")]
    #[case("times: 2", "times: 0")]
    #[case("id: 0x351", "id: 0x851")]
    #[case("suite: every-verb", "sweet: every-verb")]
    #[case("soc: 97 %, ", "")]
    #[case("settling: 30 s", "settlink: 30 s")]
    #[case("[cvl, voltage]", "[]")]
    fn what_the_reader_refuses_does_not_fit(#[case] right: &str, #[case] wrong: &str) {
        assert!(EVERYTHING.contains(right));
        assert!(!accepts(&EVERYTHING.replacen(right, wrong, 1)));
    }

    #[test]
    fn every_verb_is_in_the_schema() {
        let schema = schema();
        let known = schema["$defs"]["step"]["properties"].as_object().expect("a map");
        let mut known: Vec<_> = known.keys().map(String::as_str).collect();
        let mut verbs: Vec<_> = VERBS.iter().map(|&(name, _)| name).collect();
        known.sort_unstable();
        verbs.sort_unstable();
        assert_eq!(known, verbs);
    }
}
