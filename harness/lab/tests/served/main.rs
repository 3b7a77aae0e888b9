//! The served rig through its wires, with the drivers that a live bench has: each test serves one of its own.

#![cfg(unix)]

mod bench;

use bench::{Bench, SPEED, rig};
use lab::can::{CanPort as _, Kind, RunClock, Slcan};
use lab::operator::{Operator as _, Reply, Request};
use lab::psu::{SupplyError, Target};
use proto::fault::{Fault, FaultKind};
use proto::frame::{CanId, Frame};
use proto::gx::{self, Exception};
use proto::quantity::{Amps, BitRate, Micros, Percent, Volts, Watts};
use proto::stimulus::{Start, Stimulus};
use sim::served::ServeError;

const START: Start = Start { soc: Percent(60.0), ac_load: Watts(1000.0), ..Start::AT_REST };
const SUN: Target = Target::new((Volts(120.0), Amps(20.0)), (Volts(200.0), Amps(30.0)));

#[test]
fn battery_and_gx_are_on_the_bus_and_strangers_are_heard() {
    let bench = Bench::new("generic");
    let (run, rate) = (RunClock::start(), rig().can.bit_rate);
    let mut port = Slcan::open(&bench.address().can[0], rate, run).unwrap_or_else(|error| panic!("{error}"));
    // Ten seconds of the world.
    let (mut frames, end) = (Vec::new(), run.now() + Micros(10_000_000 / u64::from(SPEED)));
    while let Some(received) = port.next(end).expect("the adapter is there") {
        if let Kind::Data(frame) = received.kind {
            frames.push(frame);
        }
    }
    let count = |id| frames.iter().filter(|frame| frame.id() == CanId::Standard(id)).count();
    assert!((8..=12).contains(&count(0x351)), "P 1.4: every second: {}", count(0x351));
    assert!((8..=12).contains(&count(0x305)), "the keep-alive of the GX (P 1.4): {}", count(0x305));
    port.send(&Frame::standard(0x305, &[0; 8])).expect("a stranger's keep-alive is taken");
    port.send(&Frame::standard(0x123, &[1, 2, 3])).expect("and what nobody knows");
    assert!(port.next(run.now() + Micros::from_secs(2)).expect("it is there").is_some(), "all goes on");
}

#[test]
fn a_wrong_bit_rate_hears_nothing() {
    let bench = Bench::new("generic");
    let run = RunClock::start();
    let mut port =
        Slcan::open(&bench.address().can[0], BitRate(250.0), run).expect("the adapter does not know");
    let mut frames = 0;
    while let Some(received) = port.next(run.now() + Micros::from_millis(300)).expect("it is there") {
        frames += u32::from(matches!(received.kind, Kind::Data(_)));
        if run.now() > Micros::from_secs(2) {
            break;
        }
    }
    assert_eq!(frames, 0);
}

/// P 1.5.3.1 needs a sun: what the supply gives is what the tracker takes, and what the supply measures.
#[test]
fn the_supply_is_the_sun_of_the_world() {
    let bench = Bench::new("generic");
    let mut operator = bench.operator();
    assert_eq!(operator.ask(&Request::Prepare(START)).expect("an answer"), Reply::Done);
    let mut supply = bench.supply("generic").unwrap_or_else(|error| panic!("{error}"));
    supply.apply(SUN).unwrap_or_else(|error| panic!("{error}"));
    supply.switch_on().unwrap_or_else(|error| panic!("{error}"));
    let pv = || bench.register(gx::solar::PV_POWER);
    bench.within_world_time(
        Micros::from_secs(120),
        || (pv() - 2388.0).abs() < 30.0,
        || format!("PV {}", pv()),
    );
    let reading = supply.read().expect("it answers").reading;
    assert!((reading.current.0 - 19.9).abs() < 0.3 && (reading.voltage.0 - 120.0).abs() < 0.5, "{reading:?}");

    // A fault of the world trips it: the sun is gone.
    let trip = Fault { kind: FaultKind::PsuTrip {}, span: Micros::from_secs(600) };
    let done = operator.ask(&Request::Apply(Stimulus::Inject(trip))).expect("an answer");
    assert_eq!(done, Reply::Done);
    bench.within_world_time(Micros::from_secs(60), || pv() < 1.0, || format!("PV {}", pv()));
    assert!(!supply.is_on().expect("it answers"));
    let done = supply.shut_down();
    assert!(done.is_safe(), "{done:?}");
}

#[test]
fn another_profile_is_told_from_the_one_that_is_served() {
    let bench = Bench::new("rigol");
    let error = bench.supply("ea").expect_err("another make");
    assert!(matches!(error, SupplyError::WrongSupply { .. }), "{error}");
    assert!(bench.supply("rigol").is_ok());
}

#[test]
fn the_operator_prepares_and_changes_the_world() {
    let bench = Bench::new("generic");
    let mut operator = bench.operator();
    let mut ask = |request| operator.ask(&request).expect("an answer");
    assert_eq!(ask(Request::Prepare(START)), Reply::Done);
    // The GX knows the battery at once, without the reads that miss what came back.
    let soc = bench.register(gx::battery::SOC);
    assert!((soc - 60.0).abs() < 3.0, "{soc}");
    assert_eq!(ask(Request::Apply(Stimulus::AcLoad(Watts(2000.0)))), Reply::Done);
    let load = || bench.register(gx::system::AC_LOADS_L1);
    bench.within_world_time(Micros::from_secs(10), || (load() - 2000.0).abs() < 20.0, || load().to_string());
    for (request, says) in [
        (Request::Apply(Stimulus::Pv(Watts(100.0))), "is its supply"),
        (Request::Apply(Stimulus::GxWrite { register: 9, value: 1 }), "register 9"),
        (Request::Prepare(Start { soc: Percent(101.0), ..START }), "state of charge"),
        (Request::Prepare(Start { ac_load: Watts(1e300), ..START }), "an AC load"),
        (Request::Ask("Look out of the window.".to_owned()), "nobody here"),
    ] {
        let Reply::Refused(why) = ask(request) else { panic!("{says}") };
        assert!(why.contains(says), "{why}");
    }
    assert_eq!(ask(Request::Finish), Reply::Done);
    bench.within_world_time(Micros::from_secs(10), || load() < 20.0, || load().to_string());
}

#[test]
fn a_line_that_is_no_request_is_answered_and_ends_the_connection() {
    use std::io::{Read as _, Write as _};
    let bench = Bench::new("generic");
    let mut stream = std::net::TcpStream::connect(bench.address().operator).expect("it listens");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).expect("a deadline");
    stream.write_all(b"hello\n").expect("sent");
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("it closes");
    assert!(said.contains("refused") && said.contains("makes no sense"), "{said}");
    drop(stream);
    assert_eq!(bench.operator().ask(&Request::Finish).expect("the next is served"), Reply::Done);
}

#[test]
fn a_client_that_says_nothing_keeps_nobody_out() {
    let bench = Bench::new("generic");
    let mut first = bench.operator();
    let idle: Vec<_> = (0..40)
        .map(|_| {
            let idle = std::net::TcpStream::connect(bench.address().operator).expect("it listens");
            assert_eq!(first.ask(&Request::Finish).expect("who speaks stays"), Reply::Done);
            idle
        })
        .collect();
    assert_eq!(bench.operator().ask(&Request::Finish).expect("it is served"), Reply::Done);
    drop(idle);
}

#[test]
fn the_gx_has_its_traps() {
    let bench = Bench::new("generic");
    assert_eq!(bench.read(3, 225, 250, 1), Err(Exception::Address));
    assert_eq!(bench.read(3, 1, 259, 1), Err(Exception::NoProduct));
    assert!(bench.read(4, 225, 259, 1).is_ok());
}

#[test]
fn names_are_stable_and_go_with_the_rig() {
    let bench = Bench::new("generic");
    let at = bench.folder().to_owned();
    for name in ["can", "psu"] {
        assert!(std::fs::symlink_metadata(at.join(name)).expect("there").is_symlink(), "{name}");
    }
    let text = std::fs::read_to_string(at.join("addresses.json")).expect("there");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["gx"], bench.address().gx.to_string());
    let folder = bench.end();
    assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 0, "nothing is left");
}

#[test]
fn what_cannot_be_served_is_told() {
    let bench = Bench::new("generic");
    let mut options = bench::options("generic", bench.folder());
    options.gx = bench.address().gx;
    let error = bench::start(&options).err().expect("the port is taken").to_string();
    assert!(error.contains("another `busbar serve` may run"), "{error}");
    options.psu_profile.simulated = None;
    assert!(matches!(bench::start(&options), Err(ServeError::NoDialect(name)) if name == "generic"));
    let options = bench::options("generic", bench.folder());
    assert!(matches!(bench::start(&options), Err(ServeError::InUse(_))));
    let folder = tempfile::tempdir().expect("a folder");
    let options = bench::options("generic", folder.path());
    std::fs::write(folder.path().join("can"), "mine").expect("a file of the user");
    assert!(matches!(bench::start(&options), Err(ServeError::Occupied(_))));
    assert_eq!(std::fs::read_to_string(folder.path().join("can")).expect("still there"), "mine");
}
