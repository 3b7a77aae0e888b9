//! Rig files, `rigs/*.yaml`: what a bench has, its limits, and for the simulated one every number of its world.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use engine::bench::Capability;
use engine::interlock::{Instruments, LimitsError, RigLimits, Unwatched};
use engine::yaml::{Layers, YamlError};
use judge::battery::Battery;
use judge::catalogue::{self, Severity};
use judge::site::{CutOff, GxSetup, Site};
use proto::channel::Channel;
use proto::quantity::{Amps, BitRate, Micros, Volts, Watts};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::InputError;
use crate::Laboratory;
use crate::Section;
use crate::Sweep;
use crate::like::{self, Kind, Like};
use crate::live::{ASK_FLAGS_SLOWLY, CanPlace, House, Live};
use crate::section::{relaxed, with_sections};

/// A supply may take so long to do what it is told (a second, where its profile says nothing else) and to answer, in the
/// time of the clock on the wall: until then it is not silent.
const SETTLES: Micros = Micros::from_secs(3);

/// A rig.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Busbar rig")]
pub struct RigFile {
    /// name, as given to `--rig`
    pub rig: String,
    /// one line for reports
    pub title: String,
    /// name of the rig beside this one that it is like: only what differs is said here
    pub like: Option<String>,
    /// what it has and can do by itself; a case that needs more is not tried
    pub capabilities: Vec<Capability>,
    /// the CAN bus to the battery
    pub can: CanBus,
    /// how often the instruments are read
    pub polling: Polling,
    /// requirements that cannot be tried here, by their ids, each with the reason; a certificate needs them all the same
    #[serde(default)]
    pub not_here: BTreeMap<String, String>,
    /// how its GX is set, once somebody has looked: it cannot be read over Modbus (P 5.5)
    #[serde(default)]
    pub gx: Option<GxStated>,
    /// what a certificate must say of the laboratory; only certification asks for it
    #[serde(default)]
    pub laboratory: Option<Laboratory>,
    /// never-exceed limits and clamps, whatever a suite says
    pub limits: RigLimits,
    /// limits that nothing on this rig can tell, by their names under `limits`: whoever writes one down here knows that
    /// it protects nothing. Without that a rig that cannot tell a limit is refused
    #[serde(default)]
    pub unwatched: Vec<String>,
    /// the simulated world, of a rig that is simulated
    pub plant: Option<Section>,
    /// the instruments, of a rig that is real
    pub live: Option<Live>,
    /// ranges of numbers under `plant` that nobody knows exactly; only a run that asks for it draws from them
    #[serde(default)]
    pub sweep: Sweep,
    /// the file with those that it is like
    #[serde(skip)]
    layers: Option<Arc<Layers>>,
    /// what stands around the battery, taken from `plant` or `live`
    #[serde(skip)]
    around: Option<House>,
    /// what the supply of a simulated rig is set to
    #[serde(skip)]
    supply: Option<Volts>,
}

/// What the simulated world has in common with a real installation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Around {
    psu: AroundSupply,
    inverter: AroundInverter,
    solar: AroundSolar,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct AroundSupply {
    voltage: Volts,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct AroundInverter {
    mains_voltage: Volts,
    maximum_power: Watts,
    input_current_limit: Amps,
    shutdown: Volts,
    restart: Volts,
    set_for_battery: bool,
    reconnect: Micros,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct AroundSolar {
    maximum_power: Watts,
    maximum_current: Amps,
}

impl Around {
    fn house(self) -> House {
        House {
            mains_voltage: self.inverter.mains_voltage,
            inverter_power: self.inverter.maximum_power,
            input_current_limit: self.inverter.input_current_limit,
            solar_power: self.solar.maximum_power,
            solar_current: self.solar.maximum_current,
            inverter_off: Some(self.inverter.shutdown),
            inverter_on: Some(self.inverter.restart),
            inverter_set_for_battery: self.inverter.set_for_battery,
            inverter_reconnect: Some(self.inverter.reconnect),
        }
    }
}

/// How the GX is set: menu Settings, DVCC.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GxStated {
    /// distributed voltage and current control; `on` before a control test
    pub dvcc: OnOff,
    /// shared voltage sense; `off` before a control test
    pub svs: OnOff,
    /// who looked, and when
    pub confirmed_by: String,
}

impl GxStated {
    /// What stands in the example of a rig file, to be replaced: nobody has looked.
    const NOBODY: &str = "name, date";
}

/// A switch in the menu of the GX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnOff {
    /// switched on
    On,
    /// switched off
    Off,
}

/// The CAN bus between battery, GX and harness.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CanBus {
    /// the bit rate that the harness's own interface is set to
    pub bit_rate: BitRate,
    /// the bit rate of the CAN-bus profile that is chosen on the GX (P 5.1)
    pub gx_profile: BitRate,
}

impl CanBus {
    /// The bit rates that a GX offers (P 1.2).
    const RATES: [BitRate; 2] = [BitRate(250.0), BitRate(500.0)];
}

/// How often the instruments are read.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Polling {
    /// the state of the CAN interface
    pub bus: Micros,
    /// the supply
    pub psu: Micros,
    /// the GX over Modbus-TCP: a real one bears one or two polls a second
    pub gx: Micros,
}

impl Polling {
    /// No serial line or GX answers faster.
    const SHORTEST: Micros = Micros::from_millis(10);
    /// What is looked at more seldom is not watched.
    const LONGEST: Micros = Micros::from_secs(60);
}

impl RigFile {
    /// Reads and validates a file, with those beside it that it is `like`. `shown` is the path as the user knows it.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn load(path: &Path, shown: &dyn Fn(&Path) -> String) -> Result<Self, InputError> {
        like::load(path, shown)
    }

    /// Reads and validates the text of a rig file that stands alone.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn parse(file: &str, text: &str) -> Result<Self, YamlError> {
        like::parse(file, text)
    }
}

impl Kind for RigFile {
    /// What a rig is called is its own.
    const LIKE: Like = Like {
        kind: "rig",
        folder: "rigs",
        example: "simulated",
        own: &["rig", "title", "like"],
        choices: &[],
        kinds: &[],
    };

    fn name(&self) -> &str {
        &self.rig
    }

    fn of(layers: &Arc<Layers>, _: &Path) -> Result<Self, YamlError> {
        let mut rig: Self = layers.read()?;
        rig.plant = rig.plant.map(|_| Section::of(layers, "plant"));
        rig.layers = Some(layers.clone());
        if let Some(live) = &rig.live {
            // What a supply needs to settle does not get shorter on a rig that is served faster than the clock.
            let settles = Micros(SETTLES.0 * u64::from(live.speed));
            for channel in [Channel::SupplyVoltage, Channel::SupplyCurrent] {
                let age = rig.limits.age(channel).max(settles);
                rig.limits
                    .rows
                    .entry(channel)
                    .and_modify(|limit| limit.silence = limit.silence.or(Some(age)));
            }
        }
        rig.limits.check().map_err(|error| match error {
            LimitsError::NoRoom { low, high } => layers.refuse(
                &format!("limits.{high}"),
                format!("`{high}` leaves no room"),
                format!("more than `{low}`"),
            ),
            LimitsError::Missing(key) => {
                layers.refuse(&format!("limits.{key}"), format!("`{key}` is missing"), "every rig states it")
            }
        })?;
        rig.watched(layers)?;
        let polling = &rig.polling;
        for (path, period) in
            [("polling.bus", polling.bus), ("polling.psu", polling.psu), ("polling.gx", polling.gx)]
        {
            if period < Polling::SHORTEST {
                let expected = format!("at least {} ms", Polling::SHORTEST.0 / 1000);
                return Err(layers.refuse(path, "polled too often".to_owned(), expected));
            }
            if period > Polling::LONGEST {
                let expected = format!("at most {}", Polling::LONGEST.span());
                return Err(layers.refuse(path, "polled too seldom".to_owned(), expected));
            }
        }
        match (&rig.plant, &rig.live) {
            (Some(plant), None) => {
                let around: Around = plant.read()?;
                rig.supply = Some(around.psu.voltage);
                rig.around = Some(around.house());
            }
            (None, Some(live)) => {
                live.check(&rig, layers)?;
                rig.around = Some(live.site);
            }
            _ => {
                let message = "a rig is either simulated or real".to_owned();
                let expected = "`plant:`, a simulated world, or `live:`, instruments".to_owned();
                return Err(layers.refuse("live", message, expected));
            }
        }
        for (path, rate) in [("can.bit-rate", rig.can.bit_rate), ("can.gx-profile", rig.can.gx_profile)] {
            if !CanBus::RATES.contains(&rate) {
                let expected = "`500 kbit/s` or `250 kbit/s`".to_owned();
                return Err(layers.refuse(path, format!("a GX has no profile with {rate}"), expected));
            }
        }
        if rig.gx.as_ref().is_some_and(|gx| gx.confirmed_by.trim().is_empty()) {
            let expected = "who looked on the GX, and when (P 5.5)".to_owned();
            return Err(layers.refuse("gx.confirmed-by", "nobody has confirmed it".to_owned(), expected));
        }
        rig.laboratory.as_ref().map_or(Ok(()), |laboratory| laboratory.check(layers))?;
        rig.not_here.iter().try_for_each(|(id, why)| {
            let refuse = |message: String, expected: &str| {
                Err(layers.refuse(&format!("not-here.{id}"), message, expected.to_owned()))
            };
            match catalogue::find(id) {
                None => refuse(
                    format!("there is no requirement `{id}`"),
                    "an id that `busbar list requirements` names",
                ),
                Some(row) if row.severity != Severity::Must => {
                    refuse(format!("`{id}` does not have to hold: nothing is open without it"), "a `must`")
                }
                Some(row) if row.by_log() => refuse(
                    format!("`{id}` is judged by any log: every rig tries it"),
                    "a row of behaviour or GX",
                ),
                Some(_) if why.trim().is_empty() => {
                    refuse(format!("nobody says why `{id}` is not tried here"), "the reason, in words")
                }
                Some(_) => Ok(()),
            }
        })?;
        Ok(rig)
    }
}

impl RigFile {
    /// What tells whether its limits are kept, with a battery that sends everything.
    #[must_use]
    pub fn instruments(&self) -> Instruments {
        // Names that are none were refused when the file was read.
        let unwatched = Unwatched::read(self.unwatched.iter().map(String::as_str)).unwrap_or_default();
        let simulated = Instruments::of(&self.capabilities);
        let Some(live) = &self.live else {
            let supply = simulated.supply.and(self.supply);
            return Instruments { supply, unwatched, ..simulated };
        };
        Instruments {
            gx: live.gx.is_some(),
            inverter: live.gx.as_ref().is_some_and(|gx| gx.units.inverter.is_some()),
            solar: live.gx.as_ref().is_some_and(|gx| gx.units.solar.is_some()),
            supply: live.psu.as_ref().map(|psu| psu.voltage),
            cells: true,
            unwatched,
        }
    }

    /// Every limit of a real rig is told by something, or given up in so many words.
    fn watched(&self, layers: &Layers) -> Result<(), YamlError> {
        if let Err(name) = Unwatched::read(self.unwatched.iter().map(String::as_str)) {
            let known: Vec<_> = Unwatched::names().collect();
            let message = format!("`{name}` is no limit that can be given up");
            return Err(layers.refuse("unwatched", message, format!("some of {}", known.join(", "))));
        }
        let untold = self.instruments().untold(&self.limits);
        if self.live.is_none() || untold.is_empty() {
            return Ok(());
        }
        let names = untold.join(", ");
        let message = format!("nothing on this rig tells whether these limits are kept: {names}");
        let expected = format!(
            "an instrument that does (`live.gx` with `units`), or `unwatched: [{names}]` beside `limits:`"
        );
        Err(layers.refuse("limits", message, expected))
    }

    /// The same rig with what stands around its battery drawn as the simulated world of the seed is: of that, `sweep`
    /// changes where the inverter switches off and on, and how long it waits for the grid.
    #[must_use]
    pub fn swept(&self, seed: u64) -> Self {
        let around = self.around.map(|house| House {
            inverter_off: self.sweep.volts("inverter.shutdown", seed).or(house.inverter_off),
            inverter_on: self.sweep.volts("inverter.restart", seed).or(house.inverter_on),
            inverter_reconnect: self.sweep.time("inverter.reconnect", seed).or(house.inverter_reconnect),
            ..house
        });
        Self { around, ..self.clone() }
    }

    /// Refuses a value that reads well and still cannot be: `path` says where it stands, in dotted keys.
    #[must_use]
    pub fn refuse(&self, path: &str, message: impl Into<String>, expected: impl Into<String>) -> YamlError {
        let layers = self.layers.as_ref().expect("a rig has its file once it was read");
        layers.refuse(path, message, expected)
    }

    /// What the judge must know of the plant around this battery.
    #[must_use]
    pub fn site_of(&self, battery: &Battery) -> Site {
        let mut site = self.site();
        if self.house().inverter_set_for_battery {
            site.cut_off = site.cut_off.map(|cut_off| cut_off.set_for(battery.min_voltage));
        }
        site
    }

    /// What the judge must know of the plant around any battery.
    #[must_use]
    pub fn site(&self) -> Site {
        let House { mains_voltage, inverter_power, inverter_off, inverter_on, inverter_reconnect, .. } =
            self.house();
        Site {
            ac_voltage: mains_voltage,
            inverter_power,
            gx: self.gx.as_ref().filter(|stated| stated.confirmed_by != GxStated::NOBODY).map(|stated| {
                GxSetup {
                    dvcc: stated.dvcc == OnOff::On,
                    svs: stated.svs == OnOff::On,
                    confirmed_by: stated.confirmed_by.clone(),
                }
            }),
            gx_profile: self.can.gx_profile,
            reconnect: inverter_reconnect,
            cut_off: inverter_off.zip(inverter_on).map(|(off, on)| CutOff { off, on }),
        }
    }

    /// How often the state of the CAN interface is read, in the time of the rig: as the file says, or as seldom as an
    /// adapter of a fast rig can be asked. What is read happened within this time before.
    #[must_use]
    pub fn bus_polling(&self) -> Micros {
        let adapter = self.live.as_ref().filter(|live| matches!(live.can, CanPlace::Slcan(_)));
        let slowest = adapter.map_or(Micros::ZERO, |live| Micros(ASK_FLAGS_SLOWLY.0 * u64::from(live.speed)));
        self.polling.bus.max(slowest)
    }

    /// Whether no hardware is involved, as far as the file says: it has a world of its own, or a clock that no real
    /// instrument has. A rig that is served as fast as the clock looks real here; what it says of itself does not
    /// ([`is_simulated`](crate::is_simulated)).
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.live.as_ref().is_none_or(|live| live.speed != 1)
    }

    /// What switches its supply off when harness and guard are dead, in words; nothing where there is no supply.
    /// `proven` is when its watchdog was seen to trip.
    #[must_use]
    pub fn last_resort(&self, proven: Option<&str>) -> String {
        let psu = self.live.as_ref().and_then(|live| live.psu.as_ref());
        psu.map(|psu| psu.last_resort(proven)).unwrap_or_default()
    }

    /// The installation around the battery, simulated or real.
    #[must_use]
    pub fn house(&self) -> House {
        self.around.expect("a rig without an installation is refused when it is read")
    }

    /// JSON schema of a rig file, for editors; `plant` is that of its section.
    #[must_use]
    pub fn schema(plant: schemars::Schema) -> schemars::Schema {
        let whole = with_sections(schemars::schema_for!(Self), [("plant", plant)]);
        relaxed(whole, &["rig", "title"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const FILE: &str = include_str!("../../../rigs/simulated.yaml");

    #[rstest]
    #[case::unknown("BEH-ZZ: no sun", "there is no requirement `BEH-ZZ`")]
    #[case::a_should("CVL-10: no sun", "`CVL-10` does not have to hold")]
    #[case::judged_by_any_log("TIM-01: no sun", "`TIM-01` is judged by any log")]
    #[case::no_reason("BEH-IM: ' '", "nobody says why `BEH-IM`")]
    fn what_is_not_tried_here_is_a_must_of_behaviour_with_a_reason(#[case] row: &str, #[case] says: &str) {
        let at = |row: &str| FILE.replacen("\ncan:\n", &format!("\nnot-here:\n  {row}\ncan:\n"), 1);
        let good = RigFile::parse("rig", &at("BEH-IM: cells cannot be charged singly")).expect("a good rig");
        assert_eq!(good.not_here["BEH-IM"], "cells cannot be charged singly");
        let text = at(row);
        let line = 1 + text.lines().position(|line| line.contains(row)).expect("the bad line");
        let error = RigFile::parse("rigs/bad.yaml", &text).expect_err(row).to_string();
        assert!(error.contains(says) && error.starts_with(&format!("rigs/bad.yaml:{line}:")), "{error}");
    }

    /// A rig that says only what differs, and a mistake in it.
    #[test]
    fn a_rig_may_be_like_another() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("written");
        };
        let load = || {
            let shown = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            RigFile::load(&folder.path().join("tight.yaml"), &shown).map_err(|e| e.to_string())
        };
        write("simulated.yaml", FILE);
        let tight =
            "rig: tight\ntitle: t\nlike: simulated\nplant: { inverter: { input-current-limit: 10 A } }\n";
        write("tight.yaml", tight);
        let rig = load().expect("a good rig");
        assert_eq!((rig.rig.as_str(), rig.house().input_current_limit), ("tight", Amps(10.0)));
        write("tight.yaml", &tight.replace("10 A", "10 V"));
        let error = load().expect_err("refused");
        assert!(error.starts_with("tight.yaml:4:"), "{error}");
        write("tight.yaml", &tight.replace("like: simulated", "like: simulatd"));
        assert!(load().expect_err("refused").contains("there is no rig `simulatd` to be like"));
    }

    #[rstest]
    #[case(FILE, true)]
    #[case(include_str!("../../../rigs/served.yaml"), true)]
    #[case(LAB, false)]
    fn what_has_no_hardware_is_known_by_its_file(#[case] file: &str, #[case] simulated: bool) {
        assert_eq!(RigFile::parse("rig", file).expect("it is shipped").is_simulated(), simulated);
    }

    #[test]
    fn a_rig_is_simulated_or_real() {
        let neither: String = LAB.split("\nlive:").next().unwrap_or_default().to_owned();
        let error = RigFile::parse("rigs/bad.yaml", &neither).expect_err("nothing there").to_string();
        assert!(error.contains("either simulated or real"), "{error}");
    }

    #[rstest]
    #[case::as_it_should_be("dvcc: on", "dvcc: on", None)]
    #[case::dvcc_off("dvcc: on", "dvcc: off", Some("DVCC is off"))]
    #[case::svs_on("svs: off", "svs: on", Some("shared voltage sense is on"))]
    fn how_the_gx_is_set(#[case] good: &str, #[case] other: &str, #[case] fault: Option<&str>) {
        assert!(FILE.contains(good), "{good} stands in the file");
        let rig = RigFile::parse("rig", &FILE.replacen(good, other, 1)).expect("readable");
        assert_eq!(rig.site().gx.expect("stated").fault(), fault);
        let unstated: String =
            FILE.lines().filter(|l| !l.starts_with("gx:")).map(|l| format!("{l}\n")).collect();
        assert_eq!(RigFile::parse("rig", &unstated).expect("readable").site().gx, None);
    }

    const LAB: &str = include_str!("../../../rigs/lab-example.yaml");

    #[test]
    fn the_example_of_a_lab_reads_well_and_its_loads_add_up() {
        let rig = RigFile::parse("rigs/lab-example.yaml", LAB).expect("it is shipped");
        let live = rig.live.as_ref().expect("it is real");
        let on = |power| live.load(Watts(power)).map(|on| on.len());
        assert_eq!([0.0, 500.0, 3000.0, 3500.0, 4000.0].map(on), [Some(0), Some(1), Some(2), Some(3), None]);
        assert_eq!(rig.site().inverter_power, Watts(4000.0));
        assert_eq!(rig.site().gx, None, "who copies the file has not looked at the GX yet");
        let looked = LAB.replacen("\"name, date\"", "\"A. Ampere, 2026-03-01\"", 1);
        assert!(RigFile::parse("lab", &looked).expect("the same").site().gx.is_some());
    }

    #[rstest]
    #[case("speed: 1 ", "speed: 0 ", "cannot run 0 times faster")]
    #[case("ac-load, operator]", "ac-load, inject]", "claims `inject` and has nothing that does it")]
    #[case("over-voltage: 132 V", "over-voltage: 110 V", "120 V leaves no room below 110 V")]
    #[case("over-current: 60 A", "over-current: 40 A", "40 A would trip before")]
    #[case("interlock: emergency", "interlock: \" \" #", "nothing switches the supply off")]
    #[case("heartbeat-within: 1 s", "heartbeat-within: 1 min", "cannot wait 0:01:00")]
    #[case("power: 500 W", "power: 0 W", "load 1 has no power")]
    #[case("gx-relay: 2", "gx-relay: 3", "a GX has two relays")]
    #[case("interface: can0", "interfac: can0", "interfac")]
    #[case("over-voltage: 132 V", "over-voltage: 900 V", "900 V protects nothing")]
    #[case("over-current: 60 A", "over-current: 1e30 A", "would hardly ever trip")]
    #[case("safe-within: 20 s", "safe-within: 0 s", "fall like that")]
    #[case("battery.cvl: { silence: 15 s", "battery.cvl: { silence: 10 h", "driven that is not heard")]
    #[case("3.80 V, silence: 70 s", "3.80 V, silence: 1 h", "kept by readings of long ago")]
    #[case("250 V, silence: 10 s", "250 V, silence: 1 s", "give the supply up between two readings")]
    #[case("cell-voltage: 1 V,", "cell-voltage: -2 V,", "leaves no room")]
    #[case("cell-voltage: 1 V,", "cells: 1 V,", "`cells`")]
    #[case(
        "# unwatched: [battery.highest-cell,",
        "unwatched: [battery.cvl,",
        "`battery.cvl` is no limit that can be given up"
    )]
    #[case("gx.answer: { silence: 10 s", "gx.answer: { silence: 1 s", "between two polls")]
    #[case("mains-voltage: 230 V", "mains-voltage: -230 V", "no such installation")]
    #[case("timeout: 8 h", "timeout: 0 s", "nobody answers")]
    #[case("gx-relay: 2", "gx-relay: 1", "the same relay or coil")]
    #[case("number: 1", "number: 0", "the same relay or coil")]
    #[case("solar: 229", "solar: 227", "two devices have the unit id 227")]
    #[case("confirmed-by: \"name, date\"", "confirmed-by: \" \"", "nobody has confirmed it")]
    #[case("  psu: 1 s", "  psu: 100000 h", "polled too seldom")]
    #[case("live:\n", "plant: {}\nlive:\n", "either simulated or real")]
    fn a_lab_that_cannot_be_is_refused_with_its_line(
        #[case] good: &str,
        #[case] bad: &str,
        #[case] says: &str,
    ) {
        assert!(LAB.contains(good), "{good} stands in the file");
        let error = RigFile::parse("rigs/bad.yaml", &LAB.replacen(good, bad, 1)).expect_err(bad).to_string();
        assert!(error.contains(says), "{error}");
        assert!(error.starts_with("rigs/bad.yaml:"), "{error}");
    }

    /// A bus that nothing measures: named, and let through only where the file says the same.
    #[test]
    fn a_limit_that_nothing_tells_is_named_and_needs_a_word() {
        let bare = LAB.replacen("      inverter: 227\n      solar: 229\n", "", 1);
        assert_ne!(bare, LAB);
        let error = RigFile::parse("rigs/bad.yaml", &bare).expect_err("refused").to_string();
        assert!(
            error.contains("kept: inverter.dc-voltage")
                && error.contains("`unwatched: [inverter.dc-voltage]`"),
            "{error}"
        );
        let given_up =
            bare.replacen("# unwatched: [battery.highest-cell,", "unwatched: [inverter.dc-voltage,", 1);
        RigFile::parse("rigs/good.yaml", &given_up).expect("it says so");
    }

    /// Limits as files had them before the table of quantities.
    const BEFORE: &str = "limits:
  pack-voltage-max: 60 V
  pack-voltage-min: 36 V
  cell-voltage-max: 3.80 V
  cell-voltage-min: 2.00 V
  temperature-max: 60 °C
  temperature-min: -20 °C
  charge-current-max: 200 A
  discharge-current-max: 250 A
  bus-voltage-max: 64 V
  psu-voltage-max: 250 V
  psu-current-max: 60 A
  pv-power-max: 6 kW
  ac-load-max: 6 kW
  input-current-limit-max: 32 A
  can-silence: 15 s
  gx-silence: 10 s
";

    fn before() -> String {
        let (head, rest) = FILE.split_once("limits:\n").expect("limits");
        let (_, tail) = rest.split_once("\n\n").expect("an empty line after them");
        format!("{head}{BEFORE}\n{tail}")
    }

    /// Files in folders of runs, and of laboratories, say limits by the names they had: they mean the same, also over a
    /// file that says them by quantity.
    #[test]
    fn limits_by_their_names_of_before_mean_the_same() {
        let now = RigFile::parse("rig.yaml", FILE).expect("a good file").limits;
        assert_eq!(RigFile::parse("rig.yaml", &before()).expect("read").limits, now);
        let silences =
            "  gx-silence: 10 s\n  measurements-silence: 41 s\n  cells-silence: 42 s\n  psu-silence: 43 s\n";
        let all = before().replacen("  gx-silence: 10 s\n", silences, 1);
        let limits = RigFile::parse("rig.yaml", &all).expect("read").limits;
        let ages = [Channel::PackVoltage, Channel::PackCurrent, Channel::Temperature].map(|c| limits.age(c));
        assert_eq!(ages, [Micros::from_secs(41); 3]);
        let ages = [Channel::MaxCell, Channel::MinCell, Channel::SupplyVoltage, Channel::SupplyCurrent];
        assert_eq!(ages.map(|c| limits.age(c).0 / 1_000_000), [42, 42, 43, 43]);
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("base.yaml"), FILE).expect("written");
        let top = "rig: top\ntitle: narrower\nlike: base\nlimits: { discharge-current-max: 90 A, cell-voltage-max: 3.7 V }\n";
        let path = folder.path().join("top.yaml");
        std::fs::write(&path, top).expect("written");
        let limits = RigFile::load(&path, &|path| path.display().to_string()).expect("read").limits;
        assert!((limits.at_least(Channel::PackCurrent) + 90.0).abs() < 1e-9);
        assert!((limits.at_most(Channel::PackCurrent) - 200.0).abs() < 1e-9, "as its base says");
        assert!((limits.at_most(Channel::MaxCell) - 3.7).abs() < 1e-9);
    }

    /// What is wrong with a limit is shown where it stands, whatever it is called there.
    #[rstest]
    #[case("discharge-current-max: 250 A", "discharge-current-max: 250", "has no unit")]
    #[case("cell-voltage-max: 3.80 V", "cell-voltage-max: 1 V", "leaves no room")]
    #[case("pack-voltage-max: 60 V", "pack-voltage-mox: 60 V", "unknown key `pack-voltage-mox`")]
    fn a_wrong_limit_of_before_is_refused_with_its_line(
        #[case] good: &str,
        #[case] bad: &str,
        #[case] says: &str,
    ) {
        let text = before().replacen(good, bad, 1);
        let line = 1 + text.lines().position(|l| l.contains(bad)).expect("the bad line");
        let error = RigFile::parse("rigs/bad.yaml", &text).expect_err(bad).to_string();
        assert!(error.contains(says) && error.starts_with(&format!("rigs/bad.yaml:{line}:")), "{error}");
    }

    #[rstest]
    #[case("dvcc: on", "dvcc: maybe", "`maybe` is not known here")]
    #[case("at-most: 3.80 V", "at-most: 1 V", "`battery.highest-cell.at-most` leaves no room")]
    #[case("{ at-most: 3.80 V", "{ silence: 1 s", "`battery.highest-cell.at-most` is missing")]
    #[case("at-least: -250 A", "at-least: 250 A", "leaves no room")]
    #[case("gx: 1 s ", "gx: 0 s ", "polled too often")]
    #[case("bit-rate: 500 kbit/s", "bit-rate: 125 kbit/s", "no profile with 125 kbit/s")]
    #[case("supply.current: { at-most: 60 A", "supply.current: { at-most: 60", "has no unit")]
    #[case("supply.current: { at-most: 60 A", "supply.current: { at-most: 60 V", "`V` does not fit")]
    #[case("supply.current: {", "supply.curent: {", "expected `supply.current`")]
    #[case("supply.current: { at-most", "supply.current: { at-mots", "expected `at-most`")]
    #[case("capabilities: [pv,", "capabilities: [sun,", "`sun` is not known here")]
    fn a_wrong_number_is_refused_with_its_line(#[case] good: &str, #[case] bad: &str, #[case] says: &str) {
        assert!(FILE.contains(good), "{good} stands in the file");
        let text = FILE.replacen(good, bad, 1);
        let line = 1 + text.lines().position(|l| l.contains(bad.trim_end())).expect("the bad line");
        let error = RigFile::parse("rigs/bad.yaml", &text).expect_err(bad).to_string();
        assert!(error.contains(says), "{error}");
        assert!(error.starts_with(&format!("rigs/bad.yaml:{line}:")), "line {line}: {error}");
    }
}
