//! What a person reads: the outcome first, then what fails with the frame that proves it, warnings, what stayed
//! undecided, what holds, and the pages of the battery.

use std::fmt::Write as _;

use evidence::mark::Mark;
use evidence::run::severity;
use evidence::text::plain;
use judge::portrait::says;
use judge::requirement::Severity;
use judge::verdict::{Evidence, Outcome, Verdict};
use proto::log::TimeKind;

use crate::judged::{Conditions, Judged};
use crate::pages;
use crate::wrap::wrapped;

/// How the text is set.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// columns that lines are wrapped to
    pub width: usize,
    /// whether ANSI colours may be used
    pub colour: bool,
}

/// Columns before the text of a finding.
const INDENT: usize = 8;
/// As many frames are shown of one finding.
const PROOFS: usize = 3;

/// Everything about one battery.
pub fn page(judged: &Judged, conditions: &Conditions<'_>, style: &Style) -> String {
    let mut out = String::new();
    head(&mut out, judged, style);
    let sections = [
        (Mark::Fail, "Must hold and does not"),
        (Mark::Warning, "Should hold and does not"),
        (Mark::Inconclusive, "Undecided"),
        (Mark::Note, "Worth a note"),
    ];
    for (mark, title) in sections {
        let strict = if mark == Mark::Warning && conditions.strict { " (fails: --strict)" } else { "" };
        let mut found: Vec<&Verdict> = judged.marked(mark).collect();
        found.sort_by_key(|v| core::cmp::Reverse(v.requirement.severity));
        if found.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{}", mark.paint(&format!("{title}{strict}"), style.colour));
        for verdict in found {
            finding(&mut out, verdict, mark, judged, style);
        }
    }
    for (mark, title) in
        [(Mark::Pass, "Holds"), (Mark::NotApplicable, "Not used by this battery, or not for a log")]
    {
        let ids: Vec<&str> = judged.marked(mark).map(|v| v.requirement.id).collect();
        if !ids.is_empty() {
            let _ = writeln!(out, "\n{}", mark.paint(&format!("{title} ({})", ids.len()), style.colour));
            wrapped(&mut out, &ids.join(" "), 2, style.width);
        }
    }
    let remarks: Vec<&String> = judged.remarks.iter().chain(&judged.portrait.remarks).collect();
    if !remarks.is_empty() {
        let _ = writeln!(out, "\nRemarks");
        for remark in remarks {
            bullet(&mut out, remark, style.width);
        }
    }
    if !judged.verdicts.is_empty() {
        pages::pages(&mut out, judged, style.width);
    }
    // What it takes from the log into a command is shown as it is typed, so it is not wrapped.
    let _ = writeln!(out, "\nNext\n  {}", plain(&judged.next.command));
    wrapped(&mut out, judged.next.why, 4, style.width);
    out.push('\n');
    out
}

/// One line for each of several logs, and what they come to.
pub fn summary(all: &[Judged], style: &Style) -> String {
    let mut out = String::new();
    let names: Vec<String> = all.iter().map(name).collect();
    let widest = names.iter().map(|n| n.chars().count()).max().unwrap_or(0);
    for (judged, name) in all.iter().zip(&names) {
        let mark = Mark::of_whole(judged.outcome);
        let word = format!("{:<12}", mark.short());
        let _ =
            writeln!(out, "{}  {name:widest$}  {}", mark.paint(&word, style.colour), plain(&judged.headline));
    }
    out
}

fn head(out: &mut String, judged: &Judged, style: &Style) {
    let mark = Mark::of_whole(judged.outcome);
    let _ = writeln!(out, "{}: {}", name(judged), mark.paint(mark.short(), style.colour));
    wrapped(out, &judged.headline, 2, style.width);
    let time = if judged.is_timed() {
        format!("{} of {} frames", evidence::words::span(judged.length), judged.frames)
    } else {
        format!("{} frame{}", judged.frames, if judged.frames == 1 { "" } else { "s" })
    };
    let maker = &judged.portrait;
    let interface = match judged.interface.as_str() {
        "-" => String::new(),
        name => format!(" on {name}"),
    };
    wrapped(
        out,
        &format!("{} ({}); {time}{interface}, {}", maker.name, maker.named_by, judged.format),
        2,
        style.width,
    );
}

fn finding(out: &mut String, verdict: &Verdict, mark: Mark, judged: &Judged, style: &Style) {
    let row = verdict.requirement;
    if mark == Mark::Inconclusive && row.severity != Severity::Must {
        // What decides nothing needs no more than its reason.
        let from = out.len();
        wrapped(out, &verdict.reason, INDENT + 2, style.width);
        let id = format!(
            "  {}{:pad$}",
            mark.paint(row.id, style.colour),
            "",
            pad = INDENT.saturating_sub(row.id.len())
        );
        out.replace_range(from..from + INDENT + 2, &id);
        return;
    }
    let _ = writeln!(
        out,
        "  {}  {} ({}, {})",
        mark.paint(row.id, style.colour),
        row.title,
        row.section,
        severity(row.severity)
    );
    wrapped(out, &verdict.reason, INDENT + 2, style.width);
    if !matches!(mark, Mark::Fail | Mark::Warning) && verdict.outcome != Outcome::Fail {
        return;
    }
    for proof in proofs(verdict).into_iter().take(PROOFS) {
        let Some(frame) = proof.frame else { continue };
        let _ = writeln!(out, "{:INDENT$}  {}{frame}", "", place(proof, judged));
        wrapped(out, &says(&frame), INDENT + 6, style.width);
    }
}

/// The evidence that a frame proves, what breaks a limit before plain facts, each frame once.
pub fn proofs(verdict: &Verdict) -> Vec<&Evidence> {
    let mut found: Vec<&Evidence> = Vec::new();
    let breaks = |e: &&Evidence| e.frame.is_some() && !e.limit.is_empty() && e.limit != "present";
    let facts = |e: &&Evidence| e.frame.is_some() && e.limit.is_empty();
    let all = verdict.evidence.iter().filter(breaks).chain(verdict.evidence.iter().filter(facts));
    for evidence in all {
        if !found.iter().any(|e| (e.line, e.frame) == (evidence.line, evidence.frame)) {
            found.push(evidence);
        }
    }
    found
}

/// `line 17, 1.234567 s: `: where, and when where times mean something.
fn place(evidence: &Evidence, judged: &Judged) -> String {
    let line = evidence.line.map(|line| format!("line {line}"));
    let time = evidence
        .at
        .filter(|_| judged.times != TimeKind::Synthetic)
        .map(|(_, at)| format!("{:.6} s", at.secs()));
    let parts: Vec<String> = [line, time].into_iter().flatten().collect();
    format!("{}: ", parts.join(", "))
}

/// The log, and where it has several its interface.
pub fn name(judged: &Judged) -> String {
    let name = plain(&judged.log).into_owned();
    if judged.among_others { format!("{name} ({})", plain(&judged.interface)) } else { name }
}

/// A remark with a dash before its first line.
pub fn bullet(out: &mut String, text: &str, width: usize) {
    let from = out.len();
    wrapped(out, text, 4, width);
    out.replace_range(from..from + 4, "  - ");
}
