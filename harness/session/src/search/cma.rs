//! The evolution strategy with covariance matrix adaptation, (μ/μ_w, λ)-CMA-ES, after N. Hansen, *The CMA Evolution Strategy: A
//! Tutorial* (arXiv 1604.00772): a normal distribution that is asked for points, told which of them were least, and moves, widens
//! and turns there. It sees nothing but the order of values, so that what jumps or is cut off does not mislead it.
//!
//! It is here, and not a crate's, because a search plays points itself, several at once, goes on where it was stopped, and
//! puts in points that come from elsewhere: that takes asking and telling apart. The crate `cmaes` (0.2.2) calls the function
//! that it makes least, and takes no points from elsewhere.

use sim::Rng;

use super::symmetric::Symmetric;

/// The distribution of the next points, and how it got there. Coordinates have no bounds here.
#[derive(Debug, Clone)]
pub(super) struct Cma {
    weights: Vec<f64>,
    /// so many points are as good as the weighted ones are
    effective: f64,
    lambda: usize,
    mean: Vec<f64>,
    sigma: f64,
    covariance: Symmetric,
    /// its square root, and the inverse of that
    roots: (Symmetric, Symmetric),
    path_of_sigma: Vec<f64>,
    path: Vec<f64>,
    generation: u32,
}

/// So many points a generation are enough in so many dimensions (equation 48 of the tutorial).
pub(super) fn enough(dimensions: usize) -> usize {
    4 + (3.0 * libm::log(dimensions as f64)) as usize
}

impl Cma {
    /// A round distribution of this deviation about a point, asked for `lambda` points a generation, 4 at least.
    pub(super) fn about(mean: &[f64], sigma: f64, lambda: usize) -> Self {
        let n = mean.len();
        let mu = lambda / 2;
        let raw: Vec<f64> =
            (1..=mu).map(|i| libm::log((lambda as f64 + 1.0) / 2.0) - libm::log(i as f64)).collect();
        let sum: f64 = raw.iter().sum();
        let weights: Vec<f64> = raw.iter().map(|w| w / sum).collect();
        Self {
            effective: 1.0 / weights.iter().map(|w| w * w).sum::<f64>(),
            weights,
            lambda,
            mean: mean.to_vec(),
            sigma,
            covariance: Symmetric::unit(n),
            roots: (Symmetric::unit(n), Symmetric::unit(n)),
            path_of_sigma: vec![0.0; n],
            path: vec![0.0; n],
            generation: 0,
        }
    }

    /// A point of the distribution.
    pub(super) fn ask(&self, rng: &mut Rng) -> Vec<f64> {
        let z: Vec<f64> = self.mean.iter().map(|_| rng.normal()).collect();
        let y = self.roots.0.times(&z);
        self.mean.iter().zip(y).map(|(m, y)| m + self.sigma * y).collect()
    }

    /// How many points a generation has.
    pub(super) const fn lambda(&self) -> usize {
        self.lambda
    }

    /// How far it reaches: the deviation along its longest axis.
    pub(super) fn reach(&self) -> f64 {
        self.sigma * (0..self.mean.len()).map(|i| self.covariance.at(i, i)).fold(0.0, f64::max).sqrt()
    }

    /// Learns from a generation: points of its own or from elsewhere, each with its value, of which the least is best. A point
    /// that lies further out than its own would is taken no further (N. Hansen, *Injecting external solutions into CMA-ES*,
    /// arXiv 1110.4181).
    pub(super) fn tell(&mut self, mut points: Vec<(Vec<f64>, f64)>) {
        let n = self.mean.len();
        let dimensions = n as f64;
        points.sort_by(|a, b| a.1.total_cmp(&b.1));
        let farthest = dimensions.sqrt() + 2.0 * dimensions / (dimensions + 2.0);
        let steps: Vec<Vec<f64>> = points
            .iter()
            .take(self.weights.len())
            .map(|(point, _)| {
                let y: Vec<f64> = point.iter().zip(&self.mean).map(|(x, m)| (x - m) / self.sigma).collect();
                let length = norm(&self.roots.1.times(&y));
                let clip = if length > farthest { farthest / length } else { 1.0 };
                y.iter().map(|y| y * clip).collect()
            })
            .collect();
        let step: Vec<f64> =
            (0..n).map(|i| self.weights.iter().zip(&steps).map(|(w, y)| w * y[i]).sum()).collect();
        for (m, y) in self.mean.iter_mut().zip(&step) {
            *m += self.sigma * y;
        }
        self.generation += 1;

        // Equations 43 to 49, with the constants of table 1.
        let mu = self.effective;
        let along_sigma = (mu + 2.0) / (dimensions + mu + 5.0);
        let damping = 1.0 + 2.0 * ((mu - 1.0) / (dimensions + 1.0)).sqrt().max(1.0) - 2.0 + along_sigma;
        let expected =
            dimensions.sqrt() * (1.0 - 1.0 / (4.0 * dimensions) + 1.0 / (21.0 * dimensions.powi(2)));
        let whitened = self.roots.1.times(&step);
        for (p, w) in self.path_of_sigma.iter_mut().zip(&whitened) {
            *p = (1.0 - along_sigma) * *p + (along_sigma * (2.0 - along_sigma) * mu).sqrt() * w;
        }
        let length = norm(&self.path_of_sigma);
        self.sigma *= libm::exp((along_sigma / damping * (length / expected - 1.0)).min(1.0));

        let along = (4.0 + mu / dimensions) / (dimensions + 4.0 + 2.0 * mu / dimensions);
        let grown = (1.0 - (1.0 - along_sigma).powi(2 * self.generation as i32)).sqrt();
        let stalls = length / grown < (1.4 + 2.0 / (dimensions + 1.0)) * expected;
        for (p, y) in self.path.iter_mut().zip(&step) {
            let fresh = if stalls { (along * (2.0 - along) * mu).sqrt() * y } else { 0.0 };
            *p = (1.0 - along) * *p + fresh;
        }
        let one = 2.0 / ((dimensions + 1.3).powi(2) + mu);
        let many = (1.0 - one).min(2.0 * (mu - 2.0 + 1.0 / mu) / ((dimensions + 2.0).powi(2) + mu));
        let lost = if stalls { 0.0 } else { one * along * (2.0 - along) };
        let old = 1.0 + lost - one - many;
        self.covariance.fade(old);
        self.covariance.add(one, &self.path);
        for (weight, y) in self.weights.iter().zip(&steps) {
            self.covariance.add(many * weight, y);
        }
        self.roots = self.covariance.roots();
    }
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn sphere(x: &[f64]) -> f64 {
        x.iter().map(|x| (x - 1.0).powi(2)).sum()
    }
    fn ellipsoid(x: &[f64]) -> f64 {
        let last = (x.len() - 1) as f64;
        x.iter().enumerate().map(|(i, x)| libm::pow(1e6, i as f64 / last) * (x - 1.0).powi(2)).sum()
    }
    fn rosenbrock(x: &[f64]) -> f64 {
        x.windows(2).map(|x| 100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2)).sum()
    }

    /// All three are least at 1 in each coordinate. The numbers of evaluations are about those that the tutorial's author
    /// reports of his own programs, with room.
    #[rstest]
    #[case::sphere(sphere, 10, 2_000)]
    #[case::ellipsoid(ellipsoid, 10, 9_000)]
    #[case::rosenbrock(rosenbrock, 6, 8_000)]
    fn it_finds_the_least_of_functions_whose_least_is_known(
        #[case] of: fn(&[f64]) -> f64,
        #[case] dimensions: usize,
        #[case] within: usize,
    ) {
        for seed in 1..=3 {
            let mut rng = Rng::new(seed, 0);
            let mut cma = Cma::about(&vec![-0.5; dimensions], 0.5, enough(dimensions));
            let (mut asked, mut best) = (0, (Vec::new(), f64::INFINITY));
            while best.1 > 1e-10 && asked < within {
                let points: Vec<_> = (0..cma.lambda())
                    .map(|_| {
                        let x = cma.ask(&mut rng);
                        let value = of(&x);
                        (x, value)
                    })
                    .collect();
                asked += points.len();
                for point in &points {
                    if point.1 < best.1 {
                        best.clone_from(point);
                    }
                }
                cma.tell(points);
            }
            assert!(best.1 <= 1e-10, "seed {seed}: {} after {asked}", best.1);
            assert!(best.0.iter().all(|x| (x - 1.0).abs() < 1e-3), "{:?}", best.0);
        }
    }

    /// It turns with the function: a valley that lies across the axes is as easy as one along them.
    #[test]
    fn a_turned_valley_is_found_like_a_straight_one() {
        let turned = |x: &[f64]| {
            ellipsoid(&[1.0 + (x[0] + x[1] - 2.0) * 0.5_f64.sqrt(), 1.0 + (x[0] - x[1]) * 0.5_f64.sqrt()])
        };
        let mut rng = Rng::new(5, 0);
        let mut cma = Cma::about(&[-2.0, 3.0], 0.5, 8);
        let mut best = f64::INFINITY;
        for _ in 0..150 {
            let points: Vec<_> = (0..8)
                .map(|_| cma.ask(&mut rng))
                .map(|x| {
                    let v = turned(&x);
                    (x, v)
                })
                .collect();
            best = points.iter().map(|p| p.1).fold(best, f64::min);
            cma.tell(points);
        }
        assert!(best < 1e-10, "{best}");
    }

    #[test]
    fn a_point_from_far_away_does_not_throw_it() {
        let mut cma = Cma::about(&[0.0; 4], 0.1, 8);
        let mut rng = Rng::new(1, 0);
        let mut points: Vec<_> = (0..7).map(|_| (cma.ask(&mut rng), 1.0)).collect();
        points.push((vec![1e6; 4], 0.0));
        cma.tell(points);
        assert!(cma.mean.iter().all(|m| m.abs() < 1.0) && cma.reach() < 1.0, "{cma:?}");
    }
}
