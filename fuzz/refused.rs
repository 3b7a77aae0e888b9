//! What holds of every file that is refused.

use engine::yaml::YamlError;

/// Each thing that is wrong is in the file, and what is said of it is fit for a terminal and not without an end.
pub fn check(error: &YamlError, text: &str) {
    assert!(!error.problems().is_empty());
    // As YAML counts them: a carriage return alone ends a line, too.
    let lines = text.replace("\r\n", "\n").split(['\n', '\r']).count() as u32;
    for problem in error.problems() {
        assert!((1..=lines + 1).contains(&problem.at.line), "line {} of {lines}", problem.at.line);
    }
    let said = error.to_string();
    let harmless = |c: char| c == '\n' || !c.is_control() && !('\u{202a}'..='\u{202e}').contains(&c);
    assert!(said.chars().all(harmless), "{said:?}");
    assert!(said.len() <= 2000 * error.problems().len() + text.len(), "{} bytes", said.len());
}
