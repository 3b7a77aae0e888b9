//! What a search came to, for a person and for a script.

use std::cmp::Ordering;
use std::path::Path;

use proto::text::lines;
use serde_json::json;
use session::search::{Answer, Asked, ENOUGH, Point, Search, Tuning, Turned, Worst};

/// What there is to tell.
pub(super) struct Told<'a> {
    pub(super) search: &'a Search,
    pub(super) answer: &'a Answer,
    pub(super) tuning: Option<&'a Tuning>,
    pub(super) asked: &'a Asked,
    pub(super) folder: &'a Path,
}

/// Parameters that are shown: those that move the rank by this much at the least, and so many at the most.
const MOVES: (f64, usize) = (0.1, 8);

impl Told<'_> {
    pub(super) fn text(&self) -> String {
        let Self { search, answer, .. } = self;
        let points = answer.points.len();
        let mut text = format!(
            "Searched {points} points of {} parameters for the least room of {} in {}\n",
            search.parameters().len(),
            some(search.requirements()),
            some(search.cases()),
        );
        if let Some(point) = &answer.as_it_is {
            text += &format!("As the files have it  {}\n", self.found(point));
        }
        match answer.worst() {
            None => text += "Nothing was decided at any point\n",
            Some(worst) => text += &self.worst(worst),
        }
        text += &self.undecided();
        text += &self.moves();
        if let Some(worst) = answer.worst() {
            text += &format!("Run it                {}\n", self.command(worst));
        }
        text += &self.tuning.map(|tuning| self.tuned(tuning)).unwrap_or_default();
        lines(&text).into_owned()
    }

    /// What to turn, and what that does.
    fn tuned(&self, tuning: &Tuning) -> String {
        let mut text = format!(
            "What to turn          at the files as they are and the worst points ({} in all), where now the least is {}\n",
            tuning.held,
            share(tuning.now)
        );
        for turned in &tuning.alone {
            text += &format!("  {:<28} {}: {}\n", turned.path, setting(turned), share(turned.room));
        }
        let set = tuning.settings.iter().map(|(path, value)| format!("{path}: {value}"));
        let set = set.collect::<Vec<_>>().join(", ");
        let enough = if tuning.room >= ENOUGH { "" } else { ", less than the 20 % that are wanted" };
        match &tuning.elsewhere {
            None => {
                text +=
                    "  nothing that may be turned leaves more room; give another number, or a wider range\n"
            }
            Some(elsewhere) => {
                text += &format!("Set                   {set}: {}{enough}\n", share(tuning.room));
                text += &format!(
                    "  at {} other points of the ranges {} failed; the least is {}\n",
                    elsewhere.points,
                    elsewhere.failed,
                    share(elsewhere.room)
                );
                text += &format!("  it is in {}\n", self.file("tuned.yaml"));
            }
        }
        text
    }

    fn worst(&self, worst: &Point) -> String {
        let answer = self.answer;
        let mut text = format!("The worst             {}\n", self.found(worst));
        let mut values: Vec<_> = self.search.parameters().iter().zip(self.search.values(worst)).collect();
        let rank = |name: &str| answer.moves.iter().position(|(other, _)| other == name);
        values.sort_by_key(|(parameter, _)| rank(&parameter.name));
        for (parameter, value) in values.iter().take(MOVES.1) {
            text +=
                &format!("  {:<28} {value}  (of {} to {})\n", parameter.name, parameter.low, parameter.high);
        }
        if values.len() > MOVES.1 {
            text += &format!("  and {} more, all in {}\n", values.len() - MOVES.1, self.file("search.json"));
        }
        let failed = answer.points.iter().filter(|point| point.found.outcome == "fail").count();
        if let Some(first) = answer.first_failure() {
            text += &format!(
                "Failed at             {failed} of {} points, first at point {}\n",
                answer.points.len(),
                first.number
            );
        }
        text
    }

    /// A point in a line: how close, in what.
    fn found(&self, point: &Point) -> String {
        let Some(worst) = &point.found.worst else {
            return format!("undecided: {}", point.found.undecided);
        };
        let place = if point.number > 0 { format!(", point {}", point.number) } else { String::new() };
        let line = format!("{} {} in {}{place}", worst.requirement, room(worst), worst.case);
        if worst.reason.is_empty() { line } else { format!("{line}\n  {}", worst.reason) }
    }

    fn undecided(&self) -> String {
        let open: Vec<_> =
            self.answer.points.iter().filter(|point| !point.found.undecided.is_empty()).collect();
        let Some(first) = open.first() else { return String::new() };
        format!(
            "Not decided           something at {} of {} points, first at point {}: {}\n",
            open.len(),
            self.answer.points.len(),
            first.number,
            first.found.undecided
        )
    }

    fn moves(&self) -> String {
        let strong: Vec<_> =
            self.answer.moves.iter().filter(|(_, weight)| weight.abs() >= MOVES.0).take(MOVES.1).collect();
        if strong.is_empty() {
            return "What moves the room   no parameter by itself, as far as these points tell\n".to_owned();
        }
        let mut text = "What moves the room   by a standardised regression of its rank over these points, which crowd where it is small\n".to_owned();
        for (name, weight) in strong {
            let way = if *weight < 0.0 { "less room with more of it" } else { "more room with more of it" };
            text += &format!("  {name:<28} {weight:+.2}  {way}\n");
        }
        text
    }

    /// The command that runs the worst point.
    fn command(&self, worst: &Point) -> String {
        let Self { asked, search, .. } = self;
        let names: Vec<String> = search.files(worst).unwrap_or_default().into_keys().collect();
        let has = |name: &str| names.iter().any(|other| other == name);
        let rig = if has("worst.yaml") { self.file("worst.yaml") } else { crate::quoted(&asked.rig) };
        let battery = if has("worst-battery.yaml") {
            self.file("worst-battery.yaml")
        } else {
            crate::quoted(&asked.battery)
        };
        let case = worst.found.worst.as_ref().map(|worst| worst.case.clone()).unwrap_or_default();
        let suite = format!("worst-{}.yaml", case.split('/').next().unwrap_or_default());
        let case = if has(&suite) { self.file(&suite) } else { crate::quoted(&case) };
        format!("busbar run --rig {rig} --battery {battery} --seed {} {case}", asked.seed)
    }

    fn file(&self, name: &str) -> String {
        crate::quoted(&crate::from_here(&self.folder.join(name)))
    }
}

/// How close a verdict was.
pub(super) fn room(worst: &Worst) -> String {
    let Some(figure) = &worst.figure else {
        return if worst.reason.is_empty() { "passes without a figure" } else { "fails without a figure" }
            .to_owned();
    };
    let (value, limit, unit) = (figure.value, figure.limit, &figure.unit);
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    let threshold = &figure.threshold;
    format!("{} ({threshold} {value:.4} of {limit:.4}{unit})", share(figure.room))
}

/// Room as it is told.
fn share(room: f64) -> String {
    if room < 0.0 {
        format!("beyond its limit by {:.1} %", -100.0 * room)
    } else {
        format!("room {:.1} %", 100.0 * room)
    }
}

/// Which way a number is turned, and how far.
fn setting(turned: &Turned) -> String {
    let Turned { now, to, .. } = turned;
    let number = |text: &str| files::sweep::amount(text).ok().map(|(number, _)| number);
    match now {
        None => format!("to {to}"),
        Some(now) => match number(to).zip(number(now)).map(|(new, old)| new.total_cmp(&old)) {
            Some(Ordering::Equal) => format!("stays at {now}"),
            Some(Ordering::Greater) => format!("up from {now} to {to}"),
            Some(Ordering::Less) => format!("down from {now} to {to}"),
            None => format!("from {now} to {to}"),
        },
    }
}

/// Names with commas, and how many more.
fn some(names: &[String]) -> String {
    match names {
        [a, b, c, d, rest @ ..] if !rest.is_empty() => format!("{a}, {b}, {c}, {d} and {} more", rest.len()),
        _ => names.join(", "),
    }
}

/// `search.json`.
pub(super) fn json(search: &Search, (answer, tuning): (&Answer, Option<&Tuning>), seed: u64) -> String {
    let point = |point: &Point| {
        let names = search.parameters().iter().map(|parameter| parameter.name.clone());
        let values: serde_json::Map<_, _> =
            names.zip(search.values(point).into_iter().map(Into::into)).collect();
        let worst = point.found.worst.as_ref().map(|worst| {
            let figure = worst.figure.as_ref().map(|figure| {
                json!({
                    "threshold": figure.threshold,
                    "unit": figure.unit,
                    "value": figure.value,
                    "limit": figure.limit,
                    "margin": figure.margin,
                    "room": figure.room,
                })
            });
            json!({ "requirement": worst.requirement, "case": worst.case, "figure": figure, "reason": worst.reason })
        });
        json!({
            "number": point.number,
            "outcome": point.found.outcome,
            "worst": worst,
            "undecided": point.found.undecided,
            "values": values,
        })
    };
    let count = |outcome: &str| answer.points.iter().filter(|point| point.found.outcome == outcome).count();
    let tuning = tuning.map(|tuning| {
        json!({
            "held": tuning.held,
            "now": tuning.now,
            "alone": tuning.alone.iter().map(|turned| json!({
                "parameter": turned.path, "now": turned.now, "to": turned.to, "room": turned.room,
            })).collect::<Vec<_>>(),
            "settings": tuning.settings.iter().map(|(path, value)| json!({ "parameter": path, "to": value })).collect::<Vec<_>>(),
            "room": tuning.room,
            "elsewhere": tuning.elsewhere.map(|elsewhere| json!({
                "points": elsewhere.points, "failed": elsewhere.failed, "room": elsewhere.room,
            })),
        })
    });
    let whole = json!({
        "busbar-search": 1,
        "seed": seed,
        "cases": search.cases(),
        "requirements": search.requirements(),
        "parameters": search.parameters().iter().map(|p| json!({ "name": p.name, "low": p.low, "high": p.high })).collect::<Vec<_>>(),
        "points": answer.points.len(),
        "failed": count("fail"),
        "undecided": count("inconclusive"),
        "first-failure": answer.first_failure().map(|point| point.number),
        "stopped": answer.stopped,
        "restarts": answer.restarts,
        "as-it-is": answer.as_it_is.as_ref().map(point),
        "worst": answer.worst().map(point),
        "tuning": tuning,
        "moves": answer.moves.iter().map(|(name, weight)| json!({ "parameter": name, "weight": weight })).collect::<Vec<_>>(),
    });
    let text = serde_json::to_string_pretty(&whole).expect("finite numbers and text serialise");
    proto::text::json(text).to_string() + "\n"
}
