//! `busbar doctor --labgrid`: the instruments of a rig as a file of `labgrid-exporter`.

use std::fmt::Write as _;

use files::RigFile;
use files::live::{CanPlace, Live, PsuPort, Switch};

/// The file; nothing for a simulated rig.
///
/// A serial port has a class that labgrid has no driver for: an exporter would otherwise offer the port of the supply to the
/// network (ser2net) while a guard must be able to open it.
pub(super) fn file(rig: &RigFile) -> Option<String> {
    let live = rig.live.as_ref()?;
    let mut out = format!(
        "# The instruments of the rig `{name}` for labgrid: `labgrid-exporter FILE`, then\n# `labgrid-client -p PLACE add-match '*/{name}/*'`. \
         Busbar opens them by itself; the place says whose they are.\n{}:\n",
        text(&rig.rig),
        name = rig.rig
    );
    for Resource { name, class, keys } in resources(rig, live) {
        // Writing into a text cannot fail.
        let _ = writeln!(out, "  {}:\n    cls: {class}\n    params:", text(&name));
        keys.iter().for_each(|(key, value)| {
            let _ = writeln!(out, "      {key}: {value}");
        });
    }
    Some(out)
}

/// What a place may consist of.
struct Resource {
    name: String,
    class: &'static str,
    keys: Vec<(&'static str, String)>,
}

impl Resource {
    fn serial(name: &str, port: &str) -> Self {
        Self { name: name.to_owned(), class: "BusbarSerialPort", keys: vec![("port", text(port))] }
    }

    fn network(name: &str, address: &str, default: u16) -> Self {
        let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
        let port = port.parse().unwrap_or(default);
        let keys = vec![("address", text(host)), ("port", port.to_string()), ("username", text(""))];
        Self { name: name.to_owned(), class: "NetworkService", keys }
    }

    fn bus(name: &str, bus: &CanPlace) -> Self {
        match bus {
            CanPlace::Slcan(port) => Self::serial(name, port),
            CanPlace::Interface(interface) => Self {
                name: name.to_owned(),
                class: "BusbarCanInterface",
                keys: vec![("ifname", text(interface))],
            },
        }
    }
}

/// The port of Modbus-TCP.
const MODBUS: u16 = 502;

fn resources(rig: &RigFile, live: &Live) -> Vec<Resource> {
    let mut all = vec![Resource::bus("can", &live.can)];
    all.extend(live.psu.as_ref().map(|psu| match &psu.port {
        PsuPort::Serial { serial, .. } => Resource::serial("supply", serial),
        PsuPort::Tcp { tcp } => Resource::network("supply", &tcp.to_string(), tcp.port()),
    }));
    all.extend(live.gx.as_ref().map(|gx| Resource::network("gx", &gx.address, MODBUS)));
    all.extend(live.switches.all().filter_map(|switch| match switch {
        Switch::Coil { address, unit, number } => Some(Resource {
            name: format!("coil-{unit}-{number}"),
            class: "ModbusTCPCoil",
            keys: vec![("host", text(address)), ("coil", number.to_string())],
        }),
        Switch::GxRelay(_) => None,
    }));
    all.extend(rig.witnesses.iter().enumerate().filter_map(|(k, witness)| {
        let name = format!("witness-{}", k + 1);
        let port = witness.port.as_deref().map(|port| Resource::serial(&name, port));
        port.or_else(|| witness.can.as_ref().map(|bus| Resource::bus(&name, bus)))
    }));
    all
}

/// A text quoted for YAML.
fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instrument_of_the_example_is_a_resource() {
        let text = include_str!("../../../../rigs/lab-example.yaml");
        let rig = RigFile::parse("lab-example.yaml", text).expect("it is shipped");
        let file = file(&rig).expect("it is real");
        let has = |part: &str| assert!(file.contains(part), "{part} is missing in\n{file}");
        has(
            "\n\"lab-example\":\n  \"can\":\n    cls: BusbarCanInterface\n    params:\n      ifname: \"can0\"\n",
        );
        has("  \"supply\":\n    cls: BusbarSerialPort\n    params:\n      port: \"/dev/serial/by-id/usb-EA");
        has(
            "  \"gx\":\n    cls: NetworkService\n    params:\n      address: \"192.168.1.20\"\n      port: 502\n",
        );
        has(
            "  \"coil-1-1\":\n    cls: ModbusTCPCoil\n    params:\n      host: \"192.168.1.30:502\"\n      coil: 1\n",
        );
    }

    #[test]
    fn a_simulated_rig_has_none() {
        let text = include_str!("../../../../rigs/simulated.yaml");
        assert!(file(&RigFile::parse("simulated.yaml", text).expect("it is shipped")).is_none());
    }
}
