//! Reads a log and judges the battery on each of its interfaces.

use evidence::mark::Mark;
use judge::battery::{Battery, Cells};
use judge::portrait::Portrait;
use judge::thresholds::Thresholds;
use judge::verdict::{Outcome, Verdict, outcome_of_case};
use judge::verdicts::of_log;
use judge::wire::{Spot, Terms, Wire};
use proto::bus::ErrorFrame;
use proto::frame::{CanId, Frame};
use proto::log::{Content, Foreign, Item, LineError, Reader, Report, TimeKind, foreign};
use proto::message::id;
use proto::quantity::Micros;

use crate::input::{InputError, Log};
use crate::next::Next;

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Conditions<'a> {
    /// what is declared of the battery
    pub battery: Option<&'a Battery>,
    /// its cells, where no more is known
    pub cells: Option<Cells>,
    /// whether what an officially supported battery sends is a must (MSG-02)
    pub certifying: bool,
    /// whether warnings fail too
    pub strict: bool,
}

/// The battery on one interface of one log.
#[derive(Debug, Clone)]
pub struct Judged {
    /// the log, as it was named
    pub log: String,
    /// the interface in it
    pub interface: String,
    /// what kind of log it is
    pub format: &'static str,
    /// what its times are worth
    pub times: TimeKind,
    /// when its first frame was, since 1970 where [`TimeKind::Absolute`]
    pub began: Micros,
    /// what was in the whole log
    pub report: Report,
    /// the first line that could not be read
    pub problem: Option<(u64, LineError)>,
    /// data frames on this interface, and the time they span
    pub frames: u64,
    /// from its first to its last frame
    pub length: Micros,
    /// pass, fail or inconclusive
    pub outcome: Outcome,
    /// what it comes to, in a sentence
    pub headline: String,
    /// one for each requirement that a log decides; none where nothing of a battery was seen
    pub verdicts: Vec<Verdict>,
    /// what the battery says of itself
    pub portrait: Portrait,
    /// whether other interfaces of the log have batteries too, each judged by itself
    pub among_others: bool,
    /// what is to know of the log itself
    pub remarks: Vec<String>,
    /// what to do next
    pub next: Next,
}

impl Judged {
    /// Verdicts that are to be shown so.
    pub fn marked(&self, mark: Mark) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(move |v| Mark::of(v) == mark)
    }

    /// Whether periods were judged.
    pub fn is_timed(&self) -> bool {
        self.times.is_measured()
    }
}

/// What is collected while a log is read.
struct Reading {
    log: Log,
    sides: Vec<Side>,
    began: Option<Micros>,
    /// the largest step back in time, and its line
    back: Option<(Micros, u64)>,
    problem: Option<(u64, LineError)>,
}

/// What is collected of one interface.
#[derive(Default)]
struct Side {
    wire: Wire,
    /// when its latest frame was
    latest: Micros,
}

/// Judges a log to its end, or to where it cannot be read any further.
pub fn judge(log: Log, conditions: &Conditions<'_>) -> (Vec<Judged>, Option<InputError>) {
    let mut reading = Reading { log, sides: Vec::new(), began: None, back: None, problem: None };
    let error = reading.all().err();
    let judged = reading.buses().into_iter().map(|bus| reading.judged(bus, conditions)).collect();
    (judged, error)
}

impl Reading {
    fn all(&mut self) -> Result<(), InputError> {
        loop {
            while let Some((line, entry)) = self.log.next_common() {
                self.data(line, entry.at, entry.interface, &entry.content);
            }
            let Some((line, item)) = self.log.next_line()? else { return Ok(()) };
            match item {
                Item::Frame(entry) => match ErrorFrame::of(&entry.content) {
                    Some(error) => {
                        let (wire, spot) = self.spot(line, entry.at, entry.interface);
                        wire.error(spot, &error);
                    }
                    None => {
                        if let Content::Data(frame) = entry.content {
                            self.seldom(line, entry.at, entry.interface, &frame);
                        }
                    }
                },
                Item::Problem(error) => {
                    self.problem.get_or_insert((line, error));
                }
                Item::Lost(_) | Item::Nothing => {}
            }
        }
    }

    #[inline(always)]
    fn data(&mut self, line: u64, at: Micros, interface: usize, frame: &Frame) {
        let (wire, spot) = self.spot(line, at, interface);
        wire.take(spot.at, spot.line, frame);
    }

    /// The same where it need not be fast.
    #[inline(never)]
    fn seldom(&mut self, line: u64, at: Micros, interface: usize, frame: &Frame) {
        self.data(line, at, interface, frame);
    }

    /// The facts of an interface, and where they are added to.
    #[inline(always)]
    fn spot(&mut self, line: u64, at: Micros, interface: usize) -> (&mut Wire, Spot) {
        if interface >= self.sides.len() {
            self.sides.resize_with(interface + 1, Side::default);
        }
        let Side { wire, latest } = &mut self.sides[interface];
        if at < *latest {
            self.back = self.back.max(Some((latest.since(at), line)));
        }
        *latest = at;
        let at = at.since(*self.began.get_or_insert(at));
        (wire, Spot::new(at, Some(line)))
    }

    /// The interfaces to judge: those with a battery, else the busiest one.
    fn buses(&mut self) -> Vec<usize> {
        if self.sides.is_empty() {
            self.sides.push(Side::default());
        }
        let with_battery: Vec<usize> =
            (0..self.sides.len()).filter(|&n| self.sides[n].wire.has_battery()).collect();
        if !with_battery.is_empty() {
            return with_battery;
        }
        let heard = |&n: &usize| (self.sides[n].wire.count(), self.sides[n].wire.errors().count());
        (0..self.sides.len()).max_by_key(heard).into_iter().collect()
    }

    /// Why no period is judged, where none is.
    fn untimed(&self) -> Option<String> {
        const SET: Micros = Micros::from_secs(1);
        let (reader, report) = (self.log.reader(), self.log.reader().report());
        if !reader.time_kind().is_measured() {
            Some("the times of this log were not measured".to_owned())
        } else if let Some((by, line)) = self.back.filter(|(by, _)| *by >= SET) {
            Some(format!("the clock was set back by {:.1} s in line {line}", by.secs()))
        } else if report.lost > 0 {
            Some(format!("{} frames were lost while this log was recorded", report.lost))
        } else if report.problems * 100 > report.frames() {
            Some(format!("{} lines of this log cannot be read", report.problems))
        } else {
            None
        }
    }

    fn judged(&self, bus: usize, conditions: &Conditions<'_>) -> Judged {
        let (wire, reader) = (&self.sides[bus].wire, self.log.reader());
        let untimed = self.untimed();
        let timed = untimed.is_none();
        let terms = Terms {
            battery: conditions.battery,
            cells: conditions.cells,
            thresholds: Thresholds::default(),
            certifying: conditions.certifying,
            untimed,
            alone: true,
        };
        let nobody = match reader.report().fd {
            fd if fd > 0 && wire.count() == 0 => Some(format!(
                "{fd} CAN FD frames and no other: a GX reads classic CAN alone (P 1.2), at 500 kbit/s"
            )),
            _ => nobody(wire),
        };
        let verdicts = if nobody.is_some() { Vec::new() } else { of_log(wire, &terms) };
        let outcome = outcome(&verdicts, conditions.strict);
        let headline = nobody.unwrap_or_else(|| headline(wire, &verdicts));
        let headline = match disturbed(wire) {
            Some(disturbed) => format!("{disturbed}; {headline}"),
            None => headline,
        };
        let next = Next::of(wire, &verdicts, &terms, (self.log.name(), reader.interface(bus)));
        Judged {
            log: self.log.name().to_owned(),
            interface: reader.interface(bus).to_owned(),
            format: self.log.form(),
            times: reader.time_kind(),
            began: self.began.unwrap_or_default(),
            report: *reader.report(),
            problem: self.problem,
            frames: wire.count(),
            length: wire.window().length(),
            outcome,
            headline,
            verdicts,
            portrait: Portrait::of(wire, timed),
            among_others: self.others(bus).any(|(_, wire)| wire.has_battery()),
            remarks: self.remarks(bus, reader, &terms),
            next,
        }
    }

    fn remarks(&self, bus: usize, reader: &Reader, terms: &Terms<'_>) -> Vec<String> {
        let Report { remote, error, fd, problems, backwards, .. } = *reader.report();
        let mut out = Vec::new();
        if let Some(why) = &terms.untimed {
            out.push(format!("{why}: periods and gaps stay undecided"));
        }
        if let Some((line, error)) = &self.problem {
            out.push(format!("{problems} lines cannot be read, first line {line}: {error}"));
        }
        if let (true, Some((by, line))) = (backwards > 0 && terms.untimed.is_none(), self.back) {
            out.push(format!(
                "times go backwards {backwards} times, at most by {:.6} s in line {line}",
                by.secs()
            ));
        }
        for (count, what) in [
            (remote, "remote frames: no GX sends or answers them"),
            (
                error,
                "error frames: what they say is the evidence of BUS-03, whether the bus is sound a bench decides",
            ),
            (fd, "CAN FD frames, which the protocol does not know (P 1.2)"),
        ] {
            if count > 0 {
                out.push(format!("{count} {what}"));
            }
        }
        if terms.bounds().is_none() {
            out.push("no battery file was given: bounds of values come from the log itself".to_owned());
        }
        for (other, wire) in self.others(bus) {
            let battery = if wire.has_battery() { "another battery, judged by itself" } else { "no battery" };
            out.push(format!("{}: {} frames, {battery}", reader.interface(other), wire.count()));
        }
        out
    }

    /// The other interfaces that anything was heard on.
    fn others(&self, bus: usize) -> impl Iterator<Item = (usize, &Wire)> {
        let wires = self.sides.iter().map(|side| &side.wire).enumerate();
        wires.filter(move |(other, wire)| *other != bus && wire.count() > 0)
    }
}

/// The outcome of a log; with `strict` a warning fails it too.
fn outcome(verdicts: &[Verdict], strict: bool) -> Outcome {
    if strict && verdicts.iter().any(|v| Mark::of(v) == Mark::Warning) {
        return Outcome::Fail;
    }
    outcome_of_case(verdicts)
}

/// What a sound bus never shows, and what to look at.
fn disturbed(wire: &Wire) -> Option<String> {
    let times = |count: u64| if count == 1 { "once".to_owned() } else { format!("{count} times") };
    let told: Vec<String> = wire
        .errors()
        .episodes()
        .map(|(kind, count, place)| format!("{kind} {}, {place}", times(count)))
        .collect();
    (!told.is_empty()).then(|| {
        format!(
            "the bus is disturbed: {}; look at the cable, at its termination (120 Ω at both ends) and at the bit rate of \
             every node (500 kbit/s)",
            told.join("; ")
        )
    })
}

/// Where nothing of any battery was seen: what was.
fn nobody(wire: &Wire) -> Option<String> {
    let gx = |id: u16| matches!(id, id::KEEP_ALIVE | id::INVERTER_IDENTITY);
    let [(ve_can, ids), (others, _)] = wire.extended();
    if others > 0 || wire.sent().iter().any(|sent| !gx(sent.id)) {
        return None;
    }
    let by_gx = !wire.sent().is_empty();
    Some(match ids.first().and_then(|&id| foreign(CanId::Extended(id))) {
        Some(known) => format!(
            "no frame of a battery: {ve_can} frames are {known} and the like; record the port that the battery is on"
        ),
        None if by_gx => {
            "no frame of a battery: only the GX sends (0x305, 0x307); is the battery on, and its \
                          protocol set to Victron?"
                .to_owned()
        }
        None => "no data frame in this log".to_owned(),
    })
}

/// What the verdicts come to, and of which protocol the frames are if not of this one.
fn headline(wire: &Wire, verdicts: &[Verdict]) -> String {
    let count = |mark| verdicts.iter().filter(|v| Mark::of(v) == mark).count();
    let musts = |outcome| {
        let severity = judge::requirement::Severity::Must;
        verdicts.iter().filter(|v| v.outcome == outcome && v.requirement.severity == severity).count()
    };
    let parts = [
        (musts(Outcome::Fail), "must failed", "must failed"),
        (count(Mark::Warning), "warning", "warnings"),
        (musts(Outcome::Inconclusive), "must undecided", "must undecided"),
        (count(Mark::Pass), "passed", "passed"),
    ];
    let shown: Vec<String> = parts
        .iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, one, many)| format!("{n} {}", if *n == 1 { one } else { many }))
        .collect();
    let shown = shown.join(", ");
    if wire.has_battery() {
        let layouts = wire.layouts();
        return if layouts.is_empty() { shown } else { format!("{}; {shown}", layouts.join(", ")) };
    }
    let standard = wire.sent().into_iter().map(|sent| CanId::Standard(sent.id));
    let extended = wire.extended()[1].1.iter().map(|&id| CanId::Extended(id));
    let protocol = standard.chain(extended).find_map(|id| match foreign(id) {
        Some(Foreign::Vendor { protocol, .. }) => Some(protocol),
        _ => None,
    });
    match protocol {
        Some(protocol) => format!(
            "no message of the CAN-bus BMS Protocol, but frames of {protocol}: choose the Victron protocol in \
             the battery's settings; {shown}"
        ),
        None => format!("no message of the CAN-bus BMS Protocol; {shown}"),
    }
}
