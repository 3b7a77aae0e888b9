//! Watchdogs: they trip when nobody speaks, they are proven to before they are trusted, and one that does not is found out.

use rstest::rstest;

use super::super::SupplyError;
use super::*;
use plant::instrument::Watchdog;
use proto::scpi::Alarm;

const SPAN: Micros = Micros::from_millis(5500);

fn with(name: &str, watchdog: Watchdog) -> (Supply, Shared) {
    let instrument = Instrument::new(dialect(name), Surroundings::default()).with_watchdog(watchdog);
    let instrument = Arc::new(Mutex::new(instrument));
    let link = InMemory::new(instrument.clone());
    let (supply, _) = Supply::open(Box::new(link), profile(name), SETTINGS).expect("it answers");
    (supply, instrument)
}

#[rstest]
#[case("keysight")]
#[case("genesys-plus")]
#[case("delta")]
fn an_armed_watchdog_switches_off_when_nobody_speaks(#[case] name: &str) {
    let (mut supply, instrument) = open(name);
    supply.apply(TARGET).expect("accepted");
    assert_eq!(supply.arm_watchdog(SPAN).expect("armed").0 % 500_000, 0);
    supply.switch_on().expect("on");
    for _ in 0..5 {
        supply.wait(Micros::from_secs(4));
        assert!(supply.read().expect("it answers").reading.output, "{name}: it was spoken to");
    }
    supply.wait(Micros::from_secs(7));
    let status = supply.read().expect("it answers");
    assert!(!status.reading.output && !at(&instrument).is_on(), "{name}");
    assert!(status.alarms.contains(&Alarm::Watchdog), "{name}: {status:?}");
    assert!(supply.arm_watchdog(Micros::from_secs(7200)).is_err());
}

/// Proven with the output off, as often as one likes, and then armed: what comes next goes as if nothing had been.
#[rstest]
#[case("keysight")]
#[case("genesys-plus")]
#[case("delta")]
fn a_watchdog_is_proven_with_the_output_off(#[case] name: &str) {
    let (mut supply, instrument) = open(name);
    for _ in 0..2 {
        let before = supply.now();
        supply
            .prove_watchdog(SPAN, || at(&instrument).is_on())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let took = supply.now().since(before);
        assert!(took >= SPAN && took < Micros::from_secs(10), "{name}: {took}");
        assert!(!at(&instrument).is_on(), "{name}");
    }
    // It is not armed now: silence does nothing.
    supply.wait(Micros::from_secs(60));
    assert!(supply.read().expect("it answers").alarms.is_empty(), "{name}");
    supply.arm_watchdog(SPAN).expect("armed");
    supply.apply(TARGET).unwrap_or_else(|error| panic!("{name}: {error}"));
    supply.switch_on().unwrap_or_else(|error| panic!("{name}: {error}"));
    supply.wait(Micros::from_secs(7));
    assert!(!supply.read().expect("it answers").reading.output, "{name}: it works");
}

#[rstest]
#[case("keysight", Watchdog::Broken)]
#[case("genesys-plus", Watchdog::Broken)]
#[case("delta", Watchdog::Broken)]
#[case("keysight", Watchdog::OnlyWhileOn)]
fn a_watchdog_that_does_not_trip_is_found_out(#[case] name: &str, #[case] watchdog: Watchdog) {
    let (mut supply, _instrument) = with(name, watchdog);
    let error = supply.prove_watchdog(SPAN, || false).expect_err("it does not trip");
    assert!(matches!(error, SupplyError::WatchdogAsleep { .. }), "{name}: {error}");
    let told = error.to_string();
    assert!(told.contains("did not trip") && told.contains("`interlock:`"), "{told}");
}

/// What has tripped before proves nothing, and is for a person to look at.
#[test]
fn an_old_trip_is_no_proof() {
    let (mut supply, _instrument) = with("keysight", Watchdog::Works);
    supply.arm_watchdog(SPAN).expect("armed");
    supply.wait(Micros::from_secs(7));
    let error = supply.prove_watchdog(SPAN, || false).expect_err("it has tripped");
    assert!(matches!(error, SupplyError::Tripped(_)), "{error}");
}

#[test]
fn a_proof_is_given_up_at_once_and_needs_the_output_off() {
    let (mut supply, _instrument) = open("keysight");
    let before = supply.now();
    let error = supply.prove_watchdog(Micros::from_secs(3600), || true).expect_err("given up");
    assert!(error.to_string().contains("given up"), "{error}");
    assert!(supply.now().since(before) < Micros::from_secs(1));
    supply.apply(TARGET).expect("accepted");
    supply.switch_on().expect("on");
    assert!(matches!(supply.prove_watchdog(SPAN, || false), Err(SupplyError::OutputIs(true))));
}

#[test]
fn a_supply_without_a_watchdog_says_so() {
    let (mut supply, _instrument) = open("ea");
    let error = supply.arm_watchdog(Micros::from_secs(5)).expect_err("it has none").to_string();
    assert_eq!(error, "this supply has no watchdog");
    assert!(supply.prove_watchdog(SPAN, || false).is_err());
}
