//! What is given to people: a static binary, a Debian package, a wheel; each is tried where it would be used, which is in an
//! empty folder without this project.

use std::path::{Path, PathBuf};

use crate::process::{Failure, Program, Workspace};

/// Where everything is laid.
const PACKAGES: &str = "target/packages";
/// The target whose standard library links no other.
const STATIC: &str = "x86_64-unknown-linux-musl";
/// What is tried with each: seconds, and a verdict.
const TRIAL: &[&str] = &["run", "--quiet", "gx/start-up"];

/// A package, and how it is made: what was made, or what this machine lacks to make it.
type Make = fn(&Workspace) -> Result<Made, Failure>;

enum Made {
    /// the package, and the binary of it as it is after it was put in place
    At { package: String, binary: PathBuf },
    /// what is missing here
    Not(&'static str),
}

const ALL: &[(&str, Make)] = &[("static binary", binary), ("Debian package", deb), ("wheel", wheel)];

/// Makes and tries all that this machine can make, and says what it cannot.
pub(crate) fn dist(workspace: &Workspace) -> Result<(), Failure> {
    workspace.remove(PACKAGES)?;
    build(workspace).run()?;
    let busbar = workspace.path("target/dist/busbar");
    lay(workspace, &busbar)?;
    tried(workspace, &busbar)?;
    for (what, make) in ALL {
        match make(workspace)? {
            Made::At { package, binary } => {
                tried(workspace, &binary)?;
                println!("{what:<16} {package}, tried in an empty folder");
            }
            Made::Not(why) => println!("{what:<16} not made: {why}"),
        }
    }
    Ok(())
}

fn build(workspace: &Workspace) -> Program {
    workspace.cargo("build").args(["--locked", "--profile", "dist", "--package", "cli", "--bin", "busbar"])
}

/// What the packages hold beside the binary: the pages of the manual, and what shells complete by.
fn lay(workspace: &Workspace, busbar: &Path) -> Result<(), Failure> {
    workspace.program(busbar).args(["man", &format!("{PACKAGES}/man")]).output()?;
    for (shell, file) in [("bash", "busbar"), ("zsh", "_busbar"), ("fish", "busbar.fish")] {
        let text = workspace.program(busbar).args(["completions", shell]).output()?;
        workspace.write(&format!("{PACKAGES}/completions/{file}"), &String::from_utf8_lossy(&text))?;
    }
    Ok(())
}

/// Runs a case with nothing but the binary: no project, no environment.
fn tried(workspace: &Workspace, binary: &Path) -> Result<(), Failure> {
    let folder = format!("{PACKAGES}/empty");
    workspace.remove(&folder)?;
    workspace.write(&format!("{folder}/nothing"), "")?;
    let bare = |arguments: &[&str]| workspace.program(binary).bare(&workspace.path(&folder)).args(arguments);
    bare(&["--version"]).run()?;
    bare(TRIAL).output()?;
    workspace.remove(&folder)
}

fn binary(workspace: &Workspace) -> Result<Made, Failure> {
    let installed = workspace.program("rustup").args(["target", "list", "--installed"]).output();
    let is_there = installed.is_ok_and(|said| String::from_utf8_lossy(&said).lines().any(|t| t == STATIC));
    if !is_there {
        return Ok(Made::Not("it needs `rustup target add x86_64-unknown-linux-musl`"));
    }
    if workspace.program("musl-gcc").arg("--version").output().is_err() {
        return Ok(Made::Not("SQLite is compiled by musl-gcc: `apt-get install musl-tools`"));
    }
    build(workspace).args(["--target", STATIC]).run()?;
    let package = format!("{PACKAGES}/busbar-{STATIC}");
    let made = workspace.path(&format!("target/{STATIC}/dist/busbar"));
    workspace.copy(&made, &package)?;
    let linked = workspace.program("ldd").arg(workspace.path(&package)).said_anywhere()?;
    if !linked.contains("statically linked") && !linked.contains("not a dynamic executable") {
        return Err(Failure::Found(format!("{package} is not static: {linked}")));
    }
    Ok(Made::At { binary: workspace.path(&package), package })
}

fn deb(workspace: &Workspace) -> Result<Made, Failure> {
    if workspace.cargo("deb").arg("--version").output().is_err() {
        return Ok(Made::Not("it needs `cargo install cargo-deb`"));
    }
    let package = format!("{PACKAGES}/busbar.deb");
    let make = ["--package", "cli", "--profile", "dist", "--no-build", "--no-strip", "--locked", "--output"];
    workspace.cargo("deb").args(make).arg(&package).run()?;
    let place = format!("{PACKAGES}/installed");
    workspace.program("dpkg-deb").args(["--extract", &package, &place]).run()?;
    for page in ["usr/share/man/man1/busbar.1.gz", "usr/share/bash-completion/completions/busbar"] {
        if !workspace.path(&format!("{place}/{page}")).is_file() {
            return Err(Failure::Found(format!("{package} holds no /{page}")));
        }
    }
    Ok(Made::At { package, binary: workspace.path(&format!("{place}/usr/bin/busbar")) })
}

fn wheel(workspace: &Workspace) -> Result<Made, Failure> {
    if workspace.program("maturin").arg("--version").output().is_err() {
        return Ok(Made::Not("it needs `pip install maturin`"));
    }
    let wheels = format!("{PACKAGES}/wheel");
    workspace.program("maturin").args(["build", "--locked", "--out", &wheels]).run()?;
    let venv = format!("{PACKAGES}/venv");
    workspace.program("python3").args(["-m", "venv", &venv]).run()?;
    let pip = workspace.program(workspace.path(&format!("{venv}/bin/pip")));
    let pip = pip.args(["install", "--quiet", "--no-index", "--find-links", &wheels, "busbar-hil"]);
    pip.run()?;
    Ok(Made::At { package: wheels, binary: workspace.path(&format!("{venv}/bin/busbar")) })
}
