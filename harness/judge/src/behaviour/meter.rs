//! What a meter beside the battery shows of itself that is wrong, whoever else measures the same.

use proto::channel::{Instrument, Sense};
use proto::quantity::{Micros, Volts};

use super::scene::Scene;
use super::standing::Fault;
use crate::thresholds::fixed::{
    GAIN_CURRENT, METER_BLIND, METER_FOLLOWS, METER_MOVED, METER_RUNS, METER_STEP, METER_STEP_TIME,
    METER_STEPS, METER_TOGETHER,
};
use crate::trace::Channel;
use crate::window::{Window, extremes, hours, mean, stretches, times};
use crate::witness::told_by;

/// What gives a witness away; nothing where nothing does.
pub(super) fn fault(scene: &Scene<'_>, which: Instrument) -> Option<Fault> {
    let is_shunt = which == Instrument::Shunt;
    if is_flat(scene, which) {
        Some(Fault::Flat)
    } else if is_frozen(scene, which) {
        Some(Fault::Frozen)
    } else if is_shunt && is_turned(scene) {
        Some(Fault::Turned)
    } else {
        (is_shunt && is_blind(scene)).then_some(Fault::Blind)
    }
}

/// Whether the voltage of a shunt falls where it shows more charge, and rises where it shows less: no battery does that. Only steps
/// that are higher and faster than what a charger regulates away count.
fn is_turned(scene: &Scene<'_>) -> bool {
    let channels = [Channel::ShuntVoltage, Channel::ShuntCurrent];
    let mut steps = Steps::default();
    for window in scene.known(&channels) {
        let mut since: Option<(Micros, [f64; 2])> = None;
        for s in stretches(channels.map(|c| scene.series(c)), window) {
            let (before, [volts, amps]) = *since.get_or_insert((s.window.from, s.values));
            let (rise, step) = (s.values[0] - volts, s.values[1] - amps);
            if step.abs() >= METER_STEP {
                steps.add(rise * step);
            }
            if step.abs() >= METER_STEP || s.window.from.since(before) >= METER_STEP_TIME {
                since = Some((s.window.from, s.values));
            }
        }
    }
    steps.against >= METER_STEPS && steps.with < 0.1 * steps.against
}

/// Steps of a current beside those of a voltage, as sums of voltage × current, W.
#[derive(Default)]
struct Steps {
    /// where both go the same way
    with: f64,
    against: f64,
}

impl Steps {
    fn add(&mut self, product: f64) {
        *(if product > 0.0 { &mut self.with } else { &mut self.against }) += product.abs();
    }
}

/// Whether the voltage of a shunt follows a charge or a discharge that the battery tells and of which it shows nothing. Where both show
/// one they agree or not, which is another question; a current that the battery makes up moves no voltage.
fn is_blind(scene: &Scene<'_>) -> bool {
    let [mut charge, mut discharge] = [Steps::default(), Steps::default()];
    let mut seen = [false; 2];
    let channels = [Channel::ShuntVoltage, Channel::ShuntCurrent, Channel::PackCurrent];
    for window in scene.known(&channels) {
        let bins: Vec<[f64; 3]> = bins(window).filter_map(|bin| means(scene, channels, bin)).collect();
        // One bin between them: battery and meter tell a step at other times.
        for (before, after) in bins.iter().zip(bins.iter().skip(2)) {
            let [rise, shown, step] = [after[0] - before[0], after[1] - before[1], after[2] - before[2]];
            let flow = if after[2].abs() > before[2].abs() { after[2] } else { before[2] };
            if step.abs() < METER_STEP || flow.abs() < GAIN_CURRENT {
                continue;
            }
            // Its zero may be off by any current: what it misses is that the current moves.
            if shown.abs() > METER_BLIND.max(0.02 * step.abs()) {
                seen[usize::from(flow < 0.0)] = true;
            } else {
                if flow < 0.0 { &mut discharge } else { &mut charge }.add(rise * step);
            }
        }
    }
    let hides = |steps: &Steps| steps.with >= METER_STEPS && steps.against < 0.1 * steps.with;
    !seen[0] && hides(&charge) || !seen[1] && hides(&discharge)
}

/// The means of channels over a time; nothing where one was not known.
fn means<const N: usize>(scene: &Scene<'_>, channels: [Channel; N], bin: Window) -> Option<[f64; N]> {
    let mut found = [0.0; N];
    for (mean_of, channel) in found.iter_mut().zip(channels) {
        *mean_of = mean(scene.series(channel), &[bin])?;
    }
    Some(found)
}

/// Whether a witness shows a voltage from which no instrument runs, while the battery is connected.
fn is_flat(scene: &Scene<'_>, which: Instrument) -> bool {
    let series = [scene.series(told_by(which).0), scene.series(Channel::Online)];
    let flat = times(series, scene.whole, |[volts, online]| volts < METER_RUNS && online > 0.5);
    3600.0 * hours(&flat) >= METER_TOGETHER.secs()
}

/// The whole times of [`METER_STEP_TIME`] in a window.
fn bins(window: Window) -> impl Iterator<Item = Window> {
    let length = METER_STEP_TIME.0;
    (0..window.length().0 / length).map(move |k| {
        let from = Micros(window.from.0 + k * length);
        Window::new(from, Micros(from.0 + length))
    })
}

/// A time in which a meter shows the same to the last digit.
#[derive(Clone, Copy)]
struct Same {
    shown: [u64; 2],
    from: Micros,
    /// the least and the most of the battery's own current and voltage meanwhile, A and V
    pack: [(f64, f64); 2],
    /// when these had moved by so much that the meter must have
    moved: Option<Micros>,
}

impl Same {
    const fn new(from: Micros, shown: [u64; 2], pack: [f64; 2]) -> Self {
        Self { shown, from, pack: [(pack[0], pack[0]), (pack[1], pack[1])], moved: None }
    }

    /// The same with what the battery says at a time; it has moved where both did by so much.
    fn beside(self, at: Micros, pack: [f64; 2], by: [f64; 2]) -> Self {
        let within = |k: usize| (self.pack[k].0.min(pack[k]), self.pack[k].1.max(pack[k]));
        let pack = [within(0), within(1)];
        let moves = pack.iter().zip(by).all(|(&(least, most), by)| most - least >= by);
        Self { pack, moved: self.moved.or(moves.then_some(at)), ..self }
    }
}

/// Whether a witness showed the same for long to the last digit, while what it measures moved: the battery's current for a
/// shunt, its current and its voltage for the voltage of the DC bus. Of the battery means count, for its meters may be noisy.
fn is_frozen(scene: &Scene<'_>, which: Instrument) -> bool {
    let (volts, amps) = told_by(which);
    let shown_by = [volts, amps.unwrap_or(volts)];
    let moved = match which {
        Instrument::Shunt => Volts(0.0),
        _ => scene.subject.battery.of_system(METER_MOVED),
    };
    let by = [METER_STEP, moved.0];
    let account = scene.recording.account();
    let misled = |bin: &Window| {
        [Sense::Current, Sense::Voltage].iter().any(|&sense| account.misleads(sense, bin.from))
    };
    scene.known(&shown_by).into_iter().any(|window| {
        let mut same: Option<Same> = None;
        bins(window).any(|bin| {
            let shows = |channel| {
                let range = extremes(scene.series(channel), &[bin])?;
                (range.0.to_bits() == range.1.to_bits()).then_some(range.0.to_bits())
            };
            let now =
                shows(shown_by[0]).zip(shows(shown_by[1])).filter(|_| !misled(&bin)).and_then(|shown| {
                    let pack = means(scene, [Channel::PackCurrent, Channel::PackVoltage], bin)?;
                    let shown = [shown.0, shown.1];
                    let before = same.filter(|same| same.shown == shown);
                    Some(before.unwrap_or(Same::new(bin.from, shown, pack)).beside(bin.from, pack, by))
                });
            same = now;
            // What moves counts once the meter has had the time to tell it.
            now.is_some_and(|now| {
                let is_hidden = now.moved.is_some_and(|moved| bin.to.since(moved) >= METER_FOLLOWS);
                bin.to.since(now.from) >= METER_TOGETHER && is_hidden
            })
        })
    })
}
