//! What a suite does to the readings on which limits rest, and whether the rig lets it.

use proto::fault::{Fault, FaultKind};
use proto::quantity::{Amps, Celsius, Micros, Percent, Volts};
use proto::stimulus::Stimulus;

use super::limits::RigLimits;
use super::rows::{Instruments, Origin, ROW_COUNT, ROWS, Teller};
use crate::suite::{Op, Operation, Patience};

/// How long after an injected fault the battery may still report what it was made to see: its own filters and
/// the slowest frame periods lie within.
pub(super) const FAULT_ECHO: Micros = Micros::from_secs(10);

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
    /// by teller
    pub(super) doubts: [Option<Doubt>; Teller::ALL.len()],
    /// nothing true comes while it lasts; otherwise something may
    complete: bool,
}

impl Effect {
    /// What a change of the world does to what is told, if anything.
    pub(super) fn of(stimulus: &Stimulus, limits: &RigLimits) -> Option<Self> {
        let mut effect = Self { span: Micros::ZERO, doubts: [None; Teller::ALL.len()], complete: true };
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
            effect.set(doubt, |origin| matches!(origin, Origin::Frame(id) if tampering.is_of(id)));
        }
        if let Stimulus::Inject(Fault { kind, span }) = *stimulus {
            effect.span = effect.span.max(span);
            effect.fault(kind, limits);
        }
        effect.doubts.iter().any(Option::is_some).then_some(effect)
    }

    fn set(&mut self, doubt: Doubt, of: impl Fn(Origin) -> bool) {
        for (own, (_, origin, _)) in self.doubts.iter_mut().zip(Teller::ALL) {
            if of(origin) {
                *own = Some(doubt);
            }
        }
    }

    fn fault(&mut self, kind: FaultKind, limits: &RigLimits) {
        use Teller::{
            ColdestCell, HighestCell, HottestCell, LowestCell, PackCurrent, PackTemperature, PackVoltage,
        };
        let mut put = |tellers: &[Teller], doubt| {
            for &teller in tellers {
                self.doubts[teller as usize] = Some(doubt);
            }
        };
        let temperatures = &[PackTemperature, HottestCell, ColdestCell];
        match kind {
            // A battery may add its cells up.
            FaultKind::CellVoltage { by } => put(&[HighestCell, LowestCell, PackVoltage], Doubt::by(by.0)),
            FaultKind::CellStuck {} => put(&[HighestCell, LowestCell, PackVoltage], Doubt::LATE),
            FaultKind::PackVoltage { by } => put(&[PackVoltage], Doubt::by(by.0)),
            FaultKind::Current { .. } | FaultKind::CurrentGain { .. } | FaultKind::ShuntReversed {} => {
                put(&[PackCurrent], Doubt::apart(current(kind, limits).0));
            }
            FaultKind::Temperature { by } => put(temperatures, Doubt::by(by.0)),
            // Sensors of batteries are NTC thermistors: without one they read as cold as can be, shorted as hot.
            FaultKind::TemperatureOpen {} => put(temperatures, Doubt::by(-limits.faking.temperature.0)),
            FaultKind::TemperatureShort {} => put(temperatures, Doubt::by(limits.faking.temperature.0)),
            FaultKind::GxReboot {} => self.set(Doubt::Hidden, |origin| origin == Origin::Gx),
            FaultKind::PsuSilent {} => self.set(Doubt::Hidden, |origin| origin == Origin::Supply),
            _ => {}
        }
    }
}

/// How far a fault of the ammeter moves a current within the limits.
fn current(kind: FaultKind, limits: &RigLimits) -> Amps {
    match kind {
        FaultKind::Current { by } => by.abs(),
        FaultKind::CurrentGain { by } => {
            limits.charge_current_max.max(limits.discharge_current_max) * (by.0.abs() / 100.0)
        }
        // A discharge is reported as a charge: the lower of the two limits must bear the higher one.
        FaultKind::ShuntReversed {} => (limits.charge_current_max - limits.discharge_current_max).abs(),
        _ => Amps::ZERO,
    }
}

/// How far the reading of a teller may exceed its limit, whatever a suite does.
pub(super) fn most(teller: Teller, limits: &RigLimits) -> f64 {
    let faking = &limits.faking;
    match teller {
        Teller::HighestCell | Teller::LowestCell => faking.cell_voltage.0,
        Teller::PackVoltage => faking.pack_voltage.0,
        Teller::PackCurrent => faking.current.0,
        Teller::PackTemperature | Teller::HottestCell | Teller::ColdestCell => faking.temperature.0,
        _ => 0.0,
    }
}

/// The first operation that needs more than the rig allows: its line, and why.
pub(crate) fn excess(
    program: &[Operation],
    limits: &RigLimits,
    instruments: &Instruments,
) -> Option<(u32, String)> {
    let mut until = [Micros::ZERO; Teller::ALL.len()];
    // When each limit was left without anyone, and until when.
    let mut dark: [Option<(Micros, Micros)>; ROW_COUNT] = [None; ROW_COUNT];
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
        for (index, (row, dark)) in ROWS.iter().zip(&mut dark).enumerate() {
            let of = |teller: Teller| teller.is_expected(instruments).then(|| until[teller as usize]);
            let Some(end) = row.everyone().filter_map(of).min().filter(|&end| end > now) else { continue };
            let begun =
                dark.filter(|(_, before)| *before + FAULT_ECHO >= now).map_or(now, |(begun, _)| begun);
            *dark = Some((begun, end));
            let span = end.since(begun);
            if span > limits.faking.span && !instruments.unwatched.has(index) {
                let why = format!(
                    "`{}` would leave the rig's limit `{}` without any true reading for {}, the rig allows {} \
                     (`limits.faking.span` of its file)",
                    stimulus,
                    row.name,
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
    let faking = &limits.faking;
    let (asked, most, key) = match kind {
        FaultKind::CellVoltage { by: Volts(by) } => (by, faking.cell_voltage.0, "cell-voltage"),
        FaultKind::PackVoltage { by: Volts(by) } => (by, faking.pack_voltage.0, "pack-voltage"),
        FaultKind::Temperature { by: Celsius(by) } => (by, faking.temperature.0, "temperature"),
        _ => (current(kind, limits).0, faking.current.0, "current"),
    };
    let unit = match key {
        "current" => "A",
        "temperature" => "°C",
        _ => "V",
    };
    (asked.abs() > most + super::SLACK).then(|| {
        format!(
            "`inject {kind}` makes a reading wrong by {} {unit}, the rig allows {most} {unit} \
             (`limits.faking.{key}` of its file)",
            asked.abs()
        )
    })
}
