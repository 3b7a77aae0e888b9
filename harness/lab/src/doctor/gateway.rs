//! The GX over Modbus-TCP: reachable, every unit answers, and what it shows fits what the bus says.

use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use engine::bench::Capability;
use proto::channel::Channel;
use proto::gx::{Block, Exception, Product, Register, ess};
use proto::quantity::{Micros, Volts};
use proto::samples::Value;

use super::bus::Heard;
use super::{Finding, Part};
use crate::can::RunClock;
use crate::guard::restore_gx;
use crate::gx::{GxEvent, GxPort, GxSettings, Poll, Timed, name, refusal};
use crate::psu::{Registers, Tape};
use files::RigFile;
use files::live::{GxPlace, Live};

/// How long the GX may take to be read whole.
const WITHIN: Duration = Duration::from_secs(5);
/// From one try to the next, and for each answer.
const PERIOD: Micros = Micros::from_millis(500);

/// A GX measures at its own end of the cable (assumption).
const CABLE: Volts = Volts(1.0);
/// What the bus said a moment before.
const MOMENT: Volts = Volts(0.5);

pub(super) fn examine(place: &GxPlace, rig: &RigFile, heard: &Heard, tape: Option<&Tape>) -> Vec<Finding> {
    let poll = match poll(place) {
        Ok(poll) => {
            if let Some(tape) = tape {
                for answer in &poll.answers {
                    let Block { first, count, .. } = answer.block;
                    tape.saw(Registers { unit: answer.unit, first, count, said: answer.cells.clone() });
                }
            }
            poll
        }
        Err(why) => {
            let named = why.starts_with(&place.address);
            return vec![Part::Gx.problem(
                if named { why } else { format!("{}: {why}", place.address) },
                "correct `live.gx.address`, or see that `ping` and then its Modbus TCP server answer",
            )];
        }
    };
    let mut findings = vec![
        Part::Gx.ok(format!("{} answers", place.address)),
        Part::Gx.ok("its clock is not among its registers: evidence has the time of this machine"),
    ];
    for product in PRODUCTS {
        findings.push(answers(place, &poll, product));
        findings.extend(lacking(&poll, product));
    }
    findings.extend(compared(&poll, heard));
    findings.extend(settings(&poll, rig));
    findings
}

/// What a run that died with its guard left on the GX is written back.
pub(super) fn restored(live: &Live) -> Option<Finding> {
    match restore_gx(live) {
        Ok(None) => None,
        Ok(Some(what)) => Some(Part::Gx.warning(
            format!("a run that died had written to it: {what}"),
            "nothing more; look at the end of that run for what killed it",
        )),
        Err(what) => Some(Part::Gx.problem(
            format!("a run that died had written to it: {what}"),
            "write it back by hand, then `busbar doctor --clear`",
        )),
    }
}

const PRODUCTS: [Product; Product::COUNT] =
    [Product::Battery, Product::System, Product::Inverter, Product::Solar, Product::Grid, Product::Ess];

/// The first poll in which the GX answered; what it said last, where there is none.
fn poll(place: &GxPlace) -> Result<Poll, String> {
    let settings =
        GxSettings { address: place.address.clone(), units: place.units, period: PERIOD, within: PERIOD };
    let (sender, events) = sync_channel::<Timed>(64);
    let _port = GxPort::open(&settings, RunClock::start(), sender).map_err(|error| error.to_string())?;
    let end = Instant::now() + WITHIN;
    let mut last = "no answer".to_owned();
    while let Ok(timed) = events.recv_timeout(end.saturating_duration_since(Instant::now())) {
        match timed.event {
            GxEvent::Poll(poll) => return Ok(*poll),
            // Nobody begins to listen while we wait.
            GxEvent::Lost(why) => return Err(why.to_string()),
            told => last = told.to_string(),
        }
    }
    Err(last)
}

fn answers(place: &GxPlace, poll: &Poll, product: Product) -> Finding {
    let what = name(product);
    let Some(unit) = place.units.of(product) else {
        return Part::Gx.warning(
            format!("the {what} has no unit id, so it is not read"),
            "name it in `live.gx.units`, where there is one",
        );
    };
    let of_product = || poll.answers.iter().filter(|answer| answer.block.product == product);
    let there: Vec<String> =
        of_product().filter(|answer| answer.cells.is_ok()).map(|answer| range(answer.block)).collect();
    let refused = of_product().filter(|answer| !answer.is_lacking() || there.is_empty());
    match refused.filter_map(|answer| answer.cells.as_ref().err()).next() {
        None => Part::Gx
            .ok(format!("the {what} answers as unit {unit}: registers {}", there.join(", "))),
        Some(&code) if Exception::of(code) == Some(Exception::NoProduct) => Part::Gx.problem(
            format!("there is no {what} as unit {unit} (exception {code})"),
            match product {
                Product::Battery => {
                    "does the GX list the battery? If not: CAN cable, CAN-bus profile (P 5.1); if so: correct \
                     `live.gx.units` by Settings, Integrations, Modbus TCP server, Available services"
                }
                _ => {
                    "correct `live.gx.units` by Settings, Integrations, Modbus TCP server, Available services on the GX"
                }
            },
        ),
        Some(&code) => Part::Gx.problem(
            format!("the {what}, unit {unit}, answers with {}", refusal(code)),
            match code {
                4..=6 | 11 => "see whether a gateway stands between, and whether the device behind it is on",
                _ => "the firmware of the GX may be older than its registers: update it",
            },
        ),
    }
}

/// Registers that this GX does not have: a run goes on without them.
fn lacking(poll: &Poll, product: Product) -> Option<Finding> {
    let of_product = || poll.answers.iter().filter(|answer| answer.block.product == product);
    let lacks: Vec<Block> =
        of_product().filter(|answer| answer.is_lacking()).map(|answer| answer.block).collect();
    let code =
        of_product().filter(|answer| answer.is_lacking()).find_map(|answer| answer.cells.clone().err());
    if lacks.is_empty() || !of_product().any(|answer| answer.cells.is_ok()) {
        return None;
    }
    let ranges = lacks.iter().copied().map(range).collect::<Vec<_>>().join(", ");
    let what = format!(
        "it has no registers {ranges} of the {} (exception {})",
        name(product),
        code.unwrap_or_default()
    );
    Some(if lacks.iter().all(|block| block.is_newer()) {
        Part::Gx.ok(format!("{what}: they came in 2026, and a run does without them"))
    } else {
        Part::Gx.warning(what, "a run does without them and judges less: update the firmware of the GX")
    })
}

/// First and last register of a block.
fn range(block: Block) -> String {
    match block.first + block.count - 1 {
        last if last == block.first => last.to_string(),
        last => format!("{} to {last}", block.first),
    }
}

/// What GX and bus say of one thing.
fn compared(poll: &Poll, heard: &Heard) -> Vec<Finding> {
    let shows = |channel| poll.said.number(channel).map(Volts);
    let mut findings = Vec::new();
    let mut compare =
        |what: &str, gx: Option<Volts>, other: Option<Volts>, of: &str, most: Volts, remedy: &str| {
            let (Some(gx), Some(other)) = (gx, other) else { return };
            let what = format!("{what}: {gx} on the GX, {other} {of}");
            findings.push(if (gx - other).abs() <= most {
                Part::Gx.ok(what)
            } else {
                Part::Gx.warning(what, remedy)
            });
        };
    let voltage = shows(Channel::GxPackVoltage);
    compare(
        "voltage of the battery",
        voltage,
        heard.voltage,
        "on the bus (0x356)",
        MOMENT,
        "the GX may show another battery: is this unit the one on this bus?",
    );
    compare(
        "CVL",
        shows(Channel::GxCvl),
        heard.cvl,
        "on the bus (0x351)",
        Volts(0.05),
        "the GX corrects some makes; where it does not, it may show another battery",
    );
    compare(
        "voltage of the inverter",
        shows(Channel::BusVoltage),
        voltage,
        "at the battery",
        CABLE,
        "check the DC cables and fuses between them",
    );
    findings
}

/// Settings of the GX that change what a test shows.
fn settings(poll: &Poll, rig: &RigFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(limit) = value(poll, ess::USER_CHARGE_CURRENT).filter(|&amps| amps >= 0.0) {
        findings.push(Part::Gx.warning(
            format!("the GX limits charging to {limit} A (DVCC, register 2705)"),
            "switch the limit off: the battery's own is tested (P 1.5)",
        ));
    }
    if let Some(limit) = value(poll, ess::USER_CHARGE_VOLTAGE).filter(|&volts| volts > 0.0) {
        findings.push(Part::Gx.warning(
            format!("the GX limits the charge voltage to {limit} V (DVCC, register 2710)"),
            "switch the limit off: the battery's own is tested (P 1.5)",
        ));
    }
    if let Some(over) = value(poll, ess::SETPOINT_OVERRIDE).filter(|watts| watts.abs() >= 1.0) {
        findings.push(Part::Gx.warning(
            format!(
                "something controls the GX from outside: it holds a grid set-point of {over} W (register {}) over its own \
                 setting (register {})",
                ess::SETPOINT_OVERRIDE.address,
                ess::GRID_SETPOINT.address
            ),
            "switch that off for the time of the run: the sun would go where it says",
        ));
    }
    let mains = poll.said.get(Channel::GridConnected);
    if let Some(mains) = mains.filter(|_| rig.capabilities.contains(&Capability::Grid)) {
        findings.push(if mains == Value::Flag(true) {
            Part::Gx.ok("the mains are connected")
        } else {
            Part::Gx.warning("the mains are not connected", "connect them: a case begins with them")
        });
    }
    if let Some(Value::Word(alarms @ 1..)) = poll.said.get(Channel::GxAlarms) {
        findings.push(Part::Gx.warning(
            format!("the GX shows {} alarms of the battery", alarms.count_ones()),
            "look at them on the GX: a test begins with a healthy battery",
        ));
    }
    findings
}

/// A register, where it was read.
fn value(poll: &Poll, register: Register) -> Option<f64> {
    let cells = |answer: &'_ crate::gx::Answer| {
        let is_there = answer.block.product == register.product;
        is_there
            .then_some(answer.cells.as_ref().ok())
            .flatten()
            .map(|cells| (answer.block.first, cells.clone()))
    };
    poll.answers.iter().filter_map(cells).find_map(|(first, cells)| register.read(first, &cells))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gx::Answer;

    /// Since 2026 something outside may hold a set-point over that of the GX: told, and so is what there is of a block.
    #[test]
    fn a_set_point_from_outside_is_told() {
        let rig =
            RigFile::parse("lab", include_str!("../../../../rigs/lab-example.yaml")).expect("a good rig");
        let says = |watts: u16| {
            let block = Block { product: Product::Ess, first: 2716, count: 2 };
            let answer = Answer { block, unit: 100, at: Micros::ZERO, cells: Ok(vec![0, watts]) };
            settings(&Poll::of(vec![answer]), &rig)
        };
        assert!(says(0).iter().all(|finding| !finding.what.contains("2716")));
        let told = says(800);
        let told = told.iter().find(|finding| finding.what.contains("register 2716")).expect("it is told");
        assert!(told.what.contains("800 W") && told.remedy.contains("switch that off"), "{told:?}");
    }
}
