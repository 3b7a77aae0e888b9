//! Replies of a supply: numbers with or without a unit, states, counts of bits (SCPI-99 Vol. 1, 7.2 and 8).

use crate::quantity::{Amps, Volts, Watts};
use schemars::JsonSchema;
use serde::Deserialize;

/// Why a reply is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// No number in front.
    #[error("no number")]
    NotANumber,
    /// Another unit than was asked for.
    #[error("the unit `{found}` where `{expected}` belongs")]
    Unit {
        /// as it stood
        found: String,
        /// what was asked for
        expected: &'static str,
    },
    /// This supply always writes the unit: the line was cut or belongs to another question.
    #[error("no unit, and this supply always writes `{0}`")]
    NoUnit(&'static str),
    /// 9.9E37 or −9.9E37, how SCPI writes infinity: an overload, never a value.
    #[error("infinite (9.9E37), which is how a supply says overload")]
    Infinite,
    /// 9.91E37, how SCPI writes "not a number".
    #[error("not a number (9.91E37), which is how a supply says that it has none")]
    Undefined,
    /// Neither on nor off.
    #[error("neither ON, OFF, YES, NO, 1 nor 0")]
    NotAState,
    /// Fewer fields than the one asked for.
    #[error("no field {0}, counted from 1")]
    NoField(usize),
    /// No whole number of 0 to 4294967295.
    #[error("no register of up to 32 bits")]
    NotARegister,
}

/// Whether a supply writes units behind its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Units {
    /// a number is accepted with and without its unit
    #[default]
    Optional,
    /// every measured or read back number carries its unit; one without is a reply to something else
    Always,
}

/// One line that a supply answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply<'a>(pub &'a str);

impl<'a> Reply<'a> {
    /// One field of an answer with commas or blanks between its fields, counted from 1.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn field(self, number: usize) -> Result<Self, ReplyError> {
        let mut fields =
            self.0.split(|c: char| c == ',' || c.is_whitespace()).filter(|field| !field.is_empty());
        let at = number.checked_sub(1).ok_or(ReplyError::NoField(number))?;
        fields.nth(at).map(Reply).ok_or(ReplyError::NoField(number))
    }
}

impl Reply<'_> {
    /// A voltage.
    ///
    /// # Errors
    /// When it is none, or a mark instead of a value.
    pub fn volts(self, units: Units) -> Result<Volts, ReplyError> {
        self.quantity(Volts::UNIT, units).map(Volts)
    }

    /// A current.
    ///
    /// # Errors
    /// When it is none, or a mark instead of a value.
    pub fn amps(self, units: Units) -> Result<Amps, ReplyError> {
        self.quantity(Amps::UNIT, units).map(Amps)
    }

    /// A power.
    ///
    /// # Errors
    /// When it is none, or a mark instead of a value.
    pub fn watts(self, units: Units) -> Result<Watts, ReplyError> {
        self.quantity(Watts::UNIT, units).map(Watts)
    }

    /// On or off, in each way that supplies write it.
    ///
    /// # Errors
    /// When it is neither.
    pub fn state(self) -> Result<bool, ReplyError> {
        match self.0.trim().to_ascii_uppercase().as_str() {
            "1" | "+1" | "ON" | "YES" => Ok(true),
            "0" | "+0" | "-0" | "OFF" | "NO" => Ok(false),
            _ => Err(ReplyError::NotAState),
        }
    }

    /// A status register, written as a decimal number.
    ///
    /// # Errors
    /// When it is no whole number of 32 bits.
    pub fn register(self) -> Result<u32, ReplyError> {
        let (value, rest) = self.number()?;
        if rest.is_empty() && (0.0..=f64::from(u32::MAX)).contains(&value) && value.fract() == 0.0 {
            Ok(value as u32)
        } else {
            Err(ReplyError::NotARegister)
        }
    }

    /// A status register, written in hexadecimal digits, as they are or behind `0x` or `#H` (IEEE 488.2, 8.7.8).
    ///
    /// # Errors
    /// When it is no number of up to eight such digits.
    pub fn hex_register(self) -> Result<u32, ReplyError> {
        self.digits(16, &["0x", "0X", "#H", "#h"])
    }

    /// A status register, written bit by bit, as they are or behind `0b` or `#B` (IEEE 488.2, 8.7.10).
    ///
    /// # Errors
    /// When it is no number of up to 32 such digits.
    pub fn bit_register(self) -> Result<u32, ReplyError> {
        self.digits(2, &["0b", "0B", "#B", "#b"])
    }

    fn digits(self, radix: u32, prefixes: &[&str]) -> Result<u32, ReplyError> {
        let text = self.0.trim();
        let digits = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
        if digits.chars().all(|c| c.is_digit(radix)) {
            u32::from_str_radix(digits, radix).map_err(|_| ReplyError::NotARegister)
        } else {
            Err(ReplyError::NotARegister)
        }
    }

    /// A status register that is sent as one byte, without digits.
    ///
    /// # Errors
    /// When it is not one byte.
    pub fn byte_register(self) -> Result<u32, ReplyError> {
        let mut characters = self.0.chars();
        let byte = characters.next().and_then(|character| u8::try_from(character).ok());
        byte.filter(|_| characters.next().is_none()).map(u32::from).ok_or(ReplyError::NotARegister)
    }

    fn quantity(self, unit: &'static str, units: Units) -> Result<f64, ReplyError> {
        let (value, rest) = self.number()?;
        let scale = match rest.strip_suffix(unit) {
            Some("") => 1.0,
            Some("m") => 1e-3,
            Some("k") => 1e3,
            _ if !rest.is_empty() => {
                return Err(ReplyError::Unit { found: rest.to_owned(), expected: unit });
            }
            _ if units == Units::Always => return Err(ReplyError::NoUnit(unit)),
            _ => 1.0,
        };
        Ok(value * scale)
    }

    /// The number in front and what stands behind it.
    fn number(&self) -> Result<(f64, &str), ReplyError> {
        let text = self.0.trim();
        let (number, rest) = text.split_at(decimal(text.as_bytes()));
        let value: f64 = number.parse().map_err(|_| ReplyError::NotANumber)?;
        match value.abs() {
            size if !size.is_finite() => Err(ReplyError::NotANumber),
            // 9.9E37 and 9.91E37 differ by a thousandth; a tenth of that allows for how each is rounded.
            size if (size / 9.91e37 - 1.0).abs() < 1e-4 => Err(ReplyError::Undefined),
            size if size >= 9.899e37 => Err(ReplyError::Infinite),
            _ => Ok((value, rest.trim_start())),
        }
    }
}

/// How many bytes in front are a decimal number: sign, digits, point, digits, exponent.
fn decimal(text: &[u8]) -> usize {
    let digits = |from: usize| text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let sign = |at: usize| usize::from(matches!(text.get(at), Some(b'+' | b'-')));
    let mut end = sign(0);
    end += digits(end);
    if text.get(end) == Some(&b'.') {
        end += 1;
        end += digits(end);
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let from = end + 1 + sign(end + 1);
        let many = digits(from);
        if many > 0 {
            end = from + many;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("48.00 V", 48.0)]
    #[case("+0", 0.0)]
    #[case("-0.00", 0.0)]
    #[case("+4.80000E+01", 48.0)]
    #[case("4.8e1V", 48.0)]
    #[case("12500 mV", 12.5)]
    #[case("0.06kV", 60.0)]
    #[case(" 7. ", 7.0)]
    #[case(".5", 0.5)]
    fn voltages(#[case] text: &str, #[case] volts: f64) {
        let read = Reply(text).volts(Units::Optional).expect("a voltage");
        assert!((read.0 - volts).abs() < 1e-12, "{read}");
    }

    #[rstest]
    #[case("9.9E37", ReplyError::Infinite)]
    #[case("-9.90000000E+37", ReplyError::Infinite)]
    #[case("9.91E37", ReplyError::Undefined)]
    #[case("1e40", ReplyError::Infinite)]
    #[case("1e400", ReplyError::NotANumber)]
    #[case("nan", ReplyError::NotANumber)]
    #[case("inf", ReplyError::NotANumber)]
    #[case("", ReplyError::NotANumber)]
    #[case("V", ReplyError::NotANumber)]
    #[case("1.2.3", ReplyError::Unit { found: ".3".to_owned(), expected: "V" })]
    #[case("1.2 A", ReplyError::Unit { found: "A".to_owned(), expected: "V" })]
    #[case("1.2 µV", ReplyError::Unit { found: "µV".to_owned(), expected: "V" })]
    #[case("12,5", ReplyError::Unit { found: ",5".to_owned(), expected: "V" })]
    #[case("1-1", ReplyError::Unit { found: "-1".to_owned(), expected: "V" })]
    fn marks_and_nonsense_are_no_voltage(#[case] text: &str, #[case] error: ReplyError) {
        assert_eq!(Reply(text).volts(Units::Optional), Err(error));
    }

    #[test]
    fn a_supply_that_always_writes_units_answered_something_else() {
        assert_eq!(Reply("48.0").volts(Units::Always), Err(ReplyError::NoUnit("V")));
        assert_eq!(Reply("48.0 V").volts(Units::Always), Ok(Volts(48.0)));
        assert_eq!(Reply("3.5 A").amps(Units::Always), Ok(Amps(3.5)));
        assert_eq!(Reply("1.5 kW").watts(Units::Always), Ok(Watts(1500.0)));
    }

    #[rstest]
    #[case("ON", Ok(true))]
    #[case("off", Ok(false))]
    #[case("1", Ok(true))]
    #[case("+0", Ok(false))]
    #[case("YES", Ok(true))]
    #[case(" NO ", Ok(false))]
    #[case("2", Err(ReplyError::NotAState))]
    #[case("", Err(ReplyError::NotAState))]
    fn states(#[case] text: &str, #[case] state: Result<bool, ReplyError>) {
        assert_eq!(Reply(text).state(), state);
    }

    #[rstest]
    #[case("128", Ok(128))]
    #[case("+1.28E2", Ok(128))]
    #[case("4294967295", Ok(u32::MAX))]
    #[case("4294967296", Err(ReplyError::NotARegister))]
    #[case("-1", Err(ReplyError::NotARegister))]
    #[case("1.5", Err(ReplyError::NotARegister))]
    #[case("1 V", Err(ReplyError::NotARegister))]
    fn registers(#[case] text: &str, #[case] bits: Result<u32, ReplyError>) {
        assert_eq!(Reply(text).register(), bits);
    }

    #[rstest]
    #[case("10", Ok(0x10))]
    #[case("0x00A4", Ok(0xA4))]
    #[case("0X0224", Ok(0x224))]
    #[case("+1", Err(ReplyError::NotARegister))]
    #[case("", Err(ReplyError::NotARegister))]
    #[case("#HA4", Ok(0xA4))]
    #[case("123456789", Err(ReplyError::NotARegister))]
    fn hexadecimal_registers(#[case] text: &str, #[case] bits: Result<u32, ReplyError>) {
        assert_eq!(Reply(text).hex_register(), bits);
    }

    #[rstest]
    #[case("00100100", Ok(0x24))]
    #[case("#B101", Ok(5))]
    #[case("0000 0001", Err(ReplyError::NotARegister))]
    #[case("2", Err(ReplyError::NotARegister))]
    #[case("", Err(ReplyError::NotARegister))]
    fn registers_bit_by_bit(#[case] text: &str, #[case] bits: Result<u32, ReplyError>) {
        assert_eq!(Reply(text).bit_register(), bits);
    }

    proptest! {
        #[test]
        fn what_is_written_plainly_is_read_the_same(value in -1e6..1e6_f64) {
            for text in [format!("{value}"), format!("{value:e}"), format!("{value} V"), format!("{value:E}V")] {
                prop_assert_eq!(Reply(&text).volts(Units::Optional), Ok(Volts(value)), "{}", text);
            }
        }

        #[test]
        fn no_reply_panics_or_is_infinite(text in "\\PC{0,24}") {
            let reply = Reply(&text);
            if let Ok(volts) = reply.volts(Units::Optional) {
                prop_assert!(volts.0.abs() < 9.9e40);
            }
            let _ = (reply.state(), reply.register(), reply.hex_register(), reply.bit_register());
        }
    }
}
