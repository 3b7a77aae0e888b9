//! Conditions of `wait`, `expect` and `discharge`.

use core::fmt;

use judge::tampering::Sense;
use judge::trace::Channel;
use proto::message::id;
use proto::quantity::{Amps, Percent, Volts, Watts};

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
    Within(Observable, Bounds),
    /// the inverter runs, or not
    Inverter(bool),
    /// the AC input is connected, or not
    Grid(bool),
    /// the battery is online, or offline: by the system status of 0x35A, or lost on the GX
    Battery(bool),
    /// the battery has stopped charge: CVL is lowered, or the current has ended in one that is charged
    Full,
    /// one of them holds
    Any(Vec<Condition>),
    /// all of them hold
    All(Vec<Condition>),
}

/// Both ends included, in the base unit of the observable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) at_least: f64,
    pub(crate) at_most: f64,
}

/// A measured value that conditions can ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub(crate) enum Observable {
    Cvl,
    Ccl,
    Dcl,
    Voltage,
    Current,
    Soc,
    CellMax,
    CellMin,
    Bus,
    PvPower,
    GridPower,
}

/// What is known of an observable.
pub(crate) struct Observed {
    pub(crate) name: &'static str,
    pub(crate) which: Observable,
    pub(crate) words: &'static str,
    pub(crate) kind: Kind,
    /// what it can be at all, in its base unit
    pub(crate) range: (f64, f64),
    /// where the judge reads it too
    pub(crate) channel: Channel,
    /// the message of the battery that carries it; nothing where it is read from the GX
    pub(crate) id: Option<u16>,
    /// what the battery senses to tell it, and can be made to sense wrongly
    pub(crate) sense: Option<Sense>,
}

/// The kind of quantity, for units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Volts,
    Amps,
    Percent,
    Watts,
}

macro_rules! observables {
    ($($name:literal $which:ident, $words:literal, $kind:ident, $low:literal ..= $high:literal,
       $channel:ident from $from:ident $(by $sense:ident)?;)+) => {
        /// Every observable, in the order of [`Observable`]. Ranges are those of a battery system on 12 to 48 V
        /// and of the wire (P 2).
        pub(crate) const OBSERVED: &[Observed] = &[$(Observed {
            name: $name, which: Observable::$which, words: $words, kind: Kind::$kind,
            range: ($low as f64, $high as f64), channel: Channel::$channel, id: observables!(@$from),
            sense: observables!(@sense $($sense)?),
        }),+];
    };
    (@GX) => { None };
    (@sense) => { None };
    (@sense $sense:ident) => { Some(Sense::$sense) };
    (@$id:ident) => { Some(id::$id) };
}

observables! {
    "cvl"        Cvl,       "CVL",               Volts,   0 ..= 100, Cvl from LIMITS;
    "ccl"        Ccl,       "CCL",               Amps,    0 ..= 6553, Ccl from LIMITS;
    "dcl"        Dcl,       "DCL",               Amps,    0 ..= 6553, Dcl from LIMITS;
    "voltage"    Voltage,   "pack voltage",      Volts,   0 ..= 100, PackVoltage from MEASUREMENTS by Voltage;
    "current"    Current,   "battery current",   Amps,    -3276 ..= 3276, PackCurrent from MEASUREMENTS by Current;
    "soc"        Soc,       "SoC",               Percent, 0 ..= 100, Soc from STATE_OF_CHARGE by Charge;
    "cell-max"   CellMax,   "highest cell",      Volts,   0 ..= 5, MaxCell from CELLS by Cells;
    "cell-min"   CellMin,   "lowest cell",       Volts,   0 ..= 5, MinCell from CELLS by Cells;
    "bus"        Bus,       "DC bus",            Volts,   0 ..= 100, BusVoltage from GX;
    "pv-power"   PvPower,   "PV power",          Watts,   0 ..= 100_000, PvPower from GX;
    "grid-power" GridPower, "grid power",        Watts,   -100_000 ..= 100_000, GridPower from GX;
}

impl Observable {
    pub(crate) fn observed(self) -> &'static Observed {
        &OBSERVED[self as usize]
    }

    /// Whether it can be this at all.
    pub(crate) fn can_be(self, value: f64) -> bool {
        let (low, high) = self.observed().range;
        (low..=high).contains(&value)
    }
}

impl Kind {
    pub(crate) const fn unit(self) -> &'static str {
        match self {
            Self::Volts => Volts::UNIT,
            Self::Amps => Amps::UNIT,
            Self::Percent => Percent::UNIT,
            Self::Watts => Watts::UNIT,
        }
    }

    fn read(self, name: &str, node: &Node, reader: &mut Reader) -> Option<f64> {
        match self {
            Self::Volts => reader.quantity(name, Volts::EXPECTED, node).map(|Volts(v)| v),
            Self::Amps => reader.quantity(name, Amps::EXPECTED, node).map(|Amps(v)| v),
            Self::Percent => reader.quantity(name, Percent::EXPECTED, node).map(|Percent(v)| v),
            Self::Watts => reader.quantity(name, Watts::EXPECTED, node).map(|Watts(v)| v),
        }
    }
}

const ON_OFF: [(&str, bool); 2] = [("on", true), ("off", false)];
/// What `battery:` can be asked: online or not, or else full.
pub(super) const BATTERY: [(&str, Option<bool>); 3] =
    [("online", Some(true)), ("offline", Some(false)), ("full", None)];

/// Every key of a condition.
pub(super) fn names() -> Vec<&'static str> {
    let values = OBSERVED.iter().map(|o| o.name);
    values.chain(["inverter", "grid", "battery", "any", "all"]).collect()
}

impl Condition {
    /// Reads `{ soc: { at-least: 100 % } }`.
    pub(crate) fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let names = names();
        let (key, at, value) = reader.single("condition", node, &names)?;
        let test = match key {
            "inverter" => Test::Inverter(reader.word("inverter", &ON_OFF, value)?),
            "grid" => Test::Grid(reader.word("grid", &ON_OFF, value)?),
            "battery" => reader.word("battery", &BATTERY, value)?.map_or(Test::Full, Test::Battery),
            "any" => Test::Any(Self::read_list("any", at, value, reader)?),
            "all" => Test::All(Self::read_list("all", at, value, reader)?),
            "cvl" if value.as_text() == Some("lowered") => Test::CvlLowered,
            name => {
                let observed = OBSERVED.iter().find(|o| o.name == name)?;
                Test::Within(observed.which, Bounds::read(observed, value, reader)?)
            }
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
            Test::Within(which, _) => which.observed().id.is_none().then_some(Capability::Gx),
            Test::Inverter(_) | Test::Grid(_) => Some(Capability::Gx),
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
    fn read(observed: &Observed, node: &Node, reader: &mut Reader) -> Option<Self> {
        let name = observed.name;
        if node.entries().is_none() {
            let also = if name == "cvl" { "`lowered` or " } else { "" };
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
                let number = observed.kind.read(key, value, reader)?;
                let (low, high) = observed.range;
                if observed.which.can_be(number) {
                    return Some(number);
                }
                let unit = observed.kind.unit();
                reader.refuse(
                    value.at,
                    format!("{} is never {number} {unit}", observed.words),
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
            Test::Within(which, bounds) => {
                let observed = which.observed();
                let (unit, Bounds { at_least, at_most }) = (observed.kind.unit(), *bounds);
                if at_most == f64::INFINITY {
                    write!(f, "{} ≥ {at_least} {unit}", observed.words)
                } else if at_least == f64::NEG_INFINITY {
                    write!(f, "{} ≤ {at_most} {unit}", observed.words)
                } else {
                    write!(f, "{} within {at_least} … {at_most} {unit}", observed.words)
                }
            }
            Test::Inverter(on) => write!(f, "inverter {}", if *on { "on" } else { "off" }),
            Test::Grid(on) => write!(f, "grid {}", if *on { "on" } else { "off" }),
            Test::Battery(on) => write!(f, "battery {}", if *on { "online" } else { "offline" }),
            Test::Full => f.write_str("battery full"),
            Test::Any(items) => joined(items, "or", f),
            Test::All(items) => joined(items, "and", f),
        }
    }
}
