//! `matrix.html`: the matrix as one page that needs no network and no script, in light and dark.

use std::fmt::{self, Write};

use judge::requirement::Requirement;

use super::escape::Esc;
use super::{mark, open, shape};
use crate::matrix::margin::{Extreme, Margin};
use crate::matrix::tally::{Battery, Count, Tally, counted};
use crate::matrix::terminal::{rated, standing};
use evidence::mark::Mark;
use evidence::run::severity;
use evidence::words::amount;

const STYLE: &str = concat!(include_str!("report.css"), include_str!("proof.css"));

/// Wrong cells that are told for one battery.
const TOLD: usize = 5;

/// The whole file.
#[must_use]
pub fn page(tally: &Tally) -> String {
    let mut out = String::with_capacity(1 << 18);
    write_page(&mut out, tally).expect("a String takes every write");
    out
}

fn write_page(out: &mut String, tally: &Tally) -> fmt::Result {
    let verdict = tally.batteries.iter().map(standing).max().unwrap_or(Mark::NotJudged);
    open(out, STYLE, &format!("{}: proof of the judge", verdict.word()))?;
    write!(
        out,
        "<main class=proof><header><p class=kicker><span>Busbar matrix</span><span>{}</span></p><h1>Proof of the judge</h1>\
         <p class=simulated><strong>Simulated rigs</strong> Batteries, supplies, GX and grid are models.</p></header>\
         <section class=\"verdict {}\" aria-label=Verdict>{}<div><p class=big>{}</p><p class=lead>{}.</p></div></section>",
        Esc(&tally.made_by),
        verdict.class(),
        shape(verdict),
        verdict.word(),
        Esc(tally.summary()),
    )?;
    rates(out, tally)?;
    wrong(out, tally)?;
    batteries(out, tally)?;
    grid(out, tally)?;
    margins(out, &tally.margins)?;
    method(out, tally)?;
    out.push_str("</main>\n</body>\n</html>\n");
    Ok(())
}

fn rates(out: &mut String, tally: &Tally) -> fmt::Result {
    out.push_str("<section><h2>How often the judge was wrong</h2><dl>");
    for (what, rate) in [
        ("Faults not caught", &tally.false_pass),
        ("Compliant batteries refused", &tally.false_fail),
        ("Compliant batteries undecided", &tally.undecided),
    ] {
        let m = if rate.wide.events == 0 { Mark::Pass } else { Mark::Fail };
        write!(out, "<dt>{}{what}<dd>{}", shape(m), rated(rate))?;
    }
    let causes = &tally.causes;
    let others: Vec<String> = causes
        .others
        .iter()
        .map(|other| format!("{}: {} in {}", other.battery, other.cause, counted(other.cells, "cell")))
        .collect();
    let others = if others.is_empty() { String::new() } else { format!("; else {}", others.join(", ")) };
    write!(out, "<dt>Cause told first<dd>{}{}", Esc(causes.words()), Esc(others))?;
    write!(
        out,
        "<dt>Cells<dd>{} in {:.0} h of simulated time</dl></section>",
        tally.cells, tally.simulated_hours
    )
}

fn wrong(out: &mut String, tally: &Tally) -> fmt::Result {
    if tally.wrong().next().is_none() {
        return Ok(());
    }
    out.push_str("<section class=findings><h2>Cells that are not as they must be</h2><ol>");
    for battery in tally.batteries.iter().filter(|b| !b.wrong.is_empty()) {
        for one in battery.wrong.iter().take(TOLD) {
            let m = if one.undecided { Mark::Inconclusive } else { Mark::Fail };
            write!(
                out,
                "<li>{}<div><p class=what>{}</p><p class=why>{}</p></div>",
                shape(m),
                Esc(&one.cell),
                Esc(&one.what)
            )?;
        }
        if battery.wrong.len() > TOLD {
            let more = battery.wrong.len() - TOLD;
            write!(out, "<li><div><p class=why>and {more} more of {}</p></div>", Esc(&battery.battery))?;
        }
    }
    out.push_str("</ol></section>");
    Ok(())
}

fn batteries(out: &mut String, tally: &Tally) -> fmt::Result {
    out.push_str("<section><h2>Batteries</h2><table><thead><tr><th>Battery<th>Must be<th>Outcome");
    for rig in &tally.rigs {
        write!(out, "<th>{}", Esc(rig))?;
    }
    out.push_str("</tr></thead>");
    for battery in &tally.batteries {
        let must = match &battery.expect {
            Some(expect) if expect.is_empty() => "certified".to_owned(),
            Some(expect) => format!("caught by {}", expect.join(", ")),
            None => "anything: its file is not of this project".to_owned(),
        };
        write!(out, "<tr><td class=id>{}<td>{}<td>{}", Esc(&battery.battery), Esc(must), outcome(battery))?;
        for rig in &tally.rigs {
            out.push_str("<td>");
            let Some(on) = battery.rigs.iter().find(|r| r.rig == *rig) else { continue };
            write!(out, "{} of {}", on.right, on.seeds)?;
            for id in battery.expected() {
                let found = on.found.get(id).copied().unwrap_or_default();
                write!(out, "<br><span class=quiet>{} {found}</span>", Esc(id))?;
            }
        }
        out.push_str("</tr>");
    }
    out.push_str("</table></section>");
    Ok(())
}

/// How a battery came out. A fault that was caught is as it must be, and is no battery that passed.
fn outcome(battery: &Battery) -> String {
    match (standing(battery), battery.expected().is_empty()) {
        (Mark::Pass, false) => format!("<span class=\"mark note\">{}Caught</span>", shape(Mark::Note)),
        (Mark::Fail, false) => format!("<span class=\"mark fail\">{}Missed</span>", shape(Mark::Fail)),
        (standing, _) => mark(standing),
    }
}

/// Battery × requirement, each with the number of cells in which it failed or stayed open.
fn grid(out: &mut String, tally: &Tally) -> fmt::Result {
    let columns: Vec<&Requirement> = tally.requirements().collect();
    out.push_str("<section><h2>Batteries and requirements</h2><p class=tally>");
    for m in [Mark::Fail, Mark::Warning, Mark::Note, Mark::Inconclusive, Mark::Pass] {
        write!(out, "<span>{}{}</span>", shape(m), m.word().to_lowercase())?;
    }
    out.push_str(
        "</p><p class=quiet>The number says in how many cells; a frame, by what the battery must be found.</p>\
         <div class=wide><table class=grid><thead><tr><th>Battery",
    );
    for r in &columns {
        write!(out, "<th title=\"{}, {}\"><span>{}</span>", Esc(r.title), severity(r.severity), Esc(r.id))?;
    }
    out.push_str("</tr></thead>");
    for battery in &tally.batteries {
        write!(out, "<tr><th scope=row>{}", Esc(&battery.battery))?;
        for r in &columns {
            square(out, battery, r)?;
        }
        out.push_str("</tr>");
    }
    out.push_str("</table></div></section>");
    Ok(())
}

fn square(out: &mut String, battery: &Battery, r: &Requirement) -> fmt::Result {
    let expected = if battery.expected().iter().any(|id| id == r.id) { " expected" } else { "" };
    let Some(&count) = battery.requirements.get(r.id) else {
        return write!(out, "<td class=\"none{expected}\">");
    };
    let Count { passed, failed, open } = count;
    let (m, number) = match (failed, open) {
        (0, 0) => (Mark::Pass, String::new()),
        (0, open) => (Mark::Inconclusive, open.to_string()),
        (failed, _) => (failing(r), failed.to_string()),
    };
    write!(
        out,
        "<td class=\"{}{expected}\" title=\"{} {}: failed {failed}, open {open}, passed {passed}\">{}{number}",
        m.class(),
        Esc(&battery.battery),
        Esc(r.id),
        m.symbol()
    )
}

/// How a failure of the requirement is marked.
fn failing(r: &Requirement) -> Mark {
    match r.severity {
        judge::requirement::Severity::Must => Mark::Fail,
        judge::requirement::Severity::Should => Mark::Warning,
        judge::requirement::Severity::Information => Mark::Note,
    }
}

fn margins(out: &mut String, margins: &[Margin]) -> fmt::Result {
    out.push_str(
        "<section><h2>Room on both sides of each threshold</h2><table><thead><tr><th>Threshold<th>Metric<th class=n>Value\
         <th class=n>Worst compliant<th class=n>Room<th class=n>Nearest fault<th class=n>Room<th>Where</tr></thead>",
    );
    for m in margins {
        let sign = if m.at_least { "≥" } else { "≤" };
        write!(
            out,
            "<tr><td class=id>{}<td>{}<td class=n>{sign} {}",
            Esc(&m.threshold),
            Esc(&m.metric),
            amount(m.limit, &m.unit)
        )?;
        side(out, m.compliant.as_ref(), &m.unit)?;
        side(out, m.faulty.as_ref(), &m.unit)?;
        out.push_str("<td class=quiet>");
        for (word, e) in [("", &m.compliant), ("fault: ", &m.faulty)] {
            if let Some(e) = e {
                write!(out, "<p>{word}{} {}</p>", Esc(&e.requirement), Esc(&e.cell))?;
            }
        }
        out.push_str("</tr>");
    }
    out.push_str("</table></section>");
    Ok(())
}

fn side(out: &mut String, extreme: Option<&Extreme>, unit: &str) -> fmt::Result {
    let Some(e) = extreme else { return out.write_str("<td class=n>–<td class=n>") };
    let m = if e.room > 0.0 { Mark::Pass } else { Mark::Fail };
    write!(
        out,
        "<td class=n>{}<td class=\"n mark {}\">{} {:.0} %",
        amount(e.value, unit),
        m.class(),
        m.symbol(),
        100.0 * e.room
    )
}

fn method(out: &mut String, tally: &Tally) -> fmt::Result {
    write!(
        out,
        "<section class=method><h2>How to read this page</h2><p>A cell is every suite once, with one battery on one rig \
         with one seed. A compliant battery must be certified: every requirement that must hold does. A battery with a \
         fault is caught when one of the requirements its file names fails and, where one of these must hold, it is not \
         certified. Rates count what chance decides anew: draws of the plant, which a seed makes for all batteries and rigs \
         at once, and batteries with a fault, of which each was chosen; their bounds are those of Clopper and Pearson. Room is the distance of a value \
         from its threshold as a share of the threshold: {} that must be certified and {} that must be caught came no \
         nearer. A \
         fault counts for every threshold that finds it alone on every seed, or on each seed for the one it is farthest beyond.</p></section>",
        tally.batteries(true).count(),
        tally.batteries(false).count(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::cell::tests::cell;

    fn tally(battery: &str) -> Tally {
        let cells = [
            cell("good", "a", 1, &[], &[]),
            cell(battery, "a", 1, &["CVL-04"], &["CVL-04", "CVL-03"]),
            cell(battery, "a", 2, &["CVL-04"], &[]),
        ];
        Tally::of(&cells, "busbar 1")
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere_and_runs_nothing() {
        let page = page(&tally("bad"));
        for outside in ["http:", "https:", "src=", "url(", "<script", "href=\"/", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn what_failed_is_told_by_symbol_and_number_where_it_was_expected() {
        let page = page(&tally("bad"));
        assert!(
            page.contains("<td class=\"fail expected\" title=\"bad CVL-04: failed 1, open 0, passed 0\">✗1")
        );
        assert!(page.contains("<td class=\"warn\" title=\"bad CVL-03: failed 1, open 0, passed 0\">!1"));
        assert!(page.contains("bad on a, seed 2"));
    }

    #[test]
    fn a_fault_that_is_caught_is_no_pass() {
        let cells = [
            cell("good", "a", 1, &[], &[]),
            cell("caught", "a", 1, &["CVL-04"], &["CVL-04"]),
            cell("missed", "a", 1, &["CVL-04"], &[]),
        ];
        let page = page(&Tally::of(&cells, "busbar 1"));
        let row = |battery: &str| {
            let (_, row) = page.split_once(&format!("<tr><td class=id>{battery}")).expect("its row");
            row.split("</tr>").next().expect("its end").to_owned()
        };
        assert!(row("good").contains("</svg>Pass</span>"), "{}", row("good"));
        assert!(row("caught").contains("</svg>Caught</span>") && !row("caught").contains("mark pass"));
        assert!(row("missed").contains("</svg>Missed</span>"), "{}", row("missed"));
    }

    #[test]
    fn a_name_is_no_markup() {
        let page = page(&tally("<b>\"x\""));
        assert!(!page.contains("<b>\""), "the name stands as text");
    }
}
