//! What a rig can break on purpose, as one table: the name in suites, the argument with its bounds, and in words.
//!
//! Every fault lasts for a time and then is gone; what it leaves behind (a tripped battery) is the battery's doing.

use core::fmt::{self, Display};
use core::str::FromStr;

use crate::quantity::{Amps, Celsius, Micros, Ohms, Percent, QuantityError, Volts};

/// One fault and how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// what is broken
    pub kind: FaultKind,
    /// for how long
    pub span: Micros,
}

/// One argument of a fault, as suites write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultArgument {
    /// its key
    pub name: &'static str,
    /// what its value looks like
    pub expected: &'static str,
    /// the least and the most it may be, as text
    pub bounds: (&'static str, &'static str),
    /// whether it may be left out
    pub optional: bool,
}

/// A fault as documentation and schemas show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultEntry {
    /// its name in suites, such as `cell-voltage`
    pub name: &'static str,
    /// what it does
    pub meaning: &'static str,
    /// what it takes
    pub arguments: &'static [FaultArgument],
}

/// Why a fault was not understood.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FaultError {
    /// No fault has this name.
    #[error("`{0}` is no fault")]
    Unknown(String),
    /// The fault has no such argument.
    #[error("`{name}` takes no `{argument}`")]
    Argument {
        /// the fault
        name: &'static str,
        /// the argument as it stood
        argument: String,
    },
    /// An argument is missing.
    #[error("`{name}` needs `{argument}`, {expected}")]
    Missing {
        /// the fault
        name: &'static str,
        /// the argument
        argument: &'static str,
        /// what it looks like
        expected: &'static str,
    },
    /// An argument is no such quantity.
    #[error("`{argument}`: {error}")]
    Quantity {
        /// the argument
        argument: &'static str,
        /// what is wrong with it
        error: QuantityError,
    },
    /// An argument is out of bounds.
    #[error("`{argument}: {found}` is out of bounds, expected {low} to {high}")]
    Bounds {
        /// the argument
        argument: &'static str,
        /// the value as it stood
        found: String,
        /// least
        low: &'static str,
        /// most
        high: &'static str,
    },
}

/// An 11-bit identifier as suites write it, such as `0x351`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub u16);

impl Id {
    const EXPECTED: &'static str = "an 11-bit identifier such as `0x351`";
}

impl Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:03X}", self.0)
    }
}

impl FromStr for Id {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let bad = || QuantityError::NotANumber { found: text.to_owned(), expected: Self::EXPECTED };
        let digits = text.trim();
        let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(hex) => u16::from_str_radix(hex, 16),
            None => digits.parse(),
        };
        value.ok().filter(|&id| id <= 0x7FF).map(Self).ok_or_else(bad)
    }
}

/// What an argument may be: a quantity with bounds, or an identifier that may be left out.
trait Argument: Sized {
    const EXPECTED: &'static str;
    const OPTIONAL: bool;
    fn read(
        fault: &'static str,
        name: &'static str,
        text: Option<&str>,
        low: &'static str,
        high: &'static str,
    ) -> Result<Self, FaultError>;
    fn shown(&self) -> Option<String>;
}

impl Argument for Option<Id> {
    const EXPECTED: &'static str = Id::EXPECTED;
    const OPTIONAL: bool = true;

    fn read(
        _: &'static str,
        name: &'static str,
        text: Option<&str>,
        _: &'static str,
        _: &'static str,
    ) -> Result<Self, FaultError> {
        text.map(|t| t.parse().map_err(|error| FaultError::Quantity { argument: name, error })).transpose()
    }

    fn shown(&self) -> Option<String> {
        self.map(|id| id.to_string())
    }
}

macro_rules! argument { ($($t:ty => $shown:path),+) => { $(impl Argument for $t {
    const EXPECTED: &'static str = <$t>::EXPECTED;
    const OPTIONAL: bool = false;

    fn read(
        fault: &'static str,
        name: &'static str,
        text: Option<&str>,
        low: &'static str,
        high: &'static str,
    ) -> Result<Self, FaultError> {
        let text = text.ok_or(FaultError::Missing { name: fault, argument: name, expected: Self::EXPECTED })?;
        let read = |t: &str| t.parse::<Self>().map_err(|error| FaultError::Quantity { argument: name, error });
        let value = read(text)?;
        if read(low)? <= value && value <= read(high)? {
            return Ok(value);
        }
        Err(FaultError::Bounds { argument: name, found: text.to_owned(), low, high })
    }

    fn shown(&self) -> Option<String> {
        Some($shown(*self).to_string())
    }
})+ } }
argument!(
    Amps => Amps::from, Celsius => Celsius::from, Id => Id::from, Micros => Micros::span, Ohms => Ohms::from,
    Percent => Percent::from, Volts => Volts::from
);

macro_rules! faults {
    ($( $(#[doc = $doc:literal])+ $Kind:ident $name:literal { $( $argument:ident: $t:ty = $low:literal ..= $high:literal ),* } )+) => {
        /// What can break.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum FaultKind { $( $(#[doc = $doc])+ $Kind { $(
            #[doc = concat!("from ", $low, " to ", $high)]
            $argument: $t,
        )* }, )+ }

        impl FaultKind {
            /// Every fault, in the order of the documentation.
            pub const ALL: &'static [FaultEntry] = &[ $( FaultEntry {
                name: $name,
                meaning: concat!($($doc),+),
                arguments: &[ $( FaultArgument {
                    name: stringify!($argument),
                    expected: <$t as Argument>::EXPECTED,
                    bounds: ($low, $high),
                    optional: <$t as Argument>::OPTIONAL,
                } ),* ],
            } ),+ ];

            /// Its name in suites.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $( Self::$Kind { .. } => $name ),+ }
            }

            /// Its arguments as text, with units; those that were left out are absent.
            #[must_use]
            pub fn arguments(&self) -> Vec<(&'static str, String)> {
                match self { $( Self::$Kind { $($argument),* } => {
                    let all: Vec<(&'static str, Option<String>)> =
                        vec![ $( (stringify!($argument), $argument.shown()) ),* ];
                    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
                } )+ }
            }

            /// Reads a fault from its name and its arguments.
            ///
            /// # Errors
            /// When the name is unknown or an argument is missing, unknown, of another kind or out of bounds.
            pub fn read(name: &str, arguments: &[(&str, &str)]) -> Result<Self, FaultError> {
                let entry = Self::ALL
                    .iter()
                    .find(|e| e.name == name)
                    .ok_or_else(|| FaultError::Unknown(name.to_owned()))?;
                if let Some((unknown, _)) =
                    arguments.iter().find(|(key, _)| entry.arguments.iter().all(|a| a.name != *key))
                {
                    return Err(FaultError::Argument { name: entry.name, argument: (*unknown).to_owned() });
                }
                match entry.name {
                    $( $name => Ok(Self::$Kind { $(
                        $argument: {
                            let key = stringify!($argument);
                            let text = arguments.iter().find(|(k, _)| *k == key).map(|&(_, text)| text);
                            Argument::read($name, key, text, $low, $high)?
                        },
                    )* }), )+
                    _ => Err(FaultError::Unknown(name.to_owned())),
                }
            }
        }
    };
}

faults! {
    /// the battery reads one cell this much higher than it is
    CellVoltage "cell-voltage" { by: Volts = "-5 V"..="5 V" }
    /// the battery's reading of one cell stands still
    CellStuck "cell-stuck" {}
    /// the battery's voltmeter shows this much more than there is
    PackVoltage "pack-voltage" { by: Volts = "-20 V"..="20 V" }
    /// the battery's ammeter shows this much more than flows
    Current "current" { by: Amps = "-3000 A"..="3000 A" }
    /// the battery's ammeter is wrong by this share
    CurrentGain "current-gain" { by: Percent = "-50 %"..="50 %" }
    /// the battery's shunt is wired the wrong way round
    ShuntReversed "shunt-reversed" {}
    /// the battery's temperature sensors show this much more than it is
    Temperature "temperature" { by: Celsius = "-150 °C"..="150 °C" }
    /// the battery's temperature sensor is disconnected
    TemperatureOpen "temperature-open" {}
    /// the battery's temperature sensor is shorted
    TemperatureShort "temperature-short" {}
    /// the self-test of the battery's electronics fails
    Internal "internal" {}
    /// the battery sees a short circuit
    ShortCircuit "short-circuit" {}
    /// the contactor does not open
    ContactorWelded "contactor-welded" {}
    /// the contactor opens by itself
    ContactorOpen "contactor-open" {}
    /// the contactor opens and closes this late
    ContactorSlow "contactor-slow" { by: Micros = "1 ms"..="60 s" }
    /// one cell resists this much more
    CellResistance "cell-resistance" { by: Percent = "0 %"..="1000 %" }
    /// the battery cable resists this much more
    CableResistance "cable-resistance" { by: Ohms = "0 mΩ"..="100 mΩ" }
    /// the room around the battery has this temperature, and so have its cells
    Ambient "ambient" { at: Celsius = "-40 °C"..="70 °C" }
    /// this share of the frames on the bus is lost, of one identifier or of all
    FrameLoss "frame-loss" { share: Percent = "0 %"..="100 %", id: Option<Id> = "0"..="0x7FF" }
    /// frames of the battery come this much later, of one identifier or of all
    FrameDelay "frame-delay" { by: Micros = "1 ms"..="60 s", id: Option<Id> = "0"..="0x7FF" }
    /// frames of the battery come up to this much later, each by another time
    FrameJitter "frame-jitter" { by: Micros = "1 ms"..="10 s", id: Option<Id> = "0"..="0x7FF" }
    /// once, frames of the battery are held until this long after the one before, of one identifier or of each
    FrameGap "frame-gap" { of: Micros = "1 ms"..="60 s", id: Option<Id> = "0"..="0x7FF" }
    /// frames of one identifier come with bytes missing and bits turned over
    Garble "garble" { id: Id = "0"..="0x7FF" }
    /// the CAN cable is cut between battery and GX
    WireCut "wire-cut" {}
    /// the battery's CAN controller goes bus-off
    BusOff "bus-off" {}
    /// another node fills the bus with frames of this identifier, one each so often
    Babble "babble" { id: Id = "0"..="0x7FF", every: Micros = "250 us"..="10 s" }
    /// the supply trips: its output is off until the fault is over
    PsuTrip "psu-trip" {}
    /// the supply does not answer
    PsuSilent "psu-silent" {}
    /// the solar charger scans for its maximum power point
    TrackerScan "tracker-scan" {}
    /// the GX reboots: it says nothing, controls nothing and has forgotten the battery
    GxReboot "gx-reboot" {}
}

/// In words, such as `cell-voltage by 0.5 V for 10 s`.
impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.kind, self.span.span())
    }
}

/// In words, such as `cell-voltage by 0.5 V`.
impl Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        self.arguments().iter().try_for_each(|(name, value)| write!(f, " {name} {value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn every_bound_of_the_table_can_be_read_and_every_fault_says_its_arguments() {
        for entry in FaultKind::ALL {
            for pick in [0, 1] {
                let bound = |a: &FaultArgument| if pick == 0 { a.bounds.0 } else { a.bounds.1 };
                let arguments: Vec<_> = entry.arguments.iter().map(|a| (a.name, bound(a))).collect();
                let fault = FaultKind::read(entry.name, &arguments).expect(entry.name);
                assert_eq!(fault.name(), entry.name);
                let told = fault.arguments();
                let again: Vec<_> = told.iter().map(|(name, value)| (*name, value.as_str())).collect();
                assert_eq!(FaultKind::read(entry.name, &again), Ok(fault), "{told:?}");
            }
        }
    }

    #[rstest]
    #[case("cell-voltag", &[("by", "1 V")], "`cell-voltag` is no fault")]
    #[case("cell-voltage", &[], "needs `by`")]
    #[case("cell-voltage", &[("by", "1")], "no unit")]
    #[case("cell-voltage", &[("by", "6 V")], "expected -5 V to 5 V")]
    #[case("cell-voltage", &[("by", "1 V"), ("id", "0x351")], "takes no `id`")]
    #[case("babble", &[("id", "0x800"), ("every", "1 ms")], "11-bit identifier")]
    #[case("internal", &[("by", "1 V")], "takes no `by`")]
    fn what_makes_no_sense_is_refused(
        #[case] name: &str,
        #[case] arguments: &[(&str, &str)],
        #[case] says: &str,
    ) {
        let error = FaultKind::read(name, arguments).expect_err("refused").to_string();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn an_identifier_may_be_left_out() {
        let all = FaultKind::read("frame-loss", &[("share", "30 %")]).expect("all identifiers");
        assert_eq!(all, FaultKind::FrameLoss { share: Percent(30.0), id: None });
        assert_eq!(all.to_string(), "frame-loss share 30 %");
        let one = FaultKind::read("frame-loss", &[("share", "30 %"), ("id", "0x351")]).expect("one");
        assert_eq!(one.to_string(), "frame-loss share 30 % id 0x351");
    }
}
