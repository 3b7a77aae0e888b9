//! A battery that is a program as its users meet it: what a run keeps of it, what judges it again, and what is left of it
//! when `busbar` is killed.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// It sends 0x351 and 0x355 once a second and stops, for good, at the turn that its argument names.
const PROGRAM: &str = r#"
import json, os, sys, time
stops = int(sys.argv[1])
open(os.environ.get("PID_FILE", os.devnull), "w").write(str(os.getpid()))
def say(answer):
    sys.stdout.write(json.dumps(answer) + "\n"); sys.stdout.flush()
sys.stderr.write("on standard error\n")
n = 0
for line in sys.stdin:
    m = json.loads(line)
    if "hello" in m:
        say({"hello": "busbar-bms/1", "name": "acme 2.1", "can_set_soc": True})
    elif "bye" in m:
        say({"memory": None})
        break
    else:
        if n == stops:
            time.sleep(1000)
        n += 1
        low = min(m["cells_V"])
        say({"frames": [{"id": "0x351", "data": "3002780514053002", "after_us": 5000},
                        {"id": "0x355", "data": "32006400", "after_us": 15000}],
             "contactor": True, "next_us": 1000000, "state": {"low": low}})
"#;

/// A project with one short case and a battery that is a program.
fn project(stops: &str) -> TempDir {
    let home = TempDir::new().expect("a temporary folder");
    for folder in ["suites/s", "rigs/batteries"] {
        fs::create_dir_all(home.path().join(folder)).expect("a folder");
    }
    let write = |name: &str, text: &str| fs::write(home.path().join(name), text).expect("written");
    fs::copy(Path::new(PROJECT).join("rigs/simulated.yaml"), home.path().join("rigs/simulated.yaml"))
        .expect("a copy");
    let reference =
        fs::read_to_string(Path::new(PROJECT).join("rigs/batteries/reference.yaml")).expect("readable");
    write("rigs/batteries/reference.yaml", &reference);
    write(
        "rigs/batteries/acme.yaml",
        &format!(
            "battery: acme\ntitle: Acme\nexpect: pass\nlike: reference\n\
             simulated: {{ program: {{ command: [python3, ./bms.py, \"{stops}\"], within: 60 s }} }}\n"
        ),
    );
    write("rigs/batteries/bms.py", PROGRAM);
    write(
        "suites/s/s.yaml",
        "suite: s\ntitle: t\nspec: P 1.4\nneeds: [pv, gx, grid]\ncases:\n  - case: c\n    title: t\n    \
         requirements: [TIM-01]\n    start: { soc: 50 %, grid: on, feed-in: on, pv: off, ac-load: off }\n    \
         steps:\n      - hold: 2 min\n",
    );
    home
}

fn busbar(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
    command.args(arguments).env("BUSBAR_HOME", home).output().expect("the binary was built for this test")
}

fn run(home: &Path) -> (PathBuf, Output) {
    let output = busbar(home, &["run", "-q", "--battery", "acme", "s"]);
    let latest = fs::read_link(home.join("reports/latest"))
        .unwrap_or_else(|_| panic!("a run: {}", String::from_utf8_lossy(&output.stderr)));
    (home.join("reports").join(latest), output)
}

fn read(run: &Path, name: &str) -> String {
    fs::read_to_string(run.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The run says which program it was, keeps what that told of itself, and is judged again without it.
#[test]
fn a_run_names_its_program_and_is_judged_without_it() {
    let home = project("-1");
    let (one, output) = run(home.path());
    let told = read(&one, "program.jsonl");
    assert!(told.starts_with("{\"case\":\"s/c\",\"began\":0}\n{\"t\":0,\"state\":{\"low\""), "{told}");
    assert!(
        told.contains("\"first\":\"on standard error\\n\"") && told.contains("it exited with 0"),
        "{told}"
    );
    assert!(read(&one, "manifest.json").contains("\"program.jsonl\""));
    let hash = evidence::manifest::sha256(PROGRAM.as_bytes());
    assert!(read(&one, "events.jsonl").contains(&hash));
    let report = read(&one, "report.html");
    assert!(
        report.contains("the battery is the vendor&#39;s own program, acme 2.1, sha256")
            || report.contains("the battery is the vendor's own program, acme 2.1, sha256")
    );
    assert!(report.contains("SIMULATED RIG, THE VENDOR'S OWN PROGRAM, SHA256 ") && report.contains(&hash));

    // The same seed again: the same bytes.
    let (other, _) = run(home.path());
    for name in
        ["can.log", "bus.csv", "gx.csv", "supply.csv", "events.jsonl", "program.jsonl", "verdicts.json"]
    {
        assert_eq!(read(&one, name), read(&other, name), "{name}");
    }
    // Without the program, and without the project.
    fs::remove_file(home.path().join("rigs/batteries/bms.py")).expect("removed");
    let judged = busbar(Path::new("/nowhere"), &["judge", &one.to_string_lossy()]);
    let said = String::from_utf8_lossy(&judged.stderr);
    assert!(
        judged.status.code() == output.status.code() && said.contains("same verdicts as in verdicts.json"),
        "{said}"
    );
}

/// Cells of a matrix have a process each; what was made with another program is never mixed with them.
#[test]
fn a_matrix_plays_a_program_and_knows_it_from_another() {
    let home = project("-1");
    let matrix = || busbar(home.path(), &["matrix", "--batteries", "acme", "--seeds", "4", "--jobs", "2"]);
    matrix();
    let folders = || {
        let there = fs::read_dir(home.path().join("reports")).expect("a folder");
        there.filter_map(Result::ok).filter(|entry| entry.path().is_dir()).count()
    };
    let before = folders();
    let output = matrix();
    assert_eq!(folders(), before, "it goes on: {}", String::from_utf8_lossy(&output.stderr));
    fs::write(home.path().join("rigs/batteries/bms.py"), format!("{PROGRAM}\n# 2.2\n")).expect("written");
    let output = matrix();
    assert_eq!(folders(), before + 1, "another program: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whatever kills `busbar`, its program goes with it.
#[test]
fn a_program_does_not_outlive_a_killed_busbar() {
    let home = project("5");
    let pid_file = home.path().join("pid");
    let mut child = Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(["run", "-q", "--battery", "acme"])
        .env("BUSBAR_HOME", home.path())
        .env("PID_FILE", &pid_file)
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let pid = || fs::read_to_string(&pid_file).unwrap_or_default();
    wait(|| !pid().is_empty(), "the program starts");
    let stat = PathBuf::from("/proc").join(pid()).join("stat");
    let alive = || fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(alive(), "it waits in its turn");
    child.kill().expect("killed");
    child.wait().expect("gone");
    wait(|| !alive(), "the program ends");
}

fn wait(holds: impl Fn() -> bool, what: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
