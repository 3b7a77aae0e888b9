//! The page of a certificate: who tested what for whom, with what, and how it was decided; or why this is none.

use std::fmt::{self, Write};

use super::escape::Esc;
use crate::certificate::{Certificate, obstacles};
use crate::run::{Run, RunMeta};

/// Nothing for a run that was not made to certify.
pub(crate) fn certificate(out: &mut String, run: &Run) -> fmt::Result {
    let meta = &run.meta;
    let Some(certificate) = &meta.certificate else { return Ok(()) };
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
    let number = ("Number of this report".to_owned(), meta.id.clone());
    for (what, value) in core::iter::once(&number).chain(&certificate.facts).chain(&of_the_run(meta)) {
        let value = if value.is_empty() { "not said" } else { value };
        write!(out, "<dt>{}<dd>{}", Esc(what), Esc(value))?;
    }
    out.push_str("</dl>");
    instruments(out, certificate, meta)?;
    table(
        out,
        "Expanded uncertainty, k = 2",
        &["Quantity", "Uncertainty", "From"],
        &certificate.uncertainty,
    )?;
    out.push_str(
        "<p>The results relate only to the item tested, in the state in which it was handed in. Every attempt at every \
         case is in this report. It may be reproduced only in full. Which requirement is decided by which case and on \
         what evidence stands under <a href=\"#requirements\">Requirements</a>.</p></section>\n",
    );
    Ok(())
}

/// What the run itself says, not its files: when, with what, and who answered.
fn of_the_run(meta: &RunMeta) -> Vec<(String, String)> {
    let mut facts = vec![("Performed".to_owned(), performed(meta)), ("Harness".to_owned(), meta.made_by())];
    for (what, says) in &meta.instruments {
        facts.push((format!("The {what} that answered"), says.clone()));
    }
    if meta.instruments.iter().any(|(what, _)| what == "GX") {
        facts.push(("Model of the GX".to_owned(), "not among its registers".to_owned()));
    }
    facts
}

fn performed(meta: &RunMeta) -> String {
    let (Some(started), Some(took)) = (&meta.started, meta.took) else { return String::new() };
    format!("from {started}, for {}; issued at its end", crate::words::wall(took))
}

fn instruments(out: &mut String, certificate: &Certificate, meta: &RunMeta) -> fmt::Result {
    let rows: Vec<[String; 8]> = certificate
        .instruments
        .iter()
        .map(|i| {
            let said: Vec<&str> = i.said(meta).collect();
            let said = if said.is_empty() { "was not asked".to_owned() } else { said.join("; ") };
            let [what, maker, location, calibrated, due, certificate] =
                [&i.what, &i.maker, &i.location, &i.calibrated, &i.due, &i.certificate].map(String::clone);
            let serial = if i.firmware.is_empty() {
                i.serial.clone()
            } else {
                format!("{}, firmware {}", i.serial, i.firmware)
            };
            [what, maker, serial, location, calibrated, due, certificate, said]
        })
        .collect();
    let heads = [
        "Instrument",
        "Maker and type",
        "Serial",
        "Location",
        "Calibrated",
        "Due",
        "Certificate",
        "Said in this run",
    ];
    table(out, "Instruments", &heads, &rows)
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
