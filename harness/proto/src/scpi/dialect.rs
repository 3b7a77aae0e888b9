//! How the simulated supply of a family answers: headers in SCPI notation with what they are about, and how it writes.
//!
//! A profile carries it beside the words that are sent (`simulated:`). It is written after the manual, apart from them, in
//! both forms of every word, so that a wrong word in the profile shows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Alarm, Terminator};
use crate::quantity::Micros;

/// How a simulated supply answers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dialect {
    /// maker, model, serial number, firmware
    pub identity: String,
    /// what ends a line, either way
    #[serde(default)]
    pub ends_with: Terminator,
    /// every line that it is sent comes back first
    #[serde(default)]
    pub echoes: bool,
    /// printed behind every answer, and behind a command that has none
    #[serde(default)]
    pub prompt: String,
    /// every command is answered with `OK` or a code
    #[serde(default)]
    pub acknowledges: bool,
    /// nothing is heard before the address
    #[serde(default)]
    pub is_addressed: bool,
    /// settings need remote control first
    #[serde(default)]
    pub needs_remote: bool,
    /// an empty error queue
    #[serde(default = "no_error")]
    pub no_error: String,
    /// how numbers are written
    #[serde(default)]
    pub numbers: Numbers,
    /// ON and OFF, or 1 and 0
    #[serde(default)]
    pub states_in_words: bool,
    /// YES and NO, or 1 and 0
    #[serde(default)]
    pub trips_in_words: bool,
    /// the over-current protection trips in constant current
    #[serde(default)]
    pub folds_back: bool,
    /// clearing a trip restores the output, unless it was switched off since
    #[serde(default)]
    pub clearing_resumes: bool,
    /// clearing a trip switches the output on, whatever was before
    #[serde(default)]
    pub clearing_energises: bool,
    /// switching on clears a trip
    #[serde(default)]
    pub clears_by_switching_on: bool,
    /// reading the queue clears a trip
    #[serde(default)]
    pub reading_errors_clears: bool,
    /// from a command for the output to when its relay does it, and it says so
    #[serde(default)]
    pub relay: Micros,
    /// its power limit is 0 W after power-on
    #[serde(default)]
    pub starts_without_power: bool,
    /// bits of the register of what has tripped
    #[serde(default)]
    pub alarm_bits: BTreeMap<Alarm, u8>,
    /// sets of headers that many families share
    #[serde(default)]
    pub sets: Vec<HeaderSet>,
    /// headers of its own
    #[serde(default)]
    pub headers: BTreeMap<String, Does>,
}

fn no_error() -> String {
    "0,\"No error\"".to_owned()
}

/// How a family writes numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Numbers {
    /// `48.000`
    #[default]
    Plain,
    /// `48.00 V`
    WithUnit,
    /// `4.80000E+01`
    Exponent,
}

/// Headers that many families share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeaderSet {
    /// IEEE 488.2 and what SCPI-99 demands of everyone
    Common,
    /// settings and measurements of SCPI-99 Vol. 2
    Source,
    /// the output of SCPI-99 Vol. 2
    Output,
    /// remote control
    Remote,
    /// levels of protections and one command that clears
    Levels,
    /// protections that are asked one by one
    Trips,
}

impl HeaderSet {
    const fn words(self) -> &'static [(&'static str, Does)] {
        match self {
            Self::Common => COMMON,
            Self::Source => SOURCE,
            Self::Output => OUTPUT,
            Self::Remote => REMOTE,
            Self::Levels => LEVELS,
            Self::Trips => TRIPS,
        }
    }
}

/// What a header is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Does {
    /// `*IDN?`
    Identity,
    /// serial number alone
    SerialNumber,
    /// firmware alone
    Revision,
    /// chooses who is spoken to on a shared line
    Address,
    /// event register of IEEE 488.2
    Events,
    /// `*CLS`
    ClearStatus,
    /// `*OPC?`
    Complete,
    /// oldest entry of the error queue
    Errors,
    /// voltage setting
    Voltage,
    /// current limit
    Current,
    /// power limit
    Power,
    /// level of a protection
    OverVoltage,
    /// level of a protection
    OverCurrent,
    /// level of a protection
    OverPower,
    /// level of a protection, with `,ON` behind it
    LimitVoltage,
    /// level of a protection, with `,ON` behind it
    LimitCurrent,
    /// whether a protection is active
    GuardVoltage,
    /// whether a protection is active
    GuardCurrent,
    /// the change that trips: into constant current (CC), into constant voltage (CV), or none (OFF)
    Foldback,
    /// output on or off
    Output,
    /// CV or CC
    Mode,
    /// remote control
    Remote,
    /// control at the front panel
    Local,
    /// remote control on or off
    Lock,
    /// remote control as REMote or LOCal
    LockWord,
    /// who has control
    LockOwner,
    /// measured voltage
    MeasureVoltage,
    /// measured current
    MeasureCurrent,
    /// measured power
    MeasurePower,
    /// register of what has tripped, decimal
    Questionable,
    /// register of what has tripped, hexadecimal
    Fault,
    /// one trip; as a command, clears
    TrippedVoltage,
    /// one trip; as a command, clears
    TrippedCurrent,
    /// what is measured, three flags of trips and the mode, as one answer of seven fields (OWON)
    Everything,
    /// register of what has tripped, output and mode, as one answer of three fields (Chroma)
    Status,
    /// clears every trip
    Clear,
    /// watchdog on or off
    Watchdog,
    /// seconds that it waits
    WatchdogDelay,
    /// `SET,milliseconds` or `STOP`
    WatchdogSet,
    /// the most that it can
    RatedVoltage,
    /// the most that it can
    RatedCurrent,
    /// the most that it can
    RatedPower,
    /// taken without effect
    Quiet,
}

impl Dialect {
    /// Every header in SCPI notation with what it is about; the first that fits counts.
    pub fn words(&self) -> impl Iterator<Item = (&str, Does)> {
        let own = self.headers.iter().map(|(header, does)| (header.as_str(), *does));
        self.sets.iter().flat_map(|set| set.words().iter().copied()).chain(own)
    }

    /// Whether something is always so, because no header switches it.
    #[must_use]
    pub fn is_fixed(&self, does: Does) -> bool {
        self.words().all(|(_, known)| known != does)
    }
}

/// IEEE 488.2 and what SCPI-99 demands of everyone.
const COMMON: &[(&str, Does)] = &[
    ("*IDN", Does::Identity),
    ("*ESR", Does::Events),
    ("*CLS", Does::ClearStatus),
    ("*OPC", Does::Complete),
    ("SYSTem:ERRor[:NEXT]", Does::Errors),
];

/// SCPI-99 Vol. 2: SOURce, OUTPut and MEASure.
const SOURCE: &[(&str, Does)] = &[
    ("[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]", Does::Voltage),
    ("[SOURce:]CURRent[:LEVel][:IMMediate][:AMPLitude]", Does::Current),
    ("MEASure[:SCALar]:VOLTage[:DC]", Does::MeasureVoltage),
    ("MEASure[:SCALar]:CURRent[:DC]", Does::MeasureCurrent),
    ("MEASure[:SCALar]:POWer[:DC]", Does::MeasurePower),
];
const OUTPUT: &[(&str, Does)] = &[("OUTPut[:STATe]", Does::Output)];
const REMOTE: &[(&str, Does)] = &[("SYSTem:REMote", Does::Remote), ("SYSTem:LOCal", Does::Local)];
/// Levels and one command that clears.
const LEVELS: &[(&str, Does)] = &[
    ("[SOURce:]VOLTage:PROTection[:LEVel]", Does::OverVoltage),
    ("[SOURce:]CURRent:PROTection[:LEVel]", Does::OverCurrent),
    ("STATus:QUEStionable:CONDition", Does::Questionable),
    ("OUTPut:PROTection:CLEar", Does::Clear),
];
/// Protections that are asked one by one.
const TRIPS: &[(&str, Does)] = &[
    ("[SOURce:]VOLTage:PROTection[:LEVel]", Does::OverVoltage),
    ("[SOURce:]VOLTage:PROTection:STATe", Does::GuardVoltage),
    ("[SOURce:]VOLTage:PROTection:TRIPped", Does::TrippedVoltage),
    ("[SOURce:]VOLTage:PROTection:CLEar", Does::Clear),
    ("[SOURce:]CURRent:PROTection[:LEVel]", Does::OverCurrent),
    ("[SOURce:]CURRent:PROTection:STATe", Does::GuardCurrent),
    ("[SOURce:]CURRent:PROTection:TRIPped", Does::TrippedCurrent),
    ("[SOURce:]CURRent:PROTection:CLEar", Does::Clear),
];
