//! Error frames, counted and timed by what they say (BUS-03).

use proto::bus::{ErrorFrame, ErrorKind};

use super::seen::{Spot, Tally};
use crate::verdict::{Evidence, Opinion};

/// The error frames of a bus.
#[derive(Debug, Clone, Default)]
pub struct Errors {
    kinds: [Tally; ErrorKind::COUNT],
    frames: u64,
    caused: Tally,
    lost: Tally,
}

impl Errors {
    /// Takes one; `caused` where the harness itself disturbed the bus.
    pub(super) fn frame(&mut self, spot: Spot, error: &ErrorFrame, caused: bool) {
        self.frames += 1;
        // Whatever the bus is like: what was lost was not seen.
        self.lost.hit_if(error.tells_loss(), spot);
        if caused {
            self.caused.hit(spot);
            return;
        }
        error.kinds().for_each(|kind| self.kinds[kind as usize].hit(spot));
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.frames
    }

    /// How many of them came while the harness disturbed the bus on purpose.
    #[must_use]
    pub fn caused(&self) -> u64 {
        self.caused.count
    }

    /// How often the interface said that frames were lost on their way from the bus, and where first; nothing where it
    /// never did.
    pub(crate) fn lost(&self) -> Option<(u64, String)> {
        self.lost.any().then(|| (self.lost.count, self.lost.place()))
    }

    /// BUS-03 in a log. It does not tell who disturbed the bus, nor that nobody did.
    pub(crate) fn in_a_log(&self, opinion: &mut Opinion) {
        opinion.show_all(self.evidence().into_iter().map(Some));
        for (kind, count, place) in self.episodes() {
            opinion.unclear(format!(
                "{count} error frames say {kind}, {place}: the bus was not sound, whoever disturbed it"
            ));
        }
        if self.episodes().next().is_none() {
            opinion.absent("no error frame of a bad kind is in this log; candump shows them with `-e`, and a bench decides");
        }
    }

    /// The kinds that a sound bus never shows, with how often and where they were first seen.
    pub fn episodes(&self) -> impl Iterator<Item = (ErrorKind, u64, String)> + '_ {
        let bad = ErrorKind::ALL.iter().copied().filter(|kind| kind.is_episode());
        let seen = bad.map(|kind| (kind, &self.kinds[kind as usize])).filter(|(_, tally)| tally.any());
        seen.map(|(kind, tally)| (kind, tally.count, tally.place()))
    }

    /// Every kind that was seen, as evidence.
    pub(crate) fn evidence(&self) -> Vec<Evidence> {
        let one = |kind: &ErrorKind| {
            let tally = &self.kinds[*kind as usize];
            let evidence = tally.evidence(&format!("error frames: {kind}"));
            tally.any().then(|| if kind.is_episode() { evidence.against("none") } else { evidence })
        };
        let own = ErrorKind::ALL.iter().filter_map(one);
        let caused = self.caused.any().then(|| self.caused.evidence("error frames that the suite caused"));
        own.chain(caused).collect()
    }
}
