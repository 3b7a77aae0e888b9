//! `docs/metrics.md` says what the code does: the numbers of its tables are those of the thresholds.

use std::collections::BTreeSet;

use super::{LSB, NEAR, OFFSET, PULLS};
use crate::catalogue;
use crate::thresholds::{Sense, Thresholds};

const PAGE: &str = include_str!("../../../../docs/metrics.md");

/// The rows of the page whose first cell begins so, as cells.
fn rows(first: &str) -> Vec<Vec<&'static str>> {
    PAGE.lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .filter(|row| row.starts_with(first))
        .map(|row| row.split(" | ").collect())
        .collect()
}

#[test]
fn every_threshold_stands_on_the_page_with_its_numbers() {
    let (rows, defaults) = (rows("`"), Thresholds::default());
    let named: Vec<&str> = rows.iter().map(|r| r[0].trim_matches('`')).collect();
    let known: Vec<&str> = Thresholds::NAMES.iter().map(|n| n.name).collect();
    assert_eq!(named, known, "the same names in the same order");
    for (row, name) in rows.iter().zip(Thresholds::NAMES) {
        let &[_, metric, side, good, limit] = row.as_slice() else { panic!("{row:?} has five cells") };
        assert_eq!(metric, name.metric, "{}", name.name);
        assert_eq!(side == "at least", name.sense == Sense::AtLeast, "{}", name.name);
        let number = |text: &str| {
            let mut read = defaults;
            read.justify(name.name, text).expect("a quantity of the right kind");
            read.limit(name.name)
        };
        assert_eq!(number(good), defaults.good(name.name), "{}: {good}", name.name);
        assert_eq!(number(limit), defaults.limit(name.name), "{}: {limit}", name.name);
    }
}

#[test]
fn every_metric_has_a_row_a_paragraph_and_requirements_of_the_catalogue() {
    let metrics: Vec<String> = (1..=15).filter(|&k| k != 13).map(|k| format!("M{k}")).collect();
    let listed: Vec<&str> = rows("M").iter().map(|r| r[0]).collect();
    assert_eq!(listed, metrics);
    for row in rows("M") {
        assert!(PAGE.contains(&format!("\n**{}, ", row[0])), "{} has a paragraph", row[0]);
        let decides = row.last().expect("five cells");
        let known = |id: &str| catalogue::find(id).is_some();
        assert!(decides.starts_with("none") || decides.split(", ").all(known), "{decides}");
    }
    let used: BTreeSet<&str> = Thresholds::NAMES.iter().map(|n| n.metric).collect();
    for metric in used {
        assert!(listed.contains(&metric) || catalogue::find(metric).is_some(), "{metric}");
    }
}

#[test]
fn the_other_numbers_of_the_page_are_those_of_the_code() {
    for said in [
        format!("CVL less than {NEAR:.1} V above the battery voltage"),
        format!("a step of\n{LSB:.1} V that only undoes"),
        format!("CVL + {:.1} V − {:.2} V or above", OFFSET.0, Thresholds::default().excess_band.limit.0),
        format!("At least {PULLS} windows of 90 s"),
    ] {
        assert!(PAGE.contains(&said), "{said}");
    }
}
