//! A setpoint asks as little as it may: a question at 9600 baud takes 20 ms.

use rstest::rstest;

use super::super::SupplyError;
use super::every_profile::sent;
use super::*;
use proto::scpi::Alarm;

/// What a setpoint sends after the first one; a question each for restart, read-back, trip and error queue.
#[rstest]
#[case::the_sun_moves(
    Target { current: Amps(7.0), ..TARGET },
    &["*ESR?", "CURR 7.000", "CURR?", "SYST:ERR?"]
)]
#[case::nothing_moves(TARGET, &["*ESR?"])]
#[case::the_voltage_moves_below_its_protection(
    Target { voltage: Volts(40.0), ..TARGET },
    &["*ESR?", "VOLT 40.000", "VOLT?", "SYST:ERR?"]
)]
fn what_stands_is_not_set_again(#[case] target: Target, #[case] expected: &[&str]) {
    let (mut supply, _instrument) = open("generic");
    supply.apply(TARGET).expect("accepted");
    supply.switch_on().expect("on");
    let lines = sent(&mut supply);
    let accepted = supply.apply(target).expect("accepted");
    assert_eq!(*lines.lock().expect("one thread"), expected);
    assert!(near(accepted.voltage.0, target.voltage.0) && near(accepted.current.0, target.current.0));
}

/// Whatever takes away what was set: the same setpoint then says so, or sets all of it again.
#[test]
fn the_same_setpoint_after_a_loss_is_refused_or_set_again() {
    for name in &names() {
        let (mut supply, instrument) = open(name);
        supply.apply(TARGET).expect("accepted");
        at(&instrument).restart();
        let again = supply.apply(TARGET);
        assert!(again.is_err() || near(at(&instrument).voltage_setting().0, 48.0), "{name}: {again:?}");
        assert!(again.is_err() || near(at(&instrument).over_voltage().0, 60.0), "{name}: {again:?}");

        let (mut supply, instrument) = open(name);
        supply.apply(TARGET).expect("accepted");
        supply.switch_on().expect("on");
        at(&instrument).feed_terminals(Volts(70.0));
        let tells = supply.profile().tells_of(Alarm::OverVoltage);
        let tripped = supply.apply(TARGET);
        assert_eq!(matches!(tripped, Err(SupplyError::Tripped(_))), tells, "{name}: {tripped:?}");

        let (mut supply, instrument) = open(name);
        supply.apply(TARGET).expect("accepted");
        assert!(supply.shut_down().voltage_zero, "{name}");
        supply.take_over().expect("it answers");
        supply.apply(TARGET).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(near(at(&instrument).voltage_setting().0, 48.0), "{name}");
    }
}
