//! Lines of can-utils (its README and the formats of `parse_canframe` in its lib.c) and of published logs.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn record(line: &str) -> Record<'_> {
    match parse(line.as_bytes()) {
        Ok(Line::Record(record)) => record,
        other => panic!("{line}: {other:?}"),
    }
}

fn fd(id: CanId, flags: u8, data: &[u8]) -> Content {
    Content::Fd(FdFrame::new(id, flags, data).expect("in range"))
}

/// The can-utils README.
const README: &str = "(1436509052.249713) vcan0 044#2A366C2BBA";

#[test]
fn the_line_of_the_readme() {
    let frame = Frame::standard(0x044, &[0x2A, 0x36, 0x6C, 0x2B, 0xBA]);
    let expected = Record {
        at: Micros(1_436_509_052_249_713),
        interface: "vcan0",
        direction: None,
        content: Content::Data(frame),
    };
    assert_eq!(record(README), expected);
    for tail in ["\r", "\r\n", "\n", "  "] {
        assert_eq!(record(&format!("{README}{tail}")), expected, "{tail:?}");
    }
    for (tail, direction) in [(" R", Direction::Received), (" T\r\n", Direction::Sent)] {
        assert_eq!(
            record(&format!("{README}{tail}")),
            Record { direction: Some(direction), ..expected },
            "{tail:?}"
        );
    }
    assert_eq!(record(&README.replace(" vcan0", "   vcan0")), expected, "padded to the longest name");
}

#[rstest]
#[case::byd("351#480200050005AE01", CanId::Standard(0x351), &[0x48, 0x02, 0x00, 0x05, 0x00, 0x05, 0xAE, 0x01])]
#[case::lower_case("35e#4c4f", CanId::Standard(0x35E), b"LO")]
#[case::no_data("7FF#", CanId::Standard(0x7FF), &[])]
#[case::extended_p_5_1("00000356#1479016200F00240", CanId::Extended(0x356), &[0x14, 0x79, 0x01, 0x62, 0x00, 0xF0, 0x02, 0x40])]
#[case::largest("1FFFFFFF#00", CanId::Extended(0x1FFF_FFFF), &[0])]
#[case::raw_length_of_9("123#1122334455667788_9", CanId::Standard(0x123), &[0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88])]
fn data_frames(#[case] text: &str, #[case] id: CanId, #[case] data: &[u8]) {
    let line = format!("(1.000001) can0 {text}");
    let frame = Frame::new(id, data).expect("8 bytes at most");
    assert_eq!(record(&line).content, Content::Data(frame));
}

#[rstest]
#[case("123#R", Content::Remote { id: CanId::Standard(0x123), dlc: 0 })]
#[case("123#R8", Content::Remote { id: CanId::Standard(0x123), dlc: 8 })]
#[case("123#R8_E", Content::Remote { id: CanId::Standard(0x123), dlc: 8 })]
#[case("00000123#R3", Content::Remote { id: CanId::Extended(0x123), dlc: 3 })]
#[case("123##1", fd(CanId::Standard(0x123), 1, &[]))]
#[case("12345678##F1122", fd(CanId::Extended(0x1234_5678), 15, &[0x11, 0x22]))]
fn other_frames(#[case] text: &str, #[case] expected: Content) {
    assert_eq!(record(&format!("(1.000001) can0 {text}")).content, expected);
}

/// A bus-off as SocketCAN reports it: class 0x40 with the flag of error frames.
#[test]
fn error_frames_are_not_data() {
    let line = "(1.000001) can0 20000040#0000000000000000";
    let expected = Content::Error { class: 0x40, data: Payload::new([0; 8]) };
    assert_eq!(record(line).content, expected);
}

#[rstest]
#[case("(0.000000)", 0)]
#[case("(0000000012.5)", 12_500_000)]
#[case("(1436509052.249713999)", 1_436_509_052_249_713)]
#[case("(18446744073709.551615)", u64::MAX)]
fn times(#[case] text: &str, #[case] us: u64) {
    assert_eq!(record(&format!("{text} can0 123#")).at, Micros(us));
}

#[rstest]
#[case("  can0  351   [8]  48 02 00 05 00 05 AE 01", 1, Expected::Time, Some(b' '))]
#[case("<0x354> [8] 04 c0 00 1f 03 00 00 00", 1, Expected::Time, Some(b'<'))]
#[case("() can0 351#00", 2, Expected::Seconds, Some(b')'))]
#[case("(12,5) can0 351#00", 4, Expected::Seconds, Some(b','))]
#[case("(999999999999999.000000) can0 351#00", 2, Expected::Seconds, Some(b'9'))]
#[case("(18446744073709.551616) can0 351#00", 2, Expected::Seconds, Some(b'1'))]
#[case("(12.) can0 351#00", 5, Expected::Fraction, Some(b')'))]
#[case("(12.5 can0 351#00", 6, Expected::Fraction, Some(b' '))]
#[case("(12.5)can0 351#00", 7, Expected::Space, Some(b'c'))]
#[case("(12.5)  can0  351   [8]  48", 14, Expected::Identifier, Some(b' '))]
#[case("(12.5) can0", 12, Expected::Space, None)]
#[case("(12.5) can0 800#00", 13, Expected::Identifier, Some(b'8'))]
#[case("(12.5) can0 0351#00", 13, Expected::Identifier, Some(b'0'))]
#[case("(12.5) can0 40000000#00", 13, Expected::Identifier, Some(b'4'))]
#[case("(12.5) can0 A0000040#00", 13, Expected::Identifier, Some(b'A'))]
#[case("(12.5) can0 351 [8] 48", 16, Expected::Hash, Some(b' '))]
#[case("(12.5) can0 351#480", 20, Expected::EvenDigits, None)]
#[case("(12.5) can0 351#48xx", 19, Expected::End, Some(b'x'))]
#[case("(12.5) can0 351#112233445566778899", 33, Expected::EightBytes, Some(b'9'))]
#[case("(12.5) can0 351#1122334455667788_8", 34, Expected::RawLength, Some(b'8'))]
#[case("(12.5) can0 351#R9", 18, Expected::EightBytes, Some(b'9'))]
#[case("(12.5) can0 351##", 18, Expected::FdFlags, None)]
#[case("(12.5) can0 351##0123", 22, Expected::EvenDigits, None)]
#[case("(12.5) can0 351#00 X", 19, Expected::End, Some(b' '))]
fn refused(#[case] line: &str, #[case] column: usize, #[case] expected: Expected, #[case] found: Option<u8>) {
    assert_eq!(parse(line.as_bytes()), Err(LineError { column, expected, found }), "{line}");
}

#[test]
fn the_message_says_where_what_and_what_instead() {
    let error = parse(b"(12.5) can0 351 [8] 48").expect_err("a copy of the screen");
    assert_eq!(
        error.to_string(),
        "column 16: expected `#` behind the identifier (a log of `candump -L`, not a copy of the screen), found ` `"
    );
}

/// What `candump -d` notes of frames that it came too late for.
#[test]
fn dropped_frames_are_not_silent() {
    let line = b"DROPCOUNT: dropped 3 CAN frames on 'can0' socket (total drops 17)";
    assert_eq!(parse(line), Ok(Line::Dropped(3)));
}

#[test]
fn a_whole_log_with_comments_and_either_line_end() {
    let log =
        "\u{FEFF}# device: BYD\r\n\r\n(1.000000) can0 35E#4259440000000000\r\nrubbish\n(2.000000) can0 305#";
    let read: Vec<_> = lines(log.as_bytes()).collect();
    assert_eq!(read.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(read[0].1, Ok(Line::Comment(b" device: BYD")));
    assert_eq!(read[1].1, Ok(Line::Blank));
    assert!(matches!(read[2].1, Ok(Line::Record(Record { interface: "can0", .. }))));
    assert_eq!(read[3].1, Err(LineError { column: 1, expected: Expected::Time, found: Some(b'r') }));
    assert!(matches!(read[4].1, Ok(Line::Record(Record { at: Micros(2_000_000), .. }))));
    assert_eq!(lines(b"").count(), 0);
}

#[rstest]
#[case(0, "(0000000000.000000)")]
#[case(1_436_509_052_249_713, "(1436509052.249713)")]
#[case(12_345_678_901_000_001, "(12345678901.000001)")]
#[case(u64::MAX, "(18446744073709.551615)")]
fn writes_times_as_candump_does(#[case] us: u64, #[case] expected: &str) {
    let mut out = Vec::new();
    write_line(&mut out, Micros(us), "can0", &Frame::standard(0x305, &[0; 8]));
    assert_eq!(String::from_utf8(out).expect("ASCII"), format!("{expected} can0 305#0000000000000000\n"));
}

#[rstest]
#[case("(1436509052.249713) vcan0 044#2A366C2BBA")]
#[case("(1436509052.249713) can0 1510A8A0#0000000010050701")]
#[case("(1436509052.249713) can0 123#R")]
#[case("(1436509052.249713) can0 123#R8")]
#[case("(1436509052.249713) can0 20000004#0004000000000000")]
#[case("(1436509052.249713) can0 123##1AABB")]
fn a_line_read_and_written_is_the_same(#[case] line: &str) {
    let mut out = Vec::new();
    write_record(&mut out, &record(line));
    assert_eq!(String::from_utf8(out).expect("ASCII"), format!("{line}\n"));
}

fn any_content() -> impl Strategy<Value = Content> {
    let id =
        prop_oneof![(0..=0x7FFu16).prop_map(CanId::Standard), (0..=EXTENDED_MASK).prop_map(CanId::Extended)];
    let data = proptest::collection::vec(any::<u8>(), 0..=8);
    let long = proptest::collection::vec(any::<u8>(), 0..=64);
    prop_oneof![
        (id.clone(), data.clone())
            .prop_map(|(id, data)| Content::Data(Frame::new(id, &data).expect("in range"))),
        (id.clone(), 0..=8u8).prop_map(|(id, dlc)| Content::Remote { id, dlc }),
        (0..=EXTENDED_MASK, data).prop_map(|(class, data)| Content::Error {
            class,
            data: Payload::from_slice(&data).expect("8 bytes at most")
        }),
        (id, 0..16u8, long).prop_map(|(id, flags, data)| fd(id, flags, &data)),
    ]
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(us in any::<u64>(), interface in "[a-z]{1,8}[0-9]{0,2}", content in any_content(), which in 0..3usize) {
        let direction = [None, Some(Direction::Received), Some(Direction::Sent)][which];
        let written = Record { at: Micros(us), interface: &interface, direction, content };
        let mut out = Vec::new();
        write_record(&mut out, &written);
        prop_assert_eq!(lines(&out).collect::<Vec<_>>(), [(1, Ok(Line::Record(written)))]);
    }

    /// Any bytes: no panic, every line is counted, and an error points into the line or just behind it.
    #[test]
    fn no_bytes_panic(log in proptest::collection::vec(any::<u8>(), 0..200)) {
        for (_, line) in lines(&log) {
            if let Err(error) = line {
                prop_assert!((1..=log.len() + 1).contains(&error.column));
            }
        }
    }

    /// Lines that are nearly right reach further into the parser than random bytes do.
    #[test]
    fn no_damaged_line_panics(at in 0..60usize, byte in any::<u8>(), cut in 0..60usize, which in 0..4usize) {
        let mut line = [
            README,
            "(1436509052.249713) can0 20000004#0004000000000000",
            "(1436509052.249713) can0 12345678##1AABB",
            "(1436509052.249713) can0 123#1122334455667788_F",
        ][which].as_bytes().to_vec();
        if let Some(place) = line.get_mut(at) {
            *place = byte;
        }
        line.truncate(cut);
        if let Err(error) = parse(&line) {
            prop_assert!((1..=line.len() + 1).contains(&error.column));
            prop_assert_eq!(error.found, line.trim_ascii_end().get(error.column - 1).copied());
        }
    }
}
