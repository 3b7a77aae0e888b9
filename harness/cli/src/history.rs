//! `busbar history`: what the nights before came to, from the database beside the reports.

use std::path::{Path, PathBuf};

use report::history::changes::Past;
use report::history::{History, Kept};
use report::text::plain;
use serde_json::json;

use crate::nightly::{Retention, refused};
use crate::recorded::{Again, again};
use crate::{Exit, Failure, load, warn};

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
    /// The last nights, the oldest first
    Nights(Which),
    /// One case over the last nights: how it stood, and its figures
    Case {
        /// The case, such as `feed-in/load-steps`
        #[arg(value_name = "CASE")]
        case: String,
        #[command(flatten)]
        which: Which,
    },
    /// One requirement over the last nights: in which cases it did not hold
    Requirement {
        /// The requirement, such as `CVL-04`
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        which: Which,
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
struct Which {
    /// Only nights on this rig
    #[arg(long)]
    rig: Option<String>,
    /// Only nights of this battery
    #[arg(long)]
    battery: Option<String>,
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
    let reports = || Ok::<_, Failure>(load::library()?.root().join("reports"));
    let path = match &args.history {
        Some(path) => path.clone(),
        None => reports()?.join("history.db"),
    };
    match &args.what {
        What::Nights(which) => show(&path, which, None, None),
        What::Case { case, which } => show(&path, which, Some(case), None),
        What::Requirement { id, which } => {
            if judge::catalogue::find(id).is_none() {
                let message =
                    format!("no requirement is called `{id}`; `busbar list requirements` names them");
                return Err(Failure { exit: Exit::Usage, message });
            }
            show(&path, which, None, Some(id))
        }
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
        let Again { run, notes } = again(folder)?;
        notes.iter().for_each(|note| warn(&format!("{}: {note}", folder.display())));
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        history.add(Kept { run: &run, folder: &folder }).map_err(refused)?;
        crate::answer(&format!("{}: {}\n", run.meta.id, report::json::outcome(run.outcome())))?;
    }
    Ok(Exit::Pass)
}

fn show(path: &Path, which: &Which, case: Option<&str>, id: Option<&str>) -> Result<Exit, Failure> {
    let history = History::existing(path).map_err(refused)?;
    let nights =
        history.nights(which.rig.as_deref(), which.battery.as_deref(), which.last).map_err(refused)?;
    if let Some(case) = case
        && !nights.iter().any(|night| night.cases.contains_key(case))
    {
        let known: std::collections::BTreeSet<String> =
            nights.iter().flat_map(|night| night.cases.keys().cloned()).collect();
        let nearest = rig::nearest(case, &known.into_iter().collect::<Vec<_>>());
        let message = format!("no night tried `{case}`; the nearest: {}", nearest.join(", "));
        return Err(Failure { exit: Exit::Usage, message });
    }
    let text = match which.format {
        Format::Json => {
            let all: Vec<_> = nights.iter().map(|night| entry(night, case, id)).collect();
            format!("{:#}\n", serde_json::Value::Array(all))
        }
        Format::Text => nights.iter().map(|night| line(night, case, id)).collect(),
    };
    crate::answer(&text)?;
    Ok(Exit::Pass)
}

fn line(night: &Past, case: Option<&str>, id: Option<&str>) -> String {
    let head =
        format!("{:<20}  {:<40}  {:<8}", plain(&night.started), plain(&night.name), plain(&night.firmware));
    let found = match (case, id) {
        (Some(case), _) => {
            let Some((standing, reason)) = night.cases.get(case) else {
                return format!("{head}  not tried\n");
            };
            let figures: Vec<String> = figures(night, case)
                .map(|(name, value, unit)| format!("{name} {} {unit}", report::words::trim(value, 3)))
                .collect();
            let reason = if reason.is_empty() { String::new() } else { format!("\n    {}", plain(reason)) };
            format!("{standing}{reason}\n    {}", plain(&figures.join(", ")))
        }
        (None, Some(id)) => {
            let found: Vec<String> =
                requirement(night, id).map(|(case, how)| format!("{case} {how}")).collect();
            if found.is_empty() {
                "nothing against it".to_owned()
            } else {
                plain(&found.join(", ")).into_owned()
            }
        }
        (None, None) => {
            let of = |standing| night.cases.values().filter(|case| case.0 == standing).count();
            let counts: Vec<String> = report::history::night::Standing::ALL
                .into_iter()
                .filter(|&standing| of(standing) > 0)
                .map(|standing| format!("{} {standing}", of(standing)))
                .collect();
            format!("{:<12}  {}", night.standing.word(), counts.join(", "))
        }
    };
    format!("{head}  {found}\n")
}

fn entry(night: &Past, case: Option<&str>, id: Option<&str>) -> serde_json::Value {
    let cases: serde_json::Map<_, _> = night
        .cases
        .iter()
        .filter(|(name, _)| case.is_none_or(|case| case == name.as_str()))
        .map(|(name, (standing, reason))| {
            let figures: serde_json::Map<_, _> = figures(night, name)
                .map(|(figure, value, unit)| (figure.to_owned(), json!({ "value": value, "unit": unit })))
                .collect();
            let open: serde_json::Map<_, _> = night
                .requirements
                .iter()
                .filter(|((of, one), _)| of == name && id.is_none_or(|id| id == one))
                .map(|((_, one), how)| (one.clone(), json!(how)))
                .collect();
            let value = json!({
                "standing": standing.word(), "reason": reason, "requirements": open, "figures": figures
            });
            (name.clone(), value)
        })
        .collect();
    json!({
        "night": night.name, "started": night.started, "firmware": night.firmware,
        "standing": night.standing.word(), "cases": cases
    })
}

fn figures<'a>(night: &'a Past, case: &'a str) -> impl Iterator<Item = (&'a str, f64, &'a str)> {
    night
        .figures
        .iter()
        .filter(move |((of, _), _)| of == case)
        .map(|((_, name), (value, unit))| (name.as_str(), *value, unit.as_str()))
}

fn requirement<'a>(night: &'a Past, id: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let own = night.requirements.iter().filter(move |((_, one), _)| one == id);
    own.map(|((case, _), how)| (case.as_str(), how.as_str()))
}
