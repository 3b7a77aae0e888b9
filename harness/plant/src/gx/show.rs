//! What the registers of the gateway hold: every value that the simulated world has, 0 for the others, as the gateway
//! shows what is not available.

use proto::gx::{ALARMS, Product, battery as b, ess as e, grid as g, inverter as i, solar as s, system as y};
use proto::quantity::{Micros, Volts, WattHours};
use proto::reading::{GxBattery, GxInverter, GxReading, GxSolar, GxSystem};

use super::Gx;
use super::image::Image;
use crate::params::Ess;

/// What the gateway shows beside a reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plant {
    /// the AC input, 0 V without mains
    pub(crate) mains: Volts,
    /// the AC output, 0 V while it supplies nothing
    pub(crate) output: Volts,
    /// of the solar charger's PV side, A
    pub(crate) pv_current: f64,
}

/// A setting of −1 reads 65535.
const OFF: f64 = -1.0;

impl Gx {
    /// Brings the image up to date.
    pub(crate) fn show(&self, at: Micros, reading: &GxReading, plant: &Plant, image: &mut Image) {
        image.attend(Product::Battery, reading.battery.is_some());
        image.attend(Product::Inverter, reading.inverter.is_some());
        image.attend(Product::Solar, reading.solar.is_some());
        for product in [Product::System, Product::Ess, Product::Grid] {
            image.attend(product, reading.system.is_some());
        }
        if let Some(battery) = &reading.battery {
            self.show_battery(battery, image);
        }
        if let Some(inverter) = &reading.inverter {
            self.show_inverter(at, inverter, plant, reading.system.is_some_and(|s| s.grid_connected), image);
        }
        if let Some(solar) = &reading.solar {
            show_solar(solar, plant, image);
        }
        if let Some(system) = &reading.system {
            self.show_system(system, reading, image);
            show_grid(system, plant, image);
            self.show_settings(system, image);
        }
    }

    fn show_battery(&self, shown: &GxBattery, image: &mut Image) {
        let power = (shown.voltage * shown.current).0;
        let kwh = |energy: Option<WattHours>| energy.map_or(0.0, |e| e.0 / 1000.0);
        let m = &shown.modules;
        for (register, value) in [
            (b::POWER_32, power),
            (b::POWER, power),
            (b::VOLTAGE, shown.voltage.0),
            (b::CURRENT, shown.current.0),
            (b::TEMPERATURE, shown.temperature.0),
            (b::SOC, shown.soc.0),
            (b::SOH, shown.soh.0),
            (b::ENERGY_OUT, kwh(self.battery.energy.energy_out())),
            (b::ENERGY_IN, kwh(self.battery.energy.energy_in())),
            (b::CVL, shown.cvl.0),
            (b::LOW_VOLTAGE, self.battery.limits.discharge_voltage().map_or(0.0, |v| v.0)),
            (b::CCL, shown.ccl.0),
            (b::DCL, shown.dcl.0),
            (b::CAPACITY, shown.capacity.0),
            (b::MIN_CELL_TEMPERATURE, shown.min_cell_temperature.0),
            (b::MAX_CELL_TEMPERATURE, shown.max_cell_temperature.0),
            (b::MIN_CELL_VOLTAGE, shown.min_cell.0),
            (b::MAX_CELL_VOLTAGE, shown.max_cell.0),
            (b::MODULES_OFFLINE, f64::from(m.offline)),
            (b::MODULES_ONLINE, f64::from(m.online)),
            (b::MODULES_BLOCKING_CHARGE, f64::from(m.blocking_charge)),
            (b::MODULES_BLOCKING_DISCHARGE, f64::from(m.blocking_discharge)),
        ] {
            image.put(register, value);
        }
        for &(kind, register) in ALARMS {
            let bit = |bits: u16| bits >> kind as u16 & 1 == 1;
            let value = if bit(shown.alarms) { 2.0 } else { f64::from(u8::from(bit(shown.warnings))) };
            image.put(register, value);
        }
        let ids = [
            b::MIN_VOLTAGE_CELL_ID,
            b::MAX_VOLTAGE_CELL_ID,
            b::MIN_TEMPERATURE_CELL_ID,
            b::MAX_TEMPERATURE_CELL_ID,
        ];
        for (register, text) in ids.into_iter().zip(&shown.cell_ids) {
            image.put_text(register, text.text());
        }
    }

    fn show_inverter(
        &self,
        at: Micros,
        shown: &GxInverter,
        plant: &Plant,
        connected: bool,
        image: &mut Image,
    ) {
        let allows = |limit: Option<proto::quantity::Amps>| flag(limit.is_some_and(|amps| amps.0 > 0.0));
        for (register, value) in [
            (i::AC_IN_VOLTAGE, plant.mains.0),
            (i::AC_IN_POWER, shown.ac_in.0),
            (i::AC_OUT_VOLTAGE, plant.output.0),
            (i::INPUT_CURRENT_LIMIT, shown.input_current_limit.0),
            (i::AC_OUT_POWER, shown.ac_out.0),
            (i::DC_VOLTAGE, shown.dc_voltage.0),
            (i::DC_CURRENT, shown.dc_current.0),
            (i::STATE, f64::from(self.state(shown.running, connected))),
            (i::MODE, 3.0),
            (i::BMS_ALLOWS_CHARGE, allows(self.limits.map(|l| l.ccl))),
            (i::BMS_ALLOWS_DISCHARGE, allows(self.limits.map(|l| l.dcl))),
            (i::BMS_EXPECTED, 1.0),
            (i::BMS_ERROR, flag(self.stale(at))),
            (i::NO_OVERVOLTAGE_FEED_IN, flag(!self.settings.feed_in)),
            (
                i::CHARGE_STATE,
                if self.charges(shown.running, connected) {
                    f64::from(self.stages.now.state() - 2)
                } else {
                    0.0
                },
            ),
        ] {
            image.put(register, value);
        }
    }

    /// Without the battery its values are those of the inverter, which was told the last state of charge: they go on
    /// looking plausible.
    fn show_system(&self, system: &GxSystem, reading: &GxReading, image: &mut Image) {
        let own = reading.battery.map(|b| (b.voltage.0, b.current.0));
        let of_inverter = reading.inverter.map(|i| (i.dc_voltage.0, i.dc_current.0));
        let (volts, amps) = own.or(of_inverter).unwrap_or_default();
        let soc = self.battery.soc.finest_soc().map_or(0.0, |soc| soc.0);
        let pv = reading.solar.map_or(0.0, |s| (s.battery_voltage * s.battery_current).0);
        // Venus OS calls a battery idle within 30 W.
        let power = volts * amps;
        let state = if power > 30.0 {
            1.0
        } else if power < -30.0 {
            2.0
        } else {
            0.0
        };
        for (register, value) in [
            (y::AC_LOADS_L1, system.ac_loads.0),
            (y::AC_LOADS_L1_32, system.ac_loads.0),
            (y::GRID_L1, system.grid.0),
            (y::GRID_L1_32, system.grid.0),
            (y::ACTIVE_INPUT, if system.grid_connected { 1.0 } else { 240.0 }),
            (y::BATTERY_VOLTAGE, volts),
            (y::BATTERY_CURRENT, amps),
            (y::BATTERY_POWER, power),
            (y::BATTERY_SOC, soc),
            (y::BATTERY_STATE, state),
            (y::PV_POWER, pv),
        ] {
            image.put(register, value);
        }
        // A real one has the address of its network card there.
        image.put_text(y::SERIAL, b"SIMULATED GX");
    }

    fn charges(&self, running: bool, connected: bool) -> bool {
        running && connected && self.p.ess != Ess::ExternalControl
    }

    /// Register 31.
    fn state(&self, running: bool, connected: bool) -> u16 {
        const PASSTHRU: u16 = 8;
        const INVERTING: u16 = 9;
        const EXTERNAL_CONTROL: u16 = 252;
        match (running, connected) {
            (false, false) => 0,
            (false, true) => PASSTHRU,
            (true, false) => INVERTING,
            (true, true) if self.p.ess == Ess::ExternalControl => EXTERNAL_CONTROL,
            (true, true) => self.stages.now.state(),
        }
    }

    fn show_settings(&self, system: &GxSystem, image: &mut Image) {
        let ess = self.p.ess != Ess::None;
        // 10: without BatteryLife; 11: the same, below the minimum state of charge.
        let state = if self.spare { 11.0 } else { 10.0 };
        for (register, value) in [
            (e::GRID_SETPOINT, self.grid_setpoint),
            (e::USER_CHARGE_CURRENT, self.settings.charge_current.map_or(OFF, |a| a.0)),
            (e::FEED_IN_EXCESS, flag(system.feed_in)),
            (e::USER_CHARGE_VOLTAGE, self.settings.charge_voltage.map_or(0.0, |v| v.0)),
            (e::STATE, if ess { state } else { 0.0 }),
            (e::MIN_SOC, self.minimum_soc),
            (e::MODE, if ess { 1.0 } else { 3.0 }),
        ] {
            image.put(register, value);
        }
        // Raw −1, whatever the scale.
        for register in [e::MAX_DISCHARGE, e::MAX_FEED_IN] {
            image.put(register, OFF * register.scale.factor());
        }
    }
}

fn show_solar(shown: &GxSolar, plant: &Plant, image: &mut Image) {
    let off = shown.tracker == 0;
    for (register, value) in [
        (s::BATTERY_VOLTAGE, shown.battery_voltage.0),
        (s::BATTERY_CURRENT, shown.battery_current.0),
        (s::MODE, 1.0),
        (s::STATE, if off { 0.0 } else { 252.0 }),
        (s::PV_VOLTAGE, shown.pv_voltage.0),
        (s::PV_CURRENT, plant.pv_current),
        (s::PV_POWER, shown.pv_power.0),
        (s::TRACKER, f64::from(shown.tracker)),
        (s::PV_POWER_32, shown.pv_power.0),
    ] {
        image.put(register, value);
    }
}

fn show_grid(system: &GxSystem, plant: &Plant, image: &mut Image) {
    let volts = plant.mains.0;
    for (register, value) in [
        (g::POWER_L1, system.grid.0),
        (g::POWER_L1_32, system.grid.0),
        (g::VOLTAGE_L1, volts),
        (g::CURRENT_L1, if volts > 0.0 { system.grid.0 / volts } else { 0.0 }),
    ] {
        image.put(register, value);
    }
}

fn flag(on: bool) -> f64 {
    f64::from(u8::from(on))
}
