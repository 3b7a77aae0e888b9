//! The page that judges a log in a browser: the program of `harness/page`, compiled for WASI, in one file of HTML.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use crate::process::{Failure, Workspace};

/// What a browser runs; `rustup target add` brings it.
const TARGET: &str = "wasm32-wasip1";
/// Where the page is left.
const PAGE: &str = "target/page/busbar.html";

/// Whether the compiler has the target of browsers.
fn is_installed(workspace: &Workspace) -> Result<bool, Failure> {
    let folder =
        workspace.program("rustc").args(["--print", "target-libdir", "--target", TARGET]).output()?;
    Ok(std::path::Path::new(String::from_utf8_lossy(&folder).trim()).is_dir())
}

/// Builds the page.
pub(crate) fn page(workspace: &Workspace) -> Result<(), Failure> {
    if !is_installed(workspace)? {
        let what = format!("a browser runs {TARGET}, which is not installed: rustup target add {TARGET}");
        return Err(Failure::Found(what));
    }
    let build = workspace.cargo("build").args(["--locked", "--quiet", "--release", "-p", "page"]);
    build.args(["--target", TARGET]).run()?;
    let path = format!("target/{TARGET}/release/page.wasm");
    let program = std::fs::read(workspace.path(&path)).map_err(|source| Failure::File { path, source })?;
    let part = |name: &str| workspace.read(&format!("harness/page/src/{name}"));
    let (style, script) = (part("page.css")?, part("page.js")?);
    let html = filled(
        part("page.html")?,
        [
            ("<!--STYLE-HASH-->", integrity(&style)),
            ("<!--SCRIPT-HASH-->", integrity(&script)),
            ("/*STYLE*/", style),
            ("/*WORKER*/", part("worker.js")?),
            ("/*SCRIPT*/", script),
            ("<!--VERSION-->", env!("CARGO_PKG_VERSION").to_owned()),
            ("<!--PROGRAM-->", BASE64.encode(&program)),
        ],
    )?;
    workspace.write(PAGE, &html)?;
    let mega = |bytes: usize| bytes as f64 / 1e6;
    println!("{PAGE}: {:.1} MB, of which the program is {:.1} MB", mega(html.len()), mega(program.len()));
    Ok(())
}

/// A page with its parts, each of which has one place.
fn filled<const N: usize>(mut html: String, parts: [(&str, String); N]) -> Result<String, Failure> {
    for (place, text) in parts {
        let (before, after) = html
            .split_once(place)
            .ok_or_else(|| Failure::Found(format!("harness/page/src/page.html has no {place}")))?;
        html = [before, &text, after].concat();
    }
    Ok(html)
}

/// What the policy of the page lets run: this text and no other.
fn integrity(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(Sha256::digest(text)))
}

/// Where these are set, the machine has a browser, and a Python, which drives it.
const BROWSER: &str = "BUSBAR_BROWSER";
const PYTHON: &str = "BUSBAR_PYTHON";

/// Builds the page and opens it in a browser with the network off: what it says of every log here, and of one of 50 MB, is
/// what `busbar lint` says.
pub(crate) fn tested(workspace: &Workspace) -> Result<(), Failure> {
    let (Some(browser), Some(python)) = (std::env::var_os(BROWSER), std::env::var_os(PYTHON)) else {
        eprintln!(
            "not run: it needs a browser and a Python; {BROWSER}=chromium {PYTHON}=python3 run it here"
        );
        return Ok(());
    };
    if !is_installed(workspace)? {
        eprintln!("not run: it needs {TARGET}, which `rustup target add {TARGET}` brings");
        return Ok(());
    }
    page(workspace)?;
    let build = workspace.cargo("build").args(["--locked", "--quiet", "--release", "-p", "cli"]);
    let busbar = workspace.built(build, "busbar")?;
    let test = workspace.program(python).arg(workspace.path("harness/page/tests/page.py"));
    test.arg(browser)
        .arg(workspace.path(PAGE))
        .arg(busbar)
        .arg(workspace.path("harness/cli/tests/logs"))
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_one_place() {
        let page = || "<p><!--A--></p>".to_owned();
        assert_eq!(
            filled(page(), [("<!--A-->", "<!--A-->".to_owned())]).ok().as_deref(),
            Some("<p><!--A--></p>")
        );
        assert!(filled(page(), [("<!--B-->", String::new())]).is_err());
    }
}
