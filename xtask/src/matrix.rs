//! The proof of the judge: `busbar matrix`, whole or as the small cut that every change must pass.

use crate::process::{Failure, Workspace};

/// Seeds of the small cut: the rigs as their files say, and one draw.
const FEW: &str = "2";

/// Where that of the zoo lands.
const ZOO: &str = "target/zoo";

/// Where the small cut lands: results of another program are of no use.
const CUT: &str = "target/matrix";

/// Cells of both in which the cause of a fault must be told first, per cent.
const CAUSES: &str = "95";

/// Runs the whole, in release; arguments go to `busbar matrix`.
pub(crate) fn matrix(workspace: &Workspace, args: &[String]) -> Result<(), Failure> {
    workspace.busbar().here().arg("matrix").args(args).run()
}

/// All batteries on all rigs, few seeds, from the beginning.
pub(crate) fn cut(workspace: &Workspace) -> Result<(), Failure> {
    workspace.remove(CUT)?;
    workspace.busbar().args(["matrix", "--seeds", FEW, "--causes", CAUSES, "--out", CUT]).run()
}

/// The cut of the zoo: each battery on one rig, each fault in one battery, one draw. Two minutes on two quiet cores.
pub(crate) fn zoo(workspace: &Workspace) -> Result<(), Failure> {
    workspace.remove(ZOO)?;
    workspace.busbar().args(["matrix", "--zoo", "--cut", "--causes", CAUSES, "--out", ZOO]).run()
}
