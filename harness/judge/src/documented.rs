//! `docs/metrics.md` says what the code does. Its tables are made by `busbar list`; its paragraphs are held here.

use crate::catalogue::{find, of_metric};
use crate::metrics::METRICS;
use crate::thresholds::fixed::{CONTROLS, CVL_STEP, EXCESS, PULLS};
use crate::thresholds::{Thresholds, rows};

const PAGE: &str = include_str!("../../../docs/metrics.md");

#[test]
fn every_metric_has_a_paragraph_and_every_threshold_a_metric_or_a_requirement() {
    for metric in METRICS {
        assert!(PAGE.contains(&format!("\n**{}, ", metric.id)), "{} has a paragraph", metric.id);
        assert_ne!(metric.aside.is_empty(), of_metric(metric).next().is_none(), "{}", metric.id);
    }
    for row in rows() {
        let known = METRICS.iter().any(|metric| metric.id == row.metric) || find(row.metric).is_some();
        assert!(known, "{}: {}", row.name, row.metric);
    }
}

#[test]
fn the_other_numbers_of_the_page_are_those_of_the_code() {
    for said in [
        format!("CVL less than {CONTROLS:.1} V above the battery voltage"),
        format!("a step of\n{CVL_STEP:.1} V that only undoes"),
        format!("CVL + {:.1} V − {:.2} V or above", EXCESS.0, Thresholds::default().excess_band.limit.0),
        format!("At least {PULLS} windows of 90 s"),
    ] {
        assert!(PAGE.contains(&said), "{said}");
    }
}
