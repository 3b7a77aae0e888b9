//! The limits of a rig as one table: what is limited, where its bound stands, who tells it, and how old that may be.

use judge::behaviour::tripped::{BUS_VOLTAGE, HIGHEST_CELL, PACK_VOLTAGE, SILENCE};
use proto::message::id;
use proto::quantity::{Micros, Volts};

use super::limits::RigLimits;
use crate::bench::Capability;

/// One value that one instrument tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Teller {
    Limits,
    PackVoltage,
    PackCurrent,
    PackTemperature,
    HighestCell,
    LowestCell,
    HottestCell,
    ColdestCell,
    Status,
    Gx,
    InverterVoltage,
    SolarVoltage,
    BusCurrent,
    SupplyVoltage,
    SupplyCurrent,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// a frame of the battery
    Frame(u16),
    /// a poll of the GX
    Gx,
    /// a reading of the supply
    Supply,
}

impl Teller {
    /// Each in the order of the variants, with where it comes from, and in words. What the GX repeats of the battery is
    /// no second instrument.
    pub(super) const ALL: [(Self, Origin, &'static str); 15] = [
        (Self::Limits, Origin::Frame(id::LIMITS), "battery, 0x351"),
        (Self::PackVoltage, Origin::Frame(id::MEASUREMENTS), "battery, 0x356"),
        (Self::PackCurrent, Origin::Frame(id::MEASUREMENTS), "battery, 0x356"),
        (Self::PackTemperature, Origin::Frame(id::MEASUREMENTS), "battery, 0x356"),
        (Self::HighestCell, Origin::Frame(id::CELLS), "battery, 0x373"),
        (Self::LowestCell, Origin::Frame(id::CELLS), "battery, 0x373"),
        (Self::HottestCell, Origin::Frame(id::CELLS), "battery, 0x373"),
        (Self::ColdestCell, Origin::Frame(id::CELLS), "battery, 0x373"),
        (Self::Status, Origin::Frame(id::ALARMS), "battery, 0x35A"),
        (Self::Gx, Origin::Gx, "GX"),
        (Self::InverterVoltage, Origin::Gx, "inverter"),
        (Self::SolarVoltage, Origin::Gx, "solar charger"),
        (Self::BusCurrent, Origin::Gx, "inverter and solar charger"),
        (Self::SupplyVoltage, Origin::Supply, "supply"),
        (Self::SupplyCurrent, Origin::Supply, "supply"),
    ];

    pub(super) const fn origin(self) -> Origin {
        Self::ALL[self as usize].1
    }

    pub(super) const fn words(self) -> &'static str {
        Self::ALL[self as usize].2
    }

    /// Whether it must be heard where these instruments are.
    pub(super) const fn is_expected(self, on: &Instruments) -> bool {
        match self {
            Self::Limits | Self::PackVoltage | Self::PackCurrent | Self::PackTemperature | Self::Status => {
                true
            }
            Self::HighestCell | Self::LowestCell | Self::HottestCell | Self::ColdestCell => on.cells,
            Self::Gx => on.gx,
            Self::InverterVoltage | Self::BusCurrent => on.inverter,
            Self::SolarVoltage => on.solar,
            Self::SupplyVoltage | Self::SupplyCurrent => on.supply.is_some(),
        }
    }
}

/// What there is to measure with, and what of the limits nothing has to tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Instruments {
    /// a GX that is polled
    pub gx: bool,
    /// an inverter that the GX knows
    pub inverter: bool,
    /// a solar charger that the GX knows
    pub solar: bool,
    /// a supply, with the voltage that it is set to
    pub supply: Option<Volts>,
    /// the battery sends 0x373, as far as its file says
    pub cells: bool,
    /// limits that the rig file gives up, `unwatched:`
    pub unwatched: Unwatched,
}

impl Instruments {
    /// Those of a rig that can do this, with a battery that sends everything. The voltage of its supply is not known.
    #[must_use]
    pub fn of(capabilities: &[Capability]) -> Self {
        let has = |capability| capabilities.contains(&capability);
        let gx = has(Capability::Gx);
        Self {
            gx,
            inverter: gx,
            solar: gx,
            supply: has(Capability::Pv).then_some(Volts::ZERO),
            cells: true,
            unwatched: Unwatched::default(),
        }
    }

    /// The limits that none of them can tell and that the rig file does not give up, by their names there.
    #[must_use]
    pub fn untold(&self) -> Vec<&'static str> {
        let rows = ROWS.iter().enumerate().filter(|&(index, row)| {
            let about = match row.tellers.first().map(|teller| teller.origin()) {
                // What is not there exceeds nothing.
                Some(Origin::Supply) => self.supply.is_some(),
                _ => row.name != GX_SILENCE,
            };
            about && !self.unwatched.has(index) && !row.everyone().any(|teller| teller.is_expected(self))
        });
        rows.map(|(_, row)| row.name).collect()
    }
}

/// Limits for which no instrument has to be fresh: `unwatched:` of a rig file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unwatched(u32);

impl Unwatched {
    /// The names that may be given up.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ROWS.iter().filter(|row| !matches!(row.bound, Heard)).map(|row| row.name)
    }

    /// From the names of limits.
    ///
    /// # Errors
    /// The name that is none.
    pub fn read<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, &'n str> {
        names.into_iter().try_fold(Self::default(), |Self(set), name| {
            let known = Self::names().find(|known| *known == name).ok_or(name)?;
            let index = ROWS.iter().position(|row| row.name == known).ok_or(name)?;
            Ok(Self(set | 1 << index))
        })
    }

    pub(super) const fn has(self, row: usize) -> bool {
        self.0 >> row & 1 == 1
    }
}

/// Where a value must stay.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    /// it only has to come
    Heard,
    /// at or below this
    AtMost(fn(&RigLimits) -> f64),
    /// at or above this
    AtLeast(fn(&RigLimits) -> f64),
    /// its negative at or below this
    AtMostReversed(fn(&RigLimits) -> f64),
}

/// One limit.
#[derive(Debug)]
pub(super) struct Row {
    /// its name in a rig file
    pub(super) name: &'static str,
    /// what exceeds it
    pub(super) what: &'static str,
    /// what lasts too long when nobody tells it
    pub(super) unread: &'static str,
    pub(super) unit: &'static str,
    pub(super) bound: Bound,
    /// who tells it; each is held against it
    pub(super) tellers: &'static [Teller],
    /// who is held against it while none of those tells the truth
    pub(super) stand_ins: &'static [Teller],
    /// how long nobody may tell it
    pub(super) age: fn(&RigLimits) -> Micros,
}

impl Row {
    pub(super) fn everyone(&self) -> impl Iterator<Item = Teller> {
        self.tellers.iter().chain(self.stand_ins).copied()
    }
}

const GX_SILENCE: &str = "gx-silence";

use Bound::{AtLeast, AtMost, AtMostReversed, Heard};
use Teller::{
    BusCurrent, ColdestCell, Gx, HighestCell, HottestCell, InverterVoltage, Limits, LowestCell, PackCurrent,
    PackTemperature, PackVoltage, SolarVoltage, SupplyCurrent, SupplyVoltage,
};

const TEMPERATURES: &[Teller] = &[PackTemperature, HottestCell, ColdestCell];
const BUS: &[Teller] = &[InverterVoltage, SolarVoltage];

/// How many there are.
pub(super) const ROW_COUNT: usize = 13;

/// Every limit. The silence of the battery and of the GX come first: they say more than the readings that stop with them.
#[rustfmt::skip]
pub(super) const ROWS: [Row; ROW_COUNT] = [
    Row { name: "can-silence", what: SILENCE, unread: SILENCE, unit: "",
          bound: Heard, tellers: &[Limits], stand_ins: &[], age: |l| l.can_silence },
    Row { name: GX_SILENCE, what: "time without an answer of the GX", unread: "time without an answer of the GX", unit: "",
          bound: Heard, tellers: &[Gx], stand_ins: &[], age: |l| l.gx_silence },
    Row { name: "pack-voltage-max", what: PACK_VOLTAGE, unread: "time without a pack voltage", unit: "V",
          bound: AtMost(|l| l.pack_voltage_max.0), tellers: &[PackVoltage], stand_ins: BUS, age: RigLimits::measurements_age },
    Row { name: "pack-voltage-min", what: PACK_VOLTAGE, unread: "time without a pack voltage", unit: "V",
          bound: AtLeast(|l| l.pack_voltage_min.0), tellers: &[PackVoltage], stand_ins: BUS, age: RigLimits::measurements_age },
    Row { name: "charge-current-max", what: "charge current", unread: "time without a current", unit: "A",
          bound: AtMost(|l| l.charge_current_max.0), tellers: &[PackCurrent], stand_ins: &[BusCurrent], age: RigLimits::measurements_age },
    Row { name: "discharge-current-max", what: "discharge current", unread: "time without a current", unit: "A",
          bound: AtMostReversed(|l| l.discharge_current_max.0), tellers: &[PackCurrent], stand_ins: &[BusCurrent], age: RigLimits::measurements_age },
    Row { name: "temperature-max", what: "temperature", unread: "time without a temperature", unit: "°C",
          bound: AtMost(|l| l.temperature_max.0), tellers: TEMPERATURES, stand_ins: &[], age: RigLimits::measurements_age },
    Row { name: "temperature-min", what: "temperature", unread: "time without a temperature", unit: "°C",
          bound: AtLeast(|l| l.temperature_min.0), tellers: TEMPERATURES, stand_ins: &[], age: RigLimits::measurements_age },
    Row { name: "cell-voltage-max", what: HIGHEST_CELL, unread: "time without a highest cell", unit: "V",
          bound: AtMost(|l| l.cell_voltage_max.0), tellers: &[HighestCell], stand_ins: &[], age: RigLimits::cells_age },
    Row { name: "cell-voltage-min", what: "lowest cell", unread: "time without a lowest cell", unit: "V",
          bound: AtLeast(|l| l.cell_voltage_min.0), tellers: &[LowestCell], stand_ins: &[], age: RigLimits::cells_age },
    Row { name: "bus-voltage-max", what: BUS_VOLTAGE, unread: "time without a DC voltage at the inverter", unit: "V",
          bound: AtMost(|l| l.bus_voltage_max.0), tellers: &[InverterVoltage], stand_ins: &[SolarVoltage], age: |l| l.gx_silence },
    Row { name: "psu-voltage-max", what: "output voltage of the supply", unread: "time without a voltage of the supply", unit: "V",
          bound: AtMost(|l| l.psu_voltage_max.0), tellers: &[SupplyVoltage], stand_ins: &[], age: RigLimits::psu_age },
    Row { name: "psu-current-max", what: "output current of the supply", unread: "time without a current of the supply", unit: "A",
          bound: AtMost(|l| l.psu_current_max.0), tellers: &[SupplyCurrent], stand_ins: &[], age: RigLimits::psu_age },
];
