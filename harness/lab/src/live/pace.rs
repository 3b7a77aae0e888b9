//! Whether the rig runs as fast as its file says: a GX sends its keep-alive once a second (P 1.4), so seconds of the rig
//! can be counted.

use proto::frame::{CanId, Frame};
use proto::message::id;
use proto::quantity::Micros;

/// So many seconds of the rig are counted at the beginning of a case; what a suite does to the GX comes later.
const COUNTED: u32 = 10;
/// What is further off than this is another speed. A second node that also sends the keep-alive is nearer (BUS-04).
const FACTOR: f64 = 4.0;

/// Counts keep-alives of the GX, until it knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    speed: u32,
    /// when the first came, in the time of the rig as its file says, and how many after it
    first: Option<Micros>,
    count: u32,
    known: bool,
}

impl Pace {
    /// For a rig that is said to be so many times faster than the clock.
    pub(crate) const fn new(speed: u32) -> Self {
        Self { speed, first: None, count: 0, known: false }
    }

    /// A frame, at a time of the rig; what is wrong, once, where the speed is another one.
    pub(crate) fn frame(&mut self, at: Micros, frame: &Frame) -> Option<String> {
        if self.known || frame.id() != CanId::Standard(id::KEEP_ALIVE) {
            return None;
        }
        let first = *self.first.get_or_insert(at);
        let secs = at.since(first).secs();
        self.count += 1;
        let seconds = self.count - 1;
        if seconds < COUNTED && secs < f64::from(COUNTED) * FACTOR {
            return None;
        }
        self.known = true;
        self.wrong(seconds, secs)
    }

    /// What so many keep-alives in so much of the rig's time say.
    pub(crate) fn wrong(&self, keep_alives: u32, secs: f64) -> Option<String> {
        let rate = f64::from(keep_alives) / secs.max(1e-6);
        if (1.0 / FACTOR..=FACTOR).contains(&rate) {
            return None;
        }
        let speed = f64::from(self.speed);
        Some(format!(
            "the GX on the bus sends 0x305 {:.1} times a second of the clock and sends it once a second of its own (P 1.4): \
             it runs {:.0} times as fast as the clock, the rig file says {} (`live.speed`); a served rig has the speed of \
             `busbar serve --speed`, a real one 1",
            rate * speed,
            (rate * speed).max(1.0),
            self.speed
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// Keep-alives so often, in milliseconds of the rig as its file says.
    #[rstest]
    #[case::right(60, 1000, None)]
    #[case::a_second_gx(1, 500, None)]
    #[case::slow_machine(60, 2000, None)]
    #[case::served_faster(1, 17, Some("runs 59 times as fast as the clock, the rig file says 1 "))]
    #[case::served_slower(60, 60_000, Some("runs 1 times as fast as the clock, the rig file says 60 "))]
    fn the_speed_is_seen(#[case] speed: u32, #[case] every: u64, #[case] says: Option<&str>) {
        let mut pace = Pace::new(speed);
        let keep_alive = Frame::standard(id::KEEP_ALIVE, &[0; 8]);
        let other = Frame::standard(id::LIMITS, &[0; 8]);
        let found: Vec<String> = (0..40)
            .flat_map(|n| {
                let at = Micros::from_millis(n * every);
                [pace.frame(at, &other), pace.frame(at, &keep_alive)]
            })
            .flatten()
            .collect();
        match says {
            None => assert_eq!(found, Vec::<String>::new()),
            Some(says) => assert!(found.len() == 1 && found[0].contains(says), "{found:?}"),
        }
    }
}
