use super::*;
use proptest::prelude::*;
use rstest::rstest;

fn arguments(channel: &Word) -> Arguments<'_> {
    Arguments {
        volts: Some(Volts(48.0)),
        amps: Some(Amps(12.3456)),
        watts: Some(Watts(1500.0)),
        span: Some(Micros::from_millis(2500)),
        channel: Some(channel),
    }
}

#[rstest]
#[case("VOLT {volts:2}", "VOLT 48.00")]
#[case("PC {amps}", "PC 12.346")]
#[case("OUTP CH{channel},ON", "OUTP CH2,ON")]
#[case("SYSTem:COMmunicate:WATchdog SET,{milliseconds}", "SYSTem:COMmunicate:WATchdog SET,2500")]
#[case("OUTP:PROT:WDOG:DEL {seconds}", "OUTP:PROT:WDOG:DEL 2")]
#[case("POW {watts:0}", "POW 1500")]
#[case("*IDN?", "*IDN?")]
fn a_command_is_built(#[case] template: &str, #[case] expected: &str) {
    let channel = "2".parse().expect("a channel");
    let template: Template = template.parse().expect("a template");
    assert_eq!(template.command(&arguments(&channel)).as_deref(), Ok(expected));
}

#[rstest]
#[case("", "empty")]
#[case("VOLT 1;OUTP ON", "';'")]
#[case("VOLT 1\nOUTP ON", "'\\n'")]
#[case("VOLT\0", "'\\0'")]
#[case("VOLT 1 Ω", "'Ω'")]
#[case("VOLT {volt}", "`{volt}` is no slot")]
#[case("VOLT {volts", "no slot")]
#[case("VOLT volts}", "no slot")]
#[case("VOLT {volts:9}", "no slot")]
#[case("ADR {channel:2}", "no slot")]
fn what_is_no_single_command_is_refused(#[case] template: &str, #[case] why: &str) {
    let error = template.parse::<Template>().expect_err("refused").to_string();
    assert!(error.contains(why), "{error}");
}

#[rstest]
#[case("1;OUTP ON")]
#[case("1\n")]
#[case("1\0")]
#[case("１")]
#[case("")]
#[case("12345678901234567")]
fn no_word_ends_a_command(#[case] word: &str) {
    let error = word.parse::<Word>().expect_err("refused").to_string();
    assert!(error.contains("ASCII letters and digits") && !error.contains('\n'), "{error}");
}

#[rstest]
#[case(f64::NAN)]
#[case(f64::INFINITY)]
#[case(-0.1)]
#[case(1e7)]
fn a_value_that_no_supply_takes_is_refused(#[case] volts: f64) {
    let template: Template = "VOLT {volts}".parse().expect("a template");
    let error = template.command(&Arguments { volts: Some(Volts(volts)), ..Arguments::default() });
    assert!(matches!(error, Err(CommandError::OutOfRange { .. })), "{error:?}");
}

#[test]
fn an_empty_slot_is_refused() {
    let template: Template = "VOLT {volts}".parse().expect("a template");
    let error = template.command(&Arguments::default()).expect_err("nothing to put in").to_string();
    assert_eq!(error, "`VOLT {volts}` needs a value for {volts}");
}

#[rstest]
#[case("OUTP? CH{channel}", true)]
#[case("MEAS:VOLT?", true)]
#[case("OUTP ON", false)]
#[case("DISP WHY?", false)]
fn a_query_ends_its_header_with_a_question_mark(#[case] template: &str, #[case] query: bool) {
    assert_eq!(template.parse::<Template>().expect("a template").is_query(), query);
}

proptest! {
    /// Whatever a file holds: one line, one command, plain ASCII.
    #[test]
    fn no_file_smuggles_a_second_command(text in "[ -~]{0,12}(\\{(volts|amps|channel)\\})?\\PC{0,6}", word in "\\PC{0,20}", v in 0.0..1e6) {
        let channel: Result<Word, _> = word.parse();
        let arguments = Arguments {
            volts: Some(Volts(v)), amps: Some(Amps(v)), channel: channel.as_ref().ok(), ..Arguments::default()
        };
        if let Ok(command) = text.parse::<Template>().map(|t| t.command(&arguments).unwrap_or_default()) {
            prop_assert!(command.bytes().all(|b| (0x20..0x7F).contains(&b) && b != b';'), "{command:?}");
        }
    }
}
