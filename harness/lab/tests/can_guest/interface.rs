//! What an interface says of itself and of the bus.

use lab::can::{CanError, CanPort, Kind, RunClock, SocketCan};
use proto::bus::ErrorKind;
use proto::quantity::{BitRate, Micros};

use super::Test;
use super::guest::{Outcome, RATE, cansend, ip, next, numbered, open};

pub(crate) const TESTS: &[Test] = &[
    ("error frames are decoded", error_frames),
    ("a wrong bit rate is reported", wrong_bit_rate),
    ("an interface that is down is reported, before and during a run", down),
    ("a missing interface is reported beside those that exist", missing),
];

fn error_frames() -> Outcome {
    let run = RunClock::start();
    let mut port = SocketCan::open("vcan0", RATE, run)?;
    let cases = [
        ("20000004#0020000000008000", ErrorKind::Passive),
        ("20000040#0000000000000000", ErrorKind::BusOff),
        ("20000020#0000001900000000", ErrorKind::Ack),
        ("20000100#0000000000000000", ErrorKind::Restarted),
    ];
    for (text, kind) in cases {
        cansend("vcan0", text)?;
        let Kind::Error(error) = next(&mut port, run)?.kind else { return Err("no error frame".into()) };
        assert_eq!(error.kinds().collect::<Vec<_>>(), [kind], "{text}");
    }
    let info = port.info()?;
    assert_eq!((info.bit_rate, info.state), (None, None), "a virtual bus has neither");
    Ok(())
}

fn wrong_bit_rate() -> Outcome {
    ip("link set can1 down")?;
    ip("link set can1 type can bitrate 250000")?;
    ip("link set can1 up")?;
    let refused = SocketCan::open("can1", RATE, RunClock::start());
    let other = SocketCan::open("can1", BitRate(250.0), RunClock::start());
    ip("link set can1 down")?;
    ip("link set can1 type can bitrate 500000")?;
    ip("link set can1 up")?;
    other?;
    let error = refused.expect_err("it is set to another bit rate");
    println!("  {error}");
    assert!(matches!(error, CanError::BitRate { found: BitRate(250.0), .. }), "{error}");
    open("can1")?;
    Ok(())
}

fn down() -> Outcome {
    let run = RunClock::start();
    let mut port = SocketCan::open("can1", RATE, run)?;
    ip("link set can1 down")?;
    let during = port.next(run.now() + Micros::from_secs(1));
    let sending = port.send(&numbered(0));
    let info = port.info();
    let before = SocketCan::open("can1", RATE, run);
    ip("link set can1 up")?;
    assert!(matches!(during, Err(CanError::WentDown { .. })), "{during:?}");
    assert!(matches!(sending, Err(CanError::WentDown { .. })), "{sending:?}");
    assert!(matches!(info, Err(CanError::Down { .. })), "{info:?}");
    let error = before.expect_err("it is down");
    println!("  {error}");
    assert!(matches!(error, CanError::Down { .. }), "{error}");
    Ok(())
}

fn missing() -> Outcome {
    let text = SocketCan::open("can7", RATE, RunClock::start()).expect_err("there is none").to_string();
    assert!(text.starts_with("can7: no such CAN interface; there is: can0, can1, "), "{text}");
    println!("  {text}");
    Ok(())
}
