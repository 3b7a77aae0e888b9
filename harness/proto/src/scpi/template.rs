//! Command lines from templates: `VOLT {volts:2}` and 48 V give `VOLT 48.00`.

use core::fmt::{self, Write as _};
use core::str::FromStr;
use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};

use crate::quantity::{Amps, Micros, Volts, Watts};

/// What a template has a place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// `{volts}`
    Volts,
    /// `{amps}`
    Amps,
    /// `{watts}`
    Watts,
    /// `{seconds}`: a span in whole seconds
    Seconds,
    /// `{milliseconds}`: a span in whole milliseconds
    Milliseconds,
    /// `{channel}`: number of the output, or address on the line
    Channel,
}

/// Every slot with its name.
const SLOTS: &[(&str, Slot)] = &[
    ("volts", Slot::Volts),
    ("amps", Slot::Amps),
    ("watts", Slot::Watts),
    ("seconds", Slot::Seconds),
    ("milliseconds", Slot::Milliseconds),
    ("channel", Slot::Channel),
];

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = SLOTS.iter().find(|(_, slot)| slot == self).map_or("?", |(name, _)| name);
        write!(f, "{{{name}}}")
    }
}

/// Why a text is not a template. The message says what would do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Nothing to send.
    #[error("an empty command")]
    Empty,
    /// A character that would end the command, begin a second one or is not ASCII.
    #[error("{0:?} in a command: a template is one command of printable ASCII, without `;`")]
    Character(char),
    /// Braces that are no slot.
    #[error(
        "`{{{0}}}` is no slot: there is {{volts}}, {{amps}}, {{watts}}, {{seconds}}, {{milliseconds}}, {{channel}}, with decimals as {{volts:2}}"
    )]
    Slot(String),
    /// Longer than any command.
    #[error("a command of {0} characters, at most {LONGEST}")]
    TooLong(usize),
}

/// Why a template and these values make no command.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// A slot without a value.
    #[error("`{template}` needs a value for {slot}")]
    Missing {
        /// the template
        template: String,
        /// the slot
        slot: Slot,
    },
    /// A value that no supply takes.
    #[error("`{template}` cannot take {value}: a number from 0 to {LARGEST}")]
    OutOfRange {
        /// the template
        template: String,
        /// the value
        value: f64,
    },
}

/// Most characters of a template.
const LONGEST: usize = 200;
/// Largest number that is sent: above every supply of a bench.
const LARGEST: f64 = 1e6;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Slot(Slot, usize),
}

/// One command of a supply with places for values. It can only ever make one line with one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

/// Text from a file that goes into a command: ASCII letters and digits, so that it cannot end one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word(String);

/// What is put into the slots.
#[derive(Debug, Clone, Copy, Default)]
pub struct Arguments<'a> {
    /// for `{volts}`
    pub volts: Option<Volts>,
    /// for `{amps}`
    pub amps: Option<Amps>,
    /// for `{watts}`
    pub watts: Option<Watts>,
    /// for `{seconds}` and `{milliseconds}`
    pub span: Option<Micros>,
    /// for `{channel}`
    pub channel: Option<&'a Word>,
}

impl Template {
    /// The template as it stands in the profile.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a reply is to come: the header, which is the first word, ends with `?` (IEEE 488.2, 7.3.3).
    #[must_use]
    pub fn is_query(&self) -> bool {
        self.text.split(' ').next().is_some_and(|header| header.ends_with('?'))
    }

    /// The slots, in the order of the text.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.parts.iter().filter_map(|part| match part {
            Part::Slot(slot, _) => Some(*slot),
            Part::Text(_) => None,
        })
    }

    /// The command, without its terminator.
    ///
    /// # Errors
    /// When a slot has no value or one that no supply takes.
    pub fn command(&self, arguments: &Arguments) -> Result<String, CommandError> {
        let mut out = String::with_capacity(self.text.len() + 8);
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Slot(Slot::Channel, _) => match arguments.channel {
                    Some(word) => out.push_str(&word.0),
                    None => return Err(self.missing(Slot::Channel)),
                },
                &Part::Slot(slot, decimals) => {
                    let value = arguments.number(slot).ok_or_else(|| self.missing(slot))?;
                    if !(0.0..=LARGEST).contains(&value) {
                        return Err(CommandError::OutOfRange { template: self.text.clone(), value });
                    }
                    // Writing to a String cannot fail; -0 is in the range and would show its sign.
                    let _ = write!(out, "{:.decimals$}", value.abs());
                }
            }
        }
        Ok(out)
    }

    fn missing(&self, slot: Slot) -> CommandError {
        CommandError::Missing { template: self.text.clone(), slot }
    }
}

impl Arguments<'_> {
    fn number(&self, slot: Slot) -> Option<f64> {
        match slot {
            Slot::Volts => self.volts.map(|v| v.0),
            Slot::Amps => self.amps.map(|a| a.0),
            Slot::Watts => self.watts.map(|w| w.0),
            Slot::Seconds => self.span.map(|span| (span.0 / 1_000_000) as f64),
            Slot::Milliseconds => self.span.map(|span| (span.0 / 1000) as f64),
            Slot::Channel => None,
        }
    }
}

/// Digits behind the point where the template does not say: a millivolt or a milliampere.
const DECIMALS: usize = 3;

fn slot(name: &str) -> Result<Part, TemplateError> {
    let refused = || TemplateError::Slot(name.to_owned());
    let (word, decimals) = match name.split_once(':') {
        Some((word, digit)) => (word, Some(digit.parse().ok().filter(|d| *d <= 6).ok_or_else(refused)?)),
        None => (name, None),
    };
    let &(_, slot) = SLOTS.iter().find(|(known, _)| *known == word).ok_or_else(refused)?;
    let whole = matches!(slot, Slot::Seconds | Slot::Milliseconds | Slot::Channel);
    if whole && decimals.is_some() {
        return Err(refused());
    }
    Ok(Part::Slot(slot, if whole { 0 } else { decimals.unwrap_or(DECIMALS) }))
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if text.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        if text.len() > LONGEST {
            return Err(TemplateError::TooLong(text.len()));
        }
        if let Some(bad) = text.chars().find(|&c| !(' '..='~').contains(&c) || c == ';') {
            return Err(TemplateError::Character(bad));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            let inner = brace.strip_prefix('{').and_then(|after| after.split_once('}'));
            let (name, after) = inner.ok_or_else(|| TemplateError::Slot(brace.to_owned()))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(slot(name)?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { text: text.to_owned(), parts })
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Command".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "one command, with slots such as {volts:2}",
            "pattern": "^[ -:<-~]+$"
        })
    }
}

/// Why a text may not go into a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be the channel or address of a supply: up to {LONGEST_WORD} ASCII letters and digits", .0.escape_debug())]
pub struct WordError(String);

const LONGEST_WORD: usize = 16;

impl FromStr for Word {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let sound = (1..=LONGEST_WORD).contains(&text.len());
        if sound && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(WordError(text.to_owned()))
        }
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Word {
    fn schema_name() -> Cow<'static, str> {
        "Word".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9A-Za-z]{1,16}$" })
    }
}

#[cfg(test)]
mod tests;
