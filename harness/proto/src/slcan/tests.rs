use super::*;
use crate::bus::{BusState, ErrorKind};
use crate::quantity::Micros;
use proptest::prelude::*;
use rstest::rstest;

fn data(id: CanId, bytes: &[u8]) -> Carried {
    Carried::Data(Frame::new(id, bytes).expect("in range"))
}

/// Lines of the CANUSB manual and of python-can's slcan interface.
#[rstest]
#[case("t10021133", data(CanId::Standard(0x100), &[0x11, 0x33]), None)]
#[case("t0200", data(CanId::Standard(0x020), &[]), None)]
#[case("T0000010021133", data(CanId::Extended(0x100), &[0x11, 0x33]), None)]
#[case("r1002", Carried::Remote { id: CanId::Standard(0x100), dlc: 2 }, None)]
#[case("R000001000", Carried::Remote { id: CanId::Extended(0x100), dlc: 0 }, None)]
#[case("t100211330000", data(CanId::Standard(0x100), &[0x11, 0x33]), Stamp::new(0))]
#[case("t10021133EA5F", data(CanId::Standard(0x100), &[0x11, 0x33]), Stamp::new(59_999))]
fn frames_of_an_adapter(#[case] line: &str, #[case] carried: Carried, #[case] stamp: Option<Stamp>) {
    assert_eq!(reply(line.as_bytes()), Ok(Reply::Frame(carried, stamp)));
    let mut written = Vec::new();
    write(&mut written, &carried, stamp);
    assert_eq!(written, format!("{line}\r").as_bytes());
    // A host says the same, but never with a time.
    assert_eq!(command(line.as_bytes()).ok(), stamp.is_none().then_some(Command::Send(carried)));
}

#[rstest]
#[case("", Reply::Done)]
#[case("z", Reply::Taken)]
#[case("Z", Reply::Taken)]
#[case("F00", Reply::Flags(Flags::NONE))]
#[case("F24", Reply::Flags(Flags(0x24)))]
#[case("V1013", Reply::Version(*b"1013"))]
#[case("NA123", Reply::Serial(*b"A123"))]
fn answers(#[case] line: &str, #[case] expected: Reply) {
    assert_eq!(reply(line.as_bytes()), Ok(expected));
}

#[rstest]
#[case("", Command::Empty)]
#[case("S6", Command::Rate(6))]
#[case("O", Command::Open)]
#[case("L", Command::Listen)]
#[case("C", Command::Close)]
#[case("F", Command::Flags)]
#[case("Z1", Command::Stamps(true))]
#[case("V", Command::Version)]
#[case("N", Command::Serial)]
fn commands(#[case] line: &str, #[case] expected: Command) {
    assert_eq!(command(line.as_bytes()), Ok(expected));
}

/// Halves of lines, as they come where a host opens the port in the middle of one, and lines of other programs.
#[rstest]
#[case("t8000", 2)]
#[case("T200000000", 2)]
#[case("t1009", 5)]
#[case("t100211", 8)]
#[case("t1002113", 9)]
#[case("t10021133EA60", 10)]
#[case("t1002113312345", 14)]
#[case("1133", 1)]
#[case("F0", 3)]
#[case("V10", 2)]
#[case("zz", 2)]
#[case("~?Hello", 1)]
fn what_is_no_line_is_refused(#[case] line: &str, #[case] column: usize) {
    assert_eq!(reply(line.as_bytes()).map_err(|error| error.column), Err(column));
}

#[rstest]
#[case(500.0, Some(6))]
#[case(250.0, Some(5))]
#[case(83.3, None)]
fn bit_rates(#[case] rate: f64, #[case] number: Option<u8>) {
    assert_eq!(rate_number(BitRate(rate)), number);
}

#[rstest]
#[case(0x00, BusState::ErrorActive, &[])]
#[case(0x04, BusState::ErrorWarning, &[ErrorKind::Warning])]
#[case(0x24, BusState::ErrorPassive, &[ErrorKind::Warning, ErrorKind::Passive])]
#[case(0x08, BusState::ErrorActive, &[ErrorKind::Overflow])]
#[case(0x80, BusState::ErrorActive, &[ErrorKind::Protocol, ErrorKind::BusError])]
#[case(0x40, BusState::ErrorActive, &[ErrorKind::ArbitrationLost])]
fn flags_are_error_frames(#[case] flags: u8, #[case] state: BusState, #[case] kinds: &[ErrorKind]) {
    let flags = Flags(flags);
    assert_eq!(flags.state(), state);
    let frame = flags.error_frame();
    assert_eq!(frame.iter().flat_map(|frame| frame.kinds()).collect::<Vec<_>>(), kinds);
}

/// What the pieces of some bytes are, in short.
fn pieces(bytes: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::default();
    let shown = |piece: Piece<'_>| match piece {
        Piece::Line(line) => String::from_utf8_lossy(line).into_owned(),
        Piece::Refused => "BEL".to_owned(),
        Piece::Noise(_) => "NOISE".to_owned(),
    };
    bytes.iter().filter_map(|byte| decoder.push(*byte).map(shown)).collect()
}

#[rstest]
#[case(b"\r\x07z\rF00\r", &["", "BEL", "z", "F00"])]
#[case(b"t100\x07t0200\r", &["BEL", "t0200"])]
#[case(b"t0200\r\nt0210\r\n", &["t0200", "t0210"])]
#[case(b"\nt0200\nF00\n", &["", "t0200", "F00"])]
#[case(b"0123456789012345678901234567890\rt0200\r", &["NOISE", "t0200"])]
#[case(b"012345678901234567890123456789\r", &["012345678901234567890123456789"])]
fn bytes_become_lines(#[case] bytes: &[u8], #[case] expected: &[&str]) {
    assert_eq!(pieces(bytes), expected);
}

/// What an adapter answers to a host, and what it wants of the bus.
fn conversation(adapter: &mut Adapter, host: &[u8]) -> (String, Vec<Request>) {
    let mut answer = Vec::new();
    let requests = host.iter().filter_map(|byte| adapter.host(*byte, &mut answer)).collect();
    (String::from_utf8_lossy(&answer).replace('\r', ";").replace('\x07', "!"), requests)
}

#[test]
fn an_adapter_is_opened_used_and_closed() {
    let mut adapter = Adapter::default();
    // Nothing can be sent, and no flags be asked for, before it is open; nothing be set after.
    let (said, wants) = conversation(&mut adapter, b"\rO\rt0200\rF\rC\rV\rS6\rZ1\rO\rS5\rZ0\rO\r");
    assert_eq!(said, ";!!!!V1013;;;;!!!");
    assert_eq!(wants, [Request::Open { rate: BitRate(500.0), listen_only: false }]);
    let (said, wants) = conversation(&mut adapter, b"t10021133\rT000001000\rnoise\rF\r");
    assert_eq!(said, "z;Z;!F00;");
    let sent = [data(CanId::Standard(0x100), &[0x11, 0x33]), data(CanId::Extended(0x100), &[])];
    assert_eq!(wants, sent.map(Request::Send));

    adapter.raise(Flags::WARNING);
    adapter.raise(Flags::BUS_ERROR);
    assert_eq!(conversation(&mut adapter, b"F\rF\r").0, "F84;F00;");
    let mut out = Vec::new();
    adapter.bus(Micros::from_millis(61_234), &sent[0], &mut out);
    assert_eq!(out, b"t1002113304D2\r");
    assert_eq!(conversation(&mut adapter, b"C\r"), (";".to_owned(), vec![Request::Close]));
    out.clear();
    adapter.bus(Micros::ZERO, &sent[0], &mut out);
    assert_eq!(out, b"", "nothing is heard of a bus that was left");
}

#[test]
fn who_only_listens_cannot_send() {
    let mut adapter = Adapter::default();
    let (said, wants) = conversation(&mut adapter, b"S5\rL\rt0200\r");
    assert_eq!(said, ";;!");
    assert_eq!(wants, [Request::Open { rate: BitRate(250.0), listen_only: true }]);
}

#[test]
fn stamps_are_followed_over_the_minute() {
    let mut clock = StampClock::default();
    let at = |clock: &mut StampClock, millis: u16, arrived: u64| {
        clock.at(Stamp::new(millis).expect("within a minute"), Micros::from_millis(arrived)).0 / 1000
    };
    assert_eq!(at(&mut clock, 59_000, 10_000), 10_000);
    // 40 ms late, and another one in the same packet.
    assert_eq!(at(&mut clock, 59_500, 10_540), 10_500);
    assert_eq!(at(&mut clock, 59_520, 10_540), 10_520);
    assert_eq!(at(&mut clock, 100, 11_100), 11_100);
    // Three minutes of silence: the stamp alone would say one second.
    assert_eq!(at(&mut clock, 1_100, 192_101) / 10, 192_100 / 10);
}

fn any_carried() -> impl Strategy<Value = Carried> {
    let id =
        prop_oneof![(0..=0x7FFu16).prop_map(CanId::Standard), (0..=0x1FFF_FFFFu32).prop_map(CanId::Extended)];
    let bytes = proptest::collection::vec(any::<u8>(), 0..=8);
    (id, bytes, any::<bool>()).prop_map(|(id, bytes, remote)| {
        if remote { Carried::Remote { id, dlc: bytes.len() as u8 } } else { data(id, &bytes) }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(carried in any_carried(), millis in 0..Stamp::PERIOD, stamped: bool) {
        let stamp = Stamp::new(millis).filter(|_| stamped);
        let mut line = Vec::new();
        write(&mut line, &carried, stamp);
        prop_assert!(line.len() <= LONGEST + 1);
        prop_assert_eq!(line.pop(), Some(CR));
        prop_assert_eq!(reply(&line), Ok(Reply::Frame(carried, stamp)));
        if !stamped {
            prop_assert_eq!(command(&line), Ok(Command::Send(carried)));
        }
    }

    #[test]
    fn after_any_noise_the_next_line_is_read(noise in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut bytes = noise;
        bytes.extend(b"\rt0200\r");
        let read = pieces(&bytes);
        prop_assert_eq!(read.last().map(String::as_str), Some("t0200"));
    }

    /// Any host, any frames: an adapter answers every line and BEL once, and with lines that a host can read.
    #[test]
    fn an_adapter_answers_every_line(bytes in proptest::collection::vec(prop_oneof![
        any::<u8>(), proptest::sample::select(b"\r\rOSCLFVNZ0156tT".as_slice())], 0..200)) {
        let mut adapter = Adapter::default();
        let mut answer = Vec::new();
        bytes.iter().for_each(|byte| { adapter.host(*byte, &mut answer); });
        let mut decoder = Decoder::default();
        let mut answers = 0;
        for byte in answer {
            if let Some(piece) = decoder.push(byte) {
                answers += 1;
                let Piece::Line(line) = piece else { continue };
                prop_assert!(reply(line).is_ok(), "{line:?}");
            }
        }
        // NUL is filler, wherever it stands.
        let said: Vec<u8> = bytes.into_iter().filter(|byte| *byte != 0).collect();
        let before = std::iter::once(&0).chain(&said);
        let ends = said.iter().zip(before).filter(|(byte, before)| match **byte {
            CR | BEL => true,
            b'\n' => **before != CR,
            _ => false,
        });
        prop_assert_eq!(answers, ends.count());
    }

    /// Frames of a device whose clock is off by up to 100 ppm, heard up to 20 ms late, for some minutes.
    #[test]
    fn stamps_say_when_a_frame_was(ppm in -100i64..=100, gaps in proptest::collection::vec((1u64..2_000, 0u64..20_000), 1..300)) {
        let mut clock = StampClock::default();
        let (mut real, mut last) = (1_000_000u64, Micros::ZERO);
        for (millis, late) in gaps {
            real += millis * 1000;
            let device = (real as i64 + real as i64 * ppm / 1_000_000) as u64;
            let arrived = Micros((real + late).max(last.0));
            let at = clock.at(Stamp::of(Micros(device)), arrived);
            prop_assert!(at >= last && at <= arrived);
            // Late as the latest arrival at worst, early by the resolution of the stamp.
            prop_assert!(at.0 <= real + 20_000 && at.0 + 1_500 >= real, "{} for {real}", at.0);
            last = at;
        }
    }

    #[test]
    fn no_times_break_the_clock(pairs in proptest::collection::vec((0..Stamp::PERIOD, any::<u64>()), 1..20)) {
        let mut clock = StampClock::default();
        for (millis, arrived) in pairs {
            let at = clock.at(Stamp::new(millis).expect("within a minute"), Micros(arrived));
            prop_assert!(at.0 <= arrived);
        }
    }
}
