//! The loop that runs a case on any bench, and what is left of the case afterwards.

use core::fmt;

use judge::recording::Recording;
use judge::trace::{Event, EventKind};
use proto::quantity::Micros;

use crate::bench::{Action, Bench, Input, Witness};
use crate::interlock::Trip;
use crate::machine::Engine;
use crate::suite::Runnable;

/// Everything that is known of a case after it ran.
#[derive(Debug)]
pub struct Record {
    /// trace, events and the facts of the wire checks
    pub recording: Recording,
    /// how the case ended
    pub end: End,
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// every step was done
    Completed,
    /// it ended early
    Aborted(Abort),
}

/// Why a case ended early.
#[derive(Debug, Clone, PartialEq)]
pub enum Abort {
    /// a `wait` or an `expect` took too long
    NotMet {
        /// line of the suite file
        line: u32,
        /// the condition in words
        until: String,
        /// what was seen of it last
        seen: String,
        /// the time allowed
        allowed: Micros,
        /// for an `expect`: the requirement that failed; without one the case is inconclusive
        requirement: Option<&'static str>,
    },
    /// a never-exceed limit tripped
    Interlock(Trip),
    /// a driver failed
    Fault(String),
    /// the operator could not do what was asked
    Operator {
        /// line of the suite file
        line: u32,
        /// what was asked
        text: String,
        /// why not
        what: &'static str,
    },
}

/// Runs a case to its end. Whatever happens, the bench is asked to switch everything off before this returns,
/// also when a bench or a witness panics. Where it does not confirm that, the last event says so: a person must look
/// before anything else is done.
pub fn run(runnable: Runnable, bench: &mut dyn Bench, witness: &mut dyn Witness) -> Record {
    let mut engine = Engine::new(runnable);
    let mut bench = SwitchedOff { bench, done: false };
    let mut told = 0;
    loop {
        while let Some(action) = engine.next_action().filter(|action| *action != Action::Finish) {
            if let Err(error) = bench.bench.act(&action) {
                engine.handle(bench.bench.now(), &Input::Fault(error.to_string()));
            }
        }
        told = tell(&engine, witness, told);
        if let Some(lines) = bench.bench.told() {
            witness.told(&lines);
        }
        if engine.end().is_some() {
            break;
        }
        match bench.bench.next(engine.deadline()) {
            Ok((at, input)) => {
                // As the engine takes it, so that what is written down is what is judged.
                let at = at.max(engine.now());
                witness.input(at, &input);
                engine.handle(at, &input);
            }
            Err(error) => engine.handle(bench.bench.now(), &Input::Fault(error.to_string())),
        }
    }
    let not_off = bench.off().map(EventKind::NotOff);
    if let Some(lines) = bench.bench.told() {
        witness.told(&lines);
    }
    let trouble = bench.bench.trouble().map(EventKind::Trouble);
    let instruments = bench.bench.identities().into_iter();
    let instruments = instruments.map(|(what, says)| EventKind::Instrument { what: what.to_owned(), says });
    let at = engine.now();
    let (mut recording, end) = engine.into_parts();
    for kind in instruments.chain(trouble).chain(not_off) {
        recording.note(at, kind.clone());
        witness.event(&Event { at, kind });
    }
    Record { recording, end }
}

/// Tells the witness of the events that it has not seen yet.
fn tell(engine: &Engine, witness: &mut dyn Witness, told: usize) -> usize {
    let events = &engine.recording().trace().events;
    events[told..].iter().for_each(|event| witness.event(event));
    events.len()
}

/// How often a bench is asked to switch off before it is given up.
const ATTEMPTS: usize = 3;

/// A bench that is switched off at the latest when it is dropped.
struct SwitchedOff<'b> {
    bench: &'b mut dyn Bench,
    done: bool,
}

impl SwitchedOff<'_> {
    /// Switches off; what the bench said when it could not.
    fn off(&mut self) -> Option<String> {
        self.done = true;
        let mut said = None;
        for _ in 0..ATTEMPTS {
            match self.bench.act(&Action::Finish) {
                Ok(()) => return None,
                Err(error) => said = Some(error.to_string()),
            }
        }
        said
    }
}

impl Drop for SwitchedOff<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.off();
        }
    }
}

impl fmt::Display for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMet { line, until, seen, allowed, requirement: Some(id) } => {
                write!(f, "{id}: {until} was not reached within {allowed}, last seen: {seen} (line {line})")
            }
            Self::NotMet { line, until, seen, allowed, requirement: None } => {
                write!(f, "waited {allowed} in vain for {until}, last seen: {seen} (line {line})")
            }
            Self::Interlock(Trip { what, value, limit, by }) => {
                write!(f, "interlock: {what} {value} ({by}), the rig's limit is {limit}")
            }
            Self::Fault(what) => write!(f, "the bench failed: {what}"),
            Self::Operator { line, text, what } => write!(f, "the operator {what}: {text} (line {line})"),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("completed"),
            Self::Aborted(abort) => write!(f, "ended early: {abort}"),
        }
    }
}
