//! A seeded source of small deviations: SplitMix64 (Steele, Lea, Flood 2014), whose numbers are the same on every
//! machine, as those of no crate are promised to be.

/// The same numbers for the same seed, for ever.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// `stream` keeps the users of one seed apart.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = Self(seed ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03));
        rng.bits();
        rng
    }

    /// 64 even bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Even in [0, 1).
    #[inline]
    pub fn unit(&mut self) -> f64 {
        parts(self.bits() >> 11)
    }

    /// About normal with deviation 1 and never beyond 6: a sum of twelve, which needs no function that differs
    /// between mathematical libraries.
    pub fn normal(&mut self) -> f64 {
        parts((0..12).map(|_| self.bits() >> 11).sum()) - 6.0
    }
}

/// So many parts of which 2^53 make a whole.
fn parts(count: u64) -> f64 {
    // Signed, because that is one instruction to convert.
    count as i64 as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |seed, stream| Rng::new(seed, stream).bits();
        assert_eq!(draw(1, 1), draw(1, 1));
        assert_ne!(draw(1, 1), draw(1, 2));
        assert_ne!(draw(1, 1), draw(2, 1));
    }

    #[test]
    fn normal_has_mean_zero_and_deviation_one() {
        let mut rng = Rng::new(7, 0);
        let draws: Vec<f64> = (0..10_000).map(|_| rng.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 1e4;
        let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / 1e4;
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }
}
