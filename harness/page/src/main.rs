//! What the page in a browser runs: `busbar lint --format json` of the log on standard input, which the first argument names;
//! options follow as `busbar lint` takes them. It is compiled for WASI, whose few calls `worker.js` answers, so that it is an
//! ordinary program.

use std::io::{self, Write as _};
use std::process::ExitCode;

use judge::battery::Cells;
use lint::Whole;
use lint::input::Log;
use lint::json;
use lint::judged::{Conditions, judge};
use proto::chemistry::Chemistry;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let name = args.first().map_or("log", String::as_str);
    let asked = |flag: &str| args.iter().skip(1).any(|arg| arg == flag);
    let value = |flag: &str| args.iter().skip(1).skip_while(|arg| *arg != flag).nth(1);
    let cells = value("--cells").and_then(|count| count.parse().ok());
    let chemistry = value("--chemistry").and_then(|name| Chemistry::named(name));
    let conditions = Conditions {
        battery: None,
        cells: cells.map(|count| Cells { count, chemistry }),
        certifying: asked("--for-certification"),
        strict: asked("--strict"),
    };
    let (all, error) = match Log::of(name.to_owned(), Box::new(io::stdin())) {
        Ok(log) => judge(log, &conditions),
        Err(error) => (Vec::new(), Some(error)),
    };
    let unread: Vec<_> = error.into_iter().map(|error| (name.to_owned(), error.to_string())).collect();
    let whole = Whole::of(&all, !unread.is_empty());
    let text = json::file(&all, &unread, &conditions, whole);
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::from(whole.code()),
        Err(_) => ExitCode::from(2),
    }
}
