//! A guard in a thread before a simulated supply on a pseudo-terminal: whatever its harness does, it is off afterwards.

mod figures;
mod gx;
mod wire;

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use proto::quantity::{Amps, Micros, Volts};
use rstest::rstest;

use super::lease::{Holder, Lease, LeaseError, look};
use super::words::Ask;
use super::{Guard, Post, stand};
use crate::live::connect;
use crate::psu::{Link, LinkError, Settings, Supply, Target};
use files::Profile;
use files::RigFile;
use files::live::{Live, PsuPort};
use plant::instrument::{Instrument, Surroundings};
use sim::served::Served;
use sim::served::psu::on_pty;

/// A supply, a guard before it, and the folder of a run.
struct Scene {
    instrument: Arc<Mutex<Instrument>>,
    _served: Served<std::path::PathBuf>,
    folder: tempfile::TempDir,
    live: Live,
    profile: Profile,
    stop: Arc<AtomicBool>,
    /// held, so that it is served
    on_tcp: Option<Served<std::net::SocketAddr>>,
}

fn scene() -> Scene {
    let surroundings = Surroundings { latency: Micros::ZERO, ..Surroundings::default() };
    let folder = tempfile::tempdir().expect("a folder");
    let profile = include_str!("../../../../rigs/psu/generic.yaml")
        .replace("gap: 10 ms", "gap: 0 ms")
        .replace("reply-within: 1 s", "reply-within: 100 ms")
        .replace("quiet: 100 ms", "quiet: 1 ms");
    let profile = Profile::parse("generic", &profile).expect("a good profile");
    let dialect = profile.simulated.clone().expect("it can be played");
    let instrument = Arc::new(Mutex::new(Instrument::new(dialect, surroundings)));
    let served = on_pty(instrument.clone()).expect("a terminal");
    let rig = include_str!("../../../../rigs/lab-example.yaml");
    let mut live = RigFile::parse("lab", rig).expect("it is shipped").live.expect("it is real");
    // Nothing of two tests is the same, so that neither waits for the other's lease.
    let own = folder.path().display().to_string();
    live.can = files::live::CanPlace::Slcan(own);
    static GX: AtomicU16 = AtomicU16::new(1);
    let [a, b] = GX.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    live.gx.as_mut().expect("it has one").address = format!("127.9.{a}.{b}:9");
    live.switches = files::live::Switches::default();
    let place = live.psu.as_mut().expect("it has one");
    place.port = PsuPort::Serial { serial: served.path().display().to_string(), baud: None };
    place.heartbeat_within = Micros::from_millis(300);
    Scene { instrument, _served: served, folder, live, profile, stop: Arc::default(), on_tcp: None }
}

/// The same with the supply behind a wire of TCP.
fn on_tcp() -> (Scene, wire::Wire) {
    let mut scene = scene();
    let anywhere = (std::net::Ipv4Addr::LOCALHOST, 0).into();
    let served = sim::served::psu::on_tcp(scene.instrument.clone(), anywhere).expect("a free port");
    let wire = wire::Wire::to(served.address());
    scene.live.psu.as_mut().expect("it has one").port = PsuPort::Tcp { tcp: wire.address };
    scene.on_tcp = Some(served);
    (scene, wire)
}

impl Scene {
    fn is_on(&self) -> bool {
        self.instrument.lock().expect("alive").is_on()
    }

    fn post(&self) -> Post {
        let profile = Some(self.profile.clone());
        Post { live: self.live.clone(), profile, current_max: Amps(55.0), stop: self.stop.clone() }
    }

    /// A guard and its harness.
    fn guard(&self) -> (Arc<Guard>, JoinHandle<()>) {
        let (ours, theirs) = UnixStream::pair().expect("a socket");
        let post = self.post();
        let standing = std::thread::spawn(move || stand(post, theirs));
        let guard =
            Guard::on(ours, &self.live, Holder::this("lab")).unwrap_or_else(|error| panic!("{error}"));
        guard.record_in(&self.folder.path().join("wire.log"));
        guard.begins();
        (guard, standing)
    }

    /// Switches the sun on through some link.
    fn shine(&self, link: Box<dyn Link>) -> Supply {
        let place = self.live.psu.as_ref().expect("it has one");
        let opened = Supply::open(link, self.profile.clone(), Settings::of(place, Amps(55.0)));
        let (mut supply, _) = opened.expect("it answers");
        supply.shut_down();
        supply.take_over().expect("it answers");
        let (voltage, current) = (Volts(120.0), Amps(10.0));
        let (over_voltage, over_current) = (Volts(132.0), Amps(60.0));
        let target = Target { voltage, current, over_voltage, over_current, over_power: None };
        supply.apply(target).expect("accepted");
        supply.switch_on().expect("confirmed");
        assert!(self.is_on());
        supply
    }

    fn off_within(&self, span: Duration) -> Duration {
        let began = Instant::now();
        while self.is_on() {
            assert!(began.elapsed() < span, "still on");
            std::thread::sleep(Duration::from_millis(1));
        }
        began.elapsed()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("wire.log")).expect("it is there")
    }
}

const SOON: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
enum Ends {
    HangsUp,
    IsSilent,
    SaysNonsense,
    GuardIsTold,
}

/// The harness or the guard ends in the middle: off, read back, written down, and the harness is told.
#[rstest]
#[case::the_socket_closes(Ends::HangsUp, "the harness is gone")]
#[case::no_heartbeat(Ends::IsSilent, "no heartbeat of the harness for 0.3")]
#[case::nonsense(Ends::SaysNonsense, "something that makes no sense")]
#[case::the_guard_is_told_to_end(Ends::GuardIsTold, "told to end by a signal")]
fn whatever_ends_the_supply_goes_off(#[case] ends: Ends, #[case] says: &str) {
    let scene = scene();
    let (guard, standing) = scene.guard();
    let (lost, told) = channel();
    guard.on_loss(move |why| lost.send(why).expect("awaited"));
    let _supply = scene.shine(guard.link(scene.profile.serial).expect("it opens"));
    // It stays on as long as the harness lives, whether it speaks to its supply or not.
    std::thread::sleep(Duration::from_secs(1));
    assert!(scene.is_on());
    match ends {
        Ends::HangsUp => guard.hang_up(),
        Ends::IsSilent => guard.shared.mute(),
        Ends::SaysNonsense => guard.shared.say(&Ask::Hello(Box::new(Holder::this("lab")))).expect("said"),
        Ends::GuardIsTold => scene.stop.store(true, Ordering::Relaxed),
    }
    let took = scene.off_within(SOON);
    assert!(told.recv_timeout(SOON).expect("the harness is told").starts_with("guard: "));
    guard.hang_up();
    standing.join().expect("it does not panic");
    assert!(scene.log().contains(says) && scene.log().contains("output off read back"), "{}", scene.log());
    println!("{ends:?}: off after {took:?}");
}

/// The guard sees for itself that the supply is off, whatever the harness says.
#[test]
fn an_orderly_end_is_confirmed_and_no_news() {
    let scene = scene();
    let (guard, standing) = scene.guard();
    let supply = scene.shine(guard.link(scene.profile.serial).expect("it opens"));
    // A driver that goes without switching off.
    drop(supply);
    scene.off_within(SOON);
    guard.end(|why| panic!("{why}"), |_| panic!("the guard is there")).expect("confirmed");
    standing.join().expect("it does not panic");
    // Every line each way is there, and nothing that the guard had to do.
    let log = scene.log();
    assert!(log.contains(") > OUTP ON\n") && log.contains(") < ") && !log.contains('#'), "{log}");
}

/// The guard switched off while the harness was stopped: the harness is told so, and opens nothing behind its back.
#[test]
fn a_harness_that_comes_back_is_told_that_it_is_off() {
    let scene = scene();
    let (guard, standing) = scene.guard();
    let mut supply = scene.shine(guard.link(scene.profile.serial).expect("it opens"));
    guard.shared.mute();
    scene.off_within(SOON);
    let error = supply.read().expect_err("nothing gets through").to_string();
    assert!(error.contains("no heartbeat"), "{error}");
    let again = guard.link(scene.profile.serial).err();
    assert!(matches!(again, Some(LinkError::OffAlready(_))), "{again:?}");
    // It puts back what it has switched, and has the rig until it has done so: nobody else is at it meanwhile.
    std::thread::sleep(Duration::from_secs(1));
    assert!(matches!(look(&scene.live), Err(LeaseError::Busy(_))));
    guard.end(|why| panic!("{why}"), |_| panic!("the guard is there")).expect("confirmed");
    drop((supply, guard));
    standing.join().expect("it does not panic");
    look(&scene.live).expect("the rig is free");
}

/// Both died with the output on: whoever comes next is told that it was.
#[rstest]
#[case::on(true)]
#[case::off(false)]
fn what_a_dead_holder_left_on_is_switched_off_and_told(#[case] on: bool) {
    let scene = scene();
    drop(Lease::take(&scene.live, Holder::this("dead")).expect("it is free"));
    if on {
        let port = scene.live.psu.clone().expect("it has one").port;
        drop(scene.shine(connect(&port, scene.profile.serial).expect("it opens")));
    }
    let (guard, standing) = scene.guard();
    assert!(!scene.is_on());
    let found = guard.found().unwrap_or_default();
    let says = found.contains("was on; it was switched off") && found.contains("on the rig `dead`");
    assert_eq!(says, on, "{found}");
    guard.end(|why| panic!("{why}"), |_| panic!("the guard is there")).expect("confirmed");
    standing.join().expect("it does not panic");
    assert_eq!(scene.log().contains("# ") && scene.log().contains("was on; it was"), on);
}

/// The wire to a supply on TCP is cut with the output on: off goes out as it is back, whoever is there to ask for it, and
/// what was done stands in the evidence.
#[rstest]
#[case::for_a_second(1000, true)]
#[case::for_four_seconds(4000, true)]
#[case::and_the_harness_dies_meanwhile(1500, false)]
fn a_supply_that_comes_back_goes_off_at_once(#[case] gone: u64, #[case] harness: bool) {
    let (scene, wire) = on_tcp();
    let (guard, standing) = scene.guard();
    let mut supply = scene.shine(guard.link(scene.profile.serial).expect("it opens"));
    wire.cut();
    assert!(supply.read().is_err());
    if !harness {
        guard.hang_up();
    }
    std::thread::sleep(Duration::from_millis(gone));
    assert!(scene.is_on(), "nothing reaches it");
    wire.mend();
    println!("gone for {gone} ms: off {:?} after its return", scene.off_within(Duration::from_secs(2)));
    drop(supply);
    if harness {
        guard.end(|why| panic!("{why}"), |_| panic!("the guard is there")).expect("confirmed");
    }
    drop(guard);
    standing.join().expect("it does not panic");
    assert!(scene.log().contains("output off read back"), "{}", scene.log());
    look(&scene.live).expect("the rig is free");
}

/// Nobody can reach it: a person is told at once, and the rig is nobody's until it is seen to be off.
#[test]
fn a_supply_that_stays_away_is_told_at_once_and_quarantined_until_it_is_off() {
    let (scene, wire) = on_tcp();
    let (guard, standing) = scene.guard();
    let supply = scene.shine(guard.link(scene.profile.serial).expect("it opens"));
    wire.cut();
    drop(supply);
    let (sender, told) = channel();
    let ending = guard.clone();
    let end = std::thread::spawn(move || {
        ending.end(|why| sender.send(why.to_owned()).expect("awaited"), |_| panic!("the guard is there"))
    });
    let why = told.recv_timeout(SOON).expect("a person is told");
    assert!(why.contains("not known to be off"), "{why}");
    assert!(matches!(look(&scene.live), Err(LeaseError::Trying { .. })));
    assert!(scene.is_on());
    wire.mend();
    scene.off_within(Duration::from_secs(2));
    end.join().expect("it does not panic").expect("confirmed while the harness waited");
    drop(guard);
    standing.join().expect("it does not panic");
    look(&scene.live).expect("the rig is free");
    assert!(
        scene.log().contains("it could not be confirmed at first: output off read back"),
        "{}",
        scene.log()
    );
}

/// The guard dies: the harness sees it at once, and reaches the supply itself, whatever the guard has left on the line.
#[rstest]
#[case::between_two_lines(b"")]
#[case::in_the_middle_of_a_line(b"VOLT 85")]
fn a_harness_without_its_guard_switches_off_itself(#[case] half: &[u8]) {
    let scene = scene();
    let (ours, theirs) = UnixStream::pair().expect("a socket");
    let (live, path) = (scene.live.clone(), scene.live.psu.clone().expect("it has one").port);
    let standing = std::thread::spawn(move || {
        // A guard that opens, and dies as the first bytes come.
        let mut lines = std::io::BufReader::new(theirs.try_clone().expect("a handle"));
        let mut theirs = theirs;
        loop {
            match super::words::next_line(&mut lines).expect("readable").as_deref().and_then(Ask::parse) {
                Some(Ask::Hello(_)) => theirs.write_all(b"ready 0\n").expect("said"),
                Some(Ask::Open) => theirs.write_all(b"opened\n").expect("said"),
                Some(Ask::Write(_)) | None => return,
                _ => {}
            }
        }
    });
    // It is on, from before.
    let direct = connect(&path, scene.profile.serial).expect("it opens");
    let on = scene.shine(direct);
    drop(on);
    let mut dying = connect(&path, scene.profile.serial).expect("it opens");
    dying.write(half, dying.now() + Micros::from_secs(1)).expect("written");
    drop(dying);
    let guard = Guard::on(ours, &live, Holder::this("lab")).expect("ready");
    let file = scene.folder.path().join("wire.log");
    guard.record_in(&file);
    let (lost, told) = channel();
    guard.on_loss(move |why| lost.send(why).expect("awaited"));
    guard.switches_off(&scene.profile);
    let mut link = guard.link(scene.profile.serial).expect("it opens");
    let began = Instant::now();
    let _ = link.write(b"*IDN?\n", link.now() + Micros::from_secs(1));
    // In the moment in which it dies, and not after the questions of an orderly shut-down. The bound is generous: the
    // machine of a test is busy.
    println!("the guard dies: off after {:?}", scene.off_within(Duration::from_millis(500)));
    assert!(told.recv_timeout(SOON).expect("told").contains("it is gone"));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    standing.join().expect("it does not panic");
    assert!(link.read(&mut [0; 8], link.now() + Micros::from_secs(60)).is_err());
    drop(link);
    let direct = guard.link(scene.profile.serial).expect("it opens");
    let place = scene.live.psu.as_ref().expect("it has one");
    super::shut_down(direct, place, &scene.profile, Amps(55.0)).expect("confirmed");
    assert!(!scene.is_on());
    guard.end(|why| panic!("{why}"), |_| Ok(())).expect("confirmed");
    // The harness goes on where its guard ended.
    let log = std::fs::read_to_string(&file).expect("written");
    assert!(log.contains("# ") && log.contains("OUTP OFF"), "{log}");
}
