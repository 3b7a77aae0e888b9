//! What the verdicts were proven on: the batteries that do right and that the judge was tried with, over and over.
//!
//! A battery outside of it is judged all the same, by the same rules; nobody has shown yet that they are fair to it.

use core::fmt;

use proto::quantity::{AmpHours, Volts};

use crate::battery::Battery;

/// A range of batteries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Envelope {
    /// cells in series
    pub cells: u16,
    /// their chemistry, in a word
    pub chemistry: &'static str,
    /// cell voltages at which a pack of that chemistry disconnects itself: from, to
    pub cell_over_voltage: (Volts, Volts),
    /// nominal voltage
    pub nominal: Volts,
    /// installed capacity: from, to
    pub capacity: (AmpHours, AmpHours),
}

/// The batteries of `rigs/batteries` that must be certified, in every cell of the matrix. A test of the rig crate holds it
/// against the files.
pub const PROVEN: Envelope = Envelope {
    cells: 16,
    chemistry: "LFP",
    cell_over_voltage: (Volts(3.5), Volts(3.8)),
    nominal: Volts(48.0),
    capacity: (AmpHours(200.0), AmpHours(314.0)),
};

impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = self.capacity;
        write!(f, "{} {} cells, {}, {:.0} to {to}", self.cells, self.chemistry, self.nominal, from.0)
    }
}

impl Envelope {
    /// What of a battery lies outside, in words; nothing where it lies inside.
    #[must_use]
    pub fn outside(&self, battery: &Battery) -> Option<String> {
        let mut found = Vec::new();
        if battery.cells != self.cells {
            found.push(format!("{} cells", battery.cells));
        }
        let (from, to) = self.cell_over_voltage;
        if !(from..=to).contains(&battery.cell_over_voltage) {
            found.push(format!("cells that are no {}, up to {}", self.chemistry, battery.cell_over_voltage));
        }
        let (from, to) = self.capacity;
        if !(from..=to).contains(&battery.capacity) {
            found.push(battery.capacity.to_string());
        }
        (!found.is_empty()).then(|| {
            format!(
                "this battery lies outside of what the verdicts were proven on ({self}): {}",
                found.join(", ")
            )
        })
    }
}
