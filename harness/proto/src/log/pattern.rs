//! Reads a line by the pieces of a [`Grammar`].

use super::cursor::{DAY, date, hex_number, identifier, millis, moment, pairs, seconds_or_comma};
use super::grammar::{Grammar, Piece};
use super::numbers::{Base, Numbers};
use super::{Parsed, Reader, Stamp};
use crate::bus::{BusState, ErrorFrame};
use crate::candump::{Content, Direction, Expected, FdFrame, LineError};
use crate::digits;
use crate::frame::Frame;
use crate::quantity::Micros;

/// Reads a line by the first of a grammar's lines that fits.
pub(super) fn parse<'a>(
    line: &'a [u8],
    grammar: &'static Grammar,
    numbers: Numbers,
) -> Result<Parsed<'a>, LineError> {
    let text = line.trim_ascii_start();
    if grammar.beside.iter().any(|begin| text.starts_with(begin.as_bytes())) {
        return Ok(Parsed::Nothing);
    }
    let mut furthest = 0;
    for pieces in grammar.lines {
        let mut walk = Walk { line, at: 0, numbers, read: Read::default() };
        match walk.all(pieces) {
            Some(parsed) => return Ok(parsed),
            None => furthest = furthest.max(walk.at),
        }
    }
    // Consoles say much else: a line without the words that a frame has is none.
    let anchors = grammar.lines.iter().flat_map(|pieces| pieces.iter());
    let mut anchors =
        anchors.filter_map(|piece| if let Piece::Past(text) = piece { Some(*text) } else { None });
    let console = grammar
        .lines
        .iter()
        .all(|pieces| pieces.iter().any(|piece| matches!(piece, Piece::Past(_) | Piece::Wide(_))));
    if console && !anchors.any(|text| find(line, text.as_bytes()).is_some()) {
        return Ok(Parsed::Nothing);
    }
    Err(LineError::new(line, furthest.min(line.len()), Expected::Like(grammar.example)))
}

/// What was read so far.
#[derive(Default)]
struct Read<'a> {
    time: Option<Micros>,
    date: Option<u64>,
    channel: Option<&'a str>,
    way: Option<Direction>,
    id: Option<u32>,
    extended: Option<bool>,
    remote: bool,
    length: Option<u8>,
    data: [u8; 8],
    count: u8,
    error: Option<ErrorFrame>,
    flexible: Option<FdFrame>,
}

struct Walk<'a> {
    line: &'a [u8],
    at: usize,
    numbers: Numbers,
    read: Read<'a>,
}

impl<'a> Walk<'a> {
    fn all(&mut self, pieces: &[Piece]) -> Option<Parsed<'a>> {
        pieces.iter().try_for_each(|piece| self.piece(*piece))?;
        if let Some(Piece::Other) = pieces.last() {
            return Some(Parsed::Nothing);
        }
        // Text and notes may follow, but not data that was not announced.
        let mut after = self.word();
        let ends_in_data = matches!(pieces.last(), Some(Piece::Bytes));
        if ends_in_data && self.numbers.data.byte(&mut after).is_some() {
            return None;
        }
        let read = &self.read;
        let frame = |content, way| {
            let stamp = read.time.map_or(Stamp::Absent, Stamp::At);
            Some(Parsed::Frame(stamp, read.channel.unwrap_or(Reader::UNNAMED), way, content))
        };
        if let Some(error) = read.error {
            return frame(error.content(), None);
        }
        if let Some(flexible) = read.flexible {
            return frame(Content::Fd(flexible), read.way);
        }
        let id = identifier(read.id?, read.extended.unwrap_or(false))?;
        let content = if read.remote {
            Content::Remote { id, dlc: read.length.unwrap_or(0) }
        } else {
            Content::Data(Frame::new(id, read.data.get(..usize::from(read.count))?)?)
        };
        frame(content, read.way)
    }

    fn piece(&mut self, piece: Piece) -> Option<()> {
        self.blanks();
        let rest = &self.line[self.at..];
        match piece {
            Piece::Text(text) => self.text(text)?,
            Piece::Wide(text) => {
                self.text(text)?;
                self.read.extended = Some(true);
            }
            Piece::Begin(text) => self.at += rest.starts_with(text.as_bytes()).then_some(text.len())?,
            Piece::Bus => {
                let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                self.read.channel =
                    core::str::from_utf8(&rest[..digits]).ok().filter(|name| !name.is_empty());
                self.at += digits;
            }
            Piece::Month => self.at += Some(self.letters().len()).filter(|&length| length == 3)?,
            Piece::Past(text) => self.at += find(rest, text.as_bytes())? + text.len(),
            Piece::Number => _ = self.decimal()?,
            Piece::Pause => _ = self.decimal().filter(|digits| digits.contains(&b'.'))?,
            Piece::Seconds => {
                // A whole number counts nobody knows what, unless it is a time since 1970.
                let text = self.decimal().filter(|text| text.len() >= 10 || text.contains(&b'.'))?;
                self.read.time = Some(moment(text)?);
            }
            Piece::Comma => {
                let digits = rest.iter().take_while(|b| b.is_ascii_digit() || **b == b',').count();
                let text = rest.get(..digits).filter(|text| text.contains(&b','))?;
                self.read.time = Some(seconds_or_comma(text)?);
                self.at += digits;
            }
            Piece::Micros => {
                let digits = self.decimal().filter(|text| text.len() <= 18)?;
                self.read.time = Some(Micros(core::str::from_utf8(digits).ok()?.parse().ok()?));
            }
            Piece::Tai => self.tai()?,
            Piece::Flexible(text, flags) => {
                self.text(text)?;
                self.flexible(flags)?;
            }
            Piece::Millis => self.read.time = Some(millis(self.decimal()?)?),
            Piece::Date => {
                let text = rest.get(..10)?;
                self.read.date = Some(date(text)?);
                self.at += 10;
                if self.line.get(self.at) == Some(&b'T') {
                    self.at += 1;
                }
            }
            Piece::Clock => self.clock()?,
            Piece::Channel => {
                let word = self.word();
                self.at += word.len();
                self.read.channel = Some(core::str::from_utf8(word).ok().filter(|name| !name.is_empty())?);
            }
            Piece::Way => {
                let word = self.word();
                self.read.way = Some(way(word)?);
                self.at += word.len();
            }
            Piece::Id | Piece::Padded => self.id(piece == Piece::Id)?,
            Piece::Width => {
                let word = self.letters();
                let (extended, remote) = width(word)?;
                (self.read.extended, self.read.remote) = (Some(extended), remote);
                self.at += word.len();
            }
            Piece::Length => {
                let &[digit @ b'0'..=b'8', ..] = rest else { return None };
                if rest.get(1).is_some_and(u8::is_ascii_alphanumeric) {
                    return None;
                }
                self.read.length = Some(digit - b'0');
                self.at += 1;
            }
            Piece::Bytes => self.bytes()?,
            Piece::Packed => self.packed()?,
            Piece::Python => self.python()?,
            Piece::Struct => self.can_frame()?,
            Piece::State => {
                let state = u32::from_be_bytes(self.some()?);
                let is = |bits: u32| state & bits != 0;
                let state = match () {
                    () if is(0x10) => BusState::BusOff,
                    () if is(0x4_0000) => BusState::ErrorPassive,
                    () if is(0x08) => BusState::ErrorWarning,
                    () => BusState::ErrorActive,
                };
                self.read.error = Some(ErrorFrame::controller(state));
            }
            Piece::BusError => {
                let [_, place] = self.some()?;
                self.read.error = Some(ErrorFrame::broken(place));
            }
            Piece::Error(text) => {
                self.text(text)?;
                self.read.error = Some(ErrorFrame { class: 0, data: [0; 8] });
            }
            Piece::Other => self.at = self.line.len(),
        }
        Some(())
    }

    fn blanks(&mut self) {
        while self.line.get(self.at).is_some_and(|&b| b <= b' ') {
            self.at += 1;
        }
    }

    /// What stands before the next blank.
    fn word(&mut self) -> &'a [u8] {
        self.blanks();
        let rest = &self.line[self.at..];
        &rest[..rest.iter().position(|&b| b <= b' ').unwrap_or(rest.len())]
    }

    fn letters(&self) -> &'a [u8] {
        let rest = &self.line[self.at..];
        &rest[..rest.iter().position(|b| !b.is_ascii_alphabetic()).unwrap_or(rest.len())]
    }

    fn text(&mut self, text: &str) -> Option<()> {
        let rest = self.line[self.at..].strip_prefix(text.as_bytes())?;
        // A word is a whole one.
        let ends = text.as_bytes().last().is_some_and(u8::is_ascii_alphanumeric);
        if ends && rest.first().is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        self.at += text.len();
        Some(())
    }

    /// Digits with a point or without; what follows is no part of a word.
    fn decimal(&mut self) -> Option<&'a [u8]> {
        let rest = &self.line[self.at..];
        let end = rest.iter().position(|b| !b.is_ascii_digit() && *b != b'.').unwrap_or(rest.len());
        if !rest.first()?.is_ascii_digit() || rest.get(end).is_some_and(u8::is_ascii_alphabetic) {
            return None;
        }
        self.at += end;
        Some(&rest[..end])
    }

    fn clock(&mut self) -> Option<()> {
        let (taken, time) = time_of_day(&self.line[self.at..])?;
        let date = self.read.date.unwrap_or(0) * DAY.0;
        self.read.time = time.map(|time| Micros(date + time.0));
        self.at += taken;
        // The zone stays the same.
        match self.line.get(self.at..).unwrap_or_default() {
            [b'Z', ..] => self.at += 1,
            [b'+' | b'-', a, b, c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_digit) => self.at += 5,
            [b'+' | b'-', a, b, b':', c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_digit) => {
                self.at += 6;
            }
            _ => {}
        }
        Some(())
    }

    /// `@4000000065549e1a1e1fa3c4`: seconds and nanoseconds.
    fn tai(&mut self) -> Option<()> {
        let &[b'@', b'4', b'0', b'0', b'0', b'0', b'0', b'0', b'0', ref label @ ..] = &self.line[self.at..]
        else {
            return None;
        };
        let number = |text: &[u8]| hex_number(text).map(u64::from);
        let (seconds, nanos) = (number(label.get(..8)?)?, number(label.get(8..16)?)?);
        /// how far this clock was ahead in 1970
        const AHEAD: u64 = 10;
        self.read.time = Some(Micros(seconds.saturating_sub(AHEAD) * 1_000_000 + nanos / 1000));
        self.at += 25;
        Some(())
    }

    /// What follows the word for a CAN FD frame: an interface or none, identifier, direction, a length, data.
    fn flexible(&mut self, flags: u8) -> Option<()> {
        let mut before = [&[][..]; 2];
        let way = loop {
            let word = self.word();
            self.at += word.len().max(usize::from(self.at < self.line.len()));
            match way(word) {
                Some(way) => break way,
                None if word.is_empty() => return None,
                None => before = [before[1], word],
            }
        };
        let [channel, digits] = before;
        self.read.channel = core::str::from_utf8(channel).ok().filter(|name| !name.is_empty());
        self.read.way = Some(way);
        let id = identifier(hex_number(digits)?, digits.len() > 4)?;
        if self.word() == b"-" {
            self.blanks();
            self.at += 1;
        }
        _ = {
            self.blanks();
            self.decimal()?
        };
        let (mut data, mut count, mut rest) = ([0; 64], 0, &self.line[self.at..]);
        while let Some(value) = Base::Hexadecimal.byte(&mut rest) {
            *data.get_mut(count)? = value;
            count += 1;
        }
        self.at = self.line.len() - rest.len();
        self.read.flexible = Some(FdFrame::new(id, flags, data.get(..count)?)?);
        Some(())
    }

    fn id(&mut self, digits_tell: bool) -> Option<()> {
        let rest = &self.line[self.at..];
        let bare = rest.strip_prefix(b"0x").or_else(|| rest.strip_prefix(b"0X")).unwrap_or(rest);
        let prefix = rest.len() - bare.len();
        let digits = bare.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        if !(3..=8).contains(&digits) && prefix == 0
            || bare.get(digits).is_some_and(u8::is_ascii_alphanumeric)
        {
            return None;
        }
        let value = self.numbers.id.number(&rest[..prefix + digits])?;
        self.read.id = Some(value);
        // An announced width stands; a number of more than 11 bits has no other.
        let digits_tell = digits_tell && self.numbers.id == Base::Hexadecimal;
        let wide = value > 0x7FF || digits_tell && digits > 4;
        self.read.extended = Some(self.read.extended.unwrap_or(false) || wide);
        self.at += prefix + digits;
        Some(())
    }

    fn bytes(&mut self) -> Option<()> {
        let most = self.read.length.unwrap_or(8);
        self.read.count = 0;
        if most > 0 && matches!(self.word(), b"RTR" | b"Remote" | b"remote") {
            self.read.remote = true;
            return Some(());
        }
        let mut rest = &self.line[self.at..];
        while self.read.count < most {
            let Some(value) = self.numbers.data.byte(&mut rest) else { break };
            self.read.data[usize::from(self.read.count)] = value;
            self.read.count += 1;
        }
        self.at = self.line.len() - rest.len();
        let enough = match self.read.length {
            Some(length) => self.read.count == length,
            None => self.read.count > 0,
        };
        (enough || self.read.remote).then_some(())
    }

    /// So many bytes.
    fn some<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (mut bytes, mut rest) = ([0; N], &self.line[self.at..]);
        for place in &mut bytes {
            *place = Base::Hexadecimal.byte(&mut rest)?;
        }
        self.at = self.line.len() - rest.len();
        Some(bytes)
    }

    fn packed(&mut self) -> Option<()> {
        let word = self.word();
        let (data, count) = pairs(word)?;
        (self.read.data, self.read.count) = (data, count as u8);
        self.at += word.len();
        Some(())
    }

    fn python(&mut self) -> Option<()> {
        let &[b'b', quote @ (b'\'' | b'"'), ref text @ ..] = &self.line[self.at..] else { return None };
        let mut rest = text;
        self.read.count = 0;
        while rest.first() != Some(&quote) {
            let (value, after) = digits::unescape(rest)?;
            *self.read.data.get_mut(usize::from(self.read.count))? = value;
            self.read.count += 1;
            rest = after;
        }
        self.at = self.line.len() - rest.len();
        Some(())
    }

    fn can_frame(&mut self) -> Option<()> {
        let mut raw = [0; 16];
        let mut rest = &self.line[self.at..];
        for place in &mut raw {
            *place = Base::Hexadecimal.byte(&mut rest)?;
        }
        self.at = self.line.len() - rest.len();
        let [a, b, c, d, length, _, _, _, data @ ..] = raw;
        let id = u32::from_le_bytes([a, b, c, d]);
        (self.read.extended, self.read.remote) = (Some(id >> 31 & 1 == 1), id >> 30 & 1 == 1);
        (self.read.length, self.read.count, self.read.data) =
            (Some(length).filter(|&l| l <= 8), length, data);
        self.read.length?;
        // An error frame of this form has no row.
        (id >> 29 & 1 == 0).then_some(())?;
        self.read.id = Some(id & 0x1FFF_FFFF);
        Some(())
    }
}

pub(super) fn way(word: &[u8]) -> Option<Direction> {
    /// received and sent, in UTF-8 and in GBK
    const RECEIVED: [&[u8]; 5] = [b"rx", b"r", b"receive", "接收".as_bytes(), b"\xBD\xD3\xCA\xD5"];
    const SENT: [&[u8]; 5] = [b"tx", b"t", b"transmit", "发送".as_bytes(), b"\xB7\xA2\xCB\xCD"];
    let is = |words: &[&[u8]]| words.iter().any(|other| word.eq_ignore_ascii_case(other));
    if is(&RECEIVED) { Some(Direction::Received) } else { is(&SENT).then_some(Direction::Sent) }
}

/// Words for the width of an identifier, in lower case, in UTF-8 and in GBK: 29 bits, a remote frame.
const WIDTHS: [(&[u8], bool, bool); 22] = [
    (b"s", false, false),
    (b"std", false, false),
    (b"standard", false, false),
    (b"sff", false, false),
    (b"standard frame", false, false),
    (b"false", false, false),
    (b"0", false, false),
    ("标准帧".as_bytes(), false, false),
    (b"\xB1\xEA\xD7\xBC\xD6\xA1", false, false),
    (b"x", true, false),
    (b"e", true, false),
    (b"ext", true, false),
    (b"xtd", true, false),
    (b"eff", true, false),
    (b"extended frame", true, false),
    (b"extended", true, false),
    (b"true", true, false),
    (b"1", true, false),
    ("扩展帧".as_bytes(), true, false),
    (b"\xC0\xA9\xD5\xB9\xD6\xA1", true, false),
    (b"sr", false, true),
    (b"xr", true, true),
];

/// Whether a word stands for 29 bits, and for a remote frame.
pub(super) fn width(word: &[u8]) -> Option<(bool, bool)> {
    let found = WIDTHS.iter().find(|(other, ..)| word.eq_ignore_ascii_case(other));
    found.map(|(_, extended, remote)| (*extended, *remote))
}

/// `10:34:25.782`, also with a comma or a colon before the fraction: how long it is, and the time since midnight, where
/// it has a fraction.
pub(super) fn time_of_day(text: &[u8]) -> Option<(usize, Option<Micros>)> {
    let &[h1, h2, b':', m1, m2, b':', s1, s2, ref rest @ ..] = text else { return None };
    let two = |tens: u8, ones: u8, below: u64| {
        let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
        digits.then(|| u64::from(tens - b'0') * 10 + u64::from(ones - b'0')).filter(|&value| value < below)
    };
    let whole = (two(h1, h2, 24)? * 60 + two(m1, m2, 60)?) * 60 + two(s1, s2, 61)?;
    let fraction = match rest {
        [b'.' | b',' | b':', fraction @ ..] => fraction,
        _ => &[],
    };
    let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 || digits > 9 {
        return (!rest.first().is_some_and(u8::is_ascii_alphanumeric)).then_some((8, None));
    }
    let place = |n: usize| fraction[..digits].get(n).map_or(0, |d| u64::from(d - b'0'));
    let micros = (0..6).fold(0, |sum, n| sum * 10 + place(n));
    Some((9 + digits, Some(Micros(whole * 1_000_000 + micros))))
}

/// The time of day that stands near the beginning of a line, where it has a fraction.
pub(super) fn clock_of(line: &[u8]) -> Option<Micros> {
    (0..line.len().min(24)).find_map(|at| time_of_day(&line[at..]))?.1
}

pub(super) fn find(line: &[u8], text: &[u8]) -> Option<usize> {
    let (&first, rest) = text.split_first()?;
    let mut from = 0;
    loop {
        let at = from + line.get(from..)?.iter().position(|&byte| byte == first)?;
        from = at + 1;
        if line[from..].starts_with(rest) {
            return Some(at);
        }
    }
}
