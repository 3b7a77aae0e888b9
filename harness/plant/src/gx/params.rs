//! Every number of the GX, with where it comes from.

use std::collections::BTreeMap;

use proto::channel::Channel;
use proto::quantity::{Micros, Percent, Volts, Watts};
use proto::samples::Samples;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dvcc::Quirk;

/// The GX: its timers and what the installer set.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GxParams {
    /// without 0x351 for longer, charging and discharging stop (P 1.4)
    pub limits_timeout: Micros,
    /// without 0x351 for longer, the battery is gone from the GX; A
    pub battery_timeout: Micros,
    /// what the inverter adds to its hub voltage while it may export, at 48 V, and solar chargers with it (P 1.5.3); A:
    /// half of it at 24 V and a quarter at 12 V, for its firmware is not public. The GX passes 0.4 V on at most
    pub solar_offset: Volts,
    /// from one 0x305 to the next, and so of 0x307; P 3: a second
    #[serde(default = "each_second")]
    pub keep_alive: Micros,
    /// the first byte of 0x305; P 3: zero
    #[serde(default)]
    pub keep_alive_byte: u8,
    /// system voltage: 12, 24 or 48 V
    pub nominal: Volts,
    /// how the inverter is controlled and what it reports
    pub ess: Ess,
    /// how long absorption lasts before the inverter reports float, with `ess: charge-stages`; A
    pub absorption: Micros,
    /// which make's corrections of 0x351 are applied; A: the driver that knows the product is not public
    pub quirk: Correction,
    /// whether solar chargers stop without a BMS; if not, they go on at the inverter's voltage setpoint; A
    pub chargers_expect_bms: bool,
    /// power drawn from the grid when it can be chosen (register 2700); V: default of ESS
    pub grid_setpoint: Watts,
    /// below it no discharge while the mains are there (register 2901); V: default of ESS is 10 %
    pub minimum_soc: Percent,
    /// above `minimum-soc` by this, discharge resumes; A
    pub minimum_soc_release: Percent,
    /// below `minimum-soc` by this, it recharges from the mains; V: ESS manual
    pub recharge_below: Percent,
    /// power of that recharge, on the AC side; A
    pub recharge_power: Watts,
    /// the lowest voltage of the DC bus that it runs from, where no mains keep the DC side alive; V: 8 V (Cerbo GX, 8–70 V).
    /// 0 V: it has a supply of its own, as on a bench that reads it in a blackout
    pub runs_from: Volts,
    /// from power on until it hears and controls again; A: one to two minutes
    pub boot: Micros,
    /// what it shows wrongly of the battery, and by which factor; nothing, on a sound one
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub misreads: BTreeMap<String, f64>,
    /// the gateway for Modbus-TCP
    pub modbus: ModbusParams,
}

impl GxParams {
    /// What it makes of the numbers that the battery sends.
    pub(crate) fn misread(&self, shown: &mut Samples) {
        for (key, factor) in &self.misreads {
            if let Some(channel) = Channel::of_key(key)
                && let Some(value) = shown.number(channel)
            {
                shown.tell(channel, value * factor);
            }
        }
    }

    /// What the inverter of this system voltage adds to its hub voltage.
    pub(crate) fn hub_offset(&self) -> Volts {
        self.solar_offset * (self.nominal.0 / 48.0)
    }
}

/// The gateway for Modbus-TCP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ModbusParams {
    /// from the acknowledgement of a write until it is applied; V: 7 ms on a PC
    pub write_delay: Micros,
    /// how many reads of a product that came back still give exception 10; V: one or two
    pub missed_reads: u8,
    /// unit ids of the products; system and settings are 100 and 0
    pub units: Units,
    /// registers that its firmware does not have, each as first and last address: a request that touches one is answered
    /// with exception 2
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<(u16, u16)>,
}

/// Unit ids of products on the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Units {
    /// CAN-bus BMS; V: 225
    pub battery: u8,
    /// inverter/charger on VE.Bus; V: 227 on a Cerbo GX
    pub inverter: u8,
    /// solar charger; V: 223, 224, 226 or 229 to 239 by port
    pub solar: u8,
    /// grid meter; A
    pub grid: u8,
}

/// How the inverter is controlled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ess {
    /// by ESS: it reports external control
    ExternalControl,
    /// by ESS: it reports bulk, absorption and float
    ChargeStages,
    /// not by ESS: no feed-in, and no hub voltage
    None,
}

/// Which make's corrections of 0x351 are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Correction {
    /// that of the make which the battery sends
    ByName,
    /// none
    None,
    /// LG
    Lg,
    /// Pylontech
    Pylontech,
    /// BYD
    Byd,
    /// Pylontech Pelio
    Pelio,
    /// Lynx Smart BMS
    Lynx,
}

impl Correction {
    /// The make to correct for, of a battery that calls itself this one.
    pub(crate) fn quirk(self, named: Option<Quirk>) -> Option<Quirk> {
        match self {
            Self::ByName => named,
            Self::None => None,
            Self::Lg => Some(Quirk::Lg),
            Self::Pylontech => Some(Quirk::Pylontech),
            Self::Byd => Some(Quirk::Byd),
            Self::Pelio => Some(Quirk::Pelio),
            Self::Lynx => Some(Quirk::Lynx),
        }
    }
}

/// How often a GX sends 0x305 and 0x307 (P 3).
const fn each_second() -> Micros {
    Micros::from_secs(1)
}

impl Default for GxParams {
    fn default() -> Self {
        Self {
            limits_timeout: Micros::from_secs(3),
            battery_timeout: Micros::from_secs(10),
            solar_offset: Volts(0.4),
            keep_alive: each_second(),
            keep_alive_byte: 0,
            nominal: Volts(48.0),
            ess: Ess::ExternalControl,
            absorption: Micros::from_secs(3600),
            quirk: Correction::ByName,
            chargers_expect_bms: true,
            grid_setpoint: Watts(50.0),
            minimum_soc: Percent(10.0),
            minimum_soc_release: Percent(3.0),
            recharge_below: Percent(5.0),
            recharge_power: Watts(200.0),
            runs_from: Volts(0.0),
            boot: Micros::from_secs(75),
            misreads: BTreeMap::new(),
            modbus: ModbusParams::default(),
        }
    }
}

impl Default for ModbusParams {
    fn default() -> Self {
        Self {
            write_delay: Micros::from_millis(7),
            missed_reads: 2,
            units: Units { battery: 225, inverter: 227, solar: 229, grid: 30 },
            lacks: Vec::new(),
        }
    }
}
