//! BEH-AL, ALM-05 and ALM-08: each alarm that is provoked is raised as the right one, seen on the GX, and cleared on both
//! (P 5.3, P 5.4), and what raises it moves a limit (P 2 §0x35A).

use proto::fault::{Fault, FaultKind};
use proto::gx;
use proto::message::AlarmKind::{self, *};
use proto::quantity::Micros;
use proto::stimulus::Stimulus;

use super::scene::Scene;
use crate::tampering::ECHO;
use crate::thresholds::fixed::{CLEARS, CVL_STEP, HEARD, MOVED, MOVED_SOON};
use crate::trace::{Channel, EventKind};
use crate::verdict::{Evidence, Opinion};
use crate::window::{Window, about, bridged, extremes, heard, times};

/// What a fault is to be answered with.
struct Answer {
    /// one of these must be raised
    right: &'static [AlarmKind],
    /// below the protection one of these does as well
    instead: &'static [AlarmKind],
    /// these may be raised too
    beside: &'static [AlarmKind],
}

/// A battery that does not believe one of its sensors, for what others tell it, may say so beside what is asked for: one
/// cell of 15 that reads 1 V less leaves 2 % between the pack and the sum of its cells.
const DOUBTED: &[AlarmKind] = &[BmsInternal];

impl Answer {
    fn allows(&self) -> u32 {
        bits(self.right) | bits(self.instead) | bits(self.beside)
    }
}

/// What a battery may raise for a fault; nothing where the document names no alarm for it.
fn answer(kind: FaultKind) -> Option<Answer> {
    let up = |value: f64, high: Answer, low: Answer| Some(if value > 0.0 { high } else { low });
    let one = |right, beside| Answer { right, instead: beside, beside };
    let sensor = |right, instead| Answer { right, instead, beside: DOUBTED };
    match kind {
        FaultKind::CellVoltage { by } => {
            up(by.0, sensor(&[HighVoltage], &[CellImbalance]), sensor(&[LowVoltage], &[CellImbalance]))
        }
        FaultKind::PackVoltage { by } => {
            up(by.0, sensor(&[HighVoltage, BmsInternal], &[]), sensor(&[LowVoltage, BmsInternal], &[]))
        }
        FaultKind::Current { by } => up(by.0, sensor(&[HighChargeCurrent], &[]), sensor(&[HighCurrent], &[])),
        FaultKind::Temperature { by } => up(
            by.0,
            sensor(&[HighTemperature, HighTemperatureCharge], &[]),
            sensor(&[LowTemperature, LowTemperatureCharge], &[]),
        ),
        // A sensor that is open reads very cold, a shorted one very hot; a battery that sees through it says so.
        FaultKind::TemperatureOpen {} => {
            Some(one(&[BmsInternal, LowTemperature, LowTemperatureCharge], &[HighTemperature]))
        }
        FaultKind::TemperatureShort {} => {
            Some(one(&[BmsInternal, HighTemperature, HighTemperatureCharge], &[LowTemperature]))
        }
        FaultKind::Internal {} => Some(one(&[BmsInternal], &[])),
        FaultKind::ShortCircuit {} => Some(one(&[ShortCircuit, HighCurrent], &[])),
        FaultKind::ContactorWelded {} | FaultKind::ContactorOpen {} => {
            Some(one(&[Contactor], &[BmsInternal]))
        }
        _ => None,
    }
}

/// One fault of the case, from its beginning to where its traces end.
struct Provoked {
    kind: FaultKind,
    answer: Answer,
    /// while it lasts, with its echo
    during: Window,
    /// from its end to the next fault
    after: Window,
}

fn provoked(scene: &Scene<'_>) -> Vec<Provoked> {
    let faults: Vec<(Micros, Fault)> = scene
        .trace
        .events
        .iter()
        .filter_map(|e| match &e.kind {
            EventKind::Stimulus(Stimulus::Inject(fault)) => Some((e.at, *fault)),
            _ => None,
        })
        .collect();
    let ends = |at: Micros| {
        let later = faults.iter().map(|f| f.0).filter(|&next| next > at).min();
        later.unwrap_or(scene.whole.to)
    };
    let one = |&(at, fault): &(Micros, Fault)| {
        let end = at + fault.span;
        let during = Window::new(at, end + ECHO);
        Some(Provoked {
            kind: fault.kind,
            answer: answer(fault.kind)?,
            during,
            after: Window::new(end, ends(at)),
        })
    };
    faults.iter().filter_map(one).collect()
}

fn bits(kinds: &[AlarmKind]) -> u32 {
    kinds.iter().fold(0, |mask, kind| mask | u32::from(kind.bit()))
}

fn named(mask: u32) -> String {
    AlarmKind::of_mask(mask as u16).map(AlarmKind::words).collect::<Vec<_>>().join(", ")
}

/// Every bit of a channel that is set at some time in a window.
fn seen(scene: &Scene<'_>, channel: Channel, window: Window) -> u32 {
    crate::window::stretches([scene.series(channel)], window).fold(0, |mask, s| mask | s.values[0] as u32)
}

/// BEH-AL: *"Generate the alarms on the BMS, and double check that they appear on the GX device"*.
pub(crate) fn answers_every_fault(scene: &Scene<'_>, opinion: &mut Opinion) {
    let provoked = provoked(scene);
    if provoked.is_empty() {
        opinion.unclear("no fault was injected that an alarm would answer");
        return;
    }
    let (mut answered, mut unsupported) = (0, 0);
    for fault in &provoked {
        let heard = heard(scene.series(Channel::Alarms), &[fault.during]);
        if heard < HEARD || fault.during.to > scene.whole.to {
            opinion.unclear(format!("0x35A was not heard for all of {}", place(fault)));
        } else if !supports(scene, fault.answer.right) {
            unsupported += 1;
            let what = format!("{}: alarms that the document has for it", place(fault));
            opinion.show(Evidence::fact(what, "none of them is supported (00 or 11)"));
        } else {
            answered += 1;
            opinion.part(|opinion| {
                is_answered(scene, opinion, fault, &provoked);
                shows_the_detail(scene, opinion, fault);
            });
        }
    }
    if answered == 0 && unsupported > 0 {
        opinion.absent("the battery supports none of the alarms that were provoked");
    }
    if answered > 0 {
        compare_with_the_gx(scene, opinion);
    }
}

fn place(fault: &Provoked) -> String {
    format!("{} at {}", fault.kind, about(fault.during.from))
}

/// Whether any of the kinds was ever shown as OK or active, as alarm or as warning.
fn supports(scene: &Scene<'_>, kinds: &[AlarmKind]) -> bool {
    let wire = scene.recording.wire();
    let shown = |&kind: &AlarmKind| {
        [false, true].iter().any(|&w| matches!(wire.alarm_seen(kind, w), [_, a, o, _] if a || o))
    };
    // Without any 0x35A in the facts of the wire the masks of the trace are all that is known.
    wire.of(proto::message::id::ALARMS).is_none() || kinds.iter().any(shown)
}

/// Whether the battery itself saw what must raise an alarm and not only a warning.
fn is_beyond(scene: &Scene<'_>, fault: &Provoked) -> bool {
    let battery = scene.subject.battery;
    let range = |channel| extremes(scene.series(channel), &[fault.during]);
    let over = |channel, limit: f64| range(channel).is_none_or(|(_, high)| high >= limit);
    let under = |channel, limit: f64| range(channel).is_none_or(|(low, _)| low <= limit);
    match fault.kind {
        FaultKind::CellVoltage { by } if by.0 > 0.0 => over(Channel::MaxCell, battery.cell_over_voltage.0),
        FaultKind::CellVoltage { .. } => under(Channel::MinCell, battery.cell_under_voltage.0),
        FaultKind::PackVoltage { .. } => false,
        // A battery may bear half as much again for a while (assumption).
        FaultKind::Current { by } if by.0 > 0.0 => {
            over(Channel::PackCurrent, 1.5 * battery.max_charge_current.0)
        }
        FaultKind::Current { .. } => under(Channel::PackCurrent, -1.5 * battery.max_discharge_current.0),
        FaultKind::Temperature { by } if by.0 > 0.0 => {
            over(Channel::MaxCellTemperature, battery.max_temperature.0 + 10.0)
        }
        FaultKind::Temperature { .. } => under(Channel::MinCellTemperature, -20.0),
        _ => true,
    }
}

/// Warnings of a current that really flowed: all of the sun charges a battery whose contactor has just closed, until the loads are
/// back. What is within a twentieth of what it declares may have been more between two messages.
fn carried(scene: &Scene<'_>, during: Window) -> u32 {
    let Some((low, high)) = extremes(scene.series(Channel::PackCurrent), &[during]) else { return 0 };
    let battery = scene.subject.battery;
    [
        (high, battery.max_charge_current, HighChargeCurrent),
        (-low, battery.max_discharge_current, HighCurrent),
    ]
    .into_iter()
    .filter(|(amps, declared, _)| *amps >= 0.95 * declared.0)
    .fold(0, |mask, (_, _, kind)| mask | 1 << kind as u32)
}

fn is_answered(scene: &Scene<'_>, opinion: &mut Opinion, fault: &Provoked, all: &[Provoked]) {
    let before = Window::new(Micros(fault.during.from.0.saturating_sub(2_000_000)), fault.during.from);
    let new = |channel| seen(scene, channel, fault.during) & !seen(scene, channel, before);
    let (alarms, warnings) = (new(Channel::Alarms), new(Channel::Warnings));
    let beyond = is_beyond(scene, fault);
    let right = bits(fault.answer.right);
    // Below the protection a cell that stands apart is an imbalance first.
    let milder = if beyond { right } else { right | bits(fault.answer.instead) };
    let place = place(fault);
    let told = |mask: u32| if mask == 0 { "none".to_owned() } else { named(mask) };
    opinion
        .show(
            Evidence::fact(format!("{place}: alarms"), told(alarms))
                .against(named(right))
                .within(fault.during),
        )
        .show(Evidence::fact(format!("{place}: warnings"), told(warnings)).within(fault.during));
    if alarms & right == 0 && beyond {
        let only = if warnings & right != 0 { ", only a warning" } else { "" };
        let instead = if alarms == 0 { String::new() } else { format!(" but {}", named(alarms)) };
        opinion.fail(format!("{place} raises no alarm for {}{instead}{only}", named(right)));
    } else if (alarms | warnings) & milder == 0 {
        opinion.fail(format!("{place} raises neither alarm nor warning for {}", named(milder)));
    } else {
        opinion.pass(format!("{place} raises {}", named((alarms | warnings) & milder)));
    }
    let overlapping = all.iter().filter(|o| o.during.overlap(fault.during).is_some());
    let allowed = overlapping.fold(1 << General as u32, |mask, o| mask | o.answer.allows());
    let wrong = (alarms | warnings & !carried(scene, fault.during)) & !allowed;
    if wrong != 0 {
        opinion.fail(format!("{place} raises {}, which is something else", named(wrong)));
    }
    clears(scene, opinion, fault, &place);
}

/// The alarms of a fault go when it is gone.
fn clears(scene: &Scene<'_>, opinion: &mut Opinion, fault: &Provoked, place: &str) {
    let own = fault.answer.allows();
    let last = Micros(fault.after.to.0.saturating_sub(1));
    for (channel, where_) in [(Channel::Alarms, "on CAN"), (Channel::GxAlarms, "on the GX")] {
        let Some(mask) = scene.series(channel).at(last) else { continue };
        let stuck = mask as u32 & own & seen(scene, channel, fault.during);
        if stuck == 0 {
            continue;
        }
        let waited = fault.after.about();
        if fault.after.length() >= CLEARS {
            opinion.fail(format!(
                "{}, raised by {place}, is not cleared {where_} within {waited}",
                named(stuck)
            ));
        } else {
            opinion.unclear(format!(
                "{}, raised by {place}, was not cleared {where_} within {waited}; {CLEARS} decide",
                named(stuck)
            ));
        }
    }
}

/// P 5.4: the detail that a fault moves shows on CAN; that the GX shows the same is GXD-04.
fn shows_the_detail(scene: &Scene<'_>, opinion: &mut Opinion, fault: &Provoked) {
    let (channel, by) = match fault.kind {
        FaultKind::CellVoltage { by } if by.0 > 0.0 => (Channel::MaxCell, by.0),
        FaultKind::CellVoltage { by } => (Channel::MinCell, by.0),
        FaultKind::Temperature { by } if by.0 > 0.0 => (Channel::MaxCellTemperature, by.0),
        FaultKind::Temperature { by } => (Channel::MinCellTemperature, by.0),
        _ => return,
    };
    let series = scene.series(channel);
    let (Some(before), Some((low, high))) =
        (series.at(Micros(fault.during.from.0.saturating_sub(1_000_000))), extremes(series, &[fault.during]))
    else {
        return;
    };
    let moved = if by > 0.0 { high - before } else { low - before };
    let unit = channel.unit();
    let what = format!("{}: {} moves by", place(fault), channel.words());
    opinion.show(Evidence::fact(what, format!("{moved:+.2} {unit}")).against(format!("{by:+.2} {unit}")));
    if moved / by < 0.5 {
        opinion.fail(format!(
            "{} does not show {}: it moves by {moved:+.2} {unit}",
            channel.words(),
            place(fault)
        ));
    }
}

/// ALM-05: each alarm appears on the GX, and clears there again.
pub(crate) fn reach_the_gx(scene: &Scene<'_>, opinion: &mut Opinion) {
    for fault in provoked(scene).iter().filter(|f| is_beyond(scene, f) && supports(scene, f.answer.right)) {
        opinion.part(|opinion| {
            appears_as_the_right_one(scene, opinion, fault);
            lasts_with_its_cause(scene, opinion, fault);
        });
    }
    if compare_with_the_gx(scene, opinion) == 0 {
        opinion.unclear("no alarm that a GX shows was raised for long enough");
    }
}

/// Alarms of a protection, which has a limit to move: charge, discharge, or the voltage to charge to.
const PROTECTION: [AlarmKind; 9] = [
    HighVoltage,
    LowVoltage,
    HighTemperature,
    LowTemperature,
    HighTemperatureCharge,
    LowTemperatureCharge,
    HighCurrent,
    HighChargeCurrent,
    ShortCircuit,
];

/// ALM-08: *"the alarms will not have a direct effect on charging or discharging"*: the GX follows the limits of 0x351
/// (P 7, 2016-09-06), so what raises an alarm moves one of them (P 2 §0x35A).
pub(crate) fn moves_a_limit(scene: &Scene<'_>, opinion: &mut Opinion) {
    let protection = bits(&PROTECTION);
    let alarms = scene.series(Channel::Alarms);
    let raised = times([alarms], scene.whole, |[mask]| mask as u32 & protection != 0);
    let limits = [Channel::Ccl, Channel::Dcl, Channel::Cvl];
    let mut judged = 0;
    for alarm in bridged(raised, MOVED_SOON) {
        let before = Window::new(scene.whole.from, alarm.from);
        let near = Window::new(Micros(alarm.from.0.saturating_sub(MOVED_SOON.0)), alarm.to + MOVED_SOON);
        let moved = limits.map(|channel| {
            let series = scene.series(channel);
            let most = extremes(series, &[before])?.1;
            let least = extremes(series, &[near])?.0;
            let is_lower = match channel {
                Channel::Cvl => least <= most - CVL_STEP / 2.0,
                _ => least <= MOVED * most,
            };
            Some((channel, most, least, is_lower))
        });
        if near.to > scene.whole.to || moved.contains(&None) {
            continue;
        }
        judged += 1;
        let names = named(seen(scene, Channel::Alarms, alarm) & protection);
        let told = moved.iter().flatten().map(|(channel, most, least, _)| {
            format!("{} {least:.1} {} of {most:.1} {}", channel.words(), channel.unit(), channel.unit())
        });
        let told = told.collect::<Vec<_>>().join(", ");
        let place = format!("{names} at {}", about(alarm.from));
        let evidence = Evidence::fact(format!("{place}: limits at their lowest"), told)
            .against("one of them is lowered")
            .within(near);
        if moved.iter().flatten().any(|(.., is_lower)| *is_lower) {
            opinion.show(evidence);
            opinion.pass(format!("what raised {place} lowered a limit too"));
        } else {
            opinion.prove(evidence);
            opinion.fail(format!(
                "{place} is an alarm alone: CCL, DCL and CVL stay where they were, and an alarm controls nothing on the GX"
            ));
        }
    }
    if judged == 0 {
        opinion.unclear("no alarm of a protection was raised after limits had been seen");
    }
}

/// Who looks at the GX must read what is wrong: not its opposite, not a mere warning, not nothing.
fn appears_as_the_right_one(scene: &Scene<'_>, opinion: &mut Opinion, fault: &Provoked) {
    let delay = scene.subject.thresholds.gx_delay.limit;
    let shown = gx::ALARMS.iter().fold(0, |mask, &(kind, _)| mask | 1 << kind as u32);
    let right = bits(fault.answer.right);
    let during = Window::new(fault.during.from, fault.during.to + delay);
    // For a short circuit the GX has no register.
    if right & !shown != 0
        || during.to > scene.whole.to
        || heard(scene.series(Channel::GxAlarms), &[during]) < HEARD
    {
        return;
    }
    let before = Window::new(Micros(during.from.0.saturating_sub(2_000_000)), during.from);
    let on_gx = seen(scene, Channel::GxAlarms, during) & !seen(scene, Channel::GxAlarms, before);
    let place = place(fault);
    let told = if on_gx == 0 { "no alarm".to_owned() } else { named(on_gx) };
    let evidence =
        Evidence::fact(format!("{place}: the GX shows"), told.clone()).against(named(right)).within(during);
    if on_gx & right == 0 {
        opinion.prove(evidence);
        opinion.fail(format!("{place} shows on the GX as {told}, expected is {}", named(right)));
    } else {
        opinion.show(evidence);
    }
}

/// What the battery itself sends of a cell or a temperature, and whether such a value is the cause of an alarm.
fn cause(scene: &Scene<'_>, kind: FaultKind) -> Option<(Channel, f64, bool)> {
    let battery = scene.subject.battery;
    match kind {
        FaultKind::CellVoltage { by } if by.0 > 0.0 => {
            Some((Channel::MaxCell, battery.cell_over_voltage.0, true))
        }
        FaultKind::CellVoltage { .. } => Some((Channel::MinCell, battery.cell_under_voltage.0, false)),
        FaultKind::Temperature { by } if by.0 > 0.0 => {
            Some((Channel::MaxCellTemperature, battery.max_temperature.0 + 10.0, true))
        }
        FaultKind::Temperature { .. } => Some((Channel::MinCellTemperature, -20.0, false)),
        _ => None,
    }
}

/// An alarm is a state and no event: it stays for as long as the battery itself goes on sending its cause, give or take the
/// time in which a GX takes it over.
fn lasts_with_its_cause(scene: &Scene<'_>, opinion: &mut Opinion, fault: &Provoked) {
    let Some((channel, limit, high)) = cause(scene, fault.kind) else { return };
    let right = bits(fault.answer.right);
    let pair = [scene.series(channel), scene.series(Channel::Alarms)];
    let raised = times([pair[1]], fault.during, |[alarms]| alarms as u32 & right != 0);
    let Some(first) = raised.first() else { return };
    let gone = times(pair, Window::new(first.to, fault.during.to), |[value, alarms]| {
        alarms as u32 & right == 0 && if high { value >= limit } else { value <= limit }
    });
    let delay = scene.subject.thresholds.gx_delay.limit;
    let Some(longest) = gone.iter().max_by_key(|w| w.length()).filter(|w| w.length() > delay) else { return };
    let what = format!("{}: alarm gone while its cause goes on", place(fault));
    opinion.prove(
        Evidence::fact(what, longest.about().to_string()).against(format!("≤ {delay}")).within(*longest),
    );
    opinion.fail(format!(
        "{} raises {} for {} only, and goes on for {} in what the battery itself sends ({} beyond {limit:.2} {}): an alarm is a state, who looks later sees nothing",
        place(fault),
        named(right),
        first.about(),
        longest.about(),
        channel.words(),
        channel.unit(),
    ));
}

/// Holds what the GX shows against CAN; how many alarms were raised.
fn compare_with_the_gx(scene: &Scene<'_>, opinion: &mut Opinion) -> usize {
    let (can, shown) = (scene.series(Channel::Alarms), scene.series(Channel::GxAlarms));
    let delay = scene.subject.thresholds.gx_delay.limit;
    if !scene.hears(opinion, &[Channel::Alarms, Channel::GxAlarms], &[scene.whole]) {
        return 0;
    }
    let mut raised = 0;
    for &(kind, register) in gx::ALARMS {
        let set = |[mask]: [f64; 1]| mask as u32 & 1 << kind as u32 != 0;
        // What ends within the delay may come and go between two looks of the GX.
        let on_can: Vec<Window> =
            times([can], scene.whole, set).into_iter().filter(|w| w.length() > delay).collect();
        let on_gx = times([shown], scene.whole, set);
        raised += on_can.len();
        let place = format!("the {kind} alarm (register {})", register.address);
        opinion.part(|opinion| {
            for window in &on_can {
                let due = Window::new(window.from, window.from + delay);
                if register.is_newer() && on_gx.is_empty() {
                    opinion.unclear(format!(
                        "{place} is raised on CAN at {} and never seen on the GX: one of before March 2026 has no such \
                         register",
                        about(window.from)
                    ));
                } else if due.to < scene.whole.to && !on_gx.iter().any(|w| w.from <= due.to && w.to > window.from) {
                    opinion.fail(format!(
                        "{place} is raised on CAN at {} and not seen on the GX",
                        about(window.from)
                    ));
                }
            }
            let any = times([can], scene.whole, set);
            for window in &on_gx {
                let known = any.iter().any(|w| w.from <= window.from && window.from <= w.to + delay);
                let cleared = any.iter().any(|w| w.from <= window.to && window.to <= w.to + delay);
                if !known {
                    opinion.fail(format!(
                        "{place} shows on the GX at {}, the battery does not raise it",
                        about(window.from)
                    ));
                } else if !cleared {
                    opinion.fail(format!("{place} stays on the GX after the battery has cleared it"));
                }
            }
            if !on_can.is_empty() {
                let value = format!("{} times on CAN, {} times on the GX", on_can.len(), on_gx.len());
                opinion.show(Evidence::fact(place, value));
            }
        });
    }
    if raised > 0 {
        opinion.pass(format!("{raised} alarms appeared on the GX and cleared there as on CAN"));
    }
    raised
}

#[cfg(test)]
mod tests;
