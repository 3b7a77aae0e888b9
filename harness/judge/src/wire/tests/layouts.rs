//! Messages that other protocols lay out otherwise: each is named once, and nothing is judged by a field that is none.

use super::field::{PACK, blamed, with};
use super::*;
use crate::verdicts::of_log;

fn named(wire: &Wire) -> Vec<(&'static str, String)> {
    let verdicts = of_log(wire, &Terms::of_a_log());
    verdicts
        .into_iter()
        .filter(|v| v.reason.contains("layout:"))
        .map(|v| (v.requirement.id, v.reason))
        .collect()
}

/// By protocol, from `yambms_canbus.yaml` of Sleeper85/esphome-yambms and a log of a Deye SE-F12.
#[rstest]
#[case::luxpower(&["355#3C006400FD0CF60C"], "SOC-02", "LuxPower")]
#[case::luxpower_nearly_full(&["355#62006400760D6C0D"], "SOC-02", "3.446 and 3.436 V")]
#[case::deye(&["351#480200FCFC08E001", "371#00FCFC0800000000"], "IDN-02", "Deye")]
#[case::seplos(&["371#0100020005000C00"], "IDN-02", "Seplos")]
#[case::places_of_0x351(&["351#C001E803E8032802"], "CVL-01", "changed places")]
#[case::places_of_0x356(&["356#3200C014F0000000"], "MEA-02", "53.12 V and 5.0 A")]
#[case::places_of_0x373(&["373#24012601EE0C020D"], "CEL-01", "temperatures")]
fn a_layout_is_named_once(#[case] frames: &[&str], #[case] row: &str, #[case] says: &str) {
    let wire = log_with(90, |_| {
        let mut cycle = with(frames);
        let more = frames.iter().filter(|f| PACK.iter().all(|own| own[..3] != f[..3]));
        cycle.extend(more.map(|f| (*f).to_owned()));
        cycle
    });
    let named = named(&wire);
    assert_eq!(named.len(), 1, "{named:?}");
    assert_eq!(named[0].0, row);
    assert!(named[0].1.contains(says), "{named:?}");
    assert_eq!(
        blamed(&wire).iter().filter(|id| !id.starts_with("CCL")).collect::<Vec<_>>(),
        [&row],
        "one cause"
    );
    assert_eq!(wire.layouts().len(), 1);
}

/// What stands in place of the finer state of charge is none: the whole per cent counts.
#[test]
fn cell_voltages_are_no_state_of_charge() {
    let wire =
        log_with(120, |s| with(&[if s % 2 == 0 { "355#3C006400FD0CF60C" } else { "355#3C006400760DF60C" }]));
    check(&wire, "SOC-04", Pass);
    let full = log_with(200, |s| {
        let ccl = if s < 100 { "351#2802E803E803C001" } else { "351#28020000E803C001" };
        with(&[ccl, "355#64006400FD0CF60C"])
    });
    check(&full, "CCL-02", Fail);
}

/// Names, finer states of charge, unused bytes and small numbers that are what they ought to be.
#[rstest]
#[case::fine(&["355#21006400E40CE40C"])]
#[case::remaining_capacity(&["355#3C00640070170A05"])]
#[case::a_name(&["370#4143455041434B20", "371#4D4F44454C203500"])]
#[case::a_short_name(&["370#4143455041434B20", "371#3500000000000000"])]
#[case::no_discharge_voltage(&["351#2802E803E8030000"])]
#[case::a_dead_shunt(&["356#C0140000F000"])]
fn what_is_laid_out_as_the_document_has_it(#[case] frames: &[&str]) {
    let wire = log_with(90, |_| {
        let mut cycle = with(frames);
        let more = frames.iter().filter(|f| PACK.iter().all(|own| own[..3] != f[..3]));
        cycle.extend(more.map(|f| (*f).to_owned()));
        cycle
    });
    assert_eq!(wire.layouts(), [""; 0]);
    assert!(named(&wire).is_empty());
}
