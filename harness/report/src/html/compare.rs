//! Two runs over each other: CVL of every case they share, and what came out differently.

use std::fmt::{self, Write};

use judge::trace::Channel;
use proto::quantity::Micros;

use super::escape::Esc;
use super::scale;
use super::trend::decimals;
use super::{STYLE, figure, mark, open};
use crate::compare::{Comparison, Pair};
use evidence::run::{CaseResult, Run};
use evidence::thin::thin;
use evidence::words::room;

const OWN: &str = include_str!("compare.css");
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 46.0;
const BOTTOM: f64 = 20.0;
/// Stretches of time of which the extremes are drawn.
const COLUMNS: usize = 480;

/// The whole page.
#[must_use]
pub fn compare(comparison: &Comparison<'_>) -> String {
    let mut out = String::with_capacity(1 << 17);
    page(&mut out, comparison).expect("a String takes every write");
    out
}

fn page(out: &mut String, comparison: &Comparison<'_>) -> fmt::Result {
    let style = format!("{STYLE}{OWN}");
    let (a, b) = (comparison.a, comparison.b);
    open(out, &style, &format!("{} and {}", a.meta.id, b.meta.id))?;
    write!(
        out,
        "<main><header><p class=kicker><span>Busbar, two runs</span></p><h1>{}</h1></header>\
         <section class=facts><div><h2>Runs</h2><dl><dt><span class=key-a>A</span><dd>{}<dt><span class=key-b>B</span><dd>{}</dl></div>",
        Esc(&b.meta.title),
        Esc(headline(a)),
        Esc(headline(b))
    )?;
    if !comparison.facts.is_empty() {
        out.push_str("<div><h2>What differs around them</h2><dl>");
        for (what, a, b) in &comparison.facts {
            write!(out, "<dt>{}<dd>{} → {}", Esc(what), Esc(a), Esc(b))?;
        }
        out.push_str("</dl></div>");
    }
    out.push_str("</section>");
    // What came out otherwise first, then what moved, then the rest by name alone.
    for pair in comparison.pairs.iter().filter(|pair| pair.differs()) {
        section(out, pair)?;
    }
    for pair in comparison.pairs.iter().filter(|pair| !pair.differs() && !pair.is_same()) {
        section(out, pair)?;
    }
    let same: Vec<String> = comparison
        .pairs
        .iter()
        .filter(|pair| pair.is_same())
        .filter_map(|pair| pair.b.map(CaseResult::name))
        .collect();
    if !same.is_empty() {
        write!(out, "<section><h2>The same in both</h2><p>{}</p></section>", Esc(same.join(", ")))?;
    }
    out.push_str("<p class=end>End of comparison</p></main></body></html>\n");
    Ok(())
}

fn headline(run: &Run) -> String {
    let firmware = crate::history::firmware(&run.meta);
    let started = run.meta.started.as_deref().unwrap_or_default();
    let firmware = if firmware.is_empty() { String::new() } else { format!(", firmware {firmware}") };
    format!("{}, {started}{firmware}", run.meta.id)
}

fn section(out: &mut String, pair: &Pair<'_>) -> fmt::Result {
    let name = pair.b.or(pair.a).map(CaseResult::name).unwrap_or_default();
    write!(out, "<section><h2>{}</h2><p class=outcome>", Esc(&name))?;
    for (key, case) in [("a", pair.a), ("b", pair.b)] {
        write!(out, "<span class=key-{key}>{}</span> ", key.to_uppercase())?;
        match case {
            Some(case) => write!(out, "{} ", mark(case.mark()))?,
            None => out.push_str("<span class=quiet>not in this run</span> "),
        }
    }
    out.push_str("</p>");
    if let (Some(a), Some(b)) = (pair.a, pair.b) {
        overlay(out, a, b)?;
    }
    if !pair.verdicts.is_empty() || !pair.margins.is_empty() || !pair.figures.is_empty() {
        out.push_str("<table><thead><tr><th>What<th>A<th>B</tr></thead><tbody>");
        for (id, a, b) in &pair.verdicts {
            write!(out, "<tr><td class=id>{}<td>{}<td>{}</tr>", Esc(id), mark(*a), mark(*b))?;
        }
        for shift in &pair.margins {
            write!(
                out,
                "<tr><td><span class=id>{}</span>, {} room<td>{}<td>{}</tr>",
                Esc(shift.of),
                Esc(shift.words()),
                Esc(room(&shift.a)),
                Esc(room(&shift.b))
            )?;
        }
        for figure in &pair.figures {
            write!(
                out,
                "<tr><td>{}<td>{} {unit}<td>{} {unit}</tr>",
                Esc(&figure.name),
                decimals(figure.a),
                decimals(figure.b),
                unit = Esc(&figure.unit)
            )?;
        }
        out.push_str("</tbody></table>");
    }
    out.push_str("</section>\n");
    Ok(())
}

/// CVL of both on one pair of axes. Nothing where neither sent one.
fn overlay(out: &mut String, a: &CaseResult, b: &CaseResult) -> fmt::Result {
    let length = a.length.max(b.length);
    let points = || [a, b].into_iter().flat_map(|case| case.trace.series(Channel::Cvl).points());
    let values = || points().map(|point| point.1);
    let Some((lowest, highest)) = values().reduce(f64::min).zip(values().reduce(f64::max)) else {
        return Ok(());
    };
    let (lo, hi) = scale::range(lowest, highest, 0.8, false);
    let y = |value: f64| HEIGHT - BOTTOM - (value - lo) / (hi - lo) * (HEIGHT - BOTTOM - 8.0);
    let x = |at: Micros| LEFT + super::geometry::share(at, length) * (WIDTH - LEFT - 8.0);
    write!(
        out,
        "<svg class=over viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=img><title>CVL of both runs, {lowest:.1} V to {highest:.1} V, \
         over {}</title>",
        evidence::words::span(length)
    )?;
    let (ticks, digits) = scale::ticks(lo, hi, 4);
    for tick in ticks {
        write!(
            out,
            "<path class=grid d=\"M{LEFT} {0:.1}H{WIDTH}\"/><text class=tick x={1} y={2:.1}>{tick:.digits$} V</text>",
            y(tick),
            LEFT - 6.0,
            y(tick) + 4.0
        )?;
    }
    for (class, case) in [("over-a", a), ("over-b", b)] {
        let cvl = case.trace.series(Channel::Cvl);
        let few = thin(cvl.points(), Micros::ZERO, length, COLUMNS);
        let path = figure::step_path(&few, cvl.last_seen().unwrap_or(case.length), x, y);
        write!(out, "<path class={class} d=\"{path}\"/>")?;
    }
    write!(
        out,
        "<text class=time x={LEFT} y={0}>0:00:00</text><text class=time-end x={WIDTH} y={0}>{1}</text></svg>",
        HEIGHT - 5.0,
        evidence::words::clock(length)
    )
}
