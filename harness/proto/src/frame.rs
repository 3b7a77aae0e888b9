//! A classic CAN frame.

use core::fmt;

/// An identifier: 11 bits as the protocol demands (P 1.2), or 29 bits, which only a finding needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CanId {
    /// 11-bit, CAN 2.0A.
    Standard(u16),
    /// 29-bit, CAN 2.0B.
    Extended(u32),
}

/// A data frame of 0 to 8 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Frame {
    id: CanId,
    len: u8,
    data: [u8; 8],
}

impl Frame {
    /// A frame with an 11-bit identifier.
    ///
    /// # Panics
    /// When `id` exceeds 11 bits or `data` 8 bytes: both are written in the code that calls.
    #[must_use]
    pub fn standard(id: u16, data: &[u8]) -> Self {
        assert!(id <= 0x7FF, "11-bit identifier, got {id:#x}");
        Self::new(CanId::Standard(id), data).expect("at most 8 bytes, by contract")
    }

    /// A frame, or nothing when the identifier exceeds its width or the data 8 bytes.
    #[must_use]
    pub fn new(id: CanId, data: &[u8]) -> Option<Self> {
        let fits = match id {
            CanId::Standard(id) => id <= 0x7FF,
            CanId::Extended(id) => id <= 0x1FFF_FFFF,
        };
        if !fits || data.len() > 8 {
            return None;
        }
        let mut bytes = [0; 8];
        bytes[..data.len()].copy_from_slice(data);
        Some(Self { id, len: data.len() as u8, data: bytes })
    }

    /// For readers that have checked identifier and length; bytes behind the length are cleared.
    pub(crate) const fn from_parts(id: CanId, len: u8, data: [u8; 8]) -> Self {
        let kept = if len == 0 { 0 } else { u64::MAX >> (64 - 8 * len as u32) };
        Self { id, len, data: (u64::from_le_bytes(data) & kept).to_le_bytes() }
    }

    /// The identifier.
    #[must_use]
    pub const fn id(&self) -> CanId {
        self.id
    }

    /// The payload, as long as the data length code says.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data[..usize::from(self.len)]
    }

    /// The payload followed by zeros up to 8 bytes, for readers that want no bounds to check.
    #[must_use]
    pub const fn padded(&self) -> [u8; 8] {
        self.data
    }

    /// Number of data bytes, 0 to 8 (the data length code).
    #[must_use]
    pub const fn dlc(&self) -> u8 {
        self.len
    }

    /// Bits on the wire, from the start of the frame to the space between two, without stuffed ones (ISO 11898-1).
    #[must_use]
    pub const fn bits(&self) -> u32 {
        let around = match self.id {
            CanId::Standard(_) => 47,
            CanId::Extended(_) => 67,
        };
        around + 8 * self.dlc() as u32
    }
}

impl fmt::Display for CanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard(id) => write!(f, "{id:03X}"),
            Self::Extended(id) => write!(f, "{id:08X}"),
        }
    }
}

/// As candump writes it: `351#480200050005AE01`.
impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#", self.id)?;
        self.data().iter().try_for_each(|b| write!(f, "{b:02X}"))
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
