//! The supply: who it is, and whether it is off. Nothing of it is changed but who has control, and that is given back.

use proto::quantity::{Amps, Micros, Watts};

use super::{Finding, Part, device};
use crate::live::connect;
use crate::psu::{Accepted, Rated, Settings, Supply, SupplyError, Tape};
use files::Profile;
use files::live::{PsuPlace, PsuPort};
use files::profile::Status;
use proto::scpi::Alarm;

/// What a run asks of the supply at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    /// largest current limit
    pub(super) current: Amps,
    /// largest sun
    pub(super) power: Watts,
}

/// Looks at it, and says whether it answered as a supply; what is said goes onto the tape, where there is one.
pub(super) fn examine(
    place: &PsuPlace,
    profile: Profile,
    most: Most,
    tape: Option<&Tape>,
) -> (Vec<Finding>, bool) {
    if let PsuPort::Serial { serial, .. } = &place.port
        && let Some(obstacle) = device::obstacle(Part::Supply, serial)
    {
        return (vec![obstacle], false);
    }
    let mut findings = words(place, &profile);
    let (name, status, proof) = (profile.psu_profile.clone(), profile.status, profile.proof());
    tape.iter().for_each(|tape| tape.begins(&profile));
    let opened = connect(&place.port, profile.serial)
        .map(|link| match tape {
            Some(tape) => tape.on(link),
            None => link,
        })
        .map_err(SupplyError::from)
        .and_then(|link| Supply::open(link, profile, Settings::of(place, most.current).patient()));
    let (mut supply, found) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            findings.push(Part::Supply.problem(error.to_string(), hint(&error)));
            return (findings, false);
        }
    };
    let who = match status {
        Status::Confirmed => {
            Part::Supply.ok(format!("{}, as the profile `{name}` says ({proof})", found.identity))
        }
        Status::Documented => Part::Supply.ok(format!(
            "{}, as the profile `{name}` says ({proof}: written after the manual, and no bench has confirmed it)",
            found.identity
        )),
    };
    findings.insert(0, who);
    if let Some(greeting) = &found.greeting {
        findings.push(Part::Supply.warning(
            format!(
                "it said `{}` before it said who it is: it starts when its port is opened",
                greeting.escape_debug()
            ),
            "whoever opens the port switches it off: part the line that resets it (DTR) where it has one",
        ));
    }
    findings.push(if found.output {
        Part::Supply.problem("its output is on", "find out who uses it, and switch it off")
    } else {
        Part::Supply.ok("its output is off")
    });
    if !found.alarms.is_empty() {
        let names: Vec<_> = found.alarms.iter().copied().map(Alarm::name).collect();
        findings.push(Part::Supply.problem(
            format!("it has tripped: {}", names.join(", ")),
            "find out why, then clear it at the supply",
        ));
    }
    if !found.errors.is_empty() {
        let errors: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        findings.push(Part::Supply.warning(
            format!("its error queue held: {}", errors.join("; ")),
            "it is empty now; where they come back, the profile may not fit the firmware",
        ));
    }
    findings.push(last_resort(&mut supply, place, found.output || !found.alarms.is_empty()));
    match read(&mut supply, place) {
        Ok(read) => findings.extend(read),
        Err(error) => findings.push(Part::Supply.problem(error.to_string(), hint(&error))),
    }
    findings.extend(rated(&mut supply, place, most));
    if let Some(tape) = tape {
        let quiet = !found.output && found.alarms.is_empty();
        findings.extend(quiet.then(|| rehearsed(&mut supply)));
        tape.hides(&found.identity.serial);
    }
    if let Err(error) = supply.release() {
        findings.push(
            Part::Supply.warning(
                format!("it did not take remote control back: {error}"),
                "press LOCAL at the supply",
            ),
        );
    }
    (findings, true)
}

/// What its profile does not know, or knows otherwise than the rig file.
fn words(place: &PsuPlace, profile: &Profile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let guesses = profile.guesses();
    if !guesses.is_empty() {
        findings.push(Part::Supply.ok(format!(
            "guesses in its profile, with no manual or driver behind them: {}",
            guesses.join(", ")
        )));
    }
    if profile.protection.alarms.is_empty() {
        findings.push(Part::Supply.ok(
            "its profile tells of no trips: one shows as an output that went off by itself, the front panel says why",
        ));
    }
    if let (PsuPort::Tcp { tcp }, Some(usual)) = (&place.port, profile.tcp_port)
        && tcp.port() != usual
        && !tcp.ip().is_loopback()
    {
        findings.push(Part::Supply.warning(
            format!("the rig file names port {} of the supply, its manual {usual}", tcp.port()),
            "correct `live.psu.port`, unless a converter stands between",
        ));
    }
    findings
}

/// A watchdog that waits longer is left to the run, which proves it before its first case.
const LONGEST_PROOF: Micros = Micros::from_secs(60);

/// What is there when harness and guard are dead; a watchdog is seen to trip, with the output off.
fn last_resort(supply: &mut Supply, place: &PsuPlace, busy: bool) -> Finding {
    let says = |proven: Option<&str>| {
        format!("when harness and guard are dead it is switched off by {}", place.last_resort(proven))
    };
    let Some(span) = place.watchdog else { return Part::Supply.ok(says(None)) };
    if busy || span > LONGEST_PROOF {
        return Part::Supply.warning(
            format!("{}; it was not tried now", says(None)),
            "each run sees it trip before its first case, with the output off",
        );
    }
    match supply.prove_watchdog(span, || false) {
        Ok(()) => Part::Supply.ok(says(Some(&crate::guard::lease::now()))),
        Err(error) if place.has_another_resort() => Part::Supply.warning(
            format!("{}: {error}", says(None)),
            "leave `watchdog:` out of the rig file: what else it names is all there is",
        ),
        Err(error) => Part::Supply.problem(
            format!("{}: {error}", says(None)),
            "name in `live.psu` what else cuts the supply (`interlock:`), or accept the risk (`accepted-risk:`)",
        ),
    }
}

fn read(supply: &mut Supply, place: &PsuPlace) -> Result<Vec<Finding>, SupplyError> {
    let Accepted { voltage, current, over_voltage, over_current, over_power } = supply.accepted()?;
    let tripping = over_current.map_or("none of over-current".to_owned(), |level| level.to_string());
    let watts = over_power.map_or_else(String::new, |level| format!(", of over-power at {level}"));
    let also = place.over_power.map_or_else(String::new, |level| format!(" and {level}"));
    let mut findings = vec![Part::Supply.ok(format!(
        "set to {voltage} and {current}, protections at {over_voltage} and {tripping}{watts}; a run sets {} and {}{also} first",
        place.over_voltage, place.over_current
    ))];
    if place.over_power.is_some() && over_power.is_none() {
        findings.push(Part::Supply.problem(
            "`over-power` of the rig file, and no such protection in its profile".to_owned(),
            "leave it out of `live.psu`, or write the words of its manual into the profile",
        ));
    }
    let terminals = supply.terminals()?;
    findings.push(if terminals.abs() <= place.safe_voltage {
        Part::Supply.ok(format!("{terminals} at its terminals"))
    } else {
        Part::Supply.warning(
            format!("{terminals} at its terminals, above the safe {}", place.safe_voltage),
            "do not touch them: they are still charged, or something else feeds them",
        )
    });
    Ok(findings)
}

/// What it can, against what a run asks of it.
fn rated(supply: &mut Supply, place: &PsuPlace, most: Most) -> Vec<Finding> {
    let rated = match supply.rated() {
        Ok(rated) => rated,
        Err(error) => {
            let error = supply.explained(error);
            return vec![Part::Supply.warning(
                format!("it does not say what it can: {error}"),
                "compare `live.psu` with its data sheet; leave `rating:` out of its profile",
            )];
        }
    };
    let Rated { voltage, current, power } = rated;
    // The least current that gives the most sun at this voltage.
    let needed = most.current.min(most.power / place.voltage);
    let asked = [
        (
            "voltage",
            place.voltage.0,
            voltage.map(|volts| (volts.0, volts.to_string())),
            place.voltage.to_string(),
        ),
        ("current", needed.0, current.map(|amps| (amps.0, amps.to_string())), needed.to_string()),
        (
            "power",
            (place.voltage * needed).0,
            power.map(|watts| (watts.0, watts.to_string())),
            (place.voltage * needed).to_string(),
        ),
    ];
    let known: Vec<String> =
        asked.iter().filter_map(|(_, _, can, _)| can.as_ref().map(|(_, can)| can.clone())).collect();
    if known.is_empty() {
        return vec![
            Part::Supply.ok("its profile knows no question for what it can: compare with its data sheet"),
        ];
    }
    let mut findings = vec![Part::Supply.ok(format!("it can {}", known.join(", ")))];
    for (what, asked, can, told) in asked {
        if let Some((_, said)) = can.filter(|(can, _)| asked > *can) {
            findings.push(Part::Supply.problem(
                format!("a run asks for a {what} of {told}, and it can {said}"),
                "lower `live.psu.voltage`, or `pv-power-max` and `supply.current` of `limits`; or take another supply",
            ));
        }
    }
    findings
}

/// Each setting is given what it holds, so that the words for it stand in the recording; nothing changes by that.
fn rehearsed(supply: &mut Supply) -> Finding {
    match supply.rehearse() {
        Ok(()) => Part::Supply.ok("each setting was given what it held, for the recording"),
        Err(error) => Part::Supply.warning(
            format!("it does not take back what it holds: {error}"),
            "the recording holds the refusal: send it to the author of the profile",
        ),
    }
}

fn hint(error: &SupplyError) -> &'static str {
    match error {
        SupplyError::WrongSupply { .. } | SupplyError::NoIdentity(_) => {
            "correct `live.psu.profile` (`busbar list psu-profiles`) or `live.psu.port`"
        }
        _ => "check the cable, that the supply is on, and `live.psu` of the rig file",
    }
}
