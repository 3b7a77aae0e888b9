//! Blocks of VE.Direct as an instrument writes them: records, the byte that makes the sum, HEX frames between them.

use core::fmt::{Display, Write as _};

use proto::vedirect::Hex;

use crate::rng::Rng;

/// What an instrument says in a second.
#[derive(Debug, Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
    /// where the records of the block at hand begin
    records: Vec<usize>,
    /// where HEX frames may stand
    places: Vec<usize>,
    /// where the block at hand begins
    begins: usize,
}

impl Text {
    /// Adds a record.
    pub(super) fn put(&mut self, label: &str, value: impl Display) {
        self.records.push(self.bytes.len());
        let mut record = String::new();
        // A string takes everything.
        let _ = write!(record, "\r\n{label}\t{value}");
        self.bytes.extend_from_slice(record.as_bytes());
    }

    /// The block is whole.
    pub(super) fn end(&mut self) {
        // Anywhere before a record, or between its line feed and its label.
        self.places.extend(self.records.drain(..).flat_map(|at| [at, at + 2]));
        self.bytes.extend_from_slice(b"\r\nChecksum\t");
        let sum = self.bytes[self.begins..].iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte));
        self.bytes.push(0_u8.wrapping_sub(sum));
        self.begins = self.bytes.len();
        self.places.push(self.begins);
    }

    /// Everything, with these frames at places drawn by chance.
    pub(super) fn with(mut self, frames: &[Hex], rng: &mut Rng) -> Vec<u8> {
        let places = self.places.len().max(1);
        let mut at: Vec<usize> = frames
            .iter()
            .map(|_| self.places.get((rng.unit() * places as f64) as usize).copied().unwrap_or(0))
            .collect();
        at.sort_unstable();
        // From the end, so that the places before stay what they are.
        for (&at, frame) in at.iter().zip(frames).rev() {
            let line = format!("{frame}\n");
            self.bytes.splice(at..at, line.bytes());
        }
        self.bytes
    }
}
