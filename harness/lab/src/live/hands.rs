//! What is switched and set over Modbus, each read back; and what was there before, put back.
//!
//! A register is read before it is written for the first time, and what it held is told to the guard before anything is
//! written: a GX is left as it was found whatever dies. Relays that are switches of the rig are not put back but at rest:
//! loads off, mains connected.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::gx::{Register, ess, system};

use crate::gx::{Coil, GxPort, writable};
use files::live::Switch;

/// One thing to switch or set.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Move {
    Switch(Switch, bool),
    /// a register to a value in its unit
    Set(Register, f64),
    /// a register, by its address, to a raw value
    Write(u16, u16),
}

/// Is told what a register held, or shall hold at rest, before it is written for the first time.
pub(super) type Keeper = Box<dyn Fn(Register, &[u16]) + Send>;

/// Registers that were written, with what they held before, in order. It outlives a case: what could not be put back at
/// its end is not taken for what was found by the next one.
pub(super) type Found = Arc<Mutex<Vec<(Register, Vec<u16>)>>>;

/// Whatever switches.
pub(super) struct Hands {
    gx: GxPort,
    keeper: Keeper,
    found: Found,
    /// relays that were switched
    relays: Vec<Register>,
}

/// What a relay of the rig holds at rest.
const AT_REST: [u16; 1] = [0];

impl Hands {
    pub(super) fn new(gx: GxPort, keeper: Keeper, found: Found) -> Self {
        Self { gx, keeper, found, relays: Vec::new() }
    }

    fn found(&self) -> MutexGuard<'_, Vec<(Register, Vec<u16>)>> {
        // A list is whole between two calls.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does one after the other. The first that fails ends it.
    pub(super) fn do_all(&mut self, moves: &[Move]) -> Result<(), String> {
        moves.iter().try_for_each(|step| self.do_one(step))
    }

    fn do_one(&mut self, step: &Move) -> Result<(), String> {
        match step {
            Move::Switch(Switch::GxRelay(number), on) => {
                let relay = if *number == 2 { system::RELAY_2 } else { system::RELAY_1 };
                if !self.relays.contains(&relay) {
                    (self.keeper)(relay, &AT_REST);
                    self.relays.push(relay);
                }
                self.set(
                    relay,
                    f64::from(u8::from(*on)),
                    "; is the function of this relay set to Manual on the GX?",
                )
            }
            Move::Switch(Switch::Coil { address, unit, number }, on) => {
                let coil = Coil { address: address.clone(), unit: *unit, coil: *number };
                let is = self.gx.switch(&coil, *on).map_err(|error| error.to_string())?;
                let word = |on| if on { "on" } else { "off" };
                if is == *on {
                    return Ok(());
                }
                Err(format!(
                    "coil {number} of {address} was switched {} and reads back {}",
                    word(*on),
                    word(is)
                ))
            }
            Move::Set(register, value) => {
                self.remember(*register)?;
                self.set(*register, *value, "")
            }
            Move::Write(address, value) => {
                let register = writable(*address).map_err(|error| error.to_string())?;
                self.remember(register)?;
                if register == ess::GRID_SETPOINT {
                    self.is_obeyed()?;
                }
                let held = self.gx.write_raw(*address, *value).map_err(|error| error.to_string())?;
                if held == *value {
                    return Ok(());
                }
                Err(format!("register {address} was set to {value} and reads back {held}: the GX refuses it"))
            }
        }
    }

    /// Reads a register that nobody here has written yet.
    fn remember(&mut self, register: Register) -> Result<(), String> {
        if self.found().iter().any(|(known, _)| *known == register) {
            return Ok(());
        }
        let held = self.gx.held(register).map_err(|error| {
            format!("{error}; what cannot be read cannot be put back: nothing was written")
        })?;
        (self.keeper)(register, &held);
        self.found().push((register, held));
        Ok(())
    }

    /// Whether the set-point of 2700 is the one that counts: whoever controls from outside sets another over it.
    fn is_obeyed(&self) -> Result<(), String> {
        let over = ess::SETPOINT_OVERRIDE;
        match self.gx.held(over) {
            Ok(cells) => match over.read(over.address, &cells) {
                Some(watts) if watts.abs() >= 1.0 => Err(format!(
                    "register {} ({}) holds {watts} W: the GX takes no notice of register {}. Switch off what controls it \
                     from outside",
                    over.address,
                    over.label,
                    ess::GRID_SETPOINT.address
                )),
                _ => Ok(()),
            },
            // One of before 2026 has no such register.
            Err(error) if error.is_refusal() => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Writes what was found into every register that was written, the last one first. What went wrong can be tried again.
    ///
    /// # Errors
    /// With each register that is not as it was found, and what it held.
    pub(super) fn put_back(&mut self) -> Result<(), String> {
        let mut wrong = Vec::new();
        let found = std::mem::take(&mut *self.found());
        for (register, cells) in found.into_iter().rev() {
            let why = match self.gx.put_back(register, cells.clone()) {
                Ok(held) if held == cells => continue,
                Ok(held) => format!("it reads back {}", told(register, &held)),
                Err(error) => error.to_string(),
            };
            let (address, label, was) = (register.address, register.label, told(register, &cells));
            wrong.insert(0, format!("register {address} ({label}) held {was} and was not put back: {why}"));
            self.found().insert(0, (register, cells));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }

    fn set(&self, register: Register, value: f64, hint: &str) -> Result<(), String> {
        let held = self.gx.write(register, value).map_err(|error| error.to_string())?;
        // What the register can tell apart.
        if register.scale.raw(held) == register.scale.raw(value) {
            return Ok(());
        }
        let Register { address, label, unit, .. } = register;
        Err(format!(
            "register {address} ({label}) was set to {value} {unit} and reads back {held} {unit}: the GX refuses it{hint}"
        ))
    }
}

/// What cells of a register mean, with its unit.
fn told(register: Register, cells: &[u16]) -> String {
    match register.read(register.address, cells) {
        Some(value) => format!("{value} {}", register.unit).trim_end().to_owned(),
        None => format!("{cells:?}"),
    }
}
