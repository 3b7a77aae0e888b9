//! Every test of the workspace, as CI runs them. What failed is named at the end, where a reader of a long log looks.
//!
//! Some tests start processes and wait for them: on a machine that other work holds up, one of these may fail for no
//! fault of the code. A few failed tests are therefore run once more, by themselves. Those that pass then are named as
//! unsteady; the step fails with the others.

use crate::process::{Failure, Workspace};

/// More failed tests than this are no accident of a busy machine.
const FEW: usize = 5;

/// Runs all tests; fails with the names of those that failed twice.
pub(crate) fn tests(workspace: &Workspace) -> Result<(), Failure> {
    let mut failed = Failed::default();
    let all = ["--locked", "--workspace", "--no-fail-fast"];
    let run = workspace.cargo("test").args(all).env("INSTA_UPDATE", "no").told(&mut |line| failed.read(line));
    let Err(failure) = run else { return Ok(()) };
    if !failed.may_be_an_accident() {
        return Err(failed.found(failure));
    }
    // One by one: a test program may take one name only.
    for name in &failed.names {
        let again = workspace.cargo("test").args(failed.again(name));
        if let Err(failure) = again.env("INSTA_UPDATE", "no").run() {
            return Err(failed.found(failure));
        }
    }
    eprintln!("unsteady, passed when run once more: {}", failed.names.join(", "));
    Ok(())
}

/// What the output of `cargo test` says of failed tests.
#[derive(Debug, Default, PartialEq, Eq)]
struct Failed {
    /// of tests, as the test program prints them
    names: Vec<String>,
    /// as arguments of `cargo test`, such as `-p cli --test serve`
    targets: Vec<String>,
    /// test programs that came to their end with failed tests
    ended: usize,
}

impl Failed {
    /// Whether a few tests failed, and nothing else did: a test program that died names no test, and what stands in
    /// documentation waits for nothing.
    fn may_be_an_accident(&self) -> bool {
        let documentation = self.targets.iter().any(|target| target.ends_with("--doc"));
        (1..=FEW).contains(&self.names.len()) && self.ended == self.targets.len() && !documentation
    }

    /// The arguments of `cargo test` that run one of them once more: in the programs that failed, of the whole workspace as before,
    /// since a part of it would be built anew, with other features.
    fn again<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        let words = self.targets.iter().flat_map(|target| target.split(' ').skip(2));
        ["--locked", "--workspace"].into_iter().chain(words).chain(["--", "--exact", name]).collect()
    }

    /// Takes a line in: `test NAME ... FAILED` of a test program, or a line of cargo's closing list, which stands in backquotes.
    fn read(&mut self, line: &str) {
        let name = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"));
        if let Some(name) = name {
            self.names.push(name.trim_end().to_owned());
        }
        let target = line.strip_prefix("    `").and_then(|rest| rest.strip_suffix('`'));
        if let Some(target) = target.filter(|target| target.starts_with("-p ")) {
            self.targets.push(target.to_owned());
        }
        self.ended += usize::from(line.starts_with("test result: FAILED"));
    }

    fn found(&self, failure: Failure) -> Failure {
        if self.names.is_empty() {
            return failure;
        }
        let (names, targets) = (self.names.join(", "), self.targets.join(", "));
        Failure::Found(format!("{failure}; failed tests: {names}; of {targets}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_and_their_targets_are_found_in_the_output() {
        let output = "test a::b ... ok\ntest serve::night ... FAILED\ntest pass/hold     ... FAILED\n\
                      failures:\n    serve::night\ntest result: FAILED. 1 passed; 2 failed\nerror: 1 target failed:\n    `-p cli --test serve`\n";
        let mut failed = Failed::default();
        output.lines().for_each(|line| failed.read(line));
        assert_eq!(failed.names, ["serve::night", "pass/hold"]);
        assert_eq!(failed.targets, ["-p cli --test serve"]);
        assert!(failed.may_be_an_accident());
        let again = ["--locked", "--workspace", "--test", "serve", "--", "--exact", "pass/hold"];
        assert_eq!(failed.again("pass/hold"), again);
        let text = failed.found(Failure::Found("it ended with 101".into())).to_string();
        assert_eq!(text, "it ended with 101; failed tests: serve::night, pass/hold; of -p cli --test serve");
    }

    #[test]
    fn a_program_that_died_and_documentation_are_no_accident() {
        let one = || vec!["one".to_owned()];
        let failed = |target: &str, ended| Failed { names: one(), targets: vec![target.to_owned()], ended };
        assert!(failed("-p lab --lib", 1).may_be_an_accident());
        assert!(!failed("-p lab --lib", 0).may_be_an_accident(), "it died");
        assert!(!failed("-p lab --doc", 1).may_be_an_accident());
        assert!(!Failed::default().may_be_an_accident(), "nothing was built");
        let many = Failed { names: vec!["one".to_owned(); FEW + 1], ..failed("-p lab --lib", 1) };
        assert!(!many.may_be_an_accident());
    }
}
