//! How long it takes from a frame that violates an interlock to the first byte of output off, on real threads and a
//! real pseudo-terminal, while the supply is polled without a pause.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::bench::Input;
use engine::interlock::{Instruments, Interlocks};
use proto::channel::Channel;
use proto::frame::{CanId, Frame};
use proto::quantity::{Amps, Micros, Volts, Watts};
use rstest::rstest;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::connect;
use super::inbox::{Inbox, Next};
use super::listener::Listener;
use super::sun::{Setup, Sun};
use super::watchdog::Watchdog;
use crate::can::{CanError, CanPort, Kind, PortInfo, Received, RunClock};
use crate::guard::lease::Holder;
use crate::guard::{Guard, Post, stand};
use files::Profile;
use files::RigFile;
use files::live::PsuPlace;
use plant::instrument::{Instrument, Surroundings};
use sim::served::psu::on_pty;

/// A bus on which a test puts frames.
struct TestBus(Receiver<Frame>, RunClock);

impl CanPort for TestBus {
    fn next(&mut self, deadline: Micros) -> Result<Option<Received>, CanError> {
        match self.0.recv_timeout(self.1.until(deadline)) {
            Ok(frame) => Ok(Some(Received { at: self.1.now(), kind: Kind::Data(frame) })),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(None),
        }
    }

    fn send(&mut self, _: &Frame) -> Result<(), CanError> {
        Ok(())
    }

    fn info(&mut self) -> Result<PortInfo, CanError> {
        Ok(PortInfo {
            name: "test".to_owned(),
            bit_rate: None,
            state: None,
            counters: None,
            lost: 0,
            notes: Vec::new(),
        })
    }
}

/// A simulated supply on a pseudo-terminal that tells when the first byte of an output off came. The descriptor keeps
/// the terminal alive.
fn supply() -> (String, OwnedFd, Receiver<Instant>) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&master).expect("granted");
    unlockpt(&master).expect("unlocked");
    let path = ptsname(&master, Vec::new()).expect("its name").to_string_lossy().into_owned();
    let held = rustix::fs::open(path.as_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("open");
    let mut settings = tcgetattr(&held).expect("its settings");
    settings.make_raw();
    tcsetattr(&held, OptionalActions::Now, &settings).expect("raw");
    let (sender, seen) = channel();
    std::thread::spawn(move || answer(File::from(master), &sender));
    (path, held, seen)
}

fn answer(mut master: File, seen: &Sender<Instant>) {
    let surroundings = Surroundings { latency: Micros::ZERO, ..Surroundings::default() };
    let dialect = quick().1.simulated.expect("it can be played");
    let mut instrument = Instrument::new(dialect, surroundings);
    let (start, mut line, mut buffer) = (Instant::now(), Vec::new(), [0; 256]);
    while let Ok(many) = master.read(&mut buffer) {
        let at = Instant::now();
        for &byte in &buffer[..many] {
            line.push(byte);
            if byte == b'\n' {
                if line == b"OUTP OFF\n" && seen.send(at).is_err() {
                    return;
                }
                line.clear();
            }
        }
        let now = Micros(u64::try_from(start.elapsed().as_micros()).expect("not so long"));
        instrument.receive(now, &buffer[..many]);
        if master.write_all(&instrument.answers(now)).is_err() {
            return;
        }
    }
}

fn quick() -> (PsuPlace, Profile) {
    let profile = include_str!("../../../../rigs/psu/generic.yaml")
        .replace("gap: 10 ms", "gap: 0 ms")
        .replace("quiet: 100 ms", "quiet: 1 ms");
    let place = serde_yaml::from_str(
        "{ profile: generic, port: { serial: x }, voltage: 120 V, over-voltage: 132 V, over-current: 65 A, \
         safe-voltage: 30 V, safe-within: 5 s }",
    );
    (place.expect("a supply"), Profile::parse("generic", &profile).expect("a good profile"))
}

/// What a supply does by itself ends the case, and it is off afterwards.
#[rstest]
#[case::trips(|supply: &mut Instrument| supply.feed_terminals(Volts(210.0)), "went off by itself")]
#[case::restarts(|supply: &mut Instrument| supply.restart(), "has restarted")]
fn a_supply_that_fails_is_a_fault(#[case] fails: fn(&mut Instrument), #[case] says: &str) {
    let dialect = quick().1.simulated.expect("it can be played");
    let instrument = Arc::new(Mutex::new(Instrument::new(dialect, Surroundings::default())));
    let served = on_pty(instrument.clone()).expect("a terminal");
    let (place, profile) = quick();
    let (path, serial) = (served.path().to_string_lossy().into_owned(), profile.serial);
    let opener =
        Box::new(move || connect(&super::PsuPort::Serial { serial: path.clone(), baud: None }, serial));
    let clock = RunClock::start();
    let (mut inbox, outbox) = Inbox::new(clock);
    let setup = Setup {
        place,
        profile,
        current_max: Amps(60.0),
        period: Micros::from_millis(20),
        watchdog: Watchdog::default(),
    };
    let sun = Sun::open(setup, opener, clock, outbox).expect("it answers");
    sun.give(Watts(1000.0));
    let mut failed = false;
    let what = loop {
        match inbox.next(None, clock.now() + Micros::from_secs(5)) {
            Next::Input(_, Input::Fault(failure)) => break failure.what,
            Next::Input(_, Input::Samples(said)) if said.is(Channel::SupplyOutput) && !failed => {
                failed = true;
                fails(&mut instrument.lock().expect("alive"));
            }
            Next::Input(..) => {}
            Next::Due | Next::Nothing => panic!("no fault"),
        }
    };
    assert!(what.contains(says), "{what}");
    sun.off().expect("confirmed off");
    assert!(!instrument.lock().expect("alive").is_on());
}

/// A guard before the supply at `path`, in a thread here and a process in a run, and the file of its wire.
fn guarded(
    path: &str,
    place: &PsuPlace,
    profile: &Profile,
) -> (Arc<Guard>, JoinHandle<()>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let rig = RigFile::parse("lab", include_str!("../../../../rigs/lab-example.yaml"));
    let mut live = rig.expect("it is shipped").live.expect("it is real");
    // Nobody else's lease.
    let own = folder.path().display().to_string();
    live.can = files::live::CanPlace::Slcan(own.clone());
    live.gx.as_mut().expect("it has one").address = own;
    let port = super::PsuPort::Serial { serial: path.to_owned(), baud: None };
    // A machine that is busy is no dead harness.
    live.psu = Some(PsuPlace { port, heartbeat_within: Micros::from_secs(10), ..place.clone() });
    let post = Post {
        live: live.clone(),
        profile: Some(profile.clone()),
        current_max: Amps(65.0),
        stop: Arc::default(),
    };
    let (ours, theirs) = UnixStream::pair().expect("a socket");
    let standing = std::thread::spawn(move || stand(post, theirs));
    let guard = Guard::on(ours, &live, Holder::this("lab")).unwrap_or_else(|error| panic!("{error}"));
    guard.record_in(&folder.path().join("wire.log"));
    (guard, standing, folder)
}

/// The most that may lie between a frame and output off, with what a thread of this machine waits for a processor while
/// the test runs: on the way are the threads that hear the bus, run the case, stand guard, and play the supply.
const OFF_WITHIN: Duration = Duration::from_millis(2);
const THREADS: u32 = 4;

/// `--nocapture` shows the figures.
#[rstest]
#[case::straight(false)]
#[case::through_the_guard(true)]
fn a_frame_that_violates_an_interlock_switches_the_supply_off_at_once(#[case] through_guard: bool) {
    const TRIPS: usize = 1000;
    let rig = RigFile::parse("rig", include_str!("../../../../rigs/simulated.yaml")).expect("a good rig");
    let (place, profile) = quick();
    let (path, _held, seen) = supply();
    let serial = profile.serial;
    let guard = through_guard.then(|| guarded(&path, &place, &profile));
    let opener: super::sun::Opener = match &guard {
        Some((guard, ..)) => {
            let guard = guard.clone();
            Box::new(move || guard.link(serial))
        }
        None => {
            Box::new(move || connect(&super::PsuPort::Serial { serial: path.clone(), baud: None }, serial))
        }
    };
    let clock = RunClock::start();
    let (mut inbox, outbox) = Inbox::new(clock);
    let setup = Setup {
        place,
        profile,
        current_max: Amps(rig.limits.at_most(Channel::SupplyCurrent)),
        period: Micros(100),
        watchdog: Watchdog::default(),
    };
    let sun = Sun::open(setup, opener, clock, outbox.clone()).expect("it answers");
    let (bus, frames) = channel();
    let _listener = Listener::can(Box::new(TestBus(frames, clock)), Micros::from_secs(5), clock, outbox);
    // 0x356 with 65 V, above the 60 V of the rig (P 2).
    let frame = Frame::new(CanId::Standard(0x356), &[0x64, 0x19, 0, 0, 0xFA, 0]).expect("a frame");

    let (mut took, mut waits) = (Vec::new(), Vec::new());
    while took.len() < TRIPS {
        let mut interlocks = Interlocks::new(
            rig.limits.clone(),
            Instruments { gx: false, inverter: false, solar: false, ..rig.instruments() },
            clock.now(),
        );
        while seen.try_recv().is_ok() {}
        let began = Instant::now();
        bus.send(frame).expect("it is heard");
        loop {
            let Next::Input(at, input) = inbox.next(None, clock.now() + Micros::from_secs(5)) else {
                panic!("the frame did not come")
            };
            assert!(!matches!(input, Input::Fault(_)), "{input:?}");
            if interlocks.check(at, &input).is_some() {
                break;
            }
        }
        sun.brake();
        took.push(seen.recv_timeout(Duration::from_secs(5)).expect("off came").duration_since(began));
        sun.release();
        // The supply is asked again before the next trip, so that there is something in the way.
        let (pause, began) = (Duration::from_micros(500 + 37 * (took.len() as u64 % 100)), Instant::now());
        std::thread::sleep(pause);
        waits.push(began.elapsed().saturating_sub(pause));
    }
    let [middle, late, latest] = ranks(&mut took);
    let [_, wait, _] = ranks(&mut waits);
    let way = if through_guard { "through the guard" } else { "straight" };
    println!(
        "frame to output off {way}, {TRIPS} trips: median {middle:?}, p99 {late:?}, max {latest:?}; p99 of what a \
         thread waits for a processor: {wait:?}"
    );
    assert!(late < OFF_WITHIN + wait * THREADS, "p99 {late:?}, a thread waits {wait:?}");
    sun.off().expect("confirmed off");
    drop(sun);
    if let Some((guard, standing, _)) = guard {
        guard.end(|why| panic!("{why}"), |_| panic!("the guard is there")).expect("confirmed off");
        standing.join().expect("it does not panic");
    }
}

/// The middle of some times, what 99 % of them do not exceed, and the longest.
fn ranks(times: &mut [Duration]) -> [Duration; 3] {
    times.sort();
    [times.len() / 2, times.len() * 99 / 100, times.len() - 1].map(|rank| times[rank])
}
