//! More frames than there is time for: what is lost is known by number.

use std::time::{Duration, Instant};

use lab::can::{CanPort, Kind, Received, RunClock, SocketCan};
use proto::bus::ErrorKind;
use proto::quantity::Micros;

use super::Test;
use super::guest::{Beside, Outcome, RATE, soon};

pub(crate) const TESTS: &[Test] = &[
    ("a flooded bus for 10 s loses nothing unnoticed", flood),
    ("a reader that sleeps learns how many frames it lost", sleeping_reader),
];

/// What came of frames that cangen numbers.
#[derive(Debug, Default)]
struct Tally {
    received: u64,
    /// the number that is expected next
    expected: u64,
    /// numbers that never came
    gaps: u64,
    /// what the port said it lost
    lost: u64,
    /// error frames that tell of an overflow in the controller
    overflows: u64,
}

impl Tally {
    fn count(&mut self, received: &Received) -> Outcome {
        match received.kind {
            Kind::Data(frame) => {
                let number = u64::from_le_bytes(frame.padded());
                if number < self.expected {
                    return Err(format!("frame {number} came after {}", self.expected).into());
                }
                self.received += 1;
                self.gaps += number - self.expected;
                self.expected = number + 1;
            }
            Kind::Overflow(lost) => self.lost += u64::from(lost),
            Kind::Error(error) if error.kinds().any(|kind| kind == ErrorKind::Overflow) => {
                self.overflows += 1
            }
            Kind::Error(_) | Kind::Remote { .. } => {}
        }
        Ok(())
    }
}

/// Bits of a frame with 8 bytes and 11 bits of identifier, without stuffing, with the pause behind it (ISO 11898-1).
const FRAME_BITS: u64 = 111;

fn flood() -> Outcome {
    const SECONDS: u64 = 10;
    let run = RunClock::start();
    let mut port = SocketCan::open("can0", RATE, run)?;
    let mut cangen = Beside::start("cangen", "can1 -g 0 -p 10 -I 123 -L 8 -D i")?;
    let mut tally = Tally::default();
    let end = run.now() + Micros::from_secs(SECONDS);
    while run.now() < end {
        if let Some(received) = port.next(end)? {
            tally.count(&received)?;
        }
    }
    cangen.end()?;
    while let Some(received) = soon(&mut port, run, 500)? {
        tally.count(&received)?;
    }
    let rate = tally.received / SECONDS;
    println!("  {rate} frames a second, {} % of 500 kbit/s; {tally:?}", rate * FRAME_BITS * 100 / 500_000);
    assert!(tally.received > 1_000, "no flood: {tally:?}");
    assert_eq!(port.info()?.lost, tally.lost);
    // The controller itself says that it lost frames, but not how many.
    assert!(tally.gaps == tally.lost || tally.overflows > 0 && tally.gaps > tally.lost, "{tally:?}");
    Ok(())
}

fn sleeping_reader() -> Outcome {
    const FRAMES: u64 = 40_000;
    let run = RunClock::start();
    let mut port = SocketCan::open("vcan0", RATE, run)?;
    let mut cangen = Beside::start("cangen", &format!("vcan0 -g 0 -p 10 -I 123 -L 8 -D i -n {FRAMES}"))?;
    let give_up = Instant::now() + Duration::from_secs(60);
    while !cangen.ended()? {
        assert!(Instant::now() < give_up, "cangen takes too long");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut tally = Tally::default();
    while let Some(received) = soon(&mut port, run, 500)? {
        tally.count(&received)?;
    }
    println!("  of {FRAMES} frames: {tally:?}");
    assert_eq!(tally.received + tally.lost, FRAMES, "{tally:?}");
    assert!(tally.lost > 0, "the queue holds them all: nothing was tested");
    Ok(())
}
