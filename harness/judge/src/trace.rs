//! The trace of a case: every measured quantity over time, and what happened meanwhile.

use proto::quantity::Micros;
use proto::stimulus::Stimulus;

/// A measured quantity that the judge can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(usize)]
pub enum Channel {
    /// 0x351: charge voltage limit, V
    Cvl,
    /// 0x351: charge current limit, A
    Ccl,
    /// 0x351: discharge current limit, A
    Dcl,
    /// 0x355: state of charge, % (high resolution where sent)
    Soc,
    /// 0x356: battery voltage, V
    PackVoltage,
    /// 0x356: battery current, A, positive when charging
    PackCurrent,
    /// 0x356: battery temperature, °C
    Temperature,
    /// 0x373: lowest cell, V
    MinCell,
    /// 0x373: highest cell, V
    MaxCell,
    /// PSU: measured output power, W
    PsuPower,
    /// PSU: power it would give if the charger took it all, W
    PvAvailable,
    /// GX: power the solar charger takes from PV, W
    PvPower,
    /// GX: grid power, W, negative when it exports
    GridPower,
    /// GX: AC loads, W
    AcLoads,
    /// GX: inverter's DC voltage, V: the DC bus
    BusVoltage,
    /// GX: inverter's DC current, A, positive when it charges
    InverterCurrent,
    /// GX: 1 while the inverter runs
    InverterRunning,
    /// GX: 1 while the AC input is connected
    GridConnected,
    /// GX: CVL as the GX shows it, V
    GxCvl,
    /// GX: CCL as the GX shows it, A
    GxCcl,
    /// GX: DCL as the GX shows it, A
    GxDcl,
    /// GX: state of charge as the GX shows it, %
    GxSoc,
    /// GX: battery voltage as the GX shows it, V
    GxPackVoltage,
    /// GX: battery current as the GX shows it, A
    GxPackCurrent,
    /// GX: 1 while the battery's own unit answers, 0 once the GX has lost it
    GxBattery,
    /// GX: alarms shown, one bit each in the order of 0x35A
    GxAlarms,
    /// GX: what the solar charger gives to the DC bus, A
    SolarCurrent,
    /// GX: AC input current limit, A
    InputCurrentLimit,
    /// GX: 1 while excess DC-coupled PV is fed in
    FeedIn,
    /// GX: what the tracker of the solar charger does: 0 off, 1 held back by a limit, 2 tracking, 255 not available
    Tracker,
    /// 0x355: state of health, %
    Soh,
    /// 0x373: coldest cell, °C
    MinCellTemperature,
    /// 0x373: hottest cell, °C
    MaxCellTemperature,
    /// 0x35A: system status, 1 while the main switch is closed, 0 while it is open
    Online,
    /// 0x35A: active alarms, one bit each in the order of the table
    Alarms,
    /// 0x35A: active warnings, one bit each in the order of the table
    Warnings,
    /// 0x35F: online capacity, Ah
    Capacity,
    /// 0x372: modules that are OK
    ModulesOnline,
    /// 0x372: modules offline
    ModulesOffline,
    /// 0x372: modules blocking charge
    ModulesBlockingCharge,
    /// 0x372: modules blocking discharge
    ModulesBlockingDischarge,
    /// 0x374: which cell is the lowest, a number of [`crate::recording::Recording::text`]
    MinCellId,
    /// 0x375: which cell is the highest, as before
    MaxCellId,
    /// 0x376: which cell is the coldest, as before
    ColdestCellId,
    /// 0x377: which cell is the hottest, as before
    HottestCellId,
    /// GX: lowest cell as the GX shows it, V
    GxMinCell,
    /// GX: highest cell as the GX shows it, V
    GxMaxCell,
    /// GX: coldest cell as the GX shows it, °C
    GxMinCellTemperature,
    /// GX: hottest cell as the GX shows it, °C
    GxMaxCellTemperature,
    /// GX: online capacity as the GX shows it, Ah
    GxCapacity,
    /// GX: modules online
    GxModulesOnline,
    /// GX: modules offline
    GxModulesOffline,
    /// GX: modules blocking charge
    GxModulesBlockingCharge,
    /// GX: modules blocking discharge
    GxModulesBlockingDischarge,
    /// GX: which cell is the lowest, a number of [`crate::recording::Recording::text`]
    GxMinCellId,
    /// GX: which cell is the highest, as before
    GxMaxCellId,
    /// GX: which cell is the coldest, as before
    GxColdestCellId,
    /// GX: which cell is the hottest, as before
    GxHottestCellId,
    /// CAN interface of the harness: bit rate, kbit/s
    BitRate,
    /// CAN interface of the harness: 0 error-active, 1 error-warning, 2 error-passive, 3 bus-off
    BusState,
}

impl Channel {
    /// How many there are.
    pub const COUNT: usize = Self::BusState as usize + 1;

    /// Every channel.
    pub const ALL: [Self; Self::COUNT] = {
        let mut all = [Self::Cvl; Self::COUNT];
        let mut k = 0;
        while k < Self::COUNT {
            all[k] = NAMES[k].0;
            k += 1;
        }
        all
    };

    /// The channel in words, such as `the battery voltage`.
    #[must_use]
    pub fn words(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// The unit of its values; empty for flags and masks.
    #[must_use]
    pub fn unit(self) -> &'static str {
        NAMES[self as usize].2
    }
}

/// Each channel in words, with its unit, in the order of the channels.
#[rustfmt::skip]
const NAMES: [(Channel, &str, &str); Channel::COUNT] = [
    (Channel::Cvl, "CVL", "V"),
    (Channel::Ccl, "CCL", "A"),
    (Channel::Dcl, "DCL", "A"),
    (Channel::Soc, "the state of charge", "%"),
    (Channel::PackVoltage, "the battery voltage", "V"),
    (Channel::PackCurrent, "the battery current", "A"),
    (Channel::Temperature, "the battery temperature", "°C"),
    (Channel::MinCell, "the lowest cell", "V"),
    (Channel::MaxCell, "the highest cell", "V"),
    (Channel::PsuPower, "the power of the supply", "W"),
    (Channel::PvAvailable, "the available PV power", "W"),
    (Channel::PvPower, "the PV power", "W"),
    (Channel::GridPower, "the grid power", "W"),
    (Channel::AcLoads, "the AC loads", "W"),
    (Channel::BusVoltage, "the DC bus", "V"),
    (Channel::InverterCurrent, "the inverter's DC current", "A"),
    (Channel::InverterRunning, "the inverter", ""),
    (Channel::GridConnected, "the state of the AC input", ""),
    (Channel::GxCvl, "CVL on the GX", "V"),
    (Channel::GxCcl, "CCL on the GX", "A"),
    (Channel::GxDcl, "DCL on the GX", "A"),
    (Channel::GxSoc, "the state of charge on the GX", "%"),
    (Channel::GxPackVoltage, "the battery voltage on the GX", "V"),
    (Channel::GxPackCurrent, "the battery current on the GX", "A"),
    (Channel::GxBattery, "the battery on the GX", ""),
    (Channel::GxAlarms, "the alarms on the GX", ""),
    (Channel::SolarCurrent, "the solar charger's current", "A"),
    (Channel::InputCurrentLimit, "the input current limit", "A"),
    (Channel::FeedIn, "the feed-in setting", ""),
    (Channel::Tracker, "the mode of the tracker", ""),
    (Channel::Soh, "the state of health", "%"),
    (Channel::MinCellTemperature, "the coldest cell", "°C"),
    (Channel::MaxCellTemperature, "the hottest cell", "°C"),
    (Channel::Online, "the system status", ""),
    (Channel::Alarms, "the alarms", ""),
    (Channel::Warnings, "the warnings", ""),
    (Channel::Capacity, "the online capacity", "Ah"),
    (Channel::ModulesOnline, "the modules online", ""),
    (Channel::ModulesOffline, "the modules offline", ""),
    (Channel::ModulesBlockingCharge, "the modules blocking charge", ""),
    (Channel::ModulesBlockingDischarge, "the modules blocking discharge", ""),
    (Channel::MinCellId, "the name of the lowest cell", ""),
    (Channel::MaxCellId, "the name of the highest cell", ""),
    (Channel::ColdestCellId, "the name of the coldest cell", ""),
    (Channel::HottestCellId, "the name of the hottest cell", ""),
    (Channel::GxMinCell, "the lowest cell on the GX", "V"),
    (Channel::GxMaxCell, "the highest cell on the GX", "V"),
    (Channel::GxMinCellTemperature, "the coldest cell on the GX", "°C"),
    (Channel::GxMaxCellTemperature, "the hottest cell on the GX", "°C"),
    (Channel::GxCapacity, "the online capacity on the GX", "Ah"),
    (Channel::GxModulesOnline, "the modules online on the GX", ""),
    (Channel::GxModulesOffline, "the modules offline on the GX", ""),
    (Channel::GxModulesBlockingCharge, "the modules blocking charge on the GX", ""),
    (Channel::GxModulesBlockingDischarge, "the modules blocking discharge on the GX", ""),
    (Channel::GxMinCellId, "the name of the lowest cell on the GX", ""),
    (Channel::GxMaxCellId, "the name of the highest cell on the GX", ""),
    (Channel::GxColdestCellId, "the name of the coldest cell on the GX", ""),
    (Channel::GxHottestCellId, "the name of the hottest cell on the GX", ""),
    (Channel::BitRate, "the bit rate", "kbit/s"),
    (Channel::BusState, "the state of the CAN interface", ""),
];

/// What happened at a time, besides measured values.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// since the start of the case
    pub at: Micros,
    /// what happened
    pub kind: EventKind,
}

/// The kinds of event.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// A step of the suite began.
    Step {
        /// line of the suite file
        line: u32,
        /// the step in words, such as `hold 60 min`
        text: String,
    },
    /// The suite marked a moment.
    Mark(String),
    /// The harness changed the world.
    Stimulus(Stimulus),
    /// A `wait` or `expect` of the suite ended.
    Wait(WaitResult),
    /// A never-exceed limit tripped; the case ends here.
    Interlock {
        /// which quantity, in words
        what: String,
        /// its value, with unit
        value: String,
        /// its limit, with unit
        limit: String,
    },
    /// A driver failed; the case ends here.
    DriverFault(String),
    /// The last step was done.
    Completed,
    /// The case ended early, with the reason.
    Aborted(String),
    /// The case did not begin: the rig could not be opened, with the reason.
    NotBegun(String),
    /// An instrument that took part said who it is.
    Instrument {
        /// what it does here, such as `supply`
        what: String,
        /// what it said, such as its answer to `*IDN?`
        says: String,
    },
    /// What an instrument said at the end that is no fault by itself, such as why the GX does not answer.
    Trouble(String),
    /// The rig did not confirm that everything is off, with what it said: somebody must look.
    NotOff(String),
}

/// How a `wait` or an `expect` ended.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitResult {
    /// line of the suite file
    pub line: u32,
    /// the condition in words
    pub until: String,
    /// when it began
    pub began: Micros,
    /// whether the condition came true in time
    pub met: bool,
    /// what was seen at the end of what the condition asks about, such as `inverter off, PV power 0 W`
    pub seen: String,
    /// the time allowed
    pub allowed: Micros,
    /// for an `expect`: the requirement that fails when it is not met
    pub requirement: Option<&'static str>,
}

/// One channel over time: a point wherever the value changed. Between points the value holds.
#[derive(Debug, Clone, Default)]
pub struct Series {
    points: Vec<(Micros, f64)>,
    last_seen: Option<Micros>,
    silences: Vec<(Micros, Micros)>,
}

impl Series {
    /// Without a sample for longer than this the channel is silent: its last value is no evidence any more.
    pub const SILENCE: Micros = Micros::from_secs(10);

    /// Takes a sample; samples come in the order of time.
    #[expect(clippy::float_cmp, reason = "an equal sample is the same bits from the same wire value")]
    #[inline]
    pub fn push(&mut self, at: Micros, value: f64) {
        if let Some(last) = self.last_seen
            && at.since(last) > Self::SILENCE
        {
            self.silences.push((last, at));
        }
        self.last_seen = Some(at);
        if self.points.last().is_none_or(|&(_, v)| v != value) {
            self.points.push((at, value));
        }
    }

    /// The points at which the value changed.
    #[must_use]
    pub fn points(&self) -> &[(Micros, f64)] {
        &self.points
    }

    /// When the channel was last heard, changed or not.
    #[must_use]
    pub fn last_seen(&self) -> Option<Micros> {
        self.last_seen
    }

    /// Spans between two samples that were longer than [`Series::SILENCE`].
    #[must_use]
    pub fn silences(&self) -> &[(Micros, Micros)] {
        &self.silences
    }

    /// The latest value.
    #[must_use]
    pub fn last(&self) -> Option<f64> {
        self.points.last().map(|&(_, value)| value)
    }

    /// The value that holds at a time, nothing before the first sample.
    #[must_use]
    pub fn at(&self, at: Micros) -> Option<f64> {
        let after = self.points.partition_point(|&(t, _)| t <= at);
        after.checked_sub(1).map(|i| self.points[i].1)
    }
}

/// Everything that is known of a case after it ran.
#[derive(Debug, Clone)]
pub struct Trace {
    series: [Series; Channel::COUNT],
    /// in the order of time
    pub events: Vec<Event>,
}

impl Default for Trace {
    fn default() -> Self {
        Self { series: core::array::from_fn(|_| Series::default()), events: Vec::new() }
    }
}

impl Trace {
    /// One channel.
    #[must_use]
    pub fn series(&self, channel: Channel) -> &Series {
        &self.series[channel as usize]
    }

    /// Takes a sample of a channel.
    #[inline]
    pub fn push(&mut self, channel: Channel, at: Micros, value: f64) {
        self.series[channel as usize].push(at, value);
    }

    /// Notes what happened.
    pub fn note(&mut self, at: Micros, kind: EventKind) {
        self.events.push(Event { at, kind });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_the_channels() {
        for (k, &(channel, words, _)) in NAMES.iter().enumerate() {
            assert_eq!(channel as usize, k, "{words}");
            assert_eq!(Channel::ALL[k], channel);
        }
    }
}
