//! How times of the kernel come onto the axis of a run.

use std::time::SystemTime;

use proto::quantity::Micros;

use super::RunClock;

/// How far the system's time of day may be from where it was at the opening before it counts as set anew: assumption,
/// far above what a busy machine puts between reading two clocks, far below what an operator or NTP sets it by.
const SET_ANEW: i128 = 100_000;

/// Brings the kernel's times of reception, which are times of day, onto the axis of the run: by one offset taken at
/// the opening, and by a new one after somebody has set the clock. Times never run back and never lie ahead.
#[derive(Debug)]
pub(super) struct KernelClock {
    run: RunClock,
    /// time of day less time of the run, in microseconds
    offset: i128,
    last: Micros,
}

impl KernelClock {
    pub(super) fn open(run: RunClock) -> Self {
        Self { run, offset: offset(&run, SystemTime::now), last: Micros::ZERO }
    }

    pub(super) fn at(&mut self, kernel: SystemTime) -> Micros {
        self.at_by(kernel, SystemTime::now)
    }

    /// As [`Self::at`], where the time of day is what somebody says.
    fn at_by(&mut self, kernel: SystemTime, day: impl Fn() -> SystemTime) -> Micros {
        let now = self.run.now();
        if (of_day(day()) - i128::from(now.0) - self.offset).abs() > SET_ANEW {
            self.offset = offset(&self.run, day);
        }
        self.place(of_day(kernel), now)
    }

    fn place(&mut self, kernel: i128, now: Micros) -> Micros {
        let at = u64::try_from(kernel - self.offset).unwrap_or(0);
        self.last = Micros(at).min(now).max(self.last);
        self.last
    }

    /// Now, for what the kernel has put no time on.
    pub(super) fn now(&mut self) -> Micros {
        self.last = self.run.now().max(self.last);
        self.last
    }
}

/// The time of day between two readings of the run's clock; the closest pair of some, should something come between.
fn offset(run: &RunClock, day: impl Fn() -> SystemTime) -> i128 {
    let measure = || {
        let before = run.now().0;
        let day = of_day(day());
        let after = run.now().0;
        (after - before, day - i128::from(before + (after - before) / 2))
    };
    (0..8).map(|_| measure()).min().map_or(0, |(_, offset)| offset)
}

/// Microseconds since 1970.
fn of_day(at: SystemTime) -> i128 {
    match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_micros()).unwrap_or(i128::MAX),
        Err(before) => -i128::try_from(before.duration().as_micros()).unwrap_or(i128::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::time::Duration;

    #[test]
    fn a_time_of_day_is_placed_where_it_was() {
        let run = RunClock::start();
        let mut clock = KernelClock::open(run);
        let before = run.now();
        let day = SystemTime::now();
        let after = run.now();
        let at = clock.at(day);
        // Both clocks are read within microseconds; a busy machine may put a pause between.
        assert!(at.0 + 5_000 >= before.0 && at.0 <= after.0 + 5_000, "{at:?} of {before:?} to {after:?}");
    }

    #[test]
    fn times_never_run_back_and_never_lie_ahead() {
        let mut clock = KernelClock { run: RunClock::start(), offset: 1_000_000, last: Micros::ZERO };
        assert_eq!(clock.place(1_000_500, Micros(900)), Micros(500));
        assert_eq!(clock.place(1_000_400, Micros(950)), Micros(500));
        assert_eq!(clock.place(1_002_000, Micros(1000)), Micros(1000));
        assert_eq!(clock.place(0, Micros(1100)), Micros(1000));
    }

    #[test]
    fn a_clock_set_anew_is_noticed() {
        let run = RunClock::start();
        let mut clock = KernelClock::open(run);
        // As if the time of day had been an hour behind at the opening.
        clock.offset -= 3_600_000_000;
        std::thread::sleep(Duration::from_millis(2));
        let at = clock.at(SystemTime::now());
        assert!(at <= run.now() && at >= Micros::from_millis(1), "{at:?}");
    }

    /// The time of day jumps by so many hours between two frames.
    #[rstest]
    #[case::forward(1)]
    #[case::back(-1)]
    #[case::far_back(-24 * 365)]
    fn a_clock_that_jumps_between_frames_moves_none_of_them(#[case] hours: i64) {
        let jump = Duration::from_secs(hours.unsigned_abs() * 3600);
        let stepped = || if hours < 0 { SystemTime::now() - jump } else { SystemTime::now() + jump };
        let run = RunClock::start();
        let mut clock = KernelClock::open(run);
        let first = clock.at_by(SystemTime::now(), SystemTime::now);
        // Stamped before the jump and read after it: between the frame before and now, wherever exactly.
        let waiting = SystemTime::now();
        let second = clock.at_by(waiting, stepped);
        assert!(first <= second && second <= run.now(), "{first:?} {second:?}");
        // Stamped after the jump: where it was, and so after the jump back.
        for day in [&stepped as &dyn Fn() -> SystemTime, &SystemTime::now] {
            std::thread::sleep(Duration::from_millis(20));
            let before = run.now();
            let at = clock.at_by(day(), day);
            let after = run.now();
            // Reading two clocks takes microseconds; a busy machine may put a pause between.
            assert!(at.0 + 5_000 >= before.0 && at <= after, "{at:?} of {before:?} to {after:?}");
        }
    }
}
