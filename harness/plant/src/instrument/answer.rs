//! What an instrument does with a line.

use proto::quantity::{Amps, Micros, Volts, Watts};

use super::{Instrument, RATED_CURRENT, RATED_VOLTAGE, Regulation, header};
use proto::scpi::{Alarm, Does, Numbers};

/// Why a command is not done: entry of the queue, and the answer of a serial language without one.
type Refusal = (i32, &'static str);

const UNDEFINED: Refusal = (-113, "Undefined header");
const TYPE: Refusal = (-104, "Data type error");
const MISSING: Refusal = (-109, "Missing parameter");
const CONFLICT: Refusal = (-221, "Settings conflict");
const RANGE: Refusal = (-222, "Data out of range");

impl Instrument {
    /// One message: commands with `;` between them, the answers of its questions in one line.
    pub(super) fn line(&mut self, line: &str) {
        let acknowledges = self.dialect.acknowledges;
        if line.trim().is_empty() {
            if acknowledges && self.addressed {
                self.reply("OK");
            }
            return;
        }
        let mut answers = Vec::new();
        for command in line.split(';').map(str::trim).filter(|command| !command.is_empty()) {
            match self.perform(command) {
                Ok(Some(answer)) => answers.push(answer),
                Ok(None) if acknowledges && self.addressed => answers.push("OK".to_owned()),
                Ok(None) => {}
                // The serial language of Genesys: C… for what is no command, E… for what cannot be done now.
                Err(refusal) if acknowledges && self.addressed => {
                    let codes = [(UNDEFINED, "C01"), (MISSING, "C02"), (TYPE, "C03"), (RANGE, "C05")];
                    let code =
                        codes.iter().find(|(known, _)| *known == refusal).map_or("E07", |(_, code)| code);
                    answers.push(code.to_owned());
                }
                Err((code, text)) => self.complain(code, text),
            }
        }
        if !answers.is_empty() {
            self.reply(&answers.join(";"));
        }
    }

    fn perform(&mut self, command: &str) -> Result<Option<String>, Refusal> {
        let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
        let (word, question) = match word.strip_suffix('?') {
            Some(word) => (word, true),
            None => (word, false),
        };
        let does =
            self.dialect.words().find(|(notation, _)| header::matches(notation, word)).map(|(_, does)| does);
        if does == Some(Does::Address) {
            self.addressed = rest.trim() == "06" || rest.trim() == "6";
            return Ok(None);
        }
        if !self.addressed {
            return Ok(None);
        }
        let does = does.ok_or(UNDEFINED)?;
        // `CH1` and `CH1,…` name the one output there is.
        let mut values: Vec<&str> =
            rest.split(',').map(str::trim).filter(|value| !value.is_empty()).collect();
        if values.first().is_some_and(|value| value.eq_ignore_ascii_case("CH1")) {
            values.remove(0);
        }
        if question {
            // SCPI-99 Vol. 1, 7.2.1: whatever is set can be asked for the most that it takes.
            let most = values.first().is_some_and(|value| value.eq_ignore_ascii_case("MAX"));
            let does = match does {
                Does::Voltage if most => Does::RatedVoltage,
                Does::Current if most => Does::RatedCurrent,
                Does::Power if most => Does::RatedPower,
                does => does,
            };
            return self.question(does).map(Some);
        }
        self.command(does, &values).map(|()| None)
    }

    fn question(&mut self, does: Does) -> Result<String, Refusal> {
        let set = self.set;
        Ok(match does {
            Does::Identity if self.dialect.is_addressed => self.fields(0..2),
            Does::Identity => self.identity.clone(),
            Does::SerialNumber => self.fields(2..3),
            Does::Revision => self.fields(3..4),
            Does::Voltage => self.number(set.voltage.0, "V"),
            Does::Current => self.number(set.current.0, "A"),
            Does::Power => self.number(set.power.0, "W"),
            Does::OverVoltage => self.number(set.over_voltage.0, "V"),
            Does::OverCurrent => self.number(set.over_current.0, "A"),
            Does::OverPower => self.number(set.over_power.0, "W"),
            Does::LimitVoltage => format!("{},ON", self.number(set.over_voltage.0, "V")),
            Does::LimitCurrent => format!("{},ON", self.number(set.over_current.0, "A")),
            Does::GuardVoltage => self.state(set.guards_voltage),
            Does::GuardCurrent => self.state(set.guards_current),
            Does::Foldback => match set.folds_back_at {
                None => "OFF",
                Some(Regulation::Voltage) => "CV",
                Some(Regulation::Current) => "CC",
            }
            .to_owned(),
            Does::Output => self.state(self.on),
            Does::Mode => self.mode().to_owned(),
            Does::LockOwner => if self.set.remote { "REMOTE" } else { "NONE" }.to_owned(),
            Does::MeasureVoltage => self.number(self.terminals.0, "V"),
            Does::MeasureCurrent => self.number(self.current().0, "A"),
            Does::MeasurePower => self.number(self.terminals.0 * self.current().0, "W"),
            Does::Questionable => self.register().to_string(),
            Does::Fault => format!("{:02X}", self.register()),
            Does::TrippedVoltage => self.tripped(Alarm::OverVoltage),
            Does::TrippedCurrent => self.tripped(Alarm::OverCurrent),
            Does::Everything => self.everything(),
            Does::Status => {
                let state = if self.on { "ON" } else { "OFF" };
                format!("{},{state},{}", self.register(), self.mode())
            }
            Does::Errors => self.oldest_error(),
            Does::Events => std::mem::take(&mut self.events).to_string(),
            Does::Complete => "1".to_owned(),
            Does::Watchdog => self.state(set.watchdog.is_some()),
            // The time that is left, 0 once it has tripped, -1 where it is not armed.
            Does::WatchdogSet if self.tripped.contains(&Alarm::Watchdog) => "0".to_owned(),
            Does::WatchdogSet => {
                set.watchdog.map_or("-1".to_owned(), |delay| (delay.0.div_ceil(1000)).to_string())
            }
            Does::WatchdogDelay => (set.watchdog_delay.0 / 1_000_000).to_string(),
            Does::RatedVoltage => self.number(RATED_VOLTAGE.0, "V"),
            Does::RatedCurrent => self.number(RATED_CURRENT.0, "A"),
            Does::RatedPower => self.number(RATED_VOLTAGE.0 * RATED_CURRENT.0, "W"),
            Does::Quiet => self.state(false),
            _ => return Err(UNDEFINED),
        })
    }

    fn command(&mut self, does: Does, values: &[&str]) -> Result<(), Refusal> {
        let needs_remote = self.dialect.needs_remote
            && !matches!(does, Does::Lock | Does::LockWord | Does::Remote | Does::Local);
        if needs_remote && !self.set.remote && !matches!(does, Does::ClearStatus | Does::Quiet) {
            return Err(CONFLICT);
        }
        let first = values.first().copied();
        match does {
            Does::Voltage => {
                let volts = Volts(number(first, RATED_VOLTAGE.0)?);
                // Genesys, E01: never nearer than 5 % below the protection.
                if self.dialect.acknowledges && volts.0 * 1.05 > self.set.over_voltage.0 {
                    return Err(CONFLICT);
                }
                self.change(|set| set.voltage = volts);
            }
            Does::Current => {
                let amps = Amps(number(first, RATED_CURRENT.0)?).min(self.temper.most_current);
                self.change(|set| set.current = amps);
            }
            Does::Power => {
                let watts = Watts(number(first, RATED_VOLTAGE.0 * RATED_CURRENT.0)?);
                self.change(|set| set.power = watts);
            }
            Does::OverVoltage | Does::LimitVoltage => {
                let volts = Volts(number(first, RATED_VOLTAGE.0 * super::OVER_RANGE)?);
                if self.dialect.acknowledges && volts.0 < self.set.voltage.0 * 1.05 {
                    return Err(CONFLICT);
                }
                self.change(|set| set.over_voltage = volts);
            }
            Does::OverCurrent | Does::LimitCurrent => {
                let amps = Amps(number(first, RATED_CURRENT.0 * super::OVER_RANGE)?);
                self.change(|set| set.over_current = amps);
            }
            Does::OverPower => {
                let largest = RATED_VOLTAGE.0 * RATED_CURRENT.0 * super::OVER_RANGE;
                let watts = Watts(number(first, largest)?);
                self.change(|set| set.over_power = watts);
            }
            Does::GuardVoltage => {
                let on = state(first)?;
                self.change(|set| set.guards_voltage = on);
            }
            Does::GuardCurrent => {
                let on = state(first)?;
                self.change(|set| set.guards_current = on);
            }
            Does::Foldback => {
                let at = match first.ok_or(MISSING)?.to_ascii_uppercase().as_str() {
                    "OFF" => None,
                    "CV" => Some(Regulation::Voltage),
                    "CC" => Some(Regulation::Current),
                    _ => return Err(TYPE),
                };
                self.change(|set| set.folds_back_at = at);
            }
            Does::Output => self.switch(state(first)?),
            Does::Remote => self.change(|set| set.remote = true),
            Does::Local => self.change(|set| set.remote = false),
            Does::Lock => {
                let on = state(first)?;
                self.change(|set| set.remote = on);
            }
            Does::LockWord => {
                let on = first.ok_or(MISSING)?.to_ascii_uppercase().starts_with("REM");
                self.change(|set| set.remote = on);
            }
            Does::Clear | Does::TrippedVoltage | Does::TrippedCurrent => self.clear(),
            Does::ClearStatus => {
                self.errors.clear();
                self.events = 0;
            }
            Does::Watchdog => {
                let on = state(first)?;
                self.change(|set| set.watchdog = on.then_some(set.watchdog_delay));
            }
            Does::WatchdogDelay => self.set_watchdog_delay(Micros::from_secs(number(first, 3600.0)? as u64)),
            Does::WatchdogSet if first == Some("STOP") => {
                self.change(|set| set.watchdog = None);
                self.tripped.remove(&Alarm::Watchdog);
            }
            Does::WatchdogSet => {
                let millis = number(values.get(1).copied(), 10_000.0)?;
                self.change(|set| set.watchdog = Some(Micros::from_millis(millis as u64)));
            }
            Does::Quiet => {}
            _ => return Err(UNDEFINED),
        }
        self.advance(self.at);
        Ok(())
    }

    fn mode(&self) -> &'static str {
        if self.is_constant_voltage() { "CV" } else { "CC" }
    }

    /// Volts, amperes, watts, over-voltage, over-current, over-temperature; then 0 to 3: off, CV, CC, tripped.
    fn everything(&self) -> String {
        let (volts, amps) = (self.terminals.0, self.current().0);
        let flag = |alarm| if self.tripped.contains(&alarm) { "ON" } else { "OFF" };
        let mode = match (self.on, self.is_constant_voltage()) {
            _ if !self.tripped.is_empty() => 3,
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => 2,
        };
        let [over_voltage, over_current, over_temperature] =
            [Alarm::OverVoltage, Alarm::OverCurrent, Alarm::OverTemperature].map(flag);
        format!(
            "{volts:.3},{amps:.3},{:.3},{over_voltage},{over_current},{over_temperature},{mode}",
            volts * amps
        )
    }

    fn set_watchdog_delay(&mut self, delay: Micros) {
        self.change(|set| {
            set.watchdog_delay = delay;
            set.watchdog = set.watchdog.map(|_| delay);
        });
    }

    fn oldest_error(&mut self) -> String {
        if self.dialect.reading_errors_clears {
            self.clear();
        }
        match self.errors.pop_front() {
            Some((code, text)) => format!("{code},\"{text}\""),
            None => self.dialect.no_error.clone(),
        }
    }

    fn fields(&self, which: std::ops::Range<usize>) -> String {
        let fields: Vec<&str> = self.identity.split(',').collect();
        fields.get(which).unwrap_or_default().join(",")
    }

    fn register(&self) -> u16 {
        let bits = self.dialect.alarm_bits.iter().filter(|(alarm, _)| self.tripped.contains(alarm));
        bits.fold(0, |register, (_, bit)| register | 1 << bit)
    }

    fn tripped(&self, alarm: Alarm) -> String {
        let tripped = self.tripped.contains(&alarm);
        match (self.dialect.trips_in_words, tripped) {
            (true, true) => "YES",
            (true, false) => "NO",
            (false, true) => "1",
            (false, false) => "0",
        }
        .to_owned()
    }

    fn state(&self, on: bool) -> String {
        match (self.dialect.states_in_words, on) {
            (true, true) => "ON",
            (true, false) => "OFF",
            (false, true) => "1",
            (false, false) => "0",
        }
        .to_owned()
    }

    fn number(&self, value: f64, unit: &str) -> String {
        match self.dialect.numbers {
            Numbers::Plain => format!("{value:.3}"),
            Numbers::WithUnit => format!("{value:.2} {unit}"),
            Numbers::Exponent => {
                // Two digits and a sign, as NR3 of IEEE 488.2 has them.
                let text = format!("{value:.5e}");
                let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let exponent: i32 = exponent.parse().unwrap_or(0);
                format!("{mantissa}E{exponent:+03}")
            }
        }
    }
}

fn number(value: Option<&str>, largest: f64) -> Result<f64, Refusal> {
    let value: f64 = value.ok_or(MISSING)?.parse().map_err(|_| TYPE)?;
    if (0.0..=largest).contains(&value) { Ok(value) } else { Err(RANGE) }
}

fn state(value: Option<&str>) -> Result<bool, Refusal> {
    match value.ok_or(MISSING)?.to_ascii_uppercase().as_str() {
        "ON" | "1" => Ok(true),
        "OFF" | "0" => Ok(false),
        _ => Err(TYPE),
    }
}
