//! The DC bus and what hangs on it: battery behind its contactors, inverter/charger, solar charger.
//!
//! Every slice of time has constant currents, found from the mean voltages of that slice, so that what one device
//! gives the others take to the last bit. The bus has little capacitance: behind a closed contactor it follows at
//! once. When the contactor opens, what still flows for a moment lifts or drops it, and everything stops.

use crate::faults::Broken;
use crate::gx::{Gx, Seen};
use crate::inverter::Inverter;
use crate::ledger::{Flows, Ledger};
use crate::modules::Modules;
use crate::pack::{STEP, Slice};
use crate::params::{CableParams, Params};
use crate::solar::Solar;
use proto::quantity::{Amps, Micros};

/// Everything electrical.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) modules: Modules,
    pub(crate) inverter: Inverter,
    pub(crate) solar: Solar,
    cables: CableParams,
    /// resistance of battery cable and contactor, with what a fault adds
    battery_cable: f64,
    /// of the battery, positive when it charges
    amps: f64,
    /// mean of the last slice, which its capacitance holds
    bus: f64,
    rating: Amps,
    step: Slice,
    /// kept only where somebody asks for them: they are counted in every slice
    flows: Option<Flows>,
    broken: Broken,
    room: f64,
}

impl Site {
    pub(crate) fn new(p: &Params, modules: Modules, mains: bool, scan_phase: f64) -> Self {
        Self {
            inverter: Inverter::new(&p.inverter, &p.ac_pv, p.gx.nominal, mains),
            solar: Solar::new(&p.solar, &p.psu, p.gx.nominal, scan_phase),
            battery_cable: p.cables.battery.0,
            cables: p.cables.clone(),
            amps: 0.0,
            bus: modules.terminals(),
            rating: p.solar.maximum_current,
            step: modules.slice(STEP),
            flows: None,
            broken: Broken::default(),
            room: p.pack.ambient.0,
            modules,
        }
    }

    /// One step that ends at `at`; where a contactor moves meanwhile, in pieces.
    #[inline]
    pub(crate) fn step(&mut self, at: Micros, gx: &Gx) {
        if self.modules.due() > at {
            let whole = self.step;
            return self.pass(at, &whole, gx);
        }
        self.pieces(at, gx);
    }

    #[inline(never)]
    fn pieces(&mut self, at: Micros, gx: &Gx) {
        let mut begin = Micros(at.0 - STEP.0);
        loop {
            let due = self.modules.due();
            if due > at {
                break;
            }
            let before = due.since(begin);
            if before > Micros::ZERO {
                self.pass(due, &self.modules.slice(before), gx);
            }
            if self.modules.switch(due) {
                self.part();
            }
            begin = due.max(begin);
        }
        let after = at.since(begin);
        if after > Micros::ZERO {
            self.pass(at, &self.modules.slice(after), gx);
        }
    }

    fn pass(&mut self, at: Micros, slice: &Slice, gx: &Gx) {
        let source = self.modules.source(slice);
        let closed = source.is_some();
        let (solar, inverter) = (gx.solar(at, closed), gx.inverter(at, closed));
        let (to_solar, to_inverter) = (self.cables.solar.0, self.cables.inverter.0);

        // Seen from the devices, battery and capacitance are one source behind one resistance.
        let capacitance = self.cables.capacitance.0 / slice.secs;
        let (volts, ohms) = if let Some(source) = source {
            let ohms = source.ohms + self.battery_cable;
            let share = 1.0 / (1.0 + capacitance * ohms);
            ((source.volts + capacitance * ohms * self.bus) * share, ohms * share)
        } else {
            (self.bus, 1.0 / capacitance)
        };
        // Within a slice both work on a voltage that they change themselves: what they have not worked off yet is left.
        let gain = self.solar.gain() + self.inverter.gain(self.bus);
        let left = 1.0 / (1.0 + slice.secs * ohms * gain);
        let into = self.solar.step(at, slice.secs, self.bus + self.solar.amps() * to_solar, left, &solar);
        let drop = self.inverter.amps() * to_inverter;
        let power = self.inverter.step(at, slice.secs, self.bus - drop, into, left, &inverter);
        let drawn = current(power, volts + into * ohms, ohms + to_inverter);
        let out = self.inverter.settle(at, drawn);
        let bus = volts + (into - out) * ohms;
        let rise = bus - self.bus;
        self.amps = if closed { into - out - capacitance * rise } else { 0.0 };
        self.modules.step(self.amps, slice);
        self.book(slice.secs, into, out, bus);
        if let Some(flows) = &mut self.flows {
            flows.cables += slice.secs * self.amps * self.amps * self.battery_cable
                + 0.5 * self.cables.capacitance.0 * rise * rise;
        }
        self.bus = bus;
        if !closed {
            self.fade(slice.secs);
        }
    }

    /// Enters what the devices did in a time at a mean voltage of the bus.
    #[inline]
    fn book(&mut self, secs: f64, into: f64, out: f64, bus: f64) {
        let (to_solar, to_inverter) = (self.cables.solar.0, self.cables.inverter.0);
        let at_solar = bus + into * to_solar;
        let pv = self.solar.settle(at_solar);
        let Some(f) = &mut self.flows else { return };
        let dc = (bus - out * to_inverter) * out;
        let ac = self.inverter.ac();
        f.pv += secs * pv;
        f.grid += secs * ac.grid;
        f.ac_pv += secs * ac.pv;
        f.loads += secs * ac.loads;
        f.cables += secs * (into * into * to_solar + out * out * to_inverter);
        f.converters += secs * (pv - into * at_solar + dc - ac.given + ac.own);
    }

    /// The battery is gone under load: what still flows until everything has stopped moves the bus.
    fn part(&mut self) {
        let (into, out) = (self.solar.amps(), self.inverter.amps());
        let capacitance = self.cables.capacitance.0;
        let net = into - out;
        let room =
            if net > 0.0 { (self.cables.spike_ceiling.0 - self.bus).max(0.0) } else { self.bus.max(0.0) };
        let stop = self.cables.stop_time.secs();
        let secs = if net.abs() * stop > room * capacitance { room * capacitance / net.abs() } else { stop };
        let rise = net * secs / capacitance;
        self.book(secs, into, out, self.bus + 0.5 * rise);
        self.bus += rise;
        self.amps = 0.0;
    }

    /// A bus without battery dies through what still hangs on it.
    fn fade(&mut self, secs: f64) {
        let before = self.bus;
        self.bus *= libm::exp(-secs / self.cables.bus_decay.secs());
        if let Some(flows) = &mut self.flows {
            flows.converters += 0.5 * self.cables.capacitance.0 * (before * before - self.bus * self.bus);
        }
    }

    /// What is broken from now on.
    pub(crate) fn breaks(&mut self, at: Micros, broken: &Broken) {
        let before = core::mem::replace(&mut self.broken, *broken);
        self.modules.first().contactor.ail(at, broken.contactor);
        self.solar.supply.fail(broken.supply_off, broken.supply_silent);
        self.solar.force_scan(broken.scan);
        if before.ambient != broken.ambient {
            self.modules.acclimatise(broken.ambient.unwrap_or(self.room));
        }
        if before.cell.to_bits() != broken.cell.to_bits() {
            self.modules.first().pack.resist(broken.cell);
        }
        self.battery_cable = self.cables.battery.0 + broken.cable;
    }

    /// Voltage of the bus, V.
    pub(crate) fn bus(&self) -> f64 {
        self.bus
    }

    /// From now on what crosses its borders is counted.
    pub(crate) fn count(&mut self) {
        self.flows = Some(Flows::default());
    }

    /// What came and went until now.
    pub(crate) fn ledger(&self) -> Ledger {
        let bus = 0.5 * self.cables.capacitance.0 * self.bus * self.bus;
        Ledger::new(
            &self.flows.unwrap_or_default(),
            &self.modules.account(),
            self.modules.held(),
            self.modules.stored() + bus,
        )
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

/// The current at which a source of `volts` behind `ohms` gives this power, of the two the smaller; none where it
/// cannot.
fn current(watts: f64, volts: f64, ohms: f64) -> Option<f64> {
    let rest = volts * volts - 4.0 * ohms * watts;
    (volts > 0.0 && rest >= 0.0 || watts.abs() <= 0.0)
        .then(|| if watts.abs() <= 0.0 { 0.0 } else { 2.0 * watts / (volts + rest.sqrt()) })
}

#[cfg(test)]
mod tests;
