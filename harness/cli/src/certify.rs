//! `busbar certify`: what certification needs is looked at first, then every case is run, and what came of it is signed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ::judge::catalogue::DOCUMENTS;
use ::judge::thresholds::{Thresholds, measured};
use evidence::bundle::key;
use evidence::certificate::guard::Rule;
use evidence::certificate::{Certificate, ITEM, Instrument, Order, SCHEMA, Uncertainty, obstacles};
use evidence::folder::WIRE;
use files::RigFile;

use crate::run::{self, Format, Played, play, shown};
use crate::{Exit, Failure, bundle, load, recorded};

/// What to certify, for whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The rig, by name or file; a simulated one makes a rehearsal that says so
    #[arg(long)]
    rig: String,
    /// The battery, by name or file
    #[arg(long, default_value = "reference")]
    battery: String,
    /// The private key of the laboratory, as `busbar keygen` writes it; a rehearsal makes one and throws it away
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Who runs it and answers for it
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Who wants to know, and how they are reached
    #[arg(long, value_name = "NAME")]
    customer: Option<String>,
    /// What was handed in, as its label says: maker, type, serial number
    #[arg(long, value_name = "TEXT")]
    item: Option<String>,
    /// The day it was handed in, such as 2026-03-01
    #[arg(long, value_name = "DAY")]
    received: Option<String>,
    /// Seed of everything random on a simulated rig
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the run folder and the bundle go
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn certify(args: &Args) -> Result<Exit, Failure> {
    let wrong = |message: String| Failure { exit: Exit::Input, message };
    let library = load::library()?;
    let rig = load::rig(&library, &args.rig)?;
    let missing = missing(args, &rig);
    if !missing.is_empty() {
        return Err(wrong(format!(
            "nothing was run, for it could not be certified:\n  {}",
            missing.join("\n  ")
        )));
    }
    let key = args.key.as_deref().map_or_else(key::random, key::private).map_err(bundle::of_key)?;
    #[cfg(unix)]
    healthy(args, &library, &rig)?;

    let order = Order {
        schema: SCHEMA.to_owned(),
        customer: args.customer.clone(),
        operator: args.operator.clone(),
        item: args.item.clone(),
        received: args.received.clone(),
    };
    let Played { run, folder, off, .. } = play(
        &library,
        &run::Args {
            cases: Vec::new(),
            rig: args.rig.clone(),
            battery: args.battery.clone(),
            seed: args.seed,
            sweep: false,
            out: args.out.clone(),
            format: Format::Text,
            wait: Duration::ZERO,
            quiet: args.quiet,
            scope: Some("certify".to_owned()),
            order: Some(order),
        },
    )?;
    let page = library.shown(&folder.join("report.html"));
    crate::answer(&shown(&run, Format::Text, Some(&page)))?;
    off.map_err(|message| Failure { exit: Exit::Inconclusive, message })?;
    let signed = bundle::signed(&folder, &run, &key, None)?;
    let obstacles = obstacles(&run);
    let word = match obstacles.as_slice() {
        [] => "Certified".to_owned(),
        obstacles => format!("Not certifiable:\n  {}", obstacles.join("\n  ")),
    };
    crate::answer(&format!("Bundle: {}\n{word}\n", library.shown(&signed)))?;
    Ok(match recorded::exit(&run) {
        // A rehearsal that passed has done what it is for.
        Exit::Pass if !obstacles.is_empty() && !run.meta.rig.simulated => Exit::Inconclusive,
        exit => exit,
    })
}

/// Whether it is a day of the calendar, not after today, as `2026-03-02`.
fn is_day(day: &str, today: &str) -> bool {
    let shaped = day.len() == 10 && day.is_ascii();
    // The library refuses days that no month has; the texts order as the days do.
    shaped && humantime::parse_rfc3339(&format!("{day}T00:00:00Z")).is_ok() && day <= today
}

/// What must be known before anything is switched on; a rehearsal needs none of it.
fn missing(args: &Args, rig: &RigFile) -> Vec<String> {
    if rig.is_simulated() {
        return Vec::new();
    }
    let mut missing = Vec::new();
    if args.key.is_none() {
        missing.push("--key: the private key to sign with".to_owned());
    }
    for (option, value, what) in [
        ("--operator", &args.operator, "who runs it"),
        ("--customer", &args.customer, "who wants to know"),
        ("--item", &args.item, "what was handed in"),
        ("--received", &args.received, "when it was handed in"),
    ] {
        if value.as_deref().is_none_or(|text| text.trim().is_empty()) {
            missing.push(format!("{option}: {what}"));
        }
    }
    let today = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let today = today.get(..10).unwrap_or(&today);
    if let Some(day) = args.received.as_deref().filter(|day| !day.trim().is_empty() && !is_day(day, today)) {
        missing.push(format!("--received: a day up to today, such as {today}; `{day}` is none"));
    }
    match &rig.laboratory {
        None => {
            missing.push("`laboratory:` in the rig file: its name, instruments, uncertainties".to_owned())
        }
        Some(laboratory) => {
            if laboratory.instruments.is_empty() || laboratory.uncertainty.is_empty() {
                missing.push("instruments and uncertainties under `laboratory:` in the rig file".to_owned());
            }
            let stated = |figure: &str| laboratory.uncertainty.iter().any(|stated| stated.figure == figure);
            let guarded = laboratory.decision_rule == files::DecisionRule::GuardBand;
            for (row, with) in measured().filter(|(row, _)| guarded && !stated(row.name)) {
                missing.push(format!(
                    "the uncertainty of {} under `laboratory:`, for the guard band: it rests on {with}",
                    row.name
                ));
            }
            let supply = rig.live.as_ref().is_some_and(|live| live.psu.is_some());
            if supply && laboratory.instruments.iter().all(|instrument| instrument.what != "supply") {
                missing
                    .push("the supply among the instruments under `laboratory:` (`what: supply`)".to_owned());
            }
            missing.extend(laboratory.out_of_calibration(today));
        }
    }
    match rig.site().gx {
        None => missing.push("`gx:` in the rig file: DVCC on, SVS off, and who looked (P 5.5)".to_owned()),
        Some(gx) => missing.extend(gx.fault().map(|fault| format!("the rig file says that {fault} (P 5.5)"))),
    }
    missing
}

/// The doctor finds nothing. What is not well must be put right before a battery is certified on it.
#[cfg(unix)]
fn healthy(args: &Args, library: &files::Library, rig: &RigFile) -> Result<(), Failure> {
    use lab::doctor::{Level, examine};
    use proto::quantity::Micros;
    let battery = load::battery(library, &args.battery)?;
    let findings = examine(rig, &battery, library, Micros::from_secs(3))?.unwrap_or_default();
    let unwell: Vec<String> = findings
        .iter()
        .filter(|finding| finding.level != Level::Ok)
        .map(|finding| format!("{}: {}", finding.about.name(), finding.what))
        .collect();
    if unwell.is_empty() {
        return Ok(());
    }
    let message = format!("nothing was run: `busbar doctor` is not content:\n  {}", unwell.join("\n  "));
    Err(Failure { exit: Exit::Inconclusive, message })
}

/// What a report says of a run that was made to certify.
/// Its folder and when it began are those of the run.
pub(crate) fn certificate(
    order: &Order,
    rig: &RigFile,
    battery: &str,
    (folder, started): (&Path, Option<&str>),
) -> Certificate {
    let laboratory = rig.laboratory.as_ref();
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    let rule = match laboratory.map(|l| l.decision_rule) {
        Some(files::DecisionRule::GuardBand) => Rule::GuardBand,
        Some(files::DecisionRule::SimpleAcceptance) | None => Rule::SimpleAcceptance,
    };
    let documents: Vec<String> = DOCUMENTS
        .iter()
        .map(|document| format!("{} ({}), {}", document.title, document.letter, document.revision))
        .collect();
    let facts = [
        (
            "Laboratory, and place of the test",
            laboratory.map(|l| format!("{}, {}", l.name, l.address)).unwrap_or_default(),
        ),
        ("Customer", said(&order.customer)),
        ("Operator, who authorises the results", said(&order.operator)),
        (ITEM, said(&order.item)),
        ("Item, as it is described in its file", battery.to_owned()),
        ("Received", said(&order.received)),
        ("Method", format!("{}; suites by their sums below", documents.join("; "))),
        ("Decision rule", rule.text().to_owned()),
        ("DVCC and SVS confirmed by", rig.gx.as_ref().map(|gx| gx.confirmed_by.clone()).unwrap_or_default()),
    ];
    let instruments = laboratory.map(|l| l.instruments.as_slice()).unwrap_or_default();
    Certificate {
        facts: facts.into_iter().map(|(what, value)| (what.to_owned(), value)).collect(),
        instruments: instruments.iter().map(instrument).collect(),
        rule,
        uncertainty: laboratory.map(|l| l.uncertainty.iter().map(uncertainty).collect()).unwrap_or_default(),
        gaps: gaps(order, rig, folder, started),
    }
}

/// What a run on real instruments has and this one lacks, and days that do not fit the day of the run.
fn gaps(order: &Order, rig: &RigFile, folder: &Path, started: Option<&str>) -> Vec<String> {
    if rig.is_simulated() {
        return Vec::new();
    }
    let mut gaps = Vec::new();
    if rig.live.as_ref().is_some_and(|live| live.psu.is_some()) {
        let wire = folder.join(WIRE).symlink_metadata();
        if !wire.is_ok_and(|wire| wire.is_file() && wire.len() > 0) {
            gaps.push(format!("there is no {WIRE}: nothing went to the supply"));
        }
        let instruments = rig.laboratory.iter().flat_map(|laboratory| &laboratory.instruments);
        if !instruments.into_iter().any(|instrument| instrument.what == "supply") {
            gaps.push("the rig file has no supply among its instruments".to_owned());
        }
    }
    let day = started.filter(|time| humantime::parse_rfc3339(time).is_ok()).and_then(|time| time.get(..10));
    let Some(day) = day else {
        gaps.push("nobody knows when it was performed: no time in manifest.json".to_owned());
        return gaps;
    };
    if let Some(received) = order.received.as_deref().filter(|received| !is_day(received, day)) {
        gaps.push(format!("received on {received}, which is no day up to that of the test, {day}"));
    }
    gaps.extend(rig.laboratory.iter().flat_map(|laboratory| laboratory.out_of_calibration(day)));
    gaps
}

fn uncertainty(stated: &files::Uncertainty) -> Uncertainty {
    let files::Uncertainty { figure, expanded, from } = stated.clone();
    // It was read when the rig file was.
    let amount = Thresholds::amount(&figure, &expanded).unwrap_or_default();
    Uncertainty { figure, expanded, amount, from }
}

fn instrument(stated: &files::Instrument) -> Instrument {
    let files::Instrument { what, maker, serial, firmware, location, calibrated, due, certificate } =
        stated.clone();
    Instrument { what, maker, serial, firmware, location, calibrated, due, certificate }
}

#[cfg(test)]
mod tests {
    use super::is_day;
    use rstest::rstest;

    #[rstest]
    #[case("2026-11-20", true)]
    #[case("2026-11-21", true)]
    #[case("2024-02-29", true)]
    #[case("2026-02-31", false)]
    #[case("2026-11-22", false)]
    #[case("2030-01-01", false)]
    #[case("2026-11-1", false)]
    #[case("yesterday", false)]
    #[case("2026-11-20T", false)]
    #[case("", false)]
    fn a_day_is_one_of_the_calendar_up_to_today(#[case] day: &str, #[case] is: bool) {
        assert_eq!(is_day(day, "2026-11-21"), is);
    }
}
