//! Numbers as instruments show them.

/// Rounds as a register does that holds `value · scale` as an integer.
pub(crate) fn round(value: f64, scale: f64) -> f64 {
    (value * scale).round() / scale
}
