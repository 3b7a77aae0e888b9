//! Never-exceed limits, looked at on every input whatever the suite says. A trip ends the case at once.
//!
//! `rows.rs` is the table of limits. Each has values that tell it, in order; the first that is there must be fresh. What a
//! suite makes untrue (`doubt.rs`) tells nothing while it does: then somebody else must, or the limit is left without a
//! reading for no longer than the rig file allows.

mod doubt;
mod limits;
mod rows;
mod supply;

use proto::channel::{Channel, Instrument};
use proto::frame::{CanId, Frame};
use proto::message::{Message, Pair};
use proto::quantity::{Amps, Celsius, Micros, Volts, Watts};
use proto::samples::Samples;
use proto::stimulus::Stimulus;

use crate::bench::Input;
pub(crate) use doubt::excess;
use doubt::{Doubt, Effect, FAULT_ECHO, most};
pub use limits::{Faking, LimitsError, RigLimits};
use rows::{Bound, Origin, ROW_COUNT, ROWS, Row, Teller};
pub use rows::{Instruments, Unwatched};
use supply::Output;

/// A limit was exceeded.
#[derive(Debug, Clone, PartialEq)]
pub struct Trip {
    /// which quantity, in words
    pub what: &'static str,
    /// its value, with unit
    pub value: String,
    /// its limit, with unit
    pub limit: String,
    /// which instrument tells it, or should have
    pub by: &'static str,
}

/// For how long what stands in may be below a limit: a bus that a battery has left falls within that.
const FALLS: Micros = Micros::from_secs(10);
/// An inverter that has lost its meter says 0.00 V.
const NOTHING: f64 = 1.0;

/// What is known of one value.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    /// when it was last told truly
    heard: Micros,
    /// a suite makes it untrue until then, and so far
    faked: Micros,
    low: f64,
    high: f64,
    /// it shows anything until then
    forged: Micros,
    /// it does not come until then
    hidden: Micros,
}

impl Told {
    /// Until when it is not waited for.
    fn excused(&self) -> Micros {
        self.faked.max(self.forged).max(self.hidden)
    }

    fn is_true(&self, at: Micros) -> bool {
        at >= self.faked && at >= self.forged
    }
}

/// What is known of one limit.
#[derive(Debug, Clone, Copy, Default)]
struct Kept {
    /// how long nobody told it truly, less how long somebody did since
    dark: Micros,
    /// since when what stands in is below it
    below: Option<Micros>,
}

/// Watches the limits.
#[derive(Debug, Clone)]
pub struct Interlocks {
    limits: RigLimits,
    instruments: Instruments,
    told: [Told; Teller::ALL.len()],
    kept: [Kept; ROW_COUNT],
    output: Output,
    /// When the battery last said that its contactor is open.
    open: Option<Micros>,
    /// The voltage of the pack, of the bus at the inverter and at the solar charger, as they were told last.
    pack: (Micros, f64),
    inverter: (Micros, f64),
    solar: (Micros, f64),
    /// The suite expects the battery to go offline: it may switch off altogether.
    offline_expected: bool,
    /// It went silent while that was expected, and has not been heard since.
    offline_accepted: bool,
}

impl Interlocks {
    /// Watches a rig from `now` on.
    #[must_use]
    pub fn new(limits: RigLimits, instruments: Instruments, now: Micros) -> Self {
        let mut this = Self {
            limits,
            instruments,
            told: [Told::default(); Teller::ALL.len()],
            kept: [Kept::default(); ROW_COUNT],
            output: Output::default(),
            open: None,
            pack: Default::default(),
            inverter: Default::default(),
            solar: Default::default(),
            offline_expected: false,
            offline_accepted: false,
        };
        this.start(now);
        this
    }

    /// The case starts: silence counts from `now`.
    pub fn start(&mut self, now: Micros) {
        self.told.iter_mut().for_each(|told| told.heard = now);
    }

    /// Looks at an input. The first limit that it exceeds.
    pub fn check(&mut self, at: Micros, input: &Input) -> Option<Trip> {
        let trip = match input {
            Input::Can(frame) => self.can(at, frame),
            Input::Samples(said) if said.from() == Instrument::Supply => self.psu(at, said),
            Input::Samples(said) if said.from() == Instrument::Gx => self.gx(at, said),
            Input::Samples(_)
            | Input::CanError(_)
            | Input::Bus(_)
            | Input::Operator(_)
            | Input::Fault(_)
            | Input::Tick => None,
        };
        trip.or_else(|| self.silence(at))
    }

    /// When something will not have been told for too long, if nothing is heard until then.
    #[must_use]
    pub fn deadline(&self) -> Option<Micros> {
        // One microsecond later the limit is exceeded, not only reached.
        ROWS.iter().enumerate().filter_map(|(index, row)| self.due(index, row)).min().map(|t| t + Micros(1))
    }

    /// The suite changes the world: what it causes itself does not trip, within what the rig allows.
    pub fn stimulus(&mut self, at: Micros, stimulus: &Stimulus) {
        let Some(effect) = Effect::of(stimulus, &self.limits) else { return };
        let end = at + effect.span;
        for (told, doubt) in self.told.iter_mut().zip(effect.doubts) {
            match doubt {
                Some(Doubt::Faked { low, high }) => {
                    if at >= told.faked {
                        (told.low, told.high) = (0.0, 0.0);
                    }
                    (told.low, told.high) = (told.low + low, told.high + high);
                    told.faked = told.faked.max(end + FAULT_ECHO);
                }
                Some(Doubt::Forged) => told.forged = told.forged.max(end + FAULT_ECHO),
                Some(Doubt::Hidden) => told.hidden = told.hidden.max(end),
                None => {}
            }
        }
    }

    /// Whether the current step waits for the battery to go offline.
    pub fn expect_offline(&mut self, expected: bool) {
        self.offline_expected = expected;
        self.offline_accepted |= expected;
    }

    /// Until when a value is not waited for. A battery that goes offline may fall silent.
    fn excused(&self, teller: Teller) -> Micros {
        let offline = self.offline_expected || self.offline_accepted;
        if offline && matches!(teller.origin(), Origin::Frame(_)) {
            return Micros(u64::MAX / 2);
        }
        self.told[teller as usize].excused()
    }

    /// When a limit was last told truly.
    fn lit(&self, row: &Row) -> Option<Micros> {
        row.everyone()
            .filter(|teller| teller.is_expected(&self.instruments))
            .map(|teller| self.told[teller as usize].heard)
            .max()
    }

    /// Until when a limit has to be told; nothing where nobody can tell it.
    fn due(&self, index: usize, row: &Row) -> Option<Micros> {
        if self.instruments.unwatched.has(index) {
            return None;
        }
        let lit = self.lit(row)?;
        let expected = row.everyone().filter(|teller| teller.is_expected(&self.instruments));
        // Who is not kept from it by the suite has to tell it.
        let excused = expected.map(|teller| self.excused(teller)).min()?;
        let age = (row.age)(&self.limits);
        let most = lit + age + self.limits.faking.span + FAULT_ECHO;
        Some((lit.max(excused) + age).min(Micros(most.0.saturating_sub(self.kept[index].dark.0))))
    }

    fn silence(&self, at: Micros) -> Option<Trip> {
        let (_, row) =
            ROWS.iter().enumerate().find(|(index, row)| self.due(*index, row).is_some_and(|due| at > due))?;
        let age = at.since(self.lit(row)?);
        let by = row.tellers.first().map_or("", |teller| teller.words());
        let limit = (row.age)(&self.limits);
        Some(Trip { what: row.unread, value: format!("{age:.3}"), limit: format!("{limit:.3}"), by })
    }

    /// A value was told.
    fn tell(&mut self, at: Micros, teller: Teller, value: Option<f64>) -> Option<Trip> {
        let value = value?;
        let own = self.told[teller as usize];
        if at < own.forged {
            return None;
        }
        let is_true = own.is_true(at);
        let trip = ROWS.iter().enumerate().find_map(|(index, row)| {
            if row.tellers.contains(&teller) {
                return self.exceeded(row, teller, value, at);
            }
            if !row.stand_ins.contains(&teller) {
                return None;
            }
            let age = (row.age)(&self.limits);
            let told = |first: &Teller| {
                let told = &self.told[*first as usize];
                told.is_true(at) && at >= told.hidden && at.since(told.heard) <= age
            };
            let exceeded =
                if row.tellers.iter().any(told) { None } else { self.exceeded(row, teller, value, at) };
            let below = exceeded.is_some() && matches!(row.bound, Bound::AtLeast(_));
            // A bus that the battery has left is no pack.
            let below = below && value > self.nominal() / 2.0;
            let since = below.then(|| self.kept[index].below.unwrap_or(at));
            self.kept[index].below = since;
            exceeded.filter(|_| {
                !matches!(row.bound, Bound::AtLeast(_)) || since.is_some_and(|since| at.since(since) > FALLS)
            })
        });
        if is_true {
            self.heard(at, teller);
        }
        trip
    }

    /// A value was told truly: so were the limits that rest on it.
    fn heard(&mut self, at: Micros, teller: Teller) {
        for (index, row) in ROWS.iter().enumerate().filter(|(_, row)| row.everyone().any(|t| t == teller)) {
            let gap = self.lit(row).map_or(Micros::ZERO, |lit| at.since(lit));
            let age = (row.age)(&self.limits);
            let dark = &mut self.kept[index].dark;
            *dark = if gap > age { *dark + gap.since(age) } else { dark.since(gap) };
        }
        let heard = &mut self.told[teller as usize].heard;
        *heard = (*heard).max(at);
    }

    /// Whether a value exceeds a limit, and what a suite may add to it.
    fn exceeded(&self, row: &Row, teller: Teller, value: f64, at: Micros) -> Option<Trip> {
        let told = &self.told[teller as usize];
        let most = most(teller, &self.limits);
        let (low, high) =
            if at < told.faked { (told.low.max(-most), told.high.min(most)) } else { (0.0, 0.0) };
        let (value, limit, beyond) = match row.bound {
            Bound::Heard => return None,
            Bound::AtMost(limit) => {
                let limit = limit(&self.limits) + high;
                (value, limit, value - limit)
            }
            Bound::AtLeast(limit) => {
                let limit = limit(&self.limits) + low;
                (value, limit, limit - value)
            }
            Bound::AtMostReversed(limit) => {
                let limit = limit(&self.limits) - low;
                (-value, limit, -value - limit)
            }
        };
        // What is not a number is not known to be safe.
        (beyond > SLACK || beyond.is_nan()).then(|| Trip {
            what: row.what,
            value: format!("{value:.3} {}", row.unit),
            limit: format!("{limit:.3} {}", row.unit),
            by: teller.words(),
        })
    }

    /// The voltage that the system is made for, about: the middle of what its pack may have.
    fn nominal(&self) -> f64 {
        (self.limits.pack_voltage_min.0 + self.limits.pack_voltage_max.0) / 2.0
    }

    fn can(&mut self, at: Micros, frame: &Frame) -> Option<Trip> {
        let CanId::Standard(_) = frame.id() else { return None };
        let volts = |v: Option<Volts>| v.map(|Volts(v)| v);
        let celsius = |t: Option<Celsius>| t.map(|Celsius(t)| t);
        match Message::decode(frame)? {
            Message::Limits(_) => {
                if at >= self.told[Teller::Limits as usize].forged {
                    self.offline_accepted = self.offline_expected;
                }
                self.tell(at, Teller::Limits, Some(0.0))
            }
            Message::Measurements(m) => {
                if let Some(Volts(v)) = m.voltage() {
                    self.pack = (at, v);
                }
                let current = m.current().map(|Amps(a)| a);
                self.tell(at, Teller::PackVoltage, volts(m.voltage()))
                    .or_else(|| self.tell(at, Teller::PackCurrent, current))
                    .or_else(|| self.tell(at, Teller::PackTemperature, celsius(m.temperature())))
            }
            Message::Cells(c) => self
                .tell(at, Teller::HighestCell, volts(c.max_cell()))
                .or_else(|| self.tell(at, Teller::LowestCell, volts(c.min_cell())))
                .or_else(|| self.tell(at, Teller::HottestCell, celsius(c.max_temperature())))
                .or_else(|| self.tell(at, Teller::ColdestCell, celsius(c.min_temperature()))),
            Message::Alarms(alarms) => {
                if self.told[Teller::Status as usize].is_true(at) {
                    self.open = (alarms.system_status() == Pair::Active).then_some(at);
                }
                None
            }
            _ => None,
        }
    }

    fn gx(&mut self, at: Micros, said: &Samples) -> Option<Trip> {
        // A poll in which no unit answered is no answer.
        if !said.is_empty() {
            self.heard(at, Teller::Gx);
        }
        let (inverter, solar) = (said.number(Channel::BusVoltage), said.number(Channel::SolarVoltage));
        if let Some(volts) = solar {
            self.solar = (at, volts);
        }
        if let Some(volts) = inverter {
            self.inverter = (at, volts);
        }
        let age = self.limits.measurements_age();
        let open = self.open.is_some_and(|said| at.since(said) <= age);
        let believed = |volts: f64, other: (Micros, f64)| {
            let live = |(seen, volts): (Micros, f64), age: Micros| {
                at.since(seen) <= age && volts > self.nominal() / 2.0
            };
            let another = live(other, self.limits.gx_silence) || !open && live(self.pack, age);
            volts.abs() >= NOTHING || volts.is_nan() || !another
        };
        let at_inverter = inverter.filter(|&v| believed(v, self.solar));
        let at_solar = solar.filter(|&v| believed(v, self.inverter));
        if at_inverter.is_none() && at_solar.is_none() {
            self.kept.iter_mut().for_each(|kept| kept.below = None);
        }
        let charger = if self.instruments.solar { said.number(Channel::SolarCurrent) } else { Some(0.0) };
        let current =
            said.number(Channel::InverterCurrent).zip(charger).map(|(inverter, charger)| inverter + charger);
        self.tell(at, Teller::InverterVoltage, at_inverter)
            .or_else(|| self.tell(at, Teller::SolarVoltage, at_solar))
            .or_else(|| self.tell(at, Teller::BusCurrent, current))
    }

    fn psu(&mut self, at: Micros, said: &Samples) -> Option<Trip> {
        self.tell(at, Teller::SupplyVoltage, said.number(Channel::SupplyVoltage))
            .or_else(|| self.tell(at, Teller::SupplyCurrent, said.number(Channel::SupplyCurrent)))
            .or_else(|| self.output.check(at, said, &self.limits, self.instruments.supply))
    }
}

/// Wire values are binary fractions of decimals: a value that equals its limit must not exceed it by 1e-16.
const SLACK: f64 = 1e-6;

/// Whether so much power is more than a limit.
fn exceeds(value: Watts, limit: Watts) -> bool {
    let above = value.0 - limit.0;
    above > SLACK || above.is_nan()
}

#[cfg(test)]
pub(crate) mod tests;
