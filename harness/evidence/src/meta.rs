//! What a report says of a run beside its cases: one way for a run that has just ended and for one that is judged again.

use std::io::{BufRead as _, BufReader};
use std::path::Path;

use core::time::Duration;
use files::{BatteryFile, RigFile, Suites};
use judge::envelope::PROVEN;
use judge::identify::Law;

use crate::certificate::{Order, made};
use crate::events::Begun;
use crate::finding::Held;
use crate::gaps::Demand;
use crate::manifest::{plain, sha256};
use crate::names::WIRE;
use crate::run::{BatteryUnderTest, Rig, RunMeta, SuiteFile};
use crate::said::Said;
use crate::standard::Standard;

/// How the record of the wire to the supply begins the line that says that its watchdog was seen to trip.
pub const WATCHDOG_PROVEN: &str = "harness: the watchdog of the supply tripped";

/// What a run was made from.
#[derive(Debug, Clone, Copy)]
pub struct MadeFrom<'a> {
    /// how it began
    pub begun: &'a Begun,
    /// the rig
    pub rig: &'a RigFile,
    /// the battery
    pub battery: &'a BatteryFile,
    /// the suites
    pub suites: &'a Suites,
    /// what was to be certified for whom, where it was made to certify
    pub order: Option<&'a Order>,
}

/// A run as its folder and its manifest know it.
#[derive(Debug, Clone)]
pub struct Kept<'a> {
    /// its folder
    pub folder: &'a Path,
    /// its id
    pub id: String,
    /// time of day at which it began, as text (RFC 3339)
    pub started: Option<String>,
    /// how long it took on the wall clock
    pub took: Option<Duration>,
}

impl MadeFrom<'_> {
    /// What a report says of the run beside its cases.
    #[must_use]
    pub fn meta(self, said: Said, kept: Kept<'_>) -> RunMeta {
        let Self { begun, rig, battery, suites, order } = self;
        let name = battery.declared.name.clone();
        let of = (kept.folder, kept.started.as_deref());
        let files = suites.all.iter().zip(&suites.texts);
        let standard = Standard::of(suites, rig, kept.folder);
        let mut every = suites.names();
        every.extend(standard.cases.into_iter().filter(|name| suites.names().iter().all(|own| own != name)));
        let certificate = order.map(|order| made(order, rig, &battery.title, of));
        RunMeta {
            title: format!("{name} on {}", rig.title),
            id: kept.id,
            seed: begun.seed,
            rig: Rig {
                name: rig.rig.clone(),
                title: rig.title.clone(),
                simulated: rig.is_simulated()
                    || said.instruments.iter().any(|(_, says)| files::is_simulated(says)),
                live: rig.live.is_some(),
                last_resort: last_resort(rig, kept.folder),
            },
            battery: BatteryUnderTest {
                name,
                title: battery.title.clone(),
                identity: said.identity,
                pages: said.pages,
                pages_of: said.case,
            },
            harness: begun.harness.clone(),
            commit: begun.commit.clone(),
            instruments: said.instruments,
            suites: files.map(|(suite, text)| SuiteFile::new(&suite.file, text.as_bytes())).collect(),
            started: kept.started,
            took: kept.took,
            merged: begun.merged.clone(),
            demand: match (&certificate, begun.whole) {
                (Some(_), _) => Demand::Certificate,
                (None, true) => Demand::Whole,
                (None, false) => Demand::Named,
            },
            certificate,
            not_here: rig.not_here.clone().into_iter().collect(),
            every,
            altered: standard.altered,
            broken: suites.broken.iter().map(|broken| broken.error.to_string()).collect(),
            differs: standard.differs,
            held: Held::default(),
            law: Law::default(),
            outside: PROVEN.outside(&battery.declared),
            cut_off: None,
            doubts: said.doubts,
        }
    }
}

impl SuiteFile {
    /// A suite file with the hash of its content.
    #[must_use]
    pub fn new(path: &str, content: &[u8]) -> Self {
        Self { path: path.to_owned(), sha256: sha256(content) }
    }
}

/// What switches the supply off when all else is dead, and whether its watchdog was seen to trip: the folder says.
fn last_resort(rig: &RigFile, folder: &Path) -> String {
    /// The trial stands before the first case.
    const LINES: usize = 10_000;
    let wire = plain(folder, WIRE).and_then(std::fs::File::open).ok();
    let lines =
        wire.into_iter().flat_map(|wire| BufReader::new(wire).lines().take(LINES).map_while(Result::ok));
    let proven = lines.filter_map(|line| {
        let (at, what) = line.strip_prefix("# ")?.split_once(' ')?;
        what.starts_with(WATCHDOG_PROVEN).then(|| at.to_owned())
    });
    rig.last_resort(proven.last().as_deref())
}
