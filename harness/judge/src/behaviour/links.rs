//! The rows of the second document (D): instruments and links beside the CAN bus. They report what a run had of them
//! and never fail.

use super::scene::Scene;
use crate::verdict::Opinion;

/// Each row, and why a run does not decide it: nothing of it takes part in a case.
const LINKS: &[(&str, &str)] = &[
    ("D-MB", "the case does not tell how the GX was read: Modbus-TCP comes with a bench that has a real GX"),
    ("D-VD", "no VE.Direct instrument is part of this rig; it comes with a bench that has one"),
    ("D-BT", "no BMV-600 is part of this rig; it comes with a bench that has one"),
    (
        "D-N2K",
        "no second CAN interface with NMEA 2000 is part of this rig; it comes with a bench that has one",
    ),
    ("D-VRM", "no data exported from VRM stands beside this run"),
    ("D-MK2", "MK2 is not offered: VE.Bus is controlled through Modbus-TCP, which the document prefers"),
];

/// Says why a row of the second document does not apply.
pub(super) fn does_not_take_part(_: &Scene<'_>, opinion: &mut Opinion) {
    let why =
        LINKS.iter().find(|(id, _)| *id == opinion.id()).map_or("not part of this rig", |&(_, why)| why);
    opinion.absent(why);
}

#[cfg(test)]
mod tests {
    use super::super::staged::good;
    use super::*;
    use crate::catalogue::CATALOGUE;
    use crate::verdict::Outcome;

    #[test]
    fn every_row_of_the_second_document_says_why_it_does_not_apply() {
        for requirement in CATALOGUE.iter().filter(|r| r.section.starts_with("D ")) {
            assert!(LINKS.iter().any(|(id, _)| *id == requirement.id), "{}", requirement.id);
            let verdict = good().verdict(requirement.id);
            assert_eq!(verdict.outcome, Outcome::NotApplicable, "{}: {}", requirement.id, verdict.reason);
        }
    }
}
