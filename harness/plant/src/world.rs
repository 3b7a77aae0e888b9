//! The world as a bench sees it: time goes on, frames appear on the bus, instruments can be read.

use proto::bus::BusState;
use proto::fault::FaultKind;
use proto::frame::Frame;
use proto::quantity::{AmpHours, Amps, Celsius, Micros, Percent, Volts, Watts};
use proto::reading::{GxReading, GxSystem, PsuReading};
use proto::stimulus::{Start, Stimulus};

use crate::bms::{Bms, BmsParams, Sensed};
use crate::bus::{Bus, Coming, Fate, Heard, Sender};
use crate::faults::Faults;
use crate::gx::image::Image;
use crate::gx::writes::Writes;
use crate::gx::{Gx, round};
use crate::ledger::Ledger;
use crate::pack::{Pack, STEP};
use crate::params::Params;
use crate::rng::Rng;
use crate::site::Site;

const SECOND: Micros = Micros::from_secs(1);

/// How large the battery is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PackSize {
    /// cells in series, 1 to 256
    pub cells: usize,
    /// of each cell
    pub capacity: AmpHours,
}

/// Why a change of the world is not possible.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StimulusError {
    /// A register that the simulated GX does not act on.
    #[error(
        "the simulated GX does not act on register {register}; it knows 22 (input current limit), 2700 (grid setpoint), \
         2705 (charge current limit), 2707 (feed-in), 2710 (charge voltage limit) and 2901 (minimum state of charge)"
    )]
    UnknownRegister {
        /// its address
        register: u16,
    },
    /// The GX does not answer now.
    #[error("the simulated GX reboots and takes no settings; write after it is back")]
    Rebooting,
    /// Something that the simulated rig does not have.
    #[error("the simulated rig cannot do this: {what}")]
    NotModelled {
        /// what was asked for
        what: &'static str,
    },
    /// A number that is not finite, below zero, or above what the simulated instrument can do.
    #[error("{what} of {found} is not possible on the simulated rig, expected {expected}")]
    OutOfRange {
        /// which quantity
        what: &'static str,
        /// as it was asked for
        found: String,
        /// what would have been right
        expected: String,
    },
}

/// Cells, their management system, inverter/charger, solar charger, GX, mains, loads and sun. Two worlds of the same
/// parameters and seed are equal to the bit for ever.
#[derive(Debug, Clone)]
pub struct World {
    now: Micros,
    next_step: Micros,
    site: Site,
    gx: Gx,
    bms: Bms,
    faults: Faults,
    sunshine_limit: Watts,
    ac_sunshine_limit: Watts,
    temperature_spread: Celsius,
    bus: Bus,
    /// somebody outside speaks for the battery
    muted: bool,
    /// settings of the GX that are acknowledged and not applied yet
    writes: Writes,
    image: Image,
}

impl World {
    /// A system at time zero that has been at work: the mains, where they are there, are connected, loads are
    /// supplied. `seed` scatters the cells, the phases of the timers and the noise of the sensors.
    ///
    /// Parameters must have passed [`Params::check`]; a start that no battery can have is brought within bounds.
    #[must_use]
    pub fn new(params: &Params, bms: &BmsParams, pack: &PackSize, start: &Start, seed: u64) -> Self {
        let mut rng = Rng::new(seed, 1);
        let cells = pack.cells.clamp(1, 256);
        let mut battery = Pack::new(&params.pack, cells, pack.capacity, start.soc, &mut rng);
        battery.unbalance(start.imbalance);
        let soc = Percent(battery.soc() * 100.0);
        let mut site = Site::new(params, battery, start.grid, rng.unit());
        site.solar.shine(start.pv.max(Watts::ZERO).min(params.psu.maximum));
        site.inverter.pv.begin(start.ac_pv.max(Watts::ZERO).min(params.ac_pv.maximum));
        site.inverter.load(start.ac_load);
        if let Some(limit) = start.input_current_limit {
            site.inverter.limit_input(limit);
        }
        let phase = Micros(rng.next() % 900_000);
        let mut world = Self {
            now: Micros::ZERO,
            next_step: STEP,
            site,
            gx: Gx::new(&params.gx, start.feed_in, phase, rng.next() % 3),
            bms: Bms::new(bms, cells, pack.capacity, soc, rng.next()),
            faults: Faults::new(),
            sunshine_limit: params.psu.maximum,
            ac_sunshine_limit: params.ac_pv.maximum,
            temperature_spread: params.pack.temperature_spread,
            bus: Bus::new(seed),
            muted: false,
            writes: Writes::new(params.gx.modbus.write_delay),
            image: Image::new(&params.gx.modbus),
        };
        // The battery knows its cells before it speaks for the first time.
        world.sample(Micros::ZERO, Micros::ZERO);
        if let Some(image) = world.image() {
            image.settle();
        }
        world
    }

    /// Time since the start.
    #[must_use]
    pub fn now(&self) -> Micros {
        self.now
    }

    /// Runs to `until`, or to the next frame on the bus, of battery, GX or a stranger, where that comes first;
    /// [`Self::now`] is then its time.
    pub fn advance(&mut self, until: Micros) -> Option<Heard> {
        loop {
            let (battery, gx) = (self.bms.next_frame_at(), self.gx.next_frame_at());
            let late = self.bus.next_at();
            let due = self.next_step.min(battery).min(gx).min(self.writes.due()).min(late);
            if due > until {
                self.now = self.now.max(until);
                return None;
            }
            self.now = self.now.max(due);
            // Settings before physics, physics before words, old words before new ones, the GX before the battery: ties
            // always break the same way.
            let heard = if self.writes.due() == due {
                self.apply_writes();
                None
            } else if self.next_step == due {
                self.step();
                None
            } else if late == due {
                self.arrival()
            } else if gx == due {
                let frame = self.gx.send();
                self.carry(Sender::Gx, frame)
            } else {
                let frame = self.bms.send();
                frame.and_then(|frame| self.carry(Sender::Battery, frame))
            };
            if heard.is_some() {
                return heard;
            }
        }
    }

    /// What comes by itself: a late frame, that of a stranger, an error.
    fn arrival(&mut self) -> Option<Heard> {
        match self.bus.due()? {
            Coming::Frame(sender, frame) => Some(self.deliver(sender, frame)),
            Coming::Error(error) => Some(Heard::Error(error)),
        }
    }

    fn carry(&mut self, sender: Sender, frame: Frame) -> Option<Heard> {
        if self.muted && sender == Sender::Battery {
            return None;
        }
        match self.bus.carry(self.now, sender, frame) {
            Fate::Arrives(frame) => Some(self.deliver(sender, frame)),
            Fate::Unheard(frame) => Some(Heard::Frame(frame)),
            Fate::Gone => None,
        }
    }

    fn deliver(&mut self, sender: Sender, frame: Frame) -> Heard {
        if sender != Sender::Battery {
            self.bms.hear(self.now, &frame);
        }
        if sender != Sender::Gx && !Gx::owns(&frame) {
            self.gx.hear(self.now, &frame);
        }
        Heard::Frame(frame)
    }

    fn step(&mut self) {
        let at = self.next_step;
        self.next_step += STEP;
        if self.faults.expire(at) {
            self.site.breaks(at, &self.faults.broken());
        }
        self.site.step(at, &self.gx);
        if at.0.is_multiple_of(SECOND.0) {
            self.second(at);
        }
    }

    fn second(&mut self, at: Micros) {
        let balance = self.bms.balance_current().0;
        self.site.pack.look(self.site.amps(), SECOND.secs(), self.bms.balancing(), balance);
        self.sample(at, SECOND);
        self.site.contactor.command(at, self.bms.contactor_closed());
        self.gx.tick(at, &self.site.seen());
    }

    fn sample(&mut self, at: Micros, dt: Micros) {
        let pack = &self.site.pack;
        let (mean, half) = (Celsius(pack.celsius()), self.temperature_spread / 2.0);
        self.bms.sample(
            at,
            &Sensed {
                cells: pack.volts(),
                pack: Volts(self.site.terminals()),
                current: Amps(self.site.amps()),
                min_temperature: mean - half,
                max_temperature: mean + half,
                bus: Volts(self.site.bus()),
                dt,
            },
        );
    }

    /// Changes the world now.
    ///
    /// # Errors
    /// When the simulated rig has no such register or cannot do so much; nothing has changed then.
    pub fn apply(&mut self, stimulus: &Stimulus) -> Result<(), StimulusError> {
        match *stimulus {
            Stimulus::Pv(watts) => {
                let most = self.sunshine_limit;
                in_range("a PV power", watts.0, most.0, watts, || {
                    format!("0 W to {most} (psu.maximum of the rig)")
                })?;
                self.site.solar.shine(watts);
            }
            Stimulus::AcPv(watts) => {
                let most = self.ac_sunshine_limit;
                in_range("a PV power on the AC side", watts.0, most.0, watts, || {
                    format!("0 W to {most} (ac-pv.maximum of the rig)")
                })?;
                self.site.inverter.pv.shine(watts);
            }
            Stimulus::AcLoad(watts) => {
                in_range("an AC load", watts.0, 1e5, watts, || "0 W to 100 kW".to_owned())?;
                self.site.inverter.load(watts);
            }
            Stimulus::Grid(there) => self.site.inverter.mains(self.now, there),
            Stimulus::InputCurrentLimit(amps) => {
                in_range("an input current limit", amps.0, 1e3, amps, || "0 A to 1000 A".to_owned())?;
                self.site.inverter.limit_input(amps);
            }
            Stimulus::FeedIn(on) => self.gx.set_feed_in(on),
            Stimulus::Silence { id, span } => self.bus.silence(self.now, id, span),
            Stimulus::Inject(fault) if self.bus.inject(self.now, fault) => {}
            Stimulus::Inject(fault) => match fault.kind {
                kind if Bms::has(&kind) => self.bms.inject(self.now, fault),
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
            Stimulus::Imbalance(above) => {
                in_range("an imbalance", above.0, 100.0, above, || "0 % to 100 %".to_owned())?;
                self.site.pack.unbalance(above);
            }
            Stimulus::GxWrite { register, value } => self.write(register, value)?,
        }
        Ok(())
    }

    /// A frame of a node that is not of this world is on the bus now.
    pub fn hear(&mut self, frame: Frame) {
        self.carry(Sender::Stranger, frame);
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

    /// The state of the CAN controller with which the harness listens.
    #[must_use]
    pub fn bus(&self) -> BusState {
        self.bus.state()
    }

    /// What the supply would show now; nothing when it does not answer.
    #[must_use]
    pub fn psu(&self) -> Option<PsuReading> {
        self.site.solar.supply.reading()
    }

    /// Where charge and energy came from and went since the start.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.site.ledger()
    }

    /// What a poll of the GX would read now; nothing while it reboots.
    #[must_use]
    pub fn gx(&self) -> GxReading {
        if self.gx.is_down(self.now) {
            return GxReading::default();
        }
        let inverter = self.site.inverter.reading();
        GxReading {
            battery: self.gx.battery(self.now),
            inverter: Some(inverter),
            solar: Some(self.site.solar.reading()),
            system: Some(GxSystem {
                grid: Watts(round(self.site.inverter.grid_watts(), 1.0)),
                grid_connected: self.site.inverter.connected(),
                ac_loads: Watts(round(self.site.inverter.load_watts(), 1.0)),
                feed_in: self.gx.feed_in(),
            }),
        }
    }
}

fn in_range(
    what: &'static str,
    value: f64,
    most: f64,
    shown: impl ToString,
    expected: impl FnOnce() -> String,
) -> Result<(), StimulusError> {
    if (0.0..=most).contains(&value) {
        Ok(())
    } else {
        Err(StimulusError::OutOfRange { what, found: shown.to_string(), expected: expected() })
    }
}

mod modbus;
#[cfg(test)]
mod tests;
