//! Whether the battery ever was full, and whether its own CVL kept it from that.

use core::fmt;

use proto::chemistry::Chemistry;
use proto::quantity::{Micros, Volts};

use super::scene::Scene;
use crate::metrics::covered;
use crate::thresholds::fixed::{CVL_STEP, EXCESS, FULL_CHARGE, SHORT_OF_CHARGE, SHORT_OF_MAXIMUM};
use crate::trace::Channel;
use crate::window::{Window, about, common, extremes, hours, mean, times};

/// A battery that takes no charge because its CVL stands at its voltage, although it is not full and raises no
/// warning: with sun to spare nothing else holds it back.
#[derive(Debug)]
pub(super) struct HeldDown {
    /// when
    pub(super) windows: Vec<Window>,
    /// mean CVL then
    cvl: Volts,
    /// how far from full it stayed
    short: String,
}

impl HeldDown {
    /// From the first to the last moment of it.
    pub(super) fn span(&self) -> Option<Window> {
        Some(Window::new(self.windows.first()?.from, self.windows.last()?.to))
    }
}

impl fmt::Display for HeldDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = about(Micros((hours(&self.windows) * 3.6e9) as u64));
        write!(
            f,
            "a CVL of {:.1} V stands at the battery voltage for {time} with sun to spare and no warning: {}",
            self.cvl.0, self.short
        )
    }
}

impl Scene<'_> {
    /// How far from full the battery stayed in the whole case, by its own account and by its highest cell; nothing
    /// when it was full. A suite marks `full` when CVL is lowered, which a battery may do long before.
    pub(super) fn never_full(&self) -> Option<String> {
        self.short_of_full(self.whole)
    }

    /// The same within a window.
    pub(super) fn short_of_full(&self, window: Window) -> Option<String> {
        let battery = self.subject.battery;
        let highest =
            |channel, windows: &[Window]| extremes(self.series(channel), windows).map(|(_, high)| high);
        let soc = highest(Channel::Soc, &[window]);
        if soc.is_some_and(|soc| soc >= FULL_CHARGE.0) {
            return None;
        }
        // One that stands above its CVL was not charged to there by it: a case may begin so.
        let lift = battery.of_system(EXCESS).0;
        let pair = [self.series(Channel::Cvl), self.series(Channel::PackVoltage)];
        let charged = times(pair, window, |[cvl, pack]| pack <= cvl + lift);
        // Without 0x373 the mean of the cells has to do.
        let cells = f64::from(battery.cells.max(1));
        let cell = highest(Channel::MaxCell, &charged)
            .or_else(|| highest(Channel::PackVoltage, &charged).map(|v| v / cells));
        let enough = charged_full(battery.max_charge_voltage / cells, Volts(CVL_STEP / cells));
        if cell.is_some_and(|cell| cell >= enough.0) {
            return None;
        }
        let told = |value: Option<f64>, decimals, unit| match value {
            Some(value) => format!("{value:.decimals$} {unit}"),
            None => "unknown".to_owned(),
        };
        Some(format!(
            "its state of charge reached {}, its highest cell {}; {FULL_CHARGE:.0} or {enough:.2} make it full",
            told(soc, 0, "%"),
            told(cell, 3, "V")
        ))
    }

    /// Whether CVL kept the battery from ever getting full, for as long as a verdict needs to see it.
    pub(super) fn held_down(&self) -> Option<HeldDown> {
        let short = self.never_full()?;
        let thresholds = &self.subject.thresholds;
        let charging = self.subject.battery.capacity.0 * thresholds.usable_ccl.limit.0 / 100.0;
        let limiting = self.limiting().0;
        let channels = [Channel::Cvl, Channel::PackVoltage, Channel::PackCurrent];
        let limited = times(channels.map(|c| self.series(c)), self.whole, |[cvl, pack, current]| {
            cvl - pack <= limiting && current < charging
        });
        let with_sun = common(&limited, &covered(self.trace, self.whole));
        // A battery that warns has a cause: too cold to be charged, for one.
        let calm = |channel| times([self.series(channel)], self.whole, |[flags]| flags < 0.5);
        let windows = common(&common(&with_sun, &calm(Channel::Alarms)), &calm(Channel::Warnings));
        let long_enough = Micros((hours(&windows) * 3.6e9) as u64) >= thresholds.observation.limit;
        let cvl = Volts(mean(self.series(Channel::Cvl), &windows)?);
        long_enough.then_some(HeldDown { windows, cvl, short })
    }
}

/// The voltage that says of a cell that it was full, where the declared maximum is `most` for each and a step of CVL on the
/// wire moves each by `step`: few cells cannot be brought nearer to what is wanted than that.
fn charged_full(most: Volts, step: Volts) -> Volts {
    let by_charge = Chemistry::charged_to(most).and_then(|kind| kind.lacking(SHORT_OF_CHARGE, most));
    (by_charge.unwrap_or_default() - step).max(most - SHORT_OF_MAXIMUM)
}

#[cfg(test)]
mod tests {
    use super::super::Subject;
    use super::super::staged::{Stage, declared, good};
    use super::*;
    use crate::site::Site;
    use crate::thresholds::Thresholds;
    use crate::trace::EventKind;
    use crate::verdict::Outcome::{self, Fail, Inconclusive};
    use proto::quantity::Watts;
    use rstest::rstest;

    /// CVL never exceeds 53.0 V: nothing marks the battery as full, and it stands at 88 %.
    fn derated() -> Stage {
        let mut stage = good()
            .shaped(Channel::Cvl, |_, _| 53.0)
            .shaped(Channel::PackVoltage, |_, v| v.min(53.0))
            .shaped(Channel::MaxCell, |_, _| 3.32)
            .shaped(Channel::Soc, |_, _| 88.0)
            .shaped(Channel::PackCurrent, |_, i| i.clamp(-66.0, 0.2));
        stage.forget(|kind| matches!(kind, EventKind::Mark(_)));
        stage
    }

    #[rstest]
    #[case::held_down(derated(), Fail)]
    #[case::it_charges(derated().shaped(Channel::PackCurrent, |_, _| 30.0), Inconclusive)]
    #[case::no_sun(derated().shaped(Channel::PvAvailable, |_, _| 0.0), Inconclusive)]
    #[case::it_warns(derated().shaped(Channel::Warnings, |_, _| 64.0), Inconclusive)]
    #[case::cvl_is_above_it(derated().shaped(Channel::Cvl, |_, _| 55.0), Inconclusive)]
    #[case::too_short(derated().cut(1500), Inconclusive)]
    #[case::a_high_cell(derated().shaped(Channel::MaxCell, |_, _| 3.45), Inconclusive)]
    #[case::placed_above_it(placed_above(), Fail)]
    fn a_battery_that_never_gets_full(#[case] stage: Stage, #[case] expected: Outcome) {
        let verdict = stage.verdict("CVL-10");
        assert_eq!(verdict.outcome, expected, "{} {:#?}", verdict.reason, verdict.evidence);
    }

    /// The case begins with a battery that is fuller than CVL lets it be.
    fn placed_above() -> Stage {
        let begins = |from: f64| move |t: u64, v: f64| if t < 600 { from } else { v };
        derated().shaped(Channel::MaxCell, begins(3.42)).shaped(Channel::PackVoltage, begins(54.6))
    }

    /// State of charge says 100 % from the mark on; 55 A flow until later, and CVL is lowered only then.
    fn marked_early(until: u64) -> Stage {
        good()
            .shaped(Channel::Cvl, move |t, v| if t < until { 56.8 } else { v })
            .shaped(Channel::PackVoltage, move |t, v| if t < until { v.min(54.9) } else { v })
            .shaped(Channel::PackCurrent, move |t, i| if t < until { 55.0 } else { i })
            .shaped(Channel::GridPower, move |t, p| if t < until { 0.0 } else { p })
    }

    /// A count that reads 5 % high makes no battery full: the windows begin where charge has ended.
    #[rstest]
    #[case::lowered(marked_early(4200))]
    #[case::ended(marked_early(4200).shaped(Channel::Cvl, |_, _| 55.2))]
    #[case::scanned(marked_early(4200).shaped(Channel::PackCurrent, |t, i| if (3300..3305).contains(&t) { 2.0 } else { i }))]
    fn full_begins_where_charge_has_ended(#[case] stage: Stage) {
        for id in ["BEH-FI", "CVL-02", "CVL-06", "CVL-07", "CCL-02"] {
            let verdict = stage.verdict(id);
            assert_eq!(verdict.outcome, Outcome::Pass, "{id}: {}", verdict.reason);
        }
        let (recording, battery) = (stage.recording(), declared());
        let subject = Subject {
            requirements: Vec::new(),
            thresholds: Thresholds::default(),
            battery: &battery,
            sun: Watts::ZERO,
            imbalance: proto::quantity::Percent::ZERO,
            site: Site::default(),
        };
        let scene = Scene::new(&subject, &recording);
        assert_eq!(scene.since_full.map(|w| w.from), Some(Micros::from_secs(4200)));
    }

    #[test]
    fn a_battery_that_is_charged_on_is_not_full_whatever_it_says() {
        for id in ["BEH-FI", "CVL-02", "CVL-04", "CVL-06", "CVL-07", "CCL-02"] {
            let verdict = marked_early(u64::MAX).verdict(id);
            assert_eq!(verdict.outcome, Inconclusive, "{id}: {}", verdict.reason);
            assert!(verdict.reason.contains("charge went on with 5"), "{id}: {}", verdict.reason);
        }
    }

    /// Who stops charge by current has ended it too: that is not hidden behind a battery that is not full.
    #[test]
    fn a_battery_that_asks_for_no_more_is_full() {
        let zero = marked_early(u64::MAX).shaped(Channel::Ccl, |t, v| if t > 3100 { 0.0 } else { v });
        assert_eq!(zero.verdict("CVL-02").outcome, Fail, "{}", zero.verdict("CVL-02").reason);
    }

    /// What must hold of a full battery stays undecided, and says what keeps it from being full.
    #[test]
    fn the_cause_is_told_wherever_fullness_is_asked_for() {
        for id in ["BEH-FI", "CVL-02", "CVL-04", "CVL-05", "CVL-07", "CCL-02"] {
            let verdict = derated().verdict(id);
            assert_eq!(verdict.outcome, Inconclusive, "{id}: {}", verdict.reason);
            assert!(verdict.reason.contains("a CVL of 53.0 V stands at"), "{id}: {}", verdict.reason);
        }
    }

    /// By the maximum and by the curve: LFP and LTO are steep at the end, NMC is not.
    #[rstest]
    #[case::lfp(3.55, 16.0, 3.40)]
    #[case::lfp_held_low(3.45, 16.0, 3.30)]
    #[case::lto(2.70, 22.0, 2.55)]
    #[case::nmc(4.20, 14.0, 4.109)]
    #[case::nmc_at_24_volts(4.20, 7.0, 4.102)]
    #[case::nmc_charged_to_less(4.10, 14.0, 4.048)]
    #[case::nobody_knows(3.00, 16.0, 2.85)]
    fn the_declared_maximum_says_what_full_is(#[case] most: f64, #[case] cells: f64, #[case] expected: f64) {
        let found = charged_full(Volts(most), Volts(CVL_STEP / cells));
        assert!((found.0 - expected).abs() < 2e-3, "{found}");
    }
}
