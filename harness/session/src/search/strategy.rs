//! Which points are tried next: even ones and corners first, then generations of [`Cma`], a part of each where a straight
//! model of what is known so far expects the least.
//!
//! A point is a share of each range, 0 to 1. Of a fault that shows only with several numbers at their worst, even draws meet
//! almost none; a straight line through a dozen draws already leans to that corner, and the adaptation finds what is no corner.

use sim::Rng;

use super::cma::{Cma, enough};
use super::model::Model;

/// How points are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// by what was found at those before
    Learning,
    /// each by itself, evenly: what a search is held against
    Evenly,
}

/// A point, and what was found there: less is worse for the battery. Nothing where the case decided nothing.
type Told = (Vec<f64>, Option<f64>);

/// Chooses points. The same seed and the same answers make the same points.
#[derive(Debug)]
pub(super) struct Strategy {
    how: How,
    dimensions: usize,
    rng: Rng,
    told: Vec<Told>,
    climb: Option<Climb>,
    /// how often the adaptation began anew
    restarts: usize,
}

/// One adaptation, from its start until it stands.
#[derive(Debug)]
struct Climb {
    cma: Cma,
    best: f64,
    /// generations without anything better
    idle: usize,
}

/// So many points are tried before anything is known: every other one a corner.
const FIRST: usize = 8;
/// How far the first points of an adaptation lie apart, as a share of each range.
const SIGMA: f64 = 0.3;
/// An adaptation that reaches less far has come to its end.
const STANDS: f64 = 0.01;
/// So many generations without anything better end it too.
const IDLE: usize = 8;

impl Strategy {
    pub(super) fn new(how: How, dimensions: usize, seed: u64) -> Self {
        let rng = Rng::new(seed, STREAM);
        Self { how, dimensions, rng, told: Vec::new(), climb: None, restarts: 0 }
    }

    /// How often the adaptation began anew.
    pub(super) const fn restarts(&self) -> usize {
        self.restarts
    }

    /// The next points. What comes of all of them must be told before more are asked for.
    pub(super) fn ask(&mut self) -> Vec<Vec<f64>> {
        if self.how == How::Evenly {
            return (0..FIRST).map(|_| self.inside()).collect();
        }
        if self.told.is_empty() {
            return (0..FIRST).map(|i| if i % 2 == 0 { self.corner() } else { self.inside() }).collect();
        }
        if self.climb.is_none() {
            self.climb = Some(self.begin());
        }
        let model = Model::of(&self.told, self.dimensions);
        let climb = self.climb.as_ref().expect("it has begun");
        let lambda = climb.cma.lambda();
        let guessed = (lambda / 3).max(1);
        let mut points = Vec::with_capacity(lambda);
        for _ in 0..guessed {
            points.push(model.guess(&mut self.rng));
        }
        while points.len() < lambda {
            points.push(climb.cma.ask(&mut self.rng));
        }
        points.iter().map(|point| point.iter().map(|x| x.clamp(0.0, 1.0)).collect()).collect()
    }

    /// What was found at the points that were asked for last.
    pub(super) fn tell(&mut self, points: Vec<Told>) {
        let values: Vec<f64> = points.iter().filter_map(|(_, value)| *value).collect();
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if let Some(climb) = &mut self.climb {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let better = least < climb.best;
            climb.best = climb.best.min(least);
            climb.idle = if better { 0 } else { climb.idle + 1 };
            // What decided nothing is no better than the best battery seen beside it.
            let beyond = if most.is_finite() { most + 1.0 } else { 0.0 };
            climb.cma.tell(points.iter().map(|(at, value)| (at.clone(), value.unwrap_or(beyond))).collect());
            if climb.cma.reach() < STANDS || climb.idle >= IDLE {
                self.climb = None;
                self.restarts += 1;
            }
        }
        self.told.extend(points);
    }

    /// A first adaptation begins at the worst point that is known, later ones anywhere, every second of them wider: what has two
    /// valleys is seen from both sides (A. Auger and N. Hansen, *A restart CMA evolution strategy with increasing population
    /// size*, CEC 2005).
    fn begin(&mut self) -> Climb {
        let worst = self.told.iter().filter_map(|(at, value)| Some((at, (*value)?)));
        let worst = worst.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at.clone());
        let start = match worst.filter(|_| self.restarts.is_multiple_of(2)) {
            Some(worst) => worst,
            None => self.inside(),
        };
        let lambda = enough(self.dimensions) << (self.restarts / 2).min(3);
        Climb { cma: Cma::about(&start, SIGMA, lambda), best: f64::INFINITY, idle: 0 }
    }

    fn inside(&mut self) -> Vec<f64> {
        (0..self.dimensions).map(|_| self.rng.unit()).collect()
    }

    fn corner(&mut self) -> Vec<f64> {
        (0..self.dimensions).map(|_| f64::from(u8::from(self.rng.unit() < 0.5))).collect()
    }
}

/// Keeps the points apart from the noise of the cells, which has the same seed.
const STREAM: u64 = 0x5EA2C4;

#[cfg(test)]
mod tests {
    use super::*;

    /// So many points until one has a value below nothing.
    fn until_found(how: How, dimensions: usize, seed: u64, of: &dyn Fn(&[f64]) -> f64) -> usize {
        let mut strategy = Strategy::new(how, dimensions, seed);
        let mut tried = 0;
        loop {
            let points: Vec<_> = strategy.ask().into_iter().map(|x| (x.clone(), of(&x))).collect();
            if let Some(place) = points.iter().position(|(_, value)| *value < 0.0) {
                return tried + place + 1;
            }
            tried += points.len();
            assert!(tried < 20_000, "never found");
            strategy.tell(points.into_iter().map(|(x, value)| (x, Some(value))).collect());
        }
    }

    fn median(of: impl Fn(u64) -> usize) -> usize {
        let mut all: Vec<usize> = (1..=21).map(of).collect();
        all.sort_unstable();
        all[all.len() / 2]
    }

    /// Four of forty numbers decide, and only near their worst is something wrong: by even draws in 1 of 150.
    #[test]
    fn a_corner_of_a_few_numbers_among_many_is_found_in_a_third_of_the_draws() {
        let rare = |x: &[f64]| 0.62 - (0.3 * x[3] + 0.25 * (1.0 - x[17]) + 0.25 * x[22] + 0.2 * x[38]) + 0.2;
        let learning = median(|seed| until_found(How::Learning, 40, seed, &rare));
        let evenly = median(|seed| until_found(How::Evenly, 40, seed, &rare));
        assert!(3 * learning <= evenly, "{learning} against {evenly}");
    }

    /// What is wrong only in the middle of two ranges, as a resonance is, leans to no corner.
    #[test]
    fn a_spot_in_the_middle_is_found_too() {
        let spot = |x: &[f64]| (x[2] - 0.4).hypot(x[7] - 0.55) - 0.04;
        let learning = median(|seed| until_found(How::Learning, 12, seed, &spot));
        let evenly = median(|seed| until_found(How::Evenly, 12, seed, &spot));
        assert!(2 * learning <= evenly, "{learning} against {evenly}");
    }

    #[test]
    fn the_same_seed_asks_for_the_same_points_and_they_lie_within() {
        let run = |seed| {
            let mut strategy = Strategy::new(How::Learning, 5, seed);
            let mut all = Vec::new();
            for _ in 0..30 {
                let points = strategy.ask();
                assert!(points.iter().flatten().all(|x| (0.0..=1.0).contains(x)));
                all.extend(points.clone());
                // Every third decides nothing.
                let value = |x: &Vec<f64>| (x[1] > 0.33).then_some(x[0] + x[4]);
                strategy.tell(points.into_iter().map(|x| (x.clone(), value(&x))).collect());
            }
            all
        };
        assert_eq!(run(4), run(4));
        assert_ne!(run(4), run(5));
    }

    #[test]
    fn where_nothing_is_decided_it_goes_on_and_begins_anew() {
        let mut strategy = Strategy::new(How::Learning, 3, 1);
        for _ in 0..40 {
            let points = strategy.ask();
            strategy.tell(points.into_iter().map(|x| (x, None)).collect());
        }
        assert!(strategy.restarts() > 2);
    }
}
