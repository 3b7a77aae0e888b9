//! Identifiers.

use crate::frame::CanId;

/// What an identifier says: priority in bits 26 to 28, data page in 24 and 25, then the format, then a destination or the
/// rest of the PGN, then the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id {
    /// 0 to 7; the lowest wins the bus
    pub priority: u8,
    /// the number of the message
    pub pgn: u32,
    /// the address that it comes from
    pub source: u8,
    /// the address that it is for; 255 for all
    pub destination: u8,
}

impl Id {
    /// Reads 29 bits; nothing of an 11-bit identifier.
    #[must_use]
    pub const fn of(id: CanId) -> Option<Self> {
        let CanId::Extended(bits) = id else { return None };
        let (priority, source) = ((bits >> 26 & 7) as u8, bits as u8);
        let (page, format, low) = (bits >> 24 & 3, bits >> 16 & 0xFF, bits >> 8 & 0xFF);
        let is_to_one = format < 0xF0;
        let pgn = page << 16 | format << 8 | if is_to_one { 0 } else { low };
        let destination = if is_to_one { low as u8 } else { super::TO_ALL };
        Some(Self { priority, pgn, source, destination })
    }

    /// The identifier.
    #[must_use]
    pub const fn bits(self) -> CanId {
        let is_to_one = self.pgn >> 8 & 0xFF < 0xF0;
        let low = if is_to_one { self.destination as u32 } else { 0 };
        CanId::Extended(
            (self.priority as u32 & 7) << 26 | (self.pgn & 0x3_FFFF) << 8 | low << 8 | self.source as u32,
        )
    }
}
