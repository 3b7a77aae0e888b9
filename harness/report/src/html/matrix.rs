//! Every requirement of the catalogue with how it stands, and how to read the report.

use std::fmt::{self, Write};

use super::escape::Esc;
use super::summary::{anchor, severity_cell};
use super::{mark, shape};
use evidence::mark::Mark;
use evidence::run::Run;

/// Groups of the catalogue, by the letters before the hyphen.
const GROUPS: &[(&str, &str)] = &[
    ("BEH", "Behaviour"),
    ("CVL", "Charge voltage limit"),
    ("CCL", "Charge current limit"),
    ("DCL", "Discharge current limit"),
    ("DVL", "Discharge voltage limit"),
    ("BUS", "Bus"),
    ("MSG", "Messages"),
    ("TIM", "Timing"),
    ("SOC", "State of charge"),
    ("MEA", "Measured values"),
    ("ALM", "Warnings and alarms"),
    ("IDN", "Identity"),
    ("FRC", "Forced charge"),
    ("MOD", "Modules"),
    ("CEL", "Cells"),
    ("ENE", "Energy"),
    ("GXD", "What the GX shows"),
    ("D", "Instruments and links"),
];

/// The whole matrix.
pub(crate) fn matrix(out: &mut String, run: &Run) -> fmt::Result {
    let mut counts = [0_usize; Mark::ALL.len()];
    for (_, mark) in run.matrix() {
        counts[mark as usize] += 1;
    }
    out.push_str("<section id=requirements><h2>Requirements</h2><p class=tally>");
    for m in Mark::ALL.into_iter().filter(|m| counts[*m as usize] > 0) {
        write!(out, "<span>{}<b>{}</b> {}</span>", shape(m), counts[m as usize], m.word().to_lowercase())?;
    }
    out.push_str(
        "</p><table class=matrix><thead><tr><th>Id<th>What is checked<th>Section<th>Severity<th>Outcome<th>In which cases, and why</tr></thead>",
    );
    let group = |id: &str| id.split('-').next().map(str::to_owned).unwrap_or_default();
    let known = |g: &str| GROUPS.iter().any(|(k, _)| *k == g);
    for (key, title) in GROUPS {
        rows(out, run, title, |id| group(id) == *key)?;
    }
    rows(out, run, "Further", |id| !known(&group(id)))?;
    out.push_str("</table></section>\n");
    Ok(())
}

fn rows(out: &mut String, run: &Run, title: &str, belongs: impl Fn(&str) -> bool) -> fmt::Result {
    let mut first = true;
    for (r, standing) in run.matrix().filter(|(r, _)| belongs(r.id)) {
        if first {
            write!(out, "<tbody><tr class=group><th colspan=6 scope=rowgroup>{title}</tr>")?;
            first = false;
        }
        write!(
            out,
            "<tr id=\"r-{id}\" class={}><td class=id>{id}<td>{}<td class=nowrap>{}<td>{}<td>{}<td>",
            standing.class(),
            Esc(r.title),
            Esc(r.section),
            severity_cell(r),
            mark(standing),
            id = Esc(r.id),
        )?;
        verdicts(out, run, r, standing)?;
        out.push_str("</tr>");
    }
    if !first {
        out.push_str("</tbody>");
    }
    Ok(())
}

fn verdicts(
    out: &mut String,
    run: &Run,
    r: &'static judge::requirement::Requirement,
    standing: Mark,
) -> fmt::Result {
    if standing == Mark::NotJudged {
        return Ok(());
    }
    // A print only counts the cases of what holds.
    let class = if standing == Mark::Pass { "where passed" } else { "where" };
    write!(out, "<p class=\"{class}\">")?;
    let mut cases = 0;
    for (case, v) in run.verdicts_on(r) {
        cases += 1;
        write!(
            out,
            "<a href=\"#{}\" title=\"{}: {}\">{}<span>{}</span></a> ",
            anchor(run, case),
            Mark::of(v).word(),
            Esc(&v.reason),
            shape(Mark::of(v)),
            Esc(case.name())
        )?;
    }
    out.push_str("</p>");
    if standing == Mark::Pass {
        write!(out, "<p class=counted>in {}</p>", super::count(cases, "case", "cases"))?;
    }
    let worst = run.verdicts_on(r).find(|(_, v)| Mark::of(v) == standing);
    if let Some((_, v)) = worst.filter(|(_, v)| standing != Mark::Pass && !v.reason.is_empty()) {
        write!(out, "<p class=why>{}</p>", Esc(&v.reason))?;
    }
    if let Some(remedy) = r.remedy.filter(|_| matches!(standing, Mark::Fail | Mark::Warning)) {
        write!(out, "<p class=\"why change\"><b>What to change</b> {}</p>", Esc(remedy))?;
    }
    Ok(())
}

/// How the report is to be read.
pub(crate) fn method(out: &mut String, run: &Run) -> fmt::Result {
    out.push_str("<section id=method class=method><h2>How to read this report</h2><dl>");
    let words: [(Mark, &str); 7] = [
        (Mark::Pass, "the evidence shows that the requirement holds"),
        (
            Mark::Fail,
            "the evidence shows that a requirement of severity “must” does not hold; certification refuses it",
        ),
        (Mark::Warning, "a requirement of severity “should” does not hold; it does not refuse the battery"),
        (Mark::Inconclusive, "the evidence does not decide; what was not seen is never a pass"),
        (Mark::NotApplicable, "the feature is optional, and the battery does not offer it"),
        (Mark::Note, "reported only, nothing follows from it"),
        (Mark::NotJudged, "no case of this run looks at it"),
    ];
    for (m, text) in words {
        write!(out, "<dt>{}<dd>{text}", mark(m))?;
    }
    out.push_str(
        "</dl><p><b>P</b> is the <cite>CAN-bus BMS Protocol</cite>, <b>D</b> is <cite>Data communication with Victron Energy \
         products</cite>; the number after it is the section. A value is held against its limit as measured; \
         where the laboratory has a guard band, the certificate says what follows from it. Times count from the start of a case, in the time of the rig. The result relates \
         only to the item tested. The raw evidence lies beside this file: <code>can.log</code> (candump), \
         <code>supply.csv</code>, <code>gx.csv</code>, <code>bus.csv</code>, <code>events.jsonl</code>; <code>verdicts.json</code> and \
         <code>junit.xml</code> hold the conclusions for programs, <code>manifest.json</code> the hash of every file.</p>",
    );
    if run.meta.rig.simulated && !run.meta.rig.live {
        out.push_str(
            "<p>On the simulated rig a run of the same seed gives the same verdicts to the bit.</p>",
        );
    }
    out.push_str("</section>\n");
    Ok(())
}
