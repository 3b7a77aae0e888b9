//! A disk that hangs, which is a FIFO here that nobody reads: the writer stands still, and nothing else does.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use engine::bench::{Action, Bench, BenchError, Capability};
use engine::end::{Abort, End};
use engine::run::run;
use engine::suite::Suite;
use evidence::events::Begun;
use evidence::folder::Place;
use files::RigFile;
use proto::frame::{CanId, Frame};
use tempfile::TempDir;

use super::*;

const RIG: &str = include_str!("../../../../rigs/simulated.yaml");

/// Nobody looks.
struct Nobody;

impl Progress for Nobody {
    fn step(&self, _: &str, _: Micros, _: &str) {}
    fn stands(&self, _: &str, _: &Status<'_>) {}
    fn done(&self, _: &evidence::run::CaseResult) {}
    fn finish(&self) {}
}

/// 0x356 with a voltage in centivolts (P 2).
fn measured(centivolts: i16) -> Frame {
    let [low, high] = centivolts.to_le_bytes();
    Frame::new(CanId::Standard(0x356), &[low, high, 0, 0, 0xFA, 0]).expect("a frame")
}

/// A frame of a good battery a millisecond, and then one of 65 V, above the 60 V of the rig.
struct Rising {
    capabilities: Vec<Capability>,
    sent: u64,
    risen: Option<Instant>,
    off: Option<Instant>,
}

const GOOD: u64 = 200;

impl Bench for Rising {
    fn capabilities(&self) -> &[Capability] {
        &self.capabilities
    }

    fn now(&self) -> Micros {
        Micros::from_millis(self.sent)
    }

    fn next(&mut self, _: Option<Micros>) -> Result<(Micros, Input), BenchError> {
        std::thread::sleep(Duration::from_millis(1));
        self.sent += 1;
        let volts = if self.sent > GOOD { 6500 } else { 5200 };
        if self.sent == GOOD + 1 {
            self.risen = Some(Instant::now());
        }
        Ok((self.now(), Input::Can(measured(volts))))
    }

    fn act(&mut self, action: &Action) -> Result<(), BenchError> {
        if *action == Action::Finish {
            self.off = self.off.or(Some(Instant::now()));
        }
        Ok(())
    }
}

struct Hanging {
    folder: TempDir,
    stop: Arc<AtomicBool>,
    writer: Writer,
}

impl Hanging {
    /// A writer whose first line goes into a FIFO that nobody reads.
    fn new(patience: Duration) -> Self {
        let folder = TempDir::new().expect("a folder");
        let begun = Begun {
            harness: "0".to_owned(),
            commit: String::new(),
            rig: "r".to_owned(),
            battery: "b".to_owned(),
            seed: 1,
            sweep: false,
            interface: "can0".to_owned(),
            epoch: Micros::ZERO,
            cases: 1,
            whole: false,
            challenge: None,
            merged: Vec::new(),
        };
        let mut run =
            RunFolder::create(&Place { parent: folder.path(), scope: None, begun: &begun, inputs: &[] })
                .expect("a run folder");
        run.begin_case("s", "c", Micros::ZERO);
        let stop = Arc::new(AtomicBool::new(false));
        let mut writer = Writer::patient(run, stop.clone(), patience).expect("a thread");
        let fifo = Self::fifo(folder.path());
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
            .expect("a FIFO");
        // To open it waits for a reader.
        writer.put(move |_| drop(File::options().write(true).open(fifo)));
        Self { folder, stop, writer }
    }

    fn fifo(folder: &Path) -> PathBuf {
        folder.join("fifo")
    }

    /// The disk goes on.
    fn let_go(folder: &TempDir) {
        File::open(Self::fifo(folder.path())).expect("somebody writes");
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

#[test]
fn an_interlock_trips_while_the_disk_hangs_and_nothing_is_lost() {
    let text = "suite: s\ntitle: t\nspec: P 1.5\nneeds: [grid, gx]\ncases:\n  - case: c\n    title: t\n    requirements: [CVL-01]\n    \
                start: { soc: 50 %, grid: on, feed-in: on, pv: off, ac-load: off }\n    steps:\n      - hold: 10 min\n";
    let rig = RigFile::parse("rig", RIG).expect("a good rig");
    let suite = Suite::parse("s.yaml", text).unwrap_or_else(|error| panic!("{error}"));
    let runnable = suite.cases[0].bind(&rig.limits, &rig.capabilities).expect("it can run");
    let mut bench = Rising { capabilities: rig.capabilities, sent: 0, risen: None, off: None };
    let mut hanging = Hanging::new(Duration::from_secs(60));
    let to = To::Writer(&mut hanging.writer);
    let record = run(
        runnable,
        &mut bench,
        &mut Evidence { to, progress: &Nobody, case: "c", begins: Begins::At(Micros::ZERO) },
    );
    let End::Aborted(Abort::Interlock(trip)) = &record.end else { panic!("{}", record.end) };
    assert_eq!(trip.value, "65.000 V");
    let took = bench.off.expect("off").duration_since(bench.risen.expect("a high voltage"));
    println!("frame to output off, with a disk that hangs: {took:?}");
    assert!(took < Duration::from_millis(100), "{took:?}");
    assert!(locked(&hanging.writer.since).is_some(), "the writer still waits for the disk");
    assert!(!hanging.is_stopped(), "nothing is wrong yet");

    Hanging::let_go(&hanging.folder);
    let run = hanging.writer.end().expect("written");
    let log = fs::read_to_string(run.path().join("can.log")).expect("can.log");
    assert_eq!(log.lines().count() as u64, GOOD + 1, "every frame");
    let events = fs::read_to_string(run.path().join("events.jsonl")).expect("events");
    assert!(events.contains("interlock"), "{events}");
}

/// What was given to the writer until it refused.
fn fill(hanging: &mut Hanging, most: usize, pause: Duration) -> usize {
    (0..most)
        .take_while(|_| {
            hanging.writer.put(|folder| folder.can(Micros::ZERO, &measured(5200)));
            std::thread::sleep(pause);
            !hanging.is_stopped()
        })
        .count()
}

#[test]
fn a_disk_that_hangs_for_long_ends_the_case() {
    let mut hanging = Hanging::new(Duration::from_millis(100));
    let given = fill(&mut hanging, 10_000, Duration::from_millis(1));
    assert!((1..1000).contains(&given), "{given}");
    let said = hanging.writer.end().expect_err("nothing is written").to_string();
    assert!(said.contains("the disk has not taken a line for 100ms"), "{said}");
    Hanging::let_go(&hanging.folder);
}

#[test]
fn what_finds_no_place_ends_the_case() {
    let mut hanging = Hanging::new(Duration::from_secs(60));
    let given = fill(&mut hanging, 2 * WAITING, Duration::ZERO);
    assert!((WAITING - 1..=WAITING + 1).contains(&given), "{given}");
    let said = hanging.writer.end().expect_err("not all is written").to_string();
    assert!(said.contains("lines waited for the disk") && said.contains("stays readable"), "{said}");
    Hanging::let_go(&hanging.folder);
}

#[test]
fn the_end_waits_for_a_disk_that_goes_on_and_no_longer() {
    let hanging = Hanging::new(Duration::from_millis(100));
    let said = hanging.writer.end().expect_err("it hangs").to_string();
    assert!(said.contains("has not taken a line"), "{said}");
    Hanging::let_go(&hanging.folder);

    let Hanging { folder, mut writer, .. } = Hanging::new(Duration::from_secs(60));
    writer.put(|folder| folder.can(Micros::ZERO, &measured(5200)));
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        Hanging::let_go(&folder);
        folder
    });
    let run = writer.end().expect("written");
    assert_eq!(fs::read_to_string(run.path().join("can.log")).expect("can.log").lines().count(), 1);
    later.join().expect("no panic");
}
