//! One measured quantity as a row of the table, and the words that rows are put together with.

use core::fmt;

use super::{Channel, Instrument};
use crate::quantity::{AmpHours, Amps, BitRate, Celsius, Dimension, Percent, Volts, Watts};

/// What is known of a measured quantity.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// which one
    pub channel: Channel,
    /// what it is, with the sign where it has one
    pub meaning: &'static str,
    /// its name in files and evidence, such as `battery.voltage`
    pub key: &'static str,
    /// in words, such as `the battery voltage`
    pub words: &'static str,
    /// what its values are
    pub kind: Kind,
    /// which instrument tells it
    pub source: Source,
    /// the column of that instrument's file; nothing where it follows from others
    pub column: Option<&'static str>,
    /// what of the battery it repeats
    pub repeats: Option<Channel>,
    /// what the battery senses to tell it, and can be made to sense wrongly
    pub sense: Option<Sense>,
    /// how suites ask about it
    pub asked: Option<Asked>,
    /// where it is drawn
    pub lane: Option<(Lane, &'static str)>,
    /// a limit or an offer, far off at times
    pub is_limit: bool,
}

/// What values are.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// a number with a unit
    Number {
        /// of which quantity
        dimension: &'static Dimension,
        /// the least that it can be, in the base unit
        low: f64,
        /// the most
        high: f64,
    },
    /// yes (1) or no (0)
    Flag,
    /// one bit each, in the order of the alarms of 0x35A
    Mask,
    /// how many
    Count,
    /// one of a few states, by number
    State,
    /// a text of up to eight bytes, such as the name of a cell
    Text,
}

/// Which instrument tells a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// the battery, in frames with this identifier
    Battery(u16),
    /// the GX, in this block of a poll
    Gx(Block),
    /// the supply
    Supply,
    /// a meter beside the battery that takes nothing from it
    Witness(Instrument),
    /// the CAN interface of the harness
    Interface,
}

/// What a GX tells together, or not at all: the registers of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// the battery's own unit; absent when the GX has lost the battery
    Battery,
    /// the inverter/charger
    Inverter,
    /// the solar charger
    Solar,
    /// system and grid
    System,
}

/// What a battery senses, and the rig can make it sense wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// the voltage of the pack
    Voltage,
    /// voltages of cells
    Cells,
    /// the current
    Current,
    /// temperatures
    Temperature,
    /// the state of charge, which is counted from the current and set right by full and empty cells: the count never
    /// learns that it was misled
    Charge,
}

/// How suites ask about a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// its name in a condition, beside its key
    pub name: &'static str,
    /// in the words of a condition, such as `pack voltage ≥ 56 V`
    pub words: &'static str,
}

/// What is drawn together, over one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// voltages of the DC bus
    Voltage,
    /// voltages of cells
    Cells,
    /// the battery current
    Current,
    /// powers
    Power,
    /// the state of charge
    Charge,
}

/// In words, such as `battery, 0x356`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Battery(id) => return write!(f, "battery, 0x{id:03X}"),
            Self::Gx(Block::Battery | Block::System) => "GX",
            Self::Gx(Block::Inverter) => "inverter",
            Self::Gx(Block::Solar) => "solar charger",
            Self::Supply => "supply",
            Self::Witness(instrument) => instrument.words(),
            Self::Interface => "CAN interface",
        })
    }
}

impl Row {
    /// The unit of its values; empty where they have none.
    #[must_use]
    pub const fn unit(&self) -> &'static str {
        match self.kind {
            Kind::Number { dimension, .. } => dimension.unit,
            _ => "",
        }
    }

    /// The identifier of the frames of the battery that carry it.
    #[must_use]
    pub const fn frame(&self) -> Option<u16> {
        match self.source {
            Source::Battery(id) => Some(id),
            _ => None,
        }
    }

    /// Its name in a style sheet: the key with dashes.
    #[must_use]
    pub fn class(&self) -> String {
        self.key.replace('.', "-")
    }

    pub(super) const fn new(key: &'static str, words: &'static str, kind: Kind, source: Source) -> Self {
        Self {
            channel: Channel::Cvl,
            meaning: "",
            key,
            words,
            kind,
            source,
            column: None,
            repeats: None,
            sense: None,
            asked: None,
            lane: None,
            is_limit: false,
        }
    }

    pub(super) const fn battery(key: &'static str, words: &'static str, kind: Kind, id: u16) -> Self {
        Self::new(key, words, kind, Source::Battery(id))
    }

    pub(super) const fn gx(key: &'static str, words: &'static str, kind: Kind, block: Block) -> Self {
        Self::new(key, words, kind, Source::Gx(block))
    }

    pub(super) const fn supply(key: &'static str, words: &'static str, kind: Kind) -> Self {
        Self::new(key, words, kind, Source::Supply)
    }

    pub(super) const fn witness(
        key: &'static str,
        words: &'static str,
        kind: Kind,
        from: Instrument,
    ) -> Self {
        Self::new(key, words, kind, Source::Witness(from))
    }

    pub(super) const fn interface(key: &'static str, words: &'static str, kind: Kind) -> Self {
        Self::new(key, words, kind, Source::Interface)
    }

    pub(super) const fn column(self, name: &'static str) -> Self {
        Self { column: Some(name), ..self }
    }

    pub(super) const fn repeats(self, channel: Channel) -> Self {
        Self { repeats: Some(channel), ..self }
    }

    pub(super) const fn sensed(self, sense: Sense) -> Self {
        Self { sense: Some(sense), ..self }
    }

    pub(super) const fn asked(self, name: &'static str, words: &'static str) -> Self {
        Self { asked: Some(Asked { name, words }), ..self }
    }

    pub(super) const fn lane(self, lane: Lane, name: &'static str) -> Self {
        Self { lane: Some((lane, name)), ..self }
    }

    pub(super) const fn limit(self) -> Self {
        Self { is_limit: true, ..self }
    }
}

macro_rules! numbers { ($($make:ident $unit:ident;)+) => { $(
    pub(super) const fn $make(low: f64, high: f64) -> Kind {
        Kind::Number { dimension: &$unit::DIMENSION, low, high }
    }
)+ } }
numbers! {
    volts Volts;
    amps Amps;
    watts Watts;
    percent Percent;
    celsius Celsius;
    amp_hours AmpHours;
    kbit_s BitRate;
}
