//! The arrows between crates, and what comes in from outside, as cargo itself resolves them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;

use super::{File, Finding, purity::PURE};
use crate::process::{Failure, Workspace};

/// Every arrow there is: a crate of the workspace and those it may depend on, in tests too but for [`ARROWS_IN_TESTS`].
const ARROWS: &[(&str, &[&str])] = &[
    ("proto", &[]),
    ("judge", &["proto"]),
    ("engine", &["proto", "judge"]),
    ("plant", &["proto"]),
    ("files", &["proto", "judge", "engine"]),
    ("evidence", &["proto", "judge", "engine", "files"]),
    ("lab", &["proto", "judge", "engine", "files", "evidence"]),
    ("lint", &["proto", "judge", "evidence"]),
    ("page", &["proto", "judge", "lint"]),
    ("sim", &["proto", "judge", "engine", "plant", "files", "evidence", "lab"]),
    ("report", &["proto", "judge", "evidence"]),
    ("session", &["proto", "judge", "engine", "files", "evidence", "lab", "sim", "report"]),
    ("cli", &["proto", "judge", "engine", "files", "evidence", "lab", "lint", "sim", "report", "session"]),
    ("watch", &["proto", "judge", "engine", "files", "evidence"]),
    ("suites", &["proto", "judge", "engine", "files", "evidence", "report", "session"]),
    ("busbar-bms", &[]),
    ("xtask", &[]),
];

/// What a crate may depend on in its tests, besides: what lab drives is the simulated rig, served on the very wires.
const ARROWS_IN_TESTS: &[(&str, &[&str])] = &[("lab", &["plant", "session", "sim"])];

/// Crates that judge a log or a run again, and what none of them links: no port, no runtime, no simulated world.
const JUDGING: &[&str] = &["judge", "files", "evidence", "lint", "page"];
const NOT_FOR_JUDGING: &[&str] = &["serialport", "socketcan", "tokio", "tokio-modbus", "plant"];

/// What a pure crate may build with: each computes on values and does nothing else.
const PURE_DEPENDENCIES: &[&str] =
    &["serde", "serde_json", "serde-saphyr", "schemars", "strsim", "thiserror", "libm", "miniz_oxide"];

/// What a pure crate may test with, besides.
const PURE_TEST_DEPENDENCIES: &[&str] = &["rstest", "proptest", "insta"];

/// Crates that need something of the machine which a fresh one does not have.
const SYSTEM: &[(&str, &str)] = &[
    ("libudev", "needs libudev and pkg-config"),
    ("libudev-sys", "needs libudev and pkg-config"),
    ("libusb1-sys", "needs libusb"),
    ("libdbus-sys", "needs libdbus and pkg-config"),
    ("hidapi", "needs libudev or libusb"),
    ("openssl", "needs OpenSSL"),
    ("openssl-sys", "needs OpenSSL"),
    ("native-tls", "needs OpenSSL"),
    ("pkg-config", "looks for system libraries"),
    ("vcpkg", "looks for system libraries"),
    ("system-deps", "looks for system libraries"),
    ("cmake", "needs CMake and a C compiler"),
    ("cc", "needs a C compiler"),
    ("bindgen", "needs libclang"),
];

/// Crates that claim to link a library but do not: the claim only keeps two versions apart.
const LINKS_NOTHING: &[&str] = &["rayon-core", "wasm-bindgen-shared", "prettyplease"];

/// Crates that compile C which they bring along, with the very compiler that links every Rust program; what they take in
/// to do so is theirs. Each needs a reason in ARCHITECTURE.md.
const BUNDLED: &[&str] = &["libsqlite3-sys"];

/// What `cargo metadata` says, as far as it is asked for here.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
    workspace_root: String,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: String,
    links: Option<String>,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    rename: Option<String>,
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

impl Metadata {
    /// Asks cargo, for the machine this runs on.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self, Failure> {
        let version = workspace.program("rustc").arg("-vV").output()?;
        let version = String::from_utf8_lossy(&version);
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.ok_or_else(|| Failure::Found("`rustc -vV` names no host".to_owned()))?;
        let cargo = workspace.cargo("metadata");
        let said = cargo.args(["--format-version", "1", "--filter-platform", host]).output()?;
        serde_json::from_slice(&said)
            .map_err(|error| Failure::Found(format!("cargo metadata is not as expected: {error}")))
    }

    fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// A package's manifest, as a path from the root.
    fn manifest<'a>(&self, package: &'a Package) -> &'a str {
        let path = package.manifest_path.as_str();
        path.strip_prefix(&self.workspace_root).unwrap_or(path).trim_start_matches('/')
    }
}

/// Holds every rule on dependencies.
pub(crate) fn check(metadata: &Metadata, files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata.members() {
        let path = metadata.manifest(package);
        let manifest = files.iter().find(|file| file.path == path).and_then(File::text).unwrap_or_default();
        findings.extend(arrows(metadata, package, path, manifest));
        if PURE.contains(&package.name.as_str()) {
            findings.extend(pure(metadata, package, path, manifest));
        }
        if !manifest.contains("[lints]\nworkspace = true") {
            findings.push(Finding::new(
                path,
                0,
                "the lints of the workspace are not taken over: add `[lints]` with `workspace = true`",
            ));
        }
    }
    findings.extend(judging(metadata));
    findings.extend(system(metadata));
    findings
}

/// What reaches a port or a runtime from where a run is judged again.
fn judging(metadata: &Metadata) -> Vec<Finding> {
    let from = metadata.members().filter(|member| JUDGING.contains(&member.name.as_str()));
    let ways = ways(metadata, from.map(|member| member.id.as_str()));
    let linked =
        ways.into_values().filter(|way| way.last().is_some_and(|last| NOT_FOR_JUDGING.contains(last)));
    let finding = |way: Vec<&str>| {
        let what = format!("a run is judged again without it: {}", way.join(" → "));
        Finding::new("Cargo.lock", 0, what)
    };
    linked.map(finding).collect()
}

/// Arrows between the crates of the workspace.
fn arrows(metadata: &Metadata, package: &Package, path: &str, manifest: &str) -> Vec<Finding> {
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
        let what = format!(
            "crate `{}` has no place in the arrows: draw them in ARCHITECTURE.md and in xtask/src/tidy/crates.rs",
            package.name
        );
        return vec![Finding::new(path, 0, what)];
    };
    let members: BTreeSet<&str> = metadata.members().map(|member| member.name.as_str()).collect();
    let wrong = |dependency: &&Dependency| {
        let name = dependency.name.as_str();
        let in_tests = dependency.kind.as_deref() == Some("dev")
            && ARROWS_IN_TESTS.iter().any(|(from, to)| *from == package.name && to.contains(&name));
        members.contains(name) && !allowed.contains(&name) && !in_tests
    };
    let finding = |dependency: &Dependency| {
        let may =
            if allowed.is_empty() { "no crate of the workspace".to_owned() } else { allowed.join(", ") };
        let what = format!(
            "arrow {} → {} is not drawn: {} depends on {may}; move the shared type towards proto instead",
            package.name, dependency.name, package.name
        );
        Finding::new(path, line_of(manifest, dependency), what)
    };
    package.dependencies.iter().filter(wrong).map(finding).collect()
}

/// What a pure crate takes in from outside.
fn pure(metadata: &Metadata, package: &Package, path: &str, manifest: &str) -> Vec<Finding> {
    let members: BTreeSet<&str> = metadata.members().map(|member| member.name.as_str()).collect();
    let mut findings = Vec::new();
    for dependency in &package.dependencies {
        let name = dependency.name.as_str();
        let allowed = match dependency.kind.as_deref() {
            None => PURE_DEPENDENCIES.contains(&name),
            Some("dev") => PURE_DEPENDENCIES.contains(&name) || PURE_TEST_DEPENDENCIES.contains(&name),
            Some(_) => false,
        };
        if !allowed && !members.contains(name) {
            let what = format!(
                "pure crate `{}` takes in `{name}`, which is on no list: a crate that only computes goes on the list in \
                 xtask/src/tidy/crates.rs, anything else belongs in files, lab, report or cli",
                package.name
            );
            findings.push(Finding::new(path, line_of(manifest, dependency), what));
        }
    }
    if package.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "custom-build")) {
        let what =
            format!("pure crate `{}` has a build script: what it makes can be checked in", package.name);
        findings.push(Finding::new(path, 0, what));
    }
    findings
}

/// System libraries and compilers that a fresh machine does not have.
fn system(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    let ways = ways(metadata, metadata.workspace_members.iter().map(String::as_str));
    for package in &metadata.packages {
        let Some(way) = ways.get(package.id.as_str()) else { continue };
        if BUNDLED.contains(&package.name.as_str()) {
            continue;
        }
        let known = SYSTEM.iter().find(|(name, _)| *name == package.name).map(|(_, why)| (*why).to_owned());
        let claimed = package.links.as_ref().filter(|_| !LINKS_NOTHING.contains(&package.name.as_str()));
        let Some(why) = known.or_else(|| claimed.map(|library| format!("links `{library}`"))) else {
            continue;
        };
        let what = format!(
            "`{}` {why}, and a fresh machine has only cargo: leave out the feature that brings it ({})",
            package.name,
            way.join(" → ")
        );
        findings.push(Finding::new("Cargo.lock", 0, what));
    }
    findings
}

/// For every package that is reached from these, one shortest way to it.
fn ways<'m>(metadata: &'m Metadata, from: impl Iterator<Item = &'m str>) -> BTreeMap<&'m str, Vec<&'m str>> {
    let names: BTreeMap<&str, &str> =
        metadata.packages.iter().map(|p| (p.id.as_str(), p.name.as_str())).collect();
    let nodes: BTreeMap<&str, &Node> = metadata.resolve.nodes.iter().map(|n| (n.id.as_str(), n)).collect();
    let mut ways: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut queue: VecDeque<&str> = from.collect();
    for member in &queue {
        ways.insert(member, names.get(member).copied().into_iter().collect());
    }
    while let Some(id) = queue.pop_front() {
        let way = ways.get(id).cloned().unwrap_or_default();
        if way.last().is_some_and(|name| BUNDLED.contains(name)) {
            continue;
        }
        for next in nodes.get(id).map_or(&[][..], |node| &node.dependencies) {
            if !ways.contains_key(next.as_str()) {
                let name = names.get(next.as_str()).copied();
                ways.insert(next, way.iter().copied().chain(name).collect());
                queue.push_back(next);
            }
        }
    }
    ways
}

/// The line of a manifest that brings a dependency in, 0 where it cannot be told.
fn line_of(manifest: &str, dependency: &Dependency) -> usize {
    let key = dependency.rename.as_deref().unwrap_or(&dependency.name);
    let found = manifest.lines().position(|line| {
        let rest = line.trim_start().strip_prefix(key);
        rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    });
    found.map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    const LINTS: &str = "[lints]\nworkspace = true\n";

    fn package(name: &str, dependencies: &[Value]) -> Value {
        json!({
            "id": name, "name": name, "manifest_path": format!("/w/harness/{name}/Cargo.toml"),
            "links": null, "dependencies": dependencies, "targets": [{ "kind": ["lib"] }],
        })
    }

    fn on(name: &str, kind: Option<&str>) -> Value {
        json!({ "name": name, "rename": null, "kind": kind })
    }

    fn world(packages: &[Value], members: &[&str], edges: &[(&str, &[&str])]) -> Metadata {
        let nodes: Vec<Value> =
            edges.iter().map(|(id, to)| json!({ "id": id, "dependencies": to })).collect();
        serde_json::from_value(json!({
            "packages": packages, "workspace_members": members, "workspace_root": "/w",
            "resolve": { "nodes": nodes },
        }))
        .expect("as cargo says it")
    }

    fn findings(metadata: &Metadata, manifest: &str) -> Vec<String> {
        let files: Vec<File> = metadata.members().map(|p| file(metadata.manifest(p), manifest)).collect();
        check(metadata, &files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn drawn_arrows_pass() {
        let packages = [
            package("proto", &[on("serde", None), on("rstest", Some("dev"))]),
            package("judge", &[on("proto", None), on("thiserror", None)]),
            package("engine", &[on("judge", None), on("proto", Some("dev")), on("serde-saphyr", None)]),
            package("cli", &[on("engine", None), on("tokio", None)]),
        ];
        let metadata = world(&packages, &["proto", "judge", "engine", "cli"], &[]);
        assert_eq!(findings(&metadata, LINTS), Vec::<String>::new());
    }

    #[rstest]
    #[case("proto", "judge", None)]
    #[case("judge", "engine", None)]
    #[case("judge", "plant", Some("dev"))]
    #[case("engine", "plant", None)]
    #[case("plant", "judge", None)]
    #[case("report", "engine", None)]
    #[case("files", "plant", None)]
    #[case("evidence", "lab", None)]
    #[case("lab", "sim", None)]
    #[case("lab", "report", None)]
    #[case("sim", "session", Some("dev"))]
    #[case("cli", "plant", None)]
    #[case("suites", "plant", Some("dev"))]
    #[case("xtask", "proto", None)]
    fn an_arrow_that_is_not_drawn_is_found(#[case] from: &str, #[case] to: &str, #[case] kind: Option<&str>) {
        let metadata = world(&[package(from, &[on(to, kind)]), package(to, &[])], &[from, to], &[]);
        let manifest = format!("{LINTS}\n[dependencies]\n{to}.workspace = true\n");
        let found = findings(&metadata, &manifest);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!("harness/{from}/Cargo.toml:5: arrow {from} → {to} ")),
            "{found:?}"
        );
    }

    #[test]
    fn a_crate_without_arrows_is_found() {
        let found = findings(&world(&[package("extra", &[])], &["extra"], &[]), LINTS);
        assert!(found.len() == 1 && found[0].contains("no place in the arrows"), "{found:?}");
    }

    #[rstest]
    #[case("tokio", None)]
    #[case("rand", None)]
    #[case("rstest", None)]
    #[case("tempfile", Some("dev"))]
    #[case("serde", Some("build"))]
    fn a_pure_crate_takes_in_only_what_is_listed(#[case] name: &str, #[case] kind: Option<&str>) {
        let found = findings(&world(&[package("judge", &[on(name, kind)])], &["judge"], &[]), LINTS);
        assert!(found.len() == 1 && found[0].contains(&format!("takes in `{name}`")), "{found:?}");
    }

    #[test]
    fn a_pure_crate_has_no_build_script() {
        let mut judge = package("judge", &[]);
        judge["targets"] = json!([{ "kind": ["lib"] }, { "kind": ["custom-build"] }]);
        let found = findings(&world(&[judge], &["judge"], &[]), LINTS);
        assert!(found.len() == 1 && found[0].contains("build script"), "{found:?}");
    }

    #[test]
    fn the_lints_of_the_workspace_are_taken_over() {
        let found = findings(&world(&[package("proto", &[])], &["proto"], &[]), "[package]\n");
        assert!(found.len() == 1 && found[0].contains("lints of the workspace"), "{found:?}");
    }

    #[test]
    fn a_system_library_is_found_with_its_way_in() {
        let packages = [package("lab", &[]), package("serialport", &[]), package("libudev-sys", &[])];
        let edges: &[(&str, &[&str])] = &[("lab", &["serialport"]), ("serialport", &["libudev-sys"])];
        let found = findings(&world(&packages, &["lab"], edges), LINTS);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("(lab → serialport → libudev-sys)"), "{found:?}");
    }

    #[test]
    fn what_judges_again_reaches_no_runtime() {
        let packages =
            [package("files", &[]), package("nice", &[]), package("tokio", &[]), package("lab", &[])];
        let edges: &[(&str, &[&str])] = &[("files", &["nice"]), ("nice", &["tokio"]), ("lab", &["tokio"])];
        let found = findings(&world(&packages, &["files", "lab"], edges), LINTS);
        assert!(found.len() == 1 && found[0].contains("files → nice → tokio"), "{found:?}");
    }

    #[test]
    fn a_claim_to_link_is_found_unless_it_is_known_to_be_empty() {
        let claim = |name: &str| {
            let mut claims = package(name, &[]);
            claims["links"] = json!("z");
            world(&[package("lab", &[]), claims], &["lab"], &[("lab", &[name])])
        };
        let found = findings(&claim("libz-sys"), LINTS);
        assert!(found.len() == 1 && found[0].contains("links `z`"), "{found:?}");
        assert_eq!(findings(&claim("rayon-core"), LINTS), Vec::<String>::new());
    }

    #[test]
    fn what_a_bundle_takes_in_is_its_own_affair_and_nobody_elses() {
        let packages = [package("report", &[]), package("libsqlite3-sys", &[]), package("cc", &[])];
        let alone: &[(&str, &[&str])] = &[("report", &["libsqlite3-sys"]), ("libsqlite3-sys", &["cc"])];
        assert_eq!(findings(&world(&packages, &["report"], alone), LINTS), Vec::<String>::new());
        let too: &[(&str, &[&str])] = &[("report", &["libsqlite3-sys", "cc"]), ("libsqlite3-sys", &["cc"])];
        let found = findings(&world(&packages, &["report"], too), LINTS);
        assert!(found.len() == 1 && found[0].contains("`cc` needs a C compiler"), "{found:?}");
    }

    #[test]
    fn what_no_member_reaches_is_not_asked_for() {
        let packages = [package("lab", &[]), package("openssl-sys", &[])];
        assert_eq!(findings(&world(&packages, &["lab"], &[]), LINTS), Vec::<String>::new());
    }
}
