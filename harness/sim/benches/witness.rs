//! What it costs to read the meters beside a battery: bytes of a VE.Direct line, frames of a VE.Can bus. `cargo bench -p sim --bench
//! witness` runs it. The reading alone: what a thread takes to be woken for a port is not in it.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use files::{BatteryFile, RigFile};
use judge::witness::{Reader, Witness};
use proto::channel::Instrument;
use proto::chunk::Chunk;
use proto::nmea2000::BIT_RATE;
use proto::quantity::{Micros, Percent, Watts};
use proto::stimulus::Start;
use proto::vedirect::BAUD;
use sim::Simulation;

const RIG: &str = include_str!("../../../rigs/simulated.yaml");
const REFERENCE: &str = include_str!("../../../rigs/batteries/reference.yaml");
/// How often each figure is taken; the middle one counts.
const TAKES: usize = 5;
/// Seconds of what a meter says.
const SECONDS: u64 = 3600;
const PORTS: f64 = 10.0;
/// Start, eight bits, stop.
const BITS_OF_BYTE: f64 = 10.0;
/// A frame with 29 bits of identifier and eight bytes, without stuffing, and the space behind it.
const BITS_OF_FRAME: f64 = 131.0;

fn main() {
    let line = said("ve-direct");
    let per_byte = cost(&line) / line.bytes() as f64;
    let most = f64::from(BAUD) / BITS_OF_BYTE;
    say("a byte of VE.Direct with ten HEX frames a second", per_byte * 1e9, "ns");
    say("ten such lines without a pause between bytes", 100.0 * PORTS * most * per_byte, "% of a core");
    let bus = said("nmea2000");
    let frames = bus.frames() as f64;
    let per_frame = cost(&bus) / frames;
    let most = BIT_RATE.0 * 1000.0 / BITS_OF_FRAME;
    say("a frame of VE.Can, as SLCAN writes it", per_frame * 1e9, "ns");
    say(&format!("a bus that is full, {most:.0} frames a second"), 100.0 * most * per_frame, "% of a core");
}

fn say(what: &str, figure: f64, unit: &str) {
    writeln!(std::io::stdout(), "{what:<56} {figure:>12.3} {unit}").expect("standard output takes a line");
}

/// What a meter said, and how it is read.
struct Said {
    witness: Witness,
    chunks: Vec<(Micros, Chunk)>,
}

impl Said {
    fn bytes(&self) -> usize {
        self.chunks.iter().map(|(_, chunk)| chunk.bytes().len()).sum()
    }

    /// Lines end with a CR.
    fn frames(&self) -> usize {
        self.chunks.iter().flat_map(|(_, chunk)| chunk.bytes()).filter(|&&byte| byte == b'\r').count()
    }
}

fn said(protocol: &str) -> Said {
    let plays = "\n  witnesses: { battery: { hex: 10 } }\n  solar:\n    maximum-current";
    let rig = RIG.replacen("\n  solar:\n    maximum-current", plays, 1);
    let rig = format!("{rig}\nwitnesses:\n  - {{ name: Shunt, measures: battery, protocol: {protocol} }}\n");
    let rig = RigFile::parse("rig", &rig).expect("a good rig file");
    let battery = BatteryFile::parse("reference", REFERENCE).expect("a good battery file");
    let simulation = Simulation::of(&rig, &battery).expect("sound files").expect("both are simulated");
    let start = Start {
        soc: Percent(50.0),
        grid: false,
        feed_in: true,
        pv: Watts::ZERO,
        ac_pv: Watts::ZERO,
        ac_load: Watts(1000.0),
        imbalance: Percent::ZERO,
        input_current_limit: None,
    };
    let mut world = simulation.world(&start, 1).expect("a model starts");
    let mut chunks = Vec::new();
    for second in 1..=SECONDS {
        let at = Micros::from_secs(second);
        while world.advance(at).expect("a model goes on").is_some() {}
        let bytes = world.witness(Instrument::Shunt);
        chunks.extend(Chunk::all(Instrument::Shunt, &bytes).map(|chunk| (at, chunk)));
    }
    let witness = rig.witnesses().remove(0);
    Said { witness, chunks }
}

/// The processor time to read it all, s.
fn cost(said: &Said) -> f64 {
    let mut figures: Vec<f64> = (0..TAKES)
        .map(|_| {
            let mut reader = Reader::new(said.witness.clone());
            let (began, mut told) = (Instant::now(), 0_usize);
            for (at, chunk) in &said.chunks {
                reader.hear(*at, chunk, |samples| {
                    black_box(samples);
                    told += 1;
                });
            }
            let took = began.elapsed().as_secs_f64();
            let counters = reader.counters();
            assert!(
                told as u64 > SECONDS / 3 && counters.bad_blocks == 0,
                "it was read: {told}, {counters:?}"
            );
            took
        })
        .collect();
    figures.sort_by(f64::total_cmp);
    figures[TAKES / 2]
}
