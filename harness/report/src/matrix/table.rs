//! The cells of a matrix as one table, for whoever asks which configurations fail: a row for each, CSV.

use std::collections::BTreeSet;

use evidence::text::csv_cell;

use super::cell::Cell;

/// What every row begins with.
const HEAD: &str = "battery,rig,seed,outcome,as_it_must_be,cause,failed,open,simulated_s";

/// Two words that name a column: a number with its unit, or a requirement with its threshold.
type Columns<'c> = BTreeSet<(&'c str, &'c str)>;

/// The table: a column for each number that a seed drew, with its unit, and one for the worst value of each threshold
/// that a requirement was held against. A field is empty where there was none.
#[must_use]
pub fn csv(cells: &[Cell]) -> String {
    let drawn: Columns<'_> = cells
        .iter()
        .flat_map(|cell| cell.drawn.iter().map(|(path, value)| (path.as_str(), number(value).1)))
        .collect();
    let measured: Columns<'_> = cells
        .iter()
        .flat_map(|cell| cell.measures.iter().map(|m| (m.requirement.as_str(), m.threshold.as_str())))
        .collect();
    let mut out = HEAD.to_owned();
    for (path, unit) in &drawn {
        out += &named(path, unit);
    }
    for (requirement, threshold) in &measured {
        let unit = judge::thresholds::find(threshold).map_or("", |row| row.unit);
        out += &named(&format!("{requirement} {threshold}"), unit);
    }
    out.push('\n');
    // In whatever order they came: shards that are put together make the same table.
    let mut rows: Vec<&Cell> = cells.iter().collect();
    rows.sort_by_key(|cell| (&cell.battery, &cell.rig, cell.seed));
    for cell in rows {
        row(&mut out, cell, &drawn, &measured);
    }
    out
}

fn named(column: &str, unit: &str) -> String {
    let name = if unit.is_empty() { column.to_owned() } else { format!("{column} [{unit}]") };
    format!(",{}", csv_cell(&name))
}

fn row(out: &mut String, cell: &Cell, drawn: &Columns<'_>, measured: &Columns<'_>) {
    let as_it_must_be = match &cell.expect {
        Some(_) if cell.is_right() => "yes",
        Some(_) => "no",
        None => "",
    };
    let texts = [
        cell.battery.clone(),
        cell.rig.clone(),
        cell.seed.to_string(),
        cell.outcome.word().to_owned(),
        as_it_must_be.to_owned(),
        cell.cause.clone().unwrap_or_default(),
        cell.failed.join(" "),
        cell.open.join(" "),
        format!("{:.0}", cell.simulated),
    ];
    *out += &texts.map(|text| csv_cell(&text)).join(",");
    for (path, unit) in drawn {
        let own = cell.drawn.get(*path).map(|value| number(value)).filter(|(_, own)| own == unit);
        *out += &format!(",{}", own.map_or("", |(number, _)| number));
    }
    for (requirement, threshold) in measured {
        let own = cell.measures.iter().find(|m| m.requirement == *requirement && m.threshold == *threshold);
        *out += &format!(",{}", own.map_or_else(String::new, |m| m.value.to_string()));
    }
    out.push('\n');
}

/// The number and the unit of a value, as a file says it.
fn number(value: &str) -> (&str, &str) {
    value.split_once(' ').unwrap_or((value, ""))
}

#[cfg(test)]
mod tests {
    use super::super::cell::Worst;
    use super::super::cell::tests::cell;
    use super::*;

    #[test]
    fn a_row_for_each_cell_and_a_column_for_each_number() {
        let mut one = cell("a-good-one", "simulated", 2, &[], &[]);
        one.drawn = [("solar.fall".to_owned(), "2.5 kW/s".to_owned())].into();
        let mut other = cell("bad", "simulated", 1, &["CVL-04"], &["CVL-04", "CVL-05"]);
        let (requirement, threshold) = ("CVL-04".to_owned(), "reversals".to_owned());
        other.measures = vec![Worst { requirement, threshold, value: 12.5 }];
        let table = csv(&[other, one]);
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(rows[0][9], "solar.fall [kW/s]");
        assert!(rows[0][10].starts_with("CVL-04 reversals"), "{table}");
        assert_eq!((rows[1][0], rows[1][4], rows[1][9], rows[1][10]), ("a-good-one", "yes", "2.5", ""));
        assert_eq!((rows[2][0], rows[2][6], rows[2][9], rows[2][10]), ("bad", "CVL-04 CVL-05", "", "12.5"));
        assert!(rows.iter().all(|row| row.len() == 11), "{table}");
    }
}
