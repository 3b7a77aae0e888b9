//! A case meets a rig: what it needs is there, what it asks for lies within the rig's limits, and its steps
//! become a flat program.

use judge::catalogue::Requirement;
use proto::gx::inverter;
use proto::quantity::{AmpHours, Amps, Micros, Percent, Watts};
use proto::stimulus::{Start, Stimulus};

use super::step::{Step, Verb};
use super::{Case, Condition, Patience};
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
    /// initial conditions, without what an operator is asked for
    pub(crate) start: Start,
    pub(crate) program: Vec<Operation>,
    /// what the battery declares, once it is known
    pub(crate) capacity: Option<AmpHours>,
}

impl Runnable {
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

/// What an operation does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    Apply(Stimulus),
    Ramp { to: Watts, over: Micros },
    Hold(Micros),
    Until { condition: Condition, hold: Micros, timeout: Patience, requirement: Option<&'static Requirement> },
    Mark(String),
    Ask { text: String, timeout: Micros },
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
            start,
            program: writer.program,
            capacity: None,
        })
    }

    fn within(&self, limits: &RigLimits) -> Result<(), BindError> {
        let power = |line, what: &str, power: Watts, most: Watts| {
            if power > most { Err(over(line, what, power, most)) } else { Ok(()) }
        };
        let current = |line, asked: Amps| {
            let most = limits.input_current_limit_max;
            if asked > most { Err(over(line, "input-current-limit", asked, most)) } else { Ok(()) }
        };
        fn walk(
            steps: &[Step],
            check: &mut impl FnMut(&Step) -> Result<(), BindError>,
        ) -> Result<(), BindError> {
            steps.iter().try_for_each(|step| {
                check(step)?;
                if let Verb::Repeat { steps, .. } = &step.verb { walk(steps, check) } else { Ok(()) }
            })
        }
        power(self.line, "pv", self.start.pv, limits.pv_power_max)?;
        power(self.line, "ac-pv", self.start.ac_pv, limits.pv_power_max)?;
        power(self.line, "ac-load", self.start.ac_load, limits.ac_load_max)?;
        self.start.input_current_limit.map_or(Ok(()), |asked| current(self.line, asked))?;
        walk(&self.steps, &mut |step| match step.verb {
            Verb::Pv { power: asked, .. } => power(step.at.line, "pv", asked, limits.pv_power_max),
            Verb::AcPv(asked) => power(step.at.line, "ac-pv", asked, limits.pv_power_max),
            Verb::AcLoad(asked) => power(step.at.line, "ac-load", asked, limits.ac_load_max),
            Verb::Discharge { power: asked, .. } => {
                power(step.at.line, "discharge", asked, limits.ac_load_max)
            }
            Verb::InputCurrentLimit(asked) => current(step.at.line, asked),
            // The same limit by another way.
            Verb::GxWrite { register, value } => inverter::INPUT_CURRENT_LIMIT
                .read(register, &[value])
                .map_or(Ok(()), |amps| current(step.at.line, Amps(amps))),
            _ => Ok(()),
        })
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
        sum.saturating_add(match &step.verb {
            Verb::Repeat { times, steps } => u64::from(*times).saturating_mul(operations(steps)),
            Verb::Discharge { .. } => 3,
            _ => 1,
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
            self.step(step, suffix);
        }
    }

    fn step(&mut self, step: &Step, suffix: &str) {
        let mut push = |op| {
            self.program.push(Operation { line: step.at.line, begins: Some(step.to_string()), op });
        };
        match &step.verb {
            &Verb::Pv { power, over: None } => push(Op::Apply(Stimulus::Pv(power))),
            &Verb::Pv { power, over: Some(over) } => push(Op::Ramp { to: power, over }),
            &Verb::AcPv(power) => push(Op::Apply(Stimulus::AcPv(power))),
            &Verb::AcLoad(power) => push(Op::Apply(Stimulus::AcLoad(power))),
            &Verb::Grid(on) => push(Op::Apply(Stimulus::Grid(on))),
            &Verb::FeedIn(on) => push(Op::Apply(Stimulus::FeedIn(on))),
            &Verb::InputCurrentLimit(limit) => push(Op::Apply(Stimulus::InputCurrentLimit(limit))),
            &Verb::Hold(span) => push(Op::Hold(span)),
            Verb::Until { condition, hold, timeout, requirement } => push(Op::Until {
                condition: condition.clone(),
                hold: *hold,
                timeout: *timeout,
                requirement: *requirement,
            }),
            Verb::Mark(name) => push(Op::Mark(format!("{name}{suffix}"))),
            Verb::Repeat { times, steps } => {
                for round in 1..=*times {
                    self.steps(steps, &format!("{suffix}-{round}"));
                }
            }
            &Verb::Silence { id, span } => push(Op::Apply(Stimulus::Silence { id, span })),
            &Verb::Inject(fault) => push(Op::Apply(Stimulus::Inject(fault))),
            &Verb::Imbalance(by) => {
                let op = self.imbalance(by);
                self.program.push(Operation { line: step.at.line, begins: Some(step.to_string()), op });
            }
            Verb::Discharge { power, until, timeout } => {
                push(Op::Apply(Stimulus::AcLoad(*power)));
                let line = step.at.line;
                let until = Op::Until {
                    condition: until.clone(),
                    hold: Micros::ZERO,
                    timeout: *timeout,
                    requirement: None,
                };
                self.program.push(Operation { line, begins: None, op: until });
                let off = Op::Apply(Stimulus::AcLoad(Watts::ZERO));
                self.program.push(Operation { line, begins: None, op: off });
            }
            &Verb::GxWrite { register, value } => push(Op::Apply(Stimulus::GxWrite { register, value })),
            Verb::Prompt { text, timeout } => push(Op::Ask { text: text.clone(), timeout: *timeout }),
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
