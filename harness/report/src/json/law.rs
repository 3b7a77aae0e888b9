//! The law of CVL as `verdicts.json` has it: each figure in the unit that its name ends with; what the evidence does not tell is
//! left out.

use judge::identify::{Cause, CellLaw, Follows, Law};
use proto::quantity::Micros;
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct LawDto {
    cases: usize,
    sentences: Vec<String>,
    #[serde(skip_serializing_if = "is_false")]
    constant: bool,
    #[serde(skip_serializing_if = "is_false")]
    each_frame: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<ClockDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    onset: Option<OnsetDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ramp: Option<RampDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rest: Option<RestDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<DriftDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cycle: Option<CycleDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    follows: Option<FollowsDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    margin: Option<MarginDto>,
}

#[derive(Serialize)]
struct ClockDto {
    period: Micros,
    fits: usize,
    of: usize,
}

#[derive(Serialize)]
struct OnsetDto {
    #[serde(rename = "cell_V")]
    cell: f64,
    #[serde(rename = "scatter_V")]
    scatter: f64,
    cases: usize,
}

#[derive(Serialize)]
struct RampDto {
    #[serde(rename = "step_V")]
    step: f64,
    every: Micros,
    steps: usize,
}

#[derive(Serialize)]
struct RestDto {
    #[serde(rename = "cvl_V")]
    cvl: f64,
    cases: usize,
    of: usize,
}

#[derive(Serialize)]
struct DriftDto {
    #[serde(rename = "slope_V_per_h")]
    slope: f64,
    straight: f64,
    length: Micros,
    #[serde(rename = "current_A")]
    current: f64,
}

#[derive(Serialize)]
struct CycleDto {
    period: Micros,
    scatter: Micros,
    #[serde(rename = "height_V")]
    height: f64,
    periods: usize,
    relay: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    turned_by: Option<&'static str>,
    #[serde(rename = "cell_at_turns_V")]
    turns: [f64; 2],
    #[serde(rename = "cell_scatter_V")]
    scatter_of_cell: f64,
    #[serde(rename = "cell_moves_V")]
    cell: f64,
}

#[derive(Serialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
enum FollowsDto {
    Voltage {
        slope: f64,
        error: f64,
        delay: Micros,
    },
    Current {
        #[serde(rename = "slope_ohm")]
        slope: f64,
        #[serde(rename = "error_ohm")]
        error: f64,
        discharge_only: bool,
    },
}

#[derive(Serialize)]
struct AnswerDto {
    law: &'static str,
    gain: f64,
    error: f64,
    #[serde(rename = "level_V", skip_serializing_if = "Option::is_none")]
    level: Option<f64>,
    every: Micros,
    filter: Micros,
    explained: f64,
    updates: usize,
}

#[derive(Serialize)]
struct MarginDto {
    gain: f64,
    period: Micros,
    #[serde(rename = "phase_deg", skip_serializing_if = "Option::is_none")]
    phase: Option<f64>,
    delay: Micros,
}

/// Nothing where no case had a full battery, or nothing is known.
pub(super) fn law(law: &Law) -> Option<LawDto> {
    let sentences = law.sentences();
    if sentences.is_empty() {
        return None;
    }
    Some(LawDto {
        cases: law.cases,
        sentences,
        constant: law.constant,
        each_frame: law.each_frame,
        clock: law.clock.map(|c| ClockDto { period: c.period, fits: c.fits, of: c.of }),
        onset: law.onset.map(|o| OnsetDto { cell: o.cell.0, scatter: o.scatter.0, cases: o.cases }),
        ramp: law.ramp.map(|r| RampDto { step: r.step.0, every: r.every, steps: r.steps }),
        rest: law.rest.map(|r| RestDto { cvl: r.cvl.0, cases: r.cases, of: r.of }),
        drift: law.drift.map(|d| DriftDto {
            slope: d.slope.0,
            straight: d.straight,
            length: d.length,
            current: d.current.0,
        }),
        cycle: law.cycle.map(|c| CycleDto {
            period: c.period,
            scatter: c.scatter,
            height: c.height.0,
            periods: c.periods,
            relay: c.relay,
            turned_by: c.by.map(|by| match by {
                Cause::Clock => "clock",
                Cause::Level => "highest-cell",
            }),
            turns: c.turns.map(|volts| volts.0),
            scatter_of_cell: c.scatter_of_cell.0,
            cell: c.cell.0,
        }),
        follows: law.follows.map(|found| match found {
            Follows::Voltage { slope, error, delay } => FollowsDto::Voltage { slope, error, delay },
            Follows::Current { slope, error, discharge } => {
                FollowsDto::Current { slope: slope.0, error: error.0, discharge_only: discharge }
            }
        }),
        answer: law.answer.map(|found| {
            let (law, gain, error, level) = match found.law {
                CellLaw::Proportional { gain, error } => ("proportional", gain, error, None),
                CellLaw::Integral { gain, error, level } => ("integral", gain, error, Some(level.0)),
            };
            let (every, filter) = (found.every, found.lag);
            let (explained, updates) = (found.explained, found.updates);
            AnswerDto { law, gain, error, level, every, filter, explained, updates }
        }),
        margin: law.margin.map(|m| MarginDto {
            gain: m.gain,
            period: m.period,
            phase: m.phase,
            delay: m.delay,
        }),
    })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(told: &bool) -> bool {
    !*told
}
