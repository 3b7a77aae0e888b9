//! The matrix on a terminal: a line for each battery, what is not as it must be, rates and margins.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::bounds::{Rate, Rates, Trial};
use super::margin::{Extreme, Margin};
use super::tally::{Battery, OnRig, Other, Tally};
use evidence::mark::Mark;
use evidence::text::plain;
use evidence::words::amount;

/// Wrong cells that are told for one battery; the others are counted.
const TOLD: usize = 3;

/// Everything, ending in the summary line.
#[must_use]
pub fn table(tally: &Tally, colour: bool) -> String {
    let mut out = String::new();
    batteries(&mut out, tally, colour);
    wrong(&mut out, tally, colour);
    margins(&mut out, &tally.margins);
    for (what, rate) in [
        ("faults not caught", &tally.false_pass),
        ("compliant refused", &tally.false_fail),
        ("compliant undecided", &tally.undecided),
    ] {
        out += &format!("{what:<20} {}\n", rated(rate));
    }
    out += &format!("{:<20} {}\n", "cause told first", tally.causes.words());
    for Other { battery, cause, cells } in &tally.causes.others {
        out +=
            &format!("{:<20} {}: {cause} in {}\n", "", plain(battery), super::tally::counted(*cells, "cell"));
    }
    out += &format!(
        "\n{} cells, {:.0} h in the time of the rig\n{}\n",
        tally.cells,
        tally.simulated_hours,
        tally.summary()
    );
    out
}

fn batteries(out: &mut String, tally: &Tally, colour: bool) {
    let mut rows = vec![vec!["battery".to_owned(), "expected".to_owned()]];
    rows[0].extend(tally.rigs.iter().cloned());
    rows[0].push("found by".to_owned());
    let mut marks = vec![None];
    for battery in &tally.batteries {
        let expect = match &battery.expect {
            Some(expect) if expect.is_empty() => "pass".to_owned(),
            Some(expect) => expect.join(" "),
            None => "nothing".to_owned(),
        };
        let mut row = vec![plain(&battery.battery).into_owned(), expect];
        row.extend(tally.rigs.iter().map(|rig| {
            battery.rigs.iter().find(|r| r.rig == *rig).map_or_else(|| "–".to_owned(), |r| on_rig(battery, r))
        }));
        row.push(found_by(battery));
        rows.push(row);
        let mark = standing(battery);
        // A fault that was caught is as it must be, and is no battery that passed.
        let caught = mark == Mark::Pass && !battery.expected().is_empty();
        marks.push(Some((if caught { Mark::Note } else { mark }, mark.symbol())));
    }
    let columns = rows[0].len();
    let width = |i: usize| rows.iter().map(|row| row[i].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for (row, mark) in rows.iter().zip(marks) {
        let symbol = mark.map_or(" ".to_owned(), |(m, symbol): (Mark, &str)| m.paint(symbol, colour));
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line += &format!("  {cell}{:1$}", "", width - cell.width());
        }
        let _ = writeln!(out, "{symbol}{}", line.trim_end());
    }
    out.push('\n');
}

/// How a battery stands over all its cells.
#[must_use]
pub fn standing(battery: &Battery) -> Mark {
    if battery.expect.is_none() {
        Mark::Note
    } else if battery.wrong.iter().any(|w| !w.undecided) {
        Mark::Fail
    } else if battery.wrong.is_empty() {
        Mark::Pass
    } else {
        Mark::Inconclusive
    }
}

fn on_rig(battery: &Battery, on: &OnRig) -> String {
    let word = match &battery.expect {
        Some(expect) if expect.is_empty() => "certified",
        Some(_) => "caught",
        None => "passed",
    };
    format!("{}/{} {word}", on.right, on.seeds)
}

/// Each expected requirement with the share of cells in which it found the battery.
fn found_by(battery: &Battery) -> String {
    if battery.expected().is_empty() {
        return String::new();
    }
    let cells: usize = battery.rigs.iter().map(|r| r.seeds).sum();
    let by_all: usize = battery.rigs.iter().map(|r| r.by_all).sum();
    let each = battery.expected().iter().map(|id| {
        let found: usize = battery.rigs.iter().filter_map(|r| r.found.get(id)).sum();
        format!("{id} {found}")
    });
    let each: Vec<String> = each.collect();
    if each.len() > 1 { format!("{}, all {by_all}/{cells}", each.join(", ")) } else { each.join("") }
}

fn wrong(out: &mut String, tally: &Tally, colour: bool) {
    for battery in tally.batteries.iter().filter(|b| !b.wrong.is_empty()) {
        for wrong in battery.wrong.iter().take(TOLD) {
            let mark = if wrong.undecided { Mark::Inconclusive } else { Mark::Fail };
            let symbol = mark.paint(mark.symbol(), colour);
            let _ = writeln!(out, "{symbol}  {}: {}", plain(&wrong.cell), plain(&wrong.what));
        }
        if battery.wrong.len() > TOLD {
            let _ =
                writeln!(out, "   and {} more of {}", battery.wrong.len() - TOLD, plain(&battery.battery));
        }
    }
    if tally.wrong().next().is_some() {
        out.push('\n');
    }
}

fn margins(out: &mut String, margins: &[Margin]) {
    if margins.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "{:<15} {:>12}  {:<22} nearest fault to be found by it",
        "threshold", "", "worst compliant"
    );
    for margin in margins {
        let limit =
            format!("{} {}", if margin.at_least { "≥" } else { "≤" }, amount(margin.limit, &margin.unit));
        let _ = writeln!(
            out,
            "{:<15} {limit:>12}  {:<22} {}",
            margin.threshold,
            side(margin.compliant.as_ref(), &margin.unit, false),
            side(margin.faulty.as_ref(), &margin.unit, true)
        );
    }
    out.push('\n');
}

fn side(extreme: Option<&Extreme>, unit: &str, named: bool) -> String {
    let Some(e) = extreme else { return "–".to_owned() };
    let value = format!("{} (room {:.0} %)", amount(e.value, unit), 100.0 * e.room);
    if named { format!("{value} {} {}", e.requirement, plain(&e.cell)) } else { value }
}

/// Both rates with their bounds, the wider one first: that is the one to quote.
#[must_use]
pub fn rated(rates: &Rates) -> String {
    let Rates { wide, by_batteries, by_draws } = rates;
    let narrow = if wide == by_draws { by_batteries } else { by_draws };
    if wide.trials == 0 {
        return "no such cell".to_owned();
    }
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let Rate { events, trials, low, high, at_most, .. } = *wide;
    let narrow = format!("{}, at most {}", counted(narrow), percent(narrow.at_most));
    format!(
        "{}: {}, 95 % interval {} to {}, at most {} with 95 % confidence ({narrow})",
        counted(wide),
        percent(events as f64 / trials as f64),
        percent(low),
        percent(high),
        percent(at_most)
    )
}

/// `0 of 7 batteries`
fn counted(rate: &Rate) -> String {
    let of = match (rate.of, rate.trials) {
        (Trial::Draw, 1) => "draw of the plant",
        (Trial::Draw, _) => "draws of the plant",
        (Trial::Battery, 1) => "battery",
        (Trial::Battery, _) => "batteries",
    };
    format!("{} of {} {of}", rate.events, rate.trials)
}

#[cfg(test)]
mod tests {
    use super::super::cell::tests::cell;
    use super::*;

    #[test]
    fn the_table_says_who_was_right_and_what_was_not() {
        let cells = [
            cell("good", "a", 1, &[], &[]),
            cell("good", "a", 2, &[], &["CVL-04"]),
            cell("bad", "a", 1, &["CVL-04", "CVL-03"], &["CVL-04"]),
            cell("bad", "a", 2, &["CVL-04", "CVL-03"], &["CVL-04", "CVL-03"]),
        ];
        let text = table(&Tally::of(&cells, "x"), false);
        insta::assert_snapshot!(text, @r"
           battery  expected       a              found by
        ✗  good     pass           1/2 certified
        ✓  bad      CVL-04 CVL-03  2/2 caught     CVL-04 2, CVL-03 1, all 1/2

        ✗  good on a, seed 2: refused: CVL-04 s/c: because

        faults not caught    0 of 1 battery: 0.00 %, 95 % interval 0.00 % to 97.50 %, at most 95.00 % with 95 % confidence (0 of 2 draws of the plant, at most 77.64 %)
        compliant refused    1 of 1 battery: 100.00 %, 95 % interval 2.50 % to 100.00 %, at most 100.00 % with 95 % confidence (1 of 2 draws of the plant, at most 97.47 %)
        compliant undecided  0 of 1 battery: 0.00 %, 95 % interval 0.00 % to 97.50 %, at most 95.00 % with 95 % confidence (0 of 2 draws of the plant, at most 77.64 %)
        cause told first     2 of 2 cells: 100.0 %, 2 of them by what the battery's file names first

        4 cells, 0 h in the time of the rig
        failures caught 1/1, compliant refused 1/1 over 2 seeds x 1 rig
        ");
    }

    #[test]
    fn numbers_are_short() {
        for (value, shown) in [
            (0.0294, "0.029 V"),
            (1234.5, "1234 V"),
            (20.0, "20 V"),
            (1.5, "1.5 V"),
            (0.0, "0 V"),
            (-0.0001, "0 V"),
        ] {
            assert_eq!(amount(value, "V"), shown);
        }
    }
}
