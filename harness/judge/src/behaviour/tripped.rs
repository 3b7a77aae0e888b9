//! Whose doing an interlock was. What the battery asked for or did not prevent fails the requirement that forbids it;
//! everything else, a supply or a GX that failed, or a rig whose limits are narrower, decides nothing.

use proto::quantity::{Amps, Micros, Volts};
use proto::stimulus::Stimulus;

use super::Scene;
use crate::thresholds::fixed::{CLOSED_CURRENT, EXCESS, METERS};
use crate::trace::{Channel, EventKind};
use crate::verdict::Evidence;
use crate::window::Window;

/// What trips, as the interlocks call it in the evidence.
pub const PACK_VOLTAGE: &str = "pack voltage";
/// See there.
pub const HIGHEST_CELL: &str = "highest cell";
/// See there.
pub const BUS_VOLTAGE: &str = "DC voltage at the inverter";
/// See there.
pub const SILENCE: &str = "time without 0x351";

/// See there: two instruments measure one thing, and say different things of it.
pub const CONTRADICTION: &str = "contradiction of two instruments";
/// See there: an instrument, or its line, repeats what it said while what it measures moves. Whose doing that is nobody knows.
pub const STILL: &str = "readings that stand still for";

/// A current that shows the main switch closed, A (`closed-current` of the thresholds).
pub const CLOSED: f64 = CLOSED_CURRENT;

/// Why the battery did it: in words, with what shows it.
type Blame = (String, Vec<(Channel, String)>);
/// Looks whether it did.
type Look = fn(&Scene<'_>, Micros) -> Option<Blame>;

/// What may be the battery's doing, and the requirement that fails then.
const DOINGS: [(&str, &str, Look); 3] = [
    (PACK_VOLTAGE, "CVL-01", |scene, at| asked_for(scene, at, Channel::PackVoltage)),
    (BUS_VOLTAGE, "CVL-01", |scene, at| asked_for(scene, at, Channel::BusVoltage)),
    (HIGHEST_CELL, "CVL-07", did_not_protect),
];

/// Whom a trip is put down to, where it may be the battery.
pub(crate) enum Doing {
    /// nothing was heard: who judges silence knows whose it is
    Silence,
    /// the battery's, which fails a requirement
    Battery {
        /// its id
        requirement: &'static str,
        /// in words
        reason: String,
        /// what shows it
        evidence: Vec<Evidence>,
    },
}

/// What the trip that ended a case fails, whether the case names it or not.
pub(crate) fn doing(scene: &Scene<'_>) -> Option<Doing> {
    let (at, what, value, limit) = scene.trace.events.iter().find_map(|event| match &event.kind {
        EventKind::Interlock { what, value, limit } => Some((event.at, what, value, limit)),
        _ => None,
    })?;
    if *what == SILENCE {
        return Some(Doing::Silence);
    }
    // What a case made the battery see, or see wrongly, is not its doing.
    let injected =
        |kind: &EventKind| matches!(kind, EventKind::Stimulus(Stimulus::Inject(_) | Stimulus::Imbalance(_)));
    if scene.trace.events.iter().any(|event| injected(&event.kind)) {
        return None;
    }
    if *what == CONTRADICTION {
        // Whose meter is wrong nobody knows: the finding is that they differ, and names both.
        let evidence = Evidence::fact(what.as_str(), value.clone()).against(limit.clone());
        return Some(Doing::Battery {
            requirement: "MEA-03",
            reason: format!("two instruments contradict each other, and the rig stopped for it: {value}"),
            evidence: vec![evidence.within(Window::new(at, at))],
        });
    }
    let (_, requirement, look) = DOINGS.iter().find(|(name, ..)| name == what)?;
    let (why, shown) = look(scene, at)?;
    let moment = Window::new(at, at);
    let mut evidence = vec![
        Evidence::fact(format!("interlock: {what}"), value.clone()).against(limit.clone()).within(moment),
    ];
    evidence.extend(
        shown.into_iter().map(|(channel, value)| Evidence::fact(channel.words(), value).within(moment)),
    );
    let reason = format!("the interlock was the battery's doing: {what} came to {value}: {why}");
    Some(Doing::Battery { requirement, reason, evidence })
}

/// A voltage beyond what the battery declares, to which its own CVL asked to be charged.
fn asked_for(scene: &Scene<'_>, at: Micros, channel: Channel) -> Option<Blame> {
    let volts = |channel| scene.series(channel).at(at).map(Volts);
    let (seen, cvl) = (volts(channel)?, volts(Channel::Cvl)?);
    let declared = scene.subject.battery.max_charge_voltage;
    let [excess, meters] = [EXCESS, METERS].map(|volts| scene.subject.battery.of_system(volts));
    (cvl > declared + meters && seen > declared + excess && seen <= cvl + excess + meters).then(|| {
        let why = format!("it asked for {cvl}, and declares {declared} at most");
        (why, vec![(Channel::Cvl, cvl.to_string())])
    })
}

/// A cell above where the battery disconnects itself, charged on with a voltage that it asked for.
fn did_not_protect(scene: &Scene<'_>, at: Micros) -> Option<Blame> {
    let value = |channel| scene.series(channel).at(at);
    let cell = Volts(value(Channel::MaxCell)?);
    let (pack, cvl) = (Volts(value(Channel::PackVoltage)?), Volts(value(Channel::Cvl)?));
    let current = Amps(value(Channel::PackCurrent)?);
    let declared = scene.subject.battery.cell_over_voltage;
    let above = scene.subject.battery.of_system(EXCESS) + scene.subject.battery.of_system(METERS);
    (cell > declared && current > Amps(CLOSED_CURRENT) && pack <= cvl + above).then(|| {
        let why = format!(
            "it declares that it disconnects itself at {declared}, its own CVL of {cvl} was kept, and {current} still \
             flowed into it"
        );
        (why, vec![(Channel::Cvl, cvl.to_string()), (Channel::PackCurrent, current.to_string())])
    })
}

#[cfg(test)]
mod tests {
    use super::super::staged::{Stage, good};
    use super::*;
    use crate::verdict::Outcome;
    use proto::fault::{Fault, FaultKind};
    use proto::quantity::Watts;
    use rstest::rstest;

    const AT: u64 = 2000;

    fn tripped(what: &str, shape: &[(Channel, f64)]) -> Stage {
        let mut stage = good().cut(AT);
        shape.iter().for_each(|&(channel, value)| stage.set(channel, 0, value));
        stage.uncompleted();
        let (value, limit) = ("beyond".to_owned(), "the rig's".to_owned());
        stage.note(AT, EventKind::Interlock { what: what.to_owned(), value, limit });
        stage.note(AT, EventKind::Aborted("interlock".to_owned()));
        stage
    }

    use Channel::{BusVoltage, Cvl, MaxCell, PackCurrent, PackVoltage};

    /// What tripped and what was measured then; what fails, if it is the battery's doing.
    #[rstest]
    #[case::charged_on(HIGHEST_CELL, &[(MaxCell, 3.81), (PackVoltage, 56.0), (Cvl, 56.8)], Some("CVL-07"))]
    #[case::disconnected(HIGHEST_CELL, &[(MaxCell, 3.81), (PackCurrent, 0.0)], None)]
    #[case::overcharged_by_the_rig(HIGHEST_CELL, &[(MaxCell, 3.81), (PackVoltage, 59.0), (Cvl, 55.2)], None)]
    #[case::narrow_rig(HIGHEST_CELL, &[(MaxCell, 3.60)], None)]
    #[case::asked_for_it(PACK_VOLTAGE, &[(PackVoltage, 60.1), (Cvl, 62.0)], Some("CVL-01"))]
    #[case::did_not_ask(PACK_VOLTAGE, &[(PackVoltage, 60.1), (Cvl, 55.2)], None)]
    #[case::too_low(PACK_VOLTAGE, &[(PackVoltage, 39.0)], None)]
    #[case::asked_the_bus(BUS_VOLTAGE, &[(BusVoltage, 64.1), (Cvl, 64.0)], Some("CVL-01"))]
    #[case::bus_of_the_rig(BUS_VOLTAGE, &[(BusVoltage, 64.1)], None)]
    #[case::of_the_supply("output voltage of the supply", &[], None)]
    #[case::deviation("power of the supply beyond its setting", &[], None)]
    #[case::energised("time with the output on", &[], None)]
    #[case::gx("time without an answer of the GX", &[], None)]
    #[case::temperature("temperature", &[], None)]
    #[case::charge("charge current", &[(PackCurrent, 160.0)], None)]
    fn whose_doing_it_was(#[case] what: &str, #[case] shape: &[(Channel, f64)], #[case] fails: Option<&str>) {
        let stage = tripped(what, shape);
        // Whether the case names the requirement or not: then it comes last.
        for id in ["CVL-01", "CVL-07"] {
            let verdict = stage.verdict(id);
            let blamed = verdict.reason.contains("the battery's doing").then_some(verdict.requirement.id);
            assert_eq!(blamed, fails, "{}", verdict.reason);
            assert!(blamed.is_none() || verdict.outcome == Outcome::Fail);
            assert!(
                blamed.is_none() || verdict.evidence.iter().any(|e| e.what.contains(what)),
                "{verdict:?}"
            );
        }
    }

    /// A case that made the battery see something cannot say that it did it by itself.
    #[test]
    fn what_was_injected_is_nobodys_doing() {
        let mut stage = tripped(HIGHEST_CELL, &[(MaxCell, 3.81), (PackVoltage, 56.0), (Cvl, 56.8)]);
        let fault = Fault { kind: FaultKind::PsuTrip {}, span: Micros::from_secs(1) };
        stage.note(10, EventKind::Stimulus(Stimulus::Pv(Watts(1.0))));
        stage.note(11, EventKind::Stimulus(Stimulus::Inject(fault)));
        assert!(!stage.verdict("CVL-07").reason.contains("the battery's doing"));
    }
}
