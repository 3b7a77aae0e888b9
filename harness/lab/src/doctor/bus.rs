//! The CAN bus: our interface, and who is heard.

use std::collections::BTreeMap;

use judge::recording::Recording;
use proto::bus::BusState;
use proto::frame::{CanId, Frame};
use proto::message::{Message, MessageSpec, Sender, id};
use proto::quantity::{Amps, BitRate, Micros, Volts};

use super::{Finding, Part, device};
use crate::can::{CanError, CanPort, Kind, RunClock, open_can};
use crate::live::hearing::Errors;
use crate::live::pace::Pace;
use crate::psu::{self, Tape};
use files::RigFile;
use files::live::Live;

/// What the battery said last, to be compared with what the GX shows.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// 0x351
    pub(super) cvl: Option<Volts>,
    /// 0x356
    pub(super) voltage: Option<Volts>,
    /// and its current
    pub(super) current: Option<Amps>,
    /// our port was opened
    pub(super) is_open: bool,
}

/// Listens; who is heard goes onto the tape, where there is one.
pub(super) fn examine(
    rig: &RigFile,
    live: &Live,
    listen: Micros,
    tape: Option<&Tape>,
) -> (Vec<Finding>, Heard) {
    let (mut findings, mut heard) = (Vec::new(), Heard::default());
    if let Some(path) = live.can.serial()
        && let Some(obstacle) = device::obstacle(Part::Can, path)
    {
        return (vec![obstacle], heard);
    }
    let clock = RunClock::start();
    let listened = open_can(&live.can, rig.can.bit_rate, rig.polling.bus, clock)
        .and_then(|mut port| listen_to(port.as_mut(), clock, listen, &mut findings));
    match listened {
        Ok(bus) => {
            tape.iter().for_each(|tape| tape.heard(bus.recorded()));
            findings.extend(bus.findings(rig.can.bit_rate, live, listen));
            heard = Heard { is_open: true, ..bus.heard };
        }
        Err(error) => {
            findings.push(Part::Can.problem(error.to_string(), "correct it, or `live.can` of the rig file"))
        }
    }
    (findings, heard)
}

/// What was on the bus.
#[derive(Default)]
struct Bus {
    recording: Recording,
    counts: BTreeMap<CanId, u32>,
    /// the first time of each identifier, and its last frame with its time
    frames: BTreeMap<CanId, (Micros, Micros, Frame)>,
    errors: Errors,
    heard: Heard,
}

fn listen_to(
    port: &mut dyn CanPort,
    clock: RunClock,
    listen: Micros,
    findings: &mut Vec<Finding>,
) -> Result<Bus, CanError> {
    let mut bus = Bus::default();
    let end = clock.now() + listen;
    while let Some(received) = port.next(end)? {
        match received.kind {
            Kind::Data(frame) => bus.take(received.at, &frame),
            Kind::Remote { id, .. } => *bus.counts.entry(id).or_default() += 1,
            // A loss is told by the port with all others; it is no error of the bus.
            Kind::Error(error) => {
                let kinds: Vec<_> = error.kinds().filter(|kind| !kind.is_loss()).collect();
                if !kinds.is_empty() {
                    bus.errors.count(kinds.into_iter());
                }
            }
            Kind::Overflow(_) => {}
        }
        if clock.now() >= end {
            break;
        }
    }
    let info = port.info()?;
    let rate = info.bit_rate.map_or("a virtual bus".to_owned(), |rate| rate.to_string());
    let counters = info
        .counters
        .map_or(String::new(), |c| format!(", error counters {} sent and {} received", c.tx, c.rx));
    let state = info.state.map_or("a controller that tells no state", BusState::name);
    let what = format!("{}: {rate}, {state}{counters}", info.name);
    findings.push(match info.state {
        None | Some(BusState::ErrorActive) => Part::Can.ok(what),
        Some(BusState::ErrorWarning) => Part::Can.warning(what, WIRING),
        Some(BusState::ErrorPassive | BusState::BusOff) => Part::Can.problem(what, WIRING),
    });
    for note in &info.notes {
        let remedy = "a run works; who wants to know uses an adapter that acknowledges, or SocketCAN";
        findings.push(Part::Can.warning(format!("{}: {note}", info.name), remedy));
    }
    if info.lost > 0 {
        findings.push(Part::Can.warning(
            format!("at least {} frames were lost between the bus and here", info.lost),
            "this machine is too busy for evidence, or the adapter too slow: end what else runs, or use another adapter",
        ));
    }
    Ok(bus)
}

/// So many seconds of the rig tell how fast it is.
const SECONDS: f64 = 10.0;

const WIRING: &str =
    "check that H and L are not swapped, that both ends have 120 Ω, and that all have one bit rate (P 1.1)";

impl Bus {
    fn take(&mut self, at: Micros, frame: &Frame) {
        *self.counts.entry(frame.id()).or_default() += 1;
        let first = self.frames.get(&frame.id()).map_or(at, |(first, ..)| *first);
        self.frames.insert(frame.id(), (first, at, *frame));
        self.recording.can(at, frame);
        match Message::decode(frame) {
            Some(Message::Limits(limits)) => self.heard.cvl = limits.cvl(),
            Some(Message::Measurements(measured)) => {
                (self.heard.voltage, self.heard.current) = (measured.voltage(), measured.current());
            }
            _ => {}
        }
    }

    /// Who was heard, for a recording.
    fn recorded(&self) -> Vec<psu::Heard> {
        let heard = |(id, (from, to, last)): (&CanId, &(Micros, Micros, Frame))| {
            psu::Heard::of(last, self.counts.get(id).copied().unwrap_or_default(), *from, *to)
        };
        self.frames.iter().map(heard).collect()
    }

    fn findings(&self, rate: BitRate, live: &Live, listen: Micros) -> Vec<Finding> {
        let mut findings = Vec::new();
        let errors = self.errors.to_string();
        if !errors.is_empty() {
            findings.push(Part::Can.warning(errors, WIRING));
        }
        let secs = listen.secs();
        if self.counts.is_empty() {
            findings.push(Part::Can.problem(
                format!("nothing was heard in {secs} s"),
                format!("is the battery on and its bit rate {rate}? {WIRING}"),
            ));
            return findings;
        }
        let of = |sender| move |id: &CanId| MessageSpec::of(*id).is_some_and(|spec| spec.sender == sender);
        let battery = self.named(of(Sender::Battery));
        findings.push(if self.counts.contains_key(&CanId::Standard(id::LIMITS)) {
            let who: Vec<String> =
                self.recording.portrait().identity().into_iter().map(|(_, said)| said).collect();
            Part::Can.ok(format!("a battery, {}: {battery}", who.join(", ")))
        } else {
            Part::Can.problem(
                format!("no battery: 0x351 was not heard in {secs} s, but {}", self.named(|_| true)),
                "is the battery on, and set to the protocol of Victron?",
            )
        });
        if let Some(&keep_alives) = self.counts.get(&CanId::Standard(id::KEEP_ALIVE)) {
            findings.push(Part::Can.ok(format!("a GX: {}", self.named(of(Sender::Gx)))));
            let in_rig = secs * f64::from(live.speed);
            // Fewer seconds than that are no count, and more are none of the clock.
            if (in_rig >= SECONDS || keep_alives >= SECONDS as u32)
                && let Some(wrong) = Pace::new(live.speed).wrong(keep_alives, in_rig)
            {
                findings
                    .push(Part::Can.problem(wrong, "correct `live.speed`, or serve the rig at that speed"));
            }
        } else if live.gx.is_some() {
            findings.push(Part::Can.problem(
                "no GX: 0x305 was not heard",
                "is its BMS-Can port on this bus, with a profile of the right bit rate (P 5.1)?",
            ));
        }
        let strangers = self.named(|id| MessageSpec::of(*id).is_none());
        if !strangers.is_empty() {
            findings.push(Part::Can.warning(
                format!("identifiers that the protocol does not know: {strangers}"),
                "they may be the battery's own; another device does not belong on this bus",
            ));
        }
        findings
    }

    /// Identifiers with their names, and how often each was heard.
    fn named(&self, which: impl Fn(&CanId) -> bool) -> String {
        let named =
            self.counts.iter().filter(|(id, _)| which(id)).map(|(id, count)| format!("0x{id} ({count})"));
        named.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::can::{PortInfo, Received};
    use proto::bus::ErrorFrame;

    /// A port that tells of these errors and of so many losses.
    struct Telling(Vec<ErrorFrame>, u64);

    impl CanPort for Telling {
        fn next(&mut self, _: Micros) -> Result<Option<Received>, CanError> {
            Ok(self.0.pop().map(|error| Received { at: Micros::ZERO, kind: Kind::Error(error) }))
        }

        fn send(&mut self, _: &Frame) -> Result<(), CanError> {
            Ok(())
        }

        fn info(&mut self) -> Result<PortInfo, CanError> {
            let state = Some(BusState::ErrorActive);
            Ok(PortInfo {
                name: "test".to_owned(),
                bit_rate: None,
                state,
                counters: None,
                lost: self.1,
                notes: Vec::new(),
            })
        }
    }

    fn told(errors: Vec<ErrorFrame>, lost: u64) -> (Bus, String) {
        let mut findings = Vec::new();
        let mut port = Telling(errors, lost);
        let bus = listen_to(&mut port, RunClock::start(), Micros::from_secs(9), &mut findings);
        (bus.unwrap_or_else(|error| panic!("{error}")), format!("{findings:?}"))
    }

    /// It was told to look after H and L.
    #[test]
    fn an_overflow_is_a_loss_and_no_matter_of_wiring() {
        let overflow = ErrorFrame { class: 0x004, data: [0, 0x01, 0, 0, 0, 0, 0, 0] };
        let (bus, findings) = told(vec![overflow, overflow], 2);
        assert_eq!(bus.errors.to_string(), "");
        assert!(findings.contains("at least 2 frames were lost"), "{findings}");
        assert!(!findings.contains("H and L"), "{findings}");
    }

    #[test]
    fn what_else_an_error_frame_says_is_counted() {
        let both = ErrorFrame { class: 0x004, data: [0, 0x11, 0, 0, 0, 0, 0, 0] };
        let (bus, _) = told(vec![both, ErrorFrame::DISTURBED], 1);
        assert_eq!(
            bus.errors.to_string(),
            "2 error frames (1 error passive, 1 protocol violation, 1 bus error)"
        );
    }

    /// What was recorded plays again as the frames of that bus: the same battery is heard, without its serial number.
    #[test]
    fn a_recorded_bus_plays_again() {
        let said: [(u16, &[u8]); 5] = [
            (0x351, &[0x18, 0x02, 0xF4, 0x01, 0xF4, 0x01, 0xC0, 0x01]),
            (0x356, &[0xC4, 0x14, 0x00, 0x00, 0xFA, 0x00]),
            (0x35E, b"BUSBAR  "),
            (0x380, b"SN123456"),
            (0x381, b"78\0\0\0\0\0\0"),
        ];
        let bus_of = |frames: &[(Micros, Frame)]| {
            let mut bus = Bus::default();
            frames.iter().for_each(|(at, frame)| bus.take(*at, frame));
            bus
        };
        let frames: Vec<(Micros, Frame)> = (0..4)
            .flat_map(|second| said.map(|(id, data)| (Micros::from_secs(second), Frame::standard(id, data))))
            .chain([(Micros::from_secs(4), Frame::standard(0x123, b"SN123456"))])
            .collect();
        let bus = bus_of(&frames);
        let tape = Tape::default();
        tape.heard(bus.recorded());
        let text = tape.told().expect("something was heard").to_string();
        assert!(
            text.contains("can 351 4 1000 1802f401f401c001\n") && text.contains("can 123 1 - -\n"),
            "{text}"
        );
        assert!(!text.contains("534e313233343536"), "no serial number: {text}");

        let dialogue = psu::Dialogue::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let again: Vec<(Micros, Frame)> = dialogue
            .can
            .iter()
            .filter_map(|heard| heard.frame().map(|frame| (heard, frame)))
            .flat_map(|(heard, frame)| {
                let step = heard.period.unwrap_or_default();
                (0..u64::from(heard.frames)).map(move |nth| (Micros(step.0 * nth), frame))
            })
            .collect();
        let again = bus_of(&again);
        assert_eq!((again.heard.cvl, again.heard.voltage), (bus.heard.cvl, bus.heard.voltage));
        let portrait = |bus: &Bus| bus.recording.portrait().identity();
        let shown = |bus: &Bus| format!("{:?}", portrait(bus)).replace("SN12345678", "0000000000");
        assert_eq!(shown(&again), shown(&bus));
        let known: BTreeMap<_, _> =
            bus.counts.iter().filter(|(id, _)| **id != CanId::Standard(0x123)).collect();
        assert_eq!(again.counts.iter().collect::<BTreeMap<_, _>>(), known);
    }
}
