//! Frames there and back, and when they were.

use std::io::{BufRead as _, BufReader};
use std::time::{Duration, Instant};

use lab::can::{CanError, CanPort, Kind, RunClock, SocketCan};
use proto::bus::BusState;
use proto::candump::{self, Content, Line};
use proto::frame::{CanId, Frame};
use proto::quantity::Micros;

use super::Test;
use super::guest::{Beside, Outcome, RATE, cansend, ip, next, numbered, open, soon};

pub(crate) const TESTS: &[Test] = &[
    ("what we send candump sees", candump_sees),
    ("what cansend sends we decode, with the kernel's time", cansend_is_heard),
    ("two ports of ours lose nothing, in order", port_to_port),
    ("a filter lets through what it names, and error frames", filtered),
    ("a full queue is waited for", short_queue),
];

fn candump_sees() -> Outcome {
    const FRAMES: u32 = 1000;
    let mut port = open("can0")?;
    let mut candump = Beside::start("candump", &format!("-L -n {FRAMES} -T 5000 -r 4194304 can1"))?;
    let out = candump.0.stdout.take().ok_or("piped")?;
    // It tells nobody when it listens. Its usual queue would hold some 270 frames.
    std::thread::sleep(Duration::from_millis(500));
    for number in 0..FRAMES {
        port.send(&numbered(number))?;
    }
    let mut seen = 0;
    for line in BufReader::new(out).lines() {
        let line = line?;
        let Ok(Line::Record(record)) = candump::parse(line.as_bytes()) else {
            return Err(format!("candump wrote `{line}`").into());
        };
        assert_eq!((record.interface, record.content), ("can1", Content::Data(numbered(seen))));
        seen += 1;
    }
    assert_eq!(seen, FRAMES);
    println!("  candump saw {seen} of {FRAMES} frames");
    Ok(())
}

fn cansend_is_heard() -> Outcome {
    let run = RunClock::start();
    let mut port = SocketCan::open("can0", RATE, run)?;
    let cases = [
        ("351#480200050005AE01", Kind::Data(Frame::standard(0x351, &[0x48, 2, 0, 5, 0, 5, 0xAE, 1]))),
        ("305#", Kind::Data(Frame::standard(0x305, &[]))),
        ("1806E5F4#01", Kind::Data(Frame::new(CanId::Extended(0x1806_E5F4), &[1]).ok_or("in range")?)),
    ];
    for (text, kind) in cases {
        let before = run.now();
        cansend("can1", text)?;
        let sent = run.now();
        // Read much later than received: only the kernel knows when that was.
        std::thread::sleep(Duration::from_millis(50));
        let received = next(&mut port, run)?;
        assert_eq!(received.kind, kind, "{text}");
        // Both clocks may be read up to 1 ms apart under emulation.
        assert!(received.at.0 + 1_000 >= before.0, "{text}: {} before {before}", received.at);
        assert!(received.at.0 <= sent.0 + 20_000, "{text}: {} after {sent}", received.at);
    }
    let info = port.info()?;
    assert_eq!((info.bit_rate, info.state, info.lost), (Some(RATE), Some(BusState::ErrorActive), 0));
    println!("  {info:?}");
    Ok(())
}

fn port_to_port() -> Outcome {
    const FRAMES: u32 = 2000;
    let run = RunClock::start();
    let (mut from, mut to) = (SocketCan::open("can0", RATE, run)?, SocketCan::open("can1", RATE, run)?);
    let began = Instant::now();
    for number in 0..FRAMES {
        from.send(&numbered(number))?;
    }
    let mut last = Micros::ZERO;
    for number in 0..FRAMES {
        let received = next(&mut to, run)?;
        assert_eq!(received.kind, Kind::Data(numbered(number)));
        assert!(received.at >= last && received.at <= run.now());
        last = received.at;
    }
    println!("  {FRAMES} frames can0 to can1 in {} ms", began.elapsed().as_millis());
    assert_eq!(soon(&mut to, run, 50)?, None);
    Ok(())
}

fn filtered() -> Outcome {
    let run = RunClock::start();
    let mut port = SocketCan::open("vcan0", RATE, run)?;
    // Not on the emulated controllers, where a remote frame with a length leaves ghosts of frames behind.
    cansend("vcan0", "305#R8")?;
    assert_eq!(next(&mut port, run)?.kind, Kind::Remote { id: CanId::Standard(0x305), dlc: 8 });
    port.hear_only(&[CanId::Standard(0x351), CanId::Extended(0x351)])?;
    for text in ["350#", "351#01", "00000351#02", "00000350#", "351#R", "20000040#0000000000000000"] {
        cansend("vcan0", text)?;
    }
    let mut heard = Vec::new();
    while let Some(received) = soon(&mut port, run, 200)? {
        heard.push(received.kind);
    }
    let extended = Frame::new(CanId::Extended(0x351), &[2]).ok_or("in range")?;
    assert_eq!(heard[..2], [Kind::Data(Frame::standard(0x351, &[1])), Kind::Data(extended)]);
    assert!(matches!(heard[2..], [Kind::Error(_)]), "{heard:?}");
    Ok(())
}

fn short_queue() -> Outcome {
    const FRAMES: u32 = 3000;
    ip("link set can0 txqueuelen 1")?;
    let run = RunClock::start();
    let (mut from, mut to) = (SocketCan::open("can0", RATE, run)?, SocketCan::open("can1", RATE, run)?);
    let sent: Result<(), CanError> = (0..FRAMES).try_for_each(|number| from.send(&numbered(number)));
    ip("link set can0 txqueuelen 100")?;
    sent?;
    for number in 0..FRAMES {
        assert_eq!(next(&mut to, run)?.kind, Kind::Data(numbered(number)));
    }
    println!("  {FRAMES} frames through a queue of 1, none lost");
    Ok(())
}
