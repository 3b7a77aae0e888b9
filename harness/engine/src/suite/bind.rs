//! A case meets a rig: what it needs is there, what it asks for lies within the rig's limits, and its steps
//! become a flat program.

use judge::witness::Witness;
use proto::gx::inverter;
use proto::quantity::{AmpHours, Amps, Micros, Percent, Watts};
use proto::stimulus::{Start, Stimulus};

use super::Case;
use super::step::{Does, Op, Step, each};
use crate::bench::Capability;
use crate::interlock::{Instruments, LimitsError, RigLimits, excess};

/// Most operations of a case, every `repeat` written out.
pub(super) const MOST_OPERATIONS: u64 = 10_000;

/// A case that can run on a rig.
#[derive(Debug, Clone)]
pub struct Runnable {
    /// the case as its suite has it
    pub case: Case,
    /// the rig's limits, which hold whatever the case says
    pub limits: RigLimits,
    /// what tells whether they are kept
    pub instruments: Instruments,
    /// how often the rig reads the state of its CAN interface
    pub bus_polling: Micros,
    /// the witnesses of the rig
    pub witnesses: Vec<Witness>,
    /// initial conditions, without what an operator is asked for
    pub(crate) start: Start,
    pub(crate) program: Vec<Operation>,
    /// what the battery declares, once it is known
    pub(crate) capacity: Option<AmpHours>,
}

impl Runnable {
    /// The longest that it can take, without what the rig takes to prepare it.
    #[must_use]
    pub fn longest(&self) -> Micros {
        let spans = self.program.iter().filter_map(Operation::lasts).map(|lasts| lasts.span());
        spans.fold(Micros::ZERO, |sum, span| sum + span)
    }

    /// How long a step goes on, by its line and the words of its event; nothing where it takes no time.
    #[must_use]
    pub fn lasts(&self, line: u32, text: &str) -> Option<Lasts<'_>> {
        let begins =
            |operation: &Operation| operation.line == line && operation.begins.as_deref() == Some(text);
        let first = self.program.iter().position(begins)?;
        let next = self.program[first + 1..].iter().position(|operation| operation.begins.is_some());
        let end = next.map_or(self.program.len(), |next| first + 1 + next);
        self.program[first..end].iter().find_map(Operation::lasts)
    }

    /// The case for a battery that declares this capacity: what it is given time for, and what current is the end of
    /// charge, depend on that.
    #[must_use]
    pub fn with_capacity(mut self, capacity: AmpHours) -> Self {
        self.capacity = Some(capacity);
        for operation in &mut self.program {
            if let Op::Until { timeout, .. } = &mut operation.op {
                *timeout = timeout.settled(capacity);
            }
        }
        self
    }
}

/// How long a step goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts<'r> {
    /// so long
    For(Micros),
    /// so long, less where what it waits for comes before
    AtMost(Micros),
    /// until an operator has answered
    Asks {
        /// what is asked
        text: &'r str,
        /// how long it is waited for
        within: Micros,
    },
}

impl Lasts<'_> {
    /// The longest that it can be.
    #[must_use]
    pub const fn span(self) -> Micros {
        match self {
            Self::For(span) | Self::AtMost(span) | Self::Asks { within: span, .. } => span,
        }
    }
}

/// Why a case does not run on a rig.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// The rig has not what the case needs, or may not do what it asks for: the case is not tried.
    #[error("{reason}")]
    NotTried {
        /// what is missing and would make the difference, in one sentence
        reason: String,
    },
    /// The limits of the rig make no sense: nothing runs on it.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// The case would lift a limit of the rig further than the rig allows: it does not run there.
    #[error("line {line}: {reason}")]
    Lifts {
        /// line of the suite file
        line: u32,
        /// what it would do, and what the rig allows
        reason: String,
    },
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Operation {
    /// line of the suite file
    pub(crate) line: u32,
    /// the step in words, where a step begins with it
    pub(crate) begins: Option<String>,
    pub(crate) op: Op,
}

impl Operation {
    /// How long it goes on; nothing where it is done at once.
    fn lasts(&self) -> Option<Lasts<'_>> {
        match &self.op {
            Op::Hold(span) | Op::Ramp { over: span, .. } => Some(Lasts::For(*span)),
            Op::Until { timeout, .. } => Some(Lasts::AtMost(timeout.least)),
            Op::Ask { text, timeout } => Some(Lasts::Asks { text, within: *timeout }),
            Op::Apply(_) | Op::Mark(_) => None,
        }
    }
}

impl Case {
    /// Binds the case to a rig whose instruments are what its capabilities need.
    ///
    /// # Errors
    /// See [`Case::bind_on`].
    pub fn bind(&self, limits: &RigLimits, capabilities: &[Capability]) -> Result<Runnable, BindError> {
        self.bind_on(limits, Instruments::of(capabilities), capabilities)
    }

    /// Binds the case to a rig with these instruments.
    ///
    /// # Errors
    /// When the rig lacks something, a setpoint of the case exceeds its limits, or the case would lift them.
    pub fn bind_on(
        &self,
        limits: &RigLimits,
        instruments: Instruments,
        capabilities: &[Capability],
    ) -> Result<Runnable, BindError> {
        limits.check()?;
        let has = |capability| capabilities.contains(&capability);
        for &need in &self.needs {
            let asked = need == Capability::Imbalance && has(Capability::Operator);
            if !has(need) && !asked {
                let (name, meaning) = (need.name(), need.meaning());
                return Err(not_tried(format!("the rig has no `{name}` (`capabilities`): {meaning}")));
            }
        }
        self.within(limits)?;
        let mut writer = Writer { asks: !has(Capability::Imbalance), program: Vec::new() };
        let mut start = self.start;
        if writer.asks && start.imbalance > Percent::ZERO {
            let op = writer.imbalance(start.imbalance);
            writer.program.push(Operation { line: self.line, begins: Some("prepare".to_owned()), op });
            start.imbalance = Percent::ZERO;
        }
        writer.steps(&self.steps, "");
        if let Some((line, reason)) = excess(&writer.program, limits, &instruments) {
            return Err(BindError::Lifts { line, reason });
        }
        Ok(Runnable {
            case: self.clone(),
            limits: limits.clone(),
            instruments,
            bus_polling: Micros::from_secs(1),
            witnesses: Vec::new(),
            start,
            program: writer.program,
            capacity: None,
        })
    }

    /// Whether what it asks for lies within the limits of the rig.
    fn within(&self, limits: &RigLimits) -> Result<(), BindError> {
        let power = |line, what: &str, power: Watts, most: Watts| {
            if power > most { Err(over(line, what, power, most)) } else { Ok(()) }
        };
        let current = |line, asked: Amps| {
            let most = limits.input_current_limit_max;
            if asked > most { Err(over(line, "input-current-limit", asked, most)) } else { Ok(()) }
        };
        power(self.line, "pv", self.start.pv, limits.pv_power_max)?;
        power(self.line, "ac-pv", self.start.ac_pv, limits.pv_power_max)?;
        power(self.line, "ac-load", self.start.ac_load, limits.ac_load_max)?;
        self.start.input_current_limit.map_or(Ok(()), |asked| current(self.line, asked))?;
        let mut steps = Vec::new();
        each(&self.steps, &mut |step| steps.push(step));
        steps.into_iter().flat_map(|step| step.ops().iter().map(move |op| (step, op))).try_for_each(
            |(step, op)| {
                let line = step.at.line;
                match *op {
                    Op::Ramp { to: asked, .. } | Op::Apply(Stimulus::Pv(asked) | Stimulus::AcPv(asked)) => {
                        power(line, step.verb, asked, limits.pv_power_max)
                    }
                    Op::Apply(Stimulus::AcLoad(asked)) => power(line, step.verb, asked, limits.ac_load_max),
                    Op::Apply(Stimulus::InputCurrentLimit(asked)) => current(line, asked),
                    // The same limit by another way.
                    Op::Apply(Stimulus::GxWrite { register, value }) => inverter::INPUT_CURRENT_LIMIT
                        .read(register, &[value])
                        .map_or(Ok(()), |amps| current(line, Amps(amps))),
                    _ => Ok(()),
                }
            },
        )
    }
}

fn not_tried(reason: String) -> BindError {
    BindError::NotTried { reason }
}

fn over(line: u32, what: &str, asked: impl core::fmt::Display, most: impl core::fmt::Display) -> BindError {
    not_tried(format!("line {line}: `{what}` of {asked} is above the rig's limit of {most} (`limits`)"))
}

/// How many operations steps become, every `repeat` written out.
pub(super) fn operations(steps: &[Step]) -> u64 {
    steps.iter().fold(0_u64, |sum, step| {
        sum.saturating_add(match &step.does {
            Does::Repeat { times, steps } => u64::from(*times).saturating_mul(operations(steps)),
            _ => step.ops().len() as u64,
        })
    })
}

struct Writer {
    /// The rig cannot charge one cell: an operator is asked to.
    asks: bool,
    program: Vec<Operation>,
}

impl Writer {
    fn steps(&mut self, steps: &[Step], suffix: &str) {
        for step in steps {
            if let Does::Repeat { times, steps } = &step.does {
                (1..=*times).for_each(|round| self.steps(steps, &format!("{suffix}-{round}")));
            }
            for (k, op) in step.ops().iter().enumerate() {
                let op = match op {
                    Op::Mark(name) => Op::Mark(format!("{name}{suffix}")),
                    &Op::Apply(Stimulus::Imbalance(by)) => self.imbalance(by),
                    op => op.clone(),
                };
                let begins = (k == 0).then(|| step.to_string());
                self.program.push(Operation { line: step.at.line, begins, op });
            }
        }
    }

    fn imbalance(&self, by: Percent) -> Op {
        if !self.asks {
            return Op::Apply(Stimulus::Imbalance(by));
        }
        Op::Ask {
            text: format!(
                "Charge one cell until its state of charge is {by} above the others (P 1.5.3.2), then confirm."
            ),
            timeout: CHARGE_ONE_CELL,
        }
    }
}

/// Time an operator is given to charge one cell: 5 % of 280 Ah at 10 A take an hour and a half.
const CHARGE_ONE_CELL: Micros = Micros::from_secs(6 * 3600);
