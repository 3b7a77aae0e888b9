//! Every number of the simulated world, with where it comes from: **V** was read in a public source, **A** is an
//! assumption, to be swept. [`Params::default`] holds the same numbers as `rigs/simulated.yaml`.

use proto::channel::Channel;
use proto::quantity::{
    AmpHours, Amps, Celsius, Farads, JoulesPerKelvin, JoulesPerMole, Micros, Ohms, Percent, PercentPerMonth,
    Volts, VoltsPerSecond, Watts, WattsPerKelvin, WattsPerSecond,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::gx::params::{Correction, Ess, GxParams, ModbusParams, Units};
pub use crate::meter::{MeterParams, MetersParams};

/// The world around the battery's management system.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Params {
    /// the cells
    pub pack: PackParams,
    /// cables between battery, inverter and solar charger
    pub cables: CableParams,
    /// the supply that plays the sun
    pub psu: PsuParams,
    /// the solar charger
    pub solar: SolarParams,
    /// the inverter/charger
    pub inverter: InverterParams,
    /// the PV inverter on the AC side
    pub ac_pv: AcPvParams,
    /// the GX and the installer's settings in it
    pub gx: GxParams,
    /// what is wrong with the meters beside the battery
    #[serde(default)]
    pub witnesses: MetersParams,
}

/// Cells in series. Resistances are those of one cell of `reference-capacity` at 25 °C; they scale with 1/capacity.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PackParams {
    /// Open-circuit voltage of one cell over its state of charge, rising in both.
    /// V: LibreSolar bms-firmware (5 % steps), APR18650M1B at C/32 above 95 %. A: below 0 %.
    pub ocv: Vec<(Percent, Volts)>,
    /// capacity of the cell that the resistances belong to
    pub reference_capacity: AmpHours,
    /// ohmic part; A: 0.22 mΩ (AC 1 kHz 0.20 mΩ is V, EVE LF105)
    pub r0: Ohms,
    /// charge transfer; A
    pub r1: Ohms,
    /// its time constant; A
    pub tau1: Micros,
    /// diffusion; A
    pub r2: Ohms,
    /// its time constant; A
    pub tau2: Micros,
    /// activation energy of all three resistances; V: PyBaMM example set
    pub activation: JoulesPerMole,
    /// half of the gap between the voltages at rest after charge and after discharge; V: 5–25 mV gap
    pub hysteresis: Volts,
    /// share of capacity over which the hysteresis changes sides; A
    pub hysteresis_span: Percent,
    /// standard deviation of the cells' capacities; A: 0.5–1 %
    pub capacity_spread: Percent,
    /// standard deviation of the cells' resistances; A
    pub resistance_spread: Percent,
    /// A: 2–3 % per month
    pub self_discharge: PercentPerMonth,
    /// of one cell; A
    pub heat_capacity: JoulesPerKelvin,
    /// of one cell to the room; A: 0.3–0.5 W/K
    pub cooling: WattsPerKelvin,
    /// the room, and the cells at the start; A
    pub ambient: Celsius,
    /// from the coldest to the warmest cell in kelvin, written as a difference of °C; A
    pub temperature_spread: Celsius,
    /// a cell charged above the others is put at this state of charge at most, so that it rests below its limit; A
    pub imbalance_ceiling: Percent,
}

/// Resistance of the cables, both conductors together.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CableParams {
    /// battery to bus bar, links, fuses and contactor included; A: with R0 and R1 it makes 8.7 mΩ
    pub battery: Ohms,
    /// bus bar to inverter; A
    pub inverter: Ohms,
    /// bus bar to solar charger; A
    pub solar: Ohms,
    /// of everything on the bus; A: 10–20 mF, with which 60 A lift it by 3 V in a millisecond
    pub capacitance: Farads,
    /// from the command to open until the contactor is open; A: 10–15 ms
    pub contactor_opens: Micros,
    /// from the command to close until it is closed; A: 20–30 ms
    pub contactor_closes: Micros,
    /// until chargers and inverter stop when they have lost the battery; what they give meanwhile lifts the bus; A
    pub stop_time: Micros,
    /// the chargers' own over-voltage protection cuts the spike here; A (60.8 V was seen in the field)
    pub spike_ceiling: Volts,
    /// time constant with which a bus without battery dies; A
    pub bus_decay: Micros,
}

/// The programmable supply that plays the sun.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PsuParams {
    /// how its voltage depends on the current
    pub source: PsuSource,
    /// voltage setting of the rectangle, the "sun's" voltage at the charger's input; A
    pub voltage: Volts,
    /// the most that it can give; A
    pub maximum: Watts,
    /// rise of the voltage when the output is switched on; A: 1–5 V/ms
    pub slew: VoltsPerSecond,
    /// over-voltage protection: no setting may lie above; A
    pub over_voltage: Volts,
    /// over-current protection: a setting of more current trips the output until the next setting; A
    pub over_current: Amps,
}

/// What a supply does between no load and its current limit.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum PsuSource {
    /// constant voltage up to the current limit: any supply
    Rectangle,
    /// Solar-array mode: one diode, `I = Isc·(1 − e^((V − Voc)/knee))`, its maximum at the power asked for.
    #[serde(rename_all = "kebab-case")]
    Curve {
        /// Voc at the most power
        open_circuit: Volts,
        /// thermal voltage of the string: n·kT/q × cells in series; A: 8 V for 220 cells
        knee: Volts,
    },
}

/// A PV inverter on the AC output. The voltages are those of a 48 V system.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AcPvParams {
    /// the most that it can give; A: no more than the inverter's power
    pub maximum: Watts,
    /// time constant with which it follows sun and frequency; A: 0.2–5 s
    pub response: Micros,
    /// in an island the frequency lets it charge with all of the inverter's rating up to this voltage; V
    pub shift_from: Volts,
    /// and with `least` of it from this voltage on; V
    pub shift_to: Volts,
    /// V: 10 %
    pub least: Percent,
    /// time constant with which the inverter/charger moves the frequency, on a bus that its rated power lifts by 2 %
    /// of the system voltage; A: four times as slow as the slowest PV inverter answers, so that none overshoots
    pub shift_loop: Micros,
    /// from a line that is alive to feeding in again; A: 60 s (10–300 s by grid code)
    pub reconnect: Micros,
}

/// What a maker of chargers and inverters takes a battery for, as his firmware cannot know which one it will be: rated
/// current lifts the bus by this share of the system voltage; A: 1.5–2 % where battery and inverter fit each other.
pub const LIFT: f64 = 0.02;

impl Default for AcPvParams {
    fn default() -> Self {
        Self {
            maximum: Watts(4000.0),
            response: Micros::from_secs(1),
            shift_from: Volts(54.0),
            shift_to: Volts(57.6),
            least: Percent(10.0),
            shift_loop: Micros::from_secs(20),
            reconnect: Micros::from_secs(60),
        }
    }
}

/// A solar charger with maximum power point tracker.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SolarParams {
    /// V: SmartSolar 250/100
    pub maximum_current: Amps,
    /// V: SmartSolar 250/100 at 48 V
    pub maximum_power: Watts,
    /// starts when PV exceeds the battery by this; V
    pub start_above: Volts,
    /// stops when PV exceeds the battery by less; V
    pub stop_below: Volts,
    /// from input present to charging; A: 5–30 s
    pub start_delay: Micros,
    /// rise of power, the tracker on its way up; A
    pub rise: WattsPerSecond,
    /// fall of power when voltage or current are too high: a dropped load charges on until it is over; A
    pub fall: WattsPerSecond,
    /// time constant of its voltage control on a bus that its rated current lifts by 2 % of the system voltage; its
    /// gain is fixed, so it is faster on a softer battery; A: 0.1–0.5 s
    pub voltage_loop: Micros,
    /// battery side over PV side; V: 98 % at its best
    pub efficiency: Percent,
    /// of the power at the corner of the supply's rectangle that the tracker finds; A
    pub tracking: Percent,
    /// period of the full scan while tracking; A: 60–600 s
    pub scan_period: Micros,
    /// how long a scan takes; A: 1–5 s
    pub scan_time: Micros,
    /// power during a scan, of what there would be; A
    pub scan_level: Percent,
    /// what its voltmeter shows too much; A
    pub calibration: Volts,
}

/// An inverter/charger with the ESS assistant. Figures of a 48/5000/70 unit.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InverterParams {
    /// continuous AC power; A (48/5000 class)
    pub maximum_power: Watts,
    /// largest DC charge current; A (48/5000/70)
    pub maximum_charge: Amps,
    /// an AC load above this switches it off in island mode; A
    pub overload_power: Watts,
    /// how long an overload is borne, and how long until it tries again; A
    pub overload_time: Micros,
    /// each way; V: 95 % at its best
    pub efficiency: Percent,
    /// own consumption, from the battery only in island mode; V: 35 W (48/5000)
    pub standby: Watts,
    /// of the AC input; A
    pub mains_voltage: Volts,
    /// AC input current limit at the start; A
    pub input_current_limit: Amps,
    /// loads are without power for so long when the mains go; V: less than 20 ms
    pub transfer: Micros,
    /// mains present until connected; A: 60 s (10–300 s by grid code)
    pub reconnect: Micros,
    /// A: 400–2000 W/s
    pub ramp: WattsPerSecond,
    /// time constant of its DC voltage control on a bus that its rated power lifts by 2 % of the system voltage; its
    /// gain is fixed, so it is faster on a softer battery; A: 0.5–2 s
    pub voltage_loop: Micros,
    /// below it for `shutdown-delay`: no more discharge; A: 37–47 V
    pub shutdown: Volts,
    /// A
    pub shutdown_delay: Micros,
    /// above it for `restart-delay`: discharge again; A: 37–47 V
    pub restart: Volts,
    /// from conditions fulfilled to working again; A
    pub restart_delay: Micros,
    /// whoever installs a battery lowers both to what it declares, where they lie above; no, they stand as they are
    pub set_for_battery: bool,
    /// what its voltmeter shows too much; A
    pub calibration: Volts,
}

impl Default for PackParams {
    fn default() -> Self {
        Self {
            ocv: LFP.iter().map(|&(soc, volts)| (Percent(soc), Volts(volts))).collect(),
            reference_capacity: AmpHours(280.0),
            r0: Ohms(0.22e-3),
            r1: Ohms(0.20e-3),
            tau1: Micros::from_secs(40),
            r2: Ohms(0.30e-3),
            tau2: Micros::from_secs(1500),
            activation: JoulesPerMole(20e3),
            hysteresis: Volts(0.010),
            hysteresis_span: Percent(1.0),
            capacity_spread: Percent(0.7),
            resistance_spread: Percent(5.0),
            self_discharge: PercentPerMonth(2.5),
            heat_capacity: JoulesPerKelvin(5400.0),
            cooling: WattsPerKelvin(0.4),
            ambient: Celsius(25.0),
            temperature_spread: Celsius(2.0),
            imbalance_ceiling: Percent(99.0),
        }
    }
}

/// V to 95 % in 5 % steps: LibreSolar bms-firmware; above: APR18650M1B at C/32. A: the fall below 0 %, without which a
/// cell would bear a discharge long after it is empty.
const LFP: [(f64, f64); 25] = [
    (-2.0, 2.00),
    (-1.0, 2.50),
    (0.0, 2.833),
    (5.0, 3.132),
    (10.0, 3.177),
    (15.0, 3.190),
    (20.0, 3.213),
    (25.0, 3.226),
    (30.0, 3.240),
    (35.0, 3.252),
    (40.0, 3.262),
    (45.0, 3.264),
    (50.0, 3.265),
    (55.0, 3.268),
    (60.0, 3.271),
    (65.0, 3.275),
    (70.0, 3.283),
    (75.0, 3.296),
    (80.0, 3.304),
    (85.0, 3.308),
    (90.0, 3.309),
    (95.0, 3.314),
    (98.33, 3.351),
    (99.5, 3.418),
    (100.0, 3.598),
];

impl Default for CableParams {
    fn default() -> Self {
        Self {
            battery: Ohms(2.0e-3),
            inverter: Ohms(0.5e-3),
            solar: Ohms(1.0e-3),
            capacitance: Farads(20e-3),
            contactor_opens: Micros::from_millis(12),
            contactor_closes: Micros::from_millis(25),
            stop_time: Micros::from_millis(1),
            spike_ceiling: Volts(66.0),
            bus_decay: Micros::from_secs(1),
        }
    }
}

impl Default for PsuParams {
    fn default() -> Self {
        Self {
            source: PsuSource::Rectangle,
            voltage: Volts(120.0),
            maximum: Watts(7200.0),
            slew: VoltsPerSecond(2000.0),
            over_voltage: Volts(240.0),
            over_current: Amps(65.0),
        }
    }
}

impl Default for SolarParams {
    fn default() -> Self {
        Self {
            maximum_current: Amps(100.0),
            maximum_power: Watts(5800.0),
            start_above: Volts(5.0),
            stop_below: Volts(1.0),
            start_delay: Micros::from_secs(10),
            rise: WattsPerSecond(2000.0),
            fall: WattsPerSecond(4000.0),
            voltage_loop: Micros::from_millis(300),
            efficiency: Percent(98.0),
            tracking: Percent(99.5),
            scan_period: Micros::from_secs(600),
            scan_time: Micros::from_secs(2),
            scan_level: Percent(40.0),
            calibration: Volts(-0.02),
        }
    }
}

impl Default for InverterParams {
    fn default() -> Self {
        Self {
            maximum_power: Watts(4000.0),
            maximum_charge: Amps(70.0),
            overload_power: Watts(5000.0),
            overload_time: Micros::from_secs(30),
            efficiency: Percent(95.0),
            standby: Watts(35.0),
            mains_voltage: Volts(230.0),
            input_current_limit: Amps(32.0),
            transfer: Micros::from_millis(15),
            reconnect: Micros::from_secs(60),
            ramp: WattsPerSecond(1000.0),
            voltage_loop: Micros::from_secs(1),
            shutdown: Volts(44.0),
            shutdown_delay: Micros::from_secs(3),
            restart: Volts(47.0),
            restart_delay: Micros::from_secs(5),
            set_for_battery: true,
            calibration: Volts(0.03),
        }
    }
}

/// A number that no world can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plant: {field}: found {found}, expected {expected}")]
pub struct ParamsError {
    /// path of the field as the rig file spells it
    pub field: &'static str,
    /// what it holds
    pub found: String,
    /// what would have been right
    pub expected: &'static str,
}

impl Params {
    /// Refuses numbers that the physics cannot work with: every one that divides, or bounds a range.
    ///
    /// # Errors
    /// Names the first such field, what it holds and what was expected.
    pub fn check(&self) -> Result<(), ParamsError> {
        let (p, c, s, i, g) = (&self.pack, &self.cables, &self.solar, &self.inverter, &self.gx);
        let rising = p.ocv.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1);
        if p.ocv.len() < 2 || !rising {
            return Err(ParamsError {
                field: "pack.ocv",
                found: format!("{} points", p.ocv.len()),
                expected: "at least two points, state of charge and voltage both rising",
            });
        }
        if let Some(key) = g.misreads.keys().find(|key| Channel::of_key(key).is_none()) {
            let expected = "quantities of the battery on the GX, such as `gx.battery.cvl`";
            return Err(ParamsError { field: "gx.misreads", found: key.clone(), expected });
        }
        if let Some((field, found, expected)) = self.witnesses.fault() {
            return Err(ParamsError { field, found, expected });
        }
        let positive = [
            ("pack.reference-capacity", p.reference_capacity.0),
            ("pack.r0", p.r0.0),
            ("pack.tau1", p.tau1.secs()),
            ("pack.tau2", p.tau2.secs()),
            ("pack.hysteresis-span", p.hysteresis_span.0),
            ("pack.heat-capacity", p.heat_capacity.0),
            ("cables.bus-decay", c.bus_decay.secs()),
            ("psu.voltage", self.psu.voltage.0),
            ("psu.maximum", self.psu.maximum.0),
            ("cables.capacitance", c.capacitance.0),
            ("psu.slew", self.psu.slew.0),
            ("psu.over-current", self.psu.over_current.0),
            ("solar.rise", s.rise.0),
            ("solar.fall", s.fall.0),
            ("solar.voltage-loop", s.voltage_loop.secs()),
            ("solar.scan-period", s.scan_period.secs()),
            ("inverter.maximum-power", i.maximum_power.0),
            ("inverter.mains-voltage", i.mains_voltage.0),
            ("inverter.ramp", i.ramp.0),
            ("inverter.voltage-loop", i.voltage_loop.secs()),
            ("ac-pv.maximum", self.ac_pv.maximum.0),
            ("ac-pv.response", self.ac_pv.response.secs()),
            ("ac-pv.shift-loop", self.ac_pv.shift_loop.secs()),
            ("solar.maximum-current", s.maximum_current.0),
            ("gx.limits-timeout", g.limits_timeout.secs()),
            ("gx.keep-alive", g.keep_alive.secs()),
            ("gx.nominal", g.nominal.0),
        ];
        let not_negative = [
            ("pack.r1", p.r1.0),
            ("pack.r2", p.r2.0),
            ("pack.hysteresis", p.hysteresis.0),
            ("pack.self-discharge", p.self_discharge.0),
            ("pack.cooling", p.cooling.0),
            ("cables.battery", c.battery.0),
            ("cables.inverter", c.inverter.0),
            ("cables.solar", c.solar.0),
            ("inverter.input-current-limit", i.input_current_limit.0),
        ];
        let share = [
            ("solar.efficiency", s.efficiency.0),
            ("solar.tracking", s.tracking.0),
            ("inverter.efficiency", i.efficiency.0),
            ("ac-pv.least", self.ac_pv.least.0),
        ];
        // Wider, and a draw of the seed could give a cell without capacity or resistance.
        let spread = [
            ("pack.capacity-spread", p.capacity_spread.0),
            ("pack.resistance-spread", p.resistance_spread.0),
        ];
        let found = positive
            .iter()
            .map(|&(f, v)| (f, v, v > 0.0, "more than zero"))
            .chain(not_negative.iter().map(|&(f, v)| (f, v, v >= 0.0, "zero or more")))
            .chain(share.iter().map(|&(f, v)| (f, v, v > 0.0 && v <= 100.0, "more than 0 %, at most 100 %")))
            .chain(spread.iter().map(|&(f, v)| (f, v, (0.0..=15.0).contains(&v), "0 % to 15 %")))
            .find(|&(_, _, good, _)| !good);
        if let Some((field, v, _, expected)) = found {
            return Err(ParamsError { field, found: v.to_string(), expected });
        }
        let (most, knee) = match self.psu.source {
            PsuSource::Rectangle => (self.psu.voltage, None),
            PsuSource::Curve { open_circuit, knee } => (open_circuit, Some(knee)),
        };
        if most > self.psu.over_voltage {
            return Err(ParamsError {
                field: "psu.over-voltage",
                found: self.psu.over_voltage.to_string(),
                expected: "at least the voltage of the supply",
            });
        }
        if knee.is_some_and(|knee| knee <= Volts::ZERO || knee > most / 4.0) {
            return Err(ParamsError {
                field: "psu.source",
                found: knee.unwrap_or_default().to_string(),
                expected: "a knee of more than zero and at most a quarter of the open-circuit voltage",
            });
        }
        if self.ac_pv.shift_to <= self.ac_pv.shift_from {
            return Err(ParamsError {
                field: "ac-pv.shift-to",
                found: self.ac_pv.shift_to.to_string(),
                expected: "more than ac-pv.shift-from",
            });
        }
        if i.restart < i.shutdown {
            return Err(ParamsError {
                field: "inverter.restart",
                found: i.restart.to_string(),
                expected: "at least inverter.shutdown",
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(Params::default().check(), Ok(()));
    }

    /// A file holds every number, with its unit, and nothing else.
    #[test]
    fn a_file_is_complete_or_refused() {
        let gx = "{ limits-timeout: 3 s, battery-timeout: 10 s, solar-offset: 0.4 V, nominal: 48 V, ess: external-control, \
                  absorption: 1 h, quirk: by-name, chargers-expect-bms: true, grid-setpoint: 50 W, minimum-soc: 10 %, \
                  minimum-soc-release: 3 %, recharge-below: 5 %, recharge-power: 200 W, \
                  runs-from: 0 V, boot: 75 s, modbus: { write-delay: 7 ms, \
                  missed-reads: 2, units: { battery: 225, inverter: 227, solar: 229, grid: 30 } } }";
        assert_eq!(serde_yaml::from_str::<GxParams>(gx).expect("complete"), GxParams::default());
        let error = |text: &str| serde_yaml::from_str::<GxParams>(text).expect_err("refused").to_string();
        assert!(error(&gx.replace("nominal: 48 V, ", "")).contains("nominal"));
        assert!(error(&gx.replace("48 V", "48")).contains("48"));
        assert!(error(&gx.replacen("{ ", "{ colour: 1 V, ", 1)).contains("colour"));
    }

    #[test]
    fn unsound_numbers_are_named() {
        let mut p = Params::default();
        p.pack.r0 = Ohms(0.0);
        assert_eq!(
            p.check().expect_err("no resistance").to_string(),
            "plant: pack.r0: found 0, expected more than zero"
        );
        let mut p = Params::default();
        p.pack.ocv[3].1 = Volts(2.0);
        assert_eq!(p.check().expect_err("falls").field, "pack.ocv");
        let mut p = Params::default();
        p.inverter.restart = Volts(40.0);
        assert_eq!(p.check().expect_err("crossed").field, "inverter.restart");
        let mut p = Params::default();
        p.solar.tracking = Percent(f64::NAN);
        assert_eq!(p.check().expect_err("not a number").field, "solar.tracking");
    }
}
