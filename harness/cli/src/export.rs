//! `busbar export`: a run in the forms of other programs.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use evidence::export::{self, Bus, ExportError};
use proto::quantity::Micros;

use crate::{Exit, Failure, unwritable, unwritten};

/// What to export.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    /// Folder of a run, such as `reports/latest`
    #[arg(value_name = "RUN")]
    folder: PathBuf,
    /// The form
    #[arg(long, value_enum)]
    to: Form,
    /// How far apart rows of the table are, such as `100 ms`
    #[arg(long, default_value = "1 s", value_name = "SPAN")]
    every: Micros,
    /// Where to; standard output without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// ASC of Vector: what was on the bus
    Asc,
    /// BLF of Vector: the same
    Blf,
    /// TRC of PEAK, version 2.1: the same
    Trc,
    /// One table of everything that was measured, with units, and of what happened
    Csv,
}

const HELP: &str = "\
`can.log` of a run is a log of candump as it is, and its tables open in every spreadsheet. The forms here are for programs
that read neither. ASC says of an error that there was one; TRC says which.

In the table a value stands where it holds and was heard within 10 s. Times are those of can.log: since 1970 where the run
knows it, since the start of the run else.

Exit codes: 0; 2 output that cannot be written; 64 bad usage; 65 a folder that is no run.";

pub(crate) fn export(args: &Args) -> Result<Exit, Failure> {
    if args.every == Micros::ZERO {
        return Err(Failure::usage("rows cannot stand 0 s apart (`--every`)"));
    }
    let to: Box<dyn Write> = match &args.out {
        Some(path) => Box::new(File::create(path).map_err(unwritable(path))?),
        None => Box::new(io::stdout().lock()),
    };
    let mut out = BufWriter::with_capacity(1 << 16, to);
    let written = match args.to {
        Form::Asc => export::bus(&args.folder, Bus::Asc, &mut out),
        Form::Blf => export::bus(&args.folder, Bus::Blf, &mut out),
        Form::Trc => export::bus(&args.folder, Bus::Trc, &mut out),
        Form::Csv => export::table(&args.folder, args.every, &mut out),
    };
    match (written.and_then(|()| Ok(out.flush()?)), &args.out) {
        (Ok(()), _) => Ok(Exit::Pass),
        (Err(ExportError::Raw(error)), _) => Err(Failure::input(error)),
        (Err(ExportError::Write(error)), Some(path)) => Err(unwritable(path)(error)),
        // Whoever reads has enough.
        (Err(ExportError::Write(error)), None) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Pass),
        (Err(ExportError::Write(error)), None) => Err(unwritten(&error)),
    }
}
