//! Traces of CVL as the simulated rig makes them.

use std::path::Path;

use engine::bench::{Input, Witness};
use engine::suite::Suite;
use evidence::plan::plan;
use files::{Library, read_text};
use judge::recording::Recording;
use judge::trace::{Channel, Event};
use proto::quantity::Micros;
use session::attempt::attempt;
use sim::Simulation;

use crate::vary::Sample;

/// Batteries whose CVL behaves in different ways, and cases that move it.
const BATTERIES: [&str; 6] =
    ["reference", "cell-pi", "lower-when-full", "tracks-each-second", "float-step", "penalty-sum"];
const CASES: [(&str, &str); 3] =
    [("feed-in", "load-steps"), ("blackout-recovery", "after-over-voltage"), ("tracking", "active-tracking")];

/// What a battery sent in a case.
pub(crate) struct Trial {
    pub(crate) name: String,
    pub(crate) samples: Vec<Sample>,
}

/// Plays every battery in every case, and keeps each CVL with the time of its frame.
pub(crate) fn trials(inside: &Path) -> Vec<Trial> {
    let library = Library::find(inside).expect("inside the project");
    let rig = library.read_rig(&library.rig("simulated").expect("a rig")).expect("a good rig");
    let mut trials = Vec::new();
    for (suite, case) in CASES {
        let path = library.root().join(format!("suites/{suite}/{suite}.yaml"));
        let suite = Suite::parse(suite, &read_text(&path).expect("readable")).expect("a good suite");
        let case = suite.cases.iter().find(|c| c.name == case).expect("a case of it");
        for battery in BATTERIES {
            let file = library.battery(battery).expect("a battery");
            let file = library.read_battery(&file).expect("a good battery");
            let planned = plan(case, &rig, &file).expect("it fits");
            let mut heard = Heard::default();
            let name = format!("{}/{}", suite.name, case.name);
            attempt(planned, Simulation::of(&rig, &file).expect("sound").as_ref(), (&name, 1), &mut heard);
            assert!(heard.samples.len() > 600, "{battery} in {name}: {} frames", heard.samples.len());
            trials.push(Trial { name: format!("{battery} in {name}"), samples: heard.samples });
        }
    }
    trials
}

/// Keeps every sample of CVL.
#[derive(Default)]
struct Heard {
    recording: Recording,
    samples: Vec<Sample>,
}

impl Witness for Heard {
    fn input(&mut self, at: Micros, input: &Input) {
        let Input::Can(frame) = input else { return };
        let before = self.recording.trace().series(Channel::Cvl).last_seen();
        self.recording.can(at, frame);
        let series = self.recording.trace().series(Channel::Cvl);
        if series.last_seen() != before
            && let Some(volts) = series.last()
        {
            self.samples.push((at, (volts * 10.0).round() as i32));
        }
    }
    fn event(&mut self, _: &Event) {}
}
