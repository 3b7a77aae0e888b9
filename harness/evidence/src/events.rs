//! `events.jsonl`: what the harness did and noted, one JSON object a line, in the order it happened.
//!
//! The first line says what is run on what. Every line has `at` (microseconds since the start of the run) and `kind`.
//! Between `case-start` and `case-end` the lines belong to that case; a case without its `case-end` was cut off, and so
//! was a run without its `run-end`. `inputs` counts what was recorded in the case before, on any wire.

use judge::failure::{Failure, Whose};
use judge::trace::{Event, EventKind, WaitResult};
use proto::quantity::Micros;
use proto::stimulus::Stimulus;
use serde::{Deserialize, Serialize};

use crate::raw::Fault;
use crate::run::CaseResult;

/// Name and version of the format.
pub const SCHEMA: &str = "busbar-events/1";

/// What is run on what: all that it takes, beside the files of `inputs/`, to judge a run again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Begun {
    /// version of the harness that ran
    pub harness: String,
    /// commit it was built from; empty where it does not know
    #[serde(default)]
    pub commit: String,
    /// name of the rig
    pub rig: String,
    /// name of the battery
    pub battery: String,
    /// seed of everything random
    pub seed: u64,
    /// whether the seed drew the numbers of the rig that have a range
    pub sweep: bool,
    /// CAN interface as `can.log` names it
    pub interface: String,
    /// time of day at which the run began, for the time stamps of `can.log`; zero on the simulated rig
    #[serde(with = "micros")]
    pub epoch: Micros,
    /// how many cases were asked for
    pub cases: usize,
    /// whether that was every case: then everything that must hold is to be judged
    #[serde(default)]
    pub whole: bool,
    /// what a customer gave before the run, so that it was made after that
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// the runs that it was put together from, and what of them was left out; empty where it is one run
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<String>,
}

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// since the start of the run
    pub at: Micros,
    /// what was recorded in the case before it
    pub inputs: u64,
    /// what it says
    pub what: What,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// the run begins
    Run(Begun),
    /// a case begins
    CaseStart {
        /// its suite
        suite: String,
        /// its name in the suite
        case: String,
    },
    /// something happened in the case
    Event(EventKind),
    /// the case has ended
    CaseEnd(Told),
    /// the last case has ended
    RunEnd,
}

/// The outcome of a case as the run told it when the case ended. The judge does not use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// by its name, such as `pass`
    pub outcome: String,
    /// why, in one sentence; empty where it passed
    pub reason: String,
}

/// The first line, with its line break.
#[must_use]
pub fn run(begun: &Begun) -> String {
    row(Micros::ZERO, None, Kind::Run { schema: SCHEMA.to_owned(), begun: begun.clone() })
}

/// The line of an event, with its line break. `began` is when its case began, since the start of the run.
#[must_use]
pub fn line(began: Micros, inputs: u64, event: &Event) -> String {
    let kind = match event.kind.clone() {
        EventKind::Step { line, text } => Kind::Step { line, text },
        EventKind::Mark(name) => Kind::Mark { name },
        EventKind::Stimulus(change) => Kind::Stimulus { change },
        EventKind::Wait(w) => Kind::Wait {
            line: w.line,
            until: w.until,
            began: absolute(began, w.began),
            met: w.met,
            seen: w.seen,
            allowed: w.allowed,
            requirement: w.requirement.map(str::to_owned),
        },
        EventKind::Interlock { what, value, limit } => Kind::Interlock { what, value, limit },
        EventKind::DriverFault(Failure { whose, what }) => {
            Kind::DriverFault { whose: Some(whose.key().to_owned()), what }
        }
        EventKind::Completed => Kind::Completed,
        EventKind::Aborted(reason) => Kind::Aborted { reason },
        EventKind::NotBegun(Failure { whose, what: reason }) => {
            Kind::NotBegun { whose: Some(whose.key().to_owned()), reason }
        }
        EventKind::Instrument { what, says } => Kind::Instrument { what, says },
        EventKind::Trouble(what) => Kind::Trouble { what },
        EventKind::NotOff(what) => Kind::NotOff { what },
    };
    row(absolute(began, event.at), Some(inputs), kind)
}

/// The line that opens a case.
#[must_use]
pub fn case_start(began: Micros, suite: &str, case: &str) -> String {
    row(began, None, Kind::CaseStart { suite: suite.to_owned(), case: case.to_owned() })
}

/// The line that closes a case. What came out stands there for whoever reads along; it is judged from the rest.
#[must_use]
pub fn case_end(case: &CaseResult, inputs: u64) -> String {
    let kind = Kind::CaseEnd {
        suite: case.suite.clone(),
        case: case.case.clone(),
        outcome: case.outcome.name().to_owned(),
        reason: case.reason.clone(),
    };
    row(absolute(case.began, case.length), Some(inputs), kind)
}

/// The last line of a run that was not cut off.
#[must_use]
pub fn run_end(at: Micros) -> String {
    row(at, None, Kind::RunEnd)
}

/// A line read back. `began` is when its case began, since the start of the run.
///
/// # Errors
/// When it is no such line.
pub fn parse(line: &[u8], began: Micros) -> Result<Line, Fault> {
    let wrong = |expected: &str| Fault::new(&String::from_utf8_lossy(line), expected);
    let failure = |whose: Option<String>, what| match whose {
        None => Ok(Failure::told(what)),
        Some(key) => match Whose::of_key(&key) {
            Some(whose) => Ok(Failure { whose, what }),
            None => Err(wrong("`whose` as this version knows it: rig, battery or person")),
        },
    };
    let row: Row = serde_json::from_slice(line).map_err(|error| wrong(&format!("an event: {error}")))?;
    let what = match row.kind {
        Kind::Run { schema, begun } if schema == SCHEMA => What::Run(begun),
        Kind::Run { .. } => return Err(wrong(&format!("`{SCHEMA}`, the schema that this version reads"))),
        Kind::CaseStart { suite, case } => What::CaseStart { suite, case },
        Kind::CaseEnd { outcome, reason, .. } => What::CaseEnd(Told { outcome, reason }),
        Kind::RunEnd => What::RunEnd,
        Kind::Step { line, text } => What::Event(EventKind::Step { line, text }),
        Kind::Mark { name } => What::Event(EventKind::Mark(name)),
        Kind::Stimulus { change } => What::Event(EventKind::Stimulus(change)),
        Kind::Wait { line, until, began: at, met, seen, allowed, requirement } => {
            // A test of one's own is called as no row of the catalogue is: in small letters.
            let row = |id: String| match judge::catalogue::find(&id) {
                Some(row) => Ok(row.id),
                None if id.chars().any(char::is_uppercase) => {
                    Err(wrong(&format!("a requirement of this version's catalogue, which has no {id}")))
                }
                None => Ok(judge::catalogue::own(&id).id),
            };
            let requirement = requirement.map(row).transpose()?;
            let began = at.since(began);
            What::Event(EventKind::Wait(WaitResult { line, until, began, met, seen, allowed, requirement }))
        }
        Kind::Interlock { what, value, limit } => What::Event(EventKind::Interlock { what, value, limit }),
        Kind::DriverFault { whose, what } => What::Event(EventKind::DriverFault(failure(whose, what)?)),
        Kind::Completed => What::Event(EventKind::Completed),
        Kind::Aborted { reason } => What::Event(EventKind::Aborted(reason)),
        Kind::NotBegun { whose, reason } => What::Event(EventKind::NotBegun(failure(whose, reason)?)),
        Kind::Instrument { what, says } => What::Event(EventKind::Instrument { what, says }),
        Kind::Trouble { what } => What::Event(EventKind::Trouble(what)),
        Kind::NotOff { what } => What::Event(EventKind::NotOff(what)),
    };
    Ok(Line { at: row.at, inputs: row.inputs.unwrap_or(0), what })
}

fn absolute(began: Micros, at: Micros) -> Micros {
    Micros(began.0.saturating_add(at.0))
}

fn row(at: Micros, inputs: Option<u64>, kind: Kind) -> String {
    let row = Row { at, inputs, kind };
    proto::text::json(serde_json::to_string(&row).expect("plain structs with text keys serialise")) + "\n"
}

/// A line as JSON has it.
#[derive(Serialize, Deserialize)]
struct Row {
    #[serde(with = "micros")]
    at: Micros,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inputs: Option<u64>,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Kind {
    Run {
        schema: String,
        #[serde(flatten)]
        begun: Begun,
    },
    CaseStart {
        suite: String,
        case: String,
    },
    Step {
        line: u32,
        text: String,
    },
    Mark {
        name: String,
    },
    Stimulus {
        change: Stimulus,
    },
    Wait {
        line: u32,
        until: String,
        #[serde(with = "micros")]
        began: Micros,
        met: bool,
        seen: String,
        #[serde(with = "micros")]
        allowed: Micros,
        requirement: Option<String>,
    },
    Interlock {
        what: String,
        value: String,
        limit: String,
    },
    DriverFault {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        whose: Option<String>,
        what: String,
    },
    Completed,
    Aborted {
        reason: String,
    },
    NotBegun {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        whose: Option<String>,
        reason: String,
    },
    Instrument {
        what: String,
        says: String,
    },
    Trouble {
        what: String,
    },
    NotOff {
        what: String,
    },
    CaseEnd {
        suite: String,
        case: String,
        outcome: String,
        reason: String,
    },
    RunEnd,
}

/// Evidence has times as whole numbers.
mod micros {
    use proto::quantity::Micros;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &Micros, s: S) -> Result<S::Ok, S::Error> {
        at.0.serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Micros, D::Error> {
        u64::deserialize(d).map(Micros)
    }
}

#[cfg(test)]
mod tests;
