//! Any bytes on a serial line, as a host hears them and as an adapter does.

#![no_main]

use libfuzzer_sys::fuzz_target;
use proto::quantity::Micros;
use proto::slcan::{Adapter, BEL, CR, Decoder, LineError, Piece, Reply, StampClock, command, reply, write};

fuzz_target!(|bytes: &[u8]| {
    let (mut decoder, mut clock, mut now) = (Decoder::default(), StampClock::default(), Micros::ZERO);
    for byte in bytes {
        now += Micros(u64::from(*byte) << 16);
        let Some(Piece::Line(line)) = decoder.push(*byte) else { continue };
        let read = reply(line);
        check(line, read.as_ref().err());
        if let Ok(Reply::Frame(carried, stamp)) = read {
            let mut again = Vec::new();
            write(&mut again, &carried, stamp);
            assert_eq!(again.pop(), Some(CR));
            assert!(again.eq_ignore_ascii_case(line));
            assert_eq!(reply(&again), read);
            if let Some(stamp) = stamp {
                assert!(clock.at(stamp, now) <= now);
            }
        }
        check(line, command(line).as_ref().err());
    }
    let (mut adapter, mut answer) = (Adapter::default(), Vec::new());
    let ends = |byte: &&u8| [CR, BEL].contains(byte);
    for byte in bytes {
        adapter.host(*byte, &mut answer);
    }
    assert_eq!(answer.iter().filter(ends).count(), bytes.iter().filter(ends).count());
});

/// An error points into its line, or at its end.
fn check(line: &[u8], error: Option<&LineError>) {
    assert!(error.is_none_or(|error| (1..=line.len() + 1).contains(&error.column)));
}
