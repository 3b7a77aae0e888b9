//! `busbar battery from`: a first battery file from a CAN log.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use evidence::text::slug;
use files::BatteryFile;
use files::from_log::{Asked, Told};
use judge::portrait::Portrait;
use judge::wire::{Spot, Wire};
use proto::chemistry::Chemistry;
use proto::log::{Content, Item};
use proto::message::Message;
use proto::quantity::{AmpHours, Micros};

use crate::{Exit, Failure, answer};
use ::lint::input::Log;

/// Battery files.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write a first battery file from what a CAN log tells
    From(From),
}

#[derive(Debug, clap::Args)]
struct From {
    /// CAN log, in any form that `busbar lint` reads; `-` for standard input
    #[arg(value_name = "LOG")]
    log: PathBuf,
    /// Cells in series, which no message says
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    cells: u16,
    /// What the cells are made of: iron phosphate; nickel, manganese and cobalt; nickel, cobalt and aluminium; titanate. LFP
    /// where CVL is that of LFP cells
    #[arg(long, value_parser = PossibleValuesParser::new(Chemistry::ALL.map(Chemistry::name)).try_map(chemistry))]
    chemistry: Option<Chemistry>,
    /// Installed capacity, such as `280Ah`; without it that of 0x379
    #[arg(long, value_name = "AH", value_parser = |text: &str| text.parse::<AmpHours>())]
    capacity: Option<AmpHours>,
    /// The file to write, which is not there yet; named after the log in this folder without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// One bus of the log.
#[derive(Default)]
struct Bus {
    wire: Wire,
    told: Told,
}

/// The one of this name.
pub(crate) fn chemistry(name: String) -> Result<Chemistry, String> {
    Chemistry::named(&name).ok_or(name)
}

pub(crate) fn battery(args: &Args) -> Result<Exit, Failure> {
    let What::From(args) = &args.what;
    let mut log = Log::open(&args.log)?;
    let mut buses: Vec<Bus> = Vec::new();
    while let Some((line, item)) = log.next_line()? {
        let Item::Frame(entry) = item else { continue };
        let Content::Data(frame) = entry.content else { continue };
        if entry.interface >= buses.len() {
            buses.resize_with(entry.interface + 1, Bus::default);
        }
        let (bus, message) = (&mut buses[entry.interface], Message::decode(&frame));
        bus.wire.frame(Spot::new(Micros(entry.at.0), Some(line)), &frame, message.as_ref());
        message.iter().for_each(|message| bus.told.message(message));
    }
    // The battery that said most, where several buses are in it.
    let bus =
        buses.into_iter().max_by_key(|bus| (bus.wire.has_battery(), bus.wire.count())).unwrap_or_default();
    let out = args.out.clone().unwrap_or_else(|| {
        let stem = args.log.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        PathBuf::from(format!("{}.yaml", slug(&stem)))
    });
    let name = out.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let asked = Asked {
        name: &name,
        log: log.name(),
        cells: args.cells,
        chemistry: args.chemistry,
        capacity: args.capacity,
    };
    let timed = log.reader().time_kind().is_measured();
    let text = bus.told.file(&Portrait::of(&bus.wire, timed), &asked).map_err(Failure::input)?;
    let shown = out.display().to_string();
    let file = BatteryFile::parse(&shown, &text).map_err(|error| {
        Failure::input(format!(
            "no file was written, for what the log says is no battery of {} cells:\n{error}",
            args.cells
        ))
    })?;
    sim::check_battery(&file).map_err(Failure::input)?;
    let written = File::create_new(&out).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(crate::unwritable(&out))?;
    answer(&format!("{shown} is written; read its comments, then: busbar run --battery {shown}\n"))?;
    Ok(Exit::Pass)
}
