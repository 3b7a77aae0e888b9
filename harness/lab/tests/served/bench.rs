//! A served rig of a test, and what a test wants of it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use files::Profile;
use files::{BatteryFile, RigFile};
use lab::operator::Client;
use lab::psu::{Limits, Serial, Settings, Supply, SupplyError};
use proto::gx::{Exception, Product, Register};
use proto::quantity::{Amps, Micros, Volts};
use sim::served::{Addresses, CanWires, Options, PsuWire, ServeError, ServedRig};
use tempfile::TempDir;

/// How much faster than the clock the world of a test is.
pub(crate) const SPEED: u32 = 20;

pub(crate) struct Bench {
    served: ServedRig,
    folder: TempDir,
}

fn project(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    std::fs::read_to_string(path).expect("a file of the project")
}

pub(crate) fn rig() -> RigFile {
    RigFile::parse("rig", &project("rigs/simulated.yaml")).expect("a good rig")
}

fn shipped(profile: &str) -> Profile {
    Profile::parse(profile, &project(&format!("rigs/psu/{profile}.yaml"))).expect("a good profile")
}

pub(crate) fn options(profile: &str, folder: &Path) -> Options {
    let free = (Ipv4Addr::LOCALHOST, 0).into();
    Options {
        speed: SPEED,
        seed: 1,
        mute: false,
        can: CanWires::default(),
        psu: PsuWire::Terminal,
        psu_profile: shipped(profile),
        gx: free,
        operator: free,
        folder: folder.to_owned(),
    }
}

pub(crate) fn start(options: &Options) -> Result<ServedRig, ServeError> {
    let battery = BatteryFile::parse("b", &project("rigs/batteries/reference.yaml")).expect("a good battery");
    ServedRig::start(&rig(), &battery, options)
}

impl Bench {
    pub(crate) fn new(profile: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let served = start(&options(profile, folder.path())).unwrap_or_else(|error| panic!("{error}"));
        Self { served, folder }
    }

    pub(crate) fn address(&self) -> &Addresses {
        self.served.addresses()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the rig; its folder is left.
    pub(crate) fn end(self) -> TempDir {
        self.folder
    }

    pub(crate) fn operator(&self) -> Client {
        Client::connect(self.address().operator, Micros::from_secs(10))
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn supply(&self, profile: &str) -> Result<Supply, SupplyError> {
        let mut profile = shipped(profile);
        profile.line.gap = Micros::ZERO;
        profile.line.quiet = Micros::from_millis(10);
        let link =
            Serial::open(&self.address().psu, profile.serial).unwrap_or_else(|error| panic!("{error}"));
        let limits = Limits {
            voltage: Volts(200.0),
            current: Amps(60.0),
            over_voltage: Volts(220.0),
            over_current: Amps(66.0),
            safe_voltage: Volts(30.0),
            safe_within: Micros::from_secs(3),
        };
        let settings = Settings { limits, channel: None, expected: None, first_answer: Micros::ZERO };
        Supply::open(Box::new(link), profile, settings).map(|(supply, _)| supply)
    }

    /// Waits for something of the world; panics with `seen` when it does not come in time.
    pub(crate) fn within_world_time(&self, span: Micros, is: impl Fn() -> bool, seen: impl Fn() -> String) {
        // A busy machine may be late, but not without an end.
        let end = Instant::now() + Duration::from_micros(span.0 / u64::from(SPEED)) + Duration::from_secs(5);
        while !is() {
            assert!(Instant::now() < end, "not within {span:?}: {}", seen());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A request of Modbus-TCP, byte by byte.
    pub(crate) fn read(&self, function: u8, unit: u8, first: u16, count: u16) -> Result<Vec<u16>, Exception> {
        let mut stream = TcpStream::connect(self.address().gx).expect("the GX listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a deadline");
        let [f1, f0, c1, c0] = [first.to_be_bytes(), count.to_be_bytes()].concat()[..] else {
            unreachable!()
        };
        stream.write_all(&[0, 7, 0, 0, 0, 6, unit, function, f1, f0, c1, c0]).expect("sent");
        let mut head = [0; 9];
        stream.read_exact(&mut head).expect("an answer");
        if head[7] & 0x80 != 0 {
            return Err(Exception::of(head[8]).expect("a known exception"));
        }
        let mut cells = vec![0; usize::from(head[8])];
        stream.read_exact(&mut cells).expect("all of the answer");
        Ok(cells.chunks(2).map(|cell| u16::from_be_bytes([cell[0], cell[1]])).collect())
    }

    /// A register in its unit.
    pub(crate) fn register(&self, register: Register) -> f64 {
        let unit = match register.product {
            Product::Battery => 225,
            Product::Solar => 229,
            Product::Inverter => 227,
            Product::Grid => 30,
            Product::System | Product::Ess => 100,
        };
        let cells = self.read(3, unit, register.address, register.kind.cells()).expect("it answers");
        register.read(register.address, &cells).expect("it is in there")
    }
}
