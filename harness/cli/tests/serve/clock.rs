//! The clock on the wall is set while a battery is charged: by a day forward, then by two back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::days::{Run, shines};
use crate::night::project;
use crate::process::{Serving, busbar, within};

/// Where the machine has libfaketime: its file.
const FAKETIME: &str = "BUSBAR_FAKETIME";

/// A clock that processes take for that of the machine.
struct Wall {
    library: PathBuf,
    folder: TempDir,
}

impl Wall {
    fn set(&self, off: &str) {
        // In place of the old file at once: half a line would be no time.
        let (next, file) = (self.folder.path().join("next"), self.file());
        fs::write(&next, format!("{off}\n")).expect("written");
        fs::rename(next, file).expect("renamed");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    /// By how many days it differs from that of this process.
    fn days_off(&self) -> i64 {
        let mut date = Command::new("date");
        self.on(date.arg("+%s"));
        let said = date.output().expect("date is there").stdout;
        let said: i64 = String::from_utf8_lossy(&said).trim().parse().expect("seconds");
        let ours = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
        let off = said - i64::try_from(ours).expect("seconds");
        (off + off.signum() * 60) / 86_400
    }

    fn on(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", self.file())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
}

/// The times of the lines, in seconds.
fn times(file: &Path, of: impl Fn(&str) -> Option<&str>) -> Vec<f64> {
    let text = fs::read_to_string(file).expect("evidence");
    text.lines().filter_map(|line| of(line)?.parse().ok()).collect()
}

#[test]
fn a_clock_that_is_set_changes_nothing_of_a_run() {
    let Some(library) = std::env::var_os(FAKETIME).map(PathBuf::from) else {
        eprintln!("not run: it needs libfaketime; {FAKETIME}=/usr/lib/…/libfaketime.so.1 runs it here");
        return;
    };
    assert!(library.is_file(), "{FAKETIME} names no file: {}", library.display());
    let wall = Wall { library, folder: TempDir::new().expect("a folder") };
    wall.set("+0d");
    let (serving, home) = (Serving::start(&["--speed", "20"]), project());
    let rig = serving.rig("speed: 60", "speed: 20");
    let out = home.path().join("out");
    // A case that is named is judged alone: one of charge is no whole set of requirements.
    let mut run = busbar(&["run", "short/sun", "--rig", &rig, "--out", out.to_str().expect("a plain path")]);
    wall.on(run.env("BUSBAR_HOME", home.path()));
    let mut run = Run(run.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("it starts"));

    within(Duration::from_secs(60), || shines(&out), "the sun");
    for (off, days) in [("+1d", 1), ("-2d", -2)] {
        wall.set(off);
        assert_eq!(wall.days_off(), days, "whoever asks for the time of day is told another");
        std::thread::sleep(Duration::from_secs(2));
    }
    let mut code = None;
    let ended = || {
        code = run.0.try_wait().expect("it is ours");
        code.is_some()
    };
    within(Duration::from_secs(90), ended, "its end");
    assert_eq!(code.and_then(|status| status.code()), Some(0), "the battery passes");

    let folder = out.join("latest");
    let frames =
        times(&folder.join("can.log"), |line| line.strip_prefix('(')?.split_once(')').map(|(at, _)| at));
    let polls = times(&folder.join("gx.csv"), |line| line.split(',').next());
    for (what, times) in [("frames", frames), ("polls", polls)] {
        assert!(times.len() > 50, "{what}: {}", times.len());
        assert!(times.is_sorted(), "{what} are in order");
        let span = times[times.len() - 1] - times[0];
        assert!((150.0..400.0).contains(&span), "{what} take three minutes of the rig, not {span} s");
    }
    let mut judge = busbar(&["judge", folder.to_str().expect("a plain path")]);
    let judged = judge.env("BUSBAR_HOME", home.path()).output().expect("it starts");
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
}
