//! `busbar completions` and `busbar man`: what a shell and a manual take from the command line itself.

use std::fs;
use std::path::PathBuf;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::{Cli, Exit, Failure, answer, unwritable};

/// Which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell, whose own way to load them is `source <(busbar completions bash)` or a file in its folder for them
    shell: Shell,
}

/// Where to.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// Folder for a page of each command, such as `/usr/local/share/man/man1`; without it the page of `busbar` is printed
    folder: Option<PathBuf>,
}

/// The program and its commands, by what a manual calls each: those that only Busbar itself starts are left out.
fn program() -> Command {
    let whole = Cli::command();
    let shown: Vec<Command> = whole.get_subcommands().filter(|c| !c.is_hide_set()).cloned().collect();
    let bare = Command::new("busbar").version(env!("CARGO_PKG_VERSION")).disable_help_subcommand(true);
    bare.about(whole.get_about().cloned().unwrap_or_default()).subcommands(shown)
}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut program(), "busbar", &mut out);
    answer(&String::from_utf8_lossy(&out))?;
    Ok(Exit::Pass)
}

pub(crate) fn man(args: &ManArgs) -> Result<Exit, Failure> {
    let mut program = program();
    program.build();
    let Some(folder) = &args.folder else {
        answer(&String::from_utf8_lossy(&page(program)?))?;
        return Ok(Exit::Pass);
    };
    fs::create_dir_all(folder).map_err(unwritable(folder))?;
    let commands: Vec<Command> = program.get_subcommands().cloned().collect();
    // Once built, each calls itself `busbar-NAME`.
    let named = |command: Command| (format!("busbar-{}.1", command.get_name()), command);
    let mut told = String::new();
    let all = commands.into_iter().map(named).chain([("busbar.1".to_owned(), program)]);
    for (file, command) in all {
        let path = folder.join(file);
        fs::write(&path, page(command)?).map_err(unwritable(&path))?;
        told += &format!("{}\n", path.display());
    }
    answer(&told)?;
    Ok(Exit::Pass)
}

fn page(command: Command) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let rendered = clap_mangen::Man::new(command).render(&mut out);
    rendered.map_err(|error| Failure::open(format!("the page cannot be set: {error}")))?;
    Ok(out)
}
