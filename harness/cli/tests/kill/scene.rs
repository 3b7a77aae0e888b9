//! A served rig, and runs on it that are struck.

use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use files::{BatteryFile, RigFile};
use lab::guard::lease::{self, LeaseError};
use proto::quantity::Micros;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use sim::served::{CanWires, Options, PsuWire, ServedRig};
use tempfile::TempDir;

use super::blow::{Kind, Phase, Running, go_on, strike};
use super::evidence::{Left, judged};
use super::harness::{OUT, RIG, TERMINAL};

/// A run that was over before it was struck.
pub(crate) const EARLY: &str = "it ended by itself";
/// What no blow may take longer than, by the clock of the supply.
pub(crate) const OFF_WITHIN: Micros = Micros::from_secs(2);
/// How long a supply that stays on is watched.
const WATCHED: Duration = Duration::from_secs(10);
/// The worlds go this much faster than the clock.
const SPEED: u32 = 20;

/// Everything that a run goes through: each phase 10 s in the time of the rig, half a second on the clock.
const SUITE: &str = "\
suite: kill
title: t
spec: P 1.5.3.1
needs: [pv, gx, grid, ac-load]
cases:
  - case: sun
    title: t
    requirements: [CVL-01]
    start: { soc: 60 %, grid: on, feed-in: on, pv: off, ac-load: off }
    steps:
      - pv: { power: 3 kW, over: 10 s }
      - hold: 10 s
      - ac-load: 2 kW
      - hold: 5 s
      - ac-load: off
      - hold: 5 s
";

/// What came of a blow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Survived {
    /// from the blow to output off; nothing where it was off already and stayed so
    pub(crate) off: Option<Micros>,
    pub(crate) left: Left,
    /// whether the guard could not confirm it in time
    pub(crate) quarantined: bool,
}

pub(crate) struct Scene {
    served: ServedRig,
    project: TempDir,
    file: PathBuf,
    rig: RigFile,
}

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    fs::read_to_string(path).expect("a file of the project")
}

impl Scene {
    pub(crate) fn new(profile: &str) -> Self {
        let project = TempDir::new().expect("a folder");
        let put = |name: &str, text: &str| {
            let path = project.path().join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
            fs::write(&path, text).expect("written");
            path
        };
        put("rigs/batteries/reference.yaml", &shipped("rigs/batteries/reference.yaml"));
        put("suites/kill/kill.yaml", SUITE);
        let quick = shipped(&format!("rigs/psu/{profile}.yaml")).replace("quiet: 100 ms", "quiet: 10 ms");
        put(&format!("rigs/psu/{profile}.yaml"), &quick);
        let simulated = RigFile::parse("r", &shipped("rigs/simulated.yaml")).expect("it is shipped");
        let battery =
            BatteryFile::parse("b", &shipped("rigs/batteries/reference.yaml")).expect("it is shipped");
        let free: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        let options = Options {
            speed: SPEED,
            seed: 1,
            mute: false,
            can: CanWires::default(),
            psu: PsuWire::Terminal,
            psu_profile: files::Profile::parse(profile, &quick).expect("it is shipped"),
            gx: free,
            operator: free,
            folder: project.path().join("at"),
        };
        let served =
            ServedRig::start(&simulated, &battery, &options).unwrap_or_else(|error| panic!("{error}"));
        let at = served.addresses();
        let watchdog = if profile == "keysight" { "watchdog: 1 s" } else { "heartbeat-within: 1 s" };
        let text = shipped("rigs/served.yaml")
            .replace("/tmp/busbar/can", &at.can[0])
            .replace("/tmp/busbar/psu", &at.psu)
            .replace("127.0.0.1:1502", &at.gx.to_string())
            .replace("127.0.0.1:1503", &at.operator.to_string())
            .replace("speed: 60 ", &format!("speed: {SPEED} "))
            .replace("profile: generic", &format!("profile: {profile}"))
            .replace("    safe-within: 5 s\n", &format!("    safe-within: 5 s\n    {watchdog}\n"));
        let file = put("rigs/served.yaml", &text);
        let rig = RigFile::parse("served.yaml", &text).unwrap_or_else(|error| panic!("{error}"));
        Self { served, project, file, rig }
    }

    /// Runs the case and strikes somewhere in a phase; `dice` says where, from 0 to 1, and how long after the first
    /// blow a second one falls.
    pub(crate) fn strike(&self, kind: Kind, phase: Phase, dice: (f64, f64)) -> Result<Survived, String> {
        let out = TempDir::new_in(self.project.path()).map_err(|error| error.to_string())?;
        let mut run = self.run(kind, out.path())?;
        if let Some(sign) = phase.begins_with() {
            self.until(Duration::from_secs(30), &mut run, |run| {
                matches!(run.process.try_wait(), Ok(Some(_))) || noted(out.path(), sign)
            })
            .map_err(|()| format!("the {} does not begin", phase.words()))?;
        }
        let mut guard = None;
        if phase.begins_with().is_some() || kind.is_for_guard() {
            self.until(Duration::from_secs(10), &mut run, |run| {
                guard = self.guard();
                guard.is_some() || matches!(run.process.try_wait(), Ok(Some(_)))
            })
            .map_err(|()| "the guard does not start".to_owned())?;
        }
        let moment = Instant::now() + phase.length().mul_f64(dice.0);
        let _ = self.until(phase.length() * 2, &mut run, |_| Instant::now() >= moment);
        if !matches!(run.process.try_wait(), Ok(None)) {
            return Err(EARLY.to_owned());
        }
        if kind == Kind::Both {
            guard = self.guard();
        }
        let began = self.served.now();
        let struck = strike(kind, &mut run, guard, Duration::from_millis(200).mul_f64(dice.1));
        struck.map_err(|what| format!("cannot be struck: {what}"))?;
        // What it may still switch on is waited for as well: the last change counts.
        let is_off = self.until(WATCHED, &mut run, |_| !self.served.supply_is_on());
        is_off.map_err(|()| "STAYED ON".to_owned())?;
        let mut off = None;
        if kind == Kind::Stop {
            // Long enough for the guard to see it. A run that had not begun to use its supply goes on afterwards.
            std::thread::sleep(Duration::from_millis(1500));
            let (on, since) = self.served.supply_since();
            off = Some((!on).then_some(since).ok_or("STAYED ON")?);
            go_on(run.process.id())?;
        }
        let mut ended = None;
        let end = |run: &mut Running| {
            ended = run.process.try_wait().ok().flatten();
            ended.is_some()
        };
        self.until(Duration::from_secs(60), &mut run, end).map_err(|()| "the run does not end".to_owned())?;
        let live = self.rig.live.as_ref().ok_or("it is real")?;
        let mut quarantined = false;
        let free = |_: &mut Running| {
            let looked = lease::look(live);
            quarantined = matches!(looked, Err(LeaseError::Quarantined(_) | LeaseError::Trying { .. }));
            quarantined || looked.is_ok()
        };
        self.until(Duration::from_secs(30), &mut run, free)
            .map_err(|()| format!("the rig is not free: {:?}", lease::look(live)))?;
        let (on, since) = self.served.supply_since();
        if on {
            return Err("STAYED ON at the end".to_owned());
        }
        // Its guard could not confirm on a busy machine what the supply's own clock says: somebody looks, and clears it.
        if quarantined {
            self.until(Duration::from_secs(30), &mut run, |_| lease::clear(live).is_ok())
                .map_err(|()| "the quarantine cannot be lifted".to_owned())?;
        }
        let since = off.unwrap_or(since);
        let off = (since > began).then(|| since.since(began));
        if let Some(late) = off.filter(|off| *off > OFF_WITHIN) {
            return Err(format!("OFF TOO LATE, after {late}"));
        }
        let left = judged(out.path(), self.project.path())?;
        let code = ended.and_then(|status| status.code());
        // A blow in its last moments may leave it as it is: that what passed has ended, the evidence says.
        if kind.ends_by_itself() && !matches!(code, Some(0..=2)) {
            return Err(format!("it ended with {code:?}"));
        }
        Ok(Survived { off, left, quarantined })
    }

    fn run(&self, kind: Kind, out: &Path) -> Result<Running, String> {
        let this = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut terminal = None;
        let mut command = if kind.is_told() {
            let mut command = Command::new(this);
            command.env(RIG, &self.file).env(OUT, out).stdin(Stdio::piped());
            command
        } else {
            let busbar = Path::new(env!("CARGO_BIN_EXE_busbar"));
            let mut command = Command::new(if kind == Kind::CloseTerminal { &this } else { busbar });
            if kind == Kind::CloseTerminal {
                let (master, path) = open_terminal().map_err(|error| error.to_string())?;
                terminal = Some(master);
                command.arg(busbar).env(TERMINAL, path);
            }
            command.args(["run", "kill/sun", "--rig"]).arg(&self.file).arg("--out").arg(out);
            command.stdin(Stdio::null());
            command
        };
        command.env("BUSBAR_HOME", self.project.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().map_err(|error| format!("it does not start: {error}"))?;
        Ok(Running { process, terminal })
    }

    /// The process of the guard of this rig: nobody's child, so it is looked for by the rig file that only it has.
    fn guard(&self) -> Option<u32> {
        let file = self.file.to_str()?;
        let processes =
            fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        processes.into_iter().find(|id: &u32| {
            let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let words: Vec<_> = line.split(|&byte| byte == 0).collect();
            words.contains(&b"--apart".as_slice()) && words.contains(&file.as_bytes())
        })
    }

    fn until(
        &self,
        span: Duration,
        run: &mut Running,
        mut is: impl FnMut(&mut Running) -> bool,
    ) -> Result<(), ()> {
        let end = Instant::now() + span;
        while !is(run) {
            if Instant::now() > end {
                return Err(());
            }
            // Somebody looks at a terminal.
            if let Some(terminal) = &mut run.terminal {
                let _ = terminal.read(&mut [0; 4096]);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

/// Whether the one run in a folder has noted something.
fn noted(out: &Path, sign: &str) -> bool {
    let runs = fs::read_dir(out).into_iter().flatten().flatten();
    runs.filter_map(|run| fs::read_to_string(run.path().join("events.jsonl")).ok())
        .any(|events| events.contains(sign))
}

/// A terminal: the end at which somebody sits, and the path of the other.
fn open_terminal() -> std::io::Result<(fs::File, String)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let path = ptsname(&master, Vec::new())?.to_string_lossy().into_owned();
    rustix::io::ioctl_fionbio(master.as_fd(), true)?;
    Ok((fs::File::from(master), path))
}
