//! The driver against a served GX, straight and through a wire that spoils answers. Waits have an end: what is waited
//! for is a thread of the same process.

mod desk;
mod faulty;
pub(crate) mod recorded;

use std::net::Ipv4Addr;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use proto::channel::{Block, Channel, Source};
use proto::gx::{battery, ess, solar, system};
use rstest::rstest;

use super::*;
use crate::can::RunClock;
use desk::Desk;
use faulty::{Faulty, Mode};
use sim::served::Served;
use sim::served::gx::on_tcp;

const LONG: Duration = Duration::from_secs(20);

/// A driver, the GX that it reads, and what it tells.
struct Bench {
    port: GxPort,
    desk: Arc<Mutex<Desk>>,
    events: Receiver<Timed>,
    served: Option<Served<std::net::SocketAddr>>,
}

fn settings(address: String) -> GxSettings {
    GxSettings {
        address,
        units: UnitIds { inverter: Some(227), solar: Some(229), grid: Some(30), ..UnitIds::default() },
        period: Micros::from_millis(50),
        within: Micros::from_millis(500),
    }
}

impl Bench {
    fn start() -> Self {
        Self::through(|address| address.to_string())
    }

    fn through(way: impl FnOnce(std::net::SocketAddr) -> String) -> Self {
        let desk = Arc::new(Mutex::new(Desk::new()));
        let served = on_tcp(desk.clone(), (Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let (sender, events) = sync_channel(1024);
        let port = GxPort::open(&settings(way(served.address())), RunClock::start(), sender).expect("opened");
        Self { port, desk, events, served: Some(served) }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().expect("nobody panicked")
    }

    /// The next event that is no poll.
    fn told(&self) -> GxEvent {
        self.find(|event| !matches!(event, GxEvent::Poll(_) | GxEvent::Slow { .. }))
    }

    /// What a poll reads that begins after now.
    fn poll(&self) -> Poll {
        while self.events.try_recv().is_ok() {}
        let _under_way = self.find(|event| matches!(event, GxEvent::Poll(_)));
        match self.find(|event| matches!(event, GxEvent::Poll(_))) {
            GxEvent::Poll(poll) => *poll,
            other => panic!("{other}"),
        }
    }

    fn find(&self, wanted: impl Fn(&GxEvent) -> bool) -> GxEvent {
        loop {
            let timed = self.events.recv_timeout(LONG).expect("it goes on");
            assert_eq!(timed.dropped, 0);
            if wanted(&timed.event) {
                return timed.event;
            }
        }
    }
}

fn tells(poll: &Poll, block: Block) -> bool {
    poll.said.tells(Source::Gx(block))
}

#[test]
fn a_poll_reads_every_block_at_a_steady_rate() {
    let bench = Bench::start();
    bench.desk().set(battery::CVL, 58.4);
    bench.desk().set(solar::PV_POWER_32, 7000.0);
    let first = bench.poll();
    assert_eq!(first.said.number(Channel::GxCvl), Some(58.4));
    assert_eq!(first.said.number(Channel::PvPower), Some(7000.0));
    assert!(tells(&first, Block::Inverter) && tells(&first, Block::System));
    assert_eq!(first.answers.iter().map(|a| a.block).collect::<Vec<_>>(), proto::gx::BLOCKS);
    assert!(first.answers.windows(2).all(|pair| pair[0].at <= pair[1].at));
    let times: Vec<Micros> = std::iter::repeat_with(|| bench.poll().answers[0].at).take(5).collect();
    for pair in times.windows(2) {
        // On the beat: other processes may delay one, and then one is left out.
        assert!(pair[1].since(pair[0]) >= Micros::from_millis(60), "{times:?}");
    }
}

#[test]
fn the_battery_is_lost_and_the_gx_is_not() {
    let bench = Bench::start();
    assert!(tells(&bench.poll(), Block::Battery));
    bench.desk().remove(225);
    let gone = bench.told();
    assert!(matches!(gone, GxEvent::Absent { product: Product::Battery, .. }), "{gone}");
    assert_eq!(
        gone.to_string(),
        "the GX is there, but has no battery: reading registers 256 to 326 of unit 225: exception 10: the product is \
         not there, or the unit id is wrong; is it connected and on, and does the rig file name the unit id that the \
         GX lists?"
    );
    let poll = bench.poll();
    assert!(!tells(&poll, Block::Battery) && tells(&poll, Block::System));
    bench.desk().restore(225, 2);
    let back = bench.told();
    assert!(matches!(back, GxEvent::Present { product: Product::Battery }), "{back}");
}

/// The first one or two reads after a product came back still give exception 10: nothing is lost by that.
#[rstest]
#[case(1)]
#[case(2)]
fn a_read_that_misses_a_product_is_repeated(#[case] misses: u8) {
    let bench = Bench::start();
    assert!(tells(&bench.poll(), Block::Battery));
    bench.desk().restore(225, misses);
    assert!(tells(&bench.poll(), Block::Battery));
    let harmless = |event: &GxEvent| matches!(event, GxEvent::Poll(_) | GxEvent::Slow { .. });
    assert!(bench.events.try_iter().all(|timed| harmless(&timed.event)));
}

#[test]
fn registers_that_are_not_mapped_leave_the_rest() {
    let bench = Bench::start();
    // One that every GX has, of those that tell which cell is the lowest.
    bench.desk().unmap(1308);
    let poll = bench.poll();
    assert_eq!(poll.said.get(Channel::GxMinCellId), None);
    assert!(poll.said.get(Channel::GxMaxCellId).is_some() && tells(&poll, Block::Inverter));
    let lacks: Vec<_> =
        poll.answers.iter().filter(|a| a.is_lacking()).map(|a| (a.block.first, a.block.count)).collect();
    assert_eq!(lacks, [(1306, 4)], "what lies in none of its gaps is read");
    assert!(bench.events.try_iter().all(|timed| !matches!(timed.event, GxEvent::Absent { .. })));
}

/// Firmware of before 2021: no 32 bits of the system (902 to 913), of the solar charger (792), none of 2026. Blocks that
/// grew are read in pieces, found once.
#[test]
fn an_old_gx_is_read_in_runs() {
    let bench = Bench::start();
    for cell in (902..=913).chain(792..=793).chain(327..=329).chain(2716..=2717) {
        bench.desk().unmap(cell);
    }
    bench.desk().set(system::GRID_L1, -1200.0);
    bench.desk().set(solar::PV_POWER, 446.4);
    bench.desk().set(battery::CVL, 56.0);
    let poll = bench.poll();
    for (channel, is) in [
        (Channel::GridPower, -1200.0),
        (Channel::PvPower, 446.4),
        (Channel::GxCvl, 56.0),
        (Channel::FeedIn, 0.0),
    ] {
        assert_eq!(poll.said.number(channel), Some(is), "{channel:?}");
    }
    assert_eq!(poll.absent().count(), 0);
    let asked = bench.desk().reads;
    let _ = bench.poll();
    let once = bench.desk().reads - asked;
    assert!(once <= 3 * 30, "the pieces are remembered: {once} requests for two or three polls");
}

/// In external control (mode 3) the power falls back when it is not told again; what was found is told once.
#[test]
fn what_fades_is_told_again_until_it_is_put_back() {
    use proto::gx::inverter::SETPOINT;
    let bench = Bench::start();
    bench.desk().falls_back = Some((37, Duration::from_millis(600)));
    assert_eq!(bench.port.write_raw(37, 1500).expect("taken"), 1500);
    for _ in 0..15 {
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(bench.port.held(SETPOINT).expect("it answers"), [1500]);
    }
    assert_eq!(bench.port.put_back(SETPOINT, vec![7]).expect("taken"), [7]);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(bench.port.held(SETPOINT).expect("it answers"), [0], "nobody tells it any more");
}

#[rstest]
#[case::taken(ess::USER_CHARGE_CURRENT, 40.0, 40.0)]
#[case::refused(ess::FEED_IN_EXCESS, 7.0, 0.0)]
#[case::relay(system::RELAY_1, 1.0, 1.0)]
#[case::two_cells(proto::gx::inverter::SETPOINT_32, -70_000.0, -70_000.0)]
fn a_write_gives_what_the_gx_holds(
    #[case] register: proto::gx::Register,
    #[case] value: f64,
    #[case] held: f64,
) {
    let bench = Bench::start();
    bench.desk().refuse(2707);
    let read = bench.port.write(register, value).expect("acknowledged");
    assert!((read - held).abs() < 1e-9, "{read}");
}

/// A limit of the inverter/charger goes through the GX and takes its time. Polls do not wait for it.
#[test]
fn a_write_that_is_applied_late_is_not_called_refused() {
    let bench = Bench::start();
    bench.desk().write_delay = Duration::from_millis(1500);
    std::thread::scope(|scope| {
        let write = scope.spawn(|| bench.port.write(proto::gx::inverter::INPUT_CURRENT_LIMIT, 16.0));
        let began = std::time::Instant::now();
        for _ in 0..4 {
            assert!(tells(&bench.poll(), Block::Inverter));
        }
        assert!(began.elapsed() < Duration::from_millis(1400), "it is polled meanwhile");
        assert!(!write.is_finished());
        let held = write.join().expect("no panic").expect("acknowledged");
        assert!((held - 16.0).abs() < 1e-9, "{held}");
    });
}

#[test]
fn what_cannot_be_written() {
    let bench = Bench::start();
    let refused = |error: Result<f64, GxError>| error.expect_err("refused").to_string();
    assert!(refused(bench.port.write(battery::CVL, 56.0)).contains("is read-only; nothing was written"));
    bench.desk().unmap(2700);
    assert!(
        refused(bench.port.write(ess::GRID_SETPOINT, 50.0))
            .ends_with("is writing enabled on the GX (Settings, Integrations, Modbus TCP server)?")
    );
    assert!(matches!(bench.port.write_raw(4711, 1), Err(GxError::UnknownRegister(4711))));
    assert!(matches!(bench.port.write_raw(96, 1), Err(GxError::UnknownRegister(96))));
    assert_eq!(bench.port.write_raw(2901, 150).expect("taken"), 150);
}

#[rstest]
#[case::silence(Mode::Swallow, "reading registers 256 to 326 of unit 225 was not answered within 500 ms")]
#[case::slowness(Mode::Slow(Duration::from_millis(1200)), "was not answered within 500 ms")]
#[case::a_reset(Mode::Reset, "the connection was ")]
#[case::the_end_of_the_connection(Mode::Close, "the connection was closed instead of an answer to reading")]
#[case::an_end_amid_the_answer(Mode::MidAnswer, "the connection was closed instead of an answer")]
#[case::another_unit(Mode::OtherUnit, "it belongs to another request")]
#[case::unit_0(Mode::UnitZero, "unit_id: 0 }")]
#[case::another_transaction(Mode::OtherTransaction, "it belongs to another request")]
#[case::another_function(Mode::OtherFunction, "it is one to another function")]
#[case::fewer_registers(Mode::Fewer, "70 registers instead of 71")]
#[case::words(Mode::Words, "does something else than Modbus-TCP listen there")]
fn a_bad_answer_is_told_and_survived(#[case] mode: Mode, #[case] says: &str) {
    let wire = Faulty::start();
    let bench = Bench::through(|gx| wire.to(gx));
    assert!(tells(&bench.poll(), Block::Battery));
    // Twice, so that the second is met while it is lost.
    wire.spoil(mode, 2);
    let lost = bench.told();
    assert!(matches!(&lost, GxEvent::Lost(why) if !why.is_refusal()), "{lost}");
    assert!(lost.to_string().contains(says), "{lost}");
    let back = bench.told();
    assert!(matches!(back, GxEvent::Back { after } if after >= Micros::from_millis(50)), "{back}");
    assert!(tells(&bench.poll(), Block::Battery));
    assert_eq!(wire.left(), 0);
}

/// Exceptions that a GX never gives, but gateways do: now and then nothing is lost by one, for long it is told by its name.
#[rstest]
#[case(4, "the device failed")]
#[case(6, "the device is busy")]
#[case(11, "the device behind a gateway does not answer")]
fn an_exception_of_a_gateway_is_told_by_its_name(#[case] code: u8, #[case] says: &str) {
    let wire = Faulty::start();
    let bench = Bench::through(|gx| wire.to(gx));
    assert!(tells(&bench.poll(), Block::Battery));
    for _ in 0..4 {
        wire.spoil(Mode::Exception(code), 1);
        assert!(tells(&bench.poll(), Block::Battery), "exception {code}");
    }
    wire.spoil(Mode::Exception(code), 1);
    bench.port.write(system::RELAY_2, 1.0).expect("told again");
    let harmless = |event: &GxEvent| matches!(event, GxEvent::Poll(_) | GxEvent::Slow { .. });
    assert!(bench.events.try_iter().all(|timed| harmless(&timed.event)));
    wire.spoil(Mode::Exception(code), 500);
    let gone = bench.told().to_string();
    assert!(gone.contains(&format!("exception {code}: {says}")), "{gone}");
}

/// A gateway that passes no more than so many registers refuses a longer block with exception 3: it is read in pieces, and
/// nothing is missing.
#[test]
fn a_gateway_that_passes_few_registers_is_read_in_runs() {
    let bench = Bench::start();
    bench.desk().most = 16;
    bench.desk().set(battery::CVL, 56.0);
    bench.desk().set(solar::PV_POWER_32, 7000.0);
    let poll = bench.poll();
    assert_eq!(poll.said.number(Channel::GxCvl), Some(56.0));
    assert_eq!(poll.said.number(Channel::PvPower), Some(7000.0));
    assert!(poll.answers.iter().all(|answer| answer.cells.is_ok()), "{:?}", poll.answers);
}

/// A gateway that sends each byte by itself.
#[test]
fn an_answer_in_single_bytes_is_put_together() {
    let wire = Faulty::start();
    let bench = Bench::through(|gx| wire.to(gx));
    bench.desk().set(battery::CVL, 57.6);
    wire.spoil(Mode::Bytewise, 20);
    assert_eq!(bench.poll().said.number(Channel::GxCvl), Some(57.6));
    assert!(bench.events.try_iter().all(|timed| !matches!(timed.event, GxEvent::Lost(_))));
}

/// Venus OS answers for the system as unit 0 and as unit 100: what the rig file says is asked, and that unit must answer.
#[test]
fn the_system_is_the_unit_that_the_rig_file_says() {
    let desk = Arc::new(Mutex::new(Desk::new()));
    desk.lock().expect("nobody panicked").restore(0, 0);
    let served = on_tcp(desk, (Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
    for unit in [0, 100] {
        let mut settings = settings(served.address().to_string());
        settings.units.system = Some(unit);
        let (sender, events) = sync_channel::<Timed>(64);
        let port = GxPort::open(&settings, RunClock::start(), sender).expect("opened");
        let poll = events.recv_timeout(LONG).expect("an event").event;
        let GxEvent::Poll(poll) = poll else { panic!("{poll}") };
        let of_system = poll.answers.iter().filter(|answer| answer.block.product == Product::System);
        assert!(
            of_system.clone().count() > 0 && of_system.clone().all(|a| a.unit == unit && a.cells.is_ok())
        );
        assert!((port.write(system::RELAY_1, 1.0).expect("taken") - 1.0).abs() < 1e-9, "unit {unit}");
    }
}

#[test]
fn a_gx_that_restarts_is_found_again() {
    let mut bench = Bench::start();
    assert!(tells(&bench.poll(), Block::Battery));
    let address = bench.served.take().expect("served").address();
    let lost = bench.told();
    assert!(matches!(lost, GxEvent::Lost(_)), "{lost}");
    let refused = bench.port.write(system::RELAY_1, 1.0).expect_err("nobody there").to_string();
    assert!(refused.contains("no connection (Connection refused"), "{refused}");
    bench.served = Some(on_tcp(bench.desk.clone(), address).expect("the same port"));
    assert!(matches!(bench.told(), GxEvent::Back { .. }));
    assert!(tells(&bench.poll(), Block::Battery));
}

#[test]
fn a_write_whose_answer_is_lost_is_uncertain() {
    let wire = Faulty::start();
    let bench = Bench::through(|gx| wire.to(gx));
    assert!(tells(&bench.poll(), Block::Battery));
    // Once is not much: it is said again, which sets the same.
    wire.spoil(Mode::SwallowWrites, 1);
    assert!((bench.port.write(system::RELAY_2, 1.0).expect("the second time") - 1.0).abs() < 1e-9);
    wire.spoil(Mode::SwallowWrites, 2);
    let error = bench.port.write(system::RELAY_1, 1.0).expect_err("not acknowledged").to_string();
    assert!(error.contains("writing register 806 of unit 100 was not answered within 500 ms"), "{error}");
    assert!(error.ends_with("Whether the value was taken is not known"), "{error}");
    assert!(matches!(bench.told(), GxEvent::Lost(_)));
    assert!(matches!(bench.told(), GxEvent::Back { .. }));
}

/// One reset of the connection, one doubled answer (what comes next belongs to another request), one end of it: a write that
/// sets the same when it is said twice goes on, and nothing is called lost.
#[rstest]
#[case(Mode::Reset)]
#[case(Mode::Close)]
#[case(Mode::Doubled)]
fn one_bad_answer_to_a_write_ends_nothing(#[case] mode: Mode) {
    let wire = Faulty::start();
    let bench = Bench::through(|gx| wire.to(gx));
    assert!(tells(&bench.poll(), Block::Battery));
    for limit in [16.0, 25.0, 32.0] {
        wire.spoil(mode, 1);
        let held = bench.port.write(proto::gx::inverter::INPUT_CURRENT_LIMIT, limit).expect("taken");
        assert!((held - limit).abs() < 1e-9, "{held}");
    }
}

#[test]
fn a_coil_of_another_device() {
    let bench = Bench::start();
    let board = faulty::relay_board();
    let coil = Coil { address: board.to_string(), unit: 1, coil: 3 };
    assert!(bench.port.switch(&coil, true).expect("switched"));
    assert!(!bench.port.switch(&coil, false).expect("switched"));
    let stuck = Coil { coil: 7, ..coil };
    assert!(!bench.port.switch(&stuck, true).expect("acknowledged"), "what it is, not what was asked for");
}

#[rstest]
#[case("127.0.0.1:1", "127.0.0.1:1: no connection (Connection refused")]
#[case("no-such-host.invalid", "no-such-host.invalid: no such host")]
fn an_address_without_a_gx(#[case] address: &str, #[case] says: &str) {
    let (sender, events) = sync_channel::<Timed>(8);
    let mut settings = settings(address.to_owned());
    settings.within = Micros::from_secs(10);
    let _port = GxPort::open(&settings, RunClock::start(), sender).expect("it may come");
    let told = events.recv_timeout(LONG).expect("an event").event;
    assert!(matches!(told, GxEvent::Lost(_)) && told.to_string().contains(says), "{told}");
}

#[test]
fn nobody_who_reads_slowly_is_waited_for() {
    let desk = Arc::new(Mutex::new(Desk::new()));
    let served = on_tcp(desk, (Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
    let (sender, events) = sync_channel::<Timed>(1);
    let settings = settings(served.address().to_string());
    let port = GxPort::open(&settings, RunClock::start(), sender).expect("opened");
    for _ in 0..3 {
        port.write(system::RELAY_2, 1.0).expect("taken, though the channel is full");
    }
    assert_eq!(events.recv_timeout(LONG).expect("the first").dropped, 0);
    assert!(events.recv_timeout(LONG).expect("the next").dropped > 0);
}
