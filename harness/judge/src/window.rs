//! Windows of a trace, and what a series does within one. A value holds until the next point, so every mean,
//! spread and slope is weighted by time, not by points.

use proto::quantity::Micros;

use crate::trace::Series;

/// A span of the case, from its start up to and without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// first moment
    pub from: Micros,
    /// the moment after the last
    pub to: Micros,
}

/// A stretch of time over which values hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch<const N: usize> {
    /// when
    pub window: Window,
    /// the values, in the order of the series asked for
    pub values: [f64; N],
}

impl Window {
    /// From one moment to another; empty when they are the wrong way round.
    #[must_use]
    pub fn new(from: Micros, to: Micros) -> Self {
        Self { from, to: to.max(from) }
    }
    /// Its length.
    #[must_use]
    pub fn length(self) -> Micros {
        self.to.since(self.from)
    }
    /// Its length in seconds.
    #[must_use]
    pub fn secs(self) -> f64 {
        self.length().secs()
    }
    /// Its length to a tenth of a second, for a reader.
    #[must_use]
    pub fn about(self) -> Micros {
        about(self.length())
    }
    /// Its length in hours.
    #[must_use]
    pub fn hours(self) -> f64 {
        self.secs() / 3600.0
    }
    /// Whether a moment lies within.
    #[must_use]
    pub fn contains(self, at: Micros) -> bool {
        self.from <= at && at < self.to
    }
    /// What two windows have in common.
    #[must_use]
    pub fn overlap(self, other: Self) -> Option<Self> {
        let (from, to) = (self.from.max(other.from), self.to.min(other.to));
        (from < to).then_some(Self { from, to })
    }
    /// It in equal parts that are no longer than this.
    pub fn parts(self, longest: Micros) -> impl Iterator<Item = Self> {
        let count = self.length().0.div_ceil(longest.0.max(1));
        let at = move |k: u64| {
            self.from
                + Micros((u128::from(self.length().0) * u128::from(k) / u128::from(count.max(1))) as u64)
        };
        (0..count).map(move |k| Self { from: at(k), to: at(k + 1) })
    }
    /// Its last part of at most this length.
    #[must_use]
    pub fn last(self, length: Micros) -> Self {
        Self { from: Micros(self.to.0.saturating_sub(length.0)).max(self.from), to: self.to }
    }
}

/// A time to a tenth of a second, for a reader.
#[must_use]
pub fn about(time: Micros) -> Micros {
    Micros((time.0 + 50_000) / 100_000 * 100_000)
}

/// The hours of several windows.
#[must_use]
pub fn hours(windows: &[Window]) -> f64 {
    // Folded from +0: the empty sum of floats is −0, which nobody wants to read.
    windows.iter().fold(0.0, |sum, w| sum + w.hours())
}

/// What two sorted lists of windows have in common.
#[must_use]
pub fn common(a: &[Window], b: &[Window]) -> Vec<Window> {
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        out.extend(x.overlap(*y));
        if x.to <= y.to {
            i += 1;
        } else {
            j += 1;
        }
    }
    out
}

/// A window without the parts that are cut out of it (sorted).
#[must_use]
pub fn without(window: Window, cuts: &[Window]) -> Vec<Window> {
    let (mut from, mut out) = (window.from, Vec::new());
    for cut in cuts.iter().filter(|c| c.to > window.from && c.from < window.to) {
        if cut.from > from {
            out.push(Window { from, to: cut.from });
        }
        from = from.max(cut.to);
    }
    if from < window.to {
        out.push(Window { from, to: window.to });
    }
    out
}

/// The stretches over which several series hold their values; time before the first sample of any is left out.
pub fn stretches<const N: usize>(series: [&Series; N], window: Window) -> Stretches<'_, N> {
    let mut all = Stretches { rest: [&[]; N], values: [None; N], window };
    for (series, (rest, value)) in series.into_iter().zip(all.rest.iter_mut().zip(&mut all.values)) {
        let (passed, later) =
            series.points().split_at(series.points().partition_point(|&(at, _)| at <= window.from));
        *value = passed.last().map(|&(_, value)| value);
        *rest = later;
    }
    all
}

/// The stretches of a window, in the order of time.
#[derive(Debug, Clone)]
pub struct Stretches<'a, const N: usize> {
    /// the points to come
    rest: [&'a [(Micros, f64)]; N],
    /// what holds now
    values: [Option<f64>; N],
    /// what is left of the window
    window: Window,
}

impl<const N: usize> Stretches<'_, N> {
    /// Goes on to a time: no further than to the next point of any.
    #[inline]
    fn pass(&mut self, to: Micros) {
        for (rest, value) in self.rest.iter_mut().zip(&mut self.values) {
            while let [(at, now), later @ ..] = *rest
                && *at <= to
            {
                *value = Some(*now);
                *rest = later;
            }
        }
        self.window.from = to;
    }
}

impl<const N: usize> Iterator for Stretches<'_, N> {
    type Item = Stretch<N>;

    #[inline]
    fn next(&mut self) -> Option<Stretch<N>> {
        while self.window.from < self.window.to {
            let points = self.rest.iter().filter_map(|rest| rest.first());
            let next = points.fold(self.window.to, |next, &(at, _)| next.min(at));
            let (window, values) = (Window { to: next, ..self.window }, self.values);
            self.pass(next);
            if values.iter().all(Option::is_some) {
                let values = core::array::from_fn(|k| values[k].unwrap_or_default());
                return Some(Stretch { window, values });
            }
        }
        None
    }
}

/// The windows in which a condition on several series holds.
pub fn times<const N: usize>(
    series: [&Series; N],
    window: Window,
    holds: impl Fn([f64; N]) -> bool,
) -> Vec<Window> {
    let mut out: Vec<Window> = Vec::new();
    for s in stretches(series, window).filter(|s| holds(s.values)) {
        match out.last_mut() {
            Some(last) if last.to == s.window.from => last.to = s.window.to,
            _ => out.push(s.window),
        }
    }
    out
}

/// Sorted windows, those joined that lie less than `gap` apart.
#[must_use]
pub fn bridged(windows: Vec<Window>, gap: Micros) -> Vec<Window> {
    let mut out: Vec<Window> = Vec::new();
    for window in windows {
        match out.last_mut() {
            Some(last) if window.from.since(last.to) < gap => last.to = last.to.max(window.to),
            _ => out.push(window),
        }
    }
    out
}

/// Mean over windows, weighted by time; nothing where the series was never heard.
#[must_use]
pub fn mean(series: &Series, windows: &[Window]) -> Option<f64> {
    integral(series, windows, |v| v).map(|(sum, secs)| sum / secs)
}

/// ∫ f(v) dt over windows in value-seconds, and the seconds over which it was known.
pub fn integral(series: &Series, windows: &[Window], f: impl Fn(f64) -> f64) -> Option<(f64, f64)> {
    let (mut sum, mut secs) = (0.0, 0.0);
    for s in windows.iter().flat_map(|&w| stretches([series], w)) {
        sum += f(s.values[0]) * s.window.secs();
        secs += s.window.secs();
    }
    (secs > 0.0).then_some((sum, secs))
}

/// Standard deviation over one window, weighted by time.
#[must_use]
pub fn deviation(series: &Series, window: Window) -> Option<f64> {
    let mean = mean(series, &[window])?;
    integral(series, &[window], |v| (v - mean).powi(2)).map(|(sum, secs)| (sum / secs).sqrt())
}

/// Lowest and highest value over windows.
#[must_use]
pub fn extremes(series: &Series, windows: &[Window]) -> Option<(f64, f64)> {
    windows.iter().flat_map(|&w| stretches([series], w)).map(|s| s.values[0]).fold(None, |range, v| {
        let (low, high) = range.unwrap_or((v, v));
        Some((v.min(low), v.max(high)))
    })
}

/// The least-squares line through a series over windows, weighted by time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// of the line, per hour
    pub slope: f64,
    /// mean of the series over the windows
    pub mean: f64,
    /// mean square distance of the series from the line
    pub spread: f64,
    /// seconds over which it was known
    pub secs: f64,
}

impl Trend {
    /// Nothing where the series was never heard.
    #[must_use]
    pub fn of(series: &Series, windows: &[Window]) -> Option<Self> {
        let parts: Vec<_> = windows.iter().flat_map(|&w| stretches([series], w)).collect();
        let first = parts.first()?;
        // ∫ 1, t, t², v, v·t and v² dt, from the first moment and value on.
        let (mut one, mut t, mut tt, mut v, mut vt, mut vv) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        for part in &parts {
            let [from, to] = [part.window.from, part.window.to].map(|at| at.since(first.window.from).secs());
            let value = part.values[0] - first.values[0];
            let (length, moment) = (to - from, (to * to - from * from) / 2.0);
            one += length;
            t += moment;
            tt += (to.powi(3) - from.powi(3)) / 3.0;
            v += value * length;
            vt += value * moment;
            vv += value * value * length;
        }
        let (times, both) = (tt - t * t / one, vt - v * t / one);
        let slope = if times > 0.0 { both / times } else { 0.0 };
        let spread = ((vv - v * v / one - slope * both) / one).max(0.0);
        (one > 0.0).then_some(Self {
            slope: slope * 3600.0,
            mean: first.values[0] + v / one,
            spread,
            secs: one,
        })
    }
}

/// Slope of the least-squares line over a window, per hour.
#[must_use]
pub fn slope(series: &Series, window: Window) -> Option<f64> {
    Trend::of(series, &[window]).map(|trend| trend.slope)
}

/// Share of windows during which a series was not silent, 0 to 1.
#[must_use]
pub fn heard(series: &Series, windows: &[Window]) -> f64 {
    let (Some(&(first, _)), Some(last)) = (series.points().first(), series.last_seen()) else { return 0.0 };
    let total: f64 = windows.iter().map(|w| w.secs()).sum();
    let alive = Window { from: first, to: last + Series::SILENCE };
    let mut known = 0.0;
    for w in windows.iter().filter_map(|w| w.overlap(alive)) {
        let lost: f64 = series
            .silences()
            .iter()
            .filter_map(|&(from, to)| w.overlap(Window { from, to }))
            .map(Window::secs)
            .sum();
        known += w.secs() - lost;
    }
    if total > 0.0 { known / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn s(t: u64) -> Micros {
        Micros::from_secs(t)
    }
    fn w(from: u64, to: u64) -> Window {
        Window::new(s(from), s(to))
    }
    fn series(points: &[(u64, f64)]) -> Series {
        let mut out = Series::default();
        points.iter().for_each(|&(t, v)| out.push(s(t), v));
        out
    }
    fn close(a: Option<f64>, b: f64) {
        let a = a.expect("known");
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }

    #[test]
    fn values_are_weighted_by_the_time_they_hold() {
        let x = series(&[(0, 1.0), (90, 11.0)]);
        close(mean(&x, &[w(0, 100)]), 2.0);
        close(deviation(&x, w(0, 100)), 3.0);
        assert_eq!(extremes(&x, &[w(0, 100)]), Some((1.0, 11.0)));
        assert_eq!(extremes(&x, &[w(0, 90)]), Some((1.0, 1.0)));
        assert_eq!(mean(&Series::default(), &[w(0, 100)]), None);
    }

    #[test]
    fn short_gaps_are_bridged_and_long_ones_are_not() {
        let parts = vec![w(0, 10), w(15, 20), w(30, 40)];
        assert_eq!(bridged(parts.clone(), s(6)), [w(0, 20), w(30, 40)]);
        assert_eq!(bridged(parts.clone(), s(5)), parts);
        assert_eq!(bridged(parts, s(60)), [w(0, 40)]);
        assert_eq!(bridged(Vec::new(), s(60)), []);
    }

    #[test]
    fn the_slope_of_a_ramp() {
        let mut ramp = Series::default();
        (0..=3600).for_each(|t| ramp.push(s(t), 0.5 + t as f64 / 3600.0 * 0.36));
        let found = slope(&ramp, w(0, 3600)).expect("known");
        assert!((found - 0.36).abs() < 1e-3, "{found}");
        close(slope(&series(&[(0, 56.0)]), w(0, 3600)), 0.0);
    }

    /// A line leaves nothing; a step of 1 in the middle of it a sixteenth, by hand.
    #[test]
    fn what_a_line_leaves() {
        let mut step = Series::default();
        (0..600).for_each(|t| step.push(s(t), if t < 300 { 7.0 } else { 8.0 }));
        let found = Trend::of(&step, &[w(0, 600)]).expect("known");
        close(Some(found.spread), 1.0 / 16.0);
        close(Some(found.slope), 1.5 / 600.0 * 3600.0);
        close(Some(found.mean), 7.5);
        close(Some(found.secs), 600.0);
        let halves = Trend::of(&step, &[w(0, 100), w(200, 300)]).expect("known");
        close(Some(halves.spread), 0.0);
        close(Some(halves.secs), 200.0);
        assert_eq!(Trend::of(&Series::default(), &[w(0, 600)]), None);
    }

    #[test]
    fn equal_parts_tile_a_window() {
        assert_eq!(w(10, 70).parts(s(20)).collect::<Vec<_>>(), [w(10, 30), w(30, 50), w(50, 70)]);
        assert_eq!(w(10, 60).parts(s(30)).collect::<Vec<_>>(), [w(10, 35), w(35, 60)]);
        assert_eq!(w(10, 60).parts(s(50)).collect::<Vec<_>>(), [w(10, 60)]);
        assert_eq!(w(10, 10).parts(s(50)).count(), 0);
    }

    #[test]
    fn several_series_together() {
        let (a, b) = (series(&[(0, 1.0), (10, 2.0)]), series(&[(5, 7.0)]));
        let parts: Vec<_> = stretches([&a, &b], w(0, 20)).collect();
        assert_eq!(parts.len(), 2, "nothing is known before both were heard");
        assert_eq!((parts[0].window, parts[1].window), (w(5, 10), w(10, 20)));
        assert_eq!(times([&a, &b], w(0, 20), |[a, b]| a < b), [w(5, 20)]);
    }

    #[test]
    fn windows_cut_and_meet() {
        assert_eq!(without(w(0, 100), &[w(10, 20), w(15, 30), w(90, 200)]), [w(0, 10), w(30, 90)]);
        assert_eq!(common(&[w(0, 10), w(20, 30)], &[w(5, 25)]), [w(5, 10), w(20, 25)]);
        assert_eq!(w(0, 100).last(s(30)), w(70, 100));
        assert_eq!(w(0, 10).overlap(w(10, 20)), None);
    }

    #[test]
    fn silence_is_no_evidence() {
        let x = series(&[(0, 1.0), (5, 2.0), (55, 1.0)]);
        let share = heard(&x, &[w(0, 60)]);
        assert!((share - 10.0 / 60.0).abs() < 1e-9, "{share}");
        assert!(heard(&Series::default(), &[w(0, 60)]) < 1e-9);
    }

    proptest! {
        #[test]
        fn stretches_tile_the_window(values in proptest::collection::vec(0u8..4, 1..50), from in 0u64..60, len in 0u64..80) {
            let points: Vec<_> = values.iter().enumerate().map(|(t, &v)| (t as u64, f64::from(v))).collect();
            let x = series(&points);
            let parts: Vec<_> = stretches([&x], w(from, from + len)).collect();
            let total: f64 = parts.iter().map(|p| p.window.secs()).sum();
            prop_assert!((total - len as f64).abs() < 1e-9);
            prop_assert!(parts.windows(2).all(|p| p[0].window.to == p[1].window.from));
            for p in parts {
                prop_assert_eq!(x.at(p.window.from), Some(p.values[0]));
            }
        }

        #[test]
        fn a_window_is_what_is_cut_and_what_is_left(cuts in proptest::collection::vec((0u64..100, 1u64..20), 0..6)) {
            let mut cuts: Vec<_> = cuts.iter().map(|&(from, len)| w(from, from + len)).collect();
            cuts.sort();
            let left = without(w(0, 100), &cuts);
            for t in 0..100 {
                let cut = cuts.iter().any(|c| c.contains(s(t)));
                prop_assert_eq!(left.iter().any(|x| x.contains(s(t))), !cut);
            }
        }
    }
}
