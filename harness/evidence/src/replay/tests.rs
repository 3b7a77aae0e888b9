use super::*;
use judge::trace::{Channel, Event};
use proptest::prelude::*;
use proto::bus::{BusReading, BusState, ErrorFrame};
use proto::channel::Instrument;
use proto::chunk::Chunk;
use proto::fault::FaultKind;
use proto::frame::Frame;
use proto::message::Text8;
use proto::quantity::{BitRate, Watts};
use proto::samples::{Samples, Value};
use proto::stimulus::Stimulus;
use rstest::rstest;

use crate::folder::{Place, RunFolder};
use crate::run::CaseResult;

/// The files of this run: those that every run has, and those of the instruments that speak in it.
const FILES: [&str; 6] = ["can.log", "events.jsonl", "supply.csv", "gx.csv", "bus.csv", "shunt.csv"];
const CASES: [(&str, u64); 3] = [("first", 0), ("second", 90), ("third", 200)];
const EPOCH: Micros = Micros(1_790_000_000_000_017);

fn case(name: &str, began: u64, length: u64) -> CaseResult {
    let (began, length) = (Micros::from_secs(began), Micros(length));
    CaseResult { outcome: judge::verdict::Outcome::Pass, began, length, ..CaseResult::named("s", name) }
}

/// A short run of three cases in which much happens at the same time, and the recordings that the judge saw.
fn written() -> ([Vec<u8>; 6], Vec<Recording>) {
    let parent = tempfile::tempdir().expect("a folder");
    let begun = Begun { interface: "can0".to_owned(), epoch: EPOCH, cases: 3, ..Begun::default() };
    let place = Place { parent: parent.path(), scope: None, begun: &begun, inputs: &[] };
    let mut folder = RunFolder::create(&place).expect("made");
    let mut recordings = Vec::new();
    for (name, began) in CASES {
        folder.begin_case("s", name, Micros::from_secs(began));
        let mut recording = Recording::new();
        let frame = |k: u8| Frame::standard(0x351, &[0x30 + k, 2, 0, 5, 0, 5, 0xAE, 1]);
        for k in 0..4_u8 {
            // All of a second at its very beginning, in an order that times alone do not tell.
            let at = Micros::from_secs(u64::from(k));
            let supply = Samples::new(Instrument::Supply)
                .with(Channel::SupplyOutput, 1.0)
                .with(Channel::SupplyVoltage, 120.1)
                .with(Channel::SupplyCurrent, f64::from(k))
                .with(Channel::PvAvailable, 1.0 / 3.0);
            folder.samples(at, &supply);
            recording.samples(at, &supply);
            folder.can(at, &frame(k));
            recording.can(at, &frame(k));
            let mut gx = Samples::new(Instrument::Gx).with(Channel::GxCvl, 0.1 * f64::from(k));
            for (channel, name) in [(Channel::GxMinCellId, &b"7,\xFF\\"[..]), (Channel::GxMaxCellId, b"")] {
                gx.put(channel, Value::Text(Text8::padded(name)));
            }
            folder.samples(at, &gx);
            recording.samples(at, &gx);
            let error = ErrorFrame::controller(BusState::ErrorPassive);
            folder.can_error(at, &error);
            recording.can_error(at, &error);
            let bus = BusReading { bit_rate: BitRate(500.0), state: BusState::ErrorPassive };
            folder.bus(at, &bus);
            recording.bus(at, &bus);
            let chunk = Chunk::all(Instrument::Shunt, b"\r\nV\t26201").next().expect("one");
            folder.bytes(at, &chunk);
            recording.bytes(at, &chunk, |_| {});
            let span = Micros::from_secs(2);
            let fault = proto::fault::Fault { kind: FaultKind::Garble { id: proto::fault::Id(0x351) }, span };
            let change = [Stimulus::Pv(Watts(1000.0 / 3.0)), Stimulus::Inject(fault)][usize::from(k == 2)];
            let kind = EventKind::Stimulus(change);
            folder.event(&Event { at, kind: kind.clone() });
            recording.note(at, kind);
            folder.can(at, &frame(k + 8));
            recording.can(at, &frame(k + 8));
        }
        let at = Micros(3_500_000);
        folder.event(&Event { at, kind: EventKind::Completed });
        recording.note(at, EventKind::Completed);
        folder.end_case(&case(name, began, 3_600_000)).expect("written");
        recordings.push(recording);
    }
    let path = folder.finish(&crate::run::RunMeta::default(), &[]).expect("finished");
    (FILES.map(|name| std::fs::read(path.join(name)).expect(name)), recordings)
}

fn sources(files: &[Vec<u8>; 6]) -> Sources<&[u8]> {
    let [can, events, instruments @ ..] = files.each_ref().map(Vec::as_slice);
    let of = |name: &str| Instrument::ALL.into_iter().find(|instrument| instrument.file() == name);
    let instruments = FILES[2..].iter().zip(instruments).filter_map(|(name, file)| Some((of(name)?, file)));
    Sources { can, events, instruments: instruments.collect() }
}

fn replay(files: &[Vec<u8>; 6]) -> Result<(Vec<Recorded>, bool), RawError> {
    let mut replay = Replay::new("run/", sources(files))?;
    let mut cases = Vec::new();
    while let Some(case) = replay.next_case()? {
        cases.push(case);
    }
    Ok((cases, replay.is_whole()))
}

/// Everything that is known, as text: traces have no equality of their own.
fn told(recording: &Recording) -> String {
    format!("{recording:?}")
}

#[test]
fn a_run_reads_back_as_the_judge_saw_it() {
    let (files, recordings) = written();
    let (cases, is_whole) = replay(&files).expect("written here");
    assert!(is_whole);
    assert_eq!(cases.len(), recordings.len());
    for ((case, recording), (name, began)) in cases.iter().zip(&recordings).zip(CASES) {
        assert_eq!((case.case.as_str(), case.broken.as_deref()), (name, None));
        assert_eq!((case.began, case.length), (Micros::from_secs(began), Micros(3_600_000)));
        assert!(!case.recording.trace().series(Channel::GxCvl).points().is_empty());
        assert_eq!(told(&case.recording), told(recording));
    }
}

/// A folder of an earlier version, which kept the state of the interface as comments of `can.log`.
#[test]
fn a_run_of_before_reads_back_the_same() {
    let (files, recordings) = written();
    let can: String = String::from_utf8(files[0].clone())
        .expect("text")
        .lines()
        .map(|line| match line.split_once(" can0 20000004#") {
            Some((at, _)) => format!("{line}\n# {at} can0 500 kbit/s error-passive\n"),
            None => format!("{line}\n"),
        })
        .collect();
    let mut before = sources(&files);
    before.can = can.as_bytes();
    before.instruments.retain(|(instrument, _)| *instrument != Instrument::Interface);
    let mut replay = Replay::new("run/", before).expect("it begins well");
    for recording in &recordings {
        let case = replay.next_case().expect("every line is a good one").expect("a case");
        assert_eq!((told(&case.recording), case.broken), (told(recording), None));
    }
}

/// Every file cut off after every byte: what is not broken is what the judge saw, and what was cut is known to be.
#[rstest]
#[case::can(0)]
#[case::events(1)]
#[case::supply(2)]
#[case::gx(3)]
#[case::bus(4)]
fn a_run_cut_off_anywhere_is_readable_and_knows_it(#[case] which: usize) {
    let (whole, recordings) = written();
    let recordings: Vec<String> = recordings.iter().map(told).collect();
    for length in 0..whole[which].len() {
        let mut files = whole.clone();
        files[which].truncate(length);
        let (cases, is_whole) = match replay(&files) {
            Ok(read) => read,
            Err(RawError::Nothing { .. }) => {
                let first = whole[which].iter().position(|&b| b == b'\n').expect("lines");
                assert!(which == 1 && length <= first, "something is known after {length} bytes");
                continue;
            }
            Err(error) => panic!("{length}: {error}"),
        };
        for (case, recording) in cases.iter().zip(&recordings) {
            if case.broken.is_none() {
                assert_eq!(&told(&case.recording), recording, "after {length} bytes");
            }
        }
        let broken = cases.iter().filter(|case| case.broken.is_some()).count();
        assert!(!is_whole || broken > 0, "{length}: the last input of the last case is always needed");
        if which == 1 {
            assert!(broken <= 1 && !is_whole, "{length}: only the last case can be unfinished");
        } else {
            assert!(is_whole && cases.len() == 3, "{length}: the events are all there");
            assert!(cases[2].broken.is_some(), "{length}");
        }
    }
}

/// A change of one line in the middle of a file, the file with the number of that line, and what is said.
#[rstest]
#[case(0, "(1790000000.000017) can0 351", "(1790000000.000017) can0 35x", "run/can.log:1:")]
#[case(4, ",500,", ",fast,", "run/bus.csv:2: found `bit_rate_kbit_s: fast`")]
#[case(0, "(1790000001.000017) can0 351", "(1690000001.000017) can0 351", "a time after the beginning")]
#[case(0, "(1790000002.000017) can0 351", "(1790000000.500017) can0 351", "a time not before that")]
#[case(3, "time_s,", "time,", "run/gx.csv:1:")]
#[case(3, "\n0.000000,,", "\n0.000000,x,", "run/gx.csv:2: found `battery_voltage_V: x`")]
#[case(2, "\n2.000000,1,", "\n2.000000,maybe,", "run/supply.csv:4: found `output: maybe`")]
#[case(1, "\"kind\":\"run\"", "\"kind\":\"completed\"", "run/events.jsonl:1:")]
#[case(1, "busbar-events/1", "busbar-events/9", "`busbar-events/1`, the schema that this version reads")]
#[case(1, "\"change\"", "\"chance\"", "run/events.jsonl:3:")]
#[case(5, ",0D0A", ",0D0", "run/shunt.csv:2: found `bytes: 0D0")]
#[case(1, "\"kind\":\"case-start\"", "\"kind\":\"run-end\"", "expected the end of the file")]
fn a_bad_line_in_the_middle_is_refused_with_its_place(
    #[case] which: usize,
    #[case] good: &str,
    #[case] bad: &str,
    #[case] says: &str,
) {
    let (mut files, _) = written();
    let text = String::from_utf8(files[which].clone()).expect("text");
    assert!(text.contains(good), "{good} stands in the file");
    files[which] = text.replacen(good, bad, 1).into_bytes();
    let error = replay(&files).expect_err("refused").to_string();
    assert!(error.contains(says), "{error}");
}

/// A line taken away or put in twice breaks the case that it belongs to and no other.
#[rstest]
#[case::can(0)]
#[case::supply(2)]
#[case::gx(3)]
#[case::bus(4)]
#[case::shunt(5)]
fn a_line_more_or_less_breaks_its_case(#[case] which: usize) {
    let (whole, _) = written();
    let lines: Vec<&[u8]> = whole[which].split_inclusive(|&b| b == b'\n').collect();
    let header = usize::from(which > 1);
    let per_case = (lines.len() - header) / 3;
    for k in header..lines.len() {
        let less = [&lines[..k], &lines[k + 1..]].concat().concat();
        let more = [&lines[..=k], &lines[k..]].concat().concat();
        for content in [less, more] {
            let mut files = whole.clone();
            files[which] = content;
            let (cases, _) = replay(&files).expect("every line is a good one");
            let broken: Vec<usize> = (0..3).filter(|&i| cases[i].broken.is_some()).collect();
            assert_eq!(broken, [(k - header) / per_case], "line {}", k + 1);
        }
    }
}

/// The file of an instrument that said something is found by what the events count, not by a list.
#[test]
fn a_file_that_is_gone_breaks_every_case() {
    let (files, _) = written();
    let mut sources = sources(&files);
    sources.instruments.retain(|(instrument, _)| *instrument == Instrument::Gx);
    let mut replay = Replay::new("run/", sources).expect("it begins well");
    while let Some(case) = replay.next_case().expect("every line is a good one") {
        let why = case.broken.expect("broken");
        assert!(why.starts_with("raw evidence is missing"), "{why}");
    }
}

/// What becomes a part of a verdict does not depend on where the folder lies.
#[test]
fn a_frame_after_the_end_is_told_the_same_wherever_the_folder_lies() {
    let (mut files, _) = written();
    files[0].extend_from_slice(b"(1790000900.000017) can0 351#3002000500050000\n");
    for folder in ["run/", "/elsewhere/reports/run/"] {
        let mut replay = Replay::new(folder, sources(&files)).expect("it begins well");
        let mut last = None;
        while let Some(case) = replay.next_case().expect("every line is a good one") {
            last = case.broken;
        }
        let why = last.expect("the last case is broken");
        assert!(why.contains("fit: can.log:") && !why.contains('/'), "{why}");
    }
}

#[test]
fn a_folder_that_is_no_run_says_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = Replay::open(folder.path()).expect_err("nothing there").to_string();
    assert!(error.contains("events.jsonl") && error.contains("a run folder holds"), "{error}");
}

/// A folder of before is refused with the version that wrote it, and so can judge it.
#[test]
fn a_folder_with_readings_of_before_names_its_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let begun = Begun { harness: "0.7.1".to_owned(), ..Begun::default() };
    std::fs::write(folder.path().join("events.jsonl"), events::run(&begun)).expect("written");
    for name in ["can.log", "psu.log"] {
        std::fs::write(folder.path().join(name), "").expect("written");
    }
    let error = Replay::open(folder.path()).expect_err("refused").to_string();
    assert!(error.contains("psu.log is a file of Busbar 0.7.1"), "{error}");
    assert!(error.ends_with("judge this run with Busbar 0.7.1"), "{error}");
}

proptest! {
    #[test]
    fn no_bytes_panic(which in 0..5_usize, at in 0.0..1.0, bytes in prop::collection::vec(any::<u8>(), 0..4)) {
        let (mut files, _) = written();
        let place = (files[which].len() as f64 * at) as usize;
        let end = (place + bytes.len()).min(files[which].len());
        files[which].splice(place..end, bytes);
        let _ = replay(&files);
    }
}
