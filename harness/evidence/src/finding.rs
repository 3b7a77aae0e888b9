//! What comes of holding evidence against evidence.

/// What does not fit, or is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// how much it says
    pub weight: Weight,
    /// what, in words
    pub what: String,
}

/// How much a finding says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// it looks as if it was simulated
    Suspicion,
    /// two pieces of evidence cannot both be true
    Contradiction,
}

/// What was held against what, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// what was compared, each with how many values
    pub compared: Vec<(&'static str, usize)>,
    /// what does not fit
    pub findings: Vec<Finding>,
}

impl Held {
    /// Whether two pieces of evidence cannot both be true.
    #[must_use]
    pub fn contradicts(&self) -> bool {
        self.findings.iter().any(|finding| finding.weight == Weight::Contradiction)
    }

    pub(crate) fn compared(&mut self, what: &'static str, many: usize) {
        match self.compared.iter_mut().find(|(known, _)| *known == what) {
            Some((_, sum)) => *sum += many,
            None => self.compared.push((what, many)),
        }
    }

    pub(crate) fn contradiction(&mut self, what: String) {
        self.findings.push(Finding { weight: Weight::Contradiction, what });
    }

    pub(crate) fn suspicion(&mut self, what: String) {
        self.findings.push(Finding { weight: Weight::Suspicion, what });
    }
}
