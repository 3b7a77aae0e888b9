//! `busbar golden compare`: a run inside the tolerance tubes of its battery.

use std::path::{Path, PathBuf};

use evidence::run::Run;
use evidence::text::plain;
use files::{GoldenFile, Library};
use judge::verdict::Outcome;
use report::golden::{Found, Golden, Held};
use report::html::golden::{Page, golden as page};

use super::accept::identity;
use super::{kept, place, wrong};
use crate::recorded::again;
use crate::{Exit, Failure, load, warn};

pub(super) fn compare(folder: &Path, html: Option<&Path>) -> Result<Exit, Failure> {
    let library = load::library()?;
    let run = again(folder)?.run;
    let (held, differences) = all(&library, &run)?;
    if held.is_empty() {
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
    for held in &held {
        let (name, words) = (&held.name, held.words());
        let words = plain(&words);
        match held.found {
            Found::Match => text += &format!("{name}: {words}\n"),
            Found::Apart(_) => {
                exit = Exit::Fail;
                let since = held.golden.from.as_ref();
                let since = since.map_or(String::new(), |mark| format!(" after `{}`", plain(mark)));
                text += &format!("{name}: DIFFERS{since} {words}\n{}", held.overlay());
            }
            Found::Open(_) => {
                exit = if exit == Exit::Fail { exit } else { Exit::Inconclusive };
                text += &format!("{name}: NOT COMPARED: {words}\n");
            }
        }
    }
    let path = match html {
        Some(path) => path.to_owned(),
        None => page_of(&library, folder)?,
    };
    let meta = &run.meta;
    let about = Page {
        id: &meta.id,
        title: &meta.title,
        simulated: meta.rig.simulated,
        differences: &differences,
        held: &held,
    };
    std::fs::write(&path, page(about)).map_err(|error| cannot_write(&path, &error))?;
    differences.iter().for_each(|line| warn(line));
    crate::answer(&format!("{text}Page: {}\n", library.shown(&path)))?;
    Ok(exit)
}

/// Where the page of a run goes: beside the run folders, named as the folder is, whatever a file in it says.
fn page_of(library: &Library, run: &Path) -> Result<PathBuf, Failure> {
    let folder = library.root().join("reports/golden");
    std::fs::create_dir_all(&folder).map_err(|error| cannot_write(&folder, &error))?;
    let run = run.canonicalize().map_err(|error| cannot_write(run, &error))?;
    let name = run.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(folder.join(format!("{name}.html")))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure { exit: Exit::Inconclusive, message: format!("cannot write {}: {error}", path.display()) }
}

/// What golden traces say of a run that has just ended. It is told, and changes no verdict.
pub(crate) fn after_run(library: &Library, run: &Run, folder: &str) {
    let held = match all(library, run) {
        Ok((held, _)) => held,
        Err(failure) => return warn(&failure.message),
    };
    for held in &held {
        let (name, words) = (&held.name, held.words());
        let words = plain(&words);
        match held.found {
            Found::Match => {}
            Found::Apart(_) => {
                warn(&format!(
                    "{name} differs from its golden trace {words}; `busbar golden compare {folder}` draws both"
                ));
            }
            Found::Open(_) => warn(&format!("{name} is not compared with its golden trace: {words}")),
        }
    }
    let matching = held.iter().filter(|held| held.found == Found::Match).count();
    if matching > 0 {
        warn(&format!(
            "{matching} of {} golden traces of {} match",
            held.len(),
            plain(&run.meta.battery.name)
        ));
    }
}

/// Every case of a run that has a golden trace, and what else is not as it was when these were accepted.
fn all(library: &Library, run: &Run) -> Result<(Vec<Held>, Vec<String>), Failure> {
    let (mut all, mut differences) = (Vec::new(), Vec::new());
    for case in run.cases.iter().filter(|case| case.tried && case.outcome != Outcome::NotApplicable) {
        let path = place(library, &run.meta.battery.name, &case.suite, &case.case)?;
        let Some(golden) = kept(library, &path)? else { continue };
        let info = &golden.info;
        if (&info.battery, &info.suite, &info.case) != (&run.meta.battery.name, &case.suite, &case.case) {
            let told = format!("{} in {}/{}", info.battery, info.suite, info.case);
            return Err(wrong(format!("{} holds the trace of {}", library.shown(&path), plain(&told))));
        }
        for line in changed(run, &golden) {
            if !differences.contains(&line) {
                differences.push(line);
            }
        }
        let facts = golden.facts();
        let GoldenFile { info, tolerance, trace } = golden;
        all.push(Held::of(case, Golden { trace, tolerance, from: info.from, facts }));
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
