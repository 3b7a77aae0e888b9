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

    /// Data bytes with the last one first and marks between them, as `candump -S` shows them; false, and nothing taken,
    /// where they stand otherwise.
    pub(super) fn backwards(&mut self, data: &mut [u8]) -> bool {
        let word = self.peek();
        let mut bytes = word.text.split(|&b| b == b'`').map(two_digits);
        let marked = data.len() > 1 && word.text.contains(&b'`');
        let mut read = [0; 64];
        let Some(places) = read.get_mut(..data.len()).filter(|_| marked) else { return false };
        let all = places.iter_mut().rev().all(|place| match bytes.next() {
            Some(Some(byte)) => {
                *place = byte;
                true
            }
            _ => false,
        });
        if !all || bytes.next().is_some() {
            return false;
        }
        data.copy_from_slice(places);
        self.word();
        true
    }

    /// Data bytes, each of two hexadecimal digits, or of eight binary ones as `candump -i` shows them.
    pub(super) fn bytes(&mut self, data: &mut [u8]) -> Result<(), LineError> {
        for byte in data {
            let word = self.word();
            match two_digits(word.text).or_else(|| eight_bits(word.text)) {
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

/// Data bytes as pairs of digits without blanks, eight at most, and how many.
pub(super) fn pairs(word: &[u8]) -> Option<([u8; 8], usize)> {
    let (mut data, count) = ([0; 8], word.len() / 2);
    for (place, pair) in data.get_mut(..count)?.iter_mut().zip(word.chunks(2)) {
        *place = two_digits(pair)?;
    }
    word.len().is_multiple_of(2).then_some((data, count))
}

fn eight_bits(text: &[u8]) -> Option<u8> {
    let bits = text.len() == 8 && text.iter().all(|b| matches!(b, b'0' | b'1'));
    bits.then(|| text.iter().fold(0, |byte, bit| byte << 1 | (bit - b'0')))
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

/// The same, with a comma in place of the point too, as programs of some languages write it.
pub(super) fn seconds_or_comma(text: &[u8]) -> Option<Micros> {
    let mut pointed = [0; 24];
    match (text.iter().position(|&b| b == b','), pointed.get_mut(..text.len())) {
        (Some(comma), Some(pointed)) => {
            pointed.copy_from_slice(text);
            pointed[comma] = b'.';
            seconds(pointed)
        }
        _ => seconds(text),
    }
}

/// Seconds; a number of more digits counts milli- or microseconds since 1970.
pub(super) fn moment(text: &[u8]) -> Option<Micros> {
    match text.iter().take_while(|b| b.is_ascii_digit()).count() {
        0..=10 => seconds(text),
        11..=13 => millis(text),
        _ => core::str::from_utf8(text).ok()?.parse().ok().map(Micros),
    }
}

/// A whole number of so many digits at most; 0 where there is none.
pub(super) fn decimal(text: &[u8], most: usize) -> Option<u64> {
    (text.len() <= most && text.iter().all(u8::is_ascii_digit))
        .then(|| text.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
}

pub(super) fn millis(text: &[u8]) -> Option<Micros> {
    let point = text.iter().position(|&b| b == b'.').unwrap_or(text.len());
    let (whole, fraction) = (&text[..point], text.get(point + 1..).unwrap_or_default());
    let mut micros = [b'0'; 3];
    let shown = fraction.len().min(3);
    micros[..shown].copy_from_slice(&fraction[..shown]);
    Some(Micros(decimal(whole, 13)? * 1000 + decimal(&micros, 3)?))
}

fn with_exponent(text: &[u8]) -> Option<Micros> {
    let has_exponent = text.first()?.is_ascii_digit() && text.iter().any(|b| b.eq_ignore_ascii_case(&b'e'));
    let seconds: f64 = core::str::from_utf8(text).ok().filter(|_| has_exponent)?.parse().ok()?;
    (seconds < 1e13).then_some(Micros((seconds * 1e6 + 0.5) as u64))
}

/// A day.
pub(super) const DAY: Micros = Micros(24 * 3600 * 1_000_000);

/// `2026-01-31` as days since 1970.
pub(super) fn date(text: &[u8]) -> Option<u64> {
    let mut parts = text.split(|&b| b == b'-').map(|text| Word { text, at: 0 }.decimal().map(u64::from));
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    date_of(year, month, day)
}

/// Days since 1970 of a year, a month and a day.
pub(super) fn date_of(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day is the last one and months follow one pattern.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    /// from the first of March of year 0 to 1970
    const BEFORE_1970: u64 = 719_468;
    days.checked_sub(BEFORE_1970)
}
