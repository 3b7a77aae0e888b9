//! The batteries of `rigs/programs`, which behave as public ones do: each is judged as its file says, in the case that decides.

use std::path::Path;
use std::process::Command;

use rstest::rstest;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

#[rstest]
#[case("ramp", "imbalance/five-percent", &["CVL-07", "BEH-IM"])]
#[case("three-modes", "imbalance/five-percent", &["CVL-04"])]
#[case("in-turn", "keep-alive/just-below-ten-minutes", &["BEH-KA", "TIM-03", "TIM-01"])]
#[case("in-turn", "load-dump/full-with-imbalance", &["BEH-AC"])]
#[case("two-packs", "imbalance/five-percent", &["CVL-07", "BEH-IM"])]
#[case("side-by-side", "blackout-recovery/after-over-voltage", &[])]
#[case("side-by-side", "alarms/contactor", &[])]
#[case("high-cell-cut", "imbalance/one-percent", &["CVL-04", "CVL-06", "BEH-IM"])]
fn a_public_behaviour_is_judged(#[case] program: &str, #[case] case: &str, #[case] fail: &[&str]) {
    let out = tempfile::TempDir::new().expect("a temporary folder");
    let battery = Path::new(PROJECT).join(format!("rigs/programs/{program}.yaml"));
    let mut busbar = Command::new(env!("CARGO_BIN_EXE_busbar"));
    busbar.args(["run", "--quiet", case, "--battery"]).arg(&battery).arg("--out").arg(out.path());
    let output = busbar.env("BUSBAR_HOME", PROJECT).output().expect("the binary was built for this test");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(i32::from(!fail.is_empty())), "{said}");

    let verdicts = std::fs::read_to_string(out.path().join("latest/verdicts.json")).expect("verdicts.json");
    let verdicts: serde_json::Value = serde_json::from_str(&verdicts).expect("JSON");
    let of_case = verdicts["cases"][0]["verdicts"].as_array().expect("verdicts of the case");
    let outcome =
        |id: &str| of_case.iter().find(|verdict| verdict["requirement"] == id).map(|v| &v["outcome"]);
    for id in fail {
        assert_eq!(outcome(id).and_then(|outcome| outcome.as_str()), Some("fail"), "{id}: {said}");
    }
    let file = std::fs::read_to_string(battery).expect("the battery file");
    assert!(fail.iter().all(|id| file.contains(id)), "the file expects {fail:?}: {file}");
}
