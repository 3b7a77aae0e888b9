//! The recording of a case: everything that came in, as a trace and as the facts of the wire checks.

use proto::bus::{BusReading, ErrorFrame};
use proto::channel::{Block, Instrument, Source};
use proto::chunk::Chunk;
use proto::frame::Frame;
use proto::message::{AlarmKind, Alarms, Message, Pair, Text8};
use proto::quantity::Micros;
use proto::samples::{Samples, Value};

use crate::portrait::Portrait;
use crate::tampering::Account;
use crate::trace::{Channel, EventKind, Trace};
use crate::wire::{Spot, Wire};
use crate::witness::{Reader, Witness};

/// What is known of a case: fed with every input, in the order of time.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    trace: Trace,
    wire: Wire,
    /// names of cells, in the order of their first appearance
    texts: Vec<Text8>,
    /// what each instrument said last, where all of it was taken; boxed, for a set of samples is half a kilobyte to move
    said: [Option<Box<Samples>>; Instrument::ALL.len()],
    /// of each witness of the rig
    witnesses: Vec<Reader>,
}

/// So many names of cells are told apart: a garbled bus makes no more of them.
const MOST_TEXTS: usize = 512;

impl Recording {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing seen yet, on a rig that reads the state of its CAN interface so often.
    #[must_use]
    pub fn polled(bus: Micros) -> Self {
        Self { wire: Wire::polled(bus), ..Self::default() }
    }

    /// The same on a rig with these witnesses.
    #[must_use]
    pub fn with(self, witnesses: Vec<Witness>) -> Self {
        Self { witnesses: witnesses.into_iter().map(Reader::new).collect(), ..self }
    }

    /// Takes a frame, from whomever on the bus.
    #[inline]
    pub fn can(&mut self, at: Micros, frame: &Frame) {
        // What the rig garbled, delayed, kept away or put on the bus itself says nothing of the battery.
        if !self.wire.is_evidence(at, frame.id()) {
            return;
        }
        let message = Message::decode(frame);
        self.wire.frame(Spot::new(at, None), frame, message.as_ref());
        if let Some(message) = &message {
            self.message(at, message);
        }
    }

    /// Takes an error frame.
    pub fn can_error(&mut self, at: Micros, error: &ErrorFrame) {
        self.wire.error(Spot::new(at, None), error);
    }

    /// Takes the state of the harness's own CAN interface.
    pub fn bus(&mut self, at: Micros, reading: &BusReading) {
        self.samples(at, &(*reading).into());
    }

    /// Takes what an instrument said. What was not answered leaves its channels as they are.
    pub fn samples(&mut self, at: Micros, said: &Samples) {
        let is_all_shown = self.account().is_all_shown(at);
        let last = self.said[said.from() as usize].take().filter(|_| is_all_shown);
        // What is offered depends on the output.
        let before = last
            .as_deref()
            .filter(|before| before.is(Channel::SupplyOutput) == said.is(Channel::SupplyOutput));
        for (channel, value) in said.news(before) {
            let Some(value) = value else {
                self.trace.again(channel, at);
                continue;
            };
            // The GX believes what the rig garbled; it shows nothing of the battery then.
            let shows = |of: Channel| !matches!(of.row().source, Source::Battery(id) if !self.account().is_shown(at, id));
            if is_all_shown || channel.row().repeats.is_none_or(shows) {
                let value = match value {
                    // An output that is off offers nothing, whatever it is set to.
                    _ if channel == Channel::PvAvailable && !said.is(Channel::SupplyOutput) => Some(0.0),
                    Value::Text(text) => Some(self.number(text)),
                    other => other.number(),
                };
                self.take(at, channel, value);
            }
        }
        if is_all_shown {
            let mut kept = last.unwrap_or_else(|| Box::new(*said));
            *kept = *said;
            self.said[said.from() as usize] = Some(kept);
        }
        self.follow(at, said);
    }

    /// Takes bytes of a witness, and gives each reading that they complete.
    pub fn bytes(&mut self, at: Micros, chunk: &Chunk, mut each: impl FnMut(&Samples)) {
        let mut witnesses = core::mem::take(&mut self.witnesses);
        let own = witnesses.iter_mut().filter(|reader| reader.witness().instrument == chunk.from());
        own.for_each(|reader| {
            reader.hear(at, chunk, |said| {
                self.samples(at, said);
                each(said);
            });
        });
        self.witnesses = witnesses;
    }

    /// The same with some quantities as others tell them: (which, as what).
    pub(crate) fn seen_as(&self, pairs: impl IntoIterator<Item = (Channel, Channel)>) -> Self {
        Self { trace: self.trace.seen_as(pairs), ..self.clone() }
    }

    /// The witnesses of the rig, with what is known of each.
    #[must_use]
    pub fn witnesses(&self) -> &[Reader] {
        &self.witnesses
    }

    /// What follows from several values, or from one that was not answered.
    fn follow(&mut self, at: Micros, said: &Samples) {
        let of = |channel| said.number(channel);
        let power = of(Channel::SupplyVoltage).zip(of(Channel::SupplyCurrent)).map(|(v, a)| v * a);
        self.take(at, Channel::PsuPower, power);
        if said.from() == Instrument::Gx {
            // A battery unit that does not answer is the GX having lost the battery.
            let found = said.tells(Source::Gx(Block::Battery));
            self.take(at, Channel::GxBattery, Some(flag(found)));
            let loads = of(Channel::AcLoads).is_none().then(|| of(Channel::AcOut)).flatten();
            self.take(at, Channel::AcLoads, loads);
        }
    }

    fn take(&mut self, at: Micros, channel: Channel, value: Option<f64>) {
        if let Some(value) = value {
            self.trace.push(channel, at, value);
        }
    }

    /// Notes what happened.
    pub fn note(&mut self, at: Micros, kind: EventKind) {
        if let EventKind::Stimulus(stimulus) = &kind {
            self.wire.note(at, stimulus);
        }
        self.trace.note(at, kind);
    }

    /// The trace so far.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Gives up the trace.
    #[must_use]
    pub fn into_trace(self) -> Trace {
        self.trace
    }

    /// A name of a cell by its number in the channels of names.
    #[must_use]
    pub fn text(&self, number: f64) -> Option<Text8> {
        self.texts.get(number as usize).copied()
    }

    /// The number of a name; one that only padding tells from another is the same.
    fn number(&mut self, text: Text8) -> f64 {
        let text = Text8::padded(text.text().trim_ascii_end());
        let known = self.texts.iter().position(|t| *t == text).unwrap_or_else(|| {
            if self.texts.len() < MOST_TEXTS {
                self.texts.push(text);
            }
            self.texts.len() - 1
        });
        known as f64
    }

    /// The facts of the wire checks so far.
    #[must_use]
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// What the rig itself did to frames and senses, and until when.
    #[must_use]
    pub const fn account(&self) -> &Account {
        self.wire.account()
    }

    /// What the battery says of itself, as a GX shows it.
    #[must_use]
    pub fn portrait(&self) -> Portrait {
        Portrait::of(&self.wire, true)
    }

    #[cfg(test)]
    pub(crate) fn trace_mut(&mut self) -> &mut Trace {
        &mut self.trace
    }

    #[inline]
    fn message(&mut self, at: Micros, message: &Message) {
        measured(message, |channel, value| self.trace.push(channel, at, value));
        let (channel, text) = match message {
            Message::MinCellVoltageId(text) => (Channel::MinCellId, text),
            Message::MaxCellVoltageId(text) => (Channel::MaxCellId, text),
            Message::MinCellTemperatureId(text) => (Channel::ColdestCellId, text),
            Message::MaxCellTemperatureId(text) => (Channel::HottestCellId, text),
            _ => return,
        };
        let number = self.number(*text);
        self.trace.push(channel, at, number);
    }
}

/// What a message of the battery says, each quantity as a number in its base unit: the one reading of a frame. What is
/// not supported is not there.
#[inline]
pub fn measured(message: &Message, mut each: impl FnMut(Channel, f64)) {
    let mut take = |channel, value: Option<f64>| {
        if let Some(value) = value {
            each(channel, value);
        }
    };
    match message {
        Message::Limits(m) => {
            take(Channel::Cvl, m.cvl().map(|v| v.0));
            take(Channel::Ccl, m.ccl().map(|v| v.0));
            take(Channel::Dcl, m.dcl().map(|v| v.0));
        }
        Message::StateOfCharge(m) => {
            take(Channel::Soc, m.finest_soc().map(|v| v.0));
            take(Channel::Soh, m.soh().map(|v| v.0));
        }
        Message::Measurements(m) => {
            take(Channel::PackVoltage, m.voltage().map(|v| v.0));
            take(Channel::PackCurrent, m.current().map(|v| v.0));
            take(Channel::Temperature, m.temperature().map(|v| v.0));
        }
        Message::Cells(m) => {
            take(Channel::MaxCell, m.max_cell().map(|v| v.0));
            take(Channel::MinCell, m.min_cell().map(|v| v.0));
            take(Channel::MaxCellTemperature, m.max_temperature().map(|v| v.0));
            take(Channel::MinCellTemperature, m.min_temperature().map(|v| v.0));
        }
        Message::Alarms(m) => {
            take(Channel::Online, online(m).map(flag));
            let alarms = if m.any_alarm() { active(|kind| m.alarm(kind)) } else { 0 };
            let warnings = if m.any_warning() { active(|kind| m.warning(kind)) } else { 0 };
            take(Channel::Alarms, Some(f64::from(alarms)));
            take(Channel::Warnings, Some(f64::from(warnings)));
        }
        Message::BatteryIdentity(m) => take(Channel::Capacity, m.online_capacity().map(|v| v.0)),
        Message::Modules(m) => {
            take(Channel::ModulesOnline, m.ok().map(f64::from));
            take(Channel::ModulesOffline, m.offline().map(f64::from));
            take(Channel::ModulesBlockingCharge, m.blocking_charge().map(f64::from));
            take(Channel::ModulesBlockingDischarge, m.blocking_discharge().map(f64::from));
        }
        _ => {}
    }
}

/// Whether the main switch is closed, as batteries in the field say it: 10 closed, 01 open. Nothing where the
/// pair is not supported (P 2 §0x35A).
#[must_use]
pub fn online(alarms: &Alarms) -> Option<bool> {
    match alarms.system_status() {
        Pair::Ok => Some(true),
        Pair::Active => Some(false),
        Pair::NotSupported0 | Pair::NotSupported3 => None,
    }
}

fn active(pair: impl Fn(AlarmKind) -> Pair) -> u16 {
    AlarmKind::ALL.iter().filter(|&&kind| pair(kind) == Pair::Active).fold(0, |mask, kind| mask | kind.bit())
}

fn flag(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::fault::{Fault, FaultKind, Id};
    use proto::message::{Cells, Limits, Measurements, StateOfCharge, id};
    use proto::quantity::{Amps, Celsius, Percent, Volts};
    use proto::stimulus::Stimulus;

    fn frame(message: impl Into<Message>) -> Frame {
        message.into().encode()
    }

    #[test]
    fn frames_become_channels() {
        let mut r = Recording::new();
        let at = Micros::from_secs(1);
        r.can(at, &frame(Limits::new(Volts(56.8), Amps(140.0), Amps(200.0), Volts(44.8))));
        r.can(at, &frame(StateOfCharge::new(Percent(97.0), Percent(100.0), Percent(97.25))));
        r.can(at, &frame(Measurements::new(Volts(54.31), Amps(-12.5), Celsius(23.5))));
        r.can(at, &frame(Cells::new(Volts(3.39), Volts(3.401), Celsius(22.0), Celsius(25.0))));
        let alarms =
            Alarms::ALL_OK.with_alarm(AlarmKind::HighVoltage, Pair::Active).with_system_status(Pair::Ok);
        r.can(at, &frame(Message::Alarms(alarms)));
        for (channel, expected) in [
            (Channel::Cvl, 56.8),
            (Channel::Ccl, 140.0),
            (Channel::Dcl, 200.0),
            (Channel::Soc, 97.25),
            (Channel::PackVoltage, 54.31),
            (Channel::PackCurrent, -12.5),
            (Channel::MaxCell, 3.401),
            (Channel::Online, 1.0),
            (Channel::Alarms, 2.0),
            (Channel::Warnings, 0.0),
        ] {
            let value = r.trace().series(channel).last().expect("recorded");
            assert!((value - expected).abs() < 1e-9, "{channel:?} {value}");
        }
    }

    /// Many batteries leave the system status at 00: nothing is known of the switch then.
    #[test]
    fn an_unsupported_system_status_is_no_evidence() {
        let mut r = Recording::new();
        r.can(Micros::ZERO, &frame(Message::Alarms(Alarms::NONE_SUPPORTED)));
        assert!(r.trace().series(Channel::Online).points().is_empty());
    }

    #[test]
    fn a_lost_battery_shows_and_a_dark_supply_offers_nothing() {
        let mut r = Recording::new();
        let (gx, supply) = (Samples::new(Instrument::Gx), Samples::new(Instrument::Supply));
        r.samples(Micros::ZERO, &gx.with(Channel::GxCvl, 56.0));
        r.samples(Micros::from_secs(2), &gx);
        assert_eq!(r.trace().series(Channel::GxBattery).points().len(), 2);
        r.samples(Micros::ZERO, &supply.with(Channel::SupplyOutput, 0.0).with(Channel::PvAvailable, 4000.0));
        assert_eq!(r.trace().series(Channel::PvAvailable).last(), Some(0.0));
    }

    /// A battery that pads with spaces and a GX that does not name the same cell.
    #[test]
    fn names_of_cells_are_told_apart() {
        let mut r = Recording::new();
        let name = |text: &str| Message::MinCellVoltageId(Text8::new(text).expect("short"));
        let last = |r: &Recording, channel| r.trace().series(channel).last().expect("recorded");
        r.can(Micros::ZERO, &frame(name("3      ")));
        let shown = Text8::padded(b"3");
        let mut gx = Samples::new(Instrument::Gx);
        gx.put(Channel::GxMinCellId, Value::Text(shown));
        r.samples(Micros::ZERO, &gx);
        let number = last(&r, Channel::MinCellId);
        assert!((number - last(&r, Channel::GxMinCellId)).abs() < 0.5);
        assert_eq!(r.text(number), Some(shown));
        r.can(Micros::from_secs(1), &frame(name("12")));
        assert!((number - last(&r, Channel::MinCellId)).abs() > 0.5);
        for n in 0..2000 {
            r.can(Micros::from_secs(2 + n), &frame(name(&n.to_string())));
        }
        assert_eq!(r.texts.len(), MOST_TEXTS, "a garbled bus makes no more of them");
    }

    /// A GX that shows a garbled CVL of 20 V, until it has heard the next one, and a good state of charge.
    #[test]
    fn what_the_gx_shows_of_a_garbled_frame_is_no_evidence() {
        let mut r = Recording::new();
        let fault = Fault { kind: FaultKind::Garble { id: Id(id::LIMITS) }, span: Micros::from_secs(30) };
        r.note(Micros::from_secs(10), EventKind::Stimulus(Stimulus::Inject(fault)));
        for (second, cvl) in [(9, 56.0), (20, 20.0), (41, 56.0), (60, 55.0)] {
            let said = Samples::new(Instrument::Gx).with(Channel::GxCvl, cvl).with(Channel::GxSoc, cvl);
            r.samples(Micros::from_secs(second), &said);
        }
        let points = |channel| r.trace().series(channel).points().iter().map(|p| p.1).collect::<Vec<_>>();
        assert_eq!(points(Channel::GxCvl), [56.0, 55.0]);
        assert_eq!(points(Channel::GxSoc), [56.0, 20.0, 56.0, 55.0]);
    }

    #[test]
    fn silence_is_kept() {
        let mut r = Recording::new();
        let limits = frame(Limits::new(Volts(56.8), Amps(140.0), Amps(200.0), Volts(44.8)));
        for s in [0, 1, 30, 31] {
            r.can(Micros::from_secs(s), &limits);
        }
        let cvl = r.trace().series(Channel::Cvl);
        assert_eq!(cvl.silences(), &[(Micros::from_secs(1), Micros::from_secs(30))]);
        assert_eq!(cvl.points().len(), 1, "an unchanged value makes no point");
    }
}
