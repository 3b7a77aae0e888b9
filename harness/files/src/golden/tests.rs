use rstest::rstest;

use super::*;

const TEXT: &str = "\
---
source: busbar golden accept
description: \"CVL of acme in feed-in/load-steps, times count from the mark `full`\"
info:
  battery: \"acme\"
  suite: \"feed-in\"
  case: \"load-steps\"
  from: \"full\"
  suite-sha256: \"ab12\"
  by: \"J. Doe\"
  on: \"2026-11-21\"
  reason: \"firmware 1.4: \\\"slower\\\" loop\\nno: yes\"
  identity:
    - \"Firmware, 0x35F: 1.4\"
  runs:
    - run: \"2026-11-21-1\"
      rig: \"lab-a\"
      simulated: false
      harness: \"0.1.0\"
  spread: { cvl: 0.2 V, lag: 7.3 s }
  tolerance: { cvl: 0.3 V, lag: 7.3 s }
---
0:00:00.0  56.0 V
0:31:10.4  55.9 V
1:50:00.0  end
";

#[test]
fn a_file_is_written_as_it_is_read() {
    let golden = GoldenFile::parse("g.snap", TEXT).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(golden.tolerance, Tolerance { decivolts: 3, lag: Micros(7_300_000) });
    assert_eq!(golden.info.reason, "firmware 1.4: \"slower\" loop\nno: yes");
    assert_eq!(golden.trace.points().len(), 2);
    assert_eq!(golden.text(), TEXT);
}

#[rstest]
#[case("---\nsource", "source", "no golden file")]
#[case("  by: \"J. Doe\"\n", "", "`by` is missing")]
#[case("  by:", "  bye:", "unknown key `bye`")]
#[case("tolerance: { cvl: 0.3 V", "tolerance: { cvl: 0.1 V", "at least 0.2 V and 7.3 s")]
#[case(
    "tolerance: { cvl: 0.3 V, lag: 7.3 s",
    "tolerance: { cvl: 0.3 V, lag: 7 s",
    "at least 0.2 V and 7.3 s"
)]
#[case("tolerance: { cvl: 0.3 V, lag: 7.3 s", "tolerance: { cvl: 0.3 V, lag: 10 min", "at most 120 s")]
#[case("tolerance: { cvl: 0.3 V", "tolerance: { cvl: 0.3", "no unit")]
#[case("0:31:10.4  55.9 V", "0:31:10.4  55.9", "line 24: `0:31:10.4  55.9` is not a CVL")]
#[case("1:50:00.0  end\n", "", "cut off")]
fn what_is_broken_is_told(#[case] good: &str, #[case] bad: &str, #[case] says: &str) {
    assert!(TEXT.contains(good), "{good}");
    let error = GoldenFile::parse("g.snap", &TEXT.replacen(good, bad, 1)).expect_err("broken").to_string();
    assert!(error.contains(says) && error.contains("g.snap"), "{error}");
}

#[test]
fn whatever_a_battery_calls_itself_is_read_as_it_was_written() {
    let mut golden = GoldenFile::parse("g.snap", TEXT).unwrap_or_else(|error| panic!("{error}"));
    golden.info.identity =
        ["---", "a\n---\nb", "\u{1b}[31m\u{7f}\u{9b}\0", "\u{2028}\u{feff}", "蓄電池 🔋", "# {*&!}: - \\"]
            .map(String::from)
            .to_vec();
    let again = GoldenFile::parse("g.snap", &golden.text()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again, golden);
}

#[rstest]
#[case("acme", "feed-in", "load-steps", true)]
#[case("../acme", "feed-in", "load-steps", false)]
#[case("acme", "..", "load-steps", false)]
#[case("acme", "feed-in", "", false)]
#[case("acme", "feed-in", "a/b", false)]
fn a_name_that_leads_elsewhere_names_no_file(
    #[case] battery: &str,
    #[case] suite: &str,
    #[case] case: &str,
    #[case] fits: bool,
) {
    assert_eq!(GoldenFile::path(Path::new("/p"), battery, suite, case).is_some(), fits);
}
