//! The driver over real wires. Deadlines are short: what is waited for is a thread of the same process.

use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use proto::quantity::{Amps, Volts};

use super::*;
use files::Profile;
use lab::psu::{Limits, Link, Serial, Settings, Supply, SupplyError, Target, Tcp};
use plant::instrument::Surroundings;

const TARGET: Target = Target::new((Volts(48.0), Amps(10.0)), (Volts(60.0), Amps(12.0)));

const SETTINGS: Settings = Settings {
    limits: Limits {
        voltage: Volts(100.0),
        current: Amps(20.0),
        over_voltage: Volts(120.0),
        over_current: Amps(25.0),
        safe_voltage: Volts(30.0),
        safe_within: Micros::from_secs(2),
    },
    channel: None,
    expected: None,
    first_answer: Micros::ZERO,
};

fn profile(name: &str) -> Profile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../rigs/psu/{name}.yaml"));
    let text = std::fs::read_to_string(path).expect("a shipped profile");
    let mut profile = Profile::parse(name, &text).unwrap_or_else(|error| panic!("{error}"));
    profile.line.gap = Micros::ZERO;
    profile.line.quiet = Micros::from_millis(10);
    profile
}

fn instrument(name: &str) -> Arc<Mutex<Instrument>> {
    let dialect = profile(name).simulated.expect("every shipped profile can be played");
    Arc::new(Mutex::new(Instrument::new(dialect, Surroundings::default())))
}

fn run(name: &str, link: Box<dyn Link>, instrument: &Mutex<Instrument>) -> Supply {
    let (mut supply, found) =
        Supply::open(link, profile(name), SETTINGS).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(!found.output);
    supply.apply(TARGET).unwrap_or_else(|error| panic!("{name}: {error}"));
    supply.switch_on().unwrap_or_else(|error| panic!("{name}: {error}"));
    let reading = supply.read().unwrap_or_else(|error| panic!("{name}: {error}")).reading;
    assert!(reading.output && (reading.voltage.0 - 48.0).abs() < 0.1, "{name}: {reading:?}");
    let done = supply.shut_down();
    assert!(done.is_safe() && done.problems.is_empty(), "{name}: {done:?}");
    assert!(!instrument.lock().expect("alive").is_on(), "{name}");
    supply
}

fn serial(path: &Path, name: &str) -> Box<dyn Link> {
    let path = path.to_str().expect("a path of ASCII");
    Box::new(Serial::open(path, profile(name).serial).unwrap_or_else(|error| panic!("{error}")))
}

#[test]
fn over_a_pseudo_terminal() {
    // Agilent raises DTR, which a pseudo-terminal has not; Genesys ends its lines with CR.
    for name in ["generic", "ea", "genesys", "agilent"] {
        let instrument = instrument(name);
        let served = on_pty(instrument.clone()).expect("a pseudo-terminal");
        run(name, serial(served.path(), name), &instrument);
    }
}

#[test]
fn a_watchdog_that_sees_only_the_network_is_refused_on_a_serial_line() {
    let delta = instrument("delta");
    let served = on_pty(delta.clone()).expect("a pseudo-terminal");
    let mut supply = run("delta", serial(served.path(), "delta"), &delta);
    let error = supply.arm_watchdog(Micros::from_secs(5)).expect_err("no use there").to_string();
    assert_eq!(error, "this supply has no watchdog on a serial line");
}

#[test]
fn over_tcp() {
    for name in ["keysight", "delta", "rigol"] {
        let instrument = instrument(name);
        let served = on_tcp(instrument.clone(), (Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        // One client after the other.
        for _ in 0..2 {
            let link = Tcp::open(served.address(), Micros::from_secs(1)).expect("it listens");
            run(name, Box::new(link), &instrument);
        }
    }
}

/// A harness that was stopped in the middle of a question, or a person who forgot to read.
#[test]
fn a_client_that_never_reads_is_heard_and_keeps_nobody_waiting() {
    let instrument = instrument("generic");
    let served = on_pty(instrument.clone()).expect("a pseudo-terminal");
    let mut link = serial(served.path(), "generic");
    let soon = |link: &dyn Link| link.now() + Micros::from_secs(5);
    // Far more than a pseudo-terminal holds.
    for _ in 0..5000 {
        let until = soon(link.as_ref());
        link.write(b"*IDN?\n", until).expect("it is read");
    }
    let until = soon(link.as_ref());
    link.write(b"VOLT 7\n", until).expect("it is read");
    let end = Instant::now() + Duration::from_secs(5);
    while instrument.lock().expect("alive").voltage_setting() != Volts(7.0) {
        assert!(Instant::now() < end, "it is not heard");
        std::thread::sleep(Duration::from_millis(10));
    }
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(served);
        let _ = done.send(());
    });
    ended.recv_timeout(Duration::from_secs(5)).expect("it ends");
}

#[test]
fn a_port_that_vanishes_is_told_and_found_again_under_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let by_id = folder.path().join("usb-EA_PSI_2345670001-if00-port0");
    let supply_itself = instrument("ea");
    let served = on_pty(supply_itself.clone()).expect("a pseudo-terminal");
    symlink(served.path(), &by_id).expect("a name");
    let mut supply = run("ea", serial(&by_id, "ea"), &supply_itself);
    drop(served);
    let error = supply.read().expect_err("it is gone").to_string();
    assert!(error.contains("is gone"), "{error}");
    assert!(!supply.shut_down().is_safe());
    assert!(Serial::open(by_id.to_str().expect("ASCII"), supply.profile().serial).is_err());
    // The adapters were plugged in anew: the name now leads to another supply.
    let other = instrument("ea");
    let other = Arc::new(Mutex::new(other.lock().expect("alive").clone().with_serial_number("9")));
    let wrong = on_pty(other).expect("a pseudo-terminal");
    std::fs::remove_file(&by_id).expect("the old name");
    symlink(wrong.path(), &by_id).expect("a name");
    let refused = supply.reopen(serial(&by_id, "ea"));
    assert!(matches!(refused, Err(SupplyError::WrongSupply { .. })), "{refused:?}");
    // And at last to the right one, on another device.
    let again = on_pty(supply_itself.clone()).expect("a pseudo-terminal");
    std::fs::remove_file(&by_id).expect("the old name");
    symlink(again.path(), &by_id).expect("a name");
    supply.reopen(serial(&by_id, "ea")).expect("the same supply");
    assert!(supply.shut_down().is_safe());
}

#[test]
fn nobody_there_is_silent_in_time() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let link = Tcp::open(listener.local_addr().expect("bound"), Micros::from_secs(1)).expect("it listens");
    let mut profile = profile("generic");
    profile.line.reply_within = Micros::from_millis(50);
    let start = Instant::now();
    let refused = Supply::open(Box::new(link), profile, SETTINGS).err();
    assert!(matches!(refused, Some(SupplyError::Silent { .. })), "{refused:?}");
    assert!(start.elapsed().as_secs() < 2);
}
