//! A certificate made from what was ordered and what the rig file says of its laboratory.

use std::path::Path;

use files::{RigFile, is_day};
use judge::catalogue::DOCUMENTS;
use judge::thresholds::Thresholds;

use super::{Certificate, Fact, Order, Uncertainty};
use crate::names::WIRE;

/// What a report says of a run that was made to certify `battery`, as its file describes it. The folder and when it began
/// are those of the run.
pub(crate) fn made(
    order: &Order,
    rig: &RigFile,
    battery: &str,
    (folder, started): (&Path, Option<&str>),
) -> Certificate {
    let laboratory = rig.laboratory.as_ref();
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    let rule = laboratory.map(|l| l.decision_rule).unwrap_or_default();
    let documents: Vec<String> = DOCUMENTS
        .iter()
        .map(|document| format!("{} ({}), {}", document.title, document.letter, document.revision))
        .collect();
    let facts = [
        (
            "Laboratory, and place of the test",
            Some("laboratory"),
            laboratory.map(|l| format!("{}, {}", l.name, l.address)).unwrap_or_default(),
        ),
        ("Customer", Some("customer"), said(&order.customer)),
        ("Operator, who authorises the results", Some("operator"), said(&order.operator)),
        ("Item, as its label says", Some("item"), said(&order.item)),
        ("Item, as it is described in its file", None, battery.to_owned()),
        ("Received", Some("received"), said(&order.received)),
        ("Method", None, format!("{}; suites by their sums below", documents.join("; "))),
        ("Decision rule", None, rule.text().to_owned()),
        (
            "Challenge of the customer, given before the run",
            None,
            order.challenge.as_ref().map_or("none".to_owned(), |challenge| {
                format!("{challenge}, {}", order.given.as_deref().unwrap_or("nobody says when"))
            }),
        ),
        (
            "DVCC and SVS confirmed by",
            None,
            rig.gx.as_ref().map(|gx| gx.confirmed_by.clone()).unwrap_or_default(),
        ),
    ];
    let instruments = laboratory.map(|l| l.instruments.as_slice()).unwrap_or_default();
    Certificate {
        facts: facts.into_iter().map(|(what, told, value)| Fact { what, value, told }).collect(),
        instruments: instruments.to_vec(),
        rule,
        uncertainty: laboratory.map(|l| l.uncertainty.iter().map(uncertainty).collect()).unwrap_or_default(),
        gaps: gaps(order, rig, folder, started),
    }
}

/// What a run on real instruments has and this one lacks, and days that do not fit the day of the run.
fn gaps(order: &Order, rig: &RigFile, folder: &Path, started: Option<&str>) -> Vec<String> {
    if rig.is_simulated() {
        return Vec::new();
    }
    let mut gaps = Vec::new();
    if rig.live.as_ref().is_some_and(|live| live.psu.is_some()) {
        let wire = folder.join(WIRE).symlink_metadata();
        if !wire.is_ok_and(|wire| wire.is_file() && wire.len() > 0) {
            gaps.push(format!("there is no {WIRE}: nothing went to the supply"));
        }
        let instruments = rig.laboratory.iter().flat_map(|laboratory| &laboratory.instruments);
        if !instruments
            .into_iter()
            .any(|instrument| instrument.what == proto::channel::Instrument::Supply.words())
        {
            gaps.push("the rig file has no supply among its instruments".to_owned());
        }
    }
    let day = started.and_then(|time| time.get(..10)).filter(|day| is_day(day));
    let Some(day) = day else {
        gaps.push("nobody knows when it was performed: no time in manifest.json".to_owned());
        return gaps;
    };
    if let Some(received) = order.received.as_deref().filter(|received| !is_day_up_to(received, day)) {
        gaps.push(format!("received on {received}, which is no day up to that of the test, {day}"));
    }
    gaps.extend(rig.laboratory.iter().flat_map(|laboratory| laboratory.out_of_calibration(day)));
    gaps
}

fn uncertainty(stated: &files::Uncertainty) -> Uncertainty {
    let files::Uncertainty { figure, expanded, from } = stated.clone();
    // It was read when the rig file was.
    let amount = Thresholds::amount(&figure, &expanded).unwrap_or_default();
    Uncertainty { figure, expanded, amount, from }
}

/// Whether it is a day of the calendar, not after `last`.
#[must_use]
pub fn is_day_up_to(day: &str, last: &str) -> bool {
    // The texts order as the days do.
    is_day(day) && day <= last
}

#[cfg(test)]
mod tests {
    use super::is_day_up_to;
    use rstest::rstest;

    #[rstest]
    #[case("2026-11-20", true)]
    #[case("2026-11-21", true)]
    #[case("2024-02-29", true)]
    #[case("2026-02-31", false)]
    #[case("2026-11-22", false)]
    #[case("2030-01-01", false)]
    #[case("2026-11-1", false)]
    #[case("yesterday", false)]
    #[case("2026-11-20T", false)]
    #[case("", false)]
    fn a_day_is_one_of_the_calendar_up_to_today(#[case] day: &str, #[case] is: bool) {
        assert_eq!(is_day_up_to(day, "2026-11-21"), is);
    }
}
