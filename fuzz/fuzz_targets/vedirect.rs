//! Any bytes as what a VE.Direct instrument sends.

#![no_main]

use libfuzzer_sys::fuzz_target;
use proto::vedirect::{Answer, Block, Decoder, Device, Hex, Piece, is_vedirect};

/// A delivered block has a right sum: read alone, it is a block again.
fn alone(block: &Block) {
    let mut bytes = Vec::new();
    for field in block.fields() {
        bytes.extend([b"\r\n", field.name, b"\t", field.value].concat());
        let _ = field.said();
    }
    bytes.extend(b"\r\nChecksum\t");
    bytes.push(bytes.iter().fold(0_u8, |sum, &byte| sum.wrapping_sub(byte)));
    let mut decoder = Decoder::default();
    let came: Vec<bool> =
        bytes.iter().filter_map(|&byte| decoder.push(byte).map(|piece| piece == Piece::Block(block))).collect();
    assert_eq!(came, [true], "{block:?}");
}

fuzz_target!(|bytes: &[u8]| {
    let (mut decoder, mut device) = (Decoder::default(), Device::default());
    let (mut blocks, mut frames) = (0, 0);
    for &byte in bytes {
        let said = match decoder.push(byte) {
            Some(Piece::Block(block)) => {
                blocks += 1;
                alone(block);
                device.take(block)
            }
            Some(Piece::Hex(hex)) => {
                frames += 1;
                assert_eq!(Hex::parse(&hex.to_string().as_bytes()[1..]), Ok(hex));
                let _ = matches!(hex.answer(), Answer::Register { .. });
                device.take_hex(&hex)
            }
            _ => None,
        };
        for (channel, value) in said.iter().flat_map(|said| said.values()) {
            assert!(value.number().is_some_and(|value| channel.can_be(value)), "{channel:?} {value:?}");
        }
    }
    let counters = decoder.counters();
    assert_eq!(counters.bytes, bytes.len() as u64);
    assert_eq!(counters.blocks, blocks);
    assert!(frames <= counters.hex);
    assert!(counters.noise <= counters.bytes);
    assert!(blocks == 0 || is_vedirect(bytes));
});
