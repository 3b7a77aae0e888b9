//! A case for a battery that takes less than the one its powers are written for.

use proto::channel::{Channel, Kind};
use proto::gx::ess::GRID_SETPOINT;
use proto::quantity::{Amps, Watts};
use proto::stimulus::Stimulus;

use super::condition::{Bounds, Test};
use super::step::{Does, Op, Step};
use super::{Case, Condition};
use crate::bench::Capability;

impl Case {
    /// The same for a battery that is to be charged with no more than `takes`. Where that is less than the case is written for,
    /// sun, loads, what is fed in and what is waited for are less in proportion, so that sun, loads, inverter and battery
    /// stand to each other as they do in the suite. `rated` is the current of the inverter on its AC side: the input
    /// current limit makes it as much smaller.
    #[must_use]
    pub fn for_battery(&self, takes: Watts, rated: Amps) -> Self {
        let share = self.powers_for.map_or(1.0, |written| takes / written);
        let mut case = self.clone();
        if share >= 1.0 {
            return case;
        }
        let by = Share(share);
        for power in [&mut case.start.pv, &mut case.start.ac_pv, &mut case.start.ac_load] {
            *power = by.power(*power);
        }
        if case.needs.contains(&Capability::Gx) {
            let limit = case.start.input_current_limit.unwrap_or(rated).min(rated);
            case.start.input_current_limit = Some(by.current(limit));
        }
        case.steps.iter_mut().for_each(|step| by.step(step));
        case
    }
}

/// What is taken of every power, below 1.
#[derive(Clone, Copy)]
struct Share(f64);

impl Share {
    /// In steps of 10 W, as suites are written.
    fn power(self, power: Watts) -> Watts {
        Watts((power.0 * self.0 / 10.0).round() * 10.0)
    }

    /// In steps of 0.1 A, as the GX takes them.
    fn current(self, current: Amps) -> Amps {
        Amps((current.0 * self.0 * 10.0).round() / 10.0)
    }

    /// What is waited for in steps that instruments resolve, 0.1 A or 1 W, and one of them at least.
    fn of_flow(self, channel: Channel, value: f64) -> f64 {
        let step = if channel == Channel::PackCurrent { 10.0 } else { 1.0 };
        (value * self.0 * step).round().max(1.0) / step
    }

    fn step(self, step: &mut Step) {
        match &mut step.does {
            Does::One(op) => self.op(op),
            Does::Several(ops) => ops.iter_mut().for_each(|op| self.op(op)),
            Does::Repeat { steps, .. } => steps.iter_mut().for_each(|step| self.step(step)),
        }
    }

    fn op(self, op: &mut Op) {
        match op {
            Op::Ramp { to, .. } => *to = self.power(*to),
            Op::Apply(Stimulus::Pv(power) | Stimulus::AcPv(power) | Stimulus::AcLoad(power)) => {
                *power = self.power(*power);
            }
            Op::Apply(Stimulus::InputCurrentLimit(limit)) => *limit = self.current(*limit),
            Op::Apply(Stimulus::GxWrite { register, value }) => {
                if let Some(watts) = GRID_SETPOINT.read(*register, &[*value]) {
                    *value = (self.power(Watts(watts)).0 as i16).cast_unsigned();
                }
            }
            Op::Until { condition, .. } => self.condition(condition),
            _ => {}
        }
    }

    /// Less is waited for, in either direction. What must fall to a power or a current falls to the same: it is how standing
    /// still shows.
    fn condition(self, condition: &mut Condition) {
        match &mut condition.0 {
            Test::Within(channel, Bounds { at_least, at_most }) if flows(*channel) => {
                if *at_least > 0.0 && at_least.is_finite() {
                    *at_least = self.of_flow(*channel, *at_least);
                }
                if *at_most < 0.0 && at_most.is_finite() {
                    *at_most = -self.of_flow(*channel, -*at_most);
                }
            }
            Test::Any(all) | Test::All(all) => all.iter_mut().for_each(|one| self.condition(one)),
            _ => {}
        }
    }
}

/// A power, or the current of the battery.
fn flows(channel: Channel) -> bool {
    let power = matches!(channel.row().kind, Kind::Number { dimension, .. } if dimension.unit == Watts::UNIT);
    power || channel == Channel::PackCurrent
}

#[cfg(test)]
mod tests {
    use super::super::Suite;
    use super::*;
    use rstest::rstest;

    const SUITE: &str = "suite: s\ntitle: t\nspec: P 1.5.3.1\nneeds: [pv, gx, grid, ac-load]\npowers-for: 8 kW\ncases:\n  - \
        case: c\n    title: t\n    requirements: [CVL-01]\n    start: { soc: 50 %, grid: on, feed-in: on, pv: 2 kW, ac-load: off }\n    \
        steps:\n      - pv: { power: 4 kW, over: 1 min }\n      - repeat: { times: 2, steps: [ { ac-load: 3 kW }, { hold: 1 min } ] }\n      \
        - gx-write: { register: 2700, value: 2500 }\n      - wait: { until: { any: [ { pv-power: { at-least: 500 W } }, { current: { at-most: -8 A } } ] }, timeout: 5 min }\n      \
        - discharge: { power: 1 kW, until: { pv-power: { at-most: 50 W } }, timeout: 1 h }\n";

    fn told(takes: f64) -> (String, Option<Amps>) {
        let suite = Suite::parse("s.yaml", SUITE).unwrap_or_else(|error| panic!("{error}"));
        let case = suite.cases[0].for_battery(Watts(takes), Amps(16.0));
        let mut steps = vec![format!("pv {}", case.start.pv)];
        super::super::each(&case.steps, &mut |step| steps.push(step.to_string()));
        (steps.join("; "), case.start.input_current_limit)
    }

    #[test]
    fn a_battery_that_takes_as_much_is_tried_as_it_is_written() {
        assert_eq!(told(8000.0), told(1e6));
        assert_eq!(told(8000.0).1, None);
    }

    /// No digits that nobody can see, and never nothing.
    #[rstest]
    #[case(3442.0, "PV power ≥ 215 W or battery current ≤ -3.4 A")]
    #[case(1.0, "PV power ≥ 1 W or battery current ≤ -0.1 A")]
    fn what_is_waited_for_is_in_steps_of_instruments(#[case] takes: f64, #[case] expected: &str) {
        let (steps, _) = told(takes);
        assert!(steps.contains(expected), "{steps}");
    }

    #[rstest]
    #[case(
        2000.0,
        "pv 500 W; pv 1 kW over 1 min; repeat 2 times; ac-load 750 W; hold 1 min; gx-write 2700 = 630; wait until PV power ≥ \
         125 W or battery current ≤ -2 A, within 5 min; ac-load 250 W, then wait until PV power ≤ 50 W, within 1 h, then ac-load off",
        4.0
    )]
    fn one_that_takes_a_quarter_is_tried_with_a_quarter(
        #[case] takes: f64,
        #[case] steps: &str,
        #[case] limit: f64,
    ) {
        assert_eq!(told(takes), (steps.to_owned(), Some(Amps(limit))));
    }
}
