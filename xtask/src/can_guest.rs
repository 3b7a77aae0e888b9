//! The drivers of CAN against a real Linux CAN stack, on machines that have none: in a small guest of QEMU, which
//! emulates two CAN controllers on one bus. Debian's kernel brings the drivers of their interfaces.
//!
//! Everything lies under target/can-guest. Nothing is installed, and nothing needs root.

mod image;
mod qemu;

use std::path::PathBuf;

use crate::process::{Failure, Workspace};

/// Where everything of the guest lies.
const FOLDER: &str = "target/can-guest";

/// Programs that are needed, with the package of Debian that has them.
const PROGRAMS: &[(&str, &str)] = &[
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("busybox", "busybox-static"),
    ("candump", "can-utils"),
    ("cansend", "can-utils"),
    ("cangen", "can-utils"),
    ("slcan_attach", "can-utils"),
    ("ip", "iproute2"),
    ("cpio", "cpio"),
    ("dpkg", "dpkg"),
    ("apt-get", "apt"),
    ("ldd", "libc-bin"),
    ("strip", "binutils"),
];

/// Programs that go into the guest beside the test: the foreign parts.
const FOREIGN: &[&str] = &["candump", "cansend", "cangen", "slcan_attach", "ip"];

/// The test that runs there.
const TEST: &str = "can_guest";

/// Builds the test, packs the guest, runs it, and ends as the test ended.
pub(crate) fn can_guest(workspace: &Workspace, args: &[String]) -> Result<(), Failure> {
    let missing: Vec<&(&str, &str)> =
        PROGRAMS.iter().filter(|(program, _)| find(program).is_none()).collect();
    if !missing.is_empty() {
        return Err(Failure::Unprepared(unprepared(&missing)));
    }
    let test = build(workspace)?;
    let busbar =
        workspace.built(workspace.cargo("build").args(["--locked", "--package", "cli"]), "busbar")?;
    let kernel = image::kernel(workspace)?;
    let initramfs = image::initramfs(workspace, &kernel, &image::Built { test, busbar }, args)?;
    qemu::run(workspace, &kernel.image, &initramfs)
}

fn unprepared(missing: &[&(&str, &str)]) -> String {
    let mut packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    packages.sort_unstable();
    packages.dedup();
    let programs: Vec<&str> = missing.iter().map(|(program, _)| *program).collect();
    format!(
        "the guest needs {}, which are not on this machine; install them with \
         `sudo apt-get install --no-install-recommends {}`",
        programs.join(", "),
        packages.join(" ")
    )
}

/// Where a program is. Root's folders count too: `ip` lies there for everybody.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn build(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let cargo = workspace.cargo("test").args(["--locked", "--package", "lab", "--test", TEST, "--no-run"]);
    workspace.built(cargo, TEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_how_to_install_it() {
        let missing = [&("candump", "can-utils"), &("cpio", "cpio"), &("cansend", "can-utils")];
        let text = unprepared(&missing);
        assert!(text.contains("needs candump, cpio, cansend,"), "{text}");
        assert!(text.ends_with("`sudo apt-get install --no-install-recommends can-utils cpio`"), "{text}");
        assert_eq!(Failure::Unprepared(text).exit_code(), 2);
    }
}
