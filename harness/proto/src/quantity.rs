//! Physical quantities: one newtype per kind, so that a volt is never an amp, and text with units
//! so that a file never holds a bare number where a unit belongs.

use std::borrow::Cow;

use core::fmt;
use core::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};
use core::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

/// Why a text is not a quantity. The message says what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// A number without its unit.
    #[error("`{found}` has no unit, expected {expected}")]
    NoUnit {
        /// the text as it stood
        found: String,
        /// what would have been right
        expected: &'static str,
    },
    /// A unit of another kind of quantity, or none that is known.
    #[error("unit `{unit}` does not fit, expected {expected}")]
    WrongUnit {
        /// the unit as it stood
        unit: String,
        /// what would have been right
        expected: &'static str,
    },
    /// No number in front, or one that is not finite or too large.
    #[error("`{found}` is not a number with a unit, expected {expected}")]
    NotANumber {
        /// the text as it stood
        found: String,
        /// what would have been right
        expected: &'static str,
    },
}

/// Splits `56.4 V` into number and unit and scales it to the base unit.
fn parse_scaled(
    text: &str,
    units: &[(&'static str, f64)],
    expected: &'static str,
) -> Result<f64, QuantityError> {
    let trimmed = text.trim();
    let split = trimmed
        .char_indices()
        .find(|&(i, c)| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-') || is_exponent(trimmed, i, c)))
        .map_or(trimmed.len(), |(i, _)| i);
    let (number, unit) = (trimmed[..split].trim(), trimmed[split..].trim());
    let value: f64 = number
        .parse()
        .ok()
        .filter(|v: &f64| v.is_finite())
        .ok_or_else(|| QuantityError::NotANumber { found: text.to_owned(), expected })?;
    if unit.is_empty() {
        return Err(QuantityError::NoUnit { found: text.to_owned(), expected });
    }
    let &(_, scale) = units
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(|| QuantityError::WrongUnit { unit: unit.to_owned(), expected })?;
    let scaled = value * scale;
    if scaled.is_finite() {
        Ok(scaled)
    } else {
        Err(QuantityError::NotANumber { found: text.to_owned(), expected })
    }
}

/// An `e` belongs to the number only when digits follow it (`1e-3 V`), never to the unit.
fn is_exponent(text: &str, at: usize, c: char) -> bool {
    matches!(c, 'e' | 'E')
        && at > 0
        && text[at + 1..].trim_start_matches(['+', '-']).starts_with(|d: char| d.is_ascii_digit())
}

/// The JSON schema of a quantity: a number, then one of its units.
fn text_schema(expected: &str, units: &[&str]) -> Schema {
    let pattern = format!(r"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*({})\s*$", units.join("|"));
    json_schema!({ "type": "string", "description": expected, "pattern": pattern })
}

/// A kind of quantity, for whoever reads or shows one by what a table says of it.
#[derive(Debug, Clone, Copy)]
pub struct Dimension {
    /// the base unit
    pub unit: &'static str,
    /// what a text of it looks like, for messages and schemas
    pub expected: &'static str,
    /// every unit that a text may have
    pub units: &'static [&'static str],
    /// reads a text, in the base unit
    pub read: fn(&str) -> Result<f64, QuantityError>,
}

impl Dimension {
    /// The JSON schema of a text of it.
    #[must_use]
    pub fn schema(&self) -> Schema {
        text_schema(self.expected, self.units)
    }
}

/// Reads a text of it, in its base unit.
impl<'de> DeserializeSeed<'de> for &Dimension {
    type Value = f64;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<f64, D::Error> {
        d.deserialize_str(TextVisitor { expected: self.expected, make: self.read })
    }
}

struct TextVisitor<T> {
    expected: &'static str,
    make: fn(&str) -> Result<T, QuantityError>,
}

impl<T> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.make)(text).map_err(E::custom)
    }

    fn visit_bool<E: serde::de::Error>(self, v: bool) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Bool(v), &self.expected))
    }
}

macro_rules! quantity {
    ($( $(#[$doc:meta])* $name:ident, $base:literal, [$( $unit:literal = $scale:expr ),+], $expected:literal; )+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
        pub struct $name(pub f64);

        impl $name {
            /// The unit that the number inside is in.
            pub const UNIT: &'static str = $base;
            /// Zero of this quantity.
            pub const ZERO: Self = Self(0.0);
            /// What a text of this quantity looks like, for messages and schemas.
            pub const EXPECTED: &'static str = $expected;
            /// The same for tables.
            pub const DIMENSION: Dimension = Dimension {
                unit: $base,
                expected: $expected,
                units: &[$($unit),+],
                read: |text| text.parse().map(|Self(v)| v),
            };
            /// Magnitude without sign.
            #[must_use] pub fn abs(self) -> Self { Self(self.0.abs()) }
            /// The smaller of two.
            #[must_use] pub fn min(self, other: Self) -> Self { Self(self.0.min(other.0)) }
            /// The larger of two.
            #[must_use] pub fn max(self, other: Self) -> Self { Self(self.0.max(other.0)) }
        }

        impl Add for $name { type Output = Self; fn add(self, o: Self) -> Self { Self(self.0 + o.0) } }
        impl Sub for $name { type Output = Self; fn sub(self, o: Self) -> Self { Self(self.0 - o.0) } }
        impl Neg for $name { type Output = Self; fn neg(self) -> Self { Self(-self.0) } }
        impl Mul<f64> for $name { type Output = Self; fn mul(self, k: f64) -> Self { Self(self.0 * k) } }
        impl Div<f64> for $name { type Output = Self; fn div(self, k: f64) -> Self { Self(self.0 / k) } }
        impl Div for $name { type Output = f64; fn div(self, o: Self) -> f64 { self.0 / o.0 } }
        impl AddAssign for $name { fn add_assign(&mut self, o: Self) { self.0 += o.0 } }
        impl SubAssign for $name { fn sub_assign(&mut self, o: Self) { self.0 -= o.0 } }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if let Some(p) = f.precision() { write!(f, "{:.p$} {}", unsigned_zero(self.0, p), $base) }
                else { write!(f, "{} {}", self.0 + 0.0, $base) }
            }
        }

        impl FromStr for $name {
            type Err = QuantityError;
            fn from_str(text: &str) -> Result<Self, QuantityError> {
                parse_scaled(text, &[$(($unit, $scale)),+], $expected).map(Self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                d.deserialize_str(TextVisitor { expected: $expected, make: |t| t.parse() })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                text_schema($expected, &[$($unit),+])
            }
        }
    )+ };
}

quantity! {
    /// Electric potential.
    Volts, "V", ["V" = 1.0, "mV" = 1e-3, "kV" = 1e3], "a voltage such as `56.4 V`";
    /// Electric current; for a battery, positive charges it (P 2 §0x356).
    Amps, "A", ["A" = 1.0, "mA" = 1e-3], "a current such as `25 A`";
    /// Power.
    Watts, "W", ["W" = 1.0, "kW" = 1e3], "a power such as `4 kW`";
    /// Resistance.
    Ohms, "Ω", ["Ω" = 1.0, "Ohm" = 1.0, "mΩ" = 1e-3, "mOhm" = 1e-3], "a resistance such as `0.22 mΩ`";
    /// Capacitance.
    Farads, "F", ["F" = 1.0, "mF" = 1e-3], "a capacitance such as `20 mF`";
    /// Charge.
    AmpHours, "Ah", ["Ah" = 1.0, "mAh" = 1e-3], "a charge such as `280 Ah`";
    /// Energy.
    WattHours, "Wh", ["Wh" = 1.0, "kWh" = 1e3], "an energy such as `14.3 kWh`";
    /// Temperature on the Celsius scale.
    Celsius, "°C", ["°C" = 1.0], "a temperature such as `25 °C`";
    /// A share of a whole, 100 % being all of it; may be negative where it is a deviation.
    Percent, "%", ["%" = 1.0], "a share such as `97 %`";
    /// A current relative to capacity: 1 C discharges the battery in an hour.
    CRate, "C", ["C" = 1.0], "a rate such as `0.5 C`";
    /// Bit rate of a bus.
    BitRate, "kbit/s", ["kbit/s" = 1.0, "Mbit/s" = 1e3], "a bit rate such as `500 kbit/s`";
    /// Rate of change of power.
    WattsPerSecond, "W/s", ["W/s" = 1.0, "kW/s" = 1e3], "a power ramp such as `1000 W/s`";
    /// Rate of change of voltage.
    VoltsPerSecond, "V/s", ["V/s" = 1.0, "mV/s" = 1e-3, "V/ms" = 1e3], "a voltage ramp such as `0.1 V/s`";
    /// Heat capacity.
    JoulesPerKelvin, "J/K", ["J/K" = 1.0, "kJ/K" = 1e3], "a heat capacity such as `5.4 kJ/K`";
    /// Thermal conductance.
    WattsPerKelvin, "W/K", ["W/K" = 1.0], "a thermal conductance such as `0.4 W/K`";
    /// Molar energy, for Arrhenius laws.
    JoulesPerMole, "J/mol", ["J/mol" = 1.0, "kJ/mol" = 1e3], "a molar energy such as `20 kJ/mol`";
    /// How often something happens.
    PerHour, "/h", ["/h" = 1.0], "a count per time such as `6 /h`";
    /// A slow movement of a voltage, or its total travel.
    VoltsPerHour, "V/h", ["V/h" = 1.0, "mV/h" = 1e-3], "a voltage per time such as `1.5 V/h`";
    /// A share of capacity gained or lost per time.
    PercentPerHour, "%/h", ["%/h" = 1.0], "a share per time such as `1.5 %/h`";
    /// A slow loss of charge, as share of capacity.
    PercentPerMonth, "%/month", ["%/month" = 1.0], "a loss such as `2.5 %/month`";
}

impl Mul<Amps> for Volts {
    type Output = Watts;
    fn mul(self, i: Amps) -> Watts {
        Watts(self.0 * i.0)
    }
}
impl Mul<Amps> for Ohms {
    type Output = Volts;
    fn mul(self, i: Amps) -> Volts {
        Volts(self.0 * i.0)
    }
}
impl Div<Volts> for Watts {
    type Output = Amps;
    fn div(self, u: Volts) -> Amps {
        Amps(self.0 / u.0)
    }
}

/// A point in time since the start of a run, or a span of time: whole microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(pub u64);

impl Micros {
    /// The start of the run; an empty span.
    pub const ZERO: Self = Self(0);
    /// A time that does not come.
    pub const NEVER: Self = Self(u64::MAX);
    /// What a text of a span looks like, for messages and schemas.
    pub const EXPECTED: &'static str = "a time such as `20 s`, `90 min` or `3 h`";

    /// A span of whole seconds.
    #[must_use]
    pub const fn from_secs(s: u64) -> Self {
        Self(s * 1_000_000)
    }
    /// A span of whole milliseconds.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * 1_000)
    }
    /// The same in seconds, for arithmetic with quantities.
    #[must_use]
    pub fn secs(self) -> f64 {
        self.0 as f64 * 1e-6
    }
    /// Without what is less than a second.
    #[must_use]
    pub const fn whole(self) -> Self {
        Self(self.0 - self.0 % 1_000_000)
    }
    /// The same as a span, for people and files: `90 min`.
    #[must_use]
    pub const fn span(self) -> Span {
        Span(self)
    }
    /// The span since `earlier`, zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Micros {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self(self.0 + o.0)
    }
}
impl AddAssign for Micros {
    fn add_assign(&mut self, o: Self) {
        self.0 += o.0;
    }
}
impl Mul<u64> for Micros {
    type Output = Self;
    fn mul(self, k: u64) -> Self {
        Self(self.0 * k)
    }
}

/// `h:mm:ss`, with a fraction only where there is one: how a lab log writes a time of a run.
/// A value that is zero to so many decimals has no sign: nobody reads `-0 A`.
fn unsigned_zero(value: f64, decimals: usize) -> f64 {
    let half = 0.5 * 10_f64.powi(-i32::try_from(decimals).unwrap_or(i32::MAX));
    if value.abs() < half { 0.0 } else { value }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (s, us) = (self.0 / 1_000_000, self.0 % 1_000_000);
        write!(f, "{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)?;
        if us == 0 {
            Ok(())
        } else {
            let text = format!("{us:06}");
            write!(f, ".{}", text.trim_end_matches('0'))
        }
    }
}

/// A span as people say it, without loss: `20 s`, `1.5 ms`, `90 min`, `3 h 20 min`. It reads back as the same [`Micros`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Micros);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Up to here one unit says it best: `90 min`, not `1 h 30 min`.
        const ONE_UNIT: u64 = 100;
        let us = self.0.0;
        let (h, min, s) = (3_600_000_000, 60_000_000, 1_000_000);
        if us > 0 && us < s {
            let (unit, scale) = if us < 1_000 { ("µs", 1.0) } else { ("ms", 1e3) };
            return write!(f, "{} {unit}", us as f64 / scale);
        }
        let whole =
            [("h", h), ("min", min), ("s", s)].into_iter().find(|(_, scale)| us.is_multiple_of(*scale));
        match whole {
            Some((unit, scale)) if us > 0 && (scale == h || us / scale < ONE_UNIT) => {
                return write!(f, "{} {unit}", us / scale);
            }
            _ if us < min => return write!(f, "{} s", us as f64 / 1e6),
            _ => {}
        }
        let mut gap = "";
        for (count, unit) in [(us / h, "h"), (us % h / min, "min")] {
            if count > 0 {
                write!(f, "{gap}{count} {unit}")?;
                gap = " ";
            }
        }
        if us.is_multiple_of(min) { Ok(()) } else { write!(f, "{gap}{} s", (us % min) as f64 / 1e6) }
    }
}

const TIME_UNITS: [(&str, f64); 7] =
    [("us", 1.0), ("µs", 1.0), ("ms", 1e3), ("s", 1e6), ("min", 60e6), ("h", 3600e6), ("d", 86_400e6)];

impl FromStr for Micros {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let us = if words.len() > 2 && words.len().is_multiple_of(2) {
            // `3 h 20 min`
            let parts =
                words.chunks(2).map(|part| parse_scaled(&part.join(" "), &TIME_UNITS, Self::EXPECTED));
            parts.map(|part| part.map(f64::abs)).sum::<Result<f64, _>>()?
        } else {
            parse_scaled(text, &TIME_UNITS, Self::EXPECTED)?
        };
        // A century bounds every sum of two spans far below the range of the integer.
        if (0.0..=3.2e15).contains(&us) {
            Ok(Self(us.round() as u64))
        } else {
            Err(QuantityError::NotANumber { found: text.to_owned(), expected: Self::EXPECTED })
        }
    }
}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_str(TextVisitor { expected: Self::EXPECTED, make: |t| t.parse() })
            .map_err(D::Error::custom)
    }
}

impl JsonSchema for Micros {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let units = TIME_UNITS.map(|(unit, _)| unit).join("|");
        let pattern = format!(r"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*({units})(\s+[0-9.]+\s+({units}))*\s*$");
        json_schema!({ "type": "string", "description": Self::EXPECTED, "pattern": pattern })
    }
}

/// Written as whole microseconds, the form in which evidence keeps time.
impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn nothing_has_no_sign() {
        assert_eq!(Amps(-0.0).to_string(), "0 A");
        assert_eq!(format!("{:.0} {:.1}", Amps(-0.3), Volts(-0.04)), "0 A 0.0 V");
        assert_eq!(format!("{:.1} {}", Volts(-0.06), Amps(-0.3)), "-0.1 V -0.3 A");
    }

    #[rstest]
    #[case("56.4 V", 56.4)]
    #[case("56.4V", 56.4)]
    #[case("3400 mV", 3.4)]
    #[case("-1e-1 V", -0.1)]
    fn voltages(#[case] text: &str, #[case] volts: f64) {
        let parsed: Volts = text.parse().expect("a voltage");
        assert!((parsed.0 - volts).abs() < 1e-12);
    }

    #[rstest]
    #[case("56.4", "no unit")]
    #[case("56.4 A", "does not fit")]
    #[case("V", "not a number")]
    #[case("inf V", "not a number")]
    #[case("1e400 V", "not a number")]
    #[case("", "not a number")]
    #[case("5 V V", "does not fit")]
    fn refused(#[case] text: &str, #[case] why: &str) {
        let error = text.parse::<Volts>().expect_err("refused").to_string();
        assert!(error.contains(why), "{error}");
        assert!(error.contains("56.4 V"), "the message shows an example: {error}");
    }

    #[rstest]
    #[case("20 s", 20_000_000, "0:00:20")]
    #[case("90 min", 5_400_000_000, "1:30:00")]
    #[case("1.5 ms", 1_500, "0:00:00.0015")]
    #[case("2 d", 172_800_000_000, "48:00:00")]
    #[case("1 h 2 min 3.5 s", 3_723_500_000, "1:02:03.5")]
    fn times(#[case] text: &str, #[case] us: u64, #[case] shown: &str) {
        let t: Micros = text.parse().expect("a time");
        assert_eq!(t, Micros(us));
        assert_eq!(t.to_string(), shown);
    }

    #[rstest]
    #[case(0, "0 s")]
    #[case(250, "250 µs")]
    #[case(1_500, "1.5 ms")]
    #[case(250_000, "250 ms")]
    #[case(2_900_000, "2.9 s")]
    #[case(20_000_000, "20 s")]
    #[case(90_000_000, "90 s")]
    #[case(150_000_000, "2 min 30 s")]
    #[case(5_400_000_000, "90 min")]
    #[case(12_000_000_000, "3 h 20 min")]
    #[case(3_723_500_000, "1 h 2 min 3.5 s")]
    #[case(2_592_000_000_000, "720 h")]
    fn spans(#[case] us: u64, #[case] shown: &str) {
        assert_eq!(Micros(us).span().to_string(), shown);
        assert_eq!(shown.parse(), Ok(Micros(us)), "without loss");
    }

    #[rstest]
    #[case("1 h 2")]
    #[case("1 h 2 V")]
    #[case("1 h h 2")]
    fn no_span(#[case] text: &str) {
        assert!(text.parse::<Micros>().is_err(), "{text}");
    }

    proptest::proptest! {
        #[test]
        fn a_span_reads_back_as_the_same(us in 0..3_000_000_000_000_000_u64) {
            proptest::prop_assert_eq!(Micros(us).span().to_string().parse(), Ok(Micros(us)));
        }
    }
}
