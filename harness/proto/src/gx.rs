//! Registers of a GX over Modbus-TCP, as the gateway of Venus OS maps them (`attributes.csv` of dbus_modbustcp 1.0.101).
//!
//! The address selects the kind of product, the unit id its instance; unit ids belong to the rig. A value that the
//! GX does not have reads 0, never a pattern of its own, and a write is acknowledged before it is applied, and even
//! when it is refused: read it back.

mod decode;
mod exception;
mod forced;
mod runs;
mod table;

#[cfg(test)]
mod tests;

pub use decode::{Answers, MOST_PV_TENTHS};
pub use exception::Exception;
pub use forced::{FORCED, Forced};
pub use runs::{RESERVED, RESERVED_CELL, RUNS, is_reserved};
pub use table::{ALARMS, BLOCKS, REGISTERS, TOLD, battery, ess, grid, inverter, solar, system};

use crate::message::Scale;

/// One register of the gateway, of one cell of 16 bits or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register {
    /// kind of product
    pub product: Product,
    /// address of its first cell, counted from 0 as in the protocol
    pub address: u16,
    /// what it holds
    pub label: &'static str,
    /// how it holds it
    pub kind: Kind,
    /// from the raw integer to the unit
    pub scale: Scale,
    /// unit; empty for counts, states and texts
    pub unit: &'static str,
    /// whether the gateway takes writes to it
    pub writable: bool,
}

/// Kinds of product that a harness looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Product {
    /// the CAN-bus battery, usually unit 225; it answers with exception 10 when the GX has lost the BMS
    Battery,
    /// the system as a whole, unit 100
    System,
    /// inverter/charger on VE.Bus
    Inverter,
    /// solar charger
    Solar,
    /// grid meter
    Grid,
    /// settings of ESS and DVCC, unit 100
    Ess,
}

impl Product {
    /// How many there are.
    pub const COUNT: usize = Self::Ess as usize + 1;
}

/// How a register holds its value. 32 bits come with the high cell first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// unsigned, one cell
    U16,
    /// signed, one cell
    I16,
    /// unsigned, two cells
    U32,
    /// signed, two cells
    I32,
    /// latin-1 text of 8 characters in four cells, padded with zeros
    Text4,
    /// the same of 12 characters in six cells
    Text6,
}

/// Cells that one request reads: without a gap, which would be answered with exception 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// whose cells
    pub product: Product,
    /// first address
    pub first: u16,
    /// number of cells, at most 125
    pub count: u16,
}

impl Block {
    /// Whether it came with a version of 2026, so that an older one answers with exception 2 to whoever reads across it:
    /// 327 to 329 of the battery (dbus_modbustcp c7aeeac), the set-point that overrides the setting (53c911a).
    #[must_use]
    pub const fn is_newer(self) -> bool {
        matches!((self.product, self.first), (Product::Battery, 327) | (Product::Ess, 2716))
    }

    /// The registers of the table that lie in it, by address.
    pub fn registers(self) -> impl Iterator<Item = &'static Register> {
        REGISTERS.iter().filter(move |register| {
            register.product == self.product
                && register.address.checked_sub(self.first).is_some_and(|at| at < self.count)
        })
    }
}

/// Why a value cannot be written to a register.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RegisterError {
    /// The gateway would answer with exception 2.
    #[error("GX register {address} ({label}) is read-only")]
    ReadOnly {
        /// its address
        address: u16,
        /// what it holds
        label: &'static str,
    },
    /// The gateway would write another value: it has no more than the low bits of this one.
    #[error(
        "{value} {unit} does not fit into GX register {address} ({label}), which holds {lowest} to {highest} {unit}"
    )]
    OutOfRange {
        /// its address
        address: u16,
        /// what it holds
        label: &'static str,
        /// the value asked for
        value: f64,
        /// its unit
        unit: &'static str,
        /// lowest value it can hold
        lowest: f64,
        /// highest value it can hold
        highest: f64,
    },
}

impl Kind {
    /// How many cells it takes.
    #[must_use]
    pub const fn cells(self) -> u16 {
        match self {
            Self::U16 | Self::I16 => 1,
            Self::U32 | Self::I32 => 2,
            Self::Text4 => 4,
            Self::Text6 => 6,
        }
    }

    const fn range(self) -> (i64, i64) {
        match self {
            Self::U16 => (0, u16::MAX as i64),
            Self::I16 => (i16::MIN as i64, i16::MAX as i64),
            Self::U32 => (0, u32::MAX as i64),
            Self::I32 => (i32::MIN as i64, i32::MAX as i64),
            Self::Text4 | Self::Text6 => (0, 0),
        }
    }
}

impl Register {
    /// Its value from cells that were read from `first` on; nothing when it is not among them, or a text.
    #[must_use]
    pub fn read(&self, first: u16, cells: &[u16]) -> Option<f64> {
        let raw = match (self.kind, self.among(first, cells)?) {
            (Kind::U16, &[cell]) => i64::from(cell),
            (Kind::I16, &[cell]) => i64::from(cell.cast_signed()),
            (Kind::U32, &[high, low]) => i64::from(u32::from(high) << 16 | u32::from(low)),
            (Kind::I32, &[high, low]) => i64::from((u32::from(high) << 16 | u32::from(low)).cast_signed()),
            _ => return None,
        };
        Some(self.scale.value(raw))
    }

    /// Its text from cells that were read from `first` on; nothing when it is not among them, or a number.
    #[must_use]
    pub fn read_text(&self, first: u16, cells: &[u16]) -> Option<String> {
        let (Kind::Text4 | Kind::Text6, cells) = (self.kind, self.among(first, cells)?) else { return None };
        // Latin-1 is the first 256 code points.
        let bytes = cells.iter().flat_map(|cell| cell.to_be_bytes());
        Some(bytes.take_while(|&b| b != 0).map(char::from).collect())
    }

    /// The eight bytes of its text, padding included; nothing when it is not among the cells, or no such text.
    #[must_use]
    pub fn read_bytes(&self, first: u16, cells: &[u16]) -> Option<[u8; 8]> {
        let (Kind::Text4, &[a, b, c, d]) = (self.kind, self.among(first, cells)?) else { return None };
        let [[a, b], [c, d], [e, f], [g, h]] = [a, b, c, d].map(u16::to_be_bytes);
        Some([a, b, c, d, e, f, g, h])
    }

    /// Puts a value into cells that begin at `first`, as the gateway does: rounded, and what is out of range loses
    /// its high bits (7000 A in tenths reads 4464). Whether it is among them and a number.
    pub fn write(&self, value: f64, first: u16, cells: &mut [u16]) -> bool {
        let raw = self.scale.raw(value);
        match (self.kind, self.among_mut(first, cells)) {
            (Kind::U16 | Kind::I16, Some([cell])) => *cell = raw as u16,
            (Kind::U32 | Kind::I32, Some([high, low])) => (*high, *low) = ((raw >> 16) as u16, raw as u16),
            _ => return false,
        }
        true
    }

    /// Puts a text into cells that begin at `first`: as many latin-1 characters as it has room for, others as `?`.
    /// Whether it is among them and a text.
    pub fn write_text(&self, text: &str, first: u16, cells: &mut [u16]) -> bool {
        self.write_bytes(text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')), first, cells)
    }

    /// Puts the bytes of a text into cells that begin at `first`: as many as there is room for, the others zero. Whether
    /// it is among them and a text.
    pub fn write_bytes(&self, bytes: impl IntoIterator<Item = u8>, first: u16, cells: &mut [u16]) -> bool {
        let (Kind::Text4 | Kind::Text6, Some(cells)) = (self.kind, self.among_mut(first, cells)) else {
            return false;
        };
        let mut bytes = bytes.into_iter();
        for cell in cells {
            *cell = u16::from_be_bytes([bytes.next().unwrap_or(0), bytes.next().unwrap_or(0)]);
        }
        true
    }

    /// Whether an alarm register also shows a warning, as 1: those from 326 to 329 do.
    #[must_use]
    pub const fn warns(&self) -> bool {
        matches!(self.product, Product::Battery) && self.address >= 326 && self.address <= 329
    }

    /// Whether what is written to it lasts for some seconds only: the power that an ESS in external control is told
    /// (mode 3) falls back when it is not told again, after 10 to 14 s as seen in the field.
    #[must_use]
    pub const fn fades(&self) -> bool {
        matches!((self.product, self.address), (Product::Inverter, 37 | 96))
    }

    /// Whether older GX do not have it, [`Block::is_newer`].
    #[must_use]
    pub const fn is_newer(&self) -> bool {
        matches!(self.product, Product::Battery) && self.address >= 327 && self.address <= 329
    }

    /// The register at this address, if the table has it.
    #[must_use]
    pub fn at(address: u16) -> Option<&'static Self> {
        REGISTERS.iter().find(|r| r.address == address)
    }

    /// The cells to send for a setting; only the first is used unless the register is one of 32 bits.
    ///
    /// # Errors
    /// When the register is read-only or cannot hold the value: the gateway would silently wrap it.
    pub fn setting(&self, value: f64) -> Result<[u16; 2], RegisterError> {
        let &Self { address, label, unit, .. } = self;
        if !self.writable {
            return Err(RegisterError::ReadOnly { address, label });
        }
        let (lowest, highest) = self.kind.range();
        if value.is_nan() || !(lowest..=highest).contains(&self.scale.raw(value)) {
            let (lowest, highest) = (self.scale.value(lowest), self.scale.value(highest));
            return Err(RegisterError::OutOfRange { address, label, value, unit, lowest, highest });
        }
        let mut cells = [0; 2];
        self.write(value, address, &mut cells);
        Ok(cells)
    }

    fn among<'a>(&self, first: u16, cells: &'a [u16]) -> Option<&'a [u16]> {
        let at = usize::from(self.address.checked_sub(first)?);
        cells.get(at..at + usize::from(self.kind.cells()))
    }

    fn among_mut<'a>(&self, first: u16, cells: &'a mut [u16]) -> Option<&'a mut [u16]> {
        let at = usize::from(self.address.checked_sub(first)?);
        cells.get_mut(at..at + usize::from(self.kind.cells()))
    }
}
