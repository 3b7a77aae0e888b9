//! Every case of every suite as a test, on the rig that `BUSBAR_RIG` names (the simulated one without it), with the
//! battery that `BUSBAR_BATTERY` names (the reference without it): under `cargo test`, `cargo nextest run` or alone.
//!
//! On the simulated rig a case is also held against its snapshot, `suites/<suite>/snapshots/`; review what changed
//! with `cargo insta review`, accept it with `cargo xtask bless --reason "…"`.
//!
//! A real rig is driven by `busbar run` alone, which guards it. With `BUSBAR_RUN`, the folder of a run, every case of that
//! run is a test instead: judged again, and held against the golden trace of its battery within its tolerance.

mod recorded;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use engine::suite::{Case, Suite};
use evidence::conclusion::Attempt;
use evidence::gaps::{self, Demand, Tried};
use evidence::plan::{Planned, plan};
use evidence::run::CaseResult;
use files::{BatteryFile, InputError, Library, RigFile, read_text};
use judge::catalogue::Requirement;
use judge::verdict::{Outcome, Verdict};
use libtest_mimic::{Arguments, Failed, Trial};
use proto::quantity::Micros;
use session::attempt::{Unseen, attempt};
use sim::Simulation;

/// The seed of every snapshot.
const SEED: u64 = 1;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(message) => {
            // Standard output belongs to the list of tests.
            let _ = writeln!(std::io::stderr(), "{message}");
            ExitCode::from(65)
        }
    }
}

/// What all trials share.
struct Bench {
    rig: RigFile,
    battery: BatteryFile,
    /// both, as the simulated world plays them
    simulation: Option<Simulation>,
    /// insta prints a diff in many pieces; one trial at a time does.
    printing: Mutex<()>,
}

fn trials() -> Result<Vec<Trial>, String> {
    let text = |error: InputError| error.to_string();
    let library = Library::find(Path::new(env!("CARGO_MANIFEST_DIR"))).map_err(text)?;
    let named =
        |variable: &str, otherwise: &str| std::env::var(variable).unwrap_or_else(|_| otherwise.to_owned());
    if let Some(folder) = std::env::var_os("BUSBAR_RUN") {
        // As whoever asks sees it: cargo starts tests in the folder of their package.
        return of_a_run(&library.root().join(folder), &library);
    }
    let rig = library.rig(&named("BUSBAR_RIG", "simulated")).map_err(text)?;
    let battery = library.battery(&named("BUSBAR_BATTERY", "reference")).map_err(text)?;
    let rig = library.read_rig(&rig).map_err(text)?;
    let battery = library.read_battery(&battery).map_err(text)?;
    let simulation = Simulation::of(&rig, &battery).map_err(|error| error.to_string())?;
    let bench = Arc::new(Bench { rig, battery, simulation, printing: Mutex::new(()) });
    if bench.rig.live.is_some() {
        let name = &bench.rig.rig;
        return Err(format!(
            "`{name}` is a real rig, which `busbar run --rig {name}` drives and guards. Name the folder of that run with \
             BUSBAR_RUN: it is judged again and held against the golden traces"
        ));
    }
    let mut trials = vec![Trial::test("golden::the-tube-decides", recorded::the_tube_decides)];
    let mut tried = Vec::new();
    for path in library.suites().map_err(text)? {
        let suite = Suite::parse(&library.shown(&path), &read_text(&path).map_err(text)?)
            .map_err(|e| e.to_string())?;
        let snapshots = path.with_file_name("snapshots");
        for case in &suite.cases {
            let planned = plan(case, &bench.rig, &bench.battery).map_err(|error| error.told(&suite.file))?;
            let not_tried = match &planned {
                Planned::NotTried { reason, .. } => Some(reason.clone()),
                Planned::Ready(_) => None,
            };
            tried.push((format!("{}/{}", suite.name, case.name), case.requirements.clone(), not_tried));
            trials.push(trial(&bench, &suite, case, planned, &snapshots));
        }
    }
    let not_here: Vec<_> = bench.rig.not_here.clone().into_iter().collect();
    trials.push(Trial::test("musts::every-one-is-tried", move || every_must(&tried, &not_here)));
    Ok(trials)
}

/// What must hold and no case can try on this rig with this battery.
fn every_must(
    cases: &[(String, Vec<&'static Requirement>, Option<String>)],
    not_here: &[(String, String)],
) -> Result<(), Failed> {
    let tried = |(name, requirements, not_tried): &'_ (String, Vec<&'static Requirement>, Option<String>)| {
        Tried { name: name.clone(), requirements: requirements.clone(), not_tried: not_tried.clone() }
    };
    let cases: Vec<Tried> = cases.iter().map(tried).collect();
    let gaps = gaps::of(&cases, Demand::Whole, not_here, &[]);
    if gaps.is_closed() { Ok(()) } else { Err(Failed::from(gaps.lines().join("\n"))) }
}

/// Every case of a recorded run as a test.
fn of_a_run(folder: &Path, library: &Library) -> Result<Vec<Trial>, String> {
    let printing = Arc::new(Mutex::new(()));
    let cases = recorded::recorded(folder, library)?;
    if cases.is_empty() {
        return Err(format!("{} holds no case", folder.display()));
    }
    let trial = |case: recorded::Recorded| {
        let (name, printing) = (case.result.name().replace('/', "::"), Arc::clone(&printing));
        let ignored = !case.result.tried || case.result.outcome == Outcome::NotApplicable;
        let run = move || {
            let _one_at_a_time = printing.lock().unwrap_or_else(PoisonError::into_inner);
            let differs =
                case.held_against_golden().err().map(|what| format!("its CVL is not golden {what}"));
            concluded(&case.result, differs.as_deref())
        };
        Trial::test(name, run).with_ignored_flag(ignored)
    };
    Ok(cases.into_iter().map(trial).collect())
}

/// A case as a test. One that this rig cannot try is marked ignored: it has not passed.
fn trial(bench: &Arc<Bench>, suite: &Suite, case: &Case, planned: Planned, snapshots: &Path) -> Trial {
    let name = format!("{}::{}", suite.name, case.name);
    let ignored = matches!(planned, Planned::NotTried { .. });
    let (bench, suite_name, file) = (Arc::clone(bench), suite.name.clone(), suite.file.clone());
    let (case, snapshots) = (case.clone(), snapshots.to_owned());
    let run = move || check(&bench, &suite_name, &file, &case, planned, snapshots);
    Trial::test(name, run).with_ignored_flag(ignored)
}

fn check(
    bench: &Bench,
    suite: &str,
    file: &str,
    case: &Case,
    planned: Planned,
    snapshots: PathBuf,
) -> Result<(), Failed> {
    let name = format!("{suite}/{}", case.name);
    let attempt = attempt(planned, bench.simulation.as_ref(), (&name, SEED), &mut Unseen);
    let result = result((suite, file), case, attempt, Micros::ZERO);
    let unchanged = held_against_snapshot(bench, case, &result, snapshots);
    let changed = "its trace is not what the snapshot holds: `cargo insta review` shows both";
    concluded(&result, unchanged.is_err().then_some(changed))
}

/// What came of a case of a suite and its file, which began at this time of its run.
fn result((suite, file): (&str, &str), case: &Case, attempt: Attempt, began: Micros) -> CaseResult {
    let Attempt { outcome, tried, reason, verdicts, trace, length, .. } = attempt;
    CaseResult {
        attempt: 1,
        suite: suite.to_owned(),
        case: case.name.clone(),
        title: case.title.clone(),
        section: case.spec.clone(),
        outcome,
        tried,
        reason,
        file: file.to_owned(),
        line: case.line,
        began,
        length,
        verdicts,
        trace,
    }
}

/// Whether a case passed, and did not change.
fn concluded(result: &CaseResult, changed: Option<&str>) -> Result<(), Failed> {
    if result.outcome == Outcome::Pass && changed.is_none() {
        return Ok(());
    }
    let mut message =
        format!("{}:{}: {} ended {:?}", result.file, result.line, result.name(), result.outcome);
    if !result.reason.is_empty() {
        message += &format!("\n{}", result.reason);
    }
    for verdict in result.verdicts.iter().filter(|v| v.outcome != Outcome::Pass) {
        message += &told(verdict);
    }
    if let Some(what) = changed {
        message += &format!("\n{what}");
    }
    Err(Failed::from(message))
}

/// A verdict with its evidence, for a terminal.
fn told(verdict: &Verdict) -> String {
    let mut text = format!("\n  {} {:?}: {}", verdict.requirement.id, verdict.outcome, verdict.reason);
    for evidence in &verdict.evidence {
        text += &format!("\n    {}", evidence::words::evidence(evidence));
    }
    text
}

/// Compares with the snapshot of this battery. Only the simulated rig repeats itself to the bit.
fn held_against_snapshot(
    bench: &Bench,
    case: &Case,
    result: &CaseResult,
    snapshots: PathBuf,
) -> Result<(), ()> {
    let Some(what) = &case.snapshot else { return Ok(()) };
    let text = report::snapshot::snapshot(result, &what.channels, what.from.as_deref());
    let name = format!("{}@{}", case.name, bench.battery.declared.name);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(snapshots);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(format!("{} on {}, seed {SEED}", bench.battery.declared.name, bench.rig.rig));
    let _one_at_a_time = bench.printing.lock().unwrap_or_else(PoisonError::into_inner);
    // insta reports a difference by a panic, after it printed the diff and kept the new snapshot beside the old.
    let compare = std::panic::AssertUnwindSafe(|| settings.bind(|| insta::assert_snapshot!(name, text)));
    std::panic::catch_unwind(compare).map_err(|_| ())
}
