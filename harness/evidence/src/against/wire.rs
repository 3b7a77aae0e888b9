//! `psu-wire.log` as questions and answers.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use files::Profile;
use proto::quantity::Micros;
use proto::scpi::{Arguments, Reply, Template};

use crate::manifest::plain;
use crate::names::WIRE;
use crate::stamp;

/// What went over the wire to the supply.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// measured at the terminals: voltage, and current where that was asked right after it
    pub(super) readings: Vec<Reading>,
    /// what was set, as it was read back: since when, volts times amps, no more than the power limit
    pub(super) corners: Vec<(Micros, f64)>,
    /// commands that switch the output: when, on
    pub(super) switched: Vec<(Micros, bool)>,
    /// lines that are none of the log's
    pub(super) odd: Vec<u64>,
}

/// A measurement, and what the supply last said of its output before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    pub(super) at: Micros,
    pub(super) volts: f64,
    pub(super) amps: f64,
    pub(super) output: Option<bool>,
}

/// The words of a profile that are listened for.
struct Words {
    volts: String,
    amps: String,
    output: String,
    set: [String; 3],
    on: String,
    off: String,
}

impl Talk {
    /// Reads the log of a run folder; nothing where there is none.
    pub(super) fn read(folder: &Path, profile: &Profile) -> Option<Self> {
        let file = plain(folder, WIRE).and_then(File::open).ok()?;
        let words = Words::of(profile);
        let mut talk = Self::default();
        let (mut asked, mut volts, mut output) = (String::new(), None, None);
        let mut set: [Option<f64>; 3] = [None; 3];
        let lines = BufReader::new(file).split(b'\n').map_while(Result::ok);
        for (number, line) in (1..).zip(lines) {
            let line = String::from_utf8_lossy(&line).into_owned();
            let Some((at, sign, text)) = parsed(&line) else {
                if !line.is_empty() && !line.starts_with("# ") {
                    talk.odd.push(number);
                }
                continue;
            };
            if sign == '>' {
                if text == words.on || text == words.off {
                    talk.switched.push((at, text == words.on));
                }
                asked = text.to_owned();
                continue;
            }
            if profile.line.unsolicited.iter().any(|begins| text.starts_with(begins)) {
                continue;
            }
            let (reply, units, question) = (Reply(text), profile.line.units, core::mem::take(&mut asked));
            if question == words.volts {
                volts = reply.volts(units).ok().map(|volts| volts.0);
            } else if question == words.amps {
                if let (Some(volts), Ok(amps)) = (volts.take(), reply.amps(units)) {
                    talk.readings.push(Reading { at, volts, amps: amps.0, output });
                }
            } else if question == words.output {
                output = reply.state().ok();
            } else if let Some(k) = words.set.iter().position(|word| *word == question && !word.is_empty()) {
                set[k] = match k {
                    0 => reply.volts(units).ok().map(|v| v.0),
                    1 => reply.amps(units).ok().map(|a| a.0),
                    _ => reply.watts(units).ok().map(|w| w.0),
                };
                if let [Some(volts), Some(amps), watts] = set {
                    talk.corners.push((at, (volts * amps).min(watts.unwrap_or(f64::INFINITY))));
                }
            }
        }
        Some(talk)
    }
}

/// Times of day of the comments.
pub(super) fn days(folder: &Path) -> Vec<String> {
    let Ok(file) = plain(folder, WIRE).and_then(File::open) else { return Vec::new() };
    let lines = BufReader::new(file).split(b'\n').map_while(Result::ok);
    let day = |line: Vec<u8>| {
        let line = String::from_utf8_lossy(&line).into_owned();
        line.strip_prefix("# ")?.split(' ').next().map(str::to_owned)
    };
    lines.filter_map(day).collect()
}

impl Words {
    fn of(profile: &Profile) -> Self {
        let channel = profile.channel.as_ref();
        let said = |template: &Template| {
            let arguments = Arguments { channel, ..Arguments::default() };
            template.command(&arguments).unwrap_or_else(|_| template.text().to_owned())
        };
        Self {
            volts: said(&profile.measure.voltage),
            amps: said(&profile.measure.current),
            output: said(&profile.output.ask),
            set: [
                said(&profile.voltage.ask),
                said(&profile.current.ask),
                profile.power.as_ref().map_or(String::new(), |power| said(&power.ask)),
            ],
            on: said(&profile.output.on),
            off: said(&profile.output.off),
        }
    }
}

/// When, which way, what: `(12.250000) > MEAS:VOLT?`.
fn parsed(line: &str) -> Option<(Micros, char, &str)> {
    let (at, rest) = stamp::bracketed(line)?;
    let (sign, text) = rest.split_once(' ').unwrap_or((rest, ""));
    match sign {
        ">" => Some((at, '>', text)),
        "<" => Some((at, '<', text)),
        _ => None,
    }
}
