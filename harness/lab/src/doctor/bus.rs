//! The CAN bus: our interface, and who is heard.

use std::collections::BTreeMap;

use judge::recording::Recording;
use proto::bus::BusState;
use proto::frame::{CanId, Frame};
use proto::message::{Message, MessageSpec, Sender, id};
use proto::quantity::{Amps, BitRate, Micros, Volts};

use super::{Finding, Part, device};
use crate::can::{CanError, CanPort, Kind, RunClock};
use crate::live::hearing::Errors;
use crate::live::open_can;
use crate::live::pace::Pace;
use files::RigFile;
use files::live::{CanPlace, Live};

/// What the battery said last, to be compared with what the GX shows.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// 0x351
    pub(super) cvl: Option<Volts>,
    /// 0x356
    pub(super) voltage: Option<Volts>,
    /// and its current
    pub(super) current: Option<Amps>,
}

pub(super) fn examine(rig: &RigFile, live: &Live, listen: Micros) -> (Vec<Finding>, Heard) {
    let (mut findings, mut heard) = (Vec::new(), Heard::default());
    if let CanPlace::Slcan(path) = &live.can
        && let Some(obstacle) = device::obstacle(Part::Can, path)
    {
        return (vec![obstacle], heard);
    }
    let clock = RunClock::start();
    let listened = open_can(&live.can, rig.can.bit_rate, rig.polling.bus, clock)
        .and_then(|mut port| listen_to(port.as_mut(), clock, listen, &mut findings));
    match listened {
        Ok(bus) => {
            findings.extend(bus.findings(rig.can.bit_rate, live, listen));
            heard = bus.heard;
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
        self.recording.can(at, frame);
        match Message::decode(frame) {
            Some(Message::Limits(limits)) => self.heard.cvl = limits.cvl(),
            Some(Message::Measurements(measured)) => {
                (self.heard.voltage, self.heard.current) = (measured.voltage(), measured.current());
            }
            _ => {}
        }
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
}
