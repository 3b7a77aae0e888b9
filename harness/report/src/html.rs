//! `report.html`: one file that needs no network, reads without a script and prints on A4.
//!
//! Verdict first, then the cases in a table, then each case with what was done, what was measured and what
//! follows from it, last every requirement of the catalogue with how it stands.

mod alarms;
mod cases;
mod certificate;
pub mod compare;
mod escape;
mod figure;
mod geometry;
pub mod golden;
mod lanes;
mod margins;
mod matrix;
pub mod morning;
mod overlay;
mod pages;
mod panels;
pub mod proof;
mod scale;
mod summary;
pub(crate) mod trend;

use std::fmt::{self, Write};

use base64::Engine as _;
use sha2::{Digest, Sha256};

use escape::Esc;
use evidence::mark::Mark;
use evidence::run::{Run, RunMeta};

const STYLE: &str = include_str!("html/report.css");
const SCRIPT: &str = include_str!("html/report.js");

/// Points that the data of all figures may have together: what keeps 20 cases of hours below 5 MB.
const POINTS: usize = 340_000;

/// The whole file.
#[must_use]
pub fn report(run: &Run) -> String {
    let mut out = String::with_capacity(1 << 20);
    page(&mut out, run).expect("a String takes every write");
    out
}

fn page(out: &mut String, run: &Run) -> fmt::Result {
    let numbered = numbered(&run.meta);
    // Nothing is fetched and nothing runs but the blocks of this file, whatever a log has smuggled in.
    write!(
        out,
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n\
         <meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src '{}' '{}'; script-src '{}'\">\n\
         <meta name=viewport content=\"width=device-width,initial-scale=1\">\n\
         <meta name=color-scheme content=\"light dark\">\n\
         <title>{}: {}</title>\n<style>{STYLE}</style>\n<style>{numbered}</style>\n</head>\n<body{}>\n",
        integrity(STYLE),
        integrity(&numbered),
        integrity(SCRIPT),
        summary::word(run),
        Esc(&run.meta.title),
        if run.meta.rig.simulated { " class=rehearsal" } else { "" },
    )?;
    symbols(out)?;
    out.push_str("<a class=skip href=\"#verdict\">Skip to the verdict</a>\n<main>\n");
    summary::head(out, run)?;
    certificate::certificate(out, run)?;
    summary::cases(out, run)?;
    margins::margins(out, run)?;
    margins::law(out, run)?;
    summary::facts(out, run)?;
    pages::pages(out, run)?;
    cases::all(out, run, points_per_line(run))?;
    matrix::matrix(out, run)?;
    matrix::method(out, run)?;
    write!(
        out,
        "<p class=end>End of report {}</p>\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        Esc(&run.meta.id)
    )
}

/// The number of the report at the foot of every printed page, and at its head the hash of a program that was the battery.
/// Whoever made the run folder chose its name: only what
/// ends no text of a style sheet is kept of it.
fn numbered(meta: &RunMeta) -> String {
    let id: String = meta.id.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    let mut style = format!("@page {{ @bottom-left {{ content: \"{id}\"; font: 8pt sans-serif; }} }}");
    if let Some(says) = meta.program() {
        let hash = says.split_once("sha256 ").map_or("", |(_, hash)| hash);
        let hash: String = hash.chars().take_while(char::is_ascii_hexdigit).collect();
        style += &format!(
            "@page rehearsal {{ @top-center {{ content: \"SIMULATED RIG, THE VENDOR'S OWN PROGRAM, SHA256 {hash}: NO \
             CERTIFICATE\"; font: bold 7pt sans-serif; }} }}"
        );
    }
    style
}

fn points_per_line(run: &Run) -> usize {
    let lines: usize = run.cases.iter().map(figure::channels).sum();
    (POINTS / lines.max(1)).clamp(320, 8000)
}

fn integrity(content: &str) -> String {
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(content)))
}

/// The shapes of the outcomes: each is told from the others without colour.
const SHAPES: [(Mark, &str); 7] = [
    (Mark::Pass, "<circle cx=12 cy=12 r=10 /><path d=\"M7 12.5l3.5 3.5L17.5 8.5\"/>"),
    (
        Mark::Fail,
        "<path class=body d=\"M7.6 1.5h8.8l6.1 6.1v8.8l-6.1 6.1H7.6l-6.1-6.1V7.6z\"/><path d=\"M8 8l8 8M16 8l-8 8\"/>",
    ),
    (Mark::Warning, "<path class=body d=\"M12 2L23 21.5H1z\"/><path d=\"M12 9v6M12 17.6v1.2\"/>"),
    (
        Mark::Inconclusive,
        "<path class=body d=\"M12 1l11 11-11 11L1 12z\"/><path d=\"M9 9.6a3 3 0 1 1 4.4 2.7c-1 .5-1.4 1-1.4 2.1M12 16.6v1.2\"/>",
    ),
    (Mark::Note, "<circle cx=12 cy=12 r=10 /><path d=\"M12 11v6.5M12 6.6v1.3\"/>"),
    (Mark::NotApplicable, "<path d=\"M5 12h14\"/>"),
    (Mark::NotJudged, "<circle class=dot cx=12 cy=12 r=2 />"),
];

/// The beginning of a page that needs no script, up to its content: nothing runs and nothing is fetched.
fn open(out: &mut String, style: &str, title: &str) -> fmt::Result {
    write!(
        out,
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n\
         <meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src '{}'\">\n\
         <meta name=viewport content=\"width=device-width,initial-scale=1\">\n<meta name=color-scheme content=\"light dark\">\n\
         <title>{}</title>\n<style>{style}</style>\n</head>\n<body>\n",
        integrity(style),
        Esc(title)
    )?;
    symbols(out)
}

fn symbols(out: &mut String) -> fmt::Result {
    out.push_str("<svg width=0 height=0 class=symbols aria-hidden=true>");
    for (mark, shape) in SHAPES {
        write!(
            out,
            "<symbol id=\"m-{0}\" viewBox=\"0 0 24 24\" class=\"shape {0}\">{shape}</symbol>",
            mark.class()
        )?;
    }
    out.push_str("</svg>\n");
    Ok(())
}

/// Shape and word of a mark.
fn mark(mark: Mark) -> String {
    format!("<span class=\"mark {}\">{}{}</span>", mark.class(), shape(mark), mark.word())
}

/// The shape alone, beside a word that says the same.
fn shape(mark: Mark) -> String {
    format!("<svg class=\"shape {0}\" aria-hidden=true><use href=\"#m-{0}\"/></svg>", mark.class())
}

/// `1 case`, `2 cases`.
fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}
