//! Conditions of `wait`, `expect` and `discharge`.

use core::fmt;

use proto::channel::{Channel, Kind, Source};

use crate::bench::Capability;
use crate::yaml::{Node, Position, Reader};

/// A condition on what is measured. It is false as long as what it asks about is unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition(pub(crate) Test);

/// What is tested.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// CVL is at least 0.2 V below the highest since the start of the case
    CvlLowered,
    /// a measured value lies within bounds
    Within(Channel, Bounds),
    /// something is so, or not: the inverter runs, the AC input is connected
    Is(Channel, bool),
    /// the battery is online, or offline: by the system status of 0x35A, or lost on the GX
    Battery(bool),
    /// the battery has stopped charge: CVL is lowered, or the current has ended in one that is charged
    Full,
    /// one of them holds
    Any(Vec<Condition>),
    /// all of them hold
    All(Vec<Condition>),
}

/// Both ends included, in the base unit of what is asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) at_least: f64,
    pub(crate) at_most: f64,
}

const ON_OFF: [(&str, bool); 2] = [("on", true), ("off", false)];
/// What `battery:` can be asked: online or not, or else full.
pub(super) const BATTERY: [(&str, Option<bool>); 3] =
    [("online", Some(true)), ("offline", Some(false)), ("full", None)];

/// Every key of a condition.
pub(super) fn names() -> Vec<&'static str> {
    let keys = Channel::asked().map(|row| row.key);
    short_names().into_iter().chain(keys).collect()
}

/// Every key of a condition, each thing once.
pub(super) fn short_names() -> Vec<&'static str> {
    let names = Channel::asked().filter_map(|row| row.asked.map(|asked| asked.name));
    names.chain(["battery", "any", "all"]).collect()
}

/// How a condition calls what it asks about.
pub(crate) const fn words(channel: Channel) -> &'static str {
    match channel.row().asked {
        Some(asked) => asked.words,
        None => channel.words(),
    }
}

/// What a rig must have to tell something.
const fn teller(source: Source) -> Option<Capability> {
    match source {
        Source::Battery(_) | Source::Interface | Source::Witness(_) => None,
        Source::Gx(_) => Some(Capability::Gx),
        Source::Supply => Some(Capability::Pv),
    }
}

impl Condition {
    /// Reads `{ soc: { at-least: 100 % } }`.
    pub(crate) fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let names = names();
        let (key, at, value) = reader.single("condition", node, &names)?;
        let test = match key {
            "battery" => reader.word("battery", &BATTERY, value)?.map_or(Test::Full, Test::Battery),
            "any" => Test::Any(Self::read_list("any", at, value, reader)?),
            "all" => Test::All(Self::read_list("all", at, value, reader)?),
            name => match Channel::asked_as(name)? {
                Channel::Cvl if value.as_text() == Some("lowered") => Test::CvlLowered,
                channel if matches!(channel.row().kind, Kind::Number { .. }) => {
                    Test::Within(channel, Bounds::read(channel, name, value, reader)?)
                }
                channel => Test::Is(channel, reader.word(name, &ON_OFF, value)?),
            },
        };
        Some(Self(test))
    }

    fn read_list(name: &str, at: Position, node: &Node, reader: &mut Reader) -> Option<Vec<Self>> {
        let items = reader.list(name, node)?;
        if items.is_empty() {
            reader.refuse(at, format!("`{name}` has no conditions"), "at least one");
            return None;
        }
        // Every item is read before one that failed gives up the list: all problems are reported.
        let read: Vec<_> = items.iter().map(|item| Self::read(item, reader)).collect();
        read.into_iter().collect()
    }

    /// What the rig must have for the condition to be seen.
    pub(crate) fn needs(&self) -> Option<Capability> {
        match &self.0 {
            Test::CvlLowered | Test::Battery(_) | Test::Full => None,
            Test::Within(channel, _) | Test::Is(channel, _) => teller(channel.row().source),
            Test::Any(items) | Test::All(items) => items.iter().find_map(Self::needs),
        }
    }

    /// Whether it can come true because the battery went offline.
    pub(crate) fn expects_offline(&self) -> bool {
        match &self.0 {
            Test::Battery(online) => !online,
            Test::Any(items) | Test::All(items) => items.iter().any(Self::expects_offline),
            _ => false,
        }
    }
}

impl Bounds {
    fn read(channel: Channel, name: &str, node: &Node, reader: &mut Reader) -> Option<Self> {
        let Kind::Number { dimension, low, high } = channel.row().kind else { return None };
        if node.entries().is_none() {
            let also = if channel == Channel::Cvl { "`lowered` or " } else { "" };
            let message = match node.as_text() {
                Some(text) => format!("`{name}` cannot be `{text}`"),
                None => format!("`{name}` has no bounds"),
            };
            reader.refuse(node.at, message, format!("{also}bounds such as `{{ at-least: … }}`"));
            return None;
        }
        let fields = reader.fields(name, node, &["at-least", "at-most"])?;
        let mut bound = |key, open| match fields.get(key) {
            None => Some(open),
            Some(value) => {
                let number = reader.measured(key, dimension, value)?;
                if channel.can_be(number) {
                    return Some(number);
                }
                let unit = dimension.unit;
                reader.refuse(
                    value.at,
                    format!("{} is never {number} {unit}", words(channel)),
                    format!("{low} to {high} {unit}"),
                );
                None
            }
        };
        let (at_least, at_most) = (bound("at-least", f64::NEG_INFINITY), bound("at-most", f64::INFINITY));
        let bounds = Self { at_least: at_least?, at_most: at_most? };
        if bounds.at_least == f64::NEG_INFINITY && bounds.at_most == f64::INFINITY {
            reader.refuse(node.at, format!("`{name}` has no bounds"), "`at-least`, `at-most` or both");
            return None;
        }
        if bounds.at_least > bounds.at_most {
            reader.refuse(
                node.at,
                format!("nothing lies within these bounds of `{name}`"),
                "`at-least` below `at-most`",
            );
            return None;
        }
        Some(bounds)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |items: &[Self], word: &str, f: &mut fmt::Formatter<'_>| {
            items.iter().enumerate().try_for_each(|(i, item)| {
                let nested = matches!(item.0, Test::Any(_) | Test::All(_));
                let (open, close) = if nested { ("(", ")") } else { ("", "") };
                if i > 0 {
                    write!(f, " {word} ")?;
                }
                write!(f, "{open}{item}{close}")
            })
        };
        match &self.0 {
            Test::CvlLowered => f.write_str("CVL lowered"),
            &Test::Within(channel, Bounds { at_least, at_most }) => {
                let (what, unit) = (words(channel), channel.unit());
                if at_most == f64::INFINITY {
                    write!(f, "{what} ≥ {at_least} {unit}")
                } else if at_least == f64::NEG_INFINITY {
                    write!(f, "{what} ≤ {at_most} {unit}")
                } else {
                    write!(f, "{what} within {at_least} … {at_most} {unit}")
                }
            }
            &Test::Is(channel, on) => write!(f, "{} {}", words(channel), if on { "on" } else { "off" }),
            Test::Battery(on) => write!(f, "battery {}", if *on { "online" } else { "offline" }),
            Test::Full => f.write_str("battery full"),
            Test::Any(items) => joined(items, "or", f),
            Test::All(items) => joined(items, "and", f),
        }
    }
}
