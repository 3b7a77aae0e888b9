//! The simulated bench: time jumps from event to event, bit-identical for the same seed.

use engine::bench::{Action, Bench, BenchError, Capability, Input};
use plant::bms::BmsParams;
use plant::bus::Heard;
use plant::params::Params;
use plant::world::PackSize;
use plant::world::World;
use proto::bus::BusReading;
use proto::quantity::Micros;

use crate::{BatteryFile, RigFile};

/// A world in a box. Ties in time go CAN, its interface, supply, GX, deadline: the order in which a real loop drains them.
pub struct SimBench {
    rig: RigFile,
    plant: Params,
    bms: BmsParams,
    pack: PackSize,
    seed: u64,
    world: Option<World>,
    ended: Micros,
    next_bus: Micros,
    next_psu: Micros,
    next_gx: Micros,
}

impl SimBench {
    /// A bench with this battery on it, or nothing where its file does not say how to play it, or the rig is real.
    #[must_use]
    pub fn new(rig: &RigFile, battery: &BatteryFile, seed: u64) -> Option<Self> {
        let declared = &battery.declared;
        Some(Self {
            rig: rig.clone(),
            plant: battery.world(rig.plant.as_ref()?),
            bms: battery.simulated.clone()?,
            pack: PackSize { cells: usize::from(declared.cells), capacity: declared.capacity },
            seed,
            world: None,
            ended: Micros::ZERO,
            next_bus: rig.polling.bus,
            next_psu: rig.polling.psu,
            next_gx: rig.polling.gx,
        })
    }

    fn refused(what: impl ToString) -> BenchError {
        BenchError { instrument: "simulated rig".to_owned(), what: what.to_string() }
    }
}

impl Bench for SimBench {
    fn capabilities(&self) -> &[Capability] {
        &self.rig.capabilities
    }

    fn now(&self) -> Micros {
        self.world.as_ref().map_or(self.ended, World::now)
    }

    fn next(&mut self, until: Option<Micros>) -> Result<(Micros, Input), BenchError> {
        let world =
            self.world.as_mut().ok_or_else(|| Self::refused("asked for inputs before a case began"))?;
        loop {
            let poll = self.next_bus.min(self.next_psu).min(self.next_gx);
            let horizon = until.map_or(poll, |deadline| deadline.min(poll));
            if let Some(heard) = world.advance(horizon) {
                let input = match heard {
                    Heard::Frame(frame) => Input::Can(frame),
                    Heard::Error(error) => Input::CanError(error),
                };
                return Ok((world.now(), input));
            }
            let input = if self.next_bus <= horizon {
                self.next_bus += self.rig.polling.bus;
                Input::Bus(BusReading { bit_rate: self.rig.can.bit_rate, state: world.bus() })
            } else if self.next_psu <= horizon {
                self.next_psu += self.rig.polling.psu;
                // A supply that does not answer is no input, as on a real bench.
                let Some(reading) = world.psu() else { continue };
                Input::Psu(reading)
            } else if self.next_gx <= horizon {
                self.next_gx += self.rig.polling.gx;
                Input::Gx(world.gx())
            } else {
                Input::Tick
            };
            return Ok((world.now(), input));
        }
    }

    fn act(&mut self, action: &Action) -> Result<(), BenchError> {
        match action {
            Action::Prepare(start) => {
                self.world = Some(World::new(&self.plant, &self.bms, &self.pack, start, self.seed));
                let polling = &self.rig.polling;
                (self.next_bus, self.next_psu, self.next_gx) = (polling.bus, polling.psu, polling.gx);
                Ok(())
            }
            Action::Apply(stimulus) => {
                let world = self.world.as_mut().ok_or_else(|| Self::refused("no case has begun"))?;
                world.apply(stimulus).map_err(Self::refused)
            }
            Action::Ask(prompt) => Err(Self::refused(format!("nobody here to answer: {prompt}"))),
            Action::Finish => {
                self.ended = self.now();
                self.world = None;
                Ok(())
            }
        }
    }
}
