//! BEH-GR: what DCL = 0 does with and without grid, and that it ends (P 2 §0x351).

use proto::quantity::Micros;

use super::scene::Scene;
use crate::thresholds::fixed::{
    GRID_SETTLED, IDLE_CURRENT, LOADS, PART_SEEN, SUN_OF_CHARGE, SURE_CURRENT, ZERO_LIMIT,
};
use crate::trace::Channel;
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about, hours, mean, times};

/// BEH-GR: *"If the grid is connected, loads will be powered from the grid. Battery power will not be used. If the grid
/// is disconnected, the Multi will switch off. Charging will still be allowed if max charge current exceeds 0A"*.
pub(crate) fn keeps_its_last_charge(scene: &Scene<'_>, opinion: &mut Opinion) {
    let forbidden = times([scene.series(Channel::Dcl)], scene.whole, |[dcl]| dcl < ZERO_LIMIT);
    if forbidden.is_empty() {
        let why = scene.cut_short().map_or_else(String::new, |why| format!("; {why}"));
        opinion.unclear(format!("DCL never was 0: run the battery down to its own limit{why}"));
        return;
    }
    let needed = [Channel::Dcl, Channel::PackCurrent, Channel::GridConnected, Channel::InverterRunning];
    if !scene.hears(opinion, &needed, &forbidden) {
        return;
    }
    grid_carries_the_loads(scene, opinion);
    inverter_is_off_without_grid(scene, opinion);
    charge_goes_on(scene, opinion, &forbidden);
    comes_back(scene, opinion, &forbidden);
}

/// The parts of windows after everything has settled, where they are enough to judge.
fn settled(windows: Vec<Window>, opinion: &mut Opinion, what: &str) -> Option<Vec<Window>> {
    let later = |w: Window| Window::new(w.from + GRID_SETTLED, w.to);
    let settled: Vec<Window> = windows.into_iter().map(later).filter(|w| w.length() > Micros::ZERO).collect();
    let seen = about(Micros((hours(&settled) * 3.6e9) as u64));
    opinion.show(Evidence::fact(format!("time with DCL = 0 {what}"), seen.to_string()).against("≥ 0:01:00"));
    (hours(&settled) >= PART_SEEN).then_some(settled)
}

fn grid_carries_the_loads(scene: &Scene<'_>, opinion: &mut Opinion) {
    let three = [Channel::Dcl, Channel::GridConnected, Channel::AcLoads].map(|c| scene.series(c));
    let on_grid =
        times(three, scene.whole, |[dcl, grid, loads]| dcl < ZERO_LIMIT && grid > 0.5 && loads >= LOADS);
    let Some(windows) = settled(on_grid, opinion, "on the grid with loads on") else { return };
    discharges_nothing(scene, opinion, &windows, "on the grid");
}

fn discharges_nothing(scene: &Scene<'_>, opinion: &mut Opinion, windows: &[Window], place: &str) {
    let current = scene.series(Channel::PackCurrent);
    let drawn: Vec<Window> =
        windows.iter().flat_map(|&w| times([current], w, |[amps]| amps < -IDLE_CURRENT)).collect();
    let share = 100.0 * hours(&drawn) / hours(windows);
    let amps = mean(current, windows).unwrap_or_default();
    opinion.show(Evidence::fact(format!("mean battery current at DCL = 0 {place}"), format!("{amps:+.1} A")));
    let what = format!("time in which the battery discharges at DCL = 0 {place}");
    let evidence = Evidence::fact(what, format!("{share:.0} %")).against("≤ 5 %");
    if share <= 5.0 {
        opinion.show(evidence);
        opinion.pass(format!("with DCL = 0 no battery power is used {place}"));
    } else {
        opinion.prove(evidence);
        opinion.fail(format!("with DCL = 0 the battery is discharged {place} for {share:.0} % of the time"));
    }
}

fn inverter_is_off_without_grid(scene: &Scene<'_>, opinion: &mut Opinion) {
    let pair = [Channel::Dcl, Channel::GridConnected].map(|c| scene.series(c));
    let alone = times(pair, scene.whole, |[dcl, grid]| dcl < ZERO_LIMIT && grid < 0.5);
    let Some(windows) = settled(alone, opinion, "without grid") else { return };
    let inverter = scene.series(Channel::InverterRunning);
    let on: Vec<Window> = windows.iter().flat_map(|&w| times([inverter], w, |[on]| on > 0.5)).collect();
    let share = 100.0 * hours(&on) / hours(&windows);
    let what = "time in which the inverter runs at DCL = 0 without grid";
    opinion.show(Evidence::fact(what, format!("{share:.0} %")).against("≤ 5 %"));
    if share <= 5.0 {
        opinion.pass("without grid the inverter is off at DCL = 0");
    } else {
        opinion
            .fail(format!("without grid the inverter runs for {share:.0} % of the time although DCL is 0"));
    }
}

fn charge_goes_on(scene: &Scene<'_>, opinion: &mut Opinion, forbidden: &[Window]) {
    let pair = [Channel::Dcl, Channel::PvAvailable].map(|c| scene.series(c));
    let least = scene.subject.battery.telling(SUN_OF_CHARGE);
    let sunny = times(pair, scene.whole, |[dcl, sun]| dcl < ZERO_LIMIT && sun >= least.0);
    let current = scene.series(Channel::PackCurrent);
    let ended_by_charge = |windows: &[Window]| {
        !windows.is_empty()
            && windows.iter().all(|w| current.at(w.to).is_some_and(|amps| amps > SURE_CURRENT))
    };
    let (by_sun, by_any) = (ended_by_charge(&sunny), ended_by_charge(forbidden));
    let by_rest = sunny.is_empty() && ended_by_rest(scene, forbidden);
    let Some(windows) = settled(sunny, opinion, "with the sun there") else {
        // A small battery is charged out of it within a minute: then each time ended with its charge.
        if by_sun {
            opinion.pass("with DCL = 0 the sun charges the battery until DCL comes back");
        } else if by_any {
            // On the grid an inverter keeps a battery from getting emptier: it may bring a small one back before the sun.
            opinion.pass("with DCL = 0 the battery is charged from the grid until DCL comes back");
        } else if by_rest {
            opinion.pass(
                "DCL came back as the battery rested, before the sun was there, and CCL left charge open",
            );
        } else {
            opinion
                .unclear("with DCL = 0 no sun was there for a minute: whether charge goes on was not seen");
        }
        return;
    };
    let charged: Vec<Window> =
        windows.iter().flat_map(|&w| times([current], w, |[amps]| amps > SURE_CURRENT)).collect();
    let share = 100.0 * hours(&charged) / hours(&windows);
    let what = "time in which the sun charges the battery at DCL = 0";
    opinion.show(Evidence::fact(what, format!("{share:.0} %")).against("≥ 80 %"));
    if share >= 80.0 {
        opinion.pass("with DCL = 0 the sun charges the battery");
    } else {
        let refuses = windows
            .first()
            .and_then(|w| scene.series(Channel::Ccl).at(w.from))
            .is_some_and(|a| a < ZERO_LIMIT);
        let why = if refuses { ": CCL is 0 too" } else { "" };
        opinion
            .fail(format!("with DCL = 0 the sun charges the battery for {share:.0} % of the time only{why}"));
    }
}

/// Whether DCL came back each time although nothing charged the battery, whose CCL always allowed it: its cells recover when
/// they rest, and nothing was forbidden any more when the sun came.
fn ended_by_rest(scene: &Scene<'_>, forbidden: &[Window]) -> bool {
    let ccl = scene.series(Channel::Ccl);
    forbidden.iter().all(|&w| {
        let closed = times([ccl], w, |[amps]| amps < ZERO_LIMIT);
        w.to < scene.whole.to && ccl.at(w.from).is_some() && closed.is_empty()
    })
}

fn comes_back(scene: &Scene<'_>, opinion: &mut Opinion, forbidden: &[Window]) {
    let Some(last) = forbidden.last() else { return };
    let after = Window::new(last.to, scene.whole.to);
    let pair = [Channel::Dcl, Channel::InverterRunning].map(|c| scene.series(c));
    let works = times(pair, after, |[dcl, on]| dcl >= ZERO_LIMIT && on > 0.5);
    let seen = about(Micros((hours(&works) * 3.6e9) as u64));
    let what = "time with DCL above 0 and the inverter on, after DCL = 0";
    opinion.show(Evidence::fact(what, seen.to_string()).against("≥ 0:01:00"));
    if hours(&works) >= PART_SEEN {
        opinion.pass(format!("DCL comes back at {} and the inverter works", about(last.to)));
    } else {
        opinion.unclear("the case ended before DCL was back and the inverter had worked for a minute");
    }
}

#[cfg(test)]
mod tests {
    use super::super::staged::{Stage, good};
    use super::*;
    use crate::trace::EventKind;
    use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
    use proto::quantity::Watts;
    use proto::stimulus::Stimulus;
    use rstest::rstest;

    /// Empty from 2000 to 6000 s: half an hour on the grid, then without it; the sun comes at 4000 s.
    fn empty() -> Stage {
        let dry = |t: u64| (2000..6000).contains(&t);
        let sun = |t: u64| t >= 4500;
        let mut stage = good();
        stage.forget(|kind| matches!(kind, EventKind::Stimulus(Stimulus::Pv(_))));
        stage.note(4500, EventKind::Stimulus(Stimulus::Pv(Watts(2000.0))));
        stage
            .shaped(Channel::Dcl, move |t, _| if dry(t) { 0.0 } else { 200.0 })
            .shaped(Channel::GridConnected, |t, _| f64::from(u8::from(!(3800..6000).contains(&t))))
            .shaped(Channel::InverterRunning, |t, _| f64::from(u8::from(!(3800..6000).contains(&t))))
            .shaped(Channel::AcLoads, |t, _| if (3800..6000).contains(&t) { 0.0 } else { 1000.0 })
            .shaped(Channel::PvAvailable, move |t, _| if sun(t) { 2000.0 } else { 0.0 })
            .shaped(Channel::PackCurrent, move |t, _| {
                if sun(t) {
                    30.0
                } else if dry(t) {
                    0.0
                } else {
                    -20.0
                }
            })
    }

    /// DCL comes back after ten minutes without grid and some with it, before the sun, with so much charge.
    fn back_before_the_sun(amps: f64) -> Stage {
        empty()
            .shaped(Channel::Dcl, |t, v| if t >= 4400 { 200.0 } else { v })
            .shaped(Channel::InverterRunning, |t, v| if t >= 4400 { 1.0 } else { v })
            .shaped(Channel::PackCurrent, move |t, v| if (4300..4500).contains(&t) { amps } else { v })
    }

    #[rstest]
    #[case(empty(), Pass)]
    #[case(good(), Inconclusive)]
    #[case(empty().shaped(Channel::PackCurrent, |t, v| if t < 3800 { -20.0 } else { v }), Fail)]
    #[case(empty().shaped(Channel::InverterRunning, |_, _| 1.0), Fail)]
    #[case(empty().shaped(Channel::PackCurrent, |_, v| v.min(0.0)), Fail)]
    #[case(empty().shaped(Channel::PvAvailable, |_, _| 0.0), Inconclusive)]
    #[case(empty().shaped(Channel::Dcl, |t, v| if t >= 2000 { 0.0 } else { v }), Inconclusive)]
    #[case(empty().cut(5900), Inconclusive)]
    #[case::charged_from_the_grid(back_before_the_sun(4.0), Pass)]
    #[case::back_by_itself(back_before_the_sun(0.0), Pass)]
    #[case::back_by_itself_and_closed(back_before_the_sun(0.0).shaped(Channel::Ccl, |_, _| 0.0), Inconclusive)]
    #[case::back_by_itself_and_silent(back_before_the_sun(0.0).deaf(Channel::Ccl), Inconclusive)]
    #[case(empty().silent_after(Channel::PackCurrent, 2500), Inconclusive)]
    fn an_empty_battery(#[case] stage: Stage, #[case] expected: Outcome) {
        let verdict = stage.verdict("BEH-GR");
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }
}
