//! A CAN log read in whatever form it has, and judged with no rig: what `busbar lint` and the page in a browser have in
//! common. Start at [`input::Log`], which reads, and [`judged::judge`], which judges.

pub mod input;
pub mod json;
pub mod judged;
pub mod junit;
mod next;
mod pages;
pub mod text;
pub mod wrap;

pub use next::Next;

use judge::verdict::Outcome;
use judged::Judged;

/// What several logs come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// every must that applies holds
    Pass,
    /// one does not
    Fail,
    /// none fails, one stays undecided
    Inconclusive,
    /// a log could not be read, or not to its end
    Unreadable,
}

impl Whole {
    /// The worst of all logs; `unread` where one could not be read.
    #[must_use]
    pub fn of(all: &[Judged], unread: bool) -> Self {
        let any = |outcome| all.iter().any(|judged| judged.outcome == outcome);
        if unread {
            Self::Unreadable
        } else if any(Outcome::Fail) {
            Self::Fail
        } else if any(Outcome::Inconclusive) || any(Outcome::NotApplicable) {
            Self::Inconclusive
        } else {
            Self::Pass
        }
    }

    /// The exit code of `busbar lint`.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Inconclusive => 2,
            Self::Unreadable => 65,
        }
    }

    /// Its word in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Unreadable => "unreadable",
        }
    }
}
