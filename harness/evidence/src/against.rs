//! Evidence held against evidence: what one instrument says against what another says, what was asked against what went over
//! the wire, counts against times. Whoever holds a key can sign anything; what he invents has to fit together.
//!
//! A contradiction is told and nothing passes on it. What looks as if it was simulated is told, and refuses nothing: a real
//! rig may look so by chance.

mod marks;
mod numbers;
mod physics;
mod supply;
mod times;
mod wire;

use std::path::Path;

use files::{BatteryFile, Library, RigFile};
use judge::trace::{EventKind, Trace};
use proto::quantity::Micros;
use proto::stimulus::Stimulus;

use crate::names::INPUTS;
use crate::run::{CaseResult, Run};

pub use crate::finding::{Finding, Held, Weight};
pub use marks::{MARKS, SOLAR_EFFICIENCY, shown};

/// What a run was made from, and what it was judged to be.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// its folder
    pub folder: &'a Path,
    /// the rig
    pub rig: &'a RigFile,
    /// the battery
    pub battery: &'a BatteryFile,
    /// the run
    pub run: &'a Run,
}

impl Evidence<'_> {
    /// How many times faster than the clock the rig went.
    fn speed(self) -> f64 {
        self.rig.live.as_ref().map_or(1.0, |live| f64::from(live.speed.max(1)))
    }

    /// Spans of the clock as spans of the rig.
    fn of_the_clock(self, secs: f64) -> Micros {
        Micros((secs * self.speed() * 1e6) as u64)
    }

    /// Cases that were tried.
    fn cases(&self) -> impl Iterator<Item = &CaseResult> {
        self.run.cases.iter().filter(|case| case.tried && case.length > Micros::ZERO)
    }
}

/// Holds evidence against evidence.
#[must_use]
pub fn held(evidence: Evidence<'_>) -> Held {
    let mut held = Held::default();
    if let Some(psu) = evidence.rig.live.as_ref().and_then(|live| live.psu.as_ref()) {
        let library = Library::at(&evidence.folder.join(INPUTS));
        match library.and_then(|library| library.profile_of(evidence.rig)) {
            Ok(Some(profile)) => supply::held(evidence, psu, &profile, &mut held),
            Ok(None) => {}
            // Without its words nobody knows what went over its wire. The error would name the folder, which is another
            // wherever it is read.
            Err(_) => held.contradiction("the profile of the supply is not among the inputs".to_owned()),
        }
    }
    physics::held(evidence, &mut held);
    times::held(evidence, &mut held);
    numbers::held(evidence, &mut held);
    marks::held(evidence, &mut held);
    held
}

/// Whether a suite changed what instruments say of the battery, or how the GX looks at it.
fn is_disturbed(trace: &Trace) -> bool {
    trace.events.iter().any(|event| {
        matches!(
            event.kind,
            EventKind::Stimulus(
                Stimulus::Silence { .. }
                    | Stimulus::Inject(_)
                    | Stimulus::GxWrite { .. }
                    | Stimulus::Imbalance(_)
            )
        )
    })
}
