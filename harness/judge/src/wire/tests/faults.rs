//! Each thing that a row of the wire calls wrong, alone in an otherwise good log.

use super::*;
use rstest::rstest;

/// The good cycle, with some frames in place of those of their identifiers, from a second on.
fn with(from: u64, frames: &'static [&'static str]) -> Wire {
    log_with(120, move |second| {
        let put: &[&str] = if second >= from { frames } else { &[] };
        let id = |frame: &str| frame.split('#').next().map(str::to_owned);
        let kept = BYD.iter().filter(|frame| put.iter().all(|other| id(other) != id(frame)));
        kept.chain(put).map(|frame| (*frame).to_owned()).collect()
    })
}

#[track_caller]
fn says(verdict: &Verdict, reason: &str) {
    assert_eq!(verdict.outcome, Fail, "{} {:#?}", verdict.reason, verdict.evidence);
    assert!(verdict.reason.contains(reason), "{}", verdict.reason);
}

#[rstest]
#[case::coldest_above_hottest("CEL-01", 60, &["373#EA0C010D22011F01"], "lowest cell temperature is above")]
#[case::no_cell_has_it("CEL-01", 60, &["373#2003010D1F012201"], "no voltages of a cell")]
#[case::behind_the_first_zero("IDN-01", 0, &["35E#4259440041420000"], "other bytes behind its first zero")]
#[case::no_name_at_all("IDN-01", 0, &["35E#0000000000000000"], "the manufacturer name is empty")]
#[case::two_names("IDN-02", 0, &["370#4142434445464748", "371#494A000000000000"], "must match")]
#[case::nothing_in_the_second("IDN-02", 0, &["370#4259440000000000", "371#0000000000000000"], "belongs in 0x35E alone")]
#[case::another_firmware("IDN-03", 60, &["35F#4C69011869000000"], "firmware version changes")]
#[case::capacity_by_its_other_end("IDN-03", 0, &["35F#4C69011700690000", "379#6900000000000000"], "its bytes are swapped")]
fn one_thing_wrong(
    #[case] id: &str,
    #[case] from: u64,
    #[case] frames: &'static [&'static str],
    #[case] reason: &str,
) {
    says(&judged(&with(from, frames), id), reason);
}

/// A counter of energy that falls, of 100 Wh each.
#[rstest]
#[case::charged("378#E803000000000000", "378#E703000000000000", "energy in falls")]
#[case::discharged("378#00000000E8030000", "378#00000000E7030000", "energy out falls")]
fn a_counter_that_falls(#[case] first: &'static str, #[case] then: &'static str, #[case] reason: &str) {
    let wire = log_with(120, |second| {
        let counter = if second < 60 { first } else { then };
        BYD.iter().chain([&counter]).map(|frame| (*frame).to_owned()).collect()
    });
    says(&judged(&wire, "ENE-01"), reason);
}

/// What the data sheet of 16 cells rules out.
#[rstest]
#[case::above("CVL-01", "351#580200050005AE01", "CVL reaches 60 V")]
#[case::below("CVL-01", "351#9001000500057C01", "CVL falls to 40 V")]
#[case::a_current_of_no_battery("MEA-02", "356#BE1430758C000000", "far beyond what it declares")]
fn beyond_what_is_declared(#[case] id: &str, #[case] frame: &'static str, #[case] reason: &str) {
    let battery = crate::behaviour::declared();
    let wire = log_with(120, |_| {
        BYD.iter().map(|own| if own[..3] == frame[..3] { frame } else { own }).map(str::to_owned).collect()
    });
    says(&on(id, &wire, &Terms { battery: Some(&battery), ..Terms::of_a_log() }), reason);
}

#[test]
fn limits_that_never_come() {
    let wire =
        log_with(120, |_| BYD.iter().filter(|f| !f.starts_with("351")).map(|f| (*f).to_owned()).collect());
    says(&judged(&wire, "TIM-01"), "0x351 never comes");
}
