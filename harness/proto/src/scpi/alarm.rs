//! What a supply can say that switched it off.

use schemars::JsonSchema;
use serde::Deserialize;

/// Why a supply switched off by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Alarm {
    /// the voltage was above the protection's level
    OverVoltage,
    /// the current was above the protection's level, or it folded back
    OverCurrent,
    /// the power was above the protection's level
    OverPower,
    /// it is too warm
    OverTemperature,
    /// the mains failed
    PowerFail,
    /// its interlock or shut-off input is open
    Interlock,
    /// nobody spoke to it for as long as its watchdog waits
    Watchdog,
}

impl Alarm {
    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OverVoltage => "over-voltage",
            Self::OverCurrent => "over-current",
            Self::OverPower => "over-power",
            Self::OverTemperature => "over-temperature",
            Self::PowerFail => "power fail",
            Self::Interlock => "interlock",
            Self::Watchdog => "watchdog",
        }
    }
}
