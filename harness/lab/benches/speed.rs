//! How fast the simulated rig is: simulated seconds per second of wall time, beside the floor that the cells alone
//! set, and how the cost grows with the number of cells. `cargo xtask bench` runs it.

use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use engine::suite::Suite;
use evidence::plan::plan;
use files::{BatteryFile, Library, RigFile, read_text};

use proto::quantity::Micros;
use proto::stimulus::Start;
use session::attempt::{Unseen, attempt};
use sim::Simulation;

/// How often each figure is taken; the middle one counts.
const TAKES: usize = 5;
const HOUR: Micros = Micros::from_secs(3600);

fn main() {
    let library =
        Library::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the bench runs inside the project");
    let rig_path = library.rig("simulated").expect("the simulated rig");
    let rig = RigFile::parse("simulated", &read_text(&rig_path).expect("readable")).expect("a good rig file");
    let battery_path = library.battery("reference").expect("the reference battery");
    let battery = BatteryFile::parse("reference", &read_text(&battery_path).expect("readable"))
        .expect("a good battery file");
    let suites: Vec<Suite> = library
        .suites()
        .expect("suites")
        .iter()
        .map(|path| {
            Suite::parse(&library.shown(path), &read_text(path).expect("readable")).expect("a good suite")
        })
        .collect();

    let whole = median(|| every_case(&suites, &rig, &battery));
    let world = median(|| world_alone(&rig, &battery, 16, 24));
    let floor = median(cells_alone);
    say("every suite, judged, on one core", whole, "simulated s/s");
    say("the world alone, 16 cells", world, "simulated s/s");
    say("16 cells alone, one RC, 10 steps a second (the floor)", floor, "simulated s/s");
    say("floor over every suite", floor / whole, "times");
    for (what, hours) in [("hour", 1), ("day", 24), ("week", 168)] {
        let speed = median(|| world_alone(&rig, &battery, 16, hours));
        say(&format!("one simulated second in a run of a {what}"), 1e6 / speed, "µs");
    }
    for cells in [16, 32, 64, 128, 256] {
        let speed = median(|| world_alone(&rig, &battery, cells, 24));
        say(&format!("one simulated hour of the world with {cells} cells"), HOUR.secs() / speed * 1e3, "ms");
    }
}

fn say(what: &str, figure: f64, unit: &str) {
    let decimals = if figure < 100.0 { 2 } else { 0 };
    writeln!(std::io::stdout(), "{what:<56} {figure:>12.decimals$} {unit}")
        .expect("standard output takes a line");
}

fn median(take: impl Fn() -> f64) -> f64 {
    let mut figures: Vec<f64> = (0..TAKES).map(|_| take()).collect();
    figures.sort_by(f64::total_cmp);
    figures[TAKES / 2]
}

fn simulated(rig: &RigFile, battery: &BatteryFile) -> Simulation {
    Simulation::of(rig, battery).expect("sound files").expect("both are simulated")
}

/// Engine, interlocks, world and judge over every case.
fn every_case(suites: &[Suite], rig: &RigFile, battery: &BatteryFile) -> f64 {
    let simulation = simulated(rig, battery);
    let began = Instant::now();
    let mut secs = 0.0;
    for suite in suites {
        for case in &suite.cases {
            let planned = plan(case, rig, battery).expect("the limits of the rig leave room");
            secs += attempt(planned, Some(&simulation), (&case.name, 1), &mut Unseen).length.secs();
        }
    }
    secs / began.elapsed().as_secs_f64()
}

/// The world with its battery on the bus, nothing switched on.
fn world_alone(rig: &RigFile, battery: &BatteryFile, cells: u16, hours: u64) -> f64 {
    let mut battery = battery.clone();
    battery.declared.cells = cells;
    let mut world = simulated(rig, &battery).world(&Start::AT_REST, 1).expect("a model starts");
    let end = HOUR * hours;
    let began = Instant::now();
    while world.now() < end {
        black_box(world.advance(end).expect("a model goes on"));
    }
    end.secs() / began.elapsed().as_secs_f64()
}

/// What no simulation of a pack undercuts: for each of 16 cells an open-circuit voltage from a table, one RC, a state of
/// charge, ten times a second.
fn cells_alone() -> f64 {
    const SECONDS: usize = 200_000;
    const TABLE: [f64; 21] = [
        2.833, 3.132, 3.177, 3.190, 3.213, 3.226, 3.240, 3.252, 3.262, 3.264, 3.265, 3.268, 3.271, 3.275,
        3.283, 3.296, 3.304, 3.308, 3.309, 3.314, 3.392,
    ];
    let began = Instant::now();
    let (mut soc, mut rc) = ([0.5_f64; 16], [0.0_f64; 16]);
    let decay = (-0.1_f64 / 40.0).exp();
    let mut sum = 0.0;
    for step in 0..SECONDS * 10 {
        let amps = black_box(if step & 1024 == 0 { 20.0 } else { -20.0 });
        for cell in 0..16 {
            soc[cell] += amps * (0.1 / (280.0 * 3600.0));
            rc[cell] = rc[cell] * decay + amps * (0.2e-3 * (1.0 - decay));
            let x = soc[cell].clamp(0.0, 0.999) * 20.0;
            let i = x as usize;
            sum += TABLE[i] + (TABLE[i + 1] - TABLE[i]) * (x - i as f64) + amps * 0.22e-3 + rc[cell];
        }
    }
    black_box(sum);
    SECONDS as f64 / began.elapsed().as_secs_f64()
}
