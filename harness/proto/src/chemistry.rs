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

/// Between what a cell is used, V, and how hard, in C: wide enough for the data sheets of all makers.
#[derive(Debug, Clone, Copy)]
pub struct Usual {
    /// charged to
    pub charged: [f64; 2],
    /// discharged to
    pub empty: [f64; 2],
    /// disconnected above
    pub over: [f64; 2],
    /// discharge forbidden below
    pub under: [f64; 2],
    /// charged and discharged with at most
    pub c_rate: f64,
}

/// Full is 3.65 V and empty 2.5 V (data sheets); some are held at 3.35 V.
const LFP_USUAL: Usual = Usual {
    charged: [3.35, 3.70],
    empty: [2.30, 3.20],
    over: [3.45, 3.95],
    under: [2.00, 3.10],
    c_rate: 6.0,
};
/// Full is 4.2 V and empty 2.5 to 3.0 V (data sheets of both); some are held at 3.9 V.
const NICKEL_USUAL: Usual = Usual {
    charged: [3.90, 4.25],
    empty: [2.50, 3.60],
    over: [4.00, 4.40],
    under: [2.30, 3.50],
    c_rate: 10.0,
};
/// Full is 2.7 to 2.85 V and empty 1.5 V (data sheets).
const LTO_USUAL: Usual = Usual {
    charged: [2.40, 2.90],
    empty: [1.50, 2.30],
    over: [2.50, 3.10],
    under: [1.40, 2.20],
    c_rate: 20.0,
};

impl Chemistry {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Lfp, Self::Nmc, Self::Nca, Self::Lto];

    /// What is usual for it; where it is not known, what is for any.
    #[must_use]
    pub const fn usual(chemistry: Option<Self>) -> Usual {
        match chemistry {
            Some(Self::Lfp) => LFP_USUAL,
            Some(Self::Nmc | Self::Nca) => NICKEL_USUAL,
            Some(Self::Lto) => LTO_USUAL,
            None => Usual {
                charged: [LTO_USUAL.charged[0], NICKEL_USUAL.charged[1]],
                empty: [LTO_USUAL.empty[0], NICKEL_USUAL.empty[1]],
                over: [LTO_USUAL.over[0], NICKEL_USUAL.over[1]],
                under: [LTO_USUAL.under[0], NICKEL_USUAL.under[1]],
                c_rate: LTO_USUAL.c_rate,
            },
        }
    }

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
