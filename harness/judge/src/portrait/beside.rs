//! The pages of the GX as the bus says them, beside what the GX really showed.

use super::pages::ALARMS;
use crate::recording::Recording;
use crate::trace::Channel;

/// A page as an end customer sees it (P 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPage {
    /// its title
    pub title: String,
    /// its rows
    pub rows: Vec<SeenRow>,
}

/// A row of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRow {
    /// what it is
    pub label: &'static str,
    /// as the battery sent it last, `--` for what it did not send
    pub sent: Vec<String>,
    /// as the registers of the GX had it last; empty where it has none for it, or was not asked
    pub shown: Vec<String>,
}

/// How a register of the GX is written on its pages.
#[derive(Clone, Copy)]
enum Form {
    Number(usize, &'static str),
    Name,
    YesNo,
}

const VOLTS_1: Form = Form::Number(1, "V");
const VOLTS_3: Form = Form::Number(3, "V");
const AMPS: Form = Form::Number(1, "A");
const DEGREES: Form = Form::Number(0, "°C");
const COUNT: Form = Form::Number(0, "");

/// The rows that the GX has registers for.
#[rustfmt::skip]
const ROWS: [(&str, &[(Channel, Form)]); 13] = [
    ("Battery", &[(Channel::GxPackVoltage, Form::Number(2, "V")), (Channel::GxPackCurrent, AMPS)]),
    ("State of charge", &[(Channel::GxSoc, COUNT_PERCENT)]),
    ("Lowest cell voltage", &[(Channel::GxMinCellId, Form::Name), (Channel::GxMinCell, VOLTS_3)]),
    ("Highest cell voltage", &[(Channel::GxMaxCellId, Form::Name), (Channel::GxMaxCell, VOLTS_3)]),
    ("Minimum cell temperature", &[(Channel::GxColdestCellId, Form::Name), (Channel::GxMinCellTemperature, DEGREES)]),
    ("Maximum cell temperature", &[(Channel::GxHottestCellId, Form::Name), (Channel::GxMaxCellTemperature, DEGREES)]),
    ("Battery modules", &[(Channel::GxModulesOnline, Form::Number(0, " online")), (Channel::GxModulesOffline, Form::Number(0, " offline"))]),
    ("Nr. of modules blocking charge / discharge", &[(Channel::GxModulesBlockingCharge, COUNT), (Channel::GxModulesBlockingDischarge, COUNT)]),
    ("Installed / Available capacity", &[(Channel::GxCapacity, Form::Number(0, "Ah available"))]),
    ("Connected", &[(Channel::GxBattery, Form::YesNo)]),
    ("Charge Voltage Limit (CVL)", &[(Channel::GxCvl, VOLTS_1)]),
    ("Charge Current Limit (CCL)", &[(Channel::GxCcl, AMPS)]),
    ("Discharge Current Limit (DCL)", &[(Channel::GxDcl, AMPS)]),
];
const COUNT_PERCENT: Form = Form::Number(0, "%");

/// The pages of a recording; none where the battery was not heard.
#[must_use]
pub fn beside(recording: &Recording) -> Vec<SeenPage> {
    if !recording.wire().has_battery() {
        return Vec::new();
    }
    let pages = recording.portrait().pages.into_iter();
    pages
        .map(|page| SeenPage {
            title: page.title,
            rows: page
                .rows
                .into_iter()
                .map(|row| SeenRow { label: row.label, sent: row.values, shown: shown(recording, row.label) })
                .collect(),
        })
        .collect()
}

fn shown(recording: &Recording, label: &str) -> Vec<String> {
    let last = |channel| recording.trace().series(channel).last();
    if let Some(&(_, kind)) = ALARMS.iter().find(|(row, _)| *row == label) {
        // The GX offers one register for each; what it tells of a warning is not in the trace.
        let word = |mask: f64| if mask as u16 & kind.bit() != 0 { "Alarm" } else { "no alarm" };
        return last(Channel::GxAlarms).map(|mask| word(mask).to_owned()).into_iter().collect();
    }
    let Some((_, cells)) = ROWS.iter().find(|(row, _)| *row == label) else { return Vec::new() };
    cells
        .iter()
        .filter_map(|&(channel, form)| {
            let value = last(channel)?;
            Some(match form {
                // Adding zero keeps −0 from showing.
                Form::Number(digits, unit) => {
                    let step = 10_f64.powi(digits as i32);
                    format!("{:.digits$}{unit}", (value * step).round() / step + 0.0)
                }
                Form::Name => {
                    String::from_utf8_lossy(recording.text(value)?.text().trim_ascii_end()).into_owned()
                }
                Form::YesNo => if value > 0.0 { "Yes" } else { "No" }.to_owned(),
            })
        })
        .collect()
}
