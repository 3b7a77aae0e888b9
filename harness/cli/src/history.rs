//! `busbar history`: what the nights before came to, from the database beside the reports.

mod show;

use std::path::{Path, PathBuf};

use evidence::again::{Again, again};
use evidence::manifest;
use evidence::run::Run;
use report::history::{History, Kept};

use show::{Of, show};

use crate::judge::refuse_changed;
use crate::nightly::{Retention, refused};
use crate::{Exit, Failure, warn};

/// What to look up.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The history, `reports/history.db` without it
    #[arg(long, value_name = "FILE", global = true)]
    history: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// The last nights, the oldest first, and the runs that belong to none
    Nights(Asked),
    /// One case over the last nights: how it stood, and its figures
    Case {
        /// The case, such as `feed-in/load-steps`
        #[arg(value_name = "CASE")]
        case: String,
        #[command(flatten)]
        which: Asked,
    },
    /// One requirement over the last nights: in which cases it did not hold
    Requirement {
        /// The requirement, such as `CVL-04`
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        which: Asked,
    },
    /// One figure over the last nights, in every case that measures it
    Metric {
        /// The figure, such as `cvl-plateau`
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        which: Asked,
    },
    /// Take in run folders, judged again from their raw evidence
    Add {
        /// Folders of runs
        #[arg(value_name = "RUN", required = true)]
        runs: Vec<PathBuf>,
    },
    /// Remove run folders of nights that are older; what they came to stays known
    Prune {
        /// Folder of the run folders, `reports` without it
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        /// Those that passed, when older than this, such as `30d`
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        keep_passed: Option<std::time::Duration>,
        /// Those that did not, not shorter than that
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        keep_failed: Option<std::time::Duration>,
    },
}

/// Which nights.
#[derive(Debug, clap::Args)]
struct Asked {
    /// Only nights on this rig
    #[arg(long)]
    rig: Option<String>,
    /// Only nights of this battery
    #[arg(long)]
    battery: Option<String>,
    /// Only nights with this firmware, as the battery says it (0x35F)
    #[arg(long)]
    firmware: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 30)]
    last: usize,
    /// What to print on standard output
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// a table
    Text,
    /// one array, see docs/nightly.md
    Json,
}

pub(crate) fn history(args: &Args) -> Result<Exit, Failure> {
    let reports = || Ok::<_, Failure>(crate::library()?.root().join("reports"));
    let path = match &args.history {
        Some(path) => path.clone(),
        None => reports()?.join("history.db"),
    };
    match &args.what {
        What::Nights(which) => show(&path, which, Of::All),
        What::Case { case, which } => show(&path, which, Of::Case(case)),
        What::Requirement { id, which } => {
            if judge::catalogue::find(id).is_none() {
                return Err(Failure::usage(format!(
                    "no requirement is called `{id}`; `busbar list requirements` names them"
                )));
            }
            show(&path, which, Of::Requirement(id))
        }
        What::Metric { name, which } => show(&path, which, Of::Figure(name)),
        What::Add { runs } => add(&path, runs),
        What::Prune { out, keep_passed, keep_failed } => {
            let retention = Retention::new(*keep_passed, *keep_failed)?;
            let mut history = History::existing(&path).map_err(refused)?;
            let out = out.clone().map_or_else(reports, Ok)?;
            let removed = retention.apply(&mut history, &out)?;
            crate::answer(&format!("{removed} run folders removed\n"))?;
            Ok(Exit::Pass)
        }
    }
}

fn add(path: &Path, runs: &[PathBuf]) -> Result<Exit, Failure> {
    let mut history = crate::nightly::open(path)?;
    for folder in runs {
        let Again { run, notes, changed, .. } = again(folder)?;
        refuse_changed(folder, &changed, "Nothing of it was taken in")?;
        notes.iter().for_each(|note| warn(&format!("{}: {note}", folder.display())));
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        refuse_copy(&history, &run, &folder)?;
        history.add(Kept { run: &run, folder: &folder }).map_err(refused)?;
        crate::answer(&format!("{}: {}\n", run.meta.id, run.outcome().name()))?;
    }
    Ok(Exit::Pass)
}

/// A folder that only says that it is a run which the history knows does not take its place.
fn refuse_copy(history: &History, run: &Run, folder: &Path) -> Result<(), Failure> {
    let wrong =
        |why: String| Failure::input(format!("{}: {why}. Nothing of it was taken in", folder.display()));
    if folder.file_name().is_none_or(|name| name.to_string_lossy() != run.meta.id) {
        return Err(wrong(format!(
            "its manifest is that of {}: give the folder that name again",
            run.meta.id
        )));
    }
    let known =
        history.folder(&run.meta.id, run.meta.started.as_deref().unwrap_or_default()).map_err(refused)?;
    let Some(known) = known.filter(|known| known != folder && known.is_dir()) else { return Ok(()) };
    let differs = match manifest::Kept::read(&known) {
        Ok(Some(kept)) => kept.changed(folder),
        Ok(None) => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let differs = differs.map_err(|error| wrong(format!("{}: {error}", known.display())))?;
    if differs.is_empty() {
        return Ok(());
    }
    Err(wrong(format!(
        "the history has this run from {}, which is another: {}",
        known.display(),
        differs.join(", ")
    )))
}
