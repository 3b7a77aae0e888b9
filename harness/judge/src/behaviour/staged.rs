//! A staged case for the tests of the judges: a good battery over three hours, which a test then spoils.

use proto::quantity::{AmpHours, Amps, Celsius, Micros, Volts, Watts};
use proto::stimulus::Stimulus;

use super::Subject;
use crate::battery::Battery;
use crate::catalogue;
use crate::recording::Recording;
use crate::site::{GxSetup, Site};
use crate::thresholds::{Stands, Thresholds};
use crate::trace::{Channel, EventKind};
use crate::verdict::{Outcome, Verdict};

/// Samples once a second per channel, and events; made into a recording when judged.
#[derive(Clone)]
pub(super) struct Stage {
    channels: Vec<(Channel, Vec<(u64, f64)>)>,
    events: Vec<(u64, EventKind)>,
    gx: Option<GxSetup>,
}

pub(super) const END: u64 = 3 * 3600;
/// When the battery is full.
pub(super) const FULL: u64 = 3000;
/// Seven pulls: the grid goes away and a load pulls the battery down for 2 minutes of every 10.
const PULLS: [u64; 7] = [6600, 7200, 7800, 8400, 9000, 9600, 10_200];

pub(crate) fn declared() -> Battery {
    Battery {
        name: "staged".to_owned(),
        cells: 16,
        capacity: AmpHours(280.0),
        max_charge_voltage: Volts(56.8),
        min_voltage: Volts(44.8),
        cell_over_voltage: Volts(3.65),
        cell_under_voltage: Volts(2.5),
        max_charge_current: Amps(140.0),
        max_discharge_current: Amps(200.0),
        max_temperature: Celsius(55.0),
    }
}

fn pick(condition: bool, yes: f64, no: f64) -> f64 {
    if condition { yes } else { no }
}

fn pulled(t: u64) -> bool {
    PULLS.iter().any(|&p| (p..p + 120).contains(&t))
}

/// Full after 50 minutes with 3 kW of sun, held for nearly an hour, then pulled down seven times.
pub(super) fn good() -> Stage {
    let full = |t: u64| t >= FULL;
    let on_grid = |t: u64| !pulled(t);
    let value = |channel: Channel, t: u64| -> f64 {
        match channel {
            Channel::Cvl => pick(full(t), 55.2, 56.8),
            Channel::Ccl => pick(full(t), 28.0, 140.0),
            Channel::Dcl => 200.0,
            Channel::Soc => pick(full(t), 100.0, 95.0 + t as f64 / 600.0),
            Channel::PackVoltage => pick(pulled(t), 52.8, pick(full(t), 55.2, 54.4)),
            Channel::PackCurrent => pick(pulled(t), -66.0, pick(full(t), 0.2, 16.8)),
            Channel::MinCell => 3.44,
            Channel::MaxCell => pick(full(t), 3.455, 3.40),
            Channel::PvAvailable => 3000.0,
            Channel::PvPower => pick(on_grid(t), 2980.0, 0.0),
            Channel::GridPower => pick(on_grid(t) && full(t), -2800.0, 0.0),
            Channel::AcLoads => pick(pulled(t), 3500.0, 0.0),
            Channel::BusVoltage => pick(pulled(t), 52.7, pick(full(t), 55.2, 54.5)),
            Channel::InverterCurrent => pick(pulled(t), -66.0, pick(full(t), -54.0, -38.0)),
            Channel::SolarCurrent => pick(pulled(t), 0.0, 54.0),
            Channel::InverterRunning | Channel::GxBattery | Channel::FeedIn | Channel::Online => 1.0,
            Channel::GridConnected => pick(on_grid(t), 1.0, 0.0),
            Channel::InputCurrentLimit => 16.0,
            Channel::MinCellTemperature => 24.85,
            Channel::MaxCellTemperature => 26.85,
            Channel::Capacity => 280.0,
            Channel::ModulesOnline => 1.0,
            Channel::MaxCellId => pick(full(t), 1.0, 0.0),
            Channel::BitRate => 500.0,
            _ => 0.0,
        }
    };
    use Channel as C;
    let sent = [
        C::Cvl,
        C::Ccl,
        C::Dcl,
        C::Soc,
        C::PackVoltage,
        C::PackCurrent,
        C::MinCell,
        C::MaxCell,
        C::PvAvailable,
        C::PvPower,
        C::GridPower,
        C::AcLoads,
        C::BusVoltage,
        C::InverterCurrent,
        C::SolarCurrent,
        C::InverterRunning,
        C::GxBattery,
        C::FeedIn,
        C::Online,
        C::GridConnected,
        C::InputCurrentLimit,
        C::Alarms,
        C::Warnings,
        C::MinCellTemperature,
        C::MaxCellTemperature,
        C::Capacity,
        C::ModulesOnline,
        C::ModulesOffline,
        C::ModulesBlockingCharge,
        C::ModulesBlockingDischarge,
        C::MinCellId,
        C::MaxCellId,
        C::ColdestCellId,
        C::HottestCellId,
        C::BitRate,
        C::BusState,
    ];
    let mut channels: Vec<_> =
        sent.iter().map(|&c| (c, (0..END).map(|t| (t, value(c, t))).collect())).collect();
    for (gx, can) in GX_OF {
        // The GX shows a value two seconds after it was on CAN.
        let shown: Vec<(u64, f64)> = (0..END).map(|t| (t, value(can, t.saturating_sub(2)))).collect();
        channels.push((gx, shown));
    }
    let mut stage =
        Stage { channels, events: vec![(0, EventKind::Stimulus(Stimulus::Pv(Watts(3000.0))))], gx: None };
    stage.note(FULL, EventKind::Mark("full".to_owned()));
    for &pull in &PULLS {
        stage.note(pull, EventKind::Stimulus(Stimulus::Grid(false)));
        stage.note(pull, EventKind::Stimulus(Stimulus::AcLoad(Watts(3500.0))));
        stage.note(pull + 120, EventKind::Stimulus(Stimulus::AcLoad(Watts(0.0))));
        stage.note(pull + 120, EventKind::Stimulus(Stimulus::Grid(true)));
    }
    stage.note(END, EventKind::Completed);
    stage
}

const GX_OF: [(Channel, Channel); 19] = [
    (Channel::GxCvl, Channel::Cvl),
    (Channel::GxCcl, Channel::Ccl),
    (Channel::GxDcl, Channel::Dcl),
    (Channel::GxSoc, Channel::Soc),
    (Channel::GxPackVoltage, Channel::PackVoltage),
    (Channel::GxPackCurrent, Channel::PackCurrent),
    (Channel::GxMinCell, Channel::MinCell),
    (Channel::GxMaxCell, Channel::MaxCell),
    (Channel::GxMinCellTemperature, Channel::MinCellTemperature),
    (Channel::GxMaxCellTemperature, Channel::MaxCellTemperature),
    (Channel::GxCapacity, Channel::Capacity),
    (Channel::GxModulesOnline, Channel::ModulesOnline),
    (Channel::GxModulesOffline, Channel::ModulesOffline),
    (Channel::GxModulesBlockingCharge, Channel::ModulesBlockingCharge),
    (Channel::GxModulesBlockingDischarge, Channel::ModulesBlockingDischarge),
    (Channel::GxMinCellId, Channel::MinCellId),
    (Channel::GxMaxCellId, Channel::MaxCellId),
    (Channel::GxColdestCellId, Channel::ColdestCellId),
    (Channel::GxHottestCellId, Channel::HottestCellId),
];

impl Stage {
    pub(super) fn empty() -> Self {
        Self { channels: Vec::new(), events: vec![(0, EventKind::Completed)], gx: None }
    }

    pub(super) fn note(&mut self, at: u64, kind: EventKind) {
        self.events.push((at, kind));
    }

    /// On a rig that says how its GX is set.
    pub(super) fn set_up(mut self, dvcc: bool, svs: bool) -> Self {
        self.gx = Some(GxSetup { dvcc, svs, forced_for: None, confirmed_by: "the test".to_owned() });
        self
    }

    pub(super) fn uncompleted(&mut self) {
        self.forget(|kind| *kind == EventKind::Completed);
    }

    /// Without some of what happened.
    pub(super) fn forget(&mut self, what: impl Fn(&EventKind) -> bool) {
        self.events.retain(|(_, kind)| !what(kind));
    }

    /// Replaces the values of a channel.
    pub(super) fn shaped(mut self, channel: Channel, f: impl Fn(u64, f64) -> f64) -> Self {
        if let Some((_, points)) = self.channels.iter_mut().find(|(c, _)| *c == channel) {
            points.iter_mut().for_each(|(t, v)| *v = f(*t, *v));
        } else {
            self.channels.push((channel, (0..END).map(|t| (t, f(t, 0.0))).collect()));
        }
        self
    }

    /// From a moment on, another value.
    pub(super) fn set(&mut self, channel: Channel, from: u64, value: f64) {
        *self = self.clone().shaped(channel, |t, v| if t >= from { value } else { v });
    }

    /// Without a channel.
    pub(super) fn deaf(mut self, channel: Channel) -> Self {
        self.channels.retain(|(c, _)| *c != channel);
        self
    }

    /// A channel that falls silent.
    pub(super) fn silent_after(mut self, channel: Channel, from: u64) -> Self {
        for (_, points) in self.channels.iter_mut().filter(|(c, _)| *c == channel) {
            points.retain(|(t, _)| *t < from);
        }
        self
    }

    /// A channel that is silent for a while.
    pub(super) fn deaf_between(mut self, channel: Channel, from: u64, to: u64) -> Self {
        for (_, points) in self.channels.iter_mut().filter(|(c, _)| *c == channel) {
            points.retain(|(t, _)| !(from..to).contains(t));
        }
        self
    }

    /// A channel that is sampled only every so many seconds.
    pub(super) fn every(mut self, channel: Channel, seconds: u64) -> Self {
        for (_, points) in self.channels.iter_mut().filter(|(c, _)| *c == channel) {
            points.retain(|(t, _)| t.is_multiple_of(seconds));
        }
        self
    }

    /// Ends the case early, but complete.
    pub(super) fn cut(mut self, end: u64) -> Self {
        self.channels.iter_mut().for_each(|(_, points)| points.retain(|(t, _)| *t < end));
        self.events.retain(|(t, _)| *t < end);
        self.note(end, EventKind::Completed);
        self
    }

    /// CVL that follows a share of the battery voltage.
    pub(super) fn following(self, share: f64) -> Self {
        self.shaped(Channel::Cvl, |t, v| if pulled(t) { v - 2.4 * share } else { v })
    }

    /// The pulls do not move the voltage.
    pub(super) fn unmoved(self) -> Self {
        self.shaped(Channel::PackVoltage, |t, v| if pulled(t) { 55.19 } else { v })
    }

    pub(super) fn recording(&self) -> Recording {
        self.recording_polled(Micros::from_secs(1))
    }

    /// On a rig that reads the state of its CAN interface so often.
    pub(super) fn recording_polled(&self, poll: Micros) -> Recording {
        let mut recording = Recording::polled(poll);
        for (channel, points) in &self.channels {
            points.iter().for_each(|&(t, v)| recording.trace_mut().push(*channel, Micros::from_secs(t), v));
        }
        let mut events = self.events.clone();
        events.sort_by_key(|(t, _)| *t);
        events.into_iter().for_each(|(t, kind)| recording.note(Micros::from_secs(t), kind));
        recording
    }

    pub(super) fn verdict(&self, id: &str) -> Verdict {
        self.verdict_on(id, &declared())
    }

    /// The verdict where another battery is declared.
    pub(super) fn verdict_on(&self, id: &str, battery: &Battery) -> Verdict {
        let site = Site { gx: self.gx.clone(), ..Site::default() };
        on_rig(id, &self.recording(), battery, site)
    }
}

/// Panics where a verdict is another than expected, with the evidence; every verdict says why.
#[track_caller]
pub(super) fn check(stage: &Stage, id: &str, expected: Outcome) {
    let verdict = stage.verdict(id);
    assert_eq!(verdict.outcome, expected, "{id}: {} {:#?}", verdict.reason, verdict.evidence);
    assert!(!verdict.reason.is_empty(), "{id}");
    let near: Vec<_> = verdict.figures().filter(|(_, m)| m.stands() == Stands::Near).collect();
    assert!(
        near.is_empty() || expected == Outcome::Inconclusive,
        "{id} rests on what is too near: {near:#?}"
    );
}

/// The verdict on a recording.
pub(super) fn judged(id: &str, recording: &Recording) -> Verdict {
    on_rig(id, recording, &declared(), Site::default())
}

fn on_rig(id: &str, recording: &Recording, battery: &Battery, site: Site) -> Verdict {
    let subject = Subject {
        requirements: vec![catalogue::find(id).expect("a row of the catalogue")],
        thresholds: Thresholds::default(),
        battery,
        site,
        sun: Watts::ZERO,
        imbalance: proto::quantity::Percent::ZERO,
    };
    crate::verdicts::of_run(&subject, recording).pop().expect("one verdict for one requirement")
}
