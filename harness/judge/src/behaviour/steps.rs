//! CVL-08 and CVL-09: a bus above CVL, and steps of load and sun.

use proto::quantity::Micros;

use super::scene::Scene;
use crate::metrics::{Lift, Shift, excess, steps, swings};
use crate::thresholds::Stands;
use crate::thresholds::fixed::{CVL_STEP, HUNTING, STEP_END, STEP_SEEN, TRIP_LAG};
use crate::trace::Channel;
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about, mean, stretches};

/// CVL-08: *"Ensure that the battery/BMS can handle this situation"*, a DC bus at CVL + 0.4 V (P 1.5.3.3).
pub(crate) fn survives_a_high_bus(scene: &Scene<'_>, opinion: &mut Opinion) {
    let Some(window) = scene.since_full else {
        let _ = scene.at_full(opinion);
        return;
    };
    let thresholds = &scene.subject.thresholds;
    let lift = Lift::of(scene.subject.battery, thresholds.excess_band.limit);
    let found = excess(scene.trace, window, lift);
    let near = format!("near {lift}, within {}", lift.band);
    opinion.show(
        Evidence::fact(format!("M11 time with the DC bus {near}"), about(found.time).to_string())
            .against(format!("≥ {}", thresholds.excess_time.limit))
            .within(window),
    );
    let hit = found.windows.iter().map(|w| Window::new(w.from, w.to + TRIP_LAG));
    let trips: Vec<_> = hit.flat_map(|w| scene.trips(w)).collect();
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
    } else if thresholds.excess_time.stands(found.time) != Stands::Within {
        opinion.unclear(format!(
            "the DC bus stood {near}, for {} only, {} is needed",
            about(found.time),
            thresholds.excess_time.limit
        ));
    } else {
        opinion.pass(format!("the DC bus stood {near}, for {} and nothing tripped", about(found.time)));
    }
}

/// CVL-09: after a step of load or sun CVL settles, without overshoot (P 1.5.3).
pub(crate) fn settles(scene: &Scene<'_>, opinion: &mut Opinion) {
    let Some(full) = scene.at_full(opinion) else { return };
    let cvl = scene.series(Channel::Cvl);
    let thresholds = &scene.subject.thresholds;
    let band = thresholds.dead_band.limit;
    let mut judged = 0;
    let (mut slowest, mut most_turns) = ((Micros::ZERO, full), (0, full));
    let once = scene.shifted_once(full);
    let steps_of_plant = scene.after_disturbances(full).into_iter().filter(|(d, _)| d.is_step());
    for window in steps_of_plant.filter_map(|(_, w)| Shift::all_before(&once, w)) {
        if window.length() < STEP_SEEN {
            continue;
        }
        let Some(settled) = mean(cvl, &[window.last(STEP_END)]) else { continue };
        judged += 1;
        let outside = |v: f64| (v - settled).abs() > band.0 + CVL_STEP / 2.0;
        let moving = stretches([cvl], window).filter(|s| outside(s.values[0])).map(|s| s.window.to);
        let took = moving.last().map_or(Micros::ZERO, |at| about(at.since(window.from)));
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
        thresholds.cvl_settling,
        slowest.1,
        "CVL takes too long to settle after a step",
    );
    opinion.show(
        Evidence::fact("most turns of CVL after one step", most_turns.0.to_string())
            .against(format!("≤ {HUNTING}"))
            .within(most_turns.1),
    );
    if most_turns.0 > HUNTING {
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
            scene.of_system(thresholds.step),
            window,
            "CVL jumps up in one step",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::staged::{Stage, check, good};
    use crate::trace::Channel;
    use crate::verdict::Outcome::{Fail, Inconclusive, Pass};

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
        // Settled within the minute, but to and fro in it.
        let brief = good().shaped(Channel::Cvl, |t, v| {
            if t > 6600 && (t - 6600) % 600 < 50 && t / 5 % 2 == 0 { v - 0.4 } else { v }
        });
        let verdict = brief.verdict("CVL-09");
        assert!(verdict.outcome == Fail && verdict.reason.contains("turned"), "{}", verdict.reason);
        let jump = good().shaped(Channel::Cvl, |t, v| if (4000..4100).contains(&t) { v - 1.2 } else { v });
        check(&jump, "CVL-09", Fail);
    }
}
