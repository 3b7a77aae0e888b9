//! Frames of other protocols, by name: a log of the wrong port, or of a battery set to another make's protocol, shows
//! by its identifiers. Only identifiers with a public source are here.

use core::fmt;

use crate::frame::CanId;
use crate::message::MessageSpec;
use crate::nmea2000;

/// What an identifier is known for that is not in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// A message of the document sent with a 29-bit identifier, which no GX reads (P 5.1).
    Widened {
        /// its 11-bit identifier
        id: u16,
    },
    /// A parameter group of NMEA 2000, which VE.Can is (P 1.3).
    VeCan {
        /// number of the group
        pgn: u32,
        /// its name
        name: &'static str,
        /// address of the sender
        source: u8,
    },
    /// A message of a make's own protocol.
    Vendor {
        /// the protocol
        protocol: &'static str,
        /// what it says, where that is known
        what: &'static str,
    },
}

/// What an identifier is known for, if it is not in the document and there is a source.
#[must_use]
pub fn foreign(id: CanId) -> Option<Foreign> {
    match id {
        CanId::Standard(id) => vendor(STANDARD, u32::from(id)),
        CanId::Extended(wide) => {
            let document =
                u16::try_from(wide).ok().filter(|&id| MessageSpec::of(CanId::Standard(id)).is_some());
            let widened = document.map(|id| Foreign::Widened { id });
            widened.or_else(|| vendor(EXTENDED, wide)).or_else(|| ve_can(id))
        }
    }
}

fn vendor(rows: &[Row], id: u32) -> Option<Foreign> {
    let (_, _, protocol, what) = rows.iter().find(|(first, last, ..)| (*first..=*last).contains(&id))?;
    Some(Foreign::Vendor { protocol, what })
}

fn ve_can(id: CanId) -> Option<Foreign> {
    let nmea2000::Id { pgn, source, .. } = nmea2000::Id::of(id)?;
    let managing = || PARAMETER_GROUPS.iter().find(|(known, _)| *known == pgn).map(|(_, name)| *name);
    let name = nmea2000::pgn(pgn).map(|row| row.name).or_else(managing)?;
    Some(Foreign::VeCan { pgn, name, source })
}

/// First and last identifier, protocol, what it says.
type Row = (u32, u32, &'static str, &'static str);

/// 11-bit identifiers. Sources: Battery-Emulator of dalathegreat, by inverter (`BYD-CAN`, `SMA-BYD-H-CAN`, `SMA-LV-CAN`);
/// BatteryController of samsta (`can/messages/SMA/Ids.hpp`); *CAN BMS_BB_PKG* of JK; hoylabs/OpenDTU-OnBattery issues 1188 and 1466
/// for Pytes; the protocol notes of setfirelabs.com for Pylontech; a five-minute log of a Deye SE-F12 (dbus-deye-battery of
/// vladyspavlov); P 4 Q1 for 0x359. An identifier that two makes use is named after both. A message of
/// the document with another content is no row here: `judge::wire` knows the layouts of those.
const STANDARD: &[Row] = &[
    (0x110, 0x110, "BYD high voltage or Deye", ""),
    (0x150, 0x150, "BYD high voltage or Deye", ""),
    (0x158, 0x158, "SMA high voltage", "alarms"),
    (0x190, 0x190, "BYD high voltage", "alarms"),
    (0x198, 0x198, "SMA high voltage", "errors"),
    (0x1D0, 0x1D0, "BYD high voltage", "measurements"),
    (0x210, 0x210, "BYD high voltage", "cells"),
    (0x218, 0x218, "SMA high voltage", "events"),
    (0x2F4, 0x2F4, "JK BMS", "battery status"),
    (0x311, 0x321, "Growatt low voltage", ""),
    (0x358, 0x358, "SMA high voltage", "limits"),
    (0x359, 0x359, "Pylontech low voltage", "protection and alarm flags; the GX prefers 0x35A (P 4 Q1)"),
    (0x35B, 0x35B, "SMA Sunny Island", "events"),
    (0x35C, 0x35C, "Pylontech low voltage", "charge and discharge requests"),
    (0x361, 0x364, "Deye low voltage", ""),
    (0x3D8, 0x3D8, "SMA high voltage", "state"),
    (0x400, 0x41E, "Pytes", ""),
    (0x4D8, 0x4D8, "SMA high voltage", "measurements"),
    (0x4F4, 0x4F4, "JK BMS", "cell voltages"),
    (0x558, 0x558, "SMA high voltage", "system"),
    (0x598, 0x598, "SMA high voltage", "identity"),
    (0x5D8, 0x5D8, "SMA high voltage", "manufacturer"),
    (0x5F4, 0x5F4, "JK BMS", "cell temperatures"),
    (0x618, 0x618, "SMA high voltage", "name"),
    (0x7F4, 0x7F4, "JK BMS", "alarms"),
];

/// 29-bit identifiers, from the same sources; those of Daly from its *CAN Communications Protocol* V1.0.
const EXTENDED: &[Row] = &[
    (0x0C05, 0x0C0C, "FoxESS", ""),
    (0x1871, 0x1882, "SolaX and FoxESS", ""),
    (0x3010, 0x3030, "Growatt high voltage", "sent by the inverter"),
    (0x3110, 0x3290, "Growatt high voltage", ""),
    (0x4200, 0x4200, "Pylontech high voltage", "sent by the inverter"),
    (0x4210, 0x42AF, "Pylontech high voltage", ""),
    (0x7310, 0x734F, "Pylontech high voltage", "identity"),
    (0x1806_E5F4, 0x1806_E5F4, "JK BMS", "charge request"),
    (0x1890_0140, 0x1890_0140, "Daly", "asked for"),
    (0x1890_4001, 0x1890_4001, "Daly", "voltage, current, state of charge"),
    (0x1891_4001, 0x1891_4001, "Daly", "cell voltages"),
    (0x1892_4001, 0x1892_4001, "Daly", "temperatures"),
    (0x1893_4001, 0x1893_4001, "Daly", "main switch, capacity"),
    (0x1894_4001, 0x1894_4001, "Daly", "status"),
    (0x1898_4001, 0x1898_4001, "Daly", "failures"),
    (0x18E0_28F4, 0x18E0_28F4, "JK BMS", "cell voltages"),
    (0x18F1_28F4, 0x18F1_28F4, "JK BMS", "capacity"),
    (0x18F2_28F4, 0x18F2_28F4, "JK BMS", "temperatures"),
    (0x18F3_28F4, 0x18F3_28F4, "JK BMS", "errors"),
    (0x18F4_28F4, 0x18F4_28F4, "JK BMS", "information"),
    (0x18F5_28F4, 0x18F5_28F4, "JK BMS", "switches"),
];

/// Groups that manage a network of NMEA 2000, beside those of [`nmea2000::PGNS`].
const PARAMETER_GROUPS: &[(u32, &str)] = &[
    (59392, "ISO acknowledgement"),
    (60160, "ISO transport, data"),
    (60416, "ISO transport, connection"),
    (126464, "list of groups"),
    (126720, "proprietary, addressed, fast packet"),
    (126993, "heartbeat"),
    (126998, "configuration information"),
];

/// `VE.Can (NMEA 2000): battery status, PGN 127508 from address 3`
impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Widened { id } => write!(f, "0x{id:X} with a 29-bit identifier, which no GX reads (P 5.1)"),
            Self::VeCan { pgn, name, source } => {
                write!(f, "VE.Can (NMEA 2000): {name}, PGN {pgn} from address {source}")
            }
            Self::Vendor { protocol, what: "" } => write!(f, "{protocol}"),
            Self::Vendor { protocol, what } => write!(f, "{protocol}: {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn tables_are_in_order() {
        assert!(PARAMETER_GROUPS.iter().all(|(pgn, _)| nmea2000::pgn(*pgn).is_none()), "each stands once");
        for rows in [STANDARD, EXTENDED] {
            assert!(rows.iter().all(|(first, last, ..)| first <= last));
            assert!(rows.windows(2).all(|w| w[0].1 < w[1].0), "no two rows claim one identifier");
        }
        let in_document = |(first, last, ..): &Row| {
            (*first..=*last).any(|id| MessageSpec::of(CanId::Standard(id as u16)).is_some())
        };
        assert!(!STANDARD.iter().any(in_document), "the document comes first");
    }

    #[rstest]
    #[case::p_5_1(CanId::Extended(0x356), Some("0x356 with a 29-bit identifier, which no GX reads (P 5.1)"))]
    #[case::p_5_1_unknown(CanId::Extended(0x1510_A8A0), None)]
    #[case::battery_status(
        CanId::Extended(0x19F2_1403),
        Some("VE.Can (NMEA 2000): battery status, PGN 127508 from address 3")
    )]
    #[case::address_claim(
        CanId::Extended(0x18EE_FF24),
        Some("VE.Can (NMEA 2000): ISO address claim, PGN 60928 from address 36")
    )]
    #[case::pylontech_force(CanId::Extended(0x4211), Some("Pylontech high voltage"))]
    #[case::pylontech_us(
        CanId::Standard(0x359),
        Some("Pylontech low voltage: protection and alarm flags; the GX prefers 0x35A (P 4 Q1)")
    )]
    #[case::jk(CanId::Standard(0x2F4), Some("JK BMS: battery status"))]
    #[case::jk_wide(CanId::Extended(0x18F1_28F4), Some("JK BMS: capacity"))]
    #[case::pytes(CanId::Standard(0x400), Some("Pytes"))]
    #[case::byd(CanId::Standard(0x1D0), Some("BYD high voltage: measurements"))]
    #[case::daly(CanId::Extended(0x1890_4001), Some("Daly: voltage, current, state of charge"))]
    #[case::in_the_document(CanId::Standard(0x351), None)]
    fn names(#[case] id: CanId, #[case] expected: Option<&str>) {
        assert_eq!(foreign(id).map(|it| it.to_string()).as_deref(), expected);
    }
}
