//! `busbar golden accept`: traces of runs that are fit, with the tolerance that they ask for.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

use engine::suite::{Case, Suite};
use evidence::folder::INPUTS;
use evidence::manifest::Kept;
use evidence::replay::Replay;
use evidence::run::{CaseResult, Run};
use files::golden::{Info, Source, Width};
use files::{GoldenFile, Library};
use judge::trace::Channel;
use judge::tube::{Tolerance, spread};
use judge::verdict::Outcome;

use super::{Accept, place, wrong};
use crate::recorded::again;
use crate::{Exit, Failure, load};

/// A run that is whole, with the suites that it was made from.
struct Fit {
    shown: String,
    seed: u64,
    run: Run,
    suites: Vec<Suite>,
}

pub(super) fn accept(args: &Accept) -> Result<Exit, Failure> {
    let library = load::library()?;
    let [reason, by] = [&args.reason, &args.by].map(|text| text.trim());
    if reason.is_empty() || by.is_empty() {
        return Err(usage("a golden trace is not accepted without a reason and a name: --reason … --by …"));
    }
    let runs = args.runs.iter().map(|folder| fit(folder)).collect::<Result<Vec<_>, _>>()?;
    of_one_battery(&runs)?;
    let mut golden = Vec::new();
    for (suite, case) in wanted(&runs[0], &args.cases)? {
        let path = place(&library, &runs[0].run.meta.battery.name, &suite.name, &case.name)?;
        if !args.replace && path.exists() {
            return Err(wrong(format!(
                "{} is there already; look with `busbar golden compare`, then accept with --replace. Nothing was written",
                library.shown(&path)
            )));
        }
        golden.push((path, of_case(&runs, suite, case, (reason, by), args)?));
    }
    let mut told = String::new();
    for (path, file) in &golden {
        written(path, &file.text())?;
        let (runs, enough) = (file.info.runs.len(), Tolerance::ENOUGH);
        let spread = match file.info.spread {
            Some(spread) => {
                let few = if runs < enough {
                    format!("so few widen it, {enough} are enough")
                } else {
                    "enough".to_owned()
                };
                format!("rests on {runs} runs that are {spread} apart: {few}")
            }
            None => format!("rests on one run, which tells no spread: {enough} would be enough"),
        };
        told += &format!("{}: within {}; {spread}\n", library.shown(path), file.info.tolerance);
    }
    crate::answer(&told)?;
    Ok(Exit::Pass)
}

/// A run that may become golden: whole, as it was written, and not drawn from ranges.
fn fit(folder: &Path) -> Result<Fit, Failure> {
    let shown = folder.display().to_string();
    let not = |why: &str| wrong(format!("{shown} cannot become golden: {why}"));
    let run = again(folder)?.run;
    if let Some(cut) = &run.meta.cut_off {
        return Err(not(cut));
    }
    let replay = Replay::open(folder).map_err(|error| wrong(error.to_string()))?;
    if replay.begun().sweep {
        return Err(not(
            "the numbers of its rig were drawn by its seed (`--sweep`), no other run repeats them",
        ));
    }
    let manifest = Kept::read(folder).and_then(|kept| match kept {
        Some(kept) => kept.changed(folder).map(Some),
        None => Ok(None),
    });
    match manifest.map_err(|error| not(&format!("its manifest.json cannot be read: {error}")))? {
        None => return Err(not("it has no manifest.json: it did not come to its end")),
        Some(changed) if !changed.is_empty() => {
            return Err(not(&format!("changed since manifest.json was written: {}", changed.join(", "))));
        }
        Some(_) => {}
    }
    let inputs = Library::at(&folder.join(INPUTS))?;
    let (suites, _) = load::suites(&inputs)?;
    Ok(Fit { seed: run.meta.seed, shown, run, suites })
}

/// A spread of different things would cover any defect; one of a run with itself none.
fn of_one_battery(runs: &[Fit]) -> Result<(), Failure> {
    let first = &runs[0];
    let mut seen = BTreeSet::new();
    for fit in runs {
        let (a, b) = (&first.run.meta, &fit.run.meta);
        let differ = |what: &str, a: &str, b: &str| {
            let message = format!("{} and {} are not of one {what}: {a}, {b}", first.shown, fit.shown);
            wrong(format!("{message}. Accept runs of one battery, unchanged, on one kind of rig"))
        };
        if a.battery.name != b.battery.name {
            return Err(differ("battery", &a.battery.name, &b.battery.name));
        }
        for k in 0..a.battery.identity.len().max(b.battery.identity.len()) {
            let said = |identity: &[(String, String)]| {
                identity.get(k).map_or("nothing".to_owned(), |(what, value)| format!("{what}: {value}"))
            };
            let (ours, theirs) = (said(&a.battery.identity), said(&b.battery.identity));
            if ours != theirs {
                return Err(differ("battery", &ours, &theirs));
            }
        }
        if a.rig.simulated != b.rig.simulated {
            return Err(differ("kind of rig", &a.rig.name, &b.rig.name));
        }
        let repeats = if b.rig.live { b.id.clone() } else { fit.seed.to_string() };
        if !seen.insert(repeats) {
            return Err(wrong(format!(
                "{} repeats another of the runs: it tells nothing of their spread",
                fit.shown
            )));
        }
    }
    Ok(())
}

/// The cases whose suite says that their CVL can be repeated, or those of them that were named.
fn wanted<'a>(first: &'a Fit, named: &[String]) -> Result<Vec<(&'a Suite, &'a Case)>, Failure> {
    let repeats = |case: &Case| case.snapshot.as_ref().is_some_and(|s| s.channels.contains(&Channel::Cvl));
    let mut found = Vec::new();
    for result in
        first.run.cases.iter().filter(|result| result.tried && result.outcome != Outcome::NotApplicable)
    {
        let suite = first.suites.iter().find(|suite| suite.name == result.suite);
        let case = suite.and_then(|suite| Some((suite, suite.cases.iter().find(|c| c.name == result.case)?)));
        found.extend(case.filter(|(_, case)| repeats(case)));
    }
    for name in named {
        if !found.iter().any(|(suite, case)| load::full_name(suite, case) == *name) {
            return Err(usage(&format!(
                "{} holds no case `{name}` whose suite keeps its CVL (`trace: {{ snapshot: [cvl] }}`)",
                first.shown
            )));
        }
    }
    found.retain(|(suite, case)| named.is_empty() || named.contains(&load::full_name(suite, case)));
    if found.is_empty() {
        let message =
            "holds no case whose suite keeps its CVL (`trace: { snapshot: [cvl] }`): nothing was written";
        return Err(wrong(format!("{} {message}", first.shown)));
    }
    Ok(found)
}

/// The golden trace of a case: that of the first run, as wide as so many runs that are so far apart ask for.
fn of_case(
    runs: &[Fit],
    suite: &Suite,
    case: &Case,
    (reason, by): (&str, &str),
    args: &Accept,
) -> Result<GoldenFile, Failure> {
    let name = load::full_name(suite, case);
    let from = case.snapshot.as_ref().and_then(|snapshot| snapshot.from.clone());
    let mut traces = Vec::new();
    for fit in runs {
        let not = |why: &str| wrong(format!("{name} of {} cannot become golden: {why}", fit.shown));
        let result = fit.run.cases.iter().find(|result| result.name() == name);
        let result = result.ok_or_else(|| not("it was not run"))?;
        if result.outcome != Outcome::Pass {
            let why = format!("it ended {}; name the cases that passed with --case", outcome(result));
            return Err(not(&why));
        }
        if hash(&runs[0], suite) != hash(fit, suite) {
            return Err(not(&format!("its suite is not that of {}", runs[0].shown)));
        }
        let trace = report::golden::trace(result, from.as_deref());
        traces.push(trace.ok_or_else(|| not("no CVL was heard from its mark on"))?.rounded());
    }
    let least = spread(&traces).map_err(|(a, b, mismatch)| {
        let why =
            report::golden::words(&mismatch, Tolerance { lag: Tolerance::MOST_LAG, ..Tolerance::LEAST });
        wrong(format!("{name}: {} and {} do not repeat each other: {why}", runs[a].shown, runs[b].shown))
    })?;
    let tolerance = widened(&name, least.widened(runs.len()).max(Tolerance::LEAST), args)?;
    let meta = &runs[0].run.meta;
    Ok(GoldenFile {
        info: Info {
            battery: meta.battery.name.clone(),
            suite: suite.name.clone(),
            case: case.name.clone(),
            from,
            suite_sha256: hash(&runs[0], suite),
            by: by.to_owned(),
            on: humantime::format_rfc3339_seconds(SystemTime::now()).to_string()[..10].to_owned(),
            reason: reason.to_owned(),
            identity: identity(&runs[0].run),
            runs: runs.iter().map(|fit| source(&fit.run)).collect(),
            spread: (runs.len() > 1).then(|| least.into()),
            tolerance: tolerance.into(),
        },
        tolerance,
        trace: traces.swap_remove(0),
    })
}

/// What was asked for, which is never tighter than what the runs need.
fn widened(name: &str, least: Tolerance, args: &Accept) -> Result<Tolerance, Failure> {
    let Width { cvl, lag } = least.into();
    let asked = Width { cvl: args.cvl.unwrap_or(cvl), lag: args.lag.unwrap_or(lag) };
    let tolerance = asked.tolerance();
    if tolerance.max(least) != tolerance || tolerance.lag > Tolerance::MOST_LAG {
        return Err(usage(&format!(
            "{name}: a tolerance of {asked} is tighter than the {} that the wire and the runs need, or its lag is longer \
             than {} s",
            Width::from(least),
            Tolerance::MOST_LAG.secs()
        )));
    }
    Ok(tolerance)
}

/// The hash of a suite file as a run had it.
fn hash(fit: &Fit, suite: &Suite) -> String {
    let file = fit.suites.iter().find(|other| other.name == suite.name).map(|suite| suite.file.as_str());
    let found = fit.run.meta.suites.iter().find(|entry| Some(entry.path.as_str()) == file);
    found.map(|entry| entry.sha256.clone()).unwrap_or_default()
}

/// What a battery says of itself, a line each.
pub(super) fn identity(run: &Run) -> Vec<String> {
    run.meta.battery.identity.iter().map(|(what, value)| format!("{what}: {value}")).collect()
}

fn source(run: &Run) -> Source {
    Source {
        run: run.meta.id.clone(),
        rig: run.meta.rig.name.clone(),
        simulated: run.meta.rig.simulated,
        harness: run.meta.harness.clone(),
    }
}

fn outcome(result: &CaseResult) -> String {
    let word = result.outcome.name();
    if result.reason.is_empty() { word.to_owned() } else { format!("{word}: {}", result.reason) }
}

/// Writes beside the file and moves it into its place: nobody ever reads half of it.
fn written(path: &Path, text: &str) -> Result<(), Failure> {
    let beside = path.with_extension("snap.part");
    let done = std::fs::create_dir_all(path.parent().unwrap_or(path))
        .and_then(|()| std::fs::write(&beside, text))
        .and_then(|()| std::fs::rename(&beside, path));
    done.map_err(|error| Failure {
        exit: Exit::Inconclusive,
        message: format!("cannot write {}: {error}", path.display()),
    })
}

fn usage(message: &str) -> Failure {
    Failure { exit: Exit::Usage, message: message.to_owned() }
}
