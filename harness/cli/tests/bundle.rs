//! `busbar keygen`, `sign` and `verify`: a signed run as its sender and its receiver meet it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use evidence::bundle::archive::{self, Files};
use evidence::bundle::{envelope, key, seal};
use evidence::manifest::sha256;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn busbar(home: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(arguments)
        .env("BUSBAR_HOME", home)
        .current_dir("/")
        .output()
        .expect("the binary was built for this test")
}

fn said(output: &Output) -> String {
    let said = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A laboratory with a key, and a run that it signed.
struct Lab {
    folder: TempDir,
}

impl Lab {
    fn new(arguments: &[&str]) -> Self {
        let lab = Self { folder: TempDir::new().expect("a temporary folder") };
        let made = busbar("/nowhere", &["keygen", &lab.at("lab.pem")]);
        assert_eq!(made.status.code(), Some(0), "{}", said(&made));
        let runs = lab.at("runs");
        busbar(PROJECT, &[&["run", "--quiet", "--out", &runs], arguments].concat());
        let signed = busbar(
            "/nowhere",
            &["sign", &lab.at("runs/latest"), "--key", &lab.at("lab.pem"), "--out", &lab.at("b")],
        );
        assert_eq!(signed.status.code(), Some(0), "{}", said(&signed));
        lab
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn verify(&self, bundle: &Path, more: &[&str]) -> Output {
        busbar("/nowhere", &[&["verify", &bundle.to_string_lossy()], more].concat())
    }
}

#[rstest]
#[case(&["links"], 2, "not everything was tried")]
#[case(&["feed-in/load-steps", "--battery", "oscillating"], 1, "the battery FAILED")]
fn a_bundle_is_checked_anywhere_with_nothing_else(
    #[case] arguments: &[&str],
    #[case] code: i32,
    #[case] verdict: &str,
) {
    let lab = Lab::new(arguments);
    let other = TempDir::new().expect("a temporary folder");
    let moved = other.path().join("what they sent.tar");
    fs::copy(lab.at("b"), &moved).expect("sent");
    fs::remove_dir_all(lab.at("runs")).expect("the laboratory burnt down");
    let trusted = lab.verify(&moved, &["--key", &lab.at("lab.pem.pub")]);
    assert_eq!(trusted.status.code(), Some(code), "{}", said(&trusted));
    for words in ["Authentic", verdict, "SIMULATED"] {
        assert!(said(&trusted).contains(words), "{words}: {}", said(&trusted));
    }
    let unknown = lab.verify(&moved, &[]);
    assert_eq!(unknown.status.code(), Some(code), "{}", said(&unknown));
    assert!(said(&unknown).contains("WHOSE KEY THAT IS") && !said(&unknown).contains("Authentic"));

    // What is unpacked is a run folder like any other.
    let run = other.path().join("run");
    lab.verify(&moved, &["--extract", &run.to_string_lossy()]);
    let judged = busbar("/nowhere", &["judge", &run.to_string_lossy()]);
    assert!(said(&judged).contains("same verdicts as in verdicts.json"), "{}", said(&judged));
}

#[test]
fn a_bit_in_any_file_is_found_and_named() {
    let lab = Lab::new(&["links"]);
    let good = fs::read(lab.at("b")).expect("the bundle");
    let mut files = 0;
    let mut archive = tar::Archive::new(&good[..]);
    for entry in archive.entries().expect("a tar archive") {
        let entry = entry.expect("whole");
        let name = entry.path().expect("a name").display().to_string();
        let name = name.split_once('/').expect("below the folder").1.to_owned();
        let mut bad = good.clone();
        bad[usize::try_from(entry.raw_file_position() + entry.size() / 2).expect("small")] ^= 0x04;
        let flipped = PathBuf::from(lab.at("flipped"));
        fs::write(&flipped, bad).expect("written");
        let output = lab.verify(&flipped, &["--key", &lab.at("lab.pem.pub")]);
        assert_eq!(output.status.code(), Some(65), "{name}: {}", said(&output));
        assert!(said(&output).contains(&format!(" {name} was changed")), "{name}: {}", said(&output));
        files += 1;
    }
    assert!(files > 15, "{files} files");
}

#[test]
fn bad_input_is_told_and_nothing_is_overwritten() {
    let lab = Lab::new(&["links"]);
    let (bundle, key) = (lab.at("b"), lab.at("lab.pem"));
    let before = fs::read(&bundle).expect("the bundle");
    let refuses = |arguments: &[&str], says: &str| {
        let output = busbar("/nowhere", arguments);
        assert_eq!(output.status.code(), Some(65), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(says), "{arguments:?}: {}", said(&output));
    };
    let run = lab.at("runs/latest");
    refuses(&["keygen", &key], "is there already");
    refuses(&["sign", &run, "--key", &key, "--out", &bundle], "is there already");
    refuses(&["sign", &run, "--key", &lab.at("none.pem")], "`busbar keygen FILE` makes");
    refuses(&["sign", &lab.at("none"), "--key", &key], "cannot be read");
    refuses(&["verify", &lab.at("none")], "cannot be read");
    refuses(&["verify", &bundle, "--key", &lab.at("none.pub")], "none.pub");
    refuses(&["verify", &bundle, "--key", &key], "is no public key");
    refuses(&["verify", &key], "damaged at byte 0");
    busbar("/nowhere", &["keygen", &lab.at("other.pem")]);
    refuses(&["verify", &bundle, "--key", &lab.at("other.pem.pub")], "signed by another key");

    let conclusion = Path::new(&run).join("verdicts.json");
    let text = fs::read_to_string(&conclusion).expect("verdicts.json").replacen("\"pass\"", "\"fail\"", 1);
    fs::write(&conclusion, text).expect("written");
    refuses(&["sign", &run, "--key", &key, "--out", &lab.at("c")], "not what the raw evidence gives");
    assert!(before == fs::read(&bundle).expect("the bundle") && !Path::new(&lab.at("c")).exists());
}

/// Somebody who has the right key and packs well, but whose conclusions are not what the evidence gives.
fn forged(bundle: &[u8], key: &Path, change: &dyn Fn(&mut Files, &mut Value)) -> Vec<u8> {
    let key = key::private(key).expect("the key of the laboratory");
    let (run, mut files) = archive::read(std::io::Cursor::new(bundle)).expect("whole");
    let said = files.remove(evidence::bundle::ATTESTATION).expect("there");
    let said = envelope::open(&said, &key.verifying_key()).expect("signed");
    let mut said: Value = serde_json::from_str(&said).expect("JSON");
    files.remove(evidence::bundle::SUMS);
    files.remove(evidence::bundle::SIGNATURE);
    change(&mut files, &mut said);
    let files = seal::vouched(files, &key, |sums| {
        said["subject"][0]["digest"]["sha256"] = sha256(sums.as_bytes()).into();
        said
    });
    archive::write(&run, &files).expect("packed")
}

/// A file of the run is another, and its manifest says so.
fn replaced(files: &mut Files, name: &str, from: &str, to: &str) {
    let (packed, is_packed) = match files.contains_key(&format!("run/{name}")) {
        true => (format!("run/{name}"), false),
        false => (format!("run/{name}.gz"), true),
    };
    let content = files.remove(&packed).expect("there");
    let mut text = String::new();
    match is_packed {
        true => GzDecoder::new(&content[..]).read_to_string(&mut text).map(drop).expect("packed text"),
        false => text = String::from_utf8(content).expect("text"),
    }
    assert!(text.contains(from), "{name} holds no {from}");
    let text = text.replace(from, to);
    let manifest = String::from_utf8(files.remove("run/manifest.json").expect("there")).expect("text");
    let mut manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    let entries = manifest["files"].as_array_mut().expect("files");
    let entry = entries.iter_mut().find(|entry| entry["name"] == name).expect("listed");
    entry["sha256"] = sha256(text.as_bytes()).into();
    entry["bytes"] = text.len().into();
    files.insert("run/manifest.json".to_owned(), serde_json::to_vec_pretty(&manifest).expect("JSON"));
    let content = match is_packed {
        false => text.into_bytes(),
        true => {
            let mut packer = GzEncoder::new(Vec::new(), Compression::default());
            packer.write_all(text.as_bytes()).expect("a Vec takes every write");
            packer.finish().expect("a Vec takes every write")
        }
    };
    files.insert(packed, content);
}

#[test]
fn a_conclusion_that_is_forged_and_signed_with_the_right_key_is_found() {
    let lab = Lab::new(&["feed-in/load-steps", "--battery", "oscillating"]);
    let good = fs::read(lab.at("b")).expect("the bundle");
    let (key, trusted) = (PathBuf::from(lab.at("lab.pem")), lab.at("lab.pem.pub"));
    let refused = |change: &dyn Fn(&mut Files, &mut Value), says: &str| {
        let bundle = PathBuf::from(lab.at("forged"));
        fs::write(&bundle, forged(&good, &key, change)).expect("written");
        let output = lab.verify(&bundle, &["--key", &trusted]);
        assert_eq!(output.status.code(), Some(65), "{}", said(&output));
        assert!(said(&output).contains("NOT AUTHENTIC") && said(&output).contains(says), "{}", said(&output));
    };
    // Who packs it again and changes nothing is the laboratory.
    let bundle = PathBuf::from(lab.at("again"));
    fs::write(&bundle, forged(&good, &key, &|_, _| {})).expect("written");
    let output = lab.verify(&bundle, &["--key", &trusted]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));

    refused(
        &|files, said| {
            replaced(files, "verdicts.json", "\"fail\"", "\"pass\"");
            said["predicate"]["result"] = "PASSED".into();
        },
        "run/verdicts.json was signed, and is not what this busbar",
    );
    refused(&|files, _| replaced(files, "report.html", "Fail", "Pass"), "run/report.html was signed");
    refused(
        &|files, _| replaced(files, "junit.xml", "<failure", "<skipped"),
        ": run/junit.xml has \"<skipped",
    );
    refused(
        &|_, said| said["predicate"]["result"] = "PASSED".into(),
        "attestation.dsse.json was signed, and says",
    );
    // Evidence that was made milder afterwards: the conclusions are no longer those of it.
    refused(&|files, _| replaced(files, "can.log", " 351#", " 352#"), "run/verdicts.json was signed");
    refused(
        &|files, _| replaced(files, "events.jsonl", "\"seed\":1", "\"seed\":2"),
        "run/verdicts.json was signed",
    );
    // Files that the run does not list, or lists and does not have.
    refused(
        &|files, _| drop(files.insert("run/more.txt".to_owned(), vec![])),
        "run/more.txt is not of the run",
    );
    refused(&|files, _| drop(files.remove("run/junit.xml")), "run/junit.xml is missing");
}

#[test]
fn a_folder_that_is_there_is_not_extracted_into() {
    let lab = Lab::new(&["links"]);
    let there = lab.at("there");
    fs::create_dir(&there).expect("a folder");
    let output = lab.verify(Path::new(&lab.at("b")), &["--extract", &there]);
    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    assert!(said(&output).contains("is there already; nothing was written"), "{}", said(&output));
    assert_eq!(fs::read_dir(&there).expect("a folder").count(), 0);
}

/// All cases, signed; and a rig of real instruments on which nothing is begun before all is known.
#[test]
fn a_rehearsal_says_that_it_is_one_and_a_laboratory_must_say_who_it_is() {
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().display().to_string();
    let output = busbar(PROJECT, &["certify", "--quiet", "--rig", "simulated", "--out", &out]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("Not certifiable: the rig is simulated"), "{}", said(&output));
    let run = folder.path().join("certify-reference-seed1-001");
    let bundle = run.with_extension("busbar.tar").display().to_string();
    let verified = busbar("/nowhere", &["verify", &bundle]);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
    assert!(said(&verified).contains("the battery PASSED"), "{}", said(&verified));
    let page = fs::read_to_string(run.join("report.html")).expect("report.html");
    assert!(page.contains("this is no certificate") && page.contains("class=rehearsal"));

    let output = busbar(PROJECT, &["certify", "--quiet", "--rig", "lab-example", "--out", &out]);
    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    for missing in ["--key", "--operator", "--customer", "--item", "--received"] {
        assert!(said(&output).contains(missing), "{missing}: {}", said(&output));
    }

    // Served on wires it is as simulated as in the box: nothing is asked for but that it answers.
    #[cfg(unix)]
    {
        let output = busbar(PROJECT, &["certify", "--quiet", "--rig", "served", "--out", &out]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("`busbar doctor` is not content") && !said(&output).contains("--key"));
    }
}

/// What is undecided is tried again in the same run, and both attempts are in everything that is signed.
#[test]
fn every_attempt_is_in_the_bundle() {
    let home = TempDir::new().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    };
    for name in ["rigs/simulated.yaml", "rigs/batteries/reference.yaml"] {
        write(name, &fs::read_to_string(Path::new(PROJECT).join(name)).expect("it is shipped"));
    }
    write(
        "suites/vain/vain.yaml",
        "suite: vain\ntitle: Waits in vain\nspec: P 1.4\nneeds: [pv, gx, grid, ac-load]\n\ncases:\n  - case: never\n    title: What never \
         comes\n    requirements: [TIM-01]\n    start: { soc: 50 %, grid: on, feed-in: on, pv: off, ac-load: off }\n    \
         steps:\n      - wait: { until: { soc: { at-least: 100 % } }, timeout: 10 s }\n",
    );
    let at = home.path().display().to_string();
    let output = busbar(&at, &["certify", "--quiet", "--rig", "simulated", "--out", &at]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    for words in [
        "undecided, once more: vain/never",
        "vain/never (attempt 2) is undecided: SoC ≥ 100 % did not come within 0:00:10",
    ] {
        assert!(said(&output).contains(words), "{words}: {}", said(&output));
    }
    let run = home.path().join("certify-reference-seed1-001");
    let verified = busbar("/nowhere", &["verify", &run.with_extension("busbar.tar").display().to_string()]);
    assert_eq!(verified.status.code(), Some(2), "{}", said(&verified));
    assert!(said(&verified).contains("2 cases judged again"), "{}", said(&verified));
    for (file, holds) in [
        ("report.html", "vain/never (attempt 2)"),
        ("verdicts.json", "\"attempt\": 2"),
        ("junit.xml", "never (attempt 2)"),
    ] {
        let text = fs::read_to_string(run.join(file)).expect(file);
        assert!(text.contains(holds), "{file}: {holds}");
    }
}

/// An instrument whose calibration is over, or that nobody named, ends a certification before it begins.
#[rstest]
#[case(
    "due: 2027-03-01, certificate: C-1",
    "due: 2026-03-02, certificate: C-1",
    "the calibration of the supply"
)]
#[case("what: supply,", "what: meter,", "the supply among the instruments")]
fn a_laboratory_that_cannot_measure_certifies_nothing(
    #[case] good: &str,
    #[case] bad: &str,
    #[case] says: &str,
) {
    let folder = TempDir::new().expect("a temporary folder");
    let lab = fs::read_to_string(Path::new(PROJECT).join("rigs/lab-example.yaml")).expect("it is shipped");
    assert!(lab.contains(good), "{good} stands in the file");
    let rig = folder.path().join("lab-example.yaml");
    fs::write(&rig, lab.replacen(good, bad, 1)).expect("written");
    let (rig, out) = (rig.display().to_string(), folder.path().join("out"));
    let arguments = ["certify", "--quiet", "--rig", &rig, "--out", &out.display().to_string()];
    let output = busbar(PROJECT, &arguments);
    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    assert!(said(&output).contains(says), "{}", said(&output));
    assert!(!out.exists(), "nothing was run");
}

/// A key that would be committed is not made.
#[test]
fn a_key_is_not_written_into_a_repository_that_does_not_ignore_it() {
    let folder = TempDir::new().expect("a temporary folder");
    let git = Command::new("git").args(["init", "--quiet"]).current_dir(folder.path()).status();
    assert!(git.expect("git is there").success());
    fs::create_dir(folder.path().join("keys")).expect("made");
    let key = folder.path().join("keys/lab.pem");
    let keygen = || busbar("/nowhere", &["keygen", &key.display().to_string()]);
    let output = keygen();
    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    assert!(said(&output).contains("which does not ignore it") && !key.exists(), "{}", said(&output));
    fs::write(folder.path().join(".gitignore"), "*.pem\n").expect("written");
    assert_eq!(keygen().status.code(), Some(0));
    // Ours does.
    let ours = fs::read_to_string(Path::new(PROJECT).join(".gitignore")).expect("there");
    assert!(ours.lines().any(|line| line == "*.pem"), "{ours}");
}

/// A stranger's run folder in which links lie: neither is what they lead to packed, nor is it written over.
#[cfg(unix)]
#[test]
fn links_in_a_run_folder_are_not_followed() {
    let lab = Lab::new(&["links"]);
    let (run, key) = (PathBuf::from(lab.at("runs/latest")), lab.at("lab.pem"));
    let secret = fs::read(&key).expect("the key");
    let report = || busbar("/nowhere", &["report", &run.to_string_lossy()]);
    std::os::unix::fs::symlink(&key, run.join("verdicts.part")).expect("a link");
    let output = report();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));

    let (manifest, notes) = (run.join("manifest.json"), run.join("inputs/rigs/notes.txt"));
    fs::remove_file(&manifest).expect("removed");
    std::os::unix::fs::symlink(&key, &notes).expect("a link");
    let output = report();
    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    assert!(said(&output).contains("`inputs/rigs/notes.txt` is no plain file"), "{}", said(&output));
    assert!(!manifest.exists(), "it would vouch for what it does not hold");

    // Listed by whoever sent it, while it still was a file.
    fs::remove_file(&notes).expect("removed");
    fs::copy(&key, &notes).expect("a file");
    assert_eq!(report().status.code(), Some(0));
    fs::remove_file(&notes).expect("removed");
    std::os::unix::fs::symlink(&key, &notes).expect("a link");
    let sign = ["sign", &run.to_string_lossy(), "--key", &key, "--out", &lab.at("c")];
    for arguments in [&["report", &run.to_string_lossy()][..], &sign] {
        let output = busbar("/nowhere", arguments);
        assert_eq!(output.status.code(), Some(65), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains("notes.txt"), "{arguments:?}: {}", said(&output));
    }
    assert!(!Path::new(&lab.at("c")).exists() && secret == fs::read(&key).expect("the key"));
}

/// A disk without room: the bundle that is there stays as good as it was.
#[cfg(unix)]
#[test]
fn a_full_disk_is_no_forgery_and_half_a_bundle_is_none() {
    let lab = Lab::new(&["links"]);
    let limited = |before: &str, arguments: &[&str]| {
        let line = format!("ulimit -f 8; {before} exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &line, env!("CARGO_BIN_EXE_busbar")]).args(arguments).current_dir("/");
        command.output().expect("a shell")
    };
    // A limit on the length of files that is told, as that of a disk is.
    let (bundle, told) = (lab.at("b"), "trap '' XFSZ;");
    let full = limited(told, &["verify", &bundle]);
    assert_eq!(full.status.code(), Some(2), "{}", said(&full));
    assert!(said(&full).contains("so it was not judged"), "{}", said(&full));
    assert!(!said(&full).contains("AUTHENTIC"), "{}", said(&full));

    // And one that ends the process in the middle of writing.
    let (run, key, out) = (lab.at("runs/latest"), lab.at("lab.pem"), lab.at("c"));
    let sign = ["sign", &run, "--key", &key, "--out", &out];
    let killed = limited("", &sign);
    assert_eq!(killed.status.code(), None, "{}", said(&killed));
    assert!(!Path::new(&out).exists(), "half a bundle under its name");
    assert_eq!(limited(told, &sign).status.code(), Some(2));
    assert_eq!(busbar("/nowhere", &sign).status.code(), Some(0));
    assert!(fs::read(&out).expect("the bundle") == fs::read(&bundle).expect("the bundle"));
}

/// What is no file has no length, and may never end.
#[cfg(unix)]
#[rstest]
#[case(&["verify", "/dev/zero"])]
#[case(&["verify", "/dev/zero", "--key", "/dev/zero"])]
#[case(&["sign", "/nowhere", "--key", "/dev/zero"])]
fn a_device_is_no_bundle_and_no_key(#[case] arguments: &[&str]) {
    let output = busbar("/nowhere", arguments);
    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    assert!(said(&output).contains("no file") || said(&output).contains("/nowhere"), "{}", said(&output));
}
