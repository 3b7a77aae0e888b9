//! Reads a suite file: suite, cases, initial conditions, limits and snapshot.

use judge::thresholds::{ThresholdError, Thresholds};
use judge::trace::Channel;
use proto::quantity::{Amps, Percent};
use proto::stimulus::Start;

use super::step::{Step, Verb};
use super::value::{ON_OFF, imbalance, kebab, optional, power_or_off, require, requirement, within};
use super::{Case, Reason, Snapshot, Suite, SuiteError, check};
use crate::bench::Capability;
use crate::yaml::{Fields, Node, Reader, nearest};

pub(super) fn suite(file: &str, text: &str) -> Result<Suite, SuiteError> {
    let root = Node::read(file, text)?;
    let mut reader = Reader::default();
    match read(file, &root, &mut reader) {
        Some(suite) if reader.is_clean() => Ok(suite),
        _ => Err(SuiteError::new(file, text, reader.into_problems())),
    }
}

fn read(file: &str, root: &Node, reader: &mut Reader) -> Option<Suite> {
    let fields = reader.fields("suite", root, &["suite", "title", "spec", "needs", "cases"])?;
    let name = require(&fields, "suite", reader, |n, r| kebab("suite", n, r));
    let title = require(&fields, "title", reader, |n, r| r.text("title", n).map(str::to_owned));
    let spec = require(&fields, "spec", reader, section);
    let needs = optional(&fields, "needs", reader, needs).map(Option::unwrap_or_default);
    let items = require(&fields, "cases", reader, |n, r| r.list("cases", n).map(<[Node]>::to_vec))?;
    if items.is_empty() {
        reader.refuse(root.at, "`cases` is empty", "at least one case");
    }
    // Cases are read even when the head is wrong, so that one look at the file shows everything.
    let inherited = (spec.clone().unwrap_or_default(), needs.clone().unwrap_or_default());
    let cases: Vec<_> = items.iter().map(|node| case(node, &inherited.0, &inherited.1, reader)).collect();
    let cases: Vec<Case> = cases.into_iter().collect::<Option<_>>()?;
    for (i, case) in cases.iter().enumerate() {
        if cases[..i].iter().any(|earlier| earlier.name == case.name) {
            reader.refuse(
                items[i].at,
                format!("a second case is called `{}`", case.name),
                "a name of its own",
            );
        }
    }
    needs?;
    Some(Suite { file: file.to_owned(), name: name?, title: title?, spec: spec?, cases })
}

const CASE: &[&str] =
    &["case", "title", "spec", "needs", "requirements", "start", "steps", "limits", "trace"];

fn case(node: &Node, suite_spec: &str, suite_needs: &[Capability], reader: &mut Reader) -> Option<Case> {
    let fields = reader.fields("case", node, CASE)?;
    let name = require(&fields, "case", reader, |n, r| kebab("case", n, r));
    let title = require(&fields, "title", reader, |n, r| r.text("title", n).map(str::to_owned));
    let spec = optional(&fields, "spec", reader, section);
    let own = optional(&fields, "needs", reader, needs);
    let requirements = require(&fields, "requirements", reader, requirements);
    let start = require(&fields, "start", reader, start);
    let steps = require(&fields, "steps", reader, |n, r| Step::read_all("steps", n, 0, r));
    let limits = limits(&fields, reader);
    let snapshot = optional(&fields, "trace", reader, snapshot);

    let mut needs = suite_needs.to_vec();
    needs.extend(own?.unwrap_or_default());
    needs.sort_unstable();
    needs.dedup();
    let (thresholds, reasons) = limits?;
    let case = Case {
        name: name?,
        title: title?,
        spec: spec?.unwrap_or_else(|| suite_spec.to_owned()),
        line: node.at.line,
        needs,
        requirements: requirements?,
        start: start?,
        steps: steps?,
        thresholds,
        reasons,
        snapshot: snapshot?,
    };
    if reader.is_clean() {
        let at = |name| fields.get(name).map_or(node.at, |n| n.at);
        check::case(&case, at("start"), at("trace"), reader);
    }
    Some(case)
}

/// `P 1.5.3.1`, or `D` for the document on data communication.
fn section(node: &Node, reader: &mut Reader) -> Option<String> {
    let text = reader.text("spec", node)?;
    let section = text.strip_prefix("P ").or_else(|| text.strip_prefix("D "));
    if !section.is_some_and(|s| s.starts_with(|c: char| c.is_ascii_digit())) {
        reader.refuse(node.at, format!("`{text}` is no section"), "a section such as `P 1.5.3.1`");
        return None;
    }
    Some(text.to_owned())
}

fn needs(node: &Node, reader: &mut Reader) -> Option<Vec<Capability>> {
    let items = reader.list("needs", node)?;
    let read: Vec<_> = items.iter().map(|item| reader.word("needs", &Capability::NAMES, item)).collect();
    read.into_iter().collect()
}

fn requirements(node: &Node, reader: &mut Reader) -> Option<Vec<&'static judge::catalogue::Requirement>> {
    let items = reader.list("requirements", node)?;
    if items.is_empty() {
        reader.refuse(node.at, "`requirements` is empty", "at least one id: a case decides something");
        return None;
    }
    let mut found = Vec::new();
    for item in items {
        let Some(requirement) = requirement("requirements", item, reader) else { continue };
        if found.contains(&requirement) {
            reader.refuse(
                item.at,
                format!("`{}` stands here a second time", requirement.id),
                "every id once",
            );
        }
        found.push(requirement);
    }
    (found.len() == items.len()).then_some(found)
}

const START: &[&str] =
    &["soc", "grid", "feed-in", "pv", "ac-pv", "ac-load", "imbalance", "input-current-limit"];

fn start(node: &Node, reader: &mut Reader) -> Option<Start> {
    let fields = reader.fields("start", node, START)?;
    let soc = require(&fields, "soc", reader, |n, r| within("soc", n, r, Percent(0.0)..=Percent(100.0)));
    let grid = require(&fields, "grid", reader, |n, r| r.word("grid", &ON_OFF, n));
    let feed_in = require(&fields, "feed-in", reader, |n, r| r.word("feed-in", &ON_OFF, n));
    let pv = require(&fields, "pv", reader, |n, r| power_or_off("pv", n, r));
    let ac_pv = optional(&fields, "ac-pv", reader, |n, r| power_or_off("ac-pv", n, r));
    let ac_load = require(&fields, "ac-load", reader, |n, r| power_or_off("ac-load", n, r));
    let imbalance = optional(&fields, "imbalance", reader, imbalance);
    let limit = optional(&fields, "input-current-limit", reader, |n, r| {
        within("input-current-limit", n, r, Amps(0.0)..=Amps(1000.0))
    });
    Some(Start {
        soc: soc?,
        grid: grid?,
        feed_in: feed_in?,
        pv: pv?,
        ac_pv: ac_pv?.unwrap_or_default(),
        ac_load: ac_load?,
        imbalance: imbalance?.unwrap_or_default(),
        input_current_limit: limit?,
    })
}

/// `limits: { settling: 60 s, export-ripple: { value: 12 %, because: the grid of this laboratory } }`
fn limits(fields: &Fields<'_>, reader: &mut Reader) -> Option<(Thresholds, Vec<Reason>)> {
    let (mut thresholds, mut reasons) = (Thresholds::default(), Vec::new());
    let Some(node) = fields.get("limits") else { return Some((thresholds, reasons)) };
    let names: Vec<_> = Thresholds::NAMES.iter().map(|n| n.name).collect();
    reader.fields("limits", node, &names)?;
    for (name, _, value) in node.entries().into_iter().flatten() {
        if !names.contains(&name) {
            continue;
        }
        let (value, because) = if value.entries().is_some() {
            let Some(fields) = reader.fields(name, value, &["value", "because"]) else { continue };
            let because = require(&fields, "because", reader, |n, r| r.text("because", n).map(str::to_owned));
            (fields.require("value", reader)?, Some(because?))
        } else {
            (value, None)
        };
        let text = reader.text(name, value)?;
        let set = match &because {
            None => thresholds.narrow(name, text),
            Some(_) => thresholds.justify(name, text),
        };
        if let Err(error) = set {
            let (message, expected) = refusal(name, error);
            reader.refuse(value.at, message, expected);
        }
        if let Some(because) = because {
            reasons.push(Reason { threshold: name.to_owned(), value: text.to_owned(), because });
        }
    }
    Some((thresholds, reasons))
}

fn refusal(name: &str, error: ThresholdError) -> (String, String) {
    use proto::quantity::QuantityError as Q;
    match error {
        ThresholdError::Quantity { error: Q::NoUnit { expected, .. }, .. } => {
            (format!("`{name}` has no unit"), expected.to_owned())
        }
        ThresholdError::Quantity { error: Q::WrongUnit { unit, expected }, .. } => {
            (format!("the unit `{unit}` does not fit `{name}`"), expected.to_owned())
        }
        ThresholdError::Quantity { error: Q::NotANumber { found, expected }, .. } => {
            (format!("`{found}` is not a quantity for `{name}`"), expected.to_owned())
        }
        ThresholdError::Milder { value, limit, .. } => (
            format!("`{name}: {value}` is milder than the {limit} in force"),
            format!("a stricter value, or `{name}: {{ value: {value}, because: … }}`"),
        ),
        ThresholdError::Negative { expected, .. } => (format!("`{name}` is negative"), expected.to_owned()),
        firm @ ThresholdError::Firm { .. } => (firm.to_string(), "a stricter value".to_owned()),
        other => (other.to_string(), String::new()),
    }
}

/// Channels that can be snapshot, by the names that conditions use.
const CHANNELS: &[(&str, Channel)] = &[
    ("cvl", Channel::Cvl),
    ("ccl", Channel::Ccl),
    ("dcl", Channel::Dcl),
    ("soc", Channel::Soc),
    ("voltage", Channel::PackVoltage),
    ("current", Channel::PackCurrent),
    ("cell-max", Channel::MaxCell),
    ("cell-min", Channel::MinCell),
    ("bus", Channel::BusVoltage),
    ("pv-power", Channel::PvPower),
    ("grid-power", Channel::GridPower),
];

/// Names of the channels that can be snapshot, for the schema.
pub(super) fn channel_names() -> Vec<&'static str> {
    CHANNELS.iter().map(|&(name, _)| name).collect()
}

fn snapshot(node: &Node, reader: &mut Reader) -> Option<Snapshot> {
    let fields = reader.fields("trace", node, &["snapshot", "from"])?;
    let channels = require(&fields, "snapshot", reader, |n, r| {
        let items = r.list("snapshot", n)?;
        if items.is_empty() {
            r.refuse(n.at, "`snapshot` is empty", "at least one channel such as `cvl`");
        }
        let read: Vec<_> = items.iter().map(|item| r.word("snapshot", CHANNELS, item)).collect();
        read.into_iter().collect::<Option<Vec<_>>>()
    });
    let from = optional(&fields, "from", reader, |n, r| kebab("from", n, r));
    Some(Snapshot { channels: channels?, from: from? })
}

/// Every mark that the steps set, in order, as the trace will name it: inside a `repeat` with the number of the
/// round.
pub(super) fn marks(steps: &[Step]) -> Vec<String> {
    fn walk(steps: &[Step], suffix: &str, found: &mut Vec<String>) {
        for step in steps {
            match &step.verb {
                Verb::Mark(name) => found.push(format!("{name}{suffix}")),
                Verb::Repeat { times, steps } if has_mark(steps) => {
                    (1..=*times).for_each(|round| walk(steps, &format!("{suffix}-{round}"), found));
                }
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    walk(steps, "", &mut found);
    found
}

fn has_mark(steps: &[Step]) -> bool {
    steps.iter().any(|step| match &step.verb {
        Verb::Mark(_) => true,
        Verb::Repeat { steps, .. } => has_mark(steps),
        _ => false,
    })
}

/// The mark that was most likely meant.
pub(super) fn nearest_mark<'a>(name: &str, marks: &'a [String]) -> Option<&'a str> {
    nearest(name, marks.iter().map(String::as_str))
}
