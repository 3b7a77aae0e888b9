//! Passive balancing: the cells that stand above the lowest are bled through a resistor.

use proto::quantity::{Amps, Micros, Volts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::params::{ParamsError, positive};

/// When a cell is bled.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BalancingParams {
    /// only a cell above this is bled: on the plateau voltage says nothing of charge
    pub start: Volts,
    /// and only where it stands so far above the lowest
    pub min_delta: Volts,
    /// the current it is bled with
    pub current: Amps,
}

/// 150 mA is in the usual 50–200 mA of passive balancing; the levels are assumptions. The start lies below where a
/// control loop lets its highest cell sink, or balancing would end before the loop could raise CVL again.
impl Default for BalancingParams {
    fn default() -> Self {
        Self { start: Volts(3.37), min_delta: Volts(0.010), current: Amps(0.150) }
    }
}

impl BalancingParams {
    pub(super) fn check(&self) -> Result<(), ParamsError> {
        positive("balancing.min-delta", self.min_delta.0)
    }
}

/// The choice of cells is renewed so often; in between the switches stay, so that they do not chatter (assumption).
const PERIOD: Micros = Micros::from_secs(10);

/// Balancing at work.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Balancer {
    params: BalancingParams,
    /// of each cell
    drains: Vec<Amps>,
    next: Micros,
}

impl Balancer {
    pub(super) fn new(params: BalancingParams, cells: usize) -> Self {
        Self { params, drains: vec![Amps::ZERO; cells], next: Micros::ZERO }
    }

    pub(super) fn sample(&mut self, at: Micros, cells: &[Volts], lowest: f64) {
        if at < self.next {
            return;
        }
        self.next = at + PERIOD;
        let p = &self.params;
        for (drain, &cell) in self.drains.iter_mut().zip(cells) {
            let bleeds = cell >= p.start && cell.0 - lowest >= p.min_delta.0;
            *drain = if bleeds { p.current } else { Amps::ZERO };
        }
    }

    /// The current that each cell is bled with.
    pub(super) fn drains(&self) -> &[Amps] {
        &self.drains
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_high_cells_that_stand_above_the_others_bleed() {
        let mut balancer = Balancer::new(BalancingParams::default(), 4);
        let bled = BalancingParams::default().current;
        balancer.sample(Micros::ZERO, &[3.45, 3.40, 3.39, 3.385].map(Volts), 3.385);
        assert_eq!(balancer.drains(), [bled, bled, Amps::ZERO, Amps::ZERO]);
        balancer.sample(Micros::from_secs(10), &[3.330, 3.300, 3.300, 3.300].map(Volts), 3.300);
        assert_eq!(balancer.drains(), [Amps::ZERO; 4], "on the plateau nothing bleeds");
    }
}
