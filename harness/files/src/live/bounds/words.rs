//! Words that a person reads when the supply is on and nothing speaks to it any more: they must say something.

use engine::yaml::{Layers, YamlError};

use super::Live;

/// What says that there is nothing, or that nobody has looked.
const NOTHING: [&str; 14] = [
    "no", "not", "none", "nothing", "nobody", "without", "never", "missing", "unknown", "todo", "tbd",
    "later", "false", "null",
];
/// Fewer letters and digits, or words, name nothing: `relay K1` does, `no` and `x` do not.
const LEAST: (usize, usize) = (5, 2);
/// A reason takes more.
const REASON: (usize, usize) = (10, 3);

/// Refuses an interlock that is none, and a risk that is accepted without a reason. Words that are left out or empty are
/// nothing, which is refused elsewhere.
pub(super) fn check(live: &Live, layers: &Layers) -> Result<(), YamlError> {
    let Some(psu) = &live.psu else { return Ok(()) };
    let said = |words: &Option<String>| words.as_deref().map(str::trim).unwrap_or_default().to_owned();
    let (interlock, risk) = (said(&psu.interlock), said(&psu.accepted_risk));
    if !interlock.is_empty() && (is_less(&interlock, LEAST) || says_nothing(&interlock)) {
        let expected = "what cuts the supply off and that it was tried, such as `emergency stop relay K1 cuts the mains of \
                        the supply, tested monthly`; where there is nothing, leave it out";
        return Err(layers.refuse(
            "live.psu.interlock",
            format!("`{interlock}` names no interlock"),
            expected,
        ));
    }
    if !risk.is_empty() && is_less(&risk, REASON) {
        let expected = "the reason why nothing else has to switch it off, such as `somebody stands beside it all the time`";
        return Err(layers.refuse("live.psu.accepted-risk", format!("`{risk}` is no reason"), expected));
    }
    Ok(())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn is_less(text: &str, (letters, many): (usize, usize)) -> bool {
    // `x x x x x x` is as little as `x`.
    let mut different: Vec<&str> = words(text).collect();
    different.sort_unstable();
    different.dedup();
    different.len() < many || different.iter().map(|word| word.chars().count()).sum::<usize>() < letters
}

fn says_nothing(text: &str) -> bool {
    let first = words(text).next().unwrap_or_default().to_lowercase();
    // A switch may be called so: `NOT-AUS`.
    NOTHING.contains(&first.as_str()) && !text.to_lowercase().starts_with("not-aus")
}
