//! Times in raw evidence: seconds with six decimals, so that no microsecond is lost.

use proto::digits;
use proto::quantity::Micros;

use crate::raw::Fault;

/// What a reader expects, for messages.
pub(crate) const EXPECTED: &str = "a time in seconds with six decimals, such as `12.000250`";

/// Appends `12.000250`.
pub(crate) fn put(out: &mut Vec<u8>, at: Micros) {
    digits::whole(out, at.0 / 1_000_000);
    digits::decimals(out, at.0 % 1_000_000, 6);
}

/// The same as text.
pub(crate) fn write(at: Micros) -> String {
    format!("{}.{:06}", at.0 / 1_000_000, at.0 % 1_000_000)
}

/// Reads what [`put`] wrote.
pub(crate) fn read(text: &str) -> Option<Micros> {
    let (s, us) = text.split_once('.')?;
    if us.len() != 6 || !us.bytes().chain(s.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let s: u64 = s.parse().ok()?;
    Some(Micros(s.checked_mul(1_000_000)?.checked_add(us.parse().ok()?)?))
}

/// Reads the first and the last cell of a row of raw evidence: when, and what was recorded in the case before it.
pub(crate) fn place(at: &str, input: &str) -> Result<(Micros, u64), Fault> {
    let when = read(at).ok_or_else(|| Fault::cell("time_s", at, EXPECTED))?;
    Ok((when, input.parse().map_err(|_| Fault::cell("input", input, "a whole number"))?))
}

/// Reads a time in brackets in front of a line, `(12.000250) `, and gives what follows.
pub(crate) fn bracketed(line: &str) -> Option<(Micros, &str)> {
    let (time, rest) = line.strip_prefix('(')?.split_once(") ")?;
    Some((read(time)?, rest))
}
