//! What is switched and set over Modbus, each read back.

use proto::gx::{Register, system};

use crate::gx::{Coil, GxPort};
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

/// Whatever switches.
pub(super) struct Hands(pub(super) GxPort);

impl Hands {
    /// Does one after the other. The first that fails ends it.
    pub(super) fn do_all(&mut self, moves: &[Move]) -> Result<(), String> {
        moves.iter().try_for_each(|step| self.do_one(step))
    }

    fn do_one(&mut self, step: &Move) -> Result<(), String> {
        match step {
            Move::Switch(Switch::GxRelay(number), on) => {
                let relay = if *number == 2 { system::RELAY_2 } else { system::RELAY_1 };
                self.set(
                    relay,
                    f64::from(u8::from(*on)),
                    "; is the function of this relay set to Manual on the GX?",
                )
            }
            Move::Switch(Switch::Coil { address, unit, number }, on) => {
                let coil = Coil { address: address.clone(), unit: *unit, coil: *number };
                let is = self.0.switch(&coil, *on).map_err(|error| error.to_string())?;
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
            Move::Set(register, value) => self.set(*register, *value, ""),
            Move::Write(address, value) => {
                let held = self.0.write_raw(*address, *value).map_err(|error| error.to_string())?;
                if held == *value {
                    return Ok(());
                }
                Err(format!("register {address} was set to {value} and reads back {held}: the GX refuses it"))
            }
        }
    }

    fn set(&self, register: Register, value: f64, hint: &str) -> Result<(), String> {
        let held = self.0.write(register, value).map_err(|error| error.to_string())?;
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
