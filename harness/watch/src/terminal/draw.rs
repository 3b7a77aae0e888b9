//! What stands where on the terminal.

use evidence::words::{clock, span, trim};
use proto::quantity::Micros;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, Paragraph, Row, Table};

use crate::terminal::Look;
use crate::view::{Curve, LimitView, Output, Reading, State, View};

const SOFT: Style = Style::new().add_modifier(Modifier::DIM);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
const GOOD: Style = Style::new().fg(Color::Green);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const NEAR: Style = Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD);
const COLORS: [Color; 5] = [Color::Reset, Color::Blue, Color::Yellow, Color::Magenta, Color::Cyan];
/// A limit with less room than this share of it is told apart.
const CLOSE: f64 = 0.05;
/// The quantities that a line of numbers has, with what it calls each.
const NUMBERS: [(&str, &str); 8] = [
    ("battery.cvl", "CVL"),
    ("battery.voltage", "battery"),
    ("battery.current", ""),
    ("battery.soc", ""),
    ("inverter.dc-voltage", "bus"),
    ("battery.highest-cell", "cells"),
    ("battery.lowest-cell", "to"),
    ("solar.pv-power", "PV"),
];

/// Draws what is watched.
pub fn draw(frame: &mut Frame<'_>, views: &[View], look: Look) {
    match views {
        [one] => station(frame, one, look.down, "q quits · ↑ ↓ scroll"),
        many if look.in_full => {
            let chosen = &many[look.chosen.min(many.len() - 1)];
            station(frame, chosen, look.down, "Esc: all runs · q quits · ↑ ↓ scroll");
        }
        many => wall(frame, many, look.chosen),
    }
}

fn seconds(seconds: f64) -> Micros {
    Micros((seconds.max(0.0) * 1e6) as u64)
}

fn output(output: Output) -> Span<'static> {
    let style = match output {
        Output::On => Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD),
        Output::Off => GOOD.add_modifier(Modifier::BOLD),
        Output::Unknown | Output::NotConfirmedOff => BAD.add_modifier(Modifier::REVERSED),
        Output::None => SOFT,
    };
    Span::styled(format!(" {} ", output.words()), style)
}

fn state(view: &View) -> Span<'static> {
    match view.state {
        State::Quiet => {
            let quiet = span(seconds(view.quiet_s.unwrap_or_default()));
            Span::styled(format!("{} for {quiet}", State::Quiet.words()), BAD)
        }
        State::Running => Span::styled(State::Running.words(), GOOD),
        other => Span::styled(other.words(), SOFT),
    }
}

/// The same in a column of a wall.
fn briefly(view: &View) -> Span<'static> {
    match view.state {
        State::Quiet => {
            let quiet = span(seconds(view.quiet_s.unwrap_or_default()));
            Span::styled(format!("silent {quiet}"), BAD)
        }
        State::Waiting => Span::styled("waiting", SOFT),
        State::Running | State::Ended => state(view),
    }
}

const fn between(view: &View) -> &'static str {
    match view.state {
        State::Ended => "the last case has ended",
        _ => "between two cases",
    }
}

fn tally(view: &View) -> String {
    let of = |outcome: &str| view.done.iter().filter(|done| done.outcome == outcome).count();
    format!(
        "{} passed, {} failed, {} undecided of {}",
        of("pass"),
        of("fail"),
        of("inconclusive"),
        view.cases
    )
}

fn station(frame: &mut Frame<'_>, view: &View, down: u16, keys: &str) {
    let head = head(view);
    let numbers = numbers(view, frame.area().width);
    let curves: Vec<&Curve> = view.curves.iter().filter(|curve| curve.lane == "voltage").collect();
    // A small terminal has no room for a figure.
    let figure = if curves.is_empty() || frame.area().height < 22 { 0 } else { frame.area().height / 3 };
    let [top, middle, chart, below, foot] = Layout::vertical([
        Constraint::Length(head.len() as u16),
        Constraint::Length(numbers.len() as u16),
        Constraint::Length(figure),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(head), top);
    frame.render_widget(Paragraph::new(numbers), middle);
    if figure > 0 {
        voltages(frame, chart, &curves, view.case.as_ref().map_or(0.0, |case| case.at_s));
    }
    lists(frame, below, view, down);
    frame.render_widget(Paragraph::new(Span::styled(keys.to_owned(), SOFT)), foot);
}

fn head(view: &View) -> Vec<Line<'static>> {
    if view.state == State::Waiting {
        return vec![Line::styled("Waiting for a run", STRONG), Line::styled(view.folder.clone(), SOFT)];
    }
    let mut lines = vec![
        Line::from_iter([
            output(view.output),
            Span::raw("  "),
            Span::styled(format!("{} on {}", view.battery, view.rig), STRONG),
            Span::raw("  "),
            state(view),
        ]),
        Line::styled(format!("{} · {}", view.run, tally(view)), SOFT),
    ];
    if let Some(wrong) = &view.wrong {
        lines.push(Line::styled(format!("read no further: {wrong}"), BAD));
    }
    let Some(case) = &view.case else { return lines };
    lines.push(Line::from_iter([
        Span::styled(case.name.clone(), STRONG),
        Span::raw(format!("  case {} of {}  {}", case.number, view.cases, clock(seconds(case.at_s)))),
    ]));
    let to_go = case.to_go_s.map_or_else(String::new, |left| {
        let most = if case.waits { "at most " } else { "" };
        format!(" · {most}{} to go", clock(seconds(left)))
    });
    lines.push(Line::raw(if case.over { between(view).to_owned() } else { format!("{}{to_go}", case.step) }));
    if let Some(asks) = &case.asks {
        let at = case.answered_at.as_ref().map_or_else(String::new, |at| format!(" (answered at {at})"));
        lines.push(Line::styled(format!("▶ {asks}{at}"), NEAR));
    }
    lines
}

/// The main readings, in as many lines as they take.
fn numbers(view: &View, width: u16) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut used = usize::MAX;
    for (key, name) in NUMBERS {
        let Some(reading) = view.readings.iter().find(|reading| reading.key == key) else { continue };
        let name = if name.is_empty() { String::new() } else { format!("{name} ") };
        let taken = name.chars().count() + reading.text.chars().count() + 2;
        let style = if reading.stale { SOFT.add_modifier(Modifier::CROSSED_OUT) } else { STRONG };
        let spans = [Span::styled(name, SOFT), Span::styled(reading.text.clone(), style), Span::raw("  ")];
        if used.saturating_add(taken) > usize::from(width) {
            (used, _) = (0, lines.push(Line::default()));
        }
        used += taken;
        if let Some(line) = lines.last_mut() {
            line.spans.extend(spans);
        }
    }
    lines
}

fn voltages(frame: &mut Frame<'_>, area: Rect, curves: &[&Curve], end: f64) {
    let stepped: Vec<Vec<(f64, f64)>> = curves.iter().map(|curve| steps(&curve.points, end)).collect();
    let values = || stepped.iter().flatten().map(|point| point.1);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let room = ((high - low) * 0.1).max(0.05);
    let (low, high) = (low - room, high + room);
    let sets = curves.iter().zip(&stepped).zip(COLORS).map(|((curve, points), color)| {
        let set = Dataset::default().name(curve.name).marker(Marker::Braille).graph_type(GraphType::Line);
        set.style(Style::new().fg(color)).data(points)
    });
    let names = curves.iter().zip(COLORS).flat_map(|(curve, color)| {
        [Span::raw("━ ").style(Style::new().fg(color)), Span::styled(format!("{}  ", curve.name), SOFT)]
    });
    let block = Block::new().title(Line::from_iter(names));
    let x = Axis::default().bounds([0.0, end.max(1.0)]).labels(["0:00:00".to_owned(), clock(seconds(end))]);
    let labels = [low, f64::midpoint(low, high), high].map(|value| format!("{value:.1} V"));
    let y = Axis::default().bounds([low, high]).labels(labels);
    frame.render_widget(
        Chart::new(sets.collect()).block(block).legend_position(None).x_axis(x).y_axis(y),
        area,
    );
}

/// A value holds until it changes.
fn steps(points: &[(f64, f64)], end: f64) -> Vec<(f64, f64)> {
    let mut drawn: Vec<(f64, f64)> = Vec::with_capacity(2 * points.len() + 1);
    for &(at, value) in points {
        if let Some(&(_, before)) = drawn.last() {
            drawn.push((at, before));
        }
        drawn.push((at, value));
    }
    drawn.extend(points.last().map(|&(_, value)| (end, value)));
    drawn
}

fn lists(frame: &mut Frame<'_>, area: Rect, view: &View, down: u16) {
    let halves = Layout::horizontal([Constraint::Percentage(46), Constraint::Fill(1)]).spacing(2);
    let [left, right] = halves.areas(area);
    let limits = view.limits.iter().map(limit).collect::<Vec<_>>();
    list(frame, left, "Limits of the rig", limits, down);
    let mut told: Vec<Line<'static>> = view
        .notes
        .iter()
        .rev()
        .take(4)
        .map(|note| {
            let at = Span::styled(format!("{} ", clock(seconds(note.at_s))), SOFT);
            Line::from_iter([at, Span::raw(format!("{}: {}", note.kind, note.text))])
        })
        .collect();
    told.extend(view.done.iter().rev().map(|done| {
        let style = match done.outcome.as_str() {
            "pass" => GOOD,
            "fail" => BAD,
            "inconclusive" => NEAR,
            _ => SOFT,
        };
        let why = if done.reason.is_empty() { String::new() } else { format!("  {}", done.reason) };
        Line::from_iter([
            Span::styled(format!("{:<13}", done.outcome), style),
            Span::raw(format!("{}{why}", done.name)),
        ])
    }));
    list(frame, right, "Events and verdicts, the latest first", told, down);
}

fn list(frame: &mut Frame<'_>, area: Rect, title: &'static str, lines: Vec<Line<'static>>, down: u16) {
    let block = Block::new().title(Line::styled(title, SOFT));
    frame.render_widget(Paragraph::new(lines).block(block).scroll((down, 0)), area);
}

fn limit(limit: &LimitView) -> Line<'static> {
    let style = match limit.share {
        _ if limit.stale => SOFT,
        Some(share) if share <= 0.0 => BAD,
        Some(share) if share < CLOSE => NEAR,
        _ => Style::new(),
    };
    let room = if limit.room.is_some() { format!("{} left", limit.text) } else { limit.text.clone() };
    let words = limit.words.strip_prefix("the ").unwrap_or(&limit.words).to_owned();
    Line::from_iter([Span::styled(format!("{room:>14}  "), style), Span::raw(words)])
}

fn wall(frame: &mut Frame<'_>, views: &[View], chosen: usize) {
    let [area, foot] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(frame.area());
    let text =
        |reading: Option<&Reading>| reading.map_or_else(|| "–".to_owned(), |reading| reading.text.clone());
    let rows = views.iter().enumerate().map(|(place, view)| {
        let reading = |key: &str| text(view.readings.iter().find(|reading| reading.key == key));
        let case = view.case.as_ref();
        let name = case.map_or_else(|| view.folder.clone(), |case| case.name.clone());
        let step = case.map_or_else(String::new, |case| {
            if case.over { between(view).to_owned() } else { case.step.clone() }
        });
        let row = Row::new([
            Line::raw(if view.rig.is_empty() { "–".to_owned() } else { view.rig.clone() }),
            Line::from(briefly(view)),
            Line::from(output(view.output)),
            Line::raw(case.map_or_else(|| "–".to_owned(), |case| format!("{}/{}", case.number, view.cases))),
            Line::raw(reading("battery.cvl")),
            Line::raw(reading("battery.voltage")),
            Line::raw(reading("battery.current")),
            Line::raw(format!("{name}  {step}")),
        ]);
        if place == chosen { row.style(Style::new().add_modifier(Modifier::REVERSED)) } else { row }
    });
    let widths = [12, 12, 19, 6, 8, 8, 8].map(Constraint::Length).into_iter().chain([Constraint::Fill(1)]);
    let head = Row::new(["rig", "", "", "case", "CVL", "battery", "current", ""]).style(SOFT);
    frame.render_widget(Table::new(rows, widths).header(head), area);
    frame.render_widget(Paragraph::new(Span::styled("↑ ↓ choose · Enter: in full · q quits", SOFT)), foot);
}

/// The same in plain lines, where nobody can press a key.
#[must_use]
pub fn lines(view: &View) -> String {
    let text = |line: &Line<'_>| line.spans.iter().map(|span| span.content.as_ref()).collect::<String>();
    let mut out: Vec<String> = head(view).iter().map(|line| text(line).trim().to_owned()).collect();
    out.extend(numbers(view, 78).iter().map(|line| text(line).trim_end().to_owned()));
    out.extend(view.limits.iter().map(|own| text(&limit(own))));
    out.extend(view.readings.iter().map(|reading| {
        let age = trim(reading.age_s, 1);
        let stale = if reading.stale { ", too old" } else { "" };
        format!("{:<44} {:<14} {age} s ago{stale}", reading.words, reading.text)
    }));
    out.join("\n") + "\n"
}

#[cfg(test)]
mod tests;
