//! Each case: what was done, what was measured, what follows from it.

use std::fmt::{self, Write};

use judge::trace::EventKind;
use judge::verdict::{Evidence, Outcome, Verdict};
use proto::quantity::Micros;

use super::escape::{Esc, unbroken};
use super::summary::{anchor, on_demand, severity_cell};
use super::{figure, lanes, mark};
use evidence::mark::Mark;
use evidence::run::{CaseResult, Run};
use evidence::words;

/// All cases in the order they ran; `points` bounds the data of one line of a figure.
pub(crate) fn all(out: &mut String, run: &Run, points: usize) -> fmt::Result {
    for (i, case) in run.cases.iter().enumerate() {
        one(out, run, i + 1, case, points)?;
    }
    Ok(())
}

fn one(out: &mut String, run: &Run, number: usize, case: &CaseResult, points: usize) -> fmt::Result {
    write!(
        out,
        "<article class=\"{}\" id=\"{}\"><header><p class=kicker><span>{}</span><span>{}</span></p><h2>{}</h2>\
         <p class=outcome>{}{}{}</p></header>",
        if on_demand(case) { "case on-demand" } else { "case" },
        anchor(run, case),
        Esc(case.name()),
        Esc(&case.section),
        unbroken(&case.title),
        mark(case.mark()),
        warnings(case),
        if case.reason.is_empty() { String::new() } else { format!(" <span>{}</span>", Esc(&case.reason)) },
    )?;
    if figure::has_data(case) {
        figure::figure(out, number, case, points)?;
    } else if case.outcome != Outcome::NotApplicable {
        out.push_str("<p class=quiet>Nothing was measured.</p>");
    }
    requirements(out, number, case)?;
    done(out, number, case)?;
    let began = words::clock(case.began);
    writeln!(
        out,
        "<p class=source>{}:{}{}</p></article>",
        Esc(&case.file),
        case.line,
        if case.length == Micros::ZERO {
            String::new()
        } else {
            format!(", began {began} into the run, lasted {}", words::clock(case.length))
        }
    )
}

/// That a case which passed has something to look at all the same.
fn warnings(case: &CaseResult) -> String {
    match case.warnings().count() {
        0 => String::new(),
        n => format!(
            "<span class=\"mark warn\">{}{}</span>",
            super::shape(Mark::Warning),
            super::count(n, "warning", "warnings")
        ),
    }
}

fn requirements(out: &mut String, number: usize, case: &CaseResult) -> fmt::Result {
    if case.verdicts.is_empty() {
        return Ok(());
    }
    let mut verdicts: Vec<&Verdict> = case.verdicts.iter().collect();
    verdicts.sort_by_key(|v| core::cmp::Reverse(Mark::of(v)));
    out.push_str("<table class=verdicts><thead><tr><th>Outcome<th>Requirement<th>Why, and on what evidence</tr></thead><tbody>");
    for v in verdicts {
        write!(
            out,
            "<tr class={}><td>{}<td><a class=id href=\"#r-{id}\">{id}</a> {}<br><span class=quiet>{}</span><td>",
            Mark::of(v).class(),
            mark(Mark::of(v)),
            severity_cell(v.requirement),
            Esc(v.requirement.section),
            id = Esc(v.requirement.id),
        )?;
        write!(out, "<p>{}</p>", Esc(if v.reason.is_empty() { v.requirement.title } else { &v.reason }))?;
        if !v.evidence.is_empty() {
            out.push_str("<ul class=evidence>");
            for e in &v.evidence {
                evidence(out, number, e)?;
            }
            out.push_str("</ul>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
    Ok(())
}

/// What, value against limit, when; the time zooms the figure.
fn evidence(out: &mut String, number: usize, e: &Evidence) -> fmt::Result {
    let limit = if e.limit.is_empty() { String::new() } else { words::limit(e) };
    write!(
        out,
        "<li><span>{}</span> <b>{}</b> <span>{}</span> <span class=when>",
        Esc(&e.what),
        Esc(&e.value),
        Esc(limit)
    )?;
    if let Some((from, to)) = e.at {
        zoom(out, number, from, to, &words::window(from, to))?;
    }
    if let Some(line) = e.line {
        write!(out, " can.log line {line}")?;
    }
    out.push_str("</span></li>");
    Ok(())
}

fn zoom(out: &mut String, number: usize, from: Micros, to: Micros, text: &str) -> fmt::Result {
    write!(
        out,
        "<a class=zoom href=\"#fig-{number}\" data-from={} data-to={}>{}</a>",
        from.0 / 1000,
        to.0 / 1000,
        Esc(text)
    )
}

/// What was done: steps with what happened during each.
fn done(out: &mut String, number: usize, case: &CaseResult) -> fmt::Result {
    let steps = lanes::steps(case);
    if steps.is_empty() && case.trace.events.is_empty() {
        return Ok(());
    }
    write!(
        out,
        "<details class=done><summary>What was done: {}</summary><table><thead><tr><th class=n>Time<th>Step<th class=n>Line</tr></thead><tbody>",
        super::count(steps.len(), "step", "steps")
    )?;
    for row in rows(case) {
        write!(out, "<tr class={}><td class=n>", row.class)?;
        zoom(out, number, row.from, row.to, &words::clock(row.from))?;
        let line = row.line.map_or(String::new(), |l| l.to_string());
        write!(out, "<td>{}<td class=\"n quiet\">{line}</tr>", Esc(&row.text))?;
    }
    out.push_str("</tbody></table></details>");
    Ok(())
}

struct Row {
    from: Micros,
    to: Micros,
    text: String,
    line: Option<u32>,
    class: &'static str,
}

/// Steps, and below each what else is worth a line; changes of the world follow from the steps and stay out.
fn rows(case: &CaseResult) -> Vec<Row> {
    let mut steps = lanes::steps(case).into_iter();
    let mut rows = Vec::new();
    for event in &case.trace.events {
        match &event.kind {
            EventKind::Step { .. } => {
                if let Some(s) = steps.next() {
                    rows.push(Row {
                        from: s.from,
                        to: s.to,
                        text: s.text,
                        line: Some(s.line),
                        class: "step",
                    });
                }
            }
            EventKind::Stimulus(_) | EventKind::Mark(_) => {}
            kind => {
                let class = match kind {
                    EventKind::Wait(w) if w.met => "note",
                    EventKind::Completed | EventKind::Instrument { .. } => "note",
                    _ => "alert",
                };
                let (word, text) = words::event(event);
                let text = if word == "wait" || word == "end" { text } else { format!("{word}: {text}") };
                rows.push(Row { from: event.at, to: event.at, text, line: None, class });
            }
        }
    }
    rows
}
