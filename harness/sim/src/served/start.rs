//! All of a rig at once: CAN, supply, GX and operator around one world, and a folder of stable names for them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::channel::Instrument as Meter;
use proto::quantity::Micros;
use proto::slcan;
use proto::spoken::Protocol;

use super::adapter::Adapter;
use super::bus::{Nodes, Serving};
use super::error::ServeError;
use super::folder::Folder;
use super::pace::{Paced, Shared};
use super::psu::{on_pty_by, on_tcp_by};
use super::socketcand::Gateway;
use super::{Served, gx, operator, witness};
use files::{BatteryFile, Profile, RigFile, WitnessPlace};
use lab::can::{CanPort, RunClock};
use plant::instrument::{Instrument, Surroundings};

use crate::Simulation;

/// How a rig is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// how many times faster than the wall its time goes, at least 1
    pub speed: u32,
    /// of everything random in its world
    pub seed: u64,
    /// the battery is not heard: firmware outside speaks for it on the bus
    pub mute: bool,
    /// the wires of CAN
    pub can: CanWires,
    /// the wire of the supply
    pub psu: PsuWire,
    /// the profile whose language the supply speaks
    pub psu_profile: Profile,
    /// where the GX listens (Modbus-TCP); port 0 takes a free one
    pub gx: SocketAddr,
    /// where the operator listens; port 0 takes a free one
    pub operator: SocketAddr,
    /// where stable names for the pseudo-terminals are put
    pub folder: PathBuf,
}

/// The wires of CAN. All are one bus: what one sends all others hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanWires {
    /// an interface of the kernel that is up, such as `vcan0`
    pub interface: Option<String>,
    /// how many SLCAN adapters, each on a pseudo-terminal of its own
    pub adapters: u8,
    /// those acknowledge nothing, as a CANable with the firmware that it comes with
    pub mute: bool,
    /// where clients of socketcand's protocol join; port 0 takes a free one
    pub socketcand: Option<SocketAddr>,
}

/// One adapter.
impl Default for CanWires {
    fn default() -> Self {
        Self { interface: None, adapters: 1, mute: false, socketcand: None }
    }
}

/// The wire of the supply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PsuWire {
    /// a pseudo-terminal
    Terminal,
    /// raw text over TCP; port 0 takes a free one
    Tcp(SocketAddr),
}

/// How to reach what is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// every end of the bus, the first for the harness: `can0`, or the path of an SLCAN adapter
    pub can: Vec<String>,
    /// where clients of socketcand's protocol join
    pub socketcand: Option<SocketAddr>,
    /// the path of a serial port, or host and port
    pub psu: String,
    /// the GX
    pub gx: SocketAddr,
    /// the operator
    pub operator: SocketAddr,
    /// the serial ports of the meters beside the battery: shunt, charger, inverter
    pub witnesses: Vec<String>,
}

/// A simulated rig that other processes see as a real one; no more when this is dropped.
pub struct ServedRig {
    addresses: Addresses,
    bus: Serving,
    shared: Shared,
    instrument: Arc<Mutex<Instrument>>,
    clock: RunClock,
    _folder: Folder,
    _supply: Supply,
    _gx: Served<SocketAddr>,
    _operator: Served<SocketAddr>,
    _witnesses: Vec<Served<PathBuf>>,
}

/// Held, so that it is served.
#[expect(dead_code, reason = "what it holds is served until it is dropped")]
enum Supply {
    Terminal(Served<PathBuf>),
    Tcp(Served<SocketAddr>),
}

impl ServedRig {
    /// Serves a rig with a battery.
    ///
    /// # Errors
    /// When the battery cannot be simulated, or a wire or a name is not to be had. Nothing is served then.
    pub fn start(rig: &RigFile, battery: &BatteryFile, options: &Options) -> Result<Self, ServeError> {
        if rig.plant.is_none() {
            return Err(ServeError::Real(rig.rig.clone()));
        }
        let clock = RunClock::start();
        let profile = &options.psu_profile;
        let dialect =
            profile.simulated.clone().ok_or_else(|| ServeError::NoDialect(profile.psu_profile.clone()))?;
        let instrument = Arc::new(Mutex::new(Instrument::new(dialect, Surroundings::default())));
        let simulation = Simulation::of(rig, battery)?
            .ok_or_else(|| ServeError::NotSimulated(battery.declared.name.clone()))?;
        let mut paced = Paced::new(simulation, options.seed, options.speed, instrument.clone(), clock)?;
        if options.mute {
            paced.mute_battery()?;
        }
        let shared = Shared::new(paced);
        let system = |what: &str| {
            let what = what.to_owned();
            move |source| ServeError::System { what, source }
        };

        let named = |name: &str| options.folder.join(name).display().to_string();
        let mut links: Vec<(String, PathBuf)> = Vec::new();
        let CanWires { interface: name, adapters, mute, socketcand } = &options.can;
        let interface = name.as_ref().map(|name| interface(name, rig, clock)).transpose()?;
        let firmware = || if *mute { slcan::Adapter::mute() } else { slcan::Adapter::default() };
        let opened: Result<Vec<_>, _> =
            (0..*adapters).map(|_| Adapter::open(firmware(), rig.can.gx_profile)).collect();
        let (adapters, paths): (Vec<_>, Vec<_>) = opened.map_err(system("CAN"))?.into_iter().unzip();
        let ends = (0..).map(|k| if k == 0 { "can".to_owned() } else { format!("can{k}") });
        links.extend(ends.zip(paths));
        let can = name.iter().cloned().chain(links.iter().map(|(link, _)| named(link))).collect();
        let gateway = socketcand.map(|address| {
            Gateway::listen(address, clock.now()).map_err(system(&format!("socketcand on {address}")))
        });
        let (gateway, socketcand) = gateway.transpose()?.unzip();
        let (supply, psu) = match options.psu {
            PsuWire::Terminal => {
                let served = on_pty_by(instrument.clone(), clock).map_err(system("the supply"))?;
                links.push(("psu".to_owned(), served.path().to_owned()));
                (Supply::Terminal(served), None)
            }
            PsuWire::Tcp(address) => {
                let served = on_tcp_by(instrument.clone(), address, clock)
                    .map_err(system(&format!("the supply on {address}")))?;
                let address = served.address().to_string();
                (Supply::Tcp(served), Some(address))
            }
        };
        let gx =
            gx::on_tcp(shared.clone(), options.gx).map_err(system(&format!("the GX on {}", options.gx)))?;
        let operator = operator::on_tcp(options.operator, shared.clone())
            .map_err(system(&format!("the operator on {}", options.operator)))?;
        let speaks = |which| {
            let is_it = |place: &&WitnessPlace| place.instrument() == which;
            rig.witnesses.iter().find(is_it).map_or(Protocol::default(), |place| place.protocol)
        };
        let meters = Meter::WITNESSES
            .map(|which| witness::on_pty(which, speaks(which), shared.clone(), options.speed));
        let meters: Vec<_> = meters.into_iter().collect::<Result<_, _>>().map_err(system("the witnesses"))?;
        let names = Meter::WITNESSES.map(Meter::words);
        links.extend(
            names.iter().zip(&meters).map(|(name, meter)| ((*name).to_owned(), meter.path().to_owned())),
        );
        let addresses = Addresses {
            can,
            socketcand,
            psu: psu.unwrap_or_else(|| named("psu")),
            gx: gx.address(),
            operator: operator.address(),
            witnesses: names.map(named).to_vec(),
        };
        let folder = Folder::make(&options.folder, &links, &addresses.json(options.speed))?;
        let bus = Serving::start(Nodes { interface, adapters, gateway }, shared.clone(), clock)
            .map_err(system("CAN"))?;
        Ok(Self {
            addresses,
            bus,
            shared,
            instrument,
            clock,
            _folder: folder,
            _supply: supply,
            _gx: gx,
            _operator: operator,
            _witnesses: meters,
        })
    }

    /// How to reach it.
    #[must_use]
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The longest that it was behind the clock since this was asked last: more than a moment, and the speed is too high
    /// for this machine, or it is busy with something else.
    #[must_use]
    pub fn behind(&self) -> Micros {
        self.shared.now().take_behind()
    }

    /// The supply itself, for a moment: what is done to it here comes past its wire, as at its front panel.
    pub fn supply(&self) -> MutexGuard<'_, Instrument> {
        self.instrument.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the output of the supply is on, seen at the supply itself.
    #[must_use]
    pub fn supply_is_on(&self) -> bool {
        self.supply().is_on()
    }

    /// Whether the output of the supply is on and since when, by the supply's own clock, which [`ServedRig::now`] reads.
    #[must_use]
    pub fn supply_since(&self) -> (bool, Micros) {
        let instrument = self.supply();
        (instrument.is_on(), instrument.switched_at())
    }

    /// The clock that everything of it goes by: time since it began, on the wall whatever its speed.
    #[must_use]
    pub fn now(&self) -> Micros {
        self.clock.now()
    }

    /// Why its world stands still, until the next initial conditions: what manages the cells cannot go on.
    #[must_use]
    pub fn failed(&self) -> Option<String> {
        self.shared.now().failed().map(ToString::to_string)
    }

    /// Why it is no longer on CAN, when it lost its interface.
    pub fn lost(&mut self) -> Option<String> {
        self.bus.lost()
    }
}

impl Addresses {
    fn json(&self, speed: u32) -> String {
        let value = serde_json::json!({
            "speed": speed,
            "process": std::process::id(),
            "can": self.can.first(),
            "can-ends": self.can,
            "socketcand": self.socketcand,
            "psu": self.psu,
            "gx": self.gx,
            "operator": self.operator,
            "witnesses": self.witnesses,
        });
        format!("{value:#}\n")
    }
}

#[cfg(target_os = "linux")]
fn interface(name: &str, rig: &RigFile, clock: RunClock) -> Result<Box<dyn CanPort>, ServeError> {
    Ok(Box::new(lab::can::SocketCan::open(name, rig.can.gx_profile, clock)?))
}

#[cfg(not(target_os = "linux"))]
fn interface(_: &str, _: &RigFile, _: RunClock) -> Result<Box<dyn CanPort>, ServeError> {
    let source =
        std::io::Error::new(std::io::ErrorKind::Unsupported, "CAN interfaces are there on Linux only");
    Err(ServeError::System { what: "CAN".to_owned(), source })
}

/// The folder below which a rig is served where nobody says otherwise: what `rigs/served.yaml` expects.
#[must_use]
pub fn default_folder() -> PathBuf {
    Path::new("/tmp/busbar").to_owned()
}
