//! Defects of CVL, CCL and DCL: what the battery should not have sent.

use proto::quantity::Micros;

use super::Defect;
use crate::bms::view::View;

/// The three limits on their way to the wire, V and A.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::bms) struct Wanted {
    pub(in crate::bms) cvl: f64,
    pub(in crate::bms) charge: f64,
    pub(in crate::bms) discharge: f64,
}

/// What is the case with the battery now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bms) struct Events {
    /// it forbids discharge because it is empty
    pub(in crate::bms) empty: bool,
    /// its contactor is open
    pub(in crate::bms) open: bool,
    /// a protection is at work: it raises an alarm
    pub(in crate::bms) protects: bool,
}

/// What was the case before: the state machine that does not come back.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Memory {
    pub(super) was_empty: bool,
    was_open: bool,
    /// until when a surge of charge keeps the contactor open
    surge: Option<Micros>,
    /// since when the battery is full
    full: Option<Micros>,
    /// the limits of the last sample in which no protection worked
    calm: Option<Wanted>,
}

/// A contactor that opened on a surge closes again after this (assumption).
const AFTER_SURGE: Micros = Micros::from_secs(60);
/// A battery is full from the first state of charge on, and no longer below the second, % (assumption).
const FULL: (f64, f64) = (99.0, 80.0);

impl Memory {
    /// Whether a surge of charge keeps the contactor open.
    pub(super) const fn surged(&self) -> bool {
        self.surge.is_some()
    }

    /// `cvl` is what the battery is about to ask for, V.
    pub(super) fn watch(&mut self, defects: &[Defect], view: &View, cvl: f64) {
        self.surge = self.surge.filter(|&until| view.at < until);
        let begins = (view.soc >= FULL.0).then_some(view.at);
        self.full = self.full.filter(|_| view.soc >= FULL.1).or(begins);
        for defect in defects {
            let opens = match *defect {
                Defect::OpensOnSurge { soc, current } => view.soc >= soc.0 && view.most_current > current.0,
                Defect::OpensAboveCvl { by } => view.pack > cvl + by.0,
                _ => false,
            };
            if opens {
                self.surge = Some(view.at + AFTER_SURGE);
            }
        }
    }

    pub(super) fn note(&mut self, events: Events, wanted: Wanted) {
        self.was_empty |= events.empty;
        self.was_open |= events.open;
        if !events.protects {
            self.calm = Some(wanted);
        }
    }
}

impl Defect {
    /// What becomes of the limits.
    pub(super) fn limits(&self, memory: &Memory, view: &View, wanted: Wanted) -> Wanted {
        let Wanted { cvl, charge, discharge } = wanted;
        match *self {
            Self::DeadlockAfterUndervoltage if memory.was_empty => {
                Wanted { charge: 0.0, discharge: 0.0, ..wanted }
            }
            Self::NoChargeAfterUndervoltage if memory.was_empty => Wanted { charge: 0.0, ..wanted },
            Self::ZeroCvlAfterTrip if memory.was_open => Wanted { cvl: 0.0, ..wanted },
            Self::LowCvlAfterTrip { cvl: low } if memory.was_open => Wanted { cvl: cvl.min(low.0), ..wanted },
            Self::DeratedCvl { cvl: low } => Wanted { cvl: cvl.min(low.0), ..wanted },
            Self::SinkingCvl { by, every, after } => {
                let sinking = memory.full.map_or(Micros::ZERO, |full| view.at.since(full + after));
                Wanted { cvl: cvl - by.0 * (sinking.0 / every.0) as f64, ..wanted }
            }
            Self::WavingCvl { by, period } => {
                let turn = core::f64::consts::TAU * view.at.secs() / period.secs();
                Wanted { cvl: cvl - by.0 * 0.5 * (1.0 - libm::cos(turn)), ..wanted }
            }
            Self::ResetsCvl { to, every, span } if view.at.0 % every.0 >= every.0 - span.0 => {
                Wanted { cvl: to.0, ..wanted }
            }
            Self::SaggingCvl { resistance } => {
                Wanted { cvl: cvl + view.current.min(0.0) * resistance.0, ..wanted }
            }
            Self::PausingCharge { every, span } if view.at.0 % every.0 >= every.0 - span.0 => {
                Wanted { charge: 0.0, ..wanted }
            }
            Self::NoDischargeWhenWarm { temperature } if view.max_temperature >= temperature.0 => {
                Wanted { discharge: 0.0, ..wanted }
            }
            Self::SwingingLimits { by } if !(view.at.0 / 1_000_000).is_multiple_of(2) => {
                Wanted { cvl: cvl - by.0, charge: charge / 2.0, discharge: discharge / 2.0 }
            }
            Self::KeepsLimitsInAlarm => memory.calm.unwrap_or(wanted),
            Self::NoDischargeWhenFull { soc } if view.soc >= soc.0 => Wanted { discharge: 0.0, ..wanted },
            _ => wanted,
        }
    }
}
