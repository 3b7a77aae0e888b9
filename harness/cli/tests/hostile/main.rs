//! No string gets through: whatever files, the bus or a log are made to say, nothing that Busbar prints or writes moves a
//! cursor, opens a tag, begins a formula or leaves its folder. `browser.rs` shows it to a real browser.

mod browser;
mod project;

use std::fs;
use std::path::Path;

use project::{BATTERY, HOSTILE, PROJECT, RIG, busbar, forge, project, run};
use tempfile::TempDir;

/// Text that a terminal shows as it is: no control character, nothing that turns the direction of writing.
fn clean(what: &str, bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    let bad = |c: char| {
        c != '\n' && c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    for (line, number) in text.lines().zip(1..) {
        assert!(!line.contains(bad), "{what}:{number}: {:?}", line.chars().take(400).collect::<String>());
    }
    text.to_owned()
}

/// What is in the folder, its inputs apart, which are the files as they were given.
fn look_at(run: &Path) {
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(run).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("a plain name");
        if name != "inputs" {
            let text = clean(&name, &fs::read(entry.path()).expect("a file"));
            match name.rsplit_once('.').map_or("", |(_, end)| end) {
                "csv" => cells(&text),
                "html" => page(&text),
                "json" => drop(serde_json::from_str::<serde_json::Value>(&text).expect("JSON")),
                "jsonl" => text
                    .lines()
                    .for_each(|line| drop(serde_json::from_str::<serde_json::Value>(line).expect("JSON"))),
                "xml" => xml(&text),
                _ => {}
            }
        }
        names.push(name);
    }
    names.sort();
    let expected = [
        "bus.csv",
        "can.log",
        "events.jsonl",
        "gx.csv",
        "inputs",
        "junit.xml",
        "manifest.json",
        "report.html",
        "supply.csv",
        "verdicts.json",
    ];
    assert_eq!(names, expected);
}

/// No cell is a formula to a spreadsheet: what begins like one is a number.
fn cells(text: &str) {
    for cell in text.lines().flat_map(|line| line.split(',')) {
        let formula = cell.starts_with(['=', '+', '-', '@', ' ', '"']);
        assert!(!formula || cell.parse::<f64>().is_ok(), "{cell:?}");
    }
}

/// No tag but those of the page: its one script, and data that is none.
fn page(text: &str) {
    let lower = text.to_lowercase();
    let scripts = lower.matches("<script").count();
    let data = lower.matches("<script type=application/json").count()
        + lower.matches("<script type=\"application/json\"").count();
    assert_eq!(scripts - data, 1, "scripts of the page");
    for tag in ["<img", "<iframe", "<object", "<b ", "<cmd", "<svg onload", "javascript:"] {
        assert!(!lower.contains(tag), "{tag}");
    }
    let head = lower.split("</head>").next().unwrap_or_default();
    assert_eq!(head.matches("</title>").count(), 1, "the title ends where it ends");
    assert!(text.contains("Content-Security-Policy") && text.contains("default-src 'none'"));
}

fn xml(text: &str) {
    let mut reader = quick_xml::Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    while reader.read_event().expect("well-formed") != quick_xml::events::Event::Eof {}
}

/// Runs it, reads what it says, and gives that.
fn says(home: &Path, arguments: &[&str]) -> String {
    let output = busbar(home, arguments);
    let what = arguments.join(" ");
    clean(&format!("{what}, errors"), &output.stderr);
    clean(&what, &output.stdout)
}

#[test]
fn a_run_with_hostile_files_and_names() {
    let (home, out) = (project(), TempDir::new().expect("a temporary folder"));
    let (run, output) = run(home.path(), &out.path().join("runs"));
    clean("progress", &output.stderr);
    let table = clean("table", &output.stdout);
    assert!(table.contains("<script>"), "shown as text: {table}");
    look_at(&run);
    let folder = run.to_string_lossy().into_owned();
    forge(&run);
    for verb in ["report", "judge"] {
        let said = says(home.path(), &[verb, &folder]);
        assert!(!said.is_empty(), "{verb}");
        look_at(&run);
    }
    let page = fs::read_to_string(run.join("report.html")).expect("a report");
    assert!(page.contains("\\x1b[2J"), "the forged name is shown, made safe");
    // Nothing came to be anywhere else.
    let beside: Vec<_> = fs::read_dir(out.path()).expect("a folder").collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
    assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 2, "suites and rigs");
}

#[test]
fn lists_proofs_and_errors_with_hostile_files() {
    let (home, out) = (project(), TempDir::new().expect("a temporary folder"));
    for what in ["suites", "rigs", "batteries"] {
        let text = says(home.path(), &["list", what]);
        assert!(!text.is_empty(), "{what}");
        let json = says(home.path(), &["list", what, "--format", "json"]);
        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert!(value.to_string().contains("document.title"), "{what}: JSON says what the file says");
    }
    let folder = out.path().join("proof");
    let folder = folder.to_string_lossy();
    let said = says(home.path(), &["matrix", "--seeds", "1", "--out", &folder]);
    assert!(said.contains("onclick"), "{said:?}");
    for entry in fs::read_dir(&*folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = clean(&path.display().to_string(), &fs::read(&path).expect("a file"));
        if path.extension().is_some_and(|end| end == "html") {
            let lower = text.to_lowercase();
            assert!(
                !["<script", "<img", "<b ", "<b>", "<i>"].iter().any(|tag| lower.contains(tag)),
                "{text}"
            );
            assert!(text.contains("default-src 'none'"));
        }
    }
    // What is refused is said without harm, too.
    says(home.path(), &["run", "--battery", HOSTILE.split('\0').next().unwrap_or_default()]);
    let file = home.path().join(format!("rigs/batteries/{BATTERY}.yaml"));
    let text = fs::read_to_string(&file).expect("a file");
    fs::write(&file, format!("{text}\u{1b}[2J\u{202e}owned: \"\u{9b}31m\"\n")).expect("a file");
    let output = busbar(home.path(), &["run", "--rig", RIG, "--battery", BATTERY]);
    assert_eq!(output.status.code(), Some(65));
    clean("refusal", &output.stderr);
}

#[test]
fn a_log_with_hostile_names() {
    let out = TempDir::new().expect("a temporary folder");
    let log = out.path().join("\u{1b}[2J\u{202e}<b>.log");
    let mut text = String::new();
    for (second, data) in ["1B5B324A3C623E22", "3C696D6720737263", "3D636D647C9B3300"].iter().enumerate() {
        for id in ["35E", "370", "371", "374", "375", "376", "377", "380", "381", "382"] {
            text += &format!("({second}.000000) <b>\u{9b}31m {id}#{data}\n");
        }
        text += &format!("({second}.100000) can0 351#1402{second}\u{1b}[2J\n");
    }
    fs::write(&log, text).expect("a log");
    let log = log.to_string_lossy();
    for arguments in [
        &["decode", &log][..],
        &["decode", &log, &log],
        &["decode", &log, "--format", "jsonl"],
        &["lint", &log],
        &["lint", &log, "--format", "json"],
        &["lint", &log, "--format", "junit"],
        &["lint", &log, "/nowhere/\u{1b}[2J"],
        &["decode", "/nowhere/\u{1b}[2J"],
    ] {
        let said = says(Path::new(PROJECT), arguments);
        assert!(!said.is_empty() || arguments.len() == 2, "{arguments:?}");
        if arguments.contains(&"junit") {
            xml(&said);
        }
    }
}
