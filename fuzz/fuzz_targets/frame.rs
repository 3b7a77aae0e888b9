//! Any frame: identifier in the first four bytes, data behind it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use proto::frame::{CanId, Frame};
use proto::log::foreign;
use proto::message::{Message, MessageSpec, TABLE, fields};

fuzz_target!(|bytes: &[u8]| {
    let Some((&[how, a, b, c], data)) = bytes.split_first_chunk::<4>() else { return };
    let number = u32::from_be_bytes([how & 0x1F, a, b, c]);
    let id = match how >> 6 {
        0 => CanId::Extended(number),
        1 => CanId::Standard(number as u16 & 0x7FF),
        // Most of the time a message of the document.
        _ => CanId::Standard(TABLE[number as usize % TABLE.len()].id),
    };
    let _ = foreign(id).map(|known| known.to_string());
    let Some(frame) = Frame::new(id, &data[..data.len().min(8)]) else { panic!("{id} is in range") };
    let message = Message::decode(&frame);
    assert_eq!(message.is_some(), MessageSpec::of(id).is_some());
    let shown: Vec<_> = fields(&frame).map(|field| (field.spec.name, field.to_string())).collect();
    let Some(message) = message else {
        assert!(shown.is_empty());
        return;
    };
    let again = message.encode();
    assert_eq!(Message::decode(&again), Some(message));
    assert!(frame.data().starts_with(again.data()));
    assert!(message.fields().map(|field| (field.spec.name, field.to_string())).eq(shown));
});
