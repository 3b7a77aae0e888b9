//! The simulated world against the clock on the wall, and the supply that is its sun.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use plant::bus::Heard;
use plant::management::ManagementError;
use plant::world::{Bounds, StimulusError, World};
use proto::channel::{Channel, Instrument as ProtoInstrument};
use proto::frame::Frame;
use proto::gx::{Exception, ess, inverter};
use proto::quantity::{Amps, Micros, Ohms, Percent, Watts};
use proto::stimulus::{Start, Stimulus};

use super::gx::Registers;
use crate::Simulation;
use crate::prepare::prepare;
use lab::can::RunClock;
use plant::instrument::Instrument;

/// What was on the bus, and when on the clock.
pub(super) type OnBus = (Micros, Heard);

/// A world that is shared by all who serve a part of it.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Paced>>);

impl Shared {
    pub(crate) fn new(paced: Paced) -> Self {
        Self(Arc::new(Mutex::new(paced)))
    }

    /// The world as it is now, for a moment.
    pub(crate) fn now(&self) -> MutexGuard<'_, Paced> {
        let mut paced = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        paced.catch_up();
        paced
    }
}

impl Shared {
    /// The world as it was left, where nobody is at it.
    pub(crate) fn glance(&self) -> Option<MutexGuard<'_, Paced>> {
        match self.0.try_lock() {
            Ok(paced) => Some(paced),
            Err(TryLockError::Poisoned(paced)) => Some(paced.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Registers for Shared {
    fn read(
        &mut self,
        unit: u8,
        function: u8,
        address: u16,
        count: u16,
    ) -> Option<Result<Vec<u16>, Exception>> {
        self.now().world.modbus_read(unit, function, address, count)
    }

    fn write(
        &mut self,
        unit: u8,
        function: u8,
        address: u16,
        cells: &[u16],
    ) -> Option<Result<(), Exception>> {
        let mut paced = self.now();
        let answer = paced.world.modbus_write(unit, function, address, cells);
        if matches!(answer, Some(Ok(()))) {
            paced.written.extend((address..).zip(cells).map(|(at, &cell)| (at, (unit, cell))));
        }
        answer
    }
}

/// A world whose time is that of the wall, some times faster.
pub(crate) struct Paced {
    simulation: Simulation,
    seed: u64,
    speed: u32,
    /// whether somebody outside speaks for the battery
    mute: bool,
    clock: RunClock,
    /// when the world was ready, on the clock
    began: Micros,
    /// and its own time then
    begun: Micros,
    world: World,
    supply: Arc<Mutex<Instrument>>,
    /// what was on the bus and is not served yet, with its time on the clock
    heard: Vec<(Micros, Heard)>,
    behind: Micros,
    /// what each meter beside the battery said and is not served yet, of those that are; and when they speak next
    said: Vec<(ProtoInstrument, Vec<u8>)>,
    speak: Micros,
    /// why the battery's management went on no longer
    failed: Option<ManagementError>,
    /// what was written to the GX, by address: unit and cell. It stays as it is when the world is another
    written: BTreeMap<u16, (u8, u16)>,
}

/// The most of the wall's time that the world may take at once, so that nobody waits for it long.
const SLICE: Micros = Micros::from_millis(5);
/// After this a GX has heard every message of a battery (P 1.4: each comes at least once a second).
const ACQUAINTED: Micros = Micros::from_secs(3);
/// How often a meter beside the battery speaks.
const SECOND: Micros = Micros::from_secs(1);
/// The most of the world's time between two looks at the supply.
const LOOK: Micros = Micros::from_millis(100);

impl Paced {
    /// A world in which no test has begun: half charged, mains and feed-in on, no sun but the supply's.
    ///
    /// # Errors
    /// When the battery's management does not start.
    pub(crate) fn new(
        simulation: Simulation,
        seed: u64,
        speed: u32,
        supply: Arc<Mutex<Instrument>>,
        clock: RunClock,
    ) -> Result<Self, ManagementError> {
        let (world, _) = prepare(&simulation, &Start::AT_REST, seed)?;
        let mut paced = Self {
            simulation,
            seed,
            speed,
            mute: false,
            clock,
            began: clock.now(),
            begun: Micros::ZERO,
            world,
            supply,
            heard: Vec::new(),
            behind: Micros::ZERO,
            said: Vec::new(),
            speak: Micros::ZERO,
            failed: None,
            written: BTreeMap::new(),
        };
        paced.acquaint()?;
        Ok(paced)
    }

    /// The battery is not heard any more: firmware outside speaks for it.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub(crate) fn mute_battery(&mut self) -> Result<(), ManagementError> {
        self.mute = true;
        self.rest()
    }

    /// Goes on to now, as far as it gets in a moment.
    fn catch_up(&mut self) {
        let now = self.clock.now();
        let target = self.begun + now.since(self.began) * u64::from(self.speed);
        let late = Micros(target.since(self.world.now()).0 / u64::from(self.speed));
        self.behind = self.behind.max(late);
        while self.failed.is_none() && self.world.now() < target && self.clock.now().since(now) < SLICE {
            self.look_at_supply();
            let until = target.min(self.world.now() + LOOK);
            self.failed = self.go_on(until).err();
        }
    }

    fn go_on(&mut self, until: Micros) -> Result<(), ManagementError> {
        while let Some(heard) = self.world.advance(until)? {
            self.heard.push((self.on_the_wall(), heard));
        }
        if self.world.now() >= self.speak {
            self.speak = self.world.now().whole() + SECOND;
            for (which, said) in &mut self.said {
                said.extend(self.world.witness(*which));
            }
        }
        Ok(())
    }

    /// From now on somebody carries what this meter says.
    pub(crate) fn serves_witness(&mut self, which: ProtoInstrument) {
        self.said.push((which, Vec::new()));
    }

    /// What a meter said since this was asked last.
    pub(crate) fn take_said(&mut self, which: ProtoInstrument) -> Vec<u8> {
        let own = self.said.iter_mut().find(|(of, _)| *of == which);
        own.map_or_else(Vec::new, |(_, said)| core::mem::take(said))
    }

    /// Why the world stands still: the battery's management cannot go on. Until the next initial conditions.
    pub(crate) const fn failed(&self) -> Option<&ManagementError> {
        self.failed.as_ref()
    }

    /// The time of the world, on the clock.
    fn on_the_wall(&self) -> Micros {
        self.began + Micros(self.world.now().since(self.begun).0 / u64::from(self.speed))
    }

    /// What the supply gives shines on the world, and what the world takes is what the supply measures.
    fn look_at_supply(&mut self) {
        let mut supply = self.supply.lock().unwrap_or_else(PoisonError::into_inner);
        let (volts, amps) = supply.drives();
        self.world.feed(volts, amps);
        let Some(said) = self.world.psu() else { return supply.silence(true) };
        supply.silence(false);
        if (volts * amps) > Watts::ZERO && !said.is(Channel::SupplyOutput) {
            supply.overheat();
        }
        let shows = |channel| said.number(channel).filter(|&value| value > 0.0);
        let load = shows(Channel::SupplyVoltage).zip(shows(Channel::SupplyCurrent));
        supply.load(load.map_or(NO_LOAD, |(volts, amps)| Ohms(volts / amps)));
    }

    /// A new world with these initial conditions, in which the GX knows the battery.
    ///
    /// # Errors
    /// When the battery's management does not start, or cannot go on: the world stands still then.
    pub(crate) fn prepare(&mut self, start: &Start) -> Result<(), ManagementError> {
        // Whoever prepares a case sets what the case asks for, whatever is set on the GX.
        let feed_in = Some(f64::from(u8::from(start.feed_in)));
        let limit = start.input_current_limit.map(|Amps(limit)| limit);
        for (register, value) in [(ess::FEED_IN_EXCESS, feed_in), (inverter::INPUT_CURRENT_LIMIT, limit)] {
            let cell = value.and_then(|value| register.setting(value).ok());
            if let (Some([cell, _]), Some(written)) = (cell, self.written.get_mut(&register.address)) {
                written.1 = cell;
            }
        }
        self.anew(start)
    }

    fn anew(&mut self, start: &Start) -> Result<(), ManagementError> {
        // A program that listens has one conversation at a time: the old one is over before the new one begins, whatever it
        // says to that.
        let _ = self.simulation.end(&mut self.world);
        let begun = self.begin(start);
        self.failed = begun.as_ref().err().cloned();
        begun
    }

    fn begin(&mut self, start: &Start) -> Result<(), ManagementError> {
        (self.world, _) = prepare(&self.simulation, start, self.seed)?;
        self.acquaint()
    }

    /// The first seconds of a world pass, and count for nobody.
    fn acquaint(&mut self) -> Result<(), ManagementError> {
        if self.mute {
            self.world.mute_battery();
        }
        self.look_at_supply();
        for (&address, &(unit, cell)) in &self.written {
            // What it does not take now, it did not take then.
            let _ = self.world.modbus_write(unit, WRITE, address, &[cell]);
        }
        let known = self.world.now() + ACQUAINTED;
        self.world.pass(known)?;
        let modbus = &self.simulation.plant.gx.modbus;
        for _ in 0..modbus.missed_reads {
            // What it answers to the first reads is that it misses the battery.
            let _ = self.world.modbus_read(modbus.units.battery, 3, proto::gx::battery::VOLTAGE.address, 1);
        }
        self.heard.clear();
        self.said.iter_mut().for_each(|(_, said)| said.clear());
        self.speak = self.world.now();
        self.behind = Micros::ZERO;
        (self.began, self.begun) = (self.clock.now(), self.world.now());
        Ok(())
    }

    /// Whether there is a world with these initial conditions.
    ///
    /// # Errors
    /// What it cannot have.
    pub(crate) fn possible(&self, start: &Start) -> Result<(), String> {
        let soc = start.soc;
        if !(Percent(0.0)..=Percent(100.0)).contains(&soc) {
            return Err(format!("a state of charge of {soc} is not possible, expected 0 % to 100 %"));
        }
        let bounds = Bounds::of(&self.simulation.plant);
        let limit = start.input_current_limit.map(Stimulus::InputCurrentLimit);
        let rest = [
            Stimulus::AcPv(start.ac_pv),
            Stimulus::AcLoad(start.ac_load),
            Stimulus::Imbalance(start.imbalance),
        ];
        let mut all = rest.into_iter().chain(limit);
        all.try_for_each(|stimulus| bounds.check(&stimulus)).map_err(|error| error.to_string())
    }

    /// As before the first test: no fault, no load.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub(crate) fn rest(&mut self) -> Result<(), ManagementError> {
        self.anew(&Start::AT_REST)
    }

    /// Changes the world now.
    ///
    /// # Errors
    /// When it cannot, or when it is the supply that must.
    pub(crate) fn apply(&mut self, stimulus: &Stimulus) -> Result<(), ApplyError> {
        if let Some(error) = &self.failed {
            return Err(ApplyError::Battery(error.clone()));
        }
        match stimulus {
            Stimulus::Pv(_) => Err(ApplyError::Sun),
            other => Ok(self.world.apply(other)?),
        }
    }

    /// A frame of a node that is not simulated; what others hear of it.
    pub(crate) fn hear(&mut self, frame: Frame) -> Option<Heard> {
        self.world.hear(frame)
    }

    /// What was on the bus since this was asked last, with its time on the clock.
    pub(crate) fn take_heard(&mut self) -> Vec<(Micros, Heard)> {
        core::mem::take(&mut self.heard)
    }

    /// The longest that it was behind the clock since this was asked last: so late was what it said then.
    pub(crate) fn take_behind(&mut self) -> Micros {
        core::mem::take(&mut self.behind)
    }

    /// The world.
    pub(crate) const fn world(&mut self) -> &mut World {
        &mut self.world
    }
}

/// Why the world was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// it cannot
    #[error(transparent)]
    World(#[from] StimulusError),
    /// it stands still
    #[error("the management of the battery: {0}")]
    Battery(ManagementError),
    /// the sun is another instrument
    #[error("the sun of a served rig is its supply: set voltage, current limit and output there")]
    Sun,
}

/// Write registers (Modbus).
const WRITE: u8 = 16;

/// An open pair of terminals.
const NO_LOAD: Ohms = Ohms(1e9);
