//! Supplies of makers that have no profile here, in a few lines each: what their manuals have otherwise. Each goes the whole
//! way from who it is to off by a profile of its own words.

use super::super::{Link, SupplyError};
use super::scripted::Scripted;
use super::*;

/// What a word is about.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Of {
    Who,
    Volts,
    Amps,
    Level,
    State,
    MeasuredVolts,
    MeasuredAmps,
    On,
    Off,
}

/// A supply: its words, how it writes an answer, and what ends one. A word with a blank or a comma at its end sets.
struct Own {
    words: &'static [(&'static str, Of)],
    says: fn(Of, f64) -> String,
    end: &'static str,
}

impl Own {
    fn link(self) -> (Box<dyn Link>, Lamp) {
        let lamp = Lamp::default();
        let (theirs, mut volts, mut amps, mut level) = (lamp.clone(), 0.0, 0.0, 66.0);
        let link = Scripted::new(move |bytes| {
            let text = String::from_utf8_lossy(bytes).trim_end_matches(['\r', '\n']).to_owned();
            let mut on = theirs.lock().expect("one thread");
            let known = self.words.iter().find_map(|(word, of)| {
                let sets = word.ends_with([' ', ',']);
                text.strip_prefix(word).filter(|rest| sets || rest.is_empty()).map(|rest| (*of, rest, sets))
            });
            let Some((of, rest, sets)) = known else { return Vec::new() };
            let value = match of {
                Of::On | Of::Off => {
                    *on = of == Of::On;
                    return Vec::new();
                }
                Of::Who => 0.0,
                Of::State => f64::from(u8::from(*on)),
                Of::MeasuredVolts if !*on => 0.0,
                Of::MeasuredAmps => f64::from(u8::from(*on)) * 0.5,
                Of::Volts | Of::MeasuredVolts if !sets => volts,
                Of::Amps if !sets => amps,
                Of::Level if !sets => level,
                Of::Volts | Of::Amps | Of::Level | Of::MeasuredVolts => {
                    let told: f64 = rest.trim().parse().expect("a number");
                    let place = match of {
                        Of::Volts => &mut volts,
                        Of::Amps => &mut amps,
                        _ => &mut level,
                    };
                    *place = told;
                    return Vec::new();
                }
            };
            let said = (self.says)(of, value) + self.end;
            said.bytes().map(|byte| (Micros::from_millis(10), byte)).collect()
        });
        (Box::new(link), lamp)
    }
}

/// The words of a profile, of which each test has its own; everything else is as little as a profile may hold.
fn written(words: &str) -> Profile {
    let text = format!(
        "psu-profile: own\ntitle: one of a test\nstatus: documented\nsource: a test\nserial: {{ baud: 9600, stop-bits: 1 }}\n{words}\n"
    );
    Profile::parse("own.yaml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// TTi CPX400DP: an answer begins with the name of what it is, which is not the question; numbers with and without unit.
#[test]
fn a_number_with_a_name_in_front() {
    let profile = written(
        "line: { send: lf, receive: cr-lf, gap: 10 ms, reply-within: 1 s, quiet: 100 ms, header: true, unsolicited: [] }
identify: { ask: [\"*IDN?\"], begins: [THURLBY] }
output: { on: OP1 1, off: OP1 0, ask: \"OP1?\" }
voltage: { set: \"V1 {volts:2}\", ask: \"V1?\", resolution: 10 mV }
current: { set: \"I1 {amps:2}\", ask: \"I1?\", resolution: 10 mA }
measure: { voltage: \"V1O?\", current: \"I1O?\" }
protection:
  over-voltage: { level: { set: \"OVP1 {volts:1}\", ask: \"OVP1?\", resolution: 100 mV } }
  clear: { commands: [TRIPRST], then: stays-off }",
    );
    let own = Own {
        words: &[
            ("*IDN?", Of::Who),
            ("OP1 1", Of::On),
            ("OP1 0", Of::Off),
            ("OP1?", Of::State),
            ("V1?", Of::Volts),
            ("V1 ", Of::Volts),
            ("I1?", Of::Amps),
            ("I1 ", Of::Amps),
            ("OVP1?", Of::Level),
            ("OVP1 ", Of::Level),
            ("V1O?", Of::MeasuredVolts),
            ("I1O?", Of::MeasuredAmps),
        ],
        says: |of, value| match of {
            Of::Who => "THURLBY THANDAR, CPX400DP, 000001, 1.02-3.00".to_owned(),
            Of::Volts => format!("V1 {value:.2}"),
            Of::Amps => format!("I1 {value:.2}"),
            Of::Level => format!("VP1 {value:.1}"),
            Of::MeasuredVolts => format!("{value:.2}V"),
            Of::MeasuredAmps => format!("{value:.2}A"),
            _ => format!("{value}"),
        },
        end: "\r\n",
    };
    goes_the_whole_way(profile, own.link(), "CPX400DP");
}

/// Siglent SPD3303X (quick start guide; eimparas/Power-Supply-software): no question for the output, which is bit 4 of a
/// status in hexadecimal digits; an identity of five fields. The level of its over-voltage protection is this one's own: it
/// has none that can be set.
#[test]
fn an_output_that_only_a_status_tells_of() {
    let profile = written(
        "channel: \"1\"
line: { send: lf, receive: lf, gap: 50 ms, reply-within: 1 s, quiet: 100 ms, unsolicited: [] }
identify: { ask: [\"*IDN?\"], begins: [Siglent] }
output: { on: \"OUTP CH{channel},ON\", off: \"OUTP CH{channel},OFF\", ask: \"SYST:STAT?\", state: { bit: 4, form: hexadecimal } }
voltage: { set: \"CH{channel}:VOLT {volts:3}\", ask: \"CH{channel}:VOLT?\", resolution: 10 mV }
current: { set: \"CH{channel}:CURR {amps:3}\", ask: \"CH{channel}:CURR?\", resolution: 10 mA }
measure: { voltage: \"MEAS:VOLT? CH{channel}\", current: \"MEAS:CURR? CH{channel}\" }
protection:
  over-voltage: { level: { set: \"OVP {volts:2}\", ask: \"OVP?\", resolution: 100 mV } }
  clear: { commands: [], then: when-switched-on }",
    );
    let own = Own {
        words: &[
            ("*IDN?", Of::Who),
            ("OUTP CH1,ON", Of::On),
            ("OUTP CH1,OFF", Of::Off),
            ("SYST:STAT?", Of::State),
            ("CH1:VOLT?", Of::Volts),
            ("CH1:VOLT ", Of::Volts),
            ("CH1:CURR?", Of::Amps),
            ("CH1:CURR ", Of::Amps),
            ("OVP?", Of::Level),
            ("OVP ", Of::Level),
            ("MEAS:VOLT? CH1", Of::MeasuredVolts),
            ("MEAS:CURR? CH1", Of::MeasuredAmps),
        ],
        says: |of, value| match of {
            Of::Who => "Siglent Technologies,SPD3303X,SPD3EEDC6R0113,1.01.01.02.07R2,V3.0".to_owned(),
            // Independent channels; the second one is on all the time.
            Of::State => format!("0x{:04x}", 0x24 | (value as u32) << 4),
            _ => format!("{value:.3}"),
        },
        end: "\n",
    };
    goes_the_whole_way(profile, own.link(), "SPD3303X");
}

/// No maker before the model, LF CR at the end, the output as a bit that is 1 while it is off in a register that is written bit
/// by bit.
#[test]
fn a_register_bit_by_bit_of_one_without_a_maker() {
    let profile = written(
        "line: { send: cr-lf, receive: lf, gap: 10 ms, reply-within: 1 s, quiet: 100 ms, unsolicited: [] }
identify: { ask: [\"ID?\"], order: [model, serial, firmware], begins: [PSW] }
output: { on: OUT ON, off: OUT OFF, ask: \"STS?\", state: { bit: 18, form: bits, inverted: true } }
voltage: { set: \"VSET {volts:2}\", ask: \"VSET?\", resolution: 10 mV }
current: { set: \"ISET {amps:2}\", ask: \"ISET?\", resolution: 10 mA }
measure: { voltage: \"VGET?\", current: \"IGET?\" }
protection:
  over-voltage: { level: { set: \"OVSET {volts:2}\", ask: \"OVSET?\", resolution: 100 mV } }
  clear: { commands: [], then: when-switched-on }",
    );
    let own = Own {
        words: &[
            ("ID?", Of::Who),
            ("OUT ON", Of::On),
            ("OUT OFF", Of::Off),
            ("STS?", Of::State),
            ("VSET?", Of::Volts),
            ("VSET ", Of::Volts),
            ("ISET?", Of::Amps),
            ("ISET ", Of::Amps),
            ("OVSET?", Of::Level),
            ("OVSET ", Of::Level),
            ("VGET?", Of::MeasuredVolts),
            ("IGET?", Of::MeasuredAmps),
        ],
        says: |of, value| match of {
            Of::Who => "\"PSW80-40.5\",\"TW1234567\",\"01.70\"".to_owned(),
            Of::State => format!("#B{:032b}", u32::from(value == 0.0) << 18),
            _ => format!("{value:+.3E}"),
        },
        end: "\n\r",
    };
    goes_the_whole_way(profile, own.link(), "PSW80-40.5");
}

/// The checksum of the serial language of Genesys (manual, 8.5.5) comes only where somebody asks with one. Behind a number it
/// is none of it, and nothing is believed.
#[test]
fn a_checksum_that_nobody_asked_for() {
    let instrument = instrument("genesys");
    let theirs = instrument.clone();
    let mut now = Micros::ZERO;
    let link = Scripted::new(move |bytes| {
        now += Micros::from_millis(200);
        let mut instrument = at(&theirs);
        instrument.receive(now, bytes);
        let mut said = Vec::new();
        while let Some(ready) = instrument.ready_at() {
            said.extend(instrument.answers(ready));
        }
        if bytes == b"OUT?\r" {
            said.splice(said.len() - 1.., *b"$60\r");
        }
        said.into_iter().map(|byte| (Micros::from_millis(5), byte)).collect()
    });
    let refused = Supply::open(Box::new(link), profile("genesys"), SETTINGS).expect_err("it is refused");
    assert!(matches!(&refused, SupplyError::Garbled { said, .. } if said == "OFF$60"), "{refused}");
}

/// The log of a start that ends in the middle of a line, so that the identity stands behind it: it is asked again.
#[test]
fn an_identity_behind_the_rest_of_a_log() {
    let own = instrument("generic");
    let mut now = Micros::ZERO;
    let mut log = b"\r\nStarting scheduler... ".to_vec();
    let link = Scripted::new(move |bytes| {
        now += Micros::from_millis(50);
        let mut instrument = at(&own);
        instrument.receive(now, bytes);
        let mut said = Vec::new();
        while let Some(ready) = instrument.ready_at() {
            said.extend(instrument.answers(ready));
        }
        if !said.is_empty() {
            said = [std::mem::take(&mut log), said].concat();
        }
        said.into_iter().map(|byte| (Micros::from_millis(5), byte)).collect()
    });
    let patient = Settings { first_answer: Micros::from_secs(12), ..SETTINGS };
    let (supply, found) =
        Supply::open(Box::new(link), profile("generic"), patient).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        (supply.identity().maker.as_str(), found.identity.model.as_str()),
        ("BUSBAR", "SIMULATED PSU")
    );
    assert!(found.greeting.is_some_and(|text| text.starts_with("Starting scheduler...")));
}
