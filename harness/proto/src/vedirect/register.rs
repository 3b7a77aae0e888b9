//! Registers of HEX frames, and of PGN 61184 on VE.Can. Rows: register, type, raw ÷ that = unit, what it holds, and the
//! quantity that it tells of a battery monitor, of a charger, of an inverter. From Victron's own `ve_regs.h`; those of the
//! network (0x2000 and up) are what a GX told a charger, and fall back 60 s after it was silent.

use super::product::Family;
use crate::channel::Channel;

/// A register.
#[derive(Debug)]
pub struct Register {
    /// its number
    pub id: u16,
    /// its type
    pub raw: Raw,
    /// what the raw number is divided by
    pub per: i32,
    /// of the number
    pub unit: &'static str,
    /// what it holds
    pub meaning: &'static str,
    tells: [Option<Channel>; 3],
}

/// The type of a register. A number that is all ones (unsigned) or the highest (signed) is not available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raw {
    /// 8 bits
    U8,
    /// 16 bits
    U16,
    /// 16 bits with sign
    S16,
    /// 32 bits
    U32,
    /// 32 bits with sign
    S32,
    /// bits, in one to four bytes; every value is one
    Bits,
    /// a text
    Text,
}

impl Raw {
    /// Its bytes; nothing where they vary.
    #[must_use]
    pub const fn bytes(self) -> Option<usize> {
        match self {
            Self::U8 => Some(1),
            Self::U16 | Self::S16 => Some(2),
            Self::U32 | Self::S32 => Some(4),
            Self::Bits | Self::Text => None,
        }
    }
}

impl Register {
    /// The row of a register.
    #[must_use]
    pub fn of(id: u16) -> Option<&'static Self> {
        REGISTERS.binary_search_by_key(&id, |row| row.id).ok().map(|found| &REGISTERS[found])
    }

    /// Every register that is known, in the order of their numbers.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        REGISTERS
    }

    /// The quantity that it tells, of an instrument of this family.
    #[must_use]
    pub const fn tells(&self, family: Family) -> Option<Channel> {
        self.tells[family.column()]
    }

    /// A value in its unit, the low byte first; nothing where it is not available, not a number, or of another length.
    #[must_use]
    pub fn number(&self, value: &[u8]) -> Option<f64> {
        let raw = match (self.raw, value) {
            (Raw::U8, &[a]) if a != u8::MAX => f64::from(a),
            (Raw::U16, &[a, b]) => some(u16::from_le_bytes([a, b]), u16::MAX)?.into(),
            (Raw::S16, &[a, b]) => some(i16::from_le_bytes([a, b]), i16::MAX)?.into(),
            (Raw::U32, &[a, b, c, d]) => some(u32::from_le_bytes([a, b, c, d]), u32::MAX)?.into(),
            (Raw::S32, &[a, b, c, d]) => some(i32::from_le_bytes([a, b, c, d]), i32::MAX)?.into(),
            (Raw::Bits, &[_, ..]) if value.len() <= 4 => {
                value.iter().rev().fold(0_u32, |all, &byte| all << 8 | u32::from(byte)).into()
            }
            _ => return None,
        };
        Some(raw / f64::from(self.per))
    }
}

fn some<T: PartialEq>(raw: T, missing: T) -> Option<T> {
    (raw != missing).then_some(raw)
}

macro_rules! registers {
    ($( $id:literal $Raw:ident / $per:literal $unit:literal, $meaning:literal, $monitor:ident $charger:ident $inverter:ident; )+) => {
        static REGISTERS: &[Register] = &[ $( Register {
            id: $id,
            raw: Raw::$Raw,
            per: $per,
            unit: $unit,
            meaning: $meaning,
            tells: [told!($monitor), told!($charger), told!($inverter)],
        }, )+ ];
    };
}

registers! {
    0x010A Text / 1 "", "serial number", none none none;
    0x0120 U32 / 1 "s", "time since it started: a reset of the instrument is seen by it", none none none;
    0x0200 U8 / 1 "", "mode", none none none;
    0x0201 U8 / 1 "", "state", none ChargerState ConverterState;
    0x0202 Bits / 1 "", "remote control in use", none none none;
    0x0205 U8 / 1 "", "reason to be off", none none none;
    0x0207 Bits / 1 "", "reasons to be off", none ChargerOffReason none;
    0x031C Bits / 1 "", "reasons of a warning", none none none;
    0x031E Bits / 1 "", "reasons of an alarm", none none ConverterAlarms;
    0x0382 U16 / 100 "V", "voltage of the middle of the bank", none none none;
    0x0383 S16 / 10 "%", "deviation of the middle of the bank", none none none;
    0x0FFE U16 / 1 "min", "time to go", none none none;
    0x0FFF U16 / 100 "%", "state of charge", ShuntSoc none none;
    0x2000 U8 / 1 "", "charge algorithm", none none none;
    0x2001 U16 / 100 "V", "charge voltage that the network sets", none ChargerVoltageLimit none;
    0x2002 U16 / 100 "V", "battery voltage that the network shares", none none none;
    0x2003 S16 / 100 "°C", "battery temperature that the network shares", none none none;
    0x2007 U32 / 1000 "s", "time in the state of charge", none none none;
    0x2008 U16 / 100 "h", "absorption time", none none none;
    0x200A S32 / 1000 "A", "battery current that the network shares", none none none;
    0x200C U8 / 1 "", "state of the network", none none none;
    0x200D Bits / 1 "", "what the network tells", none none none;
    0x200E Bits / 1 "", "how the network controls it", none ChargerNetworkMode none;
    0x200F Bits / 1 "", "its part in the network", none none none;
    0x2013 S32 / 1000 "A", "charge current of the network", none none none;
    0x2014 U8 / 1 "%", "share of the charge current", none none none;
    0x2015 U16 / 10 "A", "charge current limit that the network sets", none ChargerCurrentLimit none;
    0x2017 U16 / 10 "A", "discharge current limit that the network sets", none none none;
    0x201B U16 / 100 "V", "discharge voltage limit that the network sets", none none none;
    0x201C S32 / 1000 "A", "battery current that a monitor shares", none none none;
    0x2027 U32 / 100 "W", "DC input power of the network", none none none;
    0x2200 S16 / 100 "V", "AC output voltage", none none ConverterAcOutVoltage;
    0x2201 S16 / 10 "A", "AC output current", none none ConverterAcOutCurrent;
    0x2205 S32 / 1 "VA", "AC output, apparent power", none none none;
    0x2213 S16 / 100 "V", "AC output voltage on L1", none none none;
    0x2214 S16 / 100 "A", "AC output current on L1", none none none;
    0x2215 S32 / 1 "W", "AC output power on L1", none none none;
    0x2216 S32 / 1 "VA", "AC output on L1, apparent power", none none none;
    0xED8C S32 / 1000 "A", "battery current", ShuntCurrent none none;
    0xED8D S16 / 100 "V", "battery voltage", ShuntVoltage ChargerVoltage ConverterVoltage;
    0xED8E S16 / 1 "W", "battery power", ShuntPower none none;
    0xED8F S16 / 10 "A", "battery current", none ChargerCurrent none;
    0xEDB3 U8 / 1 "", "tracker: 0 off, 1 held back by a limit, 2 tracking", none ChargerTracker none;
    0xEDBB U16 / 100 "V", "PV voltage", none ChargerPvVoltage none;
    0xEDBC U32 / 100 "W", "PV power", none ChargerPvPower none;
    0xEDBD U16 / 10 "A", "PV current", none none none;
    0xEDD5 U16 / 100 "V", "charger voltage", none ChargerVoltage none;
    0xEDD7 S16 / 10 "A", "charger current", none none none;
    0xEDDA U8 / 1 "", "error", none ChargerError none;
    0xEDDB S16 / 100 "°C", "internal temperature", none none none;
    0xEDE8 U8 / 1 "", "whether a BMS was ever seen", none none none;
    0xEDEA U8 / 1 "V", "system voltage that was set", none none none;
    0xEDEC U16 / 100 "K", "battery temperature", none none none;
    0xEDEF U8 / 1 "V", "system voltage in use", none none none;
    0xEDF0 U16 / 10 "A", "highest charge current, set by its owner", none none none;
    0xEDF6 U16 / 100 "V", "float voltage, set by its owner", none none none;
    0xEDF7 U16 / 100 "V", "absorption voltage, set by its owner", none none none;
    0xEEFF S32 / 10 "Ah", "charge since full, negative when drawn", ShuntConsumed none none;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_in_order() {
        assert!(REGISTERS.windows(2).all(|pair| pair[0].id < pair[1].id));
    }

    /// Of a SmartSolar MPPT 150/70 beside its text, `VPV 103870`, `PPV 412`.
    #[test]
    fn values_are_those_of_an_instrument() {
        let number = |id, value: &[u8]| Register::of(id).expect("known").number(value);
        assert_eq!(number(0xEDBB, &[0x7A, 0x28]), Some(103.62));
        assert_eq!(number(0xEDBC, &[0x5A, 0xA1, 0, 0]), Some(413.06));
        assert_eq!(number(0xEDDB, &[0xCD, 0x0A]), Some(27.65));
        assert_eq!(number(0xED8F, &[0xFF, 0x7F]), None);
        assert_eq!(number(0x2001, &[0xFF, 0xFF]), None);
        assert_eq!(number(0x200E, &[0x05]), Some(5.0));
        assert_eq!(number(0x200E, &[0x05, 1]), Some(261.0));
        assert_eq!(number(0xEDBB, &[0x7A]), None, "cut off");
    }
}
