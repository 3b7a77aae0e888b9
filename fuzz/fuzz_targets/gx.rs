//! Any bytes as what a GX answers, and as what a client asks the one that we serve.

#![no_main]

use std::sync::LazyLock;

use evidence::samples_csv;
use libfuzzer_sys::fuzz_target;
use plant::world::World;
use proto::gx::{Answers, BLOCKS, Block, REGISTERS, Register};
use proto::quantity::{Micros, Percent, Watts};
use proto::stimulus::Start;
use sim::Simulation;

/// Each block with the cells that the bytes hold of it: fewer than were asked for, all, or more.
fn answered(bytes: &[u8]) {
    let mut rest = bytes;
    let mut blocks = Vec::new();
    for block in BLOCKS {
        let Some((&more, after)) = rest.split_first() else { break };
        let asked = usize::from(block.count);
        let count =
            if more < 16 { asked.saturating_sub(usize::from(more)) } else { asked + usize::from(more) % 3 };
        let (cells, after) = after.split_at(after.len().min(2 * count));
        let cells: Vec<u16> = cells.chunks_exact(2).map(|c| u16::from_be_bytes([c[0], c[1]])).collect();
        blocks.push((block.first, cells));
        rest = after;
    }
    let answers: Vec<(u16, &[u16])> = blocks.iter().map(|(first, cells)| (*first, &cells[..])).collect();
    let said = Answers::of(&answers).samples();
    let mut row = Vec::new();
    samples_csv::row(&mut row, Micros::ZERO, 0, &said);
    let row = std::str::from_utf8(&row).expect("a row is text").trim_end_matches('\n');
    assert!(row.bytes().all(|b| (0x20..0x7F).contains(&b) && b != b'"'), "{row:?}");
    assert!(row.split(',').all(|cell| !cell.starts_with(['=', '@', '+'])), "no formula: {row:?}");
    assert_eq!(samples_csv::parse(said.from(), row), Ok((Micros::ZERO, 0, said)));
    for (first, cells) in &blocks {
        for register in REGISTERS {
            holds(register, *first, cells);
        }
    }
}

/// A value that was read is what its cells hold again when it is written.
fn holds(register: &Register, first: u16, cells: &[u16]) {
    let Some(value) = register.read(first, cells) else { return };
    assert!(value.is_finite(), "{}", register.label);
    let mut again = vec![0; cells.len()];
    assert!(register.write(value, first, &mut again));
    assert_eq!(register.read(first, &again), Some(value), "{}", register.label);
    if let Ok(setting) = register.setting(value) {
        assert_eq!(register.read(register.address, &setting), Some(value), "{}", register.label);
    }
}

const START: Start = Start {
    soc: Percent(50.0),
    grid: true,
    feed_in: true,
    pv: Watts(1000.0),
    ac_pv: Watts::ZERO,
    ac_load: Watts(500.0),
    imbalance: Percent::ZERO,
    input_current_limit: None,
};

static SIMULATION: LazyLock<Simulation> = LazyLock::new(|| {
    let rig = include_str!("../../rigs/simulated.yaml");
    let rig = files::RigFile::parse("simulated.yaml", rig).expect("it is shipped");
    let battery = include_str!("../../rigs/batteries/reference.yaml");
    let battery = files::BatteryFile::parse("reference.yaml", battery).expect("it is shipped");
    Simulation::of(&rig, &battery).expect("both are sound").expect("both are simulated")
});

/// A world in which the GX knows the battery.
fn world() -> World {
    let mut world = SIMULATION.world(&START, 1).expect("a model starts");
    world.pass(Micros::from_secs(5)).expect("a model goes on");
    world
}

/// What a client asks: every answer has as many cells as were asked for, and what is written takes nothing down.
fn asked(bytes: &[u8]) {
    let mut world = world();
    for ask in bytes.chunks_exact(7).take(64) {
        let &[unit, function, a, b, c, d, writes] = ask else { return };
        let (address, count) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        if writes & 1 == 0 {
            if let Some(Ok(cells)) = world.modbus_read(unit, function, address, count) {
                assert_eq!(cells.len(), usize::from(count));
                assert!(Block::run_of(address, count).is_some(), "{count} cells from {address}");
            }
        } else {
            let _ = world.modbus_write(unit, function, address, &[count; 130][..usize::from(writes >> 1)]);
        }
    }
    let until = Micros(world.now().0 + 2_000_000);
    world.pass(until).expect("a model goes on");
}

fuzz_target!(|bytes: &[u8]| {
    answered(bytes);
    asked(bytes);
});
