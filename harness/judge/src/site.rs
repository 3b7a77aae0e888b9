//! What the judge must know of the plant around the battery.

use proto::quantity::{Amps, BitRate, Micros, Volts, Watts};

/// Facts of the installation, from the rig file.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// nominal AC voltage
    pub ac_voltage: Volts,
    /// continuous power of the inverter
    pub inverter_power: Watts,
    /// how the GX is set, where the rig says so: it cannot be read over Modbus
    pub gx: Option<GxSetup>,
    /// bit rate of the CAN-bus profile that is chosen on the GX
    pub gx_profile: BitRate,
    /// the inverter's own low cut-off, where the rig states it
    pub cut_off: Option<CutOff>,
    /// how long the inverter waits before it connects to a grid that is back, where the rig states it
    pub reconnect: Option<Micros>,
}

/// The DC voltages at which an inverter switches off and on by itself, whatever the battery allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CutOff {
    /// below this it switches off
    pub off: Volts,
    /// from here on it starts again
    pub on: Volts,
}

impl CutOff {
    /// As whoever installs a battery sets it: no higher than where that battery forbids discharge, and on again a little
    /// above. For 16 cells of LFP that are the usual 44 and 47 V.
    #[must_use]
    pub fn set_for(self, lowest: Volts) -> Self {
        Self { off: self.off.min(lowest * 0.985), on: self.on.min(lowest * 1.05) }
    }
}

/// How DVCC is set in the GX, confirmed by somebody who looked (P 5.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GxSetup {
    /// distributed voltage and current control
    pub dvcc: bool,
    /// shared voltage sense
    pub svs: bool,
    /// the product for which the GX forces it on, whatever its menu says
    pub forced_for: Option<&'static str>,
    /// who confirmed it, and when
    pub confirmed_by: String,
}

impl GxSetup {
    /// What is not as P 5.5 asks for before a control test; nothing where all is.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        match (self.dvcc, self.svs && self.forced_for.is_none()) {
            (true, false) => None,
            (false, false) => Some("DVCC is off"),
            (true, true) => Some("shared voltage sense is on"),
            (false, true) => Some("DVCC is off and shared voltage sense is on"),
        }
    }
}

impl Site {
    /// The DC power the inverter can turn into AC now: at most its own power, and what loads and grid take. The AC
    /// input current limit bounds the feed-in too (P 1.5.3.3).
    #[must_use]
    pub fn room(&self, loads: Watts, input_current_limit: Option<Amps>) -> Watts {
        match input_current_limit {
            Some(limit) => self.inverter_power.min(loads + self.ac_voltage * limit),
            None => self.inverter_power,
        }
    }
}

/// 230 V and 4 kW: a 48 V, 5 kVA inverter/charger; the preferred bit rate (P 1.2).
impl Default for Site {
    fn default() -> Self {
        Self {
            ac_voltage: Volts(230.0),
            inverter_power: Watts(4000.0),
            gx: None,
            gx_profile: BitRate(500.0),
            cut_off: None,
            reconnect: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_bounded_by_inverter_and_input_limit() {
        let site = Site::default();
        assert_eq!(site.room(Watts(0.0), Some(Amps(4.0))), Watts(920.0));
        assert_eq!(site.room(Watts(1000.0), Some(Amps(4.0))), Watts(1920.0));
        assert_eq!(site.room(Watts(3000.0), Some(Amps(16.0))), Watts(4000.0));
        assert_eq!(site.room(Watts(0.0), None), Watts(4000.0));
    }
}
