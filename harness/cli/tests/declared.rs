//! Batteries of which only the data sheet is said: each does right, whatever its cells, their number and their size, on the rig of
//! its system voltage.

use std::process::Command;

use proto::chemistry::{Cell, Chemistry};
use rstest::rstest;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Cells in series, Ah, A of charge and of discharge, and how much lower than usual a cell is charged to and trips, V.
#[rstest]
#[case::of_100_ah(Chemistry::Lfp, 16, 100, [50, 100], 0.0)]
#[case::of_50_ah(Chemistry::Lfp, 16, 50, [25, 50], 0.0)]
#[case::fifteen(Chemistry::Lfp, 15, 100, [50, 100], 0.0)]
#[case::for_24_v(Chemistry::Lfp, 8, 100, [50, 100], 0.0)]
#[case::for_12_v(Chemistry::Lfp, 4, 100, [50, 100], 0.0)]
#[case::of_1000_ah(Chemistry::Lfp, 16, 1000, [500, 500], 0.0)]
#[case::nickel(Chemistry::Nmc, 14, 100, [50, 100], 0.0)]
#[case::nickel_to_4_15_v(Chemistry::Nmc, 14, 100, [50, 100], 0.05)]
#[case::nickel_for_24_v(Chemistry::Nmc, 7, 100, [50, 100], 0.0)]
#[case::titanate(Chemistry::Lto, 22, 100, [100, 100], 0.0)]
fn what_is_declared_makes_a_battery_that_passes(
    #[case] chemistry: Chemistry,
    #[case] cells: u16,
    #[case] capacity: u32,
    #[case] amps: [u32; 2],
    #[case] lower: f64,
) {
    let [charge, discharge] = amps;
    let Cell { charged, empty, over, under, .. } = chemistry.cell();
    let n = f64::from(cells);
    let declared = format!(
        "battery: b\ntitle: t\nexpect: pass\ndeclared: {{ chemistry: {}, cells: {cells}, capacity: {capacity} Ah, \
         max-charge-voltage: {:.1} V, min-voltage: {:.1} V, cell-over-voltage: {:.2} V, cell-under-voltage: {under} V, \
         max-charge-current: {charge} A, max-discharge-current: {discharge} A, max-temperature: 55 °C }}\n",
        chemistry.name(),
        n * (charged - lower),
        n * empty,
        over - lower,
    );
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let battery = folder.path().join("b.yaml");
    std::fs::write(&battery, &declared).expect("writable");
    let mut busbar = Command::new(env!("CARGO_BIN_EXE_busbar"));
    busbar.args(["run", "--quiet", "--battery"]).arg(&battery).arg("--out").arg(folder.path().join("runs"));
    let output = busbar.env("BUSBAR_HOME", PROJECT).output().expect("the binary was built for this test");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{declared}\n{said}");
}
