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
    pub(super) fn new(line: &[u8], at: usize, expected: Expected) -> Self {
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
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
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
