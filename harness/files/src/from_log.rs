//! A first battery file from a CAN log: what the log tells, each value with the message it is from and how many there were,
//! and what it cannot tell, as an assumption that says so.

use std::fmt::Write as _;

use judge::portrait::{Kind, Portrait};
use proto::chemistry::{Cell, Chemistry};
use proto::message::Message;
use proto::quantity::AmpHours;
use proto::text::plain;

/// Lowest and highest of a field, and how many frames said it.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    low: f64,
    high: f64,
    frames: u64,
}

impl Span {
    fn take(&mut self, value: Option<f64>) {
        let Some(value) = value else { return };
        (self.low, self.high) =
            if self.frames == 0 { (value, value) } else { (self.low.min(value), self.high.max(value)) };
        self.frames += 1;
    }
}

/// What the frames of a battery come to. Feed it every message.
#[derive(Debug, Clone, Default)]
pub struct Told {
    cvl: Span,
    ccl: Span,
    dcl: Span,
    discharge_voltage: Span,
    capacity: Span,
    lowest_cell: Span,
    highest_cell: Span,
}

/// What the log does not say of itself.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// what the battery is to be called: the name of its file
    pub name: &'a str,
    /// the log, as it was named
    pub log: &'a str,
    /// cells in series
    pub cells: u16,
    /// what they are made of
    pub chemistry: Option<Chemistry>,
    /// installed capacity, where the battery does not send it
    pub capacity: Option<AmpHours>,
}

/// Why there is no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FromLogError {
    /// nothing to begin with
    #[error("no 0x351 with a CVL above 0 is in this log: there is no battery to describe")]
    NoLimits,
    /// not sent
    #[error(
        "0x379 (installed capacity) is not in this log: say it with --capacity, such as `--capacity 280Ah`"
    )]
    NoCapacity,
    /// the voltage does not tell
    #[error(
        "a CVL of {0} V for each of {1} cells is that of no LFP cell: say what they are made of with --chemistry (lfp, nmc, nca, \
         lto), or correct --cells"
    )]
    NoChemistry(String, u16),
}

impl Told {
    /// Takes a message of the battery.
    pub fn message(&mut self, message: &Message) {
        match message {
            Message::Limits(m) => {
                self.cvl.take(m.cvl().map(|v| v.0).filter(|&v| v > 0.0));
                self.ccl.take(m.ccl().map(|a| a.0));
                self.dcl.take(m.dcl().map(|a| a.0));
                self.discharge_voltage.take(m.discharge_voltage().map(|v| v.0));
            }
            Message::InstalledCapacity(m) => {
                self.capacity.take(m.capacity().map(|c| c.0).filter(|&c| c > 0.0));
            }
            Message::Cells(m) => {
                self.lowest_cell.take(m.min_cell().map(|v| v.0));
                self.highest_cell.take(m.max_cell().map(|v| v.0));
            }
            _ => {}
        }
    }

    /// The file.
    ///
    /// # Errors
    /// When the log lacks what nobody can assume.
    pub fn file(&self, portrait: &Portrait, asked: &Asked<'_>) -> Result<String, FromLogError> {
        let Asked { name, log, cells, .. } = *asked;
        if self.cvl.frames == 0 {
            return Err(FromLogError::NoLimits);
        }
        let count = f64::from(cells.max(1));
        let charged = self.cvl.high / count;
        let [low, high] = Chemistry::usual(Some(Chemistry::Lfp)).charged;
        let (chemistry, why) = match asked.chemistry {
            Some(chemistry) => (chemistry, "--chemistry"),
            None if (low..=high).contains(&charged) => {
                (Chemistry::Lfp, "by CVL and --cells; --chemistry says another")
            }
            None => return Err(FromLogError::NoChemistry(format!("{charged:.2}"), cells)),
        };
        let (capacity, of_capacity) = match (asked.capacity, self.capacity) {
            (Some(capacity), _) => (capacity.0, "--capacity".to_owned()),
            (None, Span { high, frames: 1.., .. }) => (high, format!("0x379, {}", frames(self.capacity))),
            _ => return Err(FromLogError::NoCapacity),
        };
        let Cell { empty, over, under, .. } = chemistry.cell();
        let over = over.max(((charged + 0.05) * 100.0).ceil() / 100.0);
        let (min_voltage, of_min) = self.emptiest(chemistry, count, empty);
        let mut out = format!(
            "# A first description, from {}: correct what a data sheet says better.\n",
            plain(log).replace('\n', " ")
        );
        for (what, value) in portrait.identity() {
            let _ = writeln!(out, "# {what}: {}", plain(&value));
        }
        if self.highest_cell.frames > 0 {
            let _ = writeln!(
                out,
                "# Cells from {:.3} to {:.3} V (0x373, {})",
                self.lowest_cell.low,
                self.highest_cell.high,
                frames(self.highest_cell)
            );
        }
        out.push_str("# Sent, and how often:\n");
        for row in portrait.messages.iter().filter(|row| row.count > 0 && row.kind != Kind::Gx) {
            let every =
                row.period.map_or_else(String::new, |period| format!(", every {:.2} s", period.secs()));
            let _ = writeln!(out, "#   0x{:03X}  {} frames{every}", row.id, row.count);
        }
        let title = serde_json::Value::from(plain(&portrait.name).into_owned());
        let mut line = |text: String, of: &str| {
            let _ = writeln!(out, "{text:34}# {of}");
        };
        line(format!("battery: {name}"), "the name of this file");
        line(format!("title: {title}"), &portrait.named_by);
        line("expect: pass".to_owned(), "");
        line("declared:".to_owned(), "");
        line(format!("  chemistry: {}", chemistry.name()), why);
        line(format!("  cells: {cells}"), "--cells: no message says how many");
        line(format!("  capacity: {capacity} Ah"), &of_capacity);
        line(
            format!("  max-charge-voltage: {:.1} V", self.cvl.high),
            &format!("0x351: the highest CVL, {}", frames(self.cvl)),
        );
        line(format!("  min-voltage: {min_voltage:.1} V"), &of_min);
        line(
            format!("  cell-over-voltage: {over:.2} V"),
            "no message says it (assumption: usual for the chemistry)",
        );
        line(
            format!("  cell-under-voltage: {under:.2} V"),
            "no message says it (assumption: usual for the chemistry)",
        );
        for (key, limit, span) in
            [("max-charge-current", "CCL", self.ccl), ("max-discharge-current", "DCL", self.dcl)]
        {
            let (amps, of) = if span.high >= capacity * 0.02 {
                (span.high, format!("0x351: the highest {limit}, {}", frames(span)))
            } else {
                (
                    capacity / 2.0,
                    format!(
                        "{limit} never was above {:.1} A in {} (assumption: 0.5 C)",
                        span.high,
                        frames(span)
                    ),
                )
            };
            line(format!("  {key}: {amps:.1} A"), &of);
        }
        line("  max-temperature: 55 °C".to_owned(), "no message says it (assumption)");
        if self.highest_cell.frames == 0 {
            line("  never-sends: [0x373]".to_owned(), "0x373 is not in this log");
        }
        Ok(out
            .lines()
            .map(|line| format!("{}\n", line.trim_end().trim_end_matches(" #").trim_end()))
            .collect())
    }

    /// The lowest voltage of the pack, and where it is from.
    fn emptiest(&self, chemistry: Chemistry, cells: f64, assumed: f64) -> (f64, String) {
        let [low, high] = Chemistry::usual(Some(chemistry)).empty;
        let said = self.discharge_voltage;
        if said.frames > 0 && (low..=high).contains(&(said.high / cells)) {
            return (said.high, format!("0x351: the highest discharge voltage, {}", frames(said)));
        }
        (assumed * cells, format!("0x351 has no such discharge voltage (assumption: {assumed:.2} V a cell)"))
    }
}

fn frames(span: Span) -> String {
    format!("{} frames", span.frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BatteryFile;
    use judge::wire::{Spot, Wire};
    use proto::message::{InstalledCapacity, Limits};
    use proto::quantity::{Amps, Micros, Volts};
    use rstest::rstest;

    fn log(volts: f64, amps: f64, capacity: Option<f64>) -> (Told, Portrait) {
        let (mut told, mut wire) = (Told::default(), Wire::default());
        let limits: Message = Limits::new(Volts(volts), Amps(amps), Amps(100.0), Volts(0.0)).into();
        let capacity = capacity.map(|capacity| InstalledCapacity::new(AmpHours(capacity)).into());
        for second in 0..5 {
            for message in [Some(limits), capacity].into_iter().flatten() {
                told.message(&message);
                wire.frame(Spot::new(Micros::from_secs(second), None), &message.encode(), Some(&message));
            }
        }
        (told, Portrait::of(&wire, true))
    }

    fn asked(cells: u16, chemistry: Option<Chemistry>, capacity: Option<f64>) -> Asked<'static> {
        Asked { name: "mine", log: "my.log", cells, chemistry, capacity: capacity.map(AmpHours) }
    }

    #[rstest]
    #[case::as_it_says((53.2, 50.0, Some(100.0)), asked(15, None, None), "0x351: the highest CVL, 5 frames")]
    #[case::by_option((53.2, 50.0, None), asked(15, None, Some(74.0)), "capacity: 74 Ah            # --capacity")]
    #[case::no_current((56.0, 0.0, Some(100.0)), asked(16, None, None), "max-charge-current: 50.0 A  # CCL never was above 0.0 A")]
    #[case::nickel((57.4, 50.0, Some(100.0)), asked(14, Some(Chemistry::Nmc), None), "chemistry: nmc")]
    fn what_is_written_can_be_read(
        #[case] (volts, amps, capacity): (f64, f64, Option<f64>),
        #[case] asked: Asked<'_>,
        #[case] holds: &str,
    ) {
        let (told, portrait) = log(volts, amps, capacity);
        let text = told.file(&portrait, &asked).expect("all is known");
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed(&text).contains(&squeezed(holds)), "{text}");
        let file = BatteryFile::parse("mine.yaml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!((file.declared.max_charge_voltage.0 - volts).abs() < 1e-9 && !file.sends_cells);
    }

    #[rstest]
    #[case((0.0, 50.0, Some(100.0)), asked(15, None, None), FromLogError::NoLimits)]
    #[case((53.2, 50.0, None), asked(15, None, None), FromLogError::NoCapacity)]
    #[case((57.4, 50.0, None), asked(14, None, None), FromLogError::NoChemistry("4.10".to_owned(), 14))]
    fn what_the_log_lacks_is_asked_for(
        #[case] (volts, amps, capacity): (f64, f64, Option<f64>),
        #[case] asked: Asked<'_>,
        #[case] lacks: FromLogError,
    ) {
        let (told, portrait) = log(volts, amps, capacity);
        assert_eq!(told.file(&portrait, &asked), Err(lacks));
    }
}
