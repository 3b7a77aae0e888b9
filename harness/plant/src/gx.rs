//! The GX: hears the battery, keeps it alive, orders inverter and solar charger about, and shows it all.

mod battery;
pub mod image;
pub(crate) mod params;
mod show;
mod stage;
#[cfg(test)]
mod tests;
pub(crate) mod writes;

use proto::channel::Instrument;
use proto::frame::{CanId, Frame};
use proto::message::{Message, Payload, id};
use proto::quantity::{Amps, Micros, Percent, Volts, Watts};
use proto::samples::Samples;

use crate::dvcc::{self, Charger, Corrector, Devices, Limits, Quirk, Setpoints, Settings, SolarLimit};
use crate::inverter::InverterOrders;
use crate::params::{Ess, GxParams};
use crate::solar::SolarOrders;
use battery::Battery;
pub(crate) use show::Plant;
use stage::Stages;

/// Outputs go out at every third tick of one second.
const TICKS: u64 = 3;
/// Venus OS smooths currents by taking in 2π/30 (inverter) and 2π/20 (solar) of each new value.
const TAKE_INVERTER: f64 = core::f64::consts::TAU / 30.0;
const TAKE_SOLAR: f64 = core::f64::consts::TAU / 20.0;

/// The GX device.
#[derive(Debug, Clone)]
pub(crate) struct Gx {
    p: GxParams,
    settings: Settings,
    grid_setpoint: f64,
    minimum_soc: f64,
    /// until then it reboots
    down_until: Micros,
    /// last 0x351, of whatever length
    heard_at: Option<Micros>,
    /// last 0x351 that the devices were told of
    limits_at: Micros,
    limits: Option<Limits>,
    battery: Battery,
    corrector: Corrector,
    devices: Option<Devices>,
    setpoints: Option<Setpoints>,
    /// its share of the limit of all solar chargers
    solar_amps: Amps,
    stages: Stages,
    /// the charge voltage that the inverter reports back: what it was told a tick ago
    readback: Volts,
    inverter_current: f64,
    solar_current: f64,
    ticks: u64,
    spare: bool,
    recharge: bool,
    next_frame: Micros,
    identify: bool,
}

/// What the GX reads from the other devices every second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) mains: bool,
    /// of the DC bus, V
    pub(crate) volts: f64,
    /// positive when the inverter charges, A
    pub(crate) inverter: f64,
    pub(crate) solar: f64,
    pub(crate) solar_rating: Amps,
}

impl Gx {
    /// `phase` of its frames within the second and `ticks` within the three seconds of its control differ from run
    /// to run, as those of two clocks do.
    pub(crate) fn new(p: &GxParams, feed_in: bool, phase: Micros, ticks: u64) -> Self {
        Self {
            settings: Settings { charge_current: None, charge_voltage: None, feed_in, stops_at_zero: false },
            grid_setpoint: p.grid_setpoint.0,
            minimum_soc: p.minimum_soc.0,
            p: p.clone(),
            down_until: Micros::ZERO,
            heard_at: None,
            limits_at: Micros::ZERO,
            limits: None,
            battery: Battery::default(),
            corrector: Corrector::default(),
            devices: None,
            setpoints: None,
            solar_amps: Amps::ZERO,
            stages: Stages::default(),
            readback: Volts::ZERO,
            inverter_current: 0.0,
            solar_current: 0.0,
            ticks,
            spare: false,
            recharge: false,
            next_frame: phase,
            identify: false,
        }
    }

    /// A frame of the battery arrived.
    pub(crate) fn hear(&mut self, at: Micros, frame: &Frame) {
        if self.is_down(at) {
            return;
        }
        let Some(message) = Message::decode(frame) else { return };
        if matches!(message, Message::Limits(_)) {
            if self.heard_at.is_some() && self.lost(at) {
                // The product vanished and comes back as a new one.
                self.battery = Battery::default();
            }
            self.heard_at = Some(at);
        }
        self.battery.hear(&message);
        if let Message::Limits(_) = message
            && let Some(limits) = self.battery.limits()
        {
            self.heed(at, limits);
        }
    }

    fn heed(&mut self, at: Micros, limits: Limits) {
        if self.limits.is_none() {
            // After a start nothing is told before the first control action.
            self.setpoints = None;
        }
        (self.limits, self.limits_at) = (Some(limits), at);
        if self.quirk().is_some_and(Quirk::is_quick)
            && let (Some(told), Some(devices)) = (&mut self.setpoints, &self.devices)
        {
            told.inverter_voltage = self.settings.bounded(limits.cvl);
            told.solar_voltage = dvcc::solar_voltage(limits.cvl, &self.settings, devices);
        }
    }

    fn quirk(&self) -> Option<Quirk> {
        self.p.quirk.quirk(self.battery.make)
    }

    /// The 1 s timer: smooth; every third time, new setpoints.
    pub(crate) fn tick(&mut self, at: Micros, seen: &Seen) {
        if self.is_down(at) {
            return;
        }
        // What the inverter draws beyond what the chargers can give would wind the filter up.
        let inverter = seen.inverter.max(-seen.solar_rating.0);
        self.inverter_current += (inverter - self.inverter_current) * TAKE_INVERTER;
        self.solar_current += (seen.solar - self.solar_current) * TAKE_SOLAR;
        self.watch_soc();
        self.ticks += 1;
        if !self.ticks.is_multiple_of(TICKS) || self.stale(at) {
            return;
        }
        let Some(limits) = self.limits else { return };
        self.control(at, limits, seen);
    }

    /// A control action.
    fn control(&mut self, at: Micros, limits: Limits, seen: &Seen) {
        let quirk = self.quirk();
        let limits = self.corrector.correct(quirk, &self.battery.reported(limits));
        let mains = seen.mains && self.p.ess != Ess::None;
        let told = self.settings.bounded(limits.cvl);
        let offset = if self.settings.feed_in && mains { self.p.hub_offset() } else { Volts::ZERO };
        self.stages.look(at, Volts(seen.volts), told, self.p.absorption);
        let devices = Devices {
            mains,
            hub: (self.p.ess != Ess::None).then_some(told + offset),
            readback: self.readback,
            charge_stage: self.p.ess == Ess::ChargeStages,
            inverter_current: Amps(self.inverter_current),
            solar_current: Amps(self.solar_current),
        };
        self.settings.stops_at_zero = quirk.is_some_and(Quirk::stops_at_zero);
        let setpoints = dvcc::setpoints(&limits, &self.settings, &devices);
        self.tell_chargers(setpoints.solar_limit, seen.solar_rating);
        (self.setpoints, self.devices) = (Some(setpoints), Some(devices));
        self.readback = told;
    }

    fn tell_chargers(&mut self, limit: SolarLimit, rating: Amps) {
        let charger = Charger { rating, current: Amps(self.solar_current) };
        dvcc::share(limit, &[charger], core::slice::from_mut(&mut self.solar_amps));
    }

    fn watch_soc(&mut self) {
        let Some(soc) = self.battery.soc.finest_soc() else { return };
        let low = self.minimum_soc;
        self.spare = soc.0 <= low || (self.spare && soc.0 < low + self.p.minimum_soc_release.0);
        self.recharge = soc.0 <= low - self.p.recharge_below.0 || (self.recharge && soc.0 < low);
    }

    /// The devices were not told of 0x351 for too long: they stop by themselves (P 1.4).
    fn stale(&self, at: Micros) -> bool {
        at.since(self.limits_at) > self.p.limits_timeout
    }

    /// The battery is gone from the GX, or never was there.
    fn lost(&self, at: Micros) -> bool {
        self.heard_at.is_none_or(|heard| at.since(heard) > self.p.battery_timeout)
    }

    /// It says nothing, hears nothing and controls nothing for a time, and has forgotten the battery and when its
    /// timer began. Settings are kept. The devices go on with what they were told until that is too old.
    pub(crate) fn reboot(&mut self, at: Micros, span: Micros) {
        self.down_until = self.down_until.max(at + span);
        (self.heard_at, self.limits, self.devices) = (None, None, None);
        (self.battery, self.corrector) = (Battery::default(), Corrector::default());
        (self.stages, self.ticks) = (Stages::default(), 0);
        (self.inverter_current, self.solar_current) = (0.0, 0.0);
        (self.spare, self.recharge) = (false, false);
        (self.next_frame, self.identify) = (self.down_until, false);
    }

    /// It runs from the DC bus, at `volts`, where nothing else feeds it: it dies with the bus, and boots when that is back.
    pub(crate) fn feed(&mut self, at: Micros, volts: f64, mains: bool) -> bool {
        let dies = !mains && volts < self.p.runs_from.0;
        if dies {
            self.reboot(at, self.p.boot);
        }
        dies
    }

    /// Whether it is rebooting.
    pub(crate) fn is_down(&self, at: Micros) -> bool {
        at < self.down_until
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

    /// What the solar charger is told now. Without a BMS it stops, or goes on at the voltage of an inverter that
    /// does not export.
    pub(crate) fn solar(&self, at: Micros, battery: bool) -> SolarOrders {
        let Some(s) = self.setpoints else { return SolarOrders { enabled: false, volts: 0.0, amps: 0.0 } };
        if !self.stale(at) {
            return SolarOrders { enabled: battery, volts: s.solar_voltage.0, amps: self.solar_amps.0 };
        }
        SolarOrders {
            enabled: battery && !self.p.chargers_expect_bms,
            volts: s.inverter_voltage.0,
            amps: f64::INFINITY,
        }
    }

    /// When it sends next.
    pub(crate) fn next_frame_at(&self) -> Micros {
        self.next_frame
    }

    /// 0x305, and 10 ms later 0x307, every second where nothing is wrong (P 3).
    pub(crate) fn send(&mut self) -> Frame {
        const GAP: Micros = Micros::from_millis(10);
        self.identify = !self.identify;
        if self.identify {
            self.next_frame += GAP;
            // Seven more bytes, all zero.
            Frame::standard(id::KEEP_ALIVE, &[self.p.keep_alive_byte, 0, 0, 0, 0, 0, 0, 0])
        } else {
            self.next_frame += Micros(self.p.keep_alive.0.saturating_sub(GAP.0));
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

    /// What the battery's own unit tells: nothing while 0x35A was never heard or 0x351 has been silent for too long.
    pub(crate) fn battery(&self, at: Micros) -> Samples {
        if !self.battery.recognised || self.lost(at) {
            return Samples::new(Instrument::Gx);
        }
        let mut shown = self.battery.shown;
        self.p.misread(&mut shown);
        shown
    }
}
