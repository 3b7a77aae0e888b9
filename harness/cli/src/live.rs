//! What is on a bus now, or is still being written, as a log that does not end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

use ::lint::input::{InputError, Source};
use lab::can::{CanPort, Kind, RunClock, Slcan};
use proto::candump::{Content, Record, write_record};
use proto::quantity::{BitRate, Micros};

use crate::Failure;

/// How long nothing may come before it is looked again.
const LOOK: Micros = Micros::from_millis(100);

/// Opens a log, or something that does not end: a CAN interface of the kernel, an SLCAN adapter, or, to `follow`, a file
/// that somebody still writes.
///
/// # Errors
/// When it cannot be opened or is no log.
pub(crate) fn open(path: &Path, rate: BitRate, follow: bool) -> Result<Source, Failure> {
    let name = path.display().to_string();
    Ok(match Live::open(path, rate) {
        Some(live) => Source::of(name, Box::new(live.map_err(Failure::input)?)),
        None if follow && path.is_file() => match File::open(path) {
            Ok(file) => Source::of(name, Box::new(Followed(file))),
            Err(source) => Err(InputError::Open { name, source }),
        },
        None => Source::open(path),
    }?)
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::input(error)
    }
}

/// A CAN bus as text that `candump -L` would write, so that whoever reads logs reads it.
struct Live {
    port: Box<dyn CanPort>,
    name: String,
    clock: RunClock,
    /// time of day at the zero of the clock
    zero: Micros,
    text: Vec<u8>,
    given: usize,
}

impl Live {
    /// Opens what is named where it is an interface of the kernel or a serial port with an SLCAN adapter; nothing where it
    /// is neither.
    ///
    /// # Errors
    /// When it is, and cannot be opened.
    fn open(place: &Path, rate: BitRate) -> Option<Result<Self, String>> {
        let name = place.to_str()?;
        let clock = RunClock::start();
        let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_micros();
        let zero = Micros(u64::try_from(since_1970).unwrap_or(0));
        let port = port(name, rate, clock)?;
        // An adapter is a path; a name without white space is all that a log takes.
        let name = name.rsplit('/').next().unwrap_or(name).to_owned();
        Some(port.map(|port| Self { port, name, clock, zero, text: Vec::new(), given: 0 }))
    }

    fn hear(&mut self) -> io::Result<()> {
        self.text.clear();
        self.given = 0;
        let deadline = self.clock.now() + LOOK;
        let Some(received) = self.port.next(deadline).map_err(io::Error::other)? else { return Ok(()) };
        let content = match received.kind {
            Kind::Data(frame) => Content::Data(frame),
            Kind::Remote { id, dlc } => Content::Remote { id, dlc },
            Kind::Error(error) => error.content(),
            Kind::Overflow(frames) => {
                let note = format!("DROPCOUNT: dropped {frames} CAN frames on '{}' socket\n", self.name);
                self.text.extend_from_slice(note.as_bytes());
                return Ok(());
            }
        };
        let at = self.zero + received.at;
        write_record(&mut self.text, &Record { at, interface: &self.name, direction: None, content });
        Ok(())
    }
}

impl Read for Live {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            self.hear()?;
        }
        let count = out.len().min(self.text.len() - self.given);
        out[..count].copy_from_slice(&self.text[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(unix)]
fn port(name: &str, rate: BitRate, clock: RunClock) -> Option<Result<Box<dyn CanPort>, String>> {
    use std::os::unix::fs::FileTypeExt as _;
    // Not every device of characters is a line to somebody.
    let line = |path: &Path| path.starts_with("/dev/pts") || path.to_string_lossy().starts_with("/dev/tty");
    let is_device = std::fs::metadata(name).is_ok_and(|found| found.file_type().is_char_device());
    let is_serial = is_device && std::fs::canonicalize(name).is_ok_and(|path| line(&path));
    #[cfg(target_os = "linux")]
    if !name.contains(['/', '.'])
        && !Path::new(name).exists()
        && Path::new("/sys/class/net").join(name).exists()
    {
        let port = lab::can::SocketCan::open(name, rate, clock);
        return Some(
            port.map(|port| -> Box<dyn CanPort> { Box::new(port) }).map_err(|error| error.to_string()),
        );
    }
    is_serial.then(|| {
        let port = Slcan::open(name, rate, clock);
        port.map(|port| -> Box<dyn CanPort> { Box::new(port) }).map_err(|error| error.to_string())
    })
}

#[cfg(not(unix))]
fn port(name: &str, rate: BitRate, clock: RunClock) -> Option<Result<Box<dyn CanPort>, String>> {
    name.to_ascii_uppercase().starts_with("COM").then(|| {
        let port = Slcan::open(name, rate, clock);
        port.map(|port| -> Box<dyn CanPort> { Box::new(port) }).map_err(|error| error.to_string())
    })
}

/// A file that somebody still writes: its end is not the end.
struct Followed(File);

impl Read for Followed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(out) {
                Ok(0) => std::thread::sleep(Duration::from_micros(LOOK.0)),
                other => return other,
            }
        }
    }
}
