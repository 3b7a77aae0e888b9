//! The driver against the simulated instrument, profile by profile, and through a line that fails.

mod every_profile;
mod faults;
mod faulty;
mod setpoint;
mod settle;
mod watchdog;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use proto::quantity::{Amps, Micros, Volts};

use super::{InMemory, Limits, Settings, Supply, Target};
use files::Profile;
use plant::instrument::{Instrument, Surroundings, dialect};

const LIMITS: Limits = Limits {
    voltage: Volts(100.0),
    current: Amps(20.0),
    over_voltage: Volts(120.0),
    over_current: Amps(25.0),
    safe_voltage: Volts(30.0),
    safe_within: Micros::from_secs(5),
};

const TARGET: Target =
    Target { voltage: Volts(48.0), current: Amps(10.0), over_voltage: Volts(60.0), over_current: Amps(12.0) };

const SETTINGS: Settings = Settings { limits: LIMITS, channel: None, expected: None };

type Shared = Arc<Mutex<Instrument>>;

/// Every shipped profile by its name, read as `busbar` reads it.
fn profile(name: &str) -> Profile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../rigs/psu/{name}.yaml"));
    let text = std::fs::read_to_string(&path).expect("a shipped profile");
    Profile::parse(&format!("rigs/psu/{name}.yaml"), &text).unwrap_or_else(|error| panic!("{error}"))
}

fn instrument(name: &str) -> Shared {
    let dialect = dialect::of(name).expect("a dialect for every profile");
    Arc::new(Mutex::new(Instrument::new(dialect, Surroundings::default())))
}

fn open(name: &str) -> (Supply, Shared) {
    let instrument = instrument(name);
    let link = InMemory::new(instrument.clone());
    let (supply, found) = Supply::open(Box::new(link), profile(name), SETTINGS).expect("it answers");
    assert!(!found.output && found.alarms.is_empty() && found.errors.is_empty(), "{found:?}");
    (supply, instrument)
}

fn at(instrument: &Shared) -> MutexGuard<'_, Instrument> {
    instrument.lock().expect("no test panics while it holds an instrument")
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.02
}
