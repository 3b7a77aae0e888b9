//! What `busbar verify` prints: what a bundle proves, what was checked, and what it only says, each apart.

use ::judge::envelope::PROVEN;
use ::judge::verdict::Outcome;
use evidence::against::Weight;
use evidence::bundle::key::fingerprint;
use evidence::bundle::open::Bundle;
use evidence::bundle::trust::Laboratory;
use evidence::certificate::Fact;
use evidence::obstacles::obstacles;
use evidence::run::Run;

use lint::wrap::wrapped;

/// Lines are no longer, whatever they are shown on: what a customer is sent is read in a mail.
const WIDTH: usize = 80;
/// Where the text of a row begins.
const TEXT: usize = 15;

/// Who signed, as far as that is known.
pub(super) enum Signer<'a> {
    /// the key that was asked for
    Trusted,
    /// a laboratory of the list that was given
    Laboratory(&'a Laboratory),
    /// nobody said which key it must be
    Unknown,
}

/// Which challenge a run answers.
pub(super) enum Answers {
    /// none
    NoChallenge,
    /// one, and nobody said which it must be
    Unasked,
    /// the one that was given, at that time as its file says
    Yours(Option<String>),
}

/// The whole answer.
pub(super) fn told(name: &str, bundle: &Bundle, run: &Run, signer: &Signer<'_>, answers: &Answers) -> String {
    let mut page = Page::default();
    for line in run.gaps().lines() {
        page.line(&line, 0);
    }
    page.line(name, 0);
    proved(&mut page, bundle, run, (signer, answers));
    checked(&mut page, run);
    said(&mut page, run);
    against(&mut page, run);
    let word = match signer {
        Signer::Trusted | Signer::Laboratory(_) => "Authentic",
        Signer::Unknown => "Whole",
    };
    page.block("");
    page.line(&format!("{word}, and the battery {}", verdict(run)), 0);
    page.0
}

fn verdict(run: &Run) -> &'static str {
    let gaps = run.gaps();
    match run.outcome() {
        Outcome::Pass if run.meta.rig.simulated => "PASSED on a simulated rig, which certifies nothing",
        Outcome::Pass => "PASSED",
        Outcome::Fail => "FAILED",
        _ if run.meta.held.contradicts() => "did not pass: the evidence contradicts itself",
        _ if !gaps.is_closed() && gaps.altered.is_empty() => {
            "did not pass: the evidence does not decide, for not everything was tried"
        }
        _ if !gaps.is_closed() => {
            "did not pass: the evidence does not decide, for not everything was tried as this version has it"
        }
        Outcome::Inconclusive | Outcome::NotApplicable => "did not pass: the evidence does not decide",
    }
}

fn proved(page: &mut Page, bundle: &Bundle, run: &Run, (signer, answers): (&Signer<'_>, &Answers)) {
    page.block("PROVED by the signature, and by judging again");
    page.row("bytes", &format!("every byte of {} files as it was signed", bundle.files.len()));
    let key = fingerprint(&bundle.key);
    page.row(
        "key",
        &match signer {
            Signer::Trusted => format!("{key}, which you trust"),
            Signer::Laboratory(laboratory) => format!("{key}, of {}, whom you trust", laboratory.name),
            Signer::Unknown => {
                format!("{key}. WHOSE KEY THAT IS, NOTHING HERE CAN TELL: give the one you trust with --key, or all with --trusted")
            }
        },
    );
    let cases = match run.cases.len() {
        1 => "1 case".to_owned(),
        n => format!("{n} cases"),
    };
    page.row(
        "verdicts",
        &format!("{cases} judged again from the raw evidence: the same verdicts, the same report"),
    );
    if !run.meta.merged.is_empty() {
        page.row("runs", &format!("put together from {}", run.meta.merged.join(", ")));
    }
    match answers {
        Answers::NoChallenge => {}
        Answers::Unasked => page.row("challenge", "it answers one: give yours with --challenge"),
        Answers::Yours(given) => page.row(
            "challenge",
            &format!(
                "it was signed after the one that you gave ({})",
                given.as_deref().unwrap_or("nobody says when")
            ),
        ),
    }
}

fn consistent(page: &mut Page, run: &Run) {
    let held = &run.meta.held;
    let compared: Vec<String> = held.compared.iter().map(|(what, many)| format!("{what} ({many})")).collect();
    let apart = held.findings.iter().filter(|finding| finding.weight == Weight::Contradiction);
    match held.contradicts() {
        true => page.row("consistent", "NO: the evidence contradicts itself"),
        false if compared.is_empty() => page.row("consistent", "nothing could be held against anything"),
        false => page.row("consistent", &format!("these fit: {}", compared.join(", "))),
    }
    apart.for_each(|finding| page.row("contradicts", &finding.what));
    for finding in held.findings.iter().filter(|finding| finding.weight == Weight::Suspicion) {
        page.row("suspicion", &finding.what);
    }
}

fn checked(page: &mut Page, run: &Run) {
    page.block(concat!(
        "CHECKED against what busbar ",
        env!("CARGO_PKG_VERSION"),
        " has built in, and evidence against evidence"
    ));
    let gaps = run.gaps();
    let complete = match gaps.is_closed() {
        true => "every case of this version, and every requirement that must hold, was tried".to_owned(),
        false => "NO: see the first lines".to_owned(),
    };
    page.row("complete", &complete);
    consistent(page, run);
    let ours = crate::run::COMMIT;
    if run.meta.harness != env!("CARGO_PKG_VERSION") || run.meta.commit != ours {
        let ours = if ours.is_empty() { "unknown" } else { ours };
        let this = concat!("busbar ", env!("CARGO_PKG_VERSION"));
        page.row("otherwise", &format!("run by {}, checked by {this}, commit {ours}", run.meta.made_by()));
    }
    for (name, what) in &gaps.altered {
        page.row("otherwise", &format!("{name}: {what}"));
    }
    for what in &run.meta.differs {
        page.row("otherwise", what);
    }
    let outside = run.meta.outside.as_deref().map_or(String::new(), |outside| format!(". {outside}"));
    page.row("judge", &format!("the verdicts were proven on {PROVEN}{outside}"));
}

fn said(page: &mut Page, run: &Run) {
    let meta = &run.meta;
    page.block("SAID by the holder of the key: nothing here proves it");
    page.row(
        "rig",
        if meta.rig.simulated {
            "on a SIMULATED rig: no hardware was involved, this is no certificate"
        } else if meta.instruments.is_empty() {
            "on a rig of which NO INSTRUMENT SAID WHO IT IS: a simulated one looks the same"
        } else {
            "on a rig of real instruments"
        },
    );
    for (what, says) in &meta.instruments {
        page.row("", &format!("the {what} answered: {says}"));
    }
    page.row("battery", &format!("{} ({})", meta.battery.title, meta.battery.name));
    for (what, value) in &meta.battery.identity {
        page.row("", &format!("on CAN, {what}: {value}"));
    }
    for Fact { what, value, told } in meta.certificate.iter().flat_map(|certificate| &certificate.facts) {
        match told {
            Some(word @ "item") if !value.is_empty() => page.row(word, &format!("{what}: {value}")),
            Some(word) if !value.is_empty() => page.row(word, value),
            _ => {}
        }
    }
    let began = meta.started.as_deref().unwrap_or("nobody says when");
    let took = meta.took.map_or(String::new(), |took| format!(", for {}", evidence::words::wall(took)));
    page.row("performed", &format!("{began}{took}"));
    page.row("harness", &meta.made_by());
}

/// Why it is no certificate, or what is to be known of a run that was made for none.
fn against(page: &mut Page, run: &Run) {
    let (heading, against) = match &run.meta.certificate {
        Some(_) => ("Not certifiable:", obstacles(run)),
        None => ("To be known:", run.meta.doubts.clone()),
    };
    if !against.is_empty() {
        page.block(heading);
        against.iter().for_each(|why| page.line(why, 2));
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn block(&mut self, heading: &str) {
        self.0.push('\n');
        if !heading.is_empty() {
            self.line(heading, 0);
        }
    }

    fn line(&mut self, text: &str, indent: usize) {
        wrapped(&mut self.0, text, indent, WIDTH);
    }

    /// A text behind its label.
    fn row(&mut self, label: &str, text: &str) {
        let from = self.0.len();
        wrapped(&mut self.0, text, TEXT, WIDTH);
        let label = format!("  {label:<width$}", width = TEXT - 2);
        self.0.replace_range(from..from + TEXT, &label);
    }
}
