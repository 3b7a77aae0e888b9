//! Properties that every metric has on any series whatsoever.

use proptest::prelude::*;
use proto::quantity::{AmpHours, Micros, Percent, Volts, Watts};

use super::{
    Discharge, Lift, covered, curtailed, discharge, excess, headroom, pace, regularity, ripple, settling,
    soc_fall, steps, swings, tracking, trips,
};
use crate::site::Site;
use crate::thresholds::fixed::{EXCESS, PARTED};
use crate::trace::{Channel, Series, Trace};
use crate::window::{Window, deviation, mean, slope};

/// A CVL as it stands on the wire, in tenths of a volt, and how many seconds each value holds.
fn cvl() -> impl Strategy<Value = Vec<(i32, u64)>> {
    prop::collection::vec((540..570i32, 1..120u64), 1..80)
}

fn series(values: &[(i32, u64)], start: u64, lift: i32, stretch: f64) -> Series {
    let (mut out, mut at) = (Series::default(), start);
    for &(tenths, holds) in values {
        out.push(Micros::from_secs(at), stretch * f64::from(tenths + lift) / 10.0);
        at += holds;
    }
    out.push(Micros::from_secs(at), stretch * f64::from(values[values.len() - 1].0 + lift) / 10.0);
    out
}

fn over(values: &[(i32, u64)], start: u64) -> [Window; 1] {
    let length: u64 = values.iter().map(|v| v.1).sum();
    [Window::new(Micros::from_secs(start), Micros::from_secs(start + length))]
}

/// Every channel at random, flags among them, from whenever on.
fn anything() -> impl Strategy<Value = Trace> {
    let sample = (
        0..Channel::COUNT,
        1..400u64,
        prop_oneof![Just(0.0), Just(1.0), -300.0..300.0f64, -6000.0..6000.0f64, 50.0..60.0f64,],
    );
    prop::collection::vec(sample, 0..200).prop_map(|samples| {
        let (mut trace, mut at) = (Trace::default(), 0);
        for (channel, holds, value) in samples {
            trace.push(Channel::ALL[channel], Micros::from_secs(at), value);
            at += holds / 8;
        }
        trace
    })
}

fn window() -> impl Strategy<Value = Window> {
    (0..8000u64, 0..8000u64)
        .prop_map(|(from, length)| Window::new(Micros::from_secs(from), Micros::from_secs(from + length)))
}

/// Every figure of every metric.
fn all(trace: &Trace, windows: &[Window]) -> Vec<f64> {
    let cvl = trace.series(Channel::Cvl);
    let mut out = Vec::new();
    let paced = pace(cvl, windows, &[Micros::from_secs(600)]);
    let swung = swings(cvl, windows, Volts(0.15));
    let followed = tracking(trace, windows);
    out.extend([paced.share.0, swung.rate.0, swung.travel.0, swung.amplitude.0]);
    out.extend([followed.slope.0, followed.correlation.0, followed.excitation.0, followed.moved.0]);
    out.push(followed.explained().0);
    let stepped = steps(cvl, windows);
    out.extend([stepped.up, stepped.down].into_iter().flatten().map(|(_, v)| v.0));
    out.extend(discharge(trace, windows, AmpHours(280.0)).into_iter().flat_map(|d| [d.rate.0, d.mean.0]));
    out.extend(ripple(trace, windows, Watts(300.0)).into_iter().flat_map(|r| [r.share.0, r.exported.0]));
    out.extend(curtailed(trace, windows, &Site::default()).map(|(share, _)| share.0));
    out.extend(headroom(trace, windows, Volts(3.65)).map(|v| v.0));
    out.extend(soc_fall(trace, windows).map(|v| v.0));
    for &window in windows {
        out.extend(settling(trace, window).map(|s| s.settled.0));
        out.extend(regularity(cvl, window).into_iter().flat_map(|m| [m.r, m.deviation.0]));
        out.push(excess(trace, window, Lift { offset: EXCESS, band: Volts(0.15) }).highest.0);
        out.push(trips(trace, window, PARTED).len() as f64);
        out.push(covered(trace, window).len() as f64);
        out.extend([mean(cvl, &[window]), deviation(cvl, window), slope(cvl, window)].into_iter().flatten());
    }
    out
}

fn current(values: &[(i32, u64)], scale: f64) -> Option<Discharge> {
    let mut trace = Trace::default();
    let mut at = 0;
    for &(tenths, holds) in values {
        trace.push(Channel::PackCurrent, Micros::from_secs(at), scale * f64::from(tenths - 555));
        at += holds;
    }
    discharge(&trace, &over(values, 0), AmpHours(280.0))
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_figure_is_a_number(trace in anything(), windows in prop::collection::vec(window(), 0..4)) {
        let mut windows = windows;
        windows.sort();
        let figures = all(&trace, &windows);
        prop_assert!(figures.iter().all(|f| f.is_finite()), "{figures:?}");
    }

    /// What happens later is the same.
    #[test]
    fn a_shift_in_time_changes_nothing(values in cvl(), start in 1..100_000u64) {
        let (here, there) = (series(&values, 0, 0, 1.0), series(&values, start, 0, 1.0));
        let (now, then) = (over(&values, 0), over(&values, start));
        prop_assert_eq!(swings(&here, &now, Volts(0.15)), swings(&there, &then, Volts(0.15)));
        prop_assert_eq!(pace(&here, &now, &[]), pace(&there, &then, &[]));
        let (a, b) = (steps(&here, &now), steps(&there, &then));
        prop_assert_eq!(a.up.map(|s| s.1), b.up.map(|s| s.1));
        prop_assert_eq!(a.down.map(|s| s.1), b.down.map(|s| s.1));
        prop_assert_eq!(regularity(&here, now[0]), regularity(&there, then[0]));
    }

    /// At another voltage the same is done.
    #[test]
    fn a_lift_changes_nothing(values in cvl(), lift in -100..100i32) {
        let windows = over(&values, 0);
        let (here, there) = (series(&values, 0, 0, 1.0), series(&values, 0, lift, 1.0));
        // A dead band between two steps of the wire, so that no rounding decides.
        let (a, b) = (swings(&here, &windows, Volts(0.15)), swings(&there, &windows, Volts(0.15)));
        prop_assert_eq!(a.reversals, b.reversals);
        prop_assert!(near(a.travel.0, b.travel.0), "{:?} {:?}", a, b);
        prop_assert_eq!(pace(&here, &windows, &[]), pace(&there, &windows, &[]));
    }

    /// Twice the swing against twice the dead band: as many turns, twice the travel.
    #[test]
    fn swings_scale(values in cvl(), by in 1..5u8) {
        let (windows, by) = (over(&values, 0), f64::from(by));
        let a = swings(&series(&values, 0, 0, 1.0), &windows, Volts(0.15));
        let b = swings(&series(&values, 0, 0, by), &windows, Volts(0.15 * by));
        prop_assert_eq!(a.reversals, b.reversals);
        prop_assert!(near(by * a.travel.0, b.travel.0) && near(by * a.amplitude.0, b.amplitude.0), "{:?} {:?}", a, b);
    }

    /// A wider dead band sees no more turns and no more travel.
    #[test]
    fn swings_fall_with_the_dead_band(values in cvl(), a in 1..10u8, b in 1..10u8) {
        let windows = over(&values, 0);
        let x = series(&values, 0, 0, 1.0);
        let at = |tenths: u8| swings(&x, &windows, Volts(f64::from(tenths) / 10.0 + 0.05));
        let (narrow, wide) = (at(a.min(b)), at(a.max(b)));
        prop_assert!(wide.reversals <= narrow.reversals && wide.travel.0 <= narrow.travel.0 + 1e-9);
    }

    /// A battery whose CVL stands still is never blamed, and neither is one that only flickers by one step.
    #[test]
    fn standing_still_and_flickering_are_never_blamed(level in 500..580i32, holds in prop::collection::vec(1..100u64, 2..60)) {
        let still: Vec<(i32, u64)> = holds.iter().map(|&h| (level, h)).collect();
        let flickers: Vec<(i32, u64)> =
            holds.iter().enumerate().map(|(k, &h)| (level + (k % 2) as i32, h)).collect();
        for values in [still, flickers] {
            let (x, windows) = (series(&values, 0, 0, 1.0), over(&values, 0));
            let swung = swings(&x, &windows, Volts(0.15));
            prop_assert!(swung.reversals == 0 && swung.travel.0 < 1e-9, "{swung:?}");
            prop_assert!(pace(&x, &windows, &[]).hasty <= 1);
        }
    }

    /// Twice the current is twice the charge, and it is never negative.
    #[test]
    fn a_discharge_scales(values in cvl(), by in 1..5u8) {
        let (one, more) = (current(&values, 1.0).expect("known"), current(&values, f64::from(by)).expect("known"));
        prop_assert!(near(more.rate.0, f64::from(by) * one.rate.0) && near(more.mean.0, f64::from(by) * one.mean.0));
        // What went out on balance went out.
        prop_assert!(one.rate.0 >= -100.0 * one.mean.0 / 280.0 - 1e-9 && one.rate.0 >= 0.0);
    }

    /// A CVL that is a share of the voltage has just that slope, wherever it is pulled.
    #[test]
    fn tracking_finds_the_share(share in -1.0..1.5f64, pulls in prop::collection::vec((5..30i32, 90..900u64, 60..900u64), 6..9)) {
        let (mut trace, mut at, mut windows) = (Trace::default(), 300, Vec::new());
        let mut take = |at: u64, volts: f64| {
            trace.push(Channel::PackVoltage, Micros::from_secs(at), volts);
            trace.push(Channel::Cvl, Micros::from_secs(at), 1.0 + share * volts);
        };
        take(0, 55.0);
        for &(tenths, long, rest) in &pulls {
            take(at, 55.0 - f64::from(tenths) / 10.0);
            take(at + long, 55.0);
            windows.push(Window::new(Micros::from_secs(at), Micros::from_secs(at + long)));
            at += long + rest;
        }
        let found = tracking(&trace, &windows);
        prop_assert!((found.slope.0 - 100.0 * share).abs() < 1e-6, "{found:?}");
        prop_assert!(found.moved <= found.explained() && found.windows == pulls.len(), "{found:?}");
        prop_assert!(share.abs() < 1e-6 || (found.correlation.0.abs() - 100.0).abs() < 1e-6, "{found:?}");
    }

    /// A wider band around CVL + 0.4 V is reached at least as long.
    #[test]
    fn the_time_near_the_offset_grows_with_the_band(trace in anything(), a in 0.0..0.3f64, b in 0.0..0.3f64) {
        let whole = Window::new(Micros::ZERO, Micros::from_secs(20_000));
        let at = |band: f64| excess(&trace, whole, Lift { offset: EXCESS, band: Volts(band) }).time;
        prop_assert!(at(a.min(b)) <= at(a.max(b)));
    }

    /// The more PV is used, the less is curtailed; and it is a share.
    #[test]
    fn curtailment_falls_with_use(used in prop::collection::vec(0.0..3000.0f64, 1..40), more in 0.0..500.0f64) {
        let share = |more: f64| {
            let mut t = Trace::default();
            for (channel, value) in [
                (Channel::PvAvailable, 3000.0), (Channel::AcLoads, 0.0), (Channel::GridConnected, 1.0),
            ] {
                t.push(channel, Micros::ZERO, value);
            }
            for (k, u) in used.iter().enumerate() {
                t.push(Channel::PvPower, Micros::from_secs(60 * k as u64), u + more);
            }
            let whole = [Window::new(Micros::ZERO, Micros::from_secs(60 * used.len() as u64))];
            curtailed(&t, &whole, &Site::default()).expect("there is room").0
        };
        let (less, most) = (share(0.0), share(more));
        prop_assert!(most.0 <= less.0 + 1e-9 && most.0 >= -1e-9 && less <= Percent(100.0 + 1e-9));
    }
}
