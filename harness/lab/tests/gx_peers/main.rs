//! Both ends of Modbus-TCP against programs that nobody here wrote. `pymodbus`, and `mbpoll`, which stands on libmodbus,
//! read every register of the served GX, write, and get every exception; the driver drives a device of pymodbus.
//!
//! `mbpoll` is looked for on the path; pymodbus in the Python that `BUSBAR_PYTHON` names, or in
//! `target/venv/bin/python`. What is not there leaves its tests listed as ignored, with the reason; with
//! `BUSBAR_MODBUS_PEERS` set they run, and fail.
#![cfg(unix)]

mod device;
mod mbpoll;
mod pymodbus;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};

use files::{BatteryFile, Library, RigFile, read_text};
use libtest_mimic::{Arguments, Failed, Trial};
use plant::world::World;
use proto::gx::{BLOCKS, Block, Exception, Product};
use proto::quantity::{Micros, Watts};
use proto::stimulus::Start;
use sim::Simulation;
use sim::served::Served;
use sim::served::gx::{Registers, on_tcp};

fn main() -> ExitCode {
    let must = std::env::var_os("BUSBAR_MODBUS_PEERS").is_some();
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    let python = std::env::var_os("BUSBAR_PYTHON").map_or(beside, PathBuf::from);
    let has = |program: &Path, args: &[&str]| {
        Command::new(program).args(args).output().is_ok_and(|done| done.status.success())
    };
    let mbpoll = has(Path::new("mbpoll"), &["-V"]);
    let pymodbus = has(&python, &["-c", "import pymodbus"]);
    let trial = |name: &str, there: bool, why: &str, test: Box<dyn FnOnce() -> Result<(), Failed> + Send>| {
        let trial = Trial::test(name, test);
        if there || must { trial } else { trial.with_kind(format!("not run: {why}")).with_ignored_flag(true) }
    };
    let with = |test: fn(&Path) -> Result<(), Failed>| -> Box<dyn FnOnce() -> Result<(), Failed> + Send> {
        let python = python.clone();
        Box::new(move || test(&python))
    };
    let (no_python, no_mbpoll) = ("no Python with pymodbus", "no mbpoll");
    let trials = vec![
        trial("pymodbus reads every register", pymodbus, no_python, with(pymodbus::every_register)),
        trial("pymodbus gets every exception", pymodbus, no_python, with(pymodbus::every_exception)),
        trial("pymodbus writes", pymodbus, no_python, with(pymodbus::writes)),
        trial("the driver drives a device of pymodbus", pymodbus, no_python, with(device::driven)),
        trial("mbpoll reads every block", mbpoll, no_mbpoll, Box::new(mbpoll::every_block)),
        trial("mbpoll gets every exception", mbpoll, no_mbpoll, Box::new(mbpoll::every_exception)),
        trial("mbpoll writes", mbpoll, no_mbpoll, Box::new(mbpoll::writes)),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Unit ids of the simulated rig.
const fn unit(product: Product) -> u8 {
    match product {
        Product::Battery => 225,
        Product::System | Product::Ess => 100,
        Product::Inverter => 227,
        Product::Solar => 229,
        Product::Grid => 30,
    }
}

/// A world that stands still but for 10 ms after each write.
struct Still(World);

impl Registers for Still {
    fn read(
        &mut self,
        unit: u8,
        function: u8,
        address: u16,
        count: u16,
    ) -> Option<Result<Vec<u16>, Exception>> {
        self.0.modbus_read(unit, function, address, count)
    }

    fn write(
        &mut self,
        unit: u8,
        function: u8,
        address: u16,
        values: &[u16],
    ) -> Option<Result<(), Exception>> {
        let answer = self.0.modbus_write(unit, function, address, values);
        let until = self.0.now() + Micros::from_millis(10);
        self.0.pass(until).expect("a model goes on");
        answer
    }
}

/// A served world, and the world itself.
struct Desk {
    world: Arc<Mutex<Still>>,
    served: Served<SocketAddr>,
}

impl Desk {
    fn serve() -> Result<Self, Failed> {
        let world = Arc::new(Mutex::new(Still(sunshine()?)));
        let served = on_tcp(world.clone(), (Ipv4Addr::LOCALHOST, 0).into())?;
        let desk = Self { world, served };
        for block in BLOCKS {
            // One or two reads miss a product that has just come.
            desk.cells(block).or_else(|_| desk.cells(block)).or_else(|_| desk.cells(block))?;
        }
        Ok(desk)
    }

    fn port(&self) -> u16 {
        self.served.address().port()
    }

    /// What the world itself says.
    fn cells(&self, block: &Block) -> Result<Vec<u16>, Failed> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(world.read(unit(block.product), 3, block.first, block.count).ok_or("it is silent")??)
    }
}

/// The reference battery in sunshine, at the end of its first minute.
fn sunshine() -> Result<World, Failed> {
    let library = Library::find(Path::new(env!("CARGO_MANIFEST_DIR")))?;
    let rig = RigFile::parse("simulated", &read_text(&library.rig("simulated")?)?)?;
    let battery = BatteryFile::parse("reference", &read_text(&library.battery("reference")?)?)?;
    let start = Start { pv: Watts(3000.0), ac_load: Watts(500.0), ..Start::AT_REST };
    let mut world = Simulation::of(&rig, &battery)?.ok_or("it is simulated")?.world(&start, 1)?;
    world.pass(Micros::from_secs(60))?;
    Ok(world)
}

fn same<T: PartialEq + std::fmt::Debug>(found: T, expected: T, what: &str) -> Result<(), Failed> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: found {found:?}, expected {expected:?}").into())
    }
}
