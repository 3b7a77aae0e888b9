//! The disk fills up, or the folder goes, while a case runs: on the simulated rig and on real wires the supply is off
//! afterwards, what was written can be judged, and the exit code says that nothing was decided.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use rstest::rstest;
use tempfile::TempDir;

use crate::process::{Serving, busbar, output, within};

/// Runs a script in a mount namespace of its own, in which `$1` is a small disk; nothing where the system forbids
/// that.
fn on_a_small_disk(disk: &Path, script: &str, words: &[&str]) -> Option<Output> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
            .arg(disk)
            .args(words);
        command.env("BUSBAR_HOME", crate::process::PROJECT).output()
    };
    let mount = "mount -t tmpfs -o size=400k small \"$1\"";
    if !unshare(mount).is_ok_and(|done| done.status.success()) {
        return None;
    }
    Some(unshare(&format!("{mount} && {script}")).expect("it started a moment ago"))
}

/// What was left can be read: it decides nothing, and nothing is half a file.
fn left(kept: &Path) {
    let run = fs::read_dir(kept).expect("a folder").map(|entry| entry.expect("an entry").path());
    let run: Vec<PathBuf> = run.filter(|path| path.is_dir() && !path.is_symlink()).collect();
    let [run] = run.as_slice() else { panic!("one run: {run:?}") };
    for entry in fs::read_dir(run).expect("a folder") {
        let path = entry.expect("an entry").path();
        assert!(path.extension().is_none_or(|end| end != "part"), "{}", path.display());
    }
    assert!(fs::metadata(run.join("can.log")).expect("can.log").len() > 10_000, "evidence up to then");
    let judged = output(&["judge", run.to_str().expect("a plain path"), "--format", "json"]);
    let said = String::from_utf8_lossy(&judged.stderr);
    assert_eq!(judged.status.code(), Some(2), "{said}");
    let verdicts: serde_json::Value = serde_json::from_slice(&judged.stdout).expect("JSON");
    assert_eq!(verdicts["outcome"], "inconclusive");
}

/// What the supply says of its output.
pub(crate) fn output_of(supply: &str) -> String {
    let mut socket = TcpStream::connect(supply).expect("it is served");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
    socket.write_all(b"OUTP?\n").expect("it listens");
    let (mut answer, mut byte) = (String::new(), [0]);
    while socket.read(&mut byte).expect("it answers") == 1 && byte != *b"\n" {
        answer.push(char::from(byte[0]));
    }
    answer.trim().to_owned()
}

/// A served rig whose supply is on TCP, and the rig file for it.
fn served() -> (Serving, String) {
    let serving = Serving::start(&["--speed", "60", "--psu-port", "0"]);
    let supply = format!("{{ tcp: \"{}\" }}", serving.address("psu"));
    let rig = serving.rig("{ serial: /tmp/busbar/psu }", &supply);
    (serving, rig)
}

#[rstest]
#[case::simulated(false)]
#[case::on_wires(true)]
fn a_full_disk_ends_the_run_safely(#[case] wires: bool) {
    let (disk, kept) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let serving = wires.then(served);
    let rig = serving.as_ref().map_or("simulated", |(_, rig)| rig);
    let script = "\"$2\" run --quiet --out \"$1\" --rig \"$3\" feed-in/load-steps; code=$?; \
                  \"$2\" decode \"$1\"/*/can.log > \"$1\"/decoded; echo decode $?; \
                  rm -f \"$1\"/decoded; cp -a \"$1\"/. \"$4\"; exit $code";
    let kept_at = kept.path().to_str().expect("a plain path");
    let words = [env!("CARGO_BIN_EXE_busbar"), rig, kept_at];
    let Some(done) = on_a_small_disk(disk.path(), script, &words) else {
        println!("not run: nobody may mount a small disk here (unshare --user --map-root-user --mount)");
        return;
    };
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains("No space left") && said.contains("stays readable"), "{said}");
    assert!(String::from_utf8_lossy(&done.stdout).contains("decode 2"), "half an answer is none: {said}");
    left(kept.path());
    if let Some((serving, _)) = &serving {
        assert_eq!(output_of(&serving.address("psu")), "0", "the supply is off");
    }
}

#[test]
fn a_folder_that_goes_ends_the_run_on_wires() {
    let (serving, rig) = served();
    let out = TempDir::new().expect("a folder");
    let at = out.path().join("runs");
    let arguments =
        ["run", "--quiet", "--out", at.to_str().expect("a plain path"), "--rig", &rig, "feed-in/load-steps"];
    let mut running = busbar(&arguments).spawn().expect("it starts");
    let supply = serving.address("psu");
    let sun = || {
        let runs = fs::read_dir(&at).ok().into_iter().flatten().flatten();
        runs.filter_map(|run| fs::read_to_string(run.path().join("events.jsonl")).ok())
            .any(|events| events.contains("\"pv\""))
    };
    within(Duration::from_secs(30), sun, "the sun");
    fs::remove_dir_all(&at).expect("removed");
    let mut code = None;
    let ended = || {
        code = running.try_wait().expect("it is ours");
        code.is_some()
    };
    within(Duration::from_secs(30), ended, "its end");
    let mut said = String::new();
    running.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
    assert_eq!(code.and_then(|status| status.code()), Some(2), "{said}");
    assert!(said.contains("somebody removed the run folder"), "{said}");
    assert_eq!(output_of(&supply), "0", "the supply is off");
}

#[test]
fn what_is_served_listens_on_loopback_alone() {
    let serving = Serving::start(&["--psu-port", "0"]);
    for part in ["psu", "gx", "operator"] {
        let address: std::net::SocketAddr = serving.address(part).parse().expect("an address");
        assert!(address.ip().is_loopback(), "{part}: {address}");
    }
}
