//! What the parts of a management system decide on.

use proto::quantity::Micros;

use super::diagnosis::Diagnosis;

/// One sample as the sensors of the battery saw it, and what has been concluded from it so far.
/// Plain numbers in base units: V, A, °C, %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    /// time of the sample
    pub(super) at: Micros,
    /// time since the sample before, s
    pub(super) dt: f64,
    /// sum of the cells
    pub(super) pack: f64,
    /// positive charges
    pub(super) current: f64,
    /// its mean since the sample before
    pub(super) mean_current: f64,
    /// the most that charged since the sample before
    pub(super) most_current: f64,
    /// voltage of the highest cell
    pub(super) highest: f64,
    /// voltage of the lowest cell
    pub(super) lowest: f64,
    /// coldest cell
    pub(super) min_temperature: f64,
    /// warmest cell
    pub(super) max_temperature: f64,
    /// DC bus outside the contactor
    pub(super) bus: f64,
    /// state of charge as counted
    pub(super) soc: f64,
    /// installed capacity, Ah
    pub(super) capacity: f64,
    /// the contactor was closed when the sample was taken
    pub(super) connected: bool,
    /// what the electronics know of themselves
    pub(super) diagnosis: Diagnosis,
}

#[cfg(test)]
impl View {
    /// A battery of 16 cells alike, 280 Ah at 25 °C, that nothing is wrong with.
    pub(super) fn sound(at: u64, cell: f64, current: f64) -> Self {
        Self {
            at: Micros::from_secs(at),
            dt: 1.0,
            pack: cell * 16.0,
            current,
            mean_current: current,
            most_current: current,
            highest: cell,
            lowest: cell,
            min_temperature: 25.0,
            max_temperature: 25.0,
            bus: cell * 16.0,
            soc: 0.0,
            capacity: 280.0,
            connected: true,
            diagnosis: Diagnosis::default(),
        }
    }
}

/// A first-order low-pass filter that starts at its first input.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct LowPass {
    value: Option<f64>,
}

impl LowPass {
    /// Takes a sample `dt` seconds after the last; `tau` is the time constant in seconds.
    pub(super) fn push(&mut self, input: f64, dt: f64, tau: f64) -> f64 {
        let last = self.value.unwrap_or(input);
        let share = if tau > 0.0 { 1.0 - libm::exp(-dt / tau) } else { 1.0 };
        let value = last + (input - last) * share;
        self.value = Some(value);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_pass_covers_63_percent_of_a_step_in_one_time_constant() {
        let mut filter = LowPass::default();
        filter.push(0.0, 1.0, 10.0);
        let after: f64 = (0..10).map(|_| filter.push(1.0, 1.0, 10.0)).last().unwrap();
        assert!((after - 0.632).abs() < 1e-3, "{after}");
    }
}
