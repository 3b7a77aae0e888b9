//! When a supply that cannot be reached is tried again: at once, and then less and less often.

use std::time::{Duration, Instant};

/// The first time after this …
const SOON: Duration = Duration::from_millis(50);
/// … and from then on half as long again, up to this: its output goes off within this of its return.
const SELDOM: Duration = Duration::from_millis(500);

/// From one try to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Again {
    /// when it could not be reached first
    pub(super) since: Instant,
    next: Instant,
    wait: Duration,
}

impl Again {
    /// The first try has just failed.
    pub(super) fn now() -> Self {
        let since = Instant::now();
        Self { since, next: since + SOON, wait: SOON }
    }

    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.next
    }

    /// Another one has just failed.
    pub(super) fn failed(&mut self) {
        self.wait = (self.wait * 3 / 2).min(SELDOM);
        self.next = Instant::now() + self.wait;
    }

    /// Waits for the next one.
    pub(super) fn sleep(&self) {
        std::thread::sleep(self.next.saturating_duration_since(Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_at_once_and_then_less_often() {
        let mut again = Again::now();
        let mut waits = Vec::new();
        for _ in 0..9 {
            waits.push(again.wait.as_millis());
            again.failed();
        }
        assert_eq!(waits, [50, 75, 112, 168, 253, 379, 500, 500, 500]);
        assert!(!again.is_due());
    }
}
