//! `busbar judge` and `busbar report`: a recorded run judged again from its folder alone, and rendered again.

use std::path::{Path, PathBuf};

use evidence::again::{Again, again};
use evidence::conclusions::{FolderError, conclude};
use evidence::manifest::plain;
use evidence::names::named;
use report::json::verdicts;
use serde_json::Value;

use crate::run::{Format, shown};
use crate::{Exit, Failure, warn};

/// What to judge again.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of a run, such as `reports/latest`
    #[arg(value_name = "RUN")]
    folder: PathBuf,
    /// What to print on standard output
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// What to render again.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// Folder of a run, such as `reports/latest`
    #[arg(value_name = "RUN")]
    folder: PathBuf,
}

/// At most so many differences are told one by one.
const TOLD: usize = 20;

pub(crate) fn judge(args: &Args) -> Result<Exit, Failure> {
    let Again { run, notes, .. } = again(&args.folder)?;
    notes.iter().for_each(|note| warn(note));
    tell(&args.folder, "not judged, and in no manifest");
    let page = args.folder.join("report.html");
    let page = page.exists().then(|| page.display().to_string());
    crate::answer(&shown(&run, args.format, page.as_deref(), None))?;
    let before = args.folder.join("verdicts.json");
    let before = match plain(&args.folder, "verdicts.json").and_then(std::fs::read_to_string) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            warn("there is no verdicts.json to compare with: the run did not come to its end");
            return Ok(run.outcome().into());
        }
        Err(error) => return Err(Failure::input(format!("{} cannot be read: {error}", before.display()))),
    };
    let now = verdicts(&run);
    if before == now {
        warn("same verdicts as in verdicts.json");
        return Ok(run.outcome().into());
    }
    Err(Failure::input(format!(
        "NOT the verdicts of verdicts.json, which the raw evidence does not give:\n{}",
        differences("verdicts.json", &before, &now)
    )))
}

pub(crate) fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    let folder = &args.folder;
    let Again { run, notes, changed, .. } = again(folder)?;
    refuse_changed(folder, &changed, "Nothing was rendered, for a new manifest would vouch for it")?;
    notes.iter().for_each(|note| warn(note));
    tell(folder, "not in the report, nor in the manifest");
    conclude(folder, &run.meta, &report::conclusions(&run)).map_err(|error| match error {
        FolderError::NotPlain { .. } => Failure::input(error),
        _ => Failure::open(error),
    })?;
    crate::answer(&format!("{}\n", folder.join("report.html").display()))?;
    Ok(Exit::Pass)
}

/// A manifest that is written again vouches for what it lists, and a history keeps what it takes in: no evidence that was
/// changed meanwhile. `nothing` says what was not done.
pub(crate) fn refuse_changed(folder: &Path, changed: &[String], nothing: &str) -> Result<(), Failure> {
    if changed.is_empty() {
        return Ok(());
    }
    Err(Failure::input(format!(
        "changed since manifest.json was written: {}. {nothing}; `busbar judge {}` shows what it decides",
        changed.join(", "),
        folder.display()
    )))
}

/// Says of a run that something lies beside it which is not `covered`, where something does.
pub(crate) fn tell(folder: &Path, covered: &str) {
    let names = evidence::added::names(folder);
    if !names.is_empty() {
        warn(&format!(
            "{covered}: {}, which was added after the run; `busbar evidence show {}` shows it",
            named(&names),
            folder.display()
        ));
    }
}

/// Where a file of conclusions says other things than it would now, a line each.
pub(crate) fn differences(file: &str, before: &str, now: &str) -> String {
    let (before, now): (Value, Value) = match (serde_json::from_str(before), serde_json::from_str(now)) {
        (Ok(before), Ok(now)) => (before, now),
        (Err(error), Ok(_)) => return format!("  {file} is not JSON: {error}"),
        _ => return lines(file, before, now),
    };
    let mut found = Vec::new();
    compare(file, &before, &now, &mut String::new(), &mut found);
    if found.is_empty() {
        return "  the same content, set differently".to_owned();
    }
    let more = found.len().saturating_sub(TOLD);
    found.truncate(TOLD);
    if more > 0 {
        found.push(format!("  and {more} more"));
    }
    found.join("\n")
}

/// The first line that differs, of files that are no JSON.
fn lines(file: &str, before: &str, now: &str) -> String {
    let (mut theirs, mut ours) = (before.lines(), now.lines());
    for number in 1.. {
        match (theirs.next(), ours.next()) {
            (None, None) => break,
            (before, now) if before == now => {}
            (before, now) => {
                let told = |line: Option<&str>| short(&line.map_or(Value::Null, |line| line.trim().into()));
                return format!(
                    "  line {number}: {file} has {}, the evidence gives {}",
                    told(before),
                    told(now)
                );
            }
        }
    }
    "  the same lines, ended differently".to_owned()
}

fn compare(file: &str, before: &Value, now: &Value, path: &mut String, found: &mut Vec<String>) {
    let length = path.len();
    let mut inside = |name: &str, before: Option<&Value>, now: Option<&Value>| {
        path.push_str(name);
        let null = Value::Null;
        compare(file, before.unwrap_or(&null), now.unwrap_or(&null), path, found);
        path.truncate(length);
    };
    match (before, now) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                inside(&format!(".{key}"), a.get(key), b.get(key));
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for k in 0..a.len().max(b.len()) {
                let (a, b) = (a.get(k), b.get(k));
                inside(&format!("[{}]", name(a.or(b), k)), a, b);
            }
        }
        (a, b) if a != b => {
            found.push(format!(
                "  {}: {file} has {}, the evidence gives {}",
                path.trim_start_matches('.'),
                short(a),
                short(b)
            ));
        }
        _ => {}
    }
}

/// What a case, a verdict or a requirement is called.
fn name(value: Option<&Value>, place: usize) -> String {
    let text = |key: &str| value.and_then(|v| v.get(key)).and_then(Value::as_str);
    match (text("suite").zip(text("case")), text("requirement").or(text("id"))) {
        (Some((suite, case)), _) => format!("{suite}/{case}"),
        (None, Some(id)) => id.to_owned(),
        _ => place.to_string(),
    }
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(_) | Value::Object(_) => "more".to_owned(),
        other => other.to_string(),
    };
    let shown: String = text.chars().take(80).collect();
    if shown.len() < text.len() { format!("{shown}…") } else { shown }
}
