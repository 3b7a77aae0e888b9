//! The axis of a run.

use std::time::{Duration, Instant};

use proto::quantity::Micros;

/// The clock of a run. Every port of a bench holds a copy of the same one.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    start: Instant,
}

impl RunClock {
    /// The run begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Time since the start.
    #[must_use]
    pub fn now(&self) -> Micros {
        self.since_start(Instant::now())
    }

    /// How long until `deadline`; zero when it has passed.
    #[must_use]
    pub fn until(&self, deadline: Micros) -> Duration {
        Duration::from_micros(deadline.since(self.now()).0)
    }

    fn since_start(&self, at: Instant) -> Micros {
        Micros(u64::try_from(at.saturating_duration_since(self.start).as_micros()).unwrap_or(u64::MAX))
    }
}
