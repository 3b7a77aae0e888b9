//! Golden traces made of runs that are fit, with the tolerance that they ask for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use engine::suite::{Case, Suite};
use evidence::again::{Again, again};
use evidence::run::{CaseResult, Run};
use files::golden::{Info, Source, Width};
use files::{GoldenFile, Library, full_name};
use judge::trace::Channel;
use judge::tube::{Tolerance, spread};
use judge::verdict::Outcome;
use proto::quantity::{Micros, Volts};

use super::{identity, place};
use crate::Error;

/// What shall become golden.
#[derive(Debug, Clone)]
pub struct Accept {
    /// folders of runs of one battery; the first gives the traces
    pub runs: Vec<PathBuf>,
    /// why this is how the battery should behave
    pub reason: String,
    /// who says so
    pub by: String,
    /// only these cases, `suite/case`; all that their suites keep the CVL of without one
    pub cases: Vec<String>,
    /// a wider tolerance of CVL than the runs are apart
    pub cvl: Option<Volts>,
    /// a longer lead or lag than the runs have
    pub lag: Option<Micros>,
    /// golden traces that are there are replaced
    pub replace: bool,
}

/// A run that is whole, with what else its folder says.
struct Fit {
    shown: String,
    of: Again,
}

/// Writes golden traces, and says which and where.
///
/// # Errors
/// When a run is not fit, runs do not repeat each other, or a trace is there already: then nothing is written.
pub fn accept(library: &Library, accept: &Accept) -> Result<Vec<(PathBuf, GoldenFile)>, Error> {
    if accept.reason.trim().is_empty() || accept.by.trim().is_empty() {
        return Err(usage("a golden trace is not accepted without a reason and a name: --reason … --by …"));
    }
    let runs = accept.runs.iter().map(|folder| fit(folder)).collect::<Result<Vec<_>, _>>()?;
    of_one_battery(&runs)?;
    let mut golden = Vec::new();
    for (suite, case) in wanted(&runs[0], &accept.cases)? {
        let path = place(library, &runs[0].of.run.meta.battery.name, &suite.name, &case.name)?;
        if !accept.replace && path.exists() {
            return Err(wrong(format!(
                "{} is there already; look with `busbar golden compare`, then accept with --replace. Nothing was written",
                library.shown(&path)
            )));
        }
        golden.push((path, of_case(&runs, suite, case, accept)?));
    }
    for (path, file) in &golden {
        written(path, &file.text())?;
    }
    Ok(golden)
}

/// A run that may become golden: whole, as it was written, and not drawn from ranges.
fn fit(folder: &Path) -> Result<Fit, Error> {
    let shown = folder.display().to_string();
    let of = again(folder).map_err(|error| wrong(error.to_string()))?;
    let changed = format!("changed since manifest.json was written: {}", of.changed.join(", "));
    let swept = "the numbers of its rig were drawn by its seed (`--sweep`), no other run repeats them";
    let why = match &of.run.meta.cut_off {
        Some(cut) => Some(cut.as_str()),
        None if of.begun.sweep => Some(swept),
        None if !of.ended => Some("it has no manifest.json: it did not come to its end"),
        None => (!of.changed.is_empty()).then_some(changed.as_str()),
    };
    match why {
        Some(why) => Err(wrong(format!("{shown} cannot become golden: {why}"))),
        None => Ok(Fit { shown, of }),
    }
}

/// A spread of different things would cover any defect; one of a run with itself none.
fn of_one_battery(runs: &[Fit]) -> Result<(), Error> {
    let first = &runs[0];
    let mut seen = BTreeSet::new();
    for fit in runs {
        let (a, b) = (&first.of.run.meta, &fit.of.run.meta);
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
        let repeats = if b.rig.live { b.id.clone() } else { b.seed.to_string() };
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
fn wanted<'a>(first: &'a Fit, named: &[String]) -> Result<Vec<(&'a Suite, &'a Case)>, Error> {
    let repeats = |case: &Case| case.snapshot.as_ref().is_some_and(|s| s.channels.contains(&Channel::Cvl));
    let mut found = Vec::new();
    for result in
        first.of.run.cases.iter().filter(|result| result.tried && result.outcome != Outcome::NotApplicable)
    {
        let case = first.of.suites.case(&result.suite, &result.case);
        found.extend(case.filter(|(_, case)| repeats(case)));
    }
    for name in named {
        if !found.iter().any(|(suite, case)| full_name(suite, case) == *name) {
            return Err(usage(&format!(
                "{} holds no case `{name}` whose suite keeps its CVL (`trace: {{ snapshot: [cvl] }}`)",
                first.shown
            )));
        }
    }
    found.retain(|(suite, case)| named.is_empty() || named.contains(&full_name(suite, case)));
    if found.is_empty() {
        let message =
            "holds no case whose suite keeps its CVL (`trace: { snapshot: [cvl] }`): nothing was written";
        return Err(wrong(format!("{} {message}", first.shown)));
    }
    Ok(found)
}

/// The golden trace of a case: that of the first run, as wide as so many runs that are so far apart ask for.
fn of_case(runs: &[Fit], suite: &Suite, case: &Case, asked: &Accept) -> Result<GoldenFile, Error> {
    let name = full_name(suite, case);
    let from = case.snapshot.as_ref().and_then(|snapshot| snapshot.from.clone());
    let mut traces = Vec::new();
    for fit in runs {
        let not = |why: &str| wrong(format!("{name} of {} cannot become golden: {why}", fit.shown));
        let result = fit.of.run.cases.iter().find(|result| result.name() == name);
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
    let tolerance = widened(&name, least.widened(runs.len()).max(Tolerance::LEAST), asked)?;
    let meta = &runs[0].of.run.meta;
    Ok(GoldenFile {
        info: Info {
            battery: meta.battery.name.clone(),
            suite: suite.name.clone(),
            case: case.name.clone(),
            from,
            suite_sha256: hash(&runs[0], suite),
            by: asked.by.trim().to_owned(),
            on: humantime::format_rfc3339_seconds(SystemTime::now()).to_string()[..10].to_owned(),
            reason: asked.reason.trim().to_owned(),
            identity: identity(&runs[0].of.run),
            runs: runs.iter().map(|fit| source(&fit.of.run)).collect(),
            spread: (runs.len() > 1).then(|| least.into()),
            tolerance: tolerance.into(),
        },
        tolerance,
        trace: traces.swap_remove(0),
    })
}

/// What was asked for, which is never tighter than what the runs need.
fn widened(name: &str, least: Tolerance, asked: &Accept) -> Result<Tolerance, Error> {
    let Width { cvl, lag } = least.into();
    let width = Width { cvl: asked.cvl.unwrap_or(cvl), lag: asked.lag.unwrap_or(lag) };
    let tolerance = width.tolerance();
    if tolerance.max(least) != tolerance || tolerance.lag > Tolerance::MOST_LAG {
        return Err(usage(&format!(
            "{name}: a tolerance of {width} is tighter than the {} that the wire and the runs need, or its lag is longer \
             than {} s",
            Width::from(least),
            Tolerance::MOST_LAG.secs()
        )));
    }
    Ok(tolerance)
}

/// The hash of a suite file as a run had it.
fn hash(fit: &Fit, suite: &Suite) -> String {
    let file =
        fit.of.suites.all.iter().find(|other| other.name == suite.name).map(|suite| suite.file.as_str());
    let found = fit.of.run.meta.suites.iter().find(|entry| Some(entry.path.as_str()) == file);
    found.map(|entry| entry.sha256.clone()).unwrap_or_default()
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
fn written(path: &Path, text: &str) -> Result<(), Error> {
    let beside = path.with_extension("snap.part");
    let done = std::fs::create_dir_all(path.parent().unwrap_or(path))
        .and_then(|()| std::fs::write(&beside, text))
        .and_then(|()| std::fs::rename(&beside, path));
    done.map_err(Error::system(format!("write {}", path.display())))
}

fn usage(message: &str) -> Error {
    Error::Usage(message.to_owned())
}

fn wrong(message: String) -> Error {
    Error::Refused(message)
}
