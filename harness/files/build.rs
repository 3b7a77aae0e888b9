//! Puts the suites, rigs, batteries and profiles of the project into the binary, so that it works where there is no project.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Folders of the project whose YAML files are built in.
const FOLDERS: [&str; 5] = ["suites", "rigs", "rigs/batteries", "rigs/faults", "rigs/psu"];

fn main() -> io::Result<()> {
    // Of this build: two checkouts that share a target folder share the program that runs here, too.
    let here = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let project = Path::new(&here).join("../..").canonicalize()?;
    let mut files = Vec::new();
    for folder in FOLDERS {
        let folder = project.join(folder);
        println!("cargo:rerun-if-changed={}", folder.display());
        files.extend(yaml(&folder)?);
        if folder.ends_with("suites") {
            for suite in fs::read_dir(folder)? {
                let suite = suite?.path();
                if suite.is_dir() {
                    files.extend(yaml(&suite)?);
                }
            }
        }
    }
    files.sort();
    let mut table = "&[\n".to_owned();
    for file in files {
        let name = file.strip_prefix(&project).map_err(io::Error::other)?;
        // A name with `/` on every system.
        let name: Vec<_> = name.iter().map(|word| word.to_string_lossy()).collect();
        writeln!(table, "({:?}, include_str!({file:?})),", name.join("/")).map_err(io::Error::other)?;
    }
    table.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("built_in.rs"), table)
}

fn yaml(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let all: io::Result<Vec<_>> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect();
    Ok(all?.into_iter().filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect())
}
