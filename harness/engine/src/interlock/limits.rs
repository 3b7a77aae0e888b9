//! The limits of a rig as its file states them.

use std::collections::BTreeMap;

use core::fmt;

use judge::witness::Protocol;
use proto::channel::{Channel, Kind, Source};
use proto::message::id;
use proto::quantity::{Amps, Celsius, Dimension, Micros, Volts, Watts};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

use super::rules::{RULES, Rule, Side};

/// The limits of a rig: `limits:` of its file. They protect the bench and the battery on it; they say nothing
/// about whether the battery behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct RigLimits {
    /// where measured quantities must stay, whatever a suite does
    pub rows: BTreeMap<Channel, Limit>,
    /// largest PV power that a suite may ask for
    pub pv_power_max: Watts,
    /// largest AC load that a suite may ask for
    pub ac_load_max: Watts,
    /// largest AC input current limit that a suite may ask for
    pub input_current_limit_max: Amps,
    /// how much more power the supply may measure at its terminals than it is set to, for longer than 10 s
    pub psu_deviation_max: Watts,
    /// longest time that its output may be on without a break
    pub energised_max: Micros,
    /// how far and how long a suite may make readings untrue on which these limits rest
    pub faking: Faking,
}

/// Where one quantity must stay, in its base unit, and how old its reading may be.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limit {
    /// no more than this
    pub at_most: Option<f64>,
    /// no less than this
    pub at_least: Option<f64>,
    /// longest time without a reading; left out: as the instrument that tells it is read
    pub silence: Option<Micros>,
}

/// What a suite may do to readings on which limits rest: `limits.faking` of a rig file. A suite that needs more is refused
/// on this rig before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Faking {
    /// longest time in which a suite may leave a limit without any instrument that tells it truly
    pub span: Micros,
    /// most that a cell may be made to read wrong; the reading itself may exceed its limit by no more
    pub cell_voltage: Volts,
    /// the same for the voltage of the pack
    pub pack_voltage: Volts,
    /// the same for its current
    pub current: Amps,
    /// the same for its temperatures, an open or a shorted sensor included
    pub temperature: Celsius,
}

/// Five minutes, and what the shipped suites need, with room for larger batteries.
impl Default for Faking {
    fn default() -> Self {
        Self {
            span: Micros::from_secs(300),
            cell_voltage: Volts(1.0),
            pack_voltage: Volts(10.0),
            current: Amps(1000.0),
            temperature: Celsius(100.0),
        }
    }
}

/// Assumption: the meters of a supply of 6 kW are within 2 % each, and its steps within 1 %.
const DEVIATION: Watts = Watts(300.0);
/// Longer than any case of a night.
const ENERGISED: Micros = Micros::from_secs(24 * 3600);
/// Assumption: a battery sends 0x356 at least once in 10 s.
const MEASUREMENTS: Micros = Micros::from_secs(30);
/// Some batteries send 0x373 once a minute.
const SELDOM: Micros = Micros::from_secs(70);
/// A supply is read once a second on most rigs.
const SUPPLY: Micros = Micros::from_secs(10);

impl RigLimits {
    /// The most that a quantity may be, in its base unit; infinite where nothing bounds it.
    #[must_use]
    pub fn at_most(&self, channel: Channel) -> f64 {
        self.rows.get(&channel).and_then(|limit| limit.at_most).unwrap_or(f64::INFINITY)
    }

    /// The least that it may be.
    #[must_use]
    pub fn at_least(&self, channel: Channel) -> f64 {
        self.rows.get(&channel).and_then(|limit| limit.at_least).unwrap_or(f64::NEG_INFINITY)
    }

    /// The longest time without a reading of it. Where the file does not say: twice the time without 0x351, 30 s for
    /// 0x356 and 70 s for 0x373 at least; the time without the GX; 10 s for a supply at least; 3 s for a witness.
    #[must_use]
    pub fn age(&self, channel: Channel) -> Micros {
        let said = |channel| self.rows.get(&channel).and_then(|limit| limit.silence);
        let gx = || said(Channel::GxAnswers).unwrap_or_default();
        let twice = || Micros(said(Channel::Cvl).unwrap_or_default().0 * 2);
        said(channel).unwrap_or_else(|| match channel.row().source {
            // A battery that falls silent altogether is told by 0x351 first.
            Source::Battery(id::CELLS) => SELDOM.max(twice()),
            Source::Battery(_) => MEASUREMENTS.max(twice()),
            Source::Gx(_) | Source::Interface => gx(),
            Source::Supply => SUPPLY.max(gx()),
            Source::Witness(_) => Protocol::VeDirect.row().fresh,
        })
    }

    /// What this file makes milder than it is where a file says nothing, in words.
    #[must_use]
    pub fn milder_than_usual(&self) -> Vec<String> {
        let (usual, faking) = (Faking::default(), &self.faking);
        let mut found: Vec<String> = [
            ("psu-deviation-max", self.psu_deviation_max.0, DEVIATION.0, "W"),
            ("energised-max", self.energised_max.secs(), ENERGISED.secs(), "s"),
            ("faking.span", faking.span.secs(), usual.span.secs(), "s"),
            ("faking.cell-voltage", faking.cell_voltage.0, usual.cell_voltage.0, "V"),
            ("faking.pack-voltage", faking.pack_voltage.0, usual.pack_voltage.0, "V"),
            ("faking.current", faking.current.0, usual.current.0, "A"),
            ("faking.temperature", faking.temperature.0, usual.temperature.0, "°C"),
        ]
        .into_iter()
        .filter(|(_, ours, usual, _)| ours > usual)
        .map(|(name, ours, usual, unit)| format!("`{name}` is {ours} {unit}, usual is {usual} {unit}"))
        .collect();
        for (channel, said) in self.rows.iter().filter_map(|(channel, row)| Some((channel, row.silence?))) {
            let mut silent = self.clone();
            silent.rows.insert(*channel, Limit { silence: None, ..self.rows[channel] });
            // Of these two a file always says it.
            let usual = silent.age(*channel);
            if said > usual && ![Channel::Cvl, Channel::GxAnswers].contains(channel) {
                let (key, said, usual) = (channel.key(), said.span(), usual.span());
                found.push(format!("`{key}.silence` is {said}, usual is {usual}"));
            }
        }
        found
    }

    /// Checks that the limits leave room to work in.
    ///
    /// # Errors
    /// What is missing, or the pair that leaves none.
    pub fn check(&self) -> Result<(), LimitsError> {
        let given = |rule: &Rule, side| self.rows.get(&rule.channel).is_some_and(|limit| limit.has(side));
        for rule in &RULES {
            if let Some((side, _)) = rule.required.iter().find(|(side, _)| !given(rule, *side)) {
                return Err(LimitsError::Missing(format!("{}.{}", rule.channel.key(), side.name())));
            }
        }
        let faking = &self.faking;
        // Which one is wrong where the order is, by its name; what it must be.
        let above = |name: String, low: &str, least: f64, value: f64| {
            (name, format!("more than {low}"), least, value)
        };
        let mut ordered = vec![
            above("psu-deviation-max".to_owned(), "0", 0.0, self.psu_deviation_max.0),
            above("energised-max".to_owned(), "0", 0.0, self.energised_max.secs()),
        ];
        let faked = [
            ("cell-voltage", faking.cell_voltage.0),
            ("pack-voltage", faking.pack_voltage.0),
            ("current", faking.current.0),
            ("temperature", faking.temperature.0),
        ];
        // None at all is a bound too.
        ordered.extend(faked.map(|(key, value)| above(format!("faking.{key}"), "-1", -1.0, value)));
        for (&channel, limit) in &self.rows {
            let name = |side: Side| format!("{}.{}", channel.key(), side.name());
            // What charges is positive, what discharges negative, and a voltage is never below zero.
            if let (Some(most), false) = (limit.at_most, channel.unit() == Celsius::UNIT) {
                ordered.push(above(name(Side::AtMost), "0", 0.0, most));
            }
            if let (Some(least), Amps::UNIT) = (limit.at_least, channel.unit()) {
                ordered.push((name(Side::AtLeast), "less than 0".to_owned(), least, 0.0));
            }
            // The highest cell is at or above the lowest.
            let other = if channel == Channel::MaxCell { Channel::MinCell } else { channel };
            let least = self.at_least(other);
            let below = format!("`{}.{}`", other.key(), Side::AtLeast.name());
            if limit.at_most.is_some() && least > f64::NEG_INFINITY {
                ordered.push(above(name(Side::AtMost), &below, least, self.at_most(channel)));
            }
            ordered.push(above(name(Side::Silence), "0", 0.0, self.age(channel).secs()));
        }
        ordered
            .into_iter()
            .find(|(_, _, low, high)| low >= high)
            .map_or(Ok(()), |(name, must, ..)| Err(LimitsError::NoRoom { name, must }))
    }
}

impl Limit {
    const fn has(&self, side: Side) -> bool {
        match side {
            Side::AtMost => self.at_most.is_some(),
            Side::AtLeast => self.at_least.is_some(),
            Side::Silence => self.silence.is_some(),
        }
    }
}

/// Limits that leave no room, or are not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// Nothing lies between it and another one.
    #[error("the rig's limits leave no room: `{name}` must be {must}; correct `limits:` of the rig file")]
    NoRoom {
        /// the one that is wrong
        name: String,
        /// what it must be
        must: String,
    },
    /// One that every rig has.
    #[error("the rig's limits lack `{0}`; write it into `limits:` of the rig file")]
    Missing(String),
}

/// What a rig can be held to: what an instrument measures itself, in numbers, and whether it is heard at all. What the GX
/// repeats of the battery is no second instrument.
pub(super) fn limited() -> impl Iterator<Item = Channel> {
    Channel::ALL.into_iter().filter(|channel| {
        let row = channel.row();
        let measured = matches!(row.kind, Kind::Number { .. }) && row.repeats.is_none();
        (measured && row.source != Source::Interface) || *channel == Channel::GxAnswers
    })
}

/// The keys of `limits:` that are no rows.
const SETTINGS: [&str; 6] = [
    "pv-power-max",
    "ac-load-max",
    "input-current-limit-max",
    "psu-deviation-max",
    "energised-max",
    "faking",
];

impl<'de> Deserialize<'de> for RigLimits {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_map(Rows)
    }
}

struct Rows;

impl<'de> Visitor<'de> for Rows {
    type Value = RigLimits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("limits such as `battery.voltage: { at-most: 60 V }`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RigLimits, A::Error> {
        let [pv, load, input, deviation, energised, faking] = SETTINGS;
        let (mut most_pv, mut most_load, mut most_input) = (None, None, None);
        let mut limits = RigLimits {
            rows: BTreeMap::new(),
            pv_power_max: Watts::ZERO,
            ac_load_max: Watts::ZERO,
            input_current_limit_max: Amps::ZERO,
            psu_deviation_max: DEVIATION,
            energised_max: ENERGISED,
            faking: Faking::default(),
        };
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                key if key == pv => most_pv = Some(map.next_value()?),
                key if key == load => most_load = Some(map.next_value()?),
                key if key == input => most_input = Some(map.next_value()?),
                key if key == deviation => limits.psu_deviation_max = map.next_value()?,
                key if key == energised => limits.energised_max = map.next_value()?,
                key if key == faking => limits.faking = map.next_value()?,
                key => {
                    let Some(channel) = limited().find(|channel| channel.key() == key) else {
                        return Err(A::Error::unknown_field(key, known()));
                    };
                    limits.rows.insert(channel, map.next_value_seed(Of(channel))?);
                }
            }
        }
        limits.pv_power_max = most_pv.ok_or_else(|| A::Error::missing_field(pv))?;
        limits.ac_load_max = most_load.ok_or_else(|| A::Error::missing_field(load))?;
        limits.input_current_limit_max = most_input.ok_or_else(|| A::Error::missing_field(input))?;
        Ok(limits)
    }
}

/// Every key of `limits:`.
fn known() -> &'static [&'static str] {
    static KNOWN: std::sync::LazyLock<Vec<&str>> =
        std::sync::LazyLock::new(|| limited().map(Channel::key).chain(SETTINGS).collect());
    &KNOWN
}

/// Reads the limit of a channel.
struct Of(Channel);

impl Of {
    /// The sides that its limit may have. Of an answer nothing is told but that it came.
    fn sides(&self) -> &'static [&'static str] {
        const ALL: [&str; 3] = [Side::Silence.name(), Side::AtMost.name(), Side::AtLeast.name()];
        if self.dimension().is_some() { &ALL } else { &ALL[..1] }
    }

    const fn dimension(&self) -> Option<&'static Dimension> {
        match self.0.row().kind {
            Kind::Number { dimension, .. } => Some(dimension),
            _ => None,
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        let mut properties = serde_json::Map::new();
        for side in self.sides() {
            let schema = match self.dimension() {
                Some(dimension) if *side != Side::Silence.name() => dimension.schema(),
                _ => generator.subschema_for::<Micros>(),
            };
            properties.insert((*side).to_owned(), schema.to_value());
        }
        json_schema!({
            "type": "object",
            "description": self.0.row().meaning.trim(),
            "properties": properties,
            "minProperties": 1,
            "additionalProperties": false,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Of {
    type Value = Limit;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Limit, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Of {
    type Value = Limit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a limit such as `{ at-most: 60 V, silence: 30 s }`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Limit, A::Error> {
        let mut limit = Limit::default();
        while let Some(key) = map.next_key::<String>()? {
            let side = self.sides().iter().find(|side| **side == key);
            match (side, self.dimension()) {
                (Some(&"at-most"), Some(dimension)) => limit.at_most = Some(map.next_value_seed(dimension)?),
                (Some(&"at-least"), Some(dimension)) => {
                    limit.at_least = Some(map.next_value_seed(dimension)?)
                }
                (Some(_), _) => limit.silence = Some(map.next_value()?),
                (None, _) => return Err(A::Error::unknown_field(&key, self.sides())),
            }
        }
        Ok(limit)
    }
}

impl JsonSchema for RigLimits {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RigLimits".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let [pv, load, input, deviation, energised, faking] = SETTINGS;
        let mut properties: serde_json::Map<_, _> = limited()
            .map(|channel| (channel.key().to_owned(), Of(channel).schema(generator).to_value()))
            .collect();
        let settings = [
            (pv, generator.subschema_for::<Watts>(), "largest PV power that a suite may ask for"),
            (load, generator.subschema_for::<Watts>(), "largest AC load that a suite may ask for"),
            (
                input,
                generator.subschema_for::<Amps>(),
                "largest AC input current limit that a suite may ask for",
            ),
            (
                deviation,
                generator.subschema_for::<Watts>(),
                "how much more power the supply may measure at its terminals than it is set to, for longer than 10 s",
            ),
            (
                energised,
                generator.subschema_for::<Micros>(),
                "longest time that its output may be on without a break",
            ),
            (
                faking,
                generator.subschema_for::<Faking>(),
                "how far and how long a suite may make readings untrue on which these limits rest",
            ),
        ];
        for (name, mut schema, description) in settings {
            schema.insert("description".to_owned(), description.into());
            properties.insert(name.to_owned(), schema.to_value());
        }
        let rules = RULES.iter().filter(|rule| !rule.required.is_empty()).map(|rule| rule.channel.key());
        let required: Vec<_> = rules.chain([pv, load, input]).collect();
        json_schema!({
            "type": "object",
            "description": "The limits of a rig: where measured quantities must stay, whatever a suite does, and how old their readings may be.",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    }
}

/// Where a limit of a file of before belongs, by its name there: under which keys of `limits:`, and as what.
#[must_use]
pub fn respelled(name: &str, value: &str) -> Vec<(&'static str, &'static str, String)> {
    let homes = RULES.iter().flat_map(|rule| rule.names().map(move |(side, name)| (rule, side, name)));
    let homes = homes.filter(|(.., before)| *before == name);
    homes
        .map(|(rule, side, _)| {
            let value = value.trim_matches(['"', '\'']);
            // A discharge current stood there as a magnitude.
            let text =
                if rule.reversed && side == Side::AtLeast { format!("-{value}") } else { value.to_owned() };
            (rule.channel.key(), side.name(), text)
        })
        .collect()
}
