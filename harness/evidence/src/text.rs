//! Text from outside (suite files, CAN strings, instruments) made safe to show.

pub use proto::text::plain;

/// The text as part of a file name or an HTML id: lower-case letters, digits and hyphens, never empty,
/// at most 48 characters.
#[must_use]
pub fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if out.len() == 48 {
            break;
        }
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let kept = out.trim_end_matches('-');
    if kept.is_empty() { "x".to_owned() } else { kept.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("feed-in", "feed-in")]
    #[case("../../etc/passwd", "etc-passwd")]
    #[case("Acme  LFP 16S!", "acme-lfp-16s")]
    #[case("", "x")]
    #[case("蓄電池", "x")]
    fn slugs(#[case] from: &str, #[case] to: &str) {
        assert_eq!(slug(from), to);
    }

    proptest! {
        #[test]
        fn a_slug_is_a_file_name(text in any::<String>()) {
            let slug = slug(&text);
            prop_assert!(!slug.is_empty() && slug.len() <= 48);
            prop_assert!(slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            prop_assert!(!slug.starts_with('-') && !slug.ends_with('-'));
        }
    }
}
