//! The NAME by which a device claims its address (60928).

/// The code of Victron Energy (D Q22).
pub const VICTRON: u16 = 358;

/// A NAME, as the number that decides who keeps an address: the lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub u64);

impl Name {
    /// Of the eight bytes of a claim.
    #[must_use]
    pub fn of(data: &[u8]) -> Option<Self> {
        Some(Self(u64::from_le_bytes(data.get(..8)?.try_into().ok()?)))
    }

    /// A device of Victron by its unique number (21 bits) and function, as electrical generation.
    #[must_use]
    pub const fn victron(unique: u32, function: u8) -> Self {
        let (class, industry, arbitrary) = (35_u64, 4_u64, 1_u64);
        Self(
            (unique as u64 & 0x1F_FFFF)
                | (VICTRON as u64) << 21
                | (function as u64) << 40
                | class << 49
                | industry << 60
                | arbitrary << 63,
        )
    }

    const fn bits(self, at: u32, count: u32) -> u64 {
        self.0 >> at & ((1 << count) - 1)
    }

    /// The number that tells devices of a maker apart, made of the serial number by Victron.
    #[must_use]
    pub const fn unique(self) -> u32 {
        self.bits(0, 21) as u32
    }

    /// The code of its maker.
    #[must_use]
    pub const fn manufacturer(self) -> u16 {
        self.bits(21, 11) as u16
    }

    /// Its device instance: both parts as one number (D Q23).
    #[must_use]
    pub const fn instance(self) -> u8 {
        self.bits(32, 8) as u8
    }

    /// What it does, within its class.
    #[must_use]
    pub const fn function(self) -> u8 {
        self.bits(40, 8) as u8
    }

    /// Its class.
    #[must_use]
    pub const fn class(self) -> u8 {
        self.bits(49, 7) as u8
    }
}
