//! Text from outside, safe inside HTML and inside a JSON data block.

use std::fmt::{self, Display, Formatter, Write};

use evidence::text::plain;

/// Shows text as text: between tags and inside quoted attributes.
pub(crate) struct Esc<T>(pub(crate) T);

impl<T: AsRef<str>> Display for Esc<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for c in plain(self.0.as_ref()).chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A title in which no line ends between a number and its unit.
pub(crate) fn unbroken(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let words: Vec<&str> = text.split(' ').collect();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            let after_number = words[at - 1].ends_with(|c: char| c.is_ascii_digit());
            let unit = word.trim_end_matches([',', '.', ';', ':', ')']);
            let is_unit =
                (1..=3).contains(&unit.chars().count()) && !unit.starts_with(|c: char| c.is_ascii_digit());
            out.push(if after_number && is_unit { '\u{a0}' } else { ' ' });
        }
        out.push_str(word);
    }
    Esc(out).to_string()
}

/// JSON for a `<script type="application/json">`: nothing in it can close the element or open a comment.
pub(crate) fn script(json: &serde_json::Value) -> String {
    let text = json.to_string();
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_title_keeps_numbers_with_their_units() {
        let title = unbroken("Simulated bench, 48 V, 4 kW inverter of 16 cells & 5 %");
        assert_eq!(title, "Simulated bench, 48\u{a0}V, 4\u{a0}kW inverter of 16 cells &amp; 5\u{a0}%");
    }

    proptest! {
        #[test]
        fn no_text_opens_a_tag_or_leaves_an_attribute(text in any::<String>()) {
            let shown = Esc(&text).to_string();
            prop_assert!(!shown.contains(['<', '>', '"', '\'']));
            prop_assert!(!shown.chars().any(char::is_control));
        }

        #[test]
        fn a_data_block_keeps_its_text_and_holds_no_markup(text in any::<String>()) {
            let block = script(&serde_json::json!([text]));
            prop_assert!(!block.contains(['<', '>', '&']));
            let back: Vec<String> = serde_json::from_str(&block).expect("still JSON");
            prop_assert_eq!(&back[0], &text);
        }
    }
}
