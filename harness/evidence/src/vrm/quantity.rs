//! Which quantities of a run a column of an export is held against.

use proto::channel::Channel;

use super::Column;

/// A row: device, parameter, how its unit begins, and who of a run tells the same quantity. A battery monitor is no other
/// instrument than the battery where it is the one that the GX makes of it: [`Column::repeats_battery`]. The names of CVL, CCL
/// and DCL are those of the GX's own page; no original export with them was seen.
const TABLE: &[(&str, &str, &str, &[Channel])] = &[
    (MONITOR, "Voltage", "V", &[Channel::PackVoltage, Channel::GxPackVoltage, Channel::ShuntVoltage]),
    (MONITOR, "Current", "A", &[Channel::PackCurrent, Channel::GxPackCurrent, Channel::ShuntCurrent]),
    (MONITOR, "State of charge", "%", &[Channel::Soc, Channel::GxSoc]),
    (MONITOR, "State of health", "%", &[Channel::Soh, Channel::GxSoh]),
    (MONITOR, "Battery temperature", "C", &[Channel::Temperature, Channel::GxTemperature]),
    (MONITOR, "Charge Voltage Limit (CVL)", "V", &[Channel::Cvl, Channel::GxCvl]),
    (MONITOR, "Charge Current Limit (CCL)", "A", &[Channel::Ccl, Channel::GxCcl]),
    (MONITOR, "Discharge Current Limit (DCL)", "A", &[Channel::Dcl, Channel::GxDcl]),
    (CHARGER, "Voltage", "V", &[Channel::SolarVoltage, Channel::ChargerVoltage]),
    (CHARGER, "Current", "A", &[Channel::SolarCurrent, Channel::ChargerCurrent]),
    (CHARGER, "PV power", "W", &[Channel::PvPower, Channel::ChargerPvPower]),
    ("VE.Bus System", "Voltage", "V", &[Channel::BusVoltage, Channel::ConverterVoltage]),
    ("VE.Bus System", "Current", "A", &[Channel::InverterCurrent, Channel::ConverterCurrent]),
];

const MONITOR: &str = "Battery Monitor";
const CHARGER: &str = "Solar Charger";

/// Who of a run tells what the column tells; nobody where it is not in the table.
#[must_use]
pub fn recorded_as(column: &Column) -> &'static [Channel] {
    let unit = column.unit.trim_start_matches('°');
    let is_it = |row: &&(&str, &str, &str, &[Channel])| {
        row.0 == column.device && row.1 == column.parameter && unit.starts_with(row.2)
    };
    TABLE.iter().find(is_it).map_or(&[], |row| row.3)
}
