//! An adapter on a serial port, which speaks SLCAN.

mod open;

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::time::Duration;

use files::live::ASK_FLAGS_SLOWLY;
use proto::bus::BusState;
use proto::frame::Frame;
use proto::quantity::{BitRate, Micros};
use proto::slcan::{self, Carried, Decoder, Flags, Piece, Reply, Stamp, StampClock};
use serialport::SerialPort;

use super::{CanError, CanPort, Kind, PortInfo, Received, RunClock, SEND_WITHIN};

/// Speed of the serial line where the adapter is a real one; USB adapters take any.
const BAUD: u32 = 115_200;
/// How often an adapter is asked for its status flags, where nobody says otherwise.
const ASK_FLAGS_EVERY: Micros = Micros::from_secs(1);
/// A question for flags that is not answered for so long, and the adapter is lost.
const LOST_AFTER: Micros = Micros::from_secs(3);

/// An SLCAN adapter, open.
pub struct Slcan {
    name: String,
    port: Box<dyn SerialPort>,
    rate: BitRate,
    run: RunClock,
    decoder: Decoder,
    stamps: StampClock,
    /// the adapter has put a time behind a frame, so it does behind every one
    stamped: bool,
    /// whether the adapter knows status flags
    has_flags: bool,
    ask_every: Micros,
    next_question: Micros,
    /// the first question that is not answered yet
    asked: Option<Micros>,
    /// whether it answers commands
    acknowledges: bool,
    /// frames handed over whose acknowledgement is due
    unanswered: u32,
    /// lines that are none of SLCAN, and the first of them
    texts: (u64, String),
    state: BusState,
    received: VecDeque<Result<Received, CanError>>,
    last: Micros,
    lost: u64,
    line: Vec<u8>,
}

impl Slcan {
    /// Opens the serial port, sets the bit rate and takes part in the bus.
    ///
    /// # Errors
    /// When the port cannot be opened, nobody answers in SLCAN, or the bit rate is refused.
    pub fn open(path: &str, rate: BitRate, run: RunClock) -> Result<Self, CanError> {
        let number = slcan::rate_number(rate)
            .ok_or_else(|| CanError::NoSuchBitRate { port: path.to_owned(), rate })?;
        let port = serialport::new(path, BAUD).timeout(Duration::from_millis(10)).open();
        let port = port.map_err(|error| cannot_open(path, error))?;
        let mut this = Self {
            name: path.to_owned(),
            port,
            rate,
            run,
            decoder: Decoder::default(),
            stamps: StampClock::default(),
            stamped: false,
            has_flags: false,
            ask_every: ASK_FLAGS_EVERY,
            next_question: Micros::ZERO,
            asked: None,
            acknowledges: true,
            unanswered: 0,
            texts: (0, String::new()),
            state: BusState::ErrorActive,
            received: VecDeque::with_capacity(256),
            last: Micros::ZERO,
            lost: 0,
            line: Vec::with_capacity(slcan::LONGEST + 1),
        };
        this.take_part(number)?;
        Ok(this)
    }

    /// Asks for the status flags twice in this time, in which its state is read once: what is read happened within this time
    /// before. A rig that runs faster than the clock is asked more often.
    #[must_use]
    pub fn read_every(mut self, period: Micros) -> Self {
        self.ask_every = Micros(period.0 / 2).max(ASK_FLAGS_SLOWLY).min(ASK_FLAGS_EVERY);
        self.next_question = self.run.now() + self.ask_every;
        self
    }

    fn silent(&self, what: &'static str) -> CanError {
        CanError::Silent { port: self.name.clone(), what }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), CanError> {
        let within = self.port.set_timeout(Duration::from_micros(SEND_WITHIN.0));
        let written = within.map_err(io::Error::from).and_then(|()| self.port.write_all(bytes));
        written.map_err(|source| match source.kind() {
            io::ErrorKind::TimedOut => CanError::QueueFull { port: self.name.clone() },
            _ => CanError::System { port: self.name.clone(), what: "write to the adapter", source },
        })
    }

    /// How many bytes came within a time.
    fn read(&mut self, buffer: &mut [u8], within: Duration) -> Result<usize, CanError> {
        let set = self.port.set_timeout(within).map_err(io::Error::from);
        match set.and_then(|()| self.port.read(buffer)) {
            Ok(0) => Err(self.system("read from the adapter", io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => Ok(count),
            Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted) => {
                Ok(0)
            }
            Err(source) => Err(self.system("read from the adapter", source)),
        }
    }

    fn system(&self, what: &'static str, source: io::Error) -> CanError {
        CanError::System { port: self.name.clone(), what, source }
    }

    /// Takes in bytes of an open channel.
    fn take_in(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let Some(piece) = self.decoder.push(*byte) else { continue };
            match Said::from(piece) {
                Said::Reply(Reply::Frame(carried, stamp)) if stamp.is_some() || !self.stamped => {
                    self.keep(carried, stamp);
                }
                Said::Reply(Reply::Flags(flags)) => self.flagged(flags),
                Said::Reply(Reply::Done | Reply::Taken) => {
                    self.unanswered = self.unanswered.saturating_sub(1);
                }
                Said::Reply(Reply::Version(_) | Reply::Serial(_)) => {}
                Said::Refused if self.unanswered > 0 => {
                    self.unanswered = 0;
                    let error = CanError::Refused { port: self.name.clone(), what: "to send a frame" };
                    self.received.push_back(Err(error));
                }
                // Nobody asked: some firmware rings at errors of the bus.
                Said::Refused => self.note("BEL".to_owned()),
                Said::Text(text) => self.note(text),
                // What is not a line was one once: a byte was lost on the way, and the frame with it.
                Said::Reply(Reply::Frame(..)) | Said::Broken => {
                    self.lost += 1;
                    self.push(Kind::Overflow(1), None);
                }
            }
        }
    }

    fn note(&mut self, text: String) {
        if self.texts.0 == 0 {
            self.texts.1 = text;
        }
        self.texts.0 += 1;
    }

    fn keep(&mut self, carried: Carried, stamp: Option<Stamp>) {
        let kind = match carried {
            Carried::Data(frame) => Kind::Data(frame),
            Carried::Remote { id, dlc } => Kind::Remote { id, dlc },
        };
        self.push(kind, stamp);
    }

    fn push(&mut self, kind: Kind, stamp: Option<Stamp>) {
        let arrived = self.run.now();
        self.stamped |= stamp.is_some();
        let at = stamp.map_or(arrived, |stamp| self.stamps.at(stamp, arrived));
        self.last = self.last.max(at);
        self.received.push_back(Ok(Received { at: self.last, kind }));
    }

    fn flagged(&mut self, flags: Flags) {
        self.asked = None;
        self.state = flags.state();
        if let Some(error) = flags.error_frame() {
            self.lost += u64::from(error.tells_loss());
            self.push(Kind::Error(error), None);
        }
    }

    /// What is to be known of the adapter besides.
    fn notes(&self) -> Vec<String> {
        let mute = (!self.acknowledges).then(|| {
            "it acknowledges nothing: whether it took the bit rate, sends what it is given and lost frames is not known"
                .to_owned()
        });
        let (many, first) = &self.texts;
        let texts = (*many > 0).then(|| {
            let first = first.escape_debug();
            format!("it says what is none of SLCAN, `{first}` first, {many} times so far: switch its log off")
        });
        mute.into_iter().chain(texts).collect()
    }

    /// Asks for the flags when it is time to.
    fn question(&mut self) -> Result<(), CanError> {
        let now = self.run.now();
        if !self.has_flags || now < self.next_question {
            return Ok(());
        }
        if self.asked.is_some_and(|asked| now.since(asked) >= LOST_AFTER) {
            return Err(self.silent("its status flags"));
        }
        self.write(b"F\r")?;
        self.asked.get_or_insert(now);
        self.next_question = now + self.ask_every;
        Ok(())
    }
}

/// What an adapter says, in one line.
enum Said {
    /// a line of SLCAN
    Reply(Reply),
    /// BEL
    Refused,
    /// words for a reader: a log, a greeting
    Text(String),
    /// the rest of a frame
    Broken,
}

impl From<Piece<'_>> for Said {
    fn from(piece: Piece<'_>) -> Self {
        let (line, reply) = match piece {
            Piece::Refused => return Self::Refused,
            Piece::Noise(line) => (line, None),
            Piece::Line(line) => (line, slcan::reply(line).ok()),
        };
        match reply {
            Some(reply) => Self::Reply(reply),
            None if is_text(line) => Self::Text(String::from_utf8_lossy(line).into_owned()),
            None => Self::Broken,
        }
    }
}

/// Whether a line that is none of SLCAN was never a frame: it is printable, and no more than three of four of its
/// characters behind the first are hexadecimal, as those of a damaged frame are.
fn is_text(line: &[u8]) -> bool {
    let is_printable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | 0x1B);
    let rest = line.get(1..).unwrap_or_default();
    let digits = rest.iter().filter(|byte| byte.is_ascii_hexdigit()).count();
    line.iter().all(is_printable) && 4 * digits <= 3 * rest.len() && !rest.is_empty()
}

impl CanPort for Slcan {
    fn next(&mut self, deadline: Micros) -> Result<Option<Received>, CanError> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(received) = self.received.pop_front() {
                return received.map(Some);
            }
            self.question()?;
            let until = if self.has_flags { deadline.min(self.next_question) } else { deadline };
            let count = self.read(&mut buffer, self.run.until(until))?;
            self.take_in(&buffer[..count]);
            if self.received.is_empty() && self.run.now() >= deadline {
                return Ok(None);
            }
        }
    }

    fn send(&mut self, frame: &Frame) -> Result<(), CanError> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        slcan::write(&mut line, &Carried::Data(*frame), None);
        let written = self.write(&line);
        self.line = line;
        self.unanswered += u32::from(self.acknowledges);
        written
    }

    fn info(&mut self) -> Result<PortInfo, CanError> {
        Ok(PortInfo {
            name: self.name.clone(),
            bit_rate: Some(self.rate),
            state: self.has_flags.then_some(self.state),
            counters: None,
            lost: self.lost,
            notes: self.notes(),
        })
    }
}

/// Leaves the bus: an adapter that stays open fills its queue, and acknowledges where nobody listens.
impl Drop for Slcan {
    fn drop(&mut self) {
        // Nobody is left to tell; the next opening begins with the same command.
        let _ = self.write(b"C\r");
    }
}

impl fmt::Debug for Slcan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slcan").field("name", &self.name).field("rate", &self.rate).finish_non_exhaustive()
    }
}

fn cannot_open(path: &str, error: serialport::Error) -> CanError {
    let port = path.to_owned();
    let source = io::Error::from(error);
    match source.kind() {
        io::ErrorKind::PermissionDenied => CanError::Permission {
            port,
            remedy: "become a member of the port's group (`sudo usermod -aG dialout $USER`) and log in again",
        },
        _ => CanError::System { port, what: "open the serial port", source },
    }
}
