use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::trace::Series;

fn s(secs: u64) -> Micros {
    Micros::from_secs(secs)
}

fn within(decivolts: i32, lag: u64) -> Tolerance {
    Tolerance { decivolts, lag: s(lag) }
}

/// One value a second.
fn sampled(values: &[i32]) -> Steps {
    let points = values.iter().enumerate().map(|(t, &v)| (s(t as u64), v)).collect();
    Steps::new(points, s(values.len() as u64), Vec::new()).expect("samples")
}

/// (seconds, 0.1 V) and the end.
fn steps(points: &[(u64, i32)], end: u64) -> Steps {
    Steps::new(points.iter().map(|&(t, v)| (s(t), v)).collect(), s(end), Vec::new()).expect("steps")
}

fn apart(golden: &Steps, new: &Steps, tolerance: Tolerance) -> Apart {
    match compare(golden, new, tolerance) {
        Err(Mismatch::Apart(apart)) => apart,
        other => panic!("{other:?}"),
    }
}

/// The discrete Fréchet distance of Eiter and Mannila (1994), by their recurrence over the whole matrix, where pairs of
/// samples further apart in time than the lag are forbidden.
fn textbook(a: &[i32], b: &[i32], lag: usize) -> Option<i32> {
    let mut c = vec![vec![None; b.len()]; a.len()];
    for i in 0..a.len() {
        for j in 0..b.len() {
            if i.abs_diff(j) > lag {
                continue;
            }
            let before = match (i, j) {
                (0, 0) => Some(0),
                (0, _) => c[0][j - 1],
                (_, 0) => c[i - 1][0],
                _ => [c[i - 1][j], c[i - 1][j - 1], c[i][j - 1]].into_iter().flatten().min(),
            };
            c[i][j] = before.map(|d| d.max((a[i] - b[j]).abs()));
        }
    }
    c[a.len() - 1][b.len() - 1]
}

#[rstest]
// By hand: each has one place where the two must be so far apart.
#[case(&[0, 0, 0], &[0, 0, 0], 1, Some(0))]
#[case(&[0, 5, 0], &[0, 0, 0], 2, Some(5))]
#[case(&[1, 2, 3, 4], &[1, 1, 2, 3, 4], 1, Some(0))]
#[case(&[0, 0, 4, 4, 4, 4], &[0, 0, 0, 0, 4, 4], 2, Some(0))]
#[case(&[0, 0, 4, 4, 4, 4], &[0, 0, 0, 0, 4, 4], 1, Some(4))]
#[case(&[0, 3, 0, 3, 0], &[0, 1, 2, 1, 0], 5, Some(2))]
#[case(&[0, 0, 0], &[0, 0, 0, 0, 0], 1, None)]
fn known_answers(#[case] a: &[i32], #[case] b: &[i32], #[case] lag: usize, #[case] distance: Option<i32>) {
    assert_eq!(textbook(a, b, lag), distance, "the textbook");
    assert_eq!(needed(&sampled(a), &sampled(b), s(lag as u64)), distance);
}

fn values() -> impl Strategy<Value = Vec<i32>> {
    // Values that often repeat, and lengths that often fit.
    proptest::collection::vec(0..6i32, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn signals_are_as_far_apart_as_the_textbook_says(a in values(), b in values(), lag in 0..8usize) {
        prop_assert_eq!(needed(&sampled(&a), &sampled(&b), s(lag as u64)), textbook(&a, &b, lag));
    }

    #[test]
    fn signals_of_one_length_too(
        pairs in proptest::collection::vec((0..9i32, 0..9i32), 1..60), lag in 0..12usize,
    ) {
        let (a, b): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        prop_assert_eq!(needed(&sampled(&a), &sampled(&b), s(lag as u64)), textbook(&a, &b, lag));
    }

    #[test]
    fn both_sides_are_alike(a in values(), b in values(), lag in 0..8u64, decivolts in 0..6) {
        let (a, b, t) = (sampled(&a), sampled(&b), within(decivolts, lag));
        prop_assert_eq!(compare(&a, &b, t).is_ok(), compare(&b, &a, t).is_ok());
        prop_assert!(compare(&a, &a, within(0, 0)).is_ok());
    }

    #[test]
    fn what_it_would_have_needed_is_enough_and_less_is_not(a in values(), b in values(), lag in 0..8u64, decivolts in 0..6) {
        let (a, b) = (sampled(&a), sampled(&b));
        let Err(Mismatch::Apart(found)) = compare(&a, &b, within(decivolts, lag)) else { return Ok(()) };
        if let Some(needed) = found.needed {
            prop_assert!(compare(&a, &b, within(needed, lag)).is_ok());
            prop_assert!(compare(&a, &b, within(needed - 1, lag)).is_err());
        }
        if let Some(needed) = found.needed_lag {
            let at = |lag| compare(&a, &b, Tolerance { decivolts, lag });
            prop_assert!(at(needed).is_ok());
            prop_assert!(at(Micros(needed.0 - 100_000)).is_err());
        }
    }

    /// A trace that matches is inside of the tube that is drawn around the other.
    #[test]
    fn what_matches_does_not_leave_the_tube(a in values(), b in values(), lag in 0..8u64, decivolts in 0..6) {
        let (a, b, t) = (sampled(&a), sampled(&b), within(decivolts, lag));
        let without = [Band::around(&a, t).without(&b), Band::around(&b, t).without(&a)].concat();
        if compare(&a, &b, t).is_ok() {
            prop_assert_eq!(&without, &[]);
        }
    }

    /// Nor is the tube wider than that: each value in it is within the tolerance of one that the trace has within the lag.
    #[test]
    fn the_tube_is_as_wide_as_the_tolerance(a in values(), lag in 0..8i64, decivolts in 0..6) {
        let band = Band::around(&sampled(&a), within(decivolts, lag.unsigned_abs()));
        for t in 0..i64::try_from(a.len()).expect("short") + lag {
            // Half a second past, where nothing begins or ends.
            let at = s(t.unsigned_abs()) + Micros(500_000);
            let near = |k: i64| usize::try_from(k).ok().and_then(|k| a.get(k).copied());
            let near: Vec<i32> = (t - lag..=t + lag).filter_map(near).collect();
            let bound = band.bounds().iter().rev().find(|bound| bound.from <= at).expect("begun");
            let (low, high) = (near.iter().min().expect("one") - decivolts, near.iter().max().expect("one") + decivolts);
            prop_assert_eq!((bound.low, bound.high), (low, high), "at {}", t);
        }
        prop_assert_eq!(band.end(), s(a.len() as u64 + lag.unsigned_abs()));
    }
}

#[test]
fn what_has_no_partner_is_found_in_both_traces() {
    let (flat, pulse) = (steps(&[(0, 568)], 300), steps(&[(0, 568), (100, 564), (120, 568)], 300));
    let t = within(1, 5);
    // A pulse that only one has leaves the tube of the other; what stays level leaves none.
    assert_eq!(Band::around(&flat, t).without(&pulse), [Window::new(s(100), s(120))]);
    assert_eq!(Band::around(&pulse, t).without(&flat), [Window::new(s(105), s(115))]);
    // One that goes on after the other is over.
    assert_eq!(Band::around(&flat, t).without(&steps(&[(0, 568)], 400)), [Window::new(s(305), s(400))]);
}

#[rstest]
// A step of 0.4 V that never comes; comes 9 s late; goes the other way. Then a pulse, and a trace that ends.
#[case(&[(0, 568)], 300, 100, Some(564), Some(568), Some(4), None)]
#[case(&[(0, 568), (109, 564)], 300, 100, Some(564), Some(568), Some(4), Some(9))]
#[case(&[(0, 568), (100, 572)], 300, 100, Some(564), Some(572), Some(8), None)]
#[case(&[(0, 568), (100, 564), (200, 560), (201, 564)], 300, 200, Some(564), Some(560), Some(4), None)]
#[case(&[(0, 568), (100, 564)], 250, 250, Some(564), None, None, Some(50))]
fn the_first_moment_without_a_partner_is_named(
    #[case] new: &[(u64, i32)],
    #[case] end: u64,
    #[case] at: u64,
    #[case] golden: Option<i32>,
    #[case] seen: Option<i32>,
    #[case] needed: Option<i32>,
    #[case] needed_lag: Option<u64>,
) {
    let found = apart(&steps(&[(0, 568), (100, 564)], 300), &steps(new, end), within(1, 5));
    let expected = Apart { at: s(at), golden, new: seen, needed, needed_lag: needed_lag.map(s) };
    assert_eq!(found, expected);
}

#[test]
fn what_comes_earlier_or_later_within_the_lag_is_the_same() {
    let golden = steps(&[(0, 568), (100, 564), (200, 568)], 300);
    for (first, second) in [(95, 205), (105, 195), (105, 205), (100, 200)] {
        let new = steps(&[(0, 568), (first, 564), (second, 568)], 297);
        assert_eq!(compare(&golden, &new, within(0, 5)), Ok(()), "{first} {second}");
    }
}

#[test]
fn a_silence_needs_a_silence() {
    let at = |from, to| Window::new(s(from), s(to));
    let with = |silences| Steps::new(vec![(s(0), 568)], s(300), silences).expect("steps");
    let (none, one) = (with(Vec::new()), with(vec![at(100, 130)]));
    assert_eq!(compare(&one, &with(vec![at(103, 128)]), within(1, 5)), Ok(()));
    let silence = |window, new| Err(Mismatch::Silence { window, new });
    assert_eq!(compare(&none, &one, within(9, 60)), silence(at(100, 130), true));
    assert_eq!(compare(&one, &none, within(9, 60)), silence(at(100, 130), false));
    assert_eq!(compare(&one, &with(vec![at(20, 40), at(100, 130)]), within(1, 5)), silence(at(20, 40), true));
}

#[test]
fn a_series_becomes_steps_from_a_mark_on() {
    let mut series = Series::default();
    for (t, v) in [(1, 56.8), (60, 56.8), (61, 56.400_000_1), (62, 56.4), (90, 56.0), (95, 56.0)] {
        series.push(s(t), v);
    }
    let from = Steps::of(&series, Window::new(s(60), s(96))).expect("heard");
    assert_eq!(from.points(), [(s(0), 568), (s(1), 564), (s(30), 560)]);
    assert_eq!(from.silences(), [Window::new(s(2), s(30))]);
    assert_eq!((from.at(s(35)), from.at(s(36)), from.range()), (Some(560), None, (560, 568)));
    let all = Steps::of(&series, Window::new(s(0), s(200))).expect("heard");
    assert_eq!(all.silences().last(), Some(&Window::new(s(95), s(200))), "silent at the end");
    assert_eq!(Steps::of(&series, Window::new(s(100), s(200))), None, "nothing was heard in it");
}

#[test]
fn the_spread_is_voltage_first_and_then_the_lag_that_it_takes() {
    let one = steps(&[(0, 568), (100, 564)], 300);
    let late = steps(&[(0, 568), (107, 564)], 300);
    let high = steps(&[(0, 568), (100, 566)], 300);
    assert_eq!(spread(&[one.clone(), one.clone()]), Ok(within(0, 0)));
    assert_eq!(spread(&[one.clone(), late.clone()]), Ok(within(0, 7)));
    assert_eq!(spread(&[one.clone(), high.clone()]), Ok(within(2, 0)));
    let all = [one, late, high];
    let found = spread(&all).expect("they can be compared");
    assert_eq!(found, within(2, 7));
    let tube = found.max(Tolerance::LEAST);
    for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
        assert_eq!(compare(a, b, tube), Ok(()));
    }
    let longer = steps(&[(0, 568)], 600);
    assert!(matches!(
        spread(&[all[0].clone(), longer]),
        Err((1, 0, Mismatch::Apart(_)) | (0, 1, Mismatch::Apart(_)))
    ));
}

#[rstest]
// How many runs, how far apart in 0.1 V and s; the tolerance in 0.1 V and 0.1 s.
#[case(1, 0, 0, 0, 0)]
#[case(2, 1, 4, 4, 100)]
#[case(3, 0, 0, 1, 0)]
#[case(3, 1, 4, 3, 67)]
#[case(3, 2, 100, 5, 1200)]
#[case(5, 1, 10, 3, 121)]
#[case(7, 5, 10, 7, 104)]
#[case(Tolerance::ENOUGH, 2, 10, 3, 100)]
#[case(100, 0, 10, 1, 100)]
fn the_fewer_runs_the_wider(
    #[case] runs: usize,
    #[case] decivolts: i32,
    #[case] lag: u64,
    #[case] wider: i32,
    #[case] tenths: u64,
) {
    let expected = Tolerance { decivolts: wider, lag: Micros(tenths * 100_000) };
    assert_eq!(within(decivolts, lag).widened(runs), expected);
}

/// 30 h of a battery that changes CVL each second, the most there is: 108 000 steps.
#[test]
fn a_day_and_a_night_take_a_moment() {
    let day = |phase: f64| {
        let value = |t: u32| (540.0 + 20.0 * (f64::from(t) / 700.0 + phase).sin()) as i32 + (t % 2) as i32;
        sampled(&(0..108_000).map(value).collect::<Vec<_>>())
    };
    let (golden, new) = (day(0.0), day(0.01));
    assert_eq!(compare(&golden, &new, within(2, 30)), Ok(()));
    let far = apart(&golden, &day(0.4), within(2, 5));
    assert!(far.needed.is_some_and(|needed| needed > 2));
}
