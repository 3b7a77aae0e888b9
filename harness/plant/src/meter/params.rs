//! What is wrong with the meters beside the battery: `plant.witnesses` of a rig file. Without a word each is right.

use proto::channel::Instrument;
use proto::quantity::{Amps, Micros, Percent, Volts};
use proto::spoken::Protocol;
use proto::vedirect::Auxiliary;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The meters beside the battery, by what they measure.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct MetersParams {
    /// a shunt in the battery's minus
    pub battery: MeterParams,
    /// the solar charger's own port
    pub charger: MeterParams,
    /// the inverter's own port
    pub inverter: MeterParams,
}

/// How one meter differs from one that is right.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct MeterParams {
    /// how much more voltage it shows, as a share of it
    pub voltage_gain: Percent,
    /// how much more voltage it shows, whatever there is
    pub voltage_offset: Volts,
    /// how much more current it shows, as a share of it
    pub current_gain: Percent,
    /// the current that it shows where none flows
    pub current_offset: Amps,
    /// it is connected the other way round
    pub reversed: bool,
    /// it shows `---` in place of its current
    pub blank: bool,
    /// it says the same again and again, whatever is
    pub frozen: bool,
    /// its counters of charge and energy stand still
    pub counter_stands: bool,
    /// share of the bytes that its line loses
    pub lost: Percent,
    /// HEX frames between and inside its blocks, in a second
    pub hex: u32,
    /// it starts anew so often, with its charge counter at zero; zero for never
    pub resets: Micros,
    /// so long it says nothing after it started anew; zero for four seconds
    pub starts_in: Micros,
    /// it falls silent so long after the start of its world; zero for never
    pub silent_after: Micros,
    /// id of the product that it says it is; zero for its own
    pub product: u16,
    /// what it says it monitors, the code of `MON`: 0 a battery
    pub monitors: i8,
    /// what the auxiliary input of a shunt is set to
    pub auxiliary: Option<Auxiliary>,
    /// bit/s at which its line runs; zero for the 19200 of VE.Direct
    pub baud: u32,
    /// its line is inverted, as RS-232 in place of TTL is
    pub inverted: bool,
    /// it says half a block again and again
    pub half: bool,
    /// what it speaks: what the rig file says of the witness decides that
    #[serde(skip)]
    pub speaks: Protocol,
}

impl MetersParams {
    /// That of an instrument; of what is no witness, that of the shunt.
    pub fn of(&mut self, which: Instrument) -> &mut MeterParams {
        match which {
            Instrument::Charger => &mut self.charger,
            Instrument::Converter => &mut self.inverter,
            _ => &mut self.battery,
        }
    }

    /// Whether a line carries so much: its share, its frames, its rate.
    pub(crate) fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let all = [
            (&self.battery, ["witnesses.battery.lost", "witnesses.battery.hex", "witnesses.battery.baud"]),
            (&self.charger, ["witnesses.charger.lost", "witnesses.charger.hex", "witnesses.charger.baud"]),
            (
                &self.inverter,
                ["witnesses.inverter.lost", "witnesses.inverter.hex", "witnesses.inverter.baud"],
            ),
        ];
        all.into_iter().find_map(|(meter, [lost, hex, baud])| {
            if !(0.0..=100.0).contains(&meter.lost.0) {
                return Some((lost, meter.lost.to_string(), "0 % to 100 %"));
            }
            // At 19 200 bit/s a frame of 20 characters takes 10 ms, and there is text too.
            if meter.hex > 50 {
                return Some((hex, meter.hex.to_string(), "at most 50 a second"));
            }
            let is_rate = meter.baud == 0 || (300..=1_000_000).contains(&meter.baud);
            (!is_rate)
                .then(|| (baud, meter.baud.to_string(), "300 to 1000000 bit/s, or 0 for that of VE.Direct"))
        })
    }
}
