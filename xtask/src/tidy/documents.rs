//! Documents stay true: a command, a path or a test they name exists.

use std::collections::BTreeSet;

use super::{File, Finding};

/// Folders whose paths are checked when a document names one in backticks.
const FOLDERS: &[&str] = &[".cargo/", ".ci/", "fuzz/", "harness/", "reports/", "rigs/", "suites/", "xtask/"];

/// Holds the rule over every Markdown file and the CI script.
pub(crate) fn check(files: &[File], subcommands: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let documents = files.iter().filter(|file| file.path.ends_with(".md") || file.path == ".ci/run");
    for document in documents {
        for (at, line) in document.text().unwrap_or_default().lines().enumerate() {
            for name in commands(line).filter(|name| !subcommands.contains(name)) {
                let what =
                    format!("`cargo xtask {name}` does not exist: there is {}", subcommands.join(", "));
                findings.push(Finding::new(&document.path, at + 1, what));
            }
            for path in paths(line).filter(|path| !exists(path, files)) {
                let what = format!("`{path}` is not in the tree");
                findings.push(Finding::new(&document.path, at + 1, what));
            }
            for (file, test) in tests(line).filter(|(file, test)| !is_tested(file, test, files)) {
                let what = format!("there is no test `{test}` in a file `{file}`");
                findings.push(Finding::new(&document.path, at + 1, what));
            }
        }
    }
    findings.extend(unmapped(files));
    findings
}

/// Crates that ARCHITECTURE.md does not name.
fn unmapped(files: &[File]) -> Vec<Finding> {
    let architecture = files.iter().find(|file| file.path == "ARCHITECTURE.md");
    let Some(text) = architecture.and_then(File::text) else { return Vec::new() };
    let crates: BTreeSet<&str> =
        files.iter().filter_map(|file| file.path.strip_suffix("/Cargo.toml")).collect();
    let unnamed = crates.into_iter().filter(|folder| !text.contains(&format!("`{folder}`")));
    unnamed
        .map(|folder| Finding::new("ARCHITECTURE.md", 0, format!("the code map does not name `{folder}`")))
        .collect()
}

/// The word after every `cargo xtask` of a line.
fn commands(line: &str) -> impl Iterator<Item = String> {
    line.split("cargo xtask ").skip(1).filter_map(|rest| {
        let word: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
        (!word.is_empty() && !word.starts_with('-')).then_some(word)
    })
}

/// Every path of the tree that a line names between backticks; patterns and placeholders are none.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2).filter(|word| {
        FOLDERS.iter().any(|folder| word.starts_with(folder))
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
    })
}

/// Every test that a line names between backticks: the end of the path of its file, a colon, its name or its title.
fn tests(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split('`').skip(1).step_by(2).filter_map(|word| word.split_once(": ")).filter(|(file, _)| {
        file.ends_with(".rs") && file.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
    })
}

fn is_tested(file: &str, test: &str, files: &[File]) -> bool {
    let ending = format!("/{file}");
    let of_name = files.iter().filter(|known| known.path.ends_with(&ending)).filter_map(File::text);
    let (function, title) = (format!("fn {test}("), format!("\"{test}\""));
    // An attribute stands right before a test: `#[test]`, or the last `#[case(…)]`.
    let is_test = |text: &str, at: usize| text[..at].trim_end().ends_with(']');
    of_name
        .into_iter()
        .any(|text| text.contains(&title) || text.match_indices(&function).any(|(at, _)| is_test(text, at)))
}

fn exists(path: &str, files: &[File]) -> bool {
    let folder = format!("{}/", path.trim_end_matches('/'));
    files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;
    use rstest::rstest;

    fn findings(path: &str, text: &str) -> Vec<Finding> {
        let lib = "fn no_test_but_a_function() {}\n#[test]\nfn a_test() {}\nTrial::test(\"a title\", f)\n";
        let files = [file(path, text), file("harness/lab/src/lib.rs", lib)];
        check(&files, &["run".to_owned(), "tidy".to_owned()])
    }

    #[rstest]
    #[case("README.md", "Start with `cargo xtask nightly --rig x`.", "cargo xtask nightly")]
    #[case(".ci/run", "exec cargo xtask rum", "cargo xtask rum")]
    #[case("ARCHITECTURE.md", "see `harness/lab/src/gone.rs`", "harness/lab/src/gone.rs")]
    #[case("reports/README.md", "`rigs/simulated.yaml`", "rigs/simulated.yaml")]
    #[case("docs/a.md", "`src/lib.rs: a_test_that_is_gone`", "no test `a_test_that_is_gone`")]
    #[case("docs/a.md", "`lib.rs: no_test_but_a_function`", "no test `no_test_but_a_function`")]
    #[case("docs/a.md", "`gone.rs: a_test`", "in a file `gone.rs`")]
    fn what_does_not_exist_is_found(#[case] path: &str, #[case] text: &str, #[case] what: &str) {
        let found = findings(path, &format!("# Title\n{text}\n"));
        assert!(found.len() == 1 && found[0].line == 2 && found[0].what.contains(what), "{found:?}");
    }

    #[rstest]
    #[case("`cargo xtask run` and `cargo xtask tidy`, or cargo xtask --help")]
    #[case(
        "`harness/lab/`, `harness/lab/src`, `harness/lab/src/lib.rs`, `harness/*/src`, `rigs/psu/<name>.yaml`"
    )]
    #[case("plain harness/gone.rs outside of backticks")]
    #[case("`src/lib.rs: a_test`, `lib.rs: a title`")]
    fn what_exists_passes(#[case] text: &str) {
        assert_eq!(findings("README.md", text), []);
    }

    #[test]
    fn a_crate_missing_in_the_code_map_is_found() {
        let files = [
            file("ARCHITECTURE.md", "`xtask`"),
            file("harness/lab/Cargo.toml", ""),
            file("xtask/Cargo.toml", ""),
        ];
        let found = check(&files, &[]);
        assert!(found.len() == 1 && found[0].what.contains("`harness/lab`"), "{found:?}");
    }
}
