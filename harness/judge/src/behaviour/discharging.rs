//! CVL-06: a CVL that is so low that the system discharges the battery (P 1.5.3).

use proto::quantity::{Amps, Micros, Percent, PercentPerHour};

use super::scene::{Scene, shown, too_near};
use crate::metrics::{Discharge, Lift, covered, discharge, sink, soc_fall, unscanned};
use crate::thresholds::fixed::{BALANCED, RESCUE};
use crate::thresholds::{Graded, Stands, Thresholds};
use crate::trace::Channel;
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, common, hours, integral, times};

/// CVL-06, M7: *"a setpoint that is too low will cause the Victron system to discharge the battery"*.
pub(crate) fn does_not_discharge(scene: &Scene<'_>, opinion: &mut Opinion) {
    discharges_what_never_was_full(scene, opinion);
    let Some(full) = scene.at_full(opinion) else { return };
    let windows = common(&[full], &covered(scene.trace, scene.whole));
    let thresholds = &scene.subject.thresholds;
    let observed = Micros((hours(&windows) * 3.6e9) as u64);
    if !scene.hears(opinion, &[Channel::PackCurrent], &windows) {
        return;
    }
    let Some(found) = charge_lost(scene, &windows, full) else {
        opinion.unclear("PV never covered the loads with the grid connected while the battery was full");
        return;
    };
    opinion.show(Evidence::fact("mean battery current", shown(found.mean)).within(full));
    let (discharge, soc_fall_limit) = if rescues(scene) {
        rescuing(scene, hours(&windows))
    } else {
        (thresholds.discharge, thresholds.soc_fall)
    };
    let complaint = if found.mean < Amps::ZERO {
        format!("CVL is so low that the system discharges the battery ({} on average)", shown(found.mean))
    } else {
        "CVL again and again falls so low that the system discharges the battery, to charge it anew; charge taken"
            .to_owned()
    };
    Scene::at_most(
        opinion,
        "M7 charge taken from the full battery while PV covers the load and the grid is there",
        found.rate,
        discharge,
        full,
        &complaint,
    );
    if let Some(fall) = soc_fall(scene.trace, &windows) {
        Scene::at_most(
            opinion,
            "fall of the state of charge",
            fall.max(Percent(0.0)),
            soc_fall_limit,
            full,
            "the state of charge falls while PV covers the load",
        );
    }
    sinks_not(scene, opinion, full);
    if opinion.is_good() {
        scene.watched(opinion, full);
        if observed < thresholds.observation.limit {
            opinion.unclear(scene.too_short(observed));
        }
    }
}

/// Whether a cell stands above the others, or was charged to.
fn rescues(scene: &Scene<'_>) -> bool {
    scene.imbalance().is_some_and(|apart| apart >= BALANCED) || scene.subject.imbalance >= BALANCED
}

/// What may be taken from a battery with a cell that stands above the others, in so many hours: down to where that cell is no longer in
/// its knee, all CVL must come (P 1.5.3.2). What a balanced one may lose is good.
fn rescuing(scene: &Scene<'_>, hours: f64) -> (Graded<PercentPerHour>, Graded<Percent>) {
    let Thresholds { discharge, soc_fall, .. } = scene.subject.thresholds;
    let rate = PercentPerHour(RESCUE.0 / hours).max(discharge.limit);
    let fall = RESCUE.max(soc_fall.limit);
    (
        Graded { good: discharge.limit, limit: rate, ..discharge },
        Graded { good: soc_fall.limit, limit: fall, ..soc_fall },
    )
}

/// M7. What loads took off-grid is charged anew, and a battery that is full again gives back what it was charged beyond its
/// rest: between one pull of the suite and the next only what it takes beyond what it was given is lost. Nor is it a loss when
/// it gives back what solar chargers put into it above CVL, for want of anybody else to take their sun (P 1.5.3.3). What it
/// gives while the tracker scans is asked for by the inverter, which goes on exporting for a moment.
fn charge_lost(scene: &Scene<'_>, windows: &[Window], full: Window) -> Option<Discharge> {
    let windows = &unscanned(scene.trace, windows);
    let capacity = scene.subject.battery.capacity;
    let pulls = scene.pulls(full);
    // A scan of the tracker parts what comes between two pulls, and does not end it.
    let pulled =
        |window: &Window| pulls.iter().filter(|pull| full.from < pull.to && pull.to <= window.from).count();
    let lost: f64 = windows
        .chunk_by(|one, next| pulled(one) == pulled(next))
        .filter_map(|between| {
            let Discharge { rate, mean } = discharge(scene.trace, between, capacity)?;
            let beyond = (-100.0 * (mean.0 / capacity.0)).max(0.0);
            Some(hours(between) * if pulled(&between[0]) > 0 { beyond } else { rate.0 })
        })
        .sum();
    let all = discharge(scene.trace, windows, capacity)?;
    let net = (-100.0 * (all.mean.0 / capacity.0)).max(0.0);
    let given = 100.0 * (charged_above_cvl(scene, windows) / capacity.0);
    Some(Discharge { rate: PercentPerHour(((lost - given) / hours(windows)).max(net)), ..all })
}

/// Ah that flowed into the battery while the DC bus stood above CVL by more than half of what solar chargers may lift it.
fn charged_above_cvl(scene: &Scene<'_>, windows: &[Window]) -> f64 {
    let half = Lift::of(scene.subject.battery, scene.subject.thresholds.excess_band.limit).offset / 2.0;
    let pair = [scene.series(Channel::BusVoltage), scene.series(Channel::Cvl)];
    let lifted: Vec<Window> =
        windows.iter().flat_map(|&w| times(pair, w, |[bus, cvl]| bus - cvl > half.0)).collect();
    integral(scene.series(Channel::PackCurrent), &lifted, |i| i.max(0.0))
        .map_or(0.0, |(charge, _)| charge / 3600.0)
}

/// M17: at rest CVL does not go on falling. A cell that stands above the others may have to be rescued by a CVL that
/// falls for hours.
fn sinks_not(scene: &Scene<'_>, opinion: &mut Opinion, full: Window) {
    if rescues(scene) {
        return;
    }
    let quietest = scene.quiet(full).into_iter().max_by_key(|w| w.length());
    let battery = scene.subject.battery;
    let Some(found) = quietest.and_then(|w| sink(scene.trace, w, battery.cells)) else { return };
    let (per_cell, cells) = (scene.subject.thresholds.sink, f64::from(battery.cells.max(1)));
    let graded = Graded { limit: per_cell.limit.max(found.resolved / cells), ..per_cell };
    Scene::at_most(
        opinion,
        "M17 fall of CVL at rest, for each cell",
        found.fall / cells,
        graded,
        found.window,
        "CVL goes on sinking in the full battery while nothing is switched and its highest cell comes down with it; for each cell",
    );
}

/// A CVL that holds a battery down which never was full must not discharge it either, with sun to spare.
fn discharges_what_never_was_full(scene: &Scene<'_>, opinion: &mut Opinion) {
    let Some(held) = scene.held_down() else { return };
    let (thresholds, capacity) = (&scene.subject.thresholds, scene.subject.battery.capacity);
    let Some(found) = discharge(scene.trace, &held.windows, capacity) else { return };
    let fall = soc_fall(scene.trace, &held.windows).unwrap_or_default();
    let graded = thresholds.discharge;
    let evidence = Evidence::fact("M7 charge taken while CVL holds the battery down", shown(found.rate))
        .against(format!("≤ {}", graded.limit))
        .measured(found.rate, graded);
    let falls = fall > thresholds.soc_fall.limit && found.mean < Amps::ZERO;
    match graded.stands(found.rate) {
        Stands::Beyond if falls => {
            opinion.prove(evidence);
            opinion.fail(format!(
                "CVL is so low that the system discharges a battery that is not full ({} on average, {} of its charge): {held}",
                shown(found.mean),
                shown(fall)
            ));
        }
        Stands::Near if falls => {
            opinion.prove(evidence);
            opinion.unclear(format!(
                "CVL holds the battery down, which gives {}: {held}",
                too_near(found.rate, graded)
            ));
        }
        _ => {
            opinion.show(evidence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::staged::{check, good};
    use crate::trace::Channel;
    use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
    use rstest::rstest;

    /// From 6600 s on the suite pulls for two minutes of each ten. A battery that was charged after the pull and gives a part of
    /// it back loses nothing; one that was not, or that nobody pulled, does.
    #[rstest]
    #[case::charged_after_the_pull(6600, 60.0, Pass)]
    #[case::not_charged(6600, 0.0, Fail)]
    #[case::not_pulled(3600, 60.0, Fail)]
    fn what_is_given_back_after_a_pull(#[case] from: u64, #[case] given: f64, #[case] expected: Outcome) {
        let cycle = move |t: u64, i: f64| match t % 600 {
            120..240 if t > from => given,
            240..420 if t > from => -50.0,
            _ => i,
        };
        check(&good().shaped(Channel::PackCurrent, cycle), "CVL-06", expected);
    }

    /// Each ten minutes the sun is more than the grid takes for two of them, and charges the battery above CVL; then it gives back
    /// what it took. At CVL that would be a CVL that swings.
    #[rstest]
    #[case::above_cvl(0.4, Pass)]
    #[case::at_cvl(0.0, Fail)]
    fn what_was_charged_above_cvl_is_given_back(#[case] lift: f64, #[case] expected: Outcome) {
        let sunny = |t: u64| (3600..6600).contains(&t);
        let taken = move |t: u64| sunny(t) && t % 600 < 120;
        let cycle = move |t: u64, i: f64| match t % 600 {
            _ if taken(t) => 60.0,
            120..300 if sunny(t) => -40.0,
            _ => i,
        };
        let stage = good()
            .shaped(Channel::PackCurrent, cycle)
            .shaped(Channel::BusVoltage, |t, v| if taken(t) { 55.2 + lift } else { v });
        check(&stage, "CVL-06", expected);
    }

    /// The state of charge falls in two hours, of a battery with a cell that stands above the others, and of one without.
    #[rstest]
    #[case::balanced(3.44, 4.0, Fail)]
    #[case::rescued(3.36, 4.0, Pass)]
    #[case::more_than_a_rescue_takes(3.36, 7.0, Fail)]
    fn a_high_cell_may_be_brought_down(#[case] lowest: f64, #[case] by: f64, #[case] expected: Outcome) {
        let stage = good()
            .shaped(Channel::MinCell, move |_, _| lowest)
            .shaped(Channel::Soc, move |t, v| if t > 6000 { v - by } else { v });
        check(&stage, "CVL-06", expected);
    }

    /// 1.5 %/h of 280 Ah are 4.2 A; 0.1 %/h to each side nobody can tell.
    #[rstest]
    #[case::well_below(-3.0, Pass)]
    #[case::just_below(-4.0, Inconclusive)]
    #[case::just_beyond(-4.4, Inconclusive)]
    #[case::well_beyond(-5.0, Fail)]
    fn what_is_too_near_to_its_limit_is_not_decided(#[case] current: f64, #[case] expected: Outcome) {
        let stage = good().shaped(Channel::PackCurrent, move |t, i| if t > 3600 { current } else { i });
        check(&stage, "CVL-06", expected);
        let verdict = stage.verdict("CVL-06");
        let told = verdict.reason.contains("is known to ± 0.1 %/h: too near to decide");
        assert_eq!(told, expected == Inconclusive, "{}", verdict.reason);
        assert!(verdict.closest().is_some(), "the margin is said: {verdict:?}");
    }

    #[test]
    fn a_cvl_too_low_discharges() {
        // 8 A out of 280 Ah is 2.9 % an hour.
        check(&good().shaped(Channel::PackCurrent, |t, i| if t > 4000 { -8.0 } else { i }), "CVL-06", Fail);
        check(&good().shaped(Channel::Soc, |t, v| if t > 6000 { v - 4.0 } else { v }), "CVL-06", Fail);
        // 2.8 A is 1 % an hour: worth a remark.
        let remark = good().shaped(Channel::PackCurrent, |t, i| if t > 4000 { -2.8 } else { i });
        let verdict = remark.verdict("CVL-06");
        assert_eq!(verdict.outcome, Pass);
        assert!(verdict.reason.contains("a good battery"), "{}", verdict.reason);
    }
}
