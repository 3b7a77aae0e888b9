//! The JSON schemas of the file formats, as editors use them: written by `busbar schema`, kept in the tree.

use crate::process::{Failure, Workspace};

/// The formats that have a schema: `busbar schema <name>` makes `rigs/schema/<name>.json`.
const FORMATS: &[&str] = &["suite", "rig", "battery", "psu-profile"];

/// The page of the suite language, and what its tables stand between.
const PAGE: &str = "docs/suites.md";
const BEGIN: &str = "<!-- begin: written by cargo xtask schema, not by hand -->\n";
const END: &str = "<!-- end -->";

/// Writes every schema and the page of the suite language, or only says which are stale.
pub(crate) fn schema(workspace: &Workspace, check: bool) -> Result<(), Failure> {
    let mut stale = Vec::new();
    let schemas = FORMATS.iter().map(|format| (format!("rigs/schema/{format}.json"), *format));
    for (path, format) in schemas.chain([(PAGE.to_owned(), "suite-page")]) {
        let made = workspace.busbar().args(["schema", format]).output()?;
        let made = if path == PAGE { page(&workspace.read(PAGE)?, &made)? } else { checked(format, &made)? };
        if workspace.read(&path).is_ok_and(|kept| kept == made) {
            continue;
        }
        if check {
            stale.push(path);
        } else {
            workspace.write(&path, &made)?;
            println!("wrote {path}");
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(Failure::Found(format!("stale: {}; write them again with `cargo xtask schema`", stale.join(", "))))
}

/// The page with what the program printed between its marks.
fn page(kept: &str, printed: &[u8]) -> Result<String, Failure> {
    let tables = std::str::from_utf8(printed).map_err(|error| Failure::Found(error.to_string()))?;
    let parts = kept.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) =
        parts.ok_or_else(|| Failure::Found(format!("{PAGE} has lost the marks around its tables")))?;
    Ok(format!("{before}{BEGIN}{tables}{END}{after}"))
}

/// What the program printed, as one line-ended JSON object; anything else is never written to the tree.
fn checked(format: &str, printed: &[u8]) -> Result<String, Failure> {
    let refused = |why: &str| Failure::Found(format!("`busbar schema {format}` printed no schema: {why}"));
    let text = std::str::from_utf8(printed).map_err(|error| refused(&error.to_string()))?;
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| refused(&error.to_string()))?;
    if !value.is_object() {
        return Err(refused("it is not a JSON object"));
    }
    Ok(format!("{}\n", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(b"")]
    #[case(b"unknown format")]
    #[case(b"[]")]
    #[case(b"{\"title\":")]
    #[case(b"\xff")]
    fn what_is_no_schema_is_refused(#[case] printed: &[u8]) {
        let failure = checked("suite", printed).expect_err("refused").to_string();
        assert!(failure.contains("busbar schema suite"), "{failure}");
    }

    #[test]
    fn only_what_stands_between_the_marks_is_written() {
        let kept = format!("# Title\n{BEGIN}stale\n{END}\nrest\n");
        assert_eq!(page(&kept, b"new\n").expect("marks"), format!("# Title\n{BEGIN}new\n{END}\nrest\n"));
        assert!(page("# Title\n", b"new\n").is_err());
    }

    #[test]
    fn a_schema_ends_with_one_line_end() {
        assert_eq!(checked("suite", b"{}").expect("an object"), "{}\n");
        assert_eq!(checked("suite", b"{}\n\n").expect("an object"), "{}\n");
    }
}
