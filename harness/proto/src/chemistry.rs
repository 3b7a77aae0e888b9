//! What cells are made of, and what that makes of their voltage.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::quantity::{Percent, Volts};

/// What cells are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Chemistry {
    /// iron phosphate: 3.2 V nominal, 3.65 V full
    Lfp,
    /// nickel, manganese and cobalt oxide: 3.6 V nominal, 4.2 V full
    Nmc,
    /// nickel, cobalt and aluminium oxide: 3.6 V nominal, 4.2 V full
    Nca,
    /// titanate: 2.3 V nominal, 2.8 V full
    Lto,
}

/// V: LibreSolar bms-firmware, in steps of 5 % from 0 % on.
const NMC: [f64; 21] = [
    2.800, 3.588, 3.684, 3.702, 3.726, 3.745, 3.764, 3.787, 3.803, 3.819, 3.838, 3.858, 3.883, 3.924, 3.962,
    3.993, 4.026, 4.056, 4.089, 4.135, 4.198,
];
/// V: 16 points of a Samsung INR21700 (a cell of this kind) as a solar car team measured them, in steps of 5 %.
const NCA: [f64; 21] = [
    2.693, 3.323, 3.398, 3.453, 3.505, 3.554, 3.588, 3.624, 3.660, 3.696, 3.741, 3.789, 3.838, 3.887, 3.936,
    3.982, 4.018, 4.054, 4.089, 4.124, 4.171,
];
/// V: the same, after DOI 10.3390/batteries5010031.
const LTO: [f64; 21] = [
    2.000, 2.105, 2.125, 2.141, 2.154, 2.166, 2.177, 2.187, 2.198, 2.210, 2.224, 2.240, 2.259, 2.282, 2.309,
    2.340, 2.376, 2.415, 2.458, 2.513, 2.800,
];
/// A: the fall below 0 %, in V per percent, without which a cell would bear a discharge long after it is empty.
const BELOW_EMPTY: f64 = 0.3;

impl Chemistry {
    /// Its name, as files write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lfp => "lfp",
            Self::Nmc => "nmc",
            Self::Nca => "nca",
            Self::Lto => "lto",
        }
    }

    /// Voltage at rest of one cell over its state of charge; nothing for LFP, whose flat curve with its steep ends a rig
    /// file writes out (`plant.pack.ocv`).
    #[must_use]
    pub fn ocv(self) -> Option<Vec<(Percent, Volts)>> {
        let table = match self {
            Self::Lfp => return None,
            Self::Nmc => NMC,
            Self::Nca => NCA,
            Self::Lto => LTO,
        };
        let empty = [(Percent(-2.0), Volts(table[0] - 2.0 * BELOW_EMPTY))];
        let known = (0_u8..).zip(table).map(|(k, volts)| (Percent(5.0 * f64::from(k)), Volts(volts)));
        Some(empty.into_iter().chain(known).collect())
    }
}
