//! What stands around the lines of a log that was copied: a log of the system, `grep`, mail, web pages, colours.

use super::pattern::find;

/// A line without what a log of the system puts before what candump says, such as `May  1 10:00:00 venus candump[123]: `.
pub(super) fn past_the_log_of_a_system(line: &[u8]) -> &[u8] {
    if !line.first().is_some_and(u8::is_ascii_alphanumeric) {
        return line;
    }
    let Some(begin) = find(line, b" candump[") else { return line };
    find(&line[begin..], b"]: ").map_or(line, |end| &line[begin + end + 3..])
}

/// A line without what mail, web pages and the colours of a terminal put before it.
pub(super) fn quoted(line: &[u8]) -> &[u8] {
    let mut line = line;
    loop {
        line = match line {
            [b'>', rest @ ..] => rest.strip_prefix(b" ").unwrap_or(rest),
            [0x1B, b'[', rest @ ..] => match rest.iter().position(u8::is_ascii_alphabetic) {
                Some(end) => &rest[end + 1..],
                None => return line,
            },
            _ => break,
        };
    }
    if line.starts_with(b"```") {
        return &[];
    }
    if line.len() > 1 { line.strip_suffix(b"`").unwrap_or(line) } else { line }
}

/// A line from the time on that candump puts before a frame, where anything else stands before that: the name of a file, the
/// number of a line, a clock.
pub(super) fn past_what_precedes_a_time(line: &[u8]) -> Option<&[u8]> {
    let is_time = |text: &[u8]| {
        let digits = text.iter().position(|b| !b.is_ascii_digit()).filter(|&count| count > 0)?;
        let rest = text[digits..].strip_prefix(b".")?;
        let decimals = rest.iter().position(|b| !b.is_ascii_digit()).filter(|&count| count >= 6)?;
        (rest.get(decimals) == Some(&b')')).then_some(())
    };
    let at = (1..line.len()).find(|&at| line[at] == b'(' && is_time(&line[at + 1..]).is_some())?;
    Some(&line[at..])
}
