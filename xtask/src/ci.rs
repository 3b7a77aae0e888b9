//! What a change must pass, in the order in which a failure is cheapest to learn of.

use std::time::{Duration, Instant};

use crate::process::{Failure, Workspace};
use crate::{again, can_guest, docs, matrix, page, schema, test_run, tidy};

type Step = (&'static str, fn(&Workspace) -> Result<(), Failure>);

/// Every step, with the name it has in the closing table.
const STEPS: &[Step] = &[
    ("format", |w| w.cargo("fmt").args(["--all", "--check"]).run()),
    ("tidy", tidy::tidy),
    ("lints", |w| {
        w.cargo("clippy")
            .args(["--locked", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
            .run()
    }),
    ("tests", test_run::tests),
    ("licences", licences),
    ("fuzz targets", fuzz),
    ("windows", windows),
    ("documentation", |w| {
        let doc = w.cargo("doc").args(["--locked", "--workspace", "--no-deps", "--quiet"]);
        doc.env("RUSTDOCFLAGS", "-D warnings").run()
    }),
    ("schemas", |w| schema::schema(w, true)),
    ("documents", |w| docs::docs(w, true)),
    ("suites", |w| w.busbar().arg("run").run()),
    ("judged again", again::again),
    ("page", page::tested),
    ("run as tests", |w| {
        // A run of that: each of its cases is a test of its own.
        w.cargo("test")
            .args(["--locked", "-p", "suites"])
            .env("BUSBAR_RUN", "target/again/reference/latest")
            .run()
    }),
    ("matrix", matrix::cut),
    ("zoo", matrix::zoo),
    ("can-guest", guest),
];

/// Where this is set, the machine has what the guest needs.
const GUEST: &str = "BUSBAR_CI_GUEST";

/// A suite through a real CAN stack, where QEMU is there: .ci/run says so.
fn guest(workspace: &Workspace) -> Result<(), Failure> {
    if std::env::var_os(GUEST).is_some() {
        return can_guest::can_guest(workspace, &[]);
    }
    eprintln!("not run: it needs QEMU and more; `cargo xtask can-guest` says what, {GUEST}=1 runs it here");
    Ok(())
}

/// Where this is set, the machine has the C++ compiler that the fuzzer is built with.
const FUZZ: &str = "BUSBAR_CI_FUZZ";

/// The fuzz targets are a workspace of their own, which nothing else builds.
fn fuzz(workspace: &Workspace) -> Result<(), Failure> {
    if std::env::var_os(FUZZ).is_some() {
        let check = workspace.cargo("check").args(["--quiet", "--locked", "--bins"]);
        return check
            .args(["--manifest-path", "fuzz/Cargo.toml", "--target-dir", "target/fuzz"])
            .env("RUSTFLAGS", "-D warnings")
            .run();
    }
    eprintln!("not run: it needs a C++ compiler; {FUZZ}=1 runs it here");
    Ok(())
}

/// Where this is set, the standard library for Windows is there.
const WINDOWS: &str = "BUSBAR_CI_WINDOWS";

/// What judges evidence is fit for Windows: nothing of it needs Unix.
fn windows(workspace: &Workspace) -> Result<(), Failure> {
    if std::env::var_os(WINDOWS).is_some() {
        let check =
            workspace.cargo("check").args(["--quiet", "--locked", "--target", "x86_64-pc-windows-gnu"]);
        return check.args(["-p", "proto", "-p", "judge", "-p", "files", "-p", "evidence"]).run();
    }
    eprintln!("not run: it needs `rustup target add x86_64-pc-windows-gnu`; {WINDOWS}=1 runs it here");
    Ok(())
}

/// Where this is set, it names cargo-deny.
const DENY: &str = "BUSBAR_DENY";

/// What `deny.toml` says of crates that others wrote.
fn licences(workspace: &Workspace) -> Result<(), Failure> {
    if let Some(deny) = std::env::var_os(DENY) {
        let checks = ["bans", "licenses", "sources"];
        return workspace
            .program(deny)
            .args(["--locked", "check", "--hide-inclusion-graph"])
            .args(checks)
            .run();
    }
    eprintln!("not run: it needs cargo-deny; {DENY}=cargo-deny runs it here");
    Ok(())
}

/// Runs every step, also after one failed, so that one run says all there is to mend.
pub(crate) fn ci(workspace: &Workspace) -> Result<(), Failure> {
    let began = Instant::now();
    let mut results = Vec::new();
    for (name, step) in STEPS {
        eprintln!("\n== {name}");
        let start = Instant::now();
        let result = step(workspace);
        if let Err(failure) = &result {
            eprintln!("error: {failure}");
        }
        results.push((*name, start.elapsed(), result));
    }
    println!("{}", summary(&results, began.elapsed()));
    // The first failure is the one to mend first, so its code is the one to end with.
    results.into_iter().find_map(|(_, _, result)| result.err()).map_or(Ok(()), Err)
}

/// The closing table and the line that a reader of logs looks for.
fn summary(results: &[(&str, Duration, Result<(), Failure>)], took: Duration) -> String {
    let mut text = String::from("\n");
    for (name, took, result) in results {
        let word = if result.is_ok() { "ok" } else { "FAILED" };
        text += &format!("{name:<14} {word:<6} {:>7.1} s\n", took.as_secs_f64());
    }
    for (name, _, result) in results {
        if let Err(failure) = result {
            text += &format!("\n{name}: {failure}\n");
        }
    }
    let failed = results.iter().filter(|(_, _, result)| result.is_err()).count();
    let word = if failed == 0 { "ok" } else { "FAILED" };
    let passed = results.len() - failed;
    text += &format!(
        "\nci result: {word}. {passed} passed; {failed} failed; finished in {:.1}s",
        took.as_secs_f64()
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_step_fails_the_line() {
        let second = Duration::from_secs(1);
        let results =
            [("format", second, Ok(())), ("tests", second, Err(Failure::Found("two tests failed".into())))];
        let text = summary(&results, second * 2);
        assert!(text.ends_with("ci result: FAILED. 1 passed; 1 failed; finished in 2.0s"), "{text}");
        assert!(text.contains("tests          FAILED     1.0 s"), "{text}");
        assert!(text.contains("\ntests: two tests failed\n"), "{text}");
    }

    #[test]
    fn all_passed_is_ok() {
        let text = summary(&[("format", Duration::ZERO, Ok(()))], Duration::ZERO);
        assert!(text.ends_with("ci result: ok. 1 passed; 0 failed; finished in 0.0s"), "{text}");
    }
}
