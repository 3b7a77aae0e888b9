//! `busbar compare`: two runs beside each other, both judged again from their raw evidence.

use std::path::PathBuf;

use evidence::again::{Again, again};
use evidence::text::plain;
use evidence::words::{room, trim};
use report::compare::{Comparison, compare as compared};
use report::html;

use crate::{Exit, Failure, unwritable, warn};

/// What to compare.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of the run that is compared with
    #[arg(value_name = "RUN")]
    a: PathBuf,
    /// Folder of the run that is looked at
    #[arg(value_name = "RUN")]
    b: PathBuf,
    /// Write a page with CVL of both over each other
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(crate) fn compare(args: &Args) -> Result<Exit, Failure> {
    let open = |folder: &PathBuf| {
        again(folder).map(|Again { run, notes, .. }| {
            notes.iter().for_each(|note| warn(&format!("{}: {note}", folder.display())));
            run
        })
    };
    let (a, b) = (open(&args.a)?, open(&args.b)?);
    let mut comparison = compared(&a, &b).map_err(Failure::input)?;
    let changed = evidence::inputs::changed(&args.a, &args.b).map_err(|error| {
        let (a, b) = (args.a.display(), args.b.display());
        Failure::input(format!("cannot read what {a} and {b} were made from: {error}"))
    });
    comparison.facts.extend(changed?);
    if let Some(path) = &args.html {
        std::fs::write(path, html::compare::compare(&comparison)).map_err(unwritable(path))?;
    }
    crate::answer(&shown(&comparison))?;
    let same = comparison.pairs.iter().all(|pair| !pair.differs());
    Ok(if same { Exit::Pass } else { Exit::Fail })
}

fn shown(comparison: &Comparison<'_>) -> String {
    let mut out = format!("A {}\nB {}\n", plain(&comparison.a.meta.id), plain(&comparison.b.meta.id));
    for (what, a, b) in &comparison.facts {
        out += &format!("  {what}: {} -> {}\n", plain(a), plain(b));
    }
    let mut same = 0;
    for pair in &comparison.pairs {
        if pair.is_same() {
            same += 1;
            continue;
        }
        let outcome = |case: Option<&evidence::run::CaseResult>| case.map_or("-", |case| case.mark().short());
        let name = pair.b.or(pair.a).map(evidence::run::CaseResult::name).unwrap_or_default();
        out += &format!("\n{}: {} -> {}\n", plain(&name), outcome(pair.a), outcome(pair.b));
        for (id, a, b) in &pair.verdicts {
            out += &format!("  {id:<8} {} -> {}\n", a.short(), b.short());
        }
        for shift in &pair.margins {
            let (a, b, id) = (room(&shift.a), room(&shift.b), shift.of);
            out += &format!("  {id:<8} {a} -> {b}: {} room\n", shift.words());
        }
        for figure in &pair.figures {
            let (a, b) = (trim(figure.a, 3), trim(figure.b, 3));
            out += &format!("  {} {a} -> {b} {}\n", figure.name, figure.unit);
        }
    }
    out + &format!("\n{same} of {} cases the same\n", comparison.pairs.len())
}
