//! What a suite does to the readings on which limits rest, and whether the rig lets it.

use judge::tampering::{ECHO, faked};
use proto::channel::{Channel, Sense, Source};
use proto::fault::{Fault, FaultKind};
use proto::quantity::{Celsius, Micros, Percent, Volts};
use proto::stimulus::Stimulus;

use super::limits::RigLimits;
use super::rows::{Instruments, Row};
use crate::suite::{Op, Operation, Patience};

/// Why a value is not to be believed, or not to be waited for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Doubt {
    /// it shows the truth moved by up to so much, or a truth of long ago
    Faked { low: f64, high: f64 },
    /// it shows anything
    Forged,
    /// it does not come
    Hidden,
}

impl Doubt {
    const LATE: Self = Self::Faked { low: 0.0, high: 0.0 };

    fn by(by: f64) -> Self {
        Self::Faked { low: by.min(0.0), high: by.max(0.0) }
    }

    fn apart(by: f64) -> Self {
        Self::Faked { low: -by.abs(), high: by.abs() }
    }
}

/// What a change of the world does, for so long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effect {
    pub(super) span: Micros,
    /// by channel
    pub(super) doubts: [Option<Doubt>; Channel::COUNT],
    /// nothing true comes while it lasts; otherwise something may
    complete: bool,
}

impl Effect {
    /// What a change of the world does to what is told, if anything.
    pub(super) fn of(stimulus: &Stimulus, limits: &RigLimits) -> Option<Self> {
        let mut effect = Self { span: Micros::ZERO, doubts: [None; Channel::COUNT], complete: true };
        if let Some(tampering) = stimulus.tampering() {
            let kind = if let Stimulus::Inject(Fault { kind, .. }) = stimulus { Some(*kind) } else { None };
            let doubt = match kind {
                Some(FaultKind::FrameDelay { .. } | FaultKind::FrameJitter { .. }) => Doubt::LATE,
                _ if tampering.forged => Doubt::Forged,
                _ => Doubt::Hidden,
            };
            effect.span = tampering.span;
            effect.complete =
                !matches!(kind, Some(FaultKind::FrameLoss { share: Percent(share), .. }) if share <= 50.0);
            effect.set(doubt, |channel| channel.row().frame().is_some_and(|id| tampering.is_of(id)));
        }
        if let Stimulus::Inject(Fault { kind, span }) = *stimulus {
            effect.span = effect.span.max(span);
            effect.fault(kind, limits);
        }
        effect.doubts.iter().any(Option::is_some).then_some(effect)
    }

    fn set(&mut self, doubt: Doubt, of: impl Fn(Channel) -> bool) {
        for channel in Channel::ALL.into_iter().filter(|channel| of(*channel)) {
            self.doubts[channel as usize] = Some(doubt);
        }
    }

    fn fault(&mut self, kind: FaultKind, limits: &RigLimits) {
        match kind {
            FaultKind::GxReboot {} => {
                self.set(Doubt::Hidden, |channel| matches!(channel.row().source, Source::Gx(_)));
            }
            FaultKind::PsuSilent {} => {
                self.set(Doubt::Hidden, |channel| channel.row().source == Source::Supply)
            }
            _ => {
                let Some(faked) = faked(kind) else { return };
                let doubt = match kind {
                    FaultKind::CellStuck {} => Doubt::LATE,
                    // Sensors of batteries are NTC thermistors: without one they read as cold as can be, shorted as hot.
                    FaultKind::TemperatureOpen {} => Doubt::by(-limits.faking.temperature.0),
                    FaultKind::TemperatureShort {} => Doubt::by(limits.faking.temperature.0),
                    _ if faked.moved.contains(&Sense::Current) => Doubt::apart(moved(kind, limits)),
                    _ => Doubt::by(moved(kind, limits)),
                };
                let is_moved = |sense| faked.moved.contains(&sense);
                self.set(doubt, |channel| channel.row().sense.is_some_and(is_moved));
            }
        }
    }
}

/// How far a fault moves a reading within the limits, in its base unit.
fn moved(kind: FaultKind, limits: &RigLimits) -> f64 {
    let charge = limits.at_most(Channel::PackCurrent).abs();
    let discharge = limits.at_least(Channel::PackCurrent).abs();
    match kind {
        FaultKind::CellVoltage { by: Volts(by) } | FaultKind::PackVoltage { by: Volts(by) } => by,
        FaultKind::Temperature { by: Celsius(by) } => by,
        FaultKind::Current { by } => by.0,
        FaultKind::CurrentGain { by } => charge.max(discharge) * (by.0.abs() / 100.0),
        // A discharge is reported as a charge: the lower of the two limits must bear the higher one.
        FaultKind::ShuntReversed {} => charge - discharge,
        _ => 0.0,
    }
}

/// How far the reading of a quantity may exceed its limit, whatever a suite does, and the name of that in a rig file.
fn may_move(sense: Sense, limits: &RigLimits) -> Option<(f64, &'static str)> {
    let faking = &limits.faking;
    Some(match sense {
        Sense::Cells => (faking.cell_voltage.0, "cell-voltage"),
        Sense::Voltage => (faking.pack_voltage.0, "pack-voltage"),
        Sense::Current => (faking.current.0, "current"),
        Sense::Temperature => (faking.temperature.0, "temperature"),
        Sense::Charge => return None,
    })
}

/// How far the reading of a quantity may exceed its limit, whatever a suite does.
pub(super) fn most(channel: Channel, limits: &RigLimits) -> f64 {
    channel.row().sense.and_then(|sense| may_move(sense, limits)).map_or(0.0, |(most, _)| most)
}

/// The first operation that needs more than the rig allows: its line, and why.
pub(crate) fn excess(
    program: &[Operation],
    limits: &RigLimits,
    instruments: &Instruments,
) -> Option<(u32, String)> {
    let mut until = [Micros::ZERO; Channel::COUNT];
    let rows = Row::all(limits, instruments);
    // When each limit was left without anyone, and until when.
    let mut dark: Vec<Option<(Micros, Micros)>> = vec![None; rows.len()];
    let mut now = Micros::ZERO;
    for operation in program {
        let stimulus = match &operation.op {
            Op::Apply(stimulus) => stimulus,
            // Who takes no more time than this is watched while it runs.
            Op::Hold(span)
            | Op::Ramp { over: span, .. }
            | Op::Until { timeout: Patience { least: span, .. }, .. } => {
                now = later(now, *span);
                continue;
            }
            Op::Ask { timeout, .. } => {
                now = later(now, *timeout);
                continue;
            }
            Op::Mark(_) => continue,
        };
        if let Stimulus::Inject(Fault { kind, .. }) = stimulus
            && let Some(why) = too_far(*kind, limits)
        {
            return Some((operation.line, why));
        }
        let Some(effect) = Effect::of(stimulus, limits).filter(|effect| effect.complete) else { continue };
        for (until, _) in until.iter_mut().zip(effect.doubts).filter(|(_, doubt)| doubt.is_some()) {
            *until = (*until).max(now + effect.span);
        }
        for (row, dark) in rows.iter().zip(&mut dark) {
            let of = |channel: Channel| instruments.tell(channel).then(|| until[channel as usize]);
            let Some(end) = row.rule.everyone().filter_map(of).min().filter(|&end| end > now) else {
                continue;
            };
            let begun = dark.filter(|(_, before)| *before + ECHO >= now).map_or(now, |(begun, _)| begun);
            *dark = Some((begun, end));
            let span = end.since(begun);
            if span > limits.faking.span && row.watched {
                let why = format!(
                    "`{}` would leave the rig's limit `{}` without any true reading for {}, the rig allows {} \
                     (`limits.faking.span` of its file)",
                    stimulus,
                    row.rule.channel.key(),
                    span.span(),
                    limits.faking.span.span()
                );
                return Some((operation.line, why));
            }
        }
    }
    None
}

/// Ten thousand steps of a century each are more than a count of microseconds holds: then it is late enough.
fn later(now: Micros, span: Micros) -> Micros {
    Micros(now.0.saturating_add(span.0).min(u64::MAX / 2))
}

/// Why a fault moves a reading further than the rig lets it.
fn too_far(kind: FaultKind, limits: &RigLimits) -> Option<String> {
    let sense = *faked(kind)?.moved.first()?;
    let (most, key) = may_move(sense, limits)?;
    let asked = moved(kind, limits).abs();
    let unit = Channel::ALL.into_iter().find(|channel| channel.row().sense == Some(sense))?.unit();
    (asked > most + super::SLACK).then(|| {
        format!(
            "`inject {kind}` makes a reading wrong by {asked} {unit}, the rig allows {most} {unit} \
             (`limits.faking.{key}` of its file)"
        )
    })
}
