//! What a run failed: a requirement, and the verdicts that say so.

use crate::requirement::Requirement;
use crate::verdict::{Evidence, Sign, Verdict};

/// A requirement that did not hold, with each case in which it did not.
#[derive(Debug, Clone)]
pub(super) struct Found<'a> {
    /// which
    pub(super) requirement: &'static Requirement,
    /// the place of each case, and its verdict
    pub(super) seen: Vec<(usize, &'a Verdict)>,
}

impl Found<'_> {
    /// Whether a figure beyond one of these thresholds failed it, in at least half of its cases.
    pub(super) fn by(&self, thresholds: &[&str]) -> bool {
        let beyond =
            |verdict: &Verdict| verdict.figures().any(|(_, measure)| thresholds.contains(&measure.threshold));
        2 * self.seen.iter().filter(|(_, verdict)| beyond(verdict)).count() >= self.seen.len()
    }

    /// Whether it is this one.
    pub(super) fn is(&self, id: &str) -> bool {
        self.requirement.id == id
    }

    /// Whether some case shows this.
    pub(super) fn shows(&self, sign: Sign) -> bool {
        self.evidence().any(|evidence| evidence.sign == Some(sign))
    }

    /// Whether all that failed it is a condition of the suite that did not come true. Such a condition reads currents,
    /// alarms and switches: it says that something went wrong, and not what.
    pub(super) fn is_unmet(&self) -> bool {
        self.first_signs().all(|sign| matches!(sign, Some(Sign::Unmet { .. })))
    }

    /// Whether such a condition is all: the judge of the requirement found nothing else wrong.
    pub(super) fn is_unmet_alone(&self) -> bool {
        self.first_signs().all(|sign| sign == Some(Sign::Unmet { alone: true }))
    }

    /// Of messages that must be there: whether others of them were heard.
    pub(super) fn hears_others(&self) -> bool {
        self.evidence().any(|evidence| matches!(evidence.sign, Some(Sign::Heard(count)) if count > 0))
    }

    /// When it did not hold first: case, and microseconds into it.
    pub(super) fn first(&self) -> (usize, u64) {
        let first = self.seen.first();
        let at =
            |verdict: &Verdict| verdict.evidence.first().and_then(|e| e.at).map_or(u64::MAX, |at| at.0.0);
        first.map_or((usize::MAX, u64::MAX), |(case, verdict)| (*case, at(verdict)))
    }

    /// Of each case what the first evidence is a sign of.
    fn first_signs(&self) -> impl Iterator<Item = Option<Sign>> {
        self.seen.iter().map(|(_, verdict)| verdict.evidence.first()?.sign)
    }

    fn evidence(&self) -> impl Iterator<Item = &Evidence> {
        self.seen.iter().flat_map(|(_, verdict)| &verdict.evidence)
    }
}
