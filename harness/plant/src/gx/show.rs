//! What the registers of the gateway hold: every value that the simulated world has, 0 for the others, as the gateway
//! shows what is not available.

use proto::channel::{Block, Channel, Source};
use proto::gx::{
    ALARMS, Product, TOLD, battery as b, ess as e, grid as g, inverter as i, solar as s, system as y,
};
use proto::quantity::{Micros, Volts, WattHours};
use proto::samples::{Samples, Value};

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
    pub(crate) fn show(&self, at: Micros, said: &Samples, plant: &Plant, image: &mut Image) {
        let tells = |block| said.tells(Source::Gx(block));
        image.attend(Product::Battery, tells(Block::Battery));
        image.attend(Product::Inverter, tells(Block::Inverter));
        image.attend(Product::Solar, tells(Block::Solar));
        for product in [Product::System, Product::Ess, Product::Grid] {
            image.attend(product, tells(Block::System));
        }
        for &(channel, register) in TOLD {
            match said.get(channel) {
                Some(Value::Text(text)) => image.put_text(register, text.text()),
                Some(value) => image.put(register, value.number().unwrap_or_default()),
                None => {}
            }
        }
        if tells(Block::Battery) {
            self.show_battery(said, image);
        }
        if tells(Block::Inverter) {
            self.show_inverter(at, said, plant, image);
        }
        if tells(Block::Solar) {
            show_solar(said, plant, image);
        }
        if tells(Block::System) {
            self.show_system(said, image);
            show_grid(said, plant, image);
            self.show_settings(said, image);
        }
    }

    fn show_battery(&self, said: &Samples, image: &mut Image) {
        let power = number(said, Channel::GxPackVoltage) * number(said, Channel::GxPackCurrent);
        let kwh = |energy: Option<WattHours>| energy.map_or(0.0, |e| e.0 / 1000.0);
        for (register, value) in [
            (b::POWER_32, power),
            (b::POWER, power),
            (b::ENERGY_OUT, kwh(self.battery.energy.energy_out())),
            (b::ENERGY_IN, kwh(self.battery.energy.energy_in())),
            (b::LOW_VOLTAGE, self.battery.limits.discharge_voltage().map_or(0.0, |v| v.0)),
        ] {
            image.put(register, value);
        }
        for &(kind, register) in ALARMS {
            let bit = |of: Channel| number(said, of) as u16 >> kind as u16 & 1 == 1;
            let value = if bit(Channel::GxAlarms) { 2.0 } else { flag(bit(Channel::GxWarnings)) };
            image.put(register, value);
        }
    }

    fn show_inverter(&self, at: Micros, said: &Samples, plant: &Plant, image: &mut Image) {
        let allows = |limit: Option<proto::quantity::Amps>| flag(limit.is_some_and(|amps| amps.0 > 0.0));
        let (running, connected) = (said.is(Channel::InverterRunning), said.is(Channel::GridConnected));
        let stage =
            if self.charges(running, connected) { f64::from(self.stages.now.state() - 2) } else { 0.0 };
        for (register, value) in [
            (i::AC_IN_VOLTAGE, plant.mains.0),
            (i::AC_OUT_VOLTAGE, plant.output.0),
            (i::STATE, f64::from(self.state(running, connected))),
            (i::MODE, 3.0),
            (i::BMS_ALLOWS_CHARGE, allows(self.limits.map(|l| l.ccl))),
            (i::BMS_ALLOWS_DISCHARGE, allows(self.limits.map(|l| l.dcl))),
            (i::BMS_EXPECTED, 1.0),
            (i::BMS_ERROR, flag(self.stale(at))),
            (i::NO_OVERVOLTAGE_FEED_IN, flag(!self.settings.feed_in)),
            (i::CHARGE_STATE, stage),
        ] {
            image.put(register, value);
        }
    }

    /// Without the battery its values are those of the inverter, which was told the last state of charge: they go on
    /// looking plausible.
    fn show_system(&self, said: &Samples, image: &mut Image) {
        let pair = |volts, amps| said.number(volts).zip(said.number(amps));
        let own = pair(Channel::GxPackVoltage, Channel::GxPackCurrent);
        let (volts, amps) =
            own.or_else(|| pair(Channel::BusVoltage, Channel::InverterCurrent)).unwrap_or_default();
        let soc = self.battery.soc.finest_soc().map_or(0.0, |soc| soc.0);
        let pv = number(said, Channel::SolarVoltage) * number(said, Channel::SolarCurrent);
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
            (y::AC_LOADS_L1, number(said, Channel::AcLoads)),
            (y::GRID_L1, number(said, Channel::GridPower)),
            (y::ACTIVE_INPUT, if said.is(Channel::GridConnected) { 1.0 } else { 240.0 }),
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

    fn show_settings(&self, said: &Samples, image: &mut Image) {
        let ess = self.p.ess != Ess::None;
        // 10: without BatteryLife; 11: the same, below the minimum state of charge.
        let state = if self.spare { 11.0 } else { 10.0 };
        for (register, value) in [
            (e::GRID_SETPOINT, self.grid_setpoint),
            (e::USER_CHARGE_CURRENT, self.settings.charge_current.map_or(OFF, |a| a.0)),
            (e::FEED_IN_EXCESS, flag(said.is(Channel::FeedIn))),
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

fn show_solar(said: &Samples, plant: &Plant, image: &mut Image) {
    let off = number(said, Channel::Tracker) < 1.0;
    let power = number(said, Channel::PvPower);
    for (register, value) in [
        (s::MODE, 1.0),
        (s::STATE, if off { 0.0 } else { 252.0 }),
        (s::PV_CURRENT, plant.pv_current),
        (s::PV_POWER, power),
        (s::PV_POWER_32, power),
    ] {
        image.put(register, value);
    }
}

fn show_grid(said: &Samples, plant: &Plant, image: &mut Image) {
    let (volts, watts) = (plant.mains.0, number(said, Channel::GridPower));
    for (register, value) in [
        (g::POWER_L1, watts),
        (g::POWER_L1_32, watts),
        (g::VOLTAGE_L1, volts),
        (g::CURRENT_L1, if volts > 0.0 { watts / volts } else { 0.0 }),
    ] {
        image.put(register, value);
    }
}

/// A value, 0 where it is not told, as the gateway shows it.
fn number(said: &Samples, channel: Channel) -> f64 {
    said.number(channel).unwrap_or_default()
}

fn flag(on: bool) -> f64 {
    f64::from(u8::from(on))
}
