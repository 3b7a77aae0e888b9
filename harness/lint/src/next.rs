//! What to do next: the one command that decides what this log leaves open.

use judge::battery::Cells;
use judge::verdict::{Outcome, Verdict};
use judge::wire::{Terms, Wire};
use proto::quantity::Micros;

/// A log that is shorter leaves much undecided that a longer one decides.
const LONG: Micros = Micros::from_secs(600);

/// What a battery file is for.
const FIRST_FILE: &str = "a first file for `busbar run`";

/// A command, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// as it is typed into a shell
    pub command: String,
    /// what it decides, or what must be done before
    pub why: &'static str,
}

impl Next {
    /// After a log of this name and interface.
    pub(crate) fn of(
        wire: &Wire,
        verdicts: &[Verdict],
        terms: &Terms<'_>,
        (log, interface): (&str, &str),
    ) -> Self {
        let is_name = |name: &str| {
            // Other programs than those of Linux number their interfaces, or call them otherwise.
            name.contains("can")
                && name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        let interface = if is_name(interface) { interface } else { "can0" };
        let record = format!("candump -L {interface} > battery.log");
        let undecided = verdicts.iter().any(|verdict| verdict.outcome == Outcome::Inconclusive);
        if wire.errors().episodes().next().is_some() {
            let command = format!("ip -details -statistics link show {interface}");
            return Self {
                command,
                why: "bit rate, state and error counters of the interface, once cable and termination are right",
            };
        }
        if !wire.has_battery() {
            return Self {
                command: record,
                why: "with the battery on this port, on, and set to the Victron protocol",
            };
        }
        if undecided && (terms.untimed.is_some() || wire.window().length() < LONG) {
            return Self {
                command: record,
                why: "for 10 minutes at least, through a charge to full: it decides what is undecided",
            };
        }
        match terms.battery {
            Some(battery) => Self {
                command: format!("busbar run --battery {}", word(&battery.name)),
                why: "plays every suite with it: how it behaves, no log tells",
            },
            None => {
                let from = format!("busbar battery from {}", word(log));
                let (cells, why) = match terms.cells {
                    Some(Cells { count, chemistry: None }) => (format!("{count}"), FIRST_FILE),
                    Some(Cells { count, chemistry: Some(of) }) => {
                        (format!("{count} --chemistry {}", of.name()), FIRST_FILE)
                    }
                    None => ("16".to_owned(), "a first file for `busbar run`, with the number of your cells"),
                };
                Self { command: format!("{from} --cells {cells}"), why }
            }
        }
    }
}

/// A name as a word of a shell.
fn word(name: &str) -> String {
    match name {
        "standard input" => "battery.log".to_owned(),
        _ if name.starts_with('-') => word(&format!("./{name}")),
        _ if name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/-".contains(&b)) => name.to_owned(),
        _ => format!("'{}'", name.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("my.log", "my.log")]
    #[case("my log", "'my log'")]
    #[case("a'; rm -rf ~", "'a'\\''; rm -rf ~'")]
    #[case("-x", "./-x")]
    #[case("standard input", "battery.log")]
    fn words(#[case] name: &str, #[case] shown: &str) {
        assert_eq!(word(name), shown);
    }
}
