//! ASC of Vector, as CANalyzer, python-can and `log2asc` of can-utils write it:
//!
//! ```text
//! date Sun Jan 31 12:00:00.000 2026
//! base hex  timestamps absolute
//!    0.000000 1  351             Rx   d 8 48 02 00 05 00 05 AE 01
//!    0.010000 1  1510A8A0x       Rx   d 8 00 00 00 00 10 05 07 01
//! ```
//!
//! "absolute" there means since the start of the measurement. Events of a measurement that are no frames are known
//! by their beginnings.

use super::cursor::{Cursor, Word, hex_number, identifier, seconds_or_comma};
use super::numbers::Base;
use super::{Parsed, Stamp, TimeKind};
use crate::bus::{BusState, ErrorFrame};
use crate::candump::{Content, Direction, Expected, FdFrame, LineError};
use crate::frame::{CanId, Frame};
use crate::message::Payload;

/// How lines begin that are neither frames nor events, in lower case.
const HEADERS: &[&str] = &[
    "date ",
    "base ",
    "internal events logged",
    "no internal events logged",
    "begin triggerblock",
    "end triggerblock",
    "//",
    "previous log file",
    "msrmtlinkjointime",
];

/// What stands behind the time of events that are no frames, in lower case.
const EVENTS: &[&str] = &[
    "start of measurement",
    "log trigger event",
    "log direct start",
    "log direct stop",
    "begin triggerblock",
    "end triggerblock",
    "trigger event",
    "sv:",
    "canfd status",
    "can ",
    "j1939tp",
    "tfs:",
    "gps-event",
    // frames of LIN, FlexRay and Ethernet
    "li ",
    "l1 ",
    "l2 ",
    "fr ",
    "eth ",
];

pub(super) fn parse<'a>(
    line: &'a [u8],
    base: &mut Base,
    time: &mut Option<TimeKind>,
) -> Result<Parsed<'a>, LineError> {
    let text = line.trim_ascii_start();
    if HEADERS.iter().any(|header| begins(text, header)) {
        if begins(text, "base ") {
            header(text, base, time);
        }
        return Ok(Parsed::Nothing);
    }
    let mut cursor = Cursor::new(line);
    let first = cursor.word();
    let Some(at) = seconds_or_comma(first.text) else { return cursor.fail(first, Expected::AscEvent) };
    let second = cursor.peek();
    if let Some((channel, state)) = state(cursor.clone()) {
        return Ok(Parsed::Frame(Stamp::At(at), channel, None, ErrorFrame::controller(state).content()));
    }
    if EVENTS.iter().any(|event| begins(&line[second.at..], event)) {
        return Ok(Parsed::Nothing);
    }
    let frame = if second.text == b"CANFD" {
        cursor.word();
        fd(&mut cursor, *base)
    } else {
        classic(&mut cursor, *base)
    };
    Ok(match frame? {
        Some((channel, direction, content)) => Parsed::Frame(Stamp::At(at), channel, direction, content),
        None => Parsed::Nothing,
    })
}

/// `CAN 1 Status:chip status error passive - TxErr: 128 RxErr: 0`: the controller is not well. That it is stands in every log.
fn state(mut cursor: Cursor<'_>) -> Option<(&str, BusState)> {
    const STATES: [(&[u8], BusState); 3] = [
        (b"warning", BusState::ErrorWarning),
        (b"passive", BusState::ErrorPassive),
        (b"busoff", BusState::BusOff),
    ];
    let is = |word: Word<'_>, text: &str| word.text.eq_ignore_ascii_case(text.as_bytes());
    if !is(cursor.word(), "can") {
        return None;
    }
    let channel = cursor.word().name()?;
    if !is(cursor.word(), "status:chip") || !is(cursor.word(), "status") {
        return None;
    }
    let words = [cursor.word(), cursor.word()];
    let said = |name: &[u8]| words.iter().any(|word| word.text.eq_ignore_ascii_case(name));
    STATES.into_iter().find(|(name, _)| said(name)).map(|(_, state)| (channel, state))
}

/// `base hex  timestamps absolute`; dec and relative are the others.
fn header(text: &[u8], base: &mut Base, time: &mut Option<TimeKind>) {
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).skip(1);
    *base = match words.next() {
        Some(word) if word.eq_ignore_ascii_case(b"dec") => Base::Decimal,
        _ => Base::Hexadecimal,
    };
    if words.any(|word| word.eq_ignore_ascii_case(b"relative")) {
        *time = Some(TimeKind::Differences);
    }
}

type Found<'a> = Option<(&'a str, Option<Direction>, Content)>;

/// `1  351             Rx   d 8 48 02 00 05 00 05 AE 01`, with more columns behind it in newer versions
fn classic<'a>(cursor: &mut Cursor<'a>, base: Base) -> Result<Found<'a>, LineError> {
    let channel = channel(cursor)?;
    let word = cursor.word();
    if word.text.eq_ignore_ascii_case(b"ErrorFrame") {
        return Ok(Some((channel, None, NO_DETAILS)));
    }
    if word.text == b"Statistic:" {
        return Ok(None);
    }
    let id = base.identifier(cursor, word)?;
    let direction = direction(cursor)?;
    let kind = cursor.word();
    let code = cursor.peek();
    let dlc = hex_number(code.text).filter(|&dlc| code.text.len() == 1 && dlc <= 15);
    let content = match (kind.text, dlc) {
        // Before version 8.5 a remote frame had no length.
        (b"r" | b"R", dlc) => Content::Remote { id, dlc: dlc.map_or(0, |dlc| dlc.min(8) as u8) },
        (b"d" | b"D", Some(dlc)) => {
            cursor.word();
            let mut data = [0; 8];
            let data = &mut data[..dlc.min(8) as usize];
            base.bytes(cursor, data)?;
            match Frame::new(id, data) {
                Some(frame) => Content::Data(frame),
                None => return cursor.fail(code, Expected::EightBytes),
            }
        }
        _ => return cursor.fail(kind, Expected::AscKind),
    };
    Ok(Some((channel, direction, content)))
}

/// `1 Rx 351  Name 1 0 8 8 48 02 … 0 0 1000 …`: bit rate switch, error state, length code, length, data, duration,
/// length in bits, flags. Classic frames of a CAN FD channel are written so too.
fn fd<'a>(cursor: &mut Cursor<'a>, base: Base) -> Result<Found<'a>, LineError> {
    /// flags of the message: a remote frame, an error frame, the format of CAN FD
    const REMOTE: u32 = 0x10;
    const EXTENDED_DATA_LENGTH: u32 = 0x1000;
    let channel = channel(cursor)?;
    let direction = direction(cursor)?;
    let word = cursor.word();
    if word.text.eq_ignore_ascii_case(b"ErrorFrame") {
        return Ok(Some((channel, direction, NO_DETAILS)));
    }
    let id = base.identifier(cursor, word)?;
    let next = cursor.peek();
    if !matches!(next.text, b"0" | b"1") {
        // The name of the message in a database.
        cursor.word();
    }
    let mut bit = || {
        let word = cursor.word();
        match word.text {
            b"0" => Ok(false),
            b"1" => Ok(true),
            _ => cursor.fail(word, Expected::ZeroOrOne),
        }
    };
    let flags = u8::from(bit()?) | u8::from(bit()?) << 1;
    let code = cursor.word();
    let length = cursor.word();
    let mut data = [0; 64];
    let places = length.decimal().and_then(|len| data.get_mut(..len as usize));
    let (Some(places), Some(dlc)) = (places, code.hex().filter(|&dlc| dlc <= 15)) else {
        return cursor.fail(length, Expected::SixtyFourBytes);
    };
    base.bytes(cursor, places)?;
    let (_duration, _bits, message) = (cursor.word(), cursor.word(), cursor.word().hex());
    let is_classic = message.is_some_and(|flags| flags & EXTENDED_DATA_LENGTH == 0);
    let content = match Frame::new(id, places) {
        _ if is_classic && message.is_some_and(|flags| flags & REMOTE != 0) => {
            Some(Content::Remote { id, dlc: dlc.min(8) as u8 })
        }
        Some(frame) if is_classic => Some(Content::Data(frame)),
        _ => FdFrame::new(id, flags, places).map(Content::Fd),
    };
    match content {
        Some(content) => Ok(Some((channel, direction, content))),
        None => cursor.fail(length, Expected::SixtyFourBytes),
    }
}

/// An ASC log says that there was an error and no more.
const NO_DETAILS: Content = Content::Error { class: 0, data: Payload::EMPTY };

fn channel<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, LineError> {
    let word = cursor.word();
    match (word.decimal(), word.name()) {
        (Some(_), Some(name)) => Ok(name),
        _ => cursor.fail(word, Expected::AscEvent),
    }
}

fn direction(cursor: &mut Cursor<'_>) -> Result<Option<Direction>, LineError> {
    let word = cursor.word();
    match word.text {
        b"Rx" => Ok(Some(Direction::Received)),
        b"Tx" | b"TxRq" => Ok(Some(Direction::Sent)),
        _ => cursor.fail(word, Expected::AscDirection),
    }
}

impl Base {
    fn identifier(self, cursor: &Cursor<'_>, word: Word<'_>) -> Result<CanId, LineError> {
        let (digits, extended) = match word.text {
            [digits @ .., b'x' | b'X'] => (digits, true),
            digits => (digits, false),
        };
        match self.number(digits).and_then(|id| identifier(id, extended)) {
            Some(id) => Ok(id),
            None => cursor.fail(word, Expected::AscIdentifier),
        }
    }

    fn bytes(self, cursor: &mut Cursor<'_>, places: &mut [u8]) -> Result<(), LineError> {
        if self == Self::Hexadecimal {
            return cursor.bytes(places);
        }
        for byte in places {
            let word = cursor.word();
            match word.decimal().and_then(|value| u8::try_from(value).ok()) {
                Some(value) => *byte = value,
                None => return cursor.fail(word, Expected::Byte),
            }
        }
        Ok(())
    }
}

/// Whether a line begins with a text in lower case, in any case.
fn begins(line: &[u8], text: &str) -> bool {
    line.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text.as_bytes()))
}
