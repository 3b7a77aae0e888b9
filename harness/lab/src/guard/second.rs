//! A second instrument that sees whether the supply is off: the solar charger, which measures what comes in (register 776 of
//! the GX). A supply whose own meter is wrong, or whose relay has stuck, says that it is off all the same.

use std::time::{Duration, Instant};

use proto::gx::solar;
use proto::quantity::{Micros, Volts};
use tokio::runtime::Builder;

use crate::gx::Link;
use files::live::{GxPlace, Live};

/// How long the GX may take to connect, and to answer. Assumption: it answers within 100 ms.
const WITHIN: Micros = Micros::from_millis(500);
/// A GX reads its solar chargers about once a second.
const LOOK: Duration = Duration::from_millis(100);
/// What a charger shows that does not know (all bits set, in hundredths of a volt).
const UNKNOWN: f64 = 655.0;

/// What the solar charger saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Seen {
    /// no voltage above the safe one comes in
    Off(Volts),
    /// there is no such instrument, or it does not answer
    Nobody,
}

/// Looks until the solar charger sees no voltage of the supply any more, as long as its terminals may take to fall.
///
/// # Errors
/// The contradiction, where it sees one to the end.
pub(crate) fn look(live: &Live) -> Result<Seen, String> {
    let (Some(psu), Some(gx)) = (&live.psu, &live.gx) else { return Ok(Seen::Nobody) };
    let Some(unit) = gx.units.solar else { return Ok(Seen::Nobody) };
    let until = Instant::now() + Duration::from_micros(psu.safe_within.0);
    loop {
        match incoming(gx, unit) {
            None => return Ok(Seen::Nobody),
            Some(volts) if volts <= psu.safe_voltage => return Ok(Seen::Off(volts)),
            Some(volts) if Instant::now() >= until => {
                return Err(format!(
                    "the supply says that it is off, and the solar charger still sees {volts} come in (register {} of \
                     the GX), above the safe {}: its meter is wrong, its relay sticks, or something else feeds the charger",
                    solar::PV_VOLTAGE.address,
                    psu.safe_voltage
                ));
            }
            Some(_) => std::thread::sleep(LOOK),
        }
    }
}

/// What comes in at the solar charger now; nothing where nobody says.
fn incoming(gx: &GxPlace, unit: u8) -> Option<Volts> {
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    let register = solar::PV_VOLTAGE;
    let cells = runtime.block_on(async {
        let mut link = Link::open(&gx.address, WITHIN).await.ok()?;
        link.read(unit, register.address, register.kind.cells()).await.ok()
    });
    // A name server that does not answer keeps nobody waiting.
    runtime.shutdown_background();
    let volts = register.read(register.address, &cells?)?;
    (volts < UNKNOWN).then_some(Volts(volts))
}
