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
