//! Cells in series: charge of each, shared polarisation, heat.
//!
//! Every cell carries the same current, so the two filters of an equivalent circuit with two RC pairs are shared by
//! all of them: a cell is `OCV(soc) + hysteresis + r·(R0·I + R1·i1 + R2·i2)`, `i1` and `i2` being the current through
//! the two filters. A step costs the same for 16 cells as for 256; once a second the cells are looked at one by one.

use proto::quantity::{AmpHours, Micros, Percent};

use crate::ocv::Ocv;
use crate::params::PackParams;
use crate::rng::Rng;

/// The step of the world; every filter is exact for it.
pub(crate) const STEP: Micros = Micros::from_millis(100);

const MONTH: f64 = 30.0 * 86_400.0;
const GAS: f64 = 8.314;
const KELVIN: f64 = 273.15;

/// Cells in series, with their connections.
#[derive(Debug, Clone)]
pub(crate) struct Pack {
    ocv: Ocv,
    /// state of charge of each cell, 1 being full
    soc: Vec<f64>,
    /// coulombs of each cell
    capacity: Vec<f64>,
    /// resistance of each cell, as a share of the nominal one
    spread: Vec<f64>,
    /// terminal voltages at the last look
    volts: Vec<f64>,
    hints: Vec<u8>,
    /// nominal resistances of one cell at 25 °C
    r: [f64; 3],
    /// sum of `spread`
    cells: f64,
    /// what the filters approach per step
    k: [f64; 2],
    filtered: [f64; 2],
    /// where the voltage at rest lies between discharged (−1) and charged (+1)
    hysteresis: f64,
    hysteresis_volts: f64,
    hysteresis_span: f64,
    self_discharge: f64,
    celsius: f64,
    /// of all resistances, from temperature
    factor: f64,
    activation: f64,
    heat_capacity: f64,
    cooling: f64,
    ambient: f64,
    ceiling: f64,
    /// sum of the open-circuit voltages at the last look, and their slope in V/C
    rest: f64,
    slope: f64,
    /// since the last look: charge in C, Σ I²·dt for the heat
    charge: f64,
    squares: f64,
    /// the cell that an imbalance raises
    odd: usize,
}

impl Pack {
    pub(crate) fn new(p: &PackParams, cells: usize, capacity: AmpHours, soc: Percent, rng: &mut Rng) -> Self {
        let deviation = |spread: Percent, rng: &mut Rng| 1.0 + spread.0 / 100.0 * rng.normal();
        let coulombs = capacity.0 * 3600.0;
        let capacity: Vec<f64> = (0..cells).map(|_| coulombs * deviation(p.capacity_spread, rng)).collect();
        let spread: Vec<f64> = (0..cells).map(|_| deviation(p.resistance_spread, rng)).collect();
        let scale = p.reference_capacity.0 * 3600.0 / coulombs;
        let approach = |tau: Micros| 1.0 - libm::exp(-STEP.secs() / tau.secs());
        let mut pack = Self {
            ocv: Ocv::new(&p.ocv),
            soc: vec![soc.0 / 100.0; cells],
            volts: vec![0.0; cells],
            hints: vec![0; cells],
            r: [p.r0.0 * scale, p.r1.0 * scale, p.r2.0 * scale],
            cells: spread.iter().sum(),
            capacity,
            spread,
            k: [approach(p.tau1), approach(p.tau2)],
            filtered: [0.0; 2],
            hysteresis: 0.0,
            hysteresis_volts: p.hysteresis.0,
            hysteresis_span: p.hysteresis_span.0 / 100.0 * coulombs,
            self_discharge: p.self_discharge.0 / 100.0 / MONTH,
            celsius: p.ambient.0,
            factor: 1.0,
            activation: p.activation.0,
            heat_capacity: p.heat_capacity.0,
            cooling: p.cooling.0,
            ambient: p.ambient.0,
            ceiling: p.imbalance_ceiling.0 / 100.0,
            rest: 0.0,
            slope: 0.0,
            charge: 0.0,
            squares: 0.0,
            odd: (rng.next() % cells as u64) as usize,
        };
        pack.look(0.0, 0.0, &[], 0.0);
        pack
    }

    /// One [`STEP`] with a current, positive when it charges.
    pub(crate) fn step(&mut self, amps: f64) {
        let dt = STEP.secs();
        self.charge += amps * dt;
        self.squares += amps * amps * dt;
        self.filtered[0] += (amps - self.filtered[0]) * self.k[0];
        self.filtered[1] += (amps - self.filtered[1]) * self.k[1];
    }

    /// Voltage without current: what the ohmic drop adds to.
    pub(crate) fn emf(&self) -> f64 {
        let polarised = self.r[1] * self.filtered[0] + self.r[2] * self.filtered[1];
        self.rest + self.slope * self.charge + self.factor * self.cells * polarised
    }

    /// Ohmic resistance between the terminals.
    pub(crate) fn ohms(&self) -> f64 {
        self.factor * self.cells * self.r[0]
    }

    /// Resistance at 25 °C, as a current meets it that flows for a minute.
    pub(crate) fn static_ohms(&self) -> f64 {
        self.cells * (self.r[0] + self.r[1])
    }

    /// Brings the cells up to now: `amps` flow, `seconds` passed since the last look, cells marked in `bleeding`
    /// (none, where it is shorter) lose `bleed` amps each.
    pub(crate) fn look(&mut self, amps: f64, seconds: f64, bleeding: &[bool], bleed: f64) {
        let heat = self.factor * self.squares * self.r[0]
            + self.factor * seconds * (self.r[1] * sq(self.filtered[0]) + self.r[2] * sq(self.filtered[1]));
        self.celsius += (heat - self.cooling * (self.celsius - self.ambient) * seconds) / self.heat_capacity;
        let (kelvin, reference) = (self.celsius + KELVIN, 25.0 + KELVIN);
        self.factor = libm::exp(self.activation / GAS * (1.0 / kelvin - 1.0 / reference));

        let moved = self.charge.abs() / self.hysteresis_span;
        self.hysteresis += (self.charge.signum() - self.hysteresis) * moved / (1.0 + moved);
        let offset = self.hysteresis * self.hysteresis_volts;
        let drop =
            self.factor * (self.r[0] * amps + self.r[1] * self.filtered[0] + self.r[2] * self.filtered[1]);

        (self.rest, self.slope) = (0.0, 0.0);
        for i in 0..self.soc.len() {
            let bled = if bleeding.get(i).copied().unwrap_or(false) { bleed * seconds } else { 0.0 };
            self.soc[i] += (self.charge - bled) / self.capacity[i] - self.self_discharge * seconds;
            let (rest, slope) = self.ocv.at(self.soc[i], &mut self.hints[i]);
            self.volts[i] = rest + offset + self.spread[i] * drop;
            self.rest += rest + offset;
            self.slope += slope / self.capacity[i];
        }
        (self.charge, self.squares) = (0.0, 0.0);
    }

    /// Puts one cell above the mean of the others, at most at the ceiling: where that leaves too little room, the
    /// others are put lower. At rest it then lies where a cell lies that somebody charged by itself.
    pub(crate) fn unbalance(&mut self, above: Percent) {
        let above = above.0 / 100.0;
        if self.soc.len() < 2 || above <= 0.0 {
            return;
        }
        let others = (self.soc.iter().sum::<f64>() - self.soc[self.odd]) / (self.soc.len() - 1) as f64;
        let high = (others + above).min(self.ceiling.max(others));
        let lower = others + above - high;
        for (i, soc) in self.soc.iter_mut().enumerate() {
            *soc = if i == self.odd { high } else { *soc - lower };
        }
        self.look(0.0, 0.0, &[], 0.0);
    }

    /// Terminal voltage of each cell at the last look.
    pub(crate) fn volts(&self) -> &[f64] {
        &self.volts
    }

    /// Mean state of charge, 1 being full.
    pub(crate) fn soc(&self) -> f64 {
        self.soc.iter().sum::<f64>() / self.soc.len() as f64
    }

    /// Mean temperature in °C.
    pub(crate) fn celsius(&self) -> f64 {
        self.celsius
    }
}

fn sq(x: f64) -> f64 {
    x * x
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert, proptest};
    use rstest::rstest;

    /// A pack without what the test at hand does not want to see.
    fn ideal() -> PackParams {
        let none = Percent::ZERO;
        PackParams {
            capacity_spread: none,
            resistance_spread: none,
            hysteresis: proto::quantity::Volts(0.0),
            self_discharge: proto::quantity::PercentPerMonth(0.0),
            activation: proto::quantity::JoulesPerMole(0.0),
            ..PackParams::default()
        }
    }

    fn pack(p: &PackParams, soc: f64) -> Pack {
        Pack::new(p, 16, AmpHours(280.0), Percent(soc), &mut Rng::new(1, 0))
    }

    /// Equivalent circuit with two RC pairs, constant current from rest: V = OCV + I·(R0 + Σ Rk·(1 − e^(−t/τk))).
    #[rstest]
    #[case(10)]
    #[case(60)]
    #[case(3000)]
    fn answers_a_step_of_current_as_the_circuit_does(#[case] seconds: u32) {
        let p = ideal();
        let mut pack = pack(&p, 50.0);
        let (amps, t) = (56.0, f64::from(seconds));
        for s in 0..seconds {
            (0..10).for_each(|_| pack.step(amps));
            let _ = s;
            pack.look(amps, 1.0, &[], 0.0);
        }
        let soc = 0.5 + amps * t / (280.0 * 3600.0);
        let rest = Ocv::new(&p.ocv).at(soc, &mut 0).0;
        let rise = |r: f64, tau: Micros| r * (1.0 - libm::exp(-t / tau.secs()));
        let cell = rest + amps * (p.r0.0 + rise(p.r1.0, p.tau1) + rise(p.r2.0, p.tau2));
        assert!((pack.volts()[3] - cell).abs() < 1e-9, "{} for {cell}", pack.volts()[3]);
        assert!((pack.emf() + amps * pack.ohms() - 16.0 * cell).abs() < 1e-7);
    }

    #[test]
    fn a_minute_of_current_meets_7_milliohm_and_an_hour_11() {
        let pack = pack(&ideal(), 50.0);
        assert!((pack.static_ohms() - 6.72e-3).abs() < 1e-9);
        let all = pack.cells * (pack.r[0] + pack.r[1] + pack.r[2]);
        assert!((all - 11.52e-3).abs() < 1e-6, "{all}");
        assert!((pack.ohms() - 3.52e-3).abs() < 1e-9);
    }

    /// V: Arrhenius 20 kJ/mol doubles the resistance at 0 °C (×2.1).
    #[test]
    fn cold_cells_resist() {
        let mut p = PackParams { ambient: proto::quantity::Celsius(0.0), ..ideal() };
        p.activation = PackParams::default().activation;
        let cold = pack(&p, 50.0);
        assert!((cold.factor - 2.09).abs() < 0.02, "{}", cold.factor);
    }

    #[test]
    fn rests_higher_after_charge_than_after_discharge() {
        let p = PackParams { hysteresis: PackParams::default().hysteresis, ..ideal() };
        let mut up = pack(&p, 45.0);
        let mut down = pack(&p, 55.0);
        // 5 % of capacity each way at 0.5 C, then rest.
        for _ in 0..360 {
            (0..10).for_each(|_| (up.step(140.0), down.step(-140.0)).0);
            up.look(140.0, 1.0, &[], 0.0);
            down.look(-140.0, 1.0, &[], 0.0);
        }
        for _ in 0..20_000 {
            (0..10).for_each(|_| (up.step(0.0), down.step(0.0)).0);
            up.look(0.0, 1.0, &[], 0.0);
            down.look(0.0, 1.0, &[], 0.0);
        }
        assert!((up.soc() - down.soc()).abs() < 1e-9);
        let gap = up.volts()[0] - down.volts()[0];
        assert!((gap - 0.020).abs() < 0.001, "{gap}");
    }

    #[rstest]
    #[case(50.0, 5.0, 55.0, 50.0)]
    #[case(97.0, 5.0, 99.0, 94.0)]
    fn one_cell_is_put_above_the_others(
        #[case] start: f64,
        #[case] above: f64,
        #[case] high: f64,
        #[case] others: f64,
    ) {
        let mut pack = pack(&ideal(), start);
        pack.unbalance(Percent(above));
        let raised: Vec<_> = pack.soc.iter().filter(|&&s| (s * 100.0 - high).abs() < 1e-9).collect();
        assert_eq!(raised.len(), 1);
        assert!(pack.soc.iter().filter(|&&s| (s * 100.0 - others).abs() < 1e-9).count() == 15);
    }

    #[test]
    fn a_bleeding_cell_falls_behind() {
        let mut pack = pack(&ideal(), 90.0);
        let bleeding = [true, false];
        for _ in 0..3600 {
            pack.look(0.0, 1.0, &bleeding, 0.15);
        }
        assert!((pack.soc[1] - pack.soc[0] - 0.15 / 280.0).abs() < 1e-12);
        assert!((pack.soc[2] - pack.soc[1]).abs() < 1e-15);
    }

    proptest! {
        /// What goes in is there: Σ charge of the cells = cells · ∫ I dt, whatever the spread.
        #[test]
        fn charge_is_conserved(currents in proptest::collection::vec(-200.0f64..200.0, 1..200), seed in 0u64..1000) {
            let p = PackParams { self_discharge: proto::quantity::PercentPerMonth(0.0), ..PackParams::default() };
            let mut pack = Pack::new(&p, 16, AmpHours(280.0), Percent(50.0), &mut Rng::new(seed, 0));
            let held = |p: &Pack| p.soc.iter().zip(&p.capacity).map(|(s, c)| s * c).sum::<f64>();
            let before = held(&pack);
            let mut put = 0.0;
            for amps in currents {
                (0..10).for_each(|_| { pack.step(amps); put += amps * 0.1; });
                pack.look(amps, 1.0, &[], 0.0);
            }
            prop_assert!((held(&pack) - before - 16.0 * put).abs() < 1e-9 * before);
        }
    }
}
