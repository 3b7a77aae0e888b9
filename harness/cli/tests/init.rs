//! `busbar init` lays a folder whose program is built by the line that it names, is judged right, and is refused where its
//! deliberate fault is on. These are the programs of `harness/kits`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rstest::rstest;
use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// As where there is no project, and nothing but the binary.
fn busbar(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    let command = command.args(arguments).env_remove("BUSBAR_HOME").current_dir("/");
    command.output().expect("the binary was built for this test")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// A folder with a battery `acme`, built.
fn laid(language: &str) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let at = folder.path().to_string_lossy().into_owned();
    let output = busbar(&["init", "--program", language, "--name", "acme", &at]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told = said(&output);
    let next: Vec<&str> = told.lines().skip_while(|line| *line != "Next:").map(str::trim).collect();
    let &[_, into, build, run] = next.as_slice() else { panic!("{told}") };
    assert_eq!((into, run), (&*format!("cd {at}"), "busbar run --battery ./acme.yaml --out reports"));
    let workflow =
        fs::read_to_string(folder.path().join(".github/workflows/rehearsal.yml")).expect("a workflow");
    assert!(workflow.contains(&format!("run: {build}")), "CI builds it alike: {workflow}");
    if language == "rust" {
        build_rust(folder.path());
    } else {
        let mut words = build.split(' ');
        let mut compiler = Command::new(words.next().expect("a program"));
        let built = compiler.args(words).current_dir(&folder).output().expect("it starts");
        assert!(built.status.success(), "{build}: {}", said(&built));
        assert_eq!(
            said(&built).lines().filter(|line| line.contains("warning")).count(),
            0,
            "{}",
            said(&built)
        );
    }
    folder
}

/// The crates that the workspace was built with, without a network, and what was built of them before.
fn build_rust(folder: &Path) {
    fs::copy(Path::new(PROJECT).join("Cargo.lock"), folder.join("Cargo.lock")).expect("a copy");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("init");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--offline", "--target-dir"]).arg(&target).current_dir(folder);
    let built = cargo.output().expect("cargo starts");
    assert!(built.status.success(), "{}", said(&built));
    fs::create_dir_all(folder.join("target/release")).expect("a folder");
    fs::copy(target.join("debug/bms"), folder.join("target/release/bms")).expect("a copy");
}

/// Runs cases with a battery of the folder; the run folder, the exit code, what was said.
fn run(folder: &Path, battery: &str, out: &str, cases: &[&str]) -> (PathBuf, Option<i32>, String) {
    let (battery, out) = (folder.join(battery), folder.join(out));
    let arguments =
        ["run", "--quiet", "--battery", &battery.to_string_lossy(), "--out", &out.to_string_lossy()];
    let output = busbar(&[&arguments, cases].concat());
    (out.join("latest"), output.status.code(), said(&output))
}

#[rstest]
#[case("c")]
#[case("python")]
#[case("rust")]
fn a_program_is_built_passes_repeats_itself_and_is_refused_with_its_fault(#[case] language: &str) {
    let folder = laid(language);
    let cases = ["gx/start-up", "alarms/electronics", "blackout-recovery/after-over-voltage"];
    let (first, code, told) = run(folder.path(), "acme.yaml", "first", &cases);
    assert_eq!(code, Some(0), "{told}");
    let (second, ..) = run(folder.path(), "acme.yaml", "second", &cases);
    for file in ["can.log", "bus.csv", "gx.csv", "events.jsonl", "program.jsonl", "verdicts.json"] {
        let bytes = |run: &Path| fs::read(run.join(file)).expect(file);
        assert!(bytes(&first) == bytes(&second), "{file} differs between two runs of one seed");
    }

    speaks_the_protocol(folder.path(), language);
    let (run, code, told) = run(folder.path(), "acme-follows.yaml", "fault", &["tracking/active-tracking"]);
    assert_eq!(code, Some(1), "{told}");
    let verdicts = fs::read_to_string(run.join("verdicts.json")).expect("verdicts.json");
    let verdicts: serde_json::Value = serde_json::from_str(&verdicts).expect("JSON");
    let failed = verdicts["cases"][0]["verdicts"].as_array().expect("verdicts of the case");
    let follows = failed.iter().find(|verdict| verdict["requirement"] == "CVL-05").expect("CVL-05");
    assert_eq!(follows["outcome"], "fail", "{follows:#}");
}

/// What the program answers to these lines, and how it ends.
fn converse(folder: &Path, language: &str, lines: &[&str]) -> (Vec<serde_json::Value>, Option<i32>) {
    let command: &[&str] = match language {
        "c" => &["./bms"],
        "python" => &["python3", "-B", "bms.py"],
        _ => &["target/release/bms"],
    };
    let program = if command[0].contains('/') { folder.join(command[0]) } else { command[0].into() };
    let mut program = Command::new(program);
    let program =
        program.args(&command[1..]).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = program.stderr(Stdio::null()).spawn().expect("it was built");
    let told = child.stdin.take().expect("a pipe").write_all((lines.join("\n") + "\n").as_bytes());
    let output = child.wait_with_output().expect("it ends");
    assert!(told.is_ok() || output.status.code() != Some(0), "it took all lines");
    let answers = String::from_utf8(output.stdout).expect("UTF-8");
    let answers = answers.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    (answers, output.status.code())
}

/// What no suite does: a loss of supply, an error, another version; and keys that nobody knows yet.
fn speaks_the_protocol(folder: &Path, language: &str) {
    let hello = concat!(
        r#"{"hello":"busbar-bms/1","declared":{"new":[{"a":null}],"capacity_Ah":280},"cells":4,"modules":1,"#,
        r#""sensors":["a"],"bitrate":500000,"seed":7,"soc_pct":52.0,"memory":null}"#
    );
    let turn = concat!(
        r#"{"t":1000000,"cells_V":[3.3021,3.3,3.31,3.32],"temperatures_C":[24.1,24.3],"current_A":-3.20,"#,
        r#""pack_V":13.2,"terminal_V":13.2,"closed":true,"bus":"ok","lost":0,"new":{"}":["]"]},"frames":["#,
        r#"{"t":953000,"id":"0x305","data":"0000000000000000"},{"t":1,"id":"0x18FF0001","data":"","ext":true}]}"#
    );
    let (off, on) = (r#"{"t":1500000,"power":"off"}"#, r#"{"t":2000000,"power":"on"}"#);
    let bye = r#"{"bye":true}"#;

    let (answers, code) = converse(folder, language, &[hello, turn, off, on, turn, bye]);
    assert_eq!((answers.len(), code), (6, Some(0)), "{language}: {answers:?}");
    assert_eq!(answers[0]["hello"], "busbar-bms/1");
    let sent = |answer: &serde_json::Value| answer["frames"].as_array().map_or(0, Vec::len);
    assert!(
        sent(&answers[1]) > 5 && sent(&answers[1]) == sent(&answers[4]),
        "{language}: it began anew: {answers:?}"
    );
    // P 2: what is measured, as each kit encodes it.
    for (id, data) in [
        (0x351, "8C007805D0077000"),
        (0x355, "340064005014"),
        (0x356, "2805E0FFF200"),
        (0x373, "E40CF80C29012901"),
    ] {
        for answer in [&answers[1], &answers[4]] {
            let frames = answer["frames"].as_array().expect("frames");
            let frame = frames.iter().find(|frame| frame["id"] == id).expect("it is sent");
            let said = frame["data"].as_str().expect("hexadecimal digits").to_ascii_uppercase();
            assert_eq!(said, data, "{language}: {id:#X}, also with what outlived the loss of supply");
        }
    }
    assert!(!answers[5]["memory"].is_null(), "{language}: {answers:?}");

    let (answers, code) = converse(folder, language, &[hello, turn, r#"{"error":"next_us is 0"}"#]);
    assert_eq!((answers.len(), code), (2, Some(1)), "{language}: an error is not answered: {answers:?}");
    let (answers, code) = converse(folder, language, &[&hello.replace("bms/1", "bms/2")]);
    assert_eq!((answers.len(), code), (0, Some(69)), "{language}: {answers:?}");
}

#[test]
fn nothing_is_overwritten() {
    let folder = TempDir::new().expect("a temporary folder");
    let program = folder.path().join("bms.py");
    fs::write(&program, "my work").expect("writable");
    let output = busbar(&["init", "--program", "python", &folder.path().to_string_lossy()]);
    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    assert!(said(&output).contains("bms.py is there already"), "{}", said(&output));
    assert_eq!(fs::read_to_string(program).expect("still there"), "my work");
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1, "nothing else was written");
}

#[test]
fn a_name_that_is_none_is_refused() {
    let output = busbar(&["init", "--program", "c", "--name", "../acme"]);
    assert_eq!(output.status.code(), Some(64), "{}", said(&output));
    assert!(said(&output).contains("`../acme` is no name of a battery"), "{}", said(&output));
}
