//! What the supply said, as it was recorded, against what went over its wire, and against the sun that was asked for.

use files::Profile;
use files::live::PsuPlace;
use judge::trace::{Channel, EventKind, Trace};
use proto::channel::Instrument;
use proto::quantity::Micros;
use proto::samples::Samples;
use proto::stimulus::Stimulus;

use super::wire::{Reading, Talk};
use super::{Evidence, Held};
use crate::manifest::plain;
use crate::names::WIRE;
use crate::run::CaseResult;
use crate::samples_csv;

/// How long it may take by the clock from the answer on the wire until it is recorded: two clocks of two processes.
const RECORDED_WITHIN: f64 = 1.0;
/// How much the clock of the guard may be behind.
const AHEAD: f64 = 0.25;
/// Readings at the end of a case that nobody takes any more, and what is asked a second time.
const LEFT: usize = 4;
/// A ramp, a start of the charger, a reading: what is set is looked at so long after it was asked for.
const SET_AFTER: Micros = Micros::from_secs(30);

pub(super) fn held(evidence: Evidence<'_>, place: &PsuPlace, profile: &Profile, held: &mut Held) {
    let rows = rows(evidence);
    let Some(talk) = Talk::read(evidence.folder, profile) else {
        if !rows.is_empty() {
            held.contradiction(format!(
                "supply.csv has {} readings of the supply, and nothing went over its wire: there is no {WIRE}",
                rows.len()
            ));
        }
        return;
    };
    if let Some(line) = talk.odd.first() {
        held.contradiction(format!("{WIRE}:{line}: a line that the guard of the supply does not write"));
    }
    recorded(evidence, &rows, &talk, held);
    spoken(evidence, &rows, &talk, held);
    if profile.power.is_none() {
        set(&rows, &talk, held);
    }
    for case in evidence.cases() {
        asked(evidence, case, place, held);
    }
}

/// Rows of `supply.csv`.
struct Row {
    at: Micros,
    volts: f64,
    amps: f64,
    output: bool,
    available: f64,
}

fn rows(evidence: Evidence<'_>) -> Vec<Row> {
    let text = plain(evidence.folder, Instrument::Supply.file()).and_then(std::fs::read_to_string);
    let row = |line: &str| {
        let (at, _, said): (_, _, Samples) = samples_csv::parse(Instrument::Supply, line).ok()?;
        Some(Row {
            at,
            volts: said.number(Channel::SupplyVoltage)?,
            amps: said.number(Channel::SupplyCurrent)?,
            output: said.is(Channel::SupplyOutput),
            available: said.number(Channel::PvAvailable).unwrap_or_default(),
        })
    };
    text.unwrap_or_default().lines().skip(1).filter_map(row).collect()
}

/// Every reading that was recorded was heard on the wire just before.
fn recorded(evidence: Evidence<'_>, rows: &[Row], talk: &Talk, held: &mut Held) {
    let (back, ahead) = (evidence.of_the_clock(RECORDED_WITHIN), evidence.of_the_clock(AHEAD));
    let mut missing: Vec<&Row> = Vec::new();
    for row in rows {
        let from = Micros(row.at.0.saturating_sub(back.0));
        let begin = talk.readings.partition_point(|reading| reading.at < from);
        let near = talk.readings[begin..].iter().take_while(|reading| reading.at <= row.at + ahead);
        if !near.into_iter().any(|reading| same(row, reading)) {
            missing.push(row);
        }
    }
    held.compared("readings of the supply, on its wire", rows.len());
    if let Some(first) = missing.first() {
        held.contradiction(format!(
            "{} of {} readings in supply.csv never went over the wire to the supply, the first at {:.1} s: {} V, {} A",
            missing.len(),
            rows.len(),
            first.at.secs(),
            first.volts,
            first.amps
        ));
    }
}

#[expect(clippy::float_cmp, reason = "the same number, read twice")]
fn same(row: &Row, reading: &Reading) -> bool {
    row.volts == reading.volts
        && row.amps == reading.amps
        && reading.output.is_none_or(|output| output == row.output)
}

/// Every reading that was heard on the wire while a case ran was recorded.
fn spoken(evidence: Evidence<'_>, rows: &[Row], talk: &Talk, held: &mut Held) {
    let (back, ahead) = (evidence.of_the_clock(AHEAD), evidence.of_the_clock(RECORDED_WITHIN));
    for case in evidence.cases() {
        let (from, to) = (case.began, case.began + case.length);
        let heard: Vec<&Reading> =
            talk.readings.iter().filter(|reading| from <= reading.at && reading.at < to).collect();
        let is_recorded = |reading: &Reading| {
            let begin = rows.partition_point(|row| row.at.0 < reading.at.0.saturating_sub(back.0));
            rows[begin..].iter().take_while(|row| row.at <= reading.at + ahead).any(|row| same(row, reading))
        };
        let lost = heard.iter().filter(|reading| !is_recorded(reading)).count();
        if lost > LEFT {
            held.contradiction(format!(
                "{}: {lost} of {} readings that went over the wire of the supply are not in supply.csv",
                case.name(),
                heard.len()
            ));
        }
    }
}

/// The power that is offered is what was set, and an output that is on was switched on.
fn set(rows: &[Row], talk: &Talk, held: &mut Held) {
    let before = |at: Micros| {
        let after = talk.corners.partition_point(|(set, _)| *set <= at);
        after.checked_sub(1).map(|k| talk.corners[k].1)
    };
    let on = rows.iter().filter(|row| row.output).count();
    let never = on > 0 && talk.switched.iter().all(|(_, on)| !on);
    if never {
        held.contradiction(format!(
            "the output is on in {on} readings, and no word on the wire switched it on"
        ));
    }
    // The time of the guard may be behind by a reading: the corner before or after fits as well.
    let fits = |row: &&Row| {
        let near = [0, 2_000_000, 120_000_000].map(|later| before(Micros(row.at.0 + later)));
        near.into_iter().flatten().any(|corner| (corner - row.available).abs() <= 0.01 * corner + 1.0)
    };
    let wrong = rows.iter().filter(|row| row.output && row.available > 0.0).filter(|row| !fits(row)).count();
    if wrong * 50 > on.max(50) {
        held.contradiction(format!(
            "in {wrong} of {on} readings the supply offers another power than what was set on its wire"
        ));
    }
}

/// The sun that the suite asked for is the sun that the supply had: what is asked for stands in `events.jsonl`.
fn asked(evidence: Evidence<'_>, case: &CaseResult, place: &PsuPlace, held: &mut Held) {
    let suns = suns(&case.trace, case.length);
    let late = SET_AFTER.max(evidence.of_the_clock(RECORDED_WITHIN));
    for (power, from, to) in suns.iter().filter(|(_, from, to)| to.since(*from).0 > 2 * late.0) {
        let most = place.voltage.0 * evidence.rig.limits.at_most(Channel::SupplyCurrent);
        let Some(offered) = case.trace.series(Channel::PvAvailable).at(Micros(to.0 - late.0 / 2)) else {
            continue;
        };
        held.compared("steps of the sun, at the supply", 1);
        let asked = power.min(most);
        if (offered - asked).abs() > 0.03 * asked + 20.0 {
            held.contradiction(format!(
                "{}: from {:.0} s on the suite asked for {asked:.0} W of sun, the supply offered {offered:.0} W",
                case.name(),
                from.secs()
            ));
        }
    }
}

/// Spans in which one power was asked for, as it stands in the events; the last ends with the case.
fn suns(trace: &Trace, length: Micros) -> Vec<(f64, Micros, Micros)> {
    let mut suns: Vec<(f64, Micros, Micros)> = Vec::new();
    for event in &trace.events {
        let end = match &event.kind {
            EventKind::Stimulus(Stimulus::Pv(power)) => Some(power.0),
            // Whatever it is set to now, it is being switched off.
            EventKind::Completed
            | EventKind::Aborted(_)
            | EventKind::DriverFault(_)
            | EventKind::Interlock { .. } => None,
            _ => continue,
        };
        if let Some(last) = suns.last_mut().filter(|last| last.2 == length) {
            last.2 = event.at;
        }
        match end {
            Some(power) => suns.push((power, event.at, length)),
            None => return suns,
        }
    }
    suns
}
