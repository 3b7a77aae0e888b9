//! What ended a case before its last step, when neither the suite nor a limit of the rig did.

use core::fmt;

/// Whose doing it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// an instrument of the rig, or what drives it
    Rig,
    /// the battery itself, such as a program that ended
    Battery,
    /// somebody who wanted it to end
    Person,
}

impl Whose {
    /// All of them, as recordings name them.
    pub const KEYS: [(&'static str, Self); 3] =
        [("rig", Self::Rig), ("battery", Self::Battery), ("person", Self::Person)];

    /// Its name in recordings.
    #[must_use]
    pub fn key(self) -> &'static str {
        Self::KEYS.iter().find(|&&(_, whose)| whose == self).map_or("", |&(key, _)| key)
    }

    /// The one that recordings call so.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::KEYS.iter().find(|&&(known, _)| known == key).map(|&(_, whose)| whose)
    }
}

/// Why a case could not go on, or could not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// whose doing it was
    pub whose: Whose,
    /// what happened and what to do, in a sentence that names the thing
    pub what: String,
}

/// What happened, as it is.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Failure {
    /// How the end of a case is told that somebody wanted.
    pub const STOPPED: &'static str = "stopped by you";

    /// An instrument of the rig failed, or what drives it.
    #[must_use]
    pub fn of_rig(what: impl Into<String>) -> Self {
        Self { whose: Whose::Rig, what: what.into() }
    }

    /// The battery failed by itself.
    #[must_use]
    pub fn of_battery(what: impl Into<String>) -> Self {
        Self { whose: Whose::Battery, what: what.into() }
    }

    /// Somebody wanted it to end, `when` in words.
    #[must_use]
    pub fn stopped(when: &str) -> Self {
        Self { whose: Whose::Person, what: format!("{} {when}", Self::STOPPED) }
    }

    /// What a recording of before 0.2 tells, which named nobody: its sentence began with whose doing it was.
    #[must_use]
    pub fn told(what: String) -> Self {
        let whose = match &what {
            what if what.starts_with("the battery") => Whose::Battery,
            what if what.starts_with(Self::STOPPED) => Whose::Person,
            _ => Whose::Rig,
        };
        Self { whose, what }
    }

    /// What happened, behind `lead` where the rig is to blame: nobody else needs one.
    #[must_use]
    pub fn behind(&self, lead: &str) -> String {
        match self.whose {
            Whose::Rig => format!("{lead}: {}", self.what),
            Whose::Battery | Whose::Person => self.what.clone(),
        }
    }
}
