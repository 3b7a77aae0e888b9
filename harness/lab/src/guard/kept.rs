//! A register of the GX that a run writes, and what it holds where it is left alone.

use std::fmt;

use proto::gx::Register;
use serde::{Deserialize, Serialize};

/// A register that was written, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) unit: u8,
    pub(super) first: u16,
    /// what it holds where it is left alone
    pub(super) cells: Vec<u16>,
}

/// Notes one; what was found first counts.
pub(super) fn keep(all: &mut Vec<Kept>, kept: Kept) {
    if !all.iter().any(|known| (known.unit, known.first) == (kept.unit, kept.first)) {
        all.push(kept);
    }
}

/// For a person who writes it back by hand.
impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unit, first, cells } = self;
        let label = Register::at(*first).map(|register| format!(" ({})", register.label)).unwrap_or_default();
        let cells: Vec<String> = cells.iter().map(ToString::to_string).collect();
        write!(f, "register {first}{label} of unit {unit} to {}", cells.join(" "))
    }
}
