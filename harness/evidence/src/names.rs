//! What a run folder holds, by name.

use proto::channel::Instrument;

/// The raw evidence, before any conclusion: what every run has, and a file for each instrument that said something.
pub const RAW: [&str; INSTRUMENTS + Instrument::ALL.len()] = {
    let mut names = [""; INSTRUMENTS + Instrument::ALL.len()];
    (names[CAN], names[EVENTS]) = (CAN_FILE, EVENTS_FILE);
    let mut k = 0;
    while k < Instrument::ALL.len() {
        names[INSTRUMENTS + k] = Instrument::ALL[k].file();
        k += 1;
    }
    names
};
/// Everything on the battery's bus.
pub const CAN_FILE: &str = "can.log";
/// The events of a run: what it runs on what, and what the harness did and noted. A folder with this file is a run.
pub const EVENTS_FILE: &str = "events.jsonl";
/// Every line to and from the supply of a real rig. Who holds its port writes it, apart from this process: evidence that
/// nothing is judged by.
pub const WIRE: &str = "psu-wire.log";
/// What the guard of the supply had to do after the run was sealed, where the supply was not known to be off by then.
pub const GUARD: &str = "guard.log";
/// What a program behind the battery told of itself, one JSON object a line: evidence that nothing is judged by.
pub const PROGRAM: &str = "program.jsonl";
/// The folder of the files that a run is made from.
pub const INPUTS: &str = "inputs";
/// The folder of what was added beside the run after it ended, which no manifest lists.
pub const ADDED: &str = "added";
pub(crate) const CAN: usize = 0;
pub(crate) const EVENTS: usize = 1;
/// The file of the first instrument.
pub(crate) const INSTRUMENTS: usize = 2;

/// So many names are told in a row.
const NAMED: usize = 6;

/// The first names, and how many more there are.
#[must_use]
pub fn named(names: &[String]) -> String {
    match names.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..NAMED].join(", ")),
    }
}
