//! CVL-08 to CVL-10: a bus above CVL, steps of load and sun, and cells that differ.

use proto::quantity::{Micros, Volts, VoltsPerHour};

use super::scene::Scene;
use crate::metrics::{LSB, OFFSET, excess, steps, swings, trips};
use crate::trace::Channel;
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about, extremes, mean, slope, stretches};

/// CVL-08: *"Ensure that the battery/BMS can handle this situation"*, a DC bus at CVL + 0.4 V (P 1.5.3.3).
pub(super) fn survives_a_high_bus(scene: &Scene<'_>, opinion: &mut Opinion) {
    let Some(window) = scene.since_full else {
        let _ = scene.at_full(opinion);
        return;
    };
    let thresholds = &scene.subject.thresholds;
    let found = excess(scene.trace, window, OFFSET - Volts(0.3));
    opinion.show(
        Evidence::fact("M11 time with the DC bus at CVL + 0.3 V or above", about(found.time).to_string())
            .against(format!("≥ {}", thresholds.excess_time.limit))
            .within(window),
    );
    // A battery trips some seconds after the voltage that made it trip.
    let hit = found.windows.iter().map(|w| Window::new(w.from, w.to + Micros::from_secs(30)));
    let trips: Vec<_> = hit.flat_map(|w| trips(scene.trace, w)).collect();
    let trip = trips.iter().find(|t| t.how.convicts()).or(trips.first());
    if let Some(trip) = trip.filter(|t| !t.how.convicts()) {
        opinion.show(Evidence::fact("M1 doubtful", trip.how.to_string()).against("none").within(trip.window));
        opinion.unclear(format!(
            "whether the battery switched off at {} is not certain: {}; measure on both sides of the main switch",
            about(trip.window.from),
            trip.how
        ));
    } else if let Some(trip) = trip {
        opinion.show(Evidence::fact("M1 trip", trip.how.to_string()).against("none").within(trip.window));
        opinion.fail(format!(
            "the battery does not stand a DC bus at CVL + {:.1} V: {} at {}",
            found.highest.0,
            trip.how,
            about(trip.window.from)
        ));
    } else if found.time < thresholds.excess_time.limit {
        opinion.unclear(format!(
            "the DC bus stood above CVL + 0.3 V for {} only, {} is needed",
            about(found.time),
            thresholds.excess_time.limit
        ));
    } else {
        opinion.pass(format!(
            "the DC bus stood above CVL + 0.3 V for {} and nothing tripped",
            about(found.time)
        ));
    }
}

/// More turns of CVL than these after one step are hunting.
const TURNS: usize = 3;

/// CVL-09: after a step of load or sun CVL settles, without overshoot (P 1.5.3).
pub(super) fn settles(scene: &Scene<'_>, opinion: &mut Opinion) {
    let Some(full) = scene.at_full(opinion) else { return };
    let cvl = scene.series(Channel::Cvl);
    let thresholds = &scene.subject.thresholds;
    let band = thresholds.dead_band.limit;
    let mut judged = 0;
    let (mut slowest, mut most_turns) = ((Micros::ZERO, full), (0, full));
    for (_, window) in scene.after_disturbances(full).into_iter().filter(|(d, _)| d.is_step()) {
        if window.length() < Micros::from_secs(90) {
            continue;
        }
        let Some(settled) = mean(cvl, &[window.last(Micros::from_secs(30))]) else { continue };
        judged += 1;
        let outside = |v: f64| (v - settled).abs() > band.0 + LSB / 2.0;
        let mut last =
            stretches([cvl], window).into_iter().filter(|s| outside(s.values[0])).map(|s| s.window.to);
        let took = last.next_back().map_or(Micros::ZERO, |at| about(at.since(window.from)));
        if took > slowest.0 {
            slowest = (took, window);
        }
        let turns = swings(cvl, &[window], band).reversals;
        if turns > most_turns.0 {
            most_turns = (turns, window);
        }
    }
    if judged == 0 {
        opinion.unclear("no load or PV was switched for 90 s or longer while the battery was full");
        return;
    }
    if !scene.hears(opinion, &[Channel::Cvl], &[full]) {
        return;
    }
    let what = format!("M10 slowest settling of CVL after {judged} steps");
    Scene::at_most(
        opinion,
        &what,
        slowest.0,
        thresholds.settling,
        slowest.1,
        "CVL takes too long to settle after a step",
    );
    opinion.show(
        Evidence::fact("most turns of CVL after one step", most_turns.0.to_string())
            .against(format!("≤ {TURNS}"))
            .within(most_turns.1),
    );
    if most_turns.0 > TURNS {
        opinion.fail(format!(
            "CVL turned {} times after one step, at {}",
            most_turns.0,
            about(most_turns.1.from)
        ));
    }
    if let Some((at, up)) = steps(cvl, &scene.near(&[full])).up {
        let window = Window::new(at, at);
        Scene::at_most(
            opinion,
            "M6 largest step of CVL up",
            up,
            thresholds.step,
            window,
            "CVL jumps up in one step",
        );
    }
}

/// Cells that differ by less than this are balanced as far as CVL is concerned.
const BALANCED: Volts = Volts(0.030);
/// CVL that moves less than this over the last half hour has converged.
const CONVERGED: Volts = Volts(0.3);

/// CVL-10: *"A control loop that dynamically determines the CVL works even better; especially in case of high
/// imbalance, which we see regularly in new installed systems"* (P 1.5.3).
pub(super) fn converges_under_imbalance(scene: &Scene<'_>, opinion: &mut Opinion) {
    if scene.full.is_some()
        && let Some(short) = scene.never_full()
    {
        opinion.fail(format!("CVL is held down without cause, so that the battery never gets full: {short}"));
        return;
    }
    let Some(full) = scene.at_full(opinion) else { return };
    let pair = [scene.series(Channel::MaxCell), scene.series(Channel::MinCell)];
    let spread: Vec<(Window, f64)> =
        stretches(pair, full).into_iter().map(|s| (s.window, s.values[0] - s.values[1])).collect();
    let widest = spread.iter().map(|s| s.1).fold(0.0, f64::max);
    opinion.show(
        Evidence::fact(
            "widest difference between highest and lowest cell",
            format!("{:.0} mV", widest * 1000.0),
        )
        .against(format!("≥ {:.0} mV", BALANCED.0 * 1000.0))
        .within(full),
    );
    if spread.is_empty() || widest < BALANCED.0 {
        opinion.unclear("the cells were not seen to differ: 0x373 tells, or the imbalance is too small");
        return;
    }
    let cvl = scene.series(Channel::Cvl);
    let quietest = scene.quiet(full).into_iter().max_by_key(|w| w.length()).unwrap_or(full);
    let end = quietest.last(Micros::from_secs(1800));
    if end.length() < Micros::from_secs(1200) {
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
        .show(Evidence::fact("turns of CVL at the end", turns.to_string()).against("≤ 2").within(end))
        .show(Evidence::fact("trend of CVL at the end", format!("{:.2} V/h", trend.0)).within(end));
    // A slow rise is the recovery that is asked for; turning or falling on is not converging.
    if turns > 2 || (moved > CONVERGED && trend < VoltsPerHour(-0.1)) {
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
    if last < BALANCED.0 && soc < 99.0 && held < scene.subject.battery.max_charge_voltage.0 - 1.0 {
        opinion.fail(format!(
            "the cells are balanced again ({:.0} mV apart) at {soc:.0} % charge, and CVL stays at {held:.1} V: the battery never gets full",
            last * 1000.0
        ));
    } else if widest - last >= 0.005 || held >= lowest + LSB {
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

#[cfg(test)]
mod tests {
    use super::super::staged::{FULL, Stage, good};
    use crate::trace::Channel;
    use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
    use rstest::rstest;

    fn check(stage: &Stage, id: &str, expected: Outcome) {
        let verdict = stage.verdict(id);
        assert_eq!(verdict.outcome, expected, "{id}: {} {:#?}", verdict.reason, verdict.evidence);
    }
    fn high_bus() -> Stage {
        good().shaped(Channel::BusVoltage, |t, v| if (4000..6000).contains(&t) { 55.6 } else { v })
    }

    #[test]
    fn a_high_bus_trips_nothing_or_something() {
        check(&high_bus(), "CVL-08", Pass);
        check(&good(), "CVL-08", Inconclusive);
        let alarmed =
            high_bus().shaped(Channel::Alarms, |t, _| if (5000..5060).contains(&t) { 2.0 } else { 0.0 });
        check(&alarmed, "CVL-08", Fail);
        let open = high_bus().shaped(Channel::Online, |t, v| if t > 5000 { 0.0 } else { v });
        check(&open, "CVL-08", Fail);
        let apart = high_bus()
            .shaped(Channel::PackVoltage, |t, v| if (5000..5060).contains(&t) { 54.0 } else { v })
            .shaped(Channel::PackCurrent, |t, i| if (5000..5060).contains(&t) { 0.0 } else { i });
        check(&apart, "CVL-08", Inconclusive);
        check(&apart.deaf(Channel::Online), "CVL-08", Fail);
    }

    #[test]
    fn cvl_settles_after_steps() {
        check(&good(), "CVL-09", Pass);
        check(&good().cut(6000), "CVL-09", Inconclusive);
        let slow = good().shaped(Channel::Cvl, |t, v| {
            if t > 6600 && (t - 6600) % 600 > 120 && (t - 6600) % 600 < 300 { v - 0.6 } else { v }
        });
        check(&slow, "CVL-09", Fail);
        let hunting =
            good().shaped(Channel::Cvl, |t, v| if t > 6600 && t / 20 % 2 == 0 { v - 0.4 } else { v });
        check(&hunting, "CVL-09", Fail);
        let jump = good().shaped(Channel::Cvl, |t, v| if (4000..4100).contains(&t) { v - 1.2 } else { v });
        check(&jump, "CVL-09", Fail);
    }

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
