//! Rounding to whole numbers, as registers and fields of the wire hold them.

/// The nearest whole number, halves away from zero: [`f64::round`] to the last bit, without the call that it is on
/// processors that have no instruction for it.
#[must_use]
#[inline]
pub fn round(value: f64) -> f64 {
    /// From here on every number is whole.
    const WHOLE: f64 = (1_u64 << 52) as f64;
    let size = value.abs();
    // What is not a number is not smaller.
    if size < WHOLE {
        // The addition leaves no bit behind the point; it rounds halves to the even number.
        let even = (size + WHOLE) - WHOLE;
        let nearest = if size - even >= 0.5 { even + 1.0 } else { even };
        nearest.copysign(value)
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_that_of_the_standard_library(bits: u64, halves in -10_000_000_i64..10_000_000) {
            let any = Some(f64::from_bits(bits)).filter(|value| !value.is_nan());
            for value in any.into_iter().chain([halves as f64 / 2.0, (halves as f64 / 2.0).next_down()]) {
                prop_assert_eq!(round(value).to_bits(), value.round().to_bits(), "{}", value);
            }
        }
    }

    #[test]
    fn ends_are_the_same_too() {
        assert!(round(f64::NAN).is_nan());
        for value in [
            0.0,
            -0.0,
            0.5,
            0.5_f64.next_down(),
            4_503_599_627_370_495.5,
            4_503_599_627_370_497.0,
            f64::INFINITY,
        ] {
            assert_eq!(round(value).to_bits(), value.round().to_bits(), "{value}");
            assert_eq!(round(-value).to_bits(), (-value).round().to_bits(), "{value}");
        }
    }
}
