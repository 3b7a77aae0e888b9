//! `busbar evidence`: what was recorded elsewhere, laid beside a run that has ended, and shown there.

use std::path::{Path, PathBuf};

use evidence::added::{self, AddError, Asked};
use evidence::again::{Again, again};
use report::added::text;

use crate::judge::refuse_changed;
use crate::{Exit, Failure, warn};

/// What to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Copy a log export of VRM (CSV) into a run folder, and hold it against what the run recorded
    #[command(after_long_help = HELP)]
    Add {
        /// Folder of a run, such as `reports/latest`
        #[arg(value_name = "RUN")]
        folder: PathBuf,
        /// The export: the log of the installation as CSV
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// By how much the clock of the export is ahead of the run's, such as `+1m30s`, or `-45s` where it is behind; without
        /// it both are taken to be right
        #[arg(long, value_name = "TIME", value_parser = offset, allow_hyphen_values = true)]
        offset: Option<i64>,
        /// How far the times of its rows are from UTC, such as `+01:00`; without it as its head says, which is the offset at
        /// the moment of export
        #[arg(long, value_name = "OFFSET", value_parser = zone, allow_hyphen_values = true)]
        zone: Option<i32>,
    },
    /// Show what lies beside a run, read anew
    Show {
        /// Folder of a run, such as `reports/latest`
        #[arg(value_name = "RUN")]
        folder: PathBuf,
    },
}

const HELP: &str = "\
The export is copied to `added/vrm-1.csv` of the run folder, and `added/vrm-1.json` says how its times lie on the run's clock.
Nothing of the run is touched: its verdicts and its manifest stay as they are, and a bundle of it verifies as before, without
the export. No verdict rests on it. JSON of VRM is not offered.

Exit codes: 0; 2 a file that cannot be written; 64 bad usage; 65 a folder that is no run, or a file that is no such export.";

/// `+1m30s`, in microseconds.
fn offset(text: &str) -> Result<i64, String> {
    let (sign, size) = match text.strip_prefix('-') {
        Some(size) => (-1, size),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let size = humantime::parse_duration(size.trim()).map_err(|error| error.to_string())?;
    let size = i64::try_from(size.as_micros()).map_err(|_| "too long for a clock to be wrong".to_owned())?;
    Ok(sign * size)
}

/// `+01:00`, in seconds east of UTC.
fn zone(text: &str) -> Result<i32, String> {
    evidence::vrm::seconds(text)
        .ok_or_else(|| "expected hours and minutes with a sign, such as +01:00".to_owned())
}

pub(crate) fn added(args: &Args) -> Result<Exit, Failure> {
    match &args.what {
        What::Add { folder, file, offset, zone } => {
            let again = judged(folder)?;
            let asked = Asked { file, offset: *offset, zone: *zone };
            let beside = added::add(folder, &again, asked).map_err(refused)?;
            crate::answer(&text(&[beside]))?;
        }
        What::Show { folder } => {
            let all = added::all(folder, &judged(folder)?).map_err(refused)?;
            if all.is_empty() {
                crate::answer(
                    "nothing lies beside this run; `busbar evidence add RUN FILE` lays an export of VRM there\n",
                )?;
            } else {
                crate::answer(&text(&all))?;
            }
        }
    }
    Ok(Exit::Pass)
}

/// The run as its evidence gives it. What was changed is not what an export can be held against.
fn judged(folder: &Path) -> Result<Again, Failure> {
    let again = again(folder)?;
    refuse_changed(folder, &again.changed, "Nothing was held against it")?;
    again.notes.iter().for_each(|note| warn(note));
    Ok(again)
}

fn refused(error: AddError) -> Failure {
    match error {
        AddError::Write { .. } => Failure::open(error),
        _ => Failure::input(error),
    }
}
