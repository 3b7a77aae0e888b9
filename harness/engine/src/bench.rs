//! What a test runs against, and the loop that runs it.

use judge::failure::{Failure, Whose};
use judge::trace::{Event, Trace};
use proto::bus::{BusReading, ErrorFrame};
use proto::chunk::Chunk;
use proto::frame::Frame;
use proto::quantity::Micros;
use proto::samples::Samples;
use proto::stimulus::{Start, Stimulus};
use schemars::JsonSchema;
use serde::Deserialize;

/// What comes in from a bench, with its time.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a few a second are moved, not allocated")]
pub enum Input {
    /// a frame on the battery's bus, from whomever
    Can(Frame),
    /// an error frame: what the harness's own controller tells of the bus
    CanError(ErrorFrame),
    /// the state of the harness's own CAN interface
    Bus(BusReading),
    /// what an instrument beside the bus says: the supply, the GX
    Samples(Samples),
    /// bytes of a witness, as they came over its line
    Bytes(Chunk),
    /// the operator answered a prompt
    Operator(Answer),
    /// an instrument failed, or nobody wants to go on: the case ends inconclusive
    Fault(Failure),
    /// nothing happened until the deadline
    Tick,
}

/// An operator's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// did it
    Done,
    /// cannot
    Refused,
}

/// What the engine wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// bring the world to the initial conditions of the case
    Prepare(Start),
    /// change the world
    Apply(Stimulus),
    /// ask the operator
    Ask(String),
    /// everything off, the case is over; always the last action
    Finish,
}

/// What a rig has and can do by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// a supply that plays the sun
    Pv,
    /// a GX that is polled
    Gx,
    /// mains that can be cut
    Grid,
    /// a PV inverter on the AC side
    AcPv,
    /// an AC load that can be switched
    AcLoad,
    /// frames of one id can be kept from their receivers
    Silence,
    /// faults can be injected
    Inject,
    /// one cell can be charged above the others
    Imbalance,
    /// somebody answers prompts
    Operator,
}

impl Capability {
    /// Every capability with its name in suite and rig files.
    pub const NAMES: [(&'static str, Self); 9] = [
        ("pv", Self::Pv),
        ("gx", Self::Gx),
        ("grid", Self::Grid),
        ("ac-pv", Self::AcPv),
        ("ac-load", Self::AcLoad),
        ("silence", Self::Silence),
        ("inject", Self::Inject),
        ("imbalance", Self::Imbalance),
        ("operator", Self::Operator),
    ];

    /// Its name in suite and rig files.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|&&(_, c)| c == self).map_or("", |&(name, _)| name)
    }

    /// What a rig has that has it, for messages.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Pv => "a supply that plays the sun",
            Self::Gx => "a GX that is polled",
            Self::Grid => "mains that can be cut",
            Self::AcPv => "a PV inverter on the AC side",
            Self::AcLoad => "an AC load that can be switched",
            Self::Silence => "a way to keep frames of one id from their receivers",
            Self::Inject => "a way to inject faults",
            Self::Imbalance => "a way to charge one cell above the others",
            Self::Operator => "an operator who answers prompts",
        }
    }
}

/// Why a bench could not go on.
#[derive(Debug, thiserror::Error)]
#[error("{instrument}{}{what}", if instrument.is_empty() { "" } else { ": " })]
pub struct BenchError {
    /// whose doing it was
    pub whose: Whose,
    /// which part of the rig; none where somebody wanted it to end, or the battery ended it
    pub instrument: String,
    /// what happened and what to do
    pub what: String,
}

impl BenchError {
    /// A part of the rig refuses or is lost.
    #[must_use]
    pub fn of(instrument: &str, what: impl ToString) -> Self {
        Self { whose: Whose::Rig, instrument: instrument.to_owned(), what: what.to_string() }
    }

    /// Somebody wanted the case to end, or none to begin, `when` in words.
    #[must_use]
    pub fn stopped(when: &str) -> Self {
        Failure::stopped(when).into()
    }
}

impl From<Failure> for BenchError {
    fn from(Failure { whose, what }: Failure) -> Self {
        Self { whose, instrument: String::new(), what }
    }
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        Self { whose: error.whose, what: error.to_string() }
    }
}

/// Everything a test runs against: simulated, live or recorded.
pub trait Bench {
    /// What it can do.
    fn capabilities(&self) -> &[Capability];
    /// Its time now, since the start of the case.
    fn now(&self) -> Micros;
    /// The next input, at the latest [`Input::Tick`] at `until`.
    ///
    /// # Errors
    /// When an instrument is lost for good.
    fn next(&mut self, until: Option<Micros>) -> Result<(Micros, Input), BenchError>;
    /// Carries out an action.
    ///
    /// # Errors
    /// When an instrument refuses or is lost.
    fn act(&mut self, action: &Action) -> Result<(), BenchError>;
    /// Which instruments said who they are, and what: (`supply`, its answer to `*IDN?`). Asked at the end of a case.
    fn identities(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    /// What instruments had to say until now that is no fault by itself, such as why the GX does not answer.
    fn trouble(&self) -> Option<String> {
        None
    }
    /// What a program behind the battery told of itself since this was asked last, one JSON object a line. Nobody acts on
    /// it, and nobody is judged by it.
    fn told(&mut self) -> Option<String> {
        None
    }
}

/// Sees everything that passes between engine and bench, before it is acted on: evidence, progress.
pub trait Witness {
    /// an input came in
    fn input(&mut self, at: Micros, input: &Input);
    /// the engine noted an event
    fn event(&mut self, event: &Event);
    /// a program behind the battery told of itself: [`Bench::told`]
    fn told(&mut self, _lines: &str) {}
    /// where the case stands, once a second of the bench while anything comes in
    fn stands(&mut self, _status: &Status<'_>) {}
}

/// Where a case stands, for whoever watches it.
#[derive(Debug, Clone, Copy)]
pub struct Status<'a> {
    /// the time of the case
    pub at: Micros,
    /// when what it does or waits for now is over by itself; nothing where it does neither
    pub until: Option<Micros>,
    /// whether it is over earlier where what it waits for comes
    pub waits: bool,
    /// what was measured so far
    pub trace: &'a Trace,
}
