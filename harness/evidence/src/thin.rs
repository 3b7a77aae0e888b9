//! Fewer points, the same picture: the extremes of every stretch of time survive.

use proto::quantity::Micros;

/// At most four points for each of `buckets` equal stretches of `from..=to`: its first, its lowest, its
/// highest and its last, in the order of time. A series that is short enough is returned as it is.
#[must_use]
pub fn thin(points: &[(Micros, f64)], from: Micros, to: Micros, buckets: usize) -> Vec<(Micros, f64)> {
    let buckets = buckets.max(1);
    if points.len() <= 4 * buckets {
        return points.to_vec();
    }
    let width = (to.since(from).0 / buckets as u64).max(1);
    let bucket = |t: Micros| (t.since(from).0 / width).min(buckets as u64 - 1);
    let mut out = Vec::with_capacity(4 * buckets);
    for stretch in points.chunk_by(|a, b| bucket(a.0) == bucket(b.0)) {
        let (mut lowest, mut highest) = (0, 0);
        for (i, &(_, v)) in stretch.iter().enumerate() {
            if v < stretch[lowest].1 {
                lowest = i;
            }
            if v > stretch[highest].1 {
                highest = i;
            }
        }
        let mut kept = [0, lowest, highest, stretch.len() - 1];
        kept.sort_unstable();
        let mut last = None;
        for i in kept {
            if last != Some(i) {
                out.push(stretch[i]);
                last = Some(i);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn extremes(points: &[(Micros, f64)]) -> (f64, f64) {
        points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(p.1), h.max(p.1)))
    }

    proptest! {
        #[test]
        fn extremes_of_every_stretch_survive(
            steps in proptest::collection::vec((0_u64..5_000, -1e3..1e3_f64), 1..3000),
            buckets in 1_usize..200,
        ) {
            let mut t = 0;
            let points: Vec<(Micros, f64)> = steps.iter().map(|&(dt, v)| { t += dt; (Micros(t), v) }).collect();
            let end = points[points.len() - 1].0;
            let few = thin(&points, Micros::ZERO, end, buckets);
            prop_assert!(few.len() <= 4 * buckets);
            prop_assert_eq!(few.first(), points.first());
            prop_assert_eq!(few.last(), points.last());
            prop_assert!(few.windows(2).all(|w| w[0].0 <= w[1].0));
            prop_assert!(few.iter().all(|p| points.contains(p)));
            let width = (end.0 / buckets as u64).max(1);
            let bucket = |p: &(Micros, f64)| (p.0.0 / width).min(buckets as u64 - 1);
            for b in 0..buckets as u64 {
                let before: Vec<_> = points.iter().copied().filter(|p| bucket(p) == b).collect();
                let after: Vec<_> = few.iter().copied().filter(|p| bucket(p) == b).collect();
                prop_assert_eq!(extremes(&before), extremes(&after));
            }
        }
    }

    #[test]
    fn one_spike_among_a_million_samples_is_seen() {
        let points: Vec<(Micros, f64)> = (0..1_000_000)
            .map(|i| (Micros(i * 1000), if i == 765_432 { 60.8 } else { 55.0 + (i % 7) as f64 * 0.01 }))
            .collect();
        let few = thin(&points, Micros::ZERO, Micros(1_000_000_000), 300);
        assert!(few.len() <= 1200);
        assert!(few.contains(&(Micros(765_432_000), 60.8)));
    }
}
