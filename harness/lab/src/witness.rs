//! Drivers of the witnesses: serial ports and buses of meters that take nothing from the battery.
//!
//! A port that is not there, or goes away, is no fault of a case: it is opened again as soon as it is back, and how long
//! nothing was heard stands in the evidence. Limits that rest on it have an age of their own.

use std::sync::{Arc, Mutex, PoisonError};

use files::live::CanPlace;
use files::profile::SerialPort;
use files::{OnOff, WitnessPlace};
use proto::channel::Instrument;
use proto::chunk::Chunk;
use proto::nmea2000;
use proto::quantity::Micros;
use proto::slcan::{self, Carried};
use proto::vedirect::{BAUD, Hex};

use crate::can::{CanPort, Kind, RunClock, open_can};
use crate::psu::{Link, Serial};

/// Longest wait for bytes in one step.
const STEP: Micros = Micros::from_millis(100);
/// What comes within this part of a second of the rig is heard at once: a line says ten bytes in 5 ms, and somebody would be
/// woken for each few.
const GATHERED: u64 = 33;
/// How often a port that is not there is looked for.
const AGAIN: Micros = Micros::from_millis(500);
/// What is asked for in HEX, one register a second: uptime, what the GX set at a charger, and what it controls.
const ASKED: [u16; 5] = [0x0120, 0x2001, 0x2015, 0x200E, 0xEDD5];

/// A port of witnesses, as long as somebody hears it: a line has one, a bus may have several.
pub(crate) struct WitnessPort {
    instruments: Vec<Instrument>,
    place: Place,
    open: Option<Open>,
    clock: RunClock,
    /// when the port is looked for next
    look: Micros,
    /// when the next question is put, and how often; nothing where nothing is asked
    ask: Micros,
    every: Option<Micros>,
    asked: usize,
    /// for so long more is gathered once something came
    gather: Micros,
    trouble: Trouble,
}

/// Where a port is.
#[derive(Clone, PartialEq)]
enum Place {
    /// with its bit rate
    Line(String, u32),
    Bus(CanPlace),
}

/// A port that is open.
enum Open {
    Line(Serial),
    /// with room for a frame as a line of SLCAN
    Bus(Box<dyn CanPort>, Vec<u8>),
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
        let on_bus = place.can.clone().map(Place::Bus);
        let at = on_bus.or_else(|| {
            place.port.clone().map(|port| Place::Line(port, place.protocol.row().baud.unwrap_or(BAUD)))
        })?;
        let every = match &at {
            Place::Line(..) => (place.hex == OnOff::On).then_some(second),
            Place::Bus(_) => Some(Micros(nmea2000::ASK_EVERY.0 / 1_000_000 * second.0)),
        };
        Some(Self {
            instruments: vec![place.instrument()],
            place: at,
            open: None,
            clock,
            look: clock.now(),
            ask: clock.now() + second,
            every,
            asked: 0,
            gather: Micros(second.0 / GATHERED),
            trouble: Trouble::default(),
        })
    }

    /// The ports of these witnesses, one for each bus, and under the name of each why it is not heard.
    pub(crate) fn all(
        places: &[WitnessPlace],
        clock: RunClock,
        second: Micros,
    ) -> (Vec<Self>, Vec<(String, Trouble)>) {
        let (mut ports, mut troubles): (Vec<Self>, _) = (Vec::new(), Vec::new());
        for place in places {
            let Some(port) = Self::of(place, clock, second) else { continue };
            let known = ports.iter_mut().find(|known| known.place == port.place);
            let trouble = match known {
                Some(known) => {
                    known.instruments.extend(port.instruments);
                    known.trouble()
                }
                None => {
                    let trouble = port.trouble();
                    ports.push(port);
                    trouble
                }
            };
            troubles.push((place.name.clone(), trouble));
        }
        (ports, troubles)
    }

    /// What it is called in messages.
    pub(crate) fn name(&self) -> &'static str {
        self.instruments.first().map_or("witness", |instrument| instrument.words())
    }

    /// Why it is not heard, for whoever asks later.
    pub(crate) fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }

    /// Hears for a moment; gives what came, with its time.
    pub(crate) fn step(&mut self, mut each: impl FnMut(Micros, Chunk)) {
        let now = self.clock.now();
        let Some(open) = &mut self.open else {
            if now < self.look {
                std::thread::sleep(self.clock.until(self.look.min(now + STEP)));
                return;
            }
            self.look = now + AGAIN;
            match self.place.open(self.clock) {
                Ok(open) => {
                    self.open = Some(open);
                    self.trouble.set(None);
                    self.instruments.iter().for_each(|&instrument| each(now, Chunk::opened(instrument)));
                    // Who is on a bus is asked at once.
                    self.ask = self.ask.min(now + AGAIN);
                }
                Err(error) => self.trouble.set(Some(error)),
            }
            return;
        };
        let question = self.every.filter(|_| now >= self.ask).map(|every| {
            self.ask = now + every;
            self.asked += 1;
            self.asked - 1
        });
        let mut tell = |at, bytes: &[u8]| {
            for &instrument in &self.instruments {
                Chunk::all(instrument, bytes).for_each(|chunk| each(at, chunk));
            }
        };
        let (gather, mut buffer) = (self.gather, [0; Chunk::MOST]);
        let asked = question.map_or(Ok(Vec::new()), |question| open.ask(question));
        let heard = asked.and_then(|asked| {
            tell(now, &asked);
            open.hear(self.clock, gather, &mut buffer)
        });
        match heard {
            Ok(many) => tell(self.clock.now(), &buffer[..many]),
            Err(error) => {
                self.open = None;
                self.trouble.set(Some(error));
            }
        }
    }
}

impl Place {
    /// Opens a port, and forgets what came while nobody heard it.
    fn open(&self, clock: RunClock) -> Result<Open, String> {
        match self {
            Self::Line(path, baud) => {
                let settings = SerialPort { baud: *baud, stop_bits: 1, dtr: false };
                let link = Serial::open(path, settings).map_err(|error| error.to_string())?;
                link.forget();
                Ok(Open::Line(link))
            }
            Self::Bus(place) => {
                let port = open_can(place, nmea2000::BIT_RATE, nmea2000::ASK_EVERY, clock)
                    .map_err(|error| error.to_string())?;
                Ok(Open::Bus(port, Vec::with_capacity(slcan::LONGEST + 1)))
            }
        }
    }
}

impl Open {
    /// Puts a question. What of it belongs to what is heard: frames on a bus, whose answers are told from what devices say by
    /// themselves.
    fn ask(&mut self, number: usize) -> Result<Vec<u8>, String> {
        let mut asked = Vec::new();
        match self {
            Self::Line(link) => {
                let question = format!("{}\n", Hex::get(ASKED[number % ASKED.len()]));
                let until = link.now() + STEP;
                link.write(question.as_bytes(), until).map_err(|error| error.to_string())?;
            }
            Self::Bus(port, _) => {
                for frame in nmea2000::who_is_there() {
                    port.send(&frame).map_err(|error| error.to_string())?;
                    slcan::write(&mut asked, &Carried::Data(frame), None);
                }
            }
        }
        Ok(asked)
    }

    /// Hears for a moment: so many bytes came. A frame of a bus is a line of SLCAN; what is none of NMEA 2000 is not kept.
    fn hear(
        &mut self,
        clock: RunClock,
        gather: Micros,
        buffer: &mut [u8; Chunk::MOST],
    ) -> Result<usize, String> {
        match self {
            Self::Line(link) => {
                let read = |link: &mut Serial, buffer: &mut [u8], until| {
                    link.read(buffer, until).map_err(|error| error.to_string())
                };
                let until = link.now() + STEP;
                let first = read(link, buffer, until)?;
                // What fills a chunk at once has waited already.
                if first == 0 || first == buffer.len() {
                    return Ok(first);
                }
                let until = link.now() + gather;
                link.wait(until);
                Ok(first + read(link, &mut buffer[first..], until)?)
            }
            Self::Bus(port, line) => {
                let (mut many, mut until) = (0, clock.now() + STEP);
                while many + slcan::LONGEST < buffer.len() && clock.now() < until {
                    let heard = port.next(until).map_err(|error| error.to_string())?;
                    let Some(heard) = heard else { break };
                    let Kind::Data(frame) = heard.kind else { continue };
                    if !nmea2000::is_known(&frame) {
                        continue;
                    }
                    line.clear();
                    slcan::write(line, &Carried::Data(frame), None);
                    buffer[many..many + line.len()].copy_from_slice(line);
                    if many == 0 {
                        until = clock.now() + gather;
                    }
                    many += line.len();
                }
                Ok(many)
            }
        }
    }
}
