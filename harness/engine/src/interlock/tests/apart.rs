//! The worst of what instruments say counts, and two that contradict each other end the case.

use super::fake::{first, injected, polled, well, whole};
use super::*;

/// So many seconds of a rig on which the pack has this voltage and current by the battery, and this poll comes.
fn trips(pack: (f64, f64), poll: Input) -> Option<(u64, Trip)> {
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    first(&mut interlocks, 1..=60, |_| {
        let mut inputs = well();
        (inputs[1], inputs[3]) = (measured(pack.0, pack.1, 25.0), poll.clone());
        inputs
    })
}

/// Nominal is 49.2 V here, the middle of what the pack may have: 5 % of it are 2.46 V.
#[rstest]
#[case::they_agree((52.0, 40.0), polled((52.2, -10.0), (52.3, 50.0)), None)]
#[case::cables_explain_it((52.0, 40.0), polled((54.4, -10.0), (54.4, 50.0)), None)]
#[case::the_inverter_says_more((52.0, 40.0), polled((54.5, -10.0), (53.0, 50.0)), Some("battery, 0x356 52.000 V, inverter 54.500 V"))]
#[case::the_charger_says_less((52.0, 40.0), polled((52.0, -10.0), (49.5, 50.0)), Some("battery, 0x356 52.000 V, solar charger 49.500 V"))]
#[case::both_are_on_one_bus((52.0, 40.0), polled((50.5, -10.0), (53.5, 50.0)), Some("inverter 50.500 V, solar charger 53.500 V"))]
#[case::no_current_says_that_it_is_closed((52.0, 0.0), polled((56.0, -50.0), (56.0, 50.0)), None)]
#[case::the_battery_hides_the_current((52.0, 0.0), polled((56.0, -10.0), (56.0, 50.0)), Some("battery, 0x356 52.000 V, inverter 56.000 V"))]
fn two_voltages_of_one_thing(#[case] pack: (f64, f64), #[case] poll: Input, #[case] both: Option<&str>) {
    let trip = trips(pack, poll);
    assert_eq!(
        trip.as_ref().map(|(at, trip)| (*at, trip.what, trip.by.as_str())),
        both.map(|both| { (12, "contradiction of two instruments", both) })
    );
}

/// The battery itself says that all is well, and somebody else that a limit is exceeded: by more than cables explain, for
/// longer than polls differ, while a current flows.
#[rstest]
#[case::within_what_cables_explain((58.0, 40.0), polled((59.5, -10.0), (59.0, 50.0)), None)]
#[case::a_pack_that_says_too_little((58.0, 40.0), polled((59.7, -10.0), (59.0, 50.0)), Some(("pack voltage", "inverter")))]
#[case::an_ammeter_that_says_too_little((52.0, 140.0), polled((52.0, 80.0), (52.0, 80.0)), Some(("charge current", "inverter and solar charger")))]
#[case::the_battery_has_left((58.0, 0.0), polled((60.0, -50.0), (60.0, 50.0)), None)]
fn the_worst_of_all_readings_counts(
    #[case] pack: (f64, f64),
    #[case] poll: Input,
    #[case] trip: Option<(&str, &str)>,
) {
    let found = trips(pack, poll);
    assert_eq!(
        found.as_ref().map(|(at, trip)| (*at, trip.what, trip.by.as_str())),
        trip.map(|(what, by)| (12, what, by))
    );
}

/// Polls that differ for a moment, and what a suite makes untrue, contradict nobody.
#[test]
fn a_moment_and_a_fake_are_no_contradiction() {
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    let mut seconds = |seconds: core::ops::RangeInclusive<u64>, apart: fn(u64) -> bool| {
        first(&mut interlocks, seconds, |second| {
            let mut inputs = well();
            let bus = if apart(second) { 56.0 } else { 52.0 };
            inputs[3] = polled((bus, -10.0), (bus, 50.0));
            inputs
        })
    };
    assert_eq!(seconds(1..=60, |second| second % 10 != 0), None);
    let mut interlocks = Interlocks::new(limits(), whole(), Micros::ZERO);
    let kind = FaultKind::PackVoltage { by: Volts(-4.0) };
    interlocks.stimulus(Micros::ZERO, &injected(kind, 120));
    let found = first(&mut interlocks, 1..=60, |_| {
        let mut inputs = well();
        inputs[3] = polled((56.0, -10.0), (56.0, 50.0));
        inputs
    });
    assert_eq!(found, None);
}
