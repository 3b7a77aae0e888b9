//! What the GX knows of the battery from its frames, and how it shows it.

use proto::gx::ALARMS;
use proto::message::{
    Alarms, BatteryIdentity, Cells, Energy, Limits, Measurements, Message, Modules, StateOfCharge, Text8,
};
use proto::quantity::{AmpHours, Amps, Celsius, Percent, Volts};
use proto::reading::{GxBattery, GxModules};

use crate::display::round;
use crate::dvcc::{Limits as Used, Reported};

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
    pub(crate) fn reading(&self) -> GxBattery {
        let (m, c, s, l) = (&self.measurements, &self.cells, &self.soc, &self.limits);
        let to = |value: Option<f64>, scale: f64| round(value.unwrap_or_default(), scale);
        let count = |count: Option<u16>| count.unwrap_or_default();
        let (alarms, warnings) = self.alarms();
        GxBattery {
            voltage: Volts(to(m.voltage().map(|v| v.0), 100.0)),
            current: Amps(to(m.current().map(|v| v.0), 10.0)),
            temperature: Celsius(to(m.temperature().map(|v| v.0), 10.0)),
            soc: Percent(to(s.finest_soc().map(|v| v.0), 10.0)),
            soh: Percent(to(s.soh().map(|v| v.0), 10.0)),
            cvl: Volts(to(l.cvl().map(|v| v.0), 10.0)),
            ccl: Amps(to(l.ccl().map(|v| v.0), 10.0)),
            dcl: Amps(to(l.dcl().map(|v| v.0), 10.0)),
            capacity: AmpHours(to(self.identity.online_capacity().map(|v| v.0), 10.0)),
            min_cell: Volts(to(c.min_cell().map(|v| v.0), 100.0)),
            max_cell: Volts(to(c.max_cell().map(|v| v.0), 100.0)),
            min_cell_temperature: Celsius(to(c.min_temperature().map(|v| v.0), 10.0)),
            max_cell_temperature: Celsius(to(c.max_temperature().map(|v| v.0), 10.0)),
            cell_ids: self.cell_ids.map(|id| Text8::padded(id.raw())),
            modules: GxModules {
                offline: count(self.modules.offline()),
                online: count(self.modules.ok()),
                blocking_charge: count(self.modules.blocking_charge()),
                blocking_discharge: count(self.modules.blocking_discharge()),
            },
            alarms,
            warnings,
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
