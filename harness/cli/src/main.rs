//! `busbar`: puts a battery through the tests of the *CAN-bus BMS Protocol* and judges it from the evidence.

mod added;
mod battery;
mod bundle;
mod certify;
mod challenge;
mod compare;
mod console;
mod dbc;
mod decode;
#[cfg(unix)]
mod doctor;
mod export;
mod golden;
#[cfg(unix)]
mod guard;
mod history;
mod init;
mod judge;
mod lint;
mod list;
mod live;
mod matrix;
mod nightly;
mod progress;
mod run;
mod schema;
mod search;
#[cfg(unix)]
mod serve;
mod shell;
mod watch;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use ::judge::verdict::Outcome;
use clap::{Parser, Subcommand};
use evidence::again::AgainError;
use files::{InputError, Library};

/// Exit codes are a contract: scripts and CI hold on to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// everything passed
    Pass = 0,
    /// something failed
    Fail = 1,
    /// nothing failed, but something stayed open, or the bench failed
    Inconclusive = 2,
    /// bad usage
    Usage = 64,
    /// bad input file
    Input = 65,
    /// a program that is needed is not there
    Missing = 69,
}

/// What went wrong, with the exit code it means.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    /// Bad usage.
    pub(crate) fn usage(message: impl ToString) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }

    /// A bad input file.
    pub(crate) fn input(message: impl ToString) -> Self {
        Self { exit: Exit::Input, message: message.to_string() }
    }

    /// Something stays open, or this machine does not do what it must.
    pub(crate) fn open(message: impl ToString) -> Self {
        Self { exit: Exit::Inconclusive, message: message.to_string() }
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Unknown { .. } | InputError::NoProject { .. } => Self::usage(error),
            _ => Self::input(error),
        }
    }
}

impl From<AgainError> for Failure {
    fn from(error: AgainError) -> Self {
        Self::input(error)
    }
}

impl From<session::Error> for Failure {
    fn from(error: session::Error) -> Self {
        use session::Error as E;
        match error {
            E::Input(error) => error.into(),
            E::Refused(_) => Self::input(error),
            E::Usage(_) => Self::usage(error),
            _ => Self::open(error),
        }
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Pass,
            Outcome::Fail => Self::Fail,
            Outcome::Inconclusive | Outcome::NotApplicable => Self::Inconclusive,
        }
    }
}

/// The project of `BUSBAR_HOME`, which holds all that it uses; else the one that the current folder lies in, or that folder, with
/// all that is built in.
pub(crate) fn library() -> Result<Library, Failure> {
    match std::env::var_os("BUSBAR_HOME") {
        Some(home) => Ok(Library::find(Path::new(&home))?),
        None => std::env::current_dir()
            .map(|folder| Library::around(&folder))
            .map_err(|error| Failure::usage(format!("the current folder cannot be read: {error}"))),
    }
}

/// The rig that was named, or the simulated one for the system voltage of the battery.
pub(crate) fn rig_of(library: &Library, named: Option<&str>, battery: &str) -> Result<String, Failure> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let chosen = session::rig_for(library, battery)?;
    if chosen != "simulated" {
        warn(&format!("on the rig `{chosen}`, for the system voltage of the battery"));
    }
    Ok(chosen.to_owned())
}

/// A path as it can be opened from where the user stands: relative where it lies below that.
pub(crate) fn from_here(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    below.unwrap_or(path).display().to_string()
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:,+=@%".contains(&b);
    let is_plain = !word.is_empty() && word.bytes().all(plain);
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// A file that cannot be written, as the system says.
pub(crate) fn unwritable(path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    let path = path.to_owned();
    move |error| Failure::open(format!("cannot write {}: {error}", path.display()))
}

/// Prints the answer. A closed pipe (`| head`) ends it and is no failure; a full disk is.
pub(crate) fn answer(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(unwritten(&error)),
        _ => Ok(()),
    }
}

/// Standard output cannot be written, and is no closed pipe.
pub(crate) fn unwritten(error: &std::io::Error) -> Failure {
    Failure::open(format!("cannot write to standard output: {error}; what was printed is not whole"))
}

/// Says what is wrong to whoever watches; where nobody can, there is nobody to tell. Whatever a file, a bus or an
/// instrument has put into the message moves no cursor.
pub(crate) fn warn(message: &str) {
    let _ = writeln!(std::io::stderr(), "busbar: {}", proto::text::lines(message));
}

#[derive(Debug, Parser)]
#[command(name = "busbar", version = env!("BUSBAR_VERSION"), about = "Certifies CAN-bus batteries for Victron GX systems", long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run suites or cases on a rig and judge the battery
    Run(run::Args),
    /// Judge a recorded run again, from its folder alone
    Judge(judge::Args),
    /// Render a recorded run again: report, JUnit, verdicts, manifest
    Report(judge::ReportArgs),
    /// Keep CVL traces of a battery as golden, and hold later runs against them
    Golden(golden::Args),
    /// Run every case on a rig that is fit to certify, and sign what came of it
    Certify(certify::Args),
    /// Make a pair of keys to sign bundles with
    Keygen(bundle::KeygenArgs),
    /// Pack a run into one signed file: evidence, report, and what it was made from
    Sign(bundle::SignArgs),
    /// Print an order with a challenge, to be given to a laboratory before it runs
    Challenge(challenge::Args),
    /// Check a signed bundle: every byte, the signature, and every verdict judged again
    Verify(bundle::VerifyArgs),
    /// Judge CAN logs without a rig: what they decide, and what they tell of the battery
    Lint(lint::Args),
    /// Prove the judge: batteries x rigs x seeds, every suite in each
    Matrix(matrix::Args),
    /// Find the rig on which a battery is closest to failing, inside of what nobody knows exactly, and write it down
    Search(search::Args),
    /// List what there is
    List(list::Args),
    /// Run every case, repeat what was undecided, and say what changed since the nights before
    Nightly(nightly::Args),
    /// Look up what the nights before came to
    History(history::Args),
    /// Put two runs beside each other
    Compare(compare::Args),
    /// Print every frame of CAN logs, with every field
    Decode(decode::Args),
    /// Write a run in the forms of other programs: ASC, BLF, TRC, one table
    Export(export::Args),
    /// Lay evidence from elsewhere beside a run, such as a log export of VRM, and show what lies there
    Evidence(added::Args),
    /// Serve the simulated rig on real wires: CAN, SCPI, Modbus-TCP
    #[cfg(unix)]
    Serve(serve::Args),
    /// Look whether a rig is as its file says and fit to run; switches nothing on
    #[cfg(unix)]
    Doctor(doctor::Args),
    /// Hold the supply of a rig, and switch it off when the run dies
    #[cfg(unix)]
    #[command(hide = true)]
    Guard(guard::Args),
    /// Watch runs as they go on, or as they went, on this terminal or on a page
    Watch(watch::Args),
    /// Write a first battery file from a CAN log
    Battery(battery::Args),
    /// Lay the folder of a vendor: battery file, suite, CI, and a program that is the battery
    Init(init::Args),
    /// Print the JSON schema of a file kind, for editors
    Schema(schema::Args),
    /// Print the protocol as a DBC database, for cantools, SavvyCAN and CANalyzer
    Dbc,
    /// Print what a shell completes commands and options by
    Completions(shell::CompletionsArgs),
    /// Print the manual, or write a page of each command
    Man(shell::ManArgs),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; everything else is bad usage.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Pass };
            let _ = error.print();
            return ExitCode::from(exit as u8);
        }
    };
    let done = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Judge(args) => judge::judge(&args),
        Command::Report(args) => judge::report(&args),
        Command::Golden(args) => golden::golden(&args),
        Command::Certify(args) => certify::certify(&args),
        Command::Keygen(args) => bundle::keygen(&args),
        Command::Sign(args) => bundle::sign(&args),
        Command::Challenge(args) => challenge::challenge(&args),
        Command::Verify(args) => bundle::verify(&args),
        Command::Lint(args) => lint::lint(&args),
        Command::Matrix(args) => matrix::matrix(&args),
        Command::Search(args) => search::search(&args),
        Command::List(args) => list::list(&args),
        Command::Nightly(args) => nightly::nightly(&args),
        Command::History(args) => history::history(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Decode(args) => decode::decode(&args),
        Command::Export(args) => export::export(&args),
        Command::Evidence(args) => added::added(&args),
        #[cfg(unix)]
        Command::Serve(args) => serve::serve(&args),
        #[cfg(unix)]
        Command::Doctor(args) => doctor::doctor(&args),
        #[cfg(unix)]
        Command::Guard(args) => guard::guard(&args),
        Command::Watch(args) => watch::watch(&args),
        Command::Battery(args) => battery::battery(&args),
        Command::Init(args) => init::init(&args),
        Command::Schema(args) => schema::print(&args),
        Command::Dbc => dbc::print(),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
    };
    let exit = done.unwrap_or_else(|failure| {
        warn(&failure.message);
        failure.exit
    });
    ExitCode::from(exit as u8)
}
