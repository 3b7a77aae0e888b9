//! Settings that were written over Modbus: acknowledged at once, applied a moment later, and forgotten where the GX
//! refuses the value.

use proto::gx::{ess, inverter};
use proto::quantity::Micros;

/// What a register that the simulated GX acts on accepts, as raw values. V: settings of dbus-systemcalc-py v2.256
/// for 2705 and 2710; A: the others.
const ACCEPTED: &[(u16, core::ops::RangeInclusive<i32>)] = &[
    (inverter::INPUT_CURRENT_LIMIT.address, 0..=32_767),
    (ess::GRID_SETPOINT.address, -32_768..=32_767),
    (ess::USER_CHARGE_CURRENT.address, -1..=10_000),
    (ess::FEED_IN_EXCESS.address, 0..=1),
    (ess::USER_CHARGE_VOLTAGE.address, 0..=800),
    (ess::MIN_SOC.address, 0..=1000),
];

/// Whether the simulated GX acts on a register at all.
pub(crate) fn is_known(register: u16) -> bool {
    ACCEPTED.iter().any(|(address, _)| *address == register)
}

/// Whether it takes this value.
fn accepts(register: u16, value: u16) -> bool {
    let signed = proto::gx::Register::at(register).is_some_and(|r| r.kind == proto::gx::Kind::I16);
    let value = if signed { i32::from(value.cast_signed()) } else { i32::from(value) };
    ACCEPTED.iter().any(|(address, range)| *address == register && range.contains(&value))
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
        if accepts(register, value) {
            self.waiting.push((at + self.delay, register, value));
        }
    }

    /// When the next one is applied.
    pub(crate) fn due(&self) -> Micros {
        self.waiting.first().map_or(Micros::NEVER, |w| w.0)
    }

    /// The next one, if its time has come.
    pub(crate) fn next(&mut self, at: Micros) -> Option<(u16, u16)> {
        if self.due() > at {
            return None;
        }
        let (_, register, value) = self.waiting.remove(0);
        Some((register, value))
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
}
