//! Words of evidence that say what a failure is of. Whoever writes it and whoever asks what follows from what share them.

/// Before a condition that a case expected.
pub(crate) const EXPECTED: &str = "expected: ";
/// When it came true, if it did not.
pub(crate) const NEVER: &str = "never";
/// Behind the line in which it stands.
pub(crate) const OF_THE_SUITE: &str = " of the suite)";
/// Frames with a CVL of 0.
pub(crate) const ZERO_CVL: &str = "CVL = 0";

/// How often a message was heard.
pub(crate) fn frames(count: u64) -> String {
    format!("{count} frames")
}
