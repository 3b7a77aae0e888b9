//! `summary.md`: a night in a few lines, for whatever posts them.

use std::fmt::{self, Write};

use crate::history::changes::Change;
use crate::history::drift::{Drift, by_figure};
use crate::html::morning::Morning;
use crate::html::trend::decimals;
use evidence::text::plain;
use evidence::words::room;

/// The whole file.
#[must_use]
pub fn summary(night: &Morning<'_>) -> String {
    let mut out = String::new();
    write(&mut out, night).expect("a String takes every write");
    out
}

fn write(out: &mut String, night: &Morning<'_>) -> fmt::Result {
    let Some(meta) = night.meta() else { return Ok(()) };
    let verdict = night.now.standing.word().to_uppercase();
    writeln!(out, "# {verdict}: {}, night of {}\n", text(&meta.title), text(&night.now.started))?;
    for line in night.gaps() {
        writeln!(out, "**{}**\n", text(&line))?;
    }
    if meta.rig.simulated {
        let program =
            meta.program().map_or(String::new(), |says| format!(" The vendor's own program, {says}."));
        writeln!(out, "Simulated rig: no hardware was involved.{}\n", text(&program))?;
    }
    writeln!(out, "{}\n", text(&night.lead()))?;
    let before = night.changed_before();
    if !before.is_empty() {
        out.push_str("| changed before this night | before | tonight |\n|---|---|---|\n");
        for (what, then, now) in before {
            writeln!(out, "| {} | {} | {} |", text(&what), text(&then), text(&now))?;
        }
        out.push('\n');
    }
    let changes = night.told();
    for (change, headline) in Change::ALL {
        let mut own = changes.iter().filter(|told| told.change == change).peekable();
        if own.peek().is_none() {
            continue;
        }
        writeln!(out, "## {headline}\n")?;
        for told in own {
            let (name, turn, step) = (text(&told.case), told.turn.word(), told.step());
            let why = night.now.cases.get(&told.case).map(|case| case.1.as_str());
            let why =
                why.filter(|why| !why.is_empty()).map_or_else(String::new, |why| format!(": {}", text(why)));
            writeln!(out, "- **{name}** ({turn}, {step}){why}")?;
        }
        out.push('\n');
    }
    let drifts = night.drifts();
    if !drifts.is_empty() {
        out.push_str("## Figures that moved\n\n");
        figures(out, &drifts)?;
    }
    let shifts = night.shifts();
    if !shifts.is_empty() {
        out.push_str("## Room to the limit\n\n");
        for (case, shift) in &shifts {
            let (turn, [before, now]) = (shift.turn().word(), [&shift.a, &shift.b].map(room));
            writeln!(out, "- **{}** in {} ({turn}): {before} → {now}", text(shift.of), text(case))?;
        }
        out.push('\n');
    }
    if let Some(against) = night.against_firmware() {
        let firmware = if against.firmware.is_empty() { "not said" } else { against.firmware.as_str() };
        writeln!(out, "## Against firmware {}\n", text(firmware))?;
        for (change, name) in against.changes.iter().flatten() {
            let headline = Change::ALL.iter().find(|(other, _)| other == change).map_or("", |found| found.1);
            writeln!(out, "- {headline}: **{}**", text(name))?;
        }
        match &against.changes {
            None => {}
            Some(changes) if changes.is_empty() => out.push_str("Every case stands as it did.\n\n"),
            Some(_) => out.push('\n'),
        }
        if !against.drifts.is_empty() {
            figures(out, &against.drifts)?;
        }
    }
    let runs: Vec<String> = night.runs.iter().map(|(run, _)| text(&run.meta.id)).collect();
    writeln!(out, "Runs: {}. Page: `index.html` in {}.", runs.join(", "), text(night.name))
}

/// A row for each figure, with the case in which it moved farthest.
fn figures(out: &mut String, drifts: &[Drift]) -> fmt::Result {
    out.push_str("| figure | case | usual | tonight |\n|---|---|---|---|\n");
    for of in by_figure(drifts) {
        let drift = of[0];
        let others = if of.len() > 1 { format!(", and {} more", of.len() - 1) } else { String::new() };
        writeln!(
            out,
            "| {} | {}{others} | {} {unit} | {} {unit} |",
            text(&drift.name),
            text(&drift.case),
            decimals(drift.usual),
            decimals(drift.now),
            unit = text(&drift.unit)
        )?;
    }
    out.push('\n');
    Ok(())
}

/// Text as text: nothing in it is markup.
fn text(from: &str) -> String {
    let mut out = String::with_capacity(from.len());
    for c in plain(from).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' | '@' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_markup() {
        assert_eq!(text("a|b <img> [x](y) `c`\n# d"), "a\\|b &lt;img&gt; \\[x\\](y) \\`c\\` \\# d");
    }
}
