//! SOC-03, MEA-01, MEA-03, MEA-04 and ENE-01: whether the battery's own measurements agree with themselves, with the
//! plant, and with a witness.

use proto::quantity::{Micros, Percent, Volts};

use super::beside::{self, BUS, Flow, Shunt, Standing, flows};
use super::scene::Scene;
use crate::thresholds::Graded;
use crate::thresholds::fixed::{
    CURRENT_OFFSET, ENERGY_SEEN, ENERGY_SHARE, ENERGY_STEP, GAIN_CURRENT, GAIN_TIME, SIGNED_CURRENT,
    SIGNED_RATE, SMALL_SIGNED, SOC_SWING,
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
/// the GX says of the solar charger and the inverter, and against a shunt.
pub(crate) fn has_the_sign(scene: &Scene<'_>, opinion: &mut Opinion) {
    let shunt = Shunt::of(scene).filter(|_| beside::of_current(scene) != Standing::WitnessAlone);
    let plant = "solar charger and inverter show";
    let of_plant = [Channel::SolarCurrent, Channel::InverterCurrent, Channel::PackCurrent];
    // A bench without a GX has nothing to show of it.
    let is_told =
        shunt.is_none() || of_plant.iter().all(|&channel| !scene.series(channel).points().is_empty());
    let by_plant = is_told
        && sign_against(
            scene,
            opinion,
            of_plant,
            |[solar, inverter, pack]| Beheld {
                expected: solar + inverter,
                through: solar.abs() + inverter.abs(),
                pack,
            },
            plant,
        );
    let by_shunt = shunt.is_some_and(|shunt| {
        let shows =
            format!("`{}` shows (unless it is connected the other way round: `polarity`)", shunt.name());
        let channels = [Channel::ShuntCurrent, Channel::PackCurrent];
        sign_against(
            scene,
            opinion,
            channels,
            |[a, pack]| Beheld { expected: a, through: a.abs(), pack },
            &shows,
        )
    });
    if !by_plant && !by_shunt && opinion.is_good() {
        opinion.unclear(
            "charge and discharge must both be seen for a minute, with solar charger and inverter on the GX or a shunt that is right",
        );
    }
}

/// The current of the battery beside that of another meter, A.
struct Beheld {
    expected: f64,
    /// what the other meter reads all together, where it is a difference
    through: f64,
    pack: f64,
}

/// For how long a current flowed one way, s, and how much of it had the sign of that way.
#[derive(Clone, Copy, Default)]
struct Signed {
    time: f64,
    agreeing: f64,
}

impl Signed {
    const LEAST: f64 = 60.0;

    fn add(&mut self, secs: f64, agrees: bool) {
        self.time += secs;
        self.agreeing += if agrees { secs } else { 0.0 };
    }

    fn share(self) -> f64 {
        100.0 * self.agreeing / self.time
    }
}

/// Holds the sign of the battery's current against that of another meter, which `beheld` reads from these channels; that of small
/// currents apart, for it may be lost in them alone. Whether charge and discharge were both seen.
fn sign_against<const N: usize>(
    scene: &Scene<'_>,
    opinion: &mut Opinion,
    channels: [Channel; N],
    beheld: impl Fn([f64; N]) -> Beheld,
    shows: &str,
) -> bool {
    let signed = SIGNED_CURRENT.min(SIGNED_RATE * scene.subject.battery.capacity.0);
    let ways = [("charging", "positive"), ("discharging", "negative")];
    let [mut all, mut small] = [[Signed::default(); 2]; 2];
    for s in stretches(channels.map(|c| scene.series(c)), scene.whole) {
        let Beheld { expected, through, pack } = beheld(s.values);
        if expected.abs() < signed || pack.abs() < signed / 2.0 {
            continue;
        }
        let (way, secs) = (usize::from(expected < 0.0), s.window.secs());
        all[way].add(secs, pack * expected > 0.0);
        // The small difference of two large currents is not known well enough.
        if expected.abs() < SMALL_SIGNED * signed && expected.abs() >= through / 2.0 {
            small[way].add(secs, pack * expected > 0.0);
        }
    }
    let mut seen = 0;
    for ((word, sign), (all, small)) in ways.into_iter().zip(all.into_iter().zip(small)) {
        if all.time < Signed::LEAST {
            let time = format!("{:.0} s", all.time);
            opinion.show(Evidence::fact(format!("time {word}"), time).against("≥ 60 s"));
            continue;
        }
        seen += 1;
        opinion.part(|opinion| {
            let share = all.share();
            opinion.show(
                Evidence::fact(format!("time {word} with a {sign} battery current"), format!("{share:.0} %"))
                    .against("≥ 90 %"),
            );
            if share >= 90.0 {
                opinion.pass(format!("while {word} the battery current is {sign}"));
            } else if share <= 50.0 {
                opinion.fail(format!(
                    "while {shows} the battery {word}, its current is {sign} for only {share:.0} % of the time: the sign is inverted, or the value unsigned"
                ));
            } else {
                opinion
                    .unclear(format!("while {word} the battery current is {sign} for {share:.0} % of the time"));
            }
        });
        if small.time >= Signed::LEAST {
            let (share, below) = (small.share(), SMALL_SIGNED * signed);
            let what = format!("time {word} below {below:.0} A with a {sign} battery current");
            opinion.show(Evidence::fact(what, format!("{share:.0} %")).against("> 50 %"));
            if share <= 50.0 && all.share() > 50.0 {
                opinion.fail(format!(
                    "while {shows} the battery {word} with less than {below:.0} A, its current is {sign} for only {share:.0} % of the time: the sign is lost in small currents"
                ));
            }
        }
    }
    seen == 2
}

/// MEA-04: current and voltage that the battery reports agree in magnitude with independent meters (P 1.5.3: *"calibration
/// differences"*). What differs by more than any calibration must not be; a smaller difference warns.
pub(crate) fn has_the_size(scene: &Scene<'_>, opinion: &mut Opinion) {
    let thresholds = &scene.subject.thresholds;
    let current = has_the_size_of_current(scene, opinion);
    let voltage = has_the_size_of_voltage(scene, opinion);
    opinion.advise(
        current <= thresholds.current_difference.limit && voltage <= thresholds.voltage_difference.limit,
    );
}

/// The mean voltage while the current is small, with what the inverter shows on the GX, and with a shunt: by how much they differ at
/// most.
fn has_the_size_of_voltage(scene: &Scene<'_>, opinion: &mut Opinion) -> Percent {
    let limit = scene.subject.thresholds.voltage_difference;
    let standing = beside::of_voltage(scene);
    let shunt = Shunt::of(scene).filter(|shunt| shunt.calibration().is_some());
    let by_bus = BUS
        .into_iter()
        .find_map(|bus| Some((bus.words().to_owned(), beside::apart(scene, bus, Channel::PackVoltage)?, 0.0)))
        .filter(|_| standing != Standing::Open && !(standing == Standing::Confirmed && shunt.is_some()));
    let by_shunt = shunt
        .filter(|_| matches!(standing, Standing::Confirmed | Standing::BatteryAlone))
        .and_then(|shunt| {
            let apart @ (_, volts) = beside::apart(scene, Channel::ShuntVoltage, Channel::PackVoltage)?;
            Some((format!("`{}`", shunt.name()), apart, shunt.of_volts(volts)))
        });
    let mut worst = Percent(0.0);
    for (name, (difference, volts), uncertain) in [by_bus, by_shunt].into_iter().flatten() {
        let figure = Percent(100.0 * (beside::beyond(difference, uncertain).0 / volts));
        worst = worst.max(figure);
        let complaint = format!(
            "the battery says {:.2} V on average below 20 A, {name} shows {volts:.2} V; difference",
            volts - difference
        );
        let what = format!("mean difference between {name} and battery voltage below 20 A, of the voltage");
        calibrated(scene, opinion, &what, figure, limit, &complaint);
    }
    worst
}

/// Holds a difference of two meters against what calibration explains, and below that against what it usually does.
fn calibrated(
    scene: &Scene<'_>,
    opinion: &mut Opinion,
    what: &str,
    figure: Percent,
    limit: Graded<Percent>,
    complaint: &str,
) {
    Scene::at_most(opinion, what, figure, limit, scene.whole, complaint);
    if figure > limit.good && figure <= limit.limit {
        opinion.fail(format!(
            "{complaint}: {figure:.1}, meters that are calibrated differ by {} at most",
            limit.good
        ));
    }
}

/// Current, with what solar chargers and inverter show on the GX, and with a shunt: for charge and for discharge, the mean of each
/// over all the time that it flowed one way. By how much they differ at most.
fn has_the_size_of_current(scene: &Scene<'_>, opinion: &mut Opinion) -> Percent {
    let plant = flows(
        scene,
        [Channel::SolarCurrent, Channel::InverterCurrent, Channel::PackCurrent],
        |[solar, inverter, pack]| (solar + inverter, pack),
    );
    let shunt = Shunt::of(scene);
    let own = flows(scene, [Channel::ShuntCurrent, Channel::PackCurrent], |[a, b]| (a, b));
    let standing = beside::of_current(scene);
    let (mut seen, mut worst) = (false, Percent(0.0));
    let mut hold = |opinion: &mut Opinion, flows: &[Flow; 2], shows: &str, uncertain: &dyn Fn(f64) -> f64| {
        for flow in flows.iter().filter(|flow| flow.is_seen()) {
            seen = true;
            let figure = flow.beyond(flow.size, uncertain(flow.expected));
            worst = worst.max(figure);
            agree(scene, opinion, flow, figure, shows);
        }
    };
    // Who is known to be wrong, or alone against two, is told and decides nothing.
    let confirmed =
        matches!(standing, Standing::Confirmed) && shunt.is_some_and(|shunt| shunt.calibration().is_some());
    if !(confirmed || standing == Standing::Open) {
        hold(opinion, &plant, "solar chargers and inverter show", &|_| 0.0);
    }
    if let Some(shunt) = shunt {
        let name = shunt.name();
        let told = |flow: &Flow| {
            let said = format!("{:.1} A, `{name}` shows {:.1} A", flow.size, flow.expected);
            Evidence::fact(format!("mean {} current", flow.word), said)
        };
        match standing {
            Standing::Confirmed | Standing::BatteryAlone if shunt.calibration().is_some() => {
                hold(opinion, &own, &format!("`{name}` shows"), &|amps| shunt.of_amps(amps));
                let others = plant.iter().filter(|flow| flow.is_seen());
                opinion.show_all(others.map(|flow| Some(told_by_plant(flow))));
            }
            Standing::WitnessAlone => {
                for (own, plant) in
                    own.iter().zip(&plant).filter(|(own, plant)| own.is_seen() && plant.is_seen())
                {
                    opinion.show(beside::alone(name, own.expected, own.signed, plant.expected, "A"));
                }
            }
            Standing::Open => {
                opinion.show_all(own.iter().filter(|flow| flow.is_seen()).map(|flow| Some(told(flow))));
                opinion.show_all(
                    plant.iter().filter(|flow| flow.is_seen()).map(|flow| Some(told_by_plant(flow))),
                );
                opinion.unclear(format!(
                    "battery, `{name}`, and solar chargers with inverter say three things: which is right nobody knows"
                ));
                seen = true;
            }
            _ => {
                let flows: Vec<_> = own.iter().filter(|flow| flow.is_seen()).collect();
                opinion.show_all(flows.iter().map(|flow| Some(told(flow))));
                if !seen && !flows.is_empty() && shunt.calibration().is_none() {
                    opinion.unclear(format!(
                        "nobody says how far `{name}` may be off (`calibration` of the rig file): the difference is told and decides nothing"
                    ));
                    seen = true;
                }
            }
        }
    }
    if !seen {
        opinion.unclear(format!(
            "neither charge nor discharge of {GAIN_CURRENT} A was seen for {GAIN_TIME} s, with solar charger and inverter on the GX or a shunt that is right"
        ));
    }
    worst
}

fn told_by_plant(flow: &Flow) -> Evidence {
    let said = format!("{:.1} A, solar chargers and inverter show {:.1} A", flow.size, flow.expected);
    Evidence::fact(format!("mean {} current", flow.word), said)
}

/// Holds what flowed one way by the battery against what another shows.
fn agree(scene: &Scene<'_>, opinion: &mut Opinion, flow: &Flow, figure: Percent, shows: &str) {
    let limit = scene.subject.thresholds.current_difference;
    let Flow { word, size, expected, .. } = *flow;
    let said = format!("{size:.1} A, {shows} {expected:.1} A");
    opinion.show(Evidence::fact(format!("mean {word} current"), said.clone()));
    let what = format!("difference of the {word} current beyond {CURRENT_OFFSET} A");
    let complaint = format!("the battery reports a mean {word} current of {said}; beyond {CURRENT_OFFSET} A");
    calibrated(scene, opinion, &what, figure, limit, &complaint);
}

/// MEA-03: battery voltage agrees with the inverter's DC voltage within calibration and cable drop, while the switch
/// is closed and the current is small (P 1.5.3: *"voltage drops and calibration differences"*), and with a shunt.
pub(crate) fn agrees_with_the_bus(scene: &Scene<'_>, opinion: &mut Opinion) {
    let limit = scene.of_system(scene.subject.thresholds.bus_difference);
    let bus = BUS.into_iter().find_map(|bus| Some((bus, beside::apart(scene, bus, Channel::PackVoltage)?)));
    let shunt = Shunt::of(scene);
    let own = shunt
        .and_then(|shunt| Some((shunt, beside::apart(scene, Channel::ShuntVoltage, Channel::PackVoltage)?)));
    if bus.is_none() && own.is_none() {
        opinion.unclear("battery and DC bus were not seen together for 10 minutes with less than 20 A");
        return;
    }
    let standing = beside::of_voltage(scene);
    let calibrated = own.is_some_and(|(shunt, _)| shunt.calibration().is_some());
    let told = |name: &str, (difference, volts): (f64, f64)| {
        Evidence::fact(
            format!("{name} beside the battery"),
            format!("{volts:.2} V and {:.2} V", volts - difference),
        )
    };
    if let Some((channel, (difference, volts))) = bus {
        if standing == Standing::Open || standing == Standing::Confirmed && calibrated {
            opinion.show(told(channel.words(), (difference, volts)));
        } else {
            Scene::at_most(
                opinion,
                "mean difference between DC bus and battery voltage below 20 A",
                Volts(difference.abs()),
                limit,
                scene.whole,
                "battery voltage and DC bus differ by more than calibration and cables explain",
            );
        }
    }
    let Some((shunt, (difference, volts))) = own else { return };
    let name = shunt.name();
    match standing {
        Standing::Confirmed | Standing::BatteryAlone if calibrated => {
            Scene::at_most(
                opinion,
                &format!(
                    "mean difference between `{name}` and battery voltage below 20 A, beyond what it may be off"
                ),
                beside::beyond(difference, shunt.of_volts(volts)),
                limit,
                scene.whole,
                &format!(
                    "the battery says {:.2} V, `{name}` at its terminals {volts:.2} V, beyond what that may be off",
                    volts - difference
                ),
            );
        }
        Standing::WitnessAlone => match bus {
            Some((_, (_, others))) if !shunt.is_frozen(scene) => {
                opinion.show(beside::alone(name, volts, volts - difference, others, "V"));
            }
            Some(_) => {
                opinion.show(told(name, (difference, volts)));
            }
            None => {
                opinion.show(told(name, (difference, volts))).unclear(format!(
                    "`{name}` is wrong, and nobody else measures the voltage beside the battery"
                ));
            }
        },
        Standing::Open => {
            opinion.show(told(name, (difference, volts))).unclear(format!(
                "battery, `{name}` and DC bus say three voltages: which is right nobody knows"
            ));
        }
        _ => {
            opinion.show(told(name, (difference, volts)));
            if bus.is_none() {
                opinion.unclear(format!(
                    "nobody says how far `{name}` may be off (`calibration` of the rig file): the difference is told and decides nothing"
                ));
            }
        }
    }
}

/// ENE-01 in a run: the counters by themselves, and what they counted against the energy that a shunt saw.
pub(crate) fn counts_energy(scene: &Scene<'_>, opinion: &mut Opinion) {
    let wire = scene.recording.wire();
    wire.judge(|w, t, o| w.charge.counts_energy(t, o), &scene.terms(), opinion);
    let standing = [beside::of_voltage(scene), beside::of_current(scene)];
    let Some(shunt) = Shunt::of(scene).filter(|_| !standing.contains(&Standing::WitnessAlone)) else {
        return;
    };
    let Some(counted) = wire.charge.energies() else { return };
    let channels = [Channel::ShuntVoltage, Channel::ShuntCurrent];
    if !scene.hears(opinion, &channels, &[scene.whole]) {
        return;
    }
    let mut seen = [0.0; 2];
    for s in stretches(channels.map(|c| scene.series(c)), scene.whole) {
        let [volts, amps] = s.values;
        seen[usize::from(amps < 0.0)] += volts * amps.abs() * s.window.hours();
    }
    for (word, counted, seen) in [("charged", counted[0], seen[0]), ("discharged", counted[1], seen[1])] {
        let said = format!("{:.1} kWh, `{}` saw {:.1} kWh", counted / 1000.0, shunt.name(), seen / 1000.0);
        opinion.show(Evidence::fact(format!("energy {word} by the counter"), said.clone()));
        let wrong = (counted - seen).abs() > ENERGY_STEP + ENERGY_SHARE / 100.0 * seen;
        if seen >= ENERGY_SEEN && wrong && shunt.calibration().is_some() {
            opinion.fail(format!("the counter of energy {word} counted {said}"));
        }
    }
}

fn longest(windows: Vec<Window>) -> Option<Window> {
    windows.into_iter().max_by_key(|w| w.length())
}

#[cfg(test)]
mod tests {
    use super::super::staged::{Stage, declared, good};
    use crate::battery::Battery;
    use crate::requirement::Severity;
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

    /// 10 A discharge for a while, and 66 A in the pulls: which of the two have no sign.
    #[rstest]
    #[case::both_have_one(0.0, Pass)]
    #[case::lost_in_small_ones(15.0, Fail)]
    fn sign_of_small_currents(#[case] lost_below: f64, #[case] expected: Outcome) {
        let little = |t: u64| (4000..4300).contains(&t);
        let stage = good()
            .shaped(Channel::SolarCurrent, move |t, i| if little(t) { 0.0 } else { i })
            .shaped(Channel::InverterCurrent, move |t, i| if little(t) { -10.0 } else { i })
            .shaped(Channel::PackCurrent, move |t, i| if little(t) { -10.0 } else { i })
            .shaped(Channel::PackCurrent, move |_, i| if i.abs() < lost_below { i.abs() } else { i });
        let verdict = stage.verdict("MEA-01");
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
        assert!(expected == Pass || verdict.reason.contains("lost in small currents"), "{}", verdict.reason);
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

    /// Of 55.2 V 1 % is 0.55 V: more must not be, and more than 0.28 V warns.
    #[rstest]
    #[case::right(1.0, Pass, Severity::Must)]
    #[case::a_calibration(0.997, Pass, Severity::Must)]
    #[case::a_little_low(0.993, Fail, Severity::Should)]
    #[case::two_percent_high(1.02, Fail, Severity::Must)]
    #[case::two_percent_low(0.98, Fail, Severity::Must)]
    fn size_of_the_voltage(#[case] gain: f64, #[case] expected: Outcome, #[case] severity: Severity) {
        let verdict = good().shaped(Channel::PackVoltage, move |_, v| gain * v).verdict("MEA-04");
        assert_eq!(verdict.outcome, expected, "{} {:#?}", verdict.reason, verdict.evidence);
        assert!(expected == Pass || verdict.requirement.severity == severity, "{}", verdict.reason);
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
