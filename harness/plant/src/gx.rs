//! The GX: hears the battery, keeps it alive, orders inverter and solar charger about, and shows it all.

use proto::frame::{CanId, Frame};
use proto::message::{
    Alarms, BatteryIdentity, Cells, Limits as Heard, Measurements, Message, Payload, StateOfCharge, Text8, id,
};
use proto::quantity::{AmpHours, Amps, Celsius, Micros, Percent, Volts, Watts};
use proto::reading::{GxBattery, GxModules};

use crate::dvcc::{self, Devices, Limits, Setpoints, Settings};
use crate::inverter::InverterOrders;
use crate::params::GxParams;
use crate::solar::SolarOrders;

/// Outputs go out at every third tick of one second.
const TICKS: u64 = 3;
/// Venus OS smooths currents with first-order filters of 2π/30 s (inverter) and 2π/20 s (solar).
const SMOOTH_INVERTER: f64 = core::f64::consts::TAU / 30.0;
const SMOOTH_SOLAR: f64 = core::f64::consts::TAU / 20.0;

/// Rounds as a register does that holds `value · scale` as an integer.
pub(crate) fn round(value: f64, scale: f64) -> f64 {
    (value * scale).round() / scale
}

/// The GX device.
#[derive(Debug, Clone)]
pub(crate) struct Gx {
    p: GxParams,
    settings: Settings,
    grid_setpoint: f64,
    minimum_soc: f64,
    /// last frame of the battery, of whatever id, and last 0x351
    heard_at: Option<Micros>,
    limits_at: Micros,
    limits: Option<Limits>,
    battery: Battery,
    setpoints: Option<Setpoints>,
    /// the charge voltage that the inverter reports back: what it was told a tick ago
    readback: Volts,
    inverter_current: f64,
    solar_current: f64,
    keep: [f64; 2],
    ticks: u64,
    spare: bool,
    recharge: bool,
    next_frame: Micros,
    identify: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Battery {
    measurements: Measurements,
    soc: StateOfCharge,
    cells: Cells,
    identity: BatteryIdentity,
    alarms: Alarms,
    cell_ids: [Text8; 4],
    modules: GxModules,
    limits: Heard,
    forced: bool,
}

/// What the GX reads from the other devices every second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) mains: bool,
    /// positive when the inverter charges, A
    pub(crate) inverter: f64,
    pub(crate) solar: f64,
    pub(crate) solar_rating: Amps,
}

impl Gx {
    /// `phase` of its frames within the second and `ticks` within the three seconds of its control differ from run
    /// to run, as those of two clocks do.
    pub(crate) fn new(p: &GxParams, feed_in: bool, phase: Micros, ticks: u64) -> Self {
        let keep = |omega: f64| libm::exp(-omega);
        Self {
            settings: Settings {
                charge_current: None,
                charge_voltage: None,
                feed_in,
                solar_offset: p.solar_offset * (p.nominal.0 / 48.0),
            },
            grid_setpoint: p.grid_setpoint.0,
            minimum_soc: p.minimum_soc.0,
            p: p.clone(),
            heard_at: None,
            limits_at: Micros::ZERO,
            limits: None,
            battery: Battery::default(),
            setpoints: None,
            readback: Volts::ZERO,
            inverter_current: 0.0,
            solar_current: 0.0,
            keep: [keep(SMOOTH_INVERTER), keep(SMOOTH_SOLAR)],
            ticks,
            spare: false,
            recharge: false,
            next_frame: phase,
            identify: false,
        }
    }

    /// A frame of the battery arrived.
    pub(crate) fn hear(&mut self, at: Micros, frame: &Frame) {
        self.heard_at = Some(at);
        let b = &mut self.battery;
        match Message::decode(frame) {
            Some(Message::Limits(m)) => {
                b.limits = m;
                // A frame too short to hold all three says nothing to act on.
                if let (Some(cvl), Some(ccl), Some(dcl)) = (m.cvl(), m.ccl(), m.dcl()) {
                    (self.limits, self.limits_at) = (Some(Limits { cvl, ccl, dcl }), at);
                }
            }
            Some(Message::StateOfCharge(m)) => b.soc = m,
            Some(Message::Measurements(m)) => b.measurements = m,
            Some(Message::Cells(m)) => b.cells = m,
            Some(Message::BatteryIdentity(m)) => b.identity = m,
            Some(Message::Alarms(m)) => b.alarms = m,
            Some(Message::MinCellVoltageId(text)) => b.cell_ids[0] = text,
            Some(Message::MaxCellVoltageId(text)) => b.cell_ids[1] = text,
            Some(Message::MinCellTemperatureId(text)) => b.cell_ids[2] = text,
            Some(Message::MaxCellTemperatureId(text)) => b.cell_ids[3] = text,
            Some(Message::Modules(m)) => {
                let count = |count: Option<u16>| count.unwrap_or_default();
                b.modules = GxModules {
                    offline: count(m.offline()),
                    online: count(m.ok()),
                    blocking_charge: count(m.blocking_charge()),
                    blocking_discharge: count(m.blocking_discharge()),
                };
            }
            Some(Message::ForceCharge(m)) => b.forced = m.forced().unwrap_or(false),
            _ => {}
        }
    }

    /// The 1 s timer: smooth; every third time, new setpoints.
    pub(crate) fn tick(&mut self, at: Micros, seen: &Seen) {
        let [inverter, solar] = self.keep;
        self.inverter_current = seen.inverter + (self.inverter_current - seen.inverter) * inverter;
        self.solar_current = seen.solar + (self.solar_current - seen.solar) * solar;
        self.watch_soc();
        self.ticks += 1;
        if !self.ticks.is_multiple_of(TICKS) || self.stale(at) {
            return;
        }
        let Some(limits) = self.limits else { return };
        let told = self.settings.charge_voltage.map_or(limits.cvl, |user| limits.cvl.min(user));
        let feed_in = self.settings.feed_in && seen.mains;
        let offset = if feed_in { self.settings.solar_offset } else { Volts::ZERO };
        self.setpoints = Some(dvcc::setpoints(
            &limits,
            &self.settings,
            &Devices {
                mains: seen.mains,
                hub: Some(told + offset),
                readback: self.readback,
                charge_stage: false,
                inverter_current: Amps(self.inverter_current),
                solar_current: Amps(self.solar_current),
                solar_rating: seen.solar_rating,
            },
        ));
        self.readback = told;
    }

    fn watch_soc(&mut self) {
        let Some(soc) = self.battery.soc.finest_soc() else { return };
        let low = self.minimum_soc;
        self.spare = soc.0 <= low || (self.spare && soc.0 < low + self.p.minimum_soc_release.0);
        self.recharge = soc.0 <= low - self.p.recharge_below.0 || (self.recharge && soc.0 < low);
    }

    fn stale(&self, at: Micros) -> bool {
        at.since(self.limits_at) > self.p.limits_timeout
    }

    /// What the inverter is told now. Before the first setpoints it carries on with the loads and neither charges
    /// nor exports: the GX starts into a system that works.
    pub(crate) fn inverter(&self, at: Micros, battery: bool) -> InverterOrders {
        let s = self.setpoints;
        let recharge = match (self.battery.forced, self.recharge) {
            (true, _) => f64::INFINITY,
            (false, true) => self.p.recharge_power.0,
            (false, false) => 0.0,
        };
        InverterOrders {
            enabled: battery && !self.stale(at),
            volts: s.map_or(f64::INFINITY, |s| s.inverter_voltage.0),
            charge: s.map_or(0.0, |s| s.inverter_charge.0),
            discharge: s.map_or(f64::INFINITY, |s| s.discharge.0),
            spare: self.spare,
            feed_in: s.is_some_and(|s| s.feed_in),
            setpoint: self.grid_setpoint,
            recharge,
        }
    }

    /// What the solar charger is told now.
    pub(crate) fn solar(&self, at: Micros, battery: bool) -> SolarOrders {
        SolarOrders {
            enabled: battery && !self.stale(at) && self.setpoints.is_some(),
            volts: self.setpoints.map_or(0.0, |s| s.solar_voltage.0),
            amps: self.setpoints.map_or(0.0, |s| s.solar_current.0),
        }
    }

    /// When it sends next.
    pub(crate) fn next_frame_at(&self) -> Micros {
        self.next_frame
    }

    /// 0x305, and 10 ms later 0x307, every second (P 3).
    pub(crate) fn send(&mut self) -> Frame {
        const GAP: Micros = Micros::from_millis(10);
        self.identify = !self.identify;
        if self.identify {
            self.next_frame += GAP;
            Frame::standard(id::KEEP_ALIVE, Payload::KEEP_ALIVE.as_bytes())
        } else {
            self.next_frame += Micros(1_000_000 - GAP.0);
            Frame::standard(id::INVERTER_IDENTITY, Payload::VICTRON.as_bytes())
        }
    }

    /// Whether a frame has the id of one that only the GX sends.
    pub(crate) fn owns(frame: &Frame) -> bool {
        matches!(frame.id(), CanId::Standard(id::KEEP_ALIVE | id::INVERTER_IDENTITY))
    }

    pub(crate) fn set_feed_in(&mut self, on: bool) {
        self.settings.feed_in = on;
    }

    pub(crate) fn set_charge_current(&mut self, limit: Option<Amps>) {
        self.settings.charge_current = limit;
    }

    pub(crate) fn set_charge_voltage(&mut self, limit: Option<Volts>) {
        self.settings.charge_voltage = limit;
    }

    pub(crate) fn set_grid_setpoint(&mut self, watts: Watts) {
        self.grid_setpoint = watts.0;
    }

    pub(crate) fn set_minimum_soc(&mut self, soc: Percent) {
        self.minimum_soc = soc.0;
    }

    /// Register 2707.
    pub(crate) fn feed_in(&self) -> bool {
        self.settings.feed_in
    }

    /// The battery's own unit, or nothing once the battery has been silent for too long. A value that the battery
    /// does not send reads 0, as on the gateway.
    pub(crate) fn battery(&self, at: Micros) -> Option<GxBattery> {
        if at.since(self.heard_at?) > self.p.battery_timeout {
            return None;
        }
        let b = &self.battery;
        let to = |value: f64, scale: f64| round(value, scale);
        Some(GxBattery {
            voltage: Volts(to(b.measurements.voltage().unwrap_or_default().0, 100.0)),
            current: Amps(to(b.measurements.current().unwrap_or_default().0, 10.0)),
            temperature: Celsius(to(b.measurements.temperature().unwrap_or_default().0, 10.0)),
            soc: Percent(to(b.soc.finest_soc().unwrap_or_default().0, 10.0)),
            soh: Percent(to(b.soc.soh().unwrap_or_default().0, 10.0)),
            cvl: Volts(to(b.limits.cvl().unwrap_or_default().0, 10.0)),
            ccl: Amps(to(b.limits.ccl().unwrap_or_default().0, 10.0)),
            dcl: Amps(to(b.limits.dcl().unwrap_or_default().0, 10.0)),
            capacity: AmpHours(to(b.identity.online_capacity().unwrap_or_default().0, 10.0)),
            min_cell: Volts(to(b.cells.min_cell().unwrap_or_default().0, 100.0)),
            max_cell: Volts(to(b.cells.max_cell().unwrap_or_default().0, 100.0)),
            min_cell_temperature: Celsius(to(b.cells.min_temperature().unwrap_or_default().0, 10.0)),
            max_cell_temperature: Celsius(to(b.cells.max_temperature().unwrap_or_default().0, 10.0)),
            cell_ids: b.cell_ids,
            modules: b.modules,
            alarms: b.alarms.active_alarms().fold(0, |bits, kind| bits | 1 << kind as u16),
            warnings: b.alarms.active_warnings().fold(0, |bits, kind| bits | 1 << kind as u16),
        })
    }
}
