//! A run told on standard error: standard output is for results. Signals end it.

use std::cell::Cell;
use std::ffi::c_int;
use std::io::{BufReader, IsTerminal as _};
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use engine::bench::Status;
use evidence::run::CaseResult;
use lab::operator::Terminal;
use proto::quantity::Micros;
use report::junit::Took;
use session::Console;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::progress::Progress;

/// Whoever started this program.
struct Caller {
    quiet: bool,
    watch: Arc<Mutex<Took>>,
}

/// Where a run is told; with `quiet` only what must be known.
pub(crate) fn console(quiet: bool) -> Arc<dyn Console> {
    timed(quiet).0
}

/// The same, and what each case took on the clock of the wall.
pub(crate) fn timed(quiet: bool) -> (Arc<dyn Console>, Arc<Mutex<Took>>) {
    let watch = Arc::<Mutex<Took>>::default();
    (Arc::new(Caller { quiet, watch: watch.clone() }), watch)
}

/// The progress that is shown, with a watch: cases follow each other.
struct Timed {
    shown: Progress,
    watch: Arc<Mutex<Took>>,
    began: Cell<Instant>,
}

impl session::Progress for Timed {
    fn step(&self, case: &str, at: Micros, step: &str) {
        self.shown.step(case, at, step);
    }

    fn stands(&self, case: &str, status: &Status<'_>) {
        self.shown.stands(case, status);
    }

    fn done(&self, case: &CaseResult) {
        let now = Instant::now();
        let took = now.duration_since(self.began.replace(now));
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.insert((case.suite.clone(), case.attempted()), took);
        self.shown.done(case);
    }

    fn finish(&self) {
        self.shown.finish();
    }
}

impl Console for Caller {
    fn warn(&self, what: &str) {
        crate::warn(what);
    }

    fn tell(&self, what: &str) {
        if !self.quiet {
            crate::warn(what);
        }
    }

    fn progress(&self, cases: usize) -> Box<dyn session::Progress> {
        let shown = Progress::new(cases, self.quiet);
        Box::new(Timed { shown, watch: self.watch.clone(), began: Cell::new(Instant::now()) })
    }

    fn stop(&self) -> std::io::Result<Arc<AtomicBool>> {
        stopped_by(&ENDS)
    }

    fn operator(&self, within: Micros) -> std::io::Result<Terminal> {
        Terminal::new(Box::new(std::io::stderr()), Box::new(BufReader::new(std::io::stdin())), within)
    }
}

/// The signals that end what runs: Ctrl-C, `kill`, a terminal that closes.
pub(crate) const ENDS: [c_int; 3] = [SIGINT, SIGTERM, SIGHUP];

/// A flag that is set once one of these signals comes.
///
/// # Errors
/// When the system does not let the process hear them.
pub(crate) fn stopped_by(signals: &[c_int]) -> std::io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for &signal in signals {
        signal_hook::flag::register(signal, stop.clone())?;
    }
    Ok(stop)
}

/// How many threads play cells: as many as were asked for, else one for each core.
pub(crate) fn threads(asked: Option<NonZeroUsize>) -> usize {
    asked.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
}

/// Whether standard output shows colours, and how many columns it has.
pub(crate) fn shown_on() -> (bool, usize) {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let width = terminal_size::terminal_size().map_or(100, |(columns, _)| usize::from(columns.0));
    (std::io::stdout().is_terminal() && !no_colour, width)
}
