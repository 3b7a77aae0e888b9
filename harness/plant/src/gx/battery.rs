//! What the GX knows of the battery from its frames, and how it shows it.

use proto::channel::{Block, Channel, Instrument, Kind, Source};
use proto::gx::ALARMS;
use proto::message::{
    Alarms, BatteryIdentity, Cells, Energy, Limits, Measurements, Message, Pair, StateOfCharge, Text8,
};
use proto::samples::{Samples, Value};

use crate::display::round;
use crate::dvcc::{Limits as Used, Quirk, Reported};

/// The latest of each message that the GX acts on, and what its gateway shows of all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Battery {
    /// 0x35A was heard: *"the one used by the driver to recognize that there is battery connected"* (P 5.1)
    pub(crate) recognised: bool,
    pub(crate) limits: Limits,
    pub(crate) soc: StateOfCharge,
    pub(crate) energy: Energy,
    pub(crate) forced: bool,
    /// the make that it calls itself
    pub(crate) make: Option<Quirk>,
    manufacturer: Text8,
    name: Text8,
    measurements: Measurements,
    cells: Cells,
    identity: BatteryIdentity,
    alarms: Alarms,
    /// changes only with a message
    pub(crate) shown: Samples,
}

impl Default for Battery {
    /// What the battery does not send reads 0.
    fn default() -> Self {
        let mut shown = Samples::new(Instrument::Gx);
        let rows = Instrument::Gx.channels().iter().map(|channel| channel.row());
        for row in rows.filter(|row| row.source == Source::Gx(Block::Battery) && row.column.is_some()) {
            match row.kind {
                Kind::Text => shown.put(row.channel, Value::Text(Text8::default())),
                _ => shown.tell(row.channel, 0.0),
            }
        }
        Self {
            recognised: false,
            limits: Limits::default(),
            soc: StateOfCharge::default(),
            energy: Energy::default(),
            forced: false,
            make: None,
            manufacturer: Text8::default(),
            name: Text8::default(),
            measurements: Measurements::default(),
            cells: Cells::default(),
            identity: BatteryIdentity::default(),
            alarms: Alarms::default(),
            shown,
        }
    }
}

/// Takes the new one; whether it is another.
fn is_news<T: PartialEq>(of: &mut T, now: T) -> bool {
    let differs = *of != now;
    *of = now;
    differs
}

impl Battery {
    pub(crate) fn hear(&mut self, message: &Message) {
        match *message {
            Message::Limits(m) if is_news(&mut self.limits, m) => {
                self.show(Channel::GxCvl, m.cvl().map(|v| v.0), 10.0);
                self.show(Channel::GxCcl, m.ccl().map(|v| v.0), 10.0);
                self.show(Channel::GxDcl, m.dcl().map(|v| v.0), 10.0);
            }
            Message::StateOfCharge(m) if is_news(&mut self.soc, m) => {
                self.show(Channel::GxSoc, m.finest_soc().map(|v| v.0), 10.0);
                self.show(Channel::GxSoh, m.soh().map(|v| v.0), 10.0);
            }
            Message::Measurements(m) if is_news(&mut self.measurements, m) => {
                self.show(Channel::GxPackVoltage, m.voltage().map(|v| v.0), 100.0);
                self.show(Channel::GxPackCurrent, m.current().map(|v| v.0), 10.0);
                self.show(Channel::GxTemperature, m.temperature().map(|v| v.0), 10.0);
            }
            Message::Cells(m) if is_news(&mut self.cells, m) => {
                self.show(Channel::GxMinCell, m.min_cell().map(|v| v.0), 100.0);
                self.show(Channel::GxMaxCell, m.max_cell().map(|v| v.0), 100.0);
                self.show(Channel::GxMinCellTemperature, m.min_temperature().map(|v| v.0), 10.0);
                self.show(Channel::GxMaxCellTemperature, m.max_temperature().map(|v| v.0), 10.0);
            }
            Message::BatteryIdentity(m) if is_news(&mut self.identity, m) => {
                self.show(Channel::GxCapacity, m.online_capacity().map(|v| v.0), 10.0);
            }
            Message::Alarms(m) => {
                self.recognised = true;
                if is_news(&mut self.alarms, m) {
                    let (alarms, warnings) = shown_alarms(&m);
                    self.shown.put(Channel::GxAlarms, Value::Word(alarms));
                    self.shown.put(Channel::GxWarnings, Value::Word(warnings));
                }
            }
            Message::MinCellVoltageId(text) => self.name(Channel::GxMinCellId, text),
            Message::MaxCellVoltageId(text) => self.name(Channel::GxMaxCellId, text),
            Message::MinCellTemperatureId(text) => self.name(Channel::GxColdestCellId, text),
            Message::MaxCellTemperatureId(text) => self.name(Channel::GxHottestCellId, text),
            Message::Modules(m) => {
                for (channel, count) in [
                    (Channel::GxModulesOffline, m.offline()),
                    (Channel::GxModulesOnline, m.ok()),
                    (Channel::GxModulesBlockingCharge, m.blocking_charge()),
                    (Channel::GxModulesBlockingDischarge, m.blocking_discharge()),
                ] {
                    self.shown.put(channel, Value::Word(count.unwrap_or_default()));
                }
            }
            Message::Energy(m) => self.energy = m,
            Message::Manufacturer(text) if is_news(&mut self.manufacturer, text) => self.find_make(),
            Message::NamePart1(text) if is_news(&mut self.name, text) => self.find_make(),
            Message::ForceCharge(m) => self.forced = m.forced().unwrap_or(false),
            _ => {}
        }
    }

    fn show(&mut self, channel: Channel, value: Option<f64>, scale: f64) {
        self.shown.tell(channel, round(value.unwrap_or_default(), scale));
    }

    fn find_make(&mut self) {
        self.make = Quirk::of(self.manufacturer.text(), self.name.text());
    }

    fn name(&mut self, channel: Channel, name: Text8) {
        self.shown.put(channel, Value::Text(Text8::padded(name.raw())));
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
}

/// What the alarm registers can show: one has none, and few know warnings.
fn shown_alarms(said: &Alarms) -> (u16, u16) {
    let (mut alarms, mut warnings) = (0, 0);
    for &(kind, register) in ALARMS {
        let bit = 1 << kind as u16;
        if said.alarm(kind) == Pair::Active {
            alarms |= bit;
        } else if register.warns() && said.warning(kind) == Pair::Active {
            warnings |= bit;
        }
    }
    (alarms, warnings)
}
