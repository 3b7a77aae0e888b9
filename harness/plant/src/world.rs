//! The world as a bench sees it: time goes on, frames appear on the bus, instruments can be read.

use proto::bus::BusState;
use proto::channel::{Channel, Instrument};
use proto::fault::FaultKind;
use proto::frame::Frame;
use proto::quantity::{AmpHours, Amps, BitRate, Celsius, Micros, Percent, Volts, Watts};
use proto::samples::{Samples, Value};
use proto::stimulus::{Start, Stimulus};

use crate::battery::Battery;
use crate::bus::{Bus, Due, Fate, Heard};
use crate::display::round;
use crate::faults::Faults;
use crate::gx::Gx;
use crate::gx::image::Image;
use crate::gx::writes::Writes;
use crate::ledger::Ledger;
use crate::management::{Design, Installed, ManagementError};
use crate::meter::{Measured, Meters};
use crate::modules::Modules;
use crate::pack::{Pack, STEP};
use crate::params::Params;
use crate::rng::Rng;
use crate::sensors::Exposed;
use crate::site::Site;
use crate::wire::Sender;
pub use bounds::{Bounds, StimulusError};

const SECOND: Micros = Micros::from_secs(1);

/// How large the battery is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PackSize {
    /// cells in series, 1 to 256
    pub cells: usize,
    /// of the battery; modules side by side share it
    pub capacity: AmpHours,
}

/// Cells, their management system, inverter/charger, solar charger, GX, mains, loads and sun. Two worlds of the same
/// parameters and seed are equal to the bit for ever.
#[derive(Debug)]
pub struct World {
    now: Micros,
    next_step: Micros,
    /// when the cells were looked at one by one
    looked: Micros,
    site: Site,
    gx: Gx,
    battery: Battery,
    faults: Faults,
    bounds: Bounds,
    temperature_spread: Celsius,
    bus: Bus,
    /// somebody outside speaks for the battery
    muted: bool,
    /// settings of the GX that are acknowledged and not applied yet
    writes: Writes,
    image: Image,
    meters: Meters,
    /// charge through the terminals a second ago, C
    passed: f64,
}

impl World {
    /// A system at time zero that has been at work: the mains, where they are there, are connected, loads are
    /// supplied. `seed` scatters the cells, the phases of the timers and the noise of the sensors.
    ///
    /// Parameters must have passed [`Params::check`]; a start that no battery can have is brought within bounds.
    ///
    /// # Errors
    /// When the battery's management does not start.
    pub fn new(
        params: &Params,
        design: &dyn Design,
        pack: &PackSize,
        start: &Start,
        seed: u64,
    ) -> Result<Self, ManagementError> {
        let mut rng = Rng::new(seed, 1);
        let cells = pack.cells.clamp(1, 256);
        let modules = design.modules().max(1);
        let capacity = AmpHours(pack.capacity.0 / modules as f64);
        let string = |_| Pack::new(&params.pack, cells, capacity, start.soc, &mut rng);
        let mut charged = Modules::new((0..modules).map(string), &params.cables);
        charged.first().pack.unbalance(start.imbalance);
        let soc = Percent(charged.soc() * 100.0);
        let mut site = Site::new(params, charged, start.grid, rng.unit());
        site.solar.shine(start.pv.max(Watts::ZERO).min(params.psu.maximum));
        site.inverter.pv.begin(start.ac_pv.max(Watts::ZERO).min(params.ac_pv.maximum));
        site.inverter.load(start.ac_load);
        if let Some(limit) = start.input_current_limit {
            site.inverter.limit_input(limit);
        }
        let phase = Micros(rng.bits() % 900_000);
        let gx = Gx::new(&params.gx, start.feed_in, phase, rng.bits() % 3);
        let installed = Installed { cells, modules, capacity: pack.capacity, soc, seed: rng.bits() };
        let mut world = Self {
            now: Micros::ZERO,
            next_step: STEP,
            looked: Micros::ZERO,
            site,
            gx,
            battery: Battery::new(design, &installed)?,
            faults: Faults::new(),
            bounds: Bounds::of(params),
            temperature_spread: params.pack.temperature_spread,
            bus: Bus::new(seed),
            muted: false,
            writes: Writes::new(params.gx.modbus.write_delay),
            image: Image::new(&params.gx.modbus),
            meters: Meters::new(&params.witnesses, seed),
            passed: 0.0,
        };
        // The battery knows its cells before it speaks for the first time.
        world.turn(Micros::ZERO)?;
        if let Some(image) = world.image() {
            image.settle();
        }
        Ok(world)
    }

    /// The same with a bus of another bit rate than 500 kbit/s.
    #[must_use]
    pub fn on(mut self, rate: BitRate) -> Self {
        self.bus.at(rate);
        self
    }

    /// The same with a count of the energy that crosses the borders of its DC bus, for [`Self::ledger`].
    #[must_use]
    pub fn counted(mut self) -> Self {
        self.site.count();
        self
    }

    /// Time since the start.
    #[must_use]
    pub fn now(&self) -> Micros {
        self.now
    }

    /// Runs to `until`, or to the next frame on the bus, of battery, GX or a stranger, where that comes first;
    /// [`Self::now`] is then its time.
    ///
    /// # Errors
    /// When the battery's management cannot go on; the world stands still where it is.
    pub fn advance(&mut self, until: Micros) -> Result<Option<Heard>, ManagementError> {
        loop {
            let (turn, battery, gx) =
                (self.battery.turn_at(), self.battery.frame_at(), self.gx.next_frame_at());
            let (late, written) = (self.bus.next_at(), self.writes.due());
            let others = turn.min(battery).min(gx).min(late);
            // Settings before physics, physics before thoughts, thoughts before words, old words before new ones, the GX
            // before the battery: ties always break the same way.
            if self.next_step < written && self.next_step <= others.min(until) {
                self.steps(written, others.min(until));
                continue;
            }
            let due = written.min(others);
            if due > until {
                self.now = self.now.max(until);
                return Ok(None);
            }
            self.now = self.now.max(due);
            let heard = if written == due {
                self.writes.apply(due, &mut self.gx, &mut self.site.inverter);
                None
            } else if turn == due {
                self.turn(due)?;
                None
            } else if late == due {
                self.arrival()
            } else if gx == due {
                let frame = self.gx.send();
                self.carry(Sender::Gx, frame)
            } else {
                let frame = self.battery.send();
                frame.and_then(|frame| self.carry(Sender::Battery, frame))
            };
            if heard.is_some() {
                return Ok(heard);
            }
        }
    }

    /// Runs to `until`, whatever is heard meanwhile.
    ///
    /// # Errors
    /// As [`Self::advance`].
    pub fn pass(&mut self, until: Micros) -> Result<(), ManagementError> {
        while self.advance(until)?.is_some() {}
        Ok(())
    }

    /// What comes by itself: a late frame, one that waited for the wire, that of a stranger, an error.
    fn arrival(&mut self) -> Option<Heard> {
        match self.bus.due()? {
            Due::Frame(sender, fate) => self.met(sender, fate),
            Due::Error(error) => Some(Heard::Error(error)),
        }
    }

    fn carry(&mut self, sender: Sender, frame: Frame) -> Option<Heard> {
        if self.muted && sender == Sender::Battery {
            return None;
        }
        let fate = self.bus.carry(self.now, sender, frame);
        self.met(sender, fate)
    }

    /// A frame meets its fate.
    fn met(&mut self, sender: Sender, fate: Fate) -> Option<Heard> {
        match fate {
            Fate::Arrives(frame) => Some(self.deliver(sender, frame)),
            Fate::Unheard(frame) => Some(Heard::Frame(frame)),
            Fate::Gone => None,
        }
    }

    fn deliver(&mut self, sender: Sender, frame: Frame) -> Heard {
        if sender != Sender::Battery {
            self.battery.hear(self.now, &frame);
        }
        if sender != Sender::Gx && !Gx::owns(&frame) {
            self.gx.hear(self.now, &frame);
        }
        Heard::Frame(frame)
    }

    /// Steps before one time and up to another; no further than to the end of a second, when the GX acts.
    fn steps(&mut self, before: Micros, until: Micros) {
        while self.next_step < before && self.next_step <= until {
            let at = self.next_step;
            self.now = self.now.max(at);
            self.next_step += STEP;
            if self.faults.expire(at) {
                self.site.breaks(at, &self.faults.broken());
            }
            self.site.step(at, &self.gx);
            if at.0.is_multiple_of(SECOND.0) {
                return self.second(at);
            }
        }
    }

    fn second(&mut self, at: Micros) {
        self.look(at);
        if self.gx.feed(at, self.site.bus(), self.site.inverter.connected()) {
            self.writes.clear();
        }
        self.gx.tick(at, &self.site.seen());
        self.measure(at);
    }

    /// What the meters beside the battery measured in the last second.
    fn measure(&mut self, at: Micros) {
        let (site, passed) = (&self.site, self.site.modules.account().passed);
        let closed = site.modules.closed();
        let orders = self.gx.solar(at, closed);
        let inverter = &site.inverter;
        let measured = Measured {
            volts: if closed { site.modules.terminals() } else { site.bus() },
            amps: passed - self.passed,
            enabled: orders.enabled,
            set: (orders.volts, orders.amps),
            running: inverter.running(),
            ac: (inverter.output_voltage().0, inverter.load_watts()),
            inverter_volts: inverter.volts(),
            ..site.solar.measured()
        };
        self.passed = passed;
        self.meters.second(at, &measured);
    }

    /// What a meter beside the battery said over its line in the second that ended last, asked once a second; nothing of
    /// one that is none.
    pub fn witness(&mut self, which: Instrument) -> Vec<u8> {
        self.meters.say(which, self.now)
    }

    /// Bytes for a meter beside the battery: questions in HEX.
    pub fn ask_witness(&mut self, which: Instrument, bytes: &[u8]) {
        self.meters.ask(which, bytes);
    }

    /// Brings the cells up to now, one by one.
    fn look(&mut self, at: Micros) {
        let passed = at.since(self.looked);
        if passed > Micros::ZERO {
            self.site.modules.look(passed.secs(), self.battery.balance());
            self.looked = at;
        }
    }

    /// The battery's management looks at its sensors, as the last step left what they see, and decides.
    fn turn(&mut self, at: Micros) -> Result<(), ManagementError> {
        self.look(at);
        let (bus, half) = (Volts(self.site.bus()), self.temperature_spread / 2.0);
        let stepped = Micros(self.next_step.0 - STEP.0);
        let exposed = self.site.modules.iter_mut().map(|module| {
            let mean = Celsius(module.pack.celsius());
            let (mean_current, most_current) = module.mean_and_most(stepped);
            Exposed {
                cells: module.pack.volts(),
                pack: Volts(module.terminals()),
                bus,
                current: Amps(module.amps()),
                mean_current: Amps(mean_current),
                most_current: Amps(most_current),
                coldest: mean - half,
                warmest: mean + half,
                closed: module.contactor.closed(),
            }
        });
        self.battery.turn(at, exposed, self.bus.controller_of_battery(at))?;
        for (which, module) in self.site.modules.iter_mut().enumerate() {
            module.contactor.command(at, self.battery.closes(which));
        }
        Ok(())
    }

    /// Switches the supply of the battery's management: without it the contactor opens and nothing is sent.
    ///
    /// # Errors
    /// When management does not come up.
    pub fn power_battery(&mut self, on: bool) -> Result<(), ManagementError> {
        self.look(self.now);
        self.battery.power(self.now, on)?;
        if !on {
            self.site.modules.iter_mut().for_each(|module| module.contactor.command(self.now, false));
        }
        Ok(())
    }

    /// The case is over; what the battery's management would have kept in its storage. It has no further turn.
    ///
    /// # Errors
    /// When management does not end.
    pub fn end(&mut self) -> Result<Option<String>, ManagementError> {
        self.battery.end()
    }

    /// Changes the world now.
    ///
    /// # Errors
    /// When the simulated rig has no such register or cannot do so much; nothing has changed then.
    pub fn apply(&mut self, stimulus: &Stimulus) -> Result<(), StimulusError> {
        self.bounds.check(stimulus)?;
        match *stimulus {
            Stimulus::Pv(watts) => self.site.solar.shine(watts),
            Stimulus::AcPv(watts) => self.site.inverter.pv.shine(watts),
            Stimulus::AcLoad(watts) => self.site.inverter.load(watts),
            Stimulus::Grid(there) => self.site.inverter.mains(self.now, there),
            Stimulus::InputCurrentLimit(amps) => self.site.inverter.limit_input(amps),
            Stimulus::FeedIn(on) => self.gx.set_feed_in(on),
            Stimulus::Silence { id, span } => self.bus.silence(self.now, id, span),
            Stimulus::Inject(fault) if self.bus.inject(self.now, fault) => {}
            Stimulus::Inject(fault) => match fault.kind {
                kind if Battery::has(kind) => self.battery.inject(self.now, fault),
                FaultKind::GxReboot {} => {
                    self.gx.reboot(self.now, fault.span);
                    self.writes.clear();
                }
                kind if Faults::knows(kind) => {
                    self.faults.add(self.now, fault);
                    self.site.breaks(self.now, &self.faults.broken());
                }
                kind => return Err(StimulusError::NotModelled { what: kind.name() }),
            },
            Stimulus::Imbalance(above) => self.site.modules.first().pack.unbalance(above),
            Stimulus::GxWrite { register, value } => self.write(register, value)?,
        }
        Ok(())
    }

    /// A frame of a node that is not of this world is on the bus now: the wire that brought it has carried it. What others
    /// hear of it, which is nothing while faults of the bus keep it from them.
    pub fn hear(&mut self, frame: Frame) -> Option<Heard> {
        let fate = self.bus.fate(self.now, Sender::Stranger, frame);
        self.met(Sender::Stranger, fate)
    }

    /// From now on the battery is not heard: whoever sends its messages with [`World::hear`] speaks for it. Its cells and
    /// its contactor stay what they are.
    pub fn mute_battery(&mut self) {
        self.muted = true;
    }

    /// The sun is a supply outside of this world: its voltage setting and current limit now, zero while its output is
    /// off. Until the next [`Stimulus::Pv`].
    pub fn feed(&mut self, volts: Volts, amps: Amps) {
        self.site.solar.supply.drive(volts.max(Volts::ZERO), amps.max(Amps::ZERO));
    }

    /// How far the battery really is charged, whatever its management believes.
    #[must_use]
    pub fn soc(&self) -> Percent {
        Percent(self.site.modules.soc() * 100.0)
    }

    /// The state of the CAN controller with which the harness listens.
    #[must_use]
    pub fn bus(&self) -> BusState {
        self.bus.state()
    }

    /// What the supply would show now; nothing when it does not answer.
    #[must_use]
    pub fn psu(&self) -> Option<Samples> {
        self.site.solar.supply.samples()
    }

    /// Where charge and energy came from and went since the start; what crossed the borders of the DC bus in a world that is
    /// [`Self::counted`].
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.site.ledger()
    }

    /// What a poll of the GX would read now; nothing while it reboots.
    #[must_use]
    pub fn gx(&self) -> Samples {
        if self.gx.is_down(self.now) {
            return Samples::new(Instrument::Gx);
        }
        let mut said = self.gx.battery(self.now);
        let inverter = &self.site.inverter;
        inverter.tell(&mut said);
        self.site.solar.tell(&mut said);
        said.tell(Channel::GridPower, round(inverter.grid_watts(), 1.0));
        said.put(Channel::GridConnected, Value::Flag(inverter.connected()));
        said.tell(Channel::AcLoads, round(inverter.load_watts(), 1.0));
        said.put(Channel::FeedIn, Value::Flag(self.gx.feed_in()));
        said
    }
}

mod bounds;
mod modbus;
#[cfg(test)]
mod tests;
