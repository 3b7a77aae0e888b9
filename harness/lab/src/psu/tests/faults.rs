use rstest::rstest;

use super::super::SupplyError;
use super::every_profile::sent;
use super::faulty::{Fault, Faulty};
use super::*;
use proto::scpi::{Ending, Terminator};

type Switch = Arc<Mutex<Fault>>;

/// A supply whose output is on, behind a line that can fail.
fn running(name: &str) -> (Supply, Shared, Switch) {
    let instrument = instrument(name);
    let (link, fault) = Faulty::new(instrument.clone());
    let (mut supply, _) = Supply::open(Box::new(link), profile(name), SETTINGS).expect("it answers");
    supply.apply(TARGET).expect("accepted");
    supply.switch_on().expect("on");
    (supply, instrument, fault)
}

fn set(switch: &Switch, fault: Fault) {
    *switch.lock().expect("one thread") = fault;
}

const NAMES: [&str; 4] = ["generic", "ea", "genesys", "rigol"];

#[test]
fn a_late_reply_never_answers_the_next_question() {
    for name in NAMES {
        for late in [1100, 1500, 3000] {
            let (mut supply, _instrument, fault) = running(name);
            set(&fault, Fault::Late(Micros::from_millis(late)));
            // It is asked once more; what comes later than that is not waited for.
            match supply.is_on() {
                Ok(on) => assert!(on, "{name}, {late} ms"),
                Err(error) => {
                    assert!(late > 2000 && matches!(error, SupplyError::Silent { .. }), "{name}: {error}");
                }
            }
            // Whatever is asked next gets its own answer, or none while the late one is still to come.
            let tries = (0..4).find_map(|_| match supply.terminals() {
                Ok(measured) => Some(measured),
                Err(SupplyError::OutOfStep { .. }) => None,
                Err(error) => panic!("{name}, {late} ms: {error}"),
            });
            let measured = tries.unwrap_or_else(|| panic!("{name}, {late} ms: never in step again"));
            assert!(near(measured.0, 48.0), "{name}: {measured}");
            assert!(supply.is_on().expect("in step"), "{name}");
        }
    }
}

#[rstest]
#[case(Fault::Lost)]
#[case(Fault::Garbled)]
#[case(Fault::Noise)]
fn a_question_that_changes_nothing_is_asked_once_more(#[case] bad: Fault) {
    for name in NAMES {
        let (mut supply, _instrument, fault) = running(name);
        let asked = sent(&mut supply);
        set(&fault, bad.clone());
        assert!(near(supply.terminals().unwrap_or_else(|error| panic!("{name}: {error}")).0, 48.0), "{name}");
        let question = supply.profile().measure.voltage.text().replace("{channel}", "1");
        let times = asked.lock().expect("one thread").iter().filter(|line| **line == question).count();
        assert_eq!(times, 2, "{name}");
        assert!(near(supply.terminals().expect("in step again").0, 48.0), "{name}");
        assert!(supply.is_on().expect("in step"), "{name}");
    }
}

/// What empties a queue or a register is asked once: a second answer would say that nothing was in it.
#[test]
fn what_would_be_emptied_is_not_asked_again() {
    let (mut supply, _instrument, fault) = running("generic");
    let asked = sent(&mut supply);
    set(&fault, Fault::Lost);
    assert!(matches!(supply.read(), Err(SupplyError::Silent { asked, .. }) if asked == "*ESR?"));
    assert_eq!(*asked.lock().expect("one thread"), ["*ESR?"]);
}

/// The message says what came: half a number, or a line that ends otherwise than the profile says.
#[test]
fn what_came_of_a_line_is_quoted() {
    let instrument = instrument("genesys");
    let mut profile = profile("genesys");
    profile.line.receive = Ending::Line(Terminator::Lf);
    let refused = Supply::open(Box::new(InMemory::new(instrument)), profile, SETTINGS).err();
    let said = refused.expect("it ends its lines with CR").to_string();
    assert!(said.contains("only `OK\\r") || said.contains("LAMBDA,GEN200-60\\r`"), "{said}");
    assert!(said.contains("`line.receive`"), "{said}");
}

/// Another program filled the queue, and it says that errors were lost: what was set is read back, and it goes on. An error
/// beside it is told.
#[rstest]
#[case(&[(-350, "Queue overflow")], true)]
#[case(&[(-113, "Undefined header"), (-350, "Queue overflow")], false)]
fn a_queue_that_somebody_else_filled(#[case] errors: &[(i32, &'static str)], #[case] goes_on: bool) {
    let (mut supply, instrument, _fault) = running("generic");
    for (code, text) in errors {
        at(&instrument).notes(*code, text);
    }
    let applied = supply.apply(Target { current: Amps(7.0), ..TARGET });
    assert_eq!(applied.is_ok(), goes_on, "{applied:?}");
}

/// An adapter or a supply that was plugged in a moment ago hears nothing for 10 s.
#[rstest]
#[case::a_run_waits(12, true)]
#[case::a_guard_does_not(0, false)]
fn a_first_answer_is_waited_for(#[case] patience: u64, #[case] met: bool) {
    for name in NAMES {
        let instrument = instrument(name);
        let (link, fault) = Faulty::new(instrument.clone());
        set(&fault, Fault::Deaf(Micros::from_secs(10)));
        let settings = Settings { first_answer: Micros::from_secs(patience), ..SETTINGS };
        let opened = Supply::open(Box::new(link), profile(name), settings);
        assert_eq!(opened.is_ok(), met, "{name}: {:?}", opened.err());
        if let Ok((mut supply, _)) = opened {
            supply.apply(TARGET).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(near(at(&instrument).voltage_setting().0, 48.0), "{name}");
        }
    }
}

/// It is asked twice who it is; what stood in its error queue is told all the same.
#[test]
fn errors_from_before_are_told() {
    let instrument = instrument("generic");
    at(&instrument).notes(-222, "Data out of range");
    let patient = Settings { first_answer: Micros::from_secs(12), ..SETTINGS };
    let link = Box::new(InMemory::new(instrument));
    let (_, found) = Supply::open(link, profile("generic"), patient).expect("it answers");
    assert_eq!(found.errors.len(), 1, "{found:?}");
}

/// What the rig file says of the line goes before the profile: an adapter or a long line takes more.
#[rstest]
#[case::slow(Fault::Slow(Micros::from_millis(1500)), "", false)]
#[case::slow_and_waited_for(Fault::Slow(Micros::from_millis(1500)), "reply-within: 2 s", true)]
#[case::needs_a_pause(Fault::Busy(Micros::from_millis(80)), "", false)]
#[case::needs_a_pause_and_gets_it(Fault::Busy(Micros::from_millis(80)), "gap: 100 ms", true)]
fn the_rig_file_knows_the_line(#[case] line: Fault, #[case] says: &str, #[case] works: bool) {
    let rig = include_str!("../../../../../rigs/lab-example.yaml");
    assert!(rig.contains("    profile: ea "), "it names one");
    let rig = rig.replace("    profile: ea ", &format!("    {says}\n    profile: ea "));
    let rig = files::RigFile::parse("lab", &rig).unwrap_or_else(|error| panic!("{error}"));
    let place = rig.live.and_then(|live| live.psu).expect("it has one");
    let (link, fault) = Faulty::new(instrument("ea"));
    set(&fault, line);
    let opened = Supply::open(Box::new(link), place.applied_to(profile("ea")), SETTINGS)
        .and_then(|(mut supply, _)| supply.take_over().and_then(|_| supply.apply(TARGET)));
    assert_eq!(opened.is_ok(), works, "{:?}", opened.err());
}

#[test]
fn a_split_reply_is_put_together() {
    for name in NAMES {
        let (mut supply, _instrument, fault) = running(name);
        set(&fault, Fault::Split(Micros::from_millis(5)));
        let reading = supply.read().unwrap_or_else(|error| panic!("{name}: {error}")).reading;
        assert!(near(reading.voltage.0, 48.0) && near(reading.current.0, 4.8), "{name}: {reading:?}");
    }
}

#[test]
fn pieces_do_not_renew_the_deadline() {
    let (mut supply, _instrument, fault) = running("generic");
    set(&fault, Fault::Split(Micros::from_millis(900)));
    let before = supply.now();
    assert!(matches!(supply.terminals(), Err(SupplyError::Silent { .. })));
    let took = supply.now().since(before);
    // Once, and its recovery, which is as bounded: 1 s each for the question, the queue and the identity.
    assert!(took <= Micros::from_millis(3500), "{took}");
}

#[test]
fn an_echo_is_named() {
    let (mut supply, instrument, fault) = running("generic");
    set(&fault, Fault::Echo);
    let error = supply.terminals().expect_err("an echo");
    assert!(matches!(&error, SupplyError::Echo(line) if line == "MEAS:VOLT?"), "{error}");
    // It still can be switched off; that it is off cannot be confirmed over such a line.
    let done = supply.shut_down();
    assert!(!at(&instrument).is_on());
    assert!(!done.is_safe() && !done.problems.is_empty(), "{done:?}");
}

#[test]
fn a_frozen_line_ends_in_time_and_confirms_nothing() {
    let (mut supply, instrument, fault) = running("generic");
    set(&fault, Fault::Frozen);
    let before = supply.now();
    let done = supply.shut_down();
    assert!(!done.is_safe() && !done.output_off && !done.unlocked, "{done:?}");
    let took = supply.now().since(before);
    assert!(took < Micros::from_secs(60), "{took}");
    assert!(at(&instrument).is_on(), "nothing reached it, and nobody said otherwise");
    set(&fault, Fault::None);
    assert!(supply.shut_down().is_safe() && !at(&instrument).is_on(), "the second attempt works");
}

/// What it repeats looks well, until it is switched off: on all the time it is not known to be off, and off a while later
/// it says that nothing which it said before counts.
#[test]
fn answers_that_stand_still_are_noticed_when_it_is_switched_off() {
    for name in names() {
        let (mut supply, instrument, fault) = running(&name);
        set(&fault, Fault::Repeats(Micros::NEVER));
        let done = supply.shut_down();
        assert!(!at(&instrument).is_on() && !done.is_safe(), "{name}: {done:?}");

        let (mut supply, instrument, fault) = running(&name);
        let settle = supply.profile().settle;
        set(&fault, Fault::Repeats(supply.now() + settle + settle));
        let off = supply.switch_off();
        assert!(!at(&instrument).is_on(), "{name}");
        assert!(matches!(off, Err(SupplyError::StoodStill { .. })), "{name}: {off:?}");
        let done = supply.shut_down();
        assert!(done.is_safe() && done.stood_still().is_none(), "{name}, asked again: {done:?}");
    }
}

#[test]
fn a_vanished_port_is_an_error_until_the_same_supply_is_found_again() {
    let (mut supply, instrument, fault) = running("ea");
    set(&fault, Fault::Gone);
    let error = supply.read().expect_err("gone").to_string();
    assert!(error.starts_with("test is gone"), "{error}");
    assert!(!supply.shut_down().is_safe());
    // Under its name there is another one now.
    let other = Instrument::new(dialect("ea"), Surroundings::default());
    let other = Arc::new(Mutex::new(other.with_serial_number("77")));
    let refused = supply.reopen(Box::new(InMemory::new(other.clone())));
    assert!(matches!(refused, Err(SupplyError::WrongSupply { .. })), "{refused:?}");
    assert!(!at(&other).is_remote(), "nothing was set there");
    // The right one, whatever its port is called.
    let found = supply.reopen(Box::new(InMemory::new(instrument.clone()))).expect("the same");
    assert!(found.output, "nobody switched it off meanwhile");
    assert!(supply.shut_down().is_safe() && !at(&instrument).is_on());
}

#[test]
fn a_restart_behind_a_lost_reply_is_not_missed() {
    // Genesys has no event register: what tells is that it no longer listens to its address.
    let (mut supply, instrument, _fault) = running("genesys");
    at(&instrument).restart();
    // Asked again, with its address before it, it answers.
    assert!(supply.terminals().is_ok());
    let refused = supply.switch_on();
    assert!(matches!(refused, Err(SupplyError::Unprotected(_))), "{refused:?}");
}

/// Whichever line is the last that it hears before it restarts.
#[rstest]
#[case::while_it_is_read(|supply: &mut Supply| (0..3).try_for_each(|_| supply.read().map(drop)))]
#[case::while_it_is_set(|supply: &mut Supply| {
    let target = Target { voltage: Volts(40.0), current: Amps(3.0), ..TARGET };
    supply.apply(target).map(drop)
})]
#[case::while_it_is_switched_on(|supply: &mut Supply| supply.switch_on())]
fn a_restart_under_way_is_blamed_on_nothing_else(#[case] does: fn(&mut Supply) -> Result<(), SupplyError>) {
    let mut restarts = 0;
    for name in &names() {
        for heard in 0.. {
            let (mut supply, _instrument, fault) = running(name);
            if supply.profile().events.is_none() {
                break;
            }
            if heard % 2 == 0 {
                supply.switch_off().expect("off");
                supply.wait(Micros::from_secs(60));
            }
            set(&fault, Fault::Restarts(heard / 2));
            let found = does(&mut supply);
            if let Fault::Restarts(_) = *fault.lock().expect("one thread") {
                assert!(found.is_ok(), "{name}, {heard}: {found:?}");
                break;
            }
            // What it has said before it did may have been enough.
            let found = found.and_then(|()| supply.read().map(drop));
            assert!(matches!(found, Err(SupplyError::Rebooted)), "{name}, {heard}: {found:?}");
            restarts += 1;
        }
    }
    assert!(restarts > 50, "{restarts}");
}

#[test]
fn unsolicited_lines_are_kept_and_answer_nothing() {
    let (mut supply, instrument, _fault) = running("generic");
    at(&instrument).exclaim("**ERROR: fan");
    let status = supply.read().expect("it answers");
    assert!(near(status.reading.voltage.0, 48.0));
    assert_eq!(status.notices, ["**ERROR: fan"]);
}

#[test]
fn a_queue_without_an_end_is_an_error() {
    let broken = Dialect { no_error: "-113,\"Undefined header\"".to_owned(), ..dialect("generic") };
    let broken = Arc::new(Mutex::new(Instrument::new(broken, Surroundings::default())));
    let refused = Supply::open(Box::new(InMemory::new(broken)), profile("generic"), SETTINGS).err();
    assert!(matches!(refused, Some(SupplyError::EndlessErrors(64))), "{refused:?}");
}

#[test]
fn a_supply_that_stays_charged_is_not_safe() {
    let slow = Surroundings { fall: proto::quantity::VoltsPerSecond(1.0), ..Surroundings::default() };
    let instrument = Arc::new(Mutex::new(Instrument::new(dialect("generic"), slow)));
    let link = InMemory::new(instrument.clone());
    let (mut supply, _) = Supply::open(Box::new(link), profile("generic"), SETTINGS).expect("it answers");
    supply.apply(TARGET).expect("accepted");
    supply.switch_on().expect("on");
    let done = supply.shut_down();
    assert!(done.output_off && !done.is_safe(), "{done:?}");
    let told = done.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(told.contains("do not touch them"), "{told}");
}
