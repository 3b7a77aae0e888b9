//! The tables of the documents that are made from those of the code, by `busbar list`.

use crate::process::{Failure, Workspace};

/// The documents that have such tables.
const PAGES: &[&str] = &["docs/requirements.md", "docs/metrics.md", "docs/supplies.md"];

/// What stands around a table; between the two is the kind that `busbar list` takes.
const BEGIN: [&str; 2] = ["<!-- begin: busbar list ", ", written by cargo xtask docs -->\n"];
const END: &str = "<!-- end -->";

/// Writes every table, or only says which pages are stale.
pub(crate) fn docs(workspace: &Workspace, check: bool) -> Result<(), Failure> {
    let mut stale = Vec::new();
    for page in PAGES {
        let kept = workspace.read(page)?;
        let made = written(&kept, |kind| {
            let made = workspace.busbar().args(["list", kind, "--format", "markdown"]).output()?;
            String::from_utf8(made).map_err(|error| Failure::Found(format!("`busbar list {kind}`: {error}")))
        })?;
        if made == kept {
            continue;
        }
        if check {
            stale.push(*page);
        } else {
            workspace.write(page, &made)?;
            println!("wrote {page}");
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(Failure::Found(format!("stale: {}; write them again with `cargo xtask docs`", stale.join(", "))))
}

/// A page with what stands between its marks made anew.
fn written(page: &str, mut table: impl FnMut(&str) -> Result<String, Failure>) -> Result<String, Failure> {
    let mut parts = page.split(BEGIN[0]);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let cut = part.split_once(BEGIN[1]).and_then(|(kind, rest)| Some((kind, rest.split_once(END)?.1)));
        let Some((kind, after)) = cut else {
            let (begin, end) = (BEGIN.concat(), END);
            return Err(Failure::Found(format!(
                "a table begins with `{begin}` and does not end with `{end}`"
            )));
        };
        out += &format!("{}{kind}{}{}{END}{after}", BEGIN[0], BEGIN[1], table(kind)?);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_written() {
        let marked = |a: &str, b: &str| {
            let table = |kind: &str, text: &str| format!("{}{kind}{}{text}{END}", BEGIN[0], BEGIN[1]);
            format!("# Title\n{}\nmiddle\n{}\nend\n", table("one", a), table("two", b))
        };
        let made = written(&marked("stale\n", ""), |kind| Ok(format!("{kind}\n"))).expect("both marks");
        assert_eq!(made, marked("one\n", "two\n"));
        let cut = made.replace(END, "");
        assert!(written(&cut, |_| Ok(String::new())).is_err(), "a table without an end is not written over");
    }
}
