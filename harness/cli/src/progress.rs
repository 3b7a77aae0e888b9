//! Progress of a run: a bar with simulated time and current step on a terminal, plain lines elsewhere.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};
use judge::verdict::Outcome;
use proto::quantity::Micros;
use proto::text::plain;

/// Where a run stands, on standard error: standard output is for results.
pub(crate) enum Progress {
    /// a person looks at it
    Terminal(ProgressBar),
    /// a log file or CI reads it
    Lines,
    /// nobody wants it
    Silent,
}

impl Progress {
    pub(crate) fn new(cases: usize, quiet: bool) -> Self {
        if quiet {
            return Self::Silent;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines;
        }
        let bar = ProgressBar::new(cases as u64);
        let style = ProgressStyle::with_template("{bar:24.cyan} {pos}/{len} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self::Terminal(bar)
    }

    /// A step of a case began.
    pub(crate) fn step(&self, case: &str, at: Micros, step: &str) {
        if let Self::Terminal(bar) = self {
            let time = Micros(at.0 / 1_000_000 * 1_000_000);
            bar.set_message(plain(&format!("{case}  {time}  {step}")).into_owned());
        }
    }

    /// A case is done.
    pub(crate) fn done(&self, case: &str, outcome: Outcome, simulated: Micros) {
        match self {
            Self::Terminal(bar) => bar.inc(1),
            Self::Lines => {
                let _ = writeln!(
                    std::io::stderr(),
                    "{:<14} {}  {}",
                    words(outcome),
                    plain(case),
                    Micros(simulated.0 / 1_000_000 * 1_000_000)
                );
            }
            Self::Silent => {}
        }
    }

    pub(crate) fn finish(&self) {
        if let Self::Terminal(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::NotApplicable => "not applicable",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Fail => "fail",
    }
}
