//! Which cases a night tries, where not all fit into it.

use std::fmt::Write as _;
use std::time::Duration;

use evidence::text::plain;
use evidence::words;
use files::Library;
use proto::quantity::Micros;
use report::history::History;
use report::history::changes::Past;
use report::history::night::Standing;
use session::nights::{Nights, loads, nights};

use super::refused;
use crate::Failure;

/// A plan, and which of its nights is tonight.
pub(super) struct Plan {
    plan: Nights,
    within: Duration,
    tonight: usize,
}

impl Plan {
    /// Of the cases that the words select on this rig with this battery. `before` are the nights before.
    pub(super) fn of(
        library: &Library,
        history: &History,
        (rig, battery): (&str, &str),
        (words, within): (&[String], Duration),
        before: &[Past],
    ) -> Result<Self, Failure> {
        let named = (session::rig(library, rig)?.rig, session::battery(library, battery)?.declared.name);
        let known = history.lengths(&named.0, &named.1).map_err(refused)?;
        let loads = loads(library, (rig, battery), words, &known)?;
        if loads.is_empty() {
            return Err(Failure::usage("this rig can try none of these cases with this battery"));
        }
        let most = Micros(u64::try_from(within.as_micros()).unwrap_or(u64::MAX));
        let plan = nights(&loads, most);
        let tonight = tonight(&plan, before);
        Ok(Self { plan, within, tonight })
    }

    /// The cases of tonight.
    pub(super) fn cases(&self) -> Vec<String> {
        self.plan.nights[self.tonight].cases.clone()
    }

    /// Tonight in a sentence.
    pub(super) fn told(&self) -> String {
        let night = &self.plan.nights[self.tonight];
        format!(
            "night {} of {}: {} of {} cases, about {}; {}",
            self.tonight + 1,
            self.plan.nights.len(),
            night.cases.len(),
            self.plan.nights.iter().map(|night| night.cases.len()).sum::<usize>(),
            words::span(night.length),
            self.covered()
        )
    }

    fn covered(&self) -> String {
        match self.plan.covered {
            0 | 1 => "the first night tries everything that must hold".to_owned(),
            n => format!("everything that must hold is tried after {n} nights"),
        }
    }

    /// All nights with their cases.
    pub(super) fn table(&self) -> String {
        let all = self.plan.nights.iter().fold(Micros::ZERO, |sum, night| sum + night.length);
        let cases: usize = self.plan.nights.iter().map(|night| night.cases.len()).sum();
        let mut out = format!(
            "{cases} cases, about {} in {} nights of at most {}; {}\n",
            words::span(all),
            self.plan.nights.len(),
            humantime::format_duration(self.within),
            self.covered()
        );
        for (number, night) in self.plan.nights.iter().enumerate() {
            let tonight = if number == self.tonight { ", tonight" } else { "" };
            let _ = writeln!(out, "\nnight {}{tonight}: {}", number + 1, words::span(night.length));
            for case in &night.cases {
                let _ = writeln!(out, "  {}", plain(case));
            }
        }
        out
    }
}

/// The first night of the plan that has a case which was tried least often, by the nights with the firmware that was seen last:
/// each goes its round before any comes again.
fn tonight(plan: &Nights, before: &[Past]) -> usize {
    let firmware = before.last().map(|night| night.firmware.as_str()).unwrap_or_default();
    let times = |case: &String| {
        let of = |night: &&Past| {
            night.firmware == firmware
                && night.cases.get(case).is_some_and(|(standing, _)| *standing != Standing::NotTried)
        };
        before.iter().filter(of).count()
    };
    let least = plan.nights.iter().flat_map(|night| &night.cases).map(times).min().unwrap_or(0);
    plan.nights.iter().position(|night| night.cases.iter().any(|case| times(case) == least)).unwrap_or(0)
}
