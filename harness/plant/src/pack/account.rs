//! What went through the cells and what is in them: the pack's side of the [`crate::ledger::Ledger`].

use super::{Pack, sq};

/// Sums since the start. Charge in C over all cells where not said otherwise, energy in J.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Account {
    /// ∫ I dt through the terminals, once
    pub(crate) passed: f64,
    /// by balancing
    pub(crate) bled: f64,
    /// by self-discharge
    pub(crate) leaked: f64,
    /// charge that a stimulus put into the cells or took out
    pub(crate) placed: f64,
    /// of resistances and hysteresis, but not of what `squares` still holds
    pub(crate) heat: f64,
    /// in the balancing resistors
    pub(crate) balancing: f64,
    /// by self-discharge
    pub(crate) leakage: f64,
    /// energy that a stimulus put into the cells or took out
    pub(crate) placed_energy: f64,
}

impl Account {
    /// A cell lost charge at a voltage.
    #[inline]
    pub(super) fn lose(&mut self, bled: f64, leaked: f64, volts: f64) {
        self.bled += bled;
        self.leaked += leaked;
        self.balancing += bled * volts;
        self.leakage += leaked * volts;
    }

    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            bled: self.bled + other.bled,
            leaked: self.leaked + other.leaked,
            placed: self.placed + other.placed,
            heat: self.heat + other.heat,
            balancing: self.balancing + other.balancing,
            leakage: self.leakage + other.leakage,
            placed_energy: self.placed_energy + other.placed_energy,
        }
    }

    pub(super) fn place(&mut self, charge: f64, energy: f64) {
        self.placed += charge;
        self.placed_energy += energy;
    }
}

impl Pack {
    /// Charge in all cells, C, summed.
    pub(crate) fn held(&self) -> f64 {
        let held: f64 = self.soc.iter().zip(&self.capacity).map(|(soc, capacity)| soc * capacity).sum();
        held + self.charge * self.soc.len() as f64
    }

    /// Energy in J: of the cells at rest, counted from the lowest point of the curve, of RC pairs and hysteresis.
    pub(crate) fn stored(&self) -> f64 {
        let cell = |(soc, capacity): (&f64, &f64)| capacity * self.ocv.energy(soc + self.charge / capacity);
        let rest: f64 = self.soc.iter().zip(&self.capacity).map(cell).sum();
        let n = self.soc.len() as f64;
        // The hysteresis is moved at the next look: until then its work is held whole.
        let hysteresis = n
            * self.hysteresis_volts
            * (0.5 * self.hysteresis_span * sq(self.hysteresis) + self.hysteresis * self.charge);
        rest + hysteresis + self.polarisation()
    }

    /// Energy in J of the RC pairs.
    pub(super) fn polarisation(&self) -> f64 {
        let pair = |n: usize| 0.5 * self.tau[n] * self.r[n + 1] * sq(self.filtered[n]);
        self.factor * self.cells * (pair(0) + pair(1))
    }

    /// Sums up to now.
    pub(crate) fn account(&self) -> Account {
        let joule: f64 = self.r.iter().zip(self.squares).map(|(ohms, squares)| ohms * squares).sum();
        Account { heat: self.account.heat + self.factor * self.cells * joule, ..self.account }
    }
}
