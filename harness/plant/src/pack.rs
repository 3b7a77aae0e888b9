//! Cells in series: charge of each, shared polarisation, heat.
//!
//! Every cell carries the same current, so the two filters of an equivalent circuit with two RC pairs are shared by
//! all of them: a cell is `OCV(soc) + hysteresis + r·(R0·I + R1·i1 + R2·i2)`, `i1` and `i2` being the current through
//! the two resistors. A step costs the same for 16 cells as for 256; once a second the cells are looked at one by
//! one. Within a step the current is constant, so that charge, work, heat and what is stored are known exactly.

mod account;

use proto::quantity::{AmpHours, Amps, Micros, Percent};

use crate::ocv::Ocv;
use crate::params::PackParams;
use crate::rng::Rng;
pub(crate) use account::Account;

/// The step of the world.
pub(crate) const STEP: Micros = Micros::from_millis(100);

const MONTH: f64 = 30.0 * 86_400.0;
const GAS: f64 = 8.314;
const KELVIN: f64 = 273.15;

/// A stretch of time with constant current, and what the two filters make of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slice {
    /// its length in s
    pub(crate) secs: f64,
    /// share of the way to the current that each filter goes
    k: [f64; 2],
    /// the same share of its time constant, s
    tau_k: [f64; 2],
    /// resistance, Ω of a cell, behind which the mean of each filter stands for where it stood
    stood: [f64; 2],
    /// resistance of a cell as the mean over the slice
    ohms: f64,
}

/// A voltage behind a resistance, as the mean over a slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    /// V
    pub(crate) volts: f64,
    /// Ω
    pub(crate) ohms: f64,
}

impl Source {
    /// Both side by side.
    pub(crate) fn beside(self, other: Self) -> Self {
        let sum = self.ohms + other.ohms;
        let volts = (self.volts * other.ohms + other.volts * self.ohms) / sum;
        Self { volts, ohms: self.ohms * other.ohms / sum }
    }
}

/// Cells in series, with their connections.
#[derive(Debug, Clone)]
pub(crate) struct Pack {
    ocv: Ocv,
    /// state of charge of each cell, 1 being full
    soc: Vec<f64>,
    /// coulombs of each cell
    capacity: Vec<f64>,
    /// resistance of each cell, as a share of the nominal one
    spread: Vec<f64>,
    /// terminal voltages at the last look
    volts: Vec<f64>,
    hints: Vec<u8>,
    /// nominal resistances of one cell at 25 °C
    r: [f64; 3],
    /// sum of `spread`
    cells: f64,
    tau: [f64; 2],
    filtered: [f64; 2],
    /// where the voltage at rest lies between discharged (−1) and charged (+1)
    hysteresis: f64,
    hysteresis_volts: f64,
    /// C
    hysteresis_span: f64,
    self_discharge: f64,
    celsius: f64,
    /// of all resistances, from temperature
    factor: f64,
    activation: f64,
    heat_capacity: f64,
    cooling: f64,
    ambient: f64,
    ceiling: f64,
    /// sum of the open-circuit voltages at the last look, and their slope in V/C
    rest: f64,
    slope: f64,
    /// since the last look: charge in C, Σ I²·dt through R0, R1 and R2
    charge: f64,
    squares: [f64; 3],
    /// heat in J that the next look warms the cells with
    late: f64,
    /// the cell that an imbalance raises and a fault makes resist
    odd: usize,
    /// its resistance without fault
    sound: f64,
    account: Account,
}

impl Pack {
    pub(crate) fn new(p: &PackParams, cells: usize, capacity: AmpHours, soc: Percent, rng: &mut Rng) -> Self {
        let deviation = |spread: Percent, rng: &mut Rng| 1.0 + spread.0 / 100.0 * rng.normal();
        let coulombs = capacity.0 * 3600.0;
        let capacity: Vec<f64> = (0..cells).map(|_| coulombs * deviation(p.capacity_spread, rng)).collect();
        let spread: Vec<f64> = (0..cells).map(|_| deviation(p.resistance_spread, rng)).collect();
        let scale = p.reference_capacity.0 * 3600.0 / coulombs;
        let odd = (rng.bits() % cells as u64) as usize;
        let mut pack = Self {
            ocv: Ocv::new(&p.ocv),
            soc: vec![soc.0 / 100.0; cells],
            volts: vec![0.0; cells],
            hints: vec![0; cells],
            r: [p.r0.0 * scale, p.r1.0 * scale, p.r2.0 * scale],
            cells: spread.iter().sum(),
            capacity,
            tau: [p.tau1.secs(), p.tau2.secs()],
            filtered: [0.0; 2],
            hysteresis: 0.0,
            hysteresis_volts: p.hysteresis.0,
            hysteresis_span: p.hysteresis_span.0 / 100.0 * coulombs,
            self_discharge: p.self_discharge.0 / 100.0 / MONTH,
            celsius: p.ambient.0,
            factor: 1.0,
            activation: p.activation.0,
            heat_capacity: p.heat_capacity.0,
            cooling: p.cooling.0,
            ambient: p.ambient.0,
            ceiling: p.imbalance_ceiling.0 / 100.0,
            rest: 0.0,
            slope: 0.0,
            charge: 0.0,
            squares: [0.0; 3],
            late: 0.0,
            odd,
            sound: spread[odd],
            spread,
            account: Account::default(),
        };
        pack.look(0.0, 0.0, &[]);
        pack
    }

    /// What the filters do in a time.
    pub(crate) fn slice(&self, span: Micros) -> Slice {
        let secs = span.secs();
        let k = self.tau.map(|tau| -libm::expm1(-secs / tau));
        let tau_k = [self.tau[0] * k[0], self.tau[1] * k[1]];
        // The weight of where each filter stood, in its mean.
        let mean = [tau_k[0] / secs, tau_k[1] / secs];
        let [r0, r1, r2] = self.r;
        Slice {
            secs,
            k,
            tau_k,
            stood: [r1 * mean[0], r2 * mean[1]],
            ohms: r0 + r1 * (1.0 - mean[0]) + r2 * (1.0 - mean[1]),
        }
    }

    /// A slice with a current, positive when it charges.
    #[inline]
    pub(crate) fn step(&mut self, amps: f64, slice: &Slice) {
        let charge = amps * slice.secs;
        self.charge += charge;
        self.account.passed += charge;
        self.squares[0] += amps * charge;
        for n in 0..2 {
            let (k, apart) = (slice.k[n], self.filtered[n] - amps);
            self.squares[n + 1] +=
                amps * charge + slice.tau_k[n] * apart * (2.0 * amps + apart * (1.0 - 0.5 * k));
            self.filtered[n] -= apart * k;
        }
    }

    /// What the pack is between its terminals, as the mean over a slice with constant current.
    #[inline]
    pub(crate) fn source(&self, slice: &Slice) -> Source {
        let scale = self.factor * self.cells;
        let polarised = slice.stood[0] * self.filtered[0] + slice.stood[1] * self.filtered[1];
        Source {
            volts: self.rest + self.slope * self.charge + scale * polarised,
            ohms: 0.5 * self.slope * slice.secs + scale * slice.ohms,
        }
    }

    /// Voltage without current at this moment: what the ohmic drop adds to.
    pub(crate) fn emf(&self) -> f64 {
        let polarised = self.r[1] * self.filtered[0] + self.r[2] * self.filtered[1];
        self.rest + self.slope * self.charge + self.factor * self.cells * polarised
    }

    /// Ohmic resistance between the terminals.
    pub(crate) fn ohms(&self) -> f64 {
        self.factor * self.cells * self.r[0]
    }

    /// Brings the cells up to now: `amps` flow, `seconds` passed since the last look, and each cell lost the current in
    /// `drains` (none, where it is shorter).
    pub(crate) fn look(&mut self, amps: f64, seconds: f64, drains: &[Amps]) {
        let n = self.soc.len() as f64;
        let joule = self.factor
            * self.cells
            * self.r.iter().zip(self.squares).map(|(ohms, squares)| ohms * squares).sum::<f64>();
        let heat = joule + n * self.sweep_hysteresis();
        self.account.heat += heat;
        let warms = (heat + self.late) / n;
        self.celsius += (warms - self.cooling * (self.celsius - self.ambient) * seconds) / self.heat_capacity;
        self.squares = [0.0; 3];
        self.late = 0.0;
        self.warm();

        let offset = self.hysteresis * self.hysteresis_volts;
        let drop =
            self.factor * (self.r[0] * amps + self.r[1] * self.filtered[0] + self.r[2] * self.filtered[1]);
        let state = self.soc.iter_mut().zip(&mut self.hints).zip(&mut self.volts);
        let cells = state.zip(self.capacity.iter().zip(&self.spread)).enumerate();
        // Beside the pack: within it each sum would be stored anew for every cell.
        let (mut sums, mut account, charge, discharge) =
            ((0.0, 0.0), self.account, self.charge, self.self_discharge * seconds);
        for (i, (((soc, hint), volts), (&capacity, &spread))) in cells {
            let bled = drains.get(i).map_or(0.0, |drain| drain.0 * seconds);
            let leaked = discharge * capacity;
            let lost = bled + leaked;
            *soc += (charge - lost) / capacity;
            let (rest, slope) = self.ocv.at(*soc, hint);
            let slope = slope / capacity;
            account.lose(bled, leaked, rest + 0.5 * slope * lost);
            *volts = rest + offset + spread * drop;
            sums = (sums.0 + (rest + offset), sums.1 + slope);
        }
        self.account = account;
        (self.rest, self.slope, self.charge) = (sums.0, sums.1, 0.0);
    }

    /// Moves the hysteresis by the charge since the last look; returns its heat in J per cell. What it holds is that
    /// of a spring, `½·V·span·h²`; the heat is what the work left over.
    fn sweep_hysteresis(&mut self) -> f64 {
        let moved = self.charge.abs() / self.hysteresis_span;
        let before = self.hysteresis;
        self.hysteresis += (self.charge.signum() - before) * moved / (1.0 + moved);
        let held = 0.5 * self.hysteresis_span * (sq(self.hysteresis) - sq(before));
        self.hysteresis_volts * (before * self.charge - held)
    }

    /// Resistances by temperature. What the RC pairs hold changes with them; the difference comes from the heat.
    fn warm(&mut self) {
        let before = self.polarisation();
        let (kelvin, reference) = (self.celsius + KELVIN, 25.0 + KELVIN);
        self.factor = libm::exp(self.activation / GAS * (1.0 / kelvin - 1.0 / reference));
        self.settle(before);
    }

    fn settle(&mut self, before: f64) {
        let freed = before - self.polarisation();
        self.late += freed;
        self.account.heat += freed;
    }

    /// Puts one cell above the mean of the others, at most at the ceiling: where that leaves too little room, the
    /// others are put lower. At rest it then lies where a cell lies that somebody charged by itself.
    pub(crate) fn unbalance(&mut self, above: Percent) {
        let above = above.0 / 100.0;
        if self.soc.len() < 2 || above <= 0.0 {
            return;
        }
        self.look(0.0, 0.0, &[]);
        let (charge, energy) = (self.held(), self.stored());
        let others = (self.soc.iter().sum::<f64>() - self.soc[self.odd]) / (self.soc.len() - 1) as f64;
        let high = (others + above).min(self.ceiling.max(others));
        let lower = others + above - high;
        for (i, soc) in self.soc.iter_mut().enumerate() {
            *soc = if i == self.odd { high } else { *soc - lower };
        }
        self.look(0.0, 0.0, &[]);
        self.account.place(self.held() - charge, self.stored() - energy);
    }

    /// One cell resists more, by this share; none, at zero.
    pub(crate) fn resist(&mut self, more: f64) {
        self.look(0.0, 0.0, &[]);
        let before = self.polarisation();
        self.spread[self.odd] = self.sound * (1.0 + more);
        self.cells = self.spread.iter().sum();
        self.settle(before);
    }

    /// Room and cells get this temperature, °C.
    pub(crate) fn acclimatise(&mut self, celsius: f64) {
        self.look(0.0, 0.0, &[]);
        (self.ambient, self.celsius) = (celsius, celsius);
        self.warm();
    }

    /// Terminal voltage of each cell at the last look.
    pub(crate) fn volts(&self) -> &[f64] {
        &self.volts
    }

    /// Mean state of charge, 1 being full.
    pub(crate) fn soc(&self) -> f64 {
        self.soc.iter().sum::<f64>() / self.soc.len() as f64
    }

    /// Mean temperature in °C.
    pub(crate) fn celsius(&self) -> f64 {
        self.celsius
    }
}

fn sq(x: f64) -> f64 {
    x * x
}

#[cfg(test)]
mod tests;
