//! `busbar keygen`, `sign` and `verify`: a run in one signed file, and whether such a file holds what it says.

mod told;

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use evidence::again::{Again, again};
use evidence::bundle::key::{self, KeyError, SigningKey, fingerprint};
use evidence::bundle::open::{Bundle, open};
use evidence::bundle::trust::laboratories;
use evidence::bundle::{BundleError, lay_out, seal, statement};
use evidence::certificate::Order;
use evidence::conclusions::conclude;
use evidence::gaps::Demand;
use evidence::manifest::{Kept, plain};
use evidence::run::Run;
use report::json::verdicts;

use crate::judge::{differences, tell};
use crate::{Exit, Failure, unwritable};
use told::{Answers, Signer, told};

/// Where the keys go.
#[derive(Debug, clap::Args)]
pub(crate) struct KeygenArgs {
    /// File of the private key; the public one goes beside it, with `.pub` at the end
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What to sign.
#[derive(Debug, clap::Args)]
pub(crate) struct SignArgs {
    /// Folder of a run, such as `reports/latest`
    #[arg(value_name = "RUN")]
    folder: PathBuf,
    /// The private key, as `busbar keygen` writes it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The bundle; beside the run when left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// The public key that it must be signed with; without one it is said which key it was
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A folder of keys of laboratories that are trusted: files that end with `.pub` and say whose key it is, and for which
    /// days
    #[arg(long, value_name = "FOLDER", conflicts_with = "key")]
    trusted: Option<PathBuf>,
    /// The order with the challenge that was given to the laboratory: the run must answer it
    #[arg(long, value_name = "FILE")]
    challenge: Option<PathBuf>,
    /// Leave the run folder of a bundle that is whole in this folder, which must not be there yet
    #[arg(long, value_name = "FOLDER")]
    extract: Option<PathBuf>,
}

/// The files that are concluded from the evidence, and must be what it gives.
const CONCLUDED: [&str; 4] = ["verdicts.json", "junit.xml", "report.html", "manifest.json"];

pub(crate) fn of_key(error: KeyError) -> Failure {
    let hint = match &error {
        KeyError::File { source, .. } if source.kind() == ErrorKind::NotFound => {
            "; `busbar keygen FILE` makes a pair of keys"
        }
        _ => "",
    };
    Failure::input(format!("{error}{hint}"))
}

pub(crate) fn keygen(args: &KeygenArgs) -> Result<Exit, Failure> {
    not_to_be_committed(&args.file)?;
    let (key, public) = key::generate(&args.file).map_err(of_key)?;
    crate::answer(&format!(
        "{}: the private key. Whoever has it signs as you: keep it to yourself, and keep a copy\n\
         {}: the public key, for whoever checks: {}\n",
        args.file.display(),
        public.display(),
        fingerprint(&key)
    ))?;
    Ok(Exit::Pass)
}

/// A private key in a repository is everybody's with the next commit, unless the repository ignores it.
fn not_to_be_committed(key: &Path) -> Result<(), Failure> {
    let folder = key.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Where it is no folder, writing the key says so.
    let Ok(folder) = folder.canonicalize() else { return Ok(()) };
    let Some(repository) = folder.ancestors().find(|folder| folder.join(".git").exists()) else {
        return Ok(());
    };
    let mut ask = Command::new("git");
    ask.arg("-C")
        .arg(&folder)
        .args(["check-ignore", "--quiet", "--"])
        .arg(key.file_name().unwrap_or_default());
    let ignored = ask.stdout(Stdio::null()).stderr(Stdio::null()).status();
    if ignored.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(Failure::input(format!(
        "nothing was written: {} would lie in the git repository {}, which does not ignore it, and a private key that is \
         committed is everybody's. Write it elsewhere, or add `*.pem` to {}/.gitignore",
        key.display(),
        repository.display(),
        repository.display()
    )))
}

pub(crate) fn sign(args: &SignArgs) -> Result<Exit, Failure> {
    let key = key::private(&args.key).map_err(of_key)?;
    let Again { run, .. } = again(&args.folder)?;
    let bundle = signed(&args.folder, &run, &key, args.out.as_deref())?;
    tell(&args.folder, "not signed, and not in the bundle");
    crate::answer(&format!("{}\nsigned by {}\n", bundle.display(), fingerprint(&key.verifying_key())))?;
    Ok(Exit::Pass)
}

/// Signs a run, which was judged to be this, and says where the bundle is. Nothing is signed that is not so.
pub(crate) fn signed(
    folder: &Path,
    run: &Run,
    key: &SigningKey,
    out: Option<&Path>,
) -> Result<PathBuf, Failure> {
    let before = plain(folder, "verdicts.json").and_then(fs::read_to_string).map_err(|error| {
        Failure::input(format!("{}/verdicts.json cannot be read: {error}", folder.display()))
    })?;
    let now = verdicts(run);
    if before != now {
        return Err(Failure::input(format!(
            "nothing was signed: verdicts.json is not what the raw evidence gives:\n{}",
            differences("verdicts.json", &before, &now)
        )));
    }
    let content = seal::seal(folder, run, key)
        .map_err(|error| Failure::input(format!("nothing was signed: {error}")))?;
    let out = match out {
        Some(out) => out.to_owned(),
        None => {
            let real = folder
                .canonicalize()
                .map_err(|error| Failure::input(format!("{}: {error}", folder.display())))?;
            real.with_file_name(format!("{}.busbar.tar", run.meta.id))
        }
    };
    whole(&out, &content).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::input(format!(
            "{} is there already; nothing was written. Another name: --out FILE",
            out.display()
        )),
        _ => unwritable(&out)(error),
    })?;
    Ok(out)
}

/// Writes a file that is there whole or not at all, however this process ends, and writes over none: half a bundle would
/// only be found by whoever gets it.
fn whole(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut part = tempfile::Builder::new();
    part.prefix(".bundle-").suffix(".part");
    // Like any file that this user makes, not for his eyes alone.
    #[cfg(unix)]
    part.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut part = part.tempfile_in(parent)?;
    part.write_all(content)?;
    part.as_file().sync_all()?;
    part.persist_noclobber(path).map(drop).map_err(|error| error.error)
}

pub(crate) fn verify(args: &VerifyArgs) -> Result<Exit, Failure> {
    let name = args.bundle.display().to_string();
    let not = |message: String| Failure::input(format!("{name} is NOT AUTHENTIC: {message}"));
    let trusted = args.key.as_deref().map(key::public).transpose().map_err(of_key)?;
    let laboratories = args.trusted.as_deref().map(laboratories).transpose().map_err(Failure::input)?;
    let challenge = args.challenge.as_deref().map(challenge_of).transpose()?;
    let unreadable = |error| Failure::input(format!("{name} cannot be read: {error}"));
    // What is no file (a device, a pipe) has no length to look at first, and may never end.
    if !fs::metadata(&args.bundle).map_err(unreadable)?.is_file() {
        return Err(Failure::input(format!("{name} is no file")));
    }
    let file = fs::File::open(&args.bundle).map_err(unreadable)?;
    let bundle = open(file, trusted.as_ref()).map_err(|error| match error {
        BundleError::TooLarge { .. } => Failure::input(error),
        _ => not(error.to_string()),
    })?;

    let laboratory = match &laboratories {
        None => None,
        Some(known) => {
            Some(known.iter().find(|laboratory| laboratory.key == bundle.key).ok_or_else(|| {
                let names: Vec<&str> = known.iter().map(|laboratory| laboratory.name.as_str()).collect();
                let known = format!("one of {}", names.join(", "));
                not(BundleError::Foreign { found: fingerprint(&bundle.key), expected: known }.to_string())
            })?)
        }
    };

    // Only its owner may look in, and it is gone at the end.
    let desk = tempfile::tempdir().map_err(unwritable(&std::env::temp_dir()))?;
    let (mut run, answered) = judged(&bundle, desk.path()).map_err(|failure| match failure.exit {
        Exit::Input => not(failure.message.replace(&format!("{}/", desk.path().display()), "run/")),
        _ => failure,
    })?;
    if let Some(folder) = &args.extract {
        fs::create_dir(folder).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::input(format!(
                "{} is there already; nothing was written. A folder that is not there yet: --extract FOLDER",
                folder.display()
            )),
            _ => unwritable(folder)(error),
        })?;
        lay_out::lay_out(&bundle, folder).map_err(|error| {
            // Half a run folder looks like a whole one. Where it cannot be removed, the failure is told anyway.
            let _ = fs::remove_dir_all(folder);
            unlaid(&error)
        })?;
    }
    // Whatever was asked of the run when it was made.
    run.meta.demand = Demand::Certificate;
    if let Some(why) = laboratory.and_then(|laboratory| laboratory.refuses(run.meta.started.as_deref())) {
        return Err(not(why));
    }
    let answers = match (&challenge, &answered) {
        (None, None) => Answers::NoChallenge,
        (None, Some(_)) => Answers::Unasked,
        (Some(given), Some(answered)) if given.challenge.as_ref() == Some(answered) => {
            Answers::Yours(given.given.clone())
        }
        (Some(_), Some(_)) => {
            return Err(not("the run answers another challenge than the one that you gave".to_owned()));
        }
        (Some(_), None) => {
            return Err(not("the run answers no challenge: it may be older than yours".to_owned()));
        }
    };
    let signer = match (laboratory, trusted.is_some()) {
        (Some(laboratory), _) => Signer::Laboratory(laboratory),
        (None, true) => Signer::Trusted,
        (None, false) => Signer::Unknown,
    };
    crate::answer(&told(&name, &bundle, &run, &signer, &answers))?;
    // Where `sign` leaves a bundle, its run folder lies beside it; its name was checked with the archive.
    tell(&args.bundle.with_file_name(&bundle.run), "not covered by this bundle");
    Ok(run.outcome().into())
}

/// The order that somebody gave, with its challenge.
fn challenge_of(path: &Path) -> Result<Order, Failure> {
    let order = files::read_text(path)?;
    let order = Order::read(&order).map_err(|why| Failure::input(format!("{}: {why}", path.display())))?;
    match order.challenge {
        Some(_) => Ok(order),
        None => {
            Err(Failure::input(format!("{} has no challenge: `busbar challenge` makes one", path.display())))
        }
    }
}

/// Judges the run of a bundle again on a desk that is empty, and says which challenge it answers. What is concluded in the bundle must be what comes out.
fn judged(bundle: &Bundle, desk: &Path) -> Result<(Run, Option<String>), Failure> {
    lay_out::lay_out(bundle, desk).map_err(|error| unlaid(&error))?;
    let read = |name: &str| {
        fs::read(desk.join(name))
            .map_err(|error| Failure::input(format!("run/{name} cannot be read: {error}")))
    };
    let before = CONCLUDED.map(|name| read(name).map(|content| (name, content)));
    let Again { run, begun, .. } = again(desk)?;
    conclude(desk, &run.meta, &report::conclusions(&run)).map_err(Failure::open)?;
    for before in before {
        let (name, before) = before?;
        let now = read(name)?;
        if before == now {
            continue;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let detail = match name {
            "report.html" => String::new(),
            _ => format!(":\n{}", differences(&format!("run/{name}"), &text(&before), &text(&now))),
        };
        return Err(Failure::input(format!(
            "run/{name} was signed, and is not what this busbar ({}) makes of the raw evidence{detail}",
            env!("CARGO_PKG_VERSION")
        )));
    }
    let kept = Kept::read(desk).map_err(|error| Failure::input(format!("run/manifest.json: {error}")))?;
    let inputs = kept.map(|kept| kept.files).unwrap_or_default();
    let inputs: Vec<_> = inputs.into_iter().filter(|entry| entry.name.starts_with("inputs")).collect();
    if statement::statement(&run, &bundle.sums, &inputs) != bundle.statement {
        return Err(Failure::input(
            "attestation.dsse.json was signed, and says other things than the raw evidence",
        ));
    }
    Ok((run, begun.challenge))
}

/// A disk that is full says nothing of the bundle.
fn unlaid(error: &BundleError) -> Failure {
    match error {
        BundleError::File { .. } => Failure::open(format!(
            "the bundle could not be unpacked, so it was not judged: {error}; TMPDIR names another place"
        )),
        _ => Failure::input(error),
    }
}
