//! One requirement as data: what the specification demands, how much it weighs, which numbers decide it. Which function
//! judges it stands beside it in the [`crate::catalogue`].

use crate::thresholds;

/// How much a failure weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// reported, never fails
    Information,
    /// warns
    Should,
    /// fails certification
    Must,
}

/// What the sun of a case has to do with a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sun {
    /// the battery fails by what it says or does by itself
    Apart,
    /// The sun decides with the battery: charge that ends because there is none, a step that the suite did not make, a
    /// morning that does not come.
    Decides,
    /// as [`Sun::Decides`], but a battery that switched itself off under less sun than was asked for has failed
    DecidesWhileOn,
}

/// One requirement.
#[derive(Debug, Clone, Copy)]
pub struct Requirement {
    /// stable id, such as `CVL-05`
    pub id: &'static str,
    /// section of the specification, such as `P 1.5.3`
    pub section: &'static str,
    /// how much a failure weighs
    pub severity: Severity,
    /// what is checked, in one sentence
    pub title: &'static str,
    /// where it is judged: `L` any log, `B` a behaviour run, `X` needs the GX
    pub judged: &'static str,
    /// What to change where it does not hold: the next thing to look at in the battery, its wiring or the GX; where several
    /// causes are known, the most usual one. Nothing for what is reported only and for tests of one's own.
    pub remedy: Option<&'static str>,
    /// the thresholds that decide it
    pub thresholds: &'static [&'static str],
    /// why no battery and no rig can be wrong in this alone
    pub no_fault_alone: Option<&'static str>,
    /// whether it asks what the battery answers to an injected fault
    pub answers: bool,
    /// the messages whose numbers it compares or bounds
    pub(crate) reads: &'static [u16],
    /// whether it compares frames with each other, so that two senders break it
    pub(crate) compares: bool,
    /// what the sun has to do with a failure
    pub(crate) sun: Sun,
    /// the same where a judge finds that it only warns
    pub(crate) advice: Option<&'static Requirement>,
}

impl PartialEq for Requirement {
    fn eq(&self, other: &Self) -> bool {
        (self.id, self.severity) == (other.id, other.severity)
    }
}
impl Eq for Requirement {}

impl Requirement {
    /// Whether any CAN log alone is enough to judge it.
    #[must_use]
    pub fn by_log(&self) -> bool {
        self.judged.contains('L')
    }

    /// The names of the numbers that decide it: its thresholds, and those rows of their table that serve it alone.
    pub fn decided_by(&self) -> impl Iterator<Item = &'static str> {
        let own = thresholds::rows().filter(|row| row.metric == self.id).map(|row| row.name);
        self.thresholds.iter().copied().chain(own.filter(|name| !self.thresholds.contains(name)))
    }
}
