//! The pages that an end customer sees on the GX, with the labels of P 5.2, P 5.4 and P 6.1. A value that is not sent
//! shows as two dashes, as it does there.

use proto::message::{
    AlarmKind, BatteryIdentity, Cells, InstalledCapacity, Limits, Measurements, Message, Modules, Pair,
    StateOfCharge, id,
};
use proto::quantity::{AmpHours, Amps, Celsius, Volts};

use super::{last, text, two_parts};
use crate::wire::Wire;

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// its title
    pub title: String,
    /// its rows
    pub rows: Vec<Row>,
}

/// One row of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// what it is
    pub label: &'static str,
    /// one to three values
    pub values: Vec<String>,
}

/// *"If your BMS does not support this information, this menu will show two dashes"* (P 5.4).
const NOTHING: &str = "--";

/// The alarms page of P 6.1, and the kinds of 0x35A that its rows show. *High current* of 0x35A is about discharge:
/// charge has a row of its own.
pub(super) const ALARMS: [(&str, AlarmKind); 9] = [
    ("Low battery voltage", AlarmKind::LowVoltage),
    ("High battery voltage", AlarmKind::HighVoltage),
    ("High charge current", AlarmKind::HighChargeCurrent),
    ("High discharge current", AlarmKind::HighCurrent),
    ("Low temperature", AlarmKind::LowTemperature),
    ("High temperature", AlarmKind::HighTemperature),
    ("Low charge temperature", AlarmKind::LowTemperatureCharge),
    ("High charge temperature", AlarmKind::HighTemperatureCharge),
    ("Internal failure", AlarmKind::BmsInternal),
];

pub(super) fn pages(wire: &Wire, name: &str) -> Vec<Page> {
    let page = |title: &str, rows: Vec<Row>| Page { title: title.to_owned(), rows };
    vec![
        page(name, battery(wire)),
        page("Details", details(wire)),
        page("Alarms", alarms(wire)),
        page("Device", device(wire, name)),
        page("Parameters", parameters(wire)),
    ]
}

fn row<const N: usize>(label: &'static str, values: [Option<String>; N]) -> Row {
    Row { label, values: values.map(|v| v.unwrap_or_else(|| NOTHING.to_owned())).to_vec() }
}

/// The content of the last frame of a message, empty where it was not sent.
macro_rules! latest {
    ($wire:expr, $id:expr, $Message:ident) => {
        match last($wire, $id) {
            Some(Message::$Message(content)) => content,
            _ => $Message::default(),
        }
    };
}

fn battery(wire: &Wire) -> Vec<Row> {
    let m = latest!(wire, id::MEASUREMENTS, Measurements);
    let s = latest!(wire, id::STATE_OF_CHARGE, StateOfCharge);
    let power = m.voltage().zip(m.current()).map(|(v, i)| format!("{:.0}W", (v * i).0.round() + 0.0));
    vec![
        row("Battery", [m.voltage().map(|v| volts(v, 2)), m.current().map(amps), power]),
        row("State of charge", [s.soc.map(|soc| format!("{soc}%"))]),
        row("State of health", [s.soh.map(|soh| format!("{soh}%"))]),
        row("Battery temperature", [m.temperature().map(degrees)]),
    ]
}

fn details(wire: &Wire) -> Vec<Row> {
    let c = latest!(wire, id::CELLS, Cells);
    let m = latest!(wire, id::MODULES, Modules);
    let online = latest!(wire, id::BATTERY_IDENTITY, BatteryIdentity).online_capacity();
    let installed = latest!(wire, id::INSTALLED_CAPACITY, InstalledCapacity).capacity();
    let count = |n: Option<u16>, what: &str| n.map(|n| format!("{n}{what}"));
    let charge = |c: Option<AmpHours>| c.map(|c| format!("{}Ah", c.0));
    vec![
        row("Lowest cell voltage", [text(wire, id::MIN_CELL_VOLTAGE_ID), c.min_cell().map(|v| volts(v, 3))]),
        row("Highest cell voltage", [text(wire, id::MAX_CELL_VOLTAGE_ID), c.max_cell().map(|v| volts(v, 3))]),
        row(
            "Minimum cell temperature",
            [text(wire, id::MIN_CELL_TEMPERATURE_ID), c.min_temperature().map(degrees)],
        ),
        row(
            "Maximum cell temperature",
            [text(wire, id::MAX_CELL_TEMPERATURE_ID), c.max_temperature().map(degrees)],
        ),
        row("Battery modules", [count(m.ok(), " online"), count(m.offline(), " offline")]),
        row(
            "Nr. of modules blocking charge / discharge",
            [count(m.blocking_charge(), ""), count(m.blocking_discharge(), "")],
        ),
        row("Installed / Available capacity", [charge(installed), charge(online)]),
    ]
}

fn alarms(wire: &Wire) -> Vec<Row> {
    let alarms = match last(wire, id::ALARMS) {
        Some(Message::Alarms(alarms)) => Some(alarms),
        _ => None,
    };
    let shown = |kind: AlarmKind| {
        let alarms = alarms?;
        match (alarms.alarm(kind), alarms.warning(kind)) {
            (Pair::Active, _) => Some("Alarm"),
            (_, Pair::Active) => Some("Warning"),
            (Pair::Ok, _) | (_, Pair::Ok) => Some("Ok"),
            _ => None,
        }
    };
    ALARMS.iter().map(|&(label, kind)| row(label, [shown(kind).map(str::to_owned)])).collect()
}

fn device(wire: &Wire, name: &str) -> Vec<Row> {
    let identity = latest!(wire, id::BATTERY_IDENTITY, BatteryIdentity);
    // *"The message 0x35a is the one used by the driver to recognize that there is battery connected"* (P 5.1).
    let connected = wire.of(id::ALARMS).map(|_| "Yes".to_owned());
    vec![
        row("Connected", [connected]),
        row("Connection", [Some("CAN-bus".to_owned())]),
        row("Product", [Some(name.to_owned())]),
        row("Firmware version", [identity.firmware().map(|firmware| format!("v{firmware}"))]),
        row("Serial", [two_parts(wire, id::SERIAL_PART_1, id::SERIAL_PART_2)]),
    ]
}

fn parameters(wire: &Wire) -> Vec<Row> {
    let limits = latest!(wire, id::LIMITS, Limits);
    // Many send 0 for what they do not know.
    let low = limits.discharge_voltage().filter(|v| v.0 > 0.0);
    vec![
        row("Charge Voltage Limit (CVL)", [limits.cvl().map(|v| volts(v, 1))]),
        row("Charge Current Limit (CCL)", [limits.ccl().map(amps)]),
        row("Discharge Current Limit (DCL)", [limits.dcl().map(amps)]),
        row("Low Voltage Disconnect (always ignored)", [low.map(|v| volts(v, 1))]),
    ]
}

fn volts(v: Volts, decimals: usize) -> String {
    format!("{:.decimals$}V", v.0)
}

fn amps(i: Amps) -> String {
    format!("{:.1}A", i.0)
}

/// Whole degrees, as the GX shows them.
fn degrees(t: Celsius) -> String {
    // Adding zero keeps −0 from showing.
    format!("{:.0}°C", t.0.round() + 0.0)
}
