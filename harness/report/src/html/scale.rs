//! Axes: round numbers at readable distances.

use proto::quantity::Micros;

/// The range of an axis that holds the values, is at least `least` wide and has some air.
pub(crate) fn range(lowest: f64, highest: f64, least: f64, zero: bool) -> (f64, f64) {
    let (mut lo, mut hi) = (lowest, highest);
    if zero {
        (lo, hi) = (lo.min(0.0), hi.max(0.0));
    }
    if hi - lo < least {
        let middle = (lo + hi) / 2.0;
        (lo, hi) = (middle - least / 2.0, middle + least / 2.0);
    }
    let air = (hi - lo) * 0.07;
    (lo - air, hi + air)
}

/// Round numbers within the range, about `wanted` of them, and the decimals they need.
pub(crate) fn ticks(lo: f64, hi: f64, wanted: usize) -> (Vec<f64>, usize) {
    let rough = (hi - lo) / wanted.max(1) as f64;
    let magnitude = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|k| k * magnitude)
        .find(|s| *s >= rough * 0.7)
        .unwrap_or(10.0 * magnitude);
    if !step.is_finite() || step <= 0.0 {
        return (vec![lo], 0);
    }
    let decimals = (-(step * 1.000_001).log10().floor()).max(0.0) as usize;
    let first = (lo / step).ceil() as i64;
    let last = (hi / step).floor() as i64;
    ((first..=last).map(|i| i as f64 * step).collect(), decimals)
}

/// Steps of a time axis, in seconds.
const TIMES: [u64; 18] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/// At most `most` times within a case with their labels, `h:mm` or `h:mm:ss`.
pub(crate) fn times(length: Micros, most: u64) -> Vec<(Micros, String)> {
    let seconds = length.0 / 1_000_000;
    let step = TIMES
        .into_iter()
        .find(|s| seconds / s <= most)
        .unwrap_or_else(|| (seconds / most / 86_400 + 1) * 86_400);
    (0..=seconds / step)
        .map(|i| {
            let s = i * step;
            let label = if step < 60 {
                format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
            } else {
                format!("{}:{:02}", s / 3600, s / 60 % 60)
            };
            (Micros::from_secs(s), label)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(52.9, 57.7, 4, &[53.0, 54.0, 55.0, 56.0, 57.0], 0)]
    #[case(3.31, 3.45, 3, &[3.35, 3.4, 3.45], 2)]
    #[case(-100.0, 100.0, 4, &[-100.0, -50.0, 0.0, 50.0, 100.0], 0)]
    fn round_numbers(
        #[case] lo: f64,
        #[case] hi: f64,
        #[case] n: usize,
        #[case] at: &[f64],
        #[case] dec: usize,
    ) {
        let (found, decimals) = ticks(lo, hi, n);
        assert_eq!(decimals, dec);
        assert_eq!(found.len(), at.len(), "{found:?}");
        assert!(found.iter().zip(at).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
    }

    #[rstest]
    #[case(18_000, 10, 11, "5:00")]
    #[case(90, 10, 10, "0:01:30")]
    #[case(0, 10, 1, "0:00:00")]
    fn times_of_a_case(#[case] seconds: u64, #[case] most: u64, #[case] count: usize, #[case] last: &str) {
        let found = times(Micros::from_secs(seconds), most);
        assert_eq!((found.len(), found[found.len() - 1].1.as_str()), (count, last));
    }
}
