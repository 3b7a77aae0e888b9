//! Claiming an address, for who sends by itself: the device of a simulated bus. A witness needs none.

use super::{CLAIM, Id, NO_ADDRESS, Name, TO_ALL, requested};
use crate::frame::Frame;
use crate::quantity::Micros;

/// A device that has, or wants, an address.
#[derive(Debug, Clone)]
pub struct Claim {
    name: Name,
    address: u8,
    /// addresses that were lost in a row
    lost: u8,
    claimed: Option<Micros>,
}

/// Addresses 0 to 251 may be claimed.
const ADDRESSES: u8 = 252;
/// Who hears no better claim for so long has the address.
const CONTENDED: Micros = Micros(250_000);

impl Claim {
    /// A device that wants an address.
    #[must_use]
    pub const fn new(name: Name, wanted: u8) -> Self {
        Self { name, address: wanted % ADDRESSES, lost: 0, claimed: None }
    }

    /// The claim to send first.
    pub fn begin(&mut self, at: Micros) -> Option<Frame> {
        self.claimed = Some(at);
        self.claim()
    }

    /// The address, once nobody with a better name wanted it for 250 ms.
    #[must_use]
    pub fn address(&self, at: Micros) -> Option<u8> {
        let since = at.0.saturating_sub(self.claimed?.0);
        (self.address != NO_ADDRESS && since >= CONTENDED.0).then_some(self.address)
    }

    /// Takes a frame of the bus; says what to send.
    pub fn hear(&mut self, at: Micros, frame: &Frame) -> Option<Frame> {
        let id = Id::of(frame.id())?;
        self.claimed?;
        if let Some(asked) = requested(&id, frame.data()) {
            let of_it = [self.address, TO_ALL].contains(&id.destination);
            return (of_it && asked == CLAIM).then(|| self.claim())?;
        }
        match id.pgn {
            CLAIM if id.source == self.address && self.address != NO_ADDRESS => {
                let other = Name::of(frame.data())?;
                if other < self.name {
                    self.lost += 1;
                    self.address =
                        if self.lost < ADDRESSES { (self.address + 1) % ADDRESSES } else { NO_ADDRESS };
                    self.claimed = Some(at);
                }
                (other != self.name).then(|| self.claim())?
            }
            _ => None,
        }
    }

    fn claim(&self) -> Option<Frame> {
        let id = Id { priority: 6, pgn: CLAIM, source: self.address, destination: TO_ALL };
        Frame::new(id.bits(), &self.name.0.to_le_bytes())
    }
}
