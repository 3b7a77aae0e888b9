//! `busbar init`: the folder of a vendor: battery file, a suite of his own, what CI calls and what editors check by; and where
//! the battery is a program, that with its kit.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::schema::{self, Kind};
use crate::{Exit, Failure, answer};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Language of a program that is the battery; without one a model is, made from the data sheet
    #[arg(long, value_enum)]
    program: Option<Language>,
    /// Name of the battery [default: my-battery]
    #[arg(long, default_value = "my-battery", hide_default_value = true)]
    name: String,
    /// Folder to lay it in; what is there is never overwritten
    #[arg(default_value = ".")]
    folder: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    C,
    Python,
    Rust,
}

/// What differs between languages.
struct Kit {
    /// the line that builds the program
    build: &'static str,
    /// `command` of the battery file
    command: &'static str,
    /// `files` of the battery file
    files: &'static str,
    /// program and kit
    sources: &'static [(&'static str, &'static str)],
}

impl Language {
    const fn kit(self) -> Kit {
        match self {
            Self::C => Kit {
                build: "cc -std=c99 -O2 -o bms bms.c -lm",
                command: "./bms",
                files: "",
                sources: &[
                    ("bms.c", include_str!("../../kits/c/bms.c")),
                    ("busbar_bms.h", include_str!("../../kits/c/busbar_bms.h")),
                ],
            },
            Self::Python => Kit {
                build: "python3 --version",
                command: "python3, -B, bms.py",
                files: "busbar_bms.py",
                sources: &[
                    ("bms.py", include_str!("../../kits/python/bms.py")),
                    ("busbar_bms.py", include_str!("../../kits/python/busbar_bms.py")),
                ],
            },
            Self::Rust => Kit {
                build: "cargo build --release",
                command: "./target/release/bms",
                files: "",
                sources: &[
                    ("Cargo.toml", include_str!("../../kits/rust/vendor/Cargo.toml.in")),
                    ("src/main.rs", include_str!("../../kits/rust/src/main.rs")),
                    ("busbar-bms/Cargo.toml", include_str!("../../kits/rust/vendor/busbar-bms.toml.in")),
                    ("busbar-bms/src/lib.rs", include_str!("../../kits/rust/src/lib.rs")),
                    ("busbar-bms/src/wire.rs", include_str!("../../kits/rust/src/wire.rs")),
                ],
            },
        }
    }
}

/// The files that every vendor has, with the capitals that stand for what differs.
const FORMS: &[(&str, &str)] = &[
    ("NAME.yaml", include_str!("../../kits/battery.yaml")),
    ("suites/NAME-own.yaml", include_str!("../../kits/suite.yaml")),
    (".github/workflows/rehearsal.yml", include_str!("../../kits/ci.yaml")),
    (".gitlab-ci.yml", include_str!("../../kits/gitlab.yaml")),
];

/// A battery file for the same program with a deliberate fault.
const FAULT: (&str, &str) = ("NAME-follows.yaml", include_str!("../../kits/follows.yaml"));
/// Where a battery file goes on about its program.
const PROGRAM: &str = "\nsimulated:\n";

/// What an editor checks the vendor's own files by, as their first lines say.
const SCHEMAS: &[(&str, Kind)] = &[
    ("schema/battery.json", Kind::Battery),
    ("schema/suite.json", Kind::Suite),
    ("schema/rig.json", Kind::Rig),
];

/// Lays the folder and says what to do next.
pub(crate) fn init(args: &Args) -> Result<Exit, Failure> {
    let Args { program, name, folder } = args;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        let message =
            format!("`{name}` is no name of a battery: use a to z, 0 to 9 and `-`, such as acme-16s");
        return Err(Failure::usage(message));
    }
    let kit = program.map(Language::kit);
    let filled = |form: &str| match &kit {
        Some(kit) => [("COMMAND", kit.command), ("FILES", kit.files), ("BUILD", kit.build), ("NAME", name)]
            .iter()
            .fold(form.to_owned(), |text, (place, with)| text.replace(place, with)),
        None => {
            let sheet = form.split_once(PROGRAM).map_or(form, |(sheet, _)| sheet);
            let lines = sheet.lines().filter(|line| !line.contains("BUILD"));
            lines.map(|line| line.replace("NAME", name) + "\n").collect()
        }
    };
    let fault = kit.as_ref().map(|_| &FAULT);
    let forms = FORMS.iter().chain(fault).map(|(path, form)| (path.replace("NAME", name), filled(form)));
    let sources = kit.iter().flat_map(|kit| kit.sources);
    let sources = sources.map(|&(path, text)| (path.to_owned(), text.to_owned()));
    let schemas = SCHEMAS.iter().map(|&(path, kind)| (path.to_owned(), schema::text(kind)));
    let files: Vec<(PathBuf, String)> =
        forms.chain(sources).chain(schemas).map(|(path, text)| (folder.join(path), text)).collect();
    if let Some((there, _)) = files.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        let message = format!(
            "{} is there already and is not overwritten, nothing was written: name another folder",
            there.display()
        );
        return Err(Failure::input(message));
    }
    files.iter().try_for_each(|(path, text)| write(path, text))?;
    let mut told: String = files.iter().map(|(path, _)| format!("{}\n", path.display())).collect();
    told += "\nNext:\n";
    if folder != Path::new(".") {
        told += &format!("  cd {}\n", folder.display());
    }
    if let Some(kit) = &kit {
        told += &format!("  {}\n", kit.build);
    }
    told += &format!("  busbar run --battery ./{name}.yaml --out reports\n");
    answer(&told)?;
    Ok(Exit::Pass)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = folder.and_then(|()| fs::write(path, text));
    written.map_err(|error| Failure::input(format!("{} cannot be written: {error}", path.display())))
}
