//! Each battery and each rig that is wrong is found by the requirement that is meant for its fault: what stands behind a
//! requirement is a fault that it finds, and not one that another would find for it.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use files::{BatteryFile, Expectation, Library, RigFile, Suites};
use judge::verdict::Outcome;
use session::Setup;
use session::attempt::Unseen;

/// What is played, and by which requirement it must be found.
struct Wrong {
    name: String,
    root_cause: String,
    /// the benches on which it may show, each tried where the ones before say nothing
    setups: Vec<Setup>,
}

fn wrong(library: &Library) -> Vec<Wrong> {
    let rig = |name: &str| session::rig(library, name).expect("a rig of the project");
    let reference = session::battery(library, "reference").expect("a battery of the project");
    let on = |rig: RigFile, battery: &BatteryFile| Setup::of(rig, battery.clone()).expect("simulated");
    let mut all = Vec::new();
    for path in library.batteries().expect("a folder") {
        let battery = session::battery(library, &path.to_string_lossy()).expect("a battery of the project");
        if let Some(root_cause) = battery.expect.root_cause() {
            let setups = ["simulated", "simulated-tight"].map(|name| on(rig(name), &battery));
            let (name, root_cause) = (battery.declared.name.clone(), root_cause.to_owned());
            all.push(Wrong { name, root_cause, setups: setups.into() });
        }
    }
    for path in library.rig_faults().expect("a folder") {
        let rig = rig(&path.to_string_lossy());
        let root_cause = rig.expect.as_ref().and_then(Expectation::root_cause).expect("a rig that is wrong");
        let (name, root_cause) = (rig.rig.clone(), root_cause.to_owned());
        all.push(Wrong { name, root_cause, setups: vec![on(rig, &reference)] });
    }
    all
}

impl Wrong {
    /// Nothing where a case finds it by its requirement; else what the requirement said.
    fn missed(&self, suites: &Suites) -> Option<String> {
        let mut said = Vec::new();
        for setup in &self.setups {
            let judges =
                |case: &engine::suite::Case| case.requirements.iter().any(|r| r.id == self.root_cause);
            let cases = suites.cases().filter(|(_, case)| judges(case));
            for entry in setup.plan(cases).expect("a simulated rig") {
                let name = entry.name();
                let attempt = setup.attempt(entry.planned, &name, 1, &mut Unseen);
                for verdict in attempt.verdicts.iter().filter(|v| v.requirement.id == self.root_cause) {
                    if verdict.outcome == Outcome::Fail {
                        return None;
                    }
                    said.push(format!("{name}: {:?}: {}", verdict.outcome, verdict.reason));
                }
            }
        }
        Some(format!("{} is not found by {}\n  {}", self.name, self.root_cause, said.join("\n  ")))
    }
}

#[test]
fn what_is_wrong_is_found_by_the_requirement_that_is_meant_for_it() {
    let library = Library::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("inside the project");
    let suites = library.read_suites().expect("the suites of the project");
    let (wrong, next) = (wrong(&library), AtomicUsize::new(0));
    let (wrong, suites, next) = (&wrong, &suites, &next);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let missed: Vec<String> = std::thread::scope(|scope| {
        let work = move || {
            let mine = std::iter::from_fn(|| wrong.get(next.fetch_add(1, Ordering::Relaxed)));
            mine.filter_map(|wrong| wrong.missed(suites)).collect::<Vec<_>>()
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no panic")).collect()
    });
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
