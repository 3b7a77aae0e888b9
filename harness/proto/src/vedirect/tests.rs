//! Blocks as instruments sent them, each with the product it came from.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::channel::{Channel, Instrument};
use crate::samples::Samples;

/// BMV-700, firmware 3.07.
const BMV_700: &[u8] = b"\r\nPID\t0x203\r\nV\t26201\r\nI\t0\r\nP\t0\r\nCE\t0\r\nSOC\t1000\r\nTTG\t-1\r\nAlarm\tOFF\r\nRelay\tOFF\r\nAR\t0\r\nBMV\t700\r\nFW\t0307\r\nChecksum\t\xD8";
/// BMV-700, firmware 3.08, while it discharges.
const BMV_700_DISCHARGING: &[u8] = b"\r\nPID\t0x203\r\nV\t12065\r\nI\t-7625\r\nP\t-92\r\nCE\t-65473\r\nSOC\t839\r\nTTG\t942\r\nAlarm\tOFF\r\nRelay\tOFF\r\nAR\t0\r\nBMV\t700\r\nFW\t0308\r\nChecksum\tq";
/// SmartShunt 500 A, firmware 4.05: the history has no product id.
const SMART_SHUNT_HISTORY: &[u8] = b"\r\nH1\t-32914\r\nH2\t0\r\nH3\t0\r\nH4\t0\r\nH5\t0\r\nH6\t-35652\r\nH7\t12041\r\nH8\t14282\r\nH9\t0\r\nH10\t0\r\nH11\t0\r\nH12\t0\r\nH15\t-22\r\nH16\t0\r\nH17\t46\r\nH18\t48\r\nChecksum\t\x1A";
const SMART_SHUNT: &[u8] = b"\r\nPID\t0xA389\r\nV\t12865\r\nVS\t-14\r\nI\t0\r\nP\t0\r\nCE\t0\r\nSOC\t1000\r\nTTG\t-1\r\nAlarm\tOFF\r\nAR\t0\r\nBMV\tSmartShunt 500A/50mV\r\nFW\t0405\r\nChecksum\tL";
/// SmartSolar MPPT 150/70 rev2, firmware 3.16: a set in two blocks, HEX frames between them.
const SMART_SOLAR: &[u8] = b":A0202000200000045\n\r\nERR\t0\r\nLOAD\tON\r\nRelay\tOFF\r\nH19\t1158\r\nH20\t77\r\nH21\t479\r\nH22\t135\r\nH23\t525\r\nHSDS\t2\r\nChecksum\t\x05:AD5ED009614DF\n:A8DED00961427\n:A0002000148\n\r\nPID\t0xA06C\r\nFWE\t316FF\r\nSER#\tHQNF3PE7422\r\nV\t52700\r\nI\t7600\r\nVPV\t103870\r\nPPV\t412\r\nMPPT\t2\r\nCS\t3\r\nOR\t0x00000000\r\nChecksum\t\xFA";
/// Phoenix Inverter 12/375, firmware 1.26.
const PHOENIX: &[u8] = b"\r\nPID\t0xA241\r\nFW\t0126\r\nSER#\tHQRN2ZP1132\r\nMODE\t2\r\nCS\t9\r\nAC_OUT_V\t22998\r\nAC_OUT_I\t0\r\nAC_OUT_S\t8\r\nV\t11877\r\nAR\t0\r\nWARN\t0\r\nOR\t0x00000000\r\nChecksum\t\xF3";

/// What was completed, for comparing.
#[derive(Debug, Clone, PartialEq)]
enum Came {
    Block(Box<Block>),
    Hex(Hex),
    BadHex,
    BadBlock(Fault),
}

fn heard(decoder: &mut Decoder, bytes: &[u8]) -> Vec<Came> {
    let mut came = Vec::new();
    for &byte in bytes {
        came.extend(decoder.push(byte).map(|piece| match piece {
            Piece::Block(block) => Came::Block(Box::new(block.clone())),
            Piece::Hex(hex) => Came::Hex(hex),
            Piece::BadHex(_) => Came::BadHex,
            Piece::BadBlock(fault) => Came::BadBlock(fault),
        }));
    }
    came
}

fn blocks(bytes: &[u8]) -> Vec<Block> {
    let is_block = |came| if let Came::Block(block) = came { Some(*block) } else { None };
    heard(&mut Decoder::default(), bytes).into_iter().filter_map(is_block).collect()
}

/// A block with the byte that makes its sum.
fn summed(records: &str) -> Vec<u8> {
    let mut bytes = format!("{records}\r\nChecksum\t").into_bytes();
    bytes.push(bytes.iter().fold(0_u8, |sum, &byte| sum.wrapping_sub(byte)));
    bytes
}

fn told(bytes: &[u8]) -> (Device, Vec<Samples>) {
    let mut device = Device::default();
    let said = blocks(bytes).iter().filter_map(|block| device.take(block)).collect();
    (device, said)
}

fn numbers(said: &Samples) -> Vec<(&'static str, f64)> {
    said.values().filter_map(|(channel, value)| Some((channel.key(), value.number()?))).collect()
}

#[rstest]
#[case::bmv(BMV_700, 1)]
#[case::discharging(BMV_700_DISCHARGING, 1)]
#[case::history_and_main(&[SMART_SHUNT_HISTORY, SMART_SHUNT].concat(), 2)]
#[case::solar_with_hex(SMART_SOLAR, 2)]
#[case::phoenix(PHOENIX, 1)]
fn blocks_of_instruments_are_read(#[case] bytes: &[u8], #[case] count: usize) {
    let came = heard(&mut Decoder::default(), bytes);
    assert_eq!(came.iter().filter(|came| matches!(came, Came::Block(_))).count(), count, "{came:?}");
    assert!(came.iter().all(|came| matches!(came, Came::Block(_) | Came::Hex(_))), "{came:?}");
}

#[test]
fn values_have_the_units_of_the_table() {
    let (device, said) = told(BMV_700_DISCHARGING);
    assert_eq!(device.instrument(), Some(Instrument::Shunt));
    assert_eq!((device.product, device.model.as_deref()), (Some(Product(0x203)), Some("700")));
    assert_eq!(
        numbers(&said[0]),
        [
            ("shunt.voltage", 12.065),
            ("shunt.current", -7.625),
            ("shunt.power", -92.0),
            ("shunt.consumed", -65.473),
            ("shunt.soc", 83.9)
        ]
    );
    let (device, said) = told(SMART_SOLAR);
    assert_eq!((device.family, device.serial.as_deref()), (Some(Family::Solar), Some("HQNF3PE7422")));
    assert_eq!(device.firmware.as_deref(), Some("316FF"));
    // The first half came before the product id, and tells nothing but that.
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].number(Channel::ChargerPvVoltage), Some(103.87));
    assert_eq!(said[0].number(Channel::ChargerCurrent), Some(7.6));
    assert_eq!(said[0].number(Channel::ChargerOffReason), Some(0.0));
    let (_, said) = told(PHOENIX);
    assert_eq!(said[0].number(Channel::ConverterAcOutVoltage), Some(229.98));
    assert_eq!(said[0].number(Channel::ConverterState), Some(9.0));
}

#[test]
fn hex_frames_beside_the_text_say_the_same() {
    let (mut decoder, mut device) = (Decoder::default(), Device::default());
    let mut said = Vec::new();
    for &byte in SMART_SOLAR.iter().chain(SMART_SOLAR) {
        said.extend(match decoder.push(byte) {
            Some(Piece::Block(block)) => device.take(block),
            Some(Piece::Hex(hex)) => device.take_hex(&hex),
            _ => None,
        });
    }
    let volts: Vec<_> = said.iter().filter_map(|said| said.number(Channel::ChargerVoltage)).collect();
    assert_eq!(volts, [52.7, 52.7, 52.7, 52.7], "two blocks; ED8D and EDD5, once it is known what it is");
    assert_eq!((decoder.counters().hex, decoder.counters().bad_blocks), (8, 0));
}

#[rstest]
#[case::unknown("---", Some(Said::Unknown))]
#[case::number("-14", Some(Said::Number(-0.014)))]
#[case::run_together("12140TTG -1", None)]
#[case::empty("", None)]
#[case::blank(" 12140", None)]
#[case::hexadecimal("0x10", None)]
#[case::beyond("99999999999", None)]
fn a_value_that_is_none_is_not_said(#[case] value: &str, #[case] said: Option<Said>) {
    let bytes = summed(&format!("\r\nV\t{value}"));
    let blocks = blocks(&bytes);
    assert_eq!(blocks[0].said("v"), said);
}

/// What cannot be, is not told: 5 kV at a battery.
#[test]
fn an_implausible_value_is_not_told() {
    let (_, said) = told(&summed("\r\nPID\t0x203\r\nV\t5000000\r\nI\t100\r\nSOC\t1001"));
    assert_eq!(numbers(&said[0]), [("shunt.current", 0.1)]);
}

/// The byte of the sum may be any: also a colon, a tab, CR and LF.
#[test]
fn every_byte_may_be_the_sum() {
    let mut seen = [false; 256];
    for (first, second) in (b' '..b'~').flat_map(|first| (b' '..b'~').map(move |second| (first, second))) {
        let model = [first, second, second].map(char::from).iter().collect::<String>().replace(':', "");
        let one = summed(&format!("\r\nPID\t0x203\r\nBMV\t{model}"));
        let sum = *one.last().expect("a byte");
        if !core::mem::replace(&mut seen[usize::from(sum)], true) {
            let bytes = [&one[..], b":7F0ED0071\n", &one].concat();
            assert_eq!(blocks(&bytes).len(), 2, "sum {sum:#x}");
        }
    }
    assert_eq!(seen, [true; 256]);
}

/// A HEX frame may stand at any place but before the byte of the sum.
#[test]
fn hex_frames_anywhere_change_no_block() {
    let block = Box::new(blocks(BMV_700).remove(0));
    for at in 0..BMV_700.len() - 1 {
        let bytes = [&BMV_700[..at], b":AD5ED009614DF\n", &BMV_700[at..]].concat();
        let came = heard(&mut Decoder::default(), &bytes);
        let hex = Hex::parse(b"AD5ED009614DF").expect("a frame");
        assert_eq!(came, [Came::Hex(hex), Came::Block(block.clone())], "at {at}");
        // One that lost its line feed, where the text goes on with a CR, or is ended by a byte outside of ASCII.
        let bytes = [&BMV_700[..at], b":AD5ED009614DF\xFE", &BMV_700[at..]].concat();
        let came = heard(&mut Decoder::default(), &bytes);
        assert_eq!(came, [Came::BadHex, Came::Block(block.clone())], "at {at}");
        if BMV_700[at] == b'\r' {
            let bytes = [&BMV_700[..at], b":AD5ED009614DF", &BMV_700[at..]].concat();
            assert_eq!(heard(&mut Decoder::default(), &bytes), [Came::Hex(hex), Came::Block(block.clone())]);
        }
    }
}

/// A byte that was lost costs the block it was lost from, and where its end was lost the next one.
#[test]
fn a_lost_byte_costs_two_blocks_at_most() {
    let after: Vec<u8> = BMV_700_DISCHARGING.repeat(3);
    for at in 0..BMV_700.len() {
        let bytes = [BMV_700, &BMV_700[..at], &BMV_700[at + 1..], &after].concat();
        let found = blocks(&bytes);
        let whole = found.iter().filter(|block| block.number("I") == Some(-7.625)).count();
        assert!(whole >= 2, "byte {at}: {whole}");
        assert_eq!(found.len(), 1 + whole, "byte {at}: what lost a byte is no block");
    }
}

/// Every changed byte is found, for one changes the sum; but where a colon makes a HEX frame of text.
#[test]
fn a_changed_byte_is_no_value() {
    let whole = blocks(BMV_700).remove(0);
    for at in 0..BMV_700.len() {
        for flip in 1..=255 {
            let mut bytes = BMV_700.to_vec();
            bytes[at] ^= flip;
            assert!(blocks(&bytes).iter().all(|block| *block == whole), "byte {at} by {flip:#x}");
        }
    }
}

#[test]
fn the_first_block_may_be_cut_and_is_no_fault_of_the_line() {
    let bytes = [&BMV_700[40..], BMV_700].concat();
    let mut decoder = Decoder::default();
    let came = heard(&mut decoder, &bytes);
    assert!(matches!(came[..], [Came::BadBlock(Fault::Cut), Came::Block(_)]), "{came:?}");
    assert_eq!((decoder.counters().bad_blocks, decoder.counters().blocks), (0, 1));
    let mut damaged = BMV_700.to_vec();
    damaged[15] ^= 1;
    let came = heard(&mut decoder, &damaged);
    assert_eq!(came, [Came::BadBlock(Fault::Sum)]);
    assert_eq!(decoder.counters().bad_blocks, 1);
}

/// A block that does not end, and noise, cost no memory; what comes after is read.
#[rstest]
#[case::no_end(b"\r\nV\t1".to_vec(), b"2")]
#[case::no_value(b"\r\n".to_vec(), b"V")]
#[case::records(b"\r\n".to_vec(), b"V\t1\r\n")]
#[case::hex(b":A".to_vec(), b"0")]
#[case::another_bit_rate(Vec::new(), b"\x42\xD2\x4A\xDF\xFF")]
fn what_does_not_end_is_left(#[case] mut bytes: Vec<u8>, #[case] again: &[u8]) {
    bytes.extend(again.repeat(5000));
    bytes.extend(BMV_700.repeat(3));
    let found = blocks(&bytes);
    assert!(found.len() >= 2, "{}", found.len());
    assert!(found.iter().all(|block| block.number("V") == Some(26.201)));
}

/// Two blocks that ran together under a sum that happens to be right.
#[test]
fn a_label_that_stands_twice_is_no_block() {
    let bytes = summed("\r\nPID\t0x203\r\nV\t26201\r\nI\t0\r\nPID\t0x203\r\nV\t26201");
    let mut decoder = Decoder::default();
    heard(&mut decoder, BMV_700);
    assert_eq!(heard(&mut decoder, &bytes), [Came::BadBlock(Fault::Twice)]);
}

/// A DC meter that measures a fridge is no battery monitor.
#[test]
fn a_dc_meter_tells_nothing_of_a_battery() {
    let (device, said) = told(&summed("\r\nPID\t0xA389\r\nV\t53500\r\nI\t23900\r\nMON\t3"));
    assert_eq!((device.measures, device.instrument(), said), (Some(3), None, Vec::new()));
    let (device, said) = told(&summed("\r\nPID\t0xA389\r\nV\t53500\r\nI\t23900\r\nMON\t0"));
    assert_eq!((device.instrument(), said.len()), (Some(Instrument::Shunt), 1));
}

/// A BMV-600 sends no product id; none of them was seen, this is as its paper has it.
#[test]
fn a_battery_monitor_without_an_id_is_known_by_its_labels() {
    let (device, said) = told(&summed(
        "\r\nV\t26201\r\nVS\t12734\r\nI\t-8420\r\nCE\t-41230\r\nSOC\t876\r\nTTG\t1184\r\nAlarm\tOFF\r\nRelay\tOFF\r\nAR\t0\r\nBMV\t602S\r\nFW\t212",
    ));
    assert_eq!((device.product, device.model.as_deref()), (None, Some("602S")));
    assert_eq!(said[0].number(Channel::ShuntCurrent), Some(-8.42));
    let (_, said) = told(&summed("\r\nV\t---\r\nI\t---\r\nSOC\t---\r\nBMV\t602S"));
    assert!(said.is_empty(), "nothing is known, so nothing is told");
}

/// An instrument that was changed for another on the same port: nothing of the first is held.
#[test]
fn another_product_on_the_port_begins_anew() {
    let mut device = Device::default();
    let bytes = [SMART_SOLAR, BMV_700].concat();
    for block in blocks(&bytes) {
        device.take(&block);
    }
    assert_eq!(device.family, Some(Family::Monitor));
    assert_eq!(device.serial, None);
}

#[rstest]
#[case::ping(b"154".as_slice(), Hex::PING)]
#[case::get(b"7F0ED0071", Hex::get(0xEDF0))]
fn frames_are_written_as_they_are_read(#[case] digits: &[u8], #[case] hex: Hex) {
    assert_eq!(Hex::parse(digits), Ok(hex));
    assert_eq!(hex.to_string().as_bytes()[1..], *digits);
}

/// As a solar charger answered in a public thread: it does not know that register. A flag carries no value.
#[test]
fn a_refusal_is_no_value() {
    let hex = Hex::parse(b"82002012A").expect("a frame");
    assert_eq!(hex.answer(), Answer::Refused { register: 0x0220, flags: 1 });
    let hex = Hex::parse(b"4AAAAFD").expect("a frame");
    assert_eq!(hex.answer(), Answer::NotUnderstood);
}

#[test]
fn a_reset_is_seen_by_the_time_since_it_started() {
    let mut device = Device::default();
    for (seconds, resets) in [(100_u32, 0), (160, 0), (5, 1), (65, 1)] {
        let mut data = vec![0x20, 0x01, 0];
        data.extend(seconds.to_le_bytes());
        device.take_hex(&Hex::new(0xA, &data).expect("a frame"));
        assert_eq!((device.uptime, device.resets), (Some(seconds), resets));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let (mut decoder, mut device) = (Decoder::default(), Device::default());
        for byte in bytes {
            match decoder.push(byte) {
                Some(Piece::Block(block)) => device.take(block),
                Some(Piece::Hex(hex)) => device.take_hex(&hex),
                _ => None,
            };
        }
    }

    /// A stream of blocks, HEX frames and noise that holds neither: every block comes out, whatever is around.
    #[test]
    fn blocks_come_out_of_what_is_around_them(parts in prop::collection::vec((0..6_usize, prop::collection::vec(0_u8..10, 0..20)), 0..20)) {
        let (mut bytes, mut count) = (Vec::new(), 0);
        for (which, noise) in parts {
            match which {
                0..=2 => {
                    let block = [BMV_700, SMART_SHUNT, PHOENIX][which];
                    bytes.extend(block);
                    count += 1;
                }
                3 => bytes.extend(b":A0002000148\n"),
                4 => bytes.extend(noise),
                _ => {
                    // Inside of a block: the frame is in no sum.
                    let at = noise.len() * 4;
                    bytes.extend([&SMART_SHUNT[..at], b":A0002000148\n", &SMART_SHUNT[at..]].concat());
                    count += 1;
                }
            }
        }
        prop_assert_eq!(blocks(&bytes).len(), count);
    }

    #[test]
    fn a_hex_frame_reads_back(command in 0_u8..16, data in prop::collection::vec(any::<u8>(), 0..=Hex::MOST)) {
        let hex = Hex::new(command, &data).expect("fits");
        let text = hex.to_string();
        prop_assert_eq!(Hex::parse(&text.as_bytes()[1..]), Ok(hex));
        let came = heard(&mut Decoder::default(), format!("{text}\n").as_bytes());
        prop_assert_eq!(came, [Came::Hex(hex)]);
    }
}
