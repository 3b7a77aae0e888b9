//! Pure crates: no input or output, no clock, no threads, no environment, nothing that differs between runs.

use super::Finding;
use super::tokens::{Kind, Named};

/// The crates that are pure.
pub(crate) const PURE: &[&str] = &["proto", "judge", "engine", "plant"];

/// What a pure crate names nowhere outside its tests, with what to do instead. A path stands for
/// everything below it.
const FORBIDDEN: &[(&str, &str)] = &[
    ("std::env", "take it as an argument; the environment is read in cli"),
    ("std::fs", "take text or bytes; files are read in files, evidence, report and cli"),
    (
        "std::io",
        "take and give text, bytes or core::fmt; files and sockets live in files, lab, report and cli",
    ),
    ("std::net", "sockets live in lab"),
    ("std::os", "the system is not reached from here; it belongs in lab"),
    ("std::process", "programs are started in lab and cli"),
    ("std::thread", "be a state machine that is called; threads live in lab's live bench"),
    ("std::thread_local", "hold state in the value that owns it"),
    ("std::sync::mpsc", "be a state machine that is called; threads live in lab's live bench"),
    ("std::sync::Mutex", "hold state in the value that owns it"),
    ("std::sync::RwLock", "hold state in the value that owns it"),
    ("std::sync::Condvar", "be a state machine that is called; threads live in lab's live bench"),
    ("std::sync::atomic", "hold state in the value that owns it; a global counter differs between runs"),
    ("core::sync::atomic", "hold state in the value that owns it; a global counter differs between runs"),
    ("std::time::Instant", "take a `Micros`; clocks are read in lab's live bench"),
    ("std::time::SystemTime", "take a `Micros`; clocks are read in lab's live bench"),
    ("std::time::UNIX_EPOCH", "take a `Micros`; clocks are read in lab's live bench"),
    ("Instant::now", "take a `Micros`; clocks are read in lab's live bench"),
    ("SystemTime", "take a `Micros`; clocks are read in lab's live bench"),
    ("std::collections::HashMap", "its order differs between runs: use BTreeMap, a Vec or an array"),
    ("std::collections::HashSet", "its order differs between runs: use BTreeSet, a Vec or an array"),
    ("std::collections::hash_map", "its order differs between runs: use BTreeMap, a Vec or an array"),
    ("std::collections::hash_set", "its order differs between runs: use BTreeSet, a Vec or an array"),
    ("std::hash::RandomState", "it differs between runs"),
    ("std::hash::DefaultHasher", "its result may change with the compiler"),
    ("HashMap", "its order differs between runs: use BTreeMap, a Vec or an array"),
    ("HashSet", "its order differs between runs: use BTreeSet, a Vec or an array"),
    ("RandomState", "it differs between runs"),
    ("thread_rng", "use a generator with a seed from the case"),
    ("from_os_rng", "use a generator with a seed from the case"),
    ("from_entropy", "use a generator with a seed from the case"),
    ("getrandom", "use a generator with a seed from the case"),
    ("rand::rng", "use a generator with a seed from the case"),
    ("rand::random", "use a generator with a seed from the case"),
    ("tokio", "be a state machine that is called; tokio lives in lab's live bench"),
];

/// Macros that a pure crate does not call.
const FORBIDDEN_MACROS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg", "thread_local"];

/// Functions whose last bits come from the system's own library and so differ between machines. `sqrt` and
/// `mul_add` are exact by IEEE 754, and `powi` of small powers is multiplied out: those are the same everywhere.
const INEXACT: &[&str] = &[
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "exp", "exp2",
    "exp_m1", "hypot", "ln", "ln_1p", "log10", "log2", "powf", "sin", "sin_cos", "sinh", "tan", "tanh",
];

/// Holds the rule over what one file of a pure crate names.
pub(crate) fn check(path: &str, named: &[Named]) -> Vec<Finding> {
    let finding = |named: &Named| {
        let what = match &named.kind {
            Kind::Path(text) => {
                if let Some(function) = text.strip_prefix("f64::").filter(|name| INEXACT.contains(name)) {
                    inexact(function)
                } else {
                    let (_, instead) = FORBIDDEN.iter().find(|(forbidden, _)| names(text, forbidden))?;
                    format!("`{text}` in a pure crate: {instead}")
                }
            }
            Kind::Method(name) => {
                INEXACT.iter().find(|function| *function == name)?;
                inexact(name)
            }
            Kind::Macro(name) => {
                FORBIDDEN_MACROS.iter().find(|forbidden| *forbidden == name)?;
                format!("`{name}!` in a pure crate: give the text back to whoever calls; cli prints it")
            }
            Kind::Attribute { .. } => return None,
        };
        Some(Finding::new(path, named.line, what))
    };
    named.iter().filter(|named| !named.test).filter_map(finding).collect()
}

fn inexact(function: &str) -> String {
    format!("`{function}` in a pure crate: its last bits differ between machines, use libm's")
}

/// Whether a path reaches what is forbidden: the thing itself, something below it, or a glob that brings
/// it in. A forbidden name without `std` counts wherever it stands in the path.
fn names(path: &str, forbidden: &str) -> bool {
    let rooted = forbidden.starts_with("std::") || forbidden.starts_with("core::");
    let starts = |start: &str| path == start || path.strip_prefix(start).is_some_and(|r| r.starts_with("::"));
    if rooted {
        let globbed = path.strip_suffix("*").is_some_and(|above| forbidden.starts_with(above));
        return starts(forbidden) || globbed;
    }
    let inside = format!("::{path}::").contains(&format!("::{forbidden}::"));
    starts(forbidden) || inside
}

#[cfg(test)]
mod tests {
    use super::super::tokens::read;
    use super::*;
    use rstest::rstest;

    fn findings(text: &str) -> Vec<String> {
        let contents = read(text).expect("Rust");
        check("harness/judge/src/x.rs", &contents.named).iter().map(ToString::to_string).collect()
    }

    #[rstest]
    #[case("fn f() -> std::net::TcpStream { todo }")]
    #[case("use std::{fmt, fs};")]
    #[case("use std::*;")]
    #[case("use std::collections::*;")]
    #[case("use std::time::*;")]
    #[case("let x = std::env::var(\"BUSBAR_RIG\");")]
    #[case("macro_call! { let x = std::env::var(\"BUSBAR_RIG\"); }")]
    #[case("use std::io::Write as _;")]
    #[case("std::process::exit(1)")]
    #[case("std::thread::sleep(d)")]
    #[case("let t = Instant::now();")]
    #[case("let t = std::time::Instant::now();")]
    #[case("let t = time::SystemTime::now();")]
    #[case("use std::collections::{BTreeMap, HashMap};")]
    #[case("let m: HashSet<u8>;")]
    #[case("let r = rand::thread_rng();")]
    #[case("use std::sync::atomic::AtomicU64;")]
    #[case("tokio::spawn(x)")]
    #[case("use tokio;")]
    #[case("println!(\"\")")]
    #[case("eprintln!(\"\")")]
    #[case("dbg!(x)")]
    #[case("thread_local! { static X: u8 = 0; }")]
    #[case("let x = (-t / tau).exp();")]
    #[case("let x = samples.map(f64::ln);")]
    fn what_reaches_outside_is_found(#[case] text: &str) {
        let found = findings(text);
        assert!(!found.is_empty(), "`{text}` passed");
        assert!(found[0].starts_with("harness/judge/src/x.rs:1: "), "{found:?}");
    }

    #[rstest]
    #[case("/// Not a HashMap, whose order differs; no std::fs here.\nfn f() {}")]
    #[case("const X: &str = \"std::net and println!\";")]
    #[case("use std::collections::BTreeMap; use core::time::Duration;")]
    #[case("enum Response { Instant, Slow } let x = Response::Instant;")]
    #[case("let environment = environs::std();")]
    #[case("let x = libm::exp(-t / tau).sqrt();")]
    #[case("#[cfg(test)] mod tests { use std::collections::HashMap; fn f() { println!(\"\") } }")]
    #[case("use std::fmt; use std::time::Duration; use std::sync::LazyLock; write!(f, \"\")")]
    fn what_stays_inside_passes(#[case] text: &str) {
        assert_eq!(findings(text), Vec::<String>::new());
    }

    #[test]
    fn the_message_says_what_to_do() {
        let found = findings("\n\nuse std::collections::HashMap;");
        assert_eq!(
            found,
            ["harness/judge/src/x.rs:3: `std::collections::HashMap` in a pure crate: \
              its order differs between runs: use BTreeMap, a Vec or an array"]
        );
    }
}
