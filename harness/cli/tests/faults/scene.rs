//! A served rig behind wires that fail, and a run on it.

use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use files::{BatteryFile, Profile, RigFile};
use lab::guard::lease::{self, LeaseError};
use proto::quantity::Micros;
use rustix::process::{Pid, Signal, kill_process};
use sim::served::{CanWires, Options, PsuWire, ServedRig};
use tempfile::TempDir;

use super::evidence::judged;
use super::table::{At, Fault};
use super::wire::{Does, Wire, serial, tcp};

/// The worlds go this much faster than the clock.
const SPEED: u32 = 20;

/// A wire is mended when the output has been off for so long, which is longer than a driver asks until it reads so.
const MENDED: Micros = Micros::from_secs(2);

/// The sun is on for long enough that every limit of the rig may notice what goes wrong, and something moves all the time:
/// what stands still then is no reading.
const SUITE: &str = "\
suite: fault
title: t
spec: P 1.5.3.1
needs: [pv, gx, grid, ac-load]
cases:
  - case: sun
    title: t
    requirements: [CVL-01]
    start: { soc: 60 %, grid: on, feed-in: on, pv: off, ac-load: off }
    steps:
      - pv: 3 kW
      - hold: 20 s
      - ac-load: 2 kW
      - hold: 20 s
      - pv: 2 kW
      - hold: 20 s
      - ac-load: off
      - hold: 20 s
      - pv: 3 kW
      - hold: 20 s
      - ac-load: 2 kW
      - hold: 20 s
      - pv: 2 kW
      - hold: 70 s
";

/// What came of a fault.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    /// from the fault, or from the return of the wire, to output off
    pub(crate) off: Micros,
    pub(crate) code: Option<i32>,
    /// why it ended, in the words of the run
    pub(crate) why: String,
    pub(crate) quarantined: bool,
}

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    fs::read_to_string(path).expect("a file of the project")
}

pub(crate) struct Scene {
    served: ServedRig,
    project: TempDir,
    file: PathBuf,
    rig: RigFile,
    wires: [Arc<Wire>; 3],
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.wires.iter().for_each(|wire| wire.end());
    }
}

impl Scene {
    pub(crate) fn new() -> Self {
        let project = TempDir::new().expect("a folder");
        let put = |name: &str, text: &str| {
            let path = project.path().join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
            fs::write(&path, text).expect("written");
            path
        };
        put("rigs/batteries/reference.yaml", &shipped("rigs/batteries/reference.yaml"));
        put("suites/fault/fault.yaml", SUITE);
        let profile = shipped("rigs/psu/generic.yaml");
        put("rigs/psu/generic.yaml", &profile);
        let simulated = RigFile::parse("r", &shipped("rigs/simulated.yaml")).expect("it is shipped");
        let battery =
            BatteryFile::parse("b", &shipped("rigs/batteries/reference.yaml")).expect("it is shipped");
        let free: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        let options = Options {
            speed: SPEED,
            seed: 1,
            mute: false,
            can: CanWires::default(),
            psu: PsuWire::Tcp(free),
            psu_profile: Profile::parse("generic", &profile).expect("it is shipped"),
            gx: free,
            operator: free,
            folder: project.path().join("at"),
        };
        let served =
            ServedRig::start(&simulated, &battery, &options).unwrap_or_else(|error| panic!("{error}"));
        let at = served.addresses();
        let (supply, psu) = tcp(At::Supply.kind(), at.psu.parse().expect("an address"));
        let (of_gx, gx) = tcp(At::Gx.kind(), at.gx);
        let (of_can, can) = serial(At::Can.kind(), &at.can[0]);
        // 40 s of the rig are two of the clock.
        let text = shipped("rigs/served.yaml")
            .replace("silence: 2 min", "silence: 40 s")
            .replace("/tmp/busbar/can", &can.display().to_string())
            .replace("{ serial: /tmp/busbar/psu }", &format!("{{ tcp: \"{psu}\" }}"))
            .replace("127.0.0.1:1502", &gx.to_string())
            .replace("127.0.0.1:1503", &at.operator.to_string())
            .replace("speed: 60 ", &format!("speed: {SPEED} "));
        let file = put("rigs/served.yaml", &text);
        let rig = RigFile::parse("served.yaml", &text).unwrap_or_else(|error| panic!("{error}"));
        // Ports come again, and with them what somebody else's rig has left.
        let _ = lease::clear(rig.live.as_ref().expect("it is real"));
        Self { served, project, file, rig, wires: [supply, of_gx, of_can] }
    }

    /// Runs the case, and lets something go wrong so long after the sun is on.
    pub(crate) fn strike(&self, fault: &Fault, after: Duration) -> Result<Came, String> {
        let out = TempDir::new_in(self.project.path()).map_err(|error| error.to_string())?;
        let mut run = self.run(out.path())?;
        let on = self.until(Duration::from_secs(30), || {
            self.served.supply_is_on() || matches!(run.0.try_wait(), Ok(Some(_)))
        });
        if !on || !self.served.supply_is_on() {
            return Err(format!("the sun does not come on: {}", run.said()));
        }
        std::thread::sleep(after);
        let mut began = self.served.now();
        self.goes_wrong(fault, &run, out.path())?;
        let gone = fault.does.gone().filter(|_| fault.at == At::Supply).map(Duration::from_millis);
        let mut ended = None;
        let over = self.until(Duration::from_secs(60), || {
            // Without a wire to the supply nothing can switch it off: what counts begins with its return.
            if gone.is_some_and(|gone| self.served.now().since(began) < micros(gone)) {
                return false;
            }
            // It is off: the wire is mended, so that a run which waits to see that need not wait for long.
            let off = !self.served.supply_is_on();
            let since = self.served.supply_since().1.max(began);
            if off && self.served.now().since(since) > MENDED {
                self.mend();
            }
            ended = run.0.try_wait().ok().flatten();
            ended.is_some() && off
        });
        if let Some(gone) = gone {
            began += micros(gone);
        }
        self.mend();
        if !over {
            let what = if self.served.supply_is_on() { "STAYED ON" } else { "the run does not end" };
            let after = self.until(Duration::from_secs(15), || !self.served.supply_is_on());
            let said = run.said();
            // Its guard holds what this rig is made of, and the next one may get.
            let freed = self.freed();
            return Err(format!("{what}; off with a whole wire: {after}; free: {freed:?}; {said}"));
        }
        let (_, since) = self.served.supply_since();
        let off = since.since(began);
        let quarantined = self.freed()?;
        let said = run.said();
        let events = events(out.path());
        judged(out.path(), self.project.path()).map_err(|error| format!("{error}: {said}"))?;
        let code = ended.and_then(|status| status.code());
        let why = format!("{said}\n{events}");
        Ok(Came { off, code, why, quarantined })
    }

    fn mend(&self) {
        self.wires.iter().for_each(|wire| wire.set(None));
    }

    fn goes_wrong(&self, fault: &Fault, run: &Run, out: &Path) -> Result<(), String> {
        let id = run.0.id();
        let limited = |limit: &str| {
            let done = Command::new("prlimit").args(["--pid", &id.to_string(), limit]).status();
            done.ok().filter(std::process::ExitStatus::success).map(drop).ok_or("no prlimit here".to_owned())
        };
        match (fault.at, fault.does) {
            (At::Supply, does) => self.wires[0].set(Some(does)),
            (At::Gx, does) => self.wires[1].set(Some(does)),
            (At::Can, does) => self.wires[2].set(Some(does)),
            (At::Machine, Does::Files) => return limited("--nofile=3:3"),
            (At::Machine, Does::FileSize) => return limited("--fsize=1:1"),
            (At::Machine, Does::Stopped) => {
                signal(id, Signal::STOP)?;
                std::thread::sleep(Duration::from_millis(2500));
                return signal(id, Signal::CONT);
            }
            (At::Machine, _) => {
                for folder in fs::read_dir(out).into_iter().flatten().flatten() {
                    let _ = fs::remove_dir_all(folder.path());
                }
            }
        }
        Ok(())
    }

    /// Waits until the rig is free, and lifts a quarantine; whether there was one.
    fn freed(&self) -> Result<bool, String> {
        let live = self.rig.live.as_ref().ok_or("it is real")?;
        let mut quarantined = false;
        let free = self.until(Duration::from_secs(30), || {
            let looked = lease::look(live);
            quarantined |= matches!(looked, Err(LeaseError::Quarantined(_) | LeaseError::Trying { .. }));
            let held = matches!(looked, Err(LeaseError::Quarantined(_)));
            looked.is_ok() || held && lease::clear(live).is_ok()
        });
        if free { Ok(quarantined) } else { Err(format!("the rig is not free: {:?}", lease::look(live))) }
    }

    fn run(&self, out: &Path) -> Result<Run, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
        command.args(["run", "fault/sun", "--quiet", "--rig"]).arg(&self.file).arg("--out").arg(out);
        command.env("BUSBAR_HOME", self.project.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map(Run).map_err(|error| format!("it does not start: {error}"))
    }

    fn until(&self, span: Duration, mut is: impl FnMut() -> bool) -> bool {
        let end = Instant::now() + span;
        while !is() {
            if Instant::now() > end {
                return false;
            }
            std::thread::sleep(Duration::from_millis(3));
        }
        true
    }
}

fn micros(span: Duration) -> Micros {
    Micros(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
}

fn signal(id: u32, signal: Signal) -> Result<(), String> {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw).ok_or("no process")?;
    kill_process(pid, signal).map_err(|error| error.to_string())
}

/// What the one run in a folder noted.
fn events(out: &Path) -> String {
    let runs = fs::read_dir(out).into_iter().flatten().flatten().filter(|run| !run.path().is_symlink());
    runs.filter_map(|run| fs::read_to_string(run.path().join("events.jsonl")).ok()).collect()
}

struct Run(Child);

impl Run {
    /// What it said, once it has ended.
    fn said(&mut self) -> String {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let (mut said, mut more) = (String::new(), String::new());
        let _ = self.0.stdout.take().map(|mut out| out.read_to_string(&mut said));
        let _ = self.0.stderr.take().map(|mut out| out.read_to_string(&mut more));
        said + &more
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Ended with its test, by its id; it may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
