//! Progress of work that is many things of one kind: on a terminal a bar, elsewhere a line now and then.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use proto::text::plain;

/// How far it is, on standard error: standard output is for results.
pub(crate) struct Counted {
    shown: Shown,
    /// what is counted, such as `cells`
    what: &'static str,
    of: usize,
    done: usize,
}

enum Shown {
    /// a person looks at it
    Terminal(ProgressBar),
    /// a log file or CI reads it
    Lines { began: Instant, said: Instant },
    /// nobody wants it
    Silent,
}

/// How often a log file hears how far it is.
const OFTEN: Duration = Duration::from_secs(10);

impl Counted {
    pub(crate) fn new(of: usize, what: &'static str, quiet: bool) -> Self {
        let shown = if quiet {
            Shown::Silent
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(of as u64);
            let style = ProgressStyle::with_template("{bar:24.cyan} {pos}/{len} {eta} left  {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            Shown::Terminal(bar)
        } else {
            let now = Instant::now();
            Shown::Lines { began: now, said: now }
        };
        Self { shown, what, of, done: 0 }
    }

    /// One more is done, or one that is not counted. A terminal shows `now` beside its bar, a log `so_far` behind the count.
    pub(crate) fn done(&mut self, is_counted: bool, now: &str, so_far: impl FnOnce() -> String) {
        self.done += usize::from(is_counted);
        let done = self.done;
        match &mut self.shown {
            Shown::Terminal(bar) => {
                bar.set_message(plain(now).into_owned());
                bar.set_position(done as u64);
            }
            Shown::Lines { said, .. } if said.elapsed() >= OFTEN => {
                *said = Instant::now();
                self.say(&so_far());
            }
            Shown::Lines { .. } | Shown::Silent => {}
        }
    }

    /// Leaves a line above the bar of a terminal.
    pub(crate) fn note(&self, line: &str) {
        if let Shown::Terminal(bar) = &self.shown {
            bar.println(plain(line));
        }
    }

    fn say(&self, so_far: &str) {
        if let Shown::Lines { began, .. } = &self.shown {
            let (done, of, what, seconds) = (self.done, self.of, self.what, began.elapsed().as_secs_f64());
            let _ = writeln!(std::io::stderr(), "{done} of {of} {what} in {seconds:.0} s, {so_far}");
        }
    }

    /// Everything is done, or will not be.
    pub(crate) fn finish(&self, so_far: &str) {
        match &self.shown {
            Shown::Terminal(bar) => bar.finish_and_clear(),
            Shown::Lines { .. } => self.say(so_far),
            Shown::Silent => {}
        }
    }
}
