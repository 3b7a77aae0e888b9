//! BUS-02 and BUS-03: the bit rate and the health of the bus, as the harness's own CAN interface knows them (P 1.2).

use proto::bus::BusState;
use proto::message::id;
use proto::quantity::{BitRate, Micros};

use super::scene::Scene;
use crate::tampering::{BACK, PERIOD};
use crate::trace::Channel;
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about, times, without};

/// BUS-02: *"The preferred and common bitrate is 500kbps ... the installer needs to select the correct profile"*.
pub(crate) fn runs_at_the_right_rate(scene: &Scene<'_>, opinion: &mut Opinion) {
    let rates = scene.series(Channel::BitRate).points();
    let profile = scene.subject.site.gx_profile;
    opinion.show(Evidence::fact("CAN-bus profile of the GX, as the rig file says", profile.to_string()));
    if rates.is_empty() {
        opinion.unclear("the bench does not say at which bit rate its CAN interface works");
        return;
    }
    if scene.series(Channel::Cvl).points().is_empty() {
        opinion.unclear("no frame of the battery was heard: at which bit rate it sends is not known");
        return;
    }
    for &(at, rate) in rates {
        let rate = BitRate(rate);
        opinion
            .show(Evidence::fact("bit rate at which the battery is heard", rate.to_string()).seen(at, None));
        if rate == profile {
            opinion.pass(format!("the battery is heard at {rate}, as the GX is set"));
        } else {
            opinion.fail(format!("the bus runs at {rate}, the profile of the GX is set to {profile}"));
        }
    }
}

/// BUS-03: no error-passive, bus-off or acknowledge-error episode but those that the suite caused.
pub(crate) fn is_sound(scene: &Scene<'_>, opinion: &mut Opinion) {
    let errors = scene.recording.wire().errors();
    opinion.show(Evidence::fact("error frames", errors.count().to_string()));
    opinion.show_all(errors.evidence().into_iter().map(Some));
    for (kind, count, place) in errors.episodes() {
        opinion.fail(format!("{count} error frames say {kind}, {place}, and the suite did not cause them"));
    }
    if let Some((count, place)) = errors.lost() {
        opinion.unclear(format!("the CAN interface says {count} times that it lost frames, {place}"));
    }
    let state = scene.series(Channel::BusState);
    let bad = times([state], scene.whole, |[state]| state >= f64::from(BusState::ErrorPassive as u8));
    let caused = scene.recording.account().disturbed();
    let first = state.points().first().map(|&(at, _)| at);
    for window in bad.into_iter().flat_map(|w| without(w, &caused)) {
        // The cause was there before the case: another cable, an earlier case, the adapter's own state.
        if Some(window.from) == first {
            opinion.unclear(format!(
                "the CAN interface was error-passive or bus-off before the case began, and until {}: that is a state of the \
                 rig's own adapter",
                about(window.to)
            ));
            continue;
        }
        let what = "CAN interface error-passive or bus-off";
        opinion.prove(Evidence::fact(what, window.about().to_string()).against("never").within(window));
        opinion.fail(format!("the CAN interface is error-passive or bus-off from {}", about(window.from)));
    }
    comes_back(scene, opinion);
    // Where nobody looked, nothing was sound.
    if scene.hears(opinion, &[Channel::BusState], &[scene.whole]) && scene.whole.length() > Micros::ZERO {
        let own = errors.count() - errors.caused();
        opinion.pass(format!(
            "the CAN interface stayed error-active; {own} error frames came by themselves, none of them bad"
        ));
    }
}

/// After the suite disturbed the bus the battery is heard again.
fn comes_back(scene: &Scene<'_>, opinion: &mut Opinion) {
    let cvl = scene.series(Channel::Cvl);
    let account = scene.recording.account();
    let missing = account.missing(id::LIMITS);
    for disturbance in account.disturbances() {
        let free = disturbance.to;
        let due = free + BACK;
        // Where the suite goes on to keep 0x351 away, the end of that decides.
        if missing.iter().any(|w| w.from <= due && w.to > free + PERIOD) {
            continue;
        }
        let Some(last) = cvl.last_seen().filter(|_| due < scene.whole.to) else { continue };
        let silent = cvl.silences().iter().any(|&(from, to)| from <= free && to > due) || last <= free;
        if silent {
            let window = Window::new(free, due);
            let what = "time in which the battery is back on the bus after a disturbance";
            opinion.prove(Evidence::fact(what, "not heard").against(format!("≤ {BACK}")).within(window));
            opinion.fail(format!(
                "the battery is not heard within {BACK} after the bus was free again at {}",
                about(free)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::staged::{Stage, good, judged};
    use super::*;
    use crate::recording::Recording;
    use crate::trace::EventKind;
    use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
    use proto::bus::ErrorFrame;
    use proto::candump::{self, Line};
    use proto::fault::{Fault, FaultKind, Id};
    use proto::stimulus::Stimulus;
    use rstest::rstest;

    const CUT: Stimulus =
        Stimulus::Inject(Fault { kind: FaultKind::WireCut {}, span: Micros::from_secs(30) });

    #[rstest]
    #[case(good(), Pass)]
    #[case(good().shaped(Channel::BitRate, |_, _| 250.0), Fail)]
    #[case(good().shaped(Channel::BitRate, |t, _| if t < 5000 { 500.0 } else { 125.0 }), Fail)]
    #[case(good().deaf(Channel::BitRate), Inconclusive)]
    #[case(good().deaf(Channel::Cvl), Inconclusive)]
    fn the_bit_rate_is_that_of_the_profile(#[case] stage: Stage, #[case] expected: Outcome) {
        let verdict = stage.verdict("BUS-02");
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }

    fn passive(from: u64, to: u64) -> Stage {
        good().shaped(Channel::BusState, |t, _| if (from..to).contains(&t) { 2.0 } else { 0.0 })
    }

    #[rstest]
    #[case(good(), Pass)]
    #[case(passive(500, 520), Fail)]
    // It was so before the case began, so this battery did not cause it.
    #[case(passive(0, 40), Inconclusive)]
    #[case(good().deaf(Channel::BusState), Inconclusive)]
    #[case(good().silent_after(Channel::BusState, 5000), Inconclusive)]
    fn a_passive_interface_is_found(#[case] stage: Stage, #[case] expected: Outcome) {
        let verdict = stage.verdict("BUS-03");
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }

    #[rstest]
    #[case(500, 520, Pass)]
    #[case(500, 600, Fail)]
    fn what_the_suite_caused_is_not_held_against_it(
        #[case] from: u64,
        #[case] to: u64,
        #[case] expected: Outcome,
    ) {
        let mut stage = passive(from, to);
        stage.note(500, EventKind::Stimulus(CUT));
        let verdict = stage.verdict("BUS-03");
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }

    /// The cable is joined after 30 s, and 5 s later 0x351 is garbled for a minute: it is heard again at 600 s.
    #[rstest]
    #[case(false, Fail)]
    #[case(true, Pass)]
    fn a_battery_is_not_missed_while_the_suite_goes_on(#[case] goes_on: bool, #[case] expected: Outcome) {
        let mut stage = good().deaf_between(Channel::Cvl, 500, 600);
        stage.note(500, EventKind::Stimulus(CUT));
        if goes_on {
            let kind = FaultKind::Garble { id: Id(id::LIMITS) };
            let fault = Fault { kind, span: Micros::from_secs(60) };
            stage.note(535, EventKind::Stimulus(Stimulus::Inject(fault)));
        }
        let verdict = stage.verdict("BUS-03");
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }

    /// What an adapter says itself that it lost was not seen: that was a pass.
    #[rstest]
    #[case::lost("20000004#0001000000000000", Inconclusive)]
    #[case::not_sent("20000004#0002000000000000", Pass)]
    fn an_interface_that_lost_frames_passes_nothing(#[case] text: &str, #[case] expected: Outcome) {
        let line = format!("(1.0) can0 {text}");
        let Ok(Line::Record(record)) = candump::parse(line.as_bytes()) else { panic!("{line}") };
        let mut recording = good().recording();
        recording
            .can_error(Micros::from_secs(5000), &ErrorFrame::of(&record.content).expect("an error frame"));
        let verdict = judged("BUS-03", &recording);
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }

    /// The cut begins at 500 s and ends at 530 s. Polled once a second, the interface may say so until 541 s; polled every
    /// 5 s until 545 s. Error frames and the state have the same grace: they had 2 s and 10 s whatever the polling.
    #[rstest]
    #[case::error_frames_had_2_s(1, 538, Pass)]
    #[case::error_frames_had_2_s(5, 538, Pass)]
    #[case(1, 541, Pass)]
    #[case(1, 542, Fail)]
    #[case::the_state_had_10_s(5, 544, Pass)]
    #[case(5, 546, Fail)]
    #[case(60, 599, Pass)]
    #[case(60, 602, Fail)]
    fn what_is_polled_late_is_still_of_the_cut(
        #[case] poll: u64,
        #[case] at: u64,
        #[case] expected: Outcome,
    ) {
        let cut = |stage: Stage| {
            let mut recording = stage.recording_polled(Micros::from_secs(poll));
            recording.note(Micros::from_secs(500), EventKind::Stimulus(CUT));
            recording
        };
        let mut told = cut(good());
        told.can_error(Micros::from_secs(at), &ErrorFrame::controller(BusState::ErrorPassive));
        let state = cut(passive(500, at));
        for (what, recording) in [("error frame", told), ("state", state)] {
            let verdict = judged("BUS-03", &recording);
            assert_eq!(verdict.outcome, expected, "{what}: {}", verdict.reason);
        }
    }

    #[rstest]
    #[case(ErrorFrame::UNHEARD, 1)]
    #[case(ErrorFrame::controller(BusState::ErrorPassive), 1)]
    #[case(ErrorFrame::controller(BusState::BusOff), 1)]
    #[case(ErrorFrame::controller(BusState::ErrorWarning), 0)]
    #[case(ErrorFrame::DISTURBED, 0)]
    fn error_frames_that_a_sound_bus_never_shows(#[case] error: ErrorFrame, #[case] episodes: usize) {
        let mut recording = Recording::new();
        recording.can_error(Micros::from_secs(1), &error);
        assert_eq!(recording.wire().errors().episodes().count(), episodes);
        let mut caused = Recording::new();
        caused.note(Micros::ZERO, EventKind::Stimulus(CUT));
        caused.can_error(Micros::from_secs(1), &error);
        assert_eq!(caused.wire().errors().episodes().count(), 0);
        assert_eq!((caused.wire().errors().count(), caused.wire().errors().caused()), (1, 1));
    }
}
