//! What goes over the wire to the supply and back, written down as it happens by whoever holds the port.
//!
//! A thread writes: a disk that hangs keeps nobody from switching off. Whoever holds the port alone has the file open,
//! so it has one writer, whose lines outlive the harness.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use evidence::names::GUARD;
use proto::quantity::Micros;
use proto::text::plain;

use super::lease::now;
use crate::psu::{Link, LinkError};

/// What may wait for the disk; what comes after is lost, and counted.
const WAITING: usize = 4096;
/// How long the end waits for the disk.
const DONE_WITHIN: Duration = Duration::from_secs(2);
/// A line without an end is cut off there.
const LONGEST: usize = 1024;

/// The time of the run: what it is at an instant, and how many times faster than the clock it goes from there.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunTime {
    pub(super) since: Instant,
    pub(super) at: Micros,
    pub(super) speed: u32,
}

impl RunTime {
    /// The beginning, at which it stands still.
    pub(super) fn zero() -> Self {
        Self { since: Instant::now(), at: Micros::ZERO, speed: 0 }
    }

    fn at(&self, instant: Instant) -> Micros {
        let past = instant.saturating_duration_since(self.since).as_micros();
        let past = u64::try_from(past).unwrap_or(u64::MAX).saturating_mul(u64::from(self.speed));
        Micros(self.at.0.saturating_add(past))
    }
}

enum Word {
    File(PathBuf),
    Time(RunTime),
    Wire { at: Instant, sign: char, bytes: Vec<u8> },
    Note(String),
    Beside,
    Done(SyncSender<()>),
}

/// Writes down, or, before it is told where, nothing.
#[derive(Clone)]
pub(super) struct Pen(Option<SyncSender<Word>>);

impl Pen {
    /// A pen that nobody has told yet where to write. Where there is no thread for it, nothing is written.
    pub(super) fn new() -> Self {
        let (sender, words) = sync_channel(WAITING);
        let started = std::thread::Builder::new().name("pen".to_owned()).spawn(move || write(&words));
        Self(started.is_ok().then_some(sender))
    }

    fn say(&self, word: Word) {
        // Rather lost than late.
        let _ = self.0.as_ref().map(|words| words.try_send(word));
    }

    /// Writes there from now on, after what stands there.
    pub(super) fn to(&self, file: PathBuf) {
        self.say(Word::File(file));
    }

    pub(super) fn time(&self, time: RunTime) {
        self.say(Word::Time(time));
    }

    pub(super) fn sent(&self, bytes: &[u8]) {
        self.say(Word::Wire { at: Instant::now(), sign: '>', bytes: bytes.to_vec() });
    }

    pub(super) fn received(&self, bytes: &[u8]) {
        self.say(Word::Wire { at: Instant::now(), sign: '<', bytes: bytes.to_vec() });
    }

    /// What no wire says, as a comment with the time of day.
    pub(super) fn note(&self, what: &str) {
        self.say(Word::Note(what.to_owned()));
    }

    /// From now on it goes into a file of its own beside that one, which is sealed.
    pub(super) fn beside(&self) {
        self.say(Word::Beside);
    }

    /// Waits until everything stands in the file, at most as long as a disk may take.
    pub(super) fn done(&self) {
        let (sender, done) = sync_channel(1);
        self.say(Word::Done(sender));
        let _ = done.recv_timeout(DONE_WITHIN);
    }
}

/// A line that comes in pieces.
struct Half {
    sign: char,
    at: Micros,
    bytes: Vec<u8>,
}

/// How long half a line waits for its end.
const REST_WITHIN: Duration = Duration::from_secs(1);

fn write(words: &Receiver<Word>) {
    let (mut file, mut time): (Option<File>, _) = (None, RunTime::zero());
    let mut place: Option<PathBuf> = None;
    let open = |path: &PathBuf| OpenOptions::new().append(true).create(true).open(path).ok();
    let mut halves = ['>', '<'].map(|sign| Half { sign, at: Micros::ZERO, bytes: Vec::new() });
    loop {
        let text = match words.recv_timeout(REST_WITHIN) {
            Ok(Word::File(path)) => {
                file = open(&path);
                place = Some(path);
                continue;
            }
            Ok(Word::Beside) => {
                put(&mut file, &rest(&mut halves));
                file = place.as_ref().and_then(|path| open(&path.with_file_name(GUARD)));
                continue;
            }
            Ok(Word::Time(set)) => {
                time = set;
                continue;
            }
            Ok(Word::Wire { at, sign, bytes }) => {
                let half = usize::from(sign == '<');
                halves[half].take_in(time.at(at), &bytes)
            }
            Ok(Word::Note(what)) => format!("# {} {}\n", now(), plain(&what)),
            Ok(Word::Done(done)) => {
                put(&mut file, &rest(&mut halves));
                // Whoever asked may have given up.
                let _ = done.try_send(());
                continue;
            }
            Err(RecvTimeoutError::Timeout) => rest(&mut halves),
            Err(RecvTimeoutError::Disconnected) => return put(&mut file, &rest(&mut halves)),
        };
        put(&mut file, &text);
    }
}

/// Lines whose end has not come.
fn rest(halves: &mut [Half; 2]) -> String {
    halves.iter_mut().filter_map(Half::end).collect()
}

/// To the system at once, whole lines only: from there it survives the end of this process.
fn put(file: &mut Option<File>, text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some(Err(_)) = file.as_mut().map(|file| file.write_all(text.as_bytes())) {
        // Half a line may stand there: nothing comes after it.
        *file = None;
    }
}

impl Half {
    /// The lines that are whole now.
    fn take_in(&mut self, at: Micros, bytes: &[u8]) -> String {
        let mut lines = String::new();
        for &byte in bytes {
            if self.bytes.is_empty() {
                self.at = at;
            }
            match byte {
                b'\n' | b'\r' => lines.extend(self.end()),
                _ => self.bytes.push(byte),
            }
            if self.bytes.len() >= LONGEST {
                lines.extend(self.end());
            }
        }
        lines
    }

    fn end(&mut self) -> Option<String> {
        let bytes = std::mem::take(&mut self.bytes);
        let (s, us) = (self.at.0 / 1_000_000, self.at.0 % 1_000_000);
        (!bytes.is_empty()).then(|| format!("({s}.{us:06}) {} {}\n", self.sign, bytes.escape_ascii()))
    }
}

/// A way to the supply of which everything is written down.
pub(super) struct Penned(pub(super) Box<dyn Link>, pub(super) Pen);

impl Link for Penned {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn is_serial(&self) -> bool {
        self.0.is_serial()
    }

    fn now(&self) -> Micros {
        self.0.now()
    }

    fn write(&mut self, bytes: &[u8], until: Micros) -> Result<(), LinkError> {
        self.0.write(bytes, until)?;
        self.1.sent(bytes);
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], until: Micros) -> Result<usize, LinkError> {
        let many = self.0.read(buffer, until)?;
        if many > 0 {
            self.1.received(&buffer[..many]);
        }
        Ok(many)
    }

    fn wait(&mut self, until: Micros) {
        self.0.wait(until);
    }

    fn second_writer(&self) -> Option<Box<dyn Write + Send>> {
        Some(Box::new(PennedWriter(self.0.second_writer()?, self.1.clone())))
    }
}

struct PennedWriter(Box<dyn Write + Send>, Pen);

impl Write for PennedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let many = self.0.write(bytes)?;
        self.1.sent(&bytes[..many]);
        Ok(many)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// Pieces as they come, and what is written.
    #[rstest]
    #[case(&["MEAS:VOLT?\n"], "(1.500000) > MEAS:VOLT?\n")]
    #[case(&["VOLT ", "12\r\n", "\n"], "(1.500000) > VOLT 12\n")]
    #[case(&["OUTP OFF\nOUTP?\n"], "(1.500000) > OUTP OFF\n(1.500000) > OUTP?\n")]
    #[case(&["\x1b[2Jé\n"], "(1.500000) > \\x1b[2J\\xc3\\xa9\n")]
    #[case(&["half"], "(1.500000) > half\n")]
    fn a_line_is_written_once_it_is_whole(#[case] pieces: &[&str], #[case] expected: &str) {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, pen) = (folder.path().join("wire"), Pen::new());
        pen.to(path.clone());
        pen.time(RunTime { since: Instant::now(), at: Micros(1_500_000), speed: 0 });
        pieces.iter().for_each(|piece| pen.sent(piece.as_bytes()));
        pen.done();
        assert_eq!(std::fs::read_to_string(path).expect("written"), expected);
    }

    #[test]
    fn time_goes_as_fast_as_the_rig() {
        let since = Instant::now();
        let time = RunTime { since, at: Micros::from_secs(60), speed: 20 };
        assert_eq!(time.at(since + Duration::from_millis(500)), Micros::from_secs(70));
        assert_eq!(
            time.at(since.checked_sub(Duration::from_secs(1)).unwrap_or(since)),
            Micros::from_secs(60)
        );
    }

    #[test]
    fn a_disk_that_refuses_loses_lines_and_stops_nobody() {
        let pen = Pen::new();
        pen.to(PathBuf::from("/nowhere/at/all"));
        (0..2 * WAITING).for_each(|_| pen.sent(b"MEAS:VOLT?\n"));
        pen.done();
    }
}
