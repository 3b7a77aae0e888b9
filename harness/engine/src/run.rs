//! The loop that runs a case on any bench, and what is left of the case afterwards.

use judge::failure::Failure;
use judge::recording::Recording;
use judge::trace::{Event, EventKind};
use judge::witness::Reader;

use crate::bench::{Action, Bench, Input, Witness};
use crate::end::End;
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

/// Runs a case to its end. Whatever happens, the bench is asked to switch everything off before this returns,
/// also when a bench or a witness panics. Where it does not confirm that, the last event says so: a person must look
/// before anything else is done.
pub fn run(runnable: Runnable, bench: &mut dyn Bench, witness: &mut dyn Witness) -> Record {
    let mut engine = Engine::new(runnable);
    let mut bench = SwitchedOff { bench, done: false };
    let (mut told, mut second) = (0, None);
    loop {
        while let Some(action) = engine.next_action().filter(|action| *action != Action::Finish) {
            if let Err(error) = bench.bench.act(&action) {
                engine.handle(bench.bench.now(), &Input::Fault(error.into()));
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
            Ok((at, ref input)) => {
                // As the engine takes it, so that what is written down is what is judged.
                let at = at.max(engine.now());
                witness.input(at, input);
                engine.handle(at, input);
                let now = at.0 / 1_000_000;
                if second.replace(now) != Some(now) {
                    witness.stands(&engine.status());
                }
            }
            Err(error) => engine.handle(bench.bench.now(), &Input::Fault(error.into())),
        }
    }
    let wrong = match bench.off() {
        Off::AtOnce => None,
        Off::AskedAgain(said) => {
            let what = format!("{said}; everything was confirmed off when it was asked again");
            Some(EventKind::DriverFault(Failure::of_rig(what)))
        }
        Off::Never(said) => Some(EventKind::NotOff(said)),
    };
    if let Some(lines) = bench.bench.told() {
        witness.told(&lines);
    }
    let trouble = bench.bench.trouble().map(EventKind::Trouble);
    let instruments = bench.bench.identities().into_iter();
    let instruments = instruments.map(|(what, says)| EventKind::Instrument { what: what.to_owned(), says });
    let at = engine.now();
    let (mut recording, end) = engine.into_parts();
    let witnesses: Vec<_> = recording.witnesses().iter().filter_map(identity).collect();
    for kind in instruments.chain(witnesses).chain(trouble).chain(wrong) {
        recording.note(at, kind.clone());
        witness.event(&Event { at, kind });
    }
    Record { recording, end }
}

/// What a witness of the rig says of itself: product, firmware, serial number.
fn identity(reader: &Reader) -> Option<EventKind> {
    let what = reader.witness().instrument.words().to_owned();
    reader.identity().map(|says| EventKind::Instrument { what, says })
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

/// How a bench was switched off.
enum Off {
    /// as it should be
    AtOnce,
    /// it did not confirm that when it was asked first, with what it said then: what it said before is in doubt too
    AskedAgain(String),
    /// it did not confirm it, with what it said last
    Never(String),
}

impl SwitchedOff<'_> {
    /// Switches off.
    fn off(&mut self) -> Off {
        self.done = true;
        let mut said = Vec::new();
        for _ in 0..ATTEMPTS {
            match self.bench.act(&Action::Finish) {
                Ok(()) => return said.into_iter().next().map_or(Off::AtOnce, Off::AskedAgain),
                Err(error) => said.push(error.to_string()),
            }
        }
        Off::Never(said.pop().unwrap_or_default())
    }
}

impl Drop for SwitchedOff<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.off();
        }
    }
}
