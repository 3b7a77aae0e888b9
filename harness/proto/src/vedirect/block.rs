//! A block of text: records of label and value under one sum.

use core::fmt;

use super::label::{Label, Value};

/// The records of a block, in their order, without the one that holds the sum.
#[derive(Clone)]
pub struct Block {
    text: [u8; Self::LONGEST],
    len: usize,
    /// where the last record begins
    record: usize,
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// its label as sent, such as `V`
    pub name: &'a [u8],
    /// its value as sent, such as `26201`
    pub value: &'a [u8],
}

/// What a value says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Said<'a> {
    /// a number in the unit of its label
    Number(f64),
    /// `ON` or `OFF`
    Flag(bool),
    /// a code, a mask of bits or a product id
    Word(u32),
    /// a text
    Text(&'a str),
    /// `---`: the instrument does not know it
    Unknown,
}

impl Block {
    /// Blocks of instruments have 96 to 179 bytes; what is longer than this is none.
    pub const LONGEST: usize = 512;

    pub(super) const fn new() -> Self {
        Self { text: [0; Self::LONGEST], len: 0, record: 0 }
    }

    pub(super) fn clear(&mut self) {
        (self.len, self.record) = (0, 0);
    }

    /// Adds a byte of the record at hand; false where there is no room.
    pub(super) fn add(&mut self, byte: u8) -> bool {
        let place = self.text.get_mut(self.len);
        if let Some(place) = place {
            *place = byte;
            self.len += 1;
            return true;
        }
        false
    }

    /// The record at hand, as far as it came.
    pub(super) fn record(&self) -> &[u8] {
        &self.text[self.record..self.len]
    }

    /// Begins the next record.
    pub(super) fn next(&mut self) -> bool {
        let is_room = self.add(b'\n');
        self.record = self.len;
        is_room
    }

    /// Drops the record at hand.
    pub(super) fn drop_record(&mut self) {
        self.len = self.record;
    }

    /// The records, in their order.
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.text[..self.len].split(|&byte| byte == b'\n').filter_map(|record| {
            let tab = record.iter().position(|&byte| byte == b'\t')?;
            Some(Field { name: &record[..tab], value: &record[tab + 1..] })
        })
    }

    /// The value of a label, in whatever case that was sent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Field<'_>> {
        self.fields().find(|field| field.name.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// What the value of a label says; nothing where it was not sent or cannot be read.
    #[must_use]
    pub fn said(&self, name: &str) -> Option<Said<'_>> {
        self.get(name)?.said()
    }

    /// A number in the unit of its label.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.said(name)? {
            Said::Number(value) => Some(value),
            _ => None,
        }
    }

    /// Whether a label stands twice: two blocks ran together where bytes were lost.
    pub(super) fn has_twins(&self) -> bool {
        self.fields()
            .enumerate()
            .any(|(k, field)| self.fields().take(k).any(|other| other.name.eq_ignore_ascii_case(field.name)))
    }
}

impl<'a> Field<'a> {
    /// What is known of its label.
    #[must_use]
    pub fn label(&self) -> Option<&'static Label> {
        Label::of(self.name)
    }

    /// What it says; nothing where the label is unknown or the value is not of its kind.
    #[must_use]
    pub fn said(&self) -> Option<Said<'a>> {
        let text = core::str::from_utf8(self.value).ok()?;
        if text == "---" {
            return Some(Said::Unknown);
        }
        Some(match self.label()?.value {
            Value::Number { per, .. } => {
                let raw: i32 = text.parse().ok()?;
                Said::Number(f64::from(raw) / f64::from(per))
            }
            Value::Code | Value::Bits => Said::Word(text.parse().ok().or_else(|| hexadecimal(text))?),
            Value::Hexadecimal => Said::Word(hexadecimal(text)?),
            Value::Flag if text.eq_ignore_ascii_case("ON") => Said::Flag(true),
            Value::Flag if text.eq_ignore_ascii_case("OFF") => Said::Flag(false),
            Value::Flag => return None,
            Value::Text => Said::Text(text),
        })
    }
}

/// `0x203`; up to 8 digits.
fn hexadecimal(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    // `from_str_radix` takes a sign.
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.text[..self.len] == other.text[..other.len]
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        f.debug_map().entries(self.fields().map(|field| (text(field.name), text(field.value)))).finish()
    }
}
