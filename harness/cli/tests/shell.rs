//! What a newcomer meets before any run: completions, manual, lists for scripts, suggestions, the GitHub Action.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

const BUSBAR: &str = env!("CARGO_BIN_EXE_busbar");
const ACTION: &str = include_str!("../../../action.yml");

/// As where there is no project, and nothing but the binary.
fn busbar(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(BUSBAR).args(arguments).env_clear().current_dir(folder).output().expect("it was built")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[rstest]
#[case("bash", &["bash", "-n"])]
#[case("zsh", &[])]
#[case("fish", &[])]
fn a_shell_completes_every_command(#[case] shell: &str, #[case] reads: &[&str]) {
    let folder = TempDir::new().expect("a temporary folder");
    let output = busbar(folder.path(), &["completions", shell]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for word in ["nightly", "certify", "battery"] {
        assert!(text.contains(word), "{shell}: {word}");
    }
    assert!(!text.contains("guard"), "{shell}: what only busbar itself starts");
    let file = folder.path().join("completions");
    fs::write(&file, text).expect("written");
    if let [program, arguments @ ..] = reads {
        let read = Command::new(program).args(arguments).arg(&file).output().expect("it starts");
        assert!(read.status.success(), "{}", said(&read));
    }
}

#[test]
fn the_manual_has_a_page_of_each_command() {
    let folder = TempDir::new().expect("a temporary folder");
    let help = said(&busbar(folder.path(), &["--help"]));
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() > 20, "{help}");
    let output = busbar(folder.path(), &["man", "pages"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for command in &commands {
        let page = folder.path().join(format!("pages/busbar-{command}.1"));
        let page = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        assert!(page.starts_with(".ie \\n(.g .ds Aq \\(aq") && page.contains(".SH NAME"), "{page}");
    }
    let pages = fs::read_dir(folder.path().join("pages")).expect("a folder").count();
    assert_eq!(pages, commands.len() + 1, "and busbar.1");
}

#[rstest]
#[case("requirements", "thresholds")]
#[case("cases", "requirements")]
#[case("rigs", "can")]
#[case("batteries", "fails")]
#[case("metrics", "decides")]
fn a_list_for_programs_has_lists(#[case] kind: &str, #[case] key: &str) {
    let folder = TempDir::new().expect("a temporary folder");
    let output = busbar(folder.path(), &["list", kind, "--format", "json"]);
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(rows.iter().all(|row| row[key].is_array()), "{kind}: {key}");
    assert!(rows.iter().any(|row| row[key].as_array().is_some_and(|list| !list.is_empty())), "{kind}: {key}");
}

/// Beside a good suggestion there is no noise.
#[test]
fn a_slip_of_the_hand_is_answered_with_what_was_meant() {
    let folder = TempDir::new().expect("a temporary folder");
    let output = busbar(folder.path(), &["run", "--battery", "referense"]);
    assert_eq!(output.status.code(), Some(64));
    let text = said(&output);
    assert!(text.trim_end().ends_with("the nearest are: reference"), "{text}");
}

/// A text file is no bundle, and none of its bytes moves a cursor or fills a screen.
#[test]
fn a_text_file_is_refused_without_its_bytes() {
    let folder = TempDir::new().expect("a temporary folder");
    fs::write(folder.path().join("x.txt"), "a letter to nobody\n".repeat(100)).expect("written");
    let output = busbar(folder.path(), &["verify", "x.txt"]);
    assert_eq!(output.status.code(), Some(65));
    assert!(!said(&output).contains("letter") && said(&output).contains("no header"), "{}", said(&output));
}

/// Where a report lies is said as it can be opened from where one stands.
#[test]
fn the_path_of_a_report_is_one_from_here() {
    let folder = TempDir::new().expect("a temporary folder");
    for below in ["suites", "rigs", "deep/below"] {
        fs::create_dir_all(folder.path().join(below)).expect("made");
    }
    let here = folder.path().join("deep/below");
    let output = busbar(&here, &["run", "--quiet", "gx/start-up"]);
    let text = said(&output);
    let report = text.lines().find_map(|line| line.strip_prefix("Report: ")).expect("a report");
    assert!(here.join(report).is_file(), "{report}");
}

/// What stands below a key of the action, by its indentation.
fn block(key: &str) -> String {
    let mut lines = ACTION.lines().skip_while(|line| line.trim() != key);
    let first = lines.next().expect(key);
    let depth = first.len() - first.trim_start().len();
    let deeper = |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() > depth;
    let below: Vec<&str> = lines.take_while(deeper).map(str::trim_start).collect();
    below.join("\n")
}

/// The step of the action that runs, with the variables that a runner sets, in a vendor's folder.
#[rstest]
#[case("./acme.yaml", "gx/start-up", 0)]
#[case("./acme-follows.yaml", "tracking/active-tracking", 1)]
#[case("./nothing.yaml", "", 65)]
fn the_action_ends_as_the_run_does(#[case] battery: &str, #[case] cases: &str, #[case] code: i32) {
    let folder = TempDir::new().expect("a temporary folder");
    let here = folder.path();
    let laid = busbar(here, &["init", "--program", "python", "--name", "acme"]);
    assert_eq!(laid.status.code(), Some(0), "{}", said(&laid));
    let built = here.join("action/target/release");
    fs::create_dir_all(&built).expect("made");
    std::os::unix::fs::symlink(BUSBAR, built.join("busbar")).expect("linked");
    let inputs: BTreeMap<&str, &str> =
        [("BATTERY", battery), ("CASES", cases), ("RIG", ""), ("SEED", "1"), ("OUT", "reports")].into();
    for name in inputs.keys() {
        let given = format!("{name}: ${{{{ inputs.{} }}}}", name.to_lowercase());
        assert!(block("env:").contains(&given), "{given}");
    }
    let mut runner = Command::new("bash");
    runner.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", &block("run: |")]);
    runner.envs(&inputs).env("GITHUB_ACTION_PATH", here.join("action")).stdin(Stdio::null());
    runner.env("GITHUB_OUTPUT", here.join("output")).env("GITHUB_STEP_SUMMARY", here.join("summary"));
    let ran = runner.current_dir(here).output().expect("bash starts");
    assert_eq!(ran.status.code(), Some(code), "{}", said(&ran));
    if code <= 1 {
        let output = fs::read_to_string(here.join("output")).expect("written");
        let report = output.trim().strip_prefix("report=").expect("the report");
        assert!(here.join(report).is_file(), "{output}");
        assert!(here.join("reports/junit.xml").is_file());
        let summary = fs::read_to_string(here.join("summary")).expect("written");
        assert!(summary.contains(if code == 0 { "PASS" } else { "FAIL" }), "{summary}");
    }
}
