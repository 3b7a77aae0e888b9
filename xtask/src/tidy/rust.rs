//! Rules for every Rust file, and the rule for those of pure crates.

use std::collections::BTreeSet;

use super::tokens::{self, Kind, Named};
use super::{File, Finding, circles, purity};

/// Files that may hold `unsafe`, with why a system call leaves no other way.
const UNSAFE: &[(&str, &str)] = &[];

/// Files that may read the time of day, with what for: it may step at any moment, so it names things and is kept beside
/// them, and nothing waits for it or is put in order by it.
const TIME_OF_DAY: &[(&str, &str)] = &[
    ("harness/cli/src/certify.rs", "the date of a certificate, and whether a calibration is over"),
    ("harness/cli/src/challenge.rs", "when a challenge was given"),
    ("harness/session/src/golden/accept.rs", "the day on which a trace was accepted"),
    ("harness/cli/src/nightly.rs", "the night that a run belongs to"),
    ("harness/session/src/run.rs", "when a run began, for its report"),
    ("harness/lab/src/can/kernel_clock.rs", "the kernel stamps frames by it: steps are taken out"),
    ("harness/lab/src/guard/lease.rs", "since when somebody has a rig, for people"),
    ("harness/watch/src/main.rs", "how long ago files were written"),
    ("harness/watch/tests/run.rs", "the same, of files that a test writes"),
];

/// Files that may be longer than [`LONGEST`], with why they are still one idea.
const LONG: &[(&str, &str)] = &[];

/// Lines of a file that no longer fits in a head.
const LONGEST: usize = 600;

/// Holds the rules over every Rust file.
pub(crate) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut read = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let Some(text) = file.text() else {
            findings.push(Finding::new(&file.path, 0, "not UTF-8 text; a Rust file is"));
            continue;
        };
        let lines = text.lines().count();
        if lines > LONGEST && !listed(LONG, &file.path) {
            findings.push(Finding::new(
                &file.path,
                LONGEST + 1,
                format!(
                    "{lines} lines, at most {LONGEST} fit in a head: split it by idea; \
                     a table goes on the list in xtask/src/tidy/rust.rs, with a reason"
                ),
            ));
        }
        match tokens::read(text) {
            Ok(contents) => read.push((file.path.as_str(), contents)),
            Err(line) => findings.push(Finding::new(&file.path, line, "not Rust from here on")),
        }
    }
    let tests: BTreeSet<String> = read
        .iter()
        .flat_map(|(path, contents)| contents.test_modules.iter().map(|name| module(path, name)))
        .collect();
    for (path, contents) in &read {
        findings.extend(everywhere(path, &contents.named));
        if pure_source(path) && !is_test(path, &tests) {
            findings.extend(purity::check(path, &contents.named));
        }
    }
    let built: Vec<_> = read
        .iter()
        .filter(|(path, _)| !is_test(path, &tests))
        .map(|(path, contents)| (*path, contents))
        .collect();
    findings.extend(circles::check(&built));
    findings
}

/// What no file of the workspace holds, tests included.
fn everywhere(path: &str, named: &[Named]) -> Vec<Finding> {
    let finding = |named: &Named| {
        let what = match &named.kind {
            Kind::Path(word) if word == "unsafe" && !listed(UNSAFE, path) => {
                "`unsafe`: find a safe way; where a system call leaves none, put it in a small module of its own \
                 and on the list in xtask/src/tidy/rust.rs, with the reason"
                    .to_owned()
            }
            Kind::Path(path_named)
                if !named.test && reads_the_time_of_day(path_named) && !listed(TIME_OF_DAY, path) =>
            {
                "the time of day steps: measure with `Instant`, or with the `Micros` of the run; where it only names \
                 something, put the file on the list in xtask/src/tidy/rust.rs, with what for"
                    .to_owned()
            }
            Kind::Macro(name) if name == "todo" || name == "unimplemented" => {
                format!("`{name}!`: write it, or leave out the part and say that it is missing")
            }
            Kind::Attribute { name, .. } if name == "ignore" => {
                "`#[ignore]`: a test that does not run proves nothing; mend it or delete it".to_owned()
            }
            Kind::Attribute { name, reason: false } if name == "allow" || name == "expect" => {
                format!("`#[{name}(…)]` without a reason: add `reason = \"…\"`")
            }
            _ => return None,
        };
        Some(Finding::new(path, named.line, what))
    };
    named.iter().filter_map(finding).collect()
}

fn reads_the_time_of_day(path: &str) -> bool {
    path == "SystemTime::now" || path.ends_with("::SystemTime::now")
}

fn listed(list: &[(&str, &str)], path: &str) -> bool {
    list.iter().any(|(listed, _)| *listed == path)
}

/// Exceptions for files that are gone: the lists shrink with what they excuse.
pub(crate) fn outdated(files: &[File]) -> Vec<Finding> {
    let gone = |(path, _): &&(&str, &str)| !files.iter().any(|file| file.path == *path);
    let what = "on a list of exceptions in xtask/src/tidy/rust.rs, but not in the tree: strike it off";
    UNSAFE
        .iter()
        .chain(LONG)
        .chain(TIME_OF_DAY)
        .filter(gone)
        .map(|(path, _)| Finding::new(path, 0, what))
        .collect()
}

/// Whether a file is part of what a pure crate builds.
fn pure_source(path: &str) -> bool {
    purity::PURE.iter().any(|name| path.starts_with(&format!("harness/{name}/src/")))
}

/// Where `mod name;` in a file puts the module, without `.rs`: `src/a.rs` holds `src/a/name`.
fn module(path: &str, name: &str) -> String {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    match file {
        "lib.rs" | "main.rs" | "mod.rs" => format!("{folder}/{name}"),
        _ => format!("{folder}/{}/{name}", file.trim_end_matches(".rs")),
    }
}

/// Whether a file is, or lies below, a module that only tests see.
fn is_test(path: &str, tests: &BTreeSet<String>) -> bool {
    tests.iter().any(|test| {
        path.strip_prefix(test.as_str()).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;
    use rstest::rstest;

    fn findings(path: &str, text: &str) -> Vec<String> {
        check(&[file(path, text)]).iter().map(ToString::to_string).collect()
    }

    #[rstest]
    #[case("fn f() { unsafe { g() } }", "`unsafe`")]
    #[case("unsafe impl Send for X {}", "`unsafe`")]
    #[case("fn f() { todo!() }", "`todo!`")]
    #[case("fn f() { let t = SystemTime::now(); }", "the time of day steps")]
    #[case("fn f() { let t = std::time::SystemTime::now; }", "the time of day steps")]
    #[case("fn f() { unimplemented!(\"later\") }", "`unimplemented!`")]
    #[case("#[test] #[ignore] fn f() {}", "`#[ignore]`")]
    #[case("#[test] #[ignore = \"slow\"] fn f() {}", "`#[ignore]`")]
    #[case("#[cfg_attr(windows, ignore)] fn f() {}", "`#[ignore]`")]
    #[case("#[allow(dead_code)] fn f() {}", "without a reason")]
    #[case("#![expect(missing_docs)]", "without a reason")]
    #[case("mod tests { #[allow(dead_code)] fn f() {} }", "without a reason")]
    #[case("fn f() { \"open }", "not Rust")]
    fn bad_samples_are_found(#[case] text: &str, #[case] what: &str) {
        let found = findings("harness/lab/src/x.rs", text);
        assert!(found.len() == 1 && found[0].contains(what), "{text}: {found:?}");
        assert!(found[0].starts_with("harness/lab/src/x.rs:1: "), "{found:?}");
    }

    #[rstest]
    #[case(
        "#![forbid(unsafe_code)] // unsafe\n#[allow(dead_code, reason = \"the table is whole\")] fn f() {}"
    )]
    #[case("/// todo!() and #[ignore]\nfn f() { let unsafely = \"unsafe\"; }")]
    fn good_samples_pass(#[case] text: &str) {
        assert_eq!(findings("harness/lab/src/x.rs", text), Vec::<String>::new());
    }

    #[test]
    fn long_files_are_found() {
        assert_eq!(findings("harness/lab/src/x.rs", &"// line\n".repeat(LONGEST)).len(), 0);
        let found = findings("harness/lab/src/x.rs", &"// line\n".repeat(LONGEST + 1));
        assert!(found.len() == 1 && found[0].contains("601 lines"), "{found:?}");
    }

    #[rstest]
    #[case("harness/judge/src/deep/x.rs", 1)]
    #[case("harness/lab/src/x.rs", 0)]
    #[case("harness/judge/tests/x.rs", 0)]
    fn purity_is_asked_of_pure_crates_alone(#[case] path: &str, #[case] count: usize) {
        assert_eq!(findings(path, "use std::fs;").len(), count);
    }

    #[rstest]
    #[case("harness/judge/src/lib.rs", "harness/judge/src/samples.rs")]
    #[case("harness/judge/src/lib.rs", "harness/judge/src/samples/mod.rs")]
    #[case("harness/judge/src/lib.rs", "harness/judge/src/samples/deep.rs")]
    #[case("harness/judge/src/cvl.rs", "harness/judge/src/cvl/samples.rs")]
    fn a_test_module_in_a_file_of_its_own_is_a_test(#[case] parent: &str, #[case] child: &str) {
        let world = |parent_text| check(&[file(parent, parent_text), file(child, "use std::fs;")]);
        assert_eq!(world("#[cfg(test)] mod samples;"), []);
        assert_eq!(world("mod samples;").len(), 1);
    }
}
