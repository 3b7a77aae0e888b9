//! What is watched as [OpenMetrics](https://prometheus.io/docs/specs/om/open_metrics_spec/) text, for a monitoring system
//! to collect.

use core::fmt::{self, Write as _};

use crate::view::{Output, State, View};

/// The content type of it.
pub const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A family: its name, what it is, and a sample of it for each run that has one.
type Family = (&'static str, &'static str, fn(&mut String, &'static str, &View) -> fmt::Result);

const FAMILIES: &[Family] = &[
    (
        "busbar_run_going_on",
        "Whether the run writes (1), or is quiet or has ended (0).",
        |out, name, view| sample(out, name, view, &[], f64::from(view.state == State::Running)),
    ),
    ("busbar_run_quiet_seconds", "For how long the run wrote nothing, by the clock.", |out, name, view| {
        view.quiet_s.map_or(Ok(()), |quiet| sample(out, name, view, &[], quiet))
    }),
    ("busbar_cases", "Cases that were asked for.", |out, name, view| {
        sample(out, name, view, &[], view.cases as f64)
    }),
    ("busbar_cases_ended", "Cases that have ended, by their outcome.", |out, name, view| {
        for outcome in ["pass", "fail", "inconclusive", "not-applicable"] {
            let count = view.ended.get(outcome).copied().unwrap_or_default();
            sample(out, name, view, &[("outcome", outcome)], count as f64)?;
        }
        Ok(())
    }),
    (
        "busbar_supply_output_state",
        "What is known of the output of the supply: 1 for what it is.",
        |out, name, view| {
            [Output::On, Output::Off, Output::Unknown, Output::NotConfirmedOff, Output::None]
                .into_iter()
                .try_for_each(|output| {
                    let is = f64::from(view.output == output);
                    sample(out, name, view, &[("state", output.name())], is)
                })
        },
    ),
    ("busbar_reading", "A measured quantity by its key, in the unit that is named.", |out, name, view| {
        view.readings.iter().try_for_each(|reading| {
            sample(out, name, view, &[("quantity", reading.key), ("unit", reading.unit)], reading.value)
        })
    }),
    ("busbar_reading_age_seconds", "How old a reading is, in the time of the rig.", |out, name, view| {
        view.readings
            .iter()
            .try_for_each(|reading| sample(out, name, view, &[("quantity", reading.key)], reading.age_s))
    }),
    ("busbar_limit_room_ratio", "Room to a limit of the rig, as a share of it.", |out, name, view| {
        let shares = view.limits.iter().filter_map(|limit| Some((limit, limit.share?)));
        shares.into_iter().try_for_each(|(limit, share)| {
            sample(out, name, view, &[("quantity", limit.key), ("sense", limit.sense)], share)
        })
    }),
];

/// All runs that are watched.
#[must_use]
pub fn text(views: &[View]) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut out, views);
    out
}

fn write(out: &mut String, views: &[View]) -> fmt::Result {
    let known: Vec<&View> = views.iter().filter(|view| view.state != State::Waiting).collect();
    for (name, help, samples) in FAMILIES {
        writeln!(out, "# TYPE {name} gauge\n# HELP {name} {help}")?;
        known.iter().try_for_each(|view| samples(out, name, view))?;
    }
    out.write_str("# EOF\n")
}

fn sample(out: &mut String, name: &str, view: &View, labels: &[(&str, &str)], value: f64) -> fmt::Result {
    let of_run = [
        ("folder", view.folder.as_str()),
        ("run", &view.run),
        ("rig", &view.rig),
        ("battery", &view.battery),
    ];
    write!(out, "{name}{{")?;
    for (place, (label, text)) in of_run.iter().chain(labels).enumerate() {
        let comma = if place == 0 { "" } else { "," };
        write!(out, "{comma}{label}=\"{}\"", Label(text))?;
    }
    match value {
        f64::INFINITY => writeln!(out, "}} +Inf"),
        f64::NEG_INFINITY => writeln!(out, "}} -Inf"),
        value => writeln!(out, "}} {value}"),
    }
}

/// A text as the value of a label.
struct Label<'t>(&'t str);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => f.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_text_that_a_monitor_reads() {
        let view = View {
            run: "a \"b\"\\".to_owned(),
            rig: "lab".to_owned(),
            battery: "acme".to_owned(),
            state: State::Running,
            output: Output::On,
            folder: "f".to_owned(),
            ended: [("pass".to_owned(), 1)].into(),
            ..View::default()
        };
        let text = text(&[view, View::default()]);
        let of = r#"folder="f",run="a \"b\"\\",rig="lab",battery="acme""#;
        assert!(text.contains(&format!("busbar_run_going_on{{{of}}} 1\n")), "{text}");
        assert!(text.contains(&format!("busbar_cases_ended{{{of},outcome=\"pass\"}} 1\n")), "{text}");
        assert!(text.contains(&format!("busbar_supply_output_state{{{of},state=\"on\"}} 1\n")), "{text}");
        assert!(
            text.contains(&format!("busbar_supply_output_state{{{of},state=\"not-confirmed-off\"}} 0\n")),
            "{text}"
        );
        assert_eq!(text.matches("busbar_cases{").count(), 1, "a folder without a run has no samples");
        assert!(text.ends_with("# EOF\n"));
    }
}
