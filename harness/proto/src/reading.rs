//! What the instruments beside the CAN bus say: the programmable supply and the GX.

use crate::message::Text8;
use crate::quantity::{AmpHours, Amps, Celsius, Percent, Volts, Watts};

/// One reading of the programmable supply that plays the sun.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PsuReading {
    /// Whether the output is on.
    pub output: bool,
    /// Measured at the terminals.
    pub voltage: Volts,
    /// Measured output current.
    pub current: Amps,
    /// What the supply would give if the charger took it all: voltage setting × current limit.
    pub available: Watts,
}

/// One poll of the GX over Modbus-TCP. A block whose unit did not answer is absent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GxReading {
    /// The battery's own unit (225); absent when the GX has lost the BMS (exception 10).
    pub battery: Option<GxBattery>,
    /// The inverter/charger (VE.Bus).
    pub inverter: Option<GxInverter>,
    /// The solar charger.
    pub solar: Option<GxSolar>,
    /// System and grid (unit 100).
    pub system: Option<GxSystem>,
}

/// Battery block: registers 256–1318 of the CAN-bus BMS unit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GxBattery {
    /// 259
    pub voltage: Volts,
    /// 261, positive when charging
    pub current: Amps,
    /// 262
    pub temperature: Celsius,
    /// 266
    pub soc: Percent,
    /// 304
    pub soh: Percent,
    /// 305
    pub cvl: Volts,
    /// 307
    pub ccl: Amps,
    /// 308
    pub dcl: Amps,
    /// 309
    pub capacity: AmpHours,
    /// 1290
    pub min_cell: Volts,
    /// 1291
    pub max_cell: Volts,
    /// 318 and 319: coldest and warmest cell
    pub min_cell_temperature: Celsius,
    /// see there
    pub max_cell_temperature: Celsius,
    /// 1306, 1310, 1314, 1318: which cell is the lowest, the highest, the coldest, the warmest
    pub cell_ids: [Text8; 4],
    /// 1302–1305
    pub modules: GxModules,
    /// 267–329: one bit per alarm in the order of the 0x35A table, set when shown as alarm (2).
    pub alarms: u16,
    /// 326–329: the same, set when shown as warning (1).
    pub warnings: u16,
}

/// How the modules of a battery are, as the GX counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GxModules {
    /// 1302
    pub offline: u16,
    /// 1303
    pub online: u16,
    /// 1304
    pub blocking_charge: u16,
    /// 1305
    pub blocking_discharge: u16,
}

/// Inverter/charger block.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GxInverter {
    /// 26: DC voltage at the inverter's terminals
    pub dc_voltage: Volts,
    /// 27: DC current, positive when charging
    pub dc_current: Amps,
    /// 22: AC input current limit
    pub input_current_limit: Amps,
    /// 31: whether it inverts or charges (false: off, low-voltage shut-down)
    pub running: bool,
    /// 23: AC output power, the loads
    pub ac_out: Watts,
    /// 12: AC input power, negative when it feeds in
    pub ac_in: Watts,
}

/// Solar charger block.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GxSolar {
    /// 771: voltage at its battery terminals
    pub battery_voltage: Volts,
    /// 772
    pub battery_current: Amps,
    /// 789
    pub pv_power: Watts,
    /// 776
    pub pv_voltage: Volts,
    /// 791: 0 off, 1 voltage- or current-limited, 2 tracking
    pub tracker: u16,
}

/// System block (unit 100).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GxSystem {
    /// 820: grid power, negative when it exports
    pub grid: Watts,
    /// 826: whether the AC input is connected
    pub grid_connected: bool,
    /// 817: AC loads
    pub ac_loads: Watts,
    /// 2707: whether excess DC-coupled PV is fed in
    pub feed_in: bool,
}
