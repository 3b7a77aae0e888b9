//! How fast the driver reads a GX over Modbus-TCP, beside libmodbus, the library that most others stand on: the same
//! served world, the same request, turn by turn, and on Linux server and client each on a processor of its own. Prints
//! one line; `cargo xtask bench` shows it.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use files::{BatteryFile, Library, RigFile, read_text};
use lab::gx::Link;
use plant::world::World;
use proto::gx::BLOCKS;
use proto::quantity::{Micros, Percent, Watts};
use proto::stimulus::Start;
use sim::Simulation;
use sim::served::gx::on_tcp;

/// Requests of one turn: a second or so.
const REQUESTS: usize = 20_000;
/// Turns of each; the middle one counts.
const TURNS: usize = 5;

/// Every request through ctypes; the time of each, and what all took.
const LIBMODBUS: &str = "
import ctypes, sys, time
lib = ctypes.CDLL('libmodbus.so.5')
lib.modbus_new_tcp.restype = ctypes.c_void_p
port, unit, first, count, many = map(int, sys.argv[1:])
context = ctypes.c_void_p(lib.modbus_new_tcp(b'127.0.0.1', port))
lib.modbus_set_slave(context, unit)
if lib.modbus_connect(context):
    sys.exit('no connection')
cells, read, clock = (ctypes.c_uint16 * count)(), lib.modbus_read_registers, time.perf_counter_ns
took, began = [], clock()
for _ in range(many):
    start = clock()
    if read(context, first, count, cells) != count:
        sys.exit('a bad answer')
    took.append(clock() - start)
rate = many / ((clock() - began) / 1e9)
took.sort()
print(rate, took[many * 99 // 100] / 1e3)
";

/// What a turn came to.
#[derive(Debug, Clone, Copy)]
struct Figures {
    /// requests per second
    rate: f64,
    /// 99 of 100 requests took no longer, µs
    slowest: f64,
}

fn main() {
    stay_on(0);
    let served = on_tcp(world(), (Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
    let address = served.address();
    stay_on(1);
    let has = Command::new("python3").args(["-c", "import ctypes; ctypes.CDLL('libmodbus.so.5')"]).output();
    let compares = has.is_ok_and(|done| done.status.success());
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        own.push(driver(address));
        if compares {
            theirs.push(libmodbus(address));
        }
    }
    let own = middle(own);
    let mut text = format!("{:.0}/s, 99 of 100 within {:.0} µs", own.rate, own.slowest);
    text += &if compares {
        let theirs = middle(theirs);
        format!(
            ": {:.2} times the rate and {:.2} times the time of libmodbus ({:.0}/s, {:.0} µs)",
            own.rate / theirs.rate,
            own.slowest / theirs.slowest,
            theirs.rate,
            theirs.slowest
        )
    } else {
        " (no python3 with libmodbus.so.5 to compare with)".to_owned()
    };
    writeln!(std::io::stdout(), "{text}").expect("standard output takes a line");
}

/// The driver's own connection, as it polls.
fn driver(address: SocketAddr) -> Figures {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut link =
            Link::open(&address.to_string(), Micros::from_secs(1)).await.expect("the served GX is there");
        let mut took = Vec::with_capacity(REQUESTS);
        let began = Instant::now();
        for _ in 0..REQUESTS {
            let start = Instant::now();
            link.read(225, BLOCKS[0].first, BLOCKS[0].count).await.expect("a good answer");
            took.push(start.elapsed().as_secs_f64() * 1e6);
        }
        let rate = REQUESTS as f64 / began.elapsed().as_secs_f64();
        took.sort_by(f64::total_cmp);
        Figures { rate, slowest: took[REQUESTS * 99 / 100] }
    })
}

fn libmodbus(address: SocketAddr) -> Figures {
    let numbers = [address.port().into(), 225, BLOCKS[0].first.into(), BLOCKS[0].count.into(), REQUESTS];
    let mut python = Command::new("python3");
    let done = python.args(["-c", LIBMODBUS]).args(numbers.map(|number| number.to_string())).output();
    let done = done.expect("python3 was there before");
    let said = String::from_utf8_lossy(&done.stdout);
    let figures: Vec<f64> = said.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    match figures[..] {
        [rate, slowest] => Figures { rate, slowest },
        _ => panic!("libmodbus: {said}{}", String::from_utf8_lossy(&done.stderr)),
    }
}

fn middle(mut figures: Vec<Figures>) -> Figures {
    figures.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    figures[figures.len() / 2]
}

/// This thread, and what it starts, on one processor; where there is only one, or another system, all as it is.
fn stay_on(processor: usize) {
    #[cfg(target_os = "linux")]
    {
        use nix::sched::{CpuSet, sched_setaffinity};
        let mut set = CpuSet::new();
        if set.set(processor).is_ok() {
            let _ = sched_setaffinity(nix::unistd::Pid::from_raw(0), &set);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = processor;
}

/// The reference battery in sunshine, at the end of its first minute.
fn world() -> World {
    let library =
        Library::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the bench runs inside the project");
    let rig_path = library.rig("simulated").expect("the simulated rig");
    let rig = RigFile::parse("simulated", &read_text(&rig_path).expect("readable")).expect("a good rig file");
    let battery_path = library.battery("reference").expect("the reference battery");
    let battery = BatteryFile::parse("reference", &read_text(&battery_path).expect("readable"))
        .expect("a good battery file");
    let start = Start {
        soc: Percent(50.0),
        grid: true,
        feed_in: true,
        pv: Watts(3000.0),
        ac_pv: Watts::ZERO,
        ac_load: Watts::ZERO,
        imbalance: Percent::ZERO,
        input_current_limit: None,
    };
    let simulation = Simulation::of(&rig, &battery).expect("sound").expect("simulated");
    let mut world = simulation.world(&start, 1).expect("a model starts");
    world.pass(Micros::from_secs(60)).expect("a model goes on");
    // The first two reads miss a battery that has just come.
    for _ in 0..3 {
        let _ = world.modbus_read(225, 3, 256, 1);
    }
    world
}
