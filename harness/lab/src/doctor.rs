//! Is a rig as its file says, and fit to run? Everything is looked at, nothing is switched on: `busbar doctor`.

mod bus;
mod device;
mod gateway;
mod hands;
mod paper;
mod sun;
mod witness;

use proto::channel::Channel;
use proto::quantity::{Amps, Micros};
use serde::Serialize;

use crate::guard::lease::{self, LeaseError};
use crate::psu::Tape;
use crate::{same, swapped};
use files::{BatteryFile, InputError, Library, RigFile};

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// how it is
    pub level: Level,
    /// the part of the rig
    pub about: Part,
    /// what is there
    pub what: String,
    /// what to do about it; empty where all is well
    #[serde(rename = "do", skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// as it should be
    Ok,
    /// a run can begin, but somebody should look
    Warning,
    /// a run would end at once, or mean nothing
    Problem,
}

/// A part of a rig.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Part {
    /// the CAN bus
    #[serde(rename = "can")]
    Can,
    /// the supply
    #[serde(rename = "supply")]
    Supply,
    /// the GX
    #[serde(rename = "gx")]
    Gx,
    /// loads and mains
    #[serde(rename = "switches")]
    Switches,
    /// the meters beside the battery
    #[serde(rename = "witness")]
    Witness,
    /// who does what no wire carries
    #[serde(rename = "operator")]
    Operator,
    /// what the file says
    #[serde(rename = "file")]
    File,
}

impl Level {
    /// In one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl Part {
    /// In one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Can => "CAN",
            Self::Supply => "supply",
            Self::Gx => "GX",
            Self::Switches => "switches",
            Self::Witness => "witness",
            Self::Operator => "operator",
            Self::File => "file",
        }
    }

    fn ok(self, what: impl Into<String>) -> Finding {
        Finding { level: Level::Ok, about: self, what: what.into(), remedy: String::new() }
    }

    fn warning(self, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { level: Level::Warning, about: self, what: what.into(), remedy: remedy.into() }
    }

    fn problem(self, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { level: Level::Problem, about: self, what: what.into(), remedy: remedy.into() }
    }
}

/// Looks at everything of a rig with a battery on it, and listens to the bus for so long. Nothing for a simulated rig:
/// there is nothing to look at. What the supply is asked and says goes onto the tape, where there is one.
///
/// # Errors
/// When the rig names a profile of a supply that is not there.
pub fn examine(
    rig: &RigFile,
    battery: &BatteryFile,
    library: &Library,
    listen: Micros,
    tape: Option<&Tape>,
) -> Result<Option<Vec<Finding>>, InputError> {
    let Some(live) = &rig.live else { return Ok(None) };
    let profile = library.profile_of(rig)?;
    let mut findings = paper::examine(rig, battery, live);
    findings.push(match lease::look(live) {
        Ok(()) => Part::File.ok("nobody uses the rig"),
        // The instruments are its holder's now: asking them would disturb a run.
        Err(error @ (LeaseError::Busy(_) | LeaseError::Trying { .. })) => {
            findings.push(Part::File.problem(error.to_string(), "look again when it is free"));
            return Ok(Some(findings));
        }
        Err(error) => Part::File.problem(error.to_string(), "see that the supply is off, then --clear"),
    });
    if let Some(twice) = same::port_twice(live, &rig.witnesses) {
        // Whoever is asked there, another answers.
        findings.push(Part::File.problem(twice, "give each a port of its own, named by /dev/serial/by-id"));
        return Ok(Some(findings));
    }
    let mut supply_answers = true;
    if let (Some(place), Some(profile)) = (&live.psu, &profile) {
        let current = Amps(rig.limits.at_most(Channel::SupplyCurrent));
        let most = sun::Most { current, power: rig.limits.pv_power_max };
        let of_supply;
        (of_supply, supply_answers) = sun::examine(place, profile.clone(), most, tape);
        findings.extend(of_supply);
    }
    let (of_bus, heard) = bus::examine(rig, live, listen, tape);
    findings.extend(of_bus);
    if !(supply_answers && heard.is_open)
        && let Some(seem) = profile.as_ref().and_then(|profile| swapped::looked_for(live, profile))
    {
        findings.push(Part::File.problem(seem, "exchange the two in the rig file"));
    }
    findings.extend(witness::examine(rig, live, listen, &heard));
    // Not while the supply may be on: that the sun goes to the mains may be all that keeps the battery from it.
    let is_off =
        !findings.iter().any(|finding| finding.about == Part::Supply && finding.level == Level::Problem);
    findings.extend(is_off.then(|| gateway::restored(live)).flatten());
    if let Some(place) = &live.gx {
        findings.extend(gateway::examine(place, rig, &heard, tape));
    }
    findings.extend(hands::examine(live));
    findings.push(paper::reach(live));
    Ok(Some(findings))
}
