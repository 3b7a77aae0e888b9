//! What is declared about a battery: the data sheet the judge holds the measured values against.

use crate::thresholds::fixed::{CVL_STEP, TELLING, UP_TO_12_V, UP_TO_24_V};
use proto::chemistry::Chemistry;
use proto::quantity::{AmpHours, Amps, Celsius, Volts, Watts};

/// Declared facts of a battery, from its file in `rigs/batteries/`.
#[derive(Debug, Clone, PartialEq)]
pub struct Battery {
    /// file name without ending, such as `reference`
    pub name: String,
    /// cells in series
    pub cells: u16,
    /// installed capacity
    pub capacity: AmpHours,
    /// highest charge voltage limit it may ever send
    pub max_charge_voltage: Volts,
    /// lowest pack voltage it is allowed to reach
    pub min_voltage: Volts,
    /// cell voltage at which the BMS itself disconnects
    pub cell_over_voltage: Volts,
    /// cell voltage at which the BMS itself forbids discharge
    pub cell_under_voltage: Volts,
    /// largest charge current it declares
    pub max_charge_current: Amps,
    /// largest discharge current it declares
    pub max_discharge_current: Amps,
    /// highest cell temperature
    pub max_temperature: Celsius,
}

impl Battery {
    /// The system that it is for: 12, 24 or 48 V, by its highest charge voltage.
    #[must_use]
    pub fn system_voltage(&self) -> Volts {
        match self.max_charge_voltage {
            v if v <= UP_TO_12_V => Volts(12.0),
            v if v <= UP_TO_24_V => Volts(24.0),
            _ => Volts(48.0),
        }
    }

    /// What it is charged with where it is tried: what it declares, and no more than half of its capacity in an hour. The
    /// suites are written for a battery that declares just that.
    #[must_use]
    pub fn charge_power(&self) -> Watts {
        let half = Amps(self.capacity.0 / 2.0);
        self.max_charge_voltage * self.max_charge_current.min(half)
    }

    /// The least power that says something where this battery is tried: `least`, and less for one that takes little.
    #[must_use]
    pub fn telling(&self, least: Watts) -> Watts {
        least.min(self.charge_power() * TELLING)
    }

    /// Its system voltage as a share of 48 V, for which the document gives its numbers.
    #[must_use]
    pub fn share_of_48_v(&self) -> f64 {
        self.system_voltage() / Volts(48.0)
    }

    /// Scales volts of a 48 V system to the voltage of this one. The result is one step of 0x351 at least.
    #[must_use]
    pub fn of_system(&self, volts: Volts) -> Volts {
        (volts * self.share_of_48_v()).max(Volts(CVL_STEP))
    }
}

/// What a battery is made of, where no more is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cells {
    /// in series
    pub count: u16,
    /// what they are made of
    pub chemistry: Option<Chemistry>,
}

/// What the values of a log are held against.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// who sets them: `the battery file`, `16 cells of LFP`
    pub source: String,
    /// the same with what it does: `the battery declares`, `16 cells of LFP bear`
    pub says: String,
    /// cells in series
    pub cells: u16,
    /// of CVL
    pub max_charge_voltage: Volts,
    /// of the pack
    pub min_voltage: Volts,
    /// where the management system disconnects a cell
    pub cell_over_voltage: Volts,
    /// installed capacity, where it is known
    pub capacity: Option<AmpHours>,
    /// the larger of what it is charged and discharged with, where it is known
    pub max_current: Option<Amps>,
}

impl From<&Battery> for Bounds {
    fn from(battery: &Battery) -> Self {
        Self {
            source: "the battery file".to_owned(),
            says: "the battery declares".to_owned(),
            cells: battery.cells,
            max_charge_voltage: battery.max_charge_voltage,
            min_voltage: battery.min_voltage,
            cell_over_voltage: battery.cell_over_voltage,
            capacity: Some(battery.capacity),
            max_current: Some(battery.max_charge_current.max(battery.max_discharge_current)),
        }
    }
}

/// As wide as the data sheets of all makers, of this chemistry or of any.
impl From<Cells> for Bounds {
    fn from(Cells { count, chemistry }: Cells) -> Self {
        let (usual, pack) = (Chemistry::usual(chemistry), |cell: f64| {
            Volts((cell * f64::from(count) * 100.0).round() / 100.0)
        });
        let source = match chemistry {
            Some(chemistry) => format!("{count} cells of {}", chemistry.name().to_ascii_uppercase()),
            None => format!("{count} cells of any chemistry"),
        };
        Self {
            says: format!("{source} bear"),
            source,
            cells: count,
            max_charge_voltage: pack(usual.charged[1]),
            min_voltage: pack(usual.empty[0]),
            cell_over_voltage: Volts(usual.over[1]),
            capacity: None,
            max_current: None,
        }
    }
}
