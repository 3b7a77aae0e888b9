//! Never-exceed limits, looked at on every input whatever the suite says. A trip ends the case at once.

use judge::behaviour::tripped::{BUS_VOLTAGE, HIGHEST_CELL, PACK_VOLTAGE, SILENCE};
use proto::fault::{Fault, FaultKind};
use proto::frame::{CanId, Frame};
use proto::message::{Message, id};
use proto::quantity::{Amps, Celsius, Micros, Volts, Watts};
use proto::reading::{GxReading, PsuReading};
use proto::stimulus::Stimulus;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::bench::Input;

/// The limits of a rig: `limits:` of its file. They protect the bench and the battery on it; they say nothing
/// about whether the battery behaves.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RigLimits {
    /// highest pack voltage as the battery measures it (0x356)
    pub pack_voltage_max: Volts,
    /// lowest pack voltage as the battery measures it (0x356)
    pub pack_voltage_min: Volts,
    /// highest cell (0x373)
    pub cell_voltage_max: Volts,
    /// lowest cell (0x373)
    pub cell_voltage_min: Volts,
    /// highest temperature (0x356, 0x373)
    pub temperature_max: Celsius,
    /// lowest temperature (0x356, 0x373)
    pub temperature_min: Celsius,
    /// largest charge current (0x356)
    pub charge_current_max: Amps,
    /// largest discharge current (0x356), as a magnitude
    pub discharge_current_max: Amps,
    /// highest DC voltage at the inverter (GX): it does not depend on what the battery says
    pub bus_voltage_max: Volts,
    /// highest output voltage of the supply
    pub psu_voltage_max: Volts,
    /// largest output current of the supply
    pub psu_current_max: Amps,
    /// largest PV power that a suite may ask for
    pub pv_power_max: Watts,
    /// largest AC load that a suite may ask for
    pub ac_load_max: Watts,
    /// largest AC input current limit that a suite may ask for
    pub input_current_limit_max: Amps,
    /// longest gap between two 0x351; longer than the 3 s of P 1.4, so that the battery is judged before the rig gives up
    pub can_silence: Micros,
    /// longest gap between two polls of the GX
    pub gx_silence: Micros,
    /// how much more power the supply may measure at its terminals than it is set to, for longer than 10 s
    #[serde(default = "deviation")]
    pub psu_deviation_max: Watts,
    /// longest time that its output may be on without a break
    #[serde(default = "energised")]
    pub energised_max: Micros,
}

/// Assumption: the meters of a supply of 6 kW are within 2 % each, and its steps within 1 %.
const fn deviation() -> Watts {
    Watts(300.0)
}

/// Longer than any case of a night.
const fn energised() -> Micros {
    Micros::from_secs(24 * 3600)
}

impl RigLimits {
    /// Checks that the limits leave room to work in.
    ///
    /// # Errors
    /// The pair that leaves none.
    pub fn check(&self) -> Result<(), LimitsError> {
        let ordered = [
            ("pack-voltage-min", "pack-voltage-max", self.pack_voltage_min.0, self.pack_voltage_max.0),
            ("cell-voltage-min", "cell-voltage-max", self.cell_voltage_min.0, self.cell_voltage_max.0),
            ("temperature-min", "temperature-max", self.temperature_min.0, self.temperature_max.0),
            ("0", "charge-current-max", 0.0, self.charge_current_max.0),
            ("0", "discharge-current-max", 0.0, self.discharge_current_max.0),
            ("0", "bus-voltage-max", 0.0, self.bus_voltage_max.0),
            ("0", "psu-voltage-max", 0.0, self.psu_voltage_max.0),
            ("0", "psu-current-max", 0.0, self.psu_current_max.0),
            ("0", "can-silence", 0.0, self.can_silence.secs()),
            ("0", "gx-silence", 0.0, self.gx_silence.secs()),
            ("0", "psu-deviation-max", 0.0, self.psu_deviation_max.0),
            ("0", "energised-max", 0.0, self.energised_max.secs()),
        ];
        ordered
            .iter()
            .find(|(_, _, low, high)| low >= high)
            .map_or(Ok(()), |&(low, high, ..)| Err(LimitsError { low, high }))
    }
}

/// Limits that leave no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rig's limits leave no room: `{high}` must lie above `{low}`; correct `limits:` of the rig file")]
pub struct LimitsError {
    /// the lower one
    pub low: &'static str,
    /// the one that must lie above it
    pub high: &'static str,
}

/// A limit was exceeded.
#[derive(Debug, Clone, PartialEq)]
pub struct Trip {
    /// which quantity, in words
    pub what: &'static str,
    /// its value, with unit
    pub value: String,
    /// its limit, with unit
    pub limit: String,
}

/// How long after an injected fault the battery may still report what it was made to see: its own filters and
/// the slowest frame periods lie within.
const FAULT_ECHO: Micros = Micros::from_secs(10);

/// How long a supply may take to follow its setting, and a charger to empty what it holds.
const FOLLOWS: Micros = Micros::from_secs(10);

/// Watches the limits.
#[derive(Debug, Clone)]
pub struct Interlocks {
    limits: RigLimits,
    /// The GX is watched only where the rig has one.
    has_gx: bool,
    can_seen: Micros,
    gx_seen: Micros,
    /// Since when the output of the supply is on, and gives more than it is set to.
    energised: Option<Micros>,
    deviates: Option<Micros>,
    /// The suite expects the battery to go offline: it may switch off altogether.
    offline_expected: bool,
    /// It went silent while that was expected, and has not been heard since.
    offline_accepted: bool,
    /// What an injected fault adds to the reported voltage, current and temperature (at its lower and at its upper
    /// limit), until when.
    false_voltage: (Volts, Micros),
    false_current: (Amps, Micros),
    false_temperature: ((Celsius, Celsius), Micros),
    /// Frames of these ids are garbled, or sent by another node, until when.
    forged: Vec<(u16, Micros)>,
}

impl Interlocks {
    /// Watches a rig from `now` on.
    #[must_use]
    pub fn new(limits: RigLimits, has_gx: bool, now: Micros) -> Self {
        Self {
            limits,
            has_gx,
            can_seen: now,
            gx_seen: now,
            energised: None,
            deviates: None,
            offline_expected: false,
            offline_accepted: false,
            false_voltage: (Volts::ZERO, Micros::ZERO),
            false_current: (Amps::ZERO, Micros::ZERO),
            false_temperature: ((Celsius::ZERO, Celsius::ZERO), Micros::ZERO),
            forged: Vec::new(),
        }
    }

    /// The case starts: silence counts from `now`.
    pub fn start(&mut self, now: Micros) {
        (self.can_seen, self.gx_seen) = (now, now);
    }

    /// Looks at an input. The first limit that it exceeds.
    pub fn check(&mut self, at: Micros, input: &Input) -> Option<Trip> {
        let trip = match input {
            Input::Can(frame) => self.can(at, frame),
            Input::Psu(reading) => self.psu(at, reading),
            Input::Gx(reading) => {
                // A poll in which no unit answered is no answer.
                if *reading != GxReading::default() {
                    self.gx_seen = at;
                }
                reading
                    .inverter
                    .and_then(|inverter| above(BUS_VOLTAGE, inverter.dc_voltage, self.limits.bus_voltage_max))
            }
            Input::CanError(_) | Input::Bus(_) | Input::Operator(_) | Input::Fault(_) | Input::Tick => None,
        };
        trip.or_else(|| self.silence(at))
    }

    /// When silence will have lasted too long, if nothing is heard until then.
    #[must_use]
    pub fn deadline(&self) -> Option<Micros> {
        let can = (!self.may_be_silent()).then(|| self.can_seen + self.limits.can_silence);
        let gx = self.has_gx.then(|| self.gx_seen + self.limits.gx_silence);
        // One microsecond later the limit is exceeded, not only reached.
        match (can, gx) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
        .map(|t| t + Micros(1))
    }

    /// The suite changes the world: what it causes itself does not trip.
    pub fn stimulus(&mut self, at: Micros, stimulus: &Stimulus) {
        if let Some(tampering) = stimulus.tampering() {
            let until = at + tampering.span;
            // The clock of 0x351 starts again when the suite lets it through.
            if tampering.is_of(id::LIMITS) {
                self.can_seen = self.can_seen.max(until);
            }
            self.forged.extend(tampering.id.filter(|_| tampering.forged).map(|id| (id, until + FAULT_ECHO)));
        }
        if let Stimulus::Inject(Fault { kind, span }) = *stimulus {
            self.fault(at + span, kind);
        }
    }

    fn fault(&mut self, end: Micros, kind: FaultKind) {
        let until = end + FAULT_ECHO;
        let limits = &self.limits;
        match kind {
            FaultKind::CellVoltage { by } | FaultKind::PackVoltage { by } => {
                self.false_voltage = (by, until);
            }
            FaultKind::Current { by } => self.false_current = (by.abs(), until),
            FaultKind::CurrentGain { by } => {
                let most = limits.charge_current_max.max(limits.discharge_current_max);
                self.false_current = (most * (by.0.abs() / 100.0), until);
            }
            // A discharge is reported as a charge: the lower of the two limits must bear the higher one.
            FaultKind::ShuntReversed {} => {
                let apart = (limits.charge_current_max - limits.discharge_current_max).abs();
                self.false_current = (apart, until);
            }
            FaultKind::Temperature { by } => self.false_temperature = ((by, by), until),
            // Such a sensor reads the end of its scale.
            FaultKind::TemperatureOpen {} | FaultKind::TemperatureShort {} => {
                self.false_temperature = ((Celsius(-f64::INFINITY), Celsius(f64::INFINITY)), until);
            }
            FaultKind::GxReboot {} => self.gx_seen = self.gx_seen.max(end),
            _ => {}
        }
    }

    /// Whether the current step waits for the battery to go offline.
    pub fn expect_offline(&mut self, expected: bool) {
        self.offline_expected = expected;
        self.offline_accepted |= expected;
    }

    fn may_be_silent(&self) -> bool {
        self.offline_expected || self.offline_accepted
    }

    fn silence(&self, at: Micros) -> Option<Trip> {
        let can = at.since(self.can_seen);
        if can > self.limits.can_silence && !self.may_be_silent() {
            return Some(trip(SILENCE, can, self.limits.can_silence));
        }
        let gx = at.since(self.gx_seen);
        (self.has_gx && gx > self.limits.gx_silence)
            .then(|| trip("time without an answer of the GX", gx, self.limits.gx_silence))
    }

    fn can(&mut self, at: Micros, frame: &Frame) -> Option<Trip> {
        let limits = &self.limits;
        let (by, until) = self.false_voltage;
        let by = if at <= until { by } else { Volts::ZERO };
        let (raise, lower) = (by.max(Volts::ZERO), by.min(Volts::ZERO));
        let is_forged = |&(id, until): &(u16, Micros)| frame.id() == CanId::Standard(id) && at <= until;
        if self.forged.iter().any(is_forged) {
            return None;
        }
        match frame.id() {
            CanId::Standard(id::LIMITS) => {
                // A commanded silence lies in the future of its frames: it is not shortened by a straggler.
                self.can_seen = self.can_seen.max(at);
                self.offline_accepted = self.offline_expected;
                None
            }
            CanId::Standard(id::MEASUREMENTS) => {
                let Some(Message::Measurements(m)) = Message::decode(frame) else { return None };
                let more = if at <= self.false_current.1 { self.false_current.0 } else { Amps::ZERO };
                m.voltage()
                    .and_then(|v| {
                        above(PACK_VOLTAGE, v, limits.pack_voltage_max + raise)
                            .or_else(|| below(PACK_VOLTAGE, v, limits.pack_voltage_min + lower))
                    })
                    .or_else(|| {
                        let current = m.current()?;
                        above("charge current", current, limits.charge_current_max + more).or_else(|| {
                            above("discharge current", -current, limits.discharge_current_max + more)
                        })
                    })
                    .or_else(|| self.temperature(at, m.temperature()?))
            }
            CanId::Standard(id::CELLS) => {
                let Some(Message::Cells(c)) = Message::decode(frame) else { return None };
                c.max_cell()
                    .and_then(|v| above(HIGHEST_CELL, v, limits.cell_voltage_max + raise))
                    .or_else(|| below("lowest cell", c.min_cell()?, limits.cell_voltage_min + lower))
                    .or_else(|| self.temperature(at, c.max_temperature()?))
                    .or_else(|| self.temperature(at, c.min_temperature()?))
            }
            _ => None,
        }
    }

    fn temperature(&self, at: Micros, t: Celsius) -> Option<Trip> {
        let (by, until) = self.false_temperature;
        let (low, high) = if at <= until { by } else { (Celsius::ZERO, Celsius::ZERO) };
        above("temperature", t, self.limits.temperature_max + high.max(Celsius::ZERO))
            .or_else(|| below("temperature", t, self.limits.temperature_min + low.min(Celsius::ZERO)))
    }

    fn psu(&mut self, at: Micros, reading: &PsuReading) -> Option<Trip> {
        let limits = &self.limits;
        self.energised = reading.output.then(|| self.energised.unwrap_or(at));
        let energised = at.since(self.energised.unwrap_or(at));
        let set = if reading.output { reading.available } else { Watts::ZERO };
        let beyond = reading.voltage * reading.current - set;
        self.deviates = beyond.exceeds(limits.psu_deviation_max).then(|| self.deviates.unwrap_or(at));
        let deviates = at.since(self.deviates.unwrap_or(at));
        above("output voltage of the supply", reading.voltage, limits.psu_voltage_max)
            .or_else(|| above("output current of the supply", reading.current, limits.psu_current_max))
            .or_else(|| {
                let what = "power of the supply beyond its setting";
                (deviates > FOLLOWS).then(|| trip(what, beyond, limits.psu_deviation_max))
            })
            .or_else(|| {
                let long = energised > limits.energised_max;
                long.then(|| trip("time with the output on", energised, limits.energised_max))
            })
    }
}

/// Wire values are binary fractions of decimals: a value that equals its limit must not exceed it by 1e-16.
const SLACK: f64 = 1e-6;

macro_rules! comparison {
    ($($kind:ty),+) => { $(
        impl Limited for $kind {
            fn exceeds(self, limit: Self) -> bool {
                let above = self.0 - limit.0;
                // What is not a number is not known to be safe.
                above > SLACK || above.is_nan()
            }
        }
    )+ };
}

trait Limited: Copy + core::fmt::Display {
    fn exceeds(self, limit: Self) -> bool;
}
comparison!(Volts, Amps, Watts, Celsius);

fn above<T: Limited>(what: &'static str, value: T, limit: T) -> Option<Trip> {
    value.exceeds(limit).then(|| trip(what, value, limit))
}

fn below<T: Limited>(what: &'static str, value: T, limit: T) -> Option<Trip> {
    limit.exceeds(value).then(|| trip(what, value, limit))
}

fn trip<T: core::fmt::Display>(what: &'static str, value: T, limit: T) -> Trip {
    Trip { what, value: format!("{value:.3}"), limit: format!("{limit:.3}") }
}

#[cfg(test)]
pub(crate) mod tests;
