//! TIM-03, TIM-04 and BEH-KA: a battery that does not hear the GX any more (P 1.4).

use proto::message::id;
use proto::quantity::Micros;
use proto::stimulus::Stimulus;

use super::scene::Scene;
use crate::thresholds::fixed::{AT_WORK, BACK_AT_WORK, BORNE, CLOSED_CURRENT, HEARD, KEEP_ALIVE_CLOCK};
use crate::trace::{Channel, EventKind, Series};
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about, extremes, heard, hours, times, without};

/// A time without keep-alive.
struct Loss {
    window: Window,
    /// whether the frames of the battery still reach the harness
    heard: bool,
}

fn losses(scene: &Scene<'_>) -> Vec<Loss> {
    let one = |at: Micros, stimulus: &Stimulus| {
        let span = stimulus.keep_alive_lost()?;
        let heard = stimulus.tampering().is_none_or(|t| t.id.is_some());
        Some(Loss { window: Window::new(at, at + span), heard })
    };
    let stimuli = scene.trace.events.iter().filter_map(|e| match &e.kind {
        EventKind::Stimulus(stimulus) => one(e.at, stimulus),
        _ => None,
    });
    stimuli.collect()
}

/// BEH-KA: both of the following.
pub(crate) fn outlives_the_gx(scene: &Scene<'_>, opinion: &mut Opinion) {
    stays_connected(scene, opinion);
    works_on(scene, opinion);
}

/// TIM-03: *"make sure that the time out is not too short ... in order to cater for firmware updates and reboots"*.
pub(crate) fn stays_connected(scene: &Scene<'_>, opinion: &mut Opinion) {
    let seen: Vec<Window> = losses(scene).into_iter().filter(|l| l.heard).map(|l| l.window).collect();
    if seen.is_empty() {
        opinion
            .unclear("0x305 was never kept from the battery: `silence: { id: 0x305, for: 605 s }` decides");
        return;
    }
    let mut longest = Micros::ZERO;
    for loss in seen {
        let must = Window::new(loss.from, (loss.from + BORNE).min(loss.to).min(scene.whole.to));
        let evidence = Evidence::fact("time without 0x305", must.about().to_string()).within(must);
        opinion.show(evidence.against(format!("borne for {BORNE}")));
        if let Some((at, how)) = opened(scene, must) {
            let after = at.since(loss.from);
            opinion.prove(
                Evidence::fact("battery off after", about(after).to_string()).against(format!("≥ {BORNE}")),
            );
            if after + KEEP_ALIVE_CLOCK < BORNE {
                opinion.fail(format!(
                    "the battery switches off {} after the last 0x305: {how}; 10 minutes must be borne",
                    about(after)
                ));
                continue;
            }
        }
        if is_connected(scene, must, opinion) {
            longest = longest.max(must.length());
        }
    }
    if longest + KEEP_ALIVE_CLOCK >= BORNE {
        opinion.pass(format!("the battery stays connected for {} without 0x305", about(longest)));
    } else if opinion.is_good() {
        opinion.unclear(format!(
            "without 0x305 the battery was seen connected for {} only, {BORNE} decide",
            about(longest)
        ));
    }
}

/// TIM-04: after the keep-alive returns the pack works on without a manual reset.
pub(crate) fn works_on(scene: &Scene<'_>, opinion: &mut Opinion) {
    let losses = losses(scene);
    if losses.is_empty() {
        opinion.unclear("the keep-alive was never taken from the battery");
        return;
    }
    let begins = losses.iter().skip(1).map(|l| l.window.from).chain([scene.whole.to]);
    for (loss, next) in losses.iter().zip(begins) {
        let back = loss.window.to;
        let after = Window::new(back + BACK_AT_WORK, next);
        if after.length() < AT_WORK {
            opinion.unclear(format!(
                "only {} were seen after the keep-alive returned at {}, {} decide",
                about(next.since(back)),
                about(back),
                BACK_AT_WORK + AT_WORK
            ));
            continue;
        }
        opinion.part(|opinion| returns(scene, opinion, back, after));
    }
}

fn returns(scene: &Scene<'_>, opinion: &mut Opinion, back: Micros, after: Window) {
    let at_work = format!("the keep-alive was back at {}", about(back));
    if let Some((at, how)) = opened(scene, after) {
        opinion.prove(Evidence::fact("battery off after the keep-alive returned", how.clone()).within(after));
        opinion.fail(format!("{at_work}, the battery is off at {}: {how}", about(at)));
        return;
    }
    let current = [scene.series(Channel::PackCurrent)];
    let flowing = times(current, after, |[amps]| amps.abs() >= CLOSED_CURRENT);
    let what = "current flows after the keep-alive returned";
    let share = 100.0 * hours(&flowing) / after.hours();
    opinion.show(Evidence::fact(what, format!("{share:.0} % of the time")).within(after));
    if flowing.is_empty() {
        opinion.unclear(format!(
            "{at_work}, but no current flowed after it: whether the pack works was not seen"
        ));
    } else {
        opinion.pass(format!("{at_work} and the battery works on without a reset"));
    }
}

/// When and how the battery switched off in a window, if it did.
fn opened(scene: &Scene<'_>, window: Window) -> Option<(Micros, String)> {
    let off = scene.trips(window).into_iter().find(|t| t.how.is_disconnect() && t.how.convicts());
    let off = off.map(|t| (t.window.from, t.how.to_string()));
    let limits = scene.series(Channel::Cvl);
    let mute = limits.silences().iter().map(|&(from, to)| Window::new(from, to));
    let open = limits.last_seen().map(|last| Window::new(last, scene.whole.to));
    let open = open.filter(|w| w.length() > Series::SILENCE);
    // What the rig itself keeps away is not gone.
    let missing = scene.recording.account().missing(id::LIMITS);
    let own = mute.chain(open).flat_map(|w| without(w, &missing));
    let gone = own.filter(|w| w.length() > Series::SILENCE).find_map(|w| w.overlap(window));
    let gone = gone.map(|w| (w.from, "nothing is heard of it on CAN".to_owned()));
    off.into_iter().chain(gone).min()
}

/// Whether the battery showed itself connected to the end of a window, by its own word or by a current.
fn is_connected(scene: &Scene<'_>, window: Window, opinion: &mut Opinion) -> bool {
    let end = window.last(AT_WORK);
    let online = scene.series(Channel::Online);
    let says =
        heard(online, &[window]) > HEARD && extremes(online, &[window]).is_some_and(|(low, _)| low > 0.5);
    let amps = extremes(scene.series(Channel::PackCurrent), &[end]);
    let flows = amps.is_some_and(|(low, high)| low.abs().max(high.abs()) >= CLOSED_CURRENT);
    let word = match (says, flows) {
        (true, true) => "0x35A says so, and current flows",
        (true, false) => "0x35A says so",
        (false, true) => "current flows",
        (false, false) => "neither 0x35A nor a current says so",
    };
    opinion.show(Evidence::fact("battery connected without 0x305", word).within(window));
    says || flows
}

#[cfg(test)]
mod tests {
    use super::super::staged::{Stage, good};
    use super::*;
    use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
    use proto::fault::{Fault, FaultKind, Id};
    use rstest::rstest;

    /// The keep-alive is lost at 1000 s for so long.
    fn silenced(secs: u64) -> Stage {
        let mut stage = good();
        let stimulus = Stimulus::Silence { id: 0x305, span: Micros::from_secs(secs) };
        stage.note(1000, EventKind::Stimulus(stimulus));
        stage
    }

    /// The battery is off from one moment to another.
    fn off(stage: Stage, from: u64, to: u64) -> Stage {
        let within = move |t: u64| (from..to).contains(&t);
        stage
            .shaped(Channel::Online, move |t, v| if within(t) { 0.0 } else { v })
            .shaped(Channel::PackCurrent, move |t, v| if within(t) { 0.0 } else { v })
    }

    #[rstest]
    #[case(silenced(605), Pass, Pass)]
    #[case(silenced(599), Pass, Pass)]
    #[case(silenced(300), Inconclusive, Pass)]
    #[case(good(), Inconclusive, Inconclusive)]
    #[case(off(silenced(605), 1060, 1660), Fail, Pass)]
    #[case(off(silenced(605), 1590, 1700), Fail, Pass)]
    #[case(off(silenced(605), 1599, 1700), Pass, Pass)]
    #[case(off(silenced(1200), 1900, 2250), Pass, Pass)]
    #[case(off(silenced(1200), 1900, 20_000), Pass, Fail)]
    #[case(off(silenced(1200), 1900, 2400), Pass, Fail)]
    #[case(silenced(605).deaf(Channel::Online), Pass, Pass)]
    #[case(silenced(605).deaf(Channel::Online).deaf(Channel::PackCurrent), Inconclusive, Inconclusive)]
    #[case(silenced(605).silent_after(Channel::Cvl, 1300), Fail, Fail)]
    #[case(silenced(605).cut(1650), Pass, Inconclusive)]
    fn without_the_keep_alive(#[case] stage: Stage, #[case] stays: Outcome, #[case] works: Outcome) {
        let verdicts = ["TIM-03", "TIM-04", "BEH-KA"].map(|id| stage.verdict(id));
        let outcomes = verdicts.each_ref().map(|v| v.outcome);
        assert_eq!(outcomes, [stays, works, stays.max(works)], "{verdicts:#?}");
    }

    /// A battery whose 0x351 the suite also garbles for two minutes is not gone meanwhile.
    #[rstest]
    #[case(false, Fail)]
    #[case(true, Pass)]
    fn what_the_rig_keeps_away_is_not_gone(#[case] garbled: bool, #[case] expected: Outcome) {
        let mut stage = silenced(605).deaf_between(Channel::Cvl, 1200, 1322);
        if garbled {
            let fault =
                Fault { kind: FaultKind::Garble { id: Id(id::LIMITS) }, span: Micros::from_secs(120) };
            stage.note(1200, EventKind::Stimulus(Stimulus::Inject(fault)));
        }
        let verdict = stage.verdict("TIM-03");
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }

    /// With a cut wire nobody knows what the battery does until it is back.
    #[test]
    fn a_cut_wire_says_nothing_of_the_time_without_it() {
        let mut stage = good();
        let fault = Fault { kind: FaultKind::WireCut {}, span: Micros::from_secs(700) };
        stage.note(1000, EventKind::Stimulus(Stimulus::Inject(fault)));
        assert_eq!(stage.verdict("TIM-03").outcome, Inconclusive);
        assert_eq!(stage.verdict("TIM-04").outcome, Pass);
        assert_eq!(off(stage, 1700, 20_000).verdict("TIM-04").outcome, Fail);
    }
}
