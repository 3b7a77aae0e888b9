//! ALM-07: 0x35A goes on while other messages do, and an alarm stays for as long as its cause does (P 2 §0x35A).

use proto::message::{AlarmKind, Alarms, Cells, Measurements, Pair};
use proto::quantity::Micros;

use super::Terms;
use super::alarms::{name, pairs};
use super::seen::{Spot, Tally};
use crate::thresholds::fixed::{ENOUGH_FRAMES, FLICKERS, GONE_PERIODS, RETURNS};
use crate::verdict::{Evidence, Opinion};
use crate::window::about;

/// 13 alarms and 13 warnings.
const PAIRS: usize = 26;

/// How bad what an alarm is about is now, the more the worse, by up to two measurements; infinite where none tells.
type Badness = [f64; 2];

const UNKNOWN: Badness = [f64::INFINITY; 2];

/// What was measured last.
#[derive(Debug, Clone, Copy, Default)]
struct Measured {
    voltage: Option<f64>,
    current: Option<f64>,
    celsius: Option<f64>,
    cells: Option<(f64, f64)>,
    temperatures: Option<(f64, f64)>,
}

impl Measured {
    fn badness(&self, kind: AlarmKind) -> Badness {
        use AlarmKind::*;
        let or = |value: Option<f64>| value.unwrap_or(f64::INFINITY);
        let (low, high) = (self.cells.map(|c| -c.0), self.cells.map(|c| c.1));
        let (cold, hot) = (self.temperatures.map(|t| -t.0), self.temperatures.map(|t| t.1));
        match kind {
            HighVoltage => [or(self.voltage), or(high)],
            LowVoltage => [or(self.voltage.map(|v| -v)), or(low)],
            HighTemperature | HighTemperatureCharge => [or(self.celsius), or(hot)],
            LowTemperature | LowTemperatureCharge => [or(self.celsius.map(|t| -t)), or(cold)],
            HighCurrent => [or(self.current.map(f64::abs)), f64::INFINITY],
            HighChargeCurrent => [or(self.current), f64::INFINITY],
            CellImbalance => [or(self.cells.map(|c| c.1 - c.0)), f64::INFINITY],
            General | Contactor | ShortCircuit | BmsInternal => UNKNOWN,
        }
    }
}

/// One alarm or warning.
#[derive(Debug, Clone, Copy)]
struct Course {
    active: bool,
    /// when it was last cleared
    cleared: Option<Micros>,
    /// how bad its cause was when it was raised
    raised: Badness,
    /// the mildest its cause was while it was active, without the last measurement, which may be what cleared it
    mildest: Badness,
    last: Badness,
    /// the mildest since then, that last one included
    since: Badness,
    /// it came back soon, and its cause had not gone
    returns: Tally,
}

impl Default for Course {
    fn default() -> Self {
        Self {
            active: false,
            cleared: None,
            raised: UNKNOWN,
            mildest: UNKNOWN,
            last: UNKNOWN,
            since: UNKNOWN,
            returns: Tally::default(),
        }
    }
}

fn milder(a: Badness, b: Badness) -> Badness {
    [a[0].min(b[0]), a[1].min(b[1])]
}

impl Course {
    /// Whether it went so long ago that its return would not be soon.
    fn is_over(&self, at: Micros) -> bool {
        !self.active && self.cleared.is_none_or(|cleared| at.since(cleared) > RETURNS)
    }

    fn measured(&mut self, now: Badness) {
        if self.active {
            self.mildest = milder(self.mildest, self.last);
            self.last = now;
        } else {
            self.since = milder(self.since, now);
        }
    }

    /// It is raised or cleared; `now` is what was measured last, which may be from before or after it.
    fn turn(&mut self, active: bool, spot: Spot, now: Badness) {
        self.active = active;
        if !active {
            (self.cleared, self.since) = (Some(spot.at), self.last);
            return;
        }
        let soon = self.cleared.is_some_and(|at| spot.at.since(at) <= RETURNS);
        let least = |k: usize| match self.mildest[k] {
            // One measurement or none while it was active.
            mildest if mildest.is_infinite() => self.raised[k].max(self.last[k]),
            mildest => mildest,
        };
        // As bad as before all the time: nothing that is measured explains why it was gone.
        let lasted = (0..2).all(|k| self.since[k] >= least(k));
        self.returns.hit_if(soon && lasted, spot);
        (self.raised, self.mildest, self.last) = (now, UNKNOWN, UNKNOWN);
    }
}

/// A silence of 0x35A while 0x351 went on.
#[derive(Debug, Clone, Copy)]
struct Gone {
    /// its last frame before
    from: Spot,
    to: Micros,
    /// frames of 0x351 meanwhile
    others: u64,
}

/// The course of 0x35A.
#[derive(Debug, Clone)]
pub(crate) struct Flicker {
    last: Option<(Alarms, Spot)>,
    frames: u64,
    /// frames of 0x351 from its first to its last frame, and since its last
    others: u64,
    since: u64,
    gone: Option<Gone>,
    now: Measured,
    courses: [Course; PAIRS],
    /// which of them are active, or went so short a time ago that they may come back soon
    watched: u32,
}

impl Default for Flicker {
    fn default() -> Self {
        Self {
            last: None,
            frames: 0,
            others: 0,
            since: 0,
            gone: None,
            now: Measured::default(),
            courses: [Course::default(); PAIRS],
            watched: 0,
        }
    }
}

impl Flicker {
    #[inline]
    pub(super) fn limits(&mut self, spot: Spot) {
        let Some((_, from)) = self.last else { return };
        self.since += 1;
        // So many of the other message usually come for one of this.
        let usual = self.others / self.frames.max(1) + 1;
        if self.since > (GONE_PERIODS * usual).max(ENOUGH_FRAMES)
            && self.frames >= 3
            && self.gone.is_none_or(|gone| self.since > gone.others)
        {
            self.gone = Some(Gone { from, to: spot.at, others: self.since });
        }
    }

    #[inline]
    pub(super) fn alarms(&mut self, spot: Spot, alarms: &Alarms) {
        self.others += core::mem::take(&mut self.since);
        self.frames += 1;
        let before = self.last.replace((*alarms, spot));
        if before.is_none_or(|(before, _)| before != *alarms) {
            for (k, pair) in pairs(alarms).enumerate() {
                let active = pair == Pair::Active;
                if active != self.courses[k].active {
                    let now = self.now.badness(kind(k));
                    self.courses[k].turn(active, spot, now);
                    self.watched |= 1 << k;
                }
            }
        }
    }

    #[inline]
    pub(super) fn measured(&mut self, at: Micros, m: &Measurements) {
        self.now.voltage = m.voltage().map(|v| v.0).filter(|&v| v > 5.0).or(self.now.voltage);
        self.now.current = m.current().map(|i| i.0).or(self.now.current);
        self.now.celsius = m.temperature().map(|t| t.0).or(self.now.celsius);
        if self.watched != 0 {
            self.follow(at, |k| k != AlarmKind::CellImbalance);
        }
    }

    #[inline]
    pub(super) fn cells(&mut self, at: Micros, m: &Cells) {
        if let (Some(low), Some(high)) = (m.min_cell(), m.max_cell()) {
            self.now.cells = Some((low.0, high.0));
        }
        if let (Some(low), Some(high)) = (m.min_temperature(), m.max_temperature()) {
            self.now.temperatures = Some((low.0, high.0));
        }
        if self.watched != 0 {
            self.follow(at, |k| k == AlarmKind::CellImbalance);
        }
    }

    fn follow(&mut self, at: Micros, of: impl Fn(AlarmKind) -> bool) {
        let mut left = self.watched;
        while left != 0 {
            let k = left.trailing_zeros() as usize;
            left &= left - 1;
            let course = &mut self.courses[k];
            if course.is_over(at) {
                self.watched &= !(1 << k);
            } else if of(kind(k)) {
                course.measured(self.now.badness(kind(k)));
            }
        }
    }

    /// What the rig keeps away on purpose is no silence of the battery.
    pub(super) fn tamper(&mut self) {
        self.last = None;
        self.since = 0;
    }

    /// ALM-07.
    pub(crate) fn is_steady(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        if self.frames == 0 {
            opinion.unclear("0x35A was not seen");
            return;
        }
        if let Some(gone) = self.gone {
            let time = if terms.is_timed() {
                format!("for {} from {} on", about(gone.to.since(gone.from.at)), about(gone.from.at))
            } else {
                "from then on".to_owned()
            };
            let back = self.last.is_some_and(|(_, last)| last.at > gone.to);
            opinion.show(
                Evidence::fact("0x351 without 0x35A between them", gone.others.to_string())
                    .against(format!("≤ {}", GONE_PERIODS.max(ENOUGH_FRAMES)))
                    .in_frame(Some(gone.from)),
            );
            opinion.fail(format!(
                "0x35A vanishes {time}{} while {} frames of 0x351 come: the GX goes on showing the last alarms",
                if back { " and comes back" } else { "" },
                gone.others
            ));
        }
        for (k, course) in self.courses.iter().enumerate() {
            if course.returns.count < FLICKERS {
                continue;
            }
            opinion.show(
                course
                    .returns
                    .evidence(&format!("{} comes back within {RETURNS} of going", name(k)))
                    .against(format!("< {FLICKERS} times")),
            );
            let cause = if is_measured(kind(k)) {
                "what it is about was no better while it was gone"
            } else {
                "nothing else that is sent changes with it"
            };
            opinion.fail(format!(
                "{} flickers: it goes and comes back {} times, {}, and {cause}",
                name(k),
                course.returns.count,
                course.returns.place()
            ));
        }
        if self.frames >= ENOUGH_FRAMES {
            opinion.pass("0x35A goes on, and no alarm or warning flickers");
        } else {
            opinion.unclear(format!(
                "{} frames of 0x35A are too few to say: {ENOUGH_FRAMES} decide",
                self.frames
            ));
        }
    }
}

const fn kind(k: usize) -> AlarmKind {
    AlarmKind::ALL[k % AlarmKind::ALL.len()]
}

/// Whether 0x356 or 0x373 tells what it is about.
const fn is_measured(kind: AlarmKind) -> bool {
    use AlarmKind::{BmsInternal, Contactor, General, ShortCircuit};
    !matches!(kind, General | Contactor | ShortCircuit | BmsInternal)
}
