//! How much of the bus a program takes: one that floods it is ended, before its case has cost minutes and gigabytes.

use proto::frame::Frame;
use proto::quantity::Micros;

/// So long a program is counted before it begins anew.
const WHILE: Micros = Micros::from_secs(10);
/// The most of the time of the bus that its frames may take over that while, in percent. Batteries take a few; what is
/// beyond is a loop that does not end.
const MOST: u64 = 30;

/// What its frames have taken of the bus lately.
#[derive(Debug)]
pub(super) struct Load {
    /// of the bus, bit/s
    bit_rate: u64,
    since: Micros,
    frames: u64,
    bits: u64,
}

impl Load {
    /// On a bus of so many bit/s.
    pub(super) fn on(bit_rate: u32) -> Self {
        Self { bit_rate: bit_rate.max(1).into(), since: Micros::ZERO, frames: 0, bits: 0 }
    }

    /// A turn at this time: frames that follow are from now on.
    pub(super) fn turn(&mut self, at: Micros) {
        if at.since(self.since) >= WHILE {
            (self.since, self.frames, self.bits) = (at, 0, 0);
        }
    }

    /// It sends this one.
    pub(super) fn frame(&mut self, frame: &Frame) {
        self.frames += 1;
        self.bits += u64::from(frame.bits());
    }

    /// Whether all of them until its next turn at that time are what a battery sends; else what is wrong, in words.
    pub(super) fn check(&self, next: Micros) -> Result<(), String> {
        let span = next.since(self.since).max(WHILE);
        let (taken, room) = (self.bits * 1_000_000, self.bit_rate * span.0);
        if taken * 100 <= room * MOST {
            return Ok(());
        }
        Err(format!(
            "it floods the bus: {} frames for the {} from {} take {:.1} s of a wire of {} kbit/s; expected at most {MOST} % of \
             the time",
            self.frames,
            span.span(),
            self.since,
            taken as f64 / self.bit_rate as f64 / 1e6,
            self.bit_rate as f64 / 1e3,
        ))
    }
}
