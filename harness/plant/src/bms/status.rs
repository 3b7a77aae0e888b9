//! What a management system would say of its battery.

use proto::message::Alarms;
use proto::quantity::{AmpHours, Amps, Celsius, Percent, Volts, WattHours};

/// What the battery would say now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Status {
    pub(super) cvl: Volts,
    pub(super) ccl: Amps,
    pub(super) dcl: Amps,
    pub(super) min_voltage: Volts,
    pub(super) soc: Percent,
    pub(super) pack: Volts,
    pub(super) current: Amps,
    pub(super) min_temperature: Celsius,
    pub(super) max_temperature: Celsius,
    pub(super) lowest: (usize, Volts),
    pub(super) highest: (usize, Volts),
    pub(super) alarms: Alarms,
    pub(super) connected: bool,
    pub(super) energy_in: WattHours,
    pub(super) energy_out: WattHours,
    pub(super) capacity: AmpHours,
}
