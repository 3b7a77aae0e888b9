//! Runs judged again from their folders alone: the verdicts are the same to the byte.

use crate::process::{Failure, Workspace};

/// Batteries with the exit code that a run of every suite has: one that does right, and three that do wrong in
/// different ways.
const BATTERIES: [(&str, u8); 4] =
    [("reference", 0), ("oscillating", 1), ("blackout-deadlock", 1), ("jumping-limits", 1)];

/// Where the runs land.
const RUNS: &str = "target/again";

/// Runs every suite with each battery, and judges what was recorded.
pub(crate) fn again(workspace: &Workspace) -> Result<(), Failure> {
    workspace.remove(RUNS)?;
    for (battery, code) in BATTERIES {
        let folder = format!("{RUNS}/{battery}");
        let run = workspace.busbar().args(["run", "--quiet", "--battery", battery, "--out", &folder]);
        ends_with(code, run.output())?;
        // Other verdicts than those of the run end with 65.
        let judged = workspace.busbar().args(["judge", &format!("{folder}/latest")]);
        ends_with(code, judged.output())?;
    }
    Ok(())
}

fn ends_with(code: u8, ended: Result<Vec<u8>, Failure>) -> Result<(), Failure> {
    match ended {
        Err(failure) if failure.exit_code() == code => Ok(()),
        Ok(_) if code != 0 => Err(Failure::Found(format!("a run passed that must end with {code}"))),
        other => other.map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exit_code_that_is_due_will_do() {
        let failed = || Err(Failure::Found("something".to_owned()));
        assert!(ends_with(0, Ok(Vec::new())).is_ok());
        assert!(ends_with(1, failed()).is_ok());
        assert!(ends_with(1, Ok(Vec::new())).is_err());
        assert!(ends_with(0, failed()).is_err());
        assert!(ends_with(65, failed()).is_err());
    }
}
