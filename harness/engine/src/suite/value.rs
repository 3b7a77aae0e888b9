//! Reads single values of a suite: quantities within what is possible, names, ids.

use core::fmt;
use core::ops::RangeInclusive;
use core::str::FromStr;

use judge::catalogue::{self, CATALOGUE, Requirement};
use proto::quantity::{Amps, Micros, Percent, QuantityError, Volts, Watts};

use super::step::Words;
use crate::yaml::{Fields, Node, Reader, nearest};

/// Longest span of a step: a month. It also bounds every sum of spans far below the range of time.
pub(super) const LONGEST: Micros = Micros::from_secs(30 * 86_400);
/// Largest power that can be asked for: no bench goes further.
pub(super) const MOST_POWER: Watts = Watts(100_000.0);

pub(super) const ON_OFF: [(&str, bool); 2] = [("on", true), ("off", false)];

/// `off`, or a power.
pub(super) fn power_or_off(name: &str, node: &Node, reader: &mut Reader) -> Option<Watts> {
    if node.as_text() == Some("off") {
        return Some(Watts::ZERO);
    }
    if node.as_text() == Some("on") {
        reader.refuse(
            node.at,
            format!("`{name}: on` does not say how much"),
            "`off` or a power such as `4 kW`",
        );
        return None;
    }
    within(name, node, reader, Watts::ZERO..=MOST_POWER)
}

pub(super) fn imbalance(node: &Node, reader: &mut Reader) -> Option<Percent> {
    within("imbalance", node, reader, Percent(0.1)..=Percent(50.0))
}

/// A span of time that is not nothing.
pub(super) fn span(name: &str, node: &Node, reader: &mut Reader) -> Option<Micros> {
    let span: Micros = reader.quantity(name, Micros::EXPECTED, node)?;
    if span == Micros::ZERO {
        reader.refuse(node.at, format!("`{name}` is nothing"), Micros::EXPECTED);
        return None;
    }
    if span > LONGEST {
        reader.refuse(
            node.at,
            format!("`{name}` is longer than a month"),
            format!("at most {}", Words(LONGEST)),
        );
        return None;
    }
    Some(span)
}

/// A name such as `load-steps`: it becomes part of file names and of command lines.
pub(super) fn kebab(name: &str, node: &Node, reader: &mut Reader) -> Option<String> {
    let text = reader.text(name, node)?;
    let fine = text.len() <= 64
        && text.split('-').all(|part| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        });
    if !fine {
        reader.refuse(
            node.at,
            format!("`{text}` is no name"),
            "small letters, digits and single dashes, such as `load-steps`",
        );
        return None;
    }
    Some(text.to_owned())
}

/// A quantity that a suite may ask for.
pub(super) trait Setting: FromStr<Err = QuantityError> + PartialOrd + fmt::Display {
    const EXPECTED: &'static str;
}

macro_rules! settings {
    ($($kind:ident),+) => { $( impl Setting for $kind { const EXPECTED: &'static str = $kind::EXPECTED; } )+ };
}
settings!(Volts, Amps, Watts, Percent);

/// A quantity within what is possible.
pub(super) fn within<T: Setting>(
    name: &str,
    node: &Node,
    reader: &mut Reader,
    range: RangeInclusive<T>,
) -> Option<T> {
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
pub(super) fn requirement(name: &str, node: &Node, reader: &mut Reader) -> Option<&'static Requirement> {
    let id = reader.text(name, node)?;
    let found = catalogue::find(id);
    if found.is_none() {
        let ids: Vec<_> = CATALOGUE.iter().map(|r| r.id).collect();
        let near = nearest(id, ids.iter().copied());
        reader.refuse(
            node.at,
            format!("no requirement has the id `{id}`"),
            near.map_or_else(|| "an id such as `CVL-02`".to_owned(), |near| format!("`{near}`")),
        );
    }
    found
}

pub(super) fn require<T>(
    fields: &Fields<'_>,
    name: &str,
    reader: &mut Reader,
    read: impl FnOnce(&Node, &mut Reader) -> Option<T>,
) -> Option<T> {
    let node = fields.require(name, reader)?;
    read(node, reader)
}

/// `Some(None)` where the key is absent, nothing where its value is refused.
pub(super) fn optional<T>(
    fields: &Fields<'_>,
    name: &str,
    reader: &mut Reader,
    read: impl FnOnce(&Node, &mut Reader) -> Option<T>,
) -> Option<Option<T>> {
    match fields.get(name) {
        None => Some(None),
        Some(node) => read(node, reader).map(Some),
    }
}
