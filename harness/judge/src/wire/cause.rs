//! One cause behind many faults: two batteries on one bus, the layout of another protocol, a byte order, a scale. It is named once, by the requirement it
//! breaks first; what depends on the same numbers is undecided and names that requirement, and nobody guesses.

use proto::message::id;

use super::bus::Bus;
use super::layout::{self, Found};
use super::{Terms, Wire};
use crate::battery::Bounds;
use crate::requirement::Requirement;
use crate::thresholds::fixed::{CVL_FITS_LEAST, CVL_FITS_MOST, PACK_LEAST, PACK_MOST};
use crate::verdict::{Evidence, Opinion, Outcome};

/// What explains the faults of a log, and of which messages.
#[derive(Debug, Clone)]
pub(super) struct Cause {
    /// the requirement that names it
    pub(super) row: &'static str,
    takes: Takes,
    /// the messages it is seen in
    ids: Vec<u16>,
    /// what it is, in a sentence
    text: String,
    /// in a few words, for those that depend on it
    short: &'static str,
}

/// What it leaves undecided.
#[derive(Debug, Clone, Copy)]
enum Takes {
    /// whatever compares frames with each other
    Comparing,
    /// whatever reads the messages
    Readers,
    /// these
    Rows(&'static [&'static str]),
}

/// What is held against the voltage of 0x356, beside MEA-02.
const BY_VOLTAGE: &[&str] = &["CVL-05", "CVL-06", "CEL-02", "ENE-01"];
/// What is held against CVL, beside CVL-01.
const BY_CVL: &[&str] = &["CVL-05", "CVL-06"];

/// Who names a byte order, by what is wrong with which message.
const NAMED_BY: [(u16, &str); 4] = [
    (id::LIMITS, "CVL-01"),
    (id::STATE_OF_CHARGE, "SOC-01"),
    (id::MEASUREMENTS, "MEA-02"),
    (id::CELLS, "CEL-01"),
];

/// A number of two bytes in a message, and what it can be in any battery, raw.
struct Number {
    id: u16,
    byte: usize,
    name: &'static str,
    signed: bool,
    range: core::ops::RangeInclusive<i32>,
}

const fn number(id: u16, byte: usize, name: &'static str, signed: bool, low: i32, high: i32) -> Number {
    Number { id, byte, name, signed, range: low..=high }
}

#[rustfmt::skip]
const NUMBERS: [Number; 16] = [
    // 5 to 1000 V, up to 2000 A
    number(id::LIMITS, 0, "CVL", false, 50, 10_000),
    number(id::LIMITS, 2, "CCL", false, 0, 20_000),
    number(id::LIMITS, 4, "DCL", false, 0, 20_000),
    number(id::LIMITS, 6, "discharge voltage", false, 0, 10_000),
    number(id::STATE_OF_CHARGE, 0, "state of charge", false, 0, 100),
    number(id::STATE_OF_CHARGE, 2, "state of health", false, 0, 100),
    number(id::STATE_OF_CHARGE, 4, "high-resolution state of charge", false, 0, 10_000),
    // 8 to 327.67 V, −40 to 90 °C
    number(id::MEASUREMENTS, 0, "voltage", true, 800, 32_767),
    number(id::MEASUREMENTS, 4, "temperature", true, -400, 900),
    number(id::MODULES, 0, "modules", false, 0, 255),
    number(id::MODULES, 6, "modules offline", false, 0, 255),
    // 1 to 5 V, 223 to 363 K
    number(id::CELLS, 0, "lowest cell", false, 1_000, 5_000),
    number(id::CELLS, 2, "highest cell", false, 1_000, 5_000),
    number(id::CELLS, 4, "lowest cell temperature", false, 223, 363),
    number(id::CELLS, 6, "highest cell temperature", false, 223, 363),
    number(id::INSTALLED_CAPACITY, 0, "installed capacity", false, 1, 20_000),
];

impl Number {
    fn read(&self, data: &[u8]) -> Option<i32> {
        let raw = u16::from_le_bytes(data.get(self.byte..self.byte + 2)?.try_into().ok()?);
        Some(self.sign(raw))
    }

    fn sign(&self, raw: u16) -> i32 {
        if self.signed { i32::from(raw.cast_signed()) } else { i32::from(raw) }
    }

    fn swapped(&self, value: i32) -> i32 {
        self.sign((value as u16).swap_bytes())
    }
}

/// For and against a byte order.
#[derive(Default)]
struct Votes {
    /// numbers that are right only with their bytes swapped, and only as they stand
    swapped: usize,
    straight: usize,
    /// the first of the former, as it reads and as it was meant
    example: Option<String>,
}

fn votes(bus: &Bus, id: u16) -> Votes {
    let mut votes = Votes::default();
    let Some(sent) = bus.of(id) else { return votes };
    let frames = [sent.first.frame, sent.last.frame];
    for number in NUMBERS.iter().filter(|number| number.id == id) {
        let values: Vec<i32> = frames.iter().flatten().filter_map(|f| number.read(f.data())).collect();
        let all =
            |right: &dyn Fn(i32) -> bool| !values.is_empty() && values.iter().all(|&value| right(value));
        let fits = |value: i32| number.range.contains(&value);
        if all(&|value| !fits(value) && fits(number.swapped(value))) {
            votes.swapped += 1;
            let (read, meant) = (values[0], number.swapped(values[0]));
            votes
                .example
                .get_or_insert_with(|| format!("{} is sent as {read} and means {meant}", number.name));
        } else if all(&|value| fits(value) && !fits(number.swapped(value))) {
            votes.straight += 1;
        }
    }
    votes
}

/// *"Little endian"* is what P 2 asks for; numbers that are right only the other way round, and none that is right only as
/// it stands, are one fault.
fn byte_order(bus: &Bus) -> Option<Cause> {
    let ids =
        [id::LIMITS, id::STATE_OF_CHARGE, id::MEASUREMENTS, id::MODULES, id::CELLS, id::INSTALLED_CAPACITY];
    let found: Vec<(u16, Votes)> = ids
        .into_iter()
        .map(|id| (id, votes(bus, id)))
        .filter(|(_, votes)| votes.swapped > 0 && votes.straight == 0)
        .collect();
    if found.iter().map(|(_, votes)| votes.swapped).sum::<usize>() < 2 {
        return None;
    }
    let (_, row) = NAMED_BY.into_iter().find(|(id, _)| found.iter().any(|(other, _)| other == id))?;
    let names: Vec<String> = found.iter().map(|(id, _)| format!("0x{id:03X}")).collect();
    let examples: Vec<String> = found.iter().filter_map(|(_, votes)| votes.example.clone()).collect();
    let sends = if names.len() == 1 { "sends its numbers" } else { "send their numbers" };
    Some(Cause {
        row,
        takes: Takes::Readers,
        ids: found.iter().map(|(id, _)| *id).collect(),
        text: format!(
            "byte order: {} {sends} with the high byte first (big-endian), the low byte comes first: {}",
            names.join(", "),
            examples.join(", ")
        ),
        short: "the numbers cannot be read as they are sent",
    })
}

/// What 0x351, 0x356 and 0x373 say of the pack, as sent.
struct Said {
    cvl: u16,
    voltage: u16,
    low: Option<f64>,
    cell: Option<f64>,
}

/// A wrong scale of 0x356: its factor, in words; and of CVL.
const VOLTAGE_SCALES: [(f64, &str); 4] = [
    (0.01, "0x356 cannot say more than 327.67 V (a signed number of 0.01 V), so this is a high-voltage pack"),
    (0.1, "it is sent in steps of 0.1 V, the step of 0x356 is 0.01 V"),
    (0.001, "it is sent in steps of 0.001 V, the step of 0x356 is 0.01 V"),
    (1.0, "it is sent in whole volts, the step of 0x356 is 0.01 V"),
];
const CVL_SCALES: [(f64, &str); 3] = [
    (0.01, "it is sent in steps of 0.01 V, the step of CVL is 0.1 V"),
    (1.0, "it is sent in whole volts, the step of CVL is 0.1 V"),
    (0.001, "it is sent in steps of 0.001 V, the step of CVL is 0.1 V"),
];

/// Whether CVL over the battery voltage can be so.
fn fits(share: f64) -> bool {
    (CVL_FITS_LEAST..=CVL_FITS_MOST).contains(&share)
}

impl Said {
    fn in_frames(bus: &Bus, last: bool) -> Option<Self> {
        let data = |id| {
            let sent = bus.of(id)?;
            if last { sent.last.frame } else { sent.first.frame }
        };
        let word = |id, byte: usize| {
            let frame = data(id)?;
            Some(u16::from_le_bytes(frame.data().get(byte..byte + 2)?.try_into().ok()?))
        };
        let cells = [0, 2].map(|byte| word(id::CELLS, byte).map(|raw| f64::from(raw) * 0.001));
        Some(Self {
            cvl: word(id::LIMITS, 0).filter(|&raw| raw != 0)?,
            voltage: word(id::MEASUREMENTS, 0).filter(|&raw| raw != 0)?,
            low: word(id::LIMITS, 6).filter(|&raw| raw != 0).map(|raw| f64::from(raw) * 0.1),
            cell: match cells {
                [Some(low), Some(high)] if low >= 1.0 && high <= 5.0 && low <= high => {
                    Some((low + high) / 2.0)
                }
                _ => None,
            },
        })
    }

    /// How many of the others agree with a pack of this voltage, and in words which.
    fn agreeing(&self, pack: f64, bounds: Option<&Bounds>) -> (i32, Vec<String>) {
        let (mut votes, mut words) = (0, Vec::new());
        votes += if (PACK_LEAST..=PACK_MOST).contains(&pack) { 2 } else { 0 };
        if let Some(cell) = self.cell {
            let count = pack / cell;
            let whole = count.round();
            if count < 2.5 || (whole < 40.0 && (count - whole).abs() > 0.2) {
                votes -= 1;
            } else if whole < 40.0 {
                votes += 1;
                words.push(format!("0x373 ({whole} cells of {cell:.3} V)"));
            }
        }
        if let Some(low) = self.low
            && (0.5..=1.05).contains(&(low / pack))
        {
            votes += 1;
            words.push(format!("the discharge voltage of 0x351 ({low:.1} V)"));
        }
        if let Some(bounds) = bounds {
            let fits = (0.8 * bounds.min_voltage.0..=1.2 * bounds.max_charge_voltage.0).contains(&pack);
            votes += if fits { 3 } else { -3 };
            if fits {
                words.push(bounds.source.clone());
            }
        }
        (votes, words)
    }

    /// CVL and voltage contradict each other, and another scale of one of them makes all agree.
    fn contradiction(&self, bounds: Option<&Bounds>) -> Option<Cause> {
        let (cvl, signed) = (f64::from(self.cvl) * 0.1, f64::from(self.voltage.cast_signed()) * 0.01);
        if signed > 0.0 && (0.5..=2.0).contains(&(cvl / signed)) {
            return None;
        }
        let other = VOLTAGE_SCALES.into_iter().find_map(|(scale, words)| {
            // Only the first takes the sign for a number.
            let volts = f64::from(self.voltage) * scale;
            fits(cvl / volts).then_some((volts, words))
        });
        let of_voltage = other.map(|(volts, words)| {
            let (votes, agree) = self.agreeing(volts, bounds);
            let agree = [vec![format!("CVL ({cvl:.1} V)")], agree].concat().join(" and ");
            let text = format!(
                "the battery voltage of 0x356 reads {signed:.2} V, and {volts:.2} V agrees with {agree}: {words}"
            );
            (votes, Cause {
                row: "MEA-02",
                takes: Takes::Rows(BY_VOLTAGE),
                ids: vec![id::MEASUREMENTS],
                text,
                short: "0x356 has a wrong voltage",
            })
        });
        let other = CVL_SCALES.into_iter().find_map(|(scale, words)| {
            let volts = f64::from(self.cvl) * scale;
            (signed > 0.0 && fits(volts / signed)).then_some((volts, words))
        });
        let of_cvl = other.map(|(volts, words)| {
            let (votes, agree) = self.agreeing(signed, bounds);
            let agree = [vec![format!("the battery voltage ({signed:.2} V)")], agree].concat().join(" and ");
            let text = format!("CVL reads {cvl:.1} V, and {volts:.1} V agrees with {agree}: {words}");
            (
                votes,
                Cause {
                    row: "CVL-01",
                    takes: Takes::Rows(BY_CVL),
                    ids: vec![id::LIMITS],
                    text,
                    short: "0x351 has a wrong CVL",
                },
            )
        });
        match (of_voltage, of_cvl) {
            (Some((a, _)), Some((b, _))) if a == b => None,
            (Some((a, cause)), Some((b, _))) if a > b => Some(cause),
            (Some((_, cause)), None) => Some(cause),
            (_, of_cvl) => of_cvl.map(|(_, cause)| cause),
        }
    }
}

fn scale(bus: &Bus, bounds: Option<&Bounds>) -> Option<Cause> {
    let last = Said::in_frames(bus, true)?.contradiction(bounds)?;
    // One garbled frame at an end of the log is no scale; before the first measurement there may be none.
    match Said::in_frames(bus, false) {
        Some(first) => first.contradiction(bounds).filter(|first| first.row == last.row).map(|_| last),
        None => Some(last),
    }
}

impl Wire {
    /// What explains most faults of this log, each by one thing.
    pub(super) fn causes(&self, terms: &Terms<'_>) -> Vec<Cause> {
        if self.identity.is_of_two() || self.senders.twice().is_some() {
            return vec![Cause {
                row: "BUS-06",
                takes: Takes::Comparing,
                ids: Vec::new(),
                text: String::new(),
                short: "two nodes send the same identifiers, and what both say belongs to no one battery",
            }];
        }
        let mut causes: Vec<Cause> = layout::found(&self.bus).iter().map(Cause::of_layout).collect();
        // What a message does not carry has neither order nor scale.
        let rest = byte_order(&self.bus).or_else(|| scale(&self.bus, terms.bounds().as_ref()));
        causes.extend(rest.filter(|rest| causes.iter().all(|cause| cause.ids != rest.ids)));
        causes
    }
}

impl Cause {
    fn of_layout(found: &Found) -> Self {
        Self {
            row: found.layout.row,
            takes: Takes::Rows(found.layout.takes),
            ids: vec![found.layout.id],
            text: found.text(),
            short: "a message is laid out as another protocol has it",
        }
    }
}

impl Cause {
    /// Whether it leaves a requirement undecided, of which the evidence said so much.
    fn takes(&self, requirement: &Requirement, found: Outcome, terms: &Terms<'_>) -> bool {
        let row = requirement.id;
        // Without bounds CVL is held against the measured voltage.
        let compares = row == "CVL-01" && terms.bounds().is_none() && self.ids.contains(&id::MEASUREMENTS);
        match self.takes {
            // A suspicion blames as a failure does, and gaps of two senders hide in each other.
            Takes::Comparing => {
                requirement.compares
                    && match found {
                        Outcome::Fail => true,
                        Outcome::Inconclusive => matches!(row, "CVL-05" | "CVL-06"),
                        Outcome::Pass => row.starts_with("TIM"),
                        Outcome::NotApplicable => false,
                    }
            }
            _ if found == Outcome::NotApplicable => false,
            Takes::Readers => compares || requirement.reads.iter().any(|id| self.ids.contains(id)),
            Takes::Rows(rows) => compares || rows.contains(&row),
        }
    }

    /// Gives a requirement what the cause makes of it.
    pub(super) fn apply(&self, bus: &Bus, terms: &Terms<'_>, opinion: &mut Opinion) {
        let requirement = opinion.requirement();
        let row = requirement.id;
        if self.row == row && !self.text.is_empty() {
            for id in &self.ids {
                if let Some(sent) = bus.of(*id) {
                    opinion.prove(
                        Evidence::fact(format!("0x{id:03X}"), "as it is sent").in_frame(Some(sent.first)),
                    );
                }
            }
            opinion.only(Outcome::Fail, self.text.clone());
        } else if self.row != row && self.takes(requirement, opinion.outcome(), terms) {
            opinion.only(Outcome::Inconclusive, format!("{}: see {}", self.short, self.row));
        } else {
            return;
        }
        // What was weighed as advice is undecided as the requirement that it is.
        opinion.advise(false);
    }
}
