//! BEH-FI, BEH-IM and BEH-XP: the tests of P 1.5.3.1 to P 1.5.3.3.

use proto::quantity::{Micros, Watts};
use proto::stimulus::Stimulus;

use super::imbalance::differ;
use super::scene::{Scene, shown};
use crate::metrics::{Excess, Lift, Shift, curtailed, excess, ripple, settling};
use crate::thresholds::Stands;
use crate::thresholds::fixed::{BALANCED, BEFORE_STEP, CURTAILED_TIME, SUN};
use crate::trace::{Channel, EventKind};
use crate::verdict::{Evidence, Opinion, Sign};
use crate::window::{Window, about, common, hours, mean, stretches, times};

/// BEH-FI: *"1. the battery does not switch off in an over-voltage error; 2. solar power is fed back into the grid, in
/// a stable manner; 3. system can handle switching on and off of sizeable AC loads"* (P 1.5.3.1).
pub(crate) fn feeds_in(scene: &Scene<'_>, opinion: &mut Opinion) {
    never_trips(scene, opinion);
    let Some(full) = scene.at_full(opinion) else { return };
    let channels = [Channel::GridPower, Channel::PvPower, Channel::GridConnected, Channel::FeedIn];
    if !scene.hears(opinion, &channels, &[full]) {
        return;
    }
    scene.watched(opinion, full);
    exports_steadily(scene, opinion, full);
    settles_after_steps(scene, opinion, full);
    uses_the_sun(scene, opinion, full);
}

/// BEH-IM: the same with one cell charged above the others (P 1.5.3.2).
pub(crate) fn feeds_in_with_imbalance(scene: &Scene<'_>, opinion: &mut Opinion) {
    let asked = scene.subject.imbalance >= BALANCED
        || scene
            .trace
            .events
            .iter()
            .any(|e| matches!(&e.kind, EventKind::Stimulus(Stimulus::Imbalance(share)) if share.0 > 0.0));
    let pair = [scene.series(Channel::MaxCell), scene.series(Channel::MinCell)];
    let widest = stretches(pair, scene.whole).map(|s| s.values[0] - s.values[1]).fold(0.0, f64::max);
    opinion.show(Evidence::fact(
        "widest difference between highest and lowest cell",
        format!("{:.0} mV", widest * 1000.0),
    ));
    if !differ(scene, opinion) && !asked {
        opinion.unclear(format!(
            "no imbalance was seen: the cells never differed by {:.1} % of charge, or 0x373 is not sent",
            BALANCED.0
        ));
    }
    feeds_in(scene, opinion);
}

/// BEH-XP: *"The DC voltage on the battery terminals of the inverter/charger is expected to rise to CVL + 0.4V. Ensure
/// that the battery/BMS can handle this situation"* (P 1.5.3.3).
pub(crate) fn copes_with_excess(scene: &Scene<'_>, opinion: &mut Opinion) {
    never_trips(scene, opinion);
    let thresholds = &scene.subject.thresholds;
    let window = scene.since_full.unwrap_or(scene.whole);
    if !scene.hears(opinion, &[Channel::BusVoltage, Channel::Cvl, Channel::PvPower], &[window]) {
        return;
    }
    let lift = Lift::of(scene.subject.battery, thresholds.excess_band.limit);
    let found = excess(scene.trace, window, lift);
    // Chargers that have stopped leave the bus where it was: that is nothing to cope with.
    let least = scene.subject.battery.telling(Watts(SUN));
    let sunny = times([scene.series(Channel::PvPower)], window, |[pv]| pv >= least.0);
    let both = common(&found.windows, &sunny);
    let found = Excess { time: Micros(both.iter().map(|w| w.length().0).sum()), windows: both, ..found };
    opinion
        .show(
            Evidence::fact(
                format!("M11 time with the DC bus at {lift}, within {}", lift.band),
                about(found.time).to_string(),
            )
            .against(format!("≥ {}", thresholds.excess_time.limit))
            .within(window)
            .measured(found.time, thresholds.excess_time),
        )
        .show(Evidence::fact("M11 highest DC bus above CVL", format!("{:.2} V", found.highest.0)));
    scene.keeps_cells_below(opinion, &[window], window);
    if thresholds.excess_time.stands(found.time) != Stands::Within {
        opinion.unclear(format!(
            "the DC bus stood near {lift} for {} only, {} of it with sun is needed: is there more PV than the inverter may feed back, and does it flow?",
            about(found.time), thresholds.excess_time.limit
        ));
    } else {
        opinion.pass(format!("the DC bus stood at {lift} for {} and the battery coped", about(found.time)));
    }
}

/// M1: no disconnect and no high-voltage alarm in the whole case.
fn never_trips(scene: &Scene<'_>, opinion: &mut Opinion) {
    let (found, doubtful): (Vec<_>, Vec<_>) =
        scene.trips(scene.whole).into_iter().partition(|t| t.how.convicts());
    opinion.show(
        Evidence::fact("M1 disconnects and high-voltage alarms", found.len().to_string())
            .against("none")
            .within(scene.whole),
    );
    for trip in found.iter().take(5) {
        opinion.show(Evidence::fact("M1 trip", trip.how.to_string()).against("none").within(trip.window));
    }
    for trip in doubtful.iter().take(5) {
        opinion.show(Evidence::fact("M1 doubtful", trip.how.to_string()).against("none").within(trip.window));
    }
    match found.first().or(doubtful.first()) {
        Some(trip) if !trip.how.convicts() => {
            opinion.unclear(format!(
                "whether the battery switched off at {} is not certain: {}; measure on both sides of the main switch",
                about(trip.window.from),
                trip.how
            ));
        }
        Some(trip) => {
            let word = if trip.how.is_disconnect() { "switched off" } else { "raised an over-voltage alarm" };
            opinion.fail(format!("the battery {word} at {}: {}", about(trip.window.from), trip.how));
        }
        None if scene.whole.length() == Micros::ZERO => {
            opinion.unclear("nothing was recorded");
        }
        None => {
            opinion.pass("the battery never switched off");
        }
    }
}

/// M8: the spread of the export while nothing is switched.
fn exports_steadily(scene: &Scene<'_>, opinion: &mut Opinion, full: Window) {
    let thresholds = &scene.subject.thresholds;
    let pair = [scene.series(Channel::GridConnected), scene.series(Channel::FeedIn)];
    let on: Vec<Window> = scene
        .quiet(full)
        .into_iter()
        .flat_map(|w| times(pair, w, |[grid, feed]| grid > 0.5 && feed > 0.5))
        .collect();
    let observed = Micros((hours(&on) * 3.6e9) as u64);
    if observed < thresholds.observation.limit {
        opinion.unclear(format!(
            "feed-in of the full battery was seen undisturbed for {} only, {} is needed",
            about(observed),
            thresholds.observation.limit
        ));
    }
    let least = scene.subject.battery.telling(thresholds.export.limit);
    match ripple(scene.trace, &on, least) {
        Some(found) => {
            opinion
                .show(
                    Evidence::fact("mean power fed into the grid", format!("{:.0} W", found.exported.0))
                        .within(full)
                        .tells(Sign::Export(found.exported)),
                )
                .show(
                    Evidence::fact("M8 tracker scans left out of the spread", found.scans.to_string())
                        .against("60 s apart or more")
                        .within(full),
                );
            let complaint = "solar power is not fed into the grid in a stable manner; spread over mean";
            Scene::at_most(
                opinion,
                "M8 spread of the exported power over its mean",
                found.share,
                thresholds.export_ripple,
                full,
                complaint,
            );
        }
        None => {
            opinion.unclear(format!(
                "less than {least} was fed into the grid on average: whether it is stable was not seen"
            ));
        }
    }
}

/// M8, M10: the export settles after each step, and no cell comes near its disconnect voltage.
fn settles_after_steps(scene: &Scene<'_>, opinion: &mut Opinion, full: Window) {
    let thresholds = &scene.subject.thresholds;
    let on_grid = |w: Window| {
        scene.series(Channel::GridConnected).at(w.to).is_some_and(|on| on > 0.5)
            && scene.series(Channel::GridConnected).at(w.from).is_some_and(|on| on > 0.5)
    };
    let after = scene.after_disturbances(full);
    let loads = after.iter().filter(|(d, _)| d.is_load()).count();
    let steps = after.iter().filter(|(d, w)| d.is_step() && on_grid(*w));
    let (glutted, fair): (Vec<_>, Vec<_>) = steps.partition(|(d, _)| is_glut(scene, d.window.from));
    if !glutted.is_empty() {
        opinion.show(
            Evidence::fact("M8 steps out of more sun than the grid may take", glutted.len().to_string())
                .against("their settling is not judged")
                .within(full),
        );
    }
    let once = scene.shifted_once(full);
    for once in &once {
        opinion.show(
            Evidence::fact("M8 shift of CVL that happened once", shown(once.by))
                .against("no answer to the steps")
                .within(once.window),
        );
    }
    let found: Vec<_> =
        fair.iter().filter_map(|(_, w)| settling(scene.trace, Shift::all_before(&once, *w)?)).collect();
    if let Some(slowest) = found.iter().max_by_key(|s| s.time) {
        let what = format!("M8 slowest settling of the grid power after {} steps", found.len());
        let complaint = "the power fed into the grid takes too long to settle after a step";
        let scans: usize = found.iter().map(|s| s.scans).sum();
        opinion.show(
            Evidence::fact("M8 tracker scans left out of the settling", scans.to_string())
                .against("60 s apart or more")
                .within(full),
        );
        Scene::at_most(opinion, &what, about(slowest.time), thresholds.settling, slowest.window, complaint);
    }
    opinion.show(Evidence::fact("loads switched while full", loads.to_string()).within(full));
    scene.keeps_cells_below(opinion, &[full], full);
}

/// Whether there was more sun than loads and grid take, just before a moment: the solar chargers then hold the bus up
/// to 0.4 V above CVL, on a 48 V system. A step that ends this lets the battery give back what it took above CVL, which decays over
/// minutes as its cells relax and is no doing of its management system (P 1.5.3.3).
fn is_glut(scene: &Scene<'_>, at: Micros) -> bool {
    let before = [Window::new(Micros(at.0.saturating_sub(BEFORE_STEP.0)), at)];
    let bus = mean(scene.series(Channel::BusVoltage), &before);
    let half = Lift::of(scene.subject.battery, scene.subject.thresholds.excess_band.limit).offset / 2.0;
    bus.zip(mean(scene.series(Channel::Cvl), &before)).is_some_and(|(bus, cvl)| bus - cvl > half.0)
}

/// M9: PV is not curtailed while the inverter has room.
fn uses_the_sun(scene: &Scene<'_>, opinion: &mut Opinion, full: Window) {
    let Some((share, time)) = curtailed(scene.trace, &scene.quiet(full), &scene.subject.site) else {
        opinion
            .show(Evidence::fact("M9 time in which the inverter had room for all PV", "none").within(full));
        return;
    };
    if time < CURTAILED_TIME {
        return;
    }
    Scene::at_most(
        opinion,
        "M9 share of the available PV that was not used while the inverter had room",
        share,
        scene.subject.thresholds.curtailment,
        full,
        "PV is curtailed although the inverter has room; unused share",
    );
}

#[cfg(test)]
mod tests {
    use super::super::staged::{Stage, check, declared, good};
    use super::*;
    use crate::battery::Battery;
    use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
    use proto::quantity::{Amps, Volts};
    use rstest::rstest;

    /// A current regulated around zero.
    fn resting(t: u64, i: f64) -> f64 {
        if (4000..5000).contains(&t) { 0.0 } else { i }
    }
    /// No current, and a bus 2 V above the battery.
    fn parting() -> Stage {
        good()
            .shaped(Channel::PackCurrent, resting)
            .shaped(Channel::BusVoltage, |t, v| if (4000..5000).contains(&t) { 57.2 } else { v })
    }

    /// PV dips for 3 s every so often, and the export with it.
    fn dipping(every: u64) -> Stage {
        let dip = move |t: u64, p: f64| if t % every < 3 { p * 0.3 } else { p };
        good().shaped(Channel::PvPower, dip).shaped(Channel::GridPower, dip)
    }
    #[test]
    fn the_scans_left_out_are_counted() {
        let evidence = dipping(600).verdict("BEH-FI").evidence;
        let scans = evidence.iter().find(|e| e.what == "M8 tracker scans left out of the spread");
        assert!(scans.is_some_and(|e| e.value != "0"), "{evidence:#?}");
    }

    #[rstest]
    #[case(good(), Pass)]
    #[case(good().cut(4500), Inconclusive)]
    #[case(good().deaf(Channel::GridPower), Inconclusive)]
    #[case(good().shaped(Channel::FeedIn, |_, _| 0.0), Inconclusive)]
    #[case(good().shaped(Channel::GridPower, |_, p| p / 50.0), Inconclusive)]
    #[case(good().shaped(Channel::Online, |t, v| if t == 5000 { 0.0 } else { v }), Fail)]
    #[case(good().shaped(Channel::Alarms, |t, v| if t == 2000 { 2.0 } else { v }), Fail)]
    #[case(good().shaped(Channel::GxBattery, |t, v| if t > 5000 { 0.0 } else { v }), Fail)]
    #[case(good().shaped(Channel::GridPower, |t, p| if t / 30 % 2 == 0 { p * 1.2 } else { p * 0.8 }), Fail)]
    #[case(good().shaped(Channel::PvPower, |_, p| p * 0.9), Fail)]
    #[case(dipping(20), Fail)]
    #[case(dipping(600), Pass)]
    #[case(good().shaped(Channel::PackVoltage, |_, v| v + 1.5).shaped(Channel::PackCurrent, resting), Pass)]
    #[case(parting(), Inconclusive)]
    #[case(parting().deaf(Channel::Online), Fail)]
    #[case(good().shaped(Channel::MaxCell, |t, v| if t == 5000 { 3.64 } else { v }), Fail)]
    fn feed_in(#[case] stage: Stage, #[case] expected: Outcome) {
        check(&stage, "BEH-FI", expected);
    }

    /// After a load is switched on, CVL and with it the export need 3 minutes to come down.
    #[rstest]
    #[case(55.2, Fail)]
    #[case(55.6, Pass)]
    fn a_step_out_of_too_much_sun_need_not_settle(#[case] bus: f64, #[case] expected: Outcome) {
        let mut stage = good()
            .shaped(Channel::GridPower, |t, p| match t {
                5000..5180 => -1800.0,
                5180..5400 => -800.0,
                _ => p,
            })
            .shaped(Channel::Cvl, |t, v| match t {
                5060..5180 => v - 0.1,
                5180..5400 => v - 0.3,
                _ => v,
            })
            .shaped(Channel::BusVoltage, move |t, v| if (4000..5000).contains(&t) { bus } else { v });
        for (at, load) in [(5000, 2000.0), (5400, 0.0)] {
            stage.note(at, EventKind::Stimulus(Stimulus::AcLoad(Watts(load))));
        }
        check(&stage, "BEH-FI", expected);
    }

    /// A way down of 0.3 V, so long after it began.
    fn way_down(since: u64) -> f64 {
        0.1 * (since / 60 + 1).min(3) as f64
    }

    /// A load is switched each five minutes, and 58 s later CVL begins a way down of two minutes, and the export with it.
    #[rstest]
    #[case::once_for_good(|t| if t >= 4258 { way_down(t - 4258) } else { 0.0 }, Pass)]
    #[case::once_for_a_while(|t| if (4258..5000).contains(&t) { way_down(t - 4258) } else { 0.0 }, Fail)]
    #[case::each_time(|t| if t % 300 >= 58 { way_down(t % 300 - 58) } else { 0.0 }, Fail)]
    #[case::further_each_time(|t| {
        (0..8).map(|k| 4258 + 300 * k).filter(|&at| t >= at).map(|at| way_down(t - at)).sum()
    }, Fail)]
    fn a_lowering_that_happens_once_is_no_answer_to_steps(
        #[case] lowered: fn(u64) -> f64,
        #[case] expected: Outcome,
    ) {
        let fallen = move |t: u64| if t < 4200 { 0.0 } else { lowered(t.min(6599)) };
        let export = move |t: u64, p: f64| {
            let load = if (4200..6600).contains(&t) && (t / 300).is_multiple_of(2) { 1500.0 } else { 0.0 };
            let given_back = 4000.0 * (fallen(t) - fallen(t - 24.min(t)));
            if p < 0.0 { p + load - given_back } else { p }
        };
        let mut stage =
            good().shaped(Channel::Cvl, move |t, v| v - fallen(t)).shaped(Channel::GridPower, export);
        for k in 0..8 {
            let load = if k % 2 == 0 { 1500.0 } else { 0.0 };
            stage.note(4200 + 300 * k, EventKind::Stimulus(Stimulus::AcLoad(Watts(load))));
        }
        check(&stage, "BEH-FI", expected);
    }

    #[test]
    fn imbalance_must_be_seen() {
        check(&good(), "BEH-IM", Inconclusive);
        let imbalanced = good().shaped(Channel::MinCell, |_, _| 3.36);
        check(&imbalanced, "BEH-IM", Pass);
        check(&imbalanced.shaped(Channel::Online, |t, v| if t == 5000 { 0.0 } else { v }), "BEH-IM", Fail);
    }

    /// What the bus stands above CVL for half an hour, and what is enough on the system of the battery.
    #[rstest]
    #[case::at_48_v(56.8, 0.3, Pass)]
    #[case::too_low_at_48_v(56.8, 0.15, Inconclusive)]
    #[case::at_24_v(28.4, 0.2, Pass)]
    #[case::too_low_at_24_v(28.4, 0.08, Inconclusive)]
    #[case::lifted_further_at_24_v(28.4, 0.4, Pass)]
    #[case::at_12_v(14.2, 0.1, Pass)]
    #[case::too_low_at_12_v(14.2, 0.04, Inconclusive)]
    fn excess_pv_lifts_the_bus_by_the_system(
        #[case] charge: f64,
        #[case] lift: f64,
        #[case] expected: Outcome,
    ) {
        let high = good()
            .shaped(Channel::BusVoltage, |t, v| if (4000..6000).contains(&t) { 55.2 + lift } else { v });
        let battery = Battery { max_charge_voltage: Volts(charge), ..declared() };
        for id in ["BEH-XP", "CVL-08"] {
            let verdict = high.verdict_on(id, &battery);
            assert_eq!(verdict.outcome, expected, "{id}: {}", verdict.reason);
        }
    }

    #[test]
    fn excess_pv() {
        check(&good(), "BEH-XP", Inconclusive);
        let high =
            good().shaped(Channel::BusVoltage, |t, v| if (4000..6000).contains(&t) { 55.6 } else { v });
        check(&high, "BEH-XP", Pass);
        check(
            &high.clone().shaped(Channel::MaxCell, |t, v| if t == 5000 { 3.64 } else { v }),
            "BEH-XP",
            Fail,
        );
        // What the inverter may feed back of a small battery's sun is little; 100 W of 4 kW are a charger that stands nearly still.
        let little = high.clone().shaped(Channel::PvPower, |_, _| 100.0);
        let small = Battery { max_charge_current: Amps(7.0), ..declared() };
        assert_eq!(little.verdict_on("BEH-XP", &small).outcome, Pass);
        check(&little, "BEH-XP", Inconclusive);
        // Chargers that stand still leave the bus where it was.
        check(&high.clone().shaped(Channel::PvPower, |_, _| 0.0), "BEH-XP", Inconclusive);
        check(&high.shaped(Channel::Online, |t, v| if t == 5000 { 0.0 } else { v }), "BEH-XP", Fail);
    }
}
