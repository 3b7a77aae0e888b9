//! Why there is no guard.

use std::io;

/// Why there is no guard, and so no run.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// somebody else has the rig
    #[error("the rig is in use by {0}; wait for its end with `busbar run --wait 10m`")]
    Busy(String),
    /// the engine that hands the rig out refused it
    #[error(
        "the rig is not given: {0}; nothing was opened or switched on; ask the holder, or wait until it is free with `busbar run \
         --wait 10m`"
    )]
    NotGiven(String),
    /// it does not guard
    #[error("{0}")]
    Refused(String),
    /// it does not start
    #[error("cannot start the guard of the supply: {0}; nothing was switched on")]
    Start(#[from] io::Error),
    /// it ended, or said what it never says
    #[error(
        "the guard of the supply ended, or stood still, before it was ready; nothing was switched on; run again, and where \
         that does not help look at the supply"
    )]
    Silent,
}

impl GuardError {
    /// Why the rig is not to be had, without what to do about it.
    #[must_use]
    pub fn why(&self) -> String {
        match self {
            Self::Busy(who) => format!("the rig is in use by {who}"),
            Self::NotGiven(why) => format!("the rig is not given: {why}"),
            other => other.to_string(),
        }
    }
}
