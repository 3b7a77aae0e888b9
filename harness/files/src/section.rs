//! A part of a file that a crate further down understands.

use std::sync::Arc;

use engine::yaml::{Layers, YamlError};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny};

/// One key of a file with everything below it, read when it is needed: `plant:` of a rig, `simulated:` of a battery. Its
/// errors show the line of the file, as those of the file itself do.
#[derive(Debug, Clone)]
pub struct Section {
    /// the file with those that it is like; nothing until the file has been read
    layers: Option<Arc<Layers>>,
    path: &'static str,
}

impl Section {
    pub(crate) fn of(layers: &Arc<Layers>, path: &'static str) -> Self {
        Self { layers: Some(layers.clone()), path }
    }

    /// Reads the section.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, YamlError> {
        self.layers().read_at(self.path)
    }

    /// The same, and what it leaves out from a text that holds this key and was made of the key `from` of its file: what makes
    /// no sense in that is shown there. `choices` are maps below the section that hold one thing under its name.
    ///
    /// # Errors
    /// When the text is no YAML.
    pub fn filled(&self, text: &str, from: &str, choices: &[&str]) -> Result<Self, YamlError> {
        let choices: Vec<String> = choices.iter().map(|choice| format!("{}.{choice}", self.path)).collect();
        let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
        let layers = self.layers().clone().filled(text, from, &[self.path], &choices)?;
        Ok(Self { layers: Some(Arc::new(layers)), path: self.path })
    }

    /// The value at `path` below the section, in dotted keys, where there is one that reads as this.
    #[must_use]
    pub fn value<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        self.has(path).then(|| self.layers().read_at(&format!("{}.{path}", self.path)).ok()).flatten()
    }

    /// File and line of another key of the file, in dotted keys from its top.
    #[must_use]
    pub fn line_of(&self, whole_path: &str) -> String {
        self.layers().line_of(whole_path)
    }

    /// Refuses a value that reads well and still cannot be. `path` says where it stands below the section, in dotted keys.
    #[must_use]
    pub fn refuse(&self, path: &str, message: impl Into<String>, expected: impl Into<String>) -> YamlError {
        self.layers().refuse(&format!("{}.{path}", self.path), message, expected)
    }

    /// Whether something stands at `path` below the section, in dotted keys.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.layers().has(&format!("{}.{path}", self.path))
    }

    /// The keys of the map at `path` below the section, in dotted keys; none where no map stands there.
    pub fn keys_of(&self, path: &str) -> Vec<String> {
        self.layers().keys_of(&format!("{}.{path}", self.path)).map(str::to_owned).collect()
    }

    fn layers(&self) -> &Layers {
        self.layers.as_ref().expect("a section is completed when its file is read, before anybody has it")
    }
}

/// Whatever stands there: it is read later.
impl<'de> Deserialize<'de> for Section {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        Ok(Self { layers: None, path: "" })
    }
}

/// Anything; whoever understands the section puts its schema there.
impl JsonSchema for Section {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Section".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({})
    }
}

/// The schema of a file with those of its sections in their places.
pub(crate) fn with_sections<const N: usize>(mut whole: Schema, sections: [(&str, Schema); N]) -> Schema {
    let map = whole.ensure_object();
    for (key, section) in sections {
        let mut section = section.to_value();
        let Some(object) = section.as_object_mut() else { continue };
        object.remove("$schema");
        if let (Some(serde_json::Value::Object(new)), definitions) =
            (object.remove("$defs"), map.entry("$defs").or_insert_with(|| serde_json::json!({})))
            && let Some(known) = definitions.as_object_mut()
        {
            known.extend(new);
        }
        if let Some(place) = map.get_mut("properties").and_then(|properties| properties.get_mut(key)) {
            if let Some(said) = place.get("description") {
                object.insert("description".to_owned(), said.clone());
            }
            *place = section;
        }
    }
    whole
}

/// The schema of such a file: it leaves out what it likes, so that no key must be there but `required` ones at the top.
pub(crate) fn relaxed(mut schema: Schema, required: &[&str]) -> Schema {
    relax(schema.ensure_object().values_mut());
    schema.insert("required".to_owned(), serde_json::json!(required));
    schema
}

/// Below the top level no key must be there, but the name of a choice.
fn relax<'a>(values: impl Iterator<Item = &'a mut serde_json::Value>) {
    for value in values {
        match value {
            serde_json::Value::Object(map) => {
                let choices = map.remove("oneOf");
                map.remove("required");
                relax(map.values_mut());
                map.extend(choices.map(|choices| ("oneOf".to_owned(), choices)));
            }
            serde_json::Value::Array(items) => relax(items.iter_mut()),
            _ => {}
        }
    }
}
