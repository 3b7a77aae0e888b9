//! A run that is watched while it is written: what is shown is what its folder holds, at any moment.

use std::path::Path;
use std::time::{Duration, SystemTime};

use evidence::events::Begun;
use evidence::folder::{InputFile, Place, RunFolder};
use evidence::names::EVENTS_FILE;
use evidence::run::CaseResult;
use files::Library;
use judge::trace::{Channel, Event, EventKind};
use judge::verdict::Outcome;
use proto::channel::Instrument;
use proto::message::{Cells, Limits, Measurements, Message};
use proto::quantity::{Amps, Celsius, Micros, Volts};
use proto::samples::Samples;
use rstest::rstest;
use tempfile::TempDir;
use watch::follow::Follow;
use watch::now::Now;
use watch::view::{Output, State, View};

/// A run of the shipped suites on a shipped rig with the reference battery.
struct Lab {
    all: TempDir,
    folder: RunFolder,
}

impl Lab {
    fn new(rig: &str) -> Self {
        let library = Library::shipped();
        let battery = library.battery("reference").expect("a battery");
        let inputs = library.inputs(&library.rig(rig).expect("a rig"), None, &battery).expect("its files");
        let inputs: Vec<InputFile> =
            inputs.into_iter().map(|(path, text)| InputFile { path, content: text.into_bytes() }).collect();
        let begun = Begun {
            harness: "0.2.0".to_owned(),
            rig: rig.to_owned(),
            battery: "reference".to_owned(),
            interface: "can0".to_owned(),
            epoch: Micros::from_secs(1_700_000_000),
            cases: 2,
            ..Begun::default()
        };
        let all = tempfile::tempdir().expect("a folder");
        let place = Place { parent: all.path(), scope: None, begun: &begun, inputs: &inputs };
        let folder = RunFolder::create(&place).expect("made");
        Self { all, folder }
    }

    fn begins(&mut self, case: &str, at: u64) {
        self.folder.begin_case("feed-in", case, Micros::from_secs(at));
    }

    fn event(&mut self, at: u64, kind: EventKind) {
        self.folder.event(&Event { at: Micros::from_secs(at), kind });
    }

    fn step(&mut self, at: u64, line: u32, text: &str) {
        self.event(at, EventKind::Step { line, text: text.to_owned() });
    }

    fn frame(&mut self, at: u64, message: impl Into<Message>) {
        self.folder.can(Micros::from_secs(at), &message.into().encode());
    }

    fn supply(&mut self, at: u64, output: bool) {
        let said = Samples::new(Instrument::Supply)
            .with(Channel::SupplyOutput, f64::from(u8::from(output)))
            .with(Channel::SupplyVoltage, 120.0)
            .with(Channel::SupplyCurrent, 7.5);
        self.folder.samples(Micros::from_secs(at), &said);
        self.folder.flush();
    }

    fn ends(&mut self, case: &str, began: u64, length: u64, outcome: Outcome, reason: &str) {
        let result = CaseResult {
            outcome,
            reason: reason.to_owned(),
            began: Micros::from_secs(began),
            length: Micros::from_secs(length),
            ..CaseResult::named("feed-in", case)
        };
        self.folder.end_case(&result).expect("written");
    }
}

/// Somebody who looks, with clocks of his own.
struct Eyes {
    follow: Follow,
    now: Now,
}

impl Eyes {
    fn on(folder: &Path) -> Self {
        Self { follow: Follow::new(folder), now: Now { wall: SystemTime::now(), passed: Duration::ZERO } }
    }

    /// What is shown at once, and then so long after.
    fn after(&mut self, secs: f64) -> View {
        self.now.wall = SystemTime::now();
        self.now.passed += Duration::from_millis(1);
        self.follow.look(self.now);
        self.now.passed += Duration::from_secs_f64(secs);
        self.follow.look(self.now)
    }
}

fn limits(cvl: f64) -> Limits {
    Limits::new(Volts(cvl), Amps(140.0), Amps(200.0), Volts(44.8))
}

fn value(view: &View, key: &str) -> Option<f64> {
    view.readings.iter().find(|reading| reading.key == key).map(|reading| reading.value)
}

#[test]
fn a_run_is_shown_from_its_first_line_to_its_last() {
    let mut lab = Lab::new("served");
    let all = lab.all.path().to_owned();
    let mut eyes = Eyes::on(&all);
    let view = eyes.after(0.0);
    assert_eq!((view.state, view.battery.as_str(), view.cases), (State::Running, "reference", 2));
    assert!(view.case.is_none());

    lab.begins("load-steps", 100);
    lab.step(0, 15, "pv 3.5 kW over 5 min");
    lab.frame(1, limits(56.0));
    lab.frame(1, Measurements::new(Volts(53.21), Amps(12.5), Celsius(23.5)));
    lab.frame(2, Cells::new(Volts(3.321), Volts(3.327), Celsius(22.0), Celsius(25.0)));
    lab.supply(2, true);
    // The served rig is 60 times as fast as the clock.
    let view = eyes.after(0.1);
    let case = view.case.as_ref().expect("a case");
    assert_eq!((case.name.as_str(), case.number, case.at_s), ("feed-in/load-steps", 1, 8.0));
    assert_eq!(case.title, "Sizeable AC loads switch on and off without disturbing feed-in");
    assert_eq!(
        (view.output, value(&view, "battery.cvl"), value(&view, "battery.voltage")),
        (Output::On, Some(56.0), Some(53.21))
    );
    let highest = view.readings.iter().find(|reading| reading.key == "battery.highest-cell").expect("told");
    assert_eq!((highest.text.as_str(), highest.age_s), ("3.327 V", 6.0));
    let limit = view.limits.iter().find(|limit| limit.key == "battery.voltage").expect("limited");
    assert_eq!(
        (limit.words.as_str(), limit.text.as_str(), limit.stale),
        ("the battery voltage ≤ 60 V", "6.79 V", false)
    );
    assert_eq!(
        view.curves.iter().find(|curve| curve.key == "battery.cvl").expect("drawn").points,
        [(1.0, 56.0)]
    );

    lab.ends("load-steps", 100, 30, Outcome::Fail, "CVL-04: CVL swings by 3 V");
    let view = eyes.after(5.0);
    let case = view.case.as_ref().expect("a case");
    assert!(case.over && view.output == Output::Off, "a case that ended has read it back");
    assert_eq!((case.at_s, case.number, view.state), (30.0, 1, State::Running));
    assert_eq!(view.done[0].reason, "CVL-04: CVL swings by 3 V");

    // What was heard in the case before is no reading of this one.
    lab.begins("hold-while-full", 200);
    lab.frame(1, limits(55.2));
    lab.folder.flush();
    let view = eyes.after(0.0);
    assert_eq!((value(&view, "battery.cvl"), value(&view, "battery.voltage")), (Some(55.2), None));
    assert_eq!((view.case.as_ref().map(|case| case.number), view.output), (Some(2), Output::Unknown));
    lab.ends("hold-while-full", 200, 10, Outcome::Pass, "");
    lab.folder.finish(&evidence::run::RunMeta::default(), &[]).expect("written");
    let view = eyes.after(86_400.0);
    assert_eq!((view.state, view.quiet_s, view.done.len()), (State::Ended, None, 2));
}

/// A step with a time of its own, one that waits, and what its time is stretched to by the battery's capacity.
#[rstest]
#[case::hold(9, "hold 40 min", Some(2400.0 - 60.0), false)]
#[case::ramp(6, "pv 3.5 kW over 5 min", Some(300.0 - 60.0), false)]
#[case::wait(7, "wait until battery full, within 3 h per 280 Ah", Some(10_800.0 - 60.0), true)]
#[case::mark(8, "mark full", None, false)]
#[case::none_of_it(0, "dance", None, false)]
fn how_long_a_step_goes_on(
    #[case] line: u32,
    #[case] text: &str,
    #[case] to_go: Option<f64>,
    #[case] waits: bool,
) {
    let mut lab = Lab::new("simulated");
    // Lines are counted from that on which the case begins in the shipped file.
    let suite = Library::shipped().read_suites().expect("suites");
    let begins = suite.case("feed-in", "load-steps").expect("a case").1.line;
    lab.begins("load-steps", 0);
    lab.step(10, begins + line, text);
    lab.frame(70, limits(56.0));
    lab.folder.flush();
    let case = Eyes::on(lab.folder.path()).after(0.0).case.expect("a case");
    assert_eq!((case.step.as_str(), case.to_go_s, case.waits), (text, to_go, waits), "case of line {begins}");
}

/// A rig that goes on and says nothing: what was last read grows old, and an output that was on is not known any more.
#[test]
fn silence_is_told_and_makes_what_is_shown_old() {
    let mut lab = Lab::new("served");
    lab.begins("load-steps", 0);
    lab.frame(1, Measurements::new(Volts(53.21), Amps(12.5), Celsius(23.5)));
    lab.supply(1, true);
    let mut eyes = Eyes::on(lab.folder.path());
    assert_eq!(eyes.after(1.0).state, State::Running);
    let view = eyes.after(30.0);
    assert_eq!((view.state, view.output), (State::Quiet, Output::Unknown));
    assert!(
        view.readings.iter().all(|reading| reading.stale && reading.age_s >= 1800.0),
        "{:?}",
        view.readings
    );
    assert!(view.limits.iter().all(|limit| limit.stale));
}

#[test]
fn what_is_not_confirmed_off_is_said_so() {
    let mut lab = Lab::new("served");
    lab.begins("load-steps", 0);
    lab.supply(1, true);
    lab.event(2, EventKind::NotOff("the supply does not answer".to_owned()));
    lab.ends("load-steps", 0, 3, Outcome::Inconclusive, "");
    let mut eyes = Eyes::on(lab.folder.path());
    assert_eq!(eyes.after(0.0).output, Output::NotConfirmedOff);
    // Whatever comes after it, somebody has to look.
    lab.begins("hold-while-full", 10);
    lab.supply(1, false);
    assert_eq!(eyes.after(0.0).output, Output::NotConfirmedOff);
}

#[test]
fn a_run_is_waited_for_and_one_that_goes_on_is_not_left() {
    let all = tempfile::tempdir().expect("a folder");
    let later = all.path().join("reports");
    let mut eyes = Eyes::on(&later);
    assert_eq!(eyes.after(0.0).state, State::Waiting);
    let mut lab = Lab::new("served");
    lab.begins("load-steps", 0);
    lab.supply(1, true);
    let name = lab.folder.path().file_name().expect("a name").to_owned();
    std::fs::rename(lab.all.path(), &later).expect("moved");
    let view = eyes.after(3.0);
    assert_eq!((view.rig.as_str(), view.output), ("served", Output::On));

    // Another one that was written to later, while this one goes on.
    let other = Lab::new("simulated");
    std::fs::rename(other.folder.path(), later.join("other")).expect("moved");
    lab.supply(2, true);
    let events =
        std::fs::File::options().append(true).open(later.join("other").join(EVENTS_FILE)).expect("a file");
    events.set_modified(SystemTime::now()).expect("a time");
    assert_eq!(eyes.after(3.0).rig, "served");
    assert_eq!(eyes.after(60.0).state, State::Quiet, "it is looked at again");
    assert_eq!(eyes.after(3.0).rig, "simulated");

    // Removed, and made again under the same name.
    std::fs::remove_dir_all(later.join("other")).expect("removed");
    assert_eq!(eyes.after(3.0).rig, "served");
    std::fs::remove_dir_all(later.join(&name)).expect("removed");
    assert_eq!(eyes.after(3.0).state, State::Waiting);
    let again = Lab::new("simulated-24v");
    std::fs::rename(again.folder.path(), later.join(&name)).expect("moved");
    assert_eq!(eyes.after(3.0).rig, "simulated-24v");
}

/// An output that is not known for sure is never told as off.
#[rstest]
#[case::without_inputs(true, 0.0, Output::On)]
#[case::silent_without_inputs(true, 3600.0, Output::Unknown)]
#[case::silent_between_two_cases(false, 3600.0, Output::Unknown)]
fn what_is_not_known_is_not_told_as_off(#[case] lacking: bool, #[case] quiet: f64, #[case] output: Output) {
    let mut lab = Lab::new("served");
    if lacking {
        std::fs::remove_dir_all(lab.folder.path().join("inputs")).expect("removed");
    }
    lab.begins("load-steps", 0);
    lab.supply(1, true);
    if !lacking {
        lab.ends("load-steps", 0, 3, Outcome::Pass, "");
    }
    let view = Eyes::on(lab.folder.path()).after(quiet);
    assert_eq!((view.output, view.lacks.is_some()), (output, lacking), "{:?}", view.lacks);
}

/// A disk whose clock is ahead tells nothing of when it was written to.
#[test]
fn a_file_of_the_future_hides_no_silence() {
    let mut lab = Lab::new("served");
    lab.begins("load-steps", 0);
    lab.supply(1, false);
    let supply =
        std::fs::File::options().append(true).open(lab.folder.path().join("supply.csv")).expect("a file");
    supply.set_modified(SystemTime::now() + Duration::from_secs(3600)).expect("a time");
    let mut eyes = Eyes::on(lab.folder.path());
    let view = eyes.after(0.0);
    assert_eq!((view.state, view.output), (State::Quiet, Output::Unknown));
    lab.supply(2, false);
    assert_eq!(eyes.after(0.0).state, State::Running, "what comes is heard by another clock");
    assert_eq!(eyes.after(11.0).state, State::Quiet);
}

/// What is written to a run folder by somebody else is told, and what was read before stays.
#[rstest]
#[case::event(EVENTS_FILE, "{\"at\":1}\n", "events.jsonl:3: found `{\"at\":1}`")]
#[case::frame("can.log", "(1.0) can0 what\n", "can.log:2: found `(1.0) can0 what`")]
#[case::reading("gx.csv", "time_s,input\n1.0,x\n", "gx.csv:2: found `battery_voltage_V: x`")]
fn a_line_that_is_none_ends_the_reading(#[case] file: &str, #[case] text: &str, #[case] says: &str) {
    use std::io::Write as _;
    let mut lab = Lab::new("simulated");
    lab.begins("load-steps", 0);
    lab.frame(1, limits(56.0));
    lab.folder.flush();
    let mut eyes = Eyes::on(lab.folder.path());
    eyes.after(0.0);
    let path = lab.folder.path().join(file);
    let mut open = std::fs::OpenOptions::new().append(true).create(true).open(path).expect("a file");
    open.write_all(text.as_bytes()).expect("written");
    let view = eyes.after(0.0);
    let wrong = view.wrong.clone().unwrap_or_default();
    assert!(wrong.starts_with(says), "{wrong}");
    assert_eq!((value(&view, "battery.cvl"), view.state), (Some(56.0), State::Unread));
    assert_eq!(view.output, Output::Unknown);
}
