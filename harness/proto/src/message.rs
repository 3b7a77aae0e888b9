//! The messages of the *CAN-bus BMS Protocol* as typed values: P 2 (battery to GX) and P 3 (GX to battery).
//!
//! `message/table.rs` holds every message once, in the shape of the document's own tables; the structs, their
//! decoding and encoding and the generic view of their fields all come from it.
//!
//! ```
//! use proto::frame::Frame;
//! use proto::message::{Limits, Message};
//! use proto::quantity::{Amps, Volts};
//!
//! let limits = Limits::new(Volts(58.4), Amps(128.0), Amps(128.0), Volts(43.0));
//! let frame = Message::from(limits).encode();
//! assert_eq!(frame.to_string(), "351#480200050005AE01");
//! assert_eq!(Message::decode(&frame), Some(Message::Limits(limits)));
//! assert_eq!(limits.cvl(), Some(Volts(58.4)));
//! ```

#[macro_use]
mod layout;
mod alarms;
mod field;
mod payload;
mod table;

#[cfg(test)]
mod tests;

pub use alarms::{AlarmKind, Alarms, Pair};
pub use field::{Field, Firmware, Value, fields};
pub use layout::{FieldSpec, MessageSpec, Scale, Sender, WireType};
pub use payload::{Padding, Payload, Text8};
pub use table::{
    BatteryIdentity, Cells, Energy, ForceCharge, InstalledCapacity, Limits, Measurements, Message, Modules,
    StateOfCharge, TABLE, id,
};

use crate::frame::{CanId, Frame};
use crate::quantity::Percent;

impl Message {
    /// The message as a frame. A field that is absent ends it, as a lower data length code does on the bus.
    #[must_use]
    #[inline]
    pub fn encode(&self) -> Frame {
        let payload = self.payload();
        Frame::from_parts(CanId::Standard(self.id()), payload.len(), payload.word().to_le_bytes())
    }

    /// Every field that the message carries, in the order of the document, for printers that know no message.
    pub fn fields(&self) -> impl Iterator<Item = Field> + use<> {
        let payload = self.payload();
        self.spec().fields.iter().filter_map(move |spec| spec.read(payload))
    }
}

impl MessageSpec {
    /// The message with this identifier, if the document knows it. Vendor identifiers give nothing.
    #[must_use]
    pub fn of(id: CanId) -> Option<&'static Self> {
        let CanId::Standard(id) = id else { return None };
        TABLE.binary_search_by_key(&id, |spec| spec.id).ok().map(|at| &TABLE[at])
    }

    /// Whether a frame carries every field that the message must have (P 2; optional fields may be left out).
    #[must_use]
    pub fn is_complete(&self, frame: &Frame) -> bool {
        frame.dlc() >= self.required
    }
}

impl StateOfCharge {
    /// State of charge as finely as the battery says it: the high resolution field where it is in use. Many
    /// batteries send that field as zero beside a state of charge that is not; zero then means "not used".
    #[must_use]
    #[inline]
    pub fn finest_soc(&self) -> Option<Percent> {
        match (self.high_res_soc, self.soc) {
            (Some(1..), _) | (Some(0), Some(0)) => self.high_res_soc(),
            _ => self.soc(),
        }
    }
}

impl Payload {
    /// What the GX sends as 0x305 every second (P 3).
    pub const KEEP_ALIVE: Self = Self::new([0; 8]);
    /// What the GX sends as 0x307 every second: `VIC` in bytes 4 to 6 (P 3).
    pub const VICTRON: Self = Self::new([0x12, 0x34, 0x56, 0x78, b'V', b'I', b'C', 0]);
}
