//! One point: its cases played and judged, and how close the worst of it was.

use std::sync::atomic::AtomicBool;

use engine::suite::Suite;
use evidence::plan::Planned;
use files::full_name;
use judge::requirement::Requirement;
use judge::verdict::{Outcome, Verdict, over_cases};
use serde::{Deserialize, Serialize};

use super::case::file_of;
use super::space::{Space, Texts};
use crate::Setup;
use crate::attempt::Unseen;

/// What came of a point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Found {
    /// of the requirements that were asked for, over its cases: `pass`, `fail` or `inconclusive`
    pub outcome: String,
    /// what was closest to its limit, or furthest beyond it; nothing where nothing was decided
    pub worst: Option<Worst>,
    /// why something was not decided; empty where everything was
    pub undecided: String,
}

/// One verdict, of which nothing in the same point was closer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Worst {
    /// its requirement
    pub requirement: String,
    /// the case, `suite/case`, as the suite is called that was asked for
    pub case: String,
    /// the figure that decided it; nothing where none did
    pub figure: Option<Figure>,
    /// the reason of the verdict, where it is a failure
    pub reason: String,
}

/// A figure beside its limit, as `verdicts.json` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Figure {
    /// the name of the threshold
    pub threshold: String,
    /// the unit of the three numbers that follow
    pub unit: String,
    /// what was measured
    #[serde(with = "crate::results::exact")]
    pub value: f64,
    /// the limit in force
    #[serde(with = "crate::results::exact")]
    pub limit: f64,
    /// how far the value lies on the right side of it
    #[serde(with = "crate::results::exact")]
    pub margin: f64,
    /// the same as a share of the limit
    #[serde(with = "crate::results::exact")]
    pub room: f64,
}

impl Worst {
    /// How close it was, the least being the worst: the room of its figure. What failed without a figure counts as a failure by
    /// all of a limit, what passed without one as a limit that nothing came near.
    #[must_use]
    pub fn room(&self) -> f64 {
        self.figure.as_ref().map_or(if self.reason.is_empty() { 1.0 } else { -1.0 }, |figure| figure.room)
    }

    fn of(case: &str, verdict: &Verdict) -> Option<Self> {
        let failed = match verdict.outcome {
            Outcome::Pass => false,
            Outcome::Fail => true,
            Outcome::Inconclusive | Outcome::NotApplicable => return None,
        };
        let figure = verdict.closest().map(|(_, measure)| Figure {
            threshold: measure.threshold.to_owned(),
            unit: measure.row().map_or("", |row| row.unit).to_owned(),
            value: measure.value,
            limit: measure.limit,
            margin: measure.margin(),
            room: measure.room(),
        });
        let reason = if failed { verdict.reason.clone() } else { String::new() };
        Some(Self { requirement: verdict.requirement.id.to_owned(), case: case.to_owned(), figure, reason })
    }
}

impl Found {
    /// What a search makes less; nothing where nothing was decided.
    #[must_use]
    pub fn room(&self) -> Option<f64> {
        self.worst.as_ref().map(Worst::room)
    }

    fn nothing(why: String) -> Self {
        Self { outcome: Outcome::Inconclusive.name().to_owned(), worst: None, undecided: why }
    }
}

/// An error without the lines of the file that it shows.
fn first_line(error: &impl ToString) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Plays the cases of a point with this seed, until somebody wants it to end.
pub(super) fn play(
    space: &Space,
    texts: &Texts,
    (rows, seed): (&[&'static Requirement], u64),
    stop: &AtomicBool,
) -> Found {
    let read = space.read(texts).and_then(|(rig, battery)| Setup::of(rig, battery));
    let setup = match read {
        Ok(setup) => setup,
        Err(error) => return Found::nothing(format!("there is no such world: {}", first_line(&error))),
    };
    let mut verdicts = Vec::new();
    let mut undecided = String::new();
    for template in &space.suites {
        let own = texts.suites.get(template.name()).map(|text| Suite::parse(&file_of(template.name()), text));
        let suite = match &own {
            Some(Ok(suite)) => suite,
            Some(Err(error)) => {
                return Found::nothing(format!("there is no such case: {}", first_line(error)));
            }
            None => template.as_it_is(),
        };
        let cases = suite.cases.iter().filter(|case| template.cases.contains(&case.name));
        let entries = match setup.plan(cases.map(|case| (suite, case))) {
            Ok(entries) => entries,
            Err(error) => return Found::nothing(error.to_string()),
        };
        for entry in entries {
            let known = format!("{}/{}", template.name(), entry.case.name);
            if let Planned::NotTried { reason, .. } = &entry.planned {
                undecided.clone_from(reason);
            }
            let name = full_name(suite, entry.case);
            let attempt = setup.attempt_until(stop, entry.planned, &name, seed, &mut Unseen);
            let of_interest =
                attempt.verdicts.into_iter().filter(|v| rows.iter().any(|row| row.id == v.requirement.id));
            verdicts.extend(of_interest.map(|verdict| (known.clone(), verdict)));
        }
    }
    let of = |row: &&Requirement| {
        over_cases(verdicts.iter().filter(|(_, v)| v.requirement.id == row.id).map(|(_, v)| v.outcome))
    };
    let outcome = over_cases(rows.iter().map(of));
    let open = verdicts.iter().find(|(_, verdict)| verdict.outcome == Outcome::Inconclusive);
    if let Some((case, verdict)) = open {
        undecided = format!("{case}: {}: {}", verdict.requirement.id, verdict.reason);
    }
    let worst = verdicts.iter().filter_map(|(case, verdict)| Worst::of(case, verdict));
    let worst = worst.min_by(|a, b| a.room().total_cmp(&b.room()));
    Found { outcome: outcome.name().to_owned(), worst, undecided }
}
