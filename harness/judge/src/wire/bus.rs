//! BUS-01, BUS-04, BUS-05: identifiers, whose they are, and how full the bus is (P 1.2, P 3).

use proto::frame::{CanId, Frame};
use proto::log::{Foreign, foreign};
use proto::message::{MessageSpec, Payload, Sender, id};
use proto::quantity::Micros;

use super::Terms;
use super::seen::{Spot, Tally};
use super::sent::Sent;
use crate::thresholds::fixed::{EACH_SECOND, ENOUGH_FRAMES, GX_PAUSE, SECOND_BUS};
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about};

/// Whose an identifier is that the document does not have. With `CanBmsSense` a GX tells the battery what another monitor
/// measures, under identifiers that are not public (dbus-systemcalc-py 87f5716, 2023-03).
const NOT_OF_THE_DOCUMENT: &str =
    ", not of the document: the battery's own, or of a GX whose setting CanBmsSense is on";

/// What only the GX sends, every second (P 3).
const OF_THE_GX: [(u16, Payload); 2] =
    [(id::KEEP_ALIVE, Payload::KEEP_ALIVE), (id::INVERTER_IDENTITY, Payload::VICTRON)];

#[derive(Debug, Clone)]
pub(crate) struct Bus {
    frames: Tally,
    /// how many frames by the number of their data bytes, with 11 bits and with 29 bits
    lengths: [[u64; 9]; 2],
    /// 29-bit frames of VE.Can, which other products send on the same wires
    ve_can: Tally,
    /// all other 29-bit frames
    extended: Tally,
    /// the first few different 29-bit identifiers, of VE.Can and others
    extended_ids: [Vec<u32>; 2],
    /// where an 11-bit identifier stands in the list
    slot: Box<[u16; 2048]>,
    sent: Vec<Sent>,
    /// 0x305 and 0x307 as a GX sends them, each by itself, and otherwise
    gx: [Tally; 2],
    foreign_keep_alive: Tally,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            frames: Tally::default(),
            lengths: [[0; 9]; 2],
            ve_can: Tally::default(),
            extended: Tally::default(),
            extended_ids: [Vec::new(), Vec::new()],
            slot: Box::new([u16::MAX; 2048]),
            sent: Vec::new(),
            gx: [Tally::default(), Tally::default()],
            foreign_keep_alive: Tally::default(),
        }
    }
}

impl Bus {
    #[inline]
    pub(super) fn frame(&mut self, spot: Spot, frame: &Frame) {
        self.frames.hit(spot);
        let length = usize::from(frame.dlc().min(8));
        match frame.id() {
            CanId::Standard(id) => {
                self.lengths[0][length] += 1;
                self.standard(spot, id, frame);
            }
            CanId::Extended(id) => {
                self.lengths[1][length] += 1;
                let is_ve_can = matches!(foreign(frame.id()), Some(Foreign::VeCan { .. }));
                if is_ve_can {
                    self.ve_can.hit(spot)
                } else {
                    self.extended.hit(spot)
                }
                let ids = &mut self.extended_ids[usize::from(!is_ve_can)];
                if ids.len() < 8 && !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
    }

    /// How long nobody sent, where that may be the recording's fault: a GX that was heard all the time fell silent
    /// together with the battery, such as between two cases of a run.
    #[inline]
    pub(super) fn pause(&self, spot: Spot) -> Option<Micros> {
        let silent = spot.at.since(self.frames.last);
        let heard = self.gx.iter().map(|sent| sent.count).sum::<u64>();
        (silent >= GX_PAUSE && heard >= ENOUGH_FRAMES).then_some(silent)
    }

    #[inline]
    fn standard(&mut self, spot: Spot, id: u16, frame: &Frame) {
        let slot = &mut self.slot[usize::from(id & 0x7FF)];
        if *slot == u16::MAX {
            *slot = self.sent.len() as u16;
            self.sent.push(Sent::new(id, spot, frame));
        } else {
            self.sent[usize::from(*slot)].again(spot, frame);
        }
        let Some(which) = OF_THE_GX.iter().position(|&(of, _)| of == id) else { return };
        let (_, expected) = OF_THE_GX[which];
        // Byte 7 of 0x307 is reserved for future use.
        let is_gx = frame.dlc() == 8 && frame.padded()[..7] == expected.as_bytes()[..7];
        if is_gx { self.gx[which].hit(spot) } else { self.foreign_keep_alive.hit(spot) }
    }

    pub(super) fn of(&self, id: u16) -> Option<&Sent> {
        self.sent.get(usize::from(self.slot[usize::from(id & 0x7FF)]))
    }

    pub(super) fn has(&self, id: u16) -> bool {
        self.of(id).is_some()
    }

    /// What was sent, by identifier.
    pub(super) fn sent(&self) -> Vec<&Sent> {
        let mut sent: Vec<&Sent> = self.sent.iter().collect();
        sent.sort_by_key(|s| s.id);
        sent
    }

    /// The messages of the document that a battery sends.
    pub(super) fn of_battery(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter().filter(|s| {
            MessageSpec::of(CanId::Standard(s.id)).is_some_and(|spec| spec.sender == Sender::Battery)
        })
    }

    /// 29-bit identifiers: of VE.Can, and others.
    pub(super) fn extended(&self) -> [(u64, &[u32]); 2] {
        [(self.ve_can.count, &self.extended_ids[0]), (self.extended.count, &self.extended_ids[1])]
    }

    /// How many data frames.
    pub(super) fn count(&self) -> u64 {
        self.frames.count
    }

    /// Load of the bus at 500 kbit/s in per cent, without and with as many stuffed bits as there can be.
    pub(super) fn percent(&self) -> Option<(f64, f64)> {
        let seconds = self.window().secs();
        let percent = |bits: u64| 100.0 * bits as f64 / seconds / 500_000.0;
        let (mut least, mut most) = (0, 0);
        for (counts, id) in self.lengths.iter().zip([CanId::Standard(0), CanId::Extended(0)]) {
            for (length, count) in counts.iter().enumerate() {
                let bits = Frame::new(id, &[0; 8][..length]).map_or(0, |frame| u64::from(frame.bits()));
                // What follows the checksum is not stuffed; up to one stuffed bit in four of the rest.
                least += count * bits;
                most += count * (bits + (bits - 14) / 4);
            }
        }
        (seconds >= 1.0).then(|| (percent(least), percent(most)))
    }

    pub(super) fn window(&self) -> Window {
        let first = self.frames.first.map_or(self.frames.last, |first| first.at);
        Window::new(first, self.frames.last)
    }

    /// BUS-01: *"Standard frame format, 11-bit identifier"*.
    pub(crate) fn has_short_ids(&self, opinion: &mut Opinion) {
        // Unknown groups beside known ones of VE.Can come from its products, where the battery itself has 11 bits.
        let from_others = self.ve_can.any() && self.of_battery().next().is_some();
        if self.ve_can.any() {
            opinion.show(self.ve_can.evidence("29-bit frames of VE.Can"));
        }
        if self.extended.any() {
            opinion.show(self.extended.evidence("29-bit frames").against("none"));
        }
        if self.extended.any() && !from_others {
            opinion.fail(format!(
                "{} frame{} 29-bit identifiers ({}), {}: the GX does not read them",
                self.extended.count,
                if self.extended.count == 1 { " has" } else { "s have" },
                named(&self.extended_ids[1]),
                self.extended.place()
            ));
        } else if from_others {
            let count = self.ve_can.count + self.extended.count;
            opinion.pass(format!(
                "the battery has 11-bit identifiers; {count} frames with 29 bits are VE.Can ({})",
                named(&self.extended_ids[0])
            ));
        } else if self.ve_can.any() {
            opinion.unclear(format!(
                "{} frames are VE.Can ({}): no frame of a battery was seen",
                self.ve_can.count,
                named(&self.extended_ids[0])
            ));
        } else if self.frames.any() {
            opinion.pass(format!("all {} frames have 11-bit identifiers", self.frames.count));
        } else {
            opinion.unclear("no frame was seen");
        }
    }

    /// BUS-04: 0x305 and 0x307 are sent *"every second by the GX device"*.
    pub(crate) fn leaves_the_gx_alone(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        if !self.frames.any() {
            opinion.unclear("no frame was seen");
            return;
        }
        if self.foreign_keep_alive.any() {
            opinion.show(
                self.foreign_keep_alive.evidence("0x305 or 0x307 unlike those of a GX").against("none"),
            );
            let place = self.foreign_keep_alive.place();
            if self.gx.iter().any(Tally::any) {
                opinion.fail(format!(
                    "0x305 or 0x307 is sent with other content than a GX sends, {place}: somebody beside it sends it"
                ));
            } else {
                // Inverters of other makes send 0x305 too, with values of their own in it.
                opinion.unclear(format!(
                    "0x305 or 0x307 is sent with other content than a GX sends, {place}: by the battery or by an \
                     inverter of another make; a log beside a GX decides"
                ));
            }
        }
        for (id, _) in OF_THE_GX {
            let Some(sent) = self.of(id) else { continue };
            let seconds = sent.last.at.since(sent.first.at).secs();
            if sent.count < 10 || seconds < 5.0 || !terms.is_timed() {
                continue;
            }
            let rate = (sent.count - 1) as f64 / seconds;
            opinion.show(
                Evidence::fact(format!("0x{id:03X} per second"), format!("{rate:.2}")).against("≤ 1.5"),
            );
            if rate > 1.5 {
                opinion.fail(format!(
                    "0x{id:03X} comes {rate:.1} times a second, the GX sends it once: a second node sends it too"
                ));
            }
        }
        let word = if self.has(id::KEEP_ALIVE) {
            "0x305 and 0x307 look like those of one GX"
        } else {
            "nobody sends 0x305"
        };
        opinion.pass(word);
    }

    /// GXD-07: 0x305 is eight zero bytes and 0x307 has `VIC` in its bytes 4 to 6, each *"every second"* (P 3). What comes too often is not
    /// the GX's alone: BUS-04 tells.
    pub(crate) fn speaks_as_a_gx(&self, is_there: bool, opinion: &mut Opinion) {
        for ((id, expected), right) in OF_THE_GX.into_iter().zip(&self.gx) {
            let name = format!("0x{id:03X}");
            let Some(sent) = self.of(id) else {
                if is_there {
                    opinion.fail(format!("{name} was never heard, which a GX sends every second"));
                } else {
                    opinion.absent(format!("no GX is asked on this bench, and nobody sends {name}"));
                }
                continue;
            };
            opinion.show(
                Evidence::fact(
                    format!("{name} with the bytes of a GX"),
                    format!("{} of {}", right.count, sent.count),
                )
                .against(expected.to_string()),
            );
            if !right.any() {
                opinion.fail(format!("{name} never has the bytes of a GX, {expected}"));
                continue;
            }
            let Some(gap) = sent.gaps.median().filter(|_| right.count >= ENOUGH_FRAMES) else {
                opinion.unclear(format!("{name} was heard {} times: {ENOUGH_FRAMES} decide", right.count));
                continue;
            };
            opinion.show(
                Evidence::fact(format!("median time from {name} to {name}"), gap.to_string())
                    .against(format!("≤ {EACH_SECOND}")),
            );
            if gap > EACH_SECOND {
                opinion.fail(format!("{name} comes each {gap}, a GX sends it every second"));
            }
        }
        opinion.pass("0x305 and 0x307 are those of a GX, once a second");
    }

    /// BUS-07: *"while technically possible to combine both in one CAN-bus network [...] such installation is not allowed
    /// for new integrations"* (P 1.3).
    pub(crate) fn is_the_batterys_own(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        if self.of_battery().next().is_none() {
            opinion.unclear("no frame of a battery was seen");
        } else if self.ve_can.any() {
            opinion.show(self.ve_can.evidence("29-bit frames of VE.Can (NMEA 2000)").against("none"));
            opinion.fail(format!(
                "VE.Can (NMEA 2000) shares the bus with the battery: {}; software allows it, new integrations must not (P 1.3)",
                named(&self.extended_ids[0])
            ));
        } else if terms.is_timed() && self.window().length() < SECOND_BUS {
            opinion.unclear(format!("no frame of VE.Can was seen; {} of log decide", about(SECOND_BUS)));
        } else {
            opinion.pass("no frame of VE.Can shares the bus");
        }
    }

    /// BUS-05: bus load at 500 kbit/s and frames per second, per identifier.
    pub(crate) fn load(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        if let Some(why) = &terms.untimed {
            opinion.unclear(format!("{why}: no rate can be told"));
            return;
        }
        let (seconds, Some((least, most))) = (self.window().secs(), self.percent()) else {
            opinion.unclear("less than a second was seen; a minute tells the load");
            return;
        };
        let load = format!("{least:.1} to {most:.1} %");
        opinion.show(
            Evidence::fact("bus load at 500 kbit/s, by stuffed bits", load.clone()).within(self.window()),
        );
        for s in self.sent().into_iter().take(64) {
            let rate = s.count as f64 / seconds;
            let whose = match MessageSpec::of(CanId::Standard(s.id)) {
                Some(_) => "",
                None => NOT_OF_THE_DOCUMENT,
            };
            opinion.show(Evidence::fact(format!("0x{:03X}", s.id), format!("{rate:.2} frames/s{whose}")));
        }
        opinion.pass(format!(
            "{:.1} frames a second load the bus by {load}",
            self.frames.count as f64 / seconds
        ));
    }
}

/// The identifiers, with what they are known for.
fn named(ids: &[u32]) -> String {
    let one = |&id: &u32| match foreign(CanId::Extended(id)) {
        Some(known) => format!("{id:08X}, {known}"),
        None => format!("{id:08X}"),
    };
    ids.iter().map(one).collect::<Vec<_>>().join("; ")
}
