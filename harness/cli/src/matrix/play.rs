//! Plays cells in parallel: a queue of keys, a thread for each core, one small record a cell.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use evidence::conclusion::Attempt;
use evidence::gaps::Demand;
use evidence::plan::plan;
use evidence::run::{BatteryUnderTest, Rig, Run, RunMeta};
use indicatif::{ProgressBar, ProgressStyle};
use judge::trace::Trace;
use proto::quantity::Micros;
use proto::text::plain;
use report::matrix::cell::Cell;
use session::attempt::{Unseen, attempt};
use sim::Simulation;

use super::inputs::{Inputs, Key};
use super::store::Store;
use crate::{Exit, Failure, load};

/// Plays cells and keeps each the moment it is done; with `fail_fast` until one is not as it must be.
pub(super) fn play(
    inputs: &Inputs,
    keys: &[Key],
    jobs: usize,
    fail_fast: bool,
    mut progress: Progress,
    store: &mut Store,
) -> Result<(), Failure> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (next, stop) = (&next, &stop);
    let (done, results) = mpsc::channel();
    let work = move |done: mpsc::Sender<Result<Cell, Failure>>| {
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
                Ok(cell) => progress.done(&cell),
                // The others finish what they have begun, nothing more.
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    failure.get_or_insert(error);
                }
            }
        }
        progress.finish();
        failure.map_or(Ok(()), Err)
    })
}

/// Every suite once.
fn cell(inputs: &Inputs, key: Key) -> Result<Cell, Failure> {
    let subject = &inputs.batteries[key.battery];
    let (battery, rig) = (&subject.file, &inputs.rigs[key.rig]);
    let rig = &if key.seed == 1 { rig.clone() } else { rig.swept(key.seed) };
    let refused = |error: String| Failure { exit: Exit::Input, message: format!("{}: {error}", rig.rig) };
    // The rig as its file says for seed 1, and else with the numbers of its `sweep:` drawn anew.
    let simulation = Simulation::of(rig, battery).map_err(|error| refused(error.to_string()))?;
    let simulation = simulation.map(|file| if key.seed == 1 { file } else { file.swept(key.seed) });
    let mut cases = Vec::new();
    for suite in &inputs.suites {
        for case in &suite.cases {
            let planned = plan(case, rig, battery).map_err(|error| refused(error.told(&suite.file)))?;
            let name = load::full_name(suite, case);
            let attempt = attempt(planned, simulation.as_ref(), (&name, key.seed), &mut Unseen);
            // Hours of samples: a cell keeps none of them.
            let attempt = Attempt { trace: Trace::default(), ..attempt };
            let result = load::result(suite, case, attempt, Micros::ZERO, &cases);
            cases.push(result);
        }
    }
    let meta = RunMeta {
        seed: key.seed,
        rig: Rig { name: rig.rig.clone(), title: rig.title.clone(), simulated: true, ..Rig::default() },
        battery: BatteryUnderTest { name: battery.declared.name.clone(), ..BatteryUnderTest::default() },
        demand: Demand::Whole,
        not_here: rig.not_here.clone().into_iter().collect(),
        ..RunMeta::default()
    };
    Ok(Cell::of(&Run { meta, cases }, &subject.expect))
}

/// How far it is, on standard error: standard output is for results.
pub(super) enum Progress {
    /// a person looks at it
    Terminal(ProgressBar),
    /// a log file or CI reads it: a line now and then
    Lines { of: usize, done: usize, wrong: usize, began: Instant, said: Instant },
    /// nobody wants it
    Silent,
}

/// How often a log file hears how far it is.
const OFTEN: Duration = Duration::from_secs(10);

impl Progress {
    pub(super) fn new(cells: usize, quiet: bool) -> Self {
        if quiet {
            return Self::Silent;
        }
        if !std::io::stderr().is_terminal() {
            let now = Instant::now();
            return Self::Lines { of: cells, done: 0, wrong: 0, began: now, said: now };
        }
        let bar = ProgressBar::new(cells as u64);
        let style = ProgressStyle::with_template("{bar:24.cyan} {pos}/{len} {eta} left  {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self::Terminal(bar)
    }

    /// A cell is done.
    fn done(&mut self, cell: &Cell) {
        match self {
            Self::Terminal(bar) => {
                if !cell.is_right() {
                    bar.println(plain(&format!("not as it must be: {}", cell.name())));
                }
                bar.set_message(plain(&cell.name()).into_owned());
                bar.inc(1);
            }
            Self::Lines { done, wrong, said, .. } => {
                *done += 1;
                *wrong += usize::from(!cell.is_right());
                if said.elapsed() >= OFTEN {
                    self.say();
                }
            }
            Self::Silent => {}
        }
    }

    fn say(&mut self) {
        if let Self::Lines { of, done, wrong, began, said } = self {
            *said = Instant::now();
            let _ = writeln!(
                std::io::stderr(),
                "{done} of {of} cells in {:.0} s, {wrong} not as they must be",
                began.elapsed().as_secs_f64()
            );
        }
    }

    fn finish(&mut self) {
        match self {
            Self::Terminal(bar) => bar.finish_and_clear(),
            Self::Lines { .. } => self.say(),
            Self::Silent => {}
        }
    }
}
