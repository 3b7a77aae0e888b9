//! The served rig as other processes meet it: how it begins and ends, what `busbar doctor` finds of it, and that
//! `busbar run` comes to the same verdicts on it as on the simulated one.

#![cfg(unix)]

mod clock;
mod days;
mod disk;
mod doctor;
mod field;
mod firmware;
mod handed;
mod lease;
mod limits;
mod night;
mod process;
mod shared;
mod watchdog;
mod wire;
mod witness;

use std::fs;
use std::time::Duration;

use process::{Serving, output};

#[test]
fn a_signal_ends_it_cleanly() {
    for signal in ["-TERM", "-INT"] {
        let serving = Serving::start(&["--speed", "10", "--psu-port", "0"]);
        // The addresses are there before the last words are.
        std::thread::sleep(Duration::from_millis(200));
        let gx = serving.address("gx");
        let (code, said, folder) = serving.end(signal);
        assert_eq!(code, Some(0), "{signal}");
        assert!(said.contains("10 times as fast") && said.contains(&gx), "{said}");
        assert_eq!(
            fs::read_dir(folder.path().join("at")).expect("it is there").count(),
            0,
            "nothing is left"
        );
    }
}

#[test]
fn what_cannot_be_served_is_refused() {
    let refused = |args: &[&str], code: i32, says: &str| {
        let done = output(args);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(code), "{said}");
        assert!(said.contains(says), "{said}");
    };
    refused(&["serve", "--speed", "0"], 64, "--speed");
    refused(&["serve", "--psu-profile", "no-such"], 64, "no PSU profile is called `no-such`");
    refused(&["serve", "--rig", "served"], 65, "not a simulated rig");
    refused(&["serve", "--can", "busbar9", "--at", "/nonexistent/x", "--gx-port", "0"], 2, "busbar9");
}

#[test]
fn a_folder_in_which_another_is_served_or_that_holds_something_else_is_left_alone() {
    let serving = Serving::start(&[]);
    let own = fs::read_link(serving.at().join("psu")).expect("a link");
    let serve = |at: &std::path::Path| {
        let at = at.to_str().expect("a plain path");
        let done = output(&["serve", "--gx-port", "0", "--operator-port", "0", "--at", at]);
        assert_eq!(done.status.code(), Some(2));
        String::from_utf8_lossy(&done.stderr).into_owned()
    };
    let said = serve(&serving.at());
    assert!(said.contains("another `busbar serve`"), "{said}");
    assert_eq!(fs::read_link(serving.at().join("psu")).expect("it is still there"), own);

    let folder = tempfile::tempdir().expect("a folder");
    let (addresses, precious) = (folder.path().join("addresses.json"), folder.path().join("precious"));
    fs::write(&precious, "precious").expect("written");
    std::os::unix::fs::symlink(&precious, &addresses).expect("a link");
    for _ in 0..2 {
        let said = serve(folder.path());
        assert!(said.contains("choose another folder with --at"), "{said}");
        assert_eq!(fs::read_to_string(&precious).expect("it is there"), "precious");
        let _ = fs::remove_file(&addresses);
        fs::write(&addresses, "{ \"mine\": 1 }").expect("written");
    }
    let said = serve(&precious);
    assert!(said.contains("choose a folder that can be written"), "{said}");
}

/// Requirement and outcome of every case of a run.
fn verdicts(rig: &str, cases: &[&str]) -> Vec<(String, String)> {
    let out = tempfile::tempdir().expect("a folder");
    let folder = out.path().to_str().expect("a plain path");
    let done =
        output(&[&["run", "--quiet", "--format", "json", "--out", folder, "--rig", rig], cases].concat());
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let json: serde_json::Value =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&done.stderr)));
    let list = |value: &serde_json::Value| value.as_array().expect("a list").clone();
    let mut verdicts = Vec::new();
    for case in list(&json["cases"]) {
        let name = format!("{} {}", case["suite"], case["case"]);
        verdicts.push((format!("{name}: {}", case["reason"]), case["outcome"].to_string()));
        for verdict in list(&case["verdicts"]) {
            verdicts.push((format!("{name} {}", verdict["requirement"]), verdict["outcome"].to_string()));
        }
    }
    verdicts
}

/// The whole of the live bench: SLCAN, SCPI on a pseudo-terminal, Modbus-TCP, operator. The four suites with which a
/// manufacturer begins are compared by `cargo xtask served`.
#[test]
fn a_case_ends_the_same_on_wires_and_in_the_box() {
    let serving = Serving::start(&["--speed", "60"]);
    let rig = serving.rig("speed: 60", "speed: 60");
    let in_the_box = verdicts("simulated", &["gx/start-up"]);
    assert_eq!(in_the_box.first().expect("a case").1, "\"pass\"");
    // A busy machine that stands still for a moment is late by a minute of the rig; that happens, but not thrice.
    let mut on_wires = verdicts(&rig, &["gx/start-up"]);
    for _ in 0..2 {
        if on_wires != in_the_box {
            on_wires = verdicts(&rig, &["gx/start-up"]);
        }
    }
    assert_eq!(on_wires, in_the_box);
}
