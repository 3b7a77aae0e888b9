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
