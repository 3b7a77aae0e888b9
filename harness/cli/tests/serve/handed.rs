//! A rig that several people share, handed out by an engine: here a folder that a script makes, asks after and removes.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use files::RigFile;
use lab::guard::lease::{LeaseError, look};
use rstest::rstest;

use super::disk::output_of;
use super::lease::guard_of;
use super::process::{Owned, Serving, busbar, within};

/// The engine: `held/by` is who has the rig. Each step is a line of `log`, and a release says what the supply read then.
const ENGINE: &str = r#"#!/bin/bash
cd "$(dirname "$0")" || exit 9
supply() {
    exec 3<>"/dev/tcp/$(cat supply)" && echo 'OUTP?' >&3 && read -r -t 5 answer <&3
    echo "output=${answer%$'\r'}"
}
say() { echo "$(date +%s.%N) $*" >> log; }
case "$1" in
acquire)
    if ! mkdir held 2>/dev/null; then say refused; echo "some words" >&2; echo "$(cat held/by) has it" >&2; exit 1; fi
    echo "$BUSBAR_LEASE" > held/by; say "acquired $BUSBAR_RIG" ;;
check)
    if [ -e hang ]; then echo $$ >> hanging; sleep 600; fi
    if [ -e fail ]; then say unknown; echo "no route to host" >&2; exit 1; fi
    if [ "$(cat held/by 2>/dev/null)" != "$BUSBAR_LEASE" ]; then say other; echo "bert has it" >&2; exit 3; fi
    say ours ;;
release) say "released $(supply)"; rm -r held ;;
esac
"#;

/// A served rig with a lease, its engine in a folder, and where its runs go.
struct Desk {
    serving: Serving,
    folder: tempfile::TempDir,
    rig: String,
    supply: String,
}

impl Desk {
    fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let serving = Serving::start(&["--speed", "60", "--psu-port", "0"]);
        let folder = tempfile::tempdir().expect("a folder");
        let supply = serving.address("psu");
        let engine = folder.path().join("engine");
        fs::write(&engine, ENGINE).expect("written");
        fs::set_permissions(&engine, fs::Permissions::from_mode(0o755)).expect("ours");
        fs::write(folder.path().join("supply"), supply.replace(':', "/")).expect("written");
        let rig = serving.rig("{ serial: /tmp/busbar/psu }", &format!("{{ tcp: \"{supply}\" }}"));
        let text = fs::read_to_string(&rig).expect("it was written");
        // A program by a path from the folder of the rig file.
        let rig = folder.path().join("served.yaml");
        let lease = "\nlease:\n  acquire: [./engine, acquire]\n  check: [./engine, check]\n  release: [./engine, release]\n  \
                     every: 1 s\n  within: 2 s\n\nlive:";
        fs::write(&rig, text.replacen("\nlive:", lease, 1)).expect("written");
        Self { serving, rig: rig.to_str().expect("a plain path").to_owned(), folder, supply }
    }

    fn run(&self, words: &[&str]) -> Owned {
        let mut command = busbar(&["run", "feed-in/load-steps", "--quiet", "--rig", &self.rig, "--out"]);
        command.arg(self.folder.path().join("out")).args(words).stdout(Stdio::null());
        Owned(command.spawn().expect("it starts"))
    }

    fn doctor(&self) -> String {
        let done =
            busbar(&["doctor", "--clear", "--listen", "1", "--rig", &self.rig]).output().expect("it starts");
        String::from_utf8_lossy(&done.stderr).into_owned()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// What the engine was asked, without the times and the looks that found nothing.
    fn steps(&self) -> Vec<String> {
        let log = self.text("log");
        let steps = log.lines().filter_map(|line| line.split_once(' ')).map(|(_, step)| step.to_owned());
        steps.filter(|step| step != "ours").collect()
    }

    /// A file of the run.
    fn of_run(&self, name: &str) -> String {
        let runs = fs::read_dir(self.file("out")).into_iter().flatten().flatten().map(|run| run.path());
        let mut runs = runs.filter(|path| path.is_dir() && !path.is_symlink());
        runs.find_map(|run| fs::read_to_string(run.join(name)).ok()).unwrap_or_default()
    }

    /// Whether the supply was switched on, and says so, and was not switched off since.
    fn is_on(&self) -> bool {
        let wire = self.of_run("psu-wire.log");
        wire.rsplit_once("> OUTP ON")
            .is_some_and(|(_, then)| then.contains(") < 1\n") && !then.contains("> OUTP OFF"))
    }
}

fn kill(id: &str, signal: &str) {
    assert!(Command::new("kill").args([signal, id]).status().expect("a kill command").success());
}

/// Nothing is opened while somebody else has the rig: the run ends, or waits where it was told to.
#[test]
fn a_rig_that_is_not_given_is_left_alone() {
    let desk = Desk::new();
    fs::create_dir(desk.file("held")).expect("a folder");
    fs::write(desk.file("held/by"), "bert").expect("written");
    let (code, said) = desk.run(&[]).ended(Duration::from_secs(30));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("`acquire` (./engine) exited with 1: bert has it"), "{said}");
    assert!(said.contains("nothing was opened") && said.contains("--wait 10m"), "{said}");
    assert!(!desk.file("out").exists(), "nothing was begun");
    assert_eq!(desk.steps(), ["refused"]);

    let mut waits = desk.run(&["--wait", "60s"]);
    within(Duration::from_secs(30), || desk.steps().len() >= 3, "it is asked again and again");
    assert!(!desk.file("out").exists());
    fs::remove_dir_all(desk.file("held")).expect("ours");
    within(Duration::from_secs(60), || desk.is_on(), "the run that waits");
    kill(&waits.0.id().to_string(), "-TERM");
    let (_, said) = waits.ended(Duration::from_secs(60));
    assert!(said.contains("bert has it; waiting up to 1m"), "{said}");
    assert_eq!(desk.steps().last().map(String::as_str), Some("released output=0"), "{}", desk.text("log"));
    assert!(desk.of_run("psu-wire.log").contains("of the rig was given back"), "it is in the evidence");
}

/// What becomes of a lease while a case runs.
#[derive(Debug, Clone, Copy)]
enum Lost {
    Unreachable,
    Hangs,
    ToBert,
}

/// The case ends with the output off, undecided with the reason, and what was measured is kept. What is not known to be ours
/// is not given back.
#[rstest]
#[case(
    Lost::Unreachable,
    "nobody could say so twice in a row: `check` (./engine) exited with 1: no route to host"
)]
#[case(Lost::Hangs, "twice in a row: `check` (./engine) did not end within 2s and was ended")]
#[case(Lost::ToBert, "`check` (./engine) exited with 3: bert has it")]
fn a_rig_that_is_taken_away_goes_off(#[case] how: Lost, #[case] says: &str) {
    let desk = Desk::new();
    let mut run = desk.run(&[]);
    within(Duration::from_secs(60), || desk.is_on(), "the sun");
    let began = Instant::now();
    match how {
        Lost::Unreachable => fs::write(desk.file("fail"), "").expect("written"),
        Lost::Hangs => fs::write(desk.file("hang"), "").expect("written"),
        Lost::ToBert => fs::write(desk.file("held/by"), "bert").expect("written"),
    }
    let off_within = Duration::from_secs(20);
    within(off_within, || !desk.is_on(), "its output goes off");
    let off = began.elapsed();
    let (code, said) = run.ended(Duration::from_secs(60));
    println!("{how:?}: off after {off:.1?}, the run ended after {:.1?}", began.elapsed());
    assert_eq!(code, Some(2), "{said}");
    assert_eq!(output_of(&desk.supply), "0");
    let verdicts = desk.of_run("verdicts.json");
    assert!(verdicts.contains("the rig is not ours any more") && verdicts.contains(says), "{verdicts}");
    assert!(desk.of_run("events.jsonl").contains("the rig is not ours any more"), "it is an event");
    assert!(
        !desk.of_run("manifest.json").is_empty() && !desk.of_run("can.log").is_empty(),
        "evidence is kept"
    );
    assert!(!desk.text("log").contains("released"), "{}", desk.text("log"));
    assert!(said.contains("not be given back") || said.contains("was not given back"), "{said}");
    // Nothing that hung is left.
    for id in desk.text("hanging").lines() {
        let gone =
            || !fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.contains("engine"));
        within(Duration::from_secs(5), gone, "the end of a check that hung");
    }
}

/// One check that fails is no loss.
#[test]
fn a_rig_stays_ours_where_one_answer_is_lost() {
    let desk = Desk::new();
    let mut run = desk.run(&[]);
    within(Duration::from_secs(60), || desk.is_on(), "the sun");
    fs::write(desk.file("fail"), "").expect("written");
    within(Duration::from_secs(20), || desk.text("log").contains("unknown"), "a check that fails");
    fs::remove_file(desk.file("fail")).expect("ours");
    let looks = desk.text("log").matches("ours").count();
    within(
        Duration::from_secs(20),
        || desk.text("log").matches("ours").count() > looks + 1,
        "checks that do not",
    );
    assert!(desk.is_on(), "it stays on");
    kill(&run.0.id().to_string(), "-TERM");
    let (_, said) = run.ended(Duration::from_secs(60));
    assert!(!said.contains("not ours"), "{said}");
    assert_eq!(desk.steps().last().map(String::as_str), Some("released output=0"), "{}", desk.text("log"));
}

/// The run is killed: its guard switches off, reads that back, and only then gives the rig back.
#[test]
fn the_guard_of_a_run_that_was_killed_gives_the_rig_back_once_it_is_off() {
    let desk = Desk::new();
    let run = desk.run(&[]);
    within(Duration::from_secs(60), || desk.is_on(), "the sun");
    let began = Instant::now();
    kill(&run.0.id().to_string(), "-KILL");
    within(Duration::from_secs(30), || desk.text("log").contains("released"), "the guard gives it back");
    println!("killed: given back after {:.1?}", began.elapsed());
    assert_eq!(desk.steps(), ["acquired served", "released output=0"]);
    let wire = desk.of_run("psu-wire.log");
    assert!(wire.contains("output off read back"), "{wire}");
    within(
        Duration::from_secs(10),
        || desk.of_run("guard.log").contains("was given back"),
        "it is written down",
    );
}

/// The supply is gone while it is on: nobody gets the rig until somebody has looked and says so.
#[test]
fn a_rig_that_is_not_known_to_be_off_is_not_given_back() {
    let mut desk = Desk::new();
    let run = desk.run(&[]);
    within(Duration::from_secs(60), || desk.is_on(), "the sun");
    let guard = guard_of(&desk.rig).expect("it runs");
    // The supply and all the rest are gone.
    let rig = fs::read_to_string(&desk.rig).expect("it is there");
    let (_, _, _gone) = std::mem::replace(&mut desk.serving, Serving::start(&[])).end("-KILL");
    kill(&run.0.id().to_string(), "-KILL");
    // The terminal of its adapter may be another's by now: the supply alone says what became of it.
    let can = rig.lines().find(|line| line.trim_start().starts_with("slcan:")).expect("an adapter");
    let rig = rig.replace(can, "    interface: busbar-none");
    fs::write(&desk.rig, &rig).expect("written");
    let mut live = RigFile::parse("served.yaml", &rig).expect("a rig").live.expect("it is real");
    live.gx = None;
    let tries = || matches!(look(&live), Err(LeaseError::Trying { .. }));
    within(Duration::from_secs(60), tries, "it is quarantined");
    std::thread::sleep(Duration::from_secs(3));
    assert!(tries(), "still: {:?}\n{}\n{}", look(&live), desk.text("log"), desk.of_run("psu-wire.log"));
    assert_eq!(desk.steps(), ["acquired served"], "it is not given back");
    kill(&guard, "-KILL");
    within(Duration::from_secs(10), || matches!(look(&live), Err(LeaseError::Quarantined(_))), "its lock");
    assert_eq!(desk.steps(), ["acquired served"]);

    let said = desk.doctor();
    assert!(said.contains("the lease of the rig was given back"), "{said}");
    assert!(desk.steps().last().expect("a step").starts_with("released"), "{}", desk.text("log"));
}

/// Harness and guard are killed: the next run on this machine has the lease that they left, and gives it back.
#[test]
fn what_died_with_its_guard_leaves_its_lease_to_the_next_run_here() {
    let desk = Desk::new();
    let run = desk.run(&[]);
    within(Duration::from_secs(60), || desk.is_on(), "the sun");
    let (guard, harness) = (guard_of(&desk.rig).expect("it runs"), run.0.id().to_string());
    kill(&harness, "-STOP");
    kill(&guard, "-KILL");
    kill(&harness, "-KILL");
    drop(run);
    fs::remove_dir_all(desk.file("out")).expect("ours");
    let mut next = desk.run(&[]);
    within(Duration::from_secs(60), || desk.is_on(), "the next run");
    kill(&next.0.id().to_string(), "-TERM");
    let (_, said) = next.ended(Duration::from_secs(60));
    assert!(said.contains("the output of the supply was on"), "{said}");
    assert_eq!(desk.steps(), ["acquired served", "released output=0"]);
}
