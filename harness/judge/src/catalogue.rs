//! The requirement catalogue: every normative statement of the specification as data.

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

/// One requirement.
#[derive(Debug, PartialEq, Eq)]
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
}

/// The requirement with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Requirement> {
    CATALOGUE.iter().find(|r| r.id == id)
}

/// All requirements, in the order of the report.
pub static CATALOGUE: &[Requirement] = &[];
