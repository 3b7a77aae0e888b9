use rstest::rstest;

use super::super::{Direction, SupplyError, Tape};
use super::*;
use files::profile::{Source, Status};
use proto::scpi::Alarm;

/// Every profile goes through `each`; what it cannot is said there.
fn each(test: impl Fn(&str)) {
    for name in names() {
        test(&name);
    }
}

#[test]
fn every_profile_is_called_as_its_file_and_no_bench_has_confirmed_it() {
    each(|name| {
        let profile = profile(name);
        assert_eq!((profile.psu_profile.as_str(), profile.status), (name, Status::Documented));
    });
}

/// Each word that is sent has a manual or a driver behind it, or the file says that it is assumed.
#[test]
fn every_word_has_a_source() {
    each(|name| {
        let profile = profile(name);
        for backed in profile.backed() {
            assert_ne!(backed.source, Source::Untold, "{name}: {backed:?}");
        }
        assert!(profile.backed().iter().any(|backed| matches!(backed.source, Source::Named(_))), "{name}");
    });
}

/// Lines that nobody asked for: each file says which there are, or that there are none.
#[test]
fn every_profile_says_what_comes_unasked() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rigs/psu");
    each(|name| {
        let text = std::fs::read_to_string(folder.join(format!("{name}.yaml"))).expect("a shipped profile");
        assert!(text.contains("unsolicited: ["), "{name}");
    });
}

#[test]
fn it_sets_reads_back_measures_and_leaves_the_supply_safe() {
    each(|name| {
        let (mut supply, instrument) = open(name);
        let accepted = supply.apply(TARGET).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(near(accepted.voltage.0, 48.0) && near(accepted.current.0, 10.0), "{name}: {accepted:?}");
        assert!(near(accepted.over_voltage.0, 60.0), "{name}: {accepted:?}");
        supply.switch_on().unwrap_or_else(|error| panic!("{name}: {error}"));
        let status = supply.read().unwrap_or_else(|error| panic!("{name}: {error}"));
        // 48 V into 10 Ω.
        assert!(status.reading.output && near(status.reading.voltage.0, 48.0), "{name}: {status:?}");
        assert!(
            near(status.reading.current.0, 4.8) && near(status.reading.available.0, 480.0),
            "{name}: {status:?}"
        );
        assert!(status.alarms.is_empty(), "{name}: {status:?}");
        for _ in 0..2 {
            let done = supply.shut_down();
            assert!(done.is_safe() && done.voltage_zero && done.unlocked, "{name}: {done:?}");
            assert!(done.problems.is_empty(), "{name}: {done:?}");
            assert!(!at(&instrument).is_on(), "{name}");
        }
        assert!(!at(&instrument).is_remote(), "{name}: remote control was given back");
    });
}

#[test]
fn over_voltage_trips_and_clearing_never_energises() {
    each(|name| {
        let (mut supply, instrument) = open(name);
        supply.apply(TARGET).expect("accepted");
        supply.switch_on().expect("on");
        at(&instrument).feed_terminals(Volts(70.0));
        let status = supply.read().expect("it answers");
        assert!(!status.reading.output, "{name}: {status:?}");
        // Delta does not say what has tripped.
        let tells = supply.profile().tells_of(Alarm::OverVoltage);
        assert_eq!(status.alarms.contains(&Alarm::OverVoltage), tells, "{name}: {status:?}");
        if tells {
            let refused = supply.switch_on();
            assert!(matches!(refused, Err(SupplyError::Tripped(_))), "{name}: {refused:?}");
        }
        supply.clear_trip().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!at(&instrument).is_on(), "{name}");
        assert!(supply.shut_down().is_safe(), "{name}");
        let remote = supply.profile().lock.is_some();
        if !remote {
            supply.apply(TARGET).unwrap_or_else(|error| panic!("{name}: {error}"));
            if name != "delta" {
                supply.switch_on().unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
    });
}

/// A solar charger takes all that there is, so that a sun runs at its current limit: no profile lets that trip, whatever
/// somebody has left on.
#[test]
fn a_sun_runs_at_its_current_limit() {
    each(|name| {
        let (mut supply, instrument) = open(name);
        let folds_back = supply.profile().protection.foldback.is_some();
        if folds_back {
            at(&instrument).turn_guard_current(true);
        }
        supply.apply(TARGET).unwrap_or_else(|error| panic!("{name}: {error}"));
        supply.switch_on().unwrap_or_else(|error| panic!("{name}: {error}"));
        at(&instrument).load(proto::quantity::Ohms(2.0));
        // Its terminals fall to where the load takes 10 A.
        supply.wait(Micros::from_secs(1));
        let status = supply.read().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(status.reading.output && status.alarms.is_empty(), "{name}: {status:?}");
        assert!(near(status.reading.current.0, 10.0), "{name}: {status:?}");
        assert!(supply.shut_down().is_safe(), "{name}");
    });
}

/// The foldback of a Genesys+ has two kinds, and somebody has left one on: CC trips a sun at once, CV one that is not taken
/// whole. Before the output goes on it is off; one that is turned on later is told by name.
#[rstest]
#[case("OUTP:PROT:FOLD CC", 2.0)]
#[case("OUTP:PROT:FOLD CV", 10.0)]
fn a_foldback_of_either_kind_is_kept_off(#[case] left: &str, #[case] ohms: f64) {
    let (mut supply, instrument) = open("genesys-plus");
    let sunny = |supply: &mut Supply| {
        at(&instrument).load(proto::quantity::Ohms(ohms));
        supply.wait(Micros::from_secs(1));
        supply.read().unwrap_or_else(|error| panic!("{error}"))
    };
    let leaves = |supply: &Supply| {
        let now = supply.now();
        at(&instrument).receive(now, format!("{left}\n").as_bytes());
    };
    leaves(&supply);
    supply.apply(TARGET).unwrap_or_else(|error| panic!("{error}"));
    supply.switch_on().unwrap_or_else(|error| panic!("{error}"));
    let status = sunny(&mut supply);
    assert!(status.reading.output && status.alarms.is_empty(), "{status:?}");
    leaves(&supply);
    let status = sunny(&mut supply);
    assert!(!status.reading.output && status.alarms.contains(&Alarm::OverCurrent), "{status:?}");
    assert!(supply.shut_down().is_safe());
}

#[test]
fn a_genesys_is_switched_on_again_after_its_trip_was_cleared() {
    let (mut supply, instrument) = open("genesys");
    supply.apply(TARGET).expect("accepted");
    supply.switch_on().expect("on");
    at(&instrument).feed_terminals(Volts(70.0));
    assert!(matches!(supply.apply(TARGET), Err(SupplyError::Tripped(_))));
    supply.clear_trip().expect("off and acknowledged");
    supply.apply(TARGET).expect("its register lingers, and that is known");
    // 70 V fall by 200 V/s.
    supply.wait(Micros::from_secs(1));
    supply.switch_on().expect("which clears the trip");
    assert!(at(&instrument).is_on() && supply.read().expect("on").alarms.is_empty());
}

#[test]
fn residual_voltage_keeps_the_output_off() {
    each(|name| {
        let slow = Surroundings { fall: proto::quantity::VoltsPerSecond(1.0), ..Surroundings::default() };
        let instrument = Arc::new(Mutex::new(Instrument::new(dialect(name), slow)));
        let link = InMemory::new(instrument.clone());
        let (mut supply, _) = Supply::open(Box::new(link), profile(name), SETTINGS).expect("it answers");
        supply.apply(TARGET).expect("accepted");
        at(&instrument).feed_terminals(Volts(59.0));
        let refused = supply.switch_on();
        assert!(matches!(refused, Err(SupplyError::Residual { .. })), "{name}: {refused:?}");
        assert!(!at(&instrument).is_on(), "{name}");
    });
}

/// Every word of every profile is said to its supply by what a run and the doctor do: nothing stands in a profile that
/// nobody sends.
#[test]
fn every_word_is_sent() {
    each(|name| {
        let (instrument, tape, profile) = (instrument(name), Tape::default(), profile(name));
        tape.begins(&profile);
        let link = tape.on(Box::new(InMemory::new(instrument.clone())));
        // Too little of it, so that it is set.
        at(&instrument).turn_power(proto::quantity::Watts(100.0));
        let (mut supply, _) = Supply::open(link, profile.clone(), SETTINGS).expect("it answers");
        supply.rated().unwrap_or_else(|error| panic!("{name}: {error}"));
        if let Some(watchdog) = &profile.watchdog {
            // Whether it is proven is another matter.
            let _ = supply.prove_watchdog(watchdog.longest.min(Micros::from_secs(2)), || false);
            let _ = supply.clear_trip();
        }
        let over_power = profile.protection.over_power.as_ref().map(|_| proto::quantity::Watts(1000.0));
        let target = Target { over_power, ..TARGET };
        supply.apply(target).unwrap_or_else(|error| panic!("{name}: {error}"));
        supply.switch_on().unwrap_or_else(|error| panic!("{name}: {error}"));
        (0..3).for_each(|_| drop(supply.read().unwrap_or_else(|error| panic!("{name}: {error}"))));
        at(&instrument).feed_terminals(Volts(70.0));
        let _ = supply.read();
        let _ = supply.clear_trip();
        supply.shut_down();
        let said = tape.told().expect("it was spoken to").answers();
        let said: Vec<String> =
            said.keys().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
        for (path, word) in profile.words() {
            // What stands between its slots, in order.
            let parts: Vec<&str> = word
                .text()
                .split('{')
                .map(|part| part.split_once('}').map_or(part, |(_, rest)| rest))
                .collect();
            let fits = |line: &String| {
                line.starts_with(parts[0])
                    && parts
                        .iter()
                        .try_fold(&line[..], |rest, part| rest.split_once(part).map(|(_, rest)| rest))
                        .is_some()
            };
            assert!(
                said.iter().any(fits),
                "{name}: `{path}`, `{}`, is sent by nobody: {said:?}",
                word.text()
            );
        }
    });
}

/// Genesys refuses an over-voltage protection nearer than 5 % of its rating to the setting (E04 of its manual, 7.7): that
/// is told before it is sent, with the level that it would take.
#[rstest]
#[case(Volts(58.0), true)]
#[case(Volts(57.9), false)]
fn a_protection_that_would_be_refused_is_told(#[case] level: Volts, #[case] taken: bool) {
    let (mut supply, _instrument) = open("genesys");
    match supply.apply(Target { over_voltage: level, ..TARGET }) {
        Ok(_) => assert!(taken),
        Err(error) => {
            let said = error.to_string();
            assert!(
                !taken && said.contains("5 % of its rated 200 V") && said.contains("58 V at least"),
                "{said}"
            );
        }
    }
}

#[test]
fn no_output_without_protections() {
    each(|name| {
        let (mut supply, instrument) = open(name);
        let refused = supply.switch_on();
        assert!(matches!(refused, Err(SupplyError::Unprotected(_))), "{name}: {refused:?}");
        assert!(!at(&instrument).is_on(), "{name}");
    });
}

#[test]
fn a_restart_is_seen_and_nothing_set_before_counts() {
    each(|name| {
        let (mut supply, instrument) = open(name);
        supply.apply(TARGET).expect("accepted");
        supply.switch_on().expect("on");
        at(&instrument).restart();
        if supply.profile().events.is_some() {
            assert!(matches!(supply.read(), Err(SupplyError::Rebooted)), "{name}");
            assert!(
                matches!(supply.apply(TARGET), Err(SupplyError::Rebooted)),
                "{name}: until it is opened again"
            );
        }
        let refused = supply.switch_on();
        // Without an event register: the address or remote control is lost; Delta then refuses the command.
        assert!(refused.is_err() && !at(&instrument).is_on(), "{name}: {refused:?}");
    });
}

#[test]
fn what_is_asked_beyond_the_limits_is_clamped() {
    let (mut supply, instrument) = open("generic");
    let wild = Target::new((Volts(500.0), Amps(500.0)), (Volts(500.0), Amps(500.0)));
    let accepted = supply.apply(wild).expect("clamped");
    assert!(near(accepted.voltage.0, 100.0) && near(accepted.current.0, 20.0), "{accepted:?}");
    assert!(
        near(accepted.over_voltage.0, 120.0) && accepted.over_current == Some(Amps(25.0)),
        "{accepted:?}"
    );
    assert!(near(at(&instrument).over_voltage().0, 120.0));
    let crossed = Target { over_voltage: Volts(40.0), ..TARGET };
    assert!(matches!(supply.apply(crossed), Err(SupplyError::ProtectionBelowSetting { .. })));
}

/// What was sent, in order.
pub(super) fn sent(supply: &mut Supply) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = lines.clone();
    supply.show_to(Box::new(move |_, direction, line| {
        if direction == Direction::Sent {
            kept.lock().expect("one thread").push(line.to_owned());
        }
    }));
    lines
}

#[rstest]
#[case(Volts(80.0), Volts(90.0), "VOLT:PROT 90.000", "VOLT 80.000")]
#[case(Volts(20.0), Volts(25.0), "VOLT 20.000", "VOLT:PROT 25.000")]
fn the_protection_rises_first_and_falls_last(
    #[case] voltage: Volts,
    #[case] over_voltage: Volts,
    #[case] first: &str,
    #[case] second: &str,
) {
    let (mut supply, _instrument) = open("generic");
    supply.apply(TARGET).expect("accepted");
    supply.switch_on().expect("on");
    let lines = sent(&mut supply);
    supply.apply(Target { voltage, over_voltage, ..TARGET }).expect("accepted");
    assert!(supply.read().expect("on").reading.output, "it did not trip on the way");
    let lines = lines.lock().expect("one thread");
    let position = |what: &str| lines.iter().position(|line| line == what).expect("sent");
    assert!(position(first) < position(second), "{lines:?}");
}

#[test]
fn alarms_are_read_before_the_queue_that_acknowledges_them() {
    let (mut supply, instrument) = open("ea");
    supply.apply(TARGET).expect("accepted");
    supply.switch_on().expect("on");
    at(&instrument).feed_terminals(Volts(70.0));
    let lines = sent(&mut supply);
    // Setting anything drains the queue; the alarm is kept.
    let tripped = supply.apply(Target { current: Amps(7.0), ..TARGET });
    assert!(
        matches!(&tripped, Err(SupplyError::Tripped(trips)) if trips.alarms.contains(&Alarm::OverVoltage)),
        "{tripped:?}"
    );
    let lines = lines.lock().expect("one thread");
    let position = |what: &str| lines.iter().position(|line| line == what).expect("sent");
    assert!(position("STAT:QUES:COND?") < position("SYST:ERR?"), "{lines:?}");
}

#[test]
fn a_supply_that_energises_on_clearing_is_switched_off_again() {
    let stubborn = Dialect { clearing_energises: true, ..dialect("itech") };
    let instrument = Arc::new(Mutex::new(Instrument::new(stubborn, Surroundings::default())));
    let link = InMemory::new(instrument.clone());
    let (mut supply, _) = Supply::open(Box::new(link), profile("itech"), SETTINGS).expect("it answers");
    supply.apply(TARGET).expect("accepted");
    supply.switch_on().expect("on");
    at(&instrument).feed_terminals(Volts(70.0));
    supply.wait(Micros::from_secs(1));
    let cleared = supply.clear_trip();
    assert!(matches!(cleared, Err(SupplyError::ClearEnergised)), "{cleared:?}");
    assert!(!at(&instrument).is_on());
}

#[test]
fn another_supply_is_refused() {
    let (mut supply, _instrument) = open("ea");
    let other = Instrument::new(dialect("ea"), Surroundings::default());
    let other = Arc::new(Mutex::new(other.with_serial_number("9999999999")));
    let refused = supply.reopen(Box::new(InMemory::new(other)));
    assert!(matches!(refused, Err(SupplyError::WrongSupply { .. })), "{refused:?}");
    // The profile of another maker.
    let link = InMemory::new(instrument("rigol"));
    let refused = Supply::open(Box::new(link), profile("agilent"), SETTINGS).err();
    assert!(matches!(refused, Some(SupplyError::WrongSupply { .. })), "{refused:?}");
}

#[test]
fn an_error_of_the_supply_is_told_with_its_command() {
    let limits = Limits { over_voltage: Volts(2000.0), ..LIMITS };
    let link = InMemory::new(instrument("generic"));
    let settings = Settings { limits, ..SETTINGS };
    let (mut supply, _) = Supply::open(Box::new(link), profile("generic"), settings).expect("it answers");
    let error =
        supply.apply(Target { over_voltage: Volts(1500.0), ..TARGET }).expect_err("beyond its rating");
    let expected = "after `VOLT:PROT 1500.000` the supply reports: -222 Data out of range";
    assert_eq!(error.to_string(), expected);
}
