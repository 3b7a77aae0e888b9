//! Why a line of a log could not be read.

use core::fmt;

/// A line that is no frame, comment or blank: where, what was expected there, and what stands there instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: expected {expected}, found {}", Found(*found))]
pub struct LineError {
    /// counted from 1, in bytes
    pub column: usize,
    /// what should have been there
    pub expected: Expected,
    /// the byte that is there; nothing at the end of the line
    pub found: Option<u8>,
}

impl LineError {
    /// What was expected at a place of a line, counted from 0.
    #[must_use]
    pub fn new(line: &[u8], at: usize, expected: Expected) -> Self {
        Self { column: at + 1, expected, found: line.get(at).copied() }
    }
}

/// What was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// the beginning of a frame
    Time,
    /// whole seconds and a point
    Seconds,
    /// the fraction of a second and a closing bracket
    Fraction,
    /// one space
    Space,
    /// the name of an interface
    Interface,
    /// an identifier within its range
    Identifier,
    /// the `#` behind the identifier
    Hash,
    /// the second digit of a byte
    EvenDigits,
    /// no ninth byte
    EightBytes,
    /// a data length code of 9 to 15
    RawLength,
    /// the flags of a CAN FD frame
    FdFlags,
    /// no 65th byte
    SixtyFourBytes,
    /// the end of the line
    End,
    /// the end of the last line: where the log stops within it, its data may be longer
    WholeLine,
    /// the beginning of a frame as candump shows it on a screen
    ScreenFrame,
    /// a time as candump shows it on a screen
    ScreenTime,
    /// the number of data bytes in square brackets
    Length,
    /// one data byte
    Byte,
    /// no more data bytes than were announced
    NoMoreBytes,
    /// a row of python-can's CSV
    CsvRow,
    /// a time in seconds, as a decimal number
    DecimalSeconds,
    /// 0 or 1
    ZeroOrOne,
    /// a hexadecimal identifier of a row that says of which width it is
    CsvIdentifier,
    /// as many bytes in base64 as the length says
    Base64,
    /// the beginning of an event of an ASC log
    AscEvent,
    /// an identifier of an ASC log
    AscIdentifier,
    /// the direction in an ASC log
    AscDirection,
    /// the kind of frame in an ASC log
    AscKind,
    /// not one more interface
    FewInterfaces,
    /// a line of sane length
    ShortLine,
    /// a frame as this line of the same program
    Like(&'static str),
    /// a row of a table whose header named the columns
    TableRow,
    /// a line of a serial CAN adapter
    SlcanLine,
    /// an identifier and data bytes, however they are printed
    AnyFrame,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Like(example) => return write!(f, "a frame such as `{}`", example.trim()),
            Self::TableRow => "a row that fits the header, with an identifier and data bytes in hexadecimal digits",
            Self::SlcanLine => "a frame of a serial CAN adapter, such as `t3518480200050005AE01`",
            Self::AnyFrame => "an identifier and data bytes in hexadecimal digits",
            Self::Time => {
                "a frame such as `(1436509052.249713) can0 351#480200050005AE01`, as `candump -L` writes it"
            }
            Self::Seconds => "seconds and a point, such as `1436509052.`",
            Self::Fraction => "one to nine digits of a second and `)`",
            Self::Space => "one space (a log of `candump -L`, not a copy of the screen)",
            Self::Interface => "the name of an interface, such as `can0`",
            Self::Identifier => {
                "an identifier of 3 hexadecimal digits up to 7FF, or of 8 up to 1FFFFFFF (error frames: 2xxxxxxx)"
            }
            Self::Hash => "`#` behind the identifier (a log of `candump -L`, not a copy of the screen)",
            Self::EvenDigits => "the second hexadecimal digit of a byte",
            Self::EightBytes => "at most 8 bytes",
            Self::RawLength => "a data length code from 9 to F",
            Self::FdFlags => "one hexadecimal digit of CAN FD flags",
            Self::SixtyFourBytes => "at most 64 bytes of CAN FD",
            Self::End => "hexadecimal digits or the end of the line",
            Self::WholeLine => "the end of the line (the log stops within it, so the frame may be longer than it looks)",
            Self::ScreenFrame => "a frame such as `can0  351   [8]  48 02 00 05 00 05 AE 01`, as candump shows it",
            Self::ScreenTime => {
                "a time in brackets, such as `(1436509052.249713)` or `(2026-01-31 12:00:00.123456)`"
            }
            Self::Length => "the number of data bytes in square brackets, such as `[8]`, at most 8 (CAN FD: `[12]`)",
            Self::Byte => "two hexadecimal digits of a byte",
            Self::NoMoreBytes => "no more data bytes than were announced",
            Self::CsvRow => "seven columns: timestamp,arbitration_id,extended,remote,error,dlc,data",
            Self::DecimalSeconds => "seconds as a decimal number, such as `1436509052.249713`",
            Self::ZeroOrOne => "0 or 1",
            Self::CsvIdentifier => "an identifier such as `0x351`, at most 0x7FF, or 0x1FFFFFFF where extended is 1",
            Self::Base64 => "the data in base64, as many bytes as dlc says",
            Self::AscEvent => "an event such as `0.000000 1  351  Rx   d 8 48 02 00 05 00 05 AE 01`",
            Self::AscIdentifier => "an identifier up to 7FF, or up to 1FFFFFFF with an `x` behind it",
            Self::AscDirection => "`Rx` or `Tx`",
            Self::AscKind => "`d` or `r` and the data length code, such as `d 8`",
            Self::FewInterfaces => "one of the 64 interfaces that a log may name",
            Self::ShortLine => "the end of the line: no line of a CAN log is this long",
        })
    }
}

struct Found(Option<u8>);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(byte) => write!(f, "`{}`", byte.escape_ascii()),
            None => f.write_str("the end of the line"),
        }
    }
}
