//! A console whose form nobody knows: a line that ends in data bytes behind an identifier, with words between that programs
//! put there, is a frame. It is tried where no form that is known reads anything.

use super::cursor::{identifier, pairs, two_digits};
use super::numbers::Numbers;
use super::pattern::{clock_of, find};
use super::{Parsed, Reader, Stamp};
use crate::candump::{Content, Expected, LineError};
use crate::frame::Frame;

/// Words between identifier and data, in lower case.
const WORDS: [&[u8]; 18] = [
    b"data", b"hex", b"buffer", b"buf", b"dlc", b"len", b"length", b"size", b"payload", b"bytes", b"rx",
    b"tx", b"std", b"ext", b"rtr", b"false", b"l", b"d",
];

/// How an identifier may be announced, in lower case; `0x` before it says enough.
const NAMES: [&[u8]; 5] = [b"id", b"canid", b"can_id", b"can-id", b"identifier"];

pub(super) fn parse(line: &[u8], numbers: Numbers) -> Result<Parsed<'_>, LineError> {
    match read(line, numbers) {
        Some(parsed) => Ok(parsed),
        // Consoles say much else.
        None if find(line, b"0x").is_none() => Ok(Parsed::Nothing),
        None => Err(LineError::new(line, 0, Expected::AnyFrame)),
    }
}

/// A piece of the line between what separates.
#[derive(Clone, Copy)]
struct Token<'a> {
    text: &'a [u8],
    at: usize,
}

fn read(line: &[u8], numbers: Numbers) -> Option<Parsed<'_>> {
    let mut named = false;
    let mut found = None;
    let mut rest = Some(Token { text: &line[..0], at: 0 });
    // The first identifier behind which nothing but announced words and bytes stands.
    while let Some(token) = rest {
        let next = token_from(line, token.at + token.text.len());
        if let Some(id) = id(token.text, named, numbers)
            && let Some(frame) = frame(line, token, id, numbers)
        {
            found = Some(frame);
            break;
        }
        if !token.text.is_empty() {
            named = NAMES.iter().any(|name| token.text.eq_ignore_ascii_case(name));
        }
        rest = next;
    }
    Some(Parsed::Frame(
        clock_of(line).map_or(Stamp::Absent, Stamp::At),
        Reader::UNNAMED,
        None,
        Content::Data(found?),
    ))
}

fn token_from(line: &[u8], from: usize) -> Option<Token<'_>> {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.') || *b >= 0x80;
    let start = from + line.get(from..)?.iter().position(is_part)?;
    let length = line[start..].iter().position(|b| !is_part(b)).unwrap_or(line.len() - start);
    Some(Token { text: &line[start..start + length], at: start })
}

fn id(text: &[u8], named: bool, numbers: Numbers) -> Option<u32> {
    let bare = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X"));
    let digits = bare.or(named.then_some(text))?;
    numbers.id.number(text).filter(|_| digits.len() >= 3)
}

fn frame(line: &[u8], id: Token<'_>, number: u32, numbers: Numbers) -> Option<Frame> {
    let mut at = id.at + id.text.len();
    let (mut announced, mut length) = (false, None);
    loop {
        let token = token_from(line, at)?;
        let is_name = line.get(token.at + token.text.len()) == Some(&b'=');
        let known = is_name || WORDS.iter().any(|word| token.text.eq_ignore_ascii_case(word));
        let is_length = matches!(token.text, [b'0'..=b'8']) && length.is_none();
        if known {
            announced = matches!(
                token.text.to_ascii_lowercase().as_slice(),
                b"dlc" | b"len" | b"length" | b"size" | b"l"
            );
        } else if is_length
            && (announced
                || matches!(line.get(token.at.wrapping_sub(1)), Some(b'[' | b'('))
                || counts(line, token, numbers))
        {
            length = Some(usize::from(token.text[0] - b'0'));
            announced = false;
        } else {
            at = token.at;
            break;
        }
        at = token.at + token.text.len();
    }
    let mut rest = &line[at..];
    let (mut data, mut count) = ([0; 8], 0);
    let first = token_from(line, at)?;
    if let Some((bytes, together)) = together(first.text, length, &line[first.at + first.text.len()..]) {
        (data, count, rest) = (bytes, together, &line[first.at + first.text.len()..]);
    }
    while count < length.unwrap_or(8) {
        let Some(value) = numbers.data.byte(&mut rest) else { break };
        data[count] = value;
        count += 1;
    }
    let whole = length.is_none_or(|length| length == count)
        && count > 0
        && numbers.data.byte(&mut { rest }).is_none()
        && !goes_on(rest, length.is_some() || count == 8);
    // Nobody knows whether the digits of an unknown program tell the width.
    Frame::new(identifier(number, number > 0x7FF)?, data.get(..count).filter(|_| whole)?)
}

/// Bytes that are written as one: pairs of digits, behind `0x` or not, or with points between them and their number behind
/// them, as ESPHome's own printer of bytes has it. What may be a number instead has to be announced.
fn together(word: &[u8], length: Option<usize>, after: &[u8]) -> Option<([u8; 8], usize)> {
    let bare = word.strip_prefix(b"0x").or_else(|| word.strip_prefix(b"0X"));
    if let Some((data, count)) = pairs(bare.unwrap_or(word)).filter(|(_, count)| *count >= 2) {
        let is_sure = length == Some(count) || count == 8 || length.is_none() && bare.is_none();
        return is_sure.then_some((data, count));
    }
    let mut data = [0; 8];
    let mut count = 0;
    for part in word.split(|&b| b == b'.') {
        *data.get_mut(count)? = two_digits(part)?;
        count += 1;
    }
    let is_told = length == Some(count)
        || matches!(after, [b' ', b'(', digit, b')', ..] if usize::from(digit.wrapping_sub(b'0')) == count);
    (count >= 3 || count == 2 && is_told).then_some((data, count))
}

/// Whether data seem to go on where they were taken to end: nobody knows the form, so that they may be other numbers.
fn goes_on(rest: &[u8], is_counted: bool) -> bool {
    let Some(next) = token_from(rest, 0) else { return false };
    let beside = rest[..next.at].iter().all(|b| matches!(b, b' ' | b'\t' | b',' | b'-' | b';'));
    let is_byte = two_digits(next.text.strip_prefix(b"0x").unwrap_or(next.text)).is_some();
    is_byte && (beside || !is_counted)
}

/// Whether a digit counts the bytes behind it, each of which has two digits: `8 48 02 00 05 00 05 AE 01`.
fn counts(line: &[u8], digit: Token<'_>, numbers: Numbers) -> bool {
    let mut rest = &line[digit.at + 1..];
    // `8, { 0x48, 0x02 }`
    rest = &rest[rest
        .iter()
        .position(|b| !matches!(b, b' ' | b',' | b':' | b'{' | b'[' | b'(' | b')'))
        .unwrap_or(0)..];
    let (mut count, length) = (0, usize::from(digit.text[0] - b'0'));
    if token_from(rest, 0).is_some_and(|token| together(token.text, Some(length), &[]).is_some()) {
        return true;
    }
    loop {
        let before = rest.len();
        match numbers.data.byte(&mut rest) {
            // Two digits, and what separates them from the byte before.
            Some(_) if before - rest.len() >= 2 + usize::from(count > 0) => count += 1,
            Some(_) => return false,
            None => return count == length && count > 0,
        }
    }
}
