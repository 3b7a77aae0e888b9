//! The DC bus and what hangs on it: pack behind its contactor, inverter/charger, solar charger.
//!
//! While the contactor is closed the bus has no state of its own (10–20 mF behind 9 mΩ settle in 0.1 ms): its voltage
//! follows from the currents. When it opens, what still flows for a moment makes a spike, and everything stops.

use crate::gx::{Gx, Seen};
use crate::inverter::Inverter;
use crate::pack::{Pack, STEP};
use crate::params::{CableParams, Params};
use crate::solar::Solar;
use proto::quantity::{Amps, Micros};

/// Everything electrical.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) pack: Pack,
    pub(crate) inverter: Inverter,
    pub(crate) solar: Solar,
    cables: CableParams,
    closed: bool,
    /// of the battery, positive when it charges
    amps: f64,
    bus: f64,
    /// share of its voltage that a dead bus keeps per step
    decay: f64,
    rating: Amps,
}

impl Site {
    pub(crate) fn new(p: &Params, pack: Pack, mains: bool, scan_phase: f64) -> Self {
        let ohms = pack.static_ohms() + p.cables.battery.0;
        Self {
            inverter: Inverter::new(&p.inverter, ohms, p.gx.nominal, mains),
            solar: Solar::new(&p.solar, &p.psu, ohms, scan_phase),
            cables: p.cables.clone(),
            closed: true,
            amps: 0.0,
            bus: pack.emf(),
            decay: libm::exp(-STEP.secs() / p.cables.bus_decay.secs()),
            rating: p.solar.maximum_current,
            pack,
        }
    }

    /// One step that ends at `at`.
    pub(crate) fn step(&mut self, at: Micros, gx: &Gx) {
        let (solar, inverter) = (gx.solar(at, self.closed), gx.inverter(at, self.closed));
        let into = self.solar.step(at, self.bus + self.solar.amps() * self.cables.solar.0, &solar);
        let drop = self.inverter.amps() * self.cables.inverter.0;
        let out = self.inverter.step(at, self.bus - drop, into, &inverter);
        if self.closed {
            self.amps = into - out;
            self.pack.step(self.amps);
            self.bus = self.terminals() + self.amps * self.cables.battery.0;
        } else {
            self.pack.step(0.0);
            self.bus *= self.decay;
        }
    }

    /// Opens or closes the battery's contactor.
    pub(crate) fn contactor(&mut self, closed: bool) {
        if self.closed && !closed {
            let spike = self.amps * self.cables.opening_spike.0;
            self.bus = (self.bus + spike).min(self.cables.spike_ceiling.0.max(self.bus)).max(0.0);
            self.amps = 0.0;
        } else if closed && !self.closed {
            self.bus = self.terminals();
        }
        self.closed = closed;
    }

    /// Voltage at the battery's terminals, V.
    pub(crate) fn terminals(&self) -> f64 {
        self.pack.emf() + self.amps * self.pack.ohms()
    }

    /// Current of the battery, positive when it charges, A.
    pub(crate) fn amps(&self) -> f64 {
        self.amps
    }

    /// Voltage of the bus, V.
    pub(crate) fn bus(&self) -> f64 {
        self.bus
    }

    /// What the GX reads every second.
    pub(crate) fn seen(&self) -> Seen {
        Seen {
            mains: self.inverter.connected(),
            volts: self.bus,
            inverter: -self.inverter.amps(),
            solar: self.solar.amps(),
            solar_rating: self.rating,
        }
    }
}

#[cfg(test)]
mod tests;
