//! Never-exceed limits, looked at on every input whatever the suite says. A trip ends the case at once.
//!
//! `rows.rs` is the table of limits. Each has values that tell it, in order; the first that is there must be fresh. What a
//! suite makes untrue (`doubt.rs`) tells nothing while it does: then somebody else must, or the limit is left without a
//! reading for no longer than the rig file allows. The worst of what instruments say counts, and two that contradict each
//! other end the case (`apart.rs`), and so does one that stands still while what it measures moves (`still.rs`).

mod apart;
mod doubt;
mod limits;
mod rows;
mod rules;
mod still;
mod supply;

use judge::recording::measured;
use judge::tampering::ECHO;
use proto::channel::{Channel, Instrument, Source};
use proto::frame::{CanId, Frame};
use proto::message::{Message, id};
use proto::quantity::{Micros, Watts};
use proto::samples::Samples;
use proto::stimulus::Stimulus;

use crate::bench::Input;
use apart::Apart;
pub(crate) use doubt::excess;
use doubt::{Doubt, Effect, most};
pub use limits::{Faking, Limit, LimitsError, RigLimits, respelled};
use rows::{Bound, Row};
pub use rows::{Instruments, Unwatched};
use still::Still;
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
    pub by: String,
}

/// An inverter that has lost its meter says 0.00 V.
const NOTHING: f64 = 1.0;

/// Voltages that a GX tells: each is held against the other.
const VOLTS: [Channel; 2] = [Channel::BusVoltage, Channel::SolarVoltage];

/// The part that a value has in a row.
#[derive(Debug, Clone, Copy)]
struct Part {
    row: usize,
    /// it tells the limit by itself, and does not only stand in
    is_teller: bool,
    /// there is an instrument that has to tell it
    is_expected: bool,
}

/// What is known of one value.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    /// when it was last told truly
    heard: Micros,
    /// what it was then; nothing before the first time
    said: Option<f64>,
    /// when it was last told, true or not, and what it was
    last: (Micros, f64),
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

/// A value that is beyond the limit of a row, and who tells it.
#[derive(Debug, Clone, Copy)]
struct Exceeded {
    row: usize,
    by: Channel,
    value: f64,
    /// as it is now, with what the suite adds to it
    limit: f64,
}

/// Watches the limits.
#[derive(Debug, Clone)]
pub struct Interlocks {
    limits: RigLimits,
    instruments: Instruments,
    told: [Told; Channel::COUNT],
    /// the middle of what the pack may have: the voltage that the system is made for, about
    nominal: f64,
    /// how old a voltage or a current may be that is held against another: each is told at least as often as the GX
    /// answers, or the battery sends 0x356
    fresh: Micros,
    rows: Vec<Row>,
    /// the parts of all values, by their numbers
    parts: Vec<Part>,
    /// where those of each value begin and end: most have none
    places: [(u16, u16); Channel::COUNT],
    /// the identifiers of frames that say anything of this: most do not
    frames: Vec<u16>,
    /// what a GX tells that has a part in a row, beside its voltages and what follows from other values
    polled: Vec<Channel>,
    /// when the first row is due
    earliest: Micros,
    output: Output,
    apart: Apart,
    still: Still,
    /// The suite expects the battery to go offline: it may switch off altogether.
    offline_expected: bool,
    /// It went silent while that was expected, and has not been heard since.
    offline_accepted: bool,
}

impl Interlocks {
    /// Watches a rig from `now` on.
    #[must_use]
    pub fn new(limits: RigLimits, instruments: Instruments, now: Micros) -> Self {
        let rows = Row::all(&limits, &instruments);
        let mut parts = Vec::new();
        let places = Channel::ALL.map(|channel| {
            let of = |(row, limit): (usize, &Row)| {
                let is_teller = limit.rule.tellers().any(|teller| teller == channel);
                let has = is_teller || limit.rule.stand_ins.contains(&channel);
                has.then(|| Part { row, is_teller, is_expected: instruments.tell(channel) })
            };
            let first = parts.len() as u16;
            parts.extend(rows.iter().enumerate().filter_map(of));
            (first, parts.len() as u16)
        });
        let is_part = |channel: &Channel| places[*channel as usize].0 < places[*channel as usize].1;
        // What these say is asked about, limited or not.
        let mut frames = vec![id::LIMITS, id::MEASUREMENTS, id::ALARMS];
        frames.extend(Channel::ALL.into_iter().filter(is_part).filter_map(|channel| channel.row().frame()));
        frames.sort_unstable();
        frames.dedup();
        let polled = Instrument::Gx.channels().iter().copied();
        let polled = polled.filter(|channel| !VOLTS.contains(channel) && is_part(channel));
        let bounds = [limits.at_least(Channel::PackVoltage), limits.at_most(Channel::PackVoltage)];
        let mut this = Self {
            nominal: bounds.iter().sum::<f64>() / 2.0,
            fresh: limits.age(Channel::PackVoltage).min(limits.age(Channel::GxAnswers)),
            polled: polled.collect(),
            parts,
            places,
            frames,
            rows,
            earliest: Micros::NEVER,
            limits,
            instruments,
            told: [Told::default(); Channel::COUNT],
            output: Output::default(),
            apart: Apart::default(),
            still: Still::default(),
            offline_expected: false,
            offline_accepted: false,
        };
        this.start(now);
        this
    }

    /// The case starts: silence counts from `now`.
    pub fn start(&mut self, now: Micros) {
        self.told.iter_mut().for_each(|told| told.heard = now);
        self.plan();
    }

    /// Says anew when each row is due. Between two of these a reading moves only the rows that it has a part in.
    fn plan(&mut self) {
        for index in 0..self.rows.len() {
            let expected =
                || self.rows[index].rule.everyone().filter(|channel| self.instruments.tell(*channel));
            let told = expected().map(|channel| self.told[channel as usize].heard).max();
            // Who is not kept from it by the suite has to tell it.
            let excused = expected().map(|channel| self.excused(channel)).min();
            let row = &mut self.rows[index];
            (row.told, row.excused) = (told, excused.unwrap_or_default());
            row.plan();
        }
        self.find_earliest();
    }

    fn find_earliest(&mut self) {
        self.earliest = self.rows.iter().fold(Micros::NEVER, |first, row| first.min(row.due));
    }

    /// Looks at an input. The first limit that it exceeds.
    pub fn check(&mut self, at: Micros, input: &Input) -> Option<Trip> {
        let trip = match input {
            Input::Can(frame) => self.can(at, frame).map(|exceeded| self.trip(exceeded)),
            Input::Samples(said) if said.from() == Instrument::Supply => self.psu(at, said),
            Input::Samples(said) if said.from() == Instrument::Gx => self.gx(at, said),
            Input::Samples(said) => said
                .values()
                .find_map(|(channel, value)| self.tell(at, channel, value.number()))
                .map(|exceeded| self.trip(exceeded)),
            // Its values come as samples, once the recording has read them.
            Input::Bytes(_)
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
        (self.earliest != Micros::NEVER).then(|| self.earliest + Micros(1))
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
                    told.faked = told.faked.max(end + ECHO);
                }
                Some(Doubt::Forged) => told.forged = told.forged.max(end + ECHO),
                Some(Doubt::Hidden) => told.hidden = told.hidden.max(end),
                None => {}
            }
        }
        self.plan();
    }

    /// Whether the current step waits for the battery to go offline.
    pub fn expect_offline(&mut self, expected: bool) {
        self.offline_expected = expected;
        self.offline_accepted |= expected;
        self.plan();
    }

    /// Until when a value is not waited for. A battery that goes offline may fall silent.
    fn excused(&self, channel: Channel) -> Micros {
        let offline = self.offline_expected || self.offline_accepted;
        if offline && matches!(channel.row().source, Source::Battery(_)) {
            return Micros(u64::MAX / 2);
        }
        self.told[channel as usize].excused()
    }

    fn silence(&self, at: Micros) -> Option<Trip> {
        if at <= self.earliest {
            return None;
        }
        let row = self.rows.iter().find(|row| at > row.due)?;
        let age = at.since(row.told?);
        let (value, limit) = (format!("{age:.3}"), format!("{:.3}", row.age));
        Some(Trip { what: row.rule.unread, value, limit, by: teller(row.rule.channel) })
    }

    /// A value was told; the first limit that it exceeds.
    fn tell(&mut self, at: Micros, channel: Channel, value: Option<f64>) -> Option<Exceeded> {
        let value = value?;
        let told = &mut self.told[channel as usize];
        told.last = (at, value);
        if at < told.forged {
            return None;
        }
        let is_true = told.is_true(at);
        if is_true {
            (told.heard, told.said) = (told.heard.max(at), Some(value));
        }
        let shift = if at < told.faked {
            let most = most(channel, &self.limits);
            (told.low.max(-most), told.high.min(most))
        } else {
            (0.0, 0.0)
        };
        let (first, end) = self.places[channel as usize];
        if first == end {
            return None;
        }
        let (mut beyond, mut moved) = (None, false);
        for part in &self.parts[usize::from(first)..usize::from(end)] {
            let row = &mut self.rows[part.row];
            if beyond.is_none() {
                let mut limit = row.exceeded(value, shift);
                // What stands in exceeds nothing, as before.
                if !part.is_teller && (limit.is_some() || !row.is_calm()) {
                    let untold = row.is_untold(at, &self.told);
                    limit = row.falls(limit.filter(|_| untold), at, value > self.nominal / 2.0);
                    if !untold {
                        let closed = || apart::is_closed(&self.told, at, self.fresh);
                        limit = row.worse(channel, value, shift, at, closed);
                    }
                }
                beyond = limit.map(|limit| Exceeded { row: part.row, by: channel, value, limit });
            }
            if is_true {
                // The limit was told truly with the value.
                moved |= row.heard(at, part.is_expected, self.earliest);
            }
        }
        if moved {
            self.find_earliest();
        }
        beyond
    }

    fn trip(&self, exceeded: Exceeded) -> Trip {
        let Exceeded { row, by, value, limit } = exceeded;
        let row = &self.rows[row];
        let reversed = row.rule.reversed && matches!(row.bound, Bound::AtLeast(_));
        let (value, limit) = if reversed { (-value, -limit) } else { (value, limit) };
        let unit = row.rule.channel.unit();
        Trip {
            what: row.what(),
            value: format!("{value:.3} {unit}"),
            limit: format!("{limit:.3} {unit}"),
            by: teller(by),
        }
    }

    /// When the battery last said that its contactor is open, where that is the last that it said of it.
    fn open(&self) -> Option<Micros> {
        let [switch, any] = [Channel::Online, Channel::Alarms].map(|channel| self.told[channel as usize]);
        (switch.said == Some(0.0) && switch.heard == any.heard).then_some(switch.heard)
    }

    /// Limits act on what a frame says whether it is evidence or not: what the rig did to it stands in what is told.
    fn can(&mut self, at: Micros, frame: &Frame) -> Option<Exceeded> {
        let CanId::Standard(id) = frame.id() else { return None };
        if !self.frames.contains(&id) {
            return None;
        }
        let message = Message::decode(frame)?;
        if matches!(message, Message::Limits(_)) && at >= self.told[Channel::Cvl as usize].forged {
            let before = core::mem::replace(&mut self.offline_accepted, self.offline_expected);
            if before != self.offline_accepted {
                self.plan();
            }
        }
        let mut exceeded = None;
        measured(&message, |channel, value| {
            if exceeded.is_none() {
                exceeded = self.tell(at, channel, Some(value));
            }
        });
        exceeded
    }

    fn gx(&mut self, at: Micros, said: &Samples) -> Option<Trip> {
        let [inverter, charger] = VOLTS;
        let mut volts = [(inverter, said.number(inverter)), (charger, said.number(charger))];
        for (channel, value) in volts {
            if let Some(value) = value {
                self.told[channel as usize].last = (at, value);
            }
        }
        for (channel, value) in &mut volts {
            *value = value.filter(|&volts| self.is_believed(at, *channel, volts));
        }
        if volts.iter().all(|(_, value)| value.is_none()) {
            self.rows.iter_mut().for_each(|row| row.since = None);
        }
        let charger = if self.instruments.solar { said.number(Channel::SolarCurrent) } else { Some(0.0) };
        let current =
            said.number(Channel::InverterCurrent).zip(charger).map(|(inverter, charger)| inverter + charger);
        // A poll in which no unit answered is no answer.
        let answered = (!said.is_empty()).then_some(1.0);
        let told = [volts[0], volts[1], (Channel::GxAnswers, answered), (Channel::BusCurrent, current)];
        let exceeded =
            told.into_iter().find_map(|(channel, value)| self.tell(at, channel, value)).or_else(|| {
                let mut others = 0..self.polled.len();
                others.find_map(|k| self.tell(at, self.polled[k], said.number(self.polled[k])))
            });
        let trip = exceeded.map(|exceeded| self.trip(exceeded));
        trip.or_else(|| self.contradicted(at)).or_else(|| self.stands_still(at, said))
    }

    /// Whether no voltage is one. An inverter that has lost its meter says 0.00 V while others measure the bus.
    fn is_believed(&self, at: Micros, channel: Channel, volts: f64) -> bool {
        if volts.abs() >= NOTHING || volts.is_nan() {
            return true;
        }
        let live = |other: Channel, age: Micros| {
            let (seen, volts) = self.told[other as usize].last;
            at.since(seen) <= age && volts > self.nominal / 2.0
        };
        let other = if channel == Channel::BusVoltage { Channel::SolarVoltage } else { Channel::BusVoltage };
        let age = self.limits.age(Channel::PackVoltage);
        let open = self.open().is_some_and(|said| at.since(said) <= age);
        let another =
            live(other, self.limits.age(Channel::GxAnswers)) || !open && live(Channel::PackVoltage, age);
        !another
    }

    fn psu(&mut self, at: Micros, said: &Samples) -> Option<Trip> {
        let (volts, amps) = (said.number(Channel::SupplyVoltage), said.number(Channel::SupplyCurrent));
        let power = volts.zip(amps).map(|(v, a)| v * a);
        let told =
            [(Channel::SupplyVoltage, volts), (Channel::SupplyCurrent, amps), (Channel::PsuPower, power)];
        told.into_iter()
            .find_map(|(channel, value)| self.tell(at, channel, value))
            .map(|exceeded| self.trip(exceeded))
            .or_else(|| self.output.check(at, said, &self.limits, self.instruments.supply))
    }
}

/// Who tells a quantity, in words.
fn teller(channel: Channel) -> String {
    match channel {
        Channel::BusCurrent => "inverter and solar charger".to_owned(),
        _ => channel.row().source.to_string(),
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
