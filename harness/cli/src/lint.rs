//! `busbar lint`: judges CAN logs with no rig. What a log decides of the requirements, and what it tells of the battery.

use std::path::{Path, PathBuf};

use ::lint::input::Log;
use ::lint::judged::{self, Conditions, Judged};
use ::lint::{Whole, json, junit, text};
use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use files::BatteryFile;
use judge::battery::Cells;
use proto::chemistry::Chemistry;

use crate::battery::chemistry;
use crate::{Exit, Failure, answer};

/// What to judge.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    /// CAN logs: candump (`-L`, `-l` or a copy of its screen), TRC, ASC, BLF, CSV, SLCAN, consoles, and what else
    /// docs/lint.md lists; gzip as they are; `-` for standard input
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// How to print what was found
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// What is declared of the battery, by name or file, to hold its values against; without it their bounds come
    /// from the log itself
    #[arg(long, value_name = "FILE|NAME")]
    battery: Option<String>,
    /// Cells in series, where there is no battery file: values are held against what so many cells bear
    #[arg(long, value_name = "N", conflicts_with = "battery", value_parser = clap::value_parser!(u16).range(1..=256))]
    cells: Option<u16>,
    /// What the cells are made of; without it any lithium cell
    #[arg(long, requires = "cells", value_parser = PossibleValuesParser::new(Chemistry::ALL.map(Chemistry::name)).try_map(chemistry))]
    chemistry: Option<Chemistry>,
    /// Warnings fail too
    #[arg(long)]
    strict: bool,
    /// Demand what an officially supported battery has to send beside the minimum: 0x35E and 0x35F (MSG-02)
    #[arg(long)]
    for_certification: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs; see docs/lint-json.md
    Json,
    /// For CI: one test suite per log, one test case per requirement
    Junit,
}

const HELP: &str = "\
Every requirement that a log decides is judged (`busbar list requirements`, those with an L): by the frames alone, in
their order. A requirement of severity `must` decides the outcome, `should` warns, `information` is reported.
  pass            the frames show that it holds
  fail            they show that it does not; the line and the frame that prove it are given
  inconclusive    they do not tell; what would is said
  not applicable  the battery does not use what it is about
A log that is too short to tell leaves a missing message undecided: one of the minimum (MSG-01) fails after 10 s, one of
the identity (MSG-02) after a minute or ten times the longest period seen. Without real times cycles are counted, and
whatever is about periods and gaps (TIM, BUS-05, CVL-03) stays undecided.
Whether CVL follows the battery voltage (CVL-05) is a suspicion here; `busbar run tracking` decides.

Exit codes: 0 pass; 1 a must failed (with --strict, a warning too); 2 a must stayed undecided; 64 bad usage; 65 a log
that cannot be read. Of several logs each is judged alone, and the worst decides (65, then 1, then 2).";

pub(crate) fn lint(args: &Args) -> Result<Exit, Failure> {
    let battery = args.battery.as_deref().map(battery).transpose()?;
    let conditions = Conditions {
        battery: battery.as_ref().map(|file| &file.declared),
        cells: args.cells.map(|count| Cells { count, chemistry: args.chemistry }),
        certifying: args.for_certification,
        strict: args.strict,
    };
    let (colour, width) = crate::console::shown_on();
    let style = text::Style { width: width.clamp(60, 140), colour };
    let mut all: Vec<Judged> = Vec::new();
    let mut unread: Vec<(String, String)> = Vec::new();
    for path in &args.logs {
        // The other logs are still worth judging.
        match Log::open(path).map(|log| judged::judge(log, &conditions)) {
            Ok((found, error)) => {
                if args.format == Format::Text {
                    found.iter().try_for_each(|judged| answer(&text::page(judged, &conditions, &style)))?;
                }
                all.extend(found);
                unread.extend(error.map(|error| (path.display().to_string(), error.to_string())));
            }
            Err(error) => unread.push((path.display().to_string(), error.to_string())),
        }
    }
    for (_, message) in &unread {
        crate::warn(message);
    }
    let whole = Whole::of(&all, !unread.is_empty());
    match args.format {
        Format::Text if all.len() > 1 => answer(&text::summary(&all, &style))?,
        Format::Text => {}
        Format::Json => answer(&json::file(&all, &unread, &conditions, whole))?,
        Format::Junit => answer(&junit::file(&all, &unread, &conditions))?,
    }
    Ok(whole.into())
}

impl From<Whole> for Exit {
    fn from(whole: Whole) -> Self {
        match whole {
            Whole::Pass => Self::Pass,
            Whole::Fail => Self::Fail,
            Whole::Inconclusive => Self::Inconclusive,
            Whole::Unreadable => Self::Input,
        }
    }
}

/// A battery by name, which needs the project, or by path, which does not.
fn battery(name: &str) -> Result<BatteryFile, Failure> {
    let path = Path::new(name);
    if name.contains('/') || path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
        return Ok(BatteryFile::load(path, &|path| path.display().to_string())?);
    }
    Ok(crate::library()?.get(name)?)
}
