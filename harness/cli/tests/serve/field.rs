//! The instruments that laboratories really have, all at once: a CAN adapter that acknowledges nothing (a CANable with the
//! firmware that it comes with), a supply whose output takes half a second (Chroma), and a GX with firmware of before 2021.

use std::fs;
use std::path::Path;

use super::process::{PROJECT, Serving, output, register};

/// Registers that such a GX does not have: 32 bits of the system and of the solar charger, and what came in 2026.
const LACKS: &str = "    lacks: [[327, 329], [792, 793], [902, 913], [2716, 2717]]\n";

/// What somebody had set on the GX: unit, register, value.
const SET: [(u8, u16, u16); 3] = [(100, 2700, 120), (100, 2707, 1), (227, 22, 200)];

const SUITE: &str = "suite: old
title: The owner changes what the grid is to take
spec: P 1.5.3.1
needs: [pv, gx, grid]
cases:
  - case: setpoint
    title: The sun shines, and the set-point moves
    requirements: [CVL-01, GXD-02]
    start: { soc: 60 %, grid: on, feed-in: off, pv: off, ac-load: off }
    steps:
      - pv: { power: 2 kW }
      - hold: 2 min
      - gx-write: { register: 2700, value: 2500 }
      - hold: 2 min
      - pv: off
      - hold: 1 min
      - pv: { power: 1 kW }
      - hold: 2 min
";

#[test]
fn a_laboratory_with_cheap_and_old_instruments() {
    let folder = tempfile::tempdir().expect("a folder");
    let rig = fs::read_to_string(Path::new(PROJECT).join("rigs/simulated.yaml")).expect("it is shipped");
    let units = "\n      units:\n";
    assert!(rig.contains(units), "the gateway stands in the file");
    let old = folder.path().join("simulated.yaml");
    fs::write(&old, rig.replacen(units, &format!("\n  {LACKS}      units:\n"), 1)).expect("written");
    let suite = folder.path().join("old.yaml");
    fs::write(&suite, SUITE).expect("written");
    let [old, suite] = [&old, &suite].map(|path| path.to_str().expect("a plain path"));
    let serving =
        Serving::start(&["--speed", "20", "--rig", old, "--mute-adapters", "--psu-profile", "chroma"]);
    let rig = serving.rig("profile: generic", "profile: chroma");
    let text = fs::read_to_string(&rig).expect("written").replace("speed: 60", "speed: 20");
    fs::write(&rig, text).expect("written");
    let gx = serving.address("gx");
    let held = || SET.map(|(unit, at, _)| (unit, at, register(&gx, unit, at, None)));
    for (unit, at, value) in SET {
        register(&gx, unit, at, Some(value));
    }

    let done = output(&["doctor", "--listen", "1", "--rig", &rig]);
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(done.status.code(), Some(2), "{said}");
    for part in [
        "it acknowledges nothing: whether it took the bit rate",
        "CHROMA",
        "its output is off",
        "it has no registers 902 to 913 of the system (exception 2)",
        "327 to 329 of the battery (exception 2): they came in 2026",
        "the solar charger answers as unit 229",
        "it takes what is written to feed in excess DC-coupled PV (register 2707)",
        "a run can begin",
    ] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
    assert_eq!(held(), SET, "the doctor leaves it as it is");

    let out = folder.path().join("runs");
    let done =
        output(&["run", "--quiet", "--rig", &rig, "--out", out.to_str().expect("a plain path"), suite]);
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert_eq!(held(), SET, "the run leaves it as it was");
    let run = fs::read_dir(&out).expect("a run").flatten().next().expect("one").path();
    let wire = fs::read_to_string(run.join("psu-wire.log")).expect("it is kept");
    assert!(wire.matches("> CONF:OUTP ON").count() >= 2, "it was on twice: {wire}");
    let gx_saw = fs::read_to_string(run.join("events.jsonl")).expect("it is kept");
    assert!(!gx_saw.contains("has no battery"), "{gx_saw}");
}
