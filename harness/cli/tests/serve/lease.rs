//! One run per rig, as it is seen from a second terminal.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use super::process::{Owned, Serving, busbar, register, within};

/// A rig that is served, and where its runs go.
struct Desk {
    serving: Serving,
    folder: tempfile::TempDir,
    rig: String,
}

impl Desk {
    fn new() -> Self {
        let serving = Serving::start(&["--speed", "60"]);
        let folder = tempfile::tempdir().expect("a folder");
        let rig = serving.rig("rig: served", "rig: served");
        Self { serving, folder, rig }
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        let mut command = busbar(words);
        command.args(["--rig", &self.rig]);
        command
    }

    fn run(&self, out: &str, words: &[&str]) -> std::process::Command {
        let out = self.folder.path().join(out);
        let mut command = self.command(&[&["run", "feed-in/load-steps", "--quiet"], words].concat());
        command.arg("--out").arg(out).stdout(Stdio::null());
        command
    }

    fn began(&self, out: &str) -> bool {
        let runs = fs::read_dir(self.folder.path().join(out)).into_iter().flatten().flatten();
        runs.into_iter().any(|run| {
            fs::read_to_string(run.path().join("events.jsonl"))
                .is_ok_and(|text| text.contains("\"kind\":\"step\""))
        })
    }

    /// What went over the wire to the supply in runs that went there.
    fn wire(&self, out: &str) -> String {
        let runs = fs::read_dir(self.folder.path().join(out)).into_iter().flatten().flatten();
        runs.filter_map(|run| fs::read_to_string(run.path().join("psu-wire.log")).ok()).collect()
    }

    /// Whether the supply was switched on there, and says so: a line that is written down may not have got through.
    fn is_on(&self, out: &str) -> bool {
        self.wire(out).split_once("> OUTP ON").is_some_and(|(_, then)| then.contains(") < 1\n"))
    }

    /// The lock of all users, by the device that the supply is.
    fn lock_of_the_supply(&self) -> std::path::PathBuf {
        let device = fs::metadata(self.serving.address("psu")).expect("it is there");
        let (number, made) = (device.rdev(), format!("{}.{:09}", device.ctime(), device.ctime_nsec()));
        let name = format!("busbar-locks/device-{number}-{made}.lease");
        let found = ["/run/lock", "/tmp"].map(|home| Path::new(home).join(&name));
        found.into_iter().find(|path| path.exists()).expect("the lock of the supply")
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn end(run: &mut Owned) {
    let id = run.0.id().to_string();
    assert!(
        std::process::Command::new("kill").args(["-TERM", &id]).status().expect("a kill command").success()
    );
    within(Duration::from_secs(60), || run.0.try_wait().expect("it is ours").is_some(), "its end");
}

/// A second run is told who has the rig, since when and from where; one that waits gets it; one of a rig whose supply
/// is not known to be off is refused until somebody has looked.
#[test]
fn a_second_terminal_is_told_waits_and_is_kept_off_a_quarantined_rig() {
    let desk = Desk::new();
    let mut first = Owned(desk.run("first", &[]).stderr(Stdio::null()).spawn().expect("it starts"));
    within(Duration::from_secs(60), || desk.began("first"), "the first run");

    let refused = desk.run("second", &[]).output().expect("it starts");
    let why = said(&refused);
    assert_eq!(refused.status.code(), Some(2), "{why}");
    let holder = format!("the rig is in use by process {} of ", first.0.id());
    assert!(
        why.contains(&holder) && why.contains(" since 20") && why.contains("on the rig `served`"),
        "{why}"
    );
    assert!(why.contains("feed-in/load-steps") && why.contains("--wait 10m"), "{why}");
    assert!(!desk.folder.path().join("second").exists(), "nothing was begun");

    let waits = desk.run("third", &["--wait", "60s"]).stderr(Stdio::piped()).spawn();
    let mut waits = Owned(waits.expect("it starts"));
    std::thread::sleep(Duration::from_secs(2));
    assert!(!desk.began("third"));
    end(&mut first);
    within(Duration::from_secs(60), || desk.began("third"), "the run that waits");
    end(&mut waits);
    let mut why = String::new();
    std::io::Read::read_to_string(&mut waits.0.stderr.take().expect("piped"), &mut why).expect("text");
    assert!(why.contains(&holder) && why.contains("waiting up to 1m"), "{why}");

    let free =
        || fs::read_to_string(desk.lock_of_the_supply()).is_ok_and(|text| text.contains("\"holder\":null"));
    within(Duration::from_secs(60), free, "the rig is given back");
    fs::write(desk.lock_of_the_supply(), r#"{"quarantine": "the supply did not answer"}"#).expect("written");
    let refused = desk.run("fourth", &["--wait", "60s"]).output().expect("it starts");
    let why = said(&refused);
    assert_eq!(refused.status.code(), Some(2), "{why}");
    assert!(why.contains("quarantined: the supply did not answer") && why.contains("--clear"), "{why}");
    let cleared = desk.command(&["doctor", "--clear", "--listen", "1"]).output().expect("it starts");
    assert!(
        said(&cleared).contains("no longer quarantined: the supply did not answer"),
        "{}",
        said(&cleared)
    );
    let mut last = Owned(desk.run("last", &[]).stderr(Stdio::null()).spawn().expect("it starts"));
    within(Duration::from_secs(60), || desk.began("last"), "a run on the rig that was cleared");
    end(&mut last);
    drop(desk.serving);
}

/// The process of the guard of a rig: nobody's child, so it is looked for by the rig file that only it has.
pub(crate) fn guard_of(rig: &str) -> Option<String> {
    let processes =
        fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    processes.filter(|name| name.parse::<u32>().is_ok()).find(|id| {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let words: Vec<_> = line.split(|&byte| byte == 0).collect();
        words.contains(&b"--apart".as_slice()) && words.contains(&rig.as_bytes())
    })
}

/// Neither has the time to switch off for the other: the harness stands still before its guard dies.
fn kill_both(guard: &str, harness: &std::process::Child) {
    let harness = harness.id().to_string();
    for words in [&["-STOP", &harness][..], &["-KILL", guard, &harness]] {
        assert!(std::process::Command::new("kill").args(words).status().expect("a kill command").success());
    }
}

/// Harness and guard are killed with the output on, and the supply has no watchdog: the next run switches it off before
/// anything else, and says so to whoever watches.
#[test]
fn a_run_after_one_that_died_with_its_guard_says_that_the_output_was_on() {
    let desk = Desk::new();
    let mut first = Owned(desk.run("first", &[]).stderr(Stdio::null()).spawn().expect("it starts"));
    within(Duration::from_secs(60), || desk.is_on("first"), "the sun");
    let guard = guard_of(&desk.rig).expect("it runs");
    kill_both(&guard, &first.0);
    within(Duration::from_secs(10), || first.0.try_wait().expect("it is ours").is_some(), "its end");

    let mut next = Owned(desk.run("next", &[]).stderr(Stdio::piped()).spawn().expect("it starts"));
    within(Duration::from_secs(60), || desk.began("next"), "the next run");
    end(&mut next);
    let mut why = String::new();
    std::io::Read::read_to_string(&mut next.0.stderr.take().expect("piped"), &mut why).expect("text");
    let holder = format!("process {} of ", first.0.id());
    assert!(
        why.contains("the output of the supply was on; it was switched off") && why.contains(&holder),
        "{why}"
    );
    assert!(desk.wire("next").contains("was on; it was switched off"), "it is in the evidence");
}

/// What somebody had set on the GX, and what the case needs: unit, register, value.
const SET: [(u8, u16, u16); 2] = [(100, 2707, 0), (227, 22, 200)];
const NEEDED: [(u8, u16, u16); 2] = [(100, 2707, 1), (227, 22, 320)];

/// Harness and guard are killed while registers of the GX are not as they were found: what they held is on the disk, and
/// the next command on that rig writes it back and says so; not while the supply may be on.
#[test]
fn a_gx_that_a_dead_run_has_changed_is_put_back_by_whoever_comes_next() {
    let desk = Desk::new();
    let gx = desk.serving.address("gx");
    let held = || SET.map(|(unit, at, _)| (unit, at, register(&gx, unit, at, None)));
    let dies_when = |out: &str, is: &dyn Fn() -> bool| {
        let mut run = Owned(desk.run(out, &[]).stderr(Stdio::null()).spawn().expect("it starts"));
        within(Duration::from_secs(60), is, "the run");
        let guard = guard_of(&desk.rig).expect("it runs");
        kill_both(&guard, &run.0);
        within(Duration::from_secs(10), || run.0.try_wait().expect("it is ours").is_some(), "its end");
        assert_eq!(held(), NEEDED);
    };
    let doctor = || {
        let done = desk.command(&["doctor", "--listen", "1"]).output().expect("it starts");
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    let says = "the GX is as it was found: 2 registers were put back";
    for (unit, at, value) in SET {
        register(&gx, unit, at, Some(value));
    }
    assert_eq!(held(), SET);

    dies_when("before-the-sun", &|| held() == NEEDED);
    assert!(
        desk.wire("before-the-sun").contains("put back at the end: register 2707"),
        "it is in the evidence"
    );
    let told = doctor();
    assert!(told.contains(&format!("a run that died had written to it: {says}")), "{told}");
    assert_eq!(held(), SET);
    assert!(!doctor().contains(says), "once");

    dies_when("in-the-sun", &|| desk.is_on("in-the-sun"));
    let told = doctor();
    assert!(told.contains("its output is on") && !told.contains(says), "{told}");
    assert_eq!(held(), NEEDED);
    let mut next = Owned(desk.run("next", &[]).stderr(Stdio::piped()).spawn().expect("it starts"));
    within(Duration::from_secs(60), || desk.began("next"), "the next run");
    end(&mut next);
    let mut why = String::new();
    std::io::Read::read_to_string(&mut next.0.stderr.take().expect("piped"), &mut why).expect("text");
    assert!(why.contains("the output of the supply was on; it was switched off"), "{why}");
    assert!(why.contains(&format!("a run before this one died: {says}")), "{why}");
    assert_eq!(held(), SET);
}
