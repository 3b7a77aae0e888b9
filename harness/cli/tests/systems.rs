//! Good batteries that are not 16 LFP cells at 48 V with a frame a second: each passes where a number of such a battery
//! once stood in a check, a suite or the simulated GX.

use std::fs;
use std::path::Path;
use std::process::Command;

use rstest::rstest;
use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The files of this test beside those that they are like.
fn beside_their_models() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/systems");
    let own = fs::read_dir(here).expect("it is there").map(|entry| entry.expect("an entry").path());
    let models = [
        "rigs/simulated.yaml",
        "rigs/simulated-24v.yaml",
        "rigs/simulated-12v.yaml",
        "rigs/batteries/reference.yaml",
    ]
    .map(|p| Path::new(PROJECT).join(p));
    for path in own.chain(models) {
        fs::copy(&path, folder.path().join(path.file_name().expect("a name"))).expect("a copy");
    }
    folder
}

#[rstest]
#[case::a_cell_of_15_is_not_believed("lfp15", "simulated", &["alarms/cell-voltages"])]
#[case::gaps_between_fast_frames("lfp-fast", "simulated", &["links/late-within-three-seconds", "links/late-beyond-three-seconds"])]
#[case::nmc("nmc14", "rig-nmc", &["feed-in/hold-while-full", "load-dump/full", "alarms/cell-voltages"])]
#[case::at_24_v("lfp8", "simulated-24v", &["excess-pv", "feed-in/hold-while-full"])]
#[case::at_12_v("lfp4", "simulated-12v", &["excess-pv", "feed-in/hold-while-full"])]
fn a_good_battery_passes(#[case] battery: &str, #[case] rig: &str, #[case] cases: &[&str]) {
    let files = beside_their_models();
    let file = |name: &str| files.path().join(format!("{name}.yaml"));
    let output = Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(["run", "--quiet", "--seed", "1", "--out"])
        .arg(files.path().join("runs"))
        .arg("--battery")
        .arg(file(battery))
        .arg("--rig")
        .arg(file(rig))
        .args(cases)
        .env("BUSBAR_HOME", PROJECT)
        .output()
        .expect("the binary was built for this test");
    let said = [output.stdout, output.stderr].concat();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&said));
}
