//! The kinds of values in a suite: how each is read, what it looks like, and what editors are told of it. And the keys of
//! a map as one table, from which reader, schema and documentation come.

use core::fmt;
use core::ops::RangeInclusive;
use core::str::FromStr;

use judge::catalogue::{self, requirements};
use judge::requirement::Requirement;
use proto::quantity::{Amps, Micros, Percent, QuantityError, Volts, Watts};
use serde_json::{Map, Value, json};

use super::json::{described, object, on_off, reference, text};
use super::{Condition, Patience};
use crate::yaml::{Fields, Node, Reader, nearest};

/// Longest span of a step: a month. It also bounds every sum of spans far below the range of time.
pub(super) const LONGEST: Micros = Micros::from_secs(30 * 86_400);
/// Largest power that can be asked for: no bench goes further.
const MOST_POWER: Watts = Watts(100_000.0);

/// A kind of value.
#[derive(Debug)]
pub(super) struct Kind<T> {
    /// reads it; the text is what messages call it
    pub(super) read: fn(&str, &Node, &mut Reader) -> Option<T>,
    /// what it looks like
    pub(super) looks: &'static str,
    pub(super) schema: fn() -> Value,
}

pub(super) const POWER_OR_OFF: Kind<Watts> = Kind {
    read: power_or_off,
    looks: "`off` or a power such as `4 kW`",
    schema: || json!({ "anyOf": [{ "const": "off" }, reference("power")] }),
};
pub(super) const POWER: Kind<Watts> = Kind {
    read: |name, node, reader| within(name, node, reader, Watts(1.0)..=MOST_POWER),
    looks: Watts::EXPECTED,
    schema: || reference("power"),
};
pub(super) const CURRENT: Kind<Amps> = Kind {
    read: |name, node, reader| within(name, node, reader, Amps(0.0)..=Amps(1000.0)),
    looks: Amps::EXPECTED,
    schema: || reference("current"),
};
pub(super) const CHARGE: Kind<Percent> = Kind {
    read: |name, node, reader| within(name, node, reader, Percent(0.0)..=Percent(100.0)),
    looks: Percent::EXPECTED,
    schema: || reference("share"),
};
pub(super) const ABOVE_OTHERS: Kind<Percent> = Kind {
    read: |name, node, reader| within(name, node, reader, Percent(0.1)..=Percent(50.0)),
    looks: "a share such as `5 %`",
    schema: || reference("share"),
};
pub(super) const SWITCH: Kind<bool> = Kind {
    read: |name, node, reader| reader.word(name, &[("on", true), ("off", false)], node),
    looks: "`on` or `off`",
    schema: on_off,
};
pub(super) const SPAN: Kind<Micros> =
    Kind { read: span, looks: Micros::EXPECTED, schema: || reference("time") };
pub(super) const PATIENCE: Kind<Patience> = Kind {
    read: Patience::read,
    looks: "a time such as `3 h`, or one that grows with the capacity: `3 h per 280 Ah`",
    schema: || reference("patience"),
};
pub(super) const CONDITION: Kind<Condition> = Kind {
    read: |_, node, reader| Condition::read(node, reader),
    looks: "a condition such as `{ cvl: lowered }`",
    schema: || reference("condition"),
};
pub(super) const REQUIREMENT: Kind<&Requirement> = Kind {
    read: requirement,
    looks: "an id of the catalogue such as `CVL-02`",
    schema: || reference("requirement"),
};
pub(super) const NAME: Kind<String> = Kind {
    read: kebab,
    looks: "small letters, digits and single dashes, such as `load-steps`",
    schema: || json!({ "type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 64 }),
};
pub(super) const TEXT: Kind<String> = Kind {
    read: |name, node, reader| reader.text(name, node).map(str::to_owned),
    looks: "a text",
    schema: text,
};
pub(super) const TIMES: Kind<u32> = Kind {
    read: |name, node, reader| reader.integer(name, 1..=1000, node),
    looks: "a whole number from 1 to 1000",
    schema: || json!({ "type": "integer", "minimum": 1, "maximum": 1000 }),
};
pub(super) const ID: Kind<u16> = Kind {
    read: |name, node, reader| number::<0x7FF>(name, node, reader),
    looks: "an 11-bit identifier such as `0x351`",
    schema: || json!({ "type": ["integer", "string"], "minimum": 0, "maximum": 0x7FF }),
};
pub(super) const REGISTER: Kind<u16> = Kind {
    read: |name, node, reader| number::<0xFFFF>(name, node, reader),
    looks: "a whole number from 0 to 65535",
    schema: || json!({ "type": ["integer", "string"], "minimum": 0, "maximum": 0xFFFF }),
};

/// A key of a map, as documentation and schemas show it.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    pub(super) optional: bool,
    pub(super) looks: &'static str,
    pub(super) schema: fn() -> Value,
}

/// A map with known keys, and how it is read.
#[derive(Debug)]
pub(super) struct Record<T: 'static> {
    pub(super) keys: &'static [Key],
    pub(super) read: fn(&str, &Node, &mut Reader) -> Option<T>,
}

impl<T> Record<T> {
    pub(super) fn schema(&self) -> Value {
        schema(self.keys)
    }
}

/// The schema of a map with these keys.
pub(super) fn schema(keys: &[Key]) -> Value {
    let required: Vec<_> = keys.iter().filter(|key| !key.optional).map(|key| key.name).collect();
    let properties: Map<_, _> =
        keys.iter().map(|key| (key.name.to_owned(), described((key.schema)(), key.meaning.trim()))).collect();
    object(&required, Value::Object(properties))
}

/// The names of the keys, as a reader wants them.
pub(super) fn names(keys: &[Key]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name).collect()
}

/// The keys of a map: for each what it means, whether it must be there, its name and its kind.
macro_rules! keys {
    ($( $(#[doc = $meaning:literal])+ $how:ident $key:literal: $kind:expr ),+ $(,)?) => {
        &[ $( $crate::suite::value::Key {
            name: $key,
            meaning: concat!($($meaning),+),
            optional: keys!(@$how),
            looks: $kind.looks,
            schema: $kind.schema,
        } ),+ ]
    };
    (@must) => { false };
    (@may) => { true };
}

/// A [`Record`]: its [`keys`], each with the variable that holds its value, and what is made of them. An optional key gives
/// an option. All keys are read before one that was refused gives up the map.
macro_rules! record {
    (|$fields:ident, $reader:ident| {
        $( $(#[doc = $meaning:literal])+ $how:ident $var:ident = $key:literal: $kind:expr ),+ $(,)?
    } => $made:expr) => {
        $crate::suite::value::Record {
            keys: keys! { $( $(#[doc = $meaning])+ $how $key: $kind ),+ },
            read: |name, node, $reader| {
                let $fields = $reader.fields(name, node, &[$($key),+])?;
                $( let $var = $fields.$how($key, &$kind, $reader); )+
                $( let $var = $var?; )+
                $made
            },
        }
    };
}
pub(super) use {keys, record};

/// `off`, or a power.
fn power_or_off(name: &str, node: &Node, reader: &mut Reader) -> Option<Watts> {
    if node.as_text() == Some("off") {
        return Some(Watts::ZERO);
    }
    if node.as_text() == Some("on") {
        reader.refuse(node.at, format!("`{name}: on` does not say how much"), POWER_OR_OFF.looks);
        return None;
    }
    within(name, node, reader, Watts::ZERO..=MOST_POWER)
}

/// A span of time that is not nothing.
pub(super) fn span(name: &str, node: &Node, reader: &mut Reader) -> Option<Micros> {
    let span: Micros = reader.quantity(name, Micros::EXPECTED, node)?;
    if span == Micros::ZERO {
        reader.refuse(node.at, format!("`{name}` is nothing"), Micros::EXPECTED);
        return None;
    }
    if span > LONGEST {
        let expected = format!("at most {}", LONGEST.span());
        reader.refuse(node.at, format!("`{name}` is longer than a month"), expected);
        return None;
    }
    Some(span)
}

/// A name such as `load-steps`: it becomes part of file names and of command lines.
fn kebab(name: &str, node: &Node, reader: &mut Reader) -> Option<String> {
    let text = reader.text(name, node)?;
    let fine = text.len() <= 64
        && text.split('-').all(|part| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        });
    if !fine {
        reader.refuse(node.at, format!("`{text}` is no name"), NAME.looks);
        return None;
    }
    Some(text.to_owned())
}

fn number<const MOST: u16>(name: &str, node: &Node, reader: &mut Reader) -> Option<u16> {
    u16::try_from(reader.integer(name, 0..=u32::from(MOST), node)?).ok()
}

/// A quantity that a suite may ask for.
trait Setting: FromStr<Err = QuantityError> + PartialOrd + fmt::Display {
    const EXPECTED: &'static str;
}

macro_rules! settings {
    ($($kind:ident),+) => { $( impl Setting for $kind { const EXPECTED: &'static str = $kind::EXPECTED; } )+ };
}
settings!(Volts, Amps, Watts, Percent);

/// A quantity within what is possible.
fn within<T: Setting>(name: &str, node: &Node, reader: &mut Reader, range: RangeInclusive<T>) -> Option<T> {
    let value: T = reader.quantity(name, T::EXPECTED, node)?;
    if range.contains(&value) {
        return Some(value);
    }
    reader.refuse(
        node.at,
        format!("`{name}` cannot be {value}"),
        format!("{} to {}", range.start(), range.end()),
    );
    None
}

/// A requirement of the catalogue by its id.
fn requirement(name: &str, node: &Node, reader: &mut Reader) -> Option<&'static Requirement> {
    let id = reader.text(name, node)?;
    let found = catalogue::find(id);
    if found.is_none() {
        let ids: Vec<_> = requirements().map(|r| r.id).collect();
        let near = nearest(id, ids.iter().copied());
        reader.refuse(
            node.at,
            format!("no requirement has the id `{id}`"),
            near.map_or_else(|| "an id such as `CVL-02`".to_owned(), |near| format!("`{near}`")),
        );
    }
    found
}

impl Fields<'_> {
    /// The value of a key that must be there.
    pub(super) fn must<T>(&self, name: &str, kind: &Kind<T>, reader: &mut Reader) -> Option<T> {
        let node = self.require(name, reader)?;
        (kind.read)(name, node, reader)
    }

    /// `Some(None)` where the key is absent, nothing where its value is refused.
    pub(super) fn may<T>(&self, name: &str, kind: &Kind<T>, reader: &mut Reader) -> Option<Option<T>> {
        self.get(name).map_or(Some(None), |node| (kind.read)(name, node, reader).map(Some))
    }
}
