//! When CVL changes: on a clock, with each frame, or at no fixed times.

use proto::quantity::Micros;

use super::samples::Seen;

/// The times at which CVL changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// the longest period that divides the times between two changes
    pub period: Micros,
    /// changes that fit, of those that tell
    pub fits: usize,
    /// times between two changes that tell
    pub of: usize,
}

/// A multiple of more than this is no evidence: the error of the period grows with it.
const MULTIPLES: f64 = 30.0;
/// No period below so many frames can be told from the frames themselves.
const FRAMES: f64 = 4.0;
/// Such a share of the times must fit: protections act in between.
const SHARE: f64 = 0.8;
/// At chance a fit as good is found in one of so many random traces.
const CHANCE: f64 = 1e6;

/// The longest period that fits; nothing where chance would give one as good.
pub(super) fn clock(cases: &[Seen]) -> Option<Clock> {
    let gaps: Vec<f64> = gaps(cases).collect();
    let frame = cases.iter().map(|seen| seen.frame).fold(0.0, f64::max).max(0.2);
    let mut candidates: Vec<f64> = gaps
        .iter()
        .flat_map(|gap| [*gap, gap / 2.0, gap / 3.0])
        .filter(|period| *period >= FRAMES * frame)
        .map(|period| (period * 4.0).round() / 4.0)
        .collect();
    candidates.sort_by(|a, b| b.total_cmp(a));
    candidates.dedup();
    let count = candidates.len();
    candidates.into_iter().take(MOST).find_map(|period| fitted(&gaps, period, frame, count))
}

/// Bounds the work.
const MOST: usize = 2000;

/// Times between two changes of one part, s, the last ones of a trace that has very many.
pub(super) fn gaps(cases: &[Seen]) -> impl Iterator<Item = f64> {
    const EACH: usize = 400;
    let parts = cases.iter().flat_map(|seen| &seen.near);
    parts.flat_map(|part| {
        let edges = &part.edges[part.edges.len().saturating_sub(EACH)..];
        edges.windows(2).map(|pair| pair[1].at - pair[0].at)
    })
}

/// The period near this one that fits best, where enough of the gaps are multiples of it and not by chance.
fn fitted(gaps: &[f64], near: f64, frame: f64, tried: usize) -> Option<Clock> {
    let mut period = near;
    // A frame carries the change at most one frame late; twice refined, for the first candidate is one gap alone.
    let slack = 0.7 * frame + 0.1;
    for _ in 0..2 {
        let fitting = gaps.iter().filter(|gap| fits(**gap, period, slack));
        let (up, down) = fitting.fold((0.0, 0.0), |(up, down), gap| {
            let n = (gap / period).round();
            (up + n * gap, down + n * n)
        });
        if down <= 0.0 {
            return None;
        }
        period = up / down;
    }
    let telling: Vec<f64> = gaps.iter().copied().filter(|gap| *gap <= MULTIPLES * period).collect();
    let fits = telling.iter().filter(|gap| fits(**gap, period, slack)).count();
    let share = fits as f64 / telling.len().max(1) as f64;
    let chance = (2.0 * slack / period).min(0.95);
    let unlikely = telling.len() as f64 * divergence(share, chance);
    let enough = fits >= 6 && share >= SHARE && unlikely > libm::log(CHANCE * tried as f64);
    enough.then(|| Clock { period: Micros((period * 1e6).round() as u64), fits, of: telling.len() })
}

fn fits(gap: f64, period: f64, slack: f64) -> bool {
    let n = (gap / period).round();
    (1.0..=MULTIPLES).contains(&n) && (gap - n * period).abs() <= slack
}

/// How unlikely a share is where a chance was expected, in nats for each try (Chernoff's bound).
fn divergence(share: f64, chance: f64) -> f64 {
    if share <= chance {
        return 0.0;
    }
    let part = |a: f64, b: f64| if a > 0.0 { a * libm::log(a / b) } else { 0.0 };
    part(share, chance) + part(1.0 - share, 1.0 - chance)
}

/// Whether CVL is renewed with each frame: many of its changes follow the one before by a frame or two.
pub(super) fn each_frame(cases: &[Seen]) -> bool {
    let frame = cases.iter().map(|seen| seen.frame).fold(0.0, f64::max).max(0.2);
    let gaps: Vec<f64> = gaps(cases).collect();
    let short = gaps.iter().filter(|gap| **gap < 2.5 * frame).count();
    gaps.len() >= 20 && 2 * short >= gaps.len()
}
