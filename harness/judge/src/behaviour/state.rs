//! SOC-03, MEA-01 and MEA-03: whether the battery's own measurements agree with themselves and with the plant.

use proto::quantity::{Micros, Percent, Volts};

use super::scene::Scene;
use crate::thresholds::fixed::{
    CURRENT_OFFSET, GAIN_CURRENT, GAIN_TIME, SIGNED_CURRENT, SIGNED_RATE, SOC_SWING,
};
use crate::trace::{Channel, Series};
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, stretches, times};

/// SOC-03: state of charge moves with the integral of current (P 2 §0x355). Batteries correct it when full and when
/// empty, so only the time between 5 % and 98 % counts; of it, the time between the least and the most charge.
pub(crate) fn counts_charge(scene: &Scene<'_>, opinion: &mut Opinion) {
    let (soc, current) = (scene.series(Channel::Soc), scene.series(Channel::PackCurrent));
    let between = longest(times([soc], scene.whole, |[v]| (5.0..=98.0).contains(&v)));
    let Some(window) = between else {
        opinion.unclear("the state of charge never was between 5 % and 98 %");
        return;
    };
    if !scene.hears(opinion, &[Channel::Soc, Channel::PackCurrent], &[window]) {
        return;
    }
    let (window, ampere_seconds) = widest_swing(current, window);
    let counted = 100.0 * ampere_seconds / 3600.0 / scene.subject.battery.capacity.0;
    let last = Micros(window.to.0.saturating_sub(1));
    let (Some(first), Some(last)) = (soc.at(window.from), soc.at(last)) else { return };
    let reported = last - first;
    opinion
        .show(
            Evidence::fact("charge counted from the battery current", format!("{counted:+.1} %"))
                .within(window),
        )
        .show(
            Evidence::fact("change of the reported state of charge", format!("{reported:+.1} %"))
                .within(window),
        );
    if counted.abs() < SOC_SWING {
        opinion.unclear(format!(
            "only {:.1} % of the capacity was moved one way between 5 % and 98 % charge, {SOC_SWING} % decides",
            counted.abs()
        ));
        return;
    }
    // A tenth of the swing allows for an ageing pack and the accuracy of the sensor.
    let allowance = 0.1 * counted.abs();
    let error = Percent(((reported - counted).abs() - allowance).max(0.0));
    Scene::at_most(
        opinion,
        "difference between counted charge and state of charge, less 10 % of the swing",
        error,
        scene.subject.thresholds.coulomb_error,
        window,
        &format!(
            "the state of charge changed by {reported:+.1} % while {counted:+.1} % was counted; difference"
        ),
    );
}

/// The part of a window between the least and the most charge in the battery, and what flowed in between, As.
fn widest_swing(current: &Series, window: Window) -> (Window, f64) {
    let start = (window.from, 0.0);
    let (mut low, mut high, mut charge) = (start, start, 0.0);
    for s in stretches([current], window) {
        charge += s.values[0] * s.window.secs();
        if charge < low.1 {
            low = (s.window.to, charge);
        }
        if charge > high.1 {
            high = (s.window.to, charge);
        }
    }
    if low.0 < high.0 {
        (Window::new(low.0, high.0), high.1 - low.1)
    } else {
        (Window::new(high.0, low.0), low.1 - high.1)
    }
}

/// MEA-01: *"a negative current indicates discharge, positive current indicates charge"* (P 2 §0x356), against what
/// the GX says of the solar charger and the inverter.
pub(crate) fn has_the_sign(scene: &Scene<'_>, opinion: &mut Opinion) {
    let channels = [Channel::SolarCurrent, Channel::InverterCurrent, Channel::PackCurrent];
    let signed = SIGNED_CURRENT.min(SIGNED_RATE * scene.subject.battery.capacity.0);
    let [mut charging, mut discharging] = [(0.0, 0.0); 2];
    for s in stretches(channels.map(|c| scene.series(c)), scene.whole) {
        let [solar, inverter, pack] = s.values;
        let expected = solar + inverter;
        if expected.abs() < signed || pack.abs() < signed / 2.0 {
            continue;
        }
        let tally = if expected > 0.0 { &mut charging } else { &mut discharging };
        tally.0 += s.window.secs();
        if pack * expected > 0.0 {
            tally.1 += s.window.secs();
        }
    }
    let mut seen = 0;
    for (word, sign, (time, agreeing)) in
        [("charging", "positive", charging), ("discharging", "negative", discharging)]
    {
        if time < 60.0 {
            opinion.show(Evidence::fact(format!("time {word}"), format!("{time:.0} s")).against("≥ 60 s"));
            continue;
        }
        seen += 1;
        opinion.part(|opinion| {
            let share = 100.0 * agreeing / time;
            opinion.show(
                Evidence::fact(format!("time {word} with a {sign} battery current"), format!("{share:.0} %"))
                    .against("≥ 90 %"),
            );
            if share >= 90.0 {
                opinion.pass(format!("while {word} the battery current is {sign}"));
            } else if share <= 50.0 {
                opinion.fail(format!(
                    "while solar charger and inverter show the battery {word}, its current is {sign} for only {share:.0} % of the time: the sign is inverted, or the value unsigned"
                ));
            } else {
                opinion
                    .unclear(format!("while {word} the battery current is {sign} for {share:.0} % of the time"));
            }
        });
    }
    if seen < 2 && opinion.is_good() {
        opinion.unclear(
            "charge and discharge must both be seen for a minute, with solar charger and inverter on the GX",
        );
    }
}

/// MEA-04: the current that the battery reports agrees in magnitude with what solar chargers and inverter show on the GX
/// (P 1.5.3: *"calibration differences"*): for charge and for discharge, the mean of each over all the time that it
/// flowed one way. What differs by more than any calibration must not be; a smaller difference warns.
pub(crate) fn has_the_size(scene: &Scene<'_>, opinion: &mut Opinion) {
    let channels = [Channel::SolarCurrent, Channel::InverterCurrent, Channel::PackCurrent];
    let [mut charge, mut discharge] = [(0.0, 0.0, 0.0); 2];
    for s in stretches(channels.map(|c| scene.series(c)), scene.whole) {
        let [solar, inverter, pack] = s.values;
        let expected = solar + inverter;
        if expected.abs() >= GAIN_CURRENT {
            let tally = if expected > 0.0 { &mut charge } else { &mut discharge };
            let secs = s.window.secs();
            *tally = (tally.0 + secs, tally.1 + expected.abs() * secs, tally.2 + pack.abs() * secs);
        }
    }
    let (mut seen, mut worst) = (false, Percent(0.0));
    let limit = scene.subject.thresholds.current_difference;
    for (word, (secs, expected, reported)) in [("charge", charge), ("discharge", discharge)] {
        if secs < GAIN_TIME {
            continue;
        }
        seen = true;
        let (expected, reported) = (expected / secs, reported / secs);
        let beyond = ((reported - expected).abs() - CURRENT_OFFSET).max(0.0);
        let figure = Percent(100.0 * beyond / expected);
        let said = format!("{reported:.1} A, solar chargers and inverter show {expected:.1} A");
        worst = worst.max(figure);
        opinion.show(Evidence::fact(format!("mean {word} current"), said.clone()));
        let what = format!("difference of the {word} current beyond {CURRENT_OFFSET} A");
        let complaint =
            format!("the battery reports a mean {word} current of {said}; beyond {CURRENT_OFFSET} A");
        Scene::at_most(opinion, &what, figure, limit, scene.whole, &complaint);
        if figure > limit.good && figure <= limit.limit {
            opinion.fail(format!(
                "{complaint}: {figure:.1}, meters that are calibrated differ by {} at most",
                limit.good
            ));
        }
    }
    // What a calibration may explain only warns.
    opinion.advise(worst <= limit.limit);
    if !seen {
        opinion.unclear(format!(
            "neither charge nor discharge of {GAIN_CURRENT} A was seen for {GAIN_TIME} s, with solar charger and inverter on the GX"
        ));
    }
}

/// MEA-03: battery voltage agrees with the inverter's DC voltage within calibration and cable drop, while the switch
/// is closed and the current is small (P 1.5.3: *"voltage drops and calibration differences"*).
pub(crate) fn agrees_with_the_bus(scene: &Scene<'_>, opinion: &mut Opinion) {
    let channels = [Channel::PackVoltage, Channel::BusVoltage, Channel::PackCurrent];
    let online = scene.series(Channel::Online);
    let (mut sum, mut secs) = (0.0, 0.0);
    for s in stretches(channels.map(|c| scene.series(c)), scene.whole) {
        let [pack, bus, current] = s.values;
        if current.abs() > 20.0 || online.at(s.window.from).is_some_and(|v| v < 0.5) {
            continue;
        }
        sum += (bus - pack) * s.window.secs();
        secs += s.window.secs();
    }
    if secs < 600.0 {
        opinion.unclear("battery and DC bus were not seen together for 10 minutes with less than 20 A");
        return;
    }
    Scene::at_most(
        opinion,
        "mean difference between DC bus and battery voltage below 20 A",
        Volts((sum / secs).abs()),
        scene.subject.thresholds.bus_difference,
        scene.whole,
        "battery voltage and DC bus differ by more than calibration and cables explain",
    );
}

fn longest(windows: Vec<Window>) -> Option<Window> {
    windows.into_iter().max_by_key(|w| w.length())
}

#[cfg(test)]
mod tests {
    use super::super::staged::{Stage, declared, good};
    use crate::battery::Battery;
    use crate::trace::Channel;
    use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
    use proto::quantity::AmpHours;
    use rstest::rstest;

    /// 28 A into 280 Ah for two hours is 20 %.
    fn charging(soc_rises: f64) -> Stage {
        good()
            .shaped(Channel::PackCurrent, |t, _| if t < 7200 { 28.0 } else { 0.0 })
            .shaped(Channel::Soc, move |t, _| (50.0 + soc_rises * t.min(7200) as f64 / 7200.0).round())
    }

    /// 5.6 % of capacity out and in again: the net is nothing, a state of charge that stands still is wrong all the same.
    fn out_and_in() -> Stage {
        good()
            .shaped(Channel::PackCurrent, |t, _| {
                if t < 2000 {
                    -28.0
                } else if t < 4000 {
                    28.0
                } else {
                    0.0
                }
            })
            .shaped(Channel::Soc, |_, _| 60.0)
    }

    #[rstest]
    #[case(out_and_in(), Fail)]
    #[case(out_and_in().shaped(Channel::Soc, |t, _| 60.0 - (2000 - t.min(4000).abs_diff(2000)) as f64 * 5.6 / 2000.0), Pass)]
    #[case(charging(0.0).cut(1900), Fail)]
    #[case(charging(20.0), Pass)]
    #[case(charging(17.0), Pass)]
    #[case(charging(0.0), Fail)]
    #[case(charging(40.0), Fail)]
    #[case(charging(20.0).cut(600), Inconclusive)]
    #[case(charging(20.0).deaf(Channel::PackCurrent), Inconclusive)]
    fn state_of_charge(#[case] stage: Stage, #[case] expected: Outcome) {
        let verdict = stage.verdict("SOC-03");
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }

    #[rstest]
    #[case(good(), Pass)]
    #[case(good().shaped(Channel::PackCurrent, |_, i| -i), Fail)]
    #[case(good().shaped(Channel::PackCurrent, |_, i| i.abs()), Fail)]
    #[case(good().cut(6000), Inconclusive)]
    #[case(good().deaf(Channel::InverterCurrent), Inconclusive)]
    fn sign_of_the_current(#[case] stage: Stage, #[case] expected: Outcome) {
        let verdict = stage.verdict("MEA-01");
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }

    /// What charges and discharges 50 Ah with less than 5 A has a sign too; of 280 Ah it has none.
    #[rstest]
    #[case(50.0, 1.0, Pass)]
    #[case(50.0, -1.0, Fail)]
    #[case(280.0, 1.0, Inconclusive)]
    fn sign_of_the_current_of_a_small_battery(#[case] ah: f64, #[case] sign: f64, #[case] expected: Outcome) {
        let amps = |t: u64| if t < 5000 { 4.0_f64 } else { -4.0 };
        let stage = good()
            .shaped(Channel::SolarCurrent, move |t, _| amps(t).max(0.0))
            .shaped(Channel::InverterCurrent, move |t, _| amps(t).min(0.0))
            .shaped(Channel::PackCurrent, move |t, _| sign * amps(t));
        let battery = Battery { capacity: AmpHours(ah), ..declared() };
        let verdict = stage.verdict_on("MEA-01", &battery);
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }

    /// 54 A of sun, of which 38 A go to the inverter, charge with 16 A; 66 A discharge.
    #[rstest]
    #[case::right(1.0, 0.0, Pass)]
    #[case::a_calibration(0.98, 0.0, Pass)]
    #[case::a_tenth_low(0.88, 0.0, Fail)]
    #[case::a_tenth_high(1.12, 0.0, Fail)]
    #[case::an_offset(1.0, 0.2, Pass)]
    fn size_of_the_current(#[case] gain: f64, #[case] offset: f64, #[case] expected: Outcome) {
        let stage = good().shaped(Channel::PackCurrent, move |_, i| gain * i + offset);
        let verdict = stage.verdict("MEA-04");
        assert_eq!(verdict.outcome, expected, "{} {:#?}", verdict.reason, verdict.evidence);
        assert_eq!(good().deaf(Channel::InverterCurrent).verdict("MEA-04").outcome, Inconclusive);
    }

    #[rstest]
    #[case(good(), Pass)]
    #[case(good().shaped(Channel::PackVoltage, |_, v| v - 1.0), Fail)]
    #[case(good().deaf(Channel::BusVoltage), Inconclusive)]
    fn bus_and_battery(#[case] stage: Stage, #[case] expected: Outcome) {
        let verdict = stage.verdict("MEA-03");
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }
}
