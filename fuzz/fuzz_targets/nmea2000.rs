//! Any frames with 29-bit identifiers: in each, how long it is and how it came, the identifier, the data.

#![no_main]

use libfuzzer_sys::fuzz_target;
use proto::frame::{CanId, Frame};
use proto::nmea2000::{AcSide, Claim, Id, Name, Network, PGNS, Role, TO_ALL, Value, Witness, frames};
use proto::quantity::Micros;

const ROLES: [Role; 6] =
    [Role::Monitor, Role::LynxShunt, Role::LynxIon, Role::Solar, Role::Charger, Role::VeBus];

fuzz_target!(|bytes: &[u8]| {
    let mut network = Network::default();
    let mut witnesses = ROLES.map(|role| Witness::new(role, Some(AcSide::Output)));
    let mut claim = Claim::new(Name::victron(7, 170), 3);
    let _ = claim.begin(Micros::ZERO);
    let (mut rest, mut at) = (bytes, Micros::ZERO);
    while let Some((&[how, step, a, b, c, d], after)) = rest.split_first_chunk::<6>() {
        let (data, after) = after.split_at(after.len().min(usize::from(how & 7) + 1));
        rest = after;
        at = at + Micros(u64::from(step) * 5000);
        let number = u32::from_be_bytes([a & 0x1F, b, c, d]);
        let row = &PGNS[usize::from(b) % PGNS.len()];
        // Most of the time a message of the table, from one of a few.
        let id = if how & 0x80 == 0 {
            Id { priority: 6, pgn: row.number, source: c & 3, destination: TO_ALL }.bits()
        } else {
            CanId::Extended(number)
        };
        let Some(frame) = Frame::new(id, data) else { panic!("{id} is in range") };
        assert_eq!(Id::of(id).map(Id::bits), Some(id));
        let _ = claim.hear(at, &frame);
        assert!(claim.address(at).is_none_or(|address| address < 252));
        let Some(message) = network.take(at, &frame) else { continue };
        for told in message.fields() {
            if let Value::Number(number) = told.value {
                assert!(number.is_finite(), "{told:?}");
            }
        }
        for witness in &mut witnesses {
            let said = witness.take(at, &message);
            for (channel, value) in said.iter().flat_map(|said| said.values()) {
                assert!(value.number().is_some_and(|value| channel.can_be(value)), "{channel:?} {value:?}");
            }
        }
        let _ = Role::of(network.node(message.id.source));
        if message.row().is_some_and(|row| row.is_fast) && !message.data().is_empty() {
            let mut again = Network::default();
            let sent: Vec<_> = frames(message.id, how & 7, message.data()).expect("it came").collect();
            let came: Vec<_> = sent.iter().filter_map(|frame| again.take(at, frame)).collect();
            assert_eq!(came, [message]);
        }
    }
});
