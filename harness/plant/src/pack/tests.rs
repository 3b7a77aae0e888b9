//! The cells against the formulas of their circuit.

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
    for _ in 0..seconds {
        let step = pack.slice(STEP);
        (0..10).for_each(|_| pack.step(amps, &step));
        pack.look(amps, 1.0, &[]);
    }
    let soc = 0.5 + amps * t / (280.0 * 3600.0);
    let rest = Ocv::new(&p.ocv).at(soc, &mut 0).0;
    let rise = |r: f64, tau: Micros| r * (1.0 - libm::exp(-t / tau.secs()));
    let cell = rest + amps * (p.r0.0 + rise(p.r1.0, p.tau1) + rise(p.r2.0, p.tau2));
    assert!((pack.volts()[3] - cell).abs() < 1e-9, "{} for {cell}", pack.volts()[3]);
    assert!((pack.emf() + amps * pack.ohms() - 16.0 * cell).abs() < 1e-7);
}

#[test]
fn a_step_of_current_meets_4_milliohm_and_an_hour_of_it_11() {
    let pack = pack(&ideal(), 50.0);
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
    let step = up.slice(STEP);
    // 5 % of capacity each way at 0.5 C, then rest.
    for _ in 0..360 {
        (0..10).for_each(|_| (up.step(140.0, &step), down.step(-140.0, &step)).0);
        up.look(140.0, 1.0, &[]);
        down.look(-140.0, 1.0, &[]);
    }
    for _ in 0..20_000 {
        (0..10).for_each(|_| (up.step(0.0, &step), down.step(0.0, &step)).0);
        up.look(0.0, 1.0, &[]);
        down.look(0.0, 1.0, &[]);
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
    let drains = [Amps(0.15), Amps::ZERO];
    for _ in 0..3600 {
        pack.look(0.0, 1.0, &drains);
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
            let step = pack.slice(STEP);
            (0..10).for_each(|_| { pack.step(amps, &step); put += amps * 0.1; });
            pack.look(amps, 1.0, &[]);
        }
        prop_assert!((held(&pack) - before - 16.0 * put).abs() < 1e-9 * before);
    }
}
