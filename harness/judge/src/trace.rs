//! The trace of a case: every measured quantity over time, and what happened meanwhile.

pub use proto::channel::Channel;
use proto::quantity::Micros;
use proto::stimulus::Stimulus;

use crate::failure::Failure;

/// What happened at a time, besides measured values.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// since the start of the case
    pub at: Micros,
    /// what happened
    pub kind: EventKind,
}

/// The kinds of event.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// A step of the suite began.
    Step {
        /// line of the suite file
        line: u32,
        /// the step in words, such as `hold 60 min`
        text: String,
    },
    /// The suite marked a moment.
    Mark(String),
    /// The harness changed the world.
    Stimulus(Stimulus),
    /// A `wait` or `expect` of the suite ended.
    Wait(WaitResult),
    /// A never-exceed limit tripped; the case ends here.
    Interlock {
        /// which quantity, in words
        what: String,
        /// its value, with unit
        value: String,
        /// its limit, with unit
        limit: String,
    },
    /// The rig failed, the battery did by itself, or somebody wanted it to end; the case ends here.
    DriverFault(Failure),
    /// The last step was done.
    Completed,
    /// The case ended early, with the reason.
    Aborted(String),
    /// The case did not begin: the rig could not be opened, with the reason.
    NotBegun(Failure),
    /// An instrument that took part said who it is.
    Instrument {
        /// what it does here, such as `supply`
        what: String,
        /// what it said, such as its answer to `*IDN?`
        says: String,
    },
    /// What an instrument said at the end that is no fault by itself, such as why the GX does not answer.
    Trouble(String),
    /// The rig did not confirm that everything is off, with what it said: somebody must look.
    NotOff(String),
}

/// How a `wait` or an `expect` ended.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitResult {
    /// line of the suite file
    pub line: u32,
    /// the condition in words
    pub until: String,
    /// when it began
    pub began: Micros,
    /// whether the condition came true in time
    pub met: bool,
    /// what was seen at the end of what the condition asks about, such as `inverter off, PV power 0 W`
    pub seen: String,
    /// the time allowed
    pub allowed: Micros,
    /// for an `expect`: the requirement that fails when it is not met
    pub requirement: Option<&'static str>,
}

/// One channel over time: a point wherever the value changed. Between points the value holds.
#[derive(Debug, Clone, Default)]
pub struct Series {
    points: Vec<(Micros, f64)>,
    /// of no meaning before the first point
    last_seen: Micros,
    silences: Vec<(Micros, Micros)>,
}

impl Series {
    /// Without a sample for longer than this the channel is silent: its last value is no evidence any more.
    pub const SILENCE: Micros = Micros::from_secs(10);

    /// Takes a sample; samples come in the order of time.
    #[expect(clippy::float_cmp, reason = "an equal sample is the same bits from the same wire value")]
    #[inline]
    pub fn push(&mut self, at: Micros, value: f64) {
        self.again(at);
        if self.points.last().is_none_or(|&(_, v)| v != value) {
            self.points.push((at, value));
        }
    }

    /// Takes a sample that is as the last one was.
    #[inline]
    fn again(&mut self, at: Micros) {
        if at.since(self.last_seen) > Self::SILENCE && !self.points.is_empty() {
            self.silences.push((self.last_seen, at));
        }
        self.last_seen = at;
    }

    /// The points at which the value changed.
    #[must_use]
    pub fn points(&self) -> &[(Micros, f64)] {
        &self.points
    }

    /// When the channel was last heard, changed or not.
    #[must_use]
    pub fn last_seen(&self) -> Option<Micros> {
        (!self.points.is_empty()).then_some(self.last_seen)
    }

    /// Spans between two samples that were longer than [`Series::SILENCE`].
    #[must_use]
    pub fn silences(&self) -> &[(Micros, Micros)] {
        &self.silences
    }

    /// The latest value.
    #[must_use]
    pub fn last(&self) -> Option<f64> {
        self.points.last().map(|&(_, value)| value)
    }

    /// The value that holds at a time, nothing before the first sample.
    #[must_use]
    pub fn at(&self, at: Micros) -> Option<f64> {
        let after = self.points.partition_point(|&(t, _)| t <= at);
        after.checked_sub(1).map(|i| self.points[i].1)
    }
}

/// Everything that is known of a case after it ran.
#[derive(Debug, Clone)]
pub struct Trace {
    series: [Series; Channel::COUNT],
    /// in the order of time
    pub events: Vec<Event>,
}

impl Default for Trace {
    fn default() -> Self {
        Self { series: core::array::from_fn(|_| Series::default()), events: Vec::new() }
    }
}

impl Trace {
    /// One channel.
    #[must_use]
    pub fn series(&self, channel: Channel) -> &Series {
        &self.series[channel as usize]
    }

    /// The same with some channels as others are: (which, as what).
    pub(crate) fn seen_as(&self, pairs: impl IntoIterator<Item = (Channel, Channel)>) -> Self {
        let mut seen = self.clone();
        for (channel, other) in pairs {
            seen.series[channel as usize] = self.series[other as usize].clone();
        }
        seen
    }

    /// Takes a sample of a channel.
    #[inline]
    pub fn push(&mut self, channel: Channel, at: Micros, value: f64) {
        self.series[channel as usize].push(at, value);
    }

    /// Takes a sample of a channel that is as its last one was.
    #[inline]
    pub(crate) fn again(&mut self, channel: Channel, at: Micros) {
        self.series[channel as usize].again(at);
    }

    /// Notes what happened.
    pub fn note(&mut self, at: Micros, kind: EventKind) {
        self.events.push(Event { at, kind });
    }
}
