//! 0x35A, warnings and alarms: a pair of bits for each, and the system status (P 2 §0x35A).

use core::fmt;

use super::payload::Payload;

/// What a pair of bits says, read as a number of two bits with bit 0 first: 1 active, 2 OK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Pair {
    /// `00`: the battery does not support it. Many batteries send this and mean OK, which it is not.
    #[default]
    NotSupported0 = 0,
    /// `01`: alarm or warning active
    Active = 1,
    /// `10`: inactive, status OK
    Ok = 2,
    /// `11`: the battery does not support it
    NotSupported3 = 3,
}

impl Pair {
    /// The pair in the two lowest bits.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::NotSupported0,
            1 => Self::Active,
            2 => Self::Ok,
            _ => Self::NotSupported3,
        }
    }

    /// Whether the battery supports this alarm or warning.
    #[must_use]
    pub const fn is_supported(self) -> bool {
        matches!(self, Self::Active | Self::Ok)
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSupported0 => "not supported (00)",
            Self::Active => "active",
            Self::Ok => "OK",
            Self::NotSupported3 => "not supported (11)",
        })
    }
}

macro_rules! kinds {
    ($( $Kind:ident $words:literal )+) => {
        /// What an alarm or a warning is about, in the order of the document: the n-th kind is the n-th pair of
        /// bytes 0 to 3 as an alarm and of bytes 4 to 7 as a warning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum AlarmKind { $( #[doc = $words] $Kind, )+ }

        impl AlarmKind {
            /// Every kind, in the order of the document.
            pub const ALL: [Self; 13] = [ $( Self::$Kind ),+ ];

            /// The kind in words, such as `high temperature charge`.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $( Self::$Kind => $words ),+ }
            }

            /// Its bit in a mask of kinds, such as the channels of alarms and warnings hold.
            #[must_use]
            pub const fn bit(self) -> u16 {
                1 << self as u16
            }

            /// The kinds of a mask, in the order of the document.
            pub fn of_mask(mask: u16) -> impl Iterator<Item = Self> {
                Self::ALL.into_iter().filter(move |kind| mask & kind.bit() != 0)
            }
        }
    };
}

kinds! {
    General "general"
    HighVoltage "high voltage"
    LowVoltage "low voltage"
    HighTemperature "high temperature"
    LowTemperature "low temperature"
    HighTemperatureCharge "high temperature charge"
    LowTemperatureCharge "low temperature charge"
    HighCurrent "high current"
    HighChargeCurrent "high charge current"
    Contactor "contactor"
    ShortCircuit "short circuit"
    BmsInternal "BMS internal"
    CellImbalance "cell imbalance"
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// Pairs of bytes 4 to 7 follow the 16 pairs of bytes 0 to 3.
const WARNINGS: u32 = 16;
const SYSTEM_STATUS: u32 = 29;
/// One bit of every pair of the 13 alarms.
const ALARM_PAIRS: u64 = 0x0155_5555;
/// The reserved pairs: the last three of byte 3, the last two of byte 7.
const RESERVED: u64 = 0xF000_0000_FC00_0000;

/// The content of 0x35A. A pair in a byte that a short frame leaves out reads as not supported.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Alarms(Payload);

impl Alarms {
    /// Every alarm and warning supported and OK; system status not supported, reserved bits zero.
    pub const ALL_OK: Self = {
        let ok = ALARM_PAIRS << 1;
        Self(Payload::from_word(ok | ok << 32, 8))
    };
    /// Eight zero bytes: nothing supported.
    pub const NONE_SUPPORTED: Self = Self(Payload::from_word(0, 8));

    /// What is said of an alarm.
    #[must_use]
    pub const fn alarm(&self, kind: AlarmKind) -> Pair {
        self.pair(kind as u32)
    }

    /// What is said of a warning.
    #[must_use]
    pub const fn warning(&self, kind: AlarmKind) -> Pair {
        self.pair(WARNINGS + kind as u32)
    }

    /// Byte 7 bits 2 and 3: whether the main switch (contactor or MOSFETs) is closed. The document calls it "a
    /// simple bit" and does not say which value is which, so the pair is given as it stands.
    #[must_use]
    pub const fn system_status(&self) -> Pair {
        self.pair(SYSTEM_STATUS)
    }

    /// Alarms that are active.
    pub fn active_alarms(&self) -> impl Iterator<Item = AlarmKind> + use<> {
        let this = *self;
        AlarmKind::ALL.into_iter().filter(move |&kind| this.alarm(kind) == Pair::Active)
    }

    /// Warnings that are active.
    pub fn active_warnings(&self) -> impl Iterator<Item = AlarmKind> + use<> {
        let this = *self;
        AlarmKind::ALL.into_iter().filter(move |&kind| this.warning(kind) == Pair::Active)
    }

    /// Whether any alarm is active.
    #[must_use]
    pub const fn any_alarm(&self) -> bool {
        self.active_bits() as u32 != 0
    }

    /// Whether any warning is active.
    #[must_use]
    pub const fn any_warning(&self) -> bool {
        self.active_bits() >> 32 != 0
    }

    /// Whether any alarm or warning is supported at all.
    #[must_use]
    pub const fn any_supported(&self) -> bool {
        let word = self.0.word();
        (word ^ word >> 1) & (ALARM_PAIRS | ALARM_PAIRS << 32) != 0
    }

    /// The reserved bits in their places within the eight bytes read as a little-endian number.
    #[must_use]
    pub const fn reserved(&self) -> u64 {
        self.0.word() & RESERVED
    }

    /// The bytes as sent.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The same with another alarm pair.
    #[must_use]
    pub const fn with_alarm(self, kind: AlarmKind, pair: Pair) -> Self {
        self.with(kind as u32, pair)
    }

    /// The same with another warning pair.
    #[must_use]
    pub const fn with_warning(self, kind: AlarmKind, pair: Pair) -> Self {
        self.with(WARNINGS + kind as u32, pair)
    }

    /// The same with another system status.
    #[must_use]
    pub const fn with_system_status(self, pair: Pair) -> Self {
        self.with(SYSTEM_STATUS, pair)
    }

    /// Sets an alarm pair.
    pub const fn set_alarm(&mut self, kind: AlarmKind, pair: Pair) {
        *self = self.with_alarm(kind, pair);
    }

    /// Sets a warning pair.
    pub const fn set_warning(&mut self, kind: AlarmKind, pair: Pair) {
        *self = self.with_warning(kind, pair);
    }

    /// Sets the system status.
    pub const fn set_system_status(&mut self, pair: Pair) {
        *self = self.with_system_status(pair);
    }

    const fn pair(&self, at: u32) -> Pair {
        Pair::from_bits((self.0.word() >> (2 * at)) as u8)
    }

    const fn with(self, at: u32, pair: Pair) -> Self {
        let cleared = self.0.word() & !(3 << (2 * at));
        let last_byte = at as u8 / 4;
        let len = if self.0.len() > last_byte { self.0.len() } else { last_byte + 1 };
        Self(Payload::from_word(cleared | (pair as u64) << (2 * at), len))
    }

    /// The lower bit of every alarm and warning pair that is active.
    const fn active_bits(&self) -> u64 {
        let word = self.0.word();
        word & !(word >> 1) & (ALARM_PAIRS | ALARM_PAIRS << 32)
    }

    pub(super) const fn of(payload: Payload) -> Self {
        Self(payload)
    }

    pub(super) const fn payload(self) -> Payload {
        self.0
    }
}

impl fmt::Debug for Alarms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Alarms({})", self.0)
    }
}
