//! Numbers as text. Logs and evidence are mostly digits, and a night at full bus load is a hundred million lines, so they
//! are made by hand.

use crate::rounding::round;

/// The two digits of every number below a hundred.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut value = 0;
    while value < 100 {
        pairs[value] = [b'0' + value as u8 / 10, b'0' + value as u8 % 10];
        value += 1;
    }
    pairs
};

/// Fills places with the last digits of a whole number, leading zeros included.
pub fn fill(places: &mut [u8], mut value: u64) {
    let (odd, pairs) = places.as_rchunks_mut();
    for pair in pairs.iter_mut().rev() {
        *pair = PAIRS[(value % 100) as usize];
        value /= 100;
    }
    if let [place] = odd {
        *place = b'0' + (value % 10) as u8;
    }
}

/// The byte that two hexadecimal digits stand for.
#[must_use]
pub fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// The first byte of a text in which `slice::escape_ascii` or Python have escaped what is not printable, and what follows it.
#[must_use]
pub fn unescape(text: &[u8]) -> Option<(u8, &[u8])> {
    Some(match text {
        [b'\\', b'x', high, low, after @ ..] => (byte(*high, *low)?, after),
        [b'\\', b't', after @ ..] => (b'\t', after),
        [b'\\', b'n', after @ ..] => (b'\n', after),
        [b'\\', b'r', after @ ..] => (b'\r', after),
        [b'\\', itself @ (b'\\' | b'\'' | b'"'), after @ ..] => (*itself, after),
        [printable @ b' '..=b'~', after @ ..] if *printable != b'\\' => (*printable, after),
        _ => return None,
    })
}

/// Appends a whole number.
pub fn whole(out: &mut Vec<u8>, value: u64) {
    // Most are volts and amperes: one or two digits.
    match value {
        0..10 => return out.push(b'0' + value as u8),
        10..100 => return out.extend_from_slice(&PAIRS[value as usize]),
        _ => {}
    }
    let mut text = [0; 20];
    let count = value.checked_ilog10().map_or(1, |log| log as usize + 1);
    fill(&mut text[..count], value);
    out.extend_from_slice(&text[..count]);
}

/// Appends a point and so many decimals of a part of a whole, 20 at most.
pub fn decimals(out: &mut Vec<u8>, part: u64, count: usize) {
    let mut text = [b'.'; 21];
    fill(&mut text[1..=count], part);
    out.extend_from_slice(&text[..=count]);
}

/// Appends a number with as many digits as it takes to read back the very same value, as `{}` does.
pub fn number(out: &mut Vec<u8>, value: f64) {
    /// Instruments tell no more than three decimals, most of the time.
    const THOUSANDTHS: f64 = 1000.0;
    /// No two numbers of fifteen digits or fewer are the same value: the one that is found is the shortest.
    const FIFTEEN_DIGITS: f64 = 1e15;
    let parts = round(value * THOUSANDTHS);
    if value.is_nan() || parts.abs() >= FIFTEEN_DIGITS || (parts / THOUSANDTHS).to_bits() != value.to_bits() {
        out.extend_from_slice(value.to_string().as_bytes());
        return;
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let parts = parts.abs() as u64;
    whole(out, parts / 1000);
    match parts % 1000 {
        0 => {}
        part if part % 100 == 0 => decimals(out, part / 100, 1),
        part if part % 10 == 0 => decimals(out, part / 10, 2),
        part => decimals(out, part, 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(value: f64) -> String {
        let mut out = Vec::new();
        number(&mut out, value);
        String::from_utf8(out).expect("digits")
    }

    proptest! {
        #[test]
        fn are_those_of_the_standard_library(bits: u64, parts in -10_000_000_000_i64..10_000_000_000, decimals in 0..6, n: u64) {
            let decimal = parts as f64 / 10_f64.powi(decimals);
            for value in [f64::from_bits(bits), decimal, decimal.next_up(), decimal.next_down(), n as f64] {
                prop_assert_eq!(written(value), value.to_string());
            }
            let mut out = Vec::new();
            whole(&mut out, n);
            prop_assert_eq!(String::from_utf8(out), Ok(n.to_string()));
        }
    }

    #[test]
    fn a_byte_is_two_hexadecimal_digits() {
        assert_eq!(byte(b'0', b'0'), Some(0));
        assert_eq!(byte(b'a', b'F'), Some(0xAF));
        assert_eq!((byte(b'G', b'0'), byte(b'0', b' '), byte(0xC3, b'0')), (None, None, None));
    }

    #[test]
    fn what_is_escaped_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        let escaped = all.escape_ascii().to_string();
        let (mut found, mut rest) = (Vec::new(), escaped.as_bytes());
        while let Some((byte, after)) = unescape(rest) {
            found.push(byte);
            rest = after;
        }
        assert_eq!((found, rest.len()), (all, 0));
        assert_eq!(
            (unescape(b"\\x4"), unescape(b"\\q"), unescape(b"\x07"), unescape(b"")),
            (None, None, None, None)
        );
    }

    #[test]
    fn ends_are_the_same_too() {
        for value in [
            0.0,
            -0.0,
            0.001,
            0.0005,
            1e12,
            999_999_999_999.999,
            1e15,
            f64::MAX,
            f64::MIN_POSITIVE,
            f64::NAN,
            f64::INFINITY,
        ] {
            assert_eq!(written(value), value.to_string());
            assert_eq!(written(-value), (-value).to_string());
        }
    }
}
