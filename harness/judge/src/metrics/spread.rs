//! How far cells stand apart, in charge: what millivolts of difference mean depends on the curve of the cells.

use proto::quantity::{AmpHours, Percent};

use crate::thresholds::fixed::{BEGINNING, CHARGING, RESTING};
use crate::trace::{Channel, Trace};
use crate::window::{Window, stretches};

/// How much charge the lowest cell lacks to be where the highest is, as a share of capacity: both are charged with the
/// same current, so the highest cell has passed the voltage of the lowest that much charge ago. Looked at where the
/// highest cell stands highest while it is charged, where the curve is steep. No less than this, where the highest cell
/// stood above that voltage from the beginning; nothing where the battery was not charged, or cells are not sent. By what
/// the cells part when the current begins, their resistances differ: that is no charge.
#[must_use]
pub fn imbalance(trace: &Trace, window: Window, capacity: AmpHours) -> Option<Percent> {
    let channels = [Channel::MaxCell, Channel::MinCell, Channel::PackCurrent].map(|c| trace.series(c));
    let mut charge = 0.0;
    let (mut at_rest, mut at_first) = (Mean::default(), Mean::default());
    // Charge, and how high the highest cell stood by then: it only grows.
    let mut curve: Vec<(f64, f64)> = Vec::new();
    let mut peak: Option<(f64, f64, f64)> = None;
    for s in stretches(channels, window) {
        let [highest, lowest, current] = s.values;
        let after = charge + current * s.window.hours();
        if current.abs() <= RESTING * capacity.0 && at_first.value().is_none() {
            at_rest.take(highest - lowest, s.window.hours());
        }
        if current >= CHARGING * capacity.0 {
            if at_first.hours < BEGINNING {
                at_first.take(highest - lowest, s.window.hours());
            }
            if curve.last().is_none_or(|&(_, top)| highest > top) {
                curve.push((charge, highest));
            }
            if peak.is_none_or(|(top, ..)| highest >= top) {
                peak = Some((highest, lowest, after));
            }
        }
        charge = after;
    }
    let (highest, lowest, at) = peak?;
    let resistive =
        at_rest.value().zip(at_first.value()).map_or(0.0, |(rest, first)| (first - rest).max(0.0));
    let lowest = lowest.max((lowest + resistive).min(highest));
    let passed = curve.iter().find(|&&(_, top)| top >= lowest).map_or(at, |&(charge, _)| charge);
    Some(Percent(100.0 * (at - passed).max(0.0) / capacity.0))
}

/// A mean that is weighted by time.
#[derive(Debug, Default)]
struct Mean {
    sum: f64,
    hours: f64,
}

impl Mean {
    fn take(&mut self, value: f64, hours: f64) {
        self.sum += value * hours;
        self.hours += hours;
    }
    fn value(&self) -> Option<f64> {
        (self.hours > 0.0).then_some(self.sum / self.hours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::quantity::Micros;
    use rstest::rstest;

    /// The upper end of three curves: share of charge in %, volts.
    const LFP: &[(f64, f64)] =
        &[(80.0, 3.304), (90.0, 3.309), (95.0, 3.314), (98.33, 3.351), (99.5, 3.418), (100.0, 3.598)];
    /// Lithium titanate: flat, and soft at its end.
    const LTO: &[(f64, f64)] = &[(80.0, 2.40), (90.0, 2.46), (95.0, 2.50), (98.0, 2.55), (100.0, 2.70)];
    /// Nickel manganese cobalt: an even slope.
    const NMC: &[(f64, f64)] = &[(80.0, 4.00), (90.0, 4.09), (100.0, 4.20)];

    fn volts(curve: &[(f64, f64)], soc: f64) -> f64 {
        let k = curve.partition_point(|p| p.0 < soc).clamp(1, curve.len() - 1);
        let ((x0, y0), (x1, y1)) = (curve[k - 1], curve[k]);
        y0 + (y1 - y0) * (soc - x0) / (x1 - x0)
    }

    /// 50 A into 280 Ah until the highest cell is full, as 0x373 shows it: in millivolts.
    fn charged(curve: &[(f64, f64)], apart: f64) -> (Trace, f64) {
        charged_through(curve, apart, 0.0)
    }

    /// The same; the highest cell has more resistance, in Ω. It rested for a minute before.
    fn charged_through(curve: &[(f64, f64)], apart: f64, ohms: f64) -> (Trace, f64) {
        let (mut t, mut soc) = (Trace::default(), 92.0);
        let wire = |v: f64| (v * 1000.0).round() / 1000.0;
        let mut spread = 0.0;
        for at in 0..3600 {
            let charging = soc < 100.0 && at >= 60;
            let drop = if charging { 50.0 * ohms } else { 0.0 };
            let (high, low) = (wire(volts(curve, soc) + drop), wire(volts(curve, soc - apart)));
            spread = high - low;
            t.push(Channel::MaxCell, Micros::from_secs(at), high);
            t.push(Channel::MinCell, Micros::from_secs(at), low);
            t.push(Channel::PackCurrent, Micros::from_secs(at), if charging { 50.0 } else { 0.2 });
            soc += if charging { 50.0 / 3600.0 / 2.8 } else { 0.0 };
        }
        (t, spread)
    }

    /// One percent is one percent whatever the chemistry makes of it: here 200, 75 and 11 mV.
    #[rstest]
    #[case::lfp(LFP, 1.0, 1.0)]
    #[case::lto(LTO, 1.0, 1.0)]
    #[case::nmc(NMC, 1.0, 1.0)]
    #[case::lfp_balanced(LFP, 0.05, 0.05)]
    #[case::lto_balanced(LTO, 0.05, 0.05)]
    #[case::nmc_balanced(NMC, 0.05, 0.05)]
    #[case::nmc_five(NMC, 5.0, 5.0)]
    fn the_curve_of_the_cells_says_what_millivolts_mean(
        #[case] curve: &[(f64, f64)],
        #[case] apart: f64,
        #[case] expected: f64,
    ) {
        let (t, _) = charged(curve, apart);
        let hour = Window::new(Micros::ZERO, Micros::from_secs(3600));
        let found = imbalance(&t, hour, AmpHours(280.0)).expect("it is charged");
        assert!((found.0 - expected).abs() < 0.12 + 0.1 * expected, "{found}");
    }

    /// A cell with 0.2 mΩ more parts from the others by 10 mV when the current begins: as much as 1 % of charge makes.
    #[rstest]
    #[case::balanced(0.0, 0.0)]
    #[case::imbalanced(1.0, 1.0)]
    fn a_resistance_is_no_charge(#[case] apart: f64, #[case] expected: f64) {
        let hour = Window::new(Micros::ZERO, Micros::from_secs(3600));
        let (t, _) = charged_through(NMC, apart, 0.2e-3);
        let found = imbalance(&t, hour, AmpHours(280.0)).expect("it is charged");
        assert!((found.0 - expected).abs() < 0.2, "{found}");
    }

    #[test]
    fn an_even_slope_makes_few_millivolts_of_a_percent() {
        assert!(charged(NMC, 1.0).1 < 0.015 && charged(LFP, 1.0).1 > 0.15);
    }

    #[test]
    fn what_is_not_charged_tells_nothing() {
        let hour = Window::new(Micros::ZERO, Micros::from_secs(3600));
        assert_eq!(imbalance(&Trace::default(), hour, AmpHours(280.0)), None);
        let (t, _) = charged(LFP, 1.0);
        assert_eq!(imbalance(&t, hour, AmpHours(2800.0)), None, "50 A are no charge of 2800 Ah");
    }
}
