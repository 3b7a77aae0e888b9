//! Tables with a header that names the columns, separated by commas, semicolons or tabs: SavvyCAN's GVRET CSV, ZCANPRO
//! and CANalyst (header in UTF-8 or GBK), Kvaser, loggers of CSS Electronics, and whatever names its columns alike.
//!
//! ```text
//! Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8
//! 610138,00000351,false,Rx,0,8,48,02,00,05,00,05,AE,01,
//! ```

use super::cursor::{decimal, identifier, millis, pairs, seconds_or_comma};
use super::numbers::{Base, Numbers};
use super::pattern::{time_of_day, way, width};
use super::{Parsed, Reader, Stamp};
use crate::candump::{Content, Direction, Expected, LineError};
use crate::frame::Frame;
use crate::quantity::Micros;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Seconds,
    Millis,
    Micros,
    Id,
    /// a word or a bit for 29-bit identifiers, as far as it is one
    Width,
    Way,
    Channel,
    Length,
    /// all bytes
    Data,
    /// one byte
    Byte,
    Other,
}

/// Names of columns, in lower case and without what [`is_mark`]; those of Chinese programs in UTF-8 and in GBK.
const NAMES: [(&[u8], Role); 69] = [
    (b"timestampus", Role::Micros),
    (b"timeus", Role::Micros),
    (b"timestampms", Role::Millis),
    (b"timems", Role::Millis),
    (b"timestamp", Role::Seconds),
    (b"timestamps", Role::Seconds),
    (b"timestampepoch", Role::Seconds),
    (b"time", Role::Seconds),
    (b"times", Role::Seconds),
    (b"timesec", Role::Seconds),
    (b"abstimesec", Role::Seconds),
    (b"systemtime", Role::Seconds),
    (b"frametimeepoch", Role::Seconds),
    (b"frametimerelative", Role::Seconds),
    (b"zeit", Role::Seconds),
    ("时间标识".as_bytes(), Role::Seconds),
    (b"\xCA\xB1\xBC\xE4\xB1\xEA\xCA\xB6", Role::Seconds),
    ("系统时间".as_bytes(), Role::Seconds),
    (b"\xCF\xB5\xCD\xB3\xCA\xB1\xBC\xE4", Role::Seconds),
    (b"id", Role::Id),
    (b"idhex", Role::Id),
    (b"iddec", Role::Id),
    (b"canid", Role::Id),
    (b"canidhex", Role::Id),
    (b"arbid", Role::Id),
    (b"arbitrationid", Role::Id),
    (b"frameid", Role::Id),
    (b"identifier", Role::Id),
    (b"identifierhex", Role::Id),
    (b"messageid", Role::Id),
    (b"msgid", Role::Id),
    (b"addr", Role::Id),
    (b"address", Role::Id),
    ("帧ID".as_bytes(), Role::Id),
    (b"\xD6\xA1ID", Role::Id),
    ("ID号".as_bytes(), Role::Id),
    (b"ID\xBA\xC5", Role::Id),
    (b"extended", Role::Width),
    (b"ext", Role::Width),
    (b"xtd", Role::Width),
    (b"ide", Role::Width),
    (b"type", Role::Width),
    (b"format", Role::Width),
    ("帧类型".as_bytes(), Role::Width),
    (b"\xD6\xA1\xC0\xE0\xD0\xCD", Role::Width),
    ("帧格式".as_bytes(), Role::Width),
    (b"\xD6\xA1\xB8\xF1\xCA\xBD", Role::Width),
    (b"dir", Role::Way),
    (b"direction", Role::Way),
    ("传输方向".as_bytes(), Role::Way),
    (b"\xB4\xAB\xCA\xE4\xB7\xBD\xCF\xF2", Role::Way),
    (b"bus", Role::Channel),
    (b"channel", Role::Channel),
    (b"buschannel", Role::Channel),
    (b"canchannel", Role::Channel),
    ("CAN通道".as_bytes(), Role::Channel),
    (b"len", Role::Length),
    (b"length", Role::Length),
    (b"datalength", Role::Length),
    (b"canlen", Role::Length),
    (b"dlc", Role::Length),
    ("长度".as_bytes(), Role::Length),
    (b"\xB3\xA4\xB6\xC8", Role::Length),
    (b"data", Role::Data),
    (b"datahex", Role::Data),
    (b"datadata", Role::Data),
    (b"databytes", Role::Data),
    (b"payload", Role::Data),
    (b"daten", Role::Data),
];

/// What names of columns have for a reader: blanks, quotes, brackets around a unit, points and lines between words.
fn is_mark(byte: u8) -> bool {
    matches!(byte, b' ' | b'"' | b'(' | b')' | b'[' | b']' | b'.' | b'_' | b'-')
}

/// How names of columns end that go on otherwise.
const ENDS: [(&[u8], Role); 4] = [
    ("数据长度".as_bytes(), Role::Length),
    (b"\xCA\xFD\xBE\xDD\xB3\xA4\xB6\xC8", Role::Length),
    ("数据".as_bytes(), Role::Data),
    (b"\xCA\xFD\xBE\xDD", Role::Data),
];

const MOST: usize = 32;

/// The columns of a table, as its header names them.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    roles: [Role; MOST],
    separator: u8,
}

/// Headers of tables that are known by their rows: the later parts of a log that was split have none.
const HEADLESS: [&[u8]; 2] = [
    b"Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8",
    b"Time Stamp,ID,Extended,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8",
];

/// Reads a line; a header that names an identifier and data says from then on what the columns are.
pub(super) fn parse<'a>(
    line: &'a [u8],
    known: &mut Option<Columns>,
    numbers: Numbers,
) -> Result<Parsed<'a>, LineError> {
    if let Some(columns) = header(line) {
        *known = Some(columns);
        return Ok(Parsed::Nothing);
    }
    let Some(columns) = known else {
        // Programs write about themselves before the header.
        let found = HEADLESS.into_iter().filter_map(header).find_map(|columns| {
            // Eight digits and a word for the width: no other table begins so.
            let mut values = line.split(|&b| b == b',').skip(1);
            let is_it = values.next()?.len() == 8 && width(values.next()?).is_some();
            row(line, &columns, numbers).filter(|_| is_it).map(|parsed| (columns, parsed))
        });
        let Some((columns, parsed)) = found else { return Ok(Parsed::Nothing) };
        *known = Some(columns);
        return Ok(parsed);
    };
    row(line, columns, numbers).ok_or_else(|| LineError::new(line, 0, Expected::TableRow))
}

/// The values of a row. Between quotes a separator is none.
fn values(line: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    core::iter::from_fn(move || {
        let line = rest?;
        let mut is_quoted = false;
        let end = line.iter().position(|&b| {
            is_quoted ^= b == b'"';
            b == separator && !is_quoted
        });
        // A quote that never ends is a letter.
        let end = end.or_else(|| line.iter().position(|&b| b == separator).filter(|_| is_quoted));
        rest = end.map(|end| &line[end + 1..]);
        Some(&line[..end.unwrap_or(line.len())])
    })
}

/// Whether a line names the columns of a table of frames.
pub(super) fn is_header(line: &[u8]) -> bool {
    header(line).is_some()
}

fn header(line: &[u8]) -> Option<Columns> {
    // No row begins with a letter or a byte of another alphabet.
    let first = *line.iter().find(|b| !matches!(b, b'"' | b' ' | b',' | b';'))?;
    if !first.is_ascii_alphabetic() && first < 0x80 {
        return None;
    }
    let separator = [b',', b';', b'\t'].into_iter().find(|separator| line.contains(separator))?;
    let mut roles = [Role::Other; MOST];
    for (place, name) in roles.iter_mut().zip(values(line, separator)) {
        *place = role(name);
    }
    let has = |role: Role| roles.contains(&role);
    (has(Role::Id) && (has(Role::Data) || has(Role::Byte))).then_some(Columns { roles, separator })
}

fn role(name: &[u8]) -> Role {
    // asammdf puts the name of a bus event before that of its part.
    let name = match (name.starts_with(b"CAN_DataFrame"), name.iter().rposition(|&b| b == b'.')) {
        (true, Some(point)) => &name[point + 1..],
        _ => name,
    };
    let mut text = [0; 32];
    let mut length = 0;
    for byte in name.iter().filter(|b| !is_mark(**b)) {
        let Some(place) = text.get_mut(length) else { return Role::Other };
        *place = *byte;
        length += 1;
    }
    let text = &text[..length];
    // SavvyCAN's own name, and its unit.
    if name.trim_ascii().eq_ignore_ascii_case(b"time stamp") {
        return Role::Micros;
    }
    if let Some((_, role)) = NAMES.iter().find(|(known, _)| text.eq_ignore_ascii_case(known)) {
        return *role;
    }
    if let Some((_, role)) = ENDS.iter().find(|(known, _)| text.starts_with(known)) {
        return *role;
    }
    let letters = text.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let (word, number) = text.split_at(letters);
    let numbered = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    const BYTES: [&[u8]; 5] = [b"d", b"b", b"db", b"data", b"byte"];
    if numbered && BYTES.iter().any(|other| word.eq_ignore_ascii_case(other)) {
        Role::Byte
    } else {
        Role::Other
    }
}

fn row<'a>(line: &'a [u8], columns: &Columns, numbers: Numbers) -> Option<Parsed<'a>> {
    let mut channel = Reader::UNNAMED;
    let (mut time, mut way_of, mut id, mut wide, mut remote) = (None, None, None, None, false);
    let (mut length, mut data, mut count, mut whole) = (None, [0; 8], 0, true);
    for (role, value) in columns.roles.iter().zip(values(line, columns.separator)) {
        let value = value.trim_ascii();
        // Spreadsheets are told that a number is text.
        let value = value.strip_prefix(b"=").unwrap_or(value);
        let value =
            value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value).trim_ascii();
        match role {
            Role::Seconds | Role::Millis | Role::Micros => time = time.or_else(|| at(value, *role)),
            Role::Id => id = numbers.id.number(value),
            Role::Width => {
                if let Some((extended, asks)) = width(value) {
                    (wide, remote) = (Some(wide.unwrap_or(false) || extended), remote || asks);
                }
            }
            Role::Way => way_of = way(value),
            Role::Length => length = Base::Hexadecimal.number(value),
            Role::Data => {
                let rest = value.strip_prefix(b"x|").or_else(|| value.strip_prefix(b"[")).unwrap_or(value);
                let mut rest = rest.strip_suffix(b"]").unwrap_or(rest);
                whole = bytes(&mut rest, &mut data, &mut count, numbers.data);
            }
            Role::Byte if !value.is_empty() => {
                let mut rest = value;
                match (numbers.data.byte(&mut rest), data.get_mut(count)) {
                    (Some(value), Some(place)) => (*place, count) = (value, count + 1),
                    _ => whole = false,
                }
            }
            Role::Channel => {
                channel = core::str::from_utf8(value).ok().filter(|name| is_name(name)).unwrap_or(channel);
            }
            Role::Byte | Role::Other => {}
        }
    }
    let id = id?;
    let id = identifier(id, wide.unwrap_or(id > 0x7FF))?;
    if remote {
        let content = Content::Remote { id, dlc: length.unwrap_or(0).min(8) as u8 };
        return Some(frame(time, channel, way_of, content));
    }
    if !whole || length.is_some_and(|length| length as usize != count) {
        return None;
    }
    Some(frame(time, channel, way_of, Content::Data(Frame::new(id, data.get(..count)?)?)))
}

fn frame(time: Option<Micros>, channel: &str, way: Option<Direction>, content: Content) -> Parsed<'_> {
    Parsed::Frame(time.map_or(Stamp::Absent, Stamp::At), channel, way, content)
}

/// Whether an interface can be called so.
pub(super) fn is_name(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b > b' ')
}

/// A time; where no comma separates columns, one may stand in place of the point.
fn at(text: &[u8], unit: Role) -> Option<Micros> {
    // SavvyCAN writes a second point and a zero behind the seconds of one of its forms.
    let text = text.strip_suffix(b".0").filter(|text| text.contains(&b'.')).unwrap_or(text);
    if let Some((_, time)) = time_of_day(text) {
        return time;
    }
    if let Some(time) = written_otherwise(text) {
        return Some(time);
    }
    match unit {
        Role::Millis => millis(text),
        // Microseconds have no fraction.
        Role::Micros if !text.contains(&b'.') => millis(text).map(|time| Micros(time.0 / 1000)),
        _ => seconds_or_comma(text),
    }
}

/// A time of day without zeros in front, `9:5:7.012`, or without marks and behind a date, `20231115T090507012`.
fn written_otherwise(text: &[u8]) -> Option<Micros> {
    let number = |text: &[u8]| decimal(text, 9).filter(|_| !text.is_empty());
    let (hours, minutes, seconds) = if let Some(begin) = text.iter().position(|&b| b == b'T') {
        let (_, clock) = (number(&text[..begin])?, &text[begin + 1..]);
        if clock.len() != 9 {
            return None;
        }
        (number(&clock[..2])?, number(&clock[2..4])?, Micros(number(&clock[4..])? * 1000))
    } else {
        let mut parts = text.splitn(3, |&b| b == b':');
        (number(parts.next()?)?, number(parts.next()?)?, seconds_or_comma(parts.next()?)?)
    };
    (hours < 24 && minutes < 60 && seconds.0 < 61_000_000)
        .then(|| Micros((hours * 60 + minutes) * 60_000_000 + seconds.0))
}

/// Bytes with blanks between them or without; false where there is anything else.
fn bytes(rest: &mut &[u8], data: &mut [u8; 8], count: &mut usize, base: Base) -> bool {
    *rest = rest.trim_ascii();
    if let Some(digits) = rest
        .strip_prefix(b"0x")
        .filter(|digits| digits.len() > 2 && !digits.contains(&b' ') && !digits.contains(&b','))
    {
        *rest = digits;
    }
    if rest.len() > 2 && rest.iter().all(u8::is_ascii_hexdigit) {
        let packed = pairs(rest);
        (*data, *count) = packed.unwrap_or_default();
        return packed.is_some();
    }
    while let Some(value) = base.byte(rest) {
        let Some(place) = data.get_mut(*count) else { return false };
        *place = value;
        *count += 1;
        *rest = rest.strip_prefix(b":").unwrap_or(rest);
    }
    rest.trim_ascii().is_empty()
}
