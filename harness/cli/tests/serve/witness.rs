//! `busbar doctor` and `busbar run` on meters beside the battery that are not what a rig file says.

use std::fs;
use std::os::unix::fs::symlink;

use rstest::rstest;
use tempfile::TempDir;

use super::process::{Serving, output};

const CALIBRATED: &str = "calibration: { date: 2026-03-01, voltage: 0.3 %, current: 0.4 %, zero: 0.1 A }";

/// A served rig whose shunt is so.
fn serve(shunt: &str) -> (Serving, TempDir) {
    let folder = TempDir::new().expect("a folder");
    let rig = folder.path().join("played.yaml");
    let text = format!(
        "rig: played\ntitle: t\nlike: simulated\nplant:\n  witnesses: {{ battery: {{ {shunt} }} }}\n"
    );
    fs::write(&rig, text).expect("written");
    let serving = Serving::start(&["--speed", "20", "--rig", rig.to_str().expect("a plain path")]);
    (serving, folder)
}

/// Its rig file, with these witnesses.
fn rig(serving: &Serving, witnesses: &str, limit: &str) -> String {
    let path = serving.rig("speed: 60", "speed: 20");
    let text = fs::read_to_string(&path).expect("it was written");
    let text = text.replacen("\nlimits:\n", &format!("\nlimits:\n{limit}"), 1);
    fs::write(&path, format!("{text}\nwitnesses:\n{witnesses}")).expect("written");
    path
}

/// What the doctor says, and its exit code.
fn doctor(rig: &str) -> (String, Option<i32>) {
    let done = output(&["doctor", "--listen", "2", "--rig", rig]);
    (String::from_utf8_lossy(&[&done.stdout[..], &done.stderr].concat()).into_owned(), done.status.code())
}

/// Each is found, with what to do.
#[rstest]
#[case::right("hex: 10", "", 0, "SmartShunt 500A/50mV", "fit to run")]
#[case::another_rate("baud: 9600", "", 1, "no block among them", "another bit rate")]
#[case::inverted("inverted: true", "", 1, "no block among them", "an inverted line")]
#[case::half("half: true", "", 1, "no block among them", "no block becomes whole")]
#[case::another_product("product: 41047", "", 1, "this is no shunt", "/dev/serial/by-id")]
#[case::not_a_battery("monitors: -9", "", 1, "MON -9", "battery monitor")]
#[case::silent("silent-after: 1 s", "", 1, "nothing was heard", "is it powered")]
#[case::a_sensor(
    "auxiliary: temperature",
    "  shunt.temperature: { at-most: 60 °C }\n",
    0,
    "auxiliary input: a temperature sensor",
    ""
)]
#[case::no_sensor(
    "auxiliary: starter",
    "  shunt.temperature: { at-most: 60 °C }\n",
    2,
    "told no `shunt.temperature`",
    "set its auxiliary input"
)]
#[case::a_volt_off("voltage-offset: 1 V", "", 2, "the battery says", "sense wire")]
fn what_is_wrong_with_a_shunt_is_found(
    #[case] shunt: &str,
    #[case] limit: &str,
    #[case] code: i32,
    #[case] says: &str,
    #[case] to_do: &str,
) {
    let (serving, _rig) = serve(shunt);
    let port = &serving.witnesses()[0];
    let witness = format!("  - {{ name: Shunt, measures: battery, port: {port}, {CALIBRATED} }}\n");
    let (said, found) = doctor(&rig(&serving, &witness, limit));
    assert_eq!(found, Some(code), "{said}");
    assert!(said.contains(says) && said.contains(to_do), "{said}");
}

/// A path that is not there is told with the name of its witness; the rest of the rig is looked at all the same.
#[test]
fn a_port_that_is_not_there_is_named() {
    let (serving, folder) = serve("");
    let gone = folder.path().join("usb-VE_Direct_cable");
    let witness =
        format!("  - {{ name: Shunt, measures: battery, port: {}, {CALIBRATED} }}\n", gone.display());
    let (said, code) = doctor(&rig(&serving, &witness, ""));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("Shunt: {} is not there", gone.display())), "{said}");
    assert!(said.contains("plug it in") && said.contains("the mains are connected"), "{said}");
}

/// Two witnesses share a port, and one of them names it by a link: the doctor names both, and a run ends before it opens a port.
#[test]
fn one_port_of_two_names_is_found() {
    let (serving, folder) = serve("");
    let port = &serving.witnesses()[0];
    let link = folder.path().join("usb-VE_Direct_cable");
    symlink(port, &link).expect("a link");
    let both = format!(
        "  - {{ name: Shunt, measures: battery, port: {port}, {CALIBRATED} }}\n  - {{ name: MPPT, measures: charger, port: {} }}\n",
        link.display()
    );
    let rig = rig(&serving, &both, "");
    let says = format!("{} (`MPPT`) and {port} (`Shunt`) are one port", link.display());
    let (said, code) = doctor(&rig);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&says), "{said}");
    let out = folder.path().join("out");
    let out = out.to_str().expect("a plain path");
    let done = output(&["run", "--quiet", "--out", out, "--rig", &rig, "gx/start-up"]);
    let said = String::from_utf8_lossy(&[&done.stdout[..], &done.stderr].concat()).into_owned();
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains("are one port"), "{said}");
}
