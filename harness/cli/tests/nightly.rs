//! `busbar nightly`, `history` and `compare` as their users meet them: nights of a battery whose firmware gets worse.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rstest::rstest;
use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// What is run each night: short, and enough to tell the firmwares apart.
const CASE: &str = "feed-in/hold-while-full";

/// A project of its own with the rig and the battery, and a place for its reports.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = TempDir::new().expect("a temporary folder");
        let copy = |name: &str| {
            let to = home.path().join(name);
            fs::create_dir_all(to.parent().expect("a folder")).expect("made");
            fs::copy(Path::new(PROJECT).join(name), to).expect("a copy");
        };
        for name in [
            "rigs/simulated.yaml",
            "rigs/batteries/reference.yaml",
            "rigs/batteries/oscillating.yaml",
            "suites/feed-in/feed-in.yaml",
        ] {
            copy(name);
        }
        Self(home)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn busbar(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_busbar"))
            .args(arguments)
            .env("BUSBAR_HOME", self.0.path())
            .current_dir(self.0.path())
            .output()
            .expect("the binary was built for this test")
    }

    fn night(&self, more: &[&str]) -> (i32, String) {
        let output = self.busbar(&[&["nightly", "--quiet", "--battery", "mine", CASE], more].concat());
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        (output.status.code().expect("it ended by itself"), said)
    }

    /// The battery of this night: a model of the project under one name, with a firmware.
    fn battery(&self, model: &str, firmware: &str) {
        let mine = format!(
            "battery: mine\nlike: {model}\ntitle: Mine\nexpect: pass\nsimulated:\n  identity: {{ firmware: \"{firmware}\" }}\n"
        );
        fs::write(self.path("rigs/batteries/mine.yaml"), mine).expect("written");
    }

    fn nights(&self) -> Vec<PathBuf> {
        let mut nights: Vec<PathBuf> = fs::read_dir(self.path("reports/nights"))
            .expect("nights")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        nights.sort();
        nights
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_firmware_that_gets_worse_is_the_first_thing_in_the_morning() {
    let home = Home::new();
    let firmwares =
        [("reference", "1.0"), ("reference", "1.0"), ("reference", "1.1"), ("oscillating", "1.2")];
    for (night, (model, firmware)) in firmwares.into_iter().enumerate() {
        home.battery(model, firmware);
        let (code, said) = home.night(&["--seed", &(night + 1).to_string()]);
        assert_eq!(code, i32::from(model == "oscillating"), "night {night}: {said}");
    }
    let last = home.nights().pop().expect("four nights");
    let page = read(&last.join("index.html"));
    for expected in [
        "Newly failing",
        CASE,
        "the last nights: pass, pass, pass, fail",
        "<tr><td>Firmware<td>1.1<td>→<td><b>1.2</b>",
        "<tr><td>rigs/batteries/mine.yaml, ",
        "Figures that moved",
        "CVL-04 fail",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    let link = format!("../../night-mine-seed4-001/report.html#case-1\">{CASE}");
    assert!(page.contains(&link), "the case leads to its report");
    assert!(last.join("../../night-mine-seed4-001/report.html").exists(), "which is there");
    assert!(!page.contains("<script"), "it needs none");
    let summary = read(&last.join("summary.md"));
    assert!(
        summary.starts_with("# FAIL: ")
            && summary.contains("rigs/batteries/mine.yaml, ")
            && summary.contains("Since the night of ")
            && summary.contains(": 1 newly failing, "),
        "{summary}"
    );
    assert!(read(&last.join("junit.xml")).contains("<failure"));

    // The same again: nothing is new, and what fails is still told.
    let (code, said) = home.night(&["--seed", "5"]);
    assert_eq!(code, 1);
    assert!(said.contains("## Still failing") && !said.contains("## Newly failing"), "{said}");
    // Only what failed; then, repaired, it passes and there is nothing left to repeat.
    home.battery("reference", "1.3");
    let (code, said) = home.night(&["--failed-only"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("## Newly passing"), "{said}");
    let (code, said) = home.night(&["--failed-only"]);
    assert_eq!((code, said.as_str()), (0, "Every case passed when it was last tried: nothing to repeat.\n"));

    let shown = home.busbar(&["history", "case", CASE]);
    let shown = text(&shown.stdout);
    let firmwares: Vec<&str> =
        ["1.0", "1.1", "1.2", "1.3"].into_iter().filter(|f| shown.contains(f)).collect();
    assert_eq!(firmwares.len(), 4, "{shown}");
    assert!(shown.contains("0x351-period 1 s") && shown.contains("cvl-plateau 55."), "{shown}");
    let json: serde_json::Value =
        serde_json::from_slice(&home.busbar(&["history", "nights", "--format", "json"]).stdout)
            .expect("JSON");
    assert_eq!(json[3]["cases"][CASE]["requirements"]["CVL-04"], "fail");

    // Two of its runs beside each other.
    let runs = ["reports/night-mine-seed3-001", "reports/night-mine-seed4-001"];
    let output = home.busbar(&["compare", runs[0], runs[1], "--html", "over.html"]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    assert!(told.contains("Firmware: 1.1 -> 1.2") && told.contains("CVL-04   PASS -> FAIL"), "{told}");
    let page = read(&home.path("over.html"));
    assert!(page.contains("class=over-b"));
    // What the battery file says otherwise is told beside what came out otherwise.
    assert!(
        told.contains("rigs/batteries/mine.yaml, ") && page.contains("rigs/batteries/mine.yaml, "),
        "{told}"
    );
    assert_eq!(home.busbar(&["compare", runs[0], runs[0]]).status.code(), Some(0));

    // The index can be made from the folders again.
    let again = home.busbar(&["history", "add", runs[0], runs[1], "--history", "again.db"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    let shown = text(&home.busbar(&["history", "nights", "--history", "again.db"]).stdout);
    assert!(shown.contains("  run    night-mine-seed3-001"), "runs of no night are shown: {shown}");
}

/// Every way to ask, and what a question after something that is not there gets.
#[test]
fn the_history_answers_by_case_requirement_metric_battery_firmware_and_rig() {
    let home = Home::new();
    for (model, firmware) in [("reference", "1.0"), ("oscillating", "1.1")] {
        home.battery(model, firmware);
        home.night(&[]);
    }
    home.busbar(&["run", "--quiet", "--battery", "reference", CASE, "--out", "else"]);
    let alone = home.busbar(&["history", "add", "else/latest"]);
    assert_eq!(alone.status.code(), Some(0), "{}", text(&alone.stderr));
    let ask = |words: &[&str]| {
        let output = home.busbar(&[&["history"], words].concat());
        (output.status.code().expect("it ended"), text(&output.stdout) + &text(&output.stderr))
    };
    let lines = |words: &[&str]| {
        let (code, said) = ask(words);
        assert_eq!(code, 0, "{words:?}: {said}");
        said.lines().map(str::to_owned).collect::<Vec<String>>()
    };
    assert_eq!(lines(&["nights"]).len(), 3);
    assert_eq!(lines(&["nights", "--battery", "mine"]).len(), 2);
    assert_eq!(lines(&["nights", "--rig", "simulated", "--firmware", "1.1"]).len(), 1);
    assert_eq!(lines(&["nights", "--last", "1"]).len(), 1);
    let requirement = lines(&["requirement", "CVL-04"]);
    assert!(requirement[0].ends_with("  held in 1 case"), "{requirement:?}");
    assert!(requirement[1].ends_with(&format!("  {CASE} fail")), "{requirement:?}");
    assert!(lines(&["requirement", "BEH-BO"]).iter().all(|line| line.ends_with("  not judged")));
    let metric = lines(&["metric", "cvl-plateau", "--battery", "mine"]);
    assert!(metric.iter().all(|line| line.contains(&format!("  {CASE} 5"))), "{metric:?}");
    let (_, json) = ask(&["metric", "travel", "--format", "json", "--firmware", "1.1"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let figures = json[0]["cases"][CASE]["figures"].as_object().expect("figures");
    assert_eq!(figures.keys().collect::<Vec<_>>(), ["travel"]);
    assert_eq!((&json[0]["kind"], &json[0]["battery"]), (&"night".into(), &"mine".into()));

    for (words, says) in [
        (["nights", "--rig", "nosuch"].as_slice(), "knows no rig `nosuch`; it knows `simulated`"),
        (&["nights", "--battery", "min"], "knows no battery `min`; it knows `mine`, `reference`"),
        (&["nights", "--firmware", "9"], "knows no firmware `9`"),
        (&["nights", "--battery", "reference", "--firmware", "1.1"], "no night and no run is all of that"),
        (&["metric", "plateau"], "measured `plateau`; the nearest: cvl-plateau"),
        (&["case", "feed-in/hold"], "tried `feed-in/hold`; the nearest: feed-in/hold-while-full"),
        (&["requirement", "CVL-99"], "no requirement is called `CVL-99`"),
    ] {
        let (code, said) = ask(words);
        assert!(code == 64 && said.contains(says), "{words:?}: {code} {said}");
    }
}

#[test]
fn evidence_of_failures_outlives_that_of_passes() {
    let home = Home::new();
    home.battery("reference", "1.0");
    home.night(&[]);
    home.battery("oscillating", "1.1");
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let (_, said) = home.night(&["--seed", "2", "--keep-passed", "0s", "--keep-failed", "1h"]);
    assert!(!home.path("reports/night-mine-seed1-001").exists(), "{said}");
    assert!(home.path("reports/night-mine-seed2-001").exists());
    let nights = text(&home.busbar(&["history", "nights"]).stdout);
    assert_eq!(nights.lines().count(), 2, "what it came to stays known: {nights}");
    let (code, said) = home.night(&["--keep-passed", "2h", "--keep-failed", "1h"]);
    assert_eq!(code, 64, "{said}");
}

#[rstest]
#[case(b"this is no database, whatever it is called, and long enough to be taken for one ...........".as_slice(), "this is no database")]
#[case(b"SQLite format 3\0\x10\0\x01\x01\0\x40\x20\x20 and then nothing of one".as_slice(), "database")]
fn a_history_that_is_none_is_refused_before_anything_runs(#[case] content: &[u8], #[case] says: &str) {
    let home = Home::new();
    home.battery("reference", "1.0");
    fs::write(home.path("mine.db"), content).expect("written");
    let (code, said) = home.night(&["--history", "mine.db"]);
    assert_eq!(code, 65, "{said}");
    assert!(said.contains(says) && said.contains("Nothing in it was changed"), "{said}");
    assert_eq!(fs::read(home.path("mine.db")).expect("there"), content);
    assert!(!home.path("reports/night-mine-seed1-001").exists(), "nothing was run");
}

#[test]
fn a_damaged_history_is_refused() {
    let home = Home::new();
    home.battery("reference", "1.0");
    assert_eq!(home.night(&[]).0, 0);
    let path = home.path("reports/history.db");
    let mut bytes = fs::read(&path).expect("there");
    let middle = bytes.len() / 2;
    bytes[4096..middle].fill(0xA5);
    fs::write(&path, &bytes).expect("written");
    let (code, said) = home.night(&[]);
    assert_eq!(code, 65, "{said}");
    assert!(said.contains("damaged"), "{said}");
    assert_eq!(fs::read(&path).expect("there"), bytes, "left as it is");
}

/// Copies of a run whose evidence was changed, however well: the honest run stays what the history has.
#[test]
fn changed_evidence_does_not_take_the_place_of_an_honest_run() {
    let home = Home::new();
    home.battery("reference", "1.0");
    assert_eq!(home.night(&[]).0, 0);
    let run = home.path("reports/night-mine-seed1-001");
    let copy = |to: &str| {
        let to = home.path(to);
        fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        assert!(Command::new("cp").arg("-r").args([&run, &to]).status().expect("cp").success());
        to
    };
    let refuses = |folder: &Path, says: &str| {
        let output = home.busbar(&["history", "add", &folder.to_string_lossy()]);
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(65) && said.contains(says), "{says}: {said}");
    };
    let abort = |folder: &Path| {
        let events = folder.join("events.jsonl");
        let changed =
            read(&events).replace("\"kind\":\"completed\"", "\"kind\":\"aborted\",\"reason\":\"x\"");
        assert!(changed != read(&events), "it tells of an end");
        fs::write(events, changed).expect("written");
    };
    refuses(&copy("elsewhere"), "give the folder that name again");
    let other = copy("other/night-mine-seed1-001");
    abort(&other);
    refuses(&other, "changed since manifest.json was written: events.jsonl");
    // And with a manifest that fits.
    let (manifest, events) =
        (other.join("manifest.json"), fs::read(other.join("events.jsonl")).expect("there"));
    let old = fs::read(run.join("events.jsonl")).expect("there");
    let fits = read(&manifest)
        .replace(&evidence::manifest::sha256(&old), &evidence::manifest::sha256(&events))
        .replace(&format!("\"bytes\": {}", old.len()), &format!("\"bytes\": {}", events.len()));
    fs::write(&manifest, fits).expect("written");
    refuses(&other, "which is another: events.jsonl");
    let nights = text(&home.busbar(&["history", "nights"]).stdout);
    assert!(nights.contains("pass") && !nights.contains("inconclusive"), "{nights}");
}

/// A history that takes nothing: what the night came to is told all the same, and its exit code stays.
#[rstest]
#[case("reference", 2, "# PASS: ")]
#[case("oscillating", 1, "# FAIL: ")]
fn a_night_that_cannot_be_remembered_is_told(#[case] model: &str, #[case] code: i32, #[case] says: &str) {
    let home = Home::new();
    home.battery(model, "1.0");
    let path = home.path("mine.db");
    drop(report::history::History::open(&path).expect("a new one"));
    let db = rusqlite::Connection::open(&path).expect("it opens");
    let full =
        "CREATE TRIGGER full BEFORE INSERT ON nights BEGIN SELECT RAISE(FAIL, 'the disk is full'); END";
    db.execute_batch(full).expect("made");
    let (found, said) = home.night(&["--history", "mine.db"]);
    assert_eq!(found, code, "{said}");
    assert!(said.contains(says) && said.contains("the disk is full"), "{said}");
    assert!(said.contains("`busbar history add` takes them in later"), "{said}");
    let night = home.nights().pop().expect("the night");
    for file in ["index.html", "summary.md", "junit.xml"] {
        assert!(night.join(file).exists(), "{file}");
    }
}

/// One that is locked is found before anything is run.
#[test]
fn a_history_that_somebody_holds_is_found_before_anything_runs() {
    let home = Home::new();
    home.battery("reference", "1.0");
    let path = home.path("mine.db");
    drop(report::history::History::open(&path).expect("a new one"));
    let db = rusqlite::Connection::open(&path).expect("it opens");
    db.execute_batch("BEGIN IMMEDIATE").expect("nobody has it");
    let (code, said) = home.night(&["--history", "mine.db"]);
    assert!(code == 2 && said.contains("locked"), "{code}: {said}");
    assert!(!home.path("reports/night-mine-seed1-001").exists(), "nothing was run");
}

#[test]
fn runs_of_other_suites_are_not_compared() {
    let home = Home::new();
    home.battery("reference", "1.0");
    home.night(&[]);
    let suite = home.path("suites/feed-in/feed-in.yaml");
    fs::write(&suite, format!("{}\n# changed\n", read(&suite))).expect("written");
    home.night(&["--seed", "2"]);
    let output = home.busbar(&["compare", "reports/night-mine-seed1-001", "reports/night-mine-seed2-001"]);
    assert_eq!(output.status.code(), Some(65));
    assert!(text(&output.stderr).contains("the runs are of other suites"), "{}", text(&output.stderr));
}

/// A night of some hours tries what must hold first; the nights after it the rest, and then it begins anew.
#[test]
fn what_does_not_fit_into_one_night_is_tried_in_the_next() {
    let home = Home::new();
    home.battery("reference", "1.0");
    let night = |more: &[&str]| {
        let arguments = [&["nightly", "--battery", "mine", "feed-in", "--within", "5h"], more].concat();
        let output = home.busbar(&arguments);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, plan, _) = night(&["--plan"]);
    assert_eq!(code, Some(0), "{plan}");
    let cases: Vec<&str> = plan.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let nights = plan.matches("\nnight ").count();
    assert!((2..=4).contains(&nights) && cases.len() >= 5, "{plan}");
    assert!(plan.contains("night 1, tonight: "), "{plan}");
    let mut seen: Vec<String> = Vec::new();
    for number in 1..=nights {
        let (code, _, told) = night(&[]);
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains(&format!("night {number} of {nights}: ")), "{told}");
        let run = read(&home.path(&format!("reports/night-mine-seed1-{number:03}/verdicts.json")));
        let run: serde_json::Value = serde_json::from_str(&run).expect("JSON");
        let cases = run["cases"].as_array().expect("cases");
        seen.extend(cases.iter().map(|case| format!("feed-in/{}", case["case"].as_str().expect("a name"))));
    }
    seen.sort();
    let mut planned: Vec<&str> = cases.clone();
    planned.sort_unstable();
    assert_eq!(seen, planned, "each once");
    let (.., told) = night(&[]);
    assert!(told.contains(&format!("night 1 of {nights}: ")), "it begins anew: {told}");
}

/// A night whose process was killed in the middle of a case goes on with that case; what came to its end before is kept.
#[test]
fn a_night_that_was_killed_goes_on() {
    let home = Home::new();
    home.battery("reference", "1.0");
    let night = |more: &[&str]| home.busbar(&[&["nightly", "--quiet", "--battery", "mine"], more].concat());
    let nothing = night(&["--resume"]);
    assert_eq!(nothing.status.code(), Some(64), "{}", text(&nothing.stderr));

    let whole = night(&[]);
    assert_eq!(whole.status.code(), Some(2), "one suite of all: {}", text(&whole.stderr));
    assert_eq!(night(&["--resume"]).status.code(), Some(64), "that one came to its end");
    let folder = home.path("reports/night-mine-seed1-001");
    // As a process leaves it that is killed in its third case.
    let events = read(&folder.join("events.jsonl"));
    let third = events.match_indices("\"kind\":\"case-start\"").nth(2).expect("three cases").0;
    let cut = events[third..].match_indices('\n').nth(3).expect("some events").0 + third + 1;
    fs::write(folder.join("events.jsonl"), &events[..cut]).expect("written");
    for conclusion in ["manifest.json", "verdicts.json", "junit.xml", "report.html"] {
        fs::remove_file(folder.join(conclusion)).expect("removed");
    }
    let on = night(&["--resume"]);
    let told = format!("{}{}", text(&on.stdout), text(&on.stderr));
    assert_eq!(on.status.code(), Some(2), "{told}");
    assert!(told.contains("2 cases of reports/night-mine-seed1-001 came to their end"), "{told}");
    let first = read(&folder.join("verdicts.json"));
    assert!(first.contains("the run was cut off"), "its own folder says so: {first}");
    let rest = read(&home.path("reports/night-mine-seed1-002/verdicts.json"));
    let of = |run: &str| {
        let run: serde_json::Value = serde_json::from_str(run).expect("JSON");
        run["cases"].as_array().expect("cases").len()
    };
    let page = read(&home.nights().pop().expect("a night").join("index.html"));
    assert_eq!(
        page.matches("<tr><td><span class=\"mark pass\">").count(),
        of(&rest) + 2,
        "every case is in the page"
    );
    assert!(page.contains("The rest, after it was interrupted"), "{page}");

    // What it is made from must be the same.
    fs::write(folder.join("events.jsonl"), &events[..cut]).expect("written");
    home.battery("reference", "1.1");
    fs::remove_dir_all(home.path("reports/night-mine-seed1-002")).expect("removed");
    fs::remove_file(folder.join("manifest.json")).expect("removed");
    let other = night(&["--resume"]);
    assert_eq!(other.status.code(), Some(65), "{}", text(&other.stderr));
    assert!(
        text(&other.stderr)
            .contains("rigs/batteries/mine.yaml has changed since reports/night-mine-seed1-001"),
        "{}",
        text(&other.stderr)
    );
}

/// Every suite over some nights, put together, is certified and verified like one run, with the same verdicts; what does not
/// belong together is not put together.
#[test]
fn nights_together_are_certified_like_one_run() {
    let folder = TempDir::new().expect("a temporary folder");
    let busbar = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_busbar"));
        let output = command.args(arguments).env_remove("BUSBAR_HOME").current_dir(folder.path()).output();
        let output = output.expect("the binary was built for this test");
        (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
    };
    let (_, plan) = busbar(&["nightly", "--within", "24h", "--plan"]);
    let nights = plan.matches("\nnight ").count();
    assert!(nights > 1 && plan.contains("; the first night tries everything that must hold\n"), "{plan}");
    for _ in 0..nights {
        let (code, told) = busbar(&["nightly", "--quiet", "--within", "24h"]);
        assert_eq!(code, Some(0), "{told}");
    }
    let runs: Vec<String> = (1..=nights).map(|n| format!("reports/night-reference-seed1-{n:03}")).collect();
    let runs: Vec<&str> = runs.iter().map(String::as_str).collect();

    let (code, told) = busbar(&[&["certify", "--runs"], &runs[1..]].concat());
    assert_eq!(code, Some(2), "one night is missing: {told}");
    let (code, told) = busbar(&["keygen", "k.pem"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = busbar(&[&["certify", "--key", "k.pem", "--runs"], &runs[..]].concat());
    assert_eq!(code, Some(0), "{told}");
    let bundle = told.lines().find_map(|line| line.strip_prefix("Bundle: ")).expect("a bundle").to_owned();
    let (code, told) = busbar(&["verify", &bundle, "--key", "k.pem.pub"]);
    assert_eq!(code, Some(0), "{told}");
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("put together from night-reference-seed1-001, night-reference-seed1-002"),
        "{told}"
    );

    let (code, told) = busbar(&["run", "--quiet"]);
    assert_eq!(code, Some(0), "{told}");
    let verdicts = |run: &str| {
        let run = read(&folder.path().join(run).join("verdicts.json"));
        let run: serde_json::Value = serde_json::from_str(&run).expect("JSON");
        let mut cases: Vec<String> = run["cases"]
            .as_array()
            .expect("cases")
            .iter()
            .map(|case| {
                let verdicts = case["verdicts"].as_array().expect("verdicts").iter();
                let told: Vec<String> = verdicts
                    .map(|v| format!("{} {} {}", v["requirement"], v["outcome"], v["reason"]))
                    .collect();
                format!("{}/{}: {}", case["suite"], case["case"], told.join("; "))
            })
            .collect();
        cases.sort();
        cases
    };
    let merged = bundle.trim_end_matches(".busbar.tar");
    assert_eq!(verdicts(merged), verdicts("reports/all-reference-seed1-001"));

    let (code, told) = busbar(&["nightly", "--quiet", "--battery", "cell-pi", "gx/start-up"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = busbar(&["certify", "--runs", runs[0], "reports/night-cell-pi-seed1-001"]);
    assert_eq!(code, Some(65), "{told}");
    assert!(told.contains("with different batteries; they cannot be put together"), "{told}");
}
