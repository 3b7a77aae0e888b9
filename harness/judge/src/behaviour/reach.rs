//! What a rig could not make true, so that no battery is blamed for it: its inverter has a cut-off of its own, its sun and
//! its loads take their time with a large battery, and a fault that is injected may lie within what the battery bears.

use core::fmt;

use proto::fault::FaultKind;
use proto::quantity::{AmpHours, Amps, Micros, Percent, Volts, Watts};
use proto::stimulus::Stimulus;

use super::scene::Scene;
use crate::site::CutOff;
use crate::thresholds::fixed::{
    ABOVE_DECLARED, ALL_OF_IT, CONNECTED, GOES_ON, LASTED, NOT_EMPTY, NOT_FROM_EMPTY, RECOVERED, SUN,
    SURE_CURRENT, SYSTEM_STOPS, ZERO_LIMIT,
};
use crate::trace::{Channel, EventKind, WaitResult};
use crate::window::{Window, about, extremes, integral, mean, times};

/// What stands in the way, with the rig's number.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Obstacle {
    /// The inverter stands still although the battery allows discharge.
    CutOff {
        /// DC voltage at the inverter
        bus: Volts,
        /// DCL
        dcl: Amps,
        /// what the rig file says of it
        stated: Option<CutOff>,
    },
    /// The grid was switched on, and the inverter has not connected to it.
    Reconnect {
        /// for how long it was on
        on: Micros,
        /// what the rig file says that it takes
        stated: Option<Micros>,
    },
    /// All of the sun went into a battery that still is nearly empty.
    LittleSun {
        /// what it gave
        sun: Watts,
        /// the time it was given
        time: Micros,
        /// what that is of the battery
        charged: Percent,
        /// what is declared
        capacity: AmpHours,
    },
    /// The loads went on drawing from a battery that is not empty yet.
    LittleLoad {
        /// what they drew
        current: Amps,
        /// the time they were given
        time: Micros,
        /// what is left in the battery, by its own count
        left: Percent,
        /// what is declared
        capacity: AmpHours,
    },
    /// The current that a fault made the battery see is one that it may carry.
    MildCurrent {
        /// what it saw
        seen: Amps,
        /// what it declares
        declared: Amps,
    },
    /// The cell voltage that a fault made the battery see is one that it may have.
    MildCell {
        /// what it saw
        seen: Volts,
        /// where it says that it disconnects
        declared: Volts,
    },
}

/// How a condition says that it asks for the grid.
const GRID_ON: &str = "grid on";

impl Scene<'_> {
    /// What kept a condition from coming true that ended unmet at a moment, where that was up to the rig.
    pub(super) fn obstacle(&self, at: Micros, wait: &WaitResult) -> Option<Obstacle> {
        let waited = Window::new(wait.began, at);
        match self.injected(waited) {
            Some(kind) => self.too_mild(kind, waited),
            None => self
                .inverter_kept_off(waited)
                .or_else(|| self.not_reconnected(wait, waited))
                .or_else(|| self.little_sun(waited))
                .or_else(|| self.little_load(waited)),
        }
    }

    /// The same in words, with a word in front.
    pub(super) fn obstructed(&self, at: Micros, wait: &WaitResult) -> String {
        self.obstacle(at, wait).map_or_else(String::new, |obstacle| format!(": {obstacle}"))
    }

    /// A fault that was injected while, or just before, the condition was waited for.
    fn injected(&self, waited: Window) -> Option<FaultKind> {
        let soon = Window::new(Micros(waited.from.0.saturating_sub(LASTED.0)), waited.to);
        self.trace.events.iter().rev().find_map(|event| match &event.kind {
            EventKind::Stimulus(Stimulus::Inject(fault)) if soon.contains(event.at) => Some(fault.kind),
            _ => None,
        })
    }

    fn too_mild(&self, kind: FaultKind, waited: Window) -> Option<Obstacle> {
        let battery = self.subject.battery;
        let soon = Window::new(Micros(waited.from.0.saturating_sub(LASTED.0)), waited.to);
        let range = |channel| extremes(self.series(channel), &[soon]);
        match kind {
            FaultKind::Current { by } => {
                let (low, high) = range(Channel::PackCurrent)?;
                let (seen, declared) = if by > Amps::ZERO {
                    (Amps(high), battery.max_charge_current)
                } else {
                    (Amps(-low), battery.max_discharge_current)
                };
                (seen < declared * ABOVE_DECLARED).then_some(Obstacle::MildCurrent { seen, declared })
            }
            FaultKind::CellVoltage { by } if by > Volts::ZERO => {
                let (seen, declared) = (Volts(range(Channel::MaxCell)?.1), battery.cell_over_voltage);
                (seen < declared).then_some(Obstacle::MildCell { seen, declared })
            }
            FaultKind::CellVoltage { .. } => {
                let (seen, declared) = (Volts(range(Channel::MinCell)?.0), battery.cell_under_voltage);
                (seen > declared).then_some(Obstacle::MildCell { seen, declared })
            }
            _ => None,
        }
    }

    /// The inverter stands still in an island, although the battery is connected, alive, allows discharge and takes what
    /// sun there is.
    fn inverter_kept_off(&self, waited: Window) -> Option<Obstacle> {
        let end = waited.last(LASTED);
        let now = |channel| mean(self.series(channel), &[end]);
        let never = |channel, wrong: fn(f64) -> bool| {
            times([self.series(channel)], end, |[value]| wrong(value)).is_empty()
        };
        let still = waited.length() >= LASTED
            && never(Channel::InverterRunning, |runs| runs > 0.5)
            && never(Channel::GridConnected, |on| on > 0.5);
        let willing = never(Channel::Online, |online| online < 0.5)
            && never(Channel::GxBattery, |there| there < 0.5)
            && never(Channel::Dcl, |dcl| dcl < ZERO_LIMIT);
        let heard =
            |channel| self.series(channel).last_seen().is_some_and(|last| last + SYSTEM_STOPS >= end.to);
        let (bus, pack, dcl) = (now(Channel::BusVoltage)?, now(Channel::PackVoltage)?, now(Channel::Dcl)?);
        let charged = now(Channel::PvAvailable).unwrap_or(0.0) < SUN
            || now(Channel::PackCurrent).is_some_and(|amps| amps > SURE_CURRENT);
        let connected = (bus - pack).abs() < self.subject.battery.of_system(CONNECTED).0;
        (still && willing && heard(Channel::Dcl) && charged && connected).then_some(Obstacle::CutOff {
            bus: Volts(bus),
            dcl: Amps(dcl),
            stated: self.subject.site.cut_off,
        })
    }

    /// A condition asks for the grid, which is on, and the inverter has not connected to it although it runs from a battery
    /// that does its part: grid codes make it wait.
    fn not_reconnected(&self, wait: &WaitResult, waited: Window) -> Option<Obstacle> {
        let asked = wait.until.contains(GRID_ON);
        let switched = self.trace.events.iter().rev().find_map(|event| match &event.kind {
            EventKind::Stimulus(Stimulus::Grid(on)) if event.at <= waited.to => Some((*on, event.at)),
            _ => None,
        });
        let (is_on, since) = switched?;
        let never = |channel, wrong: fn(f64) -> bool, window| {
            times([self.series(channel)], window, |[value]| wrong(value)).is_empty()
        };
        let end = waited.last(LASTED);
        let apart = never(Channel::GridConnected, |on| on > 0.5, Window::new(since, waited.to));
        let willing = never(Channel::Online, |online| online < 0.5, end)
            && never(Channel::GxBattery, |there| there < 0.5, end)
            && never(Channel::InverterRunning, |runs| runs < 0.5, end);
        (asked && is_on && apart && willing).then_some(Obstacle::Reconnect {
            on: waited.to.since(since),
            stated: self.subject.site.reconnect,
        })
    }

    /// Battery and loads took all of the sun until the end, and what is left of it is little of what the battery holds.
    fn little_sun(&self, waited: Window) -> Option<Obstacle> {
        let capacity = self.subject.battery.capacity;
        let end = [waited.last(GOES_ON)];
        let (flowed, _) = integral(self.series(Channel::PackCurrent), &[waited], |amps| amps)?;
        let charged = Percent(100.0 * flowed / 3600.0 / capacity.0);
        let soc = self.series(Channel::Soc).at(Micros(waited.to.0.saturating_sub(1)))?;
        let (sun, taken) =
            (mean(self.series(Channel::PvAvailable), &end)?, mean(self.series(Channel::PvPower), &end)?);
        let charges = mean(self.series(Channel::PackCurrent), &end)? > SURE_CURRENT;
        let goes_on = charges || mean(self.series(Channel::InverterRunning), &end)? > 0.5;
        let all = sun >= SUN && taken >= ALL_OF_IT * sun;
        (waited.length() >= GOES_ON && soc < NOT_FROM_EMPTY.0 && charged < RECOVERED && goes_on && all)
            .then_some(Obstacle::LittleSun { sun: Watts(sun), time: waited.length(), charged, capacity })
    }

    /// The loads drew until the end from a battery that allowed it, and it is not empty.
    fn little_load(&self, waited: Window) -> Option<Obstacle> {
        let end = [waited.last(GOES_ON)];
        let left = Percent(self.series(Channel::Soc).at(Micros(waited.to.0.saturating_sub(1)))?);
        let begun = Percent(self.series(Channel::Soc).at(waited.from)?);
        let current = Amps(-mean(self.series(Channel::PackCurrent), &end)?);
        let runs = times([self.series(Channel::InverterRunning)], end[0], |[on]| on < 0.5).is_empty();
        let allows = times([self.series(Channel::Dcl)], end[0], |[dcl]| dcl < ZERO_LIMIT).is_empty();
        // A count that stands still while a current flows says nothing of what is left.
        let counts = begun - left > Percent(0.5);
        let drawn = waited.length() >= GOES_ON && current > Amps(SURE_CURRENT) && runs && allows && counts;
        (drawn && left > NOT_EMPTY).then_some(Obstacle::LittleLoad {
            current,
            time: waited.length(),
            left,
            capacity: self.subject.battery.capacity,
        })
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff { bus, dcl, stated } => {
                write!(f, "the inverter stands still at {bus:.1} although the battery allows {dcl:.0}")?;
                match stated {
                    Some(CutOff { off, on }) => {
                        write!(f, "; the rig's inverter switches off below {off:.1} and on from {on:.1}")
                    }
                    None => f.write_str("; that is a cut-off of the rig's inverter"),
                }
            }
            Self::Reconnect { on, stated } => {
                write!(f, "the grid was on for {}, and the inverter has not connected to it", about(*on))?;
                stated.map_or(Ok(()), |time| write!(f, "; the rig's inverter takes {time} (`reconnect`)"))
            }
            Self::LittleSun { sun, time, charged, capacity } => write!(
                f,
                "the rig's sun of {sun:.0} was taken to the end, and with its loads {charged:.1} of the declared {capacity} came of it in {}",
                about(*time)
            ),
            Self::LittleLoad { current, time, left, capacity } => write!(
                f,
                "the rig's loads drew {current:.0} for {}, and {left:.0} of the declared {capacity} are left",
                about(*time)
            ),
            Self::MildCurrent { seen, declared } => write!(
                f,
                "the fault made the battery see {seen:.0} at most, which is not clearly beyond the {declared:.0} that it declares"
            ),
            Self::MildCell { seen, declared } => write!(
                f,
                "the fault made the battery see a cell at {seen:.3}, which does not reach the {declared:.3} at which it disconnects"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::staged::{Stage, good};
    use super::*;
    use crate::verdict::Outcome::{self, Fail, Inconclusive};
    use proto::fault::Fault;
    use rstest::rstest;

    /// From 6000 s on something is waited for in vain, until 9000 s.
    fn in_vain(mut stage: Stage, from: u64) -> Stage {
        stage.uncompleted();
        let wait = WaitResult {
            line: 20,
            until: "what is expected, and grid on".to_owned(),
            began: Micros::from_secs(from),
            met: false,
            seen: "nothing of it".to_owned(),
            allowed: Micros::from_secs(9000 - from),
            requirement: Some("BEH-BO"),
        };
        let mut stage = stage.cut(9000);
        stage.uncompleted();
        stage.note(9000, EventKind::Wait(wait));
        stage.note(9000, EventKind::Aborted("not met".to_owned()));
        stage
    }

    /// So much sun is asked for, and shines.
    fn sun(mut stage: Stage, power: f64) -> Stage {
        stage.forget(|kind| matches!(kind, EventKind::Stimulus(Stimulus::Pv(_))));
        let mut stage = stage.shaped(Channel::PvAvailable, move |_, _| power);
        stage.note(0, EventKind::Stimulus(Stimulus::Pv(Watts(power))));
        stage
    }

    /// The grid is switched once, and never again.
    fn grid(mut stage: Stage, on: bool, at: u64) -> Stage {
        stage.forget(|kind| matches!(kind, EventKind::Stimulus(Stimulus::Grid(_))));
        stage.note(at, EventKind::Stimulus(Stimulus::Grid(on)));
        stage
    }

    /// An island whose inverter stands still at 43.8 V, with a battery that allows 200 A.
    fn cut_off() -> Stage {
        let still = |stage: Stage, channel, value: f64| stage.shaped(channel, move |_, _| value);
        [
            (Channel::InverterRunning, 0.0),
            (Channel::GridConnected, 0.0),
            (Channel::PvPower, 0.0),
            (Channel::PackCurrent, 0.0),
            (Channel::PackVoltage, 43.9),
            (Channel::BusVoltage, 43.8),
        ]
        .into_iter()
        .fold(grid(sun(good(), 0.0), false, 0), |stage, (channel, value)| still(stage, channel, value))
    }

    /// 30 A from 2 kW of sun into a battery at 2 % charge; from `since` on.
    fn filling(amps: f64) -> Stage {
        sun(cut_off(), 2000.0)
            .shaped(Channel::PvPower, |_, _| 1980.0)
            .shaped(Channel::PackCurrent, move |_, _| amps)
            .shaped(Channel::Dcl, |_, _| 0.0)
            .shaped(Channel::Soc, |_, _| 2.0)
    }

    /// A load draws 40 A from a battery that falls to 60 %.
    fn emptying() -> Stage {
        cut_off()
            .shaped(Channel::InverterRunning, |_, _| 1.0)
            .shaped(Channel::PackCurrent, |_, _| -40.0)
            .shaped(Channel::Soc, |t, _| 73.0 - 13.0 * t as f64 / 9000.0)
    }

    /// The grid is back since 5900 s, and the inverter still runs as an island.
    fn apart() -> Stage {
        grid(emptying().shaped(Channel::Soc, |_, _| 80.0), true, 5900)
    }

    fn faked(kind: FaultKind, channel: Channel, value: f64) -> Stage {
        let mut stage = good().shaped(channel, move |t, v| if (6000..6020).contains(&t) { value } else { v });
        let fault = Fault { kind, span: Micros::from_secs(20) };
        stage.note(6000, EventKind::Stimulus(Stimulus::Inject(fault)));
        stage
    }
    fn current(seen: f64) -> Stage {
        faked(FaultKind::Current { by: Amps(400.0) }, Channel::PackCurrent, seen)
    }
    fn cell(seen: f64) -> Stage {
        faked(FaultKind::CellVoltage { by: Volts(0.5) }, Channel::MaxCell, seen)
    }

    #[rstest]
    #[case::cut_off(
        cut_off(),
        6000,
        Inconclusive,
        "stands still at 43.8 V although the battery allows 200 A"
    )]
    #[case::it_runs(cut_off().shaped(Channel::InverterRunning, |_, _| 1.0), 6000, Fail, "did not come true")]
    #[case::forbidden(cut_off().shaped(Channel::Dcl, |_, _| 0.0), 6000, Fail, "did not come true")]
    #[case::offline(cut_off().shaped(Channel::Online, |_, _| 0.0), 6000, Fail, "did not come true")]
    #[case::open(cut_off().shaped(Channel::BusVoltage, |_, _| 3.0), 6000, Fail, "did not come true")]
    #[case::lost(cut_off().shaped(Channel::GxBattery, |_, _| 0.0), 6000, Fail, "did not come true")]
    #[case::mute(cut_off().silent_after(Channel::Dcl, 8900), 6000, Fail, "did not come true")]
    #[case::takes_no_sun(sun(cut_off(), 2000.0), 6000, Fail, "did not come true")]
    #[case::too_soon(cut_off(), 8970, Fail, "did not come true")]
    #[case::fills_slowly(
        filling(30.0),
        6000,
        Inconclusive,
        "the rig's sun of 2000 W was taken to the end, and with its loads 8.9 % of the declared 280 Ah"
    )]
    #[case::goes_to_the_loads(filling(-1.0).shaped(Channel::InverterRunning, |_, _| 1.0).shaped(Channel::Dcl, |_, _| 200.0), 6000, Inconclusive, "with its loads -0.3 % of")]
    #[case::had_enough(filling(40.0), 6000, Fail, "did not come true")]
    #[case::refuses(filling(0.0), 6000, Fail, "did not come true")]
    #[case::held_back(filling(30.0).shaped(Channel::PvPower, |_, _| 900.0), 6000, Fail, "did not come true")]
    #[case::not_low(filling(30.0).shaped(Channel::Soc, |_, _| 80.0), 6000, Fail, "did not come true")]
    #[case::empties_slowly(emptying(), 6000, Inconclusive, "the rig's loads drew 40 A")]
    #[case::is_empty(emptying().shaped(Channel::Soc, |t, _| 4.0 - t as f64 / 9000.0), 6000, Fail, "did not come true")]
    #[case::counts_nothing(emptying().shaped(Channel::Soc, |_, _| 60.0), 6000, Fail, "did not come true")]
    #[case::not_reconnected(
        apart(),
        6000,
        Inconclusive,
        "the grid was on for 0:51:40, and the inverter has not"
    )]
    #[case::connected(apart().shaped(Channel::GridConnected, |_, _| 1.0), 6000, Fail, "did not come true")]
    #[case::apart_but_offline(apart().shaped(Channel::Online, |_, _| 0.0), 6000, Fail, "did not come true")]
    #[case::mild_current(current(150.0), 6000, Inconclusive, "150 A at most")]
    #[case::strong_current(current(400.0), 6000, Fail, "did not come true")]
    #[case::mild_cell(cell(3.6), 6000, Inconclusive, "a cell at 3.600 V")]
    #[case::high_cell(cell(3.9), 6000, Fail, "did not come true")]
    fn whose_doing_it_was(
        #[case] stage: Stage,
        #[case] from: u64,
        #[case] expected: Outcome,
        #[case] says: &str,
    ) {
        let verdict = in_vain(stage, from).verdict("BEH-BO");
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
        assert!(verdict.reason.contains(says), "{}", verdict.reason);
    }
}
