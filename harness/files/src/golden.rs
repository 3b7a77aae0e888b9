//! Golden files, `rigs/golden/<battery>/<suite>/<case>.snap`: the CVL that a battery sent in a case, accepted by a
//! person, and how far later runs may be from it.
//!
//! The form is that of an `insta` snapshot: a head in YAML, then the trace ([`Steps`] as text), made to be read in a diff.

use core::fmt::Write as _;
use std::path::{Path, PathBuf};

use engine::yaml::{YamlError, parse, refuse};
use judge::tube::{Steps, Tolerance};
use proto::quantity::{Micros, Volts};
use serde::{Deserialize, Serialize};

use crate::{InputError, read_text};

/// A golden trace with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldenFile {
    /// whose, of what, by whom, from which runs
    pub info: Info,
    /// how far a later run may be from the trace
    pub tolerance: Tolerance,
    /// the trace of the first of the runs, its times to a tenth of a second
    pub trace: Steps,
}

/// What is known of a golden trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Info {
    /// name of the battery
    pub battery: String,
    /// name of the suite
    pub suite: String,
    /// name of the case
    pub case: String,
    /// the mark that times count from; the start of the case without one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// SHA-256 of the suite file
    pub suite_sha256: String,
    /// who accepted it
    pub by: String,
    /// when: the day, as `2026-11-21`
    pub on: String,
    /// why
    pub reason: String,
    /// what the battery says of itself on CAN, a line each: maker, firmware, serial number
    pub identity: Vec<String>,
    /// the runs it comes from, that of the trace first
    pub runs: Vec<Source>,
    /// how far these runs are apart; nothing where it was one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Width>,
    /// how far a later run may be from the trace
    pub tolerance: Width,
}

/// A run that a golden trace comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Source {
    /// its id, the name of its folder
    pub run: String,
    /// name of the rig
    pub rig: String,
    /// no hardware was involved
    pub simulated: bool,
    /// version of the harness
    pub harness: String,
}

/// A [`Tolerance`] as a file has it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Width {
    /// voltage
    pub cvl: Volts,
    /// lead or lag
    pub lag: Micros,
}

impl From<Tolerance> for Width {
    fn from(tolerance: Tolerance) -> Self {
        Self { cvl: Volts(f64::from(tolerance.decivolts) / 10.0), lag: tolerance.lag }
    }
}

impl Width {
    /// In steps of the wire; part of a step counts as none.
    #[must_use]
    pub fn tolerance(self) -> Tolerance {
        Tolerance { decivolts: (self.cvl.0 * 10.0 + 1e-6).clamp(0.0, 1e6).floor() as i32, lag: self.lag }
    }
}

impl core::fmt::Display for Width {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:.1} and {}", self.cvl, seconds(self.lag))
    }
}

fn seconds(time: Micros) -> String {
    format!("{} s", (time.secs() * 10.0).round() / 10.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "description")]
    _description: String,
    info: Info,
}

impl GoldenFile {
    /// Where the golden trace of a battery in a case is kept. Nothing where a name is none for a file.
    #[must_use]
    pub fn path(root: &Path, battery: &str, suite: &str, case: &str) -> Option<PathBuf> {
        let plain = |name: &str| {
            let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !name.is_empty() && !name.starts_with('.') && name.chars().all(fit)
        };
        let all = [battery, suite, case].into_iter().all(plain);
        all.then(|| root.join("rigs/golden").join(battery).join(suite).join(format!("{case}.snap")))
    }

    /// Reads and validates a file. `shown` is the path as the user knows it.
    ///
    /// # Errors
    /// With file, line and what was expected.
    pub fn load(path: &Path, shown: &str) -> Result<Self, InputError> {
        Ok(Self::parse(shown, &read_text(path)?)?)
    }

    /// Reads and validates a text.
    ///
    /// # Errors
    /// With file, line and what was expected.
    pub fn parse(file: &str, text: &str) -> Result<Self, YamlError> {
        let parts = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
        let Some((head, body)) = parts else {
            let message = "this is no golden file: its head does not stand between two lines `---`";
            return Err(refuse(file, "", "", message.to_owned(), "a file that `busbar golden accept` wrote"));
        };
        // The line that is left out keeps the numbers of the others.
        let head = format!("\n{head}\n");
        let Head { info, .. } = parse(file, &head)?;
        let wrong =
            |path: &str, message: String, expected: &str| refuse(file, &head, path, message, expected);
        let trace: Steps = body.parse().map_err(|error: judge::tube::TraceError| {
            let line = head.lines().count() + 1 + error.line;
            let message = format!("line {line}: `{}` is not {}", error.found, error.expected);
            wrong("info", message, "the trace as `busbar golden accept` wrote it, below the head")
        })?;
        let tolerance = info.tolerance.tolerance();
        let least = info.spread.map_or(Tolerance::LEAST, |spread| spread.tolerance().max(Tolerance::LEAST));
        if tolerance.max(least) != tolerance || tolerance.lag > Tolerance::MOST_LAG {
            let message = format!("a tolerance of {} makes no sense", info.tolerance);
            let expected = format!(
                "at least {}: what the wire resolves and what the runs are apart; a lag of at most {}",
                Width::from(least),
                seconds(Tolerance::MOST_LAG)
            );
            return Err(wrong("info.tolerance", message, &expected));
        }
        if info.runs.is_empty() {
            return Err(wrong("info.runs", "no run".to_owned(), "the runs that the trace comes from"));
        }
        Ok(Self { info, tolerance, trace })
    }

    /// By whom the trace was accepted, when, why and from which runs: what and its value, for a reader.
    #[must_use]
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let Info { by, on, reason, runs, spread, .. } = &self.info;
        let rig = |run: &Source| if run.simulated { "simulated".to_owned() } else { run.rig.clone() };
        let runs: Vec<String> = runs.iter().map(|run| format!("{} ({})", run.run, rig(run))).collect();
        let apart = spread.map_or("one run tells no spread".to_owned(), |spread| spread.to_string());
        vec![
            ("By", by.clone()),
            ("On", on.clone()),
            ("Because", reason.clone()),
            ("From", runs.join(", ")),
            ("Runs are apart", apart),
        ]
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out).expect("a String takes every write");
        out
    }

    fn write(&self, out: &mut String) -> core::fmt::Result {
        let Info { battery, suite, case, from, identity, runs, .. } = &self.info;
        let since =
            from.as_ref().map_or(String::new(), |mark| format!(", times count from the mark `{mark}`"));
        writeln!(out, "---\nsource: busbar golden accept")?;
        writeln!(out, "description: {}", quoted(&format!("CVL of {battery} in {suite}/{case}{since}")))?;
        writeln!(out, "info:\n  battery: {}", quoted(battery))?;
        writeln!(out, "  suite: {}\n  case: {}", quoted(suite), quoted(case))?;
        if let Some(mark) = from {
            writeln!(out, "  from: {}", quoted(mark))?;
        }
        writeln!(out, "  suite-sha256: {}", quoted(&self.info.suite_sha256))?;
        for (key, value) in [("by", &self.info.by), ("on", &self.info.on), ("reason", &self.info.reason)] {
            writeln!(out, "  {key}: {}", quoted(value))?;
        }
        writeln!(out, "  identity:{}", if identity.is_empty() { " []" } else { "" })?;
        for line in identity {
            writeln!(out, "    - {}", quoted(line))?;
        }
        writeln!(out, "  runs:")?;
        for Source { run, rig, simulated, harness } in runs {
            writeln!(out, "    - run: {}\n      rig: {}", quoted(run), quoted(rig))?;
            writeln!(out, "      simulated: {simulated}\n      harness: {}", quoted(harness))?;
        }
        let width = |width: Width| format!("{{ cvl: {:.1}, lag: {} }}", width.cvl, seconds(width.lag));
        if let Some(spread) = self.info.spread {
            writeln!(out, "  spread: {}", width(spread))?;
        }
        writeln!(out, "  tolerance: {}\n---", width(self.info.tolerance))?;
        write!(out, "{}", self.trace)
    }
}

/// A text in double quotes: JSON, which is YAML, with everything escaped that YAML does not take as it is.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in serde_json::Value::from(text).to_string().chars() {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') {
            out += &format!("\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests;
