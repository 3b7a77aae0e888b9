//! A supply with a watchdog: it is seen to trip before anything is switched on, and everybody is told.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use super::process::{Serving, busbar, output, within};

/// A served supply of Keysight on which nothing else is relied on.
fn rig(serving: &Serving) -> String {
    let path = serving.rig("accepted-risk: nothing of it is real", "watchdog: 1 s");
    let text = fs::read_to_string(&path).expect("it is there");
    assert!(text.contains("profile: generic"));
    fs::write(&path, text.replace("profile: generic", "profile: keysight")).expect("a file");
    path
}

#[test]
fn it_is_proven_before_the_first_case_and_the_folder_says_so() {
    let serving = Serving::start(&["--speed", "60", "--psu-profile", "keysight"]);
    let rig = rig(&serving);
    let out = tempfile::tempdir().expect("a folder");
    let mut command = busbar(&["run", "feed-in/load-steps", "--rig", &rig, "--out"]);
    let mut run =
        command.arg(out.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let folder = || {
        let mut runs = fs::read_dir(out.path()).expect("it is there").flatten().map(|run| run.path());
        runs.find(|path| path.is_dir() && !path.is_symlink())
    };
    let wire =
        || folder().and_then(|run| fs::read_to_string(run.join("psu-wire.log")).ok()).unwrap_or_default();
    within(Duration::from_secs(60), || wire().contains("> OUTP ON"), "the sun");
    let id = run.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().expect("a kill").success());
    within(Duration::from_secs(60), || run.try_wait().expect("it is ours").is_some(), "its end");

    let (folder, wire) = (folder().expect("a run"), wire());
    let at = |what: &str| wire.find(what).unwrap_or_else(|| panic!("{what} is missing in {wire}"));
    let (armed, told) = (at("> OUTP:PROT:WDOG ON"), at("harness: the watchdog of the supply tripped"));
    assert!(armed < told && told < at("> OUTP ON"), "{wire}");
    let verdicts = fs::read_to_string(folder.join("verdicts.json")).expect("it is there");
    assert!(verdicts.contains("its own watchdog after 1 s, proven to trip at 20"), "{verdicts}");
    let again = output(&["judge", "--format", "json", folder.to_str().expect("a plain path")]);
    assert_eq!(String::from_utf8_lossy(&again.stdout), verdicts);
}

#[test]
fn the_doctor_sees_it_trip() {
    let serving = Serving::start(&["--speed", "20", "--psu-profile", "keysight"]);
    let rig = rig(&serving);
    let text = fs::read_to_string(&rig).expect("it is there").replace("speed: 60", "speed: 20");
    fs::write(&rig, text).expect("a file");
    for _ in 0..2 {
        let done = output(&["doctor", "--listen", "1", "--rig", &rig]);
        let said = String::from_utf8_lossy(&done.stdout);
        assert_eq!(done.status.code(), Some(0), "{said}");
        assert!(said.contains("its own watchdog after 1 s, proven to trip at 20"), "{said}");
    }
}
