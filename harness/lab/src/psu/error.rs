//! What goes wrong with a supply, in words for whoever stands beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proto::quantity::{Micros, Volts};
use proto::scpi::{CommandError, Identity, QueuedError, ReplyError};

use super::link::LinkError;
use proto::scpi::Alarm;

/// Why the supply did not do what it was told, or is not known to have done it.
#[derive(Debug, thiserror::Error)]
pub enum SupplyError {
    /// The port.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A value that no command can carry.
    #[error("{0}; nothing was sent")]
    Command(#[from] CommandError),
    /// No reply before the deadline.
    #[error(
        "no reply to `{asked}` within {} ms{}; {}",
        within.0 / 1000,
        came.as_deref().map_or(String::new(), |came| {
            format!(", only `{}` without the end of line that its profile names (`line.receive`)", came.escape_debug())
        }),
        queue.as_deref().map_or("is the supply on, is the cable in, do baud rate and profile fit?".to_owned(), |said| {
            format!("its error queue says why: {}", said.escape_debug())
        })
    )]
    Silent {
        /// what was sent
        asked: String,
        /// how long it was waited for
        within: Micros,
        /// what came of a line, without its end
        came: Option<String>,
        /// what its error queue said of that, where it was asked
        queue: Option<String>,
    },
    /// A reply that cannot be one to what was asked.
    #[error("`{asked}` was answered with `{}`: {why}{}", said.escape_debug(), hint(said))]
    Garbled {
        /// what was sent
        asked: String,
        /// what came
        said: String,
        /// what is wrong with it
        why: ReplyError,
    },
    /// The line sends back what it is given.
    #[error(
        "the line echoes `{0}`; switch off the echo of the supply or of the RS-485 adapter, or say `echo: true` under `line` of its profile"
    )]
    Echo(String),
    /// Question and answer could not be brought together again.
    #[error(
        "the line is out of step and `{asked}` did not bring it back: {found}; power-cycle the adapter, then the supply"
    )]
    OutOfStep {
        /// what was asked
        asked: String,
        /// what came instead
        found: String,
    },
    /// Another supply than the one expected.
    #[error("found {found}, expected {expected}; nothing was set. Check which port the supply is on")]
    WrongSupply {
        /// who answered
        found: Box<Identity>,
        /// who should have
        expected: String,
    },
    /// An identity that is none.
    #[error(
        "`{}` is no identity of a supply: expected maker, model, serial number and firmware{}",
        .0.escape_debug(),
        hint(.0)
    )]
    NoIdentity(String),
    /// The supply refused a command by its acknowledgement.
    #[error("the supply refused `{command}` with `{}`", said.escape_debug())]
    Refused {
        /// the command
        command: String,
        /// the answer
        said: String,
    },
    /// The supply noted errors.
    #[error("after `{after}` the supply reports: {}", listed(errors))]
    Reported {
        /// the last command
        after: String,
        /// the errors, oldest first
        errors: Vec<QueuedError>,
    },
    /// The error queue does not become empty.
    #[error(
        "the error queue is not empty after {0} readings; something else talks to this supply, or it is broken"
    )]
    EndlessErrors(usize),
    /// Remote control was not given.
    #[error("remote control is with `{}`, not with us; leave the menu on the front panel and release its lock", .0.escape_debug())]
    NotInControl(String),
    /// What is set now is not what was asked for.
    #[error(
        "`{command}` asked for {asked}, and {} s later the supply reads back {now}; within {tolerance} of it was expected \
         (`resolution` of its profile). A limit of its front panel, its range or its rating may hold it: find out which",
        settle.secs()
    )]
    NotTaken {
        /// the command
        command: String,
        /// what was asked for
        asked: String,
        /// what is read back
        now: String,
        /// how far it may lie from what was asked for
        tolerance: String,
        /// how long it was asked
        settle: Micros,
    },
    /// A setting changed under way.
    #[error(
        "`{asked}` read back {was} when it was set and {now} now, and nobody here has changed it; within {tolerance} of that \
         (`resolution` of its profile) it was to stay. Lock the front panel, and see that no other program speaks to it"
    )]
    Moved {
        /// the question
        asked: String,
        /// what it read back before
        was: String,
        /// what it reads back now
        now: String,
        /// how far that may lie from it
        tolerance: String,
    },
    /// A target whose protection would trip at once.
    #[error("the {what} protection at {level} is below the setting of {setting}: it would trip at once")]
    ProtectionBelowSetting {
        /// over-voltage, over-current or over-power
        what: &'static str,
        /// level of the protection
        level: String,
        /// the setting
        setting: String,
    },
    /// A target whose protection the supply refuses.
    #[error(
        "the over-voltage protection at {level} is too near to the setting of {setting}: this supply wants {room} of its rated \
         {rated} between them, {least} at least (`over-voltage` of `live.psu`)"
    )]
    ProtectionTooNear {
        /// level of the protection
        level: String,
        /// the setting
        setting: String,
        /// the lowest level that it takes
        least: String,
        /// the share
        room: String,
        /// of this
        rated: String,
    },
    /// Somebody has chosen another output.
    #[error(
        "`{asked}` answers `{}` and not `{}`: somebody has chosen another output of the supply, and what is said now would \
         go there. Leave its front panel alone",
        found.escape_debug(),
        expected.escape_debug()
    )]
    OtherOutput {
        /// the question
        asked: String,
        /// the answer of the right one
        expected: String,
        /// what came
        found: String,
    },
    /// No range is wide enough.
    #[error("no range of this supply reaches {voltage} and {current}, the limits of the rig")]
    NoRange {
        /// highest voltage setting
        voltage: String,
        /// highest current limit
        current: String,
    },
    /// The output may not be switched on before protections are set and read back.
    #[error("no {0} protection was set and read back since the supply was opened; the output stays off")]
    Unprotected(&'static str),
    /// The supply has switched off by itself.
    #[error("the supply has switched off by itself: {0}; find out why before the trip is cleared")]
    Tripped(Trips),
    /// There is a voltage at the terminals before the output is on.
    #[error(
        "{found} at the terminals with the output off, above the safe {safe}: something else feeds them, or they are still charged"
    )]
    Residual {
        /// measured
        found: Volts,
        /// what is safe
        safe: Volts,
    },
    /// The output is not as it was told.
    #[error("the output was switched {} and reads back {}", word(!.0), word(*.0))]
    OutputIs(bool),
    /// The output went on reading back on after it was switched off, and then off: it did not follow, or what it says does not.
    #[error(
        "it said that its output was on for {} after it was told to switch off, and off then: what it says stood still, or \
         its output is slower than `settle` of its profile, so nothing that it said before counts",
        for_so_long.span()
    )]
    StoodStill {
        /// how long it said so
        for_so_long: Micros,
    },
    /// The output went off, and nobody here has switched it.
    #[error(
        "the output of the supply went off by itself: {}; find out why before it goes on again (front panel, its interlock \
         input, its protections at the terminals)",
        if *tells { "nothing that its profile asks about has tripped" } else { "its profile knows no question about trips" }
    )]
    WentOff {
        /// whether the profile asks about trips
        tells: bool,
    },
    /// The voltage stays up.
    #[error("still {found} at the terminals {} s after the output went off, above the safe {safe}: do not touch them", within.0 / 1_000_000)]
    StillCharged {
        /// measured last
        found: Volts,
        /// what is safe
        safe: Volts,
        /// how long it was waited for
        within: Micros,
    },
    /// The voltage does not follow its setting.
    #[error("{found} at the terminals {} s after the voltage was lowered, above the over-voltage protection of {level} that was to follow; the protection stays as it was", within.0 / 1_000_000)]
    NotFallen {
        /// measured last
        found: Volts,
        /// the level that was to be set
        level: Volts,
        /// how long it was waited for
        within: Micros,
    },
    /// The output came on by clearing a trip.
    #[error("clearing the trip switched the output on; it was switched off again")]
    ClearEnergised,
    /// The supply was off and on again.
    #[error("the supply has restarted; its settings are gone and its output is unknown")]
    Rebooted,
    /// Something this supply does not have.
    #[error("this supply has no {0}")]
    Lacks(&'static str),
    /// A watchdog time out of its range.
    #[error("the watchdog cannot wait {asked}: from {shortest} to {longest}")]
    WatchdogRange {
        /// asked for
        asked: Micros,
        /// shortest
        shortest: Micros,
        /// longest
        longest: Micros,
    },
    /// The watchdog did not trip.
    #[error(
        "its watchdog of {} s did not trip in {} s of silence with the output off: it is broken, or works only with \
         the output on. Trust it with nothing: name in the rig file what else cuts the supply (`interlock:`), or accept \
         the risk (`accepted-risk:`)",
        span.secs(), silence.secs()
    )]
    WatchdogAsleep {
        /// what it was set to
        span: Micros,
        /// how long nothing was said
        silence: Micros,
    },
    /// Its watchdog is all that there is, and was not seen to trip.
    #[error("{0}; nothing was switched on")]
    Unproven(String),
    /// The watchdog or a protection does not say that it is active.
    #[error("`{0}` answers that it is not active, although it was made so")]
    NotActive(String),
}

/// What is known of an answer that looks so.
pub(super) fn hint(said: &str) -> &'static str {
    if said.starts_with(['>', '$', '%', '=', ':', '#']) {
        "; does it print a prompt (`prompt` under `line` of its profile)?"
    } else if said.contains('\0') {
        "; NUL bytes are what a wrong baud rate or a bad line makes of others, unless its firmware sends them behind texts \
         (`nul-padding` under `line` of its profile)"
    } else {
        ""
    }
}

fn listed(errors: &[QueuedError]) -> String {
    let lost = errors.iter().any(QueuedError::says_that_errors_were_lost);
    let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if lost { format!("{text} (earlier ones were lost)") } else { text }
}

/// What has tripped, with the levels that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trips {
    /// each alarm
    pub alarms: BTreeSet<Alarm>,
    /// the level of a protection, with its unit
    pub levels: BTreeMap<Alarm, String>,
}

impl fmt::Display for Trips {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, alarm) in self.alarms.iter().enumerate() {
            let comma = if k > 0 { ", " } else { "" };
            write!(f, "{comma}{} tripped", alarm.name())?;
            self.levels.get(alarm).map_or(Ok(()), |level| write!(f, " ({level})"))?;
        }
        Ok(())
    }
}

const fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
