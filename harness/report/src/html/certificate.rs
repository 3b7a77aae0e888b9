//! The page of a certificate: who tested what for whom, with what, and how it was decided; or why this is none.

use std::fmt::{self, Write};

use judge::envelope::PROVEN;

use super::escape::Esc;
use evidence::certificate::Certificate;
use evidence::guard::nearest;
use evidence::obstacles::{obstacles, said};
use evidence::run::{Run, RunMeta};
use evidence::words::amount;

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
    apart(out, run)?;
    out.push_str("<dl>");
    let of_the_run = of_the_run(meta);
    let said = certificate.facts.iter().map(|fact| (fact.what, fact.value.as_str()));
    let of_the_run = of_the_run.iter().map(|(what, value)| (what.as_str(), value.as_str()));
    for (what, value) in
        core::iter::once(("Number of this report", meta.id.as_str())).chain(said).chain(of_the_run)
    {
        let value = if value.is_empty() { "not said" } else { value };
        write!(out, "<dt>{}<dd>{}", Esc(what), Esc(value))?;
    }
    out.push_str("</dl>");
    instruments(out, certificate, meta)?;
    figures(out, certificate, run)?;
    out.push_str(
        "<p>The results relate only to the item tested, in the state in which it was handed in. Every attempt at every \
         case is in this report. It may be reproduced only in full. Which requirement is decided by which case and on \
         what evidence stands under <a href=\"#requirements\">Requirements</a>.</p></section>\n",
    );
    Ok(())
}

/// What is proved, what was checked and what is only said, each apart.
fn apart(out: &mut String, run: &Run) -> fmt::Result {
    let (meta, gaps) = (&run.meta, run.gaps());
    let complete = match gaps.is_closed() {
        true => "Every case of this version and every requirement that must hold was tried",
        false => "Not complete by what this version has built in",
    };
    let held: Vec<String> =
        meta.held.compared.iter().map(|(what, many)| format!("{what} ({many})")).collect();
    let fits = match (meta.held.contradicts(), held.is_empty()) {
        (true, _) => "the evidence contradicts itself".to_owned(),
        (false, true) => "nothing could be held against anything".to_owned(),
        (false, false) => format!("these fit together: {}", held.join(", ")),
    };
    write!(
        out,
        "<h3>Proved, checked, said</h3><dl><dt>Proved<dd>By this page, nothing. <code>busbar verify</code> of its bundle proves \
         that no byte was changed since it was signed, and that verdicts and report follow from the raw evidence.\
         <dt>Checked<dd>{complete}; {}",
        Esc(&fits)
    )?;
    for what in &meta.differs {
        write!(out, "<br>Otherwise than in this version: {}", Esc(what))?;
    }
    out.push_str(
        "<dt>Said<dd>Everything below: who tested what, where, when and with which instruments is said by whoever signed, \
         and believed by whoever knows the key.</dl>",
    );
    Ok(())
}

/// What the run itself says, not its files: when, with what, and who answered.
fn of_the_run(meta: &RunMeta) -> Vec<(String, String)> {
    let mut facts = vec![("Performed".to_owned(), performed(meta)), ("Harness".to_owned(), meta.made_by())];
    let outside = meta.outside.as_ref().map_or(String::new(), |outside| format!("; {outside}"));
    facts.push(("Verdicts were proven on".to_owned(), format!("{PROVEN}{outside}")));
    for (what, says) in &meta.instruments {
        facts.push((format!("The {what} that answered"), says.clone()));
    }
    if meta.instruments.iter().any(|(what, _)| what == proto::channel::Instrument::Gx.words()) {
        facts.push(("Model of the GX".to_owned(), "not among its registers".to_owned()));
    }
    facts
}

fn performed(meta: &RunMeta) -> String {
    let (Some(started), Some(took)) = (&meta.started, meta.took) else { return String::new() };
    format!("from {started}, for {}; issued at its end", evidence::words::wall(took))
}

fn instruments(out: &mut String, certificate: &Certificate, meta: &RunMeta) -> fmt::Result {
    let rows: Vec<[String; 8]> = certificate
        .instruments
        .iter()
        .map(|i| {
            let said: Vec<&str> = said(i, meta).collect();
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

/// What was measured, the figure nearest to each limit, and what the decision rule says of it.
fn figures(out: &mut String, certificate: &Certificate, run: &Run) -> fmt::Result {
    let rows: Vec<[String; 7]> = nearest(run, certificate)
        .iter()
        .map(|figure| {
            let uncertainty =
                figure.stated.map_or("not said".to_owned(), |u| format!("{} ({})", u.expanded, u.from));
            [
                format!("{}: {}", figure.threshold.name, figure.with),
                amount(figure.measure.value, figure.threshold.unit),
                figure.bound(figure.measure.limit),
                uncertainty,
                figure.bound(figure.acceptance()),
                figure.statement().to_owned(),
                format!("{}, {}", figure.verdict.requirement.id, figure.case.name()),
            ]
        })
        .collect();
    out.push_str("<h3>Figures that instruments of the rig have a part in</h3>");
    if rows.is_empty() {
        out.push_str("<p class=quiet>None decided anything.</p>");
        return Ok(());
    }
    out.push_str(
        "<p>Of each the one nearest to its limit. All other figures are computed from what the battery sends: the number on \
         the bus is what is judged, and its resolution is in the limit.</p>",
    );
    let heads = ["Figure", "Value", "Limit", "Uncertainty, k = 2", "Accepted", "Statement", "Where"];
    rows_under(out, &heads, &rows)
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
    rows_under(out, heads, rows)
}

fn rows_under<const N: usize>(out: &mut String, heads: &[&str; N], rows: &[[String; N]]) -> fmt::Result {
    out.push_str("<table><thead><tr>");
    for head in heads {
        write!(out, "<th>{head}")?;
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            // Numbers with their units, days and marks stay in one line.
            let short = if cell.chars().count() <= 16 { " class=nowrap" } else { "" };
            write!(out, "<td{short}>{}", Esc(cell))?;
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
    Ok(())
}
