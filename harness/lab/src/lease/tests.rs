//! Scripts as engines: what they answer, and what is left of them.

use std::time::Instant;

use proto::quantity::Micros;
use rstest::rstest;

use super::*;

/// An engine of three shell scripts, in a folder of its own.
fn engine(acquire: &str, check: &str, release: &str) -> (Engine, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let shell = |script: &str| Some(["sh", "-c", script].map(str::to_owned).to_vec());
    let file = file::Lease {
        acquire: shell(acquire),
        check: shell(check),
        release: shell(release),
        labgrid: None,
        every: Micros::from_secs(1),
        within: Micros::from_millis(500),
        folder: folder.path().to_owned(),
    };
    (Engine::of(&file, "lab", "anna-1-2"), folder)
}

#[test]
fn a_command_is_told_which_lease_and_rig_and_runs_in_the_folder_of_the_file() {
    let (engine, folder) = engine("echo $BUSBAR_LEASE $BUSBAR_RIG > told", "", "");
    assert_eq!(engine.acquire(), Ok(()));
    assert_eq!(std::fs::read_to_string(folder.path().join("told")).expect("written"), "anna-1-2 lab\n");
}

#[rstest]
#[case("echo one >&2; echo two >&2; exit 4", "`acquire` (sh) exited with 4: two")]
#[case("exit 1", "`acquire` (sh) exited with 1")]
#[case("echo wait >&2; sleep 60", "`acquire` (sh) did not end within 500ms and was ended: wait")]
#[case("kill -TERM $$", "`acquire` (sh) was ended by signal 15")]
fn why_a_rig_is_not_given_is_said(#[case] script: &str, #[case] says: &str) {
    assert_eq!(engine(script, "exit 3", "").0.acquire(), Err(Refusal::NotGiven(says.to_owned())));
}

#[test]
fn a_program_that_is_not_there_is_no_refusal_to_wait_for() {
    let (mut engine, _folder) = engine("", "", "");
    engine.file.acquire = Some(vec!["./no-such".to_owned()]);
    let Err(Refusal::Cannot(why)) = engine.acquire() else { panic!("it started") };
    assert!(why.starts_with("`./no-such` cannot be started"), "{why}");
}

/// What hangs is ended with all that it has started; what ends by itself may leave something behind that holds the lease.
#[test]
fn what_hangs_is_ended_whole_and_what_ends_leaves_what_it_likes() {
    let started = |folder: &tempfile::TempDir| {
        let id = std::fs::read_to_string(folder.path().join("id")).expect("written");
        id.trim().parse::<u32>().expect("a number")
    };
    let lives = |id: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.split(") ").nth(1).is_some_and(|rest| !rest.starts_with('Z'))
    };
    let (hangs, folder) = engine("", "sleep 61 & echo $! > id; wait", "");
    let began = Instant::now();
    assert!(matches!(hangs.check(), Answer::Unknown(_)));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let id = started(&folder);
    let end = Instant::now() + Duration::from_secs(5);
    while lives(id) {
        assert!(Instant::now() < end, "it is left");
        std::thread::sleep(Duration::from_millis(10));
    }

    let (holds, folder) = engine("sleep 62 & echo $! > id", "", "");
    let began = Instant::now();
    assert_eq!(holds.acquire(), Ok(()));
    // It holds the pipes: nobody waits for their end.
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let id = started(&folder);
    assert!(lives(id), "it holds the lease");
    let pid = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("ours");
}

#[rstest]
#[case("exit 0", "ours")]
#[case("echo bert has it >&2; exit 3", "not ours")]
#[case("exit 1", "unknown")]
#[case("sleep 60", "unknown")]
#[case("yes | head -c 3000000", "ours")]
fn what_a_check_says(#[case] script: &str, #[case] says: &str) {
    let answer = engine("", script, "").0.check();
    let said = match &answer {
        Answer::Ours => "ours",
        Answer::NotOurs(_) => "not ours",
        Answer::Unknown(_) => "unknown",
    };
    assert_eq!(said, says, "{answer:?}");
}

/// Only what is ours is given back, and it is tried twice.
#[rstest]
#[case("exit 0", "echo x >> given", Ok(()), 1)]
#[case("exit 0", "echo x >> given; test -e once || { touch once; exit 1; }", Ok(()), 2)]
#[case("exit 3", "echo x >> given", Err(true), 0)]
#[case("exit 1", "echo x >> given", Err(false), 0)]
#[case("test -e first || { touch first; exit 1; }", "echo x >> given", Ok(()), 1)]
fn what_is_ours_is_given_back(
    #[case] check: &str,
    #[case] release: &str,
    #[case] expected: Result<(), bool>,
    #[case] times: usize,
) {
    let (engine, folder) = engine("", check, release);
    assert_eq!(engine.give_back(false).map_err(|(gone, _)| gone), expected);
    let given = std::fs::read_to_string(folder.path().join("given")).unwrap_or_default();
    assert_eq!(given.lines().count(), times);
}

/// Somebody else gets the rig meanwhile, and nobody waits for a command that hangs when the run ends.
#[test]
fn a_watch_tells_the_loss_once_and_ends_at_once() {
    let (sender, lost) = std::sync::mpsc::channel();
    let (taken, folder) = engine("", "test -e gone && exit 3; exit 0", "");
    let watch = Watch::start(taken, move |why| drop(sender.send(why))).expect("a thread");
    assert!(lost.recv_timeout(Duration::from_millis(1500)).is_err(), "it is ours");
    std::fs::write(folder.path().join("gone"), "").expect("written");
    let why = lost.recv_timeout(Duration::from_secs(5)).expect("it is lost");
    assert!(why.contains("the rig is not ours any more"), "{why}");
    assert!(lost.recv_timeout(Duration::from_secs(2)).is_err(), "once");
    drop(watch);

    let (mut hangs, folder) = engine("", "touch began; sleep 63", "");
    hangs.file.within = Micros::from_secs(60);
    let watch = Watch::start(hangs, |_| ()).expect("a thread");
    let end = Instant::now() + Duration::from_secs(5);
    while !folder.path().join("began").exists() {
        assert!(Instant::now() < end, "it looks");
        std::thread::sleep(Duration::from_millis(10));
    }
    let began = Instant::now();
    drop(watch);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}
