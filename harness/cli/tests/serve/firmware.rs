//! Firmware of somebody else plays the battery of a served rig: here a shell that writes SLCAN.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::process::{Owned, Serving, within};

/// 0x351 with 56 V, 140 A, 200 A and 44.8 V; 0x355 with 60 %; 0x356 with 52.56 V; 0x35A without an alarm, by which the GX
/// knows that there is a battery at all (P 3, P 5.1). The bit rate is 500 kbit/s.
const BATTERY: &str = "exec > \"$1\"; printf 'C\\rS6\\rO\\r'; while sleep 0.2; do \
    printf 't351830027805D007C001\\rt35563C0064007017\\rt356688146C01FA00\\rt35A8AAAAAAAAAAAAAAAA\\r'; done";
/// The same without 0x35A.
const UNKNOWN: &str = "exec > \"$1\"; printf 'C\\rS6\\rO\\r'; while sleep 0.2; do \
    printf 't351830027805D007C001\\rt35563C0064007017\\rt356688146C01FA00\\r'; done";

/// A register of the battery's unit, or the number of the exception.
fn register(gx: &str, address: u16) -> Result<u16, u8> {
    let mut stream = TcpStream::connect(gx).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a deadline");
    let [high, low] = address.to_be_bytes();
    stream.write_all(&[0, 1, 0, 0, 0, 6, 225, 3, high, low, 0, 1]).expect("sent");
    let mut head = [0; 9];
    stream.read_exact(&mut head).expect("an answer");
    if head[7] & 0x80 != 0 {
        return Err(head[8]);
    }
    let mut cell = [0; 2];
    stream.read_exact(&mut cell).expect("all of it");
    Ok(u16::from_be_bytes(cell))
}

#[test]
fn firmware_of_somebody_else_is_the_battery() {
    let serving = Serving::start(&["--battery", "none", "--speed", "5"]);
    let (gx, can) = (serving.address("gx"), serving.address("can"));
    assert_eq!(register(&gx, 305), Err(10), "nobody speaks for it yet");
    let play = |words| {
        let words = ["-c", words, "battery", &can];
        Owned(Command::new("sh").args(words).stdin(Stdio::null()).spawn().expect("a shell"))
    };
    let unknown = play(UNKNOWN);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(register(&gx, 305), Err(10), "without 0x35A it is not known to be a battery");
    drop(unknown);
    let battery = play(BATTERY);
    within(Duration::from_secs(20), || register(&gx, 305) == Ok(560), "CVL on the GX");
    assert_eq!((register(&gx, 266), register(&gx, 259)), (Ok(600), Ok(5256)), "SoC and voltage");
    drop(battery);
    within(Duration::from_secs(20), || register(&gx, 305) == Err(10), "the GX lost it");
}
