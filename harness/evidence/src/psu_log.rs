//! `psu.log`: what the supply measured, a line each:
//!
//! ```text
//! (12.000000) = output=on voltage=120 current=7.5 available=4000 input=310
//! ```
//!
//! Times are seconds since the start of the run, values volts, amperes and watts, with as many digits as it takes to
//! read back the very same value. `input` counts what was recorded in the case before, on any wire.

use proto::quantity::{Amps, Micros, Volts, Watts};
use proto::reading::PsuReading;

use crate::raw::Fault;
use crate::stamp;

/// The line of a reading, with its line break. `at` is since the start of the run.
#[must_use]
pub fn reading(at: Micros, input: u64, reading: &PsuReading) -> String {
    format!(
        "({}) = output={} voltage={} current={} available={} input={input}\n",
        stamp::write(at),
        if reading.output { "on" } else { "off" },
        reading.voltage.0,
        reading.current.0,
        reading.available.0
    )
}

/// A line read back: when, how much was recorded before it, and what was measured.
///
/// # Errors
/// When it is none.
pub fn parse(line: &str) -> Result<(Micros, u64, PsuReading), Fault> {
    let (at, rest) = stamp::bracketed(line)
        .ok_or_else(|| Fault::new(line, "a time in brackets, such as `(12.000250) `"))?;
    let expected = "`= output=on voltage=120 current=7.5 available=4000 input=310`";
    let wrong = || Fault::new(line, expected);
    let mut words = rest.strip_prefix("= ").ok_or_else(wrong)?.split(' ');
    let mut value = |name: &str| {
        let word = words.next()?;
        word.strip_prefix(name)?.strip_prefix('=')
    };
    let output = match value("output").ok_or_else(wrong)? {
        "on" => true,
        "off" => false,
        _ => return Err(wrong()),
    };
    let mut number = |name| value(name)?.parse().ok().filter(|v: &f64| v.is_finite());
    let reading = PsuReading {
        output,
        voltage: Volts(number("voltage").ok_or_else(wrong)?),
        current: Amps(number("current").ok_or_else(wrong)?),
        available: Watts(number("available").ok_or_else(wrong)?),
    };
    let input = value("input").and_then(|n| n.parse().ok()).ok_or_else(wrong)?;
    if words.next().is_some() {
        return Err(wrong());
    }
    Ok((at, input, reading))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::cut("(12.000000) = output=on voltage=120 curr")]
    #[case::no_number("(12.000000) = output=on voltage=x current=0 available=0 input=1")]
    #[case::no_end("(12.000000) = output=on voltage=1e999 current=0 available=0 input=1")]
    #[case::no_order("(12.000000) = voltage=1 output=on current=0 available=0 input=1")]
    #[case::more("(12.000000) = output=on voltage=1 current=0 available=0 input=1 x")]
    #[case::no_time("12 = output=on voltage=1 current=0 available=0 input=1")]
    #[case::nothing("")]
    fn what_is_no_line_is_refused(#[case] line: &str) {
        assert!(parse(line).is_err());
    }

    proptest! {
        #[test]
        fn reads_back_the_same(
            at: u64, input: u64, output: bool,
            numbers in prop::array::uniform3(any::<f64>().prop_filter("finite", |v| v.is_finite())),
        ) {
            let [voltage, current, available] = numbers;
            let (voltage, current, available) = (Volts(voltage), Amps(current), Watts(available));
            let what = PsuReading { output, voltage, current, available };
            let line = reading(Micros(at), input, &what);
            prop_assert_eq!(parse(line.trim_end()), Ok((Micros(at), input, what)));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
