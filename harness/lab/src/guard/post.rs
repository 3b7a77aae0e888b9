//! What a guard has before it: the supply of a rig, and the way to switch it off.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proto::quantity::Amps;

use super::pen::{Pen, Penned};
use super::second;
use crate::live::connect;
use crate::psu::{Link, ShutDown};
use files::Profile;
use files::live::{Live, PsuPlace};

/// What is guarded.
pub struct Post {
    /// the instruments of the rig
    pub live: Live,
    /// the words of its supply
    pub profile: Option<Profile>,
    /// largest current limit of the supply
    pub current_max: Amps,
    /// set when the guard shall end: it switches off first
    pub stop: Arc<AtomicBool>,
}

impl Post {
    fn supply(&self) -> Option<(&PsuPlace, &Profile)> {
        self.live.psu.as_ref().zip(self.profile.as_ref())
    }

    pub(super) fn off_line(&self) -> Vec<u8> {
        // A profile without a channel where it needs one is refused when the driver opens it.
        self.profile.as_ref().and_then(|profile| profile.off_line(None).ok()).unwrap_or_default()
    }

    pub(super) fn connect(&self) -> Result<Box<dyn Link>, String> {
        let (place, profile) = self.supply().ok_or("the rig has no supply")?;
        connect(&place.port, profile.serial).map_err(|error| error.to_string())
    }

    /// The shut-down over this link, or else over a new one; whether it was on, and what was confirmed.
    pub(super) fn confirm_off(
        &self,
        link: Option<Box<dyn Link>>,
        pen: &Pen,
    ) -> Result<Option<(bool, ShutDown)>, String> {
        let Some((place, profile)) = self.supply() else { return Ok(None) };
        let off = |link| {
            let link = Box::new(Penned(link, pen.clone()));
            let done = super::shut_down(link, place, profile, self.current_max)?;
            second::look(&self.live).map(|_| Some(done))
        };
        let first = match link.map(off) {
            Some(Ok(done)) => return Ok(done),
            Some(Err(why)) => format!("{why}; then: "),
            None => String::new(),
        };
        self.connect().and_then(off).map_err(|why| format!("{first}{why}"))
    }

    /// The same for what somebody else has left, over a link of its own: whether it was on is told.
    pub(super) fn found_and_off(&self) -> Result<Option<(bool, ShutDown)>, String> {
        let Some((place, profile)) = self.supply() else { return Ok(None) };
        let done = super::found_and_shut_down(self.connect()?, place, profile, self.current_max)?;
        second::look(&self.live).map(|_| Some(done))
    }
}
