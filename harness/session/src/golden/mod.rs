//! The golden traces of a battery: made of runs, and runs held against them.

mod accept;

use std::path::PathBuf;

use evidence::run::{CaseResult, Run};
use evidence::text::plain;
use files::{GoldenFile, Library};
use judge::verdict::Outcome;
use report::golden::{Golden, Held};

pub use accept::{Accept, accept};

use crate::Error;

/// Where the golden trace of a battery in a case is kept.
fn place(library: &Library, battery: &str, suite: &str, case: &str) -> Result<PathBuf, Error> {
    GoldenFile::path(library.root(), battery, suite, case).ok_or_else(|| {
        Error::Refused(format!(
            "`{battery}`, `{suite}/{case}`: names that a golden trace cannot be filed under"
        ))
    })
}

/// The golden trace of a battery in a case that was run, where there is one.
///
/// # Errors
/// When it is not what it must be.
pub fn kept(library: &Library, battery: &str, case: &CaseResult) -> Result<Option<GoldenFile>, Error> {
    let path = place(library, battery, &case.suite, &case.case)?;
    if !path.exists() {
        return Ok(None);
    }
    let shown = library.shown(&path);
    let golden = GoldenFile::load(&path, &shown)?;
    let info = &golden.info;
    if (info.battery.as_str(), &info.suite, &info.case) != (battery, &case.suite, &case.case) {
        let told = format!("{} in {}/{}", info.battery, info.suite, info.case);
        return Err(Error::Refused(format!("{shown} holds the trace of {}", plain(&told))));
    }
    Ok(Some(golden))
}

/// Holds a case against its golden trace.
#[must_use]
pub fn compared(case: &CaseResult, golden: GoldenFile) -> Held {
    let facts = golden.facts();
    let GoldenFile { info, tolerance, trace } = golden;
    Held::of(case, Golden { trace, tolerance, from: info.from, facts })
}

/// Every case of a run that has a golden trace, and what else is not as it was when these were accepted.
///
/// # Errors
/// When a golden file is not what it must be.
pub fn held(library: &Library, run: &Run) -> Result<(Vec<Held>, Vec<String>), Error> {
    let (mut all, mut differences) = (Vec::new(), Vec::new());
    for case in run.cases.iter().filter(|case| case.tried && case.outcome != Outcome::NotApplicable) {
        let Some(golden) = kept(library, &run.meta.battery.name, case)? else { continue };
        for line in changed(run, &golden) {
            if !differences.contains(&line) {
                differences.push(line);
            }
        }
        all.push(compared(case, golden));
    }
    Ok((all, differences))
}

/// What else is not as it was when a trace was accepted: often the cause.
fn changed(run: &Run, golden: &GoldenFile) -> Vec<String> {
    let (now, then) = (identity(run), &golden.info.identity);
    let gone = then.iter().filter(|line| !now.contains(line)).map(|line| (line, "was so"));
    let come = now.iter().filter(|line| !then.contains(line)).map(|line| (line, "is so now"));
    let told =
        |(line, when): (&String, &str)| format!("the battery says another thing: {} {when}", plain(line));
    let mut lines: Vec<String> = gone.chain(come).map(told).collect();
    let files = &run.meta.suites;
    if !files.iter().any(|file| file.sha256 == golden.info.suite_sha256) {
        lines.push(format!(
            "the suite `{}` is not the one of the golden trace any more",
            plain(&golden.info.suite)
        ));
    }
    lines
}

/// What a battery says of itself, a line each.
fn identity(run: &Run) -> Vec<String> {
    run.meta.battery.identity.iter().map(|(what, value)| format!("{what}: {value}")).collect()
}
