//! The thread that hears the CAN bus, and asks for the state of its interface.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use proto::quantity::Micros;

use super::inbox::Outbox;
use crate::can::{CanError, CanPort, Kind, RunClock};

/// A bus that is heard until this is dropped.
#[derive(Debug)]
pub(super) struct Listener {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Longest wait in one call, so that the thread ends soon after it shall.
const STEP: Micros = Micros::from_millis(100);

impl Listener {
    /// Hears a port; the state of the interface is asked for once in `period`.
    pub(super) fn start(
        mut port: Box<dyn CanPort>,
        period: Micros,
        clock: RunClock,
        outbox: Outbox,
    ) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let hear = move || {
            let mut ask = clock.now();
            while !stopped.load(Ordering::Relaxed) {
                if let Err(error) = step(&mut *port, &mut ask, period, clock, &outbox) {
                    return outbox.fault(format!("CAN: {error}"));
                }
            }
        };
        let thread = std::thread::Builder::new().name("CAN".to_owned()).spawn(hear)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

fn step(
    port: &mut dyn CanPort,
    ask: &mut Micros,
    period: Micros,
    clock: RunClock,
    outbox: &Outbox,
) -> Result<(), CanError> {
    let now = clock.now();
    if now >= *ask {
        *ask += Micros(period.0 * (1 + now.since(*ask).0 / period.0));
        // What a port does not tell is no reading.
        if let Some(reading) = port.info()?.reading() {
            outbox.bus(clock.now(), reading);
        }
    }
    let Some(received) = port.next((*ask).min(now + STEP))? else { return Ok(()) };
    match received.kind {
        Kind::Data(frame) => outbox.frame(received.at, frame),
        Kind::Error(error) => outbox.error_frame(received.at, error),
        // Of no battery: the protocol has none (P 1.2), and the GX takes no notice.
        Kind::Remote { .. } => {}
        Kind::Overflow(many) => {
            outbox.fault(format!(
                "CAN: at least {many} frames were lost between the bus and busbar; {TOO_SLOW}"
            ));
        }
    }
    Ok(())
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
