//! Drivers of the witnesses: serial ports of meters that take nothing from the battery.
//!
//! A port that is not there, or goes away, is no fault of a case: it is opened again as soon as it is back, and how long
//! nothing was heard stands in the evidence. Limits that rest on it have an age of their own.

use std::sync::{Arc, Mutex, PoisonError};

use files::profile::SerialPort;
use files::{OnOff, WitnessPlace};
use proto::channel::Instrument;
use proto::chunk::Chunk;
use proto::quantity::Micros;
use proto::vedirect::{BAUD, Hex};

use crate::can::RunClock;
use crate::psu::{Link, Serial};

/// Longest wait for bytes in one step.
const STEP: Micros = Micros::from_millis(20);
/// How often a port that is not there is looked for.
const AGAIN: Micros = Micros::from_millis(500);
/// What is asked for in HEX, one register a second: uptime, what the GX set at a charger, and what it controls.
const ASKED: [u16; 5] = [0x0120, 0x2001, 0x2015, 0x200E, 0xEDD5];

/// A port of a witness, as long as somebody hears it.
pub(crate) struct WitnessPort {
    instrument: Instrument,
    path: String,
    link: Option<Serial>,
    clock: RunClock,
    /// when the port is looked for next
    look: Micros,
    /// when the next register is asked for, and how often, and which
    ask: Micros,
    every: Option<Micros>,
    asked: usize,
    trouble: Trouble,
}

/// Why a witness is not heard now; nothing where it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    /// In words.
    pub(crate) fn told(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, what: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }
}

impl WitnessPort {
    /// The port of a witness; nothing where the rig file names none. A second of its own time lasts so long on the clock.
    pub(crate) fn of(place: &WitnessPlace, clock: RunClock, second: Micros) -> Option<Self> {
        Some(Self {
            instrument: place.instrument(),
            path: place.port.clone()?,
            link: None,
            clock,
            look: clock.now(),
            ask: clock.now() + second,
            every: (place.hex == OnOff::On).then_some(second),
            asked: 0,
            trouble: Trouble::default(),
        })
    }

    /// Why it is not heard, for whoever asks later.
    pub(crate) fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }

    /// Hears for a moment; gives what came, with its time.
    pub(crate) fn step(&mut self, mut each: impl FnMut(Micros, Chunk)) {
        let now = self.clock.now();
        let Some(link) = &mut self.link else {
            if now < self.look {
                std::thread::sleep(self.clock.until(self.look.min(now + STEP)));
                return;
            }
            self.look = now + AGAIN;
            match open(&self.path) {
                Ok(link) => {
                    self.link = Some(link);
                    self.trouble.set(None);
                    each(now, Chunk::opened(self.instrument));
                }
                Err(error) => self.trouble.set(Some(error)),
            }
            return;
        };
        let mut buffer = [0; Chunk::MOST];
        let until = link.now() + STEP;
        let heard = match self.every {
            Some(every) if now >= self.ask => {
                self.ask = now + every;
                let question = format!("{}\n", Hex::get(ASKED[self.asked % ASKED.len()]));
                self.asked += 1;
                link.write(question.as_bytes(), until).and_then(|()| link.read(&mut buffer, until))
            }
            _ => link.read(&mut buffer, until),
        };
        match heard {
            Ok(many) => {
                let at = self.clock.now();
                Chunk::all(self.instrument, &buffer[..many]).for_each(|chunk| each(at, chunk));
            }
            Err(error) => {
                self.link = None;
                self.trouble.set(Some(error.to_string()));
            }
        }
    }
}

/// Opens a port, and forgets what came while nobody heard it.
fn open(path: &str) -> Result<Serial, String> {
    let settings = SerialPort { baud: BAUD, stop_bits: 1, dtr: false };
    let link = Serial::open(path, settings).map_err(|error| error.to_string())?;
    link.forget();
    Ok(link)
}
