//! Restores the GX: the guard writes back the registers that a harness changed before it died.

use std::time::{Duration, Instant};

use proto::gx::Register;
use proto::quantity::Micros;
use tokio::runtime::Builder;
use tokio::time::sleep;

use crate::gx::{GxError, Link};
use files::live::GxPlace;

/// How long the GX may take to connect, and to answer. Assumption: it answers within 100 ms.
const WITHIN: Micros = Micros::from_millis(500);
/// A write is acknowledged before it is applied, and refused values are too.
const SETTLING: Duration = Duration::from_millis(150);
/// How long all registers may take to read back: a limit of the inverter/charger takes its way through the GX.
const ALL_WITHIN: Duration = Duration::from_secs(5);

/// A register that was written, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) unit: u8,
    pub(super) first: u16,
    /// what it holds where it is left alone
    pub(super) cells: Vec<u16>,
}

/// Notes one; what was found first counts.
pub(super) fn keep(all: &mut Vec<Kept>, kept: Kept) {
    if !all.iter().any(|known| (known.unit, known.first) == (kept.unit, kept.first)) {
        all.push(kept);
    }
}

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
    let left: Vec<String> = all.iter().map(told).collect();
    format!("the GX is not as it was found, write back by hand: {}: {why}", left.join(", "))
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

/// One, for a person.
fn told(kept: &Kept) -> String {
    let Kept { unit, first, cells } = kept;
    let label = Register::at(*first).map(|register| format!(" ({})", register.label)).unwrap_or_default();
    let cells: Vec<String> = cells.iter().map(ToString::to_string).collect();
    format!("register {first}{label} of unit {unit} to {}", cells.join(" "))
}
