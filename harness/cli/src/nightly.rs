//! `busbar nightly`: every case, what was undecided once more, and what changed since the nights before.

mod plan;
mod resume;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use evidence::run::Run;
use files::suites::selected;
use files::{Library, full_name};
use report::history::changes::{Past, latest};
use report::history::night::{self, NightCase, Standing};
use report::history::{History, HistoryError, Kept, Known, Which};
use report::html::morning::{Morning, morning};
use report::{junit, summary_md};
use session::{Asked, Outcome, Retry};

use plan::Plan;

use crate::console::console;
use crate::run::COMMIT;
use crate::{Exit, Failure, warn};

/// What to run, on what, and what to keep.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Suites or cases; all that the rig can do without one
    #[arg(value_name = "SUITE|CASE")]
    cases: Vec<String>,
    /// The rig, by name or file; the simulated one of the battery's system voltage without it
    #[arg(long)]
    rig: Option<String>,
    /// The battery, by name or file
    #[arg(long, default_value = "reference")]
    battery: String,
    /// Seed of everything random on a simulated rig
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only what did not pass when it was last tried with this battery on this rig
    #[arg(long)]
    failed_only: bool,
    /// At most so long, such as `12h`: what tries everything that must hold first, the rest in the nights after
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, conflicts_with = "failed_only")]
    within: Option<Duration>,
    /// Print the nights of `--within` and run nothing
    #[arg(long, requires = "within")]
    plan: bool,
    /// Go on with the last night of this battery on this rig, which was interrupted; with the options that it had
    #[arg(long, conflicts_with_all = ["failed_only", "plan"])]
    resume: bool,
    /// Where run folders go, `nights/` and the history among them
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// The history, `history.db` beside the run folders without it
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Run folders of nights that passed are removed after this time, such as `30d`; never without it
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    keep_passed: Option<Duration>,
    /// The same for those that did not pass; not shorter than `--keep-passed`
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    keep_failed: Option<Duration>,
    /// How long to wait for a rig that somebody else uses, such as `10m`
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
}

/// So many nights are looked back upon.
const NIGHTS: usize = 60;

pub(crate) fn nightly(args: &Args) -> Result<Exit, Failure> {
    let library = crate::library()?;
    let retention = Retention::of(args)?;
    let out = args.out.clone().unwrap_or_else(|| library.root().join("reports"));
    std::fs::create_dir_all(&out).map_err(|error| cannot("make", &out, &error))?;
    // Before anything is energised: a night that cannot be remembered is found out now, not in the morning.
    let mut history = open(&args.history.clone().unwrap_or_else(|| out.join("history.db")))?;
    history.try_to_write().map_err(refused)?;
    let rig_name = crate::rig_of(&library, args.rig.as_deref(), &args.battery)?;
    let (rig, battery) = (session::rig(&library, &rig_name)?, session::battery(&library, &args.battery)?);
    let nights = |history: &History| {
        let (rig, battery) = (Some(rig.rig.as_str()), Some(battery.declared.name.as_str()));
        history.nights(Which { rig, battery, firmware: None, alone: false, last: NIGHTS }).map_err(refused)
    };
    let interrupted = match args.resume {
        true => Some(resume::interrupted(&library, (&rig_name, &args.battery), &out)?),
        false => None,
    };
    let mut before = nights(&history)?;
    if let Some(interrupted) = &interrupted {
        // It is this night.
        before.retain(|night| Some(&night.started) != interrupted.run.meta.started.as_ref());
    }
    let of = (rig_name.as_str(), args.battery.as_str());
    let planned = args.within.map(|within| Plan::of(&library, &history, of, (&args.cases, within), &before));
    let planned = planned.transpose()?;
    if let Some(planned) = planned.as_ref().filter(|_| args.plan) {
        crate::answer(&planned.table())?;
        return Ok(Exit::Pass);
    }
    let partial = match &interrupted {
        Some(interrupted) => !interrupted.whole,
        None => args.failed_only || planned.is_some() || !args.cases.is_empty(),
    };
    let words = if let Some(planned) = &planned {
        warn(&planned.told());
        planned.cases()
    } else if args.failed_only {
        let words = failed(latest(&before).as_ref(), &args.cases);
        if words.is_empty() {
            crate::answer("Every case passed when it was last tried: nothing to repeat.\n")?;
            return Ok(Exit::Pass);
        }
        words
    } else {
        args.cases.clone()
    };

    let words = match &interrupted {
        Some(interrupted) => rest(&library, &words, &interrupted.run)?,
        None => words,
    };
    if interrupted.is_some() && words.is_empty() {
        return Err(Failure::usage("every case of these came to its end: nothing is left of that night"));
    }

    let asked = Asked {
        cases: words,
        rig: rig_name,
        battery: args.battery.clone(),
        seed: interrupted.as_ref().map_or(args.seed, |interrupted| interrupted.seed),
        out: Some(out.clone()),
        scope: Some("night".to_owned()),
        wait: args.wait,
        retry: Retry::NextRun,
        commit: COMMIT,
        ..Asked::default()
    };
    let Outcome { played, again } = session::run(&library, &asked, &console(args.quiet))?;
    // From here on nothing ends the night before it is told: what goes wrong is said at its end.
    let (mut played, mut troubles) = (vec![played], Vec::new());
    match again {
        Some(Ok(again)) => played.push(again),
        Some(Err(error)) => troubles.push(error.to_string()),
        None => {}
    }
    for stopped in played.iter().filter(|played| played.stopped) {
        crate::run::told_stopped(&stopped.folder);
    }
    let off: Vec<String> = played.iter().filter_map(|played| played.off.clone().err()).collect();
    let earlier = interrupted.map(|interrupted| (interrupted.folder, interrupted.run));
    let (folders, runs): (Vec<PathBuf>, Vec<Run>) =
        earlier.into_iter().chain(played.into_iter().map(|played| (played.folder, played.run))).unzip();

    let cases = night::cases(&runs);
    let folder = claim(&out.join("nights"), &runs[0])?;
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let kept: Vec<Kept<'_>> =
        runs.iter().zip(&folders).map(|(run, folder)| Kept { run, folder: folder.as_path() }).collect();
    let now = remembered(&name, &kept, &cases)?;
    let ways: Vec<(&Run, String)> = runs.iter().map(|run| (run, format!("../../{}", run.meta.id))).collect();
    let inputs = &changed_inputs(&history, before.last(), &folders[0]);
    let page =
        Morning { name: &name, runs: &ways, cases: &cases, before: &before, now: &now, partial, inputs };
    let summary = summary_md::summary(&page);
    let as_run =
        night::as_run(&runs, &name).ok_or_else(|| Failure::open("a night without runs".to_owned()))?;
    for (file, content) in [
        ("index.html", morning(&page)),
        ("summary.md", summary.clone()),
        ("junit.xml", junit::junit(&as_run)),
    ] {
        let path = folder.join(file);
        if let Err(error) = std::fs::write(&path, content) {
            troubles.push(cannot("write", &path, &error).message);
        }
    }
    let written = history.add_night(&name, &kept, &cases).map_err(refused);
    troubles.extend(
        written.and_then(|()| retention.apply(&mut history, &out)).err().map(|failure| failure.message),
    );
    crate::answer(&format!("{summary}\nPage: {}\n", crate::from_here(&folder.join("index.html"))))?;
    let exit = match now.standing {
        Standing::Fail if off.is_empty() => Exit::Fail,
        Standing::Pass if off.is_empty() && troubles.is_empty() => Exit::Pass,
        _ => Exit::Inconclusive,
    };
    let message = [off, troubles].concat().join("\n");
    if message.is_empty() { Ok(exit) } else { Err(Failure { exit, message }) }
}

/// What these words select and what has not come to its end.
fn rest(library: &Library, words: &[String], run: &Run) -> Result<Vec<String>, Failure> {
    let suites = library.read_suites()?;
    let names = suites.select(words)?.into_iter().map(|(suite, case)| full_name(suite, case));
    let done = |name: &String| run.cases.iter().any(|case| format!("{}/{}", case.suite, case.case) == *name);
    Ok(names.filter(|name| !done(name)).collect())
}

/// The night as a history tells it, from one in memory: its page does not wait for the file.
fn remembered(name: &str, runs: &[Kept<'_>], cases: &[NightCase<'_>]) -> Result<Past, Failure> {
    let mut history = open(Path::new(":memory:"))?;
    history.add_night(name, runs, cases).map_err(refused)?;
    let all = Which { rig: None, battery: None, firmware: None, alone: false, last: 1 };
    let night = history.nights(all).map_err(refused)?.pop();
    night.ok_or_else(|| Failure::open("the night just written is not in the history".to_owned()))
}

/// The rig and battery files that changed since the last night, while its folder is there. A night is told without them.
fn changed_inputs(history: &History, last: Option<&Past>, now: &Path) -> Vec<(String, String, String)> {
    let kept = history.kept().unwrap_or_default();
    // Times are whole seconds: this run itself may have begun in the same one.
    let before = last.and_then(|last| {
        kept.iter().rev().find(|known| known.started == last.started && known.folder != now)
    });
    let Some(before) = before.filter(|known| known.folder.join(evidence::names::INPUTS).is_dir()) else {
        return Vec::new();
    };
    evidence::inputs::changed(&before.folder, now).unwrap_or_else(|error| {
        warn(&format!("what changed in the rig and battery files is not told: {error}"));
        Vec::new()
    })
}

/// What did not pass when it was last tried, of the cases that the words select.
fn failed(last: Option<&Past>, words: &[String]) -> Vec<String> {
    let Some(last) = last else { return words.to_vec() };
    last.cases
        .iter()
        .filter(|(name, (standing, _))| {
            !matches!(standing, Standing::Pass | Standing::NotApplicable | Standing::NotTried)
                && selected(words, name)
        })
        .map(|(name, _)| name.clone())
        .collect()
}

/// The history, told from bad input where the file is none.
pub(crate) fn open(path: &Path) -> Result<History, Failure> {
    History::open(path).map_err(refused)
}

pub(crate) fn refused(error: HistoryError) -> Failure {
    if error.is_input() { Failure::input(error) } else { Failure::open(error) }
}

/// `<day>-<rig>-<battery>-<nnn>` with the first free number.
fn claim(parent: &Path, run: &Run) -> Result<PathBuf, Failure> {
    let day = run.meta.started.as_deref().and_then(|started| started.get(..10)).unwrap_or("night");
    let name = evidence::text::slug(&format!("{day} {} {}", run.meta.rig.name, run.meta.battery.name));
    std::fs::create_dir_all(parent).map_err(|error| cannot("make", parent, &error))?;
    for n in 1..10_000 {
        let path = parent.join(format!("{name}-{n:03}"));
        match std::fs::create_dir(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(cannot("make", &path, &error)),
            Ok(()) => return Ok(path),
        }
    }
    Err(Failure::open(format!("{} holds ten thousand nights called {name}", parent.display())))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::open(format!(
        "cannot {what} {}: {error}; the run folders hold what was measured",
        path.display()
    ))
}

/// How long run folders of nights are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retention {
    passed: Option<Duration>,
    failed: Option<Duration>,
}

impl Retention {
    fn of(args: &Args) -> Result<Self, Failure> {
        Self::new(args.keep_passed, args.keep_failed)
    }

    /// Evidence of failures outlives that of passes.
    pub(crate) fn new(passed: Option<Duration>, failed: Option<Duration>) -> Result<Self, Failure> {
        if let Some(failed) = failed
            && passed.is_none_or(|passed| passed > failed)
        {
            return Err(Failure::usage(
                "--keep-failed is shorter than --keep-passed: what failed is kept at least as long as what passed",
            ));
        }
        Ok(Self { passed, failed })
    }

    /// Removes the folders that are older, and only folders of runs that lie in `out` and are what history says.
    pub(crate) fn apply(self, history: &mut History, out: &Path) -> Result<usize, Failure> {
        let now = SystemTime::now();
        let mut removed = 0;
        for run in history.kept().map_err(refused)? {
            let limit = if run.passed { self.passed } else { self.failed };
            let age = humantime::parse_rfc3339(&run.started).ok().and_then(|at| now.duration_since(at).ok());
            let Some((limit, age)) = limit.zip(age) else { continue };
            if age > limit && is_folder_of(&run, out) {
                std::fs::remove_dir_all(&run.folder)
                    .map_err(|error| cannot("remove", &run.folder, &error))?;
                let when = humantime::format_rfc3339_seconds(now).to_string();
                history.removed(&run, &when).map_err(refused)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// Whether the folder lies directly in `out`, is no link, and its manifest names this run.
fn is_folder_of(run: &Known, out: &Path) -> bool {
    let direct = run.folder.parent().and_then(|parent| parent.canonicalize().ok()) == out.canonicalize().ok();
    let real = run.folder.symlink_metadata().is_ok_and(|there| there.is_dir());
    let named = evidence::manifest::Kept::read(&run.folder).ok().flatten();
    direct
        && real
        && named.is_some_and(|kept| kept.run == run.name && kept.started.as_deref() == Some(&run.started))
}
