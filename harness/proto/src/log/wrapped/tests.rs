//! The BLF log is laid out here as python-can 4.6 writes it: header, one compressed container, objects in it.

use super::*;
use crate::log::{Content, Item, sniff};

fn text_of(bytes: &[u8], chunk: usize) -> Result<String, WrappedError> {
    let mut unwrap = Unwrap::of(bytes).expect("wrapped");
    let mut text = Vec::new();
    for part in bytes.chunks(chunk) {
        unwrap.take(part, &mut text)?;
    }
    Ok(String::from_utf8(text).expect("text"))
}

#[test]
fn powershell_writes_utf_16() {
    let line = "(1.500000) can0 351#480200050005AE01 ü😀\r\n";
    let little: Vec<u8> =
        "\u{FEFF}".encode_utf16().chain(line.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> =
        "\u{FEFF}".encode_utf16().chain(line.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    for chunk in [1, 2, 3, 1000] {
        assert_eq!(text_of(&little, chunk).as_deref(), Ok(line));
        assert_eq!(text_of(&big, chunk).as_deref(), Ok(line));
        assert_eq!(text_of(&little[2..], chunk.max(4)).as_deref(), Ok(line));
    }
}

/// An object with its header: kind, time in nanoseconds, body.
fn object(kind: u32, nanos: u64, body: &[u8]) -> Vec<u8> {
    let mut object = b"LOBJ".to_vec();
    object.extend(32u16.to_le_bytes());
    object.extend(1u16.to_le_bytes());
    object.extend((32 + body.len() as u32).to_le_bytes());
    object.extend(kind.to_le_bytes());
    object.extend(2u32.to_le_bytes());
    object.extend([0; 4]);
    object.extend(nanos.to_le_bytes());
    object.extend(body);
    object.resize(object.len() + body.len() % 4, 0);
    object
}

fn blf(containers: &[Vec<u8>]) -> Vec<u8> {
    let mut log = b"LOGG".to_vec();
    log.extend(144u32.to_le_bytes());
    log.resize(40, 0);
    // 2026-01-31, a Saturday, 12:00:00.123
    for part in [2026u16, 1, 6, 31, 12, 0, 0, 123] {
        log.extend(part.to_le_bytes());
    }
    log.resize(144, 0);
    for inside in containers {
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(inside, 6);
        log.extend(b"LOBJ");
        log.extend(16u16.to_le_bytes());
        log.extend(1u16.to_le_bytes());
        log.extend((32 + packed.len() as u32).to_le_bytes());
        log.extend(10u32.to_le_bytes());
        log.extend(2u16.to_le_bytes());
        log.extend([0; 6]);
        log.extend((inside.len() as u32).to_le_bytes());
        log.extend([0; 4]);
        log.extend(&packed);
        log.resize(log.len() + packed.len() % 4, 0);
    }
    log
}

fn frames() -> Vec<u8> {
    let message = |flags: u8, dlc: u8, id: u32, data: [u8; 8]| {
        let mut body = vec![1, 0, flags, dlc];
        body.extend(id.to_le_bytes());
        body.extend(data);
        body
    };
    let limits = [0x48, 0x02, 0x00, 0x05, 0x00, 0x05, 0xAE, 0x01];
    let mut inside = object(86, 1_000_000, &message(0, 8, 0x351, limits));
    inside.extend(object(1, 2_000_000, &message(1, 2, 0x9510_A8A0, limits)));
    // What is no frame, such as a text of the program.
    inside.extend(object(65, 2_500_000, b"a marker"));
    inside.extend(object(73, 3_000_000, &[1, 0, 0, 0]));
    inside
}

#[test]
fn a_blf_log_is_read() {
    let whole = blf(&[frames()]);
    let expected = "(1769860800.124000) 1 351#480200050005AE01 R\n(1769860800.125000) 1 1510A8A0#4802 T\n(1769860800.126000) 1 20000000#\n";
    for chunk in [1, 7, 100, 10_000] {
        assert_eq!(text_of(&whole, chunk).as_deref(), Ok(expected));
    }
    // Objects go on in the next container.
    let inside = frames();
    let (first, second) = inside.split_at(50);
    assert_eq!(text_of(&blf(&[first.to_vec(), second.to_vec()]), 64).as_deref(), Ok(expected));
    let mut reader = sniff(expected.as_bytes(), true).expect("a log").expect("a whole head");
    let Item::Frame(entry) = reader.line(1, expected.lines().next().expect("a line").as_bytes()) else {
        panic!("a frame")
    };
    assert!(matches!(entry.content, Content::Data(_)));
}

#[test]
fn a_damaged_blf_log_says_where() {
    let mut damaged = blf(&[frames()]);
    let at = damaged.len() - 8;
    damaged.truncate(at);
    assert_eq!(text_of(&damaged, 64).as_deref(), Ok(""), "a container that is cut off is not whole");
    let mut damaged = blf(&[frames(), frames()]);
    damaged[144 + 40] ^= 0xFF;
    let error = text_of(&damaged, 64).expect_err("damaged");
    assert_eq!(error.to_string(), "the BLF log is damaged behind byte 144: a container cannot be unpacked");
    let mut noise = blf(&[]);
    noise.extend([7; 40]);
    assert!(matches!(text_of(&noise, 64), Err(WrappedError::Damaged { at: 144, .. })));
}

proptest::proptest! {
    /// Any bytes behind the mark of a form: no panic.
    #[test]
    fn no_bytes_panic(head in 0..3usize, bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), at in 4..600usize, byte in proptest::num::u8::ANY) {
        let _ = text_of(&[[&b"LOGG"[..], b"\xFF\xFEab", b"\xFE\xFFab"][head], &bytes].concat(), 9);
        let mut damaged = blf(&[frames()]);
        if let Some(place) = damaged.get_mut(at) {
            *place = byte;
        }
        let _ = text_of(&damaged, 50);
    }
}

/// One frame of 0x351 with its identifier in the order of the network, and behind what Linux puts before a packet.
fn packet(link: u16) -> Vec<u8> {
    let limits = [0x48, 0x02, 0x00, 0x05, 0x00, 0x05, 0xAE, 0x01];
    let own = [&0x351_u32.to_le_bytes()[..], &[8, 0, 0, 0], &limits].concat();
    match link {
        113 => [&[0, 4, 1, 24][..], &[0; 10], &[0, 0x0C], &own].concat(),
        276 => [&[0, 0x0C, 0, 0][..], &[0, 0, 0, 3], &[1, 24, 4, 0], &[0; 8], &own].concat(),
        _ => [&0x351_u32.to_be_bytes()[..], &[8, 0, 0, 0], &limits].concat(),
    }
}

/// A capture of one frame at 1.5 s.
fn pcap(magic: [u8; 4], link: u16, fraction: u32) -> Vec<u8> {
    let word = |word: u32| if magic[0] == 0xA1 { word.to_be_bytes() } else { word.to_le_bytes() };
    let packet = packet(link);
    let mut capture = magic.to_vec();
    capture.extend(word(0x0002_0004));
    for part in [0, 0, 262_144, u32::from(link), 1, fraction, packet.len() as u32, packet.len() as u32] {
        capture.extend(word(part));
    }
    [capture, packet].concat()
}

fn pcapng(big_endian: bool, resolution: Option<u8>, at: u64) -> Vec<u8> {
    let word = |word: u32| if big_endian { word.to_be_bytes() } else { word.to_le_bytes() };
    let half = |half: u16| if big_endian { half.to_be_bytes() } else { half.to_le_bytes() };
    let block = |kind: u32, body: &[u8]| {
        let length = word(12 + body.len().next_multiple_of(4) as u32);
        let mut block = [&word(kind), &length, body].concat();
        block.resize(block.len().next_multiple_of(4), 0);
        [&block[..], &length].concat()
    };
    let option = |code: u16, value: &[u8]| {
        let mut option = [&half(code)[..], &half(value.len() as u16), value].concat();
        option.resize(option.len().next_multiple_of(4), 0);
        option
    };
    let mut interface = [&half(227)[..], &[0; 2], &word(0), &option(2, b"can1")].concat();
    interface.extend(resolution.map(|resolution| option(9, &[resolution])).unwrap_or_default());
    interface.extend(option(0, &[]));
    let packet = packet(227);
    let length = word(packet.len() as u32);
    let body = [&word(0)[..], &word((at >> 32) as u32), &word(at as u32), &length, &length, &packet].concat();
    let section = [&word(0x1A2B_3C4D)[..], &half(1), &half(0), &[0xFF; 8]].concat();
    // A block that nobody here knows is passed over.
    [block(0x0A0D_0D0A, &section), block(1, &interface), block(5, &[0; 8]), block(6, &body)].concat()
}

#[rstest::rstest]
#[case::records(pcap([0xD4, 0xC3, 0xB2, 0xA1], 227, 500_000), "-", "")]
#[case::big_endian(pcap([0xA1, 0xB2, 0xC3, 0xD4], 227, 500_000), "-", "")]
#[case::nanoseconds(pcap([0x4D, 0x3C, 0xB2, 0xA1], 227, 500_000_000), "-", "")]
#[case::all_interfaces(pcap([0xD4, 0xC3, 0xB2, 0xA1], 113, 500_000), "-", " T")]
#[case::all_interfaces_2(pcap([0xD4, 0xC3, 0xB2, 0xA1], 276, 500_000), "-", " T")]
#[case::blocks(pcapng(false, None, 1_500_000), "can1", "")]
#[case::blocks_big_endian(pcapng(true, None, 1_500_000), "can1", "")]
#[case::blocks_in_nanoseconds(pcapng(false, Some(9), 1_500_000_000), "can1", "")]
#[case::blocks_in_halves(pcapng(false, Some(0x81), 3), "can1", "")]
fn captures_are_read(#[case] capture: Vec<u8>, #[case] interface: &str, #[case] direction: &str) {
    let expected = format!("(0000000001.500000) {interface} 351#480200050005AE01{direction}\n");
    for chunk in [1, 7, 1000] {
        assert_eq!(text_of(&capture, chunk.max(4)).as_deref(), Ok(&expected[..]));
    }
}

#[test]
fn a_capture_of_another_network_is_named() {
    let error = text_of(&pcap([0xD4, 0xC3, 0xB2, 0xA1], 1, 0), 64).expect_err("Ethernet");
    assert_eq!(
        error.to_string(),
        "it is a capture of a network that is no CAN bus (link type 1): capture the interface itself, such as `tcpdump -i can0 -w \
         battery.pcap`"
    );
    let mut damaged = pcapng(false, None, 1);
    damaged[4] = 0xFF;
    assert!(matches!(text_of(&damaged, 64), Err(WrappedError::Damaged { at: 0, .. })));
}

proptest::proptest! {
    /// Any bytes in a capture: no panic.
    #[test]
    fn no_capture_panics(big in proptest::bool::ANY, bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), at in 4..200usize, byte in proptest::num::u8::ANY) {
        for mut capture in [pcapng(big, Some(9), 1_500_000_000), pcap([0xD4, 0xC3, 0xB2, 0xA1], 276, 1)] {
            if let Some(place) = capture.get_mut(at) {
                *place = byte;
            }
            let _ = text_of(&[&capture[..], &bytes].concat(), 50);
            capture.truncate(24);
            let _ = text_of(&[&capture[..], &bytes].concat(), 50);
        }
    }
}
