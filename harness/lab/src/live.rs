//! The bench of real instruments: the battery on CAN, the supply, the GX, and somebody for what no wire carries.
//!
//! [`Lab`] is what a rig file describes, [`LiveBench`] the instruments of it, opened for one case. Opening switches the
//! supply off and reads that back before anything else; so does the end of every case.

mod bench;
mod hands;
pub(crate) mod hearing;
mod inbox;
mod listener;
pub(crate) mod pace;
mod sun;
mod watchdog;
mod worker;

#[cfg(all(test, unix))]
mod tests;

pub use bench::LiveBench;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use engine::bench::BenchError;
use proto::channel::Channel;
use proto::quantity::{Amps, Micros};

use crate::can::{RunClock, open_can};
use crate::gx::{GxPort, GxSettings};
use crate::operator::{Client, Operator, OperatorError, Reply, Request, Terminal};
use crate::psu::{Link, LinkError, Serial, Tcp};
use files::live::{Live, OperatorPlace, PsuPort, UnitIds};
use files::profile::SerialPort;
use files::{InputError, Library, Profile, RigFile};

use bench::Parts;
use hands::Hands;
use inbox::Inbox;
use listener::Listener;
use sun::{Setup, Sun};
use watchdog::Watchdog;
use worker::Worker;

use crate::witness::WitnessPort;

/// A real rig, ready to be opened.
pub struct Lab {
    rig: RigFile,
    live: Live,
    profile: Option<Profile>,
    terminal: Option<Desk>,
    stop: Arc<AtomicBool>,
    watchdog: Watchdog,
    found: hands::Found,
    #[cfg(unix)]
    guard: Option<Arc<crate::guard::Guard>>,
}

/// How long a connection may take, and an answer of the GX. Assumption: a GX answers within 100 ms.
const CONNECT_WITHIN: Micros = Micros::from_secs(1);
/// The same where the rig runs faster than the clock: what is served on the same machine answers at once, if the machine
/// does not stand still.
const SERVED_WITHIN: Micros = Micros::from_millis(300);

/// What a meter takes to say what it measures.
const SECOND: Micros = Micros::from_secs(1);

impl Lab {
    /// The lab of a rig file, with the profile of its supply; nothing where the rig is simulated. The terminal is asked
    /// where the rig says so. Cases end soon after `stop` is set.
    ///
    /// # Errors
    /// When there is no such profile, or it makes no sense. Nothing is opened yet.
    pub fn new(
        rig: &RigFile,
        library: &Library,
        terminal: Option<Terminal>,
        stop: Arc<AtomicBool>,
    ) -> Result<Option<Self>, InputError> {
        let Some(live) = rig.live.clone() else { return Ok(None) };
        let profile = library.profile_of(rig)?;
        let terminal = terminal.map(|terminal| Desk(Arc::new(Mutex::new(terminal))));
        let watchdog = Watchdog::untried(stop.clone());
        Ok(Some(Self {
            rig: rig.clone(),
            live,
            profile,
            terminal,
            stop,
            watchdog,
            found: Arc::default(),
            guard: None,
        }))
    }

    /// From now on the supply is reached through a guard, which switches it off when this process dies.
    #[cfg(unix)]
    pub fn guarded_by(&mut self, guard: Arc<crate::guard::Guard>) {
        if let Some(profile) = &self.profile {
            guard.switches_off(profile);
        }
        let notes = Arc::downgrade(&guard);
        self.watchdog.noted_by(move |what| notes.upgrade().iter().for_each(|guard| guard.note(what)));
        self.guard = Some(guard);
    }

    /// What a person must know of the supply before a case begins is given to this too: that its output was found on,
    /// and what came of the trial of its watchdog.
    pub fn told_to(&mut self, tell: impl Fn(&str) + Send + Sync + 'static) {
        self.watchdog.noted_by(tell);
    }

    /// The end of all cases: the guard makes sure that everything is off, and gives the rig back.
    ///
    /// # Errors
    /// When the supply is not known to be off.
    pub fn close(&self) -> Result<(), String> {
        #[cfg(unix)]
        if let Some(guard) = &self.guard {
            let tell = |what: &str| {
                let told = format!(
                    "harness: SWITCH IT OFF BY HAND: {what}; its guard goes on trying for 10 minutes, this program waits for it \
                     for 30 s"
                );
                self.watchdog.tell(&told);
            };
            let off = guard.end(tell, |penned| match self.setup(Micros::ZERO) {
                None => Ok(()),
                Some(Setup { place, profile, current_max, .. }) => {
                    connect(&place.port, profile.serial).map_err(|error| error.to_string()).and_then(|link| {
                        crate::guard::shut_down(penned(link), &place, &profile, current_max)?;
                        crate::guard::second::look(&self.live).map(drop)
                    })
                }
            });
            guard.not_returned().iter().for_each(|why| self.watchdog.tell(&format!("harness: {why}")));
            return off;
        }
        Ok(())
    }

    /// What ends the case that runs, and lets none begin, once it is set.
    #[must_use]
    pub fn stop(&self) -> &Arc<AtomicBool> {
        &self.stop
    }

    /// Opens every instrument, and switches the supply off.
    ///
    /// # Errors
    /// When one is not there, is another than expected, or cannot be confirmed off; and once it was told to stop.
    pub fn open(&self) -> Result<LiveBench, BenchError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(BenchError::stopped("before this case began"));
        }
        #[cfg(unix)]
        if let Some(why) = self.guard.as_ref().and_then(|guard| guard.lost()) {
            return Err(BenchError::of("bench", why));
        }
        // Nothing is opened that would take the answers of another instrument.
        #[cfg(unix)]
        if let Some(twice) = crate::same::port_twice(&self.live, &self.rig.witnesses) {
            return Err(BenchError::of("bench", twice));
        }
        let clock = RunClock::start();
        let (inbox, outbox) = Inbox::new(clock);
        let real = |period: Micros| Micros((period.0 / u64::from(self.live.speed)).max(1000));
        let polling = &self.rig.polling;
        let patience =
            if self.live.speed == 1 { CONNECT_WITHIN } else { real(CONNECT_WITHIN).max(SERVED_WITHIN) };
        // First what may be energised.
        let sun = self.setup(real(polling.psu)).map(|setup| {
            let port = setup.place.port.clone();
            let serial = setup.profile.serial;
            let opener = self.opener(port, serial);
            Sun::open(setup, opener, clock, outbox.clone()).map_err(|closed| {
                let (sun::Closed::Unmet(what) | sun::Closed::Other(what)) = &closed;
                let error = BenchError::of("supply", what.trim_start_matches("supply: "));
                // One that has answered may be on: nobody waits for anything else then.
                if matches!(closed, sun::Closed::Unmet(_)) { self.seen_swapped(error) } else { error }
            })
        });
        let sun = sun.transpose()?;
        let port = open_can(&self.live.can, self.rig.can.bit_rate, real(polling.bus), clock)
            .map_err(|error| self.seen_swapped(BenchError::of("CAN", error)))?;
        let listeners = vec![Listener::can(port, real(polling.bus), clock, outbox.clone())];
        let mut listeners = listeners;
        let (ports, troubles) = WitnessPort::all(&self.rig.witnesses, clock, real(SECOND));
        for mut port in ports {
            let outbox = outbox.clone();
            listeners.push(Listener::start(port.name(), outbox.clone(), move || {
                port.step(|at, chunk| outbox.bytes(at, chunk));
                Ok(())
            }));
        }
        let hands = self.live.gx.as_ref().map(|gx| {
            let settings = GxSettings {
                address: gx.address.clone(),
                units: gx.units,
                period: real(polling.gx),
                // Why it does not answer is known before the interlock says that it did not.
                within: patience.min(Micros(real(self.rig.limits.age(Channel::GxAnswers)).0 / 2)),
            };
            GxPort::open(&settings, clock, outbox.of_gx()).and_then(|port| {
                Worker::start("switches", Hands::new(port, self.keeper(gx.units), self.found.clone()))
            })
        });
        let operator = self.operator().map_err(|error| BenchError::of("operator", error))?;
        let thread = |error: std::io::Error| BenchError::of("bench", error);
        let parts = Parts {
            sun,
            hands: hands.transpose().map_err(thread)?,
            operator: operator
                .map(|operator| Worker::start("operator", operator))
                .transpose()
                .map_err(thread)?,
            listeners: listeners.into_iter().collect::<Result<_, _>>().map_err(thread)?,
            witnesses: troubles,
        };
        let capabilities = self.rig.capabilities.clone();
        #[cfg(unix)]
        if let Some(guard) = &self.guard {
            let (outbox, lost) = (outbox.clone(), outbox.clone());
            guard.on_loss(move |why| outbox.fault(why));
            guard.on_lost(move |why| lost.fault(why));
        }
        let bench =
            LiveBench::new(self.live.clone(), capabilities, self.stop.clone(), clock, (inbox, outbox), parts);
        #[cfg(unix)]
        let bench = bench.guarded(self.guard.clone());
        let tell = self.watchdog.clone();
        Ok(bench.told_by(move |what| tell.tell(what)))
    }

    /// The same error, and whether the ports of supply and adapter seem to be swapped.
    fn seen_swapped(&self, error: BenchError) -> BenchError {
        let seem = self.profile.as_ref().and_then(|profile| crate::swapped::looked_for(&self.live, profile));
        match seem {
            Some(seem) => BenchError { what: format!("{}; {seem}", error.what), ..error },
            None => error,
        }
    }

    /// Tells the guard what a register held before it is written: it is put back whatever dies.
    fn keeper(&self, units: UnitIds) -> hands::Keeper {
        #[cfg(unix)]
        if let Some(guard) = self.guard.clone() {
            return Box::new(move |register, cells| {
                units
                    .of(register.product)
                    .iter()
                    .for_each(|unit| guard.keeps(*unit, register.address, cells));
            });
        }
        let _ = units;
        Box::new(|_, _| {})
    }

    /// The way to the supply, for as often as it is opened.
    fn opener(&self, port: PsuPort, serial: SerialPort) -> sun::Opener {
        #[cfg(unix)]
        if let Some(guard) = self.guard.clone() {
            return Box::new(move || guard.link(serial));
        }
        Box::new(move || connect(&port, serial))
    }

    fn setup(&self, period: Micros) -> Option<Setup> {
        let (place, profile) = (self.live.psu.clone()?, self.profile.clone()?);
        let (current_max, watchdog) =
            (Amps(self.rig.limits.at_most(Channel::SupplyCurrent)), self.watchdog.clone());
        Some(Setup { place, profile, current_max, period, watchdog })
    }

    fn operator(&self) -> Result<Option<Box<dyn Operator>>, OperatorError> {
        Ok(match self.live.operator {
            OperatorPlace::None => None,
            OperatorPlace::Terminal { .. } => {
                self.terminal.clone().map(|desk| -> Box<dyn Operator> { Box::new(desk) })
            }
            OperatorPlace::Tcp { address, timeout } => Some(Box::new(Client::connect(address, timeout)?)),
        })
    }
}

/// A terminal that outlives the cases: there is only one keyboard.
#[derive(Clone)]
struct Desk(Arc<Mutex<Terminal>>);

impl Operator for Desk {
    fn ask(&mut self, request: &Request) -> Result<Reply, OperatorError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ask(request)
    }
}

/// The way to a supply.
pub(crate) fn connect(port: &PsuPort, settings: SerialPort) -> Result<Box<dyn Link>, LinkError> {
    match port {
        PsuPort::Serial { serial, baud } => {
            let settings = SerialPort { baud: baud.unwrap_or(settings.baud), ..settings };
            Ok(Box::new(Serial::open(serial, settings)?))
        }
        PsuPort::Tcp { tcp } => Ok(Box::new(Tcp::open(*tcp, CONNECT_WITHIN)?)),
    }
}
