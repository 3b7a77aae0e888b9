//! A served rig, a run on it, and the blows.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rig::guard::lease;
use rig::served::{CanWire, Options, PsuWire, ServedRig};
use rig::{BatteryFile, RigFile};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::harness::RIG;

/// What is done to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Kill,
    Terminate,
    Interrupt,
    InterruptTwice,
    HangUpTerminal,
    Panic,
    CloseSocket,
    Stop,
    KillGuard,
    StopGuard,
    TerminateGuard,
    Both,
}

impl Kind {
    pub(crate) const ALL: [Self; 12] = [
        Self::Kill,
        Self::Terminate,
        Self::Interrupt,
        Self::InterruptTwice,
        Self::HangUpTerminal,
        Self::Panic,
        Self::CloseSocket,
        Self::Stop,
        Self::KillGuard,
        Self::StopGuard,
        Self::TerminateGuard,
        Self::Both,
    ];

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Kill => "harness: SIGKILL",
            Self::Terminate => "harness: SIGTERM",
            Self::Interrupt => "harness: SIGINT",
            Self::InterruptTwice => "harness: SIGINT, and again",
            Self::HangUpTerminal => "harness: SIGHUP",
            Self::Panic => "harness: panic",
            Self::CloseSocket => "harness: socket closed",
            Self::Stop => "harness: SIGSTOP (limit 1 s)",
            Self::KillGuard => "guard: SIGKILL",
            Self::StopGuard => "guard: SIGSTOP (limit 1 s)",
            Self::TerminateGuard => "guard: SIGTERM",
            Self::Both => "both: SIGKILL (watchdog of 1 s)",
        }
    }
}

/// A run that was over before it was struck.
pub(crate) const EARLY: &str = "it ended by itself";
/// What no blow may take longer than.
const OFF_WITHIN: Duration = Duration::from_secs(10);
/// The worlds go this much faster than the clock.
const SPEED: u32 = 20;

pub(crate) struct Scene {
    served: ServedRig,
    project: TempDir,
    file: PathBuf,
    rig: RigFile,
}

/// Ended with its test, by its id.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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
        put(
            "suites/kill/kill.yaml",
            "suite: kill\ntitle: t\nspec: P 1.5.3.1\nneeds: [pv, gx, grid, ac-load]\ncases:\n  - case: sun\n    title: t\n    \
             requirements: [CVL-01]\n    start: { soc: 60 %, grid: on, feed-in: on, pv: off, ac-load: off }\n    \
             steps:\n      - pv: { power: 3 kW }\n      - hold: 2 h\n",
        );
        let quick = shipped(&format!("rigs/psu/{profile}.yaml")).replace("quiet: 100 ms", "quiet: 10 ms");
        put(&format!("rigs/psu/{profile}.yaml"), &quick);
        let simulated = RigFile::parse("r", &shipped("rigs/simulated.yaml")).expect("it is shipped");
        let battery =
            BatteryFile::parse("b", &shipped("rigs/batteries/reference.yaml")).expect("it is shipped");
        let free: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        let options = Options {
            speed: SPEED,
            seed: 1,
            can: CanWire::Terminal,
            psu: PsuWire::Terminal,
            psu_profile: profile.to_owned(),
            gx: free,
            operator: free,
            folder: project.path().join("at"),
        };
        let served =
            ServedRig::start(&simulated, &battery, &options).unwrap_or_else(|error| panic!("{error}"));
        let at = served.addresses();
        let watchdog = if profile == "keysight" { "watchdog: 1 s" } else { "heartbeat-within: 1 s" };
        let text = shipped("rigs/served.yaml")
            .replace("/tmp/busbar/can", &at.can)
            .replace("/tmp/busbar/psu", &at.psu)
            .replace("127.0.0.1:1502", &at.gx.to_string())
            .replace("127.0.0.1:1503", &at.operator.to_string())
            .replace("speed: 60 ", &format!("speed: {SPEED} "))
            .replace("profile: generic", &format!("profile: {profile}"))
            .replace("    safe-within: 5 s\n", &format!("    safe-within: 5 s\n    {watchdog}\n"));
        let file = put("served.yaml", &text);
        let rig = RigFile::parse("served.yaml", &text).unwrap_or_else(|error| panic!("{error}"));
        Self { served, project, file, rig }
    }

    /// Runs a case, strikes once the sun shines; how long it went on shining.
    pub(crate) fn strike(&self, kind: Kind, blow: usize) -> Result<Duration, String> {
        let mut run = self.run(kind);
        let mut ended = false;
        let shines = || {
            ended = !matches!(run.0.try_wait(), Ok(None));
            ended || self.served.supply_is_on()
        };
        self.until(Duration::from_secs(30), shines).map_err(|()| "the sun did not shine".to_owned())?;
        // Anywhere between two polls, beats and answers.
        std::thread::sleep(Duration::from_micros((blow as u64 * 379_721 + 12_345) % 700_000));
        if ended || !self.served.supply_is_on() {
            return Err(EARLY.to_owned());
        }
        let began = self.blow(kind, &mut run)?;
        self.until(OFF_WITHIN, || !self.served.supply_is_on()).map_err(|()| "stayed on".to_owned())?;
        let took = began.elapsed();
        if kind == Kind::Stop {
            signal(run.0.id(), Signal::CONT)?;
        }
        let mut ended = None;
        let end = || {
            ended = run.0.try_wait().ok().flatten();
            ended.is_some()
        };
        self.until(Duration::from_secs(60), end).map_err(|()| "the run does not end".to_owned())?;
        let code = ended.and_then(|status| status.code());
        let own = !matches!(kind, Kind::Kill | Kind::Both | Kind::Panic | Kind::CloseSocket);
        if own && code != Some(2) {
            return Err(format!("it ended with {code:?}, not as inconclusive"));
        }
        let live = self.rig.live.as_ref().ok_or("it is real")?;
        self.until(Duration::from_secs(30), || lease::look(live).is_ok())
            .map_err(|()| format!("the rig is not free: {:?}", lease::look(live)))?;
        if self.served.supply_is_on() { Err("stayed on at the end".to_owned()) } else { Ok(took) }
    }

    fn run(&self, kind: Kind) -> Process {
        let file = self.file.to_str().expect("a plain path");
        let mut command = if matches!(kind, Kind::Panic | Kind::CloseSocket) {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.env(RIG, file).stdin(Stdio::piped());
            command
        } else {
            let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
            let out = self.project.path().join("reports");
            command.args(["run", "kill/sun", "--quiet", "--rig", file, "--out"]).arg(out);
            command.stdin(Stdio::null());
            command
        };
        command.env("BUSBAR_HOME", self.project.path()).stdout(Stdio::null()).stderr(Stdio::null());
        Process(command.spawn().expect("it starts"))
    }

    fn blow(&self, kind: Kind, run: &mut Process) -> Result<Instant, String> {
        let (harness, guard) = (run.0.id(), self.guard());
        let guard = guard.ok_or("there is no guard");
        let began = Instant::now();
        match kind {
            Kind::Kill => signal(harness, Signal::KILL)?,
            Kind::Terminate => signal(harness, Signal::TERM)?,
            Kind::Interrupt => signal(harness, Signal::INT)?,
            Kind::InterruptTwice => {
                signal(harness, Signal::INT)?;
                std::thread::sleep(Duration::from_millis(20));
                signal(harness, Signal::INT)?;
            }
            Kind::HangUpTerminal => signal(harness, Signal::HUP)?,
            Kind::Panic | Kind::CloseSocket => {
                let word = if kind == Kind::Panic { "panic\n" } else { "hang-up\n" };
                let mut stdin = run.0.stdin.take().ok_or("no way to tell it")?;
                stdin.write_all(word.as_bytes()).map_err(|error| error.to_string())?;
            }
            Kind::Stop => signal(harness, Signal::STOP)?,
            Kind::KillGuard => signal(guard?, Signal::KILL)?,
            Kind::StopGuard => signal(guard?, Signal::STOP)?,
            Kind::TerminateGuard => signal(guard?, Signal::TERM)?,
            Kind::Both => {
                signal(guard?, Signal::KILL)?;
                signal(harness, Signal::KILL)?;
            }
        }
        Ok(began)
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

    fn until(&self, span: Duration, mut is: impl FnMut() -> bool) -> Result<(), ()> {
        let end = Instant::now() + span;
        while !is() {
            if Instant::now() > end {
                return Err(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

fn signal(id: u32, signal: Signal) -> Result<(), String> {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw).ok_or("no process")?;
    kill_process(pid, signal).map_err(|error| format!("cannot signal {id}: {error}"))
}
