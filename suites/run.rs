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
use evidence::gaps::{self, Demand, Tried};
use evidence::plan::Planned;
use evidence::run::CaseResult;
use files::{InputError, Library, Suites};
use judge::verdict::{Outcome, Verdict};
use libtest_mimic::{Arguments, Failed, Trial};
use proto::quantity::Micros;
use session::attempt::Unseen;
use session::{Entry, Setup};

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
    setup: Setup,
    suites: Suites,
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
    let (rig, battery) = (named("BUSBAR_RIG", "simulated"), named("BUSBAR_BATTERY", "reference"));
    let setup = Setup::read(&library, &rig, &battery).map_err(text)?;
    if setup.rig.live.is_some() {
        let name = &setup.rig.rig;
        return Err(format!(
            "`{name}` is a real rig, which `busbar run --rig {name}` drives and guards. Name the folder of that run with \
             BUSBAR_RUN: it is judged again and held against the golden traces"
        ));
    }
    let suites = library.read_suites().and_then(Suites::whole).map_err(text)?;
    let bench = Arc::new(Bench { setup, suites, printing: Mutex::new(()) });
    let mut trials = vec![Trial::test("golden::the-tube-decides", recorded::the_tube_decides)];
    let mut tried = Vec::new();
    for entry in bench.setup.plan(bench.suites.cases()).map_err(|error| error.to_string())? {
        let not_tried = match &entry.planned {
            Planned::NotTried { reason, .. } => Some(reason.clone()),
            Planned::Ready(_) => None,
        };
        tried.push(Tried { name: entry.name(), requirements: entry.case.requirements.clone(), not_tried });
        trials.push(trial(&bench, &library, entry));
    }
    let not_here: Vec<_> = bench.setup.rig.not_here.clone().into_iter().collect();
    // What must hold and no case can try on this rig with this battery.
    let every_must = move || {
        let gaps = gaps::of(&tried, Demand::Whole, &not_here, gaps::Every::default());
        if gaps.is_closed() { Ok(()) } else { Err(Failed::from(gaps.lines().join("\n"))) }
    };
    trials.push(Trial::test("musts::every-one-is-tried", every_must));
    Ok(trials)
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
fn trial(bench: &Arc<Bench>, library: &Library, entry: Entry<'_>) -> Trial {
    let name = entry.name();
    let Entry { suite, case, planned } = entry;
    let ignored = matches!(planned, Planned::NotTried { .. });
    let snapshots = library.root().join(&suite.file).with_file_name("snapshots");
    let (bench, suite, case) = (Arc::clone(bench), suite.clone(), case.clone());
    let run = {
        let name = name.clone();
        move || check(&bench, &name, (&suite, &case), planned, snapshots)
    };
    Trial::test(name.replace('/', "::"), run).with_ignored_flag(ignored)
}

fn check(
    bench: &Bench,
    name: &str,
    (suite, case): (&Suite, &Case),
    planned: Planned,
    snapshots: PathBuf,
) -> Result<(), Failed> {
    let attempt = bench.setup.attempt(planned, name, SEED, &mut Unseen);
    let result = attempt.into_result((suite, case), Micros::ZERO, &[]);
    let unchanged = held_against_snapshot(bench, case, &result, snapshots);
    let changed = "its trace is not what the snapshot holds: `cargo insta review` shows both";
    concluded(&result, unchanged.is_err().then_some(changed))
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
    let name = format!("{}@{}", case.name, bench.setup.battery.declared.name);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(snapshots);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(format!(
        "{} on {}, seed {SEED}",
        bench.setup.battery.declared.name, bench.setup.rig.rig
    ));
    let _one_at_a_time = bench.printing.lock().unwrap_or_else(PoisonError::into_inner);
    // insta reports a difference by a panic, after it printed the diff and kept the new snapshot beside the old.
    let compare = std::panic::AssertUnwindSafe(|| settings.bind(|| insta::assert_snapshot!(name, text)));
    std::panic::catch_unwind(compare).map_err(|_| ())
}
