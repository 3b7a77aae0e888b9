//! Plays cells in parallel: a queue of cases, cell by cell, a thread for each core, one small record a cell.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use evidence::conclusion::Attempt;
use evidence::gaps::Demand;
use evidence::run::{BatteryUnderTest, CaseResult, Rig, Run, RunMeta};
use judge::trace::Trace;
use proto::quantity::Micros;
use report::matrix::cell::Cell;

use super::inputs::{Inputs, Key, Subject};
use super::store::Store;
use crate::attempt::Unseen;
use crate::{Entry, Error, Setup};

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
    let queue = &Queue { inputs, keys, at: Mutex::default(), stop: AtomicBool::new(false) };
    let (done, results) = mpsc::channel();
    let work = move |done: mpsc::Sender<Result<Cell, Error>>| {
        while let Some(next) = queue.next() {
            let Some(result) = next.map(|(begun, n)| begun.play(n)).transpose() else { continue };
            // Said by who played it, before the next one is begun.
            if fail_fast && result.as_ref().is_ok_and(|cell| !cell.is_right()) {
                queue.stop();
            }
            if done.send(result).is_err() {
                return;
            }
        }
    };
    let cases = inputs.suites.cases().count().max(1);
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, (keys.len() * cases).max(1)) {
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
                    queue.stop();
                    failure.get_or_insert(error);
                }
            }
        }
        failure.map_or(Ok(()), Err)
    })
}

/// Cells that are to be played. Threads share the cases of a cell, so that the last cell, or the only one, takes no longer
/// than it must.
struct Queue<'a> {
    inputs: &'a Inputs,
    keys: &'a [Key],
    at: Mutex<At<'a>>,
    stop: AtomicBool,
}

/// How far it has come.
#[derive(Default)]
struct At<'a> {
    /// cells that were begun
    begun: usize,
    /// the last of them, and how many of its cases were taken
    open: Option<(Arc<Begun<'a>>, usize)>,
}

impl<'a> Queue<'a> {
    /// The next case of the cell that was begun last, or the first one of the next cell.
    fn next(&self) -> Option<Result<(Arc<Begun<'a>>, usize), Error>> {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some((begun, taken)) = &mut at.open
                && *taken < begun.planned.len()
            {
                *taken += 1;
                return Some(Ok((begun.clone(), *taken - 1)));
            }
            let key = self.keys.get(at.begun).filter(|_| !self.stop.load(Ordering::Relaxed))?;
            at.begun += 1;
            match Begun::new(self.inputs, *key) {
                Ok(begun) => at.open = Some((Arc::new(begun), 0)),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// No other cell is begun; those that are begun are finished.
    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// A cell that is being played: every suite once, on the rig as its file says with seed 1, and else with the numbers of its
/// `sweep:` drawn anew.
struct Begun<'a> {
    seed: u64,
    subject: &'a Subject,
    drawn: Option<Setup>,
    planned: Vec<Mutex<Option<Entry<'a>>>>,
    /// what came of each
    results: Mutex<Vec<Option<CaseResult>>>,
}

impl<'a> Begun<'a> {
    fn new(inputs: &'a Inputs, key: Key) -> Result<Self, Error> {
        let subject = &inputs.subjects[key.subject];
        let drawn = (key.seed != 1).then(|| subject.setup.swept(key.seed));
        let setup = drawn.as_ref().unwrap_or(&subject.setup);
        let entries = setup.plan(inputs.suites.cases());
        let entries = entries.map_err(|error| Error::Refused(format!("{}: {error}", setup.rig.rig)))?;
        let results = entries.iter().map(|_| None).collect();
        let planned = entries.into_iter().map(|entry| Mutex::new(Some(entry))).collect();
        Ok(Self { seed: key.seed, subject, drawn, planned, results: Mutex::new(results) })
    }

    fn setup(&self) -> &Setup {
        self.drawn.as_ref().unwrap_or(&self.subject.setup)
    }

    /// Plays this case; the whole cell, where it was the last one.
    fn play(&self, n: usize) -> Option<Cell> {
        let entry = self.planned[n].lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let name = entry.name();
        let attempt = self.setup().attempt(entry.planned, &name, self.seed, &mut Unseen);
        // Hours of samples: a cell keeps none of them.
        let attempt = Attempt { trace: Trace::default(), ..attempt };
        let result = attempt.into_result((entry.suite, entry.case), Micros::ZERO, &[]);
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results[n] = Some(result);
        let cases = results.iter().all(Option::is_some).then(|| results.drain(..).flatten().collect())?;
        Some(self.concluded(cases))
    }

    fn concluded(&self, cases: Vec<CaseResult>) -> Cell {
        let Setup { rig, battery, .. } = self.setup();
        let meta = RunMeta {
            seed: self.seed,
            rig: Rig { name: rig.rig.clone(), title: rig.title.clone(), simulated: true, ..Rig::default() },
            battery: BatteryUnderTest { name: battery.declared.name.clone(), ..BatteryUnderTest::default() },
            demand: Demand::Whole,
            not_here: rig.not_here.clone().into_iter().collect(),
            ..RunMeta::default()
        };
        let cell = Cell::of(&Run { meta, cases }, self.subject.expect.as_deref());
        Cell { drawn: self.setup().drawn(), ..cell }
    }
}
