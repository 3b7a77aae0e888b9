//! How far a matrix is, on standard error.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use proto::text::plain;
use report::matrix::cell::Cell;

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
    pub(super) fn done(&mut self, cell: &Cell) {
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

    pub(super) fn finish(&mut self) {
        match self {
            Self::Terminal(bar) => bar.finish_and_clear(),
            Self::Lines { .. } => self.say(),
            Self::Silent => {}
        }
    }
}
