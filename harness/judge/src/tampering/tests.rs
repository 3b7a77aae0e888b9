//! The account says until when what the rig did is to be reckoned with, for every kind of it.

use super::*;
use proto::fault::Id;
use proto::quantity::{Amps, Celsius, Percent, Volts};
use rstest::rstest;

const FOR: Micros = Micros::from_secs(30);
const BY: Micros = Micros::from_secs(4);
const LIMITS: Option<Id> = Some(Id(id::LIMITS));

/// It begins at 100 s and lasts for 30 s.
fn injected(kind: FaultKind) -> Account {
    noted(Stimulus::Inject(Fault { kind, span: FOR }))
}

fn noted(stimulus: Stimulus) -> Account {
    let mut account = Account::default();
    account.note(Micros::from_secs(100), &stimulus);
    account
}

/// The last whole second in which a frame with this identifier is no evidence.
fn spoiled_until(account: &Account, id: u16) -> Option<u64> {
    (0..400).rfind(|&s| !account.is_evidence(Micros::from_secs(s), id))
}

/// The first whole second in which what was heard at 99 s is not known any more.
fn forgotten(account: &Account, id: u16) -> Option<u64> {
    let second = Micros::from_secs;
    (99..400).find(|&s| !account.vouches(id, second(99), second(s)))
}

#[rstest]
#[case::garbled(FaultKind::Garble { id: Id(id::LIMITS) }, Some(132), None)]
#[case::of_another_node(FaultKind::Babble { id: Id(id::LIMITS), every: BY }, Some(132), None)]
#[case::late(FaultKind::FrameDelay { by: BY, id: LIMITS }, Some(136), None)]
#[case::late_of_all(FaultKind::FrameDelay { by: BY, id: None }, Some(136), Some(136))]
#[case::late_by_chance(FaultKind::FrameJitter { by: BY, id: LIMITS }, Some(136), None)]
#[case::all_are_lost(FaultKind::FrameLoss { share: Percent(100.0), id: LIMITS }, Some(132), None)]
#[case::a_share_is_lost(FaultKind::FrameLoss { share: Percent(99.0), id: LIMITS }, None, None)]
#[case::cut(FaultKind::WireCut {}, None, None)]
fn what_a_frame_is_no_evidence_under(
    #[case] kind: FaultKind,
    #[case] limits: Option<u64>,
    #[case] others: Option<u64>,
) {
    let account = injected(kind);
    assert_eq!(spoiled_until(&account, id::LIMITS), limits);
    assert_eq!(spoiled_until(&account, id::MEASUREMENTS), others);
    assert!(account.is_evidence(Micros::from_secs(99), id::LIMITS), "before it began");
}

#[rstest]
#[case(FaultKind::Garble { id: Id(id::LIMITS) }, true, false)]
#[case(FaultKind::FrameDelay { by: BY, id: LIMITS }, true, false)]
#[case(FaultKind::WireCut {}, true, true)]
#[case(FaultKind::BusOff {}, true, true)]
#[case(FaultKind::FrameLoss { share: Percent(100.0), id: None }, true, true)]
#[case(FaultKind::FrameLoss { share: Percent(20.0), id: None }, false, false)]
fn what_was_heard_before_is_not_known_any_more(
    #[case] kind: FaultKind,
    #[case] limits: bool,
    #[case] others: bool,
) {
    let account = injected(kind);
    assert_eq!(forgotten(&account, id::LIMITS), limits.then_some(100));
    assert_eq!(forgotten(&account, id::MEASUREMENTS), others.then_some(100));
    let after = Micros::from_secs(140);
    assert!(account.vouches(id::LIMITS, after, after), "heard when it was over");
}

#[test]
fn a_silence_hides_one_message_and_what_slips_through_is_no_evidence() {
    let account = noted(Stimulus::Silence { id: id::LIMITS, span: FOR });
    assert_eq!(spoiled_until(&account, id::LIMITS), Some(132));
    assert_eq!(spoiled_until(&account, id::MEASUREMENTS), None);
    assert_eq!(forgotten(&account, id::LIMITS), Some(100));
}

#[rstest]
#[case(FaultKind::CellVoltage { by: Volts(0.5) }, &[Sense::Cells, Sense::Voltage])]
#[case(FaultKind::PackVoltage { by: Volts(5.0) }, &[Sense::Cells, Sense::Voltage])]
#[case(FaultKind::CellStuck {}, &[Sense::Cells, Sense::Voltage])]
#[case(FaultKind::Current { by: Amps(400.0) }, &[Sense::Current])]
#[case(FaultKind::ShuntReversed {}, &[Sense::Current])]
#[case(FaultKind::Temperature { by: Celsius(40.0) }, &[Sense::Temperature])]
#[case(FaultKind::TemperatureOpen {}, &[Sense::Temperature])]
#[case::nothing_is_sensed_wrongly(FaultKind::Ambient { at: Celsius(-20.0) }, &[])]
#[case::nothing_is_sensed_wrongly(FaultKind::WireCut {}, &[])]
fn a_sense_is_misled_until_its_echo_is_over(#[case] kind: FaultKind, #[case] senses: &[Sense]) {
    let account = injected(kind);
    for sense in [Sense::Voltage, Sense::Cells, Sense::Current, Sense::Temperature] {
        let misled: Vec<u64> = (0..400).filter(|&s| account.misleads(sense, Micros::from_secs(s))).collect();
        let expected: Vec<u64> = if senses.contains(&sense) { (100..=140).collect() } else { vec![] };
        assert_eq!(misled, expected, "{sense:?}");
    }
}

/// Nobody tells the count afterwards that what it counted never flowed.
#[test]
fn a_state_of_charge_that_counted_a_false_current_stays_false() {
    let account = injected(FaultKind::Current { by: Amps(400.0) });
    assert!(!account.misleads(Sense::Charge, Micros::from_secs(99)));
    assert!(account.misleads(Sense::Charge, Micros::from_secs(100)));
    assert!(account.misleads(Sense::Charge, Micros::from_secs(80_000)));
}

#[rstest]
#[case(FaultKind::WireCut {}, true)]
#[case(FaultKind::GxReboot {}, true)]
#[case(FaultKind::Garble { id: Id(id::LIMITS) }, true)]
#[case(FaultKind::Garble { id: Id(id::CELLS) }, false)]
#[case(FaultKind::ContactorOpen {}, false)]
fn the_gx_may_lose_the_battery_by_what_the_rig_does(#[case] kind: FaultKind, #[case] loses: bool) {
    let account = injected(kind);
    for (second, within) in [(99, false), (100, true), (140, true), (141, false)] {
        assert_eq!(account.vouches_for_gx(Micros::from_secs(second)), !(loses && within), "{second}");
    }
}
