//! When it is looked.

use std::time::{Duration, SystemTime};

/// A moment, by two clocks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// that of files, which may step
    pub wall: SystemTime,
    /// that never does: time since the watching began
    pub passed: Duration,
}
