//! The limits of a rig as its file states them.

use proto::quantity::{Amps, Celsius, Micros, Volts, Watts};
use schemars::JsonSchema;
use serde::Deserialize;

/// The limits of a rig: `limits:` of its file. They protect the bench and the battery on it; they say nothing
/// about whether the battery behaves.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RigLimits {
    /// highest pack voltage as the battery measures it (0x356); what inverter and solar charger measure while a suite
    /// fakes that
    pub pack_voltage_max: Volts,
    /// lowest pack voltage, measured in the same way
    pub pack_voltage_min: Volts,
    /// highest cell (0x373)
    pub cell_voltage_max: Volts,
    /// lowest cell (0x373)
    pub cell_voltage_min: Volts,
    /// highest temperature (0x356, 0x373)
    pub temperature_max: Celsius,
    /// lowest temperature (0x356, 0x373)
    pub temperature_min: Celsius,
    /// largest charge current (0x356); the sum of inverter and solar charger while a suite fakes that
    pub charge_current_max: Amps,
    /// largest discharge current as a magnitude, measured in the same way
    pub discharge_current_max: Amps,
    /// highest DC voltage at the inverter (GX): it does not depend on what the battery says
    pub bus_voltage_max: Volts,
    /// highest output voltage of the supply
    pub psu_voltage_max: Volts,
    /// largest output current of the supply
    pub psu_current_max: Amps,
    /// largest PV power that a suite may ask for
    pub pv_power_max: Watts,
    /// largest AC load that a suite may ask for
    pub ac_load_max: Watts,
    /// largest AC input current limit that a suite may ask for
    pub input_current_limit_max: Amps,
    /// longest gap between two 0x351; longer than the 3 s of P 1.4, so that the battery is judged before the rig gives up
    pub can_silence: Micros,
    /// longest gap between two polls of the GX, and between two readings of its inverter and solar charger
    pub gx_silence: Micros,
    /// longest time without voltage, current or temperature of 0x356 while nothing else tells them; left out: 30 s, or
    /// twice `can-silence` where that is more
    #[serde(default)]
    pub measurements_silence: Option<Micros>,
    /// longest time without the cells of 0x373, which some batteries send once a minute; left out: 70 s, or twice
    /// `can-silence` where that is more
    #[serde(default)]
    pub cells_silence: Option<Micros>,
    /// longest time without a reading of the supply; left out: 10 s, or `gx-silence` where that is more
    #[serde(default)]
    pub psu_silence: Option<Micros>,
    /// how much more power the supply may measure at its terminals than it is set to, for longer than 10 s
    #[serde(default = "deviation")]
    pub psu_deviation_max: Watts,
    /// longest time that its output may be on without a break
    #[serde(default = "energised")]
    pub energised_max: Micros,
    /// how far and how long a suite may make readings untrue on which these limits rest
    #[serde(default)]
    pub faking: Faking,
}

/// What a suite may do to readings on which limits rest: `limits.faking` of a rig file. A suite that needs more is refused
/// on this rig before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Faking {
    /// longest time in which a suite may leave a limit without any instrument that tells it truly
    pub span: Micros,
    /// most that a cell may be made to read wrong; the reading itself may exceed its limit by no more
    pub cell_voltage: Volts,
    /// the same for the voltage of the pack
    pub pack_voltage: Volts,
    /// the same for its current
    pub current: Amps,
    /// the same for its temperatures, an open or a shorted sensor included
    pub temperature: Celsius,
}

/// Five minutes, and what the shipped suites need, with room for larger batteries.
impl Default for Faking {
    fn default() -> Self {
        Self {
            span: Micros::from_secs(300),
            cell_voltage: Volts(1.0),
            pack_voltage: Volts(10.0),
            current: Amps(1000.0),
            temperature: Celsius(100.0),
        }
    }
}

/// Assumption: the meters of a supply of 6 kW are within 2 % each, and its steps within 1 %.
const fn deviation() -> Watts {
    Watts(300.0)
}

/// Longer than any case of a night.
const fn energised() -> Micros {
    Micros::from_secs(24 * 3600)
}

impl RigLimits {
    /// Assumption: a battery sends 0x356 at least once in 10 s.
    const MEASUREMENTS: Micros = Micros::from_secs(30);
    /// Some batteries send 0x373 once a minute.
    const CELLS: Micros = Micros::from_secs(70);
    /// A supply is read once a second on most rigs.
    const SUPPLY: Micros = Micros::from_secs(10);

    /// Longest time without 0x356. A battery that falls silent altogether is told by 0x351 first.
    #[must_use]
    pub fn measurements_age(&self) -> Micros {
        self.measurements_silence.unwrap_or(Self::MEASUREMENTS.max(Micros(self.can_silence.0 * 2)))
    }

    /// Longest time without 0x373.
    #[must_use]
    pub fn cells_age(&self) -> Micros {
        self.cells_silence.unwrap_or(Self::CELLS.max(Micros(self.can_silence.0 * 2)))
    }

    /// Longest time without a reading of the supply.
    #[must_use]
    pub fn psu_age(&self) -> Micros {
        self.psu_silence.unwrap_or(Self::SUPPLY.max(self.gx_silence))
    }

    /// Checks that the limits leave room to work in.
    ///
    /// # Errors
    /// The pair that leaves none.
    pub fn check(&self) -> Result<(), LimitsError> {
        let faking = &self.faking;
        let ordered = [
            ("pack-voltage-min", "pack-voltage-max", self.pack_voltage_min.0, self.pack_voltage_max.0),
            ("cell-voltage-min", "cell-voltage-max", self.cell_voltage_min.0, self.cell_voltage_max.0),
            ("temperature-min", "temperature-max", self.temperature_min.0, self.temperature_max.0),
            ("0", "charge-current-max", 0.0, self.charge_current_max.0),
            ("0", "discharge-current-max", 0.0, self.discharge_current_max.0),
            ("0", "bus-voltage-max", 0.0, self.bus_voltage_max.0),
            ("0", "psu-voltage-max", 0.0, self.psu_voltage_max.0),
            ("0", "psu-current-max", 0.0, self.psu_current_max.0),
            ("0", "can-silence", 0.0, self.can_silence.secs()),
            ("0", "gx-silence", 0.0, self.gx_silence.secs()),
            ("0", "measurements-silence", 0.0, self.measurements_age().secs()),
            ("0", "cells-silence", 0.0, self.cells_age().secs()),
            ("0", "psu-silence", 0.0, self.psu_age().secs()),
            ("0", "psu-deviation-max", 0.0, self.psu_deviation_max.0),
            ("0", "energised-max", 0.0, self.energised_max.secs()),
            // None at all is a bound too.
            ("-1", "faking.cell-voltage", -1.0, faking.cell_voltage.0),
            ("-1", "faking.pack-voltage", -1.0, faking.pack_voltage.0),
            ("-1", "faking.current", -1.0, faking.current.0),
            ("-1", "faking.temperature", -1.0, faking.temperature.0),
        ];
        ordered
            .iter()
            .find(|(_, _, low, high)| low >= high)
            .map_or(Ok(()), |&(low, high, ..)| Err(LimitsError { low, high }))
    }
}

/// Limits that leave no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rig's limits leave no room: `{high}` must lie above `{low}`; correct `limits:` of the rig file")]
pub struct LimitsError {
    /// the lower one
    pub low: &'static str,
    /// the one that must lie above it
    pub high: &'static str,
}
