//! The metrics M1 to M12: pure functions over windows of a trace. Their thresholds are in [`crate::thresholds`];
//! M14, the gap between two 0x351, is measured where the frames are ([`crate::wire`]). `docs/metrics.md` describes each.
//!
//! No single one suffices: a CVL that follows the battery voltage every 20 s passes M2 to M6 and is caught by M7
//! and M12 only, a relay with a period of 20 s passes M2 and is caught by M3.

mod current;
mod cycle;
mod export;
#[cfg(test)]
mod known;
mod once;
mod pace;
#[cfg(test)]
mod properties;
mod regularity;
mod sink;
mod spread;
mod swings;
mod tracking;
mod trips;

pub use current::{
    Discharge, Excess, Lift, covered, curtailed, discharge, excess, headroom, soc_fall, unscanned,
};
pub use cycle::{Cycle, cycle};
pub use export::{Ripple, Settling, ripple, settling};
pub use once::{Shift, lowered_once, raised_once};
pub use pace::{Pace, Steps, pace, steps};
pub use regularity::{Regularity, regularity};
pub use sink::{Sink, sink};
pub use spread::imbalance;
pub use swings::{Swings, swings};
pub use tracking::{Tracking, answered, copies, tracking};
pub use trips::{How, Trip, trips};

/// What a metric makes of a trace.
#[derive(Debug)]
pub struct Metric {
    /// its id, such as `M8`
    pub id: &'static str,
    /// what it tells
    pub figure: &'static str,
    /// in which unit
    pub unit: &'static str,
    /// over which windows
    pub window: &'static str,
    /// what it is for, where no requirement is decided by its thresholds
    pub aside: &'static str,
}

/// All metrics. There is no M13.
#[rustfmt::skip]
pub static METRICS: &[Metric] = &[
    Metric { id: "M1", figure: "disconnects and high-voltage alarms", unit: "count", window: "whole case", aside: "" },
    Metric { id: "M2", figure: "share of changes of CVL less than 20 s after the one before", unit: "%", window: "full, near", aside: "" },
    Metric { id: "M3", figure: "reversals of CVL beyond a dead band", unit: "/h", window: "full, quiet, near", aside: "" },
    Metric { id: "M4", figure: "regularity of the autocorrelation of CVL", unit: "ratio", window: "full, the longest quiet part", aside: "diagnosis beside M3" },
    Metric { id: "M5", figure: "travel of CVL up and down", unit: "V/h", window: "full, quiet, near", aside: "" },
    Metric { id: "M6", figure: "largest step of CVL up", unit: "V", window: "full, near", aside: "" },
    Metric { id: "M7", figure: "charge taken from the full battery", unit: "%/h", window: "full, sun covers the loads", aside: "" },
    Metric { id: "M8", figure: "spread of the export over its mean; settling of the export after a step", unit: "%, s", window: "full, quiet, feeding in; after each step", aside: "" },
    Metric { id: "M9", figure: "share of the PV that is not used though there is room", unit: "%", window: "full, quiet", aside: "" },
    Metric { id: "M10", figure: "distance of the highest cell from its disconnect voltage; settling of CVL after a step", unit: "V, s", window: "full; after each step", aside: "" },
    Metric { id: "M11", figure: "time of the DC bus near CVL + 0.4 V", unit: "s", window: "since full", aside: "" },
    Metric { id: "M12", figure: "share of a change of battery voltage that CVL follows", unit: "%", window: "the pulls of the active test", aside: "" },
    Metric { id: "M14", figure: "gap between two 0x351", unit: "s", window: "whole case or log", aside: "" },
    Metric { id: "M15", figure: "how far the PV power that the supply offers lies from what the suite asked for", unit: "%", window: "whole case", aside: "leaves every requirement of the case undecided" },
    Metric { id: "M16", figure: "power that a cycle of CVL moves to and fro in the battery, over that of the inverter", unit: "%", window: "full, quiet, near", aside: "" },
    Metric { id: "M17", figure: "fall of CVL for each cell, with the highest cell", unit: "V/h", window: "full, the longest quiet part, its last half", aside: "" },
];
