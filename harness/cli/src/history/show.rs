//! The nights that were asked for, with what was asked of them: as a table or as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use evidence::text::plain;
use report::history::changes::Past;
use report::history::night::Standing;
use report::history::{By, History, Which};
use serde_json::json;

use super::{Asked, Format};
use crate::nightly::refused;
use crate::{Exit, Failure};

/// What is looked up in each night.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of<'a> {
    All,
    Case(&'a str),
    Requirement(&'a str),
    Figure(&'a str),
}

pub(super) fn show(path: &Path, asked: &Asked, of: Of<'_>) -> Result<Exit, Failure> {
    let history = History::existing(path).map_err(refused)?;
    let named = [(By::Rig, &asked.rig), (By::Battery, &asked.battery), (By::Firmware, &asked.firmware)];
    for (by, name) in named {
        if let Some(name) = name {
            known(&history, by, name)?;
        }
    }
    let [rig, battery, firmware] = named.map(|(_, name)| name.as_deref());
    let nights =
        history.nights(Which { rig, battery, firmware, alone: true, last: asked.last }).map_err(refused)?;
    if nights.is_empty() {
        return Err(Failure::usage(
            "no night and no run is all of that: leave out --rig, --battery or --firmware".to_owned(),
        ));
    }
    there(&nights, of)?;
    let text = match asked.format {
        Format::Json => {
            let all: Vec<_> = nights.iter().map(|night| entry(night, of)).collect();
            format!("{:#}\n", serde_json::Value::Array(all))
        }
        Format::Text => nights.iter().map(|night| line(night, of)).collect(),
    };
    crate::answer(&text)?;
    Ok(Exit::Pass)
}

/// Refuses a rig, battery or firmware that the history never saw: nothing found is no answer to a slip of the pen.
fn known(history: &History, by: By, name: &str) -> Result<(), Failure> {
    let all = history.known(by).map_err(refused)?;
    if all.iter().any(|known| known == name) {
        return Ok(());
    }
    let quoted: Vec<String> = all.iter().map(|known| format!("`{}`", plain(known))).collect();
    let word = by.word();
    Err(Failure::usage(match quoted.is_empty() {
        true => "the history holds no night and no run yet".to_owned(),
        false => format!("the history knows no {word} `{name}`; it knows {}", quoted.join(", ")),
    }))
}

/// Refuses a case or a figure that no night has.
fn there(nights: &[Past], of: Of<'_>) -> Result<(), Failure> {
    let (what, name, all): (_, _, BTreeSet<&String>) = match of {
        Of::Case(case) => ("tried", case, nights.iter().flat_map(|night| night.cases.keys()).collect()),
        Of::Figure(name) => (
            "measured",
            name,
            nights.iter().flat_map(|night| night.figures.keys().map(|key| &key.1)).collect(),
        ),
        Of::All | Of::Requirement(_) => return Ok(()),
    };
    if all.iter().any(|known| *known == name) {
        return Ok(());
    }
    let nearest = files::nearest(name, &all.into_iter().cloned().collect::<Vec<_>>());
    Err(Failure::usage(format!("none of these nights {what} `{name}`; the nearest: {}", nearest.join(", "))))
}

fn line(night: &Past, of: Of<'_>) -> String {
    let kind = if night.alone { "run" } else { "night" };
    let head = format!(
        "{:<20}  {kind:<5}  {:<40}  {:<8}",
        plain(&night.started),
        plain(&night.name),
        plain(&night.firmware)
    );
    let found = match of {
        Of::Case(case) => {
            let Some((standing, reason)) = night.cases.get(case) else {
                return format!("{head}  not tried\n");
            };
            let figures: Vec<String> = figures(night, |of, _| of == case)
                .map(|(_, name, value, unit)| format!("{name} {} {unit}", evidence::words::trim(value, 3)))
                .collect();
            let reason = if reason.is_empty() { String::new() } else { format!("\n    {}", plain(reason)) };
            format!("{standing}{reason}\n    {}", plain(&figures.join(", ")))
        }
        Of::Requirement(id) => {
            let mut found: Vec<String> =
                requirement(night, id).map(|(case, how)| format!("{case} {how}")).collect();
            match night.held.iter().filter(|(_, held)| held == id).count() {
                0 if found.is_empty() => found.push("not judged".to_owned()),
                0 => {}
                1 => found.push("held in 1 case".to_owned()),
                held => found.push(format!("held in {held} cases")),
            }
            plain(&found.join(", ")).into_owned()
        }
        Of::Figure(name) => {
            let found: Vec<String> = figures(night, |_, of| of == name)
                .map(|(case, _, value, unit)| format!("{case} {} {unit}", evidence::words::trim(value, 3)))
                .collect();
            if found.is_empty() { "not measured".to_owned() } else { plain(&found.join(", ")).into_owned() }
        }
        Of::All => {
            let of = |standing| night.cases.values().filter(|case| case.0 == standing).count();
            let counts: Vec<String> = Standing::ALL
                .into_iter()
                .filter(|&standing| of(standing) > 0)
                .map(|standing| format!("{} {standing}", of(standing)))
                .collect();
            format!("{:<12}  {}", night.standing.word(), counts.join(", "))
        }
    };
    format!("{head}  {found}\n")
}

fn entry(night: &Past, of: Of<'_>) -> serde_json::Value {
    let cases: BTreeMap<&String, serde_json::Value> = night
        .cases
        .iter()
        .filter(|(name, _)| match of {
            Of::Case(case) => case == name.as_str(),
            Of::Figure(figure) => figures(night, |of, one| of == *name && one == figure).next().is_some(),
            Of::All | Of::Requirement(_) => true,
        })
        .map(|(name, (standing, reason))| {
            let wanted = |one: &str| !matches!(of, Of::Figure(figure) if figure != one);
            let figures: BTreeMap<&str, serde_json::Value> =
                figures(night, |of, one| of == name && wanted(one))
                    .map(|(_, figure, value, unit)| (figure, json!({ "value": value, "unit": unit })))
                    .collect();
            let open: BTreeMap<&String, &String> = night
                .requirements
                .iter()
                .filter(|((of, _), _)| of == name)
                .map(|((_, one), how)| (one, how))
                .filter(|(one, _)| !matches!(of, Of::Requirement(id) if id != one.as_str()))
                .collect();
            let value = json!({
                "standing": standing.word(), "reason": reason, "requirements": open, "figures": figures
            });
            (name, value)
        })
        .collect();
    json!({
        "night": night.name, "kind": if night.alone { "run" } else { "night" }, "started": night.started,
        "rig": night.rig, "battery": night.battery, "firmware": night.firmware, "standing": night.standing.word(),
        "cases": cases
    })
}

/// Figures of a night: case, name, value, unit.
fn figures(
    night: &Past,
    wanted: impl Fn(&str, &str) -> bool,
) -> impl Iterator<Item = (&str, &str, f64, &str)> {
    let own = night.figures.iter().filter(move |((case, name), _)| wanted(case, name));
    own.map(|((case, name), (value, unit))| (case.as_str(), name.as_str(), *value, unit.as_str()))
}

fn requirement<'a>(night: &'a Past, id: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let own = night.requirements.iter().filter(move |((_, one), _)| one == id);
    own.map(|((case, _), how)| (case.as_str(), how.as_str()))
}
