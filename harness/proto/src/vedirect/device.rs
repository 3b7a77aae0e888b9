//! What is known of an instrument after some blocks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::block::{Block, Said};
use super::hex::{Answer, Hex};
use super::product::{Family, Product};
use super::register::{Raw, Register};
use crate::channel::{Channel, Instrument, Kind};
use crate::samples::Samples;

/// What the auxiliary input of a battery monitor is set to. Labels of the others are not told, or as `---`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Auxiliary {
    /// the voltage of a starter battery, label `VS`
    Starter,
    /// the voltage of the middle of the bank, label `VM`
    Midpoint,
    /// the temperature of the battery, label `T`
    Temperature,
}

impl Auxiliary {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Starter => "a starter battery",
            Self::Midpoint => "the middle of the bank",
            Self::Temperature => "a temperature sensor",
        }
    }

    /// By the labels of a block; nothing where it tells none of them.
    fn of(block: &Block) -> Option<Self> {
        [("VM", Self::Midpoint), ("VS", Self::Starter), ("T", Self::Temperature)]
            .into_iter()
            .find_map(|(label, auxiliary)| block.number(label).map(|_| auxiliary))
    }
}

/// An instrument, as far as its blocks told. What it says of itself stands in some blocks only.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Device {
    /// its product id; a BMV-600 sends none
    pub product: Option<Product>,
    /// what it is, by its product id, or by its labels where that is not known
    pub family: Option<Family>,
    /// its model, as battery monitors call themselves, such as `712 Smart`
    pub model: Option<String>,
    /// its firmware as sent, such as `0308`; digits of a 24-bit one, such as `316FF`
    pub firmware: Option<String>,
    /// its serial number; battery monitors send none
    pub serial: Option<String>,
    /// what a DC meter measures. One that is not 0 is no battery monitor, and none of its values are told
    pub measures: Option<i8>,
    /// what the auxiliary input of a battery monitor is set to, by the value that it told of it
    pub auxiliary: Option<Auxiliary>,
    /// seconds since it started, where that was asked for or told
    pub uptime: Option<u32>,
    /// how often it started anew, seen by a shorter time since it started
    pub resets: u32,
}

impl Device {
    /// Takes a block. Gives what it tells of quantities; nothing where that is none of them.
    pub fn take(&mut self, block: &Block) -> Option<Samples> {
        self.learn(block);
        let (family, mut said) = self.samples()?;
        for field in block.fields() {
            let Some(channel) = field.label().and_then(|label| label.tells(family)) else { continue };
            match field.said() {
                Some(Said::Number(value)) => tell(&mut said, channel, value),
                Some(Said::Word(word)) => tell(&mut said, channel, f64::from(word)),
                _ => {}
            }
        }
        (!said.is_empty()).then_some(said)
    }

    /// Takes a HEX frame in the same way.
    pub fn take_hex(&mut self, hex: &Hex) -> Option<Samples> {
        let Answer::Register { register, value, .. } = hex.answer() else { return None };
        let row = Register::of(register)?;
        let number = row.number(value)?;
        if row.id == UPTIME {
            let seconds = number as u32;
            self.resets += u32::from(self.uptime.is_some_and(|before| seconds < before));
            self.uptime = Some(seconds);
        }
        let (family, mut said) = self.samples()?;
        tell(&mut said, row.tells(family).filter(|_| row.raw != Raw::Text)?, number);
        (!said.is_empty()).then_some(said)
    }

    /// The instrument of the table of quantities that it is; nothing where it is none that tells of a battery.
    #[must_use]
    pub fn instrument(&self) -> Option<Instrument> {
        match self.family? {
            Family::Monitor if self.measures.is_some_and(|measures| measures != 0) => None,
            Family::Monitor => Some(Instrument::Shunt),
            Family::Solar | Family::Charger => Some(Instrument::Charger),
            Family::Inverter => Some(Instrument::Converter),
        }
    }

    fn samples(&self) -> Option<(Family, Samples)> {
        Some((self.family?, Samples::new(self.instrument()?)))
    }

    fn learn(&mut self, block: &Block) {
        let text = |name| match block.said(name) {
            Some(Said::Text(text)) => Some(crate::text::plain(text).into_owned()),
            _ => None,
        };
        let keep = |field: &mut Option<String>, new: Option<String>| {
            if new.is_some() {
                *field = new;
            }
        };
        if let Some(Said::Word(id)) = block.said("PID")
            && let Ok(id) = u16::try_from(id)
        {
            if self.product != Some(Product(id)) {
                // Another instrument on the same port: nothing of the one before holds.
                *self = Self::default();
            }
            self.product = Some(Product(id));
        }
        keep(&mut self.model, text("BMV"));
        keep(&mut self.firmware, text("FWE").or_else(|| text("FW")));
        keep(&mut self.serial, text("SER#"));
        self.auxiliary = Auxiliary::of(block).or(self.auxiliary);
        if let Some(measures) = block.number("MON") {
            self.measures = Some(measures as i8);
        }
        let by_id = self.product.and_then(Product::family);
        self.family = by_id.or(self.family).or_else(|| by_labels(block));
    }
}

/// Seconds since the instrument started.
const UPTIME: u16 = 0x0120;

/// What an instrument without a known id is.
fn by_labels(block: &Block) -> Option<Family> {
    let has = |name| block.get(name).is_some();
    if has("AC_OUT_V") {
        Some(Family::Inverter)
    } else if has("SOC") || has("BMV") {
        Some(Family::Monitor)
    } else if has("VPV") || has("PPV") {
        Some(Family::Solar)
    } else if has("CS") && has("I") {
        Some(Family::Charger)
    } else {
        None
    }
}

/// A value that the quantity can be; of bits, those that a word holds.
fn tell(said: &mut Samples, channel: Channel, value: f64) {
    let value = match channel.row().kind {
        Kind::Number { .. } => value,
        _ => f64::from(value as u32 as u16),
    };
    if channel.can_be(value) {
        said.tell(channel, value);
    }
}
