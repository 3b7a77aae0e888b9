//! What a battery says of itself at one moment, whichever message comes first in its cycle: a 0x351 is judged when the
//! next one comes, by what was said in between.

use proto::message::{Alarms, Cells, Limits, Measurements, StateOfCharge};
use proto::quantity::Micros;

use super::seen::Spot;
use crate::recording::online;
use crate::thresholds::Thresholds;
use crate::thresholds::fixed::{
    COLD_CHARGE, COLD_DISCHARGE, CVL_STEP, FULL_SOC, HOLDS, HOT_CHARGE, HOT_DISCHARGE, KNEE, LFP_LEAST,
    LFP_MOST, NEARLY_FULL, NO_CURRENT, NO_CURRENT_SHARE, PLATEAU,
};

/// Steps of 0x351 that make a reduced CVL.
const REDUCED: u16 = (Thresholds::DEFAULT.reduction.limit.0 / CVL_STEP) as u16;

/// The largest value that was held for three frames: one garbled frame is no maximum.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Largest {
    before: [u16; 2],
    pub(super) most: u16,
}

impl Largest {
    #[inline]
    pub(super) fn take(&mut self, raw: u16) {
        self.most = self.most.max(raw.min(self.before[0]).min(self.before[1]));
        self.before = [self.before[1], raw];
    }
}

/// The state of charge, %: the whole per cent where the finer number says something else, which then is none (SOC-02).
#[inline]
pub(super) fn told(m: &StateOfCharge) -> Option<f64> {
    let (finest, whole) = (m.finest_soc()?.0, m.soc().map(|soc| soc.0));
    Some(whole.filter(|whole| (finest - whole).abs() > 1.0).unwrap_or(finest))
}

/// What makes a battery full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    Charge,
    Reduced,
    Knee,
    AtLimit,
}

impl Full {
    pub(super) const ALL: [Self; 4] = [Self::Charge, Self::Reduced, Self::Knee, Self::AtLimit];

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Charge => "its state of charge is 99 % or more",
            Self::Reduced => "its CVL is reduced",
            Self::Knee => "its highest cell is in the charge knee",
            Self::AtLimit => "its voltage is at CVL and the current ended",
        }
    }
}

/// The latest of everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Moment {
    limits: Option<(Limits, Spot)>,
    /// largest CVL and CCL
    pub(super) bulk: Largest,
    pub(super) ccl: Largest,
    /// the last three voltages: one garbled frame says nothing
    voltages: [f64; 3],
    voltage: Option<f64>,
    pub(super) current: Option<f64>,
    /// coldest and hottest of what 0x356 and 0x373 say, °C
    temperature: Option<f64>,
    cell_temperatures: Option<(f64, f64)>,
    /// lowest and highest cell, V
    cells: Option<(f64, f64)>,
    pub(super) soc: Option<f64>,
    pub(super) protecting: bool,
    pub(super) offline: bool,
}

impl Moment {
    /// A 0x351 begins to hold; the one before it, and how long it did.
    #[inline]
    pub(super) fn limits(&mut self, spot: Spot, m: &Limits) -> Option<(Limits, Spot, Micros)> {
        let before = self.limits.replace((*m, spot));
        before.map(|(limits, since)| (limits, since, spot.at.since(since.at)))
    }

    /// The last 0x351, and how long it held at the end of the log.
    pub(super) fn last(&self, end: Micros) -> Option<(Limits, Spot, Micros)> {
        self.limits.map(|(limits, since)| (limits, since, end.since(since.at)))
    }

    /// Takes a 0x351 into what was largest, and cuts what it says to the time it can hold.
    #[inline]
    pub(super) fn weigh(&mut self, m: &Limits, held: Micros) -> Micros {
        self.bulk.take(m.cvl.unwrap_or(0));
        self.ccl.take(m.ccl.filter(|&ccl| ccl < 0x8000).unwrap_or(0));
        held.min(HOLDS)
    }

    #[inline]
    pub(super) fn state(&mut self, m: &StateOfCharge) {
        self.soc = told(m).or(self.soc);
    }

    #[inline]
    pub(super) fn measured(&mut self, m: &Measurements) {
        if let Some(voltage) = m.voltage().map(|v| v.0).filter(|&v| v > 5.0) {
            let [_, b, c] = self.voltages;
            self.voltages = if self.voltage.is_some() { [b, c, voltage] } else { [voltage; 3] };
            let [a, b, c] = self.voltages;
            self.voltage = Some(a.min(b).max(a.max(b).min(c)));
        }
        self.current = m.current().map(|i| i.0).or(self.current);
        self.temperature = m.temperature().map(|t| t.0).or(self.temperature);
    }

    #[inline]
    pub(super) fn cells(&mut self, m: &Cells) {
        if let (Some(low), Some(high)) = (m.min_cell(), m.max_cell()) {
            self.cells = (low.0 >= 1.0 && high.0 <= 5.0 && low.0 <= high.0).then_some((low.0, high.0));
        }
        if let (Some(low), Some(high)) = (m.min_temperature(), m.max_temperature()) {
            self.cell_temperatures = Some((low.0, high.0));
        }
    }

    #[inline]
    pub(super) fn alarms(&mut self, m: &Alarms) {
        self.protecting = m.any_alarm() || m.any_warning();
        self.offline = online(m) == Some(false);
    }

    /// The battery voltage: the middle one of the last three.
    #[inline]
    pub(super) fn voltage(&self) -> Option<f64> {
        self.voltage
    }

    /// Whether it is so cold or so hot, of what the battery says, that one of these is reached; °C.
    #[inline]
    fn is_beyond(&self, cold: f64, hot: f64) -> bool {
        let beyond = |low: f64, high: f64| low <= cold || high >= hot;
        self.temperature.is_some_and(|t| beyond(t, t))
            || self.cell_temperatures.is_some_and(|(low, high)| beyond(low, high))
    }

    /// Whether it is too cold or too hot to be charged.
    #[inline]
    pub(super) fn is_too_cold_or_hot_to_charge(&self) -> bool {
        self.is_beyond(COLD_CHARGE, HOT_CHARGE)
    }

    /// Whether it is too cold or too hot to be discharged.
    #[inline]
    pub(super) fn is_too_cold_or_hot_to_discharge(&self) -> bool {
        self.is_beyond(COLD_DISCHARGE, HOT_DISCHARGE)
    }

    /// How many cells in series, as far as 0x356 and 0x373 tell.
    fn count(&self) -> Option<f64> {
        let ((low, high), voltage) = (self.cells?, self.voltage?);
        let count = 2.0 * voltage / (low + high);
        Some(f64::from((count + 0.5) as u32)).filter(|&n| n >= 3.0 && (count - n).abs() < 0.05 * n)
    }

    /// CVL per cell, of the largest CVL.
    fn bulk_per_cell(&self) -> Option<f64> {
        Some(f64::from(self.bulk.most) * CVL_STEP / self.count()?).filter(|&v| v > 0.0)
    }

    /// Whether a CVL lies below the plateau of LFP cells that stand higher.
    pub(super) fn is_below_plateau(&self, cvl: f64) -> bool {
        let (Some((_, high)), Some(count), Some(bulk)) = (self.cells, self.count(), self.bulk_per_cell())
        else {
            return false;
        };
        // A cell that stands between the plateau and the end of charge of LFP, and no CVL beyond.
        (PLATEAU..=LFP_MOST).contains(&high)
            && bulk <= LFP_MOST
            && cvl < count * PLATEAU
            && self.voltage.is_some_and(|v| cvl < 0.99 * v)
    }

    /// What makes the battery full beside a 0x351, if anything does.
    #[inline]
    pub(super) fn full(&self, m: &Limits) -> Option<Full> {
        if self.soc.is_some_and(|soc| soc >= FULL_SOC) {
            return Some(Full::Charge);
        }
        let raw = m.cvl.filter(|&cvl| cvl != 0)?;
        let (cvl, voltage) = (f64::from(raw) * CVL_STEP, self.voltage);
        if let (Some(v), Some(i)) = (voltage, self.current) {
            let none = NO_CURRENT.max(NO_CURRENT_SHARE * f64::from(self.ccl.most) * 0.1);
            if (v - cvl).abs() < 1.5 * CVL_STEP && i.abs() <= none {
                return Some(Full::AtLimit);
            }
        }
        if raw.saturating_add(REDUCED) <= self.bulk.most
            && (self.soc.is_none_or(|soc| soc >= NEARLY_FULL) || voltage.is_some_and(|v| v >= 0.99 * cvl))
        {
            return Some(Full::Reduced);
        }
        let (_, high) = self.cells?;
        let bulk = self.bulk_per_cell()?;
        // Without a knee, as of NMC, the end of charge itself.
        let end = bulk - 0.02;
        let knee = if (LFP_LEAST..=LFP_MOST).contains(&bulk) { KNEE.min(end) } else { end };
        (high >= knee).then_some(Full::Knee)
    }
}
