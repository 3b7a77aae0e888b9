//! What may and what may not happen to a trace.

use judge::tube::Tolerance;
use proto::quantity::Micros;

/// One frame of 0x351: when, and CVL in 0.1 V.
pub(crate) type Sample = (Micros, i32);

/// Varies a trace by as much as the tolerance asks for; nothing where this trace has nothing to vary so.
pub(crate) type Variation = fn(&[Sample], Tolerance, &mut Draw) -> Option<Vec<Sample>>;

/// Defects, each from the smallest that the tolerance does not cover.
#[rustfmt::skip]
pub(crate) const DEFECTS: &[(&str, Variation)] = &[
    ("level", level), ("slope", slope), ("missing step", missing_step), ("extra step", extra_step),
    ("dropout", dropout), ("truncation", truncation), ("short pulse", short_pulse), ("long pulse", long_pulse),
    ("oscillation", oscillation), ("drift", drift), ("glitch", glitch), ("stuck", stuck), ("late step", late_step),
];

/// What any battery and any bus do.
#[rustfmt::skip]
pub(crate) const BENIGN: &[(&str, Variation)] = &[
    ("time shift", time_shift), ("jitter", |samples, _, draw| Some(jitter(samples, draw))),
    ("quantisation", quantisation), ("lost samples", lost_samples),
];

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        Self(seed.wrapping_mul(0xD1B5_4A32_D192_ED03) ^ stream)
    }
    /// Even in a range, its end without.
    fn below(&mut self, range: core::ops::Range<i64>) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        range.start + (z % range.start.abs_diff(range.end).max(1)) as i64
    }
    fn index(&mut self, length: usize) -> usize {
        self.below(0..length as i64) as usize
    }
    /// A voltage that the tolerance does not cover, up or down: from one step of the wire more.
    fn beyond(&mut self, tube: Tolerance) -> i32 {
        let size = tube.decivolts + self.below(1..8) as i32;
        if self.below(0..2) == 0 { size } else { -size }
    }
}

/// Each frame comes up to 400 ms early or late.
pub(crate) fn jitter(samples: &[Sample], draw: &mut Draw) -> Vec<Sample> {
    let mut before = Micros::ZERO;
    let late = |&(at, value): &Sample| {
        let at = at.0.saturating_add_signed(draw.below(-400_000..400_001));
        before = before.max(Micros(at));
        (before, value)
    };
    samples.iter().map(late).collect()
}

/// The whole trace earlier or later; what comes later was what it is before that.
fn time_shift(samples: &[Sample], tube: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let most = tube.lag.0 as i64 - 500_000;
    let shift = draw.below(-most..most + 1);
    let moved = samples.iter().map(|&(at, value)| (Micros(at.0.saturating_add_signed(shift)), value));
    let before =
        (0..shift / 1_000_000).map(|second| (Micros::from_secs(second.unsigned_abs()), samples[0].1));
    Some(before.chain(moved).collect())
}

/// Steps of the voltage as coarse as the tolerance allows, rounded up, down or to the nearest.
fn quantisation(samples: &[Sample], tube: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let grid = tube.decivolts + 1;
    let up = [0, tube.decivolts, grid / 2][draw.index(3)];
    Some(samples.iter().map(|&(at, value)| (at, (value + up).div_euclid(grid) * grid)).collect())
}

/// Frames are lost here and there, up to as many in a row as the lag has seconds, less one. What only lost frames
/// carried is lost with them, so a value that neither neighbour tells within the tolerance arrives.
fn lost_samples(samples: &[Sample], tube: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let most = (tube.lag.0 / 1_000_000).min(9) as i64 - 1;
    let mut kept: Vec<Sample> = vec![samples[0]];
    let mut k = 1;
    while k < samples.len() {
        let burst = if draw.below(0..20) == 0 { draw.below(1..most + 1) as usize } else { 0 };
        let next = (k + burst).min(samples.len() - 1).max(k);
        let (before, after) = (kept[kept.len() - 1].1, samples[next].1);
        let near = |a: i32, b: i32| a.abs_diff(b) <= tube.decivolts.unsigned_abs();
        // First those that the frame before tells, then those that the frame after does.
        let told = samples[k..next].iter().skip_while(|s| near(s.1, before)).all(|s| near(s.1, after));
        if told {
            k = next;
        }
        kept.push(samples[k]);
        k += 1;
    }
    (kept.len() < samples.len()).then_some(kept)
}

/// All of it is too high or too low.
fn level(samples: &[Sample], tube: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let by = draw.beyond(tube);
    Some(samples.iter().map(|&(at, value)| (at, value + by)).collect())
}

/// Every rise and fall is steeper or flatter.
fn slope(samples: &[Sample], tube: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let base = samples[0].1;
    let most = samples.iter().map(|s| (s.1 - base).abs()).max()?;
    let by = draw.beyond(tube);
    if most + by < 0 || most == 0 {
        return None;
    }
    let scaled =
        |value: i32| base + (f64::from((value - base) * (most + by)) / f64::from(most)).round() as i32;
    Some(samples.iter().map(|&(at, value)| (at, scaled(value))).collect())
}

/// A step that the tolerance does not cover: where it is, and where the trace is back near the value before. It stays
/// for longer than the lag and `more` microseconds; what is shorter is a pulse.
fn step(samples: &[Sample], tube: Tolerance, more: u64, draw: &mut Draw) -> Option<(usize, usize)> {
    let least = tube.lag.0 + more;
    let far = |a: i32, b: i32| a.abs_diff(b) > tube.decivolts.unsigned_abs();
    let steps: Vec<(usize, usize)> = (1..samples.len())
        .filter_map(|k| {
            let before = samples[k - 1].1;
            let back = samples[k..].iter().position(|s| !far(s.1, before)).map_or(samples.len(), |n| k + n);
            (samples[back - 1].0.since(samples[k - 1].0).0 >= least).then_some((k, back))
        })
        .collect();
    (!steps.is_empty()).then(|| steps[draw.index(steps.len())])
}

/// CVL stays where it was, until it would be back.
fn missing_step(samples: &[Sample], tube: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let (from, to) = step(samples, tube, 2_000_000, draw)?;
    Some(replaced(samples, from, to, |_, _| samples[from - 1].1))
}

/// A step comes too late.
fn late_step(samples: &[Sample], tube: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let beyond = draw.below(2_000_000..60_000_000) as u64;
    let (from, to) = step(samples, tube, beyond, draw)?;
    let until = samples[from].0.0 + tube.lag.0 + beyond;
    let to = from + samples[from..to].iter().take_while(|s| s.0.0 < until).count();
    Some(replaced(samples, from, to, |_, _| samples[from - 1].1))
}

/// CVL never moves again.
fn stuck(samples: &[Sample], tube: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let (from, _) = step(samples, tube, 2_000_000, draw)?;
    Some(replaced(samples, from, samples.len(), |_, _| samples[from - 1].1))
}

/// One step more, that stays.
fn extra_step(samples: &[Sample], tube: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let by = draw.beyond(tube);
    let from = draw.index(samples.len() - 60);
    Some(replaced(samples, from, samples.len(), |_, value| value + by))
}

/// Nothing is sent for longer than 10 s.
fn dropout(samples: &[Sample], _: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let from = 1 + draw.index(samples.len() - 100);
    let until = samples[from].0.0 + draw.below(11_000_000..60_000_000) as u64;
    Some(samples.iter().enumerate().filter(|(k, s)| *k < from || s.0.0 > until).map(|(_, &s)| s).collect())
}

/// It ends early.
fn truncation(samples: &[Sample], tube: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let early = tube.lag.0 / 1_000_000 + draw.below(2..500) as u64;
    Some(samples[..samples.len().checked_sub(early as usize)?].to_vec())
}

fn short_pulse(samples: &[Sample], tube: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let length = draw.index(3) + 1;
    Some(pulse(samples, length, tube, draw))
}

fn long_pulse(samples: &[Sample], tube: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let length = draw.index(270) + 30;
    Some(pulse(samples, length, tube, draw))
}

/// So many frames are too high or too low.
fn pulse(samples: &[Sample], length: usize, tube: Tolerance, draw: &mut Draw) -> Vec<Sample> {
    let by = draw.beyond(tube);
    // Outside of what the trace does within the lag, or it would be a step that comes a little early or late.
    let reach = tube.lag.0 / 1_000_000 + 2;
    let from = draw.index(samples.len() - length);
    let near = from.saturating_sub(reach as usize)..(from + length + reach as usize).min(samples.len());
    let values = samples[near].iter().map(|s| s.1);
    let value = if by > 0 { values.max() } else { values.min() }.map_or(by, |value| value + by);
    replaced(samples, from, from + length, |_, _| value)
}

/// CVL swings about what it should be, for one to ten minutes.
fn oscillation(samples: &[Sample], tube: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let (by, half) = (draw.beyond(tube), draw.below(1..30) as usize);
    let length = (draw.below(60..600) as usize).min(samples.len() / 2);
    let from = draw.index(samples.len() - length);
    let swing = |k: usize, value| if ((k - from) / half).is_multiple_of(2) { value + by } else { value - by };
    Some(replaced(samples, from, from + length, swing))
}

/// It wanders off from the beginning to the end.
fn drift(samples: &[Sample], tube: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let (by, last) = (f64::from(draw.beyond(tube)), (samples.len() - 1) as f64);
    Some(replaced(samples, 0, samples.len(), |k, value| value + (by * k as f64 / last).round() as i32))
}

/// One frame that says something else, as batteries of the field do: nothing, everything, ten times, a tenth.
fn glitch(samples: &[Sample], _: Tolerance, draw: &mut Draw) -> Option<Vec<Sample>> {
    let from = draw.index(samples.len());
    let value = samples[from].1;
    let wild = [0, 65_535, value * 10, value / 10, value + 100][draw.index(5)];
    (wild != value).then(|| replaced(samples, from, from + 1, |_, _| wild))
}

/// Other values from one frame up to another.
fn replaced(samples: &[Sample], from: usize, to: usize, value: impl Fn(usize, i32) -> i32) -> Vec<Sample> {
    let change =
        |(k, &(at, old)): (usize, &Sample)| (at, if (from..to).contains(&k) { value(k, old) } else { old });
    samples.iter().enumerate().map(change).collect()
}
