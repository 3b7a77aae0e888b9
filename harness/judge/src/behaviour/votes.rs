//! Who is right of several that measure the same, from who contradicts whom.

use std::collections::BTreeMap;

/// Which of several meters contradict each other. One that contradicts neither of two says nothing of them.
pub(super) struct Votes {
    /// by two of them, the later one first; nothing where they were not seen together
    contradict: BTreeMap<(usize, usize), bool>,
    /// whose word counts for others
    counts: Vec<bool>,
}

impl Votes {
    /// Of as many meters as have a word that counts or not, with whether two of them contradict each other.
    pub(super) fn of(counts: Vec<bool>, mut contradict: impl FnMut(usize, usize) -> Option<bool>) -> Self {
        let pairs = (0..counts.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
        let contradict = pairs.filter_map(|pair| Some((pair, contradict(pair.0, pair.1)?))).collect();
        Self { contradict, counts }
    }

    /// Whether two contradict each other.
    pub(super) fn contradict(&self, one: usize, other: usize) -> Option<bool> {
        self.contradict.get(&(one.max(other), one.min(other))).copied()
    }

    fn contradicts(&self, one: usize, other: usize) -> bool {
        self.contradict(one, other) == Some(true)
    }

    /// How many say what one says, and not what the other says.
    fn beside(&self, one: usize, against: usize) -> usize {
        let takes_its_side = |third: &usize| {
            self.counts[*third]
                && self.contradict(*third, one) == Some(false)
                && self.contradicts(*third, against)
        };
        (0..self.counts.len()).filter(takes_its_side).count()
    }

    /// Whether one is outvoted: more say what somebody says who contradicts it than say what it says.
    pub(super) fn is_outvoted(&self, one: usize) -> bool {
        (0..self.counts.len()).any(|other| {
            self.counts[other]
                && self.contradicts(one, other)
                && self.beside(one, other) < self.beside(other, one)
        })
    }

    /// Whether two contradict each other and as many take the side of each, or somebody contradicts both: neither is known to be
    /// right.
    pub(super) fn is_open(&self, one: usize, other: usize) -> bool {
        let against_both = |third: usize| {
            self.counts[third] && self.contradicts(third, one) && self.contradicts(third, other)
        };
        let sides = [self.beside(one, other), self.beside(other, one)];
        self.contradicts(one, other)
            && (sides[0] == sides[1] && sides[0] > 0 || (0..self.counts.len()).any(against_both))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// Meters that show so much and may be off by so much.
    fn votes(meters: &[(f64, f64)]) -> Votes {
        Votes::of(vec![true; meters.len()], |a, b| {
            Some((meters[a].0 - meters[b].0).abs() > 0.3 + meters[a].1 + meters[b].1)
        })
    }

    /// The battery first, then a shunt, then others.
    #[rstest]
    #[case::one_against_one(&[(53.2, 0.0), (52.3, 0.1)], [false, false], false)]
    #[case::two_against_the_battery(&[(53.2, 0.0), (52.3, 0.1), (52.3, 0.1)], [true, false], false)]
    #[case::two_against_the_shunt(&[(53.2, 0.0), (52.3, 0.1), (53.2, 0.1)], [false, true], false)]
    #[case::a_third_that_may_be_either(&[(53.2, 0.0), (52.3, 0.1), (52.3, 0.7)], [false, false], false)]
    #[case::two_against_two(&[(53.2, 0.0), (52.3, 0.1), (53.2, 0.1), (52.3, 0.1)], [false, false], true)]
    #[case::three_against_two(&[(53.2, 0.0), (52.3, 0.1), (53.2, 0.1), (52.3, 0.1), (52.3, 0.0)], [true, false], false)]
    #[case::three_say_three_things(&[(53.2, 0.0), (52.3, 0.1), (51.0, 0.1)], [false, false], true)]
    #[case::all_agree(&[(52.3, 0.0), (52.3, 0.1), (52.4, 0.1)], [false, false], false)]
    fn the_more_are_right(#[case] meters: &[(f64, f64)], #[case] outvoted: [bool; 2], #[case] open: bool) {
        let votes = votes(meters);
        assert_eq!([votes.is_outvoted(0), votes.is_outvoted(1)], outvoted);
        assert_eq!(votes.is_open(0, 1), open);
    }
}
