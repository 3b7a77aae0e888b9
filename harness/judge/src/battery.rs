//! What is declared about a battery: the data sheet the judge holds the measured values against.

use proto::quantity::{AmpHours, Amps, Celsius, Volts};

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
