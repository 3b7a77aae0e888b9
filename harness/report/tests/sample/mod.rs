//! A run with plausible traces: a pass with a warning, a failure, a case cut short and one that does not apply.

use core::time::Duration;

use evidence::run::{BatteryUnderTest, CaseResult, Rig, Run, RunMeta, SuiteFile};
use judge::catalogue::find;
use judge::trace::{Channel, EventKind, Trace, WaitResult};
use judge::verdict::{Evidence, Measure, Outcome, Verdict};
use proto::quantity::{Amps, Micros, Watts};
use proto::stimulus::Stimulus;

/// The whole run, with so many cases.
pub(crate) fn run(copies: usize) -> Run {
    let mut cases = Vec::new();
    let mut began = Micros::ZERO;
    for _ in 0..copies {
        for mut case in [load_steps(), input_limit(), high_cell(), absent()] {
            case.began = began;
            began += case.length;
            cases.push(case);
        }
    }
    Run { meta: meta(), cases }
}

pub(crate) fn meta() -> RunMeta {
    RunMeta {
        title: "Acme LFP-280 on the simulated rig".into(),
        id: "all-acme-lfp-280-seed1-001".into(),
        seed: 1,
        rig: Rig {
            name: "simulated".into(),
            title: "Simulated ESS, 48 V, 5 kVA".into(),
            simulated: true,
            ..Rig::default()
        },
        battery: BatteryUnderTest {
            name: "acme-lfp-280".into(),
            title: "Acme LFP-280, 16 cells, 280 Ah".into(),
            identity: [
                ("Manufacturer", "ACME"),
                ("Name", "LFP-280"),
                ("Firmware, 0x35F", "2.7"),
                ("Capacity", "280 Ah"),
                ("Serial number", "A280-000417"),
            ]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .to_vec(),
            ..BatteryUnderTest::default()
        },
        harness: "0.1.0".into(),
        commit: "0123456789abcdef0123456789abcdef01234567".into(),
        instruments: Vec::new(),
        suites: vec![
            SuiteFile::new("suites/feed-in/feed-in.yaml", b"feed-in"),
            SuiteFile::new("suites/excess-pv/excess-pv.yaml", b"excess-pv"),
            SuiteFile::new("suites/imbalance/imbalance.yaml", b"imbalance"),
        ],
        started: Some("2026-03-02T22:00:00Z".into()),
        took: Some(Duration::from_millis(2_340)),
        certificate: None,
        cut_off: None,
        doubts: Vec::new(),
        ..RunMeta::default()
    }
}

/// Noise without a library: the same on every machine.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as f64 / f64::from(1_u32 << 31)) * 2.0 - 1.0
    }
}

const fn min(m: u64) -> Micros {
    Micros::from_secs(60 * m)
}

/// One second of a case.
#[derive(Default)]
struct Moment {
    cvl: f64,
    pack: f64,
    current: f64,
    load: f64,
    pv: f64,
    available: f64,
    bus: f64,
    soc: f64,
    spread: f64,
}

fn record(trace: &mut Trace, noise: &mut Noise, second: u64, m: &Moment) {
    let at = Micros::from_secs(second);
    let cvl = (m.cvl * 10.0).round() / 10.0;
    let cell = m.pack / 16.0;
    for (channel, value) in [
        (Channel::Cvl, cvl),
        (Channel::GxCvl, cvl),
        (Channel::Ccl, 200.0),
        (Channel::Dcl, 200.0),
        (Channel::Soc, (m.soc * 10.0).round() / 10.0),
        (Channel::PackVoltage, ((m.pack + 0.005 * noise.next()) * 100.0).round() / 100.0),
        (Channel::PackCurrent, ((m.current + 0.3 * noise.next()) * 10.0).round() / 10.0),
        (Channel::MaxCell, ((cell + m.spread) * 1000.0).round() / 1000.0),
        (Channel::MinCell, ((cell - 0.2 * m.spread) * 1000.0).round() / 1000.0),
        (Channel::PvAvailable, m.available),
        (Channel::PvPower, (m.pv + 8.0 * noise.next()).round().max(0.0)),
        (Channel::AcLoads, m.load),
        (Channel::GridPower, (m.load - 0.94 * (m.pv - m.current * m.pack) + 12.0 * noise.next()).round()),
        (Channel::BusVoltage, ((m.bus + 0.01 * noise.next()) * 100.0).round() / 100.0),
    ] {
        trace.push(channel, at, value);
    }
}

fn step(trace: &mut Trace, at: Micros, line: u32, text: &str) {
    trace.note(at, EventKind::Step { line, text: text.into() });
}

fn evidence(what: &str, at: Option<(Micros, Micros)>, value: &str, limit: &str) -> Evidence {
    Evidence { at, ..Evidence::fact(what, value).against(limit) }
}

/// A fact with the figure that was held against a threshold.
fn measured(evidence: Evidence, threshold: &'static str, value: f64, limit: f64) -> Evidence {
    Evidence { measure: Some(Measure { threshold, value, limit, band: 0.0 }), ..evidence }
}

pub(crate) fn verdict(id: &str, outcome: Outcome, reason: &str, evidence: Vec<Evidence>) -> Verdict {
    Verdict {
        requirement: find(id).expect("a requirement of the catalogue"),
        outcome,
        reason: reason.into(),
        evidence,
    }
}

fn load_steps() -> CaseResult {
    let (mut trace, mut noise) = (Trace::default(), Noise(1));
    let (full, end) = (47 * 60, 3 * 3600 + 41 * 60);
    step(&mut trace, Micros::ZERO, 14, "pv: 4 kW over 10 min");
    for i in 0..=20 {
        trace.note(
            Micros::from_secs(i * 30),
            EventKind::Stimulus(Stimulus::Pv(Watts(4000.0 * (i + 1) as f64 / 21.0))),
        );
    }
    step(&mut trace, min(10), 15, "wait until CVL is lowered or SoC ≥ 100 %");
    let wait = WaitResult {
        line: 15,
        until: "CVL lowered".into(),
        began: min(10),
        met: true,
        seen: "CVL 54.6 V, its highest 56.0 V".into(),
        allowed: min(180),
        requirement: None,
    };
    trace.note(min(47), EventKind::Wait(wait));
    trace.note(min(47), EventKind::Mark("full".into()));
    step(&mut trace, min(47), 17, "hold 60 min");
    for i in 0..6 {
        let on = min(107 + 19 * i);
        step(&mut trace, on, 18, "ac-load: 3 kW");
        trace.note(on, EventKind::Stimulus(Stimulus::AcLoad(Watts(3000.0))));
        step(&mut trace, on, 18, "hold 9 min");
        let off = min(116 + 19 * i);
        step(&mut trace, off, 18, "ac-load: off");
        trace.note(off, EventKind::Stimulus(Stimulus::AcLoad(Watts(0.0))));
        step(&mut trace, off, 18, "hold 10 min");
    }
    trace.note(Micros::from_secs(end), EventKind::Completed);
    let mut m = Moment { cvl: 57.6, pack: 53.4, soc: 97.0, ..Moment::default() };
    for s in 0..=end {
        let t = s as f64;
        m.available = 4000.0 * (t / 600.0).min(1.0);
        m.load = if s > 107 * 60 && (s - 107 * 60) % (19 * 60) < 9 * 60 { 3000.0 } else { 0.0 };
        let charge = if s < full { 1.0 } else { (-(t - full as f64) / 500.0).exp() };
        m.current = 70.0 * (m.available / 4000.0) * charge;
        m.soc = (m.soc + m.current / 280.0 / 36.0).min(100.0);
        m.pack = 53.4 + 2.6 * (t / full as f64).min(1.0).powi(4)
            - 0.25 * (1.0 - charge) * f64::from(u8::from(s > full));
        m.cvl = if s < full { 57.6 } else { 55.7 + 0.5 * (-(t - full as f64) / 900.0).exp() };
        m.pv = m.available;
        m.bus = m.pack + m.current * 0.002 + 0.02;
        m.spread = 0.006 + 0.03 * (t / full as f64).min(1.0).powi(6);
        record(&mut trace, &mut noise, s, &m);
    }
    let window = Some((min(57), Micros::from_secs(end)));
    CaseResult {
        title: "Sizeable AC loads switch without disturbing feed-in".into(),
        section: "P 1.5.3.1".into(),
        outcome: Outcome::Pass,
        file: "suites/feed-in/feed-in.yaml".into(),
        line: 9,
        length: Micros::from_secs(end),
        verdicts: vec![
            verdict(
                "BEH-FI",
                Outcome::Pass,
                "Full for 2 h 54 min without an over-voltage event; export stays within 2.1 % and settles within 14 s of each of 12 load steps.",
                vec![
                    evidence("M1 over-voltage events", window, "0", "0"),
                    evidence("M8 ripple of the export", window, "2.1 %", "≤ 5 %"),
                    evidence(
                        "M8 slowest settling after a load step",
                        Some((min(126), min(127))),
                        "14 s",
                        "≤ 30 s",
                    ),
                ],
            ),
            verdict(
                "CVL-02",
                Outcome::Pass,
                "Charge was ended by lowering CVL from 57.6 V to 55.7 V; CCL stayed at 200 A.",
                vec![evidence("M9 curtailed PV", window, "0.4 %", "≤ 2 %")],
            ),
            verdict(
                "CVL-03",
                Outcome::Fail,
                "9 % of the changes of CVL followed the one before within 20 s.",
                vec![evidence("M2 changes less than 20 s apart", Some((min(47), min(62))), "9 %", "≤ 5 %")],
            ),
            verdict(
                "CVL-04",
                Outcome::Pass,
                "CVL reversed 0.3 times an hour.",
                vec![measured(evidence("M3 reversals", window, "0.3 /h", "≤ 6 /h"), "reversals", 0.3, 6.0)],
            ),
            verdict(
                "CVL-06",
                Outcome::Pass,
                "The lowered CVL did not discharge the battery.",
                vec![measured(
                    evidence("M7 discharge while PV covers the load", window, "0.02 %/h", "≤ 0.5 %/h"),
                    "discharge",
                    0.02,
                    0.5,
                )],
            ),
            verdict(
                "TIM-01",
                Outcome::Pass,
                "The longest gap between two 0x351 was 1.004 s.",
                vec![evidence(
                    "M14 longest gap",
                    Some((Micros::from_millis(4_000), Micros::from_millis(5_004))),
                    "1.004 s",
                    "≤ 1.5 s",
                )],
            ),
            verdict("BUS-05", Outcome::Pass, "0.5 % bus load at 500 kbit/s.", Vec::new()),
            verdict("SOC-02", Outcome::NotApplicable, "High-resolution SoC is not sent.", Vec::new()),
        ],
        trace,
        ..CaseResult::named("feed-in", "load-steps")
    }
}

fn input_limit() -> CaseResult {
    let (mut trace, mut noise) = (Trace::default(), Noise(2));
    let (limit, trip, end) = (62 * 60, 96 * 60 + 12, 130 * 60);
    step(&mut trace, Micros::ZERO, 12, "pv: 5.5 kW");
    trace.note(Micros::ZERO, EventKind::Stimulus(Stimulus::Pv(Watts(5500.0))));
    step(&mut trace, Micros::ZERO, 13, "wait until CVL is lowered");
    trace.note(min(31), EventKind::Mark("full".into()));
    step(&mut trace, min(31), 15, "hold 31 min");
    step(&mut trace, min(62), 16, "input-current-limit: 4 A");
    trace.note(min(62), EventKind::Stimulus(Stimulus::InputCurrentLimit(Amps(4.0))));
    trace.note(min(62), EventKind::Mark("limited".into()));
    step(&mut trace, min(62), 17, "hold 68 min");
    trace.note(Micros::from_secs(end), EventKind::Completed);
    let mut m = Moment { soc: 96.0, available: 5500.0, ..Moment::default() };
    for s in 0..=end {
        let t = s as f64;
        let full = s > 31 * 60;
        let off = s > trip && s < trip + 600;
        let ring =
            if s > limit { 0.35 * (t / 47.0 * core::f64::consts::TAU / 2.0).sin().signum() } else { 0.0 };
        m.cvl = if full { 55.6 + ring } else { 57.6 };
        m.pv = if off {
            0.0
        } else if s > limit {
            1400.0 + 900.0 * ring
        } else {
            5500.0
        };
        m.current = if off {
            0.0
        } else if !full {
            78.0
        } else if s > limit {
            30.0 * ring
        } else {
            1.0
        };
        m.soc = (m.soc + m.current / 280.0 / 36.0).min(100.0);
        m.pack = 53.5 + 2.1 * (t / 1860.0).min(1.0).powi(3) + 0.01 * m.current;
        m.bus = if off {
            57.4
        } else if s > limit {
            m.cvl + 0.4
        } else {
            m.pack + 0.1
        };
        if s > trip - 4 && s <= trip {
            m.bus = 60.8;
        }
        m.spread = 0.02 + 0.03 * (t / 1860.0).min(1.0);
        record(&mut trace, &mut noise, s, &m);
    }
    let hold = Some((min(62), Micros::from_secs(end)));
    CaseResult {
        title: "More PV than the inverter may feed back".into(),
        section: "P 1.5.3.3".into(),
        outcome: Outcome::Fail,
        reason: "The battery disconnected on over-voltage while the DC bus stood at CVL + 0.4 V.".into(),
        judged_by: Some("BEH-XP"),
        file: "suites/excess-pv/excess-pv.yaml".into(),
        line: 8,
        length: Micros::from_secs(end),
        verdicts: vec![
            verdict(
                "BEH-XP",
                Outcome::Fail,
                "The battery disconnected on over-voltage 34 min after the input current limit was lowered.",
                vec![
                    evidence(
                        "M1 over-voltage events",
                        Some((Micros::from_secs(trip - 4), Micros::from_secs(trip + 600))),
                        "1",
                        "0",
                    ),
                    evidence("M11 bus at CVL + 0.4 V", hold, "34 min", "≥ 10 min"),
                ],
            ),
            verdict(
                "CVL-04",
                Outcome::Fail,
                "CVL swings by 0.7 V every 94 s for as long as the solar charger is limited.",
                vec![
                    measured(evidence("M3 reversals", hold, "76 /h", "≤ 20 /h"), "reversals", 76.0, 20.0),
                    evidence("M5 total variation", hold, "54 V/h", "≤ 5 V/h"),
                ],
            ),
            verdict(
                "CVL-09",
                Outcome::Fail,
                "CVL did not settle after the input current limit changed.",
                vec![evidence("M10 settling", Some((min(62), min(70))), "not within 8 min", "≤ 60 s")],
            ),
            verdict(
                "CVL-05",
                Outcome::Inconclusive,
                "CVL may follow the measured voltage; only 2 of the 6 windows it takes were there.",
                vec![evidence("M12 windows", None, "2", "≥ 6")],
            ),
            verdict(
                "CVL-02",
                Outcome::Pass,
                "Charge was ended by lowering CVL from 57.6 V to 55.6 V; CCL stayed at 200 A.",
                Vec::new(),
            ),
            verdict("TIM-01", Outcome::Pass, "The longest gap between two 0x351 was 1.006 s.", Vec::new()),
        ],
        trace,
        ..CaseResult::named("excess-pv", "input-limit")
    }
}

fn high_cell() -> CaseResult {
    let (mut trace, mut noise) = (Trace::default(), Noise(3));
    let end = 17 * 60 + 20;
    step(&mut trace, Micros::ZERO, 12, "imbalance: 5 %");
    step(&mut trace, Micros::from_secs(2), 13, "pv: 4 kW");
    trace.note(Micros::from_secs(2), EventKind::Stimulus(Stimulus::Pv(Watts(4000.0))));
    step(&mut trace, Micros::from_secs(2), 14, "wait until CVL is lowered");
    trace.note(
        Micros::from_secs(end),
        EventKind::Interlock {
            what: "highest cell".into(),
            value: "3.712 V".into(),
            limit: "3.700 V".into(),
        },
    );
    trace.note(
        Micros::from_secs(end),
        EventKind::Aborted("interlock: highest cell 3.712 V above 3.700 V".into()),
    );
    let mut m = Moment { soc: 97.0, available: 4000.0, pv: 4000.0, cvl: 57.6, ..Moment::default() };
    for s in 0..=end {
        let t = s as f64 / end as f64;
        m.current = 71.0;
        m.pack = 53.6 + 1.2 * t * t;
        m.bus = m.pack + 0.15;
        m.soc = 97.0 + 1.4 * t;
        m.spread = 0.01 + 0.277 * t.powi(5);
        record(&mut trace, &mut noise, s, &m);
    }
    CaseResult {
        title: "One cell charged 5 % above the others".into(),
        section: "P 1.5.3.2".into(),
        outcome: Outcome::Inconclusive,
        reason: "Cut short: the highest cell reached 3.712 V, above the interlock of 3.700 V.".into(),
        file: "suites/imbalance/imbalance.yaml".into(),
        line: 8,
        length: Micros::from_secs(end),
        verdicts: vec![
            verdict(
                "BEH-IM",
                Outcome::Inconclusive,
                "The case ended before the battery was full.",
                Vec::new(),
            ),
            verdict("CVL-10", Outcome::Inconclusive, "CVL was never lowered.", Vec::new()),
            verdict("TIM-01", Outcome::Pass, "The longest gap between two 0x351 was 1.003 s.", Vec::new()),
        ],
        trace,
        ..CaseResult::named("imbalance", "one-high-cell")
    }
}

fn absent() -> CaseResult {
    CaseResult {
        title: "A low temperature is shown on the GX".into(),
        section: "P 5.3".into(),
        outcome: Outcome::Inconclusive,
        tried: false,
        reason: "not tried: the rig cannot cool the battery".into(),
        file: "suites/alarms/alarms.yaml".into(),
        line: 31,
        verdicts: vec![verdict(
            "BEH-AL",
            Outcome::Inconclusive,
            "not tried: the rig cannot cool the battery",
            Vec::new(),
        )],
        ..CaseResult::named("alarms", "low-temperature")
    }
}
