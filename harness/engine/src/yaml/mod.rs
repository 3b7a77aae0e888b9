//! YAML as Busbar reads it: bounded, without aliases, and with errors that show the line.
//!
//! [`parse`] reads a file into any type of serde; [`Node`] is the raw tree from which a stricter reader
//! can collect every problem of a file at once, as the suite language does. Both give a [`YamlError`].

mod error;
mod fields;
mod layers;
mod node;

use serde::de::DeserializeOwned;
use serde_yaml::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_yaml::{Error, NonFiniteFloatPolicy, Options};

pub use error::{Position, Problem, YamlError};
pub use fields::{Fields, Reader, nearest};
pub use layers::Layers;
pub use node::Node;

/// Largest file that is read, in bytes. The largest real one is a twentieth of it.
pub const MAX_BYTES: usize = 1 << 20;
/// Deepest nesting of lists and maps.
pub const MAX_DEPTH: usize = 48;
/// Most lists, maps and values of one file.
pub const MAX_NODES: usize = 100_000;

/// Reads a file that somebody wrote by hand: a suite, a rig, a battery.
///
/// Unknown keys are refused where `T` says so (`deny_unknown_fields`), duplicate keys, aliases, merge keys
/// and files beyond [`MAX_BYTES`], [`MAX_DEPTH`] or [`MAX_NODES`] always.
///
/// # Errors
/// The first thing that is wrong, with its line. (A [`Node`] read through [`Reader`] reports all.)
///
/// ```
/// #[derive(Debug, serde::Deserialize)]
/// struct Rig { limit: proto::quantity::Volts }
///
/// let error = engine::yaml::parse::<Rig>("rigs/a.yaml", "limit: 58\n").expect_err("no unit");
/// assert_eq!(error.to_string(), "\
/// rigs/a.yaml:1:8: `58` has no unit
///     1 | limit: 58
///       |        ^^ expected a voltage such as `56.4 V`");
/// ```
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, YamlError> {
    if text.len() > MAX_BYTES {
        return Err(YamlError::new(
            file,
            "",
            vec![Problem::new(
                Position::START,
                format!("the file is {} bytes long", text.len()),
                format!("at most {MAX_BYTES} bytes"),
            )],
        ));
    }
    serde_yaml::from_str_with_options(text, options())
        .map_err(|e| YamlError::new(file, text, vec![problem(e.without_snippet(), text)]))
}

/// Refuses a value of a file that reads well and still cannot be: `path` says where it stands, in dotted keys.
#[must_use]
pub fn refuse(file: &str, text: &str, path: &str, message: String, expected: impl Into<String>) -> YamlError {
    let at = Node::read(file, text).map_or(Position::START, |node| node.place(path));
    YamlError::new(file, text, vec![Problem::new(at, message, expected)])
}

fn options() -> Options {
    serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_aliases: 0,
            max_anchors: 0,
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 3 * MAX_NODES,
            max_documents: 1,
        },
        emit_comments: false,
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        strict_booleans: true,
        with_snippet: false,
    }
}

/// The parser's words in ours: the parser speaks to its programmer, we to whoever wrote the file.
fn problem(error: &Error, text: &str) -> Problem {
    let at = error.location().map_or(Position::START, Position::from);
    let known = |name: &str, names: &[&str]| {
        nearest(name, names.iter().copied())
            .map_or_else(|| format!("one of {}", quoted(names)), |near| format!("`{near}`"))
    };
    let (message, expected) = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            (format!("unknown key `{field}`"), known(field, expected))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            (format!("`{variant}` is not known here"), known(variant, expected))
        }
        Error::SerdeMissingField { field, .. } => (format!("`{field}` is missing"), format!("`{field}: …`")),
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => {
            (format!("{unexpected} does not fit here"), expected.clone())
        }
        Error::DuplicateMappingKey { key, .. } => (
            format!("the key `{}` stands here a second time", key.as_deref().unwrap_or("?")),
            "every key once".to_owned(),
        ),
        Error::Unexpected { expected, .. } => ("this does not fit here".to_owned(), (*expected).to_owned()),
        Error::MergeKeyNotAllowed { .. } => {
            ("merge keys (`<<`) are not accepted".to_owned(), "the keys themselves".to_owned())
        }
        Error::MultipleDocuments { .. } => {
            ("a second document begins".to_owned(), "one document in a file".to_owned())
        }
        Error::Eof { .. } if text.trim().is_empty() => ("the file is empty".to_owned(), String::new()),
        Error::Budget { breach, .. } => budget(breach),
        other => plain(other),
    };
    Problem::new(at, message, expected)
}

fn budget(breach: &serde_yaml::budget::BudgetBreach) -> (String, String) {
    use serde_yaml::budget::BudgetBreach as B;
    match breach {
        B::Aliases { .. } | B::Anchors { .. } => (
            "anchors (`&`) and aliases (`*`) are not accepted".to_owned(),
            "the value itself; quote a text that begins with `&` or `*`".to_owned(),
        ),
        B::Depth { .. } => too_deep(),
        B::Documents { .. } => ("a second document begins".to_owned(), "one document in a file".to_owned()),
        _ => ("the file holds too much".to_owned(), format!("at most {MAX_NODES} values")),
    }
}

fn too_deep() -> (String, String) {
    ("nested too deeply".to_owned(), format!("at most {MAX_DEPTH} lists and maps inside each other"))
}

/// Any other message of the parser, cut where it says what it expected.
fn plain(error: &Error) -> (String, String) {
    let full = error.to_string();
    // The location stands in front of the message already.
    let text = full.rsplit_once(" at line ").map_or(full.as_str(), |(text, _)| text);
    // The scanner has a bound of its own on `[` and `{`, the same one.
    if text.contains("recursion limit") {
        return too_deep();
    }
    match text.strip_prefix("invalid ") {
        Some("floating point") => {
            return ("this is not a number".to_owned(), "a number such as `0.3`".to_owned());
        }
        Some(kind) if kind.starts_with(['u', 'i']) && kind[1..].parse::<u8>().is_ok() => {
            return ("this is not a whole number".to_owned(), "a whole number such as `16`".to_owned());
        }
        _ => {}
    }
    match text.split_once(", expected ").or_else(|| text.split_once("expected ")) {
        Some(("", expected)) => ("this does not fit here".to_owned(), expected.to_owned()),
        Some((message, expected)) => (message.to_owned(), expected.to_owned()),
        None => (text.to_owned(), String::new()),
    }
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|n| format!("`{n}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
