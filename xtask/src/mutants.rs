//! Mutants of the judge: small changes of its source, and who notices them.
//!
//! The workspace is copied to `target/mutants`, the rooms of the judge are written anew there with every mutant behind a number, and built
//! once. A mutant is noticed when a unit test of the judge fails with it, or a verdict of the recorded runs and logs becomes
//! another. Those that nothing notices are listed: either they change nothing that matters, or a test is missing.

mod play;
mod switch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use crate::process::{Failure, Program, Workspace};
use play::{Fate, Trial};
use switch::{Mutant, switched};

/// Where all of it lies.
const HOME: &str = "target/mutants";

/// The rooms whose mistakes become verdicts.
const ROOMS: [(&str, &str); 5] = [
    ("metrics", "harness/judge/src/metrics/"),
    ("wire", "harness/judge/src/wire/"),
    ("behaviour", "harness/judge/src/behaviour/"),
    ("windows", "harness/judge/src/window.rs"),
    ("verdicts", "harness/judge/src/verdict.rs"),
];

/// Files that only tests use.
const FOR_TESTS: [&str; 4] = ["/tests", "staged.rs", "properties.rs", "tests.rs"];

/// What the copy says of which mutant is on.
const SWITCHED: &str = include_str!("mutants/switched.rs.txt");

#[derive(Args)]
pub(crate) struct Options {
    /// only these rooms: metrics, wire, behaviour, windows, verdicts
    rooms: Vec<String>,
    /// judge recorded runs again with each mutant that no unit test noticed: every case of the reference battery, and of each
    /// other battery of rigs/batteries cases in which all that it fails is found
    #[arg(long)]
    verdicts: bool,
    /// logs of CAN, or folders of them, judged by `busbar lint` with each of them
    #[arg(long, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// only mutants whose change has this in its text, such as `.fail(`
    #[arg(long, value_name = "TEXT")]
    changing: Option<String>,
    /// try every so-manieth mutant only
    #[arg(long, default_value_t = 1, value_name = "N")]
    every: u32,
}

/// Makes the mutants, tries them and writes `target/mutants/mutants.md`.
pub(crate) fn mutants(workspace: &Workspace, options: &Options) -> Result<(), Failure> {
    copy(workspace)?;
    let mutants = build(workspace, options)?;
    let unit = tests(workspace)?;
    let is_chosen = |m: &Mutant| {
        m.id.is_multiple_of(options.every.max(1))
            && options.changing.as_ref().is_none_or(|text| m.change.contains(text.as_str()))
    };
    let chosen: Vec<Mutant> = mutants.into_iter().filter(is_chosen).collect();
    eprintln!("{} mutants, {} unit tests", chosen.len(), unit.len());
    let mut fates = play::all(&chosen, &unit, Fate::UnitTest);
    let written = |fates: &BTreeMap<u32, Fate>, recorded: usize| {
        let page = page(&chosen, fates, unit.len(), recorded);
        workspace.write(&format!("{HOME}/mutants.md"), &page).map(|()| page)
    };
    written(&fates, 0)?;
    let left: Vec<Mutant> = chosen.iter().filter(|m| !fates.contains_key(&m.id)).cloned().collect();
    let evidence = recorded(workspace, options)?;
    eprintln!("{} left for {} recorded cases and logs", left.len(), evidence.len());
    fates.extend(play::all(&left, &evidence, Fate::Verdict));
    println!("{}", written(&fates, evidence.len())?);
    Ok(())
}

/// The files that git knows, as they are.
fn copy(workspace: &Workspace) -> Result<(), Failure> {
    let listed = workspace.program("git").args(["ls-files", "-co", "--exclude-standard"]).output()?;
    for name in String::from_utf8_lossy(&listed).lines() {
        let from = workspace.path(name);
        // Unchanged files keep their times, so that little is built anew.
        let to = workspace.path(&format!("{HOME}/tree/{name}"));
        let same =
            std::fs::read(&from).ok().is_some_and(|now| std::fs::read(&to).is_ok_and(|old| old == now));
        if from.is_file() && !same {
            workspace.copy(&from, &format!("{HOME}/tree/{name}"))?;
        }
    }
    Ok(())
}

fn in_tree(workspace: &Workspace, subcommand: &str) -> Program {
    let tree = workspace.path(&format!("{HOME}/tree"));
    // Another compiler flag would build everything anew; the lints of the house do not hold for what is generated.
    workspace
        .cargo(subcommand)
        .env("RUSTFLAGS", "--cap-lints allow")
        .env("CARGO_TARGET_DIR", &workspace.path(&format!("{HOME}/built")).to_string_lossy())
        .args(["--manifest-path", &tree.join("Cargo.toml").to_string_lossy()])
}

/// Writes the rooms with their mutants until they compile, without those that the compiler refuses.
fn build(workspace: &Workspace, options: &Options) -> Result<Vec<Mutant>, Failure> {
    let listed = workspace.program("git").args(["ls-files", "harness/judge/src"]).output()?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let wanted = |name: &&str| {
        let room = ROOMS.iter().find(|(_, path)| name.starts_with(path));
        room.is_some_and(|(room, _)| options.rooms.is_empty() || options.rooms.iter().any(|w| w == room))
            && !FOR_TESTS.iter().any(|part| name.contains(part))
    };
    let library = workspace.read("harness/judge/src/lib.rs")?;
    workspace.write(
        &format!("{HOME}/tree/harness/judge/src/lib.rs"),
        &format!("{library}\n#[allow(warnings)]\npub mod switched;\n"),
    )?;
    workspace.write(&format!("{HOME}/tree/harness/judge/src/switched.rs"), SWITCHED)?;
    let mut refused = BTreeSet::new();
    loop {
        let (mut mutants, mut next) = (Vec::new(), 1);
        for name in listed.lines().filter(wanted) {
            let (tokens, found) = switched(&workspace.read(name)?, name, &mut next, &refused)
                .map_err(|error| Failure::Found(format!("{name}: {error}")))?;
            let path = format!("{HOME}/tree/{name}");
            workspace.write(&path, &tokens.to_string())?;
            // Into lines, so that the compiler's complaints have places.
            workspace.program("rustfmt").args(["--edition", "2024", &path]).output()?;
            mutants.extend(found);
        }
        let said = in_tree(workspace, "check").args(["-p", "judge", "--message-format", "json"]).said()?;
        let bad = refusals(workspace, &String::from_utf8_lossy(&said))?;
        if bad.is_empty() {
            return Ok(mutants);
        }
        eprintln!("{} mutants are no Rust", bad.len());
        if bad.is_subset(&refused) {
            return Err(Failure::Found("what the compiler refuses is no mutant".to_owned()));
        }
        refused.extend(bad);
    }
}

/// A message of the compiler, as far as it is asked for.
#[derive(Deserialize)]
struct Said {
    message: Option<Complaint>,
}
#[derive(Deserialize)]
struct Complaint {
    level: String,
    rendered: Option<String>,
    spans: Vec<Place>,
}
#[derive(Deserialize)]
struct Place {
    file_name: String,
    byte_start: usize,
    is_primary: bool,
}

/// The mutants that the compiler complains about: those in the lines of each error, or next to them.
fn refusals(workspace: &Workspace, said: &str) -> Result<BTreeSet<u32>, Failure> {
    let mut bad = BTreeSet::new();
    for said in said.lines().filter_map(|line| serde_json::from_str::<Said>(line).ok()) {
        let Some(complaint) = said.message.filter(|m| m.level == "error") else { continue };
        for place in complaint.spans.iter().filter(|place| place.is_primary) {
            let text = workspace.read(&format!("{HOME}/tree/{}", place.file_name))?;
            // A changed operator stands behind its number, what is wrong with operands before it.
            let (before, after) = text.split_at_checked(place.byte_start).unwrap_or((&text, ""));
            let near = numbers(tail(before)).pop().or_else(|| numbers(after).into_iter().next());
            let rendered = complaint.rendered.as_deref().unwrap_or_default();
            bad.insert(near.ok_or_else(|| Failure::Found(format!("no mutant is near: {rendered}")))?);
        }
    }
    Ok(bad)
}

/// The end of a text, long enough for an arm of a changed operator.
fn tail(text: &str) -> &str {
    text.char_indices().rev().nth(80).map_or(text, |(at, _)| &text[at..])
}

/// The numbers of the mutants in a text.
fn numbers(text: &str) -> Vec<u32> {
    let text: String = text.split_whitespace().collect();
    let after = text.split("switched::is(").skip(1);
    after.filter_map(|rest| rest.split("u32").next()?.trim().parse().ok()).collect()
}

/// Every unit test of the judge.
fn tests(workspace: &Workspace) -> Result<Vec<Trial>, Failure> {
    let build = in_tree(workspace, "test").args(["-p", "judge", "--lib", "--no-run"]);
    let binary = workspace.built(build, "judge")?;
    let listed = workspace.program(&binary).args(["--list", "--format", "terse"]).output()?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    Ok(names.map(|name| Trial::test(&binary, name)).collect())
}

/// What is judged again for its verdicts: recorded cases and logs.
fn recorded(workspace: &Workspace, options: &Options) -> Result<Vec<Trial>, Failure> {
    if !options.verdicts && options.logs.is_empty() {
        return Ok(Vec::new());
    }
    let build = in_tree(workspace, "build").args(["-p", "cli", "--bin", "busbar"]);
    let binary = workspace.built(build, "busbar")?;
    let mut trials = Vec::new();
    for log in &options.logs {
        let mut logs = if log.is_dir() { files(log) } else { vec![log.clone()] };
        logs.retain(|log| log.is_file());
        trials.extend(logs.iter().map(|log| Trial::verdicts(&binary, "lint", log)));
    }
    if options.verdicts {
        workspace.remove(&format!("{HOME}/runs"))?;
        let mut batteries = files(&workspace.path("rigs/batteries"));
        batteries.retain(|battery| battery.extension().is_some_and(|end| end == "yaml"));
        for battery in batteries {
            let name = battery.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let runs = record(workspace, &binary, &name)?;
            trials.extend(runs.iter().map(|run| Trial::verdicts(&binary, "judge", run)));
        }
    }
    Ok(trials)
}

/// The files of a folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// Records a battery in the cases that tell what it fails, or all of one that fails nothing; each is a run of its own.
fn record(workspace: &Workspace, binary: &Path, battery: &str) -> Result<Vec<PathBuf>, Failure> {
    let run = |case: &[&str], out: &str| {
        let run = workspace.program(binary).args(["run", "-q", "--format", "json", "--battery", battery]);
        run.args(["--out", &format!("{HOME}/{out}/{battery}")]).args(case).said()
    };
    let said = run(&[], "whole")?;
    workspace.remove(&format!("{HOME}/whole"))?;
    let said: Verdicts = serde_json::from_slice(&said)
        .map_err(|error| Failure::Found(format!("{battery}: what it printed is no run: {error}")))?;
    for case in telling(&said) {
        run(&[&case], "runs")?;
    }
    let runs = files(&workspace.path(&format!("{HOME}/runs/{battery}")));
    Ok(runs.into_iter().filter(|run| run.join("manifest.json").is_file() && !run.is_symlink()).collect())
}

/// What `busbar run --format json` prints, as far as it is asked for.
#[derive(Deserialize)]
struct Verdicts {
    cases: Vec<Case>,
}
#[derive(Deserialize)]
struct Case {
    suite: String,
    case: String,
    verdicts: Vec<Verdict>,
}
#[derive(Deserialize)]
struct Verdict {
    requirement: String,
    outcome: String,
}

/// The first cases in which all requirements that fail anywhere do; all cases, where none fails.
fn telling(run: &Verdicts) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let failed = |case: &Case| -> Vec<String> {
        let failed = case.verdicts.iter().filter(|verdict| verdict.outcome == "fail");
        failed.map(|verdict| verdict.requirement.clone()).collect()
    };
    let good = run.cases.iter().all(|case| failed(case).is_empty());
    let told = run
        .cases
        .iter()
        .filter(|case| good || failed(case).into_iter().filter(|id| seen.insert(id.clone())).count() > 0);
    told.map(|case| format!("{}/{}", case.suite, case.case)).collect()
}

/// What came of them, as a page.
fn page(mutants: &[Mutant], fates: &BTreeMap<u32, Fate>, tests: usize, recorded: usize) -> String {
    let mut page = format!(
        "{} mutants, {tests} unit tests, {recorded} recorded runs and logs\n\n\
         | room | mutants | found by a unit test | by a verdict alone | by nothing |\n|---|---|---|---|---|\n",
        mutants.len()
    );
    for (room, path) in ROOMS {
        let of_room: Vec<&Mutant> = mutants.iter().filter(|m| m.file.starts_with(path)).collect();
        let count = |fate: Option<Fate>| of_room.iter().filter(|m| fates.get(&m.id).copied() == fate).count();
        let [unit, verdict, none] = [Some(Fate::UnitTest), Some(Fate::Verdict), None].map(count);
        page.push_str(&format!("| {room} | {} | {unit} | {verdict} | {none} |\n", of_room.len()));
    }
    for (fate, title) in [(Some(Fate::Verdict), "Found by a verdict alone"), (None, "Found by nothing")] {
        page.push_str(&format!("\n## {title}\n\n"));
        for mutant in mutants.iter().filter(|m| fates.get(&m.id).copied() == fate) {
            page.push_str(&format!("- {}:{} {} ({})\n", mutant.file, mutant.line, mutant.change, mutant.id));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_that_tell() {
        let run =
            |text: &str| serde_json::from_str::<Verdicts>(text).map(|run| telling(&run)).expect("verdicts");
        let case = |name: &str, a: &str, b: &str| {
            format!(
                r#"{{"suite": "s", "case": "{name}", "verdicts": [{{"requirement": "A", "outcome": "{a}"}}, {{"requirement": "B", "outcome": "{b}"}}]}}"#
            )
        };
        let cases = |all: &[String]| format!(r#"{{"cases": [{}]}}"#, all.join(","));
        let good = cases(&[case("x", "pass", "pass"), case("y", "pass", "inconclusive")]);
        assert_eq!(run(&good), ["s/x", "s/y"]);
        let bad = cases(&[
            case("x", "pass", "pass"),
            case("y", "fail", "pass"),
            case("z", "fail", "pass"),
            case("w", "fail", "fail"),
        ]);
        assert_eq!(run(&bad), ["s/y", "s/w"]);
    }

    #[test]
    fn numbers_of_mutants_in_a_text() {
        assert_eq!(
            numbers("if crate::switched::is(12u32) { a } else if crate::switched::is( 13u32 ) {"),
            [12, 13]
        );
    }
}
