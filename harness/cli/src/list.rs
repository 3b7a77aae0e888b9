//! `busbar list`: what there is.

use std::fmt::Write as _;

use clap::ValueEnum;
use evidence::text::plain;
use evidence::words::amount;
use files::Fault;
use judge::catalogue::{self, of_metric};
use judge::metrics::METRICS;
use judge::requirement::Requirement;
use judge::thresholds::{self, Sense, Thresholds};

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
    /// Suites: section of the protocol, number of cases, where they are from, what they are about
    Suites,
    /// Cases: section, what happens, the requirements that it decides
    Cases,
    /// Requirements: how much they weigh, section (P the CAN-bus BMS protocol, D the data communication paper), and
    /// where they are judged: L from any CAN log, B from a run on a rig, X from a run with a GX
    Requirements,
    /// Metrics: figure, unit, window, and the requirements that they decide
    Metrics,
    /// Limits: the thresholds that a case may make stricter, with both borders, what measures them, where they are from
    Limits,
    /// Numbers: those that no case changes
    Numbers,
    /// Batteries: where they are from, what certification must find in them, and their kind
    Batteries,
    /// Rigs: where they are from, what they can do
    Rigs,
    /// Profiles of programmable supplies: where they are from, whether a bench has confirmed them, and the supplies
    PsuProfiles,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
    /// A table, as the documents have it
    Markdown,
}

/// One thing: a name, and what is known of it, in the order of the columns.
type Row = Vec<(&'static str, String)>;

pub(crate) fn list(args: &Args) -> Result<Exit, Failure> {
    let mut exit = Exit::Pass;
    let rows = match args.kind {
        Kind::Suites | Kind::Cases => {
            let library = crate::library()?;
            let suites = library.read_suites()?;
            for broken in &suites.broken {
                crate::warn(&broken.error.to_string());
                exit = Exit::Input;
            }
            self::suites(&library, &suites, args.kind)
        }
        Kind::Requirements => requirements(args.format)?,
        Kind::Metrics => metrics(),
        Kind::Limits => limits(),
        Kind::Numbers => numbers(),
        Kind::Batteries => batteries()?,
        Kind::Rigs => rigs()?,
        Kind::PsuProfiles => psu_profiles()?,
    };
    let text = match args.format {
        Format::Text => columns(&rows),
        Format::Json => json(&rows),
        Format::Markdown => markdown(&rows),
    };
    crate::answer(&text)?;
    Ok(exit)
}

fn suites(library: &files::Library, suites: &files::Suites, kind: Kind) -> Vec<Row> {
    match kind {
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
                    ("from", library.origin(&suite.file)),
                    ("title", suite.title.clone()),
                ]
            })
            .collect(),
    }
}

fn requirements(format: Format) -> Result<Vec<Row>, Failure> {
    let faults = crate::library()?.faults()?;
    let rows = catalogue::requirements()
        .map(|r| {
            let mut row = vec![
                ("requirement", r.id.to_owned()),
                ("severity", evidence::run::severity(r.severity).to_owned()),
                ("spec", r.section.to_owned()),
                ("judged", r.judged.to_owned()),
                ("title", r.title.to_owned()),
            ];
            // A terminal has no room for them.
            if !matches!(format, Format::Text) {
                row.push(("thresholds", r.decided_by().collect::<Vec<_>>().join(", ")));
                row.push(("stands-for", stands_for(r, &faults)));
            }
            row
        })
        .collect();
    Ok(rows)
}

/// The batteries and the rigs that are wrong in this requirement before all others; of one that has none, why.
fn stands_for(requirement: &Requirement, faults: &[Fault]) -> String {
    let own = faults.iter().filter(|fault| fault.root_cause == requirement.id);
    let names: Vec<_> = own.map(|fault| fault.name.as_str()).collect();
    match requirement.no_fault_alone {
        Some(why) if names.is_empty() => format!("none: {why}"),
        _ => names.join(", "),
    }
}

fn metrics() -> Vec<Row> {
    METRICS
        .iter()
        .map(|metric| {
            let decides: Vec<_> = of_metric(metric).map(|requirement| requirement.id).collect();
            let decides =
                if decides.is_empty() { format!("none: {}", metric.aside) } else { decides.join(", ") };
            vec![
                ("id", metric.id.to_owned()),
                ("figure", metric.figure.to_owned()),
                ("unit", metric.unit.to_owned()),
                ("window", metric.window.to_owned()),
                ("decides", decides),
            ]
        })
        .collect()
}

fn limits() -> Vec<Row> {
    let row = |row: &thresholds::Row| {
        let [good, limit] = (row.borders)().map(|border| amount(border, row.unit));
        let side = match row.sense {
            Sense::AtMost => "at most",
            Sense::AtLeast => "at least",
        };
        vec![
            ("name", row.name.to_owned()),
            ("metric", row.metric.to_owned()),
            ("side", side.to_owned()),
            ("good", good),
            ("limit", limit + if row.firm { ", by the specification" } else { "" }),
            ("measured-by", row.measured_by.words().to_owned()),
            ("from", row.source.trim().to_owned()),
        ]
    };
    Thresholds::NAMES.iter().map(row).collect()
}

fn numbers() -> Vec<Row> {
    let row = |row: &thresholds::Row| {
        let [value, _] = (row.borders)();
        vec![
            ("name", row.name.to_owned()),
            ("metric", row.metric.to_owned()),
            ("value", amount(value, row.unit)),
            ("measured-by", row.measured_by.words().to_owned()),
            ("from", row.source.trim().to_owned()),
        ]
    };
    thresholds::rows().filter(|row| row.expected.is_empty()).map(row).collect()
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
        let from = library.origin(&library.shown(&path));
        rows.push(vec![
            ("battery", file.declared.name),
            ("from", from),
            ("expect", expect),
            ("title", file.title),
        ]);
    }
    Ok(rows)
}

fn rigs() -> Result<Vec<Row>, Failure> {
    let library = crate::library()?;
    let mut rows = Vec::new();
    for path in library.rigs().map_err(Failure::from)? {
        let file = library.read_rig(&path)?;
        let can: Vec<_> = file.capabilities.iter().map(|c| c.name()).collect();
        let from = library.origin(&library.shown(&path));
        rows.push(vec![("rig", file.rig), ("from", from), ("can", can.join(" ")), ("title", file.title)]);
    }
    Ok(rows)
}

fn psu_profiles() -> Result<Vec<Row>, Failure> {
    let library = crate::library()?;
    let mut rows = Vec::new();
    for path in library.psu_profiles().map_err(Failure::from)? {
        let (text, shown) = (files::read_text(&path).map_err(Failure::from)?, library.shown(&path));
        let profile = files::Profile::parse(&shown, &text).map_err(files::InputError::from)?;
        let status = profile.status.name().to_owned();
        rows.push(vec![
            ("psu-profile", profile.psu_profile),
            ("from", library.origin(&shown)),
            ("status", status),
            ("title", profile.title),
        ]);
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
            let _ = write!(line, "{:width$}  ", plain(cell));
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// A table of a document.
fn markdown(rows: &[Row]) -> String {
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let Some(first) = rows.first() else { return String::new() };
    let mut out = line(first.iter().map(|(name, _)| *name).collect());
    out += &format!("|{}\n", "---|".repeat(first.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|(_, cell)| plain(cell).replace('|', "\\|")).collect();
        out += &line(cells.iter().map(String::as_str).collect());
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
