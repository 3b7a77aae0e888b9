//! Reads a suite file: suite, cases, initial conditions, limits and snapshot.

use judge::thresholds::{ThresholdError, Thresholds};
use proto::channel::{self, Channel};
use proto::quantity::Watts;
use proto::stimulus::Start;

use super::json::{described, list, object, one_of, reference, text};
use super::value::{
    ABOVE_OTHERS, CHARGE, CURRENT, Key, Kind, NAME, POWER, POWER_OR_OFF, REQUIREMENT, Record, SWITCH, TEXT,
    keys, names, record,
};
use super::verb::STEPS;
use super::{Case, Reason, Snapshot, Suite, SuiteError, check};
use crate::bench::Capability;
use crate::yaml::{Node, Reader};
use judge::requirement::Requirement;
use serde_json::{Map, Value, json};

const SECTION: Kind<String> = Kind {
    read: section,
    looks: "a section such as `P 1.5.3.1`",
    schema: || json!({ "type": "string", "pattern": "^[PD] [0-9]" }),
};
const NEEDS: Kind<Vec<Capability>> = Kind {
    read: needs,
    looks: "a list of capabilities",
    schema: || list(one_of(&Capability::NAMES.map(|(name, _)| name)), 0),
};
const REQUIREMENTS: Kind<Vec<&Requirement>> = Kind {
    read: requirements,
    looks: "a list of ids of the catalogue",
    schema: || list(reference("requirement"), 1),
};
const CASES: Kind<Vec<Node>> = Kind {
    read: |name, node, reader| reader.list(name, node).map(<[Node]>::to_vec),
    looks: "a list of cases",
    schema: || list(reference("case"), 1),
};
const BEGIN: Kind<Start> = Kind { read: START.read, looks: "initial conditions", schema: || START.schema() };
const LIMITS: Kind<(Thresholds, Vec<Reason>)> =
    Kind { read: limits, looks: "names of thresholds with their values", schema: limits_schema };
const CHANNEL_LIST: Kind<Vec<Channel>> = Kind {
    read: channels,
    looks: "a list such as `[cvl, voltage]`",
    schema: || list(one_of(&channel_names()), 1),
};
const TRACE: Kind<Snapshot> =
    Kind { read: SNAPSHOT.read, looks: "what of it is kept", schema: || SNAPSHOT.schema() };

/// The keys of a suite.
pub(super) static SUITE: &[Key] = keys! {
    /// name, as given on the command line
    must "suite": NAME,
    /// one line for reports
    must "title": TEXT,
    /// the section of the specification that it tests
    must "spec": SECTION,
    /// what the rig must have for every case
    may "needs": NEEDS,
    /// the charge power of the battery that its powers are written for; one that declares less is tried with less, in
    /// proportion
    may "powers-for": POWER,
    /// its cases, in order
    must "cases": CASES,
};

/// The keys of a case.
pub(super) static CASE: &[Key] = keys! {
    /// name, unique in its suite
    must "case": NAME,
    /// one line for reports
    must "title": TEXT,
    /// its section, where that is not the one of the suite
    may "spec": SECTION,
    /// what the rig must have besides
    may "needs": NEEDS,
    /// the requirements that it decides; none where all that it expects is a test of one's own (`as:`)
    may "requirements": REQUIREMENTS,
    /// initial conditions
    must "start": BEGIN,
    /// what is done, in order
    must "steps": STEPS,
    /// thresholds that differ from the default: stricter ones as they are, milder ones with a reason
    may "limits": LIMITS,
    /// what of its trace is kept as a snapshot
    may "trace": TRACE,
};

/// The initial conditions of a case.
pub(super) static START: Record<Start> = record!(|_fields, reader| {
    /// state of charge of the pack
    must soc = "soc": CHARGE,
    /// mains connected
    must grid = "grid": SWITCH,
    /// feed in excess solar
    must feed_in = "feed-in": SWITCH,
    /// PV power available
    must pv = "pv": POWER_OR_OFF,
    /// power available to a PV inverter on the AC side
    may ac_pv = "ac-pv": POWER_OR_OFF,
    /// AC load
    must ac_load = "ac-load": POWER_OR_OFF,
    /// one cell is charged this much above the others
    may imbalance = "imbalance": ABOVE_OTHERS,
    /// AC input current limit, where it differs from that of the rig
    may input_current_limit = "input-current-limit": CURRENT,
} => Some(Start {
    soc,
    grid,
    feed_in,
    pv,
    ac_pv: ac_pv.unwrap_or_default(),
    ac_load,
    imbalance: imbalance.unwrap_or_default(),
    input_current_limit,
}));

/// What of a trace is kept.
static SNAPSHOT: Record<Snapshot> = record!(|_fields, reader| {
    /// which channels
    must channels = "snapshot": CHANNEL_LIST,
    /// from which mark on; from the start where there is none
    may from = "from": NAME,
} => Some(Snapshot { channels, from }));

pub(super) fn suite(file: &str, text: &str) -> Result<Suite, SuiteError> {
    let root = Node::read(file, text)?;
    let mut reader = Reader::default();
    match read(file, &root, &mut reader) {
        Some(suite) if reader.is_clean() => Ok(suite),
        _ => Err(SuiteError::new(file, text, reader.into_problems())),
    }
}

fn read(file: &str, root: &Node, reader: &mut Reader) -> Option<Suite> {
    let fields = reader.fields("suite", root, &names(SUITE))?;
    let name = fields.must("suite", &NAME, reader);
    let title = fields.must("title", &TEXT, reader);
    let spec = fields.must("spec", &SECTION, reader);
    let needs = fields.may("needs", &NEEDS, reader).map(Option::unwrap_or_default);
    let powers_for = fields.may("powers-for", &POWER, reader);
    let items = fields.must("cases", &CASES, reader)?;
    if items.is_empty() {
        reader.refuse(root.at, "`cases` is empty", "at least one case");
    }
    // Cases are read even when the head is wrong, so that one look at the file shows everything.
    let head = Head {
        spec: spec.clone().unwrap_or_default(),
        needs: needs.clone().unwrap_or_default(),
        powers_for: powers_for.unwrap_or_default(),
    };
    let cases: Vec<_> = items.iter().map(|node| case(node, &head, reader)).collect();
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

/// What a suite says for all of its cases.
struct Head {
    spec: String,
    needs: Vec<Capability>,
    powers_for: Option<Watts>,
}

fn case(node: &Node, head: &Head, reader: &mut Reader) -> Option<Case> {
    let fields = reader.fields("case", node, &names(CASE))?;
    let name = fields.must("case", &NAME, reader);
    let title = fields.must("title", &TEXT, reader);
    let spec = fields.may("spec", &SECTION, reader);
    let own = fields.may("needs", &NEEDS, reader);
    let requirements = fields.may("requirements", &REQUIREMENTS, reader);
    let start = fields.must("start", &BEGIN, reader);
    let steps = fields.must("steps", &STEPS, reader);
    let limits = fields.may("limits", &LIMITS, reader);
    let snapshot = fields.may("trace", &TRACE, reader);

    let mut needs = head.needs.clone();
    needs.extend(own?.unwrap_or_default());
    needs.sort_unstable();
    needs.dedup();
    let (thresholds, reasons) = limits?.unwrap_or_default();
    let steps = steps?;
    let mut requirements = requirements?.unwrap_or_default();
    requirements.extend(check::own(&steps));
    if requirements.is_empty() {
        let expected = "`requirements: [CVL-02]`, or an `expect` with `as: my-name`";
        reader.refuse(node.at, "the case decides nothing", expected);
        return None;
    }
    let case = Case {
        name: name?,
        title: title?,
        spec: spec?.unwrap_or_else(|| head.spec.clone()),
        line: node.at.line,
        needs,
        requirements,
        powers_for: head.powers_for,
        start: start?,
        steps,
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
fn section(name: &str, node: &Node, reader: &mut Reader) -> Option<String> {
    let text = reader.text(name, node)?;
    let section = text.strip_prefix("P ").or_else(|| text.strip_prefix("D "));
    if !section.is_some_and(|s| s.starts_with(|c: char| c.is_ascii_digit())) {
        reader.refuse(node.at, format!("`{text}` is no section"), SECTION.looks);
        return None;
    }
    Some(text.to_owned())
}

fn needs(name: &str, node: &Node, reader: &mut Reader) -> Option<Vec<Capability>> {
    let items = reader.list(name, node)?;
    let read: Vec<_> = items.iter().map(|item| reader.word(name, &Capability::NAMES, item)).collect();
    read.into_iter().collect()
}

fn requirements(name: &str, node: &Node, reader: &mut Reader) -> Option<Vec<&'static Requirement>> {
    let items = reader.list(name, node)?;
    if items.is_empty() {
        reader.refuse(node.at, "`requirements` is empty", "at least one id: a case decides something");
        return None;
    }
    let mut found = Vec::new();
    for item in items {
        let Some(requirement) = (REQUIREMENT.read)(name, item, reader) else { continue };
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

/// `limits: { settling: 60 s, export-ripple: { value: 12 %, because: the grid of this laboratory } }`
fn limits(name: &str, node: &Node, reader: &mut Reader) -> Option<(Thresholds, Vec<Reason>)> {
    let (mut thresholds, mut reasons) = (Thresholds::default(), Vec::new());
    let names: Vec<_> = Thresholds::NAMES.iter().map(|n| n.name).collect();
    reader.fields(name, node, &names)?;
    for (name, _, value) in node.entries().into_iter().flatten() {
        if !names.contains(&name) {
            continue;
        }
        let (value, because) = if value.entries().is_some() {
            let Some(fields) = reader.fields(name, value, &["value", "because"]) else { continue };
            let because = fields.must("because", &TEXT, reader);
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
fn known_channels() -> Vec<(&'static str, Channel)> {
    let numbers = Channel::asked().filter(|row| matches!(row.kind, channel::Kind::Number { .. }));
    numbers.filter_map(|row| Some((row.asked?.name, row.channel))).collect()
}

/// Names of the channels that can be snapshot, for the schema.
pub(super) fn channel_names() -> Vec<&'static str> {
    known_channels().into_iter().map(|(name, _)| name).collect()
}

fn channels(name: &str, node: &Node, reader: &mut Reader) -> Option<Vec<Channel>> {
    let items = reader.list(name, node)?;
    if items.is_empty() {
        reader.refuse(node.at, format!("`{name}` is empty"), "at least one channel such as `cvl`");
    }
    let known = known_channels();
    let read: Vec<_> = items.iter().map(|item| reader.word(name, &known, item)).collect();
    read.into_iter().collect()
}

fn limits_schema() -> Value {
    let known = Thresholds::NAMES.iter().map(|name| {
        let words = format!("{}: {}", name.metric, name.expected);
        let value = described(json!({ "type": "string" }), &words);
        let because = described(text(), "why the default does not fit");
        let justified = object(&["value", "because"], json!({ "value": value, "because": because }));
        (name.name.to_owned(), described(json!({ "anyOf": [value, justified] }), &words))
    });
    object(&[], Value::Object(known.collect::<Map<_, _>>()))
}
