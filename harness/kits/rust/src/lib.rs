//! A battery management system in Rust as a battery of Busbar: the protocol `busbar-bms/1` of `docs/program.md`.
//!
//! A firmware implements [`Bms`], and [`run`] speaks the protocol for it. What the sensors of its one module read, and its
//! contactor and balancing, are fields of [`Turn`] and [`Answer`]: `seen.cells`, `answer.contactor`. A battery of several
//! modules side by side (`modules:` of the battery file) says how many it manages, [`Bms::MODULES`], and has them in
//! [`Turn::modules`] and [`Answer::modules`].
//!
//! Time is that of the simulated world: [`Turn::t_us`] counts microseconds since the start of the case, and a turn takes no
//! time. Read no clock and never sleep. Standard output belongs to the protocol: print to standard error.

use std::io::{self, BufRead, Write};
use std::ops::{Deref, DerefMut};
use std::process::ExitCode;

use serde_json::{Value, json};

pub mod wire;

pub use wire::Alarm;

/// Name and version of the protocol.
pub const VERSION: &str = "busbar-bms/1";

/// What a firmware is to the kit.
pub trait Bms {
    /// The most modules side by side that it manages.
    const MODULES: usize = 1;

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
    /// in series, in each module
    pub cells: usize,
    /// side by side, at most [`Bms::MODULES`]
    pub modules: usize,
    /// how full it is to believe that it is, %; nothing after a loss of supply
    pub soc_pct: Option<f64>,
    /// of all that is scattered
    pub seed: u64,
    /// what [`Bms::memory`] said last; null where there is none
    pub memory: Value,
    /// what the battery file declares
    pub declared: Value,
}

/// What the sensors of a module read, V, A and °C.
#[derive(Debug, Clone, Default)]
pub struct Module {
    /// of each cell
    pub cells: Vec<f64>,
    /// of each sensor
    pub temperatures: Vec<f64>,
    /// positive charges
    pub current: f64,
    /// on the battery's side of the contactor
    pub pack: f64,
    /// what the contactor really does
    pub closed: bool,
}

/// What the sensors read, and what was heard since the turn before. The fields of the first module are its own, too.
#[derive(Debug, Clone)]
pub struct Turn {
    /// time since the start of the case
    pub t_us: u64,
    /// one at least
    pub modules: Vec<Module>,
    /// voltage on the side of the bus, V
    pub terminals: f64,
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

/// What is done in a module.
#[derive(Debug, Clone)]
pub struct Switches {
    /// the contactor is to be closed
    pub contactor: bool,
    /// drains each cell, A; empty drains none
    pub balance: Vec<f64>,
}

/// What the battery does until its next turn. Contactors, balancing and the time to that turn stay as they were set. The
/// fields of the first module are its own, too.
#[derive(Debug, Clone)]
pub struct Answer {
    /// one for each module
    pub modules: Vec<Switches>,
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
        Self::of(1)
    }
}

impl Deref for Turn {
    type Target = Module;

    fn deref(&self) -> &Module {
        &self.modules[0]
    }
}

impl Deref for Answer {
    type Target = Switches;

    fn deref(&self) -> &Switches {
        &self.modules[0]
    }
}

impl DerefMut for Answer {
    fn deref_mut(&mut self) -> &mut Switches {
        &mut self.modules[0]
    }
}

impl Answer {
    /// That of a battery of so many modules that is switched on: their contactors are closed.
    #[must_use]
    pub fn of(modules: usize) -> Self {
        let (frames, log, state) = (Vec::new(), Vec::new(), serde_json::Map::new());
        Self {
            modules: vec![Switches { contactor: true, balance: Vec::new() }; modules.max(1)],
            next_us: 1_000_000,
            gap_us: 10_000,
            wake: false,
            frames,
            log,
            state,
        }
    }

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
        let each = |of: fn(&Switches) -> Value| match self.modules.as_slice() {
            [one] => of(one),
            several => several.iter().map(of).collect(),
        };
        json!({
            "frames": (0..).zip(frames).map(frame).collect::<Vec<_>>(),
            "contactor": each(|module| json!(module.contactor)),
            "balance_A": each(|module| json!(module.balance)),
            "next_us": self.next_us, "wake": self.wake,
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
    let count = |key: &str| first[key].as_u64().and_then(|count| usize::try_from(count).ok());
    let modules = count("modules").unwrap_or(1);
    if first["hello"] != VERSION || modules > B::MODULES {
        return Err((69, format!("expected {VERSION} with at most {} modules, found {first}", B::MODULES)));
    }
    let mut hello = Hello {
        cells: count("cells").unwrap_or(0),
        modules,
        soc_pct: first["soc_pct"].as_f64(),
        seed: first["seed"].as_u64().unwrap_or(0),
        memory: first["memory"].clone(),
        declared: first["declared"].clone(),
    };
    let (mut bms, mut answer) = (B::start(&hello), Answer::of(modules));
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
                (bms, answer) = (B::start(&hello), Answer::of(modules));
            }
            tell(&json!({}))?;
        } else {
            bms.turn(&Turn::of(&message, modules), &mut answer);
            tell(&answer.take())?;
        }
    }
    Ok(())
}

impl Module {
    /// The lowest cell, counted from 1, and the highest, each with its voltage.
    #[must_use]
    pub fn extremes(&self) -> ((usize, f64), (usize, f64)) {
        let cells = || (1..).zip(self.cells.iter().copied());
        let by_voltage = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1);
        let none = (0, f64::NAN);
        (cells().min_by(by_voltage).unwrap_or(none), cells().max_by(by_voltage).unwrap_or(none))
    }

    /// What a turn says of it, `of` what stands there for all modules.
    fn read<'a>(of: impl Fn(&str) -> &'a Value) -> Self {
        let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
        let numbers = |value: &Value| list(value).iter().map(number).collect();
        Self {
            cells: numbers(of("cells_V")),
            temperatures: numbers(of("temperatures_C")),
            current: number(of("current_A")),
            pack: number(of("pack_V")),
            closed: *of("closed") == true,
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

impl Turn {
    fn of(message: &Value, modules: usize) -> Self {
        let modules = match modules {
            0 | 1 => vec![Module::read(|key| &message[key])],
            several => (0..several).map(|module| Module::read(|key| &message[key][module])).collect(),
        };
        Self {
            t_us: message["t"].as_u64().unwrap_or(0),
            modules,
            terminals: message["terminal_V"].as_f64().unwrap_or(f64::NAN),
            self_test_failed: message["self_test"] == "failed",
            short_circuit: message["short_circuit"] == true,
            bus: message["bus"].as_str().unwrap_or("ok").to_owned(),
            lost: message["lost"].as_u64().unwrap_or(0),
            frames: list(&message["frames"]).iter().map(Heard::of).collect(),
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
