//! Lines of every form. Sources: "screen" and "log2long" are can-utils (`candump.c` and `lib.c`, and the output of
//! `log2long` 2020.11), "python-can" is what version 4.6 writes, "log2asc" what can-utils does, P 5.1 the document.
//! The bytes are those of a BYD Battery-Box Premium LVS (README of dfch/BydCanProtocol).

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::frame::{CanId, Frame};
use crate::message::Payload;

const LIMITS: [u8; 8] = [0x48, 0x02, 0x00, 0x05, 0x00, 0x05, 0xAE, 0x01];

fn limits() -> Content {
    Content::Data(Frame::standard(0x351, &LIMITS))
}

fn fd(id: CanId, flags: u8, data: &[u8]) -> Content {
    Content::Fd(FdFrame::new(id, flags, data).expect("in range"))
}

fn error(class: u32, data: &[u8]) -> Content {
    Content::Error { class, data: Payload::from_slice(data).expect("8 bytes at most") }
}

/// Reads a whole log; every line must be readable.
fn read(log: &str) -> (Vec<Entry>, Reader) {
    let mut reader = sniff(log.as_bytes(), true).expect("a log").expect("a whole head");
    let entries =
        log.lines().zip(1..).filter_map(|(line, number)| match reader.line(number, line.as_bytes()) {
            Item::Frame(entry) => Some(entry),
            Item::Nothing | Item::Lost(_) => None,
            Item::Problem(error) => panic!("line {number}: {error}"),
        });
    (entries.collect(), reader)
}

#[rstest]
#[case::screen(
    " can0  351   [8]  48 02 00 05 00 05 AE 01",
    Format::Screen,
    "can0",
    TimeKind::Synthetic,
    1000
)]
#[case::screen_indented(
    "  can0       351   [8]  48 02 00 05 00 05 AE 01",
    Format::Screen,
    "can0",
    TimeKind::Synthetic,
    1000
)]
#[case::screen_ta(
    " (1436509052.249713)  can0  351   [8]  48 02 00 05 00 05 AE 01",
    Format::Screen,
    "can0",
    TimeKind::Absolute,
    1_436_509_052_249_713
)]
#[case::screen_tz(
    " (003.010012)  can0  351   [8]  48 02 00 05 00 05 AE 01",
    Format::Screen,
    "can0",
    TimeKind::SinceStart,
    3_010_012
)]
#[case::screen_t_date(
    " (2026-01-31 12:00:00.123456)  can0  351   [8]  48 02 00 05 00 05 AE 01",
    Format::Screen,
    "can0",
    TimeKind::Absolute,
    1_769_860_800_123_456
)]
#[case::screen_leap_day(
    " (2024-02-29 00:00:00.000000)  can0  351   [8]  48 02 00 05 00 05 AE 01",
    Format::Screen,
    "can0",
    TimeKind::Absolute,
    1_709_164_800_000_000
)]
#[case::screen_x(
    " (003.010012)  can0  RX - -  351   [8]  48 02 00 05 00 05 AE 01",
    Format::Screen,
    "can0",
    TimeKind::SinceStart,
    3_010_012
)]
#[case::screen_x_tx(
    " can0  TX B E  351   [8]  48 02 00 05 00 05 AE 01",
    Format::Screen,
    "can0",
    TimeKind::Synthetic,
    1000
)]
#[case::screen_text(
    " can0  351   [8]  48 02 00 05 00 05 AE 01   'H.......'",
    Format::Screen,
    "can0",
    TimeKind::Synthetic,
    1000
)]
#[case::screen_colours(
    " \u{1B}[1m\u{1B}[34mcan0\u{1B}[0m  351   [8]  48 02 00 05 00 05 AE 01",
    Format::Screen,
    "can0",
    TimeKind::Synthetic,
    1000
)]
#[case::screen_raw_length(
    " can0  351   {F}  48 02 00 05 00 05 AE 01",
    Format::Screen,
    "can0",
    TimeKind::Synthetic,
    1000
)]
#[case::log2long(
    "(1700000000.000000)  can0       351   [8]  48 02 00 05 00 05 AE 01   'H.......'",
    Format::Screen,
    "can0",
    TimeKind::Absolute,
    1_700_000_000_000_000
)]
#[case::screen_backwards(
    " can0  351   [8]  01`AE`05`00`05`00`02`48",
    Format::Screen,
    "can0",
    TimeKind::Synthetic,
    1000
)]
#[case::screen_bits(
    " can0  351   [8]  01001000 00000010 00000000 00000101 00000000 00000101 10101110 00000001",
    Format::Screen,
    "can0",
    TimeKind::Synthetic,
    1000
)]
#[case::p_5_1("<0x351> [8] 48 02 00 05 00 05 ae 01", Format::Screen, "-", TimeKind::Synthetic, 1000)]
#[case::p_5_1_header(
    "interface = can1, family = 29, type = 3, proto = 1\n<0x351> [8] 48 02 00 05 00 05 ae 01",
    Format::Screen,
    "can1",
    TimeKind::Synthetic,
    1000
)]
#[case::p_5_1_note(
    "<0x351> [8] 48 02 00 05 00 05 ae 01      <--- sent by the battery,",
    Format::Screen,
    "-",
    TimeKind::Synthetic,
    1000
)]
#[case::python_can_csv(
    "1700000000.0,0x351,0,0,0,8,SAIABQAFrgE=",
    Format::Csv,
    "-",
    TimeKind::Absolute,
    1_700_000_000_000_000
)]
#[case::python_can_csv_small("1e-05,0x351,0,0,0,8,SAIABQAFrgE=", Format::Csv, "-", TimeKind::SinceStart, 10)]
#[case::python_can_csv_rounded(
    "1700000000.1234567,0x351,0,0,0,8,SAIABQAFrgE=",
    Format::Csv,
    "-",
    TimeKind::Absolute,
    1_700_000_000_123_457
)]
#[case::python_can_asc(
    " 0.010000 1  351             Rx   d 8 48 02 00 05 00 05 AE 01",
    Format::Asc,
    "1",
    TimeKind::SinceStart,
    10_000
)]
#[case::log2asc(
    "   0.010000 2  351             Tx   d 8 48 02 00 05 00 05 AE 01",
    Format::Asc,
    "2",
    TimeKind::SinceStart,
    10_000
)]
#[case::canalyzer(
    "   0.010000 1  351             Rx   d 8 48 02 00 05 00 05 AE 01  Length = 240000 BitCount = 124 ID = 849",
    Format::Asc,
    "1",
    TimeKind::SinceStart,
    10_000
)]
#[case::canalyzer_dec(
    "base dec  timestamps absolute\n   0.010000 1  849             Rx   d 8 72 2 0 5 0 5 174 1",
    Format::Asc,
    "1",
    TimeKind::SinceStart,
    10_000
)]
#[case::canalyzer_fd_channel(
    "   0.010000 CANFD   1 Rx      351  Limits   0 0 8  8 48 02 00 05 00 05 AE 01   230000  118      0     0 0 0 0 0",
    Format::Asc,
    "1",
    TimeKind::SinceStart,
    10_000
)]
#[case::candump(
    "(1700000000.000000) can0 351#480200050005AE01",
    Format::Candump,
    "can0",
    TimeKind::Absolute,
    1_700_000_000_000_000
)]
#[case::candump_of_a_run(
    "(0000000012.000000) can0 351#480200050005AE01 R",
    Format::Candump,
    "can0",
    TimeKind::SinceStart,
    12_000_000
)]
#[case::byte_order_mark(
    "\u{FEFF}(1700000000.000000) can0 351#480200050005AE01",
    Format::Candump,
    "can0",
    TimeKind::Absolute,
    1_700_000_000_000_000
)]
fn one_frame_in_every_form(
    #[case] log: &str,
    #[case] format: Format,
    #[case] interface: &str,
    #[case] time: TimeKind,
    #[case] us: u64,
) {
    let (entries, reader) = read(log);
    assert_eq!((reader.format(), reader.time_kind()), (format, time));
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].at, entries[0].content), (Micros(us), limits()));
    assert_eq!(reader.interface(entries[0].interface), interface);
    assert_eq!(reader.report(), &Report { data: 1, ..Report::default() });
}

#[rstest]
#[case::screen_extended(" can0  00000356   [8]  14 79 01 62 00 F0 02 40", Content::Data(Frame::new(CanId::Extended(0x356), &[0x14, 0x79, 0x01, 0x62, 0x00, 0xF0, 0x02, 0x40]).expect("8 bytes")))]
#[case::p_5_1_extended("<0x1510a8a0> [8] 00 00 00 00 10 05 07 01", Content::Data(Frame::new(CanId::Extended(0x1510_A8A0), &[0, 0, 0, 0, 0x10, 5, 7, 1]).expect("8 bytes")))]
#[case::p_5_1_no_data("<0x305> [0]", Content::Data(Frame::standard(0x305, &[])))]
#[case::screen_remote(" can0  123   [3]  remote request", Content::Remote { id: CanId::Standard(0x123), dlc: 3 })]
#[case::screen_error(" can0  20000004   [8]  00 04 00 00 00 00 00 00   ERRORFRAME", error(4, &[0, 4, 0, 0, 0, 0, 0, 0]))]
#[case::screen_fd(" can0  12345678  [02]  AA BB", fd(CanId::Extended(0x1234_5678), 0, &[0xAA, 0xBB]))]
#[case::screen_fd_long(" can0  123  [12]  00 11 22 33 44 55 66 77 88 99 AA BB", fd(CanId::Standard(0x123), 0, &[0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB]))]
#[case::csv_extended("1.5,0x1510a8a0,1,0,0,1,/w==", Content::Data(Frame::new(CanId::Extended(0x1510_A8A0), &[0xFF]).expect("1 byte")))]
#[case::csv_no_data("1.5,0x305,0,0,0,0,", Content::Data(Frame::standard(0x305, &[])))]
#[case::csv_remote("1.5,0x123,0,1,0,3,", Content::Remote { id: CanId::Standard(0x123), dlc: 3 })]
#[case::csv_error("1.5,0x4,0,0,1,8,AAQAAAAAAAA=", error(4, &[0, 4, 0, 0, 0, 0, 0, 0]))]
#[case::csv_fd("1.5,0x123,0,0,0,12,ABEiM0RVZneImaq7", fd(CanId::Standard(0x123), 0, &[0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB]))]
#[case::asc_extended(" 0.0 1  1510A8A0x       Rx   d 2 AA BB", Content::Data(Frame::new(CanId::Extended(0x1510_A8A0), &[0xAA, 0xBB]).expect("2 bytes")))]
#[case::asc_remote(" 0.0 1  123             Rx   r 3", Content::Remote { id: CanId::Standard(0x123), dlc: 3 })]
#[case::asc_remote_old(" 0.0 1  123             Rx   r", Content::Remote { id: CanId::Standard(0x123), dlc: 0 })]
#[case::asc_error(" 0.0 1  ErrorFrame", error(0, &[]))]
#[case::asc_fd_python_can(" 0.000000 CANFD   1 Rx        123                                   1 0 9 12 00 11 22 33 44 55 66 77 88 99 AA BB        0    0     3000        0        0        0        0        0", fd(CanId::Standard(0x123), 1, &[0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB]))]
fn other_frames(#[case] line: &str, #[case] expected: Content) {
    let (entries, _) = read(line);
    assert_eq!(entries.iter().map(|entry| entry.content).collect::<Vec<_>>(), [expected]);
}

/// Headers and events around frames, none of which is a frame and none of which is a problem.
#[rstest]
#[case::python_can_asc(
    "date Sun Jan 31 12:00:00.000 2026\nbase hex  timestamps absolute\ninternal events logged\nBegin Triggerblock Sun Jan 31 12:00:00.000 2026\n 0.000000 Start of measurement\n 0.010000 1  305             Tx   d 0\nEnd TriggerBlock\n"
)]
#[case::canalyzer(
    "date Thu Jan 1 01:00:00 am 1970\nbase hex  timestamps absolute\nno internal events logged\n// version 9.0.0\n   0.001 CAN 1 Status:chip status error active\n   0.010000 1  305             Rx   d 0\n   1.000000 1  Statistic: D 1 R 0 XD 0 XR 0 E 0 O 0 B 0.03%\n   2.000000 log trigger event\n"
)]
#[case::python_can_csv(
    "timestamp,arbitration_id,extended,remote,error,dlc,data\r\n0.0,0x305,0,0,0,0,\r\n\r\n"
)]
#[case::screen(
    "root@ccgx:~# candump can0\ninterface = can0, family = 29, type = 3, proto = 1\n<0x305> [0]\n"
)]
fn what_stands_around_frames(#[case] log: &str) {
    let (entries, reader) = read(log);
    assert_eq!(entries.len(), 1);
    assert_eq!(reader.report().problems, 0);
}

/// `candump -e` explains an error frame in lines that begin with a tab.
#[test]
fn explained_error_frames() {
    let log = " can0  20000004   [8]  00 04 00 00 00 00 00 00   ERRORFRAME\n\tcontroller-problem{rx-error-warning}\n\terror-counter-tx-rx{{0}{96}}\n";
    let (entries, reader) = read(log);
    assert_eq!((entries.len(), reader.report().error), (1, 1));
}

#[test]
fn frames_that_were_lost_are_counted() {
    let log = "(1.000000) can0 305#\nDROPCOUNT: dropped 3 CAN frames on 'can0' socket (total drops 3)\n(2.000000) can0 305#\n";
    let (entries, reader) = read(log);
    assert_eq!((entries.len(), reader.report().lost), (2, 3));
}

/// A burst of a BMS every second: differences go up and down, times since the first frame do not.
#[rstest]
#[case::differences(["000.000000", "000.000240", "000.000250", "000.000231", "000.998911", "000.000244"], TimeKind::Differences, 999_876)]
#[case::since_start(["000.000000", "000.000240", "000.000490", "000.000721", "000.999632", "000.999876"], TimeKind::SinceStart, 999_876)]
fn both_kinds_of_relative_times(#[case] times: [&str; 6], #[case] kind: TimeKind, #[case] last: u64) {
    let log: String = times.map(|t| format!(" ({t})  can0  305   [0] \n")).concat();
    let (entries, reader) = read(&log);
    assert_eq!(reader.time_kind(), kind);
    assert_eq!(entries.last().expect("six").at, Micros(last));
    assert_eq!(reader.report().backwards, 0);
    let undecided = sniff(log.as_bytes(), false).expect("a log");
    assert!(undecided.is_none(), "six frames of a pipe are too few to tell");
}

#[test]
fn relative_times_of_an_asc_log_are_added_up() {
    let log = "base hex  timestamps relative\n 0.5 1  305  Rx d 0\n 0.25 1  305  Rx d 0\n";
    let (entries, reader) = read(log);
    assert_eq!(reader.time_kind(), TimeKind::Differences);
    assert_eq!(entries[1].at, Micros(750_000));
}

#[rstest]
#[case("# timestamps: synthetic (order preserved, 10 ms between frames)", TimeKind::Synthetic)]
#[case("#Timestamps:Synthetic", TimeKind::Synthetic)]
#[case("# timestamps: REAL (kernel)", TimeKind::Absolute)]
fn a_comment_says_what_times_are_worth(#[case] comment: &str, #[case] kind: TimeKind) {
    let (entries, reader) = read(&format!("{comment}\n(1700000000.010000) can0 305#\n"));
    assert_eq!((entries[0].at, reader.time_kind()), (Micros(1_700_000_000_010_000), kind));
}

/// Frames of two interfaces may be written out of order; of one, they may not.
#[test]
fn steps_back_are_told_per_interface() {
    let log = "(5.000000) can0 305#\n(4.900000) can1 305#\n(6.000000) can0 305#\n(5.500000) can0 305#\n(5.400000) can0 305#\n";
    let (entries, reader) = read(log);
    assert_eq!(entries.iter().map(|e| e.interface).collect::<Vec<_>>(), [0, 1, 0, 0, 0]);
    assert!(reader.interfaces().eq(["can0", "can1"]));
    assert_eq!(reader.report().backwards, 2);
    assert_eq!(reader.report().first_backwards, Some(Backwards { line: 4, by: Micros(500_000) }));
    assert_eq!(entries[3].at, Micros(5_500_000), "as logged");
}

#[rstest]
#[case::screen(Format::Screen, "can0  351   [8]  48 02 00", 26, Expected::Byte)]
#[case::screen_more(Format::Screen, "can0  351   [1]  48 02", 21, Expected::NoMoreBytes)]
#[case::screen_length(Format::Screen, "can0  351   [9]  48 02", 13, Expected::Length)]
#[case::screen_fd_length(Format::Screen, "can0  351   [65]  48 02", 13, Expected::SixtyFourBytes)]
#[case::screen_identifier(Format::Screen, "can0  0351   [1]  48", 7, Expected::Identifier)]
#[case::screen_binary(Format::Screen, "can0  351   [1]  01001002", 18, Expected::Byte)]
#[case::screen_prose(Format::Screen, "In case you see 29 bit", 1, Expected::ScreenFrame)]
#[case::screen_header(Format::Screen, "interface = can0 00 00, family = 29", 1, Expected::ScreenFrame)]
#[case::screen_time(Format::Screen, "(2026-13-01 12:00:00.0)  can0  351   [0]", 1, Expected::ScreenTime)]
#[case::csv_columns(Format::Csv, "1.5,0x351,0,0,0,8", 18, Expected::CsvRow)]
#[case::csv_time(Format::Csv, "now,0x351,0,0,0,0,", 1, Expected::DecimalSeconds)]
#[case::csv_negative_time(Format::Csv, "-1.0,0x351,0,0,0,0,", 1, Expected::DecimalSeconds)]
#[case::csv_identifier(Format::Csv, "1.5,0x800,0,0,0,0,", 5, Expected::CsvIdentifier)]
#[case::csv_flag(Format::Csv, "1.5,0x351,2,0,0,0,", 11, Expected::ZeroOrOne)]
#[case::csv_cut(Format::Csv, "1.5,0x351,0,0,0,8,SAIABQAFr", 19, Expected::Base64)]
#[case::csv_garbage_bits(Format::Csv, "1.5,0x351,0,0,0,1,/x==", 19, Expected::Base64)]
#[case::asc(Format::Asc, " 0.0 1  351  Rx d 2 AA", 23, Expected::Byte)]
#[case::asc_identifier(Format::Asc, " 0.0 1  800  Rx d 0", 9, Expected::AscIdentifier)]
#[case::asc_direction(Format::Asc, " 0.0 1  351  Up d 0", 14, Expected::AscDirection)]
#[case::asc_kind(Format::Asc, " 0.0 1  351  Rx q 0", 17, Expected::AscKind)]
#[case::asc_prose(Format::Asc, "In case you see 29 bit", 1, Expected::AscEvent)]
fn problems_are_named(
    #[case] format: Format,
    #[case] line: &str,
    #[case] column: usize,
    #[case] expected: Expected,
) {
    let mut reader = Reader::new(format);
    let Item::Problem(error) = reader.line(1, line.as_bytes()) else { panic!("{line} was read") };
    assert_eq!((error.column, error.expected), (column, expected), "{error}");
    assert_eq!(reader.report(), &Report { problems: 1, ..Report::default() });
}

/// A frame at the very end may be a longer one cut off, unless it has all it can have.
#[rstest]
#[case("(1.000000) can0 351#480200050005AE01", true)]
#[case("(1.000000) can0 351#48020005", false)]
#[case("(1.000000) can0 351#48020005 R", true)]
#[case("(1.000000) can0 351#4802000", false)]
fn a_log_that_stops_within_a_line(#[case] line: &str, #[case] whole: bool) {
    let mut reader = Reader::new(Format::Candump);
    reader.line(1, b"(0.000000) can0 305#");
    let item = reader.unfinished_line(2, line.as_bytes());
    assert_eq!(matches!(item, Item::Frame(_)), whole, "{item:?}");
    assert_eq!((reader.report().data, reader.report().problems), if whole { (2, 0) } else { (1, 1) });
}

#[test]
fn too_many_interfaces_are_a_problem() {
    let mut reader = Reader::new(Format::Candump);
    for number in 0..70 {
        let item = reader.line(number, format!("(1.000000) can{number} 305#").as_bytes());
        assert_eq!(matches!(item, Item::Frame(_)), number < Reader::MAX_INTERFACES as u64);
    }
}

#[rstest]
#[case::empty(b"", "it is empty")]
#[case::blank(b"\n\r\n  \n", "there is no frame in it")]
#[case::comments(b"# device: BYD\n# nothing came\n", "there is no frame in it")]
#[case::headers(
    b"date Sun Jan 31 12:00:00.000 2026\nbase hex  timestamps absolute\n",
    "there is no frame in it"
)]
#[case::program(b"\x7FELF\x02\x01\x01\0\0", "it is a program, not text")]
#[case::sqlite(b"SQLite format 3\0", "it is an SQLite database")]
#[case::mdf(b"MDF     4.10    ", "it is an MDF measurement")]
#[case::zeros(&[0; 100], "it is binary, not text")]
#[case::prose(
    b"Dear Sirs,\nour battery\n",
    "no line of it is a CAN frame, and it has no form that is known; line 1 is `Dear Sirs,`"
)]
#[case::trc(b";$FILEVERSION=2.0\n;$STARTTIME=43000\n", "there is no frame in it")]
#[case::json(b"\n{\"t\": 1}\n", "but JSON; line 2 is `{\"t\": 1}`")]
fn not_a_log(#[case] bytes: &[u8], #[case] message: &str) {
    let error = sniff(bytes, true).map(|_| ()).expect_err("not a log").to_string();
    assert!(error.contains(message), "{error}");
    assert_eq!(error.lines().count(), 1, "one sentence: {error}");
}

#[test]
fn a_head_without_a_whole_line_asks_for_more() {
    assert!(sniff(b"(1.000000) can0 351#4802", false).expect("not known yet").is_none());
    assert!(sniff(b"", false).expect("not known yet").is_none());
}

#[test]
fn damaged_lines_in_front_do_not_hide_the_form() {
    let log = "0005AE01\n(1.0) can0 3\n(1700000000.000000) can0 351#480200050005AE01\n";
    let reader = sniff(log.as_bytes(), true).expect("a log").expect("a whole head");
    assert_eq!(reader.format(), Format::Candump);
}

/// The same frame in a form.
fn written(format: Format, at: Micros, frame: &Frame) -> String {
    let (seconds, micros) = (at.0 / 1_000_000, at.0 % 1_000_000);
    let (id, data) = (frame.id(), frame.data());
    let bytes: String = data.iter().map(|b| format!(" {b:02X}")).collect();
    let extended = matches!(id, CanId::Extended(_));
    match format {
        Format::Candump => {
            let mut out = Vec::new();
            candump::write_line(&mut out, at, "can0", frame);
            String::from_utf8(out).expect("ASCII")
        }
        Format::Screen => format!(" ({seconds:010}.{micros:06})  can0  {id}   [{}] {bytes}\n", data.len()),
        Format::Csv => {
            let alphabet: Vec<char> =
                ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
            let mut base64 = String::new();
            for three in data.chunks(3) {
                let bits = (0..3).fold(0u32, |bits, i| bits << 8 | u32::from(*three.get(i).unwrap_or(&0)));
                for place in 0..4 {
                    let used = place <= three.len();
                    base64.push(if used { alphabet[(bits >> (18 - 6 * place) & 63) as usize] } else { '=' });
                }
            }
            let number = match id {
                CanId::Standard(id) => u32::from(id),
                CanId::Extended(id) => id,
            };
            format!("{seconds}.{micros:06},{number:#x},{},0,0,{},{base64}\n", u8::from(extended), data.len())
        }
        Format::Asc => {
            let id = format!("{id}{}", if extended { "x" } else { "" });
            format!("{seconds:>4}.{micros:06} 1  {id:<15} Rx   d {:x}{bytes}\n", data.len())
        }
        other => unreachable!("{other:?} has tests of its own"),
    }
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let id = prop_oneof![
        (0..=0x7FFu16).prop_map(CanId::Standard),
        (0..=0x1FFF_FFFFu32).prop_map(CanId::Extended),
    ];
    (id, proptest::collection::vec(any::<u8>(), 0..=8))
        .prop_map(|(id, data)| Frame::new(id, &data).expect("in range"))
}

proptest! {
    /// What was written in any form is found and read back.
    #[test]
    fn written_and_read(which in 0..4usize, frames in proptest::collection::vec(any_frame(), 1..20), start in 1_000_000_000_000_000..9_000_000_000_000_000u64) {
        let format = [Format::Candump, Format::Screen, Format::Csv, Format::Asc][which];
        let times = (0..).map(|n| Micros(start + n * 999_999));
        let log: String = frames.iter().zip(times.clone()).map(|(frame, at)| written(format, at, frame)).collect();
        let (entries, reader) = read(&log);
        prop_assert_eq!(reader.format(), format);
        prop_assert_eq!(reader.time_kind(), TimeKind::Absolute);
        let read: Vec<_> = entries.iter().map(|e| (e.at, e.content)).collect();
        let expected: Vec<_> = times.zip(&frames).map(|(at, frame)| (at, Content::Data(*frame))).collect();
        prop_assert_eq!(read, expected);
    }

    /// Any bytes in any form: no panic, and every line is a frame, nothing, or a problem that is counted.
    #[test]
    fn no_bytes_panic(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..8)) {
        for format in Format::all() {
            let mut reader = Reader::new(format);
            let mut problems = 0;
            for (line, number) in lines.iter().zip(1..) {
                if let Item::Problem(error) = reader.unfinished_line(number, line) {
                    problems += 1;
                    prop_assert!((1..=line.len() + 1).contains(&error.column));
                }
            }
            prop_assert_eq!(reader.report().problems, problems);
        }
        let _ = sniff(&lines.concat(), true);
    }

    /// Lines that are nearly right reach further than random bytes do.
    #[test]
    fn no_damaged_line_panics(which in 0..9usize, at in 0..110usize, byte in any::<u8>(), cut in 0..110usize) {
        let mut line = [
            " (1436509052.249713)  can0  RX - -  351   [8]  48 02 00 05 00 05 AE 01   'H.......'",
            " (2026-01-31 12:00:00.123456)  can0  12345678  [12]  00 11 22 33 44 55 66 77 88 99 AA BB",
            " can0  20000004   [8]  00 04 00 00 00 00 00 00   ERRORFRAME",
            "<0x1510a8a0> [8] 00 00 00 00 10 05 07 01",
            "1700000000.1234567,0x1510a8a0,1,0,0,8,SAIABQAFrgE=",
            "1e-05,0x123,0,0,0,12,ABEiM0RVZneImaq7",
            " 0.000000 CANFD   1 Rx        123  Name  1 0 9 12 00 11 22 33 44 55 66 77 88 99 AA BB 0 0 3000 0 0",
            "   0.010000 1  1510A8A0x       Rx   d 8 00 00 00 00 10 05 07 01  Length = 240000",
            "(1436509052.249713) can0 12345678##1AABB",
        ][which].as_bytes().to_vec();
        if let Some(place) = line.get_mut(at) {
            *place = byte;
        }
        line.truncate(cut);
        for format in Format::all() {
            let mut reader = Reader::new(format);
            if let Item::Problem(error) = reader.line(1, &line) {
                prop_assert!((1..=line.len() + 1).contains(&error.column));
            }
        }
        let _ = sniff(&line, true);
    }
}

mod forms;
