//! The metrics M1 to M12: pure functions over windows of a trace. Their thresholds are in [`crate::thresholds`];
//! M14, the gap between two 0x351, is measured where the frames are ([`crate::wire`]). `docs/metrics.md` describes each.
//!
//! No single one suffices: a CVL that follows the battery voltage every 20 s passes M2 to M6 and is caught by M7
//! and M12 only, a relay with a period of 20 s passes M2 and is caught by M3.

mod current;
#[cfg(test)]
mod documented;
mod export;
#[cfg(test)]
mod known;
mod pace;
#[cfg(test)]
mod properties;
mod regularity;
mod spread;
mod swings;
mod tracking;
mod trips;

pub use current::{
    Discharge, Excess, Lift, OFFSET, covered, curtailed, discharge, excess, headroom, soc_fall,
};
pub use export::{Ripple, Settling, ripple, settling};
pub use pace::{Pace, Steps, pace, steps};
pub use regularity::{Regularity, regularity};
pub use spread::imbalance;
pub use swings::{Swings, swings};
pub use tracking::{COPIES, PULLS, Tracking, copies, tracking};
pub use trips::{How, Trip, trips};

/// One step of CVL on the wire, V (P 2 §0x351).
pub const LSB: f64 = 0.1;

/// A CVL further above the battery voltage than this controls nothing: its changes are harmless. V.
pub const NEAR: f64 = 1.5;
