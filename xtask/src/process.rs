//! How other programs are called: what is about to run is said first, its exit code is passed on.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::SyncSender;
use std::thread::spawn;

use serde::Deserialize;

/// Why a job did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A program ran and did not succeed; it has said why itself.
    #[error("`{command}` ended with {status}")]
    Program {
        /// as it could be typed
        command: String,
        /// how it ended
        status: ExitStatus,
    },
    /// A program could not be started.
    #[error("cannot start `{command}`: {source}; is it installed and on the PATH?")]
    NotStarted {
        /// as it could be typed
        command: String,
        /// what the system says
        source: std::io::Error,
    },
    /// A file of the workspace could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// which
        path: String,
        /// what the system says
        source: std::io::Error,
    },
    /// The job itself found something wrong.
    #[error("{0}")]
    Found(String),
    /// This machine lacks what the job needs.
    #[error("{0}")]
    Unprepared(String),
    /// The job was asked for in a way that makes no sense.
    #[error("{0}")]
    Usage(String),
}

impl Failure {
    /// What the process ends with: a program's own code, 1 for findings, 2 for what this machine lacks, 64 for bad usage.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Program { status, .. } => exit_code(*status),
            Self::NotStarted { .. } | Self::File { .. } | Self::Found(_) => 1,
            Self::Unprepared(_) => 2,
            Self::Usage(_) => crate::USAGE,
        }
    }
}

/// A program's own exit code; 128 + signal when one killed it, as a shell says it.
fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return u8::try_from(128 + signal).unwrap_or(1);
        }
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The checkout that this xtask belongs to.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Found through cargo, which says where the package is; through where it was compiled otherwise.
    pub(crate) fn find() -> Self {
        let package = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        Self { root }
    }

    /// A checkout at a known place.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    /// A file or folder by its path from the root.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A text file by its path from the root.
    pub(crate) fn read(&self, relative: &str) -> Result<String, Failure> {
        std::fs::read_to_string(self.path(relative))
            .map_err(|source| Failure::File { path: relative.to_owned(), source })
    }

    /// Writes a text file, and the folders above it.
    pub(crate) fn write(&self, relative: &str, text: &str) -> Result<(), Failure> {
        let path = self.path(relative);
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        folder
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|source| Failure::File { path: relative.to_owned(), source })
    }

    /// Copies a file to a path from the root, and makes the folders above it.
    pub(crate) fn copy(&self, from: &Path, to: &str) -> Result<(), Failure> {
        let path = self.path(to);
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        let copied = folder.and_then(|()| std::fs::copy(from, &path));
        copied.map(|_| ()).map_err(|source| Failure::File { path: to.to_owned(), source })
    }

    /// Removes a folder with all that is in it, where it is there.
    pub(crate) fn remove(&self, relative: &str) -> Result<(), Failure> {
        match std::fs::remove_dir_all(self.path(relative)) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(Failure::File { path: relative.to_owned(), source })
            }
            _ => Ok(()),
        }
    }

    /// `cargo <subcommand>`, the same cargo that started this.
    pub(crate) fn cargo(&self, subcommand: &str) -> Program {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        self.program(&cargo).arg(subcommand)
    }

    /// The `busbar` binary in release, built first where it is stale; cargo shows the build, which takes minutes the
    /// first time.
    pub(crate) fn busbar(&self) -> Program {
        self.run_busbar(&["--release"])
    }

    /// The same as tests use it: what is built for the one is there for the other.
    pub(crate) fn busbar_of_tests(&self) -> Program {
        self.run_busbar(&[])
    }

    fn run_busbar(&self, profile: &[&str]) -> Program {
        let cargo = self.cargo("run").arg("--manifest-path").arg(self.path("Cargo.toml"));
        cargo.args(profile).args(["--package", "cli", "--bin", "busbar", "--"])
    }

    /// What cargo builds under a name: `build` is told to say where it lies.
    pub(crate) fn built(&self, build: Program, name: &str) -> Result<PathBuf, Failure> {
        let said = build.args(["--message-format", "json-render-diagnostics"]).output()?;
        executable(&String::from_utf8_lossy(&said), name)
            .ok_or_else(|| Failure::Found(format!("cargo built no `{name}`")))
    }

    /// Any program, started in the root.
    pub(crate) fn program(&self, name: impl AsRef<OsStr>) -> Program {
        let mut command = Command::new(name);
        command.current_dir(&self.root);
        // Set by the cargo that started this, for this package alone; a child would take them for its own.
        for inherited in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME"] {
            command.env_remove(inherited);
        }
        Program { command }
    }
}

/// A message of cargo with `--message-format json`, as far as it is asked for.
#[derive(Deserialize)]
struct Built {
    executable: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// A binary among what cargo says.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    let built = messages.lines().filter_map(|line| serde_json::from_str::<Built>(line).ok());
    built
        .filter(|built| built.target.as_ref().is_some_and(|target| target.name == name))
        .find_map(|built| built.executable)
}

/// A program about to run.
pub(crate) struct Program {
    command: Command,
}

impl Program {
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it where the caller stands, so that paths the caller wrote mean what they meant there.
    pub(crate) fn here(mut self) -> Self {
        if let Ok(folder) = std::env::current_dir() {
            self.command.current_dir(folder);
        }
        self
    }

    /// Starts it in this folder with nothing of this environment.
    pub(crate) fn bare(mut self, folder: &Path) -> Self {
        self.command.env_clear().current_dir(folder);
        self
    }

    /// As it could be typed.
    fn line(&self) -> String {
        let program = Path::new(self.command.get_program()).file_name().unwrap_or_default();
        let args = self.command.get_args();
        let words: Vec<_> = std::iter::once(program).chain(args).map(OsStr::to_string_lossy).collect();
        words.join(" ")
    }

    /// Runs it with this terminal.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let command = self.line();
        eprintln!("$ {command}");
        match self.command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::Program { command, status }),
            Err(source) => Err(Failure::NotStarted { command, source }),
        }
    }

    /// Runs it with this terminal and reads along: every line of its output also goes to `reader`.
    pub(crate) fn told(mut self, reader: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        let command = self.line();
        eprintln!("$ {command}");
        let not_started = |source| Failure::NotStarted { command: command.clone(), source };
        let mut child =
            self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(not_started)?;
        let (lines, heard) = std::sync::mpsc::sync_channel(64);
        let both = lines.clone();
        child.stdout.take().map(move |out| spawn(move || forward(out, std::io::stdout(), &both)));
        child.stderr.take().map(move |err| spawn(move || forward(err, std::io::stderr(), &lines)));
        heard.into_iter().for_each(|line: String| reader(&line));
        match child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::Program { command, status }),
            Err(source) => Err(not_started(source)),
        }
    }

    /// Starts it beside this program; says it as it could be typed, too.
    pub(crate) fn spawn(mut self, stdin: Stdio, stdout: Stdio) -> Result<(Child, String), Failure> {
        let command = self.line();
        eprintln!("$ {command}");
        match self.command.stdin(stdin).stdout(stdout).spawn() {
            Ok(child) => Ok((child, command)),
            Err(source) => Err(Failure::NotStarted { command, source }),
        }
    }

    /// Runs it and takes what it says on stdout, whatever it ends with.
    pub(crate) fn said(mut self) -> Result<Vec<u8>, Failure> {
        let command = self.line();
        let done = self.command.stderr(Stdio::inherit()).output();
        done.map(|output| output.stdout).map_err(|source| Failure::NotStarted { command, source })
    }

    /// Runs it and takes what it says anywhere, whatever it ends with.
    pub(crate) fn said_anywhere(mut self) -> Result<String, Failure> {
        let command = self.line();
        let done = self.command.output().map_err(|source| Failure::NotStarted { command, source })?;
        Ok(String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
    }

    /// Runs it and takes what it says on stdout; stderr stays with the terminal.
    pub(crate) fn output(mut self) -> Result<Vec<u8>, Failure> {
        let command = self.line();
        match self.command.stderr(Stdio::inherit()).output() {
            Ok(output) if output.status.success() => Ok(output.stdout),
            Ok(output) => Err(Failure::Program { command, status: output.status }),
            Err(source) => Err(Failure::NotStarted { command, source }),
        }
    }
}

/// Passes every line of an output of another program on to the same one of this program, and to `lines`.
fn forward(from: impl Read, mut to: impl Write, lines: &SyncSender<String>) {
    let (mut from, mut line) = (BufReader::new(from), Vec::new());
    while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        // A reader of the log that went away does not end the program.
        let _ = to.write_all(&line);
        let _ = lines.send(String::from_utf8_lossy(&line).trim_end().to_owned());
        line.clear();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rstest::rstest;

    fn shell(script: &str) -> Result<(), Failure> {
        Workspace::find().program("sh").args(["-c", script]).run()
    }

    #[rstest]
    #[case("exit 1", 1)]
    #[case("exit 2", 2)]
    #[case("exit 65", 65)]
    #[case("kill -TERM $$", 143)]
    fn exit_codes_pass_through(#[case] script: &str, #[case] code: u8) {
        assert_eq!(shell(script).expect_err("it fails").exit_code(), code);
    }

    #[test]
    fn the_binary_is_found_among_cargos_messages() {
        let messages = concat!(
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"rig\"},\"executable\":null}\n",
            "no JSON\n",
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"can_guest\"},\"executable\":\"/t/can_guest-1\"}\n",
            "{\"reason\":\"build-finished\",\"success\":true}\n",
        );
        assert_eq!(executable(messages, "can_guest"), Some(PathBuf::from("/t/can_guest-1")));
        assert_eq!(executable("{\"reason\":\"build-finished\",\"success\":true}", "can_guest"), None);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let failure = Workspace::find().program("busbar-is-not-there").run().expect_err("no such program");
        assert!(failure.to_string().contains("busbar-is-not-there"), "{failure}");
    }

    #[test]
    fn every_line_of_both_outputs_is_read_along() {
        let mut lines = Vec::new();
        let script = "echo one; echo two >&2; printf three; exit 3";
        let run = Workspace::find()
            .program("sh")
            .args(["-c", script])
            .told(&mut |line| lines.push(line.to_owned()));
        lines.sort();
        assert_eq!(lines, ["one", "three", "two"]);
        assert_eq!(run.expect_err("it fails").exit_code(), 3);
    }

    #[test]
    fn a_folder_is_removed_and_one_that_is_missing_is_no_failure() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::at(place.path());
        workspace.write("a/b.txt", "text").expect("written");
        for _ in 0..2 {
            workspace.remove("a").expect("removed");
            assert!(workspace.read("a/b.txt").is_err());
        }
    }

    #[test]
    fn programs_start_in_the_root() {
        shell("test -f xtask/Cargo.toml").expect("the root holds xtask/");
    }
}
