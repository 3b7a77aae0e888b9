//! A battery management system in Rust as a battery of Busbar: the protocol `busbar-bms/1` of `docs/program.md`.
//!
//! A firmware implements [`Bms`], and [`run`] speaks the protocol for it.
//!
//! Time is that of the simulated world: [`Turn::t_us`] counts microseconds since the start of the case, and a turn takes no
//! time. Read no clock and never sleep. Standard output belongs to the protocol: print to standard error.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

pub mod wire;

pub use wire::Alarm;

/// Name and version of the protocol.
pub const VERSION: &str = "busbar-bms/1";

/// What a firmware is to the kit.
pub trait Bms {
    /// It is switched on: at the start of a case, and after a loss of supply.
    fn start(hello: &Hello) -> Self;

    /// Takes what its sensors read and what came over the bus, and says what it does until its next turn.
    fn turn(&mut self, seen: &Turn, answer: &mut Answer);

    /// What survives a loss of supply and the end of a case: [`Hello::memory`] of the next start.
    fn memory(&self) -> Value {
        Value::Null
    }
}

/// The battery that the firmware finds itself in.
#[derive(Debug, Clone)]
pub struct Hello {
    /// in series
    pub cells: usize,
    /// how full it is to believe that it is, %; nothing after a loss of supply
    pub soc_pct: Option<f64>,
    /// of all that is scattered
    pub seed: u64,
    /// what [`Bms::memory`] said last; null where there is none
    pub memory: Value,
    /// what the battery file declares
    pub declared: Value,
}

/// What the sensors read, V, A and °C, and what was heard since the turn before.
#[derive(Debug, Clone, Default)]
pub struct Turn {
    /// time since the start of the case
    pub t_us: u64,
    /// of each cell
    pub cells: Vec<f64>,
    /// of each sensor
    pub temperatures: Vec<f64>,
    /// positive charges
    pub current: f64,
    /// on the battery's side of the contactor
    pub pack: f64,
    /// on the side of the bus
    pub terminals: f64,
    /// what the contactor really does
    pub closed: bool,
    /// the self-test of the electronics fails
    pub self_test_failed: bool,
    /// the current is beyond what the ammeter can tell
    pub short_circuit: bool,
    /// state of the CAN controller, `ok`
    pub bus: String,
    /// frames that nobody acknowledged
    pub lost: u64,
    /// what other nodes sent
    pub frames: Vec<Heard>,
}

/// A frame of another node.
#[derive(Debug, Clone)]
pub struct Heard {
    /// when it came
    pub t_us: u64,
    /// identifier
    pub id: u32,
    /// 29 bits
    pub extended: bool,
    /// up to 8 bytes
    pub data: Vec<u8>,
}

/// What the battery does until its next turn. Contactor, balancing and the time to that turn stay as they were set.
#[derive(Debug, Clone)]
pub struct Answer {
    /// the contactor is to be closed
    pub contactor: bool,
    /// drains each cell, A; empty drains none
    pub balance: Vec<f64>,
    /// time until the next turn, 1 ms to 60 s
    pub next_us: u64,
    /// time between the frames of a turn; less where the time to the next turn is too short
    pub gap_us: u64,
    /// a frame of the bus brings the next turn forward
    pub wake: bool,
    frames: Vec<(u32, Vec<u8>)>,
    log: Vec<String>,
    state: serde_json::Map<String, Value>,
}

impl Default for Answer {
    fn default() -> Self {
        let (frames, log, state) = (Vec::new(), Vec::new(), serde_json::Map::new());
        Self {
            contactor: true,
            balance: Vec::new(),
            next_us: 1_000_000,
            gap_us: 10_000,
            wake: false,
            frames,
            log,
            state,
        }
    }
}

impl Answer {
    /// Sends a frame: identifier and up to 8 bytes. Frames leave in this order, [`Self::gap_us`] apart.
    pub fn send(&mut self, id: u32, data: &[u8]) {
        self.frames.push((id, data.to_vec()));
    }

    /// A line for the evidence of the case, stamped with the time of the turn.
    pub fn log(&mut self, line: &str) {
        self.log.push(line.to_owned());
    }

    /// A part of the firmware's inner state, drawn beside CVL.
    pub fn state(&mut self, name: &str, value: impl Into<Value>) {
        self.state.insert(name.to_owned(), value.into());
    }

    fn take(&mut self) -> Value {
        let frames = core::mem::take(&mut self.frames);
        let gap = (self.next_us / (frames.len() as u64).max(1)).min(self.gap_us);
        let frame = |(n, (id, data)): (u64, (u32, Vec<u8>))| {
            let data: String = data.iter().map(|byte| format!("{byte:02X}")).collect();
            json!({ "id": id, "ext": id > 0x7FF, "data": data, "after_us": gap * n })
        };
        json!({
            "frames": (0..).zip(frames).map(frame).collect::<Vec<_>>(),
            "contactor": self.contactor, "balance_A": self.balance, "next_us": self.next_us, "wake": self.wake,
            "log": core::mem::take(&mut self.log), "state": core::mem::take(&mut self.state),
        })
    }
}

/// Speaks the protocol until the case is over. `name` is the firmware with its version; with `can_set_soc` it takes
/// [`Hello::soc_pct`] for what the battery holds.
pub fn run<B: Bms>(name: &str, can_set_soc: bool) -> ExitCode {
    match talk::<B>(name, can_set_soc, &mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, what)) => {
            // Where nobody listens there is nobody to tell.
            let _ = writeln!(io::stderr(), "{what}");
            ExitCode::from(code)
        }
    }
}

/// An exit code and the sentence for it.
type Ended = (u8, String);

fn talk<B: Bms>(
    name: &str,
    can_set_soc: bool,
    from: &mut impl BufRead,
    to: &mut impl Write,
) -> Result<(), Ended> {
    let unspoken = |error: io::Error| (1, format!("cannot write to Busbar: {error}"));
    let mut tell = |message: &Value| writeln!(to, "{message}").and_then(|()| to.flush()).map_err(unspoken);
    let mut line = String::new();
    let mut hear = || -> Result<Option<Value>, Ended> {
        line.clear();
        let read =
            from.read_line(&mut line).map_err(|error| (1, format!("cannot read from Busbar: {error}")))?;
        let message = serde_json::from_str(&line).map_err(|error| (1, format!("{error} in `{line}`")));
        if read == 0 { Ok(None) } else { message.map(Some) }
    };
    let first = hear()?.unwrap_or_default();
    if first["hello"] != VERSION || first["modules"].as_u64().is_some_and(|modules| modules != 1) {
        return Err((69, format!("expected {VERSION} with one module, found {first}")));
    }
    let mut hello = Hello {
        cells: first["cells"].as_u64().and_then(|cells| usize::try_from(cells).ok()).unwrap_or(0),
        soc_pct: first["soc_pct"].as_f64(),
        seed: first["seed"].as_u64().unwrap_or(0),
        memory: first["memory"].clone(),
        declared: first["declared"].clone(),
    };
    let (mut bms, mut answer) = (B::start(&hello), Answer::default());
    tell(&json!({ "hello": VERSION, "name": name, "can_set_soc": can_set_soc }))?;
    while let Some(message) = hear()? {
        if let Some(error) = message["error"].as_str() {
            return Err((1, format!("Busbar refuses this program: {error}")));
        } else if !message["bye"].is_null() {
            return tell(&json!({ "memory": bms.memory() }));
        } else if let Some(power) = message["power"].as_str() {
            if power == "on" {
                // Nobody tells a battery that comes back how full it is.
                (hello.memory, hello.soc_pct) = (bms.memory(), None);
                (bms, answer) = (B::start(&hello), Answer::default());
            }
            tell(&json!({}))?;
        } else {
            bms.turn(&Turn::of(&message), &mut answer);
            tell(&answer.take())?;
        }
    }
    Ok(())
}

impl Turn {
    /// The lowest cell, counted from 1, and the highest, each with its voltage.
    #[must_use]
    pub fn extremes(&self) -> ((usize, f64), (usize, f64)) {
        let cells = || (1..).zip(self.cells.iter().copied());
        let by_voltage = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1);
        let none = (0, f64::NAN);
        (cells().min_by(by_voltage).unwrap_or(none), cells().max_by(by_voltage).unwrap_or(none))
    }

    fn of(message: &Value) -> Self {
        let number = |key: &str| message[key].as_f64().unwrap_or(f64::NAN);
        let list = |key: &str| message[key].as_array().map(Vec::as_slice).unwrap_or_default();
        let numbers = |key: &str| list(key).iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect();
        Self {
            t_us: message["t"].as_u64().unwrap_or(0),
            cells: numbers("cells_V"),
            temperatures: numbers("temperatures_C"),
            current: number("current_A"),
            pack: number("pack_V"),
            terminals: number("terminal_V"),
            closed: message["closed"] == true,
            self_test_failed: message["self_test"] == "failed",
            short_circuit: message["short_circuit"] == true,
            bus: message["bus"].as_str().unwrap_or("ok").to_owned(),
            lost: message["lost"].as_u64().unwrap_or(0),
            frames: list("frames").iter().map(Heard::of).collect(),
        }
    }
}

impl Heard {
    fn of(frame: &Value) -> Self {
        let hex = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or(0);
        let data = frame["data"].as_str().unwrap_or_default().as_bytes();
        let byte = |pair: &[u8]| core::str::from_utf8(pair).map_or(0, |text| hex(text) as u8);
        Self {
            t_us: frame["t"].as_u64().unwrap_or(0),
            id: frame["id"].as_str().map(hex).or(frame["id"].as_u64().map(|id| id as u32)).unwrap_or(0),
            extended: frame["ext"] == true,
            data: data.chunks_exact(2).map(byte).collect(),
        }
    }
}
