//! CCL-03: charge or discharge is forbidden for a reason that the battery itself sends (P 1.5.2, P 2 §0x35A).

use proto::message::Limits;
use proto::quantity::Micros;

use super::Terms;
use super::moment::Moment;
use super::seen::Spot;
use super::spell::Spell;
use crate::thresholds::fixed::{ENOUGH_FRAMES, LOW_SOC};
use crate::verdict::Opinion;

/// Times in which CCL or DCL was 0, and nothing that the battery sends explains it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Forbidden {
    frames: u64,
    charge: Spell,
    discharge: Spell,
    /// frames with CCL = 0 or DCL = 0 that something explains
    explained: u64,
}

impl Forbidden {
    /// A 0x351 that held for a while, in a battery that is full, or is not.
    #[inline]
    pub(super) fn take(&mut self, m: &Limits, is_full: bool, now: &Moment, spot: Spot, held: Micros) {
        self.frames += 1;
        let (no_charge, no_discharge) = (m.ccl == Some(0), m.dcl == Some(0));
        if !no_charge && !no_discharge {
            self.charge.take(false, spot, held);
            self.discharge.take(false, spot, held);
            return;
        }
        let protecting = now.protecting || now.offline;
        // What CCL = 0 means in a full battery is another question: CCL-02.
        let charge = protecting || is_full || now.is_too_cold_or_hot_to_charge();
        let discharge =
            protecting || now.soc.is_some_and(|soc| soc <= LOW_SOC) || now.is_too_cold_or_hot_to_discharge();
        self.charge.take(no_charge && !charge, spot, held);
        self.discharge.take(no_discharge && !discharge, spot, held);
        self.explained += u64::from(no_charge && charge || no_discharge && discharge);
    }

    pub(super) fn end(&mut self) {
        self.charge.end();
        self.discharge.end();
    }

    /// CCL-03: *"A DCL of 0A will disable discharge"* (P 2 §0x351); an installer looks for the reason in what the battery
    /// says, and the GX shows nothing else.
    pub(crate) fn judge(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        if self.frames == 0 {
            opinion.unclear("0x351 was not seen");
            return;
        }
        for (spell, name, verb, reasons) in [
            (&self.charge, "CCL", "charge", "the battery is not full either"),
            (&self.discharge, "DCL", "discharge", "the battery is not low either"),
        ] {
            if !spell.is_long(terms) {
                continue;
            }
            let what = format!("{name} = 0 that nothing explains");
            spell.evidence(&what, terms).into_iter().for_each(|evidence| {
                opinion.show(evidence);
            });
            opinion.fail(format!(
                "{name} is 0 {}, which forbids {verb}, without an alarm, a warning or a temperature that explains it; {reasons}",
                spell.words(terms)
            ));
        }
        for (spell, name) in [(&self.charge, "CCL"), (&self.discharge, "DCL")] {
            if spell.ends_early(terms) {
                opinion.unclear(format!(
                    "{name} is 0 at the end of the log, {}, and nothing explains it: a minute of it decides",
                    spell.words(terms)
                ));
            }
        }
        let (unexplained, explained) = (self.charge.frames + self.discharge.frames, self.explained);
        if self.frames < ENOUGH_FRAMES {
            opinion.unclear(format!(
                "{} frames of 0x351 are too few to say: {ENOUGH_FRAMES} decide",
                self.frames
            ));
        } else if unexplained + explained == 0 {
            opinion.pass("neither CCL nor DCL is ever 0");
        } else {
            opinion.pass(format!(
                "CCL or DCL is 0 in {} frames; what the battery sends explains {explained} of them, and the others last \
                 less than a minute at a stretch",
                unexplained + explained
            ));
        }
    }
}
