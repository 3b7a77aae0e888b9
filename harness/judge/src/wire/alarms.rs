//! ALM-01 to ALM-04 and ALM-06: the pairs of 0x35A (P 2 §0x35A).

use proto::message::{AlarmKind, Alarms, Measurements, Pair, id};

use super::bus::Bus;
use super::seen::{Spot, Tally};
use crate::recording::online;
use crate::thresholds::fixed::{CLOSED_CURRENT, SWITCH_TOLD};
use crate::verdict::{Evidence, Opinion};

#[derive(Debug, Clone, Default)]
pub(crate) struct AlarmFacts {
    frames: Tally,
    last: Option<Alarms>,
    /// for each alarm, then each warning: where the pair was first seen as each number
    first: [[Option<Spot>; 4]; 26],
    reserved: Option<u64>,
    reserved_changes: Tally,
    online: Tally,
    offline: Tally,
    switch: Option<(bool, Spot)>,
    current_online: Tally,
    current_offline: Tally,
}

impl AlarmFacts {
    #[inline]
    pub(super) fn alarms(&mut self, spot: Spot, alarms: &Alarms) {
        self.frames.hit(spot);
        if self.last != Some(*alarms) {
            self.last = Some(*alarms);
            self.changed(spot, alarms);
        }
        match online(alarms) {
            Some(true) => self.online.hit(spot),
            Some(false) => self.offline.hit(spot),
            None => {}
        }
    }

    fn changed(&mut self, spot: Spot, alarms: &Alarms) {
        for (k, pair) in pairs(alarms).enumerate() {
            self.first[k][pair as usize].get_or_insert(spot);
        }
        if self.reserved.is_some_and(|before| before != alarms.reserved()) {
            self.reserved_changes.hit(spot);
        }
        self.reserved = Some(alarms.reserved());
        let switch = online(alarms);
        if switch != self.switch.map(|(on, _)| on) {
            self.switch = switch.map(|on| (on, spot));
        }
    }

    #[inline]
    pub(super) fn measured(&mut self, spot: Spot, m: &Measurements) {
        let (Some((on, since)), Some(current)) = (self.switch, m.current()) else { return };
        // The two messages are sent at different moments of a cycle.
        if current.0.abs() > CLOSED_CURRENT && spot.at.since(since.at) > SWITCH_TOLD {
            if on { self.current_online.hit(spot) } else { self.current_offline.hit(spot) }
        }
    }

    fn has_been(&self, k: usize, pair: Pair) -> bool {
        self.first[k][pair as usize].is_some()
    }

    /// Whether an alarm (or a warning) was ever seen as each number.
    pub(super) fn seen(&self, kind: AlarmKind, warning: bool) -> [bool; 4] {
        self.first[kind as usize + if warning { 13 } else { 0 }].map(|spot| spot.is_some())
    }

    fn heard(&self, opinion: &mut Opinion) -> bool {
        if !self.frames.any() {
            opinion.unclear("0x35A was not seen");
        }
        self.frames.any()
    }

    /// ALM-01: *"use 10 and 01 for those that are supported. Do not use 00 or 11 to indicate that status is OK"*.
    pub(crate) fn says_ok(&self, opinion: &mut Opinion) {
        if !self.heard(opinion) {
            return;
        }
        let (mut raised, mut ok) = (0, 0);
        for k in 0..26 {
            ok += usize::from(self.has_been(k, Pair::Ok));
            if !self.has_been(k, Pair::Active) {
                continue;
            }
            raised += 1;
            for wrong in [Pair::NotSupported0, Pair::NotSupported3] {
                if self.has_been(k, wrong) {
                    opinion.show(
                        Evidence::fact(format!("{} was raised, and shown as", name(k)), wrong.to_string())
                            .against("OK (10)")
                            .in_frame(self.first[k][wrong as usize]),
                    );
                    opinion.fail(format!(
                        "{} is raised as 01 and shown as {} at other times, not as 10",
                        name(k),
                        bits(wrong)
                    ));
                }
            }
        }
        opinion.show(Evidence::fact("alarms and warnings raised", raised.to_string()));
        opinion.show(Evidence::fact("alarms and warnings shown as 10", ok.to_string()));
        if ok > 0 {
            opinion.pass(format!("{ok} alarms and warnings show OK as 10, {raised} were raised"));
        } else {
            opinion
                .unclear("no alarm or warning was ever shown as OK (10); a log in which one is OK decides");
        }
    }

    /// ALM-02: *"Use 00 for types of warnings and alarms that are not supported by the BMS"*.
    pub(crate) fn says_what_it_supports(&self, opinion: &mut Opinion) {
        if !self.heard(opinion) {
            return;
        }
        let supported: Vec<String> = (0..26)
            .filter(|&k| self.has_been(k, Pair::Ok) || self.has_been(k, Pair::Active))
            .map(name)
            .collect();
        opinion.show(Evidence::fact(
            "supported",
            if supported.is_empty() { "none".to_owned() } else { supported.join(", ") },
        ));
        if supported.is_empty() {
            opinion.fail(
                "0x35A supports no alarm and no warning: all pairs are 00 or 11, which does not mean OK",
            );
        } else {
            opinion.pass(format!("{} of 26 alarms and warnings are supported", supported.len()));
        }
    }

    /// ALM-03.
    pub(crate) fn leaves_reserved_bits(&self, opinion: &mut Opinion) {
        if !self.heard(opinion) {
            return;
        }
        let value = self.reserved.unwrap_or_default();
        opinion.show(Evidence::fact("reserved bits", format!("{value:#018x}")));
        if self.reserved_changes.any() {
            opinion.show(self.reserved_changes.evidence("changes of the reserved bits").against("none"));
            opinion.fail(format!(
                "the reserved bits of 0x35A change, {}: they are used as flags",
                self.reserved_changes.place()
            ));
        } else {
            let remark = if value == 0 { "" } else { ", but not 0 (harmless)" };
            opinion.pass(format!("the reserved bits are steady{remark}"));
        }
    }

    /// ALM-04: *"For all other manufacturers, we prefer 0x35A over 0x359"* (P 4 Q1).
    pub(crate) fn uses_the_right_message(&self, bus: &Bus, opinion: &mut Opinion) {
        if !bus.has(0x359) {
            opinion.absent("0x359 is not sent");
        } else if bus.has(id::ALARMS) {
            opinion.pass("0x359 is sent beside 0x35A");
        } else {
            opinion.show(Evidence::fact("0x359", "sent").in_frame(bus.of(0x359).map(|s| s.first)));
            opinion.fail("0x359 is sent in place of 0x35A; the GX reads it from one manufacturer only");
        }
    }

    /// ALM-06: *"To indicate if the main relay (or MOSFETs in certain designs) are enabled or not"*.
    pub(crate) fn says_whether_it_is_online(&self, opinion: &mut Opinion) {
        if !self.heard(opinion) {
            return;
        }
        opinion
            .show(self.online.evidence("main switch closed (10)"))
            .show(self.offline.evidence("main switch open (01)"));
        if !self.online.any() && !self.offline.any() {
            opinion.absent("the system status is not supported");
        } else if self.current_offline.count >= 3 {
            opinion
                .show(self.current_offline.evidence("current above 1 A while the switch is said to be open"));
            opinion.fail(format!(
                "0x35A says the main switch is open while current flows, {}",
                self.current_offline.place()
            ));
        } else if self.current_online.any() || self.offline.any() {
            opinion.pass("the system status agrees with the current");
        } else {
            opinion
                .unclear("the switch is said to be closed, but no current above 1 A was seen to confirm it");
        }
    }
}

/// The pairs of all alarms, then of all warnings.
pub(super) fn pairs(alarms: &Alarms) -> impl Iterator<Item = Pair> + use<> {
    let alarms = *alarms;
    let raised = AlarmKind::ALL.into_iter().map(move |kind| alarms.alarm(kind));
    raised.chain(AlarmKind::ALL.into_iter().map(move |kind| alarms.warning(kind)))
}

/// The alarms, then the warnings, by their place in [`pairs`].
pub(super) fn name(k: usize) -> String {
    let kind = AlarmKind::ALL[k % 13];
    format!("{kind} {}", if k < 13 { "alarm" } else { "warning" })
}

fn bits(pair: Pair) -> &'static str {
    if pair == Pair::NotSupported0 { "00" } else { "11" }
}
