//! Least squares, with what each estimate is worth (Ljung, *System Identification*, chapters 4 and 9).

/// Sums of a regression of `y` on two regressors, each group around a mean of its own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    /// rows, without one for each group
    free: f64,
    xx: [[f64; 2]; 2],
    xy: [f64; 2],
    yy: f64,
}

/// Coefficients with their standard errors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    pub(super) slope: [f64; 2],
    pub(super) error: [f64; 2],
    /// share of the variance that the line explains, 0 to 1
    pub(super) explained: f64,
}

impl Sums {
    /// Takes a group: rows of `[x0, x1, y]` around one mean; returns the means.
    pub(super) fn group(&mut self, rows: impl Iterator<Item = [f64; 3]> + Clone) -> Option<[f64; 3]> {
        let (n, sum) = rows.clone().fold((0.0, [0.0; 3]), |(n, sum), row| {
            (n + 1.0, [sum[0] + row[0], sum[1] + row[1], sum[2] + row[2]])
        });
        if n < 3.0 {
            return None;
        }
        let mean = sum.map(|s| s / n);
        for row in rows {
            let [a, b, y] = [row[0] - mean[0], row[1] - mean[1], row[2] - mean[2]];
            self.xx[0][0] += a * a;
            self.xx[0][1] += a * b;
            self.xx[1][1] += b * b;
            self.xy[0] += a * y;
            self.xy[1] += b * y;
            self.yy += y * y;
        }
        self.free += n - 1.0;
        Some(mean)
    }

    /// The line on the first regressor alone.
    pub(super) fn one(&self) -> Option<Fit> {
        let (xx, xy) = (self.xx[0][0], self.xy[0]);
        if xx <= 1e-12 || self.yy <= 1e-12 || self.free < 4.0 {
            return None;
        }
        let slope = xy / xx;
        let left = (self.yy - slope * xy).max(0.0);
        let error = (left / (self.free - 1.0) / xx).sqrt();
        Some(Fit { slope: [slope, 0.0], error: [error, 0.0], explained: 1.0 - left / self.yy })
    }

    /// The plane on both.
    pub(super) fn both(&self) -> Option<Fit> {
        let [[a, b], [_, c]] = self.xx;
        let det = a * c - b * b;
        // Regressors that say the same to a thousandth tell nothing apart.
        if det <= 1e-3 * a * c || self.yy <= 1e-12 || self.free < 5.0 {
            return None;
        }
        let [p, q] = self.xy;
        let slope = [(c * p - b * q) / det, (a * q - b * p) / det];
        let left = (self.yy - slope[0] * p - slope[1] * q).max(0.0);
        let variance = left / (self.free - 2.0);
        let error = [(variance * c / det).sqrt(), (variance * a / det).sqrt()];
        Some(Fit { slope, error, explained: 1.0 - left / self.yy })
    }
}

/// The quantile of the values at this share. It sorts them.
pub(super) fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    values.get((share * last as f64).round() as usize).copied()
}

/// Half of the distance between the quartiles: a spread that a few outliers do not move.
pub(super) fn spread(values: &mut [f64]) -> Option<f64> {
    Some((quantile(values, 0.75)? - quantile(values, 0.25)?) / 2.0)
}

/// The first-order filter `1/(1 + τs)` over rows that are `step` apart, as firmware has it: exponential smoothing.
pub(super) fn filtered(values: impl Iterator<Item = f64>, step: f64, tau: f64) -> Vec<f64> {
    let k = if tau > 0.0 { 1.0 - libm::exp(-step / tau) } else { 1.0 };
    let mut out: Option<f64> = None;
    values
        .map(|now| {
            let next = out.map_or(now, |out| out + k * (now - out));
            out = Some(next);
            next
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_is_found_with_its_errors() {
        let rows = (0..200).map(|k| {
            let (a, b) = (f64::from(k % 7), f64::from(k % 11));
            [a, b, 2.0 * a - 0.5 * b + 0.01 * f64::from(k % 3)]
        });
        let mut sums = Sums::default();
        let mean = sums.group(rows).expect("rows");
        assert!((mean[0] - 2.985).abs() < 0.02, "{mean:?}");
        let fit = sums.both().expect("a plane");
        assert!((fit.slope[0] - 2.0).abs() < 0.01 && (fit.slope[1] + 0.5).abs() < 0.01, "{fit:?}");
        assert!(fit.explained > 0.999 && fit.error[0] < 0.01, "{fit:?}");
        assert_eq!(Sums::default().one(), None);
    }

    #[test]
    fn a_filter_comes_to_rest_where_its_input_does() {
        let out = filtered((0..100).map(|t| if t < 10 { 0.0 } else { 1.0 }), 1.0, 10.0);
        assert!((out[20] - 0.63).abs() < 0.04, "{}", out[20]);
        assert!((out[99] - 1.0).abs() < 1e-3, "{}", out[99]);
    }

    #[test]
    fn quartiles() {
        assert_eq!(quantile(&mut [3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(spread(&mut [0.0, 1.0, 2.0, 3.0, 4.0]), Some(1.0));
        assert_eq!(spread(&mut []), None);
    }
}
