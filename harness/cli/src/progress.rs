//! Progress of a run: on a terminal one line that fits it, alive while a case waits; elsewhere a line for each case that is
//! done, and one a minute.

mod counted;

use std::cell::{Cell, RefCell};
use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use engine::bench::Status;
use evidence::run::CaseResult;
use evidence::words::clock;
use indicatif::{ProgressBar, ProgressStyle};
use judge::trace::{Channel, Trace};
use judge::verdict::Outcome;
use proto::quantity::Micros;
use proto::text::plain;

pub(crate) use counted::Counted;

/// Where a run stands, on standard error: standard output is for results.
pub(crate) struct Progress {
    shown: Shown,
    cases: usize,
    done: Cell<usize>,
    /// what the case that runs does
    step: RefCell<String>,
    /// when it was told last
    told: Cell<Option<Instant>>,
}

/// Where progress is shown. A thread of its own writes it: the loop that checks interlocks never waits for a terminal.
enum Shown {
    /// a person looks at it
    Terminal(ProgressBar, SyncSender<Told>),
    /// a log file or CI reads it
    Lines(SyncSender<String>),
    /// nobody wants it
    Silent,
}

/// What a terminal shows.
enum Told {
    /// how it stands, until the next
    Now(String),
    /// what stays above that
    Line(String),
}

/// What waits for a terminal that was stopped (Ctrl-S). More is not shown.
const WAITING: usize = 16;
/// How often a terminal shows how it stands, and how often a log is told.
const OFTEN: Duration = Duration::from_millis(100);
const MINUTE: Duration = Duration::from_secs(60);
/// A terminal of this many columns has room for a bar.
const WIDE: usize = 120;
/// What that takes with the spaces around, and what a narrow one has in front.
const BAR: usize = 21;
const SPINNER: usize = 2;

impl Progress {
    pub(crate) fn new(cases: usize, quiet: bool) -> Self {
        let shown = if quiet {
            Shown::Silent
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(cases as u64);
            let form = if columns() >= WIDE { "{bar:20.cyan} {wide_msg}" } else { "{spinner} {wide_msg}" };
            let style = ProgressStyle::with_template(form);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            // Alive also where nothing comes in.
            bar.enable_steady_tick(Duration::from_millis(250));
            Shown::on(bar)
        } else {
            Shown::Lines(thread(|line: String| {
                let _ = writeln!(std::io::stderr(), "{line}");
            }))
        };
        Self::shown(cases, shown)
    }

    fn shown(cases: usize, shown: Shown) -> Self {
        Self { shown, cases, done: Cell::new(0), step: RefCell::default(), told: Cell::new(None) }
    }

    /// Whether it is time to tell how it stands.
    fn is_due(&self) -> bool {
        let often = match self.shown {
            Shown::Terminal(..) => OFTEN,
            Shown::Lines(_) => MINUTE,
            Shown::Silent => return false,
        };
        let now = Instant::now();
        let due = match self.told.get() {
            Some(last) => now.duration_since(last) >= often,
            // A log is told after a minute for the first time.
            None => matches!(self.shown, Shown::Terminal(..)),
        };
        if due || self.told.get().is_none() {
            self.told.set(Some(now));
        }
        due
    }

    fn tell(&self, case: &str, at: Micros, to_go: &str, measured: &str) {
        let step = self.step.borrow();
        let (at, number) = (clock(at), format!("{}/{}", self.done.get() + 1, self.cases));
        let line = Line { number: &number, case, at: &at, step: &step, to_go, measured };
        // Where nobody takes it in time it is not shown.
        match &self.shown {
            Shown::Terminal(_, told) => {
                let columns = columns();
                let taken = if columns >= WIDE { BAR } else { SPINNER };
                let _ = told.try_send(Told::Now(line.fit(columns.saturating_sub(taken))));
            }
            Shown::Lines(told) => {
                let _ = told.try_send(line.fit(usize::MAX));
            }
            Shown::Silent => {}
        }
    }
}

impl Shown {
    fn on(bar: ProgressBar) -> Self {
        let showing = bar.clone();
        let told = thread(move |told| match told {
            Told::Now(text) => showing.set_message(text),
            Told::Line(text) => showing.println(text),
        });
        Self::Terminal(bar, told)
    }
}

/// The thread that writes the progress line; without one, nothing is written.
fn thread<T: Send + 'static>(show: impl FnMut(T) + Send + 'static) -> SyncSender<T> {
    let (sender, taken) = sync_channel(WAITING);
    let _ = std::thread::Builder::new()
        .name("progress".to_owned())
        .spawn(move || taken.into_iter().for_each(show));
    sender
}

fn columns() -> usize {
    terminal_size::terminal_size_of(std::io::stderr()).map_or(80, |(columns, _)| usize::from(columns.0))
}

impl session::Progress for Progress {
    fn step(&self, case: &str, at: Micros, step: &str) {
        plain(step).as_ref().clone_into(&mut self.step.borrow_mut());
        if matches!(self.shown, Shown::Terminal(..)) && self.is_due() {
            self.tell(&plain(case), at, "", "");
        }
    }

    fn stands(&self, case: &str, status: &Status<'_>) {
        if self.is_due() {
            self.tell(&plain(case), status.at, &to_go(status), &measured(status));
        }
    }

    fn done(&self, case: &CaseResult) {
        self.done.set(self.done.get() + 1);
        let name = case.name();
        let name = plain(&name);
        match &self.shown {
            Shown::Terminal(bar, told) => {
                if case.tried && matches!(case.outcome, Outcome::Fail | Outcome::Inconclusive) {
                    let line = format!("{:<14} {name}  {}", word(case), plain(&case.reason));
                    let _ = told.try_send(Told::Line(cut(&line, columns())));
                }
                bar.inc(1);
            }
            Shown::Lines(_) => {
                let length = Micros(case.length.0 / 1_000_000 * 1_000_000);
                let _ = writeln!(std::io::stderr(), "{:<14} {name}  {length}", word(case));
            }
            Shown::Silent => {}
        }
    }

    fn finish(&self) {
        if let Shown::Terminal(bar, _) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn word(case: &CaseResult) -> &'static str {
    match case.outcome {
        _ if !case.tried => "not tried",
        Outcome::Pass => "pass",
        Outcome::NotApplicable => "not applicable",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Fail => "fail",
    }
}

/// How long what the case does goes on, or may.
fn to_go(status: &Status<'_>) -> String {
    status.until.map_or_else(String::new, |until| {
        format!("{}{} to go", if status.waits { "≤ " } else { "" }, clock(until.since(status.at)))
    })
}

/// A value that is older is history: some batteries send a message once a minute.
const FRESH: Micros = Micros::from_secs(65);

/// State of charge, voltage, CVL and current, as the battery says them; a dash for what it does not.
fn measured(status: &Status<'_>) -> String {
    let now = |trace: &Trace, channel, decimals: usize| {
        let series = trace.series(channel);
        let fresh = series.last_seen().is_some_and(|seen| status.at.since(seen) <= FRESH);
        series.last().filter(|_| fresh).map_or_else(|| "–".to_owned(), |value| format!("{value:.decimals$}"))
    };
    let of = |channel, decimals| now(status.trace, channel, decimals);
    format!(
        "{} %  {} V  CVL {} V  {} A",
        of(Channel::Soc, 0),
        of(Channel::PackVoltage, 1),
        of(Channel::Cvl, 1),
        of(Channel::PackCurrent, 1)
    )
}

/// What is told of how a run stands.
struct Line<'a> {
    /// of the case, of how many
    number: &'a str,
    case: &'a str,
    at: &'a str,
    step: &'a str,
    to_go: &'a str,
    measured: &'a str,
}

impl Line<'_> {
    /// In so many columns. Time to go and what is measured go first, then what the case does, then its name.
    fn fit(&self, columns: usize) -> String {
        let Self { number, case, at, step, to_go, measured } = *self;
        let joined = |words: &[&str], gap: &str| {
            let words: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
            words.join(gap)
        };
        let whole = joined(&[number, case, at, step, to_go, measured], "  ");
        if whole.chars().count() <= columns {
            return whole;
        }
        let tight = measured.replace("  ", " ");
        let rest = joined(&[to_go, &tight], " ");
        let alone = case.rsplit('/').next().unwrap_or(case);
        let room = columns.saturating_sub(number.len() + rest.chars().count() + 2);
        let name = cut(alone, (room / 2).max(room.saturating_sub(step.chars().count() + 1)));
        let step = cut(step, room.saturating_sub(name.chars().count() + 1));
        cut(&joined(&[number, &name, &step, &rest], " "), columns)
    }
}

/// The text in at most so many columns.
fn cut(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let kept: String = text.chars().take(columns.saturating_sub(1)).collect();
    if columns == 0 { kept } else { kept + "…" }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::Duration;

    use indicatif::{ProgressDrawTarget, TermLike};
    use rstest::rstest;

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
        let progress = Progress::shown(1, Shown::on(ProgressBar::with_draw_target(Some(1), target)));
        let (done, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            // With a pause, so that the thread which shows them meets the terminal.
            for _ in 0..100 {
                progress.told.set(None);
                progress.step("s/c", Micros::ZERO, "hold 10 min");
                std::thread::sleep(Duration::from_millis(1));
            }
            done.send(progress)
        });
        let progress = told.recv_timeout(Duration::from_secs(5)).expect("it waits for the terminal");
        drop(stopped);
        progress.finish();
    }

    const LINE: Line<'static> = Line {
        number: "12/38",
        case: "blackout-recovery/overnight-shutdown",
        at: "1:02:03",
        step: "wait until the battery is full, at most 3 h",
        to_go: "≤ 2:10:05 to go",
        measured: "97 %  55.2 V  CVL 56.0 V  -12.3 A",
    };

    #[rstest]
    #[case(
        200,
        "12/38  blackout-recovery/overnight-shutdown  1:02:03  wait until the battery is full, at most 3 h  ≤ 2:10:05 to go  97 %  55.2 V  CVL 56.0 V  -12.3 A"
    )]
    #[case(78, "12/38 overnight-s… wait until … ≤ 2:10:05 to go 97 % 55.2 V CVL 56.0 V -12.3 A")]
    #[case(30, "12/38 ≤ 2:10:05 to go 97 % 55…")]
    fn a_line_fits_its_terminal(#[case] columns: usize, #[case] shown: &str) {
        assert_eq!(LINE.fit(columns), shown);
        assert!(shown.chars().count() <= columns);
    }

    #[test]
    fn what_is_short_is_not_cut_for_what_is_long() {
        let line = Line { case: "one-percent", step: "hold 60 min", ..LINE };
        let told = line.fit(78);
        assert!(told.starts_with("12/38 one-percent hold 60 min ≤ 2:10:05"), "{told}");
        let told = Line { to_go: "0:43:12 to go", ..line }.fit(78);
        assert_eq!(told, "12/38 one-percent hold 60 min 0:43:12 to go 97 % 55.2 V CVL 56.0 V -12.3 A");
    }

    #[test]
    fn what_a_battery_does_not_say_is_a_dash() {
        let mut recording = judge::recording::Recording::new();
        let frame = |id, data: &[u8]| {
            proto::frame::Frame::new(proto::frame::CanId::Standard(id), data).expect("a frame")
        };
        recording.can(Micros::ZERO, &frame(0x351, &[0x30, 0x02, 0, 0, 0, 0, 0, 0]));
        let at = |secs| Status {
            at: Micros::from_secs(secs),
            until: Some(Micros::from_secs(100)),
            waits: false,
            trace: recording.trace(),
        };
        assert_eq!(measured(&at(40)), "– %  – V  CVL 56.0 V  – A");
        assert_eq!(measured(&at(90)), "– %  – V  CVL – V  – A", "that is history");
        assert_eq!(to_go(&at(40)), "0:01:00 to go");
        assert_eq!(to_go(&Status { waits: true, ..at(40) }), "≤ 0:01:00 to go");
    }
}
