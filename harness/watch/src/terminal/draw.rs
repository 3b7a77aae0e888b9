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
use crate::view::{Curve, LimitView, Output, Reading, Standing, State, View};

const SOFT: Style = Style::new().add_modifier(Modifier::DIM);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
const GOOD: Style = Style::new().fg(Color::Green);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const NEAR: Style = Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD);
const COLORS: [Color; 5] = [Color::Reset, Color::Blue, Color::Yellow, Color::Magenta, Color::Cyan];
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
        State::Unread => Span::styled(State::Unread.words(), BAD),
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
        State::Unread => Span::styled("unread", BAD),
        State::Running | State::Ended => state(view),
    }
}

fn tally(view: &View) -> String {
    let of = |outcome: &str| view.ended.get(outcome).copied().unwrap_or_default();
    format!(
        "{} passed, {} failed, {} undecided of {}",
        of("pass"),
        of("fail"),
        of("inconclusive"),
        view.cases
    )
}

fn station(frame: &mut Frame<'_>, view: &View, down: u16, keys: &str) {
    let head = head(view, frame.area().width);
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

/// A text in as many lines as it takes.
fn wrapped(text: &str, style: Style, width: u16) -> Vec<Line<'static>> {
    let (width, mut lines) = (usize::from(width.max(1)), vec![String::new()]);
    for word in text.split_inclusive(' ') {
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > 0 && used + word.trim_end().chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
    }
    lines.into_iter().map(|line| Line::styled(line.trim_end().to_owned(), style)).collect()
}

fn head(view: &View, width: u16) -> Vec<Line<'static>> {
    let wrong = view.wrong.as_ref().map(|wrong| format!("read no further: {wrong}"));
    let troubles = [&wrong, &view.lacks].into_iter().flatten().flat_map(|text| wrapped(text, BAD, width));
    if view.state == State::Waiting {
        let waiting =
            vec![Line::styled("Waiting for a run", STRONG), Line::styled(view.folder.clone(), SOFT)];
        return waiting.into_iter().chain(troubles).collect();
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
    lines.extend(troubles);
    let Some(case) = &view.case else { return lines };
    lines.push(Line::from_iter([
        Span::styled(case.name.clone(), STRONG),
        Span::raw(format!("  case {} of {}  {}", case.number, view.cases, clock(seconds(case.at_s)))),
    ]));
    let to_go = case.to_go_s.map_or_else(String::new, |left| {
        let most = if case.waits { "at most " } else { "" };
        format!(" · {most}{} to go", clock(seconds(left)))
    });
    lines.extend(wrapped(&format!("{}{to_go}", case.step), Style::new(), width));
    if let Some(asks) = &case.asks {
        let at = case.answered_at.as_ref().map_or_else(String::new, |at| format!(" (answered at {at})"));
        lines.extend(wrapped(&format!("▶ {asks}{at}"), NEAR, width));
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
    let down = down.min(u16::try_from(lines.len().saturating_sub(1)).unwrap_or(u16::MAX));
    frame.render_widget(Paragraph::new(lines).block(block).scroll((down, 0)), area);
}

fn limit(limit: &LimitView) -> Line<'static> {
    let style = match limit.standing {
        _ if limit.stale => SOFT,
        Standing::Beyond => BAD,
        Standing::Near => NEAR,
        Standing::Within => Style::new(),
    };
    let room = if limit.room.is_some() { format!("{} left", limit.text) } else { limit.text.clone() };
    let words = limit.words.strip_prefix("the ").unwrap_or(&limit.words).to_owned();
    Line::from_iter([Span::styled(format!("{room:>14}  "), style), Span::raw(words)])
}

/// A terminal of this many columns has room for readings beside what a run does.
const WIDE: u16 = 110;

fn wall(frame: &mut Frame<'_>, views: &[View], chosen: usize) {
    let [area, foot] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(frame.area());
    let is_wide = area.width >= WIDE;
    let text =
        |reading: Option<&Reading>| reading.map_or_else(|| "–".to_owned(), |reading| reading.text.clone());
    let rows = views.iter().enumerate().map(|(place, view)| {
        let reading = |key: &str| text(view.readings.iter().find(|reading| reading.key == key));
        let case = view.case.as_ref();
        let name = case.map_or_else(|| view.folder.clone(), |case| case.name.clone());
        let step = case.map_or("", |case| &case.step);
        let mut cells = vec![
            Line::raw(if view.rig.is_empty() { "–".to_owned() } else { view.rig.clone() }),
            Line::from(briefly(view)),
            Line::from(output(view.output)),
            Line::raw(case.map_or_else(|| "–".to_owned(), |case| format!("{}/{}", case.number, view.cases))),
        ];
        if is_wide {
            cells.extend(READ.map(|(key, _)| Line::raw(reading(key))));
        }
        cells.push(Line::raw(format!("{name}  {step}")));
        let row = Row::new(cells);
        if place == chosen { row.style(Style::new().add_modifier(Modifier::REVERSED)) } else { row }
    });
    let read = READ.iter().filter(|_| is_wide);
    let widths = [12, 14, 19, 6].into_iter().chain(read.clone().map(|_| 8)).map(Constraint::Length);
    let names = ["rig", "", "", "case"].into_iter().chain(read.map(|(_, name)| *name)).chain([""]);
    let table = Table::new(rows, widths.chain([Constraint::Fill(1)])).header(Row::new(names).style(SOFT));
    frame.render_widget(table, area);
    // Runs on rigs of one name are told apart by their own.
    let run =
        views.get(chosen).map_or_else(String::new, |view| format!("  {} on {}", view.run, view.battery));
    let keys = format!("↑ ↓ choose · Enter: in full · q quits{run}");
    frame.render_widget(Paragraph::new(Span::styled(keys, SOFT)), foot);
}

/// Readings of a wall, and what each is called there.
const READ: [(&str, &str); 3] =
    [("battery.cvl", "CVL"), ("battery.voltage", "battery"), ("battery.current", "current")];

/// The same in plain lines, where nobody can press a key.
#[must_use]
pub fn lines(view: &View) -> String {
    let text = |line: &Line<'_>| line.spans.iter().map(|span| span.content.as_ref()).collect::<String>();
    let mut out: Vec<String> = head(view, 78).iter().map(|line| text(line).trim().to_owned()).collect();
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
