//! `busbar decode`: every frame of a log, with every field.

mod changes;
mod jsonl;
mod text;
mod vedirect;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use proto::frame::CanId;
use proto::log::{Content, Entry, Foreign, Item, Reader, Report, TimeKind, foreign};
use proto::nmea2000::{Message, Network};
use proto::quantity::BitRate;

use changes::Changes;

use crate::{Exit, Failure};
use ::lint::input::{InputError, Log, Source};

/// What to decode.
#[derive(Debug, clap::Args)]
#[command(after_long_help = FORMATS)]
pub(crate) struct Args {
    /// CAN logs in any form that `busbar lint` reads, and what a VE.Direct instrument sent; `-` for standard input; a CAN interface such as can0, or the serial
    /// port of an SLCAN adapter, to listen until Ctrl-C
    #[arg(required = true, value_name = "LOG|IFACE")]
    logs: Vec<PathBuf>,
    /// Only frames with these identifiers, such as `351,35A`
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = identifier)]
    id: Vec<CanId>,
    /// Mark the bytes that differ from the frame before with the same identifier
    #[arg(long)]
    changes: bool,
    /// Go on when a file ends, for what is still written to it
    #[arg(long)]
    follow: bool,
    /// Bit rate of the bus that is listened to
    #[arg(long, value_name = "RATE", default_value = "500 kbit/s")]
    rate: BitRate,
    /// How to print frames
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each frame, for people
    Text,
    /// An object for each frame, for programs
    Jsonl,
}

const FORMATS: &str = "\
The objects of `--format jsonl`, one a line, are stable; keys may be added:
  log     the log, where more than one was given
  line    number of the line, from 1
  t       seconds, with microseconds: since 1970, or since the log began
  if      the interface; `-` where the log names none
  kind    data, remote, error, fd; or problem, lost (see below)
  dir     rx or tx, where the log says it
  id      hexadecimal: 3 digits are an 11-bit identifier, 8 a 29-bit one;
          of an error frame, its classes
  changed with --changes, the places of the bytes that differ from the frame
          before with this identifier, from 0
  len     data length, in bytes
  data    the data, hexadecimal
  name    the message of the CAN-bus BMS Protocol, or null
  note    what an identifier outside the document is known for, if it is
  fields  by name, in the order of the document; those that the frame is
          long enough for:
    {\"value\":58.4,\"unit\":\"V\"}       a number; no unit where there is none
    {\"value\":null,\"raw\":65535}      the raw value for `not supported`
    {\"value\":\"ok\",\"raw\":2}          a pair: active, ok, not supported
    {\"value\":\"BYD\",\"raw\":\"4259..\"}  a text up to the first zero, other
                                  bytes as \\x1c; raw is as sent
    {\"value\":true}                  a flag
    {\"value\":\"1.23\"}                a firmware version

Of a 29-bit frame of VE.Can (NMEA 2000), with the frame that completes a
message:
  pgn, source, destination   its number and addresses
  message  its name; fields are those of the message, by name, the first of
           several of the same as \"indicator 1\":
    {\"value\":25.88,\"unit\":\"V\"}      a number
    {\"value\":\"battery\",\"raw\":0}     a code; null where its word is not known
    {\"value\":null}                 not available
    {\"value\":null,\"out-of-range\":true}
Of a VE.Direct instrument, each with `byte`, where it ended, from 1:
    {\"byte\":181,\"kind\":\"block\",\"fields\":{\"V\":{\"value\":26.201,\"unit\":\"V\"}}}
    {\"byte\":205,\"kind\":\"hex\",\"frame\":\":A0002000148\",\"register\":512,..}
    {\"byte\":379,\"kind\":\"problem\",\"message\":\"the sum of a block is wrong\"}
A block whose sum is wrong has no fields.

A line that cannot be read is an object, too, and so is a note in the log
that frames were lost:
    {\"line\":17,\"kind\":\"problem\",\"message\":\"column 3: expected ...\"}
    {\"line\":18,\"kind\":\"lost\",\"frames\":3}
As text both go to standard error, where a summary tells what else is to
know of a log: times that were not measured or go backwards.

Exit codes: 0; 2 output that cannot be written; 64 bad usage; 65 a log that cannot be read. Single lines
that cannot be read do not change the exit code.";

pub(crate) fn decode(args: &Args) -> Result<Exit, Failure> {
    let out = &mut BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut exit = Exit::Pass;
    for path in &args.logs {
        // The other logs are still worth reading.
        let decoded = match crate::live::open(path, args.rate, args.follow) {
            Ok(Source::Can(log)) => one(*log, args, out),
            Ok(Source::VeDirect { name, bytes }) => vedirect::decode(&name, bytes, args, out),
            Err(failure) => {
                crate::warn(&failure.message);
                exit = failure.exit;
                continue;
            }
        };
        match decoded {
            Ok(()) => {}
            Err(Ended::Log(error)) => {
                ended(out.flush())?;
                crate::warn(&error.to_string());
                exit = Exit::Input;
            }
            Err(Ended::Output(error)) => {
                ended(Err(error))?;
                break;
            }
        }
    }
    Ok(exit)
}

/// A closed pipe (`| head`) is no failure; a full disk is.
fn ended(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(crate::unwritten(&error)),
        _ => Ok(()),
    }
}

/// What came to an end too early.
enum Ended {
    /// it cannot be read further
    Log(InputError),
    /// nobody takes it any more
    Output(io::Error),
}

impl From<InputError> for Ended {
    fn from(error: InputError) -> Self {
        Self::Log(error)
    }
}

fn one(mut log: Log, args: &Args, out: &mut impl Write) -> Result<(), Ended> {
    let (mut told, mut changes) = (0, Changes::default());
    // Devices of one interface do not know those of another.
    let mut networks: Vec<Network> = Vec::new();
    let mut line = Vec::new();
    let shown = (args.logs.len() > 1).then(|| log.name().to_owned());
    if let (Some(name), Format::Text) = (&shown, args.format) {
        writeln!(out, "{}:", evidence::text::plain(name)).map_err(Ended::Output)?;
    }
    while let Some((number, item)) = log.next_line()? {
        line.clear();
        let (mut changed, mut message) = (0, None);
        if let Item::Frame(entry) = &item {
            message = put_together(&mut networks, entry);
            if !args.id.is_empty() && id_of(entry).is_none_or(|id| !args.id.contains(&id)) {
                continue;
            }
            if let (true, Content::Data(frame)) = (args.changes, &entry.content) {
                changed = changes.of(entry.interface, frame);
            }
        }
        match (&item, args.format) {
            (Item::Nothing, _) => continue,
            (Item::Frame(entry), Format::Text) => {
                text::frame(&mut line, entry, log.reader(), changed, message.as_ref());
            }
            (_, Format::Jsonl) => {
                let changed = args.changes.then_some(changed);
                let told = (&item, changed, message.as_ref());
                jsonl::line(&mut line, shown.as_deref(), number, told, log.reader());
            }
            (Item::Problem(_) | Item::Lost(_), Format::Text) => {
                tell(&mut told, log.name(), number, &item);
                continue;
            }
        }
        // Who looks on at a pipe sees a frame when it comes.
        out.write_all(&line).map_err(Ended::Output)?;
        if log.is_up_to_date() {
            out.flush().map_err(Ended::Output)?;
        }
    }
    out.flush().map_err(Ended::Output)?;
    for remark in remarks(log.reader()) {
        crate::warn(&format!("{}: {remark}", log.name()));
    }
    Ok(())
}

/// The message of VE.Can that a frame completes.
fn put_together(networks: &mut Vec<Network>, entry: &Entry) -> Option<Message> {
    let Content::Data(frame) = &entry.content else { return None };
    if !matches!(foreign(frame.id()), Some(Foreign::VeCan { .. })) {
        return None;
    }
    /// More buses than a machine has: a log that names more is no reason to hold more.
    const MOST: usize = 16;
    let interface = entry.interface;
    if interface >= MOST {
        return None;
    }
    if networks.len() <= interface {
        networks.resize_with(interface + 1, Network::default);
    }
    networks[interface].take(entry.at, frame)
}

/// Says a line that is no frame; after some, only their number is said at the end.
fn tell(told: &mut u64, name: &str, number: u64, item: &Item) {
    const TOLD: u64 = 20;
    *told += 1;
    if *told > TOLD {
        return;
    }
    match item {
        Item::Problem(error) => crate::warn(&format!("{name}:{number}: {error}")),
        Item::Lost(frames) => {
            crate::warn(&format!("{name}:{number}: {frames} frames were lost here while it was recorded"));
        }
        Item::Frame(_) | Item::Nothing => {}
    }
}

/// What a reader of the output has to know of the log.
fn remarks(reader: &Reader) -> Vec<String> {
    let Report { problems, lost, backwards, first_backwards, .. } = *reader.report();
    let mut remarks = Vec::new();
    let s = |count: u64| if count == 1 { "" } else { "s" };
    if problems > 0 {
        let frames = reader.report().frames();
        remarks.push(format!("{problems} line{} could not be read, {frames} frames could", s(problems)));
    }
    if lost > 0 {
        remarks.push(format!("{lost} frame{} were lost while it was recorded", s(lost)));
    }
    if let Some(first) = first_backwards {
        let seconds = first.by.0 as f64 / 1e6;
        remarks.push(format!(
            "its times go backwards {backwards} time{}, first in line {}, by {seconds:.6} s",
            s(backwards),
            first.line
        ));
    }
    if reader.time_kind() == TimeKind::Synthetic {
        remarks.push("its times were not measured: only the order of frames means something".to_owned());
    }
    remarks
}

/// `351` or `0x351`; eight digits are 29 bits.
fn identifier(text: &str) -> Result<CanId, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let id = u32::from_str_radix(digits, 16).ok();
    let id = id.and_then(|id| match u16::try_from(id) {
        Ok(id @ 0..=0x7FF) if digits.len() <= 4 => Some(CanId::Standard(id)),
        _ => (digits.len() == 8 && id <= 0x1FFF_FFFF).then_some(CanId::Extended(id)),
    });
    id.ok_or_else(|| "an identifier is hexadecimal: 351 for 11 bits, eight digits for 29".to_owned())
}

/// The identifier of a frame; nothing of an error.
fn id_of(entry: &Entry) -> Option<CanId> {
    match entry.content {
        Content::Data(frame) => Some(frame.id()),
        Content::Remote { id, .. } => Some(id),
        Content::Fd(frame) => Some(frame.id()),
        Content::Error { .. } => None,
    }
}

/// What an identifier outside the document is known for.
fn note(entry: &Entry) -> Option<String> {
    let id = id_of(entry)?;
    foreign(id).map(|known| known.to_string())
}
