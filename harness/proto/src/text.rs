//! Text from outside (suite files, CAN strings, instruments, peers) made safe for a terminal, a log and JSON.

use std::borrow::Cow;

/// The known name that somebody most likely meant, where one is near enough to be a typing error.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|k| (strsim::damerau_levenshtein(name, k), k))
        .filter(|&(distance, k)| distance <= 1 + k.chars().count() / 4)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, k)| k)
}

/// Letters that a slip of the hand turns into others: two of them, or two that changed places and one more.
const SLIP: usize = 2;

/// At most three known names most like one that is none of them, those that contain it first.
#[must_use]
pub fn similar<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let distance = |k: &str| if k.contains(name) { 0 } else { strsim::damerau_levenshtein(name, k) };
    let mut ranked: Vec<(usize, &str)> = known.map(|k| (distance(k), k)).collect();
    ranked.sort_unstable();
    // Beside one that a slip of the hand explains, what is farther away is noise.
    let best = ranked.first().map_or(0, |&(distance, _)| distance);
    let far = if best <= SLIP { best + 1 } else { usize::MAX };
    ranked.into_iter().filter(|&(distance, _)| distance <= far).take(3).map(|(_, k)| k).collect()
}

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
            c => out.push(shown(c)),
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

/// A character as it is shown where each must keep its column: what is not harmless is a blank or `\u{fffd}`.
#[must_use]
pub fn shown(c: char) -> char {
    match c {
        '\n' | '\r' | '\t' => ' ',
        c if harmless(c) => c,
        _ => '\u{fffd}',
    }
}

/// A message of some lines: each is [`plain`], the breaks between them stay.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\n' || harmless(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split('\n').map(plain).collect::<Vec<_>>().join("\n"))
}

/// JSON text that says the same and can be shown as it is: what a terminal or a reader could be misled by stands as
/// `\u202e`. Outside of its strings JSON has no such character.
#[must_use]
pub fn json(text: String) -> String {
    if text.chars().all(|c| c == '\n' || harmless(c)) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        // All of them are in the first plane: four digits say each.
        if c == '\n' || harmless(c) { out.push(c) } else { out.push_str(&format!("\\u{:04x}", u32::from(c))) }
    }
    out
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

    #[test]
    fn lines_keep_their_breaks_and_nothing_else() {
        assert_eq!(lines("a\r\n  b\u{1b}[31m\n"), "a \n  b\n");
        assert!(matches!(lines("a\n  | ^^"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn nothing_harmful_is_left(text in any::<String>()) {
            prop_assert!(plain(&text).chars().all(harmless));
            prop_assert!(lines(&text).chars().all(|c| c == '\n' || harmless(c)));
            prop_assert_eq!(text.chars().map(shown).count(), text.chars().count());
            prop_assert!(text.chars().map(shown).all(harmless));
        }

        #[test]
        fn json_says_the_same(text in any::<String>(), more in "[\u{7f}-\u{9f}\u{200b}-\u{202e}\u{feff}\\\\\"]*") {
            let value = serde_json::json!({ &text: more, "list": [text, more] });
            for written in [value.to_string(), format!("{value:#}")] {
                let safe = json(written);
                prop_assert!(safe.chars().all(|c| c == '\n' || harmless(c)), "{safe:?}");
                prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).expect("JSON"), value.clone());
            }
        }
    }
}
