//! `busbar golden compare`: a run inside the tolerance tubes of its battery.

use std::path::{Path, PathBuf};

use evidence::again::again;
use evidence::run::Run;
use evidence::text::plain;
use files::Library;
use report::golden::Found;
use report::html::golden::{Page, golden as page};

use session::golden::held as all;

use crate::{Exit, Failure, unwritable, warn};

pub(super) fn compare(folder: &Path, html: Option<&Path>) -> Result<Exit, Failure> {
    let library = crate::library()?;
    let run = again(folder)?.run;
    let (held, differences) = all(&library, &run)?;
    if held.is_empty() {
        return Err(Failure::open(format!(
            "there is no golden trace of {} in any case of {}: `busbar golden accept` keeps one",
            plain(&run.meta.battery.name),
            folder.display()
        )));
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
    std::fs::write(&path, page(about)).map_err(unwritable(&path))?;
    differences.iter().for_each(|line| warn(line));
    crate::answer(&format!("{text}Page: {}\n", crate::from_here(&path)))?;
    Ok(exit)
}

/// Where the page of a run goes: beside the run folders, named as the folder is, whatever a file in it says.
fn page_of(library: &Library, run: &Path) -> Result<PathBuf, Failure> {
    let folder = library.root().join("reports/golden");
    std::fs::create_dir_all(&folder).map_err(unwritable(&folder))?;
    let run = run.canonicalize().map_err(unwritable(run))?;
    let name = run.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(folder.join(format!("{name}.html")))
}

/// What golden traces say of a run that has just ended. It is told, and changes no verdict.
pub(crate) fn after_run(library: &Library, run: &Run, folder: &str) {
    let held = match all(library, run) {
        Ok((held, _)) => held,
        Err(failure) => return warn(&failure.to_string()),
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
