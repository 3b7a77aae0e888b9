//! The first page: the verdict, what has to be put right, the cases, and what was tested on what.

use std::fmt::{self, Write};

use judge::requirement::Requirement;
use judge::verdict::{Outcome, Verdict};
use proto::quantity::Micros;

use super::escape::{Esc, unbroken};
use super::{count, figure, mark, shape};
use crate::causes::{Cause, Early, all_tried, by_it, causes, counted, early, told_first};
use crate::terminal::CLOSEST;
use evidence::against::Weight;
use evidence::mark::Mark;
use evidence::run::{CaseResult, Closest, Run, severity};
use evidence::words;

/// The verdict in one word.
pub(crate) fn word(run: &Run) -> &'static str {
    verdict(run).word()
}

fn verdict(run: &Run) -> Mark {
    Mark::of_whole(run.outcome())
}

/// Title, verdict, and the requirements that do not hold.
pub(crate) fn head(out: &mut String, run: &Run) -> fmt::Result {
    let meta = &run.meta;
    writeln!(
        out,
        "<header><p class=kicker><span>Busbar test report</span><span>{}</span></p><h1>{}</h1>",
        Esc(&meta.id),
        unbroken(&meta.title)
    )?;
    if meta.rig.simulated {
        out.push_str("<p class=simulated><strong>Simulated rig</strong> No hardware was involved: ");
        match meta.program() {
            Some(says) => write!(
                out,
                "the battery is the vendor's own program, {}; cells, supply, GX and grid are models",
                Esc(says)
            )?,
            None => out.push_str("battery, supply, GX and grid are models"),
        }
        out.push_str(if meta.rig.live { ", served on real wires" } else { "" });
        out.push_str(". This is no certificate.</p>");
    }
    if let Some(why) = &meta.cut_off {
        write!(out, "<p class=simulated><strong>Not a whole run</strong> {}</p>", Esc(why))?;
    }
    for doubt in &meta.doubts {
        write!(out, "<p class=simulated><strong>To be known</strong> {}</p>", Esc(doubt))?;
    }
    for finding in &meta.held.findings {
        let word = match finding.weight {
            Weight::Contradiction => "The evidence contradicts itself",
            Weight::Suspicion => "Suspicion",
        };
        write!(out, "<p class=simulated><strong>{word}</strong> {}</p>", Esc(&finding.what))?;
    }
    if let Some(line) = &meta.outside {
        write!(out, "<p class=simulated>{}</p>", Esc(line))?;
    }
    let mark = verdict(run);
    writeln!(
        out,
        "</header><section id=verdict class=\"verdict {}\" aria-label=Verdict>{}<div><p class=big>{}</p><p class=lead>{}</p></div></section>",
        mark.class(),
        shape(mark),
        mark.word(),
        Esc(lead(run))
    )?;
    if mark == Mark::Fail {
        cause(out, run)?;
    }
    findings(out, run, Mark::Fail, "What certification refuses")?;
    for line in run.gaps().lines() {
        write!(out, "<p class=simulated>{}</p>", Esc(line))?;
    }
    findings(out, run, Mark::Inconclusive, "What the evidence does not decide")?;
    if mark != Mark::Fail {
        cause(out, run)?;
    }
    findings(out, run, Mark::Warning, "Warnings")?;
    closest(out, run)
}

/// The cause that is told first: in a sentence, then where it was seen, what follows from it and why, and what to change.
fn cause(out: &mut String, run: &Run) -> fmt::Result {
    let Some(root) = told_first(run) else { return Ok(()) };
    let mark = run.standing(root.requirement);
    write!(
        out,
        "<section id=cause class=findings><h2>Cause</h2><p class=cause>{}</p><ol>",
        Esc(root.told())
    )?;
    named(out, mark, root.requirement)?;
    let seen: Vec<_> = root.seen.iter().map(|(at, verdict)| (&run.cases[*at], *verdict)).collect();
    shown(out, run, &seen)?;
    for (why, rows) in root.reasons() {
        write!(out, "<p class=why><b>Follows from it</b> {}: {}</p>", Esc(counted(&rows)), Esc(why))?;
    }
    change(out, mark, root.requirement)?;
    out.push_str("</div></li></ol></section>\n");
    Ok(())
}

/// Where something was seen: the first cases with why, the others as links.
fn shown(out: &mut String, run: &Run, seen: &[(&CaseResult, &Verdict)]) -> fmt::Result {
    for (case, v) in seen.iter().take(2) {
        because(out, run, case, &v.reason)?;
    }
    if seen.len() > 2 {
        write!(out, "<p class=\"why in\">and {}: ", count(seen.len() - 2, "more case", "more cases"))?;
        linked(out, run, seen.iter().skip(2).map(|(case, _)| *case))?;
        out.push_str("</p>");
    }
    Ok(())
}

/// What to change.
fn change(out: &mut String, mark: Mark, requirement: &Requirement) -> fmt::Result {
    match requirement.remedy.filter(|_| mark != Mark::Inconclusive) {
        Some(remedy) => write!(out, "<p class=change><b>What to change</b> {}</p>", Esc(remedy)),
        None => Ok(()),
    }
}

/// Of what holds, what came closest to its limit.
fn closest(out: &mut String, run: &Run) -> fmt::Result {
    let closest = run.closest_passes();
    if closest.is_empty() {
        return Ok(());
    }
    out.push_str("<section class=findings><h2>Closest to its limit, of what holds</h2><ol>");
    for Closest { requirement, case, evidence, .. } in closest.iter().take(CLOSEST) {
        named(out, Mark::Pass, requirement)?;
        because(out, run, case, &words::evidence(evidence))?;
        out.push_str("</div></li>");
    }
    out.push_str("</ol><p class=quiet><a href=\"#margins\">How close everything came</a></p></section>\n");
    Ok(())
}

/// The verdict in a sentence.
fn lead(run: &Run) -> String {
    let ran = run.cases.len() - run.count(Outcome::NotApplicable) - run.not_tried();
    let total = count(ran, "case", "cases");
    let failed = run.requirements(Mark::Fail).len();
    let mut text = match run.outcome() {
        Outcome::Fail => format!(
            "{} of {total} failed; {} that certification demands not hold.",
            run.count(Outcome::Fail),
            count(failed, "requirement", "requirements"),
        )
        .replace(
            "1 requirement that certification demands not",
            "1 requirement that certification demands does not",
        )
        .replace(
            "requirements that certification demands not",
            "requirements that certification demands do not",
        ),
        Outcome::Pass if ran == 1 => "The case passed: every requirement it decides on holds.".to_owned(),
        Outcome::Pass => format!("All {total} passed: every requirement they decide on holds."),
        _ if run.meta.cut_off.is_some() && run.count(Outcome::Inconclusive) == 0 => {
            format!("{total} passed before the run was cut off. What was not seen is not passed.")
        }
        _ if ran == 0 => "No case could run, so nothing is decided.".to_owned(),
        _ if run.count(Outcome::Inconclusive) == 0 => {
            format!("{total} passed, and what must hold was not all tried. What was not seen is not passed.")
        }
        _ => format!(
            "The evidence does not decide {} of {total}. What was not seen is not passed.",
            run.count(Outcome::Inconclusive)
        ),
    };
    let warnings = run.requirements(Mark::Warning).len();
    if warnings > 0 {
        text.push_str(&format!(" {}.", count(warnings, "warning", "warnings")));
    }
    match run.count(Outcome::NotApplicable) {
        0 => {}
        1 => text.push_str(" 1 case does not apply."),
        n => text.push_str(&format!(" {n} cases do not apply.")),
    }
    match run.not_tried() {
        0 => {}
        1 => text.push_str(" 1 case was not tried."),
        n => text.push_str(&format!(" {n} cases were not tried.")),
    }
    if run.meta.certificate.is_some() {
        let certified = evidence::obstacles::obstacles(run).is_empty();
        text.push_str(if certified { " Certified." } else { " Not certifiable: the reasons stand below." });
    }
    text
}

fn findings(out: &mut String, run: &Run, mark: Mark, title: &str) -> fmt::Result {
    let causes = causes(run, mark);
    let early = if mark == Mark::Inconclusive { early(run) } else { Vec::new() };
    if causes.is_empty() && early.is_empty() {
        return Ok(());
    }
    write!(out, "<section class=findings><h2>{title}</h2><ol>")?;
    for Early { reason, cases, whole, undecided } in early {
        write!(out, "<li>{}<div><p class=what>{}</p><p class=\"why in\">In ", shape(mark), Esc(reason))?;
        match all_tried(run, &cases) {
            true => write!(out, "all {} cases", cases.len())?,
            false => linked(out, run, cases.into_iter())?,
        }
        out.push_str(if whole { ", of which nothing is decided</p>" } else { "</p>" });
        rows(out, "Undecided by it", &undecided)?;
        out.push_str("</div></li>");
    }
    for Cause { first: r, seen, others } in causes {
        named(out, mark, r)?;
        shown(out, run, &seen)?;
        rows(out, &format!("Also {}", by_it(mark)), &others)?;
        change(out, mark, r)?;
        out.push_str("</div></li>");
    }
    out.push_str("</ol></section>\n");
    Ok(())
}

/// Begins an item with a requirement.
fn named(out: &mut String, mark: Mark, requirement: &Requirement) -> fmt::Result {
    write!(
        out,
        "<li>{}<div><p class=what><a class=id href=\"#r-{id}\">{id}</a> {} <span class=quiet>{}</span></p>",
        shape(mark),
        Esc(requirement.title),
        Esc(requirement.section),
        id = Esc(requirement.id),
    )
}

/// What was seen in a case.
fn because(out: &mut String, run: &Run, case: &CaseResult, why: &str) -> fmt::Result {
    write!(out, "<p class=why><a href=\"#{}\">{}</a> {}</p>", anchor(run, case), Esc(case.name()), Esc(why))
}

/// The names of cases, each a link.
fn linked<'a>(out: &mut String, run: &Run, cases: impl Iterator<Item = &'a CaseResult>) -> fmt::Result {
    for (i, case) in cases.enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(out, "{comma}<a href=\"#{}\">{}</a>", anchor(run, case), Esc(case.name()))?;
    }
    Ok(())
}

/// A line of requirements, each a link; none where there are none.
fn rows(out: &mut String, what: &str, requirements: &[&Requirement]) -> fmt::Result {
    if requirements.is_empty() {
        return Ok(());
    }
    write!(out, "<p class=why>{what}:")?;
    for requirement in requirements {
        write!(out, " <a class=id href=\"#r-{id}\">{id}</a>", id = Esc(requirement.id))?;
    }
    out.push_str("</p>");
    Ok(())
}

/// Id of a case in the page.
pub(crate) fn anchor(run: &Run, case: &CaseResult) -> String {
    let n = run.cases.iter().position(|c| core::ptr::eq(c, case)).map_or(0, |i| i + 1);
    format!("case-{n}")
}

/// Whether a print has the case only where it is asked for: there is nothing to say of it that the table of cases does not.
pub(crate) fn on_demand(case: &CaseResult) -> bool {
    !case.tried || (matches!(case.mark(), Mark::Pass | Mark::NotApplicable) && case.warnings().count() == 0)
}

/// One row for each case.
pub(crate) fn cases(out: &mut String, run: &Run) -> fmt::Result {
    out.push_str(
        "<section id=cases><h2>Cases</h2><table class=summary><thead><tr><th>Outcome<th>Case<th>Section\
         <th class=n>Time<th>CVL<th class=n>Holds<th class=n>Fails<th class=n>Warns<th class=n>Undecided</tr></thead><tbody>",
    );
    for case in &run.cases {
        let n = |mark| match case.verdicts.iter().filter(|v| Mark::of(v) == mark).count() {
            0 => "<span class=quiet>·</span>".to_owned(),
            n => n.to_string(),
        };
        let time = if case.length == Micros::ZERO { "–".to_owned() } else { words::clock(case.length) };
        let link = anchor(run, case);
        write!(
            out,
            "<tr><td>{}<td><a href=\"#{link}\">{}</a><br><span class=quiet>{}</span>",
            mark(case.mark()),
            Esc(case.name()),
            Esc(&case.title)
        )?;
        if case.outcome != Outcome::Pass && !case.reason.is_empty() {
            write!(out, "<br><span class=why>{}</span>", Esc(&case.reason))?;
        }
        write!(out, "<td class=nowrap>{}<td class=n>{time}<td class=sparks>", Esc(&case.section))?;
        figure::sparkline(out, case)?;
        write!(
            out,
            "<td class=n>{}<td class=n>{}<td class=n>{}<td class=n>{}</tr>",
            n(Mark::Pass),
            n(Mark::Fail),
            n(Mark::Warning),
            n(Mark::Inconclusive)
        )?;
    }
    out.push_str("</tbody></table>");
    let left = run.cases.iter().filter(|case| on_demand(case)).count();
    if left > 0 {
        write!(
            out,
            "<p id=appendix class=\"quiet appendix\">A print leaves out {}, of which this table says all; <a href=\"#appendix\">with \
             <code>#appendix</code></a> behind the address of this page it has them too.</p>",
            count(left, "case that passed or was not tried", "cases that passed or were not tried")
        )?;
    }
    out.push_str("</section>\n");
    Ok(())
}

/// What was tested, on what, with what.
pub(crate) fn facts(out: &mut String, run: &Run) -> fmt::Result {
    let m = &run.meta;
    let mut rows: Vec<(String, String)> = vec![
        ("Battery".into(), format!("{} ({})", m.battery.title, m.battery.name)),
        ("Rig".into(), format!("{} ({})", m.rig.title, m.rig.name)),
        ("Seed".into(), m.seed.to_string()),
        ("Harness".into(), m.made_by()),
    ];
    if !m.rig.last_resort.is_empty() {
        rows.push(("Supply off when all else is dead".into(), m.rig.last_resort.clone()));
    }
    for (what, says) in &m.instruments {
        rows.push((format!("{} as it named itself", capitalised(what)), says.clone()));
    }
    if let Some(started) = &m.started {
        rows.push(("Started".into(), started.clone()));
    }
    if !m.merged.is_empty() {
        rows.push(("Put together from".into(), m.merged.join(", ")));
    }
    let kind = if m.rig.simulated { "Simulated time" } else { "Test time" };
    rows.push((kind.into(), words::span(run.simulated())));
    if let Some(took) = m.took {
        rows.push(("Wall time".into(), words::wall(took)));
    }
    out.push_str("<section id=facts class=facts><div><h2>Run</h2><dl>");
    for (what, value) in rows {
        write!(out, "<dt>{}<dd>{}", Esc(what), Esc(value))?;
    }
    out.push_str("</dl></div><div><h2>Battery as seen on CAN</h2>");
    if m.battery.identity.is_empty() {
        out.push_str("<p class=quiet>It sent nothing that identifies it.</p>");
    } else {
        out.push_str("<dl>");
        for (what, value) in &m.battery.identity {
            write!(out, "<dt>{}<dd>{}", Esc(what), Esc(value))?;
        }
        out.push_str("</dl>");
    }
    out.push_str("</div><div><h2>Suites</h2><dl class=hashes>");
    for s in &m.suites {
        write!(
            out,
            "<dt>{}<dd><code title=\"SHA-256 {1}\">{2}</code>",
            Esc(&s.path),
            Esc(&s.sha256),
            Esc(s.sha256.get(..12).unwrap_or(&s.sha256))
        )?;
    }
    out.push_str("</dl></div></section>\n");
    Ok(())
}

/// With a capital letter at the front.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A severity as the tables show it.
pub(crate) fn severity_cell(r: &Requirement) -> String {
    format!("<span class=\"sev {0}\">{0}</span>", severity(r.severity))
}
