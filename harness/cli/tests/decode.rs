//! `busbar decode` and `busbar dbc` as a person runs them, on logs of real batteries (their sources are in their
//! comments). `byd-screen.txt` is what `log2long` of can-utils makes of `byd-lvs-premium.log`; `byd-python-can.*` are
//! the same frames and four of other kinds, written by python-can 4.6; `lg-resu-screen.txt` is the screen of P 5.1.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rstest::rstest;
use serde_json::{Value, json};

fn log(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs").join(name)
}

fn busbar(args: &[&str]) -> Output {
    // Messages name files as they were given.
    Command::new(env!("CARGO_BIN_EXE_busbar")).current_dir(log("")).args(args).output().expect("it starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn objects(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn an_object_for_each_frame() {
    let output = busbar(&["decode", "--format", "jsonl", "byd-lvs-premium.log"]);
    assert_eq!(output.status.code(), Some(0));
    let line = stdout(&output).lines().find(|line| line.contains("\"351\"")).expect("0x351").to_owned();
    assert_eq!(
        line,
        "{\"line\":9,\"t\":1700000000.050000,\"if\":\"can0\",\"kind\":\"data\",\"id\":\"351\",\"len\":8,\
         \"data\":\"480200050005AE01\",\"name\":\"Limits\",\"fields\":{\"cvl\":{\"value\":58.4,\"unit\":\"V\"},\
         \"ccl\":{\"value\":128.0,\"unit\":\"A\"},\"dcl\":{\"value\":128.0,\"unit\":\"A\"},\
         \"discharge_voltage\":{\"value\":43.0,\"unit\":\"V\"}}}"
    );
    let all = objects(&output);
    let field = |id: &str, field: &str| {
        let frame = all.iter().find(|frame| frame["id"] == id).expect("sent");
        frame["fields"][field].clone()
    };
    assert_eq!(field("35F", "firmware"), json!({"value": "1.23"}));
    assert_eq!(field("35A", "high_voltage_alarm"), json!({"value": "ok", "raw": 2}));
    assert_eq!(field("35E", "manufacturer"), json!({"value": "BYD", "raw": "4259440000000000"}));
    assert_eq!(field("360", "forced"), json!({"value": false}));
    let vendor = all.iter().find(|frame| frame["id"] == "35B").expect("sent");
    assert_eq!((&vendor["name"], &vendor["fields"]), (&Value::Null, &json!({})));
    assert!(stderr(&output).contains("its times were not measured"), "the log says so in a comment");
}

/// The frames of one battery, in every form in which they were written by other programs.
#[rstest]
#[case("byd-screen.txt", "can0", 0)]
#[case("byd-python-can.log", "vcan0", 4)]
#[case("byd-python-can.asc", "1", 4)]
#[case("byd-python-can.csv", "-", 4)]
fn the_same_frames_in_other_forms(#[case] name: &str, #[case] interface: &str, #[case] more: usize) {
    let heart = |frame: &Value| (frame["id"].clone(), frame["data"].clone(), frame["fields"].clone());
    let expected = objects(&busbar(&["decode", "--format", "jsonl", "byd-lvs-premium.log"]));
    let output = busbar(&["decode", "--format", "jsonl", name]);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    let found = objects(&output);
    assert!(found.iter().all(|frame| frame["if"] == interface));
    let (same, others) = found.split_at(expected.len());
    assert!(same.iter().map(heart).eq(expected.iter().map(heart)));
    let kinds: Vec<_> = others.iter().map(|frame| frame["kind"].as_str().expect("a text")).collect();
    assert_eq!(kinds, ["data", "remote", "error", "fd"][..more]);
}

#[test]
fn a_line_for_each_frame() {
    let output = busbar(&["decode", "lg-resu-screen.txt"]);
    let text = stdout(&output);
    for line in [
        "         0.003000  can0       351  45 02 4C 04 4C 04 00 00  Limits               \
         cvl 58.1 V, ccl 110.0 A, dcl 110.0 A, discharge_voltage 0.0 V",
        "         0.001000  can0       354  04 C0 00 1F 03 00 00 00  not in the document",
        "         0.002000  can0       35A  00 00 00 00 00 00 00 00  Alarms               \
         all 32 pairs not supported (00)",
        "         0.013000  can0  00000356  14 79 01 62 00 F0 02 40  29-bit identifier; \
         0x356 with a 29-bit identifier, which no GX reads (P 5.1)",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert_eq!(text.lines().count(), 16);
}

#[test]
fn several_logs_are_told_apart() {
    let names = ["pytes-v5a.log", "pylontech-us5000.log"];
    let jsonl = objects(&busbar(&[&["decode", "--format", "jsonl"], &names[..]].concat()));
    assert!(names.iter().all(|name| jsonl.iter().any(|frame| frame["log"] == *name)));
    let text = stdout(&busbar(&[&["decode"], &names[..]].concat()));
    assert!(names.iter().all(|name| text.lines().any(|line| line == format!("{name}:"))));
}

/// A damaged log: what can be read is, what cannot is named with its line; in JSON it is an object of its own.
#[test]
fn damaged_lines_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("damaged.log");
    let text = "(5.000000) can0 305#\nnoise\nDROPCOUNT: dropped 3 CAN frames on 'can0' socket (total drops 3)\n\
                (4.000000) can0 305#\n(6.000000) can0 351#4802";
    std::fs::write(&path, text).expect("written");
    let path = path.to_str().expect("UTF-8");
    let output = busbar(&["decode", path]);
    assert_eq!((output.status.code(), stdout(&output).lines().count()), (Some(0), 2));
    let told = stderr(&output);
    for part in [
        ":2: column 1: expected a frame such as",
        ":3: 3 frames were lost here",
        ":5: column 25: expected the end of the line (the log stops within it",
        ": 2 lines could not be read, 2 frames could",
        "its times go backwards 1 time, first in line 4, by 1.000000 s",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let kinds: Vec<_> = objects(&busbar(&["decode", "--format", "jsonl", path]))
        .iter()
        .map(|object| {
            (object["line"].as_u64().expect("a number"), object["kind"].as_str().expect("a text").to_owned())
        })
        .collect();
    let expected = [(1, "data"), (2, "problem"), (3, "lost"), (4, "data"), (5, "problem")];
    assert!(kinds.iter().map(|(line, kind)| (*line, kind.as_str())).eq(expected));
}

#[test]
fn standard_input_and_a_closed_pipe() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(["decode", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    // Nobody reads: the output fills the pipe and then breaks, as with `| head`.
    drop(child.stdout.take());
    let writer = std::thread::spawn(move || {
        let line = b"(1700000000.000000) can0 351#480200050005AE01\n".repeat(1000);
        while stdin.write_all(&line).is_ok() {}
    });
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    writer.join().expect("the pipe closed");
}

/// `candump -L can0 | busbar decode -` shows a frame when it comes, not when a buffer is full.
#[test]
fn a_live_pipe_is_followed() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(["decode", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    let mut shown = BufReader::new(child.stdout.take().expect("piped")).lines();
    for second in 0..3 {
        writeln!(stdin, "(170000000{second}.000000) can0 351#480200050005AE01").expect("it reads");
        let line = shown.next().expect("a line").expect("UTF-8");
        assert!(line.starts_with(&format!("170000000{second}.000000  can0       351  48 02")), "{line}");
    }
    drop(stdin);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

/// Only what was asked for, with a star behind each byte that differs from the frame before.
#[test]
fn identifiers_are_chosen_and_changes_marked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    let text = "(5.000000) can0 351#480200050005AE01\n(5.100000) can0 355#6400\n(6.000000) can0 351#470200050005AF01\n\
                (7.000000) can0 00000351#48\n";
    std::fs::write(&path, text).expect("written");
    let path = path.to_str().expect("UTF-8");
    let shown = stdout(&busbar(&["decode", "--id", "0x351", "--changes", path]));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 2, "{shown}");
    assert!(lines[0].contains("351  48 02 00 05 00 05 AE 01  Limits"), "{shown}");
    assert!(lines[1].contains("351  47*02 00 05 00 05 AF*01  Limits"), "{shown}");
    let told = objects(&busbar(&["decode", "--id", "351,00000351", "--changes", "--format", "jsonl", path]));
    let changed: Vec<_> = told.iter().map(|frame| frame["changed"].to_string()).collect();
    assert_eq!(changed, ["[]", "[0,6]", "[]"]);
    assert_eq!(busbar(&["decode", "--id", "limits", path]).status.code(), Some(64));
}

#[test]
fn a_file_that_is_still_written_is_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    let mut file = std::fs::File::create(&path).expect("made");
    let mut child = Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(["decode", "--follow"])
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut shown = BufReader::new(child.stdout.take().expect("piped")).lines();
    for second in 0..3 {
        writeln!(file, "(170000000{second}.000000) can0 351#480200050005AE01").expect("written");
        let line = shown.next().expect("a line").expect("UTF-8");
        assert!(line.starts_with(&format!("170000000{second}.000000  can0       351  48 02")), "{line}");
    }
    child.kill().expect("it listens for ever");
    child.wait().expect("it is gone");
}

/// An SLCAN adapter, here a terminal that answers as one, is listened to as it is named.
#[cfg(unix)]
#[test]
fn an_adapter_is_listened_to() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::io::Read as _;

    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("a terminal");
    let name = ptsname(&master, Vec::new()).expect("a name").into_string().expect("UTF-8");
    let mut child = Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(["decode", "--id", "351", "--changes", &name])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut adapter = std::fs::File::from(master);
    let answering = std::thread::spawn(move || {
        let (mut block, mut commands) = ([0; 256], Vec::new());
        // Until the other end is closed. Each command is answered; once the channel is open, two frames come.
        while let Ok(count @ 1..) = adapter.read(&mut block) {
            for byte in &block[..count] {
                commands.push(*byte);
                if *byte == b'\r' {
                    let frames = "\rt3558640064000000000000\rt3518480200050005AE01\rt3518470200050005AE01\r";
                    let answer = if commands.ends_with(b"O\r") { frames } else { "\r" };
                    adapter.write_all(answer.as_bytes()).expect("it is open");
                }
            }
        }
        commands
    });
    let mut shown = BufReader::new(child.stdout.take().expect("piped")).lines();
    let [first, second] = [(); 2].map(|()| shown.next().expect("a line").expect("UTF-8"));
    child.kill().expect("it listens for ever");
    child.wait().expect("it is gone");
    assert!(first.contains("351  48 02 00 05 00 05 AE 01  Limits"), "{first}");
    assert!(second.contains("351  47*02 00 05 00 05 AE 01  Limits"), "{second}");
    let commands = answering.join().expect("it answered");
    assert!(commands.windows(3).any(|window| window == b"S6\r"), "500 kbit/s: {}", commands.escape_ascii());
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_finds_no_place_on_the_disk_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs");
    let output = Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(["decode", "pytes-v5a.log"])
        .current_dir(logs)
        .stdout(full)
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("cannot write to standard output"), "{}", stderr(&output));
}

#[rstest]
#[case::no_such_file("absent.log", "busbar: absent.log cannot be opened: No such file or directory")]
#[case::folder(".", "busbar: . is a folder: name the logs in it, such as ./can.log")]
#[case::empty(
    "/dev/null",
    "busbar: /dev/null cannot be read as a CAN log: it is empty: a log of a CAN bus was expected"
)]
#[case::program(env!("CARGO_BIN_EXE_busbar"), "cannot be read as a CAN log: it is a program, not text")]
#[case::source(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "no line of it is a CAN frame, and it has no form that is known; line 1 is `[package]`")]
fn what_is_no_log(#[case] path: &str, #[case] message: &str) {
    let output = busbar(&["decode", path]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(65), ""));
    assert!(stderr(&output).contains(message), "{}", stderr(&output));
    assert_eq!(stderr(&output).lines().count(), 1);
}

/// One log that cannot be read does not keep the others from being read.
#[test]
fn a_bad_log_among_good_ones() {
    let output = busbar(&["decode", "absent.log", "pytes-v5a.log"]);
    assert_eq!(output.status.code(), Some(65));
    assert!(stdout(&output).contains("manufacturer \"PYTES\""));
}

#[test]
fn bad_usage() {
    assert_eq!(busbar(&["decode"]).status.code(), Some(64));
    assert_eq!(busbar(&["decode", "--format", "xml", "pytes-v5a.log"]).status.code(), Some(64));
}

#[test]
fn the_database_is_printed() {
    let output = busbar(&["dbc"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stdout(&output), proto::dbc::dbc());
}

/// Frames of a battery monitor and of a boat's switches on VE.Can; a message in two frames is one.
const VE_CAN: &str = "\
(1700000000.000000) can1 18EEFF01#0100C02C00AA46C0
(1700000000.100000) can1 19F21401#001C0A0700FF70FF
(1700000000.200000) can1 19F21201#0009FF00FF58FFFF
(1700000000.201000) can1 19F21201#01FFFFFFFFFFFFFF
(1700000000.300000) can1 1CEFFF01#6699FFEE38FFFFFF
(1700000000.400000) can1 0DF20D3C#01FCFFFFFFFFFFFF
";

fn piped(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("piped").write_all(input).expect("it reads");
    child.wait_with_output().expect("it ends")
}

#[test]
fn messages_of_ve_can_are_put_together_and_named() {
    let output = piped(&["decode", "-", "--format", "jsonl"], VE_CAN.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let all = objects(&output);
    assert_eq!((&all[0]["message"], &all[0]["source"]), (&json!("ISO address claim"), &json!(1)));
    assert_eq!(all[0]["fields"]["manufacturer"], json!({"value": "Victron Energy", "raw": 358}));
    assert_eq!(all[1]["fields"]["voltage"], json!({"value": 25.88, "unit": "V"}));
    assert_eq!(all[1]["fields"]["sid"], json!({"value": null}));
    assert_eq!((&all[2]["message"], &all[2]["fields"]), (&Value::Null, &json!({})), "half a message");
    assert_eq!(all[3]["fields"]["state of charge"], json!({"value": 88, "unit": "%"}));
    assert_eq!(all[4]["fields"]["register"], json!({"value": null, "raw": 0xEEFF}));
    assert_eq!(
        all[4]["fields"]["charge since full, negative when drawn"],
        json!({"value": -20, "unit": "Ah"})
    );
    assert_eq!(all[5]["fields"]["indicator 1"], json!({"value": "off", "raw": 0}));
    let shown = stdout(&piped(&["decode", "-"], VE_CAN.as_bytes()));
    assert!(
        shown.contains(
            "battery status, PGN 127508 from address 1: instance 0, voltage 25.88 V, current 0.7 A"
        ),
        "{shown}"
    );
    assert!(shown.contains("register 0xEEFF, which the document calls PGN 61439"), "{shown}");
}

/// A SmartSolar with HEX frames between its blocks, and a block that lost a byte.
#[test]
fn what_a_vedirect_instrument_sent_is_read() {
    let good = b"\r\nPID\t0xA06C\r\nFWE\t316FF\r\nSER#\tHQNF3PE7422\r\nV\t52700\r\nI\t7600\r\nVPV\t103870\r\nPPV\t412\r\nMPPT\t2\r\nCS\t3\r\nOR\t0x00000000\r\nChecksum\t\xFA";
    let bytes = [&good[..], b":AD5ED009614DF\n", &good[..40], &good[41..], good].concat();
    let output = piped(&["decode", "-", "--format", "jsonl"], &bytes);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let all = objects(&output);
    let kinds: Vec<_> = all.iter().map(|object| object["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["block", "hex", "problem", "block"]);
    assert_eq!(all[0]["byte"], json!(good.len()));
    assert_eq!(all[0]["fields"]["V"], json!({"value": 52.7, "unit": "V"}));
    assert_eq!(all[0]["fields"]["PID"], json!({"value": 0xA06C, "meaning": "SmartSolar MPPT 150/70 rev2"}));
    assert_eq!(all[0]["fields"]["CS"], json!({"value": 3, "meaning": "bulk"}));
    assert_eq!(all[0]["fields"]["OR"], json!({"value": 0, "meaning": "none"}));
    assert_eq!(
        all[1],
        json!({"byte": good.len() + 15, "kind": "hex", "frame": ":AD5ED009614DF", "register": 0xEDD5, "asked": false, "value": 52.7, "unit": "V"})
    );
    assert_eq!(all[2]["message"], "the sum of a block is wrong");
    assert!(
        stderr(&output).contains("SmartSolar MPPT 150/70 rev2, firmware 316FF, serial number HQNF3PE7422")
    );
    let shown = stdout(&piped(&["decode", "-"], &bytes));
    assert!(shown.contains("V 52.7 V, I 7.6 A, VPV 103.87 V"), "{shown}");
    let refused = piped(&["lint", "-"], &bytes);
    assert_eq!(refused.status.code(), Some(65));
    assert!(stderr(&refused).contains("is a log of VE.Direct, which is no CAN bus"), "{}", stderr(&refused));
}
