//! The section `live:` of a rig file: which instruments there are, and where.

mod bounds;
mod units;

pub use units::UnitIds;

use std::net::SocketAddr;

use engine::bench::Capability;
use engine::yaml::{Layers, YamlError};
use proto::channel::Channel;
use proto::quantity::{Amps, Micros, Volts, Watts};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::RigFile;
use crate::lease::Lease;
use crate::profile::{Profile, Watchdog};

/// The instruments of a real rig.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Live {
    /// how many times faster than the wall clock the rig runs: 1, but for a simulated rig that is served
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub speed: u32,
    /// the CAN bus of the battery
    pub can: CanPlace,
    /// the supply that plays the sun, where there is one
    pub psu: Option<PsuPlace>,
    /// the GX, where there is one
    pub gx: Option<GxPlace>,
    /// what stands around the battery
    pub site: House,
    /// what is switched, and how
    #[serde(default)]
    pub switches: Switches,
    /// who does what the rig cannot do by itself
    #[serde(default)]
    pub operator: OperatorPlace,
    /// who hands them out, as `lease:` of the rig file says
    #[serde(skip)]
    pub lease: Option<Lease>,
}

const fn one() -> u32 {
    1
}

/// Where the CAN bus is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum CanPlace {
    /// an interface of the Linux kernel, such as `can0`
    Interface(String),
    /// the serial port of an SLCAN adapter; best by its name under `/dev/serial/by-id`
    Slcan(String),
}

impl CanPlace {
    /// The serial port of its adapter; none for an interface of the kernel.
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        match self {
            Self::Slcan(path) => Some(path),
            Self::Interface(_) => None,
        }
    }
}

/// The supply: which, where, and how far it may go.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PsuPlace {
    /// name of its profile in `rigs/psu`
    pub profile: String,
    /// where it is connected
    pub port: PsuPort,
    /// voltage it is set to whenever there is sun: near the maximum power point of the panels it stands for
    pub voltage: Volts,
    /// over-voltage protection, set before the output is switched on
    pub over_voltage: Volts,
    /// over-current protection, set before the output is switched on
    pub over_current: Amps,
    /// over-power protection, set before the output is switched on; only where its profile has one
    pub over_power: Option<Watts>,
    /// below this the terminals may be touched, and the supply counts as off
    pub safe_voltage: Volts,
    /// how long the terminals may take to fall below that
    pub safe_within: Micros,
    /// the supply switches off by itself when it hears nothing for so long; only where its profile has a watchdog. It is
    /// seen to trip before the first case of a run; where it does not, nothing runs unless there is one of the next two
    pub watchdog: Option<Micros>,
    /// what else switches it off when everything that speaks to it is dead, in words: a relay, an emergency stop
    pub interlock: Option<String>,
    /// why nothing else has to, in words; there must be a watchdog, an interlock or this
    pub accepted_risk: Option<String>,
    /// least time between a reply or a command and the next command, where it is not that of the profile: an adapter or a
    /// long line takes more
    pub gap: Option<Micros>,
    /// latest end of a reply, where it is not that of the profile
    pub reply_within: Option<Micros>,
    /// the guard switches off when it hears nothing of the harness for so long
    #[serde(default = "heartbeat")]
    pub heartbeat_within: Micros,
}

const fn heartbeat() -> Micros {
    Micros::from_secs(1)
}

impl PsuPlace {
    /// A profile with what this place says of its line.
    #[must_use]
    pub fn applied_to(&self, mut profile: Profile) -> Profile {
        profile.line.gap = self.gap.unwrap_or(profile.line.gap);
        profile.line.reply_within = self.reply_within.unwrap_or(profile.line.reply_within);
        profile
    }

    /// What switches it off when the harness and its guard are dead, in words. `proven` is when its watchdog was seen to
    /// trip.
    #[must_use]
    pub fn last_resort(&self, proven: Option<&str>) -> String {
        let watchdog = self.watchdog.map(|span| {
            let proof =
                proven.map_or("not proven to trip".to_owned(), |at| format!("proven to trip at {at}"));
            format!("its own watchdog after {} s, {proof}", span.secs())
        });
        watchdog.into_iter().chain(self.another_resort()).collect::<Vec<_>>().join("; ")
    }

    /// How long the supply is kept silent before the first case of a run, to see its watchdog trip.
    #[must_use]
    pub fn silent_for(&self) -> Option<Micros> {
        self.watchdog.map(Watchdog::silence)
    }

    /// Whether the rig file says what there is besides a watchdog.
    #[must_use]
    pub fn has_another_resort(&self) -> bool {
        self.another_resort().is_some()
    }

    fn another_resort(&self) -> Option<String> {
        let said = |words: &Option<String>| {
            words.as_deref().map(str::trim).filter(|words| !words.is_empty()).map(str::to_owned)
        };
        let risk =
            || said(&self.accepted_risk).map(|reason| format!("nothing; the risk is accepted: {reason}"));
        said(&self.interlock).or_else(risk)
    }
}

/// An SLCAN adapter is asked for its status flags at most so often: each question and its answer take a millisecond of a
/// serial line.
pub const ASK_FLAGS_SLOWLY: Micros = Micros::from_millis(20);

/// Where a supply is connected.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    untagged,
    expecting = "a port is `{ serial: /dev/serial/by-id/… }` or `{ tcp: 10.0.0.5:5025 }`, the address in numbers"
)]
pub enum PsuPort {
    /// a serial port
    Serial {
        /// best by its name under `/dev/serial/by-id`
        serial: String,
        /// bits a second, where it is not set as the profile says
        baud: Option<u32>,
    },
    /// raw text over TCP
    Tcp {
        /// address and port, such as `10.0.0.5:5025`
        #[schemars(with = "String")]
        tcp: SocketAddr,
    },
}

impl PsuPort {
    /// The serial port; none for a supply over TCP.
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        match self {
            Self::Serial { serial, .. } => Some(serial),
            Self::Tcp { .. } => None,
        }
    }
}

/// The GX.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GxPlace {
    /// host and port of Modbus-TCP, such as `192.168.1.20:502`; port 502 where none is named
    pub address: String,
    /// which unit is what
    pub units: UnitIds,
}

/// What stands around the battery.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct House {
    /// nominal AC voltage
    pub mains_voltage: Volts,
    /// continuous power of the inverter
    pub inverter_power: Watts,
    /// AC input current limit when no case asks for another
    pub input_current_limit: Amps,
    /// the most that the solar charger takes
    pub solar_power: Watts,
    /// the most that the solar charger charges with
    pub solar_current: Amps,
    /// DC voltage below which the inverter switches off by itself; a verdict that it keeps from being reached names it
    pub inverter_off: Option<Volts>,
    /// DC voltage from which it starts again
    pub inverter_on: Option<Volts>,
    /// both are lowered for a battery that declares less: so in the simulated world, where nobody else does it
    #[serde(skip)]
    pub inverter_set_for_battery: bool,
    /// how long it waits before it connects to a grid that is back, by its grid code
    pub inverter_reconnect: Option<Micros>,
}

/// What is switched, and how.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Switches {
    /// loads on the AC output; those that together make the power that a case asks for are switched on
    #[serde(default)]
    pub ac_load: Vec<LoadSwitch>,
    /// cuts the mains when it is switched on, so that they stay connected when nobody switches
    pub grid_cut: Option<Switch>,
}

/// A load.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LoadSwitch {
    /// its power
    pub power: Watts,
    /// what switches it on
    pub by: Switch,
}

/// What switches. Relays are those of the GX, which also reaches other devices.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Switch {
    /// relay 1 or 2 of the GX (system registers 806, 807); its function must be set to Manual there
    GxRelay(#[schemars(range(min = 1, max = 2))] u8),
    /// a coil of another Modbus-TCP device
    Coil {
        /// host and port; port 502 where none is named
        address: String,
        /// unit id
        unit: u8,
        /// number of the coil, counted from 0
        number: u16,
    },
}

/// Who does what the rig cannot do by itself.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum OperatorPlace {
    /// nobody
    #[default]
    None,
    /// whoever sits at the terminal that busbar runs in
    Terminal {
        /// how long an answer may take
        timeout: Micros,
    },
    /// a program that listens and speaks the protocol of operators
    Tcp {
        /// address and port, such as `127.0.0.1:1503`
        #[schemars(with = "String")]
        address: SocketAddr,
        /// how long an answer may take
        timeout: Micros,
    },
}

impl OperatorPlace {
    /// Whether anybody is there.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        !matches!(self, Self::None)
    }
}

impl Live {
    /// Checks that each number of the rig may be one of a bench.
    pub(crate) fn check_numbers(&self, rig: &RigFile, layers: &Layers) -> Result<(), YamlError> {
        if !(1..=1000).contains(&self.speed) {
            let message = format!("the rig cannot run {} times faster", self.speed);
            return Err(layers.refuse("live.speed", message, "1 to 1000"));
        }
        bounds::numbers(self, rig, layers)
    }

    /// Checks what serde cannot: that claims are kept and numbers lie within the limits of the rig.
    pub(crate) fn check(&self, rig: &RigFile, layers: &Layers) -> Result<(), YamlError> {
        let refuse =
            |path: &str, message: String, expected: &str| Err(layers.refuse(path, message, expected));
        if !rig.sweep.is_empty() {
            let message = "nothing of a real rig is drawn by a seed".to_owned();
            return refuse("sweep", message, "no `sweep:` beside `live:`");
        }
        for &capability in &rig.capabilities {
            if !self.has(capability) {
                let name = capability.name();
                return refuse(
                    "capabilities",
                    format!("the rig claims `{name}` and has nothing that does it"),
                    needed_for(capability),
                );
            }
        }
        if let Some(psu) = &self.psu {
            let limits = &rig.limits;
            if psu.over_current.0 <= limits.at_most(Channel::SupplyCurrent) {
                let message =
                    format!("{} would trip before the limit of the rig is reached", psu.over_current);
                return refuse(
                    "live.psu.over-current",
                    message,
                    "more than `at-most` of `limits.supply.current`",
                );
            }
            if let Some(watts) = psu.over_power.filter(|watts| *watts <= limits.pv_power_max) {
                let message = format!("{watts} would trip before the limit of the rig is reached");
                return refuse("live.psu.over-power", message, "more than `limits.pv-power-max`");
            }
            if psu.last_resort(None).is_empty() {
                let message = "nothing switches the supply off when harness and guard are dead".to_owned();
                let expected = "`watchdog: 10 s` where its profile has one, `interlock:` with what cuts it, or \
                                `accepted-risk:` with the reason";
                return refuse("live.psu", message, expected);
            }
            if psu.gap.is_some_and(|gap| gap > GAP_MOST) {
                let message = "no supply needs such a pause".to_owned();
                return refuse("live.psu.gap", message, "at most 1 s");
            }
            let replies = psu.reply_within.is_none_or(|within| (REPLIES.0..=REPLIES.1).contains(&within));
            if !replies {
                let message = "no answer can be waited for so".to_owned();
                return refuse("live.psu.reply-within", message, "50 ms to 30 s");
            }
            if !(HEARTBEATS.0..=HEARTBEATS.1).contains(&psu.heartbeat_within) {
                let message = format!("the guard cannot wait {} for a heartbeat", psu.heartbeat_within);
                return refuse(
                    "live.psu.heartbeat-within",
                    message,
                    "250 ms to 10 s: it beats ten times a second",
                );
            }
            let ordered = [
                ("live.psu.voltage", psu.voltage, psu.over_voltage, "less than `over-voltage`"),
                (
                    "live.psu.voltage",
                    psu.voltage,
                    Volts(limits.at_most(Channel::SupplyVoltage)),
                    "less than `at-most` of `limits.supply.voltage`",
                ),
                ("live.psu.safe-voltage", psu.safe_voltage, psu.voltage, "less than `voltage`"),
            ];
            for (path, low, high, expected) in ordered {
                if low >= high || low <= Volts::ZERO {
                    return refuse(path, format!("{low} leaves no room below {high}"), expected);
                }
            }
        }
        let wrong = |switch: &Switch| matches!(switch, Switch::GxRelay(number) if !(1..=2).contains(number));
        if self.switches.all().any(wrong) {
            let message = "a GX has two relays".to_owned();
            return refuse("live.switches", message, "`gx-relay: 1` or `gx-relay: 2`");
        }
        if self.gx.is_none() && self.switches.all().next().is_some() {
            let message = "without a GX nothing is switched over Modbus".to_owned();
            return refuse("live.switches", message, "`live.gx`, or no switches");
        }
        bounds::check(self, rig, layers)
    }

    /// Whether anything of the rig does this.
    fn has(&self, capability: Capability) -> bool {
        let operator = self.operator.is_there();
        match capability {
            Capability::Pv => self.psu.is_some(),
            Capability::Gx => self.gx.is_some(),
            Capability::Grid => self.switches.grid_cut.is_some() || operator,
            Capability::AcLoad => !self.switches.ac_load.is_empty() || operator,
            Capability::Operator => operator,
            // Only a program can do these in time.
            Capability::AcPv | Capability::Silence | Capability::Inject | Capability::Imbalance => {
                matches!(self.operator, OperatorPlace::Tcp { .. })
            }
        }
    }

    /// The switches that together make a load of this power; nothing when none do. No load takes none.
    #[must_use]
    pub fn load(&self, power: Watts) -> Option<Vec<&Switch>> {
        // Powers are names here: they are compared as they are written.
        const SAME: Watts = Watts(0.5);
        let loads = &self.switches.ac_load;
        let sets = 0..1_u32 << loads.len().min(MOST_LOADS);
        let chosen =
            |set: u32| loads.iter().enumerate().filter(move |(i, _)| set >> i & 1 == 1).map(|(_, load)| load);
        sets.into_iter()
            .find(|&set| {
                let sum = chosen(set).fold(Watts::ZERO, |sum, load| sum + load.power);
                (sum - power).abs() < SAME
            })
            .map(|set| chosen(set).map(|load| &load.by).collect())
    }
}

/// More loads than that are not combined.
const MOST_LOADS: usize = 12;

impl Switches {
    /// Every switch.
    pub fn all(&self) -> impl Iterator<Item = &Switch> {
        self.ac_load.iter().map(|load| &load.by).chain(&self.grid_cut)
    }
}

/// The longest pause before each command; a reading takes about ten.
const GAP_MOST: Micros = Micros::from_secs(1);
/// How long a reply may take.
const REPLIES: (Micros, Micros) = (Micros::from_millis(50), Micros::from_secs(30));
/// How long a guard may wait for a heartbeat that comes ten times a second.
const HEARTBEATS: (Micros, Micros) = (Micros::from_millis(250), Micros::from_secs(10));

const fn needed_for(capability: Capability) -> &'static str {
    match capability {
        Capability::Pv => "`live.psu`, or `pv` left out",
        Capability::Gx => "`live.gx`, or `gx` left out",
        Capability::Grid => "`live.switches.grid-cut` or `live.operator`, or `grid` left out",
        Capability::AcLoad => "`live.switches.ac-load` or `live.operator`, or `ac-load` left out",
        Capability::Operator => "`live.operator`, or `operator` left out",
        Capability::AcPv | Capability::Silence | Capability::Inject | Capability::Imbalance => {
            "`live.operator: { tcp: … }`, or the capability left out"
        }
    }
}
