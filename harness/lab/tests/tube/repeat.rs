//! Golden traces that are accepted from repeat runs, and fresh runs of the same good battery held against them.

use std::path::Path;

use engine::suite::{Case, Suite};
use evidence::plan::plan;
use files::{BatteryFile, Library, RigFile, read_text};
use judge::trace::{Channel, EventKind};
use judge::tube::{Steps, Tolerance, compare, spread};
use judge::window::Window;
use proto::quantity::Micros;
use session::attempt::{Unseen, attempt};
use sim::Simulation;

const SUITES: [&str; 2] = ["feed-in", "imbalance"];

/// The runs that there are.
const SEEDS: u64 = 12;

/// From so many of them at a time a golden trace is accepted; the others are held against it.
const ACCEPTED: [usize; 4] = [2, 3, 5, Tolerance::ENOUGH];

/// What came of so many runs.
struct Row {
    runs: usize,
    tried: u32,
    refused: u32,
    /// refused within no more than the runs are apart, for comparison
    plain: u32,
    widest: Tolerance,
}

/// The table, and what is wrong in it: a run that was refused.
pub(crate) fn table(inside: &Path) -> (String, Vec<String>) {
    let library = Library::find(inside).expect("inside the project");
    let rig = library.read_rig(&library.rig("simulated").expect("a rig")).expect("a good rig");
    let file = library.battery("reference").expect("a battery");
    let file = library.read_battery(&file).expect("a good battery");
    let none = Tolerance { decivolts: 0, lag: Micros::ZERO };
    let mut rows = ACCEPTED.map(|runs| Row { runs, tried: 0, refused: 0, plain: 0, widest: none });
    let (mut wrong, mut cases) = (Vec::new(), 0);
    for suite in SUITES {
        let path = library.root().join(format!("suites/{suite}/{suite}.yaml"));
        let suite = Suite::parse(suite, &read_text(&path).expect("readable")).expect("a good suite");
        for case in &suite.cases {
            let Some(from) = case.snapshot.as_ref().map(|snapshot| snapshot.from.as_deref()) else {
                continue;
            };
            cases += 1;
            let name = format!("{}/{}", suite.name, case.name);
            let runs: Vec<Steps> =
                (1..=SEEDS).map(|seed| run(case, &name, from, &rig, &file, seed)).collect();
            for row in &mut rows {
                held(row, &runs, &name, &mut wrong);
            }
        }
    }
    let mut text =
        format!("\n{cases} cases, {SEEDS} runs each of a good battery, golden from some of them:\n");
    text += "runs     tried   refused   refused within their range   widest\n";
    for Row { runs, tried, refused, plain, widest } in &rows {
        let (volts, lag) = (f64::from(widest.decivolts) / 10.0, widest.lag.secs());
        text += &format!("{runs:<6} {tried:>7} {refused:>9} {plain:>28}   {volts:.1} V and {lag:.1} s\n");
        if *tried < 20 {
            wrong.push(format!("accepted from {runs} runs: tried only {tried} times"));
        }
    }
    (text, wrong)
}

/// CVL of a case from its mark on, as a golden file has it.
fn run(
    case: &Case,
    name: &str,
    from: Option<&str>,
    rig: &RigFile,
    battery: &BatteryFile,
    seed: u64,
) -> Steps {
    let planned = plan(case, rig, battery).expect("it fits");
    let done =
        attempt(planned, Simulation::of(rig, battery).expect("sound").as_ref(), (name, seed), &mut Unseen);
    let mark = |mark: &str| {
        let reached = |kind: &EventKind| matches!(kind, EventKind::Mark(name) if name == mark);
        done.trace.events.iter().find(|event| reached(&event.kind)).expect("the mark was reached").at
    };
    let window = Window::new(from.map_or(Micros::ZERO, mark), done.length);
    Steps::of(done.trace.series(Channel::Cvl), window).expect("CVL was heard").rounded()
}

/// Holds the runs that a golden trace does not come from against it.
fn held(row: &mut Row, runs: &[Steps], name: &str, wrong: &mut Vec<String>) {
    for first in (0..runs.len() / row.runs).map(|group| group * row.runs) {
        let own = first..first + row.runs;
        let apart = match spread(&runs[own.clone()]) {
            Ok(apart) => apart,
            Err(why) => {
                wrong.push(format!("{name}: good runs do not repeat each other: {why:?}"));
                continue;
            }
        };
        let within = apart.widened(row.runs).max(Tolerance::LEAST);
        row.widest = row.widest.max(within);
        for fresh in (0..runs.len()).filter(|k| !own.contains(k)) {
            row.tried += 1;
            row.plain += u32::from(compare(&runs[first], &runs[fresh], apart.max(Tolerance::LEAST)).is_err());
            if let Err(why) = compare(&runs[first], &runs[fresh], within) {
                row.refused += 1;
                let seeds = format!("{} to {}", first + 1, own.end);
                wrong.push(format!(
                    "{name}: seed {} refused within {within:?} of {seeds}: {why:?}",
                    fresh + 1
                ));
            }
        }
    }
}
