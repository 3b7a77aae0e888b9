//! What the file says, against itself and against the battery, and whether everybody it names is there.

use super::{Finding, Part};
use crate::operator::Client;
use evidence::plan;
use files::live::{Live, OperatorPlace};
use files::{BatteryFile, RigFile};

pub(super) fn examine(rig: &RigFile, battery: &BatteryFile, live: &Live) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = &battery.declared.name;
    findings.push(match plan::beyond_limits(rig, &battery.declared) {
        None => Part::File.ok(format!("the limits of the rig fit the battery `{name}`")),
        Some(why) => {
            Part::File.problem(why, "correct `limits:` of the rig, or put the battery on another one")
        }
    });
    if live.gx.is_some() {
        findings.push(match rig.site().gx {
            None => Part::File.warning(
                "nobody has stated how DVCC and SVS are set: Modbus does not tell (P 5.5)",
                "look on the GX under Settings, DVCC, and state it in `gx:` with a name and a date",
            ),
            Some(setup) => match setup.fault() {
                None => Part::File.ok(format!("DVCC on and SVS off, stated by {}", setup.confirmed_by)),
                Some(fault) => Part::File.problem(
                    format!("the rig states that {fault} (P 5.5)"),
                    "enable DVCC and disable SVS in the GX, then state it in `gx:`",
                ),
            },
        });
    }
    if rig.can.bit_rate != rig.can.gx_profile {
        findings.push(Part::File.problem(
            format!("the GX is set to {}, our interface to {}", rig.can.gx_profile, rig.can.bit_rate),
            "one bus has one bit rate (P 5.1): correct `can:`, and the CAN-bus profile on the GX",
        ));
    }
    findings
}

/// Whether somebody is there who does what no wire carries.
pub(super) fn reach(live: &Live) -> Finding {
    match &live.operator {
        OperatorPlace::None => Part::Operator.warning(
            "there is none: cases that need a state of charge are not tried",
            "name one in `live.operator`, a person at the terminal or a program",
        ),
        OperatorPlace::Terminal { .. } => Part::Operator.ok("a person at the terminal"),
        OperatorPlace::Tcp { address, timeout } => match Client::connect(*address, *timeout) {
            Ok(_) => Part::Operator.ok(format!("the program at {address} listens")),
            Err(error) => Part::Operator.problem(error.to_string(), "start it before the run"),
        },
    }
}
