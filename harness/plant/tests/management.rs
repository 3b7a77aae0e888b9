//! A management system that the models know nothing of, in the whole simulated world: what the trait carries is enough.

use std::sync::{Arc, Mutex};

use plant::bus::Heard;
use plant::management::{Design, Installed, Management, ManagementError, Readings};
use plant::params::Params;
use plant::sensors::SensorParams;
use plant::world::{PackSize, World};
use proto::bus::BusState;
use proto::channel::Channel;
use proto::fault::{Fault, FaultKind, Id};
use proto::frame::{CanId, Frame};
use proto::message::{Limits, Message, id};
use proto::quantity::{AmpHours, Amps, Celsius, Micros, Percent, Volts, Watts};
use proto::stimulus::{Start, Stimulus};
use rstest::rstest;

/// It closes the contactor, sends 0x351 once a second, and forbids discharge where a cell is low.
#[derive(Debug, Default)]
struct Tiny {
    next: Micros,
    leaves: Option<Micros>,
    lowest: Volts,
}

impl Management for Tiny {
    fn turn(&mut self, at: Micros, seen: &Readings<'_>) -> Result<(), ManagementError> {
        self.lowest = seen.cells.iter().copied().fold(Volts(f64::MAX), Volts::min);
        (self.next, self.leaves) = (at + Micros::from_secs(1), Some(at + Micros(10_722)));
        Ok(())
    }
    fn hear(&mut self, _: Micros, _: &Frame) {}
    fn next_turn(&self) -> Micros {
        self.next
    }
    fn next_frame_at(&self) -> Micros {
        self.leaves.unwrap_or(Micros::NEVER)
    }
    fn send(&mut self) -> Option<Frame> {
        self.leaves = None;
        let discharge = if self.lowest > Volts(2.8) { Amps(200.0) } else { Amps::ZERO };
        Some(Message::from(Limits::new(Volts(55.2), Amps(140.0), discharge, Volts(44.8))).encode())
    }
    fn closes(&self, _: usize) -> bool {
        true
    }
    fn balance(&self) -> &[Amps] {
        &[]
    }
    fn power(&mut self, _: Micros, _: bool) -> Result<(), ManagementError> {
        Ok(())
    }
}

/// What a test wants of a management system, and what it saw.
#[derive(Debug, Clone)]
struct Wish {
    every: Micros,
    drains: Vec<Amps>,
    closes: bool,
    /// what it sends, so long after each turn
    sends: Vec<(Micros, Frame)>,
    /// a frame of the bus asks for a turn this much later
    wakes: Option<Micros>,
    /// it fails at this time
    dies: Micros,
    sensors: SensorParams,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            every: Micros::from_secs(1),
            drains: Vec::new(),
            closes: true,
            sends: Vec::new(),
            wakes: None,
            dies: Micros::NEVER,
            sensors: SensorParams::default(),
        }
    }
}

/// One turn as management saw it.
#[derive(Debug, Clone, PartialEq)]
struct Saw {
    at: Micros,
    cells: Vec<Volts>,
    temperatures: Vec<Celsius>,
    current: Amps,
    closed: bool,
    controller: BusState,
    lost: u32,
    failed: bool,
}

#[derive(Debug, Clone, Default)]
struct Diary(Arc<Mutex<Vec<Saw>>>);

impl Diary {
    fn turns(&self) -> Vec<Saw> {
        self.0.lock().expect("no test panicked in it").clone()
    }
    fn last(&self) -> Saw {
        self.turns().pop().expect("at least one turn")
    }
}

#[derive(Debug)]
struct Willing {
    wish: Wish,
    diary: Diary,
    next: Micros,
    waiting: Vec<(Micros, Frame)>,
    powered: Vec<(Micros, bool)>,
}

impl Management for Willing {
    fn turn(&mut self, at: Micros, seen: &Readings<'_>) -> Result<(), ManagementError> {
        if at >= self.wish.dies {
            return Err(ManagementError::Failed("it exited with code 3; expected an answer".to_owned()));
        }
        self.diary.0.lock().expect("no test panicked in it").push(Saw {
            at,
            cells: seen.cells.to_vec(),
            temperatures: seen.temperatures.to_vec(),
            current: seen.current,
            closed: seen.closed,
            controller: seen.controller,
            lost: seen.lost,
            failed: seen.electronics.failed,
        });
        self.next = at + self.wish.every;
        self.waiting = self.wish.sends.iter().map(|&(after, frame)| (at + after, frame)).collect();
        Ok(())
    }
    fn hear(&mut self, at: Micros, _: &Frame) {
        self.next = self.wish.wakes.map_or(self.next, |after| self.next.min(at + after));
    }
    fn next_turn(&self) -> Micros {
        self.next
    }
    fn next_frame_at(&self) -> Micros {
        self.waiting.first().map_or(Micros::NEVER, |w| w.0)
    }
    fn send(&mut self) -> Option<Frame> {
        Some(self.waiting.remove(0).1)
    }
    fn closes(&self, _: usize) -> bool {
        self.wish.closes
    }
    fn balance(&self) -> &[Amps] {
        &self.wish.drains
    }
    fn power(&mut self, at: Micros, on: bool) -> Result<(), ManagementError> {
        self.powered.push((at, on));
        Ok(())
    }
    fn end(&mut self) -> Result<Option<String>, ManagementError> {
        Ok(Some(format!("{:?}", self.powered.len())))
    }
}

/// The tiny one behind these sensors.
#[derive(Debug, Default)]
struct Firmware(SensorParams);

impl Design for Firmware {
    fn sensors(&self) -> &SensorParams {
        &self.0
    }
    fn start(&self, _: &Installed) -> Result<Box<dyn Management>, ManagementError> {
        Ok(Box::<Tiny>::default())
    }
}

/// What does as it is wished.
#[derive(Debug)]
struct Made(Wish, Diary);

impl Design for Made {
    fn sensors(&self) -> &SensorParams {
        &self.0.sensors
    }
    fn start(&self, battery: &Installed) -> Result<Box<dyn Management>, ManagementError> {
        assert_eq!((battery.cells, battery.capacity), (16, AmpHours(280.0)));
        Ok(Box::new(Willing {
            wish: self.0.clone(),
            diary: self.1.clone(),
            next: Micros::ZERO,
            waiting: Vec::new(),
            powered: Vec::new(),
        }))
    }
}

fn start(soc: f64) -> Start {
    Start { soc: Percent(soc), pv: Watts(3000.0), ..Start::AT_REST }
}

fn world(design: &dyn Design, soc: f64) -> Result<World, ManagementError> {
    let size = PackSize { cells: 16, capacity: AmpHours(280.0) };
    World::new(&Params::default(), design, &size, &start(soc), 1)
}

/// A world with a management system that does as it is wished, and what that sees.
fn wished(wish: Wish) -> (World, Diary) {
    let diary = Diary::default();
    (world(&Made(wish, diary.clone()), 60.0).expect("it starts"), diary)
}

fn inject(world: &mut World, kind: FaultKind, seconds: u64) {
    let fault = Fault { kind, span: Micros::from_secs(seconds) };
    world.apply(&Stimulus::Inject(fault)).expect("the simulated rig can do it");
}

fn secs(s: u64) -> Micros {
    Micros::from_secs(s)
}

/// Thirty lines of firmware control the charge: P 1.4 asks for 0x351 once a second and no more.
#[test]
fn thirty_lines_of_management_charge_a_battery() {
    let mut w = world(&Firmware::default(), 60.0).expect("it starts");
    let mut limits = Vec::new();
    while let Some(heard) = w.advance(secs(120)).expect("it goes on") {
        let Heard::Frame(frame) = heard else { continue };
        if frame.id() == CanId::Standard(id::LIMITS) {
            limits.push(w.now());
        }
    }
    assert_eq!(limits.len(), 120);
    assert_eq!(limits[1], Micros(1_010_722), "it leaves when it was wished to");
    assert!(w.ledger().charged > AmpHours(1.0), "{:?}", w.ledger().charged);
    // One cell reads low: discharge is forbidden, and in an island the loads go out.
    w.apply(&Stimulus::Grid(false)).expect("possible");
    w.apply(&Stimulus::Pv(Watts::ZERO)).expect("possible");
    w.pass(secs(180)).expect("it goes on");
    assert!(w.gx().is(Channel::InverterRunning));
    inject(&mut w, FaultKind::CellVoltage { by: Volts(-1.0) }, 60);
    w.pass(secs(200)).expect("it goes on");
    assert!(!w.gx().is(Channel::InverterRunning), "the fault of the sensor reached it");
}

/// Its turns come when it asks for them, from 1 ms on; the cells are as the last step of the world left them.
#[rstest]
#[case(Micros::from_millis(1), 10_001)]
#[case(Micros::from_millis(50), 201)]
#[case(Micros(333_333), 31)]
#[case(secs(60), 1)]
fn turns_come_when_they_are_asked_for(#[case] every: Micros, #[case] turns: usize) {
    let (mut w, diary) = wished(Wish { every, ..Wish::default() });
    w.pass(secs(10)).expect("it goes on");
    let seen = diary.turns();
    assert_eq!(seen.len(), turns);
    assert!(seen.windows(2).all(|pair| pair[1].at.since(pair[0].at) == every));
}

/// However often somebody looks, the same charge flows and the same is bled: 16 cells, 0.1 A on one of them.
#[rstest]
#[case(Micros::from_millis(10))]
#[case(secs(1))]
#[case(secs(7))]
fn each_cell_is_drained_with_its_own_current(#[case] every: Micros) {
    let mut drains = vec![Amps::ZERO; 16];
    (drains[3], drains[9]) = (Amps(0.1), Amps(0.5));
    let (mut w, _) = wished(Wish { every, drains, ..Wish::default() });
    w.pass(secs(3600)).expect("it goes on");
    let bled = w.ledger().bled;
    assert!((bled - AmpHours(0.6)).abs() < AmpHours(1e-6), "{bled}");
}

#[rstest]
#[case::open(FaultKind::TemperatureOpen {}, |saw: &Saw| saw.temperatures[0] == Celsius(-60.0))]
#[case::warm(FaultKind::Temperature { by: Celsius(30.0) }, |saw: &Saw| saw.temperatures[1] > Celsius(54.0))]
#[case::cell(FaultKind::CellVoltage { by: Volts(0.5) }, |saw: &Saw| saw.cells[0] - saw.cells[1] > Volts(0.45))]
#[case::shunt(FaultKind::ShuntReversed {}, |saw: &Saw| saw.current < Amps(-20.0))]
#[case::gain(FaultKind::CurrentGain { by: Percent(50.0) }, |saw: &Saw| saw.current > Amps(70.0))]
#[case::self_test(FaultKind::Internal {}, |saw: &Saw| saw.failed)]
#[case::cable(FaultKind::WireCut {}, |saw: &Saw| saw.controller == BusState::ErrorPassive && saw.lost == 1)]
#[case::bus_off(FaultKind::BusOff {}, |saw: &Saw| saw.controller == BusState::BusOff && saw.lost == 1)]
#[case::contactor(FaultKind::ContactorOpen {}, |saw: &Saw| !saw.closed)]
fn what_is_injected_acts_on_what_it_sees(#[case] kind: FaultKind, #[case] acts: fn(&Saw) -> bool) {
    let limits = Limits::new(Volts(55.2), Amps(140.0), Amps(200.0), Volts(44.8));
    let sends = vec![(Micros::from_millis(5), Message::from(limits).encode())];
    let (mut w, diary) = wished(Wish { sends, ..Wish::default() });
    w.pass(secs(60)).expect("it goes on");
    assert!(!acts(&diary.last()), "not before: {:?}", diary.last());
    inject(&mut w, kind, 30);
    w.pass(secs(75)).expect("it goes on");
    assert!(acts(&diary.last()), "{:?}", diary.last());
    w.pass(secs(120)).expect("it goes on");
    assert!(!acts(&diary.last()), "not after: {:?}", diary.last());
}

/// Readings are what the sensors tell apart: 0.1 mV, 10 mA and 0.1 °C here.
#[test]
fn readings_have_the_resolution_of_the_sensors() {
    let sensors = SensorParams {
        cell_step: Volts(1e-4),
        current_step: Amps(0.01),
        temperature_step: Celsius(0.1),
        ..SensorParams::default()
    };
    let (mut w, diary) = wished(Wish { sensors, ..Wish::default() });
    w.pass(secs(60)).expect("it goes on");
    let whole = |value: f64, step: f64| ((value / step).round() * step - value).abs() < 1e-9;
    for saw in diary.turns() {
        assert!(saw.cells.iter().all(|cell| whole(cell.0, 1e-4)), "{saw:?}");
        assert!(whole(saw.current.0, 0.01) && saw.temperatures.iter().all(|t| whole(t.0, 0.1)), "{saw:?}");
    }
    let cells: Vec<_> = diary.turns().iter().map(|saw| saw.cells[0]).collect();
    assert!(cells.iter().any(|cell| !whole(cell.0, 1e-3)), "finer than a millivolt: {cells:?}");
}

/// A frame of the bus wakes it 1 ms later; 0x305 and 0x307 come 10 ms apart.
#[test]
fn frames_of_the_bus_wake_it() {
    let millisecond = Micros::from_millis(1);
    let (mut w, diary) = wished(Wish { every: secs(60), wakes: Some(millisecond), ..Wish::default() });
    let mut heard = Vec::new();
    while w.advance(secs(30)).expect("it goes on").is_some() {
        heard.push(w.now() + millisecond);
    }
    let turns: Vec<_> = diary.turns().iter().map(|saw| saw.at).collect();
    assert_eq!(turns[1..], heard[..], "every frame of the GX");
    assert!(heard.len() >= 58);
}

/// Without its supply the contactor opens, nothing is sent and nobody is asked; with it the next thing is a turn.
#[test]
fn without_supply_it_is_not_there() {
    let sends = vec![(Micros::ZERO, Frame::standard(id::ALARMS, &[0; 8]))];
    let drains = vec![Amps(0.1); 16];
    let (mut w, diary) = wished(Wish { sends, drains, ..Wish::default() });
    w.pass(secs(10)).expect("it goes on");
    w.power_battery(false).expect("it goes down");
    let (turns, bled) = (diary.turns().len(), w.ledger().bled);
    while let Some(heard) = w.advance(secs(20)).expect("it is not asked") {
        let Heard::Frame(frame) = heard else { panic!("{heard:?}") };
        assert_ne!(frame.id(), CanId::Standard(id::ALARMS));
    }
    let charged = w.ledger().charged;
    assert_eq!((diary.turns().len(), w.ledger().bled), (turns, bled));
    w.pass(secs(30)).expect("it is not asked");
    assert_eq!(w.ledger().charged, charged, "the contactor is open");
    w.power_battery(true).expect("it comes up");
    w.pass(secs(31)).expect("it goes on");
    assert_eq!((diary.turns().len(), diary.turns()[turns].at), (turns + 2, secs(30)));
    assert!(!diary.turns()[turns].closed && diary.last().closed, "25 ms later");
    assert_eq!(w.end(), Ok(Some("2".to_owned())), "what it kept");
}

/// Whatever it does wrong, the world says what, and stands still.
#[rstest]
#[case(Wish { dies: secs(5), ..Wish::default() }, "it exited with code 3; expected an answer")]
#[case(Wish { every: Micros::ZERO, ..Wish::default() }, "it asked at 0:00:00 for its next turn at 0:00:00, expected a later time")]
#[case(Wish { drains: vec![Amps::ZERO; 15], ..Wish::default() }, "it gave 15 balancing currents, expected one for each of the 16 cells, or none at all")]
#[case(Wish { drains: [vec![Amps::ZERO; 15], vec![Amps(f64::NAN)]].concat(), ..Wish::default() }, "it drains cell 16 with NaN A, expected a finite current")]
fn what_it_does_wrong_is_said(#[case] wish: Wish, #[case] says: &str) {
    let dies = if wish.dies < Micros::NEVER { wish.dies } else { Micros::ZERO };
    let made = Made(wish, Diary::default());
    let fails = |world: Result<World, ManagementError>| match world {
        Ok(mut world) => {
            let error = world.pass(secs(60)).expect_err("it fails");
            assert_eq!(world.pass(secs(60)), Err(error.clone()), "and it does again");
            (world.now(), error)
        }
        Err(error) => (Micros::ZERO, error),
    };
    let (at, error) = fails(world(&made, 60.0));
    assert_eq!((at, error.to_string().as_str()), (dies, says));
}

/// Frames that are garbled, silenced or late on the bus are so whoever sends them.
#[test]
fn the_bus_treats_its_frames_as_those_of_a_model() {
    let sends = vec![(Micros::from_millis(1), Frame::standard(id::LIMITS, &[1; 8]))];
    let (mut w, _) = wished(Wish { sends, ..Wish::default() });
    inject(&mut w, FaultKind::Garble { id: Id(id::LIMITS) }, 10);
    let mut garbled = 0;
    while let Some(Heard::Frame(frame)) = w.advance(secs(9)).expect("it goes on") {
        garbled += usize::from(frame.id() == CanId::Standard(id::LIMITS) && frame.data() != [1; 8]);
    }
    assert_eq!(garbled, 9);
}
