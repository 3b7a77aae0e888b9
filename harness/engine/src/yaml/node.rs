//! The raw tree of a YAML file: every value as it was written, with its place.

use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;

use super::{Position, YamlError};

/// A value of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// where it begins
    pub at: Position,
    /// what it is
    pub(super) kind: Kind,
}

/// What a value is. A number is its text: `0x351` and `3.50` stay as they were written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
    Empty,
}

/// A key of a map.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) at: Position,
    pub(super) name: String,
}

impl Node {
    /// Reads a file as it stands.
    ///
    /// # Errors
    /// When it is no YAML, or beyond the bounds of [`super::parse`].
    pub fn read(file: &str, text: &str) -> Result<Self, YamlError> {
        super::parse::<Spanned<Raw>>(file, text).map(|raw| settle(raw, text))
    }

    /// A part of its text, at the same place.
    pub(crate) fn part(&self, text: &str) -> Self {
        Self { at: self.at, kind: Kind::Text(text.to_owned()) }
    }

    /// Every value that is no list and no map, with the keys that lead to it, those of lists counted from 0: `cases.0.steps.2.hold`.
    #[must_use]
    pub fn values(&self) -> Vec<(String, Position, &str)> {
        let mut found = Vec::new();
        self.collect("", &mut found);
        found
    }

    /// Depth is bounded by [`super::MAX_DEPTH`] when the tree is read, so the recursion is.
    fn collect<'s>(&'s self, path: &str, found: &mut Vec<(String, Position, &'s str)>) {
        let deeper = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match &self.kind {
            Kind::Text(written) => found.push((path.to_owned(), self.at, written)),
            Kind::List(items) => {
                items.iter().enumerate().for_each(|(i, item)| item.collect(&deeper(&i.to_string()), found));
            }
            Kind::Map(entries) => {
                entries.iter().for_each(|(key, value)| value.collect(&deeper(&key.name), found));
            }
            Kind::Empty => {}
        }
    }

    /// Where the value behind dotted keys begins (`plant.pack.r0`), or the deepest of them that is there.
    #[must_use]
    pub fn place(&self, path: &str) -> Position {
        let mut node = self;
        for name in path.split('.') {
            let Kind::Map(entries) = &node.kind else { break };
            let Some((_, value)) = entries.iter().find(|(key, _)| key.name == name) else { break };
            node = value;
        }
        node.at
    }
}

/// What the parser makes of a value; [`Raw::Scalar`] is one that it took for a number, a truth or nothing.
enum Raw {
    Text(String),
    Scalar,
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

/// Depth is bounded by [`super::MAX_DEPTH`] when the tree is read, so the recursion is.
fn settle(raw: Spanned<Raw>, text: &str) -> Node {
    let at = Position::from(raw.referenced);
    let kind = match raw.value {
        Raw::Text(text) => Kind::Text(text),
        Raw::Scalar => {
            let span = raw.referenced.span();
            let bytes = span.byte_offset().zip(span.byte_len());
            let written = bytes
                .and_then(|(from, len)| {
                    let (from, len) = (usize::try_from(from).ok()?, usize::try_from(len).ok()?);
                    text.get(from..from.checked_add(len)?)
                })
                .unwrap_or_default()
                .trim();
            match written {
                "" | "~" | "null" | "Null" | "NULL" => Kind::Empty,
                written => Kind::Text(written.to_owned()),
            }
        }
        Raw::List(items) => Kind::List(items.into_iter().map(|i| settle(i, text)).collect()),
        Raw::Map(entries) => Kind::Map(
            entries
                .into_iter()
                .map(|(key, value)| (Key { at: key.referenced.into(), name: key.value }, settle(value, text)))
                .collect(),
        ),
    };
    Node { at, kind }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a map")
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }
    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }
    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }
    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }
    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar)
    }
    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Raw, E> {
        Ok(Raw::Text(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key()? {
            entries.push((key, map.next_value()?));
        }
        Ok(Raw::Map(entries))
    }
}
