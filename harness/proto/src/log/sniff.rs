//! Which form a log has, from its head: every form is tried, and the one that reads most frames is it.

use super::numbers::Numbers;
use super::{Content, Format, Item, Reader, TimeKind};
use crate::candump::BYTE_ORDER_MARK;
use crate::message::MessageSpec;

/// Why something is not a log of a CAN bus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotALog {
    /// nothing in it
    #[error("it is empty: a log of a CAN bus was expected, such as `candump -L can0 > battery.log` makes")]
    Empty,
    /// nothing but comments, headers and empty lines
    #[error(
        "there is no frame in it, only comments and headers: was the battery connected when it was recorded?"
    )]
    NoFrame,
    /// bytes that are no text
    #[error("it is {kind}, not text: record with `candump -L can0 > battery.log`, or export it as ASC")]
    Binary {
        /// what it seems to be
        kind: &'static str,
    },
    /// text of another kind
    #[error("no line of it is a CAN frame, {seems}; {}. {}", shown(.lines), READABLE)]
    OtherText {
        /// the first lines that could not be read, three at most: their numbers, counted from 1, and their beginnings
        lines: Vec<(u64, String)>,
        /// what it seems to be
        seems: &'static str,
    },
}

const READABLE: &str = "Tried: logs and screens of candump, ASC, BLF, PCAN TRC, pcap, CSV with a header (SavvyCAN, python-can), SLCAN, \
                        BUSMASTER, Kvaser, CRTD, consoles with an identifier and data bytes in a line. `candump -L can0 > \
                        battery.log` on the GX or on any Linux makes a log that can be read";

/// As `line 1 is` the first, `line 2` the second, and so on.
fn shown(lines: &[(u64, String)]) -> String {
    let one = |(place, (line, text)): (usize, &(u64, String))| {
        format!("line {line} {}`{text}`", if place == 0 { "is " } else { "" })
    };
    lines.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
}

/// First bytes of files that people have beside their logs.
const MAGIC: &[(&[u8], &str)] = &[
    (
        b"MDF     ",
        "an MDF measurement (`can_logconvert battery.mf4 battery.asc` of python-can makes ASC of it)",
    ),
    (b"\x1F\x8B", "compressed by gzip twice"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"BZh", "compressed by bzip2"),
    (b"\xFD7zXZ\0", "compressed by xz"),
    (b"\x28\xB5\x2F\xFD", "compressed by zstd"),
    (
        b"SQLite format 3",
        "an SQLite database (of python-can: `can_logconvert battery.db battery.asc` makes ASC of it)",
    ),
    (b"%PDF", "a PDF document"),
    (b"\x7FELF", "a program"),
];

/// Beginnings of lines that tell other text apart.
const OTHER_TEXT: &[(&str, &str)] = &[
    ("VERSION \"", "but a DBC database, which describes frames and holds none"),
    ("{", "but JSON"),
    ("<?xml", "but XML"),
    ("<!DOCTYPE", "but a web page"),
];

/// Finds the form of a log from its head, the first 64 KiB or so. Nothing, where more of it is needed.
///
/// # Errors
/// When the head is that of something else, or `is_whole` and there is nothing to read.
pub fn sniff(head: &[u8], is_whole: bool) -> Result<Option<Reader>, NotALog> {
    if head.is_empty() {
        return if is_whole { Err(NotALog::Empty) } else { Ok(None) };
    }
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(NotALog::Binary { kind });
    }
    let control = |b: &u8| matches!(b, 0..=8 | 14..=26 | 28..=31);
    if head.contains(&0) || head.iter().filter(|b| control(b)).count() > head.len() / 10 {
        return Err(NotALog::Binary { kind: "binary" });
    }
    let end = if !head.contains(&b'\n') && head.contains(&b'\r') { b'\r' } else { b'\n' };
    // A line that goes on behind the head cannot be read yet.
    let whole_lines =
        if is_whole { head } else { &head[..=head.iter().rposition(|&b| b == end).unwrap_or(0)] };

    // Where each line is a frame of the most common form, no other reads more.
    let common = Trial::of(Format::Candump, whole_lines, end);
    if common.is_it() && common.problems == 0 {
        return Ok(common.reader(is_whole));
    }
    let trials = Format::all().filter(|format| *format != Format::Console);
    let best = trials.map(|format| Trial::of(format, whole_lines, end)).filter(Trial::is_it).reduce(
        |best, trial| {
            if trial.frames > best.frames { trial } else { best }
        },
    );
    // What takes nearly anything for a frame is asked last.
    match best.or_else(|| Some(Trial::of(Format::Console, whole_lines, end)).filter(Trial::is_it)) {
        Some(trial) => Ok(trial.reader(is_whole)),
        None if !is_whole => Ok(None),
        None => Err(other(head, end)),
    }
}

/// What one form made of the head.
struct Trial {
    format: Format,
    numbers: Numbers,
    end: u8,
    frames: u64,
    /// frames with an identifier of the document
    known: u64,
    problems: u64,
    backwards: u64,
    time: TimeKind,
}

impl Trial {
    /// Numbers are hexadecimal, where the form does not say it, unless none is an identifier of the document then, and some
    /// are in another base.
    fn of(format: Format, head: &[u8], end: u8) -> Self {
        let first = Self::with(format, Numbers::HEXADECIMAL, head, end);
        let may_differ =
            matches!(format, Format::Table | Format::Printed(_) | Format::Named | Format::Console);
        if !may_differ || first.known > 0 {
            return first;
        }
        let others = Numbers::OTHERS.map(|numbers| Self::with(format, numbers, head, end));
        let better = |best: Self, other: Self| if other.known > best.known { other } else { best };
        others.into_iter().fold(first, better)
    }

    fn with(format: Format, numbers: Numbers, head: &[u8], end: u8) -> Self {
        let mut reader = Reader { numbers, ..Reader::new(format) };
        let mut known = 0;
        for (line, number) in head.split(|&b| b == end).zip(1..) {
            if let Item::Frame(entry) = reader.line(number, line)
                && let Content::Data(frame) = entry.content
            {
                known += u64::from(MessageSpec::of(frame.id()).is_some());
            }
        }
        let report = reader.report();
        Self {
            format,
            numbers,
            end,
            frames: report.frames(),
            known,
            problems: report.problems,
            backwards: report.backwards,
            time: reader.time_kind(),
        }
    }

    /// Forms that are strict are known by one frame among damage; what takes more for a frame has to read more.
    fn is_it(&self) -> bool {
        match self.format {
            Format::Candump | Format::Screen | Format::Csv | Format::Asc => self.frames > 0,
            Format::Slcan | Format::Table | Format::Printed(_) | Format::Named => {
                self.frames > 0 && self.frames >= self.problems
            }
            Format::Console => self.frames >= 2 && self.frames >= 2 * self.problems,
        }
    }

    /// A fresh reader. `candump -t d` and `-t z` look alike, but only differences go up and down; to tell, some
    /// frames are needed.
    fn reader(&self, is_whole: bool) -> Option<Reader> {
        const ENOUGH: u64 = 16;
        let mut reader = Reader { numbers: self.numbers, end: self.end, ..Reader::new(self.format) };
        if self.format == Format::Screen && self.time == TimeKind::SinceStart {
            if self.frames < ENOUGH && !is_whole {
                return None;
            }
            if self.backwards * 8 >= self.frames {
                reader.time = Some(TimeKind::Differences);
            }
        }
        Some(reader)
    }
}

fn other(head: &[u8], end: u8) -> NotALog {
    let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    let mut probe = Reader::new(Format::Candump);
    let mut unread = text.split(|&b| b == end).zip(1..).filter(|(line, number)| {
        // Comments and empty lines are the same in every form; a header of one form is no frame in any.
        matches!(probe.line(*number, line), Item::Problem(_)) && !is_header(line)
    });
    let Some(first) = unread.next() else { return NotALog::NoFrame };
    let seems = OTHER_TEXT.iter().find(|(begin, _)| first.0.starts_with(begin.as_bytes()));
    let beginning = |(line, number): (&[u8], u64)| {
        let shown = line.trim_ascii().get(..60).unwrap_or(line.trim_ascii());
        (number, shown.escape_ascii().to_string().replace("\\'", "'").replace("\\\"", "\""))
    };
    let seems = seems.map_or("and it has no form that is known", |(_, seems)| seems);
    NotALog::OtherText { lines: [first].into_iter().chain(unread.take(2)).map(beginning).collect(), seems }
}

/// Whether a form that is strict about its lines takes one for no frame.
fn is_header(line: &[u8]) -> bool {
    let others = [Format::Screen, Format::Csv, Format::Asc, Format::TRACE];
    super::columns::is_header(line)
        || others.into_iter().any(|format| Reader::new(format).line(1, line) == Item::Nothing)
}
