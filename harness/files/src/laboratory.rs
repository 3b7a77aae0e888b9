//! What a rig file says of the laboratory it stands in, and that a certificate must carry: ISO/IEC 17025 clauses 6.4.13,
//! 7.8.2 and 7.8.6.

use engine::yaml::{Layers, YamlError};
use judge::thresholds::Thresholds;
use schemars::JsonSchema;
use serde::Deserialize;

/// The laboratory, its instruments and how it decides.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Laboratory {
    /// its name
    pub name: String,
    /// its address
    pub address: String,
    /// how measured values are held against their limits
    pub decision_rule: DecisionRule,
    /// what was measured with (6.4.13)
    pub instruments: Vec<Instrument>,
    /// how uncertain what is measured is
    pub uncertainty: Vec<Uncertainty>,
}

/// How a measured value is held against its limit (ILAC-G8:09/2019).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionRule {
    /// as measured, w = 0
    #[default]
    SimpleAcceptance,
    /// w = U: up to the limit less the expanded uncertainty; what is nearer to the limit, on either side, is undecided
    GuardBand,
}

/// An instrument and its calibration.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Instrument {
    /// what it does here, such as `supply`
    pub what: String,
    /// who made it, and its type
    pub maker: String,
    /// its serial number
    pub serial: String,
    /// its firmware
    #[serde(default)]
    pub firmware: String,
    /// where it stands
    pub location: String,
    /// the day it was calibrated, such as `2026-03-01`
    pub calibrated: String,
    /// the day until which that holds, such as `2027-03-01`
    pub due: String,
    /// the number of its certificate of calibration
    pub certificate: String,
}

/// The expanded uncertainty (k = 2) of a figure that verdicts rest on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Uncertainty {
    /// the figure, by the name of its threshold, such as `export-ripple`
    pub figure: String,
    /// how much, with the unit of the threshold, such as `0.5 %`
    pub expanded: String,
    /// where that is from
    pub from: String,
}

impl DecisionRule {
    /// The rule, the width of its guard band and the risk it leaves, as a certificate says it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::SimpleAcceptance => {
                "simple acceptance, guard band w = 0 (ILAC-G8:09/2019, 4.2.1): figures are held against limits as measured; one \
                 at its limit is accepted wrongly with a probability of up to 50 %"
            }
            Self::GuardBand => {
                "guard band w = U (ILAC-G8:09/2019, 4.2.2): a measured figure is accepted up to its limit less its expanded \
                 uncertainty; one is accepted wrongly with a probability of less than 2.5 %"
            }
        }
    }
}

impl Instrument {
    /// Whether what an instrument says of itself holds this serial number, as a word of its own.
    #[must_use]
    pub fn is(&self, says: &str) -> bool {
        let serial = self.serial.trim();
        let apart = |text: Option<char>| text.is_none_or(|c| !c.is_alphanumeric());
        !serial.is_empty()
            && says.match_indices(serial).any(|(at, _)| {
                apart(says[..at].chars().next_back()) && apart(says[at + serial.len()..].chars().next())
            })
    }
}

impl Laboratory {
    /// These thresholds with the uncertainty that this laboratory states for each figure; with simple acceptance its instruments
    /// are taken as exact.
    #[must_use]
    pub fn with_uncertainty(&self, mut thresholds: Thresholds) -> Thresholds {
        match self.decision_rule {
            DecisionRule::SimpleAcceptance => thresholds.take_as_measured(),
            DecisionRule::GuardBand => {
                for stated in &self.uncertainty {
                    // What is no such quantity was refused with the file.
                    thresholds.state_uncertainty(&stated.figure, &stated.expanded).unwrap_or(());
                }
            }
        }
        thresholds
    }

    /// Whether it says what it must.
    pub(crate) fn check(&self, layers: &Layers) -> Result<(), YamlError> {
        for instrument in &self.instruments {
            if instrument.serial.trim().is_empty() {
                let message = format!("the {} has an empty serial number", instrument.what);
                let expected = "the number on its plate: what answers in a run is held against it";
                return Err(layers.refuse("laboratory.instruments", message, expected));
            }
            for (key, day) in [("calibrated", &instrument.calibrated), ("due", &instrument.due)] {
                if !is_day(day) {
                    let message = format!("`{day}` is no day: {key} of the {}", instrument.what);
                    return Err(layers.refuse(
                        "laboratory.instruments",
                        message,
                        "a day, such as `2026-03-01`",
                    ));
                }
            }
        }
        for stated in &self.uncertainty {
            Thresholds::amount(&stated.figure, &stated.expanded).map_err(|error| {
                let expected = "a figure by the name of its threshold, and how much, such as `{ figure: export-ripple, \
                                expanded: 0.5 %, from: … }`";
                layers.refuse("laboratory.uncertainty", error.to_string(), expected)
            })?;
        }
        Ok(())
    }

    /// Instruments whose calibration does not hold on this day, written as `2026-03-01`.
    #[must_use]
    pub fn out_of_calibration(&self, today: &str) -> Vec<String> {
        // Days that are written so sort as they follow each other.
        let out = |i: &&Instrument| today > i.due.as_str() || today < i.calibrated.as_str();
        let say = |i: &Instrument| {
            format!(
                "the calibration of the {} ({}, serial {}) holds from {} to {}, not on {today}",
                i.what, i.maker, i.serial, i.calibrated, i.due
            )
        };
        self.instruments.iter().filter(out).map(say).collect()
    }
}

/// Whether a text is a day of the calendar, written as `2026-03-01`.
#[must_use]
pub fn is_day(text: &str) -> bool {
    // The library refuses days that no month has.
    text.len() == 10 && humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).is_ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::RigFile;

    fn rig(due: &str) -> Result<RigFile, String> {
        let file = include_str!("../../../rigs/lab-example.yaml").replacen(
            "due: 2027-03-01",
            &format!("due: {due}"),
            1,
        );
        RigFile::parse("rigs/lab.yaml", &file).map_err(|error| error.to_string())
    }

    #[rstest]
    #[case("2027-03-01", "2027-03-01", 0)]
    #[case("2027-03-02", "2027-03-02", 1)]
    #[case("2027-03-01", "2027-03-02", 2)]
    #[case("2027-03-01", "2026-02-28", 2)]
    fn a_calibration_holds_to_its_last_day(#[case] due: &str, #[case] today: &str, #[case] out: usize) {
        let rig = rig(due).expect("it is shipped");
        assert_eq!(rig.laboratory.expect("it says").out_of_calibration(today).len(), out);
    }

    #[rstest]
    #[case("1.3.2027")]
    #[case("2027-13-01")]
    #[case("2027-02-29")]
    #[case("2027-06-31")]
    #[case("next year")]
    fn what_is_no_day_is_refused(#[case] due: &str) {
        let error = rig(due).expect_err("refused");
        assert!(error.starts_with("rigs/lab.yaml:") && error.contains("is no day"), "{error}");
    }

    #[test]
    fn an_empty_serial_number_is_that_of_any_instrument_and_refused() {
        let file = include_str!("../../../rigs/lab-example.yaml");
        let error =
            RigFile::parse("rigs/lab.yaml", &file.replacen("serial: \"1234567890\"", "serial: \" \"", 1));
        let error = error.expect_err("refused").to_string();
        assert!(error.contains("the supply has an empty serial number"), "{error}");
    }

    #[rstest]
    #[case("figure: export-riple, expanded: 0.5 %", "the nearest is `export-ripple`")]
    #[case("figure: export-ripple, expanded: 0.5 W", "does not fit")]
    #[case("figure: export-ripple, expanded: -1 %", "negative")]
    fn an_uncertainty_is_that_of_a_figure_in_its_unit(#[case] stated: &str, #[case] says: &str) {
        let file = include_str!("../../../rigs/lab-example.yaml");
        let good = "figure: export-ripple, expanded: 0.5 %";
        assert!(file.contains(good), "{good} stands in the file");
        let error = RigFile::parse("rigs/lab.yaml", &file.replacen(good, stated, 1))
            .expect_err("refused")
            .to_string();
        assert!(error.starts_with("rigs/lab.yaml:") && error.contains(says), "{error}");
    }
}
