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
    /// Profiles of programmable supplies: where they are from, how sure they are, and the supplies; then every word that is
    /// sent, with its source
    PsuProfiles,
    /// Words of the profiles of supplies: the key, the word, where it was found, how far it is proven
    PsuWords,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
    /// A table, as the documents have it
    Markdown,
}

/// One thing: a name, and what is known of it, in the order of the columns.
type Row = Vec<(&'static str, Cell)>;

/// What is known of a thing.
enum Cell {
    Text(String),
    Number(usize),
    /// several, with what stands between them in a table
    List(Vec<String>, &'static str),
    /// rows of their own: JSON has them whole, a table says how many
    Things(Vec<Row>),
}

impl Cell {
    fn list<T: Into<String>>(words: impl IntoIterator<Item = T>, between: &'static str) -> Self {
        Self::List(words.into_iter().map(Into::into).collect(), between)
    }

    /// As a table has it.
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::List(words, between) => words.join(between),
            Self::Things(rows) => rows.len().to_string(),
        }
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.clone().into(),
            Self::Number(number) => (*number).into(),
            Self::List(words, _) => words.clone().into(),
            Self::Things(rows) => rows.iter().map(object).collect::<Vec<_>>().into(),
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}

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
        Kind::Metrics => metrics(args.format),
        Kind::Limits => limits(),
        Kind::Numbers => numbers(),
        Kind::Batteries => batteries()?,
        Kind::Rigs => rigs()?,
        Kind::PsuProfiles => psu_profiles()?,
        Kind::PsuWords => psu_words()?,
    };
    let text = match args.format {
        Format::Text if matches!(args.kind, Kind::PsuProfiles) => {
            format!("{}\n{}", columns(&rows), columns(&psu_words()?))
        }
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
                vec![
                    ("case", files::full_name(suite, case).into()),
                    ("spec", case.spec.clone().into()),
                    ("title", case.title.clone().into()),
                    ("requirements", Cell::list(case.requirements.iter().map(|r| r.id), " ")),
                ]
            })
            .collect(),
        _ => suites
            .all
            .iter()
            .map(|suite| {
                vec![
                    ("suite", suite.name.clone().into()),
                    ("spec", suite.spec.clone().into()),
                    ("cases", Cell::Number(suite.cases.len())),
                    ("from", library.origin(&suite.file).into()),
                    ("title", suite.title.clone().into()),
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
                ("requirement", r.id.into()),
                ("severity", evidence::run::severity(r.severity).into()),
                ("spec", r.section.into()),
                ("judged", r.judged.into()),
                ("title", r.title.into()),
            ];
            // A terminal has no room for them.
            if !matches!(format, Format::Text) {
                row.push(("thresholds", Cell::list(r.decided_by(), ", ")));
                let (names, none) = stands_for(r, &faults);
                row.extend(or_why("stands-for", names, none, format));
            }
            row
        })
        .collect();
    Ok(rows)
}

/// Names, or why there are none: in JSON under a key of its own, `why-none`.
fn or_why(
    key: &'static str,
    names: Vec<&str>,
    none: Option<&str>,
    format: Format,
) -> Vec<(&'static str, Cell)> {
    match (none.filter(|_| names.is_empty()), format) {
        (Some(why), Format::Json) => vec![(key, Cell::list(names, ", ")), ("why-none", why.into())],
        (Some(why), _) => vec![(key, format!("none: {why}").into())],
        (None, _) => vec![(key, Cell::list(names, ", "))],
    }
}

/// The batteries and the rigs that are wrong in this requirement before all others; of one that has none, why.
fn stands_for<'a>(requirement: &Requirement, faults: &'a [Fault]) -> (Vec<&'a str>, Option<&'static str>) {
    let own = faults.iter().filter(|fault| fault.root_cause == requirement.id);
    (own.map(|fault| fault.name.as_str()).collect(), requirement.no_fault_alone)
}

fn metrics(format: Format) -> Vec<Row> {
    METRICS
        .iter()
        .map(|metric| {
            let decides = of_metric(metric).map(|requirement| requirement.id).collect();
            let mut row: Row = vec![
                ("id", metric.id.into()),
                ("figure", metric.figure.into()),
                ("unit", metric.unit.into()),
                ("window", metric.window.into()),
            ];
            row.extend(or_why("decides", decides, Some(metric.aside), format));
            row
        })
        .collect()
}

fn limits() -> Vec<Row> {
    let row = |row: &thresholds::Row| {
        let [good, limit] = (row.borders)().map(|border| amount(border, row.unit));
        let known_to = match (row.uncertainty)() {
            0.0 => "exactly".to_owned(),
            known => format!("± {}", amount(known, row.unit)),
        };
        let side = match row.sense {
            Sense::AtMost => "at most",
            Sense::AtLeast => "at least",
        };
        vec![
            ("name", row.name.into()),
            ("metric", row.metric.into()),
            ("side", side.into()),
            ("good", good.into()),
            ("limit", (limit + if row.firm { ", by the specification" } else { "" }).into()),
            ("known-to", known_to.into()),
            ("measured-by", row.measured_by.words().into()),
            ("from", row.source.trim().into()),
        ]
    };
    Thresholds::NAMES.iter().map(row).collect()
}

fn numbers() -> Vec<Row> {
    let row = |row: &thresholds::Row| {
        let [value, _] = (row.borders)();
        vec![
            ("name", row.name.into()),
            ("metric", row.metric.into()),
            ("value", amount(value, row.unit).into()),
            ("measured-by", row.measured_by.words().into()),
            ("from", row.source.trim().into()),
        ]
    };
    thresholds::rows().filter(|row| row.expected.is_empty()).map(row).collect()
}

fn batteries() -> Result<Vec<Row>, Failure> {
    let library = crate::library()?;
    let mut rows = Vec::new();
    for path in library.batteries().map_err(Failure::from)? {
        let file = library.read_battery(&path)?;
        let (expect, fails) = match &file.expect {
            files::Expectation::Pass => ("pass", Vec::new()),
            files::Expectation::Fail(ids) => ("fail", ids.clone()),
        };
        let from = library.origin(&library.shown(&path));
        rows.push(vec![
            ("battery", file.declared.name.into()),
            ("from", from.into()),
            ("expect", expect.into()),
            ("fails", Cell::list(fails, " ")),
            ("title", file.title.into()),
        ]);
    }
    Ok(rows)
}

fn rigs() -> Result<Vec<Row>, Failure> {
    let library = crate::library()?;
    let mut rows = Vec::new();
    for path in library.rigs().map_err(Failure::from)? {
        let file = library.read_rig(&path)?;
        let can = Cell::list(file.capabilities.iter().map(|c| c.name()), " ");
        let from = library.origin(&library.shown(&path));
        rows.push(vec![
            ("rig", file.rig.into()),
            ("from", from.into()),
            ("can", can),
            ("title", file.title.into()),
        ]);
    }
    Ok(rows)
}

/// Each profile, and where it is from.
fn read_profiles() -> Result<Vec<(files::Profile, String)>, Failure> {
    let library = crate::library()?;
    let paths = library.psu_profiles().map_err(Failure::from)?;
    let read = paths.iter().map(|path| {
        let (text, shown) = (files::read_text(path).map_err(Failure::from)?, library.shown(path));
        let profile = files::Profile::parse(&shown, &text).map_err(files::InputError::from)?;
        Ok((profile, library.origin(&shown)))
    });
    read.collect()
}

fn psu_profiles() -> Result<Vec<Row>, Failure> {
    let row = |(profile, origin): (files::Profile, String)| {
        let words = Cell::Things(
            words_of(&profile).into_iter().map(|row| row.into_iter().skip(1).collect()).collect(),
        );
        vec![
            ("psu-profile", profile.psu_profile.clone().into()),
            ("from", origin.into()),
            ("status", profile.proof().into()),
            ("words", words),
            ("title", profile.title.into()),
        ]
    };
    Ok(read_profiles()?.into_iter().map(row).collect())
}

fn psu_words() -> Result<Vec<Row>, Failure> {
    Ok(read_profiles()?.iter().flat_map(|(profile, _)| words_of(profile)).collect())
}

/// What a profile sends and assumes, with the source of each.
fn words_of(profile: &files::Profile) -> Vec<Row> {
    let row = |backed: files::profile::Backed<'_>| {
        let source = backed.source;
        vec![
            ("psu-profile", profile.psu_profile.clone().into()),
            ("key", backed.key.into()),
            ("word", backed.word.unwrap_or("a number").to_owned().into()),
            ("source", source.name().to_owned().into()),
            ("state", profile.proof_of(source).into()),
        ]
    };
    profile.backed().into_iter().map(row).collect()
}

/// Columns as wide as their widest cell; the last one runs free.
fn columns(rows: &[Row]) -> String {
    let mut out = String::new();
    let texts: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|(_, cell)| plain(&cell.text()).into_owned()).collect())
        .collect();
    let count = texts.first().map_or(0, Vec::len);
    let width = |i: usize| texts.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    for row in &texts {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:width$}  ");
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
        let cells: Vec<String> =
            row.iter().map(|(_, cell)| plain(&cell.text()).replace('|', "\\|")).collect();
        out += &line(cells.iter().map(String::as_str).collect());
    }
    out
}

/// A thing as JSON has it.
fn object(row: &Row) -> serde_json::Value {
    let fields: serde_json::Map<String, serde_json::Value> =
        row.iter().map(|(name, cell)| ((*name).to_owned(), cell.json())).collect();
    fields.into()
}

fn json(rows: &[Row]) -> String {
    let objects: Vec<serde_json::Value> = rows.iter().map(object).collect();
    proto::text::json(format!("{:#}\n", serde_json::json!(objects)))
}
