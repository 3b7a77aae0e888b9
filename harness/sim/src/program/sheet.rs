//! What a battery file says of its program.

use std::str::FromStr;
use std::time::Duration;

use engine::yaml::YamlError;
use files::{BatteryFile, Section};
use plant::sensors::SensorParams;
use proto::quantity::Micros;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Place, Program};

/// A battery that is a program.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "ProgramBattery")]
pub(crate) struct Sheet {
    /// the program that is its management system, see docs/program.md
    pub(super) program: ProgramSheet,
    /// how well it measures; left out: 0.1 mV, 10 mA and 0.1 °C are told apart, the noise is that of the models
    pub(super) sensors: Option<SensorParams>,
    /// strings of all its cells side by side, each with a share of the capacity, a contactor and an ammeter of its own
    #[serde(default = "one")]
    pub(super) modules: usize,
}

const fn one() -> usize {
    1
}

/// The most modules that a program manages.
const MOST_MODULES: usize = 32;

/// Where the program is and what it is made of. Either `command` or `connect`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ProgramSheet {
    /// the program and its arguments, started for each case without a shell in the folder of this file; a name without `/`
    /// is looked for in PATH
    command: Option<Vec<String>>,
    /// `host:port` at which it listens, one connection for each case
    connect: Option<String>,
    /// what else it is made of, relative to this file: hashed into the evidence
    #[serde(default)]
    files: Vec<String>,
    /// how long an answer may take on the clock of the wall; ten times as long for the first
    #[serde(default = "two_seconds")]
    within: Micros,
    /// the most address space that it may take, such as `4 GB`, or `unlimited`
    #[serde(default)]
    memory: Memory,
}

const fn two_seconds() -> Micros {
    Micros::from_secs(2)
}

/// A bound of memory, bytes; nothing for `unlimited`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
struct Memory(Option<u64>);

impl Default for Memory {
    fn default() -> Self {
        Self(Some(4_000_000_000))
    }
}

impl TryFrom<String> for Memory {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "unlimited" {
            return Ok(Self(None));
        }
        let units = [("GB", 1_000_000_000), ("MB", 1_000_000)];
        let of = |(unit, scale): &(&str, u64)| {
            let number = u64::from_str(text.strip_suffix(unit)?.trim()).ok()?;
            number.checked_mul(*scale).filter(|&bytes| bytes > 0)
        };
        let bytes = units.iter().find_map(of);
        let wrong = || {
            format!("`{text}` is no amount of memory, expected one such as `4 GB`, `512 MB` or `unlimited`")
        };
        bytes.map(|bytes| Self(Some(bytes))).ok_or_else(wrong)
    }
}

impl ProgramSheet {
    pub(super) fn parts(self) -> (Place, Duration, Option<u64>, Vec<String>) {
        let place = match (self.command, self.connect) {
            (None, Some(address)) => Place::Connect(address),
            (command, _) => Place::Command(command.unwrap_or_default()),
        };
        (place, Duration::from_micros(self.within.0), self.memory.0, self.files)
    }
}

impl Program {
    /// Reads `simulated:` of a battery that is a program. Whether the program is there is seen when a case starts: a run
    /// is judged without it.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub(crate) fn read(section: &Section, battery: &BatteryFile) -> Result<Self, YamlError> {
        let sheet: Sheet = section.read()?;
        let program = &sheet.program;
        let wrong = |key: &str, message: String, expected: &str| section.refuse(key, message, expected);
        match (&program.command, &program.connect) {
            (None, None) => {
                let what = "the program is nowhere".to_owned();
                return Err(wrong("program", what, "`command: [./bms]`, or `connect: 127.0.0.1:7777`"));
            }
            (Some(_), Some(_)) => {
                let what = "the program is in two places".to_owned();
                return Err(wrong("program.connect", what, "either `command` or `connect`"));
            }
            (Some(words), None) if words.first().is_none_or(String::is_empty) => {
                let what = "`command` names no program".to_owned();
                return Err(wrong(
                    "program.command",
                    what,
                    "a program and its arguments, such as `[./bms, --fast]`",
                ));
            }
            (None, Some(address)) if !is_address(address) => {
                let what = format!("`{address}` is no address");
                return Err(wrong("program.connect", what, "a host and a port, such as `127.0.0.1:7777`"));
            }
            _ => {}
        }
        if program.within < Micros::from_millis(1) || program.within > Micros::from_secs(600) {
            let what = format!("`within` is {}", program.within.span());
            return Err(wrong("program.within", what, "1 ms to 10 min"));
        }
        if !(1..=MOST_MODULES).contains(&sheet.modules) {
            let what = format!("`modules` is {}", sheet.modules);
            return Err(wrong("modules", what, &format!("1 to {MOST_MODULES}")));
        }
        if let Some((key, value)) = sheet.sensors.as_ref().and_then(SensorParams::nonsense) {
            return Err(wrong(key, format!("`{key}` is {value}"), "zero or more"));
        }
        Ok(Self::new(sheet, battery))
    }
}

fn is_address(text: &str) -> bool {
    text.rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
}
