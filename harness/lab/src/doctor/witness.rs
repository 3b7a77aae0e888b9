//! The witnesses: what is at the end of each line, and whether it says what the battery says while nothing is switched on.

use files::live::Live;
use files::{RigFile, WitnessPlace};
use judge::trace::{Channel, Trace};
use judge::witness::{Reader, Witness};
use proto::quantity::{Amps, Micros, Volts};
use proto::vedirect::Auxiliary;

use super::bus::Heard;
use super::{Finding, Part, device};
use crate::can::RunClock;
use crate::witness::WitnessPort;

/// Two meters of one current may differ by this much at rest, beside what the rig file says of the witness.
const AT_REST: Amps = Amps(1.0);
/// The same for the voltage, as a share of it.
const VOLTS: f64 = 0.01;
/// More than one block in a thousand with a wrong sum is a fault of the wiring; of a few blocks one may be bad by chance.
const BAD: f64 = 0.001;
const BY_CHANCE: u64 = 1;

pub(super) fn examine(rig: &RigFile, live: &Live, listen: Micros, heard: &Heard) -> Vec<Finding> {
    rig.witnesses.iter().flat_map(|place| one(place, rig, live, listen, heard)).collect()
}

fn one(place: &WitnessPlace, rig: &RigFile, live: &Live, listen: Micros, heard: &Heard) -> Vec<Finding> {
    let name = &place.name;
    if let Some(obstacle) = place.serial().and_then(|path| device::obstacle(Part::Witness, path)) {
        return vec![Finding { what: format!("{name}: {}", obstacle.what), ..obstacle }];
    }
    let clock = RunClock::start();
    let second = Micros((1_000_000 / u64::from(live.speed)).max(1000));
    let Some(mut port) = WitnessPort::of(place, clock, second) else { return Vec::new() };
    let (mut reader, mut trace) = (Reader::new(place.witness()), Trace::default());
    let end = clock.now() + listen;
    while clock.now() < end {
        port.step(|at, chunk| {
            reader.hear(at, &chunk, |said| {
                for (channel, value) in said.values() {
                    if let Some(value) = value.number() {
                        trace.push(channel, at, value);
                    }
                }
            });
        });
    }
    if let Some(trouble) = port.trouble().told() {
        let remedy = "nobody else may have it open, and its cable must be in";
        return vec![Part::Witness.problem(format!("{name}: {trouble}"), remedy)];
    }
    let mut findings = vec![line(name, &reader, listen)];
    findings.extend(product(name, place, &reader));
    if place.calibration.is_none() {
        findings.push(Part::Witness.warning(
            format!("{name}: nobody says how far it may be off"),
            "state `calibration` with its date; until then its differences are told and decide nothing",
        ));
    }
    findings.extend(limited(rig, &reader, &trace, listen));
    findings.extend(beside(name, place, &trace, heard));
    findings
}

/// Limits of the rig that rest on what it does not tell.
fn limited(rig: &RigFile, reader: &Reader, trace: &Trace, listen: Micros) -> Vec<Finding> {
    let Witness { name, instrument, .. } = reader.witness();
    if reader.counters().blocks == 0 {
        return Vec::new();
    }
    let own = |channel: &&Channel| channel.row().source.instrument() == Some(*instrument);
    let untold =
        rig.limits.rows.keys().filter(own).filter(|&&channel| trace.series(channel).points().is_empty());
    untold
        .map(|&channel| {
            let remedy = match (channel, reader.device().auxiliary) {
                (Channel::ShuntTemperature, Some(Auxiliary::Starter | Auxiliary::Midpoint) | None) => {
                    "set its auxiliary input to a temperature sensor, or take that limit out of the rig file"
                }
                _ => "listen longer (`--listen`), or take that limit out of the rig file",
            };
            let what = format!(
                "{name}: it told no `{}` in {} s, and the rig has a limit on it, on which a run ends",
                channel.key(),
                listen.secs()
            );
            Part::Witness.warning(what, remedy)
        })
        .collect()
}

/// Whether the line carries blocks, or the bus messages of it.
fn line(name: &str, reader: &Reader, listen: Micros) -> Finding {
    let (counters, secs) = (reader.counters(), listen.secs());
    let protocol = reader.witness().protocol;
    let on_bus = protocol.is_bus();
    if counters.bytes == 0 {
        return Part::Witness.problem(
            format!("{name}: nothing was heard in {secs} s"),
            if on_bus {
                "is the bus powered, at 250 kbit/s, and terminated at both ends? Pins of VE.Can: 7 CAN-H, 8 CAN-L, 3 minus"
            } else {
                "is it powered, is the cable in its VE.Direct port, and is that port's TX function set to communication?"
            },
        );
    }
    if counters.blocks == 0 && on_bus {
        let heard = reader.heard_beside();
        return Part::Witness.problem(
            format!("{name}: it is not on its bus; heard in {secs} s: {heard}"),
            "state its address as `source`, or its kind as `device`; a GX repeats what the battery says and is no witness",
        );
    }
    if counters.blocks == 0 {
        return Part::Witness.problem(
            format!("{name}: {} bytes in {secs} s, and no block among them", counters.bytes),
            reader.unread(),
        );
    }
    let said = reader.identity().unwrap_or_else(|| "it does not say what it is".to_owned());
    let (unit, broken) = (protocol.row().unit, protocol.row().broken);
    let what =
        format!("{name}: {said}; {} {unit}s in {secs} s, {} {broken}", counters.blocks, counters.bad_blocks);
    let all = counters.blocks + counters.bad_blocks;
    if counters.bad_blocks > BY_CHANCE && counters.bad_blocks as f64 / all as f64 > BAD {
        let remedy = if on_bus {
            "look at cable, terminators and the load of the bus"
        } else {
            "look at cable and ground: 7 blocks in 100 000 are usual"
        };
        return Part::Witness.warning(what, remedy);
    }
    if reader.restarts() > 0 {
        let remedy = "is its supply steady? It is fed by the battery; a charge counter begins at zero then";
        return Part::Witness.warning(format!("{what}; it started anew {} times", reader.restarts()), remedy);
    }
    if reader.health().gaps > 0 {
        let often = if on_bus { "every 1.5 s to 2 s" } else { "once a second" };
        let fresh = protocol.row().fresh.span();
        let remedy = format!("a {unit} comes {often}; limits that rest on it trip after {fresh}");
        return Part::Witness
            .warning(format!("{what}, up to {} without one", reader.health().longest), remedy);
    }
    Part::Witness.ok(what)
}

/// Whether it is what the rig file says.
fn product(name: &str, place: &WitnessPlace, reader: &Reader) -> Option<Finding> {
    let (device, health) = (reader.device(), reader.health());
    let expected = place.instrument().words();
    if health.changes > 0 {
        return Some(if reader.witness().protocol.is_bus() {
            let others = reader.heard_beside();
            Part::Witness.problem(
                format!("{name}: another device of the bus could be it as well: {others}"),
                "state its address as `source`",
            )
        } else {
            Part::Witness
                .problem(format!("{name}: two instruments speak on one line"), "give each a port of its own")
        });
    }
    if device.measures.is_some_and(|what| what != 0) {
        return Some(Part::Witness.problem(
            format!(
                "{name}: it is set to meter something else than a battery (MON {})",
                device.measures.unwrap_or(0)
            ),
            "set its monitor mode to battery monitor",
        ));
    }
    (health.strange > 0).then(|| {
        Part::Witness.problem(
            format!("{name}: this is no {expected}"),
            "correct `measures` or `port` of `witnesses:`; ports are best named under /dev/serial/by-id",
        )
    })
}

/// What a shunt says beside what the battery says, while the doctor switches nothing on.
fn beside(name: &str, place: &WitnessPlace, trace: &Trace, heard: &Heard) -> Vec<Finding> {
    let last = |channel| trace.series(channel).last();
    let mut findings = Vec::new();
    let witness = place.witness();
    if let Some((shunt, Amps(battery))) = last(Channel::ShuntCurrent).zip(heard.current) {
        let may = AT_REST.0 + witness.calibration.as_ref().map_or(0.0, |said| said.of_amps(shunt));
        let what = format!("{name}: {shunt:.2} A, the battery says {battery:.2} A");
        findings.push(if (shunt - battery).abs() <= may {
            Part::Witness.ok(what)
        } else if battery.abs() > may && (shunt + battery).abs() <= may {
            Part::Witness.warning(what, "it is connected the other way round: turn it, or say `polarity: reversed`")
        } else {
            Part::Witness.warning(
                what,
                "a load or charger that is not behind the shunt, or a zero that is off: see what it shows for two minutes \
                 with the battery disconnected",
            )
        });
    }
    if let Some((shunt, Volts(battery))) = last(Channel::ShuntVoltage).zip(heard.voltage) {
        let what = format!("{name}: {shunt:.2} V, the battery says {battery:.2} V");
        findings.push(if (shunt - battery).abs() <= VOLTS * battery {
            Part::Witness.ok(what)
        } else {
            Part::Witness.warning(
                what,
                "its sense wire belongs at the terminals of the battery; or one of the two is wrong",
            )
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;
    use rstest::rstest;

    const RIG: &str = concat!(
        include_str!("../../../../rigs/simulated.yaml"),
        "\nwitnesses:\n  - name: Shunt\n    measures: battery\n    calibration: { date: 2026-03-01, voltage: 0.3 %, \
         current: 0.4 %, zero: 0.1 A }\n"
    );

    /// 20 A into a battery, and 53.2 V.
    #[rstest]
    #[case::right(20.0, 53.2, &[(Level::Ok, ""), (Level::Ok, "")])]
    #[case::turned(-20.0, 53.2, &[(Level::Warning, "the other way round"), (Level::Ok, "")])]
    #[case::a_load_that_it_does_not_see(17.0, 53.2, &[(Level::Warning, "not behind the shunt"), (Level::Ok, "")])]
    #[case::a_volt_off(20.1, 54.2, &[(Level::Ok, ""), (Level::Warning, "sense wire")])]
    fn a_shunt_beside_the_battery(#[case] amps: f64, #[case] volts: f64, #[case] says: &[(Level, &str)]) {
        let rig = RigFile::parse("rig", RIG).unwrap_or_else(|error| panic!("{error}"));
        let mut trace = Trace::default();
        trace.push(Channel::ShuntCurrent, Micros::from_secs(1), amps);
        trace.push(Channel::ShuntVoltage, Micros::from_secs(1), volts);
        let heard = Heard { current: Some(Amps(20.0)), voltage: Some(Volts(53.2)), ..Heard::default() };
        let found = beside("Shunt", &rig.witnesses[0], &trace, &heard);
        assert_eq!(found.len(), says.len());
        for (finding, (level, remedy)) in found.iter().zip(says) {
            assert!(finding.level == *level && finding.remedy.contains(remedy), "{finding:?}");
        }
    }
}
