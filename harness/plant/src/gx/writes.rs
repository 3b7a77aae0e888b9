//! Settings that were written over Modbus: acknowledged at once, applied a moment later, and forgotten where the GX
//! refuses the value.

use proto::gx::{Register, ess, inverter};
use proto::quantity::{Amps, Micros, Percent, Volts, Watts};

use super::Gx;
use crate::inverter::Inverter;

/// A register that the simulated GX acts on.
struct Setting {
    register: Register,
    /// the least and the most that it accepts, in its unit
    accepts: (f64, f64),
    /// what the value does
    acts: fn(&mut Gx, &mut Inverter, f64),
}

/// Every one. V: bounds of dbus-systemcalc-py v2.256 for 2705 and 2710; A: the others.
const SETTINGS: &[Setting] = &[
    Setting {
        register: inverter::INPUT_CURRENT_LIMIT,
        accepts: (0.0, 3276.7),
        acts: |_, inverter, value| inverter.limit_input(Amps(value)),
    },
    Setting {
        register: ess::GRID_SETPOINT,
        accepts: (-32_768.0, 32_767.0),
        acts: |gx, _, value| gx.set_grid_setpoint(Watts(value)),
    },
    Setting {
        register: ess::USER_CHARGE_CURRENT,
        accepts: (-1.0, 10_000.0),
        acts: |gx, _, value| gx.set_charge_current((value >= 0.0).then_some(Amps(value))),
    },
    Setting {
        register: ess::FEED_IN_EXCESS,
        accepts: (0.0, 1.0),
        acts: |gx, _, value| gx.set_feed_in(value > 0.0),
    },
    Setting {
        register: ess::USER_CHARGE_VOLTAGE,
        accepts: (0.0, 80.0),
        acts: |gx, _, value| gx.set_charge_voltage((value > 0.0).then_some(Volts(value))),
    },
    Setting {
        register: ess::MIN_SOC,
        accepts: (0.0, 100.0),
        acts: |gx, _, value| gx.set_minimum_soc(Percent(value)),
    },
];

fn setting(register: u16) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.register.address == register)
}

/// Whether the simulated GX acts on a register at all.
pub(crate) fn is_known(register: u16) -> bool {
    setting(register).is_some()
}

/// The registers that it acts on, for a message: `2700 (grid setpoint)` and so on.
pub(crate) fn known() -> String {
    let name = |s: &Setting| {
        let what = s.register.label.split(',').next().unwrap_or_default();
        format!("{} ({what})", s.register.address)
    };
    SETTINGS.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// A value as it was written; nothing where the GX refuses it.
fn accepted(register: u16, raw: u16) -> Option<(&'static Setting, f64)> {
    let setting = setting(register)?;
    let value = setting.register.read(register, &[raw])?;
    let (least, most) = setting.accepts;
    (least..=most).contains(&value).then_some((setting, value))
}

/// What was acknowledged and is not applied yet, in the order of time.
#[derive(Debug, Clone)]
pub(crate) struct Writes {
    delay: Micros,
    waiting: Vec<(Micros, u16, u16)>,
}

impl Writes {
    pub(crate) fn new(delay: Micros) -> Self {
        Self { delay, waiting: Vec::new() }
    }

    /// Takes a write; a value that is refused is forgotten.
    pub(crate) fn take(&mut self, at: Micros, register: u16, value: u16) {
        if accepted(register, value).is_some() {
            self.waiting.push((at + self.delay, register, value));
        }
    }

    /// When the next one is applied.
    pub(crate) fn due(&self) -> Micros {
        self.waiting.first().map_or(Micros::NEVER, |w| w.0)
    }

    /// The next one, if its time has come.
    fn next(&mut self, at: Micros) -> Option<(u16, u16)> {
        if self.due() > at {
            return None;
        }
        let (_, register, value) = self.waiting.remove(0);
        Some((register, value))
    }

    /// Applies what is due.
    pub(crate) fn apply(&mut self, at: Micros, gx: &mut Gx, inverter: &mut Inverter) {
        while let Some((register, raw)) = self.next(at) {
            if let Some((setting, value)) = accepted(register, raw) {
                (setting.acts)(gx, inverter, value);
            }
        }
    }

    /// Forgets what was not applied.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(2705, 0xFFFF, true)]
    #[case(2705, 0xFFFE, false)]
    #[case(2705, 10_001, false)]
    #[case(2707, 2, false)]
    #[case(2710, 800, true)]
    #[case(2710, 801, false)]
    #[case(2901, 1001, false)]
    #[case(22, 0xFFFF, false)]
    #[case(806, 1, false)]
    fn refused_values_are_forgotten(#[case] register: u16, #[case] value: u16, #[case] taken: bool) {
        let mut writes = Writes::new(Micros(7000));
        writes.take(Micros(1), register, value);
        assert_eq!(writes.next(Micros(7000)), None, "not yet");
        assert_eq!(writes.next(Micros(7001)), taken.then_some((register, value)));
        assert_eq!(writes.next(Micros(u64::MAX - 1)), None);
    }

    #[test]
    fn what_is_known_is_said_with_its_name() {
        let known = known();
        assert!(known.starts_with("22 (AC input current limit), 2700 (grid setpoint)"), "{known}");
        assert!(known.contains("2705 (user's charge current limit)"), "{known}");
    }
}
