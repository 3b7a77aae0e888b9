//! The gateway for Modbus-TCP as a value: asked for cells, it answers as the real one does, traps included. It reads
//! no clock and opens no socket; whoever serves it brings it up to date and takes the requests.

use proto::gx::{Block, Exception, Product, RESERVED_CELL, RUNS, Register, is_reserved};

use crate::params::ModbusParams;

/// The most cells that one request may read.
const MOST_READ: u16 = 125;
/// The most cells that one request may write (Modbus: 246 bytes).
const MOST_WRITTEN: usize = 123;
/// The unit ids of system and settings.
const SYSTEM: [u8; 2] = [0, 100];

/// Every cell of every product, and which products are there.
#[derive(Debug, Clone)]
pub struct Image {
    params: ModbusParams,
    /// cells of all runs, one after the other, in the order of `RUNS`
    cells: Vec<u16>,
    products: [Presence; Product::COUNT],
}

/// Whether a product is there, and how many reads still miss it.
#[derive(Debug, Clone, Copy, Default)]
struct Presence {
    there: bool,
    misses: u8,
}

impl Image {
    /// A gateway that has no product yet.
    #[must_use]
    pub fn new(params: &ModbusParams) -> Self {
        let count = RUNS.iter().map(|run| usize::from(run.count)).sum();
        let mut image = Self {
            params: params.clone(),
            cells: vec![0; count],
            products: [Presence::default(); Product::COUNT],
        };
        for (at, run) in starts() {
            for k in (0..run.count).filter(|k| is_reserved(run.first + k)) {
                image.cells[at + usize::from(k)] = RESERVED_CELL;
            }
        }
        image
    }

    /// Answers functions 3 and 4: so many cells from an address on.
    ///
    /// # Errors
    /// The exception that the gateway answers with.
    pub fn read(&mut self, unit: u8, function: u8, address: u16, count: u16) -> Result<Vec<u16>, Exception> {
        if !matches!(function, 3 | 4) {
            return Err(Exception::Function);
        }
        if count == 0 || count > MOST_READ {
            return Err(Exception::Value);
        }
        let run = self.reach(unit, address, count)?;
        let presence = &mut self.products[run.product as usize];
        if presence.misses > 0 {
            presence.misses -= 1;
            return Err(Exception::NoProduct);
        }
        let begin = place(run, address);
        Ok(self.cells[begin..begin + usize::from(count)].to_vec())
    }

    /// Judges functions 6 and 16: values for cells from an address on. What passes is acknowledged, whether the GX
    /// then takes the value or not.
    ///
    /// # Errors
    /// The exception that the gateway answers with.
    pub fn write(&self, unit: u8, function: u8, address: u16, values: &[u16]) -> Result<(), Exception> {
        if !matches!(function, 6 | 16) {
            return Err(Exception::Function);
        }
        if values.is_empty() || values.len() > MOST_WRITTEN || (function == 6 && values.len() != 1) {
            return Err(Exception::Value);
        }
        let run = self.reach(unit, address, values.len() as u16)?;
        let end = address + values.len() as u16;
        let writable = |cell: u16| {
            let holds = |r: &Register| {
                r.product == run.product && (r.address..r.address + r.kind.cells()).contains(&cell)
            };
            is_reserved(cell) || proto::gx::REGISTERS.iter().any(|r| r.writable && holds(r))
        };
        if (address..end).all(writable) { Ok(()) } else { Err(Exception::Address) }
    }

    /// The run that holds the cells, of a product that is there under this unit id.
    fn reach(&self, unit: u8, address: u16, count: u16) -> Result<&'static Block, Exception> {
        let end = u32::from(address) + u32::from(count);
        let lacks = self.params.lacks.iter().any(|&(first, last)| u32::from(first) < end && address <= last);
        let run = Block::run_of(address, count).filter(|_| !lacks).ok_or(Exception::Address)?;
        let there = self.products[run.product as usize].there && self.is_unit(run.product, unit);
        if there { Ok(run) } else { Err(Exception::NoProduct) }
    }

    fn is_unit(&self, product: Product, unit: u8) -> bool {
        let units = &self.params.units;
        match product {
            Product::Battery => unit == units.battery,
            Product::Inverter => unit == units.inverter,
            Product::Solar => unit == units.solar,
            Product::Grid => unit == units.grid,
            Product::System | Product::Ess => SYSTEM.contains(&unit),
        }
    }

    /// A product comes, goes or stays. One that comes back is missed by the next reads.
    pub(super) fn attend(&mut self, product: Product, there: bool) {
        let presence = &mut self.products[product as usize];
        if there && !presence.there {
            presence.misses = self.params.missed_reads;
        }
        presence.there = there;
    }

    /// Every product that is there was there before anybody asked.
    pub(crate) fn settle(&mut self) {
        self.products.iter_mut().for_each(|presence| presence.misses = 0);
    }

    /// Puts a value into its register; a NaN reads 0, as a value that is not available.
    pub(super) fn put(&mut self, register: Register, value: f64) {
        let (first, cells) = self.run_mut(register);
        register.write(value, first, cells);
    }

    /// Puts a text into its register.
    pub(super) fn put_text(&mut self, register: Register, text: &[u8]) {
        let (first, cells) = self.run_mut(register);
        register.write_bytes(text.iter().copied(), first, cells);
    }

    fn run_mut(&mut self, register: Register) -> (u16, &mut [u16]) {
        let found = starts().find(|(_, run)| {
            run.product == register.product && (run.first..run.first + run.count).contains(&register.address)
        });
        match found {
            Some((at, run)) => (run.first, &mut self.cells[at..at + usize::from(run.count)]),
            // Every register of the table lies in a run.
            None => (0, &mut []),
        }
    }
}

/// Where each run begins among the cells.
fn starts() -> impl Iterator<Item = (usize, &'static Block)> {
    RUNS.iter().scan(0, |next, run| {
        let at = *next;
        *next += usize::from(run.count);
        Some((at, run))
    })
}

/// Where a cell of a run is.
fn place(run: &Block, address: u16) -> usize {
    let begin = starts().find(|(_, other)| *other == run).map_or(0, |(at, _)| at);
    begin + usize::from(address - run.first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn image() -> Image {
        let mut image = Image::new(&ModbusParams::default());
        for run in RUNS {
            image.attend(run.product, true);
        }
        image.settle();
        image
    }

    #[rstest]
    #[case::a_function_nobody_knows(225, 1, 259, 1, Err(Exception::Function))]
    #[case::nothing(225, 3, 259, 0, Err(Exception::Value))]
    #[case::too_much(225, 3, 259, 126, Err(Exception::Value))]
    #[case::an_address_that_is_not_mapped(225, 3, 250, 1, Err(Exception::Address))]
    #[case::across_a_gap(225, 3, 1281, 2, Err(Exception::Address))]
    #[case::another_unit(100, 3, 259, 1, Err(Exception::NoProduct))]
    #[case::an_address_of_another_product(225, 3, 840, 1, Err(Exception::NoProduct))]
    #[case::input_registers_are_the_same(225, 4, 256, 76, Ok(76))]
    #[case::across_reserved_cells(100, 3, 825, 10, Ok(10))]
    #[case::unit_0_is_the_system_too(0, 3, 2700, 11, Ok(11))]
    fn answers(
        #[case] unit: u8,
        #[case] function: u8,
        #[case] address: u16,
        #[case] count: u16,
        #[case] expected: Result<usize, Exception>,
    ) {
        assert_eq!(image().read(unit, function, address, count).map(|cells| cells.len()), expected);
    }

    /// Firmware of before 2026 (dbus_modbustcp c7aeeac) has no 327 to 329: whoever reads across them gets nothing.
    #[rstest]
    #[case(326, 1, true)]
    #[case(326, 2, false)]
    #[case(329, 1, false)]
    #[case(329, 3, false)]
    #[case(330, 1, true)]
    #[case(256, 76, false)]
    fn old_firmware_lacks_registers(#[case] address: u16, #[case] count: u16, #[case] has: bool) {
        let mut image = image();
        image.params.lacks = vec![(327, 329)];
        assert_eq!(image.read(225, 3, address, count).is_ok(), has);
    }

    #[test]
    fn reserved_cells_read_65535_and_unavailable_ones_0() {
        assert_eq!(image().read(100, 3, 826, 5), Ok(vec![0, 65_535, 65_535, 65_535, 0]));
    }

    #[rstest]
    #[case::one(100, 6, 2707, 1, Ok(()))]
    #[case::several(100, 16, 2704, 5, Ok(()))]
    #[case::the_high_cell_of_32_bits(227, 16, 96, 2, Ok(()))]
    #[case::one_function_writes_one(100, 6, 2707, 2, Err(Exception::Value))]
    #[case::none(100, 16, 2707, 0, Err(Exception::Value))]
    #[case::too_many(100, 16, 2700, 124, Err(Exception::Value))]
    #[case::a_reading_function(100, 3, 2707, 1, Err(Exception::Function))]
    #[case::read_only(225, 6, 305, 1, Err(Exception::Address))]
    #[case::read_only_among_others(100, 16, 2708, 3, Err(Exception::Address))]
    #[case::not_mapped(100, 6, 3000, 1, Err(Exception::Address))]
    #[case::another_unit(225, 6, 2707, 1, Err(Exception::NoProduct))]
    fn writes(
        #[case] unit: u8,
        #[case] function: u8,
        #[case] address: u16,
        #[case] count: usize,
        #[case] expected: Result<(), Exception>,
    ) {
        assert_eq!(image().write(unit, function, address, &vec![1; count]), expected);
    }

    #[test]
    fn a_product_that_vanishes_is_missed_at_once_and_for_two_reads_after_it_came_back() {
        let mut image = image();
        let read = |image: &mut Image| image.read(225, 3, 259, 1);
        assert_eq!(read(&mut image), Ok(vec![0]));
        image.attend(Product::Battery, false);
        assert_eq!(read(&mut image), Err(Exception::NoProduct));
        image.attend(Product::Battery, true);
        assert_eq!(read(&mut image), Err(Exception::NoProduct));
        image.attend(Product::Battery, true);
        assert_eq!(read(&mut image), Err(Exception::NoProduct));
        assert_eq!(read(&mut image), Ok(vec![0]));
    }

    proptest! {
        #[test]
        fn no_request_panics(unit: u8, function: u8, address: u16, count: u16, values in proptest::collection::vec(any::<u16>(), 0..130)) {
            let mut image = image();
            if let Ok(cells) = image.read(unit, function, address, count) {
                prop_assert_eq!(cells.len(), usize::from(count));
            }
            let before = image.cells.clone();
            let _ = image.write(unit, function, address, &values);
            prop_assert_eq!(before, image.cells, "judged, not applied");
        }
    }
}
