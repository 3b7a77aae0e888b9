//! Requests in words for a person.

use std::fmt;

use engine::suite::meaning;
use proto::quantity::{Percent, Watts};
use proto::stimulus::Start;

use super::Request;

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepare(start) => prepare(start, f),
            Self::Apply(stimulus) => {
                let words = stimulus.to_string();
                let verb = words.split(' ').next().unwrap_or_default();
                write!(f, "Do by hand: {words} ({}).", meaning(verb).unwrap_or_default())
            }
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
