//! Tells the binary which commit it is built from, where that is known: `BUSBAR_COMMIT`, empty where it is not, and
//! `BUSBAR_VERSION`, the version with that behind it. Nothing here fails: a source that was unpacked without git, or a machine that has none, builds the same binary but for that.

use std::path::Path;
use std::process::Command;

fn main() {
    // Whatever is built into the binary, and every commit: not what only tests or reports hold.
    for watched in [
        "../proto/src",
        "../judge/src",
        "../plant/src",
        "../engine/src",
        "../files/src",
        "../evidence/src",
        "../lab/src",
        "../sim/src",
        "../report/src",
        "../session/src",
        "src",
    ] {
        println!("cargo:rerun-if-changed={watched}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    for of_git in ["HEAD", "logs/HEAD"] {
        // A file that is not there would have this run every time.
        if let Some(path) = git(&["rev-parse", "--git-path", of_git]).filter(|path| Path::new(path).exists())
        {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    let commit = commit().unwrap_or_default();
    println!("cargo:rustc-env=BUSBAR_COMMIT={commit}");
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let built_from = if commit.is_empty() { commit } else { format!(" ({commit})") };
    println!("cargo:rustc-env=BUSBAR_VERSION={version}{built_from}");
}

/// The commit, with `-dirty` behind it where files that git knows are not as it has them. Only of a repository that is
/// this project: one around an unpacked source says nothing of it.
fn commit() -> Option<String> {
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    git(&["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"])
}

/// What git says, on one line; nothing where there is no git, or it says no.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}
