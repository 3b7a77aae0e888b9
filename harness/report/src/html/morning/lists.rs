//! What the page of the morning lists.

use std::fmt::{self, Write};

use super::super::escape::Esc;
use super::super::trend::{decimals, trend};
use super::super::{count, figure, mark, shape};
use super::{Morning, day};
use crate::history::changes::{Change, Past, Turn, latest};
use crate::history::drift::{Drift, by_figure};
use crate::history::night::Standing;
use evidence::words;

/// So many nights are shown beside a case.
const SHOWN: usize = 14;

/// Shape and word of a standing: flaky has the shape of a warning and a word of its own.
fn standing_cell(standing: Standing) -> String {
    match standing {
        Standing::NotTried => format!("<span class=\"mark open\">{}Not tried</span>", shape(standing.mark())),
        Standing::Flaky => format!("<span class=\"mark warn\">{}Flaky</span>", shape(standing.mark())),
        other => mark(other.mark()),
    }
}

/// Firmware and files that changed: before what follows from it.
pub(super) fn changed_before(out: &mut String, night: &Morning<'_>) -> fmt::Result {
    let rows = night.changed_before();
    if rows.is_empty() {
        return Ok(());
    }
    out.push_str(
        "<section><h2>Changed before this night</h2><table class=inputs><thead><tr><th>What<th>Before<th><th>Tonight</tr></thead><tbody>",
    );
    for (what, before, now) in rows {
        write!(out, "<tr><td>{}<td>{}<td>→<td><b>{}</b></tr>", Esc(what), Esc(before), Esc(now))?;
    }
    out.push_str("</tbody></table></section>\n");
    Ok(())
}

/// Every case that changed, the most urgent first.
pub(super) fn changed(out: &mut String, night: &Morning<'_>) -> fmt::Result {
    let told = night.told();
    if told.is_empty() {
        return Ok(());
    }
    out.push_str(
        "<section id=changes><h2>What changed</h2><table class=changes><thead><tr><th>Better or worse<th>Case<th>Before and tonight\
         <th>Last nights</tr></thead>",
    );
    for of_change in told.chunk_by(|a, b| a.change == b.change) {
        let headline = Change::ALL.iter().find(|(change, _)| *change == of_change[0].change);
        write!(
            out,
            "<tbody><tr class=group><th colspan=4 scope=rowgroup>{}</tr>",
            headline.map_or("", |found| found.1)
        )?;
        for one in of_change {
            let name = &one.case;
            out.push_str("<tr><td>");
            turned(out, one.turn)?;
            out.push_str("<td>");
            linked(out, night, name)?;
            if let Some(why) = night.now.cases.get(name).map(|case| &case.1).filter(|why| !why.is_empty()) {
                write!(out, "<p class=why>{}</p>", Esc(why))?;
            }
            requirements(out, night, name)?;
            write!(out, "<td class=nowrap>{}<td>", Esc(one.step()))?;
            strip(out, night, name)?;
            out.push_str("</tr>");
        }
        out.push_str("</tbody>");
    }
    out.push_str("</table></section>\n");
    Ok(())
}

/// Better or worse, by sign, word and colour.
fn turned(out: &mut String, turn: Turn) -> fmt::Result {
    let (class, sign) = match turn {
        Turn::Worse => ("fail", "▼"),
        Turn::Better => ("pass", "▲"),
        Turn::Same => ("na", "="),
        Turn::First => ("na", "•"),
    };
    write!(out, "<span class=\"mark {class}\">{sign} {}</span>", turn.word())
}

/// The requirements of a case that came out otherwise than the night before.
fn requirements(out: &mut String, night: &Morning<'_>, case: &str) -> fmt::Result {
    let Some(before) = latest(night.before) else { return Ok(()) };
    let of = |past: &Past| -> Vec<(String, String)> {
        let own = past.requirements.iter().filter(|((name, _), _)| name == case);
        own.map(|((_, id), outcome)| (id.clone(), outcome.clone())).collect()
    };
    let (then, now) = (of(&before), of(night.now));
    let told = |list: &[(String, String)], other: &[(String, String)]| {
        let new: Vec<String> = list
            .iter()
            .filter(|entry| !other.contains(entry))
            .map(|(id, outcome)| format!("{id} {outcome}"))
            .collect();
        new.join(", ")
    };
    let (new, gone) = (told(&now, &then), told(&then, &now));
    if !new.is_empty() {
        write!(out, "<p class=why><span class=quiet>new:</span> {}</p>", Esc(new))?;
    }
    if !gone.is_empty() {
        write!(out, "<p class=why><span class=quiet>no longer:</span> {}</p>", Esc(gone))?;
    }
    Ok(())
}

/// A case by its name, linked to the last report that has it.
fn linked(out: &mut String, night: &Morning<'_>, name: &str) -> fmt::Result {
    let tried = night.cases.iter().find(|case| case.name() == name).and_then(|case| case.tries.last());
    let place = tried.and_then(|(run, case)| {
        let (run, way) = night.runs.get(*run)?;
        let number = run.cases.iter().position(|other| other.name() == case.name())? + 1;
        Some(format!("{way}/report.html#case-{number}"))
    });
    match place {
        Some(place) => write!(out, "<a href=\"{}\">{}</a>", Esc(place), Esc(name)),
        None => write!(out, "{}", Esc(name)),
    }
}

/// How a case stood in the last nights, tonight at the right.
fn strip(out: &mut String, night: &Morning<'_>, name: &str) -> fmt::Result {
    let from = night.before.len().saturating_sub(SHOWN - 1);
    let nights: Vec<(&Past, Option<Standing>)> = night.before[from..]
        .iter()
        .chain([night.now])
        .map(|past| (past, past.cases.get(name).map(|case| case.0)))
        .collect();
    let words: Vec<&str> =
        nights.iter().map(|(_, standing)| standing.map_or("not tried", Standing::word)).collect();
    write!(out, "<span class=strip role=img aria-label=\"the last nights: {}\">", words.join(", "))?;
    for ((past, standing), word) in nights.iter().zip(words) {
        let title = format!("{}: {word}", day(&past.started));
        match standing {
            Some(standing) => {
                write!(out, "<span title=\"{}\">{}</span>", Esc(title), shape(standing.mark()))?
            }
            None => write!(out, "<span title=\"{}\">·</span>", Esc(title))?,
        }
    }
    out.push_str("</span>");
    Ok(())
}

pub(super) fn moved(out: &mut String, night: &Morning<'_>) -> fmt::Result {
    let drifts = night.drifts();
    if drifts.is_empty() {
        return Ok(());
    }
    write!(
        out,
        "<section id=figures><h2>Figures that moved</h2><p class=quiet>Against the median of the last {}; the band is what \
         counts as usual; a dashed line is a change of firmware. Of each figure the case in which it moved farthest, those that \
         still pass first.</p>",
        count(night.before.len(), "night", "nights")
    )?;
    figures(out, night, &drifts)?;
    out.push_str("</section>\n");
    Ok(())
}

/// Figures of cases that pass as before, with less room to their limits, or room again.
pub(super) fn rooms(out: &mut String, night: &Morning<'_>) -> fmt::Result {
    let shifts = night.shifts();
    if shifts.is_empty() {
        return Ok(());
    }
    out.push_str(
        "<section id=rooms><h2>Room to the limit</h2><p class=quiet>Of cases that pass as when they were last tried: what lost a \
         third of its room, or has it again.</p><table class=moved><thead><tr><th>Figure<th>Case<th class=n>Before<th \
         class=n>Tonight<th>Better or worse</tr></thead><tbody>",
    );
    for (case, shift) in &shifts {
        write!(out, "<tr><td class=id>{}<td>", Esc(shift.of))?;
        linked(out, night, case)?;
        let [before, now] = [&shift.a, &shift.b].map(words::room);
        write!(out, "<td class=n>{}<td class=n><b>{}</b><td>", Esc(before), Esc(now))?;
        turned(out, shift.turn())?;
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></section>\n");
    Ok(())
}

/// A row for each figure, with the case in which it moved farthest; the other cases below it.
fn figures(out: &mut String, night: &Morning<'_>, drifts: &[Drift]) -> fmt::Result {
    out.push_str(
        "<table class=moved><thead><tr><th>Figure<th>Case<th class=n>Usual<th class=n>Tonight<th>Better or worse<th>Nights</tr></thead><tbody>",
    );
    for of in by_figure(drifts) {
        let (drift, others) = (of[0], &of[1..]);
        write!(out, "<tr><td class=id>{}<td>", Esc(&drift.name))?;
        linked(out, night, &drift.case)?;
        if !others.is_empty() {
            let many = count(others.len(), "other case", "other cases");
            write!(out, "<details><summary>and {many}</summary><ul>")?;
            for other in others {
                out.push_str("<li>");
                linked(out, night, &other.case)?;
                let (usual, now) = (decimals(other.usual), decimals(other.now));
                write!(out, " <span class=nowrap>{usual} → <b>{now}</b> {}</span> ", Esc(&other.unit))?;
                if let Some(turn) = other.turn() {
                    turned(out, turn)?;
                }
                out.push_str("</li>");
            }
            out.push_str("</ul></details>");
        }
        write!(
            out,
            "<td class=n>{0} {2}<td class=n><b>{1}</b> {2}<td>",
            decimals(drift.usual),
            decimals(drift.now),
            Esc(&drift.unit)
        )?;
        if let Some(turn) = drift.turn() {
            turned(out, turn)?;
        }
        out.push_str("<td>");
        trend(out, drift, night.before, night.now)?;
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
    Ok(())
}

/// What changed since the battery last had another firmware, where the last nights do not tell it.
pub(super) fn against_firmware(out: &mut String, night: &Morning<'_>) -> fmt::Result {
    let Some(against) = night.against_firmware() else { return Ok(()) };
    let firmware = if against.firmware.is_empty() { "not said" } else { against.firmware.as_str() };
    write!(
        out,
        "<section class=findings><h2>Against firmware {}, last tried {}</h2>",
        Esc(firmware),
        Esc(day(&against.started))
    )?;
    match &against.changes {
        None => {}
        Some(changes) if changes.is_empty() => out.push_str("<p>Every case stands as it did.</p>"),
        Some(changes) => {
            out.push_str("<ol>");
            for (change, name) in changes {
                let headline =
                    Change::ALL.iter().find(|(other, _)| other == change).map_or("", |found| found.1);
                let standing = night.now.cases.get(name).map_or(Standing::NotApplicable, |case| case.0);
                write!(out, "<li>{}<div><p class=what>{headline}: ", shape(standing.mark()))?;
                linked(out, night, name)?;
                out.push_str("</p></div></li>");
            }
            out.push_str("</ol>");
        }
    }
    if !against.drifts.is_empty() {
        out.push_str("<p class=quiet>Figures that moved since then, and not since the last nights:</p>");
        figures(out, night, &against.drifts)?;
    }
    out.push_str("</section>\n");
    Ok(())
}

pub(super) fn all(out: &mut String, night: &Morning<'_>) -> fmt::Result {
    out.push_str(
        "<section id=cases><h2>Every case</h2><table class=summary><thead><tr><th>Tonight<th>Case<th>Last nights\
         <th class=n>Tries<th class=n>Time<th>CVL</tr></thead><tbody>",
    );
    for case in night.cases {
        write!(out, "<tr><td>{}<td>", standing_cell(case.standing))?;
        let last = case.last();
        linked(out, night, &case.name())?;
        write!(out, "<br><span class=quiet>{}</span>", Esc(&last.title))?;
        if case.standing != Standing::Pass && !case.reason.is_empty() {
            write!(out, "<br><span class=why>{}</span>", Esc(&case.reason))?;
        }
        out.push_str("<td>");
        strip(out, night, &case.name())?;
        write!(
            out,
            "<td class=n>{}<td class=n>{}<td class=sparks>",
            case.tries.len(),
            words::clock(last.length)
        )?;
        figure::sparkline(out, last)?;
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></section>\n");
    Ok(())
}

pub(super) fn runs(out: &mut String, night: &Morning<'_>) -> fmt::Result {
    out.push_str("<section id=facts class=facts><div><h2>Runs</h2><dl>");
    for (k, (run, way)) in night.runs.iter().enumerate() {
        let again = run.meta.id.starts_with("night-again-");
        let what = match k {
            0 => "Every case",
            _ if again => "What was undecided, again",
            _ => "The rest, after it was interrupted",
        };
        write!(
            out,
            "<dt>{}<dd><a href=\"{}/report.html\">{}</a>, {}",
            Esc(what),
            Esc(way),
            Esc(&run.meta.id),
            count(run.cases.len(), "case", "cases")
        )?;
        if let Some(took) = run.meta.took {
            write!(out, ", {}", Esc(words::wall(took)))?;
        }
    }
    out.push_str("</dl></div><div><h2>Battery as seen on CAN</h2><dl>");
    let Some(meta) = night.meta() else { return Ok(()) };
    for (what, value) in &meta.battery.identity {
        write!(out, "<dt>{}<dd>{}", Esc(what), Esc(value))?;
    }
    write!(
        out,
        "</dl></div><div><h2>Rig and harness</h2><dl><dt>Rig<dd>{} ({})<dt>Battery file<dd>{}<dt>Seed<dd>{}<dt>Harness<dd>busbar {}",
        Esc(&meta.rig.title),
        Esc(&meta.rig.name),
        Esc(&meta.battery.name),
        meta.seed,
        Esc(&meta.harness)
    )?;
    if let Some(started) = &meta.started {
        write!(out, "<dt>Started<dd>{}", Esc(started))?;
    }
    out.push_str("</dl></div></section>\n");
    Ok(())
}
