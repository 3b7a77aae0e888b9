//! The battery's contactor: it follows its command a little later, and can be broken.

use proto::quantity::Micros;

use crate::params::CableParams;

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ailment {
    /// closed, it stays closed
    pub(crate) welded: bool,
    /// it opens by itself and stays open
    pub(crate) open: bool,
    /// it moves this much later
    pub(crate) slow: Micros,
}

/// Closed or open, with a movement under way.
#[derive(Debug, Clone)]
pub(crate) struct Contactor {
    opens: Micros,
    closes: Micros,
    commanded: bool,
    closed: bool,
    /// when it will have changed; never, while it stays
    due: Micros,
    ailment: Ailment,
}

impl Contactor {
    pub(crate) fn new(p: &CableParams) -> Self {
        Self {
            opens: p.contactor_opens,
            closes: p.contactor_closes,
            commanded: true,
            closed: true,
            due: Micros::NEVER,
            ailment: Ailment::default(),
        }
    }

    /// What the battery wants.
    pub(crate) fn command(&mut self, at: Micros, closed: bool) {
        self.commanded = closed;
        self.aim(at);
    }

    pub(crate) fn ail(&mut self, at: Micros, ailment: Ailment) {
        self.ailment = ailment;
        self.aim(at);
    }

    fn aim(&mut self, at: Micros) {
        let stuck = self.ailment.welded && self.closed;
        let wanted = !self.ailment.open && (self.commanded || stuck);
        let delay = if wanted { self.closes } else { self.opens } + self.ailment.slow;
        self.due = if wanted == self.closed {
            Micros::NEVER
        } else if self.due == Micros::NEVER {
            at + delay
        } else {
            self.due
        };
    }

    /// When it changes; never, while it stays.
    #[inline]
    pub(crate) const fn due(&self) -> Micros {
        self.due
    }

    /// It changes; whether it is closed now.
    pub(crate) fn switch(&mut self) -> bool {
        self.due = Micros::NEVER;
        self.closed = !self.closed;
        self.closed
    }

    #[inline]
    pub(crate) const fn closed(&self) -> bool {
        self.closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const LATE: Ailment = Ailment { welded: false, open: false, slow: Micros::from_millis(500) };
    const WELDED: Ailment = Ailment { welded: true, open: false, slow: Micros::ZERO };

    /// 12 ms to open, unless it is slow or welded.
    #[rstest]
    #[case::sound(Ailment::default(), Some(12))]
    #[case::slow(LATE, Some(512))]
    #[case::welded(WELDED, None)]
    fn opens_when_it_can(#[case] ailment: Ailment, #[case] after: Option<u64>) {
        let mut contactor = Contactor::new(&CableParams::default());
        let second = Micros::from_secs(1);
        contactor.ail(second, ailment);
        contactor.command(second, false);
        // Told again, it does not begin again.
        contactor.command(second + Micros::from_millis(5), false);
        let due = after.map_or(Micros::NEVER, |ms| second + Micros::from_millis(ms));
        assert_eq!(contactor.due(), due);
    }

    #[test]
    fn an_open_one_closes_as_soon_as_it_is_whole_again() {
        let mut contactor = Contactor::new(&CableParams::default());
        contactor.ail(Micros::ZERO, Ailment { open: true, ..Ailment::default() });
        assert!(contactor.due() <= Micros::from_millis(12) && !contactor.switch());
        contactor.command(Micros::from_secs(1), true);
        assert_eq!(contactor.due(), Micros::NEVER);
        contactor.ail(Micros::from_secs(2), Ailment::default());
        assert_eq!(contactor.due(), Micros(2_025_000));
    }
}
