//! The simulated bench: time jumps from event to event, bit-identical for the same seed.

use std::collections::VecDeque;

use engine::bench::{Action, Bench, BenchError, Capability, Input};
#[cfg(unix)]
use evidence::run::PROGRAM;
use judge::failure::Failure;
use plant::bus::Heard;
use plant::management::ManagementError;
use plant::world::World;
use proto::bus::BusReading;
use proto::chunk::Chunk;
use proto::nmea2000;
use proto::quantity::Micros;
use proto::stimulus::Start;

#[cfg(unix)]
use crate::Simulated;
use crate::Simulation;
use crate::prepare::prepare;

/// A world in a box. Ties in time go CAN, its interface, supply, GX, witnesses, deadline: the order in which a real loop drains them.
pub struct SimBench {
    simulation: Simulation,
    seed: u64,
    world: Option<World>,
    /// when the case began in the time of its world
    began: Micros,
    /// why it ended otherwise than it should
    trouble: Option<String>,
    ended: Micros,
    next_bus: Micros,
    next_psu: Micros,
    next_gx: Micros,
    next_witness: Micros,
    /// what witnesses have said and nobody has heard yet
    said: VecDeque<Chunk>,
}

/// A witness says what it measures once a second.
const SECOND: Micros = Micros::from_secs(1);

impl SimBench {
    pub(crate) fn new(simulation: Simulation, seed: u64) -> Self {
        let polling = simulation.polling;
        Self {
            simulation,
            seed,
            world: None,
            began: Micros::ZERO,
            trouble: None,
            ended: Micros::ZERO,
            next_bus: polling.bus,
            next_psu: polling.psu,
            next_gx: polling.gx,
            next_witness: Micros::NEVER,
            said: VecDeque::new(),
        }
    }

    /// The world at the start of a case.
    #[cfg(unix)]
    fn prepare(&self, start: &Start) -> Result<(World, Micros), BenchError> {
        // Every case would wait for it as long.
        let mute =
            |battery: &Simulated| battery.never_said_hello().map(|what| Failure::of_battery(what).into());
        if let Some(error) = mute(&self.simulation.battery) {
            return Err(error);
        }
        let prepared = prepare(&self.simulation, start, self.seed);
        prepared.map_err(|error| mute(&self.simulation.battery).unwrap_or_else(|| Self::failed(error)))
    }

    /// The world at the start of a case.
    #[cfg(not(unix))]
    fn prepare(&self, start: &Start) -> Result<(World, Micros), BenchError> {
        prepare(&self.simulation, start, self.seed).map_err(Self::failed)
    }

    fn refused(what: impl ToString) -> BenchError {
        BenchError::of("simulated rig", what)
    }

    fn failed(error: ManagementError) -> BenchError {
        let failure = match error {
            ManagementError::Rig(what) => Failure::of_rig(what),
            ManagementError::Failed(what) => Failure::of_battery(what),
            other => Failure::of_battery(format!("the battery: {other}")),
        };
        failure.into()
    }
}

impl Bench for SimBench {
    fn capabilities(&self) -> &[Capability] {
        &self.simulation.capabilities
    }

    fn now(&self) -> Micros {
        self.world.as_ref().map_or(self.ended, |world| world.now().since(self.began))
    }

    fn next(&mut self, until: Option<Micros>) -> Result<(Micros, Input), BenchError> {
        let began = self.began;
        let world =
            self.world.as_mut().ok_or_else(|| Self::refused("asked for inputs before a case began"))?;
        loop {
            if let Some(chunk) = self.said.pop_front() {
                return Ok((world.now().since(began), Input::Bytes(chunk)));
            }
            let poll = self.next_bus.min(self.next_psu).min(self.next_gx).min(self.next_witness);
            let horizon = until.map_or(poll, |deadline| deadline.min(poll));
            if let Some(heard) = world.advance(began + horizon).map_err(Self::failed)? {
                let input = match heard {
                    Heard::Frame(frame) => Input::Can(frame),
                    Heard::Error(error) => Input::CanError(error),
                };
                return Ok((world.now().since(began), input));
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
            } else if self.next_witness <= horizon {
                if self.next_witness.0.is_multiple_of(nmea2000::ASK_EVERY.0) {
                    self.said.extend(self.simulation.ask_who_is_there(world));
                }
                self.next_witness += SECOND;
                for witness in &self.simulation.witnesses {
                    let which = witness.instrument();
                    self.said.extend(Chunk::all(which, &world.witness(which)));
                }
                continue;
            } else {
                Input::Tick
            };
            return Ok((world.now().since(began), input));
        }
    }

    fn act(&mut self, action: &Action) -> Result<(), BenchError> {
        match action {
            Action::Prepare(start) => {
                self.trouble = None;
                let (world, began) = self.prepare(start)?;
                (self.world, self.began) = (Some(world), began);
                let polling = &self.simulation.polling;
                (self.next_bus, self.next_psu, self.next_gx) = (polling.bus, polling.psu, polling.gx);
                // A GX that is there and that nobody asks tells nothing.
                if !self.simulation.capabilities.contains(&Capability::Gx) {
                    self.next_gx = Micros::NEVER;
                }
                self.next_witness = if self.simulation.witnesses.is_empty() { Micros::NEVER } else { SECOND };
                self.said.clear();
                Ok(())
            }
            Action::Apply(stimulus) => {
                let world = self.world.as_mut().ok_or_else(|| Self::refused("no case has begun"))?;
                world.apply(stimulus).map_err(Self::refused)
            }
            Action::Ask(prompt) => Err(Self::refused(format!("nobody here to answer: {prompt}"))),
            Action::Finish => {
                self.ended = self.now();
                // A simulated world is off once it is gone, whatever its battery says to that.
                if let Some(mut world) = self.world.take()
                    && let Err(error) = self.simulation.end(&mut world)
                {
                    self.trouble = Some(error.to_string());
                }
                Ok(())
            }
        }
    }

    fn trouble(&self) -> Option<String> {
        #[cfg(unix)]
        let note = self.simulation.battery.account().and_then(|account| account.note.clone());
        #[cfg(not(unix))]
        let note: Option<String> = None;
        let told: Vec<String> = note.into_iter().chain(self.trouble.clone()).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    #[cfg(unix)]
    fn identities(&self) -> Vec<(&'static str, String)> {
        let identity = self.simulation.battery.account().and_then(|account| account.identity.clone());
        identity.map(|says| (PROGRAM, says)).into_iter().collect()
    }

    #[cfg(unix)]
    fn told(&mut self) -> Option<String> {
        self.simulation.battery.account().map(|mut account| account.take()).filter(|lines| !lines.is_empty())
    }
}
