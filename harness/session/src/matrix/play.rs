//! Plays cells in parallel: a queue of keys, a thread for each core, one small record a cell.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use evidence::conclusion::Attempt;
use evidence::gaps::Demand;
use evidence::run::{BatteryUnderTest, Rig, Run, RunMeta};
use judge::trace::Trace;
use proto::quantity::Micros;
use report::matrix::cell::Cell;

use super::inputs::{Inputs, Key};
use super::store::Store;
use crate::Error;
use crate::attempt::Unseen;

/// Plays cells and keeps each the moment it is done; with `fail_fast` until one is not as it must be.
/// `kept` is told of each.
///
/// # Errors
/// When nothing may run on a rig, or a cell cannot be kept.
pub fn play(
    inputs: &Inputs,
    keys: &[Key],
    (jobs, fail_fast): (usize, bool),
    store: &mut Store,
    mut kept: impl FnMut(&Cell),
) -> Result<(), Error> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (next, stop) = (&next, &stop);
    let (done, results) = mpsc::channel();
    let work = move |done: mpsc::Sender<Result<Cell, Error>>| {
        while !stop.load(Ordering::Relaxed) {
            let Some(key) = keys.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
            let result = cell(inputs, *key);
            // Said by who played it, before the next one is begun.
            if fail_fast && result.as_ref().is_ok_and(|cell| !cell.is_right()) {
                stop.store(true, Ordering::Relaxed);
            }
            if done.send(result).is_err() {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, keys.len().max(1)) {
            let done = done.clone();
            scope.spawn(move || work(done));
        }
        // The results end when the last thread is gone.
        drop(done);
        let mut failure = None;
        for result in results {
            match result.and_then(|cell| store.keep(&cell).map(|()| cell)) {
                Ok(cell) => kept(&cell),
                // The others finish what they have begun, nothing more.
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    failure.get_or_insert(error);
                }
            }
        }
        failure.map_or(Ok(()), Err)
    })
}

/// Every suite once: on the rig as its file says with seed 1, and else with the numbers of its `sweep:` drawn anew.
fn cell(inputs: &Inputs, key: Key) -> Result<Cell, Error> {
    let subject = &inputs.subjects[key.subject];
    let drawn = (key.seed != 1).then(|| subject.setup.swept(key.seed));
    let setup = drawn.as_ref().unwrap_or(&subject.setup);
    let rig = &setup.rig;
    let entries = setup.plan(inputs.suites.cases());
    let entries = entries.map_err(|error| Error::Refused(format!("{}: {error}", rig.rig)))?;
    let mut cases = Vec::new();
    for entry in entries {
        let name = entry.name();
        let attempt = setup.attempt(entry.planned, &name, key.seed, &mut Unseen);
        // Hours of samples: a cell keeps none of them.
        let attempt = Attempt { trace: Trace::default(), ..attempt };
        let result = attempt.into_result((entry.suite, entry.case), Micros::ZERO, &cases);
        cases.push(result);
    }
    let name = setup.battery.declared.name.clone();
    let meta = RunMeta {
        seed: key.seed,
        rig: Rig { name: rig.rig.clone(), title: rig.title.clone(), simulated: true, ..Rig::default() },
        battery: BatteryUnderTest { name, ..BatteryUnderTest::default() },
        demand: Demand::Whole,
        not_here: rig.not_here.clone().into_iter().collect(),
        ..RunMeta::default()
    };
    Ok(Cell::of(&Run { meta, cases }, subject.expect.as_deref()))
}
