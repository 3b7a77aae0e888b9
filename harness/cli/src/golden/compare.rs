//! `busbar golden compare`: a run inside the tolerance tubes of its battery.

use std::path::Path;

use judge::tube::{Mismatch, compare as held};
use judge::verdict::Outcome;
use report::golden::{overlay, tolerance, trace, words};
use report::run::{CaseResult, Run};
use report::text::plain;
use rig::{GoldenFile, Library};

use super::accept::identity;
use super::{kept, place, wrong};
use crate::recorded::again;
use crate::{Exit, Failure, load, warn};

/// What came of one case.
enum Found {
    /// inside the tube
    Match(String),
    /// outside, in words and drawn
    Apart(String, String),
    /// neither, with the reason
    Open(String),
}

pub(super) fn compare(folder: &Path) -> Result<Exit, Failure> {
    let library = load::library()?;
    let run = again(folder)?.run;
    let found = all(&library, &run)?;
    if found.is_empty() {
        return Err(Failure {
            exit: Exit::Inconclusive,
            message: format!(
                "there is no golden trace of {} in any case of {}: `busbar golden accept` keeps one",
                plain(&run.meta.battery.name),
                folder.display()
            ),
        });
    }
    let (mut text, mut exit) = (String::new(), Exit::Pass);
    for (case, golden, found) in &found {
        let name = case.name();
        let since =
            golden.info.from.as_ref().map_or(String::new(), |mark| format!(" after `{}`", plain(mark)));
        match found {
            Found::Match(within) => text += &format!("{name}: matches within {within}\n"),
            Found::Apart(words, drawn) => {
                exit = Exit::Fail;
                text += &format!("{name}: DIFFERS{since} {words}\n{drawn}");
            }
            Found::Open(why) => {
                exit = if exit == Exit::Fail { exit } else { Exit::Inconclusive };
                text += &format!("{name}: NOT COMPARED: {why}\n");
            }
        }
    }
    differences(&run, &found[0].1).iter().for_each(|line| warn(line));
    crate::answer(&text)?;
    Ok(exit)
}

/// What golden traces say of a run that has just ended. It is told, and changes no verdict.
pub(crate) fn after_run(library: &Library, run: &Run, folder: &str) {
    let found = match all(library, run) {
        Ok(found) => found,
        Err(failure) => return warn(&failure.message),
    };
    for (case, _, found) in &found {
        match found {
            Found::Match(_) => {}
            Found::Apart(words, _) => {
                warn(&format!(
                    "{} differs from its golden trace {words}; `busbar golden compare {folder}` draws both",
                    case.name()
                ));
            }
            Found::Open(why) => {
                warn(&format!("{} is not compared with its golden trace: {why}", case.name()))
            }
        }
    }
    let matching = found.iter().filter(|(_, _, found)| matches!(found, Found::Match(_))).count();
    if matching > 0 {
        warn(&format!(
            "{matching} of {} golden traces of {} match",
            found.len(),
            plain(&run.meta.battery.name)
        ));
    }
}

/// Every case of a run that has a golden trace.
fn all<'a>(library: &Library, run: &'a Run) -> Result<Vec<(&'a CaseResult, GoldenFile, Found)>, Failure> {
    let mut all = Vec::new();
    for case in run.cases.iter().filter(|case| case.outcome != Outcome::NotApplicable) {
        let path = place(library, &run.meta.battery.name, &case.suite, &case.case)?;
        let Some(golden) = kept(library, &path)? else { continue };
        let info = &golden.info;
        if (&info.battery, &info.suite, &info.case) != (&run.meta.battery.name, &case.suite, &case.case) {
            let told = format!("{} in {}/{}", info.battery, info.suite, info.case);
            return Err(wrong(format!("{} holds the trace of {}", library.shown(&path), plain(&told))));
        }
        let found = one(case, &golden);
        all.push((case, golden, found));
    }
    Ok(all)
}

fn one(case: &CaseResult, golden: &GoldenFile) -> Found {
    if case.outcome == Outcome::Inconclusive {
        return Found::Open(format!("the case is undecided: {}", plain(&case.reason)));
    }
    let from = golden.info.from.as_deref();
    let Some(new) = trace(case, from) else {
        let since = from.map_or(String::new(), |mark| format!(" from the mark `{}` on", plain(mark)));
        return Found::Open(format!("no CVL was heard{since}"));
    };
    match held(&golden.trace, &new, golden.tolerance) {
        Ok(()) => Found::Match(tolerance(golden.tolerance)),
        Err(mismatch @ Mismatch::Silence { .. }) => Found::Open(words(&mismatch, golden.tolerance)),
        Err(mismatch) => {
            let words = words(&mismatch, golden.tolerance);
            let drawn = match &mismatch {
                Mismatch::Apart(apart) => overlay(&golden.trace, &new, apart, golden.tolerance.lag),
                Mismatch::Silence { .. } => String::new(),
            };
            Found::Apart(words, drawn)
        }
    }
}

/// What else is not as it was when the traces were accepted: often the cause.
fn differences(run: &Run, golden: &GoldenFile) -> Vec<String> {
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
