//! A line as words between white space.

use crate::candump::{Expected, LineError, hex_digit};
use crate::frame::CanId;
use crate::quantity::Micros;

/// Where a parser is in its line.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    line: &'a [u8],
    at: usize,
}

/// A word and its place, for messages.
#[derive(Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    /// The next word; an empty one at the end of the line.
    pub(super) fn word(&mut self) -> Word<'a> {
        self.skip_blanks();
        let at = self.at;
        while self.line.get(self.at).is_some_and(|&b| b > b' ') {
            self.at += 1;
        }
        Word { text: &self.line[at..self.at], at }
    }

    /// The next word, which stays the next one.
    pub(super) fn peek(&self) -> Word<'a> {
        self.clone().word()
    }

    /// White space, control bytes, and the colours that `candump -c` puts around words.
    fn skip_blanks(&mut self) {
        while let Some(&byte) = self.line.get(self.at).filter(|&&b| b <= b' ') {
            self.at += 1;
            if byte == 0x1B && self.line.get(self.at) == Some(&b'[') {
                self.at += 1;
                while self.line.get(self.at).is_some_and(|b| b.is_ascii_digit() || *b == b';') {
                    self.at += 1;
                }
                // The letter that ends the sequence.
                self.at = self.line.len().min(self.at + 1);
            }
        }
    }

    pub(super) fn fail<T>(&self, word: Word<'_>, expected: Expected) -> Result<T, LineError> {
        Err(LineError::new(self.line, word.at, expected))
    }

    /// Data bytes, each of two hexadecimal digits.
    pub(super) fn bytes(&mut self, data: &mut [u8]) -> Result<(), LineError> {
        for byte in data {
            let word = self.word();
            match two_digits(word.text) {
                Some(value) => *byte = value,
                None => return self.fail(word, Expected::Byte),
            }
        }
        Ok(())
    }
}

impl<'a> Word<'a> {
    /// An interface, where it is text.
    pub(super) fn name(self) -> Option<&'a str> {
        core::str::from_utf8(self.text).ok().filter(|name| !name.is_empty())
    }

    /// A small decimal number.
    pub(super) fn decimal(self) -> Option<u32> {
        let digits = (1..=9).contains(&self.text.len()) && self.text.iter().all(u8::is_ascii_digit);
        digits.then(|| self.text.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
    }

    /// A hexadecimal number of up to eight digits.
    pub(super) fn hex(self) -> Option<u32> {
        hex_number(self.text)
    }
}

pub(super) fn hex_number(text: &[u8]) -> Option<u32> {
    if !(1..=8).contains(&text.len()) {
        return None;
    }
    text.iter().try_fold(0, |value, &digit| Some(value << 4 | u32::from(hex_digit(digit)?)))
}

pub(super) fn two_digits(text: &[u8]) -> Option<u8> {
    let &[high, low] = text else { return None };
    Some(hex_digit(high)? << 4 | hex_digit(low)?)
}

/// An identifier whose width is known, within it.
pub(super) fn identifier(id: u32, extended: bool) -> Option<CanId> {
    match (id, extended) {
        (0..=0x7FF, false) => Some(CanId::Standard(id as u16)),
        (0..=0x1FFF_FFFF, true) => Some(CanId::Extended(id)),
        _ => None,
    }
}

/// Seconds with up to nine decimals, as `12`, `12.5` or, as Python prints small numbers, `1e-05`.
pub(super) fn seconds(text: &[u8]) -> Option<Micros> {
    let point = text.iter().position(|&b| b == b'.').unwrap_or(text.len());
    let (whole, fraction) = (&text[..point], text.get(point + 1..).unwrap_or_default());
    let digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    if !digits(whole) || !digits(fraction) {
        return with_exponent(text);
    }
    if !(1..=13).contains(&whole.len()) {
        return None;
    }
    let number = |text: &[u8]| text.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
    // Python prints as many decimals as a double needs; the seventh rounds.
    let mut micros = [b'0'; 7];
    let shown = fraction.len().min(7);
    micros[..shown].copy_from_slice(&fraction[..shown]);
    Some(Micros(number(whole) * 1_000_000 + (number(&micros) + 5) / 10))
}

fn with_exponent(text: &[u8]) -> Option<Micros> {
    let has_exponent = text.first()?.is_ascii_digit() && text.iter().any(|b| b.eq_ignore_ascii_case(&b'e'));
    let seconds: f64 = core::str::from_utf8(text).ok().filter(|_| has_exponent)?.parse().ok()?;
    (seconds < 1e13).then_some(Micros((seconds * 1e6 + 0.5) as u64))
}
