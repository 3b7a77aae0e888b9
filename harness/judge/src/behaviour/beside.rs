//! What meters beside the battery say of its voltage and its current, held against what it says itself: who agrees with
//! whom, and what a requirement comes to by their readings instead of its own.

use proto::channel::{Instrument, Sense};
use proto::quantity::{Percent, Volts};

use super::meter;
use super::scene::Scene;
use super::standing::{Meters, Standing};
use super::votes::Votes;
use crate::recording::Recording;
use crate::thresholds::fixed::{
    CURRENT_OFFSET, GAIN_CURRENT, GAIN_TIME, METER_HEARD, METER_SMALL, METER_TOGETHER,
};
use crate::trace::Channel;
use crate::verdict::{Evidence, Outcome, Verdict};
use crate::window::{Window, stretches, times, without};
use crate::witness::{Calibration, Reader, told_by};

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
        let (volts, amps) = self.reader.witness().protocol.row().resolution;
        (0.5 * volts, 0.5 * amps)
    }

    /// How far its current may be off, A.
    pub(super) fn of_amps(&self, amps: f64) -> f64 {
        self.calibration().map_or(0.0, |calibration| calibration.of_amps(amps) + self.half_a_step().1)
    }

    /// What it counted as drawn, and by how much its charge counter moved meanwhile, Ah. Nothing where it tells none: of one that is
    /// connected the other way round the counter stands at full.
    pub(super) fn counted(&self, scene: &Scene<'_>) -> Option<(f64, f64)> {
        if self.reader.witness().is_reversed || scene.series(Channel::ShuntConsumed).points().is_empty() {
            return None;
        }
        let channels = [Channel::ShuntCurrent, Channel::ShuntConsumed];
        let [mut drawn, mut counted] = [0.0; 2];
        for window in scene.known(&channels) {
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
    for window in scene.known(&channels) {
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
    for window in scene.known(&channels) {
        for s in stretches(channels.map(|c| scene.series(c)), window) {
            let [a, b, current] = s.values;
            let open = online.at(s.window.from).is_some_and(|v| v < 0.5);
            if current.abs() > METER_SMALL
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
    (secs >= METER_TOGETHER.secs()).then(|| (sum / secs, first / secs))
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

    /// Those that were seen beside the battery and that nothing shows to be wrong, each with by how much it is above the battery, and
    /// what it shows, V.
    pub(super) fn right(scene: &Scene<'a>) -> impl Iterator<Item = (Self, (f64, f64))> {
        Self::seen(scene).filter(|(bus, _)| !meters(scene).wrong.contains(&bus.channel))
    }

    /// Those that say another voltage than the battery and somebody else, each with by how much it is above the battery, and what
    /// it shows, V.
    pub(super) fn alone(scene: &Scene<'a>) -> impl Iterator<Item = (Self, (f64, f64))> {
        Self::seen(scene).filter(|(bus, _)| meters(scene).is_alone(bus.channel))
    }

    fn seen(scene: &Scene<'a>) -> impl Iterator<Item = (Self, (f64, f64))> {
        Self::all(scene).filter_map(|bus| Some((bus, apart(scene, bus.channel, Channel::PackVoltage)?)))
    }

    /// What its voltage is called beside the battery's.
    pub(super) const fn words(self) -> &'static str {
        match self.channel {
            Channel::BusVoltage => "DC bus",
            other => other.words(),
        }
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

/// Who is right about the current, from who contradicts whom: battery and witness, battery and a third, witness and the third. A third
/// that contradicts neither says nothing.
fn standing(ours: Option<bool>, third: [Option<bool>; 2], calibrated: bool) -> Standing {
    match (ours, third) {
        (None, _) => Standing::Untold,
        (Some(false), _) => Standing::Confirmed,
        (Some(true), [Some(true), Some(true)]) => Standing::Open,
        (Some(true), [Some(false), Some(true) | None]) => Standing::WitnessAlone,
        (Some(true), [Some(true), _]) => Standing::BatteryAlone,
        (Some(true), _) if calibrated => Standing::BatteryAlone,
        (Some(true), _) => Standing::Untold,
    }
}

/// Who is right of those who measure the battery in a case.
pub(super) fn meters<'a>(scene: &'a Scene<'_>) -> &'a Meters {
    scene.meters.get_or_init(|| measured_by(scene))
}

fn measured_by(scene: &Scene<'_>) -> Meters {
    let which = scene.recording.witnesses().iter().map(|reader| reader.witness().instrument);
    let faults: Vec<_> = which.filter_map(|which| Some((which, meter::fault(scene, which)?))).collect();
    let faulty: Vec<_> = faults.iter().map(|&(which, _)| told_by(which).0).collect();
    let shunt = Shunt::of(scene);
    let mut meters =
        Meters { voltage: Standing::Untold, current: Standing::Untold, faults, wrong: faulty.clone() };
    let voltages = Voltages::of(scene, shunt, &faulty);
    meters.wrong.extend(voltages.outvoted());
    meters.voltage = voltages.standing();
    meters.current = of_current(scene);
    // Nobody else need measure it where the shunt gives itself away: it is believed in nothing.
    if meters.fault(Instrument::Shunt).is_some() {
        (meters.voltage, meters.current) = (Standing::WitnessAlone, Standing::WitnessAlone);
    }
    meters
}

/// Those who tell the voltage at the battery: the battery first, then a shunt, then the DC bus.
struct Voltages {
    votes: Votes,
    buses: Vec<Channel>,
    /// with whether somebody says how far it may be off
    shunt: Option<bool>,
}

impl Voltages {
    /// All but those that give themselves away.
    fn of(scene: &Scene<'_>, shunt: Option<Shunt<'_>>, faulty: &[Channel]) -> Self {
        let shunt = shunt.filter(|_| !faulty.contains(&Channel::ShuntVoltage));
        let buses: Vec<Bus<'_>> = Bus::all(scene).filter(|bus| !faulty.contains(&bus.channel)).collect();
        let good = scene.of_system(scene.subject.thresholds.bus_difference).good.0;
        let own = shunt.map(|_| Channel::ShuntVoltage);
        let told: Vec<Channel> = core::iter::once(Channel::PackVoltage)
            .chain(own)
            .chain(buses.iter().map(|bus| bus.channel))
            .collect();
        let uncertain = |channel, volts| match (channel, shunt) {
            (Channel::PackVoltage, _) => 0.0,
            (Channel::ShuntVoltage, Some(shunt)) => shunt.of_volts(volts),
            _ => buses.iter().find(|bus| bus.channel == channel).map_or(0.0, |bus| bus.of_volts(volts)),
        };
        let calibrated = shunt.map(|shunt| shunt.calibration().is_some());
        let counts = told.iter().map(|&channel| channel != Channel::ShuntVoltage || calibrated == Some(true));
        let votes = Votes::of(counts.collect(), |one, other| {
            let (difference, volts) = apart(scene, told[one], told[other])?;
            let both = uncertain(told[one], volts) + uncertain(told[other], volts - difference);
            Some(difference.abs() - both > good)
        });
        Self { votes, buses: buses.iter().map(|bus| bus.channel).collect(), shunt: calibrated }
    }

    /// The voltages of the DC bus that are outvoted.
    fn outvoted(&self) -> impl Iterator<Item = Channel> {
        let first = 1 + usize::from(self.shunt.is_some());
        let buses = self.buses.iter().enumerate();
        buses.filter(move |(k, _)| self.votes.is_outvoted(first + k)).map(|(_, channel)| *channel)
    }

    /// Who is right of battery and shunt; without a shunt only whether nobody knows.
    fn standing(&self) -> Standing {
        const BATTERY: usize = 0;
        const SHUNT: usize = 1;
        let Some(calibrated) = self.shunt else {
            let all = 1..=self.buses.len();
            let open = |other: usize| self.votes.is_open(BATTERY, other) && !self.votes.is_outvoted(other);
            let is_open = !self.votes.is_outvoted(BATTERY) && all.clone().any(open);
            return if is_open { Standing::Open } else { Standing::Untold };
        };
        match self.votes.contradict(BATTERY, SHUNT) {
            None => Standing::Untold,
            Some(false) => Standing::Confirmed,
            Some(true) if self.votes.is_outvoted(SHUNT) => Standing::WitnessAlone,
            Some(true) if self.votes.is_outvoted(BATTERY) => Standing::BatteryAlone,
            Some(true) if self.votes.is_open(BATTERY, SHUNT) => Standing::Open,
            Some(true) if calibrated => Standing::BatteryAlone,
            Some(true) => Standing::Untold,
        }
    }
}

/// Each voltage that was told at the battery, in words, for who must decide what nobody knows.
pub(super) fn voltages_told(scene: &Scene<'_>) -> String {
    let battery = core::iter::once(("the battery".to_owned(), Channel::PackVoltage));
    let shunt = Shunt::of(scene).map(|shunt| (format!("`{}`", shunt.name()), Channel::ShuntVoltage));
    let buses = Bus::all(scene).map(|bus| (bus.words().to_owned(), bus.channel));
    let told = battery.chain(shunt).chain(buses).filter_map(|(name, channel)| {
        let (_, volts) = apart(scene, channel, Channel::PackVoltage)?;
        Some(format!("{name} {volts:.2} V"))
    });
    told.collect::<Vec<_>>().join(", ")
}

/// Who is right about the current: the battery, the shunt, or solar chargers and inverter on the GX.
fn of_current(scene: &Scene<'_>) -> Standing {
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
    let plant = |own| flows(scene, [SolarCurrent, InverterCurrent, own], |[a, b, c]| (a + b, c));
    let battery = contradicts(plant(PackCurrent), &|_| 0.0);
    let witness = contradicts(plant(ShuntCurrent), &uncertain);
    standing(ours, [battery, witness], shunt.calibration().is_some())
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
        let standings = [meters(scene).voltage, meters(scene).current];
        if standings.contains(&Standing::WitnessAlone) {
            return None;
        }
        let trace = scene.trace;
        let alive = without(scene.whole, &unpowered(scene));
        let told = |channel| crate::window::heard(trace.series(channel), &alive) >= METER_HEARD;
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
