//! `busbar serve`: the simulated rig as other processes see a real one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use files::RigFile;
use judge::witness::Protocol;
use proto::channel::Instrument;
use proto::quantity::Micros;
use proto::text::plain;
use signal_hook::consts::{SIGINT, SIGTERM};
use sim::served::{CanWires, Options, PsuWire, ServeError, ServedRig, default_folder};

use crate::console::stopped_by;
use crate::{Exit, Failure};

/// What to serve, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The rig, by name or file; it must be a simulated one
    #[arg(long, default_value = "simulated")]
    rig: String,
    /// The battery, by name or file; `none` for firmware of your own that speaks for it on the bus
    #[arg(long, default_value = "reference")]
    battery: String,
    /// How many times faster than the clock on the wall its time goes
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    speed: u32,
    /// Seed of everything random in its world
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to put links with stable names to the pseudo-terminals
    #[arg(long, value_name = "FOLDER")]
    at: Option<PathBuf>,
    /// Serve CAN on this interface of the kernel, such as vcan0, instead of an SLCAN pseudo-terminal
    #[arg(long, value_name = "INTERFACE")]
    can: Option<String>,
    /// How many SLCAN pseudo-terminals are on the bus, for several programs at once [default: 1; beside --can: 0]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=16))]
    adapters: Option<u8>,
    /// These acknowledge nothing, as a CANable with the firmware that it comes with
    #[arg(long)]
    mute_adapters: bool,
    /// TCP port at which programs join the bus in the protocol of socketcand, as python-can does; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    socketcand: Option<u16>,
    /// Profile of the supply, a name of rigs/psu: the language that it speaks
    #[arg(long, value_name = "NAME", default_value = "generic")]
    psu_profile: String,
    /// Serve the supply on this TCP port instead of a pseudo-terminal; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    psu_port: Option<u16>,
    /// TCP port of the GX (Modbus-TCP); 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 1502)]
    gx_port: u16,
    /// TCP port of the operator; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 1503)]
    operator_port: u16,
    /// The address to listen on; whoever can reach it can drive the simulated rig
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
}

/// The battery that does not speak, and whose cells it has.
const NOBODY: &str = "none";
const CELLS: &str = "reference";

/// How often it looks after itself.
const LOOK: Duration = Duration::from_millis(100);
/// As far behind, in its own time, it may be: a pause of 3 s is a fault of the battery (P 1.4).
const BEHIND: Micros = Micros::from_secs(1);
/// It complains this often at most.
const COMPLAIN: Duration = Duration::from_secs(10);

pub(crate) fn serve(args: &Args) -> Result<Exit, Failure> {
    let library = crate::library()?;
    let rig = session::rig(&library, &args.rig)?;
    let mute = args.battery == NOBODY;
    let battery = session::battery(&library, if mute { CELLS } else { &args.battery })?;
    let port = |port| SocketAddr::new(args.listen, port);
    let options = Options {
        speed: args.speed,
        seed: args.seed,
        mute,
        can: CanWires {
            interface: args.can.clone(),
            adapters: args.adapters.unwrap_or(if args.can.is_some() { 0 } else { 1 }),
            mute: args.mute_adapters,
            socketcand: args.socketcand.map(port),
        },
        psu: args.psu_port.map_or(PsuWire::Terminal, |number| PsuWire::Tcp(port(number))),
        psu_profile: library.psu_profile(&args.psu_profile)?,
        gx: port(args.gx_port),
        operator: port(args.operator_port),
        folder: args.at.clone().unwrap_or_else(default_folder),
    };
    let stop = stopped_by(&[SIGINT, SIGTERM])
        .map_err(|error| Failure::open(format!("cannot wait for the signal that ends it: {error}")))?;
    let mut served = ServedRig::start(&rig, &battery, &options).map_err(|error| Failure {
        exit: match error {
            ServeError::NotSimulated(_) | ServeError::Real(_) | ServeError::NoDialect(_) => Exit::Input,
            _ => Exit::Inconclusive,
        },
        message: error.to_string(),
    })?;
    crate::answer(&proto::text::lines(&words(&served, &rig, &plain(&battery.title), &options)))?;
    watch(&mut served, args.speed, &stop)
}

/// How to connect.
fn words(served: &ServedRig, rig: &RigFile, battery: &str, options: &Options) -> String {
    let addresses = served.addresses();
    let interface = options.can.interface.is_some();
    let can: String = addresses
        .can
        .iter()
        .enumerate()
        .map(|(place, end)| {
            let first = if interface {
                "SocketCAN"
            } else {
                "SLCAN, for `slcan:` of a rig file, python-can or slcand"
            };
            let what = if place == 0 { first } else { "SLCAN, on the same bus" };
            format!("CAN       {end}  ({what})\n")
        })
        .chain(
            addresses
                .socketcand
                .map(|address| format!("CAN       {address}  (socketcand, on the same bus)\n")),
        )
        .collect();
    let battery = if options.mute {
        format!(
            "No battery speaks: yours sends its messages on CAN; the GX knows it by 0x35A (P 5.1) and heeds 0x351. The \
             cells and the contactor are those of `{CELLS}`"
        )
    } else {
        battery.to_owned()
    };
    format!(
        "{battery}, {} times as fast as the clock\n\
         {can}\
         supply    {}  (SCPI, profile {})\n\
         GX        {}  (Modbus-TCP)\n\
         operator  {}  (one JSON object a line)\n\
         {}\
         All of this is in {}. Ctrl-C ends it.\n",
        options.speed,
        addresses.psu,
        options.psu_profile.psu_profile,
        addresses.gx,
        addresses.operator,
        witnesses(rig, &addresses.witnesses),
        options.folder.join("addresses.json").display(),
    )
}

/// The ports of the meters beside the battery, a line for each.
fn witnesses(rig: &RigFile, ports: &[String]) -> String {
    let speaks = |which: Instrument| {
        let own = rig.witnesses.iter().find(|place| place.instrument() == which);
        own.map_or(Protocol::default(), |place| place.protocol).row()
    };
    let lines = Instrument::WITNESSES.into_iter().zip(ports).map(|(which, port)| {
        let row = speaks(which);
        let speaks = match row.baud {
            Some(baud) => format!("{}, {baud} Bd", row.words),
            None => "VE.Can, for `slcan:` of a witness".to_owned(),
        };
        format!("witness   {port}  ({speaks})\n")
    });
    lines.collect()
}

/// Serves until a signal comes, and says when it cannot keep up.
fn watch(served: &mut ServedRig, speed: u32, stop: &AtomicBool) -> Result<Exit, Failure> {
    let mut complained: Option<Instant> = None;
    let mut failed: Option<String> = None;
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(LOOK);
        if let Some(why) = served.lost() {
            return Err(Failure::open(format!("the rig is no longer served: {why}")));
        }
        let fails = served.failed();
        if let Some(why) = fails.as_ref().filter(|_| fails != failed) {
            crate::warn(&format!(
                "the management of the battery: {why}; the rig stands still until a case begins or ends"
            ));
        }
        failed = fails;
        let behind = served.behind();
        if behind * u64::from(speed) > BEHIND && complained.is_none_or(|at| at.elapsed() > COMPLAIN) {
            complained = Some(Instant::now());
            crate::warn(&format!(
                "the rig was {} behind the clock, {} of its own time: what was measured then was late; choose a lower \
                 --speed, or end what else runs here",
                humantime::format_duration(Duration::from_millis(behind.0 / 1000)),
                behind * u64::from(speed)
            ));
        }
    }
    Ok(Exit::Pass)
}
