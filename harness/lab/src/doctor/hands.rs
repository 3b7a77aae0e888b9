//! What the rig writes to: that the GX takes what it is told, and that switches are coils and not an open port. Nothing
//! changes by this: a register gets what it holds, a coil is only read.

use proto::gx::{Product, Register, ess, inverter, system};
use proto::quantity::Micros;
use tokio::runtime::{Builder, Runtime};

use super::{Finding, Part};
use crate::gx::{GxError, Link};
use files::live::{GxPlace, Live, Switch};

/// How long a connection and an answer may take.
const WITHIN: Micros = Micros::from_secs(1);

pub(super) fn examine(live: &Live) -> Vec<Finding> {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        return vec![
            Part::Switches.warning("this machine has no socket left to try them with", "end other programs"),
        ];
    };
    let mut findings = live.gx.as_ref().map_or_else(Vec::new, |gx| written(&runtime, gx, live));
    for switch in live.switches.all() {
        if let Switch::Coil { address, unit, number } = switch {
            findings.push(coil(&runtime, address, *unit, *number));
        }
    }
    // A name server that does not answer keeps nobody waiting.
    runtime.shutdown_background();
    findings
}

/// Every register that a run may write, by what is there.
fn written(runtime: &Runtime, gx: &GxPlace, live: &Live) -> Vec<Finding> {
    let relays = live.switches.all().filter_map(|switch| match switch {
        Switch::GxRelay(1) => Some(system::RELAY_1),
        Switch::GxRelay(_) => Some(system::RELAY_2),
        Switch::Coil { .. } => None,
    });
    let registers = [ess::FEED_IN_EXCESS, inverter::INPUT_CURRENT_LIMIT].into_iter().chain(relays);
    let of = |product: Product| gx.units.of(product);
    registers
        .filter_map(|register| of(register.product).map(|unit| (register, unit)))
        .map(|(register, unit)| {
            let (name, address) = (register.label, register.address);
            match runtime.block_on(write_back(gx, register, unit)) {
                Ok(true) => Part::Gx.ok(format!("it takes what is written to {name} (register {address})")),
                Ok(false) => Part::Gx.problem(
                    format!("{name} (register {address}) was written what it held, and holds something else then"),
                    "something else writes to it: another program, an assistant, or the GX itself",
                ),
                Err(error) => Part::Gx.problem(
                    format!("{name} (register {address}) cannot be written: {error}"),
                    "allow writing in the Modbus TCP server of the GX; relays take it when their function is Manual",
                ),
            }
        })
        .collect()
}

/// Writes what a register holds, and says whether it holds that still.
async fn write_back(gx: &GxPlace, register: Register, unit: u8) -> Result<bool, GxError> {
    let mut link = Link::open(&gx.address, WITHIN).await?;
    let (first, many) = (register.address, register.kind.cells());
    let held = link.read(unit, first, many).await?;
    link.write(unit, first, &held).await?;
    Ok(link.read(unit, first, many).await? == held)
}

fn coil(runtime: &Runtime, address: &str, unit: u8, number: u16) -> Finding {
    let read = runtime.block_on(async { Link::open(address, WITHIN).await?.coil(unit, number).await });
    match read {
        Ok(on) => {
            let state = if on { "on" } else { "off" };
            Part::Switches.ok(format!("coil {number} of unit {unit} at {address} is {state}"))
        }
        Err(error) => Part::Switches.problem(
            format!("coil {number} of unit {unit} at {address} cannot be read: {error}"),
            "is the device on, in the same network, and are address, unit and number right (`live.switches`)?",
        ),
    }
}
