//! Faults of the physical world that are at work, and when they end.

use proto::fault::{Fault, FaultKind};
use proto::quantity::Micros;

use crate::contactor::Ailment;

/// Faults with their ends.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    active: Vec<(Micros, FaultKind)>,
    next_end: Micros,
}

/// What is broken now, all faults together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Broken {
    pub(crate) contactor: Ailment,
    /// added to the battery cable, Ω
    pub(crate) cable: f64,
    /// added to one cell's resistance, as a share of it
    pub(crate) cell: f64,
    /// room and cells, °C
    pub(crate) ambient: Option<f64>,
    pub(crate) supply_off: bool,
    pub(crate) supply_silent: bool,
    pub(crate) scan: bool,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { active: Vec::new(), next_end: Micros::NEVER }
    }

    /// Whether the physical world knows this fault.
    pub(crate) fn knows(kind: FaultKind) -> bool {
        Broken::default().with(kind).is_some()
    }

    pub(crate) fn add(&mut self, at: Micros, fault: Fault) {
        self.active.push((at + fault.span, fault.kind));
        self.next_end = self.next_end.min(at + fault.span);
    }

    /// Forgets what is over; whether anything was.
    #[inline]
    pub(crate) fn expire(&mut self, at: Micros) -> bool {
        at >= self.next_end && self.forget(at)
    }

    #[inline(never)]
    fn forget(&mut self, at: Micros) -> bool {
        self.active.retain(|&(end, _)| end > at);
        self.next_end = self.active.iter().map(|&(end, _)| end).min().unwrap_or(Micros::NEVER);
        true
    }

    pub(crate) fn broken(&self) -> Broken {
        self.active.iter().fold(Broken::default(), |broken, &(_, kind)| broken.with(kind).unwrap_or(broken))
    }
}

impl Broken {
    /// With one fault more; nothing for a fault of the battery's electronics, the bus or the GX.
    fn with(mut self, kind: FaultKind) -> Option<Self> {
        match kind {
            FaultKind::ContactorWelded {} => self.contactor.welded = true,
            FaultKind::ContactorOpen {} => self.contactor.open = true,
            FaultKind::ContactorSlow { by } => self.contactor.slow = self.contactor.slow.max(by),
            FaultKind::CableResistance { by } => self.cable += by.0,
            FaultKind::CellResistance { by } => self.cell += by.0 / 100.0,
            FaultKind::Ambient { at } => self.ambient = Some(at.0),
            FaultKind::PsuTrip {} => self.supply_off = true,
            FaultKind::PsuSilent {} => self.supply_silent = true,
            FaultKind::TrackerScan {} => self.scan = true,
            _ => return None,
        }
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::quantity::Ohms;

    #[test]
    fn faults_add_up_and_end_one_by_one() {
        let mut faults = Faults::new();
        let cable = |mohm: f64| FaultKind::CableResistance { by: Ohms(mohm * 1e-3) };
        faults.add(Micros::ZERO, Fault { kind: cable(5.0), span: Micros::from_secs(10) });
        faults.add(Micros::ZERO, Fault { kind: cable(2.0), span: Micros::from_secs(20) });
        assert!((faults.broken().cable - 7e-3).abs() < 1e-12);
        assert!(!faults.expire(Micros::from_secs(9)));
        assert!(faults.expire(Micros::from_secs(10)));
        assert!((faults.broken().cable - 2e-3).abs() < 1e-12);
        assert!(faults.expire(Micros::from_secs(20)));
        assert_eq!(faults.broken(), Broken::default());
    }
}
