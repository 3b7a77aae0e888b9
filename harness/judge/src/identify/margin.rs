//! The loop on this rig: CVL moves the battery voltage, that moves the highest cell, and the law answers the cell. How far it
//! is from swinging by itself: gain margin, phase margin, and the resistance at which nothing is left.

use proto::quantity::{Micros, Ohms};

use super::answer::{Answer, CellLaw};
use super::fit::Sums;
use super::samples::{Part, STEP, Seen};
use crate::battery::Battery;

/// How far the loop is from swinging, in the case in which it is nearest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margin {
    /// factor that is left of the gain, 1 being none: by so much it may grow
    pub gain: f64,
    /// period at which the loop would swing
    pub period: Micros,
    /// where the gain of the loop is 1, degrees above −180°; nothing where it is less everywhere
    pub phase: Option<f64>,
    /// from a change of CVL until the battery voltage has followed by 63 %
    pub delay: Micros,
    /// the battery's resistance, as its voltage answers the current within seconds, at which nothing would be left
    pub resistance: Option<Ohms>,
}

/// How the highest cell answers the battery voltage: `share + rate/(s + decay)`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Plant {
    /// at once, V/V
    share: f64,
    /// V/V in a second
    rate: f64,
    /// in a second
    decay: f64,
    /// from CVL to the battery voltage, s
    delay: f64,
}

/// A complex number.
type Complex = [f64; 2];

/// The loop of this law in the case in which it has the least room. `now` is the resistance on this rig.
pub(super) fn margin(
    cases: &[Seen],
    battery: &Battery,
    answer: Option<Answer>,
    now: Option<Ohms>,
) -> Option<Margin> {
    let answer = answer?;
    let delay = delay(cases)?;
    let plants = cases.iter().filter_map(|seen| Plant::of(seen, battery, delay));
    let loops = plants.filter_map(|plant| {
        let (gain, omega) = critical(&answer, &plant)?;
        Some((gain, omega, plant))
    });
    let (gain, omega, plant) = loops.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let secs = |s: f64| Micros((s * 1e6).round() as u64);
    Some(Margin {
        gain,
        period: secs(core::f64::consts::TAU / omega),
        phase: phase(&answer, &plant),
        delay: secs(delay),
        resistance: now.and_then(|now| onset(&answer, &plant).map(|share| now * share)),
    })
}

impl Plant {
    fn of(seen: &Seen, battery: &Battery, delay: f64) -> Option<Self> {
        let share = 1.0 / f64::from(battery.cells.max(1));
        let mut sums = Sums::default();
        for part in &seen.near {
            let blocks = blocks(part, share);
            sums.group(blocks.windows(2).map(|pair| [pair[0][0], pair[0][1], pair[1][0] - pair[0][0]]));
        }
        // What the cell does beyond its share of the battery voltage is slow: it takes charge.
        let slow = sums.both().filter(|fit| fit.slope[1] > 3.0 * fit.error[1] && fit.slope[0] < 0.0);
        let (rate, decay) = slow.map_or((0.0, 1.0), |fit| (fit.slope[1] / BLOCK, -fit.slope[0] / BLOCK));
        Some(Self { share, rate, decay, delay })
    }

    fn at(&self, omega: f64) -> Complex {
        let slow = divided([self.rate, 0.0], [self.decay, omega]);
        turned([self.share + slow[0], slow[1]], -omega * self.delay)
    }

    /// With so much of the resistance: less of it and the same volts move more charge.
    fn with(self, share: f64) -> Self {
        Self { rate: self.rate / share, decay: self.decay / share, ..self }
    }
}

/// Length of a block, s: noise and the step of the wire are averaged over it.
const BLOCK: f64 = 20.0;

/// Means over blocks: [cell beyond its share, battery voltage].
fn blocks(part: &Part, share: f64) -> Vec<[f64; 2]> {
    let size = (BLOCK / STEP) as usize;
    let mean = |rows: &[super::samples::Row]| {
        let n = rows.len() as f64;
        let (cell, pack) = rows.iter().fold((0.0, 0.0), |(c, p), row| (c + row.cell, p + row.pack));
        [(cell - share * pack) / n, pack / n]
    };
    part.rows.chunks_exact(size).map(mean).collect()
}

/// Changes of CVL that stand alone by so much are averaged, s: longer than a GX needs to pass a limit on.
const ALONE: usize = 9;
/// So many of them, or the noise of the voltage is more than a step of CVL.
const FEWEST: usize = 8;

/// From a change of CVL until the battery voltage has followed by 63 %, s: of the mean answer to all changes that stand alone,
/// each in its own direction. Nothing where the voltage does not follow: something else holds it then.
fn delay(cases: &[Seen]) -> Option<f64> {
    let (mut mean, mut size, mut count) = ([0.0; ALONE], 0.0, 0);
    for part in cases.iter().flat_map(|seen| &seen.near) {
        for (k, edge) in part.edges.iter().enumerate().take(MOST) {
            let far = |other: Option<&super::samples::Edge>| {
                other.is_none_or(|other| (other.at - edge.at).abs() > ALONE as f64 * STEP)
            };
            let before = k.checked_sub(1).and_then(|k| part.edges.get(k));
            if !far(before) || !far(part.edges.get(k + 1)) || edge.row + ALONE >= part.rows.len() {
                continue;
            }
            let from = part.rows[edge.row].pack;
            for (sum, row) in mean.iter_mut().zip(&part.rows[edge.row + 1..]) {
                *sum += (row.pack - from) * edge.by.signum();
            }
            (size, count) = (size + edge.by.abs(), count + 1);
        }
    }
    let whole = mean[ALONE - 1];
    if count < FEWEST || whole < 0.5 * size {
        return None;
    }
    let after = mean.iter().position(|moved| *moved >= 0.63 * whole)?;
    let before = after.checked_sub(1).map_or(0.0, |k| mean[k]);
    let part = (0.63 * whole - before) / (mean[after] - before).max(1e-9);
    Some((after as f64 + part.clamp(0.0, 1.0)) * STEP)
}

/// Bounds the work.
const MOST: usize = 5000;

/// The loop without its sign, at an angular frequency.
fn open(answer: &Answer, plant: &Plant, omega: f64) -> Complex {
    let every = answer.every.secs();
    let law = match answer.law {
        // CVL stands from update to update, which is half of that late.
        CellLaw::Proportional { gain, .. } => turned([gain, 0.0], -omega * every / 2.0),
        // An integrator that is renewed each update, held until the next: the two halves of it cancel.
        CellLaw::Integral { gain, .. } => [0.0, -gain / (omega * every)],
    };
    let filter = divided([1.0, 0.0], [1.0, omega * answer.lag.secs()]);
    times(times(law, filter), plant.at(omega))
}

/// Angular frequencies from a period of two hours down to that of four updates.
fn frequencies(answer: &Answer) -> impl Iterator<Item = f64> {
    let (low, high) =
        (core::f64::consts::TAU / 7200.0, core::f64::consts::TAU / (4.0 * answer.every.secs()).max(4.0));
    let count = 400;
    let ratio = libm::pow(high / low, 1.0 / f64::from(count));
    core::iter::successors(Some(low), move |omega| Some(omega * ratio)).take(count as usize + 1)
}

/// What is left of the gain, and the angular frequency, where the loop turns by half a circle first.
fn critical(answer: &Answer, plant: &Plant) -> Option<(f64, f64)> {
    let all: Vec<(f64, Complex)> =
        frequencies(answer).map(|omega| (omega, open(answer, plant, omega))).collect();
    let crossing = all.windows(2).filter(|pair| {
        let [a, b] = [pair[0].1, pair[1].1];
        a[0] < 0.0 && b[0] < 0.0 && a[1] < 0.0 && b[1] >= 0.0
    });
    let found = crossing.map(|pair| {
        let [a, b] = [pair[0].1, pair[1].1];
        let part = a[1] / (a[1] - b[1]);
        let size = -(a[0] + part * (b[0] - a[0]));
        (1.0 / size.max(1e-9), pair[0].0 + part * (pair[1].0 - pair[0].0))
    });
    found.min_by(|a, b| a.0.total_cmp(&b.0))
}

/// Degrees above −180° where the gain of the loop falls through 1.
fn phase(answer: &Answer, plant: &Plant) -> Option<f64> {
    let mut before = 0.0;
    for omega in frequencies(answer) {
        let now = open(answer, plant, omega);
        let size = (now[0] * now[0] + now[1] * now[1]).sqrt();
        if before > 1.0 && size <= 1.0 {
            let angle = libm::atan2(now[1], now[0]).to_degrees();
            return Some(if angle > 0.0 { angle - 180.0 } else { angle + 180.0 });
        }
        before = size;
    }
    None
}

/// The share of the resistance with which nothing is left; nothing where even a tenth of it leaves some, or nothing is left
/// as it is.
fn onset(answer: &Answer, plant: &Plant) -> Option<f64> {
    let left = |share: f64| critical(answer, &plant.with(share)).map_or(f64::INFINITY, |(gain, _)| gain);
    let (mut low, mut high) = (0.1, 1.0);
    if left(low) > 1.0 || left(high) <= 1.0 {
        return None;
    }
    for _ in 0..30 {
        let middle = (low + high) / 2.0;
        if left(middle) <= 1.0 { low = middle } else { high = middle }
    }
    Some(high)
}

fn times(a: Complex, b: Complex) -> Complex {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}

fn divided(a: Complex, b: Complex) -> Complex {
    let size = (b[0] * b[0] + b[1] * b[1]).max(1e-30);
    [(a[0] * b[0] + a[1] * b[1]) / size, (a[1] * b[0] - a[0] * b[1]) / size]
}

fn turned(a: Complex, by: f64) -> Complex {
    times(a, [libm::cos(by), libm::sin(by)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::quantity::Volts;

    fn integral(gain: f64, every: u64) -> Answer {
        let law = CellLaw::Integral { gain, error: 0.0, level: Volts(3.45) };
        Answer { law, every: Micros::from_secs(every), lag: Micros::ZERO, explained: 1.0, updates: 100 }
    }

    /// An integrator and a delay of d: half a circle at ω = π/2d, where its gain is Ki·share/(T·ω).
    #[test]
    fn an_integrator_with_a_delay_has_the_margin_of_the_book() {
        let plant = Plant { share: 1.0 / 16.0, rate: 0.0, decay: 1.0, delay: 10.0 };
        let (gain, omega) = critical(&integral(8.0, 5), &plant).expect("it turns");
        let expected = core::f64::consts::PI / 20.0;
        assert!((omega / expected - 1.0).abs() < 0.01, "{omega}");
        assert!((gain / (expected * 5.0 * 16.0 / 8.0) - 1.0).abs() < 0.01, "{gain}");
        let phase = phase(&integral(8.0, 5), &plant).expect("it crosses 1");
        // Crosses 1 at ω = 0.1, where the delay takes 1 rad.
        assert!((phase - (90.0 - 1f64.to_degrees())).abs() < 1.0, "{phase}");
    }

    /// A lone cell that takes charge answers with 1/R: half of the resistance is about half of the room.
    #[test]
    fn less_resistance_eats_the_margin_of_a_lone_cell() {
        let plant = Plant { share: 0.0, rate: 0.004, decay: 0.004, delay: 10.0 };
        let law = CellLaw::Proportional { gain: 10.0, error: 0.0 };
        let answer = Answer { law, ..integral(0.0, 5) };
        let left = |share: f64| critical(&answer, &plant.with(share)).expect("it turns").0;
        assert!((left(0.5) / left(1.0) - 0.5).abs() < 0.05, "{} {}", left(1.0), left(0.5));
        let share = onset(&answer, &plant).expect("less of it eats the margin");
        assert!((left(share) - 1.0).abs() < 0.01, "{share}");
    }
}
