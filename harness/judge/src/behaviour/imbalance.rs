//! CVL-10: cells that differ, and a CVL that keeps the battery from getting full.

use proto::quantity::{Micros, Volts, VoltsPerHour};

use super::scene::Scene;
use crate::metrics::swings;
use crate::thresholds::fixed::{
    AGAIN, BACK_AT_MOST, BALANCED, CONVERGE_TIME, CONVERGE_TURNS, CONVERGED, CVL_STEP, END_LEAST, FALLING,
    FALLS_LEAST, FALLS_SHARE,
};
use crate::trace::Channel;
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about, extremes, hours, mean, slope, stretches};

/// CVL-10: *"A control loop that dynamically determines the CVL works even better; especially in case of high
/// imbalance, which we see regularly in new installed systems"* (P 1.5.3).
pub(crate) fn converges_under_imbalance(scene: &Scene<'_>, opinion: &mut Opinion) {
    if let Some(held) = scene.held_down() {
        let time = about(Micros((hours(&held.windows) * 3.6e9) as u64));
        let mut proof =
            Evidence::fact("time in which CVL alone keeps the battery from being charged", time.to_string())
                .against("none");
        if let Some(span) = held.span() {
            proof = proof.within(span);
        }
        opinion.prove(proof);
        opinion.fail(format!("CVL is held down without cause, so that the battery never gets full: {held}"));
        return;
    }
    let Some(full) = scene.at_full(opinion) else { return };
    let pair = [scene.series(Channel::MaxCell), scene.series(Channel::MinCell)];
    let spread: Vec<(Window, f64)> =
        stretches(pair, full).map(|s| (s.window, s.values[0] - s.values[1])).collect();
    let widest = spread.iter().map(|s| s.1).fold(0.0, f64::max);
    opinion.show(
        Evidence::fact(
            "widest difference between highest and lowest cell",
            format!("{:.0} mV", widest * 1000.0),
        )
        .within(full),
    );
    if !differ(scene, opinion) || spread.is_empty() {
        opinion.unclear("the cells were not seen to differ: 0x373 tells, or the imbalance is too small");
        return;
    }
    let cvl = scene.series(Channel::Cvl);
    let quietest = scene.quiet(full).into_iter().max_by_key(|w| w.length()).unwrap_or(full);
    let end = quietest.last(CONVERGE_TIME);
    if end.length() < END_LEAST {
        opinion.unclear("no 20 minutes without a disturbance while full: whether CVL converges is not seen");
        return;
    }
    if !scene.hears(opinion, &[Channel::Cvl, Channel::MaxCell], &[end]) {
        return;
    }
    let Some((low, high)) = extremes(cvl, &[end]) else { return };
    let moved = Volts(high - low);
    let turns = swings(cvl, &[end], scene.subject.thresholds.dead_band.limit).reversals;
    let trend = VoltsPerHour(slope(cvl, end).unwrap_or(0.0));
    opinion
        .show(Evidence::fact("movement of CVL at the end", format!("{:.1} V", moved.0)).within(end))
        .show(
            Evidence::fact("turns of CVL at the end", turns.to_string())
                .against(format!("≤ {CONVERGE_TURNS}"))
                .within(end),
        )
        .show(Evidence::fact("trend of CVL at the end", format!("{:.2} V/h", trend.0)).within(end));
    let battery = scene.subject.battery;
    let converged = battery.of_system(CONVERGED);
    let falling = FALLING * battery.share_of_48_v();
    // A slow rise is the recovery that is asked for; turning or falling on is not converging.
    if turns > CONVERGE_TURNS || (moved > converged && trend < VoltsPerHour(falling)) {
        opinion.fail(format!(
            "with cells {:.0} mV apart CVL does not converge: it moves by {:.1} V and turns {turns} times in the last {}",
            widest * 1000.0,
            moved.0,
            end.about()
        ));
        return;
    }
    let last = spread.last().map_or(widest, |s| s.1);
    let lowest = extremes(cvl, &[full]).map_or(low, |(lowest, _)| lowest);
    let held = mean(cvl, &[end]).unwrap_or(low);
    let soc = scene.series(Channel::Soc).at(end.from).unwrap_or(100.0);
    if last < widest * AGAIN
        && soc < 99.0
        && held < (battery.max_charge_voltage - battery.of_system(BACK_AT_MOST)).0
    {
        opinion.fail(format!(
            "the cells are balanced again ({:.0} mV apart) at {soc:.0} % charge, and CVL stays at {held:.1} V: the battery never gets full",
            last * 1000.0
        ));
    } else if widest - last >= FALLS_LEAST.max(FALLS_SHARE * widest) || held >= lowest + CVL_STEP {
        opinion.pass(format!(
            "CVL converged at {held:.1} V while the cells went from {:.0} mV to {:.0} mV apart; its lowest was {lowest:.1} V",
            widest * 1000.0,
            last * 1000.0
        ));
    } else {
        opinion.unclear(format!(
            "CVL converged at {held:.1} V, but the imbalance did not fall in this case: whether CVL rises again was not seen"
        ));
    }
}

/// Whether the cells were seen to differ, in charge: what millivolts mean depends on the chemistry.
pub(super) fn differ(scene: &Scene<'_>, opinion: &mut Opinion) -> bool {
    let apart = scene.imbalance();
    let shown = apart.map_or_else(|| "unknown".to_owned(), |apart| format!("{:.1} % of capacity", apart.0));
    opinion.show(
        Evidence::fact("charge that the lowest cell lacked when the highest was full", shown)
            .against(format!("≥ {:.1} %", BALANCED.0)),
    );
    apart.is_some_and(|apart| apart >= BALANCED)
}

#[cfg(test)]
mod tests {
    use super::super::staged::{FULL, Stage, check, good};
    use crate::trace::Channel;
    use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
    use rstest::rstest;

    fn imbalanced(falls_to: f64) -> Stage {
        good()
            .shaped(Channel::MinCell, move |t, _| 3.455 - if t < 6000 { 0.080 } else { falls_to })
            .shaped(Channel::Cvl, |t, v| if t > FULL && t < 4500 { v - 0.3 } else { v })
    }

    #[rstest]
    #[case(imbalanced(0.060), Pass)]
    #[case(good(), Inconclusive)]
    #[case(good().deaf(Channel::MinCell), Inconclusive)]
    #[case(imbalanced(0.080).shaped(Channel::Cvl, |t, _| if t > FULL { 54.9 } else { 56.8 }), Inconclusive)]
    #[case(imbalanced(0.060).shaped(Channel::Cvl, |t, v| if t / 300 % 2 == 0 { v - 0.5 } else { v }), Fail)]
    #[case(imbalanced(0.010).shaped(Channel::Cvl, |t, _| if t > FULL { 54.0 } else { 56.8 }).shaped(Channel::Soc, |_, _| 80.0), Fail)]
    fn imbalance(#[case] stage: Stage, #[case] expected: Outcome) {
        check(&stage, "CVL-10", expected);
    }

    #[test]
    fn a_battery_that_lowers_cvl_long_before_it_is_full_passes_nothing_about_being_full() {
        let early = good()
            .shaped(Channel::Soc, |_, soc| soc.min(96.0))
            .shaped(Channel::MaxCell, |_, _| 3.34)
            .shaped(Channel::Cvl, |t, v| if t > FULL { 53.3 } else { v })
            .shaped(Channel::PackVoltage, |_, v| v.min(53.3));
        for id in ["BEH-FI", "CVL-02", "CVL-06", "CVL-07", "CCL-02"] {
            let verdict = early.verdict(id);
            assert_eq!(verdict.outcome, Inconclusive, "{id}: {}", verdict.reason);
            assert!(verdict.reason.contains("never was full"), "{id}: {}", verdict.reason);
        }
        let stuck = early.verdict("CVL-10");
        assert_eq!(stuck.outcome, Fail, "{}", stuck.reason);
    }

    #[test]
    fn one_high_cell_makes_a_battery_full_whatever_its_state_of_charge() {
        let high = good().shaped(Channel::Soc, |_, soc| soc.min(96.0));
        assert_eq!(high.verdict("BEH-FI").outcome, Pass, "{}", high.verdict("BEH-FI").reason);
    }
}
