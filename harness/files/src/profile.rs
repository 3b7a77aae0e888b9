//! Profiles of supplies, `rigs/psu/*.yaml`: every word that is sent to one, and how it answers.

mod check;
mod source;

pub use source::{Backed, Source};

use std::collections::BTreeMap;

use proto::quantity::{Amps, Micros, Percent, Volts, Watts};
use proto::scpi::{
    Alarm, Arguments, CommandError, Dialect, Ending, Field, Reply, ReplyError, Template, Terminator, Units,
    Word,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// A family of supplies that understand the same words.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Busbar PSU profile")]
pub struct Profile {
    /// name, as a rig file gives it
    pub psu_profile: String,
    /// maker and models
    pub title: String,
    /// how sure this is
    pub status: Status,
    /// where the words were found
    pub source: String,
    /// where each word was found: a manual with its section, a driver; and the keys that are from there. A key stands for
    /// all below it. What stands neither here nor in `assumed` is a guess
    #[serde(default)]
    pub sources: BTreeMap<String, Vec<String>>,
    /// the recorded dialogue with a real supply that confirmed it, a file of `psu/tests/dialogues`
    pub dialogue: Option<String>,
    /// the keys below whose words or numbers are assumptions: no manual or driver has them
    #[serde(default)]
    pub assumed: Vec<String>,
    /// settings of the serial port
    pub serial: SerialPort,
    /// port for raw text over TCP, where the supply has one
    pub tcp_port: Option<u16>,
    /// how lines look and how long they take
    pub line: LineRules,
    /// how long it may take until it reads back what it was told: a relay that closes, a front panel that gives way. It
    /// is asked until then; an answer that is still another one is an error
    #[serde(default = "settle")]
    pub settle: Micros,
    /// number of the output or address on the line where the rig file gives none
    pub channel: Option<Word>,
    /// sent before everything else, after opening and after every loss of step
    #[serde(default)]
    pub begin: Vec<Template>,
    /// which output is spoken to, where the supply has several that are chosen by a command of `begin`: asked before
    /// everything that is set or read, since somebody may choose another one at the front panel
    pub selected: Option<Verify>,
    /// who it is
    pub identify: Identify,
    /// what it can; the doctor holds it against the rig
    pub rating: Option<Rating>,
    /// remote control, where it must be taken
    pub lock: Option<Lock>,
    /// the output
    pub output: Output,
    /// voltage setting
    pub voltage: Setting<Volts>,
    /// current limit
    pub current: Setting<Amps>,
    /// ranges of the output, where it has several
    pub ranges: Option<Ranges>,
    /// power limit, where it has one
    pub power: Option<Setting<Watts>>,
    /// what it measures at its terminals
    pub measure: Measure,
    /// what makes it switch off by itself
    pub protection: Protection,
    /// the error queue; absent where every answer says by itself whether there was an error
    pub errors: Option<ErrorQueue>,
    /// the question for the event register whose bit 7 tells of a reboot (IEEE 488.2, 11.5.1)
    pub events: Option<Template>,
    /// switches the output off when nobody speaks to it
    pub watchdog: Option<Watchdog>,
    /// how the simulated supply of this family answers, after its manual; absent: `busbar serve` cannot play it
    pub simulated: Option<Dialect>,
}

/// What a supply may take where its profile says nothing (assumption: relays and front panels take 0.5 s in the field).
const fn settle() -> Micros {
    Micros::from_secs(1)
}

/// How sure a profile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// written after manuals and other drivers; no bench has confirmed it
    Documented,
    /// seen to work with the real supply
    Confirmed,
}

impl Status {
    /// The word in files and lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Confirmed => "confirmed",
        }
    }
}

/// Settings of the serial port.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SerialPort {
    /// bits a second
    pub baud: u32,
    /// 1 or 2
    #[schemars(range(min = 1, max = 2))]
    pub stop_bits: u8,
    /// whether the supply only talks while DTR is raised
    #[serde(default)]
    pub dtr: bool,
}

/// How lines look and how long they take.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LineRules {
    /// what ends a line that is sent
    pub send: Terminator,
    /// what ends an answer
    pub receive: Ending,
    /// least time between a reply or a command and the next command
    pub gap: Micros,
    /// latest end of a reply, from the start of the question
    pub reply_within: Micros,
    /// silence after which nothing late is to come
    pub quiet: Micros,
    /// whether replies carry units
    #[serde(default)]
    pub units: Units,
    /// whether it sends back every line that it is sent, before it answers
    #[serde(default)]
    pub echo: bool,
    /// what it prints before or after each answer, as a console does: `">"`. Blanks around it do not matter
    #[serde(default)]
    pub prompt: String,
    /// whether NUL bytes in its answers are padding. Elsewhere a wrong baud rate or a bad line makes them of digits, and
    /// an answer with one is refused
    #[serde(default)]
    pub nul_padding: bool,
    /// whether a number may have the name of what it is in front, as in `V1 12.00` (TTi, `SYST:HEAD ON`)
    #[serde(default)]
    pub header: bool,
    /// what every command that is no question is answered with; absent where there is no answer
    pub acknowledge: Option<Acknowledge>,
    /// how lines begin that the supply sends without being asked: they are kept as notices, and answer nothing. Any other
    /// line that nobody asked for is taken for a wrong answer. An empty list says that no manual and no driver has one
    pub unsolicited: Vec<String>,
}

/// Answers to commands.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Acknowledge {
    /// it was done
    pub done: String,
    /// how refusals begin
    pub refused: Vec<String>,
}

/// Who it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Identify {
    /// questions whose answers, with commas between, are maker, model, serial number and firmware
    pub ask: Vec<Template>,
    /// how the model or the maker begins; empty: any supply
    #[serde(default)]
    pub begins: Vec<String>,
    /// the fields of the answer, where they come in another order than the standard's; commas beyond them belong to the first
    pub order: Option<Vec<Field>>,
}

/// Remote control.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lock {
    /// take it
    pub take: Vec<Template>,
    /// who has it
    pub verify: Option<Verify>,
    /// give it back
    pub release: Vec<Template>,
}

/// A question and the one right answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Verify {
    /// the question
    pub ask: Template,
    /// the answer
    pub answer: String,
}

/// A command, and the one right answer to the question for what became of it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Told {
    /// the command
    pub set: Template,
    /// the question
    pub ask: Template,
    /// the answer, in capitals or not
    pub answer: String,
}

/// The output.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Output {
    /// switch on
    pub on: Template,
    /// switch off
    pub off: Template,
    /// on or off?
    pub ask: Template,
    /// the bit of the answer that says so, where the answer is a register
    pub state: Option<Bit>,
}

/// What a supply can, as it says itself.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rating {
    /// question for the highest voltage
    pub voltage: Option<Template>,
    /// question for the highest current
    pub current: Option<Template>,
    /// question for the highest power
    pub power: Option<Template>,
    /// the first two numbers in the name of its model are volts and amperes, as in `GEN200-60`
    #[serde(default)]
    pub in_model: bool,
}

/// One of the ranges between which the output is switched.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Range {
    /// switch to it; only with the output off
    pub set: Template,
    /// the answer to `ranges.ask` in it
    pub answer: String,
    /// its highest voltage
    pub voltage: Volts,
    /// its highest current
    pub current: Amps,
}

/// Ranges of the output. The first one that the settings of the rig fit into is switched to before anything is set.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ranges {
    /// the question for the present one
    pub ask: Template,
    /// each, the one that is preferred first
    pub each: Vec<Range>,
}

/// How the number of a register is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// in decimal digits
    #[default]
    Decimal,
    /// in hexadecimal digits
    Hexadecimal,
    /// bit by bit, the highest first: `00100100`
    Bits,
    /// as one byte
    Byte,
}

impl Form {
    /// Reads an answer that is a register in this form.
    ///
    /// # Errors
    /// When the answer is no register in this form.
    pub fn read(self, reply: Reply<'_>) -> Result<u32, ReplyError> {
        match self {
            Self::Decimal => reply.register(),
            Self::Hexadecimal => reply.hex_register(),
            Self::Bits => reply.bit_register(),
            Self::Byte => reply.byte_register(),
        }
    }
}

/// A bit of a register.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bit {
    /// which, counted from 0
    #[schemars(range(max = 31))]
    pub bit: u8,
    /// how the register is written
    #[serde(default)]
    pub form: Form,
    /// whether it is 1 while the output is off
    #[serde(default)]
    pub inverted: bool,
}

/// Something that is set and read back.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Setting<Q> {
    /// set it
    pub set: Template,
    /// read it back
    pub ask: Template,
    /// how far what is read back may lie from what was set, either way: a step of the supply
    pub resolution: Q,
    /// what the answer ends with behind the number, where it is more than a unit
    pub answer_ends: Option<String>,
}

/// Questions for what is measured at the terminals.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Measure {
    /// voltage
    pub voltage: Template,
    /// current
    pub current: Template,
}

/// What makes it switch off by itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Protection {
    /// over-voltage
    pub over_voltage: Guard<Volts>,
    /// the share of its rated voltage by which the level of the over-voltage protection must lie above the setting; it
    /// refuses a nearer one
    pub over_voltage_room: Option<Percent>,
    /// over-current; absent where only the current limit holds
    pub over_current: Option<Guard<Amps>>,
    /// a protection that trips as soon as the current limit holds, where it has one: kept off. A solar charger takes all
    /// that there is, so that a sun runs at its current limit
    pub foldback: Option<Told>,
    /// over-power, where a manual has it: set to `over-power` of the rig file; where that says nothing it stays as it is, and
    /// one that would trip at once is told before the output goes on
    pub over_power: Option<Guard<Watts>>,
    /// questions for what has tripped, each with a manual behind it; where there are none, a trip is told as an output
    /// that went off by itself
    #[serde(default)]
    pub alarms: Vec<AlarmQuestion>,
    /// how a trip is cleared
    pub clear: Clear,
}

/// One protection.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Guard<Q> {
    /// where it trips; absent where it trips at the setting itself
    pub level: Option<Setting<Q>>,
    /// how it is made active; absent where it always is
    pub enable: Option<Enable>,
}

/// Something that is made active and asked for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Enable {
    /// make it active
    pub set: Template,
    /// active or not?
    pub ask: Template,
}

/// A question for what has tripped: a register with its bits, yes and no for one alarm, or a field for each.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlarmQuestion {
    /// the question
    pub ask: Template,
    /// which field of an answer with commas or blanks the register is, counted from 1; absent: the answer has one
    #[schemars(range(min = 1))]
    pub field: Option<usize>,
    /// the bit of each alarm, counted from 0
    #[serde(default)]
    pub bits: BTreeMap<Alarm, u8>,
    /// whether the register is written in hexadecimal digits: `form: hexadecimal`
    #[serde(default)]
    pub hexadecimal: bool,
    /// how the register is written
    #[serde(default)]
    pub form: Form,
    /// the alarm that a yes stands for
    pub yes: Option<Alarm>,
    /// the field of each alarm, counted from 1, in an answer that has a yes or no for each
    #[serde(default)]
    pub fields: BTreeMap<Alarm, usize>,
    /// the one answer that is a yes, where that is not 1, ON or YES
    pub answer: Option<String>,
}

/// How a trip is cleared.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Clear {
    /// commands; the answer to a question among them does not matter
    pub commands: Vec<Template>,
    /// what becomes of the output
    pub then: AfterClear,
}

/// What becomes of the output when a trip is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AfterClear {
    /// it stays off
    StaysOff,
    /// it is as it was before the trip: off only if it was switched off before the trip is cleared
    Restored,
    /// there is no command for it: the trip goes when the output is switched on again
    WhenSwitchedOn,
}

/// The error queue.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ErrorQueue {
    /// the question for the oldest entry
    pub ask: Template,
    /// the answer of an empty queue, as it stands; one with the code 0 counts too
    pub empty: String,
    /// whether reading the queue makes the supply forget its alarms
    #[serde(default)]
    pub acknowledges_alarms: bool,
}

/// Switches the output off when nobody speaks to it. It is proven to trip, with the output off, before the first case of
/// a run: where an alarm `watchdog` tells of it, and it trips with the output off too. Else it counts as not proven, and
/// the rig file must say what else switches the supply off.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Watchdog {
    /// set the time it waits; arms it where there is no `arm`
    pub set: Template,
    /// arm it
    pub arm: Option<Template>,
    /// armed or not?
    pub armed: Option<Template>,
    /// disarm it
    pub disarm: Template,
    /// shortest time it can wait
    pub shortest: Micros,
    /// longest time it can wait
    pub longest: Micros,
    /// whether it only works over the network, not on the serial line
    #[serde(default)]
    pub network_only: bool,
}

impl Watchdog {
    /// How long a supply is kept silent to see its watchdog trip after `span`: a share of it more, as the clock of no
    /// supply is further off, and a second at least, as some count in seconds (assumptions).
    #[must_use]
    pub fn silence(span: Micros) -> Micros {
        /// A fifth of the time.
        const SHARE: u64 = 5;
        span + Micros(span.0 / SHARE) + Micros::from_secs(1)
    }
}

impl Profile {
    /// How sure it is, in words: `documented`, whether a simulated supply was driven with it, and what confirmed it.
    #[must_use]
    pub fn proof(&self) -> String {
        match (&self.dialogue, self.simulated.is_some()) {
            (Some(file), _) => format!("{} by {file}", self.status.name()),
            (None, true) => format!("{}, tried on a fake", self.status.name()),
            (None, false) => format!("{}, never tried", self.status.name()),
        }
    }

    /// Reads and validates the text of a profile.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn parse(file: &str, text: &str) -> Result<Self, engine::yaml::YamlError> {
        let profile: Self = engine::yaml::parse(file, text)?;
        check::check(&profile, file, text)?;
        Ok(profile)
    }

    /// Every command and question that it has, each with the path of its key.
    #[must_use]
    pub fn words(&self) -> Vec<(String, &Template)> {
        check::words(self)
    }

    /// Whether the supply says of itself that this has tripped.
    #[must_use]
    pub fn tells_of(&self, alarm: Alarm) -> bool {
        let mut questions = self.protection.alarms.iter();
        questions.any(|question| {
            question.yes == Some(alarm)
                || question.bits.contains_key(&alarm)
                || question.fields.contains_key(&alarm)
        })
    }

    /// What switches the output off, as the bytes of a whole line.
    pub fn off_line(&self, channel: Option<&Word>) -> Result<Vec<u8>, CommandError> {
        let arguments = Arguments { channel: channel.or(self.channel.as_ref()), ..Arguments::default() };
        let off = self.output.off.command(&arguments)?;
        Ok([off.as_bytes(), self.line.send.bytes()].concat())
    }

    /// JSON schema of a profile, for editors.
    #[must_use]
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }
}
