//! The labels of text blocks. Rows: name, what its value is (for a number: raw ÷ that = unit), what it says, and the
//! quantity that it tells of a battery monitor, of a charger, of an inverter.

use super::product::Family;
use crate::channel::Channel;

/// A label of text blocks.
#[derive(Debug)]
pub struct Label {
    /// as sent, in the case that is usual
    pub name: &'static str,
    /// what its value is
    pub value: Value,
    /// what it says
    pub meaning: &'static str,
    tells: [Option<Channel>; 3],
}

/// What the value of a label is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// a whole number: raw ÷ `per` in the unit
    Number {
        /// what the raw number is divided by
        per: i32,
        /// of the number
        unit: &'static str,
    },
    /// a decimal number that stands for something
    Code,
    /// a mask of bits, decimal or after `0x`
    Bits,
    /// hexadecimal digits after `0x`
    Hexadecimal,
    /// `ON` or `OFF`
    Flag,
    /// a text
    Text,
}

impl Label {
    /// The row of a label as sent; instruments differ in its case.
    #[must_use]
    pub fn of(name: &[u8]) -> Option<&'static Self> {
        LABELS.iter().find(|label| name.eq_ignore_ascii_case(label.name.as_bytes()))
    }

    /// The quantity that it tells, of an instrument of this family.
    #[must_use]
    pub const fn tells(&self, family: Family) -> Option<Channel> {
        self.tells[family.column()]
    }
}

macro_rules! labels {
    ($( $name:literal $value:expr, $meaning:literal, $monitor:ident $charger:ident $inverter:ident; )+) => {
        /// Every label that is known.
        pub static LABELS: &[Label] = &[ $( Label {
            name: $name, value: $value, meaning: $meaning, tells: [told!($monitor), told!($charger), told!($inverter)],
        }, )+ ];
    };
}

const fn number(per: i32, unit: &'static str) -> Value {
    Value::Number { per, unit }
}
const MILLIVOLTS: Value = number(1000, "V");
const MILLIAMPS: Value = number(1000, "A");
const MILLIAMP_HOURS: Value = number(1000, "Ah");
const HUNDREDTHS_KWH: Value = number(100, "kWh");
const PER_MILLE: Value = number(10, "%");
const WATTS: Value = number(1, "W");
const COUNT: Value = number(1, "");
use Value::{Bits, Code, Flag, Hexadecimal, Text};

labels! {
    "V" MILLIVOLTS, "battery voltage", ShuntVoltage ChargerVoltage ConverterVoltage;
    "V2" MILLIVOLTS, "voltage of output 2", none none none;
    "V3" MILLIVOLTS, "voltage of output 3", none none none;
    "VS" MILLIVOLTS, "voltage of the starter battery", none none none;
    "VM" MILLIVOLTS, "voltage of the middle of the bank", none none none;
    "DM" PER_MILLE, "deviation of the middle of the bank", none none none;
    "VPV" MILLIVOLTS, "PV voltage", none ChargerPvVoltage none;
    "PPV" WATTS, "PV power", none ChargerPvPower none;
    "I" MILLIAMPS, "battery current: into the battery, or out of the charger", ShuntCurrent ChargerCurrent none;
    "I2" MILLIAMPS, "current of output 2", none none none;
    "I3" MILLIAMPS, "current of output 3", none none none;
    "IL" MILLIAMPS, "current of the load output", none none none;
    "LOAD" Flag, "load output", none none none;
    "T" number(1, "°C"), "battery temperature", ShuntTemperature none none;
    "P" WATTS, "power into the battery", ShuntPower none none;
    "CE" MILLIAMP_HOURS, "charge since full, negative when drawn", ShuntConsumed none none;
    "SOC" PER_MILLE, "state of charge", ShuntSoc none none;
    "TTG" number(1, "min"), "time to go; -1 for ever", none none none;
    "Alarm" Flag, "alarm", none none none;
    "Relay" Flag, "relay", none none none;
    "AR" Bits, "reasons of an alarm", none none ConverterAlarms;
    "WARN" Bits, "reasons of a warning", none none none;
    "OR" Bits, "reasons to be off", none ChargerOffReason none;
    "H1" MILLIAMP_HOURS, "deepest discharge", none none none;
    "H2" MILLIAMP_HOURS, "last discharge", none none none;
    "H3" MILLIAMP_HOURS, "average discharge", none none none;
    "H4" COUNT, "charge cycles", none none none;
    "H5" COUNT, "full discharges", none none none;
    "H6" MILLIAMP_HOURS, "charge drawn in all", none none none;
    "H7" MILLIVOLTS, "lowest battery voltage", none none none;
    "H8" MILLIVOLTS, "highest battery voltage", none none none;
    "H9" number(1, "s"), "time since the last full charge", none none none;
    "H10" COUNT, "automatic synchronisations", none none none;
    "H11" COUNT, "low voltage alarms", none none none;
    "H12" COUNT, "high voltage alarms", none none none;
    "H13" COUNT, "low starter voltage alarms", none none none;
    "H14" COUNT, "high starter voltage alarms", none none none;
    "H15" MILLIVOLTS, "lowest starter voltage", none none none;
    "H16" MILLIVOLTS, "highest starter voltage", none none none;
    "H17" HUNDREDTHS_KWH, "energy discharged", none none none;
    "H18" HUNDREDTHS_KWH, "energy charged", none none none;
    "H19" HUNDREDTHS_KWH, "yield in all", none none none;
    "H20" HUNDREDTHS_KWH, "yield today", none none none;
    "H21" WATTS, "highest power today", none none none;
    "H22" HUNDREDTHS_KWH, "yield yesterday", none none none;
    "H23" WATTS, "highest power yesterday", none none none;
    "ERR" Code, "error", none ChargerError none;
    "CS" Code, "state", none ChargerState ConverterState;
    "MPPT" Code, "tracker: 0 off, 1 held back by a limit, 2 tracking", none ChargerTracker none;
    "MODE" Code, "mode", none none none;
    "AC_OUT_V" number(100, "V"), "AC output voltage", none none ConverterAcOutVoltage;
    "AC_OUT_I" number(10, "A"), "AC output current", none none ConverterAcOutCurrent;
    "AC_OUT_S" number(1, "VA"), "AC output, apparent power", none none none;
    "BMV" Text, "model", none none none;
    "FW" Text, "firmware", none none none;
    "FWE" Text, "firmware, 24 bits", none none none;
    "PID" Hexadecimal, "product id", none none none;
    "SER#" Text, "serial number", none none none;
    "HSDS" COUNT, "day of its history", none none none;
    "HC#" COUNT, "counter of its history", none none none;
    "MON" COUNT, "what a DC meter measures; 0 a battery", none none none;
}
