//! SOC-03, MEA-01, MEA-03, MEA-04 and ENE-01: whether the battery's own measurements agree with themselves, with the
//! plant, and with a witness.

use proto::channel::Instrument;
use proto::quantity::{Micros, Percent};

use super::beside::{self, Bus, Flow, Shunt, flows};
use super::scene::Scene;
use super::standing::Standing;
use crate::thresholds::Graded;
use crate::thresholds::fixed::{
    CURRENT_OFFSET, ENERGY_SEEN, ENERGY_SHARE, ENERGY_STEP, GAIN_CURRENT, GAIN_TIME, SIGN_TOLD,
    SIGNED_CURRENT, SIGNED_RATE, SMALL_SIGNED, SOC_SWING,
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
    let is_doubted = || matches!(beside::meters(scene).current, Standing::WitnessAlone | Standing::Open);
    let shunt = Shunt::of(scene).filter(|_| !is_doubted());
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

    fn of_all(parts: &[Self]) -> Self {
        parts.iter().fold(Self::default(), |all, part| Self {
            time: all.time + part.time,
            agreeing: all.agreeing + part.agreeing,
        })
    }

    /// Whether it flowed for long enough to say, and most of it had the other sign, or none.
    fn is_lost(self) -> bool {
        self.time >= Self::LEAST && self.share() <= 50.0
    }
}

/// Ranges of small currents that are looked at apart, each up to twice its least: where a sign is lost depends on a range of the
/// battery's own, and a larger one that is right would hide it.
const OCTAVES: usize = 4;

/// What flowed one way: all that certainly has a sign, and what is small, by its octave.
#[derive(Clone, Copy, Default)]
struct Way {
    all: Signed,
    small: [Signed; OCTAVES],
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
    let least = (signed / SMALL_SIGNED).max(CURRENT_OFFSET);
    let ways = [("charging", "positive"), ("discharging", "negative")];
    let flowed = flowed(scene, channels, beheld, (signed, least));
    for (&(word, sign), way) in ways.iter().zip(&flowed) {
        large_currents(opinion, (word, sign), way.all, shows);
        if !way.all.is_lost() {
            small_currents(opinion, (word, sign), &way.small, (least, shows));
        }
    }
    flowed.iter().all(|way| way.all.time >= Signed::LEAST)
}

/// What flowed each way, charge first: all from `signed` on, and small currents from `least` on.
fn flowed<const N: usize>(
    scene: &Scene<'_>,
    channels: [Channel; N],
    beheld: impl Fn([f64; N]) -> Beheld,
    (signed, least): (f64, f64),
) -> [Way; 2] {
    let mut ways = [Way::default(); 2];
    let (mut flows, mut since) = (None, Micros::ZERO);
    for s in stretches(channels.map(|c| scene.series(c)), scene.whole) {
        let Beheld { expected, through, pack } = beheld(s.values);
        let (way, secs) = (usize::from(expected < 0.0), s.window.secs());
        let agrees = pack * expected > 0.0;
        if expected.abs() >= signed && pack.abs() >= signed / 2.0 {
            ways[way].all.add(secs, agrees);
        }
        let flows_now = (expected.abs() >= least).then_some(way);
        if flows_now != flows {
            (flows, since) = (flows_now, s.window.from);
        }
        // What has just turned is told by each meter when it gets to it; what has another size was measured at another moment, or is off.
        let told = s.window.to.since(s.window.from.max(since + SIGN_TOLD)).secs();
        let is_same_size = (0.5..=2.0).contains(&(pack / expected).abs());
        // The small difference of two large currents is not known well enough.
        let is_known = expected.abs() >= through / 2.0;
        if flows.is_some() && is_same_size && is_known {
            let octave = (0..OCTAVES).find(|&octave| expected.abs() < upper_end(least, octave));
            if let Some(octave) = octave {
                ways[way].small[octave].add(told, agrees);
            }
        }
    }
    ways
}

/// Where an octave of the small currents ends, that begin at `least`.
fn upper_end(least: f64, octave: usize) -> f64 {
    least * f64::from(2_u8 << octave)
}

/// The sign of what certainly has one.
fn large_currents(opinion: &mut Opinion, (word, sign): (&str, &str), all: Signed, shows: &str) {
    if all.time < Signed::LEAST {
        let time = format!("{:.0} s", all.time);
        opinion.show(Evidence::fact(format!("time {word}"), time).against("≥ 60 s"));
        return;
    }
    opinion.part(|opinion| {
        let share = all.share();
        let what = format!("time {word} with a {sign} battery current");
        opinion.show(Evidence::fact(what, format!("{share:.0} %")).against("≥ 90 %"));
        if share >= 90.0 {
            opinion.pass(format!("while {word} the battery current is {sign}"));
        } else if share <= 50.0 {
            opinion.fail(format!(
                "while {shows} the battery {word}, its current is {sign} for only {share:.0} % of the time: the sign is inverted, or the value unsigned"
            ));
        } else {
            opinion.unclear(format!("while {word} the battery current is {sign} for {share:.0} % of the time"));
        }
    });
}

/// The sign of small currents: the largest of the octaves that have lost it, or all of them together.
fn small_currents(
    opinion: &mut Opinion,
    (word, sign): (&str, &str),
    small: &[Signed; OCTAVES],
    (least, shows): (f64, &str),
) {
    let lost = small.iter().rposition(|octave| octave.is_lost());
    let upper = upper_end(least, lost.unwrap_or(OCTAVES - 1));
    let seen = lost.map_or_else(|| Signed::of_all(small), |octave| small[octave]);
    if seen.time < Signed::LEAST {
        return;
    }
    let share = seen.share();
    let what = format!("time {word} below {upper:.1} A with a {sign} battery current");
    opinion.show(Evidence::fact(what, format!("{share:.0} %")).against("> 50 %"));
    if lost.is_some() {
        opinion.fail(format!(
            "while {shows} the battery {word} with less than {upper:.1} A, its current is {sign} for only {share:.0} % of the time: the sign is lost in small currents"
        ));
    }
}

/// MEA-04: current and voltage that the battery reports agree in magnitude with independent meters (P 1.5.3: *"calibration
/// differences"*). What differs by more than any calibration must not be; a smaller difference warns.
pub(crate) fn has_the_size(scene: &Scene<'_>, opinion: &mut Opinion) {
    let mut held = Held::default();
    has_the_size_of_current(scene, opinion, &mut held);
    has_the_size_of_voltage(scene, opinion, &mut held);
    // A warning must not hide that another figure is undecided.
    let is_decided = !opinion.is_open();
    if is_decided {
        held.warnings.into_iter().for_each(|warning| {
            opinion.fail(warning);
        });
    }
    opinion.advise(is_decided && !held.is_beyond);
}

/// Figures that were held against limits which both warn and decide.
#[derive(Default)]
struct Held {
    /// one is beyond what must be kept
    is_beyond: bool,
    /// what only warns
    warnings: Vec<String>,
}

/// The mean voltage while the current is small, with what the inverter shows on the GX, and with a shunt.
fn has_the_size_of_voltage(scene: &Scene<'_>, opinion: &mut Opinion, held: &mut Held) {
    let standing = beside::meters(scene).voltage;
    let shunt = Shunt::of(scene).filter(|shunt| shunt.calibration().is_some());
    if standing == Standing::Open {
        opinion.unclear(nobody_knows(scene));
        return;
    }
    let by_bus = Bus::right(scene)
        .filter(|_| !(standing == Standing::Confirmed && shunt.is_some()))
        .map(|(bus, apart)| (bus.channel.words().to_owned(), apart, bus.of_volts(apart.1)));
    let by_shunt = shunt
        .filter(|_| matches!(standing, Standing::Confirmed | Standing::BatteryAlone))
        .and_then(|shunt| {
            let apart @ (_, volts) = beside::apart(scene, Channel::ShuntVoltage, Channel::PackVoltage)?;
            Some((format!("`{}`", shunt.name()), apart, shunt.of_volts(volts)))
        });
    for (name, (difference, volts), uncertain) in by_bus.chain(by_shunt) {
        let figure = Percent(100.0 * (beside::beyond(difference, uncertain).0 / volts));
        let complaint = format!(
            "the battery says {:.2} V on average below 20 A, {name} shows {volts:.2} V; difference",
            volts - difference
        );
        let what = format!("mean difference between {name} and battery voltage below 20 A, of the voltage");
        let limit = scene.subject.thresholds.voltage_difference;
        calibrated(scene, opinion, held, (&what, figure, limit), &complaint);
    }
}

/// Holds a difference of two meters against what calibration explains, and below that against what it usually does.
fn calibrated(
    scene: &Scene<'_>,
    opinion: &mut Opinion,
    held: &mut Held,
    (what, figure, limit): (&str, Percent, Graded<Percent>),
    complaint: &str,
) {
    Scene::at_most(opinion, what, figure, limit, scene.whole, complaint);
    held.is_beyond |= figure > limit.limit;
    if figure > limit.good && figure <= limit.limit {
        held.warnings.push(format!(
            "{complaint}: {figure:.1}, meters that are calibrated differ by {} at most",
            limit.good
        ));
    }
}

/// Current, with what solar chargers and inverter show on the GX, and with a shunt: for charge and for discharge, the mean of each
/// over all the time that it flowed one way.
fn has_the_size_of_current(scene: &Scene<'_>, opinion: &mut Opinion, held: &mut Held) {
    let plant = flows(
        scene,
        [Channel::SolarCurrent, Channel::InverterCurrent, Channel::PackCurrent],
        |[solar, inverter, pack]| (solar + inverter, pack),
    );
    let shunt = Shunt::of(scene);
    let own = flows(scene, [Channel::ShuntCurrent, Channel::PackCurrent], |[a, b]| (a, b));
    let standing = beside::meters(scene).current;
    let mut seen = false;
    let mut hold = |opinion: &mut Opinion, flows: &[Flow; 2], shows: &str, uncertain: &dyn Fn(f64) -> f64| {
        for flow in flows.iter().filter(|flow| flow.is_seen()) {
            seen = true;
            let figure = flow.beyond(flow.size, uncertain(flow.expected));
            agree(scene, opinion, held, (flow, figure), shows);
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
                    opinion.unclear(uncalibrated(name));
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
}

fn told_by_plant(flow: &Flow) -> Evidence {
    let said = format!("{:.1} A, solar chargers and inverter show {:.1} A", flow.size, flow.expected);
    Evidence::fact(format!("mean {} current", flow.word), said)
}

/// Holds what flowed one way by the battery against what another shows.
fn agree(
    scene: &Scene<'_>,
    opinion: &mut Opinion,
    held: &mut Held,
    (flow, figure): (&Flow, Percent),
    shows: &str,
) {
    let limit = scene.subject.thresholds.current_difference;
    let Flow { word, size, expected, .. } = *flow;
    let said = format!("{size:.1} A, {shows} {expected:.1} A");
    opinion.show(Evidence::fact(format!("mean {word} current"), said.clone()));
    let what = format!("difference of the {word} current beyond {CURRENT_OFFSET} A");
    let complaint = format!("the battery reports a mean {word} current of {said}; beyond {CURRENT_OFFSET} A");
    calibrated(scene, opinion, held, (&what, figure, limit), &complaint);
}

/// MEA-03: battery voltage agrees with the inverter's DC voltage within calibration and cable drop, while the switch
/// is closed and the current is small (P 1.5.3: *"voltage drops and calibration differences"*), and with a shunt.
pub(crate) fn agrees_with_the_bus(scene: &Scene<'_>, opinion: &mut Opinion) {
    let limit = scene.of_system(scene.subject.thresholds.bus_difference);
    let buses: Vec<_> = Bus::right(scene).collect();
    let bus = buses.first().copied();
    let shunt = Shunt::of(scene);
    let own = shunt
        .and_then(|shunt| Some((shunt, beside::apart(scene, Channel::ShuntVoltage, Channel::PackVoltage)?)));
    if bus.is_none()
        && own.is_none()
        && let Some(name) = Bus::uncalibrated(scene)
    {
        opinion.unclear(uncalibrated(name));
        return;
    }
    if bus.is_none() && own.is_none() {
        opinion.unclear("battery and DC bus were not seen together for 10 minutes with less than 20 A");
        return;
    }
    let standing = beside::meters(scene).voltage;
    let calibrated = own.is_some_and(|(shunt, _)| shunt.calibration().is_some());
    let told = |name: &str, (difference, volts): (f64, f64)| {
        Evidence::fact(
            format!("{name} beside the battery"),
            format!("{volts:.2} V and {:.2} V", volts - difference),
        )
    };
    opinion.show_all(Bus::alone(scene).map(|(bus, (difference, volts))| {
        Some(Evidence::fact(
            format!("{} is wrong", bus.channel.words()),
            format!(
                "it is {volts:.2} V, the battery says {:.2} V, and more meters say so than say the other",
                volts - difference
            ),
        ))
    }));
    for &(bus, (difference, volts)) in &buses {
        if standing == Standing::Open || standing == Standing::Confirmed && calibrated {
            opinion.show(told(bus.channel.words(), (difference, volts)));
        } else {
            Scene::at_most(
                opinion,
                &format!("mean difference between {} and battery voltage below 20 A", bus.words()),
                beside::beyond(difference, bus.of_volts(volts)),
                limit,
                scene.whole,
                "battery voltage and DC bus differ by more than calibration and cables explain",
            );
        }
    }
    let Some((shunt, (difference, volts))) = own else {
        if standing == Standing::Open {
            opinion.unclear(nobody_knows(scene));
        }
        return;
    };
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
            Some((_, (_, others))) if beside::meters(scene).fault(Instrument::Shunt).is_none() => {
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
            opinion.show(told(name, (difference, volts))).unclear(nobody_knows(scene));
        }
        _ => {
            opinion.show(told(name, (difference, volts)));
            if bus.is_none() {
                opinion.unclear(uncalibrated(name));
            }
        }
    }
}

fn nobody_knows(scene: &Scene<'_>) -> String {
    format!(
        "those who measure the battery's voltage contradict each other, and none has more on its side: {}",
        beside::voltages_told(scene)
    )
}

fn uncalibrated(name: &str) -> String {
    format!(
        "nobody says how far `{name}` may be off (`calibration` of the rig file): the difference is told and decides nothing"
    )
}

/// ENE-01 in a run: the counters by themselves, and what they counted against the energy that a shunt saw.
pub(crate) fn counts_energy(scene: &Scene<'_>, opinion: &mut Opinion) {
    let wire = scene.recording.wire();
    wire.judge(|w, t, o| w.charge.counts_energy(t, o), &scene.terms(), opinion);
    let Some(shunt) = Shunt::of(scene).filter(|_| !beside::meters(scene).doubts_shunt()) else { return };
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
mod tests;
