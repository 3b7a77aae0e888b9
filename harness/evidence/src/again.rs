//! A run folder judged again: from its raw evidence and the inputs it keeps, nothing else.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use files::{BatteryFile, InputError, Library, RigFile, Suites};
use judge::identify::identify;

use crate::against::{Evidence, held};
use crate::certificate::{ORDER, Order};
use crate::conclusion;
use crate::events::Begun;
use crate::inner;
use crate::manifest::{self, plain};
use crate::meta::{Kept, MadeFrom};
use crate::names::INPUTS;
use crate::plan::Refused;
use crate::raw::RawError;
use crate::replay::Replay;
use crate::run::Run;
use crate::said::Said;

/// A run as it is judged now, and what a person must know of its folder.
#[derive(Debug)]
pub struct Again {
    /// the run
    pub run: Run,
    /// how it began
    pub begun: Begun,
    /// the suites that it was made from
    pub suites: Suites,
    /// whether it has a manifest: it came to its end
    pub ended: bool,
    /// files that are not what the manifest says
    pub changed: Vec<String>,
    /// what a person must know, in words
    pub notes: Vec<String>,
}

/// Why a folder cannot be judged again.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    /// The raw evidence is not what a run writes.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// It does not hold what a run leaves.
    #[error("{0}")]
    Folder(String),
    /// What it was made from is not what such files must be.
    #[error("{}/{INPUTS}: {source}", folder.display())]
    Inputs {
        /// the folder
        folder: PathBuf,
        /// what is wrong
        source: InputError,
    },
    /// Nothing may have run on its rig.
    #[error("{rig}: {source}")]
    Refused {
        /// the rig
        rig: String,
        /// why
        source: Refused,
    },
    /// A file of it cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// which
        path: PathBuf,
        /// what the system said
        source: std::io::Error,
    },
}

/// What a run was made from, as its folder keeps it.
#[derive(Debug)]
pub struct Made {
    /// the rig, with what a seed drew, for the cells of this battery
    pub rig: RigFile,
    /// the battery
    pub battery: BatteryFile,
    /// the suites
    pub suites: Suites,
}

impl Made {
    /// Reads it from the folder of a run that began so.
    ///
    /// # Errors
    /// When the folder does not hold it.
    pub fn of(folder: &Path, begun: &Begun) -> Result<Self, AgainError> {
        let shown = folder.display();
        let library = Library::at(&folder.join(INPUTS)).map_err(|_| {
            AgainError::Folder(format!(
                "{shown}/{INPUTS} does not hold the suites and rigs that the run was made from: it cannot be judged again"
            ))
        })?;
        for name in [&begun.rig, &begun.battery] {
            // A path would lead out of the folder, to what the run was not made from.
            if name.is_empty() || name.contains(['/', '\\', '.']) {
                return Err(AgainError::Folder(format!(
                    "{shown}/events.jsonl: rig and battery are names of files of {INPUTS}, such as `simulated`; `{}` is none",
                    crate::text::plain(name)
                )));
            }
        }
        // A name that is missing in the folder is no bad usage.
        let bad = |source| AgainError::Inputs { folder: folder.to_owned(), source };
        let rig: RigFile = library.get(&begun.rig).map_err(bad)?;
        let draw = files::Draw::new(&begun.battery, &begun.rig, begun.seed);
        let rig = if begun.sweep { rig.swept(draw) } else { rig };
        let battery: BatteryFile = library.get(&begun.battery).map_err(bad)?;
        let rig = rig.for_battery(&battery);
        let suites = library.read_suites().map_err(bad)?;
        Ok(Self { rig, battery, suites })
    }
}

/// Judges a run folder again. Nothing in it is written.
///
/// # Errors
/// When the folder does not hold what a run leaves.
pub fn again(folder: &Path) -> Result<Again, AgainError> {
    let mut replay = Replay::open(folder)?;
    let begun = replay.begun().clone();
    let (folder_of, shown) = (|| folder.to_owned(), folder.display());
    let Made { rig, battery, suites } = Made::of(folder, &begun)?;
    replay.polled(rig.bus_polling());
    replay.with(rig.witnesses());

    let (mut cases, mut said) = (Vec::new(), Said::default());
    while let Some(recorded) = replay.next_case()? {
        let name = format!("{}/{}", recorded.suite, recorded.case);
        let (suite, case) = suites.case(&recorded.suite, &recorded.case).ok_or_else(|| {
            if let Some(broken) = suites.broken.iter().find(|broken| broken.suite == recorded.suite) {
                return AgainError::Inputs { folder: folder_of(), source: broken.error.clone().into() };
            }
            let why = format!("{shown}/events.jsonl tells of {name}, {shown}/{INPUTS} holds no such case");
            AgainError::Folder(why)
        })?;
        let (began, length) = (recorded.began, recorded.length);
        let attempt = conclusion::again(case, &rig, &battery, recorded.recording, length, recorded.broken)
            .map_err(|source| AgainError::Refused { rig: rig.rig.clone(), source })?;
        said.keep(&attempt, case, &name);
        let result = attempt.into_result((suite, case), began, &cases);
        cases.push(result);
    }
    let unreadable = |path: PathBuf| move |source| AgainError::Unreadable { path, source };
    let kept = manifest::Kept::read(folder).map_err(unreadable(folder.join("manifest.json")))?;
    let changed = kept.as_ref().map_or(Ok(Vec::new()), |kept| kept.changed(folder));
    let changed = changed.map_err(unreadable(folder_of()))?;
    let mut notes: Vec<String> = replay
        .cuts()
        .into_iter()
        .map(|(file, line)| format!("{file}:{line}: the last line was cut off and is left out"))
        .collect();
    if !changed.is_empty() {
        notes.push(format!("changed since manifest.json was written: {}", changed.join(", ")));
    }
    let (made, now) = (&begun.harness, env!("CARGO_PKG_VERSION"));
    if made != now {
        notes.push(format!("the run was made by busbar {made}, this is {now}: they may judge differently"));
    }
    let ended = kept.is_some();
    let known = match kept {
        Some(kept) => Kept {
            folder,
            id: kept.run,
            started: kept.started,
            took: kept.took_ms.map(Duration::from_millis),
        },
        None => {
            let path = folder.canonicalize().ok();
            let id = path.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
            Kept { folder, id: id.unwrap_or_default(), started: None, took: None }
        }
    };
    let order = order(folder)?;
    let asked = order.as_ref().and_then(|order| order.challenge.as_deref());
    if asked != begun.challenge.as_deref() {
        return Err(AgainError::Folder(format!(
            "{shown}: the challenge of events.jsonl is not that of {INPUTS}/{ORDER}"
        )));
    }
    let from =
        MadeFrom { begun: &begun, rig: &rig, battery: &battery, suites: &suites, order: order.as_ref() };
    let mut meta = from.meta(said, known);
    let distinct = cases.iter().filter(|result| result.attempt == 1).count();
    if !replay.is_whole() {
        meta.cut_off = Some(format!(
            "the run was cut off: {} of its {} cases had begun",
            cases.len(),
            begun.cases.max(cases.len())
        ));
    } else if distinct != begun.cases {
        meta.cut_off = Some(format!(
            "the evidence is not whole: events.jsonl began with {} cases and holds {distinct}",
            begun.cases
        ));
    }
    inner::read(folder, &mut cases);
    let mut run = Run { meta, cases };
    run.meta.law = identify(run.cases.iter().map(|case| &case.trace), &battery.declared);
    run.meta.held = held(Evidence { folder, rig: &rig, battery: &battery, run: &run });
    Ok(Again { run, begun, suites, ended, changed, notes })
}

/// What was to be certified for whom, where the run was made to certify.
fn order(folder: &Path) -> Result<Option<Order>, AgainError> {
    let name = format!("{INPUTS}/{ORDER}");
    let path = folder.join(&name);
    if path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(None);
    }
    let wrong = |why: String| AgainError::Folder(format!("{}: {why}", path.display()));
    plain(folder, &name).map_err(|error| wrong(error.to_string()))?;
    let text = files::read_text(&path).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map(Some).map_err(|error| wrong(error.to_string()))
}
