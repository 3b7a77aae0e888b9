//! The inner state that a program told of itself over a case, for its figure. Nothing is judged by it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use proto::quantity::Micros;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::names::PROGRAM;
use crate::run::{CaseResult, Inner};

/// So many keys of `state` are kept, the first that come.
pub const MOST: usize = 6;
/// So many texts of one key are told apart; what comes later changes nothing.
const TEXTS: usize = 20;
/// The longest name and the longest text, characters.
const LONGEST: usize = 24;

/// A line of the file, as far as it matters here.
#[derive(Deserialize)]
struct Line {
    /// begins a case of the run, with `began`; without, the case begins after what brought the battery there
    case: Option<String>,
    began: Option<u64>,
    #[serde(default)]
    t: u64,
    state: Option<Map<String, Value>>,
}

/// Gives each case what its program told in this run folder. A line that cannot be read is left out, since no verdict depends on it.
pub fn read(folder: &Path, cases: &mut [CaseResult]) {
    let Ok(file) = File::open(folder.join(PROGRAM)) else { return };
    let (mut current, mut begins) = (None, 0);
    for line in BufReader::new(file).split(b'\n').map_while(Result::ok) {
        let Ok(line) = serde_json::from_slice::<Line>(&line) else { continue };
        match (line.case, line.began, line.state) {
            (Some(name), Some(began), _) => {
                let is_it = |case: &&mut CaseResult| {
                    case.began.0 == began && name.split_once('/') == Some((&case.suite, &case.case))
                };
                (current, begins) = (cases.iter_mut().find(is_it), 0);
            }
            (Some(_), None, _) => {
                begins = line.t;
                current.iter_mut().flat_map(|case| &mut case.inner).for_each(start);
            }
            (None, _, Some(state)) => {
                if let Some(case) = &mut current {
                    let at = Micros(line.t.saturating_sub(begins));
                    state.iter().for_each(|(key, value)| keep(&mut case.inner, at, key, value));
                }
            }
            _ => {}
        }
    }
}

/// What it was last before the case is what it is at the start.
fn start(inner: &mut Inner) {
    inner.points = inner.points.last().map(|&(_, value)| (Micros::ZERO, value)).into_iter().collect();
}

fn keep(kept: &mut Vec<Inner>, at: Micros, key: &str, value: &Value) {
    let short = |text: &str| crate::text::plain(text).chars().take(LONGEST).collect::<String>();
    let name = short(key);
    let known = kept.iter().position(|inner| inner.name == name);
    if known.is_none() && kept.len() == MOST {
        return;
    }
    let fresh = Inner { name, ..Inner::default() };
    let mut inner = known.map_or(fresh, |place| core::mem::take(&mut kept[place]));
    let numbers = inner.texts.is_empty();
    let value = match value {
        Value::Number(number) if numbers => number.as_f64(),
        Value::Bool(flag) if numbers => Some(f64::from(u8::from(*flag))),
        Value::String(text) if !numbers || inner.points.is_empty() => {
            let text = short(text);
            let place = inner.texts.iter().position(|known| *known == text);
            place
                .or_else(|| {
                    (inner.texts.len() < TEXTS).then(|| {
                        inner.texts.push(text);
                        inner.texts.len() - 1
                    })
                })
                .map(|place| place as f64)
        }
        _ => None,
    };
    if let Some(value) = value.filter(|value| value.is_finite())
        && inner.points.last().is_none_or(|last| last.1.to_bits() != value.to_bits())
    {
        inner.points.push((at, value));
    }
    match known {
        Some(place) => kept[place] = inner,
        None if !inner.points.is_empty() => kept.push(inner),
        None => {}
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    fn case(name: &str, began: u64) -> CaseResult {
        CaseResult {
            began: Micros(began),
            length: Micros::from_secs(10),
            ..CaseResult::named("feed-in", name)
        }
    }

    fn told(lines: &str) -> Vec<CaseResult> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(PROGRAM), lines).expect("written");
        let mut cases = vec![case("a", 0), case("b", 0), case("b", 90)];
        read(folder.path(), &mut cases);
        cases
    }

    #[test]
    fn each_case_has_its_own() {
        let cases = told(concat!(
            "{\"case\":\"feed-in/b\",\"began\":0}\n",
            "{\"t\":0,\"state\":{\"soc\":52.5,\"mode\":\"bulk\",\"on\":true,\"deep\":[1],\"none\":null}}\n",
            "{\"t\":1000000,\"log\":\"text\"}\n no line at all\n",
            "{\"t\":2000000,\"state\":{\"soc\":53,\"mode\":\"float\",\"on\":true}}\n",
            "{\"t\":3000000,\"state\":{\"soc\":\"53\",\"mode\":\"bulk\",\"on\":false}}\n",
            "{\"t\":4000000,\"ended\":\"it exited with 0\",\"stderr\":{\"first\":\"\"}}\n",
            "{\"case\":\"feed-in/b\",\"began\":90}\n{\"t\":0,\"state\":{\"soc\":90}}\n",
            "{\"t\":5,\"state\":{\"soc\":50}}\n{\"t\":6,\"case\":\"begins\"}\n{\"t\":7,\"state\":{\"soc\":49}}\n",
        ));
        let second = Micros::from_secs;
        assert!(cases[0].inner.is_empty());
        let names: Vec<_> = cases[1].inner.iter().map(|inner| inner.name.as_str()).collect();
        assert_eq!(names, ["mode", "on", "soc"]);
        let [mode, on, soc] = &cases[1].inner[..] else { panic!("three") };
        assert_eq!(mode.texts, ["bulk", "float"]);
        assert_eq!(mode.points, [(second(0), 0.0), (second(2), 1.0), (second(3), 0.0)]);
        assert_eq!(on.points, [(second(0), 1.0), (second(3), 0.0)]);
        assert_eq!(soc.points, [(second(0), 52.5), (second(2), 53.0)]);
        assert_eq!(cases[2].inner[0].points, [(Micros(0), 50.0), (Micros(1), 49.0)]);
    }

    #[test]
    fn keys_and_texts_have_a_bound() {
        let keys: Vec<_> = (0..50).map(|k| format!("\"k{k:02}\":{k}")).collect();
        let state = format!("{{\"t\":0,\"state\":{{{}}}}}\n", keys.join(","));
        let texts: String = (0..50)
            .map(|k| format!("{{\"t\":{k},\"state\":{{\"k00\":\"{k}{}\"}}}}\n", "x".repeat(99)))
            .collect();
        let begin = "{\"case\":\"feed-in/b\",\"began\":0}\n";
        assert_eq!(told(&format!("{begin}{state}"))[1].inner.len(), MOST);
        let inner = &told(&format!("{begin}{texts}"))[1].inner[0];
        assert_eq!((inner.texts.len(), inner.points.len()), (TEXTS, TEXTS));
        assert!(inner.texts.iter().all(|text| text.chars().count() <= LONGEST));
    }
}
