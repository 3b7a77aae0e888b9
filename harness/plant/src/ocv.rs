//! Open-circuit voltage over state of charge: a monotone cubic through the points of a table, because a spline that
//! overshoots would put a dip into the plateau of LFP and a controller could hide in it.

use proto::quantity::{Percent, Volts};

/// A curve that rises everywhere, outside of its table as a straight line.
#[derive(Debug, Clone)]
pub(crate) struct Ocv {
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    from: f64,
    to: f64,
    /// Voltage is a cubic in (soc − from): constant first.
    c: [f64; 4],
}

impl Segment {
    /// Voltage and slope so far from where it begins.
    #[inline]
    fn at(&self, x: f64) -> (f64, f64) {
        let c = self.c;
        (c[0] + x * (c[1] + x * (c[2] + x * c[3])), c[1] + x * (2.0 * c[2] + x * 3.0 * c[3]))
    }
}

impl Ocv {
    /// Through points that rise in both (`Params::check`); Fritsch–Carlson in the form of a weighted harmonic mean.
    pub(crate) fn new(points: &[(Percent, Volts)]) -> Self {
        let x: Vec<f64> = points.iter().map(|p| p.0.0 / 100.0).collect();
        let y: Vec<f64> = points.iter().map(|p| p.1.0).collect();
        let n = x.len();
        let h: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
        let d: Vec<f64> = y.windows(2).zip(&h).map(|(w, h)| (w[1] - w[0]) / h).collect();
        let mut slope = vec![0.0; n];
        for i in 1..n - 1 {
            let (w1, w2) = (2.0 * h[i] + h[i - 1], h[i] + 2.0 * h[i - 1]);
            slope[i] = (w1 + w2) / (w1 / d[i - 1] + w2 / d[i]);
        }
        // Straight ends: beyond the table only the line goes on.
        slope[0] = d[0];
        slope[n - 1] = d[n - 2];
        let segment = |i: usize| Segment {
            from: x[i],
            to: x[i + 1],
            c: [
                y[i],
                slope[i],
                (3.0 * d[i] - 2.0 * slope[i] - slope[i + 1]) / h[i],
                (slope[i] + slope[i + 1] - 2.0 * d[i]) / (h[i] * h[i]),
            ],
        };
        Self { segments: (0..n - 1).map(segment).collect() }
    }

    /// Voltage, and its slope in V per unit of charge, at a state of charge where 1 is full. `hint` is the segment of
    /// the last call for this cell: charge moves slowly, so the search is almost always over at once.
    #[inline]
    pub(crate) fn at(&self, soc: f64, hint: &mut u8) -> (f64, f64) {
        match self.segments.get(usize::from(*hint)) {
            Some(segment) if segment.from <= soc && soc < segment.to => segment.at(soc - segment.from),
            _ => self.search(soc, hint),
        }
    }

    #[inline(never)]
    fn search(&self, soc: f64, hint: &mut u8) -> (f64, f64) {
        let last = self.segments.len() - 1;
        let mut i = usize::from(*hint).min(last);
        while i > 0 && soc < self.segments[i].from {
            i -= 1;
        }
        while i < last && soc >= self.segments[i].to {
            i += 1;
        }
        *hint = i as u8;
        let segment = &self.segments[i];
        let x = soc.clamp(segment.from, segment.to) - segment.from;
        let (v, slope) = segment.at(x);
        (v + slope * (soc - segment.from - x), slope)
    }

    /// Integral of the voltage from the first point of the table to `soc`: joules per coulomb of capacity.
    pub(crate) fn energy(&self, soc: f64) -> f64 {
        let last = self.segments.len() - 1;
        let mut sum = 0.0;
        for (i, &Segment { from, to, c }) in self.segments.iter().enumerate() {
            let x = soc.clamp(from, to) - from;
            sum += x * (c[0] + x * (c[1] / 2.0 + x * (c[2] / 3.0 + x * c[3] / 4.0)));
            let beyond = if i == 0 {
                (soc - from).min(0.0)
            } else if i == last {
                (soc - to).max(0.0)
            } else {
                0.0
            };
            if beyond != 0.0 {
                let (edge, slope) = self.at(soc - beyond, &mut 0);
                sum += beyond * (edge + 0.5 * slope * beyond);
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::PackParams;
    use proptest::prelude::{prop_assert, proptest};
    use proto::chemistry::Chemistry;
    use rstest::rstest;

    /// LibreSolar bms-firmware (plateau) and APR18650M1B at C/32 (knee).
    #[rstest]
    #[case(0.0, 2.833)]
    #[case(50.0, 3.265)]
    #[case(90.0, 3.309)]
    #[case(98.33, 3.351)]
    #[case(99.5, 3.418)]
    #[case(100.0, 3.598)]
    fn meets_the_table(#[case] soc: f64, #[case] volts: f64) {
        let ocv = Ocv::new(&PackParams::default().ocv);
        assert!((ocv.at(soc / 100.0, &mut 0).0 - volts).abs() < 1e-9);
    }

    /// LibreSolar bms-firmware.
    #[rstest]
    #[case(Chemistry::Nmc, 0.0, 2.800)]
    #[case(Chemistry::Nmc, 50.0, 3.838)]
    #[case(Chemistry::Nmc, 100.0, 4.198)]
    #[case(Chemistry::Nca, 50.0, 3.741)]
    #[case(Chemistry::Lto, 0.0, 2.000)]
    #[case(Chemistry::Lto, 50.0, 2.224)]
    #[case(Chemistry::Lto, 100.0, 2.800)]
    fn meets_the_table_of_a_chemistry(#[case] chemistry: Chemistry, #[case] soc: f64, #[case] volts: f64) {
        let ocv = Ocv::new(&chemistry.ocv(Volts(9.0)).expect("it has a table"));
        assert!((ocv.at(soc / 100.0, &mut 0).0 - volts).abs() < 1e-9);
    }

    fn tables() -> [Vec<(Percent, Volts)>; 4] {
        let own =
            |chemistry: Chemistry| chemistry.ocv(Volts(9.0)).unwrap_or_else(|| PackParams::default().ocv);
        [Chemistry::Lfp, Chemistry::Nmc, Chemistry::Nca, Chemistry::Lto].map(own)
    }

    proptest! {
        #[test]
        fn rises_everywhere_and_knows_its_slope(
            soc in -0.05f64..1.05,
            hint in 0u8..255,
            which in 0usize..4,
        ) {
            let ocv = Ocv::new(&tables()[which]);
            let (v, slope) = ocv.at(soc, &mut hint.clone());
            let (w, _) = ocv.at(soc + 1e-7, &mut 0);
            prop_assert!(w > v, "{v} then {w}");
            prop_assert!(((w - v) / 1e-7 - slope).abs() < 1e-2 * slope.abs() + 0.05);
        }

        /// The energy between two states of charge is the area under the curve (Simpson, 2000 pieces).
        #[test]
        fn energy_is_the_area(a in -0.05f64..1.05, b in -0.05f64..1.05) {
            let ocv = Ocv::new(&PackParams::default().ocv);
            let h = (b - a) / 2000.0;
            let v = |soc: f64| ocv.at(soc, &mut 0).0;
            let piece = |i: i32| {
                let from = a + h * f64::from(i);
                (v(from) + 4.0 * v(from + h / 2.0) + v(from + h)) * h / 6.0
            };
            let area: f64 = (0..2000).map(piece).sum();
            prop_assert!((ocv.energy(b) - ocv.energy(a) - area).abs() < 1e-7);
        }
    }
}
