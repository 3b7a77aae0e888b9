//! Logs of a CAN bus as `candump -L` of can-utils writes them, which SavvyCAN and python-can read and write too:
//!
//! ```text
//! (1436509052.249713) vcan0 044#2A366C2BBA
//! ```
//!
//! Lines that begin with `#` are comments, blank lines and CRLF are allowed, and so is the direction (` R`, ` T`) that
//! some writers put at the end. Reading allocates nothing; what was written here is read back exactly. Logs in other
//! forms are for [`log`](crate::log).
//!
//! ```
//! use proto::candump::{self, Content, Line};
//! use proto::frame::Frame;
//! use proto::quantity::Micros;
//!
//! let mut log = b"# a comment\n".to_vec();
//! let keep_alive = Frame::standard(0x305, &[0; 8]);
//! candump::write_line(&mut log, Micros::from_secs(12), "can0", &keep_alive);
//!
//! let last = candump::lines(&log).last();
//! let Some((2, Ok(Line::Record(record)))) = last else { panic!("{last:?}") };
//! assert_eq!((record.at, record.interface), (Micros::from_secs(12), "can0"));
//! assert_eq!(record.content, Content::Data(keep_alive));
//! ```

mod content;
mod error;
mod fast;
mod write;

#[cfg(test)]
mod tests;

pub use content::{Content, Direction, FdFrame};
pub use error::{Expected, LineError};
pub(crate) use fast::{Fast, InBlock, Recent, fast};
pub use write::{write_line, write_record};

use crate::frame::{CanId, Frame};
use crate::message::Payload;
use crate::quantity::Micros;

/// One line of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// a frame
    Record(Record<'a>),
    /// what follows the `#`
    Comment(&'a [u8]),
    /// candump says that the system dropped this many frames before it could read them
    Dropped(u32),
    /// nothing but white space
    Blank,
}

/// One frame of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// as logged: mostly since 1970, where the start of a run is the zero of its own logs
    pub at: Micros,
    /// name of the interface, such as `can0`
    pub interface: &'a str,
    /// which way, where the writer says it
    pub direction: Option<Direction>,
    /// what was on the bus
    pub content: Content,
}

/// The lines of a whole log with their numbers, counted from 1.
#[must_use]
pub fn lines(log: &[u8]) -> Lines<'_> {
    // Editors of one system put a byte order mark in front.
    Lines { rest: log.strip_prefix(BYTE_ORDER_MARK).unwrap_or(log), number: 0 }
}

pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Iterator of [`lines`].
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, Result<Line<'a>, LineError>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|&b| b == b'\n');
        let line = &self.rest[..end.unwrap_or(self.rest.len())];
        self.rest = &self.rest[end.map_or(self.rest.len(), |end| end + 1)..];
        self.number += 1;
        Some((self.number, parse(line)))
    }
}

/// Reads one line, with or without its end.
///
/// # Errors
/// Where the line is neither frame, comment nor blank: the column, and what was expected there.
pub fn parse(line: &[u8]) -> Result<Line<'_>, LineError> {
    let line = line.trim_ascii_end();
    const LIKELY: &str = "can0";
    if let Some(Fast { at, interface, is_likely, direction, frame }) = fast(line, LIKELY.as_bytes())
        && let Ok(interface) = if is_likely { Ok(LIKELY) } else { core::str::from_utf8(interface) }
    {
        return Ok(Line::Record(Record { at, interface, direction, content: Content::Data(frame) }));
    }
    match line.first() {
        Some(b'(') => Reader { line, at: 1 }.record().map(Line::Record),
        Some(b'#') => Ok(Line::Comment(&line[1..])),
        None => Ok(Line::Blank),
        Some(_) => match dropped(line) {
            Some(frames) => Ok(Line::Dropped(frames)),
            None => Err(LineError::new(line, 0, Expected::Time)),
        },
    }
}

/// `DROPCOUNT: dropped 3 CAN frames on 'can0' socket (total drops 3)`, as `candump -d` notes it.
pub(crate) fn dropped(line: &[u8]) -> Option<u32> {
    let count = line.strip_prefix(b"DROPCOUNT: dropped ")?.split(|&b| b == b' ').next()?;
    core::str::from_utf8(count).ok()?.parse().ok()
}

/// 0 to 15 for a hexadecimal digit of either case, [`NOT_HEX`] for any other byte.
static HEX: [u8; 256] = {
    let mut table = [NOT_HEX; 256];
    let mut byte = 0;
    while byte < 256 {
        if let Some(digit) = (byte as u8 as char).to_digit(16) {
            table[byte] = digit as u8;
        }
        byte += 1;
    }
    table
};
const NOT_HEX: u8 = 0xFF;

/// 0 to 15 for a hexadecimal digit.
#[inline]
pub(crate) fn hex_digit(byte: u8) -> Option<u8> {
    let digit = HEX[usize::from(byte)];
    (digit != NOT_HEX).then_some(digit)
}

/// The flag of error frames in SocketCAN's 32-bit identifiers.
const ERROR_FLAG: u32 = 0x2000_0000;
pub(crate) const EXTENDED_MASK: u32 = 0x1FFF_FFFF;

/// What an identifier as can-utils prints it stands for: three digits are 11 bits, eight are 29 bits or, with the
/// flag of error frames, error classes.
pub(crate) enum Head {
    Of(CanId),
    ErrorClass(u32),
}

impl Head {
    pub(crate) fn of(digits: usize, id: u32) -> Option<Self> {
        match (digits, id) {
            (3, 0..=0x7FF) => Some(Self::Of(CanId::Standard(id as u16))),
            (8, 0..=EXTENDED_MASK) => Some(Self::Of(CanId::Extended(id))),
            (8, _) if id & !EXTENDED_MASK == ERROR_FLAG => Some(Self::ErrorClass(id & EXTENDED_MASK)),
            _ => None,
        }
    }
}

struct Reader<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn record(&mut self) -> Result<Record<'a>, LineError> {
        let at = self.time()?;
        self.expect(b' ', Expected::Space)?;
        // candump pads names to the longest one it has seen.
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
        let interface = self.interface()?;
        self.expect(b' ', Expected::Space)?;
        let content = self.content()?;
        let direction = self.direction()?;
        Ok(Record { at, interface, direction, content })
    }

    fn time(&mut self) -> Result<Micros, LineError> {
        let start = self.at;
        let (seconds, digits) = self.decimal();
        if !(1..=14).contains(&digits) {
            return self.fail(start, Expected::Seconds);
        }
        self.expect(b'.', Expected::Seconds)?;
        let start = self.at;
        let (fraction, digits) = self.decimal();
        let fraction = match digits {
            6 => fraction,
            1..6 => fraction * 10u64.pow(6 - digits),
            7..=9 => fraction / 10u64.pow(digits - 6),
            _ => return self.fail(start, Expected::Fraction),
        };
        self.expect(b')', Expected::Fraction)?;
        match seconds.checked_mul(1_000_000).and_then(|us| us.checked_add(fraction)) {
            Some(us) => Ok(Micros(us)),
            None => self.fail(1, Expected::Seconds),
        }
    }

    /// A run of decimal digits: its value, which is right for up to 19 of them, and how many there are.
    fn decimal(&mut self) -> (u64, u32) {
        let (mut value, start) = (0u64, self.at);
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        (value, (self.at - start) as u32)
    }

    fn interface(&mut self) -> Result<&'a str, LineError> {
        let start = self.at;
        while self.peek().is_some_and(|b| b > b' ') {
            self.at += 1;
        }
        match core::str::from_utf8(&self.line[start..self.at]) {
            Ok(name) if !name.is_empty() => Ok(name),
            _ => self.fail(start, Expected::Interface),
        }
    }

    fn content(&mut self) -> Result<Content, LineError> {
        let start = self.at;
        let mut id = 0u32;
        while let Some(digit) = self.hex() {
            // Nine digits and more are refused by their number.
            id = id << 4 | u32::from(digit);
            self.at += 1;
        }
        let Some(head) = Head::of(self.at - start, id) else {
            return self.fail(start, Expected::Identifier);
        };
        self.expect(b'#', Expected::Hash)?;
        let id = match head {
            Head::Of(id) => id,
            Head::ErrorClass(class) => {
                let (data, len) = self.data()?;
                let data = Payload::of(&Frame::from_parts(CanId::Extended(class), len, data));
                return Ok(Content::Error { class, data });
            }
        };
        match self.peek() {
            Some(b'R') => {
                self.at += 1;
                Ok(Content::Remote { id, dlc: self.remote_dlc()? })
            }
            Some(b'#') => {
                self.at += 1;
                self.fd(id).map(Content::Fd)
            }
            _ => {
                let (data, len) = self.data()?;
                Ok(Content::Data(Frame::from_parts(id, len, data)))
            }
        }
    }

    fn data(&mut self) -> Result<([u8; 8], u8), LineError> {
        let mut data = [0; 8];
        let len = self.bytes(&mut data, Expected::EightBytes)?;
        if len == 8 {
            self.raw_length()?;
        }
        Ok((data, len))
    }

    /// Pairs of digits up to the first other byte; `full` where there are more of them than places.
    fn bytes(&mut self, data: &mut [u8], full: Expected) -> Result<u8, LineError> {
        let mut len = 0;
        while let Some(high) = self.hex() {
            self.at += 1;
            let Some(low) = self.hex() else { return self.fail(self.at, Expected::EvenDigits) };
            let Some(byte) = data.get_mut(len) else { return self.fail(self.at - 1, full) };
            *byte = high << 4 | low;
            self.at += 1;
            len += 1;
        }
        Ok(len as u8)
    }

    fn remote_dlc(&mut self) -> Result<u8, LineError> {
        let Some(digit @ b'0'..=b'9') = self.peek() else { return Ok(0) };
        if digit == b'9' {
            return self.fail(self.at, Expected::EightBytes);
        }
        self.at += 1;
        if digit == b'8' {
            self.raw_length()?;
        }
        Ok(digit - b'0')
    }

    /// A data length code of 9 to 15, which also means 8 bytes and which drivers may report behind the data: `_F`.
    fn raw_length(&mut self) -> Result<(), LineError> {
        if self.peek() == Some(b'_') {
            self.at += 1;
            if self.hex().is_none_or(|code| code <= 8) {
                return self.fail(self.at, Expected::RawLength);
            }
            self.at += 1;
        }
        Ok(())
    }

    fn fd(&mut self, id: CanId) -> Result<FdFrame, LineError> {
        let Some(flags) = self.hex() else { return self.fail(self.at, Expected::FdFlags) };
        self.at += 1;
        let mut data = [0; 64];
        let len = self.bytes(&mut data, Expected::SixtyFourBytes)?;
        Ok(FdFrame::from_parts(id, flags, len, data))
    }

    fn direction(&mut self) -> Result<Option<Direction>, LineError> {
        match &self.line[self.at..] {
            [] => Ok(None),
            [b' ', b'R'] => Ok(Some(Direction::Received)),
            [b' ', b'T'] => Ok(Some(Direction::Sent)),
            _ => self.fail(self.at, Expected::End),
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    #[inline]
    fn hex(&self) -> Option<u8> {
        hex_digit(self.peek()?)
    }

    #[inline]
    fn expect(&mut self, byte: u8, expected: Expected) -> Result<(), LineError> {
        // A copy may have tabs for blanks.
        if self.peek().is_some_and(|found| found == byte || found == b'\t' && byte == b' ') {
            self.at += 1;
            Ok(())
        } else {
            self.fail(self.at, expected)
        }
    }

    #[cold]
    fn fail<T>(&self, at: usize, expected: Expected) -> Result<T, LineError> {
        Err(LineError::new(self.line, at, expected))
    }
}
