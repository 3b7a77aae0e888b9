//! `busbar doctor` on a sound rig and on broken ones.

use rstest::rstest;

use super::process::{Serving, output};

/// What it says of a rig file, and its exit code.
fn doctor(rig: &str, more: &[&str]) -> (String, Option<i32>) {
    let done = output(&[&["doctor", "--listen", "1", "--rig", rig], more].concat());
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    (said, done.status.code())
}

#[test]
fn a_simulated_rig_has_nothing_to_look_at() {
    let (said, code) = doctor("simulated", &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("nothing to look at"), "{said}");
}

#[test]
fn a_sound_rig_is_fit() {
    let serving = Serving::start(&["--speed", "20"]);
    let rig = serving.rig("speed: 60", "speed: 20");
    let (said, code) = doctor(&rig, &[]);
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "SIMULATED PSU",
        "its output is off",
        "error-active",
        "0x351 (",
        "BusbarLFP Ref",
        "a GX: 0x305",
        "the solar charger answers as unit 229",
        "it takes what is written to feed in excess DC-coupled PV (register 2707)",
        "it takes what is written to AC input current limit (register 22)",
        "CVL: ",
        "stated by the simulated GX itself",
        "listens",
        "fit to run",
    ] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
    let (said, code) = doctor(&rig, &["--format", "json"]);
    assert_eq!(code, Some(0), "{said}");
    let json: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&json["outcome"], &json["simulated"]), (&"ok".into(), &false.into()));
    let findings = json["findings"].as_array().expect("findings");
    assert!(findings.iter().all(|f| f["level"] == "ok" && f["about"].is_string() && f["what"].is_string()));
}

/// One thing is wrong; each is found, with what to do.
#[rstest]
#[case::no_adapter("/tmp/busbar/can", "/nonexistent/can", 1, "/nonexistent/can is not there", "plug it in")]
#[case::no_supply("/tmp/busbar/psu", "/nonexistent/psu", 1, "/nonexistent/psu is not there", "plug it in")]
#[case::another_profile(
    "profile: generic",
    "profile: rigol",
    1,
    "expected a supply of the profile",
    "psu-profiles"
)]
#[case::no_profile("profile: generic", "profile: generix", 65, "names the PSU profile `generix`", "generic")]
#[case::no_watchdog(
    "accepted-risk: nothing of it is real",
    "watchdog: 10 s",
    65,
    "does not have",
    "`interlock:`"
)]
#[case::another_unit("solar: 229", "solar: 231", 1, "no solar charger as unit 231", "Available services")]
#[case::another_battery_unit("battery: 225", "battery: 226", 1, "no battery as unit 226", "does the GX list")]
#[case::a_supply_that_is_too_small(
    "supply.current: { at-most: 60 A }\n  pv-power-max: 6 kW",
    "supply.current: { at-most: 64 A }\n  pv-power-max: 8 kW",
    1,
    "a run asks for a current of 64 A, and it can 60 A",
    "take another supply"
)]
#[case::a_closed_port("127.0.0.1:1502", "127.0.0.1:1", 1, "127.0.0.1:1: ", "Modbus TCP enabled")]
#[case::no_operator("127.0.0.1:1503", "127.0.0.1:1", 1, "no operator at 127.0.0.1:1", "start it")]
#[case::nobody(
    "tcp: { address: \"127.0.0.1:1503\", timeout: 10 s }",
    "terminal: { timeout: 1 s }",
    65,
    "claims",
    ""
)]
#[case::another_bit_rate("bit-rate: 500 kbit/s", "bit-rate: 250 kbit/s", 1, "nothing was heard", "120 Ω")]
#[case::another_speed("speed: 60", "speed: 3", 1, "times as fast as the clock", "correct `live.speed`")]
#[case::svs_on("svs: off", "svs: on", 1, "shared voltage sense is on", "disable SVS")]
#[case::nothing_stated("gx: { dvcc: on", "#gx: { dvcc: on", 2, "nobody has stated", "Settings, DVCC")]
#[case::tight_limits(
    "battery.voltage: { at-most: 60 V",
    "battery.voltage: { at-most: 50 V",
    1,
    "the rig allows 36 V to 50 V",
    "limits"
)]
#[case::a_switch(
    "operator:",
    "switches:\n    ac-load: [ { power: 1 kW, by: { coil: { address: \"127.0.0.1:1\", unit: 1, number: 0 } } } ]\n  operator:",
    1,
    "coil 0 of unit 1 at 127.0.0.1:1 cannot be read",
    "live.switches"
)]
fn what_is_wrong_is_found(
    #[case] good: &str,
    #[case] other: &str,
    #[case] code: i32,
    #[case] says: &str,
    #[case] to_do: &str,
) {
    let serving = Serving::start(&["--speed", "20"]);
    let (said, found) = doctor(&serving.rig(good, other), &[]);
    assert_eq!(found, Some(code), "{said}");
    assert!(said.contains(says) && said.contains(to_do), "{said}");
}

/// What the supply said, as the file that a laboratory sends in: every word, no serial number, and never over another file.
#[test]
fn what_the_supply_says_is_recorded() {
    let serving = Serving::start(&["--speed", "20", "--psu-profile", "ea"]);
    let rig = serving.rig("profile: generic", "profile: ea");
    let file = serving.at().join("supply.txt");
    let path = file.to_str().expect("a plain path");
    let (said, code) = doctor(&rig, &["--record", path]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("it can 200 V, 60 A, 12000 W") && said.contains("read it before you send it"),
        "{said}"
    );
    let text = std::fs::read_to_string(&file).expect("it was written");
    let dialogue = lab::psu::Dialogue::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let answers = dialogue.answers();
    assert_eq!(dialogue.profile, "ea");
    for question in
        [&b"*IDN?\n"[..], b"SYST:LOCK:OWN?\n", b"SYST:NOM:VOLT?\n", b"VOLT 0.00\n", b"MEAS:VOLT?\n"]
    {
        assert!(answers.contains_key(question), "{}: {text}", question.escape_ascii());
    }
    assert!(text.contains("PSI 9200-70 T, 0000000000,") && !text.contains("2345670001"), "{text}");
    assert!(!text.contains("OUTP ON"), "nothing is switched on");
    let (said, code) = doctor(&rig, &["--record", path]);
    assert!(code != Some(0) && said.contains("supply.txt"), "{said}");
}

/// Somebody has left the output on, and the mains are cut: nothing of it is changed.
#[test]
fn an_output_that_is_on_is_found_and_left_alone() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let serving = Serving::start(&["--speed", "20", "--psu-port", "0"]);
    let port = format!("port: {{ tcp: \"{}\" }}", serving.address("psu"));
    let rig = serving.rig("port: { serial: /tmp/busbar/psu }", &port);
    let ask = |lines: &str| {
        let mut stream = std::net::TcpStream::connect(serving.address("psu")).expect("it listens");
        stream.write_all(lines.as_bytes()).expect("sent");
        let mut said = String::new();
        BufReader::new(stream).read_line(&mut said).expect("an answer");
        said
    };
    assert_eq!(ask("VOLT 60\nCURR 5\nOUTP ON\nOUTP?\n").trim(), "1");
    let (said, code) = doctor(&rig, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("its output is on") && said.contains("60 V at its terminals"), "{said}");
    assert_eq!(ask("OUTP?\n").trim(), "1", "it is as it was");
}

#[test]
fn a_rig_must_be_named() {
    let done = output(&["doctor"]);
    assert_eq!(done.status.code(), Some(64));
}
