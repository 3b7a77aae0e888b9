//! Whether the sun shone as the suite asked: what the supply offered is held against what was asked of it. A case whose
//! excitation did not happen shows nothing, whatever took the sun away.

use proto::fault::{Fault, FaultKind};
use proto::quantity::{Micros, Percent, Watts};
use proto::stimulus::Stimulus;

use super::scene::Scene;
use crate::requirement::Sun;
use crate::thresholds::fixed::{HEARD, NO_SUN, SUPPLY_FOLLOWS};
use crate::trace::{Channel, EventKind, Series};
use crate::verdict::{Evidence, Outcome, Verdict};
use crate::window::{Stretch, Window, about, heard, hours, stretches, times, without};

/// What lasts less is a reading that came late.
const LASTS: Micros = Series::SILENCE;

/// How the sun was another one.
enum Other {
    /// the supply was not heard enough
    Unheard(Percent),
    /// it offered something else
    Offered { offered: Watts, asked: Watts, at: Window, in_all: f64 },
}

/// Takes back what rests on a sun that was another than the suite asked for: nothing passes under it, and what it
/// decides with the battery is undecided.
pub(super) fn hold(scene: &Scene<'_>, verdict: &mut Verdict) {
    if verdict.outcome == Outcome::NotApplicable {
        return;
    }
    let Some(other) = other(scene) else { return };
    if verdict.outcome == Outcome::Fail && stands(scene, verdict, &other) {
        return;
    }
    let word = match verdict.outcome {
        Outcome::Pass => "with the sun that there was: ",
        Outcome::Fail => "that may be why: ",
        _ => "",
    };
    verdict.outcome = Outcome::Inconclusive;
    verdict.reason = format!("{}; {word}{}", other.words(), verdict.reason);
    verdict.evidence.insert(0, other.evidence(scene));
}

impl Other {
    fn words(&self) -> String {
        match self {
            Self::Unheard(share) => {
                format!("what the supply offered was heard for only {share:.0} of the time with sun")
            }
            Self::Offered { offered, asked, at, in_all } => format!(
                "the sun that the suite asked for did not shine: the supply offered {offered:.0} of {asked:.0} from {} \
                 on, {in_all:.2} h in all",
                about(at.from)
            ),
        }
    }

    fn evidence(&self, scene: &Scene<'_>) -> Evidence {
        match self {
            Self::Unheard(share) => {
                Evidence::fact("time with sun in which the supply was heard", format!("{share:.0}"))
            }
            Self::Offered { offered, asked, at, .. } => {
                let limit = scene.subject.thresholds.sun;
                let off = Percent(100.0 * (offered.0 - asked.0).abs() / asked.0.max(NO_SUN.0));
                let what = "M15 power that the supply offered, of what was asked for";
                Evidence::fact(what, format!("{offered:.0} of {asked:.0}"))
                    .against(format!("within {}", limit.limit))
                    .within(*at)
                    .measured(off, limit)
            }
        }
    }
}

/// In words, how the sun of a case was another than it asked for, if it was.
pub(super) fn missed(scene: &Scene<'_>) -> Option<String> {
    other(scene).map(|other| other.words())
}

/// Whether a failure is the battery's own, sun or not.
fn stands(scene: &Scene<'_>, verdict: &Verdict, other: &Other) -> bool {
    let id = verdict.requirement.id;
    if scene.waits().any(|(_, wait)| wait.requirement == Some(id) && !wait.met) {
        return false;
    }
    // One that switches itself off with less sun would not stay on with more.
    let more = matches!(other, Other::Offered { offered, asked, .. } if offered > asked);
    let tripped = || scene.trips(scene.whole).iter().any(|trip| trip.how.convicts());
    match verdict.requirement.sun {
        Sun::Apart => true,
        Sun::Decides => false,
        Sun::DecidesWhileOn => !more && tripped(),
    }
}

/// How the sun was another than the suite asked for, if it was.
fn other(scene: &Scene<'_>) -> Option<Other> {
    let span = Window::new(Micros::ZERO, end(scene));
    let offered = scene.series(Channel::PvAvailable);
    let (least, most) = asked(scene);
    let lit = times([&least], span, |[watts]| watts > NO_SUN.0);
    let watched: Vec<Window> = lit.iter().flat_map(|&window| without(window, &taken(scene))).collect();
    let share = heard(offered, &watched);
    if hours(&watched) > 0.0 && share < HEARD {
        return Some(Other::Unheard(Percent(100.0 * share)));
    }
    let share = scene.subject.thresholds.sun.limit.0 / 100.0;
    let is_other = |[offered, least, most]: [f64; 3]| {
        offered < least - NO_SUN.0.max(share * least) || offered > most + NO_SUN.0.max(share * most)
    };
    let series = [offered, &least, &most];
    let windows: Vec<Window> = without(span, &taken(scene))
        .into_iter()
        .flat_map(|window| times(series, window, is_other))
        .filter(|window| window.length() >= LASTS)
        .collect();
    let all = windows.iter().flat_map(|&window| stretches(series, window));
    let longest = all.max_by_key(|stretch| stretch.window.length())?;
    let Stretch { window: at, values: [offered, least, most] } = longest;
    let asked = if offered < least { least } else { most };
    Some(Other::Offered { offered: Watts(offered), asked: Watts(asked), at, in_all: hours(&windows) })
}

/// The least and the most that was asked for within the time that a supply may take to follow.
fn asked(scene: &Scene<'_>) -> (Series, Series) {
    let mut steps = vec![(Micros::ZERO, scene.subject.sun.0)];
    steps.extend(scene.trace.events.iter().filter_map(|event| match event.kind {
        EventKind::Stimulus(Stimulus::Pv(power)) => Some((event.at, power.0)),
        _ => None,
    }));
    let mut moments: Vec<Micros> = steps.iter().flat_map(|&(at, _)| [at, at + SUPPLY_FOLLOWS]).collect();
    moments.sort_unstable();
    moments.dedup();
    let (mut least, mut most) = (Series::default(), Series::default());
    for at in moments {
        // In force within that time: the last step that was over by its beginning, and all since.
        let since = Micros(at.0.saturating_sub(SUPPLY_FOLLOWS.0));
        let first = steps.partition_point(|&(t, _)| t <= since).saturating_sub(1);
        let last = steps.partition_point(|&(t, _)| t <= at);
        // The supply was off before the case.
        let before = (at < SUPPLY_FOLLOWS).then_some(0.0);
        let values = steps[first..last].iter().map(|&(_, watts)| watts).chain(before);
        least.push(at, values.clone().fold(f64::INFINITY, f64::min));
        most.push(at, values.fold(0.0, f64::max));
    }
    (least, most)
}

/// When the suite itself breaks the supply.
fn taken(scene: &Scene<'_>) -> Vec<Window> {
    let broken = |kind| matches!(kind, FaultKind::PsuTrip {} | FaultKind::PsuSilent {});
    let events = scene.trace.events.iter().filter_map(|event| match event.kind {
        EventKind::Stimulus(Stimulus::Inject(Fault { kind, span })) if broken(kind) => {
            Some(Window::new(event.at, event.at + span + SUPPLY_FOLLOWS))
        }
        _ => None,
    });
    events.collect()
}

/// When the case was over: everything is switched off then.
fn end(scene: &Scene<'_>) -> Micros {
    let over = scene.trace.events.iter().find(|event| {
        matches!(
            event.kind,
            EventKind::Completed
                | EventKind::Aborted(_)
                | EventKind::Interlock { .. }
                | EventKind::DriverFault(_)
                | EventKind::NotOff(_)
        )
    });
    over.map_or(scene.whole.to, |event| event.at)
}

#[cfg(test)]
mod tests {
    use super::super::staged::{END, Stage, check, good};
    use super::*;
    use crate::verdict::Outcome::{Fail, Inconclusive, Pass};
    use rstest::rstest;

    fn offers(stage: Stage, offered: impl Fn(u64) -> f64) -> Stage {
        stage.shaped(Channel::PvAvailable, |t, _| offered(t))
    }

    /// A stage whose sun is asked for in steps, in W, after the 3 kW that it begins with.
    fn asking(steps: &[(u64, f64)]) -> Stage {
        let mut stage = good();
        steps.iter().for_each(|&(at, watts)| {
            stage.note(at, EventKind::Stimulus(Stimulus::Pv(Watts(watts))));
        });
        stage
    }

    fn broken(kind: FaultKind, at: u64, secs: u64) -> Stage {
        let mut stage = good();
        let fault = Fault { kind, span: Micros::from_secs(secs) };
        stage.note(at, EventKind::Stimulus(Stimulus::Inject(fault)));
        stage
    }

    /// What the supply offers of the 3 kW asked for.
    #[rstest]
    #[case::all_of_it(|_| 3000.0, Pass)]
    #[case::four_percent_less(|_| 2880.0, Pass)]
    #[case::six_percent_less(|_| 2820.0, Inconclusive)]
    #[case::clamped_at_10_a(|_| 1200.0, Inconclusive)]
    #[case::six_percent_more(|_| 3180.0, Inconclusive)]
    #[case::none(|_| 0.0, Inconclusive)]
    #[case::late_by_a_minute(|t| if t < 60 { 0.0 } else { 3000.0 }, Pass)]
    #[case::late_by_two(|t| if t < 120 { 0.0 } else { 3000.0 }, Inconclusive)]
    #[case::one_reading(|t| if t == 5000 { 0.0 } else { 3000.0 }, Pass)]
    #[case::a_quarter_of_a_minute(|t| if (5000..5015).contains(&t) { 0.0 } else { 3000.0 }, Inconclusive)]
    fn less_or_more_passes_nothing(#[case] offered: fn(u64) -> f64, #[case] expected: Outcome) {
        for id in ["BEH-FI", "CVL-04", "CVL-06"] {
            check(&offers(good(), offered), id, expected);
        }
    }

    #[test]
    fn both_numbers_are_told() {
        let verdict = offers(good(), |t| if t < 600 { 3000.0 } else { 1200.0 }).verdict("BEH-FI");
        let told = "the supply offered 1200 W of 3000 W from 0:10:00 on, 2.83 h in all; with the sun that there was: ";
        assert!(verdict.reason.contains(told), "{}", verdict.reason);
        let shown = &verdict.evidence[0];
        assert_eq!((shown.value.as_str(), shown.limit.as_str()), ("1200 W of 3000 W", "within 5 %"));
        let measure = shown.measure.expect("numbers");
        assert_eq!((measure.threshold, measure.value, measure.limit), ("sun", 60.0, 5.0));
    }

    /// Clouds and ramps: the supply has a minute to follow, and a cloud that did not come is told like a sun.
    #[rstest]
    #[case::follows(0, |t| if (5000..5300).contains(&t) { 800.0 } else { 3000.0 }, Pass)]
    #[case::follows_slowly(0, |t| if (5050..5350).contains(&t) { 800.0 } else { 3000.0 }, Pass)]
    #[case::no_cloud(0, |_| 3000.0, Inconclusive)]
    #[case::no_end(0, |t| if t >= 5000 { 800.0 } else { 3000.0 }, Inconclusive)]
    #[case::ramp(300, |t| if t < 5000 { 3000.0 } else { (3000.0 - 7.33 * (t - 5000) as f64).max(800.0) }, Inconclusive)]
    fn clouds_are_followed(#[case] ramp: u64, #[case] offered: fn(u64) -> f64, #[case] expected: Outcome) {
        let mut steps = vec![(5000, 800.0), (5300, 3000.0)];
        if ramp > 0 {
            steps = (0..=60).map(|k| (5000 + 5 * k, 3000.0 - 2200.0 * k as f64 / 60.0)).collect();
            // It stays dark where the suite lets it shine again.
            steps.push((5600, 3000.0));
        }
        check(&offers(asking(&steps), offered), "CVL-04", expected);
    }

    #[test]
    fn a_ramp_that_is_followed_is_the_sun_asked_for() {
        let steps: Vec<_> = (0..=60).map(|k| (5000 + 5 * k, 3000.0 - 2200.0 * k as f64 / 60.0)).collect();
        let follows = |t: u64| (3000.0 - 2200.0 * (t.saturating_sub(5010) as f64 / 300.0)).max(800.0);
        check(&offers(asking(&steps), follows), "CVL-04", Pass);
        // A night after it: what is off offers nothing.
        let mut steps = steps;
        steps.push((9000, 0.0));
        let night = move |t: u64| if t >= 9010 { 0.0 } else { follows(t) };
        check(&offers(asking(&steps), night), "CVL-04", Pass);
        check(&offers(asking(&steps), follows), "CVL-04", Inconclusive);
    }

    /// What is wrong by itself stays wrong; what the sun decides with the battery does not convict it.
    #[rstest]
    #[case::oscillates("CVL-04", good().shaped(Channel::Cvl, |t, v| if t % 40 < 20 { v } else { v + 0.5 }), Fail)]
    #[case::export_swings(
        "BEH-FI",
        good().shaped(Channel::GridPower, |t, p| if t / 30 % 2 == 0 { p * 1.2 } else { p * 0.8 }),
        Inconclusive
    )]
    #[case::switches_off("BEH-FI", good().shaped(Channel::Online, |t, v| if t == 5000 { 0.0 } else { v }), Fail)]
    fn a_failure_of_its_own_stays(#[case] id: &str, #[case] stage: Stage, #[case] weak: Outcome) {
        check(&stage, id, Fail);
        check(&offers(stage.clone(), |_| 1200.0), id, weak);
        let strong = if id == "BEH-FI" { Inconclusive } else { Fail };
        check(&offers(stage, |_| 5000.0), id, strong);
    }

    /// A morning that did not come fails nobody.
    #[test]
    fn what_was_expected_of_a_missing_sun_is_undecided() {
        let wait = |met| {
            EventKind::Wait(crate::trace::WaitResult {
                line: 20,
                until: "inverter on".to_owned(),
                began: Micros::from_secs(100),
                met,
                seen: "inverter off".to_owned(),
                allowed: Micros::from_secs(600),
                requirement: Some("BEH-BO"),
            })
        };
        let mut stage = good();
        stage.note(700, wait(false));
        check(&stage, "BEH-BO", Fail);
        check(&offers(stage, |_| 0.0), "BEH-BO", Inconclusive);
    }

    #[test]
    fn a_supply_that_was_not_heard_offered_nothing() {
        check(&good().deaf(Channel::PvAvailable), "CVL-04", Inconclusive);
        check(&good().silent_after(Channel::PvAvailable, 9000), "CVL-04", Inconclusive);
        check(&good().every(Channel::PvAvailable, 5), "CVL-04", Pass);
    }

    /// What the suite breaks itself is the excitation.
    #[test]
    fn a_supply_that_the_suite_breaks_is_what_was_asked_for() {
        let dark = |t: u64| if (5000..5300).contains(&t) { 0.0 } else { 3000.0 };
        check(&offers(broken(FaultKind::PsuTrip {}, 5000, 300), dark), "CVL-04", Pass);
        check(&offers(broken(FaultKind::GxReboot {}, 5000, 300), dark), "CVL-04", Inconclusive);
    }

    /// After the end everything is off.
    #[test]
    fn the_end_of_a_case_is_no_night() {
        let stage = offers(good(), |t| if t >= END - 1 { 0.0 } else { 3000.0 });
        check(&stage, "CVL-04", Pass);
    }
}
