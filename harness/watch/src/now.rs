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

impl Now {
    /// A file may be written between a look at the clock and one at the file, and clocks of disks are a little apart.
    const AHEAD: Duration = Duration::from_secs(2);

    /// How long ago a file was written to, by the clock of its disk; nothing where that is still to come.
    #[must_use]
    pub fn since(&self, written: SystemTime) -> Option<Duration> {
        match self.wall.duration_since(written) {
            Ok(age) => Some(age),
            Err(ahead) => (ahead.duration() <= Self::AHEAD).then_some(Duration::ZERO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_meanwhile_is_new_and_what_is_to_come_is_nothing() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let now = Now { wall, passed: Duration::ZERO };
        assert_eq!(now.since(wall - Duration::from_secs(7)), Some(Duration::from_secs(7)));
        assert_eq!(now.since(wall + Duration::from_millis(3)), Some(Duration::ZERO));
        assert_eq!(now.since(wall + Duration::from_secs(3600)), None);
    }
}
