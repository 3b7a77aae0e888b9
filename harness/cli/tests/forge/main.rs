//! Forgeries: twelve ways to change a run, on every file of its bundle, by somebody who holds a key, judges again what he
//! changed and signs it. Each is found by `busbar verify`, or is one of the lies that `SECURITY.md` lists.
//!
//! `cargo xtask forge-campaign` does a thousand; a test of the workspace does a few.

#![cfg(unix)]

mod counts;
mod operator;
mod random;
mod scene;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use operator::{Operator, Text};
use random::Random;
use scene::{Forged, Scene};

/// Lies that nothing in a bundle tells from the truth, as `SECURITY.md` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lie {
    /// evidence that a key holder invented and that fits together
    Invented,
    /// another battery under this label
    Label,
    /// the best of many runs
    Best,
    /// time and commit
    Time,
}

/// Which forgeries are such a lie: the file, or how it begins; the operator, or all of them; the lie, and why nothing tells it.
const LIES: &[(&str, Option<Operator>, Lie)] = &[
    // Another run, whole, in place of this one.
    (scene::ALL, None, Lie::Best),
    // Numbers and names that only the battery tells.
    ("can.log", None, Lie::Invented),
    // Grid, loads, charger: nothing else of the rig measures them.
    ("gx.csv", None, Lie::Invented),
    // Within what two clocks may be apart: a second of the clock is a minute of this rig.
    ("supply.csv", Some(Operator::Shift), Lie::Invented),
    ("events.jsonl", Some(Operator::Rename), Lie::Label),
    ("events.jsonl", None, Lie::Invented),
    ("manifest.json", None, Lie::Time),
    // What a laboratory says of its own battery, rig and suites.
    ("inputs/rigs/batteries/", None, Lie::Label),
    ("inputs/rigs/", None, Lie::Label),
    ("inputs/suites/mine/", None, Lie::Label),
];

/// What came of one forgery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    /// it is refused, or told, or decides nothing any more
    Found,
    /// nothing is told, and the verdicts are the same: nothing was gained
    Same,
    /// nothing is told, and something is gained: one of the lies
    Lie(Lie),
    /// nothing is told, a verdict is another, and it is none of the lies
    Missed,
}

#[derive(Default)]
struct Row {
    tried: u32,
    found: u32,
    same: u32,
    lies: u32,
    missed: Vec<String>,
}

impl Row {
    fn count(&mut self, came: Came, file: &str, seed: u64) {
        self.tried += 1;
        match came {
            Came::Found => self.found += 1,
            Came::Same => self.same += 1,
            Came::Lie(_) => self.lies += 1,
            Came::Missed => self.missed.push(format!("{file}, seed {seed}")),
        }
    }
}

impl core::fmt::Display for Row {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { tried, found, same, lies, missed } = self;
        write!(f, "{tried:>6} {found:>6} {same:>8} {lies:>6} {:>7}", missed.len())
    }
}

#[test]
fn every_forgery_is_found_or_is_one_of_the_lies() {
    let many = std::env::var("BUSBAR_FORGERIES").ok().and_then(|many| many.parse().ok()).unwrap_or(60);
    let scene = Scene::new();
    let files = scene.files();
    let mut rows: BTreeMap<(usize, &str), Row> = BTreeMap::new();
    let mut by_file: BTreeMap<String, Row> = BTreeMap::new();
    let mut by_lie: BTreeMap<Lie, u32> = BTreeMap::new();
    // Each operator with each file, in an order of chance; then all of them again with other seeds.
    let pairs: Vec<(usize, usize)> =
        (0..Operator::ALL.len()).flat_map(|which| (0..files.len()).map(move |file| (which, file))).collect();
    let next = AtomicU64::new(0);
    let done: Mutex<Vec<(u64, usize, usize, Came)>> = Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        let threads_of = std::thread::available_parallelism().map_or(1, core::num::NonZero::get).min(4);
        for number in 0..threads_of {
            let (scene, files, pairs, next, done) = (&scene, &files, &pairs, &next, &done);
            threads.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= many {
                        return;
                    }
                    let (which, file) = pairs[of_round(seed, pairs.len())];
                    let mut random = Random(seed);
                    let Some(forged) = scene.forge(&files[file], Operator::ALL[which].0, &mut random) else {
                        continue;
                    };
                    let came = judged(scene, &files[file], Operator::ALL[which].0, &forged, number);
                    done.lock().expect("no thread panics with it").push((seed, which, file, came));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no thread panics with it");
    done.sort_unstable_by_key(|(seed, ..)| *seed);
    for (seed, index, file, came) in done {
        let (file, (_, operator)) = (&files[file], Operator::ALL[index]);
        rows.entry((index, operator)).or_default().count(came, file, seed);
        by_file.entry(scene::kind(file)).or_default().count(came, file, seed);
        if let Came::Lie(lie) = came {
            *by_lie.entry(lie).or_default() += 1;
        }
    }
    let head = |what: &str| {
        format!("{what:<24} {:>6} {:>6} {:>8} {:>6} {:>7}\n", "tried", "found", "no gain", "lies", "missed")
    };
    let mut table = head("operator");
    let mut missed = Vec::new();
    let (mut tried, mut found) = (0, 0);
    for ((_, operator), row) in &rows {
        let _ = writeln!(table, "{operator:<24} {row}");
        tried += row.tried;
        found += row.found;
        missed.extend(row.missed.iter().map(|what| format!("{operator}: {what}")));
    }
    table += &head("\nfile");
    for (file, row) in &by_file {
        let _ = writeln!(table, "{file:<24} {row}");
    }
    let _ = writeln!(
        table,
        "{many} samples of {} pairs of operator and file; {tried} forgeries, {found} found, {by_lie:?}, {} missed",
        pairs.len(),
        missed.len()
    );
    println!("{table}");
    assert!(missed.is_empty(), "{table}{}", missed.join("\n"));
    assert!(found * 2 > tried, "{table}");
}

/// The place of a sample in its round: each round takes every one of them once, in an order of its own.
fn of_round(seed: u64, many: usize) -> usize {
    let (round, place) = (seed / many as u64, (seed % many as u64) as usize);
    let mut order: Vec<usize> = (0..many).collect();
    let mut random = Random(round);
    for k in (1..many).rev() {
        order.swap(k, random.below(k + 1));
    }
    order[place]
}

fn judged(scene: &Scene, file: &str, operator: Operator, forged: &Forged, by: usize) -> Came {
    let Forged::Signed { bundle, verdicts } = forged else { return Came::Found };
    let verified = scene.verify(bundle, by);
    let (before, now) = (told(&scene.said), told(&verified.said));
    // More is told than of the run as it was, or it is refused.
    if verified.code == 65 || now.iter().any(|line| !before.contains(line)) {
        return Came::Found;
    }
    let is_one = |(begins, which, _): &&(&str, Option<Operator>, Lie)| {
        file.starts_with(begins) && which.is_none_or(|which| which == operator)
    };
    let same = verdicts == &scene.verdicts;
    match LIES.iter().find(is_one).map(|(.., lie)| *lie) {
        // It decides less than before: nobody forges that.
        _ if undecided(verdicts) > undecided(&scene.verdicts) => Came::Found,
        // Who it was, when, and which of many: no verdict says that.
        Some(lie @ (Lie::Label | Lie::Best | Lie::Time)) => Came::Lie(lie),
        _ if same => Came::Same,
        Some(lie) => Came::Lie(lie),
        None => Came::Missed,
    }
}

/// How many verdicts are no pass.
fn undecided(verdicts: &[(String, String)]) -> usize {
    verdicts.iter().filter(|(_, outcome)| outcome != "pass").count()
}

/// What `verify` says against a run, line by line without numbers of lines and times.
fn told(said: &str) -> Vec<String> {
    let labels = ["contradicts", "suspicion", "otherwise", "NOT ", "Why:", "complete", "consistent NO"];
    let blocks = ["Not certifiable:", "To be known:"];
    let mut lines = Vec::new();
    let mut against = false;
    for line in said.lines().map(str::trim) {
        against = (against && !line.is_empty()) || blocks.contains(&line);
        if against || labels.iter().any(|label| line.starts_with(label)) {
            lines.push(line.to_owned());
        }
    }
    lines
}

#[test]
fn every_lie_stands_in_the_document() {
    let page = include_str!("../../../../SECURITY.md");
    for words in
        ["invented evidence", "another battery under this label", "the best of many runs", "time and commit"]
    {
        assert!(page.contains(words), "SECURITY.md lacks: {words}");
    }
}

#[test]
fn operators_change_what_they_say() {
    let text =
        Text::of("gx.csv", "time_s,a_V,b_A,input\n1.000000,10,2,0\n2.000000,20,3,5\n3.000000,30,4,9\n");
    for (operator, name) in Operator::ALL {
        let other = text.clone();
        for seed in 0..20 {
            let mut changed = text.clone();
            if changed.apply(operator, &other, &mut Random(seed)) {
                assert!(
                    changed.text() != text.text(),
                    "{name} with seed {seed} says that it changed something"
                );
            }
        }
    }
}
