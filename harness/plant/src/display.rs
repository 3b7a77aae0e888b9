//! Numbers as instruments show them.

use proto::rounding;

/// Rounds as a register does that holds `value · scale` as an integer.
pub(crate) fn round(value: f64, scale: f64) -> f64 {
    rounding::round(value * scale) / scale
}
