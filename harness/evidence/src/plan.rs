//! One case on one rig with one battery, planned before anything starts.

use engine::bench::Capability;
use engine::interlock::{Instruments, LimitsError};
use engine::suite::{BindError, Case, Op, Runnable, Step, each};
use files::live::Live;
use files::{BatteryFile, RigFile};
use judge::battery::Battery;
use proto::channel::Channel;
use proto::fault::{Fault, FaultKind};
use proto::quantity::{Amps, Volts, Watts};
use proto::stimulus::Stimulus;

/// What a case will be on this rig.
#[derive(Debug)]
pub enum Planned {
    /// It can run.
    Ready(Box<Ready>),
    /// It cannot, with the reason: it stays undecided.
    NotTried {
        /// what is missing, and what would make the difference
        reason: String,
        /// the case as its suite has it
        case: Box<Case>,
    },
}

/// A case that can run.
#[derive(Debug)]
pub struct Ready {
    /// the case, bound to the rig
    pub runnable: Runnable,
    /// the rig
    pub rig: RigFile,
    /// the battery
    pub battery: BatteryFile,
}

/// Why nothing begins on this rig.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The limits of the rig make no sense.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// A step would lift a limit further than the rig allows.
    #[error("line {line}: {reason}")]
    Lifts {
        /// line of the suite file
        line: u32,
        /// what it would do, and what the rig allows
        reason: String,
    },
    /// Nothing on this rig tells some limits with this battery.
    #[error(
        "the battery never sends 0x373 (`declared.never-sends` of its file), and nothing else on this rig tells whether \
         these limits are kept: {names}; write `unwatched: [{names}]` into the rig file if they may protect nothing"
    )]
    Untold {
        /// their names in a rig file
        names: String,
    },
}

impl Refused {
    /// In words, with the file of the suite where a step of it is refused.
    #[must_use]
    pub fn told(&self, suite: &str) -> String {
        match self {
            Self::Lifts { line, reason } => format!("{suite}:{line}: {reason}"),
            other => other.to_string(),
        }
    }
}

/// Whether and how a case runs on this rig, which is one for the cells of this battery ([`RigFile::for_battery`]).
///
/// # Errors
/// When the limits of the rig make no sense, nothing tells them, or the case would lift them: then nothing may run on it.
pub fn plan(case: &Case, rig: &RigFile, battery: &BatteryFile) -> Result<Planned, Refused> {
    let case = &fitted(case, rig, &battery.declared);
    let not_tried = |reason| Planned::NotTried { reason, case: Box::new(case.clone()) };
    let instruments = Instruments { cells: battery.sends_cells, ..rig.instruments() };
    let untold = instruments.untold(&rig.limits);
    if !battery.sends_cells && !untold.is_empty() {
        return Err(Refused::Untold { names: untold.join(", ") });
    }
    let mut runnable = match case.bind_on(&rig.limits, instruments, &rig.capabilities) {
        Ok(runnable) => runnable.with_capacity(battery.declared.capacity),
        Err(BindError::Limits(error)) => return Err(error.into()),
        Err(BindError::Lifts { line, reason }) => return Err(Refused::Lifts { line, reason }),
        Err(BindError::NotTried { reason }) => return Ok(not_tried(reason)),
    };
    runnable.bus_polling = rig.bus_polling();
    runnable.witnesses = rig.witnesses();
    if let Some(reason) = unprepared(case, rig) {
        return Ok(not_tried(reason));
    }
    if let Some(reason) = misfit(case, rig, &battery.declared) {
        return Ok(not_tried(reason));
    }
    if let Some(live) = &rig.live {
        if let Some(reason) = beyond(case, rig, live) {
            return Ok(not_tried(reason));
        }
    } else if battery.simulated.is_none() {
        let name = &battery.declared.name;
        return Ok(not_tried(format!(
            "the file of `{name}` does not say how a simulated rig plays it (`simulated:`)"
        )));
    }
    Ok(Planned::Ready(Box::new(Ready { runnable, rig: rig.clone(), battery: battery.clone() })))
}

/// The case as this battery is tried with it on this rig: with less sun and less load where it takes less charge than the
/// suite is written for.
#[must_use]
pub fn fitted(case: &Case, rig: &RigFile, battery: &Battery) -> Case {
    let house = rig.house();
    case.for_battery(battery.charge_power(), house.inverter_power / house.mains_voltage)
}

/// Why the GX of this rig controls nothing as P 5.5 wants it: what a case would show then says nothing of the battery.
fn unprepared(case: &Case, rig: &RigFile) -> Option<String> {
    let fault = rig.site().gx?.fault()?;
    case.needs.contains(&Capability::Gx).then(|| {
        format!("the rig states that {fault}: enable DVCC and disable SVS in the GX (P 5.5), then state it in `gx:`")
    })
}

/// Why this battery cannot be put on this rig, or not through this case: known before anything is switched on.
fn misfit(case: &Case, rig: &RigFile, battery: &Battery) -> Option<String> {
    if let Some(reason) = beyond_limits(rig, battery) {
        return Some(reason);
    }
    // While feeding in, the GX lets the sun charge with all it has, whatever CCL says: it must fit the battery.
    let sun = brightest(&case.steps, case.start.pv).min(rig.house().solar_power);
    let charge = (sun / battery.max_charge_voltage).min(rig.house().solar_current);
    if charge > battery.max_charge_current {
        return Some(format!(
            "the sun of this case, {sun}, charges with up to {charge:.0}, the battery declares {} at most: it takes a \
             solar charger that gives no more (`{}`)",
            battery.max_charge_current,
            if rig.live.is_some() { "live.site.solar-current" } else { "plant.solar.maximum-current" }
        ));
    }
    // Only a case that asks for an answer to the current has nothing to judge without one.
    let asks = case.requirements.iter().any(|requirement| requirement.answers);
    asks.then(|| borne(&case.steps, battery)).flatten()
}

/// Why a current that this case lets the battery read is none that it must answer: it may bear half as much again as it
/// declares (assumption, as the judge of its alarms has it).
fn borne(steps: &[Step], battery: &Battery) -> Option<String> {
    ops(steps).into_iter().find_map(|(line, op)| {
        let Op::Apply(Stimulus::Inject(Fault { kind: FaultKind::Current { by }, .. })) = op else { return None };
        let (word, declared) = if *by > Amps::ZERO {
            ("charge", battery.max_charge_current)
        } else {
            ("discharge", battery.max_discharge_current)
        };
        (by.0.abs() < 1.5 * declared.0).then(|| {
            format!(
                "the case adds {by} to the current that the battery reads (line {line}); a battery that declares {declared} \
                 of {word} may bear that, and nothing is due"
            )
        })
    })
}

/// A limit of the rig that lies further above what a battery protects its cells at is one for another chemistry: from 3.65 V
/// iron phosphate bears 0.3 V (data sheets, for a moment), others less.
const ABOVE_PROTECTION: Volts = Volts(0.3);

/// Why the limits of the rig would end every case with this battery, or on a real rig would not protect it.
#[must_use]
pub fn beyond_limits(rig: &RigFile, battery: &Battery) -> Option<String> {
    let range = |low, high| (Volts(rig.limits.at_least(low)), Volts(rig.limits.at_most(high)));
    let (least, most) = range(Channel::PackVoltage, Channel::PackVoltage);
    if battery.min_voltage < least || battery.max_charge_voltage > most {
        return Some(format!(
            "the battery works from {} to {}, the rig allows {least} to {most} (`limits.battery.voltage`)",
            battery.min_voltage, battery.max_charge_voltage
        ));
    }
    let (least, most) = range(Channel::MinCell, Channel::MaxCell);
    if battery.cell_under_voltage < least || battery.cell_over_voltage > most {
        return Some(format!(
            "the battery protects its cells at {} and {}, the rig would give up before that, at {least} and {most} \
             (`limits.battery.lowest-cell`, `limits.battery.highest-cell`)",
            battery.cell_under_voltage, battery.cell_over_voltage
        ));
    }
    let bears = Volts(((battery.cell_over_voltage + ABOVE_PROTECTION).0 * 1000.0).round() / 1000.0);
    (rig.live.is_some() && most > bears).then(|| {
        format!(
            "the battery protects its cells at {}, the rig would let them go on to {most} (`limits.battery.highest-cell`): \
             at most {bears} for this battery",
            battery.cell_over_voltage
        )
    })
}

/// What the instruments of a real rig cannot do of what a case asks for.
fn beyond(case: &Case, rig: &RigFile, live: &Live) -> Option<String> {
    if !live.operator.is_there() {
        return Some(format!(
            "the rig has nobody to bring the battery to {} before the case begins (`live.operator`)",
            case.start.soc
        ));
    }
    if let Some(psu) = &live.psu {
        let (sun, most) = (
            brightest(&case.steps, case.start.pv),
            psu.voltage * Amps(rig.limits.at_most(Channel::SupplyCurrent)),
        );
        if sun > most {
            return Some(format!(
                "the sun of this case, {sun}, is more than the {most} that the supply may give (`live.psu.voltage` times \
                 `at-most` of `limits.supply.current`)"
            ));
        }
    }
    let mut loads = vec![case.start.ac_load];
    let mut trips = None;
    for (_, op) in ops(&case.steps) {
        match op {
            Op::Apply(Stimulus::AcLoad(power)) => loads.push(*power),
            Op::Apply(Stimulus::Inject(Fault {
                kind: kind @ (FaultKind::PsuTrip {} | FaultKind::PsuSilent {}),
                ..
            })) => trips = Some(kind.name()),
            _ => {}
        }
    }
    if let Some(name) = trips {
        return Some(format!(
            "a real supply is not broken on purpose (`{name}`): a simulated rig tries this"
        ));
    }
    if live.switches.ac_load.is_empty() {
        return None;
    }
    let load = loads.into_iter().find(|&power| live.load(power).is_none())?;
    Some(format!("no loads of the rig together make the {load} of this case (`live.switches.ac-load`)"))
}

/// Every operation once, those that are repeated included, with the line of its step.
fn ops(steps: &[Step]) -> Vec<(u32, &Op)> {
    let mut found = Vec::new();
    each(steps, &mut |step| found.extend(step.ops().iter().map(|op| (step.at.line, op))));
    found
}

/// The most PV power that steps ask for.
fn brightest(steps: &[Step], start: Watts) -> Watts {
    ops(steps).into_iter().fold(start, |most, (_, op)| match op {
        Op::Apply(Stimulus::Pv(power)) | Op::Ramp { to: power, .. } => most.max(*power),
        _ => most,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const CASE: &str = "suite: s\ntitle: t\nspec: P 1.5.3.1\nneeds: [pv, gx, grid]\ncases:\n  - case: c\n    title: t\n    \
        requirements: [CVL-01]\n    start: { soc: 50 %, grid: on, feed-in: on, pv: off, ac-load: off }\n    steps:\n      \
        - repeat: { times: 2, steps: [ { pv: { power: 5.5 kW } }, { hold: 1 min } ] }\n";

    /// What becomes of the case with the reference battery, one line of its file changed.
    fn planned(good: &str, other: &str) -> Planned {
        let rig = include_str!("../../../rigs/simulated.yaml");
        let battery = include_str!("../../../rigs/batteries/reference.yaml");
        assert!(battery.contains(good), "{good} stands in the file");
        let suite = engine::suite::Suite::parse("s.yaml", CASE).expect("a good suite");
        let rig = RigFile::parse("rig", rig).expect("a good rig");
        let battery = BatteryFile::parse("b", &battery.replacen(good, other, 1)).expect("a good battery");
        plan(&suite.cases[0], &rig, &battery).expect("the limits leave room")
    }

    #[test]
    fn the_reference_fits() {
        assert!(matches!(planned("cells: 16", "cells: 16"), Planned::Ready(_)));
    }

    #[test]
    fn a_gx_that_is_set_otherwise_runs_no_control_test() {
        let rig = include_str!("../../../rigs/simulated.yaml").replacen("dvcc: on", "dvcc: off", 1);
        let rig = RigFile::parse("rig", &rig).expect("a good rig");
        let battery = include_str!("../../../rigs/batteries/reference.yaml");
        let battery = BatteryFile::parse("b", battery).expect("a good battery");
        let suite = engine::suite::Suite::parse("s.yaml", CASE).expect("a good suite");
        let planned = plan(&suite.cases[0], &rig, &battery).expect("the limits leave room");
        let Planned::NotTried { reason, .. } = planned else { panic!("it runs") };
        assert!(reason.contains("DVCC is off") && reason.contains("P 5.5"), "{reason}");
    }

    /// What protects cells of NMC does not protect those of LFP; a simulated rig has nothing to protect.
    #[rstest]
    #[case(include_str!("../../../rigs/served.yaml"), "at-most: 3.80 V", true)]
    #[case(include_str!("../../../rigs/served.yaml"), "at-most: 3.95 V", true)]
    #[case(include_str!("../../../rigs/served.yaml"), "at-most: 4.35 V", false)]
    #[case(include_str!("../../../rigs/simulated.yaml"), "at-most: 4.35 V", true)]
    fn limits_of_another_chemistry_protect_nothing(
        #[case] file: &str,
        #[case] limit: &str,
        #[case] fits: bool,
    ) {
        let rig = RigFile::parse("rig", &file.replacen("at-most: 3.80 V", limit, 1)).expect("a good rig");
        let battery = include_str!("../../../rigs/batteries/reference.yaml");
        let battery = BatteryFile::parse("b", battery).expect("a good battery");
        let why = beyond_limits(&rig, &battery.declared);
        assert_eq!(why.is_none(), fits, "{why:?}");
        assert!(
            fits || why
                .is_some_and(|why| why.contains("protects its cells at 3.65 V") && why.contains("3.95 V"))
        );
    }

    /// Such a battery runs where the rig file says that its cells are not watched.
    #[test]
    fn a_battery_without_cells_needs_a_word_of_the_rig() {
        let battery = include_str!("../../../rigs/batteries/reference.yaml");
        let silent = battery.replacen("declared:\n", "declared:\n  never-sends: [0x373]\n", 1);
        let battery = BatteryFile::parse("b", &silent).expect("a good battery");
        let suite = engine::suite::Suite::parse("s.yaml", CASE).expect("a good suite");
        let file = include_str!("../../../rigs/simulated.yaml");
        let rig = RigFile::parse("rig", file).expect("a good rig");
        let error = plan(&suite.cases[0], &rig, &battery).expect_err("refused").to_string();
        assert!(error.contains("kept: battery.highest-cell, battery.lowest-cell;"), "{error}");
        let given_up = file.replacen(
            "\nlimits:",
            "\nunwatched: [battery.highest-cell, battery.lowest-cell]\nlimits:",
            1,
        );
        let rig = RigFile::parse("rig", &given_up).expect("a good rig");
        assert!(matches!(plan(&suite.cases[0], &rig, &battery), Ok(Planned::Ready(_))));
    }

    #[rstest]
    #[case("min-voltage: 44.8 V", "min-voltage: 35 V", "works from 35 V to 56.8 V")]
    #[case(
        "cells: 16\n  capacity: 280 Ah\n  max-charge-voltage: 56.8 V",
        "cells: 17\n  capacity: 280 Ah\n  max-charge-voltage: 61 V",
        "the rig allows 36 V to 60 V"
    )]
    #[case("cell-over-voltage: 3.65 V", "cell-over-voltage: 4.25 V", "would give up before that")]
    #[case("max-charge-current: 140 A", "max-charge-current: 50 A", "5500 W, charges with up to 97 A")]
    fn a_battery_that_does_not_fit_is_told_before_anything_starts(
        #[case] good: &str,
        #[case] other: &str,
        #[case] says: &str,
    ) {
        let Planned::NotTried { reason, .. } = planned(good, other) else { panic!("{other} fits") };
        assert!(reason.contains(says), "{reason}");
    }
}
