//! What a supply takes its time for, takes less of, or changes by itself: it is asked until it agrees, and what it does
//! not take is told with both numbers.

use proto::quantity::{Ohms, Watts};
use proto::scpi::Arguments;
use rstest::rstest;

use super::super::SupplyError;
use super::every_profile::sent;
use super::faulty::{Fault, Faulty};
use super::*;
use plant::instrument::Temper;

/// Longer than any profile waits.
const NEVER: Micros = Micros::from_secs(3600);

fn tempered(name: &str, temper: Temper) -> (Supply, Shared) {
    let (supply, instrument) = open(name);
    at(&instrument).set_temper(temper);
    (supply, instrument)
}

fn ms(millis: u64) -> Micros {
    Micros::from_millis(millis)
}

/// 0.4 s and 0.5 s are what relays and supplies of the field take; the profiles say 1 s.
#[test]
fn what_takes_half_a_second_is_waited_for() {
    for name in &names() {
        let (mut supply, instrument) =
            tempered(name, Temper { relay: ms(500), takes: ms(400), ..Temper::default() });
        let accepted = supply.apply(TARGET).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(near(accepted.voltage.0, 48.0) && near(accepted.current.0, 10.0), "{name}: {accepted:?}");
        supply.switch_on().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(at(&instrument).is_on(), "{name}");
        let available = supply.read().expect("it answers").reading.available;
        assert!(near(available.0, 480.0), "{name}: {available}");
        supply.switch_off().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!at(&instrument).is_on(), "{name}: read back, not believed");
        let done = supply.shut_down();
        assert!(done.is_safe() && done.voltage_zero && done.problems.is_empty(), "{name}: {done:?}");
    }
}

/// Remote control that comes late: EA says who has it.
#[rstest]
#[case(400, true)]
#[case(1400, false)]
fn remote_control_is_asked_for_until_it_is_ours(#[case] takes: u64, #[case] given: bool) {
    let (mut supply, instrument) = open("ea");
    assert!(supply.shut_down().unlocked && !at(&instrument).is_remote());
    at(&instrument).set_temper(Temper { takes: ms(takes), ..Temper::default() });
    match supply.take_over() {
        Ok(_) => assert!(given && at(&instrument).is_remote()),
        Err(SupplyError::NotInControl(owner)) => assert!(!given && owner == "NONE", "{owner}"),
        Err(error) => panic!("{error}"),
    }
}

/// Both numbers, the tolerance and the time, whichever way it differs; 1 s is the time of a profile that says nothing.
#[test]
fn what_is_never_taken_is_told_with_both_numbers() {
    let (mut supply, _instrument) =
        tempered("generic", Temper { most_current: Amps(4.0), ..Temper::default() });
    let began = supply.now();
    let error = supply.apply(TARGET).expect_err("4 A are not 10 A");
    let took = supply.now().since(began);
    assert!(took >= ms(1000) && took < ms(1300), "{took}");
    let said = error.to_string();
    for part in
        ["`CURR 10.000`", "asked for 10 A", "1 s later", "reads back 4 A", "within 0.01 A", "`resolution`"]
    {
        assert!(said.contains(part), "{part} is missing: {said}");
    }

    let (mut supply, instrument) = open("generic");
    supply.apply(TARGET).expect("accepted");
    supply.switch_on().expect("on");
    at(&instrument).set_temper(Temper { takes: NEVER, ..Temper::default() });
    let error = supply.apply(Target { current: Amps(3.0), ..TARGET }).expect_err("it stays at 10 A");
    assert!(
        matches!(&error, SupplyError::NotTaken { asked, now, .. } if asked == "3 A" && now == "10 A"),
        "{error}"
    );
}

/// Each of the settings that are made, down and up, on the step of its profile and beyond.
#[rstest]
#[case::half_a_step_less(9.995, true)]
#[case::two_steps_less(9.98, false)]
#[case::nothing(0.0, false)]
fn less_than_asked_for_is_not_enough(#[case] most: f64, #[case] enough: bool) {
    let (mut supply, _instrument) =
        tempered("generic", Temper { most_current: Amps(most), ..Temper::default() });
    let applied = supply.apply(TARGET);
    assert_eq!(applied.is_ok(), enough, "{applied:?}");
    assert!(enough || matches!(applied, Err(SupplyError::NotTaken { .. })), "{applied:?}");
}

/// Whatever is set, by whatever profile: one that reads back another number, lower or higher, is no setting.
#[rstest]
fn a_number_that_differs_either_way_is_told(
    #[values("voltage", "current", "over-voltage", "power")] which: &str,
    #[values(0.5, 0.9, 1.1, 2.0)] factor: f64,
) {
    let mut tried = 0;
    for name in &names() {
        let profile = profile(name);
        let guard = profile.protection.over_voltage.level.clone();
        let (ask, asked) = match which {
            "voltage" => (Some(profile.voltage.ask.clone()), "48 V"),
            "current" => (Some(profile.current.ask.clone()), "10 A"),
            "over-voltage" => (guard.map(|setting| setting.ask), "60 V"),
            _ => (profile.power.clone().map(|setting| setting.ask), "480 W"),
        };
        let Some(ask) = ask else { continue };
        let channel = Arguments { channel: profile.channel.as_ref(), ..Arguments::default() };
        let question = ask.command(&channel).expect("it takes nothing else");
        let instrument = instrument(name);
        // Too little of it, so that it is set.
        at(&instrument).turn_power(Watts(100.0));
        let (link, fault) = Faulty::new(instrument.clone());
        let (mut supply, _) = Supply::open(Box::new(link), profile, SETTINGS).expect("it answers");
        *fault.lock().expect("one thread") = Fault::Times(question, factor);
        let error = supply.apply(TARGET).map(|_| name).expect_err("another number");
        let said = error.to_string();
        assert!(matches!(error, SupplyError::NotTaken { .. }), "{name}: {said}");
        assert!(said.contains(&format!("asked for {asked}")), "{name}: {said}");
        assert!(!at(&instrument).is_on(), "{name}");
        tried += 1;
    }
    assert!(tried >= 2, "{tried} profiles have it");
}

/// The time is the profile's own, and what its queue says of a setting ends it at once.
#[test]
fn the_profile_says_how_long() {
    let slow = Temper { takes: ms(2500), ..Temper::default() };
    let (mut supply, _instrument) = tempered("generic", slow);
    assert!(matches!(supply.apply(TARGET), Err(SupplyError::NotTaken { .. })));

    let instrument = instrument("generic");
    at(&instrument).set_temper(slow);
    let patient = Profile { settle: Micros::from_secs(3), ..profile("generic") };
    let link = InMemory::new(instrument.clone());
    let (mut supply, _) = Supply::open(Box::new(link), patient, SETTINGS).expect("it answers");
    supply.apply(TARGET).expect("after 2.5 s each");
    let limits = Limits { over_voltage: Volts(2000.0), ..LIMITS };
    let link = InMemory::new(super::instrument("generic"));
    let settings = Settings { limits, ..SETTINGS };
    let (mut supply, _) = Supply::open(Box::new(link), profile("generic"), settings).expect("it answers");
    let began = supply.now();
    let refused = supply.apply(Target { over_voltage: Volts(1500.0), ..TARGET });
    assert!(matches!(refused, Err(SupplyError::Reported { .. })), "{refused:?}");
    assert!(supply.now().since(began) < ms(500), "its own words are not waited for");
}

/// The command goes out at once, and once while it works; only the question is repeated.
#[test]
fn off_is_said_at_once_and_asked_until_it_is() {
    let (mut supply, instrument) = tempered("generic", Temper { relay: ms(500), ..Temper::default() });
    supply.apply(TARGET).expect("accepted");
    supply.switch_on().expect("on");
    let lines = sent(&mut supply);
    let began = supply.now();
    supply.switch_off().expect("off");
    let took = supply.now().since(began);
    assert!(took >= ms(500) && took < ms(650), "{took}");
    let lines = lines.lock().expect("one thread").clone();
    assert_eq!(lines[..2], ["OUTP OFF", "OUTP?"]);
    assert_eq!(lines.iter().filter(|line| *line == "OUTP OFF").count(), 1, "{lines:?}");
    assert!(!at(&instrument).is_on());
    // A relay that is stuck.
    supply.switch_on().expect("on");
    at(&instrument).set_temper(Temper { relay: NEVER, ..Temper::default() });
    assert!(matches!(supply.switch_off(), Err(SupplyError::OutputIs(true))));
    assert!(!supply.shut_down().is_safe());
}

/// A knob is turned while the sun shines: the next readings say so.
#[test]
fn a_setting_that_moves_by_itself_is_seen() {
    let (mut supply, instrument) = open("generic");
    supply.apply(TARGET).expect("accepted");
    supply.switch_on().expect("on");
    for _ in 0..4 {
        supply.read().expect("nothing moved");
    }
    at(&instrument).turn_current(Amps(2.0));
    let moved = (0..3).find_map(|_| supply.read().err()).expect("within three readings").to_string();
    assert!(moved.contains("`CURR?` read back 10 A") && moved.contains("2 A now"), "{moved}");
}

/// EA: a power limit that somebody left too low is raised to what the settings make, and one that leaves room is left.
#[test]
fn a_power_limit_is_raised_and_counts() {
    let (mut supply, instrument) = open("ea");
    at(&instrument).turn_power(Watts(100.0));
    let lines = sent(&mut supply);
    supply.apply(TARGET).expect("accepted");
    assert!(lines.lock().expect("one thread").iter().any(|line| line == "POW 480"));
    supply.switch_on().expect("on");
    assert!(near(supply.read().expect("on").reading.available.0, 480.0));
    lines.lock().expect("one thread").clear();
    supply.apply(Target { current: Amps(7.0), ..TARGET }).expect("less than the limit");
    assert!(lines.lock().expect("one thread").iter().all(|line| !line.starts_with("POW")), "{lines:?}");
    at(&instrument).turn_power(Watts(100.0));
    let moved = (0..3).find_map(|_| supply.read().err()).expect("within three readings").to_string();
    assert!(moved.contains("`POW?` read back 480 W") && moved.contains("100 W now"), "{moved}");
}

/// EA: the level of a rig file is set and read back before the output goes on, and only once; a trip is told with it.
#[test]
fn a_protection_against_more_power_is_set_and_told() {
    let heavy = Surroundings { load: Ohms(4.0), ..Surroundings::default() };
    let instrument = Arc::new(Mutex::new(Instrument::new(dialect("ea"), heavy)));
    let link = InMemory::new(instrument.clone());
    let (mut supply, _) = Supply::open(Box::new(link), profile("ea"), SETTINGS).expect("it answers");
    let target = Target { over_power: Some(Watts(600.0)), ..TARGET };
    let lines = sent(&mut supply);
    let accepted = supply.apply(target).expect("accepted");
    assert_eq!(accepted.over_power, Some(Watts(600.0)));
    supply.apply(Target { current: Amps(9.0), ..target }).expect("accepted");
    supply.switch_on().expect("on");
    let set =
        || lines.lock().expect("one thread").iter().filter(|line| line.starts_with("POW:PROT ")).count();
    assert_eq!(set(), 1);
    // 36 V at 9 A, and somebody lowers it under way.
    at(&instrument).turn_over_power(Watts(300.0));
    let error = supply.apply(target).expect_err("it has tripped").to_string();
    assert!(error.contains("over-power tripped (600 W)"), "{error}");
    assert!(!at(&instrument).is_on());
}

/// A level that would trip at once is told before anything is switched on, and nobody raises what somebody has set.
#[test]
fn a_protection_against_more_power_that_is_too_low_is_told() {
    let (mut supply, instrument) = open("ea");
    at(&instrument).turn_over_power(Watts(100.0));
    let says = "the over-power protection at 100 W is below the setting of 480 W: it would trip at once";
    assert_eq!(supply.apply(TARGET).expect_err("too low").to_string(), says);
    let refused = supply.apply(Target { over_power: Some(Watts(400.0)), ..TARGET });
    assert!(matches!(refused, Err(SupplyError::ProtectionBelowSetting { .. })), "{refused:?}");
    supply.apply(Target { over_power: Some(Watts(500.0)), ..TARGET }).expect("it leaves room");
    let (mut supply, _) = open("generic");
    let refused = supply.apply(Target { over_power: Some(Watts(500.0)), ..TARGET });
    assert!(matches!(refused, Err(SupplyError::Lacks(_))), "{refused:?}");
}
