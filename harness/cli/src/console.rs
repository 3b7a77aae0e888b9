//! A run told on standard error: standard output is for results. Signals end it.

use std::io::{BufReader, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lab::operator::Terminal;
use proto::quantity::Micros;
use session::Console;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::progress::Progress;

/// Whoever started this program.
struct Caller {
    quiet: bool,
}

/// Where a run is told; with `quiet` only what must be known.
pub(crate) fn console(quiet: bool) -> Arc<dyn Console> {
    Arc::new(Caller { quiet })
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
        Box::new(Progress::new(cases, self.quiet))
    }

    fn stop(&self) -> std::io::Result<Arc<AtomicBool>> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, stop.clone())?;
        }
        Ok(stop)
    }

    fn operator(&self, within: Micros) -> std::io::Result<Terminal> {
        Terminal::new(Box::new(std::io::stderr()), Box::new(BufReader::new(std::io::stdin())), within)
    }
}

/// Whether standard output shows colours, and how many columns it has.
pub(crate) fn shown_on() -> (bool, usize) {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let width = terminal_size::terminal_size().map_or(100, |(columns, _)| usize::from(columns.0));
    (std::io::stdout().is_terminal() && !no_colour, width)
}
