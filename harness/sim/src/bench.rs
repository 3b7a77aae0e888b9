//! The simulated bench: time jumps from event to event, bit-identical for the same seed.

use engine::bench::{Action, Bench, BenchError, Capability, Input};
use plant::bus::Heard;
use plant::management::ManagementError;
use plant::world::World;
use proto::bus::BusReading;
use proto::quantity::Micros;

use crate::Simulation;

/// A world in a box. Ties in time go CAN, its interface, supply, GX, deadline: the order in which a real loop drains them.
pub struct SimBench {
    simulation: Simulation,
    seed: u64,
    world: Option<World>,
    ended: Micros,
    next_bus: Micros,
    next_psu: Micros,
    next_gx: Micros,
}

impl SimBench {
    pub(crate) fn new(simulation: Simulation, seed: u64) -> Self {
        let polling = simulation.polling;
        Self {
            simulation,
            seed,
            world: None,
            ended: Micros::ZERO,
            next_bus: polling.bus,
            next_psu: polling.psu,
            next_gx: polling.gx,
        }
    }

    fn refused(what: impl ToString) -> BenchError {
        BenchError { instrument: "simulated rig".to_owned(), what: what.to_string() }
    }

    fn failed(error: ManagementError) -> BenchError {
        BenchError { instrument: "management of the battery".to_owned(), what: error.to_string() }
    }
}

impl Bench for SimBench {
    fn capabilities(&self) -> &[Capability] {
        &self.simulation.capabilities
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
            if let Some(heard) = world.advance(horizon).map_err(Self::failed)? {
                let input = match heard {
                    Heard::Frame(frame) => Input::Can(frame),
                    Heard::Error(error) => Input::CanError(error),
                };
                return Ok((world.now(), input));
            }
            let input = if self.next_bus <= horizon {
                self.next_bus += self.simulation.polling.bus;
                Input::Bus(BusReading { bit_rate: self.simulation.can.bit_rate, state: world.bus() })
            } else if self.next_psu <= horizon {
                self.next_psu += self.simulation.polling.psu;
                // A supply that does not answer is no input, as on a real bench.
                let Some(said) = world.psu() else { continue };
                Input::Samples(said)
            } else if self.next_gx <= horizon {
                self.next_gx += self.simulation.polling.gx;
                Input::Samples(world.gx())
            } else {
                Input::Tick
            };
            return Ok((world.now(), input));
        }
    }

    fn act(&mut self, action: &Action) -> Result<(), BenchError> {
        match action {
            Action::Prepare(start) => {
                self.world = Some(self.simulation.world(start, self.seed).map_err(Self::failed)?);
                let polling = &self.simulation.polling;
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
                match self.world.take() {
                    Some(world) => world.end().map(drop).map_err(Self::failed),
                    None => Ok(()),
                }
            }
        }
    }
}
