//! Defects of 0x35A: alarms that say another thing, or nothing (P 2 §0x35A).

use proto::message::{AlarmKind, Alarms, Pair};
use proto::quantity::Micros;
use schemars::JsonSchema;
use serde::Deserialize;

/// What is wrong with the alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmMixUp {
    /// high voltage is said to be low, and low to be high
    HighForLow,
    /// an alarm is sent as a warning, and a warning as an alarm
    AlarmForWarning,
    /// a charge current too high is said to be a discharge current, and the other way round
    ChargeForDischarge,
    /// every alarm and warning is OK, whatever happens
    NeverSet,
}

impl AlarmMixUp {
    pub(super) fn apply(self, alarms: Alarms) -> Alarms {
        match self {
            Self::HighForLow => swapped(alarms, AlarmKind::HighVoltage, AlarmKind::LowVoltage),
            Self::ChargeForDischarge => swapped(alarms, AlarmKind::HighChargeCurrent, AlarmKind::HighCurrent),
            Self::AlarmForWarning => each(alarms, |kind| (alarms.warning(kind), alarms.alarm(kind))),
            Self::NeverSet => {
                let ok = |pair: Pair| if pair == Pair::Active { Pair::Ok } else { pair };
                each(alarms, |kind| (ok(alarms.alarm(kind)), ok(alarms.warning(kind))))
            }
        }
    }
}

/// Since when each alarm is raised.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Raised([Option<Micros>; AlarmKind::ALL.len()]);

impl Raised {
    /// Takes back every alarm that has been raised for longer than a span.
    pub(super) fn brief(&mut self, at: Micros, alarms: Alarms, span: Micros) -> Alarms {
        AlarmKind::ALL.into_iter().zip(&mut self.0).fold(alarms, |made, (kind, since)| {
            let active = alarms.alarm(kind) == Pair::Active;
            *since = active.then(|| since.unwrap_or(at));
            let over = since.is_some_and(|since| at.since(since) >= span);
            if over { made.with_alarm(kind, Pair::Ok) } else { made }
        })
    }
}

/// Two kinds in each other's place.
fn swapped(alarms: Alarms, a: AlarmKind, b: AlarmKind) -> Alarms {
    alarms
        .with_alarm(a, alarms.alarm(b))
        .with_alarm(b, alarms.alarm(a))
        .with_warning(a, alarms.warning(b))
        .with_warning(b, alarms.warning(a))
}

/// Every kind made anew, as alarm and as warning.
fn each(alarms: Alarms, new: impl Fn(AlarmKind) -> (Pair, Pair)) -> Alarms {
    AlarmKind::ALL.into_iter().fold(alarms, |made, kind| {
        let (alarm, warning) = new(kind);
        made.with_alarm(kind, alarm).with_warning(kind, warning)
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const HIGH: Alarms = Alarms::ALL_OK.with_alarm(AlarmKind::HighVoltage, Pair::Active);
    const CHARGE: Alarms = Alarms::ALL_OK.with_warning(AlarmKind::HighChargeCurrent, Pair::Active);

    #[rstest]
    #[case(AlarmMixUp::HighForLow, HIGH, Alarms::ALL_OK.with_alarm(AlarmKind::LowVoltage, Pair::Active))]
    #[case(AlarmMixUp::AlarmForWarning, HIGH, Alarms::ALL_OK.with_warning(AlarmKind::HighVoltage, Pair::Active))]
    #[case(AlarmMixUp::ChargeForDischarge, CHARGE, Alarms::ALL_OK.with_warning(AlarmKind::HighCurrent, Pair::Active))]
    #[case(AlarmMixUp::NeverSet, HIGH, Alarms::ALL_OK)]
    fn what_is_mixed_up(#[case] mix_up: AlarmMixUp, #[case] right: Alarms, #[case] wrong: Alarms) {
        assert_eq!(mix_up.apply(right), wrong);
        assert_eq!(mix_up.apply(Alarms::ALL_OK), Alarms::ALL_OK);
    }
}
