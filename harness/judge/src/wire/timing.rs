//! TIM-01, TIM-02, TIM-05 and M14: how often the core messages come (P 1.4).

use proto::quantity::Micros;
use proto::stimulus::Tampering;

use super::Terms;
use super::bus::Bus;
use super::presence::CORE;
use super::seen::Spot;
use crate::thresholds::Stands;
use crate::thresholds::fixed::{
    CORE_TIME, EACH_SECOND, EACH_SECOND_LATE, ENOUGH_FRAMES, STALL_MORE, STALL_PERIODS,
};
use crate::verdict::{Evidence, Opinion, Sign};
use crate::window::Window;

/// Gaps are counted in bins of 20 ms up to 4 s.
const BIN: u64 = 20_000;
const BINS: usize = 200;
/// As many of the longest gaps are kept for what the bins do not reach.
const LONGEST: usize = 8;

#[derive(Debug, Clone)]
struct Cadence {
    last: Option<Micros>,
    gaps: [u32; BINS + 1],
    count: u64,
    /// the longest gaps, longest first: length, and the frame that ended it
    longest: [(Micros, Option<Spot>); LONGEST],
    /// the longest gap that was still open when frames were disturbed on purpose
    cut: Option<(Micros, Spot)>,
}

impl Default for Cadence {
    fn default() -> Self {
        let longest = [(Micros::ZERO, None); LONGEST];
        Self { last: None, gaps: [0; BINS + 1], count: 0, longest, cut: None }
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Timing {
    core: [Cadence; 4],
    /// how often the recording paused, and the longest time
    pauses: u64,
    longest_pause: Micros,
}

impl Cadence {
    #[inline(always)]
    fn frame(&mut self, spot: Spot) {
        if let Some(last) = self.last {
            // Frames are disturbed on purpose until then.
            if spot.at < last {
                return;
            }
            let gap = spot.at.since(last);
            self.count += 1;
            self.gaps[((gap.0 / BIN) as usize).min(BINS)] += 1;
            if gap > self.longest[LONGEST - 1].0 {
                self.long(gap, spot);
            }
        }
        self.last = Some(spot.at);
    }

    #[inline(never)]
    fn long(&mut self, gap: Micros, spot: Spot) {
        self.longest[LONGEST - 1] = (gap, Some(spot));
        self.longest.sort_by_key(|&(gap, _)| core::cmp::Reverse(gap));
    }

    /// Frames are disturbed on purpose: gaps count from the end of that.
    fn tamper(&mut self, window: Window) {
        if let Some(last) = self.last {
            let gap = window.from.since(last);
            if self.cut.is_none_or(|(longest, _)| gap > longest) {
                self.cut = Some((gap, Spot::new(window.from, None)));
            }
            self.last = Some(last.max(window.to));
        }
    }

    /// The longest gap, or the one that was still open at the end, and what ended it.
    fn worst(&self, last: Micros, end: Micros) -> (Micros, Spot) {
        let open = (end.since(last), Spot::new(end, None));
        let ended = self.longest.iter().find_map(|&(gap, spot)| Some((gap, spot?)));
        let longer = |a: (Micros, Spot), b: (Micros, Spot)| if b.0 >= a.0 { b } else { a };
        ended.into_iter().chain(self.cut).fold(open, longer)
    }

    /// How many frames.
    fn seen(&self) -> u64 {
        self.count + u64::from(self.last.is_some())
    }

    /// How many gaps are so long, to 20 ms.
    fn reaching(&self, limit: Micros) -> u64 {
        let first = ((limit.0 / BIN) as usize).min(BINS);
        self.gaps[first..].iter().map(|&count| u64::from(count)).sum()
    }

    /// The gap that this share of all gaps does not exceed, to 20 ms up to 4 s. Beyond, where few gaps are kept, one
    /// that more of them do not exceed.
    fn quantile(&self, share: f64) -> Micros {
        let wanted = (share * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (bin, &count) in self.gaps[..BINS].iter().enumerate() {
            seen += u64::from(count);
            if seen >= wanted {
                return Micros((bin as u64 + 1) * BIN);
            }
        }
        let longer = usize::try_from(self.count.saturating_sub(wanted)).unwrap_or(LONGEST);
        self.longest[longer.min(LONGEST - 1)].0
    }
}

impl Timing {
    /// A frame of the n-th core message.
    #[inline(always)]
    pub(super) fn core(&mut self, which: usize, spot: Spot) {
        self.core[which].frame(spot);
    }

    /// The recording paused until `end`: gaps count from there, the pause itself is none of the battery's.
    pub(super) fn pause(&mut self, length: Micros, end: Micros) {
        self.pauses += 1;
        self.longest_pause = self.longest_pause.max(length);
        for last in self.core.iter_mut().filter_map(|cadence| cadence.last.as_mut()) {
            *last = end;
        }
    }

    /// Frames are disturbed on purpose, of one identifier or of all.
    pub(super) fn tamper(&mut self, tampering: &Tampering, window: Window) {
        let own = self.core.iter_mut().zip(CORE).filter(|(_, id)| tampering.is_of(*id));
        own.for_each(|(cadence, _)| cadence.tamper(window));
    }

    /// TIM-01: *"When the inverter does not receive the 0x351 message from the battery every 3 seconds, the system will
    /// stop charging and discharging"*.
    pub(crate) fn never_pauses(&self, bus: &Bus, terms: &Terms<'_>, opinion: &mut Opinion) {
        let (cadence, window) = (&self.core[0], bus.window());
        let limit = terms.thresholds.gap.limit;
        let Some(last) = cadence.last else {
            if terms.is_timed() && window.length() >= CORE_TIME {
                opinion.fail(format!("0x351 never comes in {}", window.length()));
            } else {
                opinion.unclear("0x351 was not seen");
            }
            return;
        };
        if let Some(why) = &terms.untimed {
            opinion.unclear(format!("{why}: no gap can be told"));
            return;
        }
        let (gap, spot) = cadence.worst(last, window.to);
        let mut evidence =
            Evidence::fact("M14 longest gap between two 0x351", format!("{:.2} s", gap.secs()))
                .against(format!("< {:.0} s", limit.secs()))
                .measured(gap, terms.thresholds.gap);
        evidence.at = Some((Micros(spot.at.0.saturating_sub(gap.0)), spot.at));
        evidence.line = spot.line;
        evidence.frame = spot.frame;
        opinion.show(evidence);
        if self.pauses > 0 {
            opinion.show(Evidence::fact(
                "pauses of the recording, in which the GX was silent too: not held against the battery",
                format!("{}, the longest {:.0} s", self.pauses, self.longest_pause.secs()),
            ));
        }
        let graded = terms.thresholds.gap;
        if graded.stands(gap) == Stands::Near {
            opinion.unclear(format!(
                "0x351 pauses for {:.3} s before {}: at {:.0} s the system stops charging and discharging, and times of frames \
                 are known to ± {} s: too near to decide",
                gap.secs(),
                spot.at,
                limit.secs(),
                graded.band()
            ));
        } else if gap >= limit {
            let again = match cadence.reaching(limit) {
                0 | 1 => String::new(),
                count => format!(", the longest of {count} such gaps"),
            };
            opinion.fail(format!(
                "0x351 pauses for {:.2} s before {}{again}: at {:.0} s the system stops charging and discharging",
                gap.secs(),
                spot.at,
                limit.secs()
            ));
        } else if self.pauses > 0 {
            // With nobody left to acknowledge, a GX falls silent together with a battery that restarts.
            opinion.unclear(format!(
                "the whole bus was silent for up to {:.0} s, the GX too: the recording paused, or the battery went away and left nobody to acknowledge; record without a pause, with a third node on the bus",
                self.longest_pause.secs()
            ));
        } else if cadence.count < ENOUGH_FRAMES {
            opinion.unclear(format!("{} frames of 0x351 are too few to say: 11 decide", cadence.seen()));
        } else {
            opinion.pass(format!("the longest gap between two 0x351 is {:.2} s", gap.secs()));
        }
    }

    /// TIM-02: *"Our advice is to make the BMS send this message every second"*.
    pub(crate) fn sends_every_second(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        let cadence = &self.core[0];
        if let Some(why) = &terms.untimed {
            opinion.unclear(format!("{why}: no period can be told"));
            return;
        }
        if cadence.count < ENOUGH_FRAMES {
            opinion.unclear(format!("{} frames of 0x351 were seen: 11 decide", cadence.seen()));
            return;
        }
        let (median, slow) = (cadence.quantile(0.5), cadence.quantile(0.99));
        opinion
            .show(
                Evidence::fact("median gap between two 0x351", format!("{:.2} s", median.secs()))
                    .against(format!("≤ {:.2} s", EACH_SECOND.secs()))
                    .tells(Sign::Period(median)),
            )
            .show(
                Evidence::fact("99th percentile", format!("{:.2} s", slow.secs()))
                    .against(format!("≤ {:.2} s", EACH_SECOND_LATE.secs())),
            );
        for (from, to) in [(0.0, 0.5), (0.5, 0.9), (0.9, 1.1), (1.1, 1.5), (1.5, 3.0), (3.0, f64::MAX)] {
            let count: u64 = (0..=BINS)
                .filter(|&bin| (from..to).contains(&((bin as u64 * BIN + BIN / 2) as f64 * 1e-6)))
                .map(|bin| u64::from(cadence.gaps[bin]))
                .sum();
            let name =
                if to > 100.0 { format!("gaps from {from} s") } else { format!("gaps of {from} to {to} s") };
            opinion.show(Evidence::fact(name, count.to_string()));
        }
        let text = format!(
            "half of all gaps between 0x351 are at most {:.2} s, 99 % at most {:.2} s",
            median.secs(),
            slow.secs()
        );
        if median > EACH_SECOND || slow > EACH_SECOND_LATE {
            opinion.fail(format!("0x351 is not sent every second: {text}"));
        } else {
            opinion.pass(text);
        }
    }

    /// TIM-05: no core message stalls while others go on.
    pub(crate) fn keeps_steady(&self, bus: &Bus, terms: &Terms<'_>, opinion: &mut Opinion) {
        if let Some(why) = &terms.untimed {
            opinion.unclear(format!("{why}: no gap can be told"));
            return;
        }
        for (cadence, id) in self.core.iter().zip(CORE).skip(1) {
            let Some(last) = cadence.last.filter(|_| cadence.count >= ENOUGH_FRAMES) else {
                opinion.unclear(format!("0x{id:03X} was seen {} times: 11 decide", cadence.seen()));
                continue;
            };
            let usual = cadence.quantile(0.5);
            let allowed = Micros(STALL_PERIODS * usual.0 + STALL_MORE.0);
            let (gap, spot) = cadence.worst(last, bus.window().to);
            opinion.show(
                Evidence::fact(
                    format!("longest gap of 0x{id:03X}, usual {:.2} s", usual.secs()),
                    format!("{:.2} s", gap.secs()),
                )
                .against(format!("≤ {:.2} s", allowed.secs()))
                .in_frame(Some(spot)),
            );
            if gap > allowed {
                opinion.fail(format!("0x{id:03X} stalls for {:.1} s before {}", gap.secs(), spot.at));
            } else {
                opinion.pass(format!("0x{id:03X} comes every {:.2} s", usual.secs()));
            }
        }
    }
}
