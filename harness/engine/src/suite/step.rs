//! The steps of a case: each is a verb with the operations that it becomes.

use core::fmt;

use judge::requirement::Requirement;
use proto::quantity::{Micros, Watts};
use proto::stimulus::{Power, Stimulus};

use super::{Condition, Patience};
use crate::bench::Capability;
use crate::yaml::Position;

/// One step of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// where it stands in its file
    pub at: Position,
    /// its verb
    pub verb: &'static str,
    /// what a rig must have for it
    pub needs: Option<Capability>,
    /// what it does
    pub(crate) does: Does,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Does {
    /// one operation
    One(Op),
    /// several, in order
    Several(Vec<Op>),
    /// the steps, several times
    Repeat {
        /// how often
        times: u32,
        /// what
        steps: Vec<Step>,
    },
}

/// What an operation does.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// change the world
    Apply(Stimulus),
    /// bring PV power to a value, evenly
    Ramp {
        /// power at the end
        to: Watts,
        /// how long it takes to get there
        over: Micros,
    },
    /// let time pass
    Hold(Micros),
    /// wait until a condition holds
    Until {
        /// what is waited for
        condition: Condition,
        /// how long it must hold without a break
        hold: Micros,
        /// how long it may take
        timeout: Patience,
        /// the requirement that fails when it takes longer (`expect`); without one the case is inconclusive (`wait`)
        requirement: Option<&'static Requirement>,
    },
    /// remember this moment
    Mark(String),
    /// ask the operator
    Ask {
        /// what to do
        text: String,
        /// how long it may take
        timeout: Micros,
    },
}

impl Step {
    /// What it does, in order; of a `repeat` nothing but its steps, which [`each`] looks at.
    #[must_use]
    pub fn ops(&self) -> &[Op] {
        match &self.does {
            Does::One(op) => core::slice::from_ref(op),
            Does::Several(ops) => ops,
            Does::Repeat { .. } => &[],
        }
    }
}

/// Looks at every step once, those that are repeated included.
pub fn each<'s>(steps: &'s [Step], look: &mut impl FnMut(&'s Step)) {
    for step in steps {
        look(step);
        if let Does::Repeat { steps, .. } = &step.does {
            each(steps, look);
        }
    }
}

/// The step in words, as reports and progress show it.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.does {
            Does::One(op) => op.fmt(f),
            Does::Several(ops) => ops.iter().enumerate().try_for_each(|(k, op)| {
                f.write_str(if k > 0 { ", then " } else { "" })?;
                op.fmt(f)
            }),
            Does::Repeat { times, .. } => write!(f, "repeat {times} times"),
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apply(stimulus) => stimulus.fmt(f),
            Self::Ramp { to, over } => write!(f, "pv {} over {}", Power(*to), over.span()),
            Self::Hold(span) => write!(f, "hold {}", span.span()),
            Self::Until { condition, hold, timeout, requirement } => {
                let verb = if requirement.is_some() { "expect" } else { "wait until" };
                write!(f, "{verb} {condition}")?;
                if *hold > Micros::ZERO {
                    write!(f, " for {}", hold.span())?;
                }
                write!(f, ", within {timeout}")
            }
            Self::Mark(name) => write!(f, "mark {name}"),
            Self::Ask { text, .. } => write!(f, "prompt: {text}"),
        }
    }
}

/// Every mark that the steps set, in order, as the trace will name it: inside a `repeat` with the number of the
/// round.
pub(super) fn marks(steps: &[Step]) -> Vec<String> {
    fn walk(steps: &[Step], suffix: &str, found: &mut Vec<String>) {
        for step in steps {
            match &step.does {
                Does::One(Op::Mark(name)) => found.push(format!("{name}{suffix}")),
                Does::Repeat { times, steps } if has_mark(steps) => {
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
    let mut found = false;
    each(steps, &mut |step| found |= matches!(step.does, Does::One(Op::Mark(_))));
    found
}
