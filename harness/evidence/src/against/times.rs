//! How long things took, by the clock of the machine and by what was recorded: hours of a rig take hours.

use std::time::{Duration, SystemTime};

use super::wire;
use super::{Evidence, Held};

/// A machine's clock may be set meanwhile, and a run ends after its last case.
const ROOM: Duration = Duration::from_secs(600);

pub(super) fn held(evidence: Evidence<'_>, held: &mut Held) {
    let Some(live) = &evidence.rig.live else { return };
    let recorded: f64 = evidence.cases().map(|case| case.length.secs()).sum();
    let least = recorded / evidence.speed();
    if let Some(took) = evidence.run.meta.took {
        held.compared("time of the cases, by the clock", 1);
        if took.as_secs_f64() < 0.98 * least - 1.0 {
            held.contradiction(format!(
                "the cases took {least:.0} s by the clock, the whole run {:.0} s (manifest.json)",
                took.as_secs_f64()
            ));
        }
    }
    let began = evidence.run.meta.started.as_deref().and_then(|day| humantime::parse_rfc3339(day).ok());
    let (Some(_), Some(began)) = (&live.psu, began) else { return };
    let ended = began + evidence.run.meta.took.unwrap_or_default() + ROOM;
    for day in wire::days(evidence.folder) {
        held.compared("times of day on the wire of the supply", 1);
        let within = |at: SystemTime| began.checked_sub(ROOM).unwrap_or(began) <= at && at <= ended;
        if !humantime::parse_rfc3339(&day).is_ok_and(within) {
            held.contradiction(format!(
                "psu-wire.log has a word of {day}, and the run is said to have begun at {}",
                evidence.run.meta.started.as_deref().unwrap_or_default()
            ));
            return;
        }
    }
}
