//! Frames as named values, in one line or over several: an identifier and data behind names and `:` or `=`.
//!
//! ```text
//! {"timestamp": 1700000000.5, "id": 849, "dlc": 8, "data": [72, 2, 0, 5, 0, 5, 174, 1]}
//!
//! { ts_sec: 1700000000, ts_usec: 500000, id: 849, data: <Buffer 48 02 00 05 00 05 ae 01> }
//!
//! [20:05:00][D][canbus:070]: received can message std can_id=0x351 size=8
//! [20:05:00][V][canbus:085]:   can_message.data[0]=48
//! ```
//!
//! Sources: `json.dumps` of Python, `console.log` of the package socketcan for Node, component canbus of ESPHome.

use super::cursor::{identifier, moment, pairs, seconds};
use super::numbers::Numbers;
use super::pattern::{clock_of, width};
use super::{Parsed, Reader, Stamp};
use crate::candump::{Content, Expected, LineError};
use crate::frame::Frame;
use crate::quantity::Micros;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Id,
    Length,
    Data,
    Wide,
    Remote,
    /// a time in seconds, or in milli- or microseconds since 1970
    Time,
    Seconds,
    Micros,
}

/// Names in lower case, without `_`.
const NAMES: [(&[u8], Role); 27] = [
    (b"id", Role::Id),
    (b"canid", Role::Id),
    (b"arbitrationid", Role::Id),
    (b"identifier", Role::Id),
    (b"size", Role::Length),
    (b"dlc", Role::Length),
    (b"len", Role::Length),
    (b"length", Role::Length),
    (b"datalength", Role::Length),
    (b"data", Role::Data),
    (b"payload", Role::Data),
    (b"bytes", Role::Data),
    (b"buffer", Role::Data),
    (b"ext", Role::Wide),
    (b"extended", Role::Wide),
    (b"isextended", Role::Wide),
    (b"isextendedid", Role::Wide),
    (b"ide", Role::Wide),
    (b"rtr", Role::Remote),
    (b"remote", Role::Remote),
    (b"isremote", Role::Remote),
    (b"isremoteframe", Role::Remote),
    (b"timestamp", Role::Time),
    (b"time", Role::Time),
    (b"ts", Role::Time),
    (b"tssec", Role::Seconds),
    (b"tsusec", Role::Micros),
];

/// What is known of the frame that is being told.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    id: Option<u32>,
    wide: bool,
    remote: bool,
    length: Option<usize>,
    data: [u8; 8],
    count: usize,
    /// all bytes were told at once
    whole: bool,
    /// the list of bytes goes on in the next line
    open: bool,
    time: Option<Micros>,
}

impl Told {
    /// The frame, once all of it was told.
    fn frame(&self) -> Option<Content> {
        let id = self.id?;
        let id = identifier(id, self.wide || id > 0x7FF)?;
        if self.remote {
            return Some(Content::Remote { id, dlc: self.length.unwrap_or(0).min(8) as u8 });
        }
        let is_all = match self.length {
            Some(length) => self.count == length,
            None => self.whole && self.count > 0,
        };
        Frame::new(id, self.data.get(..self.count).filter(|_| is_all)?).map(Content::Data)
    }
}

/// Reads a line into what is told; a frame that is whole by its end is given.
pub(super) fn parse<'a>(line: &'a [u8], told: &mut Told, numbers: Numbers) -> Result<Parsed<'a>, LineError> {
    let mut rest = line;
    let mut is_named = false;
    if told.open {
        if !more(&mut rest, told, numbers) {
            *told = Told::default();
            return Err(LineError::new(line, line.len() - rest.len(), Expected::AnyFrame));
        }
        is_named = told.whole;
    }
    while let Some((name, place, after)) = name(rest) {
        rest = after;
        let Some(role) = role(name) else { continue };
        let (value, next) = value(after);
        let understood = match (role, place) {
            (Role::Id, _) => {
                // Where the data or the time came before it, it is of the same frame.
                if told.id.is_some() {
                    *told = Told::default();
                }
                told.id = numbers.id.number(value);
                told.id.is_some()
            }
            (Role::Length, _) => {
                told.length = core::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                told.length.is_some_and(|length| length <= 8)
            }
            (Role::Data, Some(at)) => {
                let mut byte = value;
                let byte = numbers.data.byte(&mut byte);
                let next = told.data.get_mut(told.count).filter(|_| at == told.count);
                match (byte, next) {
                    (Some(byte), Some(next)) => {
                        (*next, told.count) = (byte, told.count + 1);
                        true
                    }
                    _ => false,
                }
            }
            (Role::Data, None) => list(after, told, numbers),
            (Role::Wide | Role::Remote, _) => match width(value) {
                Some((is, _)) if role == Role::Wide => {
                    told.wide = is;
                    true
                }
                Some((is, _)) => {
                    told.remote = is;
                    true
                }
                None => false,
            },
            (Role::Time, _) => {
                told.time = moment(value);
                true
            }
            (Role::Seconds, _) => {
                told.time = seconds(value);
                true
            }
            (Role::Micros, _) => {
                let micros = seconds(value).map_or(0, |micros| micros.0 / 1_000_000);
                told.time = told.time.map(|time| Micros(time.0 + micros));
                true
            }
        };
        if !understood {
            *told = Told::default();
            return Err(LineError::new(line, line.len() - after.len(), Expected::AnyFrame));
        }
        is_named = true;
        rest = next;
    }
    if !is_named {
        return Ok(Parsed::Nothing);
    }
    told.time = told.time.or_else(|| clock_of(line));
    let Some(content) = told.frame() else { return Ok(Parsed::Nothing) };
    let stamp = core::mem::take(told).time.map_or(Stamp::Absent, Stamp::At);
    Ok(Parsed::Frame(stamp, Reader::UNNAMED, None, content))
}

/// The next name before `:` or `=`, a place in brackets behind it, and what follows the sign.
fn name(line: &[u8]) -> Option<(&[u8], Option<usize>, &[u8])> {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let mut rest = line;
    loop {
        rest = &rest[rest.iter().position(is_part)?..];
        let end = rest.iter().position(|b| !is_part(b)).unwrap_or(rest.len());
        let (name, mut after) = rest.split_at(end);
        let mut place = None;
        if let [b'[', digit @ b'0'..=b'9', b']', behind @ ..] = after {
            (place, after) = (Some(usize::from(digit - b'0')), behind);
        }
        let behind = after.strip_prefix(b"\"").or_else(|| after.strip_prefix(b"'")).unwrap_or(after);
        match behind.trim_ascii_start() {
            [b':' | b'=', value @ ..] if name[0].is_ascii_alphabetic() => return Some((name, place, value)),
            _ => rest = after,
        }
    }
}

fn role(name: &[u8]) -> Option<Role> {
    let is = |known: &[u8]| {
        let mut letters = name.iter().filter(|b| **b != b'_');
        known.iter().all(|byte| letters.next().is_some_and(|letter| letter.eq_ignore_ascii_case(byte)))
            && letters.next().is_none()
    };
    NAMES.iter().find(|(known, _)| is(known)).map(|(_, role)| *role)
}

/// A value of one word, quoted or not, and what follows it.
fn value(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b"\"").or_else(|| text.strip_prefix(b"'")).unwrap_or(text);
    let end = text.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'.').unwrap_or(text.len());
    text.split_at(end)
}

/// More bytes of a list that has lines of its own; false where something else stands there.
fn more(rest: &mut &[u8], told: &mut Told, numbers: Numbers) -> bool {
    while let Some(byte) = numbers.data.byte(rest) {
        let Some(place) = told.data.get_mut(told.count) else { return false };
        *place = byte;
        told.count += 1;
    }
    let after = rest.trim_ascii();
    (told.open, told.whole) = (!after.starts_with(b"]"), after.starts_with(b"]"));
    told.whole || matches!(after, [] | [b','])
}

/// All bytes: within brackets, with blanks or commas between them, or as one word of pairs of digits.
fn list(text: &[u8], told: &mut Told, numbers: Numbers) -> bool {
    let text = text.trim_ascii_start();
    let mut rest = text.strip_prefix(b"<Buffer").unwrap_or(text);
    let from = rest.iter().position(|b| !matches!(b, b'[' | b'{' | b'(' | b'"' | b'\'' | b' '));
    rest = &rest[from.unwrap_or(rest.len())..];
    (told.count, told.whole, told.open) = (0, true, false);
    let (word, _) = value(rest);
    if word.len() > 3
        && let Some(packed) = pairs(word)
    {
        (told.data, told.count) = packed;
        return true;
    }
    if text == b"[" {
        (told.whole, told.open) = (false, true);
        return true;
    }
    while let Some(byte) = numbers.data.byte(&mut rest) {
        let Some(place) = told.data.get_mut(told.count) else { return false };
        *place = byte;
        told.count += 1;
    }
    // No other name begins where a byte was expected: `data: FD=false`.
    !matches!(rest.trim_ascii_start(), [b'=' | b':', ..])
}
