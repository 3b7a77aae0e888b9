//! The tube around a golden trace with the new one in it: the whole case, and the moment at which they part.

use std::fmt::{self, Write};

use judge::tube::{Apart, Band, Bound, Steps, Tolerance};
use judge::window::Window;
use proto::quantity::Micros;

use super::super::geometry::share;
use super::super::{figure, scale};
use crate::golden::{Found, Held, around, fine, range, volts};
use evidence::thin::thin;
use evidence::words::{clock, trim};

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 990.0;
/// Room above for the name of the moment, and the panel below it.
const TOP: f64 = 20.0;
const PANEL: f64 = 190.0;
/// A row that says where a trace has no partner or was silent.
const LANE: f64 = 16.0;
/// Stretches of time of which the extremes are drawn.
const COLUMNS: usize = 480;

/// A part of the time of a case, with what belongs into it.
struct View<'a> {
    held: &'a Held,
    new: Option<&'a Steps>,
    time: Window,
    band: Band,
    /// what it would have needed
    needed: Option<Band>,
    low: f64,
    high: f64,
}

/// One figure of the whole case and, where the traces part, one around that moment.
pub(super) fn figures(out: &mut String, held: &Held) -> fmt::Result {
    let golden = &held.golden.trace;
    let end = held.new.as_ref().map_or(golden.end(), |new| golden.end().max(new.end()));
    let whole = Window::new(Micros::ZERO, end);
    let Found::Apart(apart) = &held.found else {
        keys(out, false)?;
        return View::new(held, whole, None).draw(out, "The whole case", None, None);
    };
    let near = around(apart.at, held.golden.tolerance.lag, end);
    keys(out, apart.needed.is_some())?;
    let title = format!("Around the first moment without a partner, {}", fine(apart.at));
    write!(out, "<h3>{title}</h3>")?;
    View::new(held, near, apart.needed).draw(out, &title, Some(apart), None)?;
    if in_order_only(held) {
        out.push_str(
            "<p class=quiet>Each value alone has a partner within the tolerance, but not in this order: neither trace may go back.</p>",
        );
    }
    out.push_str("<h3>The whole case; the frame is what stands above</h3>");
    View::new(held, whole, None).draw(out, "The whole case", Some(apart), Some(near))
}

/// Whether nothing leaves a tube, and yet they do not match.
fn in_order_only(held: &Held) -> bool {
    let (golden, within) = (&held.golden.trace, held.golden.tolerance);
    held.new.as_ref().is_some_and(|new| {
        Band::around(golden, within).without(new).is_empty()
            && Band::around(new, within).without(golden).is_empty()
    })
}

fn keys(out: &mut String, needed: bool) -> fmt::Result {
    out.push_str("<ul class=keys>");
    let line = |class: &str| format!("<path class={class} d=\"M0 6H30\"/>");
    let mut all = vec![
        (line("golden"), "golden"),
        (line("new"), "this run"),
        ("<path class=band d=\"M0 0H30V12H0z\"/>".to_owned(), "tolerance tube"),
        ("<rect class=alone x=0 y=2 width=30 height=8 />".to_owned(), "has no partner"),
        ("<rect class=silent x=1 y=2 width=28 height=8 />".to_owned(), "silent"),
    ];
    if needed {
        all.insert(3, (line("needed"), "tube that it would have needed"));
    }
    for (drawn, what) in all {
        write!(out, "<li><svg viewBox=\"0 0 30 12\" aria-hidden=true>{drawn}</svg>{what}</li>")?;
    }
    out.push_str("</ul>");
    Ok(())
}

impl<'a> View<'a> {
    fn new(held: &'a Held, time: Window, needed: Option<i32>) -> Self {
        let (golden, within) = (&held.golden.trace, held.golden.tolerance);
        let band = Band::around(golden, within);
        let needed = needed.map(|decivolts| Band::around(golden, Tolerance { decivolts, ..within }));
        let bounds = [Some(&band), needed.as_ref()].into_iter().flatten();
        let bounds = bounds.flat_map(|band| inside(band, time).map(|(_, bound)| (bound.low, bound.high)));
        let sent = held.new.as_ref().and_then(|new| range(new, time.from, time.to));
        let (low, high) =
            bounds.chain(sent).fold((i32::MAX, i32::MIN), |(low, high), (a, b)| (low.min(a), high.max(b)));
        let (low, high) = if low > high { (0, 0) } else { (low, high) };
        let (low, high) = scale::range(f64::from(low) / 10.0, f64::from(high) / 10.0, 0.6, false);
        Self { held, new: held.new.as_ref(), time, band, needed, low, high }
    }

    fn x(&self, at: Micros) -> f64 {
        LEFT + share(at.since(self.time.from), self.time.length()) * (RIGHT - LEFT)
    }

    fn y(&self, volts: f64) -> f64 {
        TOP + PANEL - (volts - self.low) / (self.high - self.low) * PANEL
    }

    fn draw(
        &self,
        out: &mut String,
        title: &str,
        first: Option<&Apart>,
        frame: Option<Window>,
    ) -> fmt::Result {
        let rows = [
            ("golden", Some(&self.held.golden.trace), self.new),
            ("this run", self.new, Some(&self.held.golden.trace)),
        ];
        let height = TOP + PANEL + 2.0 * LANE + 24.0;
        write!(
            out,
            "<div class=tube><svg viewBox=\"0 0 {WIDTH} {height}\" role=img><title>CVL. {title}</title>"
        )?;
        self.axes(out, height)?;
        write!(out, "<path class=band d=\"{}\"/>", self.area(&self.band))?;
        if let Some(needed) = &self.needed {
            write!(out, "<path class=needed d=\"{}\"/>", self.area(needed))?;
        }
        for (class, trace) in [("golden", Some(&self.held.golden.trace)), ("new", self.new)] {
            write!(
                out,
                "<path class={class} d=\"{}\"/>",
                trace.map_or(String::new(), |trace| self.line(trace))
            )?;
        }
        for (k, (name, trace, other)) in rows.into_iter().enumerate() {
            self.lane(out, TOP + PANEL + 4.0 + k as f64 * LANE, name, trace.zip(other))?;
        }
        if let Some(frame) = frame {
            let (from, to) = (self.x(frame.from), self.x(frame.to));
            write!(
                out,
                "<rect class=view x={from:.1} y={TOP} width={:.1} height={PANEL} />",
                (to - from).max(3.0)
            )?;
        }
        if let Some(apart) = first {
            self.first(out, apart)?;
        }
        out.push_str("</svg></div>");
        Ok(())
    }

    fn axes(&self, out: &mut String, height: f64) -> fmt::Result {
        let (ticks, digits) = scale::ticks(self.low, self.high, 5);
        for tick in ticks {
            let y = self.y(tick);
            write!(
                out,
                "<path class=grid d=\"M{LEFT} {y:.1}H{RIGHT}\"/><text class=tick x={} y={:.1}>{tick:.digits$} V</text>",
                LEFT - 8.0,
                y + 4.0
            )?;
        }
        let times = scale::times(self.time.length(), 8);
        let step = times.get(1).map_or(1, |second| second.0.0).max(1);
        let mut at = Micros(self.time.from.0.div_ceil(step) * step);
        while at <= self.time.to {
            let x = self.x(at).min(RIGHT - 18.0);
            write!(out, "<text class=time x={x:.1} y={}>{}</text>", height - 6.0, clock(at))?;
            at += Micros(step);
        }
        Ok(())
    }

    /// The outline of a tube. Where it has more bounds than a reader can see, their extremes within each step of the drawing.
    fn area(&self, band: &Band) -> String {
        let digits = if inside(band, self.time).nth(2 * COLUMNS).is_some() { 0 } else { 1 };
        let mut steps: Vec<(String, f64, f64)> = Vec::new();
        for (from, bound) in inside(band, self.time) {
            let x = trim(self.x(from), digits);
            let (low, high) = (f64::from(bound.low) / 10.0, f64::from(bound.high) / 10.0);
            match steps.last_mut() {
                Some(last) if last.0 == x => (last.1, last.2) = (last.1.min(low), last.2.max(high)),
                _ => steps.push((x, low, high)),
            }
        }
        let end = trim(self.x(band.end().min(self.time.to)), 1);
        let Some(first) = steps.first() else { return String::new() };
        let mut path = format!("M{} {:.1}", first.0, self.y(first.2));
        for (x, _, high) in &steps[1..] {
            let _ = write!(path, "H{x}V{:.1}", self.y(*high));
        }
        let _ = write!(path, "H{end}");
        for (x, low, _) in steps.iter().rev() {
            let _ = write!(path, "V{:.1}H{x}", self.y(*low));
        }
        path + "z"
    }

    fn line(&self, trace: &Steps) -> String {
        let Window { from, to } = self.time;
        let begins = trace.at(from).map(|value| (from, value));
        let later = trace.points().iter().copied().filter(|point| from < point.0 && point.0 < to);
        let points: Vec<(Micros, f64)> =
            begins.into_iter().chain(later).map(|(at, value)| (at, f64::from(value) / 10.0)).collect();
        if points.is_empty() {
            return String::new();
        }
        let few = thin(&points, from, to, COLUMNS);
        figure::step_path(&few, trace.end().min(to), |at| self.x(at), |volts| self.y(volts))
    }

    /// Where a trace has no partner in the other, and where it was silent.
    fn lane(&self, out: &mut String, top: f64, name: &str, traces: Option<(&Steps, &Steps)>) -> fmt::Result {
        write!(out, "<text class=lane x={} y={:.1}>{name}</text>", LEFT - 8.0, top + 11.0)?;
        let Some((trace, other)) = traces else { return Ok(()) };
        let alone = Band::around(other, self.held.golden.tolerance).without(trace);
        for (class, what, windows) in
            [("alone", "has no partner", alone.as_slice()), ("silent", "silent", trace.silences())]
        {
            let mut drawn: Vec<Window> = Vec::new();
            for window in windows.iter().filter_map(|window| window.overlap(self.time)) {
                // What nobody could see between two of them is left out.
                match drawn.last_mut() {
                    Some(last) if self.x(window.from) - self.x(last.to) < 1.0 => last.to = window.to,
                    _ => drawn.push(window),
                }
            }
            for window in drawn {
                let (from, to) = (self.x(window.from), self.x(window.to));
                write!(
                    out,
                    "<rect class={class} x={from:.1} y={:.1} width={:.1} height=10><title>{name} {what}, {} to {}</title></rect>",
                    top + 2.0,
                    (to - from).max(2.0),
                    fine(window.from),
                    fine(window.to)
                )?;
            }
        }
        Ok(())
    }

    fn first(&self, out: &mut String, apart: &Apart) -> fmt::Result {
        let x = self.x(apart.at);
        write!(out, "<g class=first><path d=\"M{x:.1} {}V{}\"/>", TOP - 4.0, TOP + PANEL)?;
        for value in [apart.golden, apart.new].into_iter().flatten() {
            write!(out, "<circle cx={x:.1} cy={:.1} r=4 />", self.y(f64::from(value) / 10.0))?;
        }
        let value = |value: Option<i32>| value.map_or("over".to_owned(), volts);
        let (anchor, x) = if x > WIDTH / 2.0 { ("end", x - 6.0) } else { ("start", x + 6.0) };
        write!(
            out,
            "<text x={x:.1} y={} text-anchor={anchor}>{}: golden {}, this run {}</text></g>",
            TOP - 6.0,
            fine(apart.at),
            value(apart.golden),
            value(apart.new)
        )
    }
}

/// The bounds of a tube within a time, each from when on.
fn inside(band: &Band, time: Window) -> impl Iterator<Item = (Micros, &Bound)> {
    let bounds = band.bounds();
    let first = bounds.partition_point(|bound| bound.from <= time.from).saturating_sub(1);
    let ends = if band.end() > time.from { bounds.len() } else { first };
    bounds[first..ends]
        .iter()
        .take_while(move |bound| bound.from < time.to)
        .map(move |bound| (bound.from.max(time.from), bound))
}
