//! The data bytes of a message that is not a row of numbers: texts, and the fixed patterns of the GX.

use core::fmt;

use crate::frame::Frame;

/// 0 to 8 data bytes, exactly as sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Payload {
    bytes: [u8; 8],
    len: u8,
}

impl Payload {
    /// No bytes.
    pub const EMPTY: Self = Self { bytes: [0; 8], len: 0 };

    /// All eight bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 8]) -> Self {
        Self { bytes, len: 8 }
    }

    /// As many bytes as the slice has, or nothing when those are more than 8.
    #[must_use]
    pub fn from_slice(slice: &[u8]) -> Option<Self> {
        let mut bytes = [0; 8];
        bytes.get_mut(..slice.len())?.copy_from_slice(slice);
        Some(Self { bytes, len: slice.len() as u8 })
    }

    /// The bytes that were sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    pub(crate) const fn of(frame: &Frame) -> Self {
        Self { bytes: frame.padded(), len: frame.dlc() }
    }

    /// The low `len` bytes of a little-endian word; the rest must be zero.
    pub(super) const fn from_word(word: u64, len: u8) -> Self {
        Self { bytes: word.to_le_bytes(), len }
    }

    /// Bytes that were not sent are zero.
    pub(super) const fn word(self) -> u64 {
        u64::from_le_bytes(self.bytes)
    }

    pub(super) const fn len(self) -> u8 {
        self.len
    }
}

/// Hexadecimal, as in a log.
impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|b| write!(f, "{b:02X}"))
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text field: up to 8 bytes of 7-bit ASCII, unused ones zero (P 2 §0x35E, §0x370, §0x374, §0x380). What
/// was sent is kept byte for byte, so that a finding can show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Text8(Payload);

/// No text: eight zeros, as a field is sent that says nothing.
impl Default for Text8 {
    fn default() -> Self {
        Self::padded(b"")
    }
}

impl Text8 {
    /// A text padded with zeros to 8 bytes, or nothing when it is longer or not printable ASCII.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; 8];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        text.bytes().all(is_printable).then_some(Self(Payload::new(bytes)))
    }

    /// A name or serial number of up to 16 characters over two messages, the second one all zero where the first
    /// suffices (P 2 §0x370, §0x380). Nothing when it is longer or not printable ASCII.
    #[must_use]
    pub fn pair(text: &str) -> Option<(Self, Self)> {
        let (first, last) = text.split_at_checked(text.len().min(8))?;
        Some((Self::new(first)?, Self::new(last)?))
    }

    /// The bytes up to the first zero, at most 8, padded with zeros: a text as a GX passes it on.
    #[must_use]
    pub fn padded(text: &[u8]) -> Self {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(text.iter().take_while(|&&b| b != 0)).for_each(|(to, &from)| *to = from);
        Self(Payload::new(bytes))
    }

    /// The bytes as sent, padding included.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The bytes before the first zero.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        let raw = self.raw();
        &raw[..raw.iter().position(|&b| b == 0).unwrap_or(raw.len())]
    }

    /// The text without padding of zeros or spaces, or nothing when a byte of it is not printable ASCII.
    #[must_use]
    pub fn as_ascii(&self) -> Option<&str> {
        let text = core::str::from_utf8(self.text()).ok()?;
        text.bytes().all(is_printable).then(|| text.trim_end_matches(' '))
    }

    /// Bytes that are neither printable ASCII nor zero, with their places: what makes a GX take one make for another.
    pub fn unprintable(&self) -> impl Iterator<Item = (usize, u8)> + '_ {
        self.raw().iter().copied().enumerate().filter(|&(_, b)| b != 0 && !is_printable(b))
    }

    /// What fills the text up to its length.
    #[must_use]
    pub fn padding(&self) -> Padding {
        let (raw, text) = (self.raw(), self.text());
        if raw[text.len()..].iter().any(|&b| b != 0) {
            Padding::Garbage
        } else if text.last() == Some(&b' ') {
            Padding::Spaces
        } else if raw.len() < 8 {
            Padding::Short
        } else if text.len() < 8 {
            Padding::Zeros
        } else {
            Padding::Full
        }
    }

    pub(super) const fn of(payload: Payload) -> Self {
        Self(payload)
    }

    pub(super) const fn payload(self) -> Payload {
        self.0
    }
}

/// What fills a text field up to its eight bytes. The document asks for zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// zeros, as it should be
    Zeros,
    /// nothing: the text takes all eight bytes
    Full,
    /// spaces
    Spaces,
    /// nothing: fewer than eight bytes were sent
    Short,
    /// other bytes follow the first zero
    Garbage,
}

const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// The text before the first zero, other bytes escaped as `\x1c`.
impl fmt::Display for Text8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.text().escape_ascii(), f)
    }
}

impl fmt::Debug for Text8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.raw().escape_ascii())
    }
}
