//! A battery that is a program, `simulated: { program: … }`: whatever decides what a management system decides, written
//! in any language, in lockstep with the simulated world. `docs/program.md` is its protocol, `busbar-bms/1`.

mod hello;
mod kept;
mod kin;
mod link;
mod load;
mod made_of;
mod one_cpu;
mod process;
mod sheet;
mod tail;
mod talk;
mod words;

use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::MutexGuard;
use std::time::Duration;

use evidence::manifest::sha256;
use files::BatteryFile;
use judge::battery::Battery;
use plant::management::{Design, Installed, Management, ManagementError};
use plant::sensors::SensorParams;

use hello::Hello;
pub(crate) use kept::Account;
use kept::Kept;
use link::Link;
use made_of::MadeOf;
use one_cpu::Together;
use process::Process;
pub(crate) use sheet::Sheet;
use talk::Talk;

/// A program that is the management system of a battery.
#[derive(Debug, Clone)]
pub struct Program {
    place: Place,
    /// where `command` and `files` are looked for, and where it runs
    folder: PathBuf,
    made_of: MadeOf,
    within: Duration,
    /// the most of address space, in bytes
    memory: Option<u64>,
    sensors: SensorParams,
    modules: usize,
    /// the data sheet, as JSON
    declared: String,
    /// of the bus, bit/s
    bit_rate: u32,
    kept: Kept,
    hello: Hello,
    /// nothing but the harness decides when it has its turn, so that both may share a CPU
    in_turn: bool,
    together: Together,
}

/// Where a program is.
#[derive(Debug, Clone, PartialEq)]
enum Place {
    /// a file that is started for each case
    Command(Vec<String>),
    /// a host and a port at which it listens, one connection for each case
    Connect(String),
}

impl Program {
    fn new(sheet: Sheet, battery: &BatteryFile) -> Self {
        let folder = if battery.folder.as_os_str().is_empty() { Path::new(".") } else { &battery.folder };
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let (place, within, memory, files) = sheet.program.parts();
        let made_of = MadeOf::new(&folder, &place, &files);
        Self {
            place,
            folder,
            made_of,
            within,
            memory,
            sensors: sheet.sensors.unwrap_or(FINE),
            modules: sheet.modules,
            declared: declared(&battery.declared, battery.chemistry),
            bit_rate: 0,
            kept: Kept::default(),
            hello: Hello::default(),
            in_turn: false,
            together: Together::default(),
        }
    }

    /// The same on a bus of this bit rate.
    pub(crate) fn on(&mut self, bit_rate: u32) {
        self.bit_rate = bit_rate;
    }

    /// The same with an account of its own, for one bench in virtual time.
    pub(crate) fn apart(&mut self) {
        self.kept = Kept::default();
        self.in_turn = true;
    }

    /// What is known of it in this case.
    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        self.kept.open()
    }

    /// Why it is not started again, where it was started and has never said hello.
    pub(crate) fn never_said_hello(&self) -> Option<String> {
        self.hello.never_said().map(|why| format!("{why}; it is not started again in this run"))
    }

    /// The next case starts it again, whether it has ever said hello or not.
    pub(crate) fn anew(&self) {
        self.hello.forget();
    }

    /// What it is made of, as `sha256sum` writes it: a hash, two spaces and a file in each line.
    #[must_use]
    pub fn made_of(&self) -> String {
        self.made_of.sums()
    }

    fn open(&self) -> Result<(Link, Option<Process>), String> {
        match &self.place {
            Place::Command(words) => {
                let (program, arguments) = words.split_first().ok_or("`command` is empty")?;
                let program = made_of::program(&self.folder, program);
                let failed = |error| process::not_started(&program, &error);
                let (process, (to, from, errors)) =
                    Process::start(&program, arguments, &self.folder, self.memory).map_err(failed)?;
                Ok((Link::new(to, from, Some(errors)).map_err(failed)?, Some(process)))
            }
            Place::Connect(address) => {
                let failed = |error| {
                    format!(
                        "no connection to {address}: {error}; start the program first, it must listen there"
                    )
                };
                let mut addresses = address.to_socket_addrs().map_err(failed)?;
                let first = addresses.next().ok_or_else(|| format!("{address} has no address"))?;
                let stream = TcpStream::connect_timeout(&first, 10 * self.within).map_err(failed)?;
                stream.set_nodelay(true).map_err(failed)?;
                let from = stream.try_clone().map_err(failed)?;
                Ok((Link::new(OwnedFd::from(stream), OwnedFd::from(from), None).map_err(failed)?, None))
            }
        }
    }
}

impl Design for Program {
    fn sensors(&self) -> &SensorParams {
        &self.sensors
    }

    fn modules(&self) -> usize {
        self.modules
    }

    fn start(&self, battery: &Installed) -> Result<Box<dyn Management>, ManagementError> {
        self.kept.open().begin();
        // What is started from now on inherits where this thread may run.
        let shares = self.in_turn && matches!(self.place, Place::Command(_));
        let share = shares.then(|| self.together.take()).flatten();
        let ends = self.open().map_err(|what| {
            let what = format!("the battery's program: {what}");
            self.kept.open().line(&format!("{{\"t\":0,\"ended\":{}}}\n", kept::quoted(&what)));
            self.hello.missing(&what);
            ManagementError::Failed(what)
        })?;
        let facts = (self.declared.as_str(), self.bit_rate);
        let (talk, name) = Talk::begin(ends, facts, battery, &self.kept, self.within)
            .inspect_err(|error| self.hello.missing(&error.to_string()))?;
        self.hello.said();
        let talk = talk.sharing(share);
        self.kept.open().identity = Some(self.identity(&name));
        Ok(Box::new(talk))
    }
}

impl Program {
    /// Who it says it is, and what it is made of.
    fn identity(&self, name: &str) -> String {
        let name = if name.is_empty() { "without a name" } else { name };
        let at = match &self.place {
            Place::Connect(address) => format!(", reached at {address}: its executable is not known"),
            Place::Command(_) => String::new(),
        };
        let sums = self.made_of.sums();
        let (one, files) = match sums.lines().collect::<Vec<_>>().as_slice() {
            [] => (String::new(), String::new()),
            [line] => (format!(", sha256 {line}"), String::new()),
            lines => (format!(", sha256 {} of", sha256(sums.as_bytes())), format!(" {}", lines.join(", "))),
        };
        format!("{name}{at}{one}{files}")
    }
}

/// What a program reads at least tells apart 0.1 mV, 10 mA and 0.1 °C.
const FINE: SensorParams = SensorParams {
    cell_noise: proto::quantity::Volts(0.0005),
    pack_noise: proto::quantity::Volts(0.005),
    pack_offset: proto::quantity::Volts(0.0),
    current_noise: proto::quantity::Amps(0.05),
    current_offset: proto::quantity::Amps(0.0),
    cell_step: proto::quantity::Volts(0.0001),
    pack_step: proto::quantity::Volts(0.01),
    current_step: proto::quantity::Amps(0.01),
    temperature_step: proto::quantity::Celsius(0.1),
};

/// The data sheet as a program is told it.
fn declared(sheet: &Battery, chemistry: Option<proto::chemistry::Chemistry>) -> String {
    serde_json::json!({
        "name": sheet.name,
        "chemistry": chemistry.map_or("lfp", proto::chemistry::Chemistry::name),
        "cells": sheet.cells,
        "capacity_Ah": sheet.capacity.0,
        "max_charge_voltage_V": sheet.max_charge_voltage.0,
        "min_voltage_V": sheet.min_voltage.0,
        "cell_over_voltage_V": sheet.cell_over_voltage.0,
        "cell_under_voltage_V": sheet.cell_under_voltage.0,
        "max_charge_current_A": sheet.max_charge_current.0,
        "max_discharge_current_A": sheet.max_discharge_current.0,
        "max_temperature_C": sheet.max_temperature.0,
    })
    .to_string()
}
