//! The driver against the simulated instrument, profile by profile, and through a line that fails.

mod dialogue;
mod every_profile;
mod faults;
mod faulty;
mod language;
mod others;
mod scripted;
mod setpoint;
mod settle;
mod watchdog;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use proto::quantity::{Amps, Micros, Volts};

use super::{Accepted, InMemory, Limits, Link, Rated, Settings, Supply, Target};
use files::Profile;
use plant::instrument::{Instrument, Surroundings};
use proto::scpi::Dialect;

const LIMITS: Limits = Limits {
    voltage: Volts(100.0),
    current: Amps(20.0),
    over_voltage: Volts(120.0),
    over_current: Amps(25.0),
    safe_voltage: Volts(30.0),
    safe_within: Micros::from_secs(5),
};

const TARGET: Target = Target::new((Volts(48.0), Amps(10.0)), (Volts(60.0), Amps(12.0)));

const SETTINGS: Settings =
    Settings { limits: LIMITS, channel: None, expected: None, first_answer: Micros::ZERO };

type Shared = Arc<Mutex<Instrument>>;

/// Every shipped profile by its name, read as `busbar` reads it.
fn profile(name: &str) -> Profile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../rigs/psu/{name}.yaml"));
    let text = std::fs::read_to_string(&path).expect("a shipped profile");
    Profile::parse(&format!("rigs/psu/{name}.yaml"), &text).unwrap_or_else(|error| panic!("{error}"))
}

/// The names of all shipped profiles, in order.
fn names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rigs/psu");
    let files = std::fs::read_dir(folder).expect("the profiles").map(|entry| entry.expect("a file").path());
    let mut names: Vec<_> =
        files.map(|file| file.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// How the simulated supply of a profile answers.
fn dialect(name: &str) -> Dialect {
    profile(name).simulated.expect("every shipped profile can be played")
}

fn instrument(name: &str) -> Shared {
    Arc::new(Mutex::new(Instrument::new(dialect(name), Surroundings::default())))
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

/// Whether the output of a supply is on.
type Lamp = Arc<Mutex<bool>>;

/// Who it is, set, on, measured, off.
fn goes_the_whole_way(profile: Profile, (link, lamp): (Box<dyn Link>, Lamp), model: &str) {
    let (mut supply, found) =
        Supply::open(link, profile, SETTINGS).unwrap_or_else(|error| panic!("{model}: {error}"));
    assert_eq!((found.identity.model.as_str(), found.output), (model, false));
    let target = Target::new((Volts(24.0), Amps(2.0)), (Volts(28.0), Amps(3.0)));
    let accepted = supply.apply(target).unwrap_or_else(|error| panic!("{model}: {error}"));
    assert!(near(accepted.voltage.0, 24.0) && near(accepted.over_voltage.0, 28.0), "{model}: {accepted:?}");
    supply.switch_on().unwrap_or_else(|error| panic!("{model}: {error}"));
    let reading = supply.read().unwrap_or_else(|error| panic!("{model}: {error}")).reading;
    assert!(
        reading.output && near(reading.voltage.0, 24.0) && near(reading.current.0, 0.5),
        "{model}: {reading:?}"
    );
    let done = supply.shut_down();
    assert!(done.is_safe() && done.problems.is_empty(), "{model}: {done:?}");
    assert!(!*lamp.lock().expect("one thread"), "{model}");
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.02
}
