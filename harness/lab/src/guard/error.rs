//! Why there is no guard.

use std::io;

/// Why there is no guard, and so no run.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// somebody else has the rig
    #[error("the rig is in use by {0}; wait for its end with `busbar run --wait 10m`")]
    Busy(String),
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
