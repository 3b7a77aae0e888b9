//! The verbs of a suite.

use core::fmt;

use judge::catalogue::Requirement;
use proto::fault::Fault;
use proto::quantity::{Amps, Micros, Percent, Watts};

use super::{Condition, Patience};
use crate::bench::Capability;
use crate::yaml::Position;

/// One step of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// where it stands in its file
    pub at: Position,
    /// what it does
    pub verb: Verb,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Verb {
    /// make PV power available, at once or evenly over a time
    Pv {
        /// power at the end
        power: Watts,
        /// how long it takes to get there
        over: Option<Micros>,
    },
    /// make power available to a PV inverter on the AC side
    AcPv(Watts),
    /// switch the AC load to this power
    AcLoad(Watts),
    /// connect or cut mains
    Grid(bool),
    /// feed in excess solar, or not
    FeedIn(bool),
    /// set the AC input current limit of the inverter
    InputCurrentLimit(Amps),
    /// let time pass
    Hold(Micros),
    /// wait until a condition holds; with a requirement, it fails when the time is up
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
    /// do the steps several times
    Repeat {
        /// how often
        times: u32,
        /// what
        steps: Vec<Step>,
    },
    /// keep frames of one id from their receivers; the step ends at once
    Silence {
        /// 11-bit id
        id: u16,
        /// for how long
        span: Micros,
    },
    /// inject a fault; the step ends at once
    Inject(Fault),
    /// charge one cell this much above the others
    Imbalance(Percent),
    /// load on, wait, load off
    Discharge {
        /// of the load
        power: Watts,
        /// what is waited for
        until: Condition,
        /// how long it may take
        timeout: Patience,
    },
    /// write a register of the GX
    GxWrite {
        /// Modbus address
        register: u16,
        /// raw value
        value: u16,
    },
    /// ask the operator
    Prompt {
        /// what to do
        text: String,
        /// how long it may take
        timeout: Micros,
    },
}

/// Every verb, with what a rig must have for it.
pub(crate) const VERBS: &[(&str, Option<Capability>)] = &[
    ("pv", Some(Capability::Pv)),
    ("ac-pv", Some(Capability::AcPv)),
    ("ac-load", Some(Capability::AcLoad)),
    ("grid", Some(Capability::Grid)),
    ("feed-in", Some(Capability::Gx)),
    ("input-current-limit", Some(Capability::Gx)),
    ("hold", None),
    ("wait", None),
    ("expect", None),
    ("mark", None),
    ("repeat", None),
    ("silence", Some(Capability::Silence)),
    ("inject", Some(Capability::Inject)),
    ("imbalance", Some(Capability::Imbalance)),
    ("discharge", Some(Capability::AcLoad)),
    ("gx-write", Some(Capability::Gx)),
    ("prompt", Some(Capability::Operator)),
];

impl Verb {
    /// Its name in suite files.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Pv { .. } => "pv",
            Self::AcPv(_) => "ac-pv",
            Self::AcLoad(_) => "ac-load",
            Self::Grid(_) => "grid",
            Self::FeedIn(_) => "feed-in",
            Self::InputCurrentLimit(_) => "input-current-limit",
            Self::Hold(_) => "hold",
            Self::Until { requirement: None, .. } => "wait",
            Self::Until { requirement: Some(_), .. } => "expect",
            Self::Mark(_) => "mark",
            Self::Repeat { .. } => "repeat",
            Self::Silence { .. } => "silence",
            Self::Inject(_) => "inject",
            Self::Imbalance(_) => "imbalance",
            Self::Discharge { .. } => "discharge",
            Self::GxWrite { .. } => "gx-write",
            Self::Prompt { .. } => "prompt",
        }
    }
}

/// A span as a lab engineer says it: `90 min`, `3 h`.
pub(crate) struct Words(pub(crate) Micros);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.0.0;
        let units = [("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000), ("ms", 1_000), ("µs", 1)];
        let (unit, scale) =
            units.into_iter().find(|&(_, scale)| us.is_multiple_of(scale) && us > 0).unwrap_or(("s", 1));
        write!(f, "{} {unit}", us / scale)
    }
}

/// The step in words, as reports and progress show it.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on_off = |on: bool| if on { "on" } else { "off" };
        match &self.verb {
            Verb::Pv { power, over: None } => write!(f, "pv {}", Power(*power)),
            Verb::Pv { power, over: Some(over) } => write!(f, "pv {} over {}", Power(*power), Words(*over)),
            Verb::AcPv(power) => write!(f, "ac-pv {}", Power(*power)),
            Verb::AcLoad(power) => write!(f, "ac-load {}", Power(*power)),
            Verb::Grid(on) => write!(f, "grid {}", on_off(*on)),
            Verb::FeedIn(on) => write!(f, "feed-in {}", on_off(*on)),
            Verb::InputCurrentLimit(limit) => write!(f, "input-current-limit {limit}"),
            Verb::Hold(span) => write!(f, "hold {}", Words(*span)),
            Verb::Until { condition, hold, timeout, requirement } => {
                let verb = if requirement.is_some() { "expect" } else { "wait until" };
                write!(f, "{verb} {condition}")?;
                if *hold > Micros::ZERO {
                    write!(f, " for {}", Words(*hold))?;
                }
                write!(f, ", within {timeout}")
            }
            Verb::Mark(name) => write!(f, "mark {name}"),
            Verb::Repeat { times, .. } => write!(f, "repeat {times} times"),
            Verb::Silence { id, span } => write!(f, "silence 0x{id:03X} for {}", Words(*span)),
            Verb::Inject(Fault { kind, span }) => write!(f, "inject {kind} for {}", Words(*span)),
            Verb::Imbalance(by) => write!(f, "imbalance {by}"),
            Verb::Discharge { power, until, timeout } => {
                write!(f, "discharge {} until {until}, within {timeout}", Power(*power))
            }
            Verb::GxWrite { register, value } => write!(f, "gx-write {register} = {value}"),
            Verb::Prompt { text, .. } => write!(f, "prompt: {text}"),
        }
    }
}

struct Power(Watts);

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watts = self.0.0;
        if watts == 0.0 {
            f.write_str("off")
        } else if watts >= 1000.0 {
            write!(f, "{} kW", watts / 1000.0)
        } else {
            write!(f, "{watts} W")
        }
    }
}
