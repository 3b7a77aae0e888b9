//! The SLCAN driver over pseudo-terminals: against the adapter that proto has for a simulated rig, and against
//! python-can, which nobody here wrote.
//!
//! The foreign half needs a Python with python-can and pyserial: the one that `BUSBAR_PYTHON` names, or
//! `target/venv/bin/python` of the workspace (`python3 -m venv target/venv && target/venv/bin/pip install python-can
//! pyserial`). Without one its tests are listed as ignored, with the reason; with `BUSBAR_PYTHON` set they run, and fail
//! where it has no python-can.
#![cfg(unix)]

mod firmware;
mod python;
mod simulated;

use std::path::Path;
use std::process::ExitCode;

use lab::can::{CanError, CanPort, Kind, RunClock, Slcan};
use libtest_mimic::{Arguments, Failed, Trial};
use proto::bus::{BusState, ErrorKind};
use proto::frame::CanId;
use proto::quantity::{BitRate, Micros};
use proto::slcan::{Carried, Flags, Request};

use simulated::{Event, Simulated, frame, pair};

const RATE: BitRate = BitRate(500.0);
const MANY: u32 = 1000;

/// A test against the Python that is named.
type Foreign = fn(&Path) -> Result<(), Failed>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("an adapter is opened, heard and spoken to", adapter_both_ways),
        Trial::test("flags become error frames and a state", flags),
        Trial::test("a state that is read is no older than its period", read_in_time),
        Trial::test("what was lost before the opening is no loss", lost_before),
        Trial::test("noise is counted as lost and read over", noise),
        Trial::test("a frame that is refused is an error", refused),
        Trial::test("a silent port is no adapter", silent),
        Trial::test("an adapter that no longer answers is lost", hangs),
        Trial::test("a port that is not there is named", missing),
        Trial::test("an adapter of any firmware is opened", firmware::every_kind_is_opened),
        Trial::test("one that acknowledges nothing is believed by its frames", firmware::mute_but_heard),
        Trial::test("flags that nobody asked for are told", firmware::flags_unasked),
        Trial::test("a log between frames is no loss", firmware::log_between_frames),
        Trial::test("a bell that nobody rang for is no refusal", firmware::bell),
    ];
    let python = python::python();
    let foreign: [(&str, Foreign); 2] = [
        ("python-can and the driver, both ways", python::python_and_driver),
        ("python-can and the adapter, both ways", python::python_and_adapter),
    ];
    for (name, test) in foreign {
        let python = python.clone();
        let ignored = python.is_none();
        let trial =
            Trial::test(name, move || test(&python.ok_or("no Python with python-can: set BUSBAR_PYTHON")?));
        let kind = if ignored { "not run: no Python with python-can and pyserial" } else { "" };
        trials.push(trial.with_kind(kind).with_ignored_flag(ignored));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

const LONG: Micros = Micros::from_secs(20);

/// The next thing received.
fn next(port: &mut Slcan) -> Result<lab::can::Received, Failed> {
    Ok(port.next(LONG)?.ok_or("nothing was received")?)
}

fn adapter_both_ways() -> Result<(), Failed> {
    let adapter = Simulated::start();
    let mut port = adapter.open();
    let mut last = Micros::ZERO;
    for number in 0..MANY {
        port.send(&frame(number))?;
        assert_eq!(adapter.request(), Request::Send(Carried::Data(frame(number))));
        adapter.tell(Event::Bus(Micros::from_millis(u64::from(number) * 10), Carried::Data(frame(number))));
        let received = next(&mut port)?;
        assert_eq!(received.kind, Kind::Data(frame(number)));
        assert!(received.at >= last);
        last = received.at;
    }
    let info = port.info()?;
    assert_eq!((info.bit_rate, info.state, info.lost), (Some(RATE), Some(BusState::ErrorActive), 0));
    drop(port);
    assert_eq!(adapter.request(), Request::Close);
    Ok(())
}

fn flags() -> Result<(), Failed> {
    let adapter = Simulated::start();
    let mut port = adapter.open();
    adapter.tell(Event::Raise(Flags(Flags::PASSIVE.0 | Flags::OVERRUN.0)));
    let Kind::Error(error) = next(&mut port)?.kind else { return Err("no error frame".into()) };
    assert_eq!(error.kinds().collect::<Vec<_>>(), [ErrorKind::Overflow, ErrorKind::Passive]);
    assert!(error.tells_loss());
    let info = port.info()?;
    assert_eq!((info.state, info.lost), (Some(BusState::ErrorPassive), 1));
    // Two more questions, and nothing is raised any more.
    assert_eq!(port.next(Micros::from_secs(4))?, None);
    assert_eq!(port.info()?.state, Some(BusState::ErrorActive));
    Ok(())
}

/// A state that is read once in 800 ms, whenever that is: what was raised this long before is in it no more.
fn read_in_time() -> Result<(), Failed> {
    let (period, slack) = (Micros::from_millis(800), Micros::from_millis(250));
    let adapter = Simulated::start();
    let clock = RunClock::start();
    let mut port = Slcan::open(&adapter.path, RATE, clock)?.read_every(period);
    for moment in [100, 500] {
        let raised = clock.now() + Micros::from_millis(moment);
        while port.next(raised)?.is_some() {}
        adapter.tell(Event::Raise(Flags::PASSIVE));
        let mut told = 0;
        while port.next(raised + period + slack)?.is_some() {
            told += 1;
        }
        assert_eq!((told, port.info()?.state), (1, Some(BusState::ErrorActive)), "after {moment} ms");
    }
    Ok(())
}

/// What an adapter lost before it was opened, when nobody listened, is no loss of this run; a full queue since then is.
fn lost_before() -> Result<(), Failed> {
    let adapter = Simulated::start();
    adapter.tell(Event::Raise(Flags(Flags::RECEIVE_FULL.0 | Flags::BUS_ERROR.0)));
    let mut port = adapter.open();
    let Kind::Error(error) = next(&mut port)?.kind else { return Err("no error frame".into()) };
    assert_eq!(error.kinds().collect::<Vec<_>>(), [ErrorKind::Protocol, ErrorKind::BusError]);
    assert_eq!(port.info()?.lost, 0);
    adapter.tell(Event::Raise(Flags::RECEIVE_FULL));
    let Kind::Error(error) = next(&mut port)?.kind else { return Err("no error frame".into()) };
    assert!(error.tells_loss());
    assert_eq!(port.info()?.lost, 1);
    Ok(())
}

fn noise() -> Result<(), Failed> {
    let adapter = Simulated::start();
    let mut port = adapter.open();
    let heard = Carried::Remote { id: CanId::Standard(0x305), dlc: 8 };
    adapter.tell(Event::Bus(Micros::ZERO, heard));
    assert_eq!(next(&mut port)?.kind, Kind::Remote { id: CanId::Standard(0x305), dlc: 8 });
    adapter.tell(Event::Bytes(b"t10021\r\x00\xFF~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\r".to_vec()));
    // A frame without a time behind one with a time is half of another one.
    adapter.tell(Event::Bytes(b"t10021133\r".to_vec()));
    adapter.tell(Event::Bus(Micros::ZERO, heard));
    for _ in 0..3 {
        assert_eq!(next(&mut port)?.kind, Kind::Overflow(1));
    }
    assert_eq!(next(&mut port)?.kind, Kind::Remote { id: CanId::Standard(0x305), dlc: 8 });
    assert_eq!(port.info()?.lost, 3);
    Ok(())
}

fn refused() -> Result<(), Failed> {
    let adapter = Simulated::start();
    let mut port = adapter.open();
    adapter.tell(Event::Hang);
    port.send(&frame(1))?;
    assert!(matches!(adapter.request(), Request::Send(_)));
    adapter.tell(Event::Bytes(b"\x07".to_vec()));
    let error = port.next(LONG).expect_err("refused");
    assert!(matches!(error, CanError::Refused { .. }), "{error}");
    let mut line = Vec::new();
    proto::slcan::write(&mut line, &Carried::Data(frame(1)), None);
    adapter.tell(Event::Bytes(line));
    assert_eq!(next(&mut port)?.kind, Kind::Data(frame(1)), "the port goes on");
    Ok(())
}

fn silent() -> Result<(), Failed> {
    let (_device, path, _open) = pair();
    let error = Slcan::open(&path, RATE, RunClock::start()).expect_err("nobody answers");
    assert!(matches!(error, CanError::NoAdapter { .. }), "{error}");
    assert!(error.to_string().contains("no answer to the bit rate"), "{error}");
    Ok(())
}

fn hangs() -> Result<(), Failed> {
    let adapter = Simulated::start();
    let mut port = adapter.open();
    adapter.tell(Event::Hang);
    let error = port.next(LONG).expect_err("it hangs");
    assert!(matches!(error, CanError::Silent { .. }), "{error}");
    Ok(())
}

fn missing() -> Result<(), Failed> {
    let error = Slcan::open("/dev/busbar-none", RATE, RunClock::start()).expect_err("no such port");
    assert!(error.to_string().starts_with("/dev/busbar-none: failed to open the serial port"), "{error}");
    let error = Slcan::open("/dev/busbar-none", BitRate(83.3), RunClock::start()).expect_err("no such rate");
    assert!(matches!(error, CanError::NoSuchBitRate { .. }), "{error}");
    Ok(())
}
