//! What battery and instruments said of themselves in the cases of a run, and what is doubtful about it.

use engine::suite::{Case, Reason};
use judge::portrait::{NAME_ON_GX, ONLINE_CAPACITY, SeenPage};
use judge::thresholds::Thresholds;
use judge::trace::EventKind;

use crate::conclusion::Attempt;
use crate::run::PROGRAM;

/// What one battery may say differently from case to case: a module that is taken out, a name that came too late.
const VARIES: [&str; 2] = [NAME_ON_GX, ONLINE_CAPACITY];

/// What was said in the cases of a run.
#[derive(Debug, Default)]
pub struct Said {
    /// the longest account that the battery gave of itself in any case: what, value
    pub identity: Vec<(String, String)>,
    /// its pages in that case
    pub pages: Vec<SeenPage>,
    /// that case, `suite/case`
    pub case: String,
    /// what instruments said of themselves, each thing once
    pub instruments: Vec<(String, String)>,
    /// what whoever relies on the run must know
    pub doubts: Vec<String>,
    /// what the battery first said of itself
    first: Vec<First>,
}

/// What the battery said of itself when it said it first.
#[derive(Debug, Clone)]
struct First {
    what: String,
    value: String,
    case: String,
    /// whether it said otherwise later
    doubted: bool,
}

impl Said {
    /// Keeps the longest account of any case, and its pages; and what is doubtful in the case, which is called `name`.
    pub fn keep(&mut self, attempt: &Attempt, case: &Case, name: &str) {
        self.milder(case, name);
        self.another(attempt, name);
        if attempt.identity.len() > self.identity.len() {
            self.identity.clone_from(&attempt.identity);
            self.pages.clone_from(&attempt.pages);
            name.clone_into(&mut self.case);
        }
        for event in &attempt.trace.events {
            if let EventKind::Instrument { what, says } = &event.kind {
                let said = (what.clone(), says.clone());
                if !self.instruments.contains(&said) {
                    if *what == PROGRAM && self.instruments.iter().any(|(other, _)| other == what) {
                        self.doubt(format!("not one program: in {name} it is {}", said.1));
                    }
                    self.instruments.push(said);
                }
            }
        }
    }

    /// Limits that the suite makes milder than they are everywhere else.
    fn milder(&mut self, case: &Case, name: &str) {
        for Reason { threshold, value, because } in &case.reasons {
            if Thresholds::default().narrow(threshold, value).is_err() {
                self.doubt(format!("{name} has a milder limit: {threshold} is {value}, because: {because}"));
            }
        }
    }

    /// What stays the same in one battery, and is not what it said before: of each thing the first time.
    fn another(&mut self, attempt: &Attempt, name: &str) {
        for (what, value) in attempt.identity.iter().filter(|(what, _)| !VARIES.contains(&what.as_str())) {
            let other = format!("not one battery, or not one firmware: {what} is ");
            match self.first.iter_mut().find(|first| first.what == *what) {
                None => self.first.push(First {
                    what: what.clone(),
                    value: value.clone(),
                    case: name.to_owned(),
                    doubted: false,
                }),
                Some(first) if first.value != *value && !first.doubted => {
                    first.doubted = true;
                    let doubt = format!("{other}{} in {}, {value} in {name}", first.value, first.case);
                    self.doubt(doubt);
                }
                Some(_) => {}
            }
        }
    }

    fn doubt(&mut self, doubt: String) {
        if !self.doubts.contains(&doubt) {
            self.doubts.push(doubt);
        }
    }
}
