//! Files that are refused, with message and place to the letter, and files that try to hurt.

use proptest::prelude::*;
use proto::quantity::{Micros, Volts};
use rstest::rstest;
use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sample {
    #[allow(dead_code, reason = "only its refusals are looked at")]
    max_voltage: Volts,
    #[allow(dead_code, reason = "only its refusals are looked at")]
    silence: Option<Micros>,
}

#[rstest]
#[case::no_unit(
    "max-voltage: 58\n",
    "a.yaml:1:14: `58` has no unit\n    1 | max-voltage: 58\n      |              ^^ expected a voltage such as `56.4 V`"
)]
#[case::unknown_key(
    "max-voltage: 58 V\nsilense: 3 s\n",
    "a.yaml:2:1: unknown key `silense`\n    2 | silense: 3 s\n      | ^^^^^^^ expected `silence`"
)]
#[case::far_off(
    "max-voltage: 58 V\nx: 3 s\n",
    "a.yaml:2:1: unknown key `x`\n    2 | x: 3 s\n      | ^ expected one of `max-voltage`, `silence`"
)]
#[case::twice(
    "max-voltage: 58 V\nmax-voltage: 59 V\n",
    "a.yaml:2:1: the key `max-voltage` stands here a second time\n    2 | max-voltage: 59 V\n      | ^^^^^^^^^^^ expected every key once"
)]
#[case::missing(
    "silence: 3 s\n",
    "a.yaml:1:1: `max-voltage` is missing\n    1 | silence: 3 s\n      | ^^^^^^^ expected `max-voltage: …`"
)]
#[case::list(
    "max-voltage: [58 V]\n",
    "a.yaml:1:14: this does not fit here\n    1 | max-voltage: [58 V]\n      |              ^ expected string scalar"
)]
#[case::anchor(
    "max-voltage: &v 58 V\nsilence: *v\n",
    "a.yaml:1:17: anchors (`&`) and aliases (`*`) are not accepted\n    1 | max-voltage: &v 58 V\n      |                 ^^^^ expected the value itself; quote a text that begins with `&` or `*`"
)]
#[case::merge(
    "<<: { max-voltage: 58 V }\n",
    "a.yaml:1:1: merge keys (`<<`) are not accepted\n    1 | <<: { max-voltage: 58 V }\n      | ^^ expected the keys themselves"
)]
#[case::two_documents(
    "max-voltage: 58 V\n---\nmax-voltage: 58 V\n",
    "a.yaml:2:1: a second document begins\n    2 | ---\n      | ^^^ expected one document in a file"
)]
#[case::empty("", "a.yaml:1:1: the file is empty")]
#[case::open(
    "max-voltage: {\n",
    "a.yaml:1:14: this does not fit here\n    1 | max-voltage: {\n      |              ^ expected string scalar"
)]
fn refused(#[case] text: &str, #[case] message: &str) {
    assert_eq!(parse::<Sample>("a.yaml", text).expect_err("refused").to_string(), message);
}

#[rstest]
#[case("share: four", "this is not a number", "a number such as `0.3`")]
#[case("cells: four", "this is not a whole number", "a whole number such as `16`")]
#[case("cells: 16 V", "this is not a whole number", "a whole number such as `16`")]
fn a_word_for_a_number(#[case] text: &str, #[case] message: &str, #[case] expected: &str) {
    #[derive(Debug, Deserialize)]
    struct Numbers {
        #[allow(dead_code, reason = "only its refusals are looked at")]
        share: Option<f64>,
        #[allow(dead_code, reason = "only its refusals are looked at")]
        cells: Option<u16>,
    }
    let error = parse::<Numbers>("a.yaml", text).expect_err("refused");
    let problem = &error.problems()[0];
    assert_eq!((problem.message.as_str(), problem.expected.as_str()), (message, expected));
}

#[test]
fn the_column_counts_characters_not_bytes() {
    let error = parse::<Sample>("a.yaml", "{ silence: 3 s, max-voltage: \"°°° 5\" }").expect_err("refused");
    assert_eq!(error.problems()[0].at, Position { line: 1, column: 30, width: 7 });
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let text = format!("{{ silence: 3 s, {}max-voltage: 58 }}", " ".repeat(500));
    let shown = parse::<Sample>("a.yaml", &text).expect_err("refused").to_string();
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[1].chars().count() < 140, "{shown}");
    let caret = lines[2].find('^').expect("a caret");
    assert_eq!(&lines[1][caret..caret + 2], "58");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let text = "max-voltage: \"\\e[31m\"\nx\u{1b}[31m: 3\n";
    let shown = parse::<Sample>("a.yaml", text).expect_err("refused").to_string();
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}

/// Every one of these is refused with a message, soon, and without a stack overflow.
#[rstest]
#[case::flow_lists("[".repeat(100_000), "nest")]
#[case::flow_maps("{a: ".repeat(100_000), "nest")]
#[case::block_lists("- ".repeat(100_000), "nest")]
#[case::closed_lists("[".repeat(400_000) + &"]".repeat(400_000), "nest")]
#[case::alias_bomb("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n".to_owned(), "anchors")]
#[case::many_values("- 1\n".repeat(200_000), "holds too much")]
#[case::huge("#".repeat(MAX_BYTES + 1), "bytes long")]
fn bombs(#[case] text: String, #[case] why: &str) {
    let error = Node::read("a.yaml", &text).expect_err("refused").to_string();
    assert!(error.contains(why), "{error}");
    assert!(error.len() < 600, "the message stays short: {} bytes", error.len());
}

#[test]
fn a_tree_keeps_what_was_written() {
    let node =
        Node::read("a.yaml", "{ id: 0x351, on: off, n: 3.50, e: ~, t: '3', x: .nan, y: 1e999, z: \"\" }")
            .expect("a map");
    let values: Vec<_> =
        node.entries().expect("a map").map(|(key, _, value)| (key, value.as_text())).collect();
    let expected = [
        ("id", Some("0x351")),
        ("on", Some("off")),
        ("n", Some("3.50")),
        ("e", None),
        ("t", Some("3")),
        ("x", Some(".nan")),
        ("y", Some("1e999")),
        ("z", Some("")),
    ];
    assert_eq!(values, expected);
}

#[rstest]
#[case("holt", Some("hold"))]
#[case("wiat", Some("wait"))]
#[case("sunshine", None)]
fn nearest_name(#[case] name: &str, #[case] meant: Option<&str>) {
    assert_eq!(nearest(name, ["hold", "wait", "mark"].into_iter()), meant);
}

proptest! {
    #[test]
    fn no_text_panics(text in "[-a-z0-9:{}\\[\\], #&*!|>'\"%@`~<\\n\\t\\\\é]{0,200}") {
        if let Err(error) = Node::read("a.yaml", &text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn a_carriage_return_alone_ends_a_line_as_yaml_has_it() {
    let at = Position { line: 4, column: 1, width: 3 };
    let error = YamlError::new("x.yaml", "a: 1\r\nb: 2\rc: 3\nbad\n", vec![Problem::new(at, "no", "a key")]);
    assert!(error.to_string().contains("4 | bad"), "{error}");
}
