//! The world at the start of a case. A battery that cannot be told its state of charge is brought there first, as in a
//! laboratory: charged until it says that it is full, then discharged.

use plant::bus::Heard;
use plant::management::ManagementError;
use plant::world::World;
use proto::message::Message;
use proto::quantity::{Micros, Percent, Watts};
use proto::stimulus::{Start, Stimulus};

use crate::Simulation;

/// A battery that says so much says that it is full.
const FULL: Percent = Percent(99.5);
/// Where the cells begin, so that they are full soon.
const NEARLY_FULL: Percent = Percent(90.0);
/// The longest that it is charged, and that it is discharged.
const PATIENCE: Micros = Micros::from_secs(24 * 3600);
/// How often somebody looks.
const LOOK: Micros = Micros::from_secs(10);
/// Mains are there again, filters have settled.
const SETTLED: Micros = Micros::from_secs(300);
/// The share of the inverter's power that discharges.
const LOAD: f64 = 0.8;

/// The world with these initial conditions, and when the case begins in its time.
pub(crate) fn prepare(
    simulation: &Simulation,
    start: &Start,
    seed: u64,
) -> Result<(World, Micros), ManagementError> {
    let mut world = simulation.world(start, seed)?;
    if simulation.battery.cannot_set_soc() {
        simulation.end(&mut world)?;
        return bring(simulation, start, seed);
    }
    Ok((world, Micros::ZERO))
}

/// Charges until the battery says that it is full, discharges to where it is to begin, and says so in its account.
fn bring(simulation: &Simulation, start: &Start, seed: u64) -> Result<(World, Micros), ManagementError> {
    let (sun, load) = (simulation.plant.psu.maximum, simulation.plant.inverter.maximum_power * LOAD);
    let charge = Start { soc: start.soc.max(NEARLY_FULL), pv: sun, ..Start::AT_REST };
    let mut world = simulation.world(&charge, seed)?;
    pass_until(&mut world, |_, said| said >= FULL)?.ok_or_else(|| {
        ManagementError::Failed(format!(
            "the battery cannot be told its state of charge (`can_set_soc`), and did not say in 0x355 that it was full \
             within {PATIENCE} of sun: it could not be brought to {}",
            start.soc
        ))
    })?;
    let full = world.now();
    let apply = |world: &mut World, stimulus: Stimulus| {
        world.apply(&stimulus).map_err(|error| ManagementError::Rig(error.to_string()))
    };
    apply(&mut world, Stimulus::Pv(Watts::ZERO))?;
    if start.soc < world.soc() {
        apply(&mut world, Stimulus::Grid(false))?;
        apply(&mut world, Stimulus::AcLoad(load))?;
        pass_until(&mut world, |world, _| world.soc() <= start.soc)?.ok_or_else(|| {
            ManagementError::Failed(format!(
                "the battery cannot be told its state of charge (`can_set_soc`), and was not discharged to {} within \
                 {PATIENCE}",
                start.soc
            ))
        })?;
        apply(&mut world, Stimulus::AcLoad(Watts::ZERO))?;
    }
    apply(&mut world, Stimulus::Grid(start.grid))?;
    apply(&mut world, Stimulus::FeedIn(start.feed_in))?;
    let settled = world.now() + SETTLED;
    world.pass(settled)?;
    let limit = start.input_current_limit.map(Stimulus::InputCurrentLimit);
    let unbalanced = (start.imbalance > Percent::ZERO).then_some(Stimulus::Imbalance(start.imbalance));
    let rest = [Stimulus::Pv(start.pv), Stimulus::AcPv(start.ac_pv), Stimulus::AcLoad(start.ac_load)];
    for stimulus in rest.into_iter().chain(limit).chain(unbalanced) {
        apply(&mut world, stimulus)?;
    }
    let began = world.now();
    #[cfg(unix)]
    if let Some(mut account) = simulation.battery.account() {
        let how = format!(
            "the battery cannot be told its state of charge: before the case it was charged until it said that it was full, \
             which took {full}, and was at {} after {began}",
            start.soc
        );
        account.line(&format!("{{\"t\":{},\"case\":\"begins\"}}\n", began.0));
        account.note = Some(how);
    }
    Ok((world, began))
}

/// Runs until this holds of the world and of the state of charge that the battery says, and looks from time to time;
/// nothing where it does not in time.
fn pass_until(
    world: &mut World,
    holds: impl Fn(&World, Percent) -> bool,
) -> Result<Option<()>, ManagementError> {
    let (until, mut said) = (world.now() + PATIENCE, Percent::ZERO);
    while world.now() < until {
        let look = world.now() + LOOK;
        while let Some(heard) = world.advance(look)? {
            if let Heard::Frame(frame) = heard
                && let Some(Message::StateOfCharge(state)) = Message::decode(&frame)
            {
                said = state.finest_soc().unwrap_or(said);
            }
        }
        if holds(world, said) {
            return Ok(Some(()));
        }
    }
    Ok(None)
}
