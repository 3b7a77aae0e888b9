//! Requests in words for a person.

use std::fmt;

use proto::fault::Id;
use proto::quantity::{Percent, Watts};
use proto::stimulus::{Start, Stimulus};

use super::Request;

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepare(start) => prepare(start, f),
            Self::Apply(stimulus) => apply(stimulus, f),
            Self::Ask(text) => f.write_str(text),
            Self::Finish => f.write_str(
                "The case is over: switch off loads, take back whatever was broken on purpose, connect the mains.",
            ),
        }
    }
}

const fn on(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn prepare(start: &Start, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "Prepare the case: battery at {}, mains {}, feed-in {}, AC load {}",
        start.soc,
        on(start.grid),
        on(start.feed_in),
        start.ac_load
    )?;
    if start.ac_pv > Watts::ZERO {
        write!(f, ", PV inverter on the AC side at {}", start.ac_pv)?;
    }
    if start.imbalance > Percent::ZERO {
        write!(f, ", one cell {} above the others", start.imbalance)?;
    }
    if let Some(limit) = start.input_current_limit {
        write!(f, ", AC input current limit {limit}")?;
    }
    f.write_str(".")
}

fn apply(stimulus: &Stimulus, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match stimulus {
        Stimulus::Pv(power) => write!(f, "Set the PV power to {power}."),
        Stimulus::AcPv(power) => write!(f, "Set the PV inverter on the AC side to {power}."),
        Stimulus::AcLoad(power) => write!(f, "Set the AC load to {power}."),
        Stimulus::Grid(true) => f.write_str("Connect the mains."),
        Stimulus::Grid(false) => f.write_str("Disconnect the mains."),
        Stimulus::InputCurrentLimit(limit) => write!(f, "Set the AC input current limit to {limit}."),
        Stimulus::FeedIn(state) => write!(f, "Switch feed-in of excess solar {}.", on(*state)),
        Stimulus::Silence { id, span } => {
            write!(f, "Keep frames {} from their receivers for {}.", Id(*id), span.written())
        }
        Stimulus::Inject(fault) => write!(f, "For {}: {}.", fault.span.written(), fault.kind),
        Stimulus::Imbalance(by) => write!(f, "Charge one cell until it is {by} above the others."),
        Stimulus::GxWrite { register, value } => write!(f, "Write {value} to register {register} of the GX."),
    }
}
