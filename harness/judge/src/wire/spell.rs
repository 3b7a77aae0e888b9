//! How long something lasts at a stretch: the longest time, and the first few that were too long.

use proto::quantity::Micros;

use super::Terms;
use super::seen::Spot;
use crate::thresholds::Thresholds;
use crate::thresholds::fixed::OUTAGE_FRAMES;
use crate::verdict::Evidence;
use crate::window::about;

/// As many spells are named.
const NAMED: usize = 4;

/// One stretch.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: Spot,
    lasted: Micros,
    frames: u64,
}

impl Stretch {
    fn is_long(&self, terms: &Terms<'_>) -> bool {
        if terms.is_timed() {
            self.lasted >= terms.thresholds.outage.limit
        } else {
            self.frames >= OUTAGE_FRAMES
        }
    }
}

/// Every stretch of something, in constant memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Spell {
    open: Option<Stretch>,
    longest: Option<Stretch>,
    /// the first few that lasted a minute
    long: [Option<Stretch>; NAMED],
    /// how many did
    count: u64,
    /// whether it was so when the log ended
    lasting: bool,
    /// how many frames in all
    pub(super) frames: u64,
}

impl Spell {
    /// Whether it is so from a frame on, for as long as that frame counts.
    #[inline]
    pub(super) fn take(&mut self, on: bool, from: Spot, lasts: Micros) {
        if on {
            let open = self.open.get_or_insert(Stretch { from, lasted: Micros::ZERO, frames: 0 });
            open.lasted += lasts;
            open.frames += 1;
            self.frames += 1;
        } else if self.open.is_some() {
            self.close();
        }
    }

    /// The log ends here.
    pub(super) fn end(&mut self) {
        self.lasting = self.open.is_some();
        self.close();
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        if self.longest.is_none_or(|longest| (open.lasted, open.frames) > (longest.lasted, longest.frames)) {
            self.longest = Some(open);
        }
        if open.lasted >= Thresholds::DEFAULT.outage.limit {
            if let Some(free) = self.long.get_mut(self.count as usize) {
                *free = Some(open);
            }
            self.count += 1;
        }
    }

    /// Whether one lasted for a minute, or for as many frames where times were not measured.
    pub(super) fn is_long(&self, terms: &Terms<'_>) -> bool {
        self.longest.is_some_and(|longest| longest.is_long(terms))
    }

    /// Whether it was so when the log ended, for less than a minute.
    pub(super) fn ends_early(&self, terms: &Terms<'_>) -> bool {
        self.lasting && !self.is_long(terms)
    }

    /// How long the longest lasted, in words.
    pub(super) fn words(&self, terms: &Terms<'_>) -> String {
        match self.longest {
            Some(longest) if terms.is_timed() => {
                format!("for {} from {} on", about(longest.lasted), about(longest.from.at))
            }
            Some(longest) => format!("in {} frames in a row", longest.frames),
            None => "never".to_owned(),
        }
    }

    /// Those that lasted a minute, with their times, as evidence.
    pub(super) fn evidence(&self, what: &str, terms: &Terms<'_>) -> Vec<Evidence> {
        let limit = format!("< {:.0} s", terms.thresholds.outage.limit.secs());
        let one = |stretch: &Stretch| {
            let value = if terms.is_timed() {
                let (from, to) = (stretch.from.at, stretch.from.at + stretch.lasted);
                format!("{:.0} s, from {} to {}", stretch.lasted.secs(), about(from), about(to))
            } else {
                format!("{} frames", stretch.frames)
            };
            Evidence::fact(what, value).against(limit.clone()).in_frame(Some(stretch.from))
        };
        let named: Vec<Evidence> = self.long.iter().flatten().map(one).collect();
        let more = self.count.saturating_sub(NAMED as u64);
        let more = (more > 0).then(|| Evidence::fact(format!("{what}: more such times"), more.to_string()));
        if named.is_empty() {
            self.longest.iter().map(one).collect()
        } else {
            named.into_iter().chain(more).collect()
        }
    }
}
