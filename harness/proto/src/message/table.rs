//! Every message of the document, once. Hold it against the tables of P 2 and P 3: offset, name, data type,
//! scaling, unit, label. `absent` lists the raw values that the text of P 2 declares to mean "not supported" or
//! "unused"; `needs` is how many bytes a frame must have for the fields that are not optional.

use super::alarms::Alarms;
use super::field::{Builder, Firmware, Meaning, RawInt, take};
use super::layout::{FieldSpec, Form, MessageSpec, Scale, Sender, WireType};
use super::payload::{Payload, Text8};
use crate::frame::{CanId, Frame};
use crate::quantity::{AmpHours, Amps, Celsius, Percent, Volts, WattHours};

messages! {
    0x305 KEEP_ALIVE KeepAlive from Gx, needs 8, "Keep-alive" { pattern zeros, "Eight zero bytes" }

    0x307 INVERTER_IDENTITY InverterIdentity from Gx, needs 8, "Inverter identification" {
        pattern identity, "12 34 56 78 and VIC"
    }

    0x351 LIMITS Limits from Battery, needs 6, "Charge and discharge limits" {
        0 cvl:                un16 * 0.1  => Volts,   "Charge voltage limit (CVL)";
        2 ccl:                un16 * 0.1  => Amps,    "Max charge current (CCL)";
        4 dcl:                un16 * 0.1  => Amps,    "Max discharge current (DCL)";
        6 discharge_voltage:  un16 * 0.1  => Volts,   "Discharge voltage";
    }

    0x355 STATE_OF_CHARGE StateOfCharge from Battery, needs 4, "State of charge and health" {
        0 soc:                un16 * 1    => Percent, "SOC value";
        2 soh:                un16 * 1    => Percent, "SOH value";
        4 high_res_soc:       un16 * 0.01 => Percent, "High res SOC";
    }

    0x356 MEASUREMENTS Measurements from Battery, needs 6, "Battery voltage, current and temperature" {
        0 voltage:            sn16 * 0.01 => Volts,   "Battery voltage";
        2 current:            sn16 * 0.1  => Amps,    "Battery current";
        4 temperature:        sn16 * 0.1  => Celsius, "Battery temperature";
    }

    0x35A ALARMS Alarms from Battery, needs 8, "Warnings and alarms" { pairs
        0 bit 0 general_alarm,                   "General alarm";
        0 bit 2 high_voltage_alarm,              "Battery high voltage alarm";
        0 bit 4 low_voltage_alarm,               "Battery low voltage alarm";
        0 bit 6 high_temperature_alarm,          "Battery high temperature alarm";
        1 bit 0 low_temperature_alarm,           "Battery low temperature alarm";
        1 bit 2 high_temperature_charge_alarm,   "Battery high temperature charge alarm";
        1 bit 4 low_temperature_charge_alarm,    "Battery low temperature charge alarm";
        1 bit 6 high_current_alarm,              "Battery high current alarm";
        2 bit 0 high_charge_current_alarm,       "Battery high charge current alarm";
        2 bit 2 contactor_alarm,                 "Contactor alarm";
        2 bit 4 short_circuit_alarm,             "Short circuit alarm";
        2 bit 6 bms_internal_alarm,              "BMS internal alarm";
        3 bit 0 cell_imbalance_alarm,            "Cell imbalance alarm";
        3 bit 2 reserved_3_2,                    "Reserved";
        3 bit 4 reserved_3_4,                    "Reserved";
        3 bit 6 reserved_3_6,                    "Reserved";
        4 bit 0 general_warning,                 "General warning";
        4 bit 2 high_voltage_warning,            "Battery high voltage warning";
        4 bit 4 low_voltage_warning,             "Battery low voltage warning";
        4 bit 6 high_temperature_warning,        "Battery high temperature warning";
        5 bit 0 low_temperature_warning,         "Battery low temperature warning";
        5 bit 2 high_temperature_charge_warning, "Battery high temperature charge warning";
        5 bit 4 low_temperature_charge_warning,  "Battery low temperature charge warning";
        5 bit 6 high_current_warning,            "Battery high current warning";
        6 bit 0 high_charge_current_warning,     "Battery high charge current warning";
        6 bit 2 contactor_warning,               "Contactor warning";
        6 bit 4 short_circuit_warning,           "Short circuit warning";
        6 bit 6 bms_internal_warning,            "BMS internal warning";
        7 bit 0 cell_imbalance_warning,          "Cell imbalance warning";
        7 bit 2 system_status,                   "System status (online/offline)";
        7 bit 4 reserved_7_4,                    "Reserved";
        7 bit 6 reserved_7_6,                    "Reserved";
    }

    0x35E MANUFACTURER Manufacturer from Battery, needs 1, "Manufacturer name" {
        text manufacturer, "Manufacturer name"
    }

    0x35F BATTERY_IDENTITY BatteryIdentity from Battery, needs 4, "Battery model, firmware, online capacity" {
        0 model:              un16 * 1    => u16,      "Battery Model";
        2 firmware:         un16be * 1    => Firmware, "Firmware version";
        4 online_capacity:    un16 * 1    => AmpHours, absent [0], "Online capacity in Ah";
    }

    0x360 FORCE_CHARGE ForceCharge from Battery, needs 1, "Force charge" {
        0 forced:              un8 * 1    => bool,     "Force charge";
    }

    0x370 NAME_PART_1 NamePart1 from Battery, needs 1, "Battery name, first 8 characters" {
        text name_part_1, "Battery / BMS name part 1"
    }

    0x371 NAME_PART_2 NamePart2 from Battery, needs 1, "Battery name, last 8 characters" {
        text name_part_2, "Battery / BMS name part 2"
    }

    0x372 MODULES Modules from Battery, needs 2, "Module status" {
        0 ok:                 un16 * 1    => u16, absent [0xFFFF], "Number of modules OK";
        2 blocking_charge:    un16 * 1    => u16, absent [0xFFFF], "Number of modules blocking charge";
        4 blocking_discharge: un16 * 1    => u16, absent [0xFFFF], "Number of modules blocking discharge";
        6 offline:            un16 * 1    => u16, absent [0xFFFF], "Number of modules offline";
    }

    // Millivolts and kelvin on the wire.
    0x373 CELLS Cells from Battery, needs 4, "Cell voltages and temperatures" {
        0 min_cell:           un16 * 0.001 => Volts, absent [0x0000, 0xFFFF], "Min. cell voltage";
        2 max_cell:           un16 * 0.001 => Volts, absent [0x0000, 0xFFFF], "Max. cell voltage";
        4 min_temperature:    un16 * 1 - 273.15 => Celsius, absent [0x0000, 0xFFFF], "Lowest cell temperature";
        6 max_temperature:    un16 * 1 - 273.15 => Celsius, absent [0x0000, 0xFFFF], "Highest cell temperature";
    }

    0x374 MIN_CELL_VOLTAGE_ID MinCellVoltageId from Battery, needs 1, "Which cell has the lowest voltage" {
        text min_cell_voltage_id, "Min. cell voltage id string"
    }

    0x375 MAX_CELL_VOLTAGE_ID MaxCellVoltageId from Battery, needs 1, "Which cell has the highest voltage" {
        text max_cell_voltage_id, "Max. cell voltage id string"
    }

    0x376 MIN_CELL_TEMPERATURE_ID MinCellTemperatureId from Battery, needs 1, "Which cell is the coldest" {
        text min_cell_temperature_id, "Min. cell temperature id string"
    }

    0x377 MAX_CELL_TEMPERATURE_ID MaxCellTemperatureId from Battery, needs 1, "Which cell is the hottest" {
        text max_cell_temperature_id, "Max. cell temperature id string"
    }

    0x378 ENERGY Energy from Battery, needs 4, "Energy counters" {
        0 energy_in:          un32 * 100  => WattHours, "Energy in";
        4 energy_out:         un32 * 100  => WattHours, "Energy out";
    }

    0x379 INSTALLED_CAPACITY InstalledCapacity from Battery, needs 2, "Installed capacity" {
        0 capacity:           un16 * 1    => AmpHours, "Installed capacity";
    }

    0x380 SERIAL_PART_1 SerialPart1 from Battery, needs 1, "Serial number, first 8 characters" {
        text serial_part_1, "Serial number, first 8 characters"
    }

    0x381 SERIAL_PART_2 SerialPart2 from Battery, needs 1, "Serial number, last 8 characters" {
        text serial_part_2, "Serial number, last 8 characters"
    }

    0x382 FAMILY Family from Battery, needs 1, "Battery family name" {
        text family, "Battery family name, 8 characters"
    }
}
