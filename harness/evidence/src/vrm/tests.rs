use proptest::prelude::*;
use rstest::rstest;

use super::*;

const HEAD: &str = "timestamp,Gateway [0],Battery Monitor [512],Battery Monitor [288],Solar Charger [279],Solar Charger [279]
Europe/Amsterdam (+01:00),Relay 1 state,State of charge,Voltage,PV power,Charge state
,,%,V DC,W,
";

fn read(rows: &str) -> (Vec<Row>, Vec<String>) {
    let text = format!("{HEAD}{rows}");
    let mut export = Export::new(text.as_bytes()).expect("an export");
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    loop {
        match export.row() {
            Ok(Some(row)) => found.push(row),
            Ok(None) => return (found, wrong),
            Err(error) => wrong.push(error.to_string()),
        }
    }
}

#[test]
fn a_column_is_a_parameter_of_a_device() {
    let export = Export::new(HEAD.as_bytes()).expect("an export");
    assert_eq!(*export.zone(), Zone { name: "Europe/Amsterdam".to_owned(), offset: Some(3600) });
    let [_, bms, shunt, ..] = export.columns() else { panic!("five columns") };
    assert_eq!((bms.source().as_str(), bms.unit.as_str()), ("vrm:Battery Monitor [512]", "%"));
    assert!(bms.repeats_battery() && !shunt.repeats_battery(), "the same name, another instrument");
}

#[test]
fn empty_cells_are_missing_and_words_are_texts() {
    let (rows, wrong) =
        read("2026-03-28 23:58:00,Open,88.0,53.39,1490,Bulk\n2026-03-28 23:59:00,,,53.40,,\"a, b\"\n");
    assert!(wrong.is_empty());
    let number = Cell::Number;
    let text = |text: &str| Cell::Text(text.to_owned());
    assert_eq!(rows[0].cells, [text("Open"), number(88.0), number(53.39), number(1490.0), text("Bulk")]);
    assert_eq!(rows[1].cells, [Cell::Missing, Cell::Missing, number(53.4), Cell::Missing, text("a, b")]);
    assert_eq!((rows[1].line, rows[1].at.0 - rows[0].at.0, rows[1].remark), (5, 60, None));
}

/// The night in which clocks go forward leaves an hour out; the one in which they go back has it twice. The offset of the head
/// is that of the export: only who knows the season says which is that of a row.
#[test]
fn the_hours_of_a_change_of_clocks_are_told() {
    let (rows, _) = read(
        "2026-03-29 01:59:00,,,,,\n2026-03-29 03:00:00,,,,,\n2026-10-25 02:59:00,,,,,\n2026-10-25 02:00:00,,,,,\n",
    );
    let remarks: Vec<_> = rows.iter().map(|row| row.remark).collect();
    assert_eq!(remarks[..2], [None, Some(Remark::Gap(3660))]);
    assert_eq!(remarks[3], Some(Remark::Backwards(3540)));
    assert_eq!(rows[0].at.utc(3600), 1_774_745_940, "2026-03-29 00:59:00 UTC");
}

#[test]
fn a_row_that_is_none_stops_nothing() {
    let (rows, wrong) = read(
        "28/03/2026 23:58,Open,,,,\n2026-03-28 23:58:00,Open\n2026-02-30 00:00:00,,,,,\n2026-03-28 23:59:00,,,,,\n",
    );
    assert_eq!(rows.len(), 1);
    assert_eq!(wrong.len(), 3);
    assert!(wrong[0].starts_with("line 4: `28/03/2026 23:58` is no time"), "{}", wrong[0]);
    assert_eq!(wrong[1], "line 5: 1 cells, 5 columns");
}

#[rstest]
#[case::empty("", "it ends in its head")]
#[case::candump("(1.0) can0 351#\n\n\n", "it ends in its head")]
#[case::another("time,Voltage\nx,y\nz,w\n", "its first cell is not `timestamp`")]
#[case::no_zone(
    "timestamp,A [1]\n12:00,V\n,V\n",
    "its second row does not begin with a time zone, such as Europe/Berlin (+01:00)"
)]
#[case::no_columns(
    "timestamp\nEurope/Berlin\n\"\"\n",
    "its rows of devices, parameters and units have no columns, or not as many"
)]
fn what_is_no_export_is_refused(#[case] text: &str, #[case] why: &str) {
    let error = Export::new(text.as_bytes()).expect_err("none");
    assert_eq!(error.to_string(), format!("no log export of VRM: {why}"));
}

/// The first cell is `timestamp` or empty, and may follow a byte order mark.
#[rstest]
#[case("timestamp")]
#[case("")]
#[case("\u{feff}timestamp")]
fn the_first_cell_varies(#[case] first: &str) {
    let text = format!("{first},Battery Monitor\nEurope/Berlin,Voltage\n,V\n");
    let export = Export::new(text.as_bytes()).expect("an export");
    assert_eq!((export.zone().offset, export.columns()[0].instance), (None, None));
}

#[rstest]
#[case("Europe/Tallinn (+03:00)", Some(10_800))]
#[case("America/St_Johns (-02:30)", Some(-9000))]
#[case("UTC", None)]
fn zones(#[case] text: &str, #[case] offset: Option<i32>) {
    assert_eq!(Zone::parse(text).expect("a zone").offset, offset);
}

#[rstest]
#[case("1970-01-01 00:00:00", Some(0))]
#[case("2000-02-29 00:00:00.123", Some(951_782_400))]
#[case("2026-11-29 13:36:26", Some(1_795_959_386))]
#[case("2100-02-29 00:00:00", None)]
#[case("2026-11-29 24:00:00", None)]
#[case("2026-+1-29 12:00:00", None)]
#[case("2026-11-29", None)]
fn times(#[case] text: &str, #[case] seconds: Option<i64>) {
    assert_eq!(Local::parse(text).map(|at| at.0), seconds);
}

proptest! {
    #[test]
    fn no_text_panics(text in "[\\PC\n\r\",]{0,300}") {
        for text in [text.clone(), format!("{HEAD}{text}")] {
            if let Ok(mut export) = Export::new(text.as_bytes()) {
                for _ in 0..400 {
                    if let Ok(None) = export.row() {
                        break;
                    }
                }
            }
        }
    }
}
