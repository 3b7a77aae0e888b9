//! The tolerance tube on the traces of real runs of simulated batteries: 13 kinds of defect, none of which may be
//! accepted, and 4 kinds of variation that any battery shows, none of which may be refused. Each many times, with other
//! numbers each time, from the smallest that the tolerance does not cover. Then tolerances that come from repeat runs, none
//! of which may refuse a fresh run. Prints the tables.

mod repeat;
mod trial;
mod vary;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use judge::trace::Series;
use judge::tube::{Mismatch, Steps, Tolerance, compare};
use judge::window::Window;
use proto::quantity::Micros;

use trial::{Trial, trials};
use vary::{BENIGN, DEFECTS, Draw, Sample, Variation};

/// How often each variation is tried on each trace and with each tolerance.
const SEEDS: u64 = 25;

/// The tightest tube, and one as repeat runs of a less steady battery give it.
const TUBES: [Tolerance; 2] = [Tolerance::LEAST, Tolerance { decivolts: 3, lag: Micros::from_secs(12) }];

#[derive(Default)]
struct Row {
    tried: u32,
    /// how often the trace had nothing that could be varied so
    left_out: u32,
    accepted: u32,
    /// the first that came out wrong
    wrong: Option<String>,
}

fn main() -> ExitCode {
    // Under `cargo nextest` a test is listed before it runs.
    if std::env::args().any(|argument| argument == "--list") {
        let terse = std::env::args().any(|argument| argument == "terse");
        let ignored = std::env::args().any(|argument| argument == "--ignored");
        if terse && !ignored {
            say("tube: test\n");
        }
        return ExitCode::SUCCESS;
    }
    let trials = trials(Path::new(env!("CARGO_MANIFEST_DIR")));
    let mut text = format!("{} traces of simulated batteries:\n", trials.len());
    for trial in &trials {
        let (low, high) = steps(&trial.samples).range();
        let (low, high) = (f64::from(low) / 10.0, f64::from(high) / 10.0);
        let changes = steps(&trial.samples).points().len() - 1;
        text += &format!("  {:<52} {low:.1} to {high:.1} V, {changes} changes\n", trial.name);
    }
    let mut wrong = Vec::new();
    for (title, kinds, accept) in [("defect", DEFECTS, false), ("benign variation", BENIGN, true)] {
        let rows = table(&trials, kinds, accept);
        text +=
            &format!("\n{title:<22} {:>6} {:>9} {:>8} {:>9}\n", "tried", "accepted", "refused", "left out");
        let mut sum = Row::default();
        for (name, row) in &rows {
            text += &line(name, row);
            sum.tried += row.tried;
            sum.accepted += row.accepted;
            sum.left_out += row.left_out;
            wrong.extend(row.wrong.as_ref().map(|what| format!("{name}: {what}")));
            if row.tried < 100 {
                wrong.push(format!("{name}: tried only {} times", row.tried));
            }
        }
        text += &line("all", &sum);
    }
    let (repeats, refused) = repeat::table(Path::new(env!("CARGO_MANIFEST_DIR")));
    text += &repeats;
    wrong.extend(refused);
    text += &wrong.iter().map(|what| format!("WRONG {what}\n")).collect::<String>();
    text += if wrong.is_empty() { "tube: ok\n" } else { "tube: FAILED\n" };
    say(&text);
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn say(text: &str) {
    // A closed pipe is no failure of the test.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn line(name: &str, row: &Row) -> String {
    let refused = row.tried - row.accepted;
    format!("{name:<22} {:>6} {:>9} {refused:>8} {:>9}\n", row.tried, row.accepted, row.left_out)
}

fn table(trials: &[Trial], kinds: &[(&'static str, Variation)], accept: bool) -> BTreeMap<&'static str, Row> {
    let mut rows = BTreeMap::new();
    for &(name, vary) in kinds {
        let row: &mut Row = rows.entry(name).or_default();
        for (k, trial) in trials.iter().enumerate() {
            let golden = steps(&trial.samples);
            for (seed, tube) in (0..SEEDS).flat_map(|seed| TUBES.map(|tube| (seed, tube))) {
                let mut draw = Draw::new(seed, k as u64);
                // No battery repeats its times: what is varied stands on a trace that jitters.
                let Some(varied) = vary(&vary::jitter(&trial.samples, &mut draw), tube, &mut draw) else {
                    row.left_out += 1;
                    continue;
                };
                row.tried += 1;
                let answer = compare(&golden, &steps(&varied), tube);
                row.accepted += u32::from(answer.is_ok());
                if answer.is_ok() != accept {
                    row.wrong
                        .get_or_insert_with(|| format!("{}, seed {seed}, {tube:?}: {answer:?}", trial.name));
                }
                if let Err(Mismatch::Apart(apart)) = &answer
                    && apart.needed.is_some_and(|needed| needed <= tube.decivolts)
                {
                    row.wrong = Some(format!("{}: refused, and needs no more: {apart:?}", trial.name));
                }
            }
        }
    }
    rows
}

/// Samples as the harness records them, ending a period after the last.
fn steps(samples: &[Sample]) -> Steps {
    let mut series = Series::default();
    for &(at, decivolts) in samples {
        series.push(at, f64::from(decivolts) / 10.0);
    }
    let end = series.last_seen().map_or(Micros::ZERO, |last| last + Micros::from_secs(1));
    Steps::of(&series, Window::new(Micros::ZERO, end)).expect("samples")
}
