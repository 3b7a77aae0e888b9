mod samples;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::frame::{CanId, Frame};
use crate::quantity::Micros;
use crate::samples::Samples;

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).expect("ASCII"), 16).expect("hex"))
        .collect()
}

fn message(pgn: u32, source: u8, data: &str) -> Message {
    Message::new(Id { priority: 6, pgn, source, destination: TO_ALL }, &bytes(data)).expect("fits")
}

fn shown(value: &Value) -> String {
    match value {
        // canboat prints a frequency of J1939 with three decimals.
        Value::Number(number) => format!("{}", (number * 1000.0).round() / 1000.0),
        Value::Word(_, Some(word)) => (*word).to_owned(),
        Value::Word(code, None) => code.to_string(),
        Value::Text(text) => text.clone(),
        Value::Unavailable => "-".to_owned(),
        Value::OutOfRange => "!".to_owned(),
    }
}

/// What is said of a field by its name and number, such as `indicator 3`; `-` for what the message is too short for.
fn said(message: &Message, name: &str) -> String {
    let is = |told: &Told| match told.index {
        0 => told.name == name,
        index => format!("{} {index}", told.name) == name,
    };
    if name == "value" {
        let (register, value) = message.register().expect("a register");
        let row = crate::vedirect::Register::of(register).expect("known");
        return Message::register_number(row, value).expect("a number").to_string();
    }
    message.fields().find(is).map_or_else(|| "-".to_owned(), |told| shown(&told.value))
}

#[test]
fn every_field_is_what_canboat_expects() {
    let mut compared = 0;
    for &(pgn, source, destination, data, expected) in samples::SAMPLES {
        let id = Id { priority: 6, pgn, source, destination };
        let message = Message::new(id, &bytes(data)).expect("fits");
        for field in expected.split("; ") {
            let (name, value) = field.rsplit_once('=').expect("name=value");
            let names = match name.split_once("..") {
                Some((first, last)) => {
                    let (word, first) = first.rsplit_once(' ').expect("a number");
                    let span = first.parse::<u8>().expect("from")..=last.parse().expect("to");
                    span.map(|k| format!("{word} {k}")).collect()
                }
                None => vec![name.to_owned()],
            };
            for name in names {
                assert_eq!(said(&message, &name), value, "{pgn} {data}: {name}");
                compared += 1;
            }
        }
    }
    assert_eq!((samples::SAMPLES.len(), compared), (45, 326));
}

/// The PGN decides whether a message is put together, and every message comes out of its frames as it went in.
#[test]
fn samples_come_out_of_their_frames() {
    let mut network = Network::default();
    for &(pgn, source, destination, data, _) in samples::SAMPLES {
        let id = Id { priority: 6, pgn, source, destination };
        let data = bytes(data);
        let sent = match super::pgn(pgn) {
            Some(row) if row.is_fast => frames(id, 5, &data).expect("fits").collect(),
            _ => vec![Frame::new(id.bits(), &data).expect("fits")],
        };
        let mut came: Vec<_> = sent.iter().filter_map(|frame| network.take(Micros::ZERO, frame)).collect();
        let message = came.pop().expect("whole");
        assert_eq!((came.len(), message.id, message.data()), (0, id, &data[..]));
    }
    assert_eq!(network.lost(), 0);
    assert_eq!(network.node(23).model.as_deref(), Some("CORTEX"));
}

#[rstest]
#[case::battery(0x19F2_1403, 6, 127_508, 3, 255)]
#[case::register_to_all(0x1CEF_FFE3, 7, 61_184, 227, 255)]
#[case::request_to_one(0x18EA_0E00, 6, 59_904, 0, 14)]
#[case::utility(0x0CFD_F5C1, 3, 65_013, 193, 255)]
fn identifiers(
    #[case] bits: u32,
    #[case] priority: u8,
    #[case] pgn: u32,
    #[case] source: u8,
    #[case] to: u8,
) {
    let id = Id { priority, pgn, source, destination: to };
    assert_eq!(Id::of(CanId::Extended(bits)), Some(id));
    assert_eq!(id.bits(), CanId::Extended(bits));
    assert_eq!(Id::of(CanId::Standard(0x351)), None);
}

/// The document's "PGN 61439" is what an address claim to all looks like.
#[test]
fn the_pgn_of_the_document_is_an_address_claim() {
    let id = Id::of(CanId::Extended(0x18EE_FF1D)).expect("29 bits");
    assert_eq!((id.pgn, id.destination), (60_928, TO_ALL));
    assert!(pgn(0xEEFF).is_none());
}

/// Other sources interleave, a new first frame drops the old, a jump, an orphan and a late frame are dropped.
#[test]
fn fast_packets_are_put_together_or_dropped() {
    let mut network = Network::default();
    let (mut came, id) = (Vec::new(), |source: u8| CanId::Extended(0x19F2_1200 | u32::from(source)));
    for (at, source, data) in [
        (200_000, 3, "000B5D00FF49FF44"),
        (200_001, 4, "200B5D00FF49FF44"),
        (200_002, 3, "0104FFFFFFFFFFFF"),
        (200_003, 4, "2104FFFFFFFFFFFF"),
        (201_000, 3, "200B5D00FF49FF44"),
        (201_700, 3, "400B5D00FF49FF44"),
        (201_701, 3, "4104FFFFFFFFFFFF"),
        (202_000, 3, "4104FFFFFFFFFFFF"),
        (203_000, 3, "000B5D00FF49FF44"),
        (203_001, 3, "2104FFFFFFFFFFFF"),
        (204_000, 3, "000B5D00FF49FF44"),
        (205_000, 3, "0104FFFFFFFFFFFF"),
    ] {
        let frame = Frame::new(id(source), &bytes(data)).expect("fits");
        came.extend(network.take(Micros(at * 1000), &frame).map(|message| (at, message.id.source)));
    }
    assert_eq!(came, [(200_002, 3), (200_003, 4), (201_701, 3)]);
    assert_eq!(network.lost(), 3);
}

/// 127509 has four bytes and is a fast packet all the same.
#[test]
fn the_pgn_decides_not_the_length() {
    let frame = Frame::new(CanId::Extended(0x19F2_153C), &bytes("0004000000DF")).expect("fits");
    let message = Network::default().take(Micros::ZERO, &frame).expect("one frame");
    assert_eq!(message.data(), bytes("000000DF"));
}

/// An endless flood of messages that nobody finishes costs no memory, and the next whole one comes through.
#[test]
fn messages_that_are_never_finished_are_dropped() {
    let mut parts = FastPackets::default();
    for k in 0..10_000_u32 {
        let id = Id { priority: 6, pgn: 127_506, source: k as u8, destination: (k >> 8) as u8 };
        assert_eq!(parts.take(Micros(u64::from(k)), id, &bytes("000B5D00FF49FF44")), None);
    }
    assert!(parts.lost > 9_900);
    let id = Id { priority: 6, pgn: 127_506, source: 1, destination: TO_ALL };
    parts.take(Micros(20_000), id, &bytes("000B5D00FF49FF44"));
    assert!(parts.take(Micros(20_001), id, &bytes("0104FFFFFFFFFFFF")).is_some());
}

#[test]
fn the_lower_name_keeps_the_address() {
    let (low, high) = (Name::victron(1, 170), Name::victron(2, 170));
    assert_eq!((low.manufacturer(), low.function(), low.class(), low.unique()), (VICTRON, 170, 35, 1));
    let (mut one, mut other) = (Claim::new(low, 5), Claim::new(high, 5));
    let first = one.begin(Micros(0)).expect("a claim");
    let second = other.begin(Micros(10_000)).expect("a claim");
    assert_eq!(one.address(Micros(100_000)), None, "not yet");
    // Each hears the other: who has the lower name says so once more, the other takes the next address.
    assert_eq!(one.hear(Micros(10_000), &second), Some(first));
    let moved = other.hear(Micros(10_500), &first).expect("a claim");
    assert_eq!(Id::of(moved.id()).expect("29 bits").source, 6);
    assert_eq!(one.address(Micros(260_000)), Some(5));
    assert_eq!((other.address(Micros(260_000)), other.address(Micros(260_500))), (None, Some(6)));
    // Who asks is answered.
    let asked = request(NO_ADDRESS, TO_ALL, 60_928).expect("a frame");
    assert_eq!(one.hear(Micros(300_000), &asked), Some(first));
    let other_pgn = request(NO_ADDRESS, TO_ALL, 126_996).expect("a frame");
    assert_eq!(one.hear(Micros(300_000), &other_pgn), None);
}

/// Who loses every address ends at 254 and is silent.
#[test]
fn who_loses_every_address_has_none() {
    let (best, mut loser) = (Name(0), Claim::new(Name::victron(9, 170), 250));
    loser.begin(Micros::ZERO);
    for _ in 0..252 {
        let address = loser.address(Micros(u64::MAX)).expect("still one");
        let id = Id { priority: 6, pgn: 60_928, source: address, destination: TO_ALL };
        loser.hear(Micros::ZERO, &Frame::new(id.bits(), &best.0.to_le_bytes()).expect("a frame"));
    }
    assert_eq!(loser.address(Micros(u64::MAX)), None);
}

#[test]
fn an_address_that_changes_hands_is_forgotten() {
    let mut network = Network::default();
    let claim = |source, name: Name| {
        let id = Id { priority: 6, pgn: 60_928, source, destination: TO_ALL };
        Frame::new(id.bits(), &name.0.to_le_bytes()).expect("a frame")
    };
    let (shunt, solar) = (Name::victron(1, 170), Name::victron(2, 142));
    network.take(Micros(0), &claim(3, shunt));
    assert_eq!(network.address(shunt), Some(3));
    network.take(Micros(1), &claim(4, shunt));
    network.take(Micros(2), &claim(3, solar));
    assert_eq!((network.address(shunt), network.address(solar)), (Some(4), Some(3)));
    assert_eq!(Role::of(network.node(3)), Some(Role::Solar));
    assert_eq!(Role::of(network.node(4)), None, "a battery monitor or a battery: only the product tells");
}

/// The bytes of a request for 127506 each 1.5 s (D Q25).
#[test]
fn what_is_asked_for_has_its_bytes() {
    assert_eq!(enable(127_506, 1500), bytes("0012F201DC050000FFFF00"));
    assert_eq!(write(127_508, &[(1, 0)], &[(1, 5)]), bytes("0514F201FF010101000105"));
    let id = Id { priority: 3, pgn: 126_208, source: NO_ADDRESS, destination: 7 };
    let message = Message::new(id, &enable(127_506, 1500)).expect("fits");
    assert_eq!(message.number("pgn"), Some(127_506.0));
    assert_eq!(message.value_of("function"), Some(Value::Word(0, Some("request"))));
    let request = request(NO_ADDRESS, TO_ALL, 126_996).expect("a frame");
    assert_eq!(request.to_string(), "18EAFFFE#14F001");
}

fn told(role: Role, ac: Option<AcSide>, messages: &[Message]) -> Vec<(&'static str, f64)> {
    let mut witness = Witness::new(role, ac);
    let said: Vec<Samples> =
        messages.iter().filter_map(|message| witness.take(Micros::ZERO, message)).collect();
    said.iter()
        .flat_map(Samples::values)
        .filter_map(|(of, value)| Some((of.key(), value.number()?)))
        .collect()
}

#[test]
fn a_monitor_tells_battery_and_consumed_charge() {
    let messages = [
        message(127_508, 1, "001c0a0700ff70ff"),
        message(127_508, 1, "01e2040000ffffff"),
        message(127_506, 1, "ff00ff58ffffffffff"),
        message(61_184, 1, "6699ffee38ffffff"),
    ];
    let expected = [
        ("shunt.voltage", 25.88),
        ("shunt.current", 0.7),
        ("shunt.temperature", 289.27 - 273.15),
        ("shunt.soc", 88.0),
        ("shunt.consumed", -20.0),
    ];
    assert_eq!(told(Role::Monitor, None, &messages), expected);
    // The same register is an error on a VE.Bus interface.
    assert_eq!(told(Role::VeBus, None, &messages[3..]), []);
}

/// 0 K is what some send for no sensor, and no temperature.
#[test]
fn no_sensor_is_no_temperature() {
    let said = told(Role::Monitor, None, &[message(127_508, 1, "004605f9ff000049")]);
    assert_eq!(said, [("shunt.voltage", 13.5), ("shunt.current", -0.7)]);
}

/// Instance 1 is PV; where instances were changed, the DC type tells.
#[test]
fn a_solar_charger_tells_battery_and_pv() {
    let pv = message(127_508, 1, "01102764 00ffffff".replace(' ', "").as_str());
    let said = told(Role::Solar, None, &[message(127_508, 1, "001c0a0700ff70ff"), pv]);
    assert_eq!(
        said,
        [
            ("charger.voltage", 25.88),
            ("charger.current", 0.7),
            ("charger.pv-power", 1000.0),
            ("charger.pv-voltage", 100.0)
        ]
    );
    let moved = [message(127_506, 1, "ff0703ffffffffffff"), message(127_508, 1, "0710276400ffffff")];
    assert_eq!(
        told(Role::Solar, None, &moved),
        [("charger.pv-power", 1000.0), ("charger.pv-voltage", 100.0)]
    );
}

/// Which side 65013 tells of is a setting; without it, nothing is told. Three phases are added.
#[test]
fn ac_power_is_that_of_the_side_that_was_set() {
    let phase = |pgn| message(pgn, 1, "56a5357756a53577");
    assert_eq!(told(Role::VeBus, None, &[phase(65_013)]), []);
    assert_eq!(told(Role::VeBus, Some(AcSide::Input), &[phase(65_013)]), [("converter.ac-input", 4438.0)]);
    let all = [phase(65_010), phase(65_007), phase(65_013)];
    assert_eq!(told(Role::VeBus, Some(AcSide::Output), &all), [("converter.ac-output", 3.0 * 4438.0)]);
    let states = [message(127_507, 1, "310005fcffff"), message(127_509, 1, "00000010")];
    assert_eq!(told(Role::VeBus, None, &states), [("converter.state", 9.0)]);
    assert_eq!(told(Role::Charger, None, &states), [("charger.state", 4.0 + 1.0)]);
}

#[test]
fn a_gx_is_no_witness() {
    let node = Node { model: Some("Cerbo GX".to_owned()), ..Node::default() };
    assert!(node.is_gx());
    assert_eq!(
        Role::of(&Node { model: Some("Lynx Shunt VE.Can".to_owned()), ..Node::default() }),
        Some(Role::LynxShunt)
    );
}

/// Every field lies within its message, and none over another.
#[test]
fn the_table_is_in_order_and_no_bit_stands_twice() {
    assert!(PGNS.windows(2).all(|pair| pair[0].number < pair[1].number));
    for row in PGNS {
        for fields in [row.fields, row.group.as_ref().map_or(&[], |group| group.fields)] {
            for pair in fields.windows(2) {
                assert!(pair[0].at + pair[0].bits <= pair[1].at, "{}: {}", row.name, pair[1].name);
            }
        }
        for instance in INSTANCES.iter().filter(|instance| instance.pgn == row.number) {
            for (field, _) in instance.tells {
                assert!(row.fields.iter().any(|known| known.name == *field), "{field}");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_frames_panic(frames in prop::collection::vec((0_u32..0x2000_0000, any::<bool>(), prop::collection::vec(any::<u8>(), 0..=8)), 0..200)) {
        let mut network = Network::default();
        let mut witnesses =
            [Role::Monitor, Role::LynxShunt, Role::LynxIon, Role::Solar, Role::Charger, Role::VeBus].map(|role| Witness::new(role, Some(AcSide::Input)));
        for (at, (bits, is_known, data)) in (0..).zip(frames) {
            let row = &PGNS[bits as usize % PGNS.len()];
            let known = Id { priority: 6, pgn: row.number, source: (bits >> 8) as u8 & 3, destination: TO_ALL }.bits();
            let id = if is_known { known } else { CanId::Extended(bits) };
            let Some(message) = network.take(Micros(at), &Frame::new(id, &data).expect("fits")) else { continue };
            prop_assert!(message.fields().count() < 100);
            for witness in &mut witnesses {
                if let Some(said) = witness.take(Micros(at), &message) {
                    prop_assert!(said.values().all(|(of, value)| value.number().is_some_and(|value| of.can_be(value))));
                }
            }
        }
    }

    #[test]
    fn a_message_comes_out_of_its_frames(data in prop::collection::vec(any::<u8>(), 1..=LONGEST), sequence in 0_u8..8) {
        let id = Id { priority: 6, pgn: 126_996, source: 9, destination: TO_ALL };
        let mut parts = FastPackets::default();
        let mut came = Vec::new();
        for frame in frames(id, sequence, &data).expect("fits") {
            came.extend(parts.take(Micros::ZERO, id, frame.data()));
        }
        prop_assert_eq!(came, [Message::new(id, &data).expect("fits")]);
    }

    #[test]
    fn identifiers_read_back(bits in 0_u32..0x2000_0000) {
        let id = Id::of(CanId::Extended(bits)).expect("29 bits");
        prop_assert_eq!(id.bits(), CanId::Extended(bits));
    }
}

/// The whole range of a current of 24 bits with sign.
#[test]
fn numbers_with_sign_are_in_twos_complement() {
    let amps = |hex: &str| message(127_751, 1, &format!("630f0c01{hex}ff")).value_of("current");
    assert_eq!(amps("ffffff"), Some(Value::Number(-0.01)));
    assert_eq!(amps("000080"), Some(Value::Number(-83_886.08)));
    assert_eq!(amps("ffff7f"), Some(Value::Unavailable));
    assert_eq!(amps("feff7f"), Some(Value::OutOfRange));
    assert_eq!(message(127_508, 1, "00ff7fff7fffffff").number("voltage"), None);
}
