//! What a row of the document's tables says, and the macros that make types of the rows.

use crate::rounding::round;

/// One message of the document.
#[derive(Debug)]
pub struct MessageSpec {
    /// 11-bit identifier
    pub id: u16,
    /// name of the message and its type, such as `StateOfCharge`
    pub name: &'static str,
    /// the same in words
    pub title: &'static str,
    /// who sends it
    pub sender: Sender,
    /// Data bytes that it must at least have. Fields behind them are optional, and so is the padding of a text.
    pub required: u8,
    /// its fields in the order of the document
    pub fields: &'static [FieldSpec],
}

/// Who sends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// the battery management system (P 2)
    Battery,
    /// the GX (P 3)
    Gx,
}

/// One field of a message.
#[derive(Debug)]
pub struct FieldSpec {
    /// name of the field and its accessor, such as `cvl`
    pub name: &'static str,
    /// the document's name for it
    pub label: &'static str,
    /// first byte
    pub byte: u8,
    /// first bit within that byte; zero for all but the pairs of 0x35A
    pub bit: u8,
    /// data type
    pub wire: WireType,
    /// from the raw integer to the unit
    pub scale: Scale,
    /// unit of the scaled value; empty for counts and texts
    pub unit: &'static str,
    /// raw values that mean "not supported" or "unused"
    pub absent: &'static [u32],
    pub(super) form: Form,
}

/// How a field is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Number,
    Firmware,
    Flag,
    Pair,
    Text,
    Bytes,
}

/// Data types as the document names them; little-endian unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireType {
    /// unsigned, 8 bits
    Un8,
    /// unsigned, 16 bits
    Un16,
    /// signed, 16 bits
    Sn16,
    /// unsigned, 32 bits
    Un32,
    /// unsigned, 16 bits, most significant byte first (only the firmware version of 0x35F)
    Un16Be,
    /// two bits of 0x35A
    Pair,
    /// up to 8 characters
    String8,
    /// a fixed pattern of 8 bytes
    Bytes8,
}

impl WireType {
    /// How many bits it takes in the frame.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Pair => 2,
            Self::Un8 => 8,
            Self::Un16 | Self::Sn16 | Self::Un16Be => 16,
            Self::Un32 => 32,
            Self::String8 | Self::Bytes8 => 64,
        }
    }
}

/// Exact decimal scaling, value = (raw × numerator − shift) / denominator: 584 × 0.1 is 58.4 and not 58.400000000000006.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    numerator: i64,
    shift: i64,
    denominator: i64,
}

impl Scale {
    /// value = raw × `factor` − `shift`, both with at most three decimals.
    pub(crate) const fn of(factor: f64, shift: f64) -> Self {
        let mut denominator = 1;
        loop {
            let d = denominator as f64;
            let (numerator, shifted) = ((factor * d + 0.5) as i64, (shift * d + 0.5) as i64);
            if near(factor * d, numerator) && near(shift * d, shifted) {
                return Self { numerator, shift: shifted, denominator };
            }
            assert!(denominator < 1000, "a scale of the table has at most three decimals");
            denominator *= 10;
        }
    }

    /// The scaled value of a raw integer.
    #[must_use]
    pub const fn value(self, raw: i64) -> f64 {
        (raw * self.numerator - self.shift) as f64 / self.denominator as f64
    }

    /// The nearest raw integer; the caller saturates it to its type. Not a number gives zero.
    #[must_use]
    #[inline]
    pub fn raw(self, value: f64) -> i64 {
        // A float that is out of range saturates in the conversion.
        round((value * self.denominator as f64 + self.shift as f64) / self.numerator as f64) as i64
    }

    /// What one raw step is worth, in the unit.
    #[must_use]
    pub const fn factor(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// The value of raw zero, in the unit.
    #[must_use]
    pub const fn offset(self) -> f64 {
        -self.shift as f64 / self.denominator as f64
    }

    /// Decimals that show the value in full.
    #[must_use]
    pub const fn decimals(self) -> usize {
        self.denominator.ilog10() as usize
    }
}

const fn near(x: f64, whole: i64) -> bool {
    let d = x - whole as f64;
    -1e-6 < d && d < 1e-6
}

/// Makes of the document's rows the identifiers, the typed messages, and the table that generic readers use.
macro_rules! messages {
    ($( $id:literal $CONST:ident $Name:ident from $sender:ident, needs $needs:literal, $title:literal $body:tt )+) => {
        /// The identifiers of the document, by name.
        pub mod id {
            $( #[doc = concat!(stringify!($id), ": ", $title, ".")] pub const $CONST: u16 = $id; )+
        }

        $( message_struct! { $id $Name $title $body } )+

        /// A message of the document, with its content.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Message {
            $( #[doc = concat!(stringify!($id), ": ", $title, ".")] $Name(content_type!($Name $body)), )+
        }

        /// Every message of the document, in the order of their identifiers.
        pub static TABLE: &[MessageSpec] = &[ $( MessageSpec {
            id: $id,
            name: stringify!($Name),
            title: $title,
            sender: Sender::$sender,
            required: $needs,
            fields: field_specs!($body),
        }, )+ ];

        /// Where a message stands in the table.
        enum Row { $( $Name, )+ }

        impl Message {
            /// The message in a frame; nothing for an identifier that is not in the document. A frame that is too
            /// short for a field is a message without that field.
            #[must_use]
            #[inline(always)]
            pub fn decode(frame: &Frame) -> Option<Self> {
                let CanId::Standard(id) = frame.id() else { return None };
                let payload = Payload::of(frame);
                Some(match id {
                    $( $id => Self::$Name(content_read!($Name $body, payload)), )+
                    _ => return None,
                })
            }

            /// Its identifier.
            #[must_use]
            pub const fn id(&self) -> u16 {
                match self { $( Self::$Name(_) => $id, )+ }
            }

            /// Its row in the table.
            #[must_use]
            pub fn spec(&self) -> &'static MessageSpec {
                match self { $( Self::$Name(_) => &TABLE[Row::$Name as usize], )+ }
            }

            #[inline]
            pub(super) fn payload(&self) -> Payload {
                match *self { $( Self::$Name(content) => content_payload!($body, content), )+ }
            }
        }
    };
}

/// The struct of a message that is a row of numbers; texts, pairs and patterns have types of their own.
macro_rules! message_struct {
    ($id:literal $Name:ident $title:literal { $( $at:literal $field:ident: $wire:ident * $scale:literal $(- $shift:literal)?
        => $value:ty $(, absent $absent:tt)?, $label:literal; )+ }) => {
        #[doc = concat!($title, " (P 2 §", stringify!($id), ").")]
        ///
        /// Fields are the integers of the wire, absent where a frame is too short for them; methods of the same
        /// names give the quantities.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $Name {
            $(
                #[doc = concat!($label, ": ", stringify!($wire), ", one step is ", stringify!($scale), ".")]
                pub $field: Option<raw_type!($wire)>,
            )+
        }

        impl $Name {
            /// With every field, rounded to the step of the wire and held within its range.
            #[must_use]
            #[inline]
            pub fn new($( $field: $value ),+) -> Self {
                Self { $( $field: Some(RawInt::saturated(
                    const { Scale::of($scale as f64, 0.0 $( + $shift )?) }.raw(Meaning::number($field)),
                )) ),+ }
            }

            $(
                #[doc = concat!($label, "; nothing where it was not sent"
                    $( , " or is one of `", stringify!($absent), "`" )?, ".")]
                #[must_use]
                #[inline]
                pub fn $field(&self) -> Option<$value> {
                    let raw = i64::from(self.$field?);
                    $( if $absent.contains(&raw) { return None; } )?
                    Some(Meaning::of(const { Scale::of($scale as f64, 0.0 $( + $shift )?) }.value(raw)))
                }
            )+

            #[inline]
            fn read(payload: Payload) -> Self {
                Self { $( $field: take(payload, $at, wire_type!($wire)) ),+ }
            }

            #[inline]
            fn payload(self) -> Payload {
                let mut out = Builder::default();
                $( out.put(self.$field, $at, wire_type!($wire)); )+
                out.payload()
            }
        }

        impl From<$Name> for Message {
            fn from(content: $Name) -> Self {
                Self::$Name(content)
            }
        }
    };
    ($id:literal $Name:ident $title:literal $other:tt) => {};
}

macro_rules! content_type {
    ($Name:ident { text $($rest:tt)* }) => {
        Text8
    };
    ($Name:ident { pattern $($rest:tt)* }) => {
        Payload
    };
    ($Name:ident { pairs $($rest:tt)* }) => {
        Alarms
    };
    ($Name:ident $body:tt) => {
        $Name
    };
}

macro_rules! content_read {
    ($Name:ident { text $($rest:tt)* }, $payload:ident) => {
        Text8::of($payload)
    };
    ($Name:ident { pattern $($rest:tt)* }, $payload:ident) => {
        $payload
    };
    ($Name:ident { pairs $($rest:tt)* }, $payload:ident) => {
        Alarms::of($payload)
    };
    ($Name:ident $body:tt, $payload:ident) => {
        $Name::read($payload)
    };
}

macro_rules! content_payload {
    ({ pattern $($rest:tt)* }, $content:ident) => {
        $content
    };
    ($body:tt, $content:ident) => {
        $content.payload()
    };
}

macro_rules! field_specs {
    ({ text $name:ident, $label:literal }) => { &[FieldSpec {
        name: stringify!($name), label: $label, byte: 0, bit: 0, wire: WireType::String8,
        scale: Scale::of(1.0, 0.0), unit: "", absent: &[], form: Form::Text,
    }] };
    ({ pattern $name:ident, $label:literal }) => { &[FieldSpec {
        name: stringify!($name), label: $label, byte: 0, bit: 0, wire: WireType::Bytes8,
        scale: Scale::of(1.0, 0.0), unit: "", absent: &[], form: Form::Bytes,
    }] };
    ({ pairs $( $at:literal bit $bit:literal $name:ident, $label:literal; )+ }) => { &[ $( FieldSpec {
        name: stringify!($name), label: $label, byte: $at, bit: $bit, wire: WireType::Pair,
        scale: Scale::of(1.0, 0.0), unit: "", absent: &[], form: Form::Pair,
    } ),+ ] };
    ({ $( $at:literal $field:ident: $wire:ident * $scale:literal $(- $shift:literal)?
        => $value:ty $(, absent $absent:tt)?, $label:literal; )+ }) => { &[ $( FieldSpec {
        name: stringify!($field), label: $label, byte: $at, bit: 0, wire: wire_type!($wire),
        scale: Scale::of($scale as f64, 0.0 $( + $shift )?),
        unit: <$value as Meaning>::UNIT,
        absent: absent_values!($( $absent )?),
        form: <$value as Meaning>::FORM,
    } ),+ ] };
}

macro_rules! absent_values {
    () => {
        &[]
    };
    ($values:tt) => {
        &$values
    };
}

macro_rules! raw_type {
    (un8) => {
        u8
    };
    (un16) => {
        u16
    };
    (sn16) => {
        i16
    };
    (un32) => {
        u32
    };
    (un16be) => {
        u16
    };
}

macro_rules! wire_type {
    (un8) => {
        WireType::Un8
    };
    (un16) => {
        WireType::Un16
    };
    (sn16) => {
        WireType::Sn16
    };
    (un32) => {
        WireType::Un32
    };
    (un16be) => {
        WireType::Un16Be
    };
}
