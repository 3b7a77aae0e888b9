//! JSON schema of suite files, for editors. It is made from the tables that the reader uses; what a schema cannot
//! say (waits that are never reached, marks that nobody sets) the reader alone refuses.

use judge::catalogue::requirements;
use proto::channel::{Channel, Kind};
use proto::quantity::{Amps, Micros, Percent, Volts, Watts};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::condition::BATTERY;
use super::json::{described, list, object, on_off, one_key, one_of, reference, text};
use super::read::{CASE, SUITE};
use super::value::{self, PATIENCE};
use super::verb::VERBS;

/// JSON schema (draft 2020-12) of suite files.
#[must_use]
pub fn schema() -> Value {
    let requirements = requirements()
        .map(|r| json!({ "const": r.id, "description": format!("{} ({})", r.title, r.section) }));
    let verbs = VERBS.iter().map(|verb| (verb.name.to_owned(), described(verb.schema(), verb.meaning)));
    let mut root = value::schema(SUITE).as_object().cloned().unwrap_or_default();
    root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("title".to_owned(), json!("Busbar suite"));
    root.insert(
        "$defs".to_owned(),
        json!({
            "case": value::schema(CASE),
            "step": one_key(Value::Object(verbs.collect())),
            "condition": one_key(conditions()),
            "requirement": { "oneOf": requirements.collect::<Vec<_>>() },
            "time": quantity::<Micros>(),
            "patience": described(text(), PATIENCE.looks),
            "voltage": quantity::<Volts>(),
            "current": quantity::<Amps>(),
            "power": quantity::<Watts>(),
            "share": quantity::<Percent>(),
        }),
    );
    Value::Object(root)
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
                let bound = |words| described(reference(defined(dimension.unit)), words);
                let bounds = json!({ "at-least": bound("this or more"), "at-most": bound("this or less") });
                let mut bounds = object(&[], bounds);
                bounds["minProperties"] = json!(1);
                bounds
            }
            _ => on_off(),
        };
        if row.channel == Channel::Cvl {
            value =
                json!({ "anyOf": [{ "const": "lowered", "description": "0.2 V below its highest" }, value] });
        }
        let value = described(value, row.meaning.trim());
        known.insert(row.key.to_owned(), value.clone());
        known.insert(asked.name.to_owned(), value);
    }
    let battery = one_of(&BATTERY.each_ref().map(|(word, _)| *word));
    let others = [
        ("battery", battery, "whether the battery is there, or has stopped charge"),
        ("any", list(reference("condition"), 1), "one of them holds"),
        ("all", list(reference("condition"), 1), "all of them hold"),
    ];
    known.extend(others.map(|(name, schema, words)| (name.to_owned(), described(schema, words))));
    Value::Object(known)
}

fn quantity<T: JsonSchema>() -> Value {
    T::json_schema(&mut SchemaGenerator::default()).to_value()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    use crate::suite::page::EVERYTHING;

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

    /// An editor says of every key what it is.
    #[test]
    fn every_property_is_described() {
        fn walk(path: &str, schema: &Value) {
            for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten()
            {
                let path = format!("{path}.{name}");
                assert!(property["description"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
                walk(&path, property);
            }
            let parts = ["anyOf", "$defs"].map(|key| schema.get(key)).into_iter().flatten();
            for part in parts {
                part.as_array().into_iter().flatten().for_each(|part| walk(path, part));
                part.as_object().into_iter().flatten().for_each(|(name, part)| walk(name, part));
            }
        }
        walk("suite", &schema());
    }
}
