//! A project in which every string that somebody may choose is hostile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Markup and a script, sequences of terminals in both forms, a title of a window, writing from right to left, NUL, line
/// breaks, a formula, a path that leads out.
pub(crate) const HOSTILE: &str = "</script></title><script>document.title='owned'</script>\
    \"'><img src=x onerror=\"document.title='owned'\">]]>--><svg onload=\"document.title='owned'\">&lt;\u{1b}[2J\u{1b}]0;owned\u{7}\
    \u{9b}31m\u{202e}drow\u{2066}\0\r\n=cmd|'/C calc'!A0\n@SUM(1,1)\t../../../owned {{x}} ${x} %n";

/// What an identity of 8 and of 16 printable characters can hold.
const NAMES: [(&str, &str, &str); 4] = [
    ("manufacturer:", "BusbarLF", "=<b>'\"&|"),
    ("name:", "BusbarLFP Ref", "<img src=x>../.."),
    ("serial:", "\"BB0001\"", "@SUM(1)<script>"),
    ("family:", "LFP16", "+<i>\\x1b"),
];

/// The names of the files: what a folder takes and a web page should not.
pub(crate) const BATTERY: &str = "=<b onclick=x>";
pub(crate) const RIG: &str = "@<i>'\"&";

/// A text as YAML.
fn quoted(text: &str) -> String {
    proto::text::json(serde_json::Value::from(text).to_string())
}

/// A project with one short suite.
pub(crate) fn project() -> TempDir {
    let home = TempDir::new().expect("a temporary folder");
    let write = |path: &str, text: String| {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    let read = |path: &str| fs::read_to_string(Path::new(PROJECT).join(path)).expect("it is shipped");
    let replaced = |text: String, good: &str, bad: &str| {
        assert!(text.contains(good), "{good} stands in the file");
        text.replacen(good, bad, 1)
    };
    let long = format!("{HOSTILE}{}", "A".repeat(5000));
    let title = |text: String| {
        let line = text.lines().find(|line| line.starts_with("title:")).expect("a title").to_owned();
        replaced(text, &line, &format!("title: {}", quoted(&long)))
    };
    let mut battery = title(read("rigs/batteries/reference.yaml"));
    battery = replaced(battery, "battery: reference", &format!("battery: {}", quoted(BATTERY)));
    battery = replaced(battery, "expect: pass", &format!("expect: pass\ncatalogue: {}", quoted(HOSTILE)));
    for (key, good, bad) in NAMES {
        battery = replaced(battery, &format!("{key} {good}"), &format!("{key} {}", quoted(bad)));
    }
    write(&format!("rigs/batteries/{BATTERY}.yaml"), battery);
    let mut rig = title(read("rigs/simulated.yaml"));
    rig = replaced(rig, "rig: simulated", &format!("rig: {}", quoted(RIG)));
    rig = replaced(rig, "the simulated GX itself", &quoted(HOSTILE));
    write(&format!("rigs/{RIG}.yaml"), rig);
    // A requirement that fails, so that its reason is told, and a case that does not apply.
    let suite = format!(
        "suite: s\ntitle: {0}\nspec: P 2\nneeds: [pv, gx, grid]\ncases:\n  - case: c\n    title: {0}\n    \
         requirements: [TIM-01, CVL-01, BEH-BO]\n    \
         start: {{ soc: 50 %, grid: on, feed-in: on, pv: off, ac-load: off }}\n    steps:\n      - mark: m\n      \
         - hold: 2 min\n      - expect: {{ that: {{ soc: {{ at-least: 99 % }} }}, within: 10 s, requirement: BEH-BO }}\n  \
         - case: d\n    title: {0}\n    needs: [operator]\n    requirements: [TIM-01]\n    \
         start: {{ soc: 50 %, grid: on, feed-in: on, pv: off, ac-load: off }}\n    steps:\n      \
         - prompt: {{ text: {0}, timeout: 1 s }}\n",
        quoted(HOSTILE)
    );
    write("suites/s/s.yaml", suite);
    home
}

/// Runs the binary, with this home.
pub(crate) fn busbar(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    command.args(arguments).env("BUSBAR_HOME", home).current_dir(home);
    command.output().expect("the binary was built for this test")
}

/// A run of it: its folder, and what was said.
pub(crate) fn run(home: &Path, out: &Path) -> (PathBuf, Output) {
    let folder = out.to_string_lossy();
    let output = busbar(home, &["run", "--rig", RIG, "--battery", BATTERY, "--out", &folder]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let run = fs::read_link(out.join("latest")).unwrap_or_else(|_| panic!("a run: {said}"));
    (out.join(run), output)
}

/// The battery says on the wire what no file may make it say: raw bytes in every name of the document.
pub(crate) fn forge(run: &Path) {
    const BYTES: [&str; 3] = ["1B5B324A3C623E22", "3C696D6720737263", "3D636D647C9B3300"];
    let path = run.join("can.log");
    let log = fs::read_to_string(&path).expect("can.log");
    let mut forged = 0;
    let lines = log.lines().map(|line| {
        let Some((head, data)) = line.rsplit_once('#') else { return line.to_owned() };
        let id = head.rsplit(' ').next().unwrap_or_default();
        let names = ["35E", "370", "371", "374", "375", "376", "377", "380", "381", "382"];
        let Some(k) = names.iter().position(|name| *name == id) else { return line.to_owned() };
        forged += 1;
        format!("{head}#{}{}", &BYTES[k % 3][..data.len().min(16)], data.get(16..).unwrap_or_default())
    });
    let text: String = lines.map(|line| line + "\n").collect();
    assert!(forged > 20, "{forged} names were sent");
    fs::write(path, text).expect("can.log");
    // It would say that somebody changed the log, and vouch for nothing.
    fs::remove_file(run.join("manifest.json")).expect("a manifest");
}
