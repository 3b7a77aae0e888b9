//! Text from outside (suite files, CAN strings, instruments) made safe to show.

use std::borrow::Cow;

/// The text without anything a terminal, an XML parser or a reader could be misled by: escape sequences
/// go, line breaks and tabs become spaces, other control characters, marks that turn the direction of
/// writing and characters outside XML become `\u{fffd}`.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next_if(|&c| matches!(c, '[' | ']' | 'P' | 'X' | '^' | '_')) {
                // CSI: parameters and intermediates, then one final byte.
                Some('[') => {
                    while chars.next_if(|c| ('\u{20}'..='\u{3f}').contains(c)).is_some() {}
                    chars.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
                }
                // A string sequence: up to BEL or ESC \, at most as long as a title is.
                Some(_) => {
                    for _ in 0..256 {
                        match chars.next() {
                            Some('\u{1b}') => {
                                chars.next_if_eq(&'\\');
                                break;
                            }
                            Some('\u{7}') | None => break,
                            Some(_) => {}
                        }
                    }
                }
                None => {
                    chars.next_if(|c| c.is_ascii_alphanumeric());
                }
            },
            '\n' | '\r' | '\t' => out.push(' '),
            c if harmless(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    Cow::Owned(out)
}

fn harmless(c: char) -> bool {
    !(c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'))
}

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
    #[case("reference", "reference")]
    #[case("≤ 1.5 %/h at 25 °C, 0.2 mΩ", "≤ 1.5 %/h at 25 °C, 0.2 mΩ")]
    #[case("\u{1b}[31mred\u{1b}[0m", "red")]
    #[case("\u{1b}]0;title\u{7}after", "after")]
    #[case("\u{1b}]8;;http://x\u{1b}\\link", "link")]
    #[case("two\nlines\tand tab", "two lines and tab")]
    #[case("nul\0bell\u{7}", "nul\u{fffd}bell\u{fffd}")]
    #[case("c1 \u{9b}31m", "c1 \u{fffd}31m")]
    #[case("evil\u{202e}txt.exe", "evil\u{fffd}txt.exe")]
    fn made_safe(#[case] from: &str, #[case] to: &str) {
        assert_eq!(plain(from), to);
    }

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
        fn nothing_harmful_is_left(text in any::<String>()) {
            prop_assert!(plain(&text).chars().all(harmless));
        }

        #[test]
        fn a_slug_is_a_file_name(text in any::<String>()) {
            let slug = slug(&text);
            prop_assert!(!slug.is_empty() && slug.len() <= 48);
            prop_assert!(slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            prop_assert!(!slug.starts_with('-') && !slug.ends_with('-'));
        }
    }
}
