//! The section `witnesses:` of a rig file: meters beside the battery that take nothing from it, and where they are.

use engine::yaml::{Layers, YamlError};
use judge::witness::{Calibration, Protocol, Source, Witness};
use proto::channel::Instrument;
use proto::nmea2000::{AcSide, Role};
use proto::quantity::{Amps, Ohms, Percent};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::live::CanPlace;
use crate::{OnOff, RigFile, is_day};

/// A meter that takes nothing from the battery: what it measures, and where it is connected.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WitnessPlace {
    /// what the lab calls it, such as `SmartShunt in the battery's minus`
    pub name: String,
    /// what it measures; a rig has one witness of each
    pub measures: Measures,
    /// what it speaks
    #[serde(default)]
    pub protocol: Protocol,
    /// its serial port, best by its name under `/dev/serial/by-id`; a simulated rig has none
    pub port: Option<String>,
    /// its bus where it speaks NMEA 2000: another one than that of the battery, at 250 kbit/s. Several witnesses may be on
    /// one bus; a simulated rig has none
    pub can: Option<CanPlace>,
    /// its address on that bus, 0 to 251; left out, the one device that says it is of the right kind
    #[schemars(range(max = 251))]
    pub source: Option<u8>,
    /// what it is on that bus; left out, what it says of itself
    pub device: Option<Role>,
    /// what is added to the instances of its messages, where they were changed in the field
    #[serde(default)]
    pub instance: u8,
    /// the side of an inverter that its AC messages (65013, 65014) tell of; left out, nothing is told of AC
    pub ac: Option<AcSide>,
    /// how a shunt is connected
    #[serde(default)]
    pub polarity: Polarity,
    /// both conductors between where it measures the voltage and the terminals of the battery, such as `1 mΩ`; left out,
    /// it measures at the terminals
    pub cable: Option<Ohms>,
    /// how far it may be off; without it its differences are told and decide nothing
    pub calibration: Option<CalibrationPlace>,
    /// whether registers are asked for in HEX: what the GX set at a charger. Products with firmware up to 1.52 send no text
    /// while they are asked, so it is off where nobody says otherwise
    #[serde(default = "off")]
    pub hex: OnOff,
}

const fn off() -> OnOff {
    OnOff::Off
}

/// What a witness measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measures {
    /// the battery: a battery monitor with a shunt
    Battery,
    /// a charger, by its own port
    Charger,
    /// an inverter, by its own port
    Inverter,
}

/// How a shunt is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Polarity {
    /// what charges the battery reads positive
    #[default]
    Normal,
    /// what charges the battery reads negative
    Reversed,
}

/// How far a witness may be off, and since when that is known.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CalibrationPlace {
    /// the day, such as `2026-03-01`
    pub date: String,
    /// of a voltage, as a share of it, such as `0.3 %`
    pub voltage: Percent,
    /// of a current, as a share of it, such as `0.4 %`
    pub current: Percent,
    /// of a current, whatever its size, such as `0.1 A`
    pub zero: Amps,
}

impl WitnessPlace {
    /// Which instrument it is.
    #[must_use]
    pub const fn instrument(&self) -> Instrument {
        match self.measures {
            Measures::Battery => Instrument::Shunt,
            Measures::Charger => Instrument::Charger,
            Measures::Inverter => Instrument::Converter,
        }
    }

    /// The serial port that it is heard on: of its own line, or of the adapter of its bus.
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        self.port.as_deref().or_else(|| self.can.as_ref()?.serial())
    }

    /// What whoever reads and judges it must know.
    #[must_use]
    pub fn witness(&self) -> Witness {
        Witness {
            name: self.name.clone(),
            instrument: self.instrument(),
            protocol: self.protocol,
            source: Source {
                address: self.source,
                device: self.device,
                instance: self.instance,
                ac: self.ac,
            },
            is_reversed: self.polarity == Polarity::Reversed,
            cable: self.cable.unwrap_or(Ohms::ZERO),
            calibration: self.calibration.as_ref().map(|said| Calibration {
                on: said.date.clone(),
                voltage: said.voltage,
                current: said.current,
                zero: said.zero,
            }),
        }
    }
}

/// Both conductors of a cable that nobody calls a part of an instrument are below this.
const MOST_CABLE: Ohms = Ohms(0.1);
/// A meter that is further off confirms nothing.
const MOST_OFF: Percent = Percent(10.0);
/// The same for a current where none flows.
const MOST_ZERO: Amps = Amps(10.0);

/// Refuses witnesses that cannot be, or of which two would be one.
pub(crate) fn check(rig: &RigFile, layers: &Layers) -> Result<(), YamlError> {
    let refuse = |path: String, message: String, expected: &str| Err(layers.refuse(&path, message, expected));
    for (k, one) in rig.witnesses.iter().enumerate() {
        let of = |key: &str| format!("witnesses.{k}.{key}");
        let before = &rig.witnesses[..k];
        if one.name.trim().is_empty() {
            return refuse(of("name"), "a witness without a name".to_owned(), "what the lab calls it");
        }
        if before.iter().any(|other| other.measures == one.measures) {
            let message = format!("another witness measures the {} too", one.instrument().words());
            return refuse(of("measures"), message, "one witness for battery, charger and inverter each");
        }
        let is_on_bus = one.protocol.is_bus();
        for (key, is_said, goes) in [
            ("port", one.port.is_some(), !is_on_bus),
            ("can", one.can.is_some(), is_on_bus),
            ("source", one.source.is_some(), is_on_bus),
            ("device", one.device.is_some(), is_on_bus),
            ("instance", one.instance != 0, is_on_bus),
            ("ac", one.ac.is_some(), is_on_bus && one.measures == Measures::Inverter),
        ] {
            if is_said && !goes {
                let (message, expected) = match (key, is_on_bus) {
                    ("port", _) => (
                        "NMEA 2000 is a bus, not a serial line",
                        "`can: { interface: can1 }`, or `slcan:` with its port",
                    ),
                    ("ac", true) => ("only an inverter tells of AC", "no `ac`"),
                    _ => ("only a witness on a bus has that", "no such key, or `protocol: nmea2000`"),
                };
                return refuse(of(key), message.to_owned(), expected);
            }
        }
        let is_placed = one.port.is_some() || one.can.is_some();
        if is_placed != rig.live.is_some() {
            let key = if is_on_bus { "can" } else { "port" };
            let (message, expected) = match (is_placed, is_on_bus) {
                (true, _) => (
                    "a simulated rig has no ports".to_owned(),
                    format!("no `{key}`: the simulated rig plays it"),
                ),
                (false, true) => (
                    format!("nobody says on which bus `{}` is", one.name),
                    "`can: { interface: can1 }`, or `slcan:` with the port of its adapter".to_owned(),
                ),
                (false, false) => (
                    format!("nobody says where `{}` is connected", one.name),
                    "its serial port, by its name under `/dev/serial/by-id`".to_owned(),
                ),
            };
            return refuse(of(key), message, &expected);
        }
        bus(rig, one, before, &refuse, &of)?;
        if let Some(port) = &one.port {
            let also = before
                .iter()
                .find(|other| other.port.as_ref() == Some(port))
                .map(|other| other.name.as_str());
            if let Some(other) = also.or_else(|| taken(rig, port)) {
                let message = format!("`{port}` is the port of {other} too");
                return refuse(
                    of("port"),
                    message,
                    "a port of its own: two on one line are heard as neither",
                );
            }
        }
        let battery = one.measures == Measures::Battery;
        if one.polarity == Polarity::Reversed && !battery {
            let message = "only a shunt can be connected the other way round".to_owned();
            return refuse(of("polarity"), message, "`normal`");
        }
        if one.protocol == Protocol::Bmv && !battery {
            let message = "what speaks the text of a BMV-600 is a battery monitor".to_owned();
            return refuse(of("measures"), message, "`battery`");
        }
        if one.hex == OnOff::On && (one.protocol != Protocol::VeDirect || battery) {
            let message = "nothing of it is asked for in HEX".to_owned();
            return refuse(of("hex"), message, "`off`; registers are asked for at chargers and inverters");
        }
        if one.cable.is_some_and(|ohms| !(Ohms::ZERO..=MOST_CABLE).contains(&ohms)) {
            let message = "no cable to a meter has so much".to_owned();
            return refuse(of("cable"), message, "0 mΩ to 100 mΩ; usual: 0.5 mΩ to 5 mΩ");
        }
        if one.cable.is_some() && one.measures == Measures::Inverter {
            let message =
                "an inverter does not tell its DC current: what its cable drops is not known".to_owned();
            return refuse(of("cable"), message, "no `cable`");
        }
        if let Some(said) = &one.calibration {
            if !is_day(&said.date) {
                return refuse(
                    of("calibration.date"),
                    format!("`{}` is no day", said.date),
                    "a day such as `2026-03-01`",
                );
            }
            for (key, share) in [("voltage", said.voltage), ("current", said.current)] {
                if !(Percent::ZERO..=MOST_OFF).contains(&share) {
                    let message = format!("a meter that is {share} off measures nothing");
                    return refuse(
                        of(&format!("calibration.{key}")),
                        message,
                        "0 % to 10 %; usual: 0.3 % to 1 %",
                    );
                }
            }
            if !(Amps::ZERO..=MOST_ZERO).contains(&said.zero) {
                let message = format!("a meter that shows {} where none flows measures nothing", said.zero);
                return refuse(of("calibration.zero"), message, "0 A to 10 A; usual: 0.05 A to 0.5 A");
            }
        }
    }
    let told = |by: Instrument| rig.witnesses.iter().any(|witness| witness.instrument() == by);
    let untold = rig
        .limits
        .rows
        .keys()
        .find(|channel| channel.row().source.instrument().is_some_and(|by| by.is_witness() && !told(by)));
    untold.map_or(Ok(()), |channel| {
        let by = channel.row().source.instrument().map_or("it", Instrument::words);
        let message = format!("no witness of this rig tells `{}`", channel.key());
        let expected = format!("a {by} among `witnesses:`, or no limit on what it tells");
        Err(layers.refuse(&format!("limits.{}", channel.key()), message, expected))
    })
}

/// Refuses a device of a bus that cannot be what the rig file says.
fn bus(
    rig: &RigFile,
    one: &WitnessPlace,
    before: &[WitnessPlace],
    refuse: &impl Fn(String, String, &str) -> Result<(), YamlError>,
    of: &impl Fn(&str) -> String,
) -> Result<(), YamlError> {
    if let Some(can) = &one.can {
        if rig.live.as_ref().is_some_and(|live| live.can == *can) {
            let message = "this is the bus of the battery".to_owned();
            return refuse(
                of("can"),
                message,
                "a bus of its own: both protocols on one bus are not allowed for new integrations (P 1.3)",
            );
        }
        if let Some(port) = can.serial() {
            let serial = before.iter().find(|other| other.port.as_deref() == Some(port));
            if let Some(other) = serial.map(|other| other.name.as_str()).or_else(|| taken(rig, port)) {
                return refuse(
                    of("can"),
                    format!("`{port}` is the port of {other} too"),
                    "a port of its own",
                );
            }
        }
    }
    if let Some(address) = one.source {
        if address > LAST_ADDRESS {
            return refuse(of("source"), format!("no device has address {address}"), "0 to 251");
        }
        let also = before.iter().find(|other| other.can == one.can && other.source == one.source);
        if let Some(other) = also {
            let message = format!("`{}` has address {address} too", other.name);
            return refuse(of("source"), message, "an address of its own");
        }
    }
    if let Some(device) = one.device.filter(|device| device.instrument() != one.instrument()) {
        let message = format!("a {} does not measure the {}", device.words(), one.instrument().words());
        return refuse(of("device"), message, "one that fits `measures`");
    }
    Ok(())
}

/// Addresses 252 to 255 are nobody's (ISO 11783-5).
const LAST_ADDRESS: u8 = 251;

/// Whose port it is already.
fn taken(rig: &RigFile, port: &str) -> Option<&'static str> {
    let live = rig.live.as_ref()?;
    let can = (live.can.serial() == Some(port)).then_some("the CAN adapter");
    let psu = live.psu.as_ref().is_some_and(|psu| psu.port.serial() == Some(port));
    can.or_else(|| psu.then_some("the supply"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const SIMULATED: &str = include_str!("../../../rigs/simulated.yaml");
    const SERVED: &str = include_str!("../../../rigs/served.yaml");

    fn read(rig: &str, witnesses: &str) -> Result<RigFile, String> {
        RigFile::parse("rigs/a.yaml", &format!("{rig}\nwitnesses:\n{witnesses}"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_shunt_is_read() {
        let text = "  - name: S\n    measures: battery\n    polarity: reversed\n    cable: 1 mΩ\n    \
                    calibration: { date: 2026-03-01, voltage: 0.3 %, current: 0.4 %, zero: 0.1 A }\n";
        let rig = read(SIMULATED, text).expect("right");
        let [witness] = rig.witnesses().try_into().expect("one");
        assert_eq!(
            (witness.instrument, witness.is_reversed, witness.cable),
            (Instrument::Shunt, true, Ohms(0.001))
        );
        let calibration = witness.calibration.expect("said");
        assert!(
            (calibration.of_amps(-50.0) - 0.3).abs() < 1e-9
                && (calibration.of_volts(50.0) - 0.15).abs() < 1e-9
        );
    }

    #[rstest]
    #[case::two(
        SIMULATED,
        "  - { name: a, measures: battery }\n  - { name: b, measures: battery }\n",
        "another witness measures the shunt"
    )]
    #[case::no_port(SERVED, "  - { name: a, measures: battery }\n", "nobody says where `a` is connected")]
    #[case::a_port_in_the_box(
        SIMULATED,
        "  - { name: a, measures: battery, port: /dev/a }\n",
        "a simulated rig has no ports"
    )]
    #[case::one_port(
        SERVED,
        "  - { name: a, measures: battery, port: /dev/a }\n  - { name: b, measures: charger, port: /dev/a }\n",
        "is the port of a too"
    )]
    #[case::of_the_supply(
        SERVED,
        "  - { name: a, measures: battery, port: /tmp/busbar/psu }\n",
        "is the port of the supply too"
    )]
    #[case::of_can(
        SERVED,
        "  - { name: a, measures: battery, port: /tmp/busbar/can }\n",
        "is the port of the CAN adapter too"
    )]
    #[case::no_shunt(SIMULATED, "  - { name: a, measures: charger, polarity: reversed }\n", "only a shunt")]
    #[case::bmv(SIMULATED, "  - { name: a, measures: inverter, protocol: bmv }\n", "is a battery monitor")]
    #[case::hex(SIMULATED, "  - { name: a, measures: battery, hex: on }\n", "nothing of it is asked")]
    #[case::cable(SIMULATED, "  - { name: a, measures: battery, cable: 1 Ω }\n", "no cable to a meter")]
    #[case::day(
        SIMULATED,
        "  - { name: a, measures: battery, calibration: { date: today, voltage: 1 %, current: 1 %, zero: 0 A } }\n",
        "`today` is no day"
    )]
    #[case::off(
        SIMULATED,
        "  - { name: a, measures: battery, calibration: { date: 2026-03-01, voltage: 11 %, current: 1 %, zero: 0 A } }\n",
        "a meter that is 11 % off"
    )]
    #[case::a_line_of_its_own(
        SERVED,
        "  - { name: a, measures: battery, protocol: nmea2000, port: /dev/a }\n",
        "NMEA 2000 is a bus"
    )]
    #[case::no_bus(SERVED, "  - { name: a, measures: battery, protocol: nmea2000 }\n", "on which bus `a` is")]
    #[case::the_battery_s_bus(
        SERVED,
        "  - { name: a, measures: battery, protocol: nmea2000, can: { slcan: /tmp/busbar/can } }\n",
        "the bus of the battery"
    )]
    #[case::the_supply_s_port(
        SERVED,
        "  - { name: a, measures: battery, protocol: nmea2000, can: { slcan: /tmp/busbar/psu } }\n",
        "is the port of the supply too"
    )]
    #[case::a_bus_in_the_box(
        SIMULATED,
        "  - { name: a, measures: battery, protocol: nmea2000, can: { interface: can1 } }\n",
        "a simulated rig has no ports"
    )]
    #[case::a_source_on_a_line(
        SIMULATED,
        "  - { name: a, measures: battery, source: 3 }\n",
        "only a witness on a bus"
    )]
    #[case::nobody_s_address(
        SIMULATED,
        "  - { name: a, measures: battery, protocol: nmea2000, source: 254 }\n",
        "no device has address 254"
    )]
    #[case::one_address(
        SIMULATED,
        "  - { name: a, measures: battery, protocol: nmea2000, source: 3 }\n  - { name: b, measures: charger, protocol: nmea2000, source: 3 }\n",
        "`a` has address 3 too"
    )]
    #[case::another_device(
        SIMULATED,
        "  - { name: a, measures: battery, protocol: nmea2000, device: solar }\n",
        "a solar charger does not measure the shunt"
    )]
    #[case::ac_of_a_shunt(
        SIMULATED,
        "  - { name: a, measures: battery, protocol: nmea2000, ac: input }\n",
        "only an inverter tells of AC"
    )]
    #[case::unknown(SIMULATED, "  - { name: a, measures: heat }\n", "rigs/a.yaml:")]
    fn what_cannot_be_is_refused_with_its_place(
        #[case] rig: &str,
        #[case] witnesses: &str,
        #[case] says: &str,
    ) {
        let error = read(rig, witnesses).expect_err("refused");
        assert!(error.contains(says) && error.starts_with("rigs/a.yaml:"), "{error}");
    }

    #[test]
    fn a_limit_takes_a_witness_and_three_seconds() {
        let limited = SIMULATED.replacen("limits:\n", "limits:\n  shunt.voltage: { at-most: 60 V }\n", 1);
        let error = RigFile::parse("a.yaml", &limited).expect_err("refused").to_string();
        assert!(error.contains("no witness of this rig tells `shunt.voltage`"), "{error}");
        let rig = read(&limited, "  - { name: a, measures: battery }\n").expect("right");
        assert_eq!(rig.limits.age(proto::channel::Channel::ShuntVoltage), Protocol::VeDirect.row().fresh);
    }
}
