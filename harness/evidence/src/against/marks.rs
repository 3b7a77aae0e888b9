//! What a simulated rig leaves in its evidence and a real one only by chance. Told, and nothing more: a forger who knows of them
//! hides them, and a rig of somebody else may show one.

use judge::trace::{Channel, EventKind, Trace};
use proto::quantity::Micros;
use proto::stimulus::Stimulus;

use super::{Evidence, Held};
use crate::manifest::plain;
use proto::channel::Instrument;

/// Efficiency of the simulated solar charger, `plant.solar.efficiency` of the rigs that come with Busbar.
pub const SOLAR_EFFICIENCY: f64 = 0.98;

/// A mark: what it is called, and what it looks like.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// in one word
    pub name: &'static str,
    /// what is seen
    pub what: &'static str,
    /// whether a run shows it, of a rig that simulates or that is served
    shows: fn(Evidence<'_>) -> bool,
}

/// The marks. A test of the simulated rig holds each against a run of it.
pub const MARKS: [Mark; 3] = [
    Mark {
        name: "ticks",
        what: "instruments answered at whole multiples of their period, to the microsecond",
        shows: on_ticks,
    },
    Mark {
        name: "efficiency",
        what: "the solar charger turns 98.0 % of what it takes into what it gives, whatever its load",
        shows: constant_efficiency,
    },
    Mark {
        name: "loads",
        what: "AC loads are what was asked for, to the watt, whenever they were read",
        shows: exact_loads,
    },
];

/// Enough to say something.
const ENOUGH: usize = 30;
/// So many of those that are looked at show it.
const NEARLY_ALL: f64 = 0.95;

pub(super) fn held(evidence: Evidence<'_>, held: &mut Held) {
    // Where it is said, nobody has to suspect it.
    if evidence.run.meta.rig.simulated {
        return;
    }
    for mark in MARKS.iter().filter(|mark| (mark.shows)(evidence)) {
        held.suspicion(format!("it looks as if it was simulated: {}", mark.what));
    }
}

/// The marks that a run shows, by their names, whatever it says of itself.
#[must_use]
pub fn shown(evidence: Evidence<'_>) -> Vec<&'static str> {
    MARKS.iter().filter(|mark| (mark.shows)(evidence)).map(|mark| mark.name).collect()
}

fn nearly_all(shows: usize, of: usize) -> bool {
    of >= ENOUGH && shows as f64 >= NEARLY_ALL * of as f64
}

fn on_ticks(evidence: Evidence<'_>) -> bool {
    const FILES: [Instrument; 2] = [Instrument::Supply, Instrument::Gx];
    let (mut on, mut all) = (0, 0);
    for file in FILES {
        let text = plain(evidence.folder, file.file()).and_then(std::fs::read_to_string).unwrap_or_default();
        for at in text.lines().skip(1).filter_map(|line| crate::stamp::read(line.split(',').next()?)) {
            all += 1;
            on += usize::from(at.0 % 100_000 == 0);
        }
    }
    nearly_all(on, all)
}

fn constant_efficiency(evidence: Evidence<'_>) -> bool {
    /// Below it, a step of the current on the GX shows.
    const FROM: f64 = 1000.0;
    /// Half a step of 0.1 A at 20 A.
    const WITHIN: f64 = 0.003;
    let (mut exact, mut all) = (0, 0);
    for case in evidence.cases() {
        let [volts, amps, watts] = [Channel::SolarVoltage, Channel::SolarCurrent, Channel::PvPower]
            .map(|channel| case.trace.series(channel));
        for at in (0..case.length.0).step_by(10_000_000).map(Micros) {
            let (Some(volts), Some(amps), Some(power)) = (volts.at(at), amps.at(at), watts.at(at)) else {
                continue;
            };
            if power < FROM {
                continue;
            }
            all += 1;
            exact += usize::from((volts * amps / power - SOLAR_EFFICIENCY).abs() < WITHIN);
        }
    }
    nearly_all(exact, all)
}

fn exact_loads(evidence: Evidence<'_>) -> bool {
    let (mut exact, mut all) = (0, 0);
    for case in evidence.cases() {
        for (power, from, to) in loads(&case.trace, case.length) {
            let series = case.trace.series(Channel::AcLoads);
            for secs in (10..to.since(from).0 / 1_000_000).step_by(10) {
                let Some(load) = series.at(Micros(from.0 + secs * 1_000_000)) else { continue };
                all += 1;
                exact += usize::from((load - power).abs() < 0.6);
            }
        }
    }
    nearly_all(exact, all)
}

/// Spans in which one load was asked for that is one.
fn loads(trace: &Trace, length: Micros) -> Vec<(f64, Micros, Micros)> {
    let mut found: Vec<(f64, Micros, Micros)> = Vec::new();
    for event in &trace.events {
        // Without mains there is another limit on what loads get.
        let load = match event.kind {
            EventKind::Stimulus(Stimulus::AcLoad(power)) => power.0,
            EventKind::Stimulus(Stimulus::Grid(_)) | EventKind::Aborted(_) | EventKind::Completed => 0.0,
            _ => continue,
        };
        if let Some(last) = found.last_mut().filter(|last| last.2 == length) {
            last.2 = event.at;
        }
        found.push((load, event.at, length));
    }
    found.retain(|(load, ..)| *load > 0.0);
    found
}
