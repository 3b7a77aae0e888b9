//! Project automation: `cargo xtask run | test | nightly | ci | bench | matrix | mutants | bless | can-guest | dist | kill-campaign | fault-campaign | forge-campaign | served | schema | docs | page | tidy`.
//!
//! Thin on purpose: it calls cargo and the `busbar` binary, passes their exit codes on, and holds no logic
//! of the harness. What it decides by itself is [`tidy`], the invariants of ARCHITECTURE.md.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its user")]

mod again;
mod bench;
mod bless;
mod can_guest;
mod ci;
mod dist;
mod docs;
mod matrix;
mod mutants;
mod page;
mod process;
mod schema;
mod served;
mod test_run;
mod tidy;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use process::{Failure, Workspace};

/// The jobs of the project
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Task {
    /// Run every suite on the simulated rig, built as for tests: a newcomer builds once; arguments go to `busbar run`
    #[command(disable_help_flag = true)]
    Run {
        /// as `busbar run` takes them, such as `feed-in --seed 7`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run every test of the workspace; arguments go to `cargo test`
    #[command(disable_help_flag = true)]
    Test {
        /// as `cargo test` takes them, such as `-p judge`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Every case on a rig, what was undecided once more, and what changed since the nights before; in release. Arguments
    /// go to `busbar nightly`
    #[command(disable_help_flag = true)]
    Nightly {
        /// as `busbar nightly` takes them, such as `--rig rigs/lab-a.yaml --battery my`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Certify a battery on a rig, in release; arguments go to `busbar certify`
    #[command(disable_help_flag = true)]
    Certify {
        /// as `busbar certify` takes them, such as `--rig rigs/simulated.yaml`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Everything a change must pass: format, lints, tidy, tests, documentation, the suites
    Ci,
    /// Measure how fast the harness is
    Bench,
    /// Prove the judge: batteries x rigs x seeds, in release; arguments go to `busbar matrix`
    #[command(disable_help_flag = true)]
    Matrix {
        /// as `busbar matrix` takes them, such as `--seeds 100 --shard 1/4`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Change the judge in thousands of small ways, and find what no test and no verdict notices; writes target/mutants/mutants.md
    Mutants(mutants::Options),
    /// Accept changed snapshots of the suites and note why in suites/BLESSED.md
    Bless {
        /// why the behaviour changed, for whoever reads the list in a year
        #[arg(long)]
        reason: String,
        /// only the cases whose name contains one of these
        cases: Vec<String>,
    },
    /// Test the CAN drivers against a real Linux CAN stack, in a guest of QEMU; arguments go to the test
    CanGuest {
        /// as a Rust test takes them, such as `flood`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Compare the verdicts of suites on the served rig, through real wires, with those in the box; in release
    Served {
        /// how many times faster than the clock
        #[arg(long, default_value_t = 60)]
        speed: u32,
        /// suites or cases; the four with which a manufacturer begins without one
        suites: Vec<String>,
    },
    /// Kill runs on served rigs in every way and phase, in release: the supply goes off, the evidence stays
    KillCampaign {
        /// how many blows
        #[arg(long, default_value_t = 1000)]
        kills: u32,
    },
    /// Forge a signed run in twelve ways, on every file of its bundle, in release: each is found, or one of the lies of
    /// SECURITY.md
    ForgeCampaign {
        /// how many forgeries
        #[arg(long, default_value_t = 1000)]
        forgeries: u32,
    },
    /// Let everything go wrong on wires and machine of served rigs, at random moments, in release: the supply goes off in
    /// time, nothing passes, the cause is named
    FaultCampaign {
        /// how many moments for each fault
        #[arg(long, default_value_t = 3)]
        moments: u32,
    },
    /// Make what is given to people, in target/packages: a static binary, a Debian package, a wheel; and try each
    Dist,
    /// Write the JSON schemas of the file formats to rigs/schema/
    Schema {
        /// write nothing, fail when a schema is stale
        #[arg(long)]
        check: bool,
    },
    /// Write the tables of the documents that are made from the code
    Docs {
        /// write nothing, fail when a table is stale
        #[arg(long)]
        check: bool,
    },
    /// Build the page that judges a log in a browser: target/page/busbar.html
    Page,
    /// Hold the invariants of ARCHITECTURE.md
    Tidy,
}

/// Bad usage, as in BSD's sysexits: the command was never started.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let task = match Task::try_parse() {
        Ok(task) => task,
        Err(error) => {
            let code = if error.use_stderr() { USAGE } else { 0 };
            // A closed pipe is the only way to fail here, and leaves nobody to tell.
            let _ = error.print();
            if error.kind() == clap::error::ErrorKind::InvalidSubcommand {
                eprintln!("There is: {}", subcommands().join(", "));
            }
            return ExitCode::from(code);
        }
    };
    let workspace = Workspace::find();
    match perform(&workspace, &task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn perform(workspace: &Workspace, task: &Task) -> Result<(), Failure> {
    match task {
        Task::Run { args } => workspace.busbar_of_tests().here().arg("run").args(args).run(),
        Task::Test { args } => workspace.cargo("test").arg("--workspace").args(args).run(),
        Task::Nightly { args } => workspace.busbar().here().arg("nightly").args(args).run(),
        Task::Certify { args } => workspace.busbar().here().arg("certify").args(args).run(),
        Task::Ci => ci::ci(workspace),
        Task::Bench => bench::bench(workspace),
        Task::Matrix { args } => matrix::matrix(workspace, args),
        Task::Mutants(options) => mutants::mutants(workspace, options),
        Task::Bless { reason, cases } => bless::bless(workspace, reason, cases),
        Task::CanGuest { args } => can_guest::can_guest(workspace, args),
        Task::Served { speed, suites } => served::served(workspace, *speed, suites),
        Task::KillCampaign { kills } => workspace
            .cargo("test")
            .args(["--release", "-p", "cli", "--test", "kill"])
            .env("BUSBAR_KILLS", &kills.to_string())
            .run(),
        Task::ForgeCampaign { forgeries } => workspace
            .cargo("test")
            .args(["--release", "-p", "cli", "--test", "forge", "--", "--nocapture"])
            .env("BUSBAR_FORGERIES", &forgeries.to_string())
            .run(),
        Task::FaultCampaign { moments } => workspace
            .cargo("test")
            .args(["--release", "-p", "cli", "--test", "faults"])
            .env("BUSBAR_FAULTS", &moments.to_string())
            .run(),
        Task::Dist => dist::dist(workspace),
        Task::Schema { check } => schema::schema(workspace, *check),
        Task::Docs { check } => docs::docs(workspace, *check),
        Task::Page => page::page(workspace),
        Task::Tidy => tidy::tidy(workspace),
    }
}

/// The names that `cargo xtask` answers to, for the check that documents name no other.
fn subcommands() -> Vec<String> {
    Task::command().get_subcommands().map(|c| c.get_name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn the_command_line_is_sound() {
        Task::command().debug_assert();
    }

    #[rstest]
    #[case(&["run", "feed-in", "--seed", "7"])]
    #[case(&["run", "--help"])]
    fn run_passes_everything_on(#[case] words: &[&str]) {
        let Ok(Task::Run { args }) = Task::try_parse_from([&["xtask"], words].concat()) else {
            panic!("`{words:?}` is a run")
        };
        assert_eq!(args, words[1..]);
    }

    #[test]
    fn an_unknown_job_is_answered_with_the_nearest() {
        let error = Task::try_parse_from(["xtask", "tdiy"]).err().expect("refused");
        assert!(error.use_stderr());
        assert!(error.to_string().contains("'tidy'"), "{error}");
    }

    #[test]
    fn blessing_needs_a_reason() {
        assert!(Task::try_parse_from(["xtask", "bless"]).is_err());
    }
}
