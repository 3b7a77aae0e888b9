//! What the law of CVL is, from the trace: when CVL changes, what it answers and how strongly, where it begins and where it
//! rests, and how much room the loop has on this rig.
//!
//! A diagnosis, never a verdict: no requirement is decided by it. What the evidence does not tell is not told, so that each
//! figure is an `Option`; `docs/diagnosis.md` has the formulas, their sources, and what is not identified. Nothing here knows a
//! battery: voltages count per cell, currents per capacity, CVL in steps of the wire.

mod answer;
mod clock;
mod cycle;
mod fit;
mod margin;
mod rest;
mod said;
mod samples;
#[cfg(test)]
mod tests;

use proto::quantity::Ohms;

use crate::battery::Battery;
use crate::trace::Trace;

pub use answer::{Answer, CellLaw, Follows};
pub use clock::Clock;
pub use cycle::{Cause, Cycle};
pub use margin::Margin;
pub use rest::{Drift, Onset, Ramp, Rest};
use samples::Seen;

/// What is known of the law by which a battery sets CVL.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Law {
    /// cases with a full battery that it was found in
    pub cases: usize,
    /// the clock on which CVL changes
    pub clock: Option<Clock>,
    /// CVL is renewed with each frame
    pub each_frame: bool,
    /// CVL never changed
    pub constant: bool,
    /// CVL goes to and fro by itself
    pub cycle: Option<Cycle>,
    /// it follows battery voltage or current
    pub follows: Option<Follows>,
    /// how it answers the highest cell
    pub answer: Option<Answer>,
    /// the highest cell as it first falls
    pub onset: Option<Onset>,
    /// it falls by steps of one size on one beat
    pub ramp: Option<Ramp>,
    /// where it ends in most cases
    pub rest: Option<Rest>,
    /// it goes on falling or rising while nothing flows
    pub drift: Option<Drift>,
    /// what the battery's voltage does for an ampere within seconds
    pub resistance: Option<Ohms>,
    /// how far the loop is from swinging
    pub margin: Option<Margin>,
}

/// Identifies the law from the cases of a run in which the battery was full.
#[must_use]
pub fn identify<'a>(traces: impl IntoIterator<Item = &'a Trace>, battery: &Battery) -> Law {
    let cases: Vec<Seen> = traces.into_iter().filter_map(|trace| Seen::of(trace, battery)).collect();
    if cases.is_empty() {
        return Law::default();
    }
    let changes = cases.iter().flat_map(|seen| &seen.near).map(|part| part.edges.len()).sum::<usize>();
    let hours = cases.iter().flat_map(|seen| &seen.near).map(samples::Part::hours).sum::<f64>();
    let clock = clock::clock(&cases);
    let (answer, resistance) = (answer::answer(&cases, clock), answer::resistance(&cases, battery));
    Law {
        cases: cases.len(),
        clock,
        each_frame: clock.is_none() && clock::each_frame(&cases),
        constant: changes == 0 && hours >= 1.0,
        cycle: cycle::cycle(&cases),
        follows: answer::follows(&cases, battery, clock),
        answer,
        onset: rest::onset(&cases),
        ramp: rest::ramp(&cases),
        rest: rest::rest(&cases),
        drift: rest::drift(&cases, battery),
        resistance,
        margin: margin::margin(&cases, battery, answer, resistance),
    }
}
