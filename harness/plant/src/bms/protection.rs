//! Protection: what opens the contactor, what closes it again, and what is only worth a warning.
//!
//! A battery that comes back by itself is what the protocol asks for (P 5.6): each trip has a release, and where
//! the release may never come because the contactor is open, a retry.

use proto::quantity::{Amps, Celsius, Micros, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::params::{ParamsError, positive};
use super::view::View;

/// Levels and times of the protection.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ProtectionParams {
    /// highest cell that opens the contactor
    pub over_voltage: Volts,
    /// highest cell at which it closes again
    pub over_voltage_release: Volts,
    /// lowest cell that opens the contactor
    pub under_voltage: Volts,
    /// lowest cell at which it closes again
    pub under_voltage_release: Volts,
    /// samples, a second apart, that a cell voltage must stand beyond its level
    pub voltage_samples: u32,
    /// charge current that opens the contactor
    pub charge_current: Amps,
    /// discharge current that opens the contactor
    pub discharge_current: Amps,
    /// samples, a second apart, that a current must stand beyond its level
    pub current_samples: u32,
    /// time until the contactor closes again after an over-current
    pub current_recovery: Micros,
    /// warmest cell that opens the contactor
    pub over_temperature: Celsius,
    /// warmest cell at which it closes again
    pub over_temperature_release: Celsius,
    /// time after which a battery that tripped on a cell voltage tries again although the cell is not back at its
    /// release level, but no longer beyond the trip level; absent, it never does
    pub retry: Option<Micros>,
    /// time without 0x305 that opens the contactor (P 1.4: no less than 10 minutes); absent, it never does
    pub keep_alive: Option<Micros>,
    /// highest cell that is worth a warning
    pub high_cell_warning: Volts,
    /// lowest cell that is worth a warning
    pub low_cell_warning: Volts,
    /// difference between highest and lowest cell that is worth a warning
    pub imbalance_warning: Volts,
    /// difference between highest and lowest cell that is worth an alarm
    pub imbalance_alarm: Volts,
    /// warmest cell that is worth a warning
    pub high_temperature_warning: Celsius,
    /// coldest cell that is worth a warning
    pub low_temperature_warning: Celsius,
    /// coldest cell that is worth a warning to whoever charges
    pub low_charge_temperature_warning: Celsius,
    /// coldest cell that may be discharged
    pub low_temperature: Celsius,
}

/// Common settings for LFP: 3.65/3.45 V and 2.50/2.90 V are the usual defaults; currents are 1.3 × what the limits
/// allow; all other numbers are assumptions.
impl Default for ProtectionParams {
    fn default() -> Self {
        Self {
            over_voltage: Volts(3.65),
            over_voltage_release: Volts(3.45),
            under_voltage: Volts(2.50),
            under_voltage_release: Volts(2.90),
            voltage_samples: 3,
            charge_current: Amps(180.0),
            discharge_current: Amps(260.0),
            current_samples: 5,
            current_recovery: Micros::from_secs(60),
            over_temperature: Celsius(60.0),
            over_temperature_release: Celsius(50.0),
            retry: Some(Micros::from_secs(600)),
            keep_alive: Some(Micros::from_secs(900)),
            high_cell_warning: Volts(3.60),
            low_cell_warning: Volts(2.80),
            imbalance_warning: Volts(0.30),
            imbalance_alarm: Volts(0.50),
            high_temperature_warning: Celsius(55.0),
            low_temperature_warning: Celsius(-10.0),
            low_charge_temperature_warning: Celsius(5.0),
            low_temperature: Celsius(-20.0),
        }
    }
}

impl ProtectionParams {
    pub(super) fn check(&self) -> Result<(), ParamsError> {
        let order = ParamsError::order;
        order(
            "protection.over-voltage-release",
            self.over_voltage_release,
            "protection.over-voltage",
            self.over_voltage,
        )?;
        order(
            "protection.under-voltage",
            self.under_voltage,
            "protection.under-voltage-release",
            self.under_voltage_release,
        )?;
        order(
            "protection.under-voltage-release",
            self.under_voltage_release,
            "protection.over-voltage-release",
            self.over_voltage_release,
        )?;
        order(
            "protection.imbalance-warning",
            self.imbalance_warning,
            "protection.imbalance-alarm",
            self.imbalance_alarm,
        )?;
        positive("protection.voltage-samples", f64::from(self.voltage_samples))?;
        positive("protection.current-samples", f64::from(self.current_samples))?;
        positive("protection.charge-current", self.charge_current.0)?;
        positive("protection.discharge-current", self.discharge_current.0)
    }
}

/// Why the contactor is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trip {
    OverVoltage,
    UnderVoltage,
    ChargeCurrent,
    DischargeCurrent,
    OverTemperature,
    KeepAlive,
    ShortCircuit,
    Internal,
}

impl Trip {
    const ALL: [Self; 8] = [
        Self::OverVoltage,
        Self::UnderVoltage,
        Self::ChargeCurrent,
        Self::DischargeCurrent,
        Self::OverTemperature,
        Self::KeepAlive,
        Self::ShortCircuit,
        Self::Internal,
    ];
}

/// One trip being watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Watch {
    /// samples in a row beyond the level
    beyond: u32,
    /// when it opened the contactor, while it holds it open
    since: Option<Micros>,
}

/// The protection at work.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Protection {
    params: ProtectionParams,
    watches: [Watch; Trip::ALL.len()],
    keep_alive: Option<Micros>,
    heard: Micros,
}

/// An open contactor stays open at least this long, so that it never chatters (assumption).
const MIN_OPEN: Micros = Micros::from_secs(10);
/// A bus so far above an empty pack means that a charger waits outside, V (assumption).
const CHARGER_OUTSIDE: f64 = 1.0;

impl Protection {
    /// `keep_alive` replaces the time of the parameters.
    pub(super) fn new(params: ProtectionParams, keep_alive: Option<Micros>) -> Self {
        Self { params, watches: [Watch::default(); Trip::ALL.len()], keep_alive, heard: Micros::ZERO }
    }

    /// The GX was heard.
    pub(super) const fn keep_alive(&mut self, at: Micros) {
        self.heard = at;
    }

    pub(super) fn sample(&mut self, view: &View) {
        for trip in Trip::ALL {
            let watch = self.watches[trip as usize];
            self.watches[trip as usize] = match watch.since {
                Some(since) if self.released(trip, view, view.at.since(since)) => Watch::default(),
                Some(_) => watch,
                None if self.beyond(trip, view) => {
                    let beyond = watch.beyond + 1;
                    Watch { beyond, since: (beyond >= self.samples(trip)).then_some(view.at) }
                }
                None => Watch::default(),
            };
        }
    }

    /// Whether this trip holds the contactor open.
    pub(super) const fn tripped(&self, trip: Trip) -> bool {
        self.watches[trip as usize].since.is_some()
    }

    /// Whether the contactor is to be closed.
    pub(super) fn closed(&self) -> bool {
        self.watches.iter().all(|w| w.since.is_none())
    }

    /// The direction that a trip, or the cold, forbids: charge, discharge.
    pub(super) fn forbids(&self, view: &View) -> (bool, bool) {
        let both = self.tripped(Trip::ShortCircuit) || self.tripped(Trip::Internal);
        (
            both || self.tripped(Trip::OverVoltage) || self.tripped(Trip::ChargeCurrent),
            both || self.tripped(Trip::UnderVoltage)
                || self.tripped(Trip::DischargeCurrent)
                || view.min_temperature <= self.params.low_temperature.0,
        )
    }

    pub(super) const fn params(&self) -> &ProtectionParams {
        &self.params
    }

    fn beyond(&self, trip: Trip, view: &View) -> bool {
        let p = &self.params;
        match trip {
            Trip::OverVoltage => view.highest >= p.over_voltage.0,
            Trip::UnderVoltage => view.lowest <= p.under_voltage.0,
            Trip::ChargeCurrent => view.current > p.charge_current.0,
            Trip::DischargeCurrent => -view.current > p.discharge_current.0,
            Trip::OverTemperature => view.max_temperature >= p.over_temperature.0,
            Trip::KeepAlive => self.keep_alive.is_some_and(|limit| view.at.since(self.heard) >= limit),
            Trip::ShortCircuit => view.diagnosis.short_circuit,
            Trip::Internal => view.diagnosis.self_test,
        }
    }

    fn samples(&self, trip: Trip) -> u32 {
        match trip {
            Trip::OverVoltage | Trip::UnderVoltage | Trip::OverTemperature | Trip::Internal => {
                self.params.voltage_samples
            }
            Trip::ChargeCurrent | Trip::DischargeCurrent => self.params.current_samples,
            Trip::KeepAlive | Trip::ShortCircuit => 1,
        }
    }

    fn released(&self, trip: Trip, view: &View, open_for: Micros) -> bool {
        let p = &self.params;
        if open_for < MIN_OPEN || self.beyond(trip, view) {
            return false;
        }
        let retry = p.retry.is_some_and(|after| open_for >= after);
        match trip {
            Trip::OverVoltage => view.highest <= p.over_voltage_release.0 || retry,
            Trip::UnderVoltage => {
                view.lowest >= p.under_voltage_release.0 || view.bus > view.pack + CHARGER_OUTSIDE || retry
            }
            Trip::ChargeCurrent | Trip::DischargeCurrent | Trip::ShortCircuit => {
                open_for >= p.current_recovery
            }
            Trip::OverTemperature => view.max_temperature <= p.over_temperature_release.0,
            Trip::KeepAlive | Trip::Internal => true,
        }
    }
}
