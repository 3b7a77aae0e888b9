//! CVL-04 as far as a log alone tells: a CVL that goes to and fro, and the current that goes with it (P 1.5.3). A log does
//! not show what sun and loads did meanwhile, so it raises a suspicion and never convicts.

use proto::message::{Limits, Measurements};
use proto::quantity::Micros;

use super::Terms;
use super::seen::Spot;
use crate::thresholds::Thresholds;
use crate::thresholds::fixed::{
    ALIKE, CVL_STEP, CYCLES, FEW_CYCLES, FROM_CVL, HOLDS, INVERTER_CURRENT, LONGEST_SWING, SLOW_CYCLE,
    STEADY_CYCLES,
};
use crate::verdict::{Evidence, Opinion};
use crate::window::about;

/// A mean current over some time.
#[derive(Debug, Clone, Copy, Default)]
struct Flow {
    charge: f64,
    secs: f64,
}

impl Flow {
    #[inline]
    fn add(&mut self, other: Self) {
        self.charge += other.charge;
        self.secs += other.secs;
    }

    fn less(self, other: Self) -> Option<f64> {
        (self.secs > 0.0 && other.secs > 0.0).then(|| self.charge / self.secs - other.charge / other.secs)
    }
}

/// Numbers of which the mean is wanted, and how sure it is.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Mean {
    fn take(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.count += 1.0;
            self.sum += value;
            self.squares += value * value;
        }
    }

    /// How far the mean surely lies from zero: its size less twice its error.
    fn sure(self) -> f64 {
        if self.count < FEW_CYCLES as f64 {
            return 0.0;
        }
        let mean = self.sum / self.count;
        let variance = (self.squares / self.count - mean * mean).max(0.0);
        (mean.abs() - 2.0 * (variance / self.count).sqrt()).max(0.0)
    }
}

/// Cycles of one length in a row.
#[derive(Debug, Clone, Copy)]
struct Train {
    from: Spot,
    to: Micros,
    cycles: u64,
    /// raw CVL
    low: u16,
    high: u16,
    /// the shortest and the longest cycle
    lengths: (Micros, Micros),
    /// cycles in which CVL came down to where it limits the battery
    near: u64,
    /// the current while CVL rose less that while it fell, and above less below the middle: a battery that answers fast
    /// follows where CVL stands, a slow one how fast it goes
    by_way: Mean,
    by_height: Mean,
    voltage: f64,
}

impl Train {
    fn mean(&self) -> Micros {
        Micros(self.to.since(self.from.at).0 / self.cycles.max(1))
    }

    /// Whether so many cycles of one length are no chance.
    fn is_regular(&self) -> bool {
        let steady = self.lengths.1.secs() <= STEADY_CYCLES * self.lengths.0.secs();
        self.cycles >= CYCLES || self.cycles >= FEW_CYCLES && steady && self.lengths.0 >= SLOW_CYCLE
    }

    /// Current that goes to and fro with CVL, A.
    fn moved(&self) -> f64 {
        self.by_way.sure().max(self.by_height.sure())
    }

    /// Whether CVL turns as often and as far as in a run that fails, where it limits the battery.
    fn swings(&self) -> bool {
        let limits = Thresholds::DEFAULT;
        let high = f64::from(self.high - self.low) * CVL_STEP > limits.dead_band.limit.0;
        let often = 2.0 * 3600.0 / self.mean().secs() > limits.reversals.limit.0;
        high && often && self.cycles >= CYCLES && 2 * self.near > self.cycles
    }
}

/// What is known of the battery while CVL is followed.
#[derive(Debug, Clone, Copy, Default)]
struct Now {
    voltage: f64,
    current: f64,
    /// when the current was told
    at: Micros,
}

/// Follows CVL from turn to turn, of movements of so many steps at least.
#[derive(Debug, Clone)]
struct Follower {
    steps: u16,
    /// the highest or lowest since the last turn, and where that turn was
    extreme: u16,
    turned: u16,
    rising: bool,
    /// the current from the last turn to the extreme, and since
    half: Flow,
    since: Flow,
    /// in the half before
    before: Flow,
    /// below and above the middle of the cycle before, twice its raw CVL
    middle: u32,
    heights: [Flow; 2],
    /// the lowest CVL over the voltage in this cycle
    nearest: f64,
    rose: Option<Spot>,
    train: Option<Train>,
    worst: Option<Train>,
}

impl Follower {
    fn new(steps: u16) -> Self {
        Self {
            steps,
            extreme: 0,
            turned: 0,
            rising: true,
            half: Flow::default(),
            since: Flow::default(),
            before: Flow::default(),
            middle: 0,
            heights: [Flow::default(); 2],
            nearest: f64::MAX,
            rose: None,
            train: None,
            worst: None,
        }
    }

    #[inline]
    fn flow(&mut self, cvl: u16, flow: Flow) {
        self.since.add(flow);
        self.heights[usize::from(2 * u32::from(cvl) > self.middle)].add(flow);
    }

    /// CVL moved.
    fn take(&mut self, raw: u16, spot: Spot, now: &Now) {
        if now.voltage > 0.0 {
            self.nearest = self.nearest.min(f64::from(raw) * CVL_STEP / now.voltage);
        }
        let further = if self.rising { raw > self.extreme } else { raw < self.extreme };
        if further {
            self.extreme = raw;
            self.half.add(core::mem::take(&mut self.since));
        } else if raw.abs_diff(self.extreme) >= self.steps {
            self.rising = !self.rising;
            let done = core::mem::replace(&mut self.half, core::mem::take(&mut self.since));
            let before = core::mem::replace(&mut self.before, done);
            let turned = core::mem::replace(&mut self.turned, self.extreme);
            self.extreme = raw;
            if self.rising {
                self.cycle(spot, (self.turned, turned), before.less(done), now);
            }
        }
    }

    /// It rises again: a cycle between these is over.
    fn cycle(&mut self, spot: Spot, (low, high): (u16, u16), by_way: Option<f64>, now: &Now) {
        let [below, above] = core::mem::take(&mut self.heights);
        let near = core::mem::replace(&mut self.nearest, f64::MAX) < FROM_CVL;
        self.middle = u32::from(low) + u32::from(high);
        let Some(before) = self.rose.replace(spot) else { return };
        let length = spot.at.since(before.at);
        if length > LONGEST_SWING || high <= low {
            self.train = None;
            return;
        }
        let alike = |train: &Train| {
            let (mean, length) = (train.mean().secs(), length.secs());
            length < mean * ALIKE && mean < length * ALIKE
        };
        let mut train = self.train.filter(alike).unwrap_or(Train {
            from: before,
            to: before.at,
            cycles: 0,
            low,
            high,
            lengths: (length, length),
            near: 0,
            by_way: Mean::default(),
            by_height: Mean::default(),
            voltage: now.voltage,
        });
        train.to = spot.at;
        train.cycles += 1;
        (train.low, train.high) = (train.low.min(low), train.high.max(high));
        train.lengths = (train.lengths.0.min(length), train.lengths.1.max(length));
        train.near += u64::from(near);
        train.by_way.take(by_way);
        train.by_height.take(above.less(below));
        self.train = Some(train);
        let key = |train: &Train| (train.is_regular(), train.moved(), train.cycles);
        if self.worst.is_none_or(|worst| key(&worst) <= key(&train)) {
            self.worst = Some(train);
        }
    }

    /// A hole in the log: nobody knows what CVL did.
    fn part(&mut self) {
        let worst = self.worst.take();
        *self = Self { worst, extreme: self.extreme, turned: self.extreme, ..Self::new(self.steps) };
    }
}

/// How CVL goes to and fro: by single steps of the wire, and by more than what an integrator dithers.
#[derive(Debug, Clone)]
pub(crate) struct Oscillation {
    cvl: Option<(u16, Micros)>,
    now: Now,
    /// the largest CCL or DCL
    largest: u16,
    followers: [Follower; 2],
}

impl Default for Oscillation {
    fn default() -> Self {
        Self { cvl: None, now: Now::default(), largest: 0, followers: [1, 2].map(Follower::new) }
    }
}

impl Oscillation {
    #[inline]
    pub(super) fn limits(&mut self, spot: Spot, m: &Limits) {
        let Some(raw) = m.cvl.filter(|&cvl| cvl != 0) else { return };
        for limit in [m.ccl, m.dcl].into_iter().flatten().filter(|&limit| limit < 0x8000) {
            self.largest = self.largest.max(limit);
        }
        let Some((before, heard)) = self.cvl.replace((raw, spot.at)) else {
            self.followers.iter_mut().for_each(|f| (f.extreme, f.turned) = (raw, raw));
            return;
        };
        if spot.at.since(heard) > HOLDS {
            self.followers.iter_mut().for_each(Follower::part);
        }
        if raw != before {
            let now = self.now;
            self.followers.iter_mut().for_each(|f| f.take(raw, spot, &now));
        }
    }

    #[inline]
    pub(super) fn measured(&mut self, spot: Spot, m: &Measurements) {
        let (Some(voltage), Some(current), Some((cvl, _))) = (m.voltage(), m.current(), self.cvl) else {
            return;
        };
        let secs = spot.at.since(self.now.at).secs();
        if secs <= HOLDS.secs() {
            let flow = Flow { charge: self.now.current * secs, secs };
            self.followers.iter_mut().for_each(|f| f.flow(cvl, flow));
        }
        self.now = Now { voltage: voltage.0, current: current.0, at: spot.at };
    }

    /// CVL-04: a suspicion at most.
    pub(crate) fn may_oscillate(&self, terms: &Terms<'_>, opinion: &mut Opinion) {
        let test = "a behaviour run decides (`busbar run feed-in`)";
        if let Some(why) = &terms.untimed {
            opinion.absent(format!("a log alone never decides it, and {why}; {test}"));
            return;
        }
        let limit = terms.thresholds.cycle_power.limit.0 / 100.0
            * INVERTER_CURRENT.min(f64::from(self.largest.max(1)) * 0.1);
        let seen = self.followers.iter().filter_map(|f| f.worst).filter(Train::is_regular);
        let worst = seen.max_by(|a, b| {
            let key = |t: &Train| (t.swings(), t.moved());
            key(a).partial_cmp(&key(b)).unwrap_or(core::cmp::Ordering::Equal)
        });
        let Some(train) = worst else {
            opinion.absent(format!(
                "a log alone never decides it; CVL does not go to and fro regularly here, {test}"
            ));
            return;
        };
        let (low, high) = (f64::from(train.low) * CVL_STEP, f64::from(train.high) * CVL_STEP);
        let (moved, period) = (train.moved(), about(train.mean()));
        let what = format!(
            "CVL goes to and fro between {low:.1} and {high:.1} V, {} times in {} (every {period}) from {} on",
            train.cycles,
            about(train.to.since(train.from.at)),
            about(train.from.at)
        );
        opinion.show(
            Evidence::fact("current that goes to and fro with CVL", format!("{moved:.1} A"))
                .against(format!("< {limit:.1} A"))
                .in_frame(Some(train.from)),
        );
        let power = moved * train.voltage;
        if moved >= limit {
            opinion.unclear(format!(
                "suspicion: {what}, and {moved:.1} A ({power:.0} W) go to and fro in the battery with it; {test}"
            ));
        } else if train.swings() {
            opinion.unclear(format!(
                "suspicion: {what}, where it limits the battery; it moved no more than {moved:.1} A here; {test}"
            ));
        } else {
            opinion.absent(format!(
                "a log alone never decides it; {what}, which moves no more than {moved:.1} A and is harmless here; {test}"
            ));
        }
    }
}
