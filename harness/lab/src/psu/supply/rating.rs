//! What a supply can: its rating, and the range that it is in.

use proto::quantity::{Amps, Volts, Watts};

use super::Supply;
use crate::psu::error::SupplyError;

/// The most that a supply can, as far as it says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rated {
    /// voltage
    pub voltage: Option<Volts>,
    /// current
    pub current: Option<Amps>,
    /// power
    pub power: Option<Watts>,
}

impl Supply {
    /// Asks for what the supply can; nothing is told where its profile knows no question.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn rated(&mut self) -> Result<Rated, SupplyError> {
        let Some(rating) = self.profile.rating.clone() else { return Ok(Rated::default()) };
        let units = self.profile.line.units;
        let (voltage, current) = if rating.in_model { in_model(&self.identity.model) } else { (None, None) };
        let mut rated = Rated { voltage, current, power: None };
        if let Some(ask) = rating.voltage {
            rated.voltage = Some(self.question(&ask, |reply| reply.volts(units))?);
        }
        if let Some(ask) = rating.current {
            rated.current = Some(self.question(&ask, |reply| reply.amps(units))?);
        }
        if let Some(ask) = rating.power {
            rated.power = Some(self.question(&ask, |reply| reply.watts(units))?);
        }
        Ok(rated)
    }

    /// Fails where a level would be refused since it lies too near to its setting.
    pub(super) fn has_room(&mut self, level: Volts, setting: Volts) -> Result<(), SupplyError> {
        let Some(room) = self.profile.protection.over_voltage_room else { return Ok(()) };
        let rated = match self.known.rated {
            Some(rated) => Some(rated),
            None => self.rated()?.voltage,
        };
        self.known.rated = rated;
        let Some(rated) = rated else { return Ok(()) };
        let least = setting + Volts(rated.0 * room.0 / 100.0);
        if level >= least {
            return Ok(());
        }
        let [level, setting, least] = [level, setting, least].map(|volts| volts.to_string());
        Err(SupplyError::ProtectionTooNear {
            level,
            setting,
            least,
            room: room.to_string(),
            rated: rated.to_string(),
        })
    }

    /// Switches to the first range that the limits of the rig fit into; only with the output off.
    pub(super) fn choose_range(&mut self) -> Result<(), SupplyError> {
        let Some(ranges) = self.profile.ranges.clone().filter(|_| !self.known.in_range) else {
            return Ok(());
        };
        let (voltage, current) = (self.limits.voltage, self.limits.current);
        let Some(range) =
            ranges.each.iter().find(|range| voltage <= range.voltage && current <= range.current)
        else {
            let (voltage, current) = (voltage.to_string(), current.to_string());
            return Err(SupplyError::NoRange { voltage, current });
        };
        if self.ask(&ranges.ask)? != range.answer {
            if self.is_on()? {
                return Err(SupplyError::OutputIs(true));
            }
            let command = self.plain(&range.set)?;
            self.wire.command(&command)?;
            let ask = |this: &mut Self| this.ask(&ranges.ask);
            let (now, agrees) = self.until_it_agrees(Some(&command), ask, |now| *now == range.answer)?;
            if !agrees {
                let (asked, settle) = (range.answer.clone(), self.profile.settle);
                let tolerance = "nothing".to_owned();
                return Err(SupplyError::NotTaken { command, asked, now, tolerance, settle });
            }
        }
        self.known.in_range = true;
        Ok(())
    }
}

/// The first two numbers in the name of a model.
fn in_model(model: &str) -> (Option<Volts>, Option<Amps>) {
    let mut numbers = model
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .filter_map(|number| number.parse::<f64>().ok())
        .filter(|number| *number > 0.0);
    (numbers.next().map(Volts), numbers.next().map(Amps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("GEN200-60", Some(200.0), Some(60.0))]
    #[case("GENH60-12.5-USB", Some(60.0), Some(12.5))]
    #[case("GSP200-75-3P", Some(200.0), Some(75.0))]
    #[case("GENESYS", None, None)]
    fn numbers_of_a_model(#[case] model: &str, #[case] volts: Option<f64>, #[case] amps: Option<f64>) {
        assert_eq!(in_model(model), (volts.map(Volts), amps.map(Amps)));
    }
}
