//! What no file holds: binaries, archives, and words that belong to somebody's desk and not to the project.

use super::{File, Finding};

/// Endings of what is built or packed, and never checked in.
const BUILT: &[&str] = &[
    "7z", "a", "bz2", "class", "dll", "dylib", "exe", "gz", "jar", "o", "pyc", "rlib", "rmeta", "so", "tar",
    "tgz", "wasm", "whl", "xz", "zip", "zst",
];

/// Pictures are the only files that may be no text.
const PICTURES: &[&str] = &["png", "ico"];

/// Inputs that fuzzing found: thousands of small files, of which no text is the source. Nothing else is packed.
fn is_corpus(path: &str) -> bool {
    path.strip_prefix("fuzz/corpus/").is_some_and(|name| name.ends_with(".tar.gz") && !name.contains('/'))
}

/// Bytes above which such inputs are no longer few.
const LARGEST_CORPUS: usize = 150 << 10;

/// Bytes above which a file is data that belongs elsewhere.
const LARGEST: usize = 2 << 20;

/// Words that no text holds, with why. Compared without regard to case.
const WORDS: &[(&str, &str)] = &[
    ("issue #", "the project speaks of itself alone: say what is so, not where it was discussed"),
    ("pull request #", "the project speaks of itself alone: say what is so, not where it was discussed"),
    ("helper agent", "the project speaks of itself alone"),
    ("language model", "the project speaks of itself alone"),
    ("co-authored-by", "it belongs in a commit, if anywhere"),
    ("generated with", "say what the file is and how to make it again"),
    ("/work/", "an absolute path of one machine: name the file from the root"),
    ("/home/", "an absolute path of one machine: name the file from the root"),
    ("/root/", "an absolute path of one machine: name the file from the root"),
    ("<<<<<<< ", "a merge that was not finished"),
    (">>>>>>> ", "a merge that was not finished"),
];

/// This table names the words, so it cannot be without them.
const EXEMPT: &[&str] = &["xtask/src/tidy/text.rs"];

/// Holds the rules over every file.
pub(crate) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let ending = file.path.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        if is_corpus(&file.path) {
            if file.bytes.len() > LARGEST_CORPUS {
                let what = format!("{} bytes, at most {LARGEST_CORPUS}: minimise it", file.bytes.len());
                findings.push(Finding::new(&file.path, 0, what));
            }
            continue;
        }
        if BUILT.contains(&ending.as_str()) {
            findings.push(Finding::new(&file.path, 0, "built or packed: check in what it is made from"));
            continue;
        }
        if file.bytes.len() > LARGEST {
            let what =
                format!("{} bytes, at most {LARGEST}: large data belongs outside the tree", file.bytes.len());
            findings.push(Finding::new(&file.path, 0, what));
        }
        match file.text() {
            Some(text) if !EXEMPT.contains(&file.path.as_str()) => findings.extend(words(&file.path, text)),
            None if !PICTURES.contains(&ending.as_str()) => {
                findings.push(Finding::new(&file.path, 0, "binary: check in what it is made from"));
            }
            _ => {}
        }
    }
    findings
}

fn words(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.to_lowercase();
        for (word, why) in WORDS.iter().filter(|(word, _)| line.contains(word)) {
            findings.push(Finding::new(path, at + 1, format!("`{}`: {why}", word.trim_end())));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("// see Issue #12")]
    #[case("cd /work/main")]
    #[case("written by a helper agent")]
    #[case("/home/somebody/busbar")]
    #[case("<<<<<<< HEAD")]
    fn words_are_found_with_their_line(#[case] line: &str) {
        let found = check(&[file("rigs/x.yaml", &format!("first\n{line}\n"))]);
        assert!(found.len() == 1 && found[0].line == 2, "{line}: {found:?}");
    }

    #[rstest]
    #[case("an issue with the framework/works")]
    #[case("=======\n")]
    fn plain_words_pass(#[case] text: &str) {
        assert_eq!(check(&[file("README.md", text)]), []);
    }

    #[rstest]
    #[case("rigs/trace.tar.gz", b"text")]
    #[case("fuzz/corpus/log/x.tar.gz", b"text")]
    #[case("fuzz/corpus/log.gz", b"text")]
    #[case("target.RLIB", b"text")]
    #[case("rigs/blob", b"\x00\x01")]
    #[case("rigs/blob.dat", b"\xff\xfe")]
    fn binaries_are_found(#[case] path: &str, #[case] bytes: &[u8]) {
        assert_eq!(check(&[File { path: path.into(), bytes: bytes.to_vec() }]).len(), 1);
    }

    #[test]
    fn a_corpus_is_packed_and_small() {
        let corpus = |bytes| File { path: "fuzz/corpus/log.tar.gz".into(), bytes: vec![0x8b; bytes] };
        assert_eq!(check(&[corpus(LARGEST_CORPUS)]), []);
        assert_eq!(check(&[corpus(LARGEST_CORPUS + 1)]).len(), 1);
    }

    #[test]
    fn large_files_are_found_and_pictures_pass() {
        let large = File { path: "rigs/x.log".into(), bytes: vec![b'x'; LARGEST + 1] };
        assert_eq!(check(&[large]).len(), 1);
        assert_eq!(check(&[File { path: "x.png".into(), bytes: b"\x89PNG\0".to_vec() }]), []);
    }
}
