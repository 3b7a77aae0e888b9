//! Rig files, `rigs/*.yaml`: what a bench has, its limits, and for the simulated one every number of its world.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use engine::bench::Capability;
use engine::interlock::{Instruments, LimitsError, RigLimits, Unwatched};
use engine::yaml::{Layers, YamlError};
use judge::battery::Battery;
use judge::catalogue;
use judge::requirement::Severity;
use judge::site::{CutOff, Site};
use judge::thresholds::Thresholds;
use judge::trace::Series;
use judge::witness::Witness;
use proto::channel::Channel;
use proto::chemistry::Chemistry;
use proto::quantity::{Amps, BitRate, Micros, Volts, Watts};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::BatteryFile;
use crate::Expectation;
use crate::Laboratory;
use crate::Section;
use crate::battery::known;
use crate::lease::Lease;
use crate::like::{self, Home, Kind, Like};
use crate::live::{ASK_FLAGS_SLOWLY, CanPlace, House, Live};
use crate::section::{relaxed, with_sections};
use crate::witness::{self, WitnessPlace};
use crate::{Draw, Sweep};
use crate::{InputError, read_text};

pub use stated::{GxStated, OnOff, Svs};

mod stated;

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
    /// of a rig that is wrong in itself, by which its own rows must find it with a battery that does right: how the judge is
    /// tested
    #[serde(default)]
    pub expect: Option<Expectation>,
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
    /// meters beside the battery that take nothing from it: they confirm what it says, or contradict it
    #[serde(default)]
    pub witnesses: Vec<WitnessPlace>,
    /// the simulated world, of a rig that is simulated
    pub plant: Option<Section>,
    /// the instruments, of a rig that is real
    pub live: Option<Live>,
    /// who hands it out, where several people share it
    pub lease: Option<Lease>,
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
    /// A reading is no evidence any more after [`Series::SILENCE`], and one may be missed.
    const LONGEST: Micros = Micros(Series::SILENCE.0 / 2);
}

impl RigFile {
    /// Reads and validates a file, with those beside it that it is `like`. `shown` is the path as the user knows it.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn load(path: &Path, shown: &dyn Fn(&Path) -> String) -> Result<Self, InputError> {
        like::load(path, Home { root: None, shown, read: &read_text })
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
        own: &["rig", "title", "like", "expect"],
        choices: &[],
        kinds: &["lease.acquire", "lease.labgrid"],
    };

    fn name(&self) -> &str {
        &self.rig
    }

    fn of(layers: &Arc<Layers>, folder: &Path) -> Result<Self, YamlError> {
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
        // Nor does what the line of a witness takes.
        let speed = rig.live.as_ref().map_or(1, |live| u64::from(live.speed));
        for witness in rig.witnesses() {
            let fresh = Micros(witness.protocol.row().fresh.0 * speed);
            for (channel, limit) in &mut rig.limits.rows {
                if channel.row().source.instrument() == Some(witness.instrument) {
                    limit.silence = limit.silence.or(Some(fresh));
                }
            }
        }
        if let Some(lease) = rig.lease.take().map(|lease| lease.read_in(folder)) {
            lease.check(layers)?;
            let Some(live) = &mut rig.live else {
                let message = "nobody takes a simulated rig away".to_owned();
                return Err(layers.refuse("lease", message, "no `lease:` beside `plant:`"));
            };
            live.lease = Some(lease.clone());
            rig.lease = Some(lease);
        }
        // First what is wrong by itself: beside another number it would make that one look wrong.
        rig.live.as_ref().map_or(Ok(()), |live| live.check_numbers(&rig, layers))?;
        rig.limits.check().map_err(|error| match error {
            LimitsError::NoRoom { name, must } => {
                layers.refuse(&format!("limits.{name}"), format!("`{name}` leaves no room"), must)
            }
            LimitsError::Missing(key) => {
                layers.refuse(&format!("limits.{key}"), format!("`{key}` is missing"), "every rig states it")
            }
        })?;
        rig.watched(layers)?;
        witness::check(&rig, layers)?;
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
        if let Some(wrong) = rig.gx.as_ref().and_then(GxStated::wrong) {
            let expected = "`on` or `off`, or `product-id` as the GX tells it on D-Bus or MQTT".to_owned();
            return Err(layers.refuse("gx.svs", wrong, expected));
        }
        rig.laboratory.as_ref().map_or(Ok(()), |laboratory| laboratory.check(layers))?;
        known(rig.expect.as_ref(), layers)?;
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
    /// What reads and judges its witnesses.
    #[must_use]
    pub fn witnesses(&self) -> Vec<Witness> {
        self.witnesses.iter().map(WitnessPlace::witness).collect()
    }

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

    /// The same rig with what stands around its battery drawn as the simulated world of the draw is: of that, `sweep`
    /// changes where the inverter switches off and on, and how long it waits for the grid.
    #[must_use]
    pub fn swept(&self, draw: Draw) -> Self {
        let around = self.around.map(|house| House {
            inverter_off: self.sweep.volts("inverter.shutdown", draw).or(house.inverter_off),
            inverter_on: self.sweep.volts("inverter.restart", draw).or(house.inverter_on),
            inverter_reconnect: self.sweep.time("inverter.reconnect", draw).or(house.inverter_reconnect),
            ..house
        });
        Self { around, ..self.clone() }
    }

    /// The same for the cells of this battery. A simulated rig has no cells of its own: where they must stay is theirs, and a
    /// pack of them no higher than what is connected to it stands. The limits of its file are those of LFP, and stand for
    /// them; so does what a real rig says.
    #[must_use]
    pub fn for_battery(mut self, battery: &BatteryFile) -> Self {
        let chemistry = battery.chemistry.filter(|&chemistry| chemistry != Chemistry::Lfp);
        if let Some(chemistry) = chemistry.filter(|_| self.is_simulated()) {
            let [lowest, highest] = chemistry.cell().bears;
            let (cells, stands) =
                (f64::from(battery.declared.cells), self.limits.at_most(Channel::BusVoltage));
            let mut set = |channel, low: Option<f64>, high: Option<f64>| {
                // Every rig limits them: see `required` of the limits.
                let row = self.limits.rows.entry(channel);
                row.and_modify(|limit| {
                    (limit.at_least, limit.at_most) = (low.or(limit.at_least), high.or(limit.at_most));
                });
            };
            set(Channel::MinCell, Some(lowest), None);
            set(Channel::MaxCell, None, Some(highest));
            set(Channel::PackVoltage, Some(cells * lowest), Some((cells * highest).min(stands)));
        }
        self
    }

    /// Refuses a value that reads well and still cannot be: `path` says where it stands, in dotted keys.
    #[must_use]
    pub fn refuse(&self, path: &str, message: impl Into<String>, expected: impl Into<String>) -> YamlError {
        let layers = self.layers.as_ref().expect("a rig has its file once it was read");
        layers.refuse(path, message, expected)
    }

    /// These thresholds with the uncertainty that the laboratory of this rig states for each figure.
    #[must_use]
    pub fn with_uncertainty(&self, thresholds: Thresholds) -> Thresholds {
        self.laboratory.as_ref().map_or(thresholds, |laboratory| laboratory.with_uncertainty(thresholds))
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
            gx: self.gx.as_ref().and_then(GxStated::setup),
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
mod tests;
