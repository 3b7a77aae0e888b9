//! A rig with a battery on it: what cases are planned and attempted on.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use engine::bench::Witness;
use engine::suite::{Case, Suite};
use evidence::conclusion::Attempt;
use evidence::plan::{Planned, plan};
use files::{BatteryFile, Draw, InputError, Library, RigFile, full_name};
use proto::quantity::Volts;
use sim::Simulation;

use crate::Error;
use crate::attempt::{attempt, attempt_until};

/// A rig with a battery on it, read and validated whole.
#[derive(Debug, Clone)]
pub struct Setup {
    /// the rig
    pub rig: RigFile,
    /// the battery
    pub battery: BatteryFile,
    /// both as the simulated world plays them; nothing on a real rig, or for a battery that exists only as hardware
    simulation: Option<Simulation>,
    /// where its numbers were drawn: what else is random is its own too
    draw: Option<Draw>,
}

/// A case as it is planned on a setup.
#[derive(Debug)]
pub struct Entry<'a> {
    /// its suite
    pub suite: &'a Suite,
    /// the case
    pub case: &'a Case,
    /// whether and how it runs
    pub planned: Planned,
}

impl Entry<'_> {
    /// `suite/case`
    #[must_use]
    pub fn name(&self) -> String {
        full_name(self.suite, self.case)
    }
}

impl Setup {
    /// The rig and the battery of these names.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn read(library: &Library, rig_name: &str, battery_name: &str) -> Result<Self, InputError> {
        Self::of(rig(library, rig_name)?, battery(library, battery_name)?)
    }

    /// This battery on this rig.
    ///
    /// # Errors
    /// As [`Setup::read`].
    pub fn of(rig: RigFile, battery: BatteryFile) -> Result<Self, InputError> {
        let rig = rig.for_battery(&battery);
        let simulation = Simulation::of(&rig, &battery)?;
        Ok(Self { rig, battery, simulation, draw: None })
    }

    /// The same with every number that has a range under `sweep:` of the rig file as the seed draws it for this battery on this
    /// rig.
    #[must_use]
    pub fn swept(&self, seed: u64) -> Self {
        let draw = Draw::new(&self.battery.declared.name, &self.rig.rig, seed);
        let simulation = self.simulation.as_ref().map(|simulation| simulation.swept(draw));
        Self { rig: self.rig.swept(draw), battery: self.battery.clone(), simulation, draw: Some(draw) }
    }

    /// What was drawn, by section and key of `plant`, as a file says it; nothing where the numbers are those of the rig file.
    pub(crate) fn drawn(&self) -> BTreeMap<String, String> {
        let drawn = self.draw.into_iter().flat_map(|draw| self.rig.sweep.drawn(draw));
        // A range without values was refused when the file was read.
        drawn.filter_map(|(range, share)| Some((range.path.clone(), range.at(share).ok()?))).collect()
    }

    /// What has never begun to work is tried again, as if for the first time.
    pub(crate) fn anew(&self) {
        if let Some(simulation) = &self.simulation {
            simulation.anew();
        }
    }

    /// Whether the simulated system is one of the voltage that the battery is for; a real one may be anything.
    pub(crate) fn fits(&self) -> bool {
        let system = self.battery.declared.system_voltage();
        self.simulation.as_ref().is_none_or(|simulation| simulation.system_voltage() == system)
    }

    /// Plans cases, before anything is switched on.
    ///
    /// # Errors
    /// When nothing may run on this rig with this battery.
    pub fn plan<'a>(
        &self,
        cases: impl IntoIterator<Item = (&'a Suite, &'a Case)>,
    ) -> Result<Vec<Entry<'a>>, Error> {
        let entry = |(suite, case): (&'a Suite, &'a Case)| {
            let planned = plan(case, &self.rig, &self.battery);
            let planned = planned.map_err(|error| Error::Refused(error.told(&suite.file)))?;
            Ok(Entry { suite, case, planned })
        };
        cases.into_iter().map(entry).collect()
    }

    /// Runs a case of this name in the simulated world and judges it.
    pub fn attempt(&self, planned: Planned, name: &str, seed: u64, witness: &mut dyn Witness) -> Attempt {
        attempt(planned, self.simulation.as_ref(), (name, self.seed_of(seed)), witness)
    }

    /// The same until somebody wants it to end.
    pub(crate) fn attempt_until(
        &self,
        stop: &AtomicBool,
        planned: Planned,
        name: &str,
        seed: u64,
        witness: &mut dyn Witness,
    ) -> Attempt {
        attempt_until(planned, self.simulation.as_ref(), (name, self.seed_of(seed)), Some(stop), witness)
    }

    /// The seed of a run, in the world that was drawn.
    fn seed_of(&self, seed: u64) -> u64 {
        seed ^ self.draw.map_or(0, Draw::noise)
    }
}

/// The simulated rig that comes with this program for the system voltage of a battery.
///
/// # Errors
/// As [`battery`].
pub fn rig_for(library: &Library, battery_name: &str) -> Result<&'static str, InputError> {
    let system = battery(library, battery_name)?.declared.system_voltage();
    let known = SIMULATED.into_iter().find(|&(_, volts)| volts == system);
    Ok(known.map_or(SIMULATED[0].0, |(name, _)| name))
}

/// Whether this rig is the one that a battery of its system voltage is run on where none is named.
pub(crate) fn is_plain(rig: &str) -> bool {
    SIMULATED.iter().any(|(name, _)| *name == rig)
}

/// Simulated rigs, and the system voltage of each.
const SIMULATED: [(&str, Volts); 3] =
    [("simulated", Volts(48.0)), ("simulated-24v", Volts(24.0)), ("simulated-12v", Volts(12.0))];

/// A battery by name or path, read and validated with what it says of its simulation.
///
/// # Errors
/// With file, line, column and what was expected.
pub fn battery(library: &Library, name: &str) -> Result<BatteryFile, InputError> {
    let battery = library.get(name)?;
    sim::check_battery(&battery)?;
    Ok(battery)
}

/// A rig by name or path, read and validated with its simulated world.
///
/// # Errors
/// As [`battery`].
pub fn rig(library: &Library, name: &str) -> Result<RigFile, InputError> {
    let rig = library.get(name)?;
    sim::check_rig(&rig)?;
    Ok(rig)
}
