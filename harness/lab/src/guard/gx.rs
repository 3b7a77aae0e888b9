//! Restores the GX: the guard writes back the registers that a harness changed before it died. Where both died, the lease
//! of the GX holds what they held, and whoever comes next writes it back.

use std::time::{Duration, Instant};

use proto::quantity::Micros;
use tokio::runtime::Builder;
use tokio::time::sleep;

use super::kept::Kept;
use super::lease::{self, LeaseError};
use crate::gx::{GxError, Link};
use files::live::{GxPlace, Live};

/// How long the GX may take to connect, and to answer. Assumption: it answers within 100 ms.
const WITHIN: Micros = Micros::from_millis(500);
/// A write is acknowledged before it is applied, and refused values are too.
const SETTLING: Duration = Duration::from_millis(150);
/// How long all registers may take to read back: a limit of the inverter/charger takes its way through the GX.
const ALL_WITHIN: Duration = Duration::from_secs(5);

/// Writes every register back, the last one first, and reads it back. What was put back is forgotten. Gives what was done
/// and what was not, in words.
pub(super) fn put_back(place: &GxPlace, all: &mut Vec<Kept>) -> String {
    let many = all.len();
    let mut why = "this machine has no thread for it".to_owned();
    if let Ok(runtime) = Builder::new_current_thread().enable_all().build() {
        let until = Instant::now() + ALL_WITHIN;
        while !all.is_empty() {
            match runtime.block_on(once(place, all)) {
                Ok(()) => why = "it reads back another value".to_owned(),
                Err(error) => why = error.to_string(),
            }
            if Instant::now() >= until {
                break;
            }
        }
        // A name server that does not answer keeps nobody waiting.
        runtime.shutdown_background();
    }
    if all.is_empty() {
        return format!("the GX is as it was found: {many} registers were put back");
    }
    let left: Vec<String> = all.iter().map(ToString::to_string).collect();
    format!("the GX is not as it was found, write back by hand: {}: {why}", left.join(", "))
}

/// Writes back what a run that died with its guard left on the GX of a rig that nobody has; nothing where none did.
///
/// # Errors
/// With what a person must do, where that is not done.
pub(crate) fn restore(live: &Live) -> Result<Option<String>, String> {
    let Some(place) = &live.gx else { return Ok(None) };
    let restored = lease::with_left(live, |left| {
        let was_left = !left.is_empty();
        was_left.then(|| put_back(place, left))
    });
    match restored {
        Ok((Some(what), true)) => Err(what),
        Ok((what, _)) => Ok(what),
        // Its holder puts it back.
        Err(LeaseError::Busy(_) | LeaseError::Trying { .. }) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Each once.
async fn once(place: &GxPlace, all: &mut Vec<Kept>) -> Result<(), GxError> {
    let mut link = match Link::open(&place.address, WITHIN).await {
        Ok(link) => link,
        Err(error) => {
            sleep(SETTLING).await;
            return Err(error);
        }
    };
    let mut refused = Ok(());
    let mut note = |result: Result<(), GxError>| match result {
        Err(error) if error.is_refusal() => {
            refused = Err(error);
            Ok(())
        }
        result => result,
    };
    for kept in all.iter().rev() {
        note(link.write(kept.unit, kept.first, &kept.cells).await)?;
    }
    sleep(SETTLING).await;
    let mut left = Vec::new();
    for kept in std::mem::take(all) {
        let count = u16::try_from(kept.cells.len()).unwrap_or(u16::MAX);
        match link.read(kept.unit, kept.first, count).await {
            Ok(held) if held == kept.cells => {}
            Ok(_) => left.push(kept),
            Err(error) => {
                left.push(kept);
                let _ = note(Err(error));
            }
        }
    }
    *all = left;
    refused
}
