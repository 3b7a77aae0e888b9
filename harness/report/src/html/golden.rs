//! A run beside the golden traces of its battery: the tube of each case, the new trace in it, and where it leaves it.

mod figure;

use std::fmt::{self, Write};

use judge::tube::Tolerance;

use super::escape::Esc;
use super::{STYLE, count, open, shape};
use crate::golden::{Found, Held, seconds, volts};
use evidence::mark::Mark;

const OWN: &str = include_str!("golden.css");

/// What the page shows.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// the run that was held against golden traces, the name of its folder
    pub id: &'a str,
    /// the battery and the rig, for a reader
    pub title: &'a str,
    /// no hardware was involved
    pub simulated: bool,
    /// what else is not as it was when the traces were accepted, a sentence each
    pub differences: &'a [String],
    /// its cases that have a golden trace
    pub held: &'a [Held],
}

/// The whole page.
#[must_use]
pub fn golden(page: Page<'_>) -> String {
    let mut out = String::with_capacity(1 << 17);
    written(&mut out, page).expect("a String takes every write");
    out
}

fn written(out: &mut String, page: Page<'_>) -> fmt::Result {
    let Page { id, title, simulated, differences, held } = page;
    let style = format!("{STYLE}{OWN}");
    open(out, &style, &format!("{id} and its golden traces"))?;
    write!(
        out,
        "<main><header><p class=kicker><span>Busbar, golden traces</span><span>{}</span></p><h1>{}</h1>",
        Esc(id),
        Esc(title)
    )?;
    if simulated {
        out.push_str("<p class=simulated><strong>Simulated rig</strong> No hardware was involved.</p>");
    }
    let worst = held.iter().map(sign).max_by_key(|sign| urgency(sign.0));
    let (worst, _) = worst.unwrap_or((Mark::Inconclusive, ""));
    write!(
        out,
        "</header><section id=verdict class=\"verdict {}\" aria-label=Verdict>{}<div><p class=big>{}</p><p class=lead>{}</p></div></section>",
        worst.class(),
        shape(worst),
        match worst {
            Mark::Pass => "Matches",
            Mark::Warning => "Differs",
            _ => "Not compared",
        },
        Esc(lead(held))
    )?;
    if !differences.is_empty() {
        out.push_str(
            "<section class=findings><h2>What else is not as it was when the traces were accepted</h2><ol>",
        );
        for line in differences {
            write!(out, "<li>{}<div>{}</div></li>", shape(Mark::Note), Esc(line))?;
        }
        out.push_str("</ol></section>");
    }
    // What differs first, then what could not be compared.
    let mut order: Vec<&Held> = held.iter().collect();
    order.sort_by_key(|held| core::cmp::Reverse(urgency(sign(held).0)));
    for held in order {
        section(out, held)?;
    }
    writeln!(out, "<p class=end>End of comparison of {}</p></main></body></html>", Esc(id))
}

/// Shape and word of what came of a case. A golden trace is no verdict, so nothing here is called a fail.
const fn sign(held: &Held) -> (Mark, &'static str) {
    match held.found {
        Found::Match => (Mark::Pass, "Matches"),
        Found::Apart(_) => (Mark::Warning, "Differs"),
        Found::Open(_) => (Mark::Inconclusive, "Not compared"),
    }
}

const fn urgency(mark: Mark) -> u8 {
    match mark {
        Mark::Warning => 2,
        Mark::Inconclusive => 1,
        _ => 0,
    }
}

fn lead(held: &[Held]) -> String {
    let of = |wanted| held.iter().filter(|held| sign(held).0 == wanted).count();
    let all = count(held.len(), "case", "cases");
    let told: Vec<String> = [
        (Mark::Warning, "left the tube of its golden trace"),
        (Mark::Inconclusive, "could not be compared"),
        (Mark::Pass, "stayed within its tube"),
    ]
    .into_iter()
    .filter(|(sign, _)| of(*sign) > 0)
    .map(|(sign, words)| format!("{} of {all} {words}", of(sign)))
    .collect();
    format!(
        "{}. A golden trace says that a battery changed, not that it is wrong: no verdict follows from it.",
        told.join(", ")
    )
}

fn section(out: &mut String, held: &Held) -> fmt::Result {
    let (sign, word) = sign(held);
    write!(
        out,
        "<section class=held><h2>{}</h2><p class=outcome><span class=\"mark {}\">{}{word}</span> {}</p>",
        Esc(&held.name),
        sign.class(),
        shape(sign),
        Esc(sentence(held))
    )?;
    figure::figures(out, held)?;
    out.push_str("<div class=facts>");
    tolerance(out, held)?;
    out.push_str("<div><h2>Accepted</h2><dl>");
    for (what, value) in &held.golden.facts {
        write!(out, "<dt>{}<dd>{}", Esc(what), Esc(value))?;
    }
    out.push_str("</dl></div></div></section>\n");
    Ok(())
}

fn sentence(held: &Held) -> String {
    let mut text = match held.found {
        Found::Match => format!("within {}", crate::golden::tolerance(held.golden.tolerance)),
        _ => held.words(),
    };
    if let Some(mark) = &held.golden.from {
        text += &format!(". Times count from the mark “{mark}”");
    }
    text + "."
}

/// The tolerance that is kept and what would have been enough.
fn tolerance(out: &mut String, held: &Held) -> fmt::Result {
    let kept = held.golden.tolerance;
    write!(
        out,
        "<div><h2>Tolerance</h2><table><thead><tr><th>What<th class=n>CVL<th class=n>Lead or lag</tr></thead><tbody>\
         <tr><td>kept<td class=n>{}<td class=n>{}</tr>",
        volts(kept.decivolts),
        seconds(kept.lag)
    )?;
    if let Found::Apart(apart) = &held.found {
        let volt = apart.needed.map_or("none is enough".to_owned(), volts);
        let most = format!("none up to {} is enough", seconds(Tolerance::MOST_LAG));
        let lag = apart.needed_lag.map_or(most, seconds);
        write!(
            out,
            "<tr><td>more voltage at this lag<td class=n><b>{volt}</b><td class=n>{}</tr>\
             <tr><td>more lag at this voltage<td class=n>{}<td class=n><b>{lag}</b></tr>",
            seconds(kept.lag),
            volts(kept.decivolts)
        )?;
    }
    out.push_str("</tbody></table></div>");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{Golden, words};
    use judge::tube::{Mismatch, Steps, compare};
    use judge::window::Window;
    use proto::quantity::Micros;
    use rstest::rstest;

    fn s(secs: u64) -> Micros {
        Micros::from_secs(secs)
    }

    fn shown(golden: &[(u64, i32)], new: &[(u64, i32)], silences: Vec<Window>) -> String {
        let steps = |points: &[(u64, i32)], silences| {
            Steps::new(points.iter().map(|&(t, v)| (s(t), v)).collect(), s(600), silences).expect("steps")
        };
        let (trace, new) = (steps(golden, Vec::new()), steps(new, silences));
        let tolerance = Tolerance::LEAST;
        let found = match compare(&trace, &new, tolerance) {
            Ok(()) => Found::Match,
            Err(Mismatch::Apart(apart)) => Found::Apart(apart),
            Err(silence @ Mismatch::Silence { .. }) => Found::Open(words(&silence, tolerance)),
        };
        let golden = Golden { trace, tolerance, from: None, facts: vec![("By", "J. <Doe>".to_owned())] };
        let held = [Held { name: "a/b".to_owned(), golden, new: Some(new), found }];
        let page = Page { id: "run", title: "it", simulated: false, differences: &[], held: &held };
        super::golden(page)
    }

    #[rstest]
    #[case(&[(0, 568)], vec![], &["class=big>Matches", "1 of 1 case stayed within its tube", "J. &lt;Doe&gt;"], &["<rect class=alone x=78", "<g class=first"])]
    #[case(
        &[(0, 568), (300, 564), (320, 568)], vec![],
        &["class=big>Differs", "this run has no partner, 0:05:00 to 0:05:20", "<b>0.4 V</b>", "none up to 120 s is enough"], &[]
    )]
    // Up and down within the lag of the other way round: everything has a partner, but not in this order.
    #[case(&[(0, 568), (102, 564), (104, 572), (106, 568)], vec![], &["class=big>Differs", "but not in this order"], &["has no partner, 0"])]
    #[case(
        &[(0, 568)], vec![Window { from: Micros(200_000_000), to: Micros(230_000_000) }],
        &["class=big>Not compared", "this run silent, 0:03:20 to 0:03:50", "it cannot be compared"], &[]
    )]
    fn what_came_of_it_is_drawn(
        #[case] new: &[(u64, i32)],
        #[case] silences: Vec<Window>,
        #[case] parts: &[&str],
        #[case] not: &[&str],
    ) {
        let golden: &[(u64, i32)] =
            if new.len() == 4 { &[(0, 568), (102, 572), (104, 564), (106, 568)] } else { &[(0, 568)] };
        let page = shown(golden, new, silences);
        for part in parts {
            assert!(page.contains(part), "{part}");
        }
        for part in not {
            assert!(!page.contains(part), "{part}");
        }
    }

    /// The tube of a step is drawn a lag earlier and a lag later than the step.
    #[test]
    fn the_tube_is_drawn_where_it_is() {
        let page = shown(&[(0, 568), (300, 560)], &[(0, 568), (300, 560)], Vec::new());
        // 600 s are 912 units from 78 on: 295 s at 526.4, 305 s at 541.6; the axis is 55.818 V to 57.082 V.
        let band =
            page.split("class=band d=\"").nth(2).and_then(|rest| rest.split('"').next()).expect("a tube");
        assert!(band.contains("H541.6") && band.contains("H526.4"), "{band}");
    }

    /// 30 h of a battery that changes CVL each second, the most there is: a page that a browser opens at once.
    #[test]
    fn a_day_and_a_night_stay_small() {
        let day = |phase: f64| -> Vec<(u64, i32)> {
            let value =
                |t: u32| (540.0 + 20.0 * (f64::from(t) / 700.0 + phase).sin()) as i32 + (t % 2) as i32;
            (0..108_000).map(|t| (u64::from(t), value(t))).collect()
        };
        let steps = |points: Vec<(u64, i32)>| {
            Steps::new(points.into_iter().map(|(t, v)| (s(t), v)).collect(), s(108_000), Vec::new())
                .expect("steps")
        };
        let (trace, new) = (steps(day(0.0)), steps(day(0.4)));
        let tolerance = Tolerance { decivolts: 2, lag: s(30) };
        let Err(Mismatch::Apart(apart)) = compare(&trace, &new, tolerance) else { panic!("they differ") };
        let golden = Golden { trace, tolerance, from: None, facts: Vec::new() };
        let held = [Held { name: "a/b".to_owned(), golden, new: Some(new), found: Found::Apart(apart) }];
        let page =
            super::golden(Page { id: "run", title: "it", simulated: false, differences: &[], held: &held });
        assert!(page.len() < 500_000, "{} bytes", page.len());
    }
}
