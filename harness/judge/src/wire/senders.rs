//! BUS-06: two nodes that send one identifier, by numbers and rhythm. Where both are as fast, two streams that differ take
//! turns: each frame is like the one before the last, and unlike the last. Where one is faster, frames of the other come
//! between its own and move none of them.

use proto::frame::Frame;
use proto::message::id;
use proto::quantity::Micros;

use super::seen::Spot;
use crate::portrait::says;
use crate::thresholds::fixed::{IN_TIME, TURNS_OF_TWO, UNEVEN};
use crate::verdict::{Evidence, Opinion};

/// The messages whose numbers are watched, and by how many raw steps each of their numbers differs where two batteries
/// say it: 0.3 V, 2 A, 2 %, 30 mV, 2 K, more than the noise of one.
const WATCHED: [(u16, [u16; 4]); 4] = [
    (id::LIMITS, [3, 20, 20, 3]),
    (id::STATE_OF_CHARGE, [2, 2, 200, u16::MAX]),
    (id::MEASUREMENTS, [30, 20, 20, u16::MAX]),
    (id::CELLS, [30, 30, 2, 2]),
];

/// The frames of one identifier: whether they take turns.
#[derive(Debug, Clone, Copy, Default)]
struct Turns {
    /// the last two, and when they came
    last: Option<([u8; 8], Micros)>,
    before: Option<[u8; 8]>,
    /// frames that took turns without a break, and where they began
    run: u32,
    began: Option<Spot>,
    /// the pauses before frames of either stream
    pauses: [u64; 2],
    /// the longest such run
    longest: Option<Run>,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    frames: u32,
    from: Spot,
    /// the two contents
    contents: [[u8; 8]; 2],
    pauses: [u64; 2],
}

impl Run {
    /// Whether the pauses before the two streams differ: two clocks.
    fn is_uneven(&self) -> bool {
        let [a, b] = self.pauses.map(|p| p as f64);
        (a - b).abs() > UNEVEN * (a + b)
    }
}

/// How often the numbers of two contents differ by a step.
#[inline]
fn apart(a: [u8; 8], b: [u8; 8], steps: [u16; 4]) -> u32 {
    let number = |x: [u8; 8], k: usize| u16::from_le_bytes([x[2 * k], x[2 * k + 1]]);
    // The shorter way round: a current that crosses zero is no leap.
    (0..4)
        .map(|k| {
            let up = number(a, k).wrapping_sub(number(b, k));
            u32::from(up.min(up.wrapping_neg()) / steps[k])
        })
        .sum()
}

impl Turns {
    /// About the same content as the last.
    #[inline(always)]
    fn again(&mut self, last: [u8; 8], now: [u8; 8], at: Micros) {
        (self.last, self.before, self.run) = (Some((now, at)), Some(last), 0);
    }

    /// Another content, so many steps from the last.
    fn take(&mut self, now: [u8; 8], far: u32, steps: [u16; 4], spot: Spot) {
        let Some((last, at)) = self.last.replace((now, spot.at)) else { return };
        let Some(before) = self.before.replace(last) else { return };
        // Each stream may move a little from frame to frame.
        if far <= 4 * apart(now, before, steps) {
            self.run = 0;
            return;
        }
        if self.run == 0 {
            self.pauses = [0; 2];
            self.began = Some(spot);
        }
        self.pauses[(self.run & 1) as usize] += spot.at.since(at).0;
        self.run += 1;
        if self.run >= TURNS_OF_TWO
            && self.longest.is_none_or(|longest| self.run > longest.frames)
            && let Some(from) = self.began
        {
            let contents = [last, now];
            self.longest = Some(Run { frames: self.run, from, contents, pauses: self.pauses });
        }
    }
}

/// What one of two senders said last.
#[derive(Debug, Clone, Copy)]
struct Stream {
    content: [u8; 8],
    at: Micros,
    /// the last pause between two of its frames with none of the other sender in between; 0 before there was one
    alone: Micros,
}

/// The frames of one identifier: whether two clocks send them. One battery that says something else for once says it in
/// the place of a right frame, which is missed then.
#[derive(Debug, Clone, Copy, Default)]
struct Clocks {
    /// the stream of the last frame, and the other
    own: Option<Stream>,
    other: Option<Stream>,
    /// frames that came as if there were no other sender after one of it, and those that came later
    in_time: u32,
    late: u32,
    began: Option<Spot>,
}

impl Clocks {
    /// About the same content as the last.
    #[inline(always)]
    fn again(&mut self, now: [u8; 8], at: Micros) {
        if let Some(own) = &mut self.own {
            *own = Stream { content: now, at, alone: at.since(own.at) };
        }
    }

    /// Another content, so many steps from the last.
    fn take(&mut self, now: [u8; 8], far: u32, steps: [u16; 4], spot: Spot) {
        let fresh = Stream { content: now, at: spot.at, alone: Micros(0) };
        let Some(own) = &mut self.own else {
            self.own = Some(fresh);
            return;
        };
        match self.other {
            Some(other) if far > 4 * apart(now, other.content, steps) => {
                if other.alone.0 > 0 {
                    let in_time = spot.at.since(other.at).0 as f64 <= IN_TIME * other.alone.0 as f64;
                    *if in_time { &mut self.in_time } else { &mut self.late } += 1;
                    self.began.get_or_insert(spot);
                }
                self.other = self.own.replace(Stream { alone: other.alone, ..fresh });
            }
            None if far > 0 => self.other = self.own.replace(fresh),
            _ => *own = Stream { alone: spot.at.since(own.at), ..fresh },
        }
    }

    /// The frames by which two clocks show, where they do.
    fn run(&self) -> Option<Run> {
        let (own, other, from) = (self.own?, self.other?, self.began?);
        let contents = [other.content, own.content];
        let two = self.in_time >= TURNS_OF_TWO && self.in_time >= 4 * self.late;
        two.then_some(Run { frames: self.in_time, from, contents, pauses: [0; 2] })
    }
}

/// The frames of the watched identifiers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Senders {
    turns: [Turns; WATCHED.len()],
    clocks: [Clocks; WATCHED.len()],
}

impl Senders {
    #[inline(always)]
    pub(super) fn frame(&mut self, which: Watched, spot: Spot, frame: &Frame) {
        let ((_, steps), now) = (WATCHED[which as usize], frame.padded());
        let (turns, clocks) = (&mut self.turns[which as usize], &mut self.clocks[which as usize]);
        let last = turns.last.map(|(last, _)| last);
        let far = last.map_or(0, |last| if last == now { 0 } else { apart(now, last, steps) });
        match last {
            // One sender may move a little from frame to frame.
            Some(last) if far == 0 => {
                turns.again(last, now, spot.at);
                clocks.again(now, spot.at);
            }
            _ => self.other(which, spot, now, far),
        }
    }

    #[inline(never)]
    fn other(&mut self, which: Watched, spot: Spot, now: [u8; 8], far: u32) {
        let (_, steps) = WATCHED[which as usize];
        self.turns[which as usize].take(now, far, steps, spot);
        self.clocks[which as usize].take(now, far, steps, spot);
    }

    /// The runs that two senders explain and one does not: where the state of charge takes turns, two messages do, or
    /// each stream keeps its own rhythm. One sender that alternates its limits evenly is no second one.
    fn runs(&self) -> impl Iterator<Item = (u16, Run)> + '_ {
        let state = self.turns[Watched::State as usize].longest.is_some();
        let several = self.turns.iter().filter(|turns| turns.longest.is_some()).count() > 1;
        WATCHED.iter().zip(&self.turns).zip(&self.clocks).filter_map(move |((&(id, _), turns), clocks)| {
            let turns = turns.longest.filter(|run| state || several || run.is_uneven());
            Some((id, turns.or_else(|| clocks.run())?))
        })
    }

    /// The first identifier that two nodes send.
    pub(super) fn twice(&self) -> Option<u16> {
        self.runs().next().map(|(id, _)| id)
    }

    /// BUS-06.
    pub(crate) fn are_one(&self, opinion: &mut Opinion) {
        for (id, run) in self.runs() {
            let [one, other] = run.contents.map(|content| says(&Frame::standard(id, &content)));
            opinion.show(
                Evidence::fact(
                    format!("0x{id:03X} in turn, frame by frame"),
                    format!("{} frames", run.frames),
                )
                .against("never")
                .in_frame(Some(run.from)),
            );
            opinion.fail(format!(
                "0x{id:03X} says by turns \"{one}\" and \"{other}\", over {} frames: two nodes send it",
                run.frames
            ));
        }
    }
}

/// Which of the watched messages.
#[derive(Debug, Clone, Copy)]
pub(super) enum Watched {
    Limits,
    State,
    Measurements,
    Cells,
}
