//! What each strategy does with a full battery and more sun than load (P 1.5.3).

use proto::quantity::Volts;
use rstest::rstest;

use super::super::StrategyParams;
use super::bench::{Bench, battery, mean, range};

/// A sunny day: 97 % less the imbalance, `sun` amperes, three hours.
fn sunny_day(name: &str, imbalance: f64, sun: f64, excess: bool) -> Bench {
    let mut bench = Bench::new(&battery(name), 97.0 - imbalance, imbalance);
    bench.sun = sun;
    bench.excess = excess;
    bench.run(3 * 3600);
    bench
}

#[rstest]
fn a_compliant_battery_stops_charge_and_holds(
    #[values("reference", "lower-when-full")] name: &str,
    #[values(0.0, 1.0, 2.0, 5.0)] imbalance: f64,
    #[values((60.0, false), (60.0, true), (100.0, true))] (sun, excess): (f64, bool),
) {
    let bench = sunny_day(name, imbalance, sun, excess);
    let (_, highest) = range(&bench.trace, |p| p.highest);
    assert!(highest < 3.63, "20 mV below the trip at least (M10): {highest}");
    assert!(bench.trace.iter().all(|p| p.closed), "nothing trips (P 1.5.3.1)");
    let last = bench.last(3600);
    let (low, high) = range(last, |p| p.cvl);
    assert!(high - low < 0.15, "no more than one step either way in the last hour: {low}–{high}");
    let drift = mean(last, |p| p.current);
    assert!(drift.abs() < 0.005 * 280.0, "mean current below 0.5 % of capacity per hour (M7): {drift}");
    assert!(last.iter().all(|p| p.ccl >= 28.0), "CCL stays usable while full (P 2 §0x351)");
    assert!(last.iter().all(|p| p.dcl > 0.0));
}

#[rstest]
fn cvl_is_renewed_no_more_than_every_20_seconds_but_for_one_protective_step(
    #[values("reference", "lower-when-full")] name: &str,
    #[values(0.0, 5.0)] imbalance: f64,
    #[values((60.0, false), (100.0, true))] (sun, excess): (f64, bool),
) {
    let changes = sunny_day(name, imbalance, sun, excess).cvl_changes();
    assert!(!changes.is_empty());
    let quick: Vec<_> = changes.windows(2).filter(|w| w[1].0 - w[0].0 < 20).collect();
    assert!(quick.len() <= 1, "{quick:?}");
    assert!(quick.iter().all(|w| w[1].1 < w[0].1), "the quick one goes down: {quick:?}");
}

/// Half a volt at a time is a ramp down to the fixed value; below it, where one cell stands high, it is charge that never comes back.
#[test]
fn steps_of_half_a_volt_end_at_the_fixed_value() {
    let mut params = battery("lower-when-full");
    if let StrategyParams::LowerWhenFull(strategy) = &mut params.strategy {
        strategy.step = Volts(0.5);
    }
    let mut bench = Bench::new(&params, 92.0, 5.0);
    bench.sun = 60.0;
    let changes = bench.run(3 * 3600).cvl_changes();
    let below: Vec<f64> = changes.windows(2).filter(|w| w[0].1 < 54.45).map(|w| w[0].1 - w[1].1).collect();
    assert!(below.len() >= 2, "one cell stands high: {changes:?}");
    assert!(below.iter().all(|step| *step < 0.15), "{changes:?}");
}

#[test]
fn the_reference_holds_its_highest_cell_within_the_band() {
    for imbalance in [0.0, 1.0, 5.0] {
        let bench = sunny_day("reference", imbalance, 60.0, false);
        let highest = mean(bench.last(600), |p| p.highest);
        assert!((3.39 - 0.005..=3.47 + 0.005).contains(&highest), "{imbalance} %: {highest}");
    }
}

#[test]
fn the_reference_needs_a_lower_cvl_the_greater_the_imbalance_and_rises_again_as_it_falls() {
    let held = |imbalance| mean(sunny_day("reference", imbalance, 60.0, false).last(600), |p| p.cvl);
    assert!(held(0.0) > held(1.0) + 0.5);
    assert!(held(1.0) > held(5.0) + 0.3);

    // A bleeder of 2 A, so that a night of balancing fits in a test.
    let text = super::batteries::FILES[0].1.replace("current: 150 mA", "current: 2 A");
    let fast = serde_yaml::from_str::<super::bench::File>(&text).unwrap().simulated;
    let mut bench = Bench::new(&fast, 95.0, 2.0);
    bench.sun = 60.0;
    let early = mean(bench.run(3600).last(600), |p| p.cvl);
    let late = mean(bench.run(5 * 3600).last(600), |p| p.cvl);
    assert!(late >= early + 0.3, "CVL rises as the cells even out: {early} → {late}");
    assert!(bench.trace.iter().all(|p| p.closed && p.highest < 3.63));
}

#[test]
fn cvl_goes_back_to_bulk_after_a_discharge() {
    for name in ["reference", "lower-when-full"] {
        let mut bench = sunny_day(name, 0.0, 60.0, false);
        (bench.grid, bench.sun, bench.load) = (false, 0.0, 80.0);
        bench.run(3 * 3600);
        (bench.grid, bench.sun, bench.load) = (true, 60.0, 0.0);
        bench.run(1200);
        assert!((bench.last(1)[0].cvl - 56.0).abs() < 0.05, "{name}: {:?}", bench.last(1));
    }
}

#[test]
fn a_load_step_moves_the_cvl_of_a_full_reference_by_no_more_than_one_step() {
    let mut bench = sunny_day("reference", 0.0, 60.0, false);
    let before = bench.last(1)[0].cvl;
    for _ in 0..7 {
        (bench.grid, bench.sun, bench.load) = (false, 0.0, 70.0);
        bench.run(120);
        (bench.grid, bench.sun, bench.load) = (true, 60.0, 0.0);
        bench.run(480);
    }
    let (low, high) = range(bench.last(7 * 600), |p| p.cvl);
    assert!(before - low < 0.15 && high - before < 0.15, "{before}: {low}–{high}");
}

#[test]
fn the_one_that_stops_by_ccl_never_moves_cvl() {
    let bench = sunny_day("ccl-zero-when-full", 0.0, 60.0, false);
    assert!(bench.cvl_changes().is_empty());
    assert!(bench.last(3600).iter().all(|p| p.ccl == 0.0), "CCL = 0 while full (P 1.5.2)");
    let high = sunny_day("ccl-zero-when-full", 1.0, 60.0, false);
    assert!(
        high.trace.iter().any(|p| !p.closed),
        "one high cell trips it, for the GX ignores CCL in feed-in"
    );
}

#[test]
fn the_one_that_tracks_discharges_below_the_inverters_power_and_ratchets_up_above_it() {
    let below = sunny_day("tracks-voltage", 0.0, 60.0, false);
    let drift = mean(&below.trace[1200..4800], |p| p.current);
    assert!(drift < -0.015 * 280.0, "a discharge beyond 1.5 % of capacity per hour (M7): {drift}");
    let above = sunny_day("tracks-voltage", 0.0, 100.0, true);
    let lowest = above.cvl_changes().iter().map(|c| c.1).fold(f64::MAX, f64::min);
    assert!(mean(above.last(600), |p| p.cvl) > lowest + 0.5, "it climbs");
}

#[test]
fn the_one_that_oscillates_does_so_for_ever() {
    let bench = sunny_day("oscillating", 1.0, 60.0, false);
    let last = bench.last(3600);
    let (low, high) = range(last, |p| p.cvl);
    assert!(high - low > 0.3, "beyond what a quantiser does: {low}–{high}");
    let changes = bench.cvl_changes();
    assert!(changes.iter().filter(|c| c.0 > 2 * 3600).count() > 100);
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_one_does_not() {
    let run = || sunny_day("reference", 1.0, 60.0, false);
    let (a, b) = (run(), run());
    assert_eq!(a.trace, b.trace);
    assert_eq!(a.frames, b.frames);
    let mut other = Bench::with_seed(&battery("reference"), 96.0, 1.0, 2);
    other.sun = 60.0;
    other.run(60);
    assert_ne!(a.frames[..other.frames.len()], other.frames[..]);
}
