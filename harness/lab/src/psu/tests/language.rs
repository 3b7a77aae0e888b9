//! What some supplies need said otherwise: messages that nothing ends, the output as a bit of a register, one output of
//! several, ranges.

use super::super::{Link, LinkError, SupplyError};
use super::every_profile::sent;
use super::faulty::{Fault, Faulty};
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
    let shipped = include_str!("../../../../../rigs/psu/generic.yaml");
    // Words of their own have other sources.
    let (before, rest) = shipped.split_once("sources:\n").expect("it names them");
    let (_, after) = rest.split_once("assumed:").expect("they stand before what is assumed");
    let mut text = format!("{before}assumed:{after}");
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
    goes_the_whole_way(profile, (Box::new(small(answers)), state), "KORADKA3005PV2.0");
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

/// A console: it sends back what it is told and prints a prompt, before, behind or in place of the end of an answer, in one
/// piece or byte by byte. Nothing of that is an answer, and the whole way from settings to off goes as with any other.
#[rstest::rstest]
#[case::echo("echo: true", "echoes: true", None)]
#[case::prompt("prompt: \">\"", "prompt: \"> \"", None)]
#[case::both("echo: true, prompt: \"SCPI> \"", "echoes: true, prompt: \"\\r\\nSCPI> \"", None)]
#[case::byte_by_byte("echo: true, prompt: \">\"", "echoes: true, prompt: \"> \"", Some(Micros(700)))]
fn a_console_is_understood(#[case] line: &str, #[case] plays: &str, #[case] step: Option<Micros>) {
    let plays: String = plays.split(", ").map(|key| format!("  {key}\n")).collect();
    let profile = with(&[
        ("receive: lf,", &format!("receive: lf, {line},")),
        ("simulated:", &format!("simulated:\n{plays}  # ")),
    ]);
    let dialect = profile.simulated.clone().expect("it is played");
    let instrument = Arc::new(Mutex::new(Instrument::new(dialect, Surroundings::default())));
    let (link, fault) = Faulty::new(instrument.clone());
    if let Some(step) = step {
        *fault.lock().expect("one thread") = Fault::Split(step);
    }
    let patient = Settings { first_answer: Micros::from_secs(12), ..SETTINGS };
    let (mut supply, found) =
        Supply::open(Box::new(link), profile, patient).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((found.identity.model.as_str(), found.greeting), ("SIMULATED PSU", None));
    let lines = sent(&mut supply);
    supply.apply(TARGET).unwrap_or_else(|error| panic!("{error}"));
    supply.switch_on().unwrap_or_else(|error| panic!("{error}"));
    for _ in 0..3 {
        let reading = supply.read().unwrap_or_else(|error| panic!("{error}")).reading;
        assert!(reading.output && near(reading.voltage.0, 48.0), "{reading:?}");
    }
    let asked_who = lines.lock().expect("one thread").iter().filter(|line| *line == "*IDN?").count();
    assert_eq!(asked_who, 0, "it never fell out of step");
    at(&instrument).notes(-222, "Data out of range");
    let refused = supply.apply(Target { current: Amps(7.0), ..TARGET });
    assert!(matches!(refused, Err(SupplyError::Reported { .. })), "{refused:?}");
    let done = supply.shut_down();
    assert!(done.is_safe() && done.problems.is_empty() && !at(&instrument).is_on(), "{done:?}");
}

/// Its profile knows nothing of the prompt, or of the echo: the message names the key.
#[rstest::rstest]
#[case("prompt: \"> \"", "does it print a prompt (`prompt` under `line` of its profile)?")]
#[case("echoes: true", "`echo: true` under `line` of its profile")]
fn a_console_that_nobody_described_is_told(#[case] plays: &str, #[case] says: &str) {
    let profile = with(&[("simulated:", &format!("simulated:\n  {plays}\n  # "))]);
    let dialect = profile.simulated.clone().expect("it is played");
    let link = InMemory::new(Arc::new(Mutex::new(Instrument::new(dialect, Surroundings::default()))));
    let refused = Supply::open(Box::new(link), profile, SETTINGS).expect_err("it is not understood");
    assert!(refused.to_string().contains(says), "{refused}");
}

/// NUL bytes behind its answers (SweepMe/instrument-drivers#43): read where the profile says that they are padding, else
/// refused with what they may come of.
#[rstest::rstest]
#[case("", false)]
#[case("nul-padding: true, ", true)]
fn nul_bytes_are_padding_or_damage(#[case] says: &str, #[case] read: bool) {
    let instrument = instrument("generic");
    let theirs = instrument.clone();
    let mut now = Micros::ZERO;
    let link = small(Box::new(move |bytes| {
        now += Micros::from_millis(20);
        let mut instrument = at(&theirs);
        instrument.receive(now, bytes);
        let ready = instrument.ready_at()?;
        let mut said = instrument.answers(ready);
        let end = said.pop()?;
        said.extend([0, 0, end]);
        Some(said)
    }));
    let profile = with(&[("receive: lf, ", &format!("receive: lf, {says}"))]);
    let opened = Supply::open(Box::new(link), profile, SETTINGS).and_then(|(mut supply, _)| {
        supply.apply(TARGET)?;
        supply.switch_on()?;
        supply.read()
    });
    match opened {
        Ok(status) => assert!(read && near(status.reading.voltage.0, 48.0), "{status:?}"),
        Err(error) => {
            let said = error.to_string();
            assert!(
                !read && said.contains("\\0\\0") && said.contains("`nul-padding` under `line`"),
                "{said}"
            );
        }
    }
}

/// One that starts when its port is opened: deaf for two seconds, then its log, of which lines look like identities, and then
/// it answers. It is asked until it says who it is, and the log is told.
#[rstest::rstest]
#[case::words(&["rst:0x1 (POWERON_RESET),boot:0x13", "load:0x3fff0030,len:1184", "ready"], "generic", None)]
#[case::like_an_identity(&["PSU boot, v1.2, build 77, ok"], "generic", None)]
#[case::of_another(&["ESP-ROM, esp32s3, 20210327, Mar 27 2021", "SPI flash ok"], "rigol", None)]
#[case::for_ever(&["panic", "rebooting"], "generic", Some("`panic` is no identity of a supply"))]
fn a_log_of_its_start_is_no_identity(#[case] log: &[&str], #[case] name: &str, #[case] fails: Option<&str>) {
    let log: Vec<u8> = log.iter().flat_map(|line| format!("{line}\r\n").into_bytes()).collect();
    let (starting, until) = (Micros::from_secs(2), Micros::from_secs(if fails.is_some() { 99 } else { 4 }));
    let link =
        Starting { inner: Box::new(InMemory::new(instrument(name))), log, starting, until, said: false };
    let patient = Settings { first_answer: Micros::from_secs(12), ..SETTINGS };
    match Supply::open(Box::new(link), profile(name), patient) {
        Ok((_, found)) => {
            assert!(fails.is_none(), "{found:?}");
            let greeting = found.greeting.expect("it said something first");
            assert!(
                greeting.contains("PSU boot") || greeting.contains("rst:0x1") || greeting.contains("ESP-ROM")
            );
        }
        Err(error) => {
            let said = error.to_string();
            assert!(fails.is_some_and(|fails| said.contains(fails)), "{said}");
        }
    }
}

/// Hears nothing until it has started; what it is told before is answered with its log once.
struct Starting {
    inner: Box<dyn Link>,
    log: Vec<u8>,
    starting: Micros,
    until: Micros,
    said: bool,
}

impl Link for Starting {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn now(&self) -> Micros {
        self.inner.now()
    }

    fn write(&mut self, bytes: &[u8], until: Micros) -> Result<(), LinkError> {
        if self.now() >= self.until { self.inner.write(bytes, until) } else { Ok(()) }
    }

    fn read(&mut self, buffer: &mut [u8], until: Micros) -> Result<usize, LinkError> {
        if self.said || self.now() >= self.until {
            return self.inner.read(buffer, until);
        }
        self.inner.wait(until);
        if self.now() < self.starting {
            return Ok(0);
        }
        self.said = true;
        let many = self.log.len().min(buffer.len());
        buffer[..many].copy_from_slice(&self.log[..many]);
        Ok(many)
    }

    fn wait(&mut self, until: Micros) {
        self.inner.wait(until);
    }
}
