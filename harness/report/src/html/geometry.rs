//! Where things stand in a figure. `report.js` gets the same numbers in the data block.

use proto::quantity::Micros;

/// Width of the drawing; everything is in its units.
pub(crate) const WIDTH: f64 = 1000.0;
/// Left and right end of the time axis.
pub(crate) const LEFT: f64 = 58.0;
pub(crate) const RIGHT: f64 = 778.0;
/// Rows for labels of moments, and their height.
pub(crate) const LABEL_ROWS: usize = 3;
pub(crate) const LABEL: f64 = 14.0;
pub(crate) const STEP: f64 = 17.0;
pub(crate) const EVIDENCE: f64 = 13.0;
/// Space above a panel for its title.
pub(crate) const GAP: f64 = 22.0;
/// Width of a letter, on average, in the labels.
pub(crate) const LETTER: f64 = 6.1;

/// The lanes above the panels.
pub(crate) struct Lanes {
    /// rows of labels
    pub(crate) labels: usize,
    /// top of the row of steps, where there are any
    pub(crate) steps: Option<f64>,
    /// top of the rows of evidence
    pub(crate) evidence: f64,
    /// top of the rows of alarms
    pub(crate) alarms: f64,
    /// where the panels begin
    pub(crate) bottom: f64,
}

impl Lanes {
    pub(crate) fn new(labels: usize, steps: bool, findings: usize, alarms: usize) -> Self {
        let after_labels = labels as f64 * LABEL + 4.0;
        let after_steps = after_labels + if steps { STEP + 5.0 } else { 0.0 };
        let after_evidence = after_steps + findings as f64 * EVIDENCE;
        let bottom = after_evidence + alarms as f64 * EVIDENCE;
        Self {
            labels,
            steps: steps.then_some(after_labels),
            evidence: after_steps,
            alarms: after_evidence,
            bottom,
        }
    }
}

/// Which part of a case is over at a time.
pub(crate) fn share(t: Micros, length: Micros) -> f64 {
    if length.0 == 0 { 0.0 } else { (t.0 as f64 / length.0 as f64).min(1.0) }
}

/// A time on the drawing.
pub(crate) fn x_of(t: Micros, length: Micros) -> f64 {
    LEFT + share(t, length) * (RIGHT - LEFT)
}
