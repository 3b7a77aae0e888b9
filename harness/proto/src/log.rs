//! Logs of a CAN bus in whatever form they come: what candump writes and what it shows, CSV of python-can, ASC of
//! Vector. [`sniff`] finds the form from the head of a log; the [`Reader`] that it gives reads line by line and keeps
//! no more than names and counts, so that a log of any length takes the same memory. What cannot be read is named,
//! never passed over.
//!
//! ```
//! use proto::log::{Item, TimeKind, sniff};
//!
//! let log = b"interface = can0, family = 29, type = 3, proto = 1\n<0x351> [8] 45 02 4c 04 4c 04 00 00\n";
//! let mut reader = sniff(log, true).expect("a log").expect("a whole head");
//! let items: Vec<Item> = log.split(|&b| b == b'\n').zip(1..).map(|(line, n)| reader.line(n, line)).collect();
//! let Item::Frame(entry) = items[1] else { panic!("{:?}", items[1]) };
//! assert_eq!(reader.interface(entry.interface), "can0");
//! assert_eq!(reader.time_kind(), TimeKind::Synthetic, "no times: judge no periods");
//! ```

mod around;
mod asc;
mod columns;
mod csv;
mod cursor;
mod foreign;
mod grammar;
mod loose;
mod named;
mod numbers;
mod pattern;
mod screen;
mod serial;
mod sniff;
pub mod wrapped;

#[cfg(test)]
mod tests;

pub use crate::candump::{Content, Direction, Expected, FdFrame, LineError};
pub use foreign::{Foreign, foreign};
pub use sniff::{NotALog, sniff};

use crate::candump::{self, BYTE_ORDER_MARK, InBlock, Line, Recent};
use crate::frame::Frame;
use crate::quantity::Micros;
use cursor::DAY;
use grammar::{GRAMMARS, Piece};
use numbers::{Base, Numbers};

/// What a line of a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// a frame
    Frame(Entry),
    /// the writer of the log says that this many frames were lost here
    Lost(u32),
    /// a comment, a header, an empty line
    Nothing,
    /// it cannot be read: where, what was expected, what stands there
    Problem(LineError),
}

/// A frame of a log; of any kind, where no other is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<C = Content> {
    /// When, as [`Reader::time_kind`] says: since 1970, since the first frame, or made up.
    pub at: Micros,
    /// number of the interface, for [`Reader::interface`]
    pub interface: usize,
    /// which way, where the log says it
    pub direction: Option<Direction>,
    /// what was on the bus
    pub content: C,
}

/// The forms of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `candump -L` and `candump -l`, also of SavvyCAN and python-can
    Candump,
    /// what candump shows on a screen, and the older form of P 5.1
    Screen,
    /// CSV of python-can
    Csv,
    /// ASC of Vector, as python-can and `log2asc` write it too
    Asc,
    /// what a serial CAN adapter says
    Slcan,
    /// a table whose header names its columns
    Table,
    /// as another program prints frames: a row of the table of such programs
    Printed(u8),
    /// names before values, as JSON, Node and ESPHome's component canbus print frames
    Named,
    /// a console whose form is not known
    Console,
}

impl Format {
    /// The one row whose lines beside frames are told from any other.
    const TRACE: Self = Self::Printed(0);

    /// Every form, the most common first; the later ones take more for a frame than the earlier ones.
    pub fn all() -> impl Iterator<Item = Self> {
        let printed = (0..GRAMMARS.len()).map(|row| Self::Printed(row as u8));
        let known = [Self::Candump, Self::Screen, Self::Csv, Self::Asc, Self::Slcan, Self::Table];
        known.into_iter().chain(printed).chain([Self::Named, Self::Console])
    }

    /// Its name, for a person.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Candump => "candump log",
            Self::Screen => "candump screen",
            Self::Csv => "python-can CSV",
            Self::Asc => "Vector ASC",
            Self::Slcan => "SLCAN dump",
            Self::Table => "CSV with a header",
            Self::Printed(row) => GRAMMARS.get(usize::from(row)).map_or("printed frames", |row| row.name),
            Self::Named => "frames as named values",
            Self::Console => "console of an unknown program",
        }
    }
}

/// What the times of a log are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeKind {
    /// measured, since 1970 (of a local clock, where the log shows a date)
    Absolute,
    /// measured, since a moment that the log does not tell
    SinceStart,
    /// measured, as differences from frame to frame; they were added up
    Differences,
    /// Not measured: the log has none, or says in a comment `timestamps: synthetic`. The order is all there is.
    Synthetic,
}

impl TimeKind {
    /// Whether periods and gaps may be judged.
    #[must_use]
    pub const fn is_measured(self) -> bool {
        !matches!(self, Self::Synthetic)
    }
}

/// What was in a log, counted as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// classic data frames
    pub data: u64,
    /// remote frames
    pub remote: u64,
    /// error frames
    pub error: u64,
    /// CAN FD frames
    pub fd: u64,
    /// frames that the log says were lost
    pub lost: u64,
    /// lines that could not be read
    pub problems: u64,
    /// how often the time of an interface goes backwards
    pub backwards: u64,
    /// the first of these
    pub first_backwards: Option<Backwards>,
}

impl Report {
    /// All frames of every kind.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.data + self.remote + self.error + self.fd
    }
}

/// A step back in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backwards {
    /// number of the line
    pub line: u64,
    /// how far
    pub by: Micros,
}

/// Reads a log of one form, line by line.
#[derive(Debug, Clone)]
pub struct Reader {
    format: Format,
    time: Option<TimeKind>,
    /// when the latest frame was
    clock: Micros,
    interfaces: Vec<Interface>,
    /// the one of the latest frame
    current: usize,
    /// what lines of the most common form have in common, once there was one
    recent: Option<Recent>,
    /// whether its times are those of a clock on the wall
    shows_time_of_day: bool,
    report: Report,
    /// the interface that a header names for lines without one
    unnamed: String,
    /// the base of numbers that an ASC log declares
    base: Base,
    /// the base of numbers where no log declares it
    numbers: Numbers,
    /// the frame that several lines tell
    told: named::Told,
    /// the columns that the header of a table names
    columns: Option<columns::Columns>,
    /// the latest stamp of a serial adapter
    stamp: Option<u16>,
    /// what ends a line
    end: u8,
}

#[derive(Debug, Clone)]
struct Interface {
    name: String,
    latest: Micros,
}

/// What a parser of one form makes of a line.
enum Parsed<'a> {
    Frame(Stamp, &'a str, Option<Direction>, Content),
    Lost(u32),
    Nothing,
}

/// When a line says its frame was.
#[derive(Clone, Copy)]
enum Stamp {
    /// since 1970 or since a beginning, as its size tells
    At(Micros),
    Absent,
}

impl Reader {
    /// Interfaces that a log may name; more are a sign that names are misread.
    pub const MAX_INTERFACES: usize = 64;
    /// What an interface is called where the log names none.
    pub const UNNAMED: &'static str = "-";
    /// Between frames of a log without times, so that their order is kept.
    const SYNTHETIC_STEP: Micros = Micros(1000);

    /// For a log whose form is known. [`sniff`] finds it.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            time: None,
            clock: Micros(0),
            interfaces: Vec::new(),
            current: 0,
            recent: None,
            shows_time_of_day: shows_time_of_day(format),
            report: Report::default(),
            unnamed: Self::UNNAMED.to_owned(),
            base: Base::Hexadecimal,
            numbers: Numbers::HEXADECIMAL,
            told: named::Told::default(),
            columns: None,
            stamp: None,
            end: b'\n',
        }
    }

    /// What ends a line of this log: a line feed, or a carriage return where it has nothing else.
    #[must_use]
    pub const fn line_end(&self) -> u8 {
        self.end
    }

    /// Reads the line with this number at the beginning of a block, if it is the data frame that nearly every line of a
    /// candump log is: how long it is with its end, and the frame. Nothing, where that takes more care:
    /// [`Self::line`] is to be asked then.
    #[inline(always)]
    pub fn line_of(&mut self, number: u64, block: &[u8]) -> Option<(usize, Entry<Frame>)> {
        let InBlock { at, direction, frame, length } = self.recent.as_mut()?.line_of(block)?;
        self.report.data += 1;
        // This form has whole times, and no other kind.
        self.clock = at;
        self.goes_on(number, at);
        Some((length, Entry { at, interface: self.current, direction, content: frame }))
    }

    /// Reads the line with this number, counted from 1, with or without its end.
    #[inline]
    pub fn line(&mut self, number: u64, line: &[u8]) -> Item {
        let line = line.trim_ascii_end();
        if self.format == Format::Candump
            && let Some(interface) = self.interfaces.get(self.current)
            && let Some(fast) = candump::fast(line, interface.name.as_bytes())
            && fast.is_likely
        {
            return self.frame(number, Stamp::At(fast.at), fast.direction, Content::Data(fast.frame));
        }
        self.any_line(number, line)
    }

    /// Reads the last line of a log that stops without the end of a line. What would read as a shorter frame may be
    /// a longer one cut off, and is a problem.
    pub fn unfinished_line(&mut self, number: u64, line: &[u8]) -> Item {
        let before = self.report;
        let item = self.line(number, line);
        // The other forms announce a length.
        if self.format == Format::Candump
            && let Item::Frame(entry) = item
            && entry.direction.is_none()
            && !matches!(entry.content, Content::Data(frame) if frame.dlc() == 8)
        {
            let line = line.trim_ascii_end();
            self.report = before;
            self.report.problems += 1;
            return Item::Problem(LineError::new(line, line.len(), Expected::WholeLine));
        }
        item
    }

    /// Counts a line that is too long to be one. The reader of lines need not hold it.
    pub fn endless_line(&mut self, head: &[u8]) -> Item {
        self.problem(LineError::new(head, head.len(), Expected::ShortLine))
    }

    /// The form of the log.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// What its times are worth, as far as it was read; before the first frame, nothing is known of them.
    #[must_use]
    pub fn time_kind(&self) -> TimeKind {
        self.time.unwrap_or(TimeKind::Synthetic)
    }

    /// The name of an interface: [`Self::UNNAMED`] where the log has none.
    #[must_use]
    pub fn interface(&self, number: usize) -> &str {
        self.interfaces.get(number).map_or(Self::UNNAMED, |interface| &interface.name)
    }

    /// The names of all interfaces seen so far, in the order of their first frames.
    pub fn interfaces(&self) -> impl ExactSizeIterator<Item = &str> {
        self.interfaces.iter().map(|interface| interface.name.as_str())
    }

    /// What was read so far.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    #[inline(never)]
    fn any_line(&mut self, number: u64, line: &[u8]) -> Item {
        let whole = line;
        let line = if number == 1 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
        if let Some(b'#') = line.first() {
            self.comment(&line[1..]);
            return Item::Nothing;
        }
        let line = around::quoted(around::past_the_log_of_a_system(line));
        // A page of Markdown sets it in.
        let line = if self.format == Format::Candump { line.trim_ascii_start() } else { line };
        if line.is_empty() {
            return Item::Nothing;
        }
        let mut parsed = self.parsed(line);
        if parsed.is_err()
            && matches!(self.format, Format::Candump | Format::Screen)
            && let Some(stamped) = around::past_what_precedes_a_time(line)
        {
            parsed = self.parsed(stamped).or(parsed);
        }
        let parsed =
            parsed.map_err(|error| LineError { column: error.column + whole.len() - line.len(), ..error });
        match parsed {
            Ok(Parsed::Frame(stamp, name, direction, content)) => {
                // Only the screen of P 5.1 has frames without a name beside a header that gives one.
                let unnamed = core::mem::take(&mut self.unnamed);
                let found = self.number_of(if name == Self::UNNAMED { &unnamed } else { name });
                self.unnamed = unnamed;
                match found {
                    Some(at) => self.turn_to(at),
                    None => return self.problem(LineError::new(line, 0, Expected::FewInterfaces)),
                }
                self.frame(number, stamp, direction, content)
            }
            Ok(Parsed::Lost(frames)) => {
                self.report.lost += u64::from(frames);
                Item::Lost(frames)
            }
            Ok(Parsed::Nothing) => Item::Nothing,
            Err(error) => self.problem(error),
        }
    }

    /// What a line says, in the form of the log.
    fn parsed<'a>(&mut self, line: &'a [u8]) -> Result<Parsed<'a>, LineError> {
        match self.format {
            Format::Candump => match candump::parse(line) {
                Ok(Line::Record(r)) => {
                    Ok(Parsed::Frame(Stamp::At(r.at), r.interface, r.direction, r.content))
                }
                Ok(Line::Dropped(frames)) => Ok(Parsed::Lost(frames)),
                Ok(Line::Comment(_) | Line::Blank) => Ok(Parsed::Nothing),
                // A copy of a terminal begins with the command.
                Err(_) if pattern::find(line, b"candump ").is_some() => Ok(Parsed::Nothing),
                Err(error) => Err(error),
            },
            Format::Screen => screen::parse(line, &mut self.unnamed),
            Format::Csv => csv::parse(line),
            Format::Asc => asc::parse(line, &mut self.base, &mut self.time),
            Format::Slcan => serial::parse(line, &mut self.stamp, &mut self.time),
            Format::Table => columns::parse(line, &mut self.columns, self.numbers),
            Format::Printed(row) => match GRAMMARS.get(usize::from(row)) {
                Some(grammar) => pattern::parse(line, grammar, self.numbers),
                None => Ok(Parsed::Nothing),
            },
            Format::Named => named::parse(line, &mut self.told, self.numbers),
            Format::Console => loose::parse(line, self.numbers),
        }
    }

    #[inline]
    fn frame(&mut self, number: u64, stamp: Stamp, direction: Option<Direction>, content: Content) -> Item {
        match content {
            Content::Data(_) => self.report.data += 1,
            Content::Remote { .. } => self.report.remote += 1,
            Content::Error { .. } => self.report.error += 1,
            Content::Fd(_) => self.report.fd += 1,
        }
        let at = self.time(stamp);
        self.goes_on(number, at);
        Item::Frame(Entry { at, interface: self.current, direction, content })
    }

    /// A frame of the current interface was at this time.
    #[inline]
    fn goes_on(&mut self, number: u64, at: Micros) {
        // Frames of two interfaces may be written out of order; of one, they may not.
        let latest = &mut self.interfaces[self.current].latest;
        if at < *latest {
            self.report.backwards += 1;
            let by = Micros(latest.0 - at.0);
            self.report.first_backwards.get_or_insert(Backwards { line: number, by });
        }
        *latest = at;
    }

    fn turn_to(&mut self, interface: usize) {
        self.current = interface;
        if self.format == Format::Candump && self.end == b'\n' {
            let name = self.interfaces.get(interface).map_or(Self::UNNAMED, |interface| &interface.name);
            self.recent.get_or_insert_with(Recent::new).of(name);
        }
    }

    #[inline]
    fn time(&mut self, stamp: Stamp) -> Micros {
        /// 2001: no log is older, and no measurement lasts so long
        const FIRST_DATE: Micros = Micros(1_000_000_000_000_000);
        let kind = *self.time.get_or_insert_with(|| match stamp {
            Stamp::Absent => TimeKind::Synthetic,
            Stamp::At(at) if at >= FIRST_DATE => TimeKind::Absolute,
            Stamp::At(_) => TimeKind::SinceStart,
        });
        self.clock = match stamp {
            // A log that shows the time of day goes on over midnight.
            Stamp::At(at) if kind == TimeKind::SinceStart && self.shows_time_of_day => {
                let days = self.clock.0 / DAY.0;
                let today = days * DAY.0 + at.0;
                let past_midnight = today.saturating_add(DAY.0 / 2) < self.clock.0;
                Micros(if past_midnight { today + DAY.0 } else { today })
            }
            Stamp::At(step) if kind == TimeKind::Differences => Micros(self.clock.0.saturating_add(step.0)),
            Stamp::At(at) => at,
            Stamp::Absent => Micros(self.clock.0.saturating_add(Self::SYNTHETIC_STEP.0)),
        };
        self.clock
    }

    fn number_of(&mut self, name: &str) -> Option<usize> {
        let known = self.interfaces.iter().position(|interface| interface.name == name);
        known.or_else(|| {
            let fits = self.interfaces.len() < Self::MAX_INTERFACES;
            fits.then(|| self.interfaces.push(Interface { name: name.to_owned(), latest: Micros(0) }))?;
            Some(self.interfaces.len() - 1)
        })
    }

    /// `# timestamps: synthetic (order preserved, 10 ms between frames)`
    fn comment(&mut self, comment: &[u8]) {
        let text = comment.trim_ascii();
        if let Some((label, rest)) = text.split_at_checked(b"timestamps:".len())
            && label.eq_ignore_ascii_case(b"timestamps:")
            && rest.trim_ascii_start().get(..9).is_some_and(|word| word.eq_ignore_ascii_case(b"synthetic"))
        {
            self.time = Some(TimeKind::Synthetic);
        }
    }

    #[cold]
    fn problem(&mut self, error: LineError) -> Item {
        self.report.problems += 1;
        Item::Problem(error)
    }
}

/// Whether the times of a form are those of a clock on the wall.
fn shows_time_of_day(format: Format) -> bool {
    match format {
        Format::Printed(row) => GRAMMARS.get(usize::from(row)).is_some_and(|grammar| {
            grammar.lines.iter().flat_map(|pieces| pieces.iter()).any(|piece| *piece == Piece::Clock)
        }),
        Format::Named | Format::Console => true,
        _ => false,
    }
}
