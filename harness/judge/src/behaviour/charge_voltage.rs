//! CVL-02, CVL-03, CVL-04 and CVL-07: the charge voltage limit of a full battery, the heart of the specification (P 1.5.3).

use proto::message::AlarmKind;
use proto::quantity::{Amps, Micros, PerHour, Percent, Volts, VoltsPerHour};

use super::current_limits::protecting;
use super::scene::{Scene, shown};
use crate::metrics::{covered, cycle, pace, regularity, swings};
use crate::thresholds::Graded;
use crate::thresholds::fixed::{
    END_LEAST, INVERTER_CURRENT, RECOVERS, RISE_TIME, SLOW_STEP, STANDS, STIRRED,
};
use crate::trace::Channel;
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about, common, extremes, hours, mean, slope, times, without};

/// CVL-02: *"The solution is for the battery to lower its CVL setpoint as soon as it wants to reduce charge"*.
pub(crate) fn stops_charge_by_cvl(scene: &Scene<'_>, opinion: &mut Opinion) {
    let Some(full) = scene.at_full(opinion) else { return };
    let surplus = common(&[full], &covered(scene.trace, scene.whole));
    if hours(&surplus) < 1.0 / 6.0 {
        opinion.unclear("no excess PV for 10 minutes while the battery was full: nothing had to be stopped");
        return;
    }
    if !scene.hears(opinion, &[Channel::Cvl, Channel::Ccl], &surplus) {
        return;
    }
    let thresholds = &scene.subject.thresholds;
    let usable = scene.subject.battery.capacity.0 * thresholds.usable_ccl.limit.0 / 100.0;
    let ccl = scene.series(Channel::Ccl);
    // A battery that has tripped refuses charge for that, and what made it trip is judged by itself.
    let protecting = protecting(scene, scene.whole, u32::MAX);
    let short: Vec<Window> = surplus
        .iter()
        .flat_map(|&w| times([ccl], w, |[ccl]| ccl < usable))
        .flat_map(|w| without(w, &protecting))
        .collect();
    let outage = Percent(100.0 * hours(&short) / hours(&surplus));
    let lowest = extremes(ccl, &surplus).map_or(0.0, |(low, _)| low);
    Scene::at_most(
        opinion,
        &format!("time with CCL below {usable:.1} A while full and PV in excess"),
        outage,
        thresholds.ccl_outage,
        full,
        &format!(
            "the full battery stops charge by current: CCL falls to {lowest:.1} A, which curtails the solar chargers; lower CVL instead; share of the time"
        ),
    );
    if let Some(longest) = short.iter().max_by_key(|w| w.length())
        && longest.length() >= thresholds.outage.limit
    {
        let length = longest.about();
        opinion.prove(
            Evidence::fact(
                format!("longest time with CCL below {usable:.1} A while full"),
                length.to_string(),
            )
            .against(format!("< {}", thresholds.outage.limit))
            .within(*longest)
            .measured(longest.length(), thresholds.outage),
        );
        opinion.fail(format!(
            "the full battery stops charge by current at {} for {length}: a minute at a stretch is an outage, however rare; lower CVL instead",
            about(longest.from)
        ));
    }
    let bulk = extremes(scene.series(Channel::Cvl), &[Window::new(scene.whole.from, full.to)]);
    let (Some((_, bulk)), Some(held)) = (bulk, mean(scene.series(Channel::Cvl), &surplus)) else { return };
    let lowered = Volts(bulk - held);
    let graded = scene.of_system(thresholds.reduction);
    opinion.show(
        Evidence::fact("CVL below its highest value, mean while full", format!("{:.2} V", lowered.0))
            .against(format!("≥ {}", graded.limit))
            .within(full)
            .measured(lowered, graded),
    );
    if lowered >= graded.limit {
        opinion.pass(format!("CVL was lowered from {bulk:.1} V to {held:.1} V while full"));
    } else if let Some(current) = ended_by_voltage(scene, opinion, &surplus) {
        opinion.pass(format!(
            "CVL is held at {held:.1} V, the battery voltage reached it and the current ended by that ({current:.1} A on average)"
        ));
    } else {
        opinion.unclear(format!(
            "CVL stayed at {held:.1} V, its highest value being {bulk:.1} V: the battery was not seen to stop charge"
        ));
    }
}

/// The mean current, where it has ended because the battery voltage stands at a CVL that is held constant: with sun to
/// spare nothing but that voltage stops charge (P 1.5.3: *"a hardcoded lower CVL … works sufficiently"*).
fn ended_by_voltage(scene: &Scene<'_>, opinion: &mut Opinion, surplus: &[Window]) -> Option<f64> {
    let thresholds = &scene.subject.thresholds;
    let tail = thresholds.tail.limit.0 / 100.0 * scene.subject.battery.capacity.0;
    let pair = [scene.series(Channel::Cvl), scene.series(Channel::PackVoltage)];
    let limiting = scene.limiting();
    let at_cvl: Vec<Window> =
        surplus.iter().flat_map(|&w| times(pair, w, |[cvl, pack]| cvl - pack <= limiting.0)).collect();
    let share = hours(&at_cvl) / hours(surplus);
    let current = mean(scene.series(Channel::PackCurrent), surplus)?;
    opinion
        .show(
            Evidence::fact("time with the battery voltage at CVL", format!("{:.0} %", 100.0 * share))
                .against(format!("≥ {:.0} %", 100.0 * STANDS)),
        )
        .show(
            Evidence::fact("mean battery current while full and PV in excess", format!("{current:.1} A"))
                .against(format!("≤ {tail:.1} A")),
        );
    (share >= STANDS && current <= tail).then_some(current)
}

/// CVL-03, M2: not more than one change in 20 s while CVL is near the battery voltage.
pub(crate) fn is_not_hasty(scene: &Scene<'_>, opinion: &mut Opinion) {
    let Some(full) = scene.at_full(opinion) else { return };
    if !scene.hears(opinion, &[Channel::Cvl, Channel::PackVoltage], &[full]) {
        return;
    }
    scene.watched(opinion, full);
    let disturbances: Vec<Micros> = scene.disturbances.iter().map(|d| d.window.from).collect();
    let found = pace(scene.series(Channel::Cvl), &scene.near(&[full]), &disturbances);
    opinion
        .show(Evidence::fact("changes of CVL in regulation", found.changes.to_string()).within(full))
        .show(
            Evidence::fact("median interval between changes", about(found.median).to_string())
                .against("≥ 0:00:20"),
        )
        .show(Evidence::fact("protective steps down, exempt", found.protective.to_string()));
    if found.hasty < 3 {
        opinion
            .pass(format!("changes of CVL in regulation: {}, of them hasty: {}", found.changes, found.hasty));
        return;
    }
    Scene::at_most(
        opinion,
        "M2 changes of CVL less than 20 s after the one before",
        found.share,
        scene.subject.thresholds.hasty_changes,
        full,
        "CVL changes more often than every 20 s; share of changes",
    );
}

/// CVL-04, M3 and M5 with M4 as diagnosis: *"it needs to be very stable and slow to prevent oscillations"*.
pub(crate) fn does_not_oscillate(scene: &Scene<'_>, opinion: &mut Opinion) {
    let Some(full) = scene.at_full(opinion) else { return };
    let quiet = scene.quiet(full);
    if !scene.hears(opinion, &[Channel::Cvl, Channel::PackVoltage], &[full]) {
        return;
    }
    let thresholds = &scene.subject.thresholds;
    let observed = Micros((hours(&quiet) * 3.6e9) as u64);
    let found = swings(scene.series(Channel::Cvl), &scene.near(&quiet), thresholds.dead_band.limit);
    // Fewer turns than a few are no cycle, however short the time they were counted in.
    let rate = if found.reversals < 4 {
        PerHour(found.rate.0.min(thresholds.reversals.limit.0))
    } else {
        found.rate
    };
    let cycle = if found.reversals > 1 {
        format!("CVL swings by {:.1} V with a period of {:.0} s", found.amplitude.0, found.period.secs())
    } else {
        "CVL moves to and fro".to_owned()
    };
    let still = Scene::at_most(
        opinion,
        &format!("M3 reversals of CVL beyond {}", thresholds.dead_band.limit),
        rate,
        thresholds.reversals,
        full,
        &format!("{cycle} while nothing disturbs it; reversals"),
    );
    let share = scene.subject.battery.share_of_48_v();
    let most = Graded {
        good: thresholds.travel.good * share,
        limit: thresholds.travel.limit * share,
        uncertainty: thresholds.travel.uncertainty * share,
        ..thresholds.travel
    };
    let travel = if observed < thresholds.observation.limit {
        VoltsPerHour(found.travel.0.min(most.limit.0))
    } else {
        found.travel
    };
    Scene::at_most(
        opinion,
        "M5 travel of CVL",
        travel,
        most,
        full,
        &if still {
            format!("{cycle} while nothing disturbs it; total travel")
        } else {
            "total travel".to_owned()
        },
    );
    let still = still & moves_no_power(scene, opinion, &scene.near(&quiet));
    let longest = quiet.iter().copied().max_by_key(|w| w.length());
    if let Some((window, m4)) = longest.and_then(|w| Some((w, regularity(scene.series(Channel::Cvl), w)?))) {
        opinion.show(
            Evidence::fact(
                format!(
                    "M4 regularity at a period of {:.0} s, standard deviation {:.2} V",
                    m4.period.secs(),
                    m4.deviation.0
                ),
                format!("{:.1}", m4.r),
            )
            .against("≤ 1; above it a limit cycle, harmless below 0.10 V")
            .within(window),
        );
    }
    if still {
        scene.watched(opinion, full);
    }
    if still && observed < thresholds.observation.limit {
        opinion.unclear(scene.too_short(observed));
    }
}

/// M16: what a cycle of CVL does, and not how high it is.
fn moves_no_power(scene: &Scene<'_>, opinion: &mut Opinion, windows: &[Window]) -> bool {
    let battery = scene.subject.battery;
    let slow_step = Micros((SLOW_STEP.0 as f64 / battery.share_of_48_v()) as u64);
    let Some(found) = cycle(scene.trace, windows, slow_step) else { return true };
    let (all, system) = (scene.subject.site.inverter_power, battery.system_voltage());
    // Of 12 and 24 V a large inverter is one of another house.
    let all = if system < Volts(48.0) { all.min(system * Amps(INVERTER_CURRENT)) } else { all };
    Scene::at_most(
        opinion,
        &format!(
            "M16 power that {} turns of CVL with a period of {:.0} s move in the battery, of {all}",
            found.turns,
            found.period.secs()
        ),
        Percent(100.0 * (found.moved / all)),
        scene.subject.thresholds.cycle_power,
        found.window,
        &format!(
            "CVL goes to and fro with a period of {:.0} s while nothing disturbs it and moves {:.0} W in the battery; of {all}",
            found.period.secs(),
            found.moved.0
        ),
    )
}

/// CVL-07: *"This reduction must be enough to stop the battery voltage rising"*.
pub(crate) fn is_low_enough(scene: &Scene<'_>, opinion: &mut Opinion) {
    let Some(full) = scene.at_full(opinion) else { return };
    let (thresholds, battery) = (&scene.subject.thresholds, scene.subject.battery);
    let over = scene.since_full.unwrap_or(full);
    scene.keeps_cells_below(opinion, scene.since_full.as_slice(), over);
    waits_for_no_warning(scene, opinion);
    let quietest = scene.quiet(full).into_iter().max_by_key(|w| w.length());
    let end = quietest.map(|w| w.last(RISE_TIME)).filter(|w| w.length() >= END_LEAST);
    let Some(end) = end else {
        opinion
            .unclear("no 20 minutes without a disturbance while full: whether the voltage rises is not seen");
        return;
    };
    if !scene.hears(opinion, &[Channel::PackVoltage], &[end]) {
        return;
    }
    let rise = |channel| slope(scene.series(channel), end).map(|v| VoltsPerHour(v.max(0.0)));
    let per_cell = thresholds.rise;
    if let Some(pack) = rise(Channel::PackVoltage) {
        let cells = f64::from(battery.cells);
        let (good, limit) = (per_cell.good * cells, per_cell.limit * cells);
        let graded = Graded { good, limit, uncertainty: per_cell.uncertainty * cells, ..per_cell };
        let complaint = "the full battery's voltage goes on rising";
        Scene::at_most(
            opinion,
            "rise of the battery voltage at the end of the hold",
            pack,
            graded,
            end,
            complaint,
        );
    }
    let what = "rise of the highest cell at the end of the hold";
    let highest = extremes(scene.series(Channel::MaxCell), &[end]).map(|(_, high)| high);
    match rise(Channel::MaxCell).zip(highest) {
        Some((cell, highest)) if battery.cell_over_voltage.0 - highest > RECOVERS.0 => {
            let far = format!("not held against: it is more than {RECOVERS} below its disconnect voltage");
            opinion.show(Evidence::fact(what, shown(cell)).against(far).within(end));
        }
        Some((cell, _)) => {
            let complaint = "the highest cell goes on rising in the full battery";
            Scene::at_most(opinion, what, cell, per_cell, end, complaint);
        }
        None => {
            opinion.show(Evidence::fact("highest cell", "not sent (0x373)"));
        }
    }
}

/// A high-voltage warning that comes before CVL was lowered: the battery regulates by what protects it. What a load that
/// was dropped, or any other step, stirs up is not held against it.
fn waits_for_no_warning(scene: &Scene<'_>, opinion: &mut Opinion) {
    let mask = 1u32 << AlarmKind::HighVoltage as u32;
    let warned = times([scene.series(Channel::Warnings)], scene.whole, |[flags]| flags as u32 & mask != 0);
    let stirred =
        |at: Micros| scene.disturbances.iter().any(|d| d.window.from <= at && at < d.window.to + STIRRED);
    let Some(first) = warned.first().filter(|w| !stirred(w.from)) else { return };
    let cvl = scene.series(Channel::Cvl);
    let before = extremes(cvl, &[Window::new(scene.whole.from, first.from)]).map(|(_, high)| high);
    let Some((highest, then)) = before.zip(cvl.at(first.from)) else { return };
    if Volts(highest - then) >= scene.of_system(scene.subject.thresholds.reduction).limit {
        return;
    }
    opinion.prove(
        Evidence::fact("CVL when the high-voltage warning came", format!("{then:.1} V"))
            .against(format!("lowered from {highest:.1} V before it"))
            .within(*first),
    );
    opinion.fail(format!(
        "CVL still was {then:.1} V when the battery raised a high-voltage warning at {}: it is not lowered until protection is near",
        about(first.from)
    ));
}

#[cfg(test)]
mod tests {
    use super::super::staged::{Stage, check, declared, good};
    use crate::battery::Battery;
    use crate::trace::Channel;
    use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
    use proto::quantity::Volts;
    use rstest::rstest;

    /// How far CVL must be lowered on the system of the battery.
    #[rstest]
    #[case::at_48_v(56.8, 0.2, Pass)]
    #[case::too_little_at_48_v(56.8, 0.15, Inconclusive)]
    #[case::at_24_v(28.4, 0.1, Pass)]
    #[case::too_little_at_24_v(28.4, 0.05, Inconclusive)]
    #[case::at_12_v(14.2, 0.1, Pass)]
    #[case::no_step_at_12_v(14.2, 0.05, Inconclusive)]
    fn cvl_is_lowered_by_the_system(#[case] charge: f64, #[case] by: f64, #[case] expected: Outcome) {
        let stage = good().shaped(Channel::Cvl, |_, v| if v < 56.0 { 56.8 - by - 1e-9 } else { v });
        let battery = Battery { max_charge_voltage: Volts(charge), ..declared() };
        let verdict = stage.verdict_on("CVL-02", &battery);
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }

    #[rstest]
    #[case("CVL-02")]
    #[case("CVL-03")]
    #[case("CVL-04")]
    #[case("CVL-05")]
    #[case("CVL-06")]
    #[case("CVL-07")]
    fn a_good_battery_passes(#[case] id: &str) {
        check(&good(), id, Pass);
    }

    #[rstest]
    #[case("CVL-02")]
    #[case("CVL-03")]
    #[case("CVL-04")]
    #[case("CVL-05")]
    #[case("CVL-06")]
    #[case("CVL-07")]
    fn too_little_time_decides_nothing(#[case] id: &str) {
        check(&good().cut(4000), id, Inconclusive);
    }

    #[rstest]
    #[case("CVL-02", Channel::Ccl)]
    #[case("CVL-03", Channel::Cvl)]
    #[case("CVL-04", Channel::Cvl)]
    #[case("CVL-06", Channel::PackCurrent)]
    #[case("CVL-07", Channel::PackVoltage)]
    fn a_silent_channel_decides_nothing(#[case] id: &str, #[case] channel: Channel) {
        check(&good().silent_after(channel, 5000), id, Inconclusive);
    }

    /// An inverter that a battery keeps off, by limits that come too late for one, puts nothing to the test.
    #[rstest]
    #[case("CVL-02")]
    #[case("CVL-03")]
    #[case("CVL-04")]
    #[case("CVL-06")]
    #[case("CVL-07")]
    fn a_system_that_stands_still_decides_nothing(#[case] id: &str) {
        let halted = good().shaped(Channel::InverterRunning, |t, _| f64::from(u8::from(t < 4200)));
        let verdict = halted.verdict(id);
        assert_eq!(verdict.outcome, Inconclusive, "{}", verdict.reason);
        assert!(verdict.reason.contains("the inverter stood still for 9"), "{}", verdict.reason);
        check(&good().shaped(Channel::InverterRunning, |t, _| f64::from(u8::from(t < 9000))), id, Pass);
    }

    #[test]
    fn ccl_zero_when_full_is_the_strategy_that_does_not_work() {
        let stage = good()
            .shaped(Channel::Cvl, |_, _| 56.8)
            .shaped(Channel::Ccl, |t, v| if t > 3500 { 0.0 } else { v });
        check(&stage, "CVL-02", Fail);
    }

    /// CVL is the same from the first to the last frame.
    fn constant() -> Stage {
        good().shaped(Channel::Cvl, |_, _| 55.2)
    }

    /// A voltage that reaches a constant CVL stops charge; one that stays below it was not seen to.
    #[rstest]
    #[case::reached(constant(), Pass)]
    #[case::below(constant().shaped(Channel::PackVoltage, |_, v| v.min(54.6)), Inconclusive)]
    #[case::charges(constant().shaped(Channel::PackCurrent, |_, i| i.max(20.0)), Inconclusive)]
    #[case::stopped_by_ccl(constant().shaped(Channel::Ccl, |t, v| if t > 3500 { 0.0 } else { v }), Fail)]
    fn a_constant_cvl(#[case] stage: Stage, #[case] expected: Outcome) {
        check(&stage, "CVL-02", expected);
    }

    #[rstest]
    #[case("CVL-03")]
    #[case("CVL-04")]
    #[case("CVL-05")]
    #[case("CVL-06")]
    #[case("CVL-07")]
    fn a_constant_cvl_passes_the_rest_too(#[case] id: &str) {
        check(&constant(), id, Pass);
    }

    #[test]
    fn changes_every_second_are_hasty() {
        check(&good().shaped(Channel::Cvl, |t, v| v + 0.2 * (t % 3) as f64), "CVL-03", Fail);
        // One step back and forth is what a steady integrator looks like.
        check(&good().shaped(Channel::Cvl, |t, v| v + 0.1 * (t % 2) as f64), "CVL-03", Pass);
    }

    #[rstest]
    #[case(40, 0.5, Fail)]
    #[case(120, 0.3, Fail)]
    #[case(2, 0.1, Pass)]
    #[case(1800, 0.3, Pass)]
    fn a_relay_oscillates(#[case] period: u64, #[case] height: f64, #[case] expected: Outcome) {
        let relay = move |t: u64, v: f64| if t % period < period / 2 { v } else { v + height };
        check(&good().shaped(Channel::Cvl, relay), "CVL-04", expected);
    }

    /// From 53.4 V to 56.8 V and back every minute: the upper end is far above the battery, the lower one is not.
    #[test]
    fn a_swing_wider_than_what_counts_as_near_is_seen() {
        let relay = |t: u64, v: f64| if t < 3000 || t % 60 < 30 { 56.8 } else { v - 1.8 };
        let verdict = good().shaped(Channel::Cvl, relay).verdict("CVL-04");
        assert_eq!(verdict.outcome, Fail, "{} {:#?}", verdict.reason, verdict.evidence);
        assert!(verdict.reason.contains("swings by 3.4 V with a period of 60 s"), "{}", verdict.reason);
    }

    /// Hundreds of changes far above the battery voltage are harmless.
    #[test]
    fn far_above_the_battery_nothing_oscillates() {
        let stage = good().shaped(Channel::Cvl, |t, v| v + 4.0 + 0.5 * (t / 20 % 2) as f64);
        check(&stage, "CVL-04", Pass);
    }

    #[test]
    fn a_cvl_too_high_lets_the_voltage_rise() {
        let rising = |t: u64, v: f64| if t > 4000 { v + 0.05 * (t - 4000) as f64 / 3600.0 } else { v };
        check(&good().shaped(Channel::MaxCell, rising), "CVL-07", Fail);
        let rising = |t: u64, v: f64| if t > 4000 { v + 0.8 * (t - 4000) as f64 / 3600.0 } else { v };
        check(&good().shaped(Channel::PackVoltage, rising), "CVL-07", Fail);
        check(&good().shaped(Channel::MaxCell, |t, v| if t == 5000 { 3.64 } else { v }), "CVL-07", Fail);
    }
}
