//! Whether a case does and demands what another of its name does: what it is called, and where it stands, decides nothing.

use super::step::Does;
use super::{Case, Step};

impl Case {
    /// What of this case is otherwise than in another, in a few words each; nothing where both do and demand the same.
    #[must_use]
    pub fn otherwise(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let lacking: Vec<&str> = other
            .requirements
            .iter()
            .filter(|theirs| self.requirements.iter().all(|ours| ours.id != theirs.id))
            .map(|requirement| requirement.id)
            .collect();
        if !lacking.is_empty() {
            found.push(format!("does not judge {}", lacking.join(", ")));
        } else if self.requirements.len() != other.requirements.len() {
            found.push("judges more".to_owned());
        }
        for (what, same) in [
            ("its start", self.start == other.start),
            ("its steps", same(&self.steps, &other.steps)),
            ("its limits", self.thresholds == other.thresholds),
            ("what its powers are for", self.powers_for == other.powers_for),
            ("what it needs", self.needs == other.needs),
        ] {
            if !same {
                found.push(what.to_owned());
            }
        }
        found
    }
}

fn same(ours: &[Step], theirs: &[Step]) -> bool {
    let does = |ours: &Does, theirs: &Does| match (ours, theirs) {
        (Does::Repeat { times: a, steps: ours }, Does::Repeat { times: b, steps: theirs }) => {
            a == b && same(ours, theirs)
        }
        (ours, theirs) => ours == theirs,
    };
    let pairs = || ours.iter().zip(theirs);
    ours.len() == theirs.len()
        && pairs().all(|(a, b)| (a.verb, a.needs) == (b.verb, b.needs) && does(&a.does, &b.does))
}

#[cfg(test)]
mod tests {
    use crate::suite::Suite;
    use rstest::rstest;

    const GOOD: &str = "suite: s\ntitle: t\nspec: P 1.5\nneeds: [pv, gx, grid, ac-load]\ncases:\n  - case: c\n    title: t\n    \
         requirements: [BEH-FI, CVL-04]\n    start: { soc: 50 %, grid: on, feed-in: on, pv: off, ac-load: off }\n    \
         steps:\n      - pv: 4 kW\n      - repeat: { times: 3, steps: [ { ac-load: 2 kW }, { hold: 10 min } ] }\n";

    #[rstest]
    #[case::title("title: t\n    req", "title: another\n    req", &[])]
    #[case::moved("cases:", "# a line more\n\ncases:", &[])]
    #[case::requirement("[BEH-FI, CVL-04]", "[CVL-04]", &["does not judge BEH-FI"])]
    #[case::more("[BEH-FI, CVL-04]", "[BEH-FI, CVL-04, CVL-03]", &["judges more"])]
    #[case::start("soc: 50 %", "soc: 51 %", &["its start"])]
    #[case::step("pv: 4 kW", "pv: 3 kW", &["its steps"])]
    #[case::shorter("hold: 10 min", "hold: 1 min", &["its steps"])]
    #[case::fewer("times: 3", "times: 2", &["its steps"])]
    #[case::limit("    steps:", "    limits: { export-ripple: 9 % }\n    steps:", &["its limits"])]
    fn what_a_case_does_and_demands_is_compared(#[case] from: &str, #[case] to: &str, #[case] said: &[&str]) {
        let case = |text: &str| Suite::parse("s.yaml", text).expect("a good suite").cases.remove(0);
        assert!(GOOD.contains(from), "{from}");
        assert_eq!(case(&GOOD.replacen(from, to, 1)).otherwise(&case(GOOD)), said);
    }
}
