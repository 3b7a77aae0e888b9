//! CVL-05: a CVL that follows the measured battery voltage (P 1.5.3), found by moving that voltage on purpose.

use proto::quantity::Percent;

use super::scene::{Scene, too_near};
use crate::metrics::{answered, copies, lowered_once, tracking};
use crate::thresholds::Stands;
use crate::thresholds::fixed::{COPIES, CVL_STEP, FEWEST_PULLS, FLICKER, ONCE_DEPTH, PULLS};
use crate::trace::Channel;
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, extremes};

/// CVL-05, M12: *"implementations that set the CVL to the currently measured battery voltages minus some constant
/// should be avoided"*.
pub(crate) fn does_not_track(scene: &Scene<'_>, opinion: &mut Opinion) {
    let Some(since_full) = scene.since_full else {
        let _ = scene.at_full(opinion);
        return;
    };
    let pulls = scene.pulls(since_full);
    // Absorption that ends by the clock may end within one of them. What falls as far as the voltage was pulled may copy it.
    let deepest = tracking(scene.trace, &pulls).excitation * ONCE_DEPTH;
    let once = lowered_once(scene.series(Channel::Cvl), since_full, &pulls).filter(|once| once.by < deepest);
    let chosen: Vec<Window> = pulls
        .iter()
        .copied()
        .filter(|&pull| once.is_none_or(|once| once.before(pull) == Some(pull)))
        .collect();
    let answered = answered(scene.trace, if chosen.len() < FEWEST_PULLS { &pulls } else { &chosen });
    let found = tracking(scene.trace, &answered);
    let on_its_way = pulls.len() - answered.len();
    let copied = copies(scene.trace, &[since_full]).filter(|&share| share >= COPIES);
    let mut thresholds = scene.subject.thresholds;
    // Half a step of CVL is what rounding may move it by.
    let rounding = Percent(100.0 * 0.5 * CVL_STEP / found.excitation.0.max(CVL_STEP));
    thresholds.tracking.limit = thresholds.tracking.limit.max(rounding);
    let share = Evidence::fact(
        "M12 share of a change of voltage that CVL follows",
        format!("{:.0} %", found.slope.0),
    )
    .against(format!("≤ {}", thresholds.tracking.limit))
    .within(since_full)
    .measured(found.slope, thresholds.tracking);
    let pulled = found.windows + on_its_way;
    let excited = pulled >= PULLS && found.excitation >= thresholds.excitation.limit;
    if excited && found.slope >= thresholds.tracking.limit {
        opinion.prove(share);
    } else {
        opinion.show(share);
    }
    opinion
        .show(
            Evidence::fact("M12 windows in which the voltage was moved", pulled.to_string())
                .against(format!("≥ {PULLS}")),
        )
        .show(
            Evidence::fact(
                "M12 windows left out, in which CVL went on falling as before, or fell once for all",
                on_its_way.to_string(),
            )
            .against(format!("≥ {FEWEST_PULLS} others")),
        )
        .show(
            Evidence::fact(
                "M12 root mean square of the changes of voltage",
                format!("{:.2} V", found.excitation.0),
            )
            .against(format!("≥ {}", thresholds.excitation.limit)),
        )
        .show(Evidence::fact("M12 correlation", format!("{:.0} %", found.correlation.0)))
        .show(
            Evidence::fact(
                "M12 root mean square of what CVL moved in a window",
                format!("{:.2} V", found.moved.0),
            )
            .against(format!("≤ {:.2} V", found.explained().0)),
        );
    if let Some(share) = copied {
        let what = "M12 share of the changes of CVL that land on the battery voltage plus one constant";
        opinion.prove(Evidence::fact(what, format!("{:.0} %", share.0)).against(format!("< {COPIES}")));
        opinion.fail(format!(
            "CVL copies the measured battery voltage: {:.0} % of its hasty changes land on the voltage of that moment plus one constant",
            share.0
        ));
    } else if !excited {
        opinion.unclear(format!(
            "the battery voltage was moved {} times by {:.2} V: at least {PULLS} times by {} decides",
            pulled, found.excitation.0, thresholds.excitation.limit
        ));
    } else if thresholds.tracking.stands(found.slope) == Stands::Near {
        let near = too_near(found.slope, thresholds.tracking);
        opinion.unclear(format!("CVL follows the measured battery voltage by {near}"));
    } else if found.slope < thresholds.tracking.limit
        && found.moved > found.explained()
        && falls(scene, since_full, &pulls)
        && -found.correlation.0 < thresholds.correlation.limit.0
    {
        opinion.unclear(format!(
            "CVL moved by {:.2} V while the voltage was moved by {:.2} V, but not at once with it (slope {:.0} %, correlation {:.0} %): it may follow the voltage more slowly than it was moved. What decides it is each change of CVL in the log: if the new CVL always is the battery voltage of that moment minus the same constant, it follows",
            found.moved.0, found.excitation.0, found.slope.0, found.correlation.0
        ));
    } else if found.slope < thresholds.tracking.limit {
        let remark = if found.slope > thresholds.tracking.good {
            format!(" (a good battery stays below {})", thresholds.tracking.good)
        } else {
            String::new()
        };
        opinion.pass(format!(
            "when the voltage was moved by {:.2} V, CVL followed {:.0} % of it{remark}",
            found.excitation.0,
            found.slope.0.max(0.0)
        ));
    } else if found.correlation >= thresholds.correlation.limit {
        opinion.fail(format!(
            "CVL follows the measured battery voltage: {:.0} % of every change, correlation {:.0} %",
            found.slope.0, found.correlation.0
        ));
    } else {
        opinion.unclear(format!(
            "CVL moves with the battery voltage ({:.0} %), but not steadily (correlation {:.0} %)",
            found.slope.0, found.correlation.0
        ));
    }
}

/// Whether CVL came below what it was before the first pull. One that copies the voltage late does; one that is raised to bulk
/// again, because the pulls took so much of a small battery, and then lowered anew, does not.
fn falls(scene: &Scene<'_>, since_full: Window, pulls: &[Window]) -> bool {
    let cvl = scene.series(Channel::Cvl);
    let Some(first) = pulls.first() else { return true };
    let lowest = extremes(cvl, &[Window::new(first.from, since_full.to)]).map(|(low, _)| low);
    cvl.at(first.from).zip(lowest).is_none_or(|(before, lowest)| before - lowest > FLICKER.0)
}

#[cfg(test)]
mod tests {
    use super::super::staged::{check, good};
    use super::*;
    use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
    use rstest::rstest;

    #[test]
    fn a_cvl_that_follows_the_voltage_is_found() {
        let tracking = good().following(1.0);
        check(&tracking, "CVL-05", Fail);
        check(&good().following(0.1), "CVL-05", Pass);
        check(&good().unmoved(), "CVL-05", Inconclusive);
    }

    /// CVL is the battery voltage minus 0.2 V as it was when last looked at; the pulls are 2 minutes long.
    #[rstest]
    #[case(20, Fail)]
    #[case(120, Fail)]
    #[case(180, Fail)]
    #[case(240, Inconclusive)]
    #[case(290, Inconclusive)]
    #[case(410, Inconclusive)]
    #[case(650, Inconclusive)]
    fn a_cvl_that_follows_more_slowly_than_it_is_pulled_does_not_pass(
        #[case] refresh: u64,
        #[case] expected: Outcome,
    ) {
        let low = |t: u64| t >= 6600 && t % 600 < 120;
        let sampled = move |t: u64, v: f64| {
            let seen = t.saturating_sub((t + refresh / 6) % refresh);
            if t < 3000 { v } else { 55.0 - if low(seen) { 2.4 } else { 0.0 } }
        };
        check(&good().shaped(Channel::Cvl, sampled), "CVL-05", expected);
    }

    /// In some of the pulls so much is taken that CVL goes back to bulk, and it is lowered anew in the rest.
    #[test]
    fn a_battery_that_is_charged_again_between_the_pulls_passes() {
        let again = |t: u64, v: f64| if t >= 6600 && (t + 300) % 1800 < 700 { v + 1.0 } else { v };
        check(&good().shaped(Channel::Cvl, again), "CVL-05", Pass);
    }

    /// Charged again it lowers CVL anew, at its own pace; two of the pulls fall into that. One that falls faster when it is pulled
    /// follows.
    #[rstest]
    #[case::at_one_pace(0.0, Pass)]
    #[case::faster_when_pulled(1.5, Fail)]
    fn a_cvl_on_its_way_down_answers_no_pull(#[case] more: f64, #[case] expected: Outcome) {
        let again = move |t: u64, v: f64| {
            let Some(pull) = [7800, 9000].into_iter().find(|&pull| (pull - 400..pull + 200).contains(&t))
            else {
                return v - if more > 0.0 && t >= 6600 && t % 600 < 120 { more } else { 0.0 };
            };
            let fallen = 0.3 * (t.saturating_sub(pull - 150) / 24) as f64;
            v + (3.0 - fallen - if t >= pull { more } else { 0.0 }).max(0.0)
        };
        check(&good().shaped(Channel::Cvl, again), "CVL-05", expected);
    }

    /// Float that begins within one of the pulls, and never again.
    #[test]
    fn a_lowering_that_happens_once_answers_no_pull() {
        check(&good().shaped(Channel::Cvl, |t, v| if t >= 7810 { v - 0.8 } else { v }), "CVL-05", Pass);
    }

    /// A control loop of the highest cell: CVL rises a little while the cells are low, or flickers by one step.
    #[test]
    fn a_cvl_with_a_mind_of_its_own_passes() {
        check(&good().following(-0.2), "CVL-05", Pass);
        check(&good().shaped(Channel::Cvl, |t, v| v + 0.1 * (t / 37 % 2) as f64), "CVL-05", Pass);
        let slow = |t: u64, v: f64| if t > 6600 { v + ((t - 6600) / 1200) as f64 * 0.1 } else { v };
        check(&good().shaped(Channel::Cvl, slow), "CVL-05", Pass);
    }
}
