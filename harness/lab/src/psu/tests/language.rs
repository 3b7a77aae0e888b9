//! What some supplies need said otherwise: messages that nothing ends, the output as a bit of a register, one output of
//! several, ranges.

use super::super::SupplyError;
use super::every_profile::sent;
use super::scripted::Scripted;
use super::*;

/// What answers a message: the bytes, or nothing.
type Answers = Box<dyn FnMut(&[u8]) -> Option<Vec<u8>> + Send>;

/// An instrument of a few lines. It answers 10 ms after the message, in two pieces 5 ms apart.
fn small(mut answers: Answers) -> Scripted {
    Scripted::new(move |bytes| {
        let said = answers(bytes).unwrap_or_default();
        let half = said.len() / 2;
        let after = |at: usize| Micros::from_millis(if at < half { 10 } else { 15 });
        said.into_iter().enumerate().map(|(at, byte)| (after(at), byte)).collect()
    })
}

/// The shipped profile of SCPI-99 with other words.
fn with(words: &[(&str, &str)]) -> Profile {
    let mut text = include_str!("../../../../../rigs/psu/generic.yaml").to_owned();
    for (good, other) in words {
        assert!(text.contains(good), "{good} stands in the file");
        text = text.replacen(good, other, 1);
    }
    Profile::parse("p.yaml", &text).unwrap_or_else(|error| panic!("{error}"))
}

/// As Korad, Tenma and Velleman of the KA3005P kind speak (pymeasure#1407, sigrok#269 and #307): nothing ends a message
/// either way, who it is has no commas, and output and mode are bits 6 and 0 of one raw byte. The level of its
/// over-voltage protection is this one's own: those have none that can be set.
#[test]
fn a_supply_that_ends_nothing() {
    let profile = with(&[
        ("send: lf, receive: lf, gap: 10 ms", "send: none, receive: pause 30 ms, gap: 50 ms"),
        ("identify: { ask: [\"*IDN?\"] }", "identify: { ask: [\"*IDN?\"], order: [model], begins: [KORAD] }"),
        (
            "output: { on: OUTP ON, off: OUTP OFF, ask: \"OUTP?\" }",
            "output: { on: OUT1, off: OUT0, ask: \"STATUS?\", state: { bit: 6, form: byte } }",
        ),
        ("set: \"VOLT {volts}\", ask: \"VOLT?\"", "set: \"VSET1:{volts:2}\", ask: \"VSET1?\""),
        ("set: \"CURR {amps}\", ask: \"CURR?\"", "set: \"ISET1:{amps:3}\", ask: \"ISET1?\""),
        ("voltage: \"MEAS:VOLT?\", current: \"MEAS:CURR?\"", "voltage: \"VOUT1?\", current: \"IOUT1?\""),
        ("set: \"VOLT:PROT {volts}\", ask: \"VOLT:PROT?\"", "set: \"OVSET1:{volts:2}\", ask: \"OVSET1?\""),
        (
            "  over-current: { level: { set: \"CURR:PROT {amps}\", ask: \"CURR:PROT?\", resolution: 100 mA } }\n",
            "",
        ),
        ("commands: [\"OUTP:PROT:CLE\"], then: stays-off", "commands: [], then: when-switched-on"),
        ("errors: { ask: \"SYST:ERR?\", empty: '0,\"No error\"' }\nevents: \"*ESR?\"\n", ""),
        ("rating: { voltage: \"VOLT? MAX\", current: \"CURR? MAX\" }\n", ""),
    ]);
    let (mut volts, mut amps, mut level, mut on) = (0.0, 0.0, 66.0, false);
    let state = Arc::new(Mutex::new(false));
    let seen = state.clone();
    let answers: Answers = Box::new(move |bytes| {
        let text = std::str::from_utf8(bytes).expect("text");
        let number = |text: &str| text.split_once(':').and_then(|(_, number)| number.parse::<f64>().ok());
        match text {
            "*IDN?" => return Some(b"KORADKA3005PV2.0".to_vec()),
            "STATUS?" => return Some(vec![if on { 0x51 } else { 0x11 }]),
            "VSET1?" => return Some(format!("{volts:05.2}").into_bytes()),
            "ISET1?" => return Some(format!("{amps:.3}").into_bytes()),
            "OVSET1?" => return Some(format!("{level:05.2}").into_bytes()),
            "VOUT1?" => return Some(format!("{:05.2}\n", if on { volts } else { 0.0 }).into_bytes()),
            "IOUT1?" => return Some(format!("{:.3}", if on { 0.5 } else { 0.0 }).into_bytes()),
            "OUT1" => on = true,
            "OUT0" => on = false,
            _ if text.starts_with("VSET1:") => volts = number(text).expect("a number"),
            _ if text.starts_with("ISET1:") => amps = number(text).expect("a number"),
            _ if text.starts_with("OVSET1:") => level = number(text).expect("a number"),
            _ => {}
        }
        *seen.lock().expect("one thread") = on;
        None
    });
    let link = small(answers);
    let (mut supply, found) =
        Supply::open(Box::new(link), profile, SETTINGS).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((found.identity.model.as_str(), found.output), ("KORADKA3005PV2.0", false));
    let target = Target {
        voltage: Volts(24.0),
        current: Amps(2.0),
        over_voltage: Volts(28.0),
        over_current: Amps(3.0),
        over_power: None,
    };
    supply.apply(target).unwrap_or_else(|error| panic!("{error}"));
    supply.switch_on().unwrap_or_else(|error| panic!("{error}"));
    let reading = supply.read().unwrap_or_else(|error| panic!("{error}")).reading;
    assert!(reading.output && near(reading.voltage.0, 24.0) && near(reading.current.0, 0.5), "{reading:?}");
    let done = supply.shut_down();
    assert!(done.is_safe() && done.problems.is_empty() && !*state.lock().expect("one thread"), "{done:?}");
}

/// An instrument of SCPI-99 with something of its own beside it.
fn beside(mut own: impl FnMut(&str) -> Option<Option<String>> + Send + 'static) -> (Scripted, Shared) {
    let instrument = instrument("generic");
    let theirs = instrument.clone();
    let mut now = Micros::ZERO;
    let answers: Answers = Box::new(move |bytes| {
        now += Micros::from_millis(20);
        if let Some(answer) = own(String::from_utf8_lossy(bytes).trim()) {
            return answer.map(|text| (text + "\n").into_bytes());
        }
        let mut instrument = at(&theirs);
        instrument.receive(now, bytes);
        let mut said = Vec::new();
        while let Some(ready) = instrument.ready_at() {
            said.extend(instrument.answers(ready));
        }
        Some(said)
    });
    (small(answers), instrument)
}

/// Three outputs behind one set of words (E3631A): somebody chooses another one at the front panel, and nothing is set or
/// believed any more; the output that was ours goes off all the same.
#[test]
fn another_output_that_was_chosen_is_seen() {
    let chosen = Arc::new(Mutex::new("P6V".to_owned()));
    let theirs = chosen.clone();
    let (link, instrument) = beside(move |line| {
        let mut chosen = theirs.lock().expect("one thread");
        match line {
            "INST?" => Some(Some(chosen.clone())),
            _ => line.strip_prefix("INST ").map(|name| {
                name.clone_into(&mut chosen);
                None
            }),
        }
    });
    let profile =
        with(&[("identify:", "begin: [INST P25V]\nselected: { ask: \"INST?\", answer: P25V }\nidentify:")]);
    let (mut supply, _) =
        Supply::open(Box::new(link), profile, SETTINGS).unwrap_or_else(|error| panic!("{error}"));
    supply.apply(TARGET).unwrap_or_else(|error| panic!("{error}"));
    supply.switch_on().unwrap_or_else(|error| panic!("{error}"));
    "P6V".clone_into(&mut chosen.lock().expect("one thread"));
    let refused = supply.read();
    assert!(matches!(&refused, Err(SupplyError::OtherOutput { found, .. }) if found == "P6V"), "{refused:?}");
    "P6V".clone_into(&mut chosen.lock().expect("one thread"));
    let done = supply.shut_down();
    assert!(done.is_safe() && !at(&instrument).is_on(), "{done:?}");
    assert_eq!(
        *chosen.lock().expect("one thread"),
        "P25V",
        "it was chosen again before output off was repeated"
    );
}

/// Two ranges (E3640A): the one that the rig needs is switched to with the output off, and never under way.
#[rstest::rstest]
#[case::the_first_does(Volts(8.0), "P8V", &[])]
#[case::the_second_is_needed(Volts(19.0), "P20V", &["VOLT:RANG P20V"])]
#[case::none_does(Volts(60.0), "P8V", &[])]
fn a_range_that_fits_is_switched_to(#[case] most: Volts, #[case] then: &str, #[case] says: &[&str]) {
    let range = Arc::new(Mutex::new("P8V".to_owned()));
    let theirs = range.clone();
    let (link, _instrument) = beside(move |line| {
        let mut range = theirs.lock().expect("one thread");
        match line {
            "VOLT:RANG?" => Some(Some(range.clone())),
            _ => line.strip_prefix("VOLT:RANG ").map(|name| {
                name.clone_into(&mut range);
                None
            }),
        }
    });
    let profile = with(&[(
        "measure:",
        "ranges:\n  ask: \"VOLT:RANG?\"\n  each:\n    \
         - { set: VOLT:RANG P8V, answer: P8V, voltage: 8 V, current: 30 A }\n    \
         - { set: VOLT:RANG P20V, answer: P20V, voltage: 20 V, current: 20 A }\nmeasure:",
    )]);
    let limits = Limits { voltage: most, ..LIMITS };
    let (mut supply, _) = Supply::open(Box::new(link), profile, Settings { limits, ..SETTINGS })
        .unwrap_or_else(|error| panic!("{error}"));
    let lines = sent(&mut supply);
    let target = Target { voltage: Volts(7.0), over_voltage: Volts(9.0), ..TARGET };
    let applied = supply.apply(target);
    assert_eq!(applied.is_ok(), most < Volts(60.0), "{applied:?}");
    assert!(applied.is_ok() || matches!(applied, Err(SupplyError::NoRange { .. })), "{applied:?}");
    assert_eq!(*range.lock().expect("one thread"), then);
    let switched: Vec<String> = lines
        .lock()
        .expect("one thread")
        .iter()
        .filter(|line| line.starts_with("VOLT:RANG P"))
        .cloned()
        .collect();
    assert_eq!(switched, says);
}
