//! Bundles that are as they were signed, and all the ways in which they are not.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;

use rstest::rstest;
use tar::{Builder, EntryType, Header};

use super::archive::{self, Files};
use super::key::{self, SigningKey};
use super::open::open;
use super::{ATTESTATION, BundleError, KEY, RUN, SIGNATURE, SUMS, lay_out, layout, seal, statement};
use crate::manifest;
use crate::run::{Run, RunMeta};

fn signer(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn run() -> Run {
    Run { meta: RunMeta { id: "run-001".to_owned(), ..RunMeta::default() }, cases: Vec::new() }
}

/// A small run, packed and signed.
fn bundle() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir_all(folder.path().join("inputs/rigs")).expect("a folder");
    let names = ["can.log", "verdicts.json", "inputs/rigs/lab.yaml"];
    for name in names {
        fs::write(folder.path().join(name), format!("this is {name}\n").repeat(20)).expect("written");
    }
    let entries: Vec<_> =
        names.iter().map(|name| manifest::entry(folder.path(), name).expect("readable")).collect();
    let text = manifest::manifest(&run().meta, &entries);
    fs::write(folder.path().join("manifest.json"), text).expect("written");
    seal::seal(folder.path(), &run(), &signer(1)).expect("signed")
}

/// A bundle whose files were changed by somebody who packs it well.
fn packed(change: impl FnOnce(&mut Files)) -> Vec<u8> {
    let (folder, mut files) = archive::read(Cursor::new(bundle())).expect("whole");
    change(&mut files);
    archive::write(&folder, &files).expect("packed")
}

/// The same, by somebody who signs it too, with the key that is in it.
fn signed_again(key: &SigningKey, change: impl FnOnce(&mut Files)) -> Vec<u8> {
    packed(|files| {
        change(files);
        files.retain(|name, _| ![SUMS, SIGNATURE, ATTESTATION].contains(&name.as_str()));
        *files = seal::vouched(core::mem::take(files), key, |sums| statement::statement(&run(), sums, &[]));
    })
}

fn refused(bundle: &[u8]) -> String {
    open(Cursor::new(bundle), Some(&signer(1).verifying_key())).expect_err("refused").to_string()
}

#[test]
fn a_bundle_is_the_same_bytes_whenever_it_is_made_and_unpacks_to_the_run() {
    let made = bundle();
    assert!(made == bundle(), "two bundles of one run differ");
    let opened = open(Cursor::new(&made), Some(&signer(1).verifying_key())).expect("whole");
    assert_eq!((opened.run.as_str(), opened.key), ("run-001", signer(1).verifying_key()));
    let folder = tempfile::tempdir().expect("a temporary folder");
    lay_out::lay_out(&opened, folder.path()).expect("laid out");
    let text = fs::read_to_string(folder.path().join("can.log")).expect("unpacked");
    assert_eq!(text, "this is can.log\n".repeat(20));
}

/// Every byte of the archive, whatever it is for: contents, headers, padding, the end.
#[test]
fn no_byte_can_be_another() {
    let good = bundle();
    let (folder, files) = archive::read(Cursor::new(&good)).expect("whole");
    // Where the content of each file lies.
    let (mut at, mut contents) = (0, BTreeMap::new());
    for (name, content) in &files {
        at += 512;
        contents.insert(at, (name.clone(), at + content.len()));
        at += content.len().next_multiple_of(512);
    }
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1 << (place % 8);
        let said = refused(&bad);
        match contents.range(..=place).next_back().filter(|(_, (_, end))| place < *end) {
            Some((_, (name, _))) => assert!(said.contains(name.as_str()), "byte {place}, in {name}: {said}"),
            None => assert!(said.contains("at byte "), "byte {place}, below {folder}: {said}"),
        }
    }
    for length in [0, 100, 512, 700, good.len() - 1024, good.len() - 1] {
        assert!(open(Cursor::new(&good[..length]), None).is_err(), "cut to {length} bytes");
    }
    assert!(refused(&[&good[..], &[0; 512]].concat()).contains("after the last file"));
}

#[rstest]
#[case::added(&|files: &mut Files| { files.insert("run/more.txt".into(), b"x".to_vec()); }, "run/more.txt was added")]
#[case::missing(&|files: &mut Files| { files.remove("run/can.log.gz"); }, "run/can.log.gz is missing")]
#[case::no_sums(&|files: &mut Files| { files.remove(SUMS); }, "SHA256SUMS is missing")]
#[case::no_signature(&|files: &mut Files| { files.remove(SIGNATURE); }, "SHA256SUMS.sig is missing")]
#[case::no_statement(&|files: &mut Files| { files.remove(ATTESTATION); }, "attestation.dsse.json is missing")]
#[case::no_key(&|files: &mut Files| { files.remove(KEY); }, "key.pub is missing")]
#[case::another_key(
    &|files: &mut Files| { files.insert(KEY.into(), key::pem(&signer(2).verifying_key()).into_bytes()); },
    "key.pub was changed"
)]
#[case::second_sums(
    &|files: &mut Files| { let sums = files[SUMS].clone(); files.insert("run/SHA256SUMS".into(), sums); },
    "run/SHA256SUMS was added"
)]
fn other_files_than_were_signed_are_named(#[case] change: &dyn Fn(&mut Files), #[case] says: &str) {
    let said = refused(&packed(change));
    assert!(said.contains(says), "{said}");
}

#[test]
fn whoever_signs_again_is_somebody_else() {
    let foreign = signed_again(&signer(2), |_| {});
    assert!(
        matches!(open(Cursor::new(&foreign), None), Ok(opened) if opened.key == signer(2).verifying_key())
    );
    let error = open(Cursor::new(&foreign), Some(&signer(1).verifying_key())).expect_err("refused");
    assert!(matches!(error, BundleError::Foreign { .. }), "{error}");
}

/// What its owner signed, though the run knows nothing of it.
#[rstest]
#[case(&|files: &mut Files| { files.insert("run/more.txt".into(), b"x".to_vec()); }, "run/more.txt is not of the run")]
#[case(&|files: &mut Files| { files.insert("manifest.json".into(), b"{}".to_vec()); }, "manifest.json is not of the run")]
#[case(&|files: &mut Files| { files.remove("run/can.log.gz"); }, "run/can.log.gz is missing")]
fn the_run_says_what_belongs_to_it(#[case] change: &dyn Fn(&mut Files), #[case] says: &str) {
    let said = refused(&signed_again(&signer(1), change));
    assert!(said.contains(says), "{said}");
}

/// Archives that a bundle never is.
#[rstest]
#[case("run/../../etc/passwd", EntryType::Regular)]
#[case("/etc/passwd", EntryType::Regular)]
#[case("run\\file", EntryType::Regular)]
#[case("file", EntryType::Regular)]
#[case("run/link", EntryType::Symlink)]
#[case("run/link", EntryType::Link)]
#[case("run/folder", EntryType::Directory)]
#[case("run/pipe", EntryType::Fifo)]
fn only_plain_files_below_one_folder_are_read(#[case] name: &str, #[case] kind: EntryType) {
    let mut archive = Builder::new(Vec::new());
    let mut header = Header::new_ustar();
    // The library refuses to write such names.
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(0);
    header.set_cksum();
    archive.append(&header, &b""[..]).expect("a Vec takes every write");
    let error =
        archive::read(Cursor::new(archive.into_inner().expect("whole"))).expect_err("refused").to_string();
    assert!(error.starts_with("damaged at byte 0, in the header of"), "{error}");
}

#[test]
fn a_file_twice_is_refused() {
    let one = archive::write("a", &Files::from([("b".to_owned(), b"x".to_vec())])).expect("packed");
    let error = archive::read(Cursor::new([&one[..1024], &one].concat())).expect_err("refused").to_string();
    assert!(error.contains("twice"), "{error}");
}

#[test]
fn a_run_that_was_changed_or_cut_off_is_not_signed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = seal::seal(folder.path(), &run(), &signer(1)).expect_err("refused").to_string();
    assert!(error.contains("did not come to its end"), "{error}");
    fs::write(folder.path().join("gx.csv"), "a").expect("written");
    let entry = manifest::entry(folder.path(), "gx.csv").expect("readable");
    fs::write(folder.path().join("manifest.json"), manifest::manifest(&run().meta, &[entry]))
        .expect("written");
    fs::write(folder.path().join("gx.csv"), "b").expect("written");
    let error = seal::seal(folder.path(), &run(), &signer(1)).expect_err("refused").to_string();
    assert!(error.starts_with("gx.csv was changed"), "{error}");
}

#[test]
fn keys_are_made_once_and_for_their_owner_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("lab.pem");
    let (public, public_path) = key::generate(&path).expect("made");
    assert_eq!(key::private(&path).expect("readable").verifying_key(), public);
    assert_eq!(key::public(&public_path).expect("readable"), public);
    let before = fs::read(&path).expect("there");
    assert!(matches!(key::generate(&path), Err(key::KeyError::There(_))));
    fs::remove_file(&public_path).expect("removed");
    assert!(matches!(key::generate(&path), Err(key::KeyError::There(_))));
    assert!(before == fs::read(&path).expect("there"), "a key was overwritten");
    assert!(matches!(key::private(&public_path), Err(key::KeyError::File { .. })));
    assert!(matches!(key::public(&path), Err(key::KeyError::NoKey { .. })));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("opened");
        assert!(matches!(key::private(&path), Err(key::KeyError::Open { .. })));
    }
}

/// What stands behind the end of a compressed file, signed by its owner: no tool that reads it would tell.
#[rstest]
#[case(b"JUNK".to_vec())]
#[case(layout::pack("can.log", b"another log".to_vec()).expect("packed"))]
fn nothing_stands_behind_the_end_of_a_file(#[case] more: Vec<u8>) {
    let bundle = signed_again(&signer(1), |files| {
        files.get_mut("run/can.log.gz").expect("there").extend(&more);
    });
    let opened = open(Cursor::new(&bundle), None).expect("as signed");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = lay_out::lay_out(&opened, folder.path()).expect_err("refused").to_string();
    let says = format!("run/can.log.gz was changed: {} bytes stand behind its end", more.len());
    assert_eq!(error, says);
}

/// The manifest of a run in which a file is so large.
fn says(files: &mut Files, bytes: u64) {
    let manifest = files.get_mut("run/manifest.json").expect("there");
    let mut said: serde_json::Value = serde_json::from_slice(manifest).expect("JSON");
    let entries = said["files"].as_array_mut().expect("files");
    entries.iter_mut().find(|entry| entry["name"] == "can.log").expect("listed")["bytes"] = bytes.into();
    *manifest = said.to_string().into_bytes();
}

/// A log of zeros packs to a thousandth: it is known by what the manifest says, or ends where that says.
#[rstest]
#[case::it_says_so(9 << 30, "what it unpacks to, 96")]
#[case::it_lies(
    340,
    "run/can.log.gz was changed: it unpacks to more than the 340 bytes that manifest.json says"
)]
#[case::it_exaggerates(100 << 20, "run/can.log.gz was changed: it unpacks to less than the 104857600 bytes")]
fn a_bomb_fills_no_disk(#[case] bytes: u64, #[case] says_why: &str) {
    let bundle = signed_again(&signer(1), |files| {
        let bomb = layout::pack("can.log", vec![0; 64 << 20]).expect("packed");
        files.insert("run/can.log.gz".to_owned(), bomb);
        says(files, bytes);
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let laid = open(Cursor::new(&bundle), None).and_then(|opened| lay_out::lay_out(&opened, folder.path()));
    let error = laid.expect_err("refused").to_string();
    assert!(error.starts_with(says_why), "{error}");
    let written = fs::metadata(folder.path().join("can.log")).map_or(0, |file| file.len());
    assert!(written <= bytes.min(64 << 20), "{written} bytes");
}

/// A file of which nothing is there: its size is known, and nothing of it is read.
#[test]
fn what_is_too_large_is_not_read() {
    let large = tempfile::tempfile().expect("a file");
    large.set_len(3 << 30).expect("a hole");
    let error = open(&large, None).expect_err("refused").to_string();
    assert_eq!(error, "it is larger than the 268435456 bytes that a bundle may have");
}

#[test]
fn the_base_folder_is_run() {
    assert_eq!(layout::packed("can.log"), format!("{RUN}/can.log.gz"));
    assert_eq!(layout::unpacked("run/can.log.gz"), Some("can.log"));
    assert_eq!(layout::unpacked("run/inputs/a.gz"), Some("inputs/a.gz"));
    assert_eq!(layout::unpacked(SUMS), None);
}
