//! What meters beside the battery say of its voltage and its current, held against what it says itself: who agrees with
//! whom, and what a requirement comes to by their readings instead of its own.

use proto::channel::{Instrument, Sense};
use proto::quantity::{Micros, Percent, Volts};

use super::scene::Scene;
use crate::recording::Recording;
use crate::thresholds::fixed::{CURRENT_OFFSET, GAIN_CURRENT, GAIN_TIME};
use crate::trace::{Channel, Series};
use crate::verdict::{Evidence, Outcome, Verdict};
use crate::window::{Window, stretches, times, without};
use crate::witness::{Calibration, Reader};

/// Battery and another meter are held against each other below this current, A: cables drop little then.
const SMALL: f64 = 20.0;
/// They must have been seen together for so long, s.
const TOGETHER: f64 = 600.0;
/// A meter tells a step of the current within this time, with all delays between it and this machine (assumption).
const FOLLOWS: Micros = Micros::from_secs(60);
/// What is told for less than this share of the time in which a case gives it power is no second opinion on it.
const HEARD: f64 = 0.9;

/// A step of the current that the voltage follows, A, and the time in which it comes.
const STEP: f64 = 10.0;
const FAST: Micros = Micros::from_secs(20);
/// Steps that say which way round a shunt is, as the sum of voltage × current: 30 A through 10 mΩ, W.
const LEAST: f64 = 9.0;

/// Who is right about a quantity, as far as those who measure it tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// no witness measures it, not for long enough, or nobody says how far it may be off
    Untold,
    /// the witness says what the battery says
    Confirmed,
    /// the witness contradicts the battery, and nobody takes its side
    BatteryAlone,
    /// the witness contradicts the battery, and another meter says what the battery says, or it gives itself away
    WitnessAlone,
    /// three say three things
    Open,
}

/// What flowed one way by one meter, and by another meanwhile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flow {
    /// `charge` or `discharge`
    pub(super) word: &'static str,
    /// for so long, s
    pub(super) secs: f64,
    /// by the first, A
    pub(super) expected: f64,
    /// by the other, positive where it flows the same way
    pub(super) signed: f64,
    /// by the other, whichever way
    pub(super) size: f64,
}

impl Flow {
    pub(super) fn is_seen(&self) -> bool {
        self.secs >= GAIN_TIME
    }

    /// By how much they differ beyond what meters may be off by, whatever flows, and `uncertain` amps more.
    pub(super) fn beyond(&self, reported: f64, uncertain: f64) -> Percent {
        Percent(
            100.0 * ((reported - self.expected).abs() - CURRENT_OFFSET - uncertain).max(0.0) / self.expected,
        )
    }
}

/// A time in which a meter shows the same to the last digit.
#[derive(Clone, Copy)]
struct Same {
    shown: [u64; 2],
    from: Micros,
    /// the least and the most that the battery's own current was meanwhile, A
    pack: (f64, f64),
    /// when these were a step apart
    moved: Option<Micros>,
}

impl Same {
    const fn new(from: Micros, shown: [u64; 2], pack: f64) -> Self {
        Self { shown, from, pack: (pack, pack), moved: None }
    }

    /// The same with what the battery's own current was at a time.
    fn beside(self, at: Micros, amps: f64) -> Self {
        let (least, most) = (self.pack.0.min(amps), self.pack.1.max(amps));
        Self { pack: (least, most), moved: self.moved.or((most - least >= STEP).then_some(at)), ..self }
    }
}

/// The witness that measures the battery.
#[derive(Clone, Copy)]
pub(super) struct Shunt<'a> {
    reader: &'a Reader,
}

impl<'a> Shunt<'a> {
    /// That of a case, where it has one.
    pub(super) fn of(scene: &Scene<'a>) -> Option<Self> {
        let own = |reader: &&Reader| reader.witness().instrument == Instrument::Shunt;
        scene.recording.witnesses().iter().find(own).map(|reader| Self { reader })
    }

    pub(super) fn name(&self) -> &'a str {
        &self.reader.witness().name
    }

    pub(super) fn calibration(&self) -> Option<&'a Calibration> {
        self.reader.witness().calibration.as_ref()
    }

    /// What its protocol rounds off at most, V and A.
    fn half_a_step(&self) -> (f64, f64) {
        let (volts, amps) = self.reader.witness().protocol.resolution();
        (0.5 * volts, 0.5 * amps)
    }

    /// How far its current may be off, A.
    pub(super) fn of_amps(&self, amps: f64) -> f64 {
        self.calibration().map_or(0.0, |calibration| calibration.of_amps(amps) + self.half_a_step().1)
    }

    /// Whether its voltage falls where it shows more charge, and rises where it shows less: no battery does that, so it is
    /// connected the other way round. Only steps that are higher and faster than what a charger regulates away count.
    pub(super) fn is_turned(&self, scene: &Scene<'_>) -> bool {
        let channels = [Channel::ShuntVoltage, Channel::ShuntCurrent];
        let [mut with, mut against] = [0.0; 2];
        for window in known(scene, &channels) {
            let mut since: Option<(Micros, [f64; 2])> = None;
            for s in stretches(channels.map(|c| scene.series(c)), window) {
                let (before, [volts, amps]) = *since.get_or_insert((s.window.from, s.values));
                let (rise, step) = (s.values[0] - volts, s.values[1] - amps);
                if step.abs() >= STEP {
                    *(if rise * step > 0.0 { &mut with } else { &mut against }) += (rise * step).abs();
                }
                if step.abs() >= STEP || s.window.from.since(before) >= FAST {
                    since = Some((s.window.from, s.values));
                }
            }
        }
        against >= LEAST && with < 0.1 * against
    }

    /// Whether it showed the same for long to the last digit, while the battery's current moved.
    pub(super) fn is_frozen(&self, scene: &Scene<'_>) -> bool {
        let channels = [Channel::ShuntVoltage, Channel::ShuntCurrent, Channel::PackCurrent];
        known(scene, &channels).into_iter().any(|window| {
            let mut same: Option<Same> = None;
            stretches(channels.map(|c| scene.series(c)), window).any(|s| {
                let [volts, amps, pack] = s.values;
                let shown = [volts, amps].map(f64::to_bits);
                let before = same.filter(|same| same.shown == shown);
                let now = before.unwrap_or(Same::new(s.window.from, shown, pack)).beside(s.window.from, pack);
                same = Some(now);
                // A step of the current counts once the meter has had the time to tell it.
                let is_hidden = now.moved.is_some_and(|moved| s.window.to.since(moved) >= FOLLOWS);
                s.window.to.since(now.from).secs() >= TOGETHER && is_hidden
            })
        })
    }

    /// What it counted as drawn, and by how much its charge counter moved meanwhile, Ah. Nothing where it tells none: of one that is
    /// connected the other way round the counter stands at full.
    pub(super) fn counted(&self, scene: &Scene<'_>) -> Option<(f64, f64)> {
        if self.reader.witness().is_reversed || scene.series(Channel::ShuntConsumed).points().is_empty() {
            return None;
        }
        let channels = [Channel::ShuntCurrent, Channel::ShuntConsumed];
        let [mut drawn, mut counted] = [0.0; 2];
        for window in known(scene, &channels) {
            let mut before = None;
            for s in stretches(channels.map(|c| scene.series(c)), window) {
                let [amps, charge] = s.values;
                if amps <= -GAIN_CURRENT {
                    drawn += -amps * s.window.hours();
                    counted += before.map_or(0.0, |before: f64| (before - charge).max(0.0));
                }
                before = Some(charge);
            }
        }
        Some((drawn, counted))
    }

    /// How far its voltage may be off, V.
    pub(super) fn of_volts(&self, volts: f64) -> f64 {
        self.calibration().map_or(0.0, |calibration| calibration.of_volts(volts) + self.half_a_step().0)
    }
}

/// What of a case can be held against each other: nothing while a witness was silent.
fn known(scene: &Scene<'_>, channels: &[Channel]) -> Vec<Window> {
    let witness = |channel: &&Channel| channel.row().source.instrument().is_some_and(Instrument::is_witness);
    let mut cuts = Vec::new();
    for series in channels.iter().filter(witness).map(|&channel| scene.series(channel)) {
        cuts.extend(series.silences().iter().map(|&(from, to)| Window::new(from, to)));
        cuts.extend(series.last_seen().map(|last| Window::new(last + Series::SILENCE, scene.whole.to)));
    }
    cuts.sort_unstable();
    without(scene.whole, &cuts)
}

/// When the battery said that its main switch is open: the DC bus is dead then, and so are the meters that it feeds.
pub(super) fn unpowered(scene: &Scene<'_>) -> Vec<Window> {
    times([scene.series(Channel::Online)], scene.whole, |[online]| online < 0.5)
}

/// What flowed by the first of two meters that `split` makes of these channels, and by the second. What the suite made the
/// battery sense wrongly is left out.
pub(super) fn flows<const N: usize>(
    scene: &Scene<'_>,
    channels: [Channel; N],
    split: impl Fn([f64; N]) -> (f64, f64),
) -> [Flow; 2] {
    let mut tallies = [(0.0, 0.0, 0.0, 0.0); 2];
    for window in known(scene, &channels) {
        for s in stretches(channels.map(|c| scene.series(c)), window) {
            let (expected, other) = split(s.values);
            if expected.abs() < GAIN_CURRENT
                || scene.recording.account().misleads(Sense::Current, s.window.from)
            {
                continue;
            }
            let (secs, tally) = (s.window.secs(), &mut tallies[usize::from(expected < 0.0)]);
            tally.0 += secs;
            tally.1 += expected.abs() * secs;
            tally.2 += other * expected.signum() * secs;
            tally.3 += other.abs() * secs;
        }
    }
    let of = |word, (secs, expected, signed, size): (f64, f64, f64, f64)| {
        let mean = |sum: f64| if secs > 0.0 { sum / secs } else { 0.0 };
        Flow { word, secs, expected: mean(expected), signed: mean(signed), size: mean(size) }
    };
    [of("charge", tallies[0]), of("discharge", tallies[1])]
}

/// By how much one voltage is above another on average, below 20 A and with the main switch closed, V, and what the first
/// was; nothing where they were not seen together for 10 minutes.
pub(super) fn apart(scene: &Scene<'_>, one: Channel, other: Channel) -> Option<(f64, f64)> {
    let channels = [one, other, Channel::PackCurrent];
    let online = scene.series(Channel::Online);
    let (mut sum, mut first, mut secs) = (0.0, 0.0, 0.0);
    for window in known(scene, &channels) {
        for s in stretches(channels.map(|c| scene.series(c)), window) {
            let [a, b, current] = s.values;
            let open = online.at(s.window.from).is_some_and(|v| v < 0.5);
            if current.abs() > SMALL
                || open
                || scene.recording.account().misleads(Sense::Voltage, s.window.from)
            {
                continue;
            }
            sum += (a - b) * s.window.secs();
            first += a * s.window.secs();
            secs += s.window.secs();
        }
    }
    (secs >= TOGETHER).then(|| (sum / secs, first / secs))
}

/// Who else measures the voltage of the bus: the inverter on the GX, and the ports of charger and inverter.
const BUS: [Channel; 3] = [Channel::BusVoltage, Channel::ChargerVoltage, Channel::ConverterVoltage];

/// The voltage of the bus beside that of a battery or a shunt.
#[derive(Clone, Copy)]
pub(super) struct Bus<'a> {
    pub(super) channel: Channel,
    /// how far it may be off, where it is a witness
    calibration: Option<&'a Calibration>,
}

impl<'a> Bus<'a> {
    /// The meters that may decide. A witness without a calibration decides nothing.
    fn all(scene: &Scene<'a>) -> impl Iterator<Item = Self> {
        let recording = scene.recording;
        BUS.into_iter().filter_map(move |channel| {
            let instrument = channel.row().source.instrument().filter(|i| i.is_witness());
            let own = |reader: &&Reader| Some(reader.witness().instrument) == instrument;
            match recording.witnesses().iter().find(own) {
                Some(reader) => {
                    let calibration = Some(reader.witness().calibration.as_ref()?);
                    Some(Self { channel, calibration })
                }
                None => Some(Self { channel, calibration: None }),
            }
        })
    }

    /// The first of them that was seen beside the battery, by how much it is above the battery, and what it shows, V.
    pub(super) fn seen(scene: &Scene<'a>) -> Option<(Self, (f64, f64))> {
        Self::all(scene).find_map(|bus| Some((bus, apart(scene, bus.channel, Channel::PackVoltage)?)))
    }

    /// The name of a witness that was seen beside the battery and may not decide.
    pub(super) fn uncalibrated(scene: &Scene<'a>) -> Option<&'a str> {
        let mut all =
            scene.recording.witnesses().iter().filter(|reader| reader.witness().calibration.is_none());
        all.find_map(|reader| {
            let own =
                |channel: &Channel| channel.row().source.instrument() == Some(reader.witness().instrument);
            let channel = BUS.into_iter().find(own)?;
            apart(scene, channel, Channel::PackVoltage).map(|_| reader.witness().name.as_str())
        })
    }

    /// How far it may be off, V.
    pub(super) fn of_volts(self, volts: f64) -> f64 {
        self.calibration.map_or(0.0, |calibration| calibration.of_volts(volts))
    }
}

/// Who is right, from who contradicts whom: battery and witness, battery and a third, witness and the third.
fn standing(ours: Option<bool>, third: [Option<bool>; 2], calibrated: bool) -> Standing {
    match (ours, third) {
        (None, _) => Standing::Untold,
        (Some(false), _) => Standing::Confirmed,
        (Some(true), [Some(false), _]) => Standing::WitnessAlone,
        (Some(true), [Some(true), Some(true)]) => Standing::Open,
        (Some(true), [Some(true), _]) => Standing::BatteryAlone,
        (Some(true), [None, _]) if calibrated => Standing::BatteryAlone,
        (Some(true), [None, _]) => Standing::Untold,
    }
}

/// Who is right about the current: the battery, the shunt, or solar chargers and inverter on the GX.
pub(super) fn of_current(scene: &Scene<'_>) -> Standing {
    let Some(shunt) = Shunt::of(scene) else { return Standing::Untold };
    let good = scene.subject.thresholds.current_difference.good;
    let contradicts = |flows: [Flow; 2], by: &dyn Fn(f64) -> f64| {
        let seen: Vec<_> = flows.into_iter().filter(Flow::is_seen).collect();
        let any = seen.iter().any(|flow| flow.beyond(flow.signed, by(flow.expected)) > good);
        (!seen.is_empty()).then_some(any)
    };
    use Channel::{InverterCurrent, PackCurrent, ShuntCurrent, SolarCurrent};
    let uncertain = |amps| shunt.of_amps(amps);
    let pair = [ShuntCurrent, PackCurrent];
    let ours = [flows(scene, pair, |[a, b]| (a, b)), flows(scene, pair, |[a, b]| (b, a))];
    // Where one shows a current and the other none, only one of the two sees what flows.
    let ours = ours.map(|flows| contradicts(flows, &uncertain)).into_iter().flatten().reduce(|a, b| a || b);
    let battery = contradicts(
        flows(scene, [SolarCurrent, InverterCurrent, PackCurrent], |[a, b, c]| (a + b, c)),
        &|_| 0.0,
    );
    let witness = contradicts(
        flows(scene, [SolarCurrent, InverterCurrent, ShuntCurrent], |[a, b, c]| (a + b, c)),
        &uncertain,
    );
    // Nobody else need measure it where the shunt gives itself away. One that stands still confirms nothing either.
    let is_turned = || ours == Some(true) && shunt.is_turned(scene);
    if is_turned() || shunt.is_frozen(scene) {
        return Standing::WitnessAlone;
    }
    standing(ours, [battery, witness], shunt.calibration().is_some())
}

/// Who is right about the voltage: the battery, the shunt, or inverter and charger.
pub(super) fn of_voltage(scene: &Scene<'_>) -> Standing {
    let Some(shunt) = Shunt::of(scene) else { return Standing::Untold };
    let good = scene.of_system(scene.subject.thresholds.bus_difference).good.0;
    let contradicts = |one, other, uncertain: &dyn Fn(f64) -> f64| {
        let (difference, volts) = apart(scene, one, other)?;
        Some(difference.abs() - uncertain(volts) > good)
    };
    let ours = contradicts(Channel::ShuntVoltage, Channel::PackVoltage, &|volts| shunt.of_volts(volts));
    let third = Bus::all(scene).find_map(|bus| {
        let both = |volts| bus.of_volts(volts) + shunt.of_volts(volts);
        Some([
            contradicts(bus.channel, Channel::PackVoltage, &|volts| bus.of_volts(volts))?,
            contradicts(bus.channel, Channel::ShuntVoltage, &both)?,
        ])
    });
    // One that gives itself away by its current is believed in nothing.
    if shunt.is_frozen(scene) || shunt.is_turned(scene) && of_current(scene) == Standing::WitnessAlone {
        return Standing::WitnessAlone;
    }
    standing(ours, third.map_or([None; 2], |third| third.map(Some)), shunt.calibration().is_some())
}

/// A second opinion on a case: the same case with the readings of witnesses in place of the battery's own.
pub(crate) struct Beside {
    recording: Recording,
    name: String,
    /// somebody says how far it may be off
    calibrated: bool,
    standings: [Standing; 2],
}

/// What is read of a witness where the rig has no GX to tell it.
const WITHOUT_GX: [(Channel, Channel); 6] = [
    (Channel::BusVoltage, Channel::ConverterVoltage),
    (Channel::SolarVoltage, Channel::ChargerVoltage),
    (Channel::SolarCurrent, Channel::ChargerCurrent),
    (Channel::PvPower, Channel::ChargerPvPower),
    (Channel::PvVoltage, Channel::ChargerPvVoltage),
    (Channel::Tracker, Channel::ChargerTracker),
];

impl Beside {
    /// That of a case; nothing where no witness tells enough of it, or what it tells is known to be wrong.
    pub(crate) fn of(scene: &Scene<'_>) -> Option<Self> {
        let shunt = Shunt::of(scene)?;
        let standings = [of_voltage(scene), of_current(scene)];
        if standings.contains(&Standing::WitnessAlone) {
            return None;
        }
        let trace = scene.trace;
        let alive = without(scene.whole, &unpowered(scene));
        let told = |channel| crate::window::heard(trace.series(channel), &alive) >= HEARD;
        let own =
            [(Channel::PackVoltage, Channel::ShuntVoltage), (Channel::PackCurrent, Channel::ShuntCurrent)];
        if !own.iter().all(|(_, witness)| told(*witness)) {
            return None;
        }
        let missing = WITHOUT_GX
            .into_iter()
            .filter(|(gx, witness)| trace.series(*gx).points().is_empty() && told(*witness));
        let recording = scene.recording.seen_as(own.into_iter().chain(missing));
        let calibrated = shunt.calibration().is_some();
        Some(Self { recording, name: shunt.name().to_owned(), calibrated, standings })
    }

    /// The case as the witnesses have it.
    pub(crate) const fn recording(&self) -> &Recording {
        &self.recording
    }

    /// What a verdict comes to with the second one beside it; without one only who is right about what it rests on counts.
    pub(crate) fn weigh(&self, own: &mut Verdict, second: Option<Verdict>) {
        let alone = self.standings.contains(&Standing::BatteryAlone);
        let name = &self.name;
        let Some(second) = second else {
            if alone && own.outcome == Outcome::Pass {
                own.outcome = Outcome::Inconclusive;
                own.reason = format!(
                    "it holds by what the battery says, and `{name}` contradicts what it measures: {}",
                    own.reason
                );
            }
            return;
        };
        let word = match second.outcome {
            Outcome::Pass => "it holds",
            Outcome::Fail => "it does not hold",
            Outcome::Inconclusive => "undecided",
            Outcome::NotApplicable => return,
        };
        own.evidence.push(Evidence::fact(
            format!("by the readings of `{name}`"),
            format!("{word}: {}", second.reason),
        ));
        match (own.outcome, second.outcome) {
            (Outcome::Pass, Outcome::Fail) if alone => {
                own.reason = format!(
                    "by what the battery says of itself it holds, by `{name}` it does not: {}",
                    second.reason
                );
                own.outcome = Outcome::Fail;
                own.evidence.splice(0..0, second.evidence);
            }
            // What the battery says decides nothing without a GX, and what witnesses say does.
            (Outcome::Inconclusive, Outcome::Pass | Outcome::Fail) if self.calibrated => {
                own.reason = format!("by the readings of `{name}`: {}", second.reason);
                own.outcome = second.outcome;
                own.evidence.splice(0..0, second.evidence);
            }
            _ => {}
        }
    }
}

/// What a witness that is alone says, beside the others, in words.
pub(super) fn alone(name: &str, says: f64, battery: f64, others: f64, unit: &str) -> Evidence {
    Evidence::fact(
        format!("`{name}` is wrong"),
        format!(
            "it says {says:.1} {unit}, the battery {battery:.1} {unit} and the others {others:.1} {unit}: two against one"
        ),
    )
}

/// The difference of a voltage beyond what a witness may be off by.
pub(super) fn beyond(difference: f64, uncertain: f64) -> Volts {
    Volts((difference.abs() - uncertain).max(0.0))
}
