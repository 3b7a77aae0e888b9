//! What holds before and now, and came much closer to its limit meanwhile, or has room again.

use judge::thresholds::{self, Thresholds};
use judge::verdict::Measure;

use super::changes::{Past, Turn};
use super::night::Standing;

/// What holds twice, with other room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// id of a requirement, or name of a threshold
    pub of: &'static str,
    /// the figure that decided before
    pub a: Measure,
    /// now
    pub b: Measure,
}

/// This share of the room that was there must be gone, or come back, before it is told.
const TOLD: f64 = 1.0 / 3.0;
/// Less of a limit than this is no change of room (assumption: below what any figure is exact to).
const SAME: f64 = 0.005;

impl Shift {
    /// Where the room changed enough to be told.
    #[must_use]
    pub fn of(of: &'static str, a: Measure, b: Measure) -> Option<Self> {
        let (before, now) = (a.room(), b.room());
        let told = (before - now).abs() > SAME && before.min(now) < before.max(now) * (1.0 - TOLD);
        told.then_some(Self { of, a, b })
    }

    /// Whether there is more room now or less.
    #[must_use]
    pub fn words(&self) -> &'static str {
        if self.turn() == Turn::Better { "more" } else { "less" }
    }

    /// Whether that is better.
    #[must_use]
    pub fn turn(&self) -> Turn {
        if self.b.room() > self.a.room() { Turn::Better } else { Turn::Worse }
    }
}

/// Cases that pass as they did before, with each figure that lost a third of its room to the limit or has it again: what lost
/// most first. Limits are those of the table: a case that narrows one has less room than that, before as now.
#[must_use]
pub fn shifts(before: &Past, now: &Past) -> Vec<(String, Shift)> {
    let passes = |past: &Past, case: &str| past.cases.get(case).is_some_and(|case| case.0 == Standing::Pass);
    let limits = Thresholds::default();
    let mut all: Vec<(String, Shift)> = Vec::new();
    for (key @ (case, name), (value, unit)) in &now.figures {
        let Some((then, _)) = before.figures.get(key).filter(|kept| kept.1 == *unit) else { continue };
        let Some((row, limit)) = thresholds::find(name).zip(limits.limit(name)) else { continue };
        if !passes(before, case) || !passes(now, case) {
            continue;
        }
        let measure = |value: f64| Measure { threshold: row.name, value, limit, band: 0.0 };
        all.extend(Shift::of(row.name, measure(*then), measure(*value)).map(|shift| (case.clone(), shift)));
    }
    let gained = |shift: &Shift| shift.b.room() - shift.a.room();
    all.sort_by(|a, b| gained(&a.1).total_cmp(&gained(&b.1)));
    all
}

#[cfg(test)]
mod tests {
    use super::super::changes::tests::past;
    use super::*;
    use rstest::rstest;

    /// Settling within 120 s.
    #[rstest]
    #[case::a_third_is_gone(60.0, 81.0, Some(Turn::Worse))]
    #[case::less_than_a_third(60.0, 79.0, None)]
    #[case::back_again(81.0, 60.0, Some(Turn::Better))]
    #[case::of_little_room(117.0, 118.5, Some(Turn::Worse))]
    #[case::too_little_to_tell(119.5, 119.9, None)]
    #[case::the_same(60.0, 60.0, None)]
    fn room_that_is_gone(#[case] before: f64, #[case] now: f64, #[case] turn: Option<Turn>) {
        let measure = |value| Measure { threshold: "settling", value, limit: 120.0, band: 0.0 };
        let shift = Shift::of("CVL-04", measure(before), measure(now));
        assert_eq!(shift.map(|shift| shift.turn()), turn);
        for standing in [Standing::Pass, Standing::Fail] {
            let night = |value: f64| Past {
                cases: [("s/c".to_owned(), (standing, String::new()))].into(),
                figures: [(("s/c".to_owned(), "settling".to_owned()), (value, "s".to_owned()))].into(),
                ..past()
            };
            let told = shifts(&night(before), &night(now));
            let turns: Vec<_> = told.iter().map(|(case, shift)| (case.as_str(), shift.turn())).collect();
            let expected = turn.filter(|_| standing == Standing::Pass).map(|turn| ("s/c", turn));
            assert_eq!(turns, expected.into_iter().collect::<Vec<_>>(), "{standing:?}");
        }
    }
}
