//! Symmetric matrices of a few dozen rows: roots by Jacobi's rotations, equations by Cholesky's factors.

/// A symmetric matrix, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Symmetric {
    rows: usize,
    values: Vec<f64>,
}

impl Symmetric {
    /// Ones on the diagonal.
    pub(super) fn unit(rows: usize) -> Self {
        Self::diagonal(&vec![1.0; rows])
    }

    pub(super) fn diagonal(of: &[f64]) -> Self {
        let rows = of.len();
        let mut values = vec![0.0; rows * rows];
        of.iter().enumerate().for_each(|(i, v)| values[i * rows + i] = *v);
        Self { rows, values }
    }

    pub(super) fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.rows + j]
    }

    pub(super) fn times(&self, vector: &[f64]) -> Vec<f64> {
        let row = |row: &[f64]| row.iter().zip(vector).map(|(a, b)| a * b).sum();
        self.values.chunks(self.rows.max(1)).map(row).collect()
    }

    /// All of it becomes so many times as much.
    pub(super) fn fade(&mut self, by: f64) {
        self.values.iter_mut().for_each(|v| *v *= by);
    }

    /// Adds `weight · v vᵀ`.
    pub(super) fn add(&mut self, weight: f64, v: &[f64]) {
        for (row, a) in self.values.chunks_mut(self.rows.max(1)).zip(v) {
            row.iter_mut().zip(v).for_each(|(value, b)| *value += weight * (a * b));
        }
    }

    /// Its square root and the inverse of that. What rounding has made no longer positive counts as the least that is told from
    /// nothing.
    pub(super) fn roots(&self) -> (Self, Self) {
        let (values, vectors) = self.axes();
        let largest = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let roots: Vec<f64> = values.iter().map(|v| v.max(largest * 1e-14).sqrt()).collect();
        let whole = |of: &dyn Fn(f64) -> f64| {
            let mut sum = Self::diagonal(&vec![0.0; self.rows]);
            roots.iter().zip(&vectors).for_each(|(root, axis)| sum.add(of(*root), axis));
            sum
        };
        (whole(&|root| root), whole(&|root| 1.0 / root))
    }

    /// Eigenvalues, each with its vector: rotations until what lies beside the diagonal is nothing (Golub and Van Loan, *Matrix
    /// Computations*, 8.5).
    fn axes(&self) -> (Vec<f64>, Vec<Vec<f64>>) {
        let n = self.rows;
        let mut a = self.clone();
        // Row i is axis i.
        let mut axes = Self::unit(n).values;
        for _ in 0..SWEEPS {
            let beside: f64 =
                (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a.at(i, j).powi(2)).sum();
            let along: f64 = (0..n).map(|i| a.at(i, i).powi(2)).sum();
            if beside <= along * 1e-30 {
                break;
            }
            for p in 0..n {
                for q in p + 1..n {
                    if a.at(p, q) != 0.0 {
                        let (c, s) = rotation(a.at(p, p), a.at(q, q), a.at(p, q));
                        for k in 0..n {
                            let (x, y) = (a.at(k, p), a.at(k, q));
                            a.values[k * n + p] = c * x - s * y;
                            a.values[k * n + q] = s * x + c * y;
                        }
                        for k in 0..n {
                            let (x, y) = (a.at(p, k), a.at(q, k));
                            a.values[p * n + k] = c * x - s * y;
                            a.values[q * n + k] = s * x + c * y;
                            let (x, y) = (axes[p * n + k], axes[q * n + k]);
                            axes[p * n + k] = c * x - s * y;
                            axes[q * n + k] = s * x + c * y;
                        }
                    }
                }
            }
        }
        let values = (0..n).map(|i| a.at(i, i)).collect();
        (values, axes.chunks(n.max(1)).map(<[f64]>::to_vec).collect())
    }

    /// The lower factor of `self = L Lᵀ`; nothing where it is not positive.
    pub(super) fn factor(&self) -> Option<Lower> {
        let n = self.rows;
        let mut l = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let known: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
                let left = self.at(i, j) - known;
                if i == j {
                    if left <= 0.0 {
                        return None;
                    }
                    l[i * n + i] = left.sqrt();
                } else {
                    l[i * n + j] = left / l[j * n + j];
                }
            }
        }
        Some(Lower { rows: n, values: l })
    }
}

/// Rotations of the whole matrix: with six or so nothing is left beside the diagonal, whatever the matrix.
const SWEEPS: usize = 30;

/// Cosine and sine that take `of` away from beside `a` and `b`.
fn rotation(a: f64, b: f64, of: f64) -> (f64, f64) {
    let theta = (b - a) / (2.0 * of);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    (c, t * c)
}

/// The lower factor of a symmetric matrix.
#[derive(Debug)]
pub(super) struct Lower {
    rows: usize,
    values: Vec<f64>,
}

impl Lower {
    /// Solves `L Lᵀ x = b`.
    pub(super) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let n = self.rows;
        let mut y = b.to_vec();
        for i in 0..n {
            let known: f64 = (0..i).map(|k| self.values[i * n + k] * y[k]).sum();
            y[i] = (y[i] - known) / self.values[i * n + i];
        }
        self.back(&y)
    }

    /// Solves `Lᵀ x = b`.
    pub(super) fn back(&self, b: &[f64]) -> Vec<f64> {
        let n = self.rows;
        let mut x = b.to_vec();
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|k| self.values[k * n + i] * x[k]).sum();
            x[i] = (x[i] - known) / self.values[i * n + i];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::Rng;

    fn sample(rows: usize) -> Symmetric {
        let mut rng = Rng::new(3, rows as u64);
        let mut sample = Symmetric::unit(rows);
        for _ in 0..2 * rows {
            let v: Vec<f64> = (0..rows).map(|_| rng.normal()).collect();
            sample.add(0.5, &v);
        }
        sample
    }

    #[test]
    fn a_root_times_itself_is_the_matrix_and_the_inverse_undoes_it() {
        for rows in [1, 2, 5, 40] {
            let whole = sample(rows);
            let (root, inverse) = whole.roots();
            let vector: Vec<f64> = (0..rows).map(|i| i as f64 - 1.5).collect();
            for (a, b) in root.times(&root.times(&vector)).iter().zip(whole.times(&vector)) {
                assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{a} {b}");
            }
            for (a, b) in inverse.times(&root.times(&vector)).iter().zip(&vector) {
                assert!((a - b).abs() < 1e-9, "{a} {b}");
            }
        }
    }

    #[test]
    fn a_factor_solves_its_equation() {
        let whole = sample(12);
        let vector: Vec<f64> = (0..12).map(f64::from).collect();
        let solved = whole.factor().expect("positive").solve(&whole.times(&vector));
        assert!(solved.iter().zip(&vector).all(|(a, b)| (a - b).abs() < 1e-9), "{solved:?}");
        assert!(Symmetric::diagonal(&[1.0, -1.0]).factor().is_none());
    }
}
