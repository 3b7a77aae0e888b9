//! Attacks on the proof: folders and suites that look like more than they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use evidence::against;
use rstest::rstest;
use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Ended by the test where it does not end by itself.
fn busbar(home: &Path, arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(arguments)
        .env("BUSBAR_HOME", home)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built for this test");
    let began = Instant::now();
    // What it says here fits into a pipe.
    while child.try_wait().expect("a child").is_none() {
        if began.elapsed() > Duration::from_secs(120) {
            child.kill().expect("a child");
            panic!("busbar {arguments:?} hangs");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("a child")
}

fn said(output: &Output) -> String {
    let said = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn says(output: &Output, code: i32, words: &[&str]) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
    for words in words {
        assert!(said(output).contains(words), "{words}: {}", said(output));
    }
}

/// A project of one suite, in which this text stands in place of that.
struct Project(TempDir);

impl Project {
    fn new(suite: &str, from: &str, to: &str) -> Self {
        let home = TempDir::new().expect("a temporary folder");
        for name in
            ["rigs/simulated.yaml", "rigs/batteries/reference.yaml", "rigs/batteries/oscillating.yaml"]
        {
            put(
                home.path(),
                name,
                &fs::read_to_string(Path::new(PROJECT).join(name)).expect("it is shipped"),
            );
        }
        let name = format!("suites/{suite}/{suite}.yaml");
        let text = fs::read_to_string(Path::new(PROJECT).join(&name)).expect("it is shipped");
        assert!(text.contains(from), "{from} stands in {name}");
        put(home.path(), &name, &text.replace(from, to));
        Self(home)
    }

    fn busbar(&self, arguments: &[&str]) -> Output {
        busbar(self.0.path(), arguments)
    }

    /// The folder of a rehearsal of everything.
    fn rehearsed(&self) -> PathBuf {
        let output = self.busbar(&["certify", "--quiet", "--rig", "simulated"]);
        says(&output, 2, &["NOT TRIED", "Not certifiable: the rig is simulated"]);
        self.0.path().join("reports/certify-reference-seed1-001")
    }

    /// The same folder after somebody was at it, rendered, signed and verified.
    fn verified(&self, run: &Path) -> Output {
        let at = |name: &str| self.0.path().join(name).display().to_string();
        let run = run.display().to_string();
        says(&self.busbar(&["report", &run]), 0, &[]);
        says(&self.busbar(&["keygen", &at("forger.pem")]), 0, &[]);
        says(&self.busbar(&["sign", &run, "--key", &at("forger.pem"), "--out", &at("forged")]), 0, &[]);
        self.busbar(&["verify", &at("forged"), "--key", &at("forger.pem.pub")])
    }
}

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, text).expect("written");
}

/// Another text in a file of a run, and nothing that vouches for what was there.
fn changed(run: &Path, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(run.join(name)).expect(name);
    assert!(text.contains(from), "{from} stands in {name}");
    fs::write(run.join(name), text.replacen(from, to, 1)).expect("written");
    let _ = fs::remove_file(run.join("manifest.json"));
}

#[test]
fn a_milder_limit_is_said_with_its_reason_and_certifies_nothing() {
    let milder = "    limits: { export-ripple: { value: 90 %, because: we like it } }\n";
    let from = "    start: { soc: 95 %, grid: on, feed-in: on, pv: off, ac-load: off }\n";
    let project = Project::new("feed-in", from, &format!("{from}{milder}"));
    let told = "feed-in/hold-while-full has a milder limit: export-ripple is 90 %, because: we like it";
    let output = project.busbar(&["certify", "--quiet", "--rig", "simulated"]);
    assert_eq!(said(&output).matches(told).count(), 2, "in the table and against it: {}", said(&output));
    let run = project.0.path().join("reports/certify-reference-seed1-001");
    for file in ["verdicts.json", "report.html"] {
        let text = fs::read_to_string(run.join(file)).expect(file);
        assert!(text.contains(told), "{file}");
    }
    // What is stricter needs no excuse.
    let project = Project::new("feed-in", from, &format!("{from}{}", milder.replace("90 %", "9 %")));
    let output = project.busbar(&["run", "--quiet", "feed-in/hold-while-full"]);
    assert!(!said(&output).contains("milder"), "{}", said(&output));
}

#[rstest]
#[case("6")]
#[case("18446744073709551615")]
fn a_run_without_all_of_its_cases_has_not_passed(#[case] begun: &str) {
    let project = Project::new("keep-alive", "", "");
    let run = project.rehearsed();
    let cases = fs::read_dir(run.join("inputs/suites")).expect("a folder").count();
    assert_eq!(cases, 1);
    let first = fs::read_to_string(run.join("events.jsonl")).expect("events.jsonl");
    let held = first.matches("\"kind\":\"case-start\"").count();
    changed(&run, "events.jsonl", &format!("\"cases\":{held},"), &format!("\"cases\":{begun},"));
    let verified = project.verified(&run);
    says(&verified, 2, &["the evidence does not decide"]);
    let judged = project.busbar(&["judge", &run.display().to_string()]);
    says(&judged, 2, &["the evidence is not whole", &format!("began with {begun} cases and holds {held}")]);
}

#[test]
fn what_nobody_ran_or_judged_is_told() {
    let project = Project::new("keep-alive", "", "");
    let run = project.rehearsed();
    let page = fs::read_to_string(run.join("report.html")).expect("report.html");
    assert!(
        page.contains("judged by no case: ") && page.contains("BEH-FI"),
        "a must that keep-alive says nothing of"
    );
    let suite =
        fs::read_to_string(Path::new(PROJECT).join("suites/links/links.yaml")).expect("it is shipped");
    put(&run, "inputs/suites/links/links.yaml", &suite);
    fs::remove_file(run.join("manifest.json")).expect("there");
    project.verified(&run);
    let page = fs::read_to_string(run.join("report.html")).expect("report.html");
    assert!(page.contains("not among the results: links/wire-cut"), "what its inputs hold");
}

/// Suites with fewer cases, or with cases that ask for less: the run is complete by what it holds itself, and not by what this
/// version holds a battery to. What is of one's own stands beside.
#[test]
fn who_leaves_out_or_asks_for_less_has_not_passed() {
    let project =
        Project::new("keep-alive", "silence: { id: 0x305, for: 599 s }", "silence: { id: 0x305, for: 9 s }");
    let own = fs::read_to_string(Path::new(PROJECT).join("suites/links/links.yaml")).expect("it is shipped");
    put(project.0.path(), "suites/mine/mine.yaml", &own.replacen("suite: links", "suite: mine", 1));
    let run = project.rehearsed();
    let verified = project.verified(&run);
    for words in [
        "NOT AS IN THIS VERSION: 1 of its cases: keep-alive/just-below-ten-minutes (its steps)",
        "not among the results: alarms/",
        "complete NO",
        "otherwise cases of its own beside those of this version: mine/",
    ] {
        assert!(said(&verified).contains(words), "{words}: {}", said(&verified));
    }
    assert!(!said(&verified).contains("PASSED"), "{}", said(&verified));
    says(&verified, 2, &["not everything was tried as this version has it"]);
    let attested = fs::read(project.0.path().join("forged")).expect("the bundle");
    let (_, files) = evidence::bundle::archive::read(std::io::Cursor::new(&attested)).expect("whole");
    let attested = &files[evidence::bundle::ATTESTATION];
    let key = evidence::bundle::key::public(&project.0.path().join("forger.pem.pub")).expect("a key");
    let attested = evidence::bundle::envelope::open(attested, &key).expect("signed");
    assert!(
        attested.contains("\"result\":\"FAILED\"") && attested.contains("keep-alive/just-below-ten-minutes")
    );
}

#[test]
fn a_battery_that_is_another_from_the_second_case_on_is_told() {
    let project = Project::new("keep-alive", "", "");
    let run = project.rehearsed();
    let log = fs::read_to_string(run.join("can.log")).expect("can.log");
    let events = fs::read_to_string(run.join("events.jsonl")).expect("events.jsonl");
    let second =
        events.lines().filter(|line| line.contains("\"kind\":\"case-start\"")).nth(1).expect("two cases");
    let second: f64 = second
        .strip_prefix("{\"at\":")
        .and_then(|rest| rest.split(',').next())
        .expect("a time")
        .parse()
        .expect("µs");
    let swapped: Vec<String> = log
        .lines()
        .map(|line| {
            // BB0001 becomes CB0001. What is no frame has no time.
            let at = line.strip_prefix('(').and_then(|rest| rest.split(')').next()?.parse::<f64>().ok());
            match at {
                Some(at) if at * 1e6 >= second => line.replace(" 380#42", " 380#43"),
                _ => line.to_owned(),
            }
        })
        .collect();
    fs::write(run.join("can.log"), swapped.join("\n") + "\n").expect("written");
    fs::remove_file(run.join("manifest.json")).expect("there");
    let verified = project.verified(&run);
    let told = "Serial number, 0x380 and 0x381 is BB0001 in keep-alive/just-below-ten-minutes, CB0001 in \
                keep-alive/just-above-ten-minutes";
    says(&verified, 2, &["Not certifiable:", told, "Manufacturer, 0x35E: BusbarLF"]);
    for file in ["verdicts.json", "report.html"] {
        let text = fs::read_to_string(run.join(file)).expect(file);
        assert!(text.contains(told), "{file}: {told}");
    }
}

#[rstest]
#[case("rig", "/dev/stdin")]
#[case("rig", "../../secret.yaml")]
#[case("battery", "/secret.txt")]
#[case("battery", "secret.yaml")]
fn a_path_is_no_name(#[case] key: &str, #[case] path: &str) {
    let project = Project::new("keep-alive", "", "");
    says(&project.busbar(&["run", "--quiet", "keep-alive/just-below-ten-minutes"]), 0, &[]);
    let run = project.0.path().join("reports/latest");
    let was = if key == "rig" { "simulated" } else { "reference" };
    changed(&run, "events.jsonl", &format!("\"{key}\":\"{was}\""), &format!("\"{key}\":\"{path}\""));
    let judged = project.busbar(&["judge", &run.display().to_string()]);
    says(&judged, 65, &["are names of files of inputs", path]);
}

#[cfg(unix)]
#[test]
fn a_pipe_keeps_nobody_waiting() {
    let project = Project::new("keep-alive", "", "");
    says(&project.busbar(&["run", "--quiet", "keep-alive/just-below-ten-minutes"]), 0, &[]);
    let run = project.0.path().join("reports/latest");
    let pipe = |name: &str| {
        let path = run.join(name);
        let _ = fs::rename(&path, run.join("kept"));
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo is there").success());
    };
    for name in ["supply.csv", "events.jsonl", "manifest.json", "verdicts.json", "inputs/order.json"] {
        pipe(name);
        let judged = project.busbar(&["judge", &run.display().to_string()]);
        says(&judged, 65, &[name, "no plain file"]);
        fs::remove_file(run.join(name)).expect("there");
        let _ = fs::rename(run.join("kept"), run.join(name));
    }
    pipe("psu-wire.log");
    assert!(project.busbar(&["judge", &run.display().to_string()]).status.code().is_some());
}

/// What tells a simulation is what the simulation does: each mark is seen in a run of it.
#[test]
fn the_simulated_rig_shows_every_mark() {
    let project = Project::new("feed-in", "", "");
    says(&project.busbar(&["run", "--quiet", "feed-in/load-steps"]), 0, &[]);
    let folder = project.0.path().join("reports/latest");
    let evidence::again::Again { run, .. } = evidence::again::again(&folder).expect("judged again");
    let library = files::Library::at(&folder.join("inputs")).expect("its inputs");
    let rig = library.get("simulated").expect("the rig");
    let battery = library.get("reference").expect("the battery");
    let evidence = against::Evidence { folder: &folder, rig: &rig, battery: &battery, run: &run };
    assert_eq!(against::shown(evidence), against::MARKS.map(|mark| mark.name));
    let stated = format!("efficiency: {:.0} %", 100.0 * against::SOLAR_EFFICIENCY);
    let rig = fs::read_to_string(folder.join("inputs/rigs/simulated.yaml")).expect("kept");
    let solar = &rig[rig.find("\n  solar:").expect("a solar charger")..];
    assert!(solar[..solar.find("\n  inverter:").expect("behind it")].contains(&stated), "{stated}");
    // It says that it is simulated: nobody has to suspect it.
    assert_eq!(run.meta.held.findings, []);
}

/// Names on CAN, a rig file of a laboratory, lines of its instruments and two lines of a wire: a simulated run that says
/// everything that a real one says.
#[test]
fn a_script_makes_no_laboratory_of_a_simulated_run() {
    let project = Project::new("feed-in", "", "");
    says(&project.busbar(&["run", "--quiet", "feed-in/load-steps"]), 0, &[]);
    let run = fs::canonicalize(project.0.path().join("reports/latest")).expect("a run");
    let lab = fs::read_to_string(Path::new(PROJECT).join("rigs/lab-example.yaml")).expect("it is shipped");
    put(&run, "inputs/rigs/lab-example.yaml", &lab);
    let profile = fs::read_to_string(Path::new(PROJECT).join("rigs/psu/ea.yaml")).expect("it is shipped");
    put(&run, "inputs/rigs/psu/ea.yaml", &profile);
    fs::remove_file(run.join("inputs/rigs/simulated.yaml")).expect("there");
    put(&run, "psu-wire.log", "(0.000000) > *IDN?\n(0.020000) < EA,PSI 9200-70,1234567890,V3.02\n");
    changed(&run, "events.jsonl", "\"rig\":\"simulated\"", "\"rig\":\"lab-example\"");
    let events = fs::read_to_string(run.join("events.jsonl")).expect("events.jsonl");
    let end = events.lines().find(|line| line.contains("\"case-end\"")).expect("a case").to_owned();
    let (head, _) = end.split_once("\"kind\"").expect("a kind");
    let instruments = [
        ("supply", "EA PSI 9200-70, serial number 1234567890, V3.02"),
        ("GX", "serial number c0619ab2f3d1, v3.55"),
    ]
    .map(|(what, says)| format!("{head}\"kind\":\"instrument\",\"what\":\"{what}\",\"says\":\"{says}\"}}\n"));
    fs::write(run.join("events.jsonl"), events.replacen(&end, &(instruments.concat() + &end), 1))
        .expect("written");
    let verified = project.verified(&run);
    for words in [
        "on a rig of real instruments",
        "consistent NO: the evidence contradicts itself",
        "readings in supply.csv never went over the wire to the supply",
        "suspicion it looks as if it was simulated: instruments answered at whole multiples of their period",
        "suspicion it looks as if it was simulated: the solar charger turns 98.0 %",
        "and the battery did not pass: the evidence contradicts itself",
    ] {
        assert!(said(&verified).contains(words), "{words}: {}", said(&verified));
    }
    says(&verified, 2, &[]);
}

/// A laboratory among those that are trusted, on a day of its key, with the challenge of its customer.
#[test]
fn whom_somebody_trusts_and_what_he_asked_for() {
    let home = TempDir::new().expect("a temporary folder");
    let at = |name: &str| home.path().join(name).display().to_string();
    let project = Path::new(PROJECT);
    let order = busbar(project, &["challenge", "--item", "ACME 9000, serial number 42"]);
    says(&order, 0, &["\"challenge\": \"", "\"given\": \"", "ACME 9000"]);
    put(home.path(), "order.json", &String::from_utf8_lossy(&order.stdout));
    says(&busbar(project, &["keygen", &at("lab.pem")]), 0, &[]);
    let small = Project::new("keep-alive", "", "");
    let arguments =
        ["certify", "--quiet", "--rig", "simulated", "--key", &at("lab.pem"), "--order", &at("order.json")];
    says(&small.busbar(&arguments), 2, &[]);
    let bundle = small.0.path().join("reports/certify-reference-seed1-001.busbar.tar").display().to_string();
    let key = fs::read_to_string(at("lab.pem.pub")).expect("the key");
    put(
        home.path(),
        "keys/lab.pub",
        &format!("laboratory: Example, 1 Bench Street\nfrom: 2020-01-01\n{key}"),
    );

    let verify = |more: &[&str]| busbar(project, &[&["verify", &bundle], more].concat());
    let (keys, given) = (at("keys"), at("order.json"));
    says(
        &verify(&["--trusted", &keys, "--challenge", &given]),
        2,
        &[
            "of Example, 1 Bench Street, whom you trust",
            "it was signed after the one that you gave (",
            "Item, as its label says: ACME 9000, serial number 42",
            "Authentic, and the battery did not pass",
        ],
    );
    says(&verify(&[]), 2, &["it answers one: give yours with --challenge", "WHOSE KEY THAT IS"]);
    put(home.path(), "other.json", &String::from_utf8_lossy(&busbar(project, &["challenge"]).stdout));
    says(
        &verify(&["--challenge", &at("other.json")]),
        65,
        &["answers another challenge than the one that you gave"],
    );
    put(home.path(), "none.json", "{ \"schema\": \"busbar-order/1\" }");
    says(&verify(&["--challenge", &at("none.json")]), 65, &["has no challenge"]);
    // An order that was put there afterwards.
    let run = small.0.path().join("reports/certify-reference-seed1-001");
    put(&run, "inputs/order.json", &fs::read_to_string(at("other.json")).expect("there"));
    says(&busbar(project, &["judge", &run.display().to_string()]), 65, &["is not that of inputs/order.json"]);

    put(home.path(), "keys/lab.pub", &format!("laboratory: Example\nuntil: 2020-12-31\n{key}"));
    says(
        &verify(&["--trusted", &keys]),
        65,
        &["NOT AUTHENTIC", "is good from ever until 2020-12-31, and the run is said to be of "],
    );
    says(&busbar(project, &["keygen", &at("other.pem")]), 0, &[]);
    let other = fs::read_to_string(at("other.pem.pub")).expect("the key");
    put(home.path(), "keys/lab.pub", &format!("laboratory: Somebody else\n{other}"));
    says(&verify(&["--trusted", &keys]), 65, &["signed by another key", "expected one of Somebody else"]);
    put(home.path(), "keys/lab.pub", &key);
    says(&verify(&["--trusted", &keys]), 65, &["it does not say whose key it is"]);
}

/// A pipe that nobody writes to, as a log, as a battery, as a bundle and as a key.
#[cfg(unix)]
#[test]
fn a_pipe_that_never_speaks_is_given_up() {
    let folder = TempDir::new().expect("a temporary folder");
    let pipe = folder.path().join("pipe.yaml").display().to_string();
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
    let began = Instant::now();
    std::thread::scope(|scope| {
        for words in ["lint", "decode", "run --quiet --battery", "verify", "verify --key"] {
            let pipe = &pipe;
            scope.spawn(move || {
                let mut arguments: Vec<&str> = words.split(' ').chain([pipe.as_str()]).collect();
                if words == "verify --key" {
                    arguments.push(pipe);
                }
                says(&busbar(Path::new(PROJECT), &arguments), 65, &["no file"]);
            });
        }
    });
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

/// A simulated run whose rig file is that of a laboratory: nothing in it says that instruments took part.
#[test]
fn a_simulated_run_under_the_name_of_a_laboratory_is_no_certificate() {
    let project = Project::new("keep-alive", "", "");
    let run = project.rehearsed();
    let lab = fs::read_to_string(Path::new(PROJECT).join("rigs/lab-example.yaml")).expect("it is shipped");
    put(&run, "inputs/rigs/lab-example.yaml", &lab);
    fs::remove_file(run.join("inputs/rigs/simulated.yaml")).expect("there");
    changed(&run, "events.jsonl", "\"rig\":\"simulated\"", "\"rig\":\"lab-example\"");
    put(
        &run,
        "inputs/order.json",
        "{ \"schema\": \"busbar-order/1\", \"customer\": \"A\", \"operator\": \"B\", \"item\": \"ACME 9000\", \
         \"received\": \"2999-13-77\" }",
    );
    let verified = project.verified(&run);
    assert_ne!(verified.status.code(), Some(65), "{}", said(&verified));
    for words in [
        "NO INSTRUMENT SAID WHO IT IS",
        "Item, as its label says: ACME 9000",
        "Not certifiable:",
        "no supply said in this run who it is",
        "no GX said in this run who it is",
        "there is no psu-wire.log",
        "nobody knows when it was performed",
    ] {
        assert!(said(&verified).contains(words), "{words}: {}", said(&verified));
    }

    // A manifest that says when: the days are held against it.
    let run = run.display().to_string();
    let manifest = fs::read_to_string(Path::new(&run).join("manifest.json")).expect("manifest.json");
    let dated = manifest.replacen("\"started\": null", "\"started\": \"2028-01-02T03:04:05Z\"", 1);
    assert_ne!(manifest, dated, "a manifest that does not say when");
    fs::write(Path::new(&run).join("manifest.json"), dated).expect("written");
    says(&project.busbar(&["report", &run]), 0, &[]);
    let page = fs::read_to_string(Path::new(&run).join("report.html")).expect("report.html");
    for words in
        ["received on 2999-13-77, which is no day", "holds from 2026-03-01 to 2027-03-01, not on 2028-01-02"]
    {
        assert!(page.contains(words), "{words}");
    }
}
