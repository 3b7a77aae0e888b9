//! What `docs/nightly.md` says of nights that run by themselves, tried as it stands there: the units of systemd, the commands
//! of a CI, and the five nights to look at.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const BUSBAR: &str = env!("CARGO_BIN_EXE_busbar");
const PAGE: &str = include_str!("../../../docs/nightly.md");

/// The block of the page whose first line is this.
fn block(first: &str) -> String {
    let blocks = PAGE.split("\n```").skip(1).step_by(2);
    let lines = blocks.filter_map(|block| block.split_once('\n'));
    let found =
        lines.map(|(_, text)| text).find(|text| text.lines().next().is_some_and(|line| line.contains(first)));
    format!("{}\n", found.unwrap_or_else(|| panic!("the page has no block that begins with {first}")))
}

/// The value of a key of a unit.
fn key(unit: &str, key: &str) -> String {
    let value = unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("{key} in {unit}")).to_owned()
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder of the project").flatten() {
        let to = to.join(entry.file_name());
        match entry.path() {
            path if path.is_dir() && !path.ends_with("snapshots") => copied(&path, &to),
            path if path.is_file() => drop(fs::copy(path, to).expect("a copy")),
            _ => {}
        }
    }
}

/// The home of a user with the project in `busbar/`, a built binary in it, a rig `lab-a` (a simulated one) and a battery `my`.
fn home() -> (TempDir, PathBuf) {
    let home = TempDir::new().expect("a temporary folder");
    let project = home.path().join("busbar");
    for folder in ["rigs", "suites"] {
        copied(&Path::new(PROJECT).join(folder), &project.join(folder));
    }
    let rig = fs::read_to_string(project.join("rigs/simulated.yaml")).expect("the rig");
    fs::write(project.join("rigs/lab-a.yaml"), rig.replace("rig: simulated", "rig: lab-a")).expect("written");
    let battery = "battery: my\nlike: reference\ntitle: Mine\nexpect: pass\n";
    fs::write(project.join("rigs/batteries/my.yaml"), battery).expect("written");
    fs::create_dir_all(project.join("target/release")).expect("a folder");
    symlink(BUSBAR, project.join("target/release/busbar")).expect("a link");
    (home, project)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_units_are_units_and_their_command_runs() {
    let (home, project) = home();
    let [service, timer] = ["busbar-night.service", "busbar-night.timer"].map(|name| {
        let text = block(name);
        fs::write(home.path().join(name), &text).expect("written");
        text
    });

    let command = key(&service, "ExecStart").replace("%h", &home.path().display().to_string());
    let mut words = command.split(' ');
    let place = key(&service, "WorkingDirectory").replace("%h", &home.path().display().to_string());
    let night = Command::new(words.next().expect("a program")).args(words).current_dir(place).output();
    let night = night.expect("it starts");
    assert_eq!(night.status.code(), Some(0), "{command}: {}", said(&night));
    assert!(said(&night).starts_with("# PASS"), "{}", said(&night));
    assert!(project.join("reports/history.db").exists());

    let analyze = |arguments: &[&str]| {
        let mut command = Command::new("systemd-analyze");
        command.args(arguments).current_dir(home.path());
        command.env("HOME", home.path()).env("XDG_RUNTIME_DIR", home.path()).output()
    };
    match analyze(&["--user", "verify", "./busbar-night.service", "./busbar-night.timer"]) {
        Ok(output) => {
            assert!(output.status.success() && output.stderr.is_empty(), "{}", said(&output));
            let calendar = analyze(&["calendar", &key(&timer, "OnCalendar")]).expect("it is there");
            assert!(calendar.status.success(), "{}", said(&calendar));
        }
        Err(error) if std::env::var_os("BUSBAR_SYSTEMD").is_none() => {
            println!("units not verified: systemd-analyze: {error}");
        }
        Err(error) => panic!("BUSBAR_SYSTEMD is set, and systemd-analyze: {error}"),
    }
}

/// A folder with a `cargo` whose only task is `xtask nightly`, and `busbar`: what cargo would build is there already.
fn tools(home: &Path) -> String {
    let tools = home.join("tools");
    fs::create_dir(&tools).expect("a folder");
    let cargo =
        "#!/bin/sh\n[ \"$1 $2\" = 'xtask nightly' ] || exit 101\nshift 2\nexec busbar nightly \"$@\"\n";
    fs::write(tools.join("cargo"), cargo).expect("written");
    fs::set_permissions(tools.join("cargo"), fs::Permissions::from_mode(0o755)).expect("executable");
    symlink(BUSBAR, tools.join("busbar")).expect("a link");
    format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default())
}

#[test]
fn the_commands_of_a_ci_run() {
    for (file, begins) in [("night.yml", ["run: ", "- run: "]), (".gitlab-ci.yml", ["- cargo", "- cat"])] {
        let (home, project) = home();
        let (path, shown) = (tools(home.path()), home.path().join("shown"));
        let text = block(file);
        let commands: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| begins.iter().any(|begin| line.starts_with(begin)))
            .map(|line| line.trim_start_matches("- ").trim_start_matches("run: "))
            .collect();
        assert_eq!(commands.len(), 2, "{commands:?}");
        for command in commands {
            let output = Command::new("bash")
                .args(["-e", "-c", command])
                .current_dir(&project)
                .env("PATH", &path)
                .env("GITHUB_STEP_SUMMARY", &shown)
                .output()
                .expect("a shell");
            assert_eq!(output.status.code(), Some(0), "{file}: {command}: {}", said(&output));
            let told = said(&output) + &fs::read_to_string(&shown).unwrap_or_default();
            assert!(told.starts_with("# PASS"), "{file}: {command}: {told}");
        }
        for kept in text.lines().filter_map(|line| line.split("reports/").nth(1)) {
            let kept = kept.trim_end_matches([']', '"']).split(' ').next().unwrap_or_default();
            assert!(kept.contains('*') || project.join("reports").join(kept).exists(), "{file} keeps {kept}");
        }
    }
}

#[test]
fn the_fourth_of_five_nights_is_told_in_the_morning() {
    let (home, _) = home();
    let script = block("mktemp").replace("\"$(mktemp -d)\"", "\"$NIGHTS\"");
    let nights = home.path().join("nights");
    fs::create_dir(&nights).expect("a folder");
    let output = Command::new("bash")
        .args(["-e", "-c", &script])
        .env("PATH", tools(home.path()))
        .env("BUSBAR", Path::new(PROJECT).canonicalize().expect("the project"))
        .env("NIGHTS", &nights)
        .output()
        .expect("a shell");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let mut pages: Vec<PathBuf> = fs::read_dir(nights.join("reports/nights"))
        .expect("nights")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    pages.sort();
    assert_eq!(pages.len(), 5);
    for (page, parts) in [
        (&pages[2], ["class=big>Pass", "Firmware<td>1.0<td>→<td><b>1.1</b>"]),
        (&pages[3], ["class=big>Fail", "Firmware<td>1.1<td>→<td><b>1.2</b>"]),
        (&pages[3], ["scope=rowgroup>Newly failing", "<td class=id>cvl-plateau"]),
        (&pages[4], ["scope=rowgroup>Still failing", "<h2>Against firmware 1.1"]),
    ] {
        let text = fs::read_to_string(page.join("index.html")).expect("a page");
        for part in parts {
            assert!(text.contains(part), "{}: {part}", page.display());
        }
    }
}
