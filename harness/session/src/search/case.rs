//! A suite as a search varies it: the state it starts from, its sun and its loads, where the file has them as numbers.
//!
//! Powers are never more than what is written, so that no limit of a rig is met by them; everything else of a case stays.

use engine::suite::{Case, Suite};
use engine::yaml::{Node, Position};
use files::sweep::{amount, rounded};

use crate::Error;

/// What files of the worst point are called, or begin with.
pub(super) const WORST: &str = "worst";

/// Numbers of cases that are varied together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// the state of charge that a case starts from, moved by so much
    Soc,
    /// the imbalance that it starts from, a share of what is written
    Imbalance,
    /// every power of the sun, a share of what is written
    Sun,
    /// every power of a load, a share of what is written
    Loads,
    /// which of its orders the loads of a case come in
    Order,
}

impl Numbers {
    pub(super) const ALL: [Self; 5] = [Self::Soc, Self::Imbalance, Self::Sun, Self::Loads, Self::Order];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Soc => "soc",
            Self::Imbalance => "imbalance",
            Self::Sun => "sun",
            Self::Loads => "loads",
            Self::Order => "order",
        }
    }

    /// The range that they have in these suites; nothing where none of them has such numbers. A share of power leaves a battery
    /// as much to do as its suite means; two percent of charge is what a gauge is wrong by.
    pub(super) fn range(self, suites: &[Template]) -> Option<(String, String)> {
        let suites = || suites.iter().filter(|suite| suite.vary);
        let any = |of: Self| suites().any(|suite| suite.places.iter().any(|place| place.of == of));
        let orders = suites().map(Template::orders).max().unwrap_or(1);
        match self {
            Self::Soc => any(self).then(|| ("-2 %".to_owned(), "2 %".to_owned())),
            Self::Imbalance | Self::Sun | Self::Loads => {
                any(self).then(|| ("80 %".to_owned(), "100 %".to_owned()))
            }
            Self::Order => (orders > 1).then(|| ("1".to_owned(), orders.to_string())),
        }
    }
}

/// A suite with the places of its numbers.
#[derive(Debug, Clone)]
pub(super) struct Template {
    text: String,
    places: Vec<Place>,
    /// whether its numbers may be others
    vary: bool,
    /// the cases that are meant, of the suite as it is
    pub(super) cases: Vec<String>,
    /// as it is
    suite: Suite,
}

/// Where a number stands.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    of: Numbers,
    at: Position,
    written: String,
    /// the case that it is of
    case: String,
    /// whether it is a step: what is done in some order
    in_steps: bool,
}

/// More loads than this come in no other order: they have too many.
const MOST_LOADS: usize = 5;

impl Template {
    /// Of the suite that has this text; only these cases of it are meant.
    ///
    /// # Errors
    /// When the text is none: it was read before.
    pub(super) fn new(suite: &Suite, text: &str, cases: &[&Case], vary: bool) -> Result<Self, Error> {
        let refused = |error: engine::suite::SuiteError| Error::Refused(error.to_string());
        let names: Vec<String> = cases.iter().map(|case| case.name.clone()).collect();
        let text = only(suite, text, &names);
        let node = Node::read(&suite.file, &text).map_err(refused)?;
        let values = node.values();
        let mut places = Vec::new();
        for (path, _, name) in &values {
            let Some(case) = path.strip_prefix("cases.").and_then(|path| path.strip_suffix(".case")) else {
                continue;
            };
            let inside = format!("cases.{case}.");
            for (path, at, written) in &values {
                let Some(path) = path.strip_prefix(&inside) else { continue };
                let Some(of) = meant(path).filter(|_| amount(written).is_ok_and(|(number, _)| number > 0.0))
                else {
                    continue;
                };
                let in_steps = path.starts_with("steps.");
                places.push(Place {
                    of,
                    at: *at,
                    written: (*written).to_owned(),
                    case: (*name).to_owned(),
                    in_steps,
                });
            }
        }
        Ok(Self { text, places, vary, cases: names, suite: suite.clone() })
    }

    /// The text of the suite with these numbers, in a file of its own.
    pub(super) fn with(&self, numbers: &[(Numbers, String)]) -> String {
        let share = |of: Numbers| {
            let (_, value) = numbers.iter().find(|(numbers, _)| *numbers == of)?;
            amount(value).ok().map(|(number, _)| number)
        };
        let mut new: Vec<(Position, &str, String)> = Vec::new();
        for place in &self.places {
            let Some(by) = share(place.of) else { continue };
            // Each was read as a number when it was found.
            let Ok((number, unit)) = amount(&place.written) else { continue };
            let number = match place.of {
                Numbers::Soc => (number + by).clamp(1.0, 99.0),
                _ => number * by / 100.0,
            };
            new.push((place.at, &place.written, format!("{} {unit}", rounded(number))));
        }
        if let Some(order) = share(Numbers::Order) {
            for case in &self.cases {
                let loads = self.loads(case);
                let texts: Vec<String> = loads
                    .iter()
                    .map(|load| {
                        let new = new.iter().find(|(at, ..)| at == &load.at);
                        new.map_or_else(|| load.written.clone(), |(.., text)| text.clone())
                    })
                    .collect();
                let order = ordered(texts, order.round() as usize - 1);
                for (load, text) in loads.iter().zip(order) {
                    new.retain(|(at, ..)| at != &load.at);
                    new.push((load.at, &load.written, text));
                }
            }
        }
        let head = Node::read(&self.suite.file, &self.text).map(|node| node.place("suite"));
        if let Ok(at) = head {
            new.push((at, &self.suite.name, format!("{WORST}-{}", self.suite.name)));
        }
        replaced(&self.text, new)
    }

    /// What the suite is called that was asked for.
    pub(super) fn name(&self) -> &str {
        &self.suite.name
    }

    /// The suite as it is.
    pub(super) const fn as_it_is(&self) -> &Suite {
        &self.suite
    }

    /// Whether a point has a suite of its own.
    pub(super) const fn varies(&self) -> bool {
        self.vary
    }

    /// The loads of a case that can come in another order: those of its steps, where they differ.
    fn loads(&self, case: &str) -> Vec<&Place> {
        let of_case = |place: &&Place| place.of == Numbers::Loads && place.in_steps && place.case == case;
        let loads: Vec<&Place> = self.places.iter().filter(of_case).collect();
        let differ = loads.iter().any(|load| load.written != loads[0].written);
        if differ && loads.len() <= MOST_LOADS { loads } else { Vec::new() }
    }

    fn orders(&self) -> usize {
        let orders = |case: &String| (1..=self.loads(case).len()).product();
        self.cases.iter().map(orders).max().unwrap_or(1)
    }
}

/// What a number of a case is for, by the keys that lead to it.
fn meant(path: &str) -> Option<Numbers> {
    let ends = |keys: &[&str]| keys.iter().any(|key| path == *key || path.ends_with(&format!(".{key}")));
    match path {
        "start.soc" => Some(Numbers::Soc),
        "start.imbalance" => Some(Numbers::Imbalance),
        _ if ends(&["pv", "ac-pv", "pv.power", "ac-pv.power"]) => Some(Numbers::Sun),
        _ if ends(&["ac-load", "ac-load.power", "discharge.power"]) => Some(Numbers::Loads),
        _ => None,
    }
}

/// The text of a suite without its other cases, where they are written one below the other.
fn only(suite: &Suite, text: &str, cases: &[String]) -> String {
    let ends = suite.cases.iter().skip(1).map(|case| case.line).chain([u32::MAX]);
    let other: Vec<(u32, u32)> = suite
        .cases
        .iter()
        .zip(ends)
        .filter(|(case, _)| !cases.contains(&case.name))
        .map(|(case, end)| (case.line, end))
        .collect();
    let keeps = |line: u32| other.iter().all(|(from, to)| !(*from..*to).contains(&line));
    let kept: String = (1..)
        .zip(text.lines())
        .filter(|(line, _)| keeps(*line))
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    let whole = Suite::parse(&suite.file, &kept).is_ok_and(|suite| suite.cases.len() == cases.len());
    if whole { kept } else { text.to_owned() }
}

/// Puts other words where some stand.
fn replaced(text: &str, mut new: Vec<(Position, &str, String)>) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // From the end of a line, so that what stands before stays where it is.
    new.sort_by_key(|(at, ..)| core::cmp::Reverse((at.line, at.column)));
    for (at, old, new) in new {
        let Some(line) = lines.get_mut(at.line as usize - 1) else { continue };
        let from = line.char_indices().nth(at.column as usize - 1).map_or(line.len(), |(byte, _)| byte);
        if line[from..].starts_with(old) {
            line.replace_range(from..from + old.len(), &new);
        }
    }
    lines.join("\n") + "\n"
}

/// One order of several things: the first is as they are.
fn ordered(mut left: Vec<String>, which: usize) -> Vec<String> {
    let (mut order, mut which) = (Vec::with_capacity(left.len()), which);
    while !left.is_empty() {
        let below: usize = (1..left.len()).product();
        order.push(left.remove((which / below).min(left.len() - 1)));
        which %= below;
    }
    order
}

/// The file of its own that a suite has.
pub(super) fn file_of(suite: &str) -> String {
    format!("{WORST}-{suite}.yaml")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE: &str = "suite: s\ntitle: t\nspec: P 1.5\nneeds: [pv, gx, grid, ac-load]\ncases:\n  - case: a\n    title: t\n    \
         requirements: [CVL-04]\n    start: { soc: 50 %, grid: on, feed-in: on, pv: off, ac-load: off }\n    steps:\n      - hold: 1 min\n  \
         - case: c   # with more\n    title: t\n    requirements: [CVL-04]\n    \
         start: { soc: 95 %, grid: on, feed-in: on, pv: 1 kW, ac-load: 500 W }\n    steps:\n      - pv: { power: 3 kW, over: 1 min }\n      \
         - ac-load: 2 kW\n      - repeat: { times: 2, steps: [ { ac-load: 800 W }, { hold: 5 min }, { ac-load: off } ] }\n      - hold: 2 h\n";

    fn template() -> Template {
        let suite = Suite::parse("s.yaml", SUITE).unwrap_or_else(|error| panic!("{error}"));
        Template::new(&suite, SUITE, &[&suite.cases[1]], true).expect("it was read")
    }

    #[test]
    fn its_numbers_become_others_and_nothing_else() {
        let numbers = [
            (Numbers::Soc, "-1.5 %".to_owned()),
            (Numbers::Sun, "80 %".to_owned()),
            (Numbers::Loads, "90 %".to_owned()),
            (Numbers::Order, "2".to_owned()),
        ];
        let text = template().with(&numbers);
        let found = Suite::parse(&file_of("s"), &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(
            (found.file.as_str(), found.name.as_str(), found.cases.len()),
            ("worst-s.yaml", "worst-s", 1)
        );
        let start = "start: { soc: 93.5 %, grid: on, feed-in: on, pv: 0.8 kW, ac-load: 450 W }";
        assert!(text.contains(start), "{text}");
        let steps = "      - pv: { power: 2.4 kW, over: 1 min }\n      - ac-load: 720 W\n      \
                     - repeat: { times: 2, steps: [ { ac-load: 1.8 kW }, { hold: 5 min }, { ac-load: off } ] }\n";
        assert!(text.contains(steps), "{text}");
    }

    #[test]
    fn a_case_has_a_range_for_the_numbers_that_it_has() {
        let all = [template()];
        let range = |numbers: Numbers| numbers.range(&all);
        assert_eq!(range(Numbers::Imbalance), None);
        assert_eq!(range(Numbers::Order), Some(("1".to_owned(), "2".to_owned())));
        assert_eq!(range(Numbers::Sun), Some(("80 %".to_owned(), "100 %".to_owned())));
    }

    #[test]
    fn every_order_is_another() {
        let things = || ["a", "b", "c"].map(str::to_owned).to_vec();
        let mut all: Vec<String> = (0..6).map(|which| ordered(things(), which).join("")).collect();
        assert_eq!(all[0], "abc");
        all.dedup();
        assert_eq!(all.len(), 6);
    }
}
