//! How far a search is, on standard error, with the worst so far.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use proto::text::plain;
use session::search::{Point, Worst};

/// How far it is: standard output is for results.
pub(super) struct Progress {
    shown: Shown,
    done: usize,
    worst: Option<(usize, Worst)>,
}

enum Shown {
    /// a person looks at it
    Terminal(ProgressBar),
    /// a log file or CI reads it: a line now and then
    Lines { of: usize, began: Instant, said: Instant },
    /// nobody wants it
    Silent,
}

/// How often a log file hears how far it is.
const OFTEN: Duration = Duration::from_secs(10);

impl Progress {
    pub(super) fn new(points: usize, quiet: bool) -> Self {
        let shown = if quiet {
            Shown::Silent
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(points as u64);
            let style = ProgressStyle::with_template("{bar:24.cyan} {pos}/{len} {eta} left  {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            Shown::Terminal(bar)
        } else {
            let now = Instant::now();
            Shown::Lines { of: points, began: now, said: now }
        };
        Self { shown, done: 0, worst: None }
    }

    /// A point was played.
    pub(super) fn done(&mut self, point: &Point) {
        self.done += usize::from(point.number > 0);
        if let Some(new) = &point.found.worst
            && self.worst.as_ref().is_none_or(|(_, worst)| new.room() < worst.room())
        {
            self.worst = Some((point.number, new.clone()));
        }
        let best = self.best();
        match &mut self.shown {
            Shown::Terminal(bar) => {
                bar.set_message(plain(&best).into_owned());
                bar.set_position(self.done as u64);
            }
            Shown::Lines { said, .. } if said.elapsed() >= OFTEN => {
                *said = Instant::now();
                self.say();
            }
            Shown::Lines { .. } | Shown::Silent => {}
        }
    }

    fn best(&self) -> String {
        let Some((number, worst)) = &self.worst else { return "nothing decided yet".to_owned() };
        let room = super::told::room(worst);
        format!("worst so far: {} {room} at point {number}", worst.requirement)
    }

    fn say(&self) {
        if let Shown::Lines { of, began, .. } = &self.shown {
            let (done, seconds) = (self.done, began.elapsed().as_secs_f64());
            let _ = writeln!(std::io::stderr(), "{done} of {of} points in {seconds:.0} s, {}", self.best());
        }
    }

    pub(super) fn finish(&mut self) {
        match &self.shown {
            Shown::Terminal(bar) => bar.finish_and_clear(),
            Shown::Lines { .. } => self.say(),
            Shown::Silent => {}
        }
    }
}
