//! TIM-06: what the system does without 0x351 (P 1.4). A check of the rig itself, as much as of the battery.

use proto::fault::{Fault, FaultKind};
use proto::message::id;
use proto::quantity::{Micros, Percent};
use proto::stimulus::Stimulus;

use super::scene::Scene;
use crate::thresholds::fixed::{BEFORE_SILENCE, IDLE_CURRENT, SYSTEM_STOPS, WORK_CURRENT};
use crate::trace::{Channel, EventKind};
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about, heard, mean, times};

/// TIM-06: *"the system will stop charging and discharging"* (P 1.4). Solar charger and inverter/charger must each be
/// seen at work before a silence of 0x351 and at rest in it; so must the battery current, where it is heard.
pub(crate) fn stops_the_system(scene: &Scene<'_>, opinion: &mut Opinion) {
    let silences = silences(scene);
    if silences.is_empty() {
        // A case may make the gap in another way, and expect what follows.
        if !scene.waits().any(|(_, wait)| wait.requirement == Some("TIM-06")) {
            opinion.unclear("0x351 was never kept from the GX for 3 s");
        }
        return;
    }
    for (channel, name, needed) in [
        (Channel::SolarCurrent, "the solar charger", true),
        (Channel::InverterCurrent, "the inverter/charger", true),
        (Channel::PackCurrent, "the battery current", false),
    ] {
        stops(scene, opinion, &silences, channel, name, needed);
    }
}

fn stops(
    scene: &Scene<'_>,
    opinion: &mut Opinion,
    silences: &[Window],
    channel: Channel,
    name: &str,
    needed: bool,
) {
    let series = scene.series(channel);
    let limit = scene.subject.thresholds.stopping;
    let mut seen = false;
    for &silence in silences {
        let before = Window::new(Micros(silence.from.0.saturating_sub(BEFORE_SILENCE.0)), silence.from);
        let worked = mean(series, &[before]).is_some_and(|amps| amps.abs() > WORK_CURRENT);
        if !worked || heard(series, &[silence]) < 0.95 {
            continue;
        }
        let moving = times([series], silence, |[amps]| amps.abs() > IDLE_CURRENT);
        let stopped = moving.last().map_or(silence.from, |w| w.to);
        if stopped < silence.to {
            seen = true;
            let window = Window::new(silence.from, stopped);
            let what = format!("time without 0x351 until {name} stops");
            let complaint = format!("without 0x351 {name} goes on for too long");
            Scene::at_most(opinion, &what, window.about(), limit, window, &complaint);
        } else if silence.length() >= limit.limit {
            seen = true;
            let last = series.at(silence.to).unwrap_or_default();
            opinion.prove(
                Evidence::fact(
                    format!("{name} after {} without 0x351", silence.about()),
                    format!("{last:.1} A"),
                )
                .against(format!("≤ {IDLE_CURRENT} A"))
                .within(silence),
            );
            opinion.fail(format!(
                "without 0x351 for {} from {} on {name} does not stop: {last:.1} A",
                silence.about(),
                about(silence.from)
            ));
        }
    }
    if needed && !seen {
        opinion.unclear(format!(
            "{name} was not seen at work before a silence of 0x351 that is long enough to stop it"
        ));
    }
}

/// When the suite kept 0x351 from the GX for 3 s or longer.
fn silences(scene: &Scene<'_>) -> Vec<Window> {
    let of = |stimulus: &Stimulus| match *stimulus {
        Stimulus::Silence { id: id::LIMITS, span } => Some(span),
        Stimulus::Inject(Fault { kind, span }) => cuts_off(kind).then_some(span),
        _ => None,
    };
    scene
        .trace
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Stimulus(stimulus) => Some(Window::new(event.at, event.at + of(stimulus)?)),
            _ => None,
        })
        .filter(|w| w.length() >= SYSTEM_STOPS && w.to <= scene.whole.to)
        .collect()
}

fn cuts_off(kind: FaultKind) -> bool {
    match kind {
        FaultKind::WireCut {} | FaultKind::BusOff {} => true,
        FaultKind::FrameLoss { share, id } => {
            share >= Percent(100.0) && id.is_none_or(|id| id.0 == id::LIMITS)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::staged::{Stage, good};
    use super::*;
    use crate::verdict::Outcome::{self, Fail, Inconclusive, Pass};
    use proto::fault::Id;
    use rstest::rstest;

    const LIMITS: Stimulus = Stimulus::Silence { id: id::LIMITS, span: Micros::from_secs(30) };
    const AT: u64 = 2000;

    /// The good battery charges with 54 A of sun of which the inverter takes 38 A; all stop after a time.
    fn stopping(stimulus: Stimulus, after: u64) -> Stage {
        let still = move |t: u64, v: f64| if (AT + after..AT + 32).contains(&t) { 0.0 } else { v };
        let mut stage = good();
        for channel in [Channel::SolarCurrent, Channel::InverterCurrent, Channel::PackCurrent] {
            stage = stage.shaped(channel, still);
        }
        stage.note(AT, EventKind::Stimulus(stimulus));
        stage
    }

    fn inject(kind: FaultKind) -> Stimulus {
        Stimulus::Inject(Fault { kind, span: Micros::from_secs(30) })
    }

    #[rstest]
    #[case::at_once(stopping(LIMITS, 4), Pass)]
    #[case::late(stopping(LIMITS, 15), Fail)]
    #[case::never(stopping(LIMITS, 40), Fail)]
    #[case::by_a_cut_cable(stopping(inject(FaultKind::WireCut {}), 4), Pass)]
    #[case::by_loss_of_all(stopping(inject(FaultKind::FrameLoss { share: Percent(100.0), id: None }), 4), Pass)]
    #[case::loss_of_another(
        stopping(inject(FaultKind::FrameLoss { share: Percent(100.0), id: Some(Id(0x355)) }), 4), Inconclusive)]
    #[case::too_short(stopping(Stimulus::Silence { id: id::LIMITS, span: Micros::from_secs(2) }, 4), Inconclusive)]
    #[case::too_short_to_tell(stopping(Stimulus::Silence { id: id::LIMITS, span: Micros::from_secs(4) }, 8), Inconclusive)]
    #[case::another_id(stopping(Stimulus::Silence { id: id::KEEP_ALIVE, span: Micros::from_secs(30) }, 4), Inconclusive)]
    #[case::the_inverter_idled(
        stopping(LIMITS, 4).shaped(Channel::InverterCurrent, |_, _| 0.0), Inconclusive)]
    #[case::the_sun_goes_on(stopping(LIMITS, 4).shaped(Channel::SolarCurrent, |_, _| 54.0), Fail)]
    #[case::without_the_battery_current(stopping(LIMITS, 4).deaf(Channel::PackCurrent), Pass)]
    #[case::without_the_gx(stopping(LIMITS, 4).deaf(Channel::SolarCurrent), Inconclusive)]
    #[case::not_tried(good(), Inconclusive)]
    fn without_0x351(#[case] stage: Stage, #[case] expected: Outcome) {
        let verdict = stage.verdict("TIM-06");
        assert_eq!(verdict.outcome, expected, "{}", verdict.reason);
    }
}
