//! How close everything came that was measured: each requirement with the figure that decided it and what is left of its limit;
//! and the law by which CVL is set, as far as the traces tell.

use std::fmt::{self, Write};

use evidence::mark::Mark;
use evidence::run::{Closest, Run};
use evidence::words;

use super::escape::Esc;
use super::mark;
use super::summary::anchor;

/// A row for each requirement that a figure decided, the one with the least room first, and the names of those that are only
/// yes or no.
pub(crate) fn margins(out: &mut String, run: &Run) -> fmt::Result {
    let decided = |mark: Mark| matches!(mark, Mark::Pass | Mark::Warning | Mark::Fail);
    let judged = || run.matrix().filter(|(_, mark)| decided(*mark));
    let mut rows: Vec<(Closest<'_>, Mark)> =
        judged().filter_map(|(requirement, mark)| Some((run.closest(requirement)?, mark))).collect();
    rows.sort_by(|a, b| a.0.measure.room().total_cmp(&b.0.measure.room()));
    if rows.is_empty() {
        return Ok(());
    }
    out.push_str(
        "<section id=margins><h2>How close</h2><table class=summary><thead><tr><th>Outcome<th>Requirement<th>Measured\
         <th class=n>Value<th class=n>Limit<th class=n>Room<th>Case</tr></thead><tbody>",
    );
    for (Closest { requirement, case, evidence, measure }, standing) in &rows {
        write!(
            out,
            "<tr><td>{}<td><a class=id href=\"#r-{id}\">{id}</a><td>{}<td class=\"n nowrap\">{}<td class=\"n nowrap\">{}\
             <td class=\"n nowrap\">{}<td><a href=\"#{}\">{}</a></tr>",
            mark(*standing),
            Esc(&evidence.what),
            Esc(&evidence.value),
            Esc(&evidence.limit),
            words::room(measure),
            anchor(run, case),
            Esc(case.name()),
            id = Esc(requirement.id),
        )?;
    }
    out.push_str("</tbody></table>");
    let measured = |id: &str| rows.iter().any(|(row, _)| row.requirement.id == id);
    let plain: Vec<&str> = judged().map(|(r, _)| r.id).filter(|id| !measured(id)).collect();
    if !plain.is_empty() {
        write!(
            out,
            "<p class=quiet>Room is what is left of the limit, as a share of it, in the case in which it is least. Yes or no, \
             without a margin: {}.</p>",
            Esc(plain.join(", "))
        )?;
    }
    out.push_str("</section>\n");
    Ok(())
}

/// How CVL is set: a sentence each, or nothing.
pub(crate) fn law(out: &mut String, run: &Run) -> fmt::Result {
    let sentences = run.meta.law.sentences();
    if sentences.is_empty() {
        return Ok(());
    }
    out.push_str("<section id=law><h2>How CVL is set</h2><ul>");
    for sentence in &sentences {
        write!(out, "<li>{}", Esc(sentence))?;
    }
    writeln!(
        out,
        "</ul><p class=quiet>Found from the traces of {} cases with a full battery. A diagnosis: no verdict rests on it.</p></section>",
        run.meta.law.cases
    )
}
