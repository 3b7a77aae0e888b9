//! A rig that several people share is handed out by an engine that exists (`lease:` of the rig file): it is asked for the rig,
//! asked again and again whether it is still ours, and given it back.
//!
//! Whoever has the lock of the rig on this machine ([`crate::guard::lease`]) has its lease too, so that the two never part: the
//! guard asks for it before it touches anything, looks at it in a thread of its own ([`Watch`]), and gives it back after the
//! output was read back as off. The harness is told when it is lost, and ends its case.

mod command;
mod labgrid;
mod watch;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use files::lease::{self as file, Labgrid};

use command::{Done, run};

pub(crate) use watch::Watch;

/// The variable that tells a command which lease it is about: the same for all commands of one lease, and for no other.
const LEASE: &str = "BUSBAR_LEASE";
/// The variable with the name of the rig.
const RIG: &str = "BUSBAR_RIG";
/// What `check` ends with where the engine says that the rig is not ours.
const NOT_OURS: i32 = 3;
/// From a check that decided nothing to the next, where a run does not go on.
const SOON: Duration = Duration::from_secs(1);

/// One lease of a rig, and how its engine is asked about it.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    file: file::Lease,
    rig: String,
    lease: String,
    /// ends the command that is running, once it is set
    ended: Arc<AtomicBool>,
}

/// Why there is no lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// the engine does not give it now
    NotGiven(String),
    /// the engine cannot be asked, and waiting does not change that
    Cannot(String),
}

/// What an engine says of a rig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// it is ours
    Ours,
    /// it is not, and who has it
    NotOurs(String),
    /// the engine did not say, and why
    Unknown(String),
}

/// What an engine is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Acquire,
    Release,
    /// nobody else may have it: its output is not known to be off
    Quarantine,
    /// that is over
    Clear,
}

impl Engine {
    /// The engine of a lease that has this name, of a rig.
    pub(crate) fn of(file: &file::Lease, rig: &str, lease: &str) -> Self {
        Self { file: file.clone(), rig: rig.to_owned(), lease: lease.to_owned(), ended: Arc::default() }
    }

    /// A name that no other lease has: user, process and time.
    pub(crate) fn new_name(user: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let user: String = user.chars().map(plain).collect();
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        format!("{user}-{}-{since:x}", std::process::id())
    }

    /// How it is asked, as the rig file says.
    pub(crate) const fn plan(&self) -> &file::Lease {
        &self.file
    }

    /// The name of the lease.
    pub(crate) fn name(&self) -> &str {
        &self.lease
    }

    /// From one look to the next while a run goes on.
    fn every(&self) -> Duration {
        Duration::from_micros(self.file.every.0)
    }

    /// The longest that giving back may take.
    pub(crate) fn patience(file: &file::Lease) -> Duration {
        // A mark that is still being put, two checks, two releases, the mark taken away.
        const COMMANDS: u32 = 6;
        Duration::from_micros(file.within.0) * COMMANDS + SOON * 4
    }

    /// Asks for the rig.
    pub(crate) fn acquire(&self) -> Result<(), Refusal> {
        if let Some(labgrid) = &self.file.labgrid {
            self.is_free(labgrid).map_err(Refusal::NotGiven)?;
        }
        let words = self.words(Step::Acquire).map_err(Refusal::NotGiven)?;
        let done = self.run(&words).map_err(Refusal::Cannot)?;
        if done.is_good() {
            return Ok(());
        }
        // What was ended may have got through before.
        if done.code.is_none() && self.check() == Answer::Ours {
            let _ = self.give_back(false);
        }
        Err(Refusal::NotGiven(done.told("acquire", &words)))
    }

    /// Asks once whether the rig is still ours.
    pub(crate) fn check(&self) -> Answer {
        match &self.file.labgrid {
            Some(labgrid) => match self.places(labgrid) {
                Ok(places) => labgrid::holder(labgrid, &places, &self.lease),
                Err(why) => Answer::Unknown(why),
            },
            None => {
                let words = self.file.check.clone().unwrap_or_default();
                match self.run(&words) {
                    Ok(done) if done.is_good() => Answer::Ours,
                    Ok(done) if done.code == Some(NOT_OURS) => Answer::NotOurs(done.told("check", &words)),
                    Ok(done) => Answer::Unknown(done.told("check", &words)),
                    Err(why) => Answer::Unknown(why),
                }
            }
        }
    }

    /// The same, and once more where nobody could say: what a network loses now and then is no answer.
    pub(crate) fn check_twice(&self) -> Answer {
        match self.check() {
            Answer::Unknown(_) => {
                std::thread::sleep(SOON);
                self.check()
            }
            answer => answer,
        }
    }

    /// Gives the rig back, where it is ours. `marked` says that it was kept from everybody else.
    ///
    /// # Errors
    /// Why it was not given back; `true` where it is not ours any more, so that there is nothing to give.
    pub(crate) fn give_back(&self, marked: bool) -> Result<(), (bool, String)> {
        if marked {
            // Also where it is somebody else's: the mark says that its output may be on.
            self.step(Step::Clear).map_err(|why| (false, why))?;
        }
        match self.check_twice() {
            Answer::Ours => {}
            Answer::NotOurs(why) => return Err((true, why)),
            Answer::Unknown(why) => return Err((false, why)),
        }
        self.step(Step::Release).or_else(|_| {
            std::thread::sleep(SOON);
            self.step(Step::Release).map_err(|why| (false, why))
        })
    }

    /// Tells everybody that the rig is quarantined, where the engine has a place for that.
    pub(crate) fn mark(&self) {
        // It is not given back either way.
        let _ = self.step(Step::Quarantine);
    }

    fn step(&self, step: Step) -> Result<(), String> {
        let words = self.words(step)?;
        if words.is_empty() {
            return Ok(());
        }
        let done = self.run(&words)?;
        if done.is_good() { Ok(()) } else { Err(done.told(step.name(), &words)) }
    }

    /// The command of a step; an empty one where the engine has none for it.
    fn words(&self, step: Step) -> Result<Vec<String>, String> {
        if let Some(labgrid) = &self.file.labgrid {
            let place = match &labgrid.place {
                Some(place) => place.clone(),
                None => labgrid::only(labgrid, &self.places(labgrid)?)?.name.clone(),
            };
            return Ok(labgrid::words(labgrid, &place, step));
        }
        let command = match step {
            Step::Acquire => self.file.acquire.clone(),
            Step::Release => self.file.release.clone(),
            Step::Quarantine | Step::Clear => None,
        };
        Ok(command.unwrap_or_default())
    }

    /// What the coordinator says of all places.
    fn places(&self, labgrid: &Labgrid) -> Result<Vec<labgrid::Place>, String> {
        let words = labgrid::ask(labgrid);
        let done = self.run(&words)?;
        if done.is_good() { Ok(labgrid::read(&done.out)) } else { Err(done.told("check", &words)) }
    }

    /// A coordinator that was restarted has forgotten who has a place, and not that it is quarantined.
    fn is_free(&self, labgrid: &Labgrid) -> Result<(), String> {
        let places = self.places(labgrid)?;
        let place = labgrid::only(labgrid, &places)?;
        if place.is_quarantined() {
            return Err(format!(
                "the place `{}` is quarantined (tag {}): its supply is not known to be off; look at it, and where it is off \
                 `busbar doctor --rig … --clear` on the machine that had it, or `labgrid-client -p {} set-tags {}=`",
                place.name,
                labgrid::TAG,
                place.name,
                labgrid::TAG
            ));
        }
        Ok(())
    }

    fn run(&self, words: &[String]) -> Result<Done, String> {
        let mut variables = vec![(LEASE, self.lease.as_str()), (RIG, self.rig.as_str())];
        if self.file.labgrid.is_some() {
            // Under this name a place is held, so that it is told from what the same person holds by hand.
            variables.push((labgrid::USER, self.lease.as_str()));
        }
        let within = Duration::from_micros(self.file.within.0);
        run(&self.file, words, &variables, (within, &self.ended)).map_err(|error| {
            let program = words.first().map_or("", String::as_str);
            format!("`{program}` cannot be started: {error}; name a program that is there, or a path from the rig file's folder")
        })
    }
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Release => "release",
            Self::Quarantine => "quarantine",
            Self::Clear => "clear",
        }
    }
}

#[cfg(test)]
mod tests;
