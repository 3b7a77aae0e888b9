//! 0x35A: what the battery says is wrong, raised while it is and cleared after (P 2 §0x35A, P 5.3).
//!
//! An alarm is a trip or a limit at zero, a warning is what may become one.

use proto::message::{AlarmKind, Alarms, Pair};

use super::limits::LimitParams;
use super::protection::{Protection, Trip};
use super::view::View;

/// System status of a battery whose main switch is closed: of the pair's two regular values, the one that is not
/// "active" as an alarm would be.
const ONLINE: Pair = Pair::Ok;
/// The same with an open switch.
const OFFLINE: Pair = Pair::Active;

/// Everything that the document lists but the general alarm, which says nothing that the others do not.
const KINDS: usize = 12;

/// All that is supported, OK, and the main switch closed. A contactor and a short circuit give no warning before.
pub(super) const ALARMS_OK: Alarms = {
    let mut all = Alarms::NONE_SUPPORTED.with_system_status(ONLINE);
    let mut i = 1;
    while i <= KINDS {
        let kind = AlarmKind::ALL[i];
        all = all.with_alarm(kind, Pair::Ok);
        if !matches!(kind, AlarmKind::Contactor | AlarmKind::ShortCircuit) {
            all = all.with_warning(kind, Pair::Ok);
        }
        i += 1;
    }
    all
};

/// What voltage and current outside tell of the contactor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Feedback {
    /// samples in a row in which it was to be closed and did not conduct
    open: u32,
    /// samples in a row in which it was to be open and conducted
    welded: u32,
}

/// A bus this far from the pack is not connected to it, V: beyond what any cable drops at a small current (assumption).
const APART: f64 = 1.0;
/// Less is no current, and more is one (assumption: above noise and offset of an ammeter, which is as large as its battery;
/// 2 A of 280 Ah, and no more than that).
const SOME_CURRENT: (f64, f64) = (2.0, 2.0 / 280.0);
/// It is believed after so many samples: a bus takes some seconds to follow (assumption).
const SAMPLES: u32 = 10;

impl Feedback {
    pub(super) fn sample(&mut self, view: &View) {
        let apart = (view.bus - view.pack).abs() > APART;
        let flows = view.current.abs() > SOME_CURRENT.0.min(SOME_CURRENT.1 * view.capacity);
        let count = |counted: u32, holds: bool| if holds { counted.saturating_add(1) } else { 0 };
        self.open = count(self.open, view.connected && apart && !flows);
        self.welded = count(self.welded, !view.connected && !apart && flows);
    }

    /// The contactor was to close and did not.
    pub(super) const fn fails_to_close(&self) -> bool {
        self.open >= SAMPLES
    }

    /// The contactor was to open and did not.
    pub(super) const fn is_welded(&self) -> bool {
        self.welded >= SAMPLES
    }
}

/// The content of 0x35A after a sample; `closed` is what the contactor is to be.
pub(super) fn alarms(
    protection: &Protection,
    closed: bool,
    feedback: Feedback,
    limits: &LimitParams,
    view: &View,
) -> Alarms {
    let p = protection.params();
    let spread = view.highest - view.lowest;
    let contactor = feedback.fails_to_close() || feedback.is_welded();
    let internal = protection.tripped(Trip::Internal) || view.diagnosis.sensor;
    let alarms = [
        (AlarmKind::HighVoltage, protection.tripped(Trip::OverVoltage)),
        (AlarmKind::LowVoltage, protection.tripped(Trip::UnderVoltage)),
        (AlarmKind::HighTemperature, protection.tripped(Trip::OverTemperature)),
        (AlarmKind::LowTemperature, view.min_temperature <= p.low_temperature.0),
        (AlarmKind::HighTemperatureCharge, view.too_hot_to_charge()),
        (AlarmKind::LowTemperatureCharge, view.too_cold_to_charge()),
        (AlarmKind::HighCurrent, protection.tripped(Trip::DischargeCurrent)),
        (AlarmKind::HighChargeCurrent, protection.tripped(Trip::ChargeCurrent)),
        (AlarmKind::Contactor, contactor),
        (AlarmKind::ShortCircuit, protection.tripped(Trip::ShortCircuit)),
        (AlarmKind::BmsInternal, internal),
        (AlarmKind::CellImbalance, spread >= p.imbalance_alarm.0),
    ];
    let hot = view.max_temperature >= p.high_temperature_warning.0;
    let cold = view.min_temperature <= p.low_charge_temperature_warning.0;
    let warnings = [
        (AlarmKind::HighVoltage, view.highest >= p.high_cell_warning.0),
        (AlarmKind::LowVoltage, view.lowest <= p.low_cell_warning.0),
        (AlarmKind::HighTemperature, hot),
        (AlarmKind::LowTemperature, view.min_temperature <= p.low_temperature_warning.0),
        (AlarmKind::HighTemperatureCharge, hot),
        (AlarmKind::LowTemperatureCharge, cold),
        (AlarmKind::HighCurrent, -view.current > limits.discharge.0),
        (AlarmKind::HighChargeCurrent, view.current > limits.charge.0),
        (AlarmKind::BmsInternal, view.diagnosis.doubtful),
        (AlarmKind::CellImbalance, spread >= p.imbalance_warning.0),
    ];
    let conducts = (closed && !feedback.fails_to_close()) || feedback.is_welded();
    let mut out = ALARMS_OK.with_system_status(if conducts { ONLINE } else { OFFLINE });
    alarms.into_iter().filter(|(_, on)| *on).for_each(|(kind, _)| out.set_alarm(kind, Pair::Active));
    warnings.into_iter().filter(|(_, on)| *on).for_each(|(kind, _)| out.set_warning(kind, Pair::Active));
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::closed(true, 20.0, 52.8, 52.8, (false, false))]
    #[case::open(false, 0.0, 52.8, 0.0, (false, false))]
    #[case::a_long_cable(true, 100.0, 52.8, 55.0, (false, false))]
    #[case::waiting_for_a_charger(false, 0.0, 52.8, 52.8, (false, false))]
    #[case::fails_to_close(true, 0.0, 52.8, 20.0, (true, false))]
    #[case::welded(false, -15.0, 52.8, 52.7, (false, true))]
    #[case::another_charger(false, 0.0, 52.8, 56.0, (false, false))]
    fn the_bus_tells_of_the_contactor(
        #[case] connected: bool,
        #[case] current: f64,
        #[case] pack: f64,
        #[case] bus: f64,
        #[case] found: (bool, bool),
    ) {
        let mut feedback = Feedback::default();
        let view = View { connected, current, pack, bus, ..View::sound(0, 3.3, 0.0) };
        for _ in 1..SAMPLES {
            feedback.sample(&view);
            assert!(!feedback.fails_to_close() && !feedback.is_welded(), "not at once");
        }
        feedback.sample(&view);
        assert_eq!((feedback.fails_to_close(), feedback.is_welded()), found);
    }
}
