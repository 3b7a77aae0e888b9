//! Progress of a run: a bar with simulated time and current step on a terminal, plain lines elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{SyncSender, sync_channel};

use evidence::run::CaseResult;
use indicatif::{ProgressBar, ProgressStyle};
use judge::verdict::Outcome;
use proto::quantity::Micros;
use proto::text::plain;

/// Where a run stands, on standard error: standard output is for results.
pub(crate) enum Progress {
    /// a person looks at it; a thread shows the steps
    Terminal(ProgressBar, SyncSender<String>),
    /// a log file or CI reads it
    Lines,
    /// nobody wants it
    Silent,
}

/// Steps that wait for a terminal which was stopped (Ctrl-S). More are not shown: whoever looks at interlocks never waits
/// for a terminal.
const STEPS: usize = 16;

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
        Self::shown_by(bar)
    }

    fn shown_by(bar: ProgressBar) -> Self {
        let (steps, shown) = sync_channel(STEPS);
        let showing = bar.clone();
        // Without a thread for them they are not shown.
        let _ = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || shown.into_iter().for_each(|step: String| showing.set_message(step)));
        Self::Terminal(bar, steps)
    }
}

impl session::Progress for Progress {
    fn step(&self, case: &str, at: Micros, step: &str) {
        if let Self::Terminal(_, steps) = self {
            let time = Micros(at.0 / 1_000_000 * 1_000_000);
            let _ = steps.try_send(plain(&format!("{case}  {time}  {step}")).into_owned());
        }
    }

    fn done(&self, case: &CaseResult) {
        match self {
            Self::Terminal(bar, _) => bar.inc(1),
            Self::Lines => {
                let _ = writeln!(
                    std::io::stderr(),
                    "{:<14} {}  {}",
                    words(case),
                    plain(&case.name()),
                    Micros(case.length.0 / 1_000_000 * 1_000_000)
                );
            }
            Self::Silent => {}
        }
    }

    fn finish(&self) {
        if let Self::Terminal(bar, _) = self {
            bar.finish_and_clear();
        }
    }
}

fn words(case: &CaseResult) -> &'static str {
    match case.outcome {
        _ if !case.tried => "not tried",
        Outcome::Pass => "pass",
        Outcome::NotApplicable => "not applicable",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Fail => "fail",
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::Duration;

    use indicatif::{ProgressDrawTarget, TermLike};

    use session::Progress as _;

    use super::*;

    /// A terminal that takes nothing while somebody else holds it.
    #[derive(Debug)]
    struct Stopped(Arc<Mutex<()>>);

    impl Stopped {
        fn wait(&self) -> io::Result<()> {
            drop(self.0.lock().unwrap_or_else(PoisonError::into_inner));
            Ok(())
        }
    }

    impl TermLike for Stopped {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            self.wait()
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            self.wait()
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            self.wait()
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            self.wait()
        }
        fn write_line(&self, _: &str) -> io::Result<()> {
            self.wait()
        }
        fn write_str(&self, _: &str) -> io::Result<()> {
            self.wait()
        }
        fn clear_line(&self) -> io::Result<()> {
            self.wait()
        }
        fn flush(&self) -> io::Result<()> {
            self.wait()
        }
    }

    #[test]
    fn nobody_waits_for_a_terminal_that_was_stopped() {
        let terminal = Arc::new(Mutex::new(()));
        let stopped = terminal.lock().expect("nobody has it");
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(Stopped(terminal.clone())), 255);
        let progress = Progress::shown_by(ProgressBar::with_draw_target(Some(1), target));
        let (done, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            // With a pause, so that the thread which shows them meets the terminal.
            for _ in 0..100 {
                progress.step("s/c", Micros::ZERO, "hold 10 min");
                std::thread::sleep(Duration::from_millis(1));
            }
            done.send(progress)
        });
        let progress = told.recv_timeout(Duration::from_secs(5)).expect("it waits for the terminal");
        drop(stopped);
        progress.finish();
    }
}
