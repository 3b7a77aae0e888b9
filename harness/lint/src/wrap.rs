//! Text in lines of a width.

use std::fmt::Write as _;

use evidence::text::plain;

/// Words set line by line, each line indented.
pub fn wrapped(out: &mut String, text: &str, indent: usize, width: usize) {
    let mut column = 0;
    for word in plain(text).split_whitespace() {
        let length = word.chars().count();
        if column > 0 && indent + column + 1 + length > width {
            out.push('\n');
            column = 0;
        }
        if column == 0 {
            let _ = write!(out, "{:indent$}{word}", "");
            column = length;
        } else {
            let _ = write!(out, " {word}");
            column += 1 + length;
        }
    }
    if column == 0 {
        let _ = write!(out, "{:indent$}", "");
    }
    out.push('\n');
}
