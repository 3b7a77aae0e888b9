//! The figure of a case: stacked panels over one time axis, as static SVG that needs no script.
//!
//! The same picture is drawn by `report.js` when a reader zooms, from the data block beside it; the
//! geometry is handed over in that block, so that it stands in one place.

use std::fmt::{self, Write};

use proto::channel::{Channel, Row};
use proto::quantity::Micros;
use serde_json::{Value, json};

use super::alarms;
use super::escape::{Esc, script};
use super::geometry::{EVIDENCE, GAP, LABEL, LEFT, LETTER, Lanes, RIGHT, STEP, WIDTH, share, x_of};
use super::lanes::{self, Finding, Moment, Step};
use super::overlay::{draw_evidence, draw_moments, draw_steps, label_rows, shade};
use super::panels::{PANELS, Panel, name, of_state};
use super::scale;
use evidence::run::CaseResult;
use evidence::text::plain;
use evidence::thin::thin;

/// Columns the static picture is drawn in.
const COLUMNS: usize = 480;

/// Below this part of the highest value something is off, where the panel knows that: no cell of any chemistry comes so far
/// from its full voltage to its empty one but LTO, which comes to 0.54.
const OFF: f64 = 0.5;

/// A line with its points, quantised to what the reader is shown.
struct Drawn {
    /// in the style sheet
    class: String,
    name: &'static str,
    is_limit: bool,
    /// (time, value in units of the last shown decimal)
    points: Vec<(Micros, f64)>,
    until: Micros,
}

/// A panel with its place and its lines.
struct Placed {
    panel: Panel,
    top: f64,
    range: (f64, f64),
    lines: Vec<Drawn>,
}

/// Whether anything was measured.
pub(crate) fn has_data(case: &CaseResult) -> bool {
    channels(case) > 0 && case.length > Micros::ZERO
}

/// How many lines a case's figure has.
pub(crate) fn channels(case: &CaseResult) -> usize {
    let measured = PANELS.iter().flat_map(Panel::lines);
    measured.filter(|l| !case.trace.series(l.channel).points().is_empty()).count() + case.inner.len()
}

/// The figure with its data block. `points` bounds the data of one line.
pub(crate) fn figure(out: &mut String, number: usize, case: &CaseResult, points: usize) -> fmt::Result {
    let steps = lanes::steps(case);
    let moments = lanes::moments(case);
    let findings = lanes::findings(case);
    let alarms = alarms::raised(case);
    let (rows, labelled) = label_rows(&moments, case.length);
    let lanes = Lanes::new(rows, !steps.is_empty(), findings.len(), alarms.len());
    let panels = place(case, lanes.bottom);
    let bottom = panels.last().map_or(lanes.bottom, |p| p.top + p.panel.height);
    let height = bottom + 24.0;

    write!(
        out,
        "<figure class=plot id=\"fig-{number}\"><svg viewBox=\"0 0 {WIDTH} {height}\" role=img \
         aria-labelledby=\"fig-{number}-t\"><title id=\"fig-{number}-t\">{}</title><g class=live>",
        Esc(described(case, &panels))
    )?;
    shade(out, &lanes::shades(&findings), case.length, lanes.bottom, bottom)?;
    time_axis(out, case.length, lanes.bottom, bottom)?;
    for placed in &panels {
        panel(out, placed, case.length)?;
    }
    draw_steps(out, &steps, case.length, lanes.steps)?;
    draw_evidence(out, &findings, case.length, lanes.evidence)?;
    alarms::draw(out, &alarms, case.length, lanes.alarms)?;
    draw_moments(out, &moments, &labelled, case.length, &lanes, bottom)?;
    out.push_str("</g>");
    alarms::names(out, &alarms, lanes.alarms)?;
    for placed in &panels {
        names(out, placed)?;
    }
    out.push_str("</svg>");
    let mut data = data(case, points, &panels, &lanes, bottom, (&steps, &moments, &findings));
    data["alarms"] = alarms::data(&alarms);
    write!(out, "<script type=\"application/json\">{}</script></figure>", script(&data))
}

/// A small line of CVL alone, for the table of cases.
pub(crate) fn sparkline(out: &mut String, case: &CaseResult) -> fmt::Result {
    let (width, height) = (132.0, 20.0);
    let series = case.trace.series(Channel::Cvl);
    let Some((lowest, highest)) = extremes(series.points().iter().map(|p| p.1)) else { return Ok(()) };
    let (lo, hi) = scale::range(lowest, highest, 0.8, false);
    let few = thin(series.points(), Micros::ZERO, case.length, 88);
    let x = |t: Micros| share(t, case.length) * width;
    let y = |v: f64| height - (v - lo) / (hi - lo) * height;
    write!(
        out,
        "<svg class=spark viewBox=\"0 0 {width} {height}\" role=img><title>CVL {lowest:.1} V to {highest:.1} V</title>\
         <path class=\"l-battery-cvl\" d=\"{}\"/></svg>",
        step_path(&few, series.last_seen().unwrap_or(case.length), x, y)
    )
}

fn place(case: &CaseResult, top: f64) -> Vec<Placed> {
    let mut placed: Vec<Placed> = Vec::new();
    let mut y = top;
    let mut place = |panel: Panel, lines: Vec<Drawn>| {
        if !lines.is_empty() {
            let (at, range) = (y + GAP, axis(&panel, &lines));
            y = at + panel.height;
            placed.push(Placed { panel, top: at, range, lines });
        }
    };
    for (number, panel) in PANELS.iter().enumerate() {
        let measured = |line: &Row| {
            let series = case.trace.series(line.channel);
            let line = (line.class(), name(line), line.is_limit);
            drawn(case, panel, series.points(), series.last_seen(), line)
        };
        place(panel.clone(), panel.lines().filter_map(measured).collect());
        // What the program was about stands below what it said of its limit.
        for (key, inner) in case.inner.iter().enumerate().filter(|_| number == 0) {
            let (panel, class) = (of_state(inner), format!("state-{key}"));
            let line = drawn(case, &panel, &inner.points, None, (class, "", false));
            place(panel, line.into_iter().collect());
        }
    }
    placed
}

/// The points as the reader sees them: in the unit of the panel, rounded, equal neighbours merged.
fn drawn(
    case: &CaseResult,
    panel: &Panel,
    series: &[(Micros, f64)],
    end: Option<Micros>,
    (class, name, is_limit): (String, &'static str, bool),
) -> Option<Drawn> {
    let fine = quantum(panel);
    let mut points: Vec<(Micros, f64)> = Vec::new();
    for &(t, v) in series {
        let v = (v / panel.per * fine).round();
        if v.is_finite() && points.last().is_none_or(|p| (p.1 - v).abs() > 0.5) {
            points.push((t, v));
        }
    }
    let until = end.unwrap_or(case.length).min(case.length);
    (!points.is_empty()).then_some(Drawn { class, name, is_limit, points, until })
}

fn quantum(panel: &Panel) -> f64 {
    10_f64.powi(panel.decimals as i32)
}

/// Limits count only as far as they lie near what was measured, and what is off does not count.
fn axis(panel: &Panel, lines: &[Drawn]) -> (f64, f64) {
    let fine = quantum(panel);
    let all = |limits: bool| {
        lines
            .iter()
            .filter(move |d| limits || !d.is_limit)
            .flat_map(move |d| d.points.iter().map(move |p| p.1 / fine))
    };
    let highest = all(false).filter(|v| v.is_finite()).fold(0.0, f64::max);
    let least = if panel.off { OFF * highest } else { f64::NEG_INFINITY };
    let values = |limits: bool| all(limits).filter(move |v| *v >= least);
    let measured = extremes(values(false)).or_else(|| extremes(values(true)));
    let (mut lo, mut hi) = measured.unwrap_or((0.0, 0.0));
    let reach = 0.5 * (hi - lo).max(panel.least);
    let near: Vec<f64> = values(true).filter(|v| (lo - reach..=hi + reach).contains(v)).collect();
    if let Some((l, h)) = extremes(near.into_iter()) {
        (lo, hi) = (lo.min(l), hi.max(h));
    }
    scale::range(lo, hi, panel.least, panel.zero)
}

fn extremes(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|v| v.is_finite()).fold(None, |range, v| {
        let (l, h) = range.unwrap_or((v, v));
        Some((f64::min(l, v), f64::max(h, v)))
    })
}

/// A line that holds its value until the next point.
pub(super) fn step_path(
    points: &[(Micros, f64)],
    until: Micros,
    x: impl Fn(Micros) -> f64,
    y: impl Fn(f64) -> f64,
) -> String {
    let short = |v: f64| evidence::words::trim(v, 1);
    let mut d = String::new();
    let (mut at_x, mut at_y) = (String::new(), String::new());
    for &(t, v) in points {
        let (px, py) = (short(x(t)), short(y(v)));
        if d.is_empty() {
            d.push_str(&format!("M{px} {py}"));
        } else {
            if px != at_x {
                d.push_str(&format!("H{px}"));
            }
            if py != at_y {
                d.push_str(&format!("V{py}"));
            }
        }
        (at_x, at_y) = (px, py);
    }
    d.push_str(&format!("H{}", short(x(until))));
    d
}

fn panel(out: &mut String, placed: &Placed, length: Micros) -> fmt::Result {
    let (Panel { height, .. }, top) = (&placed.panel, placed.top);
    let (lo, hi) = placed.range;
    let y = |v: f64| height - (v - lo) / (hi - lo) * height;
    let (at, decimals) = scale::ticks(lo, hi, (height / 30.0).round() as usize);
    for v in at {
        let line = top + y(v);
        let class = if v.abs() < 1e-9 && placed.panel.zero { "grid zero" } else { "grid" };
        write!(
            out,
            "<path class=\"{class}\" d=\"M{LEFT} {line:.1}H{RIGHT}\"/>\
             <text class=tick x={} y={:.1}>{}</text>",
            LEFT - 7.0,
            line + 4.0,
            format_args!("{v:.decimals$}").to_string().replace('-', "−"),
        )?;
    }
    let width = RIGHT - LEFT;
    write!(out, "<svg x={LEFT} y={top} width={width} height={height}>")?;
    let fine = quantum(&placed.panel);
    for Drawn { class, points, until, .. } in &placed.lines {
        let few = thin(points, Micros::ZERO, length, COLUMNS);
        // Snapped to columns: what falls on one pixel costs one pixel.
        let column = width / COLUMNS as f64;
        let x = |t| (share(t, length) * width / column).floor() * column;
        // What is off lies below the axis: at its foot.
        let path = step_path(&few, *until, x, |v| y(v / fine).min(*height));
        write!(out, "<path class=\"l-{class}\" d=\"{path}\"/>")?;
    }
    out.push_str("</svg>");
    Ok(())
}

/// A title with the unit of its axis, where it has one.
fn titled(title: &str, unit: &str) -> String {
    if unit.is_empty() { title.to_owned() } else { format!("{title}, {unit}") }
}

/// Title, and at the right the names of the lines with the range of their values.
fn names(out: &mut String, placed: &Placed) -> fmt::Result {
    let Panel { title, unit, decimals, .. } = &placed.panel;
    let fine = quantum(&placed.panel);
    let lowest = extremes(placed.lines.iter().flat_map(|d| d.points.iter().map(|p| p.1 / fine)));
    let below = match lowest {
        Some((l, _)) if placed.panel.off && l < placed.range.0 => format!(" (at the foot: down to {l:.1})"),
        _ => String::new(),
    };
    write!(
        out,
        "<text class=panel x={LEFT} y={:.1}>{}{below}</text>",
        placed.top - 6.0,
        Esc(titled(title, unit))
    )?;
    for (row, d) in placed.lines.iter().rev().enumerate() {
        let y = placed.top + 10.0 + row as f64 * 17.0;
        let (l, h) = extremes(d.points.iter().map(|p| p.1 / fine)).unwrap_or((0.0, 0.0));
        let (l, h) = (format!("{l:.decimals$}"), format!("{h:.decimals$}"));
        let value = if l == h { format!("{l} {unit}") } else { format!("{l} … {h} {unit}") };
        let value = value.trim_end();
        write!(
            out,
            "<path class=\"l-{class}\" d=\"M{} {:.1}h16\"/><text class=name x={} y={:.1}>{}</text>\
             <text class=value x={WIDTH} y={:.1} data-line={class}>{}</text>",
            RIGHT + 14.0,
            y - 4.0,
            RIGHT + 36.0,
            y,
            d.name,
            y,
            value.replace('-', "−"),
            class = d.class,
        )?;
    }
    Ok(())
}

fn time_axis(out: &mut String, length: Micros, top: f64, bottom: f64) -> fmt::Result {
    for (t, label) in scale::times(length, 10) {
        let x = x_of(t, length);
        write!(
            out,
            "<path class=grid d=\"M{x:.1} {:.1}V{bottom:.1}\"/><text class=time x={x:.1} y={:.1}>{label}</text>",
            top + GAP,
            bottom + 16.0
        )?;
    }
    Ok(())
}

/// What the figure shows, for who cannot see it.
fn described(case: &CaseResult, panels: &[Placed]) -> String {
    let mut text = format!("{}, {}.", case.title, evidence::words::span(case.length));
    for p in panels {
        for d in &p.lines {
            if let Some((l, h)) = extremes(d.points.iter().map(|p| p.1)) {
                let (l, h) = (l / quantum(&p.panel), h / quantum(&p.panel));
                let (unit, dec) = (p.panel.unit, p.panel.decimals);
                let name = if d.name.is_empty() { &*p.panel.title } else { d.name };
                let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
                text.push_str(&format!(" {name} {l:.dec$} to {h:.dec$}{unit}."));
            }
        }
    }
    text
}

/// The data block that `report.js` draws from when a reader zooms or points at a moment. Times of lines are
/// in units of `q` milliseconds and delta-coded, values in units of the last shown decimal and delta-coded.
fn data(
    case: &CaseResult,
    points: usize,
    panels: &[Placed],
    lanes: &Lanes,
    bottom: f64,
    (steps, moments, findings): (&[Step], &[Moment], &[Finding]),
) -> Value {
    let q = if case.length > Micros::from_secs(600) { 100 } else { 1 };
    let ms = |t: Micros| t.0 / 1000;
    let code = |d: &Drawn| -> Vec<i64> {
        let (mut t0, mut v0) = (0_i64, 0_i64);
        let end = (d.until, d.points[d.points.len() - 1].1);
        thin(&d.points, Micros::ZERO, case.length, points / 4)
            .into_iter()
            .chain([end])
            .flat_map(|(t, v)| {
                let (t, v) = ((ms(t) / q) as i64, v as i64);
                let step = [t - t0, v - v0];
                (t0, v0) = (t, v);
                step
            })
            .collect()
    };
    json!({
        "length": ms(case.length), "q": q, "left": LEFT, "right": RIGHT, "width": WIDTH, "gap": GAP,
        "letter": LETTER, "label": LABEL, "labels": lanes.labels, "stepsAt": lanes.steps, "step": STEP,
        "evidenceAt": lanes.evidence, "evidence": EVIDENCE, "alarmsAt": lanes.alarms, "off": OFF, "top": lanes.bottom, "bottom": bottom,
        "panels": panels.iter().map(|p| json!({
            "top": p.top, "height": p.panel.height, "decimals": p.panel.decimals, "least": p.panel.least,
            "zero": p.panel.zero, "off": p.panel.off, "unit": p.panel.unit,
            "lines": p.lines.iter().map(|d| json!({
                "class": d.class, "limit": d.is_limit, "d": code(d),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "steps": steps.iter().map(|s| json!([ms(s.from), ms(s.to), plain(&s.text), s.line])).collect::<Vec<_>>(),
        "moments": moments.iter().map(|m| json!([ms(m.at), plain(&m.text), m.class])).collect::<Vec<_>>(),
        "shades": lanes::shades(findings).iter().map(|s| json!([s.mark.class(), ms(s.from), ms(s.to)])).collect::<Vec<_>>(),
        "findings": findings.iter().map(|f| json!([
            f.id, f.mark.class(), f.windows.iter().map(|w| [ms(w.0), ms(w.1)]).collect::<Vec<_>>(),
        ])).collect::<Vec<_>>(),
    })
}
