//! The guard of a run: `busbar guard`, a process that holds the supply of the rig and switches it off when this one dies.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use files::RigFile;
use lab::guard::lease::Holder;
use lab::guard::{Guard, GuardError};
use lab::live::Lab;

use crate::{Console, Error};

/// How often a rig that somebody uses is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Puts a guard before the supply of a lab, once the rig is free. This program starts it, from the rig of that name.
pub(crate) fn put_before(
    lab: &mut Lab,
    rig: &RigFile,
    (name, wait): (&str, Duration),
    console: &Arc<dyn Console>,
) -> Result<Option<Arc<Guard>>, Error> {
    let Some(live) = &rig.live else { return Ok(None) };
    let program = std::env::current_exe().map_err(Error::system("guard the supply"))?;
    let arguments = ["guard", "--rig", name].map(OsString::from);
    let until = Instant::now() + wait;
    let mut told = false;
    let guard = loop {
        match Guard::start(&program, &arguments, live, Holder::this(&rig.rig)) {
            Ok(guard) => break guard,
            Err(error @ (GuardError::Busy(_) | GuardError::NotGiven(_)))
                if Instant::now() < until && !lab.stop().load(Ordering::Relaxed) =>
            {
                if !told {
                    let (why, wait) = (error.why(), humantime::format_duration(wait));
                    console.warn(&format!("{why}; waiting up to {wait}"));
                }
                told = true;
                std::thread::sleep(LOOK.min(until.saturating_duration_since(Instant::now())));
            }
            Err(error) => return Err(error.into()),
        }
    };
    guard.hang_up_on_panic();
    lab.guarded_by(guard.clone());
    guard.found().iter().for_each(|found| console.warn(found));
    let console = console.clone();
    lab.told_to(move |what| console.warn(what.trim_start_matches("harness: ")));
    Ok(Some(guard))
}
