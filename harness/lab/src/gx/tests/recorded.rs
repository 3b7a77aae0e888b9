//! A GX that answers as one was recorded, by `busbar doctor --record`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::mpsc::sync_channel;

use proto::channel::{Channel, Instrument};
use proto::gx::{BLOCKS, Exception, Product, battery, solar, system};

use super::{Bench, LONG, settings};
use crate::can::RunClock;
use crate::gx::{GxEvent, GxPort, GxSettings, Poll, Timed};
use crate::psu::{Dialogue, Registers, Tape};
use files::live::UnitIds;
use sim::served::gx::on_tcp;

/// What each cell of each unit holds, or the exception that a request with it got.
struct Recorded(BTreeMap<(u8, u16), Result<u16, u8>>);

impl Recorded {
    fn of(requests: &[Registers]) -> Self {
        let cells = |one: &Registers| {
            let said = |nth: u16| match &one.said {
                Ok(cells) => Ok(cells[usize::from(nth)]),
                Err(exception) => Err(*exception),
            };
            (0..one.count).map(|nth| ((one.unit, one.first + nth), said(nth))).collect::<Vec<_>>()
        };
        Self(requests.iter().flat_map(cells).collect())
    }
}

impl sim::served::gx::Registers for Recorded {
    fn read(&mut self, unit: u8, _: u8, first: u16, count: u16) -> Option<Result<Vec<u16>, Exception>> {
        let cells = (0..count).map(|nth| {
            let cell = self.0.get(&(unit, first.checked_add(nth)?))?;
            Some(cell.map_err(|code| Exception::of(code).unwrap_or(Exception::NoProduct)))
        });
        // What nobody asked for then is not known.
        Some(cells.collect::<Option<Result<Vec<u16>, _>>>().unwrap_or(Err(Exception::Address)))
    }

    fn write(&mut self, _: u8, _: u8, _: u16, _: &[u16]) -> Option<Result<(), Exception>> {
        Some(Err(Exception::Address))
    }
}

/// The unit ids of what was read.
fn units(requests: &[Registers]) -> UnitIds {
    let of = |product: Product| {
        let blocks: Vec<_> = BLOCKS.iter().filter(|block| block.product == product).collect();
        let is_of = |one: &&Registers| {
            blocks.iter().any(|block| (block.first..block.first + block.count).contains(&one.first))
        };
        requests.iter().find(is_of).map(|one| one.unit)
    };
    UnitIds {
        battery: of(Product::Battery),
        system: of(Product::System),
        inverter: of(Product::Inverter),
        solar: of(Product::Solar),
        grid: of(Product::Grid),
    }
}

/// The first poll of a GX that answers so.
pub(crate) fn polled(requests: &[Registers]) -> Poll {
    let served = on_tcp(Recorded::of(requests), (Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
    let (sender, events) = sync_channel::<Timed>(64);
    let settings = GxSettings { units: units(requests), ..settings(served.address().to_string()) };
    let port = GxPort::open(&settings, RunClock::start(), sender);
    let _port = port.expect("opened");
    loop {
        if let GxEvent::Poll(poll) = events.recv_timeout(LONG).expect("it answers").event {
            return *poll;
        }
    }
}

/// What was read in each request, for a recording.
fn requests(poll: &Poll) -> Vec<Registers> {
    let of = |answer: &crate::gx::Answer| {
        let (first, count) = (answer.block.first, answer.block.count);
        Registers { unit: answer.unit, first, count, said: answer.cells.clone() }
    };
    poll.answers.iter().map(of).collect()
}

/// One with older firmware and without a solar charger: written down, read, played, and the driver finds what it found.
#[test]
fn a_recorded_gx_plays_again() {
    let bench = Bench::start();
    {
        let mut desk = bench.desk();
        desk.set(battery::CVL, 56.4);
        desk.set(system::GRID_L1, -800.0);
        (902..=913).chain(327..=329).for_each(|cell| desk.unmap(cell));
        desk.set(solar::PV_POWER, 1000.0);
        desk.remove(229);
    }
    let first = bench.poll();
    let tape = Tape::default();
    requests(&first).into_iter().for_each(|request| tape.saw(request));
    let text = tape.told().expect("it was read").to_string();
    let dialogue = Dialogue::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let again = polled(&dialogue.gx);
    for &channel in Instrument::Gx.channels() {
        assert_eq!(again.said.get(channel), first.said.get(channel), "{channel:?}");
    }
    assert_eq!(again.said.number(Channel::GxCvl), Some(56.4));
    assert_eq!(requests(&again), requests(&first), "the same is there, and the same is lacking");
}
