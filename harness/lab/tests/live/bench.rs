//! A served rig, with wires to it that fail on demand, and a lab that knows of nothing.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use engine::bench::{Input, Witness};
use engine::suite::Suite;
use evidence::conclusion::Attempt;
use evidence::plan::plan;
use files::{BatteryFile, Library, Profile, RigFile};
use judge::trace::Event;
use lab::live::Lab;
use lab::operator::Terminal;
use proto::channel::{Channel, Instrument};
use proto::quantity::Micros;
use session::attempt::attempt_in;
use sim::served::{CanWires, Options, PsuWire, ServedRig};
use tempfile::TempDir;

use super::proxy::{SerialPort, Tcp};

/// How much faster than the clock the world of a test is.
const SPEED: u32 = 20;

pub(crate) struct Bench {
    pub(crate) served: ServedRig,
    pub(crate) can: SerialPort,
    pub(crate) can_path: String,
    /// the line of a shunt, and whether the rig file names it
    pub(crate) shunt: SerialPort,
    /// the name of that line in the rig file, where it is another than its own
    pub(crate) shunt_link: Option<String>,
    pub(crate) is_witnessed: bool,
    /// that shunt is on a bus of its own
    on_bus: bool,
    pub(crate) supply: Tcp,
    pub(crate) gx: Tcp,
    pub(crate) operator: Tcp,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) profile: String,
    /// the section `switches` of the rig file, on one line
    pub(crate) switches: String,
    /// the section `units` of the GX in the rig file, on one line
    pub(crate) units: &'static str,
    /// a person, with how long an answer may take, instead of the program
    pub(crate) person: Mutex<Option<(Terminal, &'static str)>>,
    battery: BatteryFile,
    /// a project of its own, whose supply is not waited for long
    project: TempDir,
}

/// What came in, the most of each.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) frames: usize,
    pub(crate) readings_of_gx: usize,
    pub(crate) available: f64,
    pub(crate) taken: f64,
    pub(crate) load: f64,
    pub(crate) broken: bool,
}

struct Watch<'a, F> {
    bench: &'a Bench,
    seen: Seen,
    react: F,
}

impl<F: FnMut(&Bench, &mut Seen)> Witness for Watch<'_, F> {
    fn input(&mut self, _: Micros, input: &Input) {
        let seen = &mut self.seen;
        match input {
            Input::Can(_) => seen.frames += 1,
            Input::Samples(said) => {
                let of = |channel| said.number(channel).unwrap_or_default();
                seen.available = seen.available.max(of(Channel::PvAvailable));
                seen.taken = seen.taken.max(of(Channel::SupplyVoltage) * of(Channel::SupplyCurrent));
                seen.readings_of_gx += usize::from(said.from() == Instrument::Gx);
                seen.load = seen.load.max(of(Channel::AcOut));
            }
            _ => {}
        }
        (self.react)(self.bench, seen);
    }

    fn event(&mut self, _: &Event) {}
}

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    std::fs::read_to_string(path).expect("a file of the project")
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::beside("")
    }

    /// One whose shunt is on a VE.Can bus, behind an SLCAN adapter of its own.
    pub(crate) fn on_ve_can() -> Self {
        let bench =
            Self::beside("\nwitnesses:\n  - { name: Shunt, measures: battery, protocol: nmea2000 }\n");
        Self { is_witnessed: true, on_bus: true, ..bench }
    }

    fn beside(witnesses: &str) -> Self {
        let project = TempDir::new().expect("a folder");
        let battery =
            BatteryFile::parse("b", &file("rigs/batteries/reference.yaml")).expect("a good battery");
        // A shunt that says ten HEX frames a second beside its text.
        let plays = "\n  witnesses: { battery: { hex: 10 } }\n  solar:\n    maximum-current";
        let rig = file("rigs/simulated.yaml").replacen("\n  solar:\n    maximum-current", plays, 1);
        let rig = RigFile::parse("rig", &format!("{rig}{witnesses}")).expect("a good rig");
        let free: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        let options = Options {
            speed: SPEED,
            seed: 1,
            mute: false,
            can: CanWires::default(),
            psu: PsuWire::Tcp(free),
            psu_profile: Profile::parse("generic", &file("rigs/psu/generic.yaml")).expect("a good profile"),
            gx: free,
            operator: free,
            folder: project.path().join("served"),
        };
        let served = ServedRig::start(&rig, &battery, &options).unwrap_or_else(|error| panic!("{error}"));
        let at = served.addresses();
        let can = SerialPort::to(&at.can[0]);
        let shunt = SerialPort::to(&at.witnesses[0]);
        let (supply, gx, operator) =
            (Tcp::to(at.psu.parse().expect("an address")), Tcp::to(at.gx), Tcp::to(at.operator));
        for folder in ["suites", "rigs/psu"] {
            std::fs::create_dir_all(project.path().join(folder)).expect("a folder");
        }
        for name in ["generic", "ea", "coarse"] {
            let shipped = if name == "coarse" { "generic" } else { name };
            let quick = file(&format!("rigs/psu/{shipped}.yaml"))
                // One that lets every current pass.
                .replace("psu-profile: generic", &format!("psu-profile: {name}"))
                .replace(
                    "ask: \"CURR?\", resolution: 10 mA",
                    if name == "coarse" {
                        "ask: \"CURR?\", resolution: 60 A"
                    } else {
                        "ask: \"CURR?\", resolution: 10 mA"
                    },
                )
                .replace("gap: 10 ms", "gap: 0 ms")
                .replace("reply-within: 1 s", "reply-within: 200 ms")
                .replace("quiet: 100 ms", "quiet: 10 ms");
            std::fs::write(project.path().join(format!("rigs/psu/{name}.yaml")), quick).expect("written");
        }
        let (can_path, stop) = (can.path(), Arc::default());
        let profile = "generic".to_owned();
        Self {
            served,
            can,
            can_path,
            shunt,
            shunt_link: None,
            is_witnessed: false,
            on_bus: false,
            supply,
            gx,
            operator,
            stop,
            profile,
            switches: "{}".to_owned(),
            units: "{ inverter: 227, solar: 229, grid: 30 }",
            person: Mutex::default(),
            battery,
            project,
        }
    }

    /// The rig file of a lab that has these wires, and somebody who is asked.
    fn rig(&self, operator: &str) -> RigFile {
        let simulated = file("rigs/simulated.yaml");
        let (head, _) = simulated.split_once("\n# The world around").expect("it has a world");
        let (supply, gx) = (self.supply.address(), self.gx.address());
        // What a person cannot do is not claimed.
        let program = operator.starts_with("{ tcp");
        let claims = "capabilities: [pv, ac-pv, gx, grid, ac-load, silence, inject, imbalance]";
        assert!(head.contains(claims), "the claims of the simulated rig");
        let head = if program {
            head.to_owned()
        } else {
            head.replace(claims, "capabilities: [pv, gx, grid, ac-load, operator]")
        };
        let live = format!(
            "live:\n  speed: {SPEED}\n  can: {{ slcan: {} }}\n  psu:\n    profile: {}\n    port: {{ tcp: \"{supply}\" }}\n    \
             voltage: 120 V\n    over-voltage: 200 V\n    over-current: 65 A\n    safe-voltage: 30 V\n    \
             safe-within: 5 s\n    accepted-risk: nothing of it is real\n  gx:\n    address: \"{gx}\"\n    units: {}\n  \
             site: {{ mains-voltage: 230 V, inverter-power: 4 kW, input-current-limit: 32 A, solar-power: 5.8 kW, \
             solar-current: 100 A }}\n  switches: {}\n  operator: {operator}\n",
            self.can_path, self.profile, self.units, self.switches
        );
        let witnesses = if self.is_witnessed {
            format!(
                "witnesses:\n  - name: Shunt\n    measures: battery\n    {}\n    \
                 calibration: {{ date: 2026-03-01, voltage: 0.3 %, current: 0.4 %, zero: 0.1 A }}\n",
                if self.on_bus {
                    format!("protocol: nmea2000\n    can: {{ slcan: {} }}", self.shunt.path())
                } else {
                    format!("port: {}", self.shunt_link.clone().unwrap_or_else(|| self.shunt.path()))
                }
            )
        } else {
            String::new()
        };
        RigFile::parse("lab.yaml", &format!("{head}\n{witnesses}{live}"))
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs a case of these steps; `react` is called after every input.
    pub(crate) fn run(&self, steps: &str, react: impl FnMut(&Self, &mut Seen)) -> (Attempt, Seen) {
        let person = self.person.lock().expect("nobody panicked").take();
        let needs =
            if person.is_some() { "pv, gx, grid, ac-load, operator" } else { "pv, gx, grid, ac-load" };
        let suite = format!(
            "suite: s\ntitle: t\nspec: P 1.5.3.1\nneeds: [{needs}]\ncases:\n  - case: c\n    title: t\n    \
             requirements: [CVL-01]\n    start: {{ soc: 60 %, grid: on, feed-in: on, pv: off, ac-load: off }}\n    \
             steps:\n      {steps}\n"
        );
        let suite = Suite::parse("s.yaml", &suite).unwrap_or_else(|error| panic!("{error}"));
        let operator = match &person {
            Some((_, within)) => format!("{{ terminal: {{ timeout: {within} }} }}"),
            None => format!("{{ tcp: {{ address: \"{}\", timeout: 5 s }} }}", self.operator.address()),
        };
        let rig = self.rig(&operator);
        let library = Library::find(self.project.path()).expect("a project");
        let lab = Lab::new(&rig, &library, person.map(|(terminal, _)| terminal), self.stop.clone())
            .expect("a good profile")
            .expect("it is real");
        let planned = plan(&suite.cases[0], &rig, &self.battery).expect("the limits leave room");
        let mut watch = Watch { bench: self, seen: Seen::default(), react };
        let attempt = attempt_in(&lab, planned, &mut watch);
        (attempt, watch.seen)
    }

    /// What the supply itself says, asked past the wire that fails.
    pub(crate) fn supply_is_on(&self) -> bool {
        // It serves one client after the other, and the last one may just be leaving.
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            let mut stream = TcpStream::connect(&self.served.addresses().psu).expect("it listens");
            stream.set_read_timeout(Some(Duration::from_millis(500))).expect("a deadline");
            stream.write_all(b"OUTP?\n").expect("sent");
            let mut line = String::new();
            if BufReader::new(stream).read_line(&mut line).is_ok_and(|many| many > 0) {
                return line.trim() != "0";
            }
        }
        panic!("the supply does not answer");
    }
}
