use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::view::{CaseView, DoneView};

fn run(rig: &str) -> View {
    let reading = |key, words, unit, value, text: &str| Reading {
        key,
        words,
        source: "battery, 0x356".to_owned(),
        unit,
        value,
        text: text.to_owned(),
        age_s: 0.4,
        stale: false,
    };
    View {
        run: "all-acme-seed1-003".to_owned(),
        rig: rig.to_owned(),
        battery: "acme".to_owned(),
        state: State::Running,
        cases: 38,
        output: Output::On,
        case: Some(CaseView {
            name: "feed-in/load-steps".to_owned(),
            number: 3,
            at_s: 751.0,
            step: "hold 40 min".to_owned(),
            to_go_s: Some(1649.0),
            asks: Some("Reset the battery, then confirm.".to_owned()),
            answered_at: Some("the program that listens at 127.0.0.1:1503".to_owned()),
            ..CaseView::default()
        }),
        readings: vec![
            reading("battery.cvl", "CVL", "V", 55.2, "55.20 V"),
            reading("battery.voltage", "the battery voltage", "V", 55.18, "55.18 V"),
        ],
        limits: vec![LimitView {
            key: "battery.voltage",
            words: "the battery voltage ≤ 60 V".to_owned(),
            limit: 60.0,
            sense: "at-most",
            room: Some(4.82),
            share: Some(0.08),
            standing: Standing::Within,
            text: "4.82 V".to_owned(),
            stale: false,
        }],
        curves: vec![Curve {
            key: "battery.cvl",
            name: "CVL",
            lane: "voltage",
            unit: "V",
            is_limit: false,
            points: vec![(0.0, 56.0), (600.0, 55.2)],
        }],
        done: vec![DoneView {
            name: "feed-in/cloud-train".to_owned(),
            outcome: "fail".to_owned(),
            reason: "CVL-04: CVL swings".to_owned(),
        }],
        ended: [("fail".to_owned(), 1)].into(),
        ..View::default()
    }
}

fn drawn(views: &[View], look: Look, (width, height): (u16, u16)) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(frame, views, look)).expect("drawn");
    let buffer = terminal.backend().buffer();
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(row).collect()
}

#[test]
fn one_run_in_full() {
    let rows = drawn(&[run("lab")], Look::default(), (80, 24));
    assert_eq!(
        rows[0],
        "  OUTPUT ON   acme on lab  running"
            .trim_start_matches(' ')
            .to_owned()
            .replacen("OUTPUT", " OUTPUT", 1)
    );
    assert_eq!(rows[1], "all-acme-seed1-003 · 0 passed, 1 failed, 0 undecided of 38");
    assert_eq!(rows[2], "feed-in/load-steps  case 3 of 38  0:12:31");
    assert_eq!(rows[3], "hold 40 min · 0:27:29 to go");
    assert!(
        rows[4].starts_with("▶ Reset the battery, then confirm. (answered at the program"),
        "{}",
        rows[4]
    );
    assert_eq!(rows[5], "127.0.0.1:1503)");
    assert_eq!(rows[6], "CVL 55.20 V  battery 55.18 V");
    let all = rows.join("\n");
    for told in
        ["56.1 V│", "4.82 V left  battery voltage ≤ 60", "fail         feed-in/cloud-train", "q quits"]
    {
        assert!(all.contains(told), "{told}: {all}");
    }
}

#[test]
fn several_runs_are_a_wall_and_one_of_them_in_full() {
    let views = [
        run("lab-1"),
        View { output: Output::Unknown, state: State::Quiet, quiet_s: Some(75.0), ..run("lab-2") },
    ];
    let rows = drawn(&views, Look::default(), (130, 8));
    let first: Vec<&str> = rows[1].split_whitespace().collect();
    assert_eq!(first[..6], ["lab-1", "running", "OUTPUT", "ON", "3/38", "55.20"], "{}", rows[1]);
    assert!(rows[1].ends_with("feed-in/load-steps  hold 40 min"), "{}", rows[1]);
    assert!(rows[2].contains("OUTPUT NOT KNOWN") && rows[2].contains("silent 75 s"), "{}", rows[2]);
    let rows = drawn(&views, Look { chosen: 1, in_full: true, down: 0 }, (80, 24));
    assert_eq!(rows[0], "  OUTPUT NOT KNOWN   acme on lab-2  nothing written for 75 s"[1..].to_owned());
}

#[test]
fn a_terminal_of_any_size_shows_something() {
    for size in [(1, 1), (10, 3), (20, 5), (400, 100)] {
        drawn(&[run("lab")], Look::default(), size);
        drawn(&[run("lab"), run("lab")], Look::default(), size);
        drawn(&[View::default()], Look::default(), size);
    }
}
