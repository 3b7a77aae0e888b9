//! What is declared about a battery: the data sheet the judge holds the measured values against.

use crate::thresholds::fixed::{TELLING, UP_TO_12_V, UP_TO_24_V};
use proto::quantity::{AmpHours, Amps, Celsius, Volts, Watts};

/// Declared facts of a battery, from its file in `rigs/batteries/`.
#[derive(Debug, Clone, PartialEq)]
pub struct Battery {
    /// file name without ending, such as `reference`
    pub name: String,
    /// cells in series
    pub cells: u16,
    /// installed capacity
    pub capacity: AmpHours,
    /// highest charge voltage limit it may ever send
    pub max_charge_voltage: Volts,
    /// lowest pack voltage it is allowed to reach
    pub min_voltage: Volts,
    /// cell voltage at which the BMS itself disconnects
    pub cell_over_voltage: Volts,
    /// cell voltage at which the BMS itself forbids discharge
    pub cell_under_voltage: Volts,
    /// largest charge current it declares
    pub max_charge_current: Amps,
    /// largest discharge current it declares
    pub max_discharge_current: Amps,
    /// highest cell temperature
    pub max_temperature: Celsius,
}

impl Battery {
    /// The system that it is for: 12, 24 or 48 V, by its highest charge voltage.
    #[must_use]
    pub fn system_voltage(&self) -> Volts {
        match self.max_charge_voltage {
            v if v <= UP_TO_12_V => Volts(12.0),
            v if v <= UP_TO_24_V => Volts(24.0),
            _ => Volts(48.0),
        }
    }

    /// What it is charged with where it is tried: what it declares, and no more than half of its capacity in an hour. The
    /// suites are written for a battery that declares just that.
    #[must_use]
    pub fn charge_power(&self) -> Watts {
        let half = Amps(self.capacity.0 / 2.0);
        self.max_charge_voltage * self.max_charge_current.min(half)
    }

    /// The least power that says something where this battery is tried: `least`, and less for one that takes little.
    #[must_use]
    pub fn telling(&self, least: Watts) -> Watts {
        least.min(self.charge_power() * TELLING)
    }

    /// Its system voltage as a share of 48 V, for which the document gives its numbers.
    #[must_use]
    pub fn share_of_48_v(&self) -> f64 {
        self.system_voltage() / Volts(48.0)
    }
}
