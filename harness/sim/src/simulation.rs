//! What the files of a rig and a battery say of the simulated world.

use engine::bench::Capability;
use engine::yaml::YamlError;
use files::{BatteryFile, CanBus, Draw, Polling, RigFile, Sweep, WitnessPlace};
use judge::battery::Battery;
use judge::site::CutOff;
use plant::management::ManagementError;
use plant::params::Params;
use plant::world::{PackSize, World};
use proto::chunk::Chunk;
use proto::nmea2000;
use proto::quantity::Volts;
use proto::slcan::{self, Carried};
use proto::stimulus::Start;

use crate::{SimBench, Simulated};
use crate::{derived, sweep};

/// A simulated rig with a battery that it can play.
#[derive(Debug, Clone)]
pub struct Simulation {
    pub(crate) capabilities: Vec<Capability>,
    pub(crate) can: CanBus,
    pub(crate) polling: Polling,
    pub(crate) plant: Params,
    pub(crate) sweep: Sweep,
    /// the meters that are heard
    pub(crate) witnesses: Vec<WitnessPlace>,
    pub(crate) battery: Simulated,
    pack: PackSize,
    /// what the battery declares
    sheet: Battery,
}

/// What 16 cells of LFP are charged to, for which rig files of 48 V say where the frequency is shifted.
const CHARGED: Volts = Volts(56.8);

impl Simulation {
    /// Reads what both files say. Nothing where the rig is real, or the battery exists only as hardware.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn of(rig: &RigFile, battery: &BatteryFile) -> Result<Option<Self>, YamlError> {
        let (Some((plant, sweep)), Some(simulated)) = (world(rig)?, Simulated::read(battery)?) else {
            return Ok(None);
        };
        #[cfg(unix)]
        let simulated = simulated.on(rig.can.bit_rate);
        let declared = &battery.declared;
        let mut plant = plant;
        for witness in &rig.witnesses {
            plant.witnesses.of(witness.instrument()).speaks = witness.protocol;
        }
        if let Some(ocv) = battery.chemistry.and_then(|kind| kind.ocv(derived::bulk(declared, kind))) {
            plant.pack.ocv = ocv;
        }
        Ok(Some(Self {
            capabilities: rig.capabilities.clone(),
            can: rig.can,
            polling: rig.polling,
            plant,
            sweep,
            witnesses: rig.witnesses.clone(),
            battery: simulated,
            sheet: declared.clone(),
            pack: PackSize { cells: usize::from(declared.cells), capacity: declared.capacity },
        }))
    }

    /// The nominal voltage of its DC side: 12, 24 or 48 V.
    #[must_use]
    pub const fn system_voltage(&self) -> Volts {
        self.plant.gx.nominal
    }

    /// The same with every number that has a range under `sweep` as it is in this draw.
    #[must_use]
    pub fn swept(&self, draw: Draw) -> Self {
        Self { plant: sweep::world(&self.sweep, &self.plant, draw), ..self.clone() }
    }

    /// The world as whoever installs this battery sets it up: the inverter does not switch off before the battery forbids
    /// discharge, and shifts its frequency where this battery is nearly charged. A battery that takes less than the solar charger
    /// gives has a smaller one, which needs as long to stop: with that of a large battery, the little that it is tried with would
    /// be gone before it has measured it.
    fn installed(&self) -> Params {
        let mut plant = self.plant.clone();
        let (inverter, ac_pv) = (&mut plant.inverter, &mut plant.ac_pv);
        if inverter.set_for_battery {
            let cut_off =
                CutOff { off: inverter.shutdown, on: inverter.restart }.set_for(self.sheet.min_voltage);
            (inverter.shutdown, inverter.restart) = (cut_off.off, cut_off.on);
            let share = self.sheet.max_charge_voltage / (CHARGED * self.sheet.share_of_48_v());
            (ac_pv.shift_from, ac_pv.shift_to) = (ac_pv.shift_from * share, ac_pv.shift_to * share);
        }
        let takes = self.sheet.charge_power() / plant.solar.maximum_power;
        plant.solar.fall.0 *= takes.min(1.0);
        plant
    }

    /// A bench for one case, or for several that follow each other.
    #[must_use]
    pub fn bench(&self, seed: u64) -> SimBench {
        #[cfg(unix)]
        let own = Self { battery: self.battery.clone().apart(), ..self.clone() };
        #[cfg(not(unix))]
        let own = self.clone();
        SimBench::new(own, seed)
    }

    /// What has never begun to work is tried again, as if for the first time.
    pub fn anew(&self) {
        #[cfg(unix)]
        self.battery.anew();
    }

    /// The battery, as it is played.
    #[must_use]
    pub fn battery(&self) -> &Simulated {
        &self.battery
    }

    /// The world at the start of a case.
    ///
    /// # Errors
    /// When what manages the cells does not start.
    pub fn world(&self, start: &Start, seed: u64) -> Result<World, ManagementError> {
        let world = World::new(&self.installed(), &self.battery, &self.pack, start, seed)?;
        let mut world = world.on(self.can.bit_rate);
        // Nobody records anything yet.
        let _ = self.ask_who_is_there(&mut world);
        Ok(world)
    }

    /// Asks on the buses of the witnesses who is there, as whoever listens to one does. What was asked, and of whom.
    pub(crate) fn ask_who_is_there(&self, world: &mut World) -> Vec<Chunk> {
        let mut question = Vec::new();
        nmea2000::who_is_there().for_each(|frame| slcan::write(&mut question, &Carried::Data(frame), None));
        let on_bus = self.witnesses.iter().filter(|witness| witness.protocol.is_bus());
        on_bus
            .flat_map(|witness| {
                world.ask_witness(witness.instrument(), &question);
                Chunk::all(witness.instrument(), &question)
            })
            .collect()
    }

    /// Ends a case: what its program has stored is given to that of the next.
    ///
    /// # Errors
    /// When what manages the cells does not end.
    pub(crate) fn end(&self, world: &mut World) -> Result<(), ManagementError> {
        let memory = world.end()?;
        #[cfg(unix)]
        self.battery.account().iter_mut().for_each(|account| account.memory.clone_from(&memory));
        #[cfg(not(unix))]
        drop(memory);
        Ok(())
    }
}

/// Checks what a rig file says of its simulated world.
///
/// # Errors
/// With file, line, column and what was expected.
pub fn check_rig(rig: &RigFile) -> Result<(), YamlError> {
    world(rig).map(drop)
}

/// Checks what a battery file says of how it is simulated.
///
/// # Errors
/// With file, line, column and what was expected.
pub fn check_battery(battery: &BatteryFile) -> Result<(), YamlError> {
    Simulated::read(battery).map(drop)
}

fn world(rig: &RigFile) -> Result<Option<(Params, Sweep)>, YamlError> {
    let Some(section) = &rig.plant else { return Ok(None) };
    let plant: Params = section.read()?;
    plant.check().map_err(|error| {
        section.refuse(error.field, format!("{} cannot be {}", error.field, error.found), error.expected)
    })?;
    sweep::check(rig, &plant)?;
    Ok(Some((plant, rig.sweep.clone())))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proto::quantity::Amps;
    use rstest::rstest;

    use super::*;

    const RIG: &str = include_str!("../../../rigs/simulated.yaml");
    const BATTERY: &str = include_str!("../../../rigs/batteries/reference.yaml");

    fn read(text: &str) -> Result<Params, YamlError> {
        let rig = RigFile::parse("rigs/bad.yaml", text).expect("the rest is right");
        world(&rig).map(|world| world.expect("it is simulated").0)
    }

    #[test]
    fn the_simulated_rig_states_every_number_of_its_world() {
        assert_eq!(read(RIG).expect("it is shipped"), Params::default());
    }

    #[test]
    fn a_rig_like_another_changes_its_world() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        let load = |limit: &str| {
            write("simulated.yaml", RIG);
            let world = format!("plant: {{ inverter: {{ input-current-limit: {limit} }} }}");
            write("tight.yaml", &format!("rig: tight\ntitle: t\nlike: simulated\n{world}\n"));
            let shown = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let rig = RigFile::load(&folder.path().join("tight.yaml"), &shown).expect("the rest is right");
            world_of(&rig)
        };
        let mut plant = Params::default();
        plant.inverter.input_current_limit = Amps(10.0);
        assert_eq!(load("10 A").expect("a good rig"), plant);
        let error = load("-1 A").expect_err("refused");
        assert!(error.starts_with("tight.yaml:4:"), "{error}");
    }

    fn world_of(rig: &RigFile) -> Result<Params, String> {
        world(rig).map(|world| world.expect("it is simulated").0).map_err(|error| error.to_string())
    }

    #[test]
    fn a_number_that_no_world_has_is_refused_with_its_line() {
        let text = RIG.replacen("r0: 0.22 mΩ", "r0: 0 mΩ", 1);
        let line = 1 + text.lines().position(|l| l.contains("r0: 0 mΩ")).expect("the bad line");
        let error = read(&text).expect_err("refused").to_string();
        assert!(error.contains("pack.r0 cannot be 0"), "{error}");
        assert!(error.starts_with(&format!("rigs/bad.yaml:{line}:")), "line {line}: {error}");
    }

    /// What is wrong with `a.yaml` of a folder with these files.
    fn refusal(files: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files.iter().chain(&[("reference.yaml", BATTERY)]) {
            std::fs::write(folder.path().join(name), text).expect("writable");
        }
        let shown = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
        let battery = BatteryFile::load(&folder.path().join("a.yaml"), &shown).expect("the rest is right");
        check_battery(&battery).expect_err("refused").to_string()
    }

    const HEAD: &str = "battery: a\ntitle: t\nexpect: { fail: [CVL-04] }\n";

    #[rstest]
    #[case(
        "like: reference\nsimulated: { strategy: { cell-loop: { floor: 57 V } } }\n",
        "a.yaml:5:46: `cell-loop.floor` is"
    )]
    #[case(
        "like: reference\nsimulated:\n  strategy: { cell-loop: { step-down: { rearm: 3.6 V } } }\n",
        "a.yaml:6:48: `step-down.rearm` is 3.6 V"
    )]
    #[case(
        "like: reference\nsimulated: { limit: { stop-cell: 2.8 V } }\n",
        "a.yaml:5:14: unknown key `limit`"
    )]
    #[case(
        "like: reference\nsimulated: { faults: [ { stall: { id: 1, every: 1 s, span: 2 s } } ] }\n",
        "a.yaml:5:22: `stall.span`"
    )]
    #[case("like: reference\nsimulated: { limits: { stop-cell: 2.8 A } }\n", "a.yaml:5:35: ")]
    #[case("like: reference\nsimulated: { wire: { period: 1 us } }\n", "a.yaml:5:30: `wire.period`")]
    fn what_is_wrong_is_shown_in_the_file_where_it_stands(#[case] rest: &str, #[case] says: &str) {
        let error = refusal(&[("a.yaml", &format!("{HEAD}{rest}"))]);
        assert!(error.starts_with(says), "{error}");
    }

    #[test]
    fn an_error_below_is_shown_below() {
        let a = format!("{HEAD}like: c\n");
        let c = "like: reference\nsimulated:\n  limits: { stop-cell: 3.2 V }\n";
        let error = refusal(&[("a.yaml", &a), ("c.yaml", c)]);
        assert!(error.starts_with("c.yaml:3:24: `limits.stop-cell` is 3.2 V"), "{error}");
    }
}
