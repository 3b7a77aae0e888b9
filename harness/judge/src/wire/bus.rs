//! BUS-01, BUS-04, BUS-05: identifiers, whose they are, and how full the bus is (P 1.2, P 3).

use proto::frame::{CanId, Frame};
use proto::message::{Payload, id};
use proto::quantity::Micros;

use super::Terms;
use super::seen::{Spot, Tally};
use crate::verdict::{Evidence, Opinion};
use crate::window::Window;

/// What is kept of one identifier.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stats {
    pub(super) id: u16,
    pub(super) tally: Tally,
}

#[derive(Debug, Clone)]
pub(super) struct Bus {
    frames: Tally,
    /// bits without stuffing, and with as many stuffed bits as there can be
    bits: (u64, u64),
    extended: Tally,
    /// the first few different 29-bit identifiers
    extended_ids: Vec<u32>,
    /// where the statistics of an 11-bit identifier are
    slot: Box<[u16; 2048]>,
    stats: Vec<Stats>,
    foreign_keep_alive: Tally,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            frames: Tally::default(),
            bits: (0, 0),
            extended: Tally::default(),
            extended_ids: Vec::new(),
            slot: Box::new([u16::MAX; 2048]),
            stats: Vec::new(),
            foreign_keep_alive: Tally::default(),
        }
    }
}

impl Bus {
    #[inline]
    pub(super) fn frame(&mut self, spot: Spot, frame: &Frame) {
        self.frames.hit(spot);
        let payload = 8 * u64::from(frame.dlc());
        match frame.id() {
            CanId::Standard(id) => {
                // Start to interframe space: 47 bits and the data; up to one stuffed bit in four of what is stuffed.
                self.bits = (self.bits.0 + 47 + payload, self.bits.1 + 47 + payload + (33 + payload) / 4);
                self.standard(spot, id, frame);
            }
            CanId::Extended(id) => {
                self.bits = (self.bits.0 + 67 + payload, self.bits.1 + 67 + payload + (53 + payload) / 4);
                self.extended.hit(spot);
                if self.extended_ids.len() < 8 && !self.extended_ids.contains(&id) {
                    self.extended_ids.push(id);
                }
            }
        }
    }

    #[inline]
    fn standard(&mut self, spot: Spot, id: u16, frame: &Frame) {
        let slot = &mut self.slot[usize::from(id & 0x7FF)];
        if *slot == u16::MAX {
            *slot = self.stats.len() as u16;
            self.stats.push(Stats { id, tally: Tally::default() });
        }
        self.stats[usize::from(*slot)].tally.hit(spot);
        let expected = match id {
            id::KEEP_ALIVE => Payload::KEEP_ALIVE,
            id::INVERTER_IDENTITY => Payload::VICTRON,
            _ => return,
        };
        // Byte 7 of 0x307 is reserved for future use.
        let differs = frame.data().iter().zip(expected.as_bytes()).take(7).any(|(a, b)| a != b);
        self.foreign_keep_alive.hit_if(differs || frame.dlc() != 8, spot);
    }

    pub(super) fn of(&self, id: u16) -> Option<&Stats> {
        self.stats.get(usize::from(self.slot[usize::from(id & 0x7FF)]))
    }

    pub(super) fn has(&self, id: u16) -> bool {
        self.of(id).is_some()
    }

    pub(super) fn window(&self) -> Window {
        match (self.frames.first, self.frames.last) {
            (Some(first), Some(last)) => Window::new(first.at, last.at),
            _ => Window::new(Micros::ZERO, Micros::ZERO),
        }
    }

    /// BUS-01: *"Standard frame format, 11-bit identifier"*.
    pub(super) fn has_short_ids(&self, opinion: &mut Opinion) {
        if self.extended.any() {
            let ids: Vec<String> = self.extended_ids.iter().map(|id| format!("{id:08X}")).collect();
            opinion.show(self.extended.evidence("29-bit frames").against("none"));
            opinion.fail(format!(
                "{} frames have 29-bit identifiers ({}), {}: the GX does not read them",
                self.extended.count,
                ids.join(", "),
                self.extended.place()
            ));
        } else if self.frames.any() {
            opinion.pass(format!("all {} frames have 11-bit identifiers", self.frames.count));
        } else {
            opinion.unclear("no frame was seen");
        }
    }

    /// BUS-04: 0x305 and 0x307 are sent *"every second by the GX device"*.
    pub(super) fn leaves_the_gx_alone(&self, opinion: &mut Opinion) {
        if !self.frames.any() {
            opinion.unclear("no frame was seen");
            return;
        }
        if self.foreign_keep_alive.any() {
            opinion.show(
                self.foreign_keep_alive.evidence("0x305 or 0x307 unlike those of a GX").against("none"),
            );
            opinion.fail(format!(
                "0x305 or 0x307 is sent with other content than a GX sends, {}: somebody else sends it",
                self.foreign_keep_alive.place()
            ));
        }
        for id in [id::KEEP_ALIVE, id::INVERTER_IDENTITY] {
            let Some(stats) = self.of(id) else { continue };
            let (Some(first), Some(last)) = (stats.tally.first, stats.tally.last) else { continue };
            let seconds = last.at.since(first.at).secs();
            if stats.tally.count < 10 || seconds < 5.0 {
                continue;
            }
            let rate = (stats.tally.count - 1) as f64 / seconds;
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

    /// BUS-05: bus load at 500 kbit/s and frames per second, per identifier.
    pub(super) fn load(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        let seconds = self.window().secs();
        if seconds < 1.0 || !terms.timed {
            opinion.unclear("no second of frames with real times was seen");
            return;
        }
        let percent = |bits: u64| 100.0 * bits as f64 / seconds / 500_000.0;
        let load = format!("{:.1} to {:.1} %", percent(self.bits.0), percent(self.bits.1));
        opinion.show(
            Evidence::fact("bus load at 500 kbit/s, by stuffed bits", load.clone()).within(self.window()),
        );
        let mut stats = self.stats.clone();
        stats.sort_by_key(|s| s.id);
        for s in stats.iter().take(64) {
            let rate = s.tally.count as f64 / seconds;
            opinion.show(Evidence::fact(format!("0x{:03X}", s.id), format!("{rate:.2} frames/s")));
        }
        opinion.pass(format!(
            "{:.1} frames a second load the bus by {load}",
            self.frames.count as f64 / seconds
        ));
    }
}
