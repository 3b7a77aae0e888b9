//! BEH-AC: a big AC load is dropped off-grid while the battery is full and the sun shines (P 1.5.4).

use proto::quantity::{Amps, Micros, Volts, Watts};
use proto::stimulus::Stimulus;

use super::scene::Scene;
use crate::thresholds::fixed::{AFTER_DROP, BEFORE_DROP, BIG_LOAD, DROP_SEEN, PRODUCING};
use crate::trace::{Channel, EventKind};
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about, extremes, times};

/// A load that was dropped.
struct Drop {
    power: Watts,
    /// until the next change of the load
    after: Window,
}

/// BEH-AC: *"The solution for a stable system is to make sure to not too quickly switch the battery off on cell over
/// voltage"*.
pub(crate) fn bears_a_dropped_load(scene: &Scene<'_>, opinion: &mut Opinion) {
    let drops = drops(scene);
    if drops.is_empty() {
        opinion.unclear(format!(
            "no load of {:.0} or more was dropped off-grid while the battery was full and the sun shone",
            big(scene)
        ));
        return;
    }
    let channels = [Channel::PackCurrent, Channel::BusVoltage, Channel::InverterRunning];
    for drop in &drops {
        if drop.after.length() < DROP_SEEN {
            let seen = drop.after.about();
            opinion.unclear(format!("only {seen} were seen after the drop at {}", about(drop.after.from)));
        } else if scene.hears(opinion, &channels, &[drop.after]) {
            opinion.part(|opinion| judge(scene, opinion, drop));
        }
    }
}

fn drops(scene: &Scene<'_>) -> Vec<Drop> {
    let switched: Vec<(Micros, Watts)> = scene
        .trace
        .events
        .iter()
        .filter_map(|e| {
            if let EventKind::Stimulus(Stimulus::AcLoad(w)) = &e.kind { Some((e.at, *w)) } else { None }
        })
        .collect();
    let ends = switched.iter().skip(1).map(|s| s.0).chain([scene.whole.to]);
    let big = big(scene);
    switched
        .iter()
        .zip(ends)
        .filter_map(|(&(at, left), end)| {
            // What was read at the same moment may show the load gone already.
            let before = Watts(scene.series(Channel::AcLoads).at(Micros(at.0.checked_sub(1)?))?);
            let power = before - left;
            let qualifies =
                power >= big && is_off_grid(scene, at) && is_full(scene, at) && is_sunny(scene, at);
            qualifies.then_some(Drop { power, after: Window::new(at, end.min(at + AFTER_DROP)) })
        })
        .collect()
}

/// A load that leaves much to charge with: for the inverter, or for a battery that takes less than that.
fn big(scene: &Scene<'_>) -> Watts {
    scene.subject.site.inverter_power.min(scene.subject.battery.charge_power()) * BIG_LOAD
}

fn is_off_grid(scene: &Scene<'_>, at: Micros) -> bool {
    scene.series(Channel::GridConnected).at(at).is_some_and(|on| on < 0.5)
}

fn is_full(scene: &Scene<'_>, at: Micros) -> bool {
    let lately = Window::new(Micros(at.0.saturating_sub(BEFORE_DROP.0)), at);
    scene.short_of_full(lately).is_none()
}

/// On the DC side, or on the AC side, where the GX does not tell what is produced.
fn is_sunny(scene: &Scene<'_>, at: Micros) -> bool {
    let ac = scene.trace.events.iter().take_while(|e| e.at <= at).filter_map(|e| match &e.kind {
        EventKind::Stimulus(Stimulus::AcPv(watts)) => Some(*watts),
        _ => None,
    });
    let dc = scene.series(Channel::PvPower).at(at).map(Watts);
    let least = scene.subject.battery.telling(PRODUCING);
    dc.is_some_and(|w| w >= least) || ac.last().is_some_and(|w| w >= least)
}

fn judge(scene: &Scene<'_>, opinion: &mut Opinion, drop: &Drop) {
    let at = about(drop.after.from);
    let what = format!("{:.0} dropped at {at}", drop.power);
    let current = scene.series(Channel::PackCurrent);
    let charging =
        times([current], drop.after, |[amps]| amps > 1.0).iter().fold(0.0, |sum, w| sum + w.secs());
    if let Some((_, most)) = extremes(current, &[drop.after]) {
        let value = format!("up to {:.0}, for {charging:.0} s in all", Amps(most));
        opinion.show(Evidence::fact(format!("{what}: charge that went on"), value).within(drop.after));
    }
    let mut good = true;
    if let Some(trip) = scene.trips(drop.after).into_iter().find(|t| t.how.convicts()) {
        good = false;
        let after = about(trip.window.from.since(drop.after.from));
        opinion.prove(Evidence::fact(format!("{what}: trip"), trip.how.to_string()).within(trip.window));
        let word = if trip.how.is_disconnect() { "switches off" } else { "raises an over-voltage alarm" };
        opinion.fail(format!("the battery {word} {after} after {what}: {}", trip.how));
    }
    good &= bus_stays_low(scene, opinion, drop, &what);
    let last = Micros(drop.after.to.0.saturating_sub(1));
    if scene.series(Channel::InverterRunning).at(last).is_some_and(|on| on < 0.5) {
        good = false;
        opinion.fail(format!("the inverter is off {} after {what}", drop.after.about()));
    }
    if good {
        opinion.pass(format!("{what}: the battery bears the charge that goes on"));
    }
}

/// When a switch opens under charge, the current has nowhere to go: 60.8 V were seen on the bus of a 48 V system.
fn bus_stays_low(scene: &Scene<'_>, opinion: &mut Opinion, drop: &Drop, what: &str) -> bool {
    let Some((_, highest)) = extremes(scene.series(Channel::BusVoltage), &[drop.after]) else { return true };
    let above = Volts(highest) - scene.subject.battery.max_charge_voltage;
    Scene::at_most(
        opinion,
        &format!("{what}: highest DC bus above the declared charge voltage"),
        above.max(Volts::ZERO),
        scene.of_system(scene.subject.thresholds.bus_rise),
        drop.after,
        &format!("{what}: the DC bus rises too far above the declared charge voltage"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::staged::{Stage, good};
    use super::*;
    use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
    use rstest::rstest;

    const DROP: u64 = 5000;

    /// A full battery off-grid: 3 kW of load for 10 minutes, then nothing while the sun goes on.
    fn dumped() -> Stage {
        let loaded = |t: u64| (DROP - 600..DROP + 1).contains(&t);
        let mut stage = good()
            .shaped(Channel::GridConnected, |_, _| 0.0)
            .shaped(Channel::AcLoads, move |t, _| if loaded(t) { 3000.0 } else { 0.0 })
            .shaped(Channel::PvPower, |_, _| 3000.0)
            .shaped(Channel::Alarms, |_, _| 0.0);
        stage.note(DROP - 600, EventKind::Stimulus(Stimulus::AcLoad(Watts(3000.0))));
        stage.note(DROP, EventKind::Stimulus(Stimulus::AcLoad(Watts::ZERO)));
        stage
    }

    fn from(t: u64, value: f64) -> impl Fn(u64, f64) -> f64 {
        move |now, before| if now >= t { value } else { before }
    }

    #[rstest]
    #[case(dumped(), Pass)]
    #[case(dumped().shaped(Channel::Online, from(DROP + 5, 0.0)), Fail)]
    #[case(dumped().shaped(Channel::Alarms, from(DROP + 5, 2.0)), Fail)]
    #[case(dumped().shaped(Channel::BusVoltage, |t, v| if t == DROP + 4 { 60.8 } else { v }), Fail)]
    #[case(dumped().shaped(Channel::BusVoltage, |t, v| if t == DROP + 4 { 57.4 } else { v }), Pass)]
    #[case(dumped().shaped(Channel::InverterRunning, from(DROP + 9, 0.0)), Fail)]
    #[case(dumped().shaped(Channel::GridConnected, |_, _| 1.0), Inconclusive)]
    #[case(dumped().shaped(Channel::PvPower, |_, _| 0.0), Inconclusive)]
    #[case(dumped().shaped(Channel::AcLoads, |_, v| v / 2.0), Inconclusive)]
    #[case(dumped().shaped(Channel::Soc, |_, _| 80.0).shaped(Channel::MaxCell, |_, _| 3.33), Inconclusive)]
    #[case::read_at_the_same_moment(
        dumped().shaped(Channel::AcLoads, |t, v| if t == DROP { 0.0 } else { v }), Pass)]
    #[case(dumped().silent_after(Channel::BusVoltage, DROP), Inconclusive)]
    #[case(good(), Inconclusive)]
    fn a_dropped_load(#[case] stage: Stage, #[case] expected: Outcome) {
        let verdict = stage.verdict("BEH-AC");
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }
}
