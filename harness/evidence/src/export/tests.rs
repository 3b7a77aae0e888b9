use proto::bus::{BusState, ErrorFrame};
use proto::frame::{CanId, Frame};
use proto::log::wrapped::Unwrap;
use proto::log::{Content, Item, TimeKind, sniff};
use rstest::rstest;

use super::*;

/// A frame of each kind, at these times of the log.
fn can(epoch: u64) -> Vec<u8> {
    let mut can = Vec::new();
    let at = |micros: u64| Micros(epoch + micros);
    can_log::frame(&mut can, at(250), "can0", &Frame::standard(0x351, &[0x48, 2, 0, 5, 0, 5, 0xAE, 1]));
    can_log::error(&mut can, at(100_000), "can0", &ErrorFrame::UNHEARD);
    can_log::error(&mut can, at(200_000), "can0", &ErrorFrame::controller(BusState::ErrorPassive));
    let wide = Frame::new(CanId::Extended(0x19F2_1403), &[1, 2, 3]).expect("an identifier");
    can_log::frame(&mut can, at(3_600_000_001), "can0", &wide);
    can
}

fn exported(form: Bus, epoch: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let can = can(epoch);
    let mut lines = Lines::new("can.log".to_owned(), &can[..]);
    heard(form, Micros(epoch), &mut lines, &mut out).expect("written");
    out
}

/// 2026-02-28 23:59:59.999017
const EPOCH: u64 = 1_772_323_199_999_017;

#[test]
fn a_trace_of_peak_to_the_byte() {
    let text = String::from_utf8(exported(Bus::Trc, EPOCH)).expect("text");
    assert!(text.starts_with(";$FILEVERSION=2.1\r\n;$STARTTIME=46081.99999998842\r\n;$COLUMNS="), "{text}");
    let frames: Vec<&str> = text.lines().filter(|line| !line.starts_with(';')).collect();
    assert_eq!(
        frames,
        [
            "      1         0.267 DT 1      0351 Rx -  8    48 02 00 05 00 05 AE 01",
            "      2       100.017 ER 1         - Rx -  5    08 01 19 00 00",
            "      3       200.017 ST 1         - Rx -  4    00 04 00 00",
            "      4   3600000.018 DT 1  19F21403 Rx -  3    01 02 03",
        ]
    );
}

/// What a reader of the project finds in it: every data frame, to the microsecond.
#[rstest]
#[case::asc(Bus::Asc, 0)]
#[case::asc_of_a_day(Bus::Asc, EPOCH)]
#[case::blf(Bus::Blf, 0)]
#[case::blf_of_a_day(Bus::Blf, EPOCH)]
#[case::trc(Bus::Trc, EPOCH)]
fn reads_back_the_same(#[case] form: Bus, #[case] epoch: u64) {
    let written = exported(form, epoch);
    let mut text = Vec::new();
    match Unwrap::of(&written) {
        Some(mut unwrap) => unwrap.take(&written, &mut text).expect("whole"),
        None => text = written,
    }
    let mut reader = sniff(&text, true).expect("a log").expect("whole");
    let mut found = Vec::new();
    for (line, number) in text.split(|&b| b == b'\n').zip(1..) {
        match reader.line(number, line) {
            Item::Frame(entry) => found.push((entry.at, entry.content)),
            Item::Nothing => {}
            other => panic!("{number}: {other:?}"),
        }
    }
    let zero = match (form, reader.time_kind()) {
        (Bus::Blf, TimeKind::Absolute) => epoch,
        (_, TimeKind::SinceStart) => epoch % 1000,
        (_, kind) => panic!("{kind:?}"),
    };
    let data: Vec<_> = found.iter().filter(|(_, content)| matches!(content, Content::Data(_))).collect();
    assert_eq!(data.len(), 2, "{found:?}");
    assert_eq!((data[0].0, data[1].0), (Micros(zero + 250), Micros(zero + 3_600_000_001)));
    assert!(found.iter().any(|(_, content)| matches!(content, Content::Error { .. })), "{form:?}");
}
