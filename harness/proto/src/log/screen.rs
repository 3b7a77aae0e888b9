//! What candump shows on a screen, with any of its options for times, extra columns, text and colours; and the older
//! form that P 5.1 shows:
//!
//! ```text
//!  (1436509052.249713)  can0  RX - -  351   [8]  48 02 00 05 00 05 AE 01   'H.......'
//! <0x351> [8] 45 02 4c 04 4c 04 00 00
//! ```

use super::cursor::{Cursor, DAY, Word, date, hex_number, seconds};
use super::{Parsed, Reader, Stamp};
use crate::candump::{Content, Direction, Expected, FdFrame, Head, LineError, dropped};
use crate::frame::Frame;
use crate::message::Payload;
use crate::quantity::Micros;

/// Reads a line; a header that names the interface leaves it in `unnamed`.
pub(super) fn parse<'a>(line: &'a [u8], unnamed: &mut String) -> Result<Parsed<'a>, LineError> {
    if let Some(nothing) = beside_frames(line, unnamed) {
        return Ok(nothing);
    }
    match frame(line) {
        // A copy of a screen begins with the command.
        Err(_) if line.windows(8).any(|word| word == b"candump ") => Ok(Parsed::Nothing),
        read => read,
    }
}

fn frame(line: &[u8]) -> Result<Parsed<'_>, LineError> {
    let mut cursor = Cursor::new(line);
    let stamp = time(&mut cursor)?;
    let first = cursor.word();
    let (name, direction, head) = match old_identifier(first.text) {
        Some(head) => (Reader::UNNAMED, None, head),
        None => {
            let Some(name) = first.name() else { return cursor.fail(first, Expected::ScreenFrame) };
            let direction = direction(&mut cursor);
            let id = cursor.word();
            let head = id.hex().and_then(|number| Head::of(id.text.len(), number));
            let Some(head) = head else {
                // Where no identifier follows, the whole line is of another kind.
                let whole = matches!(stamp, Stamp::Absent) && cursor.peek().text.first() != Some(&b'[');
                let expected = if whole { Expected::ScreenFrame } else { Expected::Identifier };
                return cursor.fail(if whole { first } else { id }, expected);
            };
            (name, direction, head)
        }
    };
    let content = content(&mut cursor, head)?;
    let next = cursor.peek();
    // Text, `ERRORFRAME` and notes of a person may follow, but not data that was not announced.
    if next.text.len() == 2 && next.hex().is_some() {
        return cursor.fail(next, Expected::NoMoreBytes);
    }
    Ok(Parsed::Frame(stamp, name, direction, content))
}

/// Lines that candump puts between frames.
fn beside_frames(line: &[u8], unnamed: &mut String) -> Option<Parsed<'static>> {
    if let Some(header) = line.strip_prefix(b"interface = ") {
        let name = Word { text: header.split(|&b| b == b',').next().unwrap_or_default(), at: 0 };
        // A damaged header gives no name: one with blanks could not be written again.
        let name = name.name().filter(|name| name.bytes().all(|b| b > b' '))?;
        name.clone_into(unnamed);
        return Some(Parsed::Nothing);
    }
    if let Some(frames) = dropped(line) {
        return Some(Parsed::Lost(frames));
    }
    // `candump -e` explains an error frame in lines of its own.
    (line.first() == Some(&b'\t')).then_some(Parsed::Nothing)
}

fn time(cursor: &mut Cursor<'_>) -> Result<Stamp, LineError> {
    let first = cursor.peek();
    let Some(text) = first.text.strip_prefix(b"(") else { return Ok(Stamp::Absent) };
    cursor.word();
    let at = match text.strip_suffix(b")") {
        Some(text) => seconds(text),
        None => cursor.word().text.strip_suffix(b")").and_then(|clock| date_and_time(text, clock)),
    };
    match at {
        Some(at) => Ok(Stamp::At(at)),
        None => cursor.fail(first, Expected::ScreenTime),
    }
}

/// `2026-01-31` and `12:00:00.123456`, taken as universal time: only differences matter.
fn date_and_time(day: &[u8], clock: &[u8]) -> Option<Micros> {
    let number = |text: &[u8]| Word { text, at: 0 }.decimal().map(u64::from);
    let mut parts = clock.splitn(3, |&b| b == b':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let second = seconds(parts.next()?)?;
    if hour > 23 || minute > 59 || second.0 >= 61_000_000 {
        return None;
    }
    Some(Micros(date(day)? * DAY.0 + (hour * 60 + minute) * 60_000_000 + second.0))
}

/// The columns of `candump -x`: `RX - -`, with `B` and `E` for the bits of CAN FD.
fn direction(cursor: &mut Cursor<'_>) -> Option<Direction> {
    let direction = match cursor.peek().text {
        b"RX" => Direction::Received,
        b"TX" => Direction::Sent,
        _ => return None,
    };
    cursor.word();
    for _ in 0..2 {
        if let [b'-' | b'B' | b'E'] = cursor.peek().text {
            cursor.word();
        }
    }
    Some(direction)
}

/// `<0x351>`, `<0x00000356>`: the number of digits tells the width.
fn old_identifier(text: &[u8]) -> Option<Head> {
    let digits = text.strip_prefix(b"<0x")?.strip_suffix(b">")?;
    Head::of(digits.len(), hex_number(digits)?)
}

fn content(cursor: &mut Cursor<'_>, head: Head) -> Result<Content, LineError> {
    let word = cursor.word();
    // CAN FD frames are announced with two digits; `-8` shows a raw length code above 8 in curly brackets.
    let (len, is_fd) = match word.text {
        [b'[', len @ b'0'..=b'8', b']'] => (len - b'0', false),
        [b'[', tens @ b'0'..=b'6', ones @ b'0'..=b'9', b']'] => ((tens - b'0') * 10 + ones - b'0', true),
        [b'{', b'9' | b'a'..=b'f' | b'A'..=b'F', b'}'] => (8, false),
        _ => return cursor.fail(word, Expected::Length),
    };
    let mut data = [0; 64];
    let Some(places) = data.get_mut(..usize::from(len)) else {
        return cursor.fail(word, Expected::SixtyFourBytes);
    };
    let id = match head {
        Head::Of(id) => id,
        Head::ErrorClass(class) => {
            cursor.bytes(places)?;
            return match Payload::from_slice(places) {
                Some(data) => Ok(Content::Error { class, data }),
                None => cursor.fail(word, Expected::EightBytes),
            };
        }
    };
    if cursor.peek().text == b"remote" && !is_fd {
        cursor.word();
        cursor.word();
        return Ok(Content::Remote { id, dlc: len });
    }
    if !cursor.backwards(places) {
        cursor.bytes(places)?;
    }
    if is_fd {
        return Ok(Content::Fd(FdFrame::from_parts(id, 0, len, data)));
    }
    match Frame::new(id, places) {
        Some(frame) => Ok(Content::Data(frame)),
        None => cursor.fail(word, Expected::EightBytes),
    }
}
