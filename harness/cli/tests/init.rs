//! `busbar init` lays a folder whose program is built by the line that it names, is judged right, and is refused where its
//! deliberate fault is on. These are the programs of `harness/kits`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use rstest::rstest;
use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// As where there is no project, and nothing but the binary.
fn busbar(arguments: &[&str]) -> Output {
    busbar_in(Path::new("/"), arguments)
}

fn busbar_in(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    let command = command.args(arguments).env_remove("BUSBAR_HOME").current_dir(folder);
    command.output().expect("the binary was built for this test")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// A folder with a battery `acme`, built.
fn laid(language: &str) -> TempDir {
    with_program(language, None)
}

/// The same with this file in place of its program.
fn with_program(language: &str, program: Option<(&str, &str)>) -> TempDir {
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
    if let Some((name, source)) = program {
        fs::write(folder.path().join(name), source).expect("writable");
    }
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
    /// What is built in one place is taken from there before the next is built.
    static ONE_BY_ONE: Mutex<()> = Mutex::new(());
    let _turn = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
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
    let output = busbar_in(folder, &[&arguments, cases].concat());
    (out.join("latest"), output.status.code(), said(&output))
}

#[rstest]
#[case("c")]
#[case("python")]
#[case("rust")]
fn a_program_is_built_passes_repeats_itself_and_is_refused_with_its_fault(#[case] language: &str) {
    let folder = laid(language);
    let cases = ["gx/start-up", "alarms/electronics", "blackout-recovery/after-over-voltage", "acme-own"];
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

/// Without a program it is the data sheet alone, and a suite of one's own; CI builds nothing.
#[test]
fn a_battery_by_its_data_sheet_is_laid_and_passes() {
    let folder = TempDir::new().expect("a temporary folder");
    let at = folder.path().to_string_lossy().into_owned();
    let output = busbar(&["init", "--name", "acme", &at]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).ends_with("  busbar run --battery ./acme.yaml --out reports\n"),
        "{}",
        said(&output)
    );
    for file in [".github/workflows/rehearsal.yml", ".gitlab-ci.yml", "acme.yaml", "suites/acme-own.yaml"] {
        let text = fs::read_to_string(folder.path().join(file)).expect(file);
        assert!(text.contains("acme") && !text.contains("NAME") && !text.contains("BUILD"), "{file}: {text}");
        assert!(!text.contains("program:"), "{file}: {text}");
    }
    assert!(!folder.path().join("acme-follows.yaml").exists());
    let (run, code, told) = run(folder.path(), "acme.yaml", "reports", &["gx/start-up", "acme-own"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("PASS  acme-own/full-by-afternoon"), "{told}");
    let verdicts = fs::read_to_string(run.join("verdicts.json")).expect("verdicts.json");
    assert!(verdicts.contains("gets-full"), "judged under its own name: {verdicts}");
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

/// Programs of modules side by side with each kit, all three alike: an answer for each module, and the same of one.
#[rstest]
#[case("c", "bms.c", include_str!("modules/bms.c"))]
#[case("python", "bms.py", include_str!("modules/bms.py"))]
#[case("rust", "src/main.rs", include_str!("modules/bms.rs"))]
fn a_kit_speaks_for_several_modules(#[case] language: &str, #[case] name: &str, #[case] source: &str) {
    let folder = with_program(language, Some((name, source)));
    let hello = |modules: usize| {
        format!(
            r#"{{"hello":"busbar-bms/1","declared":{{"capacity_Ah":280}},"cells":3,"modules":{modules},"sensors":["a"],"bitrate":500000,"seed":7,"soc_pct":52.0,"memory":null}}"#
        )
    };
    let turn = |of: &dyn Fn(&str, &str) -> String| {
        let values = of(
            r#""cells_V":[[3.1,3.2,3.3],[3.0,3.6,3.2]],"temperatures_C":[[20],[61.5]],"current_A":[1.5,2.5],"pack_V":[9.6,9.8]"#,
            r#""cells_V":[3.1,3.2,3.3],"temperatures_C":[20],"current_A":1.5,"pack_V":9.6"#,
        );
        let closed = of("[true,false]", "true");
        format!(r#"{{"t":0,{values},"terminal_V":9.7,"closed":{closed},"bus":"ok","lost":0,"frames":[]}}"#)
    };
    let (two, one) = (turn(&|two, _| two.to_owned()), turn(&|_, one| one.to_owned()));
    let (off, on, bye) = (r#"{"t":1,"power":"off"}"#, r#"{"t":1,"power":"on"}"#, r#"{"bye":true}"#);

    let (answers, code) = converse(folder.path(), language, &[&hello(2), &two, off, on, &two, bye]);
    assert_eq!((answers.len(), code), (6, Some(0)), "{language}: {answers:?}");
    for answer in [&answers[1], &answers[4]] {
        // A module that is hot is opened, the highest cell of each is drained, the currents are summed (0x356, P 2).
        assert_eq!(answer["contactor"], serde_json::json!([true, false]), "{language}");
        let drained = serde_json::json!([[0.0, 0.0, 0.1], [0.0, 0.1, 0.0]]);
        assert_eq!(numbers(&answer["balance_A"]), numbers(&drained), "{language}: {answer}");
        let sent = answer["frames"][0]["data"].as_str().expect("hexadecimal digits").to_ascii_uppercase();
        assert_eq!((&sent[..8], answer["frames"][0]["id"].as_u64()), ("CA032800", Some(0x356)), "{language}");
    }
    let (answers, code) = converse(folder.path(), language, &[&hello(1), &one, bye]);
    assert_eq!((answers.len(), code), (3, Some(0)), "{language}: {answers:?}");
    assert_eq!(answers[1]["contactor"], true, "{language}: one module, no lists");
    assert_eq!(numbers(&answers[1]["balance_A"]), [0.0, 0.0, 0.1], "{language}: {answers:?}");
    let (answers, code) = converse(folder.path(), language, &[&hello(4)]);
    assert_eq!((answers.len(), code), (0, Some(69)), "{language}: more than it manages: {answers:?}");

    // In the simulated system it is told what it expects, and told right.
    let battery = folder.path().join("acme.yaml");
    let text = fs::read_to_string(&battery).expect("a battery file");
    fs::write(&battery, text.replace("\n  program:", "\n  modules: 2\n  program:")).expect("writable");
    let (run, _, told) = run(folder.path(), "acme.yaml", "modules", &["gx/start-up"]);
    let program = fs::read_to_string(run.join("program.jsonl")).expect("program.jsonl");
    assert!(program.contains("\"modules\":2") && program.contains("it exited with 0"), "{program}\n{told}");
}

/// All numbers of it, in order.
fn numbers(value: &serde_json::Value) -> Vec<f64> {
    match value {
        serde_json::Value::Array(all) => all.iter().flat_map(numbers).collect(),
        one => one.as_f64().into_iter().collect(),
    }
}

/// A program that is not there, or that ends at once: its sentence is the first thing that is said, and it is said once.
#[rstest]
#[case("./gone", "the battery's program: ", "gone is not there: build it, or correct `command`")]
#[case("false", "the battery's program ended before it answered to hello; it exited with 1", "")]
fn a_program_that_does_not_start_is_told_first_and_once(
    #[case] command: &str,
    #[case] begins: &str,
    #[case] says: &str,
) {
    let folder = laid("python");
    let battery = folder.path().join("acme.yaml");
    let text = fs::read_to_string(&battery).expect("a battery file");
    let line = text.lines().find(|line| line.contains("command:")).expect("a command");
    let indent = line.len() - line.trim_start().len();
    let other = format!("{:indent$}command: [\"{command}\"]", "");
    fs::write(&battery, text.replace(line, &other)).expect("writable");
    let (run, code, told) = run(folder.path(), "acme.yaml", "reports", &["alarms", "gx"]);
    assert_eq!(code, Some(2), "{told}");
    let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let first = flat.find("INCONCLUSIVE the battery's program").unwrap_or_else(|| panic!("{told}"));
    assert!(flat[first..].starts_with(&format!("INCONCLUSIVE {begins}")) && flat.contains(says), "{told}");
    let (above, below) = flat.split_at(first);
    assert!(!above.contains("TIM-01"), "nothing stands before it: {told}");
    assert!(below.contains(" in all 8 cases, of which nothing is decided again: "), "{told}");
    // Once at the top, once in the list of cases, which are one line.
    assert_eq!(flat.matches("the battery's program").count(), 2, "{told}");
    let report = fs::read_to_string(run.join("report.html")).expect("a report");
    let section = report.split("What the evidence does not decide").nth(1).expect("a section");
    let (first, rest) = section.split_once("</li>").expect("a finding");
    let rest = rest.split_once("</section>").expect("its end").0;
    assert!(first.contains("program") && !rest.contains("<li>"), "{first}");
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
