//! The thread that hears an instrument: the CAN bus, whose interface it asks for its state.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use proto::quantity::Micros;

use super::inbox::Outbox;
use crate::can::{CanError, CanPort, Kind, RunClock};

/// An instrument that is heard until this is dropped.
#[derive(Debug)]
pub(super) struct Listener {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Longest wait in one call: as often it is told that nothing more was there.
const STEP: Micros = Micros::from_millis(2);
/// A thread that is woken so much later than it asked for was not alone: the machine stood still.
const STALL: Micros = Micros::from_millis(10);
/// So long after that more may be there than was found. Assumption: by then every driver has run.
const HOLD: Micros = Micros::from_millis(50);

impl Listener {
    /// Does one step of hearing after the other. One that cannot be done is a fault of the case, and the last.
    pub(super) fn start(
        name: &'static str,
        outbox: Outbox,
        mut step: impl FnMut() -> Result<(), String> + Send + 'static,
    ) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let hear = move || {
            while !stopped.load(Ordering::Relaxed) {
                if let Err(what) = step() {
                    return outbox.fault(format!("{name}: {what}"));
                }
            }
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(hear)?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Hears a port; the state of the interface is asked for once in `period`.
    pub(super) fn can(
        port: Box<dyn CanPort>,
        period: Micros,
        clock: RunClock,
        outbox: Outbox,
    ) -> io::Result<Self> {
        let now = clock.now();
        let faults = outbox.clone();
        let mut ear = Ear { port, period, clock, outbox, ask: now, wake: now, hold: now };
        Self::start("CAN", faults, move || ear.step().map_err(|error| error.to_string()))
    }
}

struct Ear {
    port: Box<dyn CanPort>,
    period: Micros,
    clock: RunClock,
    outbox: Outbox,
    /// when the state of the interface is asked for next
    ask: Micros,
    /// when this shall be awake again, and until when it holds its word back after a stall
    wake: Micros,
    hold: Micros,
}

impl Ear {
    fn step(&mut self) -> Result<(), CanError> {
        let now = self.clock.now();
        if now.since(self.wake) > STALL {
            self.hold = now + HOLD;
        }
        self.wake = now + STEP;
        let received = self.port.next(self.wake)?;
        let is_quiet = received.is_none();
        if let Some(received) = received {
            match received.kind {
                Kind::Data(frame) => self.outbox.frame(received.at, frame),
                Kind::Error(error) => self.outbox.error_frame(received.at, error),
                // Of no battery: the protocol has none (P 1.2), and the GX takes no notice.
                Kind::Remote { .. } => {}
                Kind::Overflow(many) => self.outbox.fault(format!(
                    "CAN: at least {many} frames were lost between the bus and busbar; {TOO_SLOW}"
                )),
            }
        } else if now >= self.hold {
            self.outbox.looked(now);
        }
        // After the frames that were there, where they end.
        if now >= self.ask && (is_quiet || now >= self.ask + self.period) {
            self.ask += Micros(self.period.0 * (1 + now.since(self.ask).0 / self.period.0));
            // What a port does not tell is no reading.
            if let Some(reading) = self.port.info()?.reading() {
                self.outbox.bus(self.clock.now(), reading);
            }
        }
        Ok(())
    }
}

const TOO_SLOW: &str = "this machine is too slow, or busy with something else";

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
