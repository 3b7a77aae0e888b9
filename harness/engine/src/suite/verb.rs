//! The verbs of a suite, as one table: name, what a rig must have for it, what it does, its arguments, and the operations
//! that it becomes. Reader, schema and documentation come from it.

use judge::catalogue;
use judge::requirement::Requirement;
use proto::fault::{Fault, FaultError, FaultKind};
use proto::quantity::{Micros, Watts};
use proto::stimulus::Stimulus;
use serde_json::{Map, Value, json};

use super::json::{list, object, one_key, reference};
use super::step::{Does, Op, Step};
use super::value::{
    ABOVE_OTHERS, CONDITION, CURRENT, ID, Kind, NAME, PATIENCE, POWER, POWER_OR_OFF, REGISTER, REQUIREMENT,
    Record, SPAN, SWITCH, TEXT, TIMES, keys, record,
};
use super::{Condition, Patience};
use crate::bench::Capability;
use crate::yaml::{Fields, Node, Reader};

/// A verb.
#[derive(Debug)]
pub(super) struct Verb {
    /// its name in suite files
    pub(super) name: &'static str,
    /// what a rig must have for it
    pub(super) needs: Option<Capability>,
    /// what it does
    pub(super) meaning: &'static str,
    /// its one value, where it can be written with one: `grid: off`
    pub(super) value: Option<Kind<Does>>,
    /// its arguments, where it can be written with some: `silence: { id: 0x351, for: 3 s }`
    pub(super) arguments: Option<Record<Does>>,
}

/// The value of a verb that has one.
macro_rules! value {
    ($kind:expr, $made:expr) => {
        Some(Kind {
            read: |name, node, reader| ($kind.read)(name, node, reader).map($made),
            looks: $kind.looks,
            schema: $kind.schema,
        })
    };
}

/// A list of steps.
pub(super) const STEPS: Kind<Vec<Step>> =
    Kind { read: steps, looks: "a list of steps", schema: || list(reference("step"), 1) };
const FAULT: Kind<Fault> = Kind {
    read: |_, node, reader| fault(node, reader),
    looks: "a fault such as `{ cell-voltage: { by: 300 mV, for: 10 s } }`",
    schema: faults,
};
/// Time an operator is given where the suite says none.
const PROMPT_TIMEOUT: Micros = Micros::from_secs(30 * 60);

/// Every verb.
pub(super) static VERBS: &[Verb] = &[
    Verb {
        name: "pv",
        needs: Some(Capability::Pv),
        meaning: "makes PV power available, at once or evenly over a time; the step ends when it is reached",
        value: value!(POWER_OR_OFF, |power| Does::One(Op::Apply(Stimulus::Pv(power)))),
        arguments: Some(record!(|fields, reader| {
            /// power at the end
            must to = "power": POWER_OR_OFF,
            /// how long it takes to get there
            may over = "over": SPAN,
        } => Some(Does::One(over.map_or(Op::Apply(Stimulus::Pv(to)), |over| Op::Ramp { to, over }))))),
    },
    Verb {
        name: "ac-pv",
        needs: Some(Capability::AcPv),
        meaning: "makes power available to a PV inverter on the AC side",
        value: value!(POWER_OR_OFF, |power| Does::One(Op::Apply(Stimulus::AcPv(power)))),
        arguments: None,
    },
    Verb {
        name: "ac-load",
        needs: Some(Capability::AcLoad),
        meaning: "switches the AC load to this power",
        value: value!(POWER_OR_OFF, |power| Does::One(Op::Apply(Stimulus::AcLoad(power)))),
        arguments: None,
    },
    Verb {
        name: "grid",
        needs: Some(Capability::Grid),
        meaning: "connects or cuts mains",
        value: value!(SWITCH, |on| Does::One(Op::Apply(Stimulus::Grid(on)))),
        arguments: None,
    },
    Verb {
        name: "feed-in",
        needs: Some(Capability::Gx),
        meaning: "feeds in excess solar, or not",
        value: value!(SWITCH, |on| Does::One(Op::Apply(Stimulus::FeedIn(on)))),
        arguments: None,
    },
    Verb {
        name: "input-current-limit",
        needs: Some(Capability::Gx),
        meaning: "sets the AC input current limit of the inverter",
        value: value!(CURRENT, |limit| Does::One(Op::Apply(Stimulus::InputCurrentLimit(limit)))),
        arguments: None,
    },
    Verb {
        name: "hold",
        needs: None,
        meaning: "lets time pass",
        value: value!(SPAN, |span| Does::One(Op::Hold(span))),
        arguments: None,
    },
    Verb {
        name: "wait",
        needs: None,
        meaning: "waits until a condition holds; a time-out leaves the case undecided",
        value: None,
        arguments: Some(record!(|fields, reader| {
            /// what is waited for
            must condition = "until": CONDITION,
            /// how long it must hold without a break
            may hold = "for": SPAN,
            /// how long it may take
            must timeout = "timeout": PATIENCE,
        } => until(&fields, reader, "timeout", (condition, hold, timeout, None)))),
    },
    Verb {
        name: "expect",
        needs: None,
        meaning: "waits until a condition holds; a time-out fails the requirement and ends the case",
        value: None,
        arguments: Some(record!(|fields, reader| {
            /// what is waited for
            must condition = "that": CONDITION,
            /// how long it must hold without a break
            may hold = "for": SPAN,
            /// how long it may take
            must timeout = "within": PATIENCE,
            /// the requirement that fails when it takes longer
            may requirement = "requirement": REQUIREMENT,
            /// or, in a test of one's own, what it is called: it is judged by itself, beside the requirements of the case
            may own = "as": NAME,
        } => {
            let judged = judged(&fields, reader, requirement, own)?;
            until(&fields, reader, "within", (condition, hold, timeout, Some(judged)))
        })),
    },
    Verb {
        name: "mark",
        needs: None,
        meaning: "remembers this moment; inside a `repeat` with the number of the round",
        value: value!(NAME, |name| Does::One(Op::Mark(name))),
        arguments: None,
    },
    Verb {
        name: "repeat",
        needs: None,
        meaning: "does the steps several times",
        value: None,
        arguments: Some(record!(|fields, reader| {
            /// how often
            must times = "times": TIMES,
            /// what
            must steps = "steps": STEPS,
        } => Some(Does::Repeat { times, steps }))),
    },
    Verb {
        name: "silence",
        needs: Some(Capability::Silence),
        meaning: "keeps frames of one id from their receivers; the steps go on meanwhile",
        value: None,
        arguments: Some(record!(|fields, reader| {
            /// of which frames
            must id = "id": ID,
            /// for how long
            must span = "for": SPAN,
        } => Some(Does::One(Op::Apply(Stimulus::Silence { id, span }))))),
    },
    Verb {
        name: "inject",
        needs: Some(Capability::Inject),
        meaning: "injects a fault; the steps go on meanwhile",
        value: value!(FAULT, |fault| Does::One(Op::Apply(Stimulus::Inject(fault)))),
        arguments: None,
    },
    Verb {
        name: "imbalance",
        needs: Some(Capability::Imbalance),
        meaning: "charges one cell this much above the others; an operator is asked where the rig cannot",
        value: value!(ABOVE_OTHERS, |by| Does::One(Op::Apply(Stimulus::Imbalance(by)))),
        arguments: None,
    },
    Verb {
        name: "discharge",
        needs: Some(Capability::AcLoad),
        meaning: "switches the AC load on, waits, and switches it off",
        value: None,
        arguments: Some(record!(|fields, reader| {
            /// of the load
            must power = "power": POWER,
            /// what is waited for
            must condition = "until": CONDITION,
            /// how long it may take
            must timeout = "timeout": PATIENCE,
        } => Some(Does::Several(vec![
            Op::Apply(Stimulus::AcLoad(power)),
            Op::Until { condition, hold: Micros::ZERO, timeout, requirement: None },
            Op::Apply(Stimulus::AcLoad(Watts::ZERO)),
        ])))),
    },
    Verb {
        name: "gx-write",
        needs: Some(Capability::Gx),
        meaning: "writes a register of the GX",
        value: None,
        arguments: Some(record!(|fields, reader| {
            /// Modbus address
            must register = "register": REGISTER,
            /// raw value
            must value = "value": REGISTER,
        } => Some(Does::One(Op::Apply(Stimulus::GxWrite { register, value }))))),
    },
    Verb {
        name: "prompt",
        needs: Some(Capability::Operator),
        meaning: "asks the operator, for 30 min where no time is given",
        value: value!(TEXT, |text| Does::One(Op::Ask { text, timeout: PROMPT_TIMEOUT })),
        arguments: Some(record!(|fields, reader| {
            /// what to do
            must text = "text": TEXT,
            /// how long it may take
            may timeout = "timeout": SPAN,
        } => Some(Does::One(Op::Ask { text, timeout: timeout.unwrap_or(PROMPT_TIMEOUT) })))),
    },
];

/// What the verb of this name does, as the documentation says it.
#[must_use]
pub fn meaning(name: &str) -> Option<&'static str> {
    VERBS.iter().find(|verb| verb.name == name).map(|verb| verb.meaning)
}

impl Verb {
    /// Reads what stands behind its name.
    pub(super) fn read(&self, node: &Node, reader: &mut Reader) -> Option<Does> {
        match (&self.value, &self.arguments) {
            (Some(value), None) => (value.read)(self.name, node, reader),
            (Some(value), Some(_)) if node.entries().is_none() => (value.read)(self.name, node, reader),
            (_, Some(arguments)) => (arguments.read)(self.name, node, reader),
            (None, None) => None,
        }
    }

    pub(super) fn schema(&self) -> Value {
        match (&self.value, &self.arguments) {
            (Some(value), Some(arguments)) => json!({ "anyOf": [(value.schema)(), arguments.schema()] }),
            (value, arguments) => {
                let value = value.as_ref().map(|value| (value.schema)());
                value.or_else(|| arguments.as_ref().map(Record::schema)).unwrap_or_default()
            }
        }
    }
}

/// Reads a list of steps; those that make no sense are noted.
fn steps(name: &str, node: &Node, reader: &mut Reader) -> Option<Vec<Step>> {
    let items = reader.list(name, node)?;
    if items.is_empty() {
        reader.refuse(node.at, format!("`{name}` is empty"), "at least one step");
        return None;
    }
    let read: Vec<_> = items.iter().map(|item| step(item, reader)).collect();
    read.into_iter().collect()
}

fn step(node: &Node, reader: &mut Reader) -> Option<Step> {
    let names: Vec<_> = VERBS.iter().map(|verb| verb.name).collect();
    let (name, at, value) = reader.single("step", node, &names)?;
    let verb = VERBS.iter().find(|verb| verb.name == name)?;
    Some(Step { at, verb: verb.name, needs: verb.needs, does: verb.read(value, reader)? })
}

fn until(
    fields: &Fields<'_>,
    reader: &mut Reader,
    within: &str,
    (condition, hold, timeout, requirement): (
        Condition,
        Option<Micros>,
        Patience,
        Option<&'static Requirement>,
    ),
) -> Option<Does> {
    let hold = hold.unwrap_or(Micros::ZERO);
    if hold >= timeout.least {
        let (message, expected) =
            (format!("`{within}` is over before `for` is"), format!("a longer time than {}", hold.span()));
        reader.refuse(fields.get(within)?.at, message, expected);
        return None;
    }
    Some(Does::One(Op::Until { condition, hold, timeout, requirement }))
}

/// What an expectation is judged as.
fn judged(
    fields: &Fields<'_>,
    reader: &mut Reader,
    requirement: Option<&'static Requirement>,
    own: Option<String>,
) -> Option<&'static Requirement> {
    match (requirement, own) {
        (Some(requirement), None) => Some(requirement),
        (None, Some(name)) => Some(catalogue::own(&name)),
        _ => {
            let expected =
                "either `requirement: CVL-02`, a row of the catalogue, or `as: my-name`, a test of one's own";
            reader.refuse(fields.get("that")?.at, "it is not said what is judged by this", expected);
            None
        }
    }
}

/// `{ cell-voltage: { by: 500 mV, for: 20 s } }`, each fault with the arguments of [`FaultKind::ALL`].
fn fault(node: &Node, reader: &mut Reader) -> Option<Fault> {
    let names: Vec<_> = FaultKind::ALL.iter().map(|entry| entry.name).collect();
    let (name, at, value) = reader.single("fault", node, &names)?;
    let entry = FaultKind::ALL.iter().find(|entry| entry.name == name)?;
    let mut known: Vec<_> = entry.arguments.iter().map(|a| a.name).collect();
    known.push("for");
    let fields = reader.fields(name, value, &known)?;
    let span = fields.must("for", &SPAN, reader);
    let mut arguments = Vec::new();
    for argument in entry.arguments {
        let given = if argument.optional {
            let Some(given) = fields.get(argument.name) else { continue };
            given
        } else {
            fields.require(argument.name, reader)?
        };
        arguments.push((argument.name, given.at, reader.text(argument.name, given)?));
    }
    let texts: Vec<_> = arguments.iter().map(|&(name, _, text)| (name, text)).collect();
    match FaultKind::read(name, &texts) {
        Ok(kind) => Some(Fault { kind, span: span? }),
        Err(error) => {
            let (argument, expected) = match &error {
                FaultError::Bounds { argument, low, high, .. } => (*argument, format!("{low} to {high}")),
                FaultError::Quantity { argument, .. } | FaultError::Missing { argument, .. } => {
                    let expected = entry.arguments.iter().find(|a| a.name == *argument).map(|a| a.expected);
                    (*argument, expected.unwrap_or_default().to_owned())
                }
                FaultError::Unknown(_) | FaultError::Argument { .. } => ("", String::new()),
            };
            let place = arguments.iter().find(|(name, ..)| *name == argument).map_or(at, |&(_, at, _)| at);
            reader.refuse(place, error.to_string(), expected);
            None
        }
    }
}

fn faults() -> Value {
    let known = FaultKind::ALL.iter().map(|entry| {
        let mut required = vec!["for"];
        let mut properties = Map::new();
        for argument in entry.arguments {
            if !argument.optional {
                required.push(argument.name);
            }
            let (low, high) = argument.bounds;
            let description = format!("{}; {low} to {high}", argument.expected);
            // YAML reads `0x351` as an integer.
            let kinds = if argument.name == "id" { json!(["integer", "string"]) } else { json!("string") };
            properties.insert(argument.name.to_owned(), json!({ "type": kinds, "description": description }));
        }
        let span = super::json::described(reference("time"), "for how long");
        properties.insert("for".to_owned(), span);
        let mut fault = object(&required, Value::Object(properties));
        fault["description"] = entry.meaning.trim().into();
        (entry.name.to_owned(), fault)
    });
    one_key(Value::Object(known.collect()))
}
