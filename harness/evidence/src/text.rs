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

/// The text as a cell of a table with commas between its cells. What a spreadsheet would take for the beginning of a formula
/// has an apostrophe in front.
#[must_use]
pub fn csv_cell(text: &str) -> String {
    let text = plain(text);
    let formula = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    if text.contains([',', '"']) {
        format!("\"{formula}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{formula}{text}")
    }
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

    #[rstest]
    #[case("hold 60 min", "hold 60 min")]
    #[case("a, \"b\"\n", "\"a, \"\"b\"\" \"")]
    #[case("=1+1", "'=1+1")]
    #[case("@a,b", "\"'@a,b\"")]
    fn cells(#[case] from: &str, #[case] to: &str) {
        assert_eq!(csv_cell(from), to);
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
