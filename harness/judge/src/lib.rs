//! Judges a battery from evidence: the trace of a case, the requirement catalogue, metrics and verdicts.

pub mod battery;
pub mod behaviour;
pub mod catalogue;
#[cfg(test)]
mod documented;
pub mod envelope;
pub mod failure;
pub mod identify;
pub mod metrics;
pub mod portrait;
pub mod recording;
pub mod requirement;
pub mod root;
pub mod site;
pub mod tampering;
pub mod thresholds;
pub mod trace;
pub mod tube;
pub mod verdict;
pub mod verdicts;
pub mod window;
pub mod wire;
pub mod witness;
