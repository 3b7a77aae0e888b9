//! The lines of `busbar-bms/1`: how Busbar writes its own, and how it reads those of a program.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use plant::management::{Installed, Readings};
use proto::bus::BusState;
use proto::digits;
use proto::frame::{CanId, Frame};
use proto::quantity::{Amps, Micros};
use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, IntoDeserializer as _, SeqAccess, Unexpected, Visitor};
use serde_json::value::RawValue;

/// Name and version of the protocol.
pub(super) const PROTOCOL: &str = "busbar-bms/1";

/// The shortest and the longest time until the next turn, in microseconds.
pub(super) const NEXT: core::ops::RangeInclusive<u64> = 1_000..=60_000_000;

/// The most that drains a cell, A: beyond any balancer.
const STRONGEST: f64 = 50.0;

/// What a program is told first.
pub(super) fn hello(
    out: &mut Vec<u8>,
    declared: &str,
    bit_rate: u32,
    battery: &Installed,
    memory: Option<&str>,
) {
    out.clear();
    let memory = memory.unwrap_or("null");
    // 53 bits are a whole number in every language.
    let (cells, modules, seed, soc) = (battery.cells, battery.modules, battery.seed >> 11, battery.soc.0);
    let line = format!(
        "{{\"hello\":\"{PROTOCOL}\",\"declared\":{declared},\"cells\":{cells},\"modules\":{modules},\
         \"sensors\":[\"cells-cold\",\"cells-hot\"],\"bitrate\":{bit_rate},\"seed\":{seed},\"soc_pct\":{soc:.3},\
         \"memory\":{memory}}}\n"
    );
    out.extend_from_slice(line.as_bytes());
}

/// A turn: what the sensors read, and the frames that came since the last one, as [`frame`] wrote them.
pub(super) fn turn(out: &mut Vec<u8>, at: Micros, seen: &Readings<'_>, frames: &[u8]) {
    out.clear();
    out.extend_from_slice(b"{\"t\":");
    whole(out, at.0);
    let modules = seen.modules.len();
    out.extend_from_slice(b",\"cells_V\":");
    each(out, seen.cells.chunks(seen.cells.len() / modules), |out, cells| {
        list(out, cells, |out, cell| decimal(out, cell.0, 4));
    });
    out.extend_from_slice(b",\"temperatures_C\":");
    each(out, seen.temperatures.chunks(seen.temperatures.len() / modules), |out, sensors| {
        list(out, sensors, |out, sensor| decimal(out, sensor.0, 1));
    });
    out.extend_from_slice(b",\"current_A\":");
    each(out, seen.modules, |out, module| decimal(out, module.current.0, 2));
    out.extend_from_slice(b",\"pack_V\":");
    each(out, seen.modules, |out, module| decimal(out, module.pack.0, 2));
    out.extend_from_slice(b",\"terminal_V\":");
    decimal(out, seen.terminals.0, 2);
    out.extend_from_slice(b",\"closed\":");
    each(out, seen.modules, |out, module| {
        out.extend_from_slice(if module.closed { b"true" } else { b"false" });
    });
    out.extend_from_slice(b",\"bus\":\"");
    out.extend_from_slice(bus(seen.controller).as_bytes());
    out.extend_from_slice(b"\",\"lost\":");
    whole(out, seen.lost.into());
    if seen.electronics.failed {
        out.extend_from_slice(b",\"self_test\":\"failed\"");
    }
    if seen.electronics.short_circuit {
        out.extend_from_slice(b",\"short_circuit\":true");
    }
    out.extend_from_slice(b",\"frames\":[");
    out.extend_from_slice(frames);
    out.extend_from_slice(b"]}\n");
}

/// How a controller takes part in the bus.
const fn bus(state: BusState) -> &'static str {
    match state {
        BusState::ErrorActive => "ok",
        BusState::ErrorWarning => "warning",
        BusState::ErrorPassive => "passive",
        BusState::BusOff => "off",
    }
}

/// A frame of the bus, after those that are there already.
pub(super) fn frame(out: &mut Vec<u8>, at: Micros, frame: &Frame) {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    let digit = |value: u32| DIGITS[value as usize & 15];
    if !out.is_empty() {
        out.push(b',');
    }
    out.extend_from_slice(b"{\"t\":");
    whole(out, at.0);
    out.extend_from_slice(b",\"id\":\"0x");
    let (id, digits) = match frame.id() {
        CanId::Standard(id) => (u32::from(id), 3),
        CanId::Extended(id) => (id, 8),
    };
    out.extend((0..digits).rev().map(|k| digit(id >> (4 * k))));
    out.extend_from_slice(b"\",\"data\":\"");
    out.extend(frame.data().iter().flat_map(|&b| [digit(u32::from(b >> 4)), digit(u32::from(b))]));
    out.push(b'"');
    if matches!(frame.id(), CanId::Extended(_)) {
        out.extend_from_slice(b",\"ext\":true");
    }
    out.push(b'}');
}

/// The supply of a program's electronics is switched.
pub(super) fn power(out: &mut Vec<u8>, at: Micros, on: bool) {
    out.clear();
    let state = if on { "on" } else { "off" };
    out.extend_from_slice(format!("{{\"t\":{},\"power\":\"{state}\"}}\n", at.0).as_bytes());
}

fn list<T>(out: &mut Vec<u8>, values: impl IntoIterator<Item = T>, one: impl Fn(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (k, value) in values.into_iter().enumerate() {
        if k > 0 {
            out.push(b',');
        }
        one(out, value);
    }
    out.push(b']');
}

/// What is known of each module: of one by itself, of several as a list.
fn each<T, I>(out: &mut Vec<u8>, modules: I, one: impl Fn(&mut Vec<u8>, T))
where
    I: IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
{
    let mut modules = modules.into_iter();
    match (modules.len(), modules.next()) {
        (1, Some(only)) => one(out, only),
        (_, first) => list(out, first.into_iter().chain(modules), one),
    }
}

/// A value with so many digits behind the point, 4 at most; what is no number is `null`.
fn decimal(out: &mut Vec<u8>, value: f64, digits: usize) {
    const SCALES: [u32; 5] = [1, 10, 100, 1_000, 10_000];
    let scaled = (value * f64::from(SCALES[digits])).round();
    // Beyond this a double counts no tenths of a millivolt any more, and no battery is.
    if scaled.is_nan() || scaled.abs() > 1e15 {
        out.extend_from_slice(b"null");
        return;
    }
    if scaled < 0.0 {
        out.push(b'-');
    }
    let (scaled, scale) = (scaled.abs() as u64, u64::from(SCALES[digits]));
    whole(out, scaled / scale);
    let mut fraction = scaled % scale;
    if digits > 0 {
        out.push(b'.');
        let start = out.len();
        out.resize(start + digits, b'0');
        for place in out[start..].iter_mut().rev() {
            *place = b'0' + (fraction % 10) as u8;
            fraction /= 10;
        }
    }
}

fn whole(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// What a program answers to `hello`.
#[derive(Debug, Deserialize)]
pub(super) struct Greeting<'a> {
    #[serde(borrow)]
    pub(super) hello: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
    #[serde(default)]
    pub(super) can_set_soc: bool,
}

/// What a program answers to a turn.
#[derive(Debug, Deserialize)]
pub(super) struct Answer<'a> {
    #[serde(default)]
    pub(super) frames: Vec<Sent>,
    pub(super) contactor: Option<Each<bool>>,
    #[serde(default, rename = "balance_A")]
    pub(super) balance: Balance,
    pub(super) next_us: Option<u64>,
    #[serde(default)]
    pub(super) wake: bool,
    #[serde(borrow, default)]
    pub(super) log: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) state: Option<&'a RawValue>,
}

/// What a program answers to `bye`.
#[derive(Debug, Deserialize)]
pub(super) struct Farewell<'a> {
    #[serde(borrow)]
    pub(super) memory: Option<&'a RawValue>,
}

/// A frame that a program sends.
#[derive(Debug, Deserialize)]
pub(super) struct Sent {
    id: Id,
    #[serde(default)]
    ext: bool,
    data: Data,
    #[serde(default)]
    after_us: u64,
}

impl Answer<'_> {
    /// What is wrong with it, in words, in a battery of so many modules of so many cells; else how long until the next turn.
    pub(super) fn check(&self, modules: usize, cells: usize) -> Result<u64, String> {
        let range = "expected 1000 (1 ms) to 60000000 (60 s)";
        let next = self.next_us.ok_or_else(|| format!("`next_us` is missing; {range}"))?;
        if !NEXT.contains(&next) {
            return Err(format!("next_us is {next}; {range}"));
        }
        match self.contactor.as_ref().map(|contactor| contactor.all().len()) {
            Some(said) if said != modules => {
                return Err(format!("contactor says something of {said} modules, there are {modules}"));
            }
            _ => self.balance.check(modules, cells)?,
        }
        let mut before = 0;
        for (k, Sent { after_us, .. }) in self.frames.iter().enumerate() {
            if !(before..next).contains(after_us) {
                return Err(format!(
                    "frames[{k}] has after_us {after_us}; expected {before} to {}, in order and before the next turn",
                    next - 1
                ));
            }
            before = *after_us;
        }
        Ok(next)
    }

    /// Its frames, each with its time after the turn.
    ///
    /// # Errors
    /// In words, for the first that is none.
    pub(super) fn sends(&self) -> impl Iterator<Item = Result<(Micros, Frame), String>> {
        self.frames
            .iter()
            .enumerate()
            .map(|(k, sent)| sent.frame().map_err(|what| format!("frames[{k}] {what}")))
    }
}

/// What is said of each module: of one by itself, of several as a list.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Each<T> {
    One(T),
    All(Vec<T>),
}

impl<T> Each<T> {
    /// Module by module.
    pub(super) fn all(&self) -> &[T] {
        match self {
            Self::One(one) => core::slice::from_ref(one),
            Self::All(all) => all,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Seen<T> {
            type Value = Each<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}, or a list with one for each module", core::any::type_name::<T>())
            }
            fn visit_bool<E: Error>(self, said: bool) -> Result<Each<T>, E> {
                T::deserialize(said.into_deserializer()).map(Each::One)
            }
            fn visit_u64<E: Error>(self, said: u64) -> Result<Each<T>, E> {
                T::deserialize(said.into_deserializer()).map(Each::One)
            }
            fn visit_i64<E: Error>(self, said: i64) -> Result<Each<T>, E> {
                T::deserialize(said.into_deserializer()).map(Each::One)
            }
            fn visit_f64<E: Error>(self, said: f64) -> Result<Each<T>, E> {
                T::deserialize(said.into_deserializer()).map(Each::One)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, said: A) -> Result<Each<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(said)).map(Each::All)
            }
        }
        deserializer.deserialize_any(Seen(PhantomData))
    }
}

/// What drains the cells: a list of one module, or a list of lists.
#[derive(Debug, Default)]
pub(super) struct Balance {
    /// A, of all cells, module by module
    drains: Vec<f64>,
    /// how many each list holds; nothing for a list of one module
    lists: Vec<usize>,
}

impl Balance {
    /// Of each cell, module by module; nothing where none is drained.
    pub(super) fn amps(&self) -> impl Iterator<Item = Amps> {
        self.drains.iter().copied().map(Amps)
    }

    fn check(&self, modules: usize, cells: usize) -> Result<(), String> {
        if self.drains.is_empty() && self.lists.is_empty() {
            return Ok(());
        }
        let (whole, several) = ([self.drains.len()], !self.lists.is_empty());
        let lists = if several { self.lists.as_slice() } else { &whole };
        let name = |list: usize| if several { format!("balance_A[{list}]") } else { "balance_A".to_owned() };
        if lists.len() != modules {
            return Err(format!("balance_A says something of {} modules, there are {modules}", lists.len()));
        }
        if let Some(list) = lists.iter().position(|&length| length != cells) {
            return Err(format!("{} has {} entries, cells {cells}", name(list), lists[list]));
        }
        if let Some(cell) = self.drains.iter().position(|drain| !(0.0..=STRONGEST).contains(drain)) {
            let (of, drain) = (name(cell / cells), self.drains[cell]);
            let cell = cell % cells;
            return Err(format!("{of}[{cell}] is {drain}; expected 0 to {STRONGEST}, which drains"));
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Balance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let said = Vec::<Each<f64>>::deserialize(deserializer)?;
        let mut balance = Self::default();
        for entry in &said {
            balance.drains.extend_from_slice(entry.all());
            if let Each::All(list) = entry {
                balance.lists.push(list.len());
            }
        }
        match balance.lists.len() {
            lists if lists == 0 || lists == said.len() => Ok(balance),
            _ => Err(D::Error::custom("balance_A has numbers beside lists")),
        }
    }
}

impl Sent {
    fn frame(&self) -> Result<(Micros, Frame), String> {
        let Id(id) = self.id;
        let wide = || {
            format!(
                "has id {id:#X}, which is no identifier of 11 bits; expected at most 0x7FF, or `\"ext\":true`"
            )
        };
        let id = if self.ext {
            CanId::Extended(id)
        } else {
            CanId::Standard(u16::try_from(id).map_err(|_| wide())?)
        };
        let frame = Frame::new(id, &self.data.bytes[..self.data.length]);
        let wider = || format!("has id {:#X}, which is no identifier of 29 bits", self.id.0);
        Ok((Micros(self.after_us), frame.ok_or_else(|| if self.ext { wider() } else { wide() })?))
    }
}

/// An identifier: a number, or `"0x351"`.
#[derive(Debug, Clone, Copy)]
struct Id(u32);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;
        impl Visitor<'_> for Seen {
            type Value = Id;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an identifier such as 849 or \"0x351\"")
            }
            fn visit_u64<E: Error>(self, id: u64) -> Result<Id, E> {
                u32::try_from(id).map(Id).map_err(|_| E::invalid_value(Unexpected::Unsigned(id), &self))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Id, E> {
                let id = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
                let id = id.map_or_else(|| text.parse(), |hex| u32::from_str_radix(hex, 16));
                id.map(Id).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Seen)
    }
}

/// Up to 8 bytes, two hexadecimal digits each.
#[derive(Debug, Clone, Copy)]
struct Data {
    bytes: [u8; 8],
    length: usize,
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;
        impl Visitor<'_> for Seen {
            type Value = Data;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("at most 8 bytes of two hexadecimal digits each, such as \"3002780500D00F00\"")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Data, E> {
                let wrong = || E::invalid_value(Unexpected::Str(text), &self);
                let mut data = Data { bytes: [0; 8], length: text.len() / 2 };
                if text.len() % 2 == 1 || data.length > 8 {
                    return Err(wrong());
                }
                for (byte, pair) in data.bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                    *byte = digits::byte(pair[0], pair[1]).ok_or_else(wrong)?;
                }
                Ok(data)
            }
        }
        deserializer.deserialize_str(Seen)
    }
}
