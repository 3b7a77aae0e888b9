//! The page of a certificate: who tested what for whom, with what, and how it was decided; or why this is none.

use std::fmt::{self, Write};

use super::escape::Esc;
use crate::certificate::obstacles;
use crate::run::Run;

/// Nothing for a run that was not made to certify.
pub(crate) fn certificate(out: &mut String, run: &Run) -> fmt::Result {
    let Some(certificate) = &run.meta.certificate else { return Ok(()) };
    let obstacles = obstacles(run);
    let title = if obstacles.is_empty() { "Certificate" } else { "Certification: this is no certificate" };
    write!(out, "<section id=certificate class=method><h2>{title}</h2>")?;
    if !obstacles.is_empty() {
        out.push_str("<p>Not certifiable:</p><ul>");
        for why in &obstacles {
            write!(out, "<li>{}", Esc(why))?;
        }
        out.push_str("</ul>");
    }
    out.push_str("<dl>");
    for (what, value) in &certificate.facts {
        let value = if value.is_empty() { "not said" } else { value };
        write!(out, "<dt>{}<dd>{}", Esc(what), Esc(value))?;
    }
    out.push_str("</dl>");
    table(
        out,
        "Instruments",
        &["Instrument", "Maker and type", "Serial", "Firmware", "Calibrated", "Due", "Certificate"],
        &certificate.instruments,
    )?;
    table(
        out,
        "Expanded uncertainty, k = 2",
        &["Quantity", "Uncertainty", "From"],
        &certificate.uncertainty,
    )?;
    out.push_str(
        "<p>The results relate only to the item tested, in the state in which it was handed in. Every attempt at every \
         case is in this report. It may be reproduced only in full. Which requirement is decided by which case and on \
         what evidence stands under <a href=\"#requirements\">Requirements</a>; cases that could not run, and those that \
         were undecided, are listed above.</p></section>\n",
    );
    Ok(())
}

fn table<const N: usize>(
    out: &mut String,
    title: &str,
    heads: &[&str; N],
    rows: &[[String; N]],
) -> fmt::Result {
    write!(out, "<h3>{title}</h3>")?;
    if rows.is_empty() {
        out.push_str("<p class=quiet>The rig file says none.</p>");
        return Ok(());
    }
    out.push_str("<table><thead><tr>");
    for head in heads {
        write!(out, "<th>{head}")?;
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            write!(out, "<td>{}", Esc(cell))?;
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
    Ok(())
}
