//! What the GX knows of the battery from its frames, and how it shows it.

use proto::channel::Channel;
use proto::gx::ALARMS;
use proto::message::{
    Alarms, BatteryIdentity, Cells, Energy, Limits, Measurements, Message, Modules, StateOfCharge, Text8,
};
use proto::samples::{Samples, Value};

use crate::display::round;
use crate::dvcc::{Limits as Used, Reported};
use crate::params::GxParams;

/// The latest of each message.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Battery {
    /// 0x35A was heard: *"the one used by the driver to recognize that there is battery connected"* (P 5.1)
    pub(crate) recognised: bool,
    pub(crate) limits: Limits,
    pub(crate) soc: StateOfCharge,
    pub(crate) energy: Energy,
    pub(crate) forced: bool,
    pub(crate) manufacturer: Text8,
    pub(crate) name: Text8,
    measurements: Measurements,
    cells: Cells,
    identity: BatteryIdentity,
    alarms: Alarms,
    cell_ids: [Text8; 4],
    modules: Modules,
}

impl Battery {
    pub(crate) fn hear(&mut self, message: &Message) {
        match *message {
            Message::Limits(m) => self.limits = m,
            Message::StateOfCharge(m) => self.soc = m,
            Message::Measurements(m) => self.measurements = m,
            Message::Cells(m) => self.cells = m,
            Message::BatteryIdentity(m) => self.identity = m,
            Message::Alarms(m) => (self.alarms, self.recognised) = (m, true),
            Message::MinCellVoltageId(text) => self.cell_ids[0] = text,
            Message::MaxCellVoltageId(text) => self.cell_ids[1] = text,
            Message::MinCellTemperatureId(text) => self.cell_ids[2] = text,
            Message::MaxCellTemperatureId(text) => self.cell_ids[3] = text,
            Message::Modules(m) => self.modules = m,
            Message::Energy(m) => self.energy = m,
            Message::Manufacturer(text) => self.manufacturer = text,
            Message::NamePart1(text) => self.name = text,
            Message::ForceCharge(m) => self.forced = m.forced().unwrap_or(false),
            _ => {}
        }
    }

    /// The limits as sent; a frame too short to hold all three says nothing to act on.
    pub(crate) fn limits(&self) -> Option<Used> {
        Some(Used { cvl: self.limits.cvl()?, ccl: self.limits.ccl()?, dcl: self.limits.dcl()? })
    }

    /// What corrections by make look at.
    pub(crate) fn reported(&self, limits: Used) -> Reported {
        Reported {
            limits,
            capacity: self.identity.online_capacity(),
            voltage: self.measurements.voltage(),
            min_cell: self.cells.min_cell(),
            max_cell: self.cells.max_cell(),
        }
    }

    /// As the gateway shows it: a value that the battery does not send reads 0.
    pub(crate) fn tell(&self, p: &GxParams, to: &mut Samples) {
        let (m, c, s, l) = (&self.measurements, &self.cells, &self.soc, &self.limits);
        for (channel, value, scale) in [
            (Channel::GxPackVoltage, m.voltage().map(|v| v.0), 100.0),
            (Channel::GxPackCurrent, m.current().map(|v| v.0), 10.0),
            (Channel::GxTemperature, m.temperature().map(|v| v.0), 10.0),
            (Channel::GxSoc, s.finest_soc().map(|v| v.0), 10.0),
            (Channel::GxSoh, s.soh().map(|v| v.0), 10.0),
            (Channel::GxCvl, l.cvl().map(|v| v.0), 10.0),
            (Channel::GxCcl, l.ccl().map(|v| v.0), 10.0),
            (Channel::GxDcl, l.dcl().map(|v| v.0), 10.0),
            (Channel::GxCapacity, self.identity.online_capacity().map(|v| v.0), 10.0),
            (Channel::GxMinCell, c.min_cell().map(|v| v.0), 100.0),
            (Channel::GxMaxCell, c.max_cell().map(|v| v.0), 100.0),
            (Channel::GxMinCellTemperature, c.min_temperature().map(|v| v.0), 10.0),
            (Channel::GxMaxCellTemperature, c.max_temperature().map(|v| v.0), 10.0),
        ] {
            to.tell(channel, p.shown(channel, round(value.unwrap_or_default(), scale)));
        }
        let names =
            [Channel::GxMinCellId, Channel::GxMaxCellId, Channel::GxColdestCellId, Channel::GxHottestCellId];
        for (channel, name) in names.into_iter().zip(self.cell_ids) {
            to.put(channel, Value::Text(Text8::padded(name.raw())));
        }
        let (alarms, warnings) = self.alarms();
        let m = &self.modules;
        for (channel, word) in [
            (Channel::GxModulesOffline, m.offline().unwrap_or_default()),
            (Channel::GxModulesOnline, m.ok().unwrap_or_default()),
            (Channel::GxModulesBlockingCharge, m.blocking_charge().unwrap_or_default()),
            (Channel::GxModulesBlockingDischarge, m.blocking_discharge().unwrap_or_default()),
            (Channel::GxAlarms, alarms),
            (Channel::GxWarnings, warnings),
        ] {
            to.put(channel, Value::Word(word));
        }
    }

    /// What the alarm registers can show: one has none, and few know warnings.
    fn alarms(&self) -> (u16, u16) {
        let (mut alarms, mut warnings) = (0, 0);
        for &(kind, register) in ALARMS {
            let bit = 1 << kind as u16;
            if self.alarms.alarm(kind) == proto::message::Pair::Active {
                alarms |= bit;
            } else if register.warns() && self.alarms.warning(kind) == proto::message::Pair::Active {
                warnings |= bit;
            }
        }
        (alarms, warnings)
    }
}
