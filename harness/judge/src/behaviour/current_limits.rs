//! CCL-02 and DCL-02: what the current limits may and may not be used for (P 1.5.2, P 2 §0x351).

use proto::fault::{Fault, FaultKind};
use proto::message::AlarmKind;
use proto::quantity::{Celsius, Micros, Percent};
use proto::stimulus::Stimulus;

use super::scene::Scene;
use crate::thresholds::fixed::{AT_FULL, CLEARS, COLD_CHARGE, DCL_ZERO, HOT_CHARGE, ZERO_LIMIT};
use crate::trace::{Channel, EventKind};
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about, hours, times, without};

/// CCL-02: *"Our advice is to avoid sending CCL=0 when the battery is full. Send a reduced CVL instead"*.
pub(crate) fn ccl_stays_while_full(scene: &Scene<'_>, opinion: &mut Opinion) {
    let Some(full) = scene.at_full(opinion) else { return };
    let unprotected = without(full, &protecting(scene, full, u32::MAX));
    if hours(&unprotected) < 1.0 / 6.0 {
        opinion.unclear("a protection was active nearly all the time the battery was full");
        return;
    }
    if !scene.hears(opinion, &[Channel::Ccl], &unprotected) {
        return;
    }
    let ccl = scene.series(Channel::Ccl);
    let zero: Vec<Window> =
        unprotected.iter().flat_map(|&w| times([ccl], w, |[ccl]| ccl < ZERO_LIMIT)).collect();
    let outage = scene.subject.thresholds.outage.limit;
    if let Some(longest) = zero.iter().max_by_key(|w| w.length()).filter(|w| w.length() >= outage) {
        opinion.fail(format!(
            "CCL is 0 in the full battery at {} for {}: a minute at a stretch is an outage, however rare",
            about(longest.from),
            longest.about()
        ));
    }
    Scene::at_most(
        opinion,
        "time with CCL = 0 while full and no protection active",
        Percent(100.0 * hours(&zero) / hours(&unprotected)),
        scene.subject.thresholds.ccl_outage,
        full,
        "CCL is 0 in the full battery, which curtails the solar chargers; share of the time",
    );
}

/// DCL-02: *"A DCL of 0A will disable discharge. Charging will still be allowed if max charge current exceeds 0A"*: a
/// battery that is empty must let itself be charged, and one that is full need not forbid discharge.
pub(crate) fn dcl_zero_leaves_charge(scene: &Scene<'_>, opinion: &mut Opinion) {
    let all = scene.whole;
    let pair = [scene.series(Channel::Dcl), scene.series(Channel::Ccl)];
    let forbidden = times(pair, all, |[dcl, _]| dcl < 0.05);
    if forbidden.is_empty() {
        stays_above_zero(scene, opinion);
        return;
    }
    // A battery that protects itself against anything but low voltage may well refuse charge too.
    let others = !(1u32 << AlarmKind::LowVoltage as u32);
    let protecting = protecting(scene, all, others);
    let deadlock: Vec<Window> = times(pair, all, |[dcl, ccl]| dcl < 0.05 && ccl < 0.05)
        .into_iter()
        .flat_map(|w| without(w, &protecting))
        .collect();
    let minutes = |windows: &[Window]| about(Micros((hours(windows) * 3.6e9) as u64));
    opinion.show(Evidence::fact("time with DCL = 0", minutes(&forbidden).to_string())).show(
        Evidence::fact("time with DCL = 0 and CCL = 0", minutes(&deadlock).to_string())
            .against(format!("≤ {DCL_ZERO}")),
    );
    let full = [scene.series(Channel::Dcl), scene.series(Channel::Soc)];
    let at_full: Vec<Window> = times(full, all, |[dcl, soc]| dcl < ZERO_LIMIT && soc >= AT_FULL)
        .into_iter()
        .flat_map(|w| without(w, &protecting))
        .collect();
    if minutes(&deadlock) > DCL_ZERO {
        let first = deadlock.first().map_or(Micros::ZERO, |w| about(w.from));
        let soc =
            scene.series(Channel::Soc).at(first).map_or_else(String::new, |v| format!(" at {v:.0} % charge"));
        opinion.fail(format!(
            "with DCL = 0 the battery also sends CCL = 0 for {} (from {first}{soc}): it cannot be charged and never recovers",
            minutes(&deadlock)
        ));
    } else if minutes(&at_full) > DCL_ZERO {
        opinion.fail(format!("DCL is 0 for {} although the battery is full", minutes(&at_full)));
    } else {
        opinion.pass(format!("while DCL was 0 for {} charge stayed allowed", minutes(&forbidden)));
    }
}

/// A full battery gives no cause to forbid discharge; what DCL = 0 does to charge takes an empty one to see.
fn stays_above_zero(scene: &Scene<'_>, opinion: &mut Opinion) {
    let needed = scene.subject.thresholds.full_time.limit;
    match scene.full.filter(|w| w.length() >= needed && scene.never_full().is_none()) {
        Some(full) if scene.hears(opinion, &[Channel::Dcl], &[full]) => {
            let length = full.about();
            opinion.show(Evidence::fact("DCL of a full battery", "never 0").against("> 0 A").within(full));
            opinion.pass(format!("discharge stays allowed in a full battery, for {length}"));
        }
        Some(_) => {}
        None => {
            opinion.unclear("DCL never was 0: what it does to charge was not seen");
        }
    }
}

/// When the battery protects itself: an alarm of the mask, the main switch open after a fault that was injected. A room
/// temperature that the battery declares to bear does not count.
pub(super) fn protecting(scene: &Scene<'_>, window: Window, mask: u32) -> Vec<Window> {
    let mut out = times([scene.series(Channel::Alarms)], window, |[alarms]| alarms as u32 & mask != 0);
    if mask == u32::MAX {
        out.extend(times([scene.series(Channel::Online)], window, |[online]| online < 0.5));
    }
    out.extend(scene.trace.events.iter().filter_map(|e| match &e.kind {
        EventKind::Stimulus(Stimulus::Inject(Fault { kind, span })) if !is_borne(scene, kind) => {
            Some(Window::new(e.at, e.at + *span + CLEARS))
        }
        _ => None,
    }));
    out.sort();
    out
}

/// A room as warm or as cold as this explains no limit: between where cold and heat explain that charge is forbidden, and below what
/// the battery declares.
fn is_borne(scene: &Scene<'_>, fault: &FaultKind) -> bool {
    let FaultKind::Ambient { at } = fault else { return false };
    let most = scene.subject.battery.max_temperature.min(Celsius(HOT_CHARGE));
    at.0 > COLD_CHARGE && *at < most
}

#[cfg(test)]
mod tests {
    use super::super::staged::good;
    use super::*;
    use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
    use rstest::rstest;

    #[test]
    fn ccl_zero_when_full_is_found_and_protection_exempts() {
        assert_eq!(good().verdict("CCL-02").outcome, Pass);
        let zero = good().shaped(Channel::Ccl, |t, v| if t > 5000 { 0.0 } else { v });
        assert_eq!(zero.verdict("CCL-02").outcome, Fail);
        let protected = zero.shaped(Channel::Alarms, |t, _| if t > 4000 { 2.0 } else { 0.0 });
        assert_eq!(protected.verdict("CCL-02").outcome, Inconclusive);
        assert_eq!(good().deaf(Channel::Ccl).verdict("CCL-02").outcome, Inconclusive);
    }

    /// A minute at a stretch is an outage, however rare: of two hours of a full battery it is less than 1 %.
    #[rstest]
    #[case::shorter(55, Pass, Pass)]
    #[case::a_minute(70, Fail, Fail)]
    fn a_minute_without_charge_is_an_outage(
        #[case] seconds: u64,
        #[case] by_current: Outcome,
        #[case] by_limit: Outcome,
    ) {
        let stage = good().shaped(
            Channel::Ccl,
            move |t, v| {
                if (5000..5000 + seconds).contains(&t) { 0.0 } else { v }
            },
        );
        for (id, expected) in [("CVL-02", by_current), ("CCL-02", by_limit)] {
            let verdict = stage.verdict(id);
            assert_eq!(verdict.outcome, expected, "{id}: {}", verdict.reason);
            assert_eq!(
                verdict.reason.contains("a minute at a stretch"),
                expected == Fail,
                "{}",
                verdict.reason
            );
        }
    }

    /// A warm day within what the battery declares explains no CCL of 0; frost does, and so does a room as hot as data sheets end.
    #[rstest]
    #[case::a_warm_day(40.0, Fail)]
    #[case::frost(-20.0, Pass)]
    #[case::a_hot_room(50.0, Pass)]
    fn a_room_that_the_battery_bears_explains_nothing(#[case] celsius: f64, #[case] expected: Outcome) {
        let mut zero = good().shaped(Channel::Ccl, |t, v| if (5000..8000).contains(&t) { 0.0 } else { v });
        let fault =
            Fault { kind: FaultKind::Ambient { at: Celsius(celsius) }, span: Micros::from_secs(7000) };
        zero.note(4000, EventKind::Stimulus(Stimulus::Inject(fault)));
        let verdict = zero.verdict("CVL-02");
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }

    #[test]
    fn dcl_zero_must_leave_charge() {
        assert_eq!(good().verdict("DCL-02").outcome, Pass, "never 0 in a full battery");
        assert_eq!(
            good()
                .shaped(Channel::MaxCell, |_, _| 3.3)
                .shaped(Channel::Soc, |_, _| 60.0)
                .verdict("DCL-02")
                .outcome,
            Inconclusive,
            "neither full nor empty"
        );
        assert_eq!(good().deaf(Channel::Dcl).verdict("DCL-02").outcome, Inconclusive);
        let empty = good()
            .shaped(Channel::Dcl, |t, v| if t > 5000 { 0.0 } else { v })
            .shaped(Channel::Soc, |_, _| 4.0)
            .shaped(Channel::Alarms, |_, _| 4.0);
        assert_eq!(empty.verdict("DCL-02").outcome, Pass);
        let deadlock = empty.clone().shaped(Channel::Ccl, |t, v| if t > 5000 { 0.0 } else { v });
        let verdict = deadlock.verdict("DCL-02");
        assert_eq!(verdict.outcome, Fail);
        assert!(verdict.reason.contains("never recovers"), "{}", verdict.reason);
        let cold = deadlock.shaped(Channel::Alarms, |_, _| 64.0);
        assert_eq!(cold.verdict("DCL-02").outcome, Pass, "too cold to charge is a protection");
        let full = good().shaped(Channel::Dcl, |t, v| if t > 5000 { 0.0 } else { v });
        assert_eq!(full.verdict("DCL-02").outcome, Fail);
    }
}
