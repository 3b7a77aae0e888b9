//! Serial ports that were taken for one another: the supply on the port of the CAN adapter, or the other way. Adapters get
//! their numbers in the order in which they are plugged in.

use crate::can::Slcan;
use crate::psu::{Serial, Supply};
use files::Profile;
use files::live::{Live, PsuPort};

/// What to say where one of two serial ports answers in the language of the other; nothing where neither does. Both are asked
/// questions only, and neither may be open.
#[must_use]
pub(crate) fn looked_for(live: &Live, profile: &Profile) -> Option<String> {
    let can = live.can.serial()?;
    let PsuPort::Serial { serial: supply, baud } = &live.psu.as_ref()?.port else { return None };
    let mut settings = profile.serial;
    settings.baud = baud.unwrap_or(settings.baud);
    let identity = Serial::open(can, settings).ok().and_then(|link| Supply::who(Box::new(link), profile));
    // An adapter whose channel was left open passes frames on, whatever it is asked.
    let identity = identity.filter(|said| proto::slcan::reply(said.as_bytes()).is_err());
    let is_adapter = Slcan::is_on(supply);
    let seen = match (identity, is_adapter) {
        (None, false) => return None,
        (Some(who), false) => format!("{can} answers `{}` like a supply", who.escape_debug()),
        (None, true) => format!("{supply} answers like a CAN adapter"),
        (Some(who), true) => {
            format!("{can} answers `{}` like a supply, and {supply} like a CAN adapter", who.escape_debug())
        }
    };
    Some(format!(
        "these two ports seem swapped, {can} (`live.can`) and {supply} (`live.psu.port`): {seen}; name them by \
         /dev/serial/by-id, which does not change"
    ))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use files::RigFile;
    use plant::instrument::{Instrument, Surroundings};
    use proto::slcan::Adapter;
    use rstest::rstest;
    use serialport::{SerialPort as _, TTYPort};

    use super::*;

    fn profile(name: &str) -> Profile {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../rigs/psu/{name}.yaml"));
        let text = std::fs::read_to_string(path).expect("a shipped profile");
        Profile::parse(name, &text).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The served rig with these ports.
    fn live(can: &str, psu: &str) -> Live {
        let text = include_str!("../../../rigs/served.yaml");
        let text = text.replace("/tmp/busbar/can", can).replace("/tmp/busbar/psu", psu);
        RigFile::parse("served", &text).unwrap_or_else(|error| panic!("{error}")).live.expect("it is live")
    }

    /// Each at the port of the other is told with both names, whatever ends the lines of the supply, and whether the adapter
    /// acknowledges; each at its own is not, and nothing was switched on.
    #[rstest]
    #[case("generic", Adapter::default())]
    #[case("genesys", Adapter::mute())]
    fn ports_that_are_swapped_are_named(#[case] name: &str, #[case] mut adapter: Adapter) {
        let profile = profile(name);
        let dialect = profile.simulated.clone().expect("it is played");
        let supply = Arc::new(Mutex::new(Instrument::new(dialect, Surroundings::default())));
        let served = sim::served::psu::on_pty(supply.clone()).expect("a pseudo-terminal");
        let psu = served.path().to_str().expect("plain").to_owned();
        let (mut device, host) = TTYPort::pair().expect("a pseudo-terminal");
        device.set_timeout(Duration::from_millis(2)).expect("a time-out");
        let can = host.name().expect("it has a path");
        // A port that somebody holds open, others may not have for themselves.
        drop(host);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let (mut buffer, mut out) = ([0; 64], Vec::new());
            while !stopped.load(Ordering::Relaxed) {
                let count = device.read(&mut buffer).unwrap_or_else(|_| {
                    // Nobody has the other end open.
                    std::thread::sleep(Duration::from_millis(2));
                    0
                });
                out.clear();
                for byte in &buffer[..count] {
                    let _ = adapter.host(*byte, &mut out);
                }
                device.write_all(&out).expect("the host listens");
            }
        });
        assert_eq!(looked_for(&live(&can, &psu), &profile), None, "{name}");
        let seem = looked_for(&live(&psu, &can), &profile).expect("they are swapped");
        let names = format!("these two ports seem swapped, {psu} (`live.can`) and {can} (`live.psu.port`)");
        assert!(seem.starts_with(&names) && seem.contains("like a supply"), "{seem}");
        assert!(seem.contains(&format!("{can} like a CAN adapter")), "{seem}");
        assert!(!supply.lock().expect("alive").is_on());
        stop.store(true, Ordering::Relaxed);
        thread.join().expect("it ended");
    }
}
