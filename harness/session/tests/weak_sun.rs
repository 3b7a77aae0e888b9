//! A supply that gives less than a suite asks for, and reads it back: no battery passes under a sun that did not shine.

use std::path::Path;

use engine::bench::{Action, Bench, BenchError, Capability, Input};
use engine::suite::Suite;
use evidence::conclusion::{self, Attempt};
use files::{BatteryFile, Library, RigFile};
use judge::verdict::Outcome;
use proto::quantity::{Micros, Watts};
use proto::stimulus::Stimulus;
use rstest::rstest;
use session::attempt::Unseen;
use sim::{SimBench, Simulation};

/// A simulated rig whose supply goes no further than this, and complains of nothing.
struct Clamped {
    rig: SimBench,
    most: Watts,
}

impl Bench for Clamped {
    fn capabilities(&self) -> &[Capability] {
        self.rig.capabilities()
    }
    fn now(&self) -> Micros {
        self.rig.now()
    }
    fn next(&mut self, until: Option<Micros>) -> Result<(Micros, Input), BenchError> {
        self.rig.next(until)
    }
    fn act(&mut self, action: &Action) -> Result<(), BenchError> {
        match action {
            Action::Apply(Stimulus::Pv(power)) => {
                self.rig.act(&Action::Apply(Stimulus::Pv(power.min(self.most))))
            }
            Action::Prepare(start) => {
                let start = proto::stimulus::Start { pv: start.pv.min(self.most), ..*start };
                self.rig.act(&Action::Prepare(start))
            }
            action => self.rig.act(action),
        }
    }
}

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn run(battery: &str, suite: &str, case: usize, most: f64) -> Attempt {
    let rig = RigFile::parse("rig", &file("rigs/simulated.yaml")).expect("a good rig");
    let library = Library::find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).expect("the project");
    let battery = library.battery(battery).and_then(|path| library.read_battery(&path));
    let battery: BatteryFile = battery.expect("a good battery");
    let suite = Suite::parse(suite, &file(&format!("suites/{suite}/{suite}.yaml"))).expect("a good suite");
    let case = &suite.cases[case];
    let runnable = case.bind(&rig.limits, &rig.capabilities).expect("it can run");
    let rig_bench = Simulation::of(&rig, &battery).expect("sound").expect("it is simulated").bench(1);
    let mut bench = Clamped { rig: rig_bench, most: Watts(most) };
    let record = engine::run::run(runnable, &mut bench, &mut Unseen);
    conclusion::again(case, &rig, &battery, record.recording, bench.now(), None)
        .expect("the limits leave room")
}

/// 10 A at 120 V: 1.2 kW of 5.5 kW. What is left of it shows how CVL swings, and is too little to call anything right.
#[rstest]
#[case::all_of_it("cvl-copies-voltage", 5500.0, Outcome::Fail)]
#[case::clamped_at_10_a("cvl-copies-voltage", 1200.0, Outcome::Fail)]
#[case::good("reference", 5500.0, Outcome::Pass)]
#[case::good_and_clamped("reference", 1200.0, Outcome::Inconclusive)]
fn a_battery_is_judged_under_the_sun_that_was_asked_for(
    #[case] battery: &str,
    #[case] most: f64,
    #[case] expected: Outcome,
) {
    let attempt = run(battery, "feed-in", 1, most);
    assert_eq!(attempt.outcome, expected, "{}", attempt.reason);
    let told = attempt.reason.contains("offered 1200 W of 5500 W");
    assert_eq!(told, expected == Outcome::Inconclusive, "{}", attempt.reason);
    let passes = attempt.verdicts.iter().filter(|verdict| verdict.outcome == Outcome::Pass).count();
    assert!(passes == 0 || !told, "{passes} pass");
}

/// Whatever is asked for: a sun from the start, a morning that the battery waits for, clouds between two suns.
#[rstest]
#[case::from_the_start("keep-alive", 0, 500.0)]
#[case::a_morning("blackout-recovery", 0, 0.0)]
#[case::clouds("feed-in", 3, 800.0)]
fn a_good_battery_is_refused_by_no_missing_sun(#[case] suite: &str, #[case] case: usize, #[case] most: f64) {
    let attempt = run("reference", suite, case, most);
    assert_eq!(attempt.outcome, Outcome::Inconclusive, "{}", attempt.reason);
    assert!(attempt.reason.contains("did not shine: the supply offered"), "{}", attempt.reason);
    assert!(
        attempt.verdicts.iter().all(|verdict| verdict.outcome != Outcome::Fail),
        "{:?}",
        attempt.verdicts
    );
}
