//! Fields without knowledge of their message: for printers, databases and comparisons.

use core::fmt;

use super::Pair;
use super::layout::{FieldSpec, Form, MessageSpec, WireType};
use super::payload::{Payload, Text8};
use crate::frame::Frame;
use crate::quantity::{AmpHours, Amps, Celsius, Percent, Volts, WattHours};

/// Every field of the document that a frame carries; none for an identifier that the document does not know.
pub fn fields(frame: &Frame) -> impl Iterator<Item = Field> + use<> {
    let payload = Payload::of(frame);
    let specs = MessageSpec::of(frame.id()).map_or(&[][..], |message| message.fields);
    specs.iter().filter_map(move |spec| spec.read(payload))
}

/// One field of one frame.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// its row in the table: name, label, unit
    pub spec: &'static FieldSpec,
    /// what the frame says
    pub value: Value,
}

/// What a field of a frame says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// a number in the unit of the field
    Number(f64),
    /// the raw value that means "not supported" or "unused"
    Unsupported(u32),
    /// a firmware version
    Firmware(Firmware),
    /// yes or no
    Flag(bool),
    /// a pair of bits of 0x35A
    Pair(Pair),
    /// a text, as sent
    Text(Text8),
    /// a fixed pattern, as sent
    Bytes(Payload),
}

/// A firmware version as 0x35F carries it, most significant byte first: `01 17` is 1.23.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Firmware {
    /// byte 2 of 0x35F
    pub major: u8,
    /// byte 3 of 0x35F
    pub minor: u8,
}

/// `1.23`
impl fmt::Display for Firmware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FieldSpec {
    /// What a payload says in this field, or nothing when it is too short.
    pub(super) fn read(&'static self, payload: Payload) -> Option<Field> {
        let raw = match self.wire {
            WireType::Un8 => i64::from(take::<u8>(payload, self.byte, self.wire)?),
            WireType::Un16 | WireType::Un16Be => i64::from(take::<u16>(payload, self.byte, self.wire)?),
            WireType::Sn16 => i64::from(take::<i16>(payload, self.byte, self.wire)?),
            WireType::Un32 => i64::from(take::<u32>(payload, self.byte, self.wire)?),
            WireType::Pair => i64::from(take::<u8>(payload, self.byte, self.wire)? >> self.bit),
            WireType::String8 | WireType::Bytes8 => 0,
        };
        let unsupported = self.absent.iter().find(|&&absent| i64::from(absent) == raw);
        let value = match (unsupported, self.form) {
            (Some(&raw), _) => Value::Unsupported(raw),
            (_, Form::Number) => Value::Number(self.scale.value(raw)),
            (_, Form::Firmware) => Value::Firmware(Meaning::of(self.scale.value(raw))),
            (_, Form::Flag) => Value::Flag(Meaning::of(self.scale.value(raw))),
            (_, Form::Pair) => Value::Pair(Pair::from_bits(raw as u8)),
            (_, Form::Text) => Value::Text(Text8::of(payload)),
            (_, Form::Bytes) => Value::Bytes(payload),
        };
        Some(Field { spec: self, value })
    }
}

/// The value with its unit, in full and no further: `58.4 V`, `1.23`, `OK`.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Value::Number(number) => {
                write!(f, "{number:.*}", self.spec.scale.decimals())?;
                if self.spec.unit.is_empty() { Ok(()) } else { write!(f, " {}", self.spec.unit) }
            }
            Value::Unsupported(raw) => write!(f, "not supported ({raw:#X})"),
            Value::Firmware(version) => version.fmt(f),
            Value::Flag(flag) => f.write_str(if flag { "yes" } else { "no" }),
            Value::Pair(pair) => pair.fmt(f),
            Value::Text(text) => text.fmt(f),
            Value::Bytes(bytes) => bytes.fmt(f),
        }
    }
}

/// A kind of value that a number of the table can stand for.
pub(super) trait Meaning {
    const UNIT: &'static str;
    const FORM: Form;
    fn of(number: f64) -> Self;
    fn number(self) -> f64;
}

macro_rules! quantities {
    ($( $quantity:ident )+) => { $(
        impl Meaning for $quantity {
            const UNIT: &'static str = $quantity::UNIT;
            const FORM: Form = Form::Number;
            #[inline]
            fn of(number: f64) -> Self { Self(number) }
            #[inline]
            fn number(self) -> f64 { self.0 }
        }
    )+ };
}
quantities! { Volts Amps Celsius Percent AmpHours WattHours }

/// A count, or a number without a unit.
impl Meaning for u16 {
    const UNIT: &'static str = "";
    const FORM: Form = Form::Number;
    #[inline]
    fn of(number: f64) -> Self {
        number as Self
    }
    #[inline]
    fn number(self) -> f64 {
        f64::from(self)
    }
}

/// The force charge byte: 0xFF means yes, any other value no (P 2 §0x360).
impl Meaning for bool {
    const UNIT: &'static str = "";
    const FORM: Form = Form::Flag;
    fn of(number: f64) -> Self {
        number as u8 == 0xFF
    }
    fn number(self) -> f64 {
        if self { 255.0 } else { 0.0 }
    }
}

impl Meaning for Firmware {
    const UNIT: &'static str = "";
    const FORM: Form = Form::Firmware;
    fn of(number: f64) -> Self {
        let [major, minor] = (number as u16).to_be_bytes();
        Self { major, minor }
    }
    fn number(self) -> f64 {
        f64::from(u16::from_be_bytes([self.major, self.minor]))
    }
}

/// An integer of the wire.
pub(super) trait RawInt: Copy {
    const BYTES: u8;
    fn from_low_bits(word: u64) -> Self;
    fn low_bits(self) -> u64;
    fn swapped(self) -> Self;
    fn saturated(raw: i64) -> Self;
}

macro_rules! raw_ints {
    ($( $int:ident as $unsigned:ident )+) => { $(
        impl RawInt for $int {
            const BYTES: u8 = size_of::<$int>() as u8;
            #[inline]
            fn from_low_bits(word: u64) -> Self { word as Self }
            #[inline]
            fn low_bits(self) -> u64 { u64::from(self as $unsigned) }
            #[inline]
            fn swapped(self) -> Self { self.swap_bytes() }
            #[inline]
            fn saturated(raw: i64) -> Self { raw.clamp(i64::from(Self::MIN), i64::from(Self::MAX)) as Self }
        }
    )+ };
}
raw_ints! { u8 as u8 u16 as u16 i16 as u16 u32 as u32 }

/// The integer at a byte, or nothing when the payload ends before it does.
#[inline]
pub(super) fn take<T: RawInt>(payload: Payload, at: u8, wire: WireType) -> Option<T> {
    let raw = T::from_low_bits(payload.word() >> (8 * u32::from(at)));
    (payload.len() >= at + T::BYTES).then_some(if wire == WireType::Un16Be { raw.swapped() } else { raw })
}

/// Puts integers together to a payload that ends before the first absent one.
#[derive(Default)]
pub(super) struct Builder {
    word: u64,
    len: u8,
    ended: bool,
}

impl Builder {
    #[inline]
    pub(super) fn put<T: RawInt>(&mut self, raw: Option<T>, at: u8, wire: WireType) {
        let (Some(raw), false) = (raw, self.ended) else {
            self.ended = true;
            return;
        };
        let raw = if wire == WireType::Un16Be { raw.swapped() } else { raw };
        self.word |= raw.low_bits() << (8 * u32::from(at));
        self.len = at + T::BYTES;
    }

    pub(super) const fn payload(&self) -> Payload {
        Payload::from_word(self.word, self.len)
    }
}
