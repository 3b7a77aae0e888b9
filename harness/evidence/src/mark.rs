//! How an outcome is shown: by word and shape before colour.

use judge::requirement::Severity;
use judge::verdict::{Outcome, Verdict};
use serde::{Deserialize, Serialize};

/// What a reader sees of a verdict, from the least to the most urgent. A requirement that only warns
/// (severity S) is no failure, one that only reports (severity I) is a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// no case of the run judges it
    NotJudged,
    /// the battery does not offer the optional feature
    NotApplicable,
    /// holds
    Pass,
    /// reported only
    Note,
    /// the evidence does not decide
    Inconclusive,
    /// does not hold, and should
    Warning,
    /// does not hold, and must
    Fail,
}

/// Word, short word, symbol on a terminal and name in style sheets.
const SHOWN: [(Mark, &str, &str, &str, &str); 7] = [
    (Mark::NotJudged, "Not judged", "—", "·", "none"),
    (Mark::NotApplicable, "Not applicable", "N/A", "–", "na"),
    (Mark::Pass, "Pass", "PASS", "✓", "pass"),
    (Mark::Note, "Note", "NOTE", "i", "note"),
    (Mark::Inconclusive, "Inconclusive", "INCONCLUSIVE", "?", "open"),
    (Mark::Warning, "Warning", "WARN", "!", "warn"),
    (Mark::Fail, "Fail", "FAIL", "✗", "fail"),
];

impl Mark {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 7] = [
        Self::Fail,
        Self::Warning,
        Self::Inconclusive,
        Self::Note,
        Self::Pass,
        Self::NotApplicable,
        Self::NotJudged,
    ];

    /// The text in the mark's colour on a terminal that has colours: the words carry the meaning.
    #[must_use]
    pub fn paint(self, text: &str, colour: bool) -> String {
        let code = match self {
            Self::Pass => "32",
            Self::Fail => "1;31",
            Self::Warning => "33",
            Self::Inconclusive => "35",
            _ => "2",
        };
        if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// How a verdict is marked.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Self {
        match (verdict.outcome, verdict.requirement.severity) {
            (Outcome::Pass, _) => Self::Pass,
            (Outcome::NotApplicable, _) => Self::NotApplicable,
            (Outcome::Inconclusive, Severity::Information) | (Outcome::Fail, Severity::Information) => {
                Self::Note
            }
            (Outcome::Inconclusive, _) => Self::Inconclusive,
            (Outcome::Fail, Severity::Should) => Self::Warning,
            (Outcome::Fail, Severity::Must) => Self::Fail,
        }
    }

    /// How the outcome of a whole run or log is marked: one of which nothing applies decides nothing.
    #[must_use]
    pub const fn of_whole(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Pass,
            Outcome::Fail => Self::Fail,
            Outcome::Inconclusive | Outcome::NotApplicable => Self::Inconclusive,
        }
    }

    /// In words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        SHOWN[self as usize].1
    }

    /// In capitals, for a terminal: four letters but for one.
    #[must_use]
    pub const fn short(self) -> &'static str {
        SHOWN[self as usize].2
    }

    /// One character.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        SHOWN[self as usize].3
    }

    /// Name in style sheets.
    #[must_use]
    pub const fn class(self) -> &'static str {
        SHOWN[self as usize].4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (i, row) in SHOWN.iter().enumerate() {
            assert_eq!(row.0 as usize, i, "{:?}", row.0);
        }
        for mark in Mark::ALL {
            assert_eq!(SHOWN[mark as usize].0, mark);
        }
    }
}
