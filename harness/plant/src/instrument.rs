//! A supply that is not there: fed with bytes, it answers with bytes, in the dialect of a family of supplies. It reads
//! no clock: the time is told to it.
//!
//! Its [`Dialect`] stands in the profile of the family.

mod answer;
mod header;
mod physics;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use proto::quantity::{Amps, Micros, Ohms, Volts, VoltsPerSecond, Watts};

use proto::scpi::{Alarm, Dialect, Does};

/// What is connected to the terminals, and how fast the instrument is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surroundings {
    /// the load
    pub load: Ohms,
    /// how fast the terminals fall with the output off
    pub fall: VoltsPerSecond,
    /// from the end of a question to its answer
    pub latency: Micros,
}

impl Default for Surroundings {
    /// Assumptions: a load of 10 Ω, output capacitors that a bleeder empties at 200 V/s, and an answer after 2 ms.
    fn default() -> Self {
        Self { load: Ohms(10.0), fall: VoltsPerSecond(200.0), latency: Micros::from_millis(2) }
    }
}

/// Whether the watchdog of a simulated supply does what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watchdog {
    /// with the output on and off (assumption: no manual says)
    Works,
    /// with the output on
    OnlyWhileOn,
    /// it says that it is armed, and never trips
    Broken,
}

/// What a simulated supply does otherwise than it is told, and does not tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temper {
    /// from a command for the output to when its relay does it and it says so
    pub relay: Micros,
    /// from a setting or remote control to when it is taken; longer than anybody asks for: never
    pub takes: Micros,
    /// the most current that it can be set to: it takes this for more, and complains of nothing
    pub most_current: Amps,
}

impl Default for Temper {
    /// It does what it is told, at once.
    fn default() -> Self {
        Self { relay: Micros::ZERO, takes: Micros::ZERO, most_current: RATED_CURRENT }
    }
}

/// A simulated supply.
#[derive(Debug, Clone)]
pub struct Instrument {
    dialect: Arc<Dialect>,
    /// maker, model, serial number, firmware
    identity: String,
    surroundings: Surroundings,
    at: Micros,
    input: Vec<u8>,
    output: VecDeque<(Micros, Vec<u8>)>,
    errors: VecDeque<(i32, &'static str)>,
    /// the event register of IEEE 488.2
    events: u8,
    addressed: bool,
    set: Settings,
    /// whether power comes out
    on: bool,
    /// when power last began to come out, or ceased to
    switched: Micros,
    /// whether the output was on when it tripped and nobody switched it off since
    resume: bool,
    tripped: BTreeSet<Alarm>,
    terminals: Volts,
    /// when the last byte came in
    heard: Micros,
    /// it hears and says nothing
    silent: bool,
    watchdog: Watchdog,
    temper: Temper,
    /// settings that are not taken yet, and when they are
    coming: Option<(Micros, Settings)>,
    /// what the relay of the output is on its way to, and when it is there
    moving: Option<(Micros, bool)>,
}

/// What limits the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Regulation {
    /// its voltage setting (CV)
    Voltage,
    /// its current limit (CC)
    Current,
}

/// What is set, and lost in a restart.
#[derive(Debug, Clone, Copy)]
struct Settings {
    remote: bool,
    voltage: Volts,
    current: Amps,
    power: Watts,
    over_voltage: Volts,
    over_current: Amps,
    over_power: Watts,
    guards_voltage: bool,
    guards_current: bool,
    folds_back_at: Option<Regulation>,
    watchdog: Option<Micros>,
    watchdog_delay: Micros,
}

impl Settings {
    fn at_power_on(dialect: &Dialect) -> Self {
        Self {
            remote: false,
            voltage: Volts::ZERO,
            current: Amps::ZERO,
            power: if dialect.starts_without_power {
                Watts::ZERO
            } else {
                Watts(RATED_VOLTAGE.0 * RATED_CURRENT.0)
            },
            over_voltage: Volts(RATED_VOLTAGE.0 * OVER_RANGE),
            over_current: Amps(RATED_CURRENT.0 * OVER_RANGE),
            over_power: Watts(RATED_VOLTAGE.0 * RATED_CURRENT.0 * OVER_RANGE),
            guards_voltage: dialect.is_fixed(Does::GuardVoltage),
            guards_current: dialect.is_fixed(Does::GuardCurrent),
            folds_back_at: None,
            watchdog: None,
            watchdog_delay: Micros::from_secs(60),
        }
    }
}

/// Rating of every simulated supply (assumption: what a string of four panels gives).
pub const RATED_VOLTAGE: Volts = Volts(200.0);
/// See [`RATED_VOLTAGE`].
pub const RATED_CURRENT: Amps = Amps(60.0);
/// How far protections can be set above the rating: 110 % is common.
const OVER_RANGE: f64 = 1.1;
/// Entries that the error queue holds; the last one then says that there were more.
const QUEUE: usize = 16;
/// Bits of the event register (IEEE 488.2, 11.5.1.1).
const POWER_ON: u8 = 1 << 7;
const COMMAND_ERROR: u8 = 1 << 5;
const EXECUTION_ERROR: u8 = 1 << 4;

impl Instrument {
    /// A supply that was just switched on.
    #[must_use]
    pub fn new(dialect: impl Into<Arc<Dialect>>, surroundings: Surroundings) -> Self {
        let dialect = dialect.into();
        Self {
            identity: dialect.identity.clone(),
            surroundings,
            at: Micros::ZERO,
            input: Vec::new(),
            output: VecDeque::new(),
            errors: VecDeque::new(),
            events: POWER_ON,
            addressed: !dialect.is_addressed,
            set: Settings::at_power_on(&dialect),
            dialect,
            on: false,
            switched: Micros::ZERO,
            resume: false,
            tripped: BTreeSet::new(),
            terminals: Volts::ZERO,
            heard: Micros::ZERO,
            silent: false,
            watchdog: Watchdog::Works,
            temper: Temper::default(),
            coming: None,
            moving: None,
        }
    }

    /// The same with another serial number: another apparatus.
    #[must_use]
    pub fn with_serial_number(mut self, number: &str) -> Self {
        let mut fields: Vec<&str> = self.identity.split(',').collect();
        if let Some(field) = fields.get_mut(2) {
            *field = number;
        }
        self.identity = fields.join(",");
        self
    }

    /// The same with a watchdog that may not work.
    #[must_use]
    pub const fn with_watchdog(mut self, watchdog: Watchdog) -> Self {
        self.watchdog = watchdog;
        self
    }

    /// What it does otherwise than it is told from now on.
    pub const fn set_temper(&mut self, temper: Temper) {
        self.temper = temper;
    }

    /// Somebody turns the knob of the current at its front panel.
    pub const fn turn_current(&mut self, amps: Amps) {
        self.set.current = amps;
    }

    /// Somebody turns the knob of the power at its front panel.
    pub const fn turn_power(&mut self, watts: Watts) {
        self.set.power = watts;
    }

    /// Somebody sets its protection against more power at its front panel.
    pub const fn turn_over_power(&mut self, watts: Watts) {
        self.set.over_power = watts;
    }

    /// Somebody switches its protection against more current on or off at its front panel.
    pub fn turn_guard_current(&mut self, on: bool) {
        if self.dialect.is_fixed(Does::Foldback) {
            self.set.guards_current = on;
        } else {
            self.set.folds_back_at = on.then_some(Regulation::Current);
        }
    }

    /// Somebody presses the key of the output at its front panel.
    pub fn press_output(&mut self, on: bool) {
        self.power(on);
    }

    /// Takes in bytes at a time that does not run backwards.
    pub fn receive(&mut self, at: Micros, bytes: &[u8]) {
        self.advance(at);
        if self.silent {
            return;
        }
        self.heard = self.at;
        for &byte in bytes {
            if byte == self.dialect.ends_with.last() {
                let line: String = self.input.drain(..).map(char::from).collect();
                let line = line.trim_matches(['\r', '\n']);
                if self.dialect.echoes {
                    self.reply(line);
                }
                self.line(line);
                if !self.dialect.prompt.is_empty() {
                    let at = self.at + self.surroundings.latency;
                    self.output.push_back((at, self.dialect.prompt.clone().into_bytes()));
                }
            } else if self.input.len() < proto::scpi::LONGEST_LINE {
                self.input.push(byte);
            }
        }
    }

    /// When the next answer is ready.
    #[must_use]
    pub fn ready_at(&self) -> Option<Micros> {
        self.output.front().map(|(at, _)| *at)
    }

    /// The answers that are ready.
    pub fn answers(&mut self, at: Micros) -> Vec<u8> {
        self.advance(at);
        let mut bytes = Vec::new();
        let ready = self.output.iter().take_while(|(ready, _)| *ready <= at).count();
        for (_, line) in self.output.drain(..ready) {
            bytes.extend(line);
        }
        bytes
    }

    /// Whether power comes out.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.on
    }

    /// Since when that is so, by the time that it is told: of a watchdog the moment at which it tripped.
    #[must_use]
    pub const fn switched_at(&self) -> Micros {
        self.switched
    }

    /// Voltage setting and current limit of its output, or what its power limit leaves of that; zero while it is off.
    #[must_use]
    pub fn drives(&self) -> (Volts, Amps) {
        let Settings { voltage, current, power, .. } = self.set;
        match self.on {
            true if voltage > Volts::ZERO => (voltage, current.min(power / voltage)),
            _ => (Volts::ZERO, Amps::ZERO),
        }
    }

    /// Changes what is connected to the terminals.
    pub const fn load(&mut self, load: Ohms) {
        self.surroundings.load = load;
    }

    /// Whether it hears and says nothing from now on.
    pub const fn silence(&mut self, silent: bool) {
        self.silent = silent;
    }

    /// It overheats: the output goes off.
    pub fn overheat(&mut self) {
        self.trip(Alarm::OverTemperature);
    }

    /// Whether it listens to the line and not to its front panel.
    #[must_use]
    pub const fn is_remote(&self) -> bool {
        self.set.remote
    }

    /// What the terminals are at.
    #[must_use]
    pub const fn terminals(&self) -> Volts {
        self.terminals
    }

    /// The voltage setting.
    #[must_use]
    pub const fn voltage_setting(&self) -> Volts {
        self.set.voltage
    }

    /// The level of the over-voltage protection.
    #[must_use]
    pub const fn over_voltage(&self) -> Volts {
        self.set.over_voltage
    }

    /// The mains fail for a moment: everything that was set is lost.
    pub fn restart(&mut self) {
        let (at, terminals) = (self.at, self.terminals);
        let fresh = Self::new(self.dialect.clone(), self.surroundings);
        *self = Self {
            at,
            heard: at,
            terminals,
            watchdog: self.watchdog,
            temper: self.temper,
            identity: self.identity.clone(),
            ..fresh
        };
    }

    /// Something outside feeds the terminals up to a voltage; a guarded supply trips.
    pub fn feed_terminals(&mut self, volts: Volts) {
        self.terminals = self.terminals.max(volts);
        self.guard();
    }

    /// A line that nobody asked for.
    pub fn exclaim(&mut self, text: &str) {
        self.reply(text);
    }

    fn reply(&mut self, text: &str) {
        let mut line: Vec<u8> = text.bytes().collect();
        line.push(self.dialect.ends_with.last());
        self.output.push_back((self.at + self.surroundings.latency, line));
    }

    /// Puts an entry into its error queue, as somebody else does who speaks to it.
    pub fn notes(&mut self, code: i32, text: &'static str) {
        self.complain(code, text);
    }

    fn complain(&mut self, code: i32, text: &'static str) {
        self.events |= if code <= -200 { EXECUTION_ERROR } else { COMMAND_ERROR };
        if self.errors.len() < QUEUE {
            self.errors.push_back((code, text));
        } else if let Some(last) = self.errors.back_mut() {
            *last = (-350, "Queue overflow");
        }
    }
}
