//! `busbar lint` as a person runs it: on logs of real batteries (their sources are in their comments or beside them),
//! on what is no log, in every format.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

fn logs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs")
}

fn busbar(folder: &Path, args: &[&str]) -> Output {
    // Messages name files as they were given.
    Command::new(env!("CARGO_BIN_EXE_busbar"))
        .current_dir(folder)
        .arg("lint")
        .args(args)
        .output()
        .expect("it starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// The result on a text as JSON, and the exit code.
fn judged(text: &str, args: &[&str]) -> (Value, i32) {
    let folder = TempDir::new().expect("a temporary folder");
    std::fs::write(folder.path().join("x.log"), text).expect("written");
    let output = busbar(folder.path(), &[&["--format", "json", "x.log"], args].concat());
    let code = output.status.code().expect("it ended by itself");
    (serde_json::from_str(&stdout(&output)).unwrap_or_else(|_| panic!("{}", stderr(&output))), code)
}

/// The requirements that stand so, in the order of the catalogue.
fn standing<'a>(json: &'a Value, standing: &str) -> Vec<&'a str> {
    let verdicts = json["logs"][0]["verdicts"].as_array().expect("verdicts");
    verdicts.iter().filter(|v| v["standing"] == standing).filter_map(|v| v["requirement"].as_str()).collect()
}

/// Everything that is said of the log: reasons of verdicts that do not pass, headline, remarks.
fn said(json: &Value) -> String {
    let log = &json["logs"][0];
    let verdicts = log["verdicts"].as_array().expect("verdicts").iter();
    let reasons = verdicts
        .filter(|v| v["outcome"] != "pass" && v["outcome"] != "not-applicable")
        .map(|v| v["reason"].clone());
    let remarks = log["remarks"].as_array().expect("remarks").iter().cloned();
    reasons.chain(remarks).chain([log["headline"].clone()]).map(|text| format!("{text}\n")).collect()
}

/// Frames as candump writes them, so many cycles of a second.
fn cycles(count: u64, frames: &[&str]) -> String {
    let frame = |s: u64, k: usize| format!("({}.{:06}) can0 {}\n", 1_700_000_000 + s, 10_000 * k, frames[k]);
    (0..count).flat_map(|s| (0..frames.len()).map(move |k| frame(s, k))).collect()
}

const SYNTHETIC: &str = "# timestamps: synthetic\n";

/// P 5.1, as its document shows it: 29-bit identifiers.
const WIDE: [&str; 4] = [
    "00000356#1479016200F00240",
    "1510A8A0#0000000010050701",
    "161088B9#0301000000000004",
    "305#0000000000000000",
];
/// P 5.1: what typical communication looks like.
const LG: [&str; 6] = [
    "354#04C0001F03000000",
    "35A#0000000000000000",
    "351#45024C044C040000",
    "355#5900640000000000",
    "356#3116CE003E010000",
    "305#0000000000000000",
];
/// Pylontech US5000 with protocol 1.2 (setfirelabs.com, "Pylontech battery CAN comms v1.2 vs v1.3").
const PYLONTECH_1_2: [&str; 6] = [
    "351#1402C012C012C201",
    "355#58005E00",
    "356#7A13F2FE6B01",
    "359#0000000006504E",
    "35C#C000",
    "35E#50594C4F4E202020",
];
/// Samsung SDI ELPM482 (drurew/samsung-sdi-victron-integration): the one frame that was published.
const SAMSUNG: [&str; 1] = ["351#2A02D601D601C001"];

/// What is wrong with each battery in the field is reported, as the requirement it breaks or as a remark, and nothing
/// else fails.
#[rstest]
#[case::byd("byd-lvs-premium.log", 2, &[], &[], &["0x35B", "reserved", "105 Ah of 156 Ah", "not asked for"])]
#[case::deye(
    "deye-se-f12c-18s.log", 1, &["MSG-01"], &["MSG-02", "CCL-02", "IDN-01", "IDN-02"],
    &["0x35A never sent", "0x359 is sent in place of 0x35A", "DY001\\\\x1c", "0x371 as Deye and Sol-Ark inverters read it", "0x35F never", "CCL is 0"]
)]
#[case::pylontech(
    "pylontech-us5000.log", 2, &[], &["ALM-02", "IDN-01"],
    &["supports no alarm", "padded with spaces", "0x35F uses bytes from 6 on"]
)]
#[case::pytes(
    "pytes-v5a.log", 2, &[], &["ALM-02"],
    &["supports no alarm", "0x35E (5, text not padded", "110.1", "0x360 (1)", "0x379 (2)", "0x355 (4", "0x356 (6)"]
)]
#[case::seplos(
    "seplos-shenergy.log", 2, &[], &["IDN-02"],
    &["must match", "all 16 characters", "0x356 uses bytes from 6 on", "main switch"]
)]
fn batteries_in_the_field(
    #[case] log: &str,
    #[case] exit: i32,
    #[case] must: &[&str],
    #[case] should: &[&str],
    #[case] says: &[&str],
) {
    let text = std::fs::read_to_string(logs().join(log)).expect("a log of the tests");
    check(&text, exit, must, should, says);
}

#[rstest]
#[case::wide(&WIDE, 1, 1, &["BUS-01"], &[], &["0x356 with a 29-bit identifier", "1510A8A0"])]
#[case::lg(&LG, 3, 2, &[], &["ALM-02"], &["supports no alarm", "0x354", "0x35E, 0x35F not seen in 3 cycles"])]
#[case::lg_for_longer(&LG, 60, 2, &[], &["MSG-02", "ALM-02"], &["0x35E, 0x35F never sent in 60 cycles"])]
#[case::pylontech(
    &PYLONTECH_1_2, 1, 2, &[], &["IDN-01"],
    &["0x35A not seen in 1 cycle", "0x359 is sent in place", "0x355 (4", "padded with spaces", "0x35F not seen"]
)]
#[case::samsung(&SAMSUNG, 1, 2, &[], &[], &["0x355, 0x356, 0x35A not seen in 1 cycle"])]
#[case::samsung_for_longer(&SAMSUNG, 10, 1, &["MSG-01"], &[], &["never sent in 10 cycles"])]
fn documented_batteries(
    #[case] frames: &[&str],
    #[case] count: u64,
    #[case] exit: i32,
    #[case] must: &[&str],
    #[case] should: &[&str],
    #[case] says: &[&str],
) {
    check(&format!("{SYNTHETIC}{}", cycles(count, frames)), exit, must, should, says);
}

fn check(text: &str, exit: i32, must: &[&str], should: &[&str], says: &[&str]) {
    let (json, code) = judged(text, &[]);
    assert_eq!(standing(&json, "fail"), must, "{}", said(&json));
    assert_eq!(standing(&json, "warning"), should, "{}", said(&json));
    assert_eq!(code, exit);
    for words in says {
        assert!(said(&json).contains(words), "{words}: {}", said(&json));
    }
}

/// A log without times decides nothing about periods, and says why.
#[test]
fn times_that_were_not_measured_judge_no_period() {
    let (json, _) = judged(&format!("{SYNTHETIC}{}", cycles(120, &LG)), &[]);
    let open = standing(&json, "inconclusive");
    for id in ["TIM-01", "TIM-02", "TIM-05", "CVL-03"] {
        assert!(open.contains(&id), "{id}: {open:?}");
    }
    assert!(standing(&json, "note").contains(&"BUS-05"));
    assert_eq!(json["logs"][0]["source"]["times"], "synthetic");
    let (json, _) = judged(&cycles(120, &LG), &[]);
    assert!(standing(&json, "pass").contains(&"TIM-01"), "the same with real times");
}

/// The same where the log itself says that frames are missing, or the clock was set while it was recorded.
#[test]
fn gaps_in_the_evidence_are_not_the_batterys() {
    let lost = cycles(20, &LG).replace("(1700000009.000000)", "# \n(1700000009.000000)");
    let late = cycles(20, &LG).replace("(1700000010.", "(1700000000.");
    let (json, _) = judged(&late, &[]);
    assert!(said(&json).contains("set back"), "{}", said(&json));
    assert!(standing(&json, "inconclusive").contains(&"TIM-01"));
    let (json, _) = judged(&lost, &[]);
    assert!(standing(&json, "pass").contains(&"TIM-01"), "a comment is no gap");
}

#[test]
fn what_proves_a_failure_is_shown() {
    let bad = cycles(20, &LG).replace("351#45024C044C040000", "351#45024C04FFFF0000");
    let (json, code) = judged(&bad, &[]);
    assert_eq!((standing(&json, "fail"), code), (vec!["DCL-01"], 1));
    let verdicts = json["logs"][0]["verdicts"].as_array().expect("verdicts");
    let verdict = verdicts.iter().find(|v| v["requirement"] == "DCL-01").expect("judged");
    let proof = verdict["evidence"].as_array().expect("evidence").iter().find(|e| e["line"].is_u64());
    let proof = proof.expect("a frame that proves it");
    assert_eq!(
        (&proof["line"], &proof["id"], &proof["data"]),
        (&3.into(), &"351".into(), &"45024C04FFFF0000".into())
    );
    assert!(proof["decoded"].as_str().is_some_and(|d| d.contains("dcl 6553.5 A")), "{proof}");
    let text = TempDir::new().expect("a temporary folder");
    std::fs::write(text.path().join("x.log"), &bad).expect("written");
    let shown = stdout(&busbar(text.path(), &["x.log"]));
    assert!(shown.starts_with("x.log: FAIL\n"), "{shown}");
    assert!(shown.contains("line 3, 0.020000 s: 351#45024C04FFFF0000"), "{shown}");
}

#[test]
fn strict_and_certification_demand_more() {
    let long = cycles(70, &LG);
    let (json, _) = judged(&long, &[]);
    assert_eq!(standing(&json, "warning"), ["MSG-02", "ALM-02"]);
    let (json, code) = judged(&long, &["--for-certification"]);
    assert_eq!((standing(&json, "fail"), code), (vec!["MSG-02"], 1));
    let (json, code) = judged(&long, &["--strict"]);
    assert_eq!((json["outcome"].as_str(), code), (Some("fail"), 1), "a warning fails");
}

/// The data sheet bounds what the frames alone do not.
#[test]
fn held_against_a_battery_file() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rigs/batteries/reference.yaml");
    let file = file.to_str().expect("UTF-8");
    let (json, code) = judged(&cycles(20, &LG), &["--battery", file]);
    assert_eq!((standing(&json, "fail"), code), (vec!["CVL-01"], 1), "{}", said(&json));
    assert!(said(&json).contains("declares at most 56.8 V"), "{}", said(&json));
    assert!(!said(&json).contains("no battery file"));
    let output = busbar(&logs(), &["--battery", "no-such-battery", "byd-lvs-premium.log"]);
    assert_eq!(output.status.code(), Some(64), "{}", stderr(&output));
    let output = busbar(&logs(), &["--battery", "./none.yaml", "byd-lvs-premium.log"]);
    assert_eq!(output.status.code(), Some(65), "{}", stderr(&output));
}

/// LG sends 58.1 V: 14 cells of NMC bear it, 15 of LFP do not, and 15 of no known chemistry do.
#[rstest]
#[case(&["--cells", "14", "--chemistry", "nmc"], None, "busbar battery from x.log --cells 14 --chemistry nmc")]
#[case(&["--cells", "15", "--chemistry", "lfp"], Some("CVL reaches 58.1 V, 15 cells of LFP bear at most 55.5 V"), "--cells 15 --chemistry lfp")]
#[case(&["--cells", "15"], None, "busbar battery from x.log --cells 15")]
#[case(&["--cells", "5"], Some("the battery voltage reaches 56.81 V, 5 cells that are disconnected at 4.4 V cannot"), "--cells 5")]
fn held_against_cells(#[case] args: &[&str], #[case] fails: Option<&str>, #[case] next: &str) {
    let identity = ["35E#4255534241520000", "35F#0100010064000000"];
    let (json, _) = judged(&cycles(620, &[&LG[..], &identity].concat()), args);
    let told = verdict_reasons(&json, "fail");
    assert_eq!(fails.is_some(), !told.is_empty(), "{told}");
    assert!(told.contains(fails.unwrap_or_default()), "{told}");
    assert!(
        json["logs"][0]["next"]["command"].as_str().is_some_and(|c| c.ends_with(next)),
        "{}",
        json["logs"][0]["next"]
    );
    assert_eq!(json["cells"]["count"].as_u64().map(|n| n.to_string()).as_deref(), Some(args[1]));
}

/// The reasons of verdicts that stand so, a line each.
fn verdict_reasons(json: &Value, standing: &str) -> String {
    let verdicts = json["logs"][0]["verdicts"].as_array().expect("verdicts").iter();
    verdicts.filter(|v| v["standing"] == standing).map(|v| format!("{}\n", v["reason"])).collect()
}

/// What is no battery of this protocol is called by its name.
#[rstest]
#[case::gx_alone(&["305#0000000000000000", "307#1234567856494300"], 2, "only the GX sends")]
#[case::ve_can(&["18EEFF24#0102030405060708", "19F21403#00FF7FFF7F000000"], 2, "VE.Can (NMEA 2000)")]
#[case::pylontech_high_voltage(&["00004210#0102030405060708"], 1, "Pylontech high voltage")]
#[case::pytes(&["400#38022C01EE02C701", "404#1500640001003600"], 1, "frames of Pytes: choose the Victron protocol")]
#[case::growatt(&["311#0102030405060708"], 1, "Growatt low voltage")]
fn no_battery_of_this_protocol(#[case] frames: &[&str], #[case] exit: i32, #[case] says: &str) {
    let (json, code) = judged(&cycles(30, frames), &[]);
    assert_eq!(code, exit, "{}", said(&json));
    assert!(json["logs"][0]["headline"].as_str().is_some_and(|h| h.contains(says)), "{}", said(&json));
}

/// Only the interface with the battery is judged; two batteries are judged apart.
#[test]
fn each_interface_is_its_own_bus() {
    let other = cycles(20, &["19F21403#00FF7FFF7F000000"]).replace("can0", "can1");
    let (json, _) = judged(&format!("{}{other}", cycles(20, &LG)), &[]);
    assert_eq!(json["logs"].as_array().map(Vec::len), Some(1));
    assert!(!standing(&json, "fail").contains(&"BUS-01"));
    assert!(said(&json).contains("can1: 20 frames, no battery"), "{}", said(&json));
    let two = format!("{}{}", cycles(20, &LG), cycles(20, &PYLONTECH_1_2).replace("can0", "can1"));
    let (json, _) = judged(&two, &[]);
    assert_eq!(json["logs"].as_array().map(Vec::len), Some(2));
}

#[rstest]
#[case::empty(b"".as_slice(), "empty")]
#[case::binary(b"\x00\x01\x02\x03\xff\xfe".as_slice(), "binary")]
#[case::text(b"# Notes\nBuy milk\n".as_slice(), "no line of it is a CAN frame")]
#[case::zip(b"PK\x03\x04abc".as_slice(), "ZIP")]
fn what_is_no_log(#[case] content: &[u8], #[case] says: &str) {
    let folder = TempDir::new().expect("a temporary folder");
    std::fs::write(folder.path().join("x"), content).expect("written");
    let output = busbar(folder.path(), &["x"]);
    assert_eq!(output.status.code(), Some(65));
    let message = stderr(&output);
    assert!(message.starts_with("busbar: x ") && message.contains(says), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert_eq!(stdout(&output), "");
}

#[test]
fn folders_and_missing_files_are_named_and_the_rest_is_judged() {
    let output = busbar(&logs(), &[".", "none.log", "byd-lvs-premium.log"]);
    assert_eq!(output.status.code(), Some(65), "the worst of all");
    assert!(stderr(&output).contains("is a folder") && stderr(&output).contains("none.log cannot be opened"));
    assert!(stdout(&output).starts_with("byd-lvs-premium.log: INCONCLUSIVE"));
    assert_eq!(busbar(&logs(), &[]).status.code(), Some(64));
}

#[test]
fn several_logs_end_in_a_line_each() {
    let output =
        busbar(&logs(), &["byd-lvs-premium.log", "deye-se-f12c-18s.log", "simulated-reference-full.log"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    let last: Vec<&str> = text.lines().rev().take(3).collect();
    assert!(last[2].starts_with("INCONCLUSIVE  byd-lvs-premium.log"), "{last:?}");
    assert!(last[1].starts_with("FAIL          deye-se-f12c-18s.log"), "{last:?}");
    assert!(last[0].starts_with("PASS          simulated-reference-full.log"), "{last:?}");
}

#[test]
fn from_standard_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(["lint", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("piped").write_all(cycles(20, &LG).as_bytes()).expect("taken");
    let output = child.wait_with_output().expect("it ends");
    let json: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(json["logs"][0]["source"]["data"], 120);
}

/// A name may hold what a terminal obeys.
#[test]
fn names_from_the_bus_are_made_safe() {
    let hostile = cycles(20, &["351#45024C044C040000", "35E#1B5B33316D414243", "35E#1B5D303B70776E07"]);
    let folder = TempDir::new().expect("a temporary folder");
    std::fs::write(folder.path().join("x.log"), hostile).expect("written");
    for format in ["text", "json", "junit"] {
        let text = stdout(&busbar(folder.path(), &["x.log", "--format", format]));
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{format}");
    }
}

#[test]
fn junit_counts_as_the_exit_code_does() {
    use quick_xml::events::Event;
    let text = stdout(&busbar(&logs(), &["--format", "junit", "deye-se-f12c-18s.log"]));
    let mut reader = quick_xml::Reader::from_str(&text);
    let (mut cases, mut failures, mut errors) = (0, 0, 0);
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                b"testcase" => cases += 1,
                b"failure" => failures += 1,
                b"error" => errors += 1,
                _ => {}
            },
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!((cases, failures, errors), (48, 1, 1), "{text}");
    assert!(text.contains("tests=\"48\" failures=\"1\" errors=\"1\""), "{text}");
    assert!(text.contains("351#48020000FC08E001"), "warnings show their frame");
}

/// The keys that docs/lint-json.md promises.
#[test]
fn json_keeps_its_keys() {
    let output = busbar(&logs(), &["--format", "json", "deye-se-f12c-18s.log"]);
    let json: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().expect("an object").keys().cloned().collect() };
    assert_eq!(json["schema"], "busbar-lint/1");
    let log = &json["logs"][0];
    let verdicts = log["verdicts"].as_array().expect("verdicts");
    let evidence = verdicts.iter().find_map(|v| v["evidence"].get(0)).expect("evidence of some verdict");
    let documented = include_str!("../../../docs/lint-json.md");
    let parts = [
        keys(&json),
        keys(log),
        keys(&log["source"]),
        keys(&log["verdicts"][0]),
        keys(evidence),
        keys(&log["battery"]),
        keys(&log["battery"]["messages"][0]),
        keys(&log["battery"]["pages"][0]["rows"][0]),
        keys(&log["battery"]["alarms"][0]),
    ];
    for key in parts.concat() {
        assert!(documented.contains(&format!("`{key}`")), "`{key}` stands in docs/lint-json.md");
    }
}

/// What the README shows. To renew: run the command in `harness/cli/tests/logs` and look at what changed.
#[rstest]
#[case::good("simulated-reference-full.log", include_str!("golden/lint-good.txt"))]
#[case::bad("deye-se-f12c-18s.log", include_str!("golden/lint-bad.txt"))]
fn golden(#[case] log: &str, #[case] expected: &str) {
    assert_eq!(stdout(&busbar(&logs(), &[log])), expected, "busbar lint {log}");
}

/// Errors of the bus, a native protocol beside a GX, and what to do next.
#[rstest]
#[case::nobody_hears(
    "(1.0) can0 200000A8#0000001900000000\n(2.0) can0 200000A8#0000001900000000\n",
    "the bus is disturbed: no acknowledgement 2 times, first in line 1",
    "ip -details -statistics link show can0"
)]
#[case::jk_and_a_gx(
    "(1.0) can0 2F4#1301D71133000000\n(1.1) can0 305#0000000000000000\n(1.2) can0 307#1234567856494300\n",
    "frames of JK BMS: choose the Victron protocol",
    "candump -L can0 > battery.log"
)]
fn the_first_line_says_what_is_wrong_and_the_last_what_to_do(
    #[case] text: &str,
    #[case] first: &str,
    #[case] next: &str,
) {
    let text = text.replace(".0)", ".000000)").replace(".1)", ".100000)").replace(".2)", ".200000)");
    let (json, code) = judged(&text, &[]);
    assert_eq!(code, 2);
    let log = &json["logs"][0];
    assert!(log["headline"].as_str().expect("a text").contains(first), "{}", log["headline"]);
    assert_eq!(log["next"]["command"], next, "{}", log["next"]);
}

/// A battery that does right on a bus that was disturbed: nobody knows by whom.
#[test]
fn errors_of_the_bus_leave_a_must_undecided() {
    let sound = cycles(120, &LG);
    let (json, _) = judged(&sound, &[]);
    assert!(!standing(&json, "inconclusive").contains(&"BUS-03"));
    let passive = "(1700000060.500000) can0 20000004#0030000000008080\n";
    let (head, tail) = sound.split_at(sound.find("(1700000061").expect("a minute"));
    let (json, code) = judged(&format!("{head}{passive}{tail}"), &[]);
    assert!(standing(&json, "inconclusive").contains(&"BUS-03"), "{json:#}");
    assert_ne!(code, 0);
    let headline = json["logs"][0]["headline"].as_str().expect("a text");
    for part in ["error passive once", "cable", "termination", "bit rate"] {
        assert!(headline.contains(part), "{headline}");
    }
}
