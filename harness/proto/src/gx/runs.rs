//! Which addresses the gateway maps: a request may cross every cell of a run, and no end of one.

use super::{Block, Product};

/// Every run of cells without a gap that holds registers of the table (`attributes.csv` of dbus_modbustcp 1.0.101). A
/// cell that no register of the table holds belongs to a value that these products do not have, and reads 0.
pub static RUNS: &[Block] = &[
    Block { product: Product::Inverter, first: 3, count: 145 },
    Block { product: Product::Battery, first: 256, count: 76 },
    Block { product: Product::Solar, first: 771, count: 23 },
    Block { product: Product::System, first: 800, count: 120 },
    Block { product: Product::Battery, first: 1282, count: 62 },
    Block { product: Product::Grid, first: 2600, count: 58 },
    Block { product: Product::Ess, first: 2700, count: 25 },
    Block { product: Product::Ess, first: 2900, count: 4 },
];

/// Cells that are mapped to nothing, first and last: they read 65535.
pub static RESERVED: &[(u16, u16)] = &[
    (122, 129),
    (138, 139),
    (782, 783),
    (827, 829),
    (836, 839),
    (847, 849),
    (852, 854),
    (856, 859),
    (861, 864),
    (867, 867),
    (2649, 2649),
    (2719, 2719),
];

/// What a reserved cell reads.
pub const RESERVED_CELL: u16 = 0xFFFF;

impl Block {
    /// The run that holds all of these cells; nothing where the gateway answers with exception 2.
    #[must_use]
    pub fn run_of(address: u16, count: u16) -> Option<&'static Self> {
        RUNS.iter().find(|run| {
            let offset = address.checked_sub(run.first);
            offset.is_some_and(|offset| u32::from(offset) + u32::from(count) <= u32::from(run.count))
        })
    }
}

/// Whether a cell is mapped to nothing.
#[must_use]
pub fn is_reserved(address: u16) -> bool {
    RESERVED.iter().any(|&(first, last)| (first..=last).contains(&address))
}

#[cfg(test)]
mod tests {
    use super::super::{BLOCKS, REGISTERS};
    use super::*;
    use rstest::rstest;

    #[test]
    fn every_register_and_every_block_lies_in_a_run_of_its_product() {
        for r in REGISTERS {
            let run = Block::run_of(r.address, r.kind.cells()).expect(r.label);
            assert_eq!(run.product, r.product, "{}", r.label);
            assert!((r.address..r.address + r.kind.cells()).all(|cell| !is_reserved(cell)), "{}", r.label);
        }
        for block in BLOCKS {
            let run = Block::run_of(block.first, block.count).expect("a block can be read");
            assert_eq!(run.product, block.product);
        }
        for &(first, last) in RESERVED {
            assert!(Block::run_of(first, last - first + 1).is_some(), "{first}");
        }
    }

    #[rstest]
    #[case(256, 76, true)]
    #[case(256, 77, false)]
    #[case(255, 2, false)]
    #[case(331, 2, false)]
    #[case(825, 10, true)]
    #[case(65_535, 1, false)]
    #[case(65_535, 65_535, false)]
    #[case(2710, 1, true)]
    #[case(2899, 2, false)]
    fn ranges(#[case] address: u16, #[case] count: u16, #[case] mapped: bool) {
        assert_eq!(Block::run_of(address, count).is_some(), mapped);
    }
}
