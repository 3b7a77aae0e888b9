//! The table of `docs/thresholds.md`: every threshold with the room that was measured on both of its sides.

use judge::thresholds::{Sense, Thresholds};

use super::margin::{Extreme, Margin};
use super::tally::{Tally, counted};
use super::terminal::rated;
use evidence::words::amount;

/// What the table stands between in the document.
pub const BEGIN: &str = "<!-- begin: written by busbar matrix, not by hand -->";
/// The end of it.
pub const END: &str = "<!-- end -->";

/// The document with its table written anew, or nothing where the marks of the table are not in it.
#[must_use]
pub fn rewritten(document: &str, tally: &Tally) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}{END}{after}", table(tally)))
}

/// The table, one row for each threshold there is, and what it was measured on.
#[must_use]
pub fn table(tally: &Tally) -> String {
    let defaults = Thresholds::default();
    let mut out = format!(
        "\n{} that must be certified and {} that must be caught, {}, {}: {} cells, {:.0} h in the time of the rig.\n\n\
         - faults not caught: {}\n- compliant refused: {}\n- compliant undecided: {}\n\n\
         | threshold | metric | value | worst compliant | room | nearest fault | room | found by |\n\
         |---|---|---|---|---|---|---|---|\n",
        batteries(tally.batteries(true).count()),
        batteries(tally.batteries(false).count()),
        counted(tally.rigs.len(), "rig"),
        counted(tally.seeds, "seed"),
        tally.cells,
        tally.simulated_hours,
        rated(&tally.false_pass),
        rated(&tally.false_fail),
        rated(&tally.undecided),
    );
    for name in Thresholds::NAMES {
        let margin = tally.margins.iter().find(|m| m.threshold == name.name);
        let sign = if name.sense == Sense::AtLeast { "≥" } else { "≤" };
        let value = defaults.limit(name.name).map_or_else(String::new, |limit| amount(limit, name.unit));
        let [compliant, room] = side(margin.and_then(|m| m.compliant.as_ref()), name.unit);
        let [faulty, beyond] = side(margin.and_then(|m| m.faulty.as_ref()), name.unit);
        let by = by(margin);
        out += &format!(
            "| {} | {} | {sign} {value} | {compliant} | {room} | {faulty} | {beyond} | {by} |\n",
            name.name, name.metric
        );
    }
    out.push('\n');
    out
}

fn batteries(n: usize) -> String {
    if n == 1 { "1 battery".to_owned() } else { format!("{n} batteries") }
}

fn side(extreme: Option<&Extreme>, unit: &str) -> [String; 2] {
    extreme.map_or_else(
        || ["–".to_owned(), "–".to_owned()],
        |e| [amount(e.value, unit), format!("{:.0} %", 100.0 * e.room)],
    )
}

/// The requirement and the battery of the nearest fault.
fn by(margin: Option<&Margin>) -> String {
    margin
        .and_then(|m| m.faulty.as_ref())
        .map_or_else(|| "–".to_owned(), |e| format!("{} `{}`", e.requirement, e.cell))
}

#[cfg(test)]
mod tests {
    use super::super::cell::tests::cell;
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_written() {
        let tally = Tally::of(&[cell("good", "a", 1, &[], &[])], "x");
        let document = format!("# Title\n{BEGIN}\nstale\n{END}\nrest\n");
        let new = rewritten(&document, &tally).expect("the marks are there");
        assert!(new.starts_with("# Title\n") && new.ends_with("\nrest\n") && !new.contains("stale"), "{new}");
        assert_eq!(rewritten(&new, &tally).as_deref(), Some(new.as_str()), "twice is once");
        assert_eq!(rewritten("# Title\n", &tally), None);
        for name in Thresholds::NAMES {
            assert!(new.contains(&format!("| {} |", name.name)), "{}", name.name);
        }
    }

    /// The document as it is kept: every threshold is in it with the value in force, and has room on both sides.
    #[test]
    fn the_document_holds_the_values_in_force_and_leaves_room() {
        let document = include_str!("../../../../docs/thresholds.md");
        let rows: Vec<Vec<&str>> = document
            .lines()
            .filter(|line| line.starts_with("| ") && !line.starts_with("| threshold"))
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
            .collect();
        // What is written without a measurement is the same but for its figures.
        let unmeasured = table(&Tally::of(&[cell("good", "a", 1, &[], &[])], "x"));
        let written = unmeasured.lines().filter(|line| line.starts_with("| ")).skip(1);
        for (row, line) in rows.iter().zip(written) {
            let left: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).take(3).collect();
            assert_eq!(row[..3], left, "write the table again");
            for room in [row[4], row[6]] {
                let room = room.trim_end_matches(" %");
                assert!(room == "–" || room.parse::<f64>().is_ok_and(|room| room > 0.0), "{row:?}");
            }
        }
        assert_eq!(rows.len(), Thresholds::NAMES.len(), "a row is of a threshold that is no more");
    }
}
