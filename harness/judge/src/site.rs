//! What the judge must know of the plant around the battery.

use proto::quantity::{Amps, Volts, Watts};

/// Facts of the installation, from the rig file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Site {
    /// nominal AC voltage
    pub ac_voltage: Volts,
    /// continuous power of the inverter
    pub inverter_power: Watts,
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

/// 230 V and 4 kW: a 48 V, 5 kVA inverter/charger.
impl Default for Site {
    fn default() -> Self {
        Self { ac_voltage: Volts(230.0), inverter_power: Watts(4000.0) }
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
