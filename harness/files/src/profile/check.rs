//! What serde cannot say of a profile: a question must be one, and what is set needs its number.

use engine::yaml::{YamlError, refuse};
use proto::quantity::Micros;
use proto::scpi::{Ending, Field, Slot, Template, Terminator};

use super::{Guard, Profile, Setting, Status};

/// What a command is for.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// is answered
    Question,
    /// is not, and carries no number
    Command,
    /// is not, and carries this number
    Sets(Slot),
    /// carries a span of time
    SetsSpan,
    /// either
    Any,
}

impl Role {
    fn expected(self) -> String {
        match self {
            Self::Question => "a question such as `VOLT?`, without a slot but {channel}".to_owned(),
            Self::Command => {
                "a command such as `OUTP ON`, without `?` and without a slot but {channel}".to_owned()
            }
            Self::Sets(slot) => format!("a command with {slot}"),
            Self::SetsSpan => "a command with {seconds} or {milliseconds}".to_owned(),
            Self::Any => "a question or a command without a slot but {channel}".to_owned(),
        }
    }

    fn fits(self, template: &Template) -> bool {
        let slots: Vec<Slot> = template.slots().filter(|slot| *slot != Slot::Channel).collect();
        match self {
            Self::Question => template.is_query() && slots.is_empty(),
            Self::Command => !template.is_query() && slots.is_empty(),
            Self::Any => slots.is_empty(),
            Self::Sets(slot) => !template.is_query() && slots == [slot],
            Self::SetsSpan => {
                !template.is_query() && (slots == [Slot::Seconds] || slots == [Slot::Milliseconds])
            }
        }
    }
}

/// Every command of a profile with the path of its key.
pub(super) fn words(profile: &Profile) -> Vec<(String, &Template)> {
    Commands::of(profile).0.into_iter().map(|(path, template, _)| (path, template)).collect()
}

/// Every command of a profile, with the path of its key and what it is for.
#[derive(Default)]
struct Commands<'p>(Vec<(String, &'p Template, Role)>);

impl<'p> Commands<'p> {
    fn add(&mut self, path: &str, template: &'p Template, role: Role) {
        self.0.push((path.to_owned(), template, role));
    }

    fn all(&mut self, path: &str, templates: &'p [Template], role: Role) {
        for template in templates {
            self.add(path, template, role);
        }
    }

    fn setting<Q>(&mut self, path: &str, setting: &'p Setting<Q>, slot: Slot) {
        self.add(&format!("{path}.set"), &setting.set, Role::Sets(slot));
        self.add(&format!("{path}.ask"), &setting.ask, Role::Question);
    }

    fn guard<Q>(&mut self, path: &str, guard: &'p Guard<Q>, slot: Slot) {
        if let Some(level) = &guard.level {
            self.setting(&format!("{path}.level"), level, slot);
        }
        if let Some(enable) = &guard.enable {
            self.add(&format!("{path}.enable.set"), &enable.set, Role::Command);
            self.add(&format!("{path}.enable.ask"), &enable.ask, Role::Question);
        }
    }

    fn of(profile: &'p Profile) -> Self {
        let mut all = Self::default();
        all.all("begin", &profile.begin, Role::Command);
        all.all("identify.ask", &profile.identify.ask, Role::Question);
        if let Some(lock) = &profile.lock {
            all.all("lock.take", &lock.take, Role::Command);
            all.all("lock.release", &lock.release, Role::Command);
            if let Some(verify) = &lock.verify {
                all.add("lock.verify.ask", &verify.ask, Role::Question);
            }
        }
        if let Some(selected) = &profile.selected {
            all.add("selected.ask", &selected.ask, Role::Question);
        }
        if let Some(rating) = &profile.rating {
            for (path, ask) in [
                ("rating.voltage", &rating.voltage),
                ("rating.current", &rating.current),
                ("rating.power", &rating.power),
            ] {
                ask.iter().for_each(|ask| all.add(path, ask, Role::Question));
            }
        }
        if let Some(ranges) = &profile.ranges {
            all.add("ranges.ask", &ranges.ask, Role::Question);
            ranges.each.iter().for_each(|range| all.add("ranges.each", &range.set, Role::Command));
        }
        all.add("output.on", &profile.output.on, Role::Command);
        all.add("output.off", &profile.output.off, Role::Command);
        all.add("output.ask", &profile.output.ask, Role::Question);
        all.setting("voltage", &profile.voltage, Slot::Volts);
        all.setting("current", &profile.current, Slot::Amps);
        if let Some(power) = &profile.power {
            all.setting("power", power, Slot::Watts);
        }
        all.add("measure.voltage", &profile.measure.voltage, Role::Question);
        all.add("measure.current", &profile.measure.current, Role::Question);
        all.protection(profile);
        all.extras(profile);
        all
    }

    fn protection(&mut self, profile: &'p Profile) {
        let protection = &profile.protection;
        self.guard("protection.over-voltage", &protection.over_voltage, Slot::Volts);
        if let Some(guard) = &protection.over_current {
            self.guard("protection.over-current", guard, Slot::Amps);
        }
        if let Some(guard) = &protection.over_power {
            self.guard("protection.over-power", guard, Slot::Watts);
        }
        if let Some(foldback) = &protection.foldback {
            self.add("protection.foldback.set", &foldback.set, Role::Command);
            self.add("protection.foldback.ask", &foldback.ask, Role::Question);
        }
        for question in &protection.alarms {
            self.add("protection.alarms", &question.ask, Role::Question);
        }
        self.all("protection.clear.commands", &protection.clear.commands, Role::Any);
    }

    fn extras(&mut self, profile: &'p Profile) {
        if let Some(errors) = &profile.errors {
            self.add("errors.ask", &errors.ask, Role::Question);
        }
        if let Some(events) = &profile.events {
            self.add("events", events, Role::Question);
        }
        if let Some(watchdog) = &profile.watchdog {
            self.add("watchdog.set", &watchdog.set, Role::SetsSpan);
            self.add("watchdog.disarm", &watchdog.disarm, Role::Command);
            if let Some(arm) = &watchdog.arm {
                self.add("watchdog.arm", arm, Role::Command);
            }
            if let Some(armed) = &watchdog.armed {
                self.add("watchdog.armed", armed, Role::Question);
            }
        }
    }
}

/// Whether this is told from an answer: no number and no word has it.
fn is_prompt(text: &str) -> bool {
    const LONGEST: usize = 16;
    let is_of_answers = |c: char| c.is_ascii_alphanumeric() || " +-.,;\"'".contains(c);
    text.len() <= LONGEST
        && text.chars().all(|c| (' '..='~').contains(&c))
        && !text.chars().all(is_of_answers)
}

/// The highest bit of a register: some makers have 32 (Chroma, Magna).
const MOST_BIT: u8 = 31;
/// Whoever waits for output off waits for this some times over.
const SETTLE_MOST: Micros = Micros::from_secs(10);

/// Whether a file has a key, given with its path.
fn has(text: &str, path: &str) -> bool {
    let whole: Result<serde_json::Value, _> = serde_yaml::from_str(text);
    whole.is_ok_and(|whole| path.split('.').try_fold(&whole, |value, key| value.get(key)).is_some())
}

/// Refuses what could only fail with the supply energised.
pub(super) fn check(profile: &Profile, file: &str, text: &str) -> Result<(), YamlError> {
    let no = |path: &str, message: String, expected: &str| Err(refuse(file, text, path, message, expected));
    for (path, template, role) in Commands::of(profile).0 {
        if !role.fits(template) {
            let message = format!("`{}` does not fit here", template.text());
            return no(&path, message, &role.expected());
        }
        if profile.channel.is_none() && template.slots().any(|slot| slot == Slot::Channel) {
            return no(&path, "{channel} without a `channel`".to_owned(), "`channel: \"1\"` in the profile");
        }
    }
    if profile.identify.ask.is_empty() {
        return no("identify.ask", "nothing is asked".to_owned(), "at least one question");
    }
    if profile.protection.over_voltage.level.is_none() {
        let path = "protection.over-voltage";
        return no(path, "no level at which it trips".to_owned(), "`level: { set: …, ask: … }`");
    }
    for question in &profile.protection.alarms {
        let forms = [!question.bits.is_empty(), question.yes.is_some(), !question.fields.is_empty()];
        let bits_fit = question.bits.values().all(|bit| *bit <= MOST_BIT);
        if forms.iter().filter(|form| **form).count() != 1 || !bits_fit {
            let message = format!("what `{}` answers is not said", question.ask.text());
            return no("protection.alarms", message, "one of `bits`, from 0 to 31, `yes` and `fields`");
        }
        if question.field.iter().chain(question.fields.values()).any(|field| *field == 0) {
            let message = "no such field".to_owned();
            return no("protection.alarms", message, "fields are counted from 1");
        }
        if question.answer.is_some() && question.yes.is_none() {
            let message = format!("what the answer to `{}` is a yes to is not said", question.ask.text());
            return no("protection.alarms", message, "`yes: watchdog` beside `answer`");
        }
    }
    if let Some(order) = &profile.identify.order
        && !order.contains(&Field::Model)
    {
        return no("identify.order", "the model is needed".to_owned(), "`[maker, model, firmware, serial]`");
    }
    let named = profile.sources.values().flatten();
    for key in named.clone().chain(&profile.assumed) {
        if named.clone().chain(&profile.assumed).filter(|other| *other == key).count() > 1 {
            return no("sources", format!("`{key}` has two"), "one source for each key");
        }
    }
    for key in named {
        if !has(text, key) {
            return no("sources", format!("there is no `{key}`"), "keys of this file, such as `voltage.set`");
        }
    }
    for key in &profile.assumed {
        if !has(text, key) {
            return no("assumed", format!("there is no `{key}`"), "a key of this file, such as `line.gap`");
        }
    }
    if profile.status == Status::Confirmed && !profile.assumed.is_empty() {
        return no("assumed", "a confirmed profile assumes nothing".to_owned(), "`status: documented`");
    }
    if (profile.status == Status::Confirmed) != profile.dialogue.is_some() {
        let message = "it is confirmed by the dialogue with a real supply, and by nothing else".to_owned();
        return no("status", message, "`status: documented`, or `status: confirmed` and `dialogue: FILE`");
    }
    if let Some(selected) = profile.selected.as_ref().filter(|_| profile.begin.is_empty()) {
        let message = format!("nothing chooses the output that `{}` asks about", selected.ask.text());
        return no("selected", message, "a command in `begin`, such as `INST OUT1`");
    }
    if profile.output.state.is_some_and(|state| state.bit > MOST_BIT) {
        return no("output.state", "no such bit".to_owned(), "bits from 0 to 31");
    }
    if profile.protection.over_voltage_room.is_some()
        && !profile.rating.as_ref().is_some_and(|rating| rating.in_model || rating.voltage.is_some())
    {
        let message = "a share of a rating that is not known".to_owned();
        return no("protection.over-voltage-room", message, "`rating:`");
    }
    if let Ending::Pause(pause) = profile.line.receive
        && !(Micros::from_millis(5)..=Micros::from_secs(1)).contains(&pause)
    {
        return no("line.receive", "no such pause".to_owned(), "5 ms to 1 s");
    }
    if profile.line.receive == Ending::Line(Terminator::None) {
        let message = "an answer has an end, if only a pause".to_owned();
        return no("line.receive", message, "lf, cr-lf, cr, or a pause such as `pause 30 ms`");
    }
    let (line, prompt) = (&profile.line, profile.line.prompt.as_str());
    if matches!(line.receive, Ending::Pause(_)) && (line.echo || !prompt.is_empty()) {
        let message = "a console ends its lines".to_owned();
        return no("line.receive", message, "lf, cr-lf or cr beside `echo` and `prompt`");
    }
    if !prompt.is_empty() && !is_prompt(prompt) {
        return no(
            "line.prompt",
            format!("`{prompt}` may be the beginning of an answer"),
            "up to 16 characters of ASCII, one of them none of those in numbers and words, such as `>`",
        );
    }
    let longest = Micros::from_secs(30);
    let times = [("line.reply-within", profile.line.reply_within), ("line.quiet", profile.line.quiet)];
    for (path, span) in times {
        if span == Micros::ZERO || span > longest {
            return no(path, "no such wait".to_owned(), "more than 0 s, at most 30 s");
        }
    }
    if profile.settle > SETTLE_MOST {
        return no("settle", "no supply takes so long".to_owned(), "at most 10 s");
    }
    if profile.simulated.iter().flat_map(|dialect| dialect.alarm_bits.values()).any(|bit| *bit > 15) {
        return no("simulated.alarm-bits", "no such bit".to_owned(), "bits from 0 to 15");
    }
    if !(1..=2).contains(&profile.serial.stop_bits) {
        return no("serial.stop-bits", "no such port".to_owned(), "1 or 2");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const FILE: &str = include_str!("../../../../rigs/psu/generic.yaml");

    #[test]
    fn a_share_of_the_rating_needs_the_rating() {
        let room = FILE.replacen("  clear:", "  over-voltage-room: 5 %\n  clear:", 1);
        assert!(Profile::parse("p.yaml", &room).is_ok());
        let rating = "rating: { voltage: \"VOLT? MAX\", current: \"CURR? MAX\" }\n";
        assert!(room.contains(rating), "it stands in the file");
        let source = "  \"SCPI-99 Vol. 1, 7.2.1\": [rating]\n";
        assert!(room.contains(source), "and so does its source");
        let without = room.replacen(rating, "", 1).replacen(source, "", 1);
        let error = Profile::parse("p.yaml", &without).expect_err("unknown").to_string();
        assert!(error.contains("a rating that is not known"), "{error}");
    }

    /// The words of supplies that end nothing, choose among outputs and switch ranges.
    #[rstest]
    #[case("send: lf, receive: lf", "send: none, receive: pause 30 ms")]
    #[case(
        "send: lf, receive: lf",
        "send: cr-lf, receive: cr-lf, echo: true, prompt: \"SCPI> \", nul-padding: true"
    )]
    #[case("ask: \"OUTP?\" }", "ask: \"STATUS?\", state: { bit: 6, form: byte } }")]
    #[case(
        "identify: { ask: [\"*IDN?\"] }",
        "begin: [INST OUT1]\nselected: { ask: \"INST?\", answer: OUT1 }\nidentify: { ask: [\"*IDN?\"], order: [model] }"
    )]
    #[case(
        "measure:",
        "ranges: { ask: \"VOLT:RANG?\", each: [{ set: VOLT:RANG P35V, answer: P35V, voltage: 35 V, current: 1.4 A }] }\nmeasure:"
    )]
    fn a_word_that_some_supplies_need_is_taken(#[case] good: &str, #[case] other: &str) {
        assert!(FILE.contains(good), "{good} stands in the file");
        Profile::parse("p.yaml", &FILE.replacen(good, other, 1)).unwrap_or_else(|error| panic!("{error}"));
    }

    #[rstest]
    #[case("ask: \"VOLT?\"", "ask: VOLT", "does not fit here")]
    #[case("set: \"VOLT {volts}\"", "set: VOLT 5", "does not fit here")]
    #[case("set: \"VOLT {volts}\"", "set: \"VOLT {amps}\"", "does not fit here")]
    #[case("set: \"VOLT {volts}\"", "set: \"VOLT {volts};OUTP ON\"", "';' in a command")]
    #[case("set: \"VOLT {volts}\"", "set: \"VOLT {volt}\"", "is no slot")]
    #[case("off: OUTP OFF", "off: \"OUTP CH{channel},OFF\"", "{channel} without a `channel`")]
    #[case("reply-within: 1 s", "reply-within: 0 s", "no such wait")]
    #[case("reply-within: 1 s", "reply-within: 1", "has no unit")]
    #[case("settle: 1 s", "settle: 11 s", "no supply takes so long")]
    #[case("receive: lf", "receive: none", "an answer has an end")]
    #[case("receive: lf", "receive: pause 2 s", "no such pause")]
    #[case("receive: lf", "receive: pause", "not known here")]
    #[case("receive: lf", "receive: lf, prompt: OK", "may be the beginning of an answer")]
    #[case("receive: lf", "receive: lf, prompt: \"-\"", "may be the beginning of an answer")]
    #[case("receive: lf", "receive: lf, prompt: \"> \\r\"", "may be the beginning of an answer")]
    #[case("receive: lf", "receive: pause 30 ms, prompt: \">\"", "a console ends its lines")]
    #[case("receive: lf", "receive: pause 30 ms, echo: true", "a console ends its lines")]
    #[case("ask: \"OUTP?\" }", "ask: \"OUTP?\", state: { bit: 32 } }", "no such bit")]
    #[case("identify:", "selected: { ask: \"INST?\", answer: OUT1 }\nidentify:", "nothing chooses")]
    #[case("status: documented", "status: sure", "`sure` is not known here")]
    #[case("over-voltage: 0,", "over-voltage: 16,", "no such bit")]
    #[case("assumed: [", "assumed: [line.pause, ", "there is no `line.pause`")]
    #[case("status: documented", "status: confirmed", "assumes nothing")]
    #[case("status: documented", "status: documented\ndialogue: a.txt", "the dialogue with a real supply")]
    #[case("ask: [\"*IDN?\"]", "ask: [\"*IDN?\"], order: [maker, serial]", "the model is needed")]
    #[case(
        "  clear:",
        "  alarms: [{ ask: \"STAT?\", field: 0, yes: over-voltage }]\n  clear:",
        "no such field"
    )]
    #[case("  clear:", "  alarms: [{ ask: \"STAT?\" }]\n  clear:", "is not said")]
    fn a_wrong_word_is_refused_with_its_line(#[case] good: &str, #[case] bad: &str, #[case] says: &str) {
        assert!(FILE.contains(good), "{good} stands in the file");
        let error = Profile::parse("p.yaml", &FILE.replacen(good, bad, 1)).expect_err(bad).to_string();
        assert!(error.starts_with("p.yaml:") && error.contains(says), "{error}");
    }
}
