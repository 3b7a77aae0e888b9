//! `busbar golden`: traces kept from runs that are fit, and later runs held against them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A project of its own, so that golden traces land nowhere else.
struct Project(TempDir);

impl Project {
    fn new() -> Self {
        let home = TempDir::new().expect("a temporary folder");
        for folder in ["suites/feed-in", "suites/links", "rigs/batteries"] {
            copied(&Path::new(PROJECT).join(folder), &home.path().join(folder));
        }
        copied(&Path::new(PROJECT).join("rigs"), &home.path().join("rigs"));
        Self(home)
    }

    fn busbar(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_busbar"))
            .args(arguments)
            .env("BUSBAR_HOME", self.0.path())
            .current_dir("/")
            .output()
            .expect("the binary was built for this test")
    }

    /// Runs cases and gives the folder of the run.
    fn run(&self, arguments: &[&str]) -> PathBuf {
        let output = self.busbar(&[&["run", "--quiet"], arguments].concat());
        let link = self.0.path().join("reports/latest");
        let run = fs::read_link(link).unwrap_or_else(|_| panic!("a run: {}", said(&output)));
        self.0.path().join("reports").join(run)
    }

    fn accept(&self, runs: &[&Path], more: &[&str]) -> Output {
        let runs: Vec<String> = runs.iter().map(|run| run.display().to_string()).collect();
        let runs: Vec<&str> = runs.iter().map(String::as_str).collect();
        let who = ["--reason", "as its maker says", "--by", "J. Doe"];
        self.busbar(&[&["golden", "accept"], runs.as_slice(), &who, more].concat())
    }

    fn compare(&self, run: &Path) -> Output {
        self.busbar(&["golden", "compare", &run.display().to_string()])
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("rigs/golden/reference/feed-in/load-steps.snap")
    }
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder of the project").flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

#[track_caller]
fn ends(output: &Output, code: i32, says: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
    assert!(said(output).contains(says), "{says}: {}", said(output));
}

#[test]
fn what_repeats_matches_and_what_changes_is_drawn() {
    let project = Project::new();
    let run = |seed| project.run(&["feed-in/load-steps", "--seed", seed]);
    let (one, two, three) = (run("1"), run("2"), run("3"));
    ends(&project.compare(&one), 2, "there is no golden trace of reference");
    ends(&project.accept(&[&one, &two], &[]), 0, "rests on 2 runs that are ");
    let text = fs::read_to_string(project.file()).expect("the file");
    assert!(
        text.contains("by: \"J. Doe\"") && text.contains("Firmware") && text.contains("0:00:00.0  55."),
        "{text}"
    );
    for run in [&one, &two, &three] {
        ends(&project.compare(run), 0, "feed-in/load-steps: matches within 0.");
    }

    // Nothing is overwritten by accident, and nothing is taken without a reason.
    ends(&project.accept(&[&one], &[]), 65, "is there already");
    assert_eq!(fs::read_to_string(project.file()).expect("the file"), text);
    ends(&project.accept(&[&one], &["--replace", "--cvl", "0.05 V"]), 64, "tighter than");
    let blank = one.display().to_string();
    ends(
        &project.busbar(&["golden", "accept", &blank, "--by", "J", "--reason", " "]),
        64,
        "without a reason",
    );
    ends(
        &project.accept(&[&one], &["--replace", "--lag", "20 s"]),
        0,
        "rests on one run, which tells no spread: 8",
    );

    // A firmware that controls otherwise: told after the run, drawn when asked, and no verdict changes.
    let sheet = project.0.path().join("rigs/batteries/reference.yaml");
    let changed =
        fs::read_to_string(&sheet).expect("the battery").replace("target: 3.45 V", "target: 3.42 V");
    fs::write(&sheet, changed.replace("firmware: \"1.0\"", "firmware: \"1.1\"")).expect("written");
    let output = project.busbar(&["run", "--quiet", "feed-in/load-steps"]);
    ends(&output, 0, "feed-in/load-steps differs from its golden trace at ");
    let latest = project.0.path().join("reports/latest");
    let compared = project.compare(&latest);
    ends(&compared, 1, "feed-in/load-steps: DIFFERS after `full` at ");
    for part in ["they would match with", "- golden, + this run, # both", " |", "1.1 is so now", "1.0 was so"]
    {
        assert!(said(&compared).contains(part), "{part}: {}", said(&compared));
    }
    // The page: named as the folder of the run is, with the tube, the moment, and what would have been enough.
    let name = fs::read_link(&latest).expect("a link");
    let page = project.0.path().join("reports/golden").join(name).with_extension("html");
    // As it is opened from where the command was given.
    let from_here = project.0.path().join("reports/golden");
    let from_here = from_here.strip_prefix("/").expect("an absolute path").display().to_string();
    assert!(said(&compared).contains(&format!("Page: {from_here}/")), "{}", said(&compared));
    let page = fs::read_to_string(page).expect("the page");
    for part in [
        "Around the first moment without a partner",
        "class=band",
        "class=needed",
        "class=first",
        "class=alone",
        "more voltage at this lag",
        "as its maker says",
        "1.1 is so now",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script"), "it needs none");
    let named = project.0.path().join("mine.html");
    let asked = project.busbar(&[
        "golden",
        "compare",
        &one.display().to_string(),
        "--html",
        &named.display().to_string(),
    ]);
    ends(&asked, 0, "Page: ");
    assert!(fs::read_to_string(named).expect("the page").contains("Matches"));
    ends(&project.accept(&[&one, &latest], &["--replace"]), 65, "are not of one battery");

    fs::write(project.file(), text.replace("  tolerance: { cvl: 0.", "  tolerance: { cvl: 0,"))
        .expect("written");
    ends(&project.compare(&one), 65, "load-steps.snap:");
    fs::write(project.file(), &text[..text.len() - "1:50:00.0  end\n".len()]).expect("written");
    ends(&project.compare(&one), 65, "cut off");
    // A broken golden file is told after a run, and is no failure of the run.
    ends(&project.busbar(&["run", "--quiet", "feed-in/load-steps"]), 0, "cut off");
}

#[test]
fn a_run_that_is_not_fit_becomes_no_golden_trace() {
    let project = Project::new();
    let swept = project.run(&["feed-in/load-steps", "--sweep", "--seed", "4"]);
    ends(&project.accept(&[&swept], &[]), 65, "drawn by its seed");
    let failed = project.run(&["feed-in/load-steps", "--battery", "oscillating"]);
    ends(&project.accept(&[&failed], &[]), 65, "it ended fail");
    let other = project.run(&["links/wire-cut"]);
    ends(&project.accept(&[&other], &[]), 65, "holds no case whose suite keeps its CVL");
    let good = project.run(&["feed-in/load-steps"]);
    ends(&project.accept(&[&good, &good], &[]), 65, "repeats another of the runs");
    ends(&project.accept(&[&good, &failed], &[]), 65, "are not of one battery");
    ends(&project.accept(&[&good], &["--case", "feed-in/nothing"]), 64, "holds no case `feed-in/nothing`");

    let log = good.join("can.log");
    let whole = fs::read(&log).expect("can.log");
    fs::write(&log, &whole[..whole.len() - 1000]).expect("written");
    ends(&project.accept(&[&good], &[]), 65, "cannot become golden");
    fs::write(&log, whole).expect("written");
    fs::remove_file(good.join("manifest.json")).expect("removed");
    ends(&project.accept(&[&good], &[]), 65, "did not come to its end");
    assert!(!project.0.path().join("rigs/golden").exists(), "nothing was written");
}
