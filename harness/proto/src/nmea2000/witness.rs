//! Which quantities a source tells: by what it is, and by the instances in its messages as the tables of `D` have them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::message::{Message, Value};
use super::{Name, Node, VICTRON};
use crate::channel::{Channel, Instrument};
use crate::quantity::Micros;
use crate::samples::Samples;

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Device")]
pub enum Role {
    /// BMV or SmartShunt behind its interface
    Monitor,
    /// Lynx Shunt VE.Can
    LynxShunt,
    /// Lynx Ion: a battery with a shunt of its own, told from a Lynx Shunt by its product only
    LynxIon,
    /// MPPT with VE.Can
    Solar,
    /// Skylla-i
    Charger,
    /// VE.Bus interface
    VeBus,
}

/// Which side of a VE.Bus product a source tells of in 65013 and 65014. The document has the AC input from the source with
/// function 154; by the names of NMEA 2000, 153 would be it. One of them swaps import and load, so it is set for each source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AcSide {
    /// AC input: grid or generator
    Input,
    /// AC output: loads
    Output,
}

/// What an instance means.
#[derive(Debug)]
pub struct Instance {
    /// of which product
    pub role: Role,
    /// in which message
    pub pgn: u32,
    /// the instances
    pub instances: (u8, u8),
    /// what is told under it
    pub meaning: &'static str,
    /// the quantities of its fields, by name
    pub tells: &'static [(&'static str, Channel)],
}

const SHUNT: &[(&str, Channel)] = &[
    ("voltage", Channel::ShuntVoltage),
    ("current", Channel::ShuntCurrent),
    ("temperature", Channel::ShuntTemperature),
];
const CHARGER: &[(&str, Channel)] =
    &[("voltage", Channel::ChargerVoltage), ("current", Channel::ChargerCurrent)];
const CHARGE: &[(&str, Channel)] = &[("state of charge", Channel::ShuntSoc)];
const CONVERTER: &[(&str, Channel)] =
    &[("voltage", Channel::ConverterVoltage), ("current", Channel::ConverterCurrent)];

const fn of(
    role: Role,
    pgn: u32,
    first: u8,
    last: u8,
    meaning: &'static str,
    tells: &'static [(&'static str, Channel)],
) -> Instance {
    Instance { role, pgn, instances: (first, last), meaning, tells }
}

/// The tables of `D`, "Canbus PGN overview per product". Instances can be changed in the field.
pub static INSTANCES: &[Instance] = &[
    of(Role::Monitor, 127_508, 0, 0, "battery", SHUNT),
    of(Role::Monitor, 127_508, 1, 1, "starter battery", &[]),
    of(Role::Monitor, 127_506, 0, 0, "battery", CHARGE),
    of(Role::Monitor, 127_501, 0, 0, "relay and alarms", &[]),
    of(Role::LynxShunt, 127_508, 0, 0, "battery, before the fuse", SHUNT),
    of(Role::LynxShunt, 127_508, 1, 1, "battery, behind the fuse", &[]),
    of(Role::LynxShunt, 127_506, 0, 0, "battery", CHARGE),
    of(Role::LynxShunt, 127_501, 0, 0, "relay and alarms", &[]),
    of(Role::LynxIon, 127_508, 0, 0, "battery pack", SHUNT),
    of(Role::LynxIon, 127_508, 1, 1, "lowest cell", &[]),
    of(Role::LynxIon, 127_508, 2, 2, "highest cell", &[]),
    of(Role::LynxIon, 127_508, 10, 25, "battery of the pack", &[]),
    of(Role::LynxIon, 127_506, 0, 0, "battery pack", CHARGE),
    of(Role::Solar, 127_508, 0, 0, "battery", CHARGER),
    of(Role::Solar, 127_508, 1, 1, "PV", &[("voltage", Channel::ChargerPvVoltage)]),
    of(Role::Solar, 127_501, 0, 0, "relay and alarms", &[]),
    of(Role::Charger, 127_508, 0, 0, "output 1", CHARGER),
    of(Role::Charger, 127_508, 1, 1, "output 2", &[]),
    of(Role::Charger, 127_508, 2, 2, "output 3", &[]),
    of(Role::Charger, 127_501, 0, 0, "relay and alarms", &[]),
    of(Role::VeBus, 127_508, 0, 0, "battery", CONVERTER),
    of(Role::VeBus, 127_501, 0, 0, "warnings and alarms", &[]),
    of(Role::VeBus, 127_501, 1, 1, "LEDs", &[]),
];

impl Role {
    /// What a source is by what it says of itself. A rig file that names it goes before.
    #[must_use]
    pub fn of(node: &Node) -> Option<Self> {
        let by_model = |model: &str| {
            let words: [(&str, Self); 9] = [
                ("BMV", Self::Monitor),
                ("SmartShunt", Self::Monitor),
                ("Lynx Shunt", Self::LynxShunt),
                ("Lynx Ion", Self::LynxIon),
                ("MPPT", Self::Solar),
                ("Skylla", Self::Charger),
                ("VE.Bus", Self::VeBus),
                ("Multi", Self::VeBus),
                ("Quattro", Self::VeBus),
            ];
            words.into_iter().find(|(word, _)| model.contains(word)).map(|(_, role)| role)
        };
        let by_function = |name: &Name| match (name.manufacturer(), name.class(), name.function()) {
            (VICTRON, 35, 142) => Some(Self::Solar),
            (VICTRON, 35, 153 | 154) => Some(Self::VeBus),
            (VICTRON, 35, 160) => Some(Self::Charger),
            // A battery monitor and a battery claim as the same: only the product tells.
            _ => None,
        };
        let model = node.model.as_deref();
        model.and_then(by_model).or_else(|| node.name.as_ref().and_then(by_function))
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Monitor => "battery monitor",
            Self::LynxShunt => "Lynx Shunt",
            Self::LynxIon => "Lynx Ion",
            Self::Solar => "solar charger",
            Self::Charger => "charger",
            Self::VeBus => "VE.Bus product",
        }
    }

    /// The instrument of the table of quantities.
    #[must_use]
    pub const fn instrument(self) -> Instrument {
        match self {
            Self::Monitor | Self::LynxShunt | Self::LynxIon => Instrument::Shunt,
            Self::Solar | Self::Charger => Instrument::Charger,
            Self::VeBus => Instrument::Converter,
        }
    }
}

/// Whether a source is a GX, which repeats what the battery said and is no witness.
impl Node {
    /// By its model.
    #[must_use]
    pub fn is_gx(&self) -> bool {
        self.model.as_deref().is_some_and(|model| model.contains("GX") || model.contains("Venus"))
    }
}

/// One source that is listened to.
#[derive(Debug, Clone)]
pub struct Witness {
    /// what it is
    pub role: Role,
    /// the side of 65013 and 65014; what is not set is not told
    pub ac: Option<AcSide>,
    /// what is added to the instances of its messages, where they were changed
    pub instance: u8,
    /// the instances that it calls battery and solar cell, where it does
    told: [Option<u8>; 2],
    /// the latest real power of each phase
    phases: [Option<(Micros, f64)>; 3],
}

/// A phase that was silent for longer is not counted.
const FRESH: Micros = Micros(5_000_000);
const KELVIN: f64 = 273.15;

impl Witness {
    /// A source of this kind, its instances as the document has them.
    #[must_use]
    pub const fn new(role: Role, ac: Option<AcSide>) -> Self {
        Self { role, ac, instance: 0, told: [None; 2], phases: [None; 3] }
    }

    /// Takes a message of its source; says what that tells.
    pub fn take(&mut self, at: Micros, message: &Message) -> Option<Samples> {
        let mut said = Samples::new(self.role.instrument());
        let mut tell = |channel: Channel, value: f64| {
            if channel.can_be(value) && channel.row().source.instrument() == Some(said.from()) {
                said.tell(channel, value);
            }
        };
        let pgn = message.id.pgn;
        match pgn {
            127_506 | 127_508 => {
                let told = message.number("instance")? as u8;
                // Which is the battery and which is PV, also where instances were changed (D, BlueSolar MPPT).
                match message.number("dc type").filter(|_| self.role == Role::Solar) {
                    Some(0.0) => self.told[0] = Some(told),
                    Some(3.0) => self.told[1] = Some(told),
                    _ => {}
                }
                let instance = match self.told.iter().position(|known| *known == Some(told)) {
                    Some(known) => known as u8,
                    None => told.checked_sub(self.instance)?,
                };
                let row = self.row(message, instance)?;
                for &(field, channel) in row.tells {
                    let Some(value) = message.number(field) else { continue };
                    tell(channel, if field == "temperature" { value - KELVIN } else { value });
                }
                if row.meaning == "PV"
                    && let Some((volts, amps)) = message.number("voltage").zip(message.number("current"))
                {
                    tell(Channel::ChargerPvPower, volts * amps);
                }
            }
            127_507 => tell(Channel::ChargerState, charger_state(message.value_of("operating state")?)?),
            127_509 => tell(Channel::ConverterState, inverter_state(message.value_of("operating state")?)?),
            61_184 => {
                let (register, value) = message.register()?;
                // On a VE.Bus interface this register is another thing: its error.
                let channel = match (register, self.role) {
                    (0xEEFF, Role::Monitor | Role::LynxShunt) => Channel::ShuntConsumed,
                    (0x2001, Role::Solar | Role::Charger) => Channel::ChargerVoltageLimit,
                    (0x2015, Role::Solar | Role::Charger) => Channel::ChargerCurrentLimit,
                    _ => return None,
                };
                let row = crate::vedirect::Register::of(register)?;
                tell(channel, Message::register_number(row, value)?);
            }
            65_007 | 65_010 | 65_013 => {
                let phase = (65_013 - pgn) / 3;
                self.phases[phase as usize] = message.number("real power").map(|watts| (at, watts));
                let fresh =
                    self.phases.iter().flatten().filter(|(then, _)| at.0.saturating_sub(then.0) <= FRESH.0);
                // One sum a second, with the first phase.
                if phase == 0 && self.phases[0].is_some() {
                    let watts = fresh.map(|(_, watts)| watts).sum();
                    match self.ac? {
                        AcSide::Input => tell(Channel::ConverterAcIn, watts),
                        AcSide::Output => tell(Channel::ConverterAcOut, watts),
                    }
                }
            }
            65_014 if self.ac == Some(AcSide::Output) => {
                for (field, channel) in [
                    ("line-neutral voltage", Channel::ConverterAcOutVoltage),
                    ("current", Channel::ConverterAcOutCurrent),
                ] {
                    if let Some(value) = message.number(field) {
                        tell(channel, value);
                    }
                }
            }
            _ => {}
        }
        (!said.is_empty()).then_some(said)
    }

    fn row(&self, message: &Message, instance: u8) -> Option<&'static Instance> {
        INSTANCES.iter().find(|row| {
            (row.role, row.pgn) == (self.role, message.id.pgn)
                && (row.instances.0..=row.instances.1).contains(&instance)
        })
    }
}

/// As the state of VE.Direct; nothing of what that has not.
fn charger_state(value: Value) -> Option<f64> {
    let Value::Word(code, _) = value else { return None };
    [(0, 0.0), (1, 3.0), (2, 4.0), (4, 7.0), (5, 5.0), (8, 0.0), (9, 2.0)]
        .into_iter()
        .find(|&(known, _)| known == code)
        .map(|(_, state)| state)
}

/// The same of an inverter.
fn inverter_state(value: Value) -> Option<f64> {
    let Value::Word(code, _) = value else { return None };
    [(0, 9.0), (1, 8.0), (2, 1.0), (3, 2.0), (4, 0.0)]
        .into_iter()
        .find(|&(known, _)| known == code)
        .map(|(_, state)| state)
}
