//! `busbar doctor`: is a rig as its file says, and fit to run?

mod exporter;

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use lab::doctor::{Finding, Level, examine};
use lab::guard::lease;
use lab::psu::Tape;
use proto::quantity::Micros;
use proto::text::plain;

use crate::{Exit, Failure, unwritable};

/// What to look at.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The rig, by name or file
    #[arg(long)]
    rig: String,
    /// The battery that is on it, by name or file
    #[arg(long, default_value = "reference")]
    battery: String,
    /// For how many seconds to listen to the bus
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=3600))]
    listen: u64,
    /// Lift the quarantine of a rig whose supply you have seen to be off, give it back where somebody hands it out, and forget what
    /// could not be put back on its GX
    #[arg(long)]
    clear: bool,
    /// Look at nothing, and print the instruments of the rig as a file of `labgrid-exporter`
    #[arg(long, conflicts_with_all = ["clear", "record"])]
    labgrid: bool,
    /// Write down what supply and GX are asked and what they say, without serial numbers, as a file to send in
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(crate) fn doctor(args: &Args) -> Result<Exit, Failure> {
    let library = crate::library()?;
    let rig = session::rig(&library, &args.rig)?;
    if args.labgrid {
        let file = exporter::file(&rig)
            .ok_or_else(|| Failure::usage("a simulated rig has no instruments to export"))?;
        crate::answer(&file)?;
        return Ok(Exit::Pass);
    }
    let battery = session::battery(&library, &args.battery)?;
    if let (true, Some(live)) = (args.clear, &rig.live) {
        let cleared = lease::clear(live).map_err(Failure::open)?;
        crate::warn(&cleared.map_or_else(
            || "the rig was not quarantined".to_owned(),
            |why| format!("no longer quarantined: {why}"),
        ));
    }
    let tape = Tape::default();
    // Before anything is asked: a file that cannot be written costs no time.
    let new = |path: &Path| File::create_new(path).map_err(unwritable(path));
    let file = args.record.as_deref().map(new).transpose()?;
    let asked = file.is_some().then_some(&tape);
    let findings = examine(&rig, &battery, &library, Micros::from_secs(args.listen), asked)?;
    if let (true, Some(live)) = (args.clear, &rig.live) {
        // It was tried: what is left is done by hand.
        lease::forget_gx(live).map_err(Failure::open)?;
    }
    if let (Some(mut file), Some(path)) = (file, &args.record) {
        match tape.told() {
            Some(dialogue) => {
                file.write_all(dialogue.to_string().as_bytes()).map_err(unwritable(path))?;
                crate::warn(&format!(
                    "what supply and GX said stands in {}: read it before you send it",
                    path.display()
                ));
            }
            None => crate::warn("neither supply nor GX was spoken to: the recording is empty"),
        }
    }
    let worst = findings.iter().flatten().map(|finding| finding.level).max().unwrap_or(Level::Ok);
    let text = match args.format {
        Format::Json => json(&rig.rig, worst, findings.as_deref()),
        Format::Text => text(&rig.rig, worst, findings.as_deref()),
    };
    crate::answer(&text)?;
    Ok(match worst {
        Level::Ok => Exit::Pass,
        Level::Problem => Exit::Fail,
        Level::Warning => Exit::Inconclusive,
    })
}

fn json(rig: &str, worst: Level, findings: Option<&[Finding]>) -> String {
    let value = serde_json::json!({
        "rig": rig,
        "simulated": findings.is_none(),
        "outcome": worst,
        "findings": findings.unwrap_or_default(),
    });
    proto::text::json(format!("{value:#}\n"))
}

fn text(rig: &str, worst: Level, findings: Option<&[Finding]>) -> String {
    let Some(findings) = findings else {
        return format!(
            "{} is a simulated rig: there is nothing to look at, it is always fit to run\n",
            plain(rig)
        );
    };
    let mut out = String::new();
    for Finding { level, about, what, remedy } in findings {
        // Writing into a text cannot fail.
        let _ = writeln!(out, "{:<8} {:<9} {}", level.name(), about.name(), plain(what));
        if !remedy.is_empty() {
            let _ = writeln!(out, "{:<18} {}", "", plain(remedy));
        }
    }
    let of_worst: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.level == worst)
        .map(|finding| finding.about.name())
        .collect();
    let (many, of) = (of_worst.len(), of_worst.join(", "));
    let _ = match worst {
        Level::Ok => writeln!(out, "fit to run"),
        Level::Warning => writeln!(out, "a run can begin; look at the warnings first: {many} ({of})"),
        Level::Problem => writeln!(out, "not fit to run; mend what is named a problem: {many} ({of})"),
    };
    out
}
