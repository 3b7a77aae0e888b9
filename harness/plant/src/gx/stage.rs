//! Which charge stage an inverter/charger reports that is not under external control.

use proto::quantity::{Micros, Volts};

/// A charge stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Stage {
    #[default]
    Bulk,
    Absorption,
    Float,
}

/// The bus counts as at its setpoint from this below it on; assumption.
const NEAR: Volts = Volts(0.1);
/// So far below its setpoint charge begins again with bulk; assumption.
const FALLEN: Volts = Volts(1.0);

/// Follows the stages.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stages {
    /// since when the bus is at its setpoint
    reached: Option<Micros>,
    pub(crate) now: Stage,
}

impl Stages {
    /// Looks at the bus.
    pub(crate) fn look(&mut self, at: Micros, bus: Volts, setpoint: Volts, absorption: Micros) {
        if bus < setpoint - FALLEN {
            self.reached = None;
        } else if bus >= setpoint - NEAR {
            self.reached.get_or_insert(at);
        }
        self.now = match self.reached {
            None => Stage::Bulk,
            Some(since) if at.since(since) < absorption => Stage::Absorption,
            Some(_) => Stage::Float,
        };
    }
}

impl Stage {
    /// As register 31 has it.
    pub(crate) fn state(self) -> u16 {
        3 + self as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bulk_absorption_float_and_back() {
        let mut stages = Stages::default();
        let mut look = |secs, volts| {
            stages.look(Micros::from_secs(secs), Volts(volts), Volts(55.2), Micros::from_secs(100));
            stages.now.state()
        };
        assert_eq!(look(0, 53.0), 3);
        assert_eq!(look(10, 55.15), 4);
        assert_eq!(look(50, 54.5), 4, "a dip of less than a volt");
        assert_eq!(look(109, 55.2), 4);
        assert_eq!(look(110, 55.2), 5);
        assert_eq!(look(120, 54.0), 3);
        assert_eq!(look(130, 55.2), 4);
    }
}
