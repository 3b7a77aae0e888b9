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
    assert_eq!(
        wrong[1],
        "line 5: 1 cells, 5 columns: it is not whole, or something else wrote it; export it again"
    );
}

#[rstest]
#[case::empty("", "it ends in its head, expected three rows: devices, parameters with the time zone, units")]
#[case::candump(
    "(1.0) can0 351#\n\n\n",
    "it ends in its head, expected three rows: devices, parameters with the time zone, units"
)]
#[case::another(
    "time,Voltage\nx,y\nz,w\n",
    "line 1: its first cell is not `timestamp`: the three rows of the head are missing, or it is another file"
)]
#[case::semicolons(
    "timestamp;A [1]\nEurope/Berlin (+01:00);V\n;V\n",
    "its cells are parted by semicolons, expected commas: a spreadsheet wrote it; export it again"
)]
#[case::no_zone(
    "timestamp,A [1]\n12:00,V\n,V\n",
    "line 2: it does not begin with a time zone, such as Europe/Berlin (+01:00)"
)]
#[case::no_columns(
    "timestamp\nEurope/Berlin\n\"\"\n",
    "its rows of devices, parameters and units have no columns, or not as many"
)]
fn what_is_no_export_is_refused(#[case] text: &str, #[case] why: &str) {
    let error = Export::new(text.as_bytes()).expect_err("none");
    assert_eq!(error.to_string(), format!("no log export of VRM: {why}"));
}

/// `88,0` is refused in a column that has a unit, where it would count as missing. In a column without a unit it is a text.
#[test]
fn a_comma_is_no_point() {
    let (rows, wrong) = read("2026-03-28 23:58:00,Open,\"88,0\",,,\n2026-03-28 23:59:00,\"1,2\",,,,\n");
    assert_eq!(rows.len(), 1);
    assert!(
        wrong[0].starts_with("line 4: `88,0` of State of charge is a number with a comma"),
        "{}",
        wrong[0]
    );
}

#[test]
fn line_ends_of_windows_are_line_ends() {
    let text = format!("\u{feff}{HEAD}2026-03-28 23:58:00,Open,88.0,,,Bulk\n\n").replace('\n', "\r\n");
    let mut export = Export::new(text.as_bytes()).expect("an export");
    let row = export.row().expect("readable").expect("a row");
    assert_eq!((row.line, &row.cells[1]), (4, &Cell::Number(88.0)));
    assert_eq!(row.cells[4], Cell::Text("Bulk".to_owned()));
    assert!(export.row().expect("an empty line is skipped").is_none());
}

#[test]
fn a_workbook_is_no_text() {
    let error = Export::new(&b"PK\x03\x04\xff\xfe\n,\n,\n"[..]).expect_err("none").to_string();
    assert!(error.starts_with("line 1: no text in UTF-8"), "{error}");
}

proptest! {
    /// Whatever numbers an export holds are read as they are, empty cells are missing, and each row has its line.
    #[test]
    fn numbers_and_gaps_are_read_back(
        values in prop::collection::vec(prop::option::of(-1e6..1e6), 1..50), windows: bool,
    ) {
        let mut text = "timestamp,A [1]\nUTC,Voltage\n,V\n".to_owned();
        for (k, value) in values.iter().enumerate() {
            let value = value.map_or(String::new(), |value: f64| value.to_string());
            text += &format!("2026-01-05 12:{k:02}:00,{value}\n");
        }
        let text = if windows { text.replace('\n', "\r\n") } else { text };
        let mut export = Export::new(text.as_bytes()).expect("an export");
        for (k, value) in values.iter().enumerate() {
            let row = export.row().expect("readable").expect("a row");
            prop_assert_eq!(row.line, k as u64 + 4);
            prop_assert_eq!(&row.at.shown(), &format!("2026-01-05 12:{k:02}:00"));
            prop_assert_eq!(&row.cells[0], &value.map_or(Cell::Missing, Cell::Number));
        }
        prop_assert!(export.row().expect("readable").is_none());
    }
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
