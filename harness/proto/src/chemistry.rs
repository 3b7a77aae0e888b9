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

/// One cell as it is sold and used, V, where nobody says it otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// charged to
    pub charged: f64,
    /// discharged to
    pub empty: f64,
    /// disconnected above
    pub over: f64,
    /// discharge forbidden below
    pub under: f64,
    /// no laboratory lets it have less, or more: beyond where its own protection must act
    pub bears: [f64; 2],
    /// how its management system keeps it full
    pub full: Full,
}

/// Where management systems charge a cell to and hold it, V.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Full {
    /// charged to, day by day
    pub bulk: f64,
    /// charge ends at least so far below the disconnection
    pub below_over: f64,
    /// what the first per cent of charge takes off a full cell, or somewhat less: levels at the top stand apart by it
    pub end: f64,
    /// voltage of the plateau, below which no level at the top may come: charged to less, they stand closer together
    pub plateau: f64,
    /// the step that protects is due so far above `bulk`
    pub step: f64,
    /// one that is 5 % fuller than the others is held by a pack that is so much lower, for each cell
    pub depth: f64,
}

/// Data sheets of 280 Ah cells; held as `rigs/batteries/reference.yaml`, which says where each is from. Under 3.33 V a cell is
/// on the plateau (LibreSolar's curve).
const LFP_CELL: Cell = Cell {
    charged: 3.55,
    empty: 2.80,
    over: 3.65,
    under: 2.50,
    bears: [2.00, 3.80],
    full: Full { bulk: 3.50, below_over: 0.15, end: 0.05, plateau: 3.33, step: -0.01, depth: 0.25 },
};
/// Data sheets end at 4.20 V and 2.5 to 3.0 V; charged to 4.15 V day by day (common practice), which is 0.1 V below the
/// disconnection. 1 % of the curve is 12 mV, 5 % are 60 mV: two thirds of a per cent, and twice the 5 %.
const NMC_CELL: Cell = Cell {
    charged: 4.20,
    empty: 3.00,
    over: 4.25,
    under: 2.80,
    bears: [2.00, 4.35],
    full: Full { bulk: 4.15, below_over: 0.10, end: 0.008, plateau: 0.0, step: 0.03, depth: 0.15 },
};
/// As NMC, with a curve that ends 30 mV lower, and empty where its data sheet has it.
const NCA_CELL: Cell =
    Cell { charged: 4.17, over: 4.22, under: 2.70, full: Full { bulk: 4.12, ..NMC_CELL.full }, ..NMC_CELL };
/// Data sheets: 2.70 to 2.85 V and 1.5 V. 1 % of the curve is 57 mV at its end, and 5 % are 0.2 V.
const LTO_CELL: Cell = Cell {
    charged: 2.70,
    empty: 2.00,
    over: 2.85,
    under: 1.80,
    bears: [1.50, 2.95],
    full: Full { bulk: 2.70, below_over: 0.15, end: 0.04, plateau: 0.0, step: 0.02, depth: 0.28 },
};

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

    /// What cells that are charged to this voltage are made of: no two kinds are charged to the same, but for those with nickel,
    /// which are alike in all that is asked of them here.
    #[must_use]
    pub fn charged_to(cell: Volts) -> Option<Self> {
        let is = |kind: &Self| {
            let [low, high] = Self::usual(Some(*kind)).charged;
            (low..=high).contains(&cell.0)
        };
        Self::ALL.into_iter().find(is)
    }

    /// Voltage at rest of a cell of it that holds `lacks` less than one that rests at `full`; nothing for LFP, as with
    /// [`Self::ocv`].
    #[must_use]
    pub fn lacking(self, lacks: Percent, full: Volts) -> Option<Volts> {
        let curve = self.ocv(full)?;
        let soc = 100.0 - lacks.0;
        let piece = curve.windows(2).find(|piece| (piece[0].0.0..=piece[1].0.0).contains(&soc))?;
        let ((from, low), (to, high)) = (piece[0], piece[1]);
        Some(low + (high - low) * ((soc - from.0) / (to.0 - from.0)))
    }

    /// One cell of it.
    #[must_use]
    pub const fn cell(self) -> Cell {
        match self {
            Self::Lfp => LFP_CELL,
            Self::Nmc => NMC_CELL,
            Self::Nca => NCA_CELL,
            Self::Lto => LTO_CELL,
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|chemistry| chemistry.name() == name)
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

    /// Voltage at rest of one cell over its state of charge, of a battery that calls a cell full which rests at `full`; nothing
    /// for LFP, whose flat curve with its steep ends a rig file writes out (`plant.pack.ocv`).
    ///
    /// The capacity that is declared for a battery is what it gives between its own limits: one that is charged to 4.10 V a
    /// cell is at 100 % there.
    #[must_use]
    pub fn ocv(self, full: Volts) -> Option<Vec<(Percent, Volts)>> {
        let table = match self {
            Self::Lfp => return None,
            Self::Nmc => NMC,
            Self::Nca => NCA,
            Self::Lto => LTO,
        };
        let empty = [(Percent(-2.0), Volts(table[0] - 2.0 * BELOW_EMPTY))];
        let known = (0_u8..).zip(table).map(|(k, volts)| (Percent(5.0 * f64::from(k)), Volts(volts)));
        let mut curve: Vec<_> = empty.into_iter().chain(known).collect();
        let share = charge_at(&curve, full) / 100.0;
        curve.iter_mut().filter(|(soc, _)| soc.0 > 0.0).for_each(|(soc, _)| soc.0 /= share);
        Some(curve)
    }
}

/// The state of charge at which a cell rests at this voltage, on the straight line between two points of its curve; 100 % above
/// all of them.
fn charge_at(curve: &[(Percent, Volts)], volts: Volts) -> f64 {
    let piece = curve.windows(2).find(|piece| (piece[0].1..=piece[1].1).contains(&volts));
    piece.map_or(100.0, |piece| {
        let ((from, low), (to, high)) = (piece[0], piece[1]);
        from.0 + (to.0 - from.0) * ((volts - low) / (high - low))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// Full where the battery says so; empty where the cell is.
    #[rstest]
    #[case(Chemistry::Nmc, 4.15)]
    #[case(Chemistry::Nmc, 4.10)]
    #[case(Chemistry::Nca, 4.12)]
    #[case(Chemistry::Lto, 2.70)]
    #[case(Chemistry::Lto, 2.60)]
    fn a_battery_is_full_where_it_is_charged_to(#[case] chemistry: Chemistry, #[case] full: f64) {
        let curve = chemistry.ocv(Volts(full)).expect("it has a table");
        assert!(curve.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1), "{curve:?}");
        let [at_full, at_empty] = [Volts(full), curve[1].1].map(|volts| charge_at(&curve, volts));
        assert!((at_full - 100.0).abs() < 1e-9 && at_empty.abs() < 1e-9, "{at_full} {at_empty}");
    }

    /// NMC at 4.07 V holds an eighth less than at 4.20 V; the steep end of LTO hides no charge.
    #[rstest]
    #[case(4.20, 12.9, Some(4.07))]
    #[case(4.20, 0.0, Some(4.20))]
    #[case(2.70, 3.4, Some(2.512))]
    #[case(3.55, 7.0, None)]
    fn what_is_not_charged_full(#[case] full: f64, #[case] lacks: f64, #[case] expected: Option<f64>) {
        let kind = Chemistry::charged_to(Volts(full)).expect("a usual voltage");
        let found = kind.lacking(Percent(lacks), Volts(full)).map(|volts| volts.0);
        assert_eq!(
            found.map(|v| (v * 100.0).round()),
            expected.map(|v| (v * 100.0).round()),
            "{kind:?} {found:?}"
        );
    }

    #[rstest]
    #[case(3.45, Some(Chemistry::Lfp))]
    #[case(4.10, Some(Chemistry::Nmc))]
    #[case(2.60, Some(Chemistry::Lto))]
    #[case(3.0, None)]
    fn what_cells_are_by_their_voltage(#[case] charged: f64, #[case] expected: Option<Chemistry>) {
        assert_eq!(Chemistry::charged_to(Volts(charged)), expected);
    }

    #[test]
    fn what_a_cell_is_used_between_is_in_order_and_usual() {
        for chemistry in Chemistry::ALL {
            let (Cell { charged, empty, over, under, bears, full }, usual) =
                (chemistry.cell(), Chemistry::usual(Some(chemistry)));
            let order = [bears[0], under, empty, full.bulk - full.depth, full.bulk - full.end, full.bulk];
            assert!(order.windows(2).all(|pair| pair[0] < pair[1]), "{chemistry:?} {order:?}");
            assert!(full.bulk <= charged && charged < over && over < bears[1], "{chemistry:?}");
            let within = |value: f64, [low, high]: [f64; 2]| (low..=high).contains(&value);
            assert!(within(charged, usual.charged) && within(empty, usual.empty), "{chemistry:?}");
            assert!(within(over, usual.over) && within(under, usual.under), "{chemistry:?}");
        }
    }
}
