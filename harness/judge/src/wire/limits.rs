//! CVL-01, CCL-01, DCL-01, DVL-01: the content of 0x351 (P 2 §0x351).

use proto::message::{Limits, Measurements};

use super::Terms;
use super::below::Below;
use super::seen::{Range, Spot, Tally};
use crate::verdict::{Evidence, Opinion, Sign};

/// A magnitude above this, in raw steps, is a negative number sent in two's complement: *"Negative values are
/// non-sensical"*.
const NEGATIVE: u16 = 0x8000;

#[derive(Debug, Clone, Default)]
pub(crate) struct LimitFacts {
    frames: Tally,
    cvl: Range,
    no_cvl: Tally,
    zero_cvl: Tally,
    /// CVL beyond what the measured voltage allows, judged where no battery file says more
    odd_cvl: Tally,
    /// CVL so far above the measured voltage that only an empty battery explains it
    high_cvl: Tally,
    /// lowest and highest CVL from before any voltage was known
    early_cvl: Option<[(f64, Spot); 2]>,
    last_voltage: Option<f64>,
    /// the last three voltages: one garbled 0x356 says nothing about CVL
    voltages: [Option<f64>; 3],
    /// frames that could be held against a voltage
    compared: u64,
    ccl: Magnitude,
    dcl: Magnitude,
    discharge_voltage: Range,
}

#[derive(Debug, Clone, Copy, Default)]
struct Magnitude {
    range: Range,
    negative: Tally,
    /// the first negative one, in raw steps
    first: Option<i16>,
}

impl Magnitude {
    #[inline]
    fn take(&mut self, raw: Option<u16>, spot: Spot) {
        let Some(raw) = raw else { return };
        self.range.take(f64::from(raw) / 10.0, spot);
        if raw >= NEGATIVE {
            self.negative.hit(spot);
            self.first.get_or_insert(raw.cast_signed());
        }
    }

    fn judge(&self, name: &str, opinion: &mut Opinion) {
        if let Some(evidence) = self.range.evidence(name, "A") {
            opinion.show(evidence);
        }
        if self.negative.any() {
            opinion.show(self.negative.evidence(&format!("{name} above 3276.7 A")).against("none"));
            let first = self.first.unwrap_or_default();
            opinion.fail(format!(
                "{name} is a negative number in two's complement, −{:.1} A read as {:.1} A, {}: this protocol has it as a \
                 magnitude",
                f64::from(first.unsigned_abs()) * 0.1,
                f64::from(first.cast_unsigned()) * 0.1,
                self.negative.place()
            ));
        } else if let Some((low, high)) = self.range.bounds() {
            opinion.pass(format!("{name} is {low} to {high} A"));
        } else {
            opinion.unclear(format!("{name} was not seen"));
        }
    }
}

impl LimitFacts {
    #[inline]
    pub(super) fn limits(&mut self, spot: Spot, m: &Limits) {
        self.frames.hit(spot);
        match m.cvl() {
            None => self.no_cvl.hit(spot),
            Some(cvl) => {
                self.cvl.take(cvl.0, spot);
                if m.cvl == Some(0) {
                    self.zero_cvl.hit(spot);
                } else {
                    if self.last_voltage.is_none() {
                        let here = (cvl.0, spot);
                        let [low, high] = self.early_cvl.unwrap_or([here; 2]);
                        self.early_cvl = Some([
                            if cvl.0 < low.0 { here } else { low },
                            if cvl.0 > high.0 { here } else { high },
                        ]);
                    }
                    self.compare(cvl.0, spot);
                }
            }
        }
        self.ccl.take(m.ccl, spot);
        self.dcl.take(m.dcl, spot);
        if let Some(raw) = m.discharge_voltage {
            self.discharge_voltage.take(f64::from(raw) / 10.0, spot);
        }
    }

    #[inline]
    pub(super) fn measured(&mut self, m: &Measurements) {
        let Some(voltage) = m.voltage().map(|v| v.0).filter(|&v| v > 5.0) else { return };
        self.last_voltage = Some(voltage);
        self.voltages = [self.voltages[1], self.voltages[2], Some(voltage)];
        // What was sent before the first voltage counts too: CVL must be right from the first frame on.
        for (cvl, spot) in self.early_cvl.take().into_iter().flatten() {
            self.compare(cvl, spot);
        }
    }

    #[inline]
    fn compare(&mut self, cvl: f64, spot: Spot) {
        let mut known = self.voltages.iter().flatten().peekable();
        if known.peek().is_none() {
            return;
        }
        self.compared += 1;
        // The nearest of the last voltages: all of them must speak against CVL.
        let ratio = known.map(|v| cvl / v).min_by(|a, b| (a - 1.0).abs().total_cmp(&(b - 1.0).abs()));
        let ratio = ratio.unwrap_or(1.0);
        // A wrong scale or byte order lies beyond; a sodium cell goes from 1.5 to 4.0 V.
        self.odd_cvl.hit_if(!(0.8..=3.0).contains(&ratio), spot);
        // From an empty LFP pack at 2.5 V a cell to a full one at 3.65 V, with room for both ends.
        self.high_cvl.hit_if((1.6..=3.0).contains(&ratio), spot);
    }

    /// CVL-01: present, non-zero and plausible from the first frame on.
    pub(crate) fn cvl_is_plausible(&self, below: &Below, terms: &Terms<'_>, opinion: &mut Opinion) {
        if let Some(evidence) = self.cvl.evidence("CVL", "V") {
            opinion.show(evidence);
        }
        if self.no_cvl.any() {
            opinion.show(self.no_cvl.evidence("0x351 without CVL").against("none"));
            opinion.fail(format!("0x351 is sent without CVL, {}", self.no_cvl.place()));
        }
        if self.zero_cvl.any() {
            opinion.show(self.zero_cvl.evidence("CVL = 0").against("none").tells(Sign::ZeroCvl));
            opinion.fail(format!(
                "CVL is 0 in {} of {} frames, {}: the GX passes it on and the battery is discharged at full power",
                self.zero_cvl.count,
                self.frames.count,
                self.zero_cvl.place()
            ));
        }
        let Some((low, high)) = self.cvl.bounds() else {
            opinion.unclear("0x351 was not seen");
            return;
        };
        let ordered = below.is_no_order_to_discharge(terms, opinion);
        if let Some(bounds) = terms.bounds() {
            let (least, most, says) = (bounds.min_voltage, bounds.max_charge_voltage, &bounds.says);
            opinion.show(
                Evidence::fact(format!("CVL against {}", bounds.source), format!("{low} to {high} V"))
                    .against(format!("{} to {most}", least.0)),
            );
            if high > most.0 + 0.051 {
                opinion.show(
                    Evidence::fact("highest CVL", format!("{high} V"))
                        .against(format!("≤ {most}"))
                        .in_frame(self.cvl.highest()),
                );
                opinion.fail(format!("CVL reaches {high} V, {says} at most {most}"));
            }
            if low > 0.0 && low < least.0 {
                opinion.show(
                    Evidence::fact("lowest CVL", format!("{low} V"))
                        .against(format!("≥ {least}"))
                        .in_frame(self.cvl.lowest()),
                );
                opinion.fail(format!("CVL falls to {low} V, below the lowest voltage that {says}, {least}"));
            }
            opinion.pass(format!("CVL is {low:.1} to {high:.1} V, within what {says}"));
        } else if ordered {
            // Said already.
        } else if self.odd_cvl.any() {
            opinion.show(self.odd_cvl.evidence("CVL unlike the measured voltage").against("0.8 to 3 times"));
            opinion.fail(format!(
                "CVL ({low} to {high} V) does not fit the measured battery voltage ({:.1} V at the end), {}",
                self.last_voltage.unwrap_or_default(),
                self.odd_cvl.place()
            ));
        } else if self.high_cvl.any() {
            opinion.show(
                self.high_cvl.evidence("CVL far above the measured voltage").against("0.8 to 1.6 times"),
            );
            // A CVL that jumps up there is garbage; one that stays may belong to an empty battery.
            if high > 1.3 * low {
                opinion.fail(format!(
                    "CVL jumps to {high} V, {}, far above what the battery measures",
                    self.high_cvl.place()
                ));
            } else {
                opinion.unclear(format!(
                    "CVL ({high} V) is far above the measured voltage, {}: too high, or the battery is empty; a battery file decides",
                    self.high_cvl.place()
                ));
            }
        } else if self.compared > 0 {
            opinion.pass(format!(
                "CVL is {low:.1} to {high:.1} V, which fits the measured voltage (no battery file says more)"
            ));
        } else {
            opinion.unclear("neither a battery file nor 0x356 says which CVL is plausible");
        }
    }

    /// CCL-01.
    pub(crate) fn ccl_is_positive(&self, opinion: &mut Opinion) {
        self.ccl.judge("CCL", opinion);
    }

    /// DCL-01.
    pub(crate) fn dcl_is_positive(&self, opinion: &mut Opinion) {
        self.dcl.judge("DCL", opinion);
    }

    /// DVL-01: *"Discharge voltage is not used (yet)"*.
    pub(crate) fn discharge_voltage(&self, opinion: &mut Opinion) {
        match self.discharge_voltage.bounds() {
            Some((low, high)) => {
                let remark = if high > 1000.0 { ", which is no voltage" } else { "" };
                opinion.pass(format!(
                    "the discharge voltage is {low} to {high} V{remark}; the GX does not use it"
                ));
            }
            None => {
                opinion.absent("the discharge voltage is not sent");
            }
        }
    }
}
