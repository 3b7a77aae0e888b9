//! Nothing stays switched on: a process of its own holds the port of the supply and switches off whatever dies.
//!
//! A harness that is killed runs no code any more. So the guard ([`stand`]), started apart from it in a session of its
//! own, opens the port and locks the rig ([`lease`]); the harness ([`Guard`]) speaks to its supply through it, over a
//! socket, with a heartbeat ten times a second. When the heartbeat stops or the socket closes, output off goes out at
//! once, and then the one shut-down of the driver, read back. The guard sends nothing else by itself: it never keeps
//! the watchdog of an instrument quiet for a harness that is dead. When the guard dies instead, the harness sees the
//! socket close, opens the port itself, sends output off in the same breath, and shuts down.
//!
//! Off is what a second instrument sees too, where there is one (`second`).
//!
//! A supply that cannot be reached is looked for again and again (`again`): its output goes off as it comes back.

mod again;
mod client;
mod ears;
mod error;
mod gx;
mod incoming;
mod kept;
pub mod lease;
mod link;
mod pen;
mod post;
pub(crate) mod second;
mod shared;
mod warden;
mod words;

#[cfg(test)]
mod tests;

use std::time::Duration;

use proto::quantity::{Amps, Micros};

use crate::psu::{Link, Settings, ShutDown, Supply};
use files::Profile;
use files::live::PsuPlace;

pub(crate) use gx::restore as restore_gx;

pub use client::Guard;
pub use error::GuardError;
pub use post::Post;
pub use warden::stand;

/// From one beat to the next.
const BEAT: Duration = Duration::from_millis(100);

/// What a shut-down may take beyond the fall of the terminals: questions that are not answered.
const QUESTIONS: Duration = Duration::from_secs(60);

/// How long a line may take to take the one word that matters.
const OFF_WITHIN: Micros = Micros::from_millis(100);

/// How long an answer that follows a shut-down may take.
fn patience(place: Option<&PsuPlace>) -> Duration {
    QUESTIONS + place.map_or(Duration::ZERO, |place| Duration::from_micros(place.safe_within.0))
}

/// The shut-down of a supply that nobody has opened yet; whether its output was on, and what was confirmed.
pub(crate) fn shut_down(
    mut link: Box<dyn Link>,
    place: &PsuPlace,
    profile: &Profile,
    current_max: Amps,
) -> Result<(bool, ShutDown), String> {
    // Before anything is asked: who answers, and how, takes time. What it says to this is drained with the rest.
    if let Ok(off) = profile.off_line(None) {
        let soon = link.now() + OFF_WITHIN;
        link.write(&off, soon).map_err(|error| format!("supply: {error}"))?;
    }
    found_and_shut_down(link, place, profile, current_max)
}

/// The same where whether it was on is news: that is read first.
pub(crate) fn found_and_shut_down(
    link: Box<dyn Link>,
    place: &PsuPlace,
    profile: &Profile,
    current_max: Amps,
) -> Result<(bool, ShutDown), String> {
    let (mut supply, found) = Supply::open(link, profile.clone(), Settings::of(place, current_max))
        .map_err(|error| format!("supply: {error}"))?;
    Ok((found.output, supply.shut_down().confirmed()?))
}
