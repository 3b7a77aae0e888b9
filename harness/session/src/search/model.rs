//! A straight line through the ranks of what was found: which numbers move a margin, and where it may be least.
//!
//! Ranks, because margins jump where a verdict changes: a line through them is the standardised rank regression of R. L. Iman
//! and W. J. Conover, *The use of the rank transform in regression*, Technometrics 21 (1979). With fewer points than numbers a line
//! fits anything, so each weight is held to be small beforehand (a Bayesian linear model), and what is not known of it is part
//! of a guess (W. R. Thompson, 1933): a number of which nothing is known goes to either end.

use sim::Rng;

use super::symmetric::{Lower, Symmetric};

/// The weights of a straight line and what is known of them.
#[derive(Debug)]
pub(super) struct Model {
    /// how a rank moves with each number, both as deviations from their means in their spreads
    weights: Vec<f64>,
    known: Option<Lower>,
}

/// The part of all ranks that no line explains, at the least: how noisy the best model is held to be.
const LEAST_NOISE: f64 = 0.05;

impl Model {
    /// Of points, each a share of every range, and what was found at them; where nothing was, the point says nothing.
    pub(super) fn of(told: &[(Vec<f64>, Option<f64>)], dimensions: usize) -> Self {
        let points: Vec<(&Vec<f64>, f64)> =
            told.iter().filter_map(|(at, value)| Some((at, (*value)?))).collect();
        let ranks = ranks(&points.iter().map(|point| point.1).collect::<Vec<_>>());
        let mut noise = 1.0;
        let mut fit = Self { weights: vec![0.0; dimensions], known: None };
        // Once with the noise of knowing nothing, once with what the line leaves.
        for _ in 0..2 {
            let mut normal = Symmetric::diagonal(&vec![dimensions as f64; dimensions]);
            let mut right = vec![0.0; dimensions];
            for ((at, _), rank) in points.iter().zip(&ranks) {
                let x = spread(at);
                normal.add(1.0 / noise, &x);
                right.iter_mut().zip(&x).for_each(|(sum, x)| *sum += x * rank / noise);
            }
            let Some(lower) = normal.factor() else { return fit };
            let weights = lower.solve(&right);
            let left =
                |((at, _), rank): (&(&Vec<f64>, f64), &f64)| (rank - line(&weights, &spread(at))).powi(2);
            let unexplained: f64 = points.iter().zip(&ranks).map(left).sum();
            noise = (unexplained / points.len().max(1) as f64).max(LEAST_NOISE);
            fit = Self { weights, known: Some(lower) };
        }
        fit
    }

    /// The corner at which one line that may be true is least.
    pub(super) fn guess(&self, rng: &mut Rng) -> Vec<f64> {
        let doubt: Vec<f64> = self.weights.iter().map(|_| rng.normal()).collect();
        let doubt = self.known.as_ref().map_or(doubt.clone(), |known| known.back(&doubt));
        let end = |(weight, doubt): (&f64, f64)| if weight + doubt > 0.0 { 0.0 } else { 1.0 };
        self.weights.iter().zip(doubt).map(end).collect()
    }

    /// How the ranks move with each number, −1 to 1 where numbers do not move together, and the share of their spread that the
    /// line explains.
    pub(super) fn weights(&self) -> &[f64] {
        &self.weights
    }
}

fn line(weights: &[f64], x: &[f64]) -> f64 {
    weights.iter().zip(x).map(|(w, x)| w * x).sum()
}

/// Shares that are even in 0 to 1, with mean 0 and deviation 1.
fn spread(at: &[f64]) -> Vec<f64> {
    at.iter().map(|x| (x - 0.5) * 12.0_f64.sqrt()).collect()
}

/// The ranks of values, equal ones the same, with mean 0 and deviation 1; all nothing where all values are equal.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count() as f64;
        let above = values.iter().filter(|other| *other > value).count() as f64;
        below - above
    };
    let ranks: Vec<f64> = values.iter().map(rank).collect();
    let deviation = (ranks.iter().map(|r| r * r).sum::<f64>() / ranks.len().max(1) as f64).sqrt();
    ranks.iter().map(|rank| if deviation > 0.0 { rank / deviation } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_are_those_of_the_line_that_made_the_values() {
        let mut rng = Rng::new(2, 0);
        let told: Vec<_> = (0..400)
            .map(|_| {
                let at: Vec<f64> = (0..6).map(|_| rng.unit()).collect();
                let value = 3.0 * at[1] - 4.0 * at[4];
                (at, Some(value))
            })
            .collect();
        let model = Model::of(&told, 6);
        let weights = model.weights();
        assert!((weights[1] - 0.6).abs() < 0.06 && (weights[4] + 0.8).abs() < 0.06, "{weights:?}");
        assert!([0, 2, 3, 5].iter().all(|&i| weights[i].abs() < 0.06), "{weights:?}");
        let guess = model.guess(&mut rng);
        assert!(guess[1] < 0.5 && guess[4] > 0.5, "{guess:?}");
    }

    #[test]
    fn equal_values_have_equal_ranks() {
        let ranks = ranks(&[5.0, 1.0, 5.0, -2.0]);
        assert!(ranks[0] > ranks[1] && ranks[1] > ranks[3] && (ranks[0] - ranks[2]).abs() < 1e-12);
        assert!(super::ranks(&[2.0, 2.0]).iter().all(|r| r.abs() < 1e-12));
    }

    #[test]
    fn nothing_known_is_no_lean() {
        let model = Model::of(&[(vec![0.5, 0.5], None)], 2);
        assert_eq!(model.weights(), [0.0, 0.0]);
        assert_eq!(model.guess(&mut Rng::new(1, 1)).len(), 2);
    }
}
