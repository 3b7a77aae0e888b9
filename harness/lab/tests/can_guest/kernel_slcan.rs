//! The kernel's own SLCAN, whose adapter is ours: the one way to bus-off, which the emulated controllers never reach.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use lab::can::{CanError, CanPort, Kind, RunClock, SocketCan};
use libtest_mimic::Failed;
use proto::bus::{BusState, ErrorKind};
use proto::frame::Frame;
use proto::slcan::{Adapter, Carried, Request};
use serialport::{SerialPort, TTYPort};

use super::Test;
use super::guest::{Beside, Outcome, RATE, cansend, ip, next, numbered, soon};

pub(crate) const TESTS: &[Test] = &[("the kernel's SLCAN, our adapter, bus-off", kernel_slcan)];

/// The kernel as the host of our adapter: what it asks for, frames both ways, the states that an adapter may tell, and a
/// queue that nobody empties.
fn kernel_slcan() -> Outcome {
    let (mut device, mut host) = TTYPort::pair()?;
    device.set_timeout(Duration::from_millis(500))?;
    host.set_exclusive(false)?;
    let path = host.name().ok_or("it has a path")?;
    let _attached = Beside::start("slcan_attach", &format!("-w -n slcan0 {path}"))?;
    let give_up = Instant::now() + Duration::from_secs(5);
    while ip("link show slcan0").is_err() {
        assert!(Instant::now() < give_up, "slcan_attach made no slcan0");
        std::thread::sleep(Duration::from_millis(50));
    }
    ip("link set slcan0 type can bitrate 500000")?;
    // It waits until each command has been read.
    let mut up = Beside::start("ip", "link set slcan0 up")?;
    let mut adapter = Adapter::default();
    let wanted = asked(&mut device, &mut adapter)?;
    assert!(up.ended()?, "slcan0 does not come up");
    assert_eq!(wanted.last(), Some(&Request::Open { rate: RATE, listen_only: false }), "{wanted:?}");

    let run = RunClock::start();
    let mut port = SocketCan::open("slcan0", RATE, run)?;
    for number in 0..100 {
        let mut out = Vec::new();
        adapter.bus(run.now(), &Carried::Data(numbered(number)), &mut out);
        device.write_all(&out)?;
        assert_eq!(next(&mut port, run)?.kind, Kind::Data(numbered(number)));
    }
    cansend("slcan0", "351#480200050005AE01")?;
    let frame = Frame::standard(0x351, &[0x48, 2, 0, 5, 0, 5, 0xAE, 1]);
    assert_eq!(asked(&mut device, &mut adapter)?, [Request::Send(Carried::Data(frame))]);

    // Whoever else listens on this machine hears it too.
    assert_eq!(next(&mut port, run)?.kind, Kind::Data(frame));

    // States and counters as the kernel's driver reads them of an adapter.
    for (line, state, kind) in [
        (b"sw096000\r", BusState::ErrorWarning, ErrorKind::Warning),
        (b"sp128000\r", BusState::ErrorPassive, ErrorKind::Passive),
    ] {
        device.write_all(line)?;
        let Kind::Error(error) = next(&mut port, run)?.kind else { return Err("no error frame".into()) };
        assert!(error.kinds().any(|said| said == kind), "{error:?}");
        assert_eq!(port.info()?.state, Some(state));
    }
    // Nobody reads what is sent: first the serial line is full, then the queue.
    let full = (0..100_000).find_map(|number| port.send(&numbered(number)).err());
    let Some(CanError::QueueFull { .. }) = full else { return Err(format!("{full:?}").into()) };
    println!("  {}", CanError::QueueFull { port: "slcan0".into() });
    while !asked(&mut device, &mut adapter)?.is_empty() {}

    device.write_all(b"sb000256\r")?;
    let mut kinds = Vec::new();
    while let Some(received) = soon(&mut port, run, 500)? {
        let Kind::Error(error) = received.kind else { continue };
        kinds.extend(error.kinds());
    }
    println!("  bus-off: {kinds:?}, {:?}", port.info()?);
    assert!(kinds.contains(&ErrorKind::BusOff), "{kinds:?}");
    assert_eq!(port.info()?.state, Some(BusState::BusOff));
    Ok(())
}

/// What the kernel wants of our adapter, until it says nothing for half a second.
fn asked(device: &mut TTYPort, adapter: &mut Adapter) -> Result<Vec<Request>, Failed> {
    let (mut wanted, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = match device.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => return Ok(wanted),
            Err(error) => return Err(error.into()),
        };
        // The kernel's driver does not wait for answers.
        let mut answers = Vec::new();
        wanted.extend(buffer[..count].iter().filter_map(|byte| adapter.host(*byte, &mut answers)));
    }
}
