//! What comes over the line of a witness, by what it speaks.

use proto::quantity::Micros;
use proto::vedirect::{Counters, Decoder, Device, Piece};

use super::bus::{Bus, Heard};
use super::{Protocol, Witness};

/// What the bytes of a witness are read with, by its protocol.
#[derive(Debug, Clone)]
pub(super) enum Line {
    /// text of one instrument
    Text {
        decoder: Box<Decoder>,
        /// what was heard before the port was opened again
        before: Counters,
    },
    /// frames of a bus
    Bus(Box<Bus>),
}

impl Line {
    pub(super) fn of(witness: &Witness) -> Self {
        match witness.protocol {
            Protocol::VeDirect | Protocol::Bmv => {
                Self::Text { decoder: Box::default(), before: Counters::default() }
            }
            Protocol::Nmea2000 => Self::Bus(Box::new(Bus::new(witness))),
        }
    }

    /// Takes a byte; what the instrument says of itself goes into `device`.
    pub(super) fn push(&mut self, at: Micros, byte: u8, device: &mut Device) -> Option<Heard> {
        match self {
            Self::Text { decoder, .. } => match decoder.push(byte)? {
                Piece::Block(block) => {
                    let before = device.product;
                    let said = device.take(block);
                    let is_another = before.is_some() && before != device.product;
                    Some(Heard { is_whole: true, is_another, said })
                }
                Piece::Hex(hex) => Some(Heard { said: device.take_hex(&hex), ..Heard::default() }),
                Piece::BadHex(_) | Piece::BadBlock(_) => None,
            },
            Self::Bus(bus) => bus.push(at, byte, device),
        }
    }

    /// The port was opened anew: what was begun is dropped.
    pub(super) fn restart(&mut self) {
        let counters = self.counters();
        match self {
            Self::Text { decoder, before } => {
                *before = counters;
                **decoder = Decoder::default();
            }
            Self::Bus(bus) => bus.restart(),
        }
    }

    pub(super) fn counters(&self) -> Counters {
        match self {
            Self::Text { decoder, before } => {
                let (a, b) = (before, decoder.counters());
                Counters {
                    bytes: a.bytes + b.bytes,
                    blocks: a.blocks + b.blocks,
                    bad_blocks: a.bad_blocks + b.bad_blocks,
                    hex: a.hex + b.hex,
                    bad_hex: a.bad_hex + b.bad_hex,
                    noise: a.noise + b.noise,
                }
            }
            Self::Bus(bus) => bus.counters(),
        }
    }

    /// How often the instrument started anew, as far as what comes over its line shows it.
    pub(super) fn restarts(&self) -> u32 {
        match self {
            Self::Text { .. } => 0,
            Self::Bus(bus) => bus.restarts(),
        }
    }

    pub(super) fn others(&self) -> Vec<String> {
        match self {
            Self::Text { .. } => Vec::new(),
            Self::Bus(bus) => bus.others(),
        }
    }
}
