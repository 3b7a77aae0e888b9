//! A night that was interrupted, and goes on.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use evidence::again::{Again, again};
use evidence::conclusions::conclude;
use evidence::names::INPUTS;
use evidence::replay::Replay;
use evidence::run::{CaseResult, Run};
use files::Library;
use judge::failure::{Failure as Broken, Whose};
use judge::trace::EventKind;

use crate::{Failure, warn};

/// What is written first and last of a run.
const EVENTS: &str = "events.jsonl";

/// What a night had come to.
pub(super) struct Interrupted {
    /// the cases that came to their end
    pub(super) run: Run,
    pub(super) folder: PathBuf,
    pub(super) seed: u64,
    /// it was to be every case
    pub(super) whole: bool,
}

/// The last night with this battery on this rig, where it did not come to its end. Its folder is concluded, so that it can be
/// opened and kept like any other.
pub(super) fn interrupted(
    library: &Library,
    (rig, battery): (&str, &str),
    out: &Path,
) -> Result<Interrupted, Failure> {
    let (rig_file, battery_file) = (session::rig(library, rig)?, session::battery(library, battery)?);
    let of = (rig_file.rig.as_str(), battery_file.declared.name.as_str());
    let nothing = || Failure::usage(format!("no night of `{}` on `{}` was interrupted", of.1, of.0));
    let folder = last(out, of).ok_or_else(nothing)?;
    let Again { mut run, begun, ended, changed, .. } = again(&folder)?;
    crate::judge::refuse_changed(&folder, &changed, "The night does not go on from it")?;
    let profile = rig_file.live.as_ref().and_then(|live| live.psu.as_ref()).map(|psu| psu.profile.as_str());
    let inputs = library.inputs(&library.rig(rig)?, profile, &library.battery(battery)?)?;
    if let Some(path) = otherwise(&folder, &inputs) {
        return Err(Failure::input(format!(
            "{path} has changed since {}: its cases were tried with the file of before; begin a new night",
            crate::from_here(&folder)
        )));
    }
    if !ended {
        let began = folder.join(INPUTS).metadata().and_then(|there| there.modified());
        run.meta.started =
            began.ok().map(|began: SystemTime| humantime::format_rfc3339_seconds(began).to_string());
        conclude(&folder, &run.meta, &report::conclusions(&run)).map_err(Failure::open)?;
    }
    let all = run.cases.len();
    run.cases.retain(is_finished);
    if run.meta.cut_off.is_none() && run.cases.len() == all {
        return Err(nothing());
    }
    // What is missing comes with the rest.
    run.meta.cut_off = None;
    warn(&format!(
        "{} cases of {} came to their end, the others follow",
        run.cases.len(),
        crate::from_here(&folder)
    ));
    Ok(Interrupted { run, folder, seed: begun.seed, whole: begun.whole })
}

/// The folder of the last run of a night of this rig and this battery, by when it was written last.
fn last(out: &Path, (rig, battery): (&str, &str)) -> Option<PathBuf> {
    let entries = std::fs::read_dir(out).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let mut folders: Vec<(SystemTime, PathBuf)> = entries
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("night-") && !name.starts_with("night-again-")
        })
        .filter_map(|path| Some((path.join(EVENTS).metadata().ok()?.modified().ok()?, path)))
        .collect();
    folders.sort();
    folders.into_iter().rev().map(|(_, path)| path).find(|path| {
        Replay::open(path)
            .is_ok_and(|replay| (&*replay.begun().rig, &*replay.begun().battery) == (rig, battery))
    })
}

/// The first file that the run was made from and that is otherwise now.
fn otherwise(folder: &Path, inputs: &[(String, String)]) -> Option<String> {
    let same = |(path, text): &&(String, String)| {
        std::fs::read(folder.join(INPUTS).join(path)).is_ok_and(|kept| kept == text.as_bytes())
    };
    inputs.iter().find(|input| !same(input)).map(|(path, _)| path.clone())
}

/// Whether a case came to an end of its own, or was not to be tried.
fn is_finished(case: &CaseResult) -> bool {
    let any = |is: fn(&EventKind) -> bool| case.trace.events.iter().any(|event| is(&event.kind));
    let ended =
        any(|kind| matches!(kind, EventKind::Completed | EventKind::Aborted(_) | EventKind::NotBegun(_)));
    let stopped = any(|kind| {
        matches!(
            kind,
            EventKind::DriverFault(Broken { whose: Whose::Person, .. })
                | EventKind::NotBegun(Broken { whose: Whose::Person, .. })
        )
    });
    !case.tried || ended && !stopped
}
