//! Cells against values. Wrapping and padding are those of the gateway itself (dbus_modbustcp 1.0.101).

use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case(battery::CVL, &[584], 58.4)]
#[case(battery::VOLTAGE, &[5310], 53.1)]
#[case(battery::CURRENT, &[0xFFF9], -0.7)]
#[case(battery::TEMPERATURE, &[140], 14.0)]
#[case(battery::POWER_32, &[0xFFFF, 0xFFDB], -37.0)]
#[case(inverter::AC_IN_POWER, &[0xFE70], -4000.0)]
#[case(inverter::MAX_FEED_IN, &[40], 4000.0)]
#[case(solar::PV_POWER_32, &[1, 0], 65_536.0)]
#[case(grid::ENERGY_FROM_GRID, &[0, 12_345], 123.45)]
#[case(ess::USER_CHARGE_CURRENT, &[65_535], -1.0)]
fn values(#[case] register: Register, #[case] cells: &[u16], #[case] value: f64) {
    assert_eq!(register.read(register.address, cells).map(f64::to_bits), Some(value.to_bits()));
    let mut written = vec![0xAAAA; cells.len()];
    assert!(register.write(value, register.address, &mut written));
    assert_eq!(written, cells);
}

#[rstest]
#[case(battery::CCL, 7000.0, 4464)]
#[case(battery::VOLTAGE, -0.01, 65_535)]
#[case(solar::PV_POWER, 6553.6, 0)]
#[case(battery::CVL, f64::NAN, 0)]
fn the_gateway_wraps(#[case] register: Register, #[case] value: f64, #[case] cell: u16) {
    let mut cells = [0xAAAA];
    assert!(register.write(value, register.address, &mut cells));
    assert_eq!(cells, [cell]);
}

#[rstest]
#[case(inverter::INPUT_CURRENT_LIMIT, 16.0, [160, 0])]
#[case(ess::USER_CHARGE_CURRENT, -1.0, [0xFFFF, 0])]
#[case(inverter::SETPOINT_32, -70_000.0, [0xFFFE, 0xEE90])]
fn settings(#[case] register: Register, #[case] value: f64, #[case] cells: [u16; 2]) {
    assert_eq!(register.setting(value), Ok(cells));
}

#[rstest]
#[case(battery::CVL, 56.0, "GX register 305 (charge voltage limit) is read-only")]
#[case(
    inverter::INPUT_CURRENT_LIMIT,
    7000.0,
    "7000 A does not fit into GX register 22 (AC input current limit), which holds -3276.8 to 3276.7 A"
)]
#[case(
    ess::USER_CHARGE_VOLTAGE,
    f64::NAN,
    "NaN V does not fit into GX register 2710 (user's charge voltage limit, 0 off), which holds 0 to 6553.5 V"
)]
fn refused_settings(#[case] register: Register, #[case] value: f64, #[case] message: &str) {
    assert_eq!(register.setting(value).expect_err("refused").to_string(), message);
}

#[rstest]
#[case("Pack-01#", "Pack-01#")]
#[case("1 ::9", "1 ::9")]
#[case("", "")]
#[case("Zelle 12 links", "Zelle 12")]
#[case("é€", "é?")]
fn texts(#[case] text: &str, #[case] read: &str) {
    let id = battery::MAX_VOLTAGE_CELL_ID;
    let mut cells = [0xAAAA; 32];
    assert!(id.write_text(text, 1290, &mut cells));
    assert_eq!(id.read_text(1290, &cells).as_deref(), Some(read));
    assert_eq!((cells[19], cells[24]), (0xAAAA, 0xAAAA), "the neighbours are untouched");
    assert_eq!(id.read(1290, &cells), None, "a text is no number");
}

#[test]
fn every_register_is_in_one_block_and_no_block_is_too_long() {
    for register in REGISTERS {
        let holds = |block: &&Block| {
            let mut cells = vec![0; usize::from(block.count)];
            block.product == register.product
                && (register.write(1.0, block.first, &mut cells)
                    || register.write_text("1", block.first, &mut cells))
        };
        assert_eq!(BLOCKS.iter().filter(holds).count(), 1, "{register:?}");
    }
    for block in BLOCKS {
        let end = block.first + block.count;
        let of = || REGISTERS.iter().filter(|r| r.product == block.product);
        assert!(of().any(|r| r.address == block.first) && of().any(|r| r.address + r.kind.cells() == end));
        assert!(block.count <= 125, "a gateway answers more with exception 3");
    }
}

/// As few requests as gaps, the 125 cells of one and what older GX do not have allow.
#[test]
fn no_two_blocks_could_be_one() {
    for pair in BLOCKS.windows(2) {
        let [a, b] = pair else { unreachable!("windows of two") };
        let whole = b.first.saturating_add(b.count).saturating_sub(a.first);
        let one = a.product == b.product && whole <= 125 && Block::run_of(a.first, whole).is_some();
        assert!(!one || b.is_newer(), "{a:?} {b:?}");
    }
}

#[test]
fn no_two_registers_share_a_cell() {
    for pair in REGISTERS.windows(2) {
        let [a, b] = pair else { unreachable!("windows of two") };
        assert!(a.product != b.product || a.address + a.kind.cells() <= b.address, "{a:?} {b:?}");
    }
}

proptest! {
    #[test]
    fn cells_survive(row in 0..REGISTERS.len(), cells: [u16; 6]) {
        let register = &REGISTERS[row];
        let cells = &cells[..usize::from(register.kind.cells())];
        if let Some(value) = register.read(register.address, cells) {
            let mut again = vec![0; cells.len()];
            prop_assert!(register.write(value, register.address, &mut again));
            prop_assert_eq!(again, cells);
            if register.writable {
                prop_assert_eq!(&register.setting(value).expect("what was read fits")[..cells.len()], cells);
            }
        }
    }

    #[test]
    fn no_answer_panics(row in 0..REGISTERS.len(), first: u16, mut cells in proptest::collection::vec(any::<u16>(), 0..130)) {
        let register = &REGISTERS[row];
        let read = register.read(first, &cells).is_some() || register.read_text(first, &cells).is_some();
        let written = register.write(1e300, first, &mut cells) || register.write_text("x", first, &mut cells);
        prop_assert_eq!(read, written);
    }
}
