//! How much room is left on both sides of each threshold.

use std::collections::BTreeMap;

use judge::catalogue;
use judge::requirement::Severity;
use judge::thresholds::{Row, Sense, Thresholds};
use serde::Serialize;

use super::cell::{Cell, Worst};

/// One threshold with the batteries that came nearest to it from both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Margin {
    /// name of the threshold
    pub threshold: String,
    /// the metric it belongs to
    pub metric: String,
    /// unit of all values
    pub unit: String,
    /// whether the measured value must reach it rather than stay below
    pub at_least: bool,
    /// the threshold
    pub limit: f64,
    /// the worst value of any compliant battery
    pub compliant: Option<Extreme>,
    /// the value nearest to passing of the batteries that are to be found by this threshold
    pub faulty: Option<Extreme>,
}

/// A value, and where it was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Extreme {
    /// in the unit of the threshold
    pub value: f64,
    /// id of the requirement that was judged
    pub requirement: String,
    /// battery, rig and seed
    pub cell: String,
    /// room between this value and the threshold, as a share of the threshold; negative on the wrong side of it
    pub room: f64,
}

/// A value with the cell it was measured in.
type Measured<'c> = (&'c Cell, &'c Worst);

/// Every threshold that something was held against, in the order of the table of thresholds.
#[must_use]
pub fn margins(cells: &[Cell]) -> Vec<Margin> {
    let defaults = Thresholds::default();
    let finders = finders(cells);
    let one = |name: &Row| {
        let limit = defaults.limit(name.name)?;
        let own = |w: &&Worst| w.threshold == name.name;
        let compliant = cells.iter().filter(|c| c.is_compliant());
        // A warning refuses nobody.
        let decides =
            |w: &&Worst| catalogue::find(&w.requirement).is_some_and(|r| r.severity == Severity::Must);
        let compliant =
            compliant.flat_map(|c| c.measures.iter().filter(own).filter(decides).map(move |w| (c, w)));
        let faulty = finders.iter().copied().filter(|(_, finder)| finder.threshold == name.name);
        let side = |found: Option<Measured<'_>>, sign: f64| {
            found.map(|(cell, worst)| Extreme {
                value: worst.value,
                requirement: worst.requirement.clone(),
                cell: cell.name(),
                room: sign * (1.0 - excess(name, worst.value)),
            })
        };
        // Of equal values the first by name counts, whatever the order of the cells.
        let order = |(cell, worst): &Measured<'_>| (cell.name(), worst.requirement.clone());
        let worse =
            |a: &Measured<'_>, b: &Measured<'_>| excess(name, a.1.value).total_cmp(&excess(name, b.1.value));
        let margin = Margin {
            threshold: name.name.to_owned(),
            metric: name.metric.to_owned(),
            unit: name.unit.to_owned(),
            at_least: name.sense == Sense::AtLeast,
            limit,
            compliant: side(compliant.max_by(|a, b| worse(a, b).then(order(b).cmp(&order(a)))), 1.0),
            faulty: side(faulty.min_by(|a, b| worse(a, b).then(order(a).cmp(&order(b)))), -1.0),
        };
        (margin.compliant.is_some() || margin.faulty.is_some()).then_some(margin)
    };
    Thresholds::NAMES.iter().filter_map(one).collect()
}

/// How far a value has gone to the threshold: 0 far on the good side, 1 at it, more beyond.
fn excess(name: &Row, value: f64) -> f64 {
    let limit = Thresholds::default().limit(name.name).filter(|l| l.abs() > 0.0).unwrap_or(1.0);
    1.0 - name.sense.room(value, limit)
}

/// The values of faulty batteries that say something of a threshold.
///
/// A requirement may be held against several thresholds, and a battery needs to be beyond one of them only. Those count
/// that find it alone, in every cell; where none does, in each cell the one that is farthest beyond. A battery that a
/// requirement finds by something else than a number, such as an alarm, says nothing of thresholds; neither does a cell
/// in which another of the requirements found it and this one did not.
fn finders(cells: &[Cell]) -> Vec<Measured<'_>> {
    let mut groups: BTreeMap<(&str, &str), BTreeMap<&str, Vec<Measured<'_>>>> = BTreeMap::new();
    for cell in cells.iter().filter(|c| c.is_faulty()) {
        for worst in cell.measures.iter().filter(|w| cell.expected().contains(&w.requirement)) {
            if !found_otherwise(cell, &worst.requirement) {
                let group = groups.entry((&cell.battery, &worst.requirement)).or_default();
                group.entry(&worst.threshold).or_default().push((cell, worst));
            }
        }
    }
    groups.into_values().flat_map(|thresholds| that_find(thresholds.into_values().collect())).collect()
}

/// Of the thresholds of one battery and one requirement the values of those that find it.
fn that_find(mut thresholds: Vec<Vec<Measured<'_>>>) -> Vec<Measured<'_>> {
    let convicts = |(cell, worst): &Measured<'_>| exceeds(worst) && cell.failed.contains(&worst.requirement);
    thresholds.retain(|values| values.iter().any(convicts));
    if thresholds.iter().any(|values| values.iter().all(convicts)) {
        thresholds.retain(|values| values.iter().all(convicts));
        return thresholds.concat();
    }
    let mut farthest: BTreeMap<(&str, u64), Measured<'_>> = BTreeMap::new();
    for (cell, worst) in thresholds.concat() {
        let slot = farthest.entry((&cell.rig, cell.seed)).or_insert((cell, worst));
        if of(worst) > of(slot.1) {
            *slot = (cell, worst);
        }
    }
    farthest.into_values().collect()
}

fn of(worst: &Worst) -> f64 {
    Thresholds::NAMES.iter().find(|n| n.name == worst.threshold).map_or(0.0, |n| excess(n, worst.value))
}

fn exceeds(worst: &Worst) -> bool {
    of(worst) > 1.0
}

/// Whether the battery was found in this cell, and not by a number of this requirement.
fn found_otherwise(cell: &Cell, requirement: &str) -> bool {
    let own = |w: &&Worst| w.requirement == requirement;
    let failed = cell.failed.iter().any(|id| id == requirement);
    if failed { !cell.measures.iter().filter(own).any(exceeds) } else { cell.found() }
}

#[cfg(test)]
mod tests {
    use super::super::cell::tests::cell;
    use super::*;

    fn measured(mut cell: Cell, values: &[(&str, &str, f64)]) -> Cell {
        cell.measures = values
            .iter()
            .map(|&(requirement, threshold, value)| Worst {
                requirement: requirement.to_owned(),
                threshold: threshold.to_owned(),
                value,
            })
            .collect();
        cell
    }

    /// Reversals may be 20 an hour, travel 5 V/h, the margin of the cells must be 20 mV.
    #[test]
    fn both_sides_of_a_threshold() {
        let cells = [
            measured(
                cell("good", "r", 1, &[], &[]),
                &[("CVL-04", "reversals", 4.0), ("CVL-07", "cell-margin", 0.03)],
            ),
            measured(
                cell("good", "r", 2, &[], &[]),
                &[("CVL-04", "reversals", 8.0), ("CVL-07", "cell-margin", 0.08)],
            ),
            measured(
                cell("bad", "r", 1, &["CVL-04"], &["CVL-04"]),
                &[("CVL-04", "reversals", 60.0), ("CVL-04", "travel", 6.0), ("CVL-07", "cell-margin", 0.0)],
            ),
            measured(
                cell("bad", "r", 2, &["CVL-04"], &["CVL-04"]),
                &[("CVL-04", "reversals", 30.0), ("CVL-04", "travel", 4.0)],
            ),
        ];
        let found = margins(&cells);
        let told: Vec<_> = found
            .iter()
            .map(|m| {
                let side = |e: &Option<Extreme>| e.as_ref().map(|e| (e.value, (e.room * 1e6).round() / 1e6));
                (m.threshold.as_str(), side(&m.compliant), side(&m.faulty))
            })
            .collect();
        assert_eq!(
            told,
            [("reversals", Some((8.0, 0.6)), Some((30.0, 0.5))), ("cell-margin", Some((0.03, 0.5)), None),],
            "travel finds it on one seed only, and the cells are not what it is expected to fail by"
        );
        assert_eq!(found[0].compliant.as_ref().expect("a value").cell, "good on r, seed 2");
    }

    #[test]
    fn a_fault_that_slips_through_on_one_seed_shows_as_no_room() {
        let cells = [
            measured(cell("bad", "r", 1, &["CVL-04"], &["CVL-04"]), &[("CVL-04", "reversals", 40.0)]),
            measured(cell("bad", "r", 2, &["CVL-04"], &[]), &[("CVL-04", "reversals", 15.0)]),
        ];
        let faulty = margins(&cells)[0].faulty.clone().expect("a value");
        assert_eq!((faulty.value, faulty.room), (15.0, -0.25));
    }

    /// An alarm convicts it on one seed, the number on the other.
    #[test]
    fn what_fails_without_a_number_says_nothing_of_it() {
        let cells = [
            measured(cell("bad", "r", 1, &["BEH-FI"], &["BEH-FI"]), &[("BEH-FI", "export-ripple", 1.0)]),
            measured(cell("bad", "r", 2, &["BEH-FI"], &["BEH-FI"]), &[("BEH-FI", "export-ripple", 20.0)]),
        ];
        assert_eq!(margins(&cells)[0].faulty.as_ref().map(|e| e.value), Some(20.0));
        assert_eq!(margins(&cells[..1]), [], "never found by it");
        let other = measured(
            cell("bad", "r", 3, &["BEH-FI", "CVL-04"], &["CVL-04"]),
            &[("BEH-FI", "export-ripple", 2.0)],
        );
        let found = margins(&[&cells[1..], &[other]].concat());
        assert_eq!(
            found[0].faulty.as_ref().map(|e| e.value),
            Some(20.0),
            "another requirement found it there"
        );
    }

    /// Each of two thresholds convicts on one seed: neither is held against the other's.
    #[test]
    fn thresholds_share_the_work() {
        let cells = [(1, 60.0, 1.0), (2, 2.0, 9.0)].map(|(seed, reversals, travel)| {
            let values = [("CVL-04", "reversals", reversals), ("CVL-04", "travel", travel)];
            measured(cell("bad", "r", seed, &["CVL-04"], &["CVL-04"]), &values)
        });
        let values: Vec<_> = margins(&cells).iter().map(|m| m.faulty.as_ref().map(|e| e.value)).collect();
        assert_eq!(values, [Some(60.0), Some(9.0)]);
    }
}
