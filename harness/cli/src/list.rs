//! `busbar list`: what there is.

use std::fmt::Write as _;

use clap::ValueEnum;
use judge::catalogue::CATALOGUE;

use crate::{Exit, Failure};

/// What to list.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The kind of thing
    kind: Kind,
    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Suites: section of the protocol, number of cases, what they are about
    Suites,
    /// Cases: section, what happens, the requirements that it decides
    Cases,
    /// Requirements: how much they weigh, section (P the CAN-bus BMS protocol, D the data communication paper), and
    /// where they are judged: L from any CAN log, B from a run on a rig, X from a run with a GX
    Requirements,
    /// Batteries: what certification must find in them, and their kind
    Batteries,
    /// Rigs: what they can do
    Rigs,
    /// Profiles of programmable supplies: whether a bench has confirmed them, and the supplies
    PsuProfiles,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// One thing: a name, and what is known of it, in the order of the columns.
type Row = Vec<(&'static str, String)>;

pub(crate) fn list(args: &Args) -> Result<Exit, Failure> {
    let rows = match args.kind {
        Kind::Suites | Kind::Cases => suites(args.kind)?,
        Kind::Requirements => requirements(),
        Kind::Batteries => batteries()?,
        Kind::Rigs => rigs()?,
        Kind::PsuProfiles => psu_profiles()?,
    };
    let text = match args.format {
        Format::Text => columns(&rows),
        Format::Json => json(&rows),
    };
    crate::answer(&text)?;
    Ok(Exit::Pass)
}

fn suites(kind: Kind) -> Result<Vec<Row>, Failure> {
    let suites = crate::library()?.read_suites()?;
    Ok(match kind {
        Kind::Cases => suites
            .cases()
            .map(|(suite, case)| {
                let ids: Vec<_> = case.requirements.iter().map(|r| r.id).collect();
                vec![
                    ("case", files::full_name(suite, case)),
                    ("spec", case.spec.clone()),
                    ("title", case.title.clone()),
                    ("requirements", ids.join(" ")),
                ]
            })
            .collect(),
        _ => suites
            .all
            .iter()
            .map(|suite| {
                vec![
                    ("suite", suite.name.clone()),
                    ("spec", suite.spec.clone()),
                    ("cases", suite.cases.len().to_string()),
                    ("title", suite.title.clone()),
                ]
            })
            .collect(),
    })
}

fn requirements() -> Vec<Row> {
    CATALOGUE
        .iter()
        .map(|r| {
            vec![
                ("requirement", r.id.to_owned()),
                ("severity", evidence::run::severity(r.severity).to_owned()),
                ("spec", r.section.to_owned()),
                ("judged", r.judged.to_owned()),
                ("title", r.title.to_owned()),
            ]
        })
        .collect()
}

fn batteries() -> Result<Vec<Row>, Failure> {
    let library = crate::library()?;
    let mut rows = Vec::new();
    for path in library.batteries().map_err(Failure::from)? {
        let file = library.read_battery(&path)?;
        let expect = match &file.expect {
            files::Expectation::Pass => "pass".to_owned(),
            files::Expectation::Fail(ids) => format!("fail {}", ids.join(" ")),
        };
        rows.push(vec![("battery", file.declared.name), ("expect", expect), ("title", file.title)]);
    }
    Ok(rows)
}

fn rigs() -> Result<Vec<Row>, Failure> {
    let library = crate::library()?;
    let mut rows = Vec::new();
    for path in library.rigs().map_err(Failure::from)? {
        let file = library.read_rig(&path)?;
        let can: Vec<_> = file.capabilities.iter().map(|c| c.name()).collect();
        rows.push(vec![("rig", file.rig), ("can", can.join(" ")), ("title", file.title)]);
    }
    Ok(rows)
}

fn psu_profiles() -> Result<Vec<Row>, Failure> {
    let library = crate::library()?;
    let mut rows = Vec::new();
    for path in library.psu_profiles().map_err(Failure::from)? {
        let text = files::read_text(&path).map_err(Failure::from)?;
        let profile = files::Profile::parse(&library.shown(&path), &text).map_err(files::InputError::from)?;
        let status = profile.status.name().to_owned();
        rows.push(vec![("psu-profile", profile.psu_profile), ("status", status), ("title", profile.title)]);
    }
    Ok(rows)
}

/// Columns as wide as their widest cell; the last one runs free.
fn columns(rows: &[Row]) -> String {
    let mut out = String::new();
    let count = rows.first().map_or(0, Vec::len);
    let width = |i: usize| rows.iter().map(|row| row[i].1.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for ((_, cell), width) in row.iter().zip(&widths) {
            let _ = write!(line, "{:width$}  ", evidence::text::plain(cell));
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn json(rows: &[Row]) -> String {
    let objects: Vec<serde_json::Map<String, serde_json::Value>> = rows
        .iter()
        .map(|row| row.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect())
        .collect();
    proto::text::json(format!("{:#}\n", serde_json::json!(objects)))
}
