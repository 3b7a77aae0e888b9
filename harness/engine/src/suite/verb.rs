//! Reads the steps of a case: one function a verb.

use proto::fault::{Fault, FaultError, FaultKind};
use proto::quantity::{Amps, Micros, Watts};

use super::step::{Step, VERBS, Verb, Words};
use super::value::{
    MOST_POWER, ON_OFF, imbalance, kebab, optional, power_or_off, require, requirement, span, within,
};
use super::{Condition, Patience};
use crate::yaml::{Node, Position, Reader};

/// Deepest nesting of `repeat`.
const NESTING: usize = 4;
/// Time an operator is given where the suite says none.
const PROMPT_TIMEOUT: Micros = Micros::from_secs(30 * 60);

impl Step {
    /// Reads a list of steps; those that make no sense are noted.
    pub(super) fn read_all(name: &str, node: &Node, depth: usize, reader: &mut Reader) -> Option<Vec<Self>> {
        let items = reader.list(name, node)?;
        if items.is_empty() {
            reader.refuse(node.at, format!("`{name}` is empty"), "at least one step");
            return None;
        }
        let read: Vec<_> = items.iter().map(|item| Self::read(item, depth, reader)).collect();
        read.into_iter().collect()
    }

    fn read(node: &Node, depth: usize, reader: &mut Reader) -> Option<Self> {
        let names: Vec<_> = VERBS.iter().map(|&(name, _)| name).collect();
        let (name, at, value) = reader.single("step", node, &names)?;
        let verb = match name {
            "pv" => pv(value, reader)?,
            "ac-pv" => Verb::AcPv(power_or_off(name, value, reader)?),
            "ac-load" => Verb::AcLoad(power_or_off(name, value, reader)?),
            "grid" => Verb::Grid(reader.word(name, &ON_OFF, value)?),
            "feed-in" => Verb::FeedIn(reader.word(name, &ON_OFF, value)?),
            "input-current-limit" => {
                Verb::InputCurrentLimit(within(name, value, reader, Amps(0.0)..=Amps(1000.0))?)
            }
            "hold" => Verb::Hold(span(name, value, reader)?),
            "wait" => until(value, reader, "until", "timeout", false)?,
            "expect" => until(value, reader, "that", "within", true)?,
            "mark" => Verb::Mark(kebab(name, value, reader)?),
            "repeat" => repeat(value, at, depth, reader)?,
            "silence" => silence(value, reader)?,
            "inject" => Verb::Inject(inject(value, reader)?),
            "imbalance" => Verb::Imbalance(imbalance(value, reader)?),
            "discharge" => discharge(value, reader)?,
            "gx-write" => gx_write(value, reader)?,
            "prompt" => prompt(value, reader)?,
            // `single` gives a name of the table only.
            _ => return None,
        };
        Some(Self { at, verb })
    }
}

fn pv(node: &Node, reader: &mut Reader) -> Option<Verb> {
    if node.entries().is_none() {
        return Some(Verb::Pv { power: power_or_off("pv", node, reader)?, over: None });
    }
    let fields = reader.fields("pv", node, &["power", "over"])?;
    let power = require(&fields, "power", reader, |n, r| power_or_off("power", n, r));
    let over = optional(&fields, "over", reader, |n, r| span("over", n, r));
    Some(Verb::Pv { power: power?, over: over? })
}

fn until(node: &Node, reader: &mut Reader, that: &str, within: &str, expect: bool) -> Option<Verb> {
    let mut known = vec![that, "for", within];
    if expect {
        known.push("requirement");
    }
    let fields = reader.fields(if expect { "expect" } else { "wait" }, node, &known)?;
    let condition = require(&fields, that, reader, Condition::read);
    let hold = optional(&fields, "for", reader, |n, r| span("for", n, r));
    let timeout = require(&fields, within, reader, |n, r| Patience::read(within, n, r));
    let requirement = if expect {
        require(&fields, "requirement", reader, |n, r| requirement("requirement", n, r)).map(Some)
    } else {
        Some(None)
    };
    let hold = hold?.unwrap_or(Micros::ZERO);
    let timeout = timeout?;
    if hold >= timeout.least {
        let at = fields.get(within).map_or(node.at, |n| n.at);
        reader.refuse(
            at,
            format!("`{within}` is over before `for` is"),
            format!("a longer time than {}", Words(hold)),
        );
        return None;
    }
    Some(Verb::Until { condition: condition?, hold, timeout, requirement: requirement? })
}

fn repeat(node: &Node, at: Position, depth: usize, reader: &mut Reader) -> Option<Verb> {
    if depth >= NESTING {
        reader.refuse(at, "`repeat` inside too many others", format!("at most {NESTING} inside each other"));
        return None;
    }
    let fields = reader.fields("repeat", node, &["times", "steps"])?;
    let times = require(&fields, "times", reader, |n, r| r.integer("times", 1..=1000, n));
    let steps = require(&fields, "steps", reader, |n, r| Step::read_all("steps", n, depth + 1, r));
    Some(Verb::Repeat { times: times?, steps: steps? })
}

fn silence(node: &Node, reader: &mut Reader) -> Option<Verb> {
    let fields = reader.fields("silence", node, &["id", "for"])?;
    let id = require(&fields, "id", reader, |n, r| r.integer("id", 0..=0x7FF, n));
    let span = require(&fields, "for", reader, |n, r| span("for", n, r));
    Some(Verb::Silence { id: u16::try_from(id?).ok()?, span: span? })
}

/// `inject: { cell-voltage: { by: 500 mV, for: 20 s } }`, each fault with the arguments of [`FaultKind::ALL`].
fn inject(node: &Node, reader: &mut Reader) -> Option<Fault> {
    let names: Vec<_> = FaultKind::ALL.iter().map(|entry| entry.name).collect();
    let (name, at, value) = reader.single("fault", node, &names)?;
    let entry = FaultKind::ALL.iter().find(|entry| entry.name == name)?;
    let mut known: Vec<_> = entry.arguments.iter().map(|a| a.name).collect();
    known.push("for");
    let fields = reader.fields(name, value, &known)?;
    let span = require(&fields, "for", reader, |n, r| span("for", n, r));
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

fn discharge(node: &Node, reader: &mut Reader) -> Option<Verb> {
    let fields = reader.fields("discharge", node, &["power", "until", "timeout"])?;
    let power = require(&fields, "power", reader, |n, r| within("power", n, r, Watts(1.0)..=MOST_POWER));
    let until = require(&fields, "until", reader, Condition::read);
    let timeout = require(&fields, "timeout", reader, |n, r| Patience::read("timeout", n, r));
    Some(Verb::Discharge { power: power?, until: until?, timeout: timeout? })
}

fn gx_write(node: &Node, reader: &mut Reader) -> Option<Verb> {
    let fields = reader.fields("gx-write", node, &["register", "value"])?;
    let register = require(&fields, "register", reader, |n, r| r.integer("register", 0..=0xFFFF, n));
    let value = require(&fields, "value", reader, |n, r| r.integer("value", 0..=0xFFFF, n));
    Some(Verb::GxWrite { register: u16::try_from(register?).ok()?, value: u16::try_from(value?).ok()? })
}

fn prompt(node: &Node, reader: &mut Reader) -> Option<Verb> {
    if node.as_text().is_some() {
        let text = reader.text("prompt", node)?.to_owned();
        return Some(Verb::Prompt { text, timeout: PROMPT_TIMEOUT });
    }
    let fields = reader.fields("prompt", node, &["text", "timeout"])?;
    let text = require(&fields, "text", reader, |n, r| r.text("text", n).map(str::to_owned));
    let timeout = optional(&fields, "timeout", reader, |n, r| span("timeout", n, r));
    Some(Verb::Prompt { text: text?, timeout: timeout?.unwrap_or(PROMPT_TIMEOUT) })
}
