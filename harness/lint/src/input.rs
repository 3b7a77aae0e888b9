//! CAN logs as a person names them: files, files compressed by gzip, and `-` for standard input. They are read in
//! blocks and split into lines here; what a line says is [`proto::log`]'s business. Memory stays the same however
//! long a log is.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use proto::frame::Frame;
use proto::log::wrapped::Unwrap;
use proto::log::{Entry, Item, NotALog, Reader, sniff};
use proto::vedirect::is_vedirect;

/// Why a log cannot be read.
#[expect(missing_docs, reason = "the message of each names what stands in it")]
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// the system refuses to open it
    #[error("{name} cannot be opened: {source}")]
    Open { name: String, source: io::Error },
    /// a folder
    #[error("{name} is a folder: name the logs in it, such as {name}/can.log")]
    Folder { name: String },
    /// it is no log of a CAN bus
    #[error("{name} cannot be read as a CAN log: {source}")]
    NotALog { name: String, source: NotALog },
    /// it is what a VE.Direct instrument said, and a CAN log was asked for
    #[error("{name} is a log of VE.Direct, which is no CAN bus: `busbar decode` reads it")]
    VeDirect { name: String },
    /// it ended in an error
    #[error("{name} cannot be read beyond line {line}: {source}")]
    Read { name: String, line: u64, source: io::Error },
}

/// What a person named.
pub enum Source {
    /// a log of a CAN bus
    Can(Box<Log>),
    /// the bytes of a VE.Direct instrument
    VeDirect {
        /// what it is called in messages
        name: String,
        /// all of them
        bytes: Box<dyn Read>,
    },
}

/// A log that is being read.
pub struct Log {
    name: String,
    reader: Reader,
    lines: Lines,
    /// the form that the lines were in, where it is another than theirs
    wrapped: Option<&'static str>,
}

impl Log {
    /// Opens a log and finds its form; `-` is standard input.
    ///
    /// # Errors
    /// When it cannot be opened or is no log of a CAN bus.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        Source::open(path)?.can()
    }

    /// A log that comes from somewhere, called so in messages.
    ///
    /// # Errors
    /// When it is no log of a CAN bus.
    pub fn of(name: String, source: Box<dyn Read>) -> Result<Self, InputError> {
        Source::of(name, source)?.can()
    }

    /// The next line: its number and what it is. Nothing at the end.
    ///
    /// # Errors
    /// When the source fails, such as a compressed log that was cut off.
    #[inline]
    pub fn next_line(&mut self) -> Result<Option<(u64, Item)>, InputError> {
        let Self { reader, lines, .. } = self;
        match lines.next() {
            Ok(Some((number, line, ending))) => Ok(Some((
                number,
                match ending {
                    Ending::Whole => reader.line(number, line),
                    Ending::Missing => reader.unfinished_line(number, line),
                    Ending::TooFar => reader.endless_line(line),
                },
            ))),
            Ok(None) => Ok(None),
            Err(source) => Err(InputError::Read { name: self.name.clone(), line: lines.number, source }),
        }
    }

    /// The next line, if it is the data frame that nearly every line of a candump log is; [`Self::next_line`] reads all others.
    #[inline(always)]
    pub fn next_common(&mut self) -> Option<(u64, Entry<Frame>)> {
        let Self { reader, lines, .. } = self;
        let number = lines.number + 1;
        let (length, entry) = reader.line_of(number, lines.waiting())?;
        lines.start += length;
        lines.number = number;
        Some((number, entry))
    }

    /// Whether everything that has arrived is read, so that the next line may take its time to come.
    pub fn is_up_to_date(&self) -> bool {
        self.lines.waiting().is_empty()
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The form that it is in.
    pub fn form(&self) -> &'static str {
        self.wrapped.unwrap_or_else(|| self.reader.format().name())
    }

    /// What is known of it so far.
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }
}

impl Source {
    fn can(self) -> Result<Log, InputError> {
        match self {
            Self::Can(log) => Ok(*log),
            Self::VeDirect { name, .. } => Err(InputError::VeDirect { name }),
        }
    }

    /// Opens what a person named and finds out what it is; `-` is standard input.
    ///
    /// # Errors
    /// When it cannot be opened or is no log.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        if path == Path::new("-") {
            return Self::of("standard input".to_owned(), Box::new(io::stdin()));
        }
        let name = path.display().to_string();
        if path.is_dir() {
            return Err(InputError::Folder { name: name.trim_end_matches('/').to_owned() });
        }
        match opened(path) {
            Ok(source) => Self::of(name, source),
            Err(source) => Err(InputError::Open { name, source }),
        }
    }

    /// What comes from somewhere, called so in messages.
    ///
    /// # Errors
    /// When it is no log.
    pub fn of(name: String, source: Box<dyn Read>) -> Result<Self, InputError> {
        let fault = |name: &str, source| InputError::Read { name: name.to_owned(), line: 0, source };
        let (mut lines, wrapped) =
            match Lines::new(source).and_then(Lines::unzipped).and_then(Lines::unwrapped) {
                Ok(found) => found,
                Err(source) => return Err(fault(&name, source)),
            };
        loop {
            let is_whole = lines.ended || lines.waiting().len() >= Lines::HEAD;
            let head = &lines.waiting()[..lines.waiting().len().min(Lines::HEAD)];
            if is_vedirect(head) {
                let head = io::Cursor::new(lines.waiting().to_vec());
                return Ok(Self::VeDirect { name, bytes: Box::new(head.chain(lines.source)) });
            }
            // A line that goes on behind what was read would be damaged.
            let known = lines.waiting();
            let end =
                known.iter().rposition(|&b| matches!(b, b'\n' | b'\r')).filter(|_| is_whole && !lines.ended);
            match sniff(end.map_or(known, |end| &known[..=end]), is_whole) {
                Ok(Some(reader)) => {
                    lines.line_end = reader.line_end();
                    return Ok(Self::Can(Box::new(Log { name, reader, lines, wrapped })));
                }
                Ok(None) => lines.fill().map_err(|source| fault(&name, source))?,
                Err(source) => return Err(InputError::NotALog { name, source }),
            }
        }
    }
}

/// How long a pipe may take to say its first word. What comes after may take its time: a bus may be listened to.
const SPEAKS_WITHIN: Duration = Duration::from_secs(10);

/// A file; or a pipe that somebody writes to, which opening and reading alone may wait for without end.
fn opened(path: &Path) -> io::Result<Box<dyn Read>> {
    if std::fs::metadata(path)?.is_file() {
        return Ok(Box::new(File::open(path)?));
    }
    let (sender, said) = sync_channel(1);
    let path = path.to_owned();
    std::thread::spawn(move || {
        let first = || {
            let mut file = File::open(path)?;
            let mut first = vec![0; Lines::HEAD];
            let count = file.read(&mut first)?;
            first.truncate(count);
            Ok((first, file))
        };
        // Whoever asked may have given up.
        let _ = sender.send(first());
    });
    let (first, rest) = said.recv_timeout(SPEAKS_WITHIN).unwrap_or_else(|_| {
        let what = format!("it is no file, and said nothing within {} s", SPEAKS_WITHIN.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, what))
    })?;
    Ok(Box::new(io::Cursor::new(first).chain(rest)))
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// as it should
    Whole,
    /// the log ended
    Missing,
    /// it did not within [`Lines::LONGEST`]; the rest was skipped
    TooFar,
}

/// Splits blocks into lines.
struct Lines {
    source: Box<dyn Read>,
    block: Vec<u8>,
    /// what of the block is still to be read
    start: usize,
    end: usize,
    /// whether the source has no more
    ended: bool,
    /// of the latest line
    number: u64,
    /// what ends a line
    line_end: u8,
}

/// A log that is no text as it stands, as text.
struct Unwrapped {
    source: Box<dyn Read>,
    unwrap: Unwrap,
    block: Vec<u8>,
    /// text that was not asked for yet
    text: Vec<u8>,
    given: usize,
}

impl Read for Unwrapped {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            self.text.clear();
            self.given = 0;
            let count = self.source.read(&mut self.block)?;
            if count == 0 {
                return Ok(0);
            }
            self.unwrap.take(&self.block[..count], &mut self.text).map_err(io::Error::other)?;
        }
        let count = out.len().min(self.text.len() - self.given);
        out[..count].copy_from_slice(&self.text[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

impl Lines {
    /// Large enough that system calls do not show.
    const BLOCK: usize = 1 << 18;
    /// No line of a CAN log is longer than some hundred bytes.
    const LONGEST: usize = 1 << 16;
    /// What has to be known of a log to tell its form.
    const HEAD: usize = 1 << 16;

    fn new(source: Box<dyn Read>) -> io::Result<Self> {
        let block = vec![0; Self::BLOCK];
        let mut lines = Self { source, block, start: 0, end: 0, ended: false, number: 0, line_end: b'\n' };
        lines.fill()?;
        Ok(lines)
    }

    /// The same, decompressed, where it begins as gzip does.
    fn unzipped(mut self) -> io::Result<Self> {
        const MAGIC: &[u8] = b"\x1F\x8B";
        while self.waiting().len() < MAGIC.len() && !self.ended {
            self.fill()?;
        }
        if !self.waiting().starts_with(MAGIC) {
            return Ok(self);
        }
        let head = io::Cursor::new(self.waiting().to_vec());
        Self::new(Box::new(MultiGzDecoder::new(head.chain(self.source))))
    }

    /// The same as text, where it is none as it stands, and the form it has.
    fn unwrapped(mut self) -> io::Result<(Self, Option<&'static str>)> {
        while self.waiting().len() < Unwrap::HEAD && !self.ended {
            self.fill()?;
        }
        let Some(unwrap) = Unwrap::of(self.waiting()) else { return Ok((self, None)) };
        let name = unwrap.name();
        let source = Box::new(io::Cursor::new(self.waiting().to_vec()).chain(self.source));
        let block = vec![0; Self::BLOCK];
        Self::new(Box::new(Unwrapped { source, unwrap, block, text: Vec::new(), given: 0 }))
            .map(|lines| (lines, name))
    }

    /// What was read from the source and not yet as a line.
    fn waiting(&self) -> &[u8] {
        &self.block[self.start..self.end]
    }

    /// Reads more behind what is waiting.
    fn fill(&mut self) -> io::Result<()> {
        self.block.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        loop {
            match self.source.read(&mut self.block[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }

    #[inline]
    fn next(&mut self) -> io::Result<Option<(u64, &[u8], Ending)>> {
        let mut searched = 0;
        loop {
            if let Some(at) = memchr::memchr(self.line_end, &self.block[self.start + searched..self.end]) {
                let line = self.start..self.start + searched + at;
                self.start = line.end + 1;
                self.number += 1;
                return Ok(Some((self.number, &self.block[line], Ending::Whole)));
            }
            searched = self.end - self.start;
            if searched > Self::LONGEST {
                return self.skip_line().map(Some);
            }
            if self.ended {
                let line = self.start..self.end;
                self.start = self.end;
                self.number += u64::from(!line.is_empty());
                let last = (!line.is_empty()).then(|| (self.number, &self.block[line], Ending::Missing));
                return Ok(last);
            }
            self.fill()?;
        }
    }

    /// Leaves out the rest of an endless line. Its head is kept in front of the block, to be shown.
    fn skip_line(&mut self) -> io::Result<(u64, &[u8], Ending)> {
        const SHOWN: usize = 80;
        self.number += 1;
        self.block.copy_within(self.start..self.start + SHOWN, 0);
        self.start = self.end;
        loop {
            match memchr::memchr(self.line_end, &self.block[self.start..self.end]) {
                Some(at) => {
                    self.start += at + 1;
                    break;
                }
                None if self.ended => {
                    self.start = self.end;
                    break;
                }
                None => {
                    (self.start, self.end) = (SHOWN, SHOWN);
                    match self.source.read(&mut self.block[SHOWN..]) {
                        Ok(0) => self.ended = true,
                        Ok(count) => self.end += count,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok((self.number, &self.block[..SHOWN], Ending::TooFar))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Gives one, two, three … bytes at a time, as a pipe may.
    struct Trickle(Vec<u8>, usize, usize);

    impl Read for Trickle {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.2 = self.2 % 7 + 1;
            let count = self.2.min(self.0.len() - self.1).min(out.len());
            out[..count].copy_from_slice(&self.0[self.1..self.1 + count]);
            self.1 += count;
            Ok(count)
        }
    }

    fn lines(text: &[u8]) -> Vec<(u64, usize, Ending)> {
        let mut lines = Lines::new(Box::new(Trickle(text.to_vec(), 0, 0))).expect("readable");
        let mut found = Vec::new();
        while let Some((number, line, ending)) = lines.next().expect("readable") {
            found.push((number, line.len(), ending));
        }
        found
    }

    #[test]
    fn lines_over_the_seams_of_blocks() {
        let text = "(1700000000.000000) can0 351#480200050005AE01\n".repeat(100);
        assert!(lines(text.as_bytes()).iter().zip(1..).all(|(line, n)| *line == (n, 45, Ending::Whole)));
        assert_eq!(
            lines(b"a\n\nbc"),
            [(1, 1, Ending::Whole), (2, 0, Ending::Whole), (3, 2, Ending::Missing)]
        );
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn an_endless_line_is_skipped_and_counted() {
        let mut text = b"ab\n".to_vec();
        text.extend(vec![b'x'; 3 * Lines::BLOCK]);
        text.extend(b"\ncd\n");
        assert_eq!(lines(&text), [(1, 2, Ending::Whole), (2, 80, Ending::TooFar), (3, 2, Ending::Whole)]);
        text.truncate(2 * Lines::BLOCK);
        assert_eq!(lines(&text), [(1, 2, Ending::Whole), (2, 80, Ending::TooFar)]);
    }

    #[test]
    fn gzip_is_seen_by_its_first_bytes() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(b"(1700000000.000000) can0 305#\n").expect("into memory");
        let mut packed = packed.finish().expect("into memory");
        // A second member, as `cat a.gz b.gz` makes.
        packed.extend(packed.clone());
        let log = Log::of("log.gz".to_owned(), Box::new(Trickle(packed.clone(), 0, 0)));
        let mut log = log.expect("a log");
        while log.next_line().expect("readable").is_some() {}
        assert_eq!(log.reader().report().data, 2);

        packed.truncate(packed.len() - 4);
        let mut cut = Log::of("log.gz".to_owned(), Box::new(Trickle(packed, 0, 0))).expect("a log");
        let error = loop {
            match cut.next_line() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the end is missing"),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().starts_with("log.gz cannot be read beyond line 2:"), "{error}");
    }
}
