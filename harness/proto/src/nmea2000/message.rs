//! A message and what its fields say.

use core::fmt;

use super::table::{Count, Field, Kind, Pgn, pgn};
use super::{Id, VICTRON};
use crate::vedirect::{Raw, Register};

/// The most bytes of a message.
pub const LONGEST: usize = 223;

/// A message, in one frame or put together from several.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// who sends what to whom
    pub id: Id,
    len: u8,
    data: [u8; LONGEST],
}

/// What a field says.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// a number in the unit of the field
    Number(f64),
    /// a code, and its word where that is known
    Word(u32, Option<&'static str>),
    /// a text without its padding
    Text(String),
    /// the device does not have it
    Unavailable,
    /// it is beyond what can be sent, or in error
    OutOfRange,
}

/// A field of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// its name
    pub name: &'static str,
    /// which of several of the same, from 1; 0 where there is one
    pub index: u8,
    /// the unit of a number
    pub unit: &'static str,
    /// what it says
    pub value: Value,
}

/// The PGN of Victron's registers.
const REGISTER: u32 = 61_184;

impl Message {
    pub(super) const fn empty(id: Id, len: u8) -> Self {
        Self { id, len, data: [0xFF; LONGEST] }
    }

    /// A message; nothing of more than 223 bytes.
    #[must_use]
    pub fn new(id: Id, data: &[u8]) -> Option<Self> {
        let len = u8::try_from(data.len()).ok().filter(|&len| usize::from(len) <= LONGEST)?;
        let mut message = Self::empty(id, len);
        message.fill(0, data);
        Some(message)
    }

    pub(super) fn fill(&mut self, at: usize, data: &[u8]) {
        self.data[at..at + data.len()].copy_from_slice(data);
    }

    /// Its bytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data[..usize::from(self.len)]
    }

    /// The row of the table; nothing of a PGN that is not in it.
    #[must_use]
    pub fn row(&self) -> Option<&'static Pgn> {
        pgn(self.id.pgn)
    }

    /// The fields that it is long enough for, in the order of the table, reserved bits left out.
    pub fn fields(&self) -> impl Iterator<Item = Told> {
        let row = self.row();
        let one = row.into_iter().flat_map(|row| row.fields).map(|field| (field, 0_usize, 0_u8));
        let many = row.and_then(|row| row.group.as_ref()).into_iter().flat_map(|group| {
            let count = match group.count {
                Count::Fixed(count) => count,
                Count::Byte(at) => {
                    self.data().get(at).copied().filter(|&count| count != u8::MAX).unwrap_or(0)
                }
            };
            (0..count).flat_map(move |k| {
                group.fields.iter().map(move |field| (field, group.at + usize::from(k) * group.bits, k + 1))
            })
        });
        let is_j1939 = row.is_some_and(|row| row.is_j1939);
        let fields = one.chain(many).filter_map(move |(field, at, index)| {
            let value = self.value(field, at, is_j1939)?;
            Some(Told { name: field.name, index, unit: field.unit, value })
        });
        fields.chain(self.register().and_then(|(register, value)| Self::told(register, value)))
    }

    /// A field by its name, the first of several.
    #[must_use]
    pub fn value_of(&self, name: &str) -> Option<Value> {
        self.fields().find(|field| field.name == name).map(|field| field.value)
    }

    /// A number by its name.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.value_of(name)? {
            Value::Number(value) => Some(value),
            Value::Word(code, _) => Some(code.into()),
            _ => None,
        }
    }

    /// A Victron register in the proprietary PGN: its number, and its value with the low byte first.
    #[must_use]
    pub fn register(&self) -> Option<(u16, &[u8])> {
        let [maker_low, maker_high, low, high, ref value @ ..] = *self.data() else { return None };
        let is_victron = u16::from_le_bytes([maker_low, maker_high]) & 0x7FF == VICTRON;
        (self.id.pgn == REGISTER && is_victron).then_some((u16::from_le_bytes([low, high]), value))
    }

    /// The number in a register, which stands in the first bytes of the four.
    #[must_use]
    pub fn register_number(register: &Register, value: &[u8]) -> Option<f64> {
        register.number(value.get(..register.raw.bytes().unwrap_or(value.len()))?)
    }

    fn told(register: u16, value: &[u8]) -> Option<Told> {
        let row = Register::of(register).filter(|row| row.raw != Raw::Text)?;
        let value = Self::register_number(row, value).map_or(Value::Unavailable, Value::Number);
        Some(Told { name: row.meaning, index: 0, unit: row.unit, value })
    }

    /// The bits of a field that begins at a place of its own within a group.
    fn value(&self, field: &Field, group: usize, is_j1939: bool) -> Option<Value> {
        let (at, bits) = (group + field.at, field.bits);
        if let Kind::Text = field.kind {
            let text = self.data().get(at / 8..(at + bits) / 8)?;
            return Some(Value::Text(unpadded(text)));
        }
        let raw = self.bits(at, bits)?;
        let ones = u64::MAX >> (64 - bits);
        Some(match field.kind {
            Kind::Word(words) => match words.iter().find(|(code, _)| u64::from(*code) == raw) {
                Some((code, word)) => Value::Word(*code, Some(word)),
                None if raw == ones => Value::Unavailable,
                None => Value::Word(raw as u32, None),
            },
            Kind::Code => Value::Word(raw as u32, None),
            Kind::Number { signed, offset, mul, per } => {
                let (missing, wrong) = match (is_j1939, signed) {
                    (true, _) => (raw >> (bits - 8) == 0xFF, raw >> (bits - 8) >= 0xFB),
                    (false, true) => (raw == ones >> 1, raw == (ones >> 1) - 1),
                    (false, false) => (raw == ones, raw == ones - 1),
                };
                if missing {
                    return Some(Value::Unavailable);
                } else if wrong {
                    return Some(Value::OutOfRange);
                }
                let raw = if signed { (raw << (64 - bits)) as i64 >> (64 - bits) } else { raw as i64 };
                Value::Number((raw + offset) as f64 * f64::from(mul) / f64::from(per))
            }
            Kind::Text => return None,
        })
    }

    /// Some bits, the low ones first; nothing beyond the end.
    fn bits(&self, at: usize, count: usize) -> Option<u64> {
        let bytes = self.data().get(at / 8..(at + count).div_ceil(8))?;
        let all = bytes.iter().rev().fold(0_u64, |all, &byte| all << 8 | u64::from(byte));
        Some(all >> (at % 8) & u64::MAX >> (64 - count))
    }
}

/// A text of fixed length up to its end, without what fills it: zeros, ones, `@` or blanks.
fn unpadded(text: &[u8]) -> String {
    let end = text.iter().position(|&byte| matches!(byte, 0 | 0xFF)).unwrap_or(text.len());
    let text = String::from_utf8_lossy(&text[..end]);
    crate::text::plain(text.trim_end_matches(['@', ' '])).into_owned()
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ", self.id)?;
        self.data().iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}
