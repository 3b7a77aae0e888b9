//! CVL-02 and DCL-02 as far as a log alone tells: current that flows while the battery forbids it by CCL = 0 or DCL = 0
//! (P 1.5.3).

use proto::message::Limits;
use proto::quantity::Micros;

use super::Terms;
use super::moment::{Largest, Moment};
use super::seen::Spot;
use super::spell::Spell;
use crate::thresholds::fixed::{NO_CURRENT_SHARE, SURE_CURRENT};
use crate::verdict::Opinion;

/// One way of the current.
#[derive(Debug, Clone, Default)]
struct Way {
    /// frames in which it is forbidden
    forbidden: u64,
    flowing: Spell,
    most: f64,
}

impl Way {
    #[inline]
    fn take(&mut self, limit: Option<u16>, amps: Option<f64>, largest: &Largest, spot: Spot, held: Micros) {
        let forbidden = limit == Some(0);
        self.forbidden += u64::from(forbidden);
        // What a shunt is off by, or what the devices themselves draw, is no current that somebody lets flow.
        let least = SURE_CURRENT.max(NO_CURRENT_SHARE * f64::from(largest.most) * 0.1);
        let amps = amps.filter(|&amps| forbidden && amps > least);
        self.flowing.take(amps.is_some(), spot, held);
        self.most = self.most.max(amps.unwrap_or(0.0));
    }

    fn judge(&self, terms: &Terms<'_>, opinion: &mut Opinion, [name, verb, why]: [&str; 3]) {
        let test = "a behaviour run decides (`busbar run feed-in`)";
        if self.flowing.is_long(terms) {
            for evidence in self.flowing.evidence(&format!("{verb} while {name} is 0"), terms) {
                opinion.show(evidence);
            }
            opinion.unclear(format!(
                "suspicion: the battery is {verb} with up to {:.1} A while {name} is 0, {}: {why}; {test}",
                self.most,
                self.flowing.words(terms)
            ));
        } else {
            opinion.absent(format!(
                "a log alone never decides it; no current flows for a minute against {name} = 0 ({} frames of it), {test}",
                self.forbidden
            ));
        }
    }
}

/// Current that nobody is to let flow.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unheeded {
    charge: Way,
    discharge: Way,
    dcl: Largest,
}

impl Unheeded {
    /// A 0x351 that held for a while.
    #[inline]
    pub(super) fn take(&mut self, m: &Limits, now: &Moment, spot: Spot, held: Micros) {
        self.dcl.take(m.dcl.filter(|&dcl| dcl < 0x8000).unwrap_or(0));
        self.charge.take(m.ccl, now.current, &now.ccl, spot, held);
        self.discharge.take(m.dcl, now.current.map(|amps| -amps), &self.dcl, spot, held);
    }

    pub(super) fn end(&mut self) {
        self.charge.flowing.end();
        self.discharge.flowing.end();
    }

    /// CVL-02: *"The GX ignores CCL"* where it feeds in, so that it stops no charge.
    pub(crate) fn may_charge_on(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        let why = "CCL does not stop charge where a GX feeds in, a reduced CVL does (P 1.5.3), or the current has the \
                   wrong sign (MEA-01)";
        self.charge.judge(terms, opinion, ["CCL", "charged", why]);
    }

    /// DCL-02.
    pub(crate) fn may_discharge_on(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        let why = "something draws on it that does not heed DCL, such as loads on the DC side, or the current has the \
                   wrong sign (MEA-01)";
        self.discharge.judge(terms, opinion, ["DCL", "discharged", why]);
    }
}
